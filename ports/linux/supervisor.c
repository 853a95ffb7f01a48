/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clock.h"
#include "notify.h"
#include "test_hooks.h"

enum {
    TICK_MS = 1000,
    NOT_READY_TICK_MS = 20, /* how late READY=1 may be */
    FEEDS_IN_PERIOD = 4,
    SERVICES_END_MS = 1500,
    GENERATIONS_MAX = SUPERVISOR_REPLACEMENTS_MAX + 1,
};

/* A thread that should make progress. */
struct progress {
    uint32_t turns;
    uint64_t moved_ms;
};

/* One services thread, of which the last one is in use. */
struct generation {
    struct runtime *services;
    pthread_t thread;
    _Atomic bool ended;
    int ended_fd; /* eventfd of the supervisor */
};

struct supervisor {
    struct generation generation[GENERATIONS_MAX];
    unsigned last;
    struct notify notify;
    struct progress gateway, services;
    bool ready, hopeless, reloading;
    int stop_signal;
    int signal_fd, ended_fd;
    uint64_t fed_ms;
};

/* ---- the services' threads ---- */

static void *serve(void *argument) {
    struct generation *g = argument;
    runtime_run(g->services);
    runtime_end(g->services);
    atomic_store_explicit(&g->ended, true, memory_order_release);
    (void)eventfd_write(g->ended_fd, 1);
    return NULL;
}

static int start_services(struct supervisor *s, unsigned at, struct runtime *services) {
    struct generation *g = &s->generation[at];
    g->services = services;
    g->ended_fd = s->ended_fd;
    atomic_init(&g->ended, false);
    int err = pthread_create(&g->thread, NULL, serve, g);
    if (err == 0) {
        (void)pthread_setname_np(g->thread, "services");
    }
    return -err;
}

static struct generation *present(struct supervisor *s) {
    return &s->generation[s->last];
}

static bool has_moved(struct progress *p, uint32_t turns, uint64_t now_ms) {
    if (turns == p->turns) {
        return false;
    }
    *p = (struct progress){.turns = turns, .moved_ms = now_ms};
    return true;
}

/* A thread that cannot be had now is tried for again in the next round. */
static void replace_services(struct supervisor *s, uint64_t now_ms) {
    struct runtime *stuck = present(s)->services, *next = NULL;
    if (s->last == SUPERVISOR_REPLACEMENTS_MAX) {
        if (!s->hopeless) {
            s->hopeless = true;
            (void)notify_status(&s->notify, "the services are stuck for good: restart the gateway");
        }
        return;
    }
    if (runtime_follow(&next, stuck) != 0) {
        return;
    }
    if (start_services(s, s->last + 1, next) != 0) {
        runtime_free(next);
        return;
    }
    runtime_abandon(stuck, next);
    s->last++;
    s->services = (struct progress){.moved_ms = now_ms};
    (void)notify_status(&s->notify, "the services were stuck and have been replaced");
}

static void watch_services(struct supervisor *s, const struct runtime_progress *p,
                           uint64_t now_ms) {
    const uint64_t patience_ms = test_hook_patience_ms(SUPERVISOR_STUCK_MS) << s->last;
    if (has_moved(&s->services, p->services_turns, now_ms)) {
        s->hopeless = false;
    } else if (now_ms - s->services.moved_ms >= patience_ms) {
        replace_services(s, now_ms);
    }
}

/* ---- the service manager ---- */

static void feed_watchdog(struct supervisor *s, const struct runtime_progress *p, uint64_t now_ms) {
    const uint64_t period_ms = s->notify.watchdog_ms;
    (void)has_moved(&s->gateway, p->gateway_turns, now_ms);
    if (period_ms != 0 && !s->hopeless && now_ms - s->gateway.moved_ms < period_ms / 2 &&
        now_ms - s->fed_ms >= period_ms / FEEDS_IN_PERIOD && notify_watchdog(&s->notify)) {
        s->fed_ms = now_ms;
    }
}

static void tell_ready(struct supervisor *s, const struct runtime_progress *p) {
    if (!s->ready && p->links_tried && p->gateway_turns != 0) {
        s->ready = notify_ready(&s->notify);
    }
    if (s->reloading && p->reloads_done == p->reloads_asked) {
        s->reloading = !notify_ready(&s->notify);
    }
}

static int tick_ms(const struct supervisor *s) {
    const uint64_t feed_ms = s->notify.watchdog_ms / FEEDS_IN_PERIOD / 2;
    if (!s->ready || s->reloading) {
        return NOT_READY_TICK_MS;
    }
    return feed_ms != 0 && feed_ms < TICK_MS ? (int)feed_ms : TICK_MS;
}

/* ---- signals ---- */

static int open_signals(sigset_t *old) {
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &set, old);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd >= 0 ? fd : -errno;
}

static void take_signals(struct supervisor *s) {
    struct signalfd_siginfo info;
    while (read(s->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP) {
            (void)notify_reloading(&s->notify);
            runtime_request_reload(present(s)->services);
            s->reloading = true;
        } else {
            s->stop_signal = (int)info.ssi_signo;
        }
    }
}

/* ---- life ---- */

static void watch(struct supervisor *s) {
    struct pollfd p = {.fd = s->signal_fd, .events = POLLIN};
    s->gateway.moved_ms = s->services.moved_ms = clock_awake_ms();
    while (s->stop_signal == 0) {
        const struct runtime_progress progress = runtime_progress(present(s)->services);
        const uint64_t now_ms = clock_awake_ms();
        feed_watchdog(s, &progress, now_ms);
        watch_services(s, &progress, now_ms);
        tell_ready(s, &progress);
        (void)poll(&p, 1, tick_ms(s));
        take_signals(s);
    }
}

static bool await_end(struct supervisor *s, struct generation *g, uint64_t end_ms) {
    while (!atomic_load_explicit(&g->ended, memory_order_acquire)) {
        const uint64_t now_ms = clock_awake_ms();
        if (now_ms >= end_ms) {
            return false;
        }
        struct pollfd p = {.fd = s->ended_fd, .events = POLLIN};
        (void)poll(&p, 1, (int)(end_ms - now_ms));
        eventfd_t count;
        (void)eventfd_read(s->ended_fd, &count);
    }
    (void)pthread_join(g->thread, NULL);
    return true;
}

/* Frames stop first. Threads that do not end are left to the end of the process, and so is what
 * they may still use. */
static int stop(struct supervisor *s) {
    const uint64_t end_ms = clock_awake_ms() + SERVICES_END_MS;
    struct runtime *services = present(s)->services;
    (void)notify_stopping(&s->notify);
    bool stopped = runtime_stop_gateway(services), ended = stopped;
    runtime_request_stop_by(services, s->stop_signal);
    ended = await_end(s, present(s), end_ms) && ended;
    for (unsigned i = 0; i < s->last; i++) {
        ended = await_end(s, &s->generation[i], 0) && ended;
    }
    if (ended) {
        runtime_free_gateway(services);
        for (unsigned i = 0; i <= s->last; i++) {
            runtime_free(s->generation[i].services);
        }
        (void)close(s->ended_fd);
    }
    return stopped ? 0 : -ETIMEDOUT;
}

static int start(struct supervisor *s, const struct settings *settings,
                 const struct runtime_options *options) {
    struct runtime *services = NULL;
    struct runtime_options own = *options;
    own.notify_error = notify_open(&s->notify);
    own.signals = false;
    own.urgent = true;
    own.notify = &s->notify;
    own.gateway_still_ms = s->notify.watchdog_ms / 2;
    int err = runtime_start(&services, settings, &own);
    if (err != 0) {
        return err;
    }
    err = start_services(s, 0, services);
    if (err != 0) {
        runtime_stop(services);
    }
    return err;
}

int supervisor_run(const struct settings *settings, const struct runtime_options *options) {
    static struct supervisor s; /* outlives this call where a thread does not end */
    sigset_t old;
    s = (struct supervisor){.notify = {.fd = -1},
                            .ended_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    s.signal_fd = open_signals(&old);
    int err = s.ended_fd < 0 ? -ENFILE : s.signal_fd < 0 ? s.signal_fd : 0;
    if (err == 0) {
        err = start(&s, settings, options);
    }
    if (err == 0) {
        watch(&s);
        err = stop(&s);
    }
    notify_close(&s.notify);
    if (s.signal_fd >= 0) {
        (void)close(s.signal_fd);
    }
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return err;
}
