/* SPDX-License-Identifier: MIT */
#include "policy/pack_watch.h"

#include <string.h>

enum {
    HIGHEST_TAU_MS = 5000,
    LOWEST_TAU_MS = 2000,
    CURRENT_TAU_MS = 30000,
    IMBALANCE_TAU_MS = 20000,
    SPREAD_RISES_TAU_MS = 3000,
    SPREAD_FALLS_TAU_MS = 60000,
    FOLLOWS_UV_PER_MS = 5, /* 5 mV/s: slower is charging, faster a swing */
    CHARGING_MA = 1000,    /* a pack over the limit with nothing flowing in is only full */
    GAP_MS = 60000,        /* after so long without a sample everything begins anew */
};

void pack_watch_init(struct pack_watch *w) {
    memset(w, 0, sizeof *w);
    w->swing_up_nv = w->swing_down_nv = PACK_WATCH_FIRST_SWING_MV * INT64_C(1000000);
    w->over_cvl_ms = UINT64_MAX;
}

/* First-order low pass, stable for any dt_ms. */
static void follow(int64_t *filtered, int64_t value, int64_t tau_ms, int64_t dt_ms) {
    *filtered += (value - *filtered) * dt_ms / (tau_ms + dt_ms);
}

static int64_t lower(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t higher(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static uint32_t sum_mv(const struct battery *b) {
    uint32_t sum = 0;
    for (uint8_t i = 0; i < b->cell_count; i++) {
        sum += b->cell_mv[i];
    }
    return sum;
}

static int64_t spread_uv(const struct battery *b) {
    return ((int64_t)b->cell_count * b->max_cell_mv - (int64_t)sum_mv(b)) * 1000;
}

static void begin(struct pack_watch *w, const struct battery *b) {
    w->highest_uv = w->floor_uv = b->max_cell_mv * INT64_C(1000);
    w->lowest_uv = w->ceiling_uv = b->min_cell_mv * INT64_C(1000);
    w->current_ua = b->pack_ma * INT64_C(1000);
    w->imbalance_uv = b->imbalance_mv * INT64_C(1000);
    w->spread_uv = spread_uv(b);
    w->last_highest_mv = b->max_cell_mv;
    w->last_lowest_mv = b->min_cell_mv;
    w->over_cvl_ms = UINT64_MAX;
}

/* Two samples in a row must show it: one alone may be spoilt. */
static void watch_swings(struct pack_watch *w, const struct battery *b, int64_t dt_ms) {
    int64_t up_uv = lower(b->max_cell_mv, w->last_highest_mv) * 1000 - w->floor_uv;
    int64_t down_uv = w->ceiling_uv - higher(b->min_cell_mv, w->last_lowest_mv) * 1000;
    int64_t fades_nv = PACK_WATCH_SWING_FADES_MV_PER_DAY * INT64_C(1000) * dt_ms / 86400;
    const int64_t most_nv = PACK_WATCH_LARGEST_SWING_MV * INT64_C(1000000);
    w->swing_up_nv = lower(most_nv, higher(up_uv * 1000, w->swing_up_nv - fades_nv));
    w->swing_down_nv = lower(most_nv, higher(down_uv * 1000, w->swing_down_nv - fades_nv));
    w->floor_uv = lower(b->max_cell_mv * INT64_C(1000), w->floor_uv + FOLLOWS_UV_PER_MS * dt_ms);
    w->ceiling_uv =
        higher(b->min_cell_mv * INT64_C(1000), w->ceiling_uv - FOLLOWS_UV_PER_MS * dt_ms);
    w->last_highest_mv = b->max_cell_mv;
    w->last_lowest_mv = b->min_cell_mv;
}

static void watch_feed_in(struct pack_watch *w, const struct battery *b, uint32_t sent_cvl_mv,
                          uint64_t now_ms) {
    bool over = sent_cvl_mv != 0 && b->pack_mv > sent_cvl_mv + PACK_WATCH_FEED_IN_OVER_MV &&
                b->pack_ma > CHARGING_MA;
    if (!over) {
        w->over_cvl_ms = UINT64_MAX;
    } else if (w->over_cvl_ms == UINT64_MAX) {
        w->over_cvl_ms = now_ms;
    }
    if (over && now_ms - w->over_cvl_ms >= PACK_WATCH_FEED_IN_MS) {
        w->feed_in = true;
        w->feed_in_ms = now_ms;
    }
    if (w->feed_in && now_ms - w->feed_in_ms >= PACK_WATCH_FEED_IN_HELD_MS) {
        w->feed_in = false;
    }
}

static void watch_regeneration(struct pack_watch *w, const struct battery *b, uint64_t now_ms) {
    if (b->status == BATTERY_STATUS_REGENERATION) {
        w->regenerates = true;
        w->regeneration_ms = now_ms;
    } else if (w->regenerates && now_ms - w->regeneration_ms >= PACK_WATCH_REGENERATION_HELD_MS) {
        w->regenerates = false;
    }
}

void pack_watch_handle_sample(struct pack_watch *w, const struct battery *b, uint32_t sent_cvl_mv,
                              uint64_t now_ms) {
    if (!w->any || now_ms - w->at_ms > GAP_MS) {
        begin(w, b);
    }
    int64_t dt_ms = w->any ? (int64_t)lower((int64_t)(now_ms - w->at_ms), GAP_MS) : 0;
    w->any = true;
    w->at_ms = now_ms;
    follow(&w->highest_uv, b->max_cell_mv * INT64_C(1000), HIGHEST_TAU_MS, dt_ms);
    follow(&w->lowest_uv, b->min_cell_mv * INT64_C(1000), LOWEST_TAU_MS, dt_ms);
    follow(&w->current_ua, b->pack_ma * INT64_C(1000), CURRENT_TAU_MS, dt_ms);
    follow(&w->imbalance_uv, b->imbalance_mv * INT64_C(1000), IMBALANCE_TAU_MS, dt_ms);
    int64_t spread = spread_uv(b);
    follow(&w->spread_uv, spread, spread > w->spread_uv ? SPREAD_RISES_TAU_MS : SPREAD_FALLS_TAU_MS,
           dt_ms);
    watch_swings(w, b, dt_ms);
    watch_feed_in(w, b, sent_cvl_mv, now_ms);
    watch_regeneration(w, b, now_ms);
}

/* Room to leave: rounded up. */
static uint16_t in_mv(int64_t nv) {
    return nv > 0 ? (uint16_t)((nv + 999999) / 1000000) : 0;
}

uint16_t pack_watch_swing_up_mv(const struct pack_watch *w) {
    return in_mv(w->swing_up_nv);
}

uint16_t pack_watch_swing_down_mv(const struct pack_watch *w) {
    return in_mv(w->swing_down_nv);
}
