/* SPDX-License-Identifier: MIT */
/* The stages of silence with the default ages 5, 15, 30 and 60 s; nominal CCL 18 A, DCL 54 A. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "policy/stage.h"

static const struct stage_config ages = {5000, 15000, 30000, 60000};

static struct stage_machine fresh_at(uint64_t now_ms) {
    struct stage_machine m;
    stage_init(&m);
    for (int i = 0; i < STAGE_GOOD_SAMPLES_TO_OPEN; i++) {
        stage_handle_good(&m, now_ms);
    }
    return m;
}

static void boot_ends_with_the_third_good_sample(void **state) {
    (void)state;
    struct stage_machine m;
    stage_init(&m);
    assert_int_equal(m.stage, STAGE_BOOT);
    assert_false(stage_handle_good(&m, 100));
    assert_false(stage_handle_good(&m, 200));
    assert_int_equal(m.stage, STAGE_BOOT);
    assert_true(stage_handle_good(&m, 300));
    assert_int_equal(m.stage, STAGE_FRESH);
    assert_int_equal(m.reason, STAGE_REASON_GOOD_SAMPLES);
}

static void a_doubtful_sample_starts_the_count_again(void **state) {
    (void)state;
    struct stage_machine m;
    stage_init(&m);
    stage_handle_good(&m, 100);
    stage_handle_good(&m, 200);
    stage_handle_doubtful(&m);
    assert_false(stage_handle_good(&m, 400));
    assert_false(stage_handle_good(&m, 500));
    assert_true(stage_handle_good(&m, 600));
}

static void boot_waits_for_ever(void **state) {
    (void)state;
    struct stage_machine m;
    stage_init(&m);
    assert_false(stage_step(&m, &ages, 1000000000));
    assert_int_equal(m.stage, STAGE_BOOT);
    assert_true(stage_deadline(&m, &ages, 1000000000) == UINT64_MAX);
    assert_int_equal(stage_charge_limit(&m, &ages, 18000, 1), 0);
    assert_int_equal(stage_discharge_limit(&m, &ages, 54000, false, 1), 0);
}

static void each_stage_begins_at_its_age_to_the_millisecond(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint64_t age_ms;
        enum stage want;
    } cases[] = {
        {"young", 0, STAGE_FRESH},           {"just under 5 s", 4999, STAGE_FRESH},
        {"5 s", 5000, STAGE_CLOSING},        {"just under 15 s", 14999, STAGE_CLOSING},
        {"15 s", 15000, STAGE_NO_CHARGE},    {"just under 30 s", 29999, STAGE_NO_CHARGE},
        {"30 s", 30000, STAGE_NO_DISCHARGE}, {"just under 60 s", 59999, STAGE_NO_DISCHARGE},
        {"60 s", 60000, STAGE_SILENT},       {"an hour", 3600000, STAGE_SILENT},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const uint64_t t0 = UINT64_C(4294967000); /* the ages cross 2^32 ms */
        struct stage_machine m = fresh_at(t0);
        stage_step(&m, &ages, t0 + cases[i].age_ms);
        assert_int_equal(m.stage, cases[i].want);
    }
}

static void walking_from_deadline_to_deadline_meets_every_stage(void **state) {
    (void)state;
    struct stage_machine m = fresh_at(1000);
    static const enum stage want[] = {STAGE_CLOSING, STAGE_NO_CHARGE, STAGE_NO_DISCHARGE,
                                      STAGE_SILENT};
    uint64_t now_ms = 1000;
    unsigned met = 0;
    for (int i = 0; i < 200 && met < 4; i++) {
        uint64_t next_ms = stage_deadline(&m, &ages, now_ms);
        assert_true(next_ms > now_ms);
        now_ms = next_ms;
        if (stage_step(&m, &ages, now_ms)) {
            assert_int_equal(m.stage, want[met++]);
        }
    }
    assert_int_equal(met, 4);
    assert_int_equal(now_ms, 61000);
}

static void silence_ends_with_the_third_good_sample(void **state) {
    (void)state;
    struct stage_machine m = fresh_at(0);
    stage_step(&m, &ages, 60000);
    assert_int_equal(m.stage, STAGE_SILENT);
    assert_false(stage_handle_good(&m, 70000));
    assert_false(stage_handle_good(&m, 70100));
    assert_true(stage_handle_good(&m, 70200));
    assert_int_equal(m.stage, STAGE_FRESH);
}

static void a_good_sample_before_silence_opens_at_once(void **state) {
    (void)state;
    struct stage_machine m = fresh_at(0);
    stage_step(&m, &ages, 31000);
    assert_int_equal(m.stage, STAGE_NO_DISCHARGE);
    assert_true(stage_handle_good(&m, 31050));
    assert_int_equal(m.stage, STAGE_FRESH);
}

/* CLOSING lasts 10 s: at 7.5 s age a quarter is gone, at 10 s half. CCL to 0, DCL to a tenth:
 * 54 A -> 5.4 A, so at half 5.4 + 48.6/2 = 29.7 A, at a quarter 5.4 + 48.6 x 3/4 = 41.85 A. */
static void limits_close_linearly_with_age(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint64_t age_ms;
        uint32_t ccl_ma, dcl_ma, dcl_low_ma;
    } cases[] = {
        {"fresh", 4999, 18000, 54000, 54000},     {"begins to close", 5000, 18000, 54000, 54000},
        {"a quarter", 7500, 13500, 41850, 41850}, {"half", 10000, 9000, 29700, 29700},
        {"no charge", 15000, 0, 5400, 0},         {"still a tenth", 29999, 0, 5400, 0},
        {"no discharge", 30000, 0, 0, 0},         {"silent", 60000, 0, 0, 0},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct stage_machine m = fresh_at(500);
        uint64_t now_ms = 500 + cases[i].age_ms;
        stage_step(&m, &ages, now_ms);
        assert_int_equal(stage_charge_limit(&m, &ages, 18000, now_ms), cases[i].ccl_ma);
        assert_int_equal(stage_discharge_limit(&m, &ages, 54000, false, now_ms), cases[i].dcl_ma);
        assert_int_equal(stage_discharge_limit(&m, &ages, 54000, true, now_ms),
                         cases[i].dcl_low_ma);
    }
}

static void limits_never_rise_with_age(void **state) {
    (void)state;
    struct stage_machine m = fresh_at(0);
    uint32_t ccl_ma = 675000; /* 0.9 x 750 A, the largest cut-off */
    uint32_t dcl_ma = 675000;
    for (uint64_t now_ms = 0; now_ms < 61000; now_ms += 7) {
        stage_step(&m, &ages, now_ms);
        uint32_t c = stage_charge_limit(&m, &ages, 675000, now_ms);
        uint32_t d = stage_discharge_limit(&m, &ages, 675000, false, now_ms);
        assert_true(c <= ccl_ma && d <= dcl_ma);
        ccl_ma = c;
        dcl_ma = d;
    }
    assert_int_equal(ccl_ma, 0);
    assert_int_equal(dcl_ma, 0);
}

static void only_boot_and_silence_do_not_speak(void **state) {
    (void)state;
    for (int s = 0; s < STAGE_COUNT; s++) {
        assert_int_equal(stage_speaks((enum stage)s), s != STAGE_BOOT && s != STAGE_SILENT);
        for (int other = s + 1; other <= STAGE_COUNT; other++) {
            assert_string_not_equal(stage_text((enum stage)s), stage_text((enum stage)other));
        }
    }
    assert_string_equal(stage_reason_text(STAGE_REASON_START), "start");
    assert_string_equal(stage_reason_text(STAGE_REASON_NO_GOOD_SAMPLE), "no-good-sample");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boot_ends_with_the_third_good_sample),
        cmocka_unit_test(a_doubtful_sample_starts_the_count_again),
        cmocka_unit_test(boot_waits_for_ever),
        cmocka_unit_test(each_stage_begins_at_its_age_to_the_millisecond),
        cmocka_unit_test(walking_from_deadline_to_deadline_meets_every_stage),
        cmocka_unit_test(silence_ends_with_the_third_good_sample),
        cmocka_unit_test(a_good_sample_before_silence_opens_at_once),
        cmocka_unit_test(limits_close_linearly_with_age),
        cmocka_unit_test(limits_never_rise_with_age),
        cmocka_unit_test(only_boot_and_silence_do_not_speak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
