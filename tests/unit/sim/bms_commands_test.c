/* SPDX-License-Identifier: MIT */
/* Every command of the virtual BMS against frames written by hand from the protocol document. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "wire.h"

/* The document's worked examples, CRCs included: they prove the CRC that the other cases use. */
static void the_worked_examples_of_the_document_hold(void **state) {
    (void)state;
    struct wire w;
    wire_init(&w, NULL);
    /* 4200 mV and 2500 mV to 315 and 316; 2500 + 10 <= register 301 = 3000 */
    wire_send(&w, "AA 10 01 3B 00 02 04 10 68 09 C4 19 61");
    wire_expect(&w, "AA 10 01 3B 00 02 28 22");
    assert_int_equal(w.bms.reg[315], 4200);
    assert_int_equal(w.bms.reg[316], 2500);
    wire_load(&w, "5 0x9740\n6 0x9740\n7 0x972C\n8 0x972C\n9 0x972C\n");
    wire_send(&w, "AA 03 00 05 00 05 8C 13");
    wire_expect(&w, "AA 03 0A 97 40 97 40 97 2C 97 2C 97 2C 3E C7");
    /* 27.8, 27.6, 27.8 degC: internal (48), external 1 (42) and 2 (43) */
    wire_load(&w, "48 278\n42 276\n43 278\n");
    wire_send(&w, "AA 1B 3F 1B");
    wire_expect(&w, "AA 1B 06 16 01 14 01 16 01 0E 4E");
}

/* A recording whose values are easy to tell apart. 36-37: 58.0 V = 0x42680000. 38-39: -5.0 A =
 * 0xC0A00000. 54-55: 12.5 km/h = 0x41480000. */
static const char file[] = "# a comment\n"
                           "\n"
                           "  14 0xA0A1 # cell 2\n"
                           "15 0xA0A0\n"
                           "32 0xF8D0\n33 0x00D6\n34 0xD51C\n35 0x0266\n"
                           "36 0x0000\n37 0x4268\n38 0x0000\n39 0xC0A0\n"
                           "40 4100\n41 4111\n42 0x8000\n43 0x00FA\n44 0x0007\n"
                           "46 0xAA36\n47 0x04CD\n48 0xFFF6\n50 0x0097\n53 2\n"
                           "54 0x0000\n55 0x4148\n"
                           "200 0x1226\n201 0x6500\n202 0x4E2B\n203 0x64B9\n"
                           "300 0x1036\n500 0x0102\n501 0x0301\n502 0x00F2\n503 0x0418\n";

static void each_command_answers_as_its_row_of_the_document_says(void **state) {
    (void)state;
    static const struct {
        const char *what, *request, *reply;
    } cases[] = {
        {"0x03 high byte first", "AA 03 00 0E 00 02", "AA 03 04 A0 A1 A0 A0"},
        {"0x07 low byte first", "AA 07 02 0E 00", "AA 07 04 A1 A0 A0 A0"},
        {"0x09 each with its address", "AA 09 04 2C 01 2A 00", "AA 09 08 2C 01 36 10 2A 00 00 80"},
        {"0x12 all events", "AA 12", "AA 12 0C D0 F8 D6 00 26 12 00 65 2B 4E B9 64"},
        {"0x14 pack voltage", "AA 14", "AA 14 00 00 68 42"},
        {"0x15 pack current", "AA 15", "AA 15 00 00 A0 C0"},
        {"0x16 highest cell, 4111 = 0x100F", "AA 16", "AA 16 0F 10"},
        {"0x17 lowest cell, 4100 = 0x1004", "AA 17", "AA 17 04 10"},
        {"0x18 status", "AA 18", "AA 18 97 00"},
        {"0x19 lifetime", "AA 19", "AA 19 D0 F8 D6 00"},
        {"0x1A state of charge", "AA 1A", "AA 1A 36 AA CD 04"},
        {"0x1B -1.0, absent, 25.0 degC", "AA 1B", "AA 1B 06 F6 FF 00 80 FA 00"},
        {"0x1C cell 1 (register 15) first", "AA 1C", "AA 1C 04 A0 A0 A1 A0"},
        {"0x1D minimum of 300: 1200", "AA 1D 01 00 01", "AA 1D 02 B0 04"},
        {"0x1D maximum of 300-301: 4500, 3500", "AA 1D 02 00 02", "AA 1D 04 94 11 AC 0D"},
        {"0x1D present value of 300", "AA 1D 04 00 01", "AA 1D 02 36 10"},
        {"0x1E version", "AA 1E", "AA 1E 05 02 01 01 F2 00"},
        {"0x1F extended version", "AA 1F", "AA 1F 07 02 01 01 F2 00 18 04"},
        {"0x20 speed, distance, time", "AA 20", "AA 20 00 00 48 41 07 00 00 00 1C D5 66 02"},
        {"0x02 clear events", "AA 02 01", "AA 01 02"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire w;
        wire_init(&w, NULL);
        wire_load(&w, file);
        print_message("    %s\n", cases[i].what);
        wire_ask(&w, cases[i].request);
        wire_expect_frame(&w, cases[i].reply);
    }
}

static void what_it_cannot_do_is_refused_with_command_error(void **state) {
    (void)state;
    static const struct {
        const char *what, *request, *reply;
    } cases[] = {
        {"no such command", "AA 21", "AA 00 21 00"},
        {"no such command, with an argument", "AA 2F 01 02", "AA 00 2F 00"},
        {"0x02 with option 3", "AA 02 03", "AA 00 02 00"},
        {"0x03 of no register", "AA 03 00 00 00 00", "AA 00 03 00"},
        {"0x03 of 128 registers", "AA 03 00 00 00 80", "AA 00 03 00"},
        {"0x03 beyond the last register", "AA 03 01 FF 00 02", "AA 00 03 00"},
        {"0x03 with a high byte in the count", "AA 03 00 00 01 01", "AA 00 03 00"},
        {"0x07 of 128 registers", "AA 07 80 00 00", "AA 00 07 00"},
        {"0x09 with half an address", "AA 09 03 00 00 00", "AA 00 09 00"},
        {"0x10 to a live register", "AA 10 00 32 00 01 02 00 91", "AA 00 10 00"},
        {"0x10 past register 399", "AA 10 01 8F 00 02 04 00 00 00 00", "AA 00 10 00"},
        {"0x10 to a gap between settings", "AA 10 01 2E 00 01 02 00 01", "AA 00 10 00"},
        {"0x10 with a wrong byte count", "AA 10 01 2C 00 02 02 10 36", "AA 00 10 00"},
        {"0x10 out of range: 301 = 3501", "AA 10 01 2D 00 01 02 0D AD", "AA 00 10 00"},
        {"0x0B out of range: 307 = 17", "AA 0B 04 33 01 11 00", "AA 00 0B 00"},
        {"0x0D out of range: 307 = 3", "AA 0D 04 33 01 03 00", "AA 00 0D 00"},
        {"0x1D with kind 5", "AA 1D 05 00 01", "AA 00 1D 00"},
        {"0x1D of 101 registers", "AA 1D 01 00 65", "AA 00 1D 00"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire w;
        wire_init(&w, NULL);
        print_message("    %s\n", cases[i].what);
        wire_ask(&w, cases[i].request);
        wire_expect_frame(&w, cases[i].reply);
        assert_int_equal(w.bms.counters.nacks, 1);
    }
}

static void a_wrong_crc_is_refused_with_crc_error(void **state) {
    (void)state;
    struct wire w;
    wire_init(&w, NULL);
    wire_send(&w, "AA 03 00 05 00 05 8C 12"); /* the worked example's last byte is 13 */
    wire_expect_frame(&w, "AA 00 03 01");
    assert_int_equal(w.bms.counters.crc_errors, 1);
}

static void a_long_block_comes_in_packets_of_31_registers(void **state) {
    (void)state;
    struct wire w;
    wire_init(&w, NULL);
    wire_load(&w, "0 1\n30 2\n31 3\n61 4\n62 5\n63 6\n");
    wire_ask(&w, "AA 07 40 00 00"); /* 64 = 31 + 31 + 2 */
    const size_t whole = 3 + 62 + 2, rest = 3 + 4 + 2;
    assert_int_equal(w.n, 2 * whole + rest);
    static const struct {
        const char *what;
        size_t at;
        uint8_t value;
    } bytes[] = {
        {"first packet: number 1, not the last", 2, 0x81},
        {"register 0", 3, 1},
        {"register 30", 3 + 60, 2},
        {"second packet begins", 67, 0xAA},
        {"command", 68, 0x07},
        {"number 2, not the last", 69, 0x82},
        {"register 31", 70, 3},
        {"register 61", 70 + 60, 4},
        {"last packet: 4 bytes", 2 * 67 + 2, 4},
        {"register 62", 2 * 67 + 3, 5},
        {"register 63", 2 * 67 + 5, 6},
    };
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
        print_message("    %s\n", bytes[i].what);
        assert_int_equal(w.rx[bytes[i].at], bytes[i].value);
    }
    for (size_t at = 0; at < w.n; at += whole) {
        size_t n = at == 2 * whole ? rest : whole;
        assert_int_equal(sim_bms_crc(w.rx + at, n - 2), w.rx[at + n - 1] << 8 | w.rx[at + n - 2]);
    }
}

static void a_block_write_is_done_whole_or_not_at_all(void **state) {
    (void)state;
    struct wire w;
    wire_init(&w, NULL);
    /* 300 = 4100 is fine, 301 = 4095 is out of its range 1000-3500 */
    wire_ask(&w, "AA 10 01 2C 00 02 04 10 04 0F FF");
    wire_expect_frame(&w, "AA 00 10 00");
    assert_int_equal(w.bms.reg[300], 4150);
    wire_ask(&w, "AA 0B 06 2C 01 04 10 B8 0B"); /* 0x0B: 300 = 4100, 301 = 3000 */
    wire_expect_frame(&w, "AA 01 0B");
    assert_int_equal(w.bms.reg[300], 4100);
    wire_ask(&w, "AA 0D 08 2C 01 36 10 34 01 14 00"); /* 0x0D: 300 = 4150, 308 = 20 */
    wire_expect_frame(&w, "AA 01 0D");
    assert_int_equal(w.bms.reg[300], 4150);
    assert_int_equal(w.bms.reg[308], 20);
}

static void settings_that_break_their_order_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint16_t addr, value;
        bool good;
    } cases[] = {
        {"301 = 316 + 10", 301, 2910, true},
        {"301 = 316 + 9", 301, 2909, false},
        {"300 = 315 - 10", 300, 4190, true},
        {"300 = 315 - 9", 300, 4191, false},
        {"316 = 301 - 10", 316, 2990, true},
        {"316 = 301 - 9", 316, 2991, false},
        {"317 = 305 - 1", 317, 89, true},
        {"317 = 305", 317, 90, false},
        {"320 = -40", 320, (uint16_t)-40, true},
        {"320 = -41", 320, (uint16_t)-41, false},
        {"332 = 0", 332, 0, true},
        {"332 = 31", 332, 31, false},
        {"333 = 0", 333, 0, false},
        {"331: the reserved high byte is kept", 331, 0x5503, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire w;
        wire_init(&w, NULL);
        print_message("    %s\n", cases[i].what);
        assert_int_equal(sim_bms_write(&w.bms, cases[i].addr, &cases[i].value, 1), cases[i].good);
        if (cases[i].good)
            assert_int_equal(w.bms.reg[cases[i].addr], cases[i].value);
    }
}

static void a_written_state_of_charge_is_taken_over_and_reads_all_ones(void **state) {
    (void)state;
    struct wire w;
    wire_init(&w, NULL);
    wire_ask(&w, "AA 10 01 48 00 01 02 9C 40"); /* 328 = 40000 = 80 % */
    wire_expect_frame(&w, "AA 10 01 48 00 01");
    wire_ask(&w, "AA 03 01 48 00 01");
    wire_expect_frame(&w, "AA 03 02 FF FF");
    /* the house goes on charging: by 0.1 % an hour and more, not in these 0.2 s */
    assert_in_range(sim_bms_get32(&w.bms, 46), 79900000, 80100000);
}

static void newest_events_are_told_once_and_all_events_always(void **state) {
    (void)state;
    struct wire w;
    wire_init(&w, NULL);
    w.bms.reg[32] = 0x0203; /* the clock, so that the bytes below are readable */
    w.bms.reg[33] = 0x0001;
    sim_bms_clear(&w.bms, true, false);
    sim_bms_event(&w.bms, 0x62);
    sim_bms_event(&w.bms, 0x63);
    wire_ask(&w, "AA 11");
    wire_expect_frame(&w, "AA 11 0C 03 02 01 00 03 02 01 62 03 02 01 63");
    wire_ask(&w, "AA 11");
    wire_expect_frame(&w, "AA 11 04 03 02 01 00");
    wire_ask(&w, "AA 12");
    wire_expect_frame(&w, "AA 12 0C 03 02 01 00 03 02 01 62 03 02 01 63");
}

static void the_50th_event_takes_the_oldest_ones_slot(void **state) {
    (void)state;
    struct wire w;
    wire_init(&w, NULL);
    sim_bms_clear(&w.bms, true, false);
    for (unsigned i = 0; i < 50; i++)
        sim_bms_event(&w.bms, (uint8_t)(0x61 + i));
    assert_int_equal(w.bms.reg[201] >> 8, 0x61 + 49);
    assert_int_equal(w.bms.reg[203] >> 8, 0x61 + 1);
    wire_ask(&w, "AA 11"); /* all 49, the oldest (0x62) first */
    assert_int_equal(w.rx[2], 4 + 4 * 49);
    assert_int_equal(w.rx[7 + 3], 0x62);
    assert_int_equal(w.rx[7 + 48 * 4 + 3], 0x61 + 49);
}

static void reserved_registers_read_0_or_are_refused_on_demand(void **state) {
    (void)state;
    struct wire w;
    wire_init(&w, NULL);
    wire_ask(&w, "AA 03 00 00 00 36"); /* 54 registers from 0 */
    assert_int_equal(w.n, 5 + 108);
    w.bms.config.faults.refuse_reserved = true;
    static const struct {
        const char *what, *request;
        bool good;
    } cases[] = {
        {"0-53", "AA 03 00 00 00 36", false}, {"0-15", "AA 03 00 00 00 10", true},
        {"0-16", "AA 03 00 00 00 11", false}, {"32-53", "AA 03 00 20 00 16", true},
        {"31", "AA 03 00 1F 00 01", false},   {"49", "AA 03 00 31 00 01", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        print_message("    %s\n", cases[i].what);
        wire_ask(&w, cases[i].request);
        assert_int_equal(w.rx[1], cases[i].good ? 0x03 : 0x00);
    }
}

static void a_register_file_with_a_bad_line_changes_nothing_and_names_the_line(void **state) {
    (void)state;
    static const struct {
        const char *what, *text;
        unsigned line;
    } cases[] = {
        {"no value", "300 0x1036\n301\n", 2},
        {"value of 17 bits", "0 0x10000\n", 1},
        {"address 512", "512 0x0000\n", 1},
        {"words", "# fine\n\nregister 0 is 5\n", 3},
        {"something behind the value", "0 0x1 0x2\n", 1},
        {"0x without digits", "0 0x\n", 1},
        {"nothing between", "50x12\n", 1},
        {"a comment, spaces, no line end: good", " 5\t0x00ff # five", 0},
        {"carriage returns: good", "5 0x00FF\r\n", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire w;
        wire_init(&w, NULL);
        print_message("    %s\n", cases[i].what);
        assert_int_equal(sim_bms_load(&w.bms, cases[i].text, strlen(cases[i].text)), cases[i].line);
        assert_int_equal(w.bms.recording, cases[i].line == 0);
        assert_int_equal(w.bms.reg[300], cases[i].line == 0 ? 0 : 4150);
        if (cases[i].line == 0)
            assert_int_equal(w.bms.reg[5], 0xFF);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worked_examples_of_the_document_hold),
        cmocka_unit_test(each_command_answers_as_its_row_of_the_document_says),
        cmocka_unit_test(what_it_cannot_do_is_refused_with_command_error),
        cmocka_unit_test(a_wrong_crc_is_refused_with_crc_error),
        cmocka_unit_test(a_long_block_comes_in_packets_of_31_registers),
        cmocka_unit_test(a_block_write_is_done_whole_or_not_at_all),
        cmocka_unit_test(settings_that_break_their_order_are_refused),
        cmocka_unit_test(a_written_state_of_charge_is_taken_over_and_reads_all_ones),
        cmocka_unit_test(newest_events_are_told_once_and_all_events_always),
        cmocka_unit_test(the_50th_event_takes_the_oldest_ones_slot),
        cmocka_unit_test(reserved_registers_read_0_or_are_refused_on_demand),
        cmocka_unit_test(a_register_file_with_a_bad_line_changes_nothing_and_names_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
