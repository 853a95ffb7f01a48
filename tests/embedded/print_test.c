/* SPDX-License-Identifier: MIT */
/* The conversions that the unit tests rely on. Runs with any C library; the expected texts are the
 * standard's (C11 7.21.6.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static char text[64];

#define PRINTS(expected, ...)                                                                      \
    do {                                                                                           \
        assert_int_equal(snprintf(text, sizeof text, __VA_ARGS__), strlen(expected));              \
        assert_string_equal(text, expected);                                                       \
    } while (0)

static void integers_are_printed(void **state) {
    (void)state;
    PRINTS("0 -1 7", "%d %d %i", 0, -1, 7);
    PRINTS("-2147483648 4294967295", "%d %u", INT_MIN, UINT_MAX);
    PRINTS("-9223372036854775808", "%lld", LLONG_MIN);
    PRINTS("18446744073709551615", "%llu", ULLONG_MAX);
    PRINTS("ffffffffffffffff", "%llx", ULLONG_MAX);
    PRINTS("12 34", "%zu %lu", (size_t)12, 34UL);
    PRINTS("0a 0A 00f", "%02x %02X %03x", 10, 10, 15);
    PRINTS("-007|  7|7  |007", "%04d|%3d|%-3d|%.3d", -7, 7, 7, 7);
    PRINTS("  042", "%*.3d", 5, 42);
}

static void text_is_printed(void **state) {
    (void)state;
    PRINTS("ab|  ab|ab  |a", "%s|%4s|%-4s|%.1s", "ab", "ab", "ab", "ab");
    PRINTS("ab", "%.*s", 2, "abc");
    PRINTS("x%", "%c%%", 'x');
}

static void what_does_not_fit_is_cut_and_counted(void **state) {
    (void)state;
    volatile size_t cap = 4; /* a number that the compiler sees would be its warning */
    assert_int_equal(snprintf(text, cap, "%s", "abcdef"), 6);
    assert_string_equal(text, "abc");
    cap = 0;
    assert_int_equal(snprintf(text, cap, "%d", 12345), 5);
    assert_string_equal(text, "abc");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_printed),
        cmocka_unit_test(text_is_printed),
        cmocka_unit_test(what_does_not_fit_is_cut_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
