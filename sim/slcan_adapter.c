/* SPDX-License-Identifier: MIT */
/* The adapter's side of SLCAN. */
#include "sim/slcan_adapter.h"

#include <string.h>

enum { CR = '\r', BEL = '\a', RECEIVE_FULL = 0x01, OVERRUN = 0x08 };

void sim_slcan_init(struct sim_slcan *a) {
    memset(a, 0, sizeof *a);
}

/* Whole or not at all: half a line would be read as another one. */
static void say(struct sim_slcan *a, const char *text, size_t n) {
    if (a->text_count + n > SIM_SLCAN_TEXT) {
        a->overruns++;
        a->flags |= RECEIVE_FULL | OVERRUN;
        return;
    }
    for (size_t i = 0; i < n; i++)
        a->text[(a->text_first + a->text_count++) % SIM_SLCAN_TEXT] = text[i];
}

static void accept(struct sim_slcan *a) {
    say(a, "\r", 1);
}

static void refuse(struct sim_slcan *a) {
    a->refused++;
    say(a, "\a", 1);
}

static void answer(struct sim_slcan *a, bool good) {
    if (good)
        accept(a);
    else
        refuse(a);
}

static void send_frame(struct sim_slcan *a) {
    struct sim_can_frame f;
    /* the host's text has no time stamp: only its own length is good */
    size_t time_stamp = 4;
    bool good = sim_can_parse(a->line, a->line_len, &f) &&
                !sim_can_parse(a->line, a->line_len - time_stamp, &f);
    if (!good || !a->open || a->listen_only || a->frame_count == SIM_SLCAN_FRAMES) {
        refuse(a);
        return;
    }
    a->frame[(a->frame_first + a->frame_count++) % SIM_SLCAN_FRAMES] = f;
    say(a, f.extended ? "Z\r" : "z\r", 2);
}

static bool set_bitrate(struct sim_slcan *a) {
    bool code = a->line[0] == 'S' && a->line_len == 2 && a->line[1] >= '0' && a->line[1] <= '8';
    bool timing = a->line[0] == 's' && a->line_len == 5;
    if (a->open || !(code || timing))
        return false;
    a->bitrate = code ? a->line[1] : 's';
    return true;
}

static bool open_channel(struct sim_slcan *a) {
    if (a->open || a->bitrate == 0 || a->line_len != 1)
        return false;
    a->open = true;
    a->listen_only = a->line[0] == 'L';
    return true;
}

static bool close_channel(struct sim_slcan *a) {
    bool was_open = a->open && a->line_len == 1;
    if (was_open)
        a->open = false;
    return was_open;
}

static bool set_time_stamps(struct sim_slcan *a) {
    if (a->open || a->line_len != 2 || (a->line[1] != '0' && a->line[1] != '1'))
        return false;
    a->time_stamps = a->line[1] == '1';
    return true;
}

static void tell_flags(struct sim_slcan *a) {
    static const char digits[] = "0123456789ABCDEF";
    if (!a->open) {
        refuse(a);
        return;
    }
    char text[4] = {'F', digits[a->flags >> 4], digits[a->flags & 0xFu], CR};
    a->flags = 0;
    say(a, text, sizeof text);
}

static void execute(struct sim_slcan *a) {
    switch (a->line[0]) {
    case 't':
    case 'T':
    case 'r':
    case 'R':
        send_frame(a);
        break;
    case 'S':
    case 's':
        answer(a, set_bitrate(a));
        break;
    case 'O':
    case 'L':
        answer(a, open_channel(a));
        break;
    case 'C':
        answer(a, close_channel(a));
        break;
    case 'Z':
        answer(a, set_time_stamps(a));
        break;
    case 'M':
    case 'm':
        answer(a, !a->open && a->line_len == 9);
        break;
    case 'X':
        answer(a, a->line_len == 2);
        break;
    case 'V':
        say(a, "V1013\r", 6);
        break;
    case 'v':
        say(a, "v1013\r", 6);
        break;
    case 'N':
        say(a, "NSIM1\r", 6);
        break;
    case 'F':
        tell_flags(a);
        break;
    default:
        refuse(a);
        break;
    }
}

void sim_slcan_handle_rx(struct sim_slcan *a, const uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        char c = (char)bytes[i];
        if (c == '\n') /* a terminal's habit */
            continue;
        if (c != CR) {
            if (a->line_len == SIM_SLCAN_LINE_MAX)
                a->line_too_long = true;
            else
                a->line[a->line_len++] = c;
            continue;
        }
        if (a->line_too_long)
            refuse(a);
        else if (a->line_len == 0)
            accept(a);
        else
            execute(a);
        a->line_len = 0;
        a->line_too_long = false;
    }
}

bool sim_slcan_next_frame(struct sim_slcan *a, struct sim_can_frame *out) {
    if (a->frame_count == 0)
        return false;
    *out = a->frame[a->frame_first];
    a->frame_first = (uint8_t)((a->frame_first + 1) % SIM_SLCAN_FRAMES);
    a->frame_count--;
    return true;
}

void sim_slcan_put_frame(struct sim_slcan *a, const struct sim_can_frame *f, uint64_t now_us) {
    static const char digits[] = "0123456789ABCDEF";
    char text[SIM_CAN_TEXT_MAX + 5];
    if (!a->open)
        return;
    size_t n = sim_can_format(f, text);
    if (a->time_stamps) { /* milliseconds of the minute */
        unsigned ms = (unsigned)(now_us / 1000u % 60000u);
        for (unsigned shift = 16; shift > 0; shift -= 4)
            text[n++] = digits[ms >> (shift - 4) & 0xFu];
    }
    text[n++] = CR;
    say(a, text, n);
}

size_t sim_slcan_tx(struct sim_slcan *a, uint8_t *buf, size_t cap) {
    size_t n = 0;
    while (n < cap && a->text_count > 0) {
        buf[n++] = (uint8_t)a->text[a->text_first];
        a->text_first = (uint16_t)((a->text_first + 1) % SIM_SLCAN_TEXT);
        a->text_count--;
    }
    return n;
}
