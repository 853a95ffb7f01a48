/* SPDX-License-Identifier: MIT */
#include "settings/settings.h"

#include <assert.h>
#include <string.h>

#include "settings/row.h"

void settings_defaults(struct settings *s) {
    memset(s, 0, sizeof *s); /* the padding too: equal settings are equal bytes */
    for (size_t i = 0; i < settings_table_rows; i++)
        settings_store_preset(&settings_table[i], s);
}

/* The text of a command line as a value of the row's type; where it is none of that type, as the
 * bare word that it is, which the row then refuses. */
static void value_from_text(const struct settings_row *row, const char *text,
                            struct settings_value *v) {
    int err;

    memset(v, 0, sizeof *v);
    v->raw = text;
    v->raw_length = strlen(text);
    v->text = text;
    switch (row->type) {
    case SETTINGS_BOOL:
        v->kind = strcmp(text, "true") == 0    ? JSON_TRUE
                  : strcmp(text, "false") == 0 ? JSON_FALSE
                                               : JSON_STRING;
        return;
    case SETTINGS_UINT:
    case SETTINGS_DECIMAL:
        err = json_number_parse(text, v->raw_length, &v->number);
        v->kind = err == GW_ERR_SYNTAX ? JSON_STRING : JSON_NUMBER;
        v->unrepresentable = err == GW_ERR_RANGE;
        return;
    case SETTINGS_ENUM:
    case SETTINGS_STRING:
        v->kind = JSON_STRING;
        return;
    }
}

int settings_assign(struct settings *s, const char *assignment, struct settings_error *e) {
    const char *equals = strchr(assignment, '=');
    char given[SETTINGS_KEY_MAX + 1], key[SETTINGS_KEY_MAX + 1];
    const struct settings_row *row;
    struct settings_value v;
    struct text t;
    size_t n;
    int err;

    if (equals == NULL) {
        err = settings_refuse(e, GW_ERR_SYNTAX, "", &t);
        text_str(&t, "expected key=value, not ");
        settings_text_foreign(&t, assignment, strlen(assignment));
        return err;
    }
    n = (size_t)(equals - assignment);
    if (n > SETTINGS_KEY_MAX)
        n = SETTINGS_KEY_MAX;
    memcpy(given, assignment, n);
    given[n] = '\0';
    settings_canonical_key(given, key);
    row = assignment + n == equals ? settings_find(key) : NULL;
    if (row == NULL && settings_is_section(key)) {
        err = settings_refuse(e, GW_ERR_TYPE, given, &t);
        text_str(&t, "a section, not a setting");
        return err;
    }
    if (row == NULL)
        return settings_refuse_unknown(e, given);
    value_from_text(row, equals + 1, &v);
    return settings_store(row, s, &v, e);
}

bool settings_needs_restart(const struct settings *a, const struct settings *b, const char **key) {
    for (size_t i = 0; i < settings_table_rows; i++) {
        const struct settings_row *row = &settings_table[i];
        bool same = row->type == SETTINGS_STRING
                        ? strcmp(settings_text(row, a), settings_text(row, b)) == 0
                        : settings_load(row, a) == settings_load(row, b);
        if (row->restart && !same) {
            *key = row->key;
            return true;
        }
    }
    return false;
}
