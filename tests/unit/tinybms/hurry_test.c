/* SPDX-License-Identifier: MIT */
/* Fast samples while the policy is in a hurry: at least as often as it asks for, never less often
 * than the interval of the configuration, and not while the BMS may sleep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire.h"
#include "world.h"

static struct world w;

/* Samples at 1000 and then every interval_ms. */
static void start(uint32_t interval_ms) {
    struct tinybms_config cfg = world_config();
    cfg.poll_interval_ms = interval_ms;
    world_init_with(&w, &cfg);
    world_run(&w, 1600);
    w.asked = 0;
}

static uint64_t sample_asked_at(size_t n) {
    for (size_t i = 0; i < w.asked; i++) {
        if (w.log[i].addr == 0 && n-- == 0) {
            return w.log[i].at_ms;
        }
    }
    fail_msg("not asked so often");
    return 0;
}

static void a_hurry_brings_the_next_sample_nearer_and_those_behind_it(void **state) {
    (void)state;
    start(2000); /* the next one would be due at 3000 */
    tinybms_set_hurry(&w.t, 100, w.now_ms);
    world_run(&w, 2050);
    for (size_t n = 0; n < 4; n++) {
        assert_int_equal(sample_asked_at(n), 1700 + 100 * n);
    }
    tinybms_set_hurry(&w.t, 0, w.now_ms); /* the one that is due comes, then every 2 s */
    w.asked = 0;
    world_run(&w, 6000);
    assert_int_equal(sample_asked_at(0), 2100);
    assert_int_equal(sample_asked_at(1), 4100);
}

static void a_hurry_never_makes_samples_rarer_or_later(void **state) {
    (void)state;
    start(100);
    tinybms_set_hurry(&w.t, 500, w.now_ms);
    world_run(&w, 1950);
    for (size_t n = 0; n < 3; n++) {
        assert_int_equal(sample_asked_at(n), 1700 + 100 * n);
    }
    start(2000);
    world_run(&w, 2950);
    tinybms_set_hurry(&w.t, 100, w.now_ms); /* it is due in 50 ms */
    w.asked = 0;
    world_run(&w, 3150);
    assert_int_equal(sample_asked_at(0), 3000);
    assert_int_equal(sample_asked_at(1), 3100);
}

static void a_resting_bms_is_not_hurried(void **state) {
    (void)state;
    start(2000);
    tinybms_set_resting(&w.t, true, w.now_ms);
    tinybms_set_hurry(&w.t, 100, w.now_ms);
    world_run(&w, 1600 + TINYBMS_REST_INTERVAL_MS - 1);
    assert_int_equal(w.asked, 0);
    world_run(&w, 1600 + TINYBMS_REST_INTERVAL_MS);
    assert_int_equal(sample_asked_at(0), 1600 + TINYBMS_REST_INTERVAL_MS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hurry_brings_the_next_sample_nearer_and_those_behind_it),
        cmocka_unit_test(a_hurry_never_makes_samples_rarer_or_later),
        cmocka_unit_test(a_resting_bms_is_not_hurried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
