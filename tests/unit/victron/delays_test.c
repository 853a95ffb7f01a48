/* SPDX-License-Identifier: MIT */
/* The schedule when its caller is late: lateness is counted, never added up, never repeated. */
#include "schedule_fixture.h"

static void a_caller_that_is_always_a_little_late_causes_no_drift(void **state) {
    (void)state;
    struct bench b;
    unsigned count[ROWS] = {0};
    uint32_t random = 12345; /* a linear congruential sequence: the same every time */
    uint64_t now_ms = 0;
    bench_init(&b, 1000);
    victron_start(&b.v, 0);
    while (now_ms < 3600000) {
        struct victron_frame out;
        while (victron_next_frame(&b.v, &b.f.source, now_ms, &out)) {
            const unsigned row = row_of(out.id);
            const uint64_t due_ms = (uint64_t)count[row] * 1000 + row * 1000u / ROWS;
            assert_true(now_ms >= due_ms && now_ms - due_ms <= 40);
            count[row]++;
        }
        random = random * 1664525u + 1013904223u;
        now_ms = victron_step(&b.v, now_ms) + (random >> 16) % 41;
    }
    for (unsigned row = 0; row < ROWS; row++) {
        assert_in_range(count[row], 3599, 3600); /* the last wake-up may lie beyond the hour */
    }
    assert_int_equal(b.v.counters.late, 0);
}

static void late_is_more_than_half_a_period(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint32_t period_ms;
        uint64_t behind_ms;
        unsigned late;
        uint64_t next_due_ms; /* of 0x351, due first at 0 */
    } cases[] = {
        {"on time", 1000, 0, 0, 1000},
        {"half a period", 1000, 500, 0, 1000},
        {"one more", 1000, 501, 1, 1000},
        {"half of an odd period, rounded down", 999, 499, 0, 999},
        {"half of an odd period, rounded up", 999, 500, 1, 999},
        {"just under a period", 1000, 999, 1, 1000},
        {"exactly a period: not twice in the same millisecond", 1000, 1000, 1, 2000},
        {"ten and a half", 1000, 10500, 1, 11000},
        {"60 days", 200, UINT64_C(5184000123), 1, UINT64_C(5184000200)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench b;
        struct victron_frame out;
        bench_init(&b, cases[i].period_ms);
        victron_start(&b.v, 0);
        assert_true(victron_step(&b.v, cases[i].behind_ms) == 0);
        assert_true(victron_next_frame(&b.v, &b.f.source, cases[i].behind_ms, &out));
        if (b.v.counters.late != cases[i].late || b.v.due_ms[0] != cases[i].next_due_ms) {
            fail_msg("%s: late %u, next at %llu", cases[i].what, (unsigned)b.v.counters.late,
                     (unsigned long long)b.v.due_ms[0]);
        }
        assert_int_equal(out.id, 0x351);
    }
}

static void after_a_long_sleep_each_row_goes_once_in_order_and_on_at_its_phase(void **state) {
    (void)state;
    struct bench b;
    struct victron_frame out;
    bench_init(&b, 1000);
    victron_start(&b.v, 0);
    /* 10.6 s late: eleven turns of 0x351 to 0x374 are missed and ten of the others, sent as one */
    for (unsigned row = 0; row < ROWS; row++) {
        assert_true(victron_next_frame(&b.v, &b.f.source, 10600, &out));
        assert_int_equal(out.id, victron_table[row].id);
    }
    assert_false(victron_next_frame(&b.v, &b.f.source, 10600, &out));
    assert_int_equal(b.v.counters.late, ROWS);
    assert_int_equal(b.v.counters.tx_in_turn, ROWS);
    /* row 11, 0x375, has phase 611: the next in turn; then row 12 at 666 */
    assert_true(victron_step(&b.v, 10600) == 10611);
    assert_sends(&b, 10611, 0x375);
    assert_true(victron_step(&b.v, 10611) == 10666);
    assert_int_equal(b.v.counters.late, ROWS);
}

static void limits_lead_when_several_rows_are_due(void **state) {
    (void)state;
    struct bench b;
    struct victron_frame out;
    unsigned count[ROWS] = {0};
    bench_init(&b, 1000);
    victron_start(&b.v, 0);
    for (uint64_t now_ms = 0; now_ms <= 900; now_ms++) {
        (void)bench_drain(&b, now_ms, count);
    }
    /* 0x382 has been due since 944, 0x351 since 1000 */
    assert_true(victron_next_frame(&b.v, &b.f.source, 1010, &out));
    assert_int_equal(out.id, 0x351);
    assert_sends(&b, 1010, 0x382);
}

static void a_request_is_never_late(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b, 1000);
    victron_start(&b.v, 0);
    assert_sends(&b, 0, 0x351);
    victron_send_now(&b.v, 0x382);
    assert_sends(&b, 50, 0x382);
    assert_int_equal(b.v.counters.late, 0);
    assert_int_equal(b.v.counters.tx_out_of_turn, 1);
}

static void a_late_row_without_anything_to_say_is_no_late_frame(void **state) {
    (void)state;
    struct bench b;
    unsigned count[ROWS] = {0};
    bench_init(&b, 1000);
    fixture_forget(&b.f, BATTERY_SOC);
    victron_start(&b.v, 0);
    assert_int_equal(bench_drain(&b, 5600, count), ROWS - 1);
    assert_int_equal(b.v.counters.late, ROWS - 1);
    assert_true(b.v.due_ms[row_of(0x355)] == 6111);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_caller_that_is_always_a_little_late_causes_no_drift),
        cmocka_unit_test(late_is_more_than_half_a_period),
        cmocka_unit_test(after_a_long_sleep_each_row_goes_once_in_order_and_on_at_its_phase),
        cmocka_unit_test(limits_lead_when_several_rows_are_due),
        cmocka_unit_test(a_request_is_never_late),
        cmocka_unit_test(a_late_row_without_anything_to_say_is_no_late_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
