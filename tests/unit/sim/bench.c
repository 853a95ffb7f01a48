/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

struct sim_bms_config bench_config(enum sim_chemistry_id chemistry) {
    struct sim_bms_config cfg;
    sim_bms_defaults(&cfg);
    sim_pack_preset(&cfg.pack, chemistry);
    cfg.pack.profile = SIM_PROFILE_CONSTANT;
    cfg.pack.capacity_ah = 500.0;
    cfg.pack.capacity_spread = cfg.pack.soc_spread = 0.0;
    cfg.pack.start_soc = 0.5;
    cfg.cell_noise_mv = 0.0;
    return cfg;
}

void bench_init(struct wire *w, const struct sim_bms_config *cfg) {
    struct sim_bms_config own = bench_config(SIM_NMC);
    wire_init(w, cfg != NULL ? cfg : &own);
    sim_bms_set_house(&w->bms, 80.0, 1000.0, 1000.0);
    sim_bms_clear(&w->bms, true, false);
}

void bench_cells(struct wire *w, double mv) {
    for (unsigned i = 0; i < w->bms.pack.config.cells; i++)
        sim_pack_set_cell(&w->bms.pack, i, mv / 1000.0);
}

void bench_cell(struct wire *w, unsigned number, double mv) {
    assert_in_range(number, 1, w->bms.pack.config.cells);
    sim_pack_set_cell(&w->bms.pack, number - 1, mv / 1000.0);
}

void bench_wants(struct wire *w, double amps) {
    w->bms.pack.wanted_a = amps;
}

void bench_temperature(struct wire *w, double degc) {
    sim_pack_set_temperature(&w->bms.pack, degc);
}

void bench_set(struct wire *w, uint16_t addr, uint16_t value) {
    assert_true(sim_bms_write(&w->bms, addr, &value, 1));
}

void bench_pass_ms(struct wire *w, uint64_t ms) {
    while (ms > 0) {
        uint64_t now = ms < 1000 ? ms : 1000;
        w->n = 0;
        wire_run(w, now * 1000, 100000);
        ms -= now;
    }
}

void bench_pass_s(struct wire *w, uint64_t s) {
    bench_pass_ms(w, 1000 * s);
}

void bench_notice(struct wire *w) {
    bench_pass_ms(w, 200);
}

double bench_amps(const struct wire *w) {
    uint32_t bits = sim_bms_get32(&w->bms, 38);
    float a;
    memcpy(&a, &bits, sizeof a);
    return (double)a;
}

double bench_soc(const struct wire *w) {
    return sim_bms_get32(&w->bms, 46) / 1e6;
}

unsigned bench_events(const struct wire *w, unsigned id) {
    unsigned count = 0;
    for (unsigned slot = 0; slot < SIM_BMS_EVENTS; slot++)
        count += w->bms.reg[201 + 2 * slot] >> 8 == id;
    return count;
}

uint32_t bench_event_clock(const struct wire *w, unsigned id) {
    uint32_t latest = 0;
    for (unsigned slot = 0; slot < SIM_BMS_EVENTS; slot++) {
        unsigned low = w->bms.reg[200 + 2 * slot], high = w->bms.reg[201 + 2 * slot];
        uint32_t clock = (high & 0xFFu) << 16 | low;
        if (high >> 8 == id && clock > latest)
            latest = clock;
    }
    return latest;
}

const char *bench_switches(const struct wire *w) {
    static const char *const words[2][2] = {{"none", "load"}, {"charge", "both"}};
    return words[w->bms.guard.charge_on][w->bms.guard.discharge_on];
}

void bench_expect_switches(const struct wire *w, const char *on) {
    assert_string_equal(bench_switches(w), on);
}
