/* SPDX-License-Identifier: MIT */
/* The alarms and warnings a GX knows, in the order of the pairs of frame 0x35A
 * (victron-can-bms, "0x35A bit pairs"). Decided by core/policy, read by every output. */
#ifndef CORE_BATTERY_ALARMS_H
#define CORE_BATTERY_ALARMS_H

#include <stdbool.h>
#include <stdint.h>

enum alarm_id {
    ALARM_GENERAL = 0,
    ALARM_HIGH_VOLTAGE,
    ALARM_LOW_VOLTAGE,
    ALARM_HIGH_TEMPERATURE,
    ALARM_LOW_TEMPERATURE,
    ALARM_HIGH_TEMPERATURE_CHARGE,
    ALARM_LOW_TEMPERATURE_CHARGE,
    ALARM_HIGH_CURRENT,
    ALARM_HIGH_CHARGE_CURRENT,
    ALARM_CONTACTOR,
    ALARM_SHORT_CIRCUIT,
    ALARM_BMS_INTERNAL,
    ALARM_CELL_IMBALANCE,
    ALARM_COUNT
};

enum alarm_state { ALARM_NOT_SUPPORTED = 0, ALARM_QUIET, ALARM_ACTIVE };

struct alarms {
    uint8_t alarm[ALARM_COUNT];   /* enum alarm_state */
    uint8_t warning[ALARM_COUNT]; /* enum alarm_state */
    bool online;                  /* the main switch lets current flow, and data is fresh */
};

/* "high-voltage", "bms-internal", ... Never NULL. */
const char *alarm_text(enum alarm_id id);

#endif
