/* SPDX-License-Identifier: MIT */
/* The names of struct battery's fields in vector files: one table for storing and for comparing. */
#ifndef TESTS_GOLDEN_FIELDS_H
#define TESTS_GOLDEN_FIELDS_H

#include "battery/battery.h"
#include "vectors.h"

struct field;

/* NULL where no field has this name. */
const struct field *field_find(const char *name);

/* Stores the words after word `at` (the field's name) and makes the field valid as of time 0; the
 * words `absent`, `reserved` and `unknown` set the validity instead. */
void field_store(struct vector_reader *r, int at, struct battery *b);

/* Compares; a difference is kept as the reader's error. `unknown` is anything but valid. */
void field_compare(struct vector_reader *r, int at, const struct battery *b);

#endif
