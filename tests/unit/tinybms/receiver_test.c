/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "kinds.h"
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

static void every_kind_is_found_in_every_chunking(void **state) {
    (void)state;
    static struct kind kinds[KINDS_MAX];
    static struct tinybms_transaction x;
    size_t n = kinds_all(kinds);
    for (size_t i = 0; i < n; i++) {
        const struct kind *k = &kinds[i];
        for (size_t cut = 0; cut <= k->length; cut++) { /* two chunks, every way */
            init(&x);
            send(&x, &k->request, 0, 0);
            bool early = rx(&x, k->reply, cut, 1);
            assert_int_equal(early, cut == k->length);
            assert_true(early || rx(&x, k->reply + cut, k->length - cut, 2));
            size_t length;
            assert_memory_equal(tinybms_transaction_reply(&x, &length), k->reply, k->length);
            assert_int_equal(length, k->length);
        }
        for (size_t size = 1; size <= 16; size++) { /* chunks of one size */
            init(&x);
            send(&x, &k->request, 0, 0);
            for (size_t at = 0; at < k->length; at += size) {
                size_t left = k->length - at;
                rx(&x, k->reply + at, left < size ? left : size, 1 + at);
            }
            assert_int_equal(x.state, TINYBMS_TRANSACTION_DONE);
            assert_int_equal(x.outcome, TINYBMS_OUTCOME_REPLY);
        }
    }
}

static void every_single_bit_flip_of_every_kind_times_out_or_fails_its_crc(void **state) {
    (void)state;
    static struct kind kinds[KINDS_MAX];
    static struct tinybms_transaction x;
    size_t n = kinds_all(kinds);
    for (size_t i = 0; i < n; i++) {
        struct kind *k = &kinds[i];
        for (size_t bit = 0; bit < 8 * k->length; bit++) {
            k->reply[bit / 8] ^= (uint8_t)(1u << bit % 8);
            init(&x);
            send(&x, &k->request, 0, 0);
            assert_false(rx(&x, k->reply, k->length, 1));
            tinybms_transaction_step(&x, 1000);
            assert_int_equal(x.outcome, TINYBMS_OUTCOME_TIMEOUT);
            assert_int_equal(x.counters.timeouts + x.counters.crc_errors, 1);
            k->reply[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}

/* A port may leave so many bytes unread: one more than are missing, and it would wait for ever. */
static void no_more_bytes_are_missing_than_the_reply_still_has(void **state) {
    (void)state;
    static struct kind kinds[KINDS_MAX];
    static struct tinybms_transaction x;
    static const char *const before[] = {"", "00 FF 55", "AA 03", "AA 03 6C AA 03 6C", "AA AA AA"};
    size_t n = kinds_all(kinds);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < COUNT(before); j++) {
            const struct kind *k = &kinds[i];
            uint8_t noise[16];
            init(&x);
            assert_int_equal(tinybms_transaction_missing(&x), 1);
            send(&x, &k->request, 0, 0);
            assert_int_equal(tinybms_transaction_missing(&x), 1); /* perhaps it answers a refusal */
            rx(&x, noise, wire_hex(before[j], noise), 1);
            for (size_t at = 0; at < k->length; at++) {
                size_t missing = tinybms_transaction_missing(&x);
                assert_in_range(missing, 1, k->length - at);
                rx(&x, k->reply + at, 1, 1);
            }
            assert_int_equal(x.state, TINYBMS_TRANSACTION_DONE);
            assert_int_equal(tinybms_transaction_missing(&x), 1);
        }
    }
}

/* AA 03 6C, 54 registers and a CRC are 113 bytes. */
static void all_of_a_fast_sample_is_missing_once_its_first_byte_is_there(void **state) {
    (void)state;
    static struct tinybms_transaction x;
    struct tinybms_request rq;
    uint8_t reply[128];
    const size_t length = wire_seal(reply, 3 + 2 * 54);
    init(&x);
    read_request(&rq, 0, 54);
    send(&x, &rq, 0, 0);
    memset(reply, 0, sizeof reply);
    wire_hex("AA 03 6C", reply);
    for (size_t at = 1; at < length; at++) {
        rx(&x, reply + at - 1, 1, 1);
        assert_int_equal(tinybms_transaction_missing(&x), 113 - at);
    }
}

static void garbage_before_a_reply_hides_it_in_no_chunking(void **state) {
    (void)state;
    static struct kind kinds[KINDS_MAX];
    static struct tinybms_transaction x;
    size_t n = kinds_all(kinds);
    static const char *const noise[] = {
        "AA",
        "AA AA AA AA AA AA AA",
        "00 FF 55",
        "AA 03",
        "AA 03 6C",          /* the head of a fast sample */
        "AA 03 0A 97 40",    /* the head of the reply itself, cut */
        "AA 07 81 00 00 AA", /* a packet that never ends */
        "AA 11 FC AA 12 FC AA 1C 20",
        "AA 00",
        "AA 00 03 00",
        "AA 01",
        "AA 10 01 3B 00",
    };
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < COUNT(noise); j++) {
            uint8_t bytes[2 * TINYBMS_REPLY_MAX];
            size_t before = wire_hex(noise[j], bytes);
            memcpy(bytes + before, kinds[i].reply, kinds[i].length);
            for (size_t size = 1; size < 20; size += 6) {
                init(&x);
                send(&x, &kinds[i].request, 0, 0);
                bool found = false;
                for (size_t at = 0; at < before + kinds[i].length; at += size) {
                    size_t left = before + kinds[i].length - at;
                    found = rx(&x, bytes + at, left < size ? left : size, 1) || found;
                }
                if (!found) {
                    fail_msg("%s after %s", kinds[i].what, noise[j]);
                }
                struct tinybms_counters c;
                tinybms_transaction_counters(&x, &c);
                assert_int_equal(c.discarded_bytes, before);
                assert_int_equal(c.resyncs, 1);
                assert_int_equal(c.crc_errors, 0);
            }
        }
    }
}

static void a_reply_is_found_after_every_amount_of_noise(void **state) {
    (void)state;
    static struct tinybms_transaction x;
    struct tinybms_request rq;
    read_request(&rq, 5, 5);
    uint8_t reply[32];
    size_t n = wire_hex("AA 03 0A 97 40 97 40 97 2C 97 2C 97 2C 3E C7", reply);
    uint32_t random = 3;
    for (size_t before = 0; before < 3 * TINYBMS_REPLY_MAX; before++) {
        init(&x);
        send(&x, &rq, 0, 0);
        for (size_t i = 0; i < before; i++) {
            /* half of it what a reply begins with */
            uint32_t r = wire_random(&random);
            static const uint8_t head[] = {0xAA, 0x03, 0x0A, 0x00};
            uint8_t byte = (r & 0x100) != 0 ? head[r & 3] : (uint8_t)r;
            assert_false(rx(&x, &byte, 1, 1));
        }
        assert_true(rx(&x, reply, n, 2));
    }
}

static void the_longest_reply_is_found_wherever_the_window_moves(void **state) {
    (void)state;
    static struct tinybms_transaction x;
    struct tinybms_request rq;
    read_request(&rq, 0, 127);
    uint16_t words[127];
    uint8_t bytes[5 * TINYBMS_REPLY_MAX];
    for (uint16_t i = 0; i < 127; i++) {
        words[i] = (uint16_t)(7 * i);
    }
    for (size_t before = 0; before < 3 * TINYBMS_REPLY_MAX; before++) {
        memset(bytes, 0x55, before);
        size_t n = wire_read_reply(bytes + before, words, 127);
        init(&x);
        send(&x, &rq, 0, 0);
        assert_true(rx(&x, bytes, before + n, 1));
        size_t length;
        assert_memory_equal(tinybms_transaction_reply(&x, &length), bytes + before, n);
        assert_int_equal(x.counters.discarded_bytes, before);
    }
}

static void data_that_looks_like_frames_is_data(void **state) {
    (void)state;
    static struct tinybms_transaction x;
    struct tinybms_request rq;
    /* registers whose bytes are a whole refusal of 0x03, with its CRC, and then the head of a
     * reply */
    uint8_t nack[8];
    assert_int_equal(wire_seal(nack, wire_hex("AA 00 03 00", nack)), 6);
    uint16_t words[54] = {0};
    for (size_t i = 0; i < 3; i++) {
        words[10 + i] = (uint16_t)(256 * nack[2 * i] + nack[2 * i + 1]);
    }
    words[20] = 0xAA03;
    words[21] = 0x6CAA;
    uint8_t reply[128];
    size_t n = wire_read_reply(reply, words, 54);
    read_request(&rq, 0, 54);
    for (size_t size = 1; size <= n; size++) {
        init(&x);
        send(&x, &rq, 0, 0);
        bool found = false;
        for (size_t at = 0; at < n; at += size) {
            found = rx(&x, reply + at, n - at < size ? n - at : size, 1) || found;
        }
        assert_true(found);
        assert_int_equal(x.counters.nacks, 0);
    }
}

static void a_nack_ends_the_attempt_with_its_code(void **state) {
    (void)state;
    static struct kind kinds[KINDS_MAX];
    static struct tinybms_transaction x;
    size_t n = kinds_all(kinds);
    for (size_t i = 0; i < n; i++) {
        uint8_t nack[8] = {0xAA, 0x00, kinds[i].request.command, 0x00};
        wire_seal(nack, 4);
        init(&x);
        send(&x, &kinds[i].request, 3, 0);
        rx(&x, nack, 6, 5);
        assert_int_equal(x.state, TINYBMS_TRANSACTION_DONE); /* no retry: it would say the same */
        assert_int_equal(x.outcome, TINYBMS_OUTCOME_NACK);
        assert_int_equal(x.nack, 0);
        assert_int_equal(x.counters.nacks, 1);
        assert_int_equal(x.counters.timeouts, 0);
    }
}

static void a_nack_for_a_spoilt_request_is_retried(void **state) {
    (void)state;
    static struct tinybms_transaction x;
    struct tinybms_request rq;
    read_request(&rq, 0, 54);
    uint8_t nack[8];
    wire_seal(nack, wire_hex("AA 00 03 01", nack));
    init(&x);
    send(&x, &rq, 1, 0);
    rx(&x, nack, 6, 5);
    assert_int_equal(x.state, TINYBMS_TRANSACTION_DELAYED);
    assert_int_equal(tinybms_transaction_step(&x, 5), 25);
    tinybms_transaction_step(&x, 25);
    uint8_t out[16];
    assert_int_equal(tinybms_transaction_tx(&x, out, sizeof out, 25), 8);
    rx(&x, nack, 6, 30);
    assert_int_equal(x.outcome, TINYBMS_OUTCOME_NACK);
    assert_int_equal(x.nack, 1);
    assert_int_equal(x.counters.retries, 1);
}

static void a_nack_after_a_false_head_is_taken_when_the_line_is_silent(void **state) {
    (void)state;
    static struct tinybms_transaction x;
    struct tinybms_request rq;
    read_request(&rq, 0, 54);
    uint8_t bytes[16];
    size_t n = wire_hex("AA 03 6C", bytes);
    wire_seal(bytes + n, wire_hex("AA 00 03 00", bytes + n));
    init(&x);
    send(&x, &rq, 0, 0);
    rx(&x, bytes, n + 6, 10);
    assert_int_equal(x.state, TINYBMS_TRANSACTION_WAITING);
    assert_int_equal(tinybms_transaction_step(&x, 10), 30);
    tinybms_transaction_step(&x, 30);
    assert_int_equal(x.outcome, TINYBMS_OUTCOME_NACK);
    assert_int_equal(x.counters.nacks, 1);
}

static void what_answers_another_request_is_garbage(void **state) {
    (void)state;
    static const struct {
        const char *what;
        const char *frame; /* without CRC */
    } cases[] = {
        {"another command", "AA 1B 06 16 01 14 01 16 01"},
        {"another length", "AA 03 04 10 36 0B B8"},
        {"a refusal of another command", "AA 00 10 00"},
        {"an acknowledgement", "AA 01 03"},
        {"our own request, echoed", "AA 03 00 05 00 05"},
        {"a write's echo", "AA 10 01 3B 00 02"},
    };
    static struct tinybms_transaction x;
    struct tinybms_request rq;
    read_request(&rq, 5, 5);
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t bytes[64];
        size_t n = wire_seal(bytes, wire_hex(cases[i].frame, bytes));
        init(&x);
        send(&x, &rq, 0, 0);
        rx(&x, bytes, n, 5);
        if (x.state != TINYBMS_TRANSACTION_WAITING) {
            fail_msg("%s was taken", cases[i].what);
        }
        uint8_t good[32];
        size_t m = wire_hex("AA 03 0A 97 40 97 40 97 2C 97 2C 97 2C 3E C7", good);
        assert_true(rx(&x, good, m, 6));
        assert_int_equal(x.counters.discarded_bytes, n);
    }
}

static void an_acknowledged_write_must_name_its_registers(void **state) {
    (void)state;
    static struct tinybms_transaction x;
    struct tinybms_request rq;
    static const uint16_t words[] = {4200, 2500};
    assert_int_equal(tinybms_build_write(&rq, 315, words, 2), GW_OK);
    static const char *const wrong[] = {"AA 10 01 3C 00 02", "AA 10 01 3B 00 01",
                                        "AA 10 01 3B 01 02", "AA 10 00 3B 00 02"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        uint8_t bytes[16];
        size_t n = wire_seal(bytes, wire_hex(wrong[i], bytes));
        init(&x);
        send(&x, &rq, 0, 0);
        rx(&x, bytes, n, 5);
        assert_int_equal(x.state, TINYBMS_TRANSACTION_WAITING);
        n = wire_hex("AA 10 01 3B 00 02 28 22", bytes);
        assert_true(rx(&x, bytes, n, 6));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_found_in_every_chunking),
        cmocka_unit_test(every_single_bit_flip_of_every_kind_times_out_or_fails_its_crc),
        cmocka_unit_test(no_more_bytes_are_missing_than_the_reply_still_has),
        cmocka_unit_test(all_of_a_fast_sample_is_missing_once_its_first_byte_is_there),
        cmocka_unit_test(garbage_before_a_reply_hides_it_in_no_chunking),
        cmocka_unit_test(a_reply_is_found_after_every_amount_of_noise),
        cmocka_unit_test(the_longest_reply_is_found_wherever_the_window_moves),
        cmocka_unit_test(data_that_looks_like_frames_is_data),
        cmocka_unit_test(a_nack_ends_the_attempt_with_its_code),
        cmocka_unit_test(a_nack_for_a_spoilt_request_is_retried),
        cmocka_unit_test(a_nack_after_a_false_head_is_taken_when_the_line_is_silent),
        cmocka_unit_test(what_answers_another_request_is_garbage),
        cmocka_unit_test(an_acknowledged_write_must_name_its_registers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
