/* SPDX-License-Identifier: MIT */
/* A pack of 4-16 cells in series, and the house around it, without I/O and without a clock.
 *
 * Each cell has its own capacity, charge, resistance and slow polarisation; one current goes
 * through all of them. The house wants to charge or discharge (a profile over the day, or a cycle);
 * what flows is what the house wants, cut to what the limits and the switches allow. So a charger
 * here obeys CVL and CCL as a real one does: constant current, then constant voltage.
 *
 * Resistances follow the temperature, losses heat the cells, every cell discharges itself a little.
 * The same seed, calls and times give the same battery. */
#ifndef SIM_PACK_H
#define SIM_PACK_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/chemistry.h"
#include "sim/rng.h"

enum { SIM_CELLS_MIN = 4, SIM_CELLS_MAX = 16, SIM_PACK_LONGEST_S = 3600 };

enum sim_profile {
    SIM_PROFILE_DAY,      /* sun by day, loads in the evening, from sim_pack_config.start_hour */
    SIM_PROFILE_CYCLE,    /* full at half the capacity an hour, then empty, and again */
    SIM_PROFILE_CONSTANT, /* sim_pack.wanted_a, set by the caller */
    /* A house of its own (sim/house.h) has worked out what flows: wanted_a flows, limits and
     * switches are its business, and it says what it would do without the switches. */
    SIM_PROFILE_HOUSE,
};

struct sim_pack_config {
    enum sim_chemistry_id chemistry;
    enum sim_profile profile;
    uint8_t cells; /* 4-16 */
    double capacity_ah;
    double start_soc;       /* 0.0-1.0 */
    double start_hour;      /* of the day, 0-24 */
    double capacity_spread; /* of a cell, +- this share */
    double soc_spread;      /* +- this */
    double ambient_c;       /* mean of the day */
    double ambient_swing_c; /* the day's coldest and warmest hour are so far from it */
    uint32_t seed;
    double self_discharge;        /* of the capacity, a month of 30 days */
    double self_discharge_spread; /* of a cell, +- this share of it */
};

/* What the outside allows now. */
struct sim_pack_limits {
    double cvl_v, ccl_a, dcl_a;   /* as a GX hands them on; never negative */
    bool charge_on, discharge_on; /* the BMS's switches */
};

struct sim_cell {
    double capacity_ah, soc;
    double ohmic_ohm, slow_ohm; /* at the temperature now */
    double slow_v;              /* polarisation now */
    double volt;                /* terminal voltage at the end of the last step */
    double ohmic_25_ohm, slow_25_ohm;
    double leak_a; /* self-discharge */
};

struct sim_pack {
    struct sim_pack_config config;
    const struct sim_chemistry *chemistry;
    struct sim_rng rng;
    struct sim_cell cell[SIM_CELLS_MAX];
    double day_s;     /* time of day, 0 to 86400 */
    double wanted_a;  /* + charging: what the house would do without limits */
    double current_a; /* + charging: what flowed in the last step */
    double cells_c, board_c;
    uint16_t bleed_bits;  /* cells being balanced: bit 0 = cell 1; set by the BMS */
    bool filling;         /* SIM_PROFILE_CYCLE: on the way up */
    double drain_a;       /* taken from all cells by the BMS itself; set by the BMS */
    double moved_as;      /* charge through the pack since the start, ampere-seconds, + charging */
    double resistance_c;  /* the temperature that the cells' resistances are for */
    bool held_by_voltage; /* the charger would give more, but for the voltage limit */

    /* SIM_PROFILE_HOUSE, set by the caller, as held_by_voltage is then */
    bool house_gives; /* a charger gives, or would if its switch were closed */
    bool house_takes; /* a load takes, or would */
};

/* The recorded pack (NMC 14s 66 Ah), an LFP 16s of 100 Ah or an LTO 16s of 40 Ah, at 55 % on a
 * day's late morning. */
void sim_pack_preset(struct sim_pack_config *cfg, enum sim_chemistry_id chemistry);

/* Copies cfg. cells out of range are moved into it. */
void sim_pack_init(struct sim_pack *p, const struct sim_pack_config *cfg);

/* Lets dt_s pass (> 0; cut into steps of at most a second, or a minute at rest; in one call
 * SIM_PACK_LONGEST_S at most). */
void sim_pack_advance(struct sim_pack *p, const struct sim_pack_limits *limits, double dt_s);

double sim_pack_voltage_v(const struct sim_pack *p);

/* All cells in series now: the voltage at which no current flows, and the resistance to a current
 * that begins to. */
void sim_pack_source(const struct sim_pack *p, double *rest_v, double *ohm);

/* Gives cell i (0 = cell 1) the charge at which it has this terminal voltage now, with the current
 * that flows and the polarisation that is left. Any voltage, also beyond the curve's ends. */
void sim_pack_set_cell(struct sim_pack *p, unsigned i, double volt);

/* Brings cells and board to this temperature, and the air around them. */
void sim_pack_set_temperature(struct sim_pack *p, double degc);

#endif
