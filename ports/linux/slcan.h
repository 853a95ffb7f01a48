/* SPDX-License-Identifier: MIT */
/* The text that LAWICEL CAN adapters speak on a serial line (SLCAN), without I/O.
 *
 * A line ends with CR. Lines that matter here: tiiildd.. an 11-bit data frame, Tiiiiiiiildd.. a
 * 29-bit one, riiil and Riiiiiiiil remote frames, each with four more hex digits when time stamps
 * are on; z and Z: a frame of ours was taken; Fxx: status; BEL: the last command was refused.
 * Everything else is garbage from a line that anything may be plugged into: skipped and counted.
 *
 * Source of truth: LAWICEL AB, "CANUSB Manual" version 1.0D. */
#ifndef PORTS_LINUX_SLCAN_H
#define PORTS_LINUX_SLCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "victron/frame.h"

enum {
    SLCAN_LINE_MAX = 32,    /* the longest is 30: T, id 8, length, data 16, time stamp 4 */
    SLCAN_OPEN_MAX = 16,    /* of slcan_open_text() */
    SLCAN_BAUDRATE = 115200 /* of adapters that are a true serial line */
};

struct slcan_counters {
    uint32_t frames;   /* 11-bit data frames handed on */
    uint32_t ignored;  /* 29-bit or remote frames: none of them is Victron's */
    uint32_t accepted; /* z and Z */
    uint32_t refused;  /* BEL */
    uint32_t garbage;  /* lines that are nothing of the above, or too long */
    uint8_t status;    /* of the last F line; 0 before */
};

struct slcan {
    char line[SLCAN_LINE_MAX];
    size_t length;
    bool skipping; /* the line is too long: thrown away up to its end */
    struct slcan_counters counters;
};

/* Forgets a half-received line and sets the counters to 0. */
void slcan_init(struct slcan *s);

/* One byte from the adapter. True when it completed an 11-bit data frame: *out is set. */
bool slcan_handle_rx(struct slcan *s, uint8_t byte, struct victron_frame *out);

/* The line for a frame, CR included, no NUL. Returns its length, at most 22. f->id <= 0x7FF,
 * f->len <= 8. */
size_t slcan_encode(const struct victron_frame *f, char line[SLCAN_LINE_MAX]);

/* What opens the channel whatever state the adapter is in: ends a half line, closes, sets the bit
 * rate, opens (listen: without ever sending, not even acknowledgements). Returns the length, or 0
 * when the adapter has no code for bitrate (10, 20, 50, 100, 125, 250, 500, 800, 1000 kbit/s). */
size_t slcan_open_text(uint32_t bitrate, bool listen, char text[SLCAN_OPEN_MAX]);

#endif
