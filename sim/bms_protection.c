/* SPDX-License-Identifier: MIT */
/* What the virtual BMS guards its pack against, and where its switches stand: dual port (one to
 * charge, one for the load) or single port (one for both). Source of truth: the vendor's user
 * manual, revision D, chapter "protections". */
#include "sim/bms.h"

/* Distances that a value must come back by before a protection lets go: the document gives none. */
enum {
    OVER_VOLTAGE_BACK_MV = 20,
    DISCHARGED_BACK_MV = 50,
    HEAT_BACK_K = 5,
    COLD_BACK_K = 2,
};

enum {
    BOARD_HOTTEST_C = 90,
    FREEZING_C = -40,
    STARTUP_S = 5, /* register 310 where the firmware has none */
};

/* How a protection ends, once its cause is gone. */
enum ending {
    BY_TIME,    /* after register 332 seconds; if that is 0, only when helped; a restart ends all */
    BY_CHARGER, /* when a charger gives */
    AT_ONCE,    /* it is a warning: with its cause */
};

struct rule {
    uint8_t begins, ends; /* events */
    uint16_t counted;     /* in this register; 0: not at all */
    enum ending ending;
};

/* clang-format off */
static const struct rule rules[SIM_PROTECTIONS] = {
    /*                               event  recovered  counted  ends */
    [SIM_OVER_VOLTAGE]              = {0x03, 0x79,       106,    BY_TIME},
    [SIM_UNDER_VOLTAGE]             = {0x02, 0x7B,       105,    BY_CHARGER},
    [SIM_OVER_HEAT]                 = {0x04, 0x73,       109,    BY_TIME},
    [SIM_FREEZING]                  = {0x0A, 0x75,         0,    BY_TIME},
    [SIM_DISCHARGE_OVER_CURRENT]    = {0x05, 0x77,       107,    BY_TIME},
    [SIM_CHARGE_OVER_CURRENT]       = {0x06, 0x76,       108,    BY_TIME},
    [SIM_REGENERATION_OVER_CURRENT] = {0x07, 0x78,       108,    BY_TIME}, /* no count of its own */
    [SIM_DISCHARGED]                = {0x31, 0x7A,         0,    AT_ONCE},
    [SIM_COLD]                      = {0x37, 0x74,         0,    AT_ONCE},
};
/* clang-format on */

static bool ends(struct sim_bms *b, const struct sim_bms_sample *m, enum sim_protection which) {
    unsigned recovery_s = b->reg[332] & 0xFFu;
    switch (rules[which].ending) {
    case BY_TIME:
        return m->helped || (recovery_s > 0 && b->guard.gone_s[which] >= recovery_s);
    case BY_CHARGER:
        return m->gives;
    case AT_ONCE:
        return true;
    }
    return true;
}

/* Begins and ends one protection and tells either as an event. cause: it must begin; gone: the
 * cause is, by a distance that keeps it from coming back at once. */
static void guard(struct sim_bms *b, const struct sim_bms_sample *m, enum sim_protection which,
                  bool *on, bool cause, bool gone) {
    const struct rule *r = &rules[which];
    if (!*on && cause) {
        *on = true;
        b->guard.gone_s[which] = 0.0;
        if (r->counted != 0)
            b->reg[r->counted]++;
        sim_bms_event(b, r->begins);
    } else if (*on) {
        b->guard.gone_s[which] = gone ? b->guard.gone_s[which] + m->dt_s : 0.0;
        if (gone && ends(b, m, which)) {
            *on = false;
            sim_bms_event(b, r->ends);
        }
    }
}

static void guard_voltage(struct sim_bms *b, const struct sim_bms_sample *m) {
    struct sim_bms_guard *g = &b->guard;
    guard(b, m, SIM_OVER_VOLTAGE, &g->over_voltage, m->max_mv > b->reg[315],
          m->max_mv < b->reg[315] - OVER_VOLTAGE_BACK_MV);
    guard(b, m, SIM_UNDER_VOLTAGE, &g->under_voltage, m->min_mv < b->reg[316] && !m->gives,
          m->gives);
    guard(b, m, SIM_DISCHARGED, &g->discharged, m->min_mv < b->reg[301],
          m->min_mv >= b->reg[301] + DISCHARGED_BACK_MV);
}

/* The sensors outside count; without any, the board's stands for them. */
static void guard_temperature(struct sim_bms *b, const struct sim_bms_sample *m) {
    struct sim_bms_guard *g = &b->guard;
    int16_t hot_c = (int16_t)b->reg[319], cold_c = (int16_t)b->reg[320];
    guard(b, m, SIM_OVER_HEAT, &g->over_heat, m->warmest_c > hot_c || m->board_c > BOARD_HOTTEST_C,
          m->warmest_c < hot_c - HEAT_BACK_K && m->board_c < BOARD_HOTTEST_C - HEAT_BACK_K);
    guard(b, m, SIM_COLD, &g->cold, m->coldest_c < cold_c, m->coldest_c >= cold_c + COLD_BACK_K);
    guard(b, m, SIM_FREEZING, &g->freezing, m->coldest_c < FREEZING_C,
          m->coldest_c >= FREEZING_C + COLD_BACK_K);
}

/* The seconds that a discharge may be over register 317: none on firmware that does not know. */
static unsigned over_load_allowed_s(const struct sim_bms *b) {
    unsigned s = b->reg[330] >> 8;
    return b->config.before_revision_d || s == 0xFF ? 0 : s;
}

/* Charge and regeneration have no time to themselves in the document: at once. */
static void guard_current(struct sim_bms *b, const struct sim_bms_sample *m) {
    struct sim_bms_guard *g = &b->guard;
    uint16_t peak_a = 0;
    bool over = -m->amps > b->reg[317];
    bool peak = sim_bms_known(b, 305, &peak_a) && -m->amps > peak_a;
    g->over_load_s = over ? g->over_load_s + m->dt_s : 0.0;
    guard(b, m, SIM_DISCHARGE_OVER_CURRENT, &g->discharge_over_current,
          peak || (over && g->over_load_s >= over_load_allowed_s(b)), !over && !peak);
    bool by_load_port = m->regenerating;
    guard(b, m, SIM_CHARGE_OVER_CURRENT, &g->charge_over_current,
          !by_load_port && m->amps > b->reg[318], m->amps <= b->reg[318]);
    guard(b, m, SIM_REGENERATION_OVER_CURRENT, &g->regeneration_over_current,
          by_load_port && m->amps > b->reg[317], m->amps <= b->reg[317]);
}

void sim_bms_protect(struct sim_bms *b, const struct sim_bms_sample *m) {
    guard_voltage(b, m);
    guard_temperature(b, m);
    guard_current(b, m);
}

bool sim_bms_fault(const struct sim_bms *b) {
    const struct sim_bms_guard *g = &b->guard;
    return g->over_voltage || g->under_voltage || g->over_heat || g->freezing ||
           g->discharge_over_current || g->charge_over_current || g->regeneration_over_current;
}

/* Too much current opens the switch of the port that it flows through: the document names none. */
static void set_dual(struct sim_bms_guard *g) {
    bool both = !g->over_heat && !g->freezing && !g->under_voltage;
    g->charge_on = both && !g->charge_over_current && !g->over_voltage && !g->cold && !g->full &&
                   !g->charge_ended && !g->top_pause;
    g->discharge_on =
        both && !g->discharge_over_current && !g->regeneration_over_current && !g->discharged;
}

/* An empty pack's charger that gives nothing for as long as register 310 allows it for starting is
 * given up, until it has stopped and starts again. */
static void watch_charger(struct sim_bms *b, const struct sim_bms_sample *m) {
    struct sim_bms_guard *g = &b->guard;
    uint16_t startup_s = STARTUP_S;
    (void)sim_bms_known(b, 310, &startup_s);
    if (!m->gives || !g->discharged) {
        g->idle_s = 0.0;
        g->charger_spent = false;
    } else if (g->charge_on) {
        g->idle_s = m->charging ? 0.0 : g->idle_s + m->dt_s;
        g->charger_spent = g->idle_s >= startup_s;
    }
}

/* One switch. top_pause: a cell has been at register 300 and is not yet well below. Then too it is
 * on for a load alone: the document says no more than that it opens, and a switch that nothing
 * closed again would leave the pack full for ever. */
static void set_single(struct sim_bms *b, const struct sim_bms_sample *m) {
    struct sim_bms_guard *g = &b->guard;
    watch_charger(b, m);
    bool on = !g->over_heat && !g->freezing && !g->under_voltage && !g->discharge_over_current &&
              !g->charge_over_current;
    if (g->top_pause || g->over_voltage || g->cold)
        on = on && m->load;
    if (g->discharged)
        on = on && m->gives && !g->charger_spent;
    g->charge_on = g->discharge_on = on;
}

void sim_bms_set_switches(struct sim_bms *b, const struct sim_bms_sample *m) {
    if (m->single_port)
        set_single(b, m);
    else
        set_dual(&b->guard);
}

/* With ignition both are off. Without, dual port has charge off; single port is not named in the
 * document: its switch stays. */
void sim_bms_sleep_switches(const struct sim_bms *b, bool *charge_on, bool *discharge_on) {
    bool by_ignition = (b->reg[334] & 0xFFu) != 0;
    bool single_port = (b->reg[340] & 0xFFu) == 1;
    *charge_on = !by_ignition && single_port && b->guard.charge_on;
    *discharge_on = !by_ignition && b->guard.discharge_on;
}
