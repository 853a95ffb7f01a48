/* SPDX-License-Identifier: MIT */
/* May the BMS sleep? Polling keeps a TinyBMS awake and drains a stored pack. In low-power mode (off
 * by default) a battery that nobody uses is left alone: no GX and idle for 10 minutes, or, when it
 * is empty, at once (a cell under register 316, or event 0x31 newest). */
#ifndef CORE_POLICY_REST_H
#define CORE_POLICY_REST_H

#include <stdbool.h>
#include <stdint.h>

#include "battery/battery.h"

enum {
    REST_AFTER_MS = 600000,
    REST_EMPTY_AFTER_MS = 5000, /* at once, but not before a GX could be heard, once a second */
    REST_IDLE_MA = 100, /* the BMS says idle up to 80 mA, or 800 mA in the high power version */
};

struct rest {
    uint64_t busy_ms; /* the last time that the battery was not idle */
};

void rest_init(struct rest *r, uint64_t now_ms);

/* A good sample: is the battery idle? */
void rest_handle_sample(struct rest *r, const struct battery *b, uint64_t now_ms);

/* gx_absent_ms: how long no GX has been there, 0 when one is. empty: a cell is under register 316.
 */
bool rest_allowed(const struct rest *r, const struct battery *b, bool empty, uint64_t gx_absent_ms,
                  uint64_t now_ms);

/* A sample taken while resting that ends the rest: current flows, or a fault. */
bool rest_ends(const struct battery *b);

#endif
