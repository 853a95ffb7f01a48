/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "recording_rig.h"

enum {
    LATE_ONE_IN = 20,
    LATE_MAX_US = 4000,
    AWAKE_MAX_US = 200,
    IDLE_US = 250000,
    GX_US = 1000000
};

static const struct victron_frame keepalive = {0x305, 8, {0}};

static void note(struct rig *r, struct traffic_event *e, enum traffic_kind kind) {
    e->at_us = r->now_us;
    e->kind = (uint8_t)kind;
    recorder_take(&r->recorder, e, &r->settings[r->current]);
}

static void note_bytes(struct rig *r, enum traffic_kind kind, const uint8_t *bytes, size_t n) {
    struct traffic_event e = {.n = (uint8_t)n};
    memcpy(e.bytes, bytes, n);
    note(r, &e, kind);
}

static void note_frame(struct rig *r, enum traffic_kind kind, const struct victron_frame *f) {
    struct traffic_event e = {.frame = *f};
    note(r, &e, kind);
}

void rig_settings(struct settings *s) {
    struct settings_error e;
    settings_defaults(s);
    assert_int_equal(settings_assign(s, "victron.pgn_update_interval_ms=500", &e), 0);
    assert_int_equal(settings_assign(s, "victron.battery_name=Rig", &e), 0);
}

struct rig *rig_start(const char *name, uint32_t seed) {
    struct rig *r = calloc(1, sizeof *r);
    struct traffic_event e = {0};
    struct sim_bms_config config;
    assert_non_null(r);
    rig_settings(&r->settings[0]);
    r->now_us = UINT64_C(5600000000) + seed % 1000;
    sim_bms_defaults(&config);
    sim_bms_init(&r->bms, &config, r->now_us);
    sim_rng_init(&r->rng, seed);
    recorder_init(&r->recorder, name, &r->settings[0], RIG_CLOCK_S * UINT64_C(1000));
    note(r, &e, TRAFFIC_START);
    gateway_init(&r->gateway, &r->settings[0], r->now_us / 1000);
    r->bms_speaks = true;
    r->gx_us = r->now_us + 123456;
    return r;
}

void rig_link(struct rig *r, bool can, bool up) {
    struct traffic_event e = {.up = up};
    note(r, &e, can ? TRAFFIC_CAN_LINK : TRAFFIC_UART_LINK);
    if (can) {
        r->can_up = up;
        gateway_set_can(&r->gateway, up, r->now_us / 1000);
    } else {
        r->uart_up = up;
        gateway_set_uart(&r->gateway, up, r->now_us / 1000);
    }
}

void rig_command(struct rig *r, const struct gateway_command *c) {
    struct traffic_event e = {.command = *c};
    note(r, &e, TRAFFIC_COMMAND);
    (void)gateway_command(&r->gateway, c, r->now_us / 1000);
}

void rig_configure(struct rig *r, const char *assignment) {
    struct traffic_event e = {0};
    struct settings_error error;
    r->settings[1 - r->current] = r->settings[r->current];
    r->current = 1 - r->current;
    assert_int_equal(settings_assign(&r->settings[r->current], assignment, &error), 0);
    note(r, &e, TRAFFIC_CONFIGURED);
    gateway_configure(&r->gateway, &r->settings[r->current], r->now_us / 1000);
}

/* ---- a turn ---- */

static bool drain_uart(struct rig *r) {
    uint8_t bytes[TRAFFIC_BYTES_MAX];
    size_t n = r->uart_up ? gateway_uart_tx(&r->gateway, bytes, sizeof bytes, r->now_us / 1000) : 0;
    if (n != 0) {
        note_bytes(r, TRAFFIC_UART_TX, bytes, n);
        sim_bms_handle_rx(&r->bms, bytes, n, r->now_us);
    }
    return n != 0;
}

static bool drain_frames(struct rig *r) {
    struct victron_frame f;
    bool any = false;
    while (r->can_up && gateway_next_frame(&r->gateway, &f, r->now_us / 1000)) {
        bool breaks = r->break_at_next_frame;
        bool taken =
            !breaks && (r->refuse_one_in == 0 || sim_rng_next(&r->rng) % r->refuse_one_in != 0);
        note_frame(r, taken ? TRAFFIC_CAN_TX : TRAFFIC_CAN_LOST, &f);
        gateway_frame_done(&r->gateway, &f, taken);
        if (taken) {
            char line[RECORDING_LINE_MAX];
            size_t n = recording_print_frame(&f, r->now_us + RIG_CLOCK_S * UINT64_C(1000000), line);
            assert_true(r->sent_n + n < sizeof r->sent);
            memcpy(r->sent + r->sent_n, line, n);
            r->sent_n += n;
        }
        if (breaks) {
            r->break_at_next_frame = false;
            rig_link(r, true, false);
        }
        any = true;
    }
    return any;
}

static void turn(struct rig *r) {
    struct gateway_answer answer;
    struct log_record record;
    struct traffic_event e = {0};
    const uint64_t now_ms = r->now_us / 1000;
    uint64_t deadline_ms = gateway_step(&r->gateway, now_ms);
    bool sent = false;
    for (;;) {
        bool moved = drain_uart(r);
        moved = drain_frames(r) || moved;
        if (!moved) {
            break;
        }
        sent = true;
        deadline_ms = gateway_step(&r->gateway, now_ms);
    }
    if (!sent) {
        note(r, &e, TRAFFIC_TURN);
    }
    while (gateway_next_answer(&r->gateway, &answer)) {
    }
    while (gateway_next_log(&r->gateway, &record)) {
    }
    r->deadline_us = deadline_ms <= now_ms ? r->now_us + 5000 : deadline_ms * 1000;
}

static uint64_t sooner(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* A machine wakes late, most often by little. */
static uint64_t late_us(struct rig *r) {
    bool very = sim_rng_next(&r->rng) % LATE_ONE_IN == 0;
    return sim_rng_next(&r->rng) % (very ? LATE_MAX_US : AWAKE_MAX_US);
}

static void wait_and_read(struct rig *r) {
    uint8_t bytes[TRAFFIC_BYTES_MAX];
    uint64_t bms_us = sim_bms_step(&r->bms, r->now_us);
    uint64_t until_us =
        sooner(sooner(r->deadline_us, bms_us), sooner(r->gx_us, r->now_us + IDLE_US));
    r->now_us = (until_us > r->now_us ? until_us : r->now_us) + 1 + late_us(r);
    (void)sim_bms_step(&r->bms, r->now_us);
    size_t n = sim_bms_tx(&r->bms, bytes, sizeof bytes, r->now_us);
    if (n != 0 && r->uart_up && r->bms_speaks) {
        note_bytes(r, TRAFFIC_UART_RX, bytes, n);
        gateway_uart_rx(&r->gateway, bytes, n, r->now_us / 1000);
        r->now_us += 7; /* a turn comes a little later, now and then in the next millisecond */
    }
    if (r->now_us >= r->gx_us) {
        r->gx_us += GX_US;
        note_frame(r, TRAFFIC_CAN_RX, &keepalive);
        gateway_can_rx(&r->gateway, &keepalive, r->now_us / 1000);
        r->now_us += 3;
    }
}

void rig_run(struct rig *r, uint64_t for_ms) {
    const uint64_t end_us = r->now_us + for_ms * 1000;
    while (r->now_us < end_us) {
        turn(r);
        wait_and_read(r);
    }
}

/* What the thread's ring does when the services do not empty it. */
void rig_miss(struct rig *r, uint64_t for_ms) {
    struct recorder *kept = malloc(sizeof *kept);
    struct traffic_event e = {0};
    assert_non_null(kept);
    *kept = r->recorder;
    rig_run(r, for_ms);
    e.missed.count = (uint32_t)(r->recorder.last.event - kept->last.event);
    e.missed.uart_up = r->uart_up;
    e.missed.can_up = r->can_up;
    r->recorder = *kept;
    free(kept);
    note(r, &e, TRAFFIC_MISSED);
}

/* ---- reading ---- */

void rig_read(const struct rig *r, struct recorder_cursor *cursor, char *text, size_t *n) {
    for (size_t got = 1; got != 0; *n += got) {
        assert_true(RIG_TEXT_MAX - *n >= RECORDER_HEADER_MAX);
        got = recorder_read(&r->recorder, cursor, &r->gateway.bms.image, text + *n,
                            RIG_TEXT_MAX - *n);
    }
}

char *rig_text(const struct rig *r, size_t *n) {
    struct recorder_cursor cursor;
    char *text = malloc(RIG_TEXT_MAX);
    assert_non_null(text);
    *n = 0;
    recorder_begin(&r->recorder, "", true, &cursor);
    rig_read(r, &cursor, text, n);
    return text;
}
