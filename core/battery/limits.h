/* SPDX-License-Identifier: MIT */
/* The three numbers a GX obeys, and for each the name of the rule that binds it. Decided by
 * core/policy, read by every output. */
#ifndef CORE_BATTERY_LIMITS_H
#define CORE_BATTERY_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

enum limit_reason {
    LIMIT_NO_SAMPLE = 0,      /* nothing may be sent */
    LIMIT_NOMINAL,            /* the BMS's own settings, nothing binds below them */
    LIMIT_CELL_OVER_VOLTAGE,  /* highest cell at or over register 315 */
    LIMIT_CELL_UNDER_VOLTAGE, /* lowest cell at or under register 316 */
    LIMIT_STATUS_FAULT,       /* register 50 says fault */
    LIMIT_TEMPERATURE_HIGH,   /* at or over register 319 */
    LIMIT_TEMPERATURE_LOW,    /* under register 320 */
    LIMIT_OPENING,            /* after boot or silence: ramping up to nominal */
    LIMIT_STALE_CLOSING,      /* the sample is old: the limit closes with its age */
    LIMIT_STALE_CLOSED,       /* the sample is too old */
    LIMIT_CEILING,            /* a setting of the user */
    LIMIT_REGENERATION,       /* charge comes in by the load port: register 317 counts */
    LIMIT_TEMPERATURE_CURVE,  /* warmer or colder than the full current is good for */
    LIMIT_CELL_HIGH,          /* the highest cell must stay under its target */
    LIMIT_CELL_LOW,           /* the lowest cell comes near register 301 */
    LIMIT_EMPTY,              /* the lowest cell is as good as at register 301 */
    LIMIT_SUSTAIN,            /* state SUSTAIN: nearly empty */
    LIMIT_FLOAT_APPROACH,     /* state FLOAT_APPROACH: nearly full */
    LIMIT_FLOAT,              /* state FLOAT: full */
    LIMIT_IMBALANCE,          /* state IMBALANCE_HOLD: cells are uneven near the top */
    LIMIT_END_OF_CHARGE,      /* the last cell arrives: less than register 304 may flow */
    LIMIT_FEED_IN,  /* chargers run over the charge voltage limit: it is lowered by that */
    LIMIT_STEPPING, /* on its way to its target in steps */
    LIMIT_REASON_COUNT
};

struct limits {
    bool valid; /* false: no complete sample yet, or silence: nothing goes out on CAN */
    uint32_t cvl_mv;
    uint32_t ccl_ma; /* never negative: the wire carries limits as positive numbers */
    uint32_t dcl_ma;
    uint32_t discharge_voltage_mv; /* cells x register 301 */
    enum limit_reason cvl_reason;
    enum limit_reason ccl_reason;
    enum limit_reason dcl_reason;
};

/* "nominal", "cell-over-voltage", ...: the words of limits.reason.*. Never NULL. */
const char *limit_reason_text(enum limit_reason r);

#endif
