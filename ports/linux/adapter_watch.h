/* SPDX-License-Identifier: MIT */
/* The services' eye on a serial CAN adapter: one that refuses frames (BEL) or takes no bytes does
 * so because nobody acknowledges on the bus, and that is the first thing to know when a GX shows
 * nothing. Counted over windows of ADAPTER_WINDOW_MS; told at once and then once a minute while it
 * lasts, and once when it is over. */
#ifndef PORTS_LINUX_ADAPTER_WATCH_H
#define PORTS_LINUX_ADAPTER_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "can_feedback.h"
#include "log_sink.h"

enum {
    ADAPTER_WINDOW_MS = 5000,
    ADAPTER_TOLERATED = 2, /* refusals in a window: some adapters refuse to close what is closed */
    ADAPTER_TELL_MS = 60000,
};

struct adapter_watch {
    bool active;
    bool failing;              /* told, and not over yet */
    uint32_t refused, dropped; /* at the window's beginning */
    uint64_t window_ends_ms, told_at_ms;
};

/* Zeroed memory watches nothing. active: the gateway thread has an adapter. Returns the next time
 * it wants to be called; UINT64_MAX while there is no adapter. */
uint64_t adapter_watch_step(struct adapter_watch *w, const struct can_feedback *feedback,
                            bool active, struct log_sink *log, uint64_t now_ms);

#endif
