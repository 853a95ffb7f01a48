/* SPDX-License-Identifier: MIT */
#include "policy/charge_end.h"

#include <string.h>

enum {
    TAILS = 3,           /* registers 304: little enough to begin */
    CAPACITY_HOURS = 20, /* or a twentieth of the capacity an hour */
    AWAY_MV = 40,
    REACHED_UNDER_MV = 10, /* register 300: what an attempt reached is kept at most so near to it */
    DISCHARGING_MA = 500,
    CHARGING_MA = 500,
};

void charge_end_init(struct charge_end *e) {
    memset(e, 0, sizeof *e);
    e->ready_ms = UINT64_MAX;
}

int32_t charge_end_room_mv(const struct battery *b) {
    int32_t even_mv = b->allowed_disbalance_mv - CHARGE_END_EVEN_MV;
    int32_t middle_mv =
        (b->over_voltage_cutoff_mv - b->fully_charged_mv) / 2 - CHARGE_END_CUTOFF_MV;
    int32_t room_mv = even_mv < middle_mv ? even_mv : middle_mv;
    return room_mv > 0 ? room_mv : 0;
}

/* Rounded; cells have no negative voltages. */
static int32_t mv(int64_t uv) {
    return (int32_t)((uv + 500) / 1000);
}

int32_t charge_end_waiting_mv(const struct charge_end *e, const struct battery *b,
                              int32_t waiting_mv, uint64_t now_ms) {
    if (e->active || e->reached_mv == 0) {
        return waiting_mv;
    }
    uint64_t faded_mv = (now_ms - e->stopped_ms) / 60000 * CHARGE_END_FADES_MV_PER_MIN;
    int32_t reached_mv = faded_mv < (uint64_t)e->reached_mv ? e->reached_mv - (int32_t)faded_mv : 0;
    int32_t most_mv = b->fully_charged_mv - REACHED_UNDER_MV;
    reached_mv = reached_mv < most_mv ? reached_mv : most_mv;
    return reached_mv > waiting_mv ? reached_mv : waiting_mv;
}

static bool even(const struct battery *b, const struct pack_watch *w) {
    return mv(w->imbalance_uv) + CHARGE_END_BEGIN_EVEN_MV < b->allowed_disbalance_mv;
}

/* With the mean of the cells at register 300, a load switched off must not lift the highest to 315.
 */
static bool room_for_swings(const struct battery *b, const struct pack_watch *w) {
    int32_t over_mean_mv = mv(w->spread_uv / b->cell_count);
    int32_t top_mv = b->fully_charged_mv + over_mean_mv + pack_watch_swing_up_mv(w);
    return top_mv + CHARGE_END_SWING_SLACK_MV <= b->over_voltage_cutoff_mv;
}

uint32_t charge_end_little_ma(const struct battery *b) {
    uint32_t tails_ma = TAILS * (uint32_t)b->charge_finished_ma;
    uint32_t hours_ma = battery_has(b, BATTERY_CAPACITY) ? b->capacity_mah / CAPACITY_HOURS : 0;
    return hours_ma > tails_ma ? hours_ma : tails_ma;
}

static bool little_flows(const struct battery *b, const struct pack_watch *w) {
    int64_t ma = w->current_ua / 1000;
    return ma > -DISCHARGING_MA && ma < (int64_t)charge_end_little_ma(b);
}

static bool knows_what_it_needs(const struct battery *b) {
    return battery_has(b, BATTERY_CHARGE_FINISHED_CURRENT) &&
           battery_has(b, BATTERY_ALLOWED_DISBALANCE);
}

static void stop(struct charge_end *e, int32_t highest_mv, uint64_t now_ms) {
    e->active = false;
    e->stopped_ms = now_ms;
    e->reached_mv = highest_mv;
    e->ready_ms = UINT64_MAX;
    e->paused_ms = now_ms + CHARGE_END_PAUSE_MS;
}

/* The BMS has opened its charge switch: hardly anything flows any more, with cells uneven at the
 * top. */
static bool interrupted(const struct charge_end *e, const struct battery *b) {
    return e->last_ma > CHARGING_MA && b->pack_ma < CHARGING_MA &&
           b->max_cell_mv >= b->fully_charged_mv - CHARGE_END_BEGIN_EVEN_MV &&
           b->imbalance_mv + CHARGE_END_BEGIN_EVEN_MV >= b->allowed_disbalance_mv;
}

bool charge_end_handle_sample(struct charge_end *e, const struct battery *b,
                              const struct pack_watch *w, bool wanted, int32_t waiting_mv,
                              uint64_t now_ms) {
    bool possible = wanted && knows_what_it_needs(b) && room_for_swings(b, w);
    int32_t highest_mv = mv(w->highest_uv);
    if (e->active) {
        bool uneven_at_top = b->max_cell_mv >= b->fully_charged_mv - CHARGE_END_EVEN_MV &&
                             mv(w->imbalance_uv) + 1 >= b->allowed_disbalance_mv &&
                             b->imbalance_mv + 1 >= b->allowed_disbalance_mv;
        bool too_high =
            b->max_cell_mv > b->fully_charged_mv + charge_end_room_mv(b) + CHARGE_END_EVEN_MV;
        bool stopped = interrupted(e, b);
        e->last_ma = b->pack_ma;
        if (!possible || stopped || uneven_at_top || too_high ||
            highest_mv < waiting_mv - AWAY_MV || now_ms - e->begun_ms >= CHARGE_END_LONGEST_MS) {
            stop(e, highest_mv, now_ms);
            return true;
        }
        return false;
    }
    if (!possible || !even(b, w) || highest_mv < waiting_mv - CHARGE_END_NEAR_MV ||
        !little_flows(b, w) || now_ms < e->paused_ms) {
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
    e->last_ma = b->pack_ma;
    e->begun_ms = now_ms;
    return true;
}
