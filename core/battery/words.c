/* SPDX-License-Identifier: MIT */
/* English words for the vocabulary of battery.h, limits.h and alarms.h. */
#include "battery/alarms.h"
#include "battery/battery.h"
#include "battery/limits.h"

const char *battery_status_text(uint16_t status) {
    switch (status) {
    case BATTERY_STATUS_CHARGING:
        return "charging";
    case BATTERY_STATUS_FULLY_CHARGED:
        return "fully-charged";
    case BATTERY_STATUS_DISCHARGING:
        return "discharging";
    case BATTERY_STATUS_REGENERATION:
        return "regeneration";
    case BATTERY_STATUS_IDLE:
        return "idle";
    case BATTERY_STATUS_FAULT:
        return "fault";
    default:
        return "unknown";
    }
}

const char *battery_validity_text(enum battery_validity v) {
    switch (v) {
    case BATTERY_NEVER_READ:
        return "never-read";
    case BATTERY_ABSENT:
        return "absent";
    case BATTERY_RESERVED:
        return "reserved";
    case BATTERY_STALE:
        return "stale";
    case BATTERY_VALID:
        return "valid";
    }
    return "unknown";
}

const char *limit_reason_text(enum limit_reason r) {
    static const char *const text[LIMIT_REASON_COUNT] = {
        [LIMIT_NO_SAMPLE] = "no-sample",
        [LIMIT_NOMINAL] = "nominal",
        [LIMIT_CELL_OVER_VOLTAGE] = "cell-over-voltage",
        [LIMIT_CELL_UNDER_VOLTAGE] = "cell-under-voltage",
        [LIMIT_STATUS_FAULT] = "status-fault",
        [LIMIT_TEMPERATURE_HIGH] = "temperature-high",
        [LIMIT_TEMPERATURE_LOW] = "temperature-low",
        [LIMIT_OPENING] = "opening",
        [LIMIT_STALE_CLOSING] = "stale-closing",
        [LIMIT_STALE_CLOSED] = "stale-closed",
        [LIMIT_CEILING] = "ceiling",
        [LIMIT_REGENERATION] = "regeneration",
        [LIMIT_TEMPERATURE_CURVE] = "temperature-curve",
        [LIMIT_CELL_HIGH] = "cell-high",
        [LIMIT_CELL_LOW] = "cell-low",
        [LIMIT_EMPTY] = "empty",
        [LIMIT_SUSTAIN] = "sustain",
        [LIMIT_FLOAT_APPROACH] = "float-approach",
        [LIMIT_FLOAT] = "float",
        [LIMIT_IMBALANCE] = "imbalance",
        [LIMIT_END_OF_CHARGE] = "end-of-charge",
        [LIMIT_FEED_IN] = "feed-in",
        [LIMIT_STEPPING] = "stepping",
    };
    return (unsigned)r < LIMIT_REASON_COUNT ? text[r] : "unknown";
}

const char *alarm_text(enum alarm_id id) {
    static const char *const text[ALARM_COUNT] = {
        [ALARM_GENERAL] = "general",
        [ALARM_HIGH_VOLTAGE] = "high-voltage",
        [ALARM_LOW_VOLTAGE] = "low-voltage",
        [ALARM_HIGH_TEMPERATURE] = "high-temperature",
        [ALARM_LOW_TEMPERATURE] = "low-temperature",
        [ALARM_HIGH_TEMPERATURE_CHARGE] = "high-temperature-charge",
        [ALARM_LOW_TEMPERATURE_CHARGE] = "low-temperature-charge",
        [ALARM_HIGH_CURRENT] = "high-current",
        [ALARM_HIGH_CHARGE_CURRENT] = "high-charge-current",
        [ALARM_CONTACTOR] = "contactor",
        [ALARM_SHORT_CIRCUIT] = "short-circuit",
        [ALARM_BMS_INTERNAL] = "bms-internal",
        [ALARM_CELL_IMBALANCE] = "cell-imbalance",
    };
    return (unsigned)id < ALARM_COUNT ? text[id] : "unknown";
}
