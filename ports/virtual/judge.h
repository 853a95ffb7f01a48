/* SPDX-License-Identifier: MIT */
/* Plays a scenario on a rig and judges it: what its sentences expect, the contract of silence, and
 * the GX's own rules. It stops at the first thing that does not hold, or, with a listener, goes on
 * to the end and tells each of them once. */
#ifndef PORTS_VIRTUAL_JUDGE_H
#define PORTS_VIRTUAL_JUDGE_H

#include <stdio.h>

#include "rig.h"

struct judge_watch {
    unsigned seen; /* frames, requests, records or answers that it is about */
    uint64_t last_ms;
    uint8_t data[8];
    bool closed, failed;
};

/* Who is told while it is played. Times are since the start. */
struct judge_listener {
    void *context;
    /* a sentence of the scenario that is done now */
    void (*action)(void *context, const struct scenario_line *line, uint64_t at_ms);
    /* a sentence of the scenario holds to its end, or does not. line 0: what holds always, and does
     * not. what: what was seen instead, "" when it holds */
    void (*verdict)(void *context, unsigned line, bool holds, const char *what, uint64_t at_ms);
    void (*log)(void *context, enum log_level level, const char *text, uint64_t at_ms);
};

struct judge {
    struct rig *rig;
    const struct scenario *scenario;
    struct judge_watch watch[SCENARIO_LINES_MAX]; /* one an expectation */
    FILE *trace; /* every frame that differs from the one before, in words; NULL: none */
    const struct judge_listener *listener; /* borrowed; NULL: none */
    uint64_t at_us;                        /* how far it has been played */
    unsigned held, broken;                 /* sentences */
    uint32_t told;                         /* rules that were broken, a bit each */
    /* the first that does not hold */
    bool failed;
    unsigned line; /* of the sentence; 0: the contract, or a rule of the GX */
    int rule; /* enum contract_rule; -1: a sentence, -2: a rule of the GX, -3: a refused action, -4:
                 the log says what is not so */
    uint64_t at_ms;
    char what[512]; /* what was seen instead */
};

/* True when all holds. trace may be NULL. */
bool judge_play(struct judge *j, struct rig *r, const struct scenario *s, FILE *trace);

/* The same in portions, for who wants to look on: starts at time 0; true when it could be started.
 * listener may be NULL, and must outlive the play. */
bool judge_begin(struct judge *j, struct rig *r, const struct scenario *s,
                 const struct judge_listener *listener);
/* Plays until so long after the start. False: the scenario is over. */
bool judge_run(struct judge *j, uint64_t until_ms);
/* Sentences of the scenario that are still to be judged. */
unsigned judge_open(const struct judge *j);

/* The verdict for people: the sentence (text: the file it was read from), what was seen, the last
 * frames in words. */
void judge_report(const struct judge *j, const char *name, const char *text, size_t n, FILE *out);

#endif
