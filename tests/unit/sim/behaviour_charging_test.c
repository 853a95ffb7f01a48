/* SPDX-License-Identifier: MIT */
/* Dual port: charging ends in steps, and begins again. Each test one sentence of the document. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench.h"

/* Charging with 10 A at 4.1 V a cell, past the charger's time to start (register 310 = 5 s). */
static void charging(struct wire *w) {
    bench_init(w, NULL);
    bench_wants(w, 10.0);
    bench_pass_s(w, 6);
    bench_cells(w, 4100.0);
    bench_notice(w);
    bench_expect_switches(w, "both");
}

static void
in_dual_port_one_cell_at_300_opens_the_charge_switch_and_balancing_goes_on(void **state) {
    (void)state;
    struct wire w;
    charging(&w);
    bench_cell(&w, 4, 4149.0);
    bench_notice(&w);
    bench_expect_switches(&w, "both");
    bench_cell(&w, 4, 4150.0);
    bench_notice(&w);
    bench_expect_switches(&w, "load");
    assert_true(bench_amps(&w) == 0.0);
    unsigned balanced = 0;
    for (unsigned i = 0; i < 60; i++) { /* 6 s: each third of the cells has its turn */
        bench_pass_ms(&w, 100);
        balanced |= w.bms.reg[52];
    }
    assert_int_equal(w.bms.reg[51], 1u << 3);
    assert_int_equal(balanced, 1u << 3);
    assert_int_equal(w.bms.reg[50], 0x97);
    assert_int_equal(bench_events(&w, 0x63), 0);
}

static void it_closes_again_once_the_imbalance_is_under_register_308(void **state) {
    (void)state;
    struct wire w;
    charging(&w);
    bench_cell(&w, 4, 4155.0);
    bench_notice(&w);
    bench_expect_switches(&w, "load");
    bench_cells(&w, 4100.0);
    bench_cell(&w, 4, 4115.0); /* 15 mV = register 308 */
    bench_notice(&w);
    bench_expect_switches(&w, "load");
    bench_cell(&w, 4, 4114.0);
    bench_notice(&w);
    bench_expect_switches(&w, "both");
    assert_true(bench_amps(&w) == 10.0);
}

static void balancing_alone_closes_it_in_time(void **state) {
    (void)state;
    struct sim_bms_config cfg = bench_config(SIM_NMC);
    cfg.pack.capacity_ah = 10.0; /* 150 mA, a third of the time, of 10 Ah: 0.5 % an hour */
    cfg.speed = 20.0;
    struct wire w;
    bench_init(&w, &cfg);
    bench_cells(&w, 4130.0);
    bench_cell(&w, 4, 4160.0);
    bench_wants(&w, 1.0);
    bench_notice(&w);
    bench_expect_switches(&w, "load");
    unsigned minutes = 0;
    for (; minutes < 600 && !w.bms.guard.charge_on; minutes++)
        bench_pass_s(&w, 3);
    /* from 30 to under 15 mV, at 1.2 mV for each 0.1 %: 1.25 % = 2.5 h; resistances relax too */
    assert_in_range(minutes, 60, 240);
}

/* At the top: all cells at mv but one, with this current through 10 A of charger. */
static void at_the_top(struct wire *w, double mv, double one_mv, double amps) {
    charging(w);
    bench_wants(w, amps);
    bench_notice(w);
    bench_cells(w, mv);
    bench_cell(w, 9, one_mv);
    bench_pass_s(w, 7); /* register 311 = 5 s */
}

static void
fully_charged_only_when_all_cells_at_300_imbalance_under_308_and_current_under_304(void **state) {
    (void)state;
    static const struct {
        const char *what;
        double mv, one_mv, amps;
        bool full;
    } cases[] = {
        {"all of it", 4150.0, 4150.0, 0.9, true},
        {"one cell 14 mV higher", 4150.0, 4164.0, 0.9, true},
        {"one cell 15 mV higher", 4150.0, 4165.0, 0.9, false},
        {"one cell 10 mV under 300: measured as there", 4149.0, 4140.0, 0.9, true},
        {"one cell 11 mV under 300", 4149.0, 4139.0, 0.9, false},
        {"all under 300", 4135.0, 4135.0, 0.9, false},
        {"current at register 304 = 1 A", 4150.0, 4150.0, 1.0, false},
        {"a load, and no more charge", 4150.0, 4150.0, -0.9, false},
        {"no charger wants anything", 4150.0, 4150.0, 0.0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire w;
        print_message("    %s\n", cases[i].what);
        at_the_top(&w, cases[i].mv, cases[i].one_mv, cases[i].amps);
        assert_int_equal(bench_events(&w, 0x63), cases[i].full);
        assert_int_equal(w.bms.reg[112], cases[i].full);
        assert_int_equal(w.bms.reg[50] == 0x92, cases[i].full);
        assert_int_equal(bench_soc(&w) > 99.0, cases[i].full);
        if (cases[i].full)
            bench_expect_switches(&w, "load");
    }
}

static void soc_snaps_to_100_at_full(void **state) {
    (void)state;
    struct wire w;
    charging(&w);
    w.bms.soc = 0.70; /* counted wrong by tens of percent */
    bench_wants(&w, 0.5);
    bench_cells(&w, 4151.0);
    bench_pass_s(&w, 4);
    assert_in_range((unsigned)bench_soc(&w), 69, 70);
    bench_pass_s(&w, 2);
    assert_int_equal(sim_bms_get32(&w.bms, 46), 100000000);
    assert_int_equal(w.bms.reg[50], 0x92);
    assert_int_equal(bench_events(&w, 0x63), 1);
    bench_pass_s(&w, 60);
    assert_int_equal(bench_events(&w, 0x63), 1); /* told once */
}

static void a_charger_whose_voltage_is_too_high_gives_0x38_and_soc_is_not_corrected(void **state) {
    (void)state;
    struct wire w;
    charging(&w);
    bench_cells(&w, 4174.0); /* over 300, even, and the charger still gives 10 A */
    bench_notice(&w);
    assert_int_equal(bench_events(&w, 0x38), 0);
    bench_cells(&w, 4175.0); /* half way to 315: (4150 + 4200) / 2 */
    bench_notice(&w);
    assert_int_equal(bench_events(&w, 0x38), 1);
    assert_int_equal(bench_events(&w, 0x63), 0);
    assert_true(bench_soc(&w) < 51.0);
    bench_expect_switches(&w, "load");
    assert_int_equal(w.bms.reg[50], 0x97);
    assert_int_equal(w.bms.reg[112], 0);
}

static void a_charger_whose_voltage_is_too_low_gives_0x39_and_soc_is_not_corrected(void **state) {
    (void)state;
    struct wire w;
    charging(&w);
    sim_bms_set_house(&w.bms, 14 * 4.090, 100.0, 100.0); /* the cells rest at 4.098 V */
    bench_pass_s(&w, 59);
    assert_true(bench_amps(&w) < 1.0); /* register 304 */
    assert_int_equal(bench_events(&w, 0x39), 0);
    bench_pass_s(&w, 2); /* a minute */
    assert_int_equal(bench_events(&w, 0x39), 1);
    assert_int_equal(bench_events(&w, 0x63), 0);
    assert_true(bench_soc(&w) < 51.0);
    bench_expect_switches(&w, "load");
    assert_int_equal(w.bms.reg[50], 0x97);
}

static void little_sun_is_not_too_low_a_voltage(void **state) {
    (void)state;
    struct wire w;
    charging(&w);
    bench_wants(&w, 0.5);
    bench_pass_s(&w, 600);
    assert_int_equal(bench_events(&w, 0x39), 0);
    bench_expect_switches(&w, "both");
}

/* How long it takes to become full from the moment that a charger begins, in 0.1 s. */
static unsigned time_to_full(struct wire *w) {
    unsigned ticks = 0;
    bench_cells(w, 4148.0);
    bench_notice(w);
    bench_wants(w, 0.5);
    for (; bench_events(w, 0x63) == 0 && ticks < 1000; ticks++)
        bench_pass_ms(w, 100);
    return ticks;
}

static void a_charger_has_310_seconds_to_start_and_311_until_it_is_done(void **state) {
    (void)state;
    static const struct { uint16_t start_s, done_s; } cases[] = {{5, 5}, {20, 5}, {5, 12}, {60, 0}};
    for (unsigned i = 0; i < 4; i++) {
        struct wire w;
        bench_init(&w, NULL);
        bench_set(&w, 310, cases[i].start_s);
        bench_set(&w, 311, cases[i].done_s);
        unsigned expected = 10u * cases[i].start_s + 10u * cases[i].done_s;
        assert_in_range(time_to_full(&w), expected - 2, expected + 2);
    }
    for (unsigned ones = 0; ones < 2; ones++) { /* firmware without them */
        struct sim_bms_config cfg = bench_config(SIM_NMC);
        struct wire w;
        cfg.before_revision_d = true;
        cfg.old_reads_ones = ones;
        bench_init(&w, &cfg);
        assert_in_range(time_to_full(&w), 98, 102);
    }
}

static void a_charger_that_paused_has_to_start_again(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    bench_set(&w, 310, 20);
    bench_cells(&w, 4100.0);
    bench_wants(&w, 0.5);
    bench_pass_s(&w, 25);
    bench_cell(&w, 2, 4155.0);
    bench_notice(&w);
    bench_expect_switches(&w, "load");
    bench_cells(&w, 4149.0);
    bench_pass_s(&w, 20); /* of 20 + 5 */
    assert_int_equal(bench_events(&w, 0x63), 0);
    bench_pass_s(&w, 6);
    assert_int_equal(bench_events(&w, 0x63), 1);
}

static void conditions_of_full_must_hold_on_end(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    bench_cells(&w, 4148.0);
    bench_wants(&w, 0.5);
    bench_pass_s(&w, 6);
    for (unsigned i = 0; i < 4; i++) { /* 3 s of them, and a moment without */
        bench_pass_s(&w, 3);
        bench_wants(&w, 1.2);
        bench_notice(&w);
        bench_wants(&w, 0.5);
    }
    assert_int_equal(bench_events(&w, 0x63), 0);
}

/* Full, and idle. */
static void full(struct wire *w) {
    at_the_top(w, 4151.0, 4151.0, 0.5);
    assert_int_equal(w->bms.reg[50], 0x92);
    bench_wants(w, 0.0);
    bench_notice(w);
    bench_expect_switches(w, "load");
    sim_bms_clear(&w->bms, true, false);
}

static void
charging_restarts_after_reconnect_or_cell_at_301_or_soc_under_321_with_bit_2_of_329(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint16_t flags;
        double soc, one_mv;
        bool reconnects, restarts;
    } cases[] = {
        {"nothing", 4, 0.95, 4000.0, false, false},
        {"charger reconnected", 0, 0.95, 4000.0, true, true},
        {"a cell at 301 = 3000", 0, 0.95, 3000.0, false, true},
        {"a cell just over 301", 0, 0.95, 3002.0, false, false},
        {"SOC under 321 = 90, bit 2 set", 4, 0.899, 4000.0, false, true},
        {"SOC at 321, bit 2 set", 4, 0.901, 4000.0, false, false},
        {"SOC far under 321, bit 2 clear: in a house, never", 3, 0.20, 4000.0, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire w;
        print_message("    %s\n", cases[i].what);
        full(&w);
        unsigned count = w.bms.reg[111];
        bench_set(&w, 329, cases[i].flags);
        w.bms.soc = cases[i].soc;
        bench_cells(&w, 4000.0);
        bench_cell(&w, 6, cases[i].one_mv);
        if (cases[i].reconnects) {
            w.bms.config.charger = SIM_CHARGER_UNPLUGGED;
            bench_pass_s(&w, 2);
            w.bms.config.charger = SIM_CHARGER_HOUSE;
        }
        bench_pass_s(&w, 2);
        assert_int_equal(bench_events(&w, 0x62), cases[i].restarts);
        assert_int_equal(w.bms.reg[111], count + cases[i].restarts);
        assert_int_equal(w.bms.guard.charge_on, cases[i].restarts);
        bench_wants(&w, 10.0);
        bench_notice(&w);
        assert_int_equal(bench_amps(&w) > 9.0, cases[i].restarts);
    }
}

static void charging_that_ended_with_a_wrong_soc_restarts_once_not_for_ever(void **state) {
    (void)state;
    struct wire w;
    charging(&w);
    w.bms.soc = 0.60;
    bench_cells(&w, 4177.0); /* 0x38, with SOC far under register 321 = 90 */
    bench_pass_s(&w, 30);
    assert_int_equal(bench_events(&w, 0x38), 1);
    assert_int_equal(bench_events(&w, 0x62), 0);
    w.bms.soc = 0.549; /* 5 % less than at the end */
    bench_notice(&w);
    assert_int_equal(bench_events(&w, 0x62), 1);
}

static void a_pause_ends_too_when_soc_falls_under_321(void **state) {
    (void)state;
    struct wire w;
    charging(&w);
    w.bms.soc = 0.95;
    bench_cell(&w, 4, 4155.0);
    bench_notice(&w);
    bench_wants(&w, 0.0);
    bench_cells(&w, 3900.0);
    bench_cell(&w, 4, 3950.0); /* as uneven as before */
    w.bms.soc = 0.901;
    bench_notice(&w);
    bench_expect_switches(&w, "load");
    w.bms.soc = 0.899;
    bench_notice(&w);
    bench_expect_switches(&w, "both");
    assert_int_equal(bench_events(&w, 0x62), 1);
}

static void a_pause_at_a_low_count_does_not_end_at_once(void **state) {
    (void)state;
    struct wire w;
    charging(&w);
    w.bms.soc = 0.60; /* far under register 321 = 90 */
    bench_cell(&w, 4, 4155.0);
    bench_pass_s(&w, 60);
    bench_expect_switches(&w, "load");
    assert_int_equal(bench_events(&w, 0x62), 0);
    bench_wants(&w, 0.0);
    bench_cell(&w, 4, 4140.0);
    w.bms.soc = 0.549; /* 5 % less than when it paused */
    bench_notice(&w);
    assert_int_equal(bench_events(&w, 0x62), 1);
    bench_expect_switches(&w, "both");
}

static void what_comes_in_by_the_load_port_ends_no_charge(void **state) {
    (void)state;
    struct sim_bms_config cfg = bench_config(SIM_NMC);
    struct wire w;
    cfg.through_load_port = true;
    bench_init(&w, &cfg);
    bench_wants(&w, 0.9);
    bench_cells(&w, 4150.0);
    bench_pass_s(&w, 60);
    assert_int_equal(bench_events(&w, 0x63), 0);
    assert_true(bench_soc(&w) < 51.0);
}

static void charger_connected_and_disconnected_are_events(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    for (unsigned i = 1; i <= 2; i++) {
        w.bms.config.charger = SIM_CHARGER_UNPLUGGED;
        bench_notice(&w);
        assert_int_equal(bench_events(&w, 0x65), i);
        w.bms.config.charger = SIM_CHARGER_PLUGGED;
        bench_notice(&w);
        assert_int_equal(bench_events(&w, 0x64), i);
    }
    w.bms.config.charger = SIM_CHARGER_UNPLUGGED;
    bench_wants(&w, 10.0);
    bench_notice(&w);
    assert_true(bench_amps(&w) == 0.0);
}

static void a_pack_charged_to_300_times_the_cells_becomes_full_in_every_chemistry(void **state) {
    (void)state;
    for (unsigned k = 0; k < SIM_CHEMISTRY_COUNT; k++) {
        struct sim_bms_config cfg;
        struct wire w;
        sim_bms_defaults(&cfg);
        sim_pack_preset(&cfg.pack, (enum sim_chemistry_id)k);
        print_message("    %s\n", sim_chemistry((enum sim_chemistry_id)k)->name);
        cfg.pack.profile = SIM_PROFILE_CONSTANT;
        cfg.pack.start_soc = 0.90;
        cfg.pack.soc_spread = cfg.pack.capacity_spread = 0.0005;
        cfg.speed = 20.0;
        wire_init(&w, &cfg); /* the charger is set to register 300 x cells */
        bench_wants(&w, 15.0);
        for (unsigned minute = 0; minute < 600 && w.bms.reg[112] == 0; minute++)
            bench_pass_s(&w, 3);
        assert_int_equal(w.bms.reg[112], 1);
        assert_int_equal(sim_bms_get32(&w.bms, 46), 100000000);
        assert_true(w.bms.reg[41] < w.bms.reg[315]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            in_dual_port_one_cell_at_300_opens_the_charge_switch_and_balancing_goes_on),
        cmocka_unit_test(it_closes_again_once_the_imbalance_is_under_register_308),
        cmocka_unit_test(balancing_alone_closes_it_in_time),
        cmocka_unit_test(
            fully_charged_only_when_all_cells_at_300_imbalance_under_308_and_current_under_304),
        cmocka_unit_test(soc_snaps_to_100_at_full),
        cmocka_unit_test(a_charger_has_310_seconds_to_start_and_311_until_it_is_done),
        cmocka_unit_test(a_charger_that_paused_has_to_start_again),
        cmocka_unit_test(conditions_of_full_must_hold_on_end),
        cmocka_unit_test(a_charger_whose_voltage_is_too_high_gives_0x38_and_soc_is_not_corrected),
        cmocka_unit_test(a_charger_whose_voltage_is_too_low_gives_0x39_and_soc_is_not_corrected),
        cmocka_unit_test(little_sun_is_not_too_low_a_voltage),
        cmocka_unit_test(
            charging_restarts_after_reconnect_or_cell_at_301_or_soc_under_321_with_bit_2_of_329),
        cmocka_unit_test(charging_that_ended_with_a_wrong_soc_restarts_once_not_for_ever),
        cmocka_unit_test(a_pause_ends_too_when_soc_falls_under_321),
        cmocka_unit_test(a_pause_at_a_low_count_does_not_end_at_once),
        cmocka_unit_test(what_comes_in_by_the_load_port_ends_no_charge),
        cmocka_unit_test(charger_connected_and_disconnected_are_events),
        cmocka_unit_test(a_pack_charged_to_300_times_the_cells_becomes_full_in_every_chemistry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
