/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tinybms/image.h"
#include "tinybms/registers.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct tinybms_register *at(uint16_t addr) {
    const struct tinybms_register *r = tinybms_register_at(addr);
    if (r == NULL) {
        fail_msg("no register %u", addr);
    }
    return r;
}

static void rows_are_in_the_order_of_addresses_and_do_not_overlap(void **state) {
    (void)state;
    /* 16 cells, 17 more live rows, 15 of statistics, the events, 37 settings, 5 of version: 90 rows
     * in the document's map */
    assert_int_equal(tinybms_registers_count, 90);
    for (size_t i = 1; i < tinybms_registers_count; i++) {
        const struct tinybms_register *a = &tinybms_registers[i - 1], *b = &tinybms_registers[i];
        assert_true(a->addr + a->words <= b->addr);
    }
}

static void every_row_is_found_by_address_and_by_name(void **state) {
    (void)state;
    for (size_t i = 0; i < tinybms_registers_count; i++) {
        const struct tinybms_register *r = &tinybms_registers[i];
        assert_ptr_equal(tinybms_register_at(r->addr), r);
        assert_ptr_equal(tinybms_register_named(r->name), r);
        assert_non_null(tinybms_register_notes(r));
        assert_true(strlen(r->name) > 0);
    }
    assert_null(tinybms_register_at(16));
    assert_null(tinybms_register_at(33)); /* the high word of 32 */
    assert_null(tinybms_register_at(302));
    assert_null(tinybms_register_at(65535));
    assert_null(tinybms_register_named("cell_17_voltage"));
    assert_null(tinybms_register_named(""));
}

static void every_row_is_of_a_plausible_shape(void **state) {
    (void)state;
    for (size_t i = 0; i < tinybms_registers_count; i++) {
        const struct tinybms_register *r = &tinybms_registers[i];
        bool two = r->type == TINYBMS_U32 || r->type == TINYBMS_F32;
        bool list = r->type == TINYBMS_BYTES || r->type == TINYBMS_EVENT_LIST;
        assert_true(list || r->words == (two ? 2 : 1));
        assert_true(r->numerator == 1 || r->numerator == 2);
        assert_true(r->decimals <= 6);
        assert_int_equal(r->writable, r->addr >= 300 && r->addr < 400);
        assert_true(!r->writable || r->ranged); /* nothing is written unchecked */
        assert_true(!r->ranged || r->min < r->max);
        for (const struct tinybms_choice *c = r->choices; c != NULL && c->text != NULL; c++) {
            assert_ptr_equal(tinybms_register_choice(r, c->value), c->text);
            assert_true(!r->ranged || (c->value >= r->min && c->value <= r->max));
        }
        const struct tinybms_block *block = &tinybms_blocks[tinybms_register_group(r)];
        assert_true(r->addr >= block->first);
        if (r->addr != 54) { /* speed: not part of the fast sample */
            assert_true(r->addr + r->words <= block->first + block->words);
        }
    }
}

static void every_value_of_a_ranged_enumeration_has_a_word(void **state) {
    (void)state;
    for (size_t i = 0; i < tinybms_registers_count; i++) {
        const struct tinybms_register *r = &tinybms_registers[i];
        for (int32_t v = r->min; r->choices != NULL && r->ranged && v <= r->max; v++) {
            bool unnamed =
                r->addr == 337 && (v == 1 || (v >= 10 && v <= 15)); /* in the document too */
            if ((tinybms_register_choice(r, (uint32_t)v) == NULL) != unnamed) {
                fail_msg("%s %d", r->name, (int)v);
            }
        }
    }
    assert_string_equal(tinybms_register_choice(at(50), 0x97), "idle");
    assert_null(tinybms_register_choice(at(50), 0x98));
    assert_string_equal(tinybms_register_choice(at(340), 0xAB01), "single port"); /* low byte */
    assert_null(tinybms_register_choice(at(300), 4150));
}

static void rows_say_what_the_document_says(void **state) {
    (void)state;
    static const struct {
        uint16_t addr;
        const char *name, *unit;
        uint8_t words, numerator, decimals;
        int32_t min, max;
    } cases[] = {
        {0, "cell_1_voltage", "mV", 1, 1, 1, 0, 0},
        {15, "cell_16_voltage", "mV", 1, 1, 1, 0, 0},
        {32, "lifetime_counter", "s", 2, 1, 0, 0, 0},
        {36, "pack_voltage", "V", 2, 1, 3, 0, 0},
        {45, "state_of_health", "%", 1, 2, 3, 0, 50000},
        {46, "state_of_charge", "%", 2, 1, 6, 0, 0},
        {100, "total_distance", "km", 2, 1, 2, 0, 0},
        {104, "max_cell_voltage_difference", "mV", 1, 1, 1, 0, 0},
        {300, "fully_charged_voltage", "mV", 1, 1, 0, 1200, 4500},
        {301, "fully_discharged_voltage", "mV", 1, 1, 0, 1000, 3500},
        {303, "early_balancing_threshold", "mV", 1, 1, 0, 1000, 4500},
        {304, "charge_finished_current", "mA", 1, 1, 0, 100, 5000},
        {306, "battery_capacity", "Ah", 1, 1, 2, 10, 65500},
        {307, "series_cells", "", 1, 1, 0, 4, 16},
        {308, "allowed_disbalance", "mV", 1, 1, 0, 15, 100},
        {312, "pulses_per_unit", "", 2, 1, 0, 1, 100000},
        {315, "over_voltage_cutoff", "mV", 1, 1, 0, 1200, 4500},
        {316, "under_voltage_cutoff", "mV", 1, 1, 0, 800, 3500},
        {317, "discharge_over_current_cutoff", "A", 1, 1, 0, 1, 750},
        {318, "charge_over_current_cutoff", "A", 1, 1, 0, 1, 750},
        {319, "over_heat_cutoff", "degC", 1, 1, 0, 20, 90},
        {320, "low_temperature_charger_cutoff", "degC", 1, 1, 0, -40, 10},
        {321, "charge_restart_level", "%", 1, 1, 0, 60, 95},
        {328, "state_of_charge_setting", "%", 1, 2, 3, 0, 50000},
        {332, "automatic_recovery", "s", 1, 1, 0, 0, 30},
        {343, "protocol", "", 1, 1, 0, 0, 2},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct tinybms_register *r = at(cases[i].addr);
        assert_string_equal(r->name, cases[i].name);
        assert_string_equal(r->unit, cases[i].unit);
        assert_int_equal(r->words, cases[i].words);
        assert_int_equal(r->numerator, cases[i].numerator);
        assert_int_equal(r->decimals, cases[i].decimals);
        assert_int_equal(r->min, cases[i].min);
        assert_int_equal(r->max, cases[i].max);
    }
}

static void raw_values_are_scaled_by_integers(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint16_t addr;
        uint32_t raw;
        enum battery_validity validity;
        int64_t scaled;
    } cases[] = {
        {"3970.2 mV", 2, 39702, BATTERY_VALID, 39702},
        {"lifetime beyond 31 bits", 32, 0xFFFFFFFE, BATTERY_VALID, 4294967294},
        {"55.677 V", 36, 0x425EB53F, BATTERY_VALID, 55677},
        {"NaN is no voltage", 36, 0x7FC00000, BATTERY_RESERVED, 0},
        {"-10 A", 38, 0xC1200000, BATTERY_VALID, -10000},
        {"-12.3 degC", 42, 0xFF85, BATTERY_VALID, -123},
        {"no sensor", 42, 0x8000, BATTERY_ABSENT, 0},
        {"health 98 %: 49000 x 0.002", 45, 49000, BATTERY_VALID, 98000},
        {"health of older firmware", 45, 0, BATTERY_RESERVED, 0},
        {"health of older firmware, ones", 45, 0xFFFF, BATTERY_RESERVED, 0},
        {"health over 100 %", 45, 50001, BATTERY_RESERVED, 0},
        {"80.587318 %", 46, 80587318, BATTERY_VALID, 80587318},
        {"peak cut-off unknown, 0", 305, 0, BATTERY_RESERVED, 0},
        {"peak cut-off unknown, ones", 305, 0xFFFF, BATTERY_RESERVED, 0},
        {"peak cut-off", 305, 300, BATTERY_VALID, 300},
        {"310 unknown", 310, 0, BATTERY_RESERVED, 0},
        {"311 unknown", 311, 0xFFFF, BATTERY_RESERVED, 0},
        {"321 unknown", 321, 0, BATTERY_RESERVED, 0},
        {"66 Ah", 306, 6600, BATTERY_VALID, 6600},
        {"-40 degC", 320, 0xFFD8, BATTERY_VALID, -40},
        {"-1 degC is not 'all ones'", 320, 0xFFFF, BATTERY_VALID, -1},
        {"taken over", 328, 0xFFFF, BATTERY_RESERVED, 0},
        {"set to 0 %", 328, 0, BATTERY_VALID, 0},
        {"the low byte alone", 340, 0xFF01, BATTERY_VALID, 1},
        {"a list has no number", 200, 1, BATTERY_RESERVED, 0},
        {"nor has a string of bytes", 504, 1, BATTERY_RESERVED, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t out = 0;
        enum battery_validity v = tinybms_register_scale(at(cases[i].addr), cases[i].raw, &out);
        if (v != cases[i].validity || out != cases[i].scaled) {
            fail_msg("%s: %d %lld", cases[i].what, (int)v, (long long)out);
        }
    }
}

static void what_may_be_written_is_what_the_range_says(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint16_t addr;
        uint32_t raw;
        int err;
    } cases[] = {
        {"a live value", 36, 0, GW_ERR_READ_ONLY},
        {"a version", 500, 0, GW_ERR_READ_ONLY},
        {"lowest", 300, 1200, GW_OK},
        {"highest", 300, 4500, GW_OK},
        {"below", 300, 1199, GW_ERR_RANGE},
        {"above", 300, 4501, GW_ERR_RANGE},
        {"more than a word", 300, 65536 + 4000, GW_ERR_RANGE},
        {"a bit over a word", 300, 0x10000, GW_ERR_RANGE},
        {"two words", 312, 100000, GW_OK},
        {"two words, above", 312, 100001, GW_ERR_RANGE},
        {"-40 degC in 16 bits", 320, 0xFFD8, GW_OK},
        {"-40 degC sign-extended", 320, 0xFFFFFFD8, GW_OK},
        {"-41 degC", 320, 0xFFD7, GW_ERR_RANGE},
        {"11 degC", 320, 11, GW_ERR_RANGE},
        {"neither 16 bits nor sign-extended", 320, 0x10005, GW_ERR_RANGE},
        {"the last that is not sign-extended", 320, 0xFFFF7FFF, GW_ERR_RANGE},
        {"peak current unknown", 305, 0, GW_ERR_RANGE},
        {"peak current unknown, ones", 305, 0xFFFF, GW_ERR_RANGE},
        {"peak current", 305, 200, GW_OK},
        {"three flags", 329, 7, GW_OK},
        {"a fourth flag", 329, 8, GW_ERR_RANGE},
        {"CC/CV and 30 s", 330, 0x1E01, GW_OK},
        {"31 s", 330, 0x1F01, GW_ERR_RANGE},
        {"charger type 3", 330, 0x0103, GW_ERR_RANGE},
        {"an 8-bit register", 340, 1, GW_OK},
        {"its reserved byte", 340, 0x0101, GW_ERR_RANGE},
        {"charger switch 0", 333, 0, GW_ERR_RANGE},
        {"precharge on the last pin", 337, 0x10, GW_OK},
        {"a value without a meaning", 337, 10, GW_ERR_RANGE},
        {"another one", 337, 1, GW_ERR_RANGE},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int err = tinybms_register_check(at(cases[i].addr), cases[i].raw);
        if (err != cases[i].err) {
            fail_msg("%s: %d", cases[i].what, err);
        }
    }
    assert_int_equal(tinybms_register_mask(at(340)), 0x00FF);
    assert_int_equal(tinybms_register_mask(at(329)), 0x0007);
    assert_int_equal(tinybms_register_mask(at(300)), 0xFFFF);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_in_the_order_of_addresses_and_do_not_overlap),
        cmocka_unit_test(every_row_is_found_by_address_and_by_name),
        cmocka_unit_test(every_row_is_of_a_plausible_shape),
        cmocka_unit_test(every_value_of_a_ranged_enumeration_has_a_word),
        cmocka_unit_test(rows_say_what_the_document_says),
        cmocka_unit_test(raw_values_are_scaled_by_integers),
        cmocka_unit_test(what_may_be_written_is_what_the_range_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
