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

/* Open for so long that every ramp has ended: 9 s from a tenth to the whole. */
static struct stage_machine fresh(void) {
    struct stage_machine m;
    stage_init(&m);
    for (int i = 0; i < STAGE_GOOD_SAMPLES_TO_OPEN; i++) {
        stage_handle_good(&m, &ages, 0, 1000);
    }
    stage_handle_good(&m, &ages, 0, 10000);
    return m;
}

static bool age(struct stage_machine *m, uint64_t age_ms) {
    return stage_step(m, &ages, age_ms, STAGE_REASON_NO_GOOD_SAMPLE);
}

static void boot_ends_with_the_third_good_sample(void **state) {
    (void)state;
    struct stage_machine m;
    stage_init(&m);
    assert_int_equal(m.stage, STAGE_BOOT);
    assert_false(stage_handle_good(&m, &ages, 0, 100));
    assert_false(stage_handle_good(&m, &ages, 0, 200));
    assert_int_equal(m.stage, STAGE_BOOT);
    assert_true(stage_handle_good(&m, &ages, 0, 300));
    assert_int_equal(m.stage, STAGE_FRESH);
    assert_int_equal(m.reason, STAGE_REASON_GOOD_SAMPLES);
}

static void a_doubtful_sample_starts_the_count_again(void **state) {
    (void)state;
    struct stage_machine m;
    stage_init(&m);
    stage_handle_good(&m, &ages, 0, 100);
    stage_handle_good(&m, &ages, 0, 200);
    stage_handle_doubtful(&m);
    assert_false(stage_handle_good(&m, &ages, 0, 400));
    assert_false(stage_handle_good(&m, &ages, 0, 500));
    assert_true(stage_handle_good(&m, &ages, 0, 600));
}

static void a_sample_whose_data_is_too_old_opens_nothing(void **state) {
    (void)state;
    struct stage_machine m;
    stage_init(&m);
    for (int i = 0; i < 10; i++) {
        assert_false(stage_handle_good(&m, &ages, 5000, 100));
    }
    stage_handle_good(&m, &ages, 4999, 1000);
    stage_handle_good(&m, &ages, 4999, 1100);
    assert_true(stage_handle_good(&m, &ages, 4999, 1200));
    assert_true(age(&m, 5000));
    assert_false(stage_handle_good(&m, &ages, 5001, 1300));
    assert_int_equal(m.stage, STAGE_CLOSING);
}

static void good_samples_with_a_silence_between_are_not_in_a_row(void **state) {
    (void)state;
    struct stage_machine m = fresh();
    age(&m, 60000);
    uint64_t t = 100000;
    for (int i = 0; i < 20; i++, t += 5000) {
        assert_false(stage_handle_good(&m, &ages, 0, t));
    }
    assert_false(stage_handle_good(&m, &ages, 0, t)); /* 5 s after the last one again */
    assert_false(stage_handle_good(&m, &ages, 0, t + 4999));
    assert_true(stage_handle_good(&m, &ages, 0, t + 9998));
}

static void boot_waits_for_ever(void **state) {
    (void)state;
    struct stage_machine m;
    stage_init(&m);
    assert_false(age(&m, UINT64_MAX));
    assert_int_equal(m.stage, STAGE_BOOT);
    assert_true(stage_wait_ms(&m, &ages, 1000000000) == UINT64_MAX);
    assert_int_equal(stage_charge_limit(&m, &ages, 18000, 1), 0);
    assert_int_equal(stage_discharge_limit(&m, &ages, 54000, 5400, false, 1), 0);
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
        struct stage_machine m = fresh();
        age(&m, cases[i].age_ms);
        assert_int_equal(m.stage, cases[i].want);
    }
}

static void walking_from_wait_to_wait_meets_every_stage(void **state) {
    (void)state;
    struct stage_machine m = fresh();
    static const enum stage want[] = {STAGE_CLOSING, STAGE_NO_CHARGE, STAGE_NO_DISCHARGE,
                                      STAGE_SILENT};
    uint64_t age_ms = 0;
    unsigned met = 0;
    for (int i = 0; i < 200 && met < 4; i++) {
        uint64_t wait_ms = stage_wait_ms(&m, &ages, age_ms);
        assert_in_range(wait_ms, 1, 60000);
        age_ms += wait_ms;
        if (age(&m, age_ms)) {
            assert_int_equal(m.stage, want[met++]);
        }
    }
    assert_int_equal(met, 4);
    assert_int_equal(age_ms, 60000);
}

static void age_alone_never_opens(void **state) {
    (void)state;
    static const uint64_t closed_at_ms[] = {5000, 15000, 30000, 60000};
    for (unsigned i = 0; i < 4; i++) {
        struct stage_machine m = fresh();
        age(&m, closed_at_ms[i]);
        enum stage was = m.stage;
        assert_false(age(&m, 0));
        assert_int_equal(m.stage, was);
    }
}

static void from_no_charge_on_three_good_samples_open_and_both_limits_ramp(void **state) {
    (void)state;
    static const uint64_t closed_at_ms[] = {15000, 30000, 60000};
    for (unsigned i = 0; i < 3; i++) {
        struct stage_machine m = fresh();
        age(&m, closed_at_ms[i]);
        assert_false(stage_handle_good(&m, &ages, 0, 70000));
        assert_false(stage_handle_good(&m, &ages, 0, 70100));
        assert_true(stage_handle_good(&m, &ages, 0, 70200));
        assert_int_equal(m.stage, STAGE_FRESH);
        assert_int_equal(stage_charge_limit(&m, &ages, 18000, 0), 1800);
        assert_int_equal(stage_discharge_limit(&m, &ages, 54000, 5400, false, 0), 5400);
        stage_handle_good(&m, &ages, 0, 75200); /* 5 s: six tenths */
        assert_int_equal(stage_charge_limit(&m, &ages, 18000, 0), 10800);
        assert_int_equal(stage_discharge_limit(&m, &ages, 54000, 5400, false, 0), 32400);
        stage_handle_good(&m, &ages, 0, 79199);
        assert_true(stage_charge_limit(&m, &ages, 18000, 0) < 18000);
        stage_handle_good(&m, &ages, 0, 79200); /* 9 s */
        assert_int_equal(stage_charge_limit(&m, &ages, 18000, 0), 18000);
        assert_int_equal(stage_discharge_limit(&m, &ages, 54000, 5400, false, 0), 54000);
    }
}

static void after_boot_discharge_is_open_at_once_and_charge_ramps(void **state) {
    (void)state;
    struct stage_machine m;
    stage_init(&m);
    for (int i = 0; i < 3; i++) {
        stage_handle_good(&m, &ages, 0, 500);
    }
    assert_int_equal(stage_discharge_limit(&m, &ages, 54000, 5400, false, 0), 54000);
    assert_int_equal(stage_charge_limit(&m, &ages, 18000, 0), 1800);
    stage_handle_good(&m, &ages, 0, 1500);
    assert_int_equal(stage_charge_limit(&m, &ages, 18000, 0), 3600);
}

static void a_ramp_does_not_climb_without_data(void **state) {
    (void)state;
    struct stage_machine m;
    stage_init(&m);
    for (int i = 0; i < 3; i++) {
        stage_handle_good(&m, &ages, 0, 0);
    }
    stage_handle_good(&m, &ages, 0, 4000);
    assert_int_equal(stage_charge_limit(&m, &ages, 18000, 4900), 9000);
    age(&m, 10000); /* half closed: half of what the ramp had reached */
    assert_int_equal(stage_charge_limit(&m, &ages, 18000, 10000), 4500);
}

static void a_ramp_goes_on_from_where_it_was_when_closing_ends(void **state) {
    (void)state;
    struct stage_machine m;
    stage_init(&m);
    for (int i = 0; i < 3; i++) {
        stage_handle_good(&m, &ages, 0, 0);
    }
    stage_handle_good(&m, &ages, 0, 1000); /* two tenths */
    age(&m, 9000);
    assert_true(stage_handle_good(&m, &ages, 0, 10000));
    assert_int_equal(stage_charge_limit(&m, &ages, 18000, 0), 3600);
    stage_handle_good(&m, &ages, 0, 11000);
    assert_int_equal(stage_charge_limit(&m, &ages, 18000, 0), 5400);
}

static void one_good_sample_reopens_what_was_only_closing(void **state) {
    (void)state;
    struct stage_machine m = fresh();
    age(&m, 14000);
    assert_int_equal(m.stage, STAGE_CLOSING);
    assert_true(stage_handle_good(&m, &ages, 0, 24000));
    assert_int_equal(m.stage, STAGE_FRESH);
    assert_int_equal(stage_charge_limit(&m, &ages, 18000, 0), 18000);
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
        struct stage_machine m = fresh();
        uint64_t age_ms = cases[i].age_ms;
        age(&m, age_ms);
        assert_int_equal(stage_charge_limit(&m, &ages, 18000, age_ms), cases[i].ccl_ma);
        assert_int_equal(stage_discharge_limit(&m, &ages, 54000, 5400, false, age_ms),
                         cases[i].dcl_ma);
        assert_int_equal(stage_discharge_limit(&m, &ages, 54000, 5400, true, age_ms),
                         cases[i].dcl_low_ma);
    }
}

static void limits_never_rise_with_age(void **state) {
    (void)state;
    struct stage_machine m = fresh();
    uint32_t ccl_ma = 675000; /* 0.9 x 750 A, the largest cut-off */
    uint32_t dcl_ma = 675000;
    for (uint64_t age_ms = 0; age_ms < 61000; age_ms += 7) {
        age(&m, age_ms);
        uint32_t c = stage_charge_limit(&m, &ages, 675000, age_ms);
        uint32_t d = stage_discharge_limit(&m, &ages, 675000, 67500, false, age_ms);
        assert_true(c <= ccl_ma && d <= dcl_ma);
        ccl_ma = c;
        dcl_ma = d;
    }
    assert_int_equal(ccl_ma, 0);
    assert_int_equal(dcl_ma, 0);
}

/* A limit asked for before the step that its age deserves: closed as far as CLOSING goes. */
static void closing_ends_at_its_end_even_without_a_step(void **state) {
    (void)state;
    struct stage_machine m = fresh();
    age(&m, 14999);
    assert_int_equal(m.stage, STAGE_CLOSING);
    assert_int_equal(stage_charge_limit(&m, &ages, 18000, 15001), 0);
    assert_int_equal(stage_discharge_limit(&m, &ages, 54000, 5400, false, 15001), 5400);
    assert_int_equal(stage_discharge_limit(&m, &ages, 54000, 5400, false, UINT64_MAX), 5400);
}

static void rest_is_left_through_boot(void **state) {
    (void)state;
    struct stage_machine m = fresh();
    assert_false(stage_wake(&m)); /* not resting */
    assert_true(stage_rest(&m));
    assert_int_equal(m.stage, STAGE_RESTING);
    assert_false(age(&m, 3600000)); /* silence is sleep */
    assert_false(stage_handle_good(&m, &ages, 0, 60000));
    assert_int_equal(m.stage, STAGE_RESTING);
    assert_int_equal(stage_charge_limit(&m, &ages, 18000, 0), 0);
    assert_true(stage_wake(&m));
    assert_int_equal(m.stage, STAGE_BOOT);
    assert_int_equal(m.reason, STAGE_REASON_WAKE);
    stage_handle_good(&m, &ages, 0, 61000);
    stage_handle_good(&m, &ages, 0, 61100);
    assert_true(stage_handle_good(&m, &ages, 0, 61200));
    assert_int_equal(stage_discharge_limit(&m, &ages, 54000, 5400, false, 0), 54000);
}

static void boot_silence_and_rest_do_not_speak(void **state) {
    (void)state;
    for (int s = 0; s < STAGE_COUNT; s++) {
        assert_int_equal(stage_speaks((enum stage)s),
                         s != STAGE_BOOT && s != STAGE_SILENT && s != STAGE_RESTING);
        for (int other = s + 1; other <= STAGE_COUNT; other++) {
            assert_string_not_equal(stage_text((enum stage)s), stage_text((enum stage)other));
        }
    }
}

static void the_start_needs_no_clean_memory(void **state) {
    (void)state;
    struct stage_machine m;
    memset(&m, 0xFF, sizeof m);
    stage_init(&m);
    assert_false(stage_opening(&m));
    assert_false(stage_handle_good(&m, &ages, 0, 1000));
    assert_false(stage_handle_good(&m, &ages, 0, 1100));
    assert_true(stage_handle_good(&m, &ages, 0, 1200));
}

static void data_that_is_too_old_starts_the_count_again(void **state) {
    (void)state;
    struct stage_machine m = fresh();
    age(&m, 15000);
    assert_false(stage_handle_good(&m, &ages, 0, 30000));
    assert_false(stage_handle_good(&m, &ages, 0, 30100));
    assert_false(stage_handle_good(&m, &ages, 5000, 30200));
    assert_false(stage_handle_good(&m, &ages, 0, 30300));
    assert_false(stage_handle_good(&m, &ages, 4999, 30400));
    assert_true(stage_handle_good(&m, &ages, 0, 30500));
}

static void a_rest_that_ends_at_once_needs_three_samples_too(void **state) {
    (void)state;
    struct stage_machine m = fresh(); /* the last sample at 10000 */
    assert_true(stage_rest(&m));
    assert_false(stage_rest(&m)); /* it rests already */
    assert_true(stage_wake(&m));
    assert_false(stage_handle_good(&m, &ages, 0, 10100));
    assert_false(stage_handle_good(&m, &ages, 0, 10200));
    assert_true(stage_handle_good(&m, &ages, 0, 10300));
}

static void age_has_its_next_time_to_the_millisecond(void **state) {
    (void)state;
    static const struct {
        uint64_t stepped_ms, age_ms, wait_ms;
    } cases[] = {
        {0, 0, 5000},      {0, 4999, 1},      {0, 5000, 0},
        {0, 9000, 0},      {5000, 5000, 100}, {5000, 14899, 100},
        {5000, 14901, 99}, {5000, 15000, 0},  {15000, 15000, 15000},
        {15000, 29999, 1}, {15000, 30001, 0}, {30000, 30000, 30000},
        {30000, 59999, 1}, {30000, 61000, 0}, {60000, 60000, UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct stage_machine m = fresh();
        age(&m, cases[i].stepped_ms);
        uint64_t wait_ms = stage_wait_ms(&m, &ages, cases[i].age_ms);
        if (wait_ms != cases[i].wait_ms) {
            fail_msg("%u: %u", (unsigned)cases[i].age_ms, (unsigned)wait_ms);
        }
    }
}

/* From a tenth at 1000, a tenth a second: whole at 10000. */
static void limits_are_opening_until_they_are_whole(void **state) {
    (void)state;
    struct stage_machine m;
    stage_init(&m);
    assert_false(stage_opening(&m));
    for (int i = 0; i < 3; i++) {
        stage_handle_good(&m, &ages, 0, 1000);
    }
    assert_true(stage_opening(&m));
    stage_handle_good(&m, &ages, 0, 5999);
    stage_handle_good(&m, &ages, 0, 9990);
    assert_true(stage_opening(&m));
    assert_int_equal(stage_charge_limit(&m, &ages, 100000, 0), 99900);
    stage_handle_good(&m, &ages, 0, 10000);
    assert_false(stage_opening(&m));
    struct stage_machine closing = m;
    closing.opened_ms = 10000;
    age(&closing, 5000);
    assert_false(stage_opening(&closing));
}

/* A limit of 14 A that ramps from 1.4 A: a tenth of nominal, 5.4 A, would be more than was open. */
static void a_ramp_that_had_just_begun_is_not_opened_by_age(void **state) {
    (void)state;
    struct stage_machine m = fresh();
    m.discharge_ramps = true;
    m.opened_ms = m.ramped_to_ms = 100000;
    assert_int_equal(stage_discharge_limit(&m, &ages, 14000, 5400, false, 0), 1400);
    age(&m, 5000);
    assert_int_equal(m.stage, STAGE_CLOSING);
    assert_int_equal(stage_discharge_limit(&m, &ages, 14000, 5400, false, 6000), 1400);
    age(&m, 15000);
    assert_int_equal(m.stage, STAGE_NO_CHARGE);
    assert_int_equal(stage_discharge_limit(&m, &ages, 14000, 5400, false, 15000), 1400);
}

/* An age younger than CLOSING in that stage closes nothing and opens nothing more. */
static void a_limit_is_never_more_than_whole(void **state) {
    (void)state;
    struct stage_machine m = fresh();
    age(&m, 5000);
    assert_int_equal(stage_charge_limit(&m, &ages, 18000, 1000), 18000);
    assert_int_equal(stage_discharge_limit(&m, &ages, 54000, 5400, false, 1000), 54000);
}

static void stages_and_reasons_have_their_words(void **state) {
    (void)state;
    static const char *const stages[STAGE_COUNT] = {
        "boot", "fresh", "closing", "no-charge", "no-discharge", "silent", "resting"};
    static const char *const reasons[STAGE_REASON_COUNT] = {
        "start", "good-samples", "no-good-sample", "nothing-changes", "frozen", "rest", "wake"};
    for (int s = 0; s < STAGE_COUNT; s++) {
        assert_string_equal(stage_text((enum stage)s), stages[s]);
    }
    for (int r = 0; r < STAGE_REASON_COUNT; r++) {
        assert_string_equal(stage_reason_text((enum stage_reason)r), reasons[r]);
    }
    assert_string_equal(stage_text(STAGE_COUNT), "unknown");
    assert_string_equal(stage_reason_text(STAGE_REASON_COUNT), "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boot_ends_with_the_third_good_sample),
        cmocka_unit_test(a_doubtful_sample_starts_the_count_again),
        cmocka_unit_test(a_sample_whose_data_is_too_old_opens_nothing),
        cmocka_unit_test(good_samples_with_a_silence_between_are_not_in_a_row),
        cmocka_unit_test(boot_waits_for_ever),
        cmocka_unit_test(each_stage_begins_at_its_age_to_the_millisecond),
        cmocka_unit_test(walking_from_wait_to_wait_meets_every_stage),
        cmocka_unit_test(age_alone_never_opens),
        cmocka_unit_test(from_no_charge_on_three_good_samples_open_and_both_limits_ramp),
        cmocka_unit_test(after_boot_discharge_is_open_at_once_and_charge_ramps),
        cmocka_unit_test(a_ramp_does_not_climb_without_data),
        cmocka_unit_test(a_ramp_goes_on_from_where_it_was_when_closing_ends),
        cmocka_unit_test(one_good_sample_reopens_what_was_only_closing),
        cmocka_unit_test(limits_close_linearly_with_age),
        cmocka_unit_test(limits_never_rise_with_age),
        cmocka_unit_test(closing_ends_at_its_end_even_without_a_step),
        cmocka_unit_test(rest_is_left_through_boot),
        cmocka_unit_test(boot_silence_and_rest_do_not_speak),
        cmocka_unit_test(the_start_needs_no_clean_memory),
        cmocka_unit_test(data_that_is_too_old_starts_the_count_again),
        cmocka_unit_test(a_rest_that_ends_at_once_needs_three_samples_too),
        cmocka_unit_test(age_has_its_next_time_to_the_millisecond),
        cmocka_unit_test(limits_are_opening_until_they_are_whole),
        cmocka_unit_test(a_ramp_that_had_just_begun_is_not_opened_by_age),
        cmocka_unit_test(a_limit_is_never_more_than_whole),
        cmocka_unit_test(stages_and_reasons_have_their_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
