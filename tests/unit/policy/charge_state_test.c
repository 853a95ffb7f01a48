/* SPDX-License-Identifier: MIT */
/* One test for each way into and out of a state. Settings: 80 / 85 / 95 / 92 %, imbalance 50 / 20
 * mV, sustain 5 / 8 %. The highest cell's target is 4130 mV, register 301 is 3000 mV, 304 is 1 A.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/charge_state.h"

static const struct limit_config config = {
    .states = true,
    .bulk_soc_cpct = 8000,
    .transition_soc_cpct = 8500,
    .float_soc_cpct = 9500,
    .float_exit_cpct = 9200,
    .imbalance_hold_mv = 50,
    .imbalance_release_mv = 20,
    .sustain_entry_cpct = 500,
    .sustain_exit_cpct = 800,
};

/* Half full and charging with 10 A. */
static const struct charge_input half_full = {
    .soc_cpct = 5000,
    .highest_mv = 3700,
    .lowest_mv = 3690,
    .imbalance_mv = 10,
    .target_mv = 4130,
    .fully_discharged_mv = 3000,
    .early_balancing_mv = 3200,
    .current_ma = 10000,
    .tail_ma = 1000,
};

static uint64_t now_ms;

/* A sample a second for so long. */
static void pass(struct charge_machine *m, const struct charge_input *in, uint64_t for_ms) {
    for (uint64_t end_ms = now_ms + for_ms; now_ms < end_ms;) {
        now_ms += 1000;
        charge_handle_sample(m, &config, in, now_ms);
    }
}

static void expect(const struct charge_machine *m, enum charge_state s, enum charge_reason r) {
    assert_string_equal(charge_state_text(m->state), charge_state_text(s));
    assert_string_equal(charge_reason_text(m->reason), charge_reason_text(r));
}

static struct charge_machine started(void) {
    struct charge_machine m;
    now_ms = 5000;
    charge_init(&m, now_ms);
    return m;
}

static struct charge_machine floating(struct charge_input *in) {
    struct charge_machine m = started();
    *in = half_full;
    in->soc_cpct = 10000;
    in->highest_mv = 4125;
    in->bms_full = true;
    pass(&m, in, 1000);
    expect(&m, CHARGE_FLOAT, CHARGE_REASON_BMS_FULL);
    return m;
}

static void it_starts_in_bulk_and_stays(void **state) {
    (void)state;
    struct charge_machine m = started();
    expect(&m, CHARGE_BULK, CHARGE_REASON_START);
    pass(&m, &half_full, 3600000);
    expect(&m, CHARGE_BULK, CHARGE_REASON_START);
}

static void bulk_to_transition_and_back_by_soc(void **state) {
    (void)state;
    struct charge_machine m = started();
    struct charge_input in = half_full;
    in.soc_cpct = 8499;
    pass(&m, &in, 1000);
    expect(&m, CHARGE_BULK, CHARGE_REASON_START);
    in.soc_cpct = 8500;
    pass(&m, &in, 1000);
    expect(&m, CHARGE_TRANSITION, CHARGE_REASON_SOC);
    in.soc_cpct = 8000;
    pass(&m, &in, 1000);
    expect(&m, CHARGE_TRANSITION, CHARGE_REASON_SOC);
    in.soc_cpct = 7999;
    pass(&m, &in, 1000);
    expect(&m, CHARGE_BULK, CHARGE_REASON_SOC);
}

static void float_is_approached_by_soc(void **state) {
    (void)state;
    struct charge_machine m = started();
    struct charge_input in = half_full;
    in.soc_cpct = 9500;
    pass(&m, &in, 1000);
    expect(&m, CHARGE_FLOAT_APPROACH, CHARGE_REASON_SOC);
}

/* 20 mV under 4130 for a minute, whatever the counted charge says. */
static void float_is_approached_by_a_cell_at_its_target(void **state) {
    (void)state;
    struct charge_machine m = started();
    struct charge_input in = half_full;
    in.highest_mv = 4110;
    pass(&m, &in, 60000);
    expect(&m, CHARGE_BULK, CHARGE_REASON_START);
    pass(&m, &in, 1000);
    expect(&m, CHARGE_FLOAT_APPROACH, CHARGE_REASON_CELL_AT_TARGET);
}

static void a_cell_that_was_at_its_target_for_less_than_a_minute_leads_nowhere(void **state) {
    (void)state;
    struct charge_machine m = started();
    struct charge_input in = half_full;
    for (int i = 0; i < 10; i++) {
        in.highest_mv = 4110;
        pass(&m, &in, 59000);
        in.highest_mv = 4109;
        pass(&m, &in, 1000);
    }
    expect(&m, CHARGE_BULK, CHARGE_REASON_START);
}

/* Both: counted charge under 92 %, and the cell more than 60 mV under its target for 10 minutes. */
static void an_approach_is_given_up_by_voltage_and_soc(void **state) {
    (void)state;
    struct charge_machine m = started();
    struct charge_input in = half_full;
    in.soc_cpct = 9500;
    pass(&m, &in, 1000);
    in.highest_mv = 4069;
    pass(&m, &in, 3600000);
    expect(&m, CHARGE_FLOAT_APPROACH, CHARGE_REASON_SOC); /* by voltage alone: not */
    in.soc_cpct = 9199;
    in.highest_mv = 4070;
    pass(&m, &in, 3600000);
    expect(&m, CHARGE_FLOAT_APPROACH, CHARGE_REASON_SOC); /* by SOC alone: not */
    in.highest_mv = 4069;
    pass(&m, &in, 600000);
    expect(&m, CHARGE_FLOAT_APPROACH, CHARGE_REASON_SOC);
    pass(&m, &in, 1000);
    expect(&m, CHARGE_TRANSITION, CHARGE_REASON_CELL_AWAY);
}

static void the_bms_says_full_and_float_begins(void **state) {
    (void)state;
    struct charge_input in;
    (void)floating(&in);
}

/* Under register 304 for 10 minutes with the highest cell at its target. */
static void a_tail_current_of_ten_minutes_is_full(void **state) {
    (void)state;
    struct charge_machine m = started();
    struct charge_input in = half_full;
    in.highest_mv = 4120;
    in.current_ma = 1000; /* not under it */
    pass(&m, &in, 1200000);
    expect(&m, CHARGE_FLOAT_APPROACH, CHARGE_REASON_CELL_AT_TARGET);
    in.current_ma = 999;
    pass(&m, &in, 600000);
    expect(&m, CHARGE_FLOAT_APPROACH, CHARGE_REASON_CELL_AT_TARGET);
    pass(&m, &in, 1000);
    expect(&m, CHARGE_FLOAT, CHARGE_REASON_TAIL_CURRENT);
}

static void a_discharge_is_no_tail_current(void **state) {
    (void)state;
    struct charge_machine m = started();
    struct charge_input in = half_full;
    in.highest_mv = 4120;
    in.current_ma = -500;
    pass(&m, &in, 3600000);
    expect(&m, CHARGE_FLOAT_APPROACH, CHARGE_REASON_CELL_AT_TARGET);
}

/* Under 92 %, and 3 % less than at the entry (100 %); not in the first half hour. */
static void float_ends_by_soc(void **state) {
    (void)state;
    struct charge_input in;
    struct charge_machine m = floating(&in);
    in.bms_full = false;
    in.soc_cpct = 9199;
    pass(&m, &in, 1799000);
    expect(&m, CHARGE_FLOAT, CHARGE_REASON_BMS_FULL);
    in.soc_cpct = 9200;
    pass(&m, &in, 10000);
    expect(&m, CHARGE_FLOAT, CHARGE_REASON_BMS_FULL);
    in.soc_cpct = 9199;
    pass(&m, &in, 1000);
    expect(&m, CHARGE_BULK, CHARGE_REASON_SOC);
}

/* A counted charge of 70 % at full: 3 % less is 67 %. Otherwise FLOAT would end at once, for ever.
 */
static void a_drifted_soc_does_not_end_float(void **state) {
    (void)state;
    struct charge_machine m = started();
    struct charge_input in = half_full;
    in.soc_cpct = 7000;
    in.highest_mv = 4120;
    in.current_ma = 500;
    pass(&m, &in, 700000);
    expect(&m, CHARGE_FLOAT, CHARGE_REASON_TAIL_CURRENT);
    in.soc_cpct = 6701;
    pass(&m, &in, 7200000);
    expect(&m, CHARGE_FLOAT, CHARGE_REASON_TAIL_CURRENT);
    in.soc_cpct = 6700;
    pass(&m, &in, 1000);
    expect(&m, CHARGE_BULK, CHARGE_REASON_SOC);
}

static void float_ends_by_voltage(void **state) {
    (void)state;
    struct charge_input in;
    struct charge_machine m = floating(&in);
    pass(&m, &in, 1800000);
    in.highest_mv = 4069; /* 61 mV under the target */
    pass(&m, &in, 600000);
    expect(&m, CHARGE_FLOAT, CHARGE_REASON_BMS_FULL);
    pass(&m, &in, 1000);
    expect(&m, CHARGE_BULK, CHARGE_REASON_CELL_AWAY);
}

/* More than 200 mV under the target for 10 s: the pack was drawn down, or is another. */
static void float_ends_at_once_far_from_the_top(void **state) {
    (void)state;
    struct charge_input in;
    struct charge_machine m = floating(&in);
    in.highest_mv = 3930;
    pass(&m, &in, 1200000);
    expect(&m, CHARGE_FLOAT, CHARGE_REASON_BMS_FULL);
    in.highest_mv = 3929;
    pass(&m, &in, 10000);
    expect(&m, CHARGE_FLOAT, CHARGE_REASON_BMS_FULL);
    pass(&m, &in, 1000);
    expect(&m, CHARGE_BULK, CHARGE_REASON_CELL_AWAY);
}

/* Register 50 says full until charging starts again: that is the same full, not another. */
static void one_full_leads_to_float_once(void **state) {
    (void)state;
    struct charge_input in;
    struct charge_machine m = floating(&in);
    in.soc_cpct = 9000;
    in.highest_mv = 4000;
    pass(&m, &in, 2000000);
    assert_int_equal(m.state, CHARGE_TRANSITION); /* from BULK by its 90 % */
    pass(&m, &in, 3600000);
    assert_int_equal(m.state, CHARGE_TRANSITION);
    in.bms_full = false;
    pass(&m, &in, 1000);
    in.bms_full = true;
    pass(&m, &in, 1000);
    expect(&m, CHARGE_FLOAT, CHARGE_REASON_BMS_FULL);
}

static void uneven_cells_near_the_top_are_held_until_they_are_even(void **state) {
    (void)state;
    struct charge_machine m = started();
    struct charge_input in = half_full;
    in.highest_mv = 4100;
    in.imbalance_mv = 51;
    pass(&m, &in, 10000);
    expect(&m, CHARGE_BULK, CHARGE_REASON_START);
    pass(&m, &in, 1000);
    expect(&m, CHARGE_IMBALANCE_HOLD, CHARGE_REASON_CELLS_UNEVEN);
    in.imbalance_mv = 20;
    pass(&m, &in, 60000);
    expect(&m, CHARGE_IMBALANCE_HOLD, CHARGE_REASON_CELLS_UNEVEN);
    in.imbalance_mv = 19;
    pass(&m, &in, 1000);
    expect(&m, CHARGE_BULK, CHARGE_REASON_CELLS_EVEN);
}

static void uneven_cells_mean_nothing_elsewhere(void **state) {
    (void)state;
    static const struct {
        const char *what;
        int32_t highest_mv, imbalance_mv, early_balancing_mv;
    } cases[] = {
        {"more than 100 mV under the target", 4029, 200, 3200},
        {"50 mV are not over 50 mV", 4100, 50, 3200},
        {"the BMS would not balance there", 4100, 200, 4100},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct charge_machine m = started();
        struct charge_input in = half_full;
        in.highest_mv = cases[i].highest_mv;
        in.imbalance_mv = cases[i].imbalance_mv;
        in.early_balancing_mv = cases[i].early_balancing_mv;
        pass(&m, &in, 30000);
        if (m.state != CHARGE_BULK) {
            fail_msg("%s", cases[i].what);
        }
    }
}

static void an_imbalance_hold_ends_away_from_the_top(void **state) {
    (void)state;
    struct charge_machine m = started();
    struct charge_input in = half_full;
    in.highest_mv = 4100;
    in.imbalance_mv = 100;
    pass(&m, &in, 11000);
    expect(&m, CHARGE_IMBALANCE_HOLD, CHARGE_REASON_CELLS_UNEVEN);
    in.highest_mv = 3900;
    pass(&m, &in, 601000);
    expect(&m, CHARGE_BULK, CHARGE_REASON_CELL_AWAY);
}

/* 5 % and the lowest cell under 3100 mV: one alone is not enough. */
static void sustain_needs_low_soc_and_a_low_cell(void **state) {
    (void)state;
    struct charge_machine m = started();
    struct charge_input in = half_full;
    in.soc_cpct = 500;
    in.lowest_mv = 3100;
    pass(&m, &in, 60000);
    expect(&m, CHARGE_BULK, CHARGE_REASON_START);
    in.soc_cpct = 501;
    in.lowest_mv = 3099;
    pass(&m, &in, 60000);
    expect(&m, CHARGE_BULK, CHARGE_REASON_START);
    in.soc_cpct = 500;
    pass(&m, &in, 11000);
    expect(&m, CHARGE_SUSTAIN, CHARGE_REASON_EMPTY);
}

static void sustain_ends_by_the_lowest_cell_whatever_the_soc(void **state) {
    (void)state;
    struct charge_machine m = started();
    struct charge_input in = half_full;
    in.soc_cpct = 0;
    in.lowest_mv = 3050;
    pass(&m, &in, 11000);
    expect(&m, CHARGE_SUSTAIN, CHARGE_REASON_EMPTY);
    in.lowest_mv = 3199;
    pass(&m, &in, 60000);
    expect(&m, CHARGE_SUSTAIN, CHARGE_REASON_EMPTY);
    in.lowest_mv = 3200;
    pass(&m, &in, 1000);
    expect(&m, CHARGE_BULK, CHARGE_REASON_REFILLED);
}

static void sustain_ends_by_soc_with_a_cell_that_is_not_low(void **state) {
    (void)state;
    struct charge_machine m = started();
    struct charge_input in = half_full;
    in.soc_cpct = 0;
    in.lowest_mv = 3050;
    pass(&m, &in, 11000);
    in.soc_cpct = 800;
    in.lowest_mv = 3099;
    pass(&m, &in, 60000);
    expect(&m, CHARGE_SUSTAIN, CHARGE_REASON_EMPTY);
    in.lowest_mv = 3100;
    pass(&m, &in, 1000);
    expect(&m, CHARGE_BULK, CHARGE_REASON_REFILLED);
}

static void without_states_there_is_only_bulk(void **state) {
    (void)state;
    struct charge_input in;
    struct charge_machine m = floating(&in);
    struct limit_config off = config;
    off.states = false;
    assert_true(charge_handle_sample(&m, &off, &in, now_ms + 1));
    expect(&m, CHARGE_BULK, CHARGE_REASON_SWITCHED_OFF);
    assert_false(charge_handle_sample(&m, &off, &in, now_ms + 700000));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_starts_in_bulk_and_stays),
        cmocka_unit_test(bulk_to_transition_and_back_by_soc),
        cmocka_unit_test(float_is_approached_by_soc),
        cmocka_unit_test(float_is_approached_by_a_cell_at_its_target),
        cmocka_unit_test(a_cell_that_was_at_its_target_for_less_than_a_minute_leads_nowhere),
        cmocka_unit_test(an_approach_is_given_up_by_voltage_and_soc),
        cmocka_unit_test(the_bms_says_full_and_float_begins),
        cmocka_unit_test(a_tail_current_of_ten_minutes_is_full),
        cmocka_unit_test(a_discharge_is_no_tail_current),
        cmocka_unit_test(float_ends_by_soc),
        cmocka_unit_test(a_drifted_soc_does_not_end_float),
        cmocka_unit_test(float_ends_by_voltage),
        cmocka_unit_test(float_ends_at_once_far_from_the_top),
        cmocka_unit_test(one_full_leads_to_float_once),
        cmocka_unit_test(uneven_cells_near_the_top_are_held_until_they_are_even),
        cmocka_unit_test(uneven_cells_mean_nothing_elsewhere),
        cmocka_unit_test(an_imbalance_hold_ends_away_from_the_top),
        cmocka_unit_test(sustain_needs_low_soc_and_a_low_cell),
        cmocka_unit_test(sustain_ends_by_the_lowest_cell_whatever_the_soc),
        cmocka_unit_test(sustain_ends_by_soc_with_a_cell_that_is_not_low),
        cmocka_unit_test(without_states_there_is_only_bulk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
