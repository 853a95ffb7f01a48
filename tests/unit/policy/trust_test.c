/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "policy/trust.h"
#include "sample.h"

static uint8_t judge_alone(const struct battery *b) {
    struct trust t;
    trust_init(&t);
    return trust_judge(&t, b, NULL, 0);
}

static void a_nominal_sample_is_trusted(void **state) {
    (void)state;
    struct battery b;
    sample_nominal(&b, 0);
    assert_int_equal(judge_alone(&b), TRUST_OK);
}

static void a_live_field_that_was_not_read_with_the_sample_makes_it_incomplete(void **state) {
    (void)state;
    static const enum battery_field live[] = {BATTERY_CELLS, BATTERY_PACK_VOLTAGE,
                                              BATTERY_PACK_CURRENT, BATTERY_SOC, BATTERY_STATUS};
    for (unsigned i = 0; i < sizeof live / sizeof live[0]; i++) {
        struct battery b;
        struct trust t;
        trust_init(&t);
        sample_nominal(&b, 5000);
        assert_int_equal(trust_judge(&t, &b, NULL, 5000), TRUST_OK);
        b.read_at_ms[live[i]] = 4999;
        assert_int_equal(trust_judge(&t, &b, NULL, 5000), TRUST_INCOMPLETE);
        assert_int_equal(t.doubted, 1);
    }
}

static void settings_out_of_order_or_range_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint16_t uv_mv, empty_mv, full_mv, ov_mv;
        uint32_t charge_ma, discharge_ma;
        uint8_t want;
    } cases[] = {
        {"as found", 2900, 3000, 4150, 4200, 20000, 60000, TRUST_OK},
        {"the largest", 2900, 3000, 4490, 4500, 750000, 750000, TRUST_OK},
        {"300 over 315", 2900, 3000, 5000, 4200, 20000, 60000, TRUST_SETTINGS},
        {"300 equals 315", 2900, 3000, 4200, 4200, 20000, 60000, TRUST_SETTINGS},
        {"301 over 300", 2900, 4160, 4150, 4200, 20000, 60000, TRUST_SETTINGS},
        {"316 over 301", 3100, 3000, 4150, 4200, 20000, 60000, TRUST_SETTINGS},
        {"315 over 4500 mV", 2900, 3000, 4150, 4501, 20000, 60000, TRUST_SETTINGS},
        {"318 over 750 A", 2900, 3000, 4150, 4200, 751000, 60000, TRUST_SETTINGS},
        {"317 over 750 A", 2900, 3000, 4150, 4200, 20000, 751000, TRUST_SETTINGS},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct battery b;
        sample_nominal(&b, 0);
        b.under_voltage_cutoff_mv = cases[i].uv_mv;
        b.fully_discharged_mv = cases[i].empty_mv;
        b.fully_charged_mv = cases[i].full_mv;
        b.over_voltage_cutoff_mv = cases[i].ov_mv;
        b.charge_over_current_ma = cases[i].charge_ma;
        b.discharge_over_current_ma = cases[i].discharge_ma;
        assert_int_equal(judge_alone(&b), cases[i].want);
    }
}

static void cells_outside_half_to_five_volts_are_refused(void **state) {
    (void)state;
    static const struct {
        uint16_t mv;
        uint8_t want;
    } cases[] = {
        {500, TRUST_OK}, {499, TRUST_CELL_RANGE}, {5000, TRUST_OK}, {5001, TRUST_CELL_RANGE}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct battery b;
        sample_nominal(&b, 0);
        sample_set_cell(&b, 14, cases[i].mv); /* pack voltage and 40/41 follow */
        assert_int_equal(judge_alone(&b), cases[i].want);
    }
}

/* 14 cells of 3900 mV: sum 54600 mV; 1 % of it is 546 mV, so that is the tolerance. */
static void two_of_three_voltage_witnesses_must_agree(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint32_t pack_mv;
        uint16_t min_mv, max_mv;
        uint8_t want;
    } cases[] = {
        {"all agree", 54600, 3900, 3900, TRUST_OK},
        {"pack wrong, 40/41 agree with the cells", 40000, 3900, 3900, TRUST_OK},
        {"40/41 wrong, pack agrees with the sum", 54600, 1000, 1200, TRUST_OK},
        {"40/41 off by 5 mV each, pack wrong", 40000, 3895, 3905, TRUST_OK},
        {"40/41 off by 6 mV, pack off by more than 1 %", 40000, 3894, 3900, TRUST_VOLTAGES},
        {"cells wrong, pack agrees with 40/41: 14 x 3500", 49000, 3500, 3500, TRUST_OK},
        {"nothing agrees", 40000, 3500, 3600, TRUST_VOLTAGES},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct battery b;
        sample_nominal(&b, 0);
        b.pack_mv = cases[i].pack_mv;
        b.bms_min_cell_mv = cases[i].min_mv;
        b.bms_max_cell_mv = cases[i].max_mv;
        assert_int_equal(judge_alone(&b), cases[i].want);
    }
}

static void a_witness_of_another_sample_does_not_count(void **state) {
    (void)state;
    struct battery b;
    struct trust t;
    trust_init(&t);
    sample_nominal(&b, 5000);
    b.pack_mv = 40000; /* 40 and 41 and the cells carry it */
    assert_int_equal(trust_judge(&t, &b, NULL, 5000), TRUST_OK);
    b.read_at_ms[BATTERY_BMS_MIN_CELL] = 4900;
    assert_int_equal(trust_judge(&t, &b, NULL, 5000), TRUST_VOLTAGES);
}

static void the_pack_tolerance_is_the_larger_of_one_percent_and_300_mv(void **state) {
    (void)state;
    struct battery b;
    sample_nominal(&b, 0);
    b.validity[BATTERY_BMS_MIN_CELL] = BATTERY_NEVER_READ; /* two witnesses are left */
    b.pack_mv = 54059;                                     /* 1 % = 540, off by 541 */
    assert_int_equal(judge_alone(&b), TRUST_VOLTAGES);
    b.pack_mv = 54060; /* 1 % = 540, off by 540 */
    assert_int_equal(judge_alone(&b), TRUST_OK);

    b.cell_count = 4; /* 4 x 3900 = 15600; 1 % is 156, so 300 mV */
    b.detected_cells = 4;
    b.pack_mv = 15300;
    assert_int_equal(judge_alone(&b), TRUST_OK);
    b.pack_mv = 15299;
    assert_int_equal(judge_alone(&b), TRUST_VOLTAGES);
}

static void a_soc_step_over_five_percent_waits_for_three_repeats(void **state) {
    (void)state;
    struct trust t;
    struct battery last;
    struct battery b;
    trust_init(&t);
    sample_nominal(&last, 0);
    b = last;
    b.soc_cpct = 5500; /* exactly 5 %: no step */
    assert_int_equal(trust_judge(&t, &b, &last, 0), TRUST_OK);
    b.soc_cpct = 5501;
    assert_int_equal(trust_judge(&t, &b, &last, 0), TRUST_SOC_STEP);
    assert_int_equal(trust_judge(&t, &b, &last, 0), TRUST_SOC_STEP);
    assert_int_equal(trust_judge(&t, &b, &last, 0), TRUST_OK);
    assert_int_equal(t.doubted, 2);
}

static void repeats_of_different_values_do_not_count_together(void **state) {
    (void)state;
    struct trust t;
    struct battery last;
    struct battery b;
    trust_init(&t);
    sample_nominal(&last, 0);
    b = last;
    for (int i = 0; i < 20; i++) { /* jumps by 1 % each time: never the same value */
        b.soc_cpct = (uint16_t)(6000 + 100 * i);
        assert_int_equal(trust_judge(&t, &b, &last, 0), TRUST_SOC_STEP);
    }
    b.soc_cpct = 5000; /* back to where it was: forgotten */
    assert_int_equal(trust_judge(&t, &b, &last, 0), TRUST_OK);
    b.soc_cpct = 7900;
    assert_int_equal(trust_judge(&t, &b, &last, 0), TRUST_SOC_STEP);
}

/* A value that has been seen often enough waits for the other without starting again. */
static void two_values_that_jump_out_of_phase_are_both_taken(void **state) {
    (void)state;
    for (int behind = 0; behind < 6; behind++) {
        struct trust t;
        struct battery last;
        struct battery b;
        trust_init(&t);
        sample_nominal(&last, 0);
        b = last;
        b.soc_cpct = 9000;
        int refused = 0;
        for (int i = 0; i < 20; i++) {
            if (i >= behind) {
                b.external_temperature_dc[0] = 500;
            }
            if (trust_judge(&t, &b, &last, 0) == TRUST_OK) {
                last = b;
            } else {
                refused++;
            }
        }
        assert_int_equal(last.soc_cpct, 9000);
        assert_int_equal(last.external_temperature_dc[0], 500);
        /* one after the other: two for each; at the same time or overlapping: up to two more */
        assert_true(refused <= 4);
    }
}

static void a_soc_of_100_percent_with_fully_charged_has_its_reason(void **state) {
    (void)state;
    struct trust t;
    struct battery last;
    struct battery b;
    trust_init(&t);
    sample_nominal(&last, 0);
    b = last;
    b.soc_cpct = 10000;
    assert_int_equal(trust_judge(&t, &b, &last, 0), TRUST_SOC_STEP);
    b.status = BATTERY_STATUS_FULLY_CHARGED;
    assert_int_equal(trust_judge(&t, &b, &last, 0), TRUST_OK);
}

static void a_temperature_step_over_ten_kelvin_waits_on_each_sensor(void **state) {
    (void)state;
    static const enum battery_field field[] = {BATTERY_EXTERNAL_TEMPERATURE_1,
                                               BATTERY_EXTERNAL_TEMPERATURE_2,
                                               BATTERY_INTERNAL_TEMPERATURE};
    for (int sensor = 0; sensor < 3; sensor++) {
        for (int sign = -1; sign <= 1; sign += 2) {
            struct trust t;
            struct battery last;
            trust_init(&t);
            sample_nominal(&last, 0);
            battery_set(&last, field[sensor], 0);
            struct battery b = last;
            int16_t *dc =
                sensor < 2 ? &b.external_temperature_dc[sensor] : &b.internal_temperature_dc;
            int16_t was = *dc;
            *dc = (int16_t)(was + sign * 100);
            assert_int_equal(trust_judge(&t, &b, &last, 0), TRUST_OK);
            *dc = (int16_t)(was + sign * 101);
            assert_int_equal(trust_judge(&t, &b, &last, 0), TRUST_TEMPERATURE_STEP);
            assert_int_equal(trust_judge(&t, &b, &last, 0), TRUST_TEMPERATURE_STEP);
            assert_int_equal(trust_judge(&t, &b, &last, 0), TRUST_OK);
        }
    }
}

static void a_sensor_that_vanishes_must_stay_away_for_three_samples(void **state) {
    (void)state;
    struct trust t;
    struct battery last;
    struct battery b;
    trust_init(&t);
    sample_nominal(&last, 0);
    b = last;
    battery_clear(&b, BATTERY_EXTERNAL_TEMPERATURE_1, BATTERY_ABSENT, 0);
    assert_int_equal(trust_judge(&t, &b, &last, 0), TRUST_TEMPERATURE_STEP);
    assert_int_equal(trust_judge(&t, &b, &last, 0), TRUST_TEMPERATURE_STEP);
    assert_int_equal(trust_judge(&t, &b, &last, 0), TRUST_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nominal_sample_is_trusted),
        cmocka_unit_test(a_live_field_that_was_not_read_with_the_sample_makes_it_incomplete),
        cmocka_unit_test(settings_out_of_order_or_range_are_refused),
        cmocka_unit_test(cells_outside_half_to_five_volts_are_refused),
        cmocka_unit_test(two_of_three_voltage_witnesses_must_agree),
        cmocka_unit_test(a_witness_of_another_sample_does_not_count),
        cmocka_unit_test(the_pack_tolerance_is_the_larger_of_one_percent_and_300_mv),
        cmocka_unit_test(a_soc_step_over_five_percent_waits_for_three_repeats),
        cmocka_unit_test(repeats_of_different_values_do_not_count_together),
        cmocka_unit_test(two_values_that_jump_out_of_phase_are_both_taken),
        cmocka_unit_test(a_soc_of_100_percent_with_fully_charged_has_its_reason),
        cmocka_unit_test(a_temperature_step_over_ten_kelvin_waits_on_each_sensor),
        cmocka_unit_test(a_sensor_that_vanishes_must_stay_away_for_three_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
