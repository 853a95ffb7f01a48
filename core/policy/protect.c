/* SPDX-License-Identifier: MIT */
#include "policy/protect.h"

#include <string.h>

#include "policy/trust.h"

void protection_init(struct protection *p) {
    memset(p, 0, sizeof *p);
}

/* Sets at the threshold, releases behind the hysteresis and only when trusted. */
static void latch(bool *active, bool set, bool release, bool trusted) {
    if (set) {
        *active = true;
    } else if (release && trusted) {
        *active = false;
    }
}

static bool cell_possible(uint16_t mv) {
    return mv >= TRUST_CELL_MIN_MV && mv <= TRUST_CELL_MAX_MV;
}

/* The highest (lowest) cell. A trusted sample's cells speak for themselves where they make the
 * pack's voltage: one broken register of the BMS must not darken the house. Else registers 40 and
 * 41 count as well, whichever is worse: in an untrusted sample, and in one that those two and the
 * pack's voltage make good against the cells. A value outside the possible range says nothing about
 * danger.
 */
static bool worst_cells(const struct battery *b, bool trusted, uint16_t *highest_mv,
                        uint16_t *lowest_mv) {
    uint16_t high = 0;
    uint16_t low = UINT16_MAX;
    bool alone = trusted && trust_cells_make_pack(b);
    if (battery_has(b, BATTERY_CELLS)) {
        for (uint8_t i = 0; i < b->cell_count; i++) {
            uint16_t mv = b->cell_mv[i];
            if (cell_possible(mv)) {
                high = mv > high ? mv : high;
                low = mv < low ? mv : low;
            }
        }
    }
    if (!alone && battery_has(b, BATTERY_BMS_MAX_CELL) && cell_possible(b->bms_max_cell_mv) &&
        b->bms_max_cell_mv > high) {
        high = b->bms_max_cell_mv;
    }
    if (!alone && battery_has(b, BATTERY_BMS_MIN_CELL) && cell_possible(b->bms_min_cell_mv) &&
        b->bms_min_cell_mv < low) {
        low = b->bms_min_cell_mv;
    }
    *highest_mv = high;
    *lowest_mv = low;
    return high != 0 && low != UINT16_MAX;
}

static void judge_cells(struct protection *p, const struct battery *b, bool trusted) {
    uint16_t highest_mv;
    uint16_t lowest_mv;
    if (!worst_cells(b, trusted, &highest_mv, &lowest_mv)) {
        return;
    }
    if (battery_has(b, BATTERY_OVER_VOLTAGE_CUTOFF)) {
        int32_t cutoff_mv = b->over_voltage_cutoff_mv;
        latch(&p->over_voltage, highest_mv >= cutoff_mv,
              highest_mv < cutoff_mv - PROTECT_CELL_HYSTERESIS_MV, trusted);
    }
    if (battery_has(b, BATTERY_UNDER_VOLTAGE_CUTOFF)) {
        int32_t cutoff_mv = b->under_voltage_cutoff_mv;
        bool low = lowest_mv <= cutoff_mv;
        bool filled = lowest_mv > cutoff_mv + PROTECT_CELL_HYSTERESIS_MV;
        latch(&p->under_voltage, low, filled, trusted);
        latch(&p->empty, low && trusted, filled, trusted);
    }
}

static void judge_temperatures(struct protection *p, const struct battery *b, bool trusted) {
    int16_t lowest_dc;
    int16_t highest_dc;
    int lowest_sensor;
    int highest_sensor;
    if (battery_temperature_extremes(b, &lowest_dc, &lowest_sensor, &highest_dc, &highest_sensor) ==
        0) {
        return;
    }
    if (battery_has(b, BATTERY_OVER_HEAT_CUTOFF)) {
        int32_t cutoff_dc = b->over_heat_cutoff_dc;
        latch(&p->too_hot, highest_dc >= cutoff_dc,
              highest_dc < cutoff_dc - PROTECT_TEMPERATURE_HYSTERESIS_DC, trusted);
    }
    if (battery_has(b, BATTERY_LOW_TEMPERATURE_CUTOFF)) {
        int32_t cutoff_dc = b->low_temperature_cutoff_dc;
        latch(&p->too_cold, lowest_dc < cutoff_dc,
              lowest_dc >= cutoff_dc + PROTECT_TEMPERATURE_HYSTERESIS_DC, trusted);
    }
}

void protection_handle_sample(struct protection *p, const struct battery *b, bool trusted) {
    judge_cells(p, b, trusted);
    judge_temperatures(p, b, trusted);
    if (battery_has(b, BATTERY_STATUS)) {
        bool fault = b->status == BATTERY_STATUS_FAULT;
        latch(&p->fault, fault, !fault, trusted);
    }
}

enum limit_reason protection_charge(const struct protection *p) {
    if (p->fault && !p->empty) {
        return LIMIT_STATUS_FAULT;
    }
    if (p->over_voltage) {
        return LIMIT_CELL_OVER_VOLTAGE;
    }
    if (p->too_hot) {
        return LIMIT_TEMPERATURE_HIGH;
    }
    return p->too_cold ? LIMIT_TEMPERATURE_LOW : LIMIT_NOMINAL;
}

enum limit_reason protection_discharge(const struct protection *p) {
    if (p->fault) {
        return LIMIT_STATUS_FAULT;
    }
    return p->under_voltage ? LIMIT_CELL_UNDER_VOLTAGE : LIMIT_NOMINAL;
}
