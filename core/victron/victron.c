/* SPDX-License-Identifier: MIT */
/* The schedule of victron_table, and the presence of a GX.
 *
 * Row k is due at start + k x period / rows + n x period. Every due time is a whole number of
 * periods away from the one before, whenever the row was really sent: lateness never adds up. The
 * rows are spread so that the bus and a port's queue see single frames and no bursts.
 *
 * Source of truth: the inverter maker's CAN-bus BMS protocol, 2021-04-17, timing and keep-alive. */
#include "victron/victron.h"

#include <assert.h>
#include <string.h>

enum { PATIENCE_SHARE = 10 }; /* of a period */

static void schedule(struct victron *v, uint64_t start_ms) {
    for (unsigned row = 0; row < victron_table_rows; row++) {
        v->due_ms[row] = start_ms + row * v->config.period_ms / victron_table_rows;
    }
}

void victron_init(struct victron *v, const struct victron_config *cfg) {
    assert(cfg->period_ms >= VICTRON_PERIOD_MIN_MS && cfg->period_ms <= VICTRON_PERIOD_MAX_MS);
    memset(v, 0, sizeof *v);
    v->config = *cfg;
}

void victron_configure(struct victron *v, const struct victron_config *cfg, uint64_t now_ms) {
    assert(cfg->period_ms >= VICTRON_PERIOD_MIN_MS && cfg->period_ms <= VICTRON_PERIOD_MAX_MS);
    const bool restart = v->running && cfg->period_ms != v->config.period_ms;
    v->config = *cfg;
    if (restart) {
        schedule(v, now_ms);
        victron_send_now(v, VICTRON_ID_ALARMS);
    }
}

void victron_start(struct victron *v, uint64_t now_ms) {
    if (!v->running) {
        v->running = true;
        schedule(v, now_ms);
    }
}

void victron_stop(struct victron *v) {
    v->running = false;
    v->out_of_turn_bits = 0;
}

void victron_send_now(struct victron *v, uint16_t id) {
    if (!v->running) {
        return;
    }
    for (unsigned row = 0; row < victron_table_rows; row++) {
        if (victron_table[row].id == id) {
            v->out_of_turn_bits |= UINT32_C(1) << row;
        }
    }
}

/* Ends the row's turn and its request, whether it has something to say or not: what has nothing to
 * say now is asked again a period later, not all the time. True when *out is to be sent. */
static bool take_row(struct victron *v, unsigned row, const struct victron_source *src,
                     uint64_t now_ms, struct victron_frame *out) {
    const uint64_t period_ms = v->config.period_ms;
    const uint32_t bit = UINT32_C(1) << row;
    const bool in_turn = v->due_ms[row] <= now_ms;
    uint64_t behind_ms = 0;
    if (!in_turn && (v->out_of_turn_bits & bit) == 0) {
        return false;
    }
    v->out_of_turn_bits &= ~bit;
    if (in_turn) {
        behind_ms = now_ms - v->due_ms[row];
        v->due_ms[row] += (behind_ms / period_ms + 1) * period_ms;
    }
    if (!src->limits->valid || !victron_table[row].encode(src, out)) {
        return false;
    }
    if (!in_turn) {
        v->counters.tx_out_of_turn++;
        return true;
    }
    v->counters.tx_in_turn++;
    if (behind_ms > period_ms / 2) {
        v->counters.late++;
    }
    return true;
}

bool victron_next_frame(struct victron *v, const struct victron_source *src, uint64_t now_ms,
                        struct victron_frame *out) {
    if (!v->running) {
        return false;
    }
    for (unsigned row = 0; row < victron_table_rows; row++) {
        if (take_row(v, row, src, now_ms, out)) {
            return true;
        }
    }
    return false;
}

static uint64_t next_ms(const struct victron *v, uint64_t patience_ms, uint64_t now_ms) {
    uint64_t next_ms = UINT64_MAX;
    if (!v->running) {
        return UINT64_MAX;
    }
    if (v->out_of_turn_bits != 0) {
        next_ms = now_ms;
    }
    for (unsigned row = 0; row < victron_table_rows; row++) {
        const uint64_t at_ms = v->due_ms[row] + (victron_table[row].patient ? patience_ms : 0);
        if (at_ms < next_ms) {
            next_ms = at_ms;
        }
    }
    return next_ms;
}

uint64_t victron_step(const struct victron *v, uint64_t now_ms) {
    return next_ms(v, 0, now_ms);
}

uint64_t victron_latest_ms(const struct victron *v, uint64_t now_ms) {
    return next_ms(v, v->config.period_ms / PATIENCE_SHARE, now_ms);
}

void victron_handle_rx(struct victron *v, const struct victron_frame *f, uint64_t now_ms) {
    if (f->id == VICTRON_ID_GX_KEEPALIVE && f->len <= sizeof f->data) {
        v->gx_seen = true;
        v->gx_keepalive_ms = now_ms;
        v->counters.rx_keepalive++;
    } else if (f->id == VICTRON_ID_GX_IDENTITY && f->len <= sizeof f->data) {
        v->gx_is_victron = f->len >= 7 && memcmp(&f->data[4], "VIC", 3) == 0;
        v->gx_identity_ms = now_ms;
        v->counters.rx_identity++;
    } else {
        v->counters.rx_other++;
    }
}

bool victron_gx_present(const struct victron *v, uint64_t now_ms) {
    return v->gx_seen && victron_gx_age_ms(v, now_ms) <= v->config.keepalive_timeout_ms;
}

uint64_t victron_gx_age_ms(const struct victron *v, uint64_t now_ms) {
    return v->gx_seen ? now_ms - v->gx_keepalive_ms : UINT64_MAX;
}
