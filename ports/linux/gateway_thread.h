/* SPDX-License-Identifier: MIT */
/* The thread that steers the battery: poll(2), one timerfd, the core, and the two connected
 * descriptors. It never locks, allocates, opens, resolves, or writes to anything but the BMS, the
 * CAN device and its own eventfds.
 *
 * What joins it to the services, each with one producer and one consumer:
 *
 *   requests  services -> gateway   commands, descriptors to use, new settings
 *   answers   gateway -> services   exactly one for each command
 *   reports   gateway -> services   descriptors given up, settings no longer used
 *   logs      gateway -> services   records; a full ring leaves them to the core, which counts
 *   traffic   gateway -> services   what the core was told and what it sent; dropped when full
 *   snapshot  gateway -> services   the latest state
 *
 * A descriptor is always the services' to close. From the request to attach it until the report
 * that it is detached (or the thread's end) the gateway thread alone reads and writes it. */
#ifndef PORTS_LINUX_GATEWAY_THREAD_H
#define PORTS_LINUX_GATEWAY_THREAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "can_port.h"
#include "gateway/gateway.h"
#include "ring.h"
#include "snapshot.h"
#include "stream.h"
#include "traffic.h"

enum {
    THREAD_REQUESTS = 16,
    THREAD_COMMANDS_MAX = 8, /* without an answer: the services' to keep to */
    THREAD_ANSWERS = 8,      /* hence never full */
    THREAD_REPORTS = 8,      /* one for each link and one for the settings: never full */
    THREAD_LOGS = 256,
    SNAPSHOT_PERIOD_MS = 100,
};

enum port_link { PORT_UART, PORT_CAN, PORT_LINKS };

/* REQUEST_DETACH: answered by a report, unless one that the link is detached is under way. */
enum request_kind { REQUEST_COMMAND, REQUEST_ATTACH, REQUEST_DETACH, REQUEST_CONFIGURE };

struct thread_request {
    enum request_kind kind;
    union {
        struct gateway_command command;
        struct {
            enum port_link link;
            int fd;                       /* non-blocking */
            enum can_transport transport; /* PORT_CAN */
            bool listen_only;             /* PORT_CAN: nothing is to be sent */
        } attach;
        enum port_link detach;
        const struct settings *settings; /* borrowed until the report that they are released */
    };
};

enum report_kind { REPORT_DETACHED, REPORT_CONFIGURED };
enum detach_reason { DETACH_END_OF_FILE, DETACH_ERROR, DETACH_STALLED, DETACH_REQUESTED };

struct thread_report {
    enum report_kind kind;
    enum port_link link; /* REPORT_DETACHED, as are the next two */
    enum detach_reason reason;
    int error;                       /* errno of DETACH_ERROR */
    const struct settings *released; /* REPORT_CONFIGURED: the old ones */
};

struct uart_port {
    int fd; /* -1: no device; borrowed */
    struct stream_tx tx;
};

struct gateway_thread {
    struct ring requests, answers, reports, logs;
    struct traffic traffic;
    struct snapshot_buffer snapshot;
    _Atomic bool stop;
    int wake_fd;     /* eventfd: something was requested */
    int services_fd; /* eventfd: there is an answer, a report or a log record */
    int timer_fd;
    pthread_t thread;

    /* the gateway thread's own */
    struct gateway gateway;
    struct uart_port uart;
    struct can_port can;
    bool can_listen_only;
    bool tell_services;
    uint64_t snapshot_at_ms;

    struct thread_request request_slots[THREAD_REQUESTS];
    struct gateway_answer answer_slots[THREAD_ANSWERS];
    struct thread_report report_slots[THREAD_REPORTS];
    struct log_record log_slots[THREAD_LOGS];
};

/* Starts the thread with all signals blocked. t: zeroed memory, kept in place until
 * gateway_thread_stop(); settings: borrowed as in struct thread_request. 0 or a negative errno,
 * with nothing left open. */
int gateway_thread_start(struct gateway_thread *t, const struct settings *settings);

/* Services: hands in a request; false when the ring is full. */
bool gateway_thread_request(struct gateway_thread *t, const struct thread_request *r);

/* Ends the thread and waits for it: microseconds, it never blocks. Rings and snapshot can be read
 * until t is freed. */
void gateway_thread_stop(struct gateway_thread *t);

#endif
