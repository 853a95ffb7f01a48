/* SPDX-License-Identifier: MIT */
/* docs/protocol/registers.md from core/tinybms/registers.c. */
#include "tinybms/registers.h"

#include <inttypes.h>

#include "docs.h"

static const char introduction[] =
    "<!-- Generated from core/tinybms/registers.c by `make docs`. Do not edit. -->\n"
    "# The registers of a TinyBMS\n"
    "\n"
    "Source: the vendor's \"Communication Protocols, Revision D, 2025-07-04\". The gateway\n"
    "reads them with command 0x03 and writes them with 0x10; a write is checked against the\n"
    "range below, written, and read back. Values are 16 bits; where a register takes two,\n"
    "the low word has the lower address.\n"
    "\n"
    "`tinybms-gw registers` shows and takes values in their unit; a value in hexadecimal,\n"
    "such as `0x1068`, is a raw count. *One count* is what a raw count is worth. The ranges\n"
    "are raw counts and those of the document; a device may be stricter, depending on its\n"
    "current sensor.\n"
    "\n"
    "A register *of revision D* reads 0 or 65535 on older firmware: the gateway shows it as\n"
    "unknown and never takes it for a value. Of an 8-bit register the high byte is\n"
    "reserved; it is read first and written back unchanged.\n";

static const char *type_text(enum tinybms_register_type type) {
    switch (type) {
    case TINYBMS_U16:
        return "u16";
    case TINYBMS_I16:
        return "i16";
    case TINYBMS_U32:
        return "u32";
    case TINYBMS_F32:
        return "float";
    case TINYBMS_U8:
        return "u8";
    case TINYBMS_U8X2:
        return "2 x u8";
    case TINYBMS_I8X2:
        return "2 x i8";
    case TINYBMS_BITS:
        return "bits";
    case TINYBMS_BYTES:
        return "bytes";
    case TINYBMS_EVENT_LIST:
        return "events";
    }
    return "";
}

static const char *group_text(enum battery_group group) {
    switch (group) {
    case BATTERY_GROUP_LIVE:
        return "Live values: 0-53 in every fast sample";
    case BATTERY_GROUP_STATISTICS:
        return "Statistics: records since they were last cleared";
    case BATTERY_GROUP_EVENTS:
        return "Events";
    case BATTERY_GROUP_SETTINGS:
        return "Settings of the BMS";
    case BATTERY_GROUP_VERSION:
        return "Versions";
    case BATTERY_GROUP_COUNT:
        break;
    }
    return "";
}

static void print_count(const struct tinybms_register *r, FILE *out) {
    char number[DOCS_NUMBER_MAX];
    if (r->type == TINYBMS_F32) { /* the wire carries the unit itself; decimals are ours */
        (void)fprintf(out, "%s", r->unit);
    } else if (r->decimals != 0 || r->numerator != 1 || r->unit[0] != '\0') {
        (void)fprintf(out, "%s%s%s", docs_number(r->numerator, r->decimals, number),
                      r->unit[0] != '\0' ? " " : "", r->unit);
    }
}

static void print_range(const struct tinybms_register *r, FILE *out) {
    if (!r->ranged) {
        return;
    }
    if (r->type == TINYBMS_U8X2) {
        (void)fprintf(out, "low byte to %" PRId32 ", high byte to %" PRId32, r->max & 0xFF,
                      r->max >> 8);
    } else {
        (void)fprintf(out, "%" PRId32 " to %" PRId32, r->min, r->max);
    }
}

static void print_remarks(const struct tinybms_register *r, FILE *out) {
    const char *notes = tinybms_register_notes(r);
    const char *separator = "";
    if ((r->flags & TINYBMS_SINCE_D) != 0) {
        (void)fputs("of revision D", out);
        separator = "; ";
    }
    if ((r->flags & TINYBMS_ABSENT_8000) != 0) {
        (void)fprintf(out, "%s-32768: no such sensor", separator);
        separator = "; ";
    }
    if (notes[0] != '\0') {
        (void)fprintf(out, "%s%s", separator, notes);
        separator = "; ";
    }
    for (const struct tinybms_choice *c = r->choices; c != NULL && c->text != NULL; c++) {
        (void)fprintf(out, c->value < 0x20 ? "%s%u %s" : "%s0x%X %s",
                      c == r->choices ? separator : ", ", c->value, c->text);
    }
}

static void print_row(const struct tinybms_register *r, FILE *out) {
    if (r->words > 1) {
        (void)fprintf(out, "| %u-%u ", r->addr, r->addr + r->words - 1u);
    } else {
        (void)fprintf(out, "| %u ", r->addr);
    }
    (void)fprintf(out, "| `%s` | %s | ", r->name, type_text(r->type));
    print_count(r, out);
    (void)fprintf(out, " | %s | ", r->writable ? "read, write" : "read");
    print_range(r, out);
    (void)fputs(" | ", out);
    print_remarks(r, out);
    (void)fputs(" |\n", out);
}

bool docs_registers(FILE *out) {
    (void)fputs(introduction, out);
    enum battery_group group = BATTERY_GROUP_COUNT;
    for (size_t i = 0; i < tinybms_registers_count; i++) {
        const struct tinybms_register *r = &tinybms_registers[i];
        if (tinybms_register_group(r) != group) {
            group = tinybms_register_group(r);
            (void)fprintf(out,
                          "\n## %s\n\n"
                          "| register | name | type | one count | access | raw range | remarks |\n"
                          "|---|---|---|---|---|---|---|\n",
                          group_text(group));
        }
        print_row(r, out);
    }
    return true;
}
