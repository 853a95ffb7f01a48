/* SPDX-License-Identifier: MIT */
/* The steps at the end of a charge, and balancing. Source of truth: the vendor's user manual,
 * revision D, chapter "charging".
 *
 * Dual port: one cell at register 300 opens the charge switch while balancing goes on, until the
 * imbalance is under register 308. Charging then ends in one of three ways: full (0x63, the counted
 * charge becomes 100 %), the charger's voltage too high (0x38) or too low (0x39, both leave the
 * count alone). Single port: one cell at 300 opens the one switch, and that is all. */
#include "sim/bms.h"

/* The document gives no number for any of these. */
enum {
    AT_FULL_MV = 10,    /* a cell so far under register 300 counts as at it */
    WELL_BELOW_MV = 50, /* single port: the highest cell so far under 300 can be charged again */
    STARTUP_S = 5,      /* registers 310 and 311 where the firmware has none */
    DISABLE_S = 5,
    TOO_LOW_S = 60,       /* a charger at its voltage gives too little for so long: too low */
    RESTART_FALL_PCT = 5, /* a count that was wrong at the end must fall by this much */
    TURN_S = 2,           /* of each third of the cells */
};

enum {
    EVENT_VOLTAGE_TOO_HIGH = 0x38,
    EVENT_VOLTAGE_TOO_LOW = 0x39,
    EVENT_CHARGING_STARTED = 0x62,
    EVENT_CHARGING_DONE = 0x63,
    EVENT_CHARGER_CONNECTED = 0x64,
    EVENT_CHARGER_DISCONNECTED = 0x65,
    FLAG_RESTART_LEVEL = 4, /* bit 2 of register 329 */
};

static void start_charging(struct sim_bms *b) {
    struct sim_bms_guard *g = &b->guard;
    g->full = g->charge_ended = g->top_pause = false;
    b->reg[111]++;
    sim_bms_event(b, EVENT_CHARGING_STARTED);
}

static void notice_charger(struct sim_bms *b, const struct sim_bms_sample *m) {
    bool was = b->guard.charger_was;
    b->guard.charger_was = m->charger;
    if (m->charger == was)
        return;
    sim_bms_event(b, m->charger ? EVENT_CHARGER_CONNECTED : EVENT_CHARGER_DISCONNECTED);
    if (m->charger)
        start_charging(b);
}

/* The counted charge under register 321. Where it was under that already when charging stopped,
 * charging would restart at once and for ever: then the count must fall by some more first. */
static bool under_restart_level(const struct sim_bms *b) {
    uint16_t level = 0;
    if ((b->reg[329] & FLAG_RESTART_LEVEL) == 0 || !sim_bms_known(b, 321, &level))
        return false;
    double fallen = b->guard.end_percent - RESTART_FALL_PCT;
    return b->soc * 100.0 < (fallen < level ? fallen : level);
}

static void restart_charging(struct sim_bms *b, const struct sim_bms_sample *m) {
    const struct sim_bms_guard *g = &b->guard;
    bool stopped = g->full || g->charge_ended || g->top_pause;
    if (stopped && (m->min_mv <= b->reg[301] || under_restart_level(b)))
        start_charging(b);
}

/* One cell at the top. */
static void pause_at_top(struct sim_bms *b, const struct sim_bms_sample *m) {
    struct sim_bms_guard *g = &b->guard;
    bool at_top = m->max_mv >= b->reg[300];
    bool uneven = m->max_mv - m->min_mv >= b->reg[308];
    bool pauses;
    if (m->single_port)
        pauses = at_top || (g->top_pause && m->max_mv > b->reg[300] - WELL_BELOW_MV);
    else
        pauses = uneven && (at_top || g->top_pause);
    if (pauses && !g->top_pause)
        g->end_percent = b->soc * 100.0;
    g->top_pause = pauses;
}

static void end_charging(struct sim_bms *b, uint8_t event) {
    struct sim_bms_guard *g = &b->guard;
    g->full = event == EVENT_CHARGING_DONE;
    g->charge_ended = !g->full;
    if (g->full) {
        b->soc = 1.0;
        b->reg[112]++;
    }
    g->end_percent = b->soc * 100.0;
    sim_bms_event(b, event);
}

/* All cells at the top, even, and hardly any current, for register 311 seconds: full. The same with
 * more current, until half way to over-voltage: the charger's voltage is too high. Hardly any
 * current because the charger holds too low a voltage: too low. A charger has register 310 seconds
 * to start. What comes in by the load port is nobody's charge to end. */
static void finish(struct sim_bms *b, const struct sim_bms_sample *m) {
    struct sim_bms_guard *g = &b->guard;
    uint16_t startup_s = STARTUP_S, disable_s = DISABLE_S;
    (void)sim_bms_known(b, 310, &startup_s);
    (void)sim_bms_known(b, 311, &disable_s);
    if (!m->gives || !g->charge_on || g->top_pause || b->config.through_load_port) {
        g->settle_s = g->tail_s = g->low_s = 0.0;
        return;
    }
    bool top = m->min_mv >= b->reg[300] - AT_FULL_MV;
    bool even = m->max_mv - m->min_mv < b->reg[308];
    bool tail = m->amps * 1000.0 < b->reg[304] && !m->discharging;
    g->settle_s += m->dt_s;
    bool started = g->settle_s >= startup_s;
    g->tail_s = started && top && even && tail ? g->tail_s + m->dt_s : 0.0;
    g->low_s = started && !top && tail && m->held_by_voltage ? g->low_s + m->dt_s : 0.0;
    if (started && top && even && tail && g->tail_s >= disable_s)
        end_charging(b, EVENT_CHARGING_DONE);
    else if (top && even && !tail && m->max_mv >= (b->reg[300] + b->reg[315]) / 2.0)
        end_charging(b, EVENT_VOLTAGE_TOO_HIGH);
    else if (g->low_s >= TOO_LOW_S)
        end_charging(b, EVENT_VOLTAGE_TOO_LOW);
}

void sim_bms_charge(struct sim_bms *b, const struct sim_bms_sample *m) {
    notice_charger(b, m);
    restart_charging(b, m);
    pause_at_top(b, m);
    if (!m->single_port)
        finish(b, m);
}

/* Which cells want to: over register 303 and at least 308 above the lowest, until half of that is
 * left (the document gives no second number; with one alone it would never come under it). */
static uint16_t wanted(const struct sim_bms *b, const struct sim_bms_sample *m) {
    uint16_t bits = 0;
    for (unsigned i = 0; i < b->pack.config.cells; i++) {
        double above_mv = b->sensed_mv[i] - m->min_mv;
        bool was = (b->guard.balance_wanted >> i & 1u) != 0;
        if (b->sensed_mv[i] > b->reg[303] && above_mv >= (was ? b->reg[308] / 2.0 : b->reg[308]))
            bits = (uint16_t)(bits | 1u << i);
    }
    return bits;
}

/* Every third cell at a time, by turns, and only while charge comes in, or the charge switch is
 * open for it, or a cell is too high. */
void sim_bms_balance(struct sim_bms *b, const struct sim_bms_sample *m) {
    struct sim_bms_guard *g = &b->guard;
    g->balance_wanted = wanted(b, m);
    g->balance_s += m->dt_s < TURN_S ? m->dt_s : TURN_S; /* in fast time a measurement is a turn */
    unsigned turn = (unsigned)(g->balance_s / TURN_S) % 3;
    bool may = m->charging || g->over_voltage || (g->top_pause && !m->discharging);
    uint16_t active = 0;
    for (unsigned i = turn; may && i < SIM_CELLS_MAX; i += 3)
        active = (uint16_t)(active | (g->balance_wanted & 1u << i));
    b->pack.bleed_bits = active;
    b->reg[51] = g->balance_wanted;
    b->reg[52] = active;
}
