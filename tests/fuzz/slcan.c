/* SPDX-License-Identifier: MIT */
/* The text of a serial CAN adapter, whatever is plugged in there.
 *
 * Second opinion: sim/can_frame.c, which reads the same text and shares no code with it. */
#include "slcan.h"

#include <string.h>

#include "fuzz.h"
#include "sim/can_frame.h"
#include "sim/slcan_adapter.h"

enum { BEL = 7, CR = 13 };

/* What the manual says about one line: a frame for us (1), nothing (0). */
static bool second_opinion(const uint8_t *line, size_t n, struct sim_can_frame *f) {
    char text[SLCAN_LINE_MAX];
    if (n > sizeof text) {
        return false;
    }
    memcpy(text, line, n);
    return sim_can_parse(text, n, f);
}

static void check_frame(const struct victron_frame *got, const struct sim_can_frame *said) {
    must(got->id == said->id, "a frame has the identifier of its line");
    must(got->len == said->len && got->len <= 8, "a frame has the length of its line");
    must(memcmp(got->data, said->data, got->len) == 0, "a frame has the bytes of its line");

    char line[SLCAN_LINE_MAX], theirs[SIM_CAN_TEXT_MAX];
    const size_t n = slcan_encode(got, line);
    must(n <= 22 && line[n - 1] == CR, "a frame is a line of at most 22 characters");
    must(sim_can_format(said, theirs) == n - 1 && memcmp(line, theirs, n - 1) == 0,
         "both sides print a frame alike");
}

/* The frames and counters of the whole text, cut into lines a second time. */
static void check_text(const uint8_t *data, size_t size) {
    struct slcan s;
    struct slcan_counters expected = {0};
    size_t first = 0;
    slcan_init(&s);
    for (size_t i = 0; i < size; i++) {
        struct victron_frame got;
        struct sim_can_frame said = {0};
        const bool is_frame = slcan_handle_rx(&s, data[i], &got);
        must(s.length <= SLCAN_LINE_MAX, "a half line is bounded");
        if (data[i] != CR && data[i] != BEL) {
            must(!is_frame, "a frame ends with CR");
            continue;
        }
        const bool known = data[i] == CR && second_opinion(data + first, i - first, &said);
        const bool ours = known && !said.extended && !said.remote;
        must(is_frame == ours, "a line is a frame where the manual says so");
        if (is_frame) {
            check_frame(&got, &said);
        }
        expected.frames += ours;
        expected.ignored += known && !ours;
        expected.refused += data[i] == BEL;
        first = i + 1;
    }
    must(s.counters.frames == expected.frames, "frames are counted");
    must(s.counters.ignored == expected.ignored, "frames of others are counted");
    must(s.counters.refused == expected.refused, "refusals are counted");
}

/* The same text as commands of a host, and the frames of the virtual adapter back to it. */
static void check_adapter(const uint8_t *data, size_t size) {
    static struct sim_slcan whole, pieces;
    uint8_t text[2][SIM_SLCAN_TEXT];
    struct sim_can_frame a, b;
    sim_slcan_init(&whole);
    sim_slcan_init(&pieces);
    sim_slcan_handle_rx(&whole, data, size);
    for (size_t i = 0; i < size; i++) {
        sim_slcan_handle_rx(&pieces, data + i, 1);
    }
    const size_t n = sim_slcan_tx(&whole, text[0], sizeof text[0]);
    must(n == sim_slcan_tx(&pieces, text[1], sizeof text[1]) && memcmp(text[0], text[1], n) == 0,
         "an adapter's answers do not depend on chunks");
    while (sim_slcan_next_frame(&whole, &a)) {
        must(sim_slcan_next_frame(&pieces, &b), "an adapter's frames do not depend on chunks");
        must(a.id == b.id && a.len == b.len && a.len <= 8 && memcmp(a.data, b.data, a.len) == 0 &&
                 a.extended == b.extended && a.remote == b.remote,
             "an adapter's frames do not depend on chunks");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    check_text(data, size);
    check_adapter(data, size);
    return 0;
}
