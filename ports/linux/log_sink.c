/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"

enum { CLOSE_PATIENCE_MS = 100, DIRECT_CHUNK = 512 };

/* O_NONBLOCK on stderr itself would be seen by every process that shares it (the shell, for one).
 * Opening it again through /proc gives a description of our own, but not for sockets. */
static void choose_descriptor(struct log_sink *s) {
    struct stat st;
    s->fd = STDERR_FILENO;
    if (fstat(STDERR_FILENO, &st) != 0) {
        s->broken = true;
        return;
    }
    if (S_ISSOCK(st.st_mode)) {
        s->is_socket = true;
        return;
    }
    if (S_ISREG(st.st_mode)) {
        return;
    }
    int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0) {
        s->fd = fd;
        s->own_fd = true;
    } else {
        s->must_ask = true; /* not ours to open, as after su(1) */
    }
}

void log_sink_open(struct log_sink *s, runtime_log_fn *callback, void *context,
                   enum log_level level) {
    memset(s, 0, sizeof *s);
    s->callback = callback;
    s->context = context;
    s->level = level;
    s->fd = -1;
    if (callback == NULL) {
        choose_descriptor(s);
    }
}

static bool takes_bytes(int fd, int timeout_ms) {
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    return poll(&p, 1, timeout_ms) > 0;
}

static ssize_t write_some(const struct log_sink *s, const char *bytes, size_t n) {
    if (s->is_socket) {
        return send(s->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (s->must_ask) {
        if (!takes_bytes(s->fd, 0)) {
            errno = EAGAIN;
            return -1;
        }
        n = n > DIRECT_CHUNK ? DIRECT_CHUNK : n; /* a pipe that polls writable has room for it */
    }
    return write(s->fd, bytes, n);
}

static size_t waiting(const struct log_sink *s) {
    return s->end - s->begin;
}

void log_sink_flush(struct log_sink *s) {
    while (waiting(s) != 0 && !s->broken) {
        ssize_t n = write_some(s, s->buffer + s->begin, waiting(s));
        if (n < 0) {
            if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
                return;
            }
            s->broken = errno == EPIPE || errno == EBADF || errno == EIO;
            break; /* a full disk: these lines are lost, later ones may not be */
        }
        s->begin += (size_t)n;
    }
    s->begin = s->end = 0;
}

/* Appends whole lines only. */
static bool keep(struct log_sink *s, const char *line, size_t n) {
    if (n > sizeof s->buffer - s->end && s->begin != 0) {
        memmove(s->buffer, s->buffer + s->begin, waiting(s));
        s->end = waiting(s);
        s->begin = 0;
    }
    if (n > sizeof s->buffer - s->end) {
        return false;
    }
    memcpy(s->buffer + s->end, line, n);
    s->end += n;
    return true;
}

/* line: n bytes with room for one more. */
static void put_line(struct log_sink *s, enum log_level level, char *line, size_t n) {
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)line[i];
        if (c < 0x20 || c == 0x7F) {
            line[i] = '?';
        }
    }
    if (s->callback != NULL) {
        line[n] = '\0';
        s->callback(s->context, level, line);
        return;
    }
    line[n] = '\n';
    if (s->broken || !keep(s, line, n + 1)) {
        s->dropped++;
        return;
    }
    log_sink_flush(s);
}

static size_t begin_line(char *line, size_t cap, uint64_t at_ms, enum log_level level,
                         const char *module) {
    char when[CLOCK_TEXT_MAX];
    (void)clock_utc_text(at_ms, when);
    int n = snprintf(line, cap, "%s %s %s: ", when, log_level_text(level), module);
    return n < 0 ? 0 : (size_t)n;
}

static void write_words(struct log_sink *s, enum log_level level, const char *module,
                        const char *format, va_list arguments)
    __attribute__((format(printf, 4, 0)));

static void write_words(struct log_sink *s, enum log_level level, const char *module,
                        const char *format, va_list arguments) {
    if (level > s->level) {
        return;
    }
    char line[LOG_LINE_MAX];
    size_t n = begin_line(line, sizeof line, clock_now_ms(), level, module);
    int more = vsnprintf(line + n, sizeof line - n - 1, format, arguments);
    size_t room = sizeof line - n - 2;
    n += more < 0 ? 0 : (size_t)more > room ? room : (size_t)more;
    put_line(s, level, line, n);
}

static void write_own(struct log_sink *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void write_own(struct log_sink *s, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    write_words(s, LOG_WARN, "log", format, arguments);
    va_end(arguments);
}

static void tell_dropped(struct log_sink *s) {
    if (s->dropped == 0 || log_sink_is_full(s) || s->broken) {
        return;
    }
    uint32_t dropped = s->dropped;
    s->dropped = 0;
    write_own(s, "lines dropped, nobody read them count=%u", dropped);
}

void log_sink_record(struct log_sink *s, const struct log_record *r) {
    tell_dropped(s);
    const struct log_row *row = &log_table[r->id];
    if (row->level > s->level) {
        return;
    }
    char line[LOG_LINE_MAX];
    size_t n = begin_line(line, sizeof line, r->at_ms, row->level, row->module);
    n += log_render(r, line + n, sizeof line - n - 1);
    put_line(s, row->level, line, n);
}

void log_sink_write(struct log_sink *s, enum log_level level, const char *module,
                    const char *format, ...) {
    tell_dropped(s);
    va_list arguments;
    va_start(arguments, format);
    write_words(s, level, module, format, arguments);
    va_end(arguments);
}

bool log_sink_is_full(const struct log_sink *s) {
    return s->callback == NULL && waiting(s) > sizeof s->buffer / 2;
}

int log_sink_wait_fd(const struct log_sink *s) {
    return waiting(s) != 0 && !s->broken ? s->fd : -1;
}

void log_sink_close(struct log_sink *s) {
    uint64_t end_ms = clock_now_ms() + CLOSE_PATIENCE_MS;
    for (uint64_t now_ms = clock_now_ms(); log_sink_wait_fd(s) >= 0 && now_ms < end_ms;
         now_ms = clock_now_ms()) {
        (void)takes_bytes(s->fd, (int)(end_ms - now_ms));
        log_sink_flush(s);
    }
    if (s->own_fd) {
        (void)close(s->fd);
    }
    s->fd = -1;
}
