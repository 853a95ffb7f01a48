/* SPDX-License-Identifier: MIT */
/* How long a good reply is, from how many bytes on it can be told from anything else, and the
 * longest and shortest ones. Lengths are those of the protocol's table of frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tinybms/frame.h"
#include "tinybms/image.h"
#include "wire.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void a_reply_is_as_long_as_its_table_says(void **state) {
    (void)state;
    static const struct {
        uint8_t command;
        uint16_t count;
        size_t min, max;
    } cases[] = {
        {0x02, 0, 5, 5},      /* AA 01 02 crc */
        {0x03, 54, 113, 113}, /* AA 03 len, 108 bytes, crc */
        {0x03, 127, 259, 259}, {0x07, 5, 15, TINYBMS_REPLY_MAX},
        {0x09, 3, 17, 17}, /* 4 bytes each */
        {0x0B, 2, 5, 5},       {0x0D, 2, 5, 5},
        {0x10, 2, 8, 8},   /* AA 10 addr 00 n crc */
        {0x11, 0, 9, 257}, /* the clock alone; 252 bytes are the most that 4 each allow */
        {0x12, 0, 9, 257},     {0x14, 0, 8, 8},
        {0x15, 0, 8, 8},       {0x16, 0, 6, 6},
        {0x17, 0, 6, 6},       {0x18, 0, 6, 6},
        {0x19, 0, 8, 8},       {0x1A, 0, 8, 8},
        {0x1B, 0, 11, 11},     {0x1C, 0, 7, 37}, /* 1 to 16 cells */
        {0x1D, 10, 25, 25},    {0x1E, 0, 10, 10},
        {0x1F, 0, 12, 12},     {0x20, 0, 16, 16},
        {0x13, 0, 0, 0}, /* no command of the protocol */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct tinybms_request rq = {.command = cases[i].command, .count = cases[i].count};
        size_t min = 77, max = 77;
        tinybms_reply_length(&rq, &min, &max);
        if (min != cases[i].min || max != cases[i].max) {
            fail_msg("0x%02X: %u to %u", cases[i].command, (unsigned)min, (unsigned)max);
        }
    }
}

static void a_beginning_is_told_from_anything_else_as_soon_as_it_can(void **state) {
    (void)state;
    static const struct {
        const char *what, *bytes;
        uint8_t command;
        uint16_t addr, count;
        size_t shown;
        bool begins;
    } cases[] = {
        {"nothing", "AA 03 02", 0x03, 300, 1, 0, false},
        {"a head", "AA 03 02", 0x03, 300, 1, 1, true},
        {"no head", "AB 03 02", 0x03, 300, 1, 1, false},
        {"another command", "AA 04 02", 0x03, 300, 1, 2, false},
        {"the command", "AA 03 04", 0x03, 300, 1, 2, true},
        {"another length", "AA 03 04", 0x03, 300, 1, 3, false},
        {"the length", "AA 03 02", 0x03, 300, 1, 3, true},
        {"an ACK of another command", "AA 01 0B", 0x02, 1, 0, 3, false},
        {"an ACK", "AA 01 02", 0x02, 1, 0, 3, true},
        {"the echo as far as it is there", "AA 10 01 FF FF FF", 0x10, 300, 1, 3, true},
        {"another echo", "AA 10 02 FF FF FF", 0x10, 300, 1, 3, false},
        {"another register", "AA 10 01 2D 00 01", 0x10, 300, 1, 4, false},
        {"another number", "AA 10 01 2C 00 02", 0x10, 300, 1, 6, false},
        {"the whole echo", "AA 10 01 2C 00 01", 0x10, 300, 1, 6, true},
        {"events: the clock alone", "AA 11 04", 0x11, 0, 0, 3, true},
        {"events: no clock", "AA 11 00", 0x11, 0, 0, 3, false},
        {"events: half a one", "AA 11 06", 0x11, 0, 0, 3, false},
        {"events: the most", "AA 11 FC", 0x11, 0, 0, 3, true},
        {"one cell", "AA 1C 02", 0x1C, 0, 0, 3, true},
        {"16 cells", "AA 1C 20", 0x1C, 0, 0, 3, true},
        {"17 cells", "AA 1C 22", 0x1C, 0, 0, 3, false},
        {"no cells", "AA 1C 00", 0x1C, 0, 0, 3, false},
        {"no command of the protocol", "AA 13 00", 0x13, 0, 0, 3, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct tinybms_request rq = {
            .command = cases[i].command, .addr = cases[i].addr, .count = cases[i].count};
        uint8_t bytes[16] = {0};
        (void)wire_hex(cases[i].bytes, bytes);
        if (tinybms_reply_begins(&rq, bytes, cases[i].shown) != cases[i].begins) {
            fail_msg("%s", cases[i].what);
        }
    }
}

static void the_longest_lists_are_read(void **state) {
    (void)state;
    struct tinybms_request rq;
    uint8_t reply[TINYBMS_REPLY_MAX] = {0xAA, 0x11, 252, 0x01};
    struct battery_event event[62];
    uint32_t clock_s;
    assert_int_equal(tinybms_build_plain(&rq, 0x11), GW_OK);
    reply[3 + 251] = 0x64; /* the id of the last of 62 events */
    size_t n = wire_seal(reply, 3 + 252);
    assert_int_equal(tinybms_parse_events(&rq, reply, n, &clock_s, event, 62), 62);
    assert_int_equal(clock_s, 1);
    assert_int_equal(event[61].id, 0x64);
    assert_int_equal(tinybms_parse_events(&rq, reply, n, &clock_s, event, 61), GW_ERR_SPACE);

    uint16_t cells[16];
    memset(reply, 0, sizeof reply);
    reply[0] = 0xAA;
    reply[1] = 0x1C;
    reply[2] = 32;
    reply[3 + 30] = 0x34;
    reply[3 + 31] = 0x12;
    n = wire_seal(reply, 3 + 32);
    assert_int_equal(tinybms_build_plain(&rq, 0x1C), GW_OK);
    assert_int_equal(tinybms_parse_words(&rq, reply, n, cells, 16), 16);
    assert_int_equal(cells[15], 0x1234);
    assert_int_equal(tinybms_parse_words(&rq, reply, n, cells, 15), GW_ERR_SPACE);
}

static void what_a_short_version_does_not_tell_is_zero(void **state) {
    (void)state;
    struct tinybms_request rq;
    struct tinybms_version v;
    uint8_t reply[16];
    assert_int_equal(tinybms_build_plain(&rq, 0x1E), GW_OK);
    size_t n = wire_seal(reply, wire_hex("AA 1E 05 02 01 03 F2 00", reply));
    assert_int_equal(tinybms_parse_version(&rq, reply, n, &v), GW_OK);
    assert_int_equal(v.firmware_internal, 242);
    assert_false(v.extended);
    assert_int_equal(v.bootloader, 0);
    assert_int_equal(v.register_map, 0);
}

static void a_refusal_has_a_head_and_a_spoilt_packet_a_wrong_crc(void **state) {
    (void)state;
    struct tinybms_request rq;
    uint8_t bytes[16];
    assert_int_equal(tinybms_build_read(&rq, 300, 1), GW_OK);
    size_t n = wire_seal(bytes, wire_hex("AB 00 03 00", bytes));
    assert_int_equal(tinybms_match(&rq, bytes, n), TINYBMS_MATCH_NONE);
    assert_int_equal(tinybms_build_read_block(&rq, 300, 1), GW_OK);
    n = wire_seal(bytes, wire_hex("AA 07 02 36 10", bytes));
    assert_int_equal(tinybms_match(&rq, bytes, n), TINYBMS_MATCH_REPLY);
    bytes[4] ^= 1;
    assert_int_equal(tinybms_match(&rq, bytes, n), TINYBMS_MATCH_BAD_CRC);
}

static void a_forgotten_block_is_not_known_and_its_neighbours_are(void **state) {
    (void)state;
    for (int g = 0; g < BATTERY_GROUP_COUNT; g++) {
        static struct tinybms_image image;
        uint16_t word = 0;
        tinybms_image_init(&image);
        for (int other = 0; other < BATTERY_GROUP_COUNT; other++) {
            const struct tinybms_block *b = &tinybms_blocks[other];
            for (uint16_t i = 0; i < b->words; i++) {
                tinybms_image_store(&image, (uint16_t)(b->first + i), &i, 1, 7);
            }
        }
        tinybms_image_forget(&image, (enum battery_group)g);
        for (int other = 0; other < BATTERY_GROUP_COUNT; other++) {
            const struct tinybms_block *b = &tinybms_blocks[other];
            for (uint16_t i = 0; i < b->words; i++) {
                assert_int_equal(tinybms_image_get(&image, (uint16_t)(b->first + i), &word),
                                 other != g);
                assert_true(other == g || word == i);
            }
        }
    }
}

static void single_registers_are_asked_for_from_one_to_the_most(void **state) {
    (void)state;
    static uint16_t addrs[64], words[64];
    struct tinybms_request rq;
    for (size_t i = 0; i < COUNT(addrs); i++) {
        addrs[i] = 300;
    }
    assert_int_equal(tinybms_build_read_each(&rq, addrs, 1), GW_OK);
    assert_int_equal(rq.length, 3 + 2 + 2);
    assert_int_equal(tinybms_build_write_each(&rq, addrs, words, 0), GW_ERR_RANGE);
    assert_int_equal(tinybms_build_write_each(&rq, addrs, words, 1), GW_OK);
    assert_int_equal(rq.length, 3 + 4 + 2);
    assert_int_equal(tinybms_build_write_each(&rq, addrs, words, 50), GW_OK);
    assert_int_equal(rq.length, 3 + 200 + 2);
    assert_int_equal(tinybms_build_write_each(&rq, addrs, words, 51), GW_ERR_RANGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_is_as_long_as_its_table_says),
        cmocka_unit_test(a_beginning_is_told_from_anything_else_as_soon_as_it_can),
        cmocka_unit_test(the_longest_lists_are_read),
        cmocka_unit_test(what_a_short_version_does_not_tell_is_zero),
        cmocka_unit_test(a_refusal_has_a_head_and_a_spoilt_packet_a_wrong_crc),
        cmocka_unit_test(single_registers_are_asked_for_from_one_to_the_most),
        cmocka_unit_test(a_forgotten_block_is_not_known_and_its_neighbours_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
