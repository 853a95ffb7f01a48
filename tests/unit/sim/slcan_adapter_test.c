/* SPDX-License-Identifier: MIT */
/* Dialogues with the virtual adapter, as the LAWICEL manual describes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "sim/slcan_adapter.h"

static void say(struct sim_slcan *a, const char *text) {
    sim_slcan_handle_rx(a, (const uint8_t *)text, strlen(text));
}

static void expect(struct sim_slcan *a, const char *text) {
    char buf[4096];
    size_t n = sim_slcan_tx(a, (uint8_t *)buf, sizeof buf - 1);
    buf[n] = '\0';
    assert_string_equal(buf, text);
}

static void opened(struct sim_slcan *a) {
    sim_slcan_init(a);
    say(a, "S6\rO\r");
    expect(a, "\r\r");
}

static void each_command_is_answered_as_the_manual_says(void **state) {
    (void)state;
    static const struct {
        const char *what, *text, *answer;
    } cases[] = {
        {"500 kbit/s, open, close", "S6\rO\rC\r", "\r\r\r"},
        {"close what is closed", "C\r", "\a"},
        {"open without a bit rate", "O\r", "\a"},
        {"open twice", "S6\rO\rO\r", "\r\r\a"},
        {"bit rate while open", "S6\rO\rS5\r", "\r\r\a"},
        {"no such bit rate", "S9\r", "\a"},
        {"bit timing registers", "s001C\rO\r", "\r\r"},
        {"empty lines", "\r\r\r", "\r\r\r"},
        {"version, serial number", "V\rN\r", "V1013\rNSIM1\r"},
        {"status flags are of an open channel", "F\rS6\rO\rF\r", "\a\r\rF00\r"},
        {"time stamps on, off, nonsense", "Z1\rZ0\rZ2\r", "\r\r\a"},
        {"time stamps while open", "S6\rO\rZ1\r", "\r\r\a"},
        {"filters", "M00000000\rmFFFFFFFF\rM0\r", "\r\r\a"},
        {"no such command", "Q\r", "\a"},
        {"a frame while closed", "t1230\r", "\a"},
        {"a frame while listening only", "S6\rL\rt1230\r", "\r\r\a"},
        {"frames", "S6\rO\rt1230\rT1234567801\rr1238\r", "\r\rz\r\az\r"},
        {"a 29-bit frame", "S6\rO\rT123456780\r", "\r\rZ\r"},
        {"a line feed behind the end", "S6\r\nO\r\n", "\r\r"},
        {"a line longer than any command", "tttttttttttttttttttttttttttttttttt\rV\r", "\aV1013\r"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        print_message("    %s\n", cases[i].what);
        struct sim_slcan a;
        sim_slcan_init(&a);
        say(&a, cases[i].text);
        expect(&a, cases[i].answer);
        sim_slcan_init(&a);
        for (const char *c = cases[i].text; *c != '\0'; c++) /* and byte by byte */
            sim_slcan_handle_rx(&a, (const uint8_t *)c, 1);
        expect(&a, cases[i].answer);
    }
}

static void a_sent_frame_reaches_the_bus(void **state) {
    (void)state;
    struct sim_slcan a;
    struct sim_can_frame f;
    opened(&a);
    say(&a, "t35184502b4001C02A401\r");
    expect(&a, "z\r");
    assert_true(sim_slcan_next_frame(&a, &f));
    assert_int_equal(f.id, 0x351);
    assert_int_equal(f.len, 8);
    assert_false(f.extended || f.remote);
    assert_memory_equal(f.data, "\x45\x02\xB4\x00\x1C\x02\xA4\x01", 8);
    assert_false(sim_slcan_next_frame(&a, &f));
}

static void malformed_frames_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *what, *text;
    } cases[] = {
        {"length 9", "t3519000000000000000000\r"},
        {"a byte too few", "t351845 02\r"},
        {"a byte too many", "t3511AABB\r"},
        {"half a byte", "t3511A\r"},
        {"no hexadecimal digit", "t3511AG\r"},
        {"an identifier over 0x7FF", "t8000\r"},
        {"a time stamp, which only an adapter adds", "t3511AA0000\r"},
        {"data in a remote frame", "r3511AA\r"},
        {"nothing but t", "t\r"},
        {"no length", "t351\r"},
        {"a 29-bit identifier over 0x1FFFFFFF", "T200000000\r"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        print_message("    %s\n", cases[i].what);
        struct sim_slcan a;
        struct sim_can_frame f;
        opened(&a);
        say(&a, cases[i].text);
        expect(&a, "\a");
        assert_false(sim_slcan_next_frame(&a, &f));
        assert_int_equal(a.refused, 1);
    }
}

static void a_frame_of_the_bus_reaches_the_host(void **state) {
    (void)state;
    static const struct sim_can_frame keepalive = {.id = 0x305, .len = 8};
    static const struct sim_can_frame wide = {
        .id = 0x1ABCDEF0, .extended = true, .len = 2, .data = {0x5A, 0x0F}};
    static const struct sim_can_frame remote = {.id = 0x7FF, .remote = true, .len = 8};
    struct sim_slcan a;
    sim_slcan_init(&a);
    sim_slcan_put_frame(&a, &keepalive, 0);
    expect(&a, ""); /* closed */
    opened(&a);
    sim_slcan_put_frame(&a, &keepalive, 0);
    sim_slcan_put_frame(&a, &wide, 0);
    sim_slcan_put_frame(&a, &remote, 0);
    expect(&a, "t30580000000000000000\rT1ABCDEF025A0F\rr7FF8\r");
    say(&a, "C\rZ1\rO\r");
    expect(&a, "\r\r\r");
    /* milliseconds of the minute: 61.234 s is 1234 = 0x04D2 */
    sim_slcan_put_frame(&a, &remote, 61234999);
    expect(&a, "r7FF804D2\r");
}

static void a_host_that_does_not_read_loses_whole_lines_and_is_told(void **state) {
    (void)state;
    static const struct sim_can_frame keepalive = {.id = 0x305, .len = 8};
    struct sim_slcan a;
    opened(&a);
    unsigned fit = SIM_SLCAN_TEXT / 22; /* a line has 22 characters */
    for (unsigned i = 0; i < fit + 5; i++)
        sim_slcan_put_frame(&a, &keepalive, 0);
    assert_int_equal(a.overruns, 5);
    char buf[SIM_SLCAN_TEXT];
    assert_int_equal(sim_slcan_tx(&a, (uint8_t *)buf, sizeof buf), fit * 22);
    assert_int_equal(buf[fit * 22 - 1], '\r');
    say(&a, "F\rF\r");
    expect(&a, "F09\rF00\r"); /* told once */
}

static void a_bus_that_takes_nothing_refuses_frames(void **state) {
    (void)state;
    struct sim_slcan a;
    struct sim_can_frame f;
    opened(&a);
    for (unsigned i = 0; i < SIM_SLCAN_FRAMES; i++)
        say(&a, "t1000\r");
    char buf[SIM_SLCAN_TEXT];
    assert_int_equal(sim_slcan_tx(&a, (uint8_t *)buf, sizeof buf), 2 * SIM_SLCAN_FRAMES);
    say(&a, "t1000\r");
    expect(&a, "\a");
    assert_true(sim_slcan_next_frame(&a, &f));
    say(&a, "t1000\r");
    expect(&a, "z\r");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_command_is_answered_as_the_manual_says),
        cmocka_unit_test(a_sent_frame_reaches_the_bus),
        cmocka_unit_test(malformed_frames_are_refused),
        cmocka_unit_test(a_frame_of_the_bus_reaches_the_host),
        cmocka_unit_test(a_host_that_does_not_read_loses_whole_lines_and_is_told),
        cmocka_unit_test(a_bus_that_takes_nothing_refuses_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
