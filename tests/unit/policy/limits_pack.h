/* SPDX-License-Identifier: MIT */
/* A pack, what is known of it, and the parameters that the settings give by default, for the tests
 * of the limits. The pack of sample.h: 14 cells, 300 = 4150 mV, 301 = 3000, 315 = 4200, 317 = 60 A,
 * 318 = 20 A; beside it 304 = 1 A, 306 = 66 Ah, 308 = 15 mV, single port. */
#ifndef TESTS_UNIT_POLICY_LIMITS_PACK_H
#define TESTS_UNIT_POLICY_LIMITS_PACK_H

#include "policy/charge_end.h"
#include "policy/limit_config.h"
#include "policy/pack_watch.h"
#include "sample.h"

static const struct limit_config default_limits = {
    .states = true,
    .bms_full = BMS_FULL_AUTO,
    .feed_in = FEED_IN_AUTO,
    .cell_guard_mv = 20,
    .update_interval_ms = 20000,
    .step_mv = 200,
    .bulk_soc_cpct = 8000,
    .transition_soc_cpct = 8500,
    .float_soc_cpct = 9500,
    .float_exit_cpct = 9200,
    .float_approach_offset_mv = 50,
    .float_offset_mv = 100,
    .imbalance_hold_mv = 50,
    .imbalance_release_mv = 20,
    .imbalance_drop_uv_per_mv = 500,
    .imbalance_drop_max_mv = 2000,
    .float_ccl_ma = 5000,
    .sustain_entry_cpct = 500,
    .sustain_exit_cpct = 800,
    .sustain_ccl_ma = 5000,
    .sustain_dcl_ma = 5000,
};

static inline void limits_pack(struct battery *b, uint64_t now_ms) {
    sample_nominal(b, now_ms);
    b->charge_finished_ma = 1000;
    b->capacity_mah = 66000;
    b->allowed_disbalance_mv = 15;
    b->operation_mode = BATTERY_SINGLE_PORT;
    battery_set(b, BATTERY_CHARGE_FINISHED_CURRENT, now_ms);
    battery_set(b, BATTERY_CAPACITY, now_ms);
    battery_set(b, BATTERY_ALLOWED_DISBALANCE, now_ms);
    battery_set(b, BATTERY_OPERATION_MODE, now_ms);
}

static inline void limits_set_all(struct battery *b, uint16_t mv) {
    for (int i = 1; i <= b->cell_count; i++) {
        sample_set_cell(b, i, mv);
    }
}

#endif
