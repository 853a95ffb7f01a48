/* SPDX-License-Identifier: MIT */
/* The reader of scenario files: what sentences mean, what is refused and how, and that hostile text
 * does no harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "sim/scenario.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct scenario s;
static struct scenario_error e;

static bool parse(const char *text) {
    return scenario_parse(&s, text, strlen(text), &e);
}

static void parse_well(const char *text) {
    if (!parse(text))
        fail_msg("\"%s\": line %u: %s", text, e.line, e.text);
}

static void a_sentence_becomes_its_verb_and_numbers(void **state) {
    (void)state;
    static const struct {
        const char *what;
        enum scenario_verb verb;
        int64_t number[3];
        const char *word;
    } cases[] = {
        {"bms mute", SCENARIO_MUTE, {0}, ""},
        {"bms drop 12.5 %", SCENARIO_DROP, {12500}, ""},
        {"bms freeze", SCENARIO_FREEZE, {0}, ""},
        {"bms freeze but clock", SCENARIO_FREEZE_BUT_CLOCK, {0}, ""},
        {"bms register 0x24 reads 0xFFFF", SCENARIO_REGISTER_READS, {36000, 65535000}, ""},
        {"bms registers 0 to 53 read 7", SCENARIO_REGISTERS_READ, {0, 53000, 7000}, ""},
        {"bms status reads fault", SCENARIO_STATUS_READS, {0x9B}, ""},
        {"bms status reads 0x42", SCENARIO_STATUS_READS, {0x42}, ""},
        {"pack temperature -7.5 degC", SCENARIO_PACK_TEMPERATURE, {-7500}, ""},
        {"pack cell 3 at 4210 mV", SCENARIO_PACK_CELL, {3000, 4210000}, ""},
        {"gateway set a.b=c", SCENARIO_GATEWAY_SET, {0}, "a.b=c"},
        {"gateway writes register 318 value 30", SCENARIO_GATEWAY_WRITES, {318000, 30000}, ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[128];
        snprintf(text, sizeof text, "at 1 s: %s", cases[i].what);
        print_message("    %s\n", text);
        parse_well(text);
        assert_int_equal(s.actions, 1);
        assert_int_equal(s.action[0].verb, cases[i].verb);
        for (int k = 0; k < 3; k++)
            assert_int_equal(s.action[0].number[k], cases[i].number[k]);
        assert_string_equal(s.action[0].word, cases[i].word);
    }
}

static void an_expectation_has_a_range(void **state) {
    (void)state;
    static const struct {
        const char *what;
        enum scenario_verb verb;
        int64_t low, high;
    } cases[] = {
        {"expect ccl 0..14 A", SCENARIO_EXPECT_FIELD, 0, 14000},
        {"expect cvl 58.1 V", SCENARIO_EXPECT_FIELD, 58100, 58100},
        {"expect soc ..99.5 %", SCENARIO_EXPECT_FIELD, INT64_MIN, 99500},
        {"expect current -3.. A", SCENARIO_EXPECT_FIELD, -3000, INT64_MAX},
        {"expect dcl 54 +- 0.1 A", SCENARIO_EXPECT_FIELD, 53900, 54100},
        {"expect gap 0x351 0.99..1.01 s", SCENARIO_EXPECT_GAP, 990, 1010},
        {"expect requests 0", SCENARIO_EXPECT_REQUESTS, 0, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[128];
        snprintf(text, sizeof text, "between 1 s and 2 s: %s", cases[i].what);
        print_message("    %s\n", text);
        parse_well(text);
        assert_int_equal(s.expectations, 1);
        assert_int_equal(s.expectation[0].verb, cases[i].verb);
        assert_true(s.expectation[0].range.low == cases[i].low);
        assert_true(s.expectation[0].range.high == cases[i].high);
    }
}

static void alarms_have_names_and_states(void **state) {
    (void)state;
    parse_well("at 1 s: expect alarm bms-internal on\nat 1 s: expect warning high-voltage off\n"
               "at 1 s: expect alarm general absent");
    assert_int_equal(s.expectation[0].number[0], 11);
    assert_int_equal(s.expectation[0].number[1], SIM_GX_PAIR_ACTIVE);
    assert_int_equal(s.expectation[1].verb, SCENARIO_EXPECT_WARNING);
    assert_int_equal(s.expectation[1].number[0], 1);
    assert_int_equal(s.expectation[1].number[1], SIM_GX_PAIR_QUIET);
    assert_int_equal(s.expectation[2].number[1], SIM_GX_PAIR_ABSENT);
}

static void times_have_units(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint64_t us;
    } cases[] = {{"250 ms", 250000},    {"1.5 s", 1500000},        {"2 min", 120000000},
                 {"0.5 h", 1800000000}, {"49.7 d", 4294080000000}, {"400 d", 34560000000000}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[64];
        snprintf(text, sizeof text, "at %s: end", cases[i].what);
        parse_well(text);
        assert_true(s.action[0].from_us == cases[i].us);
        assert_true(s.end_us == cases[i].us);
    }
}

static void actions_are_sorted_by_time_and_then_by_line(void **state) {
    (void)state;
    parse_well("at 3 s: bms mute\nat 1 s: bms quiet\nat 3 s: bms whole\nat 2 s: bms thaw\n");
    assert_int_equal(s.actions, 4);
    assert_int_equal(s.action[0].verb, SCENARIO_QUIET);
    assert_int_equal(s.action[1].verb, SCENARIO_THAW);
    assert_int_equal(s.action[2].verb, SCENARIO_MUTE);
    assert_int_equal(s.action[3].verb, SCENARIO_WHOLE);
    assert_int_equal(s.action[3].line, 3);
}

static void comments_titles_and_line_ends_are_taken_as_they_come(void **state) {
    (void)state;
    parse_well(
        "title A cable: pulled\r\n\r\n# r\xC3\xA9sum\xC3\xA9\n  at 1 s: bms mute # pulled\r\n");
    assert_string_equal(s.title, "A cable: pulled");
    assert_int_equal(s.action[0].line, 4);
}

#define W10 "0123456789"
#define W79 W10 W10 W10 W10 W10 W10 W10 "012345678"
#define W80 W79 "9"

static void a_title_may_fill_its_line_and_no_more(void **state) {
    (void)state;
    parse_well("title " W80 " " W79 " # behind a comment a line may be long\nat 1 s: bms mute");
    assert_string_equal(s.title, W80 " " W79);
    assert_int_equal(strlen(s.title), 160);
}

static void what_is_not_understood_is_refused_with_its_line_and_what_was_expected(void **state) {
    (void)state;
    static const struct {
        const char *text;
        unsigned line;
        const char *says;
    } cases[] = {
        {"at 1 s: bms mute\nnonsense", 2, "expected \"title\", \"given\", \"at\" or \"between\""},
        {"at 1: bms mute", 1, "expected a unit of time"},
        {"at x s: bms mute", 1, "expected a time such as 10 s"},
        {"at -1 s: bms mute", 1, "expected a time"},
        {"at 401 d: bms mute", 1, "400 days at most"},
        {"at 400.001 d: bms mute", 1, "400 days at most"},
        {"at 34560000.001 s: bms mute", 1, "400 days at most"},
        {"at 1 s bms mute", 1, "expected a colon"},
        {"at 1 s:", 1, "expected a sentence"},
        {"at 1 s: bms", 1, "\"mute\""},
        {"at 1 s: bms mutes", 1, "at \"mutes\""},
        {"at 1 s: bms mute now", 1, "expected the end of the line at \"now\""},
        {"at 1 s: bms drop 101 %", 1, "expected a number from 0 to 100 at \"101\""},
        {"at 1 s: bms drop lots %", 1, "expected a number from 0 to 100"},
        {"at 1 s: bms cell 17 reads 1 mV", 1, "expected a number from 1 to 16"},
        {"at 1 s: expect ccl 5 V", 1, "expected A at \"V\""},
        {"at 1 s: expect cll 5 A", 1, "cvl, ccl, dcl"},
        {"at 1 s: expect ccl 5..1 A", 1, "expected a range"},
        {"at 1 s: expect ccl .. A", 1, "expected a range"},
        {"at 1 s: expect ccl 1..5 +- 1 A", 1, "a tolerance"},
        {"at 1 s: expect alarm bms on", 1, "the name of an alarm"},
        {"at 1 s: expect alarm bms-internal maybe", 1, "on, off or absent"},
        {"at 1 s: expect frames none", 1, "between"},
        {"between 2 s and 2 s: expect frames", 1, "later than the first"},
        {"between 1 s: expect frames", 1, "expected \"and\""},
        {"between 1 s and 2 s: bms mute", 1, "expected \"expect\" at \"bms\""},
        {"given gateway restarts bms", 1, "at \"gateway\""},
        {"given clock", 1, "expected a number at the end of the line"},
        {"title only", 1, "nothing happens"},
        {"title " W80 " " W79 " 1 # and a comment\nat 1 s: bms mute", 1, "title is longer"},
        {"", 1, "nothing happens"},
        {"at 1 s: bms m\x01te", 1, "byte 0x01 is not printable ASCII"},
        {"at 1 s: bms m\xC3\xBBt", 1, "byte 0xC3"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("    %s\n", cases[i].text);
        assert_false(parse(cases[i].text));
        assert_int_equal(e.line, cases[i].line);
        if (strstr(e.text, cases[i].says) == NULL)
            fail_msg("it says: %s", e.text);
    }
}

static void too_much_of_anything_is_refused(void **state) {
    (void)state;
    static char text[SCENARIO_TEXT_MAX + 2];
    memset(text, '\n', sizeof text);
    assert_false(scenario_parse(&s, text, SCENARIO_TEXT_MAX + 1, &e));
    assert_non_null(strstr(e.text, "64 KB"));

    memset(text, 'a', SCENARIO_LINE_MAX + 1);
    assert_false(scenario_parse(&s, text, SCENARIO_LINE_MAX + 1, &e));
    assert_non_null(strstr(e.text, "160 characters"));

    memset(text, 'a', SCENARIO_WORD_MAX + 1);
    assert_false(scenario_parse(&s, text, SCENARIO_WORD_MAX + 1, &e));
    assert_non_null(strstr(e.text, "80 characters"));

    for (unsigned i = 0; i < 2 * (SCENARIO_WORDS_MAX + 1); i++)
        text[i] = i % 2 == 0 ? 'a' : ' ';
    assert_false(scenario_parse(&s, text, 2 * (SCENARIO_WORDS_MAX + 1), &e));
    assert_non_null(strstr(e.text, "24 words"));

    static const char line[] = "at 1 s: bms mute\n";
    for (unsigned i = 0; i <= SCENARIO_LINES_MAX; i++)
        memcpy(text + i * (sizeof line - 1), line, sizeof line - 1);
    assert_true(scenario_parse(&s, text, SCENARIO_LINES_MAX * (sizeof line - 1), &e));
    assert_false(scenario_parse(&s, text, (SCENARIO_LINES_MAX + 1) * (sizeof line - 1), &e));
    assert_int_equal(e.line, SCENARIO_LINES_MAX + 1);
}

static const char sample[] =
    "title a\ngiven setting tinybms.low_power=true\ngiven pack of 4 cells\n"
    "at 1.5 s: bms register 0x24 reads 7\nat 2 s: expect ccl 5 +- 0.1 A\n"
    "between 1 s and 2 min: expect alarm bms-internal on\n"
    "between 1 s and 2 s: expect log no GX for 10 minutes\n";

static void a_file_cut_anywhere_is_read_or_refused(void **state) {
    (void)state;
    for (size_t n = 0; n < sizeof sample; n++) {
        char copy[sizeof sample];
        memcpy(copy, sample, n); /* no terminator behind it */
        bool ok = scenario_parse(&s, copy, n, &e);
        assert_true(ok || e.text[0] != '\0');
    }
}

static void a_file_with_any_byte_replaced_is_read_or_refused(void **state) {
    (void)state;
    for (size_t at = 0; at + 1 < sizeof sample; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            char copy[sizeof sample];
            memcpy(copy, sample, sizeof sample);
            copy[at] = (char)byte;
            if (scenario_parse(&s, copy, sizeof sample - 1, &e))
                continue;
            assert_true(e.text[0] != '\0');
            for (const char *p = e.text; *p != '\0'; p++)
                assert_true(*p >= 0x20 && *p < 0x7F);
        }
    }
}

/* ---- playing ---- */

static struct sim_bms bms;
static struct scenario_player player;

static void start(const char *text) {
    struct sim_bms_config cfg;
    parse_well(text);
    sim_bms_defaults(&cfg);
    scenario_config(&s, &cfg);
    sim_bms_init(&bms, &cfg, 0);
    scenario_player_init(&player, &s, &bms, 0);
}

static void go_to(uint64_t us) {
    (void)sim_bms_step(&bms, us);
    scenario_player_lie(&player, &bms);
    while (scenario_player_next(&player, &bms, us) != NULL)
        continue;
}

static void what_is_given_makes_the_bms(void **state) {
    (void)state;
    start("given pack lfp\ngiven pack of 8 cells\ngiven pack of 50 Ah\ngiven bms counts up\n"
          "given bms may sleep\ngiven bms of old firmware\nat 1 s: end");
    assert_int_equal(bms.reg[307], 8);
    assert_int_equal(bms.reg[300], 3550);
    assert_int_equal(bms.reg[306], 5000);
    assert_int_not_equal(bms.reg[0], 0); /* cell 1 */
    assert_int_equal(bms.reg[15], 0);
    assert_true(bms.config.sleeps);
    assert_int_equal(bms.reg[321], 0); /* new in revision D */
}

static void a_lie_covers_a_register_until_the_truth_is_told(void **state) {
    (void)state;
    start("at 1 s: bms register 40 reads 1234\nat 1 s: bms register 318 reads 0\n"
          "at 2 s: bms tell truth\nat 9 s: end");
    uint16_t before = bms.reg[318];
    go_to(1000000);
    assert_int_equal(bms.reg[40], 1234);
    go_to(1900000);
    assert_int_equal(bms.reg[40], 1234);
    assert_int_equal(bms.reg[318], 0);
    go_to(2000000);
    assert_int_equal(bms.reg[318], before);
    go_to(2100000);
    assert_int_not_equal(bms.reg[40], 1234);
}

static void swapped_cells_stay_swapped_over_measurements(void **state) {
    (void)state;
    start("given pack current 0 A\ngiven pack even\ngiven pack cells at 3600 mV\n"
          "given pack cell 2 at 3900 mV\nat 1 s: bms cells 2 and 7 swapped\nat 9 s: end");
    go_to(1000000);
    for (uint64_t us = 1000000; us < 3000000; us += 50000) {
        go_to(us);
        assert_in_range(bms.reg[sim_bms_cell_register(&bms, 6)], 38900, 39100);
        assert_in_range(bms.reg[sim_bms_cell_register(&bms, 1)], 35900, 36100);
    }
}

static void a_cell_set_to_a_voltage_shows_it_under_load_too(void **state) {
    (void)state;
    start("given pack current -20 A\nat 1 s: pack cell 5 at 3300 mV\nat 9 s: end");
    go_to(1000000);
    go_to(1200000);
    assert_in_range(bms.reg[sim_bms_cell_register(&bms, 4)], 32950, 33050);
}

static void a_frozen_bms_may_keep_its_clock(void **state) {
    (void)state;
    start("at 1 s: bms freeze but clock\nat 5 s: bms thaw\nat 6 s: bms freeze\nat 9 s: end");
    go_to(1000000);
    uint32_t clock = sim_bms_get32(&bms, 32);
    uint16_t cell = bms.reg[15], volts = bms.reg[36];
    go_to(4000000);
    assert_int_equal(sim_bms_get32(&bms, 32), clock + 3);
    assert_int_equal(bms.reg[15], cell);
    assert_int_equal(bms.reg[36], volts);
    go_to(5000000);
    go_to(6000000);
    clock = sim_bms_get32(&bms, 32);
    go_to(8000000);
    assert_int_equal(sim_bms_get32(&bms, 32), clock);
}

static void healing_ends_every_fault_and_every_lie(void **state) {
    (void)state;
    start("given bms mute\ngiven bms drop 50 %\ngiven bms register 36 reads 1\ngiven bms sleep\n"
          "at 1 s: bms heal\nat 9 s: end");
    assert_true(bms.config.faults.mute);
    assert_int_equal(bms.config.faults.drop_cpct, 5000);
    assert_int_equal(bms.reg[36], 1);
    go_to(1000000);
    static const struct sim_bms_faults none;
    assert_memory_equal(&bms.config.faults, &none, sizeof none);
    assert_false(bms.asleep);
    go_to(1100000);
    assert_int_not_equal(bms.reg[36], 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sentence_becomes_its_verb_and_numbers),
        cmocka_unit_test(an_expectation_has_a_range),
        cmocka_unit_test(alarms_have_names_and_states),
        cmocka_unit_test(times_have_units),
        cmocka_unit_test(actions_are_sorted_by_time_and_then_by_line),
        cmocka_unit_test(comments_titles_and_line_ends_are_taken_as_they_come),
        cmocka_unit_test(a_title_may_fill_its_line_and_no_more),
        cmocka_unit_test(what_is_not_understood_is_refused_with_its_line_and_what_was_expected),
        cmocka_unit_test(too_much_of_anything_is_refused),
        cmocka_unit_test(a_file_cut_anywhere_is_read_or_refused),
        cmocka_unit_test(a_file_with_any_byte_replaced_is_read_or_refused),
        cmocka_unit_test(what_is_given_makes_the_bms),
        cmocka_unit_test(a_lie_covers_a_register_until_the_truth_is_told),
        cmocka_unit_test(swapped_cells_stay_swapped_over_measurements),
        cmocka_unit_test(a_cell_set_to_a_voltage_shows_it_under_load_too),
        cmocka_unit_test(a_frozen_bms_may_keep_its_clock),
        cmocka_unit_test(healing_ends_every_fault_and_every_lie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
