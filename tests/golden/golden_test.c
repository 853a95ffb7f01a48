/* SPDX-License-Identifier: MIT */
/* Runs every vector file (README.md) and the reader's own refusals. The recordings lie outside the
 * repository: without TINYBMS_GW_DATA in the environment their test is skipped, and says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>

#include "golden.h"

#ifndef GOLDEN_DIR
#error "GOLDEN_DIR is the folder of this file"
#endif

typedef void run_fn(struct vector_reader *r);

static bool is_vector_file(const char *name) {
    const size_t n = strlen(name);
    return n > 7 && strcmp(name + n - 7, ".golden") == 0;
}

static unsigned run_file(const char *folder, const char *name, run_fn *run) {
    char path[512];
    static struct vector_reader r;
    (void)snprintf(path, sizeof path, "%s/%s/%s", GOLDEN_DIR, folder, name);
    FILE *in = fopen(path, "r");
    if (in == NULL) {
        fail_msg("cannot open %s", path);
        return 0;
    }
    vector_open(&r, in, name);
    run(&r);
    (void)fclose(in);
    if (r.error[0] != '\0') {
        print_error("%s\n", r.error);
        return 0;
    }
    print_message("%s/%s: %u vectors\n", folder, name, r.vectors);
    return r.vectors;
}

/* Every file of a folder is run, whatever an earlier one says; one that fails fails the test. */
static void run_folder(const char *folder, run_fn *run) {
    char path[512];
    unsigned vectors = 0;
    unsigned wrong = 0;
    (void)snprintf(path, sizeof path, "%s/%s", GOLDEN_DIR, folder);
    DIR *d = opendir(path);
    if (d == NULL) {
        fail_msg("cannot open %s", path);
        return;
    }
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        if (is_vector_file(e->d_name)) {
            const unsigned n = run_file(folder, e->d_name, run);
            vectors += n;
            wrong += n == 0 ? 1 : 0;
        }
    }
    (void)closedir(d);
    print_message("%s: %u vectors, %u files wrong\n", folder, vectors, wrong);
    assert_int_equal(wrong, 0);
    assert_true(vectors > 0);
}

static void victron_frames_are_the_bytes_worked_out_by_hand(void **state) {
    (void)state;
    run_folder("victron", victron_vectors_run);
}

static void tinybms_frames_are_the_bytes_worked_out_by_hand(void **state) {
    (void)state;
    run_folder("tinybms", tinybms_vectors_run);
}

static void run_recording(struct vector_reader *r) {
    recording_vectors_run(r, getenv("TINYBMS_GW_DATA"));
}

static void a_real_device_is_told_to_a_gx_as_worked_out_by_hand(void **state) {
    (void)state;
    const char *data = getenv("TINYBMS_GW_DATA");
    if (data == NULL || data[0] == '\0') {
        print_message("SKIPPED: TINYBMS_GW_DATA does not name the folder of the recordings\n");
        skip();
    }
    run_folder("recordings", run_recording);
}

/* Runs text as a file; returns whether it was found wrong. */
static bool is_wrong(const char *text, run_fn *run) {
    static struct vector_reader r;
    char copy[512];
    const size_t n = strlen(text);
    assert_true(n > 0 && n < sizeof copy);
    memcpy(copy, text, n);
    FILE *in = fmemopen(copy, n, "r");
    assert_non_null(in);
    vector_open(&r, in, "text");
    run(&r);
    (void)fclose(in);
    return r.error[0] != '\0';
}

static void a_vector_file_that_cannot_be_read_or_differs_is_wrong(void **state) {
    (void)state;
    static const struct {
        const char *what;
        const char *text;
        run_fn *run;
    } table[] = {
        {"an unknown keyword", "vector a\nnone 0x370\nexpect 0x351\n", victron_vectors_run},
        {"an unknown field", "vector a\ngiven pack_kv 1\nnone 0x351\n", victron_vectors_run},
        {"a value out of range", "vector a\ngiven soc_cpct 65536\nnone 0x351\n",
         victron_vectors_run},
        {"a value that is no number", "vector a\ngiven soc_cpct x\nnone 0x351\n",
         victron_vectors_run},
        {"a frame of 7 bytes", "vector a\nframe 0x35A 00 00 00 00 00 00 00\n", victron_vectors_run},
        {"a byte that is none", "vector a\nframe 0x35A 00 00 00 00 00 00 0 08\n",
         victron_vectors_run},
        {"lower case bytes", "vector a\nframe 0x35A 00 00 00 00 00 00 00 0a\n",
         victron_vectors_run},
        {"nothing expected", "vector a\ngiven pack_mv 1\n", victron_vectors_run},
        {"nothing expected in the middle", "vector a\nvector b\nnone 0x370\n", victron_vectors_run},
        {"a line before the first vector", "none 0x370\n", victron_vectors_run},
        {"a vector without a name", "vector \nnone 0x370\n", victron_vectors_run},
        {"12 alarm states", "vector a\ngiven alarms QQQQQQQQQQQQ\nnone 0x370\n",
         victron_vectors_run},
        {"a name that is too long", "vector a\ngiven manufacturer \"123456789\"\nnone 0x370\n",
         victron_vectors_run},
        {"one wrong byte", "vector a\nframe 0x35A 00 00 00 00 00 00 00 09\n", victron_vectors_run},
        {"a frame that is not sent", "vector a\nframe 0x351 00 00 00 00 00 00 00 00\n",
         victron_vectors_run},
        {"a frame that is sent", "vector a\nnone 0x35A\n", victron_vectors_run},
        {"a wrong request", "vector a\nrequest 0x03 5 5\nwire AA 03 00 05 00 05 8C 14\n",
         tinybms_vectors_run},
        {"a wrong checksum",
         "vector a\nrequest 0x14\nreply AA 14 52 B8 5E 42 00 00\nmeans milli 55680\n",
         tinybms_vectors_run},
        {"a wrong meaning",
         "vector a\nrequest 0x1B\nreply AA 1B 06 16 01 14 01 16 01 0E 4E\nmeans temperatures 278 "
         "276 279\n",
         tinybms_vectors_run},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (!is_wrong(table[i].text, table[i].run)) {
            fail_msg("not found wrong: %s", table[i].what);
        }
    }
    /* and right ones are not */
    assert_false(is_wrong("vector a\nframe 0x35A 00 00 00 00 00 00 00 08\n", victron_vectors_run));
    assert_false(
        is_wrong("vector a\nframe 0x35A ?? 00 00 00 00 00 00 08 | none\n", victron_vectors_run));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vector_file_that_cannot_be_read_or_differs_is_wrong),
        cmocka_unit_test(victron_frames_are_the_bytes_worked_out_by_hand),
        cmocka_unit_test(tinybms_frames_are_the_bytes_worked_out_by_hand),
        cmocka_unit_test(a_real_device_is_told_to_a_gx_as_worked_out_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
