/* SPDX-License-Identifier: MIT */
/* docs/user/settings.md from core/settings/table.c. */
#include "settings/settings.h"

#include <string.h>

#include "docs.h"

static const char introduction[] =
    "<!-- Generated from core/settings/table.c by `make docs`. Do not edit. -->\n"
    "# Settings\n"
    "\n"
    "A settings file is one JSON object, nested (`{\"tinybms\": {\"poll_interval_ms\": 200}}`)\n"
    "or with dotted keys (`{\"tinybms.poll_interval_ms\": 200}`). What it does not name has\n"
    "its default; the gateway runs without any file. Without `-c FILE` it is looked for at\n"
    "`$XDG_CONFIG_HOME/tinybms-gw/config.json`, then at `/etc/tinybms-gw/config.json`.\n"
    "`--set KEY=VALUE` on the command line goes over the file.\n"
    "\n"
    "A file is taken as a whole or refused as a whole: an unknown key, a key given twice, a\n"
    "wrong type or a value out of range is named with its range, and nothing of the file is\n"
    "used. Ask before you restart:\n"
    "\n"
    "```sh\n"
    "tinybms-gw check --set tinybms.poll_interval_ms=200\n"
    "tinybms-gw schema\n"
    "```\n"
    "\n"
    "`check` prints the effective settings; `schema` prints them as JSON Schema, for an\n"
    "editor.\n"
    "\n"
    "A running gateway reads its file again on SIGHUP. A setting marked *restart* waits for\n"
    "the next start.\n"
    "\n"
    "Rules between settings:\n"
    "\n"
    "- `tinybms.poll_interval_ms` x 3 <= `stale_close_ms` < `stale_zero_ms` <=\n"
    "  `stale_zero_discharge_ms` < `stale_silent_ms`;\n"
    "- under `victron.thresholds`, low is less than high and a warning less than its alarm;\n"
    "  a voltage of 0 is left out of this;\n"
    "- a name does not begin like that of a maker whose batteries a GX treats specially;\n"
    "- a serial device is not the BMS's and the CAN adapter's at once, and no GPIO has two\n"
    "  uses.\n";

static void print_values(const struct settings_row *r, FILE *out) {
    char low[DOCS_NUMBER_MAX], high[DOCS_NUMBER_MAX];
    switch (r->type) {
    case SETTINGS_BOOL:
        (void)fputs("`true`, `false`", out);
        return;
    case SETTINGS_ENUM:
        for (const char *const *c = r->choices; *c != NULL; c++) {
            (void)fprintf(out, "%s`%s`", c == r->choices ? "" : ", ", *c);
        }
        return;
    case SETTINGS_STRING:
        (void)fprintf(out, "text, %s to %s characters", docs_number(r->min, 0, low),
                      docs_number(r->max, 0, high));
        return;
    case SETTINGS_UINT:
    case SETTINGS_DECIMAL:
        break;
    }
    if (r->values != NULL) {
        for (const uint32_t *v = r->values; *v != 0; v++) {
            (void)fprintf(out, "%s%s", v == r->values ? "" : ", ", docs_number(*v, 0, low));
        }
    } else {
        (void)fprintf(out, "%s%s to %s", r->or_zero ? "0, or " : "",
                      docs_number(r->min, r->decimals, low),
                      docs_number(r->max, r->decimals, high));
    }
    (void)fprintf(out, "%s%s", r->unit[0] != '\0' ? " " : "", r->unit);
}

static void print_preset(const struct settings_row *r, FILE *out) {
    char number[DOCS_NUMBER_MAX];
    switch (r->type) {
    case SETTINGS_BOOL:
        (void)fputs(r->preset != 0 ? "`true`" : "`false`", out);
        return;
    case SETTINGS_ENUM:
        (void)fprintf(out, "`%s`", r->choices[r->preset]);
        return;
    case SETTINGS_STRING:
        if (r->text_preset == NULL || r->text_preset[0] == '\0') {
            (void)fputs("(empty)", out);
        } else {
            (void)fprintf(out, "`%s`", r->text_preset);
        }
        return;
    case SETTINGS_UINT:
    case SETTINGS_DECIMAL:
        break;
    }
    (void)fprintf(out, "%s", docs_number(r->preset, r->decimals, number));
}

static size_t section_length(const char *key) {
    return strcspn(key, ".");
}

bool docs_settings(FILE *out) {
    (void)fputs(introduction, out);
    const char *section = "";
    for (size_t i = 0; i < settings_table_rows; i++) {
        const struct settings_row *r = &settings_table[i];
        size_t n = section_length(r->key);
        if (n != section_length(section) || strncmp(section, r->key, n) != 0) {
            section = r->key;
            (void)fprintf(out,
                          "\n## %.*s\n\n"
                          "| key | values | default | what it does |\n"
                          "|---|---|---|---|\n",
                          (int)n, section);
        }
        (void)fprintf(out, "| `%s` | ", r->key);
        print_values(r, out);
        (void)fputs(" | ", out);
        print_preset(r, out);
        (void)fprintf(out, " | %s%s%s |\n", r->help, r->restart ? " *Restart.*" : "",
                      r->secret ? " *Secret: never shown.*" : "");
    }
    return true;
}
