/* SPDX-License-Identifier: MIT */
/* A recording, whatever stands in it, done again by the core.
 *
 * The same text gives the same frames each time; what goes out is legal; what it costs is bounded.
 *
 * Input: a flag byte (1: own times, 2: twice, 4: other settings), then the text. */
#include "replay.h"

#include <string.h>

#include "fuzz.h"

enum {
    OWN_TIMES = 1,
    TWICE = 2,
    OTHER_SETTINGS = 4,
    INPUT_MAX = 4096,
    /* Seconds of life that one input may have: some of them ask for a whole day, line by line. */
    LIFE_MAX_US = 4000000,
};

struct run {
    const char *at;
    size_t left;
    bool other_settings;
    struct recording_reader reader;
    struct replay replay;
    uint64_t frames, hash, life_us, last_us, gaps_us;
};

static size_t read_text(void *context, char *buf, size_t cap) {
    struct run *run = context;
    const size_t n = run->left < cap ? run->left : cap;
    memcpy(buf, run->at, n);
    run->at += n;
    run->left -= n;
    return n;
}

static bool next(void *context, struct recording_item *out) {
    struct run *run = context;
    if (run->life_us > LIFE_MAX_US || !recording_reader_next(&run->reader, out)) {
        return false;
    }
    const uint64_t at_us = out->event.at_us;
    const uint64_t pause_us = at_us > run->last_us ? at_us - run->last_us : 0;
    const uint64_t longest_ms = out->kind == RECORDING_GAP ? REPLAY_GAP_MS : REPLAY_PAUSE_MS;
    run->life_us += pause_us <= longest_ms * 1000 ? pause_us : 0;
    run->last_us = at_us;
    return true;
}

static bool legal_id(uint16_t id) {
    return (id >= 0x351 && id <= 0x382) || id == 0x351;
}

static void take_frame(void *context, const struct victron_frame *f, uint64_t wall_us) {
    struct run *run = context;
    must(legal_id(f->id) && f->len == 8, "a frame that is sent is one of the battery's");
    run->frames++;
    run->hash = (run->hash ^ f->id ^ wall_us) * UINT64_C(0x100000001B3);
    for (int i = 0; i < 8; i++) {
        run->hash = (run->hash ^ f->data[i]) * UINT64_C(0x100000001B3);
    }
}

static void choose_settings(void *context, const struct settings *recorded, struct settings *out) {
    const struct run *run = context;
    struct settings_error e;
    must(settings_check(recorded, &e) == 0, "recorded settings may be used");
    *out = *recorded;
    if (run->other_settings) {
        out->cvl.margin_mv = 500;
        out->tinybms.poll_interval_ms = 200;
    }
}

static void replay(struct run *run, const char *text, size_t n, uint8_t flags) {
    const struct replay_io io = {
        .context = run, .next = next, .sent = take_frame, .settings = choose_settings};
    memset(run, 0, sizeof *run);
    run->at = text;
    run->left = n;
    run->other_settings = (flags & OTHER_SETTINGS) != 0;
    recording_reader_init(&run->reader, read_text, NULL, run);
    replay_run(&run->replay, &io, (flags & OWN_TIMES) != 0);
}

static void check_summary(const struct run *run) {
    const struct replay_summary *s = &run->replay.summary;
    must(s->frames == run->frames, "frames are counted as they go out");
    must(s->same_frames <= s->frames && s->same_frames <= s->recorded_frames,
         "no more frames are the same than there are");
    must(s->same_requests <= s->requests && s->same_requests <= s->recorded_requests,
         "no more requests are the same than there are");
    must(s->cores >= s->gateways, "each gateway has a core");
    must(s->requests <= run->life_us / 1000 + s->cores + run->reader.counts.lines * 2,
         "requests take time");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct run first, second;
    if (size < 1 || size > INPUT_MAX) {
        return 0;
    }
    const char *text = (const char *)data + 1;
    replay(&first, text, size - 1, data[0]);
    check_summary(&first);
    if ((data[0] & TWICE) != 0) {
        replay(&second, text, size - 1, data[0]);
        must(first.frames == second.frames && first.hash == second.hash,
             "the same recording gives the same frames");
    }
    return 0;
}
