/* SPDX-License-Identifier: MIT */
/* What the GX hands on and when, whether the inverter runs, and the accounts. */
#include "sim/house.h"

#include <string.h>

void sim_house_defaults(struct sim_house_config *cfg) {
    *cfg = (struct sim_house_config){
        .wiring = SIM_SINGLE_PORT,
        .solar_a = 100.0,
        .multi_w = 5000.0,
        .multi_charge_a = 50.0,
        .minimum_soc = 0.10,
        .efficiency = 0.95,
        .standby_w = 20.0,
        .cable_ohm = 0.002,
        .low_v = 37.0,
        .restart_v = 40.0,
        .restart_s = 10.0,
        .offset_v = 0.1,
        .ramp_a_per_s = 40.0,
        .fastest_s = 1.0,
        .slowest_s = 3.0,
        .seed = 1,
    };
}

void sim_house_init(struct sim_house *h, const struct sim_house_config *cfg) {
    struct sim_rng rng;
    memset(h, 0, sizeof *h);
    h->config = *cfg;
    h->gx_was = true;
    h->dark = SIM_HOUSE_STARTING;
    sim_rng_init(&rng, cfg->seed ^ 0x0FF5E7u);
    h->solar_offset_v = cfg->offset_v * sim_rng_swing(&rng);
    h->multi_offset_v = cfg->offset_v * sim_rng_swing(&rng);
    double range_s = cfg->slowest_s - cfg->fastest_s;
    h->solar_s = cfg->fastest_s + range_s * (1.0 + sim_rng_swing(&rng)) / 2.0;
    h->multi_s = cfg->fastest_s + range_s * (1.0 + sim_rng_swing(&rng)) / 2.0;
}

void sim_house_hear(struct sim_house *h, const struct sim_house_limits *l, uint64_t now_ms) {
    if (!h->gx_was)
        return;
    h->heard = *l;
    h->heard_ms = now_ms;
    h->has_heard = true;
}

static double not_negative(double v) {
    return v > 0.0 ? v : 0.0;
}

/* CCL is what may go into the battery: the loads on the bus come on top, and the solar chargers
 * come first. */
static void share(struct sim_house *h) {
    double ccl_a = h->in_force.ccl_a;
    double loads_a = not_negative(-h->flow.multi_a);
    h->solar_ccl_a = ccl_a > 0.0 ? ccl_a + loads_a : 0.0;
    h->multi_ccl_a = not_negative(ccl_a - h->flow.solar_a);
}

bool sim_house_is_alone(const struct sim_house *h, const struct sim_house_input *in) {
    if (!in->gx)
        return true;
    return h->gx_back_ms > 0 && !h->has_heard && in->now_ms - h->gx_back_ms <= SIM_HOUSE_SILENCE_MS;
}

static void watch_gx(struct sim_house *h, const struct sim_house_input *in) {
    if (!in->gx && h->gx_was) {
        h->gx_gone_ms = in->now_ms;
        h->has_heard = false;
    } else if (in->gx && !h->gx_was) {
        h->gx_back_ms = in->now_ms;
    }
    h->gx_was = in->gx;
}

static void take_over(struct sim_house *h, const struct sim_house_input *in) {
    watch_gx(h, in);
    if (sim_house_is_alone(h, in)) {
        if (in->now_ms - h->gx_gone_ms >= SIM_HOUSE_ALONE_MS)
            h->valid = false;
        return;
    }
    if (!h->has_heard || in->now_ms - h->heard_ms > SIM_HOUSE_SILENCE_MS) {
        h->valid = false;
        return;
    }
    if (in->now_ms < h->act_ms)
        return;
    h->act_ms = in->now_ms + SIM_HOUSE_ACT_MS;
    h->in_force = h->heard;
    h->valid = true;
    share(h);
}

/* Switched off by the GX: without one it stays so. */
static bool told_off(enum sim_house_dark d) {
    return d == SIM_HOUSE_NO_DCL || d == SIM_HOUSE_SILENT;
}

/* What keeps the inverter from running alone. */
static enum sim_house_dark obstacle(const struct sim_house *h, const struct sim_house_input *in) {
    if (!in->discharge_on)
        return SIM_HOUSE_SWITCHED;
    bool alone = sim_house_is_alone(h, in);
    if (!alone && !h->valid)
        return h->dark == SIM_HOUSE_STARTING ? SIM_HOUSE_STARTING : SIM_HOUSE_SILENT;
    if (alone ? told_off(h->dark) : h->in_force.dcl_a <= 0.0)
        return alone ? h->dark : SIM_HOUSE_NO_DCL;
    if (h->flow.bus_v > 0.0 && h->flow.bus_v < h->config.low_v)
        return SIM_HOUSE_LOW;
    if (h->dark == SIM_HOUSE_LOW && in->rest_v < h->config.restart_v)
        return SIM_HOUSE_LOW;
    return SIM_HOUSE_LIT;
}

static void run_inverter(struct sim_house *h, const struct sim_house_input *in, double dt_s) {
    enum sim_house_dark why = obstacle(h, in);
    if (why != SIM_HOUSE_LIT) {
        /* what it was dark for first is the cause, until it could run again */
        bool first = h->dark == SIM_HOUSE_LIT || h->dark == SIM_HOUSE_STARTING;
        if (first || h->waiting_s > 0.0)
            h->dark = why;
        h->waiting_s = 0.0;
    } else if (h->dark != SIM_HOUSE_LIT) {
        h->waiting_s += dt_s;
        if (h->waiting_s >= h->config.restart_s || h->dark == SIM_HOUSE_STARTING) {
            h->dark = SIM_HOUSE_LIT;
            h->waiting_s = 0.0;
        }
    }
}

static void account(struct sim_house *h, double dt_s) {
    const struct sim_house_flow *f = &h->flow;
    struct sim_house_sums *s = &h->sums;
    double hours = dt_s / 3600.0;
    double solar_w = f->solar_a * f->bus_v, pack_w = f->pack_a * f->bus_v;
    s->possible += f->solar_limit_w * hours;
    s->solar += solar_w * hours;
    s->curtailed += (f->solar_limit_w - solar_w) * hours;
    s->served += f->served_w * hours;
    s->dark += f->dark_w * hours;
    s->lost += f->lost_w * hours;
    *(f->grid_w > 0.0 ? &s->bought : &s->fed_in) +=
        (f->grid_w > 0.0 ? 1.0 : -1.0) * f->grid_w * hours;
    *(pack_w > 0.0 ? &s->pack_in : &s->pack_out) += (pack_w > 0.0 ? 1.0 : -1.0) * pack_w * hours;
}

void sim_house_step(struct sim_house *h, const struct sim_house_input *in, double dt_s) {
    take_over(h, in);
    bool island = !in->grid;
    if (island)
        run_inverter(h, in, dt_s);
    else
        h->dark = SIM_HOUSE_LIT;
    sim_house_solve(h, in, island, dt_s);
    account(h, dt_s);
}

const char *sim_house_dark_text(enum sim_house_dark d) {
    static const char *const text[SIM_HOUSE_DARK_CAUSES] = {
        [SIM_HOUSE_LIT] = "lit",         [SIM_HOUSE_STARTING] = "starting",
        [SIM_HOUSE_NO_DCL] = "DCL 0",    [SIM_HOUSE_SILENT] = "no 0x351",
        [SIM_HOUSE_SWITCHED] = "switch", [SIM_HOUSE_LOW] = "low voltage",
    };
    return text[d];
}
