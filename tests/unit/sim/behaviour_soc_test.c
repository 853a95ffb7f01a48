/* SPDX-License-Identifier: MIT */
/* Counted charge, records and events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench.h"

/* A day of 24 half-hours: 20 A in, 20 A out, by a 100 Ah pack between about 45 and 55 %. */
static void cycle_for_a_day(struct wire *w) {
    for (unsigned i = 0; i < 48; i++) {
        bench_wants(w, i % 2 == 0 ? 19.0 : -19.0);
        bench_pass_s(w, 18); /* half an hour at 100 times real speed */
    }
}

static void small_pack(struct wire *w, double offset_a, double gain, double capacity_error) {
    struct sim_bms_config cfg = bench_config(SIM_NMC);
    cfg.pack.capacity_ah = 100.0;
    cfg.pack.self_discharge = 0.0;
    cfg.current_offset_a = offset_a;
    cfg.current_gain = gain;
    cfg.capacity_error = capacity_error;
    cfg.speed = 100.0;
    bench_init(w, &cfg);
}

static void counted_soc_follows_the_current_that_is_measured(void **state) {
    (void)state;
    struct wire w;
    small_pack(&w, 0.0, 0.0, 0.0);
    bench_wants(&w, 10.0);
    bench_pass_s(&w, 36); /* an hour: 10 of 100 Ah */
    assert_in_range((unsigned)(bench_soc(&w) * 100.0 + 0.5), 5998, 6002);
    assert_in_range((unsigned)(w.bms.pack.cell[0].soc * 10000.0 + 0.5), 5995, 6000);
}

static void counted_soc_drifts_with_an_offset_of_the_current_sensor(void **state) {
    (void)state;
    struct wire w;
    small_pack(&w, 0.2, 0.0, 0.0);
    cycle_for_a_day(&w);
    /* 0.2 A for 24 h = 4.8 Ah = 4.8 % too much, and the 20 mA of the device itself (0.48 Ah) are
     * not counted: 5.3 % apart */
    bench_wants(&w, 0.0);
    bench_notice(&w);
    assert_true(bench_amps(&w) > 0.199 && bench_amps(&w) < 0.201);
    double apart = bench_soc(&w) - 100.0 * w.bms.pack.cell[0].soc;
    assert_true(apart > 5.2 && apart < 5.4);
}

static void counted_soc_is_wrong_where_the_sensors_gain_or_the_capacity_is(void **state) {
    (void)state;
    static const struct {
        const char *what;
        double gain, capacity_error, percent;
    } cases[] = {
        {"right", 0.0, 0.0, 60.0},
        {"the sensor shows 10 % too much", 0.10, 0.0, 61.0},
        {"register 306 is 25 % too large", 0.0, 0.25, 58.0}, /* 10 of 125 Ah */
    };
    for (size_t i = 0; i < 3; i++) {
        struct wire w;
        print_message("    %s\n", cases[i].what);
        small_pack(&w, 0.0, cases[i].gain, cases[i].capacity_error);
        bench_wants(&w, 10.0);
        bench_pass_s(&w, 36);
        double off = bench_soc(&w) - cases[i].percent;
        assert_true(off > -0.05 && off < 0.05);
        double shown_a = 10.0 * (1.0 + cases[i].gain);
        assert_true(bench_amps(&w) > shown_a - 0.01 && bench_amps(&w) < shown_a + 0.01);
    }
}

static void counted_soc_can_be_wrong_by_tens_of_percent_and_snaps_back_at_full(void **state) {
    (void)state;
    struct wire w;
    small_pack(&w, -0.2, 0.0, 0.0);
    for (unsigned day = 0; day < 5; day++)
        cycle_for_a_day(&w);
    double truth = 100.0 * w.bms.pack.cell[0].soc;
    assert_true(bench_soc(&w) < truth - 20.0); /* 5 x 4.8 %, less the device's own 2.4 % */
    sim_bms_set_house(&w.bms, 14 * 4.15, 100.0, 100.0);
    bench_wants(&w, 19.0);
    for (unsigned i = 0; i < 600 && w.bms.reg[112] == 0; i++)
        bench_pass_s(&w, 1);
    assert_int_equal(bench_events(&w, 0x63), 1);
    assert_true(bench_soc(&w) > 99.9); /* and drifts again from there */
}

static void counted_soc_stays_within_0_and_100(void **state) {
    (void)state;
    struct wire w;
    small_pack(&w, 0.0, 0.0, 0.0);
    w.bms.soc = 0.999;
    bench_wants(&w, 10.0);
    bench_pass_s(&w, 36);
    assert_int_equal(sim_bms_get32(&w.bms, 46), 100000000);
    bench_wants(&w, -10.0);
    bench_pass_s(&w, 18); /* half an hour */
    assert_in_range((unsigned)bench_soc(&w), 94, 95);
    w.bms.soc = 0.001;
    bench_pass_s(&w, 36);
    assert_int_equal(sim_bms_get32(&w.bms, 46), 0);
    bench_wants(&w, 10.0);
    bench_pass_s(&w, 18);
    assert_in_range((unsigned)bench_soc(&w), 4, 5);
}

static void the_time_left_is_that_of_the_counted_charge(void **state) {
    (void)state;
    static const struct {
        const char *what;
        double amps;
        uint32_t seconds;
    } cases[] = {
        {"50 of 100 Ah at 10 A out: 5 h", -10.0, 18000},
        {"19 A into the other 50 Ah: 50 / 19 h", 19.0, 9474},
        {"nothing flows", 0.0, 0},
        {"0.04 A: as good as nothing", -0.04, 0},
        {"0.051 A: 980 h", -0.051, 3529412},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire w;
        print_message("    %s\n", cases[i].what);
        small_pack(&w, 0.0, 0.0, 0.0);
        w.bms.config.speed = 1.0;
        bench_wants(&w, cases[i].amps);
        bench_notice(&w);
        uint32_t told = sim_bms_get32(&w.bms, 34);
        assert_true(told <= cases[i].seconds && told + 2 >= cases[i].seconds);
    }
}

static void registers_102_103_113_are_records_since_the_last_clear(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    bench_temperature(&w, 30.4);
    bench_wants(&w, -25.0);
    bench_notice(&w);
    bench_temperature(&w, 12.2);
    bench_wants(&w, 15.0);
    bench_notice(&w);
    bench_temperature(&w, 20.0);
    bench_wants(&w, 0.0);
    bench_pass_s(&w, 1200); /* the voltages come to rest */
    bench_cells(&w, 3700.0);
    bench_cell(&w, 4, 3723.0);
    bench_notice(&w);
    bench_cells(&w, 3700.0);
    bench_notice(&w);
    assert_int_equal(w.bms.reg[102], 250);
    assert_int_equal(w.bms.reg[103], 150);
    assert_int_equal(w.bms.reg[104], 230);
    assert_int_equal(w.bms.reg[113], 30 << 8 | 12);
    wire_ask(&w, "AA 02 02");
    wire_expect_frame(&w, "AA 01 02");
    assert_int_equal(w.bms.reg[102], 0);
    assert_int_equal(w.bms.reg[103], 0);
    assert_int_equal(w.bms.reg[113], 20 << 8 | 20); /* 20.0 and 20.4 */
}

/* What shows the cells, and what follows from them: voltages, imbalance, balancing. */
static bool tells_of_cells(unsigned addr) {
    return addr < 16 || addr == 36 || addr == 37 || addr == 40 || addr == 41 || addr == 51 ||
           addr == 52 || addr == 104;
}

/* The same device with and without a cell beyond a threshold, for as long. Nothing flows, so that
 * nothing but a switch differs: no register does. */
static void no_register_says_what_may_flow_and_none_which_switch_is_open(void **state) {
    (void)state;
    static const struct {
        const char *what, *switches;
        double before_mv, beyond_mv;
        bool event;
    } cases[] = {
        {"one cell at 300: the charge switch", "load", 4149.0, 4151.0, false},
        {"one cell under 301: the load switch", "charge", 3001.0, 2999.0, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire before, beyond;
        print_message("%s\n", cases[i].what);
        bench_init(&before, NULL);
        bench_init(&beyond, NULL);
        bench_cell(&before, 3, cases[i].before_mv);
        bench_cell(&beyond, 3, cases[i].beyond_mv);
        bench_notice(&before);
        bench_notice(&beyond);
        bench_expect_switches(&before, "both");
        bench_expect_switches(&beyond, cases[i].switches);
        for (unsigned addr = 0; addr < SIM_BMS_REGISTERS; addr++) {
            bool events = addr >= 200 && addr < 298 && cases[i].event;
            if (!tells_of_cells(addr) && !events)
                assert_int_equal(before.bms.reg[addr], beyond.bms.reg[addr]);
        }
    }
}

static void registers_328_and_323_read_0xFFFF(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    for (unsigned round = 0; round < 2; round++) {
        wire_ask(&w, "AA 03 01 48 00 01");
        wire_expect_frame(&w, "AA 03 02 FF FF");
        wire_ask(&w, "AA 03 01 43 00 01");
        wire_expect_frame(&w, "AA 03 02 FF FF");
        bench_set(&w, 328, 20000); /* 40 %, taken over */
        bench_set(&w, 323, 45000); /* 90 % */
        bench_notice(&w);
        assert_true(bench_soc(&w) > 39.99 && bench_soc(&w) < 40.01);
        assert_int_equal(w.bms.reg[45], 45000);
    }
}

static void events_have_the_time_of_the_bms_clock(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    sim_bms_put32(&w.bms, 32, 0x01FFFFFA); /* the upper byte is not in an event */
    bench_pass_s(&w, 3);
    bench_cell(&w, 1, 2999.0);
    bench_notice(&w);
    assert_int_equal(bench_event_clock(&w, 0x31), 0xFFFFFD);
    bench_pass_s(&w, 4); /* over the wrap of 24 bits */
    bench_cell(&w, 1, 3100.0);
    bench_notice(&w);
    assert_int_equal(bench_event_clock(&w, 0x7A), 0x000001);
    wire_ask(&w, "AA 11");
    wire_expect_frame(&w, "AA 11 0C 01 00 00 02 FD FF FF 31 01 00 00 7A");
}

static void every_recovery_from_0x73_to_0x7B_has_its_event_after_its_cause(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    bench_temperature(&w, 65.0);
    bench_notice(&w);
    bench_temperature(&w, -45.0);
    bench_pass_s(&w, 7);
    bench_temperature(&w, 20.0);
    bench_pass_s(&w, 7);
    bench_wants(&w, 25.0);
    bench_notice(&w);
    bench_wants(&w, -95.0);
    bench_notice(&w);
    bench_wants(&w, 0.0);
    bench_pass_s(&w, 7);
    w.bms.config.through_load_port = true;
    bench_wants(&w, 65.0);
    bench_notice(&w);
    bench_wants(&w, 0.0);
    bench_pass_s(&w, 7);
    bench_cell(&w, 1, 4210.0);
    bench_notice(&w);
    bench_cell(&w, 1, 2890.0);
    bench_pass_s(&w, 7);
    bench_cell(&w, 1, 3700.0);
    bench_wants(&w, 1.0);
    bench_notice(&w);
    static const uint8_t pairs[][2] = {{0x04, 0x73}, {0x37, 0x74}, {0x0A, 0x75},
                                       {0x06, 0x76}, {0x05, 0x77}, {0x07, 0x78},
                                       {0x03, 0x79}, {0x31, 0x7A}, {0x02, 0x7B}};
    for (unsigned i = 0; i < 9; i++) {
        print_message("    %02X, %02X\n", pairs[i][0], pairs[i][1]);
        assert_int_equal(bench_events(&w, pairs[i][0]), 1);
        assert_int_equal(bench_events(&w, pairs[i][1]), 1);
        assert_true(bench_event_clock(&w, pairs[i][1]) >= bench_event_clock(&w, pairs[i][0]));
    }
    static const uint16_t counts[] = {1, 1, 1, 2, 1}; /* 108: charge and regeneration */
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(w.bms.reg[105 + i], counts[i]);
    assert_int_equal(w.bms.reg[101], 0); /* warnings are counted nowhere */
    assert_int_equal(w.bms.reg[110], 0);
}

static void a_long_pause_is_caught_up_in_one_call(void **state) {
    (void)state;
    static const uint64_t days[] = {1, 30, 400};
    for (unsigned i = 0; i < 3; i++) {
        struct sim_bms_config cfg = bench_config(SIM_NMC);
        struct wire w;
        cfg.pack.self_discharge_spread = 0.0;
        bench_init(&w, &cfg);
        uint32_t clock_s = sim_bms_get32(&w.bms, 32);
        w.now_us += days[i] * 86400000000u;
        uint64_t next_us = sim_bms_step(&w.bms, w.now_us);
        assert_true(next_us > w.now_us && next_us <= w.now_us + 100000);
        assert_int_equal(sim_bms_get32(&w.bms, 32), clock_s + (uint32_t)days[i] * 86400u);
        /* 2 % of self-discharge in 30 days, and 20 mA for the device: 0.48 of 500 Ah a day */
        double gone = (0.02 / 30.0 + 0.48 / 500.0) * (double)days[i];
        double off = 0.5 - w.bms.pack.cell[0].soc - gone;
        assert_true(off > -0.001 * gone && off < 0.001 * gone);
        wire_ask(&w, "AA 1B");
        assert_int_equal(w.n, 11);
    }
}

static void a_read_of_registers_0_to_53_takes_about_12_ms(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    uint64_t asked_us = w.now_us;
    wire_ask(&w, "AA 03 00 00 00 36");
    /* (8 + 113) x 86.8 us = 10.5 ms of wire, and what the device needs to begin */
    assert_int_equal(w.n, 113);
    assert_in_range(w.last_us - asked_us, 10500, 12500);
}

static void every_command_has_one_exact_reply(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    for (unsigned i = 0; i < 100; i++) {
        uint32_t replies = w.bms.counters.replies;
        wire_ask(&w, "AA 03 00 32 00 01");
        wire_expect_frame(&w, "AA 03 02 00 97");
        bench_pass_s(&w, 1);
        assert_int_equal(w.n, 0);
        assert_int_equal(w.bms.counters.replies, replies + 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counted_soc_follows_the_current_that_is_measured),
        cmocka_unit_test(counted_soc_drifts_with_an_offset_of_the_current_sensor),
        cmocka_unit_test(counted_soc_is_wrong_where_the_sensors_gain_or_the_capacity_is),
        cmocka_unit_test(counted_soc_can_be_wrong_by_tens_of_percent_and_snaps_back_at_full),
        cmocka_unit_test(counted_soc_stays_within_0_and_100),
        cmocka_unit_test(the_time_left_is_that_of_the_counted_charge),
        cmocka_unit_test(registers_102_103_113_are_records_since_the_last_clear),
        cmocka_unit_test(no_register_says_what_may_flow_and_none_which_switch_is_open),
        cmocka_unit_test(registers_328_and_323_read_0xFFFF),
        cmocka_unit_test(events_have_the_time_of_the_bms_clock),
        cmocka_unit_test(every_recovery_from_0x73_to_0x7B_has_its_event_after_its_cause),
        cmocka_unit_test(a_long_pause_is_caught_up_in_one_call),
        cmocka_unit_test(a_read_of_registers_0_to_53_takes_about_12_ms),
        cmocka_unit_test(every_command_has_one_exact_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
