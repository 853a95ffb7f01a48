/* SPDX-License-Identifier: MIT */
/* A BMS that is left alone so that it may sleep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world.h"

static struct world w;

static void rest_from(uint64_t at_ms) {
    world_init(&w);
    world_run(&w, at_ms);
    tinybms_set_resting(&w.t, true, at_ms);
    w.asked = 0;
    w.samples = 0;
}

static void a_resting_bms_is_asked_for_one_sample_a_minute(void **state) {
    (void)state;
    rest_from(5050);
    assert_int_equal(tinybms_link(&w.t), TINYBMS_LINK_RESTING);
    world_run(&w, 5050 + 10 * TINYBMS_REST_INTERVAL_MS - 1);
    assert_int_equal(w.asked, 9);
    assert_int_equal(w.samples, 9);
    for (size_t i = 0; i < w.asked; i++) { /* and for nothing else */
        assert_int_equal(w.log[i].at_ms, 5050 + (i + 1) * TINYBMS_REST_INTERVAL_MS);
        assert_int_equal(w.log[i].count, TINYBMS_LIVE_WORDS);
    }
    assert_int_equal(tinybms_link(&w.t), TINYBMS_LINK_RESTING);
    assert_string_equal(tinybms_link_text(tinybms_link(&w.t)), "resting");
}

static void a_look_lasts_as_long_as_waking_takes_and_then_waits(void **state) {
    (void)state;
    rest_from(5050);
    w.asleep_until_ms = UINT64_MAX;
    world_run(&w, 5050 + 5 * TINYBMS_REST_INTERVAL_MS - 1);
    size_t looks = 0;
    for (size_t i = 0; i < w.asked; i++) {
        uint64_t into_ms = (w.log[i].at_ms - 5050) % TINYBMS_REST_INTERVAL_MS;
        looks += into_ms == 0;
        assert_true(into_ms < 4000); /* 3 s, and the series of attempts under way then */
    }
    assert_int_equal(looks, 4);
    assert_true(w.asked >= 4 * 3000 / 140);
    assert_int_equal(w.samples, 0);
    assert_int_equal(tinybms_link(&w.t), TINYBMS_LINK_RESTING); /* silence means nothing */
}

static void the_end_of_rest_is_a_sample_at_once(void **state) {
    (void)state;
    rest_from(5050);
    world_run(&w, 20000);
    tinybms_set_resting(&w.t, false, 20000);
    assert_int_equal(tinybms_link(&w.t), TINYBMS_LINK_WAKING);
    world_run(&w, 20100);
    assert_int_equal(w.log[0].at_ms, 20000);
    assert_true(w.samples >= 1);
    assert_int_equal(tinybms_link(&w.t), TINYBMS_LINK_ANSWERING);
    world_run(&w, 21000);
    assert_true(w.samples >= 10);
    assert_true(w.blocks[BATTERY_GROUP_SETTINGS] >= 2); /* read anew: it may have changed */
}

static void a_command_does_not_wait_for_the_end_of_rest(void **state) {
    (void)state;
    rest_from(5050);
    assert_int_equal(tinybms_read(&w.t, 1, 300, 1), GW_OK);
    world_run(&w, 5200);
    assert_non_null(world_result(&w, 1));
    assert_int_equal(world_result(&w, 1)->err, GW_OK);
}

static void rest_needs_a_port(void **state) {
    (void)state;
    rest_from(5050);
    tinybms_set_port(&w.t, false, 5050);
    assert_int_equal(tinybms_link(&w.t), TINYBMS_LINK_DOWN);
    tinybms_set_resting(&w.t, true, 5050);
    assert_int_equal(tinybms_link(&w.t), TINYBMS_LINK_DOWN);
    tinybms_set_port(&w.t, true, 5050);
    assert_int_equal(tinybms_link(&w.t), TINYBMS_LINK_WAKING);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_resting_bms_is_asked_for_one_sample_a_minute),
        cmocka_unit_test(a_look_lasts_as_long_as_waking_takes_and_then_waits),
        cmocka_unit_test(the_end_of_rest_is_a_sample_at_once),
        cmocka_unit_test(a_command_does_not_wait_for_the_end_of_rest),
        cmocka_unit_test(rest_needs_a_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
