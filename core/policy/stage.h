/* SPDX-License-Identifier: MIT */
/* Silence is a fault with a deadline. The stage follows from the age of the data (freshness.h):
 *
 * BOOT           start, end of RESTING: nothing goes out before the third good sample
 * FRESH          from age 0: nothing is closed; opening limits ramp up
 * CLOSING        from close_ms (5 s): CCL closes linearly to 0, DCL to a tenth
 * NO_CHARGE      from zero_ms (15 s): CCL 0; DCL a tenth, or 0 if the last lowest cell was under
 *                register 301 + 150 mV or the status was fault; CVL at most
 *                cells x (register 300 - 100 mV); alarm, offline
 * NO_DISCHARGE   from zero_discharge_ms (30 s): DCL 0 as well
 * SILENT         from silent_ms (60 s): nothing goes out
 * RESTING        on purpose: the BMS may sleep; nothing goes out, no alarm
 *
 * docs/protocol/stages.md has the same, measured.
 *
 * Age only ever closes further. What opens again: CLOSING, the next good sample, to what it was;
 * everything later, and BOOT, the third good sample in a row, then limits ramp up: CCL from a tenth
 * of nominal by a tenth a second; DCL the same, but at once to its full value after BOOT, because a
 * restart of the gateway must not darken the house. */
#ifndef CORE_POLICY_STAGE_H
#define CORE_POLICY_STAGE_H

#include <stdbool.h>
#include <stdint.h>

enum stage {
    STAGE_BOOT,
    STAGE_FRESH,
    STAGE_CLOSING,
    STAGE_NO_CHARGE,
    STAGE_NO_DISCHARGE,
    STAGE_SILENT,
    STAGE_RESTING,
    STAGE_COUNT
};

enum stage_reason {
    STAGE_REASON_START,
    STAGE_REASON_GOOD_SAMPLES,    /* enough of them in a row */
    STAGE_REASON_NO_GOOD_SAMPLE,  /* none came, or only implausible ones */
    STAGE_REASON_NOTHING_CHANGES, /* samples came, all alike */
    STAGE_REASON_FROZEN,          /* the clock ticks, cells and current stand still under load */
    STAGE_REASON_REST,            /* low-power mode */
    STAGE_REASON_WAKE,            /* a GX, a command, or current ended the rest */
    STAGE_REASON_COUNT
};

struct stage_config {
    uint32_t close_ms, zero_ms, zero_discharge_ms, silent_ms; /* ascending */
};

enum {
    STAGE_GOOD_SAMPLES_TO_OPEN = 3,
    STAGE_CLOSING_STEP_MS = 100, /* how often limits are computed anew while they close */
    STAGE_RAMP_START_PERMILLE = 100,
    STAGE_RAMP_MS_PER_PERMILLE = 10, /* a tenth of nominal a second */
};

struct stage_machine {
    enum stage stage;
    enum stage_reason reason;
    uint8_t good_in_row;   /* counted where opening needs several */
    uint64_t opened_ms;    /* where the ramps began */
    uint64_t ramped_to_ms; /* the last good sample: a ramp does not climb without data */
    bool discharge_ramps;
};

void stage_init(struct stage_machine *m);

/* A plausible sample; age_ms: the age of the data with it (not 0 when nothing changes). Data that
 * is itself too old (close_ms) opens nothing. True when the stage changed. */
bool stage_handle_good(struct stage_machine *m, const struct stage_config *c, uint64_t age_ms,
                       uint64_t now_ms);
/* A sample that is not plausible: the count of good ones starts again. */
void stage_handle_doubtful(struct stage_machine *m);
/* Lets the age act; why: the reason to note if it closes. True when the stage changed. */
bool stage_step(struct stage_machine *m, const struct stage_config *c, uint64_t age_ms,
                enum stage_reason why);
/* To RESTING, and from it to BOOT. True when the stage changed. */
bool stage_rest(struct stage_machine *m);
bool stage_wake(struct stage_machine *m);

/* Limits are on their way up, by the time between two samples behind the ramp. */
bool stage_opening(const struct stage_machine *m);

/* Milliseconds until age alone has something to do; UINT64_MAX when it has not. */
uint64_t stage_wait_ms(const struct stage_machine *m, const struct stage_config *c,
                       uint64_t age_ms);

/* What is left of a charge (discharge) limit, in mA; limit_ma is what the other rules allow. Never
 * more than limit_ma; never rises with age. */
uint32_t stage_charge_limit(const struct stage_machine *m, const struct stage_config *c,
                            uint32_t limit_ma, uint64_t age_ms);
/* tenth_ma: a tenth of nominal, to which CLOSING closes. */
uint32_t stage_discharge_limit(const struct stage_machine *m, const struct stage_config *c,
                               uint32_t limit_ma, uint32_t tenth_ma, bool low_or_fault,
                               uint64_t age_ms);

/* Frames may go out in this stage. */
static inline bool stage_speaks(enum stage s) {
    return s != STAGE_BOOT && s != STAGE_SILENT && s != STAGE_RESTING;
}

const char *stage_text(enum stage s);               /* "boot", "fresh", "closing", ... */
const char *stage_reason_text(enum stage_reason r); /* "start", "good-samples", ... */

#endif
