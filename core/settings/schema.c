/* SPDX-License-Identifier: MIT */
/* The settings as JSON Schema 2020-12, from the same rows. Rules between settings and the forms of
 * links are not in it: settings_check() has them. */
#include <string.h>

#include "settings/row.h"
#include "settings/sections.h"

static void begin_section(struct json_writer *w, const char *name) {
    json_key(w, name);
    json_object_begin(w);
    json_key_string(w, "type", "object");
    json_key_bool(w, "additionalProperties", false);
    json_key(w, "properties");
    json_object_begin(w);
}

static void end_section(struct json_writer *w) {
    json_object_end(w);
    json_object_end(w);
}

static void write_number(struct json_writer *w, const char *key, const struct settings_row *row,
                         int64_t v) {
    unsigned decimals = row->decimals;

    settings_trim_decimals(&v, &decimals);
    json_key_fixed(w, key, v, decimals);
}

static void write_range(struct json_writer *w, const struct settings_row *row) {
    if (row->values != NULL) {
        json_key(w, "enum");
        json_array_begin(w);
        for (const uint32_t *value = row->values; *value != 0; value++)
            json_int(w, *value);
        json_array_end(w);
        return;
    }
    write_number(w, "minimum", row, row->or_zero && row->min > 0 ? 0 : row->min);
    write_number(w, "maximum", row, row->max);
    if (row->or_zero && row->min > 0) { /* 0 is good, what lies between it and min is not */
        json_key(w, "not");
        json_object_begin(w);
        json_key_int(w, "exclusiveMinimum", 0);
        write_number(w, "exclusiveMaximum", row, row->min);
        json_object_end(w);
    }
}

static void write_type(struct json_writer *w, const struct settings_row *row) {
    switch (row->type) {
    case SETTINGS_BOOL:
        json_key_string(w, "type", "boolean");
        return;
    case SETTINGS_UINT:
    case SETTINGS_DECIMAL:
        json_key_string(w, "type", row->type == SETTINGS_UINT ? "integer" : "number");
        write_range(w, row);
        return;
    case SETTINGS_ENUM:
        json_key_string(w, "type", "string");
        json_key(w, "enum");
        json_array_begin(w);
        for (size_t i = 0; row->choices[i] != NULL; i++)
            json_string(w, row->choices[i]);
        json_array_end(w);
        return;
    case SETTINGS_STRING:
        json_key_string(w, "type", "string");
        json_key_int(w, "minLength", row->min);
        json_key_int(w, "maxLength", row->max);
        return;
    }
}

static void write_row(struct json_writer *w, const struct settings_row *row,
                      const struct settings *defaults) {
    json_object_begin(w);
    json_key_string(w, "description", row->help);
    write_type(w, row);
    json_key(w, "default");
    settings_write_value(row, defaults, w);
    if (row->unit[0] != '\0')
        json_key_string(w, "x-unit", row->unit);
    if (row->restart)
        json_key_bool(w, "x-restart", true);
    if (row->secret)
        json_key_bool(w, "writeOnly", true);
    json_object_end(w);
}

/* A section may also be written by its founding name. */
static void write_founding_names(struct json_writer *w) {
    for (size_t i = 0; i < settings_founding_names_count; i++) {
        const struct settings_founding_name *name = &settings_founding_names[i];
        char reference[SETTINGS_KEY_MAX + 1];
        struct text t;
        if (!settings_is_section(name->today))
            continue;
        text_init(&t, reference, sizeof reference);
        text_str(&t, "#/properties/");
        text_str(&t, name->today);
        json_key(w, name->founding);
        json_object_begin(w);
        json_key_string(w, "$ref", reference);
        json_key_bool(w, "deprecated", true);
        json_object_end(w);
    }
}

int settings_schema(char *buf, size_t cap) {
    struct settings_sections sections;
    struct settings defaults;
    struct json_writer w;

    settings_defaults(&defaults);
    json_writer_init(&w, buf, cap, true);
    json_object_begin(&w);
    json_key_string(&w, "$schema", "https://json-schema.org/draft/2020-12/schema");
    json_key_string(&w, "title", "Settings of tinybms-gw");
    json_key_string(&w, "$comment",
                    "Keys may also be written dotted, like \"cvl.margin_mv\"; this describes the "
                    "nested form. Rules between settings are checked by the gateway alone.");
    json_key_string(&w, "type", "object");
    json_key_bool(&w, "additionalProperties", false);
    json_key(&w, "properties");
    json_object_begin(&w);
    settings_sections_init(&sections, &w, begin_section, end_section);
    for (size_t i = 0; i < settings_table_rows; i++) {
        json_key(&w, settings_sections_enter(&sections, settings_table[i].key));
        write_row(&w, &settings_table[i], &defaults);
    }
    settings_sections_finish(&sections);
    write_founding_names(&w);
    json_object_end(&w);
    json_object_end(&w);
    return json_writer_finish(&w);
}
