/* SPDX-License-Identifier: MIT */
/* A virtual BMS on a bench: a large, even pack whose voltages, temperatures and current the test
 * sets, sensors without noise, and time that the test lets pass. Cells keep what they are given:
 * 500 Ah hardly move in minutes. */
#ifndef TESTS_SIM_BENCH_H
#define TESTS_SIM_BENCH_H

#include "wire.h"

/* 14 cells NMC (or 16 of another kind), at rest at 50 %: registers 300 = 4150, 301 = 3000,
 * 303 = 3200, 304 = 1000, 305 = 90, 308 = 15, 310 = 311 = 5, 315 = 4200, 316 = 2900, 317 = 60,
 * 318 = 20, 319 = 60, 320 = 1, 321 = 90, 332 = 5, high power, dual port. */
struct sim_bms_config bench_config(enum sim_chemistry_id chemistry);
/* cfg NULL: bench_config(SIM_NMC). The house may do anything. */
void bench_init(struct wire *w, const struct sim_bms_config *cfg);

/* Terminal voltage now, with the current that flows; the next measurement shows it. */
void bench_cells(struct wire *w, double mv);
void bench_cell(struct wire *w, unsigned number, double mv); /* 1 = the first */
/* What the house wants, A, + charging. */
void bench_wants(struct wire *w, double amps);
void bench_temperature(struct wire *w, double degc);
/* The test ends unless the device takes the setting. */
void bench_set(struct wire *w, uint16_t addr, uint16_t value);

/* Lets time pass. Of bytes that came only those of the last second are kept. */
void bench_pass_ms(struct wire *w, uint64_t ms);
void bench_pass_s(struct wire *w, uint64_t s);
/* Two measurements: one to notice, one with what it did about it. */
void bench_notice(struct wire *w);

double bench_amps(const struct wire *w);
double bench_soc(const struct wire *w); /* register 46, % */
/* How many events of this id are in registers 200-297; the clock at the latest of them. */
unsigned bench_events(const struct wire *w, unsigned id);
uint32_t bench_event_clock(const struct wire *w, unsigned id);
/* "both", "charge", "load" or "none": the switches that are on. */
const char *bench_switches(const struct wire *w);
void bench_expect_switches(const struct wire *w, const char *on);

#endif
