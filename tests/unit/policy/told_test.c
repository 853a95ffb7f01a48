/* SPDX-License-Identifier: MIT */
/* What the policy tells of its changes (for the log and the bus), the reason beside each limit, and
 * how it falls asleep and wakes. A 14-cell pack: 317 = 60 A, 318 = 20 A. */
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

struct bench {
    struct policy p;
    struct battery b;
};

static void feed(struct bench *x, uint64_t now_ms) {
    x->b.lifetime_s = (uint32_t)(now_ms / 100);
    sample_refresh(&x->b, now_ms);
    bool good = policy_handle_sample(&x->p, &x->b, now_ms);
    assert_int_equal(good, x->p.doubt_bits == TRUST_OK);
}

static void forget_changes(struct bench *x) {
    struct policy_change c;
    while (policy_next_change(&x->p, &c)) {
    }
}

/* Everything is open at now_ms and all was told. */
static void open_at(struct bench *x, uint64_t now_ms) {
    policy_init(&x->p, &config, now_ms - 10000);
    sample_nominal(&x->b, now_ms);
    for (uint64_t t = now_ms - 10000; t <= now_ms; t += 100) {
        x->b.pack_ma = t / 100 % 2 == 0 ? -10000 : -10100; /* a current that lives */
        feed(x, t);
    }
    assert_int_equal(x->p.limits.ccl_ma, 18000);
    assert_int_equal(x->p.changes_dropped, 0);
    forget_changes(x);
}

/* The only change of this kind among those waiting; all are taken. */
static struct policy_change the_change(struct bench *x, enum policy_change_kind kind) {
    struct policy_change c, found = {.kind = kind};
    unsigned n = 0;
    while (policy_next_change(&x->p, &c)) {
        if (c.kind == kind) {
            found = c;
            n++;
        }
    }
    assert_int_equal(n, 1);
    return found;
}

static void assert_nothing_to_tell(struct bench *x) {
    struct policy_change c;
    assert_false(policy_next_change(&x->p, &c));
}

static void every_limit_names_its_reason_while_data_grows_old(void **state) {
    (void)state;
    static const struct {
        uint64_t age_ms;
        enum limit_reason cvl, ccl, dcl;
    } cases[] = {
        {4999, LIMIT_NOMINAL, LIMIT_NOMINAL, LIMIT_NOMINAL},
        {5100, LIMIT_NOMINAL, LIMIT_STALE_CLOSING, LIMIT_STALE_CLOSING},
        {14999, LIMIT_NOMINAL, LIMIT_STALE_CLOSING, LIMIT_STALE_CLOSING},
        {15000, LIMIT_STALE_CLOSED, LIMIT_STALE_CLOSED, LIMIT_STALE_CLOSED},
        {59999, LIMIT_STALE_CLOSED, LIMIT_STALE_CLOSED, LIMIT_STALE_CLOSED},
        {60000, LIMIT_NO_SAMPLE, LIMIT_NO_SAMPLE, LIMIT_NO_SAMPLE},
    };
    struct bench x;
    open_at(&x, 20000);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        policy_step(&x.p, 20000 + cases[i].age_ms);
        assert_int_equal(x.p.limits.cvl_reason, cases[i].cvl);
        assert_int_equal(x.p.limits.ccl_reason, cases[i].ccl);
        assert_int_equal(x.p.limits.dcl_reason, cases[i].dcl);
    }
}

static void a_new_reason_of_each_limit_is_told_with_the_limit(void **state) {
    (void)state;
    static const struct {
        enum policy_change_kind kind;
        uint32_t value;
    } cases[] = {
        {POLICY_CHANGE_CVL_REASON, 56700}, /* 14 x (4150 - 100) */
        {POLICY_CHANGE_CCL_REASON, 0},
        {POLICY_CHANGE_DCL_REASON, 5400}, /* a tenth of 54 A */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench x;
        open_at(&x, 20000);
        policy_step(&x.p, 35000);
        struct policy_change c = the_change(&x, cases[i].kind);
        assert_int_equal(c.from, LIMIT_NOMINAL);
        assert_int_equal(c.to, LIMIT_STALE_CLOSED);
        assert_int_equal(c.value, cases[i].value);
    }
}

static void a_stage_is_told_with_its_reason(void **state) {
    (void)state;
    struct bench x;
    open_at(&x, 20000);
    policy_step(&x.p, 24999);
    assert_nothing_to_tell(&x);
    policy_step(&x.p, 25000); /* to the millisecond: nothing came for 5 s */
    struct policy_change c = the_change(&x, POLICY_CHANGE_STAGE);
    assert_int_equal(c.from, STAGE_FRESH);
    assert_int_equal(c.to, STAGE_CLOSING);
    assert_int_equal(c.reason, STAGE_REASON_NO_GOOD_SAMPLE);
    feed(&x, 26000);
    c = the_change(&x, POLICY_CHANGE_STAGE);
    assert_int_equal(c.from, STAGE_CLOSING);
    assert_int_equal(c.to, STAGE_FRESH);
    assert_int_equal(c.reason, STAGE_REASON_GOOD_SAMPLES);
}

static void an_alarm_and_a_warning_are_told_when_they_come_and_go(void **state) {
    (void)state;
    struct bench x;
    open_at(&x, 20000);
    x.b.status = BATTERY_STATUS_FAULT;
    feed(&x, 20100);
    struct policy_change c = the_change(&x, POLICY_CHANGE_ALARM);
    assert_int_equal(c.id, ALARM_BMS_INTERNAL);
    assert_int_equal(c.from, ALARM_QUIET);
    assert_int_equal(c.to, ALARM_ACTIVE);
    x.b.status = BATTERY_STATUS_DISCHARGING;
    feed(&x, 20200);
    c = the_change(&x, POLICY_CHANGE_ALARM);
    assert_int_equal(c.id, ALARM_BMS_INTERNAL);
    assert_int_equal(c.from, ALARM_ACTIVE);
    assert_int_equal(c.to, ALARM_QUIET);
    policy_set_link_poor(&x.p, true, 20300);
    c = the_change(&x, POLICY_CHANGE_WARNING);
    assert_int_equal(c.id, ALARM_BMS_INTERNAL);
    assert_int_equal(c.to, ALARM_ACTIVE);
    feed(&x, 20400);
    assert_nothing_to_tell(&x);
}

static void a_debounce_ends_between_samples(void **state) {
    (void)state;
    struct bench x;
    open_at(&x, 20000);
    x.b.pack_ma = -61000; /* over register 317 */
    feed(&x, 20100);
    assert_int_equal(x.p.alarms.alarm[ALARM_HIGH_CURRENT], ALARM_QUIET);
    assert_true(policy_step(&x.p, 20100) == 20600);
    policy_step(&x.p, 20599);
    assert_int_equal(x.p.alarms.alarm[ALARM_HIGH_CURRENT], ALARM_QUIET);
    assert_true(policy_step(&x.p, 20600) == 21100); /* the warning's second */
    assert_int_equal(x.p.alarms.alarm[ALARM_HIGH_CURRENT], ALARM_ACTIVE);
}

static void an_incomplete_sample_is_told_five_seconds_after_the_last_whole_one(void **state) {
    (void)state;
    struct bench x;
    open_at(&x, 200000);
    x.b.validity[BATTERY_FULLY_CHARGED] = BATTERY_NEVER_READ;
    for (uint64_t t = 200100; t < 205000; t += 100) {
        feed(&x, t);
        assert_nothing_to_tell(&x);
    }
    feed(&x, 205000);
    struct policy_change c = the_change(&x, POLICY_CHANGE_DOUBT);
    assert_int_equal(c.from, TRUST_OK);
    assert_int_equal(c.to, TRUST_INCOMPLETE);
    x.b.validity[BATTERY_FULLY_CHARGED] = BATTERY_VALID;
    feed(&x, 205100);
    c = the_change(&x, POLICY_CHANGE_DOUBT);
    assert_int_equal(c.from, TRUST_INCOMPLETE);
    assert_int_equal(c.to, TRUST_OK);
}

static void any_other_doubt_is_told_at_once(void **state) {
    (void)state;
    struct bench x;
    open_at(&x, 200000);
    x.b.cell_mv[3] = 5001;
    assert_int_equal(policy_hurry_ms(&x.p), 0);
    feed(&x, 200100);
    assert_int_equal(the_change(&x, POLICY_CHANGE_DOUBT).to, TRUST_CELL_RANGE);
    assert_int_equal(policy_hurry_ms(&x.p), POLICY_HURRY_MS); /* to know better soon */
    feed(&x, 200200);
    assert_nothing_to_tell(&x);
}

static void a_doubtful_sample_at_boot_starts_the_count_again(void **state) {
    (void)state;
    struct bench x;
    policy_init(&x.p, &config, 0);
    sample_nominal(&x.b, 0);
    feed(&x, 100);
    feed(&x, 200);
    x.b.cell_mv[3] = 5001;
    feed(&x, 300);
    x.b.cell_mv[3] = 3900;
    feed(&x, 400);
    feed(&x, 500);
    assert_int_equal(x.p.stage.stage, STAGE_BOOT);
    assert_false(x.p.alarms.online);
    feed(&x, 600);
    assert_int_equal(x.p.stage.stage, STAGE_FRESH);
}

static void changes_that_nobody_takes_are_counted_and_the_first_ones_kept(void **state) {
    (void)state;
    struct bench x;
    struct policy_change c;
    open_at(&x, 20000);
    for (unsigned i = 0; i < POLICY_CHANGES_MAX + 3; i++) {
        policy_set_link_poor(&x.p, i % 2 == 0, 20100 + i);
    }
    assert_int_equal(x.p.changes_dropped, 3);
    for (unsigned i = 0; i < POLICY_CHANGES_MAX; i++) {
        assert_true(policy_next_change(&x.p, &c));
        assert_int_equal(c.kind, POLICY_CHANGE_WARNING);
        assert_int_equal(c.to, i % 2 == 0 ? ALARM_ACTIVE : ALARM_QUIET);
    }
    assert_nothing_to_tell(&x);
}

/* 5001 mV in a cell is no battery; the status is dangerous all the same. */
static void a_doubtful_fault_is_offline_at_once(void **state) {
    (void)state;
    struct bench x;
    open_at(&x, 20000);
    assert_true(x.p.alarms.online);
    x.b.cell_mv[3] = 5001;
    x.b.status = BATTERY_STATUS_FAULT;
    feed(&x, 20100);
    assert_false(x.p.alarms.online);
}

static void two_sample_intervals_are_no_pause(void **state) {
    (void)state;
    struct bench x;
    struct policy_config c = config;
    c.sample_interval_ms = 2000;
    policy_init(&x.p, &c, 0);
    assert_int_equal(x.p.freshness.pause_ms, 4000);
    policy_configure(&x.p, &config, 0);
    assert_int_equal(x.p.freshness.pause_ms, FRESHNESS_STILL_MS);
}

static void what_is_silent_does_not_rest(void **state) {
    (void)state;
    struct bench x;
    struct policy_config c = config;
    c.low_power = true;
    open_at(&x, 20000);
    policy_configure(&x.p, &c, 20000);
    policy_step(&x.p, 26000);
    policy_set_gx_absent(&x.p, 3600000, 3620000);
    assert_int_equal(x.p.stage.stage, STAGE_CLOSING);
}

/* Resting at now_ms. */
static void rest_at(struct bench *x, uint64_t now_ms) {
    struct policy_config c = config;
    c.low_power = true;
    open_at(x, now_ms - 600000);
    policy_configure(&x->p, &c, now_ms - 600000);
    x->b.status = BATTERY_STATUS_IDLE;
    x->b.pack_ma = 0;
    for (uint64_t t = now_ms - 599900; t <= now_ms; t += 100) {
        feed(x, t);
    }
    policy_set_gx_absent(&x->p, 599999, now_ms);
    assert_int_equal(x->p.stage.stage, STAGE_FRESH);
    forget_changes(x);
    policy_set_gx_absent(&x->p, 600000, now_ms);
    assert_int_equal(x->p.stage.stage, STAGE_RESTING);
}

static void rest_and_waking_are_told_and_nothing_hurries_between(void **state) {
    (void)state;
    struct bench x;
    rest_at(&x, 1000000);
    struct policy_change c = the_change(&x, POLICY_CHANGE_STAGE);
    assert_int_equal(c.from, STAGE_FRESH);
    assert_int_equal(c.to, STAGE_RESTING);
    assert_int_equal(c.reason, STAGE_REASON_REST);
    assert_int_equal(policy_hurry_ms(&x.p), 0);
    feed(&x, 1060000); /* the next look: still idle */
    assert_int_equal(x.p.stage.stage, STAGE_RESTING);
    policy_wake(&x.p, 1070000);
    c = the_change(&x, POLICY_CHANGE_STAGE);
    assert_int_equal(c.from, STAGE_RESTING);
    assert_int_equal(c.to, STAGE_BOOT);
    assert_int_equal(c.reason, STAGE_REASON_WAKE);
    assert_int_equal(policy_hurry_ms(&x.p), POLICY_HURRY_MS);
    policy_wake(&x.p, 1070100); /* awake already */
    assert_nothing_to_tell(&x);
}

/* The clock of the machine counted long before the gateway started. */
static void time_before_the_start_is_no_rest_and_no_lack_of_samples(void **state) {
    (void)state;
    struct bench x;
    struct policy_config c = config;
    c.low_power = true;
    policy_init(&x.p, &c, 9000000);
    sample_nominal(&x.b, 9000000);
    x.b.status = BATTERY_STATUS_IDLE;
    x.b.pack_ma = 0;
    x.b.validity[BATTERY_FULLY_CHARGED] = BATTERY_NEVER_READ;
    for (uint64_t t = 9000100; t < 9005000; t += 100) {
        feed(&x, t);
        assert_nothing_to_tell(&x);
    }
    x.b.validity[BATTERY_FULLY_CHARGED] = BATTERY_VALID;
    for (uint64_t t = 9005000; t < 9600000; t += 100) {
        feed(&x, t);
        policy_set_gx_absent(&x.p, t, t);
        assert_int_not_equal(x.p.stage.stage, STAGE_RESTING);
    }
    policy_set_gx_absent(&x.p, 9600000, 9600000);
    assert_int_equal(x.p.stage.stage, STAGE_RESTING);
}

static void a_command_keeps_the_bms_awake_for_another_ten_minutes(void **state) {
    (void)state;
    struct bench x;
    rest_at(&x, 1000000);
    policy_wake(&x.p, 1070000);
    for (uint64_t t = 1070100; t < 1670000; t += 100) {
        feed(&x, t);
        policy_set_gx_absent(&x.p, t, t);
        assert_int_not_equal(x.p.stage.stage, STAGE_RESTING);
    }
    policy_set_gx_absent(&x.p, 1670000, 1670000);
    assert_int_equal(x.p.stage.stage, STAGE_RESTING);
}

static void a_rest_ends_when_low_power_is_switched_off(void **state) {
    (void)state;
    struct bench x;
    rest_at(&x, 1000000);
    policy_set_gx_absent(&x.p, 700000, 1000100);
    assert_int_equal(x.p.stage.stage, STAGE_RESTING);
    policy_configure(&x.p, &config, 1000200);
    policy_set_gx_absent(&x.p, 700000, 1000300);
    assert_int_equal(x.p.stage.stage, STAGE_BOOT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_limit_names_its_reason_while_data_grows_old),
        cmocka_unit_test(a_new_reason_of_each_limit_is_told_with_the_limit),
        cmocka_unit_test(a_stage_is_told_with_its_reason),
        cmocka_unit_test(an_alarm_and_a_warning_are_told_when_they_come_and_go),
        cmocka_unit_test(a_debounce_ends_between_samples),
        cmocka_unit_test(an_incomplete_sample_is_told_five_seconds_after_the_last_whole_one),
        cmocka_unit_test(any_other_doubt_is_told_at_once),
        cmocka_unit_test(a_doubtful_sample_at_boot_starts_the_count_again),
        cmocka_unit_test(changes_that_nobody_takes_are_counted_and_the_first_ones_kept),
        cmocka_unit_test(a_doubtful_fault_is_offline_at_once),
        cmocka_unit_test(two_sample_intervals_are_no_pause),
        cmocka_unit_test(what_is_silent_does_not_rest),
        cmocka_unit_test(rest_and_waking_are_told_and_nothing_hurries_between),
        cmocka_unit_test(time_before_the_start_is_no_rest_and_no_lack_of_samples),
        cmocka_unit_test(a_command_keeps_the_bms_awake_for_another_ten_minutes),
        cmocka_unit_test(a_rest_ends_when_low_power_is_switched_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
