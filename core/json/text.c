/* SPDX-License-Identifier: MIT */
#include "json/text.h"

#include <assert.h>

void text_init(struct text *t, char *buf, size_t cap) {
    assert(buf != NULL && cap >= 1);
    t->buf = buf;
    t->cap = cap;
    t->len = 0;
    t->overflow = false;
    buf[0] = '\0';
}

void text_char(struct text *t, char c) {
    if (t->overflow || t->cap - t->len < 2) {
        t->overflow = true;
        return;
    }
    t->buf[t->len++] = c;
    t->buf[t->len] = '\0';
}

void text_str(struct text *t, const char *s) {
    while (*s != '\0' && !t->overflow)
        text_char(t, *s++);
}

void text_int(struct text *t, int64_t v) {
    text_fixed(t, v, 0);
}

void text_fixed(struct text *t, int64_t v, unsigned decimals) {
    assert(decimals <= TEXT_DECIMALS_MAX);
    char digit[20]; /* lowest first; 2^64 - 1 has 20 */
    unsigned n = 0;
    uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

    do {
        digit[n++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0 || n <= decimals);

    if (v < 0)
        text_char(t, '-');
    while (n > 0) {
        text_char(t, digit[--n]);
        if (n == decimals && n != 0)
            text_char(t, '.');
    }
}

void text_hex(struct text *t, uint32_t v, unsigned digits) {
    assert(digits >= 1 && digits <= TEXT_HEX_DIGITS_MAX);
    while (digits < TEXT_HEX_DIGITS_MAX && (v >> (4 * digits)) != 0)
        digits++;
    while (digits > 0)
        text_char(t, "0123456789ABCDEF"[(v >> (4 * --digits)) & 0xFu]);
}
