/* SPDX-License-Identifier: MIT */
/* The whole policy on a 14-cell pack: 300 = 4150 mV, 301 = 3000 mV, 317 = 60 A, 318 = 20 A. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "policy/policy.h"
#include "sample.h"

static const struct policy_config config = {
    .stage = {5000, 15000, 30000, 60000},
    .alarm = {.imbalance_warning_mv = 100,
              .imbalance_alarm_mv = 200,
              .soc_low_percent = 10,
              .soc_high_percent = 100},
};

/* The BMS's clock ticks with the time of the test, so that the data is fresh. */
static void feed(struct policy *p, struct battery *b, uint64_t now_ms) {
    b->lifetime_s = (uint32_t)(now_ms / 100);
    sample_refresh(b, now_ms);
    policy_handle_sample(p, b, now_ms);
}

/* Open since 10 s at now_ms, so that CCL has ramped up; 90 samples, the last one at now_ms. */
static void open_at(struct policy *p, struct battery *b, uint64_t now_ms) {
    struct policy_change c;
    policy_init(p, &config, now_ms);
    sample_nominal(b, now_ms);
    for (uint64_t t = now_ms - 10000; t <= now_ms; t += 100) {
        b->pack_ma = t / 100 % 2 == 0 ? -10000 : -10100; /* a current that lives */
        feed(p, b, t);
        if (t == now_ms - 200) { /* tests look at what comes later, and at the first ones */
            while (p->change_count > POLICY_CHANGES_MAX / 2) {
                policy_next_change(p, &c);
            }
        }
    }
}

static void nothing_is_valid_before_the_third_good_sample(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    policy_init(&p, &config, 0);
    sample_nominal(&b, 0);
    assert_false(p.limits.valid);
    feed(&p, &b, 100);
    assert_false(p.limits.valid);
    feed(&p, &b, 200);
    assert_false(p.limits.valid);
    feed(&p, &b, 300);
    assert_true(p.limits.valid);
}

/* CVL 14 x 4150 = 58100 mV; CCL 0.9 x 20 A = 18 A; DCL 0.9 x 60 A = 54 A; 14 x 3000 = 42000 mV */
static void nominal_limits_follow_the_registers(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    open_at(&p, &b, 20000);
    assert_int_equal(p.limits.cvl_mv, 58100);
    assert_int_equal(p.limits.ccl_ma, 18000);
    assert_int_equal(p.limits.dcl_ma, 54000);
    assert_int_equal(p.limits.discharge_voltage_mv, 42000);
    assert_int_equal(p.limits.cvl_reason, LIMIT_NOMINAL);
    assert_int_equal(p.limits.ccl_reason, LIMIT_NOMINAL);
    assert_int_equal(p.limits.dcl_reason, LIMIT_NOMINAL);
    assert_true(p.alarms.online);
}

static void at_boot_discharge_is_full_and_charge_ramps_by_a_tenth_a_second(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    policy_init(&p, &config, 0);
    sample_nominal(&b, 0);
    for (uint64_t t = 100; t <= 9300; t += 100) {
        feed(&p, &b, t);
        if (t < 300) {
            assert_false(p.limits.valid);
            assert_int_equal(policy_hurry_ms(&p), 100);
            continue;
        }
        /* limits rise with samples alone: to be within 100 ms of the ramp takes more of them */
        assert_int_equal(policy_hurry_ms(&p), t < 9300 ? 50 : 0);
        assert_int_equal(p.limits.dcl_ma, 54000);
        /* 1.8 A at 300 ms, then 1.8 A a second: 180 mA each 100 ms */
        assert_int_equal(p.limits.ccl_ma, 1800 + 180 * (t - 300) / 100);
        assert_int_equal(p.limits.ccl_reason, t < 9300 ? LIMIT_OPENING : LIMIT_NOMINAL);
    }
    assert_int_equal(p.limits.ccl_ma, 18000);
}

static void a_stopped_device_goes_through_the_same_steps(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    open_at(&p, &b, 20000);
    for (uint64_t t = 20100; t <= 80000; t += 100) {
        sample_refresh(&b, t); /* answers, but not even its clock ticks */
        policy_handle_sample(&p, &b, t);
        policy_step(&p, t);
        uint64_t age_ms = t - 20000;
        enum stage want = age_ms >= 60000   ? STAGE_SILENT
                          : age_ms >= 30000 ? STAGE_NO_DISCHARGE
                          : age_ms >= 15000 ? STAGE_NO_CHARGE
                          : age_ms >= 5000  ? STAGE_CLOSING
                                            : STAGE_FRESH;
        assert_int_equal(p.stage.stage, want);
    }
    assert_int_equal(p.stage.reason, STAGE_REASON_NOTHING_CHANGES);
    for (uint64_t t = 80100; t <= 200000; t += 100) { /* and it stays so */
        sample_refresh(&b, t);
        policy_handle_sample(&p, &b, t);
        policy_step(&p, t);
        assert_false(p.limits.valid);
    }
}

static void cells_frozen_under_load_for_a_minute_count_as_five_seconds_old(void **state) {
    (void)state;
    static const struct {
        const char *what;
        int32_t ma;
        bool freezes;
    } cases[] = {
        {"discharge over 5 % of 54 A", -2701, true},
        {"discharge at 5 %", -2700, false},
        {"charge over 5 % of 18 A", 901, true},
        {"charge at 5 %", 900, false},
        {"no current", 0, false},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct policy p;
        struct battery b;
        open_at(&p, &b, 20000);
        b.pack_ma = cases[i].ma;
        uint64_t closes_ms = 20100 + 60000; /* the first frozen sample came at 20.1 s */
        for (uint64_t t = 20100; t <= closes_ms + 54900; t += 100) {
            feed(&p, &b, t);
            policy_step(&p, t);
            enum stage want = !cases[i].freezes || t < closes_ms ? STAGE_FRESH
                              : t < closes_ms + 10000            ? STAGE_CLOSING
                              : t < closes_ms + 25000            ? STAGE_NO_CHARGE
                                                                 : STAGE_NO_DISCHARGE;
            assert_int_equal(p.stage.stage, want);
        }
        if (cases[i].freezes) {
            assert_int_equal(p.stage.reason, STAGE_REASON_FROZEN);
        }
    }
}

static void
silence_after_a_restart_that_the_gateway_ordered_is_excused_for_ten_seconds(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    open_at(&p, &b, 20000);
    policy_expect_restart(&p, 20000);
    policy_step(&p, 20000 + 10000 + 4999);
    assert_int_equal(p.stage.stage, STAGE_FRESH);
    policy_step(&p, 20000 + 10000 + 5000);
    assert_int_equal(p.stage.stage, STAGE_CLOSING);
    policy_step(&p, 20000 + 10000 + 60000);
    assert_int_equal(p.stage.stage, STAGE_SILENT);
}

static struct policy_config low_power(void) {
    struct policy_config c = config;
    c.low_power = true;
    return c;
}

static void an_unused_battery_rests_after_ten_minutes_and_a_gx_wakes_it(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    struct policy_config c = low_power();
    open_at(&p, &b, 20000);
    policy_configure(&p, &c, 20000);
    b.status = BATTERY_STATUS_IDLE;
    b.pack_ma = 0;
    uint64_t t = 20100;
    for (; t < 20000 + 600000; t += 100) {
        feed(&p, &b, t);
        policy_set_gx_absent(&p, t, t);
        policy_step(&p, t);
        assert_int_equal(p.stage.stage, STAGE_FRESH);
    }
    feed(&p, &b, t);
    policy_set_gx_absent(&p, t, t);
    assert_int_equal(p.stage.stage, STAGE_RESTING);
    assert_false(p.limits.valid);
    policy_step(&p, t + 3600000); /* silence means nothing now */
    assert_int_equal(p.stage.stage, STAGE_RESTING);
    assert_int_equal(p.alarms.alarm[ALARM_BMS_INTERNAL], ALARM_QUIET);
    policy_set_gx_absent(&p, 0, t + 3600001);
    assert_int_equal(p.stage.stage, STAGE_BOOT);
}

static void an_empty_battery_without_a_gx_rests_after_five_seconds(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    struct policy_config c = low_power();
    open_at(&p, &b, 20000);
    policy_configure(&p, &c, 20000);
    b.status = BATTERY_STATUS_IDLE;
    b.pack_ma = 0;
    sample_set_cell(&b, 4, 2890);
    for (uint64_t t = 20100; t <= 30000; t += 100) { /* busy until 20.0 s, absent since 25.1 s */
        feed(&p, &b, t);
        policy_set_gx_absent(&p, t > 25100 ? t - 25100 : 1, t);
        assert_int_equal(p.stage.stage, STAGE_FRESH);
    }
    policy_set_gx_absent(&p, 0, 30000); /* with a GX it must stay: dawn will charge it */
    assert_int_equal(p.stage.stage, STAGE_FRESH);
    feed(&p, &b, 30100);
    policy_set_gx_absent(&p, 5000, 30100);
    assert_int_equal(p.stage.stage, STAGE_RESTING);
    b.status = BATTERY_STATUS_CHARGING;
    b.pack_ma = 5000;
    feed(&p, &b, 90100); /* the next look */
    assert_int_equal(p.stage.stage, STAGE_BOOT);
}

static void a_small_load_that_the_bms_calls_idle_is_no_rest(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    struct policy_config c = low_power();
    open_at(&p, &b, 20000);
    policy_configure(&p, &c, 20000);
    b.status = BATTERY_STATUS_IDLE;
    for (uint64_t t = 20100; t < 2000000; t += 100) {
        b.pack_ma = -700 - (int32_t)(t / 100 % 2);
        feed(&p, &b, t);
        policy_set_gx_absent(&p, t, t);
        assert_int_equal(p.stage.stage, STAGE_FRESH);
    }
}

static void time_that_nobody_measured_is_no_time_without_use(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    struct policy_config c = low_power();
    open_at(&p, &b, 20000);
    policy_configure(&p, &c, 20000);
    b.status = BATTERY_STATUS_DISCHARGING;
    b.pack_ma = -10000;
    feed(&p, &b, 20100);
    uint64_t t = 20100 + 3600000; /* the machine was suspended: neither samples nor a GX */
    policy_set_gx_absent(&p, 3600000, t);
    assert_int_equal(p.stage.stage, STAGE_FRESH);
    policy_step(&p, t);
    assert_int_equal(p.stage.stage, STAGE_SILENT);
}

static void without_low_power_nothing_ever_rests(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    open_at(&p, &b, 20000);
    b.status = BATTERY_STATUS_IDLE;
    b.pack_ma = 0;
    for (uint64_t t = 20100; t < 2000000; t += 100) {
        feed(&p, &b, t);
        policy_set_gx_absent(&p, t, t);
        assert_int_equal(p.stage.stage, STAGE_FRESH);
    }
}

static void the_margin_comes_off_the_charge_voltage_and_never_empties_the_pack(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    struct policy_config c = config;
    open_at(&p, &b, 20000);
    c.limit.margin_mv = 700;
    c.limit.step_mv = 500;
    c.limit.update_interval_ms = 20000;
    policy_configure(&p, &c, 20001);
    for (uint64_t t = 20100; t <= 60000; t += 100) { /* in two steps, 20 s apart */
        feed(&p, &b, t);
    }
    assert_int_equal(p.limits.cvl_mv, 57400);
    c.limit.margin_mv = 50000; /* more than there is */
    c.limit.step_mv = 50000;
    policy_configure(&p, &c, 60001);
    for (uint64_t t = 60100; t <= 90000; t += 100) {
        feed(&p, &b, t);
    }
    assert_int_equal(p.limits.cvl_mv, 42000); /* not under 14 x register 301 */
}

static void a_dangerous_sample_acts_at_once_even_when_implausible(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    open_at(&p, &b, 20000);
    b.cell_mv[6] = 4200;
    b.pack_mv = 20000; /* no witness agrees */
    b.bms_min_cell_mv = 3000;
    b.bms_max_cell_mv = 3100;
    feed(&p, &b, 20100);
    assert_int_equal(p.doubt_bits, TRUST_VOLTAGES);
    assert_int_equal(p.limits.ccl_ma, 0);
    assert_int_equal(p.limits.ccl_reason, LIMIT_CELL_OVER_VOLTAGE);
    assert_int_equal(p.limits.dcl_ma, 54000);
    assert_int_equal(p.sample.pack_mv, 54600); /* what is shown stays the last good sample */
}

/* Behind a reopened port the settings are read anew; the cable may have been off for a moment. */
static void danger_acts_at_once_while_the_settings_are_read_anew(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint16_t cell_mv;
        int16_t temperature_dc;
        uint32_t ccl_ma, dcl_ma;
    } cases[] = {
        {"nothing dangerous", 4199, 200, 18000, 54000},
        {"a cell at register 315", 4200, 200, 0, 54000},
        {"a cell at register 316", 2900, 200, 18000, 0},
        {"a sensor at register 319", 3900, 600, 0, 54000},
        {"a sensor under register 320", 3900, 9, 0, 54000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct policy p;
        struct battery b;
        print_message("    %s\n", cases[i].what);
        open_at(&p, &b, 20000);
        for (unsigned f = 0; f < BATTERY_FIELD_COUNT; f++) {
            if (battery_field_group((enum battery_field)f) == BATTERY_GROUP_SETTINGS) {
                battery_clear(&b, (enum battery_field)f, BATTERY_NEVER_READ, 20100);
            }
        }
        b.over_voltage_cutoff_mv = b.under_voltage_cutoff_mv = 0;
        b.over_heat_cutoff_dc = b.low_temperature_cutoff_dc = 0;
        b.external_temperature_dc[0] = cases[i].temperature_dc;
        sample_set_cell(&b, 7, cases[i].cell_mv);
        feed(&p, &b, 20100);
        assert_int_equal(p.doubt_bits, TRUST_INCOMPLETE);
        assert_int_equal(p.limits.ccl_ma, cases[i].ccl_ma);
        assert_int_equal(p.limits.dcl_ma, cases[i].dcl_ma);
        assert_int_equal(p.sample.over_voltage_cutoff_mv, 4200);
    }
}

static void a_fault_closes_both_limits_and_goes_offline(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    open_at(&p, &b, 20000);
    b.status = BATTERY_STATUS_FAULT;
    feed(&p, &b, 20100);
    assert_int_equal(p.limits.ccl_ma, 0);
    assert_int_equal(p.limits.dcl_ma, 0);
    assert_int_equal(p.limits.ccl_reason, LIMIT_STATUS_FAULT);
    assert_false(p.alarms.online);
    assert_int_equal(p.alarms.alarm[ALARM_BMS_INTERNAL], ALARM_ACTIVE);
    b.status = BATTERY_STATUS_IDLE;
    feed(&p, &b, 20200);
    assert_int_equal(p.limits.ccl_ma, 36); /* 2 % of 18 A a second, for 0.1 s */
    assert_true(p.alarms.online);
    for (uint64_t t = 20300; t <= 71000; t += 100) {
        feed(&p, &b, t);
    }
    assert_int_equal(p.limits.ccl_ma, 18000);
}

static void silence_closes_step_by_step_and_stops(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint64_t age_ms;
        bool valid;
        uint32_t cvl_mv, ccl_ma, dcl_ma;
        bool online;
        uint8_t internal;
    } cases[] = {
        {"young", 4999, true, 58100, 18000, 54000, true, ALARM_QUIET},
        {"half closed", 10000, true, 58100, 9000, 29700, true, ALARM_QUIET},
        /* 14 x (4150 - 100) = 56700 */
        {"no charge", 15000, true, 56700, 0, 5400, false, ALARM_ACTIVE},
        {"no discharge", 30000, true, 56700, 0, 0, false, ALARM_ACTIVE},
        {"silent", 60000, false, 0, 0, 0, false, ALARM_ACTIVE},
    };
    struct policy p;
    struct battery b;
    open_at(&p, &b, 20000);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        policy_step(&p, 20000 + cases[i].age_ms);
        assert_int_equal(p.limits.valid, cases[i].valid);
        assert_int_equal(p.limits.cvl_mv, cases[i].cvl_mv);
        assert_int_equal(p.limits.ccl_ma, cases[i].ccl_ma);
        assert_int_equal(p.limits.dcl_ma, cases[i].dcl_ma);
        assert_int_equal(p.alarms.online, cases[i].online);
        assert_int_equal(p.alarms.alarm[ALARM_BMS_INTERNAL], cases[i].internal);
    }
}

/* register 301 + 150 mV = 3150 mV */
static void silence_with_a_low_cell_closes_discharging_with_charging(void **state) {
    (void)state;
    static const struct {
        uint16_t lowest_mv;
        uint32_t dcl_ma;
    } cases[] = {{3149, 0}, {3150, 5400}};
    for (unsigned i = 0; i < 2; i++) {
        struct policy p;
        struct battery b;
        open_at(&p, &b, 20000);
        sample_set_cell(&b, 9, cases[i].lowest_mv);
        feed(&p, &b, 20100);
        policy_step(&p, 20100 + 15000);
        assert_int_equal(p.limits.dcl_ma, cases[i].dcl_ma);
    }
}

static void an_implausible_sample_does_not_stop_the_age(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    open_at(&p, &b, 20000);
    for (uint64_t t = 20100; t <= 35000; t += 100) {
        b.pack_mv = 30000; /* neither the sum nor 40/41 x 14 */
        b.bms_min_cell_mv = b.bms_max_cell_mv = 3000;
        feed(&p, &b, t);
        policy_step(&p, t);
    }
    assert_int_equal(p.stage.stage, STAGE_NO_CHARGE);
    assert_int_equal(p.limits.ccl_ma, 0);
}

static void walking_by_deadlines_meets_the_same_stages_as_stepping_every_millisecond(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    open_at(&p, &b, 20000);
    uint64_t now_ms = 20000;
    unsigned steps = 0;
    for (;;) {
        uint64_t next_ms = policy_step(&p, now_ms);
        if (!p.limits.valid) {
            break;
        }
        assert_true(next_ms > now_ms);
        now_ms = next_ms;
        assert_true(++steps < 200); /* 100 while closing, one per stage */
    }
    assert_int_equal(now_ms, 80000);
}

static void every_change_is_told_once_with_its_reason(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    struct policy_change c;
    open_at(&p, &b, 20000);
    unsigned stages = 0;
    while (policy_next_change(&p, &c)) {
        if (c.kind == POLICY_CHANGE_STAGE) {
            assert_int_equal(c.from, STAGE_BOOT);
            assert_int_equal(c.to, STAGE_FRESH);
            assert_int_equal(c.reason, STAGE_REASON_GOOD_SAMPLES);
            stages++;
        }
    }
    assert_int_equal(stages, 1);

    sample_set_cell(&b, 2, 4210);
    feed(&p, &b, 20100);
    feed(&p, &b, 20200);
    unsigned ccl = 0;
    while (policy_next_change(&p, &c)) {
        if (c.kind == POLICY_CHANGE_CCL_REASON) {
            assert_int_equal(c.to, LIMIT_CELL_OVER_VOLTAGE);
            assert_int_equal(c.value, 0);
            ccl++;
        }
    }
    assert_int_equal(ccl, 1);
    assert_int_equal(p.changes_dropped, 0);
}

static void a_temperature_that_is_nonsense_for_five_seconds_is_no_temperature(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    open_at(&p, &b, 20000);
    for (uint64_t t = 20100; t <= 26000; t += 100) {
        b.lifetime_s++;
        sample_refresh(&b, t);
        b.read_at_ms[BATTERY_EXTERNAL_TEMPERATURE_1] = 20000; /* not decoded any more */
        policy_handle_sample(&p, &b, t);
        /* 5 s, and three samples more because a sensor has gone */
        assert_int_equal(battery_has(&p.sample, BATTERY_EXTERNAL_TEMPERATURE_1), t < 25300);
    }
    int16_t mean_dc;
    assert_true(battery_temperature_mean(&p.sample, &mean_dc));
    assert_int_equal(mean_dc, 250); /* the internal sensor stands in */
}

static void an_incomplete_sample_is_a_doubt_only_when_it_lasts(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    struct policy_change c;
    policy_init(&p, &config, 0);
    sample_nominal(&b, 0);
    b.validity[BATTERY_FULLY_CHARGED] = BATTERY_NEVER_READ;
    for (uint64_t t = 100; t < 5000; t += 100) {
        feed(&p, &b, t);
        assert_false(policy_next_change(&p, &c));
    }
    feed(&p, &b, 5000);
    assert_true(policy_next_change(&p, &c));
    assert_int_equal(c.kind, POLICY_CHANGE_DOUBT);
    assert_int_equal(c.to, TRUST_INCOMPLETE);
    assert_false(policy_next_change(&p, &c));
}

static void a_poor_link_is_a_warning(void **state) {
    (void)state;
    struct policy p;
    struct battery b;
    open_at(&p, &b, 20000);
    policy_set_link_poor(&p, true, 20100);
    assert_int_equal(p.alarms.warning[ALARM_BMS_INTERNAL], ALARM_ACTIVE);
    assert_int_equal(p.alarms.alarm[ALARM_BMS_INTERNAL], ALARM_QUIET);
    policy_set_link_poor(&p, false, 20200);
    assert_int_equal(p.alarms.warning[ALARM_BMS_INTERNAL], ALARM_QUIET);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_valid_before_the_third_good_sample),
        cmocka_unit_test(nominal_limits_follow_the_registers),
        cmocka_unit_test(at_boot_discharge_is_full_and_charge_ramps_by_a_tenth_a_second),
        cmocka_unit_test(a_stopped_device_goes_through_the_same_steps),
        cmocka_unit_test(cells_frozen_under_load_for_a_minute_count_as_five_seconds_old),
        cmocka_unit_test(
            silence_after_a_restart_that_the_gateway_ordered_is_excused_for_ten_seconds),
        cmocka_unit_test(an_unused_battery_rests_after_ten_minutes_and_a_gx_wakes_it),
        cmocka_unit_test(an_empty_battery_without_a_gx_rests_after_five_seconds),
        cmocka_unit_test(a_small_load_that_the_bms_calls_idle_is_no_rest),
        cmocka_unit_test(time_that_nobody_measured_is_no_time_without_use),
        cmocka_unit_test(without_low_power_nothing_ever_rests),
        cmocka_unit_test(the_margin_comes_off_the_charge_voltage_and_never_empties_the_pack),
        cmocka_unit_test(a_dangerous_sample_acts_at_once_even_when_implausible),
        cmocka_unit_test(danger_acts_at_once_while_the_settings_are_read_anew),
        cmocka_unit_test(a_fault_closes_both_limits_and_goes_offline),
        cmocka_unit_test(silence_closes_step_by_step_and_stops),
        cmocka_unit_test(silence_with_a_low_cell_closes_discharging_with_charging),
        cmocka_unit_test(an_implausible_sample_does_not_stop_the_age),
        cmocka_unit_test(walking_by_deadlines_meets_the_same_stages_as_stepping_every_millisecond),
        cmocka_unit_test(every_change_is_told_once_with_its_reason),
        cmocka_unit_test(a_temperature_that_is_nonsense_for_five_seconds_is_no_temperature),
        cmocka_unit_test(an_incomplete_sample_is_a_doubt_only_when_it_lasts),
        cmocka_unit_test(a_poor_link_is_a_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
