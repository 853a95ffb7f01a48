/* SPDX-License-Identifier: MIT */
/* The messages that carry text: names, cell and sensor names, the serial number; and what the table
 * of messages contains. */
#include "fixture.h"

static void set_text(char *field, size_t capacity, const char *text) {
    memset(field, 0, capacity);
    memcpy(field, text, strlen(text) < capacity ? strlen(text) : capacity);
}

static void the_name_is_the_owners_or_the_manufacturer(void **state) {
    (void)state;
    static const struct {
        const char *what, *manufacturer, *name;
        const char *in_35e, *in_370, *in_371; /* 8 bytes each, NULL: not sent */
    } cases[] = {
        {"no name", "TinyBMS", "", "TinyBMS\0", NULL, NULL},
        {"manufacturer of 8", "Enepaq42", "", "Enepaq42", NULL, NULL},
        {"name of 1", "TinyBMS", "A", "A\0\0\0\0\0\0\0", NULL, NULL},
        {"name of 7", "TinyBMS", "Cellars", "Cellars\0", NULL, NULL},
        {"name of 8", "TinyBMS", "Cellar 1", "Cellar 1", NULL, NULL},
        {"name of 9", "TinyBMS", "Cellar 12", "Cellar 1", "Cellar 1", "2\0\0\0\0\0\0\0"},
        {"name of 15", "TinyBMS", "Cellar rack two", "Cellar r", "Cellar r", "ack two\0"},
        {"name of 16", "TinyBMS", "Cellar rack four", "Cellar r", "Cellar r", "ack four"},
        {"no manufacturer either", "", "", NULL, NULL, NULL},
        {"name without manufacturer", "", "Rack", "Rack\0\0\0\0", NULL, NULL},
        /* UTF-8 e acute is C3 A9: two bytes, two question marks */
        {"not ASCII", "TinyBMS", "Caf\xC3\xA9", "Caf??\0\0\0", NULL, NULL},
        {"control characters", "TinyBMS", "\x1F \x7E\x7F\x80\xFF", "? ~???\0\0", NULL, NULL},
        {"not ASCII in the second part", "TinyBMS", "12345678\x80\n", "12345678", "12345678",
         "??\0\0\0\0\0\0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        fixture_init(&f);
        set_text(f.config.manufacturer, sizeof f.config.manufacturer, cases[i].manufacturer);
        set_text(f.config.battery_name, sizeof f.config.battery_name, cases[i].name);
        const char *expected[] = {cases[i].in_35e, cases[i].in_370, cases[i].in_371};
        static const uint16_t ids[] = {0x35E, 0x370, 0x371};
        for (size_t k = 0; k < 3; k++) {
            if (expected[k] != NULL) {
                assert_frame(&f, cases[i].what, ids[k], (const uint8_t *)expected[k]);
            } else {
                assert_not_sent(&f, cases[i].what, ids[k]);
            }
        }
    }
}

static void texts_without_an_end_are_read_no_further_than_their_field(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f);
    memset(f.config.manufacturer, 'M', sizeof f.config.manufacturer);
    memset(f.config.battery_name, 'N', sizeof f.config.battery_name);
    memset(f.config.battery_family, 'F', sizeof f.config.battery_family);
    assert_frame(&f, "name", 0x35E, (const uint8_t *)"NNNNNNNN");
    assert_frame(&f, "name, second part", 0x371, (const uint8_t *)"NNNNNNNN");
    assert_frame(&f, "family", 0x382, (const uint8_t *)"FFFFFFFF");
    f.config.battery_name[0] = '\0';
    assert_frame(&f, "manufacturer", 0x35E, (const uint8_t *)"MMMMMMMM");
    assert_not_sent(&f, "manufacturer, first part", 0x370);
}

static void the_family_is_sent_where_there_is_one(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f);
    assert_frame(&f, "family", 0x382, (const uint8_t *)"TinyBMS\0");
    set_text(f.config.battery_family, sizeof f.config.battery_family, "Li\xE9");
    assert_frame(&f, "not ASCII", 0x382, (const uint8_t *)"Li?\0\0\0\0\0");
    set_text(f.config.battery_family, sizeof f.config.battery_family, "");
    assert_not_sent(&f, "no family", 0x382);
}

static void extreme_cells_have_the_number_of_their_cell(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f);
    assert_frame(&f, "cell 7", 0x374, (const uint8_t *)"Cell 07\0");
    assert_frame(&f, "cell 14", 0x375, (const uint8_t *)"Cell 14\0");
    f.battery.min_cell = 16;
    f.battery.max_cell = 1;
    assert_frame(&f, "cell 16", 0x374, (const uint8_t *)"Cell 16\0");
    assert_frame(&f, "cell 1", 0x375, (const uint8_t *)"Cell 01\0");
    f.battery.min_cell = 1;
    f.battery.max_cell = 16;
    assert_frame(&f, "cell 1", 0x374, (const uint8_t *)"Cell 01\0");
    assert_frame(&f, "cell 16", 0x375, (const uint8_t *)"Cell 16\0");
    f.battery.min_cell = 10;
    f.battery.max_cell = 9;
    assert_frame(&f, "cell 10", 0x374, (const uint8_t *)"Cell 10\0");
    assert_frame(&f, "cell 9", 0x375, (const uint8_t *)"Cell 09\0");
}

static void unknown_extreme_cells_have_no_name(void **state) {
    (void)state;
    static const uint8_t numbers[] = {0, 17, 255};
    struct fixture f;
    for (size_t i = 0; i < sizeof numbers; i++) {
        fixture_init(&f);
        f.battery.min_cell = numbers[i];
        assert_not_sent(&f, "no such cell", 0x374);
        assert_frame(&f, "the other one", 0x375, (const uint8_t *)"Cell 14\0");
        fixture_init(&f);
        f.battery.max_cell = numbers[i];
        assert_not_sent(&f, "no such cell", 0x375);
        assert_frame(&f, "the other one", 0x374, (const uint8_t *)"Cell 07\0");
    }
    fixture_init(&f);
    fixture_forget(&f, BATTERY_CELLS);
    assert_not_sent(&f, "cells never read", 0x374);
    assert_not_sent(&f, "cells never read", 0x375);
    fixture_init(&f);
    f.battery.cell_count = 0;
    assert_not_sent(&f, "no cells", 0x374);
    assert_not_sent(&f, "no cells", 0x375);
}

static void extreme_temperatures_have_the_name_of_their_sensor(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f); /* sensor 1: 21.5 degC, sensor 2: 10.2 degC */
    assert_frame(&f, "coldest", 0x376, (const uint8_t *)"Sensor 2");
    assert_frame(&f, "warmest", 0x377, (const uint8_t *)"Sensor 1");
    fixture_forget(&f, BATTERY_EXTERNAL_TEMPERATURE_2);
    assert_frame(&f, "coldest of one", 0x376, (const uint8_t *)"Sensor 1");
    fixture_forget(&f, BATTERY_EXTERNAL_TEMPERATURE_1);
    assert_frame(&f, "coldest, the board alone", 0x376, (const uint8_t *)"Internal");
    assert_frame(&f, "warmest, the board alone", 0x377, (const uint8_t *)"Internal");
    fixture_forget(&f, BATTERY_INTERNAL_TEMPERATURE);
    assert_not_sent(&f, "coldest, no sensor", 0x376);
    assert_not_sent(&f, "warmest, no sensor", 0x377);
}

static void the_serial_number_is_text_or_hex_digits_in_two_frames(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint8_t serial[BATTERY_SERIAL_BYTES];
        const char *in_380, *in_381;
    } cases[] = {
        {"12 characters", "TB1234567890", "TB123456", "7890\0\0\0\0"},
        {"the ends of what is printable", " ~ ~ ~ ~ ~ ~", " ~ ~ ~ ~", " ~ ~\0\0\0\0"},
        /* the last 8 bytes in hex */
        {"a chip's number",
         {0x41, 0, 0x2C, 0, 0x12, 0x51, 0x38, 0x32, 0x9A, 0xBC, 0xDE, 0xF0},
         "12513832",
         "9ABCDEF0"},
        /* '1'-'9' is 31-39, '0' is 30; one byte of 1F, 7F, 80 or 00 makes it hex */
        {"1F first",
         "\x1F"
         "B1234567890",
         "33343536", "37383930"},
        {"7F last", "TB123456789\x7F", "33343536", "3738397F"},
        {"80 inside",
         "TB123\x80"
         "567890",
         "33803536", "37383930"},
        {"zero last", "TB123456789", "33343536", "37383900"},
        {"a single bit, first", {1}, "00000000", "00000000"},
        {"a single bit, last", {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, "00000000", "00000001"},
        {"all 0xFF but one bit",
         {0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
         "FFFFFFFF",
         "FFFFFFFF"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        fixture_init(&f);
        memcpy(f.battery.serial, cases[i].serial, BATTERY_SERIAL_BYTES);
        assert_frame(&f, cases[i].what, 0x380, (const uint8_t *)cases[i].in_380);
        assert_frame(&f, cases[i].what, 0x381, (const uint8_t *)cases[i].in_381);
    }
}

static void without_a_serial_number_neither_frame_is_sent(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_forget(&f, BATTERY_SERIAL);
    assert_not_sent(&f, "never read", 0x380);
    assert_not_sent(&f, "never read", 0x381);
    fixture_init(&f);
    memset(f.battery.serial, 0x00, BATTERY_SERIAL_BYTES);
    assert_not_sent(&f, "all 0x00", 0x380);
    assert_not_sent(&f, "all 0x00", 0x381);
    memset(f.battery.serial, 0xFF, BATTERY_SERIAL_BYTES);
    assert_not_sent(&f, "all 0xFF", 0x380);
    assert_not_sent(&f, "all 0xFF", 0x381);
}

/* The whole list of what may go out, in its order; neither 0x305, which is the GX's, nor 0x378. */
static const uint16_t allowed[] = {0x351, 0x35A, 0x355, 0x356, 0x35E, 0x35F, 0x370, 0x371, 0x372,
                                   0x373, 0x374, 0x375, 0x376, 0x377, 0x379, 0x380, 0x381, 0x382};

static void the_table_is_the_list_of_the_protocol_in_its_order(void **state) {
    (void)state;
    assert_int_equal(victron_table_rows, sizeof allowed / sizeof allowed[0]);
    for (unsigned row = 0; row < victron_table_rows; row++) {
        struct fixture f;
        struct victron_frame out;
        fixture_init(&f);
        memset(&out, 0xA5, sizeof out);
        assert_int_equal(victron_table[row].id, allowed[row]);
        assert_true(victron_table[row].encode(&f.source, &out));
        assert_int_equal(out.id, allowed[row]);
        assert_int_equal(out.len, 8);
        assert_true(strlen(victron_table[row].name) > 0);
        for (unsigned other = 0; other < row; other++) {
            assert_string_not_equal(victron_table[row].name, victron_table[other].name);
        }
    }
}

static void a_battery_about_which_nothing_is_known_says_nothing_false(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f);
    battery_init(&f.battery);
    static const uint16_t silent[] = {0x355, 0x356, 0x35F, 0x374, 0x375,
                                      0x376, 0x377, 0x379, 0x380, 0x381};
    for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++) {
        assert_not_sent(&f, "nothing known", silent[i]);
    }
    assert_frame(&f, "nothing known", 0x373,
                 (const uint8_t[8]){0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_is_the_owners_or_the_manufacturer),
        cmocka_unit_test(texts_without_an_end_are_read_no_further_than_their_field),
        cmocka_unit_test(the_family_is_sent_where_there_is_one),
        cmocka_unit_test(extreme_cells_have_the_number_of_their_cell),
        cmocka_unit_test(unknown_extreme_cells_have_no_name),
        cmocka_unit_test(extreme_temperatures_have_the_name_of_their_sensor),
        cmocka_unit_test(the_serial_number_is_text_or_hex_digits_in_two_frames),
        cmocka_unit_test(without_a_serial_number_neither_frame_is_sent),
        cmocka_unit_test(the_table_is_the_list_of_the_protocol_in_its_order),
        cmocka_unit_test(a_battery_about_which_nothing_is_known_says_nothing_false),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
