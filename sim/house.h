/* SPDX-License-Identifier: MIT */
/* What stands around a battery in a house run by a GX: solar chargers, an inverter/charger, loads,
 * perhaps a grid, and the GX's control of them. Without I/O and without a clock.
 *
 * The solar chargers and the inverter/charger share one DC bus with the battery. Each step works
 * out what every one of them does and from that the current into the battery and the bus voltage:
 * the battery is a voltage behind a resistance, which the caller gives, so that any pack will do.
 *
 * How the GX controls them follows the inverter maker's GX manual ("Distributed Voltage and Current
 * Control", "ESS") and its CAN-bus BMS protocol (2021-04-17):
 *   - limits take effect every 3 s; no 0x351 for 3 s: charging and discharging stop;
 *   - CCL is shared: what the loads take is added for the solar chargers, what these leave is for
 *     the inverter/charger. CCL 0 stops the solar chargers, also for the loads;
 *   - while excess solar power is fed into the grid the solar chargers ignore CCL and run at
 *     CVL + 0.4 V; so they do, within CCL, where the grid keeps the battery charged. Feeding in,
 *     the inverter/charger passes on what would lift the battery over CVL (and over
 *     CCL, unless it is told to ignore that), as far as its rating goes;
 *   - off-grid, DCL 0 switches the inverter off, and it comes back by itself; any other DCL is
 *     ignored. With a grid in parallel DCL is followed;
 *   - with a grid, the battery is not discharged under a minimum SOC, and is recharged from the
 *     grid where it has fallen 5 % under that;
 *   - a GX that restarts says nothing meanwhile. That the chargers then go on for a minute and
 *     stop, and that the inverter stays on, or off, is an assumption: the documents give no time.
 * Chargers reach a new set point in a second or two; meanwhile the battery takes the difference.
 *
 * Files: house.c (the GX, the inverter's state, accounts), house_flow.c (who gives what). */
#ifndef SIM_HOUSE_H
#define SIM_HOUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/rng.h"

enum {
    SIM_HOUSE_ACT_MS = 3000,     /* the GX hands limits on this often */
    SIM_HOUSE_SILENCE_MS = 3000, /* without 0x351 */
    SIM_HOUSE_ALONE_MS = 60000,  /* chargers without a GX go on for so long */
};

/* How the battery's switches stand between battery and bus. */
enum sim_wiring {
    SIM_SINGLE_PORT, /* one switch for all */
    SIM_DUAL_PORT,   /* solar chargers at the charge switch, inverter/charger at the load switch */
    SIM_LOAD_PORT,   /* everything at the load switch of a dual-port device */
};

struct sim_house_config {
    enum sim_wiring wiring;
    bool feed_in;            /* excess solar power goes into the grid, while there is one */
    bool multi_ignores_ccl;  /* the inverter/charger takes no notice of CCL */
    double solar_a;          /* rating of the solar chargers, A */
    double multi_w;          /* rating of the inverter, either direction, W */
    double multi_charge_a;   /* rating of its charger, A */
    bool keep_charged;       /* charges from the grid while there is one, and never discharges */
    double minimum_soc;      /* 0-1; with a grid only */
    double efficiency;       /* of the inverter/charger, 0-1 */
    double standby_w;        /* what an inverter that runs off-grid takes for itself */
    double cable_ohm;        /* from the battery to the bus */
    double low_v, restart_v; /* the inverter's own cut-off: it stops under one, may start over the
                                other */
    double restart_s;        /* between the end of a cause and running again */
    double offset_v;         /* each charger measures wrong by up to this, +- */
    double ramp_a_per_s;     /* no charger gives more faster; less at once. The inverter as well */
    double fastest_s, slowest_s; /* their time constants are drawn between these; > 0 */
    uint32_t seed;
};

/* What is around the house in a step. */
struct sim_house_input {
    uint64_t now_ms;
    double solar_w;               /* the panels could give */
    double load_w;                /* the household wants, AC */
    bool grid;                    /* there is one now */
    bool gx;                      /* a GX runs */
    bool charge_on, discharge_on; /* the battery's switches */
    double rest_v, ohm;           /* of the battery */
    double soc;                   /* 0-1, as the GX is told */
};

/* Why an inverter does not run. */
enum sim_house_dark {
    SIM_HOUSE_LIT,
    SIM_HOUSE_STARTING, /* since the start, nothing has been allowed yet */
    SIM_HOUSE_NO_DCL,   /* DCL is 0 */
    SIM_HOUSE_SILENT,   /* no 0x351 */
    SIM_HOUSE_SWITCHED, /* the battery's switch is open */
    SIM_HOUSE_LOW,      /* its own low voltage cut-off */
    SIM_HOUSE_DARK_CAUSES
};

/* What flows; of the last step. */
struct sim_house_flow {
    double solar_a, multi_a; /* into the bus; multi_a < 0: it inverts */
    double pack_a;           /* into the battery: their sum */
    double bus_v;
    double solar_limit_w;    /* what the panels could have given through this charger */
    double grid_w;           /* + taken from the grid, - fed in */
    double served_w, dark_w; /* of the household: got it; did not */
    double lost_w;           /* in the inverter/charger */
    bool gives, takes;       /* a charger gives (a load takes), or would but for the switches */
    bool held_by_voltage;    /* the solar chargers would give more, but for the voltage */
};

/* Sums, Wh. solar + bought + pack_out = served + fed_in + pack_in + lost. */
struct sim_house_sums {
    double possible;  /* the panels could have given */
    double solar;     /* they gave */
    double curtailed; /* the difference */
    double served, dark, bought, fed_in, pack_in, pack_out, lost;
};

struct sim_house_limits {
    double cvl_v, ccl_a, dcl_a;
};

struct sim_house {
    struct sim_house_config config;
    double solar_offset_v, multi_offset_v; /* drawn: what they see is so much more than there is */
    double solar_s, multi_s;               /* their time constants */
    struct sim_house_limits heard, in_force;
    uint64_t heard_ms, act_ms, gx_gone_ms, gx_back_ms;
    bool has_heard, valid, gx_was;
    double solar_ccl_a, multi_ccl_a; /* shares of CCL, as handed on at the last turn */
    bool spared, recharging;         /* with a grid: the minimum SOC is reached; 5 % under it */
    enum sim_house_dark dark;        /* off-grid; with a grid the house is never dark */
    double waiting_s;                /* since what kept the inverter off is gone */
    struct sim_house_flow flow;
    struct sim_house_sums sums;
};

void sim_house_defaults(struct sim_house_config *cfg);
void sim_house_init(struct sim_house *h, const struct sim_house_config *cfg);

/* A 0x351 arrived. V and A, not negative. Lost when no GX runs. */
void sim_house_hear(struct sim_house *h, const struct sim_house_limits *l, uint64_t now_ms);

/* Lets dt_s pass, 0.05 to 1 s: h->flow is what flows meanwhile. */
void sim_house_step(struct sim_house *h, const struct sim_house_input *in, double dt_s);

const char *sim_house_dark_text(enum sim_house_dark d);

/* house_flow.c, for house.c: works out h->flow. island: no grid to lean on. */
void sim_house_solve(struct sim_house *h, const struct sim_house_input *in, bool island,
                     double dt_s);

/* No GX runs, or it has just begun to and may still hear of limits. */
bool sim_house_is_alone(const struct sim_house *h, const struct sim_house_input *in);

/* Excess solar power is fed in now. */
static inline bool sim_house_feeds_in(const struct sim_house *h, const struct sim_house_input *in) {
    return h->config.feed_in && in->grid;
}

#endif
