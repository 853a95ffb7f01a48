/* SPDX-License-Identifier: MIT */
/* For the tests of core/json: a whole document read to its end, each token told to nobody. */
#ifndef TESTS_UNIT_JSON_WALK_H
#define TESTS_UNIT_JSON_WALK_H

#include <stdlib.h>
#include <string.h>

#include "json/json.h"

/* JSON_END or JSON_ERROR; aborts when the reader gives more tokens than there are bytes. */
static inline enum json_token walk(struct json_reader *r, const char *text, size_t n) {
    json_reader_init(r, text, n);
    for (size_t i = 0; i <= n; i++) {
        enum json_token t = json_next(r);
        if (t == JSON_END || t == JSON_ERROR)
            return t;
    }
    abort();
}

/* The same on a copy of exactly n bytes, so that the sanitizer sees one byte read too many. */
static inline enum json_token walk_exact(struct json_reader *r, const char *text, size_t n) {
    char *copy = malloc(n == 0 ? 1 : n);
    enum json_token t;

    if (copy == NULL)
        abort();
    memcpy(copy, text, n);
    t = walk(r, n == 0 ? copy + 1 : copy, n);
    free(copy);
    return t;
}

/* Small, fast and the same everywhere: a failure can be repeated. */
static inline uint32_t random_next(uint64_t *state) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

#endif
