/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "sim/can_frame.h"
#include "wire.h"

static size_t from_hex(const char *hex, uint8_t *out, size_t cap) {
    size_t n = 0;
    int high = -1;
    for (; *hex != '\0'; hex++) {
        if (*hex == ' ')
            continue;
        int digit = sim_can_hex(*hex);
        assert_true(digit >= 0);
        if (high < 0) {
            high = digit;
            continue;
        }
        assert_true(n < cap);
        out[n++] = (uint8_t)(high << 4 | digit);
        high = -1;
    }
    assert_int_equal(high, -1);
    return n;
}

static size_t with_crc(uint8_t *bytes, size_t n) {
    uint16_t crc = sim_bms_crc(bytes, n);
    bytes[n] = (uint8_t)(crc & 0xFFu);
    bytes[n + 1] = (uint8_t)(crc >> 8);
    return n + 2;
}

void wire_init(struct wire *w, const struct sim_bms_config *cfg) {
    struct sim_bms_config defaults;
    sim_bms_defaults(&defaults);
    memset(w, 0, sizeof *w);
    w->now_us = 1000000;
    sim_bms_init(&w->bms, cfg != NULL ? cfg : &defaults, w->now_us);
}

static void take(struct wire *w) {
    size_t n = sim_bms_tx(&w->bms, w->rx + w->n, sizeof w->rx - w->n, w->now_us);
    if (n == 0)
        return;
    if (w->n == 0)
        w->first_us = w->now_us;
    w->last_us = w->now_us;
    w->n += n;
}

void wire_run(struct wire *w, uint64_t us, uint64_t step_us) {
    uint64_t end_us = w->now_us + us;
    while (w->now_us < end_us) {
        uint64_t next_us = sim_bms_step(&w->bms, w->now_us);
        assert_true(next_us > w->now_us);
        take(w);
        if (next_us > w->now_us + step_us)
            next_us = w->now_us + step_us;
        w->now_us = next_us < end_us ? next_us : end_us;
    }
    (void)sim_bms_step(&w->bms, w->now_us);
    take(w);
}

static void send_bytes(struct wire *w, const uint8_t *bytes, size_t n) {
    w->n = 0;
    sim_bms_handle_rx(&w->bms, bytes, n, w->now_us);
    wire_run(w, 100000, 100000);
}

void wire_send(struct wire *w, const char *hex) {
    uint8_t bytes[600];
    send_bytes(w, bytes, from_hex(hex, bytes, sizeof bytes));
}

void wire_ask(struct wire *w, const char *hex_without_crc) {
    uint8_t bytes[600];
    send_bytes(w, bytes, with_crc(bytes, from_hex(hex_without_crc, bytes, sizeof bytes - 2)));
}

void wire_expect(const struct wire *w, const char *hex) {
    uint8_t bytes[600];
    size_t n = from_hex(hex, bytes, sizeof bytes);
    assert_int_equal(w->n, n);
    assert_memory_equal(w->rx, bytes, n);
}

void wire_expect_frame(const struct wire *w, const char *hex_without_crc) {
    uint8_t bytes[600];
    size_t n = with_crc(bytes, from_hex(hex_without_crc, bytes, sizeof bytes - 2));
    assert_int_equal(w->n, n);
    assert_memory_equal(w->rx, bytes, n);
}

void wire_load(struct wire *w, const char *text) {
    assert_int_equal(sim_bms_load(&w->bms, text, strlen(text)), 0);
}
