/* SPDX-License-Identifier: MIT */
/* Where log lines go: stderr, or a callback. One line is
 *
 *     2026-01-31T12:00:00.123Z WARN victron: text key=value
 *
 * Never waits for whoever reads stderr: a pipe, socket or terminal that takes nothing fills a
 * bounded buffer, then lines are dropped and counted, and the count is written once there is room.
 * (A regular file is written directly.) Used by the services thread alone. */
#ifndef PORTS_LINUX_LOG_SINK_H
#define PORTS_LINUX_LOG_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/log.h"
#include "runtime.h"

enum { LOG_LINE_MAX = 1024, LOG_BUFFER_MAX = 16384 };

struct log_sink {
    runtime_log_fn *callback; /* NULL: fd */
    void *context;
    enum log_level level; /* lines above it are not written */
    int fd;
    bool own_fd;       /* fd is a descriptor of our own, non-blocking, on what stderr is */
    bool must_ask;     /* fd may block: ask poll() before each write */
    bool is_socket;    /* send(2) without waiting */
    bool broken;       /* nobody can ever read what we write */
    uint32_t dropped;  /* lines, not yet told */
    size_t begin, end; /* of what is waiting in buffer */
    char buffer[LOG_BUFFER_MAX];
};

void log_sink_open(struct log_sink *s, runtime_log_fn *callback, void *context,
                   enum log_level level);

/* A record of the core. */
void log_sink_record(struct log_sink *s, const struct log_record *r);

/* A line of the port's own, as of now: the text and its key=value pairs by printf's rules. Control
 * characters in it are written as '?'. */
__attribute__((format(printf, 4, 5))) void log_sink_write(struct log_sink *s, enum log_level level,
                                                          const char *module, const char *format,
                                                          ...);

/* True when a burst of lines would be dropped now: leave the records where they are. */
bool log_sink_is_full(const struct log_sink *s);

/* The descriptor to wait for with POLLOUT, or -1 when nothing is waiting to be written. */
int log_sink_wait_fd(const struct log_sink *s);

/* Writes what is waiting, as far as it is taken. */
void log_sink_flush(struct log_sink *s);

/* Gives the reader up to 100 ms for what is waiting, then closes. */
void log_sink_close(struct log_sink *s);

#endif
