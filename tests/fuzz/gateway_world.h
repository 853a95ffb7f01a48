/* SPDX-License-Identifier: MIT */
/* The world around the gateway under fuzz: a BMS that answers as it is told to, a CAN bus, and
 * witnesses that watch the wires on their own and end the program when the gateway does what its
 * documents forbid.
 *
 * gateway.c makes the script of what happens out of the input. */
#ifndef TESTS_FUZZ_GATEWAY_WORLD_H
#define TESTS_FUZZ_GATEWAY_WORLD_H

#include "fuzz.h"
#include "gateway/gateway.h"
#include "sim/gx.h"

enum {
    WORLD_REGISTERS = 512,
    WORLD_HEARD_MAX = 640,
    WORLD_REPLY_MAX = 260,
    WORLD_ANSWER_MS = 12, /* of a real device */
};

enum world_answers { ANSWERS_WELL, ANSWERS_NOT, ANSWERS_SPOILT, ANSWERS_REFUSING, ANSWERS_COUNT };

/* What was said on the UART, as understood by the document alone. */
struct witness {
    uint8_t request[TINYBMS_REQUEST_MAX];
    size_t request_n;
    uint8_t heard[WORLD_HEARD_MAX]; /* since that request */
    size_t heard_n;
    bool known[WORLD_REGISTERS]; /* registers that a good reply told at least once */
    uint32_t live_replies;       /* good replies with cells in them */
    uint64_t live_ms;            /* the last of those */
    uint64_t excused_ms;         /* until then the age may stand still */
    uint32_t accepted, answered; /* commands */
    uint32_t orders;             /* commands that write or reset */
};

struct world {
    struct gateway gateway;
    struct settings settings[2];
    unsigned current;
    uint64_t now_ms, deadline_ms, reply_ms; /* reply_ms: UINT64_MAX: none is under way */
    uint16_t reg[WORLD_REGISTERS];
    uint32_t ticks; /* makes each sample differ from the one before */
    enum world_answers answers;
    uint8_t reply[WORLD_REPLY_MAX];
    size_t reply_n;
    bool uart_up, can_up, device_full;
    size_t chunk;        /* in which bytes are handed in */
    unsigned turns;      /* made since the script began */
    unsigned notes_left; /* of the log, to be put into words */
    struct witness witness;
    struct sim_gx gx;
    uint64_t hash; /* of everything that came out */
};

/* Both links down, default settings, a BMS of 14 cells in good order. */
void world_init(struct world *w);
/* One turn of a port at now_ms: step, then everything that wants to go out. */
void world_turn(struct world *w);
/* Lets time pass; turns at each deadline while the script may make turns, then all at once. */
void world_wait(struct world *w, uint64_t ms);
/* Bytes arrive now. */
void world_hear(struct world *w, const uint8_t *bytes, size_t n);
/* The good reply to the last request into reply[]; reply_n 0: there is none. */
void world_make_reply(struct world *w);
void world_command(struct world *w, const struct gateway_command *c);

/* gateway_witness.c: what must hold. */
void witness_request(struct world *w, const uint8_t *bytes, size_t n);
void witness_bytes(struct world *w, const uint8_t *bytes, size_t n);
void witness_frame(struct world *w, const struct victron_frame *f);
void witness_sample(const struct world *w);
void witness_turn(const struct world *w);

#endif
