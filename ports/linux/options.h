/* SPDX-License-Identifier: MIT */
/* The options that commands share, and the configuration they add up to. */
#ifndef PORTS_LINUX_OPTIONS_H
#define PORTS_LINUX_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "settings/settings.h"

enum { OPTIONS_SET_MAX = 64, OPTIONS_PATH_MAX = 512, OPTIONS_OWN_MAX = 4 };

/* An option that one command alone has: --name, or --name N where max is not 0. */
struct options_own {
    const char *name;
    char letter;       /* the short form, or NUL */
    uint32_t min, max; /* of a whole number behind it */
    const char *text;  /* its line of the help, ended by a newline */
};

struct options {
    const char *config;               /* -c FILE; NULL: the search path */
    const char *set[OPTIONS_SET_MAX]; /* --set key=value, in order */
    size_t set_count;
    bool json;                 /* -j */
    bool own[OPTIONS_OWN_MAX]; /* given, by row of struct options_own */
    uint32_t own_number[OPTIONS_OWN_MAX];
    char used[OPTIONS_PATH_MAX]; /* the file that was read; empty: none, or not yet */
    int first;                   /* argv[first] is the first operand; argc when there is none */
};

/* What a command takes. */
struct options_help {
    const char *usage; /* after "usage: tinybms-gw "; may have several lines */
    const char *text;  /* what it does, ended by a newline */
    bool config;       /* -c and --set */
    bool json;         /* -j */
    bool operands;     /* may follow; options come before the first one, or, with the next, */
    bool mixed;        /* anywhere */
    const struct options_own *own;
    size_t own_rows; /* <= OPTIONS_OWN_MAX */
};

/* Parses argv. -1: go on; otherwise the exit status: 0 after --help or --version, 2 after a message
 * on stderr. The strings are borrowed from argv. */
int options_parse(struct options *o, int argc, char **argv, const struct options_help *help);

/* The settings from defaults, file and --set, checked. 0; or -1 with why in words, *out undefined.
 * A file named by -c must exist; on the search path a missing one is passed over. */
int options_load_settings(struct options *o, struct settings *out, char *why, size_t cap);

/* The same for commands: complains on stderr. 0 or the exit status 2. */
int options_settings(struct options *o, const char *command, struct settings *out);

/* Writes everything that is in stdout. 0, or the exit status 1 with a message when it cannot. */
int options_finish_output(const char *command);

#endif
