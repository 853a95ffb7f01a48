/* SPDX-License-Identifier: MIT */
#include "gateway/gateway.h"

#include <string.h>

#include "gateway/configs.h"
#include "gateway/note.h"
#include "gateway/wiring.h"

enum {
    OVERSLEPT_MS = 2000,            /* after a deadline; a port under load is late by less */
    OUT_OF_TURN_GAP_MS = 100,       /* limits that fall go out of turn at most this often */
    GX_ABSENCE_WARNING_MS = 600000, /* a GX reboots, updates: 10 minutes */
    LINK_QUALITY_WINDOW_MS = 60000,
    LINK_QUALITY_POLLS_MIN = 10,
    RESET_OPTION_RESTART = 5,
    REGISTER_OPERATION_MODE = 340,
};

/* ---- log ---- */

/*@ predicate log_ring_fits(struct gateway *g) =
        \valid(g) && g->log_first < GATEWAY_LOG_MAX && g->log_count <= GATEWAY_LOG_MAX; */

/*@ requires log_ring_fits(g);
    assigns g->log[0 .. GATEWAY_LOG_MAX - 1], g->log_count, g->log_dropped;
    ensures log_ring_fits(g);
    ensures \old(g->log_count) == GATEWAY_LOG_MAX ? g->log_count == \old(g->log_count)
                                                  : g->log_count == \old(g->log_count) + 1; */
void gateway_note(struct gateway *g, uint64_t now_ms, enum log_id id, int32_t a, int32_t b,
                  int32_t c, int32_t d) {
    if (g->log_count == GATEWAY_LOG_MAX) {
        g->log_dropped++;
        return;
    }
    unsigned at = (unsigned)(g->log_first + g->log_count) % GATEWAY_LOG_MAX;
    g->log[at] = (struct log_record){.at_ms = now_ms, .id = id, .value = {a, b, c, d}};
    g->log_count++;
}

/*@ requires log_ring_fits(g) && \valid(out) && \separated(g, out);
    assigns *out, g->log_first, g->log_count, g->log_dropped_told;
    ensures log_ring_fits(g);
    ensures \old(g->log_count) > 0 ==> \result && g->log_count == \old(g->log_count) - 1; */
bool gateway_next_log(struct gateway *g, struct log_record *out) {
    if (g->log_count == 0) {
        if (g->log_dropped == g->log_dropped_told) {
            return false;
        }
        *out = (struct log_record){.at_ms = g->now_ms,
                                   .id = LOG_DROPPED,
                                   .value = {(int32_t)(g->log_dropped - g->log_dropped_told)}};
        g->log_dropped_told = g->log_dropped;
        return true;
    }
    *out = g->log[g->log_first];
    g->log_first = (uint8_t)((g->log_first + 1) % GATEWAY_LOG_MAX);
    g->log_count--;
    return true;
}

static int32_t saturated_ms(uint64_t ms) {
    return ms > INT32_MAX ? INT32_MAX : (int32_t)ms;
}

void gateway_note_services(struct gateway *g, bool moving, uint64_t still_ms, uint64_t now_ms) {
    gateway_note(g, now_ms, moving ? LOG_SERVICES_MOVE : LOG_SERVICES_STILL, saturated_ms(still_ms),
                 0, 0, 0);
}

/* ---- life ---- */

void gateway_init(struct gateway *g, const struct settings *settings, uint64_t now_ms) {
    memset(g, 0, sizeof *g);
    g->settings = settings;
    g->deadline_ms = UINT64_MAX;
    g->started_ms = g->now_ms = g->poor_since_ms = g->gx_changed_ms = now_ms;
    bus_init(&g->bus, gateway_subscribers, gateway_subscribers_rows, g);
    struct tinybms_config bms = gateway_bms_config(settings);
    tinybms_init(&g->bms, &bms, now_ms);
    struct policy_config policy = gateway_policy_config(settings);
    policy_init(&g->policy, &policy, now_ms);
    struct victron_config victron = gateway_victron_config(settings);
    victron_init(&g->victron, &victron);
    gateway_note(g, now_ms, LOG_GATEWAY_STARTED, (int32_t)settings->tinybms.poll_interval_ms,
                 (int32_t)settings->victron.pgn_update_interval_ms, 0, 0);
}

static bool limits_differ(const struct limits *a, const struct limits *b) {
    return a->valid != b->valid || a->cvl_mv != b->cvl_mv || a->ccl_ma != b->ccl_ma ||
           a->dcl_ma != b->dcl_ma || a->discharge_voltage_mv != b->discharge_voltage_mv ||
           a->cvl_reason != b->cvl_reason || a->ccl_reason != b->ccl_reason ||
           a->dcl_reason != b->dcl_reason;
}

static bool alarms_differ(const struct alarms *a, const struct alarms *b) {
    return a->online != b->online || memcmp(a->alarm, b->alarm, sizeof a->alarm) != 0 ||
           memcmp(a->warning, b->warning, sizeof a->warning) != 0;
}

/* Publishes whatever the policy decided since the last time. */
static void publish_decisions(struct gateway *g, uint64_t now_ms) {
    while (policy_next_change(&g->policy, &g->last_change)) {
        bus_publish(&g->bus, BUS_POLICY, BUS_FROM_POLICY, &g->last_change, now_ms);
        if (g->last_change.kind == POLICY_CHANGE_STAGE) {
            g->last_stage = g->last_change;
            bus_publish(&g->bus, BUS_STAGE, BUS_FROM_POLICY, &g->last_stage, now_ms);
        }
    }
    if (limits_differ(&g->published_limits, &g->policy.limits)) {
        g->published_limits = g->policy.limits;
        bus_publish(&g->bus, BUS_LIMITS, BUS_FROM_POLICY, &g->published_limits, now_ms);
    }
    if (alarms_differ(&g->published_alarms, &g->policy.alarms)) {
        g->published_alarms = g->policy.alarms;
        bus_publish(&g->bus, BUS_ALARMS, BUS_FROM_POLICY, &g->published_alarms, now_ms);
    }
}

void gateway_configure(struct gateway *g, const struct settings *settings, uint64_t now_ms) {
    g->settings = settings;
    struct tinybms_config bms = gateway_bms_config(settings);
    tinybms_configure(&g->bms, &bms, now_ms);
    struct policy_config policy = gateway_policy_config(settings);
    policy_configure(&g->policy, &policy, now_ms);
    struct victron_config victron = gateway_victron_config(settings);
    victron_configure(&g->victron, &victron, now_ms);
    bus_publish(&g->bus, BUS_CONFIG, BUS_FROM_GATEWAY, settings, now_ms);
    publish_decisions(g, now_ms);
}

/* ---- results of the BMS conversation ---- */

static void handle_command_end(struct gateway *g, const struct tinybms_result *r, uint64_t now_ms) {
    /* gateway_command() accepts no more commands than there is room for answers */
    unsigned at = (unsigned)(g->answer_first + g->answer_count) % GATEWAY_ANSWERS_MAX;
    struct gateway_answer *a = &g->answer[at];
    *a = (struct gateway_answer){
        .sequence = r->id, .err = r->err, .nack = r->nack, .addr = r->addr, .count = r->count};
    memcpy(a->value, r->value, sizeof a->value);
    g->answer_count++;
    g->commands_under_way--;
    bus_publish(&g->bus, BUS_ANSWER, BUS_FROM_BMS, a, now_ms);
}

static void handle_result(struct gateway *g, const struct tinybms_result *r, uint64_t now_ms) {
    switch (r->kind) {
    case TINYBMS_RESULT_SAMPLE:
        if (policy_handle_sample(&g->policy, tinybms_battery(&g->bms), now_ms)) {
            bus_publish(&g->bus, BUS_SAMPLE, BUS_FROM_BMS, &g->policy.sample, now_ms);
        }
        break;
    case TINYBMS_RESULT_BLOCK:
        break; /* taken over with the next good sample */
    case TINYBMS_RESULT_COMMAND:
        handle_command_end(g, r, now_ms);
        break;
    case TINYBMS_RESULT_LINK:
        g->link_change = (struct gateway_link_change){.from = r->from, .to = r->to};
        bus_publish(&g->bus, BUS_BMS_LINK, BUS_FROM_BMS, &g->link_change, now_ms);
        break;
    }
}

static void drain_bms(struct gateway *g, uint64_t now_ms) {
    while (tinybms_next_result(&g->bms, &g->result)) {
        handle_result(g, &g->result, now_ms);
    }
    publish_decisions(g, now_ms);
}

/* ---- ports ---- */

static bool overslept(const struct gateway *g, uint64_t now_ms) {
    return now_ms > g->deadline_ms && now_ms - g->deadline_ms >= OVERSLEPT_MS;
}

/* First of all in every call that could act on what was true before a sleep. */
static void let_time_act(struct gateway *g, uint64_t now_ms) {
    if (overslept(g, now_ms)) {
        (void)gateway_step(g, now_ms);
    }
}

/* What was asked before is not waited for: an answer to it, late in some buffer, is an old one. */
static void begin_conversation_anew(struct gateway *g, uint64_t now_ms) {
    gateway_note(g, now_ms, LOG_OVERSLEPT, saturated_ms(now_ms - g->deadline_ms), 0, 0, 0);
    if (tinybms_link(&g->bms) != TINYBMS_LINK_DOWN) {
        tinybms_set_port(&g->bms, false, now_ms);
        tinybms_set_port(&g->bms, true, now_ms);
    }
}

void gateway_set_uart(struct gateway *g, bool up, uint64_t now_ms) {
    let_time_act(g, now_ms);
    g->now_ms = now_ms;
    tinybms_set_port(&g->bms, up, now_ms);
    tinybms_set_resting(&g->bms, policy_resting(&g->policy), now_ms);
    drain_bms(g, now_ms);
}

void gateway_set_can(struct gateway *g, bool up, uint64_t now_ms) {
    let_time_act(g, now_ms);
    g->now_ms = now_ms;
    if (up != g->can_up) {
        g->can_up = up;
        g->can_changed_ms = now_ms;
        bus_publish(&g->bus, BUS_CAN_LINK, BUS_FROM_PORT, &g->can_up, now_ms);
    }
}

void gateway_uart_rx(struct gateway *g, const uint8_t *bytes, size_t n, uint64_t now_ms) {
    let_time_act(g, now_ms);
    g->now_ms = now_ms;
    tinybms_handle_rx(&g->bms, bytes, n, now_ms);
    drain_bms(g, now_ms);
}

size_t gateway_uart_missing(const struct gateway *g) {
    return tinybms_missing(&g->bms);
}

size_t gateway_uart_tx(struct gateway *g, uint8_t *buf, size_t cap, uint64_t now_ms) {
    let_time_act(g, now_ms);
    return tinybms_tx(&g->bms, buf, cap, now_ms);
}

void gateway_can_rx(struct gateway *g, const struct victron_frame *f, uint64_t now_ms) {
    let_time_act(g, now_ms);
    g->now_ms = now_ms;
    g->can.rx_count++;
    victron_handle_rx(&g->victron, f, now_ms);
}

static bool wants_out_of_turn(const struct gateway *g) {
    return (g->limits_wanted || g->state_wanted) && g->sending;
}

static void ask_for_wanted_frames(struct gateway *g, uint64_t now_ms) {
    bool too_soon = g->out_of_turn_once && now_ms - g->out_of_turn_ms < OUT_OF_TURN_GAP_MS;
    if (!wants_out_of_turn(g) || (too_soon && !g->wanted_at_once)) {
        return;
    }
    g->out_of_turn_once = true;
    g->out_of_turn_ms = now_ms;
    if (g->limits_wanted) {
        victron_send_now(&g->victron, VICTRON_ID_LIMITS);
    }
    if (g->state_wanted) {
        victron_send_now(&g->victron, VICTRON_ID_ALARMS);
        victron_send_now(&g->victron, VICTRON_ID_MODULES);
    }
    g->limits_wanted = g->state_wanted = g->wanted_at_once = false;
}

bool gateway_next_frame(struct gateway *g, struct victron_frame *out, uint64_t now_ms) {
    let_time_act(g, now_ms);
    if (!g->can_up) {
        return false;
    }
    ask_for_wanted_frames(g, now_ms);
    const struct victron_source src = {.battery = &g->policy.sample,
                                       .limits = &g->policy.limits,
                                       .alarms = &g->policy.alarms,
                                       .config = &g->victron.config};
    if (!victron_next_frame(&g->victron, &src, now_ms, out)) {
        return false;
    }
    if (out->id == VICTRON_ID_LIMITS) {
        g->sent_limits = g->policy.limits;
    }
    return true;
}

void gateway_frame_done(struct gateway *g, const struct victron_frame *f, bool written) {
    if (written) {
        g->can.tx_count++;
        return;
    }
    g->can.tx_errors++;
    if (f->id == VICTRON_ID_LIMITS) {
        g->limits_wanted = true; /* with the values of then, not these */
    }
}

/* ---- time ---- */

static void watch_gx(struct gateway *g, uint64_t now_ms) {
    bool present = victron_gx_present(&g->victron, now_ms);
    if (present != g->gx_present) {
        g->gx_present = present;
        g->gx_changed_ms = now_ms;
        g->gx_absence_warned = false;
        bus_publish(&g->bus, BUS_GX, BUS_FROM_VICTRON, &g->gx_present, now_ms);
    }
    if (!present && !g->gx_absence_warned && now_ms - g->gx_changed_ms >= GX_ABSENCE_WARNING_MS) {
        g->gx_absence_warned = true;
        gateway_note(g, now_ms, LOG_GX_ABSENT, 0, 0, 0, 0);
    }
}

static void watch_link_quality(struct gateway *g, uint64_t now_ms) {
    if (now_ms - g->poor_since_ms < LINK_QUALITY_WINDOW_MS) {
        return;
    }
    struct tinybms_counters c;
    tinybms_counters(&g->bms, &c);
    uint32_t asked = c.polls + c.retries;
    uint32_t polls = asked - g->poor_polls;
    uint32_t successes = c.successes - g->poor_successes;
    bool poor = g->bms_link_poor;
    if (policy_resting(&g->policy)) {
        poor = false; /* asleep on purpose */
    } else if (polls >=
               LINK_QUALITY_POLLS_MIN) { /* without a port nothing is asked and nothing known */
        poor = successes < polls / 2;
    }
    g->poor_since_ms = now_ms;
    g->poor_polls = asked;
    g->poor_successes = c.successes;
    if (poor != g->bms_link_poor) {
        g->bms_link_poor = poor;
        gateway_note(g, now_ms, poor ? LOG_BMS_LINK_POOR : LOG_BMS_LINK_GOOD, (int32_t)polls,
                     (int32_t)successes, 0, 0);
        policy_set_link_poor(&g->policy, poor, now_ms);
    }
}

static uint64_t later(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static uint64_t earliest(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t next_deadline(const struct gateway *g, uint64_t bms_ms, uint64_t policy_ms,
                              uint64_t now_ms) {
    uint64_t deadline = earliest(bms_ms, policy_ms);
    if (g->can_up) {
        /* nothing waits for company while limits move */
        bool patient = policy_hurry_ms(&g->policy) == 0;
        deadline = earliest(deadline, patient ? victron_latest_ms(&g->victron, now_ms)
                                              : victron_step(&g->victron, now_ms));
        if (wants_out_of_turn(g)) {
            uint64_t gap_ms = g->wanted_at_once ? 0 : OUT_OF_TURN_GAP_MS;
            deadline = earliest(deadline, g->out_of_turn_ms + gap_ms);
        }
    }
    if (g->gx_present) {
        deadline = earliest(deadline, g->victron.gx_keepalive_ms +
                                          g->victron.config.keepalive_timeout_ms + 1);
    } else if (!g->gx_absence_warned) {
        deadline = earliest(deadline, g->gx_changed_ms + GX_ABSENCE_WARNING_MS);
    }
    return earliest(deadline, g->poor_since_ms + LINK_QUALITY_WINDOW_MS);
}

/* A BMS that nobody uses may sleep; a GX wakes it. */
static void watch_rest(struct gateway *g, uint64_t now_ms) {
    if (g->can_up) { /* without a link nobody can be heard: that is no absence */
        uint64_t absent_ms = now_ms - later(g->gx_changed_ms, g->can_changed_ms);
        policy_set_gx_absent(&g->policy, g->gx_present ? 0 : later(absent_ms, 1), now_ms);
    }
    tinybms_set_resting(&g->bms, policy_resting(&g->policy), now_ms);
}

uint64_t gateway_step(struct gateway *g, uint64_t now_ms) {
    if (overslept(g, now_ms)) {
        begin_conversation_anew(g, now_ms);
    }
    g->now_ms = now_ms;
    watch_gx(g, now_ms);
    watch_rest(g, now_ms);
    tinybms_set_hurry(&g->bms, policy_hurry_ms(&g->policy), now_ms);
    uint64_t bms_ms = tinybms_step(&g->bms, now_ms);
    drain_bms(g, now_ms);
    watch_link_quality(g, now_ms);
    uint64_t policy_ms = policy_step(&g->policy, now_ms);
    publish_decisions(g, now_ms);
    /* what is overdue here is due now: nobody slept */
    g->deadline_ms = later(next_deadline(g, bms_ms, policy_ms, now_ms), now_ms);
    return g->deadline_ms;
}

/* ---- commands ---- */

/* Option 5 restarts the BMS, and so does a new operation mode. */
static bool restarts_bms(const struct gateway_command *c) {
    return (c->kind == GATEWAY_RESET_BMS && c->option == RESET_OPTION_RESTART) ||
           (c->kind == GATEWAY_WRITE_REGISTER && c->addr == REGISTER_OPERATION_MODE);
}

int gateway_command(struct gateway *g, const struct gateway_command *c, uint64_t now_ms) {
    let_time_act(g, now_ms);
    g->now_ms = now_ms;
    if (g->answer_count + g->commands_under_way >= GATEWAY_ANSWERS_MAX) {
        return GW_ERR_BUSY;
    }
    int err = GW_ERR_UNKNOWN;
    switch (c->kind) {
    case GATEWAY_READ_REGISTERS:
        err = tinybms_read(&g->bms, c->sequence, c->addr, c->count);
        break;
    case GATEWAY_WRITE_REGISTER:
        err = tinybms_write(&g->bms, c->sequence, c->addr, c->raw);
        break;
    case GATEWAY_RESET_BMS:
        err = tinybms_reset(&g->bms, c->sequence, c->option);
        break;
    }
    if (err == GW_OK) {
        g->commands_under_way++;
        policy_wake(&g->policy, now_ms);
        if (restarts_bms(c)) {
            policy_expect_restart(&g->policy, now_ms);
        }
    }
    return err;
}

/*@ requires \valid(g) && g->answer_first < GATEWAY_ANSWERS_MAX;
    requires g->answer_count <= GATEWAY_ANSWERS_MAX && \valid(out) && \separated(g, out);
    assigns *out, g->answer_first, g->answer_count;
    ensures g->answer_first < GATEWAY_ANSWERS_MAX;
    ensures \result ==> g->answer_count == \old(g->answer_count) - 1; */
bool gateway_next_answer(struct gateway *g, struct gateway_answer *out) {
    if (g->answer_count == 0) {
        return false;
    }
    *out = g->answer[g->answer_first];
    g->answer_first = (uint8_t)((g->answer_first + 1) % GATEWAY_ANSWERS_MAX);
    g->answer_count--;
    return true;
}

/* ---- what outsiders see ---- */

void gateway_snapshot(const struct gateway *g, struct gateway_snapshot *out, uint64_t now_ms) {
    memset(out, 0, sizeof *out);
    out->now_ms = now_ms;
    out->uptime_ms = now_ms - g->started_ms;
    out->battery = g->policy.sample;
    out->sample_known = g->policy.have_sample;
    out->missing_register = battery_missing_register(tinybms_battery(&g->bms));
    out->sample_age_ms = policy_age_ms(&g->policy, now_ms);
    out->limits = g->policy.limits;
    out->alarms = g->policy.alarms;
    out->stage = g->policy.stage.stage;
    out->stage_reason = g->policy.stage.reason;
    out->charge_state = g->policy.charge.state;
    out->charge_reason = g->policy.charge.reason;
    out->feed_in = g->policy.watch.feed_in;
    out->doubt_bits = g->policy.doubt_bits;
    out->bms_link = tinybms_link(&g->bms);
    out->bms_link_poor = g->bms_link_poor;
    out->cell_order = tinybms_cell_order(&g->bms);
    tinybms_counters(&g->bms, &out->uart);
    out->image = *tinybms_image(&g->bms);
    out->can_up = g->can_up;
    out->can = g->can;
    out->victron = g->victron.counters;
    out->gx_present = victron_gx_present(&g->victron, now_ms);
    out->gx_is_victron = g->victron.gx_is_victron;
    out->gx_age_ms = victron_gx_age_ms(&g->victron, now_ms);
    out->bus = g->bus.counters;
    out->log_dropped = g->log_dropped;
}
