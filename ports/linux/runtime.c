/* SPDX-License-Identifier: MIT */
/* The services: one poll loop in the caller's thread. */
#define _GNU_SOURCE
#include "runtime.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clock.h"
#include "notify.h"
#include "reload.h"
#include "runtime_state.h"
#include "test_hooks.h"

enum {
    TURN_AT_LEAST_MS = 1000, /* so that a thread that is stuck can be told from one without work */
    STATUS_PERIOD_MS = 1000,
    GATEWAY_STILL_MS = 5000, /* where no watchdog says less */
};

/* ---- commands and answers ---- */

/* Unlike any that services before or after these use: an answer may outlive who asked. */
static uint32_t next_sequence(const struct runtime *rt) {
    const uint32_t mask = (UINT32_C(1) << THREAD_SEQUENCE_BITS) - 1;
    return (uint32_t)rt->channel.generation << THREAD_SEQUENCE_BITS | ((rt->sequence + 1) & mask);
}

static int submit(struct runtime *rt, const struct gateway_command *c, bool api,
                  uint32_t *sequence) {
    struct under_way *slot = NULL;
    unsigned api_count = rt->answer_count;
    for (size_t i = 0; i < THREAD_COMMANDS_MAX; i++) {
        if (!rt->under_way[i].used) {
            slot = &rt->under_way[i];
        } else if (rt->under_way[i].api) {
            api_count++;
        }
    }
    if (slot == NULL || (api && api_count >= RUNTIME_ANSWERS_MAX)) {
        return GW_ERR_BUSY;
    }
    struct thread_request r = {.kind = REQUEST_COMMAND, .command = *c};
    r.command.sequence = next_sequence(rt);
    if (!gateway_thread_request(rt->gateway, &rt->channel, &r)) {
        return GW_ERR_BUSY;
    }
    rt->sequence = r.command.sequence;
    *slot = (struct under_way){.used = true, .api = api, .sequence = rt->sequence};
    if (sequence != NULL) {
        *sequence = rt->sequence;
    }
    return GW_OK;
}

int runtime_submit(struct runtime *rt, const struct gateway_command *c, uint32_t *sequence) {
    return submit(rt, c, true, sequence);
}

static int submit_for_control(void *context, const struct gateway_command *c, uint32_t *sequence) {
    return submit(context, c, false, sequence);
}

static const struct gateway_snapshot *snapshot_for_control(void *context) {
    struct runtime *rt = context;
    return snapshot_buffer_latest(&rt->channel.snapshot);
}

static void can_for_control(void *context, struct can_status *out) {
    struct runtime *rt = context;
    can_watch_status(&rt->watch, &rt->gateway->can.feedback, out);
}

const struct control_backend runtime_control_backend = {
    .snapshot = snapshot_for_control,
    .can_status = can_for_control,
    .submit = submit_for_control,
};

bool runtime_snapshot(struct runtime *rt, struct gateway_snapshot *out) {
    const struct gateway_snapshot *s = snapshot_buffer_latest(&rt->channel.snapshot);
    if (s != NULL) {
        *out = *s;
    }
    return s != NULL;
}

bool runtime_next_answer(struct runtime *rt, struct gateway_answer *out) {
    if (rt->answer_count == 0) {
        return false;
    }
    *out = rt->answer[rt->answer_first];
    rt->answer_first = (rt->answer_first + 1) % RUNTIME_ANSWERS_MAX;
    rt->answer_count--;
    return true;
}

static void handle_answer(struct runtime *rt, const struct gateway_answer *a, uint64_t now_ms) {
    for (size_t i = 0; i < THREAD_COMMANDS_MAX; i++) {
        struct under_way *u = &rt->under_way[i];
        if (!u->used || u->sequence != a->sequence) {
            continue;
        }
        u->used = false;
        if (u->api) { /* submit() kept room for it */
            unsigned at = (rt->answer_first + rt->answer_count) % RUNTIME_ANSWERS_MAX;
            rt->answer[at] = *a;
            rt->answer_count++;
        } else if (rt->control != NULL) {
            control_handle_answer(rt->control, a, now_ms);
        }
        return;
    }
}

/* ---- configuration ---- */

enum log_level runtime_log_level(const struct settings *s) {
    static const enum log_level level[] = {
        [SETTINGS_LOG_ERROR] = LOG_ERROR,
        [SETTINGS_LOG_WARN] = LOG_WARN,
        [SETTINGS_LOG_INFO] = LOG_INFO,
        [SETTINGS_LOG_DEBUG] = LOG_DEBUG,
    };
    return level[s->logging.level];
}

static void tell_restart(void *context, const char *key) {
    struct runtime *rt = context;
    log_sink_write(&rt->log, LOG_WARN, "config", "takes effect at the next start key=%s", key);
}

/* Fills the spare copy and hands it to the gateway thread, or leaves everything as it is. */
static void reload(struct runtime *rt) {
    char why[320] = "";
    if (rt->options.reload == NULL) {
        log_sink_write(&rt->log, LOG_INFO, "config", "there is no file to reload");
        rt->reload_wanted = false;
        return;
    }
    if (rt->configuring) {
        return; /* again when the report comes */
    }
    struct settings *spare = &rt->set[1 - rt->current];
    settings_defaults(spare);
    rt->reload_wanted = false;
    if (rt->options.reload(rt->options.reload_context, spare, why, sizeof why) != 0) {
        log_sink_write(&rt->log, LOG_ERROR, "config",
                       "not reloaded, the old configuration stays reason=\"%s\"", why);
        return;
    }
    reload_keep_restart_rows(spare, &rt->started, tell_restart, rt);
    const struct thread_request r = {.kind = REQUEST_CONFIGURE, .settings = spare};
    if (!gateway_thread_request(rt->gateway, &rt->channel, &r)) {
        rt->reload_wanted = true; /* the ring is full: the next turn tries again */
        return;
    }
    rt->current = 1 - rt->current;
    rt->configuring = true;
    rt->log.level = runtime_log_level(spare);
    for (size_t i = 0; i < PORT_LINKS; i++) {
        link_configure(&rt->link[i], spare);
    }
    can_watch_configure(&rt->watch, spare);
}

/* ---- the turn's parts ---- */

static void handle_reports(struct runtime *rt, uint64_t now_ms) {
    struct thread_report r;
    while (!runtime_is_abandoned(rt) && ring_pop(&rt->channel.reports, &r)) {
        switch (r.kind) {
        case REPORT_DETACHED:
            link_detached(&rt->link[r.link], &r, &rt->log, now_ms);
            break;
        case REPORT_CONFIGURED:
            rt->configuring = false;
            break;
        case REPORT_TAKEN_OVER:
            runtime_take_over(rt, now_ms);
            break;
        }
    }
}

uint64_t runtime_wall_clock_ms(void) {
    int64_t ms = clock_wall_offset_ms();
    return ms > 0 ? (uint64_t)ms : 0;
}

/* After the reports and before a reload: the thread tells of a change by its traffic first, and the
 * next one waits for its report, so set[current] is what a TRAFFIC_CONFIGURED here speaks of. */
static void take_traffic(struct runtime *rt) {
    struct traffic_event e;
    recorder_set_clock(&rt->recorder, clock_now_us(), runtime_wall_clock_ms());
    for (unsigned i = 0; i < TRAFFIC_SLOTS && traffic_pop(&rt->channel.traffic, &e); i++) {
        recorder_take(&rt->recorder, &e, &rt->set[rt->current]);
    }
}

void runtime_handle_gateway(struct runtime *rt, uint64_t now_ms) {
    struct gateway_answer a;
    struct log_record record;
    handle_reports(rt, now_ms);
    if (rt->taken_over) {
        take_traffic(rt);
    }
    while (ring_pop(&rt->channel.answers, &a)) {
        handle_answer(rt, &a, now_ms);
    }
    while (!runtime_is_abandoned(rt) && !log_sink_is_full(&rt->log) &&
           ring_pop(&rt->channel.logs, &record)) {
        log_sink_record(&rt->log, &record);
    }
}

static uint64_t step_links(struct runtime *rt, uint64_t now_ms) {
    uint64_t deadline_ms = UINT64_MAX;
    for (size_t i = 0; i < PORT_LINKS && rt->taken_over && !runtime_is_abandoned(rt); i++) {
        struct link *l = &rt->link[i];
        uint64_t at_ms = link_step(l, &rt->log, now_ms);
        if (link_wants_back(l)) {
            const struct thread_request r = {.kind = REQUEST_DETACH, .detach = l->id};
            l->detach_requested = gateway_thread_request(rt->gateway, &rt->channel, &r);
            at_ms = l->detach_requested ? at_ms : now_ms + 1; /* the ring is full */
        }
        if (l->state == LINK_READY) {
            const struct thread_request r = {
                .kind = REQUEST_ATTACH,
                .attach = {.link = l->id, .device = link_device(l)},
            };
            if (gateway_thread_request(rt->gateway, &rt->channel, &r)) {
                link_attached(l, &rt->log, now_ms);
            } else {
                at_ms = now_ms + 1;
            }
        }
        deadline_ms = at_ms < deadline_ms ? at_ms : deadline_ms;
    }
    atomic_store_explicit(&rt->links_tried, rt->taken_over, memory_order_release);
    return deadline_ms;
}

static uint64_t step_watch(struct runtime *rt, uint64_t now_ms) {
    const struct link *l = &rt->link[PORT_CAN];
    const bool attached = l->state == LINK_ATTACHED;
    const uint64_t bus_ms = can_watch_step(&rt->watch, &rt->gateway->can.feedback,
                                           attached ? l->fd : -1, &rt->log, now_ms);
    const uint64_t adapter_ms =
        adapter_watch_step(&rt->adapter, &rt->gateway->can.feedback,
                           attached && l->spec.kind == LINK_SLCAN, &rt->log, now_ms);
    return bus_ms < adapter_ms ? bus_ms : adapter_ms;
}

static void tell_stop(struct runtime *rt, int signal) {
    log_sink_write(&rt->log, LOG_INFO, "gateway", "stopping signal=%s",
                   signal == SIGINT ? "SIGINT" : "SIGTERM");
    rt->stopping = true;
}

static void handle_signals(struct runtime *rt) {
    struct signalfd_siginfo info;
    while (read(rt->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP) {
            rt->reload_wanted = true;
        } else {
            tell_stop(rt, (int)info.ssi_signo);
        }
    }
}

static void clear_counter(int fd) {
    uint64_t count;
    (void)!read(fd, &count, sizeof count); /* non-blocking; whether it was set does not matter */
}

/* ---- what is told of the gateway thread ---- */

static void watch_gateway(struct runtime *rt) {
    struct gateway_watch *w = &rt->gateway_watch;
    const uint64_t awake_ms = clock_awake_ms();
    const uint64_t limit_ms =
        rt->options.gateway_still_ms != 0 ? rt->options.gateway_still_ms : GATEWAY_STILL_MS;
    const uint32_t turns = atomic_load_explicit(&rt->gateway->turns, memory_order_relaxed);
    if (turns != w->turns || w->moved_ms == 0) {
        if (w->told) {
            log_sink_write(&rt->log, LOG_WARN, "gateway",
                           "the battery path makes progress again after_ms=%llu",
                           (unsigned long long)(awake_ms - w->moved_ms));
        }
        *w = (struct gateway_watch){.turns = turns, .moved_ms = awake_ms};
    } else if (!w->told && awake_ms - w->moved_ms >= limit_ms) {
        w->told = true;
        log_sink_write(&rt->log, LOG_ERROR, "gateway",
                       "the battery path makes no progress for_ms=%llu next=\"%s\"",
                       (unsigned long long)(awake_ms - w->moved_ms),
                       rt->options.gateway_still_ms != 0
                           ? "the service manager's watchdog restarts it"
                           : "restart the gateway");
    }
}

/* One line for whoever asks the service manager. */
static void tell_status(struct runtime *rt, uint64_t now_ms) {
    char text[RUNTIME_STATUS_MAX];
    if (rt->options.notify == NULL || now_ms < rt->status_at_ms) {
        return;
    }
    rt->status_at_ms = now_ms + STATUS_PERIOD_MS;
    const struct gateway_snapshot *s = snapshot_buffer_latest(&rt->channel.snapshot);
    if (s == NULL) {
        return;
    }
    (void)snprintf(text, sizeof text, "BMS %s, data %s, CAN %s, GX %s",
                   tinybms_link_text(s->bms_link), stage_text(s->stage), s->can_up ? "up" : "down",
                   s->gx_present ? "present" : "not heard");
    if (strcmp(text, rt->status) != 0 && notify_status(rt->options.notify, text)) {
        memcpy(rt->status, text, sizeof text);
    }
}

/* ---- a turn ---- */

static void take_orders(struct runtime *rt) {
    const uint32_t asked = atomic_load_explicit(&rt->reloads_asked, memory_order_acquire);
    const int signal = atomic_load_explicit(&rt->stop_signal, memory_order_acquire);
    if (asked != rt->reloads_seen) {
        rt->reloads_seen = asked;
        rt->reload_wanted = true;
    }
    if (signal != 0 && !rt->stopping) {
        tell_stop(rt, signal);
    }
    if (rt->reload_wanted) {
        reload(rt);
    }
    if (!rt->reload_wanted && !rt->configuring) {
        atomic_store_explicit(&rt->reloads_done, rt->reloads_seen, memory_order_release);
    }
}

static int wait_ms(uint64_t deadline_ms, uint64_t now_ms, int timeout_ms) {
    if (deadline_ms <= now_ms) {
        return 0;
    }
    uint64_t rest =
        deadline_ms - now_ms < TURN_AT_LEAST_MS ? deadline_ms - now_ms : TURN_AT_LEAST_MS;
    return timeout_ms >= 0 && rest > (uint64_t)timeout_ms ? timeout_ms : (int)rest;
}

enum { GATEWAY, STOP, SIGNALS, LOG, WATCH, LINKS, CONTROL = LINKS + PORT_LINKS };
enum { POLL_FDS = CONTROL + CONTROL_POLL_FDS };

/* What to wait for; returns until when. *n: entries of p. */
static uint64_t prepare(struct runtime *rt, struct pollfd p[POLL_FDS], size_t *n, uint64_t now_ms) {
    uint64_t deadline_ms = step_links(rt, now_ms), control_ms = UINT64_MAX;
    const uint64_t watch_ms = step_watch(rt, now_ms);
    deadline_ms = watch_ms < deadline_ms ? watch_ms : deadline_ms;
    p[GATEWAY] = (struct pollfd){.fd = rt->channel.services_fd, .events = POLLIN};
    p[STOP] = (struct pollfd){.fd = rt->stop_fd, .events = POLLIN};
    p[SIGNALS] = (struct pollfd){.fd = rt->signal_fd, .events = POLLIN};
    p[WATCH] = (struct pollfd){.fd = can_watch_wait_fd(&rt->watch), .events = POLLIN};
    p[LOG] = (struct pollfd){.fd = log_sink_wait_fd(&rt->log), .events = POLLOUT};
    for (size_t i = 0; i < PORT_LINKS; i++) {
        p[LINKS + i] = (struct pollfd){.fd = -1};
        if (rt->taken_over) {
            p[LINKS + i].fd = link_wait_fd(&rt->link[i], &p[LINKS + i].events);
        }
    }
    *n = CONTROL;
    if (rt->control != NULL) {
        *n += control_poll_fds(rt->control, p + CONTROL, &control_ms);
    }
    return control_ms < deadline_ms ? control_ms : deadline_ms;
}

static void serve(struct runtime *rt, const struct pollfd p[POLL_FDS], size_t n, uint64_t now_ms) {
    if (p[GATEWAY].revents != 0) {
        clear_counter(rt->channel.services_fd);
    }
    if (p[SIGNALS].revents != 0) {
        handle_signals(rt);
    }
    log_sink_flush(&rt->log);
    runtime_handle_gateway(rt, now_ms);
    if (p[WATCH].revents != 0 &&
        can_watch_receive(&rt->watch, &rt->gateway->can.feedback, &rt->log, now_ms)) {
        link_hurry(&rt->link[PORT_CAN], now_ms);
    }
    if (rt->control != NULL && n > CONTROL && !runtime_is_abandoned(rt)) {
        control_serve(rt->control, p + CONTROL, n - CONTROL, now_ms);
    }
    watch_gateway(rt);
    tell_status(rt, now_ms);
    take_orders(rt);
    rt->stopping = rt->stopping || p[STOP].revents != 0;
}

bool runtime_poll(struct runtime *rt, int timeout_ms) {
    struct pollfd p[POLL_FDS];
    size_t n = 0;
    test_hook_hold_services();
    atomic_fetch_add_explicit(&rt->channel.turns, 1, memory_order_release);
    if (runtime_is_abandoned(rt)) {
        return false;
    }
    if (!rt->begun) {
        runtime_begin(rt);
    }
    uint64_t now_ms = clock_now_ms();
    uint64_t deadline_ms = prepare(rt, p, &n, now_ms);
    if (!rt->stopping && !runtime_is_abandoned(rt) &&
        poll(p, n, wait_ms(deadline_ms, now_ms, timeout_ms)) >= 0 && !runtime_is_abandoned(rt)) {
        serve(rt, p, n, clock_now_ms());
    }
    return !rt->stopping && !runtime_is_abandoned(rt);
}

void runtime_run(struct runtime *rt) {
    while (runtime_poll(rt, -1)) {
    }
}
