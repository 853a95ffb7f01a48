/* SPDX-License-Identifier: MIT */
/* Fifty days in one go, past the moment where milliseconds no longer fit in 32 bits (49.7 days):
 * a quarter of an hour of traffic, seven weeks at rest with the BMS asked once a minute, and a GX
 * that wakes it. Time jumps from deadline to deadline; nothing is set by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "gateway/gateway.h"
#include "scripted_bms.h"

enum { ANSWER_MS = 12, START_MS = 1000, REGISTER_STATUS = 50, STATUS_IDLE = 0x97 };

#define MINUTE_MS UINT64_C(60000)
#define DAY_MS    UINT64_C(86400000)

static struct days {
    struct settings settings;
    struct gateway g;
    struct scripted_bms bms;
    uint64_t now_ms, answer_ms, keepalive_ms;
    bool answering, gx;
    uint64_t requests, frames, overslept;
    uint64_t last_request_ms, longest_ms; /* without a request */
    struct victron_frame limits;
    uint64_t limits_ms;
} d;

static void take_frames(void) {
    struct victron_frame f;
    while (gateway_next_frame(&d.g, &f, d.now_ms)) {
        gateway_frame_done(&d.g, &f, true);
        d.frames++;
        if (f.id == VICTRON_ID_LIMITS) {
            d.limits = f;
            d.limits_ms = d.now_ms;
        }
    }
}

static void ask_bms(void) {
    uint8_t tx[300];
    size_t n = gateway_uart_tx(&d.g, tx, sizeof tx, d.now_ms);
    if (n == 0) {
        return;
    }
    uint64_t pause_ms = d.now_ms - d.last_request_ms;
    d.longest_ms = pause_ms > d.longest_ms ? pause_ms : d.longest_ms;
    d.last_request_ms = d.now_ms;
    d.requests++;
    scripted_bms_request(&d.bms, tx, n);
    d.answering = d.bms.reply_len > 0;
    d.answer_ms = d.now_ms + ANSWER_MS;
}

/* All that belongs to this millisecond. */
static void live(void) {
    d.bms.reg[32] = (uint16_t)(d.now_ms / 1000);
    d.bms.reg[33] = (uint16_t)(d.now_ms / 1000 >> 16);
    if (d.gx && d.now_ms >= d.keepalive_ms) {
        const struct victron_frame f = {.id = VICTRON_ID_GX_KEEPALIVE, .len = 8};
        d.keepalive_ms = d.now_ms + 1000;
        gateway_can_rx(&d.g, &f, d.now_ms);
    }
    if (d.answering && d.now_ms >= d.answer_ms) {
        d.answering = false;
        gateway_uart_rx(&d.g, d.bms.reply, d.bms.reply_len, d.now_ms);
    }
    (void)gateway_step(&d.g, d.now_ms);
    ask_bms();
    take_frames();
    struct log_record r;
    while (gateway_next_log(&d.g, &r)) {
        d.overslept += r.id == LOG_OVERSLEPT;
    }
}

static uint64_t sooner(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static void live_until(uint64_t end_ms) {
    while (d.now_ms < end_ms) {
        live();
        uint64_t next_ms = gateway_step(&d.g, d.now_ms);
        next_ms = d.answering ? sooner(next_ms, d.answer_ms) : next_ms;
        next_ms = d.gx ? sooner(next_ms, d.keepalive_ms) : next_ms;
        next_ms = sooner(next_ms, end_ms);
        d.now_ms = next_ms > d.now_ms ? next_ms : d.now_ms + 1;
    }
}

static void start(bool low_power) {
    memset(&d, 0, sizeof d);
    settings_defaults(&d.settings);
    d.settings.tinybms.low_power = low_power;
    d.settings.tinybms.poll_interval_ms = 1000;
    scripted_bms_init(&d.bms);
    scripted_bms_set_f32(&d.bms, 38, 0.0F);
    d.bms.reg[REGISTER_STATUS] = STATUS_IDLE;
    d.now_ms = d.last_request_ms = START_MS;
    gateway_init(&d.g, &d.settings, d.now_ms);
    gateway_set_uart(&d.g, true, d.now_ms);
    gateway_set_can(&d.g, true, d.now_ms);
}

static unsigned ccl_da(void) {
    return d.limits.data[2] + 256u * d.limits.data[3];
}

static void fifty_days_at_rest_end_as_a_minute_would(void **state) {
    (void)state;
    static struct gateway_snapshot s;
    start(true);
    live_until(9 * MINUTE_MS);
    assert_int_equal(d.g.policy.stage.stage, STAGE_FRESH);
    assert_int_equal(ccl_da(), 180); /* 0.9 x 20 A */
    live_until(15 * MINUTE_MS);      /* nobody there for 10 minutes */
    assert_int_equal(d.g.policy.stage.stage, STAGE_RESTING);
    uint64_t frames = d.frames, requests = d.requests;
    d.longest_ms = 0;

    live_until(50 * DAY_MS); /* 2^32 ms are 49 days, 17 hours and 3 minutes */
    assert_true(d.now_ms > UINT32_MAX);
    assert_int_equal(d.g.policy.stage.stage, STAGE_RESTING);
    assert_int_equal(d.frames, frames);
    uint64_t minutes = 50 * 1440 - 15;
    assert_in_range(d.requests - requests, minutes - 1, minutes + 1);
    assert_in_range(d.longest_ms, MINUTE_MS - 100, MINUTE_MS + 100);

    d.gx = true;
    d.keepalive_ms = d.now_ms;
    live_until(50 * DAY_MS + 4000);
    assert_int_equal(d.g.policy.stage.stage, STAGE_FRESH);
    assert_true(d.frames > frames);
    live_until(50 * DAY_MS + 15000);
    assert_int_equal(ccl_da(), 180);
    assert_in_range(d.now_ms - d.limits_ms, 0, 1000);
    gateway_snapshot(&d.g, &s, d.now_ms);
    assert_true(s.uptime_ms == d.now_ms - START_MS);
    assert_in_range(s.sample_age_ms, 0, 1100);
    assert_int_equal(d.overslept, 0);
}

/* Silence that lasts across the wrap, and the way back from it. */
static void a_silence_of_fifty_days_ends_as_one_of_a_minute(void **state) {
    (void)state;
    start(false);
    d.settings.tinybms.uart_retry_count = 0;
    live_until(MINUTE_MS);
    gateway_set_uart(&d.g, false, d.now_ms); /* the adapter is unplugged */
    d.answering = false;
    live_until(3 * MINUTE_MS);
    assert_int_equal(d.g.policy.stage.stage, STAGE_SILENT);
    uint64_t frames = d.frames;
    live_until(50 * DAY_MS);
    assert_int_equal(d.frames, frames);
    gateway_set_uart(&d.g, true, d.now_ms);
    live_until(50 * DAY_MS + 4000);
    assert_int_equal(d.g.policy.stage.stage, STAGE_FRESH);
    assert_in_range(ccl_da(), 18, 90); /* from a tenth, a tenth a second */
    live_until(50 * DAY_MS + 15000);
    assert_int_equal(ccl_da(), 180);
    assert_int_equal(d.overslept, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fifty_days_at_rest_end_as_a_minute_would),
        cmocka_unit_test(a_silence_of_fifty_days_ends_as_one_of_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
