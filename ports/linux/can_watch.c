/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "can_watch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "can_watch_tell.h"
#include "link.h"
#include "socketcan.h"

enum {
    DATAGRAMS_AT_ONCE = 32,
};

/* ---- requests ---- */

static uint32_t next_sequence(struct can_watch *w) {
    w->sequence = w->sequence == UINT32_MAX ? 1 : w->sequence + 1;
    return w->sequence;
}

static void send_request(const struct can_watch *w, const uint8_t *bytes, size_t n) {
    /* To the kernel, which takes it at once; what fails is asked again. */
    (void)!send(w->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void ask(struct can_watch *w, uint64_t now_ms) {
    uint8_t request[CAN_NETLINK_REQUEST_MAX];
    w->ask_sequence = next_sequence(w);
    w->ask_at_ms = now_ms + CAN_WATCH_PERIOD_MS;
    send_request(w, request, can_netlink_ask(request, w->ask_sequence, w->name));
}

static void request_up(struct can_watch *w, bool down_before) {
    uint8_t request[2 * CAN_NETLINK_REQUEST_MAX];
    size_t n = 0;
    if (down_before) {
        w->down_sequence = next_sequence(w);
        n = can_netlink_set_up(request, w->down_sequence, w->now.index, false);
        w->set_down_here = true;
    }
    w->up_sequence = next_sequence(w);
    n += can_netlink_set_up(request + n, w->up_sequence, w->now.index, true);
    send_request(w, request, n); /* both in one go: dying in between is not possible */
}

static void request_restart(struct can_watch *w) {
    uint8_t request[CAN_NETLINK_REQUEST_MAX];
    w->restart_sequence = next_sequence(w);
    send_request(w, request, can_netlink_restart(request, w->restart_sequence, w->now.index));
}

/* ---- restart ---- */

static bool wants_restart(const struct can_watch *w) {
    if (!w->known || !w->now.up) {
        return w->known && w->set_down_here;
    }
    if (w->state == CAN_BUS_OFF) {
        return w->now.restart_known && w->now.restart_ms == 0;
    }
    return w->no_carrier;
}

static void restart(struct can_watch *w, struct log_sink *log, uint64_t now_ms) {
    const bool gently =
        w->state == CAN_BUS_OFF && !w->cannot_restart && socketcan_has_device(w->name);
    if (!w->set_down_here) {
        can_watch_tell_restart(w, gently, log, now_ms);
    }
    if (w->set_down_here) {
        request_up(w, false);
    } else if (gently) {
        request_restart(w);
    } else {
        request_up(w, true);
    }
    w->restarted_at_ms = now_ms;
    w->restart_backoff_ms = w->restart_backoff_ms * 2 > CAN_WATCH_RESTART_MAX_MS
                                ? CAN_WATCH_RESTART_MAX_MS
                                : w->restart_backoff_ms * 2;
    w->restart_at_ms = now_ms + w->restart_backoff_ms;
    w->ask_at_ms = now_ms;
}

static void plan_restart(struct can_watch *w, struct log_sink *log, uint64_t now_ms) {
    if (!wants_restart(w)) {
        w->restart_planned = false;
        if (now_ms - w->restarted_at_ms >= CAN_WATCH_RESTART_GOOD_MS) {
            w->restart_backoff_ms = CAN_WATCH_RESTART_FIRST_MS;
        }
        return;
    }
    if (!w->restart_planned) {
        w->restart_planned = true;
        w->restart_at_ms = now_ms + w->restart_backoff_ms;
        if (w->no_carrier && w->restart_backoff_ms < CAN_WATCH_NO_CARRIER_MS) {
            w->restart_at_ms = now_ms + CAN_WATCH_NO_CARRIER_MS;
        }
    }
    if (now_ms >= w->restart_at_ms) {
        restart(w, log, now_ms);
    }
}

static void forget_interface(struct can_watch *w) {
    w->known = false;
    w->state = w->told_state = CAN_BUS_UNKNOWN;
    w->set_down_here = w->cannot_restart = w->no_carrier = w->told_mode = false;
    w->told_bitrate = 0;
}

/* m->sequence is not 0. */
static void handle_answer(struct can_watch *w, const struct can_netlink_message *m,
                          struct log_sink *log, uint64_t now_ms) {
    const int error = -m->error;
    if (m->sequence == w->ask_sequence && error == ENODEV) {
        forget_interface(w);
    } else if (m->sequence == w->restart_sequence && error == EOPNOTSUPP) {
        w->cannot_restart = true;
        w->restart_at_ms = now_ms;
    } else if (m->sequence == w->restart_sequence && error == EPERM) {
        can_watch_tell_failure(w, error, log, now_ms);
    } else if (m->sequence == w->down_sequence && error != 0) {
        w->set_down_here = false;
        can_watch_tell_failure(w, error, log, now_ms);
    } else if (m->sequence == w->up_sequence && w->set_down_here) {
        if (error == 0) {
            w->set_down_here = false;
            w->restarts_by_down_and_up++;
        } else {
            can_watch_tell_failure(w, error, log, now_ms);
        }
    }
}

/* ---- what the kernel says ---- */

static bool usable(const struct can_watch *w) {
    return w->known && w->now.is_can && w->now.up;
}

static void set_bus_off(struct can_feedback *feedback, bool off) {
    atomic_store_explicit(&feedback->bus_off, off, memory_order_relaxed);
}

static void take_interface(struct can_watch *w, const struct can_interface *i,
                           struct can_feedback *feedback, struct log_sink *log, uint64_t now_ms) {
    if (w->known && w->now.index != i->index) {
        forget_interface(w); /* another one of the same name */
    }
    w->known = true;
    w->now = *i;
    if (i->state != CAN_BUS_UNKNOWN) {
        can_watch_set_state(w, i->state, log, now_ms);
        w->no_carrier = i->up && !i->carrier && i->state <= CAN_BUS_ERROR_PASSIVE;
        set_bus_off(feedback, i->up && (i->state == CAN_BUS_OFF || w->no_carrier));
    }
    can_watch_compare(w, log);
}

bool can_watch_handle(struct can_watch *w, const void *bytes, size_t n,
                      struct can_feedback *feedback, struct log_sink *log, uint64_t now_ms) {
    const bool before = usable(w);
    struct can_netlink_message m;
    for (size_t pos = 0; w->wanted && can_netlink_next(bytes, n, &pos, &m);) {
        const bool same_index = w->known && m.interface.index == w->now.index;
        const bool same_name = strcmp(m.interface.name, w->name) == 0;
        switch (m.kind) {
        case CAN_NETLINK_INTERFACE:
            if (same_name) {
                take_interface(w, &m.interface, feedback, log, now_ms);
            } else if (same_index) {
                forget_interface(w); /* renamed */
            }
            break;
        case CAN_NETLINK_GONE:
            if (same_index) {
                forget_interface(w);
            }
            break;
        case CAN_NETLINK_ANSWER:
            if (m.sequence != 0) {
                handle_answer(w, &m, log, now_ms);
            }
            break;
        case CAN_NETLINK_OTHER:
            break;
        }
    }
    return !before && usable(w);
}

bool can_watch_receive(struct can_watch *w, struct can_feedback *feedback, struct log_sink *log,
                       uint64_t now_ms) {
    bool news = false;
    for (int i = 0; i < DATAGRAMS_AT_ONCE; i++) {
        struct sockaddr_nl from = {0};
        struct iovec part = {.iov_base = w->datagram, .iov_len = sizeof w->datagram};
        struct msghdr m = {
            .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1};
        ssize_t n = recvmsg(w->fd, &m, MSG_DONTWAIT);
        if (n < 0 && errno == ENOBUFS) {
            w->ask_at_ms = now_ms; /* the kernel had more to say than there was room for */
            continue;
        }
        if (n <= 0) {
            break;
        }
        /* Only the kernel's word counts; any process may send to the socket. */
        if (from.nl_family == AF_NETLINK && from.nl_pid == 0 && (m.msg_flags & MSG_TRUNC) == 0) {
            news = can_watch_handle(w, w->datagram, (size_t)n, feedback, log, now_ms) || news;
        }
    }
    return news;
}

/* ---- what the gateway thread says ---- */

static void hear(struct can_watch *w, struct can_feedback *feedback, struct log_sink *log,
                 uint64_t now_ms) {
    const struct can_feedback_last last = can_feedback_last(feedback);
    const bool off = atomic_load_explicit(&feedback->bus_off, memory_order_relaxed);
    uint32_t frames = atomic_load_explicit(&feedback->error_frames, memory_order_relaxed);
    uint32_t bus_offs = atomic_load_explicit(&feedback->bus_offs, memory_order_relaxed);
    uint32_t lonely = atomic_load_explicit(&feedback->unacknowledged, memory_order_relaxed);
    uint32_t dropped = atomic_load_explicit(&feedback->dropped, memory_order_relaxed);
    if (!w->heard) { /* what was counted before is another interface's */
        w->heard = true;
        w->seen_dropped = dropped;
        w->seen_bus_offs = bus_offs;
        w->seen_error_frames = w->period_error_frames = frames;
        w->seen_unacknowledged = lonely;
    }
    if (bus_offs != w->seen_bus_offs) { /* perhaps over by now */
        can_watch_set_state(w, CAN_BUS_OFF, log, now_ms);
        w->ask_at_ms = now_ms;
    }
    if (frames != w->seen_error_frames && last.state != CAN_BUS_UNKNOWN && last.state != w->state) {
        can_watch_set_state(w, last.state, log, now_ms);
        w->ask_at_ms = now_ms;
    }
    w->seen_bus_offs = bus_offs;
    w->seen_error_frames = frames;
    can_watch_tell_lonely(w, lonely - w->seen_unacknowledged, log, now_ms);
    w->seen_unacknowledged = lonely;
    can_watch_tell_dropped(w, off || w->seen_off, dropped, log, now_ms);
    w->seen_off = off;
    if (off && (w->fd < 0 || !w->known || w->now.state == CAN_BUS_UNKNOWN) &&
        now_ms - w->state_since_ms >= CAN_WATCH_BLIND_MS) {
        can_watch_set_state(w, CAN_BUS_UNKNOWN, log, now_ms); /* nobody says whether it still is */
        set_bus_off(feedback, false);
    }
}

/* A broken bus makes error frames by the thousand; those about single frames are no loss. */
static void calm(struct can_watch *w, const struct can_feedback *feedback, int can_fd,
                 uint64_t now_ms) {
    uint32_t frames = atomic_load_explicit(&feedback->error_frames, memory_order_relaxed);
    uint32_t many = frames - w->period_error_frames;
    w->period_error_frames = frames;
    if (can_fd != w->errors_fd) {
        w->errors_fd = can_fd; /* opened with all of them */
        w->few_errors = false;
    }
    if (can_fd < 0) {
        return;
    }
    if (!w->few_errors && many > CAN_WATCH_STORM) {
        w->few_errors = socketcan_want_errors(can_fd, false);
        w->calm_at_ms = now_ms + CAN_WATCH_CALM_MS;
    } else if (w->few_errors && now_ms >= w->calm_at_ms) {
        w->few_errors = !socketcan_want_errors(can_fd, true);
    }
}

/* ---- life ---- */

void can_watch_init(struct can_watch *w) {
    memset(w, 0, sizeof *w);
    w->fd = w->errors_fd = -1;
    w->restart_backoff_ms = CAN_WATCH_RESTART_FIRST_MS;
}

static void open_netlink(struct can_watch *w) {
    const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
    w->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    w->open_error = 0;
    if (w->fd < 0 || bind(w->fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        w->open_error = errno;
        can_watch_close(w);
    }
}

void can_watch_configure(struct can_watch *w, const struct settings *settings) {
    const struct link_spec spec = link_spec_can(settings->hardware.can.interface);
    const bool wanted = spec.kind == LINK_SOCKETCAN && spec.target[0] != '\0' &&
                        strlen(spec.target) < sizeof w->name;
    if (w->wanted && (!wanted || strcmp(spec.target, w->name) != 0)) {
        can_watch_close(w);
        can_watch_init(w);
    }
    w->bitrate = settings->hardware.can.bitrate;
    w->mode = settings->hardware.can.mode;
    w->told_bitrate = 0;
    w->told_mode = false;
    if (wanted && !w->wanted) {
        w->wanted = true;
        memcpy(w->name, spec.target, strlen(spec.target) + 1);
        open_netlink(w);
    }
}

uint64_t can_watch_step(struct can_watch *w, struct can_feedback *feedback, int can_fd,
                        struct log_sink *log, uint64_t now_ms) {
    if (!w->wanted) {
        return UINT64_MAX;
    }
    if (w->open_error != 0) {
        char text[128];
        log_sink_write(log, LOG_WARN, "can",
                       "the kernel cannot be asked about the interface interface=%s reason=\"%s\" "
                       "next=\"allow AF_NETLINK sockets\"",
                       w->name, strerror_r(w->open_error, text, sizeof text));
        w->open_error = 0;
    }
    hear(w, feedback, log, now_ms);
    if (w->fd >= 0) {
        plan_restart(w, log, now_ms);
    }
    if (now_ms >= w->ask_at_ms) {
        calm(w, feedback, can_fd, now_ms);
        w->ask_at_ms = now_ms + CAN_WATCH_PERIOD_MS;
        if (w->fd >= 0) {
            ask(w, now_ms);
        }
    }
    return w->restart_planned && w->restart_at_ms < w->ask_at_ms ? w->restart_at_ms : w->ask_at_ms;
}

int can_watch_wait_fd(const struct can_watch *w) {
    return w->fd;
}

void can_watch_status(const struct can_watch *w, const struct can_feedback *feedback,
                      struct can_status *out) {
    const struct can_feedback_last last = can_feedback_last(feedback);
    const struct can_interface *i = &w->now;
    memset(out, 0, sizeof *out);
    out->dropped = atomic_load_explicit(&feedback->dropped, memory_order_relaxed);
    out->bus_off_count = atomic_load_explicit(&feedback->bus_offs, memory_order_relaxed);
    out->restarts = atomic_load_explicit(&feedback->restarts, memory_order_relaxed) +
                    w->restarts_by_down_and_up;
    out->state = w->state;
    out->counters_known = last.counters_known;
    out->tx_error_counter = last.tx_error_counter;
    out->rx_error_counter = last.rx_error_counter;
    if (!w->known) {
        return;
    }
    out->bitrate = i->bitrate;
    out->restart_known = i->restart_known;
    out->restart_ms = i->restart_ms;
    if (i->counters_known) {
        out->counters_known = true;
        out->tx_error_counter = i->tx_error_counter;
        out->rx_error_counter = i->rx_error_counter;
    }
}

void can_watch_close(struct can_watch *w) {
    if (w->fd >= 0) {
        if (w->known && w->set_down_here) {
            request_up(w, false);
        }
        (void)close(w->fd);
        w->fd = -1;
    }
}
