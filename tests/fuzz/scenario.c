/* SPDX-License-Identifier: MIT */
/* Scenario files: read, and done to a virtual BMS.
 *
 * A file that is accepted is in order and within bounds; one that is refused is refused at a line
 * of it, and at the same line further down when lines are put before it. */
#include "sim/scenario.h"

#include <string.h>

#include "fuzz.h"

enum { INPUT_MAX = 2048, BLANK_LINES = 3 };

static unsigned count_lines(const char *text, size_t n) {
    unsigned lines = 1;
    for (size_t i = 0; i < n; i++) {
        lines += text[i] == '\n';
    }
    return lines;
}

static void check_line(const struct scenario_line *line, unsigned lines) {
    must(line->line >= 1 && line->line <= lines, "a sentence has a line");
    must(line->verb < SCENARIO_VERB_COUNT, "a sentence has a verb");
    must(fuzz_is_printable(line->word, sizeof line->word), "a word is printable");
    must(line->between ? line->to_us > line->from_us : line->to_us == line->from_us,
         "a while has a length, a moment has none");
    must(line->to_us <= (uint64_t)SCENARIO_TIME_MAX_S * 1000000, "times are bounded");
    must(line->range.low <= line->range.high, "a range is not empty");
}

static void check_accepted(const struct scenario *s, unsigned lines) {
    uint64_t end_us = 0, before_us = 0;
    must(s->givens <= SCENARIO_LINES_MAX && s->actions <= SCENARIO_LINES_MAX &&
             s->expectations <= SCENARIO_LINES_MAX,
         "sentences are bounded");
    must(s->actions + s->expectations > 0, "something happens");
    must(fuzz_is_printable(s->title, sizeof s->title), "a title is printable and has its end");
    for (unsigned i = 0; i < s->givens; i++) {
        check_line(&s->given[i], lines);
        must(s->given[i].to_us == 0, "what is given has no time");
    }
    for (unsigned i = 0; i < s->actions; i++) {
        check_line(&s->action[i], lines);
        must(s->action[i].from_us >= before_us, "what happens is in order of time");
        must(s->action[i].verb < SCENARIO_EXPECT_FIELD, "what happens is no expectation");
        before_us = s->action[i].from_us;
        end_us = before_us > end_us ? before_us : end_us;
    }
    for (unsigned i = 0; i < s->expectations; i++) {
        check_line(&s->expectation[i], lines);
        must(s->expectation[i].verb >= SCENARIO_EXPECT_FIELD, "an expectation is one");
        must(i == 0 || s->expectation[i].line > s->expectation[i - 1].line,
             "expectations are in order of the file");
        end_us = s->expectation[i].to_us > end_us ? s->expectation[i].to_us : end_us;
    }
    must(s->end_us == end_us, "the end is the last time that is named");
}

static void check_refused(const struct scenario_error *e, const char *text, size_t n) {
    static struct scenario moved;
    char lower[INPUT_MAX + BLANK_LINES];
    struct scenario_error moved_e;
    must(e->line >= 1 && e->line <= count_lines(text, n), "an error names a line");
    must(fuzz_is_printable(e->text, sizeof e->text) && e->text[0] != '\0',
         "an error is a printable sentence");
    memset(lower, '\n', BLANK_LINES);
    memcpy(lower + BLANK_LINES, text, n);
    must(!scenario_parse(&moved, lower, n + BLANK_LINES, &moved_e),
         "blank lines do not make a file good");
    must(moved_e.line == e->line + BLANK_LINES || n == 0, "an error moves with its line");
    must(strcmp(moved_e.text, e->text) == 0, "an error says the same further down");
}

/* Everything is done, at its time, to a battery that does nothing meanwhile. */
static void play(const struct scenario *s) {
    static struct sim_bms bms;
    static struct scenario_player player;
    struct sim_bms_config config;
    sim_bms_defaults(&config);
    scenario_config(s, &config);
    sim_bms_init(&bms, &config, 0);
    scenario_player_init(&player, s, &bms, 0);
    unsigned done = 0;
    while (scenario_player_due_us(&player) != UINT64_MAX) {
        const uint64_t due_us = scenario_player_due_us(&player);
        const struct scenario_line *line = scenario_player_next(&player, &bms, due_us);
        must(line == &s->action[done], "what happens happens in order");
        must(player.lies.count <= SIM_BMS_REGISTERS, "lies are bounded");
        done++;
    }
    must(done == s->actions, "everything happens");
    must(scenario_player_next(&player, &bms, UINT64_MAX - 1) == NULL, "nothing happens twice");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct scenario s;
    struct scenario_error e;
    const char *text = (const char *)data;
    if (size > INPUT_MAX) {
        return 0;
    }
    if (!scenario_parse(&s, text, size, &e)) {
        check_refused(&e, text, size);
        return 0;
    }
    check_accepted(&s, count_lines(text, size));
    play(&s);
    return 0;
}
