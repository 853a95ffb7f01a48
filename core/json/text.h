/* SPDX-License-Identifier: MIT */
/* Text built into a buffer of the caller, number by number, without printf and without a heap: log
 * lines, messages for people, and under the JSON writer.
 *
 * The buffer is NUL-terminated after every call. What does not fit is cut at cap - 1 bytes and sets
 * overflow; from then on nothing is added, so the text is always a true beginning of the whole. */
#ifndef CORE_JSON_TEXT_H
#define CORE_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TEXT_DECIMALS_MAX = 18, /* of text_fixed() */
    TEXT_HEX_DIGITS_MAX = 8,
};

struct text {
    char *buf;
    size_t cap, len; /* len: without the NUL */
    bool overflow;
};

/* buf: cap bytes owned by the caller, cap >= 1. */
void text_init(struct text *t, char *buf, size_t cap);
void text_char(struct text *t, char c);
/* s: NUL-terminated, not NULL. A cut may fall inside a UTF-8 sequence. */
void text_str(struct text *t, const char *s);
/* Decimal digits, any value. */
void text_int(struct text *t, int64_t v);
/* v in units of 10^-decimals, with exactly that many digits after the point: 5568, 2 is "55.68",
 * -5, 2 is "-0.05", 7, 0 is "7". decimals <= TEXT_DECIMALS_MAX. */
void text_fixed(struct text *t, int64_t v, unsigned decimals);
/* Upper-case digits without a prefix, zero padded: 0x9B, 2 is "9B". digits 1-TEXT_HEX_DIGITS_MAX;
 * a larger value takes the digits that it needs, so nothing of it is lost. */
void text_hex(struct text *t, uint32_t v, unsigned digits);

#endif
