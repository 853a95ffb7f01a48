/* SPDX-License-Identifier: MIT */
/* Recordings: each line by itself, and the reader that puts pieces of them together.
 *
 * A line that was parsed can be printed and parsed again to the same; the reader gives the same
 * however the text is handed to it, and never the same event twice.
 *
 * Input: a byte for the chunks (its highest bit: the text once more behind itself), then text. */
#include "recording.h"

#include <string.h>

#include "fuzz.h"
#include "recording_reader.h"

enum { INPUT_MAX = 4096 };

/* ---- one line ---- */

static bool same_event(const struct traffic_event *a, const struct traffic_event *b) {
    if (a->kind != b->kind || a->at_us != b->at_us) {
        return false;
    }
    switch ((enum traffic_kind)a->kind) {
    case TRAFFIC_START:
    case TRAFFIC_TURN:
    case TRAFFIC_CONFIGURED:
        return true;
    case TRAFFIC_UART_RX:
    case TRAFFIC_UART_TX:
    case TRAFFIC_UART_LOST:
        return a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0;
    case TRAFFIC_CAN_RX:
    case TRAFFIC_CAN_TX:
    case TRAFFIC_CAN_LOST:
        return a->frame.id == b->frame.id && a->frame.len == b->frame.len &&
               memcmp(a->frame.data, b->frame.data, a->frame.len) == 0;
    case TRAFFIC_UART_LINK:
    case TRAFFIC_CAN_LINK:
        return a->up == b->up;
    case TRAFFIC_COMMAND:
        return a->command.kind == b->command.kind && a->command.addr == b->command.addr &&
               a->command.count == b->command.count && a->command.raw == b->command.raw &&
               a->command.option == b->command.option;
    case TRAFFIC_MISSED:
        return a->missed.count == b->missed.count && a->missed.uart_up == b->missed.uart_up &&
               a->missed.can_up == b->missed.can_up;
    }
    return false;
}

static bool same_line(const struct recording_line *a, const struct recording_line *b) {
    const struct recording_header *h = &a->header, *i = &b->header;
    if (a->kind != b->kind || a->wall_us != b->wall_us) {
        return false;
    }
    switch (a->kind) {
    case RECORDING_COMMENT:
        return true;
    case RECORDING_HEADER:
        return h->format == i->format && strcmp(h->version, i->version) == 0 &&
               strcmp(h->gateway, i->gateway) == 0 && h->event == i->event &&
               h->clock_ms == i->clock_ms;
    case RECORDING_PLACE:
        return strcmp(h->gateway, i->gateway) == 0 && h->event == i->event;
    case RECORDING_SETTING:
    case RECORDING_CHANGE:
        return strcmp(a->assignment, b->assignment) == 0;
    case RECORDING_REGISTERS:
        return a->registers.first == b->registers.first &&
               a->registers.words == b->registers.words &&
               memcmp(a->registers.word, b->registers.word, a->registers.words * 2u) == 0;
    case RECORDING_LINK:
        return a->link.can == b->link.can && a->link.up == b->link.up;
    case RECORDING_CLOCK:
        return a->clock_ms == b->clock_ms;
    case RECORDING_EVENT:
        return same_event(&a->event, &b->event);
    }
    return false;
}

/* 0: there is no printing of such a line without its settings. */
static size_t print(const struct recording_line *line, char text[RECORDING_LINE_MAX]) {
    switch (line->kind) {
    case RECORDING_HEADER:
        return line->header.format == RECORDING_FORMAT ? recording_print_header(&line->header, text)
                                                       : 0;
    case RECORDING_PLACE:
        return recording_print_place(&line->header, text);
    case RECORDING_REGISTERS:
        return recording_print_registers(line->registers.first, line->registers.word,
                                         line->registers.words, text);
    case RECORDING_LINK:
        return recording_print_link(line->link.can, line->link.up, text);
    case RECORDING_CLOCK:
        return recording_print_clock(line->wall_us, line->clock_ms, text);
    case RECORDING_EVENT:
        return recording_print_event(&line->event, 0, text);
    case RECORDING_COMMENT:
    case RECORDING_SETTING:
    case RECORDING_CHANGE:
        break;
    }
    return 0;
}

/* The bytes of an event are as many as fit, and no line says more. */
static void check_longer(const struct traffic_event *e, const char *printed, size_t n) {
    static const char hex[] = "0123456789ABCDEF";
    const bool frame =
        e->kind == TRAFFIC_CAN_RX || e->kind == TRAFFIC_CAN_TX || e->kind == TRAFFIC_CAN_LOST;
    const bool bytes =
        e->kind == TRAFFIC_UART_RX || e->kind == TRAFFIC_UART_TX || e->kind == TRAFFIC_UART_LOST;
    char longer[RECORDING_LINE_MAX + 2];
    struct recording_line line;
    if (!frame && !bytes) {
        return;
    }
    const unsigned length = frame ? e->frame.len : e->n, most = frame ? 8 : TRAFFIC_BYTES_MAX;
    must(length <= most, "the bytes of an event are bounded");
    const size_t tail = frame ? 2 : 0; /* the direction */
    memcpy(longer, printed, n - tail);
    longer[n - tail] = hex[n % 16];
    longer[n - tail + 1] = hex[length % 16];
    memcpy(longer + n - tail + 2, printed + n - tail, tail);
    must(recording_parse(longer, n + 2, &line) == (length < most), "there is room or there is not");
}

static void check_line(const char *text, size_t n) {
    struct recording_line line, again;
    char printed[RECORDING_LINE_MAX], twice[RECORDING_LINE_MAX];
    if (!recording_parse(text, n, &line)) {
        return;
    }
    must(n < RECORDING_LINE_MAX, "a line is bounded");
    must(line.kind != RECORDING_EVENT || line.event.kind <= TRAFFIC_MISSED, "an event is a kind");
    const size_t m = print(&line, printed);
    if (m == 0) {
        return;
    }
    must(m < RECORDING_LINE_MAX && printed[m - 1] == '\n' && printed[m] == '\0' &&
             memchr(printed, '\n', m - 1) == NULL,
         "a printed line is one line");
    must(recording_parse(printed, m - 1, &again) && same_line(&line, &again),
         "a line survives printing");
    must(print(&again, twice) == m && memcmp(printed, twice, m) == 0, "printing is a fixed point");
    if (line.kind == RECORDING_EVENT) {
        check_longer(&line.event, printed, m - 1);
    }
}

/* ---- the reader ---- */

struct source {
    const char *at;
    size_t left, chunk;
    unsigned long complaints, last_line;
};

static size_t read_text(void *context, char *buf, size_t cap) {
    struct source *t = context;
    size_t n = t->chunk < cap ? t->chunk : cap;
    n = n < t->left ? n : t->left;
    memcpy(buf, t->at, n);
    t->at += n;
    t->left -= n;
    return n;
}

static void complain(void *context, unsigned long line, const char *why) {
    struct source *t = context;
    must(line >= 1 && line >= t->last_line, "complaints name lines in order");
    must(why != NULL && why[0] != '\0', "a complaint has words");
    t->last_line = line;
    t->complaints++;
}

static void check_same_item(const struct recording_item *a, const struct recording_item *b) {
    must(a->kind == b->kind && a->clock_ms == b->clock_ms && a->uart_up == b->uart_up &&
             a->can_up == b->can_up && same_event(&a->event, &b->event),
         "chunks do not change what is read");
    must(memcmp(a->settings, b->settings, sizeof *a->settings) == 0,
         "chunks do not change the settings");
}

/* What holds from one item to the next. */
struct order {
    bool begun, event_follows;
    struct traffic_event follows;
    uint64_t last_us, given;
};

static void check_order(struct order *o, const struct recording_item *item) {
    struct settings_error e;
    if (o->event_follows) {
        must(item->kind == RECORDING_NEXT && same_event(&item->event, &o->follows),
             "behind a beginning or a gap comes its event");
    }
    must(o->begun || item->kind == RECORDING_BEGINS, "first of all something begins");
    o->begun = true;
    o->event_follows = item->kind != RECORDING_NEXT && item->event.kind != TRAFFIC_MISSED;
    o->follows = item->event;
    o->given += item->kind == RECORDING_NEXT;
    must(item->kind == RECORDING_BEGINS || item->event.at_us >= o->last_us,
         "a gateway's events are in order of time");
    o->last_us = item->event.at_us;
    must(item->kind != RECORDING_BEGINS || settings_check(item->settings, &e) == 0,
         "the settings given out may be used");
}

static void check_reader(const char *text, size_t n, size_t chunk) {
    static struct recording_reader whole, pieces;
    struct source a = {text, n, RECORDING_CHUNK, 0, 0}, b = {text, n, chunk, 0, 0};
    struct recording_item item, other;
    struct order order = {0};
    recording_reader_init(&whole, read_text, complain, &a);
    recording_reader_init(&pieces, read_text, complain, &b);
    while (recording_reader_next(&whole, &item)) {
        must(recording_reader_next(&pieces, &other), "chunks do not lose anything");
        check_same_item(&item, &other);
        check_order(&order, &item);
    }
    must(!recording_reader_next(&pieces, &other), "chunks do not add anything");
    must(memcmp(&whole.counts, &pieces.counts, sizeof whole.counts) == 0,
         "chunks do not change what is counted");
    unsigned long lines = n > 0 && text[n - 1] != '\n';
    for (size_t i = 0; i < n; i++) {
        lines += text[i] == '\n';
    }
    must(whole.counts.lines == lines, "lines are counted");
    must(order.given <= lines && whole.counts.torn <= lines, "a line is one event at most");
    must(a.complaints == (whole.counts.malformed < RECORDING_COMPLAINTS_MAX
                              ? whole.counts.malformed
                              : RECORDING_COMPLAINTS_MAX) ||
             whole.headless,
         "what is malformed is complained of");
}

static uint64_t count_events(const char *text, size_t n) {
    static struct recording_reader reader;
    struct source source = {text, n, RECORDING_CHUNK, 0, 0};
    struct recording_item item;
    uint64_t events = 0;
    recording_reader_init(&reader, read_text, complain, &source);
    while (recording_reader_next(&reader, &item)) {
        events += item.kind == RECORDING_NEXT;
    }
    return events;
}

/* A piece of a recording, and the same piece behind it. */
static void check_twice(const char *text, size_t n) {
    static const char header[] = "# tinybms-gw recording format=";
    static char twice[2 * INPUT_MAX];
    const size_t header_n = sizeof header - 1;
    if (n < header_n || memcmp(text, header, header_n) != 0 || text[n - 1] != '\n') {
        return;
    }
    for (size_t i = 1; i + header_n <= n; i++) {
        if (memcmp(text + i, header, header_n) == 0) {
            return; /* more pieces than one */
        }
    }
    memcpy(twice, text, n);
    memcpy(twice + n, text, n);
    must(count_events(text, n) == count_events(twice, 2 * n), "no event is given out twice");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1 || size > INPUT_MAX) {
        return 0;
    }
    const char *text = (const char *)data + 1;
    const size_t n = size - 1;
    for (size_t at = 0; at < n;) {
        const char *end = memchr(text + at, '\n', n - at);
        const size_t length = end != NULL ? (size_t)(end - (text + at)) : n - at;
        check_line(text + at, length);
        at += length + 1;
    }
    check_reader(text, n, 1 + data[0] % 64u);
    if ((data[0] & 0x80) != 0) {
        check_twice(text, n);
    }
    return 0;
}
