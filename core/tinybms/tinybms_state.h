/* SPDX-License-Identifier: MIT */
/* The memory of one conversation, complete so that a caller can own it. Nothing outside
 * core/tinybms reads or writes its members: tinybms.h has calls for that.
 * Included at the end of tinybms.h, which declares the types used here. */
#ifndef CORE_TINYBMS_TINYBMS_STATE_H
#define CORE_TINYBMS_TINYBMS_STATE_H

#include "tinybms/tinybms.h"

/* Whose request is under way. */
enum tinybms_turn { TINYBMS_TURN_NONE, TINYBMS_TURN_FAST, TINYBMS_TURN_SLOW, TINYBMS_TURN_COMMAND };

/* What a command of the user does next. */
enum tinybms_command_step {
    TINYBMS_STEP_READ,  /* the registers asked for */
    TINYBMS_STEP_MERGE, /* the reserved bits, before a write */
    TINYBMS_STEP_WRITE,
    TINYBMS_STEP_READ_BACK,
    TINYBMS_STEP_RESET,
    TINYBMS_STEP_ENDED
};

struct tinybms_queued {
    enum tinybms_command_step step;
    uint32_t id;
    uint16_t addr, count;
    uint16_t word[2]; /* to be written */
    uint8_t option;   /* of a reset */
    uint8_t flags;    /* of the register written */
    uint16_t mask;
    int write_err;       /* the write itself was not acknowledged */
    uint32_t attempts;   /* of the present step */
    uint32_t mismatches; /* reads back that differed */
    uint64_t not_before_ms;
    uint64_t patience_ms; /* the present step goes on until then, however many attempts */
    uint32_t fast_turns;  /* seen when it became ready */
    int err;
    uint8_t nack;
    uint16_t value[TINYBMS_COMMAND_REGISTERS_MAX];
};

struct tinybms_fast {
    uint32_t hurry_ms; /* 0: none */
    bool fresh_port;   /* nothing was answered since the port came up */
    uint64_t due_ms;
    uint64_t rest_asked_ms; /* the first attempt of this look at a resting BMS */
    uint32_t retries;       /* of the series under way */
    uint32_t turns;         /* series of attempts that ended, wraps */
    uint32_t failures;      /* series without an answer since the last sample */
    bool split;             /* 0-15 and 32-53 instead of 0-53, until the port is reopened */
    bool trying_split;      /* this series only: the whole block was never answered */
    bool whole_works;       /* it was, since the port came up */
    bool halves_work;       /* they were, when tried */
    bool second_half;       /* the first one is in word[] */
    bool again;             /* the same sample, after a refusal of the whole block */
    uint16_t word[TINYBMS_LIVE_WORDS]; /* of the sample under way */
};

struct tinybms_slow {
    uint64_t due_ms;
    uint32_t failures; /* in a row */
    bool tried;        /* once at least since the port came up */
};

struct tinybms_settings_reader {
    uint8_t piece;       /* the next one of this round */
    uint8_t timeouts;    /* of it, in a row */
    uint64_t given_up;   /* a bit per piece that this device does not answer: see slow.c */
    uint64_t forgive_ms; /* when single registers given up are tried again */
};

struct tinybms {
    struct tinybms_config config;
    struct tinybms_rules rules;
    struct tinybms_transaction transaction;
    struct tinybms_image image;
    struct battery battery;

    enum tinybms_link link, link_told;
    uint64_t answered_ms; /* the last good sample */

    enum tinybms_turn turn;
    struct tinybms_fast fast;
    struct tinybms_slow slow[BATTERY_GROUP_COUNT]; /* [BATTERY_GROUP_LIVE] is not used */
    enum battery_group slow_group;                 /* under way */
    uint64_t slow_turn_ms;
    uint32_t slow_fast_turns; /* fast.turns when a slow turn last cost a fast sample its time */
    struct tinybms_settings_reader settings;

    bool sample_told;
    uint8_t blocks_told; /* bits of enum battery_group still to be told */

    struct tinybms_queued command[TINYBMS_COMMANDS_MAX]; /* a ring */
    uint8_t command_first, command_count;
    uint32_t command_fast_turns; /* fast.turns when one last made a fast sample wait */
};

#endif
