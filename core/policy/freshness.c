/* SPDX-License-Identifier: MIT */
#include "policy/freshness.h"

#include <string.h>

void freshness_init(struct freshness *f) {
    memset(f, 0, sizeof *f);
    freshness_configure(f, 0);
}

void freshness_configure(struct freshness *f, uint32_t sample_interval_ms) {
    uint64_t two_ms = 2 * (uint64_t)sample_interval_ms;
    f->pause_ms = two_ms > FRESHNESS_STILL_MS ? two_ms : FRESHNESS_STILL_MS;
}

/* Over 5 % of nominal, which is 90 % of the cut-off in the direction of the current. */
static bool carries_current(const struct battery *b) {
    uint32_t cutoff_ma = b->pack_ma < 0 ? b->discharge_over_current_ma : b->charge_over_current_ma;
    uint32_t current_ma = b->pack_ma < 0 ? 0u - (uint32_t)b->pack_ma : (uint32_t)b->pack_ma;
    return (uint64_t)current_ma * 10000 >
           (uint64_t)cutoff_ma * 90 * FRESHNESS_FROZEN_NOMINAL_PERCENT;
}

void freshness_handle_good(struct freshness *f, const struct battery *b,
                           const struct battery *before, uint64_t now_ms) {
    bool first = before == NULL || !f->known;
    if (first || b->live_fingerprint != before->live_fingerprint) {
        f->changed_ms = now_ms;
    }
    uint64_t alive_ms = now_ms - f->changed_ms < FRESHNESS_STILL_MS ? now_ms : f->changed_ms;
    if (alive_ms != f->alive_ms) {
        f->excused = f->excused && now_ms < f->excused_until_ms; /* the restart may still come */
        f->excused_age_ms = 0;
    }
    f->alive_ms = alive_ms;
    if (first || b->cells_fingerprint != before->cells_fingerprint || !carries_current(b)) {
        f->cells_moved_ms = now_ms;
    } else if (now_ms - f->sample_ms > f->pause_ms) {
        f->cells_moved_ms += now_ms - f->sample_ms;
    }
    f->sample_ms = now_ms;
    f->known = true;
}

static uint64_t since(uint64_t then_ms, uint64_t now_ms) {
    return now_ms > then_ms ? now_ms - then_ms : 0;
}

/* The age by the second clock; 0 while it is content. */
static uint64_t frozen_age_ms(const struct freshness *f, uint32_t close_ms, uint64_t now_ms) {
    if (since(f->cells_moved_ms, f->sample_ms) < FRESHNESS_FROZEN_MS) {
        return 0; /* a silence is no proof that cells stood still */
    }
    return since(f->cells_moved_ms, now_ms) - FRESHNESS_FROZEN_MS + close_ms;
}

bool freshness_frozen(const struct freshness *f, uint32_t close_ms, uint64_t now_ms) {
    return f->known && frozen_age_ms(f, close_ms, now_ms) > since(f->alive_ms, now_ms);
}

void freshness_excuse(struct freshness *f, uint64_t until_ms, uint64_t now_ms) {
    if (!f->known || f->excused) {
        return;
    }
    f->excused = true;
    f->excused_until_ms = until_ms;
    f->excused_age_ms = since(f->alive_ms, now_ms);
}

uint64_t freshness_age_ms(const struct freshness *f, uint32_t close_ms, uint64_t now_ms) {
    if (!f->known) {
        return UINT64_MAX;
    }
    uint64_t age_ms = since(f->alive_ms, now_ms);
    if (f->excused) {
        uint64_t excused_ms = f->excused_age_ms + since(f->excused_until_ms, now_ms);
        age_ms = excused_ms < age_ms ? excused_ms : age_ms;
    }
    uint64_t frozen_ms = frozen_age_ms(f, close_ms, now_ms); /* never excused */
    return frozen_ms > age_ms ? frozen_ms : age_ms;
}
