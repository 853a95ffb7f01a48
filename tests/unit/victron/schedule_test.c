/* SPDX-License-Identifier: MIT */
/* The schedule when everybody is on time: phases, counts, requests out of turn, new settings. */
#include "schedule_fixture.h"

/* k x 1000 / 18 and k x 200 / 18, rounded down, for row k. */
static const uint16_t phases_1000[ROWS] = {0,   55,  111, 166, 222, 277, 333, 388, 444,
                                           500, 555, 611, 666, 722, 777, 833, 888, 944};
static const uint16_t phases_200[ROWS] = {0,   11,  22,  33,  44,  55,  66,  77,  88,
                                          100, 111, 122, 133, 144, 155, 166, 177, 188};

static void nothing_is_sent_before_the_start_and_after_the_stop(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b, 1000);
    assert_true(victron_step(&b.v, 0) == UINT64_MAX);
    assert_sends(&b, 0, 0);
    victron_send_now(&b.v, 0x351);
    victron_send_now(&b.v, 0x382); /* nobody remembers it: not in turn before 5944 */
    assert_true(victron_step(&b.v, 5000) == UINT64_MAX);
    assert_sends(&b, 5000, 0);
    victron_start(&b.v, 5000);
    assert_sends(&b, 5000, 0x351);
    victron_send_now(&b.v, 0x35A);
    victron_stop(&b.v);
    victron_stop(&b.v);
    assert_true(victron_step(&b.v, 5000) == UINT64_MAX);
    assert_sends(&b, 6000, 0);
    victron_start(&b.v, 7000); /* and what was asked before the stop is forgotten */
    assert_sends(&b, 7000, 0x351);
}

static void limits_go_out_at_once_and_every_row_at_its_phase(void **state) {
    (void)state;
    static const struct {
        uint32_t period_ms;
        const uint16_t *phase;
    } cases[] = {{1000, phases_1000}, {200, phases_200}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench b;
        uint64_t now_ms = 123456;
        bench_init(&b, cases[i].period_ms);
        victron_start(&b.v, now_ms);
        for (unsigned n = 0; n < 3 * ROWS; n++) {
            const uint64_t due_ms =
                123456 + n / ROWS * cases[i].period_ms + cases[i].phase[n % ROWS];
            assert_true(victron_step(&b.v, now_ms) == due_ms);
            if (due_ms > now_ms) {
                assert_sends(&b, due_ms - 1, 0);
            }
            assert_sends(&b, due_ms, victron_table[n % ROWS].id);
            now_ms = due_ms;
        }
    }
}

/* 0x35F is row 5, at 277; 0x372 is row 8, at 444; 0x373 row 9, at 500. Rows 4 to 7 and 10 to 17 are
 * names and sizes. */
static void names_wait_a_tenth_of_the_period_for_company(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b, 1000);
    assert_true(victron_latest_ms(&b.v, 7) == UINT64_MAX);
    victron_start(&b.v, 0);
    assert_true(victron_latest_ms(&b.v, 0) == 0);
    assert_sends(&b, 0, 0x351);
    assert_true(victron_latest_ms(&b.v, 0) == 55);
    assert_sends(&b, 55, 0x35A);
    assert_sends(&b, 111, 0x355);
    assert_sends(&b, 166, 0x356);
    assert_true(victron_step(&b.v, 166) == 222);
    assert_true(victron_latest_ms(&b.v, 166) == 322);
    assert_sends(&b, 222, 0x35E); /* who is called in time sends in time */
    assert_true(victron_latest_ms(&b.v, 222) == 377);
    assert_sends(&b, 300, 0x35F);
    assert_true(b.v.due_ms[row_of(0x35F)] == 1277);   /* and the phase stays */
    assert_true(victron_latest_ms(&b.v, 300) == 433); /* 0x370, at 333 */
    b.v.due_ms[row_of(0x370)] = b.v.due_ms[row_of(0x371)] = 1388;
    assert_true(victron_latest_ms(&b.v, 300) == 444); /* 0x372 does not wait */
    victron_send_now(&b.v, 0x382);
    assert_true(victron_latest_ms(&b.v, 378) == 378);
}

static void no_two_rows_share_a_millisecond_at_any_period(void **state) {
    (void)state;
    for (uint32_t period_ms = 200; period_ms <= 1000; period_ms++) {
        struct bench b;
        unsigned count[ROWS] = {0};
        bench_init(&b, period_ms);
        victron_start(&b.v, 0);
        for (uint64_t now_ms = 0; now_ms < period_ms; now_ms++) {
            assert_true(bench_drain(&b, now_ms, count) <= 1);
        }
        for (unsigned row = 0; row < ROWS; row++) {
            assert_int_equal(count[row], 1); /* everything within the first period */
        }
    }
}

/* An hour from start_ms, woken at the deadlines alone. */
static void run_an_hour(uint64_t start_ms) {
    struct bench b;
    unsigned count[ROWS] = {0};
    uint64_t now_ms = start_ms;
    bench_init(&b, 1000);
    victron_start(&b.v, start_ms);
    while (now_ms - start_ms < 3600000) {
        struct victron_frame out;
        assert_true(victron_next_frame(&b.v, &b.f.source, now_ms, &out));
        const unsigned row = row_of(out.id);
        assert_true(now_ms == start_ms + (uint64_t)count[row] * 1000 + phases_1000[row]);
        assert_int_equal(out.len, 8);
        count[row]++;
        assert_false(victron_next_frame(&b.v, &b.f.source, now_ms, &out));
        const uint64_t next_ms = victron_step(&b.v, now_ms);
        assert_true(next_ms > now_ms);
        now_ms = next_ms;
    }
    for (unsigned row = 0; row < ROWS; row++) {
        assert_int_equal(count[row], 3600);
    }
    assert_int_equal(b.v.counters.tx_in_turn, 3600 * ROWS);
    assert_int_equal(b.v.counters.tx_out_of_turn, 0);
    assert_int_equal(b.v.counters.late, 0);
}

static void an_hour_has_3600_of_each_at_their_exact_times(void **state) {
    (void)state;
    run_an_hour(0);
    run_an_hour(1);
    run_an_hour(UINT64_C(1) << 63);
    run_an_hour((UINT64_C(1) << 53) - 1800000);
}

static void nothing_happens_when_32_bits_of_milliseconds_are_over(void **state) {
    (void)state;
    run_an_hour((UINT64_C(1) << 32) - 1800000); /* 49.7 days in the middle of the hour */
    run_an_hour((UINT64_C(1) << 32) - 1);
    run_an_hour((UINT64_C(1) << 31) - 1800000);
}

static void a_request_sends_once_and_moves_no_phase(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b, 1000);
    victron_start(&b.v, 0);
    assert_sends(&b, 0, 0x351);
    victron_send_now(&b.v, 0x351);
    victron_send_now(&b.v, 0x351); /* asked twice, sent once */
    assert_true(victron_step(&b.v, 20) == 20);
    assert_sends(&b, 20, 0x351);
    assert_true(victron_step(&b.v, 20) == 55);
    assert_sends(&b, 55, 0x35A);
    victron_send_now(&b.v, 0x382); /* the last row too, long before its turn at 944 */
    assert_sends(&b, 56, 0x382);
    unsigned count[ROWS] = {0};
    for (uint64_t now_ms = 57; now_ms < 1000; now_ms++) {
        (void)bench_drain(&b, now_ms, count);
    }
    for (unsigned row = 0; row < ROWS; row++) {
        assert_int_equal(count[row], row < 2 ? 0 : 1);
    }
    assert_int_equal(count[row_of(0x382)], 1);
    assert_true(victron_step(&b.v, 999) == 1000);
    assert_sends(&b, 1000, 0x351);
    assert_int_equal(b.v.counters.tx_out_of_turn, 2);
    assert_int_equal(b.v.counters.tx_in_turn, ROWS + 1);
}

static void requests_come_out_in_the_order_of_the_table(void **state) {
    (void)state;
    struct bench b;
    struct victron_frame out;
    bench_init(&b, 1000);
    victron_start(&b.v, 0);
    assert_sends(&b, 0, 0x351);
    victron_send_now(&b.v, 0x382);
    victron_send_now(&b.v, 0x35A);
    victron_send_now(&b.v, 0x351);
    static const uint16_t order[] = {0x351, 0x35A, 0x382};
    for (size_t i = 0; i < 3; i++) {
        assert_true(victron_step(&b.v, 10) == 10);
        assert_true(victron_next_frame(&b.v, &b.f.source, 10, &out));
        assert_int_equal(out.id, order[i]);
    }
    assert_sends(&b, 10, 0);
}

static void a_turn_answers_the_request_that_waits_for_the_same_row(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b, 1000);
    victron_start(&b.v, 0);
    victron_send_now(&b.v, 0x351);
    assert_sends(&b, 0, 0x351);
    assert_true(victron_step(&b.v, 0) == 55);
    assert_int_equal(b.v.counters.tx_in_turn, 1);
    assert_int_equal(b.v.counters.tx_out_of_turn, 0);
}

static void a_request_for_what_is_not_in_the_table_is_ignored(void **state) {
    (void)state;
    static const uint16_t foreign[] = {0x000, 0x305, 0x307, 0x352, 0x378, 0x7FF};
    struct bench b;
    bench_init(&b, 1000);
    victron_start(&b.v, 0);
    assert_sends(&b, 0, 0x351);
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        victron_send_now(&b.v, foreign[i]);
        assert_true(victron_step(&b.v, 10) == 55);
        assert_sends(&b, 10, 0);
    }
}

static void what_has_nothing_to_say_is_skipped_for_its_period(void **state) {
    (void)state;
    struct bench b;
    unsigned count[ROWS] = {0};
    bench_init(&b, 1000);
    fixture_forget(&b.f, BATTERY_SOC);
    victron_start(&b.v, 0);
    for (uint64_t now_ms = 0; now_ms < 1000; now_ms++) {
        (void)bench_drain(&b, now_ms, count);
    }
    assert_int_equal(count[row_of(0x355)], 0);
    assert_int_equal(b.v.counters.tx_in_turn, ROWS - 1);
    /* known again between two turns: it waits for the next one, 1000 + 111 */
    b.f.battery.validity[BATTERY_SOC] = BATTERY_VALID;
    for (uint64_t now_ms = 1000; now_ms < 1111; now_ms++) {
        (void)bench_drain(&b, now_ms, count);
    }
    assert_int_equal(count[row_of(0x355)], 0);
    assert_sends(&b, 1111, 0x355);
    /* a request is no exception, and does not keep the deadline at "now" */
    fixture_forget(&b.f, BATTERY_SOC);
    victron_send_now(&b.v, 0x355);
    assert_sends(&b, 1112, 0);
    assert_true(victron_step(&b.v, 1112) == 1166);
}

static void nothing_goes_out_while_the_limits_are_not_valid(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b, 1000);
    b.f.limits.valid = false;
    victron_start(&b.v, 0);
    victron_send_now(&b.v, 0x35A);
    for (uint64_t now_ms = 0; now_ms < 3000; now_ms++) {
        assert_sends(&b, now_ms, 0);
        assert_true(victron_step(&b.v, now_ms) > now_ms);
    }
    b.f.limits.valid = true;
    assert_sends(&b, 3000, 0x351);
    assert_int_equal(b.v.counters.tx_in_turn, 1);
    assert_int_equal(b.v.counters.tx_out_of_turn, 0);
}

static void starting_twice_does_not_move_the_schedule(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b, 1000);
    victron_start(&b.v, 100);
    assert_sends(&b, 100, 0x351);
    victron_start(&b.v, 130);
    assert_true(victron_step(&b.v, 130) == 155);
    assert_sends(&b, 130, 0);
}

static void a_restart_begins_with_the_limits_at_once(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b, 1000);
    victron_start(&b.v, 100);
    assert_sends(&b, 100, 0x351);
    victron_stop(&b.v);
    victron_start(&b.v, 130);
    assert_sends(&b, 130, 0x351);
    assert_true(victron_step(&b.v, 130) == 185);
}

static void the_same_period_keeps_the_phases_and_takes_the_texts(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b, 1000);
    victron_start(&b.v, 0);
    assert_sends(&b, 0, 0x351);
    struct victron_config cfg = b.f.config;
    memcpy(cfg.battery_family, "LFP", 4);
    cfg.keepalive_timeout_ms = 7;
    victron_configure(&b.v, &cfg, 30);
    assert_string_equal(b.v.config.battery_family, "LFP");
    assert_int_equal(b.v.config.keepalive_timeout_ms, 7);
    assert_true(victron_step(&b.v, 30) == 55);
    assert_sends(&b, 30, 0);
}

/* Whatever the two periods and whenever the change: neither 0x351 nor 0x35A has a gap longer than
 * the period that ends, and afterwards the new phases hold. */
static void another_period_restarts_the_phases_without_a_gap(void **state) {
    (void)state;
    static const struct {
        uint32_t from_ms, to_ms;
    } cases[] = {{1000, 200}, {200, 1000}, {1000, 999}, {999, 1000}, {500, 250}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (uint64_t change_ms = 2000; change_ms < 2000 + cases[i].from_ms; change_ms++) {
            struct bench b;
            uint64_t last_ms[2] = {0, 0};
            bench_init(&b, cases[i].from_ms);
            victron_start(&b.v, 0);
            struct victron_config cfg = b.f.config;
            cfg.period_ms = cases[i].to_ms;
            uint64_t now_ms = 0;
            while (now_ms < change_ms + 2 * cases[i].to_ms) {
                struct victron_frame out;
                const uint64_t longest_ms = now_ms <= change_ms ? cases[i].from_ms : cases[i].to_ms;
                while (victron_next_frame(&b.v, &b.f.source, now_ms, &out)) {
                    const unsigned row = row_of(out.id);
                    if (row < 2) {
                        assert_true(now_ms - last_ms[row] <= longest_ms);
                        last_ms[row] = now_ms;
                    }
                }
                const uint64_t next_ms = victron_step(&b.v, now_ms);
                if (now_ms < change_ms && next_ms >= change_ms) {
                    victron_configure(&b.v, &cfg, change_ms);
                    assert_true(victron_step(&b.v, change_ms) == change_ms);
                    now_ms = change_ms;
                } else {
                    now_ms = next_ms;
                }
            }
            /* 0x351 at every whole new period from the change, the last one before the end */
            assert_true(last_ms[0] == change_ms + cases[i].to_ms);
            assert_true(last_ms[1] == change_ms + cases[i].to_ms + cases[i].to_ms / ROWS);
        }
    }
}

static void a_new_period_while_stopped_does_not_start_anything(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b, 1000);
    struct victron_config cfg = b.f.config;
    cfg.period_ms = 200;
    victron_configure(&b.v, &cfg, 50);
    assert_true(victron_step(&b.v, 50) == UINT64_MAX);
    assert_sends(&b, 50, 0);
    victron_start(&b.v, 100);
    assert_sends(&b, 100, 0x351);
    assert_true(victron_step(&b.v, 100) == 111);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_sent_before_the_start_and_after_the_stop),
        cmocka_unit_test(limits_go_out_at_once_and_every_row_at_its_phase),
        cmocka_unit_test(names_wait_a_tenth_of_the_period_for_company),
        cmocka_unit_test(no_two_rows_share_a_millisecond_at_any_period),
        cmocka_unit_test(an_hour_has_3600_of_each_at_their_exact_times),
        cmocka_unit_test(nothing_happens_when_32_bits_of_milliseconds_are_over),
        cmocka_unit_test(a_request_sends_once_and_moves_no_phase),
        cmocka_unit_test(requests_come_out_in_the_order_of_the_table),
        cmocka_unit_test(a_turn_answers_the_request_that_waits_for_the_same_row),
        cmocka_unit_test(a_request_for_what_is_not_in_the_table_is_ignored),
        cmocka_unit_test(what_has_nothing_to_say_is_skipped_for_its_period),
        cmocka_unit_test(nothing_goes_out_while_the_limits_are_not_valid),
        cmocka_unit_test(starting_twice_does_not_move_the_schedule),
        cmocka_unit_test(a_restart_begins_with_the_limits_at_once),
        cmocka_unit_test(the_same_period_keeps_the_phases_and_takes_the_texts),
        cmocka_unit_test(another_period_restarts_the_phases_without_a_gap),
        cmocka_unit_test(a_new_period_while_stopped_does_not_start_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
