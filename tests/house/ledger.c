/* SPDX-License-Identifier: MIT */
#include "ledger.h"

#include <string.h>

static const double still_a = 0.3;  /* more than the BMS and balancing take */
static const double bleed_a = 0.15; /* of a balancing resistor, as in sim/pack.c */

void ledger_init(struct ledger *l) {
    memset(l, 0, sizeof *l);
    l->min_mv = l->recent_mv = l->before_mv = 1e9;
    l->first_full_s = l->own_full_s = l->balanced_s = -1.0;
    l->cvl_step_s = -1e9;
    l->was_dark = SIM_HOUSE_STARTING;
    l->charge_was_on = true;
}

bool ledger_is_protective(enum limit_reason r) {
    static const char *const words[] = {"cell", "fault", "temperature", "stale", "sample"};
    const char *text = limit_reason_text(r);
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strstr(text, words[i]) != NULL)
            return true;
    }
    return false;
}

static double least(double a, double b) {
    return a < b ? a : b;
}

static double most(double a, double b) {
    return a > b ? a : b;
}

struct extremes {
    double high_mv, low_mv, sensed_mv; /* the highest as sensed */
};

static struct extremes extremes(const struct sim_bms *b) {
    struct extremes e = {0.0, 1e9, 0.0};
    for (unsigned i = 0; i < b->pack.config.cells; i++) {
        double mv = b->pack.cell[i].volt * 1000.0;
        e.high_mv = most(e.high_mv, mv);
        e.low_mv = least(e.low_mv, mv);
        e.sensed_mv = most(e.sensed_mv, b->sensed_mv[i]);
    }
    return e;
}

static void remember(struct ledger *l, const struct ledger_input *in, const struct extremes *e) {
    l->past_s += in->dt_s;
    if (l->past_s < 0.999)
        return;
    l->past_s = 0.0;
    l->past_mv[l->past++ % LEDGER_SHED_S] = e->low_mv;
}

/* The lowest cell was at its floor long enough ago for a limit to have acted on it. */
static bool could_shed(const struct ledger *l, const struct ledger_input *in) {
    double then_mv = l->past_mv[l->past % LEDGER_SHED_S]; /* the oldest */
    return l->past >= LEDGER_SHED_S && then_mv < in->bms->reg[301] + LEDGER_FLOOR_MV;
}

static void add_cells(struct ledger *l, const struct ledger_input *in, const struct extremes *e) {
    const uint16_t *reg = in->bms->reg;
    double amps = in->bms->pack.current_a;
    l->max_mv = most(l->max_mv, e->high_mv);
    l->min_mv = least(l->min_mv, e->low_mv);
    l->at_300_s += e->sensed_mv >= reg[300] ? in->dt_s : 0.0;
    l->at_315_s += e->high_mv >= reg[315] ? in->dt_s : 0.0;
    l->at_316_s += e->low_mv <= reg[316] ? in->dt_s : 0.0;
    bool under = e->low_mv < reg[301] && amps < -still_a && could_shed(l, in);
    l->under_301_s += under ? in->dt_s : 0.0;
    l->most_charge_a = most(l->most_charge_a, amps);
    l->most_discharge_a = most(l->most_discharge_a, -amps);
}

static enum ledger_opening why_open(const struct sim_bms_guard *g) {
    if (g->full)
        return LEDGER_BY_FULL;
    if (g->charge_ended)
        return LEDGER_BY_CHARGER;
    if (g->top_pause)
        return LEDGER_BY_TOP;
    if (g->discharged && !g->under_voltage)
        return LEDGER_BY_EMPTY;
    return LEDGER_BY_GUARD;
}

/* A limit takes effect some seconds after the cell that it was for. */
static double recently_lowest_mv(struct ledger *l, const struct ledger_input *in,
                                 const struct extremes *e) {
    l->recent_s += in->dt_s;
    if (l->recent_s >= LEDGER_RECENT_S) {
        l->before_mv = l->recent_mv;
        l->recent_mv = 1e9;
        l->recent_s = 0.0;
    }
    l->recent_mv = least(l->recent_mv, e->low_mv);
    return least(l->recent_mv, l->before_mv);
}

static void add_darkness(struct ledger *l, const struct ledger_input *in,
                         const struct extremes *e) {
    enum sim_house_dark now = in->house->dark;
    double low_mv = recently_lowest_mv(l, in, e);
    if (now != l->was_dark && l->was_dark == SIM_HOUSE_LIT) {
        bool by_limit = now == SIM_HOUSE_NO_DCL || now == SIM_HOUSE_SILENT;
        l->trips[now]++;
        if (by_limit && low_mv > in->bms->reg[301] + LEDGER_FLOOR_MV)
            l->trips_over_floor++;
        bool by_bms = now == SIM_HOUSE_SWITCHED;
        bool sudden = why_open(&in->bms->guard) == LEDGER_BY_EMPTY && !could_shed(l, in);
        l->unshed += by_bms && !sudden && !l->idle_in_cold ? 1u : 0u;
    }
    if (now == SIM_HOUSE_LIT && l->was_dark != SIM_HOUSE_LIT && l->was_dark != SIM_HOUSE_STARTING)
        l->restarts++;
    l->was_dark = now;
    l->lost_s += in->bms->guard.discharge_on ? 0.0 : in->dt_s;
    if (now == SIM_HOUSE_LIT || now == SIM_HOUSE_STARTING) {
        l->this_dark_s = 0.0;
        return;
    }
    l->dark_s += in->dt_s;
    l->this_dark_s += in->dt_s;
    l->longest_dark_s = most(l->longest_dark_s, l->this_dark_s);
}

static void add_switch(struct ledger *l, const struct ledger_input *in) {
    const struct sim_bms_guard *g = &in->bms->guard;
    if (l->charge_was_on && !g->charge_on) {
        bool flows = in->bms->pack.current_a > sim_bms_flowing_a(in->bms);
        l->openings[why_open(g)]++;
        l->idle_in_cold = g->cold && !flows && !sim_bms_fault(in->bms);
    }
    l->charge_was_on = g->charge_on;
    if (g->full && !l->was_full) {
        l->fulls++;
        if (l->first_full_s < 0.0)
            l->first_full_s = l->seconds;
    }
    l->was_full = g->full;
    if (in->own_full && l->own_full_s < 0.0)
        l->own_full_s = l->seconds;
}

static void watch_top(struct ledger *l, const struct ledger_input *in, const struct extremes *e) {
    double under_mv = in->bms->reg[300] - e->sensed_mv;
    if (under_mv < LEDGER_TOP_MV)
        l->at_top = true;
    l->below_s = under_mv > 2 * LEDGER_TOP_MV ? l->below_s + in->dt_s : 0.0;
    if (l->below_s > LEDGER_BLOCK_S)
        l->at_top = false;
}

static void add_reversal(struct ledger *l) {
    if (!l->at_top)
        return;
    l->reversal_s[l->reversals++ % LEDGER_REVERSALS] = l->seconds;
    double since_s = most(l->seconds - 3600.0, l->silent_s);
    uint32_t within = 0;
    for (uint32_t i = 0; i < LEDGER_REVERSALS && i < l->reversals; i++)
        within += l->reversal_s[i] > since_s ? 1u : 0u;
    l->worst_hour = within > l->worst_hour ? within : l->worst_hour;
}

static void add_cvl(struct ledger *l, const struct ledger_input *in) {
    if (!in->limits->valid) {
        l->silent_s = l->seconds;
        l->cvl_way = 0;
        return;
    }
    double v = in->house->heard.cvl_v; /* as it is on the wire: tenths */
    double moved_v = v - l->cvl_v;
    bool first = l->cvl_v <= 0.0;
    l->cvl_v = v;
    if (first || (moved_v < 0.05 && moved_v > -0.05))
        return;
    int way = moved_v > 0.0 ? 1 : -1;
    l->cvl_changes++;
    if (way != l->cvl_way && l->cvl_way != 0)
        add_reversal(l);
    if (way < 0) {
        if (l->seconds - l->cvl_step_s < LEDGER_STEP_GAP_S - 0.5 &&
            !ledger_is_protective(in->limits->cvl_reason))
            l->fast_steps++;
        l->cvl_step_s = l->seconds;
    }
    l->cvl_way = way;
}

static void start_block(struct ledger *l, const struct ledger_input *in) {
    l->block_s = l->ccl_rise_a = l->ccl_fall_a = 0.0;
    l->ccl_low_a = l->ccl_high_a = in->house->heard.ccl_a;
    l->block_moved = false;
    l->sun_low_w = l->sun_high_w = in->around->solar_w;
    l->load_low_w = l->load_high_w = in->around->load_w;
}

/* After a start, or while the data is old, CCL moves for reasons of its own. */
static bool is_catching_up(enum limit_reason r) {
    return r == LIMIT_OPENING || r == LIMIT_STALE_CLOSING || r == LIMIT_STALE_CLOSED;
}

/* CCL that goes up and down again while sun and loads stand still swings by itself. */
static void add_ccl(struct ledger *l, const struct ledger_input *in) {
    double nominal_a = 0.9 * in->bms->reg[318];
    l->ccl_a = in->house->heard.ccl_a;
    l->ccl_low_a = least(l->ccl_low_a, l->ccl_a);
    l->ccl_high_a = most(l->ccl_high_a, l->ccl_a);
    l->ccl_rise_a = most(l->ccl_rise_a, l->ccl_a - l->ccl_low_a);
    l->ccl_fall_a = most(l->ccl_fall_a, l->ccl_high_a - l->ccl_a);
    l->sun_low_w = least(l->sun_low_w, in->around->solar_w);
    l->sun_high_w = most(l->sun_high_w, in->around->solar_w);
    l->load_low_w = least(l->load_low_w, in->around->load_w);
    l->load_high_w = most(l->load_high_w, in->around->load_w);
    l->block_moved |= !in->limits->valid || is_catching_up(in->limits->ccl_reason);
    l->block_s += in->dt_s;
    if (l->block_s < LEDGER_BLOCK_S)
        return;
    bool steady = l->sun_high_w - l->sun_low_w <= 0.05 * l->sun_high_w &&
                  l->load_high_w - l->load_low_w <= 0.05 * l->load_high_w && !l->block_moved;
    if (steady && l->seconds > 2 * LEDGER_BLOCK_S)
        l->ccl_swing = most(l->ccl_swing, least(l->ccl_rise_a, l->ccl_fall_a) / nominal_a);
    start_block(l, in);
}

static void add_balance(struct ledger *l, const struct ledger_input *in, const struct extremes *e) {
    const struct sim_bms *b = in->bms;
    double lack_low = 1e9, lack_high = -1e9, lack = 0.0, ah = 0.0;
    for (unsigned i = 0; i < b->pack.config.cells; i++) {
        const struct sim_cell *c = &b->pack.cell[i];
        double cell_lack = (1.0 - c->soc) * c->capacity_ah;
        lack_low = least(lack_low, cell_lack);
        lack_high = most(lack_high, cell_lack);
        lack += cell_lack;
        ah += c->capacity_ah;
        l->bled_ah += (b->pack.bleed_bits >> i & 1u) != 0 ? bleed_a * in->dt_s / 3600.0 : 0.0;
    }
    l->spread_ah = lack_high - lack_low;
    if (l->first_spread_ah <= 0.0)
        l->first_spread_ah = l->spread_ah;
    l->top_soc = most(l->top_soc, 1.0 - lack / ah);
    l->drift_cpct = (b->soc - (1.0 - lack / ah)) * 10000.0;
    if (b->pack.bleed_bits != 0)
        l->last_bleed_s = l->seconds;
    double amps = b->pack.current_a;
    bool slow =
        amps < 0.1 * b->pack.config.capacity_ah && amps > -0.02 * b->pack.config.capacity_ah;
    if (e->high_mv < b->reg[300] - LEDGER_TOP_MV * 0.8 || !slow)
        return;
    l->top_imbalance_mv = e->high_mv - e->low_mv;
    if (l->top_imbalance_mv > b->reg[308] + 5.0)
        return;
    l->even_s += in->dt_s;
    if (l->even_s >= LEDGER_BALANCED_S && l->balanced_s < 0.0)
        l->balanced_s = l->seconds;
}

void ledger_add(struct ledger *l, const struct ledger_input *in) {
    struct extremes e = extremes(in->bms);
    if (l->seconds <= 0.0)
        start_block(l, in);
    l->seconds += in->dt_s;
    remember(l, in, &e);
    add_cells(l, in, &e);
    add_darkness(l, in, &e);
    add_switch(l, in);
    watch_top(l, in, &e);
    add_cvl(l, in);
    add_ccl(l, in);
    add_balance(l, in, &e);
}
