/* SPDX-License-Identifier: MIT */
#include "policy/charge_state.h"

#include <string.h>

void charge_init(struct charge_machine *m, uint64_t now_ms) {
    memset(m, 0, sizeof *m);
    m->state = CHARGE_BULK;
    m->reason = CHARGE_REASON_START;
    m->since_ms = now_ms;
    m->at_target_ms = m->away_ms = m->far_ms = m->tail_ms = UINT64_MAX;
    m->uneven_ms = m->empty_ms = UINT64_MAX;
}

static bool change_state(struct charge_machine *m, enum charge_state to, enum charge_reason why,
                         const struct charge_input *in, uint64_t now_ms) {
    if (m->state == to) {
        return false;
    }
    m->state = to;
    m->reason = why;
    m->since_ms = now_ms;
    m->entry_soc_cpct = in->soc_cpct;
    m->at_target_ms = m->away_ms = m->far_ms = m->tail_ms = UINT64_MAX;
    return true;
}

static void hold(uint64_t *since_ms, bool holds, uint64_t now_ms) {
    if (!holds) {
        *since_ms = UINT64_MAX;
    } else if (*since_ms == UINT64_MAX) {
        *since_ms = now_ms;
    }
}

static bool held(uint64_t since_ms, uint64_t for_ms, uint64_t now_ms) {
    return since_ms != UINT64_MAX && now_ms - since_ms >= for_ms;
}

static void time_conditions(struct charge_machine *m, const struct limit_config *c,
                            const struct charge_input *in, uint64_t now_ms) {
    bool at_target = in->highest_mv >= in->target_mv - CHARGE_AT_TARGET_MV;
    hold(&m->at_target_ms, at_target, now_ms);
    hold(&m->away_ms, in->highest_mv < in->target_mv - CHARGE_AWAY_MV, now_ms);
    hold(&m->far_ms, in->highest_mv < in->target_mv - CHARGE_FAR_MV, now_ms);
    hold(&m->tail_ms, at_target && in->current_ma >= 0 && in->current_ma < in->tail_ma, now_ms);
    m->bms_full_heard = m->bms_full_heard && in->bms_full;
    hold(&m->uneven_ms,
         in->imbalance_mv > (int32_t)c->imbalance_hold_mv &&
             in->highest_mv > in->early_balancing_mv &&
             in->highest_mv >= in->target_mv - CHARGE_UNEVEN_WINDOW_MV,
         now_ms);
    hold(&m->empty_ms,
         in->soc_cpct <= c->sustain_entry_cpct &&
             in->lowest_mv < in->fully_discharged_mv + CHARGE_SUSTAIN_ENTRY_MV,
         now_ms);
}

/* Full by the BMS's word, or by our own judgement. */
static bool full(struct charge_machine *m, const struct charge_input *in, enum charge_reason *why,
                 uint64_t now_ms) {
    if (in->bms_full && !m->bms_full_heard) {
        m->bms_full_heard = true;
        *why = CHARGE_REASON_BMS_FULL;
        return true;
    }
    *why = CHARGE_REASON_TAIL_CURRENT;
    return held(m->tail_ms, CHARGE_TAIL_MS, now_ms);
}

/* From BULK and TRANSITION upwards. */
static bool climb(struct charge_machine *m, const struct limit_config *c,
                  const struct charge_input *in, uint64_t now_ms) {
    enum charge_reason why;
    if (full(m, in, &why, now_ms)) {
        return change_state(m, CHARGE_FLOAT, why, in, now_ms);
    }
    if (held(m->at_target_ms, CHARGE_AT_TARGET_MS, now_ms)) {
        return change_state(m, CHARGE_FLOAT_APPROACH, CHARGE_REASON_CELL_AT_TARGET, in, now_ms);
    }
    if (in->soc_cpct >= c->float_soc_cpct) {
        return change_state(m, CHARGE_FLOAT_APPROACH, CHARGE_REASON_SOC, in, now_ms);
    }
    if (m->state == CHARGE_BULK && in->soc_cpct >= c->transition_soc_cpct) {
        return change_state(m, CHARGE_TRANSITION, CHARGE_REASON_SOC, in, now_ms);
    }
    if (m->state == CHARGE_TRANSITION && in->soc_cpct < c->bulk_soc_cpct) {
        return change_state(m, CHARGE_BULK, CHARGE_REASON_SOC, in, now_ms);
    }
    return false;
}

static bool leave_approach(struct charge_machine *m, const struct limit_config *c,
                           const struct charge_input *in, uint64_t now_ms) {
    enum charge_reason why;
    if (full(m, in, &why, now_ms)) {
        return change_state(m, CHARGE_FLOAT, why, in, now_ms);
    }
    if (in->soc_cpct < c->float_exit_cpct && held(m->away_ms, CHARGE_AWAY_MS, now_ms)) {
        return change_state(m, CHARGE_TRANSITION, CHARGE_REASON_CELL_AWAY, in, now_ms);
    }
    return false;
}

static bool leave_float(struct charge_machine *m, const struct limit_config *c,
                        const struct charge_input *in, uint64_t now_ms) {
    if (held(m->far_ms, CHARGE_PATIENCE_MS, now_ms)) {
        return change_state(m, CHARGE_BULK, CHARGE_REASON_CELL_AWAY, in, now_ms);
    }
    if (now_ms - m->since_ms < CHARGE_FLOAT_LEAST_MS) {
        return false;
    }
    bool fell = in->soc_cpct + CHARGE_FLOAT_FALL_CPCT <= m->entry_soc_cpct;
    if (in->soc_cpct < c->float_exit_cpct && fell) {
        return change_state(m, CHARGE_BULK, CHARGE_REASON_SOC, in, now_ms);
    }
    if (held(m->away_ms, CHARGE_AWAY_MS, now_ms)) {
        return change_state(m, CHARGE_BULK, CHARGE_REASON_CELL_AWAY, in, now_ms);
    }
    return false;
}

static bool leave_imbalance(struct charge_machine *m, const struct limit_config *c,
                            const struct charge_input *in, uint64_t now_ms) {
    if (in->imbalance_mv < (int32_t)c->imbalance_release_mv) {
        return change_state(m, CHARGE_BULK, CHARGE_REASON_CELLS_EVEN, in, now_ms);
    }
    if (held(m->away_ms, CHARGE_AWAY_MS, now_ms)) {
        return change_state(m, CHARGE_BULK, CHARGE_REASON_CELL_AWAY, in, now_ms);
    }
    return false;
}

static bool leave_sustain(struct charge_machine *m, const struct limit_config *c,
                          const struct charge_input *in, uint64_t now_ms) {
    int32_t over_mv = in->lowest_mv - in->fully_discharged_mv;
    if (over_mv >= CHARGE_SUSTAIN_EXIT_MV ||
        (over_mv >= CHARGE_SUSTAIN_ENTRY_MV && in->soc_cpct >= c->sustain_exit_cpct)) {
        return change_state(m, CHARGE_BULK, CHARGE_REASON_REFILLED, in, now_ms);
    }
    return false;
}

bool charge_handle_sample(struct charge_machine *m, const struct limit_config *c,
                          const struct charge_input *in, uint64_t now_ms) {
    if (!c->states) {
        return change_state(m, CHARGE_BULK, CHARGE_REASON_SWITCHED_OFF, in, now_ms);
    }
    time_conditions(m, c, in, now_ms);
    if (m->state != CHARGE_SUSTAIN && held(m->empty_ms, CHARGE_PATIENCE_MS, now_ms)) {
        return change_state(m, CHARGE_SUSTAIN, CHARGE_REASON_EMPTY, in, now_ms);
    }
    if (m->state != CHARGE_SUSTAIN && held(m->uneven_ms, CHARGE_PATIENCE_MS, now_ms) &&
        m->state != CHARGE_IMBALANCE_HOLD) {
        return change_state(m, CHARGE_IMBALANCE_HOLD, CHARGE_REASON_CELLS_UNEVEN, in, now_ms);
    }
    switch (m->state) {
    case CHARGE_BULK:
    case CHARGE_TRANSITION:
        return climb(m, c, in, now_ms);
    case CHARGE_FLOAT_APPROACH:
        return leave_approach(m, c, in, now_ms);
    case CHARGE_FLOAT:
        return leave_float(m, c, in, now_ms);
    case CHARGE_IMBALANCE_HOLD:
        return leave_imbalance(m, c, in, now_ms);
    case CHARGE_SUSTAIN:
        return leave_sustain(m, c, in, now_ms);
    case CHARGE_STATE_COUNT:
        break;
    }
    return false;
}

const char *charge_state_text(enum charge_state s) {
    static const char *const text[CHARGE_STATE_COUNT] = {
        [CHARGE_BULK] = "bulk",
        [CHARGE_TRANSITION] = "transition",
        [CHARGE_FLOAT_APPROACH] = "float-approach",
        [CHARGE_FLOAT] = "float",
        [CHARGE_IMBALANCE_HOLD] = "imbalance-hold",
        [CHARGE_SUSTAIN] = "sustain",
    };
    return (unsigned)s < CHARGE_STATE_COUNT ? text[s] : "unknown";
}

const char *charge_reason_text(enum charge_reason r) {
    static const char *const text[CHARGE_REASON_COUNT] = {
        [CHARGE_REASON_START] = "start",
        [CHARGE_REASON_SOC] = "soc",
        [CHARGE_REASON_CELL_AT_TARGET] = "cell-at-target",
        [CHARGE_REASON_CELL_AWAY] = "cell-away",
        [CHARGE_REASON_BMS_FULL] = "bms-full",
        [CHARGE_REASON_TAIL_CURRENT] = "tail-current",
        [CHARGE_REASON_CELLS_UNEVEN] = "cells-uneven",
        [CHARGE_REASON_CELLS_EVEN] = "cells-even",
        [CHARGE_REASON_EMPTY] = "empty",
        [CHARGE_REASON_REFILLED] = "refilled",
        [CHARGE_REASON_SWITCHED_OFF] = "switched-off",
    };
    return (unsigned)r < CHARGE_REASON_COUNT ? text[r] : "unknown";
}
