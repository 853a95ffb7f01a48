/* SPDX-License-Identifier: MIT */
/* Numbers of JSON (RFC 8259 section 6) as exact decimal integers: no floating point, so 0.1 is
 * {1, 1} and not a sum of halves. */
#include <assert.h>
#include <stdint.h>

#include "json/parts.h"

/* Exponents saturate here: beyond any that 2^31 digits could bring back into range. */
static const int64_t exponent_max = INT64_C(1) << 40;

static const char malformed[] = "malformed number";
static const char too_large[] = "number too large";
static const char too_fine[] = "number with more than 9 decimals";
_Static_assert(JSON_DECIMALS_MAX == 9, "too_fine says 9");

/* The digits read so far are value x 10^zeros. */
struct mantissa {
    uint64_t value;
    size_t zeros;
    bool overflow;
};

/*@ assigns \nothing;
    ensures \result <==> '0' <= c <= '9'; */
static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* v x 10^power, or false when that is more than limit. */
/*@ requires \valid(v);
    assigns *v;
    ensures !\result ==> *v == \old(*v);
    ensures \result ==> *v <= limit || *v == \old(*v);
    ensures \result && power > 0 ==> *v <= limit; */
static bool scale_up(uint64_t *v, uint64_t power, uint64_t limit) {
    uint64_t scaled = *v;

    if (scaled == 0)
        return true;
    /*@ loop invariant power <= \at(power, Pre) && (power < \at(power, Pre) ==> scaled <= limit);
        loop invariant power == \at(power, Pre) ==> scaled == *v;
        loop assigns power, scaled;
        loop variant power; */
    for (; power > 0; power--) {
        if (scaled > limit / 10)
            return false;
        scaled *= 10;
    }
    *v = scaled;
    return true;
}

/*@ requires \valid(m) && digit <= 9 && m->zeros < INT32_MAX;
    assigns *m;
    ensures m->zeros <= \old(m->zeros) + 1; */
static void mantissa_append(struct mantissa *m, unsigned digit) {
    if (digit == 0) {
        if (m->value != 0)
            m->zeros++;
        return;
    }
    if (!scale_up(&m->value, (uint64_t)m->zeros + 1, UINT64_MAX - 9)) {
        m->overflow = true;
        return;
    }
    m->value += digit;
    m->zeros = 0;
}

/* Takes digits from text[*i] on; at least one must be there. */
/*@ requires n <= INT32_MAX && \valid_read(text + (0 .. n - 1));
    requires \valid(i) && \valid(m) && \separated(text + (0 .. n - 1), i, m);
    requires *i <= n && m->zeros <= *i;
    assigns *i, *m;
    ensures \old(*i) <= *i <= n && m->zeros <= *i;
    ensures \result <==> *i > \old(*i); */
static bool take_digits(const char *text, size_t n, size_t *i, struct mantissa *m) {
    size_t first = *i;
    /*@ loop invariant first <= *i <= n && m->zeros <= *i;
        loop assigns *i, *m;
        loop variant n - *i; */
    for (; *i < n && is_digit(text[*i]); (*i)++)
        mantissa_append(m, (unsigned)(text[*i] - '0'));
    return *i > first;
}

/*@ requires n <= INT32_MAX && \valid_read(text + (0 .. n - 1));
    requires \valid(i) && \valid(exponent) && \separated(text + (0 .. n - 1), i, exponent);
    requires *i <= n;
    assigns *i, *exponent;
    ensures \old(*i) <= *i <= n && -0x100000000000 <= *exponent <= 0x100000000000; */
static bool take_exponent(const char *text, size_t n, size_t *i, int64_t *exponent) {
    bool negative = false;
    int64_t e = 0;
    size_t first;

    if (*i < n && (text[*i] == '+' || text[*i] == '-'))
        negative = text[(*i)++] == '-';
    first = *i;
    /*@ loop invariant first <= *i <= n && 0 <= e <= 10 * exponent_max + 9;
        loop assigns *i, e;
        loop variant n - *i; */
    for (; *i < n && is_digit(text[*i]); (*i)++)
        if (e < exponent_max)
            e = e * 10 + (text[*i] - '0');
    *exponent = negative ? -e : e;
    return *i > first;
}

/* The value is m x 10^exponent, and was written with `fraction` digits after the point before the
 * exponent `shift` was applied. Keeps the decimals that were written where they fit. */
/*@ requires \valid_read(m) && \valid(out) && \valid(phrase) && \separated(m, out, phrase);
    requires m->zeros <= INT32_MAX && 0 <= fraction <= INT32_MAX;
    requires -0x100000000000 <= shift <= 0x100000000000;
    assigns *out, *phrase;
    ensures \result == 0 || \result == GW_ERR_RANGE;
    ensures \result == 0 ==> out->decimals <= JSON_DECIMALS_MAX; */
static int number_settle(const struct mantissa *m, bool negative, int64_t fraction, int64_t shift,
                         struct json_number *out, const char **phrase) {
    const uint64_t limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    int64_t exponent = shift - fraction + (int64_t)m->zeros;
    int64_t written = fraction > shift ? fraction - shift : 0;
    int64_t decimals = exponent < 0 ? -exponent : 0;
    uint64_t digits = m->value;

    if (digits == 0)
        decimals = 0;
    *phrase = too_large;
    if (m->overflow)
        return GW_ERR_RANGE;
    if (decimals > JSON_DECIMALS_MAX) {
        *phrase = too_fine;
        return GW_ERR_RANGE;
    }
    if (digits > limit || !scale_up(&digits, (uint64_t)(exponent < 0 ? 0 : exponent), limit))
        return GW_ERR_RANGE;
    /*@ loop invariant 0 <= decimals <= JSON_DECIMALS_MAX && digits <= limit;
        loop assigns decimals, digits;
        loop variant JSON_DECIMALS_MAX - decimals; */
    while (decimals < written && decimals < JSON_DECIMALS_MAX && scale_up(&digits, 1, limit))
        decimals++;

    if (negative && digits != 0)
        out->digits = -(int64_t)(digits - 1) - 1;
    else
        out->digits = (int64_t)digits;
    out->decimals = (uint8_t)decimals;
    return 0;
}

int json_number_scan(const char *text, size_t n, struct json_number *out, size_t *used,
                     const char **phrase) {
    struct mantissa m = {0, 0, false};
    int64_t shift = 0;
    size_t i = 0, point, fraction = 0;
    bool negative = n > 0 && text[0] == '-';
    bool ok;

    if (negative)
        i++;
    if (i + 1 < n && text[i] == '0' && is_digit(text[i + 1])) {
        *used = i;
        *phrase = "number that starts with 0";
        return GW_ERR_SYNTAX;
    }
    ok = take_digits(text, n, &i, &m);
    if (ok && i < n && text[i] == '.') {
        point = ++i;
        ok = take_digits(text, n, &i, &m);
        fraction = i - point;
    }
    if (ok && i < n && (text[i] == 'e' || text[i] == 'E')) {
        i++;
        ok = take_exponent(text, n, &i, &shift);
    }
    *used = i;
    if (!ok) {
        *phrase = malformed;
        return GW_ERR_SYNTAX;
    }
    return number_settle(&m, negative, (int64_t)fraction, shift, out, phrase);
}

int json_number_parse(const char *text, size_t n, struct json_number *out) {
    struct json_number number;
    const char *phrase;
    size_t used;
    int err = json_number_scan(text, n, &number, &used, &phrase);

    if (err == GW_ERR_SYNTAX || used != n)
        return GW_ERR_SYNTAX;
    if (err == 0)
        *out = number;
    return err;
}

int json_number_scaled(const struct json_number *n, unsigned decimals, int64_t *out) {
    int64_t v = n->digits;
    unsigned have = n->decimals;

    /*@ loop invariant have >= \min(decimals, n->decimals) && have <= n->decimals;
        loop assigns have, v;
        loop variant have; */
    for (; have > decimals; have--) {
        if (v % 10 != 0)
            return GW_ERR_RANGE;
        v /= 10;
    }
    /*@ loop invariant have <= \max(decimals, n->decimals);
        loop assigns have, v;
        loop variant decimals - have; */
    for (; have < decimals && v != 0; have++) {
        if (v > INT64_MAX / 10 || v < INT64_MIN / 10)
            return GW_ERR_RANGE;
        v *= 10;
    }
    *out = v;
    return 0;
}
