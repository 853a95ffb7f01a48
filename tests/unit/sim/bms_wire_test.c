/* SPDX-License-Identifier: MIT */
/* When the virtual BMS's bytes come, sleep, and the faults it plays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "wire.h"

static void bytes_come_one_by_one_at_the_speed_of_the_wire(void **state) {
    (void)state;
    struct wire w;
    wire_init(&w, NULL);
    uint64_t asked_us = w.now_us;
    wire_ask(&w, "AA 03 00 32 00 01");
    assert_int_equal(w.n, 7);
    /* 8 bytes in: 8 x 86.8 us = 694 us; turnaround 700 us; the first byte out 87 us later: 1481 us.
     * The seventh 6 x 86.8 us = 521 us after it. A real device needs about 2 ms in all. */
    assert_in_range(w.first_us - asked_us, 1480, 1483);
    assert_in_range(w.last_us - asked_us, 2000, 2004);

    uint8_t byte;
    wire_ask(&w, "AA 03 00 00 00 36"); /* 113 bytes: 9.8 ms of wire */
    assert_int_equal(w.n, 113);
    assert_in_range(w.last_us - w.first_us, 112 * 86, 112 * 87);
    assert_int_equal(sim_bms_tx(&w.bms, &byte, 1, w.now_us), 0);
}

static void a_slower_wire_takes_its_time(void **state) {
    (void)state;
    struct sim_bms_config cfg;
    sim_bms_defaults(&cfg);
    cfg.baudrate = 19200; /* 520.8 us a byte */
    struct wire w;
    wire_init(&w, &cfg);
    wire_ask(&w, "AA 03 00 32 00 01");
    assert_in_range(w.last_us - w.first_us, 6 * 520, 6 * 521 + 1);
}

static void requests_in_any_chunks_and_after_noise_are_understood(void **state) {
    (void)state;
    struct wire w;
    wire_init(&w, NULL);
    static const uint8_t rq[] = {0xAA, 0x03, 0x00, 0x05, 0x00, 0x05, 0x8C, 0x13};
    for (size_t cut = 1; cut < sizeof rq; cut++) {
        w.n = 0;
        sim_bms_handle_rx(&w.bms, rq, cut, w.now_us);
        wire_run(&w, 3000, 1000);
        sim_bms_handle_rx(&w.bms, rq + cut, sizeof rq - cut, w.now_us);
        wire_run(&w, 20000, 1000);
        assert_int_equal(w.n, 15);
    }
    wire_send(&w, "00 FF 13 AA 03 00 05 00 05 8C 13");
    assert_int_equal(w.n, 15);
    wire_send(&w, "AA 03 00"); /* half of a request, then silence */
    wire_send(&w, "AA 03 00 05 00 05 8C 13");
    assert_int_equal(w.n, 15);
    assert_int_equal(w.bms.counters.discarded_bytes, 3 + 3);
}

static void two_requests_in_one_piece_get_two_replies(void **state) {
    (void)state;
    struct wire w;
    wire_init(&w, NULL);
    wire_send(&w, "AA 03 00 05 00 05 8C 13 AA 1B 3F 1B");
    assert_int_equal(w.n, 15 + 11);
}

static void asleep_it_swallows_the_first_command_and_answers_within_two_seconds(void **state) {
    (void)state;
    struct sim_bms_config cfg;
    sim_bms_defaults(&cfg);
    cfg.sleeps = true;
    cfg.charger = SIM_CHARGER_UNPLUGGED; /* nor does a load keep it awake */
    cfg.pack.profile = SIM_PROFILE_CONSTANT;
    struct wire w;
    wire_init(&w, &cfg);
    wire_ask(&w, "AA 1B");
    assert_int_equal(w.n, 11);
    wire_run(&w, 9800000, 100000);
    assert_false(w.bms.asleep);
    wire_run(&w, 300000, 100000);
    assert_true(w.bms.asleep);
    wire_run(&w, 5000000, 100000);
    wire_ask(&w, "AA 1B");
    assert_int_equal(w.n, 0);
    unsigned tries = 1;
    for (; w.n == 0 && tries < 30; tries++)
        wire_ask(&w, "AA 1B");
    assert_in_range(tries, 2, 11); /* it looks at its UART once a second, a try takes 0.1 s */
    assert_int_equal(w.n, 11);
    wire_ask(&w, "AA 1B");
    assert_int_equal(w.n, 11);
}

static void traffic_keeps_it_awake(void **state) {
    (void)state;
    struct sim_bms_config cfg;
    sim_bms_defaults(&cfg);
    cfg.sleeps = true;
    cfg.charger = SIM_CHARGER_UNPLUGGED; /* nor does a load keep it awake */
    cfg.pack.profile = SIM_PROFILE_CONSTANT;
    struct wire w;
    wire_init(&w, &cfg);
    for (unsigned i = 0; i < 4; i++) {
        wire_run(&w, 9000000, 100000);
        wire_ask(&w, "AA 1B");
        assert_int_equal(w.n, 11);
    }
}

static void a_restart_is_acknowledged_and_then_silent_for_half_a_second(void **state) {
    (void)state;
    struct wire w;
    wire_init(&w, NULL);
    wire_ask(&w, "AA 02 05");
    wire_expect_frame(&w, "AA 01 02");
    for (unsigned i = 0; i < 4; i++) {
        wire_ask(&w, "AA 1B");
        assert_int_equal(w.n, 0);
    }
    wire_ask(&w, "AA 1B");
    assert_int_equal(w.n, 11);
    assert_int_equal(w.bms.reg[114] & 0xFF, 4); /* reset by software */
}

/* Asks `count` times for temperatures with a fault on; returns how many replies came as they should
 * (a frame of 11 bytes alone), and through *bytes all that came. */
static unsigned good_replies(struct sim_bms_faults faults, unsigned count, struct wire *w) {
    struct sim_bms_config cfg;
    sim_bms_defaults(&cfg);
    cfg.faults = faults;
    wire_init(w, &cfg);
    unsigned good = 0;
    for (unsigned i = 0; i < count; i++) {
        wire_ask(w, "AA 1B");
        good += w->n == 11 && w->rx[1] == 0x1B &&
                sim_bms_crc(w->rx, 9) == (uint16_t)(w->rx[10] << 8 | w->rx[9]);
    }
    return good;
}

static void each_fault_does_what_its_name_says(void **state) {
    (void)state;
    struct wire w;
    assert_int_equal(good_replies((struct sim_bms_faults){0}, 50, &w), 50);
    assert_int_equal(good_replies((struct sim_bms_faults){.drop_cpct = 10000}, 50, &w), 0);
    assert_int_equal(w.bms.counters.dropped, 50);
    assert_int_equal(good_replies((struct sim_bms_faults){.mute = true}, 50, &w), 0);
    assert_int_equal(w.n, 0);
    assert_int_equal(good_replies((struct sim_bms_faults){.truncate_cpct = 10000}, 50, &w), 0);
    assert_true(w.n < 11);
    assert_int_equal(good_replies((struct sim_bms_faults){.noise_cpct = 10000}, 50, &w), 0);
    assert_in_range(w.n, 12, 23);
    assert_int_equal(good_replies((struct sim_bms_faults){.nack_cpct = 10000}, 50, &w), 0);
    wire_expect_frame(&w, "AA 00 1B 00");
    assert_int_equal(good_replies((struct sim_bms_faults){.fragment = true}, 50, &w), 50);
    /* two flips of the same bit, or flips of address bits alone, do not exist here: CRC-16 sees
     * every one to three flipped bits of so short a frame, unless two of three undo each other */
    assert_in_range(good_replies((struct sim_bms_faults){.corrupt_cpct = 10000}, 200, &w), 0, 5);
}

static void a_rate_of_ten_percent_drops_about_a_tenth(void **state) {
    (void)state;
    struct wire w;
    unsigned good = good_replies((struct sim_bms_faults){.drop_cpct = 1000}, 1000, &w);
    assert_in_range(good, 860, 940); /* four standard deviations of 9.5 around 900 */
}

static void chatter_comes_unasked_every_tenth_of_a_second(void **state) {
    (void)state;
    struct sim_bms_config cfg;
    sim_bms_defaults(&cfg);
    cfg.faults.chatter = true;
    struct wire w;
    wire_init(&w, &cfg);
    wire_run(&w, 1050000, 10000);
    assert_int_equal(w.n, 10 * 8);
}

static void broadcast_in_ascii_names_the_switches(void **state) {
    (void)state;
    struct wire w;
    wire_init(&w, NULL);
    wire_ask(&w, "AA 10 01 56 00 02 04 00 04 00 01"); /* 342 = 4: 1 s; 343 = 1: ASCII */
    wire_expect_frame(&w, "AA 10 01 56 00 02");
    w.n = 0;
    wire_run(&w, 1000000, 10000);
    static const char text[] = "load:1 charger:1 single:1\r\n";
    assert_int_equal(w.n, sizeof text - 1);
    assert_memory_equal(w.rx, text, sizeof text - 1);
}

/* Everything random and everything that moves, for ten seconds of polling. */
static size_t noisy_run(uint32_t seed, uint8_t *out, size_t cap) {
    struct sim_bms_config cfg;
    sim_bms_defaults(&cfg);
    cfg.seed = cfg.pack.seed = seed;
    cfg.faults = (struct sim_bms_faults){.drop_cpct = 500,
                                         .corrupt_cpct = 500,
                                         .noise_cpct = 500,
                                         .fragment = true,
                                         .chatter = true};
    struct wire w;
    wire_init(&w, &cfg);
    size_t n = 0;
    for (unsigned i = 0; i < 100; i++) {
        wire_ask(&w, "AA 03 00 00 00 36");
        assert_true(n + w.n <= cap);
        memcpy(out + n, w.rx, w.n);
        n += w.n;
    }
    return n;
}

static void the_same_seed_gives_the_same_bytes_and_another_seed_others(void **state) {
    (void)state;
    static uint8_t a[20000], b[20000], c[20000];
    size_t na = noisy_run(7, a, sizeof a), nb = noisy_run(7, b, sizeof b);
    size_t nc = noisy_run(8, c, sizeof c);
    assert_true(na > 5000);
    assert_int_equal(na, nb);
    assert_memory_equal(a, b, na);
    assert_true(nc != na || memcmp(a, c, na) != 0);
}

/* Random bytes, and frames of random content with a good CRC, in random pieces. */
static void after_any_bytes_at_all_it_still_answers(void **state) {
    (void)state;
    struct sim_rng rng;
    sim_rng_init(&rng, 99);
    struct wire w;
    wire_init(&w, NULL);
    for (unsigned round = 0; round < 3000; round++) {
        uint8_t bytes[300];
        size_t n = 4 + sim_rng_below(&rng, 290);
        for (size_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)sim_rng_next(&rng);
        if (round % 2 == 0) {
            bytes[0] = 0xAA;
            bytes[1] = (uint8_t)(bytes[1] % 0x24);
            int length = sim_bms_request_length(bytes, n);
            if (length >= 4 && (size_t)length <= n) {
                n = (size_t)length;
                uint16_t crc = sim_bms_crc(bytes, n - 2);
                bytes[n - 2] = (uint8_t)(crc & 0xFFu);
                bytes[n - 1] = (uint8_t)(crc >> 8);
            }
        }
        w.n = 0;
        size_t piece = 1 + sim_rng_below(&rng, 64);
        for (size_t at = 0; at < n; at += piece)
            sim_bms_handle_rx(&w.bms, bytes + at, n - at < piece ? n - at : piece, w.now_us);
        wire_run(&w, 1000000, 100000);
    }
    /* whole requests were among them, some refused, some obeyed */
    assert_true(w.bms.counters.nacks > 100);
    assert_true(w.bms.counters.requests - w.bms.counters.nacks > 100);
    wire_ask(&w, "AA 03 00 00 00 36");
    assert_in_range(w.n, 113, 113 + 26); /* register 342 may have been written: broadcast */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_one_by_one_at_the_speed_of_the_wire),
        cmocka_unit_test(a_slower_wire_takes_its_time),
        cmocka_unit_test(requests_in_any_chunks_and_after_noise_are_understood),
        cmocka_unit_test(two_requests_in_one_piece_get_two_replies),
        cmocka_unit_test(asleep_it_swallows_the_first_command_and_answers_within_two_seconds),
        cmocka_unit_test(traffic_keeps_it_awake),
        cmocka_unit_test(a_restart_is_acknowledged_and_then_silent_for_half_a_second),
        cmocka_unit_test(each_fault_does_what_its_name_says),
        cmocka_unit_test(a_rate_of_ten_percent_drops_about_a_tenth),
        cmocka_unit_test(chatter_comes_unasked_every_tenth_of_a_second),
        cmocka_unit_test(broadcast_in_ascii_names_the_switches),
        cmocka_unit_test(after_any_bytes_at_all_it_still_answers),
        cmocka_unit_test(the_same_seed_gives_the_same_bytes_and_another_seed_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
