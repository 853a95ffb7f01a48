/* SPDX-License-Identifier: MIT */
/* Settings: their order, the ranges of this unit, the operation mode, broadcast, and what older
 * firmware does not know. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "bench.h"

/* Writes one register over the wire; true if it was acknowledged. */
static bool write_over_wire(struct wire *w, unsigned addr, unsigned value) {
    char text[64];
    (void)snprintf(text, sizeof text, "AA 10 %02X %02X 00 01 02 %02X %02X", addr >> 8, addr & 0xFF,
                   value >> 8, value & 0xFF);
    wire_ask(w, text);
    assert_true(w->n == 8 || w->n == 6);
    if (w->n == 6)
        wire_expect_frame(w, "AA 00 10 00");
    return w->n == 8;
}

static void settings_obey_an_order_and_what_breaks_it_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *what;
        unsigned addr, value;
        bool taken;
    } cases[] = {
        {"316 + 10 = 301", 301, 2910, true},  {"316 + 9 = 301", 301, 2909, false},
        {"301 + 10 = 300", 300, 3010, true},  {"301 + 9 = 300", 300, 3009, false},
        {"300 + 10 = 315", 315, 4160, true},  {"300 + 9 = 315", 315, 4159, false},
        {"305 one over 317", 305, 61, true},  {"305 = 317", 305, 60, false},
        {"317 one under 305", 317, 89, true}, {"317 = 305", 317, 90, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire w;
        print_message("    %s\n", cases[i].what);
        bench_init(&w, NULL);
        uint16_t before = w.bms.reg[cases[i].addr];
        assert_int_equal(write_over_wire(&w, cases[i].addr, cases[i].value), cases[i].taken);
        assert_int_equal(w.bms.reg[cases[i].addr], cases[i].taken ? cases[i].value : before);
    }
}

static void several_are_written_in_an_order_that_never_breaks_it(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    assert_false(write_over_wire(&w, 300, 4250)); /* over 315 - 10 */
    assert_true(write_over_wire(&w, 315, 4300));
    assert_true(write_over_wire(&w, 300, 4250));
    assert_false(write_over_wire(&w, 315, 4200)); /* and back: under 300 + 10 */
    assert_true(write_over_wire(&w, 300, 4150));
    assert_true(write_over_wire(&w, 315, 4200));
}

static void real_ranges_of_this_unit_are_told_by_0x1D(void **state) {
    (void)state;
    static const struct {
        const char *what;
        enum sim_current_sensor sensor;
        unsigned most_a, peak_a, reg_501;
    } cases[] = {
        {"30 A version: internal resistor, low power", SIM_SENSOR_RESISTOR, 30, 60, 0x0001},
        {"150 A version: internal Hall sensor", SIM_SENSOR_HALL, 150, 300, 0x0301},
        {"750 A version: external sensor", SIM_SENSOR_EXTERNAL, 750, 1500, 0x0501},
    };
    for (size_t i = 0; i < 3; i++) {
        struct sim_bms_config cfg = bench_config(SIM_NMC);
        struct wire w;
        print_message("    %s\n", cases[i].what);
        cfg.current_sensor = cases[i].sensor;
        cfg.low_power = cases[i].sensor == SIM_SENSOR_RESISTOR;
        bench_init(&w, &cfg);
        assert_int_equal(w.bms.reg[501], cases[i].reg_501);
        wire_ask(&w, "AA 1D 02 00 14"); /* maxima of 300-319 */
        assert_int_equal(w.n, 3 + 40 + 2);
        assert_int_equal(w.rx[3 + 2 * 17] | w.rx[4 + 2 * 17] << 8, cases[i].most_a);
        assert_int_equal(w.rx[3 + 2 * 18] | w.rx[4 + 2 * 18] << 8, cases[i].most_a);
        assert_int_equal(w.rx[3 + 2 * 5] | w.rx[4 + 2 * 5] << 8, cases[i].peak_a);
        assert_true(write_over_wire(&w, 305, cases[i].peak_a));
        assert_true(write_over_wire(&w, 317, cases[i].most_a));
        assert_false(write_over_wire(&w, 317, cases[i].most_a + 1));
        assert_false(write_over_wire(&w, 305, cases[i].peak_a + 1));
    }
}

/* Ranges as the register map gives them; low_byte: the high byte is reserved. 317, 318 and 305 of
 * this unit are in the test above; 300, 301, 315 and 316 have an order to obey as well. */
/* clang-format off */
static const struct {
    uint16_t addr, min, max;
    bool low_byte, ordered;
} ranges[] = {
    {300, 1200, 4500, false, true},  {301, 1000, 3500, false, true},  {303, 1000, 4500, false, false},
    {304, 100, 5000, false, false},  {306, 10, 65500, false, false},  {307, 4, 16, false, false},
    {308, 15, 100, false, false},    {310, 5, 60, false, false},      {311, 0, 60, false, false},
    {314, 1, 5, false, false},       {315, 1200, 4500, false, true},  {316, 800, 3500, false, true},
    {317, 1, 150, false, true},      {318, 1, 150, false, false},     {319, 20, 90, false, false},
    {321, 60, 95, false, false},     {322, 10, 65000, false, false},  {323, 0, 50000, false, false},
    {328, 0, 50000, false, false},   {331, 0, 8, true, false},        {332, 0, 30, true, false},
    {333, 1, 9, true, false},        {334, 0, 6, true, false},        {335, 1, 7, true, false},
    {336, 0, 2, true, false},        {337, 0, 16, true, false},       {338, 0, 7, true, false},
    {339, 0, 1, true, false},        {340, 0, 1, true, false},        {341, 0, 8, true, false},
    {342, 0, 7, true, false},        {343, 0, 2, true, false},
};
/* clang-format on */

static void every_setting_takes_what_is_in_its_range_and_nothing_beyond(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        const uint16_t addr = ranges[i].addr, min = ranges[i].min, max = ranges[i].max;
        struct wire w;
        bench_init(&w, NULL);
        print_message("    register %u\n", addr);
        assert_int_equal(sim_bms_setting(&w.bms, 1, addr), min);
        assert_int_equal(sim_bms_setting(&w.bms, 2, addr), max);
        uint16_t above = (uint16_t)(max + 1), below = (uint16_t)(min - 1);
        assert_false(sim_bms_write(&w.bms, addr, &above, 1));
        if (min > 0)
            assert_false(sim_bms_write(&w.bms, addr, &below, 1));
        if (ranges[i].ordered)
            continue;
        assert_true(sim_bms_write(&w.bms, addr, &max, 1));
        assert_true(sim_bms_write(&w.bms, addr, &min, 1));
        uint16_t reserved = (uint16_t)(0xA500 | min);
        if (ranges[i].low_byte) {
            assert_true(sim_bms_write(&w.bms, addr, &reserved, 1));
            assert_int_equal(w.bms.reg[addr], reserved);
        }
    }
}

static void register_320_is_signed(void **state) {
    (void)state;
    static const struct {
        uint16_t value;
        bool taken;
    } cases[] = {{(uint16_t)-41, false}, {(uint16_t)-40, true}, {0, true}, {10, true}, {11, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire w;
        bench_init(&w, NULL);
        assert_int_equal(write_over_wire(&w, 320, cases[i].value), cases[i].taken);
    }
}

static void pulses_and_the_two_bytes_of_330_have_ranges_of_their_own(void **state) {
    (void)state;
    static const struct {
        const char *what, *request;
        bool taken;
    } cases[] = {
        {"312-313 = 0", "AA 10 01 38 00 02 04 00 00 00 00", false},
        {"312-313 = 1", "AA 10 01 38 00 02 04 00 01 00 00", true},
        {"312-313 = 100000 = 0x000186A0", "AA 10 01 38 00 02 04 86 A0 00 01", true},
        {"312-313 = 100001", "AA 10 01 38 00 02 04 86 A1 00 01", false},
        {"330: 30 s, CC/CV", "AA 10 01 4A 00 01 02 1E 01", true},
        {"330: 31 s", "AA 10 01 4A 00 01 02 1F 01", false},
        {"330: charger type 3", "AA 10 01 4A 00 01 02 05 03", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire w;
        print_message("    %s\n", cases[i].what);
        bench_init(&w, NULL);
        wire_ask(&w, cases[i].request);
        assert_int_equal(w.n, cases[i].taken ? 8 : 6);
    }
}

static void writing_340_restarts_the_bms(void **state) {
    (void)state;
    static const struct {
        const char *what, *request;
        unsigned event;
    } cases[] = {
        {"single port", "AA 10 01 54 00 01 02 00 01", 0x67},
        {"dual port, as it was", "AA 10 01 54 00 01 02 00 00", 0x66},
        {"among others", "AA 10 01 53 00 02 04 00 00 00 01", 0x67},
        {"by 0x0B", "AA 0B 04 54 01 01 00", 0x67},
        {"by 0x0D, before another", "AA 0D 08 54 01 01 00 34 01 14 00", 0x67},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire w;
        print_message("    %s\n", cases[i].what);
        bench_init(&w, NULL);
        assert_int_equal(w.bms.reg[114] & 0xFF, 5);
        wire_ask(&w, cases[i].request);
        assert_true(w.n == 8 || w.n == 5); /* acknowledged first */
        wire_ask(&w, "AA 1B");
        assert_int_equal(w.n, 0); /* then gone */
        bench_pass_s(&w, 1);
        wire_ask(&w, "AA 1B");
        assert_int_equal(w.n, 11);
        assert_int_equal(w.bms.reg[114] & 0xFF, 4); /* by software */
        assert_int_equal(bench_events(&w, 0x61), 1);
        assert_int_equal(bench_events(&w, cases[i].event), 1);
    }
}

static void reset_causes_stand_in_the_low_byte_of_register_114(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    assert_int_equal(w.bms.reg[114] & 0xFF, 5); /* power-on */
    wire_ask(&w, "AA 02 05");
    bench_pass_s(&w, 1);
    assert_int_equal(w.bms.reg[114] & 0xFF, 4); /* software */
    for (uint8_t cause = 0; cause <= 7; cause++) {
        w.bms.reg[114] = 0x0300;
        sim_bms_restarted(&w.bms, cause);
        assert_int_equal(w.bms.reg[114], 0x0300 | cause);
    }
}

static void broadcast_sends_unasked_bytes_between_answers_as_often_as_342_says(void **state) {
    (void)state;
    static const uint32_t period_ms[] = {0, 100, 200, 500, 1000, 2000, 5000, 10000};
    for (uint16_t i = 0; i < 8; i++) {
        struct wire w;
        bench_init(&w, NULL);
        bench_set(&w, 342, i);
        uint64_t bursts = 0;
        for (unsigned ms = 0; ms < 20050; ms += 50) {
            w.n = 0;
            wire_run(&w, 50000, 50000);
            bursts += w.n > 0;
        }
        unsigned expected = period_ms[i] == 0 ? 0 : 20000 / period_ms[i];
        assert_in_range(bursts, expected - (expected > 0), expected + (expected > 0));
        wire_ask(&w, "AA 1B");
        assert_true(w.n >= 11); /* it answers all the same */
    }
}

static void broadcast_in_ascii_names_the_switches_that_are_on(void **state) {
    (void)state;
    static const char open[] = "load:1 charger:0 single:0\r\n";
    struct wire w;
    bench_init(&w, NULL);
    bench_set(&w, 343, 1);
    bench_set(&w, 342, 4);
    bench_cell(&w, 1, 4300.0); /* over-voltage: charge off, load on */
    bench_pass_s(&w, 2);
    w.n = 0;
    wire_run(&w, 1000000, 10000);
    assert_int_equal(w.n, sizeof open - 1);
    assert_memory_equal(w.rx, open, sizeof open - 1);
}

static void the_charge_bar_protocol_excludes_the_fast_broadcasts(void **state) {
    (void)state;
    for (unsigned period = 0; period < 8; period++) {
        struct wire w;
        bench_init(&w, NULL);
        bench_set(&w, 343, 2);
        assert_int_equal(write_over_wire(&w, 342, period), period < 1 || period > 3);
    }
}

static const uint16_t new_in_revision_d[] = {45, 305, 310, 311, 321, 322, 323};

static void what_is_new_in_revision_d_reads_0_or_0xFFFF_on_older_firmware(void **state) {
    (void)state;
    for (unsigned ones = 0; ones < 2; ones++) {
        struct sim_bms_config cfg = bench_config(SIM_NMC);
        struct wire w;
        cfg.before_revision_d = true;
        cfg.old_reads_ones = ones;
        bench_init(&w, &cfg);
        bench_pass_s(&w, 1);
        for (unsigned i = 0; i < 7; i++) {
            assert_int_equal(w.bms.reg[new_in_revision_d[i]], ones ? 0xFFFF : 0);
            if (new_in_revision_d[i] >= 300)
                assert_false(write_over_wire(&w, new_in_revision_d[i], 60));
        }
        assert_int_equal(w.bms.reg[330] >> 8, ones ? 0xFF : 0);
        assert_int_equal(w.bms.reg[502], 242);
        assert_true(write_over_wire(&w, 330, 0x0002)); /* the charger type it knows */
        assert_int_equal(w.bms.reg[330], ones ? 0xFF02 : 0x0002);
    }
    struct wire w;
    bench_init(&w, NULL);
    for (unsigned i = 0; i < 7; i++)
        assert_true(w.bms.reg[new_in_revision_d[i]] != 0);
    assert_int_equal(w.bms.reg[502], 254);
}

static void what_older_firmware_does_not_know_is_never_a_limit(void **state) {
    (void)state;
    for (unsigned ones = 0; ones < 2; ones++) {
        struct sim_bms_config cfg = bench_config(SIM_NMC);
        struct wire w;
        cfg.before_revision_d = true;
        cfg.old_reads_ones = ones;
        bench_init(&w, &cfg);
        bench_set(&w, 317, 150); /* no peak to stay under */
        bench_wants(&w, -140.0);
        bench_pass_s(&w, 10);
        assert_int_equal(bench_events(&w, 0x05), 0);
        bench_wants(&w, -151.0); /* no time is known: at once */
        bench_notice(&w);
        assert_int_equal(bench_events(&w, 0x05), 1);
        bench_wants(&w, 0.0);
        bench_pass_s(&w, 10);
        w.bms.guard.full = true; /* and no level to restart at, bit 2 of 329 or not */
        w.bms.guard.end_percent = 100.0;
        w.bms.soc = 0.10;
        bench_pass_s(&w, 10);
        assert_true(w.bms.guard.full);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_obey_an_order_and_what_breaks_it_is_refused),
        cmocka_unit_test(several_are_written_in_an_order_that_never_breaks_it),
        cmocka_unit_test(real_ranges_of_this_unit_are_told_by_0x1D),
        cmocka_unit_test(every_setting_takes_what_is_in_its_range_and_nothing_beyond),
        cmocka_unit_test(register_320_is_signed),
        cmocka_unit_test(pulses_and_the_two_bytes_of_330_have_ranges_of_their_own),
        cmocka_unit_test(writing_340_restarts_the_bms),
        cmocka_unit_test(reset_causes_stand_in_the_low_byte_of_register_114),
        cmocka_unit_test(broadcast_sends_unasked_bytes_between_answers_as_often_as_342_says),
        cmocka_unit_test(broadcast_in_ascii_names_the_switches_that_are_on),
        cmocka_unit_test(the_charge_bar_protocol_excludes_the_fast_broadcasts),
        cmocka_unit_test(what_is_new_in_revision_d_reads_0_or_0xFFFF_on_older_firmware),
        cmocka_unit_test(what_older_firmware_does_not_know_is_never_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
