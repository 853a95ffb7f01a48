/* SPDX-License-Identifier: MIT */
#include "policy/stage.h"

#include <string.h>

void stage_init(struct stage_machine *m) {
    memset(m, 0, sizeof *m);
    m->stage = STAGE_BOOT;
    m->reason = STAGE_REASON_START;
}

static bool change_stage(struct stage_machine *m, enum stage to, enum stage_reason why) {
    if (m->stage == to) {
        return false;
    }
    m->stage = to;
    m->reason = why;
    m->good_in_row = 0;
    return true;
}

static bool open_up(struct stage_machine *m, bool discharge_ramps, uint64_t now_ms) {
    m->opened_ms = now_ms;
    m->discharge_ramps = discharge_ramps;
    return change_stage(m, STAGE_FRESH, STAGE_REASON_GOOD_SAMPLES);
}

bool stage_handle_good(struct stage_machine *m, const struct stage_config *c, uint64_t age_ms,
                       uint64_t now_ms) {
    if (age_ms >= c->close_ms) {
        m->good_in_row = 0;
        return false;
    }
    if (m->stage == STAGE_CLOSING) { /* to what it was: a ramp goes on from where it had come */
        m->opened_ms += now_ms - m->ramped_to_ms;
    }
    if (now_ms - m->ramped_to_ms >= c->close_ms) {
        m->good_in_row = 0; /* a silence lies between: not in a row */
    }
    m->ramped_to_ms = now_ms;
    switch (m->stage) {
    case STAGE_FRESH:
    case STAGE_RESTING:
        return false;
    case STAGE_CLOSING:
        return change_stage(m, STAGE_FRESH, STAGE_REASON_GOOD_SAMPLES);
    case STAGE_BOOT:
    case STAGE_NO_CHARGE:
    case STAGE_NO_DISCHARGE:
    case STAGE_SILENT:
    case STAGE_COUNT:
        break;
    }
    m->good_in_row++;
    return m->good_in_row >= STAGE_GOOD_SAMPLES_TO_OPEN &&
           open_up(m, m->stage != STAGE_BOOT, now_ms);
}

void stage_handle_doubtful(struct stage_machine *m) {
    m->good_in_row = 0;
}

static enum stage stage_at_age(const struct stage_config *c, uint64_t age_ms) {
    if (age_ms >= c->silent_ms) {
        return STAGE_SILENT;
    }
    if (age_ms >= c->zero_discharge_ms) {
        return STAGE_NO_DISCHARGE;
    }
    if (age_ms >= c->zero_ms) {
        return STAGE_NO_CHARGE;
    }
    return age_ms >= c->close_ms ? STAGE_CLOSING : STAGE_FRESH;
}

bool stage_step(struct stage_machine *m, const struct stage_config *c, uint64_t age_ms,
                enum stage_reason why) {
    enum stage at_age = stage_at_age(c, age_ms);
    /* FRESH to SILENT are in the order of closing */
    return stage_speaks(m->stage) && at_age > m->stage && change_stage(m, at_age, why);
}

bool stage_rest(struct stage_machine *m) {
    return change_stage(m, STAGE_RESTING, STAGE_REASON_REST);
}

bool stage_wake(struct stage_machine *m) {
    return m->stage == STAGE_RESTING && change_stage(m, STAGE_BOOT, STAGE_REASON_WAKE);
}

static uint64_t until(uint64_t target_ms, uint64_t age_ms) {
    return target_ms > age_ms ? target_ms - age_ms : 0;
}

uint64_t stage_wait_ms(const struct stage_machine *m, const struct stage_config *c,
                       uint64_t age_ms) {
    switch (m->stage) {
    case STAGE_FRESH:
        return until(c->close_ms, age_ms);
    case STAGE_CLOSING: {
        uint64_t zero_ms = until(c->zero_ms, age_ms);
        return zero_ms < STAGE_CLOSING_STEP_MS ? zero_ms : STAGE_CLOSING_STEP_MS;
    }
    case STAGE_NO_CHARGE:
        return until(c->zero_discharge_ms, age_ms);
    case STAGE_NO_DISCHARGE:
        return until(c->silent_ms, age_ms);
    case STAGE_BOOT:
    case STAGE_SILENT:
    case STAGE_RESTING:
    case STAGE_COUNT:
        break;
    }
    return UINT64_MAX;
}

/* How far the ramps have come. */
static uint64_t ramp_permille(const struct stage_machine *m) {
    return STAGE_RAMP_START_PERMILLE +
           (m->ramped_to_ms - m->opened_ms) / STAGE_RAMP_MS_PER_PERMILLE;
}

/* A limit on its way up from a tenth. */
static uint32_t ramped(const struct stage_machine *m, uint32_t limit_ma) {
    uint64_t permille = ramp_permille(m);
    return permille >= 1000 ? limit_ma : (uint32_t)(limit_ma * permille / 1000);
}

bool stage_opening(const struct stage_machine *m) {
    return m->stage == STAGE_FRESH && ramp_permille(m) < 1000;
}

/* From `from` at close_ms down to `to` at zero_ms, rounded down. */
static uint32_t close_linearly(const struct stage_config *c, uint32_t from, uint32_t to,
                               uint64_t age_ms) {
    if (to >= from || age_ms <= c->close_ms) {
        return from;
    }
    if (age_ms >= c->zero_ms) {
        return to;
    }
    uint64_t left_ms = c->zero_ms - age_ms;
    return to + (uint32_t)((from - to) * left_ms / (c->zero_ms - c->close_ms));
}

uint32_t stage_charge_limit(const struct stage_machine *m, const struct stage_config *c,
                            uint32_t limit_ma, uint64_t age_ms) {
    switch (m->stage) {
    case STAGE_FRESH:
        return ramped(m, limit_ma);
    case STAGE_CLOSING:
        return close_linearly(c, ramped(m, limit_ma), 0, age_ms);
    case STAGE_BOOT:
    case STAGE_NO_CHARGE:
    case STAGE_NO_DISCHARGE:
    case STAGE_SILENT:
    case STAGE_RESTING:
    case STAGE_COUNT:
        break;
    }
    return 0;
}

uint32_t stage_discharge_limit(const struct stage_machine *m, const struct stage_config *c,
                               uint32_t limit_ma, uint32_t tenth_ma, bool low_or_fault,
                               uint64_t age_ms) {
    uint32_t open_ma = m->discharge_ramps ? ramped(m, limit_ma) : limit_ma;
    uint32_t least_ma = tenth_ma < open_ma ? tenth_ma : open_ma; /* age opens nothing */
    switch (m->stage) {
    case STAGE_FRESH:
        return open_ma;
    case STAGE_CLOSING:
        return close_linearly(c, open_ma, least_ma, age_ms);
    case STAGE_NO_CHARGE:
        return low_or_fault ? 0 : least_ma;
    case STAGE_BOOT:
    case STAGE_NO_DISCHARGE:
    case STAGE_SILENT:
    case STAGE_RESTING:
    case STAGE_COUNT:
        break;
    }
    return 0;
}

const char *stage_text(enum stage s) {
    static const char *const text[STAGE_COUNT] = {
        [STAGE_BOOT] = "boot",
        [STAGE_FRESH] = "fresh",
        [STAGE_CLOSING] = "closing",
        [STAGE_NO_CHARGE] = "no-charge",
        [STAGE_NO_DISCHARGE] = "no-discharge",
        [STAGE_SILENT] = "silent",
        [STAGE_RESTING] = "resting",
    };
    return (unsigned)s < STAGE_COUNT ? text[s] : "unknown";
}

const char *stage_reason_text(enum stage_reason r) {
    static const char *const text[STAGE_REASON_COUNT] = {
        [STAGE_REASON_START] = "start",
        [STAGE_REASON_GOOD_SAMPLES] = "good-samples",
        [STAGE_REASON_NO_GOOD_SAMPLE] = "no-good-sample",
        [STAGE_REASON_NOTHING_CHANGES] = "nothing-changes",
        [STAGE_REASON_FROZEN] = "frozen",
        [STAGE_REASON_REST] = "rest",
        [STAGE_REASON_WAKE] = "wake",
    };
    return (unsigned)r < STAGE_REASON_COUNT ? text[r] : "unknown";
}
