/* SPDX-License-Identifier: MIT */
#include "rig.h"

#include <stdio.h>
#include <string.h>

enum {
    START_MS = 1000,
    ROUNDS_MAX = 64, /* of one millisecond */
    UART_CHUNK = 512,
    RESTART_OPTION = 5,
    CLEAR_EVENTS_OPTION = 1,
    OPERATION_MODE = 340, /* the register; writing it restarts the BMS */
};

static uint64_t to_ms(uint64_t us) {
    return us / 1000 + (us % 1000 != 0);
}

static uint64_t sooner(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static struct contract_config contract_settings(const struct settings *s) {
    return (struct contract_config){
        .close_ms = s->tinybms.stale_close_ms,
        .zero_ms = s->tinybms.stale_zero_ms,
        .zero_discharge_ms = s->tinybms.stale_zero_discharge_ms,
        .silent_ms = s->tinybms.stale_silent_ms,
        .poll_ms = s->tinybms.poll_interval_ms,
        .period_ms = s->victron.pgn_update_interval_ms,
        .keepalive_timeout_ms = s->victron.keepalive_timeout_ms,
        .cvl_margin_mv = s->cvl.margin_mv,
        .series_cells = s->battery.series_cells,
        .soh_when_unknown = s->victron.soh_when_unknown,
        .invert_current = s->hardware.uart.invert_current,
        .low_power = s->tinybms.low_power,
    };
}

/* ---- what flows ---- */

/* The house obeys what the GX received; nothing flows without a fresh 0x351. */
static void obey_gx(struct rig *r, bool fresh_limits) {
    int64_t cvl = 0, ccl = 0, dcl = 0;
    bool runs = r->gx_there && sim_gx_running(&r->gx, r->now_ms * 1000);
    if (runs == r->house_runs && !(runs && fresh_limits))
        return;
    r->house_runs = runs;
    if (runs) {
        (void)sim_gx_value(&r->gx, SIM_GX_CVL, &cvl);
        (void)sim_gx_value(&r->gx, SIM_GX_CCL, &ccl);
        (void)sim_gx_value(&r->gx, SIM_GX_DCL, &dcl);
    }
    sim_bms_set_house(&r->bms, (double)cvl / 10.0, ccl > 0 ? (double)ccl / 10.0 : 0.0,
                      dcl > 0 ? (double)dcl / 10.0 : 0.0);
}

static void keep_frame(struct rig *r, const struct sim_can_frame *f) {
    struct rig_frame kept = {.at_ms = rig_elapsed_ms(r), .frame = *f};
    int i = sim_gx_message_index(f->id);
    r->recent[r->frames++ % RIG_FRAMES] = kept;
    if (i >= 0) {
        r->last[i] = kept;
        r->has_last[i] = true;
    }
}

static void frame_to_bus(struct rig *r, const struct victron_frame *v) {
    struct sim_can_frame f = {.id = v->id, .len = v->len};
    memcpy(f.data, v->data, sizeof f.data);
    keep_frame(r, &f);
    contract_frame(&r->contract, &f, r->now_ms);
    if (r->observer.frame != NULL)
        r->observer.frame(r->observer.context, &f, rig_elapsed_ms(r));
    if (r->gx_there)
        sim_gx_handle_rx(&r->gx, &f, r->now_ms * 1000);
    obey_gx(r, f.id == VICTRON_ID_LIMITS);
}

static bool move_frames(struct rig *r) {
    struct victron_frame v;
    struct sim_can_frame f;
    bool moved = false;
    while (gateway_next_frame(&r->gateway, &v, r->now_ms)) {
        gateway_frame_done(&r->gateway, &v, r->can_flows);
        if (r->can_flows)
            frame_to_bus(r, &v);
        moved = true;
    }
    while (sim_gx_next_frame(&r->gx, r->now_ms * 1000, &f)) {
        if (!r->gx_there || !r->can_up)
            continue;
        v = (struct victron_frame){.id = (uint16_t)f.id, .len = f.len};
        memcpy(v.data, f.data, sizeof v.data);
        if (f.id == VICTRON_ID_GX_KEEPALIVE)
            contract_gx(&r->contract, r->now_ms);
        gateway_can_rx(&r->gateway, &v, r->now_ms);
        moved = true;
    }
    return moved;
}

static bool move_bytes(struct rig *r) {
    uint8_t bytes[UART_CHUNK];
    uint64_t now_us = r->now_ms * 1000;
    bool moved = false;
    size_t n = sim_bms_tx(&r->bms, bytes, sizeof bytes, now_us);
    if (n > 0 && r->uart_up) {
        contract_answered(&r->contract, bytes, n, r->now_ms);
        gateway_uart_rx(&r->gateway, bytes, n, r->now_ms);
        moved = true;
    }
    n = gateway_uart_tx(&r->gateway, bytes, sizeof bytes, r->now_ms);
    if (n > 0) {
        contract_asked(&r->contract, bytes, n, r->now_ms);
        if (r->observer.request != NULL)
            r->observer.request(r->observer.context, rig_elapsed_ms(r));
        scenario_player_lie(&r->player, &r->bms);
        sim_bms_handle_rx(&r->bms, bytes, n, now_us);
        moved = true;
    }
    return moved;
}

static void tell_observer(struct rig *r) {
    struct log_record record;
    struct gateway_answer answer;
    while (gateway_next_log(&r->gateway, &record)) {
        if (r->observer.log != NULL)
            r->observer.log(r->observer.context, &record, rig_elapsed_ms(r));
    }
    while (gateway_next_answer(&r->gateway, &answer)) {
        if (r->observer.answer != NULL)
            r->observer.answer(r->observer.context, &answer, rig_elapsed_ms(r));
    }
}

/* All that belongs to this millisecond. */
static void settle(struct rig *r) {
    bool moved = true;
    for (unsigned round = 0; moved && round < ROUNDS_MAX; round++) {
        r->bms_due_us = sim_bms_step(&r->bms, r->now_ms * 1000);
        scenario_player_lie(&r->player, &r->bms);
        r->gateway_due_ms = gateway_step(&r->gateway, r->now_ms);
        moved = move_bytes(r);
        moved = move_frames(r) || moved;
    }
    obey_gx(r, false);
    tell_observer(r);
}

/* ---- what the scenario does to the gateway and its ports ---- */

static bool refuse(struct rig *r, const struct scenario_line *line, const char *why) {
    if (r->refused == 0) {
        r->refused = line->line;
        (void)snprintf(r->why, sizeof r->why, "line %u cannot be done: %s", line->line, why);
    }
    return false;
}

static bool assign(struct rig *r, const struct scenario_line *line, struct settings *s) {
    struct settings_error e = {0};
    if (settings_assign(s, line->word, &e) != 0)
        return refuse(r, line, e.text);
    return true;
}

static void set_setting(struct rig *r, const struct scenario_line *line) {
    struct settings *next = &r->settings[1 - r->settings_now];
    struct settings_error e = {0};
    *next = r->settings[r->settings_now];
    if (!assign(r, line, next))
        return;
    if (settings_check(next, &e) != 0) {
        refuse(r, line, e.text);
        return;
    }
    struct contract_config cfg = contract_settings(next);
    r->settings_now = 1 - r->settings_now;
    contract_configure(&r->contract, &cfg, r->now_ms);
    gateway_configure(&r->gateway, next, r->now_ms);
}

static void start_gateway(struct rig *r) {
    gateway_init(&r->gateway, &r->settings[r->settings_now], r->now_ms);
    gateway_set_uart(&r->gateway, r->uart_up, r->now_ms);
    gateway_set_can(&r->gateway, r->can_up, r->now_ms);
}

/* A command that is refused ends as one that fails. */
static void command(struct rig *r, const struct gateway_command *c) {
    struct gateway_command numbered = *c;
    numbered.sequence = ++r->commands;
    int err = gateway_command(&r->gateway, &numbered, r->now_ms);
    bool mode = c->kind == GATEWAY_WRITE_REGISTER && c->addr == OPERATION_MODE;
    bool restart = c->kind == GATEWAY_RESET_BMS && c->option == RESTART_OPTION;
    if (err == GW_OK && (mode || restart))
        contract_order(&r->contract, r->now_ms);
    struct gateway_answer refused = {.sequence = numbered.sequence, .err = err, .addr = c->addr};
    if (err != GW_OK && r->observer.answer != NULL)
        r->observer.answer(r->observer.context, &refused, rig_elapsed_ms(r));
}

static void set_can(struct rig *r, bool up) {
    r->can_up = up;
    contract_can(&r->contract, r->can_up && r->can_flows, r->now_ms);
    gateway_set_can(&r->gateway, up, r->now_ms);
}

static void set_uart(struct rig *r, bool up) {
    uint8_t lost[UART_CHUNK];
    r->uart_up = up;
    (void)sim_bms_tx(&r->bms, lost, sizeof lost, r->now_ms * 1000);
    contract_uart(&r->contract, up, r->now_ms);
    gateway_set_uart(&r->gateway, up, r->now_ms);
}

static void do_command(struct rig *r, const struct scenario_line *line) {
    uint16_t addr = (uint16_t)(line->number[0] / 1000);
    struct gateway_command c = {.kind = GATEWAY_RESET_BMS, .option = RESTART_OPTION};
    switch ((int)line->verb) {
    case SCENARIO_GATEWAY_CLEARS_EVENTS:
        c.option = CLEAR_EVENTS_OPTION;
        break;
    case SCENARIO_GATEWAY_READS:
        c = (struct gateway_command){.kind = GATEWAY_READ_REGISTERS, .addr = addr, .count = 1};
        break;
    case SCENARIO_GATEWAY_WRITES:
        c = (struct gateway_command){.kind = GATEWAY_WRITE_REGISTER,
                                     .addr = addr,
                                     .raw = (uint32_t)(line->number[1] / 1000)};
        break;
    default:
        break;
    }
    command(r, &c);
}

/* What counts a silence is 0 without one; then it begins again from there. */
static void set_silence_near_wrap(struct gateway *g) {
    const uint32_t near = UINT32_MAX - 20;
    if (g->bms.fast.failures > 0)
        g->bms.fast.failures = near;
    if (g->bms.transaction.attempt > 0)
        g->bms.transaction.attempt = near;
    for (unsigned i = 0; i < BATTERY_GROUP_COUNT; i++) {
        if (g->bms.slow[i].failures > 0)
            g->bms.slow[i].failures = near;
    }
}

/* Every counter of 32 bits, shortly before it wraps; what is compared with them as well. */
static void set_counters_near_wrap(struct gateway *g) {
    const uint32_t near = UINT32_MAX - 200;
    struct tinybms_counters *c = &g->bms.transaction.counters;
    c->polls = c->successes = c->timeouts = c->crc_errors = c->nacks = near;
    c->resyncs = c->retries = c->nonsense_values = near;
    g->poor_polls = c->polls + c->retries;
    g->poor_successes = c->successes;
    g->bms.fast.turns = g->bms.slow_fast_turns = g->bms.command_fast_turns = near;
    g->bms.battery.samples = near;
    g->policy.trust.doubted = g->policy.changes_dropped = near;
    g->can.tx_count = g->can.tx_errors = g->can.rx_count = near;
    g->victron.counters = (struct victron_counters){near, near, near, near, near, near};
    g->log_dropped = g->log_dropped_told = near;
    g->bus.counters.dropped = near;
    set_silence_near_wrap(g);
    for (unsigned i = 0; i < BUS_TYPE_COUNT; i++)
        g->bus.counters.published[i] = g->bus.latest[i].sequence = UINT32_MAX - 3;
    for (unsigned i = 0; i < BUS_SUBSCRIBERS_MAX; i++)
        g->bus.counters.delivered[i] = UINT32_MAX - 3;
}

/* Sentences of the BMS are done already. */
static void act(struct rig *r, const struct scenario_line *line) {
    switch ((int)line->verb) {
    case SCENARIO_GX_ABSENT:
    case SCENARIO_GX_PRESENT:
        r->gx_there = line->verb == SCENARIO_GX_PRESENT;
        break;
    case SCENARIO_CAN_DOWN:
    case SCENARIO_CAN_UP:
        set_can(r, line->verb == SCENARIO_CAN_UP);
        break;
    case SCENARIO_CAN_STALL:
    case SCENARIO_CAN_FLOW:
        r->can_flows = line->verb == SCENARIO_CAN_FLOW;
        contract_can(&r->contract, r->can_up && r->can_flows, r->now_ms);
        break;
    case SCENARIO_UART_DOWN:
    case SCENARIO_UART_UP:
        set_uart(r, line->verb == SCENARIO_UART_UP);
        break;
    case SCENARIO_GATEWAY_SET:
        set_setting(r, line);
        break;
    case SCENARIO_GATEWAY_RESTARTS_BMS:
    case SCENARIO_GATEWAY_CLEARS_EVENTS:
    case SCENARIO_GATEWAY_READS:
    case SCENARIO_GATEWAY_WRITES:
        do_command(r, line);
        break;
    case SCENARIO_GATEWAY_STARTS_AGAIN:
        contract_restart(&r->contract, r->now_ms);
        start_gateway(r);
        break;
    case SCENARIO_COUNTERS_NEAR_WRAP:
        set_counters_near_wrap(&r->gateway);
        r->commands = UINT32_MAX - 1;
        break;
    case SCENARIO_END:
        r->ended = true;
        break;
    default:
        break;
    }
}

/* ---- time ---- */

static void live_this_moment(struct rig *r) {
    const struct scenario_line *line;
    settle(r);
    contract_moment(&r->contract, r->now_ms);
    if (r->observer.moment != NULL)
        r->observer.moment(r->observer.context, rig_elapsed_ms(r));
    while ((line = scenario_player_next(&r->player, &r->bms, r->now_ms * 1000)) != NULL) {
        if (r->observer.action != NULL)
            r->observer.action(r->observer.context, line, rig_elapsed_ms(r));
        act(r, line);
        r->gateway_due_ms = r->now_ms;
    }
}

static bool take_settings(struct rig *r) {
    const struct scenario *s = r->scenario;
    struct settings_error e = {0};
    settings_defaults(&r->settings[0]);
    for (unsigned i = 0; i < s->givens; i++) {
        if (s->given[i].verb == SCENARIO_SETTING && !assign(r, &s->given[i], &r->settings[0]))
            return false;
        if (s->given[i].verb == SCENARIO_CLOCK)
            r->start_ms = (uint64_t)s->given[i].number[0] / 1000;
    }
    if (settings_check(&r->settings[0], &e) == 0)
        return true;
    (void)snprintf(r->why, sizeof r->why, "the settings do not fit together: %s", e.text);
    return false;
}

static void start_simulators(struct rig *r) {
    const uint64_t now_us = r->now_ms * 1000;
    struct sim_bms_config cfg;
    sim_bms_defaults(&cfg);
    scenario_config(r->scenario, &cfg);
    sim_bms_init(&r->bms, &cfg, now_us);
    sim_bms_set_house(&r->bms, 0.0, 0.0, 0.0); /* until the GX hears of limits */
    scenario_player_init(&r->player, r->scenario, &r->bms, now_us);
    sim_gx_init(&r->gx, now_us);
}

bool rig_start(struct rig *r, const struct scenario *s, const struct rig_observer *observer) {
    memset(r, 0, sizeof *r);
    r->scenario = s;
    if (observer != NULL)
        r->observer = *observer;
    r->uart_up = r->can_up = r->can_flows = r->gx_there = true;
    r->start_ms = START_MS;
    if (!take_settings(r))
        return false;
    r->now_ms = r->start_ms;
    start_simulators(r);
    struct contract_config contract = contract_settings(&r->settings[0]);
    contract_init(&r->contract, &contract, r->now_ms);
    contract_uart(&r->contract, true, r->now_ms);
    contract_can(&r->contract, true, r->now_ms);
    start_gateway(r);
    for (unsigned i = 0; i < s->givens; i++)
        act(r, &s->given[i]);
    live_this_moment(r);
    return r->refused == 0;
}

void rig_run(struct rig *r, uint64_t until_ms) {
    uint64_t end_ms = r->start_ms + until_ms;
    while (r->now_ms < end_ms && !r->ended) {
        uint64_t next_ms = sooner(r->gateway_due_ms, to_ms(r->bms_due_us));
        next_ms = sooner(next_ms, to_ms(sim_gx_step(&r->gx, r->now_ms * 1000)));
        next_ms = sooner(next_ms, to_ms(scenario_player_due_us(&r->player)));
        next_ms = sooner(next_ms, end_ms);
        r->now_ms = next_ms > r->now_ms ? next_ms : r->now_ms + 1;
        live_this_moment(r);
    }
}
