/* SPDX-License-Identifier: MIT */
/* The charge voltage limit, CVL: what all chargers of the house hold the pack at. The lowest of
 *
 *   bulk    register 300 x cells (or a setting), less a margin
 *   state   what FLOAT_APPROACH, FLOAT or IMBALANCE_HOLD (charge_state.h) take off
 *   cell    near the top, protective: the pack voltage at which the highest cell is at its target.
 *           The target is under register 300 by a guard, or by what a load switched off makes the
 *           cell jump, whichever is more, until the end of charge (charge_end.h) is wanted. Off it
 *           come the 0.4 V that chargers run higher while they feed in, what the other cells lack
 *           to the highest (the spread), and what proved to be needed beyond (the trim)
 *
 * It moves in steps of the wire's 0.1 V: down at once where the cells ask for it, else by at most
 * step_mv each update interval; up by as much, when there has been room for a minute, and what the
 * cells asked for only after an hour or where there is much room, or it would go up and down with
 * every kettle. It is not lowered under a pack that nothing flows into: that would empty it. Over
 * register 300 x cells it is not for a moment, whatever changed. */
#ifndef CORE_POLICY_CHARGE_VOLTAGE_H
#define CORE_POLICY_CHARGE_VOLTAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "battery/battery.h"
#include "battery/limits.h"
#include "policy/charge_end.h"
#include "policy/charge_state.h"
#include "policy/limit_config.h"
#include "policy/pack_watch.h"

enum {
    CHARGE_VOLTAGE_COUNT_MV = 100,     /* of the wire */
    CHARGE_VOLTAGE_FEED_IN_MV = 400,   /* chargers over the limit while they feed in */
    CHARGE_VOLTAGE_WINDOW_MV = 100,    /* under its target the highest cell begins to matter */
    CHARGE_VOLTAGE_DEEPEST_MV = 300,   /* of each cell, what the cell rule takes off at most */
    CHARGE_VOLTAGE_TRIM_MAX_MV = 1000, /* of the pack */
    CHARGE_VOLTAGE_UP_AFTER_MS = 60000,
    CHARGE_VOLTAGE_MUCH_MV = 1000, /* of the pack: worth following the cells upwards soon */
    CHARGE_VOLTAGE_PATIENCE_MS = 3900000,
};

struct charge_voltage {
    bool any;
    uint32_t cvl_mv; /* as decided last; a multiple of 0.1 V */
    enum limit_reason reason;
    uint64_t lowered_ms, stepped_ms;
    uint64_t room_ms; /* since when it could be higher; UINT64_MAX: it could not */
    int64_t trim_uv;
    uint64_t trimmed_ms;
};

void charge_voltage_init(struct charge_voltage *v);

/* Register 300 x cells, or the setting where that is lower, less the margin; of the pack, may be
 * negative. */
int64_t charge_voltage_bulk_mv(const struct limit_config *c, const struct battery *b);

/* True where the BMS is to reach "fully charged" by itself: it ends no charge that comes in by the
 * load port. */
bool charge_voltage_reaches(const struct limit_config *c, const struct battery *b,
                            const struct pack_watch *w);
/* The cell voltage that the highest cell may come to now. */
int32_t charge_voltage_cell_target_mv(const struct limit_config *c, const struct battery *b,
                                      const struct pack_watch *w, const struct charge_end *end,
                                      uint64_t now_ms);
/* Room left for chargers that feed in, of the pack: 0 or 400 mV. */
uint32_t charge_voltage_feed_in_mv(const struct limit_config *c, const struct battery *b,
                                   const struct pack_watch *w);

/* A good sample, after watch, state and end have seen it. */
void charge_voltage_handle_sample(struct charge_voltage *v, const struct limit_config *c,
                                  const struct battery *b, const struct pack_watch *w,
                                  enum charge_state state, const struct charge_end *end,
                                  uint64_t now_ms);

#endif
