/* SPDX-License-Identifier: MIT */
/* What the kernel says about a CAN interface, and how it is told to start again: the bytes of
 * rtnetlink messages, without I/O.
 *
 * Every length in a message is checked against what is there, and a message with one that does not
 * fit is refused whole. What an interface does not tell stays unknown: a virtual one (vcan) has
 * neither bit rate nor state, slcan has no error counters.
 *
 * Source of truth: rtnetlink(7), linux/if_link.h and linux/can/netlink.h. */
#ifndef PORTS_LINUX_CAN_NETLINK_H
#define PORTS_LINUX_CAN_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CAN_INTERFACE_NAME_MAX = 15, CAN_NETLINK_REQUEST_MAX = 128 };

/* The controller's, as CAN's fault confinement knows them, and the two of one that does not run. */
enum can_bus_state {
    CAN_BUS_UNKNOWN,
    CAN_BUS_ERROR_ACTIVE,
    CAN_BUS_ERROR_WARNING, /* a counter has reached 96 */
    CAN_BUS_ERROR_PASSIVE, /* 128 */
    CAN_BUS_OFF,           /* 256: it neither sends nor receives until it is restarted */
    CAN_BUS_STOPPED,
    CAN_BUS_SLEEPING,
};

/* Static text, e.g. "error-passive"; "unknown" for anything else. */
const char *can_bus_state_text(enum can_bus_state state);

struct can_interface {
    uint32_t index;
    char name[CAN_INTERFACE_NAME_MAX + 1];
    bool is_can;  /* a CAN interface at all */
    bool up;      /* set up by the administrator */
    bool carrier; /* frames can pass; a controller that is bus-off has none */
    uint32_t tx_queue_length;
    enum can_bus_state state;
    uint32_t bitrate; /* 0: unknown */
    bool mode_known, loopback, listen_only;
    bool restart_known;
    uint32_t restart_ms; /* the kernel restarts by itself after this; 0: not at all */
    bool counters_known;
    uint16_t tx_error_counter, rx_error_counter;
};

enum can_netlink_kind {
    CAN_NETLINK_INTERFACE, /* an interface as it is now */
    CAN_NETLINK_GONE,      /* an interface was removed: index and name */
    CAN_NETLINK_ANSWER,    /* the end of a request: error */
    CAN_NETLINK_OTHER,     /* nothing of the above, or refused */
};

struct can_netlink_message {
    enum can_netlink_kind kind;
    uint32_t sequence; /* of the request that it answers; 0: unasked */
    int error;         /* CAN_NETLINK_ANSWER: 0 or a negative errno */
    struct can_interface interface;
};

/* Reads the message at *pos of the n bytes of one datagram and moves *pos behind it. False at the
 * end, and where the rest cannot be a message. */
bool can_netlink_next(const void *bytes, size_t n, size_t *pos, struct can_netlink_message *out);

/* Requests. Each writes one message into buf and returns its length, at most
 * CAN_NETLINK_REQUEST_MAX; its answer carries the sequence, which is not 0. */

/* Tell me about the interface of this name (1 to CAN_INTERFACE_NAME_MAX bytes). */
size_t can_netlink_ask(uint8_t buf[CAN_NETLINK_REQUEST_MAX], uint32_t sequence, const char *name);

/* Set it up, or down. Needs CAP_NET_ADMIN, as does the next. */
size_t can_netlink_set_up(uint8_t buf[CAN_NETLINK_REQUEST_MAX], uint32_t sequence, uint32_t index,
                          bool up);

/* Restart a controller that is bus-off. Not for a driver that cannot: kernels from before
 * July 2025 follow a null pointer then. */
size_t can_netlink_restart(uint8_t buf[CAN_NETLINK_REQUEST_MAX], uint32_t sequence, uint32_t index);

#endif
