/* SPDX-License-Identifier: MIT */
/* Silence is a fault with a deadline. The stage follows from the age of the last good sample:
 *
 *   stage          from age                what it does
 *   BOOT           start                   nothing goes out before the third good sample
 *   FRESH          0                       nothing is closed
 *   CLOSING        close_ms (5 s)          CCL closes linearly to 0, DCL to a tenth
 *   NO_CHARGE      zero_ms (15 s)          CCL 0; DCL a tenth, or 0 if the last lowest cell was
 * under register 301 + 150 mV or the status was fault; CVL at most cells x (register 300 - 100 mV);
 * alarm, offline NO_DISCHARGE   zero_discharge_ms (30 s) DCL 0 as well SILENT         silent_ms (60
 * s)        nothing goes out; three good samples open again */
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
    STAGE_COUNT
};

enum stage_reason {
    STAGE_REASON_START,
    STAGE_REASON_GOOD_SAMPLES,
    STAGE_REASON_NO_GOOD_SAMPLE,
    STAGE_REASON_COUNT
};

struct stage_config {
    uint32_t close_ms, zero_ms, zero_discharge_ms, silent_ms; /* ascending */
};

enum { STAGE_GOOD_SAMPLES_TO_OPEN = 3, STAGE_CLOSING_STEP_MS = 100 };

struct stage_machine {
    enum stage stage;
    enum stage_reason reason;
    uint8_t good_in_row;   /* counted in BOOT and SILENT only */
    uint64_t last_good_ms; /* meaningful from FRESH on */
};

void stage_init(struct stage_machine *m);
/* A good sample arrived. True when the stage changed. */
bool stage_handle_good(struct stage_machine *m, uint64_t now_ms);
/* A sample arrived that is not good: the count of good ones starts again. */
void stage_handle_doubtful(struct stage_machine *m);
/* Lets the age act. True when the stage changed. */
bool stage_step(struct stage_machine *m, const struct stage_config *c, uint64_t now_ms);
/* When stage_step() has something to do next; UINT64_MAX when only a sample can change it. */
uint64_t stage_deadline(const struct stage_machine *m, const struct stage_config *c,
                        uint64_t now_ms);
/* What is left of a charge (discharge) limit at this age, in mA; limit_ma is what the other rules
 * allow. Never more than limit_ma, falls monotonically with age. */
uint32_t stage_charge_limit(const struct stage_machine *m, const struct stage_config *c,
                            uint32_t limit_ma, uint64_t now_ms);
uint32_t stage_discharge_limit(const struct stage_machine *m, const struct stage_config *c,
                               uint32_t limit_ma, bool low_or_fault, uint64_t now_ms);
/* Frames may go out in this stage. */
static inline bool stage_speaks(enum stage s) {
    return s != STAGE_BOOT && s != STAGE_SILENT;
}

const char *stage_text(enum stage s);               /* "boot", "fresh", "closing", ... */
const char *stage_reason_text(enum stage_reason r); /* "start", "good-samples", ... */

#endif
