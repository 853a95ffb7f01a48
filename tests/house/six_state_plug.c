/* SPDX-License-Identifier: MIT */
/* The six states of the founding documents, as they were written, without any protection: what the
 * product must be better than. Numbers: their column "document", or the only one seen.
 *
 * Kept on purpose: the bulk voltage is the over-voltage cut-off and register 300 counts for
 * nothing; float follows the counted charge; its offsets are a tenth of a volt of the pack; a very
 * low count lowers CVL. */
#include "controller.h"

#include <string.h>

enum {
    TRANSITION_PERCENT = 85, /* bulk_soc_threshold (80) changes no output */
    FLOAT_PERCENT = 95,
    FLOAT_EXIT_PERCENT = 92,
    APPROACH_OFFSET_MV = 50,
    FLOAT_OFFSET_MV = 100,
    HOLD_MV = 50,
    RELEASE_MV = 20,
    DROP_MOST_MV = 2000,
    FLOAT_CCL_MA = 5000,
    SUSTAIN_ENTRY_PERCENT = 5,
    SUSTAIN_EXIT_PERCENT = 8,
    SUSTAIN_CELL_MV = 3125,
    SUSTAIN_MA = 5000,
};

static const double drop_v_per_mv = 0.0005;

static void init(void *context, const struct house_world *world) {
    (void)world;
    memset(context, 0, sizeof(struct house_six_state));
}

static bool between(bool was, int32_t value, int32_t enter, int32_t leave) {
    return enter > leave ? value >= enter || (was && value > leave)
                         : value <= enter || (was && value < leave);
}

static enum house_state state_of(struct house_six_state *s, const struct battery *b) {
    int32_t percent = b->soc_cpct / 100;
    s->sustaining = between(s->sustaining, percent, SUSTAIN_ENTRY_PERCENT, SUSTAIN_EXIT_PERCENT);
    s->holding = between(s->holding, b->imbalance_mv, HOLD_MV, RELEASE_MV);
    s->floating = between(s->floating, percent, FLOAT_PERCENT, FLOAT_EXIT_PERCENT);
    if (s->sustaining)
        return HOUSE_SUSTAIN;
    if (s->holding)
        return HOUSE_IMBALANCE_HOLD;
    if (s->floating)
        return HOUSE_FLOAT;
    if (percent >= (FLOAT_PERCENT + TRANSITION_PERCENT) / 2)
        return HOUSE_FLOAT_APPROACH;
    return percent >= TRANSITION_PERCENT ? HOUSE_TRANSITION : HOUSE_BULK;
}

static uint32_t drop_mv(const struct battery *b) {
    double mv = drop_v_per_mv * (b->imbalance_mv - HOLD_MV) * 1000.0;
    return mv <= 0.0 ? 0 : mv < DROP_MOST_MV ? (uint32_t)mv : DROP_MOST_MV;
}

static void limit(struct house_six_state *s, const struct battery *b) {
    uint32_t bulk_mv = (uint32_t)b->cell_count * b->over_voltage_cutoff_mv;
    struct limits *l = &s->limits;
    *l = (struct limits){
        .valid = true,
        .cvl_mv = bulk_mv,
        .ccl_ma = b->charge_over_current_ma / 10 * 9,
        .dcl_ma = b->discharge_over_current_ma / 10 * 9,
        .cvl_reason = LIMIT_NOMINAL,
        .ccl_reason = LIMIT_NOMINAL,
        .dcl_reason = LIMIT_NOMINAL,
    };
    switch (s->state) {
    case HOUSE_BULK:
    case HOUSE_TRANSITION:
        break;
    case HOUSE_FLOAT_APPROACH:
        l->cvl_mv = bulk_mv - APPROACH_OFFSET_MV;
        break;
    case HOUSE_FLOAT:
        l->cvl_mv = bulk_mv - FLOAT_OFFSET_MV;
        l->ccl_ma = l->ccl_ma < FLOAT_CCL_MA ? l->ccl_ma : FLOAT_CCL_MA;
        break;
    case HOUSE_IMBALANCE_HOLD:
        l->cvl_mv = bulk_mv - drop_mv(b);
        break;
    case HOUSE_SUSTAIN:
        l->cvl_mv = (uint32_t)b->cell_count * SUSTAIN_CELL_MV;
        l->ccl_ma = l->dcl_ma = SUSTAIN_MA;
        break;
    }
}

static void decide(void *context, const struct battery *b, uint64_t now_ms, struct limits *out) {
    struct house_six_state *s = context;
    (void)now_ms;
    if (b != NULL && battery_complete(b)) {
        s->state = state_of(s, b);
        limit(s, b);
    }
    *out = s->limits;
}

static bool full(const void *context) {
    const struct house_six_state *s = context;
    return s->state == HOUSE_FLOAT;
}

static const char *state(const void *context) {
    static const char *const text[] = {[HOUSE_BULK] = "bulk",
                                       [HOUSE_TRANSITION] = "transition",
                                       [HOUSE_FLOAT_APPROACH] = "float-approach",
                                       [HOUSE_FLOAT] = "float",
                                       [HOUSE_IMBALANCE_HOLD] = "imbalance-hold",
                                       [HOUSE_SUSTAIN] = "sustain"};
    const struct house_six_state *s = context;
    return text[s->state];
}

const struct house_controller house_six_state_plug = {"six-state", NULL,  init, decide,
                                                      full,        state, false};
