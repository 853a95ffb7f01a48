/* SPDX-License-Identifier: MIT */
/* A classic CAN frame as it was on the wire, wrong ones included: the virtual GX must be able to
 * see what a gateway should never have sent. */
#ifndef SIM_CAN_FRAME_H
#define SIM_CAN_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_can_frame {
    uint32_t id; /* 0-0x7FF, or 0-0x1FFFFFFF when extended */
    bool extended;
    bool remote;
    uint8_t len; /* 0-8 */
    uint8_t data[8];
};

/* SLCAN (LAWICEL) text of a frame, without the final CR: t/T/r/R, 3 or 8 hexadecimal digits, the
 * length, two digits a byte (none for a remote frame). NUL-terminated; the length without the NUL.
 */
enum { SIM_CAN_TEXT_MAX = 1 + 8 + 1 + 16 + 1 };
size_t sim_can_format(const struct sim_can_frame *f, char out[SIM_CAN_TEXT_MAX]);

/* The reverse: n characters without the CR. Four more digits at the end (a time stamp) are allowed
 * and ignored. False, *out untouched: not a well-formed frame. */
bool sim_can_parse(const char *text, size_t n, struct sim_can_frame *out);

/* The value of a hexadecimal digit of either case, or -1. */
int sim_can_hex(char c);

#endif
