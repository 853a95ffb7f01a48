/* SPDX-License-Identifier: MIT */
/* The end of a charge that the BMS is to call full, for the pack of limits_pack.h: 300 = 4150, 304
 * = 1 A, 306 = 66 Ah, 308 = 15 mV, 315 = 4200 mV. The highest cell waits at 4120 mV. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "limits_pack.h"
#include "policy/charge_end.h"

static uint64_t now_ms;
static struct battery pack;
static struct pack_watch watch;
static struct charge_end end;

static int begin(void **state) {
    (void)state;
    now_ms = 1000000;
    limits_pack(&pack, now_ms);
    pack.operation_mode = BATTERY_DUAL_PORT;
    limits_set_all(&pack, 4115);
    sample_set_cell(&pack, 4, 4120);
    pack.pack_ma = 3000;
    pack_watch_init(&watch);
    charge_end_init(&end);
    return 0;
}

static void pass_wanted(uint64_t for_ms, bool wanted) {
    for (uint64_t until_ms = now_ms + for_ms; now_ms < until_ms;) {
        now_ms += 1000;
        pack_watch_handle_sample(&watch, &pack, 58000, now_ms);
        charge_end_handle_sample(&end, &pack, &watch, wanted, 4120, now_ms);
    }
}

static void pass(uint64_t for_ms) {
    pass_wanted(for_ms, true);
}

/* 3 x 1 A is less than 66 Ah / 20 h = 3.3 A. */
static void little_is_three_tails_or_a_twentieth_of_the_capacity(void **state) {
    (void)state;
    assert_int_equal(charge_end_little_ma(&pack), 3300);
    pack.charge_finished_ma = 2000;
    assert_int_equal(charge_end_little_ma(&pack), 6000);
    battery_clear(&pack, BATTERY_CAPACITY, BATTERY_NEVER_READ, now_ms);
    pack.charge_finished_ma = 1000;
    assert_int_equal(charge_end_little_ma(&pack), 3000);
}

/* Even within 308: 15 - 2 mV; half way to 315 less 10: 25 - 10 mV. */
static void the_room_over_register_300_is_small(void **state) {
    (void)state;
    assert_int_equal(charge_end_room_mv(&pack), 13);
    pack.allowed_disbalance_mv = 40;
    assert_int_equal(charge_end_room_mv(&pack), 15);
    pack.over_voltage_cutoff_mv = 4160;
    assert_int_equal(charge_end_room_mv(&pack), 0);
}

static void it_begins_after_a_minute_of_readiness(void **state) {
    (void)state;
    pass(60000);
    assert_false(end.active);
    pass(1000);
    assert_true(end.active);
}

static void it_does_not_begin_without_one_of_its_conditions(void **state) {
    (void)state;
    static const struct {
        const char *what;
        bool wanted;
        int32_t pack_ma;
        uint16_t highest_mv, lowest_mv, cutoff_mv;
        bool no_tail, no_disbalance;
    } cases[] = {
        {"nobody wants it", false, 3000, 4120, 4115, 4200, false, false},
        {"too much flows", true, 3300, 4120, 4115, 4200, false, false},
        {"the battery is emptied", true, -501, 4120, 4115, 4200, false, false},
        {"the highest cell is not there", true, 3000, 4099, 4095, 4200, false, false},
        {"11 mV apart: 4 are kept of 15", true, 3000, 4120, 4109, 4200, false, false},
        {"a swing of 30 mV could reach 4182", true, 3000, 4120, 4115, 4182, false, false},
        {"register 304 is not known", true, 3000, 4120, 4115, 4200, true, false},
        {"register 308 is not known", true, 3000, 4120, 4115, 4200, false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(NULL);
        limits_set_all(&pack, cases[i].lowest_mv);
        sample_set_cell(&pack, 4, cases[i].highest_mv);
        pack.pack_ma = cases[i].pack_ma;
        pack.over_voltage_cutoff_mv = cases[i].cutoff_mv;
        if (cases[i].no_tail) {
            battery_clear(&pack, BATTERY_CHARGE_FINISHED_CURRENT, BATTERY_NEVER_READ, now_ms);
        }
        if (cases[i].no_disbalance) {
            battery_clear(&pack, BATTERY_ALLOWED_DISBALANCE, BATTERY_NEVER_READ, now_ms);
        }
        pass_wanted(600000, cases[i].wanted);
        if (end.active) {
            fail_msg("%s", cases[i].what);
        }
    }
}

static void it_stops_when_something_goes_wrong(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint16_t highest_mv, lowest_mv;
        int32_t pack_ma;
        bool stops;
    } cases[] = {
        {"it goes on", 4145, 4136, 2000, false},
        {"uneven, but under 4148", 4147, 4130, 2000, false},
        {"14 mV apart at the top", 4148, 4134, 2000, true},
        {"13 mV apart at the top", 4148, 4135, 2000, false},
        {"4150 + 13 + 2 mV", 4165, 4155, 2000, false},
        {"over that", 4166, 4156, 2000, true},
        {"the charge switch has opened: 11 mV apart at 4146 and nothing flows", 4146, 4135, 400,
         true},
        {"a load takes it all, well under the top", 4145, 4134, 400, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(NULL);
        pass(61000);
        assert_true(end.active);
        for (uint16_t mv = 4115; mv < cases[i].lowest_mv; mv++) { /* slower than a swing */
            limits_set_all(&pack, mv);
            pass(1000);
        }
        limits_set_all(&pack, cases[i].lowest_mv);
        sample_set_cell(&pack, 4, cases[i].highest_mv);
        pack.pack_ma = cases[i].pack_ma;
        pass(120000);
        if (end.active == cases[i].stops) {
            fail_msg("%s", cases[i].what);
        }
    }
}

static void it_stops_when_nobody_wants_it_any_more(void **state) {
    (void)state;
    pass(61000);
    pass_wanted(1000, false);
    assert_false(end.active);
}

static void it_stops_when_the_pack_was_drawn_down(void **state) {
    (void)state;
    pass(61000);
    limits_set_all(&pack, 4079); /* 41 mV under the waiting place */
    pass(60000);
    assert_false(end.active);
}

static void it_lasts_three_hours_at_most_and_rests_half_an_hour(void **state) {
    (void)state;
    pass(61000);
    pass(10799000);
    assert_true(end.active);
    pass(1000);
    assert_false(end.active);
    pass(1800000);
    assert_false(end.active);
    pass(61000);
    assert_true(end.active);
}

/* 4140 were reached: given up by 1 mV a minute, down to 4120. */
static void the_place_that_was_reached_is_given_up_slowly(void **state) {
    (void)state;
    assert_int_equal(charge_end_waiting_mv(&end, &pack, 4120, now_ms), 4120);
    pass(61000);
    for (uint16_t mv = 4115; mv <= 4136; mv++) {
        limits_set_all(&pack, mv);
        pass(1000);
    }
    pass(60000);
    assert_int_equal(charge_end_waiting_mv(&end, &pack, 4120, now_ms), 4120);
    pass_wanted(1000, false);
    int32_t reached_mv = charge_end_waiting_mv(&end, &pack, 4120, now_ms);
    assert_in_range(reached_mv, 4135, 4136);
    assert_int_equal(charge_end_waiting_mv(&end, &pack, 4120, now_ms + 59000), reached_mv);
    assert_int_equal(charge_end_waiting_mv(&end, &pack, 4120, now_ms + 60000), reached_mv - 1);
    assert_int_equal(charge_end_waiting_mv(&end, &pack, 4120, now_ms + 600000), reached_mv - 10);
    assert_int_equal(charge_end_waiting_mv(&end, &pack, 4120, now_ms + 3600000), 4120);
}

/* Never nearer than 10 mV. */
static void the_place_that_was_reached_is_under_register_300(void **state) {
    (void)state;
    pass(61000);
    for (uint16_t mv = 4115; mv <= 4149; mv++) {
        limits_set_all(&pack, mv);
        pass(1000);
    }
    pass(60000);
    pass_wanted(1000, false);
    assert_int_equal(charge_end_waiting_mv(&end, &pack, 4120, now_ms), 4140);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(little_is_three_tails_or_a_twentieth_of_the_capacity, begin),
        cmocka_unit_test_setup(the_room_over_register_300_is_small, begin),
        cmocka_unit_test_setup(it_begins_after_a_minute_of_readiness, begin),
        cmocka_unit_test_setup(it_does_not_begin_without_one_of_its_conditions, begin),
        cmocka_unit_test_setup(it_stops_when_something_goes_wrong, begin),
        cmocka_unit_test_setup(it_stops_when_nobody_wants_it_any_more, begin),
        cmocka_unit_test_setup(it_stops_when_the_pack_was_drawn_down, begin),
        cmocka_unit_test_setup(it_lasts_three_hours_at_most_and_rests_half_an_hour, begin),
        cmocka_unit_test_setup(the_place_that_was_reached_is_given_up_slowly, begin),
        cmocka_unit_test_setup(the_place_that_was_reached_is_under_register_300, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
