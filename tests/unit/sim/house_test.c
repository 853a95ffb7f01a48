/* SPDX-License-Identifier: MIT */
/* The house around a battery: what the GX hands on and when, who gives what, and the accounts.
 * The battery here is a plain voltage behind a resistance, so that every number can be worked out
 * by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "sim/house.h"
#include "sim/load.h"
#include "sim/sun.h"

/* 50 V behind 0.1 ohm, cable included. */
struct stand {
    struct sim_house house;
    struct sim_house_input in;
    struct sim_house_limits limits;
    bool talks; /* 0x351 every second */
};

static const double ohm = 0.1;

static void start(struct stand *s, void (*change)(struct sim_house_config *)) {
    struct sim_house_config cfg;
    sim_house_defaults(&cfg);
    cfg.offset_v = 0.0;
    cfg.cable_ohm = 0.0;
    cfg.standby_w = 0.0;
    cfg.efficiency = 1.0;
    cfg.restart_s = 10.0;
    if (change != NULL)
        change(&cfg);
    *s = (struct stand){
        .in = {.now_ms = 1000,
               .solar_w = 3000.0,
               .grid = false,
               .gx = true,
               .charge_on = true,
               .discharge_on = true,
               .rest_v = 50.0,
               .ohm = ohm,
               .soc = 0.5},
        .limits = {.cvl_v = 54.0, .ccl_a = 40.0, .dcl_a = 100.0},
        .talks = true,
    };
    sim_house_init(&s->house, &cfg);
}

static void pass(struct stand *s, double seconds) {
    for (double t = 0.0; t < seconds - 0.01; t += 0.1) {
        if (s->talks && s->in.now_ms % 1000 == 0)
            sim_house_hear(&s->house, &s->limits, s->in.now_ms);
        s->in.now_ms += 100;
        sim_house_step(&s->house, &s->in, 0.1);
    }
}

static void assert_near(double is, double should, double within) {
    if (is < should - within || is > should + within)
        fail_msg("%f is not %f +- %f", is, should, within);
}

static void with_grid(struct sim_house_config *c) {
    c->multi_w = 10000.0;
}

static void feeding_in(struct sim_house_config *c) {
    c->feed_in = true;
}

static void weak_multi_feeding_in(struct sim_house_config *c) {
    c->feed_in = true;
    c->multi_w = 500.0;
}

static void deaf_multi_feeding_in(struct sim_house_config *c) {
    c->feed_in = c->multi_ignores_ccl = true;
}

static void keeping_charged(struct sim_house_config *c) {
    c->keep_charged = true;
    c->multi_charge_a = 60.0;
}

static void deaf_and_keeping_charged(struct sim_house_config *c) {
    keeping_charged(c);
    c->multi_ignores_ccl = true;
}

static void dual_port(struct sim_house_config *c) {
    c->wiring = SIM_DUAL_PORT;
}

static void nothing_flows_before_the_first_0x351(void **state) {
    (void)state;
    struct stand s;
    start(&s, NULL);
    s.talks = false;
    s.in.load_w = 500.0;
    pass(&s, 10.0);
    assert_near(s.house.flow.pack_a, 0.0, 0.0);
    assert_int_equal(s.house.dark, SIM_HOUSE_STARTING);
    s.talks = true;
    pass(&s, 5.0);
    assert_int_equal(s.house.dark, SIM_HOUSE_LIT);
    assert_true(s.house.flow.solar_a > 10.0);
}

static void limits_take_effect_every_3_s(void **state) {
    (void)state;
    struct stand s;
    start(&s, NULL);
    pass(&s, 30.0);
    /* CCL 40 A: 50 V + 4 V = 54 V, which CVL allows; 2160 W of the 3000 W */
    assert_near(s.house.flow.pack_a, 40.0, 0.01);
    assert_near(s.house.flow.bus_v, 54.0, 0.01);
    double before_a = s.house.in_force.ccl_a;
    s.limits.ccl_a = 20.0;
    double waited_s = 0.0;
    while (s.house.in_force.ccl_a == before_a && waited_s < 10.0) {
        pass(&s, 0.1);
        waited_s += 0.1;
    }
    assert_true(waited_s <= 4.05); /* a second until it is sent, three until it is handed on */
    pass(&s, 3.0);
    s.limits.ccl_a = 30.0;
    uint64_t first_ms = 0, turns = 0, last_ms = 0;
    for (unsigned i = 0; i < 200; i++) { /* each change of what is heard waits for a turn of 3 s */
        s.limits.ccl_a = s.limits.ccl_a == 30.0 ? 31.0 : 30.0;
        double was_a = s.house.in_force.ccl_a;
        pass(&s, 1.0);
        if (s.house.in_force.ccl_a == was_a)
            continue;
        if (turns++ == 0)
            first_ms = s.in.now_ms;
        last_ms = s.in.now_ms;
    }
    assert_true(turns > 20);
    assert_true((last_ms - first_ms) / (turns - 1) >= 3000);
}

static void silence_of_3_s_stops_charging_and_the_inverter(void **state) {
    (void)state;
    struct stand s;
    start(&s, NULL);
    s.in.load_w = 500.0;
    pass(&s, 30.0);
    assert_int_equal(s.house.dark, SIM_HOUSE_LIT);
    s.talks = false;
    pass(&s, 1.9);
    assert_int_equal(s.house.dark, SIM_HOUSE_LIT);
    pass(&s, 2.2); /* the last 0x351 was up to a second old */
    assert_int_equal(s.house.dark, SIM_HOUSE_SILENT);
    assert_near(s.house.flow.dark_w, 500.0, 0.1);
    pass(&s, 30.0); /* chargers have wound down: ten time constants */
    assert_near(s.house.flow.pack_a, 0.0, 0.01);
    s.talks = true;
    pass(&s, 15.0); /* a turn of 3 s, then 10 s to restart */
    assert_int_equal(s.house.dark, SIM_HOUSE_LIT);
}

static void loads_are_added_to_the_share_of_the_solar_chargers(void **state) {
    (void)state;
    struct stand s;
    start(&s, NULL);
    s.limits.ccl_a = 20.0;
    s.in.load_w = 1040.0;
    pass(&s, 60.0);
    /* 20 A into the battery: 52 V at the bus; 1040 W are 20 A more from the solar chargers */
    assert_near(s.house.flow.pack_a, 20.0, 0.02);
    assert_near(s.house.flow.solar_a, 40.0, 0.04);
    assert_near(s.house.flow.multi_a, -20.0, 0.02);
}

static void the_charge_voltage_holds_the_battery(void **state) {
    (void)state;
    struct stand s;
    start(&s, NULL);
    s.limits.cvl_v = 51.0;
    pass(&s, 60.0);
    assert_near(s.house.flow.bus_v, 51.0, 0.005);
    assert_near(s.house.flow.pack_a, 10.0, 0.05); /* 1 V over 0.1 ohm */
    assert_true(s.house.flow.held_by_voltage);
    s.limits.cvl_v = 49.0; /* under the battery: nothing is charged, nothing is taken */
    pass(&s, 60.0);
    assert_near(s.house.flow.pack_a, 0.0, 0.01);
}

static void a_load_that_stops_goes_into_the_battery_for_a_moment(void **state) {
    (void)state;
    struct stand s;
    start(&s, NULL);
    s.limits.cvl_v = 50.1; /* 1 A */
    s.in.load_w = 2004.0;  /* 40 A at 50.1 V */
    pass(&s, 60.0);
    assert_near(s.house.flow.pack_a, 1.0, 0.05);
    s.in.load_w = 0.0;
    pass(&s, 0.1);
    assert_true(s.house.flow.pack_a > 30.0); /* at most 3 s of time constant, at least 1 s */
    pass(&s, 1.0);
    assert_true(s.house.flow.pack_a > 10.0 && s.house.flow.pack_a < 31.0);
    pass(&s, 20.0);
    assert_near(s.house.flow.pack_a, 1.0, 0.1);
}

static void ccl_0_stops_the_solar_chargers_for_the_loads_too(void **state) {
    (void)state;
    struct stand s;
    start(&s, NULL);
    s.limits.ccl_a = 0.0;
    s.in.load_w = 500.0;
    pass(&s, 60.0);
    assert_near(s.house.flow.solar_a, 0.0, 0.01);
    assert_near(s.house.flow.pack_a, -10.21, 0.01); /* 500 W at 50 V - 1.02 V */
    assert_int_equal(s.house.dark, SIM_HOUSE_LIT);
}

static void dcl_0_switches_an_island_off_and_another_brings_it_back(void **state) {
    (void)state;
    struct stand s;
    start(&s, NULL);
    s.in.solar_w = 0.0;
    s.in.load_w = 980.0;
    pass(&s, 30.0);
    assert_int_equal(s.house.dark, SIM_HOUSE_LIT);
    s.limits.dcl_a = 0.1; /* any other is ignored: 20 A go on flowing (20 x (50 - 2) = 960 W) */
    pass(&s, 10.0);
    assert_near(s.house.flow.pack_a, -20.4, 0.1);
    s.limits.dcl_a = 0.0;
    pass(&s, 4.1);
    assert_int_equal(s.house.dark, SIM_HOUSE_NO_DCL);
    assert_near(s.house.flow.pack_a, 0.0, 0.001);
    s.limits.dcl_a = 50.0;
    pass(&s, 5.0);
    assert_int_equal(s.house.dark, SIM_HOUSE_NO_DCL); /* within its restart delay */
    pass(&s, 9.1);
    assert_int_equal(s.house.dark, SIM_HOUSE_LIT);
    assert_true(s.house.flow.pack_a < -20.0);
}

static void with_a_grid_dcl_is_followed_and_nothing_goes_dark(void **state) {
    (void)state;
    struct stand s;
    start(&s, with_grid);
    s.in.grid = true;
    s.in.solar_w = 0.0;
    s.in.load_w = 3000.0;
    s.limits.dcl_a = 20.0;
    pass(&s, 60.0);
    assert_near(s.house.flow.pack_a, -20.0, 0.05);
    assert_near(s.house.flow.grid_w, 3000.0 - 20.0 * 48.0, 5.0);
    s.limits.dcl_a = 0.0;
    pass(&s, 60.0);
    assert_near(s.house.flow.pack_a, 0.0, 0.05);
    assert_near(s.house.flow.served_w, 3000.0, 0.0);
    assert_int_equal(s.house.dark, SIM_HOUSE_LIT);
}

static void feeding_in_runs_at_cvl_and_ignores_ccl_only_where_the_multi_cannot_help(void **state) {
    (void)state;
    static const struct {
        const char *what;
        void (*change)(struct sim_house_config *);
        double cvl_v, ccl_a, pack_a, within_a;
    } cases[] = {
        /* 3000 W are there; CVL 51 V is 10 A; the rest goes out through the Multi */
        {"the Multi holds CVL", feeding_in, 51.0, 40.0, 10.0, 0.2},
        {"and CCL", feeding_in, 52.0, 5.0, 5.0, 0.2},
        {"unless told to ignore it", deaf_multi_feeding_in, 52.0, 5.0, 20.0, 0.3},
        /* a Multi of 500 W takes 10 A: the solar chargers go to CVL + 0.4 V = 14 A, CCL or not */
        {"a weak Multi leaves CVL + 0.4 V", weak_multi_feeding_in, 51.0, 5.0, 14.0, 0.2},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct stand s;
        start(&s, cases[i].change);
        s.in.grid = true;
        s.limits.cvl_v = cases[i].cvl_v;
        s.limits.ccl_a = cases[i].ccl_a;
        pass(&s, 120.0);
        assert_near(s.house.flow.pack_a, cases[i].pack_a, cases[i].within_a);
        assert_true(s.house.flow.grid_w < -100.0);
    }
}

static void feeding_in_with_too_low_a_cvl_empties_the_battery_into_the_grid(void **state) {
    (void)state;
    struct stand s;
    start(&s, feeding_in);
    s.in.grid = true;
    s.in.solar_w = 0.0;
    s.limits.cvl_v = 49.0;
    pass(&s, 60.0);
    assert_near(s.house.flow.pack_a, -10.0, 0.1);
    assert_near(s.house.flow.grid_w, -490.0, 5.0);
}

static void the_grid_charges_within_what_the_sun_leaves_of_ccl(void **state) {
    (void)state;
    struct stand s;
    start(&s, keeping_charged);
    s.in.grid = true;
    s.in.solar_w = 1060.0; /* at 53 V 20 A: CCL 30 A leaves 10 A */
    s.limits.ccl_a = 30.0;
    pass(&s, 60.0);
    assert_near(s.house.flow.pack_a, 30.0, 0.3);
    assert_near(s.house.flow.multi_a, 10.0, 0.5);
    start(&s, deaf_and_keeping_charged);
    s.in.grid = true;
    s.in.solar_w = 0.0;
    s.limits.ccl_a = 5.0;
    s.limits.cvl_v = 60.0;
    pass(&s, 60.0);
    assert_near(s.house.flow.pack_a, 60.0, 0.3); /* its rating, CCL or not */
}

static void a_battery_at_its_minimum_soc_is_spared_and_under_it_recharged(void **state) {
    (void)state;
    struct stand s;
    start(&s, NULL); /* minimum 10 % */
    s.in.grid = true;
    s.in.solar_w = 0.0;
    s.in.load_w = 1000.0;
    s.in.soc = 0.11;
    pass(&s, 30.0);
    assert_true(s.house.flow.pack_a < -15.0);
    s.in.soc = 0.10;
    pass(&s, 30.0);
    assert_near(s.house.flow.pack_a, 0.0, 0.01);
    s.in.soc = 0.04; /* 5 % under it and more */
    pass(&s, 30.0);
    assert_true(s.house.flow.pack_a > 15.0);
    s.in.soc = 0.09; /* until it is there again */
    pass(&s, 30.0);
    assert_true(s.house.flow.pack_a > 15.0);
    s.in.soc = 0.10;
    pass(&s, 30.0);
    assert_near(s.house.flow.pack_a, 0.0, 0.01);
}

static void the_one_switch_takes_the_battery_from_the_inverter(void **state) {
    (void)state;
    struct stand s;
    start(&s, NULL);
    s.in.load_w = 500.0;
    pass(&s, 30.0);
    s.in.charge_on = s.in.discharge_on = false;
    pass(&s, 1.0);
    assert_int_equal(s.house.dark, SIM_HOUSE_SWITCHED);
    assert_near(s.house.flow.solar_a, 0.0, 0.0);
    assert_true(s.house.flow.gives); /* the sun holds the bus: a charger is seen */
    assert_false(s.house.flow.takes);
    s.in.solar_w = 0.0;
    pass(&s, 1.0);
    assert_false(s.house.flow.gives); /* the inverter pulls it down: a load is seen */
    assert_true(s.house.flow.takes);
    s.in.charge_on = s.in.discharge_on = true;
    pass(&s, 10.2);
    assert_int_equal(s.house.dark, SIM_HOUSE_LIT);
}

static void with_two_ports_an_open_charge_switch_stops_the_sun_only(void **state) {
    (void)state;
    struct stand s;
    start(&s, dual_port);
    s.in.load_w = 500.0;
    pass(&s, 30.0);
    s.in.charge_on = false;
    pass(&s, 5.0);
    assert_int_equal(s.house.dark, SIM_HOUSE_LIT);
    assert_near(s.house.flow.solar_a, 0.0, 0.0);
    assert_true(s.house.flow.pack_a < -10.0);
    assert_true(s.house.flow.gives && s.house.flow.takes);
    s.in.charge_on = true;
    s.in.discharge_on = false;
    pass(&s, 30.0);
    assert_int_equal(s.house.dark, SIM_HOUSE_SWITCHED);
    assert_true(s.house.flow.pack_a > 35.0);
}

static void without_a_gx_the_chargers_stop_after_a_minute_and_the_inverter_goes_on(void **state) {
    (void)state;
    struct stand s;
    start(&s, NULL);
    s.in.load_w = 500.0;
    pass(&s, 30.0);
    s.in.gx = false;
    pass(&s, 55.0);
    assert_true(s.house.flow.solar_a > 10.0);
    pass(&s, 30.0);
    assert_near(s.house.flow.solar_a, 0.0, 0.01);
    assert_int_equal(s.house.dark, SIM_HOUSE_LIT);
    s.in.gx = true;
    pass(&s, 20.0);
    assert_int_equal(s.house.dark, SIM_HOUSE_LIT);
    assert_true(s.house.flow.solar_a > 10.0);
}

/* A day of broken clouds and of household loads. */
static void energy_is_neither_made_nor_lost(void **state) {
    (void)state;
    static void (*const changes[])(struct sim_house_config *) = {NULL, feeding_in, keeping_charged};
    for (unsigned k = 0; k < 6; k++) {
        struct stand s;
        struct sim_sun sun;
        struct sim_load load;
        double pack_wh = 0.0, pack_as = 0.0, devices_as = 0.0, available_wh = 0.0;
        start(&s, changes[k / 2]);
        s.house.config.efficiency = 0.94;
        sim_sun_init(&sun, &(struct sim_sun_config){SIM_SKY_BROKEN, 15.0, 1.0, 0.0, 0, 7});
        sim_load_init(&load, &(struct sim_load_config){SIM_HOUSEHOLD_NORMAL, 1.0, 0.0, 7});
        s.in.grid = k % 2 == 1;
        for (unsigned t = 0; t < 86400; t++) {
            s.in.solar_w = 5000.0 * sim_sun_step(&sun, 1.0);
            s.in.load_w = sim_load_step(&load, 1.0);
            sim_house_hear(&s.house, &s.limits, s.in.now_ms);
            s.in.now_ms += 1000;
            sim_house_step(&s.house, &s.in, 1.0);
            const struct sim_house_flow *f = &s.house.flow;
            pack_wh += f->pack_a * (50.0 + ohm * f->pack_a) / 3600.0; /* at the battery's poles */
            pack_as += f->pack_a;
            devices_as += f->solar_a + f->multi_a;
            available_wh += s.in.solar_w / 3600.0;
        }
        const struct sim_house_sums *e = &s.house.sums;
        double in_wh = e->solar + e->bought, out_wh = e->served + e->fed_in + e->lost + pack_wh;
        assert_true(e->solar > 5000.0);
        assert_near(in_wh, out_wh, 0.005 * in_wh);
        assert_near(pack_wh, e->pack_in - e->pack_out, 0.005 * e->pack_in + 1.0);
        assert_near(pack_as, devices_as, 1e-6 * e->pack_in);
        assert_near(e->solar + e->curtailed, available_wh, 0.005 * available_wh);
    }
}

static void a_charger_climbs_no_faster_than_its_ramp(void **state) {
    (void)state;
    struct stand s;
    start(&s, NULL);
    s.house.config.ramp_a_per_s = 5.0;
    s.house.solar_s = 1.0;
    pass(&s, 4.0); /* heard after a second at most, handed on within three */
    double before_a = s.house.flow.solar_a;
    pass(&s, 3.0);
    assert_near(s.house.flow.solar_a - before_a, 15.0, 0.6);
    pass(&s, 60.0);
    assert_near(s.house.flow.solar_a, 40.0, 0.1);
    s.limits.ccl_a = 0.0; /* down it goes as fast as it can: e^-5 after five time constants */
    pass(&s, 9.0);
    assert_near(s.house.flow.solar_a, 0.0, 0.3);
}

static void the_sun_has_the_length_and_the_edges_it_was_given(void **state) {
    (void)state;
    static const struct {
        const char *what;
        enum sim_sky sky;
        double day_h, height, low_h, high_h, brightest; /* full-sun hours of a day; most */
    } cases[] = {
        /* the arch's mean is 0.6 of its length */
        {"clear", SIM_SKY_CLEAR, 15.0, 1.0, 8.0, 9.6, 1.0},
        {"winter", SIM_SKY_CLEAR, 8.0, 0.4, 1.6, 2.2, 0.4},
        {"broken", SIM_SKY_BROKEN, 15.0, 1.0, 5.0, 8.2, 1.2},
        {"grey", SIM_SKY_GREY, 15.0, 1.0, 1.1, 1.6, 0.15},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sim_sun sun;
        double sum_h = 0.0, most = 0.0, last = 0.0, steepest = 0.0;
        sim_sun_init(&sun, &(struct sim_sun_config){cases[i].sky, cases[i].day_h, cases[i].height,
                                                    0.0, 0, 11});
        for (unsigned t = 0; t < 86400; t++) {
            double share = sim_sun_step(&sun, 1.0);
            double hour = (t + 1) / 3600.0, away_h = hour > 12.5 ? hour - 12.5 : 12.5 - hour;
            if (away_h > cases[i].day_h / 2.0)
                assert_near(share, 0.0, 0.0);
            sum_h += share / 3600.0;
            most = share > most ? share : most;
            double step = share > last ? share - last : last - share;
            steepest = step > steepest ? step : steepest;
            last = share;
        }
        assert_true(sum_h > cases[i].low_h && sum_h < cases[i].high_h);
        assert_true(most <= cases[i].brightest + 1e-9 && most > 0.9 * cases[i].brightest);
        if (cases[i].sky == SIM_SKY_BROKEN)
            assert_true(steepest > 0.1 && steepest < 0.55); /* edges of 2 to 8 s */
    }
}

static void a_household_has_steps_of_a_kettle_and_a_night(void **state) {
    (void)state;
    struct sim_load load;
    double night_wh = 0.0, day_wh = 0.0, last = 0.0, step = 0.0;
    sim_load_init(&load, &(struct sim_load_config){SIM_HOUSEHOLD_NORMAL, 1.0, 0.0, 3});
    for (unsigned t = 0; t < 86400; t++) {
        double w = sim_load_step(&load, 1.0);
        *(t < 5 * 3600 ? &night_wh : &day_wh) += w / 3600.0;
        step = w - last > step ? w - last : step;
        last = w;
    }
    /* base 160 W and a refrigerator of 110 W for 600 of 2100 s: 191 W */
    assert_near(night_wh, 5.0 * 191.0, 100.0);
    assert_true(step >= 2200.0 && step < 5000.0);
    assert_true(day_wh > 3500.0 && day_wh < 12000.0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_flows_before_the_first_0x351),
        cmocka_unit_test(limits_take_effect_every_3_s),
        cmocka_unit_test(silence_of_3_s_stops_charging_and_the_inverter),
        cmocka_unit_test(loads_are_added_to_the_share_of_the_solar_chargers),
        cmocka_unit_test(the_charge_voltage_holds_the_battery),
        cmocka_unit_test(a_load_that_stops_goes_into_the_battery_for_a_moment),
        cmocka_unit_test(ccl_0_stops_the_solar_chargers_for_the_loads_too),
        cmocka_unit_test(dcl_0_switches_an_island_off_and_another_brings_it_back),
        cmocka_unit_test(with_a_grid_dcl_is_followed_and_nothing_goes_dark),
        cmocka_unit_test(feeding_in_runs_at_cvl_and_ignores_ccl_only_where_the_multi_cannot_help),
        cmocka_unit_test(feeding_in_with_too_low_a_cvl_empties_the_battery_into_the_grid),
        cmocka_unit_test(the_grid_charges_within_what_the_sun_leaves_of_ccl),
        cmocka_unit_test(a_battery_at_its_minimum_soc_is_spared_and_under_it_recharged),
        cmocka_unit_test(the_one_switch_takes_the_battery_from_the_inverter),
        cmocka_unit_test(with_two_ports_an_open_charge_switch_stops_the_sun_only),
        cmocka_unit_test(without_a_gx_the_chargers_stop_after_a_minute_and_the_inverter_goes_on),
        cmocka_unit_test(a_charger_climbs_no_faster_than_its_ramp),
        cmocka_unit_test(energy_is_neither_made_nor_lost),
        cmocka_unit_test(the_sun_has_the_length_and_the_edges_it_was_given),
        cmocka_unit_test(a_household_has_steps_of_a_kettle_and_a_night),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
