/* SPDX-License-Identifier: MIT */
/* struct runtime, for the files that are the services: runtime.c (a turn of their loop) and
 * runtime_life.c (how they begin, follow others, and end). */
#ifndef PORTS_LINUX_RUNTIME_STATE_H
#define PORTS_LINUX_RUNTIME_STATE_H

#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>

#include "adapter_watch.h"
#include "can_watch.h"
#include "channel.h"
#include "control.h"
#include "gateway_thread.h"
#include "link.h"
#include "log_sink.h"
#include "recorder.h"
#include "runtime.h"

/* A command under way: its answer goes to runtime_next_answer() or to the control socket. */
struct under_way {
    bool used, api;
    uint32_t sequence;
};

/* The gateway thread's progress, as the services see it. */
struct gateway_watch {
    uint32_t turns;
    uint64_t moved_ms;
    bool told;
};

struct runtime {
    struct channel channel; /* first: it is aligned to cache lines */
    struct gateway_thread *gateway;
    struct runtime *before; /* abandoned services that these follow; NULL: these are the first */
    struct runtime_options options;
    struct settings started; /* for what needs a restart */
    struct settings set[2];  /* set[current] is lent to the gateway thread */
    unsigned current;
    bool configuring; /* the other one is still lent, too */
    bool reload_wanted;
    bool stopping;
    bool begun;      /* log and sockets are open */
    bool taken_over; /* the links are known: at once for the first services */

    struct log_sink log;
    struct link link[PORT_LINKS];
    struct can_watch watch;            /* of a SocketCAN interface */
    struct adapter_watch adapter;      /* of a serial CAN adapter */
    _Atomic(struct control *) control; /* NULL: none */
    struct recorder recorder;
    int stop_fd;   /* eventfd: runtime_request_stop() */
    int signal_fd; /* -1: none */
    sigset_t old_signals;
    struct gateway_watch gateway_watch;
    char status[RUNTIME_STATUS_MAX]; /* as it was told */
    uint64_t status_at_ms;

    uint32_t sequence;
    struct under_way under_way[THREAD_COMMANDS_MAX];
    struct gateway_answer answer[RUNTIME_ANSWERS_MAX];
    unsigned answer_first, answer_count;

    /* between the services and their supervisor */
    _Atomic bool links_tried;
    _Atomic uint32_t reloads_asked, reloads_done;
    _Atomic int stop_signal; /* that made the supervisor ask for a stop; 0: none */
    uint32_t reloads_seen;
};

/* ---- runtime_life.c, for runtime.c ---- */

/* These services were abandoned: they touch nothing any more that may be another's. */
static inline bool runtime_is_abandoned(const struct runtime *rt) {
    return atomic_load_explicit(&rt->channel.abandoned, memory_order_acquire);
}

/* The first turn of services that follow others: opens their log. */
void runtime_begin(struct runtime *rt);

/* REPORT_TAKEN_OVER: the links are as the gateway thread has them. */
void runtime_take_over(struct runtime *rt, uint64_t now_ms);

/* ---- runtime.c, for runtime_life.c ---- */

/* What the wall clock is ahead of clock_now_ms(). It can be before 1970 on a machine without a
 * battery for it: 0. */
uint64_t runtime_wall_clock_ms(void);

enum log_level runtime_log_level(const struct settings *s);

/* Takes what the gateway thread has said. */
void runtime_handle_gateway(struct runtime *rt, uint64_t now_ms);

/* What the control socket asks for; the context is the runtime. */
extern const struct control_backend runtime_control_backend;

#endif
