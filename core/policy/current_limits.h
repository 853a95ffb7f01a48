/* SPDX-License-Identifier: MIT */
/* The charge and discharge current limits, CCL and DCL, before age and protection have their say
 * (stage.h, protect.h). Each is the lowest of its rules, goes down at once and up slowly.
 *
 *   CCL   0.9 x register 318; where charge comes in by the load port 0.9 x register 317 too
 *         the user's ceiling; the charge curve at the coldest and the warmest sensor
 *         highest cell over its target: from all down to a small remainder at register 300 (where
 * 300 is reached on purpose: half way to 315). CVL keeps it from coming there; this is the second
 * line FLOAT, SUSTAIN: their own limits. End of charge: under register 304 DCL   0.9 x register
 * 317; the user's ceiling; the discharge curve lowest cell near register 301: down to a small
 * remainder, because a GX shows 0 as "low battery" and an off-grid inverter switches off; then 0,
 * until the cell is well above again SUSTAIN: its own limit
 *
 * A full battery is held by CVL, never by CCL 0, and an empty one keeps its CCL: or it could never
 * be charged again. */
#ifndef CORE_POLICY_CURRENT_LIMITS_H
#define CORE_POLICY_CURRENT_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "battery/battery.h"
#include "battery/limits.h"
#include "policy/charge_end.h"
#include "policy/charge_state.h"
#include "policy/limit_config.h"
#include "policy/pack_watch.h"

enum {
    CURRENT_NOMINAL_PERCENT = 90,  /* of registers 317 and 318: the BMS cuts off at 100 */
    CURRENT_REMAINDER_PERCENT = 5, /* of nominal: what tapering leaves, at least ... */
    CURRENT_REMAINDER_MA = 2000,   /* ... this, if nominal is as much */
    CURRENT_END_PERCENT = 80,      /* of register 304, when the last cell arrives */
    CURRENT_END_FROM_MV = 20,      /* under register 300: more until there ... */
    CURRENT_END_TO_MV = 6,         /* ... and this from there on */
    CURRENT_LOW_GUARD_MV = 20,     /* over register 301 at least: empty */
    CURRENT_LOW_REMAINDER_MV = 30, /* over empty: the remainder alone is left */
    CURRENT_LOW_TAPER_MV = 150,    /* over empty: tapering begins */
    CURRENT_LOW_BACK_MV = 100,     /* over empty, and a swing: not empty any more ... */
    CURRENT_LOW_BACK_MS = 60000,   /* ... after so long */
    CURRENT_EMPTY_MS = 2000,       /* a blink is not empty */
    CURRENT_END_AWAY_MV = 60,      /* after an attempt: little more until so far away */
    CURRENT_JUMP_MV = 5,           /* faster than the filter follows */
    CURRENT_DEADBAND = 20,         /* a twentieth of nominal: less is not worth a rise */
    CURRENT_RISES_PERMILLE = 20,   /* of nominal a second */
    CURRENT_COLD_EARLY_DC = 5,     /* over register 320: the BMS may measure lower by as much */
    CURRENT_COLD_BACK_DC = 25,
};

struct current_limit {
    uint32_t ma;
    enum limit_reason reason;
    int64_t ua; /* as decided last, finer */
    bool rising;
};

struct current_limits {
    bool any;
    uint64_t at_ms;
    struct current_limit charge, discharge;
    uint32_t ending_ma; /* at the end of charge */
    bool empty, cold;
    uint64_t low_ms, back_ms; /* since when the lowest cell is low (well above); UINT64_MAX: not */
};

void current_limits_init(struct current_limits *l);

/* A good sample, after watch and state have seen it. target_mv: the highest cell's. charge_closed,
 * discharge_closed: a protection holds the limit at 0 now, and it will rise from there. */
void current_limits_handle_sample(struct current_limits *l, const struct limit_config *c,
                                  const struct battery *b, const struct pack_watch *w,
                                  enum charge_state state, const struct charge_end *end,
                                  int32_t target_mv, bool charge_closed, bool discharge_closed,
                                  uint64_t now_ms);

/* Nine tenths of register 317 or 318. */
uint32_t current_nominal_ma(uint32_t cutoff_ma);

/* nominal_ma at and under from_mv, remainder_ma at and over to_mv, a straight line between; never
 * less than the smaller and never more than nominal_ma. from_mv < to_mv. Monotone in highest_mv. */
uint32_t current_taper_high_ma(uint32_t nominal_ma, uint32_t remainder_ma, int32_t highest_mv,
                               int32_t from_mv, int32_t to_mv);

#endif
