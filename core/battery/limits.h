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
