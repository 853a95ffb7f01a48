/* SPDX-License-Identifier: MIT */
/* How the services begin, follow others that are stuck, and end. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clock.h"
#include "runtime_state.h"
#include "version.h"

enum { GATEWAY_STOP_MS = 1000, LEAVE_MS = 1000 };

static void *new_memory(size_t n) {
    void *memory = NULL;
    return posix_memalign(&memory, RING_CACHE_LINE, n) == 0 ? memset(memory, 0, n) : NULL;
}

static void close_fd(int fd) {
    if (fd >= 0) {
        (void)close(fd);
    }
}

/* ---- the control socket ---- */

static void open_control(struct runtime *rt) {
    char path[CONTROL_PATH_MAX];
    struct control_backend backend = runtime_control_backend;
    const struct control *before = NULL;
    for (const struct runtime *b = rt->before; b != NULL && before == NULL; b = b->before) {
        before = b->control;
    }
    struct control *control = NULL;
    backend.context = rt;
    backend.recorder = &rt->recorder;
    if (!rt->options.control_socket) {
        return;
    }
    int err = control_path(rt->started.advanced.control_socket, path)
                  ? control_open_after(&control, path, &backend, &rt->log, before)
                  : -ENAMETOOLONG;
    rt->control = control;
    if (err == 0) {
        log_sink_write(&rt->log, LOG_INFO, "control", "listening path=%s", path);
        return;
    }
    log_sink_write(&rt->log, LOG_WARN, "control",
                   "no control socket: status and registers cannot ask this gateway path=%s "
                   "reason=\"%s\" next=\"set advanced.control_socket\"",
                   path, err == -EADDRINUSE ? "another gateway has it" : strerror(-err));
}

/* ---- the first services ---- */

/* A name that no other start of a gateway, or of its services, has; early in a boot there may be no
 * randomness yet. */
static void open_recorder(struct runtime *rt, const struct settings *settings) {
    uint64_t number = clock_now_us() + runtime_wall_clock_ms() * 1000;
    char name[RECORDING_GATEWAY_MAX + 1];
    (void)!getrandom(&number, sizeof number, GRND_NONBLOCK);
    (void)snprintf(name, sizeof name, "%016llx", (unsigned long long)number);
    recorder_init(&rt->recorder, name, settings, runtime_wall_clock_ms());
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

/* 0: rt has everything but links and log. */
static int create(struct runtime **out, const struct settings *settings,
                  const struct runtime_options *options, uint8_t generation) {
    struct runtime *rt = new_memory(sizeof *rt);
    if (rt == NULL) {
        return -ENOMEM;
    }
    rt->options = *options;
    rt->started = rt->set[0] = *settings;
    rt->signal_fd = -1;
    rt->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int err = rt->stop_fd < 0 ? -errno : channel_open(&rt->channel, generation);
    if (err != 0) {
        close_fd(rt->stop_fd);
        free(rt);
        return err;
    }
    for (size_t i = 0; i < PORT_LINKS; i++) {
        link_init(&rt->link[i], (enum port_link)i, settings);
    }
    can_watch_init(&rt->watch);
    can_watch_configure(&rt->watch, settings);
    *out = rt;
    return 0;
}

static void release(struct runtime *rt) {
    close_fd(rt->signal_fd);
    close_fd(rt->stop_fd);
    channel_close(&rt->channel);
    control_free(rt->control);
    free(rt);
}

/* Pages that were touched stay in memory, so that the gateway thread never waits for a disk. Only
 * where there is no bound on it: with one, later allocations would fail. */
static bool lock_memory(void) {
    struct rlimit limit;
    const bool bounded = getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY;
    return !(bounded && geteuid() != 0) && mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
}

static void tell_urgency(struct runtime *rt, bool locked) {
    static const char *const text[] = {
        [URGENCY_ORDINARY] = "ordinary",
        [URGENCY_RAISED] = "raised",
        [URGENCY_REAL_TIME] = "real-time",
    };
    log_sink_write(&rt->log, LOG_INFO, "gateway", "battery path priority=%s memory_locked=%s",
                   text[rt->gateway->urgency], locked ? "yes" : "no");
}

static int start_gateway(struct runtime *rt) {
    const char *file = rt->options.configuration;
    log_sink_write(&rt->log, LOG_INFO, "gateway",
                   "starting version=%s configuration=%s uart=%s can=%s", TINYBMS_GW_VERSION_TEXT,
                   file == NULL || file[0] == '\0' ? "defaults" : file,
                   rt->started.hardware.uart.device, rt->started.hardware.can.interface);
    rt->gateway = new_memory(sizeof *rt->gateway);
    if (rt->gateway == NULL) {
        return -ENOMEM;
    }
    rt->gateway->urgency = rt->options.urgent ? URGENCY_REAL_TIME : URGENCY_ORDINARY;
    int err = gateway_thread_start(rt->gateway, &rt->channel, &rt->set[0]);
    if (err == 0 && rt->options.urgent) {
        tell_urgency(rt, lock_memory());
    }
    return err;
}

int runtime_start(struct runtime **out, const struct settings *settings,
                  const struct runtime_options *options) {
    struct runtime *rt = NULL;
    int err = create(&rt, settings, options, 0);
    if (err != 0) {
        return err;
    }
    open_recorder(rt, settings);
    (void)signal(SIGPIPE, SIG_IGN); /* a peer that leaves is an error of write(2), not the end */
    log_sink_open(&rt->log, options->log, options->log_context, runtime_log_level(settings));
    err = open_signals(rt);
    if (err == 0) {
        err = start_gateway(rt);
    }
    if (err != 0) {
        (void)pthread_sigmask(SIG_SETMASK, &rt->old_signals, NULL);
        log_sink_close(&rt->log);
        free(rt->gateway);
        release(rt);
        return err;
    }
    for (size_t i = 0; i < PORT_LINKS; i++) {
        link_tell_off(&rt->link[i], &rt->log);
    }
    if (options->notify_error != 0) {
        log_sink_write(&rt->log, LOG_WARN, "gateway",
                       "the service manager cannot be told anything variable=NOTIFY_SOCKET "
                       "reason=\"%s\"",
                       strerror(-options->notify_error));
    }
    open_control(rt);
    rt->begun = rt->taken_over = true;
    *out = rt;
    return 0;
}

/* ---- services that follow others ---- */

int runtime_follow(struct runtime **out, struct runtime *stuck) {
    struct runtime *rt = NULL;
    int err =
        create(&rt, &stuck->started, &stuck->options, (uint8_t)(stuck->channel.generation + 1));
    if (err != 0) {
        return err;
    }
    rt->before = stuck;
    rt->gateway = stuck->gateway;
    const uint32_t asked = atomic_load_explicit(&stuck->reloads_asked, memory_order_acquire);
    rt->reloads_seen = asked;
    atomic_init(&rt->reloads_asked, asked);
    atomic_init(&rt->reloads_done, asked);
    *out = rt;
    return 0;
}

void runtime_abandon(struct runtime *stuck, struct runtime *next) {
    atomic_store_explicit(&stuck->channel.abandoned, true, memory_order_release);
    gateway_thread_take_over(next->gateway, &next->channel);
}

void runtime_begin(struct runtime *rt) {
    rt->begun = true;
    log_sink_open(&rt->log, rt->options.log, rt->options.log_context,
                  runtime_log_level(&rt->started));
    log_sink_write(&rt->log, LOG_ERROR, "gateway",
                   "the services were stuck and have been replaced; a reload under way is lost "
                   "replaced=%u",
                   rt->channel.generation);
}

void runtime_take_over(struct runtime *rt, uint64_t now_ms) {
    const struct handover *h = &rt->channel.taken;
    rt->set[0] = *h->settings;
    rt->log.level = runtime_log_level(&rt->set[0]);
    for (size_t i = 0; i < PORT_LINKS; i++) {
        link_init(&rt->link[i], (enum port_link)i, &rt->set[0]);
        if (h->device[i].fd >= 0) {
            link_take_over(&rt->link[i], &h->device[i], &rt->set[0], now_ms);
        }
    }
    for (struct runtime *b = rt->before; b != NULL; b = b->before) {
        for (size_t i = 0; i < PORT_LINKS; i++) {
            link_close_abandoned(&b->link[i], h->device[i].fd);
        }
    }
    can_watch_configure(&rt->watch, &rt->set[0]);
    open_recorder(rt, &rt->set[0]);
    open_control(rt);
    rt->taken_over = true;
}

/* ---- the end ---- */

static bool await_left(const struct channel *c) {
    const uint64_t end_ms = clock_awake_ms() + LEAVE_MS;
    while (!atomic_load_explicit(&c->left, memory_order_acquire)) {
        if (clock_awake_ms() >= end_ms) {
            return false;
        }
        (void)poll(NULL, 0, 10);
    }
    return true;
}

/* Abandoned services that woke: whatever the gateway thread or the services of now may have is left
 * alone, and where that cannot be told, everything. */
static void leave(struct runtime *rt) {
    if (!await_left(&rt->channel)) {
        return;
    }
    for (size_t i = 0; i < PORT_LINKS; i++) {
        if (rt->link[i].state == LINK_CONNECTING) {
            tcp_open_end(&rt->link[i].tcp);
        }
        link_close_abandoned(&rt->link[i], rt->channel.handed.device[i].fd);
    }
    if (rt->control != NULL) {
        control_leave(rt->control);
    }
    if (rt->begun) {
        log_sink_write(&rt->log, LOG_INFO, "gateway",
                       "services that were replaced came back and have ended generation=%u",
                       rt->channel.generation);
        can_watch_close(&rt->watch);
        log_sink_close(&rt->log);
    }
}

void runtime_end(struct runtime *rt) {
    if (runtime_is_abandoned(rt)) {
        leave(rt);
        return;
    }
    runtime_handle_gateway(rt, clock_now_ms());
    for (size_t i = 0; i < PORT_LINKS; i++) {
        link_close(&rt->link[i]);
    }
    can_watch_close(&rt->watch);
    if (rt->control != NULL) {
        control_close(rt->control);
        rt->control = NULL;
    }
    if (rt->begun) {
        log_sink_write(&rt->log, LOG_INFO, "gateway", "stopped");
        log_sink_close(&rt->log);
    }
}

bool runtime_stop_gateway(struct runtime *rt) {
    return gateway_thread_stop(rt->gateway, GATEWAY_STOP_MS);
}

void runtime_free_gateway(struct runtime *rt) {
    free(rt->gateway);
}

void runtime_free(struct runtime *rt) {
    release(rt);
}

void runtime_stop(struct runtime *rt) {
    const sigset_t old_signals = rt->old_signals;
    bool ended = runtime_stop_gateway(rt);
    runtime_end(rt);
    if (ended) {
        free(rt->gateway);
        release(rt);
    }
    (void)pthread_sigmask(SIG_SETMASK, &old_signals, NULL);
}

/* ---- from other threads ---- */

void runtime_request_stop(struct runtime *rt) {
    (void)eventfd_write(rt->stop_fd, 1);
}

void runtime_request_stop_by(struct runtime *rt, int signal) {
    atomic_store_explicit(&rt->stop_signal, signal, memory_order_release);
    runtime_request_stop(rt);
}

void runtime_request_reload(struct runtime *rt) {
    atomic_fetch_add_explicit(&rt->reloads_asked, 1, memory_order_release);
    (void)eventfd_write(rt->channel.services_fd, 1);
}

struct runtime_progress runtime_progress(struct runtime *rt) {
    return (struct runtime_progress){
        .gateway_turns = atomic_load_explicit(&rt->gateway->turns, memory_order_relaxed),
        .services_turns = atomic_load_explicit(&rt->channel.turns, memory_order_acquire),
        .links_tried = atomic_load_explicit(&rt->links_tried, memory_order_acquire),
        .reloads_asked = atomic_load_explicit(&rt->reloads_asked, memory_order_relaxed),
        .reloads_done = atomic_load_explicit(&rt->reloads_done, memory_order_acquire),
    };
}
