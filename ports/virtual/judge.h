/* SPDX-License-Identifier: MIT */
/* Plays a scenario on a rig and judges it: what its sentences expect, the contract of silence, and
 * the GX's own rules. It stops at the first thing that does not hold. */
#ifndef PORTS_VIRTUAL_JUDGE_H
#define PORTS_VIRTUAL_JUDGE_H

#include <stdio.h>

#include "rig.h"

struct judge_watch {
    unsigned seen; /* frames, requests, records or answers that it is about */
    uint64_t last_ms;
    uint8_t data[8];
    bool closed;
};

struct judge {
    struct rig *rig;
    const struct scenario *scenario;
    struct judge_watch watch[SCENARIO_LINES_MAX]; /* one an expectation */
    FILE *trace; /* every frame that differs from the one before, in words; NULL: none */
    /* the verdict */
    bool failed;
    unsigned line; /* of the sentence; 0: the contract, or a rule of the GX */
    int rule; /* enum contract_rule; -1: a sentence, -2: a rule of the GX, -3: a refused action, -4:
                 the log says what is not so */
    uint64_t at_ms;
    char what[512]; /* what was seen instead */
};

/* True when all holds. trace may be NULL. */
bool judge_play(struct judge *j, struct rig *r, const struct scenario *s, FILE *trace);

/* The verdict for people: the sentence (text: the file it was read from), what was seen, the last
 * frames in words. */
void judge_report(const struct judge *j, const char *name, const char *text, size_t n, FILE *out);

#endif
