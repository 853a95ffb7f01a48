/* SPDX-License-Identifier: MIT */
/* Each field at the edges of what is believed: the last value that is taken, the first that is not,
 * and the words that mean "unknown" and "absent".
 *
 * Scales and units are those of the register table. The edges are what no battery can be beyond, a
 * decision of ours: a cell setting of 0.5 to 5 V, 2000 A, -60 to 150 degC (settings: a cut-off over
 * 0 degC, a cold one up to 60 degC), 4 to 16 cells, an imbalance of 1 V. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tinybms/image.h"

#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))
#define IN(member) offsetof(struct battery, member), sizeof(((struct battery *)0)->member)

enum verdict { END, TAKEN, NONSENSE, RESERVED, ABSENT };

enum { POINTS_MAX = 8 };

/* clang-format off */
static const struct field {
    uint16_t addr;
    uint8_t words;
    enum battery_field field;
    size_t offset, size;
    struct point {
        uint32_t raw;
        enum verdict verdict;
        int64_t value;
    } point[POINTS_MAX];
} fields[] = {
    {32, 2, BATTERY_LIFETIME, IN(lifetime_s),
     {{0, TAKEN, 0}, {0xFFFFFFFF, TAKEN, 0xFFFFFFFF}}},
    {34, 2, BATTERY_TIME_LEFT, IN(time_left_s),
     {{0, TAKEN, 0}, {0xFFFFFFFF, TAKEN, 0xFFFFFFFF}}},
    {36, 2, BATTERY_PACK_VOLTAGE, IN(pack_mv), /* 0.001, 0.0004, 120.0, 120.001 V */
     {{0x3A83126F, TAKEN, 1}, {0x39D1B717, NONSENSE, 0}, {0x42F00000, TAKEN, 120000}, {0x42F00083, NONSENSE, 0}}},
    {38, 2, BATTERY_PACK_CURRENT, IN(pack_ma), /* -2000.0, -2000.001, 2000.0, 2000.001 A */
     {{0xC4FA0000, TAKEN, -2000000}, {0xC4FA0008, NONSENSE, 0}, {0x44FA0000, TAKEN, 2000000}, {0x44FA0008, NONSENSE, 0}}},
    {40, 1, BATTERY_BMS_MIN_CELL, IN(bms_min_cell_mv),
     {{0, TAKEN, 0}, {6554, TAKEN, 6554}, {6555, NONSENSE, 0}, {0xFFFF, NONSENSE, 0}}},
    {41, 1, BATTERY_BMS_MAX_CELL, IN(bms_max_cell_mv),
     {{0, TAKEN, 0}, {6554, TAKEN, 6554}, {6555, NONSENSE, 0}, {0xFFFF, NONSENSE, 0}}},
    {42, 1, BATTERY_EXTERNAL_TEMPERATURE_1, IN(external_temperature_dc[0]), /* -60.1, -60.0, 150.0, 150.1 degC */
     {{0xFDA7, NONSENSE, 0}, {0xFDA8, TAKEN, -600}, {0, TAKEN, 0}, {0xFFFF, TAKEN, -1}, {1500, TAKEN, 1500}, {1501, NONSENSE, 0}, {0x8000, ABSENT, 0}, {0x8001, NONSENSE, 0}}},
    {43, 1, BATTERY_EXTERNAL_TEMPERATURE_2, IN(external_temperature_dc[1]),
     {{0xFDA7, NONSENSE, 0}, {0xFDA8, TAKEN, -600}, {0, TAKEN, 0}, {0xFFFF, TAKEN, -1}, {1500, TAKEN, 1500}, {1501, NONSENSE, 0}, {0x8000, ABSENT, 0}, {0x8001, NONSENSE, 0}}},
    {45, 1, BATTERY_SOH, IN(soh_cpct), /* 0.002 % a step: 0.004 and 0.006 % */
     {{0, RESERVED, 0}, {2, TAKEN, 0}, {3, TAKEN, 1}, {50000, TAKEN, 10000}, {50001, RESERVED, 0}, {0xFFFF, RESERVED, 0}}},
    {46, 2, BATTERY_SOC, IN(soc_cpct), /* 0.000001 % a step; 101 % is counted too far, more is nonsense */
     {{0, TAKEN, 0}, {4999, TAKEN, 0}, {5000, TAKEN, 1}, {100000000, TAKEN, 10000}, {101000000, TAKEN, 10000}, {101000001, NONSENSE, 0}}},
    {48, 1, BATTERY_INTERNAL_TEMPERATURE, IN(internal_temperature_dc),
     {{0xFDA7, NONSENSE, 0}, {0xFDA8, TAKEN, -600}, {0, TAKEN, 0}, {0xFFFF, TAKEN, -1}, {1500, TAKEN, 1500}, {1501, NONSENSE, 0}, {0x8000, ABSENT, 0}, {0x8001, NONSENSE, 0}}},
    {50, 1, BATTERY_STATUS, IN(status),
     {{0, TAKEN, 0}, {1, TAKEN, 1}, {0x8000, TAKEN, 32768}, {0xFFFF, TAKEN, 65535}}},
    {51, 1, BATTERY_BALANCING_NEEDED, IN(balancing_needed_bits),
     {{0, TAKEN, 0}, {1, TAKEN, 1}, {0x8000, TAKEN, 32768}, {0xFFFF, TAKEN, 65535}}},
    {52, 1, BATTERY_BALANCING_ACTIVE, IN(balancing_active_bits),
     {{0, TAKEN, 0}, {1, TAKEN, 1}, {0x8000, TAKEN, 32768}, {0xFFFF, TAKEN, 65535}}},
    {53, 1, BATTERY_DETECTED_CELLS, IN(detected_cells),
     {{0, NONSENSE, 0}, {3, NONSENSE, 0}, {4, TAKEN, 4}, {16, TAKEN, 16}, {17, NONSENSE, 0}}},
    {111, 1, BATTERY_CHARGING_COUNT, IN(charging_count),
     {{0, TAKEN, 0}, {1, TAKEN, 1}, {0x8000, TAKEN, 32768}, {0xFFFF, TAKEN, 65535}}},
    {112, 1, BATTERY_FULL_CHARGE_COUNT, IN(full_charge_count),
     {{0, TAKEN, 0}, {1, TAKEN, 1}, {0x8000, TAKEN, 32768}, {0xFFFF, TAKEN, 65535}}},
    {300, 1, BATTERY_FULLY_CHARGED, IN(fully_charged_mv),
     {{0, RESERVED, 0}, {499, NONSENSE, 0}, {500, TAKEN, 500}, {5000, TAKEN, 5000}, {5001, NONSENSE, 0}, {0xFFFF, NONSENSE, 0}}},
    {301, 1, BATTERY_FULLY_DISCHARGED, IN(fully_discharged_mv),
     {{0, RESERVED, 0}, {499, NONSENSE, 0}, {500, TAKEN, 500}, {5000, TAKEN, 5000}, {5001, NONSENSE, 0}, {0xFFFF, NONSENSE, 0}}},
    {303, 1, BATTERY_EARLY_BALANCING, IN(early_balancing_mv),
     {{0, RESERVED, 0}, {499, NONSENSE, 0}, {500, TAKEN, 500}, {5000, TAKEN, 5000}, {5001, NONSENSE, 0}, {0xFFFF, NONSENSE, 0}}},
    {304, 1, BATTERY_CHARGE_FINISHED_CURRENT, IN(charge_finished_ma),
     {{0, RESERVED, 0}, {1, TAKEN, 1}, {65534, TAKEN, 65534}, {0xFFFF, NONSENSE, 0}}},
    {305, 1, BATTERY_PEAK_DISCHARGE_CUTOFF, IN(peak_discharge_cutoff_ma),
     {{0, RESERVED, 0}, {1, TAKEN, 1000}, {2000, TAKEN, 2000000}, {2001, NONSENSE, 0}, {0xFFFF, RESERVED, 0}}},
    {306, 1, BATTERY_CAPACITY, IN(capacity_mah),
     {{0, RESERVED, 0}, {1, TAKEN, 10}, {65534, TAKEN, 655340}, {0xFFFF, NONSENSE, 0}}},
    {307, 1, BATTERY_SERIES_CELLS, IN(series_cells),
     {{0, RESERVED, 0}, {3, NONSENSE, 0}, {4, TAKEN, 4}, {16, TAKEN, 16}, {17, NONSENSE, 0}}},
    {308, 1, BATTERY_ALLOWED_DISBALANCE, IN(allowed_disbalance_mv),
     {{0, RESERVED, 0}, {1, TAKEN, 1}, {1000, TAKEN, 1000}, {1001, NONSENSE, 0}}},
    {315, 1, BATTERY_OVER_VOLTAGE_CUTOFF, IN(over_voltage_cutoff_mv),
     {{0, RESERVED, 0}, {499, NONSENSE, 0}, {500, TAKEN, 500}, {5000, TAKEN, 5000}, {5001, NONSENSE, 0}, {0xFFFF, NONSENSE, 0}}},
    {316, 1, BATTERY_UNDER_VOLTAGE_CUTOFF, IN(under_voltage_cutoff_mv),
     {{0, RESERVED, 0}, {499, NONSENSE, 0}, {500, TAKEN, 500}, {5000, TAKEN, 5000}, {5001, NONSENSE, 0}, {0xFFFF, NONSENSE, 0}}},
    {317, 1, BATTERY_DISCHARGE_OVER_CURRENT_CUTOFF, IN(discharge_over_current_ma),
     {{0, RESERVED, 0}, {1, TAKEN, 1000}, {2000, TAKEN, 2000000}, {2001, NONSENSE, 0}, {0xFFFF, NONSENSE, 0}}},
    {318, 1, BATTERY_CHARGE_OVER_CURRENT_CUTOFF, IN(charge_over_current_ma),
     {{0, RESERVED, 0}, {1, TAKEN, 1000}, {2000, TAKEN, 2000000}, {2001, NONSENSE, 0}, {0xFFFF, NONSENSE, 0}}},
    {319, 1, BATTERY_OVER_HEAT_CUTOFF, IN(over_heat_cutoff_dc), /* whole degC */
     {{0, NONSENSE, 0}, {1, TAKEN, 10}, {150, TAKEN, 1500}, {151, NONSENSE, 0}, {0xFFFF, NONSENSE, 0}}},
    {320, 1, BATTERY_LOW_TEMPERATURE_CUTOFF, IN(low_temperature_cutoff_dc), /* -61, -60 degC */
     {{0xFFC3, NONSENSE, 0}, {0xFFC4, TAKEN, -600}, {0, TAKEN, 0}, {60, TAKEN, 600}, {61, NONSENSE, 0}}},
    {321, 1, BATTERY_CHARGE_RESTART_LEVEL, IN(charge_restart_cpct),
     {{0, RESERVED, 0}, {1, TAKEN, 100}, {100, TAKEN, 10000}, {101, NONSENSE, 0}, {0xFFFF, RESERVED, 0}}},
    {340, 1, BATTERY_OPERATION_MODE, IN(operation_mode), /* the low byte */
     {{0xA500, TAKEN, 0}, {0xA501, TAKEN, 1}, {2, NONSENSE, 0}}},
    {342, 1, BATTERY_BROADCAST, IN(broadcast_time),
     {{0, TAKEN, 0}, {0xA507, TAKEN, 7}, {8, NONSENSE, 0}}},
    {500, 1, BATTERY_HARDWARE_VERSION, IN(hardware_version),
     {{0, RESERVED, 0}, {1, TAKEN, 1}, {65534, TAKEN, 65534}, {0xFFFF, RESERVED, 0}}},
    {501, 1, BATTERY_FIRMWARE_VERSION, IN(firmware_version),
     {{0, RESERVED, 0}, {1, TAKEN, 1}, {65534, TAKEN, 65534}, {0xFFFF, RESERVED, 0}}},
    {502, 1, BATTERY_INTERNAL_FIRMWARE, IN(internal_firmware),
     {{0, RESERVED, 0}, {1, TAKEN, 1}, {65534, TAKEN, 65534}, {0xFFFF, RESERVED, 0}}},
};
/* clang-format on */

static bool member_is(const struct battery *b, const struct field *f, int64_t value) {
    const uint8_t *member = (const uint8_t *)b + f->offset;
    uint16_t narrow;
    uint32_t wide;
    memcpy(&narrow, member, sizeof narrow);
    memcpy(&wide, member, sizeof wide);
    return f->size == sizeof narrow ? narrow == (uint16_t)value : wide == (uint32_t)value;
}

/* One raw value alone, stored into an image and a battery that know nothing. */
static void check(const struct field *f, const struct point *p, bool inverted) {
    const struct tinybms_rules rules = {.invert_current = inverted};
    static const uint8_t validity[] = {[TAKEN] = BATTERY_VALID,
                                       [NONSENSE] = BATTERY_NEVER_READ,
                                       [RESERVED] = BATTERY_RESERVED,
                                       [ABSENT] = BATTERY_ABSENT};
    struct tinybms_image image;
    struct battery b;
    const uint16_t words[2] = {(uint16_t)(p->raw & 0xFFFF), (uint16_t)(p->raw >> 16)};
    tinybms_image_init(&image);
    battery_init(&b);
    tinybms_image_store(&image, f->addr, words, f->words, 7);
    uint32_t nonsense = tinybms_image_decode(&image, &rules, f->addr, f->words, &b, 7);
    if (nonsense != (p->verdict == NONSENSE ? 1u : 0u)) {
        fail_msg("register %u, raw %u: %u nonsense", f->addr, (unsigned)p->raw, (unsigned)nonsense);
    }
    for (int other = 0; other < BATTERY_FIELD_COUNT; other++) {
        if (b.validity[other] != (other == (int)f->field ? validity[p->verdict] : 0)) {
            fail_msg("register %u, raw %u: field %d has validity %u", f->addr, (unsigned)p->raw,
                     other, b.validity[other]);
        }
    }
    if (p->verdict == TAKEN && !member_is(&b, f, p->value)) {
        fail_msg("register %u, raw %u: not %d", f->addr, (unsigned)p->raw, (int)p->value);
    }
}

static void a_number_is_believed_between_its_edges(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(fields); i++) {
        for (size_t k = 0; k < POINTS_MAX && fields[i].point[k].verdict != END; k++) {
            check(&fields[i], &fields[i].point[k], false);
            if (fields[i].field != BATTERY_PACK_CURRENT) { /* a setting for the current alone */
                check(&fields[i], &fields[i].point[k], true);
            }
        }
    }
}

/* The rest have decode functions of their own: cells, events, the serial number. */
static void every_field_that_is_one_number_is_checked(void **state) {
    (void)state;
    assert_int_equal(COUNT(fields) + 3, BATTERY_FIELD_COUNT);
    for (size_t i = 1; i < COUNT(fields); i++) {
        assert_true(fields[i].addr > fields[i - 1].addr);
    }
}

static struct tinybms_image image;
static struct battery b;
static const struct tinybms_rules rules;

static void start(void) {
    tinybms_image_init(&image);
    battery_init(&b);
}

static void store(uint16_t addr, const uint16_t *words, size_t n, uint64_t now_ms) {
    tinybms_image_store(&image, addr, words, n, now_ms);
}

static void cells_of_which_one_was_never_read_are_no_cells(void **state) {
    (void)state;
    static const uint16_t raw[BATTERY_CELLS_MAX] = {39000, 39000, 39000, 39000};
    static const uint16_t four = 4;
    for (uint16_t missing = 0; missing < BATTERY_CELLS_MAX; missing++) {
        start();
        store(53, &four, 1, 7);
        for (uint16_t i = 0; i < BATTERY_CELLS_MAX; i++) {
            if (i != missing) {
                store(i, &raw[i], 1, 7);
            }
        }
        assert_int_equal(tinybms_image_decode(&image, &rules, 0, BATTERY_CELLS_MAX, &b, 7), 0);
        assert_false(battery_has(&b, BATTERY_CELLS));
        store(missing, &raw[missing], 1, 7);
        assert_int_equal(tinybms_image_decode(&image, &rules, 0, BATTERY_CELLS_MAX, &b, 7), 0);
        assert_true(battery_has(&b, BATTERY_CELLS));
    }
}

/* 14 cells in registers 2-15 and nothing else: a voltage beside them, or none at all, is nonsense.
 */
static void a_voltage_beside_the_cells_and_no_voltage_are_refused(void **state) {
    (void)state;
    uint16_t raw[BATTERY_CELLS_MAX] = {39000, 0};
    const uint16_t fourteen = 14, unknown = 0;
    for (uint16_t i = 2; i < BATTERY_CELLS_MAX; i++) {
        raw[i] = 39000;
    }
    start();
    store(53, &fourteen, 1, 7);
    store(0, raw, BATTERY_CELLS_MAX, 7);
    assert_int_equal(tinybms_image_decode(&image, &rules, 0, BATTERY_CELLS_MAX, &b, 7), 1);
    raw[0] = 0;
    store(0, raw, BATTERY_CELLS_MAX, 7);
    assert_int_equal(tinybms_image_decode(&image, &rules, 0, BATTERY_CELLS_MAX, &b, 7), 0);
    assert_int_equal(b.cell_count, 14);
    start();
    memset(raw, 0, sizeof raw);
    store(53, &unknown, 1, 7);
    store(0, raw, BATTERY_CELLS_MAX, 7);
    assert_int_equal(tinybms_image_decode(&image, &rules, 0, BATTERY_CELLS_MAX, &b, 7), 1);
    assert_false(battery_has(&b, BATTERY_CELLS));
}

/* The clock was read 100 s before the events: one of 100 s later is new, one of 103 s later cannot
 * be and is from before the 24 bits of the clock began again. */
static void events_may_be_as_much_newer_as_the_clock_is_old(void **state) {
    (void)state;
    static const uint16_t lifetime[] = {50000, 0};
    uint16_t events[TINYBMS_EVENTS_WORDS] = {50000, 0x0100, 50100, 0x0200, 50103, 0x0300};
    start();
    store(32, lifetime, 2, 1000);
    tinybms_image_decode(&image, &rules, 32, 2, &b, 1000);
    store(TINYBMS_EVENTS_FIRST, events, TINYBMS_EVENTS_WORDS, 101000);
    tinybms_image_decode(&image, &rules, TINYBMS_EVENTS_FIRST, TINYBMS_EVENTS_WORDS, &b, 101000);
    assert_int_equal(b.event_count, 3);
    assert_int_equal(b.event[0].id, 2);
    assert_int_equal(b.event[1].id, 1);
    assert_int_equal(b.event[2].id, 3);
}

static void a_serial_number_may_hold_zeros_and_ones(void **state) {
    (void)state;
    static const struct {
        uint16_t words[6];
        enum battery_validity validity;
    } cases[] = {
        {{0, 0, 0, 0, 0, 0}, BATTERY_RESERVED},
        {{0, 0, 0, 0, 0, 1}, BATTERY_VALID},
        {{1, 0, 0, 0, 0, 0}, BATTERY_VALID},
        {{0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF}, BATTERY_RESERVED},
        {{1, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF}, BATTERY_VALID},
        {{0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 1}, BATTERY_VALID},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        start();
        store(504, cases[i].words, 6, 7);
        tinybms_image_decode(&image, &rules, 504, 6, &b, 7);
        assert_int_equal(b.validity[BATTERY_SERIAL], cases[i].validity);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_is_believed_between_its_edges),
        cmocka_unit_test(every_field_that_is_one_number_is_checked),
        cmocka_unit_test(cells_of_which_one_was_never_read_are_no_cells),
        cmocka_unit_test(a_voltage_beside_the_cells_and_no_voltage_are_refused),
        cmocka_unit_test(events_may_be_as_much_newer_as_the_clock_is_old),
        cmocka_unit_test(a_serial_number_may_hold_zeros_and_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
