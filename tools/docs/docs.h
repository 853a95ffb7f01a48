/* SPDX-License-Identifier: MIT */
/* The pages of docs/ that are tables of the program: written by the tables themselves, so that they
 * cannot say anything else. Each function prints one whole Markdown page to `out`; false: the table
 * has a row that the page knows nothing about, named on stderr. */
#ifndef TOOLS_DOCS_DOCS_H
#define TOOLS_DOCS_DOCS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

bool docs_registers(FILE *out);
bool docs_settings(FILE *out);
bool docs_can_frames(FILE *out);
bool docs_alarms(FILE *out);
bool docs_stages(FILE *out);

/* A number in units of 10^-decimals as text, without zeros behind the point: 12500, 3 is "12.5".
 * buf: at least DOCS_NUMBER_MAX bytes; returned. */
enum { DOCS_NUMBER_MAX = 32 };
const char *docs_number(int64_t value, unsigned decimals, char *buf);

#endif
