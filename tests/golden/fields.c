/* SPDX-License-Identifier: MIT */
/* See fields.h. */
#include "fields.h"

#include <string.h>

enum shape { I16, U8, U16, U32, I32, CELLS, SERIAL };

enum { DERIVED = BATTERY_FIELD_COUNT }; /* no validity of its own */

struct field {
    const char *name;
    enum shape shape;
    unsigned validity; /* enum battery_field, or DERIVED */
    size_t offset;
};

#define AT(member) offsetof(struct battery, member)

/* clang-format off */
static const struct field table[] = {
    {"cells_mv",                   CELLS,  BATTERY_CELLS,                   AT(cell_mv)},
    {"pack_mv",                    U32,    BATTERY_PACK_VOLTAGE,            AT(pack_mv)},
    {"pack_ma",                    I32,    BATTERY_PACK_CURRENT,            AT(pack_ma)},
    {"bms_min_cell_mv",            U16,    BATTERY_BMS_MIN_CELL,            AT(bms_min_cell_mv)},
    {"bms_max_cell_mv",            U16,    BATTERY_BMS_MAX_CELL,            AT(bms_max_cell_mv)},
    {"external_temperature_1_dc",  I16,    BATTERY_EXTERNAL_TEMPERATURE_1,  AT(external_temperature_dc[0])},
    {"external_temperature_2_dc",  I16,    BATTERY_EXTERNAL_TEMPERATURE_2,  AT(external_temperature_dc[1])},
    {"internal_temperature_dc",    I16,    BATTERY_INTERNAL_TEMPERATURE,    AT(internal_temperature_dc)},
    {"soc_cpct",                   U16,    BATTERY_SOC,                     AT(soc_cpct)},
    {"soh_cpct",                   U16,    BATTERY_SOH,                     AT(soh_cpct)},
    {"status",                     U16,    BATTERY_STATUS,                  AT(status)},
    {"balancing_needed_bits",      U16,    BATTERY_BALANCING_NEEDED,        AT(balancing_needed_bits)},
    {"balancing_active_bits",      U16,    BATTERY_BALANCING_ACTIVE,        AT(balancing_active_bits)},
    {"detected_cells",             U16,    BATTERY_DETECTED_CELLS,          AT(detected_cells)},
    {"lifetime_s",                 U32,    BATTERY_LIFETIME,                AT(lifetime_s)},
    {"time_left_s",                U32,    BATTERY_TIME_LEFT,               AT(time_left_s)},
    {"fully_charged_mv",           U16,    BATTERY_FULLY_CHARGED,           AT(fully_charged_mv)},
    {"fully_discharged_mv",        U16,    BATTERY_FULLY_DISCHARGED,        AT(fully_discharged_mv)},
    {"early_balancing_mv",         U16,    BATTERY_EARLY_BALANCING,         AT(early_balancing_mv)},
    {"charge_finished_ma",         U16,    BATTERY_CHARGE_FINISHED_CURRENT, AT(charge_finished_ma)},
    {"capacity_mah",               U32,    BATTERY_CAPACITY,                AT(capacity_mah)},
    {"series_cells",               U16,    BATTERY_SERIES_CELLS,            AT(series_cells)},
    {"allowed_disbalance_mv",      U16,    BATTERY_ALLOWED_DISBALANCE,      AT(allowed_disbalance_mv)},
    {"over_voltage_cutoff_mv",     U16,    BATTERY_OVER_VOLTAGE_CUTOFF,     AT(over_voltage_cutoff_mv)},
    {"under_voltage_cutoff_mv",    U16,    BATTERY_UNDER_VOLTAGE_CUTOFF,    AT(under_voltage_cutoff_mv)},
    {"discharge_over_current_ma",  U32,    BATTERY_DISCHARGE_OVER_CURRENT_CUTOFF, AT(discharge_over_current_ma)},
    {"charge_over_current_ma",     U32,    BATTERY_CHARGE_OVER_CURRENT_CUTOFF, AT(charge_over_current_ma)},
    {"over_heat_cutoff_dc",        I16,    BATTERY_OVER_HEAT_CUTOFF,        AT(over_heat_cutoff_dc)},
    {"low_temperature_cutoff_dc",  I16,    BATTERY_LOW_TEMPERATURE_CUTOFF,  AT(low_temperature_cutoff_dc)},
    {"full_charge_count",          U16,    BATTERY_FULL_CHARGE_COUNT,       AT(full_charge_count)},
    {"charging_count",             U16,    BATTERY_CHARGING_COUNT,          AT(charging_count)},
    {"hardware_version",           U16,    BATTERY_HARDWARE_VERSION,        AT(hardware_version)},
    {"firmware_version",           U16,    BATTERY_FIRMWARE_VERSION,        AT(firmware_version)},
    {"internal_firmware",          U16,    BATTERY_INTERNAL_FIRMWARE,       AT(internal_firmware)},
    {"serial",                     SERIAL, BATTERY_SERIAL,                  AT(serial)},
    {"min_cell",                   U8,     DERIVED,                         AT(min_cell)},
    {"max_cell",                   U8,     DERIVED,                         AT(max_cell)},
    {"min_cell_mv",                U16,    DERIVED,                         AT(min_cell_mv)},
    {"max_cell_mv",                U16,    DERIVED,                         AT(max_cell_mv)},
    {"imbalance_mv",               U16,    DERIVED,                         AT(imbalance_mv)},
    {"power_mw",                   I32,    DERIVED,                         AT(power_mw)},
};
/* clang-format on */

const struct field *field_find(const char *name) {
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

/* The words after the name into the field's own memory in b. */
static void parse_into(struct vector_reader *r, int at, const struct field *f, struct battery *b) {
    unsigned char *to = (unsigned char *)b + f->offset;
    const int given = r->words - at - 1;
    if (f->shape == CELLS) {
        if (given < BATTERY_CELLS_MIN || given > BATTERY_CELLS_MAX) {
            vector_fail(r, "%d cells", given);
            return;
        }
        for (int i = 0; i < given; i++) {
            b->cell_mv[i] = (uint16_t)vector_number(r, at + 1 + i, 0, UINT16_MAX);
        }
        b->cell_count = (uint8_t)given;
        return;
    }
    if (f->shape == SERIAL) {
        if (vector_bytes(r, at + 1, b->serial, sizeof b->serial) != sizeof b->serial) {
            vector_fail(r, "a serial number has %zu bytes", sizeof b->serial);
        }
        return;
    }
    if (given != 1) {
        vector_fail(r, "%s has one value", f->name);
        return;
    }
    if (f->shape == I16) {
        const int16_t v = (int16_t)vector_number(r, at + 1, INT16_MIN, INT16_MAX);
        memcpy(to, &v, sizeof v);
    } else if (f->shape == U8) {
        *to = (unsigned char)vector_number(r, at + 1, 0, UINT8_MAX);
    } else if (f->shape == U16) {
        const uint16_t v = (uint16_t)vector_number(r, at + 1, 0, UINT16_MAX);
        memcpy(to, &v, sizeof v);
    } else if (f->shape == U32) {
        const uint32_t v = (uint32_t)vector_number(r, at + 1, 0, UINT32_MAX);
        memcpy(to, &v, sizeof v);
    } else {
        const int32_t v = (int32_t)vector_number(r, at + 1, INT32_MIN, INT32_MAX);
        memcpy(to, &v, sizeof v);
    }
}

static size_t size_of(const struct field *f) {
    static const size_t size[] = {[I16] = 2,
                                  [U8] = 1,
                                  [U16] = 2,
                                  [U32] = 4,
                                  [I32] = 4,
                                  [SERIAL] = BATTERY_SERIAL_BYTES,
                                  [CELLS] = BATTERY_CELLS_MAX * sizeof(uint16_t)};
    return size[f->shape];
}

/* BATTERY_VALID where the line gives a value. */
static enum battery_validity stated_validity(const struct vector_reader *r, int at) {
    const char *word = r->words == at + 2 ? r->word[at + 1] : "";
    if (strcmp(word, "absent") == 0) {
        return BATTERY_ABSENT;
    }
    if (strcmp(word, "reserved") == 0) {
        return BATTERY_RESERVED;
    }
    return strcmp(word, "unknown") == 0 ? BATTERY_NEVER_READ : BATTERY_VALID;
}

void field_store(struct vector_reader *r, int at, struct battery *b) {
    const struct field *f = field_find(r->word[at]);
    const enum battery_validity stated = stated_validity(r, at);
    if (f->validity == DERIVED) {
        vector_fail(r, "%s is derived from other fields", f->name);
    } else if (stated == BATTERY_VALID) {
        parse_into(r, at, f, b);
        battery_set(b, (enum battery_field)f->validity, 0);
    } else {
        battery_clear(b, (enum battery_field)f->validity, stated, 0);
    }
}

void field_compare(struct vector_reader *r, int at, const struct battery *b) {
    static struct battery expected;
    const struct field *f = field_find(r->word[at]);
    if (f == NULL || r->words < at + 2) {
        vector_fail(r, "unknown field '%s', or no value", r->word[at]);
        return;
    }
    const enum battery_validity stated = stated_validity(r, at);
    if (f->validity != DERIVED) {
        const unsigned got = b->validity[f->validity];
        const bool wanted = stated == BATTERY_NEVER_READ ? got != BATTERY_VALID : got == stated;
        if (!wanted) {
            vector_fail(r, "%s: got validity %u", f->name, got);
        }
    }
    if (stated != BATTERY_VALID) {
        return;
    }
    memset(&expected, 0, sizeof expected);
    parse_into(r, at, f, &expected);
    if (f->shape == CELLS && expected.cell_count != b->cell_count) {
        vector_fail(r, "%s: got %u cells", f->name, b->cell_count);
    }
    const unsigned char *got = (const unsigned char *)b + f->offset;
    const unsigned char *want = (const unsigned char *)&expected + f->offset;
    const size_t n = f->shape == CELLS ? expected.cell_count * sizeof(uint16_t) : size_of(f);
    if (memcmp(got, want, n) != 0) {
        char text[3 * 64 + 1];
        vector_hex(got, n, text);
        vector_fail(r, "%s: got (in memory) %s", f->name, text);
    }
}
