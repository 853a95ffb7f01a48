/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <string.h>

enum { BYTES_MAX = 512, ROUNDS_MAX = 16 };

static uint64_t sooner(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static void obey(struct world *w) {
    int64_t cvl = 0, ccl = 0, dcl = 0;
    if (sim_gx_value(&w->gx, SIM_GX_CVL, &cvl) && sim_gx_value(&w->gx, SIM_GX_CCL, &ccl) &&
        sim_gx_value(&w->gx, SIM_GX_DCL, &dcl)) {
        sim_bms_set_house(&w->bms, (double)cvl / 10.0, (double)ccl / 10.0, (double)dcl / 10.0);
    }
}

static bool move_frames(struct world *w) {
    struct victron_frame v;
    struct sim_can_frame f;
    bool moved = false;
    while (gateway_next_frame(&w->gateway, &v, w->now_ms)) {
        f = (struct sim_can_frame){.id = v.id, .len = v.len};
        memcpy(f.data, v.data, sizeof f.data);
        gateway_frame_done(&w->gateway, &v, true);
        sim_gx_handle_rx(&w->gx, &f, w->now_ms * 1000u);
        if (v.id == VICTRON_ID_LIMITS)
            obey(w);
        w->frames++;
        moved = true;
    }
    while (sim_gx_next_frame(&w->gx, w->now_ms * 1000u, &f)) {
        v = (struct victron_frame){.id = (uint16_t)f.id, .len = f.len};
        memcpy(v.data, f.data, sizeof v.data);
        gateway_can_rx(&w->gateway, &v, w->now_ms);
        moved = true;
    }
    return moved;
}

static bool reply_is_out(const struct world *w) {
    return w->bms.line_count > 0 && w->bms.line_free_ns <= w->now_ms * 1000000u;
}

static bool move_bytes(struct world *w) {
    uint8_t bytes[BYTES_MAX];
    bool moved = false;
    if (reply_is_out(w)) {
        size_t n = sim_bms_tx(&w->bms, bytes, sizeof bytes, w->now_ms * 1000u);
        gateway_uart_rx(&w->gateway, bytes, n, w->now_ms);
        moved = n > 0;
    }
    size_t n = gateway_uart_tx(&w->gateway, bytes, sizeof bytes, w->now_ms);
    if (n > 0) {
        sim_bms_handle_rx(&w->bms, bytes, n, w->now_ms * 1000u);
        moved = true;
    }
    return moved;
}

static void live_this_moment(struct world *w) {
    struct log_record record;
    bool moved = true;
    for (int round = 0; moved && round < ROUNDS_MAX; round++) {
        w->bms_due_us = sim_bms_step(&w->bms, w->now_ms * 1000u);
        moved = move_bytes(w);
        w->gateway_due_ms = gateway_step(&w->gateway, w->now_ms);
        moved = move_frames(w) || moved;
    }
    while (gateway_next_log(&w->gateway, &record)) {
    }
}

static uint64_t up_to_ms(uint64_t us) {
    return us / 1000u + (us % 1000u != 0);
}

/* The BMS's next byte does not matter before the last one is out. */
static uint64_t next_ms(const struct world *w) {
    uint64_t bms_ms = w->bms.line_count > 0 ? (w->bms.line_free_ns + 999999u) / 1000000u
                                            : up_to_ms(w->bms_due_us);
    uint64_t gx_ms = up_to_ms(sim_gx_step(&w->gx, w->now_ms * 1000u));
    uint64_t at_ms = sooner(sooner(bms_ms, gx_ms), w->gateway_due_ms);
    return at_ms > w->now_ms ? at_ms : w->now_ms + 1;
}

void world_start(struct world *w) {
    struct sim_bms_config cfg;
    memset(w, 0, sizeof *w);
    settings_defaults(&w->settings);
    sim_bms_defaults(&cfg);
    sim_bms_init(&w->bms, &cfg, 0);
    sim_gx_init(&w->gx, 0);
    gateway_init(&w->gateway, &w->settings, 0);
    gateway_set_uart(&w->gateway, true, 0);
    gateway_set_can(&w->gateway, true, 0);
}

void world_run(struct world *w, uint64_t until_ms) {
    while (w->now_ms < until_ms) {
        live_this_moment(w);
        w->now_ms = next_ms(w);
    }
}
