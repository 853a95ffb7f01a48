/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "recording_reader.h"

#include <string.h>

static const char header_words[] = "# tinybms-gw recording format=";

void recording_reader_init(struct recording_reader *r, recording_read_fn *read,
                           recording_complain_fn *complain, void *context) {
    memset(r, 0, sizeof *r);
    r->read = read;
    r->complain = complain;
    r->context = context;
    settings_defaults(&r->settings);
    r->good = r->settings;
    tinybms_image_init(&r->image);
}

static void complain(struct recording_reader *r, const char *why) {
    if (++r->counts.malformed <= RECORDING_COMPLAINTS_MAX && r->complain != NULL) {
        r->complain(r->context, r->counts.lines, why);
    }
}

/* ---- lines ---- */

static bool read_line(struct recording_reader *r) {
    r->n = 0;
    r->whole = false;
    bool any = false;
    for (;;) {
        if (r->chunk_at == r->chunk_n) {
            r->chunk_at = 0;
            r->chunk_n = r->read(r->context, r->chunk, sizeof r->chunk);
            if (r->chunk_n == 0) {
                break;
            }
        }
        any = true;
        const char c = r->chunk[r->chunk_at++];
        if (c == '\n') {
            r->whole = true;
            break;
        }
        if (r->n < sizeof r->line) {
            r->line[r->n++] = c;
        }
    }
    r->counts.lines += any;
    if (r->whole && r->n > 0 && r->n < sizeof r->line && r->line[r->n - 1] == '\r') {
        r->n--; /* it was on another kind of machine */
    }
    return any;
}

/* A line was cut off and the header of the next piece written behind it. */
static bool drop_torn_beginning(struct recording_reader *r) {
    const char *header = memmem(r->line, r->n, header_words, sizeof header_words - 1);
    if (header == NULL || header == r->line) {
        return false;
    }
    r->counts.torn++;
    r->n -= (size_t)(header - r->line);
    memmove(r->line, header, r->n);
    return true;
}

/* The next line that is one of a recording. */
static bool next_line(struct recording_reader *r, struct recording_line *out) {
    while (read_line(r)) {
        if (!r->whole || (r->n > 0 && r->line[r->n - 1] == '~')) {
            r->counts.torn++;
        } else if (recording_parse(r->line, r->n, out) ||
                   (drop_torn_beginning(r) && recording_parse(r->line, r->n, out))) {
            return true;
        } else {
            complain(r, r->n >= RECORDING_LINE_MAX ? "too long for a line of a recording"
                                                   : "not a line of a recording");
        }
    }
    return false;
}

/* ---- what they say ---- */

static void take_header(struct recording_reader *r, const struct recording_header *h) {
    if (h->format != RECORDING_FORMAT) {
        complain(r, "the header of a format that this version does not know");
        r->newer_format = h->format;
        r->headed = false;
        return;
    }
    if (strcmp(r->gateway, h->gateway) != 0) {
        memcpy(r->gateway, h->gateway, sizeof r->gateway);
        r->known = false;
        r->last_us = 0;
        tinybms_image_init(&r->image);
    }
    r->headed = r->heading = true;
    r->event = h->event;
    r->clock_ms = h->clock_ms;
    r->uart_up = r->can_up = false;
    settings_defaults(&r->settings);
}

static void take_setting(struct recording_reader *r, const char *assignment) {
    struct settings_error e;
    if (settings_assign(&r->settings, assignment, &e) != 0) {
        complain(r, e.text);
    }
}

/* Settings that are in force from now on, if they may be. */
static void check_settings(struct recording_reader *r) {
    struct settings_error e;
    if (settings_check(&r->settings, &e) == 0) {
        r->good = r->settings;
    } else {
        complain(r, e.text);
    }
}

/* What is known of links goes along with the text, for the next gap. */
static void take_links(struct recording_reader *r, const struct traffic_event *e) {
    if (e->kind == TRAFFIC_UART_LINK) {
        r->uart_up = e->up;
    } else if (e->kind == TRAFFIC_CAN_LINK) {
        r->can_up = e->up;
    } else if (e->kind == TRAFFIC_MISSED) {
        r->uart_up = e->missed.uart_up;
        r->can_up = e->missed.can_up;
    }
}

static void give(const struct recording_reader *r, enum recording_item_kind kind,
                 struct recording_item *out) {
    *out = (struct recording_item){.kind = kind,
                                   .clock_ms = r->clock_ms,
                                   .settings = &r->good,
                                   .image = &r->image,
                                   .uart_up = r->uart_up,
                                   .can_up = r->can_up,
                                   .event = r->waiting};
}

/* Its time by the recorded machine's monotonic clock; false when it has none that can be. */
static bool to_monotonic(struct recording_reader *r, struct traffic_event *e) {
    const uint64_t ahead_us = r->clock_ms * 1000;
    if (e->at_us < ahead_us || e->at_us - ahead_us < r->last_us) {
        complain(r, "its time is before that of the line before");
        return false;
    }
    e->at_us -= ahead_us;
    r->last_us = e->at_us;
    return true;
}

/* True when there is something to give out. */
static bool take_event(struct recording_reader *r, const struct recording_line *line,
                       struct recording_item *out) {
    const uint64_t number = r->event;
    const bool missed = line->event.kind == TRAFFIC_MISSED;
    r->event += recording_events(line);
    if (r->known && r->event <= r->expected) {
        r->counts.twice++;
        take_links(r, &line->event);
        return false;
    }
    r->waiting = line->event;
    if (!to_monotonic(r, &r->waiting)) {
        return false;
    }
    const bool begins = !r->known, heading = r->heading;
    const bool gap = !begins && (missed || number > r->expected);
    r->counts.missed += gap ? r->event - r->expected - (missed ? 0 : 1) : 0;
    r->known = true;
    r->heading = false;
    r->expected = r->event;
    if (begins || gap || heading || r->waiting.kind == TRAFFIC_CONFIGURED) {
        check_settings(r);
    }
    if (begins || gap) {
        r->event_waits = !missed;
        if (missed) {
            take_links(r, &r->waiting);
        }
        give(r, begins ? RECORDING_BEGINS : RECORDING_GAP, out);
        return true;
    }
    take_links(r, &r->waiting);
    give(r, RECORDING_NEXT, out);
    return true;
}

static void take_place(struct recording_reader *r, const struct recording_header *place) {
    if (strcmp(place->gateway, r->gateway) == 0 && place->event > r->event) {
        r->event = place->event; /* lines were taken out of the text */
    }
}

static bool take_line(struct recording_reader *r, const struct recording_line *line,
                      struct recording_item *out) {
    if (line->kind == RECORDING_HEADER) {
        take_header(r, &line->header);
        return false;
    }
    if (!r->headed && line->kind != RECORDING_COMMENT) {
        if (!r->headless) {
            complain(r, "there is no header before it");
        } else {
            r->counts.malformed++;
        }
        r->headless = true;
        return false;
    }
    switch (line->kind) {
    case RECORDING_COMMENT:
    case RECORDING_HEADER:
        break;
    case RECORDING_SETTING:
    case RECORDING_CHANGE:
        take_setting(r, line->assignment);
        break;
    case RECORDING_REGISTERS:
        tinybms_image_store(&r->image, line->registers.first, line->registers.word,
                            line->registers.words, 0);
        break;
    case RECORDING_LINK:
        *(line->link.can ? &r->can_up : &r->uart_up) = line->link.up;
        break;
    case RECORDING_PLACE:
        take_place(r, &line->header);
        break;
    case RECORDING_CLOCK:
        r->clock_ms = line->clock_ms;
        break;
    case RECORDING_EVENT:
        return take_event(r, line, out);
    }
    return false;
}

bool recording_reader_next(struct recording_reader *r, struct recording_item *out) {
    struct recording_line line;
    if (r->event_waits) {
        r->event_waits = false;
        take_links(r, &r->waiting);
        give(r, RECORDING_NEXT, out);
        return true;
    }
    while (next_line(r, &line)) {
        if (take_line(r, &line, out)) {
            return true;
        }
    }
    return false;
}
