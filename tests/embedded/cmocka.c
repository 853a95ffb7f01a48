/* SPDX-License-Identifier: MIT */
#include "cmocka.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FAILED = 1, SKIPPED = 2 };

static jmp_buf way_out; /* of the test that runs */

void print_message(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
}

_Noreturn void embedded_fail(const struct embedded_place *at, const char *format, ...) {
    va_list arguments;
    printf("%s:%d: %s: ", at->file, at->line, at->text);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    longjmp(way_out, FAILED);
}

_Noreturn void embedded_skip(void) {
    longjmp(way_out, SKIPPED);
}

void embedded_true(bool value, const struct embedded_place *at) {
    if (!value) {
        embedded_fail(at, "does not hold");
    }
}

void embedded_equal(uintmax_t a, uintmax_t b, const struct embedded_place *at) {
    if (a != b) {
        embedded_fail(at, "%lld (0x%llx) is not %lld (0x%llx)", (long long)a, (unsigned long long)a,
                      (long long)b, (unsigned long long)b);
    }
}

void embedded_not_equal(uintmax_t a, uintmax_t b, const struct embedded_place *at) {
    if (a == b) {
        embedded_fail(at, "both are %lld (0x%llx)", (long long)a, (unsigned long long)a);
    }
}

void embedded_in_range(uintmax_t value, uintmax_t low, uintmax_t high,
                       const struct embedded_place *at) {
    if (value < low || value > high) {
        embedded_fail(at, "%lld is not within %lld and %lld", (long long)value, (long long)low,
                      (long long)high);
    }
}

void embedded_same_text(const char *a, const char *b, bool same, const struct embedded_place *at) {
    if ((strcmp(a, b) == 0) != same) {
        embedded_fail(at, "\"%s\" %s \"%s\"", a, same ? "is not" : "is", b);
    }
}

void embedded_same_bytes(const void *a, const void *b, size_t n, bool same,
                         const struct embedded_place *at) {
    const unsigned char *x = a, *y = b;
    size_t i = 0;
    while (i < n && x[i] == y[i]) {
        i++;
    }
    if (same && i < n) {
        embedded_fail(at, "byte %u of %u: 0x%02x is not 0x%02x", (unsigned)i, (unsigned)n, x[i],
                      y[i]);
    }
    if (!same && i == n) {
        embedded_fail(at, "all %u bytes are the same", (unsigned)n);
    }
}

static int run_test(const struct CMUnitTest *test, void *group_state) {
    void *state = test->initial_state != NULL ? test->initial_state : group_state;
    volatile int result = 0; /* outlives the longjmp */

    if (test->setup_func != NULL && test->setup_func(&state) != 0) {
        printf("%s: its setup failed\n", test->name);
        return FAILED;
    }
    int left_with = setjmp(way_out);
    if (left_with == 0) {
        test->test_func(&state);
    } else {
        result = left_with;
    }
    if (test->teardown_func != NULL && test->teardown_func(&state) != 0) {
        printf("%s: its teardown failed\n", test->name);
        result = FAILED;
    }
    return result;
}

int embedded_run_group(const struct CMUnitTest *tests, size_t n, int (*setup)(void **state),
                       int (*teardown)(void **state)) {
    void *state = NULL;
    int failed = 0;

    if (setup != NULL && setup(&state) != 0) {
        printf("the setup of the group failed\n");
        return (int)n;
    }
    for (size_t i = 0; i < n; i++) {
        int result = run_test(&tests[i], state);
        const char *word = result == 0 ? "OK" : result == SKIPPED ? "SKIPPED" : "FAILED";
        printf("[ %s ] %s\n", word, tests[i].name);
        failed += result == FAILED;
    }
    if (teardown != NULL && teardown(&state) != 0) {
        printf("the teardown of the group failed\n");
        failed++;
    }
    printf("%d of %d tests passed\n", (int)n - failed, (int)n);
    return failed;
}
