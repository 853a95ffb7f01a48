/* SPDX-License-Identifier: MIT */
/* The gateway between a virtual BMS and a virtual GX, in virtual time, with the contract of silence
 * checked on both wires.
 *
 * UART bytes take their time on the wire; frames pass the CAN bus at once. Time jumps to the next
 * deadline of any party, to the millisecond. The virtual charger and inverter obey what the virtual
 * GX received. A scenario says what happens. */
#ifndef PORTS_VIRTUAL_RIG_H
#define PORTS_VIRTUAL_RIG_H

#include "contract.h"
#include "gateway/gateway.h"
#include "sim/bms.h"
#include "sim/gx.h"
#include "sim/scenario.h"

enum { RIG_FRAMES = 20, RIG_TEXT_MAX = 320 };

struct rig_frame {
    uint64_t at_ms; /* since the start */
    struct sim_can_frame frame;
};

/* Who looks on; every call but `context` may be NULL. Times are since the start. */
struct rig_observer {
    void *context;
    void (*frame)(void *context, const struct sim_can_frame *f, uint64_t at_ms);
    void (*request)(void *context, uint64_t at_ms); /* bytes to the BMS */
    void (*log)(void *context, const struct log_record *r, uint64_t at_ms);
    void (*answer)(void *context, const struct gateway_answer *a, uint64_t at_ms);
    /* all that belongs to this millisecond has happened; actions of the scenario come after */
    void (*moment)(void *context, uint64_t at_ms);
    /* a sentence of the scenario that is done now */
    void (*action)(void *context, const struct scenario_line *line, uint64_t at_ms);
};

struct rig {
    const struct scenario *scenario; /* borrowed */
    struct rig_observer observer;
    struct scenario_player player;
    struct settings settings[2]; /* in force, and the next */
    unsigned settings_now;
    struct gateway gateway;
    struct sim_bms bms;
    struct sim_gx gx;
    struct contract contract;
    uint64_t start_ms, now_ms; /* of the monotonic clock */
    uint64_t gateway_due_ms, bms_due_us;
    bool uart_up, can_up, can_flows, gx_there, house_runs;
    bool ended; /* by the scenario, or by an observer who has seen enough */
    uint32_t commands;
    struct rig_frame
        last[SIM_GX_MESSAGES]; /* of each identifier, in the order of sim_gx_message_id() */
    bool has_last[SIM_GX_MESSAGES];
    struct rig_frame recent[RIG_FRAMES];
    unsigned frames;  /* ever */
    unsigned refused; /* line of the first sentence that could not be done; 0: none */
    char why[RIG_TEXT_MAX];
};

/* Everything is connected and starts at the time that the scenario gives. False: r->why. */
bool rig_start(struct rig *r, const struct scenario *s, const struct rig_observer *observer);

/* Runs until so many milliseconds after the start, or "end". */
void rig_run(struct rig *r, uint64_t until_ms);

static inline uint64_t rig_elapsed_ms(const struct rig *r) {
    return r->now_ms - r->start_ms;
}

#endif
