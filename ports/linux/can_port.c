/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "can_port.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "socketcan.h"

enum {
    READ_CHUNK = 512,
    CALM_MAX = 128,   /* bytes of one look: a GX's two frames, and answers to all of ours */
    QUEUE_MAX = 1024, /* bytes: two bursts of all frames, 0.1 s at 115200 bit/s */
    SOCKETCAN_FRAMES_MAX = CAN_PORT_READ_MAX / 16,
};

static void clear(struct can_port *p) {
    p->fd = -1;
    p->transport = CAN_OVER_SLCAN;
    p->calm = false;
    stream_tx_init(&p->tx);
    slcan_init(&p->slcan);
    atomic_store_explicit(&p->feedback.bus_off, false, memory_order_relaxed);
    can_feedback_set_last(&p->feedback, (struct can_feedback_last){.state = CAN_BUS_UNKNOWN});
}

void can_port_init(struct can_port *p) {
    clear(p);
    p->news = false;
    _Atomic uint32_t *number[] = {&p->feedback.dropped,       &p->feedback.refused,
                                  &p->feedback.error_frames,  &p->feedback.bus_offs,
                                  &p->feedback.restarts,      &p->feedback.last,
                                  &p->feedback.unacknowledged};
    for (size_t i = 0; i < sizeof number / sizeof number[0]; i++) {
        atomic_store_explicit(number[i], 0, memory_order_relaxed);
    }
}

void can_port_attach(struct can_port *p, int fd, enum can_transport transport) {
    clear(p);
    p->fd = fd;
    p->transport = transport;
    stream_tx_attach(&p->tx, fd, QUEUE_MAX);
}

void can_port_detach(struct can_port *p) {
    clear(p);
}

static enum can_port_result write_slcan(struct can_port *p, const struct victron_frame *f,
                                        uint64_t now_ms) {
    char line[SLCAN_LINE_MAX];
    size_t n = slcan_encode(f, line);
    switch (stream_tx_write(&p->tx, p->fd, line, n, now_ms)) {
    case STREAM_WRITTEN:
        return CAN_PORT_DONE;
    case STREAM_REFUSED:
        return CAN_PORT_NOT_NOW;
    case STREAM_FAILED:
        break;
    }
    return CAN_PORT_FAILED;
}

static enum can_port_result from_socketcan(enum socketcan_result r) {
    switch (r) {
    case SOCKETCAN_DONE:
    case SOCKETCAN_ERROR:
        return CAN_PORT_DONE;
    case SOCKETCAN_NOT_NOW:
        return CAN_PORT_NOT_NOW;
    case SOCKETCAN_FAILED:
        break;
    }
    return CAN_PORT_FAILED;
}

static enum can_port_result write_socketcan(struct can_port *p, const struct victron_frame *f) {
    if (atomic_load_explicit(&p->feedback.bus_off, memory_order_relaxed)) {
        return CAN_PORT_NOT_NOW;
    }
    return from_socketcan(socketcan_write(p->fd, f));
}

enum can_port_result can_port_write(struct can_port *p, const struct victron_frame *f,
                                    uint64_t now_ms) {
    enum can_port_result r =
        p->transport == CAN_OVER_SOCKETCAN ? write_socketcan(p, f) : write_slcan(p, f, now_ms);
    if (r == CAN_PORT_NOT_NOW) {
        can_feedback_count(&p->feedback.dropped);
    }
    return r;
}

static void set_bus_off(struct can_port *p, bool off) {
    bool was = atomic_exchange_explicit(&p->feedback.bus_off, off, memory_order_relaxed);
    p->news = p->news || was != off;
}

static void note_error(struct can_port *p, const struct socketcan_error *e) {
    struct can_feedback_last last = can_feedback_last(&p->feedback);
    can_feedback_count(&p->feedback.error_frames);
    if (e->unacknowledged) {
        can_feedback_count(&p->feedback.unacknowledged);
    }
    if (e->bus_off) {
        can_feedback_count(&p->feedback.bus_offs);
    }
    if (e->restarted) {
        can_feedback_count(&p->feedback.restarts);
    }
    if (e->counters_known) {
        last.counters_known = true;
        last.tx_error_counter = e->tx_error_counter;
        last.rx_error_counter = e->rx_error_counter;
    }
    if (e->state != CAN_BUS_UNKNOWN) {
        p->news = p->news || e->state != last.state;
        last.state = e->state;
        set_bus_off(p, e->state == CAN_BUS_OFF);
    }
    can_feedback_set_last(&p->feedback, last);
}

static enum can_port_result read_socketcan(struct can_port *p, can_port_frame_fn *handle,
                                           void *context) {
    for (int i = 0; i < SOCKETCAN_FRAMES_MAX; i++) {
        struct victron_frame f;
        struct socketcan_error error;
        enum socketcan_result r = socketcan_read(p->fd, &f, &error);
        if (r == SOCKETCAN_ERROR) {
            note_error(p, &error);
        } else if (r == SOCKETCAN_DONE) {
            set_bus_off(p, false); /* a controller that is bus-off receives nothing */
            handle(context, &f);
        } else {
            return from_socketcan(r);
        }
    }
    return CAN_PORT_DONE;
}

static enum can_port_result read_slcan(struct can_port *p, can_port_frame_fn *handle,
                                       void *context) {
    for (int got = 0; got < CAN_PORT_READ_MAX; got += READ_CHUNK) {
        uint8_t bytes[READ_CHUNK];
        ssize_t n = read(p->fd, bytes, sizeof bytes);
        p->calm = got == 0 && n < CALM_MAX;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
            return CAN_PORT_NOT_NOW;
        }
        if (n <= 0) {
            errno = n == 0 ? 0 : errno;
            return CAN_PORT_FAILED;
        }
        const uint32_t refused = p->slcan.counters.refused;
        for (ssize_t i = 0; i < n; i++) {
            struct victron_frame f;
            if (slcan_handle_rx(&p->slcan, bytes[i], &f)) {
                handle(context, &f);
            }
        }
        atomic_fetch_add_explicit(&p->feedback.refused, p->slcan.counters.refused - refused,
                                  memory_order_relaxed);
        if ((size_t)n < sizeof bytes) {
            return CAN_PORT_NOT_NOW;
        }
    }
    return CAN_PORT_DONE;
}

enum can_port_result can_port_read(struct can_port *p, can_port_frame_fn *handle, void *context) {
    return p->transport == CAN_OVER_SOCKETCAN ? read_socketcan(p, handle, context)
                                              : read_slcan(p, handle, context);
}

bool can_port_is_calm(const struct can_port *p) {
    return p->fd >= 0 && p->transport == CAN_OVER_SLCAN && p->calm;
}

short can_port_events(const struct can_port *p) {
    short events = can_port_is_calm(p) ? 0 : POLLIN;
    if (stream_tx_waiting(&p->tx)) {
        events |= POLLOUT;
    }
    return events;
}

bool can_port_flush(struct can_port *p, uint64_t now_ms) {
    return stream_tx_flush(&p->tx, p->fd, now_ms);
}

bool can_port_stalled(const struct can_port *p, uint64_t now_ms) {
    return stream_tx_stalled(&p->tx, now_ms);
}
