/* SPDX-License-Identifier: MIT */
/* What a service manager is told: the datagrams of sd_notify(3), without its library. Without
 * NOTIFY_SOCKET in the environment every call does nothing. Nothing here waits: a datagram that the
 * manager's queue does not take is not sent.
 *
 * Source of truth: sd_notify(3) and sd_watchdog_enabled(3) of systemd 252. */
#ifndef PORTS_LINUX_NOTIFY_H
#define PORTS_LINUX_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { NOTIFY_TEXT_MAX = 256 };

struct notify {
    int fd; /* -1: nobody is told */
    struct sockaddr_un to;
    socklen_t to_length;
    uint64_t watchdog_ms; /* WATCHDOG_USEC, if it is meant for this process; 0: no watchdog */
};

/* Reads the environment. 0; a negative errno when somebody wants to be told and cannot be: an
 * address of another family than a path or an abstract name, no socket. n is usable all the same.
 */
int notify_open(struct notify *n);
void notify_close(struct notify *n);

/* From any thread. True: sent, or nobody is to be told. */
bool notify_send(const struct notify *n, const char *text);

/* READY=1: started, or done with reloading. */
bool notify_ready(const struct notify *n);
/* RELOADING=1, with the time that tells it from an earlier one. */
bool notify_reloading(const struct notify *n);
bool notify_stopping(const struct notify *n);
/* WATCHDOG=1: alive. */
bool notify_watchdog(const struct notify *n);
/* One line for people, cut at NOTIFY_TEXT_MAX. */
bool notify_status(const struct notify *n, const char *text);

#endif
