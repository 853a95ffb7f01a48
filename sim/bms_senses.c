/* SPDX-License-Identifier: MIT */
/* What the virtual BMS senses of its pack: with the noise and the errors of its sensors, and with
 * the faults that it does not know of. */
#include "sim/bms.h"

enum { CELL_MOST_MV = 5000 }; /* the converter's end; the document gives none */

static bool is_stuck(const struct sim_bms *b, enum sim_sense what) {
    return (b->config.faults.stuck & what) != 0;
}

/* How far off this sense is in this measurement. */
static double jump_of(const struct sim_bms *b, enum sim_sense what, bool jumps) {
    return jumps && b->config.faults.jump == what ? b->config.faults.jump_by : 0.0;
}

/* Cell i of the pack as measured: perhaps through another one's wire. */
static unsigned wired_to(const struct sim_bms_faults *f, unsigned i) {
    unsigned first = f->swap[0], second = f->swap[1];
    if (first == 0 || second == 0 || first > SIM_CELLS_MAX || second > SIM_CELLS_MAX)
        return i;
    return i + 1 == first ? second - 1 : i + 1 == second ? first - 1 : i;
}

/* A cell through what is wrong with its channel for ever, and through its filter. */
static double channel_mv(struct sim_bms *b, unsigned i, double dt_s) {
    double mv = b->pack.cell[wired_to(&b->config.faults, i)].volt * 1000.0 + b->cell_error_mv[i];
    if (b->config.cell_lag_s <= 0.0)
        return mv;
    double *shown = &b->lagging_mv[i];
    *shown = *shown == 0.0 ? mv : *shown + (mv - *shown) * dt_s / (b->config.cell_lag_s + dt_s);
    return *shown;
}

/* The cells in whole millivolts with a little noise, as a real device reports them. */
static void sense_cells(struct sim_bms *b, struct sim_bms_sample *m, bool jumps) {
    const struct sim_bms_faults *f = &b->config.faults;
    double sum_mv = 0.0;
    m->min_mv = 1e9;
    m->max_mv = 0.0;
    for (unsigned i = 0; i < b->pack.config.cells; i++) {
        double mv = channel_mv(b, i, m->dt_s);
        if (b->config.cell_noise_mv > 0.0)
            mv += b->config.cell_noise_mv * sim_rng_swing(&b->rng);
        if (i + 1 == f->jump_cell)
            mv += jump_of(b, SIM_SENSE_CELLS, jumps);
        mv = mv < 0.0 ? 0.0 : mv > CELL_MOST_MV ? CELL_MOST_MV : (double)(int)(mv + 0.5);
        if (is_stuck(b, SIM_SENSE_CELLS))
            mv = b->sensed_mv[i];
        b->sensed_mv[i] = mv;
        sum_mv += mv;
        m->min_mv = mv < m->min_mv ? mv : m->min_mv;
        m->max_mv = mv > m->max_mv ? mv : m->max_mv;
    }
    if (!is_stuck(b, SIM_SENSE_VOLTAGE))
        b->pack_v = sum_mv / 1000.0 + jump_of(b, SIM_SENSE_VOLTAGE, jumps);
}

/* The two external sensors, 0.4 K apart, and the board's. */
static void sense_temperatures(struct sim_bms *b, struct sim_bms_sample *m, bool jumps) {
    static const enum sim_sense external[2] = {SIM_SENSE_EXTERNAL_1, SIM_SENSE_EXTERNAL_2};
    if (!is_stuck(b, SIM_SENSE_BOARD))
        b->board_c = b->pack.board_c + jump_of(b, SIM_SENSE_BOARD, jumps);
    m->board_c = m->warmest_c = m->coldest_c = b->board_c;
    for (unsigned i = 0; i < 2; i++) {
        if (!is_stuck(b, external[i]))
            b->external_c[i] = b->pack.cells_c + 0.4 * i + jump_of(b, external[i], jumps);
        if ((b->config.sensors_missing >> i & 1u) != 0)
            continue;
        double c = b->external_c[i];
        m->warmest_c = !m->external || c > m->warmest_c ? c : m->warmest_c;
        m->coldest_c = !m->external || c < m->coldest_c ? c : m->coldest_c;
        m->external = true;
    }
}

static double through_sensor(const struct sim_bms *b, double amps) {
    return amps * (1.0 + b->config.current_gain) + b->config.current_offset_a;
}

void sim_bms_sense(struct sim_bms *b, struct sim_bms_sample *m) {
    bool jumps = sim_rng_chance(&b->rng, b->config.faults.jump_cpct);
    sense_cells(b, m, jumps);
    sense_temperatures(b, m, jumps);
    if (!is_stuck(b, SIM_SENSE_CURRENT)) {
        b->sensed_a = through_sensor(b, b->pack.current_a) + jump_of(b, SIM_SENSE_CURRENT, jumps);
        if (b->config.current_noise_a > 0.0)
            b->sensed_a += b->config.current_noise_a * sim_rng_swing(&b->rng);
    }
    m->amps = b->sensed_a;
    m->charge_off = jump_of(b, SIM_SENSE_CHARGE, jumps) / 100.0;
}

/* Counted, never known: what the sensor has shown since the last time, of the capacity that was
 * set. What goes past the sensor (self-discharge, balancing, the device itself) is not in it. */
void sim_bms_count_charge(struct sim_bms *b, double dt_s) {
    double moved_as = b->pack.moved_as - b->counted_as;
    b->counted_as = b->pack.moved_as;
    if (is_stuck(b, SIM_SENSE_CHARGE))
        return;
    double sensed_as = is_stuck(b, SIM_SENSE_CURRENT) ? b->sensed_a * dt_s
                                                      : moved_as * (1.0 + b->config.current_gain) +
                                                            b->config.current_offset_a * dt_s;
    if (b->reg[306] != 0)
        b->soc += sensed_as / (b->reg[306] * 36.0);
    b->soc = b->soc < 0.0 ? 0.0 : b->soc > 1.0 ? 1.0 : b->soc;
}
