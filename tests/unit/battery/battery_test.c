/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "battery/battery.h"

static void a_new_battery_knows_nothing(void **state) {
    (void)state;
    struct battery b;
    battery_init(&b);
    for (int f = 0; f < BATTERY_FIELD_COUNT; f++) {
        assert_int_equal(battery_validity(&b, (enum battery_field)f, 1000), BATTERY_NEVER_READ);
        assert_true(battery_age_ms(&b, (enum battery_field)f, 1000) == UINT64_MAX);
        assert_false(battery_has(&b, (enum battery_field)f));
    }
    assert_false(battery_complete(&b));
}

static void a_field_grows_stale_at_the_age_of_its_group(void **state) {
    (void)state;
    static const struct {
        const char *what;
        enum battery_field field;
        uint64_t age_ms;
    } cases[] = {
        {"live: 5 s", BATTERY_SOC, 5000},
        {"settings: 5 min", BATTERY_FULLY_CHARGED, 300000},
        {"statistics: 5 min", BATTERY_FULL_CHARGE_COUNT, 300000},
        {"events: 60 s", BATTERY_EVENTS, 60000},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct battery b;
        battery_init(&b);
        battery_set(&b, cases[i].field, 7);
        assert_int_equal(battery_validity(&b, cases[i].field, 7 + cases[i].age_ms), BATTERY_VALID);
        assert_int_equal(battery_validity(&b, cases[i].field, 8 + cases[i].age_ms), BATTERY_STALE);
        assert_true(battery_has(&b, cases[i].field));
    }
}

static void a_version_never_grows_stale(void **state) {
    (void)state;
    struct battery b;
    battery_init(&b);
    battery_set(&b, BATTERY_SERIAL, 0);
    assert_int_equal(battery_validity(&b, BATTERY_SERIAL, UINT64_MAX - 1), BATTERY_VALID);
}

static void absent_and_reserved_stay_what_they_are_at_any_age(void **state) {
    (void)state;
    struct battery b;
    battery_init(&b);
    battery_clear(&b, BATTERY_EXTERNAL_TEMPERATURE_1, BATTERY_ABSENT, 5);
    battery_clear(&b, BATTERY_SOH, BATTERY_RESERVED, 5);
    assert_int_equal(battery_validity(&b, BATTERY_EXTERNAL_TEMPERATURE_1, 99999999),
                     BATTERY_ABSENT);
    assert_int_equal(battery_validity(&b, BATTERY_SOH, 99999999), BATTERY_RESERVED);
    assert_int_equal(battery_age_ms(&b, BATTERY_SOH, 105), 100);
}

static void fields_belong_to_the_block_they_are_read_with(void **state) {
    (void)state;
    assert_int_equal(battery_field_group(BATTERY_CELLS), BATTERY_GROUP_LIVE);
    assert_int_equal(battery_field_group(BATTERY_TIME_LEFT), BATTERY_GROUP_LIVE);
    assert_int_equal(battery_field_group(BATTERY_FULLY_CHARGED), BATTERY_GROUP_SETTINGS);
    assert_int_equal(battery_field_group(BATTERY_BROADCAST), BATTERY_GROUP_SETTINGS);
    assert_int_equal(battery_field_group(BATTERY_FULL_CHARGE_COUNT), BATTERY_GROUP_STATISTICS);
    assert_int_equal(battery_field_group(BATTERY_CHARGING_COUNT), BATTERY_GROUP_STATISTICS);
    assert_int_equal(battery_field_group(BATTERY_EVENTS), BATTERY_GROUP_EVENTS);
    assert_int_equal(battery_field_group(BATTERY_HARDWARE_VERSION), BATTERY_GROUP_VERSION);
    assert_int_equal(battery_field_group(BATTERY_SERIAL), BATTERY_GROUP_VERSION);
}

static void extremes_name_the_first_of_equal_cells(void **state) {
    (void)state;
    struct battery b;
    battery_init(&b);
    const uint16_t mv[5] = {3300, 3290, 3310, 3290, 3310};
    memcpy(b.cell_mv, mv, sizeof mv);
    b.cell_count = 5;
    battery_set(&b, BATTERY_CELLS, 0);
    battery_derive(&b);
    assert_int_equal(b.min_cell, 2);
    assert_int_equal(b.max_cell, 3);
    assert_int_equal(b.min_cell_mv, 3290);
    assert_int_equal(b.max_cell_mv, 3310);
    assert_int_equal(b.imbalance_mv, 20);
}

static void power_has_the_sign_of_the_current_and_saturates(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint32_t mv;
        int32_t ma;
        int32_t mw;
    } cases[] = {
        {"50 V x 10 A = 500 W", 50000, 10000, 500000},
        {"50 V x -10 A = -500 W", 50000, -10000, -500000},
        {"120 V x 2000 A = 240 kW", 120000, 2000000, 240000000},
        {"saturates up", 4000000000u, 2000000000, INT32_MAX},
        {"saturates down", 4000000000u, -2000000000, -INT32_MAX},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct battery b;
        battery_init(&b);
        b.pack_mv = cases[i].mv;
        b.pack_ma = cases[i].ma;
        battery_set(&b, BATTERY_PACK_VOLTAGE, 0);
        battery_derive(&b);
        assert_int_equal(b.power_mw, 0); /* without a known current there is no power */
        battery_set(&b, BATTERY_PACK_CURRENT, 0);
        battery_derive(&b);
        assert_int_equal(b.power_mw, cases[i].mw);
    }
}

static void the_internal_sensor_counts_only_when_there_is_no_other(void **state) {
    (void)state;
    struct battery b;
    int16_t low = 1;
    int16_t high = 2;
    int16_t mean = 3;
    int low_sensor = 4;
    int high_sensor = 5;
    battery_init(&b);
    assert_int_equal(battery_temperature_extremes(&b, &low, &low_sensor, &high, &high_sensor), 0);
    assert_int_equal(low, 1); /* nothing was written */
    assert_false(battery_temperature_mean(&b, &mean));

    b.internal_temperature_dc = -55;
    battery_set(&b, BATTERY_INTERNAL_TEMPERATURE, 0);
    assert_int_equal(battery_temperature_extremes(&b, &low, &low_sensor, &high, &high_sensor), 1);
    assert_int_equal(low, -55);
    assert_int_equal(high, -55);
    assert_int_equal(low_sensor, 0);
    assert_true(battery_temperature_mean(&b, &mean));
    assert_int_equal(mean, -55);

    b.external_temperature_dc[1] = 210;
    battery_set(&b, BATTERY_EXTERNAL_TEMPERATURE_2, 0);
    assert_int_equal(battery_temperature_extremes(&b, &low, &low_sensor, &high, &high_sensor), 1);
    assert_int_equal(low_sensor, 2);
    assert_int_equal(high, 210);

    b.external_temperature_dc[0] = 195;
    battery_set(&b, BATTERY_EXTERNAL_TEMPERATURE_1, 0);
    assert_int_equal(battery_temperature_extremes(&b, &low, &low_sensor, &high, &high_sensor), 2);
    assert_int_equal(low, 195);
    assert_int_equal(low_sensor, 1);
    assert_int_equal(high, 210);
    assert_int_equal(high_sensor, 2);
}

static void the_mean_temperature_rounds_half_away_from_zero(void **state) {
    (void)state;
    static const struct {
        int16_t a, b, mean;
    } cases[] = {{195, 210, 203}, {-195, -210, -203}, {1, 0, 1}, {-1, 0, -1}, {20, 22, 21}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct battery b;
        int16_t mean;
        battery_init(&b);
        b.external_temperature_dc[0] = cases[i].a;
        b.external_temperature_dc[1] = cases[i].b;
        battery_set(&b, BATTERY_EXTERNAL_TEMPERATURE_1, 0);
        battery_set(&b, BATTERY_EXTERNAL_TEMPERATURE_2, 0);
        assert_true(battery_temperature_mean(&b, &mean));
        assert_int_equal(mean, cases[i].mean);
    }
}

static const enum battery_field needed[] = {
    BATTERY_CELLS,
    BATTERY_PACK_VOLTAGE,
    BATTERY_PACK_CURRENT,
    BATTERY_SOC,
    BATTERY_STATUS,
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

/* The first register of each, in the same order: cells, 36 voltage, 38 current, 46 SOC, 50 status.
 */
static const int needed_register[] = {0,   36,  38,  46,  50,  300, 301,
                                      307, 315, 316, 317, 318, 319, 320};

static void every_needed_field_missing_makes_a_sample_incomplete(void **state) {
    (void)state;
    enum { N = sizeof needed / sizeof needed[0] };
    for (unsigned missing = 0; missing <= N; missing++) {
        struct battery b;
        battery_init(&b);
        b.cell_count = 8;
        b.series_cells = 8;
        for (unsigned i = 0; i < N; i++) {
            if (i != missing) {
                battery_set(&b, needed[i], 0);
            }
        }
        assert_int_equal(battery_complete(&b), missing == N);
        assert_int_equal(battery_missing_register(&b),
                         missing == N ? -1 : needed_register[missing]);
    }
}

static void a_sample_with_another_number_of_cells_is_incomplete(void **state) {
    (void)state;
    struct battery b;
    battery_init(&b);
    for (unsigned i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        battery_set(&b, needed[i], 0);
    }
    b.cell_count = 8;
    b.series_cells = 9;
    assert_false(battery_complete(&b));
    b.detected_cells = 8; /* register 53 goes before 307 */
    battery_set(&b, BATTERY_DETECTED_CELLS, 0);
    assert_true(battery_complete(&b));
    b.cell_count = 3;
    b.detected_cells = 3;
    assert_false(battery_complete(&b));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_battery_knows_nothing),
        cmocka_unit_test(a_field_grows_stale_at_the_age_of_its_group),
        cmocka_unit_test(a_version_never_grows_stale),
        cmocka_unit_test(absent_and_reserved_stay_what_they_are_at_any_age),
        cmocka_unit_test(fields_belong_to_the_block_they_are_read_with),
        cmocka_unit_test(extremes_name_the_first_of_equal_cells),
        cmocka_unit_test(power_has_the_sign_of_the_current_and_saturates),
        cmocka_unit_test(the_internal_sensor_counts_only_when_there_is_no_other),
        cmocka_unit_test(the_mean_temperature_rounds_half_away_from_zero),
        cmocka_unit_test(every_needed_field_missing_makes_a_sample_incomplete),
        cmocka_unit_test(a_sample_with_another_number_of_cells_is_incomplete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
