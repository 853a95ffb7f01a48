/* SPDX-License-Identifier: MIT */
/* The CAN link as the gateway thread uses it: frames to and from a connected descriptor, whichever
 * of the two transports is behind it. Nothing is queued: a frame that the device does not take now
 * is dropped, because the next one carries newer numbers. */
#ifndef PORTS_LINUX_CAN_PORT_H
#define PORTS_LINUX_CAN_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "can_feedback.h"
#include "slcan.h"
#include "stream.h"
#include "victron/frame.h"

enum can_transport {
    CAN_OVER_SLCAN,     /* LAWICEL text on a stream */
    CAN_OVER_SOCKETCAN, /* a raw CAN socket */
};

struct can_port {
    int fd; /* -1: no device; borrowed */
    enum can_transport transport;
    struct stream_tx tx; /* SLCAN only, as is the next */
    struct slcan slcan;
    bool calm;                    /* little came in when it was looked at last */
    bool news;                    /* the bus has changed its state; cleared by the caller */
    struct can_feedback feedback; /* stays from one device to the next */
};

void can_port_init(struct can_port *p);

/* Begins with a connected descriptor, its channel already open. */
void can_port_attach(struct can_port *p, int fd, enum can_transport transport);
void can_port_detach(struct can_port *p);

enum can_port_result {
    CAN_PORT_DONE,    /* the frame was written, or one was read */
    CAN_PORT_NOT_NOW, /* dropped; or nothing more to read */
    CAN_PORT_FAILED,  /* the descriptor is broken: errno, 0 for end of file */
};

enum can_port_result can_port_write(struct can_port *p, const struct victron_frame *f,
                                    uint64_t now_ms);

/* Takes what has arrived and hands each frame to `handle`, at most CAN_PORT_READ_MAX bytes or
 * frames, so that a babbling bus cannot keep the caller. DONE: there may be more. */
enum { CAN_PORT_READ_MAX = 2048 };
typedef void can_port_frame_fn(void *context, const struct victron_frame *f);
enum can_port_result can_port_read(struct can_port *p, can_port_frame_fn *handle, void *context);

/* An adapter that says little, such as its answer to each frame, need not wake anybody: read it
 * whenever something else does. can_port_events() then does not wait for it. */
bool can_port_is_calm(const struct can_port *p);

/* poll() events to wait for. */
short can_port_events(const struct can_port *p);

/* poll() says that the descriptor takes bytes. False: broken, errno. */
bool can_port_flush(struct can_port *p, uint64_t now_ms);

bool can_port_stalled(const struct can_port *p, uint64_t now_ms);

#endif
