/* SPDX-License-Identifier: MIT */
/* The one sample: everything the gateway knows about the battery, in integers with the unit in the
 * name. core/tinybms fills it, every other module reads it through a const pointer.
 *
 * A field is four different things apart from "valid": never read, absent (the device says that
 * there is no such sensor or cell), reserved (the register means nothing in this firmware) and
 * stale (valid once, too old now). Nobody may use a field's value without asking
 * battery_validity() or battery_has().
 *
 * Current and power are positive while charging. Cells are numbered from 1, cell_mv[] from 0. */
#ifndef CORE_BATTERY_BATTERY_H
#define CORE_BATTERY_BATTERY_H

#include <stdbool.h>
#include <stdint.h>

enum {
    BATTERY_CELLS_MIN = 4,
    BATTERY_CELLS_MAX = 16,
    BATTERY_EXTERNAL_SENSORS = 2,
    BATTERY_EVENTS_MAX = 49, /* registers 200-297: 49 events of two words */
    BATTERY_SERIAL_BYTES = 12,
};

/* Order and grouping follow the register table; battery_field_group() tells the group. */
enum battery_field {
    /* live: registers 0-53 */
    BATTERY_CELLS,
    BATTERY_PACK_VOLTAGE,
    BATTERY_PACK_CURRENT,
    BATTERY_BMS_MIN_CELL,
    BATTERY_BMS_MAX_CELL,
    BATTERY_EXTERNAL_TEMPERATURE_1,
    BATTERY_EXTERNAL_TEMPERATURE_2,
    BATTERY_INTERNAL_TEMPERATURE,
    BATTERY_SOC,
    BATTERY_SOH,
    BATTERY_STATUS,
    BATTERY_BALANCING_NEEDED,
    BATTERY_BALANCING_ACTIVE,
    BATTERY_DETECTED_CELLS,
    BATTERY_LIFETIME,
    BATTERY_TIME_LEFT,
    /* settings: registers 300-343 */
    BATTERY_FULLY_CHARGED,
    BATTERY_FULLY_DISCHARGED,
    BATTERY_EARLY_BALANCING,
    BATTERY_CHARGE_FINISHED_CURRENT,
    BATTERY_PEAK_DISCHARGE_CUTOFF,
    BATTERY_CAPACITY,
    BATTERY_SERIES_CELLS,
    BATTERY_ALLOWED_DISBALANCE,
    BATTERY_OVER_VOLTAGE_CUTOFF,
    BATTERY_UNDER_VOLTAGE_CUTOFF,
    BATTERY_DISCHARGE_OVER_CURRENT_CUTOFF,
    BATTERY_CHARGE_OVER_CURRENT_CUTOFF,
    BATTERY_OVER_HEAT_CUTOFF,
    BATTERY_LOW_TEMPERATURE_CUTOFF,
    BATTERY_CHARGE_RESTART_LEVEL,
    BATTERY_OPERATION_MODE,
    BATTERY_BROADCAST,
    /* statistics: registers 100-117 */
    BATTERY_FULL_CHARGE_COUNT,
    BATTERY_CHARGING_COUNT,
    /* events: registers 200-297 */
    BATTERY_EVENTS,
    /* version: registers 500-509 */
    BATTERY_HARDWARE_VERSION,
    BATTERY_FIRMWARE_VERSION,
    BATTERY_INTERNAL_FIRMWARE,
    BATTERY_SERIAL,
    BATTERY_FIELD_COUNT
};

enum battery_group {
    BATTERY_GROUP_LIVE,
    BATTERY_GROUP_SETTINGS,
    BATTERY_GROUP_STATISTICS,
    BATTERY_GROUP_EVENTS,
    BATTERY_GROUP_VERSION,
    BATTERY_GROUP_COUNT
};

enum battery_validity {
    BATTERY_NEVER_READ = 0, /* zero-initialised memory knows nothing */
    BATTERY_ABSENT,
    BATTERY_RESERVED,
    BATTERY_STALE,
    BATTERY_VALID,
};

/* Register 50. Any other value is kept as it came and named "unknown". */
enum battery_status {
    BATTERY_STATUS_CHARGING = 0x91,
    BATTERY_STATUS_FULLY_CHARGED = 0x92,
    BATTERY_STATUS_DISCHARGING = 0x93,
    BATTERY_STATUS_REGENERATION = 0x96,
    BATTERY_STATUS_IDLE = 0x97,
    BATTERY_STATUS_FAULT = 0x9B,
};

enum battery_operation_mode { BATTERY_DUAL_PORT = 0, BATTERY_SINGLE_PORT = 1 };

struct battery_event {
    uint32_t at_s; /* BMS clock, 24 bits of it */
    uint8_t id;    /* tinybms-protocol "Events" */
};

struct battery {
    /* live */
    uint16_t
        cell_mv[BATTERY_CELLS_MAX]; /* [0, cell_count): cell 1 first, whatever the wire's order */
    uint8_t cell_count;             /* 4-16 once BATTERY_CELLS is valid */
    uint32_t pack_mv;
    int32_t pack_ma;          /* + charging */
    uint16_t bms_min_cell_mv; /* register 40, the BMS's own opinion */
    uint16_t bms_max_cell_mv; /* register 41 */
    int16_t external_temperature_dc[BATTERY_EXTERNAL_SENSORS];
    int16_t internal_temperature_dc;
    uint16_t soc_cpct; /* 0-10000 */
    uint16_t soh_cpct; /* 0-10000 */
    uint16_t status;   /* enum battery_status, or a value unknown today */
    uint16_t balancing_needed_bits;
    uint16_t balancing_active_bits;
    uint16_t detected_cells;
    uint32_t lifetime_s;
    uint32_t time_left_s;
    /* settings of the BMS */
    uint16_t fully_charged_mv;    /* 300 */
    uint16_t fully_discharged_mv; /* 301 */
    uint16_t early_balancing_mv;  /* 303 */
    uint16_t charge_finished_ma;  /* 304 */
    uint32_t peak_discharge_cutoff_ma;
    uint32_t capacity_mah;              /* 306 */
    uint16_t series_cells;              /* 307 */
    uint16_t allowed_disbalance_mv;     /* 308 */
    uint16_t over_voltage_cutoff_mv;    /* 315 */
    uint16_t under_voltage_cutoff_mv;   /* 316 */
    uint32_t discharge_over_current_ma; /* 317 */
    uint32_t charge_over_current_ma;    /* 318 */
    int16_t over_heat_cutoff_dc;        /* 319 */
    int16_t low_temperature_cutoff_dc;  /* 320: no charging below */
    uint16_t charge_restart_cpct;       /* 321 */
    uint16_t operation_mode;            /* 340, enum battery_operation_mode */
    uint16_t broadcast_time;            /* 342: 0 = off */
    /* statistics */
    uint16_t full_charge_count;
    uint16_t charging_count;
    /* events, newest first by the BMS's clock */
    struct battery_event event[BATTERY_EVENTS_MAX];
    uint8_t event_count;
    /* version */
    uint16_t hardware_version;  /* 500: low byte version, high byte changes */
    uint16_t firmware_version;  /* 501: low byte public release */
    uint16_t internal_firmware; /* 502 */
    uint8_t serial[BATTERY_SERIAL_BYTES];
    /* derived by battery_derive() from cell_mv[], pack_mv, pack_ma */
    uint8_t min_cell; /* number of the lowest cell, 1-16; the first one of equals */
    uint8_t max_cell;
    uint16_t min_cell_mv;
    uint16_t max_cell_mv;
    uint16_t imbalance_mv;
    int32_t power_mw; /* + charging; saturates at +-2^31-1 */

    uint8_t validity[BATTERY_FIELD_COUNT];    /* enum battery_validity */
    uint64_t read_at_ms[BATTERY_FIELD_COUNT]; /* monotonic time of the last read */
    uint32_t samples;                         /* complete live blocks read so far, wraps */
    /* Of the last live block as it came, before any scaling: differ when a single bit did. */
    uint32_t live_fingerprint;  /* everything live */
    uint32_t cells_fingerprint; /* all cells and the current */
};

/* Nothing is known: every field BATTERY_NEVER_READ. */
/*@ requires \valid(b);
    assigns *b; */
void battery_init(struct battery *b);

/* Which block of registers a field comes from. `field` < BATTERY_FIELD_COUNT. */
/*@ requires field < BATTERY_FIELD_COUNT;
    assigns \nothing;
    ensures \result < BATTERY_GROUP_COUNT; */
enum battery_group battery_field_group(enum battery_field field);

/* The validity of a field at now_ms; VALID turns into STALE when the field was last read longer ago
 * than its group's age: live 5 s, settings and statistics 5 min, events 60 s, version never. */
/*@ requires \valid_read(b) && field < BATTERY_FIELD_COUNT && b->validity[field] <= BATTERY_VALID;
    assigns \nothing;
    ensures \result <= BATTERY_VALID; */
enum battery_validity battery_validity(const struct battery *b, enum battery_field field,
                                       uint64_t now_ms);

/* True where a field has once been read and had a value; its age is the caller's business. */
/*@ requires \valid_read(b) && field < BATTERY_FIELD_COUNT;
    assigns \nothing;
    ensures \result <==> b->validity[field] == BATTERY_VALID; */
static inline bool battery_has(const struct battery *b, enum battery_field field) {
    return b->validity[field] == BATTERY_VALID;
}

/* Milliseconds since the field was last read; UINT64_MAX if it never was. */
/*@ requires \valid_read(b) && field < BATTERY_FIELD_COUNT;
    assigns \nothing; */
uint64_t battery_age_ms(const struct battery *b, enum battery_field field, uint64_t now_ms);

/* Sets a field valid as of now_ms. The caller has stored its value. */
/*@ requires \valid(b) && field < BATTERY_FIELD_COUNT;
    assigns b->validity[field], b->read_at_ms[field]; */
void battery_set(struct battery *b, enum battery_field field, uint64_t now_ms);

/* Sets a field to something other than valid (ABSENT, RESERVED) as of now_ms. */
/*@ requires \valid(b) && field < BATTERY_FIELD_COUNT && why <= BATTERY_VALID;
    assigns b->validity[field], b->read_at_ms[field]; */
void battery_clear(struct battery *b, enum battery_field field, enum battery_validity why,
                   uint64_t now_ms);

/* Computes extremes, imbalance and power from the cells, pack voltage and current. With no valid
 * cells the extremes are 0 and must not be used. */
/*@ requires \valid(b) && b->cell_count <= BATTERY_CELLS_MAX;
    assigns b->min_cell, b->min_cell_mv, b->max_cell, b->max_cell_mv, b->imbalance_mv, b->power_mw;
    ensures b->min_cell <= BATTERY_CELLS_MAX && b->max_cell <= BATTERY_CELLS_MAX; */
void battery_derive(struct battery *b);

/* The pack's temperatures in 0.1 degC: of the external sensors that are present, and of the
 * internal one only when there is no other. Returns how many sensors counted (0-2); *lowest and
 * *highest get the extremes, *lowest_sensor and *highest_sensor 1 or 2 for an external sensor, 0
 * for the internal one. With 0 sensors nothing is written. No out pointer may be NULL. */
/*@ requires \valid_read(b) && \valid(lowest_dc) && \valid(lowest_sensor) && \valid(highest_dc) &&
        \valid(highest_sensor);
    requires \separated(b, lowest_dc, lowest_sensor, highest_dc, highest_sensor);
    assigns *lowest_dc, *lowest_sensor, *highest_dc, *highest_sensor;
    ensures 0 <= \result <= BATTERY_EXTERNAL_SENSORS;
    ensures \result > 0 ==> 0 <= *lowest_sensor <= BATTERY_EXTERNAL_SENSORS &&
        0 <= *highest_sensor <= BATTERY_EXTERNAL_SENSORS && *lowest_dc <= *highest_dc; */
int battery_temperature_extremes(const struct battery *b, int16_t *lowest_dc, int *lowest_sensor,
                                 int16_t *highest_dc, int *highest_sensor);

/* The mean of the same sensors, rounded half away from zero. False if there is none. */
/*@ requires \valid_read(b) && \valid(mean_dc) && \separated(b, mean_dc);
    assigns *mean_dc; */
bool battery_temperature_mean(const struct battery *b, int16_t *mean_dc);

/* Enough is known to speak to a GX: the live block with as many cells as register 53 (or 307) says,
 * and registers 300, 301, 307, 315-320. */
/*@ requires \valid_read(b);
    assigns \nothing; */
bool battery_complete(const struct battery *b);
/* The first register that is needed for that and has no value: never read, refused or nonsense. 0:
 * the cells, or not as many as there should be. */
enum { BATTERY_NOTHING_MISSING = -1 };
/*@ requires \valid_read(b);
    assigns \nothing;
    ensures -1 <= \result <= 320; */
int battery_missing_register(const struct battery *b);

/* English words: "charging", "fault", ..., "unknown". Never NULL. */
const char *battery_status_text(uint16_t status);
const char *battery_validity_text(enum battery_validity v);

#endif
