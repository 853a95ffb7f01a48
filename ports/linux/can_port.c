/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "can_port.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "socketcan.h"

enum { READ_CHUNK = 512, SOCKETCAN_FRAMES_MAX = CAN_PORT_READ_MAX / 16 };

void can_port_init(struct can_port *p) {
    p->fd = -1;
    p->transport = CAN_OVER_SLCAN;
    stream_tx_init(&p->tx);
    slcan_init(&p->slcan);
}

void can_port_attach(struct can_port *p, int fd, enum can_transport transport) {
    can_port_init(p);
    p->fd = fd;
    p->transport = transport;
}

void can_port_detach(struct can_port *p) {
    can_port_init(p);
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
        return CAN_PORT_DONE;
    case SOCKETCAN_NOT_NOW:
        return CAN_PORT_NOT_NOW;
    case SOCKETCAN_FAILED:
        break;
    }
    return CAN_PORT_FAILED;
}

enum can_port_result can_port_write(struct can_port *p, const struct victron_frame *f,
                                    uint64_t now_ms) {
    if (p->transport == CAN_OVER_SOCKETCAN) {
        return from_socketcan(socketcan_write(p->fd, f));
    }
    return write_slcan(p, f, now_ms);
}

static enum can_port_result read_socketcan(struct can_port *p, can_port_frame_fn *handle,
                                           void *context) {
    for (int i = 0; i < SOCKETCAN_FRAMES_MAX; i++) {
        struct victron_frame f;
        enum can_port_result r = from_socketcan(socketcan_read(p->fd, &f));
        if (r != CAN_PORT_DONE) {
            return r;
        }
        handle(context, &f);
    }
    return CAN_PORT_DONE;
}

static enum can_port_result read_slcan(struct can_port *p, can_port_frame_fn *handle,
                                       void *context) {
    for (int got = 0; got < CAN_PORT_READ_MAX; got += READ_CHUNK) {
        uint8_t bytes[READ_CHUNK];
        ssize_t n = read(p->fd, bytes, sizeof bytes);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
            return CAN_PORT_NOT_NOW;
        }
        if (n <= 0) {
            errno = n == 0 ? 0 : errno;
            return CAN_PORT_FAILED;
        }
        for (ssize_t i = 0; i < n; i++) {
            struct victron_frame f;
            if (slcan_handle_rx(&p->slcan, bytes[i], &f)) {
                handle(context, &f);
            }
        }
    }
    return CAN_PORT_DONE;
}

enum can_port_result can_port_read(struct can_port *p, can_port_frame_fn *handle, void *context) {
    return p->transport == CAN_OVER_SOCKETCAN ? read_socketcan(p, handle, context)
                                              : read_slcan(p, handle, context);
}

short can_port_events(const struct can_port *p) {
    return stream_tx_waiting(&p->tx) ? POLLIN | POLLOUT : POLLIN;
}

bool can_port_flush(struct can_port *p, uint64_t now_ms) {
    return stream_tx_flush(&p->tx, p->fd, now_ms);
}

bool can_port_stalled(const struct can_port *p, uint64_t now_ms) {
    return stream_tx_stalled(&p->tx, now_ms);
}
