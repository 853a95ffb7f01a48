/* SPDX-License-Identifier: MIT */
#include "policy/charge_end.h"

#include <string.h>

enum {
    TAILS = 3,            /* registers 304: little enough to begin */
    CAPACITY_HOURS = 20,  /* or a twentieth of the capacity an hour */
    AWAY_MV = 40,
    DISCHARGING_MA = 500,
};

void charge_end_init(struct charge_end *e) {
    memset(e, 0, sizeof *e);
    e->ready_ms = UINT64_MAX;
}

int32_t charge_end_room_mv(const struct battery *b) {
    int32_t even_mv = b->allowed_disbalance_mv - CHARGE_END_EVEN_MV;
    int32_t middle_mv = (b->over_voltage_cutoff_mv - b->fully_charged_mv) / 2 - CHARGE_END_CUTOFF_MV;
    int32_t room_mv = even_mv < middle_mv ? even_mv : middle_mv;
    return room_mv > 0 ? room_mv : 0;
}

static int32_t mv(int64_t uv) {
    return (int32_t)(uv / 1000);
}

static bool even(const struct battery *b, const struct pack_watch *w) {
    return mv(w->imbalance_uv) + CHARGE_END_EVEN_MV < b->allowed_disbalance_mv;
}

/* A load switched off must not lift a cell to register 315. */
static bool room_for_swings(const struct battery *b, const struct pack_watch *w) {
    int32_t top_mv = b->fully_charged_mv + charge_end_room_mv(b) + pack_watch_swing_up_mv(w);
    return top_mv + CHARGE_END_CUTOFF_MV <= b->over_voltage_cutoff_mv;
}

static bool little_flows(const struct battery *b, const struct pack_watch *w) {
    int64_t ma = w->current_ua / 1000;
    int64_t little_ma = TAILS * (int64_t)b->charge_finished_ma;
    if (battery_has(b, BATTERY_CAPACITY) && b->capacity_mah / CAPACITY_HOURS > little_ma) {
        little_ma = b->capacity_mah / CAPACITY_HOURS;
    }
    return ma > -DISCHARGING_MA && ma < little_ma;
}

static bool knows_what_it_needs(const struct battery *b) {
    return battery_has(b, BATTERY_CHARGE_FINISHED_CURRENT) &&
           battery_has(b, BATTERY_ALLOWED_DISBALANCE);
}

static void stop(struct charge_end *e, uint64_t now_ms) {
    e->active = false;
    e->ready_ms = UINT64_MAX;
    e->paused_ms = now_ms + CHARGE_END_PAUSE_MS;
    e->lift_mv = 0;
}

/* The last cell is late although hardly anything flows: the charger is a little low. */
static void lift(struct charge_end *e, const struct battery *b, const struct pack_watch *w,
                 uint64_t now_ms) {
    bool late = mv(w->lowest_uv) < b->fully_charged_mv &&
                w->current_ua / 1000 < b->charge_finished_ma;
    if (!late) {
        e->lifted_ms = now_ms;
    } else if (now_ms - e->lifted_ms >= CHARGE_END_LIFT_MS && e->lift_mv < CHARGE_END_LIFT_MAX_MV) {
        e->lifted_ms = now_ms;
        e->lift_mv += CHARGE_END_LIFT_MV;
    }
}

bool charge_end_handle_sample(struct charge_end *e, const struct battery *b,
                              const struct pack_watch *w, bool wanted, int32_t waiting_mv,
                              uint64_t now_ms) {
    bool possible = wanted && knows_what_it_needs(b) && even(b, w) && room_for_swings(b, w);
    int32_t highest_mv = mv(w->highest_uv);
    if (e->active) {
        bool uneven_at_top = b->max_cell_mv >= b->fully_charged_mv - CHARGE_END_EVEN_MV &&
                             b->imbalance_mv + 1 >= b->allowed_disbalance_mv;
        bool too_high =
            b->max_cell_mv > b->fully_charged_mv + charge_end_room_mv(b) + CHARGE_END_EVEN_MV;
        if (!possible || uneven_at_top || too_high || highest_mv < waiting_mv - AWAY_MV ||
            now_ms - e->begun_ms >= CHARGE_END_LONGEST_MS) {
            stop(e, now_ms);
            return true;
        }
        lift(e, b, w, now_ms);
        return false;
    }
    if (!possible || highest_mv < waiting_mv - CHARGE_END_NEAR_MV || !little_flows(b, w) ||
        now_ms < e->paused_ms) {
        e->ready_ms = UINT64_MAX;
        return false;
    }
    if (e->ready_ms == UINT64_MAX) {
        e->ready_ms = now_ms;
    }
    if (now_ms - e->ready_ms < CHARGE_END_READY_MS) {
        return false;
    }
    e->active = true;
    e->begun_ms = e->lifted_ms = now_ms;
    return true;
}
