/* SPDX-License-Identifier: MIT */
/* The charge voltage limit, for the pack of limits_pack.h. Register 300 x cells is 14 x 4150 mV =
 * 58.1 V. Before any load was seen to be switched a swing of 30 mV is assumed, so that in single
 * port the bulk voltage is 14 x (4150 - 30) - 400 = 57280 mV, on the wire 57.2 V. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "limits_pack.h"
#include "policy/charge_voltage.h"

static uint64_t now_ms;
static struct battery pack;
static struct pack_watch watch;
static struct charge_end end;
static struct charge_voltage cvl;
static struct limit_config config;
static enum charge_state charge;

static int begin(void **state) {
    (void)state;
    now_ms = 1000000;
    config = default_limits;
    charge = CHARGE_BULK;
    limits_pack(&pack, now_ms);
    pack.pack_ma = 10000;
    pack_watch_init(&watch);
    charge_end_init(&end);
    charge_voltage_init(&cvl);
    return 0;
}

static void pass(uint64_t for_ms) {
    for (uint64_t until_ms = now_ms + for_ms; now_ms < until_ms;) {
        now_ms += 1000;
        pack_watch_handle_sample(&watch, &pack, cvl.any ? cvl.cvl_mv : 0, now_ms);
        charge_voltage_handle_sample(&cvl, &config, &pack, &watch, charge, &end, now_ms);
    }
}

static void expect(uint32_t mv, enum limit_reason reason) {
    assert_int_equal(cvl.cvl_mv, mv);
    assert_string_equal(limit_reason_text(cvl.reason), limit_reason_text(reason));
}

static void far_from_the_top_it_is_register_300_times_the_cells(void **state) {
    (void)state;
    limits_set_all(&pack, 4019);
    pass(600000);
    expect(58100, LIMIT_NOMINAL);
}

static void in_single_port_the_highest_cell_stays_under_register_300(void **state) {
    (void)state;
    limits_set_all(&pack, 4020);
    pass(1000);
    expect(57200, LIMIT_CELL_HIGH);
}

/* Dual port: 14 x 4120 = 57680, no room for feed-in before it is seen. */
static void dual_port_waits_under_register_300(void **state) {
    (void)state;
    pack.operation_mode = BATTERY_DUAL_PORT;
    limits_set_all(&pack, 4020);
    pass(1000);
    expect(57600, LIMIT_CELL_HIGH);
}

static void wiring_that_is_not_known_counts_as_single_port(void **state) {
    (void)state;
    pack.operation_mode = BATTERY_DUAL_PORT;
    battery_clear(&pack, BATTERY_OPERATION_MODE, BATTERY_NEVER_READ, now_ms);
    limits_set_all(&pack, 4020);
    pass(1000);
    expect(57200, LIMIT_CELL_HIGH);
}

static void the_limit_follows_the_settings(void **state) {
    (void)state;
    static const struct {
        const char *what;
        enum bms_full full;
        enum feed_in feed_in;
        uint32_t bulk_mv, margin_mv, guard_mv, want_mv, near_mv;
    } cases[] = {
        {"no grid to feed: 14 x 4120", BMS_FULL_AUTO, FEED_IN_NEVER, 0, 0, 20, 58100, 57600},
        {"a guard of 50 mV, over the swing: 14 x 4100 - 400", BMS_FULL_AUTO, FEED_IN_AUTO, 0, 0, 50,
         58100, 57000},
        {"a bulk voltage that is lower than all this", BMS_FULL_AUTO, FEED_IN_AUTO, 56000, 0, 20,
         56000, 56000},
        {"... less a margin", BMS_FULL_AUTO, FEED_IN_AUTO, 56000, 250, 20, 55700, 55700},
        {"a bulk voltage over register 300 x cells is not taken", BMS_FULL_REACH, FEED_IN_NEVER,
         60000, 0, 20, 58100, 57600},
        {"a margin that the guard holds already: 58100 - 800", BMS_FULL_AUTO, FEED_IN_AUTO, 0, 800,
         20, 57300, 57200},
        {"a margin that goes further: 58100 - 1000", BMS_FULL_AUTO, FEED_IN_AUTO, 0, 1000, 20,
         57100, 57100},
        {"more margin than there is: 14 x register 301", BMS_FULL_AUTO, FEED_IN_AUTO, 8000, 5000,
         20, 42000, 42000},
        {"full is to be reached", BMS_FULL_REACH, FEED_IN_AUTO, 0, 0, 20, 58100, 57600},
        {"... with room for feed-in", BMS_FULL_REACH, FEED_IN_ALWAYS, 0, 0, 20, 58100, 57200},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (unsigned near = 0; near < 2; near++) {
            begin(NULL);
            config.bms_full = cases[i].full;
            config.feed_in = cases[i].feed_in;
            config.bulk_mv = cases[i].bulk_mv;
            config.margin_mv = cases[i].margin_mv;
            config.cell_guard_mv = cases[i].guard_mv;
            limits_set_all(&pack, near ? 4030 : 3900);
            pass(1000);
            if (cvl.cvl_mv != (near ? cases[i].near_mv : cases[i].want_mv)) {
                fail_msg("%s: %u mV", cases[i].what, (unsigned)cvl.cvl_mv);
            }
        }
    }
}

/* A load switched off makes the cells jump by 60 mV: 55 are kept (pack_watch_test.c), so that the
 * target is 4095, and the limit near it 14 x 4095 - 400 = 56930. */
static void what_a_load_switched_off_does_is_kept_free(void **state) {
    (void)state;
    pass(10000);
    limits_set_all(&pack, 3960);
    pass(60000);
    expect(58100, LIMIT_NOMINAL);
    for (uint16_t mv = 3960; mv <= 4040; mv = (uint16_t)(mv + 4)) {
        limits_set_all(&pack, mv);
        pass(1000);
    }
    expect(56900, LIMIT_CELL_HIGH);
}

/* At most 0.2 V, and not before 20 s have passed. */
static void steps_down_are_small_and_far_apart(void **state) {
    (void)state;
    pass(60000);
    expect(58100, LIMIT_NOMINAL);
    config.bulk_mv = 57400;
    pass(1000);
    expect(57900, LIMIT_STEPPING);
    pass(19000);
    expect(57900, LIMIT_STEPPING);
    pass(1000);
    expect(57700, LIMIT_STEPPING);
    pass(20000);
    expect(57500, LIMIT_STEPPING);
    pass(20000);
    expect(57400, LIMIT_NOMINAL);
}

/* After a minute, 0.2 V every 20 s. */
static void steps_up_wait_a_minute(void **state) {
    (void)state;
    config.bulk_mv = 57400;
    pass(60000);
    config.bulk_mv = 0;
    pass(60000);
    expect(57400, LIMIT_NOMINAL);
    pass(1000);
    expect(57600, LIMIT_STEPPING);
    pass(20000);
    expect(57800, LIMIT_STEPPING);
    pass(40000);
    expect(58100, LIMIT_NOMINAL);
}

/* Another pack, or other settings: over register 300 x cells CVL is not for a moment. */
static void another_register_300_counts_at_once(void **state) {
    (void)state;
    pass(1000);
    pack.fully_charged_mv = 3600;
    limits_set_all(&pack, 3300);
    pass(1000);
    assert_in_range(cvl.cvl_mv, 14 * 3000, 14 * 3600);
}

static void states_take_their_offsets_off(void **state) {
    (void)state;
    static const struct {
        const char *what;
        enum charge_state state;
        uint32_t pack_mv, cell_mv, want_mv;
        enum limit_reason reason;
    } cases[] = {
        {"57280 - 50", CHARGE_FLOAT_APPROACH, 50, 0, 57200, LIMIT_FLOAT_APPROACH},
        {"57280 - 100", CHARGE_FLOAT, 100, 0, 57100, LIMIT_FLOAT},
        {"57280 - 50 - 14 x 10", CHARGE_FLOAT_APPROACH, 50, 10, 57000, LIMIT_FLOAT_APPROACH},
        {"57280 - 100 - 14 x 30", CHARGE_FLOAT, 100, 30, 56700, LIMIT_FLOAT},
        {"nothing", CHARGE_TRANSITION, 50, 10, 57200, LIMIT_CELL_HIGH},
        {"nothing: SUSTAIN never lowers CVL", CHARGE_SUSTAIN, 50, 10, 57200, LIMIT_CELL_HIGH},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(NULL);
        config.float_approach_offset_mv = config.float_offset_mv = cases[i].pack_mv;
        config.float_approach_offset_cell_mv = config.float_offset_cell_mv = cases[i].cell_mv;
        charge = cases[i].state;
        limits_set_all(&pack, 4050);
        pass(1000);
        if (cvl.cvl_mv != cases[i].want_mv || cvl.reason != cases[i].reason) {
            fail_msg("%s: %u mV, %s", cases[i].what, (unsigned)cvl.cvl_mv,
                     limit_reason_text(cvl.reason));
        }
    }
}

/* 300 mV apart are 250 over the threshold: 250 x 0.5 mV = 125 mV; 57280 - 125 = 57155. With 10 mV
 * for each mV it is 2000 at most. The highest cell is far from the top, so that no other rule acts.
 */
static void an_imbalance_hold_drops_with_the_imbalance(void **state) {
    (void)state;
    charge = CHARGE_IMBALANCE_HOLD;
    sample_set_cell(&pack, 3, 3600);
    pass(1000);
    expect(57900, LIMIT_IMBALANCE);
    begin(NULL);
    charge = CHARGE_IMBALANCE_HOLD;
    config.imbalance_drop_uv_per_mv = 10000;
    sample_set_cell(&pack, 3, 3600);
    pass(1000);
    expect(56100, LIMIT_IMBALANCE);
}

/* One cell 60 mV over 13 others near the top: at its target of 4120 mV the pack would be at
 * 14 x 4120 - 13 x 60 = 56900, less 400 for feed-in: 56500. That is protection: at once. */
static void uneven_cells_near_the_top_lower_it_at_once(void **state) {
    (void)state;
    limits_set_all(&pack, 3950);
    pass(20000);
    expect(58100, LIMIT_NOMINAL);
    for (uint16_t mv = 3950; mv <= 4030; mv = (uint16_t)(mv + 4)) { /* slower than a swing */
        limits_set_all(&pack, mv);
        pass(1000);
    }
    for (uint16_t mv = 4030; mv <= 4090; mv = (uint16_t)(mv + 4)) {
        sample_set_cell(&pack, 9, mv);
        pass(1000);
    }
    pass(15000); /* the spread is followed with 3 s */
    expect(56500, LIMIT_CELL_HIGH);
}

static void uneven_cells_far_from_the_top_do_not_matter(void **state) {
    (void)state;
    sample_set_cell(&pack, 9, 4019); /* 4120 - 100 is 4020 */
    pass(600000);
    expect(58100, LIMIT_NOMINAL);
}

/* The highest cell 10 mV over its target: that much of 14 cells comes off in every 30 s. */
static void a_cell_that_stays_over_its_target_is_trimmed(void **state) {
    (void)state;
    limits_set_all(&pack, 4130);
    pass(31000);
    expect(57100, LIMIT_CELL_HIGH); /* 57280 - 140 = 57140 */
    pass(30000);
    expect(57000, LIMIT_CELL_HIGH); /* 57280 - 280 */
}

/* Lowering CVL brings no cell down when nothing flows in; it would empty the pack into the house.
 */
static void nothing_is_lowered_under_a_pack_that_is_not_charged(void **state) {
    (void)state;
    pack.pack_ma = -5000;
    pass(1000);
    expect(58100, LIMIT_NOMINAL);
    limits_set_all(&pack, 4130); /* 57820 mV in all; the limit would be well under that */
    pass(600000);
    expect(57800, LIMIT_CELL_HIGH);
    pack.pack_ma = 5000;
    pass(1000);
    assert_in_range(cvl.cvl_mv, 14 * 3800, 57200);
}

static void what_cells_asked_for_is_given_back_after_an_hour(void **state) {
    (void)state;
    limits_set_all(&pack, 4030);
    sample_set_cell(&pack, 9, 4090);
    pass(15000);
    expect(56500, LIMIT_CELL_HIGH);
    limits_set_all(&pack, 3900); /* evening */
    pass(3899000);
    assert_int_equal(cvl.cvl_mv, 56500);
    pass(60000); /* the spread had to fall first */
    assert_in_range(cvl.cvl_mv, 56700, 57200);
    pass(200000);
    expect(58100, LIMIT_NOMINAL);
}

/* 16 cells, one 200 mV high, then even: at 3500 the rule allows 3 V more than before, and the pack
 * is at its limit: charging goes on soon. */
static void much_room_is_given_back_soon_where_the_limit_is_felt(void **state) {
    (void)state;
    limits_set_all(&pack, 3920);
    sample_set_cell(&pack, 9, 4120);
    pass(15000);
    uint32_t low_mv = cvl.cvl_mv; /* 57280 - 13 x 200 = 54680 */
    assert_int_equal(low_mv, 54600);
    limits_set_all(&pack, 4021); /* 56294 */
    pass(300000);
    assert_true(cvl.cvl_mv > low_mv);
}

/* A cell stuck at 4200 over 13 at 3500 mV: 300 mV of each cell at most. 14 x 3820 - 400 = 53080. */
static void the_cell_rule_has_a_floor(void **state) {
    (void)state;
    limits_set_all(&pack, 3500);
    sample_set_cell(&pack, 9, 4200);
    pass(300000);
    expect(53000, LIMIT_CELL_HIGH);
}

static void noise_of_the_cells_moves_nothing(void **state) {
    (void)state;
    static const int8_t noise_mv[] = {0, 2, -1, 1, -2, 0, 1, -1, 2, -2, 1};
    limits_set_all(&pack, 4085);
    pass(5000);
    uint32_t first_mv = cvl.cvl_mv, changes = 0;
    for (unsigned i = 0; i < 3600; i++) {
        uint32_t before_mv = cvl.cvl_mv;
        for (int cell = 1; cell <= 14; cell++) {
            sample_set_cell(&pack, cell,
                            (uint16_t)(4085 + noise_mv[(i * 7 + (unsigned)cell) % 11]));
        }
        pass(1000);
        changes += cvl.cvl_mv != before_mv ? 1 : 0;
    }
    assert_in_range(changes, 0, 2);
    assert_in_range(cvl.cvl_mv, first_mv - 200, first_mv);
}

static void every_limit_is_a_multiple_of_the_wires_tenth(void **state) {
    (void)state;
    for (uint16_t mv = 3000; mv <= 4300; mv = (uint16_t)(mv + 7)) {
        limits_set_all(&pack, mv);
        sample_set_cell(&pack, 2, (uint16_t)(mv - 33));
        pass(3000);
        assert_int_equal(cvl.cvl_mv % 100, 0);
        assert_in_range(cvl.cvl_mv, 14 * 3000, 58100);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(far_from_the_top_it_is_register_300_times_the_cells, begin),
        cmocka_unit_test_setup(in_single_port_the_highest_cell_stays_under_register_300, begin),
        cmocka_unit_test_setup(dual_port_waits_under_register_300, begin),
        cmocka_unit_test_setup(wiring_that_is_not_known_counts_as_single_port, begin),
        cmocka_unit_test_setup(the_limit_follows_the_settings, begin),
        cmocka_unit_test_setup(what_a_load_switched_off_does_is_kept_free, begin),
        cmocka_unit_test_setup(steps_down_are_small_and_far_apart, begin),
        cmocka_unit_test_setup(steps_up_wait_a_minute, begin),
        cmocka_unit_test_setup(another_register_300_counts_at_once, begin),
        cmocka_unit_test_setup(states_take_their_offsets_off, begin),
        cmocka_unit_test_setup(an_imbalance_hold_drops_with_the_imbalance, begin),
        cmocka_unit_test_setup(uneven_cells_near_the_top_lower_it_at_once, begin),
        cmocka_unit_test_setup(uneven_cells_far_from_the_top_do_not_matter, begin),
        cmocka_unit_test_setup(a_cell_that_stays_over_its_target_is_trimmed, begin),
        cmocka_unit_test_setup(nothing_is_lowered_under_a_pack_that_is_not_charged, begin),
        cmocka_unit_test_setup(what_cells_asked_for_is_given_back_after_an_hour, begin),
        cmocka_unit_test_setup(much_room_is_given_back_soon_where_the_limit_is_felt, begin),
        cmocka_unit_test_setup(the_cell_rule_has_a_floor, begin),
        cmocka_unit_test_setup(noise_of_the_cells_moves_nothing, begin),
        cmocka_unit_test_setup(every_limit_is_a_multiple_of_the_wires_tenth, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
