/* SPDX-License-Identifier: MIT */
#include "policy/charge_voltage.h"

#include <string.h>

enum {
    DOWN_HYSTERESIS_MV = 30, /* less than this under the limit in force is noise */
    UP_HYSTERESIS_MV = 50,   /* a count and this over it before it rises */
    TRIM_TAU_MS = 30000,
    TRIM_FADES_UV_PER_S = 100, /* 0.36 V an hour */
    TRIM_SLACK_MV = 5,
    CHARGING_MA = 300,
    FELT_MV = 300, /* the pack is so near: chargers are held by the limit */
};

void charge_voltage_init(struct charge_voltage *v) {
    memset(v, 0, sizeof *v);
    v->room_ms = UINT64_MAX;
}

bool charge_voltage_reaches(const struct limit_config *c, const struct battery *b,
                            const struct pack_watch *w) {
    switch (c->bms_full) {
    case BMS_FULL_REACH:
        return true;
    case BMS_FULL_AVOID:
        return false;
    case BMS_FULL_AUTO:
        break;
    }
    return battery_has(b, BATTERY_OPERATION_MODE) && b->operation_mode == BATTERY_DUAL_PORT &&
           !w->regenerates;
}

int32_t charge_voltage_cell_target_mv(const struct limit_config *c, const struct battery *b,
                                      const struct pack_watch *w, const struct charge_end *end,
                                      uint64_t now_ms) {
    if (end->active) {
        return b->fully_charged_mv + charge_end_room_mv(b);
    }
    uint32_t swing_mv = pack_watch_swing_up_mv(w);
    uint32_t guard_mv = c->cell_guard_mv > swing_mv ? c->cell_guard_mv : swing_mv;
    return charge_end_waiting_mv(end, b, b->fully_charged_mv - (int32_t)guard_mv, now_ms);
}

uint32_t charge_voltage_feed_in_mv(const struct limit_config *c, const struct battery *b,
                                   const struct pack_watch *w) {
    switch (c->feed_in) {
    case FEED_IN_NEVER:
        return 0;
    case FEED_IN_ALWAYS:
        return CHARGE_VOLTAGE_FEED_IN_MV;
    case FEED_IN_AUTO:
        break;
    }
    return w->feed_in || !charge_voltage_reaches(c, b, w) ? CHARGE_VOLTAGE_FEED_IN_MV : 0;
}

int64_t charge_voltage_bulk_mv(const struct limit_config *c, const struct battery *b) {
    int64_t mv = (int64_t)b->cell_count * b->fully_charged_mv;
    if (c->bulk_mv != 0 && c->bulk_mv < mv) {
        mv = c->bulk_mv;
    }
    return mv - c->margin_mv;
}

/* ---- the rules, each in mV of the pack ---- */

struct rules {
    const struct limit_config *c;
    const struct battery *b;
    const struct pack_watch *w;
    const struct charge_end *end;
    enum charge_state state;
    int64_t trim_uv;
    uint64_t now_ms;
};

/* The pack with its highest cell where it may be, if the cells were even. */
static int64_t top_mv(const struct rules *r) {
    int64_t target_mv = charge_voltage_cell_target_mv(r->c, r->b, r->w, r->end, r->now_ms);
    if (target_mv > r->b->fully_charged_mv) {
        target_mv = r->b->fully_charged_mv;
    }
    return r->b->cell_count * target_mv - charge_voltage_feed_in_mv(r->c, r->b, r->w);
}

static bool near_top(const struct rules *r) {
    int64_t target_mv = charge_voltage_cell_target_mv(r->c, r->b, r->w, r->end, r->now_ms);
    int64_t highest_mv = r->w->highest_uv / 1000;
    if (r->b->max_cell_mv > highest_mv) {
        highest_mv = r->b->max_cell_mv;
    }
    return highest_mv >= target_mv - CHARGE_VOLTAGE_WINDOW_MV;
}

/* What FLOAT and the like take their offsets off. */
static int64_t held_mv(const struct rules *r) {
    int64_t bulk = charge_voltage_bulk_mv(r->c, r->b);
    int64_t top = top_mv(r);
    return near_top(r) && top < bulk ? top : bulk;
}

static int64_t imbalance_drop_mv(const struct rules *r) {
    int64_t over_mv = r->w->imbalance_uv / 1000 - (int64_t)r->c->imbalance_hold_mv;
    int64_t drop_mv = over_mv > 0 ? over_mv * r->c->imbalance_drop_uv_per_mv / 1000 : 0;
    return drop_mv < r->c->imbalance_drop_max_mv ? drop_mv : r->c->imbalance_drop_max_mv;
}

static int64_t state_mv(const struct rules *r, enum limit_reason *reason) {
    int64_t cells = r->b->cell_count;
    *reason = r->w->feed_in && r->c->feed_in != FEED_IN_NEVER ? LIMIT_FEED_IN : LIMIT_NOMINAL;
    switch (r->state) {
    case CHARGE_FLOAT_APPROACH:
        if (r->end->active) {
            break;
        }
        *reason = LIMIT_FLOAT_APPROACH;
        return held_mv(r) - r->c->float_approach_offset_mv -
               cells * r->c->float_approach_offset_cell_mv;
    case CHARGE_FLOAT:
        *reason = LIMIT_FLOAT;
        return held_mv(r) - r->c->float_offset_mv - cells * r->c->float_offset_cell_mv;
    case CHARGE_IMBALANCE_HOLD:
        *reason = LIMIT_IMBALANCE;
        return held_mv(r) - imbalance_drop_mv(r);
    case CHARGE_BULK:
    case CHARGE_TRANSITION:
    case CHARGE_SUSTAIN:
    case CHARGE_STATE_COUNT:
        break;
    }
    return charge_voltage_bulk_mv(r->c, r->b);
}

/* INT64_MAX while the highest cell is far from its target. */
static int64_t cell_mv(const struct rules *r) {
    if (!near_top(r)) {
        return INT64_MAX;
    }
    int64_t cells = r->b->cell_count;
    int64_t over_mv = r->end->active ? cells * charge_end_room_mv(r->b) : 0;
    int64_t mv = top_mv(r) + over_mv - (r->w->spread_uv + r->trim_uv) / 1000;
    int64_t lowest_mv = top_mv(r) - cells * CHARGE_VOLTAGE_DEEPEST_MV;
    return mv > lowest_mv ? mv : lowest_mv;
}

static int64_t lowest_rule_mv(const struct rules *r, enum limit_reason *reason) {
    int64_t mv = state_mv(r, reason);
    int64_t by_cell_mv = cell_mv(r);
    if (by_cell_mv < mv) {
        mv = by_cell_mv;
        *reason = LIMIT_CELL_HIGH;
    }
    int64_t floor_mv = (int64_t)r->b->cell_count * r->b->fully_discharged_mv;
    return mv > floor_mv ? mv : floor_mv;
}

/* ---- how it moves ---- */

/* Only then does a lower limit bring a cell down; else it would empty the pack into the house. */
static bool charging(const struct rules *r) {
    return r->b->pack_ma > CHARGING_MA || r->w->current_ua / 1000 > CHARGING_MA;
}

/* What the highest cell is over its target for long must come off, whatever the reason: a charger
 * that measures low, a cable, feed-in that was not expected. */
static void trim(struct charge_voltage *v, const struct rules *r, uint64_t now_ms) {
    uint64_t passed_ms = now_ms - v->trimmed_ms;
    int64_t dt_ms = v->any && passed_ms < TRIM_TAU_MS ? (int64_t)passed_ms : 0;
    int64_t target_uv =
        INT64_C(1000) * charge_voltage_cell_target_mv(r->c, r->b, r->w, r->end, r->now_ms);
    int64_t over_uv = r->w->highest_uv - target_uv;
    v->trimmed_ms = now_ms;
    if (over_uv > 0 && charging(r)) {
        v->trim_uv += over_uv * r->b->cell_count * dt_ms / TRIM_TAU_MS;
    } else if (over_uv < -TRIM_SLACK_MV * INT64_C(1000)) {
        v->trim_uv -= TRIM_FADES_UV_PER_S * dt_ms / 1000;
    }
    const int64_t most_uv = CHARGE_VOLTAGE_TRIM_MAX_MV * INT64_C(1000);
    v->trim_uv = v->trim_uv < 0 ? 0 : v->trim_uv > most_uv ? most_uv : v->trim_uv;
}

static uint32_t rounded_down(int64_t mv) {
    return (uint32_t)(mv / CHARGE_VOLTAGE_COUNT_MV * CHARGE_VOLTAGE_COUNT_MV);
}

static void lower(struct charge_voltage *v, const struct rules *r, int64_t mv,
                  enum limit_reason why) {
    const struct limit_config *c = r->c;
    uint64_t now_ms = r->now_ms;
    v->room_ms = UINT64_MAX;
    if (why == LIMIT_CELL_HIGH && !charging(r) && mv < r->b->pack_mv) {
        mv = r->b->pack_mv; /* the rest when it is charged again */
        if (mv >= v->cvl_mv) {
            return;
        }
    }
    if (why == LIMIT_CELL_HIGH) {
        v->cvl_mv = rounded_down(mv);
        v->reason = why;
        v->lowered_ms = now_ms;
        return;
    }
    if (now_ms - v->lowered_ms < c->update_interval_ms) {
        return;
    }
    uint32_t goal_mv = rounded_down(mv);
    uint32_t least_mv = v->cvl_mv > c->step_mv ? v->cvl_mv - c->step_mv : 0;
    v->cvl_mv = goal_mv > least_mv ? goal_mv : least_mv;
    v->reason = goal_mv >= least_mv ? why : LIMIT_STEPPING;
    v->lowered_ms = now_ms;
}

static void raise(struct charge_voltage *v, const struct rules *r, int64_t mv,
                  enum limit_reason why) {
    const struct limit_config *c = r->c;
    uint64_t now_ms = r->now_ms;
    if (v->room_ms == UINT64_MAX) {
        v->room_ms = now_ms;
    }
    uint32_t goal_mv = rounded_down(mv);
    /* What the cells asked for is given back for good reason only: they have room for much more, or
     * have not been near their target for long. Else it would go up and down with every kettle. */
    bool felt = r->b->pack_mv + FELT_MV >= v->cvl_mv;
    bool patient =
        v->reason == LIMIT_CELL_HIGH && (!felt || goal_mv < v->cvl_mv + CHARGE_VOLTAGE_MUCH_MV);
    uint64_t after_ms = patient ? CHARGE_VOLTAGE_PATIENCE_MS : CHARGE_VOLTAGE_UP_AFTER_MS;
    after_ms = r->end->active ? 0 : after_ms;
    if (now_ms - v->room_ms < after_ms || now_ms - v->stepped_ms < c->update_interval_ms) {
        return;
    }
    v->cvl_mv = goal_mv < v->cvl_mv + c->step_mv ? goal_mv : v->cvl_mv + c->step_mv;
    v->reason = v->cvl_mv == goal_mv ? why : LIMIT_STEPPING;
    v->stepped_ms = now_ms;
}

/* Follows what cells measure: a count's hysteresis keeps it from following their noise. */
static bool noisy(enum limit_reason why) {
    return why == LIMIT_CELL_HIGH || why == LIMIT_IMBALANCE;
}

void charge_voltage_handle_sample(struct charge_voltage *v, const struct limit_config *c,
                                  const struct battery *b, const struct pack_watch *w,
                                  enum charge_state state, const struct charge_end *end,
                                  uint64_t now_ms) {
    struct rules r = {.c = c, .b = b, .w = w, .end = end, .state = state, .now_ms = now_ms};
    trim(v, &r, now_ms);
    r.trim_uv = v->trim_uv;
    enum limit_reason why;
    int64_t mv = lowest_rule_mv(&r, &why);
    int64_t most_mv = (int64_t)b->cell_count * b->fully_charged_mv;
    if (!v->any) {
        v->any = true;
        v->cvl_mv = rounded_down(mv);
        v->reason = why;
        v->lowered_ms = v->stepped_ms = now_ms;
    } else if (most_mv < v->cvl_mv) { /* register 300 or the number of cells is another */
        v->cvl_mv = rounded_down(mv);
        v->reason = why;
        v->lowered_ms = now_ms;
        v->room_ms = UINT64_MAX;
    } else if (mv < (int64_t)v->cvl_mv - (noisy(why) ? DOWN_HYSTERESIS_MV : 0)) {
        lower(v, &r, mv, why);
    } else if (mv >=
               (int64_t)v->cvl_mv + CHARGE_VOLTAGE_COUNT_MV + (noisy(why) ? UP_HYSTERESIS_MV : 0)) {
        raise(v, &r, mv, why);
    } else {
        v->room_ms = UINT64_MAX;
        v->reason = why;
    }
}
