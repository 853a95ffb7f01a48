/* SPDX-License-Identifier: MIT */
/* The frames of the CAN-bus BMS protocol as a table, and in words.
 * Source of truth: the inverter maker's CAN-bus BMS protocol, 2021-04-17. */
#include <stdarg.h>
#include <stdio.h>

#include "sim/gx.h"

struct message {
    uint16_t id;
    const char *name;
    bool text;
};

/* clang-format off */
static const struct message messages[SIM_GX_MESSAGES] = {
    {0x351, "limits", false},
    {0x355, "state of charge", false},
    {0x356, "measurements", false},
    {0x35A, "alarms", false},
    {0x35E, "manufacturer", true},
    {0x35F, "battery", false},
    {0x370, "battery name, first half", true},
    {0x371, "battery name, second half", true},
    {0x372, "modules", false},
    {0x373, "extremes", false},
    {0x374, "lowest cell", true},
    {0x375, "highest cell", true},
    {0x376, "coldest cell", true},
    {0x377, "warmest cell", true},
    {0x378, "energy", false},
    {0x379, "installed capacity", false},
    {0x380, "serial number, first half", true},
    {0x381, "serial number, second half", true},
    {0x382, "battery family", true},
};

enum type { U16, I16, U16_HIGH_FIRST, U32 };

/* none: which raw values say "not supported". */
enum none { NEVER, ALL_ONES, ZERO_OR_ONES };

struct field {
    uint16_t id;
    uint8_t offset;
    enum type type;
    uint8_t decimals; /* of the value in its unit */
    enum none none;
    const char *words, *unit, *key;
};

static const struct field fields[SIM_GX_FIELD_COUNT] = {
    [SIM_GX_CVL]                  = {0x351, 0, U16, 1, NEVER, "CVL", "V", "cvl_v"},
    [SIM_GX_CCL]                  = {0x351, 2, I16, 1, NEVER, "CCL", "A", "ccl_a"},
    [SIM_GX_DCL]                  = {0x351, 4, I16, 1, NEVER, "DCL", "A", "dcl_a"},
    [SIM_GX_DISCHARGE_VOLTAGE]    = {0x351, 6, U16, 1, NEVER, "discharge voltage", "V", "discharge_voltage_v"},
    [SIM_GX_SOC]                  = {0x355, 0, U16, 0, NEVER, "SOC", "%", "soc_percent"},
    [SIM_GX_SOH]                  = {0x355, 2, U16, 0, NEVER, "SOH", "%", "soh_percent"},
    [SIM_GX_SOC_FINE]             = {0x355, 4, U16, 2, NEVER, "SOC (fine)", "%", "soc_fine_percent"},
    [SIM_GX_VOLTAGE]              = {0x356, 0, I16, 2, NEVER, "voltage", "V", "voltage_v"},
    [SIM_GX_CURRENT]              = {0x356, 2, I16, 1, NEVER, "current", "A", "current_a"},
    [SIM_GX_TEMPERATURE]          = {0x356, 4, I16, 1, NEVER, "temperature", "degC", "temperature_c"},
    [SIM_GX_MODEL]                = {0x35F, 0, U16, 0, NEVER, "model", "", "model"},
    [SIM_GX_FIRMWARE]             = {0x35F, 2, U16_HIGH_FIRST, 0, NEVER, "firmware", "", "firmware"},
    [SIM_GX_ONLINE_CAPACITY]      = {0x35F, 4, U16, 0, NEVER, "online capacity", "Ah", "online_capacity_ah"},
    [SIM_GX_MODULES_OK]           = {0x372, 0, U16, 0, ALL_ONES, "ok", "", "ok"},
    [SIM_GX_MODULES_NO_CHARGE]    = {0x372, 2, U16, 0, ALL_ONES, "blocking charge", "", "blocking_charge"},
    [SIM_GX_MODULES_NO_DISCHARGE] = {0x372, 4, U16, 0, ALL_ONES, "blocking discharge", "", "blocking_discharge"},
    [SIM_GX_MODULES_OFFLINE]      = {0x372, 6, U16, 0, ALL_ONES, "offline", "", "offline"},
    [SIM_GX_MIN_CELL]             = {0x373, 0, U16, 0, ZERO_OR_ONES, "lowest cell", "mV", "min_cell_mv"},
    [SIM_GX_MAX_CELL]             = {0x373, 2, U16, 0, ZERO_OR_ONES, "highest cell", "mV", "max_cell_mv"},
    [SIM_GX_MIN_TEMPERATURE]      = {0x373, 4, U16, 0, ZERO_OR_ONES, "coldest", "K", "min_temperature_k"},
    [SIM_GX_MAX_TEMPERATURE]      = {0x373, 6, U16, 0, ZERO_OR_ONES, "warmest", "K", "max_temperature_k"},
    [SIM_GX_ENERGY_CHARGED]       = {0x378, 0, U32, 1, NEVER, "charged", "kWh", "charged_kwh"},
    [SIM_GX_ENERGY_DISCHARGED]    = {0x378, 4, U32, 1, NEVER, "discharged", "kWh", "discharged_kwh"},
    [SIM_GX_INSTALLED_CAPACITY]   = {0x379, 0, U16, 0, NEVER, "installed", "Ah", "installed_capacity_ah"},
};

static const char *const alarm_names[SIM_GX_ALARM_KINDS] = {
    "general", "high voltage", "low voltage", "high temperature", "low temperature",
    "high temperature charge", "low temperature charge", "high current", "high charge current",
    "contactor", "short circuit", "BMS internal", "cell imbalance",
};
/* clang-format on */

uint16_t sim_gx_message_id(unsigned i) {
    return messages[i].id;
}

int sim_gx_message_index(uint32_t id) {
    for (int i = 0; i < SIM_GX_MESSAGES; i++) {
        if (messages[i].id == id)
            return i;
    }
    return -1;
}

const char *sim_gx_message_name(unsigned i) {
    return messages[i].name;
}

bool sim_gx_is_text(unsigned i) {
    return messages[i].text;
}

const char *sim_gx_alarm_name(unsigned kind) {
    return alarm_names[kind];
}

uint16_t sim_gx_field_id(enum sim_gx_field field) {
    return fields[field].id;
}

unsigned sim_gx_field_decimals(enum sim_gx_field field) {
    return fields[field].decimals;
}

enum sim_gx_pair sim_gx_frame_pair(const struct sim_can_frame *f, unsigned pair) {
    unsigned byte = pair / 4;
    if (byte >= f->len || byte >= sizeof f->data)
        return SIM_GX_PAIR_ABSENT;
    return (enum sim_gx_pair)(f->data[byte] >> 2 * (pair % 4) & 3u);
}

bool sim_gx_frame_value(const struct sim_can_frame *f, enum sim_gx_field field, int64_t *raw) {
    const struct field *d = &fields[field];
    unsigned bytes = d->type == U32 ? 4 : 2;
    if (f->id != d->id || f->len < d->offset + bytes)
        return false;
    const uint8_t *p = f->data + d->offset;
    uint32_t low_first = (uint32_t)p[1] << 8 | p[0];
    uint32_t ones = 0xFFFF;
    switch (d->type) {
    case U16:
        *raw = low_first;
        break;
    case I16:
        *raw = low_first < 0x8000u ? (int64_t)low_first : (int64_t)low_first - 0x10000;
        break;
    case U16_HIGH_FIRST:
        *raw = (int64_t)p[0] << 8 | p[1];
        break;
    case U32:
        *raw = (int64_t)((uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | low_first);
        ones = 0xFFFFFFFFu;
        break;
    }
    if (d->none != NEVER && *raw == (int64_t)ones)
        return false;
    return !(d->none == ZERO_OR_ONES && *raw == 0);
}

void sim_gx_frame_text(const struct sim_can_frame *f, char out[9]) {
    unsigned n = 0;
    while (n < f->len && n < 8 && f->data[n] != 0) {
        uint8_t c = f->data[n];
        out[n++] = c >= 0x20 && c < 0x7F ? (char)c : '?';
    }
    out[n] = '\0';
}

/* Text being written; what does not fit is cut off. */
struct text {
    char *buf;
    size_t cap, n;
};

__attribute__((format(printf, 2, 3))) static void say(struct text *t, const char *format, ...) {
    va_list args;
    va_start(args, format);
    size_t room = t->n < t->cap ? t->cap - t->n : 0;
    int n = vsnprintf(room > 0 ? t->buf + t->n : NULL, room, format, args);
    va_end(args);
    if (n > 0)
        t->n = t->n + (size_t)n < t->cap ? t->n + (size_t)n : (t->cap > 0 ? t->cap - 1 : 0);
}

/* A raw value with its decimal point. */
static void say_number(struct text *t, int64_t raw, unsigned decimals) {
    uint64_t size = raw < 0 ? (uint64_t)-raw : (uint64_t)raw;
    uint64_t one = 1;
    for (unsigned i = 0; i < decimals; i++)
        one *= 10;
    say(t, "%s%llu", raw < 0 ? "-" : "", (unsigned long long)(size / one));
    if (decimals > 0)
        say(t, ".%0*llu", (int)decimals, (unsigned long long)(size % one));
}

/* "alarm low voltage, warning high current; online" */
static void say_alarms(struct text *t, const struct sim_can_frame *f) {
    bool any = false;
    for (unsigned pair = 0; pair < SIM_GX_WARNING_FIRST + SIM_GX_ALARM_KINDS; pair++) {
        unsigned kind = pair % SIM_GX_WARNING_FIRST;
        enum sim_gx_pair state = sim_gx_frame_pair(f, pair);
        if (kind >= SIM_GX_ALARM_KINDS ||
            (state != SIM_GX_PAIR_ACTIVE && state != SIM_GX_PAIR_INVALID))
            continue;
        say(t, "%s%s %s%s", any ? ", " : "", pair < SIM_GX_WARNING_FIRST ? "alarm" : "warning",
            alarm_names[kind], state == SIM_GX_PAIR_INVALID ? " (invalid pair 11)" : "");
        any = true;
    }
    if (!any)
        say(t, "none");
    static const char *const online[] = {"; online not told", "; online", "; offline",
                                         "; online invalid (pair 11)"};
    say(t, "%s", online[sim_gx_frame_pair(f, SIM_GX_ONLINE_PAIR)]);
}

static void say_fields(struct text *t, const struct sim_can_frame *f) {
    const char *between = "";
    for (unsigned i = 0; i < SIM_GX_FIELD_COUNT; i++) {
        const struct field *d = &fields[i];
        if (d->id != f->id)
            continue;
        int64_t raw;
        say(t, "%s%s ", between, d->words);
        if (!sim_gx_frame_value(f, (enum sim_gx_field)i, &raw)) {
            say(t, "-");
        } else if (i == SIM_GX_FIRMWARE) {
            say(t, "%llu.%llu", (unsigned long long)raw >> 8, (unsigned long long)raw & 0xFFu);
        } else {
            say_number(t, raw, d->decimals);
            say(t, "%s%s", d->unit[0] != '\0' ? " " : "", d->unit);
        }
        between = ", ";
    }
}

size_t sim_gx_words(const struct sim_can_frame *f, char *buf, size_t cap) {
    struct text t = {buf, cap, 0};
    int i = f->extended || f->remote ? -1 : sim_gx_message_index(f->id);
    if (i >= 0) {
        say(&t, "%s: ", messages[i].name);
        if (messages[i].text) {
            char text[9];
            sim_gx_frame_text(f, text);
            say(&t, "\"%s\"", text);
        } else if (f->id == 0x35A) {
            say_alarms(&t, f);
        } else {
            say_fields(&t, f);
        }
        if (f->len != 8)
            say(&t, " (%u bytes instead of 8)", f->len);
    } else if (!f->extended && !f->remote && f->id == 0x305) {
        say(&t, "keep-alive of the GX");
    } else if (!f->extended && !f->remote && f->id == 0x307) {
        bool vic = f->len >= 7 && f->data[4] == 'V' && f->data[5] == 'I' && f->data[6] == 'C';
        say(&t, "identity of the GX: %s", vic ? "VIC" : "not VIC");
    } else {
        say(&t, "not of the battery protocol%s%s", f->extended ? ", 29-bit identifier" : "",
            f->remote ? ", remote frame" : "");
    }
    return t.n;
}

static void json_alarms(struct text *t, const struct sim_can_frame *f) {
    static const char *const names[] = {"null", "\"active\"", "\"quiet\"", "\"invalid\""};
    for (unsigned part = 0; part < 2; part++) {
        say(t, ",\"%s\":[", part == 0 ? "alarms" : "warnings");
        const char *between = "";
        for (unsigned kind = 0; kind < SIM_GX_ALARM_KINDS; kind++) {
            if (sim_gx_frame_pair(f, part * SIM_GX_WARNING_FIRST + kind) != SIM_GX_PAIR_ACTIVE)
                continue;
            say(t, "%s\"%s\"", between, alarm_names[kind]);
            between = ",";
        }
        say(t, "]");
    }
    say(t, ",\"online\":%s", names[sim_gx_frame_pair(f, SIM_GX_ONLINE_PAIR)]);
}

size_t sim_gx_json(const struct sim_can_frame *f, char *buf, size_t cap) {
    struct text t = {buf, cap, 0};
    int i = f->extended || f->remote ? -1 : sim_gx_message_index(f->id);
    if (i < 0) {
        say(&t, "\"name\":null");
        return t.n;
    }
    say(&t, "\"name\":\"%s\"", messages[i].name);
    if (messages[i].text) {
        char text[9];
        sim_gx_frame_text(f, text);
        say(&t, ",\"text\":\"");
        for (const char *c = text; *c != '\0'; c++)
            say(&t, "%s%c", *c == '"' || *c == '\\' ? "\\" : "", *c);
        say(&t, "\"");
        return t.n;
    }
    if (f->id == 0x35A) {
        json_alarms(&t, f);
        return t.n;
    }
    for (unsigned k = 0; k < SIM_GX_FIELD_COUNT; k++) {
        int64_t raw;
        if (fields[k].id != f->id)
            continue;
        say(&t, ",\"%s\":", fields[k].key);
        if (sim_gx_frame_value(f, (enum sim_gx_field)k, &raw))
            say_number(&t, raw, fields[k].decimals);
        else
            say(&t, "null");
    }
    return t.n;
}

size_t sim_gx_violation_words(const struct sim_gx_violation *v, char *buf, size_t cap) {
    struct text t = {buf, cap, 0};
    const unsigned id = v->frame.id;
    switch (v->rule) {
    case SIM_GX_LENGTH:
        say(&t, "0x%03X has %u bytes: every frame of a battery has 8", id, v->frame.len);
        break;
    case SIM_GX_UNKNOWN_ID:
        say(&t, "0x%03X%s%s is not a frame of the battery protocol", id,
            v->frame.extended ? " (29 bits)" : "", v->frame.remote ? " (remote)" : "");
        break;
    case SIM_GX_KEEPALIVE:
        say(&t, "0x%03X came from the battery: it is the GX's own frame", id);
        break;
    case SIM_GX_PAIR_3:
        say(&t, "0x%03X has a pair of value 3: 01 is active, 10 inactive, 00 not supported", id);
        break;
    case SIM_GX_ALARMS_SLOW:
        say(&t, "0x35A came %u ms after the one before: never slower than once a second",
            (unsigned)(v->gap_us / 1000u));
        break;
    case SIM_GX_NEGATIVE_LIMIT:
        say(&t, "0x351 has a negative current limit: both are sent as positive numbers");
        break;
    case SIM_GX_PERCENT:
        say(&t, "0x355 tells more than 100 %%");
        break;
    case SIM_GX_TEXT:
        say(&t, "0x%03X is not printable ASCII padded with zeros", id);
        break;
    case SIM_GX_NAMES_DIFFER:
        say(&t, "0x35E and 0x370 do not agree");
        break;
    case SIM_GX_RULE_COUNT:
        break;
    }
    return t.n;
}
