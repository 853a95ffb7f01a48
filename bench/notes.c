/* SPDX-License-Identifier: MIT */
#include "notes.h"

#include <inttypes.h>
#include <string.h>

void notes_begin(struct notes *n) {
    bool real_time = n->real_time;
    memset(n, 0, sizeof *n);
    n->real_time = real_time;
}

void notes_sample(struct notes *n, uint64_t at_us) {
    n->first_sample_us = n->samples++ == 0 ? at_us : n->first_sample_us;
    n->last_sample_us = at_us;
}

void notes_frame(struct notes *n) {
    n->frames++;
}

void notes_limits(struct notes *n, uint64_t at_us) {
    if (n->limits < NOTES_LIMITS)
        n->limits_us[n->limits++] = at_us;
}

void notes_forced(struct notes *n, uint64_t at_us, bool charge) {
    if (n->forceds < NOTES_FORCED)
        n->forced[n->forceds++] = (struct notes_forced){at_us, charge};
}

void notes_woke(struct notes *n, uint64_t at_us, uint64_t due_us) {
    uint64_t late = at_us > due_us ? at_us - due_us : 0;
    n->wakes++;
    n->late[late < NOTES_LATE_BINS ? late : NOTES_LATE_BINS]++;
    if (late >= NOTES_BLIND_US && n->blinds < NOTES_BLIND) {
        n->blind[n->blinds].at_us = at_us;
        n->blind[n->blinds++].late_us = late < UINT32_MAX ? (uint32_t)late : UINT32_MAX;
    }
}

/* The lateness that all but one in `share` of the wakes kept to; one bin beyond the last: more. */
static unsigned late_all_but(const struct notes *n, uint32_t share) {
    uint32_t rest = n->wakes / share;
    unsigned bin = NOTES_LATE_BINS;
    while (bin > 0 && n->late[bin] <= rest) {
        rest -= n->late[bin];
        bin--;
    }
    return bin;
}

void notes_print(const struct notes *n, FILE *out) {
    const char *comma = "";
    (void)fprintf(out,
                  "{\"real_time\": %s, \"samples\": %" PRIu32 ", \"first_sample_us\": %" PRIu64
                  ", \"last_sample_us\": %" PRIu64 ", \"frames\": %" PRIu32
                  ",\n \"wakes\": %" PRIu32 ", \"late_p50_us\": %u, \"late_p99_us\": %u,\n"
                  " \"forced\": [",
                  n->real_time ? "true" : "false", n->samples, n->first_sample_us,
                  n->last_sample_us, n->frames, n->wakes, late_all_but(n, 2), late_all_but(n, 100));
    for (size_t i = 0; i < n->forceds; i++, comma = ", ")
        (void)fprintf(out, "%s[%" PRIu64 ", %d]", comma, n->forced[i].at_us, n->forced[i].charge);
    (void)fprintf(out, "],\n \"limits_us\": [");
    comma = "";
    for (size_t i = 0; i < n->limits; i++, comma = ", ")
        (void)fprintf(out, "%s%" PRIu64, comma, n->limits_us[i]);
    (void)fprintf(out, "],\n \"blind\": [");
    comma = "";
    for (size_t i = 0; i < n->blinds; i++, comma = ", ")
        (void)fprintf(out, "%s[%" PRIu64 ", %" PRIu32 "]", comma, n->blind[i].at_us,
                      n->blind[i].late_us);
    (void)fprintf(out, "]}\n");
}
