/* SPDX-License-Identifier: MIT */
#include "policy/current_limits.h"

#include <string.h>

void current_limits_init(struct current_limits *l) {
    memset(l, 0, sizeof *l);
    l->low_ms = l->back_ms = UINT64_MAX;
    l->ending_ma = UINT32_MAX;
}

static uint32_t share_ma(uint32_t ma, uint32_t percent) {
    return (uint32_t)((uint64_t)ma * percent / 100);
}

uint32_t current_nominal_ma(uint32_t cutoff_ma) {
    return share_ma(cutoff_ma, CURRENT_NOMINAL_PERCENT);
}

static uint32_t remainder_ma(uint32_t full_ma) {
    uint32_t ma = share_ma(full_ma, CURRENT_REMAINDER_PERCENT);
    ma = ma > CURRENT_REMAINDER_MA ? ma : CURRENT_REMAINDER_MA;
    return ma < full_ma ? ma : full_ma;
}

uint32_t current_taper_high_ma(uint32_t full_ma, uint32_t left_ma, int32_t highest_mv,
                               int32_t from_mv, int32_t to_mv) {
    if (left_ma >= full_ma || highest_mv <= from_mv) {
        return full_ma;
    }
    if (highest_mv >= to_mv) {
        return left_ma;
    }
    uint64_t room = (uint64_t)(to_mv - highest_mv);
    return left_ma + (uint32_t)((full_ma - left_ma) * room / (uint64_t)(to_mv - from_mv));
}

/* Lowers *limit to ma where that is less. */
static void bind(struct current_limit *limit, uint32_t ma, enum limit_reason why) {
    if (ma < limit->ma) {
        limit->ma = ma;
        limit->reason = why;
    }
}

static void bind_to_curve(struct current_limit *limit, const struct curve *curve,
                          const struct battery *b, uint32_t full_ma) {
    int16_t lowest_dc, highest_dc;
    int lowest_sensor, highest_sensor;
    if (battery_temperature_extremes(b, &lowest_dc, &lowest_sensor, &highest_dc, &highest_sensor) ==
        0) {
        return;
    }
    uint16_t cold = curve_permille(curve, lowest_dc);
    uint16_t warm = curve_permille(curve, highest_dc);
    uint16_t left = cold < warm ? cold : warm;
    bind(limit, (uint32_t)((uint64_t)full_ma * left / 1000), LIMIT_TEMPERATURE_CURVE);
}

static void bind_to_ceiling(struct current_limit *limit, uint32_t ceiling_ma) {
    if (ceiling_ma != 0) {
        bind(limit, ceiling_ma, LIMIT_CEILING);
    }
}

/* ---- charge ---- */

/* Filtered, but for a jump: that counts at once. */
static int32_t highest_mv(const struct battery *b, const struct pack_watch *w) {
    int32_t filtered_mv = (int32_t)(w->highest_uv / 1000);
    int32_t jumped_mv = b->max_cell_mv - CURRENT_JUMP_MV;
    return jumped_mv > filtered_mv ? jumped_mv : filtered_mv;
}

/* A little before the BMS forbids charging: in single port it then opens its switch as soon as no
 * load is seen, which solar chargers that go on would bring about. */
static void judge_cold(struct current_limits *l, const struct battery *b) {
    int16_t lowest_dc, highest_dc;
    int lowest_sensor, highest_sensor;
    int32_t cutoff_dc = b->low_temperature_cutoff_dc;
    bool any = battery_temperature_extremes(b, &lowest_dc, &lowest_sensor, &highest_dc,
                                            &highest_sensor) > 0;
    bool warm = !any || lowest_dc >= cutoff_dc + CURRENT_COLD_BACK_DC;
    l->cold = !warm && (l->cold || lowest_dc < cutoff_dc + CURRENT_COLD_EARLY_DC);
}

struct charge_view {
    enum charge_state state;
    bool ending;
    bool resting; /* after an attempt to end the charge */
    bool regenerates;
    int32_t target_mv, highest_mv; /* of the highest cell */
};

/* Less and less as the highest cell comes up, and never more again in the same attempt. */
static void follow_end(struct current_limits *l, const struct battery *b, bool ending,
                       int32_t highest) {
    if (!ending) {
        l->ending_ma = UINT32_MAX;
        return;
    }
    uint32_t ma = current_taper_high_ma(
        charge_end_little_ma(b), share_ma(b->charge_finished_ma, CURRENT_END_PERCENT), highest,
        b->fully_charged_mv - CURRENT_END_FROM_MV, b->fully_charged_mv - CURRENT_END_TO_MV);
    l->ending_ma = ma < l->ending_ma ? ma : l->ending_ma;
}

static struct current_limit charge_rules(struct current_limits *l, const struct limit_config *c,
                                         const struct battery *b, const struct charge_view *v) {
    uint32_t full_ma = current_nominal_ma(b->charge_over_current_ma);
    struct current_limit limit = {.ma = full_ma, .reason = LIMIT_NOMINAL};
    if (v->regenerates) {
        bind(&limit, current_nominal_ma(b->discharge_over_current_ma), LIMIT_REGENERATION);
    }
    bind_to_ceiling(&limit, c->ccl_max_ma);
    bind_to_curve(&limit, &c->charge_curve, b, full_ma);
    int32_t top_mv = v->target_mv < b->fully_charged_mv
                         ? b->fully_charged_mv
                         : (b->fully_charged_mv + b->over_voltage_cutoff_mv) / 2;
    if (top_mv > v->target_mv) {
        uint32_t left_ma = remainder_ma(full_ma);
        bind(&limit, current_taper_high_ma(full_ma, left_ma, v->highest_mv, v->target_mv, top_mv),
             LIMIT_CELL_HIGH);
    }
    if (l->cold) {
        bind(&limit, 0, LIMIT_TEMPERATURE_LOW);
    }
    if (v->ending) {
        bind(&limit, l->ending_ma, LIMIT_END_OF_CHARGE);
    } else if (v->resting && v->highest_mv >= b->fully_charged_mv - CURRENT_END_AWAY_MV) {
        bind(&limit, charge_end_little_ma(b), LIMIT_END_OF_CHARGE);
    } else if (v->state == CHARGE_FLOAT) {
        bind(&limit, c->float_ccl_ma, LIMIT_FLOAT);
    } else if (v->state == CHARGE_SUSTAIN) {
        bind(&limit, c->sustain_ccl_ma, LIMIT_SUSTAIN);
    }
    return limit;
}

/* ---- discharge ---- */

/* Where a load switched on would bring the lowest cell under register 301, or nearly. */
static int32_t empty_mv(const struct battery *b, const struct pack_watch *w) {
    int32_t swing_mv = pack_watch_swing_down_mv(w);
    return b->fully_discharged_mv +
           (swing_mv > CURRENT_LOW_GUARD_MV ? swing_mv : CURRENT_LOW_GUARD_MV);
}

static bool lasts(uint64_t *since_ms, bool holds, uint64_t for_ms, uint64_t now_ms) {
    if (!holds) {
        *since_ms = UINT64_MAX;
        return false;
    }
    if (*since_ms == UINT64_MAX) {
        *since_ms = now_ms;
    }
    return now_ms - *since_ms >= for_ms;
}

static void judge_empty(struct current_limits *l, const struct battery *b,
                        const struct pack_watch *w, uint64_t now_ms) {
    int32_t empty = empty_mv(b, w);
    int32_t back_mv = empty + CURRENT_LOW_BACK_MV + pack_watch_swing_down_mv(w);
    bool at_once = b->min_cell_mv <= b->fully_discharged_mv + CURRENT_LOW_GUARD_MV / 2;
    if (lasts(&l->low_ms, w->lowest_uv / 1000 < empty, CURRENT_EMPTY_MS, now_ms) || at_once) {
        l->empty = true;
    }
    if (lasts(&l->back_ms, w->lowest_uv / 1000 >= back_mv, CURRENT_LOW_BACK_MS, now_ms)) {
        l->empty = false;
    }
}

/* The mirror of the taper for a highest cell. */
static uint32_t taper_low_ma(uint32_t full_ma, int32_t lowest_mv, int32_t empty) {
    return current_taper_high_ma(full_ma, remainder_ma(full_ma), -lowest_mv,
                                 -(empty + CURRENT_LOW_TAPER_MV),
                                 -(empty + CURRENT_LOW_REMAINDER_MV));
}

static struct current_limit discharge_rules(struct current_limits *l, const struct limit_config *c,
                                            const struct battery *b, const struct pack_watch *w,
                                            enum charge_state state, uint64_t now_ms) {
    uint32_t full_ma = current_nominal_ma(b->discharge_over_current_ma);
    struct current_limit limit = {.ma = full_ma, .reason = LIMIT_NOMINAL};
    bind_to_ceiling(&limit, c->dcl_max_ma);
    bind_to_curve(&limit, &c->discharge_curve, b, full_ma);
    bind(&limit, taper_low_ma(full_ma, (int32_t)(w->lowest_uv / 1000), empty_mv(b, w)),
         LIMIT_CELL_LOW);
    if (state == CHARGE_SUSTAIN) {
        bind(&limit, c->sustain_dcl_ma, LIMIT_SUSTAIN);
    }
    judge_empty(l, b, w, now_ms);
    if (l->empty) {
        bind(&limit, 0, LIMIT_EMPTY);
    }
    return limit;
}

/* ---- down at once, up slowly ---- */

static void move(struct current_limit *now, struct current_limit goal, bool closed, bool any,
                 uint32_t full_ma, int64_t dt_ms) {
    int64_t goal_ua = INT64_C(1000) * goal.ma;
    if (closed) { /* the protection's own name shows; from here it will rise */
        now->ua = 0;
        now->reason = LIMIT_STEPPING;
    } else if (!any || goal_ua <= now->ua) {
        now->ua = goal_ua;
    } else if (goal_ua - now->ua > INT64_C(1000) * full_ma / CURRENT_DEADBAND ||
               goal.reason != now->reason || now->rising) {
        now->rising = true;
        now->reason = LIMIT_STEPPING;
        /* mA x permille a second x ms / 1000 is uA */
        now->ua += (int64_t)full_ma * CURRENT_RISES_PERMILLE * dt_ms / 1000;
        now->ua = now->ua < goal_ua ? now->ua : goal_ua;
    }
    now->rising = now->rising && now->ua < goal_ua;
    now->ma = (uint32_t)(now->ua / 1000);
    if (now->ua == goal_ua || now->reason == LIMIT_NO_SAMPLE) {
        now->reason = goal.reason;
    }
}

void current_limits_handle_sample(struct current_limits *l, const struct limit_config *c,
                                  const struct battery *b, const struct pack_watch *w,
                                  enum charge_state state, const struct charge_end *end,
                                  int32_t target_mv, bool charge_closed, bool discharge_closed,
                                  uint64_t now_ms) {
    const struct charge_view view = {.state = state,
                                     .ending = end->active,
                                     .resting = now_ms < end->paused_ms,
                                     .regenerates = w->regenerates,
                                     .target_mv = target_mv,
                                     .highest_mv = highest_mv(b, w)};
    follow_end(l, b, end->active, view.highest_mv);
    judge_cold(l, b);
    struct current_limit charge = charge_rules(l, c, b, &view);
    struct current_limit discharge = discharge_rules(l, c, b, w, state, now_ms);
    uint64_t passed_ms = now_ms - l->at_ms;
    int64_t dt_ms = l->any && passed_ms < 10000 ? (int64_t)passed_ms : 0;
    move(&l->charge, charge, charge_closed, l->any, current_nominal_ma(b->charge_over_current_ma),
         dt_ms);
    move(&l->discharge, discharge, discharge_closed, l->any,
         current_nominal_ma(b->discharge_over_current_ma), dt_ms);
    l->any = true;
    l->at_ms = now_ms;
}
