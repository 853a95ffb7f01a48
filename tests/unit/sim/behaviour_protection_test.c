/* SPDX-License-Identifier: MIT */
/* What a TinyBMS protects against, which switches open, and how it comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench.h"

enum { FAULT = 0x9B, IDLE = 0x97 };

static void cell_over_315_charge_switch_off_load_on(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    bench_cell(&w, 7, 4200.0); /* = register 315 */
    bench_notice(&w);
    assert_int_equal(bench_events(&w, 0x03), 0);
    bench_cell(&w, 7, 4201.0);
    bench_notice(&w);
    assert_int_equal(bench_events(&w, 0x03), 1);
    assert_int_equal(w.bms.reg[106], 1);
    assert_int_equal(w.bms.reg[50], FAULT);
    bench_expect_switches(&w, "load");
    bench_wants(&w, -10.0);
    bench_notice(&w);
    assert_true(bench_amps(&w) == -10.0);
}

static void cell_under_316_both_off_back_only_by_charger_or_restart(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    bench_cell(&w, 7, 2900.0); /* = register 316 */
    bench_notice(&w);
    assert_int_equal(bench_events(&w, 0x02), 0);
    bench_cell(&w, 7, 2899.0);
    bench_notice(&w);
    assert_int_equal(bench_events(&w, 0x02), 1);
    assert_int_equal(w.bms.reg[105], 1);
    assert_int_equal(w.bms.reg[50], FAULT);
    bench_expect_switches(&w, "none");
    bench_cells(&w, 3700.0);
    bench_pass_s(&w, 600); /* neither the voltage nor time brings it back */
    bench_expect_switches(&w, "none");
    assert_int_equal(w.bms.reg[50], FAULT);

    struct wire restarted = w;
    wire_ask(&restarted, "AA 02 05");
    bench_pass_s(&restarted, 1);
    bench_expect_switches(&restarted, "both");
    assert_int_equal(restarted.bms.reg[50], IDLE);

    bench_wants(&w, 5.0); /* a charger */
    bench_notice(&w);
    bench_expect_switches(&w, "both");
    assert_int_equal(bench_events(&w, 0x7B), 1);
    assert_int_equal(w.bms.reg[50], 0x91);
}

static void a_charger_that_may_give_nothing_brings_nothing_back(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    bench_cells(&w, 2850.0);
    bench_notice(&w);
    sim_bms_set_house(&w.bms, 80.0, 0.0, 1000.0); /* CCL 0 */
    bench_wants(&w, 5.0);
    bench_pass_s(&w, 60);
    bench_expect_switches(&w, "none");
    sim_bms_set_house(&w.bms, 80.0, 5.0, 1000.0);
    bench_notice(&w);
    bench_expect_switches(&w, "charge");
}

static void
a_charger_charges_a_pack_that_is_under_316_and_without_it_the_fault_is_back(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    bench_cells(&w, 2850.0);
    bench_notice(&w);
    bench_expect_switches(&w, "none");
    bench_wants(&w, 5.0);
    bench_notice(&w);
    bench_expect_switches(&w, "charge"); /* under 301 the load stays off */
    assert_true(bench_amps(&w) == 5.0);
    bench_wants(&w, 0.0);
    bench_notice(&w);
    assert_int_equal(bench_events(&w, 0x02), 2);
    bench_expect_switches(&w, "none");
}

static void cell_under_301_warning_load_off(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    bench_cell(&w, 7, 3000.0); /* = register 301 */
    bench_notice(&w);
    bench_expect_switches(&w, "both");
    bench_cell(&w, 7, 2999.0);
    bench_notice(&w);
    assert_int_equal(bench_events(&w, 0x31), 1);
    bench_expect_switches(&w, "charge");
    assert_int_equal(w.bms.reg[50], IDLE); /* a warning is no fault */
    bench_cell(&w, 7, 3049.0);
    bench_notice(&w);
    bench_expect_switches(&w, "charge");
    bench_cell(&w, 7, 3050.0); /* 50 mV above */
    bench_notice(&w);
    assert_int_equal(bench_events(&w, 0x7A), 1);
    bench_expect_switches(&w, "both");
}

static void external_sensors_over_319_or_the_board_over_90_both_off(void **state) {
    (void)state;
    static const struct {
        const char *what;
        double cells_c, board_c;
        uint8_t missing;
        bool off;
    } cases[] = {
        {"59 degC outside", 59.0, 20.0, 0, false},
        {"60.5 degC at the second sensor, 60.1 at the first", 60.1, 20.0, 0, true},
        {"60.2 degC at the second sensor, the first at 59.8", 59.8, 20.0, 0, true},
        {"the same without the second sensor", 59.8, 20.0, 2, false},
        {"the board at 89, over 319", 20.0, 89.0, 0, false},
        {"the board at 91", 20.0, 91.0, 0, true},
        {"no sensor outside, the board at 59", 20.0, 59.0, 3, false},
        {"no sensor outside, the board at 61", 20.0, 61.0, 3, true},
        {"no sensor outside, the cells at 70", 70.0, 20.0, 3, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire w;
        print_message("    %s\n", cases[i].what);
        bench_init(&w, NULL);
        w.bms.config.sensors_missing = cases[i].missing;
        w.bms.pack.cells_c = cases[i].cells_c;
        w.bms.pack.board_c = cases[i].board_c;
        bench_pass_ms(&w, 100);
        assert_int_equal(bench_events(&w, 0x04), cases[i].off);
        assert_int_equal(w.bms.reg[109], cases[i].off);
        assert_int_equal(w.bms.reg[50], cases[i].off ? FAULT : IDLE);
        bench_expect_switches(&w, cases[i].off ? "none" : "both");
        assert_int_equal(w.bms.reg[42] == 0x8000, cases[i].missing & 1);
        assert_int_equal(w.bms.reg[43] == 0x8000, cases[i].missing >> 1);
    }
}

static void it_is_back_when_both_are_5_K_under_their_limits(void **state) {
    (void)state;
    static const struct {
        const char *what;
        double cells_c, board_c;
        bool back;
    } cases[] = {
        {"sensors at 54.4 and 54.8, board at 84", 54.4, 84.0, true},
        {"sensors at 54.8 and 55.2", 54.8, 20.0, false},
        {"board at 86", 20.0, 86.0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire w;
        print_message("    %s\n", cases[i].what);
        bench_init(&w, NULL);
        w.bms.pack.cells_c = 70.0;
        bench_pass_ms(&w, 100);
        assert_int_equal(bench_events(&w, 0x04), 1);
        for (unsigned k = 0; k < 60; k++) { /* against the cooling */
            w.bms.pack.cells_c = cases[i].cells_c;
            w.bms.pack.board_c = cases[i].board_c;
            bench_pass_ms(&w, 100);
        }
        assert_int_equal(bench_events(&w, 0x73), cases[i].back);
    }
}

static void the_hotter_sensor_counts(void **state) {
    (void)state;
    for (unsigned hot = 0; hot < 3; hot++) {
        struct wire w;
        bench_init(&w, NULL);
        w.bms.config.faults.jump = hot == 0 ? SIM_SENSE_EXTERNAL_1 : SIM_SENSE_EXTERNAL_2;
        w.bms.config.faults.jump_by = 50.0;
        w.bms.config.faults.jump_cpct = hot < 2 ? 10000 : 0;
        bench_notice(&w);
        assert_int_equal(bench_events(&w, 0x04), hot < 2);
    }
}

static void the_colder_sensor_counts_and_without_any_the_board(void **state) {
    (void)state;
    static const struct {
        const char *what;
        double cells_c, board_c, second_off_k;
        uint8_t missing;
        bool off;
    } cases[] = {
        {"the first at 0.8, the second at 1.2", 0.8, 20.0, 0.0, 0, true},
        {"the first at 5, the second at 0.4", 5.0, 20.0, -5.0, 0, true},
        {"the same without the second", 5.0, 20.0, -5.0, 2, false},
        {"the first missing, the second at 0.4", 5.0, 20.0, -5.0, 1, true},
        {"the board at 0", 5.0, 0.0, 0.0, 0, false},
        {"the board at 0, no sensor", 5.0, 0.0, 0.0, 3, true},
        {"the board at 5, no sensor, cells at 0", 0.0, 5.0, 0.0, 3, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire w;
        print_message("    %s\n", cases[i].what);
        bench_init(&w, NULL);
        w.bms.config.sensors_missing = cases[i].missing;
        w.bms.config.faults.jump = SIM_SENSE_EXTERNAL_2;
        w.bms.config.faults.jump_by = cases[i].second_off_k;
        w.bms.config.faults.jump_cpct = 10000;
        w.bms.pack.cells_c = cases[i].cells_c;
        w.bms.pack.board_c = cases[i].board_c;
        bench_pass_ms(&w, 100);
        assert_int_equal(bench_events(&w, 0x37), cases[i].off);
    }
}

static void sensor_under_320_charge_off(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    bench_temperature(&w, 1.5); /* register 320 = 1 */
    bench_notice(&w);
    bench_expect_switches(&w, "both");
    bench_temperature(&w, 0.5);
    bench_notice(&w);
    assert_int_equal(bench_events(&w, 0x37), 1);
    assert_int_equal(w.bms.reg[50], IDLE);
    bench_expect_switches(&w, "load");
    bench_temperature(&w, 2.5);
    bench_notice(&w);
    bench_expect_switches(&w, "load");
    bench_temperature(&w, 3.5); /* 2 K above */
    bench_notice(&w);
    assert_int_equal(bench_events(&w, 0x74), 1);
    bench_expect_switches(&w, "both");
}

static void under_minus_40_both_off(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    bench_temperature(&w, -39.5);
    bench_notice(&w);
    bench_expect_switches(&w, "load");
    bench_temperature(&w, -41.0);
    bench_notice(&w);
    assert_int_equal(bench_events(&w, 0x0A), 1);
    assert_int_equal(w.bms.reg[50], FAULT);
    bench_expect_switches(&w, "none");
    bench_temperature(&w, -38.6); /* the second sensor is 0.4 K warmer */
    bench_pass_s(&w, 6);
    assert_int_equal(bench_events(&w, 0x75), 0);
    bench_temperature(&w, -37.0); /* 2 K above */
    bench_pass_s(&w, 6);
    assert_int_equal(bench_events(&w, 0x75), 1);
    bench_expect_switches(&w, "load");
    bench_temperature(&w, 10.0);
    bench_notice(&w);
    bench_expect_switches(&w, "both");
}

static void discharge_over_317_for_the_seconds_in_the_high_byte_of_330(void **state) {
    (void)state;
    for (unsigned seconds = 0; seconds <= 4; seconds += 2) {
        struct wire w;
        bench_init(&w, NULL);
        bench_set(&w, 330, (uint16_t)(seconds << 8 | 1));
        bench_wants(&w, -60.0); /* = register 317 */
        bench_pass_s(&w, 10);
        bench_expect_switches(&w, "both");
        bench_wants(&w, -61.0);
        bench_pass_ms(&w, seconds > 0 ? 1000 * (uint64_t)seconds - 100 : 0);
        assert_int_equal(bench_events(&w, 0x05), 0);
        bench_pass_ms(&w, 200);
        assert_int_equal(bench_events(&w, 0x05), 1);
        assert_int_equal(w.bms.reg[107], 1);
        assert_int_equal(w.bms.reg[50], FAULT);
        bench_expect_switches(&w, "charge");
    }
}

static void a_short_load_over_317_is_let_through(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    bench_set(&w, 330, 3 << 8 | 1);
    for (unsigned i = 0; i < 5; i++) { /* 2 s over, 1 s under: never 3 s on end */
        bench_wants(&w, -70.0);
        bench_pass_s(&w, 2);
        bench_wants(&w, -50.0);
        bench_pass_s(&w, 1);
    }
    assert_int_equal(bench_events(&w, 0x05), 0);
}

static void peak_over_305_at_once(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    bench_set(&w, 330, 30 << 8 | 1);
    bench_wants(&w, -90.0); /* = register 305, over 317 */
    bench_pass_s(&w, 5);
    assert_int_equal(bench_events(&w, 0x05), 0);
    bench_wants(&w, -91.0);
    bench_pass_ms(&w, 100); /* one measurement */
    assert_int_equal(bench_events(&w, 0x05), 1);
    bench_expect_switches(&w, "charge");
    bench_pass_ms(&w, 100);
    assert_true(bench_amps(&w) == 0.0);
}

static void a_peak_of_0_or_0xFFFF_is_none(void **state) {
    (void)state;
    static const uint16_t none[] = {0, 0xFFFF};
    for (unsigned i = 0; i < 2; i++) {
        struct wire w;
        bench_init(&w, NULL);
        bench_set(&w, 330, 30 << 8 | 1);
        w.bms.reg[305] = none[i];
        bench_wants(&w, -200.0);
        bench_pass_s(&w, 5);
        assert_int_equal(bench_events(&w, 0x05), 0);
    }
}

static void charge_over_318(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    bench_wants(&w, 20.0); /* = register 318 */
    bench_pass_s(&w, 10);
    bench_expect_switches(&w, "both");
    bench_wants(&w, 21.0);
    bench_notice(&w);
    assert_int_equal(bench_events(&w, 0x06), 1);
    assert_int_equal(w.bms.reg[108], 1);
    assert_int_equal(w.bms.reg[50], FAULT);
    bench_expect_switches(&w, "load");
}

/* Every protection that time ends: how it is set off, and how its cause goes away. */
static void set_off(struct wire *w, unsigned which, bool on) {
    switch (which) {
    case 0:
        bench_cell(w, 1, on ? 4300.0 : 3700.0);
        break;
    case 1:
        bench_temperature(w, on ? 65.0 : 20.0);
        break;
    case 2:
        bench_temperature(w, on ? -45.0 : 20.0);
        break;
    case 3:
        bench_wants(w, on ? -100.0 : 0.0);
        break;
    default:
        bench_wants(w, on ? 30.0 : 0.0);
        break;
    }
}

/* clang-format off */
static const struct {
    const char *what;
    unsigned begins, ends;
} timed[] = {
    {"over-voltage", 0x03, 0x79},           {"over-temperature", 0x04, 0x73},
    {"low temperature", 0x0A, 0x75},        {"discharging over-current", 0x05, 0x77},
    {"charging over-current", 0x06, 0x76},
};
/* clang-format on */

static void recovery_after_332_seconds_or_never_by_itself_when_0(void **state) {
    (void)state;
    static const uint16_t recovery_s[] = {0, 1, 30};
    for (unsigned which = 0; which < 5; which++) {
        for (unsigned k = 0; k < 3; k++) {
            struct wire w;
            print_message("    %s, register 332 = %u\n", timed[which].what, recovery_s[k]);
            bench_init(&w, NULL);
            bench_set(&w, 332, recovery_s[k]);
            set_off(&w, which, true);
            bench_notice(&w);
            assert_int_equal(bench_events(&w, timed[which].begins), 1);
            uint32_t began = bench_event_clock(&w, timed[which].begins);
            set_off(&w, which, false);
            uint64_t ms = 1000 * (uint64_t)recovery_s[k];
            bench_pass_ms(&w, ms > 300 ? ms - 300 : 3600000);
            assert_int_equal(bench_events(&w, timed[which].ends), 0);
            assert_int_equal(w.bms.reg[50], FAULT);
            bench_pass_ms(&w, 1000);
            assert_int_equal(bench_events(&w, timed[which].ends), recovery_s[k] != 0);
            assert_int_equal(w.bms.reg[50], recovery_s[k] != 0 ? IDLE : FAULT);
            if (recovery_s[k] == 0)
                continue;
            bench_expect_switches(&w, "both");
            uint32_t ended = bench_event_clock(&w, timed[which].ends); /* by the BMS's clock */
            assert_in_range(ended - began, recovery_s[k] - 1u, recovery_s[k] + 1u);
        }
    }
}

static void with_332_at_0_charger_ignition_or_restart_bring_it_back(void **state) {
    (void)state;
    static const char *const by[] = {"charger", "ignition", "restart"};
    for (unsigned which = 0; which < 5; which++) {
        for (unsigned how = 0; how < 3; how++) {
            struct wire w;
            print_message("    %s, by %s\n", timed[which].what, by[how]);
            bench_init(&w, NULL);
            bench_set(&w, 332, 0);
            bench_set(&w, 334, 3);
            set_off(&w, which, true);
            bench_notice(&w);
            set_off(&w, which, false);
            w.bms.config.charger = how == 0 ? SIM_CHARGER_UNPLUGGED : SIM_CHARGER_HOUSE;
            bench_pass_s(&w, 60);
            assert_int_equal(w.bms.reg[50], FAULT);
            w.bms.config.charger = SIM_CHARGER_HOUSE;
            w.bms.config.ignition = how == 1;
            if (how == 2)
                wire_ask(&w, "AA 02 05");
            bench_pass_s(&w, 1);
            assert_int_equal(w.bms.reg[50], IDLE);
            bench_expect_switches(&w, "both");
        }
    }
}

static void each_time_the_whole_of_332_passes(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    for (unsigned round = 1; round <= 3; round++) {
        bench_wants(&w, 30.0);
        bench_notice(&w);
        assert_int_equal(bench_events(&w, 0x06), round);
        bench_wants(&w, 0.0);
        bench_pass_ms(&w, 4500);
        assert_int_equal(bench_events(&w, 0x76), round - 1);
        bench_pass_s(&w, 1);
        assert_int_equal(bench_events(&w, 0x76), round);
    }
    bench_cell(&w, 1, 4300.0); /* a cause that comes back starts it anew */
    bench_notice(&w);
    for (unsigned i = 0; i < 5; i++) {
        bench_cell(&w, 1, 3700.0);
        bench_pass_s(&w, 4);
        bench_cell(&w, 1, 4190.0); /* not 20 mV under 315 */
        bench_notice(&w);
    }
    assert_int_equal(bench_events(&w, 0x79), 0);
    bench_cell(&w, 1, 4179.0);
    bench_pass_s(&w, 6);
    assert_int_equal(bench_events(&w, 0x79), 1);
}

static void ignition_that_was_on_before_does_not_help(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    bench_set(&w, 332, 0);
    bench_set(&w, 334, 3);
    w.bms.config.ignition = true;
    bench_pass_s(&w, 1);
    bench_wants(&w, 30.0);
    bench_notice(&w);
    bench_wants(&w, 0.0);
    bench_pass_s(&w, 60);
    assert_int_equal(w.bms.reg[50], FAULT);
}

static void a_cause_that_is_still_there_keeps_it_from_recovering(void **state) {
    (void)state;
    struct wire w;
    bench_init(&w, NULL);
    bench_cell(&w, 1, 4300.0);
    bench_pass_s(&w, 60); /* register 332 = 5 s */
    assert_int_equal(w.bms.reg[50], FAULT);
    assert_int_equal(bench_events(&w, 0x79), 0);
    assert_int_equal(bench_events(&w, 0x03), 1); /* and it is told once */
}

static void status_needs_800_mA_or_in_the_low_power_version_80_mA(void **state) {
    (void)state;
    static const struct {
        bool low_power;
        double amps;
        unsigned status;
    } cases[] = {
        {false, 0.79, 0x97}, {false, 0.81, 0x91}, {false, -0.79, 0x97}, {false, -0.81, 0x93},
        {true, 0.079, 0x97}, {true, 0.081, 0x91}, {true, -0.079, 0x97}, {true, -0.081, 0x93},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sim_bms_config cfg = bench_config(SIM_NMC);
        struct wire w;
        cfg.low_power = cases[i].low_power;
        bench_init(&w, &cfg);
        assert_int_equal(w.bms.reg[501] >> 8 & 1, !cases[i].low_power);
        bench_wants(&w, cases[i].amps);
        bench_notice(&w);
        assert_int_equal(w.bms.reg[50], cases[i].status);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cell_over_315_charge_switch_off_load_on),
        cmocka_unit_test(cell_under_316_both_off_back_only_by_charger_or_restart),
        cmocka_unit_test(a_charger_that_may_give_nothing_brings_nothing_back),
        cmocka_unit_test(
            a_charger_charges_a_pack_that_is_under_316_and_without_it_the_fault_is_back),
        cmocka_unit_test(cell_under_301_warning_load_off),
        cmocka_unit_test(external_sensors_over_319_or_the_board_over_90_both_off),
        cmocka_unit_test(it_is_back_when_both_are_5_K_under_their_limits),
        cmocka_unit_test(the_hotter_sensor_counts),
        cmocka_unit_test(the_colder_sensor_counts_and_without_any_the_board),
        cmocka_unit_test(sensor_under_320_charge_off),
        cmocka_unit_test(under_minus_40_both_off),
        cmocka_unit_test(discharge_over_317_for_the_seconds_in_the_high_byte_of_330),
        cmocka_unit_test(a_short_load_over_317_is_let_through),
        cmocka_unit_test(peak_over_305_at_once),
        cmocka_unit_test(a_peak_of_0_or_0xFFFF_is_none),
        cmocka_unit_test(charge_over_318),
        cmocka_unit_test(recovery_after_332_seconds_or_never_by_itself_when_0),
        cmocka_unit_test(with_332_at_0_charger_ignition_or_restart_bring_it_back),
        cmocka_unit_test(each_time_the_whole_of_332_passes),
        cmocka_unit_test(ignition_that_was_on_before_does_not_help),
        cmocka_unit_test(a_cause_that_is_still_there_keeps_it_from_recovering),
        cmocka_unit_test(status_needs_800_mA_or_in_the_low_power_version_80_mA),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
