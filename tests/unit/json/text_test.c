/* SPDX-License-Identifier: MIT */
/* core/json/text: every number has one spelling, and no buffer is too small to be safe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "json/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void integers_are_spelled_in_full(void **state) {
    static const struct {
        int64_t v;
        const char *want;
    } cases[] = {
        {0, "0"},
        {7, "7"},
        {-1, "-1"},
        {10, "10"},
        {-58100, "-58100"},
        {INT64_MAX, "9223372036854775807"},
        {INT64_MIN, "-9223372036854775808"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char buf[32];
        struct text t;
        text_init(&t, buf, sizeof buf);
        text_int(&t, cases[i].v);
        assert_string_equal(buf, cases[i].want);
        assert_int_equal(t.len, strlen(cases[i].want));
        assert_false(t.overflow);
    }
}

static void fixed_point_keeps_every_decimal(void **state) {
    static const struct {
        int64_t v;
        unsigned decimals;
        const char *want;
    } cases[] = {
        {5568, 2, "55.68"},
        {5500, 2, "55.00"},
        {58100, 3, "58.100"},
        {0, 3, "0.000"},
        {5, 1, "0.5"},
        {-5, 1, "-0.5"},
        {-5, 2, "-0.05"},
        {-400, 1, "-40.0"},
        {7, 0, "7"},
        {1, 18, "0.000000000000000001"},
        {INT64_MAX, 18, "9.223372036854775807"},
        {INT64_MIN, 18, "-9.223372036854775808"},
        {INT64_MIN, 3, "-9223372036854775.808"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char buf[32];
        struct text t;
        text_init(&t, buf, sizeof buf);
        text_fixed(&t, cases[i].v, cases[i].decimals);
        assert_string_equal(buf, cases[i].want);
        assert_false(t.overflow);
    }
}

static void hex_pads_and_never_loses_a_digit(void **state) {
    static const struct {
        uint32_t v;
        unsigned digits;
        const char *want;
    } cases[] = {
        {0, 1, "0"},
        {0x9B, 2, "9B"},
        {0x351, 3, "351"},
        {0xA, 4, "000A"},
        {0xFFFFFFFFu, 8, "FFFFFFFF"},
        {0x1234, 2, "1234"},
        {0x10, 1, "10"},
        {0xF0000000u, 1, "F0000000"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char buf[16];
        struct text t;
        text_init(&t, buf, sizeof buf);
        text_hex(&t, cases[i].v, cases[i].digits);
        assert_string_equal(buf, cases[i].want);
        assert_int_equal(t.len, strlen(cases[i].want));
    }
}

static void any_capacity_cuts_at_the_end_and_says_so(void **state) {
    static const char whole[] = "v=-58.10 id=0351 n=42!";
    (void)state;
    for (size_t cap = 1; cap <= sizeof whole + 2; cap++) {
        char buf[sizeof whole + 8];
        struct text t;
        memset(buf, 0x5A, sizeof buf);
        text_init(&t, buf, cap);
        assert_int_equal(buf[0], '\0');
        text_str(&t, "v=");
        text_fixed(&t, -5810, 2);
        text_str(&t, " id=");
        text_hex(&t, 0x351, 4);
        text_str(&t, " n=");
        text_int(&t, 42);
        text_char(&t, '!');

        size_t want = cap < sizeof whole ? cap - 1 : sizeof whole - 1;
        assert_int_equal(t.len, want);
        assert_memory_equal(buf, whole, want);
        assert_int_equal(buf[want], '\0');
        assert_true(t.overflow == (cap < sizeof whole));
        for (size_t i = cap; i < sizeof buf; i++)
            assert_int_equal(buf[i], 0x5A);
    }
}

/* A short word after a long one that was cut would make a text that nobody wrote. */
static void nothing_is_added_after_a_cut(void **state) {
    char buf[6];
    struct text t;
    (void)state;
    text_init(&t, buf, sizeof buf);
    text_str(&t, "stale_zero");
    assert_true(t.overflow);
    assert_string_equal(buf, "stale");
    text_str(&t, "");
    text_char(&t, 'x');
    text_int(&t, 1);
    assert_string_equal(buf, "stale");
    assert_true(t.overflow);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_spelled_in_full),
        cmocka_unit_test(fixed_point_keeps_every_decimal),
        cmocka_unit_test(hex_pads_and_never_loses_a_digit),
        cmocka_unit_test(any_capacity_cuts_at_the_end_and_says_so),
        cmocka_unit_test(nothing_is_added_after_a_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
