/* SPDX-License-Identifier: MIT */
/* A settings file, in and out. In: the dotted key of each value is put together from the names of
 * the objects around it, so {"cvl": {"margin_mv": 5}}, {"cvl.margin_mv": 5} and mixtures of both
 * are the same, and the row of that key does the rest. */
#include <assert.h>
#include <string.h>

#include "settings/row.h"
#include "settings/sections.h"

struct parser {
    struct json_reader reader;
    struct settings *s; /* the copy that is filled */
    struct settings_error *e;
    char path[2 * SETTINGS_KEY_MAX];        /* the dotted key as given, cut when it is too long */
    size_t path_length[JSON_DEPTH_MAX + 1]; /* of the names around the objects of each depth */
    uint32_t line, column;                  /* of the last key */
    uint8_t given[(SETTINGS_ROWS_MAX + 7) / 8]; /* one bit a row */
};

/* Refusals that blame the key keep its place; those that blame the value have it now. */
static int at_key(struct parser *p, int err) {
    p->e->line = p->line;
    p->e->column = p->column;
    return err;
}

static int at_value(struct parser *p, int err) {
    p->e->line = p->reader.line;
    p->e->column = p->reader.column;
    return err;
}

static int refuse_syntax(struct parser *p) {
    struct text t;

    settings_refuse(p->e, GW_ERR_SYNTAX, p->path, &t);
    text_str(&t, p->reader.error);
    return at_value(p, GW_ERR_SYNTAX);
}

/* path = the names around the present object, and this one. */
static void enter_key(struct parser *p) {
    struct text t;
    size_t around = p->path_length[p->reader.depth];

    text_init(&t, p->path + around, sizeof p->path - around);
    if (around > 0)
        text_char(&t, '.');
    text_str(&t, p->reader.text);
    p->line = p->reader.line;
    p->column = p->reader.column;
}

/* After a value or an object: path names the object around it again. */
static void leave_key(struct parser *p) {
    p->path[p->path_length[p->reader.depth]] = '\0';
}

static void read_given(const struct json_reader *r, enum json_token token,
                       struct settings_value *v) {
    memset(v, 0, sizeof *v);
    v->kind = token;
    v->text = r->text;
    v->number = r->number;
    v->raw = r->input + r->start;
    v->raw_length = r->pos - r->start;
}

/* The value of the key in path; token is its first. */
static int take_value(struct parser *p, enum json_token token) {
    char key[SETTINGS_KEY_MAX + 1];
    const struct settings_row *row;
    struct settings_value v;
    struct text t;
    size_t index;
    int err;

    settings_canonical_key(p->path, key);
    row = settings_find(key);
    read_given(&p->reader, token, &v);
    if (row == NULL && settings_is_section(key)) {
        if (token == JSON_OBJECT_BEGIN) {
            p->path_length[p->reader.depth] = strlen(p->path);
            return 0;
        }
        err = settings_refuse(p->e, GW_ERR_TYPE, p->path, &t);
        text_str(&t, "expected an object of settings, not ");
        settings_text_value(&t, &v);
        return at_value(p, err);
    }
    if (row == NULL)
        return at_key(p, settings_refuse_unknown(p->e, p->path));
    index = (size_t)(row - settings_table);
    if ((p->given[index / 8] >> index % 8 & 1) != 0) {
        err = settings_refuse(p->e, GW_ERR_SYNTAX, row->key, &t);
        text_str(&t, "given twice");
        return at_key(p, err);
    }
    p->given[index / 8] |= (uint8_t)(1u << index % 8);
    err = settings_store(row, p->s, &v, p->e);
    if (err != 0)
        return at_value(p, err);
    leave_key(p);
    return 0;
}

static int parse_document(struct parser *p) {
    struct json_reader *r = &p->reader;
    enum json_token token = json_next(r);
    struct text t;
    int err = 0;

    if (token != JSON_OBJECT_BEGIN && token != JSON_ERROR) {
        err = settings_refuse(p->e, GW_ERR_TYPE, "", &t);
        text_str(&t, "expected a JSON object of settings");
        return at_value(p, err);
    }
    while (err == 0 && token != JSON_END && token != JSON_ERROR) {
        token = json_next(r);
        if (token == JSON_OBJECT_END) {
            leave_key(p);
        } else if (token == JSON_KEY) {
            enter_key(p);
            token = json_next(r);
            if (token != JSON_ERROR)
                err = take_value(p, token);
        }
    }
    return token == JSON_ERROR ? refuse_syntax(p) : err;
}

int settings_parse(struct settings *s, const char *json, size_t n, struct settings_error *e) {
    struct settings copy = *s;
    struct parser p;
    struct text t;
    int err;

    assert(settings_table_rows <= SETTINGS_ROWS_MAX);
    if (n > SETTINGS_JSON_MAX) {
        err = settings_refuse(e, GW_ERR_SPACE, "", &t);
        text_str(&t, "more than ");
        text_int(&t, SETTINGS_JSON_MAX);
        text_str(&t, " bytes of settings");
        return err;
    }
    memset(&p, 0, sizeof p);
    json_reader_init(&p.reader, json, n);
    p.s = &copy;
    p.e = e;
    err = parse_document(&p);
    if (err == 0)
        *s = copy;
    return err;
}

static void begin_section(struct json_writer *w, const char *name) {
    json_key(w, name);
    json_object_begin(w);
}

int settings_print(const struct settings *s, char *buf, size_t cap) {
    struct settings_sections sections;
    struct json_writer w;

    json_writer_init(&w, buf, cap, true);
    json_object_begin(&w);
    settings_sections_init(&sections, &w, begin_section, json_object_end);
    for (size_t i = 0; i < settings_table_rows; i++) {
        json_key(&w, settings_sections_enter(&sections, settings_table[i].key));
        settings_write_value(&settings_table[i], s, &w);
    }
    settings_sections_finish(&sections);
    json_object_end(&w);
    return json_writer_finish(&w);
}
