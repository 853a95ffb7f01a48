/* SPDX-License-Identifier: MIT */
/* What a user reads when a setting is refused. All that comes from outside is cut and made
 * printable: a message may end on a terminal or in a log. */
#include <string.h>

#include "settings/row.h"

/* Foreign text in a message: enough to recognise it. */
enum { FOREIGN_MAX = 40 };

void settings_text_foreign(struct text *t, const char *s, size_t n) {
    size_t shown = n > FOREIGN_MAX ? FOREIGN_MAX : n;

    for (size_t i = 0; i < shown; i++)
        text_char(t, s[i] >= 0x20 && s[i] < 0x7F ? s[i] : '?');
    if (shown < n)
        text_str(t, "...");
}

int settings_refuse(struct settings_error *e, int err, const char *key, struct text *t) {
    size_t length = strlen(key);
    struct text key_text;

    memset(e, 0, sizeof *e);
    e->err = err;
    text_init(&key_text, e->key, sizeof e->key);
    for (size_t i = 0; i < length; i++)
        text_char(&key_text, key[i] >= 0x20 && key[i] < 0x7F ? key[i] : '?');
    text_init(t, e->text, sizeof e->text);
    if (length > 0) {
        text_str(t, e->key);
        text_str(t, key_text.overflow ? "...: " : ": ");
    }
    return err;
}

void settings_text_value(struct text *t, const struct settings_value *v) {
    switch (v->kind) {
    case JSON_OBJECT_BEGIN:
        text_str(t, "an object");
        return;
    case JSON_ARRAY_BEGIN:
        text_str(t, "a list");
        return;
    case JSON_STRING:
        text_char(t, '"');
        settings_text_foreign(t, v->text, strlen(v->text));
        text_char(t, '"');
        return;
    case JSON_NUMBER:
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
    case JSON_END:
    case JSON_OBJECT_END:
    case JSON_ARRAY_END:
    case JSON_KEY:
    case JSON_ERROR:
        settings_text_foreign(t, v->raw, v->raw_length);
        return;
    }
}

void settings_trim_decimals(int64_t *v, unsigned *decimals) {
    for (; *decimals > 0 && *v % 10 == 0; (*decimals)--)
        *v /= 10;
}

static void text_trimmed(struct text *t, const struct settings_row *row, int64_t v) {
    unsigned decimals = row->decimals;

    settings_trim_decimals(&v, &decimals);
    text_fixed(t, v, decimals);
}

static void text_unit(struct text *t, const struct settings_row *row) {
    if (row->unit[0] != '\0') {
        text_char(t, ' ');
        text_str(t, row->unit);
    }
}

void settings_text_number(struct text *t, const struct settings_row *row, int64_t v) {
    text_trimmed(t, row, v);
    text_unit(t, row);
}

void settings_text_range(struct text *t, const struct settings_row *row) {
    if (row->type == SETTINGS_BOOL) {
        text_str(t, "true or false");
        return;
    }
    if (row->choices != NULL) {
        for (size_t i = 0; row->choices[i] != NULL; i++) {
            text_str(t, i == 0 ? "" : ", ");
            text_str(t, row->choices[i]);
        }
        return;
    }
    if (row->values != NULL) {
        for (size_t i = 0; row->values[i] != 0; i++) {
            text_str(t, i == 0 ? "" : ", ");
            text_int(t, row->values[i]);
        }
        text_unit(t, row);
        return;
    }
    text_trimmed(t, row, row->min);
    text_str(t, " to ");
    settings_text_number(t, row, row->max);
    if (row->type == SETTINGS_STRING)
        text_str(t, " bytes");
    if (row->or_zero && row->min > 0)
        text_str(t, ", or 0");
}

/* Bytes to insert, delete or replace (Levenshtein), counted up to `most`. b: n bytes. */
static size_t distance(const char *a, const char *b, size_t n, size_t most) {
    size_t row[SETTINGS_KEY_MAX + 1];
    size_t length = strlen(a);

    if (n > SETTINGS_KEY_MAX || length > n + most || n > length + most)
        return most + 1;
    for (size_t k = 0; k <= n; k++)
        row[k] = k;
    for (size_t i = 0; i < length; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t k = 0; k < n; k++) {
            size_t cost = diagonal + (a[i] != b[k]);
            diagonal = row[k + 1];
            if (diagonal + 1 < cost)
                cost = diagonal + 1;
            if (row[k] + 1 < cost)
                cost = row[k] + 1;
            row[k + 1] = cost;
        }
    }
    return row[n];
}

static const char *last_part(const char *key) {
    const char *dot = strrchr(key, '.');
    return dot == NULL ? key : dot + 1;
}

static size_t count_dots(const char *s, size_t n) {
    size_t dots = 0;

    for (size_t i = 0; i < n; i++)
        dots += s[i] == '.';
    return dots;
}

/* The setting nearest to key, or the section if one of its depth is nearer: `length` bytes of the
 * result, or NULL. A name that is right but stands in the wrong section is near too. */
static const char *nearest(const char *key, size_t *length) {
    size_t dots = count_dots(key, strlen(key));
    size_t best = strlen(key) / 3 < 2 ? 2 : strlen(key) / 3;
    const char *found = NULL;

    for (size_t i = 0; i < settings_table_rows; i++) {
        const char *candidate = settings_table[i].key;
        size_t n = strlen(candidate);
        if (best > 1 && strcmp(last_part(key), last_part(candidate)) == 0) {
            best = 1;
            found = candidate;
            *length = n;
        }
        for (size_t end = 1; end <= n; end++) { /* the sections it stands in, and itself */
            size_t cost;
            if (end < n && (candidate[end] != '.' || count_dots(candidate, end) != dots))
                continue;
            cost = distance(key, candidate, end, best);
            if (cost < best || (cost == best && found == NULL)) {
                best = cost;
                found = candidate;
                *length = end;
            }
        }
    }
    return found;
}

int settings_refuse_unknown(struct settings_error *e, const char *key) {
    struct text t;
    size_t length = 0;
    const char *near = nearest(key, &length);
    int err = settings_refuse(e, GW_ERR_UNKNOWN, key, &t);

    text_str(&t, "unknown setting");
    if (near != NULL) {
        text_str(&t, "; did you mean ");
        for (size_t i = 0; i < length; i++)
            text_char(&t, near[i]);
        text_char(&t, '?');
    }
    return err;
}
