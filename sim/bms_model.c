/* SPDX-License-Identifier: MIT */
/* What the virtual BMS does with its pack, ten times a second: lets it live, measures, acts, and
 * shows it in its live registers and records. */
#include "sim/bms.h"

enum {
    NO_SENSOR = -32768,
    STATUS_CHARGING = 0x91,
    STATUS_FULL = 0x92,
    STATUS_DISCHARGING = 0x93,
    STATUS_REGENERATION = 0x96,
    STATUS_IDLE = 0x97,
    STATUS_FAULT = 0x9B,
    HIGH_POWER = 0x0100, /* bit 8 of register 501 */
};

/* What the device itself draws from its pack: the document gives no number. */
static const double awake_a = 0.02, asleep_a = 0.0005;

static int16_t tenths(double v) {
    double t = v * 10.0;
    return (int16_t)(t < 0.0 ? t - 0.5 : t + 0.5);
}

double sim_bms_flowing_a(const struct sim_bms *b) {
    return (b->reg[501] & HIGH_POWER) != 0 ? 0.8 : 0.08;
}

bool sim_bms_charger_plugged(const struct sim_bms *b) {
    return b->config.charger != SIM_CHARGER_UNPLUGGED;
}

bool sim_bms_charger_gives(const struct sim_bms *b) {
    if (b->pack.config.profile == SIM_PROFILE_HOUSE)
        return sim_bms_charger_plugged(b) && b->pack.house_gives;
    return sim_bms_charger_plugged(b) && b->pack.wanted_a > 0.0 && b->ccl_a > 0.0;
}

bool sim_bms_ignition_on(const struct sim_bms *b) {
    return b->config.ignition && (b->reg[334] & 0xFFu) != 0;
}

bool sim_bms_known(const struct sim_bms *b, uint16_t addr, uint16_t *value) {
    bool zero_means_unknown = addr != 311; /* there it is no delay */
    if (b->config.before_revision_d || b->reg[addr] == 0xFFFF)
        return false;
    if (b->reg[addr] == 0 && zero_means_unknown)
        return false;
    *value = b->reg[addr];
    return true;
}

void sim_bms_model_init(struct sim_bms *b) {
    sim_bms_put32(b, 32, 14084304); /* as recorded: 163 days, an event's 24 bits nearly used up */
    b->soc = b->config.pack.start_soc;
    struct sim_rng errors;
    sim_rng_init(&errors, b->config.seed ^ 0x3C0FFEEu);
    for (unsigned i = 0; i < SIM_CELLS_MAX; i++)
        b->cell_error_mv[i] = b->config.cell_error_mv * sim_rng_swing(&errors);
    sim_bms_clear(b, false, true);
    sim_bms_restarted(b, 5); /* power-on */
    sim_bms_measure(b, 0.0);
}

/* The pack's time passes, whatever the device makes of it. */
static void live(struct sim_bms *b, double dt_s) {
    struct sim_pack_limits lim = {b->cvl_v, b->ccl_a, b->dcl_a, b->guard.charge_on,
                                  b->guard.discharge_on};
    if (b->asleep) {
        sim_bms_sleep_switches(b, &lim.charge_on, &lim.discharge_on);
        b->pack.bleed_bits = 0;
    }
    if (b->config.through_load_port)
        lim.charge_on = lim.discharge_on;
    lim.charge_on = lim.charge_on && sim_bms_charger_plugged(b);
    b->pack.drain_a = b->asleep ? asleep_a : awake_a;
    sim_pack_advance(&b->pack, &lim, dt_s);
}

/* What stands around the device, and what flows. */
static void look_around(struct sim_bms *b, struct sim_bms_sample *m) {
    struct sim_bms_guard *g = &b->guard;
    double flowing_a = sim_bms_flowing_a(b);
    bool ignition = sim_bms_ignition_on(b);
    m->single_port = (b->reg[340] & 0xFFu) == 1;
    m->charging = m->amps > flowing_a;
    m->discharging = m->amps < -flowing_a;
    m->regenerating = b->config.through_load_port && !m->single_port && m->charging;
    m->charger = sim_bms_charger_plugged(b);
    m->gives = sim_bms_charger_gives(b);
    m->load = b->pack.config.profile == SIM_PROFILE_HOUSE
                  ? b->pack.house_takes
                  : b->pack.wanted_a < 0.0 && b->dcl_a > 0.0;
    m->held_by_voltage = b->pack.held_by_voltage;
    m->helped = (m->charger && !g->charger_was) || (ignition && !g->ignition_was);
    g->ignition_was = ignition;
}

static uint16_t status(const struct sim_bms *b, const struct sim_bms_sample *m) {
    if (sim_bms_fault(b))
        return STATUS_FAULT;
    if (m->charging)
        return m->regenerating ? STATUS_REGENERATION : STATUS_CHARGING;
    if (m->discharging)
        return STATUS_DISCHARGING;
    return b->guard.full ? STATUS_FULL : STATUS_IDLE;
}

static void raise_to(uint16_t *reg, double v) {
    if (v > *reg)
        *reg = (uint16_t)(v < 65535.0 ? v : 65535.0);
}

static void keep_records(struct sim_bms *b, const struct sim_bms_sample *m) {
    raise_to(&b->reg[102], m->amps < 0.0 ? -m->amps * 10.0 : 0.0);
    raise_to(&b->reg[103], m->amps > 0.0 ? m->amps * 10.0 : 0.0);
    raise_to(&b->reg[104], (m->max_mv - m->min_mv) * 10.0);
    int8_t low = (int8_t)(b->reg[113] & 0xFFu), high = (int8_t)(b->reg[113] >> 8);
    int8_t coldest = (int8_t)(tenths(m->coldest_c) / 10);
    int8_t warmest = (int8_t)(tenths(m->warmest_c) / 10);
    low = coldest < low ? coldest : low;
    high = warmest > high ? warmest : high;
    b->reg[113] = (uint16_t)((uint8_t)high << 8 | (uint8_t)low);
}

static uint32_t time_left_s(const struct sim_bms *b, double amps) {
    if (amps > -0.05 && amps < 0.05)
        return 0;
    double ah = b->reg[306] / 100.0;
    double left_h = amps < 0.0 ? b->soc * ah / -amps : (1.0 - b->soc) * ah / amps;
    return left_h < 1000.0 ? (uint32_t)(left_h * 3600.0) : 3600000u;
}

static uint16_t external_register(const struct sim_bms *b, unsigned i) {
    bool missing = (b->config.sensors_missing >> i & 1u) != 0;
    return (uint16_t)(missing ? NO_SENSOR : tenths(b->external_c[i]));
}

/* Register 46, millionths of a percent. */
static uint32_t told_charge(const struct sim_bms *b, const struct sim_bms_sample *m) {
    double soc = b->soc + m->charge_off;
    soc = soc < 0.0 ? 0.0 : soc > 1.0 ? 1.0 : soc;
    return (uint32_t)(soc * 1e8 + 0.5);
}

static void show(struct sim_bms *b, const struct sim_bms_sample *m) {
    for (unsigned i = 0; i < b->pack.config.cells; i++)
        b->reg[sim_bms_cell_register(b, i)] = (uint16_t)(b->sensed_mv[i] * 10.0);
    sim_bms_put32(b, 34, time_left_s(b, m->amps));
    sim_bms_put_float(b, 36, (float)b->pack_v);
    sim_bms_put_float(b, 38, (float)m->amps);
    b->reg[40] = (uint16_t)m->min_mv;
    b->reg[41] = (uint16_t)m->max_mv;
    b->reg[42] = external_register(b, 0);
    b->reg[43] = external_register(b, 1);
    sim_bms_put32(b, 46, told_charge(b, m));
    b->reg[48] = (uint16_t)tenths(b->board_c);
    b->reg[50] = status(b, m);
    b->reg[53] = b->pack.config.cells;
}

void sim_bms_measure(struct sim_bms *b, double dt_s) {
    const struct sim_bms_faults *f = &b->config.faults;
    struct sim_bms_sample m = {.dt_s = dt_s < SIM_PACK_LONGEST_S ? dt_s : SIM_PACK_LONGEST_S};
    if (b->recording)
        return;
    live(b, m.dt_s);
    if (b->asleep || f->freeze || f->freeze_but_clock) {
        b->counted_as = b->pack.moved_as; /* nobody counts */
        return;
    }
    sim_bms_sense(b, &m);
    sim_bms_count_charge(b, m.dt_s);
    look_around(b, &m);
    sim_bms_protect(b, &m);
    sim_bms_charge(b, &m);
    sim_bms_set_switches(b, &m);
    sim_bms_balance(b, &m);
    keep_records(b, &m);
    show(b, &m);
}
