/* SPDX-License-Identifier: MIT */
/* What joins one services thread to the gateway thread. Each ring has one producer and one
 * consumer:
 *
 *   requests  services -> gateway   commands, descriptors to use, new settings
 *   answers   gateway -> services   exactly one for each command
 *   reports   gateway -> services   descriptors given up, settings no longer used
 *   logs      gateway -> services   records; a full ring leaves them to the core, which counts
 *   traffic   gateway -> services   what the core was told and what it sent; dropped when full
 *   snapshot  gateway -> services   the latest state
 *
 * A services thread that is stuck is abandoned, and the one that follows it gets a channel of its
 * own: the old one may be in the middle of a push. The gateway thread leaves the old channel for
 * good when it takes the new one over (gateway_thread_take_over()); whatever the abandoned thread
 * does to its rings when it wakes, nobody looks at them. */
#ifndef PORTS_LINUX_CHANNEL_H
#define PORTS_LINUX_CHANNEL_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "can_port.h"
#include "gateway/gateway.h"
#include "ring.h"
#include "snapshot.h"
#include "traffic.h"

enum {
    THREAD_REQUESTS = 16,
    THREAD_COMMANDS_MAX = 8, /* without an answer: the services' to keep to */
    THREAD_ANSWERS = 8,      /* hence never full */
    THREAD_REPORTS = 8,      /* one for each link, the settings, the hand-over: never full */
    THREAD_LOGS = 256,
    THREAD_SEQUENCE_BITS = 24, /* of a command's sequence; the channel's generation is above them */
};

enum port_link { PORT_UART, PORT_CAN, PORT_LINKS };

/* What the settings say about one link. */
struct link_config {
    char device[SETTINGS_PATH_MAX + 1];
    uint32_t bitrate; /* of the tty, or of the CAN bus */
    bool listen_only; /* hardware.can.mode, as is the next one: nothing is to be sent */
    bool loopback;
};

/* A connected descriptor. */
struct link_device {
    int fd;                       /* non-blocking; -1: none */
    enum can_transport transport; /* PORT_CAN */
    struct link_config config;    /* that it was opened with */
};

/* REQUEST_DETACH: answered by a report, unless one that the link is detached is under way. */
enum request_kind { REQUEST_COMMAND, REQUEST_ATTACH, REQUEST_DETACH, REQUEST_CONFIGURE };

struct thread_request {
    enum request_kind kind;
    union {
        struct gateway_command command;
        struct {
            enum port_link link;
            struct link_device device;
        } attach;
        enum port_link detach;
        const struct settings *settings; /* borrowed until the report that they are released */
    };
};

/* REPORT_TAKEN_OVER: the first one of a channel that followed another; handover is filled. */
enum report_kind { REPORT_DETACHED, REPORT_CONFIGURED, REPORT_TAKEN_OVER };
enum detach_reason { DETACH_END_OF_FILE, DETACH_ERROR, DETACH_STALLED, DETACH_REQUESTED };

struct thread_report {
    enum report_kind kind;
    enum port_link link; /* REPORT_DETACHED, as are the next two */
    enum detach_reason reason;
    int error;                       /* errno of DETACH_ERROR */
    const struct settings *released; /* REPORT_CONFIGURED: the old ones */
};

/* What the gateway thread had when it left one channel for the next. */
struct handover {
    const struct settings *settings; /* in force; borrowed from the services of before */
    struct link_device device[PORT_LINKS];
};

struct channel {
    struct ring requests, answers, reports, logs;
    struct traffic traffic;
    struct snapshot_buffer snapshot;
    int services_fd; /* eventfd: there is an answer, a report or a log record */
    uint8_t generation;

    alignas(RING_CACHE_LINE) _Atomic uint32_t turns; /* of the services thread: it makes progress */
    _Atomic bool abandoned; /* its services are to end, touching nothing that is not theirs alone */
    _Atomic bool left;      /* the gateway thread is not here any more; handed is final */

    struct handover taken;  /* REPORT_TAKEN_OVER */
    struct handover handed; /* once left */

    struct thread_request request_slots[THREAD_REQUESTS];
    struct gateway_answer answer_slots[THREAD_ANSWERS];
    struct thread_report report_slots[THREAD_REPORTS];
    struct log_record log_slots[THREAD_LOGS];
};

/* c: zeroed memory. 0, or a negative errno with nothing left open. */
int channel_open(struct channel *c, uint8_t generation);

/* Neither thread uses it any more. */
void channel_close(struct channel *c);

#endif
