/* SPDX-License-Identifier: MIT */
/* A complete, plausible sample for the policy tests: a 14-cell pack with the protections of a real
 * device (300 = 4150, 301 = 3000, 315 = 4200, 316 = 2900, 317 = 60 A, 318 = 20 A, 319 = 60 degC,
 * 320 = 1 degC), all cells at 3900 mV, 10 A discharging, 50 % SOC, one sensor at 20 degC. */
#ifndef TESTS_UNIT_POLICY_SAMPLE_H
#define TESTS_UNIT_POLICY_SAMPLE_H

#include "battery/battery.h"

/* Stands for what the decoder computes from the registers: differs when the values do. */
static inline void sample_fingerprint(struct battery *b) {
    uint32_t cells = (uint32_t)b->pack_ma;
    for (int i = 0; i < BATTERY_CELLS_MAX; i++) {
        cells = cells * 31 + b->cell_mv[i];
    }
    b->cells_fingerprint = cells;
    b->live_fingerprint = ((cells * 31 + b->lifetime_s) * 31 + b->soc_cpct) * 31 + b->status;
}

static inline void sample_refresh(struct battery *b, uint64_t now_ms) {
    for (int f = 0; f < BATTERY_FIELD_COUNT; f++) {
        if (b->validity[f] == BATTERY_VALID) {
            b->read_at_ms[f] = now_ms;
        }
    }
    battery_derive(b);
    sample_fingerprint(b);
}

static inline void sample_set_cell(struct battery *b, int cell, uint16_t mv) {
    int delta = mv - b->cell_mv[cell - 1];
    b->cell_mv[cell - 1] = mv;
    b->pack_mv = (uint32_t)((int)b->pack_mv + delta);
    battery_derive(b);
    b->bms_min_cell_mv = b->min_cell_mv;
    b->bms_max_cell_mv = b->max_cell_mv;
}

static inline void sample_nominal(struct battery *b, uint64_t now_ms) {
    static const enum battery_field known[] = {
        BATTERY_CELLS,
        BATTERY_PACK_VOLTAGE,
        BATTERY_PACK_CURRENT,
        BATTERY_BMS_MIN_CELL,
        BATTERY_BMS_MAX_CELL,
        BATTERY_EXTERNAL_TEMPERATURE_1,
        BATTERY_INTERNAL_TEMPERATURE,
        BATTERY_SOC,
        BATTERY_STATUS,
        BATTERY_DETECTED_CELLS,
        BATTERY_LIFETIME,
        BATTERY_FULLY_CHARGED,
        BATTERY_FULLY_DISCHARGED,
        BATTERY_SERIES_CELLS,
        BATTERY_OVER_VOLTAGE_CUTOFF,
        BATTERY_UNDER_VOLTAGE_CUTOFF,
        BATTERY_DISCHARGE_OVER_CURRENT_CUTOFF,
        BATTERY_CHARGE_OVER_CURRENT_CUTOFF,
        BATTERY_OVER_HEAT_CUTOFF,
        BATTERY_LOW_TEMPERATURE_CUTOFF,
    };
    battery_init(b);
    b->cell_count = 14;
    for (int i = 0; i < 14; i++) {
        b->cell_mv[i] = 3900;
    }
    b->pack_mv = 54600; /* 14 x 3900 */
    b->pack_ma = -10000;
    b->bms_min_cell_mv = b->bms_max_cell_mv = 3900;
    b->external_temperature_dc[0] = 200;
    b->internal_temperature_dc = 250;
    b->soc_cpct = 5000;
    b->status = BATTERY_STATUS_DISCHARGING;
    b->detected_cells = b->series_cells = 14;
    b->lifetime_s = 1000000;
    b->fully_charged_mv = 4150;
    b->fully_discharged_mv = 3000;
    b->over_voltage_cutoff_mv = 4200;
    b->under_voltage_cutoff_mv = 2900;
    b->discharge_over_current_ma = 60000;
    b->charge_over_current_ma = 20000;
    b->over_heat_cutoff_dc = 600;
    b->low_temperature_cutoff_dc = 10;
    for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++) {
        battery_set(b, known[i], now_ms);
    }
    battery_derive(b);
    sample_fingerprint(b);
}

#endif
