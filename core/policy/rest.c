/* SPDX-License-Identifier: MIT */
#include "policy/rest.h"

enum { EVENT_FULLY_DISCHARGED = 0x31 };

void rest_init(struct rest *r, uint64_t now_ms) {
    r->busy_ms = now_ms;
}

static bool idle(const struct battery *b) {
    return (b->status == BATTERY_STATUS_IDLE || b->status == BATTERY_STATUS_FULLY_CHARGED) &&
           b->pack_ma <= REST_IDLE_MA && b->pack_ma >= -REST_IDLE_MA;
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
    uint64_t after_ms = empty || fully_discharged(b) ? REST_EMPTY_AFTER_MS : REST_AFTER_MS;
    return gx_absent_ms >= after_ms && now_ms - r->busy_ms >= after_ms;
}

bool rest_ends(const struct battery *b) {
    return !idle(b);
}
