/* SPDX-License-Identifier: MIT */
/* The whole policy on a 14-cell pack: 300 = 4150 mV, 301 = 3000 mV, 317 = 60 A, 318 = 20 A. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "policy/policy.h"
#include "sample.h"

static const struct policy_config config = {
    .stage = {5000, 15000, 30000, 60000},
    .alarm = {.imbalance_warning_mv = 100,
              .imbalance_alarm_mv = 200,
              .soc_low_percent = 10,
              .soc_high_percent = 100},
};

static void feed(struct policy *p, struct battery *b, uint64_t now_ms) {
    sample_refresh(b, now_ms);
    policy_handle_sample(p, b, now_ms);
}

static void open_at(struct policy *p, struct battery *b, uint64_t now_ms) {
    policy_init(p, &config, now_ms - 200);
    sample_nominal(b, now_ms);
    feed(p, b, now_ms - 200);
    feed(p, b, now_ms - 100);
    feed(p, b, now_ms);
}

static void nothing_is_valid_before_the_third_good_sample(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    policy_init(&p, &config, 0);
    sample_nominal(&b, 0);
    assert_false(p.limits.valid);
    feed(&p, &b, 100);
    assert_false(p.limits.valid);
    feed(&p, &b, 200);
    assert_false(p.limits.valid);
    feed(&p, &b, 300);
    assert_true(p.limits.valid);
}

/* CVL 14 x 4150 = 58100 mV; CCL 0.9 x 20 A = 18 A; DCL 0.9 x 60 A = 54 A; 14 x 3000 = 42000 mV */
static void nominal_limits_follow_the_registers(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    open_at(&p, &b, 1000);
    assert_int_equal(p.limits.cvl_mv, 58100);
    assert_int_equal(p.limits.ccl_ma, 18000);
    assert_int_equal(p.limits.dcl_ma, 54000);
    assert_int_equal(p.limits.discharge_voltage_mv, 42000);
    assert_int_equal(p.limits.cvl_reason, LIMIT_NOMINAL);
    assert_int_equal(p.limits.ccl_reason, LIMIT_NOMINAL);
    assert_int_equal(p.limits.dcl_reason, LIMIT_NOMINAL);
    assert_true(p.alarms.online);
}

static void the_margin_comes_off_the_charge_voltage_and_never_empties_the_pack(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    struct policy_config c = config;
    open_at(&p, &b, 1000);
    c.cvl_margin_mv = 700;
    policy_configure(&p, &c, 1001);
    assert_int_equal(p.limits.cvl_mv, 57400);
    c.cvl_margin_mv = 50000; /* more than there is */
    policy_configure(&p, &c, 1002);
    assert_int_equal(p.limits.cvl_mv, 42000); /* not under 14 x register 301 */
}

static void a_dangerous_sample_acts_at_once_even_when_implausible(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    open_at(&p, &b, 1000);
    b.cell_mv[6] = 4200;
    b.pack_mv = 20000; /* no witness agrees */
    b.bms_min_cell_mv = 3000;
    b.bms_max_cell_mv = 3100;
    feed(&p, &b, 1100);
    assert_int_equal(p.doubt_bits, TRUST_VOLTAGES);
    assert_int_equal(p.limits.ccl_ma, 0);
    assert_int_equal(p.limits.ccl_reason, LIMIT_CELL_OVER_VOLTAGE);
    assert_int_equal(p.limits.dcl_ma, 54000);
    assert_int_equal(p.sample.pack_mv, 54600); /* what is shown stays the last good sample */
}

static void a_fault_closes_both_limits_and_goes_offline(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    open_at(&p, &b, 1000);
    b.status = BATTERY_STATUS_FAULT;
    feed(&p, &b, 1100);
    assert_int_equal(p.limits.ccl_ma, 0);
    assert_int_equal(p.limits.dcl_ma, 0);
    assert_int_equal(p.limits.ccl_reason, LIMIT_STATUS_FAULT);
    assert_false(p.alarms.online);
    assert_int_equal(p.alarms.alarm[ALARM_BMS_INTERNAL], ALARM_ACTIVE);
    b.status = BATTERY_STATUS_IDLE;
    feed(&p, &b, 1200);
    assert_int_equal(p.limits.ccl_ma, 18000);
    assert_true(p.alarms.online);
}

static void silence_closes_step_by_step_and_stops(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint64_t age_ms;
        bool valid;
        uint32_t cvl_mv, ccl_ma, dcl_ma;
        bool online;
        uint8_t internal;
    } cases[] = {
        {"young", 4999, true, 58100, 18000, 54000, true, ALARM_QUIET},
        {"half closed", 10000, true, 58100, 9000, 29700, true, ALARM_QUIET},
        /* 14 x (4150 - 100) = 56700 */
        {"no charge", 15000, true, 56700, 0, 5400, false, ALARM_ACTIVE},
        {"no discharge", 30000, true, 56700, 0, 0, false, ALARM_ACTIVE},
        {"silent", 60000, false, 0, 0, 0, false, ALARM_ACTIVE},
    };
    struct policy p;
    struct battery b;
    open_at(&p, &b, 1000);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        policy_step(&p, 1000 + cases[i].age_ms);
        assert_int_equal(p.limits.valid, cases[i].valid);
        assert_int_equal(p.limits.cvl_mv, cases[i].cvl_mv);
        assert_int_equal(p.limits.ccl_ma, cases[i].ccl_ma);
        assert_int_equal(p.limits.dcl_ma, cases[i].dcl_ma);
        assert_int_equal(p.alarms.online, cases[i].online);
        assert_int_equal(p.alarms.alarm[ALARM_BMS_INTERNAL], cases[i].internal);
    }
}

/* register 301 + 150 mV = 3150 mV */
static void silence_with_a_low_cell_closes_discharging_with_charging(void **state) {
    (void)state;
    static const struct {
        uint16_t lowest_mv;
        uint32_t dcl_ma;
    } cases[] = {{3149, 0}, {3150, 5400}};
    for (unsigned i = 0; i < 2; i++) {
        struct policy p;
        struct battery b;
        open_at(&p, &b, 1000);
        sample_set_cell(&b, 9, cases[i].lowest_mv);
        feed(&p, &b, 1100);
        policy_step(&p, 1100 + 15000);
        assert_int_equal(p.limits.dcl_ma, cases[i].dcl_ma);
    }
}

static void an_implausible_sample_does_not_stop_the_age(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    open_at(&p, &b, 1000);
    for (uint64_t t = 1100; t <= 16000; t += 100) {
        b.pack_mv = 30000; /* neither the sum nor 40/41 x 14 */
        b.bms_min_cell_mv = b.bms_max_cell_mv = 3000;
        feed(&p, &b, t);
        policy_step(&p, t);
    }
    assert_int_equal(p.stage.stage, STAGE_NO_CHARGE);
    assert_int_equal(p.limits.ccl_ma, 0);
}

static void walking_by_deadlines_meets_the_same_stages_as_stepping_every_millisecond(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    open_at(&p, &b, 1000);
    uint64_t now_ms = 1000;
    unsigned steps = 0;
    for (;;) {
        uint64_t next_ms = policy_step(&p, now_ms);
        if (!p.limits.valid) {
            break;
        }
        assert_true(next_ms > now_ms);
        now_ms = next_ms;
        assert_true(++steps < 200); /* 100 while closing, one per stage */
    }
    assert_int_equal(now_ms, 61000);
}

static void every_change_is_told_once_with_its_reason(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    struct policy_change c;
    open_at(&p, &b, 1000);
    unsigned stages = 0;
    while (policy_next_change(&p, &c)) {
        if (c.kind == POLICY_CHANGE_STAGE) {
            assert_int_equal(c.from, STAGE_BOOT);
            assert_int_equal(c.to, STAGE_FRESH);
            assert_int_equal(c.reason, STAGE_REASON_GOOD_SAMPLES);
            stages++;
        }
    }
    assert_int_equal(stages, 1);

    sample_set_cell(&b, 2, 4210);
    feed(&p, &b, 1100);
    feed(&p, &b, 1200);
    unsigned ccl = 0;
    while (policy_next_change(&p, &c)) {
        if (c.kind == POLICY_CHANGE_CCL_REASON) {
            assert_int_equal(c.to, LIMIT_CELL_OVER_VOLTAGE);
            assert_int_equal(c.value, 0);
            ccl++;
        }
    }
    assert_int_equal(ccl, 1);
    assert_int_equal(p.changes_dropped, 0);
}

static void a_poor_link_is_a_warning(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    open_at(&p, &b, 1000);
    policy_set_link_poor(&p, true, 1100);
    assert_int_equal(p.alarms.warning[ALARM_BMS_INTERNAL], ALARM_ACTIVE);
    assert_int_equal(p.alarms.alarm[ALARM_BMS_INTERNAL], ALARM_QUIET);
    policy_set_link_poor(&p, false, 1200);
    assert_int_equal(p.alarms.warning[ALARM_BMS_INTERNAL], ALARM_QUIET);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_valid_before_the_third_good_sample),
        cmocka_unit_test(nominal_limits_follow_the_registers),
        cmocka_unit_test(the_margin_comes_off_the_charge_voltage_and_never_empties_the_pack),
        cmocka_unit_test(a_dangerous_sample_acts_at_once_even_when_implausible),
        cmocka_unit_test(a_fault_closes_both_limits_and_goes_offline),
        cmocka_unit_test(silence_closes_step_by_step_and_stops),
        cmocka_unit_test(silence_with_a_low_cell_closes_discharging_with_charging),
        cmocka_unit_test(an_implausible_sample_does_not_stop_the_age),
        cmocka_unit_test(walking_by_deadlines_meets_the_same_stages_as_stepping_every_millisecond),
        cmocka_unit_test(every_change_is_told_once_with_its_reason),
        cmocka_unit_test(a_poor_link_is_a_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
