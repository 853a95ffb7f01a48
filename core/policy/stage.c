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

bool stage_handle_good(struct stage_machine *m, uint64_t now_ms) {
    m->last_good_ms = now_ms;
    if (!stage_speaks(m->stage) && ++m->good_in_row < STAGE_GOOD_SAMPLES_TO_OPEN) {
        return false;
    }
    return change_stage(m, STAGE_FRESH, STAGE_REASON_GOOD_SAMPLES);
}

void stage_handle_doubtful(struct stage_machine *m) {
    m->good_in_row = 0;
}

static uint64_t age_of(const struct stage_machine *m, uint64_t now_ms) {
    return now_ms > m->last_good_ms ? now_ms - m->last_good_ms : 0;
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

bool stage_step(struct stage_machine *m, const struct stage_config *c, uint64_t now_ms) {
    if (!stage_speaks(m->stage)) {
        return false;
    }
    return change_stage(m, stage_at_age(c, age_of(m, now_ms)), STAGE_REASON_NO_GOOD_SAMPLE);
}

uint64_t stage_deadline(const struct stage_machine *m, const struct stage_config *c,
                        uint64_t now_ms) {
    switch (m->stage) {
    case STAGE_BOOT:
    case STAGE_SILENT:
        return UINT64_MAX;
    case STAGE_FRESH:
        return m->last_good_ms + c->close_ms;
    case STAGE_CLOSING: {
        uint64_t zero_ms = m->last_good_ms + c->zero_ms;
        return now_ms + STAGE_CLOSING_STEP_MS < zero_ms ? now_ms + STAGE_CLOSING_STEP_MS : zero_ms;
    }
    case STAGE_NO_CHARGE:
        return m->last_good_ms + c->zero_discharge_ms;
    case STAGE_NO_DISCHARGE:
        return m->last_good_ms + c->silent_ms;
    case STAGE_COUNT:
        break;
    }
    return UINT64_MAX;
}

/* From `from` at close_ms down to `to` at zero_ms, rounded down. */
static uint32_t close_linearly(const struct stage_machine *m, const struct stage_config *c,
                               uint32_t from, uint32_t to, uint64_t now_ms) {
    uint64_t age_ms = age_of(m, now_ms);
    if (age_ms <= c->close_ms) {
        return from;
    }
    if (age_ms >= c->zero_ms) {
        return to;
    }
    uint64_t left_ms = c->zero_ms - age_ms;
    return to + (uint32_t)((uint64_t)(from - to) * left_ms / (c->zero_ms - c->close_ms));
}

uint32_t stage_charge_limit(const struct stage_machine *m, const struct stage_config *c,
                            uint32_t limit_ma, uint64_t now_ms) {
    switch (m->stage) {
    case STAGE_FRESH:
        return limit_ma;
    case STAGE_CLOSING:
        return close_linearly(m, c, limit_ma, 0, now_ms);
    case STAGE_BOOT:
    case STAGE_NO_CHARGE:
    case STAGE_NO_DISCHARGE:
    case STAGE_SILENT:
    case STAGE_COUNT:
        break;
    }
    return 0;
}

uint32_t stage_discharge_limit(const struct stage_machine *m, const struct stage_config *c,
                               uint32_t limit_ma, bool low_or_fault, uint64_t now_ms) {
    switch (m->stage) {
    case STAGE_FRESH:
        return limit_ma;
    case STAGE_CLOSING:
        return close_linearly(m, c, limit_ma, limit_ma / 10, now_ms);
    case STAGE_NO_CHARGE:
        return low_or_fault ? 0 : limit_ma / 10;
    case STAGE_BOOT:
    case STAGE_NO_DISCHARGE:
    case STAGE_SILENT:
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
    };
    return (unsigned)s < STAGE_COUNT ? text[s] : "unknown";
}

const char *stage_reason_text(enum stage_reason r) {
    static const char *const text[STAGE_REASON_COUNT] = {
        [STAGE_REASON_START] = "start",
        [STAGE_REASON_GOOD_SAMPLES] = "good-samples",
        [STAGE_REASON_NO_GOOD_SAMPLE] = "no-good-sample",
    };
    return (unsigned)r < STAGE_REASON_COUNT ? text[r] : "unknown";
}
