/* SPDX-License-Identifier: MIT */
/* The parameters of the limits, as the settings (cvl.*, limits.*) give them. Ranges and how they
 * must stand to each other: core/settings. */
#ifndef CORE_POLICY_LIMIT_CONFIG_H
#define CORE_POLICY_LIMIT_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "battery/curve.h"

enum bms_full {
    BMS_FULL_AUTO, /* as the wiring is: dual port reaches, single port avoids */
    BMS_FULL_REACH,
    BMS_FULL_AVOID
};

enum feed_in {
    FEED_IN_AUTO,   /* room is left for it where register 300 must not be reached; else when seen */
    FEED_IN_ALWAYS, /* room is always left */
    FEED_IN_NEVER   /* there is no grid to feed */
};

struct limit_config {
    bool states; /* the six states; without them bulk voltage and protection alone */
    enum bms_full bms_full;
    enum feed_in feed_in;
    uint32_t bulk_mv;            /* of the pack; 0: register 300 x cells */
    uint32_t margin_mv;          /* off the bulk voltage, of the pack */
    uint32_t cell_guard_mv;      /* the highest cell stays so far under register 300 */
    uint32_t update_interval_ms; /* between steps of the charge voltage limit downwards */
    uint32_t step_mv;            /* of the pack, the largest step that no protection asks for */
    /* states: SOC in 0.01 % */
    uint16_t bulk_soc_cpct, transition_soc_cpct, float_soc_cpct, float_exit_cpct;
    uint32_t float_approach_offset_mv, float_offset_mv;           /* of the pack */
    uint32_t float_approach_offset_cell_mv, float_offset_cell_mv; /* and of each cell */
    uint32_t imbalance_hold_mv, imbalance_release_mv;             /* highest - lowest cell */
    uint32_t imbalance_drop_uv_per_mv; /* of the pack, for each mV over the threshold */
    uint32_t imbalance_drop_max_mv;
    uint32_t float_ccl_ma; /* FLOAT bounds the charge current to it */
    uint16_t sustain_entry_cpct, sustain_exit_cpct;
    uint32_t sustain_ccl_ma, sustain_dcl_ma;
    /* currents */
    uint32_t ccl_max_ma, dcl_max_ma; /* the user's ceilings; 0: none */
    struct curve charge_curve, discharge_curve;
};

#endif
