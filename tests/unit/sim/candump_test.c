/* SPDX-License-Identifier: MIT */
/* Lines as candump writes them, and lines it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "sim/candump.h"

static void both_forms_of_candump_are_read(void **state) {
    (void)state;
    static const struct {
        const char *what, *line, *time, *interface, *slcan;
    } cases[] = {
        {"log", "(1436509052.249713) can0 351#4502B4001C02A401", "1436509052.249713", "can0",
         "t35184502B4001C02A401"},
        {"log, lower case, other interface", "(1.5) vcan12 35a#a8aaaa02a8aaaa06", "1.5", "vcan12",
         "t35A8A8AAAA02A8AAAA06"},
        {"log, no data", "(1.0) can0 123#", "1.0", "can0", "t1230"},
        {"log, 29 bits", "(1.0) can0 18FF50E5#0011", "1.0", "can0", "T18FF50E520011"},
        {"log, remote", "(1.0) can0 351#R", "1.0", "can0", "r3510"},
        {"log, remote with a length", "(1.0) can0 351#R8", "1.0", "can0", "r3518"},
        {"log with a direction", "(1.0) can0 123#AA R", "1.0", "can0", "t1231AA"},
        {"log without a time", "can0 123#AA", "", "can0", "t1231AA"},
        {"dots between the bytes", "(1.0) can0 123#AA.BB", "1.0", "can0", "t1232AABB"},
        {"screen", "  can0  351   [8]  45 02 B4 00 1C 02 A4 01", "", "can0",
         "t35184502B4001C02A401"},
        {"screen, time since the last", " (000.001234)  can0  351   [2]  45 02", "000.001234",
         "can0", "t35124502"},
        {"screen, date", " (2026-01-31 12:00:00.123456)  can0  351   [1]  45",
         "2026-01-31 12:00:00.123456", "can0", "t351145"},
        {"screen, direction", " can0  RX - -  351   [1]  45", "", "can0", "t351145"},
        {"screen, direction with flags", " can0  TX B E  351   [1]  45", "", "can0", "t351145"},
        {"screen, characters", "  can0  35E   [2]  54 69   'Ti'", "", "can0", "t35E25469"},
        {"screen, remote", "  can0  351   [8]  remote request", "", "can0", "r3518"},
        {"screen, no data", "  can0  351   [0]", "", "can0", "t3510"},
        {"screen, 29 bits", "  can0  18FF50E5   [1]  00", "", "can0", "T18FF50E5100"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        print_message("    %s\n", cases[i].what);
        struct sim_candump line;
        char text[SIM_CAN_TEXT_MAX];
        assert_true(sim_candump_parse(cases[i].line, strlen(cases[i].line), &line));
        assert_string_equal(line.time, cases[i].time);
        assert_string_equal(line.interface, cases[i].interface);
        assert_false(line.error_frame);
        sim_can_format(&line.frame, text);
        assert_string_equal(text, cases[i].slcan);
    }
}

static void an_error_frame_is_told_apart_from_an_identifier(void **state) {
    (void)state;
    static const char *const lines[] = {
        "(1.0) can0 20000080#0000000000000000",
        "  can0  20000080   [8]  00 00 00 00 00 00 00 00   ERRORFRAME"};
    for (size_t i = 0; i < 2; i++) {
        struct sim_candump line;
        assert_true(sim_candump_parse(lines[i], strlen(lines[i]), &line));
        assert_true(line.error_frame);
        assert_int_equal(line.frame.id, 0x80);
    }
}

static void anything_else_is_no_frame(void **state) {
    (void)state;
    static const struct {
        const char *what, *line;
    } cases[] = {
        {"empty", ""},
        {"blank", "   "},
        {"words", "interface can0 is up"},
        {"a time alone", "(1436509052.249713)"},
        {"a time without an end", "(1436509052.249713 can0 351#00"},
        {"no identifier", "(1.0) can0 #00"},
        {"two digits of it", "(1.0) can0 51#00"},
        {"nine digits of it", "(1.0) can0 123456789#00"},
        {"over 0x7FF", "(1.0) can0 800#00"},
        {"flags no kernel writes", "(1.0) can0 80000351#00"},
        {"half a byte", "(1.0) can0 351#4502B"},
        {"nine bytes", "(1.0) can0 351#001122334455667788"},
        {"no hexadecimal digit", "(1.0) can0 351#0G"},
        {"CAN FD", "(1.0) can0 351##1001122"},
        {"CAN FD on the screen", "  can0  351  [02]  45 02"},
        {"something behind the data", "(1.0) can0 351#00 nonsense"},
        {"fewer bytes than told", "  can0  351   [3]  45 02"},
        {"more bytes than told", "  can0  351   [1]  45 02"},
        {"length 9", "  can0  351   [9]  00 11 22 33 44 55 66 77 88"},
        {"bytes that run together", "  can0  351   [2]  4502"},
        {"an interface of 17 characters", "(1.0) abcdefghijklmnopq 351#00"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        print_message("    %s\n", cases[i].what);
        struct sim_candump line;
        assert_false(sim_candump_parse(cases[i].line, strlen(cases[i].line), &line));
    }
}

/* On the heap and exactly as long, so that the sanitizer sees a read beyond the end. */
static void every_beginning_of_a_line_is_read_without_reading_on(void **state) {
    (void)state;
    static const char *const lines[] = {
        "(1436509052.249713) can0 351#4502B4001C02A401 R",
        " (000.001234)  can0  RX - -  351   [8]  45 02 B4 00 1C 02 A4 01   'E.......'",
        "  can0  351   [8]  remote request", "(1.0) can0 18FF50E5#R8"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        for (size_t n = 0; n <= strlen(lines[i]); n++) {
            struct sim_candump line;
            char *part = malloc(n > 0 ? n : 1);
            assert_non_null(part);
            memcpy(part, lines[i], n);
            bool good = sim_candump_parse(part, n, &line);
            assert_true(good || n < strlen(lines[i]));
            free(part);
        }
    }
}

static void a_line_that_is_too_long_is_no_frame(void **state) {
    (void)state;
    static char line[SIM_CANDUMP_LINE_MAX + 1];
    static const char frame[] = "(1.0) can0 351#00";
    struct sim_candump out;
    memset(line, ' ', sizeof line);
    memcpy(line, frame, sizeof frame - 1);
    assert_true(sim_candump_parse(line, SIM_CANDUMP_LINE_MAX, &out));
    assert_false(sim_candump_parse(line, SIM_CANDUMP_LINE_MAX + 1, &out));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_of_candump_are_read),
        cmocka_unit_test(an_error_frame_is_told_apart_from_an_identifier),
        cmocka_unit_test(anything_else_is_no_frame),
        cmocka_unit_test(every_beginning_of_a_line_is_read_without_reading_on),
        cmocka_unit_test(a_line_that_is_too_long_is_no_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
