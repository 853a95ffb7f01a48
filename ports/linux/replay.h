/* SPDX-License-Identifier: MIT */
/* Runs the core on a recording, in virtual time and without I/O: the same recording gives the same
 * frames, on any machine.
 *
 * The core is a function of what it is told and when, and a recording holds both: bytes, frames,
 * links, commands, settings, and each turn in which the gateway told it the time. So there are two
 * ways to run it:
 *
 *   following  from a gateway's first event on, with nothing missing: the core is told what the
 *              recorded one was told, in the same milliseconds. It then asks the BMS what the
 *              recorded one asked, and every recorded byte comes at its time. Other settings, or
 *              another version, change what it sends and nothing else.
 *   living     from the middle of a gateway's life, behind a gap, once the core has asked something
 *              else than was recorded, or when told so: the core keeps its own times, and a BMS
 * that has the registers as recorded by then answers it (replay_bms.h).
 *
 * A gateway that runs writes at least four lines a second, so a longer pause is skipped while
 * living and a new core begins behind it: of more than REPLAY_PAUSE_MS, or REPLAY_GAP_MS where
 * events are missing. What one line of text can ask of the processor is bounded by that, and what
 * all gaps together can by REPLAY_GAPS_MS, after which a gap is a pause like any other. */
#ifndef PORTS_LINUX_REPLAY_H
#define PORTS_LINUX_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/gateway.h"
#include "recording_reader.h"
#include "replay_bms.h"

enum { REPLAY_PAUSE_MS = 1000, REPLAY_GAP_MS = 10000, REPLAY_GAPS_MS = 60000 };

/* Called from within replay_run(). */
struct replay_io {
    void *context;
    /* The next of the recording; false at its end. */
    bool (*next)(void *context, struct recording_item *out);
    /* A frame that the core sent, at a time of the wall clock. */
    void (*sent)(void *context, const struct victron_frame *f, uint64_t wall_us);
    /* What the core has to say of itself; NULL: nobody listens. */
    void (*log)(void *context, const struct log_record *record, uint64_t clock_ms);
    /* The settings to run with, checked, from those in force when it was recorded. */
    void (*settings)(void *context, const struct settings *recorded, struct settings *out);
};

struct replay_summary {
    uint64_t first_us, last_us;   /* wall clock, of the events */
    uint64_t recorded_frames;     /* sent by the recorded gateway */
    uint64_t frames;              /* sent by the core */
    uint64_t same_frames;         /* the same bytes in the same turn */
    uint64_t first_difference_us; /* of the frames, while following; 0: none */
    uint64_t recorded_requests;   /* to the BMS */
    uint64_t requests, same_requests;
    uint32_t gateways; /* whose events are in it */
    uint32_t cores;    /* started: more than gateways behind long pauses */
    bool followed;     /* all of it */
    uint64_t left_us;  /* when following ended, wall clock; 0: it did not, or never was */
};

struct replay {
    const struct replay_io *io;
    struct replay_summary summary;
    struct gateway gateway;
    struct settings settings[2]; /* [current] is the core's */
    unsigned current;
    bool running, following, own_times;
    uint64_t now_us;      /* of the last call of the core, monotonic */
    uint64_t deadline_ms; /* the core's, while living */
    uint64_t gaps_us;     /* lived across, all together */
    uint64_t clock_ms;
    struct replay_bms bms;
    bool have_item;
    struct recording_item item; /* the next one */
};

/* Runs to the end of the recording. own_times: lives from the start. r: any memory. */
void replay_run(struct replay *r, const struct replay_io *io, bool own_times);

#endif
