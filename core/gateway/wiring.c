/* SPDX-License-Identifier: MIT */
#include "gateway/wiring.h"

#include "gateway/gateway.h"
#include "gateway/note.h"

/* ---- the Victron side ---- */

static void speak_or_be_silent(void *context, const struct bus_event *event) {
    struct gateway *g = context;
    const struct limits *limits = event->value;
    if (limits->valid == g->sending) {
        return;
    }
    g->sending = limits->valid;
    if (limits->valid) { /* 0x351 is due at once, the others follow within a period */
        victron_start(&g->victron, event->at_ms);
        g->limits_wanted = g->state_wanted = g->wanted_at_once = false;
        g->online_told = g->policy.alarms.online;
        gateway_note(g, event->at_ms, LOG_CAN_SENDING, 0, 0, 0, 0);
    } else {
        victron_stop(&g->victron);
        gateway_note(g, event->at_ms, LOG_CAN_SILENT, 0, 0, 0, 0);
    }
}

/* A limit that fell to 0, or by at least a tenth of nominal since the last 0x351, does not wait for
 * its turn. */
static bool fell_to_0(uint32_t sent_ma, uint32_t now_ma) {
    return now_ma == 0 && sent_ma > 0;
}

static bool fell_enough(uint32_t sent_ma, uint32_t now_ma, uint32_t nominal_ma) {
    return now_ma < sent_ma && (uint64_t)(sent_ma - now_ma) * 10 >= nominal_ma;
}

static void send_fallen_limits(void *context, const struct bus_event *event) {
    struct gateway *g = context;
    const struct limits *limits = event->value;
    const struct limits *sent = &g->sent_limits;
    const struct battery *b = &g->policy.sample;
    if (!limits->valid || !sent->valid) {
        return;
    }
    if (fell_to_0(sent->ccl_ma, limits->ccl_ma) || fell_to_0(sent->dcl_ma, limits->dcl_ma)) {
        g->limits_wanted = g->wanted_at_once = true;
    } else if (fell_enough(sent->ccl_ma, limits->ccl_ma, b->charge_over_current_ma / 10 * 9) ||
               fell_enough(sent->dcl_ma, limits->dcl_ma, b->discharge_over_current_ma / 10 * 9)) {
        g->limits_wanted = true;
    }
}

/* What the stage changes is on the bus at once: limits, alarm, online, modules. */
static void send_new_stage(void *context, const struct bus_event *event) {
    (void)event;
    struct gateway *g = context;
    g->limits_wanted = g->state_wanted = g->wanted_at_once = true;
}

static void send_new_state(void *context, const struct bus_event *event) {
    struct gateway *g = context;
    const struct alarms *alarms = event->value;
    if (alarms->online != g->online_told) {
        g->online_told = alarms->online;
        g->state_wanted = true;
    }
}

static void restart_frames(void *context, const struct bus_event *event) {
    struct gateway *g = context;
    const bool *up = event->value;
    if (*up && g->sending) { /* what was due while the link was down is not sent late */
        victron_stop(&g->victron);
        victron_start(&g->victron, event->at_ms);
    }
}

/* ---- the log ---- */

static void log_first_samples(void *context, const struct bus_event *event) {
    struct gateway *g = context;
    const struct battery *b = event->value;
    if (!g->first_sample_logged) {
        g->first_sample_logged = true;
        gateway_note(g, event->at_ms, LOG_CELL_ORDER, (int32_t)tinybms_cell_order(&g->bms), 0, 0,
                     0);
        gateway_note(g, event->at_ms, LOG_PACK, b->cell_count, (int32_t)b->pack_mv, b->soc_cpct,
                     b->status);
    }
    bool broadcasting = battery_has(b, BATTERY_BROADCAST) && b->broadcast_time != 0;
    if (broadcasting && !g->broadcast_warned) {
        gateway_note(g, event->at_ms, LOG_BROADCAST_ON, b->broadcast_time, 0, 0, 0);
    }
    g->broadcast_warned = broadcasting;
}

/* Opening and resting are nobody's worry. */
static bool stage_is_calm(enum stage s) {
    return s == STAGE_BOOT || s == STAGE_FRESH || s == STAGE_RESTING;
}

static void log_policy_change(void *context, const struct bus_event *event) {
    struct gateway *g = context;
    const struct policy_change *c = event->value;
    bool raised = c->to == ALARM_ACTIVE;
    int missing = battery_missing_register(tinybms_battery(&g->bms));
    switch (c->kind) {
    case POLICY_CHANGE_STAGE:
        gateway_note(g, event->at_ms, stage_is_calm((enum stage)c->to) ? LOG_STAGE_OPEN : LOG_STAGE,
                     c->from, c->to, c->reason, 0);
        break;
    case POLICY_CHANGE_CHARGE:
        gateway_note(g, event->at_ms, LOG_CHARGE, c->from, c->to, c->reason, 0);
        break;
    case POLICY_CHANGE_CVL_REASON:
        gateway_note(g, event->at_ms, LOG_CVL, (int32_t)c->value, c->from, c->to, 0);
        break;
    case POLICY_CHANGE_CCL_REASON:
        gateway_note(g, event->at_ms, LOG_CCL, (int32_t)c->value, c->from, c->to, 0);
        break;
    case POLICY_CHANGE_DCL_REASON:
        gateway_note(g, event->at_ms, LOG_DCL, (int32_t)c->value, c->from, c->to, 0);
        break;
    case POLICY_CHANGE_ALARM:
        gateway_note(g, event->at_ms, raised ? LOG_ALARM_ON : LOG_ALARM_OFF, c->id, 0, 0, 0);
        break;
    case POLICY_CHANGE_WARNING:
        gateway_note(g, event->at_ms, raised ? LOG_WARNING_ON : LOG_WARNING_OFF, c->id, 0, 0, 0);
        break;
    case POLICY_CHANGE_DOUBT:
        if (c->to == TRUST_INCOMPLETE && missing >= 0) {
            gateway_note(g, event->at_ms, LOG_INCOMPLETE, missing, (int32_t)g->policy.trust.doubted,
                         0, 0);
        } else if (c->to != TRUST_OK) {
            gateway_note(g, event->at_ms, LOG_DOUBT, c->to, (int32_t)g->policy.trust.doubted, 0, 0);
        } else {
            gateway_note(g, event->at_ms, LOG_TRUSTED, (int32_t)g->policy.trust.doubted, 0, 0, 0);
        }
        break;
    }
}

static void log_bms_link(void *context, const struct bus_event *event) {
    struct gateway *g = context;
    const struct gateway_link_change *r = event->value;
    gateway_note(g, event->at_ms, LOG_BMS_LINK, (int32_t)r->from, (int32_t)r->to, 0, 0);
}

static void log_can_link(void *context, const struct bus_event *event) {
    const bool *up = event->value;
    gateway_note(context, event->at_ms, *up ? LOG_CAN_UP : LOG_CAN_DOWN, 0, 0, 0, 0);
}

static void log_gx(void *context, const struct bus_event *event) {
    const bool *present = event->value;
    gateway_note(context, event->at_ms, *present ? LOG_GX_PRESENT : LOG_GX_GONE, 0, 0, 0, 0);
}

static void log_config(void *context, const struct bus_event *event) {
    gateway_note(context, event->at_ms, LOG_CONFIG_APPLIED, 0, 0, 0, 0);
}

static void log_answer(void *context, const struct bus_event *event) {
    const struct gateway_answer *a = event->value;
    gateway_note(context, event->at_ms, LOG_COMMAND, a->addr, a->count, a->err, 0);
}

/* clang-format off */
const struct bus_subscriber gateway_subscribers[] = {
    {"log: first samples",      BUS_SAMPLE,   log_first_samples},
    {"log: policy",             BUS_POLICY,   log_policy_change},
    {"log: BMS link",           BUS_BMS_LINK, log_bms_link},
    {"log: CAN link",           BUS_CAN_LINK, log_can_link},
    {"log: GX",                 BUS_GX,       log_gx},
    {"log: configuration",      BUS_CONFIG,   log_config},
    {"log: commands",           BUS_ANSWER,   log_answer},
    {"victron: speak or not",   BUS_LIMITS,   speak_or_be_silent},
    {"victron: fallen limits",  BUS_LIMITS,   send_fallen_limits},
    {"victron: new stage",      BUS_STAGE,    send_new_stage},
    {"victron: online or not",  BUS_ALARMS,   send_new_state},
    {"victron: link restarts",  BUS_CAN_LINK, restart_frames},
};
/* clang-format on */

const size_t gateway_subscribers_rows = sizeof gateway_subscribers / sizeof gateway_subscribers[0];
_Static_assert(sizeof gateway_subscribers / sizeof gateway_subscribers[0] <= BUS_SUBSCRIBERS_MAX,
               "subscribers");
