/* SPDX-License-Identifier: MIT */
/* Open-circuit curves: typical of the chemistry, not of one product. The NMC row passes through the
 * recorded 14-cell pack (80.6 % at 3.97 V), whose settings it has. Resistances grow in the cold by
 * the orders that data sheets show: LFP most, LTO least. */
#include "sim/chemistry.h"

/* clang-format off */
static const struct sim_chemistry chemistries[SIM_CHEMISTRY_COUNT] = {
    [SIM_NMC] = {
        .name = "NMC",
        .ocv_v = {3.000, 3.350, 3.450, 3.520, 3.560, 3.590, 3.610, 3.630, 3.650, 3.670, 3.700,
                  3.740, 3.790, 3.840, 3.880, 3.925, 3.970, 4.020, 4.075, 4.130, 4.200},
        .ohmic_ohm_ah = 0.10, .slow_ohm_ah = 0.06, .slow_s = 90.0,
        .cold = {4.00, 2.20, 1.30, 0.95, 0.75},
        .self_discharge = 0.020, .cells = 14, .capacity_ah = 66.0, .soc_spread = 0.004,
        .fully_charged_mv = 4150, .fully_discharged_mv = 3000, .early_balancing_mv = 3200,
        .over_voltage_mv = 4200, .under_voltage_mv = 2900,
    },
    [SIM_LFP] = { /* the curve is steep at its end: a small spread of charge shows there */
        .name = "LFP",
        .ocv_v = {2.500, 3.100, 3.190, 3.215, 3.240, 3.255, 3.268, 3.278, 3.286, 3.290, 3.293,
                  3.296, 3.300, 3.310, 3.322, 3.328, 3.331, 3.333, 3.335, 3.350, 3.600},
        .ohmic_ohm_ah = 0.10, .slow_ohm_ah = 0.10, .slow_s = 120.0,
        .cold = {6.00, 3.00, 1.45, 0.93, 0.70},
        .self_discharge = 0.025, .cells = 16, .capacity_ah = 100.0, .soc_spread = 0.0015,
        .fully_charged_mv = 3550, .fully_discharged_mv = 2800, .early_balancing_mv = 3400,
        .over_voltage_mv = 3650, .under_voltage_mv = 2500,
    },
    [SIM_LTO] = { /* 16 cells are 37 V: the BMS takes no more */
        .name = "LTO",
        .ocv_v = {1.900, 2.080, 2.130, 2.160, 2.180, 2.200, 2.215, 2.225, 2.235, 2.245, 2.255,
                  2.270, 2.285, 2.300, 2.320, 2.340, 2.370, 2.400, 2.440, 2.510, 2.700},
        .ohmic_ohm_ah = 0.03, .slow_ohm_ah = 0.02, .slow_s = 60.0,
        .cold = {2.20, 1.60, 1.15, 0.97, 0.85},
        .self_discharge = 0.030, .cells = 16, .capacity_ah = 40.0, .soc_spread = 0.003,
        .fully_charged_mv = 2650, .fully_discharged_mv = 2000, .early_balancing_mv = 2350,
        .over_voltage_mv = 2750, .under_voltage_mv = 1800,
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

double sim_chemistry_cold(const struct sim_chemistry *c, double degc) {
    double x = (degc - SIM_COLD_FIRST) / SIM_COLD_STEP;
    if (x <= 0.0)
        return c->cold[0];
    if (x >= SIM_COLD_POINTS - 1)
        return c->cold[SIM_COLD_POINTS - 1];
    int i = (int)x;
    return c->cold[i] + (x - i) * (c->cold[i + 1] - c->cold[i]);
}
