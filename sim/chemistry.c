/* SPDX-License-Identifier: MIT */
/* Open-circuit curves: typical of the chemistry, not of one product. The NMC row passes through the
 * recorded 14-cell pack (80.6 % at 3.97 V), whose settings it has. */
#include "sim/chemistry.h"

/* clang-format off */
static const struct sim_chemistry chemistries[SIM_CHEMISTRY_COUNT] = {
    [SIM_NMC] = {
        .name = "NMC",
        .ocv_v = {3.000, 3.350, 3.450, 3.520, 3.560, 3.590, 3.610, 3.630, 3.650, 3.670, 3.700,
                  3.740, 3.790, 3.840, 3.880, 3.925, 3.970, 4.020, 4.075, 4.130, 4.200},
        .ohmic_ohm_ah = 0.10, .slow_ohm_ah = 0.06, .slow_s = 90.0,
        .fully_charged_mv = 4150, .fully_discharged_mv = 3000, .early_balancing_mv = 3200,
        .over_voltage_mv = 4200, .under_voltage_mv = 2900,
    },
    [SIM_LFP] = {
        .name = "LFP",
        .ocv_v = {2.500, 3.100, 3.190, 3.215, 3.240, 3.255, 3.268, 3.278, 3.286, 3.290, 3.293,
                  3.296, 3.300, 3.310, 3.322, 3.328, 3.331, 3.333, 3.335, 3.350, 3.600},
        .ohmic_ohm_ah = 0.10, .slow_ohm_ah = 0.10, .slow_s = 120.0,
        .fully_charged_mv = 3550, .fully_discharged_mv = 2800, .early_balancing_mv = 3400,
        .over_voltage_mv = 3650, .under_voltage_mv = 2500,
    },
};
/* clang-format on */

const struct sim_chemistry *sim_chemistry(enum sim_chemistry_id id) {
    return &chemistries[id];
}

double sim_chemistry_ocv_v(const struct sim_chemistry *c, double soc) {
    double x = soc * (SIM_OCV_POINTS - 1);
    int i = 0;
    if (x >= SIM_OCV_POINTS - 1)
        i = SIM_OCV_POINTS - 2;
    else if (x > 0.0)
        i = (int)x;
    return c->ocv_v[i] + (x - i) * (c->ocv_v[i + 1] - c->ocv_v[i]);
}
