/* SPDX-License-Identifier: MIT */
/* What the rows of the alarm table make of numbers that are not known, and their deadlines. A
 * number that is not known stands in memory all the same: here always the most alarming one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "policy/alarm_table.h"
#include "sample.h"

static const struct alarm_config settings = {.imbalance_warning_mv = 100,
                                             .imbalance_alarm_mv = 200,
                                             .soc_low_percent = 10,
                                             .soc_high_percent = 90};

struct bench {
    struct battery b;
    struct alarm_config config;
    struct alarm_machine m;
    struct alarms out;
};

static void init(struct bench *x) {
    memset(x, 0, sizeof *x);
    sample_nominal(&x->b, 0);
    x->config = settings;
    alarm_init(&x->m);
}

static void evaluate(struct bench *x, uint64_t now_ms) {
    struct alarm_input in = {.battery = &x->b, .config = &x->config};
    alarm_evaluate(&x->m, &in, now_ms, &x->out);
}

static void forget(struct bench *x, enum battery_field f) {
    x->b.validity[f] = BATTERY_NEVER_READ;
}

static bool active(const struct bench *x, enum alarm_id id, bool is_warning) {
    return (is_warning ? x->out.warning : x->out.alarm)[id] == ALARM_ACTIVE;
}

static void frost(struct bench *x) {
    x->b.external_temperature_dc[0] = x->b.internal_temperature_dc = -500;
}

static void heat(struct bench *x) {
    x->b.external_temperature_dc[0] = x->b.internal_temperature_dc = 1000;
}

static void high_cell(struct bench *x) {
    x->b.max_cell_mv = 4300;
}

static void low_cell(struct bench *x) {
    x->b.min_cell_mv = 2000;
}

static void apart(struct bench *x) {
    x->b.imbalance_mv = 500;
}

static void full(struct bench *x) {
    x->b.soc_cpct = 10000;
}

static void empty(struct bench *x) {
    x->b.soc_cpct = 0;
}

static void pack_high(struct bench *x) {
    x->config.pack_over_voltage_mv = 50000;
}

static void pack_low(struct bench *x) {
    x->config.pack_under_voltage_mv = 60000;
}

static void discharging(struct bench *x) {
    x->b.pack_ma = -70000;
}

static void charging(struct bench *x) {
    x->b.pack_ma = 30000;
}

static void switch_broken(struct bench *x) {
    battery_set(&x->b, BATTERY_EVENTS, 0);
    x->b.event[0] = (struct battery_event){.at_s = 999999, .id = 0x0C};
    x->b.event_count = 1;
}

static void fault(struct bench *x) {
    x->b.status = BATTERY_STATUS_FAULT;
}

/* clang-format off */
static const struct {
    const char *what;
    void (*alarming)(struct bench *x);
    enum battery_field unknown; /* a value or a threshold of the row */
    enum alarm_id id;
    bool is_warning;
} cases[] = {
    {"cells",                          high_cell,     BATTERY_CELLS,                         ALARM_HIGH_VOLTAGE,            false},
    {"register 315",                   high_cell,     BATTERY_OVER_VOLTAGE_CUTOFF,           ALARM_HIGH_VOLTAGE,            false},
    {"cells, warning",                 high_cell,     BATTERY_CELLS,                         ALARM_HIGH_VOLTAGE,            true},
    {"register 315, warning",          high_cell,     BATTERY_OVER_VOLTAGE_CUTOFF,           ALARM_HIGH_VOLTAGE,            true},
    {"register 300, warning",          high_cell,     BATTERY_FULLY_CHARGED,                 ALARM_HIGH_VOLTAGE,            true},
    {"pack over the setting",          pack_high,     BATTERY_PACK_VOLTAGE,                  ALARM_HIGH_VOLTAGE,            false},
    {"full",                           full,          BATTERY_SOC,                           ALARM_HIGH_VOLTAGE,            true},
    {"cells, low",                     low_cell,      BATTERY_CELLS,                         ALARM_LOW_VOLTAGE,             false},
    {"register 316",                   low_cell,      BATTERY_UNDER_VOLTAGE_CUTOFF,          ALARM_LOW_VOLTAGE,             false},
    {"register 301",                   low_cell,      BATTERY_FULLY_DISCHARGED,              ALARM_LOW_VOLTAGE,             true},
    {"pack under the setting",         pack_low,      BATTERY_PACK_VOLTAGE,                  ALARM_LOW_VOLTAGE,             false},
    {"empty",                          empty,         BATTERY_SOC,                           ALARM_LOW_VOLTAGE,             true},
    {"register 319",                   heat,          BATTERY_OVER_HEAT_CUTOFF,              ALARM_HIGH_TEMPERATURE_CHARGE, false},
    {"register 319, warning",          heat,          BATTERY_OVER_HEAT_CUTOFF,              ALARM_HIGH_TEMPERATURE,        true},
    {"register 320",                   frost,         BATTERY_LOW_TEMPERATURE_CUTOFF,        ALARM_LOW_TEMPERATURE_CHARGE,  false},
    {"register 320, warning",          frost,         BATTERY_LOW_TEMPERATURE_CUTOFF,        ALARM_LOW_TEMPERATURE_CHARGE,  true},
    {"discharge current",              discharging,   BATTERY_PACK_CURRENT,                  ALARM_HIGH_CURRENT,            false},
    {"register 317",                   discharging,   BATTERY_DISCHARGE_OVER_CURRENT_CUTOFF, ALARM_HIGH_CURRENT,            false},
    {"register 317, warning",          discharging,   BATTERY_DISCHARGE_OVER_CURRENT_CUTOFF, ALARM_HIGH_CURRENT,            true},
    {"charge current",                 charging,      BATTERY_PACK_CURRENT,                  ALARM_HIGH_CHARGE_CURRENT,     false},
    {"register 318",                   charging,      BATTERY_CHARGE_OVER_CURRENT_CUTOFF,    ALARM_HIGH_CHARGE_CURRENT,     false},
    {"register 318, warning",          charging,      BATTERY_CHARGE_OVER_CURRENT_CUTOFF,    ALARM_HIGH_CHARGE_CURRENT,     true},
    {"events",                         switch_broken, BATTERY_EVENTS,                        ALARM_CONTACTOR,               false},
    {"status",                         fault,         BATTERY_STATUS,                        ALARM_BMS_INTERNAL,            false},
    {"cells, imbalance",               apart,         BATTERY_CELLS,                         ALARM_CELL_IMBALANCE,          false},
    {"cells, imbalance, warning",      apart,         BATTERY_CELLS,                         ALARM_CELL_IMBALANCE,          true},
};
/* clang-format on */

enum { CASES = sizeof cases / sizeof cases[0] };

static void what_is_not_known_raises_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct bench x;
        init(&x);
        cases[i].alarming(&x);
        forget(&x, cases[i].unknown);
        evaluate(&x, 1000);
        evaluate(&x, 61000);
        if (active(&x, cases[i].id, cases[i].is_warning)) {
            fail_msg("%s", cases[i].what);
        }
    }
}

static void what_becomes_unknown_keeps_its_state(void **state) {
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct bench x;
        init(&x);
        cases[i].alarming(&x);
        evaluate(&x, 1000);
        evaluate(&x, 61000);
        if (!active(&x, cases[i].id, cases[i].is_warning)) {
            fail_msg("%s: not raised", cases[i].what);
        }
        struct alarm_machine before = x.m;
        forget(&x, cases[i].unknown);
        evaluate(&x, 62000);
        if (!active(&x, cases[i].id, cases[i].is_warning)) {
            fail_msg("%s: cleared", cases[i].what);
        }
        for (unsigned row = 0; row < alarm_table_rows; row++) {
            assert_int_equal(x.m.row[row].active, before.row[row].active);
        }
    }
}

static void temperatures_without_a_sensor_raise_nothing(void **state) {
    (void)state;
    static void (*const extremes[])(struct bench *) = {heat, frost};
    for (size_t i = 0; i < 2; i++) {
        struct bench x;
        init(&x);
        extremes[i](&x);
        forget(&x, BATTERY_EXTERNAL_TEMPERATURE_1);
        forget(&x, BATTERY_INTERNAL_TEMPERATURE);
        evaluate(&x, 1000);
        evaluate(&x, 61000);
        for (unsigned id = ALARM_HIGH_TEMPERATURE; id <= ALARM_LOW_TEMPERATURE_CHARGE; id++) {
            assert_int_equal(x.out.alarm[id], ALARM_QUIET);
            assert_int_equal(x.out.warning[id], ALARM_QUIET);
        }
    }
}

/* Two sensors: each alarm looks at its own end. */
static void the_coldest_and_the_hottest_sensor_count(void **state) {
    (void)state;
    struct bench x;
    init(&x);
    battery_set(&x.b, BATTERY_EXTERNAL_TEMPERATURE_2, 0);
    x.b.external_temperature_dc[0] = -450;
    x.b.external_temperature_dc[1] = 650;
    evaluate(&x, 1000);
    evaluate(&x, 2000);
    for (unsigned id = ALARM_HIGH_TEMPERATURE; id <= ALARM_LOW_TEMPERATURE_CHARGE; id++) {
        assert_int_equal(x.out.alarm[id], ALARM_ACTIVE);
        assert_int_equal(x.out.warning[id], ALARM_ACTIVE);
    }
}

static void a_value_that_becomes_unknown_stops_its_debounce(void **state) {
    (void)state;
    struct bench x;
    init(&x);
    full(&x);
    evaluate(&x, 1000);
    assert_true(alarm_deadline(&x.m) == 2000);
    forget(&x, BATTERY_SOC);
    evaluate(&x, 1900);
    assert_true(alarm_deadline(&x.m) == UINT64_MAX);
    battery_set(&x.b, BATTERY_SOC, 0);
    evaluate(&x, 2000);
    assert_false(active(&x, ALARM_HIGH_VOLTAGE, true));
    assert_true(alarm_deadline(&x.m) == 3000);
}

static void the_deadline_is_the_end_of_the_first_debounce(void **state) {
    (void)state;
    struct bench x;
    init(&x);
    assert_true(alarm_deadline(&x.m) == UINT64_MAX);
    full(&x); /* 1 s */
    evaluate(&x, 1000);
    assert_true(alarm_deadline(&x.m) == 2000);
    discharging(&x); /* 0.5 s, its warning 1 s */
    evaluate(&x, 1200);
    assert_true(alarm_deadline(&x.m) == 1700);
    evaluate(&x, 1700);
    assert_true(alarm_deadline(&x.m) == 2000);
    evaluate(&x, 2000);
    assert_true(alarm_deadline(&x.m) == 2200);
    evaluate(&x, 2200);
    assert_true(alarm_deadline(&x.m) == UINT64_MAX);
}

static void a_setting_of_zero_is_no_threshold(void **state) {
    (void)state;
    struct bench x;
    init(&x); /* both pack thresholds are 0 */
    evaluate(&x, 1000);
    evaluate(&x, 61000);
    assert_false(active(&x, ALARM_HIGH_VOLTAGE, false));
    assert_false(active(&x, ALARM_LOW_VOLTAGE, false));
}

/* 4 degC are a setting; the warning 5 K below is at -1 degC, its hysteresis 2 K under that. */
static void a_threshold_under_zero_keeps_its_hysteresis(void **state) {
    (void)state;
    struct bench x;
    init(&x);
    x.config.over_temperature_dc = 40;
    x.b.external_temperature_dc[0] = -10;
    evaluate(&x, 1000);
    evaluate(&x, 2000);
    assert_true(active(&x, ALARM_HIGH_TEMPERATURE, true));
    x.b.external_temperature_dc[0] = -30;
    evaluate(&x, 3000);
    assert_true(active(&x, ALARM_HIGH_TEMPERATURE, true));
    x.b.external_temperature_dc[0] = -31;
    evaluate(&x, 4000);
    assert_false(active(&x, ALARM_HIGH_TEMPERATURE, true));
}

static void events_behind_the_end_of_the_list_are_not_read(void **state) {
    (void)state;
    struct bench x;
    init(&x);
    switch_broken(&x);
    x.b.event_count = 0;
    x.b.pack_ma = 5000;
    evaluate(&x, 1000);
    assert_false(active(&x, ALARM_CONTACTOR, false));
}

static void the_newest_switch_error_counts(void **state) {
    (void)state;
    struct bench x;
    init(&x);
    switch_broken(&x);
    x.b.event[1] = (struct battery_event){.at_s = 900000, .id = 0x0B}; /* long ago */
    x.b.event_count = 2;
    evaluate(&x, 1000);
    assert_true(active(&x, ALARM_CONTACTOR, false));
}

/* A hysteresis is at most half of the threshold: 20 mV of 50, 5 mV of 11. */
static void a_small_threshold_halves_its_hysteresis(void **state) {
    (void)state;
    static const struct {
        uint32_t threshold_mv;
        uint16_t holds_mv;
    } edges[] = {{100, 80}, {50, 30}, {41, 21}, {40, 20}, {39, 20}, {11, 6}, {10, 5}};
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        struct bench x;
        init(&x);
        x.config.imbalance_warning_mv = edges[i].threshold_mv;
        x.b.imbalance_mv = (uint16_t)edges[i].threshold_mv;
        evaluate(&x, 1000);
        evaluate(&x, 2000);
        x.b.imbalance_mv = edges[i].holds_mv;
        evaluate(&x, 3000);
        assert_true(active(&x, ALARM_CELL_IMBALANCE, true));
        x.b.imbalance_mv = (uint16_t)(edges[i].holds_mv - 1);
        evaluate(&x, 4000);
        assert_false(active(&x, ALARM_CELL_IMBALANCE, true));
    }
}

static void every_pair_is_written(void **state) {
    (void)state;
    struct bench x;
    init(&x);
    memset(&x.out, 0xA5, sizeof x.out);
    evaluate(&x, 1000);
    for (unsigned id = 0; id < ALARM_COUNT; id++) {
        uint8_t want =
            id == ALARM_GENERAL || id == ALARM_SHORT_CIRCUIT ? ALARM_NOT_SUPPORTED : ALARM_QUIET;
        assert_int_equal(x.out.alarm[id], want);
        assert_int_equal(x.out.warning[id], want);
    }
}

/* The clock of the BMS is not known: an error of any age is shown. */
static void a_switch_error_without_a_clock_is_shown(void **state) {
    (void)state;
    struct bench x;
    init(&x);
    switch_broken(&x);
    x.b.lifetime_s = 999999 + 5000;
    evaluate(&x, 1000);
    assert_false(active(&x, ALARM_CONTACTOR, false));
    alarm_init(&x.m); /* which remembers what was old */
    forget(&x, BATTERY_LIFETIME);
    evaluate(&x, 2000);
    assert_true(active(&x, ALARM_CONTACTOR, false));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_known_raises_nothing),
        cmocka_unit_test(what_becomes_unknown_keeps_its_state),
        cmocka_unit_test(temperatures_without_a_sensor_raise_nothing),
        cmocka_unit_test(the_coldest_and_the_hottest_sensor_count),
        cmocka_unit_test(a_value_that_becomes_unknown_stops_its_debounce),
        cmocka_unit_test(the_deadline_is_the_end_of_the_first_debounce),
        cmocka_unit_test(a_setting_of_zero_is_no_threshold),
        cmocka_unit_test(a_threshold_under_zero_keeps_its_hysteresis),
        cmocka_unit_test(events_behind_the_end_of_the_list_are_not_read),
        cmocka_unit_test(the_newest_switch_error_counts),
        cmocka_unit_test(a_small_threshold_halves_its_hysteresis),
        cmocka_unit_test(every_pair_is_written),
        cmocka_unit_test(a_switch_error_without_a_clock_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
