/* SPDX-License-Identifier: MIT */
/* The end of a charge, where the BMS is to say "fully charged" by itself: in dual port it does, and
 * sets its counted charge to 100 %, when all cells are at register 300, even within register 308,
 * and less than register 304 flows.
 *
 * So the highest cell waits under register 300 until the cells are even and little flows. Only then
 * may it go on, in small steps and with less than register 304, so that the last cell arrives with
 * a tail current. Anything that would open the charge switch (uneven cells at the top), or bring a
 * cell near register 315 (a load switched off), ends the attempt; the next one comes half an hour
 * later. */
#ifndef CORE_POLICY_CHARGE_END_H
#define CORE_POLICY_CHARGE_END_H

#include <stdbool.h>
#include <stdint.h>

#include "battery/battery.h"
#include "policy/pack_watch.h"

enum {
    CHARGE_END_READY_MS = 60000,
    CHARGE_END_PAUSE_MS = 1800000, /* after an attempt that failed */
    CHARGE_END_LONGEST_MS = 10800000,
    CHARGE_END_EVEN_MV = 2,          /* under register 308, to count as even at the top */
    CHARGE_END_BEGIN_EVEN_MV = 4,    /* ... and to begin */
    CHARGE_END_FADES_MV_PER_MIN = 1, /* the place where an attempt came to is given up so slowly */
    CHARGE_END_NEAR_MV = 20,         /* under its waiting place, to count as there */
    CHARGE_END_CUTOFF_MV = 10,       /* at least so far from half way to register 315 */
    CHARGE_END_SWING_SLACK_MV = 3,   /* under register 315 with the largest swing */
};

struct charge_end {
    bool active;
    uint64_t ready_ms; /* since when it could begin; UINT64_MAX: it could not */
    uint64_t begun_ms;
    uint64_t paused_ms; /* no attempt before */
    uint64_t stopped_ms;
    int32_t reached_mv; /* by the highest cell in the last attempt; 0: none */
    int32_t last_ma;    /* of the last sample */
};

void charge_end_init(struct charge_end *e);

/* A good sample. wanted: the state of the charge lets it end, and the BMS has not said so yet.
 * waiting_mv: where the highest cell waits. True when an attempt began or ended. */
bool charge_end_handle_sample(struct charge_end *e, const struct battery *b,
                              const struct pack_watch *w, bool wanted, int32_t waiting_mv,
                              uint64_t now_ms);

/* The current, in mA, with which it may begin: 3 x register 304 or a twentieth of the capacity an
 * hour, whichever is more. */
uint32_t charge_end_little_ma(const struct battery *b);

/* Where the highest cell waits: waiting_mv, or where the last attempt brought it, which is given up
 * slowly: chargers that had to fall back at once would stand still for an hour. */
int32_t charge_end_waiting_mv(const struct charge_end *e, const struct battery *b,
                              int32_t waiting_mv, uint64_t now_ms);

/* How far, in mV of one cell, the highest may go over register 300 while it lasts. */
int32_t charge_end_room_mv(const struct battery *b);

#endif
