/* SPDX-License-Identifier: MIT */
/* What the peer saw, and how late it was itself. Times in microseconds. */
#ifndef BENCH_NOTES_H
#define BENCH_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    NOTES_FORCED = 65536,
    NOTES_LIMITS = 65536,
    NOTES_BLIND = 4096,
    NOTES_BLIND_US = 500,   /* woken later than this: worth a note of its own */
    NOTES_LATE_BINS = 2000, /* of one microsecond */
};

/* Zeroed memory knows nothing. What does not fit is counted and not kept. */
struct notes {
    bool real_time;
    uint64_t begun_us, first_sample_us, last_sample_us;
    uint32_t samples, frames;
    struct notes_forced {
        uint64_t at_us; /* its last byte was handed over */
        bool charge;    /* the charge limit must become 0; else the discharge limit */
    } forced[NOTES_FORCED];
    size_t forceds;
    uint64_t limits_us[NOTES_LIMITS]; /* every 0x351 */
    size_t limits;
    struct {
        uint64_t at_us;
        uint32_t late_us;
    } blind[NOTES_BLIND];
    size_t blinds;
    uint32_t late[NOTES_LATE_BINS + 1]; /* how often it woke so late; the last one: later */
    uint32_t wakes;
};

/* Forgets all but real_time. */
void notes_begin(struct notes *n);

void notes_sample(struct notes *n, uint64_t at_us);
void notes_frame(struct notes *n);
void notes_limits(struct notes *n, uint64_t at_us);
/* A sample that forces a frame has been handed over. */
void notes_forced(struct notes *n, uint64_t at_us, bool charge);

/* Woke at at_us by the clock, where due_us was asked for. */
void notes_woke(struct notes *n, uint64_t at_us, uint64_t due_us);

/* One JSON object. */
void notes_print(const struct notes *n, FILE *out);

#endif
