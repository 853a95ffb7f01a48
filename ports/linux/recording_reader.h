/* SPDX-License-Identifier: MIT */
/* Reads the text of a recording, whatever it went through: pieces behind each other, pieces that
 * overlap, a line cut off by a power failure, lines that are something else. Gives out each event
 * once, in order, and says where something is missing. Without I/O: the text comes from a function.
 *
 * What is not understood is complained of with its line number and counted, and costs nothing but
 * itself. Memory does not grow with the text. */
#ifndef PORTS_LINUX_RECORDING_READER_H
#define PORTS_LINUX_RECORDING_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recording.h"
#include "tinybms/image.h"

enum { RECORDING_COMPLAINTS_MAX = 20, RECORDING_CHUNK = 16384 };

/* Fills buf with up to cap bytes; 0 at the end of the text. */
typedef size_t recording_read_fn(void *context, char *buf, size_t cap);
/* One line of the text is not as it should be: its number, from 1, and why. At most
 * RECORDING_COMPLAINTS_MAX times. */
typedef void recording_complain_fn(void *context, unsigned long line, const char *why);

enum recording_item_kind {
    RECORDING_BEGINS, /* a gateway that was not there before; its first event follows */
    RECORDING_GAP,    /* events are missing here */
    RECORDING_NEXT,   /* .event */
};

/* The pointers lead into the reader and hold until the next call. */
struct recording_item {
    enum recording_item_kind kind;
    struct traffic_event event;        /* at_us: monotonic, of the recorded machine */
    uint64_t clock_ms;                 /* wall clock less that */
    const struct settings *settings;   /* those in force, checked */
    const struct tinybms_image *image; /* BEGINS: what was known when the recording was asked for */
    bool uart_up, can_up;              /* BEGINS, GAP */
};

struct recording_counts {
    unsigned long lines;
    unsigned long malformed;
    unsigned long torn;  /* cut off by the end of the text or of a piece: no fault of the text */
    unsigned long twice; /* events that were there before */
    uint64_t missed;     /* events that are known to be missing */
};

struct recording_reader {
    recording_read_fn *read;
    recording_complain_fn *complain;
    void *context;
    struct recording_counts counts;
    uint32_t newer_format; /* of a header that this program cannot read; 0: none */

    bool headless; /* a line without a header was complained of */
    bool headed;   /* a header was read */
    bool heading;  /* and no event since */
    bool known;    /* events of this gateway were given out */
    char gateway[RECORDING_GATEWAY_MAX + 1];
    uint64_t event;    /* the number of the next one of the text */
    uint64_t expected; /* that of the next one to give out */
    uint64_t clock_ms, last_us;
    bool uart_up, can_up;
    struct settings settings, good; /* as the text has them; the last ones that passed the check */
    struct tinybms_image image;

    bool event_waits; /* behind a BEGINS or GAP */
    struct traffic_event waiting;

    char line[RECORDING_LINE_MAX + 1];
    size_t n;   /* of line; RECORDING_LINE_MAX + 1: longer, the rest was thrown away */
    bool whole; /* it had its newline */
    char chunk[RECORDING_CHUNK];
    size_t chunk_at, chunk_n;
};

/* complain: may be NULL. context: handed to both. */
void recording_reader_init(struct recording_reader *r, recording_read_fn *read,
                           recording_complain_fn *complain, void *context);

/* False at the end of the text. */
bool recording_reader_next(struct recording_reader *r, struct recording_item *out);

#endif
