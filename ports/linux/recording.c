/* SPDX-License-Identifier: MIT */
#include "recording.h"

#include <assert.h>
#include <string.h>

#include "json/text.h"

/* ---- printing ---- */

static const char hex_digit[] = "0123456789ABCDEF";

static void print_bytes(struct text *t, const uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        text_char(t, hex_digit[bytes[i] >> 4]);
        text_char(t, hex_digit[bytes[i] & 15]);
    }
}

/* At least ten digits of seconds, as candump -L prints them. */
static void print_time(struct text *t, uint64_t wall_us) {
    uint64_t seconds = wall_us / 1000000, digits = 1000000000;
    text_char(t, '(');
    for (; digits > 1 && seconds < digits; digits /= 10) {
        text_char(t, '0');
    }
    text_fixed(t, (int64_t)wall_us, 6);
    text_str(t, ") ");
}

static size_t finish(struct text *t) {
    text_char(t, '\n');
    assert(!t->overflow);
    return t->len;
}

static struct text begin(char buf[RECORDING_LINE_MAX], const char *words) {
    struct text t;
    text_init(&t, buf, RECORDING_LINE_MAX);
    text_str(&t, words);
    return t;
}

size_t recording_print_header(const struct recording_header *h, char buf[RECORDING_LINE_MAX]) {
    struct text t = begin(buf, "# tinybms-gw recording format=");
    text_int(&t, h->format);
    text_str(&t, " version=");
    text_str(&t, h->version);
    text_str(&t, " gateway=");
    text_str(&t, h->gateway);
    text_str(&t, " event=");
    text_int(&t, (int64_t)h->event);
    text_str(&t, " clock=");
    text_int(&t, (int64_t)h->clock_ms);
    return finish(&t);
}

size_t recording_print_place(const struct recording_header *h, char buf[RECORDING_LINE_MAX]) {
    struct text t = begin(buf, "# place gateway=");
    text_str(&t, h->gateway);
    text_str(&t, " event=");
    text_int(&t, (int64_t)h->event);
    return finish(&t);
}

static const char *link_text(bool can) {
    return can ? "can0-link " : "uart0-link ";
}

static const char *up_text(bool up) {
    return up ? "up" : "down";
}

size_t recording_print_link(bool can, bool up, char buf[RECORDING_LINE_MAX]) {
    struct text t = begin(buf, "# ");
    text_str(&t, link_text(can));
    text_str(&t, up_text(up));
    return finish(&t);
}

size_t recording_print_registers(uint16_t first, const uint16_t *word, unsigned words,
                                 char buf[RECORDING_LINE_MAX]) {
    assert(words >= 1 && words <= RECORDING_WORDS_MAX);
    struct text t = begin(buf, "# registers ");
    text_int(&t, first);
    for (unsigned i = 0; i < words; i++) {
        text_char(&t, ' ');
        text_hex(&t, word[i], 4);
    }
    return finish(&t);
}

size_t recording_print_clock(uint64_t wall_us, uint64_t clock_ms, char buf[RECORDING_LINE_MAX]) {
    struct text t = begin(buf, "");
    print_time(&t, wall_us);
    text_str(&t, "clock ");
    text_int(&t, (int64_t)clock_ms);
    return finish(&t);
}

static void print_value(struct text *t, const struct settings_row *row, const void *value) {
    uint32_t number;
    int32_t decimal;
    switch (row->type) {
    case SETTINGS_BOOL:
        text_str(t, *(const bool *)value ? "true" : "false");
        return;
    case SETTINGS_UINT:
        memcpy(&number, value, sizeof number);
        text_int(t, number);
        return;
    case SETTINGS_ENUM:
        memcpy(&number, value, sizeof number);
        text_str(t, row->choices[number]);
        return;
    case SETTINGS_DECIMAL:
        memcpy(&decimal, value, sizeof decimal);
        text_fixed(t, decimal, row->decimals);
        return;
    case SETTINGS_STRING:
        text_str(t, value);
        return;
    }
}

size_t recording_print_setting(const struct settings_row *row, const struct settings *s,
                               const uint64_t *wall_us, char buf[RECORDING_LINE_MAX]) {
    char assignment[RECORDING_ASSIGNMENT_MAX + 1];
    struct text a;
    text_init(&a, assignment, sizeof assignment);
    text_str(&a, row->key);
    text_char(&a, '=');
    print_value(&a, row, (const unsigned char *)s + row->offset);
    if (row->secret || a.overflow) {
        return 0;
    }
    struct text t = begin(buf, wall_us == NULL ? "# " : "");
    if (wall_us != NULL) {
        print_time(&t, *wall_us);
    }
    text_str(&t, "set ");
    text_str(&t, assignment);
    return finish(&t);
}

static void print_frame(struct text *t, const char *interface, const struct victron_frame *f,
                        char direction) {
    text_str(t, interface);
    text_hex(t, f->id, 3);
    text_char(t, '#');
    print_bytes(t, f->data, f->len <= sizeof f->data ? f->len : sizeof f->data);
    text_char(t, ' ');
    text_char(t, direction);
}

static void print_command(struct text *t, const struct gateway_command *c) {
    switch (c->kind) {
    case GATEWAY_READ_REGISTERS:
        text_str(t, "command read ");
        text_int(t, c->addr);
        text_char(t, ' ');
        text_int(t, c->count);
        return;
    case GATEWAY_WRITE_REGISTER:
        text_str(t, "command write ");
        text_int(t, c->addr);
        text_char(t, ' ');
        text_int(t, c->raw);
        return;
    case GATEWAY_RESET_BMS:
        text_str(t, "command reset ");
        text_int(t, c->option);
        return;
    }
}

static void print_missed(struct text *t, const struct traffic_event *e) {
    text_str(t, "missed ");
    text_int(t, e->missed.count);
    text_char(t, ' ');
    text_str(t, link_text(false));
    text_str(t, up_text(e->missed.uart_up));
    text_char(t, ' ');
    text_str(t, link_text(true));
    text_str(t, up_text(e->missed.can_up));
}

size_t recording_print_event(const struct traffic_event *e, uint64_t clock_ms,
                             char buf[RECORDING_LINE_MAX]) {
    struct text t = begin(buf, "");
    print_time(&t, e->at_us + clock_ms * 1000);
    switch ((enum traffic_kind)e->kind) {
    case TRAFFIC_START:
        text_str(&t, "gateway start");
        break;
    case TRAFFIC_TURN:
        text_str(&t, "turn");
        break;
    case TRAFFIC_CONFIGURED:
        text_str(&t, "gateway configured");
        break;
    case TRAFFIC_UART_RX:
        text_str(&t, "uart0 < ");
        print_bytes(&t, e->bytes, e->n);
        break;
    case TRAFFIC_UART_TX:
        text_str(&t, "uart0 > ");
        print_bytes(&t, e->bytes, e->n);
        break;
    case TRAFFIC_UART_LOST:
        text_str(&t, "uart0-lost > ");
        print_bytes(&t, e->bytes, e->n);
        break;
    case TRAFFIC_CAN_RX:
        print_frame(&t, "can0 ", &e->frame, 'R');
        break;
    case TRAFFIC_CAN_TX:
        print_frame(&t, "can0 ", &e->frame, 'T');
        break;
    case TRAFFIC_CAN_LOST:
        print_frame(&t, "can0-lost ", &e->frame, 'T');
        break;
    case TRAFFIC_UART_LINK:
    case TRAFFIC_CAN_LINK:
        text_str(&t, link_text(e->kind == TRAFFIC_CAN_LINK));
        text_str(&t, up_text(e->up));
        break;
    case TRAFFIC_COMMAND:
        print_command(&t, &e->command);
        break;
    case TRAFFIC_MISSED:
        print_missed(&t, e);
        break;
    }
    return finish(&t);
}

size_t recording_print_frame(const struct victron_frame *f, uint64_t wall_us,
                             char buf[RECORDING_LINE_MAX]) {
    struct text t = begin(buf, "");
    print_time(&t, wall_us);
    print_frame(&t, "can0 ", f, 'T');
    return finish(&t);
}

uint32_t recording_events(const struct recording_line *line) {
    if (line->kind != RECORDING_EVENT) {
        return 0;
    }
    return line->event.kind == TRAFFIC_MISSED ? line->event.missed.count : 1;
}
