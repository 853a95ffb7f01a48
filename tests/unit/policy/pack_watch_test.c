/* SPDX-License-Identifier: MIT */
/* What a row of samples shows. The pack of sample.h: 14 cells at 3900 mV, 10 A discharging. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/pack_watch.h"
#include "sample.h"

static uint64_t now_ms;
static struct battery pack;
static struct pack_watch watch;

static int begin(void **state) {
    (void)state;
    now_ms = 1000000;
    pack_watch_init(&watch);
    sample_nominal(&pack, now_ms);
    pack_watch_handle_sample(&watch, &pack, 58000, now_ms);
    return 0;
}

static void set_all(uint16_t mv) {
    for (int i = 1; i <= 14; i++) {
        sample_set_cell(&pack, i, mv);
    }
}

static void pass(uint64_t for_ms, uint64_t step_ms, uint32_t cvl_mv) {
    for (uint64_t end_ms = now_ms + for_ms; now_ms < end_ms;) {
        now_ms += step_ms;
        pack_watch_handle_sample(&watch, &pack, cvl_mv, now_ms);
    }
}

static void the_first_sample_is_taken_as_it_is(void **state) {
    (void)state;
    assert_int_equal(watch.highest_uv, 3900000);
    assert_int_equal(watch.lowest_uv, 3900000);
    assert_int_equal(watch.current_ua, -10000000);
    assert_int_equal(watch.imbalance_uv, 0);
    assert_int_equal(watch.spread_uv, 0);
    assert_int_equal(pack_watch_swing_up_mv(&watch), 30);
    assert_int_equal(pack_watch_swing_down_mv(&watch), 30);
}

/* One cell 100 mV over 13 others: 14 x 4000 - (4000 + 13 x 3900) = 1300 mV. */
static void the_spread_is_what_the_pack_lacks_by_its_highest_cell(void **state) {
    (void)state;
    sample_set_cell(&pack, 5, 4000);
    pass(60000, 1000, 58000);
    assert_in_range(watch.spread_uv, 1299000, 1300000);
    assert_in_range(watch.imbalance_uv, 94000, 100000); /* 1 - e^-3 of it after 60 s at 20 s */
}

/* It rises with 3 s and falls with 60 s: half after 40 s at the earliest. */
static void the_spread_falls_slowly(void **state) {
    (void)state;
    sample_set_cell(&pack, 5, 4000);
    pass(60000, 1000, 58000);
    sample_set_cell(&pack, 5, 3900);
    pass(40000, 1000, 58000);
    assert_in_range(watch.spread_uv, 650000, 700000); /* 1.3 V x e^-(40/60) = 0.667 V */
}

/* A load of a kettle is switched off: all cells are up by 60 mV within a sample. */
static void a_jump_is_kept_as_a_swing(void **state) {
    (void)state;
    pass(10000, 1000, 58000);
    set_all(3960);
    pass(1000, 1000, 58000);
    assert_int_equal(pack_watch_swing_up_mv(&watch), 30); /* one sample alone may be spoilt */
    pass(1000, 1000, 58000);
    /* the floor has followed by 5 mV in the second of the first: 60 - 5 */
    assert_int_equal(pack_watch_swing_up_mv(&watch), 55);
    assert_int_equal(pack_watch_swing_down_mv(&watch), 30);
}

static void a_jump_down_is_a_swing_of_the_lowest_cell(void **state) {
    (void)state;
    pass(10000, 1000, 58000);
    set_all(3840);
    pass(2000, 1000, 58000);
    assert_int_equal(pack_watch_swing_down_mv(&watch), 55);
}

static void one_spoilt_sample_is_no_swing(void **state) {
    (void)state;
    pass(10000, 1000, 58000);
    set_all(3960);
    pass(1000, 1000, 58000);
    set_all(3900);
    pass(10000, 1000, 58000);
    assert_int_equal(pack_watch_swing_up_mv(&watch), 30);
}

/* 4 mV a second is a charger at work: the floor follows 5. */
static void a_slow_rise_is_no_swing(void **state) {
    (void)state;
    for (uint16_t mv = 3900; mv < 4100; mv = (uint16_t)(mv + 4)) {
        set_all(mv);
        pass(1000, 1000, 58000);
    }
    assert_int_equal(pack_watch_swing_up_mv(&watch), 30);
}

/* 10 mV a day, at any sample interval: 30 mV are 20 mV after one. */
static void a_swing_fades_in_days(void **state) {
    (void)state;
    static const uint64_t steps_ms[] = {100, 1000, 2000};
    for (unsigned i = 0; i < 3; i++) {
        begin(NULL);
        pass(86400000, steps_ms[i], 58000);
        assert_in_range(pack_watch_swing_up_mv(&watch), 20, 21);
        pass(3 * 86400000ull, 2000, 58000);
        assert_int_equal(pack_watch_swing_up_mv(&watch), 0);
    }
}

static void a_swing_is_never_more_than_100_mv(void **state) {
    (void)state;
    pass(10000, 1000, 58000);
    set_all(4200);
    pass(5000, 1000, 58000);
    assert_int_equal(pack_watch_swing_up_mv(&watch), 100);
    set_all(3000);
    pass(5000, 1000, 58000);
    assert_int_equal(pack_watch_swing_down_mv(&watch), 100);
}

/* Over the limit by more than 0.2 V with current flowing in, for 10 s. */
static void chargers_over_the_limit_for_ten_seconds_feed_in(void **state) {
    (void)state;
    pack.pack_mv = 58201;
    pack.pack_ma = 1001;
    pass(10000, 1000, 58000);
    assert_false(watch.feed_in);
    pass(1000, 1000, 58000);
    assert_true(watch.feed_in);
    pack.pack_mv = 54000;
    pass(12 * 3600000ull - 1000, 1000, 58000);
    assert_true(watch.feed_in); /* until tomorrow */
    pass(1000, 1000, 58000);
    assert_false(watch.feed_in);
}

static void what_is_not_feed_in(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint32_t pack_mv, cvl_mv;
        int32_t pack_ma;
    } cases[] = {
        {"0.2 V are not more than 0.2 V", 58200, 58000, 5000},
        {"a full pack over a lowered limit, nothing flows", 58500, 58000, 1000},
        {"... and one that is emptied", 58500, 58000, -5000},
        {"no limit is in force", 58500, 0, 5000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(NULL);
        pack.pack_mv = cases[i].pack_mv;
        pack.pack_ma = cases[i].pack_ma;
        pass(60000, 1000, cases[i].cvl_mv);
        if (watch.feed_in) {
            fail_msg("%s", cases[i].what);
        }
    }
}

static void feed_in_must_last_without_a_break(void **state) {
    (void)state;
    pack.pack_ma = 5000;
    for (int i = 0; i < 10; i++) {
        pack.pack_mv = 58300;
        pass(10000, 1000, 58000);
        pack.pack_mv = 58100;
        pass(1000, 1000, 58000);
    }
    assert_false(watch.feed_in);
}

static void regeneration_is_remembered_for_a_day(void **state) {
    (void)state;
    assert_false(watch.regenerates);
    pack.status = BATTERY_STATUS_REGENERATION;
    pass(1000, 1000, 58000);
    assert_true(watch.regenerates);
    pack.status = BATTERY_STATUS_DISCHARGING;
    pass(86400000 - 1000, 1000, 58000);
    assert_true(watch.regenerates);
    pass(1000, 1000, 58000);
    assert_false(watch.regenerates);
}

/* More than a minute without a sample: what was filtered belongs to another time, what was learned
 * of swings does not. */
static void a_gap_begins_anew(void **state) {
    (void)state;
    pass(10000, 1000, 58000);
    set_all(3980);
    pass(2000, 1000, 58000);
    uint16_t swing_mv = pack_watch_swing_up_mv(&watch);
    assert_in_range(swing_mv, 70, 80);
    set_all(3500);
    now_ms += 60001;
    pack_watch_handle_sample(&watch, &pack, 58000, now_ms);
    assert_int_equal(watch.highest_uv, 3500000);
    assert_int_equal(watch.lowest_uv, 3500000);
    assert_int_equal(pack_watch_swing_up_mv(&watch), swing_mv);
    assert_int_equal(pack_watch_swing_down_mv(&watch), 30); /* 480 mV in a minute are no swing */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_first_sample_is_taken_as_it_is, begin),
        cmocka_unit_test_setup(the_spread_is_what_the_pack_lacks_by_its_highest_cell, begin),
        cmocka_unit_test_setup(the_spread_falls_slowly, begin),
        cmocka_unit_test_setup(a_jump_is_kept_as_a_swing, begin),
        cmocka_unit_test_setup(a_jump_down_is_a_swing_of_the_lowest_cell, begin),
        cmocka_unit_test_setup(one_spoilt_sample_is_no_swing, begin),
        cmocka_unit_test_setup(a_slow_rise_is_no_swing, begin),
        cmocka_unit_test_setup(a_swing_fades_in_days, begin),
        cmocka_unit_test_setup(a_swing_is_never_more_than_100_mv, begin),
        cmocka_unit_test_setup(chargers_over_the_limit_for_ten_seconds_feed_in, begin),
        cmocka_unit_test_setup(what_is_not_feed_in, begin),
        cmocka_unit_test_setup(feed_in_must_last_without_a_break, begin),
        cmocka_unit_test_setup(regeneration_is_remembered_for_a_day, begin),
        cmocka_unit_test_setup(a_gap_begins_anew, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
