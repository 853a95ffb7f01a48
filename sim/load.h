/* SPDX-License-Identifier: MIT */
/* What a household takes, second by second: a night base, a refrigerator, and appliances that
 * switch in steps (kettle, hob, oven, washing machine, heat pump), at the times of day at which
 * people use them. Without I/O and without a clock; the same seed and calls give the same days. */
#ifndef SIM_LOAD_H
#define SIM_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/rng.h"

enum sim_household {
    SIM_HOUSEHOLD_NORMAL,
    SIM_HOUSEHOLD_HEAT_PUMP, /* one that heats: a compressor for a third of the time */
    SIM_HOUSEHOLD_STEADY,    /* a kilowatt, always: for what must settle */
    SIM_HOUSEHOLD_NONE,
};

struct sim_load_config {
    enum sim_household household;
    double scale;      /* of everything */
    double start_hour; /* of the day, 0-24 */
    uint32_t seed;
};

enum { SIM_LOAD_APPLIANCES = 9, SIM_LOAD_RUNS_MAX = 3 };

struct sim_load {
    struct sim_load_config config;
    struct sim_rng rng;
    double day_s;
    /* of each appliance today: when it starts, seconds of the day; < 0: not */
    double start_s[SIM_LOAD_APPLIANCES][SIM_LOAD_RUNS_MAX];
    double phase_s[SIM_LOAD_APPLIANCES]; /* of those that switch on and off by themselves */
};

void sim_load_init(struct sim_load *l, const struct sim_load_config *cfg);

/* Lets dt_s pass (> 0, up to some seconds). Returns what is taken now, W. */
double sim_load_step(struct sim_load *l, double dt_s);

#endif
