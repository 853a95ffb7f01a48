/* SPDX-License-Identifier: MIT */
/* One row and its value: found, checked, stored, loaded, written. All that knows how a value of a
 * type lies in struct settings is here. */
#include "settings/row.h"

#include <assert.h>
#include <string.h>

_Static_assert(sizeof(int32_t) == sizeof(uint32_t), "a decimal may lie in either");

const struct settings_founding_name settings_founding_names[] = {
    {"cvl_algorithm", "cvl"},
    {"web_server", "webserver"},
};
const size_t settings_founding_names_count =
    sizeof settings_founding_names / sizeof settings_founding_names[0];

void settings_canonical_key(const char *key, char buf[SETTINGS_KEY_MAX + 1]) {
    struct text t;

    text_init(&t, buf, SETTINGS_KEY_MAX + 1);
    for (size_t i = 0; i < settings_founding_names_count; i++) {
        const struct settings_founding_name *name = &settings_founding_names[i];
        size_t length = strlen(name->founding);
        if (strncmp(key, name->founding, length) == 0 &&
            (key[length] == '.' || key[length] == '\0')) {
            text_str(&t, name->today);
            key += length;
            break;
        }
    }
    text_str(&t, key);
    if (t.overflow) /* no setting is that long: make sure that no beginning of it is taken for one
                     */
        buf[0] = '\0';
}

const struct settings_row *settings_find(const char *key) {
    for (size_t i = 0; i < settings_table_rows; i++)
        if (strcmp(key, settings_table[i].key) == 0)
            return &settings_table[i];
    return NULL;
}

bool settings_is_section(const char *key) {
    size_t length = strlen(key);

    for (size_t i = 0; i < settings_table_rows; i++)
        if (strncmp(key, settings_table[i].key, length) == 0 &&
            settings_table[i].key[length] == '.')
            return true;
    return false;
}

/* Stores a value that was checked. */
static void put_number(const struct settings_row *row, struct settings *s, int64_t v) {
    unsigned char *at = (unsigned char *)s + row->offset;
    uint32_t word = (uint32_t)v;
    int32_t signed_word = (int32_t)v;
    bool flag = v != 0;

    switch (row->type) {
    case SETTINGS_BOOL:
        memcpy(at, &flag, sizeof flag);
        return;
    case SETTINGS_UINT:
    case SETTINGS_ENUM:
        memcpy(at, &word, sizeof word);
        return;
    case SETTINGS_DECIMAL:
        memcpy(at, &signed_word, sizeof signed_word);
        return;
    case SETTINGS_STRING:
        break;
    }
    assert(false);
}

static void put_text(const struct settings_row *row, struct settings *s, const char *text) {
    char *at = (char *)s + row->offset;
    size_t length = strlen(text);

    assert(length < row->capacity);
    memset(at, 0, row->capacity); /* equal settings are equal bytes */
    memcpy(at, text, length + 1);
}

int64_t settings_load(const struct settings_row *row, const struct settings *s) {
    const unsigned char *at = (const unsigned char *)s + row->offset;
    uint32_t word;
    int32_t signed_word;
    bool flag;

    switch (row->type) {
    case SETTINGS_BOOL:
        memcpy(&flag, at, sizeof flag);
        return flag;
    case SETTINGS_UINT:
    case SETTINGS_ENUM:
        memcpy(&word, at, sizeof word);
        return word;
    case SETTINGS_DECIMAL:
        memcpy(&signed_word, at, sizeof signed_word);
        return signed_word;
    case SETTINGS_STRING:
        break;
    }
    assert(false);
    return 0;
}

const char *settings_text(const struct settings_row *row, const struct settings *s) {
    assert(row->type == SETTINGS_STRING);
    return (const char *)s + row->offset;
}

void settings_store_preset(const struct settings_row *row, struct settings *s) {
    if (row->type == SETTINGS_STRING)
        put_text(row, s, row->text_preset);
    else
        put_number(row, s, row->preset);
}

static int refuse_type(const struct settings_row *row, const struct settings_value *v,
                       struct settings_error *e) {
    static const char *const expected[] = {
        [SETTINGS_BOOL] = "",
        [SETTINGS_UINT] = "a whole number, ",
        [SETTINGS_DECIMAL] = "a number, ",
        [SETTINGS_ENUM] = "one of ",
        [SETTINGS_STRING] = "a text of ",
    };
    struct text t;
    int err = settings_refuse(e, GW_ERR_TYPE, row->key, &t);

    text_str(&t, "expected ");
    text_str(&t, expected[row->type]);
    settings_text_range(&t, row);
    text_str(&t, ", not ");
    if (row->secret)
        text_str(&t, "what was given");
    else
        settings_text_value(&t, v);
    return err;
}

static int refuse_range(const struct settings_row *row, const struct settings_value *v,
                        struct settings_error *e) {
    struct text t;
    int err = settings_refuse(e, GW_ERR_RANGE, row->key, &t);

    if (row->secret)
        text_str(&t, "what was given");
    else
        settings_text_value(&t, v);
    if (row->type == SETTINGS_STRING)
        text_str(&t, " does not have ");
    else if (row->choices != NULL || row->values != NULL)
        text_str(&t, " is not one of ");
    else
        text_str(&t, " is out of range ");
    settings_text_range(&t, row);
    return err;
}

static bool in_range(const struct settings_row *row, int64_t v) {
    if (row->values != NULL) {
        for (const uint32_t *value = row->values; *value != 0; value++)
            if (v == *value)
                return true;
        return false;
    }
    return (v >= row->min && v <= row->max) || (row->or_zero && v == 0);
}

static int store_number(const struct settings_row *row, struct settings *s,
                        const struct settings_value *v, struct settings_error *e) {
    struct text t;
    int64_t stored;
    int err;

    if (v->kind != JSON_NUMBER)
        return refuse_type(row, v, e);
    if (v->unrepresentable)
        return refuse_range(row, v, e);
    if (json_number_scaled(&v->number, row->decimals, &stored) != 0) {
        if (row->type == SETTINGS_UINT)
            return refuse_type(row, v, e);
        if (v->number.decimals <= row->decimals)
            return refuse_range(row, v, e);
        err = settings_refuse(e, GW_ERR_RANGE, row->key, &t);
        settings_text_value(&t, v);
        text_str(&t, " has more than ");
        text_int(&t, row->decimals);
        text_str(&t, row->decimals == 1 ? " decimal" : " decimals");
        return err;
    }
    if (!in_range(row, stored))
        return refuse_range(row, v, e);
    put_number(row, s, stored);
    return 0;
}

static int store_choice(const struct settings_row *row, struct settings *s,
                        const struct settings_value *v, struct settings_error *e) {
    if (v->kind != JSON_STRING)
        return refuse_type(row, v, e);
    for (uint32_t i = 0; row->choices[i] != NULL; i++)
        if (strcmp(v->text, row->choices[i]) == 0) {
            put_number(row, s, i);
            return 0;
        }
    return refuse_range(row, v, e);
}

static int store_text(const struct settings_row *row, struct settings *s,
                      const struct settings_value *v, struct settings_error *e) {
    struct text t;
    size_t length, at;
    int err;

    if (v->kind != JSON_STRING)
        return refuse_type(row, v, e);
    if (row->secret && strcmp(v->text, SETTINGS_MASK) == 0)
        return 0;
    length = strlen(v->text);
    if ((int64_t)length < row->min || (int64_t)length > row->max)
        return refuse_range(row, v, e);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)v->text[i] < 0x20 || v->text[i] == 0x7F) {
            err = settings_refuse(e, GW_ERR_RANGE, row->key, &t);
            text_str(&t, "has a control character at byte ");
            text_int(&t, (int64_t)i + 1);
            return err;
        }
    if (!json_is_utf8(v->text, length, &at)) { /* only from a command line: no file could hold it */
        err = settings_refuse(e, GW_ERR_RANGE, row->key, &t);
        text_str(&t, "is not UTF-8 at byte ");
        text_int(&t, (int64_t)at + 1);
        return err;
    }
    put_text(row, s, v->text);
    return 0;
}

int settings_store(const struct settings_row *row, struct settings *s,
                   const struct settings_value *v, struct settings_error *e) {
    switch (row->type) {
    case SETTINGS_BOOL:
        if (v->kind != JSON_TRUE && v->kind != JSON_FALSE)
            return refuse_type(row, v, e);
        put_number(row, s, v->kind == JSON_TRUE);
        return 0;
    case SETTINGS_UINT:
    case SETTINGS_DECIMAL:
        return store_number(row, s, v, e);
    case SETTINGS_ENUM:
        return store_choice(row, s, v, e);
    case SETTINGS_STRING:
        return store_text(row, s, v, e);
    }
    assert(false);
    return GW_ERR_UNKNOWN;
}

void settings_write_value(const struct settings_row *row, const struct settings *s,
                          struct json_writer *w) {
    const char *text;
    unsigned decimals = row->decimals;
    int64_t v;

    if (row->type == SETTINGS_STRING) {
        text = settings_text(row, s);
        json_string(w, row->secret && *text != '\0' ? SETTINGS_MASK : text);
        return;
    }
    v = settings_load(row, s);
    if (row->type == SETTINGS_BOOL) {
        json_bool(w, v != 0);
    } else if (row->type == SETTINGS_ENUM) {
        json_string(w, row->choices[v]);
    } else {
        settings_trim_decimals(&v, &decimals);
        json_fixed(w, v, decimals);
    }
}
