/* SPDX-License-Identifier: MIT */
/* The other direction of recording.c. */
#include <string.h>

#include "recording.h"

/* The year 5138. */
#define TIME_SECONDS_MAX UINT64_C(99999999999)

/* What is left to read. */
struct input {
    const char *at, *end;
};

static bool at_end(const struct input *r) {
    return r->at == r->end;
}

static bool take(struct input *r, const char *words) {
    size_t n = strlen(words);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, words, n) != 0) {
        return false;
    }
    r->at += n;
    return true;
}

/* Decimal digits, at least one, and no more than the value needs but for leading zeros. */
static bool take_number(struct input *r, uint64_t max, uint64_t *out) {
    const char *first = r->at;
    uint64_t v = 0;
    for (; !at_end(r) && *r->at >= '0' && *r->at <= '9'; r->at++) {
        unsigned digit = (unsigned)(*r->at - '0');
        if (v > (max - digit) / 10) {
            return false;
        }
        v = 10 * v + digit;
    }
    *out = v;
    return r->at != first;
}

static int hex(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool take_hex(struct input *r, unsigned digits, unsigned *out) {
    *out = 0;
    for (unsigned i = 0; i < digits; i++) {
        if (at_end(r) || hex(*r->at) < 0) {
            return false;
        }
        *out = *out << 4 | (unsigned)hex(*r->at++);
    }
    return true;
}

/* Pairs of digits up to what is none; false for half a pair or more than max. */
static bool take_bytes(struct input *r, uint8_t *out, size_t max, uint8_t *n) {
    size_t i = 0;
    unsigned v = 0;
    for (; !at_end(r) && hex(*r->at) >= 0; i++) {
        if (i == max || !take_hex(r, 2, &v)) {
            return false;
        }
        out[i] = (uint8_t)v;
    }
    *n = (uint8_t)i;
    return true;
}

/* Printable text without blanks up to a blank or the end. */
static bool take_word(struct input *r, char *out, size_t max) {
    size_t n = 0;
    for (; !at_end(r) && *r->at > ' ' && *r->at < 0x7F; r->at++) {
        if (n == max) {
            return false;
        }
        out[n++] = *r->at;
    }
    out[n] = '\0';
    return n > 0;
}

static bool take_time(struct input *r, uint64_t *wall_us) {
    uint64_t seconds = 0, micros = 0;
    if (!take(r, "(") || !take_number(r, TIME_SECONDS_MAX, &seconds) || !take(r, ".")) {
        return false;
    }
    const char *fraction = r->at;
    if (!take_number(r, 999999, &micros) || r->at - fraction != 6) {
        return false;
    }
    *wall_us = seconds * 1000000 + micros;
    return take(r, ") ");
}

static bool take_up(struct input *r, bool *up) {
    *up = take(r, "up");
    return *up || take(r, "down");
}

/* Behind "set ": up to the end. */
static bool take_assignment(struct input *r, char out[RECORDING_ASSIGNMENT_MAX + 1]) {
    size_t n = (size_t)(r->end - r->at);
    if (n > RECORDING_ASSIGNMENT_MAX || memchr(r->at, '=', n) == NULL) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)r->at[i];
        if (c < 0x20 || c == 0x7F) {
            return false;
        }
    }
    memcpy(out, r->at, n);
    out[n] = '\0';
    r->at = r->end;
    return true;
}

/* ---- lines of the header ---- */

static bool take_header(struct input *r, struct recording_header *h) {
    uint64_t format = 0;
    if (!take_number(r, UINT32_MAX, &format)) {
        return false;
    }
    h->format = (uint32_t)format;
    if (format != RECORDING_FORMAT) {
        r->at = r->end; /* whatever a later format says there */
        return true;
    }
    return take(r, " version=") && take_word(r, h->version, RECORDING_VERSION_MAX) &&
           take(r, " gateway=") && take_word(r, h->gateway, RECORDING_GATEWAY_MAX) &&
           take(r, " event=") && take_number(r, INT64_MAX, &h->event) && take(r, " clock=") &&
           take_number(r, TIME_SECONDS_MAX * 1000, &h->clock_ms);
}

static bool take_place(struct input *r, struct recording_header *h) {
    return take_word(r, h->gateway, RECORDING_GATEWAY_MAX) && take(r, " event=") &&
           take_number(r, INT64_MAX, &h->event);
}

static bool take_registers(struct input *r, struct recording_line *out) {
    uint64_t first = 0;
    if (!take_number(r, UINT16_MAX, &first)) {
        return false;
    }
    out->registers.first = (uint16_t)first;
    while (take(r, " ")) {
        unsigned v = 0;
        if (out->registers.words == RECORDING_WORDS_MAX || !take_hex(r, 4, &v)) {
            return false;
        }
        out->registers.word[out->registers.words++] = (uint16_t)v;
    }
    return out->registers.words > 0 && first + out->registers.words <= UINT16_MAX + UINT64_C(1);
}

static bool parse_comment(struct input *r, struct recording_line *out) {
    if (take(r, "tinybms-gw recording format=")) {
        out->kind = RECORDING_HEADER;
        return take_header(r, &out->header);
    }
    if (take(r, "set ")) {
        out->kind = RECORDING_SETTING;
        return take_assignment(r, out->assignment);
    }
    if (take(r, "registers ")) {
        out->kind = RECORDING_REGISTERS;
        return take_registers(r, out);
    }
    if (take(r, "place gateway=")) {
        out->kind = RECORDING_PLACE;
        return take_place(r, &out->header);
    }
    out->kind = RECORDING_LINK;
    if (take(r, "uart0-link ")) {
        return take_up(r, &out->link.up);
    }
    if (take(r, "can0-link ")) {
        out->link.can = true;
        return take_up(r, &out->link.up);
    }
    out->kind = RECORDING_COMMENT;
    r->at = r->end;
    return true;
}

/* ---- lines with a time ---- */

static bool take_frame(struct input *r, struct victron_frame *f, const char *direction) {
    unsigned id = 0;
    bool good = take_hex(r, 3, &id) && id <= 0x7FF && take(r, "#") &&
                take_bytes(r, f->data, sizeof f->data, &f->len) && take(r, " ") &&
                take(r, direction);
    f->id = (uint16_t)id;
    return good;
}

/* A frame's direction tells what it is, so both are tried. */
static bool take_can(struct input *r, struct traffic_event *e) {
    const struct input begin = *r;
    e->kind = TRAFFIC_CAN_TX;
    if (take_frame(r, &e->frame, "T")) {
        return true;
    }
    *r = begin;
    e->kind = TRAFFIC_CAN_RX;
    return take_frame(r, &e->frame, "R");
}

static bool take_command(struct input *r, struct gateway_command *c) {
    uint64_t a = 0, b = 0;
    if (take(r, "read ")) {
        bool good =
            take_number(r, UINT16_MAX, &a) && take(r, " ") && take_number(r, UINT16_MAX, &b);
        c->kind = GATEWAY_READ_REGISTERS;
        c->count = (uint16_t)b;
        c->addr = (uint16_t)a;
        return good;
    }
    if (take(r, "write ")) {
        bool good =
            take_number(r, UINT16_MAX, &a) && take(r, " ") && take_number(r, UINT32_MAX, &b);
        c->kind = GATEWAY_WRITE_REGISTER;
        c->raw = (uint32_t)b;
        c->addr = (uint16_t)a;
        return good;
    }
    c->kind = GATEWAY_RESET_BMS;
    bool good = take(r, "reset ") && take_number(r, UINT8_MAX, &a);
    c->option = (uint8_t)a;
    return good;
}

static bool take_missed(struct input *r, struct traffic_event *e) {
    uint64_t count = 0;
    if (!take_number(r, UINT32_MAX, &count) || !take(r, " uart0-link ") ||
        !take_up(r, &e->missed.uart_up) || !take(r, " can0-link ") ||
        !take_up(r, &e->missed.can_up)) {
        return false;
    }
    e->missed.count = (uint32_t)count;
    return true;
}

static bool take_event(struct input *r, struct traffic_event *e) {
    static const struct {
        const char *words;
        enum traffic_kind kind;
    } row[] = {
        {"turn", TRAFFIC_TURN},
        {"gateway start", TRAFFIC_START},
        {"gateway configured", TRAFFIC_CONFIGURED},
        {"uart0 < ", TRAFFIC_UART_RX},
        {"uart0 > ", TRAFFIC_UART_TX},
        {"uart0-lost > ", TRAFFIC_UART_LOST},
        {"can0 ", TRAFFIC_CAN_RX},
        {"can0-lost ", TRAFFIC_CAN_LOST},
        {"uart0-link ", TRAFFIC_UART_LINK},
        {"can0-link ", TRAFFIC_CAN_LINK},
        {"command ", TRAFFIC_COMMAND},
        {"missed ", TRAFFIC_MISSED},
    };
    size_t i = 0;
    for (; i < sizeof row / sizeof row[0] && !take(r, row[i].words); i++) {
    }
    if (i == sizeof row / sizeof row[0]) {
        return false;
    }
    e->kind = (uint8_t)row[i].kind;
    switch (row[i].kind) {
    case TRAFFIC_START:
    case TRAFFIC_TURN:
    case TRAFFIC_CONFIGURED:
        return true;
    case TRAFFIC_UART_RX:
    case TRAFFIC_UART_TX:
    case TRAFFIC_UART_LOST:
        return take_bytes(r, e->bytes, TRAFFIC_BYTES_MAX, &e->n) && e->n > 0;
    case TRAFFIC_CAN_RX:
    case TRAFFIC_CAN_TX:
        return take_can(r, e);
    case TRAFFIC_CAN_LOST:
        return take_frame(r, &e->frame, "T");
    case TRAFFIC_UART_LINK:
    case TRAFFIC_CAN_LINK:
        return take_up(r, &e->up);
    case TRAFFIC_COMMAND:
        return take_command(r, &e->command);
    case TRAFFIC_MISSED:
        return take_missed(r, e);
    }
    return false;
}

static bool parse_timed(struct input *r, struct recording_line *out) {
    if (take(r, "set ")) {
        out->kind = RECORDING_CHANGE;
        return take_assignment(r, out->assignment);
    }
    if (take(r, "clock ")) {
        out->kind = RECORDING_CLOCK;
        return take_number(r, TIME_SECONDS_MAX * 1000, &out->clock_ms);
    }
    out->kind = RECORDING_EVENT;
    out->event.at_us = out->wall_us;
    return take_event(r, &out->event);
}

bool recording_parse(const char *text, size_t n, struct recording_line *out) {
    struct input r = {text, text + n};
    memset(out, 0, sizeof *out);
    if (n >= RECORDING_LINE_MAX) {
        return false;
    }
    if (at_end(&r)) {
        return true; /* RECORDING_COMMENT */
    }
    if (take(&r, "# ")) {
        return parse_comment(&r, out) && at_end(&r);
    }
    if (take(&r, "#")) {
        return true;
    }
    return take_time(&r, &out->wall_us) && parse_timed(&r, out) && at_end(&r);
}
