/* SPDX-License-Identifier: MIT */
/* The most that can be harvested by the rules: it sees each cell's open-circuit voltage and
 * resistance without noise, the loads, and what the chargers measure wrong. CVL is the voltage at
 * which the highest cell is 20 mV under register 300, and at which it would stay under 300 if all
 * loads stopped at once; feeding in included. A dual port may go over 300 while its cells are even:
 * only there does its BMS call itself full. CCL and DCL are nominal, DCL 0 where the lowest cell
 * comes near register 301, CCL 0 in the cold. */
#include "controller.h"

static const double over_v = 0.003;
static const double margin_v = 0.020, transient_v = 0.004, low_margin_v = 0.020, back_v = 0.120;
/* What the solar chargers add; what rounding down takes away. */
static const double over_cvl_v = 0.4, half_step_v = 0.05;

static void init(void *context, const struct house_world *world) {
    struct house_oracle *o = context;
    o->world = *world;
}

static double least(double a, double b) {
    return a < b ? a : b;
}

/* The current at which the first cell comes to its limit. */
static double most_a(const struct house_oracle *o) {
    const struct sim_bms *b = o->world.bms;
    const struct sim_house *h = o->world.house;
    double full_v = b->reg[300] / 1000.0, amps = 1e9;
    /* what is fed in does not stop with the loads */
    double loads_a = h->config.feed_in || h->flow.multi_a > 0.0 ? 0.0 : -h->flow.multi_a;
    for (unsigned i = 0; i < b->pack.config.cells; i++) {
        const struct sim_cell *c = &b->pack.cell[i];
        double rest_v = sim_chemistry_ocv_v(b->pack.chemistry, c->soc) + c->slow_v;
        amps = least(amps, (full_v - margin_v - rest_v) / c->ohmic_ohm);
        amps = least(amps, (full_v - transient_v - rest_v) / c->ohmic_ohm - loads_a);
    }
    return amps;
}

/* Nearly under register 320. */
static bool cold(const struct sim_bms *b) {
    return b->pack.cells_c < (int16_t)b->reg[320] + 0.5 || b->guard.cold;
}

/* The current at which the cells are on average a little over register 300. */
static double to_full_a(const struct house_oracle *o) {
    const struct sim_bms *b = o->world.bms;
    double rest_v, ohm;
    sim_pack_source(&b->pack, &rest_v, &ohm);
    return ((b->reg[300] / 1000.0 + over_v) * b->pack.config.cells - rest_v) / ohm;
}

/* With a distance, so that it does not come and go. */
static bool is_even(struct house_oracle *o) {
    const struct sim_bms *b = o->world.bms;
    double low = 10.0, high = 0.0;
    for (unsigned i = 0; i < b->pack.config.cells; i++) {
        double v = b->pack.cell[i].volt;
        low = v < low ? v : low;
        high = v > high ? v : high;
    }
    o->even = (high - low) * 1000.0 < b->reg[308] - (o->even ? 2.2 : 3.5);
    return o->even;
}

static double charge_v(struct house_oracle *o) {
    const struct sim_house *h = o->world.house;
    double rest_v, ohm;
    sim_pack_source(&o->world.bms->pack, &rest_v, &ohm);
    bool to_full = h->config.wiring == SIM_DUAL_PORT && is_even(o);
    double amps = most_a(o);
    if (to_full) { /* the last bit slowly, or resistances would part the cells */
        double slow_a = 0.05 * o->world.bms->pack.config.capacity_ah;
        amps = least(to_full_a(o), amps > slow_a ? amps : slow_a);
    }
    if (cold(o->world.bms))
        amps = least(0.0, amps);
    double bus_v = rest_v + (ohm + h->config.cable_ohm) * amps;
    if (h->config.feed_in || h->config.keep_charged)
        return bus_v + least(h->solar_offset_v, h->multi_offset_v) - over_cvl_v;
    return bus_v + h->solar_offset_v + (to_full ? half_step_v : 0.0);
}

static uint32_t discharge_ma(const struct house_oracle *o, uint32_t nominal_ma) {
    const struct sim_bms *b = o->world.bms;
    bool off = o->world.house->in_force.dcl_a <= 0.0 && o->world.house->valid;
    double floor_v = b->reg[301] / 1000.0 + (off ? back_v : low_margin_v);
    for (unsigned i = 0; i < b->pack.config.cells; i++) {
        if (b->pack.cell[i].volt < floor_v)
            return 0;
    }
    return nominal_ma;
}

static void decide(void *context, const struct battery *b, uint64_t now_ms, struct limits *out) {
    struct house_oracle *o = context;
    const struct sim_bms *bms = o->world.bms;
    (void)b;
    (void)now_ms;
    double v = charge_v(o), most_v = bms->reg[300] * bms->pack.config.cells / 1000.0;
    v = v < 1.0 ? 1.0 : v > most_v + 0.2 ? most_v + 0.2 : v;
    *out = (struct limits){
        .valid = true,
        .cvl_mv = (uint32_t)(v * 10.0) * 100u, /* down to a tenth of a volt */
        .ccl_ma = cold(bms) ? 0 : bms->reg[318] * 900u,
        .dcl_ma = discharge_ma(o, bms->reg[317] * 900u),
        .cvl_reason = LIMIT_NOMINAL,
        .ccl_reason = LIMIT_NOMINAL,
        .dcl_reason = LIMIT_NOMINAL,
    };
}

const struct house_controller house_oracle_plug = {"oracle", NULL, init, decide, NULL, NULL, true};
