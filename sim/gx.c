/* SPDX-License-Identifier: MIT */
/* Presence, the 3 s rule, and what a battery did against the protocol. */
#include "sim/gx.h"

#include <string.h>

void sim_gx_init(struct sim_gx *g, uint64_t now_us) {
    memset(g, 0, sizeof *g);
    g->keepalive_us = now_us;
}

static void violate(struct sim_gx *g, enum sim_gx_rule rule, const struct sim_can_frame *f,
                    uint64_t now_us, uint64_t gap_us) {
    g->violations[rule]++;
    if (g->violation_count == SIM_GX_VIOLATIONS) {
        g->violations_dropped++;
        return;
    }
    unsigned at = (g->violation_first + g->violation_count++) % SIM_GX_VIOLATIONS;
    g->violation[at] = (struct sim_gx_violation){rule, now_us, *f, gap_us};
}

/* Printable ASCII, then zeros to the end. */
static bool text_is_clean(const struct sim_can_frame *f) {
    unsigned i = 0;
    while (i < f->len && f->data[i] >= 0x20 && f->data[i] < 0x7F)
        i++;
    while (i < f->len && f->data[i] == 0)
        i++;
    return i == f->len;
}

static void check_values(struct sim_gx *g, const struct sim_can_frame *f, uint64_t now_us) {
    int64_t ccl, dcl, percent;
    if (f->id == 0x351 && sim_gx_frame_value(f, SIM_GX_CCL, &ccl) &&
        sim_gx_frame_value(f, SIM_GX_DCL, &dcl) && (ccl < 0 || dcl < 0))
        violate(g, SIM_GX_NEGATIVE_LIMIT, f, now_us, 0);
    if (f->id == 0x355) {
        bool over = (sim_gx_frame_value(f, SIM_GX_SOC, &percent) && percent > 100) ||
                    (sim_gx_frame_value(f, SIM_GX_SOH, &percent) && percent > 100) ||
                    (sim_gx_frame_value(f, SIM_GX_SOC_FINE, &percent) && percent > 10000);
        if (over)
            violate(g, SIM_GX_PERCENT, f, now_us, 0);
    }
    if (f->id == 0x35A) {
        for (unsigned pair = 0; pair < 4u * f->len; pair++) {
            if (sim_gx_frame_pair(f, pair) == SIM_GX_PAIR_INVALID) {
                violate(g, SIM_GX_PAIR_3, f, now_us, 0);
                break;
            }
        }
    }
}

/* 0x35E and 0x370 must agree: the shorter one is how the other begins. */
static void check_names(struct sim_gx *g, const struct sim_can_frame *f, uint64_t now_us) {
    const struct sim_gx_message *maker = sim_gx_message(g, 0x35E);
    const struct sim_gx_message *name = sim_gx_message(g, 0x370);
    if ((f->id == 0x35E || f->id == 0x370) && maker != NULL && name != NULL &&
        memcmp(maker->frame.data, name->frame.data, 8) != 0)
        violate(g, SIM_GX_NAMES_DIFFER, f, now_us, 0);
}

void sim_gx_handle_rx(struct sim_gx *g, const struct sim_can_frame *f, uint64_t now_us) {
    g->frames++;
    if (!f->extended && !f->remote && (f->id == 0x305 || f->id == 0x307)) {
        violate(g, SIM_GX_KEEPALIVE, f, now_us, 0);
        return;
    }
    int i = sim_gx_message_index(f->id);
    if (f->extended || f->remote || i < 0) {
        violate(g, SIM_GX_UNKNOWN_ID, f, now_us, 0);
        return;
    }
    if (f->len != 8)
        violate(g, SIM_GX_LENGTH, f, now_us, 0);
    check_values(g, f, now_us);
    if (sim_gx_is_text((unsigned)i) && !text_is_clean(f))
        violate(g, SIM_GX_TEXT, f, now_us, 0);
    struct sim_gx_message *m = &g->message[i];
    if (f->id == 0x35A && m->count > 0 &&
        now_us - m->at_us > SIM_GX_PERIOD_US + SIM_GX_TOLERANCE_US)
        violate(g, SIM_GX_ALARMS_SLOW, f, now_us, now_us - m->at_us);
    m->frame = *f;
    m->at_us = now_us;
    m->count++;
    check_names(g, f, now_us);
}

bool sim_gx_next_frame(struct sim_gx *g, uint64_t now_us, struct sim_can_frame *out) {
    if (g->identity_due) {
        g->identity_due = false;
        *out = (struct sim_can_frame){
            .id = 0x307, .len = 8, .data = {0x12, 0x34, 0x56, 0x78, 'V', 'I', 'C', 0}};
        return true;
    }
    if (now_us < g->keepalive_us)
        return false;
    g->keepalive_us += SIM_GX_PERIOD_US;
    if (g->keepalive_us <= now_us) /* late by more than a period: the missed ones are not made up */
        g->keepalive_us = now_us + SIM_GX_PERIOD_US;
    g->identity_due = true;
    *out = (struct sim_can_frame){.id = 0x305, .len = 8};
    return true;
}

uint64_t sim_gx_step(const struct sim_gx *g, uint64_t now_us) {
    return g->identity_due || g->keepalive_us <= now_us ? now_us : g->keepalive_us;
}

bool sim_gx_next_violation(struct sim_gx *g, struct sim_gx_violation *out) {
    if (g->violation_count == 0)
        return false;
    *out = g->violation[g->violation_first];
    g->violation_first = (uint8_t)((g->violation_first + 1) % SIM_GX_VIOLATIONS);
    g->violation_count--;
    return true;
}

uint32_t sim_gx_violation_total(const struct sim_gx *g) {
    uint32_t sum = 0;
    for (unsigned i = 0; i < SIM_GX_RULE_COUNT; i++)
        sum += g->violations[i];
    return sum;
}

const struct sim_gx_message *sim_gx_message(const struct sim_gx *g, uint16_t id) {
    int i = sim_gx_message_index(id);
    return i >= 0 && g->message[i].count > 0 ? &g->message[i] : NULL;
}

static bool fresh(const struct sim_gx *g, uint16_t id, uint64_t now_us) {
    const struct sim_gx_message *m = sim_gx_message(g, id);
    return m != NULL && now_us - m->at_us <= SIM_GX_SILENCE_US;
}

bool sim_gx_present(const struct sim_gx *g, uint64_t now_us) {
    return fresh(g, 0x35A, now_us);
}

bool sim_gx_running(const struct sim_gx *g, uint64_t now_us) {
    return fresh(g, 0x351, now_us);
}

bool sim_gx_value(const struct sim_gx *g, enum sim_gx_field field, int64_t *raw) {
    const struct sim_gx_message *m = sim_gx_message(g, sim_gx_field_id(field));
    return m != NULL && sim_gx_frame_value(&m->frame, field, raw);
}

enum sim_gx_pair sim_gx_last_pair(const struct sim_gx *g, unsigned pair) {
    const struct sim_gx_message *m = sim_gx_message(g, 0x35A);
    return m == NULL ? SIM_GX_PAIR_ABSENT : sim_gx_frame_pair(&m->frame, pair);
}
