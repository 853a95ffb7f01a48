/* SPDX-License-Identifier: MIT */
/* Numbers on the command line of the simulators: the whole word or nothing. */
#ifndef PORTS_LINUX_ARGUMENTS_H
#define PORTS_LINUX_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

/* A decimal number within [min, max]; complains on stderr with command, name, value and range. */
bool argument_number(const char *command, const char *name, const char *text, double min,
                     double max, double *out);
/* The same without a fraction. */
bool argument_whole(const char *command, const char *name, const char *text, uint32_t min,
                    uint32_t max, uint32_t *out);

/* Complains on stderr about usage and points at --help; always the exit status for it. */
int argument_refuse(const char *command, const char *problem, const char *argument);
/* What getopt_long() returned ':' or '?' for; opterr is 0. */
int argument_refuse_option(const char *command, int code, char **argv);

#endif
