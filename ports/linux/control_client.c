/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "control_client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"

static int connect_to(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    if (n >= sizeof address.sun_path) {
        return -ENAMETOOLONG;
    }
    memcpy(address.sun_path, path, n + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        int err = -errno;
        (void)close(fd);
        return err;
    }
    return fd;
}

static bool nobody(int err) {
    return err == -ENOENT || err == -ECONNREFUSED || err == -ENOTDIR;
}

int control_client_connect(const char *setting, char path[CONTROL_PATH_MAX]) {
    if (!control_path(setting, path)) {
        return -ENAMETOOLONG;
    }
    int fd = connect_to(path);
    if (nobody(fd) && setting[0] == '\0') {
        int system_fd = connect_to(control_system_path);
        if (!nobody(system_fd)) {
            (void)snprintf(path, CONTROL_PATH_MAX, "%s", control_system_path);
            fd = system_fd;
        }
    }
    return nobody(fd) ? -ESRCH : fd;
}

static int send_all(int fd, const char *bytes, size_t n) {
    while (n > 0) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR) {
            return -errno;
        }
        if (sent > 0) {
            bytes += sent;
            n -= (size_t)sent;
        }
    }
    return 0;
}

/* Takes up to `chunk` bytes at a time, so that with 1 nothing behind the line is taken. */
static int ask(int fd, const struct control_request *r, char *buf, size_t cap, size_t chunk) {
    char request[CONTROL_REQUEST_MAX];
    size_t n = control_print_request(r, request, sizeof request), length = 0;
    int err = send_all(fd, request, n);
    if (err != 0) {
        return err;
    }
    uint64_t end_ms = clock_now_ms() + CONTROL_CLIENT_TIMEOUT_MS;
    while (length < cap) {
        uint64_t now_ms = clock_now_ms();
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (now_ms >= end_ms || poll(&p, 1, (int)(end_ms - now_ms)) == 0) {
            return -ETIMEDOUT;
        }
        size_t room = cap - length;
        ssize_t got = recv(fd, buf + length, room < chunk ? room : chunk, 0);
        if (got <= 0) {
            if (got < 0 && errno == EINTR) {
                continue;
            }
            return got == 0 ? -ECONNRESET : -errno;
        }
        length += (size_t)got;
        if (buf[length - 1] == '\n') { /* one request, one line */
            return (int)(length - 1);
        }
    }
    return -EMSGSIZE;
}

int control_client_ask(int fd, const struct control_request *r, char *buf, size_t cap) {
    return ask(fd, r, buf, cap, cap);
}

int control_client_ask_line(int fd, const struct control_request *r, char *buf, size_t cap) {
    return ask(fd, r, buf, cap, 1);
}
