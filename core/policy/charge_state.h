/* SPDX-License-Identifier: MIT */
/* The six states of a charge.
 *
 *   BULK            at the start, and when another ends downwards. Left: SOC at transition_soc
 *   TRANSITION      Left: SOC under bulk_soc (BULK)
 *   FLOAT_APPROACH  from both: SOC at float_soc, or the highest cell at its target for a minute.
 *                   Left: SOC under float_exit and the cell away for 10 min (TRANSITION)
 *   FLOAT           from these three: the BMS says fully charged (0x92), or less than register 304
 *                   flowed in for 10 min with the highest cell at its target. Left (BULK): SOC
 * under float_exit and 3 % lower than at the entry, or the cell away for 10 min, but not before
 * half an hour, or CVL would follow every kettle; the cell far away for 10 s IMBALANCE_HOLD  from
 * any but SUSTAIN: cells uneven near the top, over register 303. Left (BULK): they are even, or the
 * highest is away for 10 min SUSTAIN         from any: SOC at sustain_entry and the lowest cell
 * under register 301 + 100 mV. Left (BULK): that cell at + 200 mV, or at + 100 mV with SOC at
 * sustain_exit
 *
 * SOC is counted and may be wrong by tens of percent: it alone leads nowhere that a voltage cannot
 * lead out of. */
#ifndef CORE_POLICY_CHARGE_STATE_H
#define CORE_POLICY_CHARGE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/limit_config.h"

enum charge_state {
    CHARGE_BULK,
    CHARGE_TRANSITION,
    CHARGE_FLOAT_APPROACH,
    CHARGE_FLOAT,
    CHARGE_IMBALANCE_HOLD,
    CHARGE_SUSTAIN,
    CHARGE_STATE_COUNT
};

enum charge_reason {
    CHARGE_REASON_START,
    CHARGE_REASON_SOC,            /* it crossed a threshold */
    CHARGE_REASON_CELL_AT_TARGET, /* the highest one, for a minute */
    CHARGE_REASON_CELL_AWAY,      /* the highest one, for 10 min */
    CHARGE_REASON_BMS_FULL,       /* status 0x92 */
    CHARGE_REASON_TAIL_CURRENT,   /* under register 304 for 10 min */
    CHARGE_REASON_CELLS_UNEVEN,
    CHARGE_REASON_CELLS_EVEN,
    CHARGE_REASON_EMPTY,
    CHARGE_REASON_REFILLED,
    CHARGE_REASON_SWITCHED_OFF, /* cvl.enabled */
    CHARGE_REASON_COUNT
};

enum {
    CHARGE_AT_TARGET_MV = 20, /* of a cell under its target: at it */
    CHARGE_AWAY_MV = 60,      /* ... away from it */
    CHARGE_FAR_MV = 200,      /* ... so far that nothing of what was near the top holds any more */
    CHARGE_UNEVEN_WINDOW_MV = 100, /* imbalance means something within this */
    CHARGE_AT_TARGET_MS = 60000,
    CHARGE_AWAY_MS = 600000,
    CHARGE_TAIL_MS = 600000,
    CHARGE_FLOAT_LEAST_MS = 1800000,
    CHARGE_FLOAT_FALL_CPCT = 300,
    CHARGE_SUSTAIN_ENTRY_MV = 100, /* over register 301 */
    CHARGE_SUSTAIN_EXIT_MV = 200,
    CHARGE_PATIENCE_MS = 10000, /* of what may be a blink: unevenness, emptiness */
};

/* A good sample, as far as the states care. Voltages are of cells and filtered. */
struct charge_input {
    uint16_t soc_cpct;
    bool bms_full; /* status 0x92 */
    int32_t highest_mv, lowest_mv, imbalance_mv;
    int32_t target_mv;           /* where the chargers can bring the highest cell now */
    int32_t fully_discharged_mv; /* register 301 */
    int32_t early_balancing_mv;  /* register 303; 0: not known */
    int32_t current_ma;          /* + charging */
    int32_t tail_ma;             /* register 304 */
};

struct charge_machine {
    enum charge_state state;
    enum charge_reason reason;
    uint64_t since_ms; /* of the state */
    uint16_t entry_soc_cpct;
    /* since when something has held without a break; UINT64_MAX: it does not */
    uint64_t at_target_ms, away_ms, far_ms, tail_ms, uneven_ms, empty_ms;
    bool bms_full_heard; /* status 0x92 has led to FLOAT once: it must go before it counts again */
};

void charge_init(struct charge_machine *m, uint64_t now_ms);

/* True when the state changed. */
bool charge_handle_sample(struct charge_machine *m, const struct limit_config *c,
                          const struct charge_input *in, uint64_t now_ms);

const char *charge_state_text(enum charge_state s);   /* "bulk", "transition", ... */
const char *charge_reason_text(enum charge_reason r); /* "start", "soc", ... */

#endif
