/* SPDX-License-Identifier: MIT */
/* The edges of each rule of trust: the last sample that is believed and the first that is not, and
 * what is counted together as one value that jumped. 14 cells of 3900 mV, 54600 mV, 50 % SOC. */
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

static void equal_settings_are_in_no_order(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint16_t uv_mv, empty_mv, full_mv, ov_mv;
        uint8_t want;
    } cases[] = {
        {"316 equals 301", 3000, 3000, 4150, 4200, TRUST_SETTINGS},
        {"301 equals 300", 2900, 4150, 4150, 4200, TRUST_SETTINGS},
        {"300 equals 315", 2900, 3000, 4200, 4200, TRUST_SETTINGS},
        {"all one apart", 3997, 3998, 3999, 4000, TRUST_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct battery b;
        sample_nominal(&b, 0);
        b.under_voltage_cutoff_mv = cases[i].uv_mv;
        b.fully_discharged_mv = cases[i].empty_mv;
        b.fully_charged_mv = cases[i].full_mv;
        b.over_voltage_cutoff_mv = cases[i].ov_mv;
        if (judge_alone(&b) != cases[i].want) {
            fail_msg("%s", cases[i].what);
        }
    }
}

static void every_cell_is_looked_at_and_no_other(void **state) {
    (void)state;
    for (int cell = 1; cell <= 14; cell++) {
        struct battery b;
        sample_nominal(&b, 0);
        sample_set_cell(&b, cell, 5001);
        assert_int_equal(judge_alone(&b), TRUST_CELL_RANGE);
    }
    struct battery b;
    sample_nominal(&b, 0);
    b.cell_mv[14] = 5001; /* there is no cell 15 */
    assert_int_equal(judge_alone(&b), TRUST_OK);
}

/* The sum of 8 cells against register 36; registers 40 and 41 say something else. */
static void the_tolerance_changes_from_300_mv_to_one_percent_at_30_volts(void **state) {
    (void)state;
    static const struct {
        uint32_t pack_mv;
        uint32_t tolerance_mv;
    } cases[] = {{29900, 300}, {30000, 300}, {30099, 300}, {30250, 302}, {30299, 302}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (uint32_t beyond = 0; beyond <= 1; beyond++) {
            struct battery b;
            sample_nominal(&b, 0);
            b.cell_count = 8;
            b.series_cells = b.detected_cells = 8;
            uint32_t sum_mv = cases[i].pack_mv + cases[i].tolerance_mv + beyond;
            for (int cell = 0; cell < 8; cell++) {
                b.cell_mv[cell] = (uint16_t)(sum_mv / 8 + (cell < (int)(sum_mv % 8) ? 1 : 0));
            }
            b.pack_mv = cases[i].pack_mv;
            battery_derive(&b);
            b.bms_min_cell_mv = 1000;
            b.bms_max_cell_mv = 1100;
            assert_int_equal(judge_alone(&b), beyond == 0 ? TRUST_OK : TRUST_VOLTAGES);
        }
    }
}

/* Register 36 says 49000 mV, 1 % of it is 490 mV; the cells say 54600. */
static void the_extremes_of_the_bms_agree_with_the_pack_within_the_tolerance(void **state) {
    (void)state;
    static const struct {
        uint16_t min_mv, max_mv;
        uint8_t want;
    } cases[] = {
        {3535, 3600, TRUST_OK},       /* 14 x 3535 - 490 = 49000 */
        {3536, 3600, TRUST_VOLTAGES}, /* 49014 */
        {3000, 3465, TRUST_OK},       /* 14 x 3465 + 490 = 49000 */
        {3000, 3464, TRUST_VOLTAGES}, /* 48986 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct battery b;
        sample_nominal(&b, 0);
        b.pack_mv = 49000;
        b.bms_min_cell_mv = cases[i].min_mv;
        b.bms_max_cell_mv = cases[i].max_mv;
        assert_int_equal(judge_alone(&b), cases[i].want);
    }
}

static void both_extremes_must_agree_with_the_cells(void **state) {
    (void)state;
    static const struct {
        uint16_t min_mv, max_mv;
        uint8_t want;
    } cases[] = {
        {3895, 3905, TRUST_OK}, {3894, 3905, TRUST_VOLTAGES}, {3895, 3906, TRUST_VOLTAGES}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct battery b;
        sample_nominal(&b, 0);
        b.pack_mv = 40000;
        b.bms_min_cell_mv = cases[i].min_mv;
        b.bms_max_cell_mv = cases[i].max_mv;
        assert_int_equal(judge_alone(&b), cases[i].want);
    }
}

static void each_extreme_must_be_of_this_sample(void **state) {
    (void)state;
    static const enum battery_field extremes[] = {BATTERY_BMS_MIN_CELL, BATTERY_BMS_MAX_CELL};
    for (size_t i = 0; i < 2; i++) {
        struct battery b;
        struct trust t;
        trust_init(&t);
        sample_nominal(&b, 5000);
        b.pack_mv = 40000; /* 40 and 41 agree with the cells */
        assert_int_equal(trust_judge(&t, &b, NULL, 5000), TRUST_OK);
        b.read_at_ms[extremes[i]] = 4999;
        assert_int_equal(trust_judge(&t, &b, NULL, 5000), TRUST_VOLTAGES);
    }
}

static void doubted_samples_are_counted_and_no_others(void **state) {
    (void)state;
    struct battery b;
    struct trust t;
    trust_init(&t);
    sample_nominal(&b, 0);
    for (int i = 0; i < 3; i++) {
        trust_judge(&t, &b, NULL, 0);
    }
    assert_int_equal(t.doubted, 0);
    b.cell_mv[0] = 5001;
    trust_judge(&t, &b, NULL, 0);
    trust_judge(&t, &b, NULL, 0);
    assert_int_equal(t.doubted, 2);
}

struct pair {
    struct battery last, b;
    struct trust t;
};

static void init(struct pair *x) {
    trust_init(&x->t);
    sample_nominal(&x->last, 0);
    x->b = x->last;
}

static uint8_t soc(struct pair *x, uint16_t cpct) {
    x->b.soc_cpct = cpct;
    return trust_judge(&x->t, &x->b, &x->last, 0);
}

static void a_jump_that_was_taken_back_is_counted_anew(void **state) {
    (void)state;
    struct pair x;
    init(&x);
    assert_int_equal(soc(&x, 6000), TRUST_SOC_STEP);
    assert_int_equal(soc(&x, 6000), TRUST_SOC_STEP);
    assert_int_equal(soc(&x, 5000), TRUST_OK);
    assert_int_equal(soc(&x, 6000), TRUST_SOC_STEP);
    assert_int_equal(soc(&x, 6000), TRUST_SOC_STEP);
    assert_int_equal(soc(&x, 6000), TRUST_OK);
}

static void fully_charged_is_a_reason_for_100_percent_alone(void **state) {
    (void)state;
    struct pair x;
    init(&x);
    assert_int_equal(soc(&x, 6000), TRUST_SOC_STEP);
    assert_int_equal(soc(&x, 6000), TRUST_SOC_STEP);
    x.b.status = BATTERY_STATUS_FULLY_CHARGED;
    assert_int_equal(soc(&x, 10000), TRUST_OK); /* and the jump before is forgotten */
    assert_int_equal(soc(&x, 6000), TRUST_SOC_STEP);
    assert_int_equal(soc(&x, 6000), TRUST_SOC_STEP);
    assert_int_equal(soc(&x, 6000), TRUST_OK);
    assert_int_equal(soc(&x, 9999), TRUST_SOC_STEP);
    x.b.status = BATTERY_STATUS_CHARGING;
    assert_int_equal(soc(&x, 10000), TRUST_SOC_STEP);
}

static uint8_t sensor_1(struct pair *x, bool present, int16_t dc) {
    x->b.validity[BATTERY_EXTERNAL_TEMPERATURE_1] = present ? BATTERY_VALID : BATTERY_ABSENT;
    x->b.external_temperature_dc[0] = dc;
    return trust_judge(&x->t, &x->b, &x->last, 0);
}

/* What stands in memory for a sensor that is not there is no value. */
static void an_absent_sensor_has_no_value_to_differ(void **state) {
    (void)state;
    struct pair x;
    init(&x);
    assert_int_equal(sensor_1(&x, false, 0), TRUST_TEMPERATURE_STEP);
    assert_int_equal(sensor_1(&x, false, 500), TRUST_TEMPERATURE_STEP);
    assert_int_equal(sensor_1(&x, false, 900), TRUST_OK);
    init(&x);
    x.last.validity[BATTERY_EXTERNAL_TEMPERATURE_1] = BATTERY_ABSENT;
    assert_int_equal(sensor_1(&x, false, 900), TRUST_OK);
}

static void absence_and_a_jump_do_not_count_together(void **state) {
    (void)state;
    struct pair x;
    init(&x); /* 20.0 degC */
    assert_int_equal(sensor_1(&x, false, 400), TRUST_TEMPERATURE_STEP);
    assert_int_equal(sensor_1(&x, true, 400), TRUST_TEMPERATURE_STEP);
    assert_int_equal(sensor_1(&x, true, 400), TRUST_TEMPERATURE_STEP);
    assert_int_equal(sensor_1(&x, true, 400), TRUST_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_settings_are_in_no_order),
        cmocka_unit_test(every_cell_is_looked_at_and_no_other),
        cmocka_unit_test(the_tolerance_changes_from_300_mv_to_one_percent_at_30_volts),
        cmocka_unit_test(the_extremes_of_the_bms_agree_with_the_pack_within_the_tolerance),
        cmocka_unit_test(both_extremes_must_agree_with_the_cells),
        cmocka_unit_test(each_extreme_must_be_of_this_sample),
        cmocka_unit_test(doubted_samples_are_counted_and_no_others),
        cmocka_unit_test(a_jump_that_was_taken_back_is_counted_anew),
        cmocka_unit_test(fully_charged_is_a_reason_for_100_percent_alone),
        cmocka_unit_test(an_absent_sensor_has_no_value_to_differ),
        cmocka_unit_test(absence_and_a_jump_do_not_count_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
