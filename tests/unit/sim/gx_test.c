/* SPDX-License-Identifier: MIT */
/* The virtual GX against frames derived by hand from the CAN-bus BMS protocol. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "sim/gx.h"

static struct sim_can_frame frame(const char *text) {
    struct sim_can_frame f;
    assert_true(sim_can_parse(text, strlen(text), &f));
    return f;
}

static void receive(struct sim_gx *g, const char *text, uint64_t now_us) {
    struct sim_can_frame f = frame(text);
    sim_gx_handle_rx(g, &f, now_us);
}

static void each_message_is_read_as_its_row_of_the_document_says(void **state) {
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        /* 58.1 V = 581 = 0x0245; 18.0 A = 180 = 0x00B4; 54.0 A = 540 = 0x021C; 42.0 V = 0x01A4 */
        {"t35184502B4001C02A401",
         "limits: CVL 58.1 V, CCL 18.0 A, DCL 54.0 A, discharge voltage 42.0 V"},
        /* 80 % = 0x50; 98 % = 0x62; 80.53 % = 8053 = 0x1F75 */
        {"t355850006200751F0000", "state of charge: SOC 80 %, SOH 98 %, SOC (fine) 80.53 %"},
        /* 55.56 V = 5556 = 0x15B4; -3.5 A = -35 = 0xFFDD; -2.3 degC = -23 = 0xFFE9 */
        {"t3568B415DDFFE9FF0000",
         "measurements: voltage 55.56 V, current -3.5 A, temperature -2.3 degC"},
        {"t3568B4150500F0000000",
         "measurements: voltage 55.56 V, current 0.5 A, temperature 24.0 degC"},
        {"t35E854696E79424D5300", "manufacturer: \"TinyBMS\""},
        {"t38284142434445464748", "battery family: \"ABCDEFGH\""},
        /* firmware high byte first: 02 03 is 2.3; 66 Ah = 0x42 */
        {"t35F80100020342000000", "battery: model 1, firmware 2.3, online capacity 66 Ah"},
        {"t37280100000000000000",
         "modules: ok 1, blocking charge 0, blocking discharge 0, offline 0"},
        {"t3728FFFFFFFF00000100",
         "modules: ok -, blocking charge -, blocking discharge 0, offline 1"},
        /* 3972 mV = 0x0F84; 3986 = 0x0F92; 298 K = 0x012A */
        {"t3738840F920F2A012A01",
         "extremes: lowest cell 3972 mV, highest cell 3986 mV, coldest 298 K, warmest 298 K"},
        {"t3738840F920F0000FFFF",
         "extremes: lowest cell 3972 mV, highest cell 3986 mV, coldest -, warmest -"},
        /* in 100 Wh: 0x00010000 = 65536 = 6553.6 kWh; 0xFFFFFFFF is a value like any other */
        {"t378800000100FFFFFFFF", "energy: charged 6553.6 kWh, discharged 429496729.5 kWh"},
        {"t37984200000000000000", "installed capacity: installed 66 Ah"},
        {"t30580000000000000000", "keep-alive of the GX"},
        {"t30781234567856494300", "identity of the GX: VIC"},
        {"t355450006200",
         "state of charge: SOC 80 %, SOH 98 %, SOC (fine) - (4 bytes instead of 8)"},
        {"t123105", "not of the battery protocol"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char words[SIM_GX_WORDS_MAX];
        struct sim_can_frame f = frame(cases[i].text);
        assert_int_equal(sim_gx_words(&f, words, sizeof words), strlen(cases[i].words));
        assert_string_equal(words, cases[i].words);
    }
}

/* Pair k stands in bits 2k and 2k+1 from bit 0 of byte 0; 01 active, 10 inactive, 00 absent. */
static void alarm_pairs_are_read_from_their_bits(void **state) {
    (void)state;
    static const struct {
        const char *what, *text, *words;
    } cases[] = {
        {"all quiet, online: pairs 1-12 and 17-28 are 10, pair 29 is 01", "t35A8A8AAAA02A8AAAA06",
         "alarms: none; online"},
        {"offline: pair 29 is 10", "t35A8A8AAAA02A8AAAA0A", "alarms: none; offline"},
        {"nothing supported", "t35A80000000000000000", "alarms: none; online not told"},
        {"pair 1 active: byte 0 bits 2-3 are 01", "t35A8A4AAAA02A8AAAA06",
         "alarms: alarm high voltage; online"},
        {"pair 2: byte 0 bits 4-5", "t35A898AAAA02A8AAAA06", "alarms: alarm low voltage; online"},
        {"pair 11: byte 2 bits 6-7", "t35A8A8AA6A02A8AAAA06", "alarms: alarm BMS internal; online"},
        {"pair 12: byte 3 bits 0-1", "t35A8A8AAAA01A8AAAA06",
         "alarms: alarm cell imbalance; online"},
        {"pair 16 + 9: byte 6 bits 2-3", "t35A8A8AAAA02A8AAA606",
         "alarms: warning contactor; online"},
        {"pairs 2 and 16 + 7: byte 5 bits 6-7", "t35A898AAAA02A86AAA06",
         "alarms: alarm low voltage, warning high current; online"},
        {"the old mistake, 2 for alarm, is no alarm", "t35A80200000000000000",
         "alarms: none; online not told"},
        {"pair 3 is 11", "t35A8E8AAAA02A8AAAA06",
         "alarms: alarm high temperature (invalid pair 11); online"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        print_message("    %s\n", cases[i].what);
        char words[SIM_GX_WORDS_MAX];
        struct sim_can_frame f = frame(cases[i].text);
        sim_gx_words(&f, words, sizeof words);
        assert_string_equal(words, cases[i].words);
    }
}

static void json_has_the_same_values_under_names_with_units(void **state) {
    (void)state;
    static const struct {
        const char *text, *json;
    } cases[] = {
        {"t35184502B4001C02A401",
         "\"name\":\"limits\",\"cvl_v\":58.1,\"ccl_a\":18.0,\"dcl_a\":54.0,"
         "\"discharge_voltage_v\":42.0"},
        {"t35A898AAAA02A86AAA06", "\"name\":\"alarms\",\"alarms\":[\"low voltage\"],"
                                  "\"warnings\":[\"high current\"],\"online\":\"active\""},
        {"t3738840F920F0000FFFF", "\"name\":\"extremes\",\"min_cell_mv\":3972,\"max_cell_mv\":3986,"
                                  "\"min_temperature_k\":null,\"max_temperature_k\":null"},
        {"t35E8225C010000000000", "\"name\":\"manufacturer\",\"text\":\"\\\"\\\\?\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char json[SIM_GX_WORDS_MAX];
        struct sim_can_frame f = frame(cases[i].text);
        assert_int_equal(sim_gx_json(&f, json, sizeof json), strlen(cases[i].json));
        assert_string_equal(json, cases[i].json);
    }
}

static void words_are_cut_to_the_room_there_is(void **state) {
    (void)state;
    struct sim_can_frame f = frame("t35184502B4001C02A401");
    char full[SIM_GX_WORDS_MAX];
    size_t n = sim_gx_words(&f, full, sizeof full);
    for (size_t cap = 1; cap <= n + 1; cap++) {
        char part[SIM_GX_WORDS_MAX];
        memset(part, '#', sizeof part);
        assert_int_equal(sim_gx_words(&f, part, cap), cap - 1);
        assert_memory_equal(part, full, cap - 1);
        assert_int_equal(part[cap - 1], '\0');
        assert_int_equal(part[cap], '#');
    }
}

/* 26 pairs of up to 51 characters each, and the one for online. */
static void the_longest_words_of_a_frame_fit(void **state) {
    (void)state;
    char words[SIM_GX_WORDS_MAX];
    struct sim_can_frame f = frame("t35A8FFFFFFFFFFFFFFFF");
    const char *end = "; online invalid (pair 11)";
    size_t n = sim_gx_words(&f, words, sizeof words);
    assert_int_equal(n, strlen(words));
    assert_string_equal(words + n - strlen(end), end);
}

static void values_are_the_last_ones_received(void **state) {
    (void)state;
    struct sim_gx g;
    int64_t raw;
    sim_gx_init(&g, 0);
    assert_false(sim_gx_value(&g, SIM_GX_CVL, &raw));
    assert_null(sim_gx_message(&g, 0x351));
    receive(&g, "t35184502B4001C02A401", 10);
    receive(&g, "t35184402B4001C02A401", 1000010);
    assert_true(sim_gx_value(&g, SIM_GX_CVL, &raw));
    assert_int_equal(raw, 580);
    assert_int_equal(sim_gx_message(&g, 0x351)->count, 2);
    assert_int_equal(sim_gx_message(&g, 0x351)->at_us, 1000010);
    receive(&g, "t35A8A4AAAA02A8AAAA06", 1000020);
    assert_int_equal(sim_gx_last_pair(&g, 1), SIM_GX_PAIR_ACTIVE);
    assert_int_equal(sim_gx_last_pair(&g, 2), SIM_GX_PAIR_QUIET);
    assert_int_equal(sim_gx_last_pair(&g, 0), SIM_GX_PAIR_ABSENT);
    assert_int_equal(sim_gx_violation_total(&g), 0);
}

static void without_0x351_for_three_seconds_everything_stops(void **state) {
    (void)state;
    struct sim_gx g;
    sim_gx_init(&g, 0);
    assert_false(sim_gx_running(&g, 0));
    receive(&g, "t35184502B4001C02A401", 5000000);
    assert_true(sim_gx_running(&g, 5000000));
    assert_true(sim_gx_running(&g, 8000000));
    assert_false(sim_gx_running(&g, 8000001));
    assert_false(sim_gx_present(&g, 5000000)); /* listed by 0x35A alone */
    receive(&g, "t35A8A8AAAA02A8AAAA06", 9000000);
    assert_true(sim_gx_present(&g, 12000000));
    assert_false(sim_gx_present(&g, 12000001));
}

static void the_gx_sends_keep_alive_and_identity_every_second(void **state) {
    (void)state;
    struct sim_gx g;
    struct sim_can_frame f;
    sim_gx_init(&g, 500);
    for (uint64_t second = 0; second < 3; second++) {
        uint64_t at_us = 500 + second * 1000000;
        assert_int_equal(sim_gx_step(&g, at_us - 1), at_us);
        assert_false(sim_gx_next_frame(&g, at_us - 1, &f));
        assert_true(sim_gx_next_frame(&g, at_us, &f));
        static const struct sim_can_frame keepalive = {.id = 0x305, .len = 8};
        assert_memory_equal(&f, &keepalive, sizeof f);
        assert_int_equal(sim_gx_step(&g, at_us), at_us);
        assert_true(sim_gx_next_frame(&g, at_us, &f));
        assert_int_equal(f.id, 0x307);
        assert_memory_equal(f.data, "\x12\x34\x56\x78VIC\0", 8);
        assert_false(sim_gx_next_frame(&g, at_us, &f));
    }
    /* a program that was stopped for a minute does not send sixty of them */
    assert_true(sim_gx_next_frame(&g, 60000000, &f) && sim_gx_next_frame(&g, 60000000, &f));
    assert_false(sim_gx_next_frame(&g, 60999999, &f));
    assert_true(sim_gx_next_frame(&g, 61000000, &f));
}

static void each_broken_rule_is_found_and_named(void **state) {
    (void)state;
    static const struct {
        const char *what, *text;
        enum sim_gx_rule rule;
        const char *words;
    } cases[] = {
        {"a short frame", "t35164502B4001C02", SIM_GX_LENGTH,
         "0x351 has 6 bytes: every frame of a battery has 8"},
        {"an unknown identifier", "t12380000000000000000", SIM_GX_UNKNOWN_ID,
         "0x123 is not a frame of the battery protocol"},
        {"a 29-bit identifier", "T0000035180000000000000000", SIM_GX_UNKNOWN_ID,
         "0x351 (29 bits) is not a frame of the battery protocol"},
        {"a remote frame", "r3518", SIM_GX_UNKNOWN_ID,
         "0x351 (remote) is not a frame of the battery protocol"},
        {"the GX's keep-alive", "t30580000000000000000", SIM_GX_KEEPALIVE,
         "0x305 came from the battery: it is the GX's own frame"},
        {"a pair of 11", "t35A8C0AAAA02A8AAAA06", SIM_GX_PAIR_3,
         "0x35A has a pair of value 3: 01 is active, 10 inactive, 00 not supported"},
        {"a pair of 11 in the last byte", "t35A8A8AAAA02A8AAAAC6", SIM_GX_PAIR_3,
         "0x35A has a pair of value 3: 01 is active, 10 inactive, 00 not supported"},
        {"CCL -0.1 A", "t35184502FFFF1C02A401", SIM_GX_NEGATIVE_LIMIT,
         "0x351 has a negative current limit: both are sent as positive numbers"},
        {"DCL -0.1 A", "t35184502B400FFFFA401", SIM_GX_NEGATIVE_LIMIT,
         "0x351 has a negative current limit: both are sent as positive numbers"},
        {"SOC 101 %", "t355865006200751F0000", SIM_GX_PERCENT, "0x355 tells more than 100 %"},
        {"SOH 65535 %", "t35585000FFFF751F0000", SIM_GX_PERCENT, "0x355 tells more than 100 %"},
        {"a name behind a zero", "t35E854006E79424D5300", SIM_GX_TEXT,
         "0x35E is not printable ASCII padded with zeros"},
        {"a name in UTF-8", "t3828C3A9000000000000", SIM_GX_TEXT,
         "0x382 is not printable ASCII padded with zeros"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        print_message("    %s\n", cases[i].what);
        struct sim_gx g;
        struct sim_gx_violation v;
        char words[SIM_GX_WORDS_MAX];
        sim_gx_init(&g, 0);
        receive(&g, cases[i].text, 77);
        assert_int_equal(sim_gx_violation_total(&g), 1);
        assert_int_equal(g.violations[cases[i].rule], 1);
        assert_true(sim_gx_next_violation(&g, &v));
        assert_int_equal(v.at_us, 77);
        sim_gx_violation_words(&v, words, sizeof words);
        assert_string_equal(words, cases[i].words);
        assert_false(sim_gx_next_violation(&g, &v));
    }
}

static void good_frames_break_no_rule(void **state) {
    (void)state;
    static const char *const good[] = {
        "t351800000000000000FF", "t35586400640010270000" /* 100 %, 100 %, 100.00 % */,
        "t35684015DDFFE9FF0000", "t35A8A8AAAA02A8AAAA06",
        "t35E854696E79424D5300", "t38084142434445464748",
        "t38180000000000000000", "t378800000100FFFFFFFF"};
    struct sim_gx g;
    sim_gx_init(&g, 0);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        receive(&g, good[i], 100);
    assert_int_equal(sim_gx_violation_total(&g), 0);
}

static void an_alarm_frame_slower_than_a_second_is_found(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint64_t gap_us;
        unsigned violations;
    } cases[] = {
        {"0.2 s", 200000, 0},
        {"a second", 1000000, 0},
        {"a second and a tenth: what a receiver that is not real-time may see", 1100000, 0},
        {"more", 1100001, 1},
        {"a minute", 60000000, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        print_message("    %s\n", cases[i].what);
        struct sim_gx g;
        sim_gx_init(&g, 0);
        receive(&g, "t35A8A8AAAA02A8AAAA06", 5000000);
        receive(&g, "t35A8A8AAAA02A8AAAA06", 5000000 + cases[i].gap_us);
        assert_int_equal(g.violations[SIM_GX_ALARMS_SLOW], cases[i].violations);
    }
}

static void maker_and_long_name_must_begin_alike(void **state) {
    (void)state;
    struct sim_gx g;
    sim_gx_init(&g, 0);
    receive(&g, "t35E84C6F6E674E616D65", 0); /* "LongName" */
    receive(&g, "t37084C6F6E674E616D65", 0);
    assert_int_equal(sim_gx_violation_total(&g), 0);
    receive(&g, "t35E854696E79424D5300", 0); /* "TinyBMS" */
    assert_int_equal(g.violations[SIM_GX_NAMES_DIFFER], 1);
}

static void violations_nobody_pulls_are_counted_all_the_same(void **state) {
    (void)state;
    struct sim_gx g;
    struct sim_gx_violation v;
    sim_gx_init(&g, 0);
    for (unsigned i = 0; i < 20; i++)
        receive(&g, "t1230", i);
    assert_int_equal(sim_gx_violation_total(&g), 20);
    assert_int_equal(g.violations_dropped, 20 - SIM_GX_VIOLATIONS);
    for (unsigned i = 0; i < SIM_GX_VIOLATIONS; i++) {
        assert_true(sim_gx_next_violation(&g, &v));
        assert_int_equal(v.at_us, i);
    }
    assert_false(sim_gx_next_violation(&g, &v));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_message_is_read_as_its_row_of_the_document_says),
        cmocka_unit_test(alarm_pairs_are_read_from_their_bits),
        cmocka_unit_test(json_has_the_same_values_under_names_with_units),
        cmocka_unit_test(words_are_cut_to_the_room_there_is),
        cmocka_unit_test(the_longest_words_of_a_frame_fit),
        cmocka_unit_test(values_are_the_last_ones_received),
        cmocka_unit_test(without_0x351_for_three_seconds_everything_stops),
        cmocka_unit_test(the_gx_sends_keep_alive_and_identity_every_second),
        cmocka_unit_test(each_broken_rule_is_found_and_named),
        cmocka_unit_test(good_frames_break_no_rule),
        cmocka_unit_test(an_alarm_frame_slower_than_a_second_is_found),
        cmocka_unit_test(maker_and_long_name_must_begin_alike),
        cmocka_unit_test(violations_nobody_pulls_are_counted_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
