/* SPDX-License-Identifier: MIT */
#include "policy/rest.h"

enum { EVENT_FULLY_DISCHARGED = 0x31 };

void rest_init(struct rest *r, uint64_t now_ms) {
    r->busy_ms = now_ms;
}

/* Status needs more than 80 mA (800 mA in the high power version) to say charging or discharging.
 */
static bool idle(const struct battery *b) {
    return b->status == BATTERY_STATUS_IDLE || b->status == BATTERY_STATUS_FULLY_CHARGED;
}

void rest_handle_sample(struct rest *r, const struct battery *b, uint64_t now_ms) {
    if (!idle(b)) {
        r->busy_ms = now_ms;
    }
}

/* The newest event says fully discharged: nothing was charged since. */
static bool fully_discharged(const struct battery *b) {
    return battery_has(b, BATTERY_EVENTS) && b->event_count > 0 &&
           b->event[0].id == EVENT_FULLY_DISCHARGED;
}

bool rest_allowed(const struct rest *r, const struct battery *b, bool empty, uint64_t gx_absent_ms,
                  uint64_t now_ms) {
    if (gx_absent_ms == 0 || !idle(b)) {
        return false;
    }
    if (empty || fully_discharged(b)) {
        return true;
    }
    return gx_absent_ms >= REST_AFTER_MS && now_ms - r->busy_ms >= REST_AFTER_MS;
}

bool rest_ends(const struct battery *b) {
    return !idle(b);
}
