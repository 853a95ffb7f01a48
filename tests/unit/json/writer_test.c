/* SPDX-License-Identifier: MIT */
/* The writer: what it writes, that it never writes past its buffer, and that the reader reads it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "walk.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void write_everything(struct json_writer *w) {
    json_object_begin(w);
    json_key_string(w, "name", "a \"b\"");
    json_key_string(w, "none", NULL);
    json_key_int(w, "n", -42);
    json_key_fixed(w, "v", 5568, 2);
    json_key_bool(w, "yes", true);
    json_key_null(w, "nil");
    json_key(w, "empty");
    json_object_begin(w);
    json_object_end(w);
    json_key(w, "list");
    json_array_begin(w);
    json_int(w, 1);
    json_bool(w, false);
    json_null(w);
    json_string(w, "x");
    json_fixed(w, -5, 1);
    json_array_begin(w);
    json_array_end(w);
    json_object_begin(w);
    json_key_int(w, "k", 0);
    json_object_end(w);
    json_array_end(w);
    json_object_end(w);
}

static const char compact[] = "{\"name\":\"a \\\"b\\\"\",\"none\":null,\"n\":-42,\"v\":55.68,"
                              "\"yes\":true,\"nil\":null,\"empty\":{},"
                              "\"list\":[1,false,null,\"x\",-0.5,[],{\"k\":0}]}";

static const char pretty[] = "{\n"
                             "  \"name\": \"a \\\"b\\\"\",\n"
                             "  \"none\": null,\n"
                             "  \"n\": -42,\n"
                             "  \"v\": 55.68,\n"
                             "  \"yes\": true,\n"
                             "  \"nil\": null,\n"
                             "  \"empty\": {},\n"
                             "  \"list\": [\n"
                             "    1,\n"
                             "    false,\n"
                             "    null,\n"
                             "    \"x\",\n"
                             "    -0.5,\n"
                             "    [],\n"
                             "    {\n"
                             "      \"k\": 0\n"
                             "    }\n"
                             "  ]\n"
                             "}";

static void documents_are_written_compact_or_pretty(void **state) {
    char buf[512];
    struct json_writer w;
    struct json_reader r;
    (void)state;

    json_writer_init(&w, buf, sizeof buf, false);
    write_everything(&w);
    assert_int_equal(json_writer_finish(&w), sizeof compact - 1);
    assert_string_equal(buf, compact);
    assert_int_equal(walk_exact(&r, buf, sizeof compact - 1), JSON_END);

    json_writer_init(&w, buf, sizeof buf, true);
    write_everything(&w);
    assert_int_equal(json_writer_finish(&w), sizeof pretty - 1);
    assert_string_equal(buf, pretty);
    assert_int_equal(walk_exact(&r, buf, sizeof pretty - 1), JSON_END);
}

static void no_capacity_is_overrun_and_a_short_one_fails(void **state) {
    (void)state;
    for (int is_pretty = 0; is_pretty <= 1; is_pretty++) {
        const char *whole = is_pretty ? pretty : compact;
        size_t length = strlen(whole);
        for (size_t cap = 1; cap <= length + 2; cap++) {
            char buf[512];
            struct json_writer w;
            size_t cut = cap <= length ? cap - 1 : length;
            memset(buf, 0x5A, sizeof buf);
            json_writer_init(&w, buf, cap, is_pretty != 0);
            write_everything(&w);
            assert_int_equal(json_writer_finish(&w), cap <= length ? GW_ERR_SPACE : (int)length);
            assert_memory_equal(buf, whole, cut);
            assert_int_equal(buf[cut], '\0');
            for (size_t i = cap; i < sizeof buf; i++)
                assert_int_equal(buf[i], 0x5A);
        }
    }
}

static void strings_are_escaped(void **state) {
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"", "\"\""},
        {"abc/d", "\"abc/d\""},
        {"\"\\\b\f\n\r\t", "\"\\\"\\\\\\b\\f\\n\\r\\t\""},
        {"\x01\x1F\x7F", "\"\\u0001\\u001F\x7F\""},
        {"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\""},
        {"a\x80z", "\"a\xEF\xBF\xBDz\""},
        {"\xC3", "\"\xEF\xBF\xBD\""},
        {"\xC3z", "\"\xEF\xBF\xBDz\""},
        {"\xE2\x82", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xC0\xAF", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xFF\xC3\xA9", "\"\xEF\xBF\xBD\xC3\xA9\""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char buf[64];
        struct json_writer w;
        json_writer_init(&w, buf, sizeof buf, false);
        json_string(&w, cases[i].in);
        assert_int_equal(json_writer_finish(&w), strlen(cases[i].want));
        assert_string_equal(buf, cases[i].want);
    }
}

/* Whatever bytes a name has, the result is JSON, and what was UTF-8 comes back as it was. */
static void any_bytes_become_a_string_that_reads_back(void **state) {
    (void)state;
    for (unsigned a = 1; a <= 255; a++)
        for (unsigned b = 1; b <= 255; b++) {
            const char in[] = {(char)a, (char)b, '\0'};
            char buf[64];
            struct json_writer w;
            struct json_reader r;
            bool utf8 =
                (a < 0x80 && b < 0x80) || (a >= 0xC2 && a <= 0xDF && b >= 0x80 && b <= 0xBF);

            json_writer_init(&w, buf, sizeof buf, false);
            json_string(&w, in);
            int n = json_writer_finish(&w);
            assert_true(n > 0);
            json_reader_init(&r, buf, (size_t)n);
            if (json_next(&r) != JSON_STRING)
                fail_msg("bytes %02X %02X: %s", a, b, r.error);
            assert_true((strcmp(r.text, in) == 0) == utf8);
        }
}

static void a_comma_follows_whatever_came_first(void **state) {
    char buf[128];
    struct json_writer w;
    (void)state;
    json_writer_init(&w, buf, sizeof buf, false);
    json_array_begin(&w);
    for (int first = 0; first < 7; first++) {
        json_array_begin(&w);
        if (first == 0)
            json_int(&w, 1);
        if (first == 1)
            json_fixed(&w, 15, 1);
        if (first == 2)
            json_bool(&w, true);
        if (first == 3)
            json_null(&w);
        if (first == 4)
            json_string(&w, "a");
        if (first >= 5) {
            first == 5 ? json_array_begin(&w) : json_object_begin(&w);
            first == 5 ? json_array_end(&w) : json_object_end(&w);
        }
        json_int(&w, 2);
        json_array_end(&w);
    }
    json_array_end(&w);
    assert_true(json_writer_finish(&w) > 0);
    assert_string_equal(buf, "[[1,2],[1.5,2],[true,2],[null,2],[\"a\",2],[[],2],[{},2]]");
}

static void keys_are_escaped_too(void **state) {
    char buf[64];
    struct json_writer w;
    (void)state;
    json_writer_init(&w, buf, sizeof buf, false);
    json_object_begin(&w);
    json_key_int(&w, "a\"\n", 1);
    json_object_end(&w);
    assert_int_equal(json_writer_finish(&w), 11);
    assert_string_equal(buf, "{\"a\\\"\\n\":1}");
}

static void text_that_json_can_carry_is_utf8(void **state) {
    static const struct {
        const char *what, *text;
        size_t n, at; /* at == n: all of it */
    } cases[] = {
        {"nothing", "", 0, 0},
        {"ASCII", "a b", 3, 3},
        {"two to four bytes", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9, 9},
        {"a byte that begins nothing", "a\x9F", 2, 1},
        {"cut off", "ab\xE2\x82", 4, 2},
        {"overlong", "\xC0\x80", 2, 0},
        {"half of a surrogate pair", "a\xED\xA0\x80", 4, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t at;
        print_message("    %s\n", cases[i].what);
        assert_int_equal(json_is_utf8(cases[i].text, cases[i].n, &at), cases[i].at == cases[i].n);
        assert_int_equal(at, cases[i].at);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_that_json_can_carry_is_utf8),
        cmocka_unit_test(documents_are_written_compact_or_pretty),
        cmocka_unit_test(no_capacity_is_overrun_and_a_short_one_fails),
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(any_bytes_become_a_string_that_reads_back),
        cmocka_unit_test(a_comma_follows_whatever_came_first),
        cmocka_unit_test(keys_are_escaped_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
