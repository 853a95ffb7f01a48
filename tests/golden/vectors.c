/* SPDX-License-Identifier: MIT */
/* See vectors.h. */
#include "vectors.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void vector_open(struct vector_reader *r, FILE *in, const char *name) {
    memset(r, 0, sizeof *r);
    r->in = in;
    r->name = name;
}

void vector_fail(struct vector_reader *r, const char *format, ...) {
    if (r->error[0] != '\0') {
        return;
    }
    int n =
        snprintf(r->error, sizeof r->error, "%s:%u: [%.80s] ", r->name, r->line_number, r->title);
    if (n < 0 || (size_t)n >= sizeof r->error) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(r->error + n, sizeof r->error - (size_t)n, format, arguments);
    va_end(arguments);
}

static void split_into_words(struct vector_reader *r) {
    char *at = r->text;
    r->words = 0;
    for (;;) {
        at += strspn(at, " \t\r\n");
        if (*at == '\0') {
            return;
        }
        if (r->words == VECTOR_WORDS_MAX) {
            vector_fail(r, "more than %d words", VECTOR_WORDS_MAX);
            return;
        }
        const bool quoted = *at == '"';
        at += quoted ? 1 : 0;
        r->word[r->words++] = at;
        at += strcspn(at, quoted ? "\"" : " \t\r\n");
        if (quoted && *at != '"') {
            vector_fail(r, "a quote that does not end");
            return;
        }
        if (*at != '\0') {
            *at++ = '\0';
        }
    }
}

static void start_vector(struct vector_reader *r) {
    r->vectors++;
    (void)snprintf(r->title, sizeof r->title, "%s", r->text + strcspn(r->text, " "));
    r->title[strcspn(r->title, "\r\n")] = '\0';
    memmove(r->title, r->title + strspn(r->title, " "),
            strlen(r->title + strspn(r->title, " ")) + 1);
}

bool vector_next(struct vector_reader *r) {
    while (r->error[0] == '\0' && fgets(r->text, sizeof r->text, r->in) != NULL) {
        r->line_number++;
        if (strchr(r->text, '\n') == NULL && !feof(r->in)) {
            vector_fail(r, "line longer than %d bytes", VECTOR_LINE_MAX - 2);
            return false;
        }
        const char *first = r->text + strspn(r->text, " \t\r\n");
        if (*first == '\0' || *first == '#') {
            continue;
        }
        if (strncmp(r->text, "vector ", 7) == 0) {
            start_vector(r);
        }
        split_into_words(r);
        if (r->vectors == 0) {
            vector_fail(r, "'%s' before the first vector", r->word[0]);
        }
        if (vector_is(r, "vector") && r->words < 2) {
            vector_fail(r, "a vector without a name");
        }
        return r->error[0] == '\0';
    }
    return false;
}

bool vector_is(const struct vector_reader *r, const char *keyword) {
    return r->words > 0 && strcmp(r->word[0], keyword) == 0;
}

int64_t vector_number(struct vector_reader *r, int index, int64_t min, int64_t max) {
    if (index >= r->words) {
        vector_fail(r, "word %d is missing: a number", index + 1);
        return 0;
    }
    char *end = NULL;
    errno = 0;
    const long long value = strtoll(r->word[index], &end, 0);
    if (errno != 0 || end == r->word[index] || *end != '\0') {
        vector_fail(r, "'%s' is not a number", r->word[index]);
        return 0;
    }
    if (value < min || value > max) {
        vector_fail(r, "%lld is not in %lld to %lld", value, (long long)min, (long long)max);
        return 0;
    }
    return value;
}

static int hex_digit(char c) {
    const char digits[] = "0123456789ABCDEF";
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    return at == NULL ? -1 : (int)(at - digits);
}

static int hex_byte(const char *word) {
    if (strlen(word) != 2 || hex_digit(word[0]) < 0 || hex_digit(word[1]) < 0) {
        return -1;
    }
    return 16 * hex_digit(word[0]) + hex_digit(word[1]);
}

size_t vector_bytes(struct vector_reader *r, int from, uint8_t *bytes, size_t cap) {
    size_t n = 0;
    for (int i = from; i < r->words; i++) {
        const int value = hex_byte(r->word[i]);
        if (value < 0 || n == cap) {
            vector_fail(r, value < 0 ? "'%s' is not a byte" : "too many bytes at '%s'", r->word[i]);
            return 0;
        }
        bytes[n++] = (uint8_t)value;
    }
    if (n == 0) {
        vector_fail(r, "bytes are missing");
    }
    return n;
}

/* One alternative, words [from, to). Every word is checked, whether or not an earlier one differs.
 */
static bool alternative_matches(struct vector_reader *r, int from, int to, bool sent,
                                const uint8_t data[8]) {
    if (to - from == 1 && strcmp(r->word[from], "none") == 0) {
        return !sent;
    }
    if (to - from != 8) {
        vector_fail(r, "a frame has 8 bytes, not %d", to - from);
        return false;
    }
    bool matches = sent;
    for (int i = 0; i < 8; i++) {
        const char *word = r->word[from + i];
        const int value = hex_byte(word);
        if (value < 0 && strcmp(word, "??") != 0) {
            vector_fail(r, "'%s' is not a byte", word);
            return false;
        }
        matches = matches && (value < 0 || value == data[i]);
    }
    return matches;
}

bool vector_frame_matches(struct vector_reader *r, int from, bool sent, const uint8_t data[8]) {
    bool matches = false;
    int start = from;
    for (int i = from; i <= r->words && r->error[0] == '\0'; i++) {
        if (i == r->words || strcmp(r->word[i], "|") == 0) {
            matches = alternative_matches(r, start, i, sent, data) || matches;
            start = i + 1;
        }
    }
    return matches && r->error[0] == '\0';
}

void vector_hex(const uint8_t *bytes, size_t n, char *out) {
    out[0] = '\0';
    for (size_t i = 0; i < n && i < 64; i++) {
        (void)snprintf(out + 3 * i, 4, "%02X ", bytes[i]);
    }
}
