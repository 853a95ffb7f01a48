/* SPDX-License-Identifier: MIT */
/* What the gateway thread learns about the bus while it reads and writes frames, for the services
 * to log and to act upon. Each member is a number of its own, read and written at any time by
 * either thread without order between them; the counters wrap. */
#ifndef PORTS_LINUX_CAN_FEEDBACK_H
#define PORTS_LINUX_CAN_FEEDBACK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "socketcan.h"

struct can_feedback {
    _Atomic uint32_t dropped; /* frames that the device did not take */
    _Atomic uint32_t refused; /* commands that an SLCAN adapter did not take: BEL */
    _Atomic uint32_t error_frames, bus_offs, restarts, unacknowledged; /* error frames of a kind */
    _Atomic uint32_t last; /* of the latest error frames: can_feedback_last() */

    /* The controller is bus-off: what is written would vanish and count as sent, so nothing is
     * written. Set and cleared by error frames, and by the services, who ask the kernel. */
    _Atomic bool bus_off;
};

/* As in the error frames: a state, and counters that stay from the frame that had them. */
struct can_feedback_last {
    enum can_bus_state state;
    bool counters_known;
    uint8_t tx_error_counter, rx_error_counter;
};

static inline struct can_feedback_last can_feedback_last(const struct can_feedback *f) {
    uint32_t v = atomic_load_explicit(&f->last, memory_order_relaxed);
    return (struct can_feedback_last){
        .state = (enum can_bus_state)(v & 0xFF),
        .counters_known = (v >> 8 & 1) != 0,
        .tx_error_counter = (uint8_t)(v >> 16),
        .rx_error_counter = (uint8_t)(v >> 24),
    };
}

static inline void can_feedback_set_last(struct can_feedback *f, struct can_feedback_last last) {
    uint32_t v = (uint32_t)last.state | (uint32_t)last.counters_known << 8 |
                 (uint32_t)last.tx_error_counter << 16 | (uint32_t)last.rx_error_counter << 24;
    atomic_store_explicit(&f->last, v, memory_order_relaxed);
}

static inline void can_feedback_count(_Atomic uint32_t *counter) {
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

#endif
