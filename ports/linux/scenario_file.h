/* SPDX-License-Identifier: MIT */
/* A scenario file (sim/scenario.h) with its text, to show the lines as they stand there. */
#ifndef PORTS_LINUX_SCENARIO_FILE_H
#define PORTS_LINUX_SCENARIO_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/scenario.h"

struct scenario_file {
    char text[SCENARIO_TEXT_MAX + 1];
    size_t length;
    struct scenario scenario;
};

/* False: why is a sentence with file and line. */
bool scenario_file_load(struct scenario_file *f, const char *path, char *why, size_t cap);

/* Line `line`, from 1, as it stands there but for spaces around it; "" when there is none. */
void scenario_file_line(const struct scenario_file *f, unsigned line, char *out, size_t cap);

#endif
