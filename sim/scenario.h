/* SPDX-License-Identifier: MIT */
/* Scenario files: what happens to a battery, its cable, the CAN bus and the gateway, when, and what
 * must hold. Plain text, one sentence a line; tests/scenario/README.md describes it for people.
 *
 *   given setting tinybms.stale_zero_ms=10000
 *   at 10 s: bms mute
 *   between 26 s and 30 s: expect ccl 0 A
 *
 * Inside: scenario.c (the reader: lines, times, errors), scenario_words.c (the table of sentences
 * and what their words mean), scenario_player.c (what happens, done to a virtual BMS). No I/O, no
 * clock, no heap. Hostile text is safe: lines, words and counts are bounded, and what is not
 * understood is refused with its line and what was expected there.
 *
 * What concerns the BMS and its pack the player does itself; CAN, GX, serial port and gateway are
 * its caller's, who also judges the expectations. */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/bms.h"
#include "sim/gx.h"

enum {
    SCENARIO_TEXT_MAX = 65536, /* bytes of a file */
    SCENARIO_LINE_MAX = 160,   /* characters */
    SCENARIO_WORDS_MAX = 24,   /* of a line */
    SCENARIO_WORD_MAX = 80,
    SCENARIO_LINES_MAX = 200, /* sentences of each kind */
    SCENARIO_NUMBERS_MAX = 3,
    SCENARIO_TIME_MAX_S = 400 * 86400,
};

/* What a sentence says; the table in scenario_words.c has a row for each. */
enum scenario_verb {
    /* before the start only */
    SCENARIO_SETTING, /* word: key=value */
    SCENARIO_CHEMISTRY_NMC,
    SCENARIO_CHEMISTRY_LFP,
    SCENARIO_CELLS,
    SCENARIO_CAPACITY,
    SCENARIO_EVEN_CELLS,
    SCENARIO_CLOCK, /* ms */
    SCENARIO_SEED,
    SCENARIO_ORDER_ASCENDING,
    SCENARIO_OLD_FIRMWARE,
    SCENARIO_COUNTERS_NEAR_WRAP, /* at any time */
    /* the BMS on its wire */
    SCENARIO_MUTE,
    SCENARIO_ANSWER,
    SCENARIO_DROP,
    SCENARIO_CORRUPT,
    SCENARIO_NOISE,
    SCENARIO_TRUNCATE,
    SCENARIO_NACK,
    SCENARIO_FRAGMENT,
    SCENARIO_WHOLE,
    SCENARIO_CHATTER,
    SCENARIO_QUIET,
    SCENARIO_REFUSE_RESERVED,
    SCENARIO_ACCEPT_RESERVED,
    SCENARIO_FREEZE,
    SCENARIO_FREEZE_BUT_CLOCK,
    SCENARIO_THAW,
    SCENARIO_SLEEP,
    SCENARIO_MAY_SLEEP,
    SCENARIO_STAY_AWAKE,
    SCENARIO_BMS_RESTART, /* deaf for so many seconds */
    /* what the BMS tells, true or not */
    SCENARIO_REGISTER_READS,
    SCENARIO_REGISTERS_READ,
    SCENARIO_CELL_READS,
    SCENARIO_CELLS_SWAPPED,
    SCENARIO_CELLS_STUCK,
    SCENARIO_VOLTAGE_READS,
    SCENARIO_CURRENT_READS,
    SCENARIO_CURRENT_STUCK,
    SCENARIO_SOC_READS,
    SCENARIO_STATUS_READS, /* number 0: the raw value */
    SCENARIO_TEMPERATURE_READS,
    SCENARIO_TEMPERATURE_STUCK,
    SCENARIO_TEMPERATURE_ABSENT,
    SCENARIO_TELL_TRUTH,
    SCENARIO_REGISTER_SET, /* for good, as by the maker's own program */
    SCENARIO_HEAL,
    /* the battery itself */
    SCENARIO_PACK_CELL,
    SCENARIO_PACK_CELLS,
    SCENARIO_PACK_TEMPERATURE,
    SCENARIO_PACK_CURRENT,
    SCENARIO_PACK_SOC,
    SCENARIO_PACK_DAY,
    SCENARIO_PACK_CYCLE,
    /* the caller's */
    SCENARIO_GX_ABSENT,
    SCENARIO_GX_PRESENT,
    SCENARIO_CAN_DOWN,
    SCENARIO_CAN_UP,
    SCENARIO_CAN_STALL,
    SCENARIO_CAN_FLOW,
    SCENARIO_UART_DOWN,
    SCENARIO_UART_UP,
    SCENARIO_GATEWAY_SET, /* word: key=value */
    SCENARIO_GATEWAY_RESTARTS_BMS,
    SCENARIO_GATEWAY_CLEARS_EVENTS,
    SCENARIO_GATEWAY_READS,
    SCENARIO_GATEWAY_WRITES,
    SCENARIO_GATEWAY_STARTS_AGAIN,
    SCENARIO_END,
    /* what must hold */
    SCENARIO_EXPECT_FIELD,   /* number 0: index for scenario_field(); range */
    SCENARIO_EXPECT_ALARM,   /* number 0: kind; number 1: enum sim_gx_pair */
    SCENARIO_EXPECT_WARNING, /* the same */
    SCENARIO_EXPECT_ONLINE,  /* of 0x35A */
    SCENARIO_EXPECT_OFFLINE,
    SCENARIO_EXPECT_STAGE,  /* word */
    SCENARIO_EXPECT_LINK,   /* word */
    SCENARIO_EXPECT_REASON, /* number 0: 0 cvl, 1 ccl, 2 dcl; word */
    SCENARIO_EXPECT_FRAMES, /* any */
    SCENARIO_EXPECT_FRAMES_NONE,
    SCENARIO_EXPECT_FRAME,      /* number 0: identifier */
    SCENARIO_EXPECT_FRAME_NONE, /* number 0: identifier */
    SCENARIO_EXPECT_GAP,        /* number 0: identifier; range in s */
    SCENARIO_EXPECT_SAME,       /* number 0: identifier */
    SCENARIO_EXPECT_TEXT,       /* number 0: identifier; word */
    SCENARIO_EXPECT_GX_RUNNING,
    SCENARIO_EXPECT_GX_STOPPED,
    SCENARIO_EXPECT_REQUESTS,    /* range: how many */
    SCENARIO_EXPECT_REQUEST_GAP, /* range in s */
    SCENARIO_EXPECT_LOG,         /* word: part of the text */
    SCENARIO_EXPECT_NO_LOG,
    SCENARIO_EXPECT_ANSWER_OK,
    SCENARIO_EXPECT_ANSWER_FAILED,
    SCENARIO_EXPECT_OPEN, /* CCL and DCL at nominal */
    SCENARIO_VERB_COUNT
};

/* In thousandths; INT64_MIN and INT64_MAX where it is open. */
struct scenario_range {
    int64_t low, high;
};

struct scenario_line {
    unsigned line;           /* in the file, from 1 */
    uint64_t from_us, to_us; /* since the start; equal after "at" */
    bool between;
    enum scenario_verb verb;
    int64_t
        number[SCENARIO_NUMBERS_MAX]; /* thousandths, unless enum scenario_verb says otherwise */
    struct scenario_range range;
    char word[SCENARIO_WORD_MAX + 1];
};

struct scenario {
    char title[SCENARIO_LINE_MAX + 1];
    struct scenario_line given[SCENARIO_LINES_MAX];
    struct scenario_line action[SCENARIO_LINES_MAX];      /* in order of time */
    struct scenario_line expectation[SCENARIO_LINES_MAX]; /* in order of the file */
    unsigned givens, actions, expectations;
    uint64_t end_us; /* the last time that is named */
};

struct scenario_error {
    unsigned line;
    char text[320]; /* a sentence: what was expected; printable ASCII whatever the file holds */
};

/* Reads a file. False: *e says why, *s is undefined. */
bool scenario_parse(struct scenario *s, const char *text, size_t n, struct scenario_error *e);

/* The fields that "expect FIELD RANGE UNIT" can name. */
struct scenario_field {
    const char *name, *unit;
    enum sim_gx_field gx;
};
const struct scenario_field *scenario_field(unsigned index);

/* Between the files of the reader: one sentence without its time, in words; `line` gets verb,
 * numbers, range and word. kind: which sentences are allowed here. False: *e says why (not its
 * line). */
enum scenario_kind { SCENARIO_GIVEN = 1, SCENARIO_ACTION = 2, SCENARIO_EXPECTATION = 4 };
bool scenario_sentence(struct scenario_line *line, unsigned kind,
                       const char word[][SCENARIO_WORD_MAX + 1], unsigned words,
                       struct scenario_error *e);
/* A decimal number with up to three places, or a hexadecimal one after 0x: in thousandths, up to
 * 10^12 either way. */
bool scenario_number(const char *word, int64_t *out);

/* ---- playing ---- */

/* Registers that do not tell the truth. */
struct scenario_lies {
    struct {
        uint16_t reg, value, truth;
    } lie[SIM_BMS_REGISTERS];
    uint64_t clock_us; /* the tick at which the clock's lie began */
    unsigned count;
    unsigned swapped[2]; /* registers; equal: none are */
    uint64_t swapped_us; /* the measurement whose cells are swapped already */
};

struct scenario_player {
    const struct scenario *scenario; /* borrowed */
    struct scenario_lies lies;
    uint64_t start_us;
    unsigned next;
};

/* What "given" says about the virtual BMS to be made. */
void scenario_config(const struct scenario *s, struct sim_bms_config *cfg);

/* Starts at now_us: the rest of what "given" says about the BMS is done to b. */
void scenario_player_init(struct scenario_player *p, const struct scenario *s, struct sim_bms *b,
                          uint64_t now_us);

/* The next sentence that is due, done to b where it concerns the BMS; the caller does the others.
 * NULL: none is due now. */
const struct scenario_line *scenario_player_next(struct scenario_player *p, struct sim_bms *b,
                                                 uint64_t now_us);
/* When the next one is due; UINT64_MAX: none is left. */
uint64_t scenario_player_due_us(const struct scenario_player *p);

/* A sentence about the BMS or its pack, which the player does itself. */
static inline bool scenario_is_bms(enum scenario_verb v) {
    return v >= SCENARIO_MUTE && v <= SCENARIO_PACK_CYCLE;
}

/* Puts the lies in place. To be called after each sim_bms_step() and before bytes are handed to
 * sim_bms_handle_rx() at the same time. */
void scenario_player_lie(struct scenario_player *p, struct sim_bms *b);

#endif
