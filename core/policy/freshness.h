/* SPDX-License-Identifier: MIT */
/* When did the battery last show that it is alive? A good sample is not enough: a stopped device
 * can repeat its last answer for ever. Two clocks:
 *
 *   - no bit of registers 0-53 has changed since T: from T + 1.5 s on the data is as old as T,
 * however often it is repeated (until then it is as old as the last sample: the BMS's clock, which
 * is among the live data, ticks only once a second);
 *   - all cells and the current have been bit-identical since T at more than 5 % of nominal
 * current, though the BMS's clock ticks: from T + 60 s on the data counts as close_ms (5 s) old,
 * and grows older from there.
 *
 * Only time with samples counts for the second clock: a silence is no proof that cells stood still.
 *
 * The second clock exists because cell voltages under load never stand still to the millivolt. */
#ifndef CORE_POLICY_FRESHNESS_H
#define CORE_POLICY_FRESHNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "battery/battery.h"

enum {
    FRESHNESS_STILL_MS = 1500,
    FRESHNESS_FROZEN_MS = 60000,
    FRESHNESS_FROZEN_NOMINAL_PERCENT = 5,
};

struct freshness {
    bool known;
    uint64_t changed_ms;     /* anything live differed from the sample before */
    uint64_t alive_ms;       /* changed_ms, or the last sample as long as that is recent */
    uint64_t cells_moved_ms; /* a cell or the current differed, or the current was small */
    uint64_t sample_ms;      /* the last good sample */
    uint64_t pause_ms;       /* samples further apart than this leave a gap */
    bool excused;            /* since the data was last alive */
    uint64_t excused_until_ms, excused_age_ms;
};

void freshness_init(struct freshness *f);

/* How often samples are asked for, in ms: a pause is longer than two of them, and than 1.5 s. */
void freshness_configure(struct freshness *f, uint32_t sample_interval_ms);

/* A good sample and the one before it (NULL: there was none). */
void freshness_handle_good(struct freshness *f, const struct battery *b,
                           const struct battery *before, uint64_t now_ms);

/* The gateway itself ordered a restart of the BMS: until then the age stays what it is now, and
 * grows on from there. It never makes anything younger, least of all what is frozen, and counts
 * once: again only after live data. */
void freshness_excuse(struct freshness *f, uint64_t until_ms, uint64_t now_ms);

/* The age of what is known, in ms; UINT64_MAX before the first sample. close_ms: where CLOSING
 * begins. */
uint64_t freshness_age_ms(const struct freshness *f, uint32_t close_ms, uint64_t now_ms);

/* The second clock is what makes the data old. */
bool freshness_frozen(const struct freshness *f, uint32_t close_ms, uint64_t now_ms);

#endif
