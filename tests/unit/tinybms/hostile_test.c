/* SPDX-License-Identifier: MIT */
/* Whatever comes in: nothing crashes (the sanitizers watch), nothing loops, and nothing that is not
 * physical is ever called valid. All generators are seeded: the tests are repeatable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "kinds.h"
#include "tinybms/transaction.h"
#include "wire.h"
#include "world.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct world w;

static void check_temperature(const struct battery *b, enum battery_field f, int16_t dc) {
    if (battery_has(b, f)) {
        assert_in_range(dc + 600, 0, 2100); /* -60.0 to 150.0 degC */
    }
}

static void check_voltage(const struct battery *b, enum battery_field f, uint16_t mv) {
    if (battery_has(b, f)) {
        assert_in_range(mv, 500, 5000);
    }
}

/* Every value that is called valid is one that a battery can have. */
static void check(const struct battery *b) {
    if (battery_has(b, BATTERY_CELLS)) {
        assert_in_range(b->cell_count, BATTERY_CELLS_MIN, BATTERY_CELLS_MAX);
    } else {
        assert_int_equal(b->cell_count, 0);
    }
    if (battery_has(b, BATTERY_PACK_VOLTAGE)) {
        assert_in_range(b->pack_mv, 1, 120000);
    }
    assert_in_range(b->pack_ma + 2000000, 0, 4000000);
    assert_true(b->soc_cpct <= 10000 && b->soh_cpct <= 10000);
    check_temperature(b, BATTERY_EXTERNAL_TEMPERATURE_1, b->external_temperature_dc[0]);
    check_temperature(b, BATTERY_EXTERNAL_TEMPERATURE_2, b->external_temperature_dc[1]);
    check_temperature(b, BATTERY_INTERNAL_TEMPERATURE, b->internal_temperature_dc);
    check_voltage(b, BATTERY_FULLY_CHARGED, b->fully_charged_mv);
    check_voltage(b, BATTERY_FULLY_DISCHARGED, b->fully_discharged_mv);
    check_voltage(b, BATTERY_OVER_VOLTAGE_CUTOFF, b->over_voltage_cutoff_mv);
    check_voltage(b, BATTERY_UNDER_VOLTAGE_CUTOFF, b->under_voltage_cutoff_mv);
    if (battery_has(b, BATTERY_DISCHARGE_OVER_CURRENT_CUTOFF)) {
        assert_in_range(b->discharge_over_current_ma, 1000, 2000000);
    }
    if (battery_has(b, BATTERY_CHARGE_OVER_CURRENT_CUTOFF)) {
        assert_in_range(b->charge_over_current_ma, 1000, 2000000);
    }
    if (battery_has(b, BATTERY_SERIES_CELLS)) {
        assert_in_range(b->series_cells, 4, 16);
    }
    assert_true(b->event_count <= BATTERY_EVENTS_MAX);
    for (uint8_t i = 0; i < b->event_count; i++) {
        assert_true(b->event[i].id != 0 && b->event[i].at_s <= 0xFFFFFF);
    }
}

static uint8_t hostile_byte(uint32_t *random) {
    static const uint8_t heads[] = {0xAA, 0x03, 0x6C, 0x00, 0x58, 0x14, 0xC4, 0x24};
    uint32_t r = wire_random(random);
    return (r & 0x300) == 0 ? (uint8_t)(r >> 16) : heads[r >> 16 & 7];
}

static void millions_of_random_bytes_are_survived(void **state) {
    (void)state;
    static struct tinybms t;
    struct tinybms_config cfg = world_config();
    struct tinybms_result r;
    uint32_t random = 20260131;
    uint64_t now_ms = 0, bytes = 0;
    assert_int_equal(tinybms_init(&t, &cfg, 0), GW_OK);
    tinybms_set_port(&t, true, 0);
    while (bytes < 2000000) {
        uint8_t chunk[64], out[TINYBMS_REQUEST_MAX];
        size_t n = wire_random(&random) % sizeof chunk;
        for (size_t i = 0; i < n; i++) {
            chunk[i] = hostile_byte(&random);
        }
        bytes += n;
        tinybms_handle_rx(&t, chunk, n, now_ms);
        uint64_t next_ms = tinybms_step(&t, now_ms);
        assert_true(next_ms > now_ms);
        (void)tinybms_tx(&t, out, 1 + wire_random(&random) % 16, now_ms);
        for (int results = 0; tinybms_next_result(&t, &r); results++) {
            assert_true(results < 16);
        }
        if (wire_random(&random) % 64 == 0) {
            (void)tinybms_read(&t, 1, (uint16_t)wire_random(&random), 3);
            (void)tinybms_write(&t, 2, (uint16_t)(300 + wire_random(&random) % 44),
                                wire_random(&random) & 0xFFF);
        }
        now_ms += wire_random(&random) % 8;
    }
    struct tinybms_counters c;
    tinybms_counters(&t, &c);
    assert_true(c.rx_bytes == bytes);
    assert_true(c.discarded_bytes > bytes - 2 * TINYBMS_REPLY_MAX * 100);
    assert_int_equal(c.successes, 0);
    assert_true(c.timeouts + c.crc_errors > 700); /* it went on asking */
    check(tinybms_battery(&t));
}

/* A reply cut, doubled, shifted, flipped, or followed by another: what a wire can do. */
static size_t mutate(struct world *x, uint8_t *reply, size_t n) {
    uint32_t r = wire_random(&x->random);
    size_t at = wire_random(&x->random) % n;
    switch (r % 8) {
    case 0:
        return at;
    case 1:
        memcpy(reply + n, reply, n);
        return 2 * n;
    case 2:
        memmove(reply + at + 1, reply + at, n - at);
        reply[at] = 0xAA;
        return n + 1;
    case 3:
        memmove(reply + at, reply + at + 1, n - at - 1);
        return n - 1;
    case 4:
        reply[at] = (uint8_t)(r >> 8);
        return n;
    case 5: /* the head of a fast sample, and then the reply */
        memmove(reply + 3, reply, n);
        reply[0] = 0xAA;
        reply[1] = 0x03;
        reply[2] = 0x6C;
        return n + 3;
    default:
        return n;
    }
}

static void an_hour_of_mutated_answers_never_yields_a_wrong_value(void **state) {
    (void)state;
    struct tinybms_config cfg = world_config();
    cfg.poll_interval_ms = 1000;
    world_init_with(&w, &cfg);
    w.spoil = mutate;
    for (int minute = 1; minute <= 60; minute++) {
        w.asked = 0;
        world_run(&w, 1000 + 60000 * (uint64_t)minute);
        const struct battery *b = tinybms_battery(&w.t);
        check(b);
        assert_int_equal(b->pack_mv, 55677);
        assert_int_equal(b->soc_cpct, 8059);
        assert_int_equal(b->cell_count, 14);
        for (int i = 0; i < 14; i++) {
            assert_int_equal(b->cell_mv[i], 3970);
        }
        assert_true(battery_complete(b));
    }
    struct tinybms_counters c;
    tinybms_counters(&w.t, &c);
    assert_int_equal(c.nonsense_values, 0);
    assert_true(c.crc_errors > 0 && c.timeouts > 0 && c.resyncs > 0);
    assert_true(c.successes > 3000);
}

/* Well formed, and any number in it. */
static size_t nonsense(struct world *x, uint8_t *reply, size_t n) {
    if (reply[1] != 0x03) {
        return n;
    }
    for (size_t i = 3; i + 2 < n; i++) {
        uint32_t r = wire_random(&x->random);
        static const uint8_t edges[] = {0x00, 0xFF, 0x7F, 0x80};
        reply[i] = (r & 0x100) != 0 ? edges[r & 3] : (uint8_t)r;
    }
    return wire_seal(reply, n - 2);
}

static void an_hour_of_nonsense_answers_is_counted_and_never_valid(void **state) {
    (void)state;
    struct tinybms_config cfg = world_config();
    cfg.poll_interval_ms = 1000;
    world_init_with(&w, &cfg);
    w.spoil = nonsense;
    for (int minute = 1; minute <= 60; minute++) {
        w.asked = 0;
        world_run(&w, 1000 + 60000 * (uint64_t)minute);
        check(tinybms_battery(&w.t));
    }
    struct tinybms_counters c;
    tinybms_counters(&w.t, &c);
    assert_true(c.nonsense_values > 3600);
    assert_in_range(c.successes, 3590, 3601); /* the conversation itself went well */
    assert_int_equal(c.timeouts, 0);
}

/* What costs the receiver most: heads of replies, one inside the other, to a request that is always
 * pending. That this ends at all is the assertion; its time is the suite's time limit. */
static void a_stream_of_false_heads_costs_a_bounded_time(void **state) {
    (void)state;
    static struct kind kinds[KINDS_MAX];
    static struct tinybms_transaction x;
    static const struct tinybms_timing timing = {115200, 100, 20};
    size_t n = kinds_all(kinds);
    for (size_t i = 0; i < n; i++) {
        uint8_t out[TINYBMS_REQUEST_MAX];
        tinybms_transaction_init(&x, &timing);
        tinybms_transaction_begin(&x, &kinds[i].request, 0, 0);
        tinybms_transaction_step(&x, 0);
        (void)tinybms_transaction_tx(&x, out, sizeof out, 0);
        size_t period = kinds[i].reply[1] == 0x01 ? 3 : 2 + (kinds[i].length > 6);
        for (size_t k = 0; k < 4000 && x.state == TINYBMS_TRANSACTION_WAITING; k++) {
            tinybms_transaction_handle_rx(&x, &kinds[i].reply[k % period], 1, 1);
        }
        if (x.state != TINYBMS_TRANSACTION_WAITING) {
            fail_msg("%s: taken for a reply", kinds[i].what);
        }
        tinybms_transaction_handle_rx(&x, kinds[i].reply, kinds[i].length, 1);
        assert_int_equal(x.state, TINYBMS_TRANSACTION_DONE); /* and the good one is found */
        assert_int_equal(x.outcome, TINYBMS_OUTCOME_REPLY);
    }
}

static void the_parsers_take_any_bytes(void **state) {
    (void)state;
    static struct kind kinds[KINDS_MAX];
    size_t n = kinds_all(kinds);
    uint32_t random = 99;
    for (int round = 0; round < 200000; round++) {
        const struct kind *k = &kinds[wire_random(&random) % n];
        uint8_t bytes[TINYBMS_REPLY_MAX + 8];
        size_t size = wire_random(&random) % sizeof bytes;
        for (size_t i = 0; i < size; i++) {
            bytes[i] = (uint8_t)wire_random(&random);
        }
        if ((round & 1) != 0 && size >= 5) { /* with a good head, and a good CRC */
            memcpy(bytes, k->reply, 3);
            size = round % 4 == 1 ? k->length : size;
            wire_seal(bytes, size - 2);
        }
        uint16_t words[TINYBMS_READ_MAX];
        struct battery_event e[63];
        uint32_t a, b;
        int32_t milli;
        const struct tinybms_request *rq = &k->request;
        assert_true(tinybms_parse_words(rq, bytes, size, words, COUNT(words)) <= 127);
        assert_true(tinybms_parse_events(rq, bytes, size, &a, e, COUNT(e)) <= 63);
        (void)tinybms_parse_milli(rq, bytes, size, &milli);
        (void)tinybms_parse_number(rq, bytes, size, &a);
        (void)tinybms_parse_speed(rq, bytes, size, &milli, &a, &b);
        (void)tinybms_reply_begins(rq, bytes, size);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(millions_of_random_bytes_are_survived),
        cmocka_unit_test(an_hour_of_mutated_answers_never_yields_a_wrong_value),
        cmocka_unit_test(an_hour_of_nonsense_answers_is_counted_and_never_valid),
        cmocka_unit_test(a_stream_of_false_heads_costs_a_bounded_time),
        cmocka_unit_test(the_parsers_take_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
