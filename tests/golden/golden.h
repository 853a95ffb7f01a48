/* SPDX-License-Identifier: MIT */
/* The three kinds of vectors. Each runs a whole file; what is wrong is kept in the reader. */
#ifndef TESTS_GOLDEN_GOLDEN_H
#define TESTS_GOLDEN_GOLDEN_H

#include "vectors.h"

void victron_vectors_run(struct vector_reader *r);
void tinybms_vectors_run(struct vector_reader *r);

/* data: the folder that holds the recordings. */
void recording_vectors_run(struct vector_reader *r, const char *data);

#endif
