/* SPDX-License-Identifier: MIT */
/* A serial line behind a network: tcp://host:port, as ser2net and most serial servers offer it.
 *
 * Opening never waits. A name is resolved by a thread of its own, because getaddrinfo(3) can hang
 * for as long as a dead name server likes; the addresses are then tried one after the other. */
#ifndef PORTS_LINUX_TCP_H
#define PORTS_LINUX_TCP_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TCP_HOST_MAX = 96,
    TCP_PORT_MAX = 8,
    TCP_CONNECT_MS = 3000,      /* for each address */
    TCP_USER_TIMEOUT_MS = 5000, /* bytes not acknowledged for so long: the connection is dead */
    TCP_KEEPALIVE_S = 5,
};

struct tcp_job; /* a resolution under way, shared with its thread */

struct tcp_open {
    struct tcp_job *job;      /* not NULL while the name is being resolved */
    struct addrinfo *list;    /* owned once the name is resolved */
    struct addrinfo *address; /* the one being tried */
    int fd;                   /* -1, or connecting */
    uint64_t deadline_ms;     /* of this address */
    int last_error;           /* errno of the last address that failed */
    char why[96];             /* a failure in words; empty: last_error says it */
};

/* Splits tcp://host:port or tcp://[v6]:port. False: not of that form, or too long. */
bool tcp_parse(const char *spec, char host[TCP_HOST_MAX], char port[TCP_PORT_MAX]);

/* Starts to open. 0, or a negative errno (-EINVAL: spec; no thread, no descriptor). */
int tcp_open_begin(struct tcp_open *o, const char *spec, uint64_t now_ms);

/* What to wait for before the next step: a descriptor and poll() events. Between the two of them
 * there is also deadline_ms (UINT64_MAX while resolving). */
int tcp_open_fd(const struct tcp_open *o, short *events);

/* Goes on. >= 0: connected, non-blocking, close-on-exec, the caller's from now on.
 * -EINPROGRESS: wait. Anything else: all addresses failed, see why and the value. */
int tcp_open_step(struct tcp_open *o, uint64_t now_ms);

/* Gives up and frees everything; a resolver thread that hangs is left to itself. Also after
 * success or failure; idempotent. */
void tcp_open_end(struct tcp_open *o);

#endif
