/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "policy/protect.h"
#include "sample.h"

static void nothing_binds_a_nominal_sample(void **state) {
    (void)state;
    struct protection p;
    struct battery b;
    protection_init(&p);
    sample_nominal(&b, 0);
    protection_handle_sample(&p, &b, true);
    assert_int_equal(protection_charge(&p), LIMIT_NOMINAL);
    assert_int_equal(protection_discharge(&p), LIMIT_NOMINAL);
}

static void a_cell_at_315_closes_charging_and_releases_20_mv_below(void **state) {
    (void)state;
    for (int cell = 1; cell <= 14; cell++) {
        struct protection p;
        struct battery b;
        protection_init(&p);
        sample_nominal(&b, 0);
        sample_set_cell(&b, cell, 4199);
        protection_handle_sample(&p, &b, true);
        assert_int_equal(protection_charge(&p), LIMIT_NOMINAL);
        sample_set_cell(&b, cell, 4200);
        protection_handle_sample(&p, &b, true);
        assert_int_equal(protection_charge(&p), LIMIT_CELL_OVER_VOLTAGE);
        assert_int_equal(protection_discharge(&p), LIMIT_NOMINAL);
        sample_set_cell(&b, cell, 4180);
        protection_handle_sample(&p, &b, true);
        assert_int_equal(protection_charge(&p), LIMIT_CELL_OVER_VOLTAGE);
        sample_set_cell(&b, cell, 4179);
        protection_handle_sample(&p, &b, true);
        assert_int_equal(protection_charge(&p), LIMIT_NOMINAL);
    }
}

static void a_cell_at_316_closes_discharging_and_releases_20_mv_above(void **state) {
    (void)state;
    struct protection p;
    struct battery b;
    protection_init(&p);
    sample_nominal(&b, 0);
    sample_set_cell(&b, 3, 2901);
    protection_handle_sample(&p, &b, true);
    assert_int_equal(protection_discharge(&p), LIMIT_NOMINAL);
    sample_set_cell(&b, 3, 2900);
    protection_handle_sample(&p, &b, true);
    assert_int_equal(protection_discharge(&p), LIMIT_CELL_UNDER_VOLTAGE);
    assert_int_equal(protection_charge(&p), LIMIT_NOMINAL); /* or it could never be charged again */
    sample_set_cell(&b, 3, 2920);
    protection_handle_sample(&p, &b, true);
    assert_int_equal(protection_discharge(&p), LIMIT_CELL_UNDER_VOLTAGE);
    sample_set_cell(&b, 3, 2921);
    protection_handle_sample(&p, &b, true);
    assert_int_equal(protection_discharge(&p), LIMIT_NOMINAL);
}

static void a_fault_closes_both_and_goes_before_the_cells(void **state) {
    (void)state;
    struct protection p;
    struct battery b;
    protection_init(&p);
    sample_nominal(&b, 0);
    sample_set_cell(&b, 1, 4250);
    b.status = BATTERY_STATUS_FAULT;
    protection_handle_sample(&p, &b, true);
    assert_int_equal(protection_charge(&p), LIMIT_STATUS_FAULT);
    assert_int_equal(protection_discharge(&p), LIMIT_STATUS_FAULT);
    b.status = BATTERY_STATUS_IDLE;
    protection_handle_sample(&p, &b, true);
    assert_int_equal(protection_charge(&p), LIMIT_CELL_OVER_VOLTAGE);
    assert_int_equal(protection_discharge(&p), LIMIT_NOMINAL);
}

static void a_fault_of_an_empty_pack_leaves_charging_open(void **state) {
    (void)state;
    struct protection p;
    struct battery b;
    protection_init(&p);
    sample_nominal(&b, 0);
    sample_set_cell(&b, 2, 2890);
    b.status = BATTERY_STATUS_FAULT;
    protection_handle_sample(&p, &b, true);
    assert_int_equal(protection_charge(&p), LIMIT_NOMINAL);
    assert_int_equal(protection_discharge(&p), LIMIT_STATUS_FAULT);
    b.external_temperature_dc[0] = 0; /* but not in the cold */
    protection_handle_sample(&p, &b, true);
    assert_int_equal(protection_charge(&p), LIMIT_TEMPERATURE_LOW);
    sample_set_cell(&b, 2, 2921); /* a fault that is not about a low cell any more */
    protection_handle_sample(&p, &b, true);
    assert_int_equal(protection_charge(&p), LIMIT_STATUS_FAULT);
}

static void that_the_pack_is_empty_takes_a_trusted_sample(void **state) {
    (void)state;
    struct protection p;
    struct battery b;
    protection_init(&p);
    sample_nominal(&b, 0);
    b.status = BATTERY_STATUS_FAULT;
    protection_handle_sample(&p, &b, true);
    sample_set_cell(&b, 2, 2890);
    protection_handle_sample(&p, &b, false); /* doubt only closes */
    assert_int_equal(protection_charge(&p), LIMIT_STATUS_FAULT);
    protection_handle_sample(&p, &b, true);
    assert_int_equal(protection_charge(&p), LIMIT_NOMINAL);
    sample_set_cell(&b, 2, 2921);
    protection_handle_sample(&p, &b, false); /* nor does doubt release */
    assert_int_equal(protection_charge(&p), LIMIT_NOMINAL);
}

/* Cells that stand still while the pack empties: registers 40, 41 and 36 outvote them. */
static void outvoted_cells_hide_no_danger(void **state) {
    (void)state;
    struct protection p;
    struct battery b;
    protection_init(&p);
    sample_nominal(&b, 0);
    b.pack_mv = 14 * 2890;
    b.bms_min_cell_mv = 2890;
    b.bms_max_cell_mv = 2895;
    protection_handle_sample(&p, &b, true);
    assert_int_equal(protection_discharge(&p), LIMIT_CELL_UNDER_VOLTAGE);
    b.pack_mv = 54600;
    b.bms_min_cell_mv = b.bms_max_cell_mv = 3900;
    protection_handle_sample(&p, &b, true);
    assert_int_equal(protection_discharge(&p), LIMIT_NOMINAL);
    b.pack_mv = 14 * 4220;
    b.bms_min_cell_mv = 4215;
    b.bms_max_cell_mv = 4225;
    protection_handle_sample(&p, &b, true);
    assert_int_equal(protection_charge(&p), LIMIT_CELL_OVER_VOLTAGE);
}

static void a_temperature_out_of_range_closes_charging_alone(void **state) {
    (void)state;
    static const struct {
        const char *what;
        int16_t dc;
        enum limit_reason want;
    } path[] = {
        {"just under 60 degC", 599, LIMIT_NOMINAL},
        {"60 degC", 600, LIMIT_TEMPERATURE_HIGH},
        {"58.0 degC: held", 580, LIMIT_TEMPERATURE_HIGH},
        {"57.9 degC: released", 579, LIMIT_NOMINAL},
        {"1.0 degC", 10, LIMIT_NOMINAL},
        {"under 1 degC", 9, LIMIT_TEMPERATURE_LOW},
        {"2.9 degC: held", 29, LIMIT_TEMPERATURE_LOW},
        {"3.0 degC: released", 30, LIMIT_NOMINAL},
    };
    struct protection p;
    struct battery b;
    protection_init(&p);
    sample_nominal(&b, 0);
    for (unsigned i = 0; i < sizeof path / sizeof path[0]; i++) {
        b.external_temperature_dc[0] = path[i].dc;
        protection_handle_sample(&p, &b, true);
        assert_int_equal(protection_charge(&p), path[i].want);
        assert_int_equal(protection_discharge(&p), LIMIT_NOMINAL);
    }
}

static void the_board_counts_only_without_an_external_sensor(void **state) {
    (void)state;
    struct protection p;
    struct battery b;
    protection_init(&p);
    sample_nominal(&b, 0);
    b.internal_temperature_dc = 700;
    protection_handle_sample(&p, &b, true);
    assert_int_equal(protection_charge(&p), LIMIT_NOMINAL);
    battery_clear(&b, BATTERY_EXTERNAL_TEMPERATURE_1, BATTERY_ABSENT, 0);
    protection_handle_sample(&p, &b, true);
    assert_int_equal(protection_charge(&p), LIMIT_TEMPERATURE_HIGH);
}

static void an_untrusted_sample_closes_but_never_opens(void **state) {
    (void)state;
    struct protection p;
    struct battery b;
    protection_init(&p);
    sample_nominal(&b, 0);
    sample_set_cell(&b, 5, 4200);
    protection_handle_sample(&p, &b, false);
    assert_int_equal(protection_charge(&p), LIMIT_CELL_OVER_VOLTAGE);
    sample_set_cell(&b, 5, 3900);
    protection_handle_sample(&p, &b, false);
    assert_int_equal(protection_charge(&p), LIMIT_CELL_OVER_VOLTAGE);
    protection_handle_sample(&p, &b, true);
    assert_int_equal(protection_charge(&p), LIMIT_NOMINAL);
}

static void the_opinion_of_the_bms_counts_while_the_sample_is_not_trusted(void **state) {
    (void)state;
    struct protection p;
    struct battery b;
    protection_init(&p);
    sample_nominal(&b, 0);
    b.bms_max_cell_mv = 4200;
    b.bms_min_cell_mv = 2900;
    protection_handle_sample(&p, &b, true); /* two other witnesses agree: a broken register */
    assert_int_equal(protection_charge(&p), LIMIT_NOMINAL);
    assert_int_equal(protection_discharge(&p), LIMIT_NOMINAL);
    protection_handle_sample(&p, &b, false);
    assert_int_equal(protection_charge(&p), LIMIT_CELL_OVER_VOLTAGE);
    assert_int_equal(protection_discharge(&p), LIMIT_CELL_UNDER_VOLTAGE);
}

static void an_impossible_cell_is_no_danger_by_itself(void **state) {
    (void)state;
    struct protection p;
    struct battery b;
    protection_init(&p);
    sample_nominal(&b, 0);
    b.cell_mv[4] = 499; /* under what any cell can have: a broken wire or a broken frame */
    b.cell_mv[5] = 5001;
    b.bms_min_cell_mv = 0;
    b.bms_max_cell_mv = 65535;
    protection_handle_sample(&p, &b, false);
    assert_int_equal(protection_charge(&p), LIMIT_NOMINAL);
    assert_int_equal(protection_discharge(&p), LIMIT_NOMINAL);
}

static void unknown_thresholds_do_not_act(void **state) {
    (void)state;
    struct protection p;
    struct battery b;
    protection_init(&p);
    sample_nominal(&b, 0);
    b.validity[BATTERY_OVER_VOLTAGE_CUTOFF] = BATTERY_NEVER_READ;
    b.validity[BATTERY_UNDER_VOLTAGE_CUTOFF] = BATTERY_RESERVED;
    b.validity[BATTERY_OVER_HEAT_CUTOFF] = BATTERY_NEVER_READ;
    b.validity[BATTERY_LOW_TEMPERATURE_CUTOFF] = BATTERY_NEVER_READ;
    sample_set_cell(&b, 1, 4900);
    sample_set_cell(&b, 2, 600);
    b.external_temperature_dc[0] = 1000;
    protection_handle_sample(&p, &b, true);
    assert_int_equal(protection_charge(&p), LIMIT_NOMINAL);
    assert_int_equal(protection_discharge(&p), LIMIT_NOMINAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_binds_a_nominal_sample),
        cmocka_unit_test(a_cell_at_315_closes_charging_and_releases_20_mv_below),
        cmocka_unit_test(a_cell_at_316_closes_discharging_and_releases_20_mv_above),
        cmocka_unit_test(a_fault_closes_both_and_goes_before_the_cells),
        cmocka_unit_test(a_fault_of_an_empty_pack_leaves_charging_open),
        cmocka_unit_test(that_the_pack_is_empty_takes_a_trusted_sample),
        cmocka_unit_test(outvoted_cells_hide_no_danger),
        cmocka_unit_test(a_temperature_out_of_range_closes_charging_alone),
        cmocka_unit_test(the_board_counts_only_without_an_external_sensor),
        cmocka_unit_test(an_untrusted_sample_closes_but_never_opens),
        cmocka_unit_test(the_opinion_of_the_bms_counts_while_the_sample_is_not_trusted),
        cmocka_unit_test(an_impossible_cell_is_no_danger_by_itself),
        cmocka_unit_test(unknown_thresholds_do_not_act),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
