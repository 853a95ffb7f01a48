/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

/* Digits alone; 0: none, or more than 64 bits hold. */
static uint64_t number_of(const char *text) {
    size_t n = text == NULL ? 0 : strlen(text);
    if (n == 0 || n > 18 || strspn(text, "0123456789") != n) {
        return 0;
    }
    return strtoull(text, NULL, 10);
}

/* WATCHDOG_PID is there when a process beside this one may have inherited the rest. */
static uint64_t watchdog_ms(void) {
    const char *pid = getenv("WATCHDOG_PID");
    if (pid != NULL && number_of(pid) != (uint64_t)getpid()) {
        return 0;
    }
    return number_of(getenv("WATCHDOG_USEC")) / 1000;
}

/* A path, or a name of the abstract name space: '@' stands for its first byte, a NUL. */
static int address_of(const char *text, struct notify *n) {
    size_t length = strlen(text);
    if (text[0] != '/' && text[0] != '@') {
        return -EAFNOSUPPORT;
    }
    if (length < 2 || length >= sizeof n->to.sun_path) {
        return -EINVAL;
    }
    n->to.sun_family = AF_UNIX;
    memcpy(n->to.sun_path, text, length);
    if (text[0] == '@') {
        n->to.sun_path[0] = '\0';
    }
    n->to_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return 0;
}

int notify_open(struct notify *n) {
    const char *text = getenv("NOTIFY_SOCKET");
    *n = (struct notify){.fd = -1};
    if (text == NULL || text[0] == '\0') {
        return 0;
    }
    int err = address_of(text, n);
    if (err != 0) {
        return err;
    }
    n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (n->fd < 0) {
        return -errno;
    }
    n->watchdog_ms = watchdog_ms();
    return 0;
}

void notify_close(struct notify *n) {
    if (n->fd >= 0) {
        (void)close(n->fd);
        n->fd = -1;
    }
}

bool notify_send(const struct notify *n, const char *text) {
    if (n->fd < 0) {
        return true;
    }
    return sendto(n->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
                  (const struct sockaddr *)&n->to, n->to_length) >= 0;
}

bool notify_ready(const struct notify *n) {
    return notify_send(n, "READY=1\n");
}

bool notify_reloading(const struct notify *n) {
    char text[NOTIFY_TEXT_MAX];
    (void)snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\n",
                   clock_awake_us());
    return notify_send(n, text);
}

bool notify_stopping(const struct notify *n) {
    return notify_send(n, "STOPPING=1\n");
}

bool notify_watchdog(const struct notify *n) {
    return notify_send(n, "WATCHDOG=1\n");
}

bool notify_status(const struct notify *n, const char *text) {
    char line[NOTIFY_TEXT_MAX];
    (void)snprintf(line, sizeof line, "STATUS=%s", text);
    for (char *c = line; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7F) {
            *c = '?'; /* a line break would begin another message */
        }
    }
    return notify_send(n, line);
}
