/* SPDX-License-Identifier: MIT */
/* The gateway's end of a virtual BMS's UART, in virtual time. */
#ifndef TESTS_SIM_WIRE_H
#define TESTS_SIM_WIRE_H

#include "sim/bms.h"

struct wire {
    struct sim_bms bms;
    uint64_t now_us;
    uint8_t rx[8192]; /* all that came since the last ask */
    size_t n;
    uint64_t first_us, last_us; /* when its first and last byte came */
};

/* cfg NULL: the defaults. Time starts at 1 s. */
void wire_init(struct wire *w, const struct sim_bms_config *cfg);
/* Lets us microseconds pass, in steps of at most step_us, collecting what comes. */
void wire_run(struct wire *w, uint64_t us, uint64_t step_us);
/* Sends hexadecimal text as it is, and lets 100 ms pass. */
void wire_send(struct wire *w, const char *hex);
/* The same with the CRC appended. */
void wire_ask(struct wire *w, const char *hex_without_crc);
/* Fails the test unless exactly these bytes came since the last send. */
void wire_expect(const struct wire *w, const char *hex);
/* The same with the CRC appended. */
void wire_expect_frame(const struct wire *w, const char *hex_without_crc);
/* The test ends unless text is a register file. */
void wire_load(struct wire *w, const char *text);

#endif
