/* SPDX-License-Identifier: MIT */
/* The reader of scenario files: lines, words, times. */
#include "sim/scenario.h"

#include <stdio.h>
#include <string.h>

/* A line cut into words. */
struct cut {
    char word[SCENARIO_WORDS_MAX][SCENARIO_WORD_MAX + 1];
    unsigned words;
};

static bool refuse(struct scenario_error *e, const char *text) {
    (void)snprintf(e->text, sizeof e->text, "%s", text);
    return false;
}

static bool printable(char c) {
    return c >= 0x20 && c < 0x7F;
}

/* Cuts n characters at blanks; the colon behind a time is a word of its own. A comment ends it. */
static bool cut_line(struct cut *c, const char *text, size_t n, struct scenario_error *e) {
    size_t at = 0;
    c->words = 0;
    for (;;) {
        while (at < n && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r'))
            at++;
        if (at == n || text[at] == '#')
            return true;
        size_t first = at;
        while (at < n && text[at] != ' ' && text[at] != '\t' && text[at] != '\r') {
            if (!printable(text[at])) {
                (void)snprintf(e->text, sizeof e->text, "byte 0x%02X is not printable ASCII",
                               (unsigned)(unsigned char)text[at]);
                return false;
            }
            at++;
        }
        size_t length = at - first;
        bool colon = length > 1 && text[at - 1] == ':';
        length -= colon;
        if (length > SCENARIO_WORD_MAX)
            return refuse(e, "a word is longer than 80 characters");
        if (c->words + colon >= SCENARIO_WORDS_MAX)
            return refuse(e, "the line has more than 24 words");
        memcpy(c->word[c->words], text + first, length);
        c->word[c->words++][length] = '\0';
        if (colon)
            memcpy(c->word[c->words++], ":", 2);
    }
}

/* "10 s" at word `at`. */
static bool time_at(const struct cut *c, unsigned at, uint64_t *us, struct scenario_error *e) {
    static const struct {
        const char *unit;
        int64_t us;
    } units[] = {
        {"ms", 1000}, {"s", 1000000}, {"min", 60000000}, {"h", 3600000000}, {"d", 86400000000}};
    int64_t milli;
    if (at + 1 >= c->words || !scenario_number(c->word[at], &milli) || milli < 0)
        return refuse(e, "expected a time such as 10 s");
    for (unsigned i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(c->word[at + 1], units[i].unit) != 0)
            continue;
        if (milli > SCENARIO_TIME_MAX_S * INT64_C(1000000) / (units[i].us / 1000))
            return refuse(e, "expected a time of 400 days at most");
        /* thousandths of a unit, of at least a millisecond: whole microseconds */
        *us = (uint64_t)(milli * (units[i].us / 1000));
        return true;
    }
    return refuse(e, "expected a unit of time: ms, s, min, h or d");
}

static bool is_word(const struct cut *c, unsigned at, const char *word) {
    return at < c->words && strcmp(c->word[at], word) == 0;
}

static bool sentence(const struct cut *c, unsigned at, unsigned kind, struct scenario_line *line,
                     struct scenario_error *e) {
    if (at >= c->words)
        return refuse(e, "expected a sentence");
    return scenario_sentence(line, kind, &c->word[at], c->words - at, e);
}

static bool add(struct scenario_line *list, unsigned *count, const struct scenario_line *line,
                struct scenario_error *e) {
    if (*count == SCENARIO_LINES_MAX)
        return refuse(e, "more than 200 sentences of this kind");
    list[(*count)++] = *line;
    return true;
}

/* Kept in order of time; those of the same time in order of the file. */
static bool add_action(struct scenario *s, const struct scenario_line *line,
                       struct scenario_error *e) {
    if (!add(s->action, &s->actions, line, e))
        return false;
    for (unsigned i = s->actions - 1; i > 0 && s->action[i - 1].from_us > line->from_us; i--) {
        s->action[i] = s->action[i - 1];
        s->action[i - 1] = *line;
    }
    return true;
}

static bool read_at(struct scenario *s, const struct cut *c, struct scenario_line *line,
                    struct scenario_error *e) {
    if (!time_at(c, 1, &line->from_us, e))
        return false;
    if (!is_word(c, 3, ":"))
        return refuse(e, "expected a colon after the time");
    line->to_us = line->from_us;
    if (!sentence(c, 4, SCENARIO_ACTION | SCENARIO_EXPECTATION, line, e))
        return false;
    s->end_us = line->to_us > s->end_us ? line->to_us : s->end_us;
    if (line->verb >= SCENARIO_EXPECT_FIELD)
        return add(s->expectation, &s->expectations, line, e);
    return add_action(s, line, e);
}

/* Sentences that mean something for a while only. */
static bool needs_between(enum scenario_verb v) {
    return v == SCENARIO_EXPECT_FRAMES || v == SCENARIO_EXPECT_FRAMES_NONE ||
           v == SCENARIO_EXPECT_FRAME || v == SCENARIO_EXPECT_FRAME_NONE ||
           v == SCENARIO_EXPECT_GAP || v == SCENARIO_EXPECT_SAME || v == SCENARIO_EXPECT_REQUESTS ||
           v == SCENARIO_EXPECT_REQUEST_GAP || v == SCENARIO_EXPECT_LOG ||
           v == SCENARIO_EXPECT_NO_LOG || v == SCENARIO_EXPECT_ANSWER_OK ||
           v == SCENARIO_EXPECT_ANSWER_FAILED;
}

static bool read_between(struct scenario *s, const struct cut *c, struct scenario_line *line,
                         struct scenario_error *e) {
    if (!time_at(c, 1, &line->from_us, e))
        return false;
    if (!is_word(c, 3, "and"))
        return refuse(e, "expected \"and\" and a second time");
    if (!time_at(c, 4, &line->to_us, e))
        return false;
    if (!is_word(c, 6, ":"))
        return refuse(e, "expected a colon after the times");
    if (line->to_us <= line->from_us)
        return refuse(e, "the second time must be later than the first");
    line->between = true;
    s->end_us = line->to_us > s->end_us ? line->to_us : s->end_us;
    return sentence(c, 7, SCENARIO_EXPECTATION, line, e) &&
           add(s->expectation, &s->expectations, line, e);
}

/* A line with a comment may be long, so that its words need not fit. */
static bool read_title(struct scenario *s, const struct cut *c, struct scenario_error *e) {
    size_t n = 0;
    for (unsigned i = 1; i < c->words; i++) {
        size_t length = strlen(c->word[i]);
        bool blank = i > 1 && strcmp(c->word[i], ":") != 0;
        if (n + blank + length > SCENARIO_LINE_MAX)
            return refuse(e, "the title is longer than 160 characters");
        if (blank)
            s->title[n++] = ' ';
        memcpy(s->title + n, c->word[i], length);
        n += length;
    }
    s->title[n] = '\0';
    return true;
}

static bool read_line(struct scenario *s, const char *text, size_t n, unsigned number,
                      struct scenario_error *e) {
    struct cut c;
    struct scenario_line line = {.line = number};
    if (memchr(text, '#', n) == NULL && n > SCENARIO_LINE_MAX)
        return refuse(e, "the line is longer than 160 characters");
    if (!cut_line(&c, text, n, e))
        return false;
    if (c.words == 0)
        return true;
    if (is_word(&c, 0, "title"))
        return read_title(s, &c, e);
    if (is_word(&c, 0, "given"))
        return sentence(&c, 1, SCENARIO_GIVEN, &line, e) && add(s->given, &s->givens, &line, e);
    if (is_word(&c, 0, "at")) {
        if (!read_at(s, &c, &line, e))
            return false;
        if (line.verb >= SCENARIO_EXPECT_FIELD && needs_between(line.verb))
            return refuse(e, "this needs a while: between ... and ...");
        return true;
    }
    if (is_word(&c, 0, "between"))
        return read_between(s, &c, &line, e);
    (void)snprintf(e->text, sizeof e->text,
                   "expected \"title\", \"given\", \"at\" or \"between\" at \"%.40s\"", c.word[0]);
    return false;
}

bool scenario_parse(struct scenario *s, const char *text, size_t n, struct scenario_error *e) {
    unsigned number = 0;
    s->title[0] = '\0';
    s->givens = s->actions = s->expectations = 0;
    s->end_us = 0;
    memset(e, 0, sizeof *e);
    e->line = 1;
    if (n > SCENARIO_TEXT_MAX)
        return refuse(e, "the file is larger than 64 KB");
    for (size_t at = 0; at < n;) {
        const char *end = memchr(text + at, '\n', n - at);
        size_t length = end != NULL ? (size_t)(end - (text + at)) : n - at;
        e->line = ++number;
        if (!read_line(s, text + at, length, number, e))
            return false;
        at += length + 1;
    }
    e->line = number > 0 ? number : 1;
    if (s->actions + s->expectations == 0)
        return refuse(e, "nothing happens in this file");
    return true;
}
