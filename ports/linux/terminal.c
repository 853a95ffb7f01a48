/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WRITE_WAIT_MS = 150 };

void terminal_init(struct terminal *t) {
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    bool both = isatty(STDOUT_FILENO) && isatty(STDIN_FILENO);
    *t = (struct terminal){
        .there = both && term != NULL && strcmp(term, "dumb") != 0,
        .colour = both && (no_color == NULL || no_color[0] == '\0'),
    };
}

bool terminal_write(const char *text, size_t n) {
    while (n > 0) {
        ssize_t done = write(STDOUT_FILENO, text, n);
        if (done < 0 && errno == EAGAIN) {
            struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};
            (void)poll(&p, 1, WRITE_WAIT_MS);
        } else if (done < 0 && errno != EINTR) {
            return false;
        }
        if (done > 0) {
            text += done;
            n -= (size_t)done;
        }
    }
    return true;
}

static void write_text(const char *text) {
    (void)terminal_write(text, strlen(text));
}

/* Ctrl-Z must not leave it half way. */
void terminal_take(struct terminal *t) {
    if (!t->there) {
        return;
    }
    if (tcgetattr(STDIN_FILENO, &t->before) == 0) {
        struct termios now = t->before;
        now.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
        now.c_cc[VMIN] = 0;
        now.c_cc[VTIME] = 0;
        now.c_cc[VSUSP] = _POSIX_VDISABLE;
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &now);
    }
    write_text("\x1b[?1049h\x1b[?25l\x1b[2J");
}

void terminal_give_back(struct terminal *t) {
    if (!t->there) {
        return;
    }
    write_text("\x1b[?25h\x1b[?1049l");
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &t->before);
}

bool terminal_quit_key(const struct terminal *t) {
    char key = 0;
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    return t->there && poll(&p, 1, 0) > 0 && read(STDIN_FILENO, &key, 1) == 1 &&
           (key == 'q' || key == 'Q');
}

struct view_style terminal_style(const struct terminal *t, unsigned columns, unsigned rows) {
    struct winsize size = {0};
    if (!t->there) {
        return (struct view_style){.columns = columns, .rows = rows};
    }
    struct view_style style = {.columns = 80, .rows = 24, .colour = t->colour, .terminal = true};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
        style.columns = size.ws_col;
        style.rows = size.ws_row;
    }
    return style;
}
