/* SPDX-License-Identifier: MIT */
/* The rig against what must come out of it: the faults that limits set by hand have, quantities
 * that can be worked out by hand, and that a run repeats itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "random.h"

static struct house_rig rig;
static struct house_memory memory;

static void set(struct house_case *c, const char *line) {
    const char *why = "";
    if (!house_case_line(c, line, &why))
        fail_msg("%s: %s", line, why);
}

/* Lines end with NULL. */
static void start(const char *controller, const char *const *lines) {
    struct house_case c;
    struct house_controller plug;
    const char *why = "";
    house_case_init(&c, "test");
    for (; *lines != NULL; lines++)
        set(&c, *lines);
    assert_true(house_controller_find(controller, &memory, &plug));
    if (!house_rig_start(&rig, &c, &plug, &why))
        fail_msg("%s", why);
}

static void play(const char *controller, const char *const *lines) {
    start(controller, lines);
    while (house_rig_step(&rig))
        continue;
}

static void assert_near(double is, double should, double within) {
    if (is < should - within || is > should + within)
        fail_msg("%f is not %f +- %f", is, should, within);
}

/* A pack charged at register 300 x cells: chargers and cells differ, so that one cell is there
 * first; the one switch opens, and the house is dark for as long as the sun holds the bus. */
static void fixed_limits_in_single_port_end_in_the_dark(void **state) {
    (void)state;
    static const char *const lines[] = {"grid = no", "days = 1", NULL};
    play("fixed", lines);
    assert_true(rig.ledger.at_300_s > 0.0);
    assert_true(rig.ledger.openings[LEDGER_BY_TOP] > 0);
    assert_true(rig.ledger.trips[SIM_HOUSE_SWITCHED] > 0);
    assert_true(rig.ledger.dark_s > 3600.0);
    uint32_t broken = house_properties_broken(&rig, true);
    assert_true((broken >> HOUSE_NEVER_300 & 1u) != 0);
    assert_true((broken >> HOUSE_NO_SWITCHING & 1u) != 0);
}

/* CVL + 0.4 V are 28 mV a cell over 300, 100 mV more for the highest cell: over 315, which is 50 mV
 * over 300 in this pack. All charge comes by the load port, whose switch over-voltage leaves on. */
static void fixed_limits_while_feeding_in_end_in_over_voltage(void **state) {
    (void)state;
    static const char *const lines[] = {"feed_in = yes",  "wiring = load", "imbalance_mv = 100",
                                        "multi_w = 1000", "days = 1",      NULL};
    play("fixed", lines);
    assert_true(rig.ledger.at_315_s > 60.0);
    assert_true((house_properties_broken(&rig, true) >> HOUSE_NEVER_315 & 1u) != 0);
}

/* Bulk at the over-voltage cut-off, as the founding documents have it. */
static void the_six_states_go_to_over_voltage(void **state) {
    (void)state;
    static const char *const lines[] = {"wiring = load", "days = 1", NULL};
    play("six-state", lines);
    assert_true(rig.ledger.at_315_s > 0.0);
}

static void an_oracle_keeps_the_cells_and_the_light(void **state) {
    (void)state;
    static const char *const off_grid[] = {"grid = no", "days = 2", NULL};
    play("oracle", off_grid);
    assert_near(rig.ledger.at_300_s, 0.0, 0.0);
    assert_near(rig.ledger.dark_s, 0.0, 0.0);
    assert_int_equal(house_properties_broken(&rig, true), 0);
    /* 4150 mV - 20 mV within a charger's tenth of a volt and a load that stops */
    assert_true(rig.ledger.max_mv > 4115.0 && rig.ledger.max_mv < 4150.0);
    static const char *const feeding_in[] = {"feed_in = yes", "days = 2", "imbalance_mv = 50",
                                             NULL};
    play("oracle", feeding_in);
    assert_near(rig.ledger.at_300_s, 0.0, 0.0);
    assert_near(rig.house.sums.solar, rig.house.sums.possible, 0.02 * rig.house.sums.possible);
}

static void a_dual_port_fills_up_to_fully_charged(void **state) {
    (void)state;
    static const char *const lines[] = {"wiring = dual", "days = 1", NULL};
    play("oracle", lines);
    assert_true(rig.ledger.fulls > 0);
    assert_true(rig.ledger.first_full_s > 0.0 && rig.ledger.first_full_s < 12.0 * 3600.0);
    assert_true(rig.ledger.openings[LEDGER_BY_FULL] > 0);
}

/* The counted charge follows the sensor; what is through the pack is what the chargers and the
 * inverter have put on the bus. */
static void charge_is_conserved(void **state) {
    (void)state;
    static const char *const lines[] = {"days = 1", "sun = broken", NULL};
    start("fixed", lines);
    double devices_as = 0.0;
    while (house_rig_step(&rig))
        devices_as += rig.house.flow.solar_a + rig.house.flow.multi_a;
    assert_near(rig.bms.pack.moved_as, devices_as, 1e-3);
    double turned_wh = rig.house.sums.pack_in + rig.house.sums.pack_out;
    assert_true(turned_wh > 3000.0);
}

/* 0.15 A through every third cell at a time: a cell that wants to be balanced is so for a third of
 * the time, and loses 0.05 A on average. */
static void balancing_takes_the_time_that_its_resistors_need(void **state) {
    (void)state;
    static const char *const lines[] = {"chemistry = lfp",
                                        "capacity_ah = 100",
                                        "imbalance_mv = 100",
                                        "soc_spread = 0",
                                        "capacity_spread = 0",
                                        "start_soc = 0.2",
                                        "sun = steady",
                                        "height = 0.05",
                                        "solar_w = 6000",
                                        "load = none",
                                        "days = 0.6",
                                        "grid = no",
                                        NULL};
    /* early balancing from 1 mV on, so that it runs at every charge */
    start("fixed", lines);
    rig.bms.reg[303] = 1000;
    rig.bms.reg[308] = 15;
    struct sim_pack *p = &rig.bms.pack;
    for (unsigned i = 0; i < p->config.cells; i++)
        p->cell[i].leak_a = 0.0;
    p->cell[2].soc = p->cell[0].soc + 0.15; /* 15 Ah, on the flat part still more than 15 mV */
    double before_ah = (p->cell[2].soc - p->cell[0].soc) * 100.0, bled_s = 0.0, wanted_s = 0.0;
    while (house_rig_step(&rig)) {
        bled_s += (p->bleed_bits & 4u) != 0;
        wanted_s += (rig.bms.guard.balance_wanted & 4u) != 0 && rig.bms.pack.current_a > 0.8 &&
                    !rig.bms.guard.top_pause;
    }
    double after_ah = (p->cell[2].soc - p->cell[0].soc) * 100.0;
    assert_true(wanted_s > 3600.0);
    assert_true(bled_s > wanted_s / 3.0 - 60.0);
    assert_near(before_ah - after_ah, 0.15 * bled_s / 3600.0, 0.01);
}

static void a_run_repeats_itself_and_another_seed_does_not(void **state) {
    (void)state;
    static const char *const one[] = {"days = 0.6", "sun = broken", "loss = 0.1", NULL};
    static const char *const other[] = {"days = 0.6", "sun = broken", "loss = 0.1", "seed = 2",
                                        NULL};
    play("policy", one);
    struct ledger first = rig.ledger;
    struct sim_house_sums sums = rig.house.sums;
    play("policy", one);
    assert_memory_equal(&first, &rig.ledger, sizeof first);
    assert_memory_equal(&sums, &rig.house.sums, sizeof sums);
    play("policy", other);
    assert_true(rig.house.sums.solar != sums.solar);
}

/* Steps of a second are short enough: ten times shorter ones tell the same. */
static void the_step_does_not_matter(void **state) {
    (void)state;
    static const char *const coarse[] = {"days = 0.5", "grid = no", NULL};
    static const char *const fine[] = {"days = 0.5", "grid = no", "step_s = 0.1", NULL};
    play("oracle", coarse);
    struct ledger l = rig.ledger;
    struct sim_house_sums s = rig.house.sums;
    play("oracle", fine);
    assert_near(rig.house.sums.solar, s.solar, 0.02 * s.solar);
    assert_near(rig.house.sums.pack_in, s.pack_in, 0.02 * s.pack_in);
    assert_near(rig.ledger.max_mv, l.max_mv, 8.0);
    assert_near(rig.ledger.min_mv, l.min_mv, 8.0);
    assert_near(rig.ledger.top_soc, l.top_soc, 0.005);
}

static void a_drifted_count_is_wrong_by_what_was_asked(void **state) {
    (void)state;
    static const char *const lines[] = {"soc_drift = -0.3", "start_soc = 0.5", "days = 0.01", NULL};
    play("policy", lines);
    assert_near(rig.ledger.drift_cpct, -3000.0, 60.0);
}

static void late_samples_are_late_and_lost_ones_are_not_shown(void **state) {
    (void)state;
    static const char *const lines[] = {"delay_s = 3", "days = 0.01", "cell_noise_mv = 0", NULL};
    start("policy", lines);
    while (house_rig_elapsed_ms(&rig) < 60000 && house_rig_step(&rig))
        continue;
    uint32_t now_s = sim_bms_get32(&rig.bms, 32);
    assert_int_equal(now_s - rig.battery.lifetime_s, 3);
    static const char *const deaf[] = {"loss = 0.9", "days = 0.2", "grid = no", NULL};
    play("policy", deaf);
    assert_true(rig.battery.samples < 0.2 * 0.2 * 86400.0);
}

static void a_restart_of_the_gateway_darkens_nothing(void **state) {
    (void)state;
    static const char *const lines[] = {"gateway_restart_h = 7", "days = 0.13", "grid = no", NULL};
    play("policy", lines);
    assert_int_equal(rig.restarted_day, 1);
    assert_near(rig.ledger.dark_s, 0.0, 0.0);
}

static void a_line_that_is_wrong_is_refused_with_a_reason(void **state) {
    (void)state;
    static const struct {
        const char *line;
        bool good;
    } cases[] = {
        {"", true},
        {"  # only a comment", true},
        {"days = 3 # three", true},
        {"chemistry = lfp", true},
        {"chemistry = pb", false},
        {"chemistry = 1", false},
        {"days", false},
        {"days = many", false},
        {"days = 0", false},
        {"days = 401", false},
        {"cells = 14.5", false},
        {"no_such_key = 1", false},
        {"set cvl.margin_v=0.2", true},
        {"allow ccl-swing", true},
        {"allow anything", false},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct house_case c;
        const char *why = NULL;
        house_case_init(&c, "x");
        if (house_case_line(&c, cases[i].line, &why) != cases[i].good)
            fail_msg("%s", cases[i].line);
        assert_true(cases[i].good || why != NULL);
    }
}

static void what_is_printed_reads_back_as_the_same_case(void **state) {
    (void)state;
    for (uint32_t seed = 1; seed < 50; seed++) {
        struct house_case c, back;
        char text[4096], *line = text;
        house_random_case(&c, seed);
        text[house_case_print(&c, text, sizeof text - 1)] = '\0';
        house_case_init(&back, c.name);
        while (*line != '\0') {
            char *end = strchr(line, '\n');
            *end = '\0';
            set(&back, line);
            line = end + 1;
        }
        assert_memory_equal(&c.value, &back.value, sizeof c.value);
        for (unsigned i = 0; i < HOUSE_KEYS; i++)
            assert_true(c.value[i] >= house_rows[i].min && c.value[i] <= house_rows[i].max);
    }
}

/* Fixed limits in single port reach 300 whatever else is wrong with the house: nothing of it is
 * left, and hardly a day. */
static void a_failure_is_cut_down_to_what_it_takes(void **state) {
    (void)state;
    struct house_case c;
    house_case_init(&c, "x");
    static const char *const lines[] = {"days = 3",
                                        "wiring = single",
                                        "cell_noise_mv = 2",
                                        "soc_drift = 0.2",
                                        "weak_cell = 7",
                                        "multi_w = 4000",
                                        NULL};
    for (unsigned i = 0; lines[i] != NULL; i++)
        set(&c, lines[i]);
    uint32_t broken = house_random_play(&rig, &c, "fixed", 1u << HOUSE_NEVER_300);
    assert_true((broken >> HOUSE_NEVER_300 & 1u) != 0);
    (void)house_random_shrink(&rig, &c, "fixed", HOUSE_NEVER_300);
    for (unsigned i = 0; i < HOUSE_KEYS; i++) {
        if (i != HOUSE_DAYS && c.value[i] != house_rows[i].preset)
            fail_msg("%s is left", house_rows[i].key);
    }
    assert_true(c.value[HOUSE_DAYS] < 1.0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_limits_in_single_port_end_in_the_dark),
        cmocka_unit_test(fixed_limits_while_feeding_in_end_in_over_voltage),
        cmocka_unit_test(the_six_states_go_to_over_voltage),
        cmocka_unit_test(an_oracle_keeps_the_cells_and_the_light),
        cmocka_unit_test(a_dual_port_fills_up_to_fully_charged),
        cmocka_unit_test(charge_is_conserved),
        cmocka_unit_test(balancing_takes_the_time_that_its_resistors_need),
        cmocka_unit_test(a_run_repeats_itself_and_another_seed_does_not),
        cmocka_unit_test(the_step_does_not_matter),
        cmocka_unit_test(a_drifted_count_is_wrong_by_what_was_asked),
        cmocka_unit_test(late_samples_are_late_and_lost_ones_are_not_shown),
        cmocka_unit_test(a_restart_of_the_gateway_darkens_nothing),
        cmocka_unit_test(a_line_that_is_wrong_is_refused_with_a_reason),
        cmocka_unit_test(what_is_printed_reads_back_as_the_same_case),
        cmocka_unit_test(a_failure_is_cut_down_to_what_it_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
