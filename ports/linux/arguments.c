/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "arguments.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"

static bool is_number(const char *text, bool fraction) {
    bool point = false, digit = false;
    for (; *text != '\0'; text++) {
        if (*text == '.' && fraction && !point) {
            point = true;
        } else if (*text >= '0' && *text <= '9') {
            digit = true;
        } else {
            return false;
        }
    }
    return digit;
}

bool argument_number(const char *command, const char *name, const char *text, double min,
                     double max, double *out) {
    double v = is_number(text, true) ? strtod(text, NULL) : max + 1.0;
    if (v < min || v > max) {
        (void)fprintf(stderr, "tinybms-gw %s: %s %s: a number from %g to %g is needed\n", command,
                      name, text, min, max);
        return false;
    }
    *out = v;
    return true;
}

bool argument_whole(const char *command, const char *name, const char *text, uint32_t min,
                    uint32_t max, uint32_t *out) {
    double v = is_number(text, false) ? strtod(text, NULL) : (double)max + 1.0;
    if (v < (double)min || v > (double)max) {
        (void)fprintf(stderr, "tinybms-gw %s: %s %s: a whole number from %u to %u is needed\n",
                      command, name, text, min, max);
        return false;
    }
    *out = (uint32_t)v;
    return true;
}

int argument_refuse(const char *command, const char *problem, const char *argument) {
    (void)fprintf(stderr, "tinybms-gw %s: %s%s\nTry: tinybms-gw %s --help\n", command, problem,
                  argument, command);
    return EXIT_USAGE;
}

int argument_refuse_option(const char *command, int code, char **argv) {
    char letter[3] = {'-', (char)optopt, '\0'};
    const char *argument = optopt > 0 && optopt < 128 ? letter : argv[optind - 1];
    return argument_refuse(command, code == ':' ? "a value is missing after " : "unknown option ",
                           argument);
}
