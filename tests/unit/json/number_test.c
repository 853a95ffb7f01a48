/* SPDX-License-Identifier: MIT */
/* Numbers of JSON as exact decimal integers. Expected values follow from the text by hand: write
 * the number without its point, and count what stood after it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "json/json.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void numbers_keep_the_decimals_that_were_written(void **state) {
    static const struct {
        const char *text;
        int64_t digits;
        unsigned decimals;
    } cases[] = {
        {"0", 0, 0},
        {"-0", 0, 0},
        {"0.0", 0, 1},
        {"-0.00", 0, 2},
        {"7", 7, 0},
        {"-3", -3, 0},
        {"12.50", 1250, 2},
        {"0.001", 1, 3},
        {"-0.05", -5, 2},
        {"100", 100, 0},
        {"100.000", 100000, 3},
        {"1000000000000000000", 1000000000000000000, 0},
        /* the ends of int64 */
        {"9223372036854775807", INT64_MAX, 0},
        {"-9223372036854775808", INT64_MIN, 0},
        {"9223372036854775800", 9223372036854775800, 0},
        {"9.223372036", 9223372036, 9},
        {"9223372036.854775807", INT64_MAX, 9},
        {"-9223372036.854775808", INT64_MIN, 9},
        /* decimals that say nothing are given up before digits are */
        {"9223372036854775807.0", INT64_MAX, 0},
        {"922337203685477580.70", INT64_MAX, 1},
        {"1.000000000000000000000000000000", 1000000000, 9},
        {"0.1000000000000", 100000000, 9},
        {"922337203685477580700000000000e-12", INT64_MAX, 1}, /* 922337203685477580.7 */
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json_number n = {-1, 99};
        int err = json_number_parse(cases[i].text, strlen(cases[i].text), &n);
        if (err != 0 || n.digits != cases[i].digits || n.decimals != cases[i].decimals)
            fail_msg("%s: err %d, {%lld, %u}", cases[i].text, err, (long long)n.digits, n.decimals);
    }
}

static void exponents_are_applied(void **state) {
    static const struct {
        const char *text;
        int64_t digits;
        unsigned decimals;
    } cases[] = {
        {"1e3", 1000, 0},
        {"1E+3", 1000, 0},
        {"1e03", 1000, 0},
        {"1.5e3", 1500, 0},
        {"1.50e1", 150, 1},
        {"1.25e1", 125, 1},
        {"1e-3", 1, 3},
        {"-25e-1", -25, 1},
        {"10e-1", 10, 1},
        {"1e0", 1, 0},
        {"1.5e-0", 15, 1},
        {"1e18", 1000000000000000000, 0},
        {"1e-9", 1, 9},
        {"1000e-12", 1, 9}, /* 0.000000001 exactly */
        {"0.000001e6", 1, 0},
        {"0.0000000000000000000000001e25", 1, 0},
        {"10000000000000000000000000e-25", 1000000000, 9},
        {"0e999999999999999999999999", 0, 0},
        {"-0e-0", 0, 0},
        {"0e-99999999999999999999", 0, 9}, /* as written, nine at most */
        {"-9223372036854775808e0", INT64_MIN, 0},
        {"-922337203685477580.8e1", INT64_MIN, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json_number n = {-1, 99};
        int err = json_number_parse(cases[i].text, strlen(cases[i].text), &n);
        if (err != 0 || n.digits != cases[i].digits || n.decimals != cases[i].decimals)
            fail_msg("%s: err %d, {%lld, %u}", cases[i].text, err, (long long)n.digits, n.decimals);
    }
}

static void what_is_no_number_is_refused(void **state) {
    static const char *const cases[] = {
        "",     "-",    "+1",   ".5",   "5.",    "-.5",  "1.e3",  "1e",    "1e+",  "1e-",
        "01",   "-01",  "00",   "-00",  "0x10",  "1a",   "1 ",    " 1",    "1,0",  "1.2.3",
        "NaN",  "-Inf", "1e3.", "1e3e", "--1",   "1-",   "0123",  "1_000", "1e 3", "\t1",
        "1.-5", "e3",   "-e3",  "0e",   "0.0.0", "true", "\"1\"", "1\n",   "1..2", "0-",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json_number n = {42, 7};
        if (json_number_parse(cases[i], strlen(cases[i]), &n) != GW_ERR_SYNTAX)
            fail_msg("%s was not refused", cases[i]);
        assert_int_equal(n.digits, 42); /* untouched */
    }
}

static void what_int64_with_nine_decimals_cannot_hold_is_refused(void **state) {
    static const char *const cases[] = {
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551616",
        "18446744073709551617",
        "99999999999999999999999999999999999999",
        "922337203685477580.71",
        "9223372036.8547758071",
        "1e19",
        "1e400",
        "1e99999999999999999999999999",
        "-1e400",
        "0.0000000001",
        "1e-10",
        "1e-400",
        "1e-99999999999999999999999999",
        "1.0000000001",
        "1234567890123456789012e-9",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json_number n = {42, 7};
        if (json_number_parse(cases[i], strlen(cases[i]), &n) != GW_ERR_RANGE)
            fail_msg("%s was not refused", cases[i]);
        assert_int_equal(n.digits, 42);
    }
}

/* Thousands of zeros before or after the point never loop for long and never wrap. */
static void long_runs_of_zeros_mean_what_they_say(void **state) {
    static char text[4096];
    struct json_number n;
    (void)state;

    memset(text, '0', sizeof text); /* 1 followed by 4000 zeros, times 10^-4000 */
    text[0] = '1';
    memcpy(text + 4001, "e-4000", 6);
    assert_int_equal(json_number_parse(text, 4007, &n), 0);
    assert_int_equal(n.digits, 1000000000); /* 1.000... keeps nine decimals */
    assert_int_equal(n.decimals, 9);
    assert_int_equal(json_number_parse(text, 4001, &n), GW_ERR_RANGE);

    memset(text, '0', sizeof text); /* 0. then 3999 zeros and a 1: 10^-4000 */
    text[1] = '.';
    text[4001] = '1';
    memcpy(text + 4002, "e4002", 5);
    assert_int_equal(json_number_parse(text, 4007, &n), 0);
    assert_int_equal(n.digits, 100);
    assert_int_equal(n.decimals, 0);
    assert_int_equal(json_number_parse(text, 4002, &n), GW_ERR_RANGE);
}

static void scaling_loses_no_digit(void **state) {
    static const struct {
        const char *what;
        struct json_number in;
        unsigned decimals;
        int err;
        int64_t want;
    } cases[] = {
        {"12.50 in thousandths", {1250, 2}, 3, 0, 12500},
        {"12.50 in tenths", {1250, 2}, 1, 0, 125},
        {"12.50 in units", {1250, 2}, 0, GW_ERR_RANGE, 77},
        {"-0.05 in hundredths", {-5, 2}, 2, 0, -5},
        {"-0.05 in tenths", {-5, 2}, 1, GW_ERR_RANGE, 77},
        {"0.000 in units", {0, 3}, 0, 0, 0},
        {"0 at any scale", {0, 0}, 400, 0, 0},
        {"largest", {INT64_MAX, 0}, 0, 0, INT64_MAX},
        {"largest in tenths", {INT64_MAX, 0}, 1, GW_ERR_RANGE, 77},
        {"smallest in tenths", {INT64_MIN, 0}, 1, GW_ERR_RANGE, 77},
        {"largest that fits in tenths", {INT64_MAX / 10, 0}, 1, 0, INT64_MAX - 7},
        {"smallest that fits in tenths", {INT64_MIN / 10, 0}, 1, 0, INT64_MIN + 8},
        {"one more", {INT64_MAX / 10 + 1, 0}, 1, GW_ERR_RANGE, 77},
        {"one less", {INT64_MIN / 10 - 1, 0}, 1, GW_ERR_RANGE, 77},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t out = 77;
        int err = json_number_scaled(&cases[i].in, cases[i].decimals, &out);
        if (err != cases[i].err || out != cases[i].want)
            fail_msg("%s: err %d, %lld", cases[i].what, err, (long long)out);
    }
}

/* Every mantissa of up to three digits, every point, every small exponent: compared with the same
 * arithmetic done on whole numbers of 10^-9. */
static void small_numbers_agree_with_arithmetic(void **state) {
    (void)state;
    for (int mantissa = -999; mantissa <= 999; mantissa += 7)
        for (int exponent = -6; exponent <= 6; exponent++)
            for (int fraction = 0; fraction <= 3; fraction++) {
                char text[32];
                struct json_number n;
                int64_t want = mantissa, got;
                int magnitude = mantissa < 0 ? -mantissa : mantissa, scale = 1;

                for (int k = 0; k < fraction; k++)
                    scale *= 10;
                if (fraction == 0)
                    snprintf(text, sizeof text, "%de%d", mantissa, exponent);
                else
                    snprintf(text, sizeof text, "%s%d.%0*de%d", mantissa < 0 ? "-" : "",
                             magnitude / scale, fraction, magnitude % scale, exponent);
                for (int k = 0; k < 9 + exponent - fraction; k++)
                    want *= 10;
                assert_int_equal(json_number_parse(text, strlen(text), &n), 0);
                assert_int_equal(json_number_scaled(&n, 9, &got), 0);
                if (got != want)
                    fail_msg("%s: %lld", text, (long long)got);
            }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_keep_the_decimals_that_were_written),
        cmocka_unit_test(exponents_are_applied),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(what_int64_with_nine_decimals_cannot_hold_is_refused),
        cmocka_unit_test(long_runs_of_zeros_mean_what_they_say),
        cmocka_unit_test(scaling_loses_no_digit),
        cmocka_unit_test(small_numbers_agree_with_arithmetic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
