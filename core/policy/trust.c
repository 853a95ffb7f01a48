/* SPDX-License-Identifier: MIT */
#include "policy/trust.h"

#include <string.h>

void trust_init(struct trust *t) {
    memset(t, 0, sizeof *t);
}

static bool near(int64_t a, int64_t b, int64_t tolerance) {
    int64_t d = a > b ? a - b : b - a;
    return d <= tolerance;
}

/* Everything that a sample must have, read at this very time. */
static bool whole(const struct battery *b, uint64_t now_ms) {
    static const enum battery_field live[] = {BATTERY_CELLS, BATTERY_PACK_VOLTAGE,
                                              BATTERY_PACK_CURRENT, BATTERY_SOC, BATTERY_STATUS};
    for (unsigned i = 0; i < sizeof live / sizeof live[0]; i++) {
        if (battery_age_ms(b, live[i], now_ms) != 0) {
            return false;
        }
    }
    return battery_complete(b);
}

/* "Settings obey an order"; only a spoilt or foreign answer does not. */
static bool settings_plausible(const struct battery *b) {
    return b->under_voltage_cutoff_mv < b->fully_discharged_mv &&
           b->fully_discharged_mv < b->fully_charged_mv &&
           b->fully_charged_mv < b->over_voltage_cutoff_mv &&
           b->over_voltage_cutoff_mv <= TRUST_CELL_SETTING_MAX_MV &&
           b->charge_over_current_ma <= TRUST_CURRENT_SETTING_MAX_MA &&
           b->discharge_over_current_ma <= TRUST_CURRENT_SETTING_MAX_MA;
}

static bool cells_in_range(const struct battery *b) {
    for (uint8_t i = 0; i < b->cell_count; i++) {
        if (b->cell_mv[i] < TRUST_CELL_MIN_MV || b->cell_mv[i] > TRUST_CELL_MAX_MV) {
            return false;
        }
    }
    return true;
}

static int64_t pack_tolerance_mv(const struct battery *b) {
    int64_t share_mv = b->pack_mv / 100;
    return share_mv > TRUST_PACK_TOLERANCE_MV ? share_mv : TRUST_PACK_TOLERANCE_MV;
}

bool trust_cells_make_pack(const struct battery *b) {
    int64_t sum_mv = 0;
    for (uint8_t i = 0; i < b->cell_count; i++) {
        sum_mv += b->cell_mv[i];
    }
    return near(sum_mv, b->pack_mv, pack_tolerance_mv(b));
}

static bool two_witnesses_agree(const struct battery *b, uint64_t now_ms) {
    int64_t pack_mv = b->pack_mv;
    int64_t tolerance_mv = pack_tolerance_mv(b);
    if (trust_cells_make_pack(b)) {
        return true;
    }
    if (battery_age_ms(b, BATTERY_BMS_MIN_CELL, now_ms) != 0 ||
        battery_age_ms(b, BATTERY_BMS_MAX_CELL, now_ms) != 0) { /* of another sample, or none */
        return false;
    }
    if (near(b->bms_min_cell_mv, b->min_cell_mv, TRUST_EXTREMES_TOLERANCE_MV) &&
        near(b->bms_max_cell_mv, b->max_cell_mv, TRUST_EXTREMES_TOLERANCE_MV)) {
        return true;
    }
    return pack_mv >= (int64_t)b->bms_min_cell_mv * b->cell_count - tolerance_mv &&
           pack_mv <= (int64_t)b->bms_max_cell_mv * b->cell_count + tolerance_mv;
}

/* True while the reading must wait: it differs from the last good one by more than `step` and has
 * not been seen TRUST_REPEATS times in a row. */
static bool step_waits(struct trust_step *s, bool present, int32_t value, bool was_present,
                       int32_t was, int32_t step, int32_t repeat) {
    bool jumped = present != was_present || (present && !near(value, was, step));
    if (!jumped) {
        s->seen = 0;
        return false;
    }
    if (s->seen == 0 || s->present != present || (present && !near(value, s->value, repeat))) {
        s->seen = 1;
    } else if (s->seen < TRUST_REPEATS) { /* stays there until the sample is taken */
        s->seen++;
    }
    s->present = present;
    s->value = value;
    return s->seen < TRUST_REPEATS;
}

static bool temperature_step_waits(struct trust *t, const struct battery *b,
                                   const struct battery *last) {
    static const enum battery_field field[TRUST_SENSORS] = {BATTERY_EXTERNAL_TEMPERATURE_1,
                                                            BATTERY_EXTERNAL_TEMPERATURE_2,
                                                            BATTERY_INTERNAL_TEMPERATURE};
    const int16_t now[TRUST_SENSORS] = {b->external_temperature_dc[0],
                                        b->external_temperature_dc[1], b->internal_temperature_dc};
    const int16_t was[TRUST_SENSORS] = {last->external_temperature_dc[0],
                                        last->external_temperature_dc[1],
                                        last->internal_temperature_dc};
    bool waits = false;
    for (int i = 0; i < TRUST_SENSORS; i++) {
        waits |= step_waits(&t->temperature[i], battery_has(b, field[i]), now[i],
                            battery_has(last, field[i]), was[i], TRUST_TEMPERATURE_STEP_DC,
                            TRUST_REPEAT_TEMPERATURE_DC);
    }
    return waits;
}

static bool soc_step_waits(struct trust *t, const struct battery *b, const struct battery *last) {
    if (b->status == BATTERY_STATUS_FULLY_CHARGED && b->soc_cpct == 10000) {
        t->soc.seen = 0;
        return false;
    }
    return step_waits(&t->soc, true, b->soc_cpct, true, last->soc_cpct, TRUST_SOC_STEP_CPCT,
                      TRUST_REPEAT_SOC_CPCT);
}

uint8_t trust_judge(struct trust *t, const struct battery *b, const struct battery *last_good,
                    uint64_t now_ms) {
    unsigned doubt = TRUST_OK;
    if (!whole(b, now_ms)) {
        doubt = TRUST_INCOMPLETE;
    } else if (!settings_plausible(b)) {
        doubt = TRUST_SETTINGS;
    } else if (!cells_in_range(b)) {
        doubt = TRUST_CELL_RANGE;
    } else if (!two_witnesses_agree(b, now_ms)) {
        doubt = TRUST_VOLTAGES;
    } else if (last_good != NULL) {
        doubt |= temperature_step_waits(t, b, last_good) ? TRUST_TEMPERATURE_STEP : 0u;
        doubt |= soc_step_waits(t, b, last_good) ? TRUST_SOC_STEP : 0u;
    }
    if (doubt != TRUST_OK) {
        t->doubted++;
    }
    return (uint8_t)doubt;
}
