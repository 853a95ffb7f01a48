/* SPDX-License-Identifier: MIT */
/* What the virtual BMS does with its pack, ten times a second: measures, guards, balances, counts
 * charge, remembers. Dual port (one switch to charge, one to discharge) or single port (one
 * switch). Source of truth: the vendor's user manual, revision D, chapter "protections" and
 * "charging". */
#include "sim/bms.h"

enum {
    NO_SENSOR = -32768,
    STATUS_CHARGING = 0x91,
    STATUS_FULL = 0x92,
    STATUS_DISCHARGING = 0x93,
    STATUS_IDLE = 0x97,
    STATUS_FAULT = 0x9B,
};

enum event_id {
    EVENT_UNDER_VOLTAGE = 0x02,
    EVENT_OVER_VOLTAGE = 0x03,
    EVENT_OVER_HEAT = 0x04,
    EVENT_DISCHARGE_OVER_CURRENT = 0x05,
    EVENT_CHARGE_OVER_CURRENT = 0x06,
    EVENT_DISCHARGED = 0x31,
    EVENT_COLD_CHARGING = 0x37,
    EVENT_STARTED = 0x61,
    EVENT_CHARGING_STARTED = 0x62,
    EVENT_CHARGING_DONE = 0x63,
    EVENT_OVER_HEAT_OVER = 0x73,
    EVENT_COLD_OVER = 0x74,
    EVENT_CHARGE_OVER_CURRENT_OVER = 0x76,
    EVENT_DISCHARGE_OVER_CURRENT_OVER = 0x77,
    EVENT_OVER_VOLTAGE_OVER = 0x79,
    EVENT_DISCHARGED_OVER = 0x7A,
    EVENT_UNDER_VOLTAGE_OVER = 0x7B,
};

static const double flowing_a = 0.8; /* a high-power device calls less than this idle */

/* What one measurement gave, before it is a register. */
struct measured {
    double min_mv, max_mv, amps, wanted_a, cells_c;
};

static int16_t tenths(double v) {
    double t = v * 10.0;
    return (int16_t)(t < 0.0 ? t - 0.5 : t + 0.5);
}

void sim_bms_event(struct sim_bms *b, uint8_t id) {
    uint32_t at_s = sim_bms_get32(b, 32);
    unsigned slot = 200 + 2u * b->event_slot;
    b->reg[slot] = (uint16_t)(at_s & 0xFFFFu);
    b->reg[slot + 1] = (uint16_t)(at_s >> 16 & 0xFFu) | (uint16_t)((unsigned)id << 8);
    b->event_slot = (uint8_t)((b->event_slot + 1) % SIM_BMS_EVENTS);
    if (b->events_unread < SIM_BMS_EVENTS)
        b->events_unread++;
}

void sim_bms_clear(struct sim_bms *b, bool events, bool statistics) {
    if (events) {
        for (unsigned i = 200; i < 200 + 2 * SIM_BMS_EVENTS; i++)
            b->reg[i] = 0;
        b->event_slot = b->events_unread = 0;
    }
    if (statistics) {
        for (unsigned i = 100; i <= 113; i++)
            b->reg[i] = 0;
        sim_bms_put32(b, 116, sim_bms_get32(b, 32));
        if (!b->recording)
            b->reg[113] = 0x807F; /* warmest -128, coldest 127: the next measurement narrows it */
    }
}

void sim_bms_restarted(struct sim_bms *b, uint8_t cause) {
    b->reg[114] = (uint16_t)(b->reg[114] & 0xFF00u) | cause;
    b->guard = (struct sim_bms_guard){.charge_on = true, .discharge_on = true};
    sim_bms_event(b, EVENT_STARTED);
}

void sim_bms_model_init(struct sim_bms *b) {
    sim_bms_put32(b, 32, 14084304); /* as recorded: 163 days, an event's 24 bits nearly used up */
    b->soc = b->config.pack.start_soc;
    sim_bms_clear(b, false, true);
    sim_bms_restarted(b, 5); /* power-on */
    sim_bms_measure(b, 0.0);
}

/* Sets or lifts a guard and reports either as an event; true when it has just been set. */
static bool guard(struct sim_bms *b, bool *state, bool set, bool lift, uint8_t on, uint8_t off) {
    bool was = *state;
    *state = was ? !lift : set;
    if (*state != was)
        sim_bms_event(b, was ? off : on);
    return *state && !was;
}

static void guard_voltage(struct sim_bms *b, const struct measured *m) {
    struct sim_bms_guard *g = &b->guard;
    if (guard(b, &g->over_voltage, m->max_mv >= b->reg[315], m->max_mv < b->reg[300],
              EVENT_OVER_VOLTAGE, EVENT_OVER_VOLTAGE_OVER))
        b->reg[106]++;
    /* an empty pack comes back only with a charger: one that wants to charge counts as connected */
    if (guard(b, &g->under_voltage, m->min_mv <= b->reg[316], m->min_mv >= b->reg[301],
              EVENT_UNDER_VOLTAGE, EVENT_UNDER_VOLTAGE_OVER))
        b->reg[105]++;
    (void)guard(b, &g->discharged, m->min_mv < b->reg[301], m->min_mv >= b->reg[301] + 50,
                EVENT_DISCHARGED, EVENT_DISCHARGED_OVER);
    /* one cell at the top opens the charge switch until the others have caught up */
    double spread = m->max_mv - m->min_mv;
    bool at_top = m->max_mv >= b->reg[300];
    bool near_top = m->max_mv >= b->reg[300] - 20;
    g->top_pause = spread >= b->reg[308] && (at_top || (g->top_pause && near_top));
}

static void guard_temperature(struct sim_bms *b, const struct measured *m) {
    int16_t hot_c = (int16_t)b->reg[319], cold_c = (int16_t)b->reg[320];
    if (guard(b, &b->guard.over_heat, m->cells_c >= hot_c, m->cells_c < hot_c - 5, EVENT_OVER_HEAT,
              EVENT_OVER_HEAT_OVER))
        b->reg[109]++;
    (void)guard(b, &b->guard.cold, m->cells_c < cold_c, m->cells_c >= cold_c + 2,
                EVENT_COLD_CHARGING, EVENT_COLD_OVER);
}

static void guard_current(struct sim_bms *b, const struct measured *m, double dt_s) {
    struct sim_bms_guard *g = &b->guard;
    bool over = -m->amps > b->reg[317];
    g->over_load_s = over ? g->over_load_s + dt_s : 0.0;
    bool peak = b->reg[305] != 0 && -m->amps > b->reg[305];
    g->recover_s = g->recover_s > dt_s ? g->recover_s - dt_s : 0.0;
    bool recovered = (b->reg[332] & 0xFFu) != 0 && g->recover_s <= 0.0;
    if (guard(b, &g->discharge_over_current, peak || (over && g->over_load_s >= b->reg[330] >> 8),
              recovered, EVENT_DISCHARGE_OVER_CURRENT, EVENT_DISCHARGE_OVER_CURRENT_OVER)) {
        b->reg[107]++;
        g->recover_s = b->reg[332] & 0xFFu;
    }
    if (guard(b, &g->charge_over_current, m->amps > b->reg[318], recovered,
              EVENT_CHARGE_OVER_CURRENT, EVENT_CHARGE_OVER_CURRENT_OVER)) {
        b->reg[108]++;
        g->recover_s = b->reg[332] & 0xFFu;
    }
}

/* Full: at the top, even, and hardly any current, for 3 s. Then SOC is 100 % by definition. */
static void guard_full(struct sim_bms *b, const struct measured *m, double dt_s) {
    struct sim_bms_guard *g = &b->guard;
    bool even = m->max_mv - m->min_mv < b->reg[308];
    bool top = m->max_mv >= b->reg[300] - 10 && m->min_mv >= b->reg[300] - b->reg[308] - 10;
    bool tail = m->amps >= 0.0 && m->amps * 1000.0 < b->reg[304] && m->wanted_a > 0.0;
    g->tail_s = top && even && tail ? g->tail_s + dt_s : 0.0;
    if (!g->full && g->tail_s >= 3.0) {
        g->full = true;
        b->soc = 1.0;
        b->reg[112]++;
        sim_bms_event(b, EVENT_CHARGING_DONE);
    }
    bool restarts = (b->reg[329] & 4u) != 0 && b->soc * 100.0 < b->reg[321];
    if (g->full && (restarts || m->min_mv < b->reg[301])) {
        g->full = false;
        b->reg[111]++;
        sim_bms_event(b, EVENT_CHARGING_STARTED);
    }
}

static void set_switches(struct sim_bms *b, const struct measured *m) {
    struct sim_bms_guard *g = &b->guard;
    bool charger = m->wanted_a > 0.0;
    bool both = !g->over_heat && !g->discharge_over_current && !g->charge_over_current;
    g->charge_on = both && !g->over_voltage && !g->cold && !g->full && !g->top_pause &&
                   (!g->under_voltage || charger);
    g->discharge_on = both && !g->discharged && !g->under_voltage;
    if ((b->reg[340] & 0xFFu) == 1) { /* one switch: on while what is allowed is wanted */
        bool on = charger ? g->charge_on : g->discharge_on;
        g->charge_on = g->discharge_on = on;
    }
}

/* Every third cell at a time, by turns of 2 s, and only while current charges. */
static void balance(struct sim_bms *b, const struct measured *m, double dt_s) {
    uint16_t wanted = 0, active = 0;
    unsigned n = b->pack.config.cells;
    b->guard.balance_s += dt_s < 2.0 ? dt_s : 2.0; /* in fast time every measurement is a turn */
    if (b->guard.balance_s >= 6.0)
        b->guard.balance_s -= 6.0;
    unsigned turn = (unsigned)(b->guard.balance_s / 2.0) % 3;
    bool charging = m->amps > flowing_a || b->guard.over_voltage || b->guard.top_pause;
    for (unsigned i = 0; i < n; i++) {
        double mv = b->pack.cell[i].volt * 1000.0;
        if (mv <= b->reg[303] || mv - m->min_mv <= b->reg[308])
            continue;
        wanted = (uint16_t)(wanted | 1u << i);
        if (charging && i % 3 == turn)
            active = (uint16_t)(active | 1u << i);
    }
    b->pack.bleed_bits = active;
    b->reg[51] = wanted;
    b->reg[52] = active;
}

static uint16_t status(const struct sim_bms *b, const struct measured *m) {
    const struct sim_bms_guard *g = &b->guard;
    if (g->over_voltage || g->under_voltage || g->over_heat || g->discharge_over_current ||
        g->charge_over_current)
        return STATUS_FAULT;
    if (m->amps > flowing_a)
        return STATUS_CHARGING;
    if (m->amps < -flowing_a)
        return STATUS_DISCHARGING;
    return g->full ? STATUS_FULL : STATUS_IDLE;
}

static void raise_to(uint16_t *reg, double v) {
    if (v > *reg)
        *reg = (uint16_t)(v < 65535.0 ? v : 65535.0);
}

static void statistics(struct sim_bms *b, const struct measured *m) {
    raise_to(&b->reg[102], m->amps < 0.0 ? -m->amps * 10.0 : 0.0);
    raise_to(&b->reg[103], m->amps > 0.0 ? m->amps * 10.0 : 0.0);
    raise_to(&b->reg[104], (m->max_mv - m->min_mv) * 10.0);
    int8_t low = (int8_t)(b->reg[113] & 0xFFu), high = (int8_t)(b->reg[113] >> 8);
    int8_t now = (int8_t)(tenths(m->cells_c) / 10);
    low = now < low ? now : low;
    high = now > high ? now : high;
    b->reg[113] = (uint16_t)((uint8_t)high << 8 | (uint8_t)low);
}

/* The cells in whole millivolts with a little noise, as a real device reports them. */
static void measure_cells(struct sim_bms *b, struct measured *m) {
    unsigned n = b->pack.config.cells;
    double sum_mv = 0.0;
    m->min_mv = 1e9;
    m->max_mv = 0.0;
    for (unsigned i = 0; i < n; i++) {
        double mv = b->pack.cell[i].volt * 1000.0 + 0.6 * sim_rng_swing(&b->rng);
        mv = mv < 0.0 ? 0.0 : mv > 5000.0 ? 5000.0 : (double)(int)(mv + 0.5);
        b->reg[sim_bms_cell_register(b, i)] = (uint16_t)(mv * 10.0);
        sum_mv += mv;
        m->min_mv = mv < m->min_mv ? mv : m->min_mv;
        m->max_mv = mv > m->max_mv ? mv : m->max_mv;
    }
    b->reg[40] = (uint16_t)m->min_mv;
    b->reg[41] = (uint16_t)m->max_mv;
    b->reg[53] = (uint16_t)n;
    sim_bms_put_float(b, 36, (float)(sum_mv / 1000.0));
}

static uint32_t time_left_s(const struct sim_bms *b, double amps) {
    double ah = b->reg[306] / 100.0;
    double left_h = amps < 0.0 ? b->soc * ah / -amps : (1.0 - b->soc) * ah / amps;
    return left_h < 1000.0 ? (uint32_t)(left_h * 3600.0) : 3600000u;
}

void sim_bms_measure(struct sim_bms *b, double dt_s) {
    if (b->recording || b->config.faults.freeze)
        return;
    struct sim_pack_limits lim = {b->cvl_v, b->ccl_a, b->dcl_a, b->guard.charge_on,
                                  b->guard.discharge_on};
    sim_pack_advance(&b->pack, &lim, dt_s);
    struct measured m = {
        .amps = b->pack.current_a, .wanted_a = b->pack.wanted_a, .cells_c = b->pack.cells_c};
    measure_cells(b, &m);
    b->soc += m.amps * dt_s / (b->reg[306] * 36.0);
    b->soc = b->soc < 0.0 ? 0.0 : b->soc > 1.0 ? 1.0 : b->soc;
    guard_voltage(b, &m);
    guard_temperature(b, &m);
    guard_current(b, &m, dt_s);
    guard_full(b, &m, dt_s);
    set_switches(b, &m);
    balance(b, &m, dt_s);
    statistics(b, &m);
    sim_bms_put_float(b, 38, (float)m.amps);
    bool flowing = m.amps > 0.05 || m.amps < -0.05;
    sim_bms_put32(b, 34, flowing ? time_left_s(b, m.amps) : 0);
    sim_bms_put32(b, 46, (uint32_t)(b->soc * 1e8 + 0.5));
    b->reg[42] = (uint16_t)tenths(m.cells_c);
    b->reg[43] = (uint16_t)tenths(m.cells_c + 0.4);
    b->reg[45] = b->config.before_revision_d ? 0 : b->reg[45] != 0 ? b->reg[45] : 49000;
    b->reg[48] = (uint16_t)tenths(b->pack.board_c);
    b->reg[50] = status(b, &m);
}
