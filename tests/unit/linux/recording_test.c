/* SPDX-License-Identifier: MIT */
/* The lines of a recording against docs/protocol/recording.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recording.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* 2026-01-01T00:00:00Z is 1767225600 s; a machine that was started 5600 s before has a clock that
 * is 1767220000 s ahead of its monotonic one. */
enum { CLOCK_S = 1767220000 };
static const uint64_t clock_ms = CLOCK_S * UINT64_C(1000);

#define AT    "(1767225600.123456) "
#define AT_US UINT64_C(5600123456)

/* Every event of the table in the document. */
static const struct {
    const char *line;
    struct traffic_event event;
} events[] = {
    {AT "gateway start", {AT_US, TRAFFIC_START, 0, {{0}}}},
    {AT "gateway configured", {AT_US, TRAFFIC_CONFIGURED, 0, {{0}}}},
    {AT "turn", {AT_US, TRAFFIC_TURN, 0, {{0}}}},
    {AT "uart0 < AA036C", {AT_US, TRAFFIC_UART_RX, 3, {.bytes = {0xAA, 0x03, 0x6C}}}},
    {AT "uart0 > 00FF", {AT_US, TRAFFIC_UART_TX, 2, {.bytes = {0x00, 0xFF}}}},
    {AT "uart0-lost > 5A", {AT_US, TRAFFIC_UART_LOST, 1, {.bytes = {0x5A}}}},
    {AT "can0 305#0000000000000000 R", {AT_US, TRAFFIC_CAN_RX, 0, {.frame = {0x305, 8, {0}}}}},
    {AT "can0 351#4502B4001C02A401 T",
     {AT_US,
      TRAFFIC_CAN_TX,
      0,
      {.frame = {0x351, 8, {0x45, 0x02, 0xB4, 0x00, 0x1C, 0x02, 0xA4, 0x01}}}}},
    {AT "can0 7FF#01 T", {AT_US, TRAFFIC_CAN_TX, 0, {.frame = {0x7FF, 1, {1}}}}},
    {AT "can0 000# R", {AT_US, TRAFFIC_CAN_RX, 0, {.frame = {0, 0, {0}}}}},
    {AT "can0-lost 355#5100 T", {AT_US, TRAFFIC_CAN_LOST, 0, {.frame = {0x355, 2, {0x51, 0}}}}},
    {AT "uart0-link up", {AT_US, TRAFFIC_UART_LINK, 0, {.up = true}}},
    {AT "uart0-link down", {AT_US, TRAFFIC_UART_LINK, 0, {.up = false}}},
    {AT "can0-link up", {AT_US, TRAFFIC_CAN_LINK, 0, {.up = true}}},
    {AT "can0-link down", {AT_US, TRAFFIC_CAN_LINK, 0, {.up = false}}},
    {AT "command read 300 44",
     {AT_US,
      TRAFFIC_COMMAND,
      0,
      {.command = {.kind = GATEWAY_READ_REGISTERS, .addr = 300, .count = 44}}}},
    {AT "command write 312 4294967295",
     {AT_US,
      TRAFFIC_COMMAND,
      0,
      {.command = {.kind = GATEWAY_WRITE_REGISTER, .addr = 312, .raw = 4294967295}}}},
    {AT "command reset 5",
     {AT_US, TRAFFIC_COMMAND, 0, {.command = {.kind = GATEWAY_RESET_BMS, .option = 5}}}},
    {AT "missed 12 uart0-link up can0-link down",
     {AT_US, TRAFFIC_MISSED, 0, {.missed = {12, true, false}}}},
    {"(0000000000.000000) turn", {0, TRAFFIC_TURN, 0, {{0}}}},
    {"(12345678901.000001) turn", {UINT64_C(12345678901000001), TRAFFIC_TURN, 0, {{0}}}},
};

static bool same_event(const struct traffic_event *a, const struct traffic_event *b) {
    if (a->kind != b->kind || a->n != b->n) {
        return false;
    }
    switch ((enum traffic_kind)a->kind) {
    case TRAFFIC_START:
    case TRAFFIC_TURN:
    case TRAFFIC_CONFIGURED:
        return true;
    case TRAFFIC_UART_RX:
    case TRAFFIC_UART_TX:
    case TRAFFIC_UART_LOST:
        return memcmp(a->bytes, b->bytes, a->n) == 0;
    case TRAFFIC_CAN_RX:
    case TRAFFIC_CAN_TX:
    case TRAFFIC_CAN_LOST:
        return a->frame.id == b->frame.id && a->frame.len == b->frame.len &&
               memcmp(a->frame.data, b->frame.data, a->frame.len) == 0;
    case TRAFFIC_UART_LINK:
    case TRAFFIC_CAN_LINK:
        return a->up == b->up;
    case TRAFFIC_COMMAND:
        return a->command.kind == b->command.kind && a->command.addr == b->command.addr &&
               a->command.count == b->command.count && a->command.raw == b->command.raw &&
               a->command.option == b->command.option;
    case TRAFFIC_MISSED:
        return a->missed.count == b->missed.count && a->missed.uart_up == b->missed.uart_up &&
               a->missed.can_up == b->missed.can_up;
    }
    return false;
}

/* From memory that ends where the line ends, so that reading on is found. */
static bool parse(const char *text, size_t n, struct recording_line *out) {
    char *copy = malloc(n + 1);
    assert_non_null(copy);
    memcpy(copy, text, n);
    char *exact = realloc(copy, n != 0 ? n : 1);
    assert_non_null(exact);
    bool good = recording_parse(exact, n, out);
    free(exact);
    return good;
}

/* The two rows without AT stand for a clock of 0. */
static uint64_t clock_of(size_t i) {
    return events[i].event.at_us == AT_US ? clock_ms : 0;
}

static void every_event_is_a_line_and_back(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(events); i++) {
        char line[RECORDING_LINE_MAX];
        struct recording_line parsed;
        size_t n = recording_print_event(&events[i].event, clock_of(i), line);
        assert_int_equal(n, strlen(line));
        assert_int_equal(line[n - 1], '\n');
        line[n - 1] = '\0';
        assert_string_equal(line, events[i].line);
        assert_true(parse(events[i].line, n - 1, &parsed));
        assert_int_equal(parsed.kind, RECORDING_EVENT);
        assert_true(parsed.wall_us == events[i].event.at_us + clock_of(i) * 1000);
        assert_true(parsed.event.at_us == parsed.wall_us);
        assert_true(same_event(&parsed.event, &events[i].event));
        uint32_t want = events[i].event.kind == TRAFFIC_MISSED ? 12 : 1;
        assert_int_equal(recording_events(&parsed), want);
    }
}

static void the_longest_event_fits_in_a_line(void **state) {
    struct traffic_event e = {.at_us = UINT64_C(99999999999000000), .kind = TRAFFIC_UART_LOST};
    struct recording_line parsed;
    char line[RECORDING_LINE_MAX];
    (void)state;
    e.n = TRAFFIC_BYTES_MAX;
    memset(e.bytes, 0xFE, sizeof e.bytes);
    size_t n = recording_print_event(&e, 0, line);
    assert_true(n < RECORDING_LINE_MAX);
    assert_true(parse(line, n - 1, &parsed));
    assert_true(same_event(&parsed.event, &e));
}

static void lines_of_a_header_are_understood(void **state) {
    struct recording_header h = {.format = 1,
                                 .version = "0.1.0-dev+4d4d6c48",
                                 .gateway = "7f3a90c41e5b2d68",
                                 .event = 935,
                                 .clock_ms = CLOCK_S * UINT64_C(1000)};
    struct recording_line l;
    char line[RECORDING_LINE_MAX];
    const uint16_t words[] = {4200, 3000}; /* 0x1068, 0x0BB8 */
    (void)state;

    size_t n = recording_print_header(&h, line);
    assert_string_equal(line, "# tinybms-gw recording format=1 version=0.1.0-dev+4d4d6c48 "
                              "gateway=7f3a90c41e5b2d68 event=935 clock=1767220000000\n");
    assert_true(parse(line, n - 1, &l));
    assert_int_equal(l.kind, RECORDING_HEADER);
    assert_int_equal(l.header.format, 1);
    assert_string_equal(l.header.version, h.version);
    assert_string_equal(l.header.gateway, h.gateway);
    assert_true(l.header.event == 935 && l.header.clock_ms == h.clock_ms);

    n = recording_print_place(&h, line);
    assert_string_equal(line, "# place gateway=7f3a90c41e5b2d68 event=935\n");
    assert_true(parse(line, n - 1, &l));
    assert_int_equal(l.kind, RECORDING_PLACE);
    assert_string_equal(l.header.gateway, h.gateway);
    assert_int_equal(l.header.event, 935);

    n = recording_print_registers(300, words, 2, line);
    assert_string_equal(line, "# registers 300 1068 0BB8\n");
    assert_true(parse(line, n - 1, &l));
    assert_int_equal(l.kind, RECORDING_REGISTERS);
    assert_int_equal(l.registers.first, 300);
    assert_int_equal(l.registers.words, 2);
    assert_memory_equal(l.registers.word, words, sizeof words);

    n = recording_print_link(true, false, line);
    assert_string_equal(line, "# can0-link down\n");
    assert_true(parse(line, n - 1, &l) && l.kind == RECORDING_LINK && l.link.can && !l.link.up);
    n = recording_print_link(false, true, line);
    assert_string_equal(line, "# uart0-link up\n");
    assert_true(parse(line, n - 1, &l) && l.kind == RECORDING_LINK && !l.link.can && l.link.up);
    assert_int_equal(recording_events(&l), 0);

    n = recording_print_clock(UINT64_C(1767225600123456), 1767220003600, line);
    assert_string_equal(line, AT "clock 1767220003600\n");
    assert_true(parse(line, n - 1, &l) && l.kind == RECORDING_CLOCK);
    assert_true(l.clock_ms == UINT64_C(1767220003600));
}

static const struct settings_row *row_of(const char *key) {
    for (size_t i = 0; i < settings_table_rows; i++) {
        if (strcmp(settings_table[i].key, key) == 0) {
            return &settings_table[i];
        }
    }
    fail_msg("no setting %s", key);
    return NULL;
}

static void a_setting_is_printed_as_it_is_given(void **state) {
    static const char *const assignments[] = {
        "tinybms.poll_interval_ms=250",
        "tinybms.low_power=true",
        "hardware.uart.invert_current=false",
        "battery.cell_order=descending",
        "battery.capacity_ah=123.456",
        "hardware.uart.device=/dev/serial/by-id/usb a=b#c",
        "victron.thresholds.low_temp_charge_c=-12.5",
        "victron.battery_name=",
        "victron.battery_name=Garage \xC3\xA9t\xC3\xA9",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(assignments); i++) {
        struct settings s;
        struct settings_error e;
        struct recording_line l;
        char key[64], line[RECORDING_LINE_MAX], want[RECORDING_LINE_MAX];
        const uint64_t wall_us = UINT64_C(1767225600123456);
        settings_defaults(&s);
        if (settings_assign(&s, assignments[i], &e) != 0) {
            fail_msg("%s", e.text);
        }
        (void)snprintf(key, sizeof key, "%.*s", (int)strcspn(assignments[i], "="), assignments[i]);
        size_t n = recording_print_setting(row_of(key), &s, NULL, line);
        (void)snprintf(want, sizeof want, "# set %s\n", assignments[i]);
        assert_string_equal(line, want);
        assert_true(parse(line, n - 1, &l) && l.kind == RECORDING_SETTING);
        assert_string_equal(l.assignment, assignments[i]);
        n = recording_print_setting(row_of(key), &s, &wall_us, line);
        (void)snprintf(want, sizeof want, AT "set %s\n", assignments[i]);
        assert_string_equal(line, want);
        assert_true(parse(line, n - 1, &l) && l.kind == RECORDING_CHANGE);
        assert_string_equal(l.assignment, assignments[i]);
        assert_int_equal(recording_events(&l), 0);
    }
}

/* Whatever the settings are, a header's lines give them back. */
static void all_settings_can_be_read_back(void **state) {
    struct settings s, back;
    struct settings_error e;
    (void)state;
    settings_defaults(&s);
    settings_defaults(&back);
    memset(s.hardware.uart.device, 'x', SETTINGS_PATH_MAX);
    memset(s.advanced.control_socket, '=', SETTINGS_PATH_MAX);
    s.victron.thresholds.overtemp_dc = -5;
    s.tinybms.stale_silent_ms = 599999;
    for (size_t i = 0; i < settings_table_rows; i++) {
        char line[RECORDING_LINE_MAX];
        struct recording_line l;
        size_t n = recording_print_setting(&settings_table[i], &s, NULL, line);
        assert_true(n != 0 || settings_table[i].secret);
        assert_true(n == 0 || (parse(line, n - 1, &l) && l.kind == RECORDING_SETTING));
        if (n != 0 && settings_assign(&back, l.assignment, &e) != 0 &&
            settings_table[i].offset != offsetof(struct settings, victron.thresholds.overtemp_dc)) {
            fail_msg("%s", e.text);
        }
    }
    back.victron.thresholds.overtemp_dc = s.victron.thresholds.overtemp_dc; /* out of range */
    assert_memory_equal(&back, &s, sizeof s);
}

static void secrets_are_left_out(void **state) {
    struct settings s;
    struct settings_row row = *row_of("victron.battery_name");
    char line[RECORDING_LINE_MAX];
    (void)state;
    settings_defaults(&s);
    assert_int_not_equal(recording_print_setting(&row, &s, NULL, line), 0);
    row.secret = true;
    assert_int_equal(recording_print_setting(&row, &s, NULL, line), 0);
}

static void comments_are_no_events(void **state) {
    static const char *const lines[] = {"",
                                        "#",
                                        "# the inverter tripped here",
                                        "#set x",
                                        "# gateway start",
                                        "# registers",
                                        "# uart0-link"};
    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct recording_line l;
        assert_true(parse(lines[i], strlen(lines[i]), &l));
        assert_int_equal(l.kind, RECORDING_COMMENT);
        assert_int_equal(recording_events(&l), 0);
    }
}

static void another_format_is_recognised_by_its_number(void **state) {
    static const char line[] = "# tinybms-gw recording format=2 and something new";
    struct recording_line l;
    (void)state;
    assert_true(parse(line, strlen(line), &l));
    assert_int_equal(l.kind, RECORDING_HEADER);
    assert_int_equal(l.header.format, 2);
}

static void everything_else_is_refused(void **state) {
    static const char *const lines[] = {
        " ",
        "turn",
        AT,
        AT "Turn",
        AT "turn ",
        AT " turn",
        AT "turning",
        "(1767225600.12345) turn",
        "(1767225600.1234567) turn",
        "(1767225600) turn",
        "(.123456) turn",
        "(-1.123456) turn",
        "(100000000000.000000) turn",
        "(18446744073709551616.000000) turn",
        "(1767225600.123456)turn",
        "1767225600.123456 turn",
        " (1767225600.123456) turn",
        AT "gateway",
        AT "gateway stop",
        AT "uart0 < ",
        AT "uart0 < A",
        AT "uart0 < AAA",
        AT "uart0 < aa",
        AT "uart0 < AA ",
        AT "uart0 <AA",
        AT "uart0 = AA",
        AT "uart1 < AA",
        AT "uart0-lost < AA",
        AT "can0 351#4502",
        AT "can0 351#4502 X",
        AT "can0 351#4502 T ",
        AT "can0 351#450 T",
        AT "can0 351#112233445566778899 T",
        AT "can0 800#00 T",
        AT "can0 51#00 T",
        AT "can0 00000351#00 T",
        AT "can0 351#R T",
        AT "can0 351##100 T",
        AT "can1 351#00 T",
        AT "can0-lost 351#00 R",
        AT "can0-lost 351#00",
        AT "uart0-link",
        AT "uart0-link UP",
        AT "uart0-link upp",
        AT "command read 300",
        AT "command read 65536 1",
        AT "command read 1 -1",
        AT "command write 1 4294967296",
        AT "command reset 256",
        AT "command reset",
        AT "command stop 1",
        AT "missed 12",
        AT "missed 4294967296 uart0-link up can0-link up",
        AT "missed 1 can0-link up uart0-link up",
        AT "set",
        AT "set x",
        AT "set x=\x01",
        AT "set x=\x7F",
        AT "clock",
        AT "clock -5",
        AT "clock 1e3",
        AT "clock 99999999999999999999",
        "# set x",
        "# registers 300",
        "# registers 300 106",
        "# registers 300 10680",
        "# registers 65535 0000 0000",
        "# registers 0 0 0 0",
        ("# registers 0 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 "
         "0000 0000"),
        "# uart0-link off",
        "# place gateway=",
        "# place gateway=a event=",
        "# place gateway=12345678901234567 event=1",
        "# tinybms-gw recording format=",
        "# tinybms-gw recording format=1",
        "# tinybms-gw recording format=x",
        "# tinybms-gw recording format=1 version= gateway=a event=0 clock=0",
        "# tinybms-gw recording format=1 version=1 gateway= event=0 clock=0",
        "# tinybms-gw recording format=1 version=1 gateway=a event=-1 clock=0",
        "# tinybms-gw recording format=1 version=1 gateway=a event=9223372036854775808 clock=0",
        "# tinybms-gw recording format=1 version=1 gateway=a event=0 clock=999999999999999999",
        "# tinybms-gw recording format=1 version=1 gateway=a event=0 clock=0 more",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct recording_line l;
        if (parse(lines[i], strlen(lines[i]), &l)) {
            fail_msg("taken: %s", lines[i]);
        }
    }
}

static void a_line_that_is_too_long_is_refused_and_not_read(void **state) {
    char line[RECORDING_LINE_MAX + 8] = AT "set x=";
    struct recording_line l;
    (void)state;
    size_t n = strlen(line);
    memset(line + n, 'y', sizeof line - n);
    assert_true(parse(line, n + RECORDING_ASSIGNMENT_MAX - 2, &l));
    assert_false(parse(line, n + RECORDING_ASSIGNMENT_MAX - 1, &l));
    assert_false(parse(line, RECORDING_LINE_MAX - 1, &l));
    assert_false(parse(line, RECORDING_LINE_MAX, &l));
    assert_false(parse(line, sizeof line, &l));
}

/* A frame's line ends with its direction, so no part of one passes for a shorter frame. */
static void a_torn_frame_is_never_a_frame(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(events); i++) {
        for (size_t n = 0; n < strlen(events[i].line); n++) {
            struct recording_line l;
            bool frame = events[i].event.kind == TRAFFIC_CAN_RX ||
                         events[i].event.kind == TRAFFIC_CAN_TX ||
                         events[i].event.kind == TRAFFIC_CAN_LOST;
            bool good = parse(events[i].line, n, &l);
            assert_false(good && frame && n != 0);
        }
    }
}

/* Whatever is taken is what its line says: printed again it is the same line, but for zeros that
 * numbers may begin with. */
static void what_is_taken_can_be_printed_and_is_taken_again(void **state) {
    unsigned taken = 0, refused = 0;
    (void)state;
    for (size_t i = 0; i < COUNT(events); i++) {
        char line[RECORDING_LINE_MAX], printed[RECORDING_LINE_MAX];
        const size_t n = strlen(events[i].line);
        for (size_t at = 0; at < n; at++) {
            for (int c = 0; c < 256; c++) {
                struct recording_line l, again;
                memcpy(line, events[i].line, n);
                line[at] = (char)c;
                if (!parse(line, n, &l) || l.kind != RECORDING_EVENT) {
                    refused++;
                    continue;
                }
                taken++;
                size_t m = recording_print_event(&l.event, 0, printed);
                assert_true(parse(printed, m - 1, &again));
                assert_true(again.wall_us == l.wall_us);
                assert_true(same_event(&again.event, &l.event));
                assert_true(m - 1 <= n);
            }
        }
    }
    assert_true(taken > 1000 && refused > taken);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_is_a_line_and_back),
        cmocka_unit_test(the_longest_event_fits_in_a_line),
        cmocka_unit_test(lines_of_a_header_are_understood),
        cmocka_unit_test(a_setting_is_printed_as_it_is_given),
        cmocka_unit_test(all_settings_can_be_read_back),
        cmocka_unit_test(secrets_are_left_out),
        cmocka_unit_test(comments_are_no_events),
        cmocka_unit_test(another_format_is_recognised_by_its_number),
        cmocka_unit_test(everything_else_is_refused),
        cmocka_unit_test(a_line_that_is_too_long_is_refused_and_not_read),
        cmocka_unit_test(a_torn_frame_is_never_a_frame),
        cmocka_unit_test(what_is_taken_can_be_printed_and_is_taken_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
