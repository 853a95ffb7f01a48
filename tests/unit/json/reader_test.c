/* SPDX-License-Identifier: MIT */
/* The reader against RFC 8259 and the stricter rules of json.h, case by case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "walk.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Tokens as one letter each: { } [ ] k s n t f 0 (null) . (end) ! (error). */
static void tokens_of(const char *text, size_t n, char *out, size_t cap) {
    static const char letter[] = ".{}[]ksntf0!";
    struct json_reader r;
    size_t i = 0;
    enum json_token t;

    json_reader_init(&r, text, n);
    do {
        t = json_next(&r);
        assert_true(i + 1 < cap);
        out[i++] = letter[t];
    } while (t != JSON_END && t != JSON_ERROR);
    out[i] = '\0';
}

static void well_formed_documents_give_their_tokens(void **state) {
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"0", "n."},
        {" \t\r\n0 \t\r\n", "n."},
        {"\"\"", "s."},
        {"true", "t."},
        {"false", "f."},
        {"null", "0."},
        {"{}", "{}."},
        {"[]", "[]."},
        {" { } ", "{}."},
        {" [ ] ", "[]."},
        {"[1]", "[n]."},
        {"[1,2]", "[nn]."},
        {"[ 1 , 2 ]", "[nn]."},
        {"[[],{}]", "[[]{}]."},
        {"[[[1],2],3]", "[[[n]n]n]."},
        {"{\"a\":1}", "{kn}."},
        {"{\"a\":1,\"b\":[true,null,\"x\"]}", "{knk[t0s]}."},
        {"{\"a\":{\"a\":{\"a\":0}}}", "{k{k{kn}}}."},
        {"{\"a\":{\"b\":1},\"b\":{\"a\":1}}", "{k{kn}k{kn}}."},
        {"{\"\":1}", "{kn}."},
        {"{\"a\":1,\"A\":2,\"aa\":3,\"\":4}", "{knknknkn}."},
        {"{ \"a\" : 1 , \"b\" : 2 }", "{knkn}."},
        {"[\"a\",\"a\",\"a\"]", "[sss]."},
        {"[-0,-0.0,1E5,1e-5]", "[nnnn]."},
        {"[[[[[[[[]]]]]]]]", "[[[[[[[[]]]]]]]]."},
        {"[{\"a\":[{\"a\":[{\"a\":[{}]}]}]}]", "[{k[{k[{k[{}]}]}]}]."},
        {"[[[[[[[[]]]]]]],[[[[[[[]]]]]]]]", "[[[[[[[[]]]]]]][[[[[[[]]]]]]]]."},
        {"\"\x7F\"", "s."},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char got[64];
        tokens_of(cases[i].text, strlen(cases[i].text), got, sizeof got);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: %s", cases[i].text, got);
    }
}

static void malformed_documents_are_refused_where_they_go_wrong(void **state) {
    static const struct {
        const char *text, *error;
        uint32_t line, column;
    } cases[] = {
        {"", "the text ends too early", 1, 1},
        {" \n ", "the text ends too early", 2, 2},
        {"{", "the text ends too early", 1, 2},
        {"[", "the text ends too early", 1, 2},
        {"[1", "the text ends too early", 1, 3},
        {"[1,", "the text ends too early", 1, 4},
        {"{\"a\"", "the text ends too early", 1, 5},
        {"{\"a\":", "the text ends too early", 1, 6},
        {"{\"a\":1", "the text ends too early", 1, 7},
        {"{\"a\":1,", "the text ends too early", 1, 8},
        {"\"a", "the text ends too early", 1, 3},
        {"\"\\ud83d\\ude00", "the text ends too early", 1, 14},
        {"tru", "the text ends too early", 1, 4},
        {"-", "the text ends too early", 1, 2},
        {"1.", "the text ends too early", 1, 3},
        {"1e+", "the text ends too early", 1, 4},
        {"0 0", "more text after the value", 1, 3},
        {"{}{}", "more text after the value", 1, 3},
        {"[]]", "more text after the value", 1, 3},
        {"{}}", "more text after the value", 1, 3},
        {"1,", "more text after the value", 1, 2},
        {"truex", "more text after the value", 1, 5},
        {"nul1", "expected a value", 1, 1},
        {"True", "expected a value", 1, 1},
        {"NaN", "expected a value", 1, 1},
        {"nan", "expected a value", 1, 1},
        {"Infinity", "expected a value", 1, 1},
        {"undefined", "expected a value", 1, 1},
        {"'a'", "expected a value", 1, 1},
        {"+1", "expected a value", 1, 1},
        {".5", "expected a value", 1, 1},
        {"// note\n1", "expected a value", 1, 1},
        {"/**/1", "expected a value", 1, 1},
        {"]", "expected a value", 1, 1},
        {"}", "expected a value", 1, 1},
        {",", "expected a value", 1, 1},
        {":", "expected a value", 1, 1},
        {"\f1", "expected a value", 1, 1},
        {"\v1", "expected a value", 1, 1},
        {"\xC2\xA0"
         "1",
         "expected a value", 1, 1},
        {"\xEF\xBB\xBF{}", "byte order mark: save the file as plain UTF-8", 1, 1},
        {"[\xEF\xBB\xBF]", "expected a value", 1, 2},
        {"[1 2]", "expected ',' or ']'", 1, 4},
        {"[1}", "expected ',' or ']'", 1, 3},
        {"[1:2]", "expected ',' or ']'", 1, 3},
        {"[1,]", "expected a value", 1, 4},
        {"[,1]", "expected a value", 1, 2},
        {"[1,,2]", "expected a value", 1, 4},
        {"[\"a\"\"b\"]", "expected ',' or ']'", 1, 5},
        {"{1:2}", "expected a key in double quotes", 1, 2},
        {"{a:1}", "expected a key in double quotes", 1, 2},
        {"{'a':1}", "expected a key in double quotes", 1, 2},
        {"{]", "expected a key in double quotes", 1, 2},
        {"{,}", "expected a key in double quotes", 1, 2},
        {"{null:1}", "expected a key in double quotes", 1, 2},
        {"{\"a\":1,}", "expected a key in double quotes", 1, 8},
        {"{\"a\":1,,\"b\":2}", "expected a key in double quotes", 1, 8},
        {"{\"a\"}", "expected ':'", 1, 5},
        {"{\"a\" 1}", "expected ':'", 1, 6},
        {"{\"a\",1}", "expected ':'", 1, 5},
        {"{\"a\"::1}", "expected a value", 1, 6},
        {"{\"a\":}", "expected a value", 1, 6},
        {"{\"a\":1]", "expected ',' or '}'", 1, 7},
        {"{\"a\":1 \"b\":2}", "expected ',' or '}'", 1, 8},
        {"{\"a\":1;\"b\":2}", "expected ',' or '}'", 1, 7},
        {"[01]", "number that starts with 0", 1, 2},
        {"[-01]", "number that starts with 0", 1, 3},
        {"[1.]", "malformed number", 1, 4},
        {"[1.e1]", "malformed number", 1, 4},
        {"[-]", "malformed number", 1, 3},
        {"[-a]", "malformed number", 1, 3},
        {"[1e]", "malformed number", 1, 4},
        {"[1e+]", "malformed number", 1, 5},
        {"[0x10]", "expected ',' or ']'", 1, 3},
        {"[1.2.3]", "expected ',' or ']'", 1, 5},
        {"[9223372036854775808]", "number too large", 1, 2},
        {"[1e400]", "number too large", 1, 2},
        {"[1e-10]", "number with more than 9 decimals", 1, 2},
        {"[[[[[[[[[]]]]]]]]]", "nested too deeply", 1, 9},
        {"{\"a\":[[[[[[[{", "nested too deeply", 1, 13},
        {"{\n  \"a\": 1,\n  \"b\": x\n}", "expected a value", 3, 8},
        {"{\r\n\t\"a\": 1,\r\n\t\"b\"; 2\r\n}", "expected ':'", 3, 5},
        {"[\n\n\n", "the text ends too early", 4, 1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json_reader r;
        enum json_token t = walk_exact(&r, cases[i].text, strlen(cases[i].text));
        if (t != JSON_ERROR || strcmp(r.error, cases[i].error) != 0 || r.line != cases[i].line ||
            r.column != cases[i].column)
            fail_msg("%s: %s at %u:%u", cases[i].text, t == JSON_ERROR ? r.error : "accepted",
                     (unsigned)r.line, (unsigned)r.column);
        assert_int_equal(json_next(&r), JSON_ERROR);
        assert_int_equal(json_skip(&r), JSON_ERROR);
    }
}

/* What follows the error would be right after a right beginning. */
static void after_an_error_nothing_is_right_any_more(void **state) {
    static const char *const cases[] = {"[1,]",     "{\"a\":1,}",        "[1,,2]", "{\"a\":}",
                                        "[1 ,x,2]", "{\"a\":1,\"a\":2}", "[01]"};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json_reader r;
        assert_int_equal(walk(&r, cases[i], strlen(cases[i])), JSON_ERROR);
        const char *error = r.error;
        uint32_t column = r.column;
        for (int again = 0; again < 4; again++)
            assert_int_equal(json_next(&r), JSON_ERROR);
        assert_ptr_equal(r.error, error);
        assert_int_equal(r.column, column);
    }
}

static void nul_bytes_are_refused_everywhere(void **state) {
    static const char document[] = "{\"ab\": [1.5e1, true, \"x\\n\", {}]}";
    struct json_reader r;
    (void)state;
    assert_int_equal(walk_exact(&r, document, sizeof document - 1), JSON_END);
    for (size_t i = 0; i <= sizeof document - 1; i++) {
        char with[sizeof document];
        memcpy(with, document, i);
        with[i] = '\0';
        memcpy(with + i + 1, document + i, sizeof document - 1 - i);
        if (walk_exact(&r, with, sizeof document) != JSON_ERROR)
            fail_msg("NUL at %zu was accepted", i);
    }
}

static void strings_are_decoded(void **state) {
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"\"\"", ""},
        {"\"abc\"", "abc"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"\\u0041\\u007f\"", "A\x7F"},
        {"\"\\u0080\"", "\xC2\x80"},
        {"\"\\u00e9\\u00E9\\u07ff\"", "\xC3\xA9\xC3\xA9\xDF\xBF"},
        {"\"\\u0800\\u20ac\\ud7ff\\ue000\\uffff\"",
         "\xE0\xA0\x80\xE2\x82\xAC\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF"},
        {"\"\\ud800\\udc00\"", "\xF0\x90\x80\x80"},
        {"\"\\uD83D\\uDE00\"", "\xF0\x9F\x98\x80"},
        {"\"\\udbff\\udfff\"", "\xF4\x8F\xBF\xBF"},
        {"\"\\u0001\"", "\x01"},
        {"\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"},
        {"\"\\\\u0041\"", "\\u0041"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json_reader r;
        json_reader_init(&r, cases[i].text, strlen(cases[i].text));
        if (json_next(&r) != JSON_STRING)
            fail_msg("%s: %s", cases[i].text, r.error);
        assert_string_equal(r.text, cases[i].want);
        assert_int_equal(r.length, strlen(cases[i].want));
        assert_int_equal(r.start, 0);
        assert_int_equal(r.pos, strlen(cases[i].text));
        assert_int_equal(json_next(&r), JSON_END);
    }
}

static void bad_strings_are_refused(void **state) {
    static const struct {
        const char *text, *error;
        uint32_t column;
    } cases[] = {
        {"\"\\u0000\"", "NUL in a string", 2},
        {"\"a\\x41\"", "unknown escape in a string", 3},
        {"\"\\'\"", "unknown escape in a string", 2},
        {"\"\\U0041\"", "unknown escape in a string", 2},
        {"\"\\\n\"", "unknown escape in a string", 2},
        {"\"\\", "unknown escape in a string", 2},
        {"\"\\u\"", "\\u without four hexadecimal digits", 2},
        {"\"\\u004\"", "\\u without four hexadecimal digits", 2},
        {"\"\\u004g\"", "\\u without four hexadecimal digits", 2},
        {"\"\\u+041\"", "\\u without four hexadecimal digits", 2},
        {"\"\\u 041\"", "\\u without four hexadecimal digits", 2},
        {"\"\\ud800\"", "half of a surrogate pair", 2},
        {"\"\\udfff\"", "half of a surrogate pair", 2},
        {"\"\\udc00\\ud800\"", "half of a surrogate pair", 2},
        {"\"\\ud800\\ud800\"", "half of a surrogate pair", 2},
        {"\"\\ud800a\"", "half of a surrogate pair", 2},
        {"\"\\ud800\\n\"", "half of a surrogate pair", 2},
        {"\"\\ud800\\u0041\"", "half of a surrogate pair", 2},
        {"\"\\ud83d\\ude0\"", "half of a surrogate pair", 2},
        {"\"\\ud83d\\xde00\"", "half of a surrogate pair", 2},
        {"\"\\ud83d\\ue000\"", "half of a surrogate pair", 2},
        {"\"a\nb\"", "control character in a string", 3},
        {"\"\t\"", "control character in a string", 2},
        {"\"\x1F\"", "control character in a string", 2},
        {"\"\x80\"", "invalid UTF-8", 2},
        {"\"\xBF\"", "invalid UTF-8", 2},
        {"\"\xC3\"", "invalid UTF-8", 2},
        {"\"\xC0\xAF\"", "invalid UTF-8", 2},         /* overlong / */
        {"\"\xC1\xBF\"", "invalid UTF-8", 2},         /* overlong DEL */
        {"\"\xE0\x9F\xBF\"", "invalid UTF-8", 2},     /* overlong U+07FF */
        {"\"\xF0\x8F\xBF\xBF\"", "invalid UTF-8", 2}, /* overlong U+FFFF */
        {"\"\xED\xA0\x80\"", "invalid UTF-8", 2},     /* U+D800 */
        {"\"\xED\xBF\xBF\"", "invalid UTF-8", 2},     /* U+DFFF */
        {"\"\xF4\x90\x80\x80\"", "invalid UTF-8", 2}, /* U+110000 */
        {"\"\xF5\x80\x80\x80\"", "invalid UTF-8", 2},
        {"\"\xFE\"", "invalid UTF-8", 2},
        {"\"\xE2\x82\"", "invalid UTF-8", 2},
        {"\"\xE2\x28\xA1\"", "invalid UTF-8", 2},
        {"\"\xF0\x9F\x98\"", "invalid UTF-8", 2},
        {"\"\xF0\x9F\x98", "invalid UTF-8", 2},
        {"{\"\xC3\":1}", "invalid UTF-8", 3},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json_reader r;
        enum json_token t = walk_exact(&r, cases[i].text, strlen(cases[i].text));
        if (t != JSON_ERROR || strcmp(r.error, cases[i].error) != 0 || r.column != cases[i].column)
            fail_msg("case %zu %s: %s at %u", i, cases[i].text,
                     t == JSON_ERROR ? r.error : "accepted", (unsigned)r.column);
    }
}

/* Which byte strings are UTF-8 is a fact of the standard: every code point from U+0001 is encoded
 * here by its definition, and must come through; every other pair of bytes must not. */
static void every_code_point_passes_and_nothing_else(void **state) {
    struct json_reader r;
    (void)state;
    for (uint32_t code = 0x20; code <= 0x10FFFF; code += code < 0x3000 ? 1 : 251) {
        char text[8];
        size_t n = 0;
        text[n++] = '"';
        if (code < 0x80) {
            text[n++] = (char)code;
        } else if (code < 0x800) {
            text[n++] = (char)(0xC0 + code / 64);
            text[n++] = (char)(0x80 + code % 64);
        } else if (code < 0x10000) {
            text[n++] = (char)(0xE0 + code / 4096);
            text[n++] = (char)(0x80 + code / 64 % 64);
            text[n++] = (char)(0x80 + code % 64);
        } else {
            text[n++] = (char)(0xF0 + code / 262144);
            text[n++] = (char)(0x80 + code / 4096 % 64);
            text[n++] = (char)(0x80 + code / 64 % 64);
            text[n++] = (char)(0x80 + code % 64);
        }
        text[n++] = '"';
        bool good = code != '"' && code != '\\' && (code < 0xD800 || code > 0xDFFF);
        if ((walk(&r, text, n) == JSON_END) != good)
            fail_msg("U+%04X", (unsigned)code);
    }
    for (unsigned a = 0x80; a <= 0xFF; a++)
        for (unsigned b = 0x20; b <= 0xFF; b++) {
            char text[] = {'"', (char)a, (char)b, '"'};
            bool good = a >= 0xC2 && a <= 0xDF && b >= 0x80 && b <= 0xBF;
            if ((walk(&r, text, sizeof text) == JSON_END) != good)
                fail_msg("bytes %02X %02X", a, b);
        }
}

static void a_string_may_have_512_bytes_and_no_more(void **state) {
    char text[JSON_STRING_MAX + 16];
    struct json_reader r;
    (void)state;
    for (int extra = 0; extra <= 3; extra++) { /* the last character has 1 to 4 bytes */
        static const char *const last[] = {"a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
        size_t tail = strlen(last[extra]);
        for (size_t length = JSON_STRING_MAX - 4; length <= JSON_STRING_MAX + 2; length++) {
            text[0] = '"';
            memset(text + 1, 'x', length - tail);
            memcpy(text + 1 + length - tail, last[extra], tail);
            text[1 + length] = '"';
            enum json_token t = walk_exact(&r, text, length + 2);
            assert_true((t == JSON_END) == (length <= JSON_STRING_MAX));
            if (t == JSON_ERROR)
                assert_string_equal(r.error, "string over 512 bytes");
        }
    }
}

static void the_same_key_twice_is_refused_however_it_is_spelled(void **state) {
    static const struct {
        const char *text;
        uint32_t column; /* of the second one; 0: not the same */
    } cases[] = {
        {"{\"a\":1,\"a\":2}", 8},
        {"{\"a\":1,\"\\u0061\":2}", 8},
        {"{\"\\u0061\":1,\"a\":2}", 13},
        {"{\"\\u0061\":1,\"\\u0061\":2}", 13},
        {"{\"\":1,\"\":2}", 7},
        {"{\"a\\/b\":1,\"a/b\":2}", 11},
        {"{\"\\n\":1,\"\\u000a\":2}", 9},
        {"{\"\xC3\xA9\":1,\"\\u00E9\":2}", 9},
        {"{\"\xF0\x9F\x98\x80\":1,\"\\ud83d\\ude00\":2}", 11},
        {"{\"a\":1,\"b\":2,\"c\":3,\"b\":4}", 20},
        {"{\"a\":{\"x\":[1,{\"y\":2}]},\"b\":[],\"a\":3}", 31},
        {"[{\"a\":1},{\"a\":{\"k\":1,\"k\":2}}]", 22},
        {"{\"a\":{\"b\":1},\"c\":{\"b\":1,\"b\":1}}", 25},
        {"{\"a\":1,\"ab\":2,\"abc\":3,\"\":4,\"A\":5}", 0},
        {"{\"a\":{\"a\":{\"a\":1}}}", 0},
        {"{\"x\":{\"a\":1},\"a\":{\"x\":1}}", 0},
        {"[{\"a\":1},{\"a\":1}]", 0},
        {"{\"\\\\u0061\":1,\"a\":2}", 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json_reader r;
        enum json_token t = walk_exact(&r, cases[i].text, strlen(cases[i].text));
        if (cases[i].column == 0) {
            if (t != JSON_END)
                fail_msg("%s: %s", cases[i].text, r.error);
        } else if (t != JSON_ERROR || strcmp(r.error, "key given twice") != 0 ||
                   r.column != cases[i].column) {
            fail_msg("%s: %u", cases[i].text, (unsigned)r.column);
        }
    }
}

static void objects_open_at_once_have_256_keys_together(void **state) {
    static char text[16384];
    struct json_reader r;
    (void)state;
    for (int inner = 0; inner <= 200; inner += 100)
        for (int total = JSON_KEYS_MAX - 1; total <= JSON_KEYS_MAX + 1; total++) {
            size_t n = 0;
            int outer = total - inner; /* the last key of the outer object holds the inner one */
            text[n++] = '{';
            for (int i = 0; i < outer; i++)
                n += (size_t)snprintf(text + n, sizeof text - n, "%s\"k%d\":%s", i ? "," : "", i,
                                      i == outer - 1 && inner != 0 ? "{" : "0");
            for (int i = 0; i < inner; i++)
                n += (size_t)snprintf(text + n, sizeof text - n, "%s\"k%d\":0", i ? "," : "", i);
            if (inner != 0)
                text[n++] = '}';
            text[n++] = '}';
            enum json_token t = walk_exact(&r, text, n);
            assert_true((t == JSON_END) == (total <= JSON_KEYS_MAX));
            if (t == JSON_ERROR)
                assert_string_equal(r.error, "too many keys");
        }
    /* keys of objects that are closed count no more: 3000 in all */
    size_t n = 0;
    text[n++] = '[';
    for (int i = 0; i < 1000; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s{\"a\":{\"b\":0}}", i ? "," : "");
    text[n++] = ']';
    assert_int_equal(walk_exact(&r, text, n), JSON_END);
}

static void numbers_come_as_digits_and_decimals(void **state) {
    static const char text[] = "[12.50, -3, 1e3]";
    struct json_reader r;
    (void)state;
    json_reader_init(&r, text, sizeof text - 1);
    assert_int_equal(json_next(&r), JSON_ARRAY_BEGIN);
    assert_int_equal(json_next(&r), JSON_NUMBER);
    assert_int_equal(r.number.digits, 1250);
    assert_int_equal(r.number.decimals, 2);
    assert_int_equal(r.start, 1);
    assert_int_equal(r.pos, 6);
    assert_int_equal(json_next(&r), JSON_NUMBER);
    assert_int_equal(r.number.digits, -3);
    assert_int_equal(r.column, 9);
    assert_int_equal(json_next(&r), JSON_NUMBER);
    assert_int_equal(r.number.digits, 1000);
    assert_int_equal(r.number.decimals, 0);
    assert_int_equal(json_next(&r), JSON_ARRAY_END);
    assert_int_equal(json_next(&r), JSON_END);
    assert_int_equal(json_next(&r), JSON_END);
}

static void skip_takes_exactly_one_value(void **state) {
    static const struct {
        const char *value;
        enum json_token first;
    } cases[] = {
        {"1", JSON_NUMBER},
        {"\"x\"", JSON_STRING},
        {"true", JSON_TRUE},
        {"false", JSON_FALSE},
        {"null", JSON_NULL},
        {"{}", JSON_OBJECT_BEGIN},
        {"[]", JSON_ARRAY_BEGIN},
        {"[1,[2,{\"a\":[]}],{}]", JSON_ARRAY_BEGIN},
        {"{\"a\":{\"b\":[{},{}]},\"c\":[[]]}", JSON_OBJECT_BEGIN},
        {"[1,[2,{\"a\":[}]}],{}]", JSON_ERROR},
        {"[1,2", JSON_ERROR},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[128];
        struct json_reader r;
        int n = snprintf(text, sizeof text, "{\"skipped\": %s, \"next\": 7}", cases[i].value);
        json_reader_init(&r, text, (size_t)n);
        assert_int_equal(json_next(&r), JSON_OBJECT_BEGIN);
        assert_int_equal(json_next(&r), JSON_KEY);
        assert_string_equal(r.text, "skipped");
        assert_int_equal(json_skip(&r), cases[i].first);
        if (cases[i].first == JSON_ERROR)
            continue;
        assert_int_equal(json_next(&r), JSON_KEY);
        assert_string_equal(r.text, "next");
        assert_int_equal(json_skip(&r), JSON_NUMBER);
        assert_int_equal(json_skip(&r), JSON_OBJECT_END);
        assert_int_equal(json_skip(&r), JSON_END);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_documents_give_their_tokens),
        cmocka_unit_test(malformed_documents_are_refused_where_they_go_wrong),
        cmocka_unit_test(after_an_error_nothing_is_right_any_more),
        cmocka_unit_test(nul_bytes_are_refused_everywhere),
        cmocka_unit_test(strings_are_decoded),
        cmocka_unit_test(bad_strings_are_refused),
        cmocka_unit_test(every_code_point_passes_and_nothing_else),
        cmocka_unit_test(a_string_may_have_512_bytes_and_no_more),
        cmocka_unit_test(the_same_key_twice_is_refused_however_it_is_spelled),
        cmocka_unit_test(objects_open_at_once_have_256_keys_together),
        cmocka_unit_test(numbers_come_as_digits_and_decimals),
        cmocka_unit_test(skip_takes_exactly_one_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
