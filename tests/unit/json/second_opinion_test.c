/* SPDX-License-Identifier: MIT */
/* cJSON as a second opinion. It is laxer, so the agreement has two halves: what our reader accepts,
 * cJSON accepts and understands in the same way; what only cJSON accepts is one of the differences
 * listed in is_agreed_difference(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <cmocka.h>
#include <stdio.h>

#include "walk.h"

/* cJSON wants a NUL behind the text to look for what stands there. */
static cJSON *second_opinion(const char *text, size_t n) {
    char *copy = malloc(n + 1);
    cJSON *tree;

    assert_non_null(copy);
    memcpy(copy, text, n);
    copy[n] = '\0';
    tree = cJSON_ParseWithLengthOpts(copy, n + 1, NULL, true);
    free(copy);
    return tree;
}

static double number_value(const struct json_number *n) {
    double scale = 1;
    for (unsigned i = 0; i < n->decimals; i++)
        scale *= 10;
    return (double)n->digits / scale;
}

static bool same(struct json_reader *r, enum json_token token, const cJSON *tree);

static bool same_container(struct json_reader *r, const cJSON *tree, bool is_object) {
    enum json_token token;

    for (const cJSON *child = tree->child; child != NULL; child = child->next) {
        token = json_next(r);
        if (is_object) {
            if (token != JSON_KEY || strcmp(r->text, child->string) != 0)
                return false;
            token = json_next(r);
        }
        if (!same(r, token, child))
            return false;
    }
    return json_next(r) == (is_object ? JSON_OBJECT_END : JSON_ARRAY_END);
}

static bool same(struct json_reader *r, enum json_token token, const cJSON *tree) {
    double mine, difference;

    switch (token) {
    case JSON_OBJECT_BEGIN:
        return cJSON_IsObject(tree) && same_container(r, tree, true);
    case JSON_ARRAY_BEGIN:
        return cJSON_IsArray(tree) && same_container(r, tree, false);
    case JSON_STRING:
        return cJSON_IsString(tree) && strcmp(tree->valuestring, r->text) == 0;
    case JSON_NUMBER:
        if (!cJSON_IsNumber(tree))
            return false;
        mine = number_value(&r->number);
        difference = mine - tree->valuedouble;
        if (difference < 0)
            difference = -difference;
        return difference <= (mine < 0 ? -mine : mine) * 4e-16;
    case JSON_TRUE:
        return cJSON_IsTrue(tree);
    case JSON_FALSE:
        return cJSON_IsFalse(tree);
    case JSON_NULL:
        return cJSON_IsNull(tree);
    case JSON_END:
    case JSON_OBJECT_END:
    case JSON_ARRAY_END:
    case JSON_KEY:
    case JSON_ERROR:
        return false;
    }
    return false;
}

/* What cJSON 1.7 accepts and we refuse. */
static bool is_agreed_difference(const char *error, const char *text, size_t n) {
    static const char *const stricter[] = {
        "key given twice",                     /* cJSON keeps both */
        "nested too deeply",                   /* 1000 levels there */
        "too many keys",                       /* no limit there */
        "string over 512 bytes",               /* no limit there */
        "control character in a string",       /* taken as it is */
        "invalid UTF-8",                       /* taken as it is */
        "\\u without four hexadecimal digits", /* read as \\u0000 */
        "NUL in a string",                     /* \u0000 ends the string early */
        "number that starts with 0",           /* strtod */
        "malformed number",                    /* strtod: 1. and -.5 */
        "number too large",                    /* a double */
        "number with more than 9 decimals",    /* a double */
        "byte order mark: save the file as plain UTF-8",
    };
    for (size_t i = 0; i < sizeof stricter / sizeof stricter[0]; i++)
        if (strcmp(error, stricter[i]) == 0)
            return true;
    if (n > 0 && text[n - 1] == '.') /* strtod again: 1. at the end of the text */
        return true;
    /* all control characters are white space there, and NUL ends the text */
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < 0x20 && strchr("\t\n\r", text[i]) == NULL)
            return true;
    return memchr(text, '\0', n) != NULL;
}

/* Fails with the document when the two opinions differ in a way that is not agreed. */
static bool compare(const char *text, size_t n) {
    struct json_reader r;
    enum json_token t = walk_exact(&r, text, n);
    cJSON *tree = second_opinion(text, n);

    if (t == JSON_ERROR) {
        if (tree != NULL && !is_agreed_difference(r.error, text, n))
            fail_msg("only cJSON accepts (%s): %.*s", r.error, (int)n, text);
    } else {
        if (tree == NULL)
            fail_msg("only we accept: %.*s", (int)n, text);
        json_reader_init(&r, text, n);
        if (!same(&r, json_next(&r), tree) || json_next(&r) != JSON_END)
            fail_msg("understood differently: %.*s", (int)n, text);
    }
    cJSON_Delete(tree);
    return t == JSON_END;
}

/* A writer of random documents, in all the spellings that JSON allows. */
struct author {
    char text[8192];
    size_t n;
    uint64_t seed;
};

static unsigned roll(struct author *a, unsigned sides) {
    return random_next(&a->seed) % sides;
}

static void put(struct author *a, const char *s) {
    size_t length = strlen(s);
    assert_true(a->n + length < sizeof a->text);
    memcpy(a->text + a->n, s, length);
    a->n += length;
}

static void put_space(struct author *a) {
    static const char *const spaces[] = {"", "", "", " ", "\n", "\t", "\r\n", "  "};
    put(a, spaces[roll(a, 8)]);
}

static void put_string(struct author *a, int key) {
    static const char *const characters[] = {"a",
                                             "Z",
                                             "0",
                                             " ",
                                             "/",
                                             "\\/",
                                             "\\\"",
                                             "\\\\",
                                             "\\b",
                                             "\\f",
                                             "\\n",
                                             "\\r",
                                             "\\t",
                                             "\x7F",
                                             "\\u0041",
                                             "\\u00e9",
                                             "\\u00C9",
                                             "\\u20ac",
                                             "\\ud83d\\ude00",
                                             "\\uDBFF\\uDFFF",
                                             "\\uffff",
                                             "\xC3\xA9",
                                             "\xE2\x82\xAC",
                                             "\xF0\x9F\x98\x80",
                                             "{",
                                             "]",
                                             ",",
                                             ":",
                                             "\\u0001"};
    char number[16];
    put(a, "\"");
    if (key >= 0) { /* makes the keys of an object differ */
        snprintf(number, sizeof number, "%d", key);
        put(a, number);
    }
    for (unsigned left = roll(a, 8); left > 0; left--)
        put(a, characters[roll(a, sizeof characters / sizeof characters[0])]);
    put(a, "\"");
}

static void put_digits(struct author *a, unsigned least, unsigned most) {
    for (unsigned left = least + roll(a, most - least + 1); left > 0; left--) {
        char digit[2] = {(char)('0' + roll(a, 10)), '\0'};
        put(a, digit);
    }
}

/* At most 9 + 4 digits and 4 - (-4) decimals: within what int64 with 9 decimals holds. */
static void put_number(struct author *a) {
    char e[8];
    put(a, roll(a, 2) ? "-" : "");
    if (roll(a, 4) == 0) {
        put(a, "0");
    } else {
        char first[2] = {(char)('1' + roll(a, 9)), '\0'};
        put(a, first);
        put_digits(a, 0, 8);
    }
    if (roll(a, 2)) {
        put(a, ".");
        put_digits(a, 1, 4);
    }
    if (roll(a, 3) == 0) {
        snprintf(e, sizeof e, "%s%s%u", roll(a, 2) ? "e" : "E",
                 roll(a, 3) == 0 ? "-" : (roll(a, 2) ? "+" : ""), roll(a, 5));
        put(a, e);
    }
}

static void put_value(struct author *a, unsigned levels) {
    unsigned kind = roll(a, levels == 0 ? 5 : 8);
    bool object = kind >= 6;

    put_space(a);
    if (kind == 0)
        put(a, "true");
    else if (kind == 1)
        put(a, "false");
    else if (kind == 2)
        put(a, "null");
    else if (kind == 3)
        put_string(a, -1);
    else if (kind == 4)
        put_number(a);
    if (kind >= 5) {
        unsigned members = roll(a, 4);
        put(a, object ? "{" : "[");
        put_space(a);
        for (unsigned i = 0; i < members; i++) {
            put(a, i > 0 ? "," : "");
            put_space(a);
            if (object) {
                put_string(a, (int)i);
                put_space(a);
                put(a, ":");
            }
            put_value(a, levels - 1);
        }
        put(a, object ? "}" : "]");
    }
    put_space(a);
}

static void random_documents_are_understood_alike(void **state) {
    static struct author a = {.seed = 1};
    (void)state;
    for (int round = 0; round < 20000; round++) {
        a.n = 0;
        put_value(&a, (unsigned)round % 5 + 1);
        if (!compare(a.text, a.n))
            fail_msg("refused: %.*s", (int)a.n, a.text);
    }
}

static void damaged_documents_are_judged_alike(void **state) {
    static const char bytes[] = "{}[]:,\"\\u019afeE+-. \nt\x80\xC3\x01";
    static struct author a = {.seed = 2};
    unsigned accepted = 0, refused = 0;
    (void)state;
    for (int round = 0; round < 30000; round++) {
        a.n = 0;
        put_value(&a, (unsigned)round % 4 + 1);
        for (unsigned wounds = 1 + roll(&a, 2); wounds > 0 && a.n > 1; wounds--) {
            size_t at = roll(&a, (unsigned)a.n);
            if (roll(&a, 2)) {
                a.text[at] = bytes[roll(&a, sizeof bytes - 1)];
            } else {
                memmove(a.text + at, a.text + at + 1, a.n - at - 1);
                a.n--;
            }
        }
        if (compare(a.text, a.n))
            accepted++;
        else
            refused++;
    }
    /* both halves of the agreement were put to the test */
    assert_true(accepted > 3000);
    assert_true(refused > 3000);
}

static void the_agreed_differences_are_real(void **state) {
    static const struct {
        const char *what, *text;
    } cases[] = {
        {"the same key twice", "{\"a\":1,\"a\":2}"},
        {"nine levels", "[[[[[[[[[]]]]]]]]]"},
        {"a raw line end in a string", "\"a\nb\""},
        {"a byte that is no UTF-8", "\"\x80\""},
        {"NUL by an escape", "\"\\u0000\""},
        {"a number with a leading 0", "01"},
        {"a number without digits after the point", "1."},
        {"more than an int64", "1e30"},
        {"ten decimals", "0.0000000001"},
        {"a byte order mark", "\xEF\xBB\xBF{}"},
        {"a form feed as white space", "[\f1]"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json_reader r;
        cJSON *tree = second_opinion(cases[i].text, strlen(cases[i].text));
        if (tree == NULL)
            fail_msg("%s: cJSON refuses it too", cases[i].what);
        if (walk(&r, cases[i].text, strlen(cases[i].text)) != JSON_ERROR)
            fail_msg("%s: we accept it", cases[i].what);
        cJSON_Delete(tree);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_documents_are_understood_alike),
        cmocka_unit_test(damaged_documents_are_judged_alike),
        cmocka_unit_test(the_agreed_differences_are_real),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
