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

static void an_excuse_holds_the_age_where_it_is_and_then_it_grows_on(void **state) {
    (void)state;
    struct freshness f;
    struct battery b;
    freshness_init(&f);
    sample_nominal(&b, 0);
    freshness_handle_good(&f, &b, NULL, 1000);
    freshness_excuse(&f, 13000, 3000); /* 2 s old when ordered */
    assert_int_equal(freshness_age_ms(&f, CLOSE_MS, 4000), 2000);
    assert_int_equal(freshness_age_ms(&f, CLOSE_MS, 13000), 2000);
    assert_int_equal(freshness_age_ms(&f, CLOSE_MS, 16000), 5000);
    struct battery next = b;
    next.lifetime_s++;
    sample_fingerprint(&next);
    freshness_handle_good(&f, &next, &b, 17000); /* and never makes older what is young */
    assert_int_equal(freshness_age_ms(&f, CLOSE_MS, 17500), 500);
}

/* The order is given, one more answer comes, and only then the BMS goes away. */
static void an_answer_between_the_order_and_the_restart_does_not_end_the_excuse(void **state) {
    (void)state;
    struct freshness f;
    struct battery b;
    freshness_init(&f);
    sample_nominal(&b, 0);
    freshness_handle_good(&f, &b, NULL, 1000);
    freshness_excuse(&f, 11000, 1000);
    struct battery next = b;
    next.lifetime_s++;
    sample_fingerprint(&next);
    freshness_handle_good(&f, &next, &b, 1100);
    assert_int_equal(freshness_age_ms(&f, CLOSE_MS, 11000), 0);
    assert_int_equal(freshness_age_ms(&f, CLOSE_MS, 16000), 5000);
}

static void an_excuse_opens_nothing_and_cannot_be_repeated_in_one_silence(void **state) {
    (void)state;
    struct freshness f;
    struct battery b;
    freshness_init(&f);
    sample_nominal(&b, 0);
    freshness_excuse(&f, 10000, 0); /* nothing is known: nothing to excuse */
    freshness_handle_good(&f, &b, NULL, 1000);
    assert_int_equal(freshness_age_ms(&f, CLOSE_MS, 12000), 11000);
    freshness_excuse(&f, 22000, 12000);
    assert_int_equal(freshness_age_ms(&f, CLOSE_MS, 20000), 11000);
    for (uint64_t t = 20000; t < 200000; t += 1000) {
        freshness_excuse(&f, t + 10000, t);
        freshness_handle_good(&f, &b, &b, t); /* a stopped device that goes on answering */
    }
    assert_int_equal(freshness_age_ms(&f, CLOSE_MS, 200000), 11000 + 178000);
    struct battery next = b;
    next.lifetime_s++;
    sample_fingerprint(&next);
    next.cells_fingerprint++;
    freshness_handle_good(&f, &next, &b, 300000);
    freshness_excuse(&f, 311000, 301000);
    assert_int_equal(freshness_age_ms(&f, CLOSE_MS, 311000), 1000);
}

static void frozen_cells_are_never_excused(void **state) {
    (void)state;
    struct freshness f;
    struct battery b;
    freshness_init(&f);
    sample_nominal(&b, 0);
    freshness_handle_good(&f, &b, NULL, 1000);
    for (uint64_t t = 1100; t <= 120000; t += 100) {
        struct battery next = b;
        next.lifetime_s++;
        sample_fingerprint(&next);
        freshness_handle_good(&f, &next, &b, t);
        b = next;
        if (t == 90000) {
            freshness_excuse(&f, 100000, t);
        }
        assert_int_equal(freshness_age_ms(&f, CLOSE_MS, t), t < 61000 ? 0 : t - 61000 + 5000);
    }
}

/* Samples every 1.6 s: two of them apart is no pause, so a minute of still cells is a minute. */
static void slow_samples_are_no_pause(void **state) {
    (void)state;
    struct freshness f;
    struct battery b;
    freshness_init(&f);
    freshness_configure(&f, 1600);
    sample_nominal(&b, 0);
    freshness_handle_good(&f, &b, NULL, 1600);
    for (uint64_t t = 3200; t <= 80000; t += 1600) {
        struct battery next = b;
        next.lifetime_s++;
        sample_fingerprint(&next);
        freshness_handle_good(&f, &next, &b, t);
        b = next;
        assert_int_equal(freshness_frozen(&f, CLOSE_MS, t), t >= 61600);
    }
}

/* Samples every 1.6 s of which every second one is lost: 3.2 s apart is no pause yet. */
static void one_lost_sample_is_no_pause_and_two_are(void **state) {
    (void)state;
    static const struct {
        uint64_t apart_ms;
        bool freezes;
    } cases[] = {{3200, true}, {3201, false}, {4800, false}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct freshness f;
        struct battery b;
        freshness_init(&f);
        freshness_configure(&f, 1600);
        sample_nominal(&b, 0);
        freshness_handle_good(&f, &b, NULL, 1000);
        uint64_t t = 1000;
        for (int k = 0; k < 30; k++) { /* 96 s at least */
            struct battery next = b;
            next.lifetime_s++;
            sample_fingerprint(&next);
            t += cases[i].apart_ms;
            freshness_handle_good(&f, &next, &b, t);
            b = next;
        }
        assert_int_equal(freshness_frozen(&f, CLOSE_MS, t), cases[i].freezes);
    }
}

/* 750 A cut-off: 5 % of 675 A are 33750 mA. */
static void five_percent_of_the_largest_current_is_exact(void **state) {
    (void)state;
    for (int32_t beyond_ma = 0; beyond_ma <= 1; beyond_ma++) {
        struct freshness f;
        struct battery b;
        freshness_init(&f);
        sample_nominal(&b, 0);
        b.discharge_over_current_ma = 750000;
        b.pack_ma = -33750 - beyond_ma;
        sample_fingerprint(&b);
        freshness_handle_good(&f, &b, NULL, 1000);
        for (uint64_t t = 2000; t <= 61000; t += 1000) {
            struct battery next = b;
            next.lifetime_s++;
            sample_fingerprint(&next);
            freshness_handle_good(&f, &next, &b, t);
            b = next;
        }
        assert_int_equal(freshness_frozen(&f, CLOSE_MS, 61000), beyond_ma == 1);
    }
}

/* 2 s old when the restart is ordered, then one more answer: what is excused is 0 s old. */
static void an_answer_before_the_restart_makes_the_excused_data_young(void **state) {
    (void)state;
    struct freshness f;
    struct battery b;
    freshness_init(&f);
    sample_nominal(&b, 0);
    freshness_handle_good(&f, &b, NULL, 1000);
    freshness_excuse(&f, 13000, 3000);
    struct battery next = b;
    next.lifetime_s++;
    sample_fingerprint(&next);
    freshness_handle_good(&f, &next, &b, 3100);
    assert_int_equal(freshness_age_ms(&f, CLOSE_MS, 13000), 0);
    assert_int_equal(freshness_age_ms(&f, CLOSE_MS, 14000), 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_before_the_first_sample),
        cmocka_unit_test(a_change_of_anything_live_makes_the_data_young),
        cmocka_unit_test(silence_counts_from_the_last_sample_and_not_from_the_last_tick),
        cmocka_unit_test(repeated_data_is_as_old_as_its_last_change),
        cmocka_unit_test(a_ticking_clock_does_not_hide_frozen_cells),
        cmocka_unit_test(silence_does_not_count_as_standing_still),
        cmocka_unit_test(an_excuse_holds_the_age_where_it_is_and_then_it_grows_on),
        cmocka_unit_test(an_answer_between_the_order_and_the_restart_does_not_end_the_excuse),
        cmocka_unit_test(an_excuse_opens_nothing_and_cannot_be_repeated_in_one_silence),
        cmocka_unit_test(frozen_cells_are_never_excused),
        cmocka_unit_test(slow_samples_are_no_pause),
        cmocka_unit_test(one_lost_sample_is_no_pause_and_two_are),
        cmocka_unit_test(five_percent_of_the_largest_current_is_exact),
        cmocka_unit_test(an_answer_before_the_restart_makes_the_excused_data_young),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
