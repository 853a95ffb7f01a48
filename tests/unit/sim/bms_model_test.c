/* SPDX-License-Identifier: MIT */
/* What the virtual BMS does with its pack, against the vendor's user manual. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "wire.h"

/* A pack whose house does what the test says, ten pack seconds in each tenth of a second. */
static void model_init(struct wire *w, enum sim_chemistry_id chemistry, double soc, double amps) {
    struct sim_bms_config cfg;
    sim_bms_defaults(&cfg);
    sim_pack_preset(&cfg.pack, chemistry);
    cfg.pack.profile = SIM_PROFILE_CONSTANT;
    cfg.pack.start_soc = soc;
    cfg.speed = 100.0;
    wire_init(w, &cfg);
    w->bms.pack.wanted_a = amps;
}

static void pass_minutes(struct wire *w, unsigned minutes) {
    w->n = 0;
    wire_run(w, (uint64_t)minutes * 600000, 100000); /* 100 times real speed */
}

static double amps(const struct wire *w) {
    uint32_t bits = sim_bms_get32(&w->bms, 38);
    float a;
    memcpy(&a, &bits, sizeof a);
    return (double)a;
}

static bool has_event(const struct wire *w, unsigned id) {
    for (unsigned slot = 0; slot < SIM_BMS_EVENTS; slot++) {
        if (w->bms.reg[201 + 2 * slot] >> 8 == id)
            return true;
    }
    return false;
}

static void a_sample_agrees_with_itself(void **state) {
    (void)state;
    static const enum sim_chemistry_id chemistries[] = {SIM_NMC, SIM_LFP};
    for (unsigned k = 0; k < 2; k++) {
        struct wire w;
        model_init(&w, chemistries[k], 0.5, 10.0);
        pass_minutes(&w, 5);
        const uint16_t *reg = w.bms.reg;
        unsigned cells = reg[53], sum = 0, lowest = 0xFFFF, highest = 0, found = 0;
        for (unsigned i = 0; i < 16; i++) {
            sum += reg[i];
            found += reg[i] != 0;
            if (reg[i] != 0 && reg[i] < lowest)
                lowest = reg[i];
            if (reg[i] > highest)
                highest = reg[i];
        }
        uint32_t bits = sim_bms_get32(&w.bms, 36);
        float volts;
        memcpy(&volts, &bits, sizeof volts);
        assert_int_equal(cells, chemistries[k] == SIM_LFP ? 16 : 14);
        assert_int_equal(found, cells);
        assert_int_equal(reg[40], lowest / 10);
        assert_int_equal(reg[41], highest / 10);
        assert_in_range((unsigned)(volts * 1000.0f + 0.5f), sum / 10 - 1, sum / 10 + 1);
        assert_in_range((unsigned)(amps(&w) * 1000.0), 9999, 10001);
        assert_int_equal(reg[50], 0x91);
        assert_int_equal(reg[307], cells);
    }
}

static void with_fewer_than_16_cells_the_first_registers_are_0_as_on_a_real_device(void **state) {
    (void)state;
    struct wire w;
    wire_init(&w, NULL);
    assert_int_equal(w.bms.reg[0], 0);
    assert_int_equal(w.bms.reg[1], 0);
    assert_true(w.bms.reg[2] != 0 && w.bms.reg[15] != 0);
    struct sim_bms_config cfg;
    sim_bms_defaults(&cfg);
    cfg.ascending = true;
    wire_init(&w, &cfg);
    assert_true(w.bms.reg[0] != 0 && w.bms.reg[13] != 0);
    assert_int_equal(w.bms.reg[14], 0);
    assert_int_equal(w.bms.reg[15], 0);
}

static void charging_counts_up_and_discharging_down_by_the_ampere_hours(void **state) {
    (void)state;
    struct wire w;
    model_init(&w, SIM_NMC, 0.5, 13.2);
    pass_minutes(&w, 60);
    /* 13.2 A for an hour of 66 Ah: 20 % */
    assert_in_range(sim_bms_get32(&w.bms, 46), 69900000, 70100000);
    w.bms.pack.wanted_a = -26.4;
    pass_minutes(&w, 30);
    assert_in_range(sim_bms_get32(&w.bms, 46), 49900000, 50100000);
    assert_int_equal(w.bms.reg[50], 0x93);
    assert_in_range(w.bms.reg[102], 263, 264); /* the largest discharge current, 0.1 A */
    assert_in_range(w.bms.reg[103], 131, 132);
}

static void the_charger_holds_the_voltage_limit_and_the_current_falls(void **state) {
    (void)state;
    struct wire w;
    model_init(&w, SIM_NMC, 0.80, 18.0);
    w.bms.reg[304] = 0;                          /* charging never counts as finished */
    sim_bms_set_house(&w.bms, 57.4, 18.0, 54.0); /* 4.1 V a cell */
    pass_minutes(&w, 5);
    assert_in_range((unsigned)(amps(&w) * 10.0 + 0.5), 180, 180);
    pass_minutes(&w, 180);
    assert_in_range((unsigned)(sim_pack_voltage_v(&w.bms.pack) * 100.0 + 0.5), 5738, 5741);
    assert_true(amps(&w) > 0.0 && amps(&w) < 3.0);
}

static void limits_of_zero_stop_the_current_both_ways(void **state) {
    (void)state;
    struct wire w;
    model_init(&w, SIM_NMC, 0.5, 10.0);
    sim_bms_set_house(&w.bms, 58.0, 0.0, 0.0);
    pass_minutes(&w, 1);
    assert_true(amps(&w) == 0.0);
    assert_int_equal(w.bms.reg[50], 0x97);
    w.bms.pack.wanted_a = -10.0;
    pass_minutes(&w, 1);
    assert_true(amps(&w) == 0.0);
}

static void full_is_told_once_and_sets_the_state_of_charge_to_100_percent(void **state) {
    (void)state;
    struct wire w;
    model_init(&w, SIM_NMC, 0.90, 10.0);
    pass_minutes(&w, 300);
    assert_int_equal(sim_bms_get32(&w.bms, 46), 100000000);
    assert_int_equal(w.bms.reg[50], 0x92);
    assert_int_equal(w.bms.reg[112], 1);
    assert_true(has_event(&w, 0x63));
    assert_false(w.bms.guard.charge_on);
    /* under register 321 = 90 % (flag bit 2 is set) charging starts again */
    w.bms.pack.wanted_a = -20.0;
    pass_minutes(&w, 25);
    assert_true(has_event(&w, 0x62));
    assert_true(w.bms.guard.charge_on);
}

static void one_cell_at_the_top_opens_the_charge_switch_until_the_spread_is_small(void **state) {
    (void)state;
    struct wire w;
    model_init(&w, SIM_NMC, 0.90, 10.0);
    w.bms.pack.cell[3].soc += 0.04;
    bool opened = false;
    for (unsigned i = 0; i < 120 && !opened; i++) {
        pass_minutes(&w, 1);
        opened = !w.bms.guard.charge_on;
    }
    assert_true(opened);
    assert_true(w.bms.guard.top_pause);
    assert_false(w.bms.guard.over_voltage);
    assert_true((w.bms.reg[51] & 1u << 3) != 0); /* cell 4 wants to be balanced */
}

static void an_over_voltage_is_a_fault_an_event_and_a_count(void **state) {
    (void)state;
    struct wire w;
    model_init(&w, SIM_NMC, 0.5, 5.0);
    w.bms.pack.cell[0].soc = 1.01; /* over 4.2 V */
    pass_minutes(&w, 1);
    assert_int_equal(w.bms.reg[50], 0x9B);
    assert_int_equal(w.bms.reg[106], 1);
    assert_true(has_event(&w, 0x03));
    assert_true(amps(&w) == 0.0);
    w.bms.pack.cell[0].soc = 0.5;
    pass_minutes(&w, 1);
    assert_true(has_event(&w, 0x79));
    assert_int_equal(w.bms.reg[50], 0x91);
    assert_int_equal(w.bms.reg[106], 1);
}

static void an_empty_cell_stops_the_load_and_a_charger_brings_it_back(void **state) {
    (void)state;
    struct wire w;
    model_init(&w, SIM_NMC, 0.02, -30.0);
    pass_minutes(&w, 10);
    assert_true(has_event(&w, 0x31)); /* under register 301: load off, not a fault yet */
    assert_true(amps(&w) == 0.0);
    w.bms.pack.cell[5].soc = -0.05; /* under register 316 */
    pass_minutes(&w, 1);
    assert_int_equal(w.bms.reg[50], 0x9B);
    assert_int_equal(w.bms.reg[105], 1);
    assert_false(w.bms.guard.charge_on);
    w.bms.pack.wanted_a = 10.0;
    pass_minutes(&w, 1);
    assert_true(amps(&w) > 9.0);
    pass_minutes(&w, 60);
    assert_true(has_event(&w, 0x7B));
    assert_int_equal(w.bms.reg[50], 0x91);
}

static void too_much_current_opens_the_switch_and_recovers_after_register_332(void **state) {
    (void)state;
    struct wire w;
    model_init(&w, SIM_NMC, 0.5, -70.0); /* register 317 = 60 A, 305 = 90 A */
    w.bms.config.speed = 1.0;
    sim_bms_set_house(&w.bms, 58.0, 18.0, 100.0);
    uint16_t three_s = 3 << 8 | 1; /* time-out in the high byte of 330 */
    assert_true(sim_bms_write(&w.bms, 330, &three_s, 1));
    wire_run(&w, 2900000, 100000);
    assert_true(amps(&w) < -69.0);
    wire_run(&w, 400000, 100000);
    assert_true(amps(&w) == 0.0);
    assert_int_equal(w.bms.reg[50], 0x9B);
    assert_int_equal(w.bms.reg[107], 1);
    assert_true(has_event(&w, 0x05));
    w.bms.pack.wanted_a = -10.0;
    wire_run(&w, 4500000, 100000);
    assert_true(amps(&w) == 0.0);
    wire_run(&w, 1000000, 100000); /* register 332 = 5 s */
    assert_true(amps(&w) < -9.0);
    assert_true(has_event(&w, 0x77));
}

static void heat_stops_both_ways_and_cold_stops_charging_alone(void **state) {
    (void)state;
    struct wire w;
    model_init(&w, SIM_NMC, 0.5, 10.0);
    w.bms.config.speed = 1.0;
    w.bms.pack.cells_c = 61.0; /* register 319 = 60 */
    wire_run(&w, 200000, 100000);
    assert_true(has_event(&w, 0x04));
    assert_false(w.bms.guard.charge_on || w.bms.guard.discharge_on);
    w.bms.pack.cells_c = -5.0;     /* register 320 = 1 */
    wire_run(&w, 5500000, 100000); /* register 332 = 5 s */
    assert_true(has_event(&w, 0x73) && has_event(&w, 0x37));
    assert_false(w.bms.guard.charge_on);
    assert_true(w.bms.guard.discharge_on);
    assert_int_equal((int16_t)w.bms.reg[42] / 10, -5);
}

static void in_single_port_mode_there_is_one_switch(void **state) {
    (void)state;
    struct wire w;
    model_init(&w, SIM_NMC, 0.5, 10.0);
    uint16_t single = 1;
    assert_true(sim_bms_write(&w.bms, 340, &single, 1));
    w.bms.pack.cells_c = -5.0;
    wire_run(&w, 200000, 100000);
    assert_false(w.bms.guard.charge_on || w.bms.guard.discharge_on);
    w.bms.pack.wanted_a = -10.0; /* in the cold it is on only while a load is seen */
    wire_run(&w, 200000, 100000);
    assert_true(w.bms.guard.charge_on && w.bms.guard.discharge_on);
}

static void balancing_brings_the_highest_cell_down_every_third_at_a_time(void **state) {
    (void)state;
    struct wire w;
    model_init(&w, SIM_NMC, 0.6, 5.0);
    w.bms.config.speed = 1.0;
    w.bms.pack.cell[0].soc += 0.05;
    w.bms.pack.cell[1].soc += 0.05;
    wire_run(&w, 1000000, 100000);
    assert_int_equal(w.bms.reg[51], 3);
    unsigned seen = 0;
    for (unsigned i = 0; i < 60; i++) {
        wire_run(&w, 100000, 100000);
        assert_true(w.bms.reg[52] == 0 || w.bms.reg[52] == 1 || w.bms.reg[52] == 2);
        seen |= 1u << w.bms.reg[52];
    }
    assert_int_equal(seen, 7); /* each of the two alone, and a turn of the cells in between */
    w.bms.pack.wanted_a = -5.0;
    wire_run(&w, 200000, 100000);
    assert_int_equal(w.bms.reg[52], 0); /* wanted, not done: nothing charges */
    assert_int_equal(w.bms.reg[51], 3);
}

static void the_clock_ticks_in_a_recording_and_nothing_else_moves(void **state) {
    (void)state;
    struct wire w;
    wire_init(&w, NULL);
    wire_load(&w, "2 0x9B1E\n32 0xFFFF\n33 0x00D6\n53 0x000E\n");
    uint16_t before[SIM_BMS_REGISTERS];
    memcpy(before, w.bms.reg, sizeof before);
    wire_run(&w, 3000000, 100000);
    assert_int_equal(sim_bms_get32(&w.bms, 32), 0x00D70002); /* 0x00D6FFFF + 3 */
    before[32] = w.bms.reg[32];
    before[33] = w.bms.reg[33];
    assert_memory_equal(w.bms.reg, before, sizeof before);
}

static void frozen_it_answers_with_what_it_had(void **state) {
    (void)state;
    struct wire w;
    model_init(&w, SIM_NMC, 0.5, 10.0);
    w.bms.config.faults.freeze = true;
    wire_ask(&w, "AA 03 00 00 00 36");
    uint8_t first[113];
    assert_int_equal(w.n, sizeof first);
    memcpy(first, w.rx, sizeof first);
    pass_minutes(&w, 5);
    wire_ask(&w, "AA 03 00 00 00 36");
    assert_memory_equal(w.rx, first, sizeof first);
}

static void a_day_of_the_house_stays_within_the_settings(void **state) {
    (void)state;
    static const enum sim_chemistry_id chemistries[] = {SIM_NMC, SIM_LFP};
    for (unsigned k = 0; k < 2; k++) {
        struct sim_bms_config cfg;
        struct wire w;
        sim_bms_defaults(&cfg);
        sim_pack_preset(&cfg.pack, chemistries[k]);
        cfg.speed = 600.0;
        wire_init(&w, &cfg);
        unsigned charging = 0, discharging = 0;
        for (unsigned minute = 0; minute < 3 * 1440; minute++) {
            wire_run(&w, 100000, 100000);
            charging += w.bms.reg[50] == 0x91;
            discharging += w.bms.reg[50] == 0x93;
            assert_true(w.bms.reg[41] < w.bms.reg[315] && w.bms.reg[40] > w.bms.reg[316]);
            assert_in_range((int16_t)w.bms.reg[42] + 400, 400, 800); /* 0 to 40 degC */
        }
        assert_true(charging > 600 && discharging > 1200);
        assert_true(w.bms.reg[112] >= 1); /* full at least once in three days */
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sample_agrees_with_itself),
        cmocka_unit_test(with_fewer_than_16_cells_the_first_registers_are_0_as_on_a_real_device),
        cmocka_unit_test(charging_counts_up_and_discharging_down_by_the_ampere_hours),
        cmocka_unit_test(the_charger_holds_the_voltage_limit_and_the_current_falls),
        cmocka_unit_test(limits_of_zero_stop_the_current_both_ways),
        cmocka_unit_test(full_is_told_once_and_sets_the_state_of_charge_to_100_percent),
        cmocka_unit_test(one_cell_at_the_top_opens_the_charge_switch_until_the_spread_is_small),
        cmocka_unit_test(an_over_voltage_is_a_fault_an_event_and_a_count),
        cmocka_unit_test(an_empty_cell_stops_the_load_and_a_charger_brings_it_back),
        cmocka_unit_test(too_much_current_opens_the_switch_and_recovers_after_register_332),
        cmocka_unit_test(heat_stops_both_ways_and_cold_stops_charging_alone),
        cmocka_unit_test(in_single_port_mode_there_is_one_switch),
        cmocka_unit_test(balancing_brings_the_highest_cell_down_every_third_at_a_time),
        cmocka_unit_test(the_clock_ticks_in_a_recording_and_nothing_else_moves),
        cmocka_unit_test(frozen_it_answers_with_what_it_had),
        cmocka_unit_test(a_day_of_the_house_stays_within_the_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
