/* SPDX-License-Identifier: MIT */
/* The services: one poll loop in the caller's thread. */
#define _GNU_SOURCE
#include "runtime.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "adapter_watch.h"
#include "can_watch.h"
#include "clock.h"
#include "control.h"
#include "gateway_thread.h"
#include "link.h"
#include "log_sink.h"
#include "recorder.h"
#include "reload.h"
#include "version.h"

/* A command under way: its answer goes to runtime_next_answer() or to the control socket. */
struct under_way {
    bool used, api;
    uint32_t sequence;
};

struct runtime {
    struct gateway_thread gateway; /* first: it is aligned to cache lines */
    struct runtime_options options;
    struct settings started; /* for what needs a restart */
    struct settings set[2];  /* set[current] is lent to the gateway thread */
    unsigned current;
    bool configuring; /* the other one is still lent, too */
    bool reload_wanted;
    bool stopping;

    struct log_sink log;
    struct link link[PORT_LINKS];
    struct can_watch watch;       /* of a SocketCAN interface */
    struct adapter_watch adapter; /* of a serial CAN adapter */
    struct control *control;      /* NULL: none */
    struct recorder recorder;
    int stop_fd;   /* eventfd: runtime_request_stop() */
    int signal_fd; /* -1: none */
    sigset_t old_signals;

    uint32_t sequence;
    struct under_way under_way[THREAD_COMMANDS_MAX];
    struct gateway_answer answer[RUNTIME_ANSWERS_MAX];
    unsigned answer_first, answer_count;
};

/* ---- commands and answers ---- */

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
    r.command.sequence = rt->sequence + 1;
    if (!gateway_thread_request(&rt->gateway, &r)) {
        return GW_ERR_BUSY;
    }
    rt->sequence++;
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
    return snapshot_buffer_latest(&rt->gateway.snapshot);
}

static void can_for_control(void *context, struct can_status *out) {
    struct runtime *rt = context;
    can_watch_status(&rt->watch, &rt->gateway.can.feedback, out);
}

bool runtime_snapshot(struct runtime *rt, struct gateway_snapshot *out) {
    const struct gateway_snapshot *s = snapshot_buffer_latest(&rt->gateway.snapshot);
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

static enum log_level log_level_of(const struct settings *s) {
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
    if (!gateway_thread_request(&rt->gateway, &r)) {
        rt->reload_wanted = true; /* the ring is full: the next turn tries again */
        return;
    }
    rt->current = 1 - rt->current;
    rt->configuring = true;
    rt->log.level = log_level_of(spare);
    for (size_t i = 0; i < PORT_LINKS; i++) {
        link_configure(&rt->link[i], spare);
    }
    can_watch_configure(&rt->watch, spare);
}

/* ---- the turn's parts ---- */

static void handle_reports(struct runtime *rt, uint64_t now_ms) {
    struct thread_report r;
    while (ring_pop(&rt->gateway.reports, &r)) {
        switch (r.kind) {
        case REPORT_DETACHED:
            link_detached(&rt->link[r.link], &r, &rt->log, now_ms);
            break;
        case REPORT_CONFIGURED:
            rt->configuring = false;
            break;
        }
    }
}

/* The wall clock can be before 1970 on a machine without a battery for it. */
static uint64_t wall_clock_ms(void) {
    int64_t ms = clock_wall_offset_ms();
    return ms > 0 ? (uint64_t)ms : 0;
}

/* After the reports and before a reload: the thread tells of a change by its traffic first, and the
 * next one waits for its report, so set[current] is what a TRAFFIC_CONFIGURED here speaks of. */
static void take_traffic(struct runtime *rt) {
    struct traffic_event e;
    recorder_set_clock(&rt->recorder, clock_now_us(), wall_clock_ms());
    for (unsigned i = 0; i < TRAFFIC_SLOTS && traffic_pop(&rt->gateway.traffic, &e); i++) {
        recorder_take(&rt->recorder, &e, &rt->set[rt->current]);
    }
}

static void handle_gateway(struct runtime *rt, uint64_t now_ms) {
    struct gateway_answer a;
    struct log_record record;
    handle_reports(rt, now_ms);
    take_traffic(rt);
    while (ring_pop(&rt->gateway.answers, &a)) {
        handle_answer(rt, &a, now_ms);
    }
    while (!log_sink_is_full(&rt->log) && ring_pop(&rt->gateway.logs, &record)) {
        log_sink_record(&rt->log, &record);
    }
}

static uint64_t step_links(struct runtime *rt, uint64_t now_ms) {
    uint64_t deadline_ms = UINT64_MAX;
    for (size_t i = 0; i < PORT_LINKS; i++) {
        struct link *l = &rt->link[i];
        uint64_t at_ms = link_step(l, &rt->log, now_ms);
        if (link_wants_back(l)) {
            const struct thread_request r = {.kind = REQUEST_DETACH, .detach = l->id};
            l->detach_requested = gateway_thread_request(&rt->gateway, &r);
            at_ms = l->detach_requested ? at_ms : now_ms + 1; /* the ring is full */
        }
        if (l->state == LINK_READY) {
            const struct thread_request r = {
                .kind = REQUEST_ATTACH,
                .attach = {.link = l->id,
                           .fd = l->fd,
                           .transport =
                               l->spec.kind == LINK_SOCKETCAN ? CAN_OVER_SOCKETCAN : CAN_OVER_SLCAN,
                           .listen_only = l->config.listen_only},
            };
            if (gateway_thread_request(&rt->gateway, &r)) {
                link_attached(l, &rt->log, now_ms);
            } else {
                at_ms = now_ms + 1;
            }
        }
        deadline_ms = at_ms < deadline_ms ? at_ms : deadline_ms;
    }
    return deadline_ms;
}

static uint64_t step_watch(struct runtime *rt, uint64_t now_ms) {
    const struct link *l = &rt->link[PORT_CAN];
    const bool attached = l->state == LINK_ATTACHED;
    const uint64_t bus_ms = can_watch_step(&rt->watch, &rt->gateway.can.feedback,
                                           attached ? l->fd : -1, &rt->log, now_ms);
    const uint64_t adapter_ms =
        adapter_watch_step(&rt->adapter, &rt->gateway.can.feedback,
                           attached && l->spec.kind == LINK_SLCAN, &rt->log, now_ms);
    return bus_ms < adapter_ms ? bus_ms : adapter_ms;
}

static void handle_signals(struct runtime *rt) {
    struct signalfd_siginfo info;
    while (read(rt->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP) {
            rt->reload_wanted = true;
        } else {
            log_sink_write(&rt->log, LOG_INFO, "gateway", "stopping signal=%s",
                           info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
            rt->stopping = true;
        }
    }
}

static void clear_counter(int fd) {
    uint64_t count;
    (void)!read(fd, &count, sizeof count); /* non-blocking; whether it was set does not matter */
}

static int wait_ms(uint64_t deadline_ms, uint64_t now_ms, int timeout_ms) {
    if (deadline_ms <= now_ms) {
        return 0;
    }
    uint64_t rest = deadline_ms - now_ms;
    if (timeout_ms >= 0 && rest > (uint64_t)timeout_ms) {
        return timeout_ms;
    }
    return deadline_ms == UINT64_MAX ? -1 : rest > INT32_MAX ? INT32_MAX : (int)rest;
}

bool runtime_poll(struct runtime *rt, int timeout_ms) {
    enum { GATEWAY, STOP, SIGNALS, LOG, WATCH, LINKS, CONTROL = LINKS + PORT_LINKS };
    struct pollfd p[CONTROL + CONTROL_POLL_FDS] = {
        [GATEWAY] = {.fd = rt->gateway.services_fd, .events = POLLIN},
        [STOP] = {.fd = rt->stop_fd, .events = POLLIN},
        [SIGNALS] = {.fd = rt->signal_fd, .events = POLLIN},
    };
    uint64_t now_ms = clock_now_ms(), control_ms = UINT64_MAX;
    uint64_t deadline_ms = step_links(rt, now_ms);
    const uint64_t watch_ms = step_watch(rt, now_ms);
    deadline_ms = watch_ms < deadline_ms ? watch_ms : deadline_ms;
    size_t n = CONTROL, clients = 0;
    p[WATCH] = (struct pollfd){.fd = can_watch_wait_fd(&rt->watch), .events = POLLIN};
    p[LOG] = (struct pollfd){.fd = log_sink_wait_fd(&rt->log), .events = POLLOUT};
    for (size_t i = 0; i < PORT_LINKS; i++) {
        p[LINKS + i].fd = link_wait_fd(&rt->link[i], &p[LINKS + i].events);
    }
    if (rt->control != NULL) {
        clients = control_poll_fds(rt->control, p + n, &control_ms);
        n += clients;
        deadline_ms = control_ms < deadline_ms ? control_ms : deadline_ms;
    }
    if (rt->stopping || poll(p, n, wait_ms(deadline_ms, now_ms, timeout_ms)) < 0) {
        return !rt->stopping;
    }
    now_ms = clock_now_ms();
    if (p[GATEWAY].revents != 0) {
        clear_counter(rt->gateway.services_fd);
    }
    if (p[SIGNALS].revents != 0) {
        handle_signals(rt);
    }
    rt->stopping = rt->stopping || p[STOP].revents != 0;
    log_sink_flush(&rt->log);
    handle_gateway(rt, now_ms);
    if (p[WATCH].revents != 0 &&
        can_watch_receive(&rt->watch, &rt->gateway.can.feedback, &rt->log, now_ms)) {
        link_hurry(&rt->link[PORT_CAN], now_ms);
    }
    if (rt->control != NULL) {
        control_serve(rt->control, p + CONTROL, clients, now_ms);
    }
    if (rt->reload_wanted) {
        reload(rt);
    }
    return !rt->stopping;
}

void runtime_run(struct runtime *rt) {
    while (runtime_poll(rt, -1)) {
    }
}

void runtime_request_stop(struct runtime *rt) {
    (void)eventfd_write(rt->stop_fd, 1);
}

/* ---- start and stop ---- */

static void open_control(struct runtime *rt) {
    char path[CONTROL_PATH_MAX];
    const struct control_backend backend = {.context = rt,
                                            .snapshot = snapshot_for_control,
                                            .can_status = can_for_control,
                                            .submit = submit_for_control,
                                            .recorder = &rt->recorder};
    if (!rt->options.control_socket) {
        return;
    }
    int err = control_path(rt->started.advanced.control_socket, path)
                  ? control_open(&rt->control, path, &backend, &rt->log)
                  : -ENAMETOOLONG;
    if (err == 0) {
        log_sink_write(&rt->log, LOG_INFO, "control", "listening path=%s", path);
        return;
    }
    log_sink_write(&rt->log, LOG_WARN, "control",
                   "no control socket: status and registers cannot ask this gateway path=%s "
                   "reason=\"%s\" next=\"set advanced.control_socket\"",
                   path, err == -EADDRINUSE ? "another gateway has it" : strerror(-err));
}

/* A name that no other start of a gateway has; early in a boot there may be no randomness yet. */
static void open_recorder(struct runtime *rt) {
    uint64_t number = clock_now_us() + wall_clock_ms() * 1000;
    char name[RECORDING_GATEWAY_MAX + 1];
    (void)!getrandom(&number, sizeof number, GRND_NONBLOCK);
    (void)snprintf(name, sizeof name, "%016llx", (unsigned long long)number);
    recorder_init(&rt->recorder, name, &rt->started, wall_clock_ms());
}

/* Before the first thread exists, so that all of them inherit the mask. */
static int open_signals(struct runtime *rt) {
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    if (!rt->options.signals) {
        (void)pthread_sigmask(SIG_BLOCK, NULL, &rt->old_signals);
        return 0;
    }
    (void)pthread_sigmask(SIG_BLOCK, &set, &rt->old_signals);
    rt->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return rt->signal_fd >= 0 ? 0 : -errno;
}

static void release(struct runtime *rt) {
    if (rt->signal_fd >= 0) {
        (void)close(rt->signal_fd);
    }
    if (rt->stop_fd >= 0) {
        (void)close(rt->stop_fd);
    }
    (void)pthread_sigmask(SIG_SETMASK, &rt->old_signals, NULL);
    log_sink_close(&rt->log);
    free(rt);
}

int runtime_start(struct runtime **out, const struct settings *settings,
                  const struct runtime_options *options) {
    void *memory = NULL;
    if (posix_memalign(&memory, RING_CACHE_LINE, sizeof(struct runtime)) != 0) {
        return -ENOMEM;
    }
    struct runtime *rt = memset(memory, 0, sizeof(struct runtime));
    rt->options = *options;
    rt->started = rt->set[0] = *settings;
    rt->signal_fd = -1;
    (void)signal(SIGPIPE, SIG_IGN); /* a peer that leaves is an error of write(2), not the end */
    open_recorder(rt);
    log_sink_open(&rt->log, options->log, options->log_context, log_level_of(settings));
    int err = open_signals(rt);
    rt->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (err == 0 && rt->stop_fd < 0) {
        err = -errno;
    }
    if (err == 0) {
        const char *file = options->configuration;
        log_sink_write(&rt->log, LOG_INFO, "gateway",
                       "starting version=%s configuration=%s uart=%s can=%s",
                       TINYBMS_GW_VERSION_TEXT, file == NULL || file[0] == '\0' ? "defaults" : file,
                       settings->hardware.uart.device, settings->hardware.can.interface);
        err = gateway_thread_start(&rt->gateway, &rt->set[0]);
    }
    if (err != 0) {
        release(rt);
        return err;
    }
    for (size_t i = 0; i < PORT_LINKS; i++) {
        link_init(&rt->link[i], (enum port_link)i, settings);
        link_tell_off(&rt->link[i], &rt->log);
    }
    can_watch_init(&rt->watch);
    can_watch_configure(&rt->watch, settings);
    open_control(rt);
    *out = rt;
    return 0;
}

void runtime_stop(struct runtime *rt) {
    gateway_thread_stop(&rt->gateway);
    handle_gateway(rt, clock_now_ms());
    for (size_t i = 0; i < PORT_LINKS; i++) {
        link_close(&rt->link[i]);
    }
    can_watch_close(&rt->watch);
    if (rt->control != NULL) {
        control_close(rt->control);
    }
    log_sink_write(&rt->log, LOG_INFO, "gateway", "stopped");
    release(rt);
}
