/* SPDX-License-Identifier: MIT */
/* tinybms/: requests and replies as bytes, and what a reply says. Besides what a vector states,
 * every reply is tried cut short at each length and with each single bit turned over: none of these
 * may be taken for an answer. */
#include "golden.h"

#include <string.h>

#include "tinybms/frame.h"

enum { WORDS_MAX = 128, EVENTS_MAX = BATTERY_EVENTS_MAX };

struct exchange {
    struct tinybms_request request;
    bool requested;
    uint8_t reply[TINYBMS_REPLY_MAX];
    size_t reply_length;
};

static uint16_t number_u16(struct vector_reader *r, int index) {
    return (uint16_t)vector_number(r, index, 0, UINT16_MAX);
}

static void take_request(struct vector_reader *r, struct exchange *x) {
    const uint8_t command = (uint8_t)vector_number(r, 1, 0, UINT8_MAX);
    uint16_t number[VECTOR_WORDS_MAX] = {0};
    const int given = r->words - 2;
    for (int i = 0; i < given; i++) {
        number[i] = number_u16(r, i + 2);
    }
    const uint16_t n = (uint16_t)(given > 0 ? given - 1 : 0); /* words after an address */
    int result;
    switch (command) {
    case TINYBMS_READ:
        result = tinybms_build_read(&x->request, number[0], number[1]);
        break;
    case TINYBMS_READ_BLOCK:
        result = tinybms_build_read_block(&x->request, number[0], number[1]);
        break;
    case TINYBMS_READ_EACH:
        result = tinybms_build_read_each(&x->request, number, (uint16_t)given);
        break;
    case TINYBMS_WRITE:
        result = tinybms_build_write(&x->request, number[0], number + 1, n);
        break;
    case TINYBMS_WRITE_BLOCK:
        result = tinybms_build_write_block(&x->request, number[0], number + 1, n);
        break;
    case TINYBMS_WRITE_EACH:
        result = tinybms_build_write_each(&x->request, number, number + 1, 1);
        break;
    case TINYBMS_RESET:
        result = tinybms_build_reset(&x->request, (uint8_t)number[0]);
        break;
    case TINYBMS_SETTINGS_LIMITS:
        result = tinybms_build_settings_limits(&x->request, (uint8_t)number[0], number[1]);
        break;
    default:
        result = tinybms_build_plain(&x->request, command);
        break;
    }
    if (result != 0) {
        vector_fail(r, "the request was refused: %d", result);
    }
    x->requested = true;
}

static void check_wire(struct vector_reader *r, const struct exchange *x) {
    uint8_t expected[TINYBMS_REQUEST_MAX];
    char got[3 * 64 + 1];
    const size_t n = vector_bytes(r, 1, expected, sizeof expected);
    if (!x->requested || x->request.length != n || memcmp(x->request.bytes, expected, n) != 0) {
        vector_hex(x->request.bytes, x->requested ? x->request.length : 0, got);
        vector_fail(r, "got %s", got);
    }
}

static void check_damaged_replies(struct vector_reader *r, const struct exchange *x) {
    uint8_t damaged[TINYBMS_REPLY_MAX];
    for (size_t n = 0; n < x->reply_length; n++) {
        const enum tinybms_match match = tinybms_match(&x->request, x->reply, n);
        if (match == TINYBMS_MATCH_REPLY || match == TINYBMS_MATCH_NACK) {
            vector_fail(r, "the first %zu bytes alone were taken for an answer", n);
        }
    }
    for (size_t bit = 0; bit < 8 * x->reply_length; bit++) {
        memcpy(damaged, x->reply, x->reply_length);
        damaged[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        const enum tinybms_match match = tinybms_match(&x->request, damaged, x->reply_length);
        if (match == TINYBMS_MATCH_REPLY || match == TINYBMS_MATCH_NACK) {
            vector_fail(r, "byte %zu with bit %zu turned over was taken for an answer", bit / 8,
                        bit % 8);
        }
    }
}

static void check_length(struct vector_reader *r, const struct exchange *x) {
    size_t min = 0;
    size_t max = 0;
    tinybms_reply_length(&x->request, &min, &max);
    if (x->reply_length < min || x->reply_length > max) {
        vector_fail(r, "%zu bytes; %zu to %zu were expected", x->reply_length, min, max);
    }
    if (!tinybms_reply_begins(&x->request, x->reply, x->reply_length - 1)) {
        vector_fail(r, "all but the last byte is not seen as the beginning of a reply");
    }
}

static void take_reply(struct vector_reader *r, struct exchange *x) {
    x->reply_length = vector_bytes(r, 1, x->reply, sizeof x->reply);
    if (!x->requested) {
        vector_fail(r, "a reply to no request");
        return;
    }
    check_damaged_replies(r, x);
}

static bool same_i64(struct vector_reader *r, int index, int64_t got) {
    const int64_t expected = vector_number(r, index, INT32_MIN, UINT32_MAX);
    if (expected != got) {
        vector_fail(r, "expected %lld, got %lld", (long long)expected, (long long)got);
    }
    return expected == got;
}

static void expect_result(struct vector_reader *r, const char *what, int expected, int got) {
    if (expected != got) {
        vector_fail(r, "%s: expected %d, got %d", what, expected, got);
    }
}

/* first: where the values begin among the words; step: how far they are apart. */
static void check_words(struct vector_reader *r, const struct exchange *x, int first, int step) {
    uint16_t word[WORDS_MAX];
    const int expected = (r->words - first + step - 1) / step;
    const int got = tinybms_parse_words(&x->request, x->reply, x->reply_length, word, WORDS_MAX);
    expect_result(r, "number of words", expected, got);
    for (int i = 0; i < got && i < expected; i++) {
        (void)same_i64(r, first + i * step, word[i]);
    }
}

static void check_events(struct vector_reader *r, const struct exchange *x) {
    struct battery_event event[EVENTS_MAX];
    uint32_t now_s = 0;
    const int expected = (r->words - 3) / 2;
    const int got =
        tinybms_parse_events(&x->request, x->reply, x->reply_length, &now_s, event, EVENTS_MAX);
    expect_result(r, "number of events", expected, got);
    (void)same_i64(r, 2, now_s);
    for (int i = 0; i < got && i < expected; i++) {
        (void)same_i64(r, 3 + 2 * i, event[i].at_s);
        (void)same_i64(r, 4 + 2 * i, event[i].id);
    }
}

static void check_version(struct vector_reader *r, const struct exchange *x) {
    struct tinybms_version v;
    memset(&v, 0, sizeof v);
    expect_result(r, "version", 0,
                  tinybms_parse_version(&x->request, x->reply, x->reply_length, &v));
    const int64_t got[] = {v.hardware,          v.hardware_changes, v.firmware_public,
                           v.firmware_internal, v.bootloader,       v.register_map};
    expect_result(r, "numbers of a version", v.extended ? 6 : 4, r->words - 2);
    for (int i = 0; i + 2 < r->words && i < 6; i++) {
        (void)same_i64(r, i + 2, got[i]);
    }
}

static void check_temperatures(struct vector_reader *r, const struct exchange *x) {
    int16_t dc[3] = {0, 0, 0};
    const int result = tinybms_parse_temperatures(&x->request, x->reply, x->reply_length, dc);
    expect_result(r, "temperatures", 0, result);
    for (int i = 0; i < 3; i++) {
        (void)same_i64(r, i + 2, dc[i]);
    }
}

static void check_speed(struct vector_reader *r, const struct exchange *x) {
    int32_t milli = 0;
    uint32_t distance = 0;
    uint32_t time_s = 0;
    const int result =
        tinybms_parse_speed(&x->request, x->reply, x->reply_length, &milli, &distance, &time_s);
    expect_result(r, "speed", 0, result);
    (void)(same_i64(r, 2, milli) && same_i64(r, 3, distance) && same_i64(r, 4, time_s));
}

static void check_milli(struct vector_reader *r, const struct exchange *x) {
    int32_t milli = 0;
    const int result = tinybms_parse_milli(&x->request, x->reply, x->reply_length, &milli);
    expect_result(r, "float", 0, result);
    (void)same_i64(r, 2, milli);
}

static void check_number(struct vector_reader *r, const struct exchange *x) {
    uint32_t number = 0;
    const int result = tinybms_parse_number(&x->request, x->reply, x->reply_length, &number);
    expect_result(r, "number", 0, result);
    (void)same_i64(r, 2, number);
}

static void check_nack(struct vector_reader *r, const struct exchange *x) {
    uint8_t code = 0xEE;
    const int result = tinybms_parse_nack(&x->request, x->reply, x->reply_length, &code);
    expect_result(r, "refusal", 0, result);
    (void)(same_i64(r, 2, x->request.command) && same_i64(r, 3, code));
}

static void check_meaning(struct vector_reader *r, const struct exchange *x) {
    if (r->words < 3 || x->reply_length == 0) {
        vector_fail(r, "means KIND VALUE... after a reply expected");
        return;
    }
    const char *kind = r->word[1];
    const bool refused = strcmp(kind, "nack") == 0;
    expect_result(r, "match", refused ? (int)TINYBMS_MATCH_NACK : (int)TINYBMS_MATCH_REPLY,
                  (int)tinybms_match(&x->request, x->reply, x->reply_length));
    if (refused) {
        check_nack(r, x);
        return;
    }
    check_length(r, x);
    if (strcmp(kind, "words") == 0) {
        check_words(r, x, 2, 1);
    } else if (strcmp(kind, "pairs") == 0) {
        check_words(r, x, 3, 2);
    } else if (strcmp(kind, "written") == 0) {
        (void)(same_i64(r, 2, x->request.addr) && same_i64(r, 3, x->request.count));
    } else if (strcmp(kind, "ack") == 0) {
        (void)same_i64(r, 2, x->request.command);
    } else if (strcmp(kind, "milli") == 0) {
        check_milli(r, x);
    } else if (strcmp(kind, "number") == 0) {
        check_number(r, x);
    } else if (strcmp(kind, "temperatures") == 0) {
        check_temperatures(r, x);
    } else if (strcmp(kind, "events") == 0) {
        check_events(r, x);
    } else if (strcmp(kind, "version") == 0) {
        check_version(r, x);
    } else if (strcmp(kind, "speed") == 0) {
        check_speed(r, x);
    } else {
        vector_fail(r, "unknown kind '%s'", kind);
    }
}

void tinybms_vectors_run(struct vector_reader *r) {
    static struct exchange x;
    unsigned checks = 1;
    while (vector_next(r)) {
        if (vector_is(r, "vector")) {
            if (checks == 0) {
                vector_fail(r, "the vector before this one expects nothing");
            }
            memset(&x, 0, sizeof x);
            checks = 0;
        } else if (vector_is(r, "request")) {
            take_request(r, &x);
        } else if (vector_is(r, "wire")) {
            check_wire(r, &x);
            checks++;
        } else if (vector_is(r, "reply")) {
            take_reply(r, &x);
        } else if (vector_is(r, "means")) {
            check_meaning(r, &x);
            checks++;
        } else {
            vector_fail(r, "unknown keyword '%s'", r->word[0]);
        }
    }
    if (checks == 0) {
        vector_fail(r, "the last vector expects nothing");
    }
}
