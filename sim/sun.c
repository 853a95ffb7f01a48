/* SPDX-License-Identifier: MIT */
#include "sim/sun.h"

#include <math.h>

enum { DAY_S = 86400 };

static const double noon_h = 12.5, pi = 3.14159265358979;
static const double grey_light = 0.15;

static double between(struct sim_sun *s, double low, double high) {
    return low + (high - low) * (sim_rng_swing(&s->rng) + 1.0) / 2.0;
}

static void begin_day(struct sim_sun *s) {
    static const enum sim_sky draw[] = {SIM_SKY_CLEAR, SIM_SKY_CLEAR, SIM_SKY_BROKEN,
                                        SIM_SKY_BROKEN, SIM_SKY_GREY};
    s->today = s->config.sky;
    if (s->today == SIM_SKY_MIXED)
        s->today = draw[sim_rng_below(&s->rng, 5)];
    s->cloud = false;
    s->left_s = 0.0;
    s->light = s->toward = 1.0;
}

void sim_sun_init(struct sim_sun *s, const struct sim_sun_config *cfg) {
    *s = (struct sim_sun){.config = *cfg, .day_s = cfg->start_hour * 3600.0};
    sim_rng_init(&s->rng, cfg->seed ^ 0x50A1u);
    begin_day(s);
}

static void go(struct sim_sun *s, double toward, double in_s) {
    s->toward = toward;
    s->per_s = (toward > s->light ? toward - s->light : s->light - toward) / in_s;
}

static void turn(struct sim_sun *s) {
    s->cloud = !s->cloud;
    double edge_s = between(s, 2.0, 8.0);
    s->left_s = between(s, 30.0, 300.0);
    if (s->cloud) {
        go(s, between(s, 0.15, 0.55), edge_s);
        return;
    }
    s->gap_s = s->left_s;
    s->bright_s = between(s, 5.0, 25.0);
    s->gain = between(s, 0.0, 0.2);
    go(s, 1.0 + s->gain, edge_s);
}

/* Within a gap: bright at both edges, plain between them. */
static void cross_gap(struct sim_sun *s) {
    double age_s = s->gap_s - s->left_s;
    bool edge = age_s < s->bright_s || s->left_s < s->bright_s;
    double toward = edge ? 1.0 + s->gain : 1.0;
    if (toward != s->toward)
        go(s, toward, 3.0);
}

static void drift(struct sim_sun *s, double dt_s) {
    s->left_s -= dt_s;
    if (s->left_s <= 0.0)
        turn(s);
    else if (!s->cloud)
        cross_gap(s);
    double step = s->per_s * dt_s;
    if (s->light < s->toward)
        s->light = s->light + step < s->toward ? s->light + step : s->toward;
    else
        s->light = s->light - step > s->toward ? s->light - step : s->toward;
}

/* Of the arch from sunrise to sunset. */
static double arch(const struct sim_sun *s) {
    double rise_h = noon_h - s->config.day_h / 2.0;
    double part = (s->day_s / 3600.0 - rise_h) / s->config.day_h;
    return part <= 0.0 || part >= 1.0 ? 0.0 : pow(sin(pi * part), 1.2);
}

double sim_sun_step(struct sim_sun *s, double dt_s) {
    s->day_s += dt_s;
    if (s->day_s >= DAY_S) {
        s->day_s -= DAY_S;
        s->day++;
        begin_day(s);
    }
    if (s->config.sky == SIM_SKY_STEADY)
        return s->config.height;
    double height = arch(s);
    if (height <= 0.0 || s->day < s->config.dark_days)
        return 0.0;
    double share = s->config.height * height;
    switch (s->today) {
    case SIM_SKY_BROKEN:
        drift(s, dt_s);
        return share * s->light;
    case SIM_SKY_GREY:
        return share * grey_light;
    case SIM_SKY_CLEAR:
    case SIM_SKY_MIXED:
    case SIM_SKY_STEADY:
        return share;
    }
    return share;
}
