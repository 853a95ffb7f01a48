/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <limits.h>
#include <string.h>

#include "json/parts.h"

void json_writer_init(struct json_writer *w, char *buf, size_t cap, bool pretty) {
    memset(w, 0, sizeof *w);
    text_init(&w->out, buf, cap);
    w->pretty = pretty;
}

static void new_line(struct json_writer *w) {
    if (!w->pretty)
        return;
    text_char(&w->out, '\n');
    for (unsigned i = 0; i < w->depth; i++)
        text_str(&w->out, "  ");
}

/* What stands between the last thing written and the next. */
static void begin_item(struct json_writer *w) {
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    if (w->need_comma)
        text_char(&w->out, ',');
    if (w->depth > 0)
        new_line(w);
}

static void container_begin(struct json_writer *w, char bracket) {
    begin_item(w);
    text_char(&w->out, bracket);
    assert(w->depth < UINT8_MAX);
    w->depth++;
    w->need_comma = false;
}

static void container_end(struct json_writer *w, char bracket) {
    assert(w->depth > 0 && !w->after_key);
    w->depth--;
    if (w->need_comma)
        new_line(w);
    text_char(&w->out, bracket);
    w->need_comma = true;
}

void json_object_begin(struct json_writer *w) {
    container_begin(w, '{');
}

void json_object_end(struct json_writer *w) {
    container_end(w, '}');
}

void json_array_begin(struct json_writer *w) {
    container_begin(w, '[');
}

void json_array_end(struct json_writer *w) {
    container_end(w, ']');
}

static void write_character(struct text *out, const char *s, size_t length) {
    static const char escapes[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *found;

    if (length == 0) {
        text_str(out, "\xEF\xBF\xBD");
        return;
    }
    found = length == 1 ? strchr(escapes, *s) : NULL;
    if (found != NULL) {
        text_char(out, '\\');
        text_char(out, letters[found - escapes]);
    } else if ((unsigned char)*s < 0x20) {
        text_str(out, "\\u");
        text_hex(out, (unsigned char)*s, 4);
    } else {
        for (size_t i = 0; i < length; i++)
            text_char(out, s[i]);
    }
}

static void write_quoted(struct text *out, const char *s) {
    size_t left = strlen(s);

    text_char(out, '"');
    while (left > 0) {
        size_t length = json_utf8_length(s, left);
        size_t taken = length == 0 ? 1 : length;
        write_character(out, s, length);
        s += taken;
        left -= taken;
    }
    text_char(out, '"');
}

void json_key(struct json_writer *w, const char *key) {
    assert(w->depth > 0 && !w->after_key);
    begin_item(w);
    write_quoted(&w->out, key);
    text_str(&w->out, w->pretty ? ": " : ":");
    w->after_key = true;
}

void json_string(struct json_writer *w, const char *s) {
    if (s == NULL) {
        json_null(w);
        return;
    }
    begin_item(w);
    write_quoted(&w->out, s);
    w->need_comma = true;
}

void json_int(struct json_writer *w, int64_t v) {
    json_fixed(w, v, 0);
}

void json_fixed(struct json_writer *w, int64_t v, unsigned decimals) {
    begin_item(w);
    text_fixed(&w->out, v, decimals);
    w->need_comma = true;
}

static void write_word(struct json_writer *w, const char *word) {
    begin_item(w);
    text_str(&w->out, word);
    w->need_comma = true;
}

void json_bool(struct json_writer *w, bool v) {
    write_word(w, v ? "true" : "false");
}

void json_null(struct json_writer *w) {
    write_word(w, "null");
}

void json_key_string(struct json_writer *w, const char *key, const char *s) {
    json_key(w, key);
    json_string(w, s);
}

void json_key_int(struct json_writer *w, const char *key, int64_t v) {
    json_key(w, key);
    json_int(w, v);
}

void json_key_fixed(struct json_writer *w, const char *key, int64_t v, unsigned decimals) {
    json_key(w, key);
    json_fixed(w, v, decimals);
}

void json_key_bool(struct json_writer *w, const char *key, bool v) {
    json_key(w, key);
    json_bool(w, v);
}

void json_key_null(struct json_writer *w, const char *key) {
    json_key(w, key);
    json_null(w);
}

int json_writer_finish(struct json_writer *w) {
    assert(w->depth == 0 && !w->after_key && w->out.len <= INT_MAX);
    return w->out.overflow ? GW_ERR_SPACE : (int)w->out.len;
}
