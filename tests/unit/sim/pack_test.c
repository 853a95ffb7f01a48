/* SPDX-License-Identifier: MIT */
/* The pack: curves, resistance, spread, self-discharge, heat, and that it repeats itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "sim/pack.h"

static const struct sim_pack_limits any = {100.0, 1000.0, 1000.0, true, true};

static struct sim_pack_config config(enum sim_chemistry_id chemistry) {
    struct sim_pack_config cfg;
    sim_pack_preset(&cfg, chemistry);
    cfg.profile = SIM_PROFILE_CONSTANT;
    cfg.soc_spread = cfg.capacity_spread = cfg.self_discharge = 0.0;
    return cfg;
}

static void pass_s(struct sim_pack *p, double seconds) {
    for (; seconds > 0.05; seconds -= 0.1)
        sim_pack_advance(p, &any, 0.1);
}

static void open_circuit_voltages_are_those_of_the_chemistry(void **state) {
    (void)state;
    static const struct {
        const char *what;
        enum sim_chemistry_id id;
        double low_v, half_v, high_v; /* 0, 50, 100 % */
    } cases[] = {
        {"NMC", SIM_NMC, 3.0, 3.70, 4.20},
        {"LFP", SIM_LFP, 2.5, 3.29, 3.60},
        {"LTO", SIM_LTO, 1.9, 2.26, 2.70},
    };
    for (unsigned k = 0; k < 3; k++) {
        const struct sim_chemistry *c = sim_chemistry(cases[k].id);
        assert_string_equal(c->name, cases[k].what);
        const double at[] = {sim_chemistry_ocv_v(c, 0.0) - cases[k].low_v,
                             sim_chemistry_ocv_v(c, 0.5) - cases[k].half_v,
                             sim_chemistry_ocv_v(c, 1.0) - cases[k].high_v};
        for (unsigned i = 0; i < 3; i++)
            assert_true(at[i] > -0.01 && at[i] < 0.01);
        for (int i = -10; i < 110; i++) /* more charge, more voltage, beyond the ends too */
            assert_true(sim_chemistry_ocv_v(c, (i + 1) / 100.0) >
                        sim_chemistry_ocv_v(c, i / 100.0));
    }
}

static void the_settings_of_a_chemistry_are_in_order_and_on_its_curve(void **state) {
    (void)state;
    for (unsigned k = 0; k < SIM_CHEMISTRY_COUNT; k++) {
        const struct sim_chemistry *c = sim_chemistry((enum sim_chemistry_id)k);
        assert_true(c->under_voltage_mv + 10 <= c->fully_discharged_mv);
        assert_true(c->fully_discharged_mv + 10 <= c->fully_charged_mv);
        assert_true(c->fully_charged_mv + 10 <= c->over_voltage_mv);
        assert_in_range(c->fully_charged_mv, (unsigned)(1000 * sim_chemistry_ocv_v(c, 0.9)),
                        (unsigned)(1000 * sim_chemistry_ocv_v(c, 1.0)));
        assert_in_range(c->early_balancing_mv, c->fully_discharged_mv, c->fully_charged_mv);
    }
}

static void resistance_grows_in_the_cold(void **state) {
    (void)state;
    double fell_v[SIM_CHEMISTRY_COUNT][2];
    for (unsigned k = 0; k < SIM_CHEMISTRY_COUNT; k++) {
        for (unsigned cold = 0; cold < 2; cold++) {
            struct sim_pack_config cfg = config((enum sim_chemistry_id)k);
            struct sim_pack p;
            cfg.ambient_c = cold ? -10.0 : 25.0;
            sim_pack_init(&p, &cfg);
            double rest_v = sim_pack_voltage_v(&p);
            p.wanted_a = -20.0;
            pass_s(&p, 0.1);
            fell_v[k][cold] = rest_v - sim_pack_voltage_v(&p);
        }
        assert_true(fell_v[k][1] > 1.3 * fell_v[k][0]);
    }
    /* 20 A through 14 cells of 0.10 / 66 ohm, +- 10 %: 0.42 V at 25 degC; 2.2 times that at -10 */
    assert_true(fell_v[SIM_NMC][0] > 0.38 && fell_v[SIM_NMC][0] < 0.47);
    assert_true(fell_v[SIM_NMC][1] > 2.1 * fell_v[SIM_NMC][0]);
    assert_true(fell_v[SIM_LFP][1] / fell_v[SIM_LFP][0] > fell_v[SIM_NMC][1] / fell_v[SIM_NMC][0]);
    assert_true(fell_v[SIM_LTO][1] / fell_v[SIM_LTO][0] < fell_v[SIM_NMC][1] / fell_v[SIM_NMC][0]);
}

static void a_slow_part_of_the_voltage_builds_up_and_relaxes(void **state) {
    (void)state;
    struct sim_pack_config cfg = config(SIM_LFP);
    struct sim_pack p;
    sim_pack_init(&p, &cfg);
    double rest_v = sim_pack_voltage_v(&p);
    p.wanted_a = 50.0;
    pass_s(&p, 0.1);
    double at_once_v = sim_pack_voltage_v(&p);
    pass_s(&p, 600);
    double later_v = sim_pack_voltage_v(&p);
    assert_true(later_v > at_once_v + 0.5); /* 50 A x 16 x 0.10 / 100 ohm = 0.8 V in the end */
    p.wanted_a = 0.0;
    pass_s(&p, 0.1);
    assert_true(sim_pack_voltage_v(&p) > rest_v + 0.3);
    pass_s(&p, 1200);
    assert_true(sim_pack_voltage_v(&p) < rest_v + 0.2);
}

static void cells_differ_by_the_spread_and_not_more(void **state) {
    (void)state;
    struct sim_pack_config cfg = config(SIM_NMC);
    struct sim_pack p;
    cfg.capacity_spread = 0.05;
    cfg.soc_spread = 0.02;
    cfg.self_discharge = 0.02;
    cfg.self_discharge_spread = 0.5;
    sim_pack_init(&p, &cfg);
    double low_ah = 1e9, high_ah = 0.0;
    for (unsigned i = 0; i < 14; i++) {
        const struct sim_cell *c = &p.cell[i];
        assert_true(c->capacity_ah >= 66.0 * 0.95 && c->capacity_ah <= 66.0 * 1.05);
        assert_true(c->soc >= 0.53 && c->soc <= 0.57);
        low_ah = c->capacity_ah < low_ah ? c->capacity_ah : low_ah;
        high_ah = c->capacity_ah > high_ah ? c->capacity_ah : high_ah;
    }
    assert_true(high_ah - low_ah > 66.0 * 0.04);
}

static void a_stored_pack_discharges_itself(void **state) {
    (void)state;
    struct sim_pack_config cfg = config(SIM_NMC);
    struct sim_pack p;
    cfg.self_discharge = 0.02;
    cfg.self_discharge_spread = 0.0;
    sim_pack_init(&p, &cfg);
    double before = p.cell[3].soc;
    for (unsigned hour = 0; hour < 30 * 24; hour++)
        sim_pack_advance(&p, &any, 3600.0);
    assert_true(before - p.cell[3].soc > 0.0199 && before - p.cell[3].soc < 0.0201);
    assert_true(p.current_a == 0.0); /* no sensor sees it */
}

static void current_heats_the_cells_and_the_board(void **state) {
    (void)state;
    struct sim_pack_config cfg = config(SIM_NMC);
    struct sim_pack p;
    cfg.capacity_ah = 100.0;
    sim_pack_init(&p, &cfg);
    p.wanted_a = -100.0;
    pass_s(&p, 1200);
    double hot_c = p.cells_c, board_c = p.board_c;
    assert_true(hot_c > 23.0 && board_c > hot_c);
    p.wanted_a = 0.0;
    pass_s(&p, 6 * 3600);
    assert_true(p.cells_c < hot_c && p.board_c < board_c);
}

static void the_charger_holds_the_voltage_limit_and_says_so(void **state) {
    (void)state;
    struct sim_pack_config cfg = config(SIM_NMC);
    struct sim_pack p;
    struct sim_pack_limits lim = any;
    sim_pack_init(&p, &cfg);
    p.wanted_a = 30.0;
    lim.cvl_v = sim_pack_voltage_v(&p) + 0.2; /* 14 x 0.10 / 66 ohm: 9 A */
    sim_pack_advance(&p, &lim, 0.1);
    assert_true(p.current_a > 7.0 && p.current_a < 11.0);
    assert_true(p.held_by_voltage);
    lim.ccl_a = 5.0;
    sim_pack_advance(&p, &lim, 0.1);
    assert_true(p.current_a == 5.0);
    assert_false(p.held_by_voltage);
    lim.cvl_v -= 5.0; /* it never draws current out */
    sim_pack_advance(&p, &lim, 0.1);
    assert_true(p.current_a == 0.0);
    assert_true(p.held_by_voltage);
    p.wanted_a = 0.0; /* nobody holds anything */
    sim_pack_advance(&p, &lim, 0.1);
    assert_false(p.held_by_voltage);
}

static void a_cell_takes_the_voltage_that_it_is_given(void **state) {
    (void)state;
    static const double mv[] = {500, 1900, 2500, 3000, 3299, 3600, 4200, 4500, 5500};
    for (unsigned k = 0; k < SIM_CHEMISTRY_COUNT; k++) {
        struct sim_pack_config cfg = config((enum sim_chemistry_id)k);
        struct sim_pack p;
        sim_pack_init(&p, &cfg);
        p.wanted_a = 10.0;
        pass_s(&p, 60);
        for (unsigned i = 0; i < sizeof mv / sizeof mv[0]; i++) {
            sim_pack_set_cell(&p, 2, mv[i] / 1000.0);
            sim_pack_advance(&p, &any, 0.001); /* the voltage is computed anew */
            assert_in_range((unsigned)(p.cell[2].volt * 1e4 + 0.5), (unsigned)(mv[i] * 10.0) - 1,
                            (unsigned)(mv[i] * 10.0) + 1);
        }
    }
}

static void charge_is_conserved_whatever_the_steps(void **state) {
    (void)state;
    static const double steps_s[] = {0.1, 1.0, 7.0, 60.0, 3600.0};
    for (unsigned k = 0; k < 5; k++) {
        struct sim_pack_config cfg = config(SIM_NMC);
        struct sim_pack p;
        sim_pack_init(&p, &cfg);
        p.wanted_a = 6.6; /* a tenth of the capacity an hour */
        for (double s = 0.0; s < 3600.0 - 1e-6; s += steps_s[k]) {
            double left_s = 3600.0 - s;
            sim_pack_advance(&p, &any, left_s < steps_s[k] ? left_s : steps_s[k]);
        }
        assert_in_range((unsigned)(p.cell[0].soc * 1e5 + 0.5), 64999, 65001);
        assert_in_range((unsigned)(p.moved_as + 0.5), 23759, 23761); /* 6.6 Ah */
    }
}

static void only_a_pack_at_rest_takes_long_steps(void **state) {
    (void)state;
    static const struct {
        const char *what;
        double wants, before_a;
        uint16_t bleed;
        enum sim_profile profile;
    } cases[] = {
        {"charging", 10.0, 10.0, 0, SIM_PROFILE_CONSTANT},
        {"discharging", -10.0, -10.0, 0, SIM_PROFILE_CONSTANT},
        {"about to charge", 10.0, 0.0, 0, SIM_PROFILE_CONSTANT},
        {"relaxing from charge", 0.0, 30.0, 0, SIM_PROFILE_CONSTANT},
        {"relaxing from discharge", 0.0, -30.0, 0, SIM_PROFILE_CONSTANT},
        {"balancing", 0.0, 0.0, 5, SIM_PROFILE_CONSTANT},
        {"a day", 0.0, 0.0, 0, SIM_PROFILE_DAY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sim_pack_config cfg = config(SIM_NMC);
        struct sim_pack fine, coarse;
        print_message("    %s\n", cases[i].what);
        sim_pack_init(&fine, &cfg);
        fine.wanted_a = cases[i].before_a;
        pass_s(&fine, cases[i].before_a != 0.0 ? 60.0 : 0.1);
        fine.config.profile = cases[i].profile;
        fine.wanted_a = cases[i].wants;
        fine.bleed_bits = cases[i].bleed;
        coarse = fine;
        for (unsigned s = 0; s < 60; s++)
            sim_pack_advance(&fine, &any, 1.0);
        sim_pack_advance(&coarse, &any, 60.0);
        for (unsigned c = 0; c < 14; c++)
            assert_true(fine.cell[c].volt == coarse.cell[c].volt);
    }
}

static void a_day_has_sun_at_noon_and_loads_in_the_evening(void **state) {
    (void)state;
    static const struct {
        double hour, share; /* of the capacity an hour */
    } cases[] = {
        {0.0, -0.025}, {6.25, -0.045}, {10.75, 0.155},  {12.0, 0.230},
        {13.0, 0.220}, {19.0, -0.130}, {23.5, -0.0325},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sim_pack_config cfg = config(SIM_NMC);
        struct sim_pack p;
        cfg.profile = SIM_PROFILE_DAY;
        cfg.start_hour = cases[i].hour;
        sim_pack_init(&p, &cfg);
        double low = 1e9, high = -1e9;
        for (unsigned k = 0; k < 100; k++) { /* the weather moves it by 2 % */
            sim_pack_advance(&p, &any, 0.001);
            double of_plan = p.wanted_a / (66.0 * cases[i].share);
            low = of_plan < low ? of_plan : low;
            high = of_plan > high ? of_plan : high;
        }
        assert_true(low > 0.979 && low < 0.99 && high > 1.01 && high < 1.021);
    }
}

static void after_midnight_the_day_begins_again(void **state) {
    (void)state;
    struct sim_pack_config cfg = config(SIM_NMC);
    struct sim_pack p;
    cfg.start_hour = 23.75;
    sim_pack_init(&p, &cfg);
    sim_pack_advance(&p, &any, 1800.0);
    assert_in_range((unsigned)(p.day_s + 0.5), 899, 901);
}

static void a_cycle_goes_from_10_to_99_percent_and_back_at_half_the_capacity(void **state) {
    (void)state;
    struct sim_pack_config cfg = config(SIM_LTO);
    struct sim_pack p;
    cfg.profile = SIM_PROFILE_CYCLE;
    sim_pack_init(&p, &cfg);
    bool filling = true;
    unsigned turns = 0;
    for (unsigned minute = 0; minute < 600; minute++) {
        sim_pack_advance(&p, &any, 60.0);
        assert_true(p.wanted_a == (p.filling ? 20.0 : -20.0)); /* of 40 Ah */
        if (p.filling == filling)
            continue;
        filling = p.filling;
        turns++;
        double percent = 100.0 * p.cell[5].soc;
        assert_true(filling ? percent < 11.0 && percent > 9.0 : percent > 98.0 && percent < 100.0);
    }
    assert_in_range(turns, 5, 6); /* 89 % at 50 % an hour: 107 minutes each way, the first 53 */
}

static void the_air_is_coldest_at_3_and_warmest_at_15(void **state) {
    (void)state;
    struct sim_pack_config cfg = config(SIM_NMC);
    struct sim_pack p;
    cfg.start_hour = 0.0;
    sim_pack_init(&p, &cfg);
    double low_c = 1e9, high_c = -1e9;
    unsigned low_h = 0, high_h = 0;
    for (unsigned hour = 1; hour <= 72; hour++) {
        sim_pack_advance(&p, &any, 3600.0);
        if (hour <= 24)
            continue; /* what it began with is forgotten */
        if (p.cells_c < low_c) {
            low_c = p.cells_c;
            low_h = hour % 24;
        }
        if (p.cells_c > high_c) {
            high_c = p.cells_c;
            high_h = hour % 24;
        }
        assert_true(p.board_c > p.cells_c + 0.8 && p.board_c < p.cells_c + 1.2);
    }
    /* 4 K either side of 21; the pack follows within an hour */
    assert_true(low_c > 17.0 && low_c < 18.0 && high_c > 24.0 && high_c < 25.0);
    assert_in_range(low_h, 3, 4);
    assert_in_range(high_h, 15, 16);
}

static void cells_out_of_range_are_moved_into_it(void **state) {
    (void)state;
    static const struct {
        uint8_t asked, cells;
    } cases[] = {{0, 4}, {3, 4}, {4, 4}, {5, 5}, {15, 15}, {16, 16}, {17, 16}, {255, 16}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sim_pack_config cfg = config(SIM_NMC);
        struct sim_pack p;
        cfg.cells = cases[i].asked;
        sim_pack_init(&p, &cfg);
        assert_int_equal(p.config.cells, cases[i].cells);
        sim_pack_advance(&p, &any, 1.0);
        double v = sim_pack_voltage_v(&p) / cases[i].cells; /* 55 %: 3.74 V */
        assert_true(v > 3.73 && v < 3.75);
    }
}

static void a_pack_at_rest_lives_as_well_in_long_steps(void **state) {
    (void)state;
    struct sim_pack_config cfg = config(SIM_LFP);
    struct sim_pack fine, coarse;
    cfg.self_discharge = 0.02;
    sim_pack_init(&fine, &cfg);
    sim_pack_set_temperature(&fine, 40.0);
    fine.config.ambient_c = 5.0;
    fine.wanted_a = 30.0;
    pass_s(&fine, 600); /* voltages and temperatures have far to go */
    fine.wanted_a = 0.0;
    coarse = fine;
    for (unsigned hour = 0; hour < 10; hour++) {
        pass_s(&fine, 3600);
        sim_pack_advance(&coarse, &any, 3600.0);
        double apart_c = fine.cells_c - coarse.cells_c;
        double apart_v = sim_pack_voltage_v(&fine) - sim_pack_voltage_v(&coarse);
        double apart_soc = fine.cell[0].soc - coarse.cell[0].soc;
        assert_true(apart_c < 0.3 && apart_c > -0.3);
        assert_true(apart_v < 0.002 && apart_v > -0.002);
        assert_true(apart_soc < 1e-8 && apart_soc > -1e-8);
    }
}

static void the_same_seed_gives_the_same_battery_to_the_bit(void **state) {
    (void)state;
    struct sim_pack_config cfg;
    struct sim_pack a, b, c;
    sim_pack_preset(&cfg, SIM_LTO);
    sim_pack_init(&a, &cfg);
    sim_pack_init(&b, &cfg);
    cfg.seed = 2;
    sim_pack_init(&c, &cfg);
    pass_s(&a, 3600);
    pass_s(&b, 3600);
    pass_s(&c, 3600);
    assert_memory_equal(a.cell, b.cell, sizeof a.cell);
    assert_memory_not_equal(a.cell, c.cell, sizeof a.cell);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_circuit_voltages_are_those_of_the_chemistry),
        cmocka_unit_test(the_settings_of_a_chemistry_are_in_order_and_on_its_curve),
        cmocka_unit_test(resistance_grows_in_the_cold),
        cmocka_unit_test(a_slow_part_of_the_voltage_builds_up_and_relaxes),
        cmocka_unit_test(cells_differ_by_the_spread_and_not_more),
        cmocka_unit_test(a_stored_pack_discharges_itself),
        cmocka_unit_test(current_heats_the_cells_and_the_board),
        cmocka_unit_test(the_charger_holds_the_voltage_limit_and_says_so),
        cmocka_unit_test(a_cell_takes_the_voltage_that_it_is_given),
        cmocka_unit_test(charge_is_conserved_whatever_the_steps),
        cmocka_unit_test(only_a_pack_at_rest_takes_long_steps),
        cmocka_unit_test(a_day_has_sun_at_noon_and_loads_in_the_evening),
        cmocka_unit_test(after_midnight_the_day_begins_again),
        cmocka_unit_test(a_cycle_goes_from_10_to_99_percent_and_back_at_half_the_capacity),
        cmocka_unit_test(the_air_is_coldest_at_3_and_warmest_at_15),
        cmocka_unit_test(cells_out_of_range_are_moved_into_it),
        cmocka_unit_test(a_pack_at_rest_lives_as_well_in_long_steps),
        cmocka_unit_test(the_same_seed_gives_the_same_battery_to_the_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
