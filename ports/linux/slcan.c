/* SPDX-License-Identifier: MIT */
#include "slcan.h"

#include <assert.h>
#include <string.h>

enum { BEL = 7, CR = 13, STANDARD_DIGITS = 3, EXTENDED_DIGITS = 8, TIME_STAMP_DIGITS = 4 };

void slcan_init(struct slcan *s) {
    memset(s, 0, sizeof *s);
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return -1;
}

/* `digits` hex digits as a number; -1 when one of them is none. digits <= 8. */
static int64_t hex_number(const char *text, size_t digits) {
    int64_t n = 0;
    for (size_t i = 0; i < digits; i++) {
        int d = hex_digit(text[i]);
        if (d < 0) {
            return -1;
        }
        n = n * 16 + d;
    }
    return n;
}

static bool all_hex(const char *text, size_t digits) {
    for (size_t i = 0; i < digits; i++) {
        if (hex_digit(text[i]) < 0) {
            return false;
        }
    }
    return true;
}

/* A line that begins with t, T, r or R. True for a well-formed one; *out is set for t alone. */
static bool parse_frame(const char *line, size_t n, struct victron_frame *out) {
    bool extended = line[0] == 'T' || line[0] == 'R';
    bool remote = line[0] == 'r' || line[0] == 'R';
    size_t id_digits = extended ? EXTENDED_DIGITS : STANDARD_DIGITS;
    size_t head = 1 + id_digits + 1;
    if (n < head) {
        return false;
    }
    int64_t id = hex_number(line + 1, id_digits);
    int length = line[head - 1] - '0'; /* the length is decimal: 9 to F are no lengths */
    if (id < 0 || id > (extended ? 0x1FFFFFFF : 0x7FF) || length < 0 || length > 8) {
        return false;
    }
    size_t data_digits = remote ? 0 : 2 * (size_t)length;
    size_t whole = head + data_digits;
    if ((n != whole && n != whole + TIME_STAMP_DIGITS) || !all_hex(line + head, n - head)) {
        return false;
    }
    if (extended || remote) {
        return true;
    }
    memset(out, 0, sizeof *out);
    out->id = (uint16_t)id;
    out->len = (uint8_t)length;
    for (size_t i = 0; i < (size_t)length; i++) {
        out->data[i] = (uint8_t)hex_number(line + head + 2 * i, 2);
    }
    return true;
}

/* A whole line without its CR. True when it is a frame for the core. */
static bool handle_line(struct slcan *s, struct victron_frame *out) {
    const char *line = s->line;
    size_t n = s->length;
    struct slcan_counters *c = &s->counters;
    if (n == 0) {
        return false; /* "OK" to a command */
    }
    switch (line[0]) {
    case 't':
        if (parse_frame(line, n, out)) {
            c->frames++;
            return true;
        }
        break;
    case 'T':
    case 'r':
    case 'R':
        if (parse_frame(line, n, out)) {
            c->ignored++;
            return false;
        }
        break;
    case 'z':
    case 'Z':
        if (n == 1) {
            c->accepted++;
            return false;
        }
        break;
    case 'F':
        if (n == 3 && all_hex(line + 1, 2)) {
            c->status = (uint8_t)hex_number(line + 1, 2);
            return false;
        }
        break;
    default:
        break;
    }
    c->garbage++;
    return false;
}

bool slcan_handle_rx(struct slcan *s, uint8_t byte, struct victron_frame *out) {
    if (byte == BEL || byte == CR) {
        bool frame = false;
        if (s->skipping || (byte == BEL && s->length != 0)) { /* BEL stands alone */
            s->counters.garbage++;
        } else if (byte == CR) {
            frame = handle_line(s, out);
        }
        if (byte == BEL) {
            s->counters.refused++;
        }
        s->length = 0;
        s->skipping = false;
        return frame;
    }
    if (s->length == sizeof s->line) {
        s->skipping = true;
    } else {
        s->line[s->length++] = (char)byte;
    }
    return false;
}

size_t slcan_encode(const struct victron_frame *f, char line[SLCAN_LINE_MAX]) {
    static const char hex[] = "0123456789ABCDEF";
    assert(f->id <= 0x7FF && f->len <= 8);
    size_t n = 0;
    line[n++] = 't';
    line[n++] = hex[f->id >> 8];
    line[n++] = hex[(f->id >> 4) & 15];
    line[n++] = hex[f->id & 15];
    line[n++] = (char)('0' + f->len);
    for (size_t i = 0; i < f->len; i++) {
        line[n++] = hex[f->data[i] >> 4];
        line[n++] = hex[f->data[i] & 15];
    }
    line[n++] = CR;
    return n;
}

static const struct {
    uint32_t bitrate;
    char code;
} bitrate_codes[] = {
    {10000, '0'},  {20000, '1'},  {50000, '2'},  {100000, '3'},  {125000, '4'},
    {250000, '5'}, {500000, '6'}, {800000, '7'}, {1000000, '8'},
};

size_t slcan_open_text(uint32_t bitrate, bool listen, char text[SLCAN_OPEN_MAX]) {
    for (size_t i = 0; i < sizeof bitrate_codes / sizeof bitrate_codes[0]; i++) {
        if (bitrate_codes[i].bitrate == bitrate) {
            const char whole[] = {
                CR, CR, CR, 'C', CR, 'S', bitrate_codes[i].code, CR, listen ? 'L' : 'O', CR};
            memcpy(text, whole, sizeof whole);
            return sizeof whole;
        }
    }
    return 0;
}
