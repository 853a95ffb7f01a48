/* SPDX-License-Identifier: MIT */
#include "battery/curve.h"

#include <stdbool.h>

#include "gw_err.h"

enum { TEMPERATURE_MIN_DC = -400, TEMPERATURE_MAX_DC = 900, DIGITS_MAX = 3 };

/* One to three digits; -1 without any. */
static int32_t digits(const char **s) {
    int32_t n = 0;
    unsigned count = 0;
    for (; **s >= '0' && **s <= '9' && count < DIGITS_MAX; (*s)++, count++) {
        n = n * 10 + (**s - '0');
    }
    return count > 0 ? n : -1;
}

/* "-12.5:80" */
static int parse_point(struct curve_point *p, const char **s) {
    bool negative = **s == '-';
    *s += negative ? 1 : 0;
    int32_t whole = digits(s);
    int32_t tenths = 0;
    if (whole >= 0 && **s == '.') {
        (*s)++;
        if (**s < '0' || **s > '9') {
            return GW_ERR_SYNTAX;
        }
        tenths = *(*s)++ - '0';
    }
    if (whole < 0 || **s != ':') {
        return GW_ERR_SYNTAX;
    }
    (*s)++;
    int32_t percent = digits(s);
    if (percent < 0) {
        return GW_ERR_SYNTAX;
    }
    int32_t dc = (negative ? -1 : 1) * (whole * 10 + tenths);
    if (dc < TEMPERATURE_MIN_DC || dc > TEMPERATURE_MAX_DC || percent > 100) {
        return GW_ERR_RANGE;
    }
    *p = (struct curve_point){.temperature_dc = (int16_t)dc, .permille = (uint16_t)(percent * 10)};
    return 0;
}

int curve_parse(struct curve *c, const char *text) {
    struct curve read = {.count = 0};
    for (;;) {
        if (read.count == CURVE_POINTS_MAX) {
            return GW_ERR_RANGE;
        }
        struct curve_point *p = &read.point[read.count];
        int err = parse_point(p, &text);
        if (err != 0) {
            return err;
        }
        if (read.count > 0 && p->temperature_dc <= p[-1].temperature_dc) {
            return GW_ERR_CONFLICT;
        }
        read.count++;
        if (*text == '\0') {
            break;
        }
        if (*text++ != ' ') {
            return GW_ERR_SYNTAX;
        }
    }
    if (read.count < 2) {
        return GW_ERR_RANGE;
    }
    *c = read;
    return 0;
}

uint16_t curve_permille(const struct curve *c, int16_t temperature_dc) {
    if (c->count == 0) {
        return 1000;
    }
    const struct curve_point *p = c->point;
    if (temperature_dc <= p[0].temperature_dc) {
        return p[0].permille;
    }
    for (unsigned i = 1; i < c->count; i++) {
        if (temperature_dc < p[i].temperature_dc) {
            int32_t along = temperature_dc - p[i - 1].temperature_dc;
            int32_t width = p[i].temperature_dc - p[i - 1].temperature_dc;
            int32_t rise = (int32_t)p[i].permille - p[i - 1].permille;
            return (uint16_t)(p[i - 1].permille + rise * along / width);
        }
    }
    return p[c->count - 1].permille;
}
