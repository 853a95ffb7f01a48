/* SPDX-License-Identifier: MIT */
/* The pull reader. One state says what may come next; the containers that are open are a stack of
 * JSON_DEPTH_MAX flags. Keys are not stored but remembered by their place in the input and decoded
 * again to be compared, because "a" and "\u0061" are the same key. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "json/parts.h"

enum state {
    AT_VALUE,      /* a value must come */
    AT_FIRST_ITEM, /* after [: a value or ] */
    AT_FIRST_KEY,  /* after {: a key or } */
    AT_COLON,      /* after a key */
    AFTER_VALUE,   /* a comma, the end of the container, or at depth 0 the end of the text */
    FAILED,
};

void json_reader_init(struct json_reader *r, const char *input, size_t n) {
    assert((input != NULL || n == 0) && n <= INT32_MAX);
    memset(r, 0, sizeof *r);
    r->input = input;
    r->n = n;
    r->state = AT_VALUE;
    r->line = 1;
    r->column = 1;
}

/* Ends the reading at byte `at`; a text that just stops there gets a phrase of its own. */
static enum json_token fail(struct json_reader *r, size_t at, const char *phrase) {
    r->state = FAILED;
    r->error = at < r->n ? phrase : "the text ends too early";
    r->column = (uint32_t)(at - r->line_start + 1);
    return JSON_ERROR;
}

/* The byte at pos, or 0 at the end: 0 is never right where it is asked. */
static char peek(const struct json_reader *r) {
    return r->pos < r->n ? r->input[r->pos] : '\0';
}

/* Skips white space and marks where the next token begins. */
static void begin_token(struct json_reader *r) {
    for (; r->pos < r->n; r->pos++, r->steps++) {
        char c = r->input[r->pos];
        if (c == '\n') {
            r->line++;
            r->line_start = r->pos + 1;
        } else if (c != ' ' && c != '\t' && c != '\r') {
            break;
        }
    }
    r->start = r->pos;
    r->column = (uint32_t)(r->pos - r->line_start + 1);
}

/* The value of four hexadecimal digits, or -1. */
static int32_t hex4(const char *s, size_t n) {
    int32_t v = 0;

    if (n < 4)
        return -1;
    for (size_t i = 0; i < 4; i++) {
        char c = s[i];
        v *= 16;
        if (c >= '0' && c <= '9')
            v += c - '0';
        else if (c >= 'a' && c <= 'f')
            v += c - 'a' + 10;
        else if (c >= 'A' && c <= 'F')
            v += c - 'A' + 10;
        else
            return -1;
    }
    return v;
}

/* One character of a string, decoded. */
struct unit {
    char byte[4];
    size_t length;
    const char *error;
};

static void unit_encode(struct unit *u, uint32_t code) {
    if (code < 0x80) {
        u->byte[0] = (char)code;
        u->length = 1;
    } else if (code < 0x800) {
        u->byte[0] = (char)(0xC0 | code >> 6);
        u->byte[1] = (char)(0x80 | (code & 0x3F));
        u->length = 2;
    } else if (code < 0x10000) {
        u->byte[0] = (char)(0xE0 | code >> 12);
        u->byte[1] = (char)(0x80 | (code >> 6 & 0x3F));
        u->byte[2] = (char)(0x80 | (code & 0x3F));
        u->length = 3;
    } else {
        u->byte[0] = (char)(0xF0 | code >> 18);
        u->byte[1] = (char)(0x80 | (code >> 12 & 0x3F));
        u->byte[2] = (char)(0x80 | (code >> 6 & 0x3F));
        u->byte[3] = (char)(0x80 | (code & 0x3F));
        u->length = 4;
    }
}

static size_t unit_refuse(struct unit *u, const char *phrase) {
    u->error = phrase;
    return 0;
}

/* \uXXXX, or the two of a surrogate pair. s points at the backslash. */
static size_t decode_code(const char *s, size_t n, struct unit *u) {
    int32_t code = hex4(s + 2, n - 2);

    if (code < 0)
        return unit_refuse(u, "\\u without four hexadecimal digits");
    if (code == 0)
        return unit_refuse(u, "NUL in a string");
    if (code >= 0xD800 && code <= 0xDFFF) {
        int32_t low = -1;
        if (n >= 12 && s[6] == '\\' && s[7] == 'u')
            low = hex4(s + 8, 4);
        if (code > 0xDBFF || low < 0xDC00 || low > 0xDFFF)
            return unit_refuse(u, "half of a surrogate pair");
        unit_encode(u, 0x10000 + ((uint32_t)(code - 0xD800) << 10) + (uint32_t)(low - 0xDC00));
        return 12;
    }
    unit_encode(u, (uint32_t)code);
    return 6;
}

/* Decodes the character at s, where n >= 1 bytes may be read. Bytes taken, or 0 and u->error. */
static size_t decode_unit(const char *s, size_t n, struct unit *u) {
    static const char escapes[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    const char *found;
    size_t length;

    if (*s == '\\') {
        if (n < 2)
            return unit_refuse(u, "unknown escape in a string");
        if (s[1] == 'u')
            return decode_code(s, n, u);
        found = s[1] == '\0' ? NULL : strchr(escapes, s[1]);
        if (found == NULL)
            return unit_refuse(u, "unknown escape in a string");
        u->byte[0] = meanings[found - escapes];
        u->length = 1;
        return 2;
    }
    if ((unsigned char)*s < 0x20)
        return unit_refuse(u, "control character in a string");
    length = json_utf8_length(s, n);
    if (length == 0)
        return unit_refuse(u, "invalid UTF-8");
    memcpy(u->byte, s, length);
    u->length = length;
    return length;
}

/* Decodes the string at pos, a double quote, into text. False: failed. */
static bool read_string(struct json_reader *r) {
    struct unit u;
    size_t used;

    r->length = 0;
    for (r->pos++; r->pos < r->n && r->input[r->pos] != '"'; r->pos += used, r->steps += used) {
        used = decode_unit(r->input + r->pos, r->n - r->pos, &u);
        if (used == 0) {
            fail(r, r->pos, u.error);
            return false;
        }
        if (u.length > JSON_STRING_MAX - r->length) {
            fail(r, r->pos, "string over 512 bytes");
            return false;
        }
        memcpy(r->text + r->length, u.byte, u.length);
        r->length += u.length;
    }
    _Static_assert(JSON_STRING_MAX == 512, "the phrase above says 512");
    r->text[r->length] = '\0';
    if (r->pos == r->n) {
        fail(r, r->n, "string without its end");
        return false;
    }
    r->pos++;
    r->steps += 2;
    return true;
}

/* Whether the key whose first character stands at `at` is the one in text. It was decoded once. */
static bool is_same_key(struct json_reader *r, size_t at) {
    struct unit u = {0};
    size_t matched = 0;

    for (;;) {
        r->steps++;
        if (r->input[at] == '"')
            return matched == r->length;
        at += decode_unit(r->input + at, r->n - at, &u);
        if (u.length > r->length - matched || memcmp(u.byte, r->text + matched, u.length) != 0)
            return false;
        matched += u.length;
    }
}

static enum json_token read_key(struct json_reader *r) {
    if (peek(r) != '"')
        return fail(r, r->pos, "expected a key in double quotes");
    if (!read_string(r))
        return JSON_ERROR;
    for (size_t i = r->first_key[r->depth - 1]; i < r->key_count; i++)
        if (is_same_key(r, r->key_at[i]))
            return fail(r, r->start, "key given twice");
    if (r->key_count == JSON_KEYS_MAX)
        return fail(r, r->start, "too many keys");
    r->key_at[r->key_count++] = (uint32_t)(r->start + 1);
    r->state = AT_COLON;
    return JSON_KEY;
}

static enum json_token open_container(struct json_reader *r, bool is_object) {
    if (r->depth == JSON_DEPTH_MAX)
        return fail(r, r->pos, "nested too deeply");
    r->is_object[r->depth] = is_object;
    r->first_key[r->depth] = r->key_count;
    r->depth++;
    r->pos++;
    r->steps++;
    r->state = is_object ? AT_FIRST_KEY : AT_FIRST_ITEM;
    return is_object ? JSON_OBJECT_BEGIN : JSON_ARRAY_BEGIN;
}

static enum json_token close_container(struct json_reader *r) {
    r->depth--;
    r->key_count = r->first_key[r->depth];
    r->pos++;
    r->steps++;
    r->state = AFTER_VALUE;
    return r->is_object[r->depth] ? JSON_OBJECT_END : JSON_ARRAY_END;
}

static enum json_token read_word(struct json_reader *r, const char *word, enum json_token token) {
    size_t length = strlen(word);
    size_t left = r->n - r->pos;

    for (size_t i = 0; i < length; i++)
        if (i >= left || r->input[r->pos + i] != word[i])
            return fail(r, i >= left ? r->n : r->pos, "expected a value");
    r->pos += length;
    r->steps += length;
    r->state = AFTER_VALUE;
    return token;
}

static enum json_token read_number(struct json_reader *r) {
    const char *phrase;
    size_t used;
    int err = json_number_scan(r->input + r->pos, r->n - r->pos, &r->number, &used, &phrase);

    r->steps += used;
    if (err == GW_ERR_SYNTAX)
        return fail(r, r->pos + used, phrase);
    if (err != 0)
        return fail(r, r->start, phrase);
    r->pos += used;
    r->state = AFTER_VALUE;
    return JSON_NUMBER;
}

static enum json_token read_value(struct json_reader *r) {
    char c = peek(r);

    switch (c) {
    case '{':
        return open_container(r, true);
    case '[':
        return open_container(r, false);
    case '"':
        if (!read_string(r))
            return JSON_ERROR;
        r->state = AFTER_VALUE;
        return JSON_STRING;
    case 't':
        return read_word(r, "true", JSON_TRUE);
    case 'f':
        return read_word(r, "false", JSON_FALSE);
    case 'n':
        return read_word(r, "null", JSON_NULL);
    default:
        if (c == '-' || (c >= '0' && c <= '9'))
            return read_number(r);
        if (r->pos == 0 && r->n >= 3 && memcmp(r->input, "\xEF\xBB\xBF", 3) == 0)
            return fail(r, r->pos, "byte order mark: save the file as plain UTF-8");
        return fail(r, r->pos, "expected a value");
    }
}

static enum json_token after_value(struct json_reader *r) {
    bool in_object;

    if (r->depth == 0) {
        if (r->pos < r->n)
            return fail(r, r->pos, "more text after the value");
        return JSON_END;
    }
    in_object = r->is_object[r->depth - 1];
    if (peek(r) == (in_object ? '}' : ']'))
        return close_container(r);
    if (peek(r) != ',')
        return fail(r, r->pos, in_object ? "expected ',' or '}'" : "expected ',' or ']'");
    r->pos++;
    r->steps++;
    begin_token(r);
    return in_object ? read_key(r) : read_value(r);
}

enum json_token json_next(struct json_reader *r) {
    if (r->state == FAILED)
        return JSON_ERROR;
    begin_token(r);
    switch ((enum state)r->state) {
    case AT_FIRST_ITEM:
        return peek(r) == ']' ? close_container(r) : read_value(r);
    case AT_FIRST_KEY:
        return peek(r) == '}' ? close_container(r) : read_key(r);
    case AT_COLON:
        if (peek(r) != ':')
            return fail(r, r->pos, "expected ':'");
        r->pos++;
        r->steps++;
        begin_token(r);
        return read_value(r);
    case AFTER_VALUE:
        return after_value(r);
    case AT_VALUE:
        return read_value(r);
    case FAILED:
        break;
    }
    return JSON_ERROR;
}

enum json_token json_skip(struct json_reader *r) {
    enum json_token first = json_next(r);
    uint8_t inside = r->depth;

    if (first != JSON_OBJECT_BEGIN && first != JSON_ARRAY_BEGIN)
        return first;
    while (r->depth >= inside)
        if (json_next(r) == JSON_ERROR)
            return JSON_ERROR;
    return first;
}
