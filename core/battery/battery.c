/* SPDX-License-Identifier: MIT */
/* Validity, age and the values derived from one sample. */
#include "battery/battery.h"

/* How old a field may grow before it is stale, per group. Live data at 10 Hz is long overdue after
 * 5 s; a block of settings is read every 10 s and may miss many turns; a version does not change.
 */
static const uint64_t group_age_ms[BATTERY_GROUP_COUNT] = {
    [BATTERY_GROUP_LIVE] = 5000,          [BATTERY_GROUP_SETTINGS] = 300000,
    [BATTERY_GROUP_STATISTICS] = 300000,  [BATTERY_GROUP_EVENTS] = 60000,
    [BATTERY_GROUP_VERSION] = UINT64_MAX,
};

void battery_init(struct battery *b) {
    *b = (struct battery){0};
}

enum battery_group battery_field_group(enum battery_field field) {
    if (field < BATTERY_FULLY_CHARGED) {
        return BATTERY_GROUP_LIVE;
    }
    if (field < BATTERY_FULL_CHARGE_COUNT) {
        return BATTERY_GROUP_SETTINGS;
    }
    if (field < BATTERY_EVENTS) {
        return BATTERY_GROUP_STATISTICS;
    }
    if (field < BATTERY_HARDWARE_VERSION) {
        return BATTERY_GROUP_EVENTS;
    }
    return BATTERY_GROUP_VERSION;
}

uint64_t battery_age_ms(const struct battery *b, enum battery_field field, uint64_t now_ms) {
    if (b->validity[field] == BATTERY_NEVER_READ) {
        return UINT64_MAX;
    }
    uint64_t at_ms = b->read_at_ms[field];
    return now_ms > at_ms ? now_ms - at_ms : 0;
}

enum battery_validity battery_validity(const struct battery *b, enum battery_field field,
                                       uint64_t now_ms) {
    enum battery_validity v = (enum battery_validity)b->validity[field];
    if (v == BATTERY_VALID &&
        battery_age_ms(b, field, now_ms) > group_age_ms[battery_field_group(field)]) {
        return BATTERY_STALE;
    }
    return v;
}

void battery_set(struct battery *b, enum battery_field field, uint64_t now_ms) {
    b->validity[field] = BATTERY_VALID;
    b->read_at_ms[field] = now_ms;
}

void battery_clear(struct battery *b, enum battery_field field, enum battery_validity why,
                   uint64_t now_ms) {
    b->validity[field] = (uint8_t)why;
    b->read_at_ms[field] = now_ms;
}

/*@ assigns \nothing;
    ensures -INT32_MAX <= \result <= INT32_MAX; */
static int32_t power_mw(uint32_t pack_mv, int32_t pack_ma) {
    int64_t uw = (int64_t)pack_mv * pack_ma;
    int64_t mw = uw / 1000;
    if (mw > INT32_MAX) {
        return INT32_MAX;
    }
    return mw < -INT32_MAX ? -INT32_MAX : (int32_t)mw;
}

void battery_derive(struct battery *b) {
    b->min_cell = b->max_cell = 0;
    b->min_cell_mv = b->max_cell_mv = b->imbalance_mv = 0;
    b->power_mw = 0;
    if (battery_has(b, BATTERY_CELLS)) {
        /*@ loop invariant i <= b->cell_count <= BATTERY_CELLS_MAX;
            loop invariant i > 0 ==> b->min_cell_mv <= b->max_cell_mv;
            loop invariant i == 0 ==> b->min_cell == 0 && b->max_cell == 0;
            loop invariant i > 0 ==> 1 <= b->min_cell <= i && 1 <= b->max_cell <= i;
            loop assigns i, b->min_cell, b->min_cell_mv, b->max_cell, b->max_cell_mv;
            loop variant b->cell_count - i; */
        for (uint8_t i = 0; i < b->cell_count; i++) {
            uint16_t mv = b->cell_mv[i];
            if (b->min_cell == 0 || mv < b->min_cell_mv) {
                b->min_cell = (uint8_t)(i + 1);
                b->min_cell_mv = mv;
            }
            if (b->max_cell == 0 || mv > b->max_cell_mv) {
                b->max_cell = (uint8_t)(i + 1);
                b->max_cell_mv = mv;
            }
        }
        b->imbalance_mv = (uint16_t)(b->max_cell_mv - b->min_cell_mv);
    }
    if (battery_has(b, BATTERY_PACK_VOLTAGE) && battery_has(b, BATTERY_PACK_CURRENT)) {
        b->power_mw = power_mw(b->pack_mv, b->pack_ma);
    }
}

/* The sensors that stand for the pack: the external ones, or the internal one alone. Fills at most
 * BATTERY_EXTERNAL_SENSORS entries; number 0 is the internal sensor. */
/*@ requires \valid_read(b);
    requires \valid(dc + (0 .. 1)) && \valid(number + (0 .. 1));
    requires \separated(b, dc + (0 .. 1), number + (0 .. 1));
    assigns dc[0 .. 1], number[0 .. 1];
    ensures 0 <= \result <= BATTERY_EXTERNAL_SENSORS;
    ensures \forall integer i; 0 <= i < \result ==> 0 <= number[i] <= 2; */
static int pack_sensors(const struct battery *b, int16_t *dc, int *number) {
    int n = 0;
    /*@ loop invariant 0 <= n <= i <= BATTERY_EXTERNAL_SENSORS;
        loop invariant \forall integer k; 0 <= k < n ==> 1 <= number[k] <= 2;
        loop assigns i, n, dc[0 .. 1], number[0 .. 1];
        loop variant BATTERY_EXTERNAL_SENSORS - i; */
    for (int i = 0; i < BATTERY_EXTERNAL_SENSORS; i++) {
        if (battery_has(b, (enum battery_field)(BATTERY_EXTERNAL_TEMPERATURE_1 + i))) {
            dc[n] = b->external_temperature_dc[i];
            number[n++] = i + 1;
        }
    }
    if (n == 0 && battery_has(b, BATTERY_INTERNAL_TEMPERATURE)) {
        dc[0] = b->internal_temperature_dc;
        number[0] = 0;
        n = 1;
    }
    return n;
}

int battery_temperature_extremes(const struct battery *b, int16_t *lowest_dc, int *lowest_sensor,
                                 int16_t *highest_dc, int *highest_sensor) {
    int16_t dc[BATTERY_EXTERNAL_SENSORS];
    int number[BATTERY_EXTERNAL_SENSORS];
    int n = pack_sensors(b, dc, number);
    /*@ loop invariant 0 <= i <= n;
        loop invariant i > 0 ==> 0 <= *lowest_sensor <= 2 && 0 <= *highest_sensor <= 2 &&
            *lowest_dc <= *highest_dc;
        loop assigns i, *lowest_dc, *lowest_sensor, *highest_dc, *highest_sensor;
        loop variant n - i; */
    for (int i = 0; i < n; i++) {
        if (i == 0 || dc[i] < *lowest_dc) {
            *lowest_dc = dc[i];
            *lowest_sensor = number[i];
        }
        if (i == 0 || dc[i] > *highest_dc) {
            *highest_dc = dc[i];
            *highest_sensor = number[i];
        }
    }
    return n;
}

bool battery_temperature_mean(const struct battery *b, int16_t *mean_dc) {
    int16_t dc[BATTERY_EXTERNAL_SENSORS];
    int number[BATTERY_EXTERNAL_SENSORS];
    int n = pack_sensors(b, dc, number);
    if (n == 0) {
        return false;
    }
    int32_t sum = 0;
    /*@ loop invariant 0 <= i <= n && -32768 * i <= sum <= 32767 * i;
        loop assigns i, sum;
        loop variant n - i; */
    for (int i = 0; i < n; i++) {
        sum += dc[i];
    }
    *mean_dc = (int16_t)((sum + (sum < 0 ? -(n / 2) : n / 2)) / n);
    return true;
}

int battery_missing_register(const struct battery *b) {
    static const struct {
        enum battery_field field;
        uint16_t addr;
    } needed[] = {
        {BATTERY_CELLS, 0},
        {BATTERY_PACK_VOLTAGE, 36},
        {BATTERY_PACK_CURRENT, 38},
        {BATTERY_SOC, 46},
        {BATTERY_STATUS, 50},
        {BATTERY_FULLY_CHARGED, 300},
        {BATTERY_FULLY_DISCHARGED, 301},
        {BATTERY_SERIES_CELLS, 307},
        {BATTERY_OVER_VOLTAGE_CUTOFF, 315},
        {BATTERY_UNDER_VOLTAGE_CUTOFF, 316},
        {BATTERY_DISCHARGE_OVER_CURRENT_CUTOFF, 317},
        {BATTERY_CHARGE_OVER_CURRENT_CUTOFF, 318},
        {BATTERY_OVER_HEAT_CUTOFF, 319},
        {BATTERY_LOW_TEMPERATURE_CUTOFF, 320},
    };
    /*@ loop pragma UNROLL "completely", 15;
        loop assigns i; */
    for (unsigned i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (!battery_has(b, needed[i].field)) {
            return needed[i].addr;
        }
    }
    uint16_t expected =
        battery_has(b, BATTERY_DETECTED_CELLS) ? b->detected_cells : b->series_cells;
    bool all_cells = b->cell_count >= BATTERY_CELLS_MIN && b->cell_count == expected;
    return all_cells ? BATTERY_NOTHING_MISSING : 0;
}

bool battery_complete(const struct battery *b) {
    return battery_missing_register(b) == BATTERY_NOTHING_MISSING;
}
