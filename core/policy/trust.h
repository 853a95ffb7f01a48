/* SPDX-License-Identifier: MIT */
/* Is a sample plausible? A CRC lets one corrupted frame in some tens of thousands through, sensors
 * break, firmware has faults. A doubtful sample is not shown and not counted as fresh; what it says
 * that is dangerous still acts (protect.h).
 *
 * Rules: cells, pack voltage, current, SOC and status were all decoded from this one answer, so
 * that no older value stands in for a nonsense one; the settings that make limits are within the
 * catalogue's ranges and in the order that the BMS itself demands (316 < 301 < 300 < 315); every
 * cell is within 0.5-5.0 V; of the three witnesses of the pack's voltage (sum of the cells, the
 * BMS's extreme cells in registers 40 and 41, register 36) at least two agree; a step of more than
 * 10 K or 5 % of SOC since the last good sample, or a sensor that comes or goes, must be seen three
 * times in a row. A SOC that becomes 100 % as the BMS says "fully charged" has its reason. */
#ifndef CORE_POLICY_TRUST_H
#define CORE_POLICY_TRUST_H

#include <stdbool.h>
#include <stdint.h>

#include "battery/battery.h"

enum trust_doubt {
    TRUST_OK = 0,
    TRUST_INCOMPLETE = 1,       /* a field that every sample needs is missing or was nonsense */
    TRUST_CELL_RANGE = 2,       /* a cell outside 0.5-5.0 V */
    TRUST_VOLTAGES = 4,         /* no two of the three voltage witnesses agree */
    TRUST_TEMPERATURE_STEP = 8, /* waits for repeats */
    TRUST_SOC_STEP = 16,        /* waits for repeats */
    TRUST_SETTINGS = 32,        /* the BMS's settings are in no order it would accept itself */
};

enum {
    TRUST_CELL_MIN_MV = 500,
    TRUST_CELL_MAX_MV = 5000,
    TRUST_EXTREMES_TOLERANCE_MV = 5,
    TRUST_PACK_TOLERANCE_MV = 300, /* or 1 % of the pack, the larger */
    TRUST_TEMPERATURE_STEP_DC = 100,
    TRUST_SOC_STEP_CPCT = 500,
    TRUST_REPEATS = 3,
    TRUST_REPEAT_TEMPERATURE_DC =
        10, /* two readings of the same new value differ at most by this */
    TRUST_REPEAT_SOC_CPCT = 50,
    TRUST_FIELD_AGE_MS =
        1000, /* a live field older than this in a new sample was not read with it */
    TRUST_SENSORS = 3,
    TRUST_CELL_SETTING_MAX_MV = 4500, /* the catalogue's range of registers 300 and 315 */
    TRUST_CURRENT_SETTING_MAX_MA = 750000,
};

/* A value that jumped and is being watched. */
struct trust_step {
    uint8_t seen; /* times in a row */
    bool present;
    int32_t value;
};

struct trust {
    struct trust_step temperature[TRUST_SENSORS];
    struct trust_step soc;
    uint32_t doubted; /* samples refused so far */
};

void trust_init(struct trust *t);

/* The sum of the cells is the pack's voltage: nothing that another register says of the cells
 * outweighs them. */
bool trust_cells_make_pack(const struct battery *b);

/* Judges a sample against the last good one (NULL before the first: no step is possible then).
 * Returns TRUST_OK or the sum of its doubts. Remembers jumps, so call it once per sample. */
uint8_t trust_judge(struct trust *t, const struct battery *b, const struct battery *last_good,
                    uint64_t now_ms);

#endif
