/* SPDX-License-Identifier: MIT */
/* Strict JSON (RFC 8259) without a heap: a pull reader for hostile text and a bounded writer.
 *
 * Reader: refuses what the RFC refuses, and also: depth over JSON_DEPTH_MAX, a key twice in one
 * object, more than JSON_KEYS_MAX keys in the objects that are open at once, NUL or invalid UTF-8
 * in a string, lone surrogates, strings over JSON_STRING_MAX, numbers that are no int64 with up to
 * JSON_DECIMALS_MAX decimals, a byte order mark, anything after the value. The text is borrowed and
 * never changed; strings are decoded into the reader's own buffer.
 *
 * Its work is bounded: every byte is read once, and each key is compared with the earlier keys of
 * its object, so the steps are at most JSON_KEYS_MAX + 1 for each byte of input.
 *
 * Writer: never writes past cap; what does not fit makes json_writer_finish() fail, once, at the
 * end, so callers need not check each call. */
#ifndef CORE_JSON_JSON_H
#define CORE_JSON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gw_err.h"
#include "json/text.h"

enum {
    JSON_DEPTH_MAX = 8,
    JSON_KEYS_MAX = 256,
    JSON_STRING_MAX = 512, /* bytes of a decoded string or key */
    JSON_DECIMALS_MAX = 9,
};

enum json_token {
    JSON_END = 0, /* the one value is complete, only white space follows */
    JSON_OBJECT_BEGIN,
    JSON_OBJECT_END,
    JSON_ARRAY_BEGIN,
    JSON_ARRAY_END,
    JSON_KEY,    /* text, length */
    JSON_STRING, /* text, length */
    JSON_NUMBER, /* number: digits without the point, decimals */
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
    JSON_ERROR, /* error, and where: line, column; every later call returns JSON_ERROR too */
};

/* 12.50 is {1250, 2}; -3 is {-3, 0}. Exponents are applied (1e3 is {1000, 0}). */
struct json_number {
    int64_t digits;
    uint8_t decimals;
};

struct json_reader {
    const char *input;
    size_t n, pos;
    size_t start; /* the last token's own text is input[start] to input[pos - 1] */
    size_t line_start;
    uint8_t depth; /* of the containers that are open */
    uint8_t state;
    bool is_object[JSON_DEPTH_MAX];
    uint16_t first_key[JSON_DEPTH_MAX]; /* of each open object, into key_at */
    uint16_t key_count;
    uint32_t key_at[JSON_KEYS_MAX]; /* where the keys of the open objects stand, to find twins */
    char text[JSON_STRING_MAX + 1]; /* of the last JSON_KEY or JSON_STRING; NUL-terminated */
    size_t length;
    struct json_number number;
    const char *error;     /* a phrase, static storage */
    uint32_t line, column; /* from 1, of the token or of the error; column counts bytes */
    uint64_t steps;        /* bytes read and compared so far */
};

/* input: n bytes, need not be NUL-terminated, borrowed until the last call. n at most 2^31-1. */
void json_reader_init(struct json_reader *r, const char *input, size_t n);
enum json_token json_next(struct json_reader *r);
/* After a JSON_KEY or at a value: skips one whole value. JSON_ERROR or the value's first token. */
enum json_token json_skip(struct json_reader *r);
/* Whether n bytes are text that JSON can carry: well-formed UTF-8 (RFC 3629). On false *at is the
 * first byte that is not. */
/*@ requires \valid_read(s + (0 .. n - 1)) && \valid(at) && \separated(s + (0 .. n - 1), at);
    assigns *at;
    ensures *at <= n; */
bool json_is_utf8(const char *s, size_t n, size_t *at);
/* A number that stands alone in n bytes, spelled as in JSON, without white space around it.
 * GW_ERR_SYNTAX: no number. GW_ERR_RANGE: a number that the reader would refuse. */
/*@ requires n <= INT32_MAX && \valid_read(text + (0 .. n - 1));
    requires \valid(out) && \separated(text + (0 .. n - 1), out);
    assigns *out; */
int json_number_parse(const char *text, size_t n, struct json_number *out);
/* The number as an integer of 10^-decimals units: {1250,2} at 3 decimals is 12500.
 * GW_ERR_RANGE: digits would be lost or int64 overflows; *out is then unchanged. */
/*@ requires \valid_read(n) && \valid(out) && \separated(n, out);
    assigns *out;
    ensures \result != 0 ==> *out == \old(*out); */
int json_number_scaled(const struct json_number *n, unsigned decimals, int64_t *out);

struct json_writer {
    struct text out;
    uint8_t depth;
    bool need_comma;
    bool after_key;
    bool pretty; /* two-space indent, one member a line */
};

/* buf: cap bytes owned by the caller, cap >= 1; kept NUL-terminated. A key only inside an object
 * and before each of its values, every begin with its end: anything else is the caller's bug. */
void json_writer_init(struct json_writer *w, char *buf, size_t cap, bool pretty);
void json_object_begin(struct json_writer *w);
void json_object_end(struct json_writer *w);
void json_array_begin(struct json_writer *w);
void json_array_end(struct json_writer *w);
void json_key(struct json_writer *w, const char *key);
/* s: NUL-terminated; NULL writes null; each byte that is no UTF-8 becomes U+FFFD. */
void json_string(struct json_writer *w, const char *s);
void json_int(struct json_writer *w, int64_t v);
void json_fixed(struct json_writer *w, int64_t v, unsigned decimals); /* 5568, 2 -> 55.68 */
void json_bool(struct json_writer *w, bool v);
void json_null(struct json_writer *w);
/* One call for a key and its value. */
void json_key_string(struct json_writer *w, const char *key, const char *s);
void json_key_int(struct json_writer *w, const char *key, int64_t v);
void json_key_fixed(struct json_writer *w, const char *key, int64_t v, unsigned decimals);
void json_key_bool(struct json_writer *w, const char *key, bool v);
void json_key_null(struct json_writer *w, const char *key);
/* Call once, with every container ended. Bytes written (without the NUL), or GW_ERR_SPACE when
 * something did not fit. cap was at most INT_MAX. */
int json_writer_finish(struct json_writer *w);

#endif
