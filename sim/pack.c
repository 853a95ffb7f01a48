/* SPDX-License-Identifier: MIT */
/* One equivalent circuit a cell: open-circuit voltage, a resistance, and one slow pole. */
#include "sim/pack.h"

enum { DAY_S = 86400, MONTH_S = 30 * DAY_S };

/* The current wanted over a day, as a share of the capacity an hour. Between the points a line. */
struct day_point {
    double hour, share;
};
/* clang-format off */
static const struct day_point day[] = {
    { 0.0, -0.025}, { 5.5, -0.020}, { 7.0, -0.070}, { 8.0, -0.030}, { 9.5,  0.080}, {12.0,  0.230},
    {14.0,  0.210}, {16.5,  0.060}, {17.5, -0.050}, {19.0, -0.130}, {21.0, -0.095}, {23.0, -0.040},
    {24.0, -0.025},
};
/* clang-format on */

static double day_share(double hour) {
    unsigned i = 0;
    while (i + 2 < sizeof day / sizeof day[0] && hour >= day[i + 1].hour)
        i++;
    double part = (hour - day[i].hour) / (day[i + 1].hour - day[i].hour);
    return day[i].share + part * (day[i + 1].share - day[i].share);
}

void sim_pack_preset(struct sim_pack_config *cfg, enum sim_chemistry_id chemistry) {
    const struct sim_chemistry *c = sim_chemistry(chemistry);
    *cfg = (struct sim_pack_config){
        .chemistry = chemistry,
        .profile = SIM_PROFILE_DAY,
        .cells = c->cells,
        .capacity_ah = c->capacity_ah,
        .start_soc = 0.55,
        .start_hour = 10.5,
        .capacity_spread = 0.01,
        .soc_spread = c->soc_spread,
        .ambient_c = 21.0,
        .ambient_swing_c = 4.0,
        .seed = 1,
        .self_discharge = c->self_discharge,
        .self_discharge_spread = 0.3,
    };
}

/* Resistances for the temperature now; a tenth of a kelvin makes no difference. */
static void warm_resistances(struct sim_pack *p) {
    double away_c = p->cells_c - p->resistance_c;
    if (away_c < 0.1 && away_c > -0.1)
        return;
    double factor = sim_chemistry_cold(p->chemistry, p->cells_c);
    for (unsigned i = 0; i < p->config.cells; i++) {
        p->cell[i].ohmic_ohm = factor * p->cell[i].ohmic_25_ohm;
        p->cell[i].slow_ohm = factor * p->cell[i].slow_25_ohm;
    }
    p->resistance_c = p->cells_c;
}

void sim_pack_init(struct sim_pack *p, const struct sim_pack_config *cfg) {
    *p = (struct sim_pack){.config = *cfg, .chemistry = sim_chemistry(cfg->chemistry)};
    if (p->config.cells < SIM_CELLS_MIN)
        p->config.cells = SIM_CELLS_MIN;
    if (p->config.cells > SIM_CELLS_MAX)
        p->config.cells = SIM_CELLS_MAX;
    sim_rng_init(&p->rng, cfg->seed);
    for (unsigned i = 0; i < p->config.cells; i++) {
        struct sim_cell *c = &p->cell[i];
        c->capacity_ah = cfg->capacity_ah * (1.0 + cfg->capacity_spread * sim_rng_swing(&p->rng));
        c->soc = cfg->start_soc + cfg->soc_spread * sim_rng_swing(&p->rng);
        double aged = 1.0 + 0.1 * sim_rng_swing(&p->rng);
        c->ohmic_25_ohm = aged * p->chemistry->ohmic_ohm_ah / cfg->capacity_ah;
        c->slow_25_ohm = aged * p->chemistry->slow_ohm_ah / cfg->capacity_ah;
        c->volt = sim_chemistry_ocv_v(p->chemistry, c->soc);
    }
    for (unsigned i = 0; i < p->config.cells; i++) { /* drawn last: the rest stays as it was */
        double share = 1.0 + cfg->self_discharge_spread * sim_rng_swing(&p->rng);
        p->cell[i].leak_a = share * cfg->self_discharge * cfg->capacity_ah * 3600.0 / MONTH_S;
    }
    p->day_s = cfg->start_hour * 3600.0;
    p->filling = true;
    p->resistance_c = -1e3; /* none yet */
    sim_pack_set_temperature(p, cfg->ambient_c);
}

void sim_pack_set_temperature(struct sim_pack *p, double degc) {
    p->cells_c = p->board_c = p->config.ambient_c = degc;
    warm_resistances(p);
}

void sim_pack_set_cell(struct sim_pack *p, unsigned i, double volt) {
    struct sim_cell *c = &p->cell[i];
    double rest_v = volt - c->slow_v - p->current_a * c->ohmic_ohm;
    double low = -20.0, high = 20.0; /* far beyond what 0 to 6 V need */
    for (unsigned halving = 0; halving < 60; halving++) {
        double middle = (low + high) / 2.0;
        if (sim_chemistry_ocv_v(p->chemistry, middle) < rest_v)
            low = middle;
        else
            high = middle;
    }
    c->soc = low;
    c->volt = volt;
}

double sim_pack_voltage_v(const struct sim_pack *p) {
    double sum = 0.0;
    for (unsigned i = 0; i < p->config.cells; i++)
        sum += p->cell[i].volt;
    return sum;
}

static double mean_soc(const struct sim_pack *p) {
    double sum = 0.0;
    for (unsigned i = 0; i < p->config.cells; i++)
        sum += p->cell[i].soc;
    return sum / p->config.cells;
}

/* What the house would like to do now. */
static void want(struct sim_pack *p) {
    double c = p->config.capacity_ah;
    switch (p->config.profile) {
    case SIM_PROFILE_DAY:
        p->wanted_a = c * day_share(p->day_s / 3600.0);
        p->wanted_a += 0.02 * p->wanted_a * sim_rng_swing(&p->rng);
        break;
    case SIM_PROFILE_CYCLE:
        if (p->filling && mean_soc(p) > 0.99)
            p->filling = false;
        else if (!p->filling && mean_soc(p) < 0.10)
            p->filling = true;
        p->wanted_a = (p->filling ? 0.5 : -0.5) * c;
        break;
    case SIM_PROFILE_CONSTANT:
    case SIM_PROFILE_HOUSE:
        break;
    }
}

void sim_pack_source(const struct sim_pack *p, double *rest_v, double *ohm) {
    *rest_v = *ohm = 0.0;
    for (unsigned i = 0; i < p->config.cells; i++) {
        const struct sim_cell *c = &p->cell[i];
        *rest_v += sim_chemistry_ocv_v(p->chemistry, c->soc) + c->slow_v;
        *ohm += c->ohmic_ohm;
    }
}

/* What may flow of it: constant current below the limits, then constant voltage at CVL. */
static double allowed_a(struct sim_pack *p, const struct sim_pack_limits *lim) {
    double a = p->wanted_a;
    if (p->config.profile == SIM_PROFILE_HOUSE)
        return a;
    p->held_by_voltage = false;
    if (a <= 0.0) {
        if (!lim->discharge_on)
            return 0.0;
        return -a < lim->dcl_a ? a : -lim->dcl_a;
    }
    if (!lim->charge_on)
        return 0.0;
    double rest_v, ohm;
    sim_pack_source(p, &rest_v, &ohm);
    if (a > lim->ccl_a)
        a = lim->ccl_a;
    double to_cvl_a = (lim->cvl_v - rest_v) / ohm;
    p->held_by_voltage = to_cvl_a < a;
    if (!p->held_by_voltage)
        return a;
    return to_cvl_a > 0.0 ? to_cvl_a : 0.0;
}

/* A coolest hour at 3, a warmest at 15; the pack follows in about an hour. */
static void exchange_heat(struct sim_pack *p, double heat_w, double dt_s) {
    double hour = p->day_s / 3600.0;
    double swing = hour < 3.0    ? (-3.0 - hour) / 6.0
                   : hour < 15.0 ? (hour - 9.0) / 6.0
                                 : (21.0 - hour) / 6.0;
    double air_c = p->config.ambient_c + p->config.ambient_swing_c * swing;
    p->cells_c += (air_c + 0.12 * heat_w - p->cells_c) * dt_s / (3000.0 + dt_s);
    double board_c = p->cells_c + 1.0 + 0.0008 * p->current_a * p->current_a;
    p->board_c += (board_c - p->board_c) * dt_s / (300.0 + dt_s);
}

static void step(struct sim_pack *p, const struct sim_pack_limits *lim, double dt_s) {
    const double bleed_a = 0.15; /* of a balancing resistor */
    want(p);
    warm_resistances(p);
    p->current_a = allowed_a(p, lim);
    p->moved_as += p->current_a * dt_s;
    const double keep = dt_s / (p->chemistry->slow_s + dt_s);
    double heat_w = 0.0;
    for (unsigned i = 0; i < p->config.cells; i++) {
        struct sim_cell *c = &p->cell[i];
        double a = p->current_a - ((p->bleed_bits >> i & 1u) != 0 ? bleed_a : 0.0);
        c->soc += (a - c->leak_a - p->drain_a) * dt_s / (c->capacity_ah * 3600.0);
        c->slow_v += (a * c->slow_ohm - c->slow_v) * keep;
        c->volt = sim_chemistry_ocv_v(p->chemistry, c->soc) + c->slow_v + a * c->ohmic_ohm;
        heat_w += a * a * (c->ohmic_ohm + c->slow_ohm);
    }
    exchange_heat(p, heat_w, dt_s);
    p->day_s += dt_s;
    if (p->day_s >= DAY_S)
        p->day_s -= DAY_S;
}

/* Nothing flows, nobody wants anything, and the voltages have come to rest: what is left goes so
 * slowly that a minute is not too long a step. */
static bool at_rest(const struct sim_pack *p) {
    bool rests = p->config.profile == SIM_PROFILE_CONSTANT && p->wanted_a == 0.0 &&
                 p->current_a == 0.0 && p->bleed_bits == 0;
    for (unsigned i = 0; rests && i < p->config.cells; i++)
        rests = p->cell[i].slow_v < 0.0005 && p->cell[i].slow_v > -0.0005;
    return rests;
}

void sim_pack_advance(struct sim_pack *p, const struct sim_pack_limits *limits, double dt_s) {
    if (dt_s > SIM_PACK_LONGEST_S)
        dt_s = SIM_PACK_LONGEST_S;
    while (dt_s > 0.0) {
        double most_s = dt_s > 1.0 && at_rest(p) ? 60.0 : 1.0;
        double now_s = dt_s < most_s ? dt_s : most_s;
        step(p, limits, now_s);
        dt_s -= now_s;
    }
}
