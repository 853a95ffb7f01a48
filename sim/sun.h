/* SPDX-License-Identifier: MIT */
/* What a roof full of solar panels could give, second by second, without I/O and without a clock.
 *
 * The height of the sun over the day is a sine arch to the power 1.2, as long as the day. What is
 * between it and the panels depends on the kind of day: nothing, clouds that come and go with edges
 * of a few seconds, or an even grey. At the edge of a cloud the panels get up to a fifth more than
 * from a clear sky, for some seconds (cloud enhancement). The same seed and calls give the same
 * days. */
#ifndef SIM_SUN_H
#define SIM_SUN_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/rng.h"

enum sim_sky {
    SIM_SKY_CLEAR,
    SIM_SKY_BROKEN, /* clouds of half a minute to five minutes, as long between them */
    SIM_SKY_GREY,   /* a seventh of the light */
    SIM_SKY_MIXED,  /* each day one of the three: 2 of 5, 2 of 5, 1 of 5 */
    SIM_SKY_STEADY, /* always the same, day and night: for what must settle */
};

struct sim_sun_config {
    enum sim_sky sky;
    double day_h;       /* from sunrise to sunset, 0-24; its middle is at 12.5 */
    double height;      /* of the sun at noon, as a share of the panels' peak; STEADY: always */
    double start_hour;  /* of the day, 0-24 */
    uint32_t dark_days; /* at first, without any sun: snow on the panels */
    uint32_t seed;
};

struct sim_sun {
    struct sim_sun_config config;
    struct sim_rng rng;
    double day_s; /* time of day */
    uint32_t day; /* since the start */
    enum sim_sky today;
    bool cloud;
    double left_s;        /* of this cloud, or of this gap */
    double bright_s;      /* of the gap's edges: while it is at least so old, and at most so ... */
    double gap_s, gain;   /* ... the length of the gap, and the gain at its edges */
    double light, toward; /* share of a clear sky's light: now, and where it goes ... */
    double per_s;         /* ... at this pace */
};

void sim_sun_init(struct sim_sun *s, const struct sim_sun_config *cfg);

/* Lets dt_s pass (> 0, up to some seconds). Returns what the panels could give now as a share of
 * their peak: 0 to 1.2. */
double sim_sun_step(struct sim_sun *s, double dt_s);

#endif
