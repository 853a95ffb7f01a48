/* SPDX-License-Identifier: MIT */
/* The register file of the virtual BMS: settings with their ranges, and recordings.
 * Source of truth: the register map of the vendor's protocol document, revision D. */
#include <string.h>

#include "sim/bms.h"

/* One setting. min and max as raw counts; is_signed: compared as int16. low_byte: only the low byte
 * is the value, the high one is reserved and kept as written. */
struct setting {
    uint16_t addr;
    uint16_t min, max, preset;
    bool is_signed, low_byte;
    bool revision_d; /* unknown to older firmware: reads 0, cannot be written */
};

enum { TAKEN_OVER = 0xFFFF }; /* 323, 328: read so once the BMS has the value */

/* How far the current settings of a device go, A: what its sensor is made for. The document names
 * the three versions and says that the true limits depend on the sensor; the peak's is a guess. */
static const struct {
    uint16_t current_max, peak_max;
} sensors[] = {
    [SIM_SENSOR_RESISTOR] = {30, 60},
    [SIM_SENSOR_HALL] = {150, 300},
    [SIM_SENSOR_EXTERNAL] = {750, 1500},
};

/* clang-format off */
static const struct setting settings[] = {
    /* addr    min             max   preset            signed  low    revision D */
    {300,     1200,           4500,  4150,             false, false, false}, /* fully charged, mV */
    {301,     1000,           3500,  3000,             false, false, false}, /* fully discharged, mV */
    {303,     1000,           4500,  3200,             false, false, false}, /* early balancing, mV */
    {304,      100,           5000,  1000,             false, false, false}, /* charge finished, mA */
    {305,        1,           1500,    90,             false, false, true},  /* peak discharge, A */
    {306,       10,          65500,  6600,             false, false, false}, /* capacity, 0.01 Ah */
    {307,        4,             16,    14,             false, false, false}, /* cells in series */
    {308,       15,            100,    15,             false, false, false}, /* allowed disbalance, mV */
    {310,        5,             60,     5,             false, false, true},  /* charger startup, s */
    {311,        0,             60,     5,             false, false, true},  /* charger disable, s */
    {312,        0,         0xFFFF,     1,             false, false, false}, /* pulses, low word */
    {313,        0,              1,     0,             false, false, false}, /* pulses, high word */
    {314,        1,              5,     1,             false, false, false}, /* distance unit */
    {315,     1200,           4500,  4200,             false, false, false}, /* over-voltage, mV */
    {316,      800,           3500,  2900,             false, false, false}, /* under-voltage, mV */
    {317,        1,            750,    60,             false, false, false}, /* discharge, A */
    {318,        1,            750,    20,             false, false, false}, /* charge, A */
    {319,       20,             90,    60,             true,  false, false}, /* over-heat, degC */
    {320, (uint16_t)-40,        10,     1,             true,  false, false}, /* cold charging, degC */
    {321,       60,             95,    90,             false, false, true},  /* charge restart, % */
    {322,       10,          65000,  1000,             false, false, true},  /* cycles */
    {323,        0,          50000,  TAKEN_OVER,       false, false, true},  /* SOH, 0.002 % */
    {328,        0,          50000,  TAKEN_OVER,       false, false, false}, /* SOC, 0.002 % */
    {329,        0,              7,     4,             false, false, false}, /* flags */
    {330,        0,         0x1E02,     1,             false, false, false}, /* charger, time-out */
    {331,        0,              8,     0,             false, true,  false}, /* load switch */
    {332,        0,             30,     5,             false, true,  false}, /* recovery, s */
    {333,        1,              9,     1,             false, true,  false}, /* charger switch */
    {334,        0,              6,     0,             false, true,  false}, /* ignition */
    {335,        1,              7,     1,             false, true,  false}, /* charger detection */
    {336,        0,              2,     0,             false, true,  false}, /* speed sensor */
    {337,        0,             16,     0,             false, true,  false}, /* precharge pin */
    {338,        0,              7,     0,             false, true,  false}, /* precharge duration */
    {339,        0,              1,     0,             false, true,  false}, /* sensor type */
    {340,        0,              1,     0,             false, true,  false}, /* operation mode */
    {341,        0,              8,     0,             false, true,  false}, /* single-port switch */
    {342,        0,              7,     0,             false, true,  false}, /* broadcast time */
    {343,        0,              2,     0,             false, true,  false}, /* protocol */
};
/* clang-format on */

/* The setting at addr as this device has it; false: none. */
static bool find(const struct sim_bms *b, uint16_t addr, struct setting *out) {
    size_t i = 0;
    while (i < sizeof settings / sizeof settings[0] && settings[i].addr != addr)
        i++;
    if (i == sizeof settings / sizeof settings[0])
        return false;
    *out = settings[i];
    if (addr == 305)
        out->max = sensors[b->config.current_sensor].peak_max;
    else if (addr == 317 || addr == 318)
        out->max = sensors[b->config.current_sensor].current_max;
    else if (addr == 330 && b->config.before_revision_d)
        *out = (struct setting){.addr = addr, .max = 2, .preset = 1, .low_byte = true};
    else
        return true;
    out->preset = out->preset < out->max ? out->preset : out->max;
    return true;
}

/* What an older firmware shows in place of what it does not know. */
static uint16_t unknown(const struct sim_bms *b) {
    return b->config.old_reads_ones ? 0xFFFF : 0;
}

unsigned sim_bms_cell_register(const struct sim_bms *b, unsigned i) {
    return b->config.ascending ? i : SIM_CELLS_MAX - 1 - i;
}

uint32_t sim_bms_get32(const struct sim_bms *b, uint16_t addr) {
    return (uint32_t)b->reg[addr + 1] << 16 | b->reg[addr];
}

void sim_bms_put32(struct sim_bms *b, uint16_t addr, uint32_t v) {
    b->reg[addr] = (uint16_t)(v & 0xFFFFu);
    b->reg[addr + 1] = (uint16_t)(v >> 16);
}

void sim_bms_put_float(struct sim_bms *b, uint16_t addr, float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    sim_bms_put32(b, addr, bits);
}

/* Register 306 for the pack, with what is wrong about it. */
static uint16_t capacity(const struct sim_bms *b) {
    double hundredths = b->config.pack.capacity_ah * (1.0 + b->config.capacity_error) * 100.0;
    return (uint16_t)(hundredths < 10.0 ? 10.0 : hundredths < 65500.0 ? hundredths + 0.5 : 65500.0);
}

void sim_bms_registers_init(struct sim_bms *b) {
    memset(b->reg, 0, sizeof b->reg);
    for (uint16_t addr = 300; addr < 400; addr++) {
        struct setting s;
        if (find(b, addr, &s))
            b->reg[addr] = b->config.before_revision_d && s.revision_d ? unknown(b) : s.preset;
    }
    if (b->config.before_revision_d) {
        b->reg[330] = (uint16_t)((b->reg[330] & 0xFFu) | (unknown(b) & 0xFF00u));
        b->reg[45] = unknown(b);
    } else {
        b->reg[45] = 49000; /* 98 % */
    }
    const struct sim_chemistry *c = sim_chemistry(b->config.pack.chemistry);
    b->reg[300] = c->fully_charged_mv;
    b->reg[301] = c->fully_discharged_mv;
    b->reg[303] = c->early_balancing_mv;
    b->reg[315] = c->over_voltage_mv;
    b->reg[316] = c->under_voltage_mv;
    b->reg[306] = capacity(b);
    b->reg[307] = b->pack.config.cells;
    b->reg[500] = 0x0102; /* version 2, changes 1 */
    b->reg[501] = (uint16_t)(1u | (b->config.low_power ? 0u : 1u) << 8 |
                             (unsigned)b->config.current_sensor << 9); /* public release 1 */
    b->reg[502] = b->config.before_revision_d ? 242 : 254;
    b->reg[503] = 0x0418;
    struct sim_rng serial;
    sim_rng_init(&serial, b->config.seed);
    for (uint16_t i = 504; i < 510; i++)
        b->reg[i] = (uint16_t)sim_rng_next(&serial);
}

bool sim_bms_readable(const struct sim_bms *b, uint32_t addr, uint32_t count) {
    if (count == 0 || addr + count > SIM_BMS_REGISTERS)
        return false;
    uint32_t end = addr + count;
    bool reserved = addr < 32 && end > 16;
    return !(b->config.faults.refuse_reserved && reserved);
}

static bool in_range(const struct setting *s, uint16_t v) {
    if (s->low_byte)
        v &= 0xFFu;
    if (s->is_signed)
        return (int16_t)v >= (int16_t)s->min && (int16_t)v <= (int16_t)s->max;
    return v >= s->min && v <= s->max;
}

/* Settings that must fit each other: under-voltage + 10 <= fully discharged, + 10 <= fully charged,
 * + 10 <= over-voltage; the peak current over the over-current, where the device knows one; the
 * charge bar's protocol only without a fast broadcast. */
static bool in_order(const struct sim_bms *b, const uint16_t reg[SIM_BMS_REGISTERS]) {
    bool has_peak = !b->config.before_revision_d && reg[305] != 0 && reg[305] != 0xFFFF;
    unsigned broadcast = reg[342] & 0xFFu, protocol = reg[343] & 0xFFu;
    return reg[316] + 10 <= reg[301] && reg[301] + 10 <= reg[300] && reg[300] + 10 <= reg[315] &&
           (!has_peak || reg[305] > reg[317]) &&
           !(protocol == 2 && broadcast >= 1 && broadcast <= 3);
}

/* Settings of more than one part. */
static bool parts_fit(const struct sim_bms *b, const uint16_t reg[SIM_BMS_REGISTERS], uint16_t addr,
                      unsigned count) {
    uint32_t pulses = (uint32_t)reg[313] << 16 | reg[312];
    if (addr <= 313 && addr + count > 312 && (pulses < 1 || pulses > 100000))
        return false;
    if (addr <= 330 && addr + count > 330) {
        unsigned type = reg[330] & 0xFFu, seconds = reg[330] >> 8;
        return type <= 2 && (b->config.before_revision_d || seconds <= 30);
    }
    return true;
}

/* What a written value does at once. */
static void take_over(struct sim_bms *b, uint16_t addr) {
    if (addr == 328) {
        b->soc = b->reg[328] / 50000.0;
        b->reg[328] = TAKEN_OVER;
        sim_bms_put32(b, 46, (uint32_t)(b->soc * 1e8 + 0.5));
    } else if (addr == 323) {
        b->reg[45] = b->reg[323];
        b->reg[323] = TAKEN_OVER;
    }
}

bool sim_bms_write(struct sim_bms *b, uint16_t addr, const uint16_t *value, unsigned count) {
    if (count == 0 || addr < 300 || addr + count > 400)
        return false;
    uint16_t trial[SIM_BMS_REGISTERS];
    memcpy(trial, b->reg, sizeof trial);
    bool ordered_before = in_order(b, trial);
    for (unsigned i = 0; i < count; i++) {
        struct setting s;
        if (!find(b, (uint16_t)(addr + i), &s) || (b->config.before_revision_d && s.revision_d) ||
            !in_range(&s, value[i]))
            return false;
        trial[addr + i] = value[i];
    }
    if (!parts_fit(b, trial, addr, count) || (ordered_before && !in_order(b, trial)))
        return false;
    if (b->config.before_revision_d) /* the high byte is not there to be written */
        trial[330] = (uint16_t)((trial[330] & 0xFFu) | (b->reg[330] & 0xFF00u));
    memcpy(b->reg, trial, sizeof trial);
    for (unsigned i = 0; i < count; i++)
        take_over(b, (uint16_t)(addr + i));
    return true;
}

uint16_t sim_bms_setting(const struct sim_bms *b, unsigned kind, uint16_t addr) {
    struct setting s;
    if (!find(b, addr, &s))
        return 0;
    if (b->config.before_revision_d && s.revision_d)
        return unknown(b);
    switch (kind) {
    case 1:
        return s.min;
    case 2:
        return s.max;
    case 3:
        return s.preset;
    default:
        return b->reg[addr];
    }
}

/* Recordings */

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

/* Decimal, or hexadecimal after 0x, up to max. Moves *at behind it. */
static bool number(const char *text, size_t n, size_t *at, uint32_t max, uint32_t *out) {
    size_t i = *at;
    uint32_t base = 10, v = 0;
    if (i + 1 < n && text[i] == '0' && (text[i + 1] == 'x' || text[i + 1] == 'X')) {
        base = 16;
        i += 2;
    }
    size_t first = i;
    for (; i < n; i++) {
        char c = text[i];
        uint32_t digit = c >= '0' && c <= '9'                 ? (uint32_t)(c - '0')
                         : base == 16 && c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10
                         : base == 16 && c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A') + 10
                                                              : 99;
        if (digit == 99)
            break;
        v = v * base + digit;
        if (v > max)
            return false;
    }
    *at = i;
    *out = v;
    return i > first;
}

/* One line of a register file: empty, a comment, or "address value [# comment]". */
static bool load_line(uint16_t reg[SIM_BMS_REGISTERS], const char *text, size_t n) {
    size_t at = 0;
    while (at < n && is_space(text[at]))
        at++;
    if (at == n || text[at] == '#')
        return true;
    uint32_t addr, value;
    if (!number(text, n, &at, SIM_BMS_REGISTERS - 1, &addr))
        return false;
    size_t gap = at;
    while (at < n && is_space(text[at]))
        at++;
    if (at == gap || !number(text, n, &at, 0xFFFF, &value))
        return false;
    while (at < n && is_space(text[at]))
        at++;
    if (at < n && text[at] != '#')
        return false;
    reg[addr] = (uint16_t)value;
    return true;
}

unsigned sim_bms_load(struct sim_bms *b, const char *text, size_t n) {
    uint16_t reg[SIM_BMS_REGISTERS] = {0};
    unsigned line = 1;
    for (size_t at = 0; at < n; line++) {
        size_t end = at;
        while (end < n && text[end] != '\n')
            end++;
        if (!load_line(reg, text + at, end - at))
            return line;
        at = end + 1;
    }
    memcpy(b->reg, reg, sizeof reg);
    b->recording = true;
    b->event_slot = 0;
    while (b->event_slot < SIM_BMS_EVENTS && sim_bms_get32(b, (uint16_t)(200 + 2 * b->event_slot)))
        b->event_slot++;
    b->events_unread = b->event_slot;
    b->event_slot %= SIM_BMS_EVENTS;
    return 0;
}
