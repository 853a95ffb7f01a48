/* SPDX-License-Identifier: MIT */
/* As much of cmocka's interface as the unit tests of core/ use, in so little C that it runs where
 * cmocka is not: on a 32-bit machine without an operating system. The tests are the same files;
 * they find this header instead of cmocka's. The meaning is that of cmocka 1.1: integers are
 * compared as uintmax_t, a failing test leaves by longjmp, a failing setup fails its test.
 *
 * cmocka.h wants <stdarg.h>, <stddef.h>, <stdint.h> and <setjmp.h> before it; so may this. */
#ifndef TESTS_EMBEDDED_CMOCKA_H
#define TESTS_EMBEDDED_CMOCKA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct CMUnitTest {
    const char *name;
    void (*test_func)(void **state);
    int (*setup_func)(void **state);
    int (*teardown_func)(void **state);
    void *initial_state;
};

#define cmocka_unit_test(f)                                                                        \
    { #f, f, NULL, NULL, NULL }
#define cmocka_unit_test_setup(f, setup)                                                           \
    { #f, f, setup, NULL, NULL }
#define cmocka_unit_test_setup_teardown(f, setup, teardown)                                        \
    { #f, f, setup, teardown, NULL }

/* Runs every test of the array; the number of those that failed. */
#define cmocka_run_group_tests(tests, setup, teardown)                                             \
    embedded_run_group(tests, sizeof(tests) / sizeof((tests)[0]), setup, teardown)

int embedded_run_group(const struct CMUnitTest *tests, size_t n, int (*setup)(void **state),
                       int (*teardown)(void **state));

/* Where an assertion stands, and what it says. */
struct embedded_place {
    const char *file;
    int line;
    const char *text;
};

#define EMBEDDED_PLACE(text) (&(const struct embedded_place){__FILE__, __LINE__, text})
#define EMBEDDED_INT(value)  ((uintmax_t)(value))

_Noreturn void embedded_fail(const struct embedded_place *at, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
_Noreturn void embedded_skip(void);
void embedded_true(bool value, const struct embedded_place *at);
void embedded_equal(uintmax_t a, uintmax_t b, const struct embedded_place *at);
void embedded_not_equal(uintmax_t a, uintmax_t b, const struct embedded_place *at);
void embedded_in_range(uintmax_t value, uintmax_t low, uintmax_t high,
                       const struct embedded_place *at);
void embedded_same_text(const char *a, const char *b, bool same, const struct embedded_place *at);
void embedded_same_bytes(const void *a, const void *b, size_t n, bool same,
                         const struct embedded_place *at);
void print_message(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define assert_true(x)     embedded_true((x) ? true : false, EMBEDDED_PLACE(#x))
#define assert_false(x)    embedded_true((x) ? false : true, EMBEDDED_PLACE("not " #x))
#define assert_null(p)     embedded_true((p) == NULL, EMBEDDED_PLACE(#p " is NULL"))
#define assert_non_null(p) embedded_true((p) != NULL, EMBEDDED_PLACE(#p " is not NULL"))
#define assert_ptr_equal(a, b)                                                                     \
    embedded_true((const void *)(a) == (const void *)(b), EMBEDDED_PLACE(#a " is " #b))
#define assert_int_equal(a, b)                                                                     \
    embedded_equal(EMBEDDED_INT(a), EMBEDDED_INT(b), EMBEDDED_PLACE(#a ", " #b))
#define assert_int_not_equal(a, b)                                                                 \
    embedded_not_equal(EMBEDDED_INT(a), EMBEDDED_INT(b), EMBEDDED_PLACE(#a ", " #b))
#define assert_in_range(x, low, high)                                                              \
    embedded_in_range(EMBEDDED_INT(x), EMBEDDED_INT(low), EMBEDDED_INT(high), EMBEDDED_PLACE(#x))
#define assert_string_equal(a, b)        embedded_same_text(a, b, true, EMBEDDED_PLACE(#a))
#define assert_string_not_equal(a, b)    embedded_same_text(a, b, false, EMBEDDED_PLACE(#a))
#define assert_memory_equal(a, b, n)     embedded_same_bytes(a, b, n, true, EMBEDDED_PLACE(#a))
#define assert_memory_not_equal(a, b, n) embedded_same_bytes(a, b, n, false, EMBEDDED_PLACE(#a))
#define fail_msg(...)                    embedded_fail(EMBEDDED_PLACE("failed"), __VA_ARGS__)
#define fail()                           embedded_fail(EMBEDDED_PLACE("failed"), "%s", "")
#define skip()                           embedded_skip()

#endif
