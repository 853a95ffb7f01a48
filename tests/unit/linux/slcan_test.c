/* SPDX-License-Identifier: MIT */
/* Lines from LAWICEL's CANUSB manual 1.0D, written out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "slcan.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Feeds a text; returns the number of frames, the last one in *out. */
static unsigned feed(struct slcan *s, const char *text, size_t n, struct victron_frame *out) {
    unsigned frames = 0;
    for (size_t i = 0; i < n; i++) {
        frames += slcan_handle_rx(s, (uint8_t)text[i], out);
    }
    return frames;
}

static void the_channel_is_opened_from_any_state(void **state) {
    static const struct {
        const char *what;
        uint32_t bitrate;
        bool listen;
        const char *text;
    } cases[] = {
        {"the slowest", 10000, false, "\r\r\rC\rS0\rO\r"},
        {"S1", 20000, false, "\r\r\rC\rS1\rO\r"},
        {"S2", 50000, false, "\r\r\rC\rS2\rO\r"},
        {"S3", 100000, false, "\r\r\rC\rS3\rO\r"},
        {"S4", 125000, false, "\r\r\rC\rS4\rO\r"},
        {"S5", 250000, false, "\r\r\rC\rS5\rO\r"},
        {"a GX's", 500000, false, "\r\r\rC\rS6\rO\r"},
        {"S7", 800000, false, "\r\r\rC\rS7\rO\r"},
        {"the fastest", 1000000, false, "\r\r\rC\rS8\rO\r"},
        {"listening only", 500000, true, "\r\r\rC\rS6\rL\r"},
        {"a rate without a code", 83333, false, ""},
        {"none", 0, false, ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[SLCAN_OPEN_MAX];
        size_t n = slcan_open_text(cases[i].bitrate, cases[i].listen, text);
        if (n != strlen(cases[i].text) || memcmp(text, cases[i].text, n) != 0) {
            fail_msg("%s: %.*s", cases[i].what, (int)n, text);
        }
    }
}

static void a_frame_is_one_line(void **state) {
    static const struct {
        const char *what;
        struct victron_frame frame;
        const char *line;
    } cases[] = {
        {"eight bytes",
         {0x351, 8, {0x45, 0x02, 0xB4, 0x00, 0x1C, 0x02, 0xA4, 0x01}},
         "t35184502B4001C02A401\r"},
        {"no byte", {0x000, 0, {0}}, "t0000\r"},
        {"the highest number", {0x7FF, 1, {0xFF}}, "t7FF1FF\r"},
        {"leading zeros", {0x00A, 2, {0x00, 0x0F}}, "t00A2000F\r"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char line[SLCAN_LINE_MAX];
        size_t n = slcan_encode(&cases[i].frame, line);
        if (n != strlen(cases[i].line) || memcmp(line, cases[i].line, n) != 0) {
            fail_msg("%s: %.*s", cases[i].what, (int)n, line);
        }
    }
}

/* The counters that a text must leave: nothing else may have changed. */
static void every_line_is_what_the_manual_says(void **state) {
    static const struct {
        const char *what;
        const char *text;
        struct slcan_counters counters;
        struct victron_frame frame; /* where counters.frames is 1 */
    } cases[] = {
        {"a keep-alive of a GX", "t30580000000000000000\r", {.frames = 1}, {0x305, 8, {0}}},
        {"small letters", "t3072abcd\r", {.frames = 1}, {0x307, 2, {0xAB, 0xCD}}},
        {"a time stamp behind it", "t3071AB1F3C\r", {.frames = 1}, {0x307, 1, {0xAB}}},
        {"no data", "t3050\r", {.frames = 1}, {0x305, 0, {0}}},
        {"no data, a time stamp", "t30500123\r", {.frames = 1}, {0x305, 0, {0}}},
        {"an acknowledgement before it",
         "z\rt3050\r",
         {.frames = 1, .accepted = 1},
         {0x305, 0, {0}}},
        {"a refusal before it", "\at3050\r", {.frames = 1, .refused = 1}, {0x305, 0, {0}}},
        {"empty lines around it", "\r\rt3050\r\r", {.frames = 1}, {0x305, 0, {0}}},
        {"the highest number", "t7FF0\r", {.frames = 1}, {0x7FF, 0, {0}}},
        {"a number of 12 bits", "t8000\r", {.garbage = 1}, {0}},
        {"length 9", "t3059000000000000000000\r", {.garbage = 1}, {0}},
        {"length A", "t305A\r", {.garbage = 1}, {0}},
        {"less data than it says", "t3052AB\r", {.garbage = 1}, {0}},
        {"more data than it says", "t3051ABCD\r", {.garbage = 1}, {0}},
        {"half a time stamp", "t3051AB1F\r", {.garbage = 1}, {0}},
        {"a letter in the number", "t3G50\r", {.garbage = 1}, {0}},
        {"a letter in the data", "t3051AX\r", {.garbage = 1}, {0}},
        {"a letter in the time stamp", "t3051AB1F3Z\r", {.garbage = 1}, {0}},
        {"a line feed too much", "t3050\n\r", {.garbage = 1}, {0}},
        {"only its name", "t\r", {.garbage = 1}, {0}},
        {"a 29-bit frame", "T000003050\r", {.ignored = 1}, {0}},
        {"the longest line", "T1FFFFFFF8FFFFFFFFFFFFFFFFABCD\r", {.ignored = 1}, {0}},
        {"a number of 30 bits", "T200000000\r", {.garbage = 1}, {0}},
        {"a remote frame", "r3058\r", {.ignored = 1}, {0}},
        {"a 29-bit remote frame", "R000003058\r", {.ignored = 1}, {0}},
        {"a remote frame with data", "r3051AB\r", {.garbage = 1}, {0}},
        {"acknowledged", "z\r", {.accepted = 1}, {0}},
        {"acknowledged, 29 bits", "Z\r", {.accepted = 1}, {0}},
        {"not quite acknowledged", "zz\r", {.garbage = 1}, {0}},
        {"status: bus error", "F80\r", {.status = 0x80}, {0}},
        {"half a status", "F8\r", {.garbage = 1}, {0}},
        {"refused", "\a", {.refused = 1}, {0}},
        {"a version", "V1013\r", {.garbage = 1}, {0}},
        {"refused in the middle of a line", "t30\a", {.garbage = 1, .refused = 1}, {0}},
        {"noise", "\x80\xFF\x01\r", {.garbage = 1}, {0}},
        {"without its end", "t30580000000000000000", {0}, {0}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct slcan s;
        struct victron_frame f;
        memset(&f, 0, sizeof f);
        slcan_init(&s);
        unsigned frames = feed(&s, cases[i].text, strlen(cases[i].text), &f);
        const struct slcan_counters *c = &s.counters, *want = &cases[i].counters;
        if (frames != want->frames || c->frames != want->frames || c->ignored != want->ignored ||
            c->accepted != want->accepted || c->refused != want->refused ||
            c->garbage != want->garbage || c->status != want->status) {
            fail_msg("%s: frames %u, ignored %u, accepted %u, refused %u, garbage %u, status %02X",
                     cases[i].what, frames, c->ignored, c->accepted, c->refused, c->garbage,
                     c->status);
        }
        if (frames == 1 && (f.id != cases[i].frame.id || f.len != cases[i].frame.len ||
                            memcmp(f.data, cases[i].frame.data, 8) != 0)) {
            fail_msg("%s: another frame", cases[i].what);
        }
    }
}

static const char good[] = "t30521234\r";

static void a_line_that_is_too_long_costs_only_itself(void **state) {
    (void)state;
    for (size_t length = SLCAN_LINE_MAX - 1; length < 3 * SLCAN_LINE_MAX; length++) {
        struct slcan s;
        struct victron_frame f;
        slcan_init(&s);
        for (size_t i = 0; i < length; i++) {
            assert_false(slcan_handle_rx(&s, 't', &f));
        }
        assert_int_equal(feed(&s, "\r", 1, &f), 0);
        assert_int_equal(s.counters.garbage, 1);
        assert_int_equal(feed(&s, good, strlen(good), &f), 1);
        assert_int_equal(f.id, 0x305);
    }
}

static void a_line_cut_short_is_no_frame(void **state) {
    (void)state;
    for (size_t n = 0; n < strlen(good) - 1; n++) {
        struct slcan s;
        struct victron_frame f;
        slcan_init(&s);
        assert_int_equal(feed(&s, good, n, &f), 0);
        assert_int_equal(feed(&s, "\r", 1, &f), 0);
        assert_int_equal(feed(&s, good, strlen(good), &f), 1);
    }
}

/* Any byte in any place of a frame's line: what comes out is a frame of the right shape or none,
 * and the line after the next CR is understood. */
static void a_damaged_byte_costs_at_most_its_line(void **state) {
    (void)state;
    for (size_t at = 0; at < strlen(good); at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            char line[sizeof good];
            struct slcan s;
            struct victron_frame f;
            memcpy(line, good, sizeof good);
            line[at] = (char)byte;
            slcan_init(&s);
            if (feed(&s, line, strlen(good), &f) != 0) {
                assert_true(f.id <= 0x7FF && f.len <= 8);
            }
            feed(&s, "\r", 1, &f);
            assert_int_equal(feed(&s, good, strlen(good), &f), 1);
            assert_int_equal(f.id, 0x305);
            assert_int_equal(f.data[1], 0x34);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_channel_is_opened_from_any_state),
        cmocka_unit_test(a_frame_is_one_line),
        cmocka_unit_test(every_line_is_what_the_manual_says),
        cmocka_unit_test(a_line_that_is_too_long_costs_only_itself),
        cmocka_unit_test(a_line_cut_short_is_no_frame),
        cmocka_unit_test(a_damaged_byte_costs_at_most_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
