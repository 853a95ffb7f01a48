/* SPDX-License-Identifier: MIT */
#include "register_text.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/text.h"

/* With up to 6 decimals more these fit an int64. */
enum { DIGITS_MAX = 12 };

static bool is_plain_number(const struct tinybms_register *r) {
    switch (r->type) {
    case TINYBMS_U16:
    case TINYBMS_I16:
    case TINYBMS_U32:
    case TINYBMS_F32:
    case TINYBMS_U8:
        return true;
    case TINYBMS_U8X2:
    case TINYBMS_I8X2:
    case TINYBMS_BITS:
    case TINYBMS_BYTES:
    case TINYBMS_EVENT_LIST:
        break;
    }
    return false;
}

void register_print_value(const struct tinybms_register *r, uint32_t raw, char *buf, size_t cap) {
    const char *word = tinybms_register_choice(r, raw);
    int64_t value = 0;
    struct text t;
    text_init(&t, buf, cap);
    if ((r->flags & TINYBMS_TAKEN_FFFF) != 0 && raw == UINT16_MAX) {
        text_str(&t, "taken over");
        return;
    }
    if (!is_plain_number(r)) {
        text_str(&t, "0x");
        text_hex(&t, raw, 4);
        return;
    }
    switch (tinybms_register_scale(r, raw, &value)) {
    case BATTERY_VALID:
        text_fixed(&t, value, r->decimals);
        if (word != NULL) {
            text_str(&t, " ");
            text_str(&t, word);
        }
        break;
    case BATTERY_ABSENT:
        text_str(&t, "absent");
        break;
    case BATTERY_NEVER_READ:
    case BATTERY_RESERVED:
    case BATTERY_STALE:
        text_str(&t, "unknown");
        break;
    }
}

void register_print_range(const struct tinybms_register *r, char *buf, size_t cap) {
    struct text t;
    text_init(&t, buf, cap);
    if (r->ranged && is_plain_number(r)) {
        text_fixed(&t, (int64_t)r->min * r->numerator, r->decimals);
        text_str(&t, " to ");
        text_fixed(&t, (int64_t)r->max * r->numerator, r->decimals);
    }
}

/* "-12.5" with 2 decimals is -1250. */
static int parse_decimal(const char *text, unsigned decimals, int64_t *out) {
    bool negative = text[0] == '-';
    unsigned behind = 0, digits = 0;
    bool point = false;
    int err = GW_OK;
    int64_t v = 0;
    for (const char *p = text + (negative || text[0] == '+'); *p != '\0'; p++) {
        if (*p == '.' && !point) {
            point = true;
        } else if (!isdigit((unsigned char)*p)) {
            return GW_ERR_SYNTAX;
        } else if (++digits > DIGITS_MAX || (point && behind == decimals && *p != '0')) {
            err = GW_ERR_RANGE;
        } else if (!point || behind < decimals) {
            v = v * 10 + (*p - '0');
            behind += point;
        }
    }
    for (; behind < decimals; behind++) {
        v *= 10;
    }
    *out = negative ? -v : v;
    return digits == 0 ? GW_ERR_SYNTAX : err;
}

static bool choice_named(const struct tinybms_register *r, const char *text, uint32_t *raw) {
    for (const struct tinybms_choice *c = r->choices; c != NULL && c->text != NULL; c++) {
        if (strcmp(c->text, text) == 0) {
            *raw = c->value;
            return true;
        }
    }
    return false;
}

static int parse_raw(const char *text, uint32_t *raw) {
    char *end = NULL;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 16);
    if (end == text || *end != '\0') {
        return GW_ERR_SYNTAX;
    }
    if (errno != 0 || v > UINT32_MAX) {
        return GW_ERR_RANGE;
    }
    *raw = (uint32_t)v;
    return GW_OK;
}

int register_parse_value(const struct tinybms_register *r, const char *text, uint32_t *raw) {
    if (choice_named(r, text, raw)) {
        return GW_OK;
    }
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        return parse_raw(text, raw);
    }
    int64_t value = 0;
    int err = parse_decimal(text, is_plain_number(r) ? r->decimals : 0, &value);
    if (err != GW_OK) {
        return err;
    }
    if (is_plain_number(r)) {
        if (value % r->numerator != 0) {
            return GW_ERR_RANGE;
        }
        value /= r->numerator;
    }
    int64_t min = r->type == TINYBMS_I16 ? INT16_MIN : 0;
    int64_t max = r->words == 2 ? UINT32_MAX : UINT16_MAX;
    if (value < min || value > max) {
        return GW_ERR_RANGE;
    }
    *raw = r->words == 2 ? (uint32_t)value : (uint16_t)value;
    return GW_OK;
}

const struct tinybms_register *register_find(const char *text, int *addr) {
    char *end = NULL;
    const struct tinybms_register *r = tinybms_register_named(text);
    if (r != NULL) {
        *addr = r->addr;
        return r;
    }
    errno = 0;
    long v = isdigit((unsigned char)text[0])
                 ? strtol(text, &end, text[0] == '0' && (text[1] | 0x20) == 'x' ? 16 : 10)
                 : -1;
    *addr = end != NULL && *end == '\0' && errno == 0 && v >= 0 && v <= UINT16_MAX ? (int)v : -1;
    return *addr >= 0 ? tinybms_register_at((uint16_t)*addr) : NULL;
}
