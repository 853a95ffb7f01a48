/* SPDX-License-Identifier: MIT */
#include "sim/load.h"

enum { DAY_S = 86400 };

/* One use of an appliance in a window of the day. Runs of 0: all day long. */
struct appliance {
    const char *name; /* cppcheck-suppress unusedStructMember ; for who reads the table */
    double watts;
    double run_s;        /* how long a use lasts */
    double on_s, off_s;  /* while used, its thermostat: on, off; off 0: always on */
    double from_h, to_h; /* it begins in there */
    double runs;         /* a day, on average; at most SIM_LOAD_RUNS_MAX */
    bool heats;          /* only in a house with a heat pump */
};

/* clang-format off */
static const struct appliance appliances[SIM_LOAD_APPLIANCES] = {
    {"refrigerator",     110.0,     0.0,  600.0, 1500.0,  0.0, 24.0, 0.0, false},
    {"heat pump",       1400.0,     0.0,  900.0, 1800.0,  0.0, 24.0, 0.0, true},
    {"kettle, morning", 2200.0,   180.0,    1.0,    0.0,  6.3,  8.5, 2.0, false},
    {"kettle, later",   2200.0,   150.0,    1.0,    0.0, 14.0, 21.5, 1.6, false},
    {"hob, noon",       1800.0,  1200.0,   20.0,   10.0, 11.5, 12.8, 0.6, false},
    {"hob, evening",    2000.0,  1800.0,   20.0,   10.0, 18.0, 19.5, 0.9, false},
    {"oven",            2500.0,  2700.0,  150.0,  120.0, 17.5, 19.0, 0.5, false},
    {"washing machine", 2000.0,  1300.0,    1.0,    0.0,  9.0, 15.0, 0.6, false},
    {"evening lights",   250.0, 14400.0,    1.0,    0.0, 17.5, 18.5, 1.0, false},
};
/* clang-format on */

static const double base_w = 160.0;

static void begin_day(struct sim_load *l) {
    for (unsigned i = 0; i < SIM_LOAD_APPLIANCES; i++) {
        const struct appliance *a = &appliances[i];
        uint32_t whole = (uint32_t)a->runs;
        uint32_t runs = whole;
        runs += sim_rng_chance(&l->rng, (uint32_t)((a->runs - whole) * 10000.0)) ? 1u : 0u;
        for (unsigned k = 0; k < SIM_LOAD_RUNS_MAX; k++) {
            double part = (sim_rng_swing(&l->rng) + 1.0) / 2.0;
            l->start_s[i][k] =
                k < runs ? 3600.0 * (a->from_h + part * (a->to_h - a->from_h)) : -1.0;
        }
        l->phase_s[i] = (a->on_s + a->off_s) * (sim_rng_swing(&l->rng) + 1.0) / 2.0;
    }
}

void sim_load_init(struct sim_load *l, const struct sim_load_config *cfg) {
    *l = (struct sim_load){.config = *cfg, .day_s = cfg->start_hour * 3600.0};
    sim_rng_init(&l->rng, cfg->seed ^ 0x10ADu);
    begin_day(l);
}

static bool used(const struct sim_load *l, unsigned i) {
    const struct appliance *a = &appliances[i];
    if (a->runs <= 0.0)
        return !a->heats || l->config.household == SIM_HOUSEHOLD_HEAT_PUMP;
    for (unsigned k = 0; k < SIM_LOAD_RUNS_MAX; k++) {
        double age_s = l->day_s - l->start_s[i][k];
        if (l->start_s[i][k] >= 0.0 && age_s >= 0.0 && age_s < a->run_s)
            return true;
    }
    return false;
}

static bool thermostat_on(struct sim_load *l, unsigned i, double dt_s) {
    const struct appliance *a = &appliances[i];
    if (a->off_s <= 0.0)
        return true;
    l->phase_s[i] += dt_s;
    if (l->phase_s[i] >= a->on_s + a->off_s)
        l->phase_s[i] -= a->on_s + a->off_s;
    return l->phase_s[i] < a->on_s;
}

double sim_load_step(struct sim_load *l, double dt_s) {
    l->day_s += dt_s;
    if (l->day_s >= DAY_S) {
        l->day_s -= DAY_S;
        begin_day(l);
    }
    if (l->config.household == SIM_HOUSEHOLD_NONE)
        return 0.0;
    if (l->config.household == SIM_HOUSEHOLD_STEADY)
        return 1000.0 * l->config.scale;
    double w = base_w;
    for (unsigned i = 0; i < SIM_LOAD_APPLIANCES; i++) {
        if (used(l, i) && thermostat_on(l, i, dt_s))
            w += appliances[i].watts;
    }
    return w * l->config.scale;
}
