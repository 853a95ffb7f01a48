/* SPDX-License-Identifier: MIT */
/* CCL and DCL for the pack of limits_pack.h: 318 = 20 A, so that CCL is 18 A; 317 = 60 A: DCL 54 A.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "limits_pack.h"
#include "policy/current_limits.h"

enum { TARGET_MV = 4120 };

static uint64_t now_ms;
static struct battery pack;
static struct pack_watch watch;
static struct charge_end end;
static struct current_limits limits;
static struct limit_config config;
static enum charge_state charge;
static bool charge_closed, discharge_closed;

static int begin(void **state) {
    (void)state;
    now_ms = 100000000;
    config = default_limits;
    charge = CHARGE_BULK;
    charge_closed = discharge_closed = false;
    limits_pack(&pack, now_ms);
    pack_watch_init(&watch);
    charge_end_init(&end);
    current_limits_init(&limits);
    return 0;
}

static void pass(uint64_t for_ms) {
    for (uint64_t until_ms = now_ms + for_ms; now_ms < until_ms;) {
        now_ms += 1000;
        pack_watch_handle_sample(&watch, &pack, 57200, now_ms);
        current_limits_handle_sample(&limits, &config, &pack, &watch, charge, &end, TARGET_MV,
                                     charge_closed, discharge_closed, now_ms);
    }
}

static void expect_charge(uint32_t ma, enum limit_reason reason) {
    assert_int_equal(limits.charge.ma, ma);
    assert_string_equal(limit_reason_text(limits.charge.reason), limit_reason_text(reason));
}

static void expect_discharge(uint32_t ma, enum limit_reason reason) {
    assert_int_equal(limits.discharge.ma, ma);
    assert_string_equal(limit_reason_text(limits.discharge.reason), limit_reason_text(reason));
}

static void nine_tenths_of_the_cut_offs(void **state) {
    (void)state;
    pass(1000);
    expect_charge(18000, LIMIT_NOMINAL);
    expect_discharge(54000, LIMIT_NOMINAL);
}

static void the_users_ceiling_binds(void **state) {
    (void)state;
    config.ccl_max_ma = 7500;
    config.dcl_max_ma = 30000;
    pass(1000);
    expect_charge(7500, LIMIT_CEILING);
    expect_discharge(30000, LIMIT_CEILING);
}

static void a_ceiling_over_nominal_does_nothing(void **state) {
    (void)state;
    config.ccl_max_ma = 18001;
    config.dcl_max_ma = 1000000;
    pass(1000);
    expect_charge(18000, LIMIT_NOMINAL);
    expect_discharge(54000, LIMIT_NOMINAL);
}

/* Charge through the load port is limited by register 317: 0.9 x 15 A. */
static void regeneration_is_limited_by_register_317(void **state) {
    (void)state;
    pack.discharge_over_current_ma = 15000;
    pass(1000);
    expect_charge(18000, LIMIT_NOMINAL);
    pack.status = BATTERY_STATUS_REGENERATION;
    pass(1000);
    expect_charge(13500, LIMIT_REGENERATION);
}

/* "0:0 5:20 15:100 45:100 55:0" at 10.0 degC leaves 60 % of 18 A; the warmest sensor counts too. */
static void the_charge_curve_binds_at_the_coldest_and_the_warmest_sensor(void **state) {
    (void)state;
    assert_int_equal(curve_parse(&config.charge_curve, "0:0 5:20 15:100 45:100 55:0"), 0);
    static const struct {
        const char *what;
        int16_t first_dc, second_dc;
        uint32_t want_ma;
    } cases[] = {
        {"10 and 20 degC", 100, 200, 10800},           {"20 and 50 degC: half", 200, 500, 9000},
        {"2.5 degC: a tenth", 25, 30, 1800},           {"15 and 45 degC", 150, 450, 18000},
        {"8 and 52 degC: 44 and 30 %", 80, 520, 5400},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        current_limits_init(&limits);
        pack.external_temperature_dc[0] = cases[i].first_dc;
        pack.external_temperature_dc[1] = cases[i].second_dc;
        battery_set(&pack, BATTERY_EXTERNAL_TEMPERATURE_2, now_ms);
        pass(1000);
        if (limits.charge.ma != cases[i].want_ma) {
            fail_msg("%s: %u mA", cases[i].what, (unsigned)limits.charge.ma);
        }
        assert_int_equal(limits.discharge.ma, 54000);
    }
}

static void the_discharge_curve_binds(void **state) {
    (void)state;
    assert_int_equal(curve_parse(&config.discharge_curve, "-20:10 -10:50 0:100 50:100 60:10"), 0);
    pack.external_temperature_dc[0] = -50; /* 75 % */
    pass(1000);
    expect_discharge(40500, LIMIT_TEMPERATURE_CURVE);
}

static void without_a_sensor_no_curve_binds(void **state) {
    (void)state;
    assert_int_equal(curve_parse(&config.charge_curve, "0:0 90:0"), 0);
    battery_clear(&pack, BATTERY_EXTERNAL_TEMPERATURE_1, BATTERY_ABSENT, now_ms);
    battery_clear(&pack, BATTERY_INTERNAL_TEMPERATURE, BATTERY_ABSENT, now_ms);
    pass(1000);
    expect_charge(18000, LIMIT_NOMINAL);
}

/* Register 320 is 1 degC: closed under 1.5, open again at 3.5. */
static void charging_ends_a_little_before_the_bms_forbids_it(void **state) {
    (void)state;
    pack.external_temperature_dc[0] = 15;
    pass(1000);
    expect_charge(18000, LIMIT_NOMINAL);
    pack.external_temperature_dc[0] = 14;
    pass(1000);
    expect_charge(0, LIMIT_TEMPERATURE_LOW);
    pack.external_temperature_dc[0] = 34;
    pass(60000);
    expect_charge(0, LIMIT_TEMPERATURE_LOW);
    pack.external_temperature_dc[0] = 35;
    pass(60000);
    expect_charge(18000, LIMIT_NOMINAL);
}

/* From 18 A at the target of 4120 to 2 A (more than a twentieth) at register 300: half way 10 A. */
static void a_highest_cell_over_its_target_tapers(void **state) {
    (void)state;
    static const struct {
        uint16_t mv;
        uint32_t ma;
    } cases[] = {{4120, 18000}, {4135, 10000}, {4150, 2000}, {4190, 2000}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(NULL);
        sample_set_cell(&pack, 7, cases[i].mv);
        pass(1000);
        assert_int_equal(limits.charge.ma, cases[i].ma);
        assert_int_equal(limits.discharge.ma, 54000);
    }
}

static void a_jump_of_the_highest_cell_counts_at_once(void **state) {
    (void)state;
    pass(10000);
    sample_set_cell(&pack, 7, 4140); /* less 5 mV of what may be noise: 4135 */
    pass(1000);
    expect_charge(10000, LIMIT_CELL_HIGH);
}

static void the_taper_falls_steadily_and_stays_in_its_bounds(void **state) {
    (void)state;
    uint32_t last_ma = UINT32_MAX;
    for (int32_t mv = 0; mv <= 6000; mv++) {
        uint32_t ma = current_taper_high_ma(180000, 9000, mv, 4100, 4151);
        assert_in_range(ma, 9000, 180000);
        assert_true(ma <= last_ma);
        last_ma = ma;
    }
    assert_int_equal(current_taper_high_ma(1500, 2000, 9999, 4100, 4150), 1500);
    assert_int_equal(current_taper_high_ma(UINT32_MAX, 0, 4125, 4100, 4150), UINT32_MAX / 2);
}

static void states_have_limits_of_their_own(void **state) {
    (void)state;
    charge = CHARGE_FLOAT;
    pass(1000);
    expect_charge(5000, LIMIT_FLOAT);
    expect_discharge(54000, LIMIT_NOMINAL);
    begin(NULL);
    charge = CHARGE_SUSTAIN;
    pass(1000);
    expect_charge(5000, LIMIT_SUSTAIN);
    expect_discharge(5000, LIMIT_SUSTAIN);
}

/* From 3.3 A (66 Ah / 20 h) at 4130 mV to 0.8 A at 4144, and never more again in one attempt. */
static void at_the_end_of_charge_less_and_less_may_flow(void **state) {
    (void)state;
    end.active = true;
    sample_set_cell(&pack, 7, 4119);
    pass(1000);
    expect_charge(3300, LIMIT_END_OF_CHARGE);
    sample_set_cell(&pack, 7, 4137); /* half way: 2.05 A */
    pass(60000);
    assert_in_range(limits.charge.ma, 2050, 2228); /* filtered it is a little under 4137 */
    uint32_t half_way_ma = limits.charge.ma;
    sample_set_cell(&pack, 7, 4144);
    pass(60000);
    assert_in_range(limits.charge.ma, 800, 978);
    sample_set_cell(&pack, 7, 4119);
    pass(60000);
    assert_in_range(limits.charge.ma, 800, half_way_ma - 1);
}

static void after_an_attempt_little_may_flow_near_the_top(void **state) {
    (void)state;
    end.paused_ms = now_ms + 1800000;
    sample_set_cell(&pack, 7, 4090);
    pass(1000);
    expect_charge(3300, LIMIT_END_OF_CHARGE);
    begin(NULL);
    end.paused_ms = now_ms + 1800000;
    sample_set_cell(&pack, 7, 4089);
    pass(1000);
    expect_charge(18000, LIMIT_NOMINAL);
    begin(NULL);
    end.paused_ms = now_ms;
    sample_set_cell(&pack, 7, 4090);
    pass(1000);
    expect_charge(18000, LIMIT_NOMINAL);
}

/* A swing of 30 mV is assumed: empty at 3030. From 54 A at 3180 to 2.7 A (a twentieth) at 3060. */
static void a_lowest_cell_near_register_301_tapers(void **state) {
    (void)state;
    static const struct {
        uint16_t mv;
        uint32_t ma;
        enum limit_reason reason;
    } cases[] = {{3180, 54000, LIMIT_NOMINAL},
                 {3120, 28350, LIMIT_CELL_LOW},
                 {3060, 2700, LIMIT_CELL_LOW},
                 {3031, 2700, LIMIT_CELL_LOW}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(NULL);
        limits_set_all(&pack, 3300);
        sample_set_cell(&pack, 2, cases[i].mv);
        pass(60000);
        expect_discharge(cases[i].ma, cases[i].reason);
        expect_charge(18000, LIMIT_NOMINAL); /* or it could never be charged again */
    }
}

static void an_empty_cell_ends_discharging_after_two_seconds(void **state) {
    (void)state;
    limits_set_all(&pack, 3029);
    pass(2000);
    assert_int_equal(limits.discharge.ma, 2700);
    pass(1000);
    expect_discharge(0, LIMIT_EMPTY);
    expect_charge(18000, LIMIT_NOMINAL);
}

/* 10 mV over register 301: there is no time left. */
static void a_cell_as_good_as_at_register_301_ends_discharging_at_once(void **state) {
    (void)state;
    limits_set_all(&pack, 3300);
    sample_set_cell(&pack, 2, 3011);
    pass(1000);
    assert_int_not_equal(limits.discharge.ma, 0);
    sample_set_cell(&pack, 2, 3010);
    pass(1000);
    expect_discharge(0, LIMIT_EMPTY);
}

/* 3030 + 100 + a swing of 30 = 3160 for a minute; then 2 % of 54 A a second. */
static void discharging_begins_again_by_itself_well_above(void **state) {
    (void)state;
    limits_set_all(&pack, 3029);
    pass(3000);
    expect_discharge(0, LIMIT_EMPTY);
    for (uint16_t mv = 3029; mv < 3159; mv = (uint16_t)(mv + 2)) {
        limits_set_all(&pack, mv);
        pass(1000);
    }
    limits_set_all(&pack, 3159);
    pass(600000);
    expect_discharge(0, LIMIT_EMPTY);
    limits_set_all(&pack, 3162);
    pass(55000);
    expect_discharge(0, LIMIT_EMPTY);
    pass(15000);
    assert_in_range(limits.discharge.ma, 1000, 54000);
    pass(60000);
    assert_in_range(limits.discharge.ma, 40000, 54000);
}

static void limits_fall_at_once_and_rise_by_two_percent_a_second(void **state) {
    (void)state;
    pass(1000);
    config.ccl_max_ma = 1800;
    config.dcl_max_ma = 5400;
    pass(1000);
    expect_charge(1800, LIMIT_CEILING);
    expect_discharge(5400, LIMIT_CEILING);
    config.ccl_max_ma = config.dcl_max_ma = 0;
    pass(1000);
    expect_charge(2160, LIMIT_STEPPING); /* + 2 % of 18 A */
    expect_discharge(6480, LIMIT_STEPPING);
    pass(43000);
    expect_charge(17640, LIMIT_STEPPING);
    pass(1000);
    expect_charge(18000, LIMIT_NOMINAL);
    expect_discharge(54000, LIMIT_NOMINAL);
}

/* A twentieth of nominal, 0.9 A, is not worth a rise that the next sample takes back. */
static void a_little_more_room_for_the_same_reason_moves_nothing(void **state) {
    (void)state;
    sample_set_cell(&pack, 7, 4135);
    pass(60000);
    expect_charge(10000, LIMIT_CELL_HIGH);
    sample_set_cell(&pack, 7, 4134); /* 10.533 A */
    pass(60000);
    expect_charge(10000, LIMIT_CELL_HIGH);
    sample_set_cell(&pack, 7, 4132); /* 11.6 A */
    pass(60000);
    assert_in_range(limits.charge.ma, 11060, 11600);
}

static void what_a_protection_closed_rises_from_nothing(void **state) {
    (void)state;
    pass(1000);
    charge_closed = discharge_closed = true;
    pass(1000);
    assert_int_equal(limits.charge.ma, 0);
    assert_int_equal(limits.discharge.ma, 0);
    charge_closed = discharge_closed = false;
    pass(1000);
    expect_charge(360, LIMIT_STEPPING);
    expect_discharge(1080, LIMIT_STEPPING);
    pass(50000);
    expect_charge(18000, LIMIT_NOMINAL);
    expect_discharge(54000, LIMIT_NOMINAL);
}

/* Nobody saw what happened meanwhile. */
static void a_silence_raises_nothing(void **state) {
    (void)state;
    charge_closed = true;
    pass(1000);
    charge_closed = false;
    now_ms += 20000;
    pass(1000);
    expect_charge(0, LIMIT_STEPPING);
    pass(1000);
    expect_charge(360, LIMIT_STEPPING);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nine_tenths_of_the_cut_offs, begin),
        cmocka_unit_test_setup(the_users_ceiling_binds, begin),
        cmocka_unit_test_setup(a_ceiling_over_nominal_does_nothing, begin),
        cmocka_unit_test_setup(regeneration_is_limited_by_register_317, begin),
        cmocka_unit_test_setup(the_charge_curve_binds_at_the_coldest_and_the_warmest_sensor, begin),
        cmocka_unit_test_setup(the_discharge_curve_binds, begin),
        cmocka_unit_test_setup(without_a_sensor_no_curve_binds, begin),
        cmocka_unit_test_setup(charging_ends_a_little_before_the_bms_forbids_it, begin),
        cmocka_unit_test_setup(a_highest_cell_over_its_target_tapers, begin),
        cmocka_unit_test_setup(a_jump_of_the_highest_cell_counts_at_once, begin),
        cmocka_unit_test_setup(the_taper_falls_steadily_and_stays_in_its_bounds, begin),
        cmocka_unit_test_setup(states_have_limits_of_their_own, begin),
        cmocka_unit_test_setup(at_the_end_of_charge_less_and_less_may_flow, begin),
        cmocka_unit_test_setup(after_an_attempt_little_may_flow_near_the_top, begin),
        cmocka_unit_test_setup(a_lowest_cell_near_register_301_tapers, begin),
        cmocka_unit_test_setup(an_empty_cell_ends_discharging_after_two_seconds, begin),
        cmocka_unit_test_setup(a_cell_as_good_as_at_register_301_ends_discharging_at_once, begin),
        cmocka_unit_test_setup(discharging_begins_again_by_itself_well_above, begin),
        cmocka_unit_test_setup(limits_fall_at_once_and_rise_by_two_percent_a_second, begin),
        cmocka_unit_test_setup(a_little_more_room_for_the_same_reason_moves_nothing, begin),
        cmocka_unit_test_setup(what_a_protection_closed_rises_from_nothing, begin),
        cmocka_unit_test_setup(a_silence_raises_nothing, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
