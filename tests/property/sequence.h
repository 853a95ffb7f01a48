/* SPDX-License-Identifier: MIT */
/* Random sequences of faults, as the lines of a scenario file. The same seed gives the same lines.
 *
 * Each sequence has settings anywhere in their ranges, a pack, up to 16 things that go wrong at
 * random times, and an end where everything is healed: from then on the gateway has a bounded time
 * to be open again. What must hold until then is the contract alone. */
#ifndef TESTS_PROPERTY_SEQUENCE_H
#define TESTS_PROPERTY_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEQUENCE_LINES_MAX = 64, SEQUENCE_LINE_MAX = 120 };

struct sequence {
    struct {
        char text[SEQUENCE_LINE_MAX];
        bool fixed;   /* the healing, and what the others cannot do without */
        bool dropped; /* by shrinking */
    } line[SEQUENCE_LINES_MAX];
    unsigned lines;
};

void sequence_make(struct sequence *s, uint64_t seed);

/* The lines that are left, as a file. Returns its length, less than cap. */
size_t sequence_print(const struct sequence *s, char *text, size_t cap);

#endif
