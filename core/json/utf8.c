/* SPDX-License-Identifier: MIT */
/* Well-formed UTF-8, as the table of RFC 3629 section 4 draws it. */
#include "json/parts.h"

#include <stdint.h>

struct utf8_row {
    uint8_t first_low, first_high;   /* the lead byte */
    uint8_t second_low, second_high; /* the byte after it; the others are 80-BF */
    uint8_t length;
};

/* clang-format off */
static const struct utf8_row utf8_rows[] = {
    {0xC2, 0xDF, 0x80, 0xBF, 2}, /* C0, C1 would be overlong */
    {0xE0, 0xE0, 0xA0, 0xBF, 3}, /* under A0: overlong */
    {0xE1, 0xEC, 0x80, 0xBF, 3},
    {0xED, 0xED, 0x80, 0x9F, 3}, /* over 9F: surrogates */
    {0xEE, 0xEF, 0x80, 0xBF, 3},
    {0xF0, 0xF0, 0x90, 0xBF, 4}, /* under 90: overlong */
    {0xF1, 0xF3, 0x80, 0xBF, 4},
    {0xF4, 0xF4, 0x80, 0x8F, 4}, /* over 8F: over U+10FFFF */
};
/* clang-format on */

/*@ requires \valid_read(s + i);
    assigns \nothing; */
static uint8_t byte_at(const char *s, size_t i) {
    return (uint8_t)s[i];
}

/*@ assigns \nothing;
    ensures \result == \null || (\valid_read(\result) && 2 <= \result->length <= 4); */
static const struct utf8_row *row_of(uint8_t first) {
    /*@ loop pragma UNROLL "completely", 9;
        loop assigns i; */
    for (size_t i = 0; i < sizeof utf8_rows / sizeof utf8_rows[0]; i++)
        if (first >= utf8_rows[i].first_low && first <= utf8_rows[i].first_high)
            return &utf8_rows[i];
    return NULL;
}

size_t json_utf8_length(const char *s, size_t n) {
    const struct utf8_row *row;

    if (n == 0)
        return 0;
    if (byte_at(s, 0) < 0x80)
        return 1;
    row = row_of(byte_at(s, 0));
    if (row == NULL || n < row->length)
        return 0;
    if (byte_at(s, 1) < row->second_low || byte_at(s, 1) > row->second_high)
        return 0;
    /*@ loop invariant 2 <= k <= row->length;
        loop assigns k;
        loop variant row->length - k; */
    for (size_t k = 2; k < row->length; k++)
        if (byte_at(s, k) < 0x80 || byte_at(s, k) > 0xBF)
            return 0;
    return row->length;
}

bool json_is_utf8(const char *s, size_t n, size_t *at) {
    /*@ loop invariant *at <= n;
        loop assigns *at;
        loop variant n - *at; */
    for (*at = 0; *at < n;) {
        size_t length = json_utf8_length(s + *at, n - *at);
        if (length == 0)
            return false;
        *at += length;
    }
    return true;
}
