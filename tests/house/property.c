/* SPDX-License-Identifier: MIT */
#include "property.h"

enum { RECOVERED_MV = 250, REVERSALS_MAX = 2, TOP_OPENINGS_A_DAY = 2, CHARGER_OPENINGS_A_DAY = 6 };

static const double swing_max = 0.02;

static const char *const texts[HOUSE_PROPERTIES] = {
    [HOUSE_NEVER_300] = "at-300",          [HOUSE_NEVER_UNDER_301] = "under-301",
    [HOUSE_NEVER_315] = "at-315",          [HOUSE_NEVER_316] = "at-316",
    [HOUSE_NO_REVERSALS] = "reversals",    [HOUSE_NO_SWING] = "ccl-swing",
    [HOUSE_SLOW_STEPS] = "fast-steps",     [HOUSE_NO_TRIP] = "limit-trip",
    [HOUSE_NO_SWITCHING] = "switched-off", [HOUSE_RESTARTS] = "left-dark",
    [HOUSE_DUAL_FULL] = "dual-not-full",   [HOUSE_DUAL_CALM] = "dual-cycling",
    [HOUSE_OWN_FULL] = "own-not-full",     [HOUSE_BALANCES] = "unbalanced",
};

const char *house_property_text(enum house_property p) {
    return texts[p];
}

static uint32_t bit(enum house_property p, bool broken) {
    return broken ? 1u << p : 0u;
}

/* What goes into the pack on a plain day: the sun's 0.6 of the day at its height, less the loads of
 * about 9 kWh at scale 1. */
bool house_can_fill(const struct house_case *c) {
    const double *v = c->value;
    const struct sim_chemistry *chem = sim_chemistry((enum sim_chemistry_id)v[HOUSE_CHEMISTRY]);
    double volt = chem->ocv_v[SIM_OCV_POINTS / 2] * chem->cells;
    double watts =
        v[HOUSE_SOLAR_W] < v[HOUSE_SOLAR_A] * volt ? v[HOUSE_SOLAR_W] : v[HOUSE_SOLAR_A] * volt;
    double sun_wh = 0.6 * v[HOUSE_DAY_H] * v[HOUSE_HEIGHT] * watts;
    double load_wh = v[HOUSE_LOAD_SCALE] * (v[HOUSE_LOAD] > 0.0 ? 24000.0 : 9000.0);
    double charge_wh = 0.5 * v[HOUSE_CHARGE_A] * volt * v[HOUSE_DAY_H] * 0.4;
    double spare_wh = sun_wh - load_wh < charge_wh ? sun_wh - load_wh : charge_wh;
    bool bright = v[HOUSE_SUN] == (double)SIM_SKY_CLEAR || v[HOUSE_SUN] == (double)SIM_SKY_STEADY;
    bool warm = v[HOUSE_AMBIENT_C] - v[HOUSE_AMBIENT_SWING_C] > 4.0 &&
                v[HOUSE_AMBIENT_C] + v[HOUSE_AMBIENT_SWING_C] < 40.0;
    double days = v[HOUSE_DAYS] - v[HOUSE_DARK_DAYS];
    return bright && warm && days >= 2.5 && v[HOUSE_CURRENT_OFFSET_A] == 0.0 &&
           spare_wh > 1.3 * v[HOUSE_CAPACITY_AH] * volt;
}

/* A third of the time 0.15 A, for perhaps five hours a day. */
bool house_can_balance(const struct house_case *c) {
    const double *v = c->value;
    double spread = 2.0 * v[HOUSE_SOC_SPREAD] + v[HOUSE_CAPACITY_SPREAD] * 0.5 +
                    house_imbalance_soc(c) +
                    (v[HOUSE_WEAK_CELL] > 0.0 ? 0.5 * (1.0 - v[HOUSE_WEAK_CAPACITY]) : 0.0);
    double ah_a_day = 0.15 / 3.0 * 5.0;
    return house_can_fill(c) && v[HOUSE_CELL_ERROR_MV] < 5.0 &&
           spread * v[HOUSE_CAPACITY_AH] < ah_a_day * (v[HOUSE_DAYS] - 1.0);
}

/* Cells that differ little: a full one is then a full pack. */
static bool is_even(const struct house_case *c) {
    const double *v = c->value;
    return v[HOUSE_WEAK_CELL] == 0.0 && v[HOUSE_IMBALANCE_MV] < 20.0 &&
           v[HOUSE_CAPACITY_SPREAD] <= 0.01 && v[HOUSE_SOC_SPREAD] <= 0.003;
}

static uint32_t broken_at_end(const struct house_rig *r) {
    const struct ledger *l = &r->ledger;
    double wiring = r->kase.value[HOUSE_WIRING];
    uint32_t bits = 0;
    double low_mv = 1e9;
    for (unsigned i = 0; i < r->bms.pack.config.cells; i++) {
        double mv = r->bms.pack.cell[i].volt * 1000.0;
        low_mv = mv < low_mv ? mv : low_mv;
    }
    bits |= bit(HOUSE_RESTARTS, l->this_dark_s > 600.0 && r->house.dark == SIM_HOUSE_NO_DCL &&
                                    low_mv > r->bms.reg[301] + RECOVERED_MV);
    if (house_can_balance(&r->kase)) {
        bits |= bit(HOUSE_DUAL_FULL, wiring == (double)SIM_DUAL_PORT && l->fulls == 0);
        bits |= bit(HOUSE_BALANCES, l->balanced_s < 0.0);
    }
    if (house_can_fill(&r->kase) && is_even(&r->kase) && r->controller.full != NULL)
        bits |= bit(HOUSE_OWN_FULL, wiring == (double)SIM_SINGLE_PORT && l->own_full_s < 0.0);
    return bits;
}

uint32_t house_properties_broken(const struct house_rig *r, bool ended) {
    const struct ledger *l = &r->ledger;
    bool single = r->kase.value[HOUSE_WIRING] == (double)SIM_SINGLE_PORT;
    bool dual = r->kase.value[HOUSE_WIRING] == (double)SIM_DUAL_PORT;
    bool hasty = r->controller.hasty;
    double days = l->seconds / 86400.0 + 1.0;
    uint32_t bits = 0;
    bits |= bit(HOUSE_NEVER_300, single && l->at_300_s > 0.0);
    bits |= bit(HOUSE_NEVER_UNDER_301, l->under_301_s > 0.0);
    bits |= bit(HOUSE_NEVER_315, l->at_315_s > 0.0);
    bits |= bit(HOUSE_NEVER_316, l->at_316_s > 0.0);
    bits |= bit(HOUSE_NO_REVERSALS, !hasty && l->worst_hour > REVERSALS_MAX);
    bits |= bit(HOUSE_NO_SWING, l->ccl_swing > swing_max);
    bits |= bit(HOUSE_SLOW_STEPS, !hasty && l->fast_steps > 0);
    bits |= bit(HOUSE_NO_TRIP, l->trips_over_floor > 0);
    bits |= bit(HOUSE_NO_SWITCHING, l->unshed > 0);
    bits |= bit(HOUSE_DUAL_CALM,
                dual && (l->openings[LEDGER_BY_TOP] > TOP_OPENINGS_A_DAY * days ||
                         l->openings[LEDGER_BY_CHARGER] > CHARGER_OPENINGS_A_DAY * days));
    return ended ? bits | broken_at_end(r) : bits;
}
