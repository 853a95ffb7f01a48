/* SPDX-License-Identifier: MIT */
/* The pull reader. One state says what may come next; the containers that are open are a stack of
 * JSON_DEPTH_MAX flags. Keys are not stored but remembered by their place in the input and decoded
 * again to be compared, because "a" and "\u0061" are the same key. */
#include <assert.h>
#include <stdint.h>

#include "json/parts.h"

enum state {
    AT_VALUE,      /* a value must come */
    AT_FIRST_ITEM, /* after [: a value or ] */
    AT_FIRST_KEY,  /* after {: a key or } */
    AT_COLON,      /* after a key */
    AFTER_VALUE,   /* a comma, the end of the container, or at depth 0 the end of the text */
    FAILED,
};

/*@ // What holds of a reader between any two calls.
    predicate fits(struct json_reader *r) =
        \valid(r) && r->n <= INT32_MAX && \valid_read(r->input + (0 .. r->n - 1)) &&
        \separated(r, r->input + (0 .. r->n - 1)) &&
        r->line_start <= r->start <= r->pos <= r->n && r->line <= r->pos + 1 &&
        r->depth <= JSON_DEPTH_MAX && r->key_count <= JSON_KEYS_MAX &&
        r->length <= JSON_STRING_MAX && r->state <= FAILED &&
        (r->state \in {AT_FIRST_ITEM, AT_FIRST_KEY, AT_COLON} ==> r->depth > 0) &&
        \forall integer i; 0 <= i < r->depth ==> r->first_key[i] <= JSON_KEYS_MAX; */

/*@ requires \valid(r) && n <= INT32_MAX && \valid_read(input + (0 .. n - 1));
    requires \separated(r, input + (0 .. n - 1)) && (input != \null || n == 0);
    assigns *r;
    ensures fits(r); */
void json_reader_init(struct json_reader *r, const char *input, size_t n) {
    assert((input != NULL || n == 0) && n <= INT32_MAX);
    r->input = input;
    r->n = n;
    r->pos = r->start = r->line_start = 0;
    r->depth = 0;
    r->state = AT_VALUE;
    r->key_count = 0;
    r->text[0] = '\0';
    r->length = 0;
    r->error = NULL;
    r->line = r->column = 1;
    r->steps = 0;
}

/*@ requires \valid(r);
    assigns r->steps; */
static void spend(struct json_reader *r, size_t steps) {
    r->steps = r->steps < UINT64_MAX - steps ? r->steps + steps : UINT64_MAX;
}

/* Ends the reading at byte `at`; a text that just stops there gets a phrase of its own. */
/*@ requires fits(r) && r->line_start <= at <= r->n;
    assigns r->state, r->error, r->column;
    ensures fits(r) && \result == JSON_ERROR; */
static enum json_token fail(struct json_reader *r, size_t at, const char *phrase) {
    r->state = FAILED;
    r->error = at < r->n ? phrase : "the text ends too early";
    r->column = (uint32_t)(at - r->line_start + 1);
    return JSON_ERROR;
}

/* The byte at pos, or 0 at the end: 0 is never right where it is asked. */
/*@ requires fits(r);
    assigns \nothing;
    ensures \result != 0 ==> r->pos < r->n; */
static char peek(const struct json_reader *r) {
    return r->pos < r->n ? r->input[r->pos] : '\0';
}

/* Skips white space and marks where the next token begins. */
/*@ requires fits(r);
    assigns r->pos, r->steps, r->line, r->line_start, r->start, r->column;
    ensures fits(r) && r->pos >= \old(r->pos); */
static void begin_token(struct json_reader *r) {
    /*@ loop invariant \at(r->pos, Pre) <= r->pos <= r->n;
        loop invariant r->line_start <= r->pos && r->line <= r->pos + 1;
        loop assigns r->pos, r->steps, r->line, r->line_start;
        loop variant r->n - r->pos; */
    for (; r->pos < r->n; r->pos++, spend(r, 1)) {
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
/*@ requires \valid_read(s + (0 .. n - 1));
    assigns \nothing;
    ensures -1 <= \result <= 0xFFFF && (\result >= 0 ==> n >= 4); */
static int32_t hex4(const char *s, size_t n) {
    int32_t v = 0;

    if (n < 4)
        return -1;
    /*@ loop invariant i <= 4 && 0 <= v <= 0xFFFF && (i == 0 ==> v == 0) && (i == 1 ==> v <= 0xF);
        loop invariant (i == 2 ==> v <= 0xFF) && (i == 3 ==> v <= 0xFFF);
        loop assigns i, v;
        loop variant 4 - i; */
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

/*@ requires \valid(u) && code <= 0x10FFFF;
    assigns u->byte[0 .. 3], u->length;
    ensures 1 <= u->length <= 4; */
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

/*@ requires \valid(u);
    assigns u->error;
    ensures \result == 0; */
static size_t unit_refuse(struct unit *u, const char *phrase) {
    u->error = phrase;
    return 0;
}

/* \uXXXX, or the two of a surrogate pair. s points at the backslash. */
/*@ requires 2 <= n && \valid_read(s + (0 .. n - 1));
    requires \valid(u) && \separated(u, s + (0 .. n - 1));
    assigns *u;
    ensures \result <= n && (\result > 0 ==> 1 <= u->length <= 4); */
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
        unit_encode(u, 0x10000 + 1024 * (uint32_t)(code - 0xD800) + (uint32_t)(low - 0xDC00));
        return 12;
    }
    unit_encode(u, (uint32_t)code);
    return 6;
}

/* What stands for the character behind a backslash; NUL where nothing does. */
/*@ assigns \nothing; */
static char unescaped(char c) {
    switch (c) {
    case '"':
    case '\\':
    case '/':
        return c;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return '\0';
    }
}

/* Decodes the character at s, where n >= 1 bytes may be read. Bytes taken, or 0 and u->error. */
/*@ requires 1 <= n && \valid_read(s + (0 .. n - 1));
    requires \valid(u) && \separated(u, s + (0 .. n - 1));
    assigns *u;
    ensures \result <= n && (\result > 0 ==> 1 <= u->length <= 4); */
static size_t decode_unit(const char *s, size_t n, struct unit *u) {
    size_t length;

    if (*s == '\\') {
        if (n < 2)
            return unit_refuse(u, "unknown escape in a string");
        if (s[1] == 'u')
            return decode_code(s, n, u);
        u->byte[0] = unescaped(s[1]);
        if (u->byte[0] == '\0')
            return unit_refuse(u, "unknown escape in a string");
        u->length = 1;
        return 2;
    }
    if ((unsigned char)*s < 0x20)
        return unit_refuse(u, "control character in a string");
    length = json_utf8_length(s, n);
    if (length == 0)
        return unit_refuse(u, "invalid UTF-8");
    /*@ loop invariant i <= length;
        loop assigns i, u->byte[0 .. 3];
        loop variant length - i; */
    for (size_t i = 0; i < length; i++)
        u->byte[i] = s[i];
    u->length = length;
    return length;
}

/* Decodes the string at pos, a double quote, into text. False: failed. */
/*@ requires fits(r) && r->pos < r->n;
    assigns r->pos, r->steps, r->length, r->text[0 .. JSON_STRING_MAX], r->state, r->error,
   r->column; ensures fits(r) && r->pos > \old(r->pos); */
static bool read_string(struct json_reader *r) {
    struct unit u;
    size_t used;

    r->length = 0;
    r->pos++;
    /*@ loop invariant fits(r) && r->pos > \at(r->pos, Pre);
        loop assigns r->pos, r->steps, r->length, r->text[0 .. JSON_STRING_MAX], u, used;
        loop variant r->n - r->pos; */
    for (; r->pos < r->n && r->input[r->pos] != '"'; r->pos += used, spend(r, used)) {
        used = decode_unit(r->input + r->pos, r->n - r->pos, &u);
        if (used == 0) {
            fail(r, r->pos, u.error);
            return false;
        }
        if (u.length > JSON_STRING_MAX - r->length) {
            fail(r, r->pos, "string over 512 bytes");
            return false;
        }
        /*@ loop invariant i <= u.length;
            loop assigns i, r->text[r->length .. JSON_STRING_MAX];
            loop variant u.length - i; */
        for (size_t i = 0; i < u.length; i++)
            r->text[r->length + i] = u.byte[i];
        r->length += u.length;
    }
    _Static_assert(JSON_STRING_MAX == 512, "the phrase above says 512");
    r->text[r->length] = '\0';
    if (r->pos == r->n) {
        fail(r, r->n, "string without its end");
        return false;
    }
    r->pos++;
    spend(r, 2);
    return true;
}

/*@ requires \valid_read(u) && u->length <= 4 && \valid_read(text + (0 .. u->length - 1));
    assigns \nothing; */
static bool is_unit(const struct unit *u, const char *text) {
    /*@ loop invariant i <= u->length;
        loop assigns i;
        loop variant u->length - i; */
    for (size_t i = 0; i < u->length; i++)
        if (u->byte[i] != text[i])
            return false;
    return true;
}

/* Whether the key whose first character stands at `at` is the one in text. It was decoded once, so
 * it can be decoded and has an end. */
/*@ requires fits(r);
    assigns r->steps; */
static bool is_same_key(struct json_reader *r, size_t at) {
    struct unit u;
    size_t matched = 0, used;

    /*@ loop invariant matched <= r->length;
        loop assigns at, matched, used, u, r->steps;
        loop variant r->n - at; */
    while (at < r->n && r->input[at] != '"') {
        spend(r, 1);
        used = decode_unit(r->input + at, r->n - at, &u);
        if (used == 0 || u.length > r->length - matched || !is_unit(&u, r->text + matched))
            return false;
        at += used;
        matched += u.length;
    }
    spend(r, 1);
    return matched == r->length;
}

/*@ requires fits(r) && r->depth > 0;
    assigns *r;
    ensures fits(r) && r->input == \old(r->input) && r->n == \old(r->n);
    ensures \result \in {JSON_KEY, JSON_ERROR};
    ensures \result != JSON_ERROR ==> r->pos > \old(r->pos); */
static enum json_token read_key(struct json_reader *r) {
    if (peek(r) != '"')
        return fail(r, r->pos, "expected a key in double quotes");
    if (!read_string(r))
        return JSON_ERROR;
    /*@ loop invariant i <= JSON_KEYS_MAX;
        loop assigns i, r->steps;
        loop variant JSON_KEYS_MAX - i; */
    for (size_t i = r->first_key[r->depth - 1]; i < r->key_count; i++)
        if (is_same_key(r, r->key_at[i]))
            return fail(r, r->start, "key given twice");
    if (r->key_count == JSON_KEYS_MAX)
        return fail(r, r->start, "too many keys");
    r->key_at[r->key_count++] = (uint32_t)(r->start + 1);
    r->state = AT_COLON;
    return JSON_KEY;
}

/*@ requires fits(r) && r->pos < r->n;
    assigns *r;
    ensures fits(r) && r->input == \old(r->input) && r->n == \old(r->n);
    ensures r->depth > 0 || \result == JSON_ERROR;
    ensures \result \in {JSON_OBJECT_BEGIN, JSON_ARRAY_BEGIN, JSON_ERROR};
    ensures \result != JSON_ERROR ==> r->pos > \old(r->pos); */
static enum json_token open_container(struct json_reader *r, bool is_object) {
    if (r->depth == JSON_DEPTH_MAX)
        return fail(r, r->pos, "nested too deeply");
    r->is_object[r->depth] = is_object;
    r->first_key[r->depth] = r->key_count;
    r->depth++;
    r->pos++;
    spend(r, 1);
    r->state = is_object ? AT_FIRST_KEY : AT_FIRST_ITEM;
    return is_object ? JSON_OBJECT_BEGIN : JSON_ARRAY_BEGIN;
}

/*@ requires fits(r) && r->pos < r->n && r->depth > 0;
    assigns *r;
    ensures fits(r) && r->input == \old(r->input) && r->n == \old(r->n);
    ensures \result \in {JSON_OBJECT_END, JSON_ARRAY_END};
    ensures \result != JSON_ERROR ==> r->pos > \old(r->pos); */
static enum json_token close_container(struct json_reader *r) {
    r->depth--;
    r->key_count = r->first_key[r->depth];
    r->pos++;
    spend(r, 1);
    r->state = AFTER_VALUE;
    return r->is_object[r->depth] ? JSON_OBJECT_END : JSON_ARRAY_END;
}

/*@ requires fits(r) && 1 <= length <= 5 && \valid_read(word + (0 .. length - 1));
    assigns *r;
    ensures fits(r) && r->input == \old(r->input) && r->n == \old(r->n);
    ensures \result == token || \result == JSON_ERROR;
    ensures \result != JSON_ERROR ==> r->pos > \old(r->pos); */
static enum json_token read_word(struct json_reader *r, const char *word, size_t length,
                                 enum json_token token) {
    size_t left = r->n - r->pos;

    /*@ loop invariant i <= length && i <= left;
        loop assigns i;
        loop variant length - i; */
    for (size_t i = 0; i < length; i++)
        if (i >= left || r->input[r->pos + i] != word[i])
            return fail(r, i >= left ? r->n : r->pos, "expected a value");
    r->pos += length;
    spend(r, length);
    r->state = AFTER_VALUE;
    return token;
}

/*@ requires fits(r);
    assigns *r;
    ensures fits(r) && r->input == \old(r->input) && r->n == \old(r->n);
    ensures \result \in {JSON_NUMBER, JSON_ERROR};
    ensures \result != JSON_ERROR ==> r->pos > \old(r->pos); */
static enum json_token read_number(struct json_reader *r) {
    const char *phrase;
    size_t used;
    int err = json_number_scan(r->input + r->pos, r->n - r->pos, &r->number, &used, &phrase);

    spend(r, used);
    if (err == GW_ERR_SYNTAX)
        return fail(r, r->pos + used, phrase);
    if (err != 0)
        return fail(r, r->start, phrase);
    r->pos += used;
    r->state = AFTER_VALUE;
    return JSON_NUMBER;
}

/*@ requires \valid_read(s + (0 .. 2));
    assigns \nothing; */
static bool is_byte_order_mark(const char *s) {
    return s[0] == '\xEF' && s[1] == '\xBB' && s[2] == '\xBF';
}

/*@ requires fits(r);
    assigns *r;
    ensures fits(r) && r->input == \old(r->input) && r->n == \old(r->n);
    ensures \result \in {JSON_OBJECT_BEGIN, JSON_ARRAY_BEGIN} ==> r->depth > 0;
    ensures \result != JSON_END;
    ensures \result != JSON_ERROR ==> r->pos > \old(r->pos); */
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
        return read_word(r, "true", 4, JSON_TRUE);
    case 'f':
        return read_word(r, "false", 5, JSON_FALSE);
    case 'n':
        return read_word(r, "null", 4, JSON_NULL);
    default:
        if (c == '-' || (c >= '0' && c <= '9'))
            return read_number(r);
        if (r->pos == 0 && r->n >= 3 && is_byte_order_mark(r->input))
            return fail(r, r->pos, "byte order mark: save the file as plain UTF-8");
        return fail(r, r->pos, "expected a value");
    }
}

/*@ requires fits(r);
    assigns *r;
    ensures fits(r) && r->input == \old(r->input) && r->n == \old(r->n);
    ensures \result == JSON_END ==> \old(r->depth) == 0;
    ensures \result \in {JSON_OBJECT_BEGIN, JSON_ARRAY_BEGIN} ==> r->depth > 0;
    ensures \result != JSON_ERROR && \result != JSON_END ==> r->pos > \old(r->pos); */
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
    spend(r, 1);
    begin_token(r);
    return in_object ? read_key(r) : read_value(r);
}

/*@ requires fits(r);
    assigns *r;
    ensures fits(r) && r->input == \old(r->input) && r->n == \old(r->n);
    ensures \result == JSON_END ==> \old(r->depth) == 0;
    ensures \result \in {JSON_OBJECT_BEGIN, JSON_ARRAY_BEGIN} ==> r->depth > 0;
    ensures \result != JSON_ERROR && \result != JSON_END ==> r->pos > \old(r->pos); */
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
        spend(r, 1);
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

/*@ requires fits(r);
    assigns *r;
    ensures fits(r); */
enum json_token json_skip(struct json_reader *r) {
    enum json_token first = json_next(r);
    uint8_t inside = r->depth;

    if (first != JSON_OBJECT_BEGIN && first != JSON_ARRAY_BEGIN)
        return first;
    /*@ loop invariant fits(r) && r->input == \at(r->input, Pre) && r->n == \at(r->n, Pre);
        loop assigns *r;
        loop variant r->n - r->pos; */
    while (r->depth >= inside)
        if (json_next(r) == JSON_ERROR)
            return JSON_ERROR;
    return first;
}
