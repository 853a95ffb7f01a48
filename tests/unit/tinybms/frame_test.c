/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "kinds.h"
#include "tinybms/crc.h"
#include "tinybms/frame.h"
#include "wire.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void the_crc_of_123456789_is_the_catalogue_value(void **state) {
    (void)state;
    /* check value of CRC-16/MODBUS in every catalogue of CRCs */
    assert_int_equal(tinybms_crc((const uint8_t *)"123456789", 9), 0x4B37);
    assert_int_equal(tinybms_crc(NULL, 0), 0xFFFF);
}

static void the_crc_agrees_with_its_definition_bit_by_bit(void **state) {
    (void)state;
    uint8_t bytes[300];
    uint32_t random = 7;
    for (size_t n = 0; n <= sizeof bytes; n++) {
        for (size_t i = 0; i < n; i++) {
            bytes[i] = (uint8_t)wire_random(&random);
        }
        assert_int_equal(tinybms_crc(bytes, n), wire_crc(bytes, n));
    }
}

/* The requests whose whole bytes the protocol text shows, and one from a public capture; the others
 * with the CRC of the test's own. */
static void every_request_has_the_bytes_of_the_document(void **state) {
    (void)state;
    struct tinybms_request rq;
    uint8_t want[TINYBMS_REQUEST_MAX];
    size_t n;
    static const uint16_t words[] = {4200, 2500}, addrs[] = {34, 35}, write_at[] = {300, 399};

    assert_int_equal(tinybms_build_read(&rq, 5, 5), GW_OK);
    n = wire_hex("AA 03 00 05 00 05 8C 13", want);
    assert_int_equal(rq.length, n);
    assert_memory_equal(rq.bytes, want, n);

    assert_int_equal(tinybms_build_write(&rq, 315, words, 2), GW_OK);
    n = wire_hex("AA 10 01 3B 00 02 04 10 68 09 C4 19 61", want);
    assert_int_equal(rq.length, n);
    assert_memory_equal(rq.bytes, want, n);

    assert_int_equal(tinybms_build_plain(&rq, TINYBMS_TEMPERATURES), GW_OK);
    n = wire_hex("AA 1B 3F 1B", want);
    assert_int_equal(rq.length, n);
    assert_memory_equal(rq.bytes, want, n);

    /* registers 34 and 35 as a capture shows them */
    assert_int_equal(tinybms_build_read_each(&rq, addrs, 2), GW_OK);
    n = wire_hex("AA 09 04 22 00 23 00 F3 1B", want);
    assert_int_equal(rq.length, n);
    assert_memory_equal(rq.bytes, want, n);

    assert_int_equal(tinybms_build_read_block(&rq, 300, 44), GW_OK);
    n = wire_seal(want, wire_hex("AA 07 2C 2C 01", want));
    assert_int_equal(rq.length, n);
    assert_memory_equal(rq.bytes, want, n);

    assert_int_equal(tinybms_build_write_block(&rq, 315, words, 2), GW_OK);
    n = wire_seal(want, wire_hex("AA 0B 06 3B 01 68 10 C4 09", want));
    assert_int_equal(rq.length, n);
    assert_memory_equal(rq.bytes, want, n);

    assert_int_equal(tinybms_build_write_each(&rq, write_at, words, 2), GW_OK);
    n = wire_seal(want, wire_hex("AA 0D 08 2C 01 68 10 8F 01 C4 09", want));
    assert_int_equal(rq.length, n);
    assert_memory_equal(rq.bytes, want, n);

    assert_int_equal(tinybms_build_reset(&rq, TINYBMS_RESTART), GW_OK);
    n = wire_seal(want, wire_hex("AA 02 05", want));
    assert_int_equal(rq.length, n);
    assert_memory_equal(rq.bytes, want, n);

    assert_int_equal(tinybms_build_settings_limits(&rq, TINYBMS_LIMITS_MAX, 44), GW_OK);
    n = wire_seal(want, wire_hex("AA 1D 02 00 2C", want));
    assert_int_equal(rq.length, n);
    assert_memory_equal(rq.bytes, want, n);
}

static void plain_requests_are_the_command_and_its_crc(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint8_t command;
        const char *bytes; /* as seen in public captures of working programs */
    } cases[] = {
        {"newest events", TINYBMS_EVENTS_NEWEST, "AA 11 BF 1C"},
        {"max cell", TINYBMS_MAX_CELL, "AA 16 FE DE"},
        {"min cell", TINYBMS_MIN_CELL, "AA 17 3F 1E"},
        {"status", TINYBMS_ONLINE_STATUS, "AA 18 7F 1A"},
        {"state of charge", TINYBMS_STATE_OF_CHARGE, "AA 1A FE DB"},
        {"temperatures", TINYBMS_TEMPERATURES, "AA 1B 3F 1B"},
        {"speed", TINYBMS_SPEED, "AA 20 7E C8"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tinybms_request rq;
        uint8_t want[8];
        size_t n = wire_hex(cases[i].bytes, want);
        assert_int_equal(tinybms_build_plain(&rq, cases[i].command), GW_OK);
        assert_int_equal(rq.length, n);
        assert_memory_equal(rq.bytes, want, n);
    }
    static const uint8_t not_plain[] = {0x00, 0x01, 0x02, 0x03, 0x07, 0x09, 0x0B,
                                        0x0D, 0x10, 0x13, 0x1D, 0x21, 0xAA, 0xFF};
    for (size_t i = 0; i < COUNT(not_plain); i++) {
        struct tinybms_request rq;
        assert_int_equal(tinybms_build_plain(&rq, not_plain[i]), GW_ERR_UNKNOWN);
    }
}

static void a_request_outside_its_range_is_refused(void **state) {
    (void)state;
    struct tinybms_request rq;
    static const uint16_t words[128] = {0};
    static const uint16_t inside[] = {300, 399}, outside[] = {300, 400}, below[] = {299};
    assert_int_equal(tinybms_build_read(&rq, 0, 0), GW_ERR_RANGE);
    assert_int_equal(tinybms_build_read(&rq, 0, 127), GW_OK);
    assert_int_equal(tinybms_build_read(&rq, 0, 128), GW_ERR_RANGE);
    assert_int_equal(tinybms_build_read(&rq, 65535, 1), GW_OK);
    assert_int_equal(tinybms_build_read(&rq, 65535, 2), GW_ERR_RANGE);
    assert_int_equal(tinybms_build_read_block(&rq, 0, 128), GW_ERR_RANGE);
    assert_int_equal(tinybms_build_read_each(&rq, words, 0), GW_ERR_RANGE);
    assert_int_equal(tinybms_build_read_each(&rq, words, 63), GW_OK);
    assert_int_equal(tinybms_build_read_each(&rq, words, 64), GW_ERR_RANGE);
    assert_int_equal(tinybms_build_write(&rq, 300, words, 100), GW_OK);
    assert_int_equal(rq.length, TINYBMS_REQUEST_MAX);
    assert_int_equal(tinybms_build_write(&rq, 301, words, 100), GW_ERR_RANGE);
    assert_int_equal(tinybms_build_write(&rq, 299, words, 1), GW_ERR_RANGE);
    assert_int_equal(tinybms_build_write(&rq, 399, words, 1), GW_OK);
    assert_int_equal(tinybms_build_write(&rq, 399, words, 2), GW_ERR_RANGE);
    assert_int_equal(tinybms_build_write(&rq, 300, words, 0), GW_ERR_RANGE);
    assert_int_equal(tinybms_build_write_block(&rq, 299, words, 1), GW_ERR_RANGE);
    assert_int_equal(tinybms_build_write_each(&rq, inside, words, 2), GW_OK);
    assert_int_equal(tinybms_build_write_each(&rq, outside, words, 2), GW_ERR_RANGE);
    assert_int_equal(tinybms_build_write_each(&rq, below, words, 1), GW_ERR_RANGE);
    assert_int_equal(tinybms_build_write_each(&rq, inside, words, 51), GW_ERR_RANGE);
    for (unsigned option = 0; option < 256; option++) {
        bool reset = option == 1 || option == 2 || option == 5;
        bool limits = option >= 1 && option <= 4;
        assert_int_equal(tinybms_build_reset(&rq, (uint8_t)option), reset ? GW_OK : GW_ERR_RANGE);
        assert_int_equal(tinybms_build_settings_limits(&rq, (uint8_t)option, 1),
                         limits ? GW_OK : GW_ERR_RANGE);
    }
    assert_int_equal(tinybms_build_settings_limits(&rq, 1, 100), GW_OK);
    assert_int_equal(tinybms_build_settings_limits(&rq, 1, 101), GW_ERR_RANGE);
    assert_int_equal(tinybms_build_settings_limits(&rq, 1, 0), GW_ERR_RANGE);
}

static void a_good_reply_of_every_kind_matches_its_own_request_only(void **state) {
    (void)state;
    static struct kind kinds[KINDS_MAX];
    size_t n = kinds_all(kinds);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            bool same_command = kinds[i].request.command == kinds[j].request.command;
            enum tinybms_match m =
                tinybms_match(&kinds[i].request, kinds[j].reply, kinds[j].length);
            if (i == j) {
                assert_int_equal(m, TINYBMS_MATCH_REPLY);
            } else if (!same_command) {
                assert_int_equal(m, TINYBMS_MATCH_NONE);
            }
        }
    }
}

static void every_single_bit_flip_of_every_kind_is_refused(void **state) {
    (void)state;
    static struct kind kinds[KINDS_MAX];
    size_t n = kinds_all(kinds);
    for (size_t i = 0; i < n; i++) {
        struct kind *k = &kinds[i];
        for (size_t bit = 0; bit < 8 * k->length; bit++) {
            k->reply[bit / 8] ^= (uint8_t)(1u << bit % 8);
            enum tinybms_match m = tinybms_match(&k->request, k->reply, k->length);
            assert_true(m == TINYBMS_MATCH_NONE || m == TINYBMS_MATCH_BAD_CRC);
            k->reply[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        uint8_t nack[6] = {0xAA, 0x00, k->request.command, 0x00};
        assert_int_equal(wire_seal(nack, 4), sizeof nack);
        for (size_t bit = 0; bit < 8 * sizeof nack; bit++) {
            nack[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_not_equal(tinybms_match(&k->request, nack, 6), TINYBMS_MATCH_NACK);
            assert_int_not_equal(tinybms_match(&k->request, nack, 6), TINYBMS_MATCH_REPLY);
            nack[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}

static void a_reply_cut_short_or_lengthened_does_not_match(void **state) {
    (void)state;
    static struct kind kinds[KINDS_MAX];
    size_t n = kinds_all(kinds);
    for (size_t i = 0; i < n; i++) {
        struct kind *k = &kinds[i];
        size_t min, max;
        tinybms_reply_length(&k->request, &min, &max);
        assert_in_range(k->length, min, max);
        assert_true(max <= TINYBMS_REPLY_MAX);
        for (size_t cut = 0; cut < k->length; cut++) {
            assert_int_not_equal(tinybms_match(&k->request, k->reply, cut), TINYBMS_MATCH_REPLY);
            assert_true(cut == 0 || tinybms_reply_begins(&k->request, k->reply, cut));
        }
        uint8_t longer[TINYBMS_REPLY_MAX + 1] = {0};
        memcpy(longer, k->reply, k->length);
        assert_int_not_equal(tinybms_match(&k->request, longer, k->length + 1),
                             TINYBMS_MATCH_REPLY);
    }
}

static void a_nack_tells_its_code_to_its_own_command_only(void **state) {
    (void)state;
    struct tinybms_request read, reset;
    uint8_t bytes[8], code = 9;
    assert_int_equal(tinybms_build_read(&read, 0, 54), GW_OK);
    assert_int_equal(tinybms_build_reset(&reset, 1), GW_OK);
    size_t n = wire_seal(bytes, wire_hex("AA 00 03 01", bytes));
    assert_int_equal(tinybms_match(&read, bytes, n), TINYBMS_MATCH_NACK);
    assert_int_equal(tinybms_parse_nack(&read, bytes, n, &code), GW_OK);
    assert_int_equal(code, 1);
    assert_int_equal(tinybms_parse_nack(&reset, bytes, n, &code), GW_ERR_SYNTAX);
}

static void the_worked_examples_of_the_document_are_understood(void **state) {
    (void)state;
    struct tinybms_request rq;
    uint8_t bytes[64];
    uint16_t words[8];
    int16_t dc[3];
    static const uint16_t written[] = {4200, 2500};

    /* registers 5-9: 0x9740 = 38720 and 0x972C = 38700, in 0.1 mV */
    size_t n = wire_hex("AA 03 0A 97 40 97 40 97 2C 97 2C 97 2C 3E C7", bytes);
    assert_int_equal(tinybms_build_read(&rq, 5, 5), GW_OK);
    assert_int_equal(tinybms_parse_words(&rq, bytes, n, words, 8), 5);
    static const uint16_t cells[] = {38720, 38720, 38700, 38700, 38700};
    assert_memory_equal(words, cells, sizeof cells);

    n = wire_hex("AA 10 01 3B 00 02 28 22", bytes);
    assert_int_equal(tinybms_build_write(&rq, 315, written, 2), GW_OK);
    assert_int_equal(tinybms_match(&rq, bytes, n), TINYBMS_MATCH_REPLY);

    /* 27.8, 27.6, 27.8 degC */
    n = wire_hex("AA 1B 06 16 01 14 01 16 01 0E 4E", bytes);
    assert_int_equal(tinybms_build_plain(&rq, TINYBMS_TEMPERATURES), GW_OK);
    assert_int_equal(tinybms_parse_temperatures(&rq, bytes, n, dc), GW_OK);
    assert_int_equal(dc[0], 278);
    assert_int_equal(dc[1], 276);
    assert_int_equal(dc[2], 278);
}

static const struct kind *find(const struct kind *kinds, size_t n, const char *what) {
    for (size_t i = 0; i < n; i++) {
        if (strcmp(kinds[i].what, what) == 0) {
            return &kinds[i];
        }
    }
    fail_msg("no kind %s", what);
    return NULL;
}

static void words_of_every_kind_come_in_order(void **state) {
    (void)state;
    static struct kind kinds[KINDS_MAX];
    size_t n = kinds_all(kinds);
    static const struct {
        const char *what;
        int count;
        uint16_t first, last;
    } cases[] = {
        {"0x03, one", 1, 4150, 4150},
        {"0x07, one packet", 2, 3970, 3990}, /* LE: 82 0F = 0x0F82, 96 0F = 0x0F96 */
        {"0x07, three packets from 0", 100, 0x1200, 0x1263},
        {"0x07, three packets from 1", 100, 0x1200, 0x1263},
        {"0x09", 2, 3972, 3986}, /* 84 0F, 92 0F */
        {"0x1C", 4, 39710, 39730},
        {"0x1D", 2, 1200, 1000},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct kind *k = find(kinds, n, cases[i].what);
        uint16_t words[TINYBMS_READ_MAX];
        int count = tinybms_parse_words(&k->request, k->reply, k->length, words, 127);
        assert_int_equal(count, cases[i].count);
        assert_int_equal(words[0], cases[i].first);
        assert_int_equal(words[count - 1], cases[i].last);
        assert_int_equal(
            tinybms_parse_words(&k->request, k->reply, k->length, words, (size_t)count - 1),
            GW_ERR_SPACE);
    }
}

static void packets_out_of_order_are_refused(void **state) {
    (void)state;
    static struct kind kinds[KINDS_MAX];
    size_t n = kinds_all(kinds);
    struct kind k = *find(kinds, n, "0x07, three packets from 0");
    /* packets of 40, 40 and 20 words: 85, 85 and 45 bytes */
    uint8_t swapped[TINYBMS_REPLY_MAX];
    memcpy(swapped, k.reply + 85, 85);
    memcpy(swapped + 85, k.reply, 85);
    memcpy(swapped + 170, k.reply + 170, 45);
    assert_int_equal(tinybms_match(&k.request, swapped, 215), TINYBMS_MATCH_NONE);
    memcpy(swapped, k.reply, 85); /* the first twice */
    assert_int_equal(tinybms_match(&k.request, swapped, 215), TINYBMS_MATCH_NONE);
    assert_int_equal(tinybms_match(&k.request, k.reply + 85, 130), TINYBMS_MATCH_NONE);
    uint8_t *alone = malloc(85); /* nothing behind it that may be read */
    assert_non_null(alone);
    memcpy(alone, k.reply, 85);
    assert_int_equal(tinybms_match(&k.request, alone, 85), TINYBMS_MATCH_NONE);
    free(alone);
}

static void an_individual_read_with_another_address_is_refused(void **state) {
    (void)state;
    struct tinybms_request rq;
    static const uint16_t addrs[] = {40, 41};
    uint8_t bytes[32];
    assert_int_equal(tinybms_build_read_each(&rq, addrs, 2), GW_OK);
    size_t n = wire_seal(bytes, wire_hex("AA 09 08 28 00 84 0F 2A 00 92 0F", bytes));
    assert_int_equal(tinybms_match(&rq, bytes, n), TINYBMS_MATCH_NONE);
}

static void events_come_with_the_clock_of_the_bms(void **state) {
    (void)state;
    static struct kind kinds[KINDS_MAX];
    size_t n = kinds_all(kinds);
    struct battery_event e[4];
    uint32_t clock = 0;
    const struct kind *k = find(kinds, n, "0x11, two");
    assert_int_equal(tinybms_parse_events(&k->request, k->reply, k->length, &clock, e, 4), 2);
    assert_int_equal(clock, 0x00D6F8D0);
    assert_int_equal(e[0].at_s, 0xB94E2B);
    assert_int_equal(e[0].id, 0x64);
    assert_int_equal(e[1].at_s, 0x001226);
    assert_int_equal(e[1].id, 0x65);
    assert_int_equal(tinybms_parse_events(&k->request, k->reply, k->length, &clock, e, 1),
                     GW_ERR_SPACE);
    k = find(kinds, n, "0x11, none");
    assert_int_equal(tinybms_parse_events(&k->request, k->reply, k->length, &clock, e, 0), 0);
    k = find(kinds, n, "0x12, one");
    assert_int_equal(tinybms_parse_events(&k->request, k->reply, k->length, &clock, e, 4), 1);
    assert_int_equal(e[0].id, 0x62);
}

static void single_values_are_read_with_their_width_and_scale(void **state) {
    (void)state;
    static struct kind kinds[KINDS_MAX];
    size_t n = kinds_all(kinds);
    int32_t milli = 0;
    uint32_t number = 0, distance = 0, time_left = 0;
    const struct kind *k = find(kinds, n, "0x14"); /* 0x425EB53F = 55.67700... V */
    assert_int_equal(tinybms_parse_milli(&k->request, k->reply, k->length, &milli), GW_OK);
    assert_int_equal(milli, 55677);
    k = find(kinds, n, "0x15"); /* 0xC1200000 = -10.0 A */
    assert_int_equal(tinybms_parse_milli(&k->request, k->reply, k->length, &milli), GW_OK);
    assert_int_equal(milli, -10000);
    static const struct {
        const char *what;
        uint32_t value;
    } cases[] = {
        {"0x16", 3986}, {"0x17", 3972}, {"0x18", 0x97}, {"0x19", 14088400}, {"0x1A", 80587318},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        k = find(kinds, n, cases[i].what);
        assert_int_equal(tinybms_parse_number(&k->request, k->reply, k->length, &number), GW_OK);
        assert_int_equal(number, cases[i].value);
    }
    k = find(kinds, n, "0x20"); /* 0x41C80000 = 25.0 km/h */
    assert_int_equal(
        tinybms_parse_speed(&k->request, k->reply, k->length, &milli, &distance, &time_left),
        GW_OK);
    assert_int_equal(milli, 25000);
    assert_int_equal(distance, 10);
    assert_int_equal(time_left, 0x0266D51C);
}

static void versions_are_read_short_and_extended(void **state) {
    (void)state;
    static struct kind kinds[KINDS_MAX];
    size_t n = kinds_all(kinds);
    struct tinybms_version v;
    const struct kind *k = find(kinds, n, "0x1E");
    assert_int_equal(tinybms_parse_version(&k->request, k->reply, k->length, &v), GW_OK);
    assert_int_equal(v.hardware, 2);
    assert_int_equal(v.hardware_changes, 1);
    assert_int_equal(v.firmware_public, 1);
    assert_int_equal(v.firmware_internal, 242);
    assert_false(v.extended);
    k = find(kinds, n, "0x1F");
    assert_int_equal(tinybms_parse_version(&k->request, k->reply, k->length, &v), GW_OK);
    assert_true(v.extended);
    assert_int_equal(v.bootloader, 0x18);
    assert_int_equal(v.register_map, 4);
}

static void no_parser_takes_a_reply_of_another_command(void **state) {
    (void)state;
    static struct kind kinds[KINDS_MAX];
    size_t n = kinds_all(kinds);
    for (size_t i = 0; i < n; i++) {
        const struct kind *k = &kinds[i];
        uint8_t command = k->request.command, code;
        uint16_t words[TINYBMS_READ_MAX];
        struct battery_event e[63];
        int32_t milli;
        uint32_t a, b;
        int16_t dc[3];
        struct tinybms_version v;
        const struct tinybms_request *rq = &k->request;
        bool has_words = command == 0x03 || command == 0x07 || command == 0x09 || command == 0x1C ||
                         command == 0x1D;
        assert_int_equal(tinybms_parse_words(rq, k->reply, k->length, words, 127) >= 0, has_words);
        assert_int_equal(tinybms_parse_events(rq, k->reply, k->length, &a, e, 63) >= 0,
                         command == 0x11 || command == 0x12);
        assert_int_equal(tinybms_parse_milli(rq, k->reply, k->length, &milli) == GW_OK,
                         command == 0x14 || command == 0x15);
        assert_int_equal(tinybms_parse_number(rq, k->reply, k->length, &a) == GW_OK,
                         command >= 0x16 && command <= 0x1A);
        assert_int_equal(tinybms_parse_temperatures(rq, k->reply, k->length, dc) == GW_OK,
                         command == 0x1B);
        assert_int_equal(tinybms_parse_version(rq, k->reply, k->length, &v) == GW_OK,
                         command == 0x1E || command == 0x1F);
        assert_int_equal(tinybms_parse_speed(rq, k->reply, k->length, &milli, &a, &b) == GW_OK,
                         command == 0x20);
        assert_int_equal(tinybms_parse_nack(rq, k->reply, k->length, &code), GW_ERR_SYNTAX);
    }
}

static void floats_become_thousandths_or_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint32_t bits;
        bool ok;
        int32_t milli;
    } cases[] = {
        {"zero", 0x00000000, true, 0},
        {"minus zero", 0x80000000, true, 0},
        {"smallest denormal", 0x00000001, true, 0},
        {"1", 0x3F800000, true, 1000},
        {"-1", 0xBF800000, true, -1000},
        {"0.5", 0x3F000000, true, 500},
        {"2^-11 = 0.00048828125: under half of a thousandth", 0x3A000000, true, 0},
        {"0.0005 is stored as 0.000500000024: rounds up", 0x3A03126F, true, 1},
        {"the float below: 0.00049999997", 0x3A03126E, true, 0},
        {"0.0625 = 62.5 thousandths: half, up", 0x3D800000, true, 63},
        {"-0.0625: half, away from zero", 0xBD800000, true, -63},
        {"0.1875 = 187.5 thousandths", 0x3E400000, true, 188},
        {"55.677", 0x425EB53F, true, 55677},
        {"55.78", 0x425F1EB8, true, 55780},
        {"-2000", 0xC4FA0000, true, -2000000},
        {"2097152 = 2^21: 2097152000 thousandths", 0x4A000000, true, 2097152000},
        {"2147483.5", 0x4A03126E, true, 2147483500},
        {"2147483.75: over 2^31 - 1 thousandths", 0x4A03126F, false, 0},
        {"8388608 = 2^23", 0x4B000000, false, 0},
        {"greatest", 0x7F7FFFFF, false, 0},
        {"infinity", 0x7F800000, false, 0},
        {"minus infinity", 0xFF800000, false, 0},
        {"quiet NaN", 0x7FC00000, false, 0},
        {"signalling NaN", 0x7F800001, false, 0},
        {"all ones", 0xFFFFFFFF, false, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int32_t milli = 12345;
        bool ok = tinybms_f32_milli(cases[i].bits, &milli);
        if (ok != cases[i].ok || milli != (ok ? cases[i].milli : 12345)) {
            fail_msg("%s: %d %d", cases[i].what, ok, (int)milli);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_crc_of_123456789_is_the_catalogue_value),
        cmocka_unit_test(the_crc_agrees_with_its_definition_bit_by_bit),
        cmocka_unit_test(every_request_has_the_bytes_of_the_document),
        cmocka_unit_test(plain_requests_are_the_command_and_its_crc),
        cmocka_unit_test(a_request_outside_its_range_is_refused),
        cmocka_unit_test(a_good_reply_of_every_kind_matches_its_own_request_only),
        cmocka_unit_test(every_single_bit_flip_of_every_kind_is_refused),
        cmocka_unit_test(a_reply_cut_short_or_lengthened_does_not_match),
        cmocka_unit_test(a_nack_tells_its_code_to_its_own_command_only),
        cmocka_unit_test(the_worked_examples_of_the_document_are_understood),
        cmocka_unit_test(words_of_every_kind_come_in_order),
        cmocka_unit_test(packets_out_of_order_are_refused),
        cmocka_unit_test(an_individual_read_with_another_address_is_refused),
        cmocka_unit_test(events_come_with_the_clock_of_the_bms),
        cmocka_unit_test(single_values_are_read_with_their_width_and_scale),
        cmocka_unit_test(versions_are_read_short_and_extended),
        cmocka_unit_test(no_parser_takes_a_reply_of_another_command),
        cmocka_unit_test(floats_become_thousandths_or_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
