/* SPDX-License-Identifier: MIT */
/* The thread that steers the battery: poll(2), one timerfd, the core, and the two connected
 * descriptors. It never locks, allocates, opens, resolves, or writes to anything but the BMS, the
 * CAN device and its own eventfds. With the services it shares a channel (channel.h).
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
#include "channel.h"
#include "gateway/gateway.h"
#include "stream.h"

enum {
    SNAPSHOT_PERIOD_MS = 100,
    TURN_MAX_MS = 250,        /* a turn of its loop takes no longer */
    SERVICES_SLOW_MS = 10000, /* without progress of the services: worth a line */
};

struct uart_port {
    int fd; /* -1: no device; borrowed */
    struct stream_tx tx;
    bool is_tty;             /* on a line of settings.hardware.uart.baudrate */
    uint64_t quiet_until_us; /* nothing that is read before can be a whole reply */
};

/* How long the services have made no progress, as the gateway thread sees it. */
struct services_watch {
    uint32_t turns;
    uint64_t moved_ms;
    bool told;
};

/* How the kernel treats the thread, by what it permits. Real-time comes before every ordinary
 * thread of the machine; raised is a nice value of -11. */
enum gateway_urgency { URGENCY_ORDINARY, URGENCY_RAISED, URGENCY_REAL_TIME };

struct gateway_thread {
    enum gateway_urgency urgency; /* wanted at the start, then what was had */
    _Atomic bool stop, ended;
    _Atomic(struct channel *) next; /* to take over from the present one; NULL: none */
    int wake_fd;                    /* eventfd: something was requested */
    int timer_fd;
    pthread_t thread;
    alignas(RING_CACHE_LINE) _Atomic uint32_t turns; /* of its loop: it makes progress */

    /* the gateway thread's own */
    struct channel *channel; /* borrowed */
    struct gateway gateway;
    struct uart_port uart;
    struct can_port can;
    uint64_t can_look_us; /* while it is calm: to be read at the first turn from then on */
    struct link_device device[PORT_LINKS]; /* as they were attached */
    bool tell_services;
    uint64_t snapshot_at_ms;
    struct services_watch services;
};

/* Starts the thread with all signals blocked. t: zeroed memory but for what urgency is wanted at
 * most, kept in place until gateway_thread_stop(); channel: open, borrowed until then or until
 * another one takes over; settings: borrowed as in struct thread_request. 0 or a negative errno,
 * with nothing left open. */
int gateway_thread_start(struct gateway_thread *t, struct channel *channel,
                         const struct settings *settings);

/* Services: hands in a request on their channel; false when the ring is full. */
bool gateway_thread_request(struct gateway_thread *t, struct channel *channel,
                            const struct thread_request *r);

/* Supervisor: channel, open and new, takes the present one's place within a turn. Its first report
 * is REPORT_TAKEN_OVER. What the services of before had requested by then is done; of what they
 * had not fetched the log is handed on, answers and reports are not. */
void gateway_thread_take_over(struct gateway_thread *t, struct channel *channel);

/* Ends the thread and waits for it: microseconds, as it never blocks, and never more than
 * timeout_ms. False: it did not end, and t must stay where it is. */
bool gateway_thread_stop(struct gateway_thread *t, unsigned timeout_ms);

#endif
