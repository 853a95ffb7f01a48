/* SPDX-License-Identifier: MIT */
/* The JSON reader and writer on any text.
 *
 * What the reader accepts is written again and read again: nothing may change on the way. cJSON
 * must accept it as well (it is laxer, so not the other way round). */
#include "json/json.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { INPUT_MAX = 4096, OUTPUT_MAX = 16 * INPUT_MAX };

/* A number in units of 10^-9 to 1, exactly or not at all. */
static void check_scaled(const struct json_number *n) {
    for (unsigned decimals = 0; decimals <= JSON_DECIMALS_MAX; decimals++) {
        int64_t scaled = 12345, expected = n->digits;
        bool fits = true;
        for (unsigned have = n->decimals; have < decimals && fits; have++) {
            fits = !__builtin_mul_overflow(expected, INT64_C(10), &expected);
        }
        for (unsigned have = n->decimals; have > decimals && fits; have--) {
            fits = expected % 10 == 0;
            expected /= 10;
        }
        must((json_number_scaled(n, decimals, &scaled) == GW_OK) == fits,
             "a number is scaled where that is exact");
        must(scaled == (fits ? expected : 12345), "a number is scaled exactly");
    }
}

/* Token by token from a reader into a writer; true when the text was whole. */
static bool copy_text(struct json_reader *r, struct json_writer *w) {
    for (;;) {
        const enum json_token token = json_next(r);
        must(r->depth <= JSON_DEPTH_MAX, "depth is bounded");
        switch (token) {
        case JSON_END:
            return true;
        case JSON_ERROR:
            return false;
        case JSON_OBJECT_BEGIN:
            json_object_begin(w);
            break;
        case JSON_OBJECT_END:
            json_object_end(w);
            break;
        case JSON_ARRAY_BEGIN:
            json_array_begin(w);
            break;
        case JSON_ARRAY_END:
            json_array_end(w);
            break;
        case JSON_KEY:
            must(strlen(r->text) == r->length, "a key holds no NUL");
            json_key(w, r->text);
            break;
        case JSON_STRING:
            must(strlen(r->text) == r->length && r->length <= JSON_STRING_MAX,
                 "a string holds no NUL and is bounded");
            json_string(w, r->text);
            break;
        case JSON_NUMBER:
            must(r->number.decimals <= JSON_DECIMALS_MAX, "decimals are bounded");
            check_scaled(&r->number);
            json_fixed(w, r->number.digits, r->number.decimals);
            break;
        case JSON_TRUE:
            json_bool(w, true);
            break;
        case JSON_FALSE:
            json_bool(w, false);
            break;
        case JSON_NULL:
            json_null(w);
            break;
        }
    }
}

static void check_error(struct json_reader *r, const char *text, size_t n) {
    uint32_t lines = 1;
    must(r->error != NULL && r->error[0] != '\0', "an error has a phrase");
    must(json_next(r) == JSON_ERROR, "an error stays");
    for (size_t i = 0; i < n; i++) {
        lines += text[i] == '\n';
    }
    must(r->line >= 1 && r->line <= lines, "an error names a line of the text");
    must(r->column >= 1 && r->column <= n + 1, "an error names a column of the text");
}

static int rewrite(const char *text, size_t n, bool pretty, char *out) {
    struct json_reader r;
    struct json_writer w;
    json_reader_init(&r, text, n);
    json_writer_init(&w, out, OUTPUT_MAX, pretty);
    must(copy_text(&r, &w), "what was accepted, and what was written, is accepted again");
    return json_writer_finish(&w);
}

/* Written compact, read, written pretty, read, written compact: as it was. */
static void check_round_trip(const char *text, size_t n) {
    static char compact[OUTPUT_MAX], pretty[OUTPUT_MAX], again[OUTPUT_MAX];
    const int a = rewrite(text, n, false, compact);
    if (a < 0) {
        return; /* six characters for each control character, and numbers out of exponents */
    }
    const int b = rewrite(compact, (size_t)a, true, pretty);
    if (b < 0) {
        return;
    }
    const int c = rewrite(pretty, (size_t)b, false, again);
    must(a == c && memcmp(compact, again, (size_t)a) == 0, "writing and reading change nothing");

    /* a buffer that is too small gets a true beginning and an error */
    struct json_reader r;
    struct json_writer w;
    const size_t cap = 1 + (size_t)a / 2;
    json_reader_init(&r, text, n);
    json_writer_init(&w, again, cap, false);
    (void)copy_text(&r, &w);
    must(json_writer_finish(&w) == GW_ERR_SPACE, "what does not fit is told");
    must(memcmp(again, compact, cap - 1) == 0 && again[cap - 1] == '\0',
         "what does not fit is cut, and the NUL is there");
}

static void check_second_opinion(const char *text, size_t n) {
    char *copy = malloc(n + 1);
    if (copy == NULL) {
        return;
    }
    memcpy(copy, text, n);
    copy[n] = '\0';
    cJSON *tree = cJSON_ParseWithLengthOpts(copy, n + 1, NULL, true);
    must(tree != NULL, "cJSON accepts what we accept");
    cJSON_Delete(tree);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char scratch[OUTPUT_MAX];
    const char *text = (const char *)data;
    struct json_reader r, skipping;
    struct json_writer w;
    if (size > INPUT_MAX) {
        return 0;
    }
    json_reader_init(&r, text, size);
    json_writer_init(&w, scratch, sizeof scratch, false);
    const bool whole = copy_text(&r, &w);
    must(r.steps <= (JSON_KEYS_MAX + 1) * (uint64_t)size, "work is bounded");

    json_reader_init(&skipping, text, size);
    const bool skipped = json_skip(&skipping) != JSON_ERROR && json_next(&skipping) == JSON_END;
    must(skipped == whole, "skipping accepts what walking accepts");
    if (!whole) {
        must(skipping.line == r.line && skipping.column == r.column && skipping.error == r.error,
             "skipping fails where walking fails");
        check_error(&r, text, size);
        return 0;
    }
    check_round_trip(text, size);
    check_second_opinion(text, size);
    return 0;
}
