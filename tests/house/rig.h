/* SPDX-License-Identifier: MIT */
/* A controller of the three limits in closed loop with a virtual battery, its virtual BMS and a
 * virtual house, in virtual time.
 *
 * There is no wire: the BMS's registers go straight into core/tinybms' image and decoder, once a
 * sample; the limits go to the house as 0x351 would carry them (tenths of a volt, of an ampere),
 * once a second. So weeks pass in seconds. The wires themselves are the business of
 * tests/scenario. */
#ifndef TESTS_HOUSE_RIG_H
#define TESTS_HOUSE_RIG_H

#include "case.h"
#include "controller.h"
#include "ledger.h"
#include "sim/load.h"
#include "sim/sun.h"
#include "tinybms/image.h"

enum { HOUSE_DELAY_MAX = 16 };

struct house_rig {
    struct house_case kase;
    struct settings settings;
    struct sim_bms bms;
    struct sim_house house;
    struct sim_sun sun;
    struct sim_load load;
    struct sim_rng rng;
    struct tinybms_image image;
    struct battery battery;
    struct house_controller controller;
    struct limits limits;
    struct ledger ledger;
    struct sim_house_input around;
    uint64_t start_ms, now_ms, end_ms; /* of the monotonic clock */
    uint64_t second_ms, sample_ms, slow_ms, send_ms, gateway_up_ms;
    uint16_t late[HOUSE_DELAY_MAX][TINYBMS_LIVE_WORDS];
    unsigned lates;
    uint32_t restarted_day; /* the gateway has been, today */
};

/* Builds everything at rest. False: *why (a setting that the gateway refuses). The controller's
 * context must outlive the rig. */
bool house_rig_start(struct house_rig *r, const struct house_case *c,
                     const struct house_controller *controller, const char **why);

/* One step; false when the case's days are over. */
bool house_rig_step(struct house_rig *r);

/* How much more charge the high cell of HOUSE_IMBALANCE_MV has, 0-1. */
double house_imbalance_soc(const struct house_case *c);

static inline double house_rig_hour(const struct house_rig *r) {
    return r->load.day_s / 3600.0;
}

static inline uint64_t house_rig_elapsed_ms(const struct house_rig *r) {
    return r->now_ms - r->start_ms;
}

#endif
