/* SPDX-License-Identifier: MIT */
/* Who decides the three limits: a plug of the rig. */
#ifndef TESTS_HOUSE_CONTROLLER_H
#define TESTS_HOUSE_CONTROLLER_H

#include "battery/battery.h"
#include "battery/limits.h"
#include "policy/policy.h"
#include "settings/settings.h"
#include "sim/bms.h"
#include "sim/house.h"

/* What a controller may be told when it starts. All but the settings is for one that cheats. */
struct house_world {
    const struct settings *settings;
    const struct sim_bms *bms;
    const struct sim_house *house;
    uint64_t now_ms;
};

struct house_controller {
    const char *name;
    void *context;
    void (*init)(void *context, const struct house_world *world);
    /* sample: what the BMS said just now; NULL: it was lost on the way. */
    void (*decide)(void *context, const struct battery *sample, uint64_t now_ms,
                   struct limits *out);
    /* Its own judgement that the battery is full; NULL: it has none. */
    bool (*full)(const void *context);
    /* Where it stands, in a word; NULL: it has no states. */
    const char *(*state)(const void *context);
    bool hasty; /* not bound to a pace of CVL */
};

enum { HOUSE_CONTROLLERS = 4 };

/* Register 300 x cells, nine tenths of 318 and 317, whatever happens. */
struct house_fixed {
    bool started;
    struct limits limits;
};

/* The six states of the founding documents with their numbers and their faults. */
enum house_state {
    HOUSE_BULK,
    HOUSE_TRANSITION,
    HOUSE_FLOAT_APPROACH,
    HOUSE_FLOAT,
    HOUSE_IMBALANCE_HOLD,
    HOUSE_SUSTAIN
};

struct house_six_state {
    enum house_state state;
    bool floating, holding, sustaining;
    struct limits limits;
};

struct house_policy {
    struct policy policy;
};

struct house_oracle {
    struct house_world world;
    bool even; /* dual port: the cells are close enough to be called full */
};

struct house_memory {
    struct house_fixed fixed;
    struct house_six_state six_state;
    struct house_policy policy;
    struct house_oracle oracle;
};

/* "fixed", "six-state", "policy", "oracle"; i < HOUSE_CONTROLLERS. */
const char *house_controller_name(unsigned i);
/* False: no such name. The controller lives in *memory. */
bool house_controller_find(const char *name, struct house_memory *memory,
                           struct house_controller *out);

/* policy_plug.c: the configuration of the product's policy that these settings give, taken from the
 * gateway, which is the only one to translate them. */
struct policy_config house_policy_config(const struct settings *s, uint64_t now_ms);

extern const struct house_controller house_fixed_plug, house_six_state_plug, house_policy_plug,
    house_oracle_plug;

#endif
