/* SPDX-License-Identifier: MIT */
/* Sensors that are late, wrong or noisy, and a house of its own behind the pack. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/bms.h"

static struct sim_bms bms;

static void start(void (*change)(struct sim_bms_config *)) {
    struct sim_bms_config cfg;
    sim_bms_defaults(&cfg);
    cfg.pack.profile = SIM_PROFILE_HOUSE;
    cfg.cell_noise_mv = 0.0;
    change(&cfg);
    sim_bms_init(&bms, &cfg, 0);
}

static void lagging(struct sim_bms_config *c) {
    c->cell_lag_s = 5.0;
}

static void wrong(struct sim_bms_config *c) {
    c->cell_error_mv = 8.0;
}

static void noisy(struct sim_bms_config *c) {
    c->current_noise_a = 2.0;
}

static void nothing(struct sim_bms_config *c) {
    (void)c;
}

static void a_lagging_cell_is_shown_late(void **state) {
    (void)state;
    start(lagging);
    sim_bms_measure(&bms, 0.1);
    double before_mv = bms.sensed_mv[0];
    bms.pack.wanted_a = 60.0; /* steps by 60 A x about 1.5 mohm at once */
    sim_bms_measure(&bms, 0.1);
    double step_mv = bms.pack.cell[0].volt * 1000.0 - before_mv;
    assert_true(step_mv > 60.0);
    assert_true(bms.sensed_mv[0] - before_mv < 0.05 * step_mv);
    for (unsigned i = 0; i < 49; i++) /* 5 s: 1 - 1/e = 63 %, less what the cell moved meanwhile */
        sim_bms_measure(&bms, 0.1);
    step_mv = bms.pack.cell[0].volt * 1000.0 - before_mv;
    double shown = (bms.sensed_mv[0] - before_mv) / step_mv;
    assert_true(shown > 0.55 && shown < 0.66);
}

static void a_wrong_channel_stays_wrong_by_as_much(void **state) {
    (void)state;
    double most = 0.0;
    start(wrong);
    for (unsigned i = 0; i < bms.pack.config.cells; i++) {
        double off_mv = bms.sensed_mv[i] - bms.pack.cell[i].volt * 1000.0;
        assert_true(off_mv > -8.6 && off_mv < 8.6); /* whole millivolts */
        most = off_mv > most ? off_mv : most;
        most = -off_mv > most ? -off_mv : most;
    }
    assert_true(most > 3.0);
    double first_mv = bms.cell_error_mv[3];
    for (unsigned i = 0; i < 100; i++)
        sim_bms_measure(&bms, 0.1);
    assert_true(bms.cell_error_mv[3] == first_mv);
}

static void noise_of_the_current_is_bounded_and_has_no_mean(void **state) {
    (void)state;
    double sum = 0.0, low = 1e9, high = -1e9;
    start(noisy);
    bms.pack.wanted_a = 10.0;
    for (unsigned i = 0; i < 2000; i++) {
        sim_bms_measure(&bms, 0.1);
        double a = bms.sensed_a;
        sum += a;
        low = a < low ? a : low;
        high = a > high ? a : high;
    }
    assert_true(low >= 8.0 && low < 8.2 && high <= 12.0 && high > 11.8);
    /* evenly spread: a deviation of 2 / sqrt(3) A, of the mean 0.026 A; four of them */
    assert_true(sum / 2000.0 > 9.9 && sum / 2000.0 < 10.1);
}

static void what_a_house_has_worked_out_flows_and_what_it_says_is_seen(void **state) {
    (void)state;
    start(nothing);
    sim_bms_set_house(&bms, 1.0, 0.0, 0.0); /* limits are the house's own business */
    bms.pack.wanted_a = -12.5;
    sim_bms_measure(&bms, 1.0);
    assert_true(bms.pack.current_a == -12.5);
    bms.pack.house_gives = true;
    assert_true(sim_bms_charger_gives(&bms));
    bms.pack.house_gives = false;
    assert_false(sim_bms_charger_gives(&bms));
    /* single port, a cell at register 300: the switch is on for a load alone */
    bms.reg[340] = 1;
    bms.pack.wanted_a = 0.0;
    for (unsigned i = 0; i < bms.pack.config.cells; i++)
        sim_pack_set_cell(&bms.pack, i, 4.16);
    sim_bms_measure(&bms, 1.0);
    assert_false(bms.guard.discharge_on);
    bms.pack.house_takes = true;
    sim_bms_measure(&bms, 1.0);
    assert_true(bms.guard.discharge_on);
}

static void the_source_is_what_the_cells_are_together(void **state) {
    (void)state;
    double rest_v, ohm;
    start(nothing);
    sim_pack_source(&bms.pack, &rest_v, &ohm);
    /* 14 cells of 0.10 / 66 ohm, +- 10 %; warmer than 21 degC a little less */
    assert_true(ohm > 14.0 * 0.10 / 66.0 * 0.9 && ohm < 14.0 * 0.10 / 66.0 * 1.25);
    bms.pack.wanted_a = 30.0;
    sim_bms_measure(&bms, 0.1);
    double moved_v = sim_pack_voltage_v(&bms.pack) - rest_v;
    assert_true(moved_v > 30.0 * ohm * 0.99 && moved_v < 30.0 * ohm * 1.05);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lagging_cell_is_shown_late),
        cmocka_unit_test(a_wrong_channel_stays_wrong_by_as_much),
        cmocka_unit_test(noise_of_the_current_is_bounded_and_has_no_mean),
        cmocka_unit_test(what_a_house_has_worked_out_flows_and_what_it_says_is_seen),
        cmocka_unit_test(the_source_is_what_the_cells_are_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
