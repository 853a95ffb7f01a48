/* SPDX-License-Identifier: MIT */
/* Who gives what: the set points of the chargers, their way there, and the bus that results. */
#include <math.h>

#include "sim/house.h"

/* Over CVL, where the sun comes before the grid: for the solar chargers of a 48 V system. */
static const double over_cvl_v = 0.4;
static const double dusk_w = 60.0;       /* of panels, under which a charger does not start */
static const double released_soc = 0.03; /* over the minimum SOC discharging is free again */
static const double recharge_soc = 0.05; /* under it the grid recharges */

enum { ROUNDS = 3 }; /* of constant power against the bus voltage: each gains two digits */

static double least(double a, double b) {
    return a < b ? a : b;
}

static double most(double a, double b) {
    return a > b ? a : b;
}

/* What this step works with. */
struct bus {
    const struct sim_house_input *in;
    double dt_s, ohm;
    bool island, solar_on, multi_on; /* connected with the battery */
    bool charging, discharging;      /* allowed at all */
    bool feeds_in;
    double old_solar_a, old_multi_a;
};

static struct bus look(const struct sim_house *h, const struct sim_house_input *in, bool island,
                       double dt_s) {
    bool dual = h->config.wiring == SIM_DUAL_PORT;
    bool alone = sim_house_is_alone(h, in); /* the inverter runs as it likes */
    return (struct bus){
        .in = in,
        .dt_s = dt_s,
        .ohm = in->ohm + h->config.cable_ohm,
        .island = island,
        .solar_on = dual ? in->charge_on : in->discharge_on,
        .multi_on = in->discharge_on,
        .charging = h->valid,
        .discharging = (h->valid && h->in_force.dcl_a > 0.0) || alone,
        .feeds_in = sim_house_feeds_in(h, in),
        .old_solar_a = h->flow.solar_a,
        .old_multi_a = h->flow.multi_a,
    };
}

/* A device's way to its set point: as fast as its regulator, and its ramp away from 0. */
static double approach(const struct sim_house *h, double from, double to, double time_s,
                       double dt_s) {
    double by = (to - from) * (1.0 - exp(-dt_s / time_s)), ramp = h->config.ramp_a_per_s * dt_s;
    bool away = from >= 0.0 ? by > 0.0 : by < 0.0;
    if (away && by > ramp)
        return from + ramp;
    return away && by < -ramp ? from - ramp : from + by;
}

static double solar_set_v(const struct sim_house *h, const struct bus *b) {
    bool first = b->feeds_in || (h->config.keep_charged && !b->island);
    return h->in_force.cvl_v + (first ? over_cvl_v : 0.0) - h->solar_offset_v;
}

static double solar_most_a(const struct sim_house *h, const struct bus *b) {
    return b->charging ? (b->feeds_in ? h->config.solar_a : h->solar_ccl_a) : 0.0;
}

/* The solar chargers: as much as there is, up to their voltage and their share of CCL. */
static void give_solar(struct sim_house *h, const struct bus *b) {
    struct sim_house_flow *f = &h->flow;
    if (!b->solar_on) {
        f->solar_a = 0.0;
        f->held_by_voltage = false;
        return;
    }
    double there_a = least(b->in->solar_w / f->bus_v, h->config.solar_a);
    double by_voltage_a = (solar_set_v(h, b) - b->in->rest_v) / b->ohm - f->multi_a;
    double may_a = least(there_a, solar_most_a(h, b));
    f->held_by_voltage = b->charging && by_voltage_a < may_a;
    double to_a = most(0.0, least(may_a, by_voltage_a));
    f->solar_a = least(approach(h, b->old_solar_a, to_a, h->solar_s, b->dt_s), there_a);
}

/* What the loads need from the bus. */
static double inverter_a(const struct sim_house *h, const struct bus *b) {
    double w = least(b->in->load_w, h->config.multi_w) / h->config.efficiency;
    return (w + (b->island ? h->config.standby_w : 0.0)) / h->flow.bus_v;
}

/* Alone: all loads, or while it waits to run what it takes for itself. */
static double island_a(const struct sim_house *h, const struct bus *b) {
    bool waits = b->discharging && h->dark != SIM_HOUSE_LOW;
    if (h->dark == SIM_HOUSE_LIT)
        return inverter_a(h, b);
    return waits ? h->config.standby_w / h->flow.bus_v : 0.0;
}

static void watch_soc(struct sim_house *h, double soc) {
    double low = h->config.minimum_soc;
    h->spared = soc <= low || (h->spared && soc < low + released_soc);
    h->recharging = soc <= low - recharge_soc || (h->recharging && soc < low);
}

/* With a grid in parallel: the loads from the battery as far as DCL and the minimum SOC allow;
 * charging from the grid; feeding in what would lift the battery too high. */
static double parallel_a(struct sim_house *h, const struct bus *b) {
    const struct sim_house_config *c = &h->config;
    const struct sim_house_limits *l = &h->in_force;
    if (!h->valid || sim_house_is_alone(h, b->in))
        return 0.0;
    watch_soc(h, b->in->soc);
    double by_voltage_a = (l->cvl_v - h->multi_offset_v - b->in->rest_v) / b->ohm;
    double solar_a = h->flow.solar_a, to_a;
    if (c->keep_charged || h->recharging) {
        double ccl_a = c->multi_ignores_ccl ? c->multi_charge_a : h->multi_ccl_a;
        to_a = most(0.0, least(least(c->multi_charge_a, ccl_a), by_voltage_a - solar_a));
    } else {
        double from_pack_a = h->spared ? 0.0 : l->dcl_a;
        to_a = -least(inverter_a(h, b), solar_a + from_pack_a);
    }
    if (b->feeds_in) {
        double into_pack_a = c->multi_ignores_ccl ? by_voltage_a : least(by_voltage_a, l->ccl_a);
        /* a CVL under the battery's own voltage empties it into the grid */
        to_a = least(to_a, most(into_pack_a, -l->dcl_a) - solar_a);
    }
    double rating_a = c->multi_w / c->efficiency / h->flow.bus_v;
    return most(-rating_a, to_a);
}

static void give_multi(struct sim_house *h, const struct bus *b) {
    struct sim_house_flow *f = &h->flow;
    if (!b->multi_on)
        f->multi_a = 0.0;
    else if (b->island)
        f->multi_a = -island_a(h, b);
    else
        f->multi_a = approach(h, b->old_multi_a, parallel_a(h, b), h->multi_s, b->dt_s);
}

/* The AC side: loads, grid, losses. */
static void serve(struct sim_house *h, const struct bus *b) {
    struct sim_house_flow *f = &h->flow;
    double dc_w = -f->multi_a * f->bus_v, load_w = b->in->load_w;
    if (b->island) {
        bool lit = h->dark == SIM_HOUSE_LIT && b->multi_on;
        f->served_w = lit ? least(load_w, h->config.multi_w) : 0.0;
        f->dark_w = load_w - f->served_w;
        f->grid_w = 0.0;
        f->lost_w = dc_w - f->served_w;
        return;
    }
    double ac_w = dc_w > 0.0 ? dc_w * h->config.efficiency : dc_w / h->config.efficiency;
    f->served_w = load_w;
    f->dark_w = 0.0;
    f->grid_w = load_w - ac_w;
    f->lost_w = dc_w - ac_w;
}

/* What the battery's own device sees of chargers and loads, also behind an open switch. There the
 * chargers hold the bus while there is sun; without, an inverter that may run pulls it down. */
static void show(struct sim_house *h, const struct bus *b) {
    const double still_a = 0.05;
    struct sim_house_flow *f = &h->flow;
    bool sun =
        b->in->solar_w > dusk_w && solar_most_a(h, b) > 0.0 && solar_set_v(h, b) > b->in->rest_v;
    bool grid = !b->island && (h->config.keep_charged || h->recharging) && h->multi_ccl_a > 0.0 &&
                b->charging;
    bool ready = sun || grid;
    if (h->config.wiring == SIM_DUAL_PORT) {
        f->gives = ready;
        f->takes = b->multi_on ? f->multi_a < -still_a : b->discharging;
    } else if (b->multi_on) {
        f->gives = ready && f->pack_a > -still_a;
        f->takes = f->pack_a < -still_a;
    } else {
        f->gives = ready;
        f->takes = !ready && b->discharging;
    }
}

void sim_house_solve(struct sim_house *h, const struct sim_house_input *in, bool island,
                     double dt_s) {
    struct sim_house_flow *f = &h->flow;
    struct bus b = look(h, in, island, dt_s);
    if (f->bus_v <= 0.0)
        f->bus_v = in->rest_v;
    for (unsigned round = 0; round < ROUNDS; round++) {
        give_multi(h, &b);
        give_solar(h, &b);
        f->pack_a = f->solar_a + f->multi_a;
        f->bus_v = most(in->rest_v + b.ohm * f->pack_a, in->rest_v / 2.0);
    }
    f->solar_limit_w = least(in->solar_w, h->config.solar_a * f->bus_v);
    serve(h, &b);
    show(h, &b);
}
