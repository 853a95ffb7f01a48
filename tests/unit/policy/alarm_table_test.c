/* SPDX-License-Identifier: MIT */
/* Every row of the alarm table: raised at its threshold and not before, not before its debounce,
 * held by its hysteresis, cleared behind it. The edges are written out here from the documents, in
 * the order of the table, so that a changed row is a failing test. */
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
                                             .soc_high_percent = 90,
                                             .pack_over_voltage_mv = 58000,
                                             .pack_under_voltage_mv = 42000};

enum subject {
    HIGHEST,
    LOWEST,
    PACK,
    SOC,
    SENSOR,
    BOARD,
    CURRENT,
    IMBALANCE,
    EVENT,
    STATUS,
    SILENCE,
    POOR
};

/* Puts one value into an otherwise quiet input. */
static void put(struct battery *b, struct alarm_input *in, enum subject s, int32_t v) {
    switch (s) {
    case HIGHEST:
        b->max_cell_mv = (uint16_t)v;
        break;
    case LOWEST:
        b->min_cell_mv = (uint16_t)v;
        break;
    case PACK:
        b->pack_mv = (uint32_t)v;
        break;
    case SOC:
        b->soc_cpct = (uint16_t)v;
        break;
    case SENSOR:
        b->external_temperature_dc[0] = (int16_t)v;
        break;
    case BOARD:
        b->internal_temperature_dc = (int16_t)v;
        break;
    case CURRENT:
        b->pack_ma = v;
        break;
    case IMBALANCE:
        b->imbalance_mv = (uint16_t)v;
        break;
    case EVENT:
        battery_set(b, BATTERY_EVENTS, 0);
        b->event[0] = (struct battery_event){.at_s = 999999, .id = (uint8_t)v};
        b->event_count = 1;
        break;
    case STATUS:
        b->status = (uint16_t)v;
        break;
    case SILENCE:
        in->silent = v != 0;
        break;
    case POOR:
        in->link_poor = v != 0;
        break;
    }
}

/* clang-format off */
static const struct row {
    enum alarm_id id;
    bool is_warning;
    enum subject subject;
    int32_t quiet;    /* the last value that raises nothing */
    int32_t raises;
    int32_t holds;    /* the last value at which an active row stays */
    int32_t clears;
    uint32_t debounce_ms;
} rows[] = {
    /* 315 = 4200 mV, 300 = 4150 mV, halfway 4175 mV */
    {ALARM_HIGH_VOLTAGE,            false, HIGHEST,   4199,   4200,  4180,   4179,  500},
    {ALARM_HIGH_VOLTAGE,            false, PACK,      57999,  58000, 57800,  57799, 500},
    {ALARM_HIGH_VOLTAGE,            true,  HIGHEST,   4174,   4175,  4165,   4164,  1000},
    {ALARM_HIGH_VOLTAGE,            true,  SOC,       9000,   9001,  8901,   8900,  1000},
    /* 316 = 2900 mV, 301 = 3000 mV */
    {ALARM_LOW_VOLTAGE,             false, LOWEST,    2901,   2900,  2920,   2921,  500},
    {ALARM_LOW_VOLTAGE,             false, PACK,      42001,  42000, 42200,  42201, 500},
    {ALARM_LOW_VOLTAGE,             true,  LOWEST,    3001,   3000,  3050,   3051,  1000},
    {ALARM_LOW_VOLTAGE,             true,  SOC,       1000,   999,   1099,   1100,  1000},
    /* 319 = 60 degC, the board 90 degC, 320 = 1 degC */
    {ALARM_HIGH_TEMPERATURE,        false, SENSOR,    599,    600,   580,    579,   1000},
    {ALARM_HIGH_TEMPERATURE,        false, BOARD,     899,    900,   880,    879,   1000},
    {ALARM_HIGH_TEMPERATURE,        true,  SENSOR,    549,    550,   530,    529,   1000},
    {ALARM_LOW_TEMPERATURE,         false, SENSOR,    -399,   -400,  -380,   -379,  1000},
    {ALARM_LOW_TEMPERATURE,         true,  SENSOR,    -199,   -200,  -180,   -179,  1000},
    {ALARM_HIGH_TEMPERATURE_CHARGE, false, SENSOR,    599,    600,   580,    579,   1000},
    {ALARM_HIGH_TEMPERATURE_CHARGE, true,  SENSOR,    549,    550,   530,    529,   1000},
    {ALARM_LOW_TEMPERATURE_CHARGE,  false, SENSOR,    10,     9,     29,     30,    1000},
    {ALARM_LOW_TEMPERATURE_CHARGE,  true,  SENSOR,    40,     39,    59,     60,    1000},
    /* 317 = 60 A, 95 % 57 A; 318 = 20 A, 95 % 19 A */
    {ALARM_HIGH_CURRENT,            false, CURRENT,  -59999, -60000, -59000, -58999, 500},
    {ALARM_HIGH_CURRENT,            true,  CURRENT,  -56999, -57000, -56000, -55999, 1000},
    {ALARM_HIGH_CHARGE_CURRENT,     false, CURRENT,   19999,  20000, 19000,  18999, 500},
    {ALARM_HIGH_CHARGE_CURRENT,     true,  CURRENT,   18999,  19000, 18000,  17999, 1000},
    {ALARM_CONTACTOR,               false, EVENT,     0x0A,   0x0B,  0x0D,   0x0E,  0},
    {ALARM_BMS_INTERNAL,            false, STATUS,    0x97,   0x9B,  0x9B,   0x97,  0},
    {ALARM_BMS_INTERNAL,            false, SILENCE,   0,      1,     1,      0,     0},
    {ALARM_BMS_INTERNAL,            true,  POOR,      0,      1,     1,      0,     0},
    {ALARM_CELL_IMBALANCE,          false, IMBALANCE, 199,    200,   180,    179,   1000},
    {ALARM_CELL_IMBALANCE,          true,  IMBALANCE, 99,     100,   80,     79,    1000},
};
/* clang-format on */

enum { ROWS = sizeof rows / sizeof rows[0] };

/* The state of one row alone, by its number in the table. */
static bool row_active(const struct alarm_machine *m, unsigned row) {
    return m->row[row].active;
}

static void the_expectations_cover_the_table_row_by_row(void **state) {
    (void)state;
    assert_int_equal(alarm_table_rows, ROWS);
    for (unsigned i = 0; i < ROWS; i++) {
        assert_int_equal(alarm_table[i].id, rows[i].id);
        assert_int_equal(alarm_table[i].is_warning, rows[i].is_warning);
        assert_int_equal(alarm_table[i].debounce_ms, rows[i].debounce_ms);
        assert_non_null(alarm_table[i].what);
    }
}

static void every_row_is_raised_debounced_held_and_cleared(void **state) {
    (void)state;
    for (unsigned i = 0; i < ROWS; i++) {
        const struct row *r = &rows[i];
        struct battery b;
        struct alarm_input in = {.battery = &b, .config = &settings};
        struct alarm_machine m;
        struct alarms out;
        uint64_t t = 1000;
        sample_nominal(&b, 0);
        alarm_init(&m);

        put(&b, &in, r->subject, r->quiet);
        alarm_evaluate(&m, &in, t, &out);
        alarm_evaluate(&m, &in, t + 60000, &out);
        assert_false(row_active(&m, i));
        t += 60000;

        put(&b, &in, r->subject, r->raises);
        alarm_evaluate(&m, &in, t, &out);
        if (r->debounce_ms > 0) {
            assert_false(row_active(&m, i));
            assert_true(alarm_deadline(&m) <= t + r->debounce_ms);
            alarm_evaluate(&m, &in, t + r->debounce_ms - 1, &out);
            assert_false(row_active(&m, i));
            alarm_evaluate(&m, &in, t + r->debounce_ms, &out);
        }
        assert_true(row_active(&m, i));
        assert_int_equal((r->is_warning ? out.warning : out.alarm)[r->id], ALARM_ACTIVE);

        put(&b, &in, r->subject, r->holds);
        alarm_evaluate(&m, &in, t + 100000, &out);
        assert_true(row_active(&m, i));
        put(&b, &in, r->subject, r->clears);
        alarm_evaluate(&m, &in, t + 100100, &out);
        assert_false(row_active(&m, i));
    }
}

static void a_value_that_returns_within_the_debounce_raises_nothing(void **state) {
    (void)state;
    for (unsigned i = 0; i < ROWS; i++) {
        const struct row *r = &rows[i];
        if (r->debounce_ms == 0) {
            continue;
        }
        struct battery b;
        struct alarm_input in = {.battery = &b, .config = &settings};
        struct alarm_machine m;
        struct alarms out;
        sample_nominal(&b, 0);
        alarm_init(&m);
        for (int beat = 0; beat < 10; beat++) {
            uint64_t t = (uint64_t)beat * r->debounce_ms;
            put(&b, &in, r->subject, r->raises);
            alarm_evaluate(&m, &in, t, &out);
            put(&b, &in, r->subject, r->quiet);
            alarm_evaluate(&m, &in, t + r->debounce_ms - 1, &out);
            assert_false(row_active(&m, i));
        }
    }
}

static void a_quiet_battery_is_quiet_where_supported_and_nothing_else(void **state) {
    (void)state;
    struct battery b;
    struct alarm_input in = {.battery = &b, .config = &settings};
    struct alarm_machine m;
    struct alarms out;
    sample_nominal(&b, 0);
    alarm_init(&m);
    alarm_evaluate(&m, &in, 0, &out);
    alarm_evaluate(&m, &in, 100000, &out);
    for (unsigned id = 0; id < ALARM_COUNT; id++) {
        /* general and short circuit are not supported */
        uint8_t want = id == 0 || id == 10 ? ALARM_NOT_SUPPORTED : ALARM_QUIET;
        assert_int_equal(out.alarm[id], want);
        assert_int_equal(out.warning[id], want);
    }
    assert_true(alarm_deadline(&m) == UINT64_MAX);
}

static void a_row_without_its_value_keeps_still(void **state) {
    (void)state;
    struct battery b;
    struct alarm_input in = {.battery = &b, .config = &settings};
    struct alarm_machine m;
    struct alarms out;
    battery_init(&b); /* nothing known: all zero, which would be every low alarm at once */
    alarm_init(&m);
    alarm_evaluate(&m, &in, 0, &out);
    alarm_evaluate(&m, &in, 100000, &out);
    for (unsigned id = 0; id < ALARM_COUNT; id++) {
        assert_int_not_equal(out.alarm[id], ALARM_ACTIVE);
        assert_int_not_equal(out.warning[id], ALARM_ACTIVE);
    }
}

static void thresholds_of_the_user_replace_those_of_the_bms(void **state) {
    (void)state;
    const struct alarm_config own = {.imbalance_warning_mv = 100,
                                     .imbalance_alarm_mv = 200,
                                     .soc_high_percent = 100,
                                     .over_temperature_dc = 450,
                                     .low_temperature_charge_dc = 50};
    struct battery b;
    struct alarm_input in = {.battery = &b, .config = &own};
    struct alarm_machine m;
    struct alarms out;
    sample_nominal(&b, 0);
    alarm_init(&m);
    b.external_temperature_dc[0] = 450;
    alarm_evaluate(&m, &in, 0, &out);
    alarm_evaluate(&m, &in, 1000, &out);
    assert_int_equal(out.alarm[ALARM_HIGH_TEMPERATURE], ALARM_ACTIVE);
    assert_int_equal(out.alarm[ALARM_HIGH_TEMPERATURE_CHARGE], ALARM_ACTIVE);
    b.external_temperature_dc[0] = 49;
    alarm_evaluate(&m, &in, 2000, &out);
    alarm_evaluate(&m, &in, 3000, &out);
    assert_int_equal(out.alarm[ALARM_HIGH_TEMPERATURE], ALARM_QUIET);
    assert_int_equal(out.alarm[ALARM_LOW_TEMPERATURE_CHARGE], ALARM_ACTIVE);
}

static void a_threshold_smaller_than_its_hysteresis_is_left_again(void **state) {
    (void)state;
    const struct alarm_config small = {
        .imbalance_warning_mv = 10, .imbalance_alarm_mv = 11, .soc_high_percent = 100};
    struct battery b;
    struct alarm_input in = {.battery = &b, .config = &small};
    struct alarm_machine m;
    struct alarms out;
    sample_nominal(&b, 0);
    b.charge_over_current_ma = 1000;
    b.pack_ma = 1000;
    b.imbalance_mv = 12;
    alarm_init(&m);
    alarm_evaluate(&m, &in, 0, &out);
    alarm_evaluate(&m, &in, 1000, &out);
    assert_int_equal(out.warning[ALARM_CELL_IMBALANCE], ALARM_ACTIVE);
    assert_int_equal(out.alarm[ALARM_CELL_IMBALANCE], ALARM_ACTIVE);
    assert_int_equal(out.alarm[ALARM_HIGH_CHARGE_CURRENT], ALARM_ACTIVE);
    b.pack_ma = 0;
    b.imbalance_mv = 4; /* under half of 10, under 11 - 5 */
    alarm_evaluate(&m, &in, 2000, &out);
    assert_int_equal(out.warning[ALARM_CELL_IMBALANCE], ALARM_QUIET);
    assert_int_equal(out.alarm[ALARM_CELL_IMBALANCE], ALARM_QUIET);
    assert_int_equal(out.alarm[ALARM_HIGH_CHARGE_CURRENT], ALARM_QUIET);
}

static bool contactor(const struct battery *b) {
    struct alarm_input in = {.battery = b, .config = &settings};
    struct alarm_machine m;
    struct alarms out;
    alarm_init(&m);
    alarm_evaluate(&m, &in, 0, &out);
    return out.alarm[ALARM_CONTACTOR] == ALARM_ACTIVE;
}

static void a_switch_error_lasts_ten_minutes_or_as_long_as_the_fault(void **state) {
    (void)state;
    struct battery b;
    sample_nominal(&b, 0);
    battery_set(&b, BATTERY_EVENTS, 0);
    b.event_count = 1;
    b.event[0] = (struct battery_event){.at_s = 5000, .id = 0x0C};
    b.lifetime_s = 5600;
    assert_true(contactor(&b));
    b.lifetime_s = 5601;
    assert_false(contactor(&b));
    b.status = BATTERY_STATUS_FAULT;
    assert_true(contactor(&b));
    b.status = BATTERY_STATUS_IDLE;
    b.lifetime_s = 0x1000000 + 5000; /* events carry 24 bits: one wrap later is the same time */
    assert_true(contactor(&b));
}

/* An event has 24 bits of the clock, 194 days: one that has been old does not become new. */
static void a_switch_error_does_not_come_back_after_194_days(void **state) {
    (void)state;
    struct battery b;
    struct alarm_input in = {.battery = &b, .config = &settings};
    struct alarm_machine m;
    struct alarms out;
    sample_nominal(&b, 0);
    battery_set(&b, BATTERY_EVENTS, 0);
    alarm_init(&m);
    b.event_count = 1;
    b.event[0] = (struct battery_event){.at_s = 5000, .id = 0x0C};
    static const struct {
        const char *what;
        uint32_t lifetime_s, event_s;
        enum alarm_state want;
    } cases[] = {
        {"new", 5010, 5000, ALARM_ACTIVE},
        {"ten minutes later", 5601, 5000, ALARM_QUIET},
        {"194 days later", 0x1000000 + 5010, 5000, ALARM_QUIET},
        {"a new one then", 0x1000000 + 5020, 5015, ALARM_ACTIVE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        print_message("%s\n", cases[i].what);
        b.lifetime_s = cases[i].lifetime_s;
        b.event[0].at_s = cases[i].event_s;
        alarm_evaluate(&m, &in, 1000 * i, &out);
        assert_int_equal(out.alarm[ALARM_CONTACTOR], cases[i].want);
    }
}

static void a_switch_error_before_the_last_start_is_history(void **state) {
    (void)state;
    struct battery b;
    sample_nominal(&b, 0);
    battery_set(&b, BATTERY_EVENTS, 0);
    b.lifetime_s = 1010;
    b.event_count = 3; /* newest first */
    b.event[0] = (struct battery_event){.at_s = 1005, .id = 0x66};
    b.event[1] = (struct battery_event){.at_s = 1004, .id = 0x61};
    b.event[2] = (struct battery_event){.at_s = 1003, .id = 0x0D};
    assert_false(contactor(&b));
    b.event[1].id = 0x62;
    assert_true(contactor(&b));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_expectations_cover_the_table_row_by_row),
        cmocka_unit_test(every_row_is_raised_debounced_held_and_cleared),
        cmocka_unit_test(a_value_that_returns_within_the_debounce_raises_nothing),
        cmocka_unit_test(a_quiet_battery_is_quiet_where_supported_and_nothing_else),
        cmocka_unit_test(a_row_without_its_value_keeps_still),
        cmocka_unit_test(thresholds_of_the_user_replace_those_of_the_bms),
        cmocka_unit_test(a_threshold_smaller_than_its_hysteresis_is_left_again),
        cmocka_unit_test(a_switch_error_lasts_ten_minutes_or_as_long_as_the_fault),
        cmocka_unit_test(a_switch_error_does_not_come_back_after_194_days),
        cmocka_unit_test(a_switch_error_before_the_last_start_is_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
