/* SPDX-License-Identifier: MIT */
/* The running gateway on Linux: two threads and what joins them.
 *
 * The gateway thread (gateway_thread.h) owns struct gateway and the connected descriptors. The
 * services are the thread that calls runtime_poll() or runtime_run(): they open and close devices,
 * write the log, answer the control socket, take signals. Between the two there are only bounded
 * single-producer rings and a triple-buffered snapshot, so a services thread that hangs costs the
 * battery nothing.
 *
 * Every function here except runtime_request_stop() belongs to one thread: the one that called
 * runtime_start().
 *
 *     struct runtime *rt;
 *     if (runtime_start(&rt, &settings, &options) == 0) {
 *         runtime_run(rt);
 *         runtime_stop(rt);
 *     }
 */
#ifndef PORTS_LINUX_RUNTIME_H
#define PORTS_LINUX_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/gateway.h"

struct runtime;
struct notify;

enum { RUNTIME_STATUS_MAX = 128 };

/* One rendered log line without the newline, e.g.
 * "2026-01-31T12:00:00.123Z WARN victron: text key=value"; valid during the call only. Called in
 * the services thread, from within runtime_start(), _poll(), _run() and _stop(). */
typedef void runtime_log_fn(void *context, enum log_level level, const char *line);

/* Reads the configuration again, whole, into *out (which holds defaults). 0, or negative with a
 * reason in why. Called in the services thread on SIGHUP. */
typedef int runtime_reload_fn(void *context, struct settings *out, char *why, size_t cap);

/* All zero: no control socket, no signals, log to stderr, no reload. */
struct runtime_options {
    bool urgent; /* the gateway thread before others, its memory locked, as far as permitted */
    bool control_socket;         /* answer `status` and `registers` on the Unix socket */
    bool signals;                /* SIGTERM and SIGINT stop, SIGHUP reloads; blocked until stop */
    const char *configuration;   /* the file's name, for the log; NULL or empty: defaults */
    runtime_log_fn *log;         /* NULL: stderr */
    void *log_context;           /* handed to log */
    runtime_reload_fn *reload;   /* NULL: SIGHUP is logged and ignored */
    void *reload_context;        /* handed to reload */
    const struct notify *notify; /* told the state in a line; NULL: nobody is. Borrowed */
    int notify_error;            /* why it cannot be told; 0: it can, or nobody wants to know */
    uint64_t gateway_still_ms;   /* without progress of the gateway thread: an error. 0: 5 s */
};

/* Starts the gateway thread and begins to open the links; a device that cannot be opened is a log
 * line and is tried again, never an error here. settings: checked, copied. options: copied.
 * 0 and *out set, or a negative errno when a thread, descriptor or memory could not be had. */
int runtime_start(struct runtime **out, const struct settings *settings,
                  const struct runtime_options *options);

/* One turn of the services: waits up to timeout_ms (-1: until something happens) and does what is
 * due. True while running; false once a stop was asked for. */
bool runtime_poll(struct runtime *rt, int timeout_ms);

/* Turns until a stop is asked for. */
void runtime_run(struct runtime *rt);

/* Asks for a stop; wakes runtime_poll(). Any thread, any signal handler. */
void runtime_request_stop(struct runtime *rt);

/* Ends the gateway thread, closes everything, frees rt. Returns within a second. */
void runtime_stop(struct runtime *rt);

/* Copies the latest snapshot (at most about 100 ms old while the gateway thread lives); false
 * before the first. The copy is large: give it static storage or heap. */
bool runtime_snapshot(struct runtime *rt, struct gateway_snapshot *out);

/* Hands in a command; c->sequence is chosen here and returned in *sequence (may be NULL).
 * 0: exactly one answer will come; GW_ERR_BUSY: the ring is full, try again. Refusals of the
 * gateway itself (GW_ERR_OFFLINE, GW_ERR_RANGE...) come as the answer's err. */
int runtime_submit(struct runtime *rt, const struct gateway_command *c, uint32_t *sequence);

/* The next answer to a command of runtime_submit(); false when there is none. Pull after each
 * runtime_poll(): RUNTIME_ANSWERS_MAX wait, more commands than that are GW_ERR_BUSY. */
enum { RUNTIME_ANSWERS_MAX = 8 };
bool runtime_next_answer(struct runtime *rt, struct gateway_answer *out);

/* ---- for the supervisor (supervisor.h), which lets the services run in a thread of their own ----
 *
 * runtime_start() makes the first services. When they are stuck, runtime_follow() and then
 * runtime_abandon() put new ones in their place; each one's thread calls runtime_poll() until that
 * is false, then runtime_end(). */

struct runtime_progress {
    uint32_t gateway_turns, services_turns;
    bool links_tried; /* every device was tried to be opened once */
    uint32_t reloads_asked, reloads_done;
};

/* From any thread. */
struct runtime_progress runtime_progress(struct runtime *rt);

/* Makes services on the gateway thread of services that are stuck, and opens nothing but their
 * eventfds. Any thread; stuck must stay in memory. 0, or a negative errno. */
int runtime_follow(struct runtime **out, struct runtime *stuck);

/* From now on the gateway thread works with `next`, and `stuck` does nothing any more but end. Any
 * thread. */
void runtime_abandon(struct runtime *stuck, struct runtime *next);

/* As runtime_request_stop(), with the signal to name in the log. Any thread. */
void runtime_request_stop_by(struct runtime *rt, int signal);

/* As SIGHUP. Any thread. */
void runtime_request_reload(struct runtime *rt);

/* The gateway thread ends, frames stop. False: it does not end. Any thread. */
bool runtime_stop_gateway(struct runtime *rt);

/* The services close what is theirs, in their own thread; rt stays. */
void runtime_end(struct runtime *rt);

/* Once no thread uses them. The gateway thread's memory is shared by all that followed each other.
 */
void runtime_free_gateway(struct runtime *rt);
void runtime_free(struct runtime *rt);

#endif
