/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "policy/freshness.h"
#include "sample.h"

enum { CLOSE_MS = 5000 };

static void nothing_is_known_before_the_first_sample(void **state) {
    (void)state;
    struct freshness f;
    freshness_init(&f);
    assert_true(freshness_age_ms(&f, CLOSE_MS, 0) == UINT64_MAX);
    assert_true(freshness_age_ms(&f, CLOSE_MS, 1000000) == UINT64_MAX);
    assert_false(freshness_frozen(&f, CLOSE_MS, 1000000));
}

static void a_change_of_anything_live_makes_the_data_young(void **state) {
    (void)state;
    struct freshness f;
    struct battery before;
    freshness_init(&f);
    sample_nominal(&before, 0);
    freshness_handle_good(&f, &before, NULL, 1000);
    struct battery b = before;
    b.fully_charged_mv++; /* a setting is not live */
    freshness_handle_good(&f, &b, &before, 4000);
    assert_int_equal(freshness_age_ms(&f, CLOSE_MS, 4500), 3500);
    b.live_fingerprint++;
    freshness_handle_good(&f, &b, &before, 4600);
    assert_int_equal(freshness_age_ms(&f, CLOSE_MS, 5000), 400);
}

static void silence_counts_from_the_last_sample_and_not_from_the_last_tick(void **state) {
    (void)state;
    struct freshness f;
    struct battery b;
    freshness_init(&f);
    sample_nominal(&b, 0);
    freshness_handle_good(&f, &b, NULL, 1000);
    freshness_handle_good(&f, &b, &b, 1900); /* the clock would have ticked at 2000 */
    assert_int_equal(freshness_age_ms(&f, CLOSE_MS, 6900), 5000);
}

static void repeated_data_is_as_old_as_its_last_change(void **state) {
    (void)state;
    struct freshness f;
    struct battery b;
    freshness_init(&f);
    sample_nominal(&b, 0);
    b.pack_ma = 0;
    freshness_handle_good(&f, &b, NULL, 1000);
    for (uint64_t t = 1100; t < 90000; t += 100) {
        freshness_handle_good(&f, &b, &b, t);
        /* up to 1.5 s the next tick of the clock may still come */
        assert_int_equal(freshness_age_ms(&f, CLOSE_MS, t), t < 2500 ? 0 : t - 1000);
        assert_false(freshness_frozen(&f, CLOSE_MS, t));
    }
}

/* The clock ticks, cells and current stand still at 10 A of 54 A: at 60 s the data is 5 s old, at
 * 65 s 10 s. */
static void a_ticking_clock_does_not_hide_frozen_cells(void **state) {
    (void)state;
    struct freshness f;
    struct battery b;
    freshness_init(&f);
    sample_nominal(&b, 0);
    freshness_handle_good(&f, &b, NULL, 1000);
    for (uint64_t t = 2000; t <= 66000; t += 1000) {
        struct battery next = b;
        next.lifetime_s++;
        sample_fingerprint(&next);
        freshness_handle_good(&f, &next, &b, t);
        b = next;
        uint64_t want_ms = t < 61000 ? 0 : t - 61000 + 5000;
        assert_int_equal(freshness_age_ms(&f, CLOSE_MS, t), want_ms);
        assert_int_equal(freshness_frozen(&f, CLOSE_MS, t), t >= 61000);
    }
    struct battery before = b;
    b.cells_fingerprint++; /* a tenth of a millivolt is enough */
    b.live_fingerprint++;
    freshness_handle_good(&f, &b, &before, 67000);
    assert_int_equal(freshness_age_ms(&f, CLOSE_MS, 67000), 0);
}

/* 30 s still, 65 s of silence, 29.9 s still: not yet a minute of standing still. */
static void silence_does_not_count_as_standing_still(void **state) {
    (void)state;
    struct freshness f;
    struct battery b;
    freshness_init(&f);
    sample_nominal(&b, 0);
    freshness_handle_good(&f, &b, NULL, 1000);
    for (uint64_t t = 1100; t <= 126000; t += 100) {
        if (t > 31000 && t < 96000) {
            continue;
        }
        struct battery next = b;
        next.lifetime_s++;
        sample_fingerprint(&next);
        freshness_handle_good(&f, &next, &b, t);
        b = next;
        assert_int_equal(freshness_frozen(&f, CLOSE_MS, t), t >= 126000);
    }
}

static void an_excuse_holds_the_age_at_zero_and_then_it_grows_from_there(void **state) {
    (void)state;
    struct freshness f;
    struct battery b;
    freshness_init(&f);
    sample_nominal(&b, 0);
    freshness_handle_good(&f, &b, NULL, 1000);
    freshness_excuse(&f, 12000);
    assert_int_equal(freshness_age_ms(&f, CLOSE_MS, 11999), 0);
    assert_int_equal(freshness_age_ms(&f, CLOSE_MS, 12000), 0);
    assert_int_equal(freshness_age_ms(&f, CLOSE_MS, 15000), 3000);
    struct battery next = b;
    next.lifetime_s++;
    sample_fingerprint(&next);
    freshness_handle_good(&f, &next, &b, 16000); /* and never makes older what is young */
    assert_int_equal(freshness_age_ms(&f, CLOSE_MS, 16500), 500);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_before_the_first_sample),
        cmocka_unit_test(a_change_of_anything_live_makes_the_data_young),
        cmocka_unit_test(silence_counts_from_the_last_sample_and_not_from_the_last_tick),
        cmocka_unit_test(repeated_data_is_as_old_as_its_last_change),
        cmocka_unit_test(a_ticking_clock_does_not_hide_frozen_cells),
        cmocka_unit_test(silence_does_not_count_as_standing_still),
        cmocka_unit_test(an_excuse_holds_the_age_at_zero_and_then_it_grows_from_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
