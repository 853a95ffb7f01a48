/* SPDX-License-Identifier: MIT */
/* Inside core/settings: one row at a time. Not for other modules. */
#ifndef CORE_SETTINGS_ROW_H
#define CORE_SETTINGS_ROW_H

#include "settings/settings.h"
#include "json/json.h"

enum {
    SETTINGS_ROWS_MAX = 256,
    SETTINGS_KEY_MAX = 63, /* bytes of a dotted key; a longer one is no setting */
};

/* What a secret is shown as, and what leaves it as it is when read. */
#define SETTINGS_MASK "********"

/* A value as somebody gave it, in a file or on the command line. */
struct settings_value {
    enum json_token kind;      /* of a value: JSON_OBJECT_BEGIN to JSON_NULL */
    const char *text;          /* JSON_STRING: decoded, NUL-terminated */
    struct json_number number; /* JSON_NUMBER */
    bool unrepresentable;      /* JSON_NUMBER: more than `number` can hold */
    const char *raw;           /* as it was written, for messages; raw_length bytes */
    size_t raw_length;
};

/* Names of sections in the founding documents that are still read. */
struct settings_founding_name {
    const char *founding, *today;
};
extern const struct settings_founding_name settings_founding_names[];
extern const size_t settings_founding_names_count;

/* Writes `key` into buf with a founding name of its section replaced by today's; an empty text when
 * the key is too long to be a setting. */
void settings_canonical_key(const char *key, char buf[SETTINGS_KEY_MAX + 1]);
/* The row of a canonical key, or NULL. */
const struct settings_row *settings_find(const char *key);
/* Whether rows stand below a canonical key: "hardware.uart". */
bool settings_is_section(const char *key);

/* Sets one setting: 0, or GW_ERR_TYPE, GW_ERR_RANGE with *e filled and *s unchanged. */
int settings_store(const struct settings_row *row, struct settings *s,
                   const struct settings_value *v, struct settings_error *e);
void settings_store_preset(const struct settings_row *row, struct settings *s);
/* The stored number, choice or truth value; not for SETTINGS_STRING. */
int64_t settings_load(const struct settings_row *row, const struct settings *s);
/* The stored text, only for SETTINGS_STRING. */
const char *settings_text(const struct settings_row *row, const struct settings *s);
/* The setting as one JSON value. */
void settings_write_value(const struct settings_row *row, const struct settings *s,
                          struct json_writer *w);

/* Begins the message of an error with its key, and leaves t ready for the rest. Returns err. */
int settings_refuse(struct settings_error *e, int err, const char *key, struct text *t);
/* Adds what was given, as it was written, cut and made printable. */
void settings_text_value(struct text *t, const struct settings_value *v);
/* Adds n bytes of foreign text: at most a few dozen, '?' for what is not printable ASCII. */
void settings_text_foreign(struct text *t, const char *s, size_t n);
/* Adds a number of the row's stored units without needless decimals, and its unit. */
void settings_text_number(struct text *t, const struct settings_row *row, int64_t v);
/* Adds what the row allows: "20 to 2000 ms", "8 to 80 V, or 0", "auto, ascending, descending". */
void settings_text_range(struct text *t, const struct settings_row *row);
/* Drops decimals that are 0: 12500, 3 becomes 125, 1. */
void settings_trim_decimals(int64_t *v, unsigned *decimals);

/* Refuses a key that is no setting, with the nearest one if there is one near. GW_ERR_UNKNOWN. */
int settings_refuse_unknown(struct settings_error *e, const char *key);

#endif
