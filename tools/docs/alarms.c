/* SPDX-License-Identifier: MIT */
/* docs/protocol/alarms.md from core/policy/alarm_table.c. */
#include "policy/alarm_table.h"

#include <string.h>

#include "docs.h"

static const char introduction[] =
    "<!-- Generated from core/policy/alarm_table.c by `make docs`. Do not edit. -->\n"
    "# Alarms and warnings\n"
    "\n"
    "What a GX is told in frame 0x35A. Thresholds follow the BMS's own settings, so that\n"
    "the GX hears of a danger when the BMS acts on it, and is warned before; thresholds of\n"
    "the gateway's own are settings, see [settings.md](../user/settings.md). Several rows\n"
    "may feed one pair: it is active while any of them is.\n"
    "\n"
    "A row becomes active when its value has been beyond the threshold for the debounce\n"
    "time, and clears at once when the value is back behind the hysteresis. A row whose\n"
    "value or threshold is not known keeps its state. The pairs steer nothing: a GX obeys\n"
    "the limits in 0x351 alone.\n"
    "\n"
    "| pair | level | active when | hysteresis | debounce |\n"
    "|---|---|---|---|---|\n";

/* How the numbers of a row are to be read. */
struct unit {
    const char *text;
    unsigned decimals;
};

static struct unit unit_of(const struct alarm_row *row) {
    static const struct unit millivolt = {"mV", 0}, ampere = {"A", 3}, kelvin = {"K", 1},
                             percent = {"%", 2}, none = {"", 0};
    switch (row->id) {
    case ALARM_HIGH_VOLTAGE:
    case ALARM_LOW_VOLTAGE:
        return strncmp(row->what, "SOC", 3) == 0 ? percent : millivolt;
    case ALARM_CELL_IMBALANCE:
        return millivolt;
    case ALARM_HIGH_TEMPERATURE:
    case ALARM_LOW_TEMPERATURE:
    case ALARM_HIGH_TEMPERATURE_CHARGE:
    case ALARM_LOW_TEMPERATURE_CHARGE:
        return kelvin;
    case ALARM_HIGH_CURRENT:
    case ALARM_HIGH_CHARGE_CURRENT:
        return ampere;
    case ALARM_GENERAL:
    case ALARM_CONTACTOR:
    case ALARM_SHORT_CIRCUIT:
    case ALARM_BMS_INTERNAL:
    case ALARM_COUNT:
        break;
    }
    return none;
}

static void print_row(const struct alarm_row *row, FILE *out) {
    char number[DOCS_NUMBER_MAX];
    (void)fprintf(out, "| %s | %s | %s | ", alarm_text(row->id),
                  row->is_warning ? "warning" : "alarm", row->what);
    if (row->hysteresis != 0) {
        struct unit unit = unit_of(row);
        (void)fprintf(out, "%s%s%s", docs_number(row->hysteresis, unit.decimals, number),
                      unit.text[0] != '\0' ? " " : "", unit.text);
    }
    if (row->debounce_ms != 0) {
        (void)fprintf(out, " | %s s |\n", docs_number(row->debounce_ms, 3, number));
    } else {
        (void)fputs(" | none |\n", out);
    }
}

bool docs_alarms(FILE *out) {
    (void)fputs(introduction, out);
    for (unsigned i = 0; i < alarm_table_rows; i++) {
        print_row(&alarm_table[i], out);
    }
    (void)fputs(
        "\n## The pairs of 0x35A\n\n"
        "Pair k occupies bits 2k and 2k + 1 of the frame: 01 active, 10 supported and quiet,\n"
        "00 not supported.\n\n"
        "| pair | alarm | warning | sent |\n"
        "|---|---|---|---|\n",
        out);
    for (unsigned id = 0; id < ALARM_COUNT; id++) {
        (void)fprintf(out, "| %s | %u | %u | %s |\n", alarm_text((enum alarm_id)id), id, id + 16,
                      alarm_supported((enum alarm_id)id) ? "yes" : "not supported");
    }
    (void)fputs(
        "\nPair 29 is the system's state: active while online, that is, while data is fresh\n"
        "enough and the BMS reports no fault.\n",
        out);
    return true;
}
