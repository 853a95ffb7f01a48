/* SPDX-License-Identifier: MIT */
/* Scales and units from the register table of the protocol's revision D. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "register_text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void values_are_shown_in_the_unit_of_the_catalogue(void **state) {
    static const struct {
        uint16_t addr;
        uint32_t raw;
        const char *text;
    } cases[] = {
        {0, 39710, "3971.0"},        /* 0.1 mV */
        {36, 0x425EB53F, "55.677"},  /* float: 55.67700, registers 36 and 37 of a real device */
        {42, 0x8000, "absent"},      /* no such sensor */
        {42, 0xFFF1, "-1.5"},        /* -15 x 0.1 degC */
        {45, 49000, "98.000"},       /* 0.002 % */
        {46, 64200000, "64.200000"}, /* 0.000001 % */
        {45, 65535, "unknown"},      /* older firmware */
        {50, 0x97, "151 idle"},      {50, 0x42, "66"},     /* a status nobody knows yet */
        {300, 4200, "4200"},         {306, 6600, "66.00"}, /* 0.01 Ah */
        {320, 0xFFF6, "-10"},        {328, 0xFFFF, "taken over"},
        {113, 0x1510, "0x1510"}, /* two numbers in one register */
        {340, 1, "1 single port"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[64];
        register_print_value(tinybms_register_at(cases[i].addr), cases[i].raw, text, sizeof text);
        if (strcmp(text, cases[i].text) != 0) {
            fail_msg("register %u: %s, not %s", cases[i].addr, text, cases[i].text);
        }
    }
}

static void values_are_typed_in_the_same_unit(void **state) {
    static const struct {
        uint16_t addr;
        const char *text;
        int err;
        uint32_t raw;
    } cases[] = {
        {300, "4200", GW_OK, 4200},
        {300, "4200.0", GW_OK, 4200},
        {300, "4200.5", GW_ERR_RANGE, 0}, /* half a millivolt */
        {300, "0x1068", GW_OK, 4200},
        {300, "0X1068", GW_OK, 4200},
        {306, "66", GW_OK, 6600},
        {306, "66.5", GW_OK, 6650},
        {306, "66.505", GW_ERR_RANGE, 0},
        {306, ".5", GW_OK, 50},
        {306, "655.35", GW_OK, 65535},
        {306, "655.36", GW_ERR_RANGE, 0},
        {320, "-10", GW_OK, 0xFFF6},
        {320, "+5", GW_OK, 5},
        {320, "-32769", GW_ERR_RANGE, 0},
        {300, "-1", GW_ERR_RANGE, 0},
        {328, "50", GW_OK, 25000}, /* 50 % in steps of 0.002 % */
        {328, "50.002", GW_OK, 25001},
        {328, "50.001", GW_ERR_RANGE, 0},
        {312, "100000", GW_OK, 100000},
        {312, "4294967295", GW_OK, 4294967295},
        {312, "4294967296", GW_ERR_RANGE, 0},
        {340, "single port", GW_OK, 1},
        {340, "1", GW_OK, 1},
        {340, "single", GW_ERR_SYNTAX, 0},
        {330, "0x0501", GW_OK, 0x0501},
        {330, "1281", GW_OK, 0x0501},
        {300, "", GW_ERR_SYNTAX, 0},
        {300, "-", GW_ERR_SYNTAX, 0},
        {300, ".", GW_ERR_SYNTAX, 0},
        {300, "4,2", GW_ERR_SYNTAX, 0},
        {300, "4200 ", GW_ERR_SYNTAX, 0},
        {300, "1.2.3", GW_ERR_SYNTAX, 0},
        {300, "0x", GW_ERR_SYNTAX, 0},
        {300, "0x10G", GW_ERR_SYNTAX, 0},
        {300, "0xFFFFFFFFFFFFFFFFFF", GW_ERR_RANGE, 0},
        {300, "99999999999999999999999999", GW_ERR_RANGE, 0},
        {300, "nan", GW_ERR_SYNTAX, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint32_t raw = 0;
        int err = register_parse_value(tinybms_register_at(cases[i].addr), cases[i].text, &raw);
        if (err != cases[i].err || (err == GW_OK && raw != cases[i].raw)) {
            fail_msg("register %u, \"%s\": %d, %u", cases[i].addr, cases[i].text, err, raw);
        }
    }
}

static void ranges_are_shown_in_the_same_unit(void **state) {
    static const struct {
        uint16_t addr;
        const char *text;
    } cases[] = {
        {300, "1200 to 4500"},
        {306, "0.10 to 655.00"},
        {320, "-40 to 10"},
        {328, "0.000 to 100.000"},
        {36, ""},
        {504, ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[64];
        register_print_range(tinybms_register_at(cases[i].addr), text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
}

static void a_register_is_named_by_address_or_name(void **state) {
    static const struct {
        const char *text;
        int addr;
        bool row;
    } cases[] = {
        {"300", 300, true},
        {"0x12C", 300, true},
        {"fully_charged_voltage", 300, true},
        {"302", 302, false},
        {"65535", 65535, false},
        {"65536", -1, false},
        {"-1", -1, false},
        {"", -1, false},
        {"300x", -1, false},
        {"no_such_register", -1, false},
        {"0x", -1, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int addr = 0;
        const struct tinybms_register *r = register_find(cases[i].text, &addr);
        if (addr != cases[i].addr || (r != NULL) != cases[i].row) {
            fail_msg("\"%s\": %d", cases[i].text, addr);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_shown_in_the_unit_of_the_catalogue),
        cmocka_unit_test(values_are_typed_in_the_same_unit),
        cmocka_unit_test(ranges_are_shown_in_the_same_unit),
        cmocka_unit_test(a_register_is_named_by_address_or_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
