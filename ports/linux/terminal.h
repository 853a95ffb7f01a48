/* SPDX-License-Identifier: MIT */
/* The terminal of a live view: the other screen, no cursor, keys that are not shown. */
#ifndef PORTS_LINUX_TERMINAL_H
#define PORTS_LINUX_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#include "view.h"

struct terminal {
    bool there;  /* input and output are one that can show a picture */
    bool colour; /* and colours are wanted (NO_COLOR) */
    struct termios before;
};

/* Looks at stdin, stdout and the environment; changes nothing. */
void terminal_init(struct terminal *t);

/* Takes the screen and gives it back; nothing without a terminal. */
void terminal_take(struct terminal *t);
void terminal_give_back(struct terminal *t);

/* Writes all of it to stdout; false when there is nobody left to write to. */
bool terminal_write(const char *text, size_t n);

/* q was pressed. */
bool terminal_quit_key(const struct terminal *t);

/* How to draw for it now; without one: plain text for columns x rows. */
struct view_style terminal_style(const struct terminal *t, unsigned columns, unsigned rows);

#endif
