/* SPDX-License-Identifier: MIT */
/* What a row of good samples shows and one alone does not: cells and current without their noise,
 * how uneven the cells are, how far a cell swings when a load is switched, and how long the
 * chargers have been holding the pack over the charge voltage limit.
 *
 * A swing is what the highest (lowest) cell does within a second or two, faster than any charger
 * can follow: 40 A that a kettle no longer takes raise a cell of 1.5 mOhm by 60 mV. The largest of
 * the last days is kept and that much room is left under register 300 and over register 301. */
#ifndef CORE_POLICY_PACK_WATCH_H
#define CORE_POLICY_PACK_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "battery/battery.h"

enum {
    PACK_WATCH_FIRST_SWING_MV = 30, /* assumed before anything was seen */
    PACK_WATCH_LARGEST_SWING_MV = 100,
    PACK_WATCH_SWING_FADES_MV_PER_DAY = 10,
    PACK_WATCH_FEED_IN_OVER_MV = 200, /* over the charge voltage limit, of the pack ... */
    PACK_WATCH_FEED_IN_MS = 10000,    /* ... for so long: feed-in */
    PACK_WATCH_FEED_IN_HELD_MS = 12 * 3600 * 1000, /* it begins again every day */
    PACK_WATCH_REGENERATION_HELD_MS = 24 * 3600 * 1000,
};

struct pack_watch {
    bool any;
    uint64_t at_ms;
    /* low-pass filtered */
    int64_t highest_uv, lowest_uv; /* cells */
    int64_t current_ua;            /* + charging */
    int64_t spread_uv;    /* cells x highest - sum: what the pack loses by one cell being highest */
    int64_t imbalance_uv; /* highest - lowest */
    /* swings */
    int64_t floor_uv, ceiling_uv; /* where the highest (lowest) cell was just before */
    uint16_t last_highest_mv, last_lowest_mv;
    int64_t swing_up_nv, swing_down_nv; /* kept, fading */
    /* feed-in */
    uint64_t over_cvl_ms; /* since when; UINT64_MAX: it is not */
    uint64_t feed_in_ms;  /* last seen */
    bool feed_in;
    /* charge comes in by the load port (status regeneration) */
    bool regenerates;
    uint64_t regeneration_ms; /* last seen */
};

void pack_watch_init(struct pack_watch *w);

/* A good sample with all cells. sent_cvl_mv: the limit in force when it was taken, 0: none. */
void pack_watch_handle_sample(struct pack_watch *w, const struct battery *b, uint32_t sent_cvl_mv,
                              uint64_t now_ms);

/* The room, in mV of one cell, to leave for a load switched off (on): 0-100. */
uint16_t pack_watch_swing_up_mv(const struct pack_watch *w);
uint16_t pack_watch_swing_down_mv(const struct pack_watch *w);

#endif
