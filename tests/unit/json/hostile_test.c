/* SPDX-License-Identifier: MIT */
/* Hostile documents: cut anywhere, one byte wrong anywhere, and the ones that are made to cost the
 * reader as much as possible. Run under the sanitizers: each document is a heap block of exactly
 * its size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "walk.h"

/* One of everything. */
static const char good[] = "{\n"
                           "  \"hardware\": {\"uart\": {\"device\": \"/dev/tty\\u00e9\", "
                           "\"baudrate\": 115200}},\n"
                           "  \"list\": [0, -1.50, 2e3, 0.25E-1, true, false, null, [], {}],\n"
                           "\t\"text\\n\": \"\\\"\\\\\\/\\b\\f\\n\\r\\t \xC3\xA9 \xE2\x82\xAC "
                           "\\ud83d\\ude00\"\r\n"
                           "}\n";

static void the_good_document_is_good(void **state) {
    struct json_reader r;
    (void)state;
    assert_int_equal(walk_exact(&r, good, sizeof good - 1), JSON_END);
}

static void a_document_cut_anywhere_is_refused(void **state) {
    (void)state;
    for (size_t n = 0; n < sizeof good - 2; n++) { /* the last line end may be missing */
        struct json_reader r;
        if (walk_exact(&r, good, n) != JSON_ERROR)
            fail_msg("the first %zu bytes were accepted", n);
        assert_non_null(r.error);
        assert_true(r.line >= 1 && r.line <= 5);
        assert_true(r.column >= 1 && r.column <= n + 1);
    }
}

/* A byte that became another one: never a crash, never an endless loop, and refused whenever the
 * byte is structure. Which bytes are, is marked by hand: all but those inside strings, numbers and
 * white space. */
static void one_wrong_byte_is_survived_and_wrong_structure_refused(void **state) {
    (void)state;
    for (size_t at = 0; at < sizeof good - 1; at++)
        for (unsigned byte = 0; byte <= 255; byte++) {
            char text[sizeof good];
            struct json_reader r;
            enum json_token t;

            if ((char)byte == good[at])
                continue;
            memcpy(text, good, sizeof good - 1);
            text[at] = (char)byte;
            t = walk_exact(&r, text, sizeof good - 1);
            if (t == JSON_ERROR)
                assert_true(r.column >= 1 && r.column <= sizeof good);
            if (t == JSON_END && strchr("{}[]:", good[at]) != NULL)
                fail_msg("byte %zu as %02X was accepted", at, byte);
            if (t == JSON_END && (byte == 0 || byte >= 0xF5))
                fail_msg("byte %zu as %02X was accepted", at, byte);
        }
}

enum { BIG = 65536 };

/* Fills text with head, then `item` again and again (its %05d counts), then tail. */
struct hostile {
    const char *what;
    const char *head, *item, *tail;
    uint64_t steps_most; /* by hand, see below */
};

static size_t build(const struct hostile *h, char *text) {
    size_t n = strlen(h->head), tail = strlen(h->tail);

    memcpy(text, h->head, n);
    for (int i = 0;; i++) {
        char item[1200];
        int length = snprintf(item, sizeof item, h->item, i);
        if (n + (size_t)length + tail > BIG)
            break;
        memcpy(text + n, item, (size_t)length);
        n += (size_t)length;
    }
    memcpy(text + n, h->tail, tail);
    return n + tail;
}

/* Most shapes are read once: no more steps than bytes. */
static void documents_of_64_kib_are_read_in_one_pass(void **state) {
    static char text[BIG];
    static const struct hostile cases[] = {
        {"white space", "", " \n\t\r", "", BIG},
        {"a long number", "", "9", "", BIG},
        {"a long run of zeros", "1", "0", "", BIG},
        {"a long fraction", "0.", "0", "", BIG},
        {"a long exponent", "1e", "9", "", BIG},
        {"an array that opens forever", "", "[", "", BIG},
        {"an object that opens forever", "", "{\"a\":", "", BIG},
        {"an array of numbers", "[0", ",1", "]", BIG},
        {"an array of empty arrays", "[[]", ",[]", "]", BIG},
        {"a string that never ends", "\"", "a", "", BIG},
        {"an array of strings", "[0", ",\"abcdefgh\\u20ac\"", "]", BIG},
        {"an array of objects with one key", "[0", ",{\"k\":1}", "]", BIG},
        {"only commas", "[", ",", "]", BIG},
        {"only quotes", "[", "\"", "]", BIG},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json_reader r;
        size_t n = build(&cases[i], text);
        enum json_token t = walk(&r, text, n);
        if (r.steps > cases[i].steps_most)
            fail_msg("%s: %llu steps", cases[i].what, (unsigned long long)r.steps);
        if (t == JSON_END) /* the counter counts: nothing was passed over unread */
            assert_true(r.steps >= n);
    }
}

/* The worst is an object of JSON_KEYS_MAX keys that agree up to their last characters: each is
 * compared with all before it, so every byte of a key costs JSON_KEYS_MAX / 2 comparisons in the
 * mean, and bytes outside keys cost one. */
static void keys_made_to_be_compared_cost_a_bounded_number_of_steps(void **state) {
    static char text[BIG];
    static const char *const lead[] = {
        /* a different tail for each key, the same length, in one object of 256 keys */
        "%0240d", "\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061%0180d"};
    (void)state;
    for (size_t shape = 0; shape < 2; shape++) {
        struct json_reader r;
        size_t n = 0;
        text[n++] = '{';
        for (int i = 0; i < JSON_KEYS_MAX; i++) {
            char key[512];
            snprintf(key, sizeof key, lead[shape], i);
            n += (size_t)snprintf(text + n, BIG - n, "%s\"%s\":0", i ? "," : "", key);
        }
        text[n++] = '}';
        assert_int_equal(walk_exact(&r, text, n), JSON_END);
        assert_true(n > BIG * 9 / 10);
        /* 256 x 255 / 2 pairs of at least 180 characters: it does cost that much... */
        assert_true(r.steps > 32640u * 180u);
        /* ...and never more than the bound that json.h promises. */
        assert_true(r.steps <= (uint64_t)n * (JSON_KEYS_MAX / 2 + 1));
    }
    /* 256 short keys in each of many objects */
    struct json_reader r;
    size_t n = 0;
    text[n++] = '[';
    for (int object = 0; n < BIG - 256 * 7 - 16; object++) {
        n += (size_t)snprintf(text + n, BIG - n, "%s{", object ? "," : "");
        for (int i = 0; i < JSON_KEYS_MAX; i++)
            n += (size_t)snprintf(text + n, BIG - n, "%s\"%02x\":0", i ? "," : "", i);
        text[n++] = '}';
    }
    text[n++] = ']';
    assert_int_equal(walk_exact(&r, text, n), JSON_END);
    assert_true(r.steps <= (uint64_t)n * (JSON_KEYS_MAX / 2 + 1));
}

/* Random bytes, and random bytes of JSON's own alphabet: refused or read, in bounded steps. */
static void noise_is_survived(void **state) {
    static const char alphabet[] = "{}[]:,\"\\u0123456789abcdefDd8eE+-. \n\ttrufalsn\xC3\xA9";
    uint64_t seed = 20240229;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        char text[96];
        struct json_reader r;
        size_t n = random_next(&seed) % sizeof text;
        for (size_t i = 0; i < n; i++)
            text[i] = round % 4 == 0 ? (char)random_next(&seed)
                                     : alphabet[random_next(&seed) % (sizeof alphabet - 1)];
        walk_exact(&r, text, n);
        assert_true(r.steps <= (uint64_t)n * (JSON_KEYS_MAX + 1));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_good_document_is_good),
        cmocka_unit_test(a_document_cut_anywhere_is_refused),
        cmocka_unit_test(one_wrong_byte_is_survived_and_wrong_structure_refused),
        cmocka_unit_test(documents_of_64_kib_are_read_in_one_pass),
        cmocka_unit_test(keys_made_to_be_compared_cost_a_bounded_number_of_steps),
        cmocka_unit_test(noise_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
