/* SPDX-License-Identifier: MIT */
/* The tests of the tests: every assertion of cmocka.h here fails when it should, and not when it
 * should not. Both groups run; the result is what they count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

static int teardowns;
static bool reached; /* something ran after an assertion that failed */

/* A test that must fail: its one assertion, and a mark behind it. */
#define FAILS(name, assertion)                                                                     \
    static void name(void **state) {                                                               \
        (void)state;                                                                               \
        assertion;                                                                                 \
        reached = true;                                                                            \
    }

FAILS(true_of_zero, assert_true(0))
FAILS(false_of_one, assert_false(1))
FAILS(null_of_something, assert_null("x"))
FAILS(non_null_of_nothing, assert_non_null(NULL))
FAILS(other_pointer, assert_ptr_equal("x", NULL))
FAILS(other_integer, assert_int_equal(1, 2))
FAILS(other_integer_above_32_bits, assert_int_equal(0x100000001, 1))
FAILS(same_integer, assert_int_not_equal(-1, -1))
FAILS(below_the_range, assert_in_range(4, 5, 7))
FAILS(above_the_range, assert_in_range(8, 5, 7))
FAILS(other_text, assert_string_equal("ab", "ac"))
FAILS(text_that_is_longer, assert_string_equal("ab", "abc"))
FAILS(same_text, assert_string_not_equal("ab", "ab"))
FAILS(other_last_byte, assert_memory_equal("abc", "abd", 3))
FAILS(same_bytes, assert_memory_not_equal("abc", "abd", 2))
FAILS(told_to_fail, fail_msg("%d", 1))
FAILS(told_to_fail_without_words, fail())

static int refuse(void **state) {
    (void)state;
    return -1;
}

static int set_up(void **state) {
    static int given = 7;
    *state = &given;
    return 0;
}

static int tear_down(void **state) {
    teardowns++;
    return *(int *)*state == 7 ? 0 : -1;
}

static void never_run(void **state) {
    (void)state;
    reached = true;
}

static void holds(void **state) {
    (void)state;
    assert_true(2);
    assert_false(0);
    assert_null(NULL);
    assert_non_null("");
    assert_int_equal(INT64_C(-1), -1);
    assert_int_not_equal(0x100000001, 1);
    assert_in_range(5, 5, 7);
    assert_in_range(7, 5, 7);
    assert_string_equal("ab", "ab");
    assert_string_not_equal("ab", "a");
    assert_memory_equal("abc", "abd", 2);
    assert_memory_not_equal("abc", "abd", 3);
}

static void sees_what_its_setup_gave(void **state) {
    assert_int_equal(*(int *)*state, 7);
}

static void fails_with_a_teardown(void **state) {
    (void)state;
    assert_true(0);
}

static void is_skipped(void **state) {
    (void)state;
    skip();
}

int main(void) {
    const struct CMUnitTest failing[] = {
        cmocka_unit_test(true_of_zero),
        cmocka_unit_test(false_of_one),
        cmocka_unit_test(null_of_something),
        cmocka_unit_test(non_null_of_nothing),
        cmocka_unit_test(other_pointer),
        cmocka_unit_test(other_integer),
        cmocka_unit_test(other_integer_above_32_bits),
        cmocka_unit_test(same_integer),
        cmocka_unit_test(below_the_range),
        cmocka_unit_test(above_the_range),
        cmocka_unit_test(other_text),
        cmocka_unit_test(text_that_is_longer),
        cmocka_unit_test(same_text),
        cmocka_unit_test(other_last_byte),
        cmocka_unit_test(same_bytes),
        cmocka_unit_test(told_to_fail),
        cmocka_unit_test(told_to_fail_without_words),
        cmocka_unit_test_setup(never_run, refuse),
        cmocka_unit_test_setup_teardown(fails_with_a_teardown, set_up, tear_down),
    };
    const struct CMUnitTest passing[] = {
        cmocka_unit_test(holds),
        cmocka_unit_test_setup_teardown(sees_what_its_setup_gave, set_up, tear_down),
        cmocka_unit_test(is_skipped),
    };
    const int all_fail = sizeof failing / sizeof failing[0];

    int failed = cmocka_run_group_tests(failing, NULL, NULL);
    int failed_setup = cmocka_run_group_tests(passing, refuse, NULL);
    int passed_wrongly = cmocka_run_group_tests(passing, NULL, NULL);
    bool good = failed == all_fail && failed_setup == 3 && passed_wrongly == 0 && !reached &&
                teardowns == 2;
    printf("%s: %d of %d fail, %d of 3 without setup, %d of those that hold, %d teardowns\n",
           good ? "as it should be" : "WRONG", failed, all_fail, failed_setup, passed_wrongly,
           teardowns);
    return good ? 0 : 1;
}
