/* SPDX-License-Identifier: MIT */
/* What distinguishes one cell chemistry from another, as data: a new one is one row. */
#ifndef SIM_CHEMISTRY_H
#define SIM_CHEMISTRY_H

#include <stdint.h>

enum sim_chemistry_id { SIM_NMC, SIM_LFP, SIM_CHEMISTRY_COUNT };

enum { SIM_OCV_POINTS = 21 }; /* every 5 % of charge */

struct sim_chemistry {
    const char *name;
    double ocv_v[SIM_OCV_POINTS]; /* at rest, 25 degC, 0 % first */
    double ohmic_ohm_ah;          /* resistance x capacity: the same for every size of cell */
    double slow_ohm_ah;           /* the part that builds up with slow_s */
    double slow_s;
    /* how a BMS is set for it: registers 300, 301, 303, 315, 316 */
    uint16_t fully_charged_mv, fully_discharged_mv, early_balancing_mv;
    uint16_t over_voltage_mv, under_voltage_mv;
};

/* id < SIM_CHEMISTRY_COUNT */
const struct sim_chemistry *sim_chemistry(enum sim_chemistry_id id);

/* Open-circuit voltage at a state of charge (0.0-1.0; beyond, the end's slope goes on). */
double sim_chemistry_ocv_v(const struct sim_chemistry *c, double soc);

#endif
