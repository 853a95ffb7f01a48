/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

struct tcp_job {
    _Atomic int owners; /* the opener and the thread; the last one frees */
    _Atomic bool done;  /* result and list are the opener's */
    int done_fd;        /* eventfd: wakes the opener when done */
    int result;         /* of getaddrinfo(3) */
    struct addrinfo *list;
    char host[TCP_HOST_MAX];
    char port[TCP_PORT_MAX];
};

static bool copy_part(char *to, size_t cap, const char *from, size_t n) {
    if (n == 0 || n >= cap) {
        return false;
    }
    memcpy(to, from, n);
    to[n] = '\0';
    return true;
}

bool tcp_parse(const char *spec, char host[TCP_HOST_MAX], char port[TCP_PORT_MAX]) {
    static const char scheme[] = "tcp://";
    if (strncmp(spec, scheme, sizeof scheme - 1) != 0) {
        return false;
    }
    const char *rest = spec + sizeof scheme - 1;
    const char *colon = strrchr(rest, ':');
    if (colon == NULL) {
        return false;
    }
    size_t n = (size_t)(colon - rest);
    if (n >= 2 && rest[0] == '[' && rest[n - 1] == ']') {
        rest++;
        n -= 2;
    } else if (memchr(rest, ':', n) != NULL) {
        return false; /* a v6 address without brackets: where does the port begin? */
    }
    size_t digits = strspn(colon + 1, "0123456789");
    long number = strtol(colon + 1, NULL, 10);
    return digits <= 5 && colon[1 + digits] == '\0' && number >= 1 && number <= 65535 &&
           copy_part(host, TCP_HOST_MAX, rest, n) &&
           copy_part(port, TCP_PORT_MAX, colon + 1, digits);
}

static void job_release(struct tcp_job *job) {
    if (atomic_fetch_sub_explicit(&job->owners, 1, memory_order_acq_rel) == 1) {
        if (job->list != NULL) {
            freeaddrinfo(job->list);
        }
        (void)close(job->done_fd);
        free(job);
    }
}

static void *resolve(void *argument) {
    struct tcp_job *job = argument;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    job->result = getaddrinfo(job->host, job->port, &hints, &job->list);
    atomic_store_explicit(&job->done, true, memory_order_release);
    /* A new eventfd holds 0: adding 1 neither blocks nor fails. */
    (void)eventfd_write(job->done_fd, 1);
    job_release(job);
    return NULL;
}

static int start_thread(struct tcp_job *job) {
    pthread_attr_t attr;
    int err = pthread_attr_init(&attr);
    if (err != 0) {
        return -err;
    }
    pthread_t thread;
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    err = pthread_create(&thread, &attr, resolve, job);
    (void)pthread_attr_destroy(&attr);
    return -err;
}

int tcp_open_begin(struct tcp_open *o, const char *spec, uint64_t now_ms) {
    (void)now_ms;
    memset(o, 0, sizeof *o);
    o->fd = -1;
    o->deadline_ms = UINT64_MAX;
    o->last_error = ENOENT;
    struct tcp_job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        return -ENOMEM;
    }
    if (!tcp_parse(spec, job->host, job->port)) {
        free(job);
        return -EINVAL;
    }
    job->done_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (job->done_fd < 0) {
        int err = -errno;
        free(job);
        return err;
    }
    atomic_init(&job->owners, 2);
    atomic_init(&job->done, false);
    int err = start_thread(job);
    if (err != 0) {
        (void)close(job->done_fd);
        free(job);
        return err;
    }
    o->job = job;
    return 0;
}

int tcp_open_fd(const struct tcp_open *o, short *events) {
    *events = o->job != NULL ? POLLIN : POLLOUT;
    return o->job != NULL ? o->job->done_fd : o->fd;
}

/* Failures to set an option are no reason to refuse a working connection. */
static void set_options(int fd) {
    const struct {
        int level, name, value;
    } option[] = {
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, TCP_KEEPALIVE_S},
        {IPPROTO_TCP, TCP_KEEPINTVL, TCP_KEEPALIVE_S},
        {IPPROTO_TCP, TCP_KEEPCNT, 2},
        {IPPROTO_TCP, TCP_NODELAY, 1},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, TCP_USER_TIMEOUT_MS},
    };
    for (size_t i = 0; i < sizeof option / sizeof option[0]; i++) {
        (void)setsockopt(fd, option[i].level, option[i].name, &option[i].value,
                         sizeof option[i].value);
    }
    /* What is unsent when we close is thrown away: no old request reaches the BMS late. */
    const struct linger abort_on_close = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort_on_close, sizeof abort_on_close);
}

/* Begins with o->address and, where that fails at once, with the ones after it. */
static void connect_next(struct tcp_open *o, uint64_t now_ms) {
    for (; o->address != NULL; o->address = o->address->ai_next) {
        const struct addrinfo *a = o->address;
        o->fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
        if (o->fd >= 0) {
            set_options(o->fd);
            if (connect(o->fd, a->ai_addr, a->ai_addrlen) == 0 || errno == EINPROGRESS) {
                o->deadline_ms = now_ms + TCP_CONNECT_MS;
                return;
            }
        }
        o->last_error = errno;
        if (o->fd >= 0) {
            (void)close(o->fd);
            o->fd = -1;
        }
    }
}

static bool is_writable(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    return poll(&p, 1, 0) > 0;
}

/* 0: resolved, the list is ours; -EINPROGRESS; or the name cannot be resolved. */
static int take_addresses(struct tcp_open *o) {
    if (!atomic_load_explicit(&o->job->done, memory_order_acquire)) {
        return -EINPROGRESS;
    }
    int result = o->job->result;
    o->list = o->job->list;
    o->job->list = NULL;
    job_release(o->job);
    o->job = NULL;
    if (result != 0) {
        (void)snprintf(o->why, sizeof o->why, "%s", gai_strerror(result));
        return -ENOENT;
    }
    o->address = o->list;
    return 0;
}

int tcp_open_step(struct tcp_open *o, uint64_t now_ms) {
    if (o->job != NULL) {
        int err = take_addresses(o);
        if (err != 0) {
            return err;
        }
        connect_next(o, now_ms);
    }
    while (o->address != NULL) {
        int err = 0;
        socklen_t n = sizeof err;
        if (!is_writable(o->fd)) {
            if (now_ms < o->deadline_ms) {
                return -EINPROGRESS;
            }
            err = ETIMEDOUT;
        } else if (getsockopt(o->fd, SOL_SOCKET, SO_ERROR, &err, &n) != 0) {
            err = errno;
        }
        if (err == 0) {
            int fd = o->fd;
            o->fd = -1;
            return fd;
        }
        o->last_error = err;
        (void)close(o->fd);
        o->fd = -1;
        o->address = o->address->ai_next;
        connect_next(o, now_ms);
    }
    return -o->last_error;
}

void tcp_open_end(struct tcp_open *o) {
    if (o->job != NULL) {
        job_release(o->job);
        o->job = NULL;
    }
    if (o->list != NULL) {
        freeaddrinfo(o->list);
        o->list = NULL;
        o->address = NULL;
    }
    if (o->fd >= 0) {
        (void)close(o->fd);
        o->fd = -1;
    }
}
