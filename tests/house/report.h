/* SPDX-License-Identifier: MIT */
/* A run's ledger as text. */
#ifndef TESTS_HOUSE_REPORT_H
#define TESTS_HOUSE_REPORT_H

#include <stdio.h>

#include "rig.h"

/* One line a number, for one run. */
void report_print(FILE *out, const struct house_rig *r);

/* A table with a line for each run. */
void report_head(FILE *out);
void report_row(FILE *out, const struct house_rig *r);

/* One line a minute. */
void report_csv_head(FILE *out);
void report_csv_row(FILE *out, const struct house_rig *r);

#endif
