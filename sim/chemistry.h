/* SPDX-License-Identifier: MIT */
/* What distinguishes one cell chemistry from another, as data: a new one is one row. */
#ifndef SIM_CHEMISTRY_H
#define SIM_CHEMISTRY_H

#include <stdint.h>

enum sim_chemistry_id { SIM_NMC, SIM_LFP, SIM_LTO, SIM_CHEMISTRY_COUNT };

enum {
    SIM_OCV_POINTS = 21,  /* every 5 % of charge */
    SIM_COLD_POINTS = 5,  /* every 20 K */
    SIM_COLD_FIRST = -30, /* degC of the first of them */
    SIM_COLD_STEP = 20,
};

struct sim_chemistry {
    const char *name;
    double ocv_v[SIM_OCV_POINTS]; /* at rest, 25 degC, 0 % first */
    double ohmic_ohm_ah;          /* resistance x capacity: the same for every size of cell */
    double slow_ohm_ah;           /* the part that builds up with slow_s */
    double slow_s;
    double cold[SIM_COLD_POINTS]; /* times both resistances, at -30, -10, 10, 30, 50 degC */
    double self_discharge;        /* of the capacity, a month of 30 days */
    uint8_t cells;                /* of a typical pack of about 48 V, or the most a BMS takes */
    double capacity_ah, soc_spread;
    /* how a BMS is set for it: registers 300, 301, 303, 315, 316 */
    uint16_t fully_charged_mv, fully_discharged_mv, early_balancing_mv;
    uint16_t over_voltage_mv, under_voltage_mv;
};

/* id < SIM_CHEMISTRY_COUNT */
const struct sim_chemistry *sim_chemistry(enum sim_chemistry_id id);

/* Open-circuit voltage at a state of charge (0.0-1.0; beyond, the end's slope goes on). */
double sim_chemistry_ocv_v(const struct sim_chemistry *c, double soc);

/* What a resistance given for 25 degC is multiplied by at another temperature; beyond the table its
 * ends. */
double sim_chemistry_cold(const struct sim_chemistry *c, double degc);

#endif
