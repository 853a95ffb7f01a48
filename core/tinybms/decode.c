/* SPDX-License-Identifier: MIT */
/* Raw words into struct battery: field_rows says how for every field that is one number; cells,
 * events and the serial number have functions of their own.
 *
 * A value outside its physical range is nonsense: the field keeps its old value and time, so that
 * it ages, and the value is counted. The ranges are wider than the catalogue's: what the BMS lives
 * with is not refused, only what no battery can be. A zero (or all ones) where the document has no
 * such setting means that this firmware does not know the register: reserved, never a limit.
 *
 * Source of truth: the vendor's "Communication Protocols, Revision D". */
#include <string.h>

#include "tinybms/frame.h"
#include "tinybms/image.h"

enum wire { U16, I16, U32, F32, LOW_BYTE };

enum {
    ZERO = 1,   /* 0 is reserved */
    ONES = 2,   /* 0xFFFF is reserved */
    ABSENT = 4, /* -32768: there is no such sensor */
    INVERT = 8, /* the sign depends on the installation */
    CLAMP = 16, /* up to a hundredth over the maximum is the maximum: counting overshoots */
};

struct field_row {
    uint16_t addr;
    enum wire wire;
    enum battery_field field;
    uint16_t offset; /* into struct battery */
    uint8_t size;    /* of that member: 2 or 4 */
    uint16_t multiply, divide;
    int64_t min, max; /* of the result; outside is nonsense */
    uint8_t flags;
};

#define INTO(member) offsetof(struct battery, member), sizeof(((struct battery *)0)->member)

/* clang-format off */
static const struct field_row field_rows[] = {
    { 32, U32, BATTERY_LIFETIME,                      INTO(lifetime_s),                 1,     1,       0,  UINT32_MAX, 0},
    { 34, U32, BATTERY_TIME_LEFT,                     INTO(time_left_s),                1,     1,       0,  UINT32_MAX, 0},
    { 36, F32, BATTERY_PACK_VOLTAGE,                  INTO(pack_mv),                    1,     1,       1,      120000, 0},
    { 38, F32, BATTERY_PACK_CURRENT,                  INTO(pack_ma),                    1,     1, -2000000,    2000000, INVERT},
    { 40, U16, BATTERY_BMS_MIN_CELL,                  INTO(bms_min_cell_mv),            1,     1,       0,        6554, 0},
    { 41, U16, BATTERY_BMS_MAX_CELL,                  INTO(bms_max_cell_mv),            1,     1,       0,        6554, 0},
    { 42, I16, BATTERY_EXTERNAL_TEMPERATURE_1,        INTO(external_temperature_dc[0]), 1,     1,    -600,        1500, ABSENT},
    { 43, I16, BATTERY_EXTERNAL_TEMPERATURE_2,        INTO(external_temperature_dc[1]), 1,     1,    -600,        1500, ABSENT},
    { 45, U16, BATTERY_SOH,                           INTO(soh_cpct),                   1,     5,       0,       10000, ZERO},
    { 46, U32, BATTERY_SOC,                           INTO(soc_cpct),                   1, 10000,       0,       10000, CLAMP},
    { 48, I16, BATTERY_INTERNAL_TEMPERATURE,          INTO(internal_temperature_dc),    1,     1,    -600,        1500, ABSENT},
    { 50, U16, BATTERY_STATUS,                        INTO(status),                     1,     1,       0,       65535, 0},
    { 51, U16, BATTERY_BALANCING_NEEDED,              INTO(balancing_needed_bits),      1,     1,       0,       65535, 0},
    { 52, U16, BATTERY_BALANCING_ACTIVE,              INTO(balancing_active_bits),      1,     1,       0,       65535, 0},
    { 53, U16, BATTERY_DETECTED_CELLS,                INTO(detected_cells),             1,     1,       4,          16, 0},
    {111, U16, BATTERY_CHARGING_COUNT,                INTO(charging_count),             1,     1,       0,       65535, 0},
    {112, U16, BATTERY_FULL_CHARGE_COUNT,             INTO(full_charge_count),          1,     1,       0,       65535, 0},
    {300, U16, BATTERY_FULLY_CHARGED,                 INTO(fully_charged_mv),           1,     1,     500,        5000, ZERO},
    {301, U16, BATTERY_FULLY_DISCHARGED,              INTO(fully_discharged_mv),        1,     1,     500,        5000, ZERO},
    {303, U16, BATTERY_EARLY_BALANCING,               INTO(early_balancing_mv),         1,     1,     500,        5000, ZERO},
    {304, U16, BATTERY_CHARGE_FINISHED_CURRENT,       INTO(charge_finished_ma),         1,     1,       1,       65534, ZERO},
    {305, U16, BATTERY_PEAK_DISCHARGE_CUTOFF,         INTO(peak_discharge_cutoff_ma),   1000,  1,    1000,     2000000, ZERO | ONES},
    {306, U16, BATTERY_CAPACITY,                      INTO(capacity_mah),               10,    1,      10,      655340, ZERO},
    {307, U16, BATTERY_SERIES_CELLS,                  INTO(series_cells),               1,     1,       4,          16, ZERO},
    {308, U16, BATTERY_ALLOWED_DISBALANCE,            INTO(allowed_disbalance_mv),      1,     1,       1,        1000, ZERO},
    {315, U16, BATTERY_OVER_VOLTAGE_CUTOFF,           INTO(over_voltage_cutoff_mv),     1,     1,     500,        5000, ZERO},
    {316, U16, BATTERY_UNDER_VOLTAGE_CUTOFF,          INTO(under_voltage_cutoff_mv),    1,     1,     500,        5000, ZERO},
    {317, U16, BATTERY_DISCHARGE_OVER_CURRENT_CUTOFF, INTO(discharge_over_current_ma),  1000,  1,    1000,     2000000, ZERO},
    {318, U16, BATTERY_CHARGE_OVER_CURRENT_CUTOFF,    INTO(charge_over_current_ma),     1000,  1,    1000,     2000000, ZERO},
    {319, I16, BATTERY_OVER_HEAT_CUTOFF,              INTO(over_heat_cutoff_dc),        10,    1,      10,        1500, 0},
    {320, I16, BATTERY_LOW_TEMPERATURE_CUTOFF,        INTO(low_temperature_cutoff_dc),  10,    1,    -600,         600, 0},
    {321, U16, BATTERY_CHARGE_RESTART_LEVEL,          INTO(charge_restart_cpct),        100,   1,     100,       10000, ZERO | ONES},
    {340, LOW_BYTE, BATTERY_OPERATION_MODE,           INTO(operation_mode),             1,     1,       0,           1, 0},
    {342, LOW_BYTE, BATTERY_BROADCAST,                INTO(broadcast_time),             1,     1,       0,           7, 0},
    {500, U16, BATTERY_HARDWARE_VERSION,              INTO(hardware_version),           1,     1,       0,       65535, ZERO | ONES},
    {501, U16, BATTERY_FIRMWARE_VERSION,              INTO(firmware_version),           1,     1,       0,       65535, ZERO | ONES},
    {502, U16, BATTERY_INTERNAL_FIRMWARE,             INTO(internal_firmware),          1,     1,       0,       65535, ZERO | ONES},
};
/* clang-format on */

enum { SOH_RAW_MAX = 50000, REGISTER_CELLS = 0, REGISTER_DETECTED = 53, REGISTER_SERIAL = 504 };
enum { REGISTER_CURRENT = 38 };

#define FINGERPRINT_SEED  UINT32_C(2166136261)
#define FINGERPRINT_PRIME UINT32_C(16777619)

struct span {
    uint32_t first, end;
};

/*@ predicate row_fits(struct field_row *row) =
        \valid_read(row) && 1 <= row->multiply <= 1000 && 1 <= row->divide <= 10000 &&
        -2000000 <= row->min <= row->max <= UINT32_MAX &&
        (row->divide > 1 ==> row->max == 10000); */

static bool covers(struct span s, uint32_t addr, uint32_t words) {
    return addr >= s.first && addr + words <= s.end;
}

/*@ requires \valid_read(row);
    assigns \nothing; */
static bool is_reserved(const struct field_row *row, uint32_t raw) {
    return ((row->flags & ZERO) != 0 && raw == 0) || ((row->flags & ONES) != 0 && raw == 0xFFFF) ||
           (row->field == BATTERY_SOH && raw > SOH_RAW_MAX);
}

/* Rounded half up; only what is not negative is ever divided. */
/*@ requires row_fits(row) && \valid_read(rules) && \valid(out);
    requires \separated(out, row) && \separated(out, rules);
    assigns *out;
    ensures \result ==> row->min <= *out <= row->max; */
static bool scaled(const struct field_row *row, uint32_t raw, const struct tinybms_rules *rules,
                   int64_t *out) {
    int64_t v = raw;
    int32_t milli;
    switch (row->wire) {
    case U16:
    case U32:
        break;
    case I16:
        v = (int16_t)(raw & 0xFFFF);
        break;
    case LOW_BYTE:
        v = raw % 256;
        break;
    case F32:
        if (!tinybms_f32_milli(raw, &milli)) {
            return false;
        }
        v = milli;
        break;
    }
    if ((row->flags & INVERT) != 0 && rules->invert_current) {
        v = -v;
    }
    v *= row->multiply;
    if (row->divide > 1) {
        /* more than the maximum is nonsense even where it would round to it */
        int64_t most = row->max * row->divide;
        if ((row->flags & CLAMP) != 0 && v > most && v <= most + most / 100) {
            v = most;
        }
        if (v > most) {
            return false;
        }
        v = (v + row->divide / 2) / row->divide;
    }
    *out = v;
    return v >= row->min && v <= row->max;
}

static void keep(struct battery *b, const struct field_row *row, int64_t value) {
    uint32_t wide = (uint32_t)value;
    uint16_t narrow = (uint16_t)(wide & 0xFFFF);
    if (row->size == sizeof narrow) {
        memcpy((uint8_t *)b + row->offset, &narrow, sizeof narrow);
    } else {
        memcpy((uint8_t *)b + row->offset, &wide, sizeof wide);
    }
}

/* Returns how many values were nonsense: 0 or 1. */
static uint32_t decode_field(const struct field_row *row, const struct tinybms_image *image,
                             const struct tinybms_rules *rules, struct battery *b,
                             uint64_t now_ms) {
    uint32_t raw;
    uint8_t words = row->wire == U32 || row->wire == F32 ? 2 : 1;
    if (!tinybms_image_get_raw(image, row->addr, words, &raw)) {
        return 0;
    }
    if (is_reserved(row, raw)) {
        battery_clear(b, row->field, BATTERY_RESERVED, now_ms);
        return 0;
    }
    if ((row->flags & ABSENT) != 0 && raw == 0x8000) {
        battery_clear(b, row->field, BATTERY_ABSENT, now_ms);
        return 0;
    }
    int64_t value;
    if (!scaled(row, raw, rules, &value)) {
        return 1;
    }
    keep(b, row, value);
    battery_set(b, row->field, now_ms);
    return 0;
}

/* How many cells there should be; 0 when nothing says so. Register 53 of this sample first. */
/*@ requires \valid_read(image) && \valid_read(rules) && \valid_read(b);
    requires rules->series_cells <= BATTERY_CELLS_MAX;
    assigns \nothing;
    ensures \result <= BATTERY_CELLS_MAX; */
static uint8_t expected_cells(const struct tinybms_image *image, const struct tinybms_rules *rules,
                              const struct battery *b) {
    uint16_t detected;
    if (tinybms_image_get(image, REGISTER_DETECTED, &detected) && detected >= BATTERY_CELLS_MIN &&
        detected <= BATTERY_CELLS_MAX) {
        return (uint8_t)detected;
    }
    if (rules->series_cells != 0) {
        return rules->series_cells;
    }
    if (!battery_has(b, BATTERY_SERIES_CELLS) || b->series_cells > BATTERY_CELLS_MAX) {
        return 0;
    }
    return (uint8_t)b->series_cells;
}

/* Whether registers [from, from + n) have a voltage and all the others have none. */
/*@ requires \valid_read(raw + (0 .. BATTERY_CELLS_MAX - 1));
    assigns \nothing; */
static bool only_here(const uint16_t *raw, uint8_t from, uint8_t n) {
    /*@ loop invariant i <= BATTERY_CELLS_MAX;
        loop assigns i;
        loop variant BATTERY_CELLS_MAX - i; */
    for (uint8_t i = 0; i < BATTERY_CELLS_MAX; i++) {
        bool inside = i >= from && i < from + n;
        if (inside != (raw[i] != 0)) {
            return false;
        }
    }
    return true;
}

/*@ assigns \nothing;
    ensures \result == (raw + 5) / 10 && \result <= 6554; */
static uint16_t cell_mv(uint16_t raw) {
    return (uint16_t)((raw + 5u) / 10u); /* 0.1 mV, half up */
}

/*@ requires \valid(image) && \valid_read(rules) && \valid(b);
    requires \separated(image, rules, b) && rules->series_cells <= BATTERY_CELLS_MAX;
    assigns image->cell_order, *b;
    ensures \result <= 1; */
static uint32_t decode_cells(struct tinybms_image *image, const struct tinybms_rules *rules,
                             struct battery *b, uint64_t now_ms) {
    uint16_t raw[BATTERY_CELLS_MAX];
    /*@ loop invariant i <= BATTERY_CELLS_MAX;
        loop assigns i, raw[0 .. BATTERY_CELLS_MAX - 1];
        loop variant BATTERY_CELLS_MAX - i; */
    for (uint8_t i = 0; i < BATTERY_CELLS_MAX; i++) {
        if (!tinybms_image_get(image, (uint16_t)(REGISTER_CELLS + i), &raw[i])) {
            return 0;
        }
    }
    uint8_t n = expected_cells(image, rules, b);
    uint8_t top = (uint8_t)(BATTERY_CELLS_MAX - n);
    bool ascending = n != 0 && only_here(raw, 0, n);
    bool descending = n != 0 && only_here(raw, top, n);
    if (!ascending && !descending) {
        return 1;
    }
    /* where the zeros tell, they are right and not the setting */
    bool choose_ascending = ascending && rules->cell_order != TINYBMS_ORDER_DESCENDING;
    image->cell_order =
        choose_ascending || !descending ? TINYBMS_ORDER_ASCENDING : TINYBMS_ORDER_DESCENDING;
    /*@ loop invariant i <= n <= BATTERY_CELLS_MAX;
        loop assigns i, b->cell_mv[0 .. BATTERY_CELLS_MAX - 1];
        loop variant n - i; */
    for (uint8_t i = 0; i < n; i++) {
        uint8_t at =
            image->cell_order == TINYBMS_ORDER_ASCENDING ? i : (uint8_t)(BATTERY_CELLS_MAX - 1 - i);
        b->cell_mv[i] = cell_mv(raw[at]);
    }
    b->cell_count = n;
    battery_set(b, BATTERY_CELLS, now_ms);
    return 0;
}

/* How old an event is by the BMS's clock, of which it shows 24 bits; `clock` is not earlier than
 * the clock at the time of reading. */
static uint32_t event_age_s(uint32_t clock, uint32_t at_s) {
    return (clock - at_s) & 0xFFFFFF;
}

/* The lifetime was read a moment before the events: what has gone by since, and two seconds for the
 * BMS's own seconds, may lie between. Without a lifetime the greatest timestamp is the newest. */
static uint32_t event_clock(const struct battery *b, uint64_t now_ms) {
    if (!battery_has(b, BATTERY_LIFETIME)) {
        return 0xFFFFFF;
    }
    uint64_t elapsed_s = battery_age_ms(b, BATTERY_LIFETIME, now_ms) / 1000;
    return b->lifetime_s + (uint32_t)(elapsed_s & 0xFFFFFF) + 2;
}

static void decode_events(const struct tinybms_image *image, struct battery *b, uint64_t now_ms) {
    uint32_t clock = event_clock(b, now_ms);
    struct battery_event sorted[BATTERY_EVENTS_MAX];
    uint8_t n = 0;
    for (uint16_t slot = 0; slot < BATTERY_EVENTS_MAX; slot++) {
        uint32_t raw;
        if (!tinybms_image_get_raw(image, (uint16_t)(TINYBMS_EVENTS_FIRST + 2 * slot), 2, &raw)) {
            return;
        }
        struct battery_event e = {.at_s = raw & 0xFFFFFF, .id = (uint8_t)(raw >> 24)};
        if (e.id == 0) {
            continue;
        }
        uint8_t at = n++;
        while (at > 0 && event_age_s(clock, sorted[at - 1].at_s) > event_age_s(clock, e.at_s)) {
            sorted[at] = sorted[at - 1];
            at--;
        }
        sorted[at] = e;
    }
    memcpy(b->event, sorted, n * sizeof sorted[0]);
    b->event_count = n;
    battery_set(b, BATTERY_EVENTS, now_ms);
}

static void decode_serial(const struct tinybms_image *image, struct battery *b, uint64_t now_ms) {
    uint8_t serial[BATTERY_SERIAL_BYTES];
    bool zeros = true, ones = true;
    for (size_t i = 0; i < BATTERY_SERIAL_BYTES / 2; i++) {
        uint16_t word;
        if (!tinybms_image_get(image, (uint16_t)(REGISTER_SERIAL + i), &word)) {
            return;
        }
        serial[2 * i] = (uint8_t)(word & 0xFF);
        serial[2 * i + 1] = (uint8_t)(word >> 8);
        zeros = zeros && word == 0;
        ones = ones && word == 0xFFFF;
    }
    if (zeros || ones) {
        battery_clear(b, BATTERY_SERIAL, BATTERY_RESERVED, now_ms);
        return;
    }
    memcpy(b->serial, serial, sizeof serial);
    battery_set(b, BATTERY_SERIAL, now_ms);
}

void tinybms_rules_apply(const struct tinybms_rules *rules, struct battery *b, uint64_t now_ms) {
    if (rules->series_cells != 0) {
        b->series_cells = rules->series_cells;
        battery_set(b, BATTERY_SERIES_CELLS, now_ms);
    }
    if (rules->capacity_mah != 0) {
        b->capacity_mah = rules->capacity_mah;
        battery_set(b, BATTERY_CAPACITY, now_ms);
    }
}

/* FNV-1a over n words from addr on; a word that is not known counts as 0. */
static uint32_t fingerprint(uint32_t hash, const struct tinybms_image *image, uint16_t addr,
                            uint16_t n) {
    for (uint16_t i = 0; i < n; i++) {
        uint16_t word = 0;
        (void)tinybms_image_get(image, (uint16_t)(addr + i), &word);
        hash = (hash ^ (word & 0xFFu)) * FINGERPRINT_PRIME;
        hash = (hash ^ (uint32_t)(word >> 8)) * FINGERPRINT_PRIME;
    }
    return hash;
}

uint32_t tinybms_image_decode(struct tinybms_image *image, const struct tinybms_rules *rules,
                              uint16_t addr, size_t n, struct battery *b, uint64_t now_ms) {
    struct span read = {addr, (uint32_t)(addr + n)};
    uint32_t nonsense = 0;
    for (size_t i = 0; i < sizeof field_rows / sizeof field_rows[0]; i++) {
        const struct field_row *row = &field_rows[i];
        if (covers(read, row->addr, row->wire == U32 || row->wire == F32 ? 2 : 1)) {
            nonsense += decode_field(row, image, rules, b, now_ms);
        }
    }
    tinybms_rules_apply(rules, b, now_ms);
    if (covers(read, REGISTER_CELLS, BATTERY_CELLS_MAX)) {
        nonsense += decode_cells(image, rules, b, now_ms);
    }
    if (covers(read, TINYBMS_EVENTS_FIRST, TINYBMS_EVENTS_WORDS)) {
        decode_events(image, b, now_ms);
    }
    if (covers(read, REGISTER_SERIAL, BATTERY_SERIAL_BYTES / 2)) {
        decode_serial(image, b, now_ms);
    }
    if (covers(read, TINYBMS_LIVE_FIRST, TINYBMS_LIVE_WORDS)) {
        b->samples++;
        b->cells_fingerprint =
            fingerprint(fingerprint(FINGERPRINT_SEED, image, REGISTER_CELLS, BATTERY_CELLS_MAX),
                        image, REGISTER_CURRENT, 2);
        b->live_fingerprint =
            fingerprint(FINGERPRINT_SEED, image, TINYBMS_LIVE_FIRST, TINYBMS_LIVE_WORDS);
    }
    battery_derive(b);
    return nonsense;
}
