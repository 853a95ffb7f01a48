/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tinybms/transaction.h"
#include "wire.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct tinybms_timing timing = {
    .baudrate = 115200, .timeout_ms = 100, .retry_delay_ms = 20};

/* A transaction whose request has just been sent whole. */
static void send(struct tinybms_transaction *x, const struct tinybms_request *rq, uint32_t retries,
                 uint64_t now_ms) {
    uint8_t out[TINYBMS_REQUEST_MAX];
    tinybms_transaction_begin(x, rq, retries, now_ms);
    tinybms_transaction_step(x, now_ms);
    assert_int_equal(tinybms_transaction_tx(x, out, sizeof out, now_ms), rq->length);
    assert_memory_equal(out, rq->bytes, rq->length);
    assert_int_equal(x->state, TINYBMS_TRANSACTION_WAITING);
}

static void init(struct tinybms_transaction *x) {
    tinybms_transaction_init(x, &timing);
}

static void read_request(struct tinybms_request *rq, uint16_t addr, uint16_t n) {
    assert_int_equal(tinybms_build_read(rq, addr, n), GW_OK);
}

/* True when the reply was found; hands in everything, whatever comes after it. */
static bool rx(struct tinybms_transaction *x, const uint8_t *p, size_t n, uint64_t now_ms) {
    tinybms_transaction_handle_rx(x, p, n, now_ms);
    return x->state == TINYBMS_TRANSACTION_DONE && x->outcome == TINYBMS_OUTCOME_REPLY;
}

static void the_time_allowed_is_that_of_the_bytes_and_the_margin(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint32_t baudrate;
        uint16_t registers;
        uint64_t allowed_ms;
    } cases[] = {
        /* 8 + 113 bytes = 1210 bits: 10.503 ms */
        {"fast sample", 115200, 54, 11 + 100},
        /* 8 + 7 bytes = 150 bits: 1.302 ms */
        {"one register", 115200, 1, 2 + 100},
        /* 1210 bits at 9600: 126.04 ms */
        {"fast sample, slow line", 9600, 54, 127 + 100},
        /* 1210 bits at 121000: exactly 10 ms */
        {"no rounding where there is nothing to round", 121000, 54, 10 + 100},
        /* 1210 bits at 1209999: 1.0000008 ms */
        {"the least fraction is rounded up", 1209999, 54, 2 + 100},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        static struct tinybms_transaction x;
        struct tinybms_timing t = timing;
        t.baudrate = cases[i].baudrate;
        tinybms_transaction_init(&x, &t);
        struct tinybms_request rq;
        read_request(&rq, 0, cases[i].registers);
        send(&x, &rq, 0, 5000);
        assert_int_equal(tinybms_transaction_step(&x, 5000), 5000 + cases[i].allowed_ms);
        tinybms_transaction_step(&x, 5000 + cases[i].allowed_ms - 1);
        assert_int_equal(x.state, TINYBMS_TRANSACTION_WAITING);
        tinybms_transaction_step(&x, 5000 + cases[i].allowed_ms);
        assert_int_equal(x.outcome, TINYBMS_OUTCOME_TIMEOUT);
        assert_int_equal(x.counters.timeouts, 1);
    }
}

static void time_starts_when_the_port_takes_the_first_byte(void **state) {
    (void)state;
    static struct tinybms_transaction x;
    struct tinybms_request rq;
    uint8_t out[16];
    init(&x);
    read_request(&rq, 0, 54);
    tinybms_transaction_begin(&x, &rq, 0, 0);
    tinybms_transaction_step(&x, 0);
    assert_int_equal(tinybms_transaction_tx(&x, out, 3, 50), 3);
    assert_int_equal(tinybms_transaction_tx(&x, out + 3, 16, 52), 5);
    assert_memory_equal(out, rq.bytes, 8);
    assert_int_equal(tinybms_transaction_tx(&x, out, 16, 52), 0);
    assert_int_equal(tinybms_transaction_step(&x, 52), 50 + 111);
}

static void a_reply_in_single_bytes_spread_over_the_whole_time_is_good(void **state) {
    (void)state;
    static struct tinybms_transaction x;
    struct tinybms_request rq;
    uint8_t reply[32];
    size_t n = wire_hex("AA 03 0A 97 40 97 40 97 2C 97 2C 97 2C 3E C7", reply);
    init(&x);
    read_request(&rq, 5, 5);
    send(&x, &rq, 0, 0); /* 8 + 15 bytes: 2 ms + 100 ms */
    for (size_t i = 0; i < n; i++) {
        uint64_t now_ms = 101 * (i + 1) / n;
        tinybms_transaction_step(&x, now_ms);
        rx(&x, reply + i, 1, now_ms);
    }
    assert_int_equal(x.outcome, TINYBMS_OUTCOME_REPLY);
    assert_int_equal(x.counters.timeouts, 0);
    struct tinybms_counters c;
    tinybms_transaction_counters(&x, &c);
    assert_int_equal(c.latency_last_ms, 101);
}

static void a_spoilt_reply_ends_the_attempt_once_the_line_is_silent(void **state) {
    (void)state;
    static struct tinybms_transaction x;
    struct tinybms_request rq;
    uint8_t reply[32];
    size_t n = wire_hex("AA 03 0A 97 40 97 40 97 2C 97 2C 97 2C 3E C6", reply);
    init(&x);
    read_request(&rq, 5, 5);
    send(&x, &rq, 1, 0);
    rx(&x, reply, n, 4);
    assert_int_equal(tinybms_transaction_step(&x, 4), 24);
    tinybms_transaction_step(&x, 24);
    assert_int_equal(x.counters.crc_errors, 1);
    assert_int_equal(x.counters.timeouts, 0);
    assert_int_equal(x.counters.retries, 1);
    assert_int_equal(x.state, TINYBMS_TRANSACTION_DELAYED);
}

static void a_spoilt_reply_is_given_time_even_without_a_retry_delay(void **state) {
    (void)state;
    static struct tinybms_transaction x;
    static const struct tinybms_timing hasty = {
        .baudrate = 115200, .timeout_ms = 100, .retry_delay_ms = 0};
    struct tinybms_request rq;
    uint8_t reply[32];
    size_t n = wire_hex("AA 03 0A 97 40 97 40 97 2C 97 2C 97 2C 3E C6", reply);
    tinybms_transaction_init(&x, &hasty);
    read_request(&rq, 5, 5);
    send(&x, &rq, 1, 0);
    rx(&x, reply, n, 4); /* a USB adapter may hand over the rest of a longer run 16 ms later */
    assert_int_equal(tinybms_transaction_step(&x, 4), 24);
}

static void a_spoilt_look_alike_before_the_good_reply_is_no_crc_error(void **state) {
    (void)state;
    static struct tinybms_transaction x;
    struct tinybms_request rq;
    uint8_t bytes[64];
    size_t n = wire_hex("AA 03 0A 97 40 97 40 97 2C 97 2C 97 2C 3E C6"
                        "AA 03 0A 97 40 97 40 97 2C 97 2C 97 2C 3E C7",
                        bytes);
    init(&x);
    read_request(&rq, 5, 5);
    send(&x, &rq, 1, 0);
    assert_true(rx(&x, bytes, n, 4));
    assert_int_equal(x.counters.crc_errors, 0);
    assert_int_equal(x.counters.discarded_bytes, 15);
}

static void a_late_reply_to_an_earlier_attempt_is_good(void **state) {
    (void)state;
    static struct tinybms_transaction x;
    struct tinybms_request rq;
    uint8_t reply[32], out[16];
    size_t n = wire_hex("AA 03 0A 97 40 97 40 97 2C 97 2C 97 2C 3E C7", reply);
    read_request(&rq, 5, 5);
    init(&x); /* between the attempts */
    send(&x, &rq, 1, 0);
    tinybms_transaction_step(&x, 102);
    assert_int_equal(x.state, TINYBMS_TRANSACTION_DELAYED);
    assert_true(rx(&x, reply, n, 110));
    init(&x); /* half before, half after the second attempt was sent */
    send(&x, &rq, 1, 0);
    rx(&x, reply, 7, 101);
    tinybms_transaction_step(&x, 102);
    tinybms_transaction_step(&x, 130);
    assert_int_equal(tinybms_transaction_tx(&x, out, sizeof out, 130), 8);
    assert_true(rx(&x, reply + 7, n - 7, 131));
    assert_int_equal(x.counters.discarded_bytes, 0);
}

static void a_reply_before_the_request_was_sent_is_not_believed(void **state) {
    (void)state;
    static struct tinybms_transaction x;
    struct tinybms_request rq;
    uint8_t reply[32];
    size_t n = wire_hex("AA 03 0A 97 40 97 40 97 2C 97 2C 97 2C 3E C7", reply);
    read_request(&rq, 5, 5);
    init(&x);
    tinybms_transaction_begin(&x, &rq, 0, 0);
    tinybms_transaction_step(&x, 0);
    assert_false(rx(&x, reply, n, 0));
    assert_int_equal(x.state, TINYBMS_TRANSACTION_SENDING);
}

static void retries_are_spaced_by_the_delay_and_a_little_more_each_time(void **state) {
    (void)state;
    static struct tinybms_transaction x;
    struct tinybms_request rq;
    uint8_t out[16];
    init(&x);
    read_request(&rq, 0, 54);
    send(&x, &rq, 9, 0);
    uint64_t now_ms = 0;
    for (uint64_t attempt = 1; attempt <= 9; attempt++) {
        now_ms += 111; /* its time-out */
        tinybms_transaction_step(&x, now_ms - 1);
        assert_int_equal(x.state, TINYBMS_TRANSACTION_WAITING);
        uint64_t next_ms = tinybms_transaction_step(&x, now_ms);
        assert_int_equal(next_ms, now_ms + 20 + attempt % 7);
        now_ms = next_ms;
        tinybms_transaction_step(&x, now_ms);
        assert_int_equal(tinybms_transaction_tx(&x, out, sizeof out, now_ms), 8);
    }
    tinybms_transaction_step(&x, now_ms + 111);
    assert_int_equal(x.outcome, TINYBMS_OUTCOME_TIMEOUT);
    assert_int_equal(x.counters.timeouts, 10);
    assert_int_equal(x.counters.retries, 9);
}

static void stray_bytes_delay_an_attempt_until_they_pause(void **state) {
    (void)state;
    static struct tinybms_transaction x;
    struct tinybms_request rq;
    uint8_t byte = 0x55;
    init(&x);
    read_request(&rq, 0, 54);
    rx(&x, &byte, 1, 995);
    tinybms_transaction_begin(&x, &rq, 0, 1000);
    assert_int_equal(tinybms_transaction_step(&x, 1000), 1015);
    rx(&x, &byte, 1, 1010);
    assert_int_equal(tinybms_transaction_step(&x, 1015), 1030);
    tinybms_transaction_step(&x, 1030);
    assert_int_equal(x.state, TINYBMS_TRANSACTION_SENDING);
    assert_int_equal(x.counters.discarded_bytes, 2);
    assert_int_equal(x.counters.resyncs, 1);
}

static void a_line_that_chatters_delays_an_attempt_by_no_more_than_the_bound(void **state) {
    (void)state;
    static struct tinybms_transaction x;
    struct tinybms_request rq;
    uint8_t byte = 0xAA;
    init(&x);
    read_request(&rq, 0, 54);
    rx(&x, &byte, 1, 1000);
    tinybms_transaction_begin(&x, &rq, 0, 1000);
    uint64_t now_ms = 1000;
    while (x.state == TINYBMS_TRANSACTION_DELAYED) {
        assert_true(now_ms <= 1000 + TINYBMS_DRAIN_MAX_MS);
        tinybms_transaction_step(&x, now_ms);
        rx(&x, &byte, 1, now_ms++);
    }
    assert_int_equal(now_ms - 1, 1000 + TINYBMS_DRAIN_MAX_MS);
}

static void a_read_of_the_same_size_waits_for_what_is_still_owed(void **state) {
    (void)state;
    static struct tinybms_transaction x;
    struct tinybms_request a, b, c;
    read_request(&a, 300, 1);
    read_request(&b, 301, 1);
    read_request(&c, 300, 2);
    init(&x);
    send(&x, &a, 0, 0);
    tinybms_transaction_step(&x, 102); /* 8 + 7 bytes: 2 ms + 100 ms */
    tinybms_transaction_release(&x);
    /* the same again, or another size: at once */
    send(&x, &a, 0, 102);
    tinybms_transaction_step(&x, 204);
    tinybms_transaction_release(&x);
    send(&x, &c, 0, 204);
    uint8_t two[16];
    size_t n = wire_seal(two, wire_hex("AA 03 04 10 36 0B B8", two));
    assert_true(rx(&x, two, n, 206));
    tinybms_transaction_release(&x);
    /* another register: the answer to the first could pass for its own */
    tinybms_transaction_begin(&x, &b, 0, 210);
    assert_int_equal(tinybms_transaction_step(&x, 210), 204 + TINYBMS_LATE_MS);
    assert_true(tinybms_transaction_free_ms(&x, &b) == 204 + TINYBMS_LATE_MS);
    /* the echo of a write could not */
    const uint16_t word = 3000;
    struct tinybms_request write;
    assert_int_equal(tinybms_build_write(&write, 301, &word, 1), GW_OK);
    assert_true(tinybms_transaction_free_ms(&x, &write) == 0);
}

/* As many as are remembered: the oldest is forgotten, the longest wait counts. */
static void the_last_four_that_are_owed_are_remembered(void **state) {
    (void)state;
    static struct tinybms_transaction x;
    struct tinybms_request rq;
    init(&x);
    for (uint16_t i = 0; i < 5; i++) { /* one size each, so that none waits for another */
        read_request(&rq, 300, (uint16_t)(1 + i));
        send(&x, &rq, 0, i * 1000u);
        tinybms_transaction_step(&x, i * 1000u + 900);
        assert_int_equal(x.outcome, TINYBMS_OUTCOME_TIMEOUT);
        tinybms_transaction_release(&x);
    }
    for (uint16_t i = 0; i < 5; i++) {
        read_request(&rq, 301, (uint16_t)(1 + i));
        uint64_t want_ms = i == 0 ? 0 : i * 1000u + 900 + TINYBMS_LATE_MS;
        assert_true(tinybms_transaction_free_ms(&x, &rq) == want_ms);
    }
}

static void half_a_reply_from_before_the_request_is_not_completed(void **state) {
    (void)state;
    struct tinybms_request rq;
    uint8_t reply[16];
    size_t n = wire_seal(reply, wire_hex("AA 03 02 10 36", reply));
    read_request(&rq, 300, 1);
    for (size_t early = 1; early < n; early++) {
        static struct tinybms_transaction x;
        init(&x);
        rx(&x, reply, early, 0);
        send(&x, &rq, 0, 500);
        assert_false(rx(&x, reply + early, n - early, 502));
        assert_int_equal(x.counters.discarded_bytes, early);
        assert_true(rx(&x, reply, n, 503));
        assert_int_equal(x.counters.discarded_bytes, n);
        assert_int_equal(x.counters.resyncs, 2);
    }
}

static void latencies_are_of_the_last_128_replies(void **state) {
    (void)state;
    static struct tinybms_transaction x;
    struct tinybms_request rq;
    struct tinybms_counters c;
    uint8_t reply[16];
    size_t n = wire_seal(reply, wire_hex("AA 03 02 10 36", reply));
    read_request(&rq, 300, 1);
    init(&x);
    tinybms_transaction_counters(&x, &c);
    assert_int_equal(c.latency_p99_ms, 0);
    uint64_t now_ms = 0;
    for (uint32_t i = 1; i <= 600; i++) { /* latencies 1, 2, ... 50, 1, 2, ... */
        uint32_t latency = (i - 1) % 50 + 1;
        send(&x, &rq, 0, now_ms);
        now_ms += latency;
        assert_true(rx(&x, reply, n, now_ms));
        tinybms_transaction_release(&x);
        tinybms_transaction_counters(&x, &c);
        assert_int_equal(c.latency_last_ms, latency);
        if (i == 3) {
            assert_int_equal(c.latency_mean_ms, 2);
            assert_int_equal(c.latency_p99_ms, 3);
        }
    }
    /* the last 128 are 23-50 once and 1-50 twice: sum 28 x 36.5 + 2 x 1275 = 3572, mean 27.9 */
    assert_int_equal(c.latency_mean_ms, 28);
    assert_int_equal(c.latency_p99_ms, 50);
    send(&x, &rq, 0, now_ms); /* one outlier in 128 is beyond the 99th */
    now_ms += 90;
    assert_true(rx(&x, reply, n, now_ms));
    tinybms_transaction_counters(&x, &c);
    assert_int_equal(c.latency_p99_ms, 50);
    assert_int_equal(c.latency_last_ms, 90);
}

static void bytes_are_counted_both_ways(void **state) {
    (void)state;
    static struct tinybms_transaction x;
    struct tinybms_request rq;
    uint8_t reply[16];
    size_t n = wire_seal(reply, wire_hex("AA 03 02 10 36", reply));
    read_request(&rq, 300, 1);
    init(&x);
    send(&x, &rq, 0, 0);
    rx(&x, reply, n, 3);
    assert_int_equal(x.counters.tx_bytes, 8);
    assert_int_equal(x.counters.rx_bytes, 7);
    assert_int_equal(x.counters.discarded_bytes, 0);
    assert_int_equal(x.counters.resyncs, 0);
}

static void a_reset_forgets_the_request_and_what_is_owed(void **state) {
    (void)state;
    static struct tinybms_transaction x;
    struct tinybms_request a, b;
    uint8_t bytes[] = {0xAA, 0x03, 0x02};
    read_request(&a, 300, 1);
    read_request(&b, 301, 1);
    init(&x);
    send(&x, &a, 1, 0);
    tinybms_transaction_step(&x, 102);
    rx(&x, bytes, sizeof bytes, 103);
    tinybms_transaction_reset(&x);
    assert_int_equal(x.state, TINYBMS_TRANSACTION_IDLE);
    assert_int_equal(x.counters.discarded_bytes, 3);
    assert_true(tinybms_transaction_spacing_ms(&x) == 20); /* as before the first attempt */
    size_t length;
    (void)tinybms_transaction_reply(&x, &length);
    assert_int_equal(length, 0);
    send(&x, &b, 0, 104); /* at once */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_time_allowed_is_that_of_the_bytes_and_the_margin),
        cmocka_unit_test(time_starts_when_the_port_takes_the_first_byte),
        cmocka_unit_test(a_reply_in_single_bytes_spread_over_the_whole_time_is_good),
        cmocka_unit_test(a_spoilt_reply_ends_the_attempt_once_the_line_is_silent),
        cmocka_unit_test(a_spoilt_reply_is_given_time_even_without_a_retry_delay),
        cmocka_unit_test(a_spoilt_look_alike_before_the_good_reply_is_no_crc_error),
        cmocka_unit_test(a_late_reply_to_an_earlier_attempt_is_good),
        cmocka_unit_test(a_reply_before_the_request_was_sent_is_not_believed),
        cmocka_unit_test(retries_are_spaced_by_the_delay_and_a_little_more_each_time),
        cmocka_unit_test(stray_bytes_delay_an_attempt_until_they_pause),
        cmocka_unit_test(a_line_that_chatters_delays_an_attempt_by_no_more_than_the_bound),
        cmocka_unit_test(a_read_of_the_same_size_waits_for_what_is_still_owed),
        cmocka_unit_test(the_last_four_that_are_owed_are_remembered),
        cmocka_unit_test(half_a_reply_from_before_the_request_is_not_completed),
        cmocka_unit_test(latencies_are_of_the_last_128_replies),
        cmocka_unit_test(bytes_are_counted_both_ways),
        cmocka_unit_test(a_reset_forgets_the_request_and_what_is_owed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
