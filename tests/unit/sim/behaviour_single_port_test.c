/* SPDX-License-Identifier: MIT */
/* Single port: one switch for charger and load. And what dual port calls regeneration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench.h"

static void single_port(struct wire *w) {
    bench_init(w, NULL);
    bench_set(w, 340, 1);
    bench_notice(w);
}

static void expect_the_one_switch(const struct wire *w, bool on) {
    bench_expect_switches(w, on ? "both" : "none");
}

static void single_port_has_one_switch_for_charger_and_load(void **state) {
    (void)state;
    struct wire w;
    single_port(&w);
    bench_wants(&w, 10.0);
    bench_notice(&w);
    expect_the_one_switch(&w, true);
    assert_true(bench_amps(&w) == 10.0);
    bench_wants(&w, -10.0);
    bench_notice(&w);
    expect_the_one_switch(&w, true);
    assert_true(bench_amps(&w) == -10.0);
}

static void single_port_one_cell_at_register_300_opens_the_one_switch(void **state) {
    (void)state;
    struct wire w;
    single_port(&w);
    bench_cells(&w, 4100.0);
    bench_wants(&w, 10.0);
    bench_notice(&w);
    bench_cell(&w, 5, 4149.0);
    bench_notice(&w);
    expect_the_one_switch(&w, true);
    bench_cell(&w, 5, 4150.0);
    bench_notice(&w);
    expect_the_one_switch(&w, false);
    assert_true(bench_amps(&w) == 0.0);
    bench_pass_s(&w, 60); /* the charger goes on wanting */
    expect_the_one_switch(&w, false);
}

static void
single_port_it_opens_at_300_even_when_all_cells_are_there_and_is_never_full(void **state) {
    (void)state;
    struct wire w;
    single_port(&w);
    bench_wants(&w, 0.5); /* under register 304 = 1000 mA */
    bench_pass_s(&w, 6);
    bench_cells(&w, 4151.0);
    bench_pass_s(&w, 60);
    expect_the_one_switch(&w, false);
    assert_int_equal(bench_events(&w, 0x63), 0);
    assert_int_equal(w.bms.reg[50], 0x97);
    assert_true(bench_soc(&w) < 51.0); /* not corrected */
}

static void single_port_after_300_a_load_closes_it_and_a_charger_only_well_below(void **state) {
    (void)state;
    struct wire w;
    single_port(&w);
    bench_cells(&w, 4151.0);
    bench_notice(&w);
    bench_wants(&w, -10.0);
    bench_notice(&w);
    expect_the_one_switch(&w, true);
    bench_wants(&w, 10.0);
    bench_notice(&w);
    expect_the_one_switch(&w, false);
    bench_cells(&w, 4101.0); /* 49 mV under 300 */
    bench_notice(&w);
    expect_the_one_switch(&w, false);
    bench_cells(&w, 4100.0);
    bench_notice(&w);
    expect_the_one_switch(&w, true);
}

static void single_port_in_over_voltage_or_cold_it_is_on_only_while_a_load_is_seen(void **state) {
    (void)state;
    static const struct {
        const char *what;
        double mv, degc;
    } cases[] = {{"over-voltage", 4250.0, 20.0}, {"cold", 3700.0, -5.0}};
    for (unsigned i = 0; i < 2; i++) {
        struct wire w;
        print_message("    %s\n", cases[i].what);
        single_port(&w);
        bench_temperature(&w, cases[i].degc);
        bench_cell(&w, 2, cases[i].mv);
        bench_notice(&w);
        expect_the_one_switch(&w, false); /* nobody wants anything */
        bench_wants(&w, 10.0);
        bench_notice(&w);
        expect_the_one_switch(&w, false);
        bench_wants(&w, -10.0);
        bench_notice(&w);
        expect_the_one_switch(&w, true);
        assert_true(bench_amps(&w) == -10.0);
        bench_wants(&w, 0.0);
        bench_notice(&w);
        expect_the_one_switch(&w, false);
    }
}

static void single_port_under_301_it_is_on_only_while_a_charger_is_seen(void **state) {
    (void)state;
    struct wire w;
    single_port(&w);
    bench_cells(&w, 2950.0);
    bench_wants(&w, -10.0);
    bench_notice(&w);
    expect_the_one_switch(&w, false);
    assert_true(bench_amps(&w) == 0.0);
    bench_wants(&w, 10.0);
    bench_notice(&w);
    expect_the_one_switch(&w, true);
    assert_true(bench_amps(&w) == 10.0);
    bench_wants(&w, 0.0);
    bench_notice(&w);
    expect_the_one_switch(&w, false);
}

static void single_port_under_301_it_is_off_again_when_the_chargers_current_ends(void **state) {
    (void)state;
    struct wire w;
    single_port(&w);
    bench_set(&w, 310, 20);
    bench_cells(&w, 2950.0);
    bench_wants(&w, 10.0);
    bench_pass_s(&w, 40);
    expect_the_one_switch(&w, true);
    for (unsigned i = 0; i < 2; i++) {
        sim_bms_set_house(&w.bms, 30.0, 100.0, 100.0); /* its voltage is far too low */
        bench_pass_s(&w, 19);
        expect_the_one_switch(&w, true); /* register 310 seconds to start giving */
        bench_pass_s(&w, 2);
        expect_the_one_switch(&w, false);
        bench_pass_s(&w, 60);
        expect_the_one_switch(&w, false);
        bench_wants(&w, 0.0);
        bench_notice(&w);
        bench_wants(&w, 10.0); /* the next one */
        bench_notice(&w);
    }
    sim_bms_set_house(&w.bms, 80.0, 100.0, 100.0);
    bench_wants(&w, 0.0);
    bench_notice(&w);
    bench_wants(&w, 10.0); /* it starts again */
    bench_notice(&w);
    expect_the_one_switch(&w, true);
}

static void single_port_a_load_that_may_draw_nothing_closes_nothing(void **state) {
    (void)state;
    struct wire w;
    single_port(&w);
    bench_cell(&w, 2, 4250.0);
    sim_bms_set_house(&w.bms, 80.0, 100.0, 0.0); /* DCL 0 */
    bench_wants(&w, -10.0);
    bench_notice(&w);
    expect_the_one_switch(&w, false);
}

static void single_port_over_317_or_318_it_is_off(void **state) {
    (void)state;
    static const struct {
        const char *what;
        double wants;
        unsigned event;
        bool off;
    } cases[] = {
        {"60 A of load = register 317", -60.0, 0x05, false},
        {"61 A of load", -61.0, 0x05, true},
        {"20 A of charge = register 318", 20.0, 0x06, false},
        {"21 A of charge", 21.0, 0x06, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire w;
        print_message("    %s\n", cases[i].what);
        single_port(&w);
        bench_wants(&w, cases[i].wants);
        bench_notice(&w);
        expect_the_one_switch(&w, !cases[i].off);
        assert_int_equal(bench_events(&w, cases[i].event), cases[i].off);
        assert_int_equal(w.bms.reg[50] == 0x9B, cases[i].off);
    }
}

static void by_load_port(struct wire *w) {
    struct sim_bms_config cfg = bench_config(SIM_NMC);
    cfg.through_load_port = true;
    bench_init(w, &cfg);
}

static void in_dual_port_charge_that_comes_through_the_load_port_is_regeneration(void **state) {
    (void)state;
    struct wire w;
    by_load_port(&w);
    bench_wants(&w, 10.0);
    bench_notice(&w);
    assert_int_equal(w.bms.reg[50], 0x96);
    assert_true(bench_amps(&w) == 10.0);
    bench_set(&w, 340, 1); /* in single port there is but one way in */
    bench_notice(&w);
    assert_int_equal(w.bms.reg[50], 0x91);
}

static void regeneration_is_limited_by_317_not_318(void **state) {
    (void)state;
    static const struct {
        const char *what;
        double wants;
        bool off;
    } cases[] = {{"21 A, over 318", 21.0, false},
                 {"60 A = 317", 60.0, false},
                 {"61 A, over 317", 61.0, true}};
    for (unsigned i = 0; i < 3; i++) {
        struct wire w;
        print_message("    %s\n", cases[i].what);
        by_load_port(&w);
        bench_wants(&w, cases[i].wants);
        bench_notice(&w);
        assert_int_equal(bench_events(&w, 0x07), cases[i].off);
        assert_int_equal(bench_events(&w, 0x06), 0);
        bench_expect_switches(&w, cases[i].off ? "charge" : "both");
        assert_int_equal(w.bms.reg[50], cases[i].off ? 0x9B : 0x96);
        bench_wants(&w, 0.0);
        bench_pass_s(&w, 7); /* register 332 = 5 s */
        assert_int_equal(bench_events(&w, 0x78), cases[i].off);
        bench_expect_switches(&w, "both");
    }
}

static void the_charge_switch_does_not_stop_regeneration(void **state) {
    (void)state;
    struct wire w;
    by_load_port(&w);
    bench_wants(&w, 10.0);
    bench_notice(&w);
    bench_cell(&w, 1, 4250.0); /* over-voltage: charge off, load on */
    bench_notice(&w);
    bench_expect_switches(&w, "load");
    assert_true(bench_amps(&w) == 10.0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_port_has_one_switch_for_charger_and_load),
        cmocka_unit_test(single_port_one_cell_at_register_300_opens_the_one_switch),
        cmocka_unit_test(
            single_port_it_opens_at_300_even_when_all_cells_are_there_and_is_never_full),
        cmocka_unit_test(single_port_after_300_a_load_closes_it_and_a_charger_only_well_below),
        cmocka_unit_test(single_port_in_over_voltage_or_cold_it_is_on_only_while_a_load_is_seen),
        cmocka_unit_test(single_port_under_301_it_is_on_only_while_a_charger_is_seen),
        cmocka_unit_test(single_port_under_301_it_is_off_again_when_the_chargers_current_ends),
        cmocka_unit_test(single_port_a_load_that_may_draw_nothing_closes_nothing),
        cmocka_unit_test(single_port_over_317_or_318_it_is_off),
        cmocka_unit_test(in_dual_port_charge_that_comes_through_the_load_port_is_regeneration),
        cmocka_unit_test(regeneration_is_limited_by_317_not_318),
        cmocka_unit_test(the_charge_switch_does_not_stop_regeneration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
