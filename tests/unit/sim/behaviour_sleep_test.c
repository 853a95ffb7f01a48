/* SPDX-License-Identifier: MIT */
/* How a TinyBMS sleeps and wakes, each test one sentence of what is known of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench.h"

/* A device that may sleep, without a charger. */
static void sleeper(struct wire *w) {
    struct sim_bms_config cfg = bench_config(SIM_NMC);
    cfg.sleeps = true;
    cfg.charger = SIM_CHARGER_UNPLUGGED;
    bench_init(w, &cfg);
}

static void fall_asleep(struct wire *w) {
    bench_pass_s(w, 11);
    assert_true(w->bms.asleep);
}

static void it_measures_every_100_ms_and_faster_polling_brings_nothing_new(void **state) {
    (void)state;
    struct sim_bms_config cfg = bench_config(SIM_NMC);
    struct wire w;
    cfg.cell_noise_mv = 5.0; /* each measurement differs from the one before */
    bench_init(&w, &cfg);
    unsigned changes = 0;
    uint16_t before[16];
    for (unsigned ms = 0; ms < 2000; ms += 20) {
        for (unsigned i = 0; i < 16; i++)
            before[i] = w.bms.reg[i];
        bench_pass_ms(&w, 20);
        bool same = true;
        for (unsigned i = 0; i < 16; i++)
            same = same && w.bms.reg[i] == before[i];
        changes += !same;
    }
    assert_int_equal(changes, 20); /* 2 s */
}

static void it_sleeps_10_s_after_the_last_activity(void **state) {
    (void)state;
    struct wire w;
    sleeper(&w);
    wire_ask(&w, "AA 1B"); /* takes 100 ms */
    bench_pass_ms(&w, 9800);
    assert_false(w.bms.asleep);
    bench_pass_ms(&w, 200);
    assert_true(w.bms.asleep);
}

static void uart_traffic_wakes_it_and_keeps_it_awake(void **state) {
    (void)state;
    struct wire w;
    sleeper(&w);
    fall_asleep(&w);
    wire_ask(&w, "AA 1B");
    bench_pass_s(&w, 1);
    assert_false(w.bms.asleep);
    for (unsigned i = 0; i < 5; i++) {
        bench_pass_s(&w, 9);
        wire_ask(&w, "AA 1B");
        assert_int_equal(w.n, 11);
    }
}

static void charger_ignition_or_load_keep_it_awake(void **state) {
    (void)state;
    static const struct {
        const char *what;
        enum sim_charger charger;
        bool ignition;
        uint16_t reg_334;
        double wants;
        bool sleeps;
    } cases[] = {
        {"nothing", SIM_CHARGER_UNPLUGGED, false, 3, 0.0, true},
        {"a charger by hand", SIM_CHARGER_PLUGGED, false, 0, 0.0, false},
        {"a house that charges", SIM_CHARGER_HOUSE, false, 0, 5.0, false},
        {"a house that does not", SIM_CHARGER_HOUSE, false, 0, 0.0, true},
        {"ignition", SIM_CHARGER_UNPLUGGED, true, 3, 0.0, false},
        {"ignition that register 334 disables", SIM_CHARGER_UNPLUGGED, true, 0, 0.0, true},
        {"a load", SIM_CHARGER_UNPLUGGED, false, 0, -5.0, false},
        {"a load of 0.5 A, too little to notice", SIM_CHARGER_UNPLUGGED, false, 0, -0.5, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire w;
        print_message("    %s\n", cases[i].what);
        sleeper(&w);
        bench_set(&w, 334, cases[i].reg_334);
        w.bms.config.charger = cases[i].charger;
        w.bms.config.ignition = cases[i].ignition;
        bench_wants(&w, cases[i].wants);
        bench_pass_s(&w, 30);
        assert_int_equal(w.bms.asleep, cases[i].sleeps);
    }
}

static void endless_polling_drains_a_stored_pack(void **state) {
    (void)state;
    double left[2];
    for (unsigned polled = 0; polled < 2; polled++) {
        struct wire w;
        sleeper(&w);
        w.bms.config.speed = 36000.0; /* a tenth of a second is an hour */
        for (unsigned i = 0; i < 30 * 24; i++) {
            if (polled)
                wire_ask(&w, "AA 1B"); /* takes 100 ms */
            else
                bench_pass_ms(&w, 100);
        }
        left[polled] = w.bms.pack.cell[0].soc;
    }
    /* 30 days at 20 mA against (all but 10 s of them) 0.5 mA, of 500 Ah: 2.88 % against 0.07 %;
     * self-discharge is in both, and so are the first 10 s, which are 100 hours here: 0.39 % */
    assert_true(left[0] - left[1] > 0.0235 && left[0] - left[1] < 0.0245);
}

/* After under-voltage, with the fault pending: it would sleep, but for the questions. */
static void polling_keeps_an_empty_bms_awake_and_empties_it_further(void **state) {
    (void)state;
    double left[2];
    for (unsigned polled = 0; polled < 2; polled++) {
        struct wire w;
        sleeper(&w);
        bench_cells(&w, 2850.0); /* under register 316 = 2900 */
        bench_notice(&w);
        assert_int_equal(w.bms.reg[50], 0x9B);
        assert_int_equal(bench_events(&w, 0x31), 1); /* and under 301 */
        w.bms.config.speed = 3600.0;                 /* a second is an hour */
        for (unsigned i = 0; i < 600; i++) {
            if (polled)
                wire_ask(&w, "AA 18"); /* takes 100 ms */
            else
                bench_pass_ms(&w, 100);
        }
        assert_int_equal(w.bms.asleep, polled == 0);
        left[polled] = w.bms.pack.cell[0].soc;
    }
    /* 50 of the 60 hours, those after the first 10 s, at 20 mA against 0.5 mA, of 500 Ah: 0.195 %
     */
    assert_true(left[0] - left[1] > 0.00185 && left[0] - left[1] < 0.00205);
}

static void
a_sleeping_bms_looks_at_its_uart_once_a_second_and_swallows_the_first_command(void **state) {
    (void)state;
    uint64_t longest_ms = 0, shortest_ms = UINT64_MAX;
    for (unsigned late_ms = 0; late_ms < 1000; late_ms += 50) { /* every phase of its looking */
        struct wire w;
        sleeper(&w);
        fall_asleep(&w);
        bench_pass_ms(&w, late_ms);
        uint64_t asked_us = w.now_us;
        uint32_t heard = w.bms.counters.requests;
        wire_ask(&w, "AA 1B");
        while (w.bms.asleep)
            bench_pass_ms(&w, 10);
        uint64_t ms = (w.now_us - asked_us) / 1000;
        longest_ms = ms > longest_ms ? ms : longest_ms;
        shortest_ms = ms < shortest_ms ? ms : shortest_ms;
        bench_pass_s(&w, 2);
        assert_int_equal(w.bms.counters.requests, heard); /* swallowed */
        wire_ask(&w, "AA 1B");
        assert_int_equal(w.n, 11); /* it answers the second */
    }
    assert_in_range(longest_ms, 900, 1010);
    assert_in_range(shortest_ms, 50, 110); /* the wait of the first ask is in it */
}

static void wake_up_retries_that_span_2_s_reach_it_whenever_they_start(void **state) {
    (void)state;
    for (unsigned late_ms = 0; late_ms < 1000; late_ms += 50) {
        struct wire w;
        sleeper(&w);
        fall_asleep(&w);
        bench_pass_ms(&w, late_ms);
        bool answered = false;
        for (unsigned i = 0; i <= 4; i++) { /* at 0, 0.5, 1, 1.5, 2 s */
            wire_ask(&w, "AA 1B");
            answered = answered || w.n == 11;
            bench_pass_ms(&w, 400);
        }
        assert_true(answered);
    }
}

static void asleep_with_ignition_enabled_both_switches_are_off(void **state) {
    (void)state;
    struct wire w;
    sleeper(&w);
    bench_set(&w, 334, 3);
    bench_wants(&w, -0.5); /* too little to keep it awake */
    bench_notice(&w);
    assert_true(w.bms.pack.current_a == -0.5);
    fall_asleep(&w);
    bench_notice(&w);
    assert_true(w.bms.pack.current_a == 0.0);
    bench_wants(&w, -5.0);
    bench_notice(&w);
    assert_true(w.bms.pack.current_a == 0.0);
    assert_true(w.bms.asleep);
}

static void asleep_without_ignition_dual_port_has_charge_off_and_load_on(void **state) {
    (void)state;
    bool charge_on, discharge_on;
    struct wire w;
    sleeper(&w);
    bench_wants(&w, -0.5);
    fall_asleep(&w);
    bench_notice(&w);
    assert_true(w.bms.pack.current_a == -0.5);
    sim_bms_sleep_switches(&w.bms, &charge_on, &discharge_on);
    assert_false(charge_on);
    assert_true(discharge_on);
}

static void asleep_in_single_port_the_switch_stays_as_it_was(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint16_t reg_334;
        double mv;
        bool on;
    } cases[] = {{"on", 0, 3700.0, true},
                 {"off: under 301", 0, 2950.0, false},
                 {"with ignition: off", 3, 3700.0, false}};
    for (unsigned i = 0; i < 3; i++) {
        bool charge_on, discharge_on;
        struct wire w;
        print_message("    %s\n", cases[i].what);
        sleeper(&w);
        bench_set(&w, 340, 1);
        bench_set(&w, 334, cases[i].reg_334);
        bench_cell(&w, 1, cases[i].mv);
        fall_asleep(&w);
        sim_bms_sleep_switches(&w.bms, &charge_on, &discharge_on);
        assert_int_equal(charge_on, cases[i].on);
        assert_int_equal(discharge_on, cases[i].on);
    }
}

static void what_flows_while_it_sleeps_is_not_counted(void **state) {
    (void)state;
    struct wire w;
    sleeper(&w);
    w.bms.config.speed = 100.0;
    bench_wants(&w, -0.5);
    fall_asleep(&w);
    double counted = w.bms.soc, truth = w.bms.pack.cell[0].soc;
    bench_pass_s(&w, 36); /* an hour: 0.5 of 500 Ah */
    wire_ask(&w, "AA 1B");
    bench_pass_s(&w, 1);
    assert_false(w.bms.asleep);
    assert_true(truth - w.bms.pack.cell[0].soc > 0.00099);
    assert_true(counted - w.bms.soc < 0.0001);
}

static void what_woke_it_stands_in_the_high_byte_of_register_114(void **state) {
    (void)state;
    static const struct {
        const char *what;
        unsigned cause;
    } cases[] = {{"charger", 0}, {"ignition", 1}, {"discharge", 2}, {"UART", 3}};
    for (unsigned i = 0; i < 4; i++) {
        struct wire w;
        print_message("    %s\n", cases[i].what);
        sleeper(&w);
        w.bms.reg[114] = 0xFF05;
        if (cases[i].cause == 1)
            bench_set(&w, 334, 3);
        fall_asleep(&w);
        if (cases[i].cause == 0)
            w.bms.config.charger = SIM_CHARGER_PLUGGED;
        else if (cases[i].cause == 1)
            w.bms.config.ignition = true;
        else if (cases[i].cause == 2)
            bench_wants(&w, -5.0);
        else
            wire_ask(&w, "AA 1B");
        bench_pass_s(&w, 1);
        assert_false(w.bms.asleep);
        assert_int_equal(w.bms.reg[114] >> 8, cases[i].cause);
        assert_int_equal(w.bms.reg[114] & 0xFF, 5); /* power-on stays the last reset */
    }
}

static void some_conditions_put_it_to_sleep_with_a_fault_pending(void **state) {
    (void)state;
    struct wire w;
    sleeper(&w);
    bench_cell(&w, 3, 2800.0); /* under register 316 = 2900 */
    bench_notice(&w);
    assert_int_equal(w.bms.reg[50], 0x9B);
    fall_asleep(&w);
    wire_ask(&w, "AA 1B");
    bench_pass_s(&w, 1);
    wire_ask(&w, "AA 18");
    wire_expect_frame(&w, "AA 18 9B 00");
    assert_int_equal(bench_events(&w, 0x02), 1); /* the same fault, told once */
}

static void asleep_it_broadcasts_nothing_and_its_clock_goes_on(void **state) {
    (void)state;
    struct wire w;
    sleeper(&w);
    bench_set(&w, 342, 1);
    bench_pass_s(&w, 1);
    assert_true(w.n > 0);
    fall_asleep(&w);
    uint32_t clock_s = sim_bms_get32(&w.bms, 32);
    bench_pass_s(&w, 60);
    assert_int_equal(w.n, 0);
    assert_int_equal(sim_bms_get32(&w.bms, 32), clock_s + 60);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_measures_every_100_ms_and_faster_polling_brings_nothing_new),
        cmocka_unit_test(it_sleeps_10_s_after_the_last_activity),
        cmocka_unit_test(uart_traffic_wakes_it_and_keeps_it_awake),
        cmocka_unit_test(charger_ignition_or_load_keep_it_awake),
        cmocka_unit_test(endless_polling_drains_a_stored_pack),
        cmocka_unit_test(polling_keeps_an_empty_bms_awake_and_empties_it_further),
        cmocka_unit_test(
            a_sleeping_bms_looks_at_its_uart_once_a_second_and_swallows_the_first_command),
        cmocka_unit_test(wake_up_retries_that_span_2_s_reach_it_whenever_they_start),
        cmocka_unit_test(asleep_with_ignition_enabled_both_switches_are_off),
        cmocka_unit_test(asleep_without_ignition_dual_port_has_charge_off_and_load_on),
        cmocka_unit_test(asleep_in_single_port_the_switch_stays_as_it_was),
        cmocka_unit_test(what_flows_while_it_sleeps_is_not_counted),
        cmocka_unit_test(what_woke_it_stands_in_the_high_byte_of_register_114),
        cmocka_unit_test(some_conditions_put_it_to_sleep_with_a_fault_pending),
        cmocka_unit_test(asleep_it_broadcasts_nothing_and_its_clock_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
