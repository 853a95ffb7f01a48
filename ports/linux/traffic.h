/* SPDX-License-Identifier: MIT */
/* What goes in and out of the core, as the gateway thread sees it: every call that tells the core
 * something, in order, and everything that the core sent. `tinybms-gw record` writes it down, and
 * because the core has no other input and no clock, `tinybms-gw replay` can do it again.
 *
 * The gateway thread pushes and never waits: a full ring drops events, and the first one after them
 * says how many. The services pop. */
#ifndef PORTS_LINUX_TRAFFIC_H
#define PORTS_LINUX_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/gateway.h"
#include "ring.h"

enum {
    TRAFFIC_BYTES_MAX = 240, /* of one event */
    TRAFFIC_SLOTS = 4096,    /* 10 s of a busy gateway on an adapter that reads byte by byte */
    TRAFFIC_TELL_EVERY = 64, /* events after which the services are to be woken */
};

enum traffic_kind {
    TRAFFIC_START,      /* the core was set up: nothing was before this */
    TRAFFIC_TURN,       /* time was told to the core, which sent nothing */
    TRAFFIC_UART_RX,    /* .n bytes from the BMS, as one read(2) gave them */
    TRAFFIC_UART_TX,    /* a request to it */
    TRAFFIC_UART_LOST,  /* a request that the device did not take */
    TRAFFIC_CAN_RX,     /* .frame from the GX */
    TRAFFIC_CAN_TX,     /* a frame to it */
    TRAFFIC_CAN_LOST,   /* a frame that the device did not take: dropped */
    TRAFFIC_UART_LINK,  /* .up: as told to the core */
    TRAFFIC_CAN_LINK,   /* .up: of a link that only listens this is false */
    TRAFFIC_COMMAND,    /* .command of the user; its sequence means nothing here */
    TRAFFIC_CONFIGURED, /* other settings took over */
    TRAFFIC_MISSED,     /* .missed: events that the ring had no room for, and what is up now */
};

struct traffic_event {
    uint64_t at_us; /* clock_now_us(); the core was told at_us / 1000 */
    uint8_t kind;   /* enum traffic_kind */
    uint8_t n;
    union {
        uint8_t bytes[TRAFFIC_BYTES_MAX];
        struct victron_frame frame;
        bool up;
        struct gateway_command command;
        struct {
            uint32_t count;
            bool uart_up, can_up;
        } missed;
    };
};

struct traffic {
    struct ring ring;
    bool uart_up, can_up;
    bool tell; /* the services are to be woken; cleared by the caller */
    uint32_t missed, untold;
    struct traffic_event slots[TRAFFIC_SLOTS];
};

/* Before either thread uses it. */
void traffic_init(struct traffic *t);

/* Goes on in t, new, what begins to be lost in `before`: the first event tells that some are
 * missed. The gateway thread, as are the following. */
void traffic_follow(struct traffic *t, const struct traffic *before);

void traffic_push(struct traffic *t, const struct traffic_event *e);
/* TRAFFIC_START, _TURN, _CONFIGURED. */
void traffic_mark(struct traffic *t, enum traffic_kind kind, uint64_t at_us);
/* TRAFFIC_UART_RX, _TX, _LOST; n <= TRAFFIC_BYTES_MAX. */
void traffic_bytes(struct traffic *t, enum traffic_kind kind, const uint8_t *bytes, size_t n,
                   uint64_t at_us);
/* TRAFFIC_CAN_RX, _TX, _LOST. */
void traffic_frame(struct traffic *t, enum traffic_kind kind, const struct victron_frame *f,
                   uint64_t at_us);
/* TRAFFIC_UART_LINK, _CAN_LINK. */
void traffic_link(struct traffic *t, enum traffic_kind kind, bool up, uint64_t at_us);
void traffic_command(struct traffic *t, const struct gateway_command *c, uint64_t at_us);

/* The services: the next event; false when there is none. */
bool traffic_pop(struct traffic *t, struct traffic_event *out);

#endif
