/* SPDX-License-Identifier: MIT */
/* Temperature curves: what is read, what is refused, and what they leave between the points. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "battery/curve.h"
#include "gw_err.h"

static void points_are_read_in_tenths(void **state) {
    (void)state;
    struct curve c = {.count = 0};
    assert_int_equal(curve_parse(&c, "-12.5:0 0:20 45:100"), 0);
    assert_int_equal(c.count, 3);
    assert_int_equal(c.point[0].temperature_dc, -125);
    assert_int_equal(c.point[0].permille, 0);
    assert_int_equal(c.point[1].temperature_dc, 0);
    assert_int_equal(c.point[1].permille, 200);
    assert_int_equal(c.point[2].temperature_dc, 450);
    assert_int_equal(c.point[2].permille, 1000);
}

static void what_is_no_curve_is_refused_and_changes_nothing(void **state) {
    (void)state;
    static const struct {
        const char *what, *text;
        int err;
    } cases[] = {
        {"empty", "", GW_ERR_SYNTAX},
        {"one point", "0:100", GW_ERR_RANGE},
        {"nine points", "0:0 1:1 2:2 3:3 4:4 5:5 6:6 7:7 8:8", GW_ERR_RANGE},
        {"no percent", "0: 5:20", GW_ERR_SYNTAX},
        {"no colon", "0 5:20", GW_ERR_SYNTAX},
        {"no temperature", ":0 5:20", GW_ERR_SYNTAX},
        {"two spaces", "0:0  5:20", GW_ERR_SYNTAX},
        {"a space at the end", "0:0 5:20 ", GW_ERR_SYNTAX},
        {"a space at the beginning", " 0:0 5:20", GW_ERR_SYNTAX},
        {"a comma", "0:0,5:20", GW_ERR_SYNTAX},
        {"two decimals", "0.25:0 5:20", GW_ERR_SYNTAX},
        {"a point without a decimal", "0.:0 5:20", GW_ERR_SYNTAX},
        {"a minus alone", "-:0 5:20", GW_ERR_SYNTAX},
        {"a negative share", "0:-5 5:20", GW_ERR_SYNTAX},
        {"colder than -40", "-40.1:0 5:20", GW_ERR_RANGE},
        {"warmer than 90", "0:0 90.1:20", GW_ERR_RANGE},
        {"more than all", "0:0 5:101", GW_ERR_RANGE},
        {"four digits", "0:0 5:1000", GW_ERR_SYNTAX},
        {"not rising", "5:0 5:20", GW_ERR_CONFLICT},
        {"falling", "5:0 4:20", GW_ERR_CONFLICT},
        {"words", "cold:0 warm:100", GW_ERR_SYNTAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct curve c;
        memset(&c, 0x5A, sizeof c);
        struct curve before = c;
        if (curve_parse(&c, cases[i].text) != cases[i].err) {
            fail_msg("%s: \"%s\" gives %d", cases[i].what, cases[i].text,
                     curve_parse(&c, cases[i].text));
        }
        assert_memory_equal(&c, &before, sizeof c);
    }
}

static void the_ends_of_the_range_are_read(void **state) {
    (void)state;
    struct curve c;
    assert_int_equal(curve_parse(&c, "-40:0 -39:1 -38:2 0:3 1:4 2:5 89.9:6 90:100"), 0);
    assert_int_equal(c.count, 8);
    assert_int_equal(c.point[0].temperature_dc, -400);
    assert_int_equal(c.point[7].temperature_dc, 900);
    assert_int_equal(c.point[7].permille, 1000);
}

/* "0:0 5:20 15:100 45:100 55:0": at 2.5 degC half of 20 %; at 10 degC half way from 20 to 100 %; at
 * 50 degC half. */
static void between_points_a_straight_line_and_beyond_them_the_end(void **state) {
    (void)state;
    static const struct {
        int16_t dc;
        uint16_t permille;
    } cases[] = {{-400, 0},  {-1, 0},    {0, 0},      {25, 100},   {50, 200},
                 {100, 600}, {149, 992}, {150, 1000}, {300, 1000}, {450, 1000},
                 {500, 500}, {545, 50},  {550, 0},    {900, 0}};
    struct curve c;
    assert_int_equal(curve_parse(&c, "0:0 5:20 15:100 45:100 55:0"), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(curve_permille(&c, cases[i].dc), cases[i].permille);
    }
}

static void a_curve_stays_between_its_lowest_and_highest_point(void **state) {
    (void)state;
    struct curve c;
    assert_int_equal(curve_parse(&c, "-40:7 -3.3:91 12.1:13 90:64"), 0);
    for (int dc = -500; dc <= 1000; dc++) {
        uint16_t left = curve_permille(&c, (int16_t)dc);
        assert_in_range(left, 70, 910);
    }
}

static void no_curve_leaves_everything(void **state) {
    (void)state;
    struct curve c = {.count = 0};
    assert_int_equal(curve_permille(&c, -400), 1000);
    assert_int_equal(curve_permille(&c, 900), 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_are_read_in_tenths),
        cmocka_unit_test(what_is_no_curve_is_refused_and_changes_nothing),
        cmocka_unit_test(the_ends_of_the_range_are_read),
        cmocka_unit_test(between_points_a_straight_line_and_beyond_them_the_end),
        cmocka_unit_test(a_curve_stays_between_its_lowest_and_highest_point),
        cmocka_unit_test(no_curve_leaves_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
