/* SPDX-License-Identifier: MIT */
/* The demo's picture of a running gateway, as text: pack, cells, limits, links, and what the
 * virtual GX made of the frames. A pure function of what it is given; a caller that has a terminal
 * shows it ten times a second, one that has none prints it now and then. */
#ifndef PORTS_LINUX_VIEW_H
#define PORTS_LINUX_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/gateway.h"
#include "sim/gx.h"

enum view_mark { VIEW_EVENT, VIEW_HOLDS, VIEW_FAILS, VIEW_LOG };

struct view_note {
    enum view_mark mark;
    const char *text;
};

/* A scenario that is being played. */
struct view_scenario {
    const char *title;
    uint64_t at_ms, end_ms;
    unsigned held, broken, open;  /* sentences */
    const struct view_note *note; /* what happened last, oldest first */
    unsigned notes;
};

struct view {
    const struct gateway_snapshot *gateway; /* NULL: none yet */
    const struct sim_gx *gx;                /* NULL: none yet */
    uint64_t now_us;                        /* of gx */
    double speed;                           /* of the pack's time, or of the scenario's */
    const struct view_scenario *scenario;   /* NULL: none */
    const char *log_line;                   /* the newest, NULL: none */
    enum log_level log_level;               /* of it */
    const char *hint;                       /* how to end, NULL: not told */
};

struct view_style {
    unsigned columns, rows; /* lines are cut to columns; at most rows lines */
    bool colour;            /* SGR sequences */
    bool terminal;          /* from the upper left corner, over what is there */
};

enum { VIEW_TEXT_MAX = 65536 };

/* The picture, NUL-terminated; its length. Control characters in foreign texts become '?'. */
size_t view_render(const struct view *v, const struct view_style *style, char *buf, size_t cap);

#endif
