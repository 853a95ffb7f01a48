/* SPDX-License-Identifier: MIT */
/* Settings, version, events and statistics, in the time that fast samples leave.
 *
 * Events are read as registers 200-297, not by command 0x11: 0x11 tells each event once, so a lost
 * answer loses it, while the registers can be read again.
 *
 * A block that fails is not retried at once: it costs one time-out, and a fast sample comes before
 * the next slow turn. Then it backs off, 2 s, 4 s ... 60 s.
 *
 * Settings are what the limits come from, so a device that cannot give all 44 registers at once, or
 * refuses those that the document does not name, is asked for smaller pieces, down to single
 * registers: a piece that is refused, or twice in a row not answered, is given up for its parts. A
 * part of one register that fails too is asked again only after a minute, and stays never read. */
#include <assert.h>

#include "tinybms/turns.h"

enum {
    STARVED_MS =
        1000, /* a slow turn that is due comes at least that often, however fast the polls */
    TIMEOUTS_BEFORE_SPLIT = 2,
    SETTINGS_RETRY_MS = 2000,
    FORGIVE_MS = 60000,
    BACK_OFF_FIRST_MS = 2000,
    BACK_OFF_MAX_MS = 60000,
};

/* In the order of their first reading. */
static const struct slow_row {
    enum battery_group group;
    uint32_t period_ms;
} slow_rows[] = {
    {BATTERY_GROUP_SETTINGS, 10000},
    {BATTERY_GROUP_VERSION, 600000},
    {BATTERY_GROUP_EVENTS, 2000},
    {BATTERY_GROUP_STATISTICS, 30000},
};

enum { SLOW_ROWS = sizeof slow_rows / sizeof slow_rows[0] };

/* A part comes after the piece it is a part of. No piece has as many registers as a half of the
 * fast sample: a late reply to one could pass for the other. */
enum { WHOLE = 0xFF };

/* clang-format off */
static const struct settings_piece {
    uint16_t first;
    uint8_t words;
    uint8_t part_of; /* row */
} pieces[] = {
    {300, 44, WHOLE},
    {300,  9,  0}, {310, 14,  0}, {328, 15,  0}, {343,  1,  0}, /* 1-4: no reserved 309, 324-327 */
    {300,  2,  1}, {303,  6,  1},                               /* 5-6: no reserved 302 */
    {315,  6,  2}, {310,  5,  2}, {321,  3,  2},                /* 7-9 */
    {328,  3,  3}, {331,  5,  3}, {336,  7,  3},                /* 10-12 */
    {300,  1,  5}, {301,  1,  5},
    {303,  1,  6}, {304,  1,  6}, {305,  1,  6}, {306,  1,  6}, {307,  1,  6}, {308,  1,  6},
    {315,  1,  7}, {316,  1,  7}, {317,  1,  7}, {318,  1,  7}, {319,  1,  7}, {320,  1,  7},
    {310,  1,  8}, {311,  1,  8}, {312,  2,  8}, {314,  1,  8},
    {321,  1,  9}, {322,  1,  9}, {323,  1,  9},
    {328,  1, 10}, {329,  1, 10}, {330,  1, 10},
    {331,  1, 11}, {332,  1, 11}, {333,  1, 11}, {334,  1, 11}, {335,  1, 11},
    {336,  1, 12}, {337,  1, 12}, {338,  1, 12}, {339,  1, 12}, {340,  1, 12}, {341,  1, 12},
    {342,  1, 12},
};
/* clang-format on */

enum { PIECES = sizeof pieces / sizeof pieces[0], SINGLE_343 = 4, FIRST_SINGLE = 13 };

_Static_assert(PIECES <= 64, "given_up has a bit per piece");

static bool given_up(const struct tinybms *t, uint8_t piece) {
    return (t->settings.given_up >> piece & 1) != 0;
}

/* Moves to the next piece to be read, this one included; false at the end of the round. */
static bool find_piece(struct tinybms *t) {
    for (; t->settings.piece < PIECES; t->settings.piece++) {
        uint8_t part_of = pieces[t->settings.piece].part_of;
        if ((part_of == WHOLE || given_up(t, part_of)) && !given_up(t, t->settings.piece)) {
            return true;
        }
    }
    return false;
}

void tinybms_slow_all_due(struct tinybms *t, uint64_t now_ms) {
    for (int i = 0; i < SLOW_ROWS; i++) {
        struct tinybms_slow *s = &t->slow[slow_rows[i].group];
        s->due_ms = now_ms;
        s->failures = 0;
        s->tried = false;
    }
    t->settings.piece = 0;
    t->settings.timeouts = 0;
}

void tinybms_slow_init(struct tinybms *t, uint64_t now_ms) {
    t->settings = (struct tinybms_settings_reader){0};
    t->slow_turn_ms = now_ms;
    t->slow_fast_turns = t->fast.turns;
    tinybms_slow_all_due(t, now_ms);
}

/* Only a BMS that answers fast samples is asked for more, and after a slow turn that failed, or
 * that made a fast sample wait, a fast sample comes first. */
static bool may_ask(const struct tinybms *t) {
    return t->link == TINYBMS_LINK_ANSWERING && t->fast.failures == 0 &&
           t->fast.turns != t->slow_fast_turns;
}

/* The one that waits longest; of those that wait equally long, the first of the table. */
static const struct slow_row *most_due(const struct tinybms *t) {
    const struct slow_row *best = &slow_rows[0];
    for (int i = 1; i < SLOW_ROWS; i++) {
        if (t->slow[slow_rows[i].group].due_ms < t->slow[best->group].due_ms) {
            best = &slow_rows[i];
        }
    }
    return best;
}

uint64_t tinybms_slow_due_ms(const struct tinybms *t) {
    return may_ask(t) ? t->slow[most_due(t)->group].due_ms : UINT64_MAX;
}

static void round_over(struct tinybms *t, uint64_t now_ms) {
    struct tinybms_slow *s = &t->slow[BATTERY_GROUP_SETTINGS];
    t->settings.piece = 0;
    s->due_ms = now_ms + slow_rows[0].period_ms;
    s->failures = 0;
    s->tried = true;
}

static void forgive(struct tinybms *t, uint64_t now_ms) {
    if (t->settings.piece == 0 && t->settings.forgive_ms != 0 && now_ms >= t->settings.forgive_ms) {
        t->settings.given_up &= ((uint64_t)1 << FIRST_SINGLE) - 1;
        t->settings.given_up &= ~((uint64_t)1 << SINGLE_343);
        t->settings.forgive_ms = 0;
    }
}

/* The range to be read for a group; false when there is nothing left of it in this round. */
static bool range_of(struct tinybms *t, enum battery_group group, uint64_t now_ms, uint16_t *first,
                     uint16_t *words) {
    if (group != BATTERY_GROUP_SETTINGS) {
        *first = tinybms_blocks[group].first;
        *words = tinybms_blocks[group].words;
        return true;
    }
    forgive(t, now_ms);
    if (!find_piece(t)) {
        round_over(t, now_ms);
        return false;
    }
    *first = pieces[t->settings.piece].first;
    *words = pieces[t->settings.piece].words;
    return true;
}

bool tinybms_slow_begin(struct tinybms *t, bool before_fast, uint64_t now_ms) {
    const struct slow_row *row = most_due(t);
    const struct tinybms_slow *s = &t->slow[row->group];
    if (!may_ask(t) || now_ms < s->due_ms) {
        return false;
    }
    uint64_t waits_since_ms = s->due_ms > t->slow_turn_ms ? s->due_ms : t->slow_turn_ms;
    bool starves = !s->tried || now_ms - waits_since_ms >= STARVED_MS;
    if (before_fast && !starves) {
        return false;
    }
    uint16_t first, words;
    if (!range_of(t, row->group, now_ms, &first, &words)) {
        return false;
    }
    struct tinybms_request rq;
    int err = tinybms_build_read(&rq, first, words);
    assert(err == GW_OK);
    (void)err;
    if (!tinybms_fits(t, &rq, now_ms)) {
        if (!starves) {
            return false;
        }
        t->slow_fast_turns = t->fast.turns;
    }
    t->slow_turn_ms = now_ms;
    t->slow_group = row->group;
    tinybms_begin(t, TINYBMS_TURN_SLOW, &rq, 0, now_ms);
    return true;
}

static void give_up_piece(struct tinybms *t, uint64_t now_ms) {
    struct tinybms_settings_reader *r = &t->settings;
    r->given_up |= (uint64_t)1 << r->piece;
    bool single = r->piece == SINGLE_343 || r->piece >= FIRST_SINGLE;
    if (single && r->forgive_ms == 0) {
        r->forgive_ms = now_ms + FORGIVE_MS;
    }
    r->timeouts = 0;
    r->piece++;
}

static void settings_failed(struct tinybms *t, bool refused, uint64_t now_ms) {
    struct tinybms_slow *s = &t->slow[BATTERY_GROUP_SETTINGS];
    if (refused) {
        give_up_piece(t, now_ms);
        s->due_ms = now_ms;
        return;
    }
    s->tried = true;
    s->due_ms = now_ms + SETTINGS_RETRY_MS;
    if (++t->settings.timeouts >= TIMEOUTS_BEFORE_SPLIT) {
        give_up_piece(t, now_ms);
    }
}

static uint64_t back_off_ms(uint32_t failures) {
    uint32_t doublings = failures < 5 ? failures : 5;
    uint64_t ms = (uint64_t)BACK_OFF_FIRST_MS << doublings;
    return ms < BACK_OFF_MAX_MS ? ms : BACK_OFF_MAX_MS;
}

static void block_failed(struct tinybms *t, bool refused, uint64_t now_ms) {
    struct tinybms_slow *s = &t->slow[t->slow_group];
    if (!refused) { /* a refusal is quick; a time-out has cost enough */
        t->slow_fast_turns = t->fast.turns;
    }
    if (t->slow_group == BATTERY_GROUP_SETTINGS) {
        settings_failed(t, refused, now_ms);
        return;
    }
    s->tried = true;
    s->due_ms = now_ms + back_off_ms(s->failures++);
}

static void block_answered(struct tinybms *t, uint64_t now_ms) {
    uint16_t words[TINYBMS_READ_MAX];
    size_t n = tinybms_reply_words(t, words);
    tinybms_take(t, t->transaction.request.addr, words, n, now_ms);
    t->blocks_told |= (uint8_t)(1u << t->slow_group);
    struct tinybms_slow *s = &t->slow[t->slow_group];
    if (t->slow_group == BATTERY_GROUP_SETTINGS) {
        t->settings.timeouts = 0;
        t->settings.piece++;
        s->due_ms = now_ms;
        if (!find_piece(t)) {
            round_over(t, now_ms);
        }
        return;
    }
    s->failures = 0;
    s->tried = true;
    for (int i = 0; i < SLOW_ROWS; i++) {
        if (slow_rows[i].group == t->slow_group) {
            s->due_ms = now_ms + slow_rows[i].period_ms;
        }
    }
}

void tinybms_slow_ended(struct tinybms *t, enum tinybms_outcome outcome, uint64_t now_ms) {
    switch (outcome) {
    case TINYBMS_OUTCOME_REPLY:
        block_answered(t, now_ms);
        return;
    case TINYBMS_OUTCOME_NACK:
        block_failed(t, t->transaction.nack != TINYBMS_NACK_CRC, now_ms);
        return;
    case TINYBMS_OUTCOME_TIMEOUT:
        block_failed(t, false, now_ms);
        return;
    }
}
