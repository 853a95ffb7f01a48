/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "bms_access.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "control.h"
#include "control_client.h"
#include "link.h"

enum { CONNECT_TIMEOUT_MS = 10000, IDLE_POLL_MS = 2000, CHUNK = 512 };

/* ---- on the line itself ---- */

static int open_line(struct bms_access *a, char *why, size_t cap) {
    const struct settings *s = a->settings;
    const struct tinybms_config config = {
        .baudrate = s->hardware.uart.baudrate,
        .timeout_ms = s->hardware.uart.timeout_ms,
        .poll_interval_ms = IDLE_POLL_MS, /* the commands are what matters here */
        .retry_count = s->tinybms.uart_retry_count,
        .retry_delay_ms = s->tinybms.uart_retry_delay_ms,
    };
    char reason[192];
    a->fd = link_open_once(s, CONNECT_TIMEOUT_MS, reason, sizeof reason);
    if (a->fd < 0) {
        struct link_spec spec = link_spec_uart(s->hardware.uart.device);
        (void)snprintf(why, cap, "no gateway is running, and %s: %s; %s", s->hardware.uart.device,
                       reason, link_advice(spec.kind, -a->fd));
        return -1;
    }
    uint64_t now_ms = clock_now_ms();
    if (tinybms_init(&a->bms, &config, now_ms) != GW_OK) {
        (void)snprintf(why, cap, "hardware.uart.baudrate is out of range");
        link_close_once(s, a->fd);
        return -1;
    }
    tinybms_set_port(&a->bms, true, now_ms);
    return 0;
}

static int queue_command(struct tinybms *bms, const struct gateway_command *c) {
    switch (c->kind) {
    case GATEWAY_READ_REGISTERS:
        return tinybms_read(bms, c->sequence, c->addr, c->count);
    case GATEWAY_WRITE_REGISTER:
        return tinybms_write(bms, c->sequence, c->addr, c->raw);
    case GATEWAY_RESET_BMS:
        return tinybms_reset(bms, c->sequence, c->option);
    }
    return GW_ERR_UNKNOWN;
}

static bool write_all(int fd, const uint8_t *bytes, size_t n) {
    while (n > 0) {
        ssize_t written = write(fd, bytes, n);
        if (written > 0) {
            bytes += written;
            n -= (size_t)written;
            continue;
        }
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        bool wait = written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
        if (!wait || poll(&p, 1, CONTROL_CLIENT_TIMEOUT_MS) <= 0) {
            return false;
        }
    }
    return true;
}

/* Sends what the core has to say, then waits until `until_ms` for bytes. False: the line broke. */
static bool move_bytes(struct bms_access *a, uint64_t until_ms) {
    uint8_t bytes[CHUNK];
    size_t n = tinybms_tx(&a->bms, bytes, sizeof bytes, clock_now_ms());
    if (n != 0) {
        return write_all(a->fd, bytes, n); /* and ask the core anew how long to wait */
    }
    uint64_t now_ms = clock_now_ms();
    struct pollfd p = {.fd = a->fd, .events = POLLIN};
    if (poll(&p, 1, until_ms > now_ms ? (int)(until_ms - now_ms) : 0) <= 0) {
        return true;
    }
    ssize_t got = read(a->fd, bytes, sizeof bytes);
    if (got > 0) {
        tinybms_handle_rx(&a->bms, bytes, (size_t)got, clock_now_ms());
    }
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static int command_on_line(struct bms_access *a, const struct gateway_command *c,
                           struct gateway_answer *out, char *why, size_t cap) {
    static struct tinybms_result result;
    uint64_t end_ms = clock_now_ms() + BMS_ACCESS_TIMEOUT_MS;
    out->err = queue_command(&a->bms, c);
    while (out->err == GW_OK) {
        uint64_t now_ms = clock_now_ms();
        if (now_ms >= end_ms) {
            out->err = GW_ERR_TIMEOUT;
            break;
        }
        uint64_t deadline_ms = tinybms_step(&a->bms, now_ms);
        while (tinybms_next_result(&a->bms, &result)) {
            if (result.kind == TINYBMS_RESULT_COMMAND) {
                *out = (struct gateway_answer){.err = result.err,
                                               .nack = result.nack,
                                               .addr = result.addr,
                                               .count = result.count};
                memcpy(out->value, result.value, sizeof out->value);
                return 0;
            }
        }
        if (!move_bytes(a, deadline_ms < end_ms ? deadline_ms : end_ms)) {
            (void)snprintf(why, cap, "%s: the line broke", a->settings->hardware.uart.device);
            return -1;
        }
    }
    return 0;
}

/* ---- through the gateway ---- */

static int command_by_gateway(struct bms_access *a, const struct gateway_command *c,
                              struct gateway_answer *out, char *why, size_t cap) {
    static char line[CONTROL_ANSWER_MAX];
    const struct control_request request = {.command = *c};
    int n = control_client_ask(a->fd, &request, line, sizeof line);
    if (n < 0) {
        (void)snprintf(why, cap, "the running gateway: %s", strerror(-n));
        return -1;
    }
    if (control_parse_answer(line, (size_t)n, out) != GW_OK) {
        (void)snprintf(why, cap, "the running gateway's answer cannot be read");
        return -1;
    }
    return 0;
}

/* ---- either ---- */

int bms_access_open(struct bms_access *a, const struct settings *settings, char *why, size_t cap) {
    char path[CONTROL_PATH_MAX];
    memset(a, 0, sizeof *a);
    a->settings = settings;
    a->fd = control_client_connect(settings->advanced.control_socket, path);
    a->through_gateway = a->fd >= 0;
    if (a->through_gateway) {
        return 0;
    }
    if (a->fd != -ESRCH) { /* there may be one: its line is not for us to open */
        (void)snprintf(why, cap, "%s: cannot ask the running gateway: %s", path, strerror(-a->fd));
        return -1;
    }
    return open_line(a, why, cap);
}

int bms_access_command(struct bms_access *a, const struct gateway_command *c,
                       struct gateway_answer *out, char *why, size_t cap) {
    memset(out, 0, sizeof *out);
    return a->through_gateway ? command_by_gateway(a, c, out, why, cap)
                              : command_on_line(a, c, out, why, cap);
}

void bms_access_close(struct bms_access *a) {
    if (a->through_gateway) {
        (void)close(a->fd);
    } else {
        link_close_once(a->settings, a->fd);
    }
}
