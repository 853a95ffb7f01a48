/* SPDX-License-Identifier: MIT */
/* The register catalogue as a table: see registers.h.
 *
 * Ranges of the document, but for three of ours: 305 may not be written as 0 or 65535, which mean
 * "unknown"; 329 has three bits; 330 has a charger type and 0-30 s, one in each byte. */
#include "tinybms/registers.h"

#include <string.h>

#include "tinybms/frame.h"

static const struct tinybms_choice status[] = {
    {0x91, "charging"},
    {0x92, "fully charged"},
    {0x93, "discharging"},
    {0x96, "regeneration"},
    {0x97, "idle"},
    {0x9B, "fault"},
    {0, NULL},
};
static const struct tinybms_choice distance_units[] = {
    {1, "metre"}, {2, "kilometre"}, {3, "foot"}, {4, "mile"}, {5, "yard"}, {0, NULL},
};
static const struct tinybms_choice load_switches[] = {
    {0, "FET"},       {1, "AIDO1"},      {2, "AIDO2"},     {3, "DIDO1"},      {4, "DIDO2"},
    {5, "AIHO1 low"}, {6, "AIHO1 high"}, {7, "AIHO2 low"}, {8, "AIHO2 high"}, {0, NULL},
};
static const struct tinybms_choice charger_switches[] = {
    {1, "charge FET"}, {2, "AIDO1"},      {3, "AIDO2"},     {4, "DIDO1"},      {5, "DIDO2"},
    {6, "AIHO1 low"},  {7, "AIHO1 high"}, {8, "AIHO2 low"}, {9, "AIHO2 high"}, {0, NULL},
};
static const struct tinybms_choice ignition_inputs[] = {
    {0, "disabled"}, {1, "AIDO1"}, {2, "AIDO2"}, {3, "DIDO1"},
    {4, "DIDO2"},    {5, "AIHO1"}, {6, "AIHO2"}, {0, NULL},
};
static const struct tinybms_choice charger_detections[] = {
    {1, "internal"}, {2, "AIDO1"}, {3, "AIDO2"}, {4, "DIDO1"},
    {5, "DIDO2"},    {6, "AIHO1"}, {7, "AIHO2"}, {0, NULL},
};
static const struct tinybms_choice speed_inputs[] = {
    {0, "disabled"},
    {1, "DIDO1"},
    {2, "DIDO2"},
    {0, NULL},
};
static const struct tinybms_choice precharge_pins[] = {
    {0, "disabled"},  {2, "discharge FET"}, {3, "AIDO1"},     {4, "AIDO2"},
    {5, "DIDO1"},     {6, "DIDO2"},         {7, "AIHO1 low"}, {8, "AIHO1 high"},
    {9, "AIHO2 low"}, {0x10, "AIHO2 high"}, {0, NULL},
};
static const struct tinybms_choice precharge_durations[] = {
    {0, "0.1 s"}, {1, "0.2 s"}, {2, "0.5 s"}, {3, "1 s"}, {4, "2 s"},
    {5, "3 s"},   {6, "4 s"},   {7, "5 s"},   {0, NULL},
};
static const struct tinybms_choice sensor_types[] = {
    {0, "dual 10K NTC"},
    {1, "multipoint active"},
    {0, NULL},
};
static const struct tinybms_choice operation_modes[] = {
    {0, "dual port"},
    {1, "single port"},
    {0, NULL},
};
static const struct tinybms_choice broadcast_times[] = {
    {0, "disabled"}, {1, "0.1 s"}, {2, "0.2 s"}, {3, "0.5 s"}, {4, "1 s"},
    {5, "2 s"},      {6, "5 s"},   {7, "10 s"},  {0, NULL},
};
static const struct tinybms_choice protocols[] = {
    {0, "CA V3"},
    {1, "ASCII"},
    {2, "SOC bar"},
    {0, NULL},
};

#define LIMITS(low, high) true, low, high
#define NO_LIMITS         false, 0, 0

/* clang-format off */
const struct tinybms_register tinybms_registers[] = {
    {  0,  1, "cell_1_voltage",                     TINYBMS_U16,        1, 1, "mV",   false, NO_LIMITS,          0,                                    NULL},
    {  1,  1, "cell_2_voltage",                     TINYBMS_U16,        1, 1, "mV",   false, NO_LIMITS,          0,                                    NULL},
    {  2,  1, "cell_3_voltage",                     TINYBMS_U16,        1, 1, "mV",   false, NO_LIMITS,          0,                                    NULL},
    {  3,  1, "cell_4_voltage",                     TINYBMS_U16,        1, 1, "mV",   false, NO_LIMITS,          0,                                    NULL},
    {  4,  1, "cell_5_voltage",                     TINYBMS_U16,        1, 1, "mV",   false, NO_LIMITS,          0,                                    NULL},
    {  5,  1, "cell_6_voltage",                     TINYBMS_U16,        1, 1, "mV",   false, NO_LIMITS,          0,                                    NULL},
    {  6,  1, "cell_7_voltage",                     TINYBMS_U16,        1, 1, "mV",   false, NO_LIMITS,          0,                                    NULL},
    {  7,  1, "cell_8_voltage",                     TINYBMS_U16,        1, 1, "mV",   false, NO_LIMITS,          0,                                    NULL},
    {  8,  1, "cell_9_voltage",                     TINYBMS_U16,        1, 1, "mV",   false, NO_LIMITS,          0,                                    NULL},
    {  9,  1, "cell_10_voltage",                    TINYBMS_U16,        1, 1, "mV",   false, NO_LIMITS,          0,                                    NULL},
    { 10,  1, "cell_11_voltage",                    TINYBMS_U16,        1, 1, "mV",   false, NO_LIMITS,          0,                                    NULL},
    { 11,  1, "cell_12_voltage",                    TINYBMS_U16,        1, 1, "mV",   false, NO_LIMITS,          0,                                    NULL},
    { 12,  1, "cell_13_voltage",                    TINYBMS_U16,        1, 1, "mV",   false, NO_LIMITS,          0,                                    NULL},
    { 13,  1, "cell_14_voltage",                    TINYBMS_U16,        1, 1, "mV",   false, NO_LIMITS,          0,                                    NULL},
    { 14,  1, "cell_15_voltage",                    TINYBMS_U16,        1, 1, "mV",   false, NO_LIMITS,          0,                                    NULL},
    { 15,  1, "cell_16_voltage",                    TINYBMS_U16,        1, 1, "mV",   false, NO_LIMITS,          0,                                    NULL},
    { 32,  2, "lifetime_counter",                   TINYBMS_U32,        1, 0, "s",    false, NO_LIMITS,          0,                                    NULL},
    { 34,  2, "estimated_time_left",                TINYBMS_U32,        1, 0, "s",    false, NO_LIMITS,          0,                                    NULL},
    { 36,  2, "pack_voltage",                       TINYBMS_F32,        1, 3, "V",    false, NO_LIMITS,          0,                                    NULL},
    { 38,  2, "pack_current",                       TINYBMS_F32,        1, 3, "A",    false, NO_LIMITS,          0,                                    NULL},
    { 40,  1, "min_cell_voltage",                   TINYBMS_U16,        1, 0, "mV",   false, NO_LIMITS,          0,                                    NULL},
    { 41,  1, "max_cell_voltage",                   TINYBMS_U16,        1, 0, "mV",   false, NO_LIMITS,          0,                                    NULL},
    { 42,  1, "external_temperature_1",             TINYBMS_I16,        1, 1, "degC", false, NO_LIMITS,          TINYBMS_ABSENT_8000,                  NULL},
    { 43,  1, "external_temperature_2",             TINYBMS_I16,        1, 1, "degC", false, NO_LIMITS,          TINYBMS_ABSENT_8000,                  NULL},
    { 44,  1, "distance_left",                      TINYBMS_U16,        1, 0, "km",   false, NO_LIMITS,          0,                                    NULL},
    { 45,  1, "state_of_health",                    TINYBMS_U16,        2, 3, "%",    false, LIMITS(0, 50000),   TINYBMS_SINCE_D,                      NULL},
    { 46,  2, "state_of_charge",                    TINYBMS_U32,        1, 6, "%",    false, NO_LIMITS,          0,                                    NULL},
    { 48,  1, "internal_temperature",               TINYBMS_I16,        1, 1, "degC", false, NO_LIMITS,          0,                                    NULL},
    { 50,  1, "online_status",                      TINYBMS_U16,        1, 0, "",     false, NO_LIMITS,          0,                                    status},
    { 51,  1, "balancing_needed",                   TINYBMS_U16,        1, 0, "",     false, NO_LIMITS,          0,                                    NULL},
    { 52,  1, "balancing_active",                   TINYBMS_U16,        1, 0, "",     false, NO_LIMITS,          0,                                    NULL},
    { 53,  1, "detected_cells",                     TINYBMS_U16,        1, 0, "",     false, NO_LIMITS,          0,                                    NULL},
    { 54,  2, "speed",                              TINYBMS_F32,        1, 3, "km/h", false, NO_LIMITS,          0,                                    NULL},
    {100,  2, "total_distance",                     TINYBMS_U32,        1, 2, "km",   false, NO_LIMITS,          0,                                    NULL},
    {102,  1, "max_discharge_current",              TINYBMS_U16,        1, 1, "A",    false, NO_LIMITS,          0,                                    NULL},
    {103,  1, "max_charge_current",                 TINYBMS_U16,        1, 1, "A",    false, NO_LIMITS,          0,                                    NULL},
    {104,  1, "max_cell_voltage_difference",        TINYBMS_U16,        1, 1, "mV",   false, NO_LIMITS,          0,                                    NULL},
    {105,  1, "under_voltage_count",                TINYBMS_U16,        1, 0, "",     false, NO_LIMITS,          0,                                    NULL},
    {106,  1, "over_voltage_count",                 TINYBMS_U16,        1, 0, "",     false, NO_LIMITS,          0,                                    NULL},
    {107,  1, "discharge_over_current_count",       TINYBMS_U16,        1, 0, "",     false, NO_LIMITS,          0,                                    NULL},
    {108,  1, "charge_over_current_count",          TINYBMS_U16,        1, 0, "",     false, NO_LIMITS,          0,                                    NULL},
    {109,  1, "over_heat_count",                    TINYBMS_U16,        1, 0, "",     false, NO_LIMITS,          0,                                    NULL},
    {111,  1, "charging_count",                     TINYBMS_U16,        1, 0, "",     false, NO_LIMITS,          0,                                    NULL},
    {112,  1, "full_charge_count",                  TINYBMS_U16,        1, 0, "",     false, NO_LIMITS,          0,                                    NULL},
    {113,  1, "pack_temperature_extremes",          TINYBMS_I8X2,       1, 0, "degC", false, NO_LIMITS,          0,                                    NULL},
    {114,  1, "last_reset_and_wakeup",              TINYBMS_U8X2,       1, 0, "",     false, NO_LIMITS,          0,                                    NULL},
    {116,  2, "statistics_cleared_at",              TINYBMS_U32,        1, 0, "s",    false, NO_LIMITS,          0,                                    NULL},
    {200, 98, "events",                             TINYBMS_EVENT_LIST, 1, 0, "",     false, NO_LIMITS,          0,                                    NULL},
    {300,  1, "fully_charged_voltage",              TINYBMS_U16,        1, 0, "mV",   true,  LIMITS(1200, 4500), 0,                                    NULL},
    {301,  1, "fully_discharged_voltage",           TINYBMS_U16,        1, 0, "mV",   true,  LIMITS(1000, 3500), 0,                                    NULL},
    {303,  1, "early_balancing_threshold",          TINYBMS_U16,        1, 0, "mV",   true,  LIMITS(1000, 4500), 0,                                    NULL},
    {304,  1, "charge_finished_current",            TINYBMS_U16,        1, 0, "mA",   true,  LIMITS(100, 5000),  0,                                    NULL},
    {305,  1, "peak_discharge_current_cutoff",      TINYBMS_U16,        1, 0, "A",    true,  LIMITS(1, 65534),   TINYBMS_SINCE_D,                      NULL},
    {306,  1, "battery_capacity",                   TINYBMS_U16,        1, 2, "Ah",   true,  LIMITS(10, 65500),  0,                                    NULL},
    {307,  1, "series_cells",                       TINYBMS_U16,        1, 0, "",     true,  LIMITS(4, 16),      0,                                    NULL},
    {308,  1, "allowed_disbalance",                 TINYBMS_U16,        1, 0, "mV",   true,  LIMITS(15, 100),    0,                                    NULL},
    {310,  1, "charger_startup_delay",              TINYBMS_U16,        1, 0, "s",    true,  LIMITS(5, 60),      TINYBMS_SINCE_D,                      NULL},
    {311,  1, "charger_disable_delay",              TINYBMS_U16,        1, 0, "s",    true,  LIMITS(0, 60),      TINYBMS_SINCE_D,                      NULL},
    {312,  2, "pulses_per_unit",                    TINYBMS_U32,        1, 0, "",     true,  LIMITS(1, 100000),  0,                                    NULL},
    {314,  1, "distance_unit",                      TINYBMS_U16,        1, 0, "",     true,  LIMITS(1, 5),       0,                                    distance_units},
    {315,  1, "over_voltage_cutoff",                TINYBMS_U16,        1, 0, "mV",   true,  LIMITS(1200, 4500), 0,                                    NULL},
    {316,  1, "under_voltage_cutoff",               TINYBMS_U16,        1, 0, "mV",   true,  LIMITS(800, 3500),  0,                                    NULL},
    {317,  1, "discharge_over_current_cutoff",      TINYBMS_U16,        1, 0, "A",    true,  LIMITS(1, 750),     0,                                    NULL},
    {318,  1, "charge_over_current_cutoff",         TINYBMS_U16,        1, 0, "A",    true,  LIMITS(1, 750),     0,                                    NULL},
    {319,  1, "over_heat_cutoff",                   TINYBMS_I16,        1, 0, "degC", true,  LIMITS(20, 90),     0,                                    NULL},
    {320,  1, "low_temperature_charger_cutoff",     TINYBMS_I16,        1, 0, "degC", true,  LIMITS(-40, 10),    0,                                    NULL},
    {321,  1, "charge_restart_level",               TINYBMS_U16,        1, 0, "%",    true,  LIMITS(60, 95),     TINYBMS_SINCE_D,                      NULL},
    {322,  1, "max_cycles_count",                   TINYBMS_U16,        1, 0, "",     true,  LIMITS(10, 65000),  TINYBMS_SINCE_D,                      NULL},
    {323,  1, "state_of_health_setting",            TINYBMS_U16,        2, 3, "%",    true,  LIMITS(0, 50000),   TINYBMS_SINCE_D | TINYBMS_TAKEN_FFFF, NULL},
    {328,  1, "state_of_charge_setting",            TINYBMS_U16,        2, 3, "%",    true,  LIMITS(0, 50000),   TINYBMS_TAKEN_FFFF,                   NULL},
    {329,  1, "flags",                              TINYBMS_BITS,       1, 0, "",     true,  LIMITS(0, 7),       0,                                    NULL},
    {330,  1, "charger_type_and_discharge_timeout", TINYBMS_U8X2,       1, 0, "",     true,  LIMITS(0, 0x1E02),  0,                                    NULL},
    {331,  1, "load_switch_type",                   TINYBMS_U8,         1, 0, "",     true,  LIMITS(0, 8),       0,                                    load_switches},
    {332,  1, "automatic_recovery",                 TINYBMS_U8,         1, 0, "s",    true,  LIMITS(0, 30),      0,                                    NULL},
    {333,  1, "charger_switch_type",                TINYBMS_U8,         1, 0, "",     true,  LIMITS(1, 9),       0,                                    charger_switches},
    {334,  1, "ignition",                           TINYBMS_U8,         1, 0, "",     true,  LIMITS(0, 6),       0,                                    ignition_inputs},
    {335,  1, "charger_detection",                  TINYBMS_U8,         1, 0, "",     true,  LIMITS(1, 7),       0,                                    charger_detections},
    {336,  1, "speed_sensor_input",                 TINYBMS_U8,         1, 0, "",     true,  LIMITS(0, 2),       0,                                    speed_inputs},
    {337,  1, "precharge_pin",                      TINYBMS_U8,         1, 0, "",     true,  LIMITS(0, 16),      0,                                    precharge_pins},
    {338,  1, "precharge_duration",                 TINYBMS_U8,         1, 0, "",     true,  LIMITS(0, 7),       0,                                    precharge_durations},
    {339,  1, "temperature_sensor_type",            TINYBMS_U8,         1, 0, "",     true,  LIMITS(0, 1),       0,                                    sensor_types},
    {340,  1, "operation_mode",                     TINYBMS_U8,         1, 0, "",     true,  LIMITS(0, 1),       TINYBMS_RESTARTS,                     operation_modes},
    {341,  1, "single_port_switch_type",            TINYBMS_U8,         1, 0, "",     true,  LIMITS(0, 8),       0,                                    load_switches},
    {342,  1, "broadcast_time",                     TINYBMS_U8,         1, 0, "",     true,  LIMITS(0, 7),       0,                                    broadcast_times},
    {343,  1, "protocol",                           TINYBMS_U8,         1, 0, "",     true,  LIMITS(0, 2),       0,                                    protocols},
    {500,  1, "hardware_version",                   TINYBMS_U8X2,       1, 0, "",     false, NO_LIMITS,          0,                                    NULL},
    {501,  1, "firmware_version",                   TINYBMS_U8X2,       1, 0, "",     false, NO_LIMITS,          0,                                    NULL},
    {502,  1, "internal_firmware_version",          TINYBMS_U16,        1, 0, "",     false, NO_LIMITS,          0,                                    NULL},
    {503,  1, "bootloader_and_profile_version",     TINYBMS_U8X2,       1, 0, "",     false, NO_LIMITS,          0,                                    NULL},
    {504,  6, "serial_number",                      TINYBMS_BYTES,      1, 0, "",     false, NO_LIMITS,          0,                                    NULL},
};
/* clang-format on */

const size_t tinybms_registers_count = sizeof tinybms_registers / sizeof tinybms_registers[0];

/* clang-format off */
static const struct {
    uint16_t addr;
    const char *text;
} notes[] = {
    {0, "the order of the cells is told by the zeros: see battery.cell_order"},
    {32, "the clock of the BMS; event timestamps refer to it"},
    {38, "negative while discharging"},
    {45, "0 or above 50000 (older firmware): unknown"},
    {51, "bit 0: first cell"},
    {52, "bit 0: first cell"},
    {113, "low byte minimum, high byte maximum"},
    {114, "low byte reset cause: 0 unknown, 1 low power, 2 window watchdog, 3 independent watchdog, 4 software, 5 power-on, 6 pin, 7 option bytes; high byte wake-up: 0 charger, 1 ignition, 2 discharge, 3 UART"},
    {116, "clock of the BMS"},
    {200, "49 events of two words: low word timestamp bits 0-15; high word low byte timestamp bits 16-23, high byte event id"},
    {304, "true limits depend on the current sensor"},
    {305, "acts at once; 0 or 65535: unknown and never a limit"},
    {310, "0 or 65535 may mean unknown"},
    {311, "0 or 65535 may mean unknown"},
    {317, "true limits depend on the current sensor"},
    {318, "true limits depend on the current sensor"},
    {321, "0 or 65535 may mean unknown"},
    {323, "reads 65535 once the BMS has taken the value over"},
    {328, "reads 65535 once the BMS has taken the value over"},
    {329, "bit 0 invert external current sensor, bit 1 disable load and charger switch diagnostics, bit 2 enable charger restart level"},
    {330, "low byte charger type: 0 variable (reserved), 1 CC/CV, 2 CAN (reserved); high byte discharge over-current timeout 0-30 s (new in revision D)"},
    {332, "0: recovers only by charger, ignition or restart"},
    {340, "writing it restarts the BMS"},
    {343, "SOC bar excludes broadcast times 0.1 to 0.5 s"},
    {500, "low byte version, high byte changes"},
    {501, "low byte public release; bit 8 power type (0 low, 1 high); bits 9-10 current sensor (0 internal resistor, 1 internal Hall, 2 external)"},
    {503, "low byte bootloader, high byte profile (register map)"},
    {504, "96 bits"},
};
/* clang-format on */

const char *tinybms_register_notes(const struct tinybms_register *r) {
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        if (notes[i].addr == r->addr) {
            return notes[i].text;
        }
    }
    return "";
}

enum battery_group tinybms_register_group(const struct tinybms_register *r) {
    if (r->addr >= 500) {
        return BATTERY_GROUP_VERSION;
    }
    if (r->addr >= 300) {
        return BATTERY_GROUP_SETTINGS;
    }
    if (r->addr >= 200) {
        return BATTERY_GROUP_EVENTS;
    }
    return r->addr >= 100 ? BATTERY_GROUP_STATISTICS : BATTERY_GROUP_LIVE;
}

const struct tinybms_register *tinybms_register_at(uint16_t addr) {
    for (size_t i = 0; i < tinybms_registers_count; i++) {
        if (tinybms_registers[i].addr == addr) {
            return &tinybms_registers[i];
        }
    }
    return NULL;
}

const struct tinybms_register *tinybms_register_named(const char *name) {
    for (size_t i = 0; i < tinybms_registers_count; i++) {
        if (strcmp(tinybms_registers[i].name, name) == 0) {
            return &tinybms_registers[i];
        }
    }
    return NULL;
}

uint16_t tinybms_register_mask(const struct tinybms_register *r) {
    if (r->type == TINYBMS_U8) {
        return 0x00FF;
    }
    return r->type == TINYBMS_BITS ? (uint16_t)r->max : 0xFFFF;
}

const char *tinybms_register_choice(const struct tinybms_register *r, uint32_t raw) {
    uint32_t value = raw & tinybms_register_mask(r);
    for (const struct tinybms_choice *c = r->choices; c != NULL && c->text != NULL; c++) {
        if (c->value == value) {
            return c->text;
        }
    }
    return NULL;
}

enum battery_validity tinybms_register_scale(const struct tinybms_register *r, uint32_t raw,
                                             int64_t *out) {
    if (r->type == TINYBMS_BYTES || r->type == TINYBMS_EVENT_LIST) {
        return BATTERY_RESERVED;
    }
    if ((r->flags & TINYBMS_ABSENT_8000) != 0 && raw == 0x8000) {
        return BATTERY_ABSENT;
    }
    bool unknown = ((r->flags & TINYBMS_SINCE_D) != 0 && (raw == 0 || raw == 0xFFFF)) ||
                   ((r->flags & TINYBMS_TAKEN_FFFF) != 0 && raw == 0xFFFF) ||
                   (!r->writable && r->ranged && raw > (uint32_t)r->max);
    if (unknown) {
        return BATTERY_RESERVED;
    }
    if (r->type == TINYBMS_F32) {
        int32_t milli;
        if (!tinybms_f32_milli(raw, &milli)) {
            return BATTERY_RESERVED;
        }
        *out = milli;
    } else if (r->type == TINYBMS_I16) {
        *out = (int64_t)(int16_t)(raw & 0xFFFF) * r->numerator;
    } else if (r->type == TINYBMS_U8) {
        *out = (int64_t)(raw & 0xFF) * r->numerator;
    } else {
        *out = (int64_t)raw * r->numerator;
    }
    return BATTERY_VALID;
}

static bool in_range(const struct tinybms_register *r, int64_t value) {
    return !r->ranged || (value >= r->min && value <= r->max);
}

int tinybms_register_check(const struct tinybms_register *r, uint32_t raw) {
    if (!r->writable) {
        return GW_ERR_READ_ONLY;
    }
    if (r->type == TINYBMS_I16) {
        if (raw > 0xFFFF && raw < 0xFFFF8000) {
            return GW_ERR_RANGE;
        }
        return in_range(r, (int16_t)(raw & 0xFFFF)) ? GW_OK : GW_ERR_RANGE;
    }
    if (r->words == 1 && raw > 0xFFFF) {
        return GW_ERR_RANGE;
    }
    if (r->type == TINYBMS_U8X2) {
        uint32_t low_max = (uint32_t)r->max & 0xFF, high_max = (uint32_t)r->max >> 8;
        return (raw & 0xFF) <= low_max && raw >> 8 <= high_max ? GW_OK : GW_ERR_RANGE;
    }
    bool meaningless = r->choices != NULL && tinybms_register_choice(r, raw) == NULL;
    return in_range(r, raw) && !meaningless ? GW_OK : GW_ERR_RANGE;
}
