/* SPDX-License-Identifier: MIT */
/* When a TinyBMS balances: register 51 says which cells want it, 52 which get it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench.h"

enum { CELLS_1_AND_2 = 3 };

/* Cells 1 and 2 40 mV over the others, above register 303 = 3200, 10 A into them. */
static void uneven(struct wire *w) {
    bench_init(w, NULL);
    bench_wants(w, 10.0);
    bench_notice(w);
    bench_cells(w, 3700.0);
    bench_cell(w, 1, 3740.0);
    bench_cell(w, 2, 3740.0);
    bench_notice(w);
}

/* The cells that have had a turn within a whole round. */
static unsigned turns(struct wire *w) {
    unsigned seen = 0;
    for (unsigned i = 0; i < 60; i++) { /* three turns of 2 s */
        bench_pass_ms(w, 100);
        seen |= w->bms.reg[52];
    }
    return seen;
}

static void balancing_only_above_303(void **state) {
    (void)state;
    struct wire w;
    uneven(&w);
    assert_int_equal(w.bms.reg[51], CELLS_1_AND_2);
    bench_cells(&w, 3150.0);
    bench_cell(&w, 1, 3200.0);
    bench_cell(&w, 2, 3201.0);
    bench_notice(&w);
    assert_int_equal(w.bms.reg[51], 2);
    assert_int_equal(turns(&w), 2);
}

static void every_third_cell_at_a_time(void **state) {
    (void)state;
    static const uint16_t thirds[] = {0x1249, 0x0492,
                                      0x0924}; /* of 13 cells: 1,4,..; 2,5,..; 3,.. */
    unsigned seen = 0;
    struct wire w;
    uneven(&w);
    for (unsigned cell = 1; cell <= 13; cell++)
        bench_cell(&w, cell, 3740.0);
    for (unsigned i = 0; i < 60; i++) {
        bench_pass_ms(&w, 100);
        unsigned third = 0;
        while (third < 3 && w.bms.reg[52] != thirds[third])
            third++;
        assert_true(third < 3);
        seen |= 1u << third;
    }
    assert_int_equal(seen, 7);
    assert_int_equal(w.bms.reg[51], 0x1FFF);
}

static void every_third_has_two_seconds(void **state) {
    (void)state;
    unsigned turns_of[3] = {0}, length = 0, last = 0xFFFF;
    struct wire w;
    uneven(&w);
    bench_cell(&w, 3, 3740.0);
    for (unsigned i = 0; i < 200; i++, length++) {
        bench_pass_ms(&w, 100);
        unsigned now = w.bms.reg[52];
        assert_true(now == 1 || now == 2 || now == 4);
        if (now == last)
            continue;
        if (turns_of[0] + turns_of[1] + turns_of[2] > 1)
            assert_in_range(length, 19, 21); /* the first turn had begun before */
        length = 0;
        last = now;
        turns_of[now >> 1]++;
    }
    for (unsigned i = 0; i < 3; i++)
        assert_in_range(turns_of[i], 3, 4); /* 20 s */
}

static void in_fast_time_every_measurement_is_a_turn(void **state) {
    (void)state;
    struct wire w;
    uneven(&w);
    bench_cell(&w, 3, 3740.0);
    w.bms.config.speed = 600.0; /* a minute each */
    for (unsigned round = 0; round < 5; round++) {
        unsigned seen = 0;
        for (unsigned i = 0; i < 3; i++) {
            bench_pass_ms(&w, 100);
            seen |= w.bms.reg[52];
        }
        assert_int_equal(seen, 7);
    }
}

static void a_cell_wants_it_from_308_above_the_lowest_until_half_of_that(void **state) {
    (void)state;
    static const struct {
        double mv;
        bool wanted;
    } steps[] = {{3714.0, false}, {3715.0, true}, {3708.0, true}, {3707.0, false}, {3714.0, false}};
    struct wire w;
    bench_init(&w, NULL);
    bench_wants(&w, 10.0);
    bench_notice(&w);
    for (unsigned i = 0; i < 5; i++) { /* register 308 = 15 */
        bench_cells(&w, 3700.0);
        bench_cell(&w, 14, steps[i].mv);
        bench_notice(&w);
        assert_int_equal(w.bms.reg[51], steps[i].wanted ? 1u << 13 : 0);
    }
}

static void it_balances_only_while_charging_regenerating_or_in_over_voltage(void **state) {
    (void)state;
    static const struct {
        const char *what;
        double wants, high_mv;
        bool by_load_port, low_power, balances;
    } cases[] = {
        {"charging with 10 A", 10.0, 3740.0, false, false, true},
        {"regenerating", 10.0, 3740.0, true, false, true},
        {"0.9 A, high power", 0.9, 3740.0, false, false, true},
        {"0.7 A, high power: too little", 0.7, 3740.0, false, false, false},
        {"0.09 A, low power", 0.09, 3740.0, false, true, true},
        {"0.07 A, low power: too little", 0.07, 3740.0, false, true, false},
        {"idle", 0.0, 3740.0, false, false, false},
        {"discharging", -10.0, 3740.0, false, false, false},
        {"over-voltage, idle", 0.0, 4250.0, false, false, true},
        {"over-voltage, discharging", -10.0, 4250.0, false, false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sim_bms_config cfg = bench_config(SIM_NMC);
        struct wire w;
        print_message("    %s\n", cases[i].what);
        cfg.through_load_port = cases[i].by_load_port;
        cfg.low_power = cases[i].low_power;
        bench_init(&w, &cfg);
        bench_wants(&w, cases[i].wants);
        bench_notice(&w);
        bench_cells(&w, 3700.0);
        bench_cell(&w, 1, cases[i].high_mv);
        bench_cell(&w, 2, cases[i].high_mv);
        bench_notice(&w);
        assert_int_equal(w.bms.reg[51], CELLS_1_AND_2); /* wanted in any case */
        assert_int_equal(turns(&w), cases[i].balances ? CELLS_1_AND_2 : 0);
    }
}

static void holding_a_voltage_without_current_balances_nothing(void **state) {
    (void)state;
    struct wire w;
    uneven(&w);
    sim_bms_set_house(&w.bms, sim_pack_voltage_v(&w.bms.pack) - 1.0, 100.0, 100.0);
    bench_pass_s(&w, 1);
    assert_true(bench_amps(&w) == 0.0); /* the charger is there and wants, at its voltage */
    assert_int_equal(turns(&w), 0);
    assert_int_equal(w.bms.reg[51], CELLS_1_AND_2);
}

static void sleep_stops_balancing(void **state) {
    (void)state;
    struct wire w;
    uneven(&w);
    w.bms.config.sleeps = true;
    bench_pass_s(&w, 30);
    assert_false(w.bms.asleep);                /* the charger keeps it awake */
    for (unsigned cell = 1; cell <= 3; cell++) /* over-voltage: without a charger too, and */
        bench_cell(&w, cell, 4250.0);          /* one of them at any moment */
    w.bms.config.charger = SIM_CHARGER_UNPLUGGED;
    bench_wants(&w, 0.0);
    bench_pass_s(&w, 1);
    assert_int_equal(turns(&w), 7);
    bench_pass_s(&w, 5);
    assert_true(w.bms.asleep);
    double before = w.bms.pack.cell[0].soc;
    bench_pass_s(&w, 600);
    /* self-discharge of at most 2.6 % a month takes 0.0006 % in 10 minutes, the device less; a
     * balancing resistor, 150 mA a third of the time, would take 0.0017 % */
    assert_true(before - w.bms.pack.cell[0].soc < 0.0000075);
    assert_int_equal(w.bms.pack.bleed_bits, 0);
}

static void wanted_and_done_differ(void **state) {
    (void)state;
    struct wire w;
    uneven(&w);
    unsigned differ = 0;
    for (unsigned i = 0; i < 60; i++) {
        bench_pass_ms(&w, 100);
        assert_int_equal(w.bms.reg[52] & ~w.bms.reg[51] & 0xFFFF, 0); /* never unwanted */
        differ += w.bms.reg[51] != w.bms.reg[52];
    }
    assert_int_equal(differ, 60); /* two neighbours never at once */
}

static void a_balanced_cell_loses_what_150_mA_take(void **state) {
    (void)state;
    struct wire w;
    uneven(&w);
    w.bms.config.pack.capacity_ah = 500.0;
    double gap = w.bms.pack.cell[0].soc - w.bms.pack.cell[5].soc;
    bench_pass_s(&w, 1200);
    gap -= w.bms.pack.cell[0].soc - w.bms.pack.cell[5].soc;
    /* 0.15 A x 1200 s / 3 = 60 As of 1 800 000: 0.0033 %; unequal self-discharge is 30 % of
     * 2 % a month, at most 0.0003 % here */
    assert_in_range((unsigned)(gap * 1e7), 300, 367);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(balancing_only_above_303),
        cmocka_unit_test(every_third_cell_at_a_time),
        cmocka_unit_test(every_third_has_two_seconds),
        cmocka_unit_test(in_fast_time_every_measurement_is_a_turn),
        cmocka_unit_test(a_cell_wants_it_from_308_above_the_lowest_until_half_of_that),
        cmocka_unit_test(it_balances_only_while_charging_regenerating_or_in_over_voltage),
        cmocka_unit_test(holding_a_voltage_without_current_balances_nothing),
        cmocka_unit_test(sleep_stops_balancing),
        cmocka_unit_test(wanted_and_done_differ),
        cmocka_unit_test(a_balanced_cell_loses_what_150_mA_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
