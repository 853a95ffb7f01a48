/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "recorder.h"

#include <assert.h>
#include <string.h>

#include "version.h"

/* ---- the text ---- */

static char char_at(const struct recorder *r, uint64_t at) {
    return r->text[at & (RECORDER_BYTES - 1)];
}

/* The line at `at`, its newline included, whole lines alone being kept. */
static size_t copy_line(const struct recorder *r, uint64_t at, char line[RECORDING_LINE_MAX]) {
    size_t n = 0;
    do {
        assert(n < RECORDING_LINE_MAX && at + n < r->end);
        line[n] = char_at(r, at + n);
    } while (line[n++] != '\n');
    return n;
}

/* Takes a mark past a line. */
static void pass(struct recorder_mark *m, const char *text, size_t n) {
    struct recording_line line;
    struct settings_error error;
    if (!recording_parse(text, n - 1, &line)) {
        return; /* they are our own: not so */
    }
    m->event += recording_events(&line);
    if (line.kind == RECORDING_CHANGE) {
        (void)settings_assign(&m->settings, line.assignment, &error);
    } else if (line.kind == RECORDING_CLOCK) {
        m->clock_ms = line.clock_ms;
    } else if (line.kind != RECORDING_EVENT) {
        return;
    } else if (line.event.kind == TRAFFIC_UART_LINK) {
        m->uart_up = line.event.up;
    } else if (line.event.kind == TRAFFIC_CAN_LINK) {
        m->can_up = line.event.up;
    } else if (line.event.kind == TRAFFIC_MISSED) {
        m->uart_up = line.event.missed.uart_up;
        m->can_up = line.event.missed.can_up;
    }
}

static void append(struct recorder *r, const char *text, size_t n) {
    char line[RECORDING_LINE_MAX];
    while (r->end + n - r->begin > RECORDER_BYTES) {
        size_t length = copy_line(r, r->begin, line);
        pass(&r->first, line, length);
        r->begin += length;
    }
    for (size_t i = 0; i < n; i++) {
        r->text[(r->end + i) & (RECORDER_BYTES - 1)] = text[i];
    }
    r->end += n;
    pass(&r->last, text, n);
}

/* ---- in ---- */

void recorder_init(struct recorder *r, const char *gateway, const struct settings *settings,
                   uint64_t clock_ms) {
    memset(r, 0, sizeof *r);
    memcpy(r->gateway, gateway, strnlen(gateway, RECORDING_GATEWAY_MAX));
    r->first.clock_ms = clock_ms;
    r->first.settings = *settings;
    r->last = r->first;
}

void recorder_set_clock(struct recorder *r, uint64_t now_us, uint64_t clock_ms) {
    uint64_t old_ms = r->last.clock_ms;
    uint64_t change_ms = clock_ms > old_ms ? clock_ms - old_ms : old_ms - clock_ms;
    if (change_ms >= RECORDER_CLOCK_STEP_MS) {
        char line[RECORDING_LINE_MAX];
        size_t n = recording_print_clock(now_us + old_ms * 1000, clock_ms, line);
        append(r, line, n);
    }
}

static void append_changes(struct recorder *r, const struct settings *settings, uint64_t at_us) {
    const struct settings old = r->last.settings;
    const uint64_t wall_us = at_us + r->last.clock_ms * 1000;
    char before[RECORDING_LINE_MAX], now[RECORDING_LINE_MAX];
    for (size_t i = 0; i < settings_table_rows; i++) {
        size_t was = recording_print_setting(&settings_table[i], &old, &wall_us, before);
        size_t is = recording_print_setting(&settings_table[i], settings, &wall_us, now);
        if (is != 0 && (is != was || memcmp(before, now, is) != 0)) {
            append(r, now, is);
        }
    }
}

void recorder_take(struct recorder *r, const struct traffic_event *e,
                   const struct settings *settings) {
    char line[RECORDING_LINE_MAX];
    if (e->kind == TRAFFIC_CONFIGURED) {
        append_changes(r, settings, e->at_us);
    }
    size_t n = recording_print_event(e, r->last.clock_ms, line);
    append(r, line, n);
    if (e->kind == TRAFFIC_MISSED) { /* which may have been a change of them, too */
        append_changes(r, settings, e->at_us);
    }
    if (r->end - r->placed >= RECORDER_PLACE_EVERY) {
        struct recording_header place = {.event = r->last.event};
        memcpy(place.gateway, r->gateway, sizeof place.gateway);
        r->placed = r->end;
        append(r, line, recording_print_place(&place, line));
    }
}

/* ---- out ---- */

/* Where the line of that event, or what stands before it, begins; false when it is not kept. */
static bool seek(const struct recorder *r, uint64_t event, uint64_t *at) {
    struct recorder_mark m = r->first;
    char line[RECORDING_LINE_MAX];
    *at = r->begin;
    while (m.event < event && *at < r->end) {
        size_t n = copy_line(r, *at, line);
        pass(&m, line, n);
        *at += n;
    }
    return m.event == event;
}

/* The event's number, when the token is one of this gateway. */
static bool parse_token(const struct recorder *r, const char *token, uint64_t *event) {
    const size_t n = strlen(r->gateway);
    if (strncmp(token, r->gateway, n) != 0 || token[n] != ':') {
        return false;
    }
    *event = 0;
    for (token += n + 1; *token >= '0' && *token <= '9' && *event < INT64_MAX / 10; token++) {
        *event = 10 * *event + (uint64_t)(*token - '0');
    }
    return *token == '\0';
}

void recorder_begin(const struct recorder *r, const char *token, bool live,
                    struct recorder_cursor *cursor) {
    uint64_t event = 0;
    *cursor = (struct recorder_cursor){.live = live, .at = r->begin, .until = r->end};
    if (parse_token(r, token, &event) && !seek(r, event, &cursor->at)) {
        cursor->at = r->begin;
    }
}

/* The mark at a place, by going there from the oldest line. */
static struct recorder_mark mark_at(const struct recorder *r, uint64_t at) {
    struct recorder_mark m = r->first;
    char line[RECORDING_LINE_MAX];
    for (uint64_t i = r->begin; i < at;) {
        size_t n = copy_line(r, i, line);
        pass(&m, line, n);
        i += n;
    }
    return m;
}

struct out {
    char *buf;
    size_t cap, n;
};

static void add(struct out *o, const char *line, size_t n) {
    assert(n <= o->cap - o->n);
    memcpy(o->buf + o->n, line, n);
    o->n += n;
}

/* What is known of a block, in runs of neighbours. */
static void add_block(struct out *o, const struct tinybms_block *block,
                      const struct tinybms_image *image) {
    char line[RECORDING_LINE_MAX];
    const uint16_t end = (uint16_t)(block->first + block->words);
    for (uint16_t addr = block->first; addr < end;) {
        uint16_t word[RECORDING_WORDS_MAX];
        uint16_t n = 0;
        while (n < RECORDING_WORDS_MAX && addr + n < end &&
               tinybms_image_get(image, (uint16_t)(addr + n), &word[n])) {
            n++;
        }
        if (n != 0) {
            add(o, line, recording_print_registers(addr, word, n, line));
        }
        addr = (uint16_t)(addr + (n != 0 ? n : 1));
    }
}

static void add_header(const struct recorder *r, uint64_t at, const struct tinybms_image *image,
                       struct out *o) {
    const struct recorder_mark m = mark_at(r, at);
    struct recording_header h = {
        .format = RECORDING_FORMAT, .event = m.event, .clock_ms = m.clock_ms};
    char line[RECORDING_LINE_MAX];
    _Static_assert(sizeof TINYBMS_GW_VERSION_TEXT <= sizeof h.version, "a longer version");
    memcpy(h.version, TINYBMS_GW_VERSION_TEXT, sizeof TINYBMS_GW_VERSION_TEXT);
    memcpy(h.gateway, r->gateway, sizeof h.gateway);
    add(o, line, recording_print_header(&h, line));
    for (size_t i = 0; i < settings_table_rows; i++) {
        add(o, line, recording_print_setting(&settings_table[i], &m.settings, NULL, line));
    }
    if (image != NULL) {
        for (size_t b = 0; b < BATTERY_GROUP_COUNT; b++) {
            add_block(o, &tinybms_blocks[b], image);
        }
    }
    add(o, line, recording_print_link(false, m.uart_up, line));
    add(o, line, recording_print_link(true, m.can_up, line));
}

size_t recorder_read(const struct recorder *r, struct recorder_cursor *cursor,
                     const struct tinybms_image *image, char *buf, size_t cap) {
    struct out o = {.buf = buf, .cap = cap};
    char line[RECORDING_LINE_MAX];
    assert(cap >= RECORDER_HEADER_MAX);
    if (cursor->at < r->begin) {
        cursor->at = r->begin;
        cursor->headed = false;
    }
    if (!cursor->headed) {
        cursor->headed = true;
        add_header(r, cursor->at, image, &o);
    }
    const uint64_t end = cursor->live || cursor->until > r->end ? r->end : cursor->until;
    while (cursor->at < end) {
        size_t n = copy_line(r, cursor->at, line);
        if (n > o.cap - o.n) {
            break;
        }
        add(&o, line, n);
        cursor->at += n;
    }
    return o.n;
}

bool recorder_ended(const struct recorder_cursor *cursor) {
    return !cursor->live && cursor->headed && cursor->at >= cursor->until;
}
