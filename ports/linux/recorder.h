/* SPDX-License-Identifier: MIT */
/* The last minutes of traffic as lines of a recording, kept in memory all the time, so that what
 * happened before anyone thought of recording can still be had; and the way out of there for those
 * who record. Used by the services thread alone; nothing here waits.
 *
 * A reader that falls behind by more than is kept goes on with a new header, whose event number
 * says how much it missed. */
#ifndef PORTS_LINUX_RECORDER_H
#define PORTS_LINUX_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recording.h"
#include "tinybms/image.h"

enum {
    RECORDER_BYTES = 1 << 22, /* 4 to 15 minutes, by the portions that the adapter reads in */
    RECORDER_PLACE_EVERY = 1 << 15,
    RECORDER_CLOCK_STEP_MS = 50,   /* the wall clock is followed in steps of at least this */
    RECORDER_HEADER_MAX = 3 << 14, /* settings and registers and all */
    RECORDER_TOKEN_MAX = RECORDING_GATEWAY_MAX + 21, /* GATEWAY:EVENT */
};

/* What is so where a line begins. */
struct recorder_mark {
    uint64_t event; /* the number of the next one */
    uint64_t clock_ms;
    bool uart_up, can_up;
    struct settings settings;
};

struct recorder {
    char gateway[RECORDING_GATEWAY_MAX + 1];
    struct recorder_mark first, last; /* at begin and at end */
    uint64_t begin, end;              /* of what is kept; both count bytes for ever */
    uint64_t placed;                  /* where the last "place" line stands */
    char text[RECORDER_BYTES];
};

/* One who reads. */
struct recorder_cursor {
    bool headed;    /* the header for `at` was given */
    bool live;      /* goes on when it has all that there is */
    uint64_t at;    /* the next byte */
    uint64_t until; /* not live: the end */
};

/* gateway: up to RECORDING_GATEWAY_MAX letters and digits, another name at each start. */
void recorder_init(struct recorder *r, const char *gateway, const struct settings *settings,
                   uint64_t clock_ms);

/* How far the wall clock is ahead now; small changes are let go until they add up. */
void recorder_set_clock(struct recorder *r, uint64_t now_us, uint64_t clock_ms);

/* settings: those that are in force, or are about to be by an event that is still to come. */
void recorder_take(struct recorder *r, const struct traffic_event *e,
                   const struct settings *settings);

/* Begins to read: where `token` says, when that is of this gateway and still kept, otherwise with
 * the oldest line. token: GATEWAY:EVENT, or empty. */
void recorder_begin(const struct recorder *r, const char *token, bool live,
                    struct recorder_cursor *cursor);

/* The next whole lines; 0 when there are none now. cap >= RECORDER_HEADER_MAX. image: for the
 * header; NULL: nothing is known. */
size_t recorder_read(const struct recorder *r, struct recorder_cursor *cursor,
                     const struct tinybms_image *image, char *buf, size_t cap);

/* A cursor that is not live has read all. */
bool recorder_ended(const struct recorder_cursor *cursor);

#endif
