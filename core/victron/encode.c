/* SPDX-License-Identifier: MIT */
/* The messages a GX reads: one plain encode function and one row of victron_table each.
 *
 * A value that is no value never goes out. Where the protocol has a word for "unknown" (0xFFFF in
 * 0x373, 00 in 0x35A) it is used; where it has none, the whole message waits until the value is
 * known. The functions below share only what handles bytes.
 *
 * Source of truth: the inverter maker's CAN-bus BMS protocol, 2021-04-17. */
#include "victron/victron.h"

#include <assert.h>
#include <stddef.h>

enum { FRAME_BYTES = 8, PAIR_FIRST_WARNING = 16, PAIR_ONLINE = 29, NOT_SUPPORTED = 0xFFFF };

/*@ predicate readable(struct victron_source *src) =
        \valid_read(src) && \valid_read(src->battery) && \valid_read(src->limits) &&
        \valid_read(src->alarms) && \valid_read(src->config);
    predicate apart(struct victron_source *src, struct victron_frame *out) =
        \separated(out, src) && \separated(out, src->battery) && \separated(out, src->limits) &&
        \separated(out, src->alarms) && \separated(out, src->config);
    // Of the frame only the two bytes at offset may have changed.
    predicate only_at{L1, L2}(struct victron_frame *out, integer offset) =
        \at(out->id, L1) == \at(out->id, L2) && \at(out->len, L1) == \at(out->len, L2) &&
        \forall integer i; 0 <= i < 8 && i != offset && i != offset + 1 ==>
            \at(out->data[i], L1) == \at(out->data[i], L2);
    predicate is_frame(struct victron_frame *out, integer id) = out->id == id && out->len == 8;
    logic integer u16_at(struct victron_frame *out, integer offset) =
        out->data[offset] + 256 * out->data[offset + 1]; */

/*@ requires \valid(out);
    assigns *out;
    ensures is_frame(out, id); */
static void begin(struct victron_frame *out, uint16_t id) {
    *out = (struct victron_frame){.id = id, .len = FRAME_BYTES};
}

/*@ requires \valid(out) && offset <= 6;
    assigns out->data[offset .. offset + 1];
    ensures only_at{Old, Here}(out, offset);
    ensures u16_at(out, offset) == value; */
static void put_u16(struct victron_frame *out, unsigned offset, uint16_t value) {
    out->data[offset] = (uint8_t)(value % 256);
    out->data[offset + 1] = (uint8_t)(value / 256);
}

/*@ requires \valid(out) && offset <= 6;
    assigns out->data[offset .. offset + 1];
    ensures only_at{Old, Here}(out, offset);
    ensures value >= 0 ==> u16_at(out, offset) == value; */
static void put_i16(struct victron_frame *out, unsigned offset, int16_t value) {
    put_u16(out, offset, (uint16_t)value);
}

/*@ logic integer rounded(integer value, integer divisor) =
        (value < 0 ? value - divisor / 2 : value + divisor / 2) / divisor; */

/* value / divisor, half away from zero. divisor: even or 1, positive. */
/*@ requires -UINT32_MAX <= value <= UINT32_MAX && 1 <= divisor <= 1000;
    assigns \nothing;
    ensures \result == rounded(value, divisor); */
static int64_t divide_rounded(int64_t value, int64_t divisor) {
    return (value < 0 ? value - divisor / 2 : value + divisor / 2) / divisor;
}

/*@ requires -UINT32_MAX <= value <= UINT32_MAX && 1 <= divisor <= 1000;
    assigns \nothing;
    ensures \result == \max(0, \min(rounded(value, divisor), UINT16_MAX)); */
static uint16_t scale_u16(int64_t value, int64_t divisor) {
    const int64_t scaled = divide_rounded(value, divisor);
    if (scaled < 0) {
        return 0;
    }
    return scaled > UINT16_MAX ? UINT16_MAX : (uint16_t)scaled;
}

/*@ requires -UINT32_MAX <= value <= UINT32_MAX && 1 <= divisor <= 1000;
    assigns \nothing;
    ensures \result == \max(INT16_MIN, \min(rounded(value, divisor), INT16_MAX)); */
static int16_t scale_i16(int64_t value, int64_t divisor) {
    const int64_t scaled = divide_rounded(value, divisor);
    if (scaled < INT16_MIN) {
        return INT16_MIN;
    }
    return scaled > INT16_MAX ? INT16_MAX : (int16_t)scaled;
}

/*@ assigns \nothing; */
static bool is_printable(uint8_t c) {
    return c >= 0x20 && c <= 0x7E;
}

/* Up to 8 characters of text from the given position, zero padded. */
/*@ requires \valid(out) && from <= 8 && length <= 16;
    requires \valid_read(text + (0 .. length - 1)) && \separated(out, text + (0 .. length - 1));
    assigns out->data[0 .. 7]; */
static void put_text(struct victron_frame *out, const char *text, size_t length, size_t from) {
    /*@ loop invariant i <= 8;
        loop assigns i, out->data[0 .. 7];
        loop variant 8 - i; */
    for (size_t i = 0; i < FRAME_BYTES && from + i < length; i++) {
        const uint8_t c = (uint8_t)text[from + i];
        out->data[i] = is_printable(c) ? c : (uint8_t)'?';
    }
}

/*@ requires \valid_read(text + (0 .. capacity - 1));
    assigns \nothing;
    ensures \result <= capacity; */
static size_t bounded_length(const char *text, size_t capacity) {
    size_t n = 0;
    /*@ loop invariant n <= capacity;
        loop assigns n;
        loop variant capacity - n; */
    while (n < capacity && text[n] != '\0') {
        n++;
    }
    return n;
}

/* 0.1 A, positive. 0 orders the GX to stop (with DCL 0 an off-grid inverter switches off): a limit
 * over 0 never becomes that order by rounding. */
/*@ assigns \nothing;
    ensures 0 <= \result && (\result == 0 <==> limit_ma == 0);
    ensures 50 <= limit_ma < 3276700 ==> \result == rounded(limit_ma, 100);
    ensures limit_ma >= 3276700 ==> \result == INT16_MAX; */
static int16_t limit_da(uint32_t limit_ma) {
    const int16_t da = scale_i16(limit_ma, 100);
    return da == 0 && limit_ma > 0 ? 1 : da;
}

/*@ requires readable(src) && \valid(out) && apart(src, out);
    assigns *out;
    ensures \result ==> is_frame(out, VICTRON_ID_LIMITS);
    ensures \result ==> u16_at(out, 0) == \min(rounded(src->limits->cvl_mv, 100), UINT16_MAX);
    ensures \result ==> u16_at(out, 2) <= INT16_MAX && u16_at(out, 4) <= INT16_MAX;
    ensures \result ==> (u16_at(out, 2) == 0 <==> src->limits->ccl_ma == 0);
    ensures \result ==> (u16_at(out, 4) == 0 <==> src->limits->dcl_ma == 0); */
static bool encode_limits(const struct victron_source *src, struct victron_frame *out) {
    if (!src->limits->valid) {
        return false;
    }
    begin(out, VICTRON_ID_LIMITS);
    put_u16(out, 0, scale_u16(src->limits->cvl_mv, 100));
    put_i16(out, 2, limit_da(src->limits->ccl_ma));
    put_i16(out, 4, limit_da(src->limits->dcl_ma));
    put_u16(out, 6, scale_u16(src->limits->discharge_voltage_mv, 100));
    return true;
}

/* The lower bit set: active; the upper bit set: supported and quiet; none: not supported. */
/*@ assigns \nothing;
    ensures \result <= 2; */
static unsigned pair_value(enum alarm_state state) {
    switch (state) {
    case ALARM_ACTIVE:
        return 1;
    case ALARM_QUIET:
        return 2;
    case ALARM_NOT_SUPPORTED:
        return 0;
    }
    return 0;
}

/*@ requires \valid(out) && pair < 32 && value <= 2;
    assigns out->data[0 .. 7]; */
static void put_pair(struct victron_frame *out, unsigned pair, unsigned value) {
    static const uint8_t weight[4] = {1, 4, 16, 64};
    out->data[pair / 4] = (uint8_t)(out->data[pair / 4] | value * weight[pair % 4]);
}

/*@ requires readable(src) && \valid(out) && apart(src, out);
    assigns *out;
    ensures \result ==> is_frame(out, VICTRON_ID_ALARMS); */
static bool encode_alarms(const struct victron_source *src, struct victron_frame *out) {
    begin(out, VICTRON_ID_ALARMS);
    /*@ loop invariant id <= ALARM_COUNT;
        loop assigns id, out->data[0 .. 7];
        loop variant ALARM_COUNT - id; */
    for (unsigned id = 0; id < ALARM_COUNT; id++) {
        put_pair(out, id, pair_value((enum alarm_state)src->alarms->alarm[id]));
        put_pair(out, PAIR_FIRST_WARNING + id,
                 pair_value((enum alarm_state)src->alarms->warning[id]));
    }
    put_pair(out, PAIR_ONLINE, pair_value(src->alarms->online ? ALARM_ACTIVE : ALARM_QUIET));
    return true;
}

/*@ requires readable(src) && \valid(out) && apart(src, out);
    assigns *out;
    ensures \result ==> is_frame(out, VICTRON_ID_CHARGE_STATE);
    ensures \result ==> u16_at(out, 4) == src->battery->soc_cpct; */
static bool encode_charge_state(const struct victron_source *src, struct victron_frame *out) {
    const struct battery *b = src->battery;
    if (!battery_has(b, BATTERY_SOC)) {
        return false;
    }
    begin(out, VICTRON_ID_CHARGE_STATE);
    put_u16(out, 0, scale_u16(b->soc_cpct, 100));
    /* The protocol has no "unknown" here: 0xFFFF would be read as 65535 %. */
    put_u16(out, 2,
            battery_has(b, BATTERY_SOH) ? scale_u16(b->soh_cpct, 100)
                                        : src->config->soh_when_unknown);
    put_u16(out, 4, b->soc_cpct);
    return true;
}

/* Not one of the three fields has an "unknown", and a shorter frame is no frame of this protocol:
 * any number put in the place of a missing one (0 V, 0 A, 0 degC) would be believed. So all three
 * must be known. Every BMS has its internal sensor: where there is no temperature at all something
 * is wrong, and a battery without measurements is the honest picture of it. The limits, which are
 * what a GX obeys, do not depend on this message. */
/*@ requires readable(src) && \valid(out) && apart(src, out);
    assigns *out;
    ensures \result ==> is_frame(out, VICTRON_ID_MEASUREMENTS); */
static bool encode_measurements(const struct victron_source *src, struct victron_frame *out) {
    const struct battery *b = src->battery;
    int16_t temperature_dc;
    if (!battery_has(b, BATTERY_PACK_VOLTAGE) || !battery_has(b, BATTERY_PACK_CURRENT) ||
        !battery_temperature_mean(b, &temperature_dc)) {
        return false;
    }
    begin(out, VICTRON_ID_MEASUREMENTS);
    put_i16(out, 0, scale_i16(b->pack_mv, 10));
    put_i16(out, 2, scale_i16(b->pack_ma, 100));
    put_i16(out, 4, temperature_dc);
    return true;
}

/* The name a GX lists: the owner's own, or else the manufacturer's. Returns its length. */
/*@ requires \valid_read(cfg) && \valid(name) && \separated(name, cfg);
    assigns *name;
    ensures \result <= 16 && \valid_read(*name + (0 .. \result - 1));
    ensures *name == &cfg->battery_name[0] || *name == &cfg->manufacturer[0]; */
static size_t shown_name(const struct victron_config *cfg, const char **name) {
    const size_t length = bounded_length(cfg->battery_name, VICTRON_NAME_MAX);
    if (length > 0) {
        *name = cfg->battery_name;
        return length;
    }
    *name = cfg->manufacturer;
    return bounded_length(cfg->manufacturer, VICTRON_MANUFACTURER_MAX);
}

/* Up to 8 characters are the whole name; of a longer one these are the first 8 of 0x370 too. */
/*@ requires readable(src) && \valid(out) && apart(src, out);
    assigns *out;
    ensures \result ==> is_frame(out, VICTRON_ID_MANUFACTURER); */
static bool encode_manufacturer(const struct victron_source *src, struct victron_frame *out) {
    const char *name;
    const size_t length = shown_name(src->config, &name);
    if (length == 0) {
        return false;
    }
    begin(out, VICTRON_ID_MANUFACTURER);
    put_text(out, name, length, 0);
    return true;
}

/* Capacity 0 says "offline": an online battery whose capacity is not known yet must not say it.
 * Model and versions are labels; unknown ones are 0. */
/*@ requires readable(src) && \valid(out) && apart(src, out);
    assigns *out;
    ensures \result ==> is_frame(out, VICTRON_ID_MODEL); */
static bool encode_model(const struct victron_source *src, struct victron_frame *out) {
    const struct battery *b = src->battery;
    const bool online = src->alarms->online;
    if (online && !battery_has(b, BATTERY_CAPACITY)) {
        return false;
    }
    begin(out, VICTRON_ID_MODEL);
    if (battery_has(b, BATTERY_HARDWARE_VERSION)) {
        put_u16(out, 0, b->hardware_version);
    }
    if (battery_has(b, BATTERY_FIRMWARE_VERSION)) {
        out->data[2] = (uint8_t)(b->firmware_version & 0xFFu); /* high byte first: the release */
    }
    if (battery_has(b, BATTERY_INTERNAL_FIRMWARE)) {
        out->data[3] = (uint8_t)(b->internal_firmware & 0xFFu);
    }
    put_u16(out, 4, online ? scale_u16(b->capacity_mah, 1000) : 0);
    return true;
}

/*@ requires readable(src) && \valid(out) && apart(src, out);
    assigns *out;
    ensures \result ==> is_frame(out, VICTRON_ID_NAME_1); */
static bool encode_name_1(const struct victron_source *src, struct victron_frame *out) {
    const char *name;
    const size_t length = shown_name(src->config, &name);
    if (length <= FRAME_BYTES) {
        return false;
    }
    begin(out, VICTRON_ID_NAME_1);
    put_text(out, name, length, 0);
    return true;
}

/*@ requires readable(src) && \valid(out) && apart(src, out);
    assigns *out;
    ensures \result ==> is_frame(out, VICTRON_ID_NAME_2); */
static bool encode_name_2(const struct victron_source *src, struct victron_frame *out) {
    const char *name;
    const size_t length = shown_name(src->config, &name);
    if (length <= FRAME_BYTES) {
        return false;
    }
    begin(out, VICTRON_ID_NAME_2);
    put_text(out, name, length, FRAME_BYTES);
    return true;
}

/* The pack is one module: OK or offline, never both. Blocking follows the limits in 0x351 whether
 * it is online or not, so that the two messages never contradict each other: an offline module may
 * still allow discharge for a while. */
/*@ requires readable(src) && \valid(out) && apart(src, out);
    assigns *out;
    ensures \result ==> is_frame(out, VICTRON_ID_MODULES);
    ensures \result ==> (u16_at(out, 2) == 1 <==> src->limits->ccl_ma == 0);
    ensures \result ==> (u16_at(out, 4) == 1 <==> src->limits->dcl_ma == 0); */
static bool encode_modules(const struct victron_source *src, struct victron_frame *out) {
    if (!src->limits->valid) {
        return false;
    }
    begin(out, VICTRON_ID_MODULES);
    put_u16(out, 0, src->alarms->online ? 1 : 0);
    put_u16(out, 2, src->limits->ccl_ma == 0 ? 1 : 0);
    put_u16(out, 4, src->limits->dcl_ma == 0 ? 1 : 0);
    put_u16(out, 6, src->alarms->online ? 0 : 1);
    return true;
}

/* 0.1 degC to whole kelvin, over 0.01 K. At and below absolute zero 0: "not supported". */
/*@ assigns \nothing;
    ensures \result == \max(0, rounded(10 * temperature_dc + 27315, 100)); */
static uint16_t kelvin(int16_t temperature_dc) {
    return scale_u16((int64_t)temperature_dc * 10 + 27315, 100);
}

/*@ requires \valid_read(b);
    assigns \nothing; */
static bool has_cells(const struct battery *b) {
    return battery_has(b, BATTERY_CELLS) && b->cell_count > 0;
}

/*@ requires readable(src) && \valid(out) && apart(src, out);
    assigns *out;
    ensures \result ==> is_frame(out, VICTRON_ID_EXTREMES); */
static bool encode_extremes(const struct victron_source *src, struct victron_frame *out) {
    const struct battery *b = src->battery;
    int16_t lowest_dc, highest_dc;
    int lowest_sensor, highest_sensor;
    const bool cells = has_cells(b);
    const bool temperatures = battery_temperature_extremes(b, &lowest_dc, &lowest_sensor,
                                                           &highest_dc, &highest_sensor) > 0;
    begin(out, VICTRON_ID_EXTREMES);
    put_u16(out, 0, cells ? b->min_cell_mv : NOT_SUPPORTED);
    put_u16(out, 2, cells ? b->max_cell_mv : NOT_SUPPORTED);
    put_u16(out, 4, temperatures ? kelvin(lowest_dc) : NOT_SUPPORTED);
    put_u16(out, 6, temperatures ? kelvin(highest_dc) : NOT_SUPPORTED);
    return true;
}

/* "Cell 07". number: 1-16. */
/*@ requires \valid(out) && 1 <= number <= 16;
    assigns out->data[0 .. 7]; */
static void put_cell_name(struct victron_frame *out, uint8_t number) {
    put_text(out, "Cell ", 5, 0);
    out->data[5] = (uint8_t)('0' + number / 10);
    out->data[6] = (uint8_t)('0' + number % 10);
}

/*@ requires readable(src) && \valid(out) && apart(src, out);
    assigns *out;
    ensures \result ==> is_frame(out, VICTRON_ID_MIN_CELL_NAME); */
static bool encode_min_cell_name(const struct victron_source *src, struct victron_frame *out) {
    const uint8_t number = src->battery->min_cell;
    if (!has_cells(src->battery) || number < 1 || number > BATTERY_CELLS_MAX) {
        return false;
    }
    begin(out, VICTRON_ID_MIN_CELL_NAME);
    put_cell_name(out, number);
    return true;
}

/*@ requires readable(src) && \valid(out) && apart(src, out);
    assigns *out;
    ensures \result ==> is_frame(out, VICTRON_ID_MAX_CELL_NAME); */
static bool encode_max_cell_name(const struct victron_source *src, struct victron_frame *out) {
    const uint8_t number = src->battery->max_cell;
    if (!has_cells(src->battery) || number < 1 || number > BATTERY_CELLS_MAX) {
        return false;
    }
    begin(out, VICTRON_ID_MAX_CELL_NAME);
    put_cell_name(out, number);
    return true;
}

/* "Sensor 1", "Sensor 2", or "Internal" for sensor 0. */
/*@ requires \valid(out) && 0 <= sensor <= BATTERY_EXTERNAL_SENSORS;
    assigns out->data[0 .. 7]; */
static void put_sensor_name(struct victron_frame *out, int sensor) {
    assert(sensor >= 0 && sensor <= BATTERY_EXTERNAL_SENSORS);
    if (sensor == 0) {
        put_text(out, "Internal", FRAME_BYTES, 0);
        return;
    }
    put_text(out, "Sensor ", 7, 0);
    out->data[7] = (uint8_t)('0' + sensor);
}

/*@ requires readable(src) && \valid(out) && apart(src, out);
    assigns *out;
    ensures \result ==> is_frame(out, VICTRON_ID_MIN_TEMPERATURE_NAME); */
static bool encode_min_temperature_name(const struct victron_source *src,
                                        struct victron_frame *out) {
    int16_t lowest_dc, highest_dc;
    int lowest, highest;
    if (battery_temperature_extremes(src->battery, &lowest_dc, &lowest, &highest_dc, &highest) <=
        0) {
        return false;
    }
    begin(out, VICTRON_ID_MIN_TEMPERATURE_NAME);
    put_sensor_name(out, lowest);
    return true;
}

/*@ requires readable(src) && \valid(out) && apart(src, out);
    assigns *out;
    ensures \result ==> is_frame(out, VICTRON_ID_MAX_TEMPERATURE_NAME); */
static bool encode_max_temperature_name(const struct victron_source *src,
                                        struct victron_frame *out) {
    int16_t lowest_dc, highest_dc;
    int lowest, highest;
    if (battery_temperature_extremes(src->battery, &lowest_dc, &lowest, &highest_dc, &highest) <=
        0) {
        return false;
    }
    begin(out, VICTRON_ID_MAX_TEMPERATURE_NAME);
    put_sensor_name(out, highest);
    return true;
}

/*@ requires readable(src) && \valid(out) && apart(src, out);
    assigns *out;
    ensures \result ==> is_frame(out, VICTRON_ID_INSTALLED_CAPACITY); */
static bool encode_installed_capacity(const struct victron_source *src, struct victron_frame *out) {
    if (!battery_has(src->battery, BATTERY_CAPACITY)) {
        return false;
    }
    begin(out, VICTRON_ID_INSTALLED_CAPACITY);
    put_u16(out, 0, scale_u16(src->battery->capacity_mah, 1000));
    return true;
}

enum { SERIAL_TEXT_MAX = 16 };

/* The serial number as 0x380 and 0x381 share it between them: its 12 characters if all are
 * printable, else the last 16 of its 24 hex digits. Returns the length; 0: there is none, or the
 * memory behind it was never written (all 0x00 or all 0xFF). */
/*@ requires \valid_read(b) && \valid(text + (0 .. SERIAL_TEXT_MAX - 1));
    requires \separated(b, text + (0 .. SERIAL_TEXT_MAX - 1));
    assigns text[0 .. SERIAL_TEXT_MAX - 1];
    ensures \result <= SERIAL_TEXT_MAX; */
static size_t serial_text(const struct battery *b, char text[SERIAL_TEXT_MAX]) {
    static const char digits[] = "0123456789ABCDEF";
    const size_t skipped = BATTERY_SERIAL_BYTES - SERIAL_TEXT_MAX / 2;
    bool printable = true, zeros = true, ones = true;
    if (!battery_has(b, BATTERY_SERIAL)) {
        return 0;
    }
    /*@ loop invariant i <= BATTERY_SERIAL_BYTES;
        loop assigns i, printable, zeros, ones;
        loop variant BATTERY_SERIAL_BYTES - i; */
    for (size_t i = 0; i < BATTERY_SERIAL_BYTES; i++) {
        printable = printable && is_printable(b->serial[i]);
        zeros = zeros && b->serial[i] == 0x00;
        ones = ones && b->serial[i] == 0xFF;
    }
    if (zeros || ones) {
        return 0;
    }
    if (printable) {
        /*@ loop invariant i <= BATTERY_SERIAL_BYTES;
            loop assigns i, text[0 .. SERIAL_TEXT_MAX - 1];
            loop variant BATTERY_SERIAL_BYTES - i; */
        for (size_t i = 0; i < BATTERY_SERIAL_BYTES; i++) {
            text[i] = (char)b->serial[i];
        }
        return BATTERY_SERIAL_BYTES;
    }
    /*@ loop invariant i <= SERIAL_TEXT_MAX / 2;
        loop assigns i, text[0 .. SERIAL_TEXT_MAX - 1];
        loop variant SERIAL_TEXT_MAX / 2 - i; */
    for (size_t i = 0; i < SERIAL_TEXT_MAX / 2; i++) {
        text[2 * i] = digits[b->serial[skipped + i] / 16];
        text[2 * i + 1] = digits[b->serial[skipped + i] % 16];
    }
    return SERIAL_TEXT_MAX;
}

/*@ requires readable(src) && \valid(out) && apart(src, out);
    assigns *out;
    ensures \result ==> is_frame(out, VICTRON_ID_SERIAL_1); */
static bool encode_serial_1(const struct victron_source *src, struct victron_frame *out) {
    char text[SERIAL_TEXT_MAX];
    const size_t length = serial_text(src->battery, text);
    if (length == 0) {
        return false;
    }
    begin(out, VICTRON_ID_SERIAL_1);
    put_text(out, text, length, 0);
    return true;
}

/* The protocol has room for 16 characters, the first and the last 8. Of 12 the last 4 and zeros go
 * here, so that the two frames read one behind the other are the number; the last 8 would repeat
 * four characters. */
/*@ requires readable(src) && \valid(out) && apart(src, out);
    assigns *out;
    ensures \result ==> is_frame(out, VICTRON_ID_SERIAL_2); */
static bool encode_serial_2(const struct victron_source *src, struct victron_frame *out) {
    char text[SERIAL_TEXT_MAX];
    const size_t length = serial_text(src->battery, text);
    if (length == 0) {
        return false;
    }
    begin(out, VICTRON_ID_SERIAL_2);
    put_text(out, text, length, FRAME_BYTES);
    return true;
}

/*@ requires readable(src) && \valid(out) && apart(src, out);
    assigns *out;
    ensures \result ==> is_frame(out, VICTRON_ID_FAMILY); */
static bool encode_family(const struct victron_source *src, struct victron_frame *out) {
    const char *family = src->config->battery_family;
    const size_t length = bounded_length(family, VICTRON_FAMILY_MAX);
    if (length == 0) {
        return false;
    }
    begin(out, VICTRON_ID_FAMILY);
    put_text(out, family, length, 0);
    return true;
}

/* 0x378 (energy) has no row: energy is not counted, and 0 Wh would be a value. */
/* clang-format off */
const struct victron_row victron_table[] = {
    {VICTRON_ID_LIMITS,               "limits",                     encode_limits,                false},
    {VICTRON_ID_ALARMS,               "alarms and warnings",        encode_alarms,                false},
    {VICTRON_ID_CHARGE_STATE,         "state of charge",            encode_charge_state,          false},
    {VICTRON_ID_MEASUREMENTS,         "voltage and current",        encode_measurements,          false},
    {VICTRON_ID_MANUFACTURER,         "manufacturer or name",       encode_manufacturer,          true},
    {VICTRON_ID_MODEL,                "model and version",          encode_model,                 true},
    {VICTRON_ID_NAME_1,               "name, first part",           encode_name_1,                true},
    {VICTRON_ID_NAME_2,               "name, second part",          encode_name_2,                true},
    {VICTRON_ID_MODULES,              "modules",                    encode_modules,               false},
    {VICTRON_ID_EXTREMES,             "cell extremes",              encode_extremes,              false},
    {VICTRON_ID_MIN_CELL_NAME,        "lowest cell",                encode_min_cell_name,         true},
    {VICTRON_ID_MAX_CELL_NAME,        "highest cell",               encode_max_cell_name,         true},
    {VICTRON_ID_MIN_TEMPERATURE_NAME, "coldest sensor",             encode_min_temperature_name,  true},
    {VICTRON_ID_MAX_TEMPERATURE_NAME, "warmest sensor",             encode_max_temperature_name,  true},
    {VICTRON_ID_INSTALLED_CAPACITY,   "installed capacity",         encode_installed_capacity,    true},
    {VICTRON_ID_SERIAL_1,             "serial number, first part",  encode_serial_1,              true},
    {VICTRON_ID_SERIAL_2,             "serial number, second part", encode_serial_2,              true},
    {VICTRON_ID_FAMILY,               "battery family",             encode_family,                true},
};
/* clang-format on */

const unsigned victron_table_rows = sizeof victron_table / sizeof victron_table[0];

_Static_assert(sizeof victron_table / sizeof victron_table[0] <= VICTRON_TABLE_MAX,
               "struct victron has a due time for every row");
_Static_assert(VICTRON_TABLE_MAX <= 32, "requests are bits of a u32");
