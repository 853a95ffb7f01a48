/* SPDX-License-Identifier: MIT */
/* The services' eye on a SocketCAN interface, beside the socket that the gateway thread has: what
 * the kernel's rtnetlink tells about it (state, bit rate, mode, error counters), what the error
 * frames told (can_feedback.h), and the restart of a controller that is bus-off.
 *
 * The kernel is asked every second and whenever an error frame changed the state; it tells by
 * itself when an interface comes, goes, or is set up or down. Nobody is waited for, except that the
 * kernel carries out a request before it returns: setting an slcan interface up takes as long as
 * its adapter takes its commands, two seconds at most. That is why none of this is the gateway
 * thread's.
 *
 * A controller that is bus-off stays so until it is restarted. Where the interface has a restart-ms
 * the kernel does it; otherwise it is done here, if this process has CAP_NET_ADMIN: by a restart,
 * or by down and up where the driver knows no restart, after 0.2 s, doubling to 10 s while it does
 * not help. The same for an interface that is up and not bus-off and yet has no carrier for a
 * second: slcan stays so when its adapter recovers by itself. Whoever has no such right is told
 * what to type.
 *
 * Repeated lines are held back for ten seconds or a minute, and then carry their count. */
#ifndef PORTS_LINUX_CAN_WATCH_H
#define PORTS_LINUX_CAN_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "can_feedback.h"
#include "can_netlink.h"
#include "log_sink.h"
#include "settings/settings.h"

enum {
    CAN_WATCH_DATAGRAM_MAX = 16384,
    CAN_WATCH_PERIOD_MS = 1000,
    CAN_WATCH_RESTART_FIRST_MS = 200,
    CAN_WATCH_RESTART_MAX_MS = 10000,
    CAN_WATCH_RESTART_GOOD_MS = 20000, /* after so long without one it is 0.2 s again */
    CAN_WATCH_NO_CARRIER_MS = 500,
    CAN_WATCH_BLIND_MS = 1000, /* bus-off is believed for so long where the kernel does not tell */
    CAN_WATCH_TAKEN_AGAIN_MS = 2000, /* without a dropped frame */
    CAN_WATCH_STORM = 100, /* error frames in a period; more: those about single frames are off */
    CAN_WATCH_CALM_MS = 10000, /* for so long */
};

/* For `status`. */
struct can_status {
    enum can_bus_state state;
    uint32_t bitrate; /* 0: unknown */
    bool restart_known;
    uint32_t restart_ms;
    bool counters_known;
    uint16_t tx_error_counter, rx_error_counter;
    uint32_t bus_off_count, restarts; /* since the gateway started */
    uint32_t dropped;                 /* frames that the device did not take */
};

/* A line that would repeat. */
struct can_watch_line {
    bool told;
    uint64_t told_at_ms;
    uint32_t count; /* since then */
};

struct can_watch {
    /* what the settings name */
    bool wanted; /* a SocketCAN interface */
    char name[CAN_INTERFACE_NAME_MAX + 1];
    uint32_t bitrate;
    enum settings_can_mode mode;

    /* rtnetlink */
    int fd;                /* -1: none */
    int open_error;        /* errno of that, 0 once told */
    uint32_t sequence;     /* of the last request */
    uint32_t ask_sequence; /* of the last question */
    uint64_t ask_at_ms;

    /* the interface */
    bool known; /* it is there: now says how */
    struct can_interface now;
    enum can_bus_state state, told_state;
    uint64_t state_since_ms, told_since_ms;
    uint32_t told_bitrate; /* that was found wrong */
    bool told_mode;

    /* its restart */
    bool restart_planned, cannot_restart /* the driver */, set_down_here, no_carrier;
    uint32_t restart_sequence, down_sequence, up_sequence;
    uint64_t restart_at_ms, restart_backoff_ms, restarted_at_ms;
    uint32_t restarts_by_down_and_up;

    /* the feedback of the gateway thread, as seen last */
    uint32_t seen_dropped, seen_error_frames, seen_bus_offs, seen_unacknowledged;
    bool heard, seen_off;
    bool dropping;
    uint32_t dropped_before;
    uint64_t dropping_since_ms, dropped_at_ms;
    int errors_fd; /* the socket whose error filter was set */
    bool few_errors;
    uint32_t period_error_frames; /* at the start of the period */
    uint64_t calm_at_ms;

    uint8_t datagram[CAN_WATCH_DATAGRAM_MAX];
    struct can_watch_line state_line[CAN_BUS_OFF + 1], restart_line, failure_line, ack_line,
        drop_line;
};

/* Watches nothing until configured. */
void can_watch_init(struct can_watch *w);

/* New settings: what hardware.can.interface names is watched from now on. */
void can_watch_configure(struct can_watch *w, const struct settings *settings);

/* Does what is due; can_fd: the CAN socket while the gateway thread has it, else -1. Returns the
 * next time it wants to be called. */
uint64_t can_watch_step(struct can_watch *w, struct can_feedback *feedback, int can_fd,
                        struct log_sink *log, uint64_t now_ms);

/* The descriptor to wait for with POLLIN, or -1. */
int can_watch_wait_fd(const struct can_watch *w);

/* Takes what the kernel has said. True: the interface can be opened now and could not before. */
bool can_watch_receive(struct can_watch *w, struct can_feedback *feedback, struct log_sink *log,
                       uint64_t now_ms);

/* The same with the n bytes of one datagram. */
bool can_watch_handle(struct can_watch *w, const void *bytes, size_t n,
                      struct can_feedback *feedback, struct log_sink *log, uint64_t now_ms);

void can_watch_status(const struct can_watch *w, const struct can_feedback *feedback,
                      struct can_status *out);

/* Sets an interface up that was set down here and could not be set up yet; closes everything. */
void can_watch_close(struct can_watch *w);

#endif
