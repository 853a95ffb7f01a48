/* SPDX-License-Identifier: MIT */
/* Reads vector files (README.md) line by line and keeps the first thing that is wrong, with the
 * file's name and the line's number. Nothing here knows what the vectors are about.
 *
 * Once an error is kept every further call is a no-op that fails, so callers need not check each.
 */
#ifndef TESTS_GOLDEN_VECTORS_H
#define TESTS_GOLDEN_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { VECTOR_LINE_MAX = 1024, VECTOR_WORDS_MAX = 160, VECTOR_ERROR_MAX = 512 };

struct vector_reader {
    FILE *in; /* borrowed */
    const char *name;
    unsigned line_number;
    unsigned vectors; /* `vector` lines seen so far */
    char text[VECTOR_LINE_MAX];
    char title[VECTOR_LINE_MAX]; /* of the running vector */
    char *word[VECTOR_WORDS_MAX];
    int words; /* > 0 after a line was read */
    char error[VECTOR_ERROR_MAX];
};

void vector_open(struct vector_reader *r, FILE *in, const char *name);

/* The next line that is neither empty nor a comment, split into words; "..." is one word, without
 * the quotes. False at the end of the file and on an error. A `vector` line is counted and its
 * title kept; any other line before the first one is an error. */
bool vector_next(struct vector_reader *r);

/* True where the first word of the line is `keyword`. */
bool vector_is(const struct vector_reader *r, const char *keyword);

/* Keeps the first error: "limits.golden:12: [title] text". */
void vector_fail(struct vector_reader *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Word `index` as a whole number in [min, max]; 0 and an error kept if it is none. */
int64_t vector_number(struct vector_reader *r, int index, int64_t min, int64_t max);

/* Words [from, words) as bytes of two hexadecimal digits, at most cap of them. Returns how many. */
size_t vector_bytes(struct vector_reader *r, int from, uint8_t *bytes, size_t cap);

/* Compares 8 bytes with the alternatives of a `frame` line, from word `from`: `??` matches any
 * byte,
 * `|` separates alternatives, `none` matches sent == false. False where none matches, or on an
 * error. */
bool vector_frame_matches(struct vector_reader *r, int from, bool sent, const uint8_t data[8]);

/* "45 02 B4 00": n bytes (at most 64) as text in out, which has room for 3 x n + 1. */
void vector_hex(const uint8_t *bytes, size_t n, char *out);

#endif
