/* SPDX-License-Identifier: MIT */
/* What spoils the senses of the virtual BMS; faults of its wire are in bms_wire_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "bench.h"

enum { LIVE = 54 };

/* A pack in motion whose every measurement differs from the one before. */
static void in_motion(struct wire *w) {
    struct sim_bms_config cfg = bench_config(SIM_NMC);
    cfg.pack.capacity_ah = 66.0;
    cfg.pack.soc_spread = 0.01;
    cfg.cell_noise_mv = 5.0;
    cfg.speed = 20.0;
    bench_init(w, &cfg);
    bench_wants(w, 15.0);
    bench_pass_s(w, 2);
}

static void frozen_it_answers_with_what_it_had_and_the_counter_ticks_or_not(void **state) {
    (void)state;
    for (unsigned ticks = 0; ticks < 2; ticks++) {
        uint16_t before[LIVE];
        struct wire w;
        in_motion(&w);
        w.bms.config.faults.freeze = !ticks;
        w.bms.config.faults.freeze_but_clock = ticks;
        memcpy(before, w.bms.reg, sizeof before);
        double soc = w.bms.pack.cell[0].soc;
        bench_pass_s(&w, 60);
        uint32_t clock_s = (uint32_t)before[33] << 16 | before[32];
        assert_int_equal(sim_bms_get32(&w.bms, 32), clock_s + (ticks ? 60 : 0));
        before[32] = w.bms.reg[32];
        before[33] = w.bms.reg[33];
        assert_memory_equal(w.bms.reg, before, sizeof before);
        assert_true(w.bms.pack.cell[0].soc > soc + 0.01); /* the pack does not wait */
        wire_ask(&w, "AA 1B");
        assert_int_equal(w.n, 11);
        w.bms.config.faults.freeze = w.bms.config.faults.freeze_but_clock = false;
        bench_pass_s(&w, 1);
        assert_memory_not_equal(w.bms.reg, before, 32);
    }
}

static void swapped_cells_are_measured_in_each_others_place(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint8_t swap[2];
        unsigned cell_3, cell_9;
    } cases[] = {
        {"none", {0, 0}, 3700, 3800},           {"3 and 9", {3, 9}, 3800, 3700},
        {"9 and 3", {9, 3}, 3800, 3700},        {"1 and 2", {1, 2}, 3700, 3800},
        {"only one named", {3, 0}, 3700, 3800}, {"or the other", {0, 3}, 3700, 3800},
        {"nor the first", {17, 3}, 3700, 3800}, {"no such cell", {3, 17}, 3700, 3800},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire w;
        print_message("    %s\n", cases[i].what);
        bench_init(&w, NULL);
        bench_cell(&w, 3, 3700.0);
        bench_cell(&w, 9, 3800.0);
        memcpy(w.bms.config.faults.swap, cases[i].swap, 2);
        bench_notice(&w);
        wire_ask(&w, "AA 1C"); /* cell 1 first, 0.1 mV */
        assert_int_equal((w.rx[3 + 4] | w.rx[4 + 4] << 8) / 10, cases[i].cell_3);
        assert_int_equal((w.rx[3 + 16] | w.rx[4 + 16] << 8) / 10, cases[i].cell_9);
    }
}

static void the_first_and_the_last_of_16_can_be_swapped(void **state) {
    (void)state;
    for (unsigned turned = 0; turned < 2; turned++) {
        struct sim_bms_config cfg = bench_config(SIM_LFP);
        struct wire w;
        cfg.faults.swap[turned] = 1;
        cfg.faults.swap[1 - turned] = 16;
        bench_init(&w, &cfg);
        bench_cell(&w, 1, 3200.0);
        bench_notice(&w);
        assert_int_equal(w.bms.reg[sim_bms_cell_register(&w.bms, 15)], 32000);
    }
}

static void a_cell_beyond_the_converters_ends_reads_0_or_5_V(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    bench_cell(&w, 1, 5600.0);
    bench_cell(&w, 2, -300.0);
    bench_notice(&w);
    assert_int_equal(w.bms.reg[15], 50000);
    assert_int_equal(w.bms.reg[14], 0);
}

static void a_swapped_cell_is_balanced_in_the_others_place(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    w.bms.config.faults.swap[0] = 3;
    w.bms.config.faults.swap[1] = 9;
    bench_wants(&w, 10.0);
    bench_cell(&w, 3, 3800.0);
    bench_notice(&w);
    assert_int_equal(w.bms.reg[51], 1u << 8);
}

static void a_stuck_sense_stays_and_the_others_go_on(void **state) {
    (void)state;
    static const struct {
        const char *what;
        enum sim_sense sense;
        uint16_t first, count; /* the registers that stay */
    } cases[] = {
        {"cells", SIM_SENSE_CELLS, 0, 16},           {"current", SIM_SENSE_CURRENT, 38, 2},
        {"external 1", SIM_SENSE_EXTERNAL_1, 42, 1}, {"external 2", SIM_SENSE_EXTERNAL_2, 43, 1},
        {"board", SIM_SENSE_BOARD, 48, 1},           {"charge", SIM_SENSE_CHARGE, 46, 2},
        {"voltage", SIM_SENSE_VOLTAGE, 36, 2},
    };
    enum { CASES = sizeof cases / sizeof cases[0] };
    for (size_t i = 0; i < CASES; i++) {
        uint16_t before[LIVE];
        struct wire w;
        print_message("    %s\n", cases[i].what);
        in_motion(&w);
        w.bms.config.faults.stuck = cases[i].sense;
        memcpy(before, w.bms.reg, sizeof before);
        bench_temperature(&w, 35.0);
        bench_wants(&w, 10.0);
        bench_pass_s(&w, 60);
        for (size_t k = 0; k < CASES; k++) {
            bool same = memcmp(w.bms.reg + cases[k].first, before + cases[k].first,
                               2u * cases[k].count) == 0;
            assert_int_equal(same, k == i || (cases[i].sense == SIM_SENSE_CELLS &&
                                              cases[k].sense == SIM_SENSE_VOLTAGE));
        }
    }
}

static void it_acts_on_what_a_stuck_sensor_says(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    bench_wants(&w, 10.0);
    bench_notice(&w);
    w.bms.config.faults.stuck = SIM_SENSE_CURRENT | SIM_SENSE_EXTERNAL_1 | SIM_SENSE_EXTERNAL_2;
    double soc = bench_soc(&w);
    bench_wants(&w, 0.0);
    bench_temperature(&w, 80.0);
    bench_pass_s(&w, 360);
    assert_true(bench_soc(&w) > soc + 0.19); /* 10 A that do not flow, 1 of 500 Ah */
    assert_int_equal(w.bms.reg[50], 0x91);
    assert_int_equal(bench_events(&w, 0x04), 0); /* the board is the only one that knows */
}

static void a_value_jumps_by_as_much_as_said(void **state) {
    (void)state;
    static const struct {
        const char *what;
        enum sim_sense sense;
        double by;
        uint16_t reg;
        int raw;
    } cases[] = {
        {"cell 4 by 150 mV", SIM_SENSE_CELLS, 150.0, 12, 1500},
        {"external 1 by 30 K", SIM_SENSE_EXTERNAL_1, 30.0, 42, 300},
        {"external 2 by -30 K", SIM_SENSE_EXTERNAL_2, -30.0, 43, -300},
        {"the board by 12.5 K", SIM_SENSE_BOARD, 12.5, 48, 125},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire w;
        print_message("    %s\n", cases[i].what);
        bench_init(&w, NULL);
        bench_notice(&w);
        int before = w.bms.reg[cases[i].reg];
        w.bms.config.faults.jump = cases[i].sense;
        w.bms.config.faults.jump_cell = 4; /* register 15 is cell 1 */
        w.bms.config.faults.jump_by = cases[i].by;
        w.bms.config.faults.jump_cpct = 10000;
        bench_notice(&w);
        assert_in_range((int16_t)(w.bms.reg[cases[i].reg] - before) + 5000, cases[i].raw + 4999,
                        cases[i].raw + 5001);
        w.bms.config.faults.jump_cpct = 0;
        bench_notice(&w);
        assert_in_range(w.bms.reg[cases[i].reg], before - 1, before + 1);
    }
}

static void current_and_charge_jump_too(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    w.bms.config.faults.jump = SIM_SENSE_CURRENT;
    w.bms.config.faults.jump_by = -12.0;
    w.bms.config.faults.jump_cpct = 10000;
    bench_notice(&w);
    assert_true(bench_amps(&w) == -12.0);
    assert_int_equal(w.bms.reg[50], 0x93); /* it believes it */
    w.bms.config.faults.jump = SIM_SENSE_CHARGE;
    bench_notice(&w);
    assert_true(bench_soc(&w) > 37.9 && bench_soc(&w) < 38.1);
    bench_notice(&w);
    assert_true(bench_soc(&w) > 37.9); /* it is told wrong, not counted */
    w.bms.config.faults.jump_by = 80.0;
    bench_notice(&w);
    assert_int_equal(sim_bms_get32(&w.bms, 46), 100000000);
    w.bms.config.faults.jump_by = -80.0;
    bench_notice(&w);
    assert_int_equal(sim_bms_get32(&w.bms, 46), 0);
    w.bms.config.faults.jump_by = -12.0;
    w.bms.config.faults.jump = SIM_SENSE_VOLTAGE;
    bench_notice(&w);
    assert_true(w.bms.pack_v < 14 * 3.7 - 11.9 && w.bms.pack_v > 14 * 3.7 - 12.1);
}

static void now_and_then_means_in_so_many_of_the_measurements(void **state) {
    (void)state;
    unsigned jumps = 0;
    struct wire w;
    bench_init(&w, NULL);
    w.bms.config.faults.jump = SIM_SENSE_BOARD;
    w.bms.config.faults.jump_by = 20.0;
    w.bms.config.faults.jump_cpct = 1000;
    for (unsigned i = 0; i < 1000; i++) {
        bench_pass_ms(&w, 100);
        jumps += w.bms.reg[48] > 350;
    }
    assert_in_range(jumps, 60, 140); /* four standard deviations of 9.5 around 100 */
}

static void temperatures_are_rounded_to_tenths(void **state) {
    (void)state;
    static const struct {
        double degc;
        int first, second, board; /* the second is 0.4 K warmer */
    } cases[] = {{21.26, 213, 217, 213}, {-5.26, -53, -49, -53}, {0.0, 0, 4, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire w;
        bench_init(&w, NULL);
        bench_temperature(&w, cases[i].degc);
        sim_bms_measure(&w.bms, 0.0);
        assert_int_equal((int16_t)w.bms.reg[42], cases[i].first);
        assert_int_equal((int16_t)w.bms.reg[43], cases[i].second);
        assert_int_equal((int16_t)w.bms.reg[48], cases[i].board);
    }
}

static void a_missing_sensor_reads_minus_32768(void **state) {
    (void)state;
    for (uint8_t missing = 0; missing < 4; missing++) {
        struct wire w;
        bench_init(&w, NULL);
        w.bms.config.sensors_missing = missing;
        wire_ask(&w, "AA 1B");
        wire_ask(&w, "AA 1B");
        assert_int_equal((w.rx[5] | w.rx[6] << 8) == 0x8000, missing & 1);
        assert_int_equal((w.rx[7] | w.rx[8] << 8) == 0x8000, missing >> 1);
    }
}

static void without_a_fault_nothing_is_random_but_the_noise(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    struct sim_rng before = w.bms.rng;
    bench_pass_s(&w, 10);
    assert_memory_equal(&before, &w.bms.rng, sizeof before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frozen_it_answers_with_what_it_had_and_the_counter_ticks_or_not),
        cmocka_unit_test(swapped_cells_are_measured_in_each_others_place),
        cmocka_unit_test(the_first_and_the_last_of_16_can_be_swapped),
        cmocka_unit_test(a_cell_beyond_the_converters_ends_reads_0_or_5_V),
        cmocka_unit_test(a_swapped_cell_is_balanced_in_the_others_place),
        cmocka_unit_test(a_stuck_sense_stays_and_the_others_go_on),
        cmocka_unit_test(it_acts_on_what_a_stuck_sensor_says),
        cmocka_unit_test(a_value_jumps_by_as_much_as_said),
        cmocka_unit_test(current_and_charge_jump_too),
        cmocka_unit_test(now_and_then_means_in_so_many_of_the_measurements),
        cmocka_unit_test(temperatures_are_rounded_to_tenths),
        cmocka_unit_test(a_missing_sensor_reads_minus_32768),
        cmocka_unit_test(without_a_fault_nothing_is_random_but_the_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
