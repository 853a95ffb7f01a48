/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "adapter_watch.h"

static unsigned lines;
static char last[512];
static struct log_sink logged;
static struct can_feedback feedback;
static struct adapter_watch watch;

static void remember(void *context, enum log_level level, const char *line) {
    (void)context;
    (void)level;
    lines++;
    (void)snprintf(last, sizeof last, "%s", strchr(line, ' ') + 1);
}

static int set_up(void **state) {
    (void)state;
    lines = 0;
    memset(&watch, 0, sizeof watch);
    atomic_store(&feedback.refused, UINT32_MAX - 1); /* the counters wrap */
    atomic_store(&feedback.dropped, 7);
    log_sink_open(&logged, remember, NULL, LOG_DEBUG);
    return 0;
}

static uint64_t step(bool active, uint64_t now_ms) {
    return adapter_watch_step(&watch, &feedback, active, &logged, now_ms);
}

static void nothing_is_told_of_an_adapter_that_works(void **state) {
    (void)state;
    assert_true(step(false, 0) == UINT64_MAX);
    assert_true(step(true, 1000) == 6000);
    atomic_fetch_add(&feedback.refused, ADAPTER_TOLERATED); /* at opening */
    for (uint64_t now_ms = 1000; now_ms < 100000; now_ms += 100) {
        step(true, now_ms);
    }
    assert_int_equal(lines, 0);
}

static void refusals_are_told_once_a_minute_and_their_end_once(void **state) {
    (void)state;
    step(true, 0);
    for (uint64_t now_ms = 100; now_ms <= 59900; now_ms += 100) {
        atomic_fetch_add(&feedback.refused, 1);
        step(true, now_ms);
        if (now_ms < 5000) {
            assert_int_equal(lines, 0);
        }
    }
    assert_int_equal(lines, 1);
    assert_memory_equal(last, "WARN can: the adapter does not take all frames refused=50 dropped=0",
                        66);
    for (uint64_t now_ms = 60000; now_ms <= 65000; now_ms += 100) {
        atomic_fetch_add(&feedback.refused, 1);
        step(true, now_ms);
    }
    assert_int_equal(lines, 2); /* told at 5 s and at 65 s */
    for (uint64_t now_ms = 65100; now_ms <= 200000; now_ms += 100) {
        step(true, now_ms);
    }
    assert_int_equal(lines, 3);
    assert_string_equal(last, "INFO can: the adapter takes frames again");
}

static void one_frame_that_was_not_taken_is_enough(void **state) {
    (void)state;
    step(true, 0);
    atomic_fetch_add(&feedback.dropped, 1);
    step(true, 4999);
    assert_int_equal(lines, 0);
    step(true, 5000);
    assert_int_equal(lines, 1);
}

static void what_happened_before_the_adapter_came_is_not_its_fault(void **state) {
    (void)state;
    step(true, 0);
    step(false, 100);
    atomic_fetch_add(&feedback.dropped, 100);
    atomic_fetch_add(&feedback.refused, 100);
    step(true, 200);
    step(true, 5200);
    assert_int_equal(lines, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_is_told_of_an_adapter_that_works, set_up),
        cmocka_unit_test_setup(refusals_are_told_once_a_minute_and_their_end_once, set_up),
        cmocka_unit_test_setup(one_frame_that_was_not_taken_is_enough, set_up),
        cmocka_unit_test_setup(what_happened_before_the_adapter_came_is_not_its_fault, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
