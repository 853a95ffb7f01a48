/* SPDX-License-Identifier: MIT */
/* The lines of a recording, printed and parsed, without I/O. What they mean stands in
 * docs/protocol/recording.md.
 *
 * Times in lines are microseconds of the wall clock; the header and "clock" lines say how far that
 * is ahead of clock_now_us(), in whole milliseconds, so that the millisecond that the core was
 * told can be had back exactly.
 *
 * Every line is hostile until parsed: lengths, numbers and characters are checked, nothing is cut
 * or guessed. */
#ifndef PORTS_LINUX_RECORDING_H
#define PORTS_LINUX_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "settings/settings.h"
#include "traffic.h"

enum {
    RECORDING_FORMAT = 1,
    RECORDING_LINE_MAX = 640, /* with its newline; TRAFFIC_BYTES_MAX bytes in hex are 514 */
    RECORDING_GATEWAY_MAX = 16,
    RECORDING_VERSION_MAX = 40,
    RECORDING_ASSIGNMENT_MAX = 191, /* key=value */
    RECORDING_WORDS_MAX = 16,       /* registers of one line */
};

/* What stands before the settings and events of a piece that was recorded in one go. */
struct recording_header {
    uint32_t format; /* when it is not RECORDING_FORMAT the rest is empty */
    char version[RECORDING_VERSION_MAX + 1];
    char gateway[RECORDING_GATEWAY_MAX + 1]; /* another one for each start of a gateway */
    uint64_t event;                          /* the number of the first event that follows */
    uint64_t clock_ms;                       /* wall clock less clock_now_us() */
};

enum recording_kind {
    RECORDING_COMMENT,   /* says nothing to a program */
    RECORDING_HEADER,    /* .header */
    RECORDING_SETTING,   /* .assignment: a setting in force, of the header */
    RECORDING_REGISTERS, /* .registers as the gateway knew them, of the header */
    RECORDING_LINK,      /* .link: up or down when the events begin, of the header */
    RECORDING_PLACE,     /* .header.gateway, .header.event: where the recording is by now */
    RECORDING_EVENT,     /* .event; its time is wall_us */
    RECORDING_CHANGE,    /* .assignment: a setting of the TRAFFIC_CONFIGURED that follows */
    RECORDING_CLOCK,     /* .clock_ms from now on: the wall clock was set */
};

struct recording_line {
    enum recording_kind kind;
    uint64_t wall_us; /* of the lines that have a time */
    union {
        struct recording_header header;
        char assignment[RECORDING_ASSIGNMENT_MAX + 1];
        struct {
            uint16_t first;
            uint8_t words;
            uint16_t word[RECORDING_WORDS_MAX];
        } registers;
        struct {
            bool can, up;
        } link;
        struct traffic_event event; /* at_us: wall_us */
        uint64_t clock_ms;
    };
};

/* n characters without the newline. False, *out undefined: no line of a recording. */
bool recording_parse(const char *text, size_t n, struct recording_line *out);

/* The events that a line stands for: 1, for one of TRAFFIC_MISSED their number, for others 0. */
uint32_t recording_events(const struct recording_line *line);

/* Each writes one line with its newline and a NUL and returns its length, < RECORDING_LINE_MAX. */
size_t recording_print_header(const struct recording_header *h, char buf[RECORDING_LINE_MAX]);
size_t recording_print_place(const struct recording_header *h, char buf[RECORDING_LINE_MAX]);
size_t recording_print_link(bool can, bool up, char buf[RECORDING_LINE_MAX]);
/* words 1 to RECORDING_WORDS_MAX. */
size_t recording_print_registers(uint16_t first, const uint16_t *word, unsigned words,
                                 char buf[RECORDING_LINE_MAX]);
/* e->at_us is monotonic. */
size_t recording_print_event(const struct traffic_event *e, uint64_t clock_ms,
                             char buf[RECORDING_LINE_MAX]);
size_t recording_print_clock(uint64_t wall_us, uint64_t clock_ms, char buf[RECORDING_LINE_MAX]);
/* The setting of a row: in a header, or with a time when *wall_us is given. 0 for a secret, which
 * no recording holds, and for the value that cannot stand in a line. */
size_t recording_print_setting(const struct settings_row *row, const struct settings *s,
                               const uint64_t *wall_us, char buf[RECORDING_LINE_MAX]);

/* One frame sent, as recorded. */
size_t recording_print_frame(const struct victron_frame *f, uint64_t wall_us,
                             char buf[RECORDING_LINE_MAX]);

#endif
