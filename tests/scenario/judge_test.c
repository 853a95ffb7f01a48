/* SPDX-License-Identifier: MIT */
/* The judge and the contract notice what they are there to notice: every rule is broken once, by a
 * gateway that is tampered with or by a frame that it never sent, and every kind of expectation is
 * false once. */
#define _POSIX_C_SOURCE 200809L /* fmemopen */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "judge.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct scenario scenario;
static struct rig rig;
static struct judge judge;

static void parse(const char *text) {
    struct scenario_error e;
    if (!scenario_parse(&scenario, text, strlen(text), &e))
        fail_msg("line %u: %s", e.line, e.text);
}

/* ---- the contract ---- */

typedef void tamper_fn(struct gateway *g, uint64_t at_ms);

static void third_sample_comes_early(struct gateway *g, uint64_t at_ms) {
    (void)at_ms;
    if (g->policy.stage.stage == STAGE_BOOT)
        g->policy.stage.good_in_row = 2;
}

static void never_silent(struct gateway *g, uint64_t at_ms) {
    (void)at_ms;
    g->policy.config.stage.silent_ms = 600000;
}

static void limits_come_late(struct gateway *g, uint64_t at_ms) {
    if (at_ms == 20000)
        g->victron.due_ms[0] += 5000;
}

static void alarms_come_late(struct gateway *g, uint64_t at_ms) {
    if (at_ms == 20000)
        g->victron.due_ms[1] += 1000;
}

static void charge_closes_late(struct gateway *g, uint64_t at_ms) {
    (void)at_ms;
    g->policy.config.stage.zero_ms = 25000;
}

static void charge_closes_a_second_late(struct gateway *g, uint64_t at_ms) {
    (void)at_ms;
    g->policy.config.stage.close_ms = 6000;
    g->policy.config.stage.zero_ms = 16000;
}

static void ramp_is_skipped(struct gateway *g, uint64_t at_ms) {
    (void)at_ms;
    g->policy.stage.opened_ms = 0;
}

static void two_samples_open(struct gateway *g, uint64_t at_ms) {
    if (at_ms > 30000 && g->policy.stage.stage == STAGE_NO_CHARGE) {
        g->policy.stage.good_in_row = 2;
        g->policy.stage.ramped_to_ms = g->now_ms; /* as if they had just come */
    }
}

static void discharge_closes_late(struct gateway *g, uint64_t at_ms) {
    (void)at_ms;
    g->policy.config.stage.zero_discharge_ms = 50000;
}

static void danger_waits_for_its_turn(struct gateway *g, uint64_t at_ms) {
    (void)at_ms;
    g->sent_limits.ccl_ma = 0;
}

static void danger_is_forgotten(struct gateway *g, uint64_t at_ms) {
    (void)at_ms;
    g->bms.battery.over_voltage_cutoff_mv = 4500;
}

static void ramp_begins_again(struct gateway *g, uint64_t at_ms) {
    if (at_ms == 180000)
        g->policy.stage.opened_ms = g->now_ms;
}

static void register_300_is_misread(struct gateway *g, uint64_t at_ms) {
    (void)at_ms;
    g->bms.battery.fully_charged_mv = 4190; /* under register 315, or nobody would believe it */
}

static void stale_voltage_is_kept(struct gateway *g, uint64_t at_ms) {
    if (at_ms > 36000)
        g->policy.sample.fully_charged_mv = 4250;
}

static void voltage_moves_while_closing(struct gateway *g, uint64_t at_ms) {
    if (at_ms > 26000)
        g->policy.charge_voltage.cvl_mv = 57900;
}

static void charge_reads_0_while_silent(struct gateway *g, uint64_t at_ms) {
    if (at_ms > 23000)
        g->policy.sample.soc_cpct = 0;
}

static void voltage_reads_0_while_silent(struct gateway *g, uint64_t at_ms) {
    if (at_ms > 23000)
        g->policy.sample.pack_mv = 0;
}

static void lowest_cell_is_invented(struct gateway *g, uint64_t at_ms) {
    if (at_ms > 23000)
        g->policy.sample.min_cell_mv = 3000;
}

static void measurements_stand_still(struct gateway *g, uint64_t at_ms) {
    static int32_t current_ma;
    static uint32_t voltage_mv;
    if (at_ms < 16100) {
        current_ma = g->policy.sample.pack_ma;
        voltage_mv = g->policy.sample.pack_mv;
        return;
    }
    g->policy.sample.pack_ma = current_ma;
    g->policy.sample.pack_mv = voltage_mv;
}

static void silent_bms_is_left_alone(struct gateway *g, uint64_t at_ms) {
    (void)at_ms;
    g->bms.transaction.timing.timeout_ms = 1500;
}

static void limits_flood(struct gateway *g, uint64_t at_ms) {
    (void)at_ms;
    g->limits_wanted = true;
    g->out_of_turn_once = false;
}

#define MUTE "at 20 s: bms mute\nat 90 s: end"

/* clang-format off */
static const struct {
    const char *what;
    enum contract_rule rule;
    tamper_fn *tamper;
    const char *text;
} broken[] = {
    {"frames after the first sample",        CONTRACT_EARLY,         third_sample_comes_early,     "at 2 s: end"},
    {"frames go on at 60 s",                 CONTRACT_NOT_SILENT,    never_silent,                 MUTE},
    {"no 0x351 for 3 s",                     CONTRACT_GAP,           limits_come_late,             "at 30 s: end"},
    {"no 0x35A for 2 s",                     CONTRACT_GAP,           alarms_come_late,             "at 30 s: end"},
    {"CCL reaches 0 at 25 s",                CONTRACT_CHARGE,        charge_closes_late,           MUTE},
    {"CCL closes from 6 to 16 s",            CONTRACT_CHARGE,        charge_closes_a_second_late,  MUTE},
    {"no ramp at boot",                      CONTRACT_CHARGE,        ramp_is_skipped,              "at 20 s: end"},
    {"one sample opens after 15 s",          CONTRACT_CHARGE,        two_samples_open,             "at 12 s: bms mute\nat 35 s: bms answer\nat 35.25 s: bms mute\nat 36 s: end"},
    {"a cell over register 315 is ignored",  CONTRACT_CHARGE,        danger_is_forgotten,          "given pack current 0 A\ngiven pack cells at 4000 mV\nat 20 s: bms cell 4 reads 4210 mV\nat 30 s: end"},
    {"DCL reaches 0 at 50 s",                CONTRACT_DISCHARGE,     discharge_closes_late,        MUTE},
    {"CCL 0 waits for its turn",             CONTRACT_LATE,          danger_waits_for_its_turn,    "given pack current 0 A\ngiven pack cells at 4000 mV\nat 20.4 s: bms cell 4 reads 4210 mV\nat 30 s: end"},
    {"a ramp in the middle of the day",      CONTRACT_CLOSED,        ramp_begins_again,            "at 200 s: end"},
    {"CVL of 4.19 V a cell",                  CONTRACT_CVL,           register_300_is_misread,      "at 20 s: end"},
    {"CVL of old data",                      CONTRACT_CVL_STALE,     stale_voltage_is_kept,        MUTE},
    {"CVL falls while limits close",         CONTRACT_CVL_MOVED,     voltage_moves_while_closing,  MUTE},
    {"0 % while silent",                     CONTRACT_INVENTED,      charge_reads_0_while_silent,  MUTE},
    {"0 V while silent",                     CONTRACT_INVENTED,      voltage_reads_0_while_silent, MUTE},
    {"an invented lowest cell",              CONTRACT_INVENTED,      lowest_cell_is_invented,      MUTE},
    {"values of a second ago",               CONTRACT_OUTDATED,      measurements_stand_still,     "at 20 s: end"},
    {"asked every 1.5 s only",               CONTRACT_NOT_ASKED,     silent_bms_is_left_alone,     MUTE},
    {"0x351 every millisecond",              CONTRACT_FLOOD,         limits_flood,                 "at 5 s: end"},
};
/* clang-format on */

static void tamper(void *context, uint64_t at_ms) {
    tamper_fn *const *fn = context;
    (*fn)(&rig.gateway, at_ms);
}

/* Among those kept: a fault often breaks two rules. */
static bool has_violation(enum contract_rule rule) {
    const struct contract *c = &rig.contract;
    for (unsigned i = 0; i < c->violations && i < CONTRACT_VIOLATIONS; i++) {
        if (c->violation[i].rule == rule)
            return true;
    }
    return false;
}

static void every_rule_is_broken_by_a_gateway_that_does_so(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(broken); i++) {
        tamper_fn *fn = broken[i].tamper;
        const struct rig_observer observer = {.context = &fn, .moment = tamper};
        print_message("    %s\n", broken[i].what);
        parse(broken[i].text);
        assert_true(rig_start(&rig, &scenario, &observer));
        rig_run(&rig, scenario.end_us / 1000);
        assert_true(has_violation(broken[i].rule));
    }
}

/* Frames that the gateway did not send, at 40 s of a BMS that is mute since 20 s, or of a good one.
 * 0x35A: pair 11 is in byte 2, bits 6-7; pair 29 in byte 7, bits 2-3. */
static void frames_that_no_gateway_may_send_are_noticed(void **state) {
    (void)state;
    static const struct {
        const char *what;
        bool mute;
        enum contract_rule rule;
        struct sim_can_frame frame;
    } cases[] = {
        {"0x305 is the GX's", false, CONTRACT_FOREIGN, {.id = 0x305, .len = 8}},
        {"seven bytes", false, CONTRACT_FOREIGN, {.id = 0x351, .len = 7}},
        {"an extended identifier",
         false,
         CONTRACT_FOREIGN,
         {.id = 0x351, .extended = true, .len = 8}},
        {"no alarm at age 20 s",
         true,
         CONTRACT_ALARM_MISSING,
         {.id = 0x35A, .len = 8, .data = {0, 0, 0x80, 0, 0, 0, 0, 0x08}}},
        {"online at age 20 s",
         true,
         CONTRACT_ALARM_MISSING,
         {.id = 0x35A, .len = 8, .data = {0, 0, 0x40, 0, 0, 0, 0, 0x04}}},
        {"0x372 not offline at age 20 s",
         true,
         CONTRACT_ALARM_MISSING,
         {.id = 0x372, .len = 8, .data = {1, 0, 0, 0, 0, 0, 0, 0}}},
        {"alarm though all is well",
         false,
         CONTRACT_ALARM_FALSE,
         {.id = 0x35A, .len = 8, .data = {0, 0, 0x40, 0, 0, 0, 0, 0x04}}},
        {"offline though all is well",
         false,
         CONTRACT_ALARM_FALSE,
         {.id = 0x35A, .len = 8, .data = {0, 0, 0x80, 0, 0, 0, 0, 0x08}}},
        {"a negative limit",
         false,
         CONTRACT_CHARGE,
         {.id = 0x351, .len = 8, .data = {0x45, 0x02, 0xFF, 0xFF, 0x1C, 0x02, 0xA4, 0x01}}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("    %s\n", cases[i].what);
        parse(cases[i].mute ? "at 20 s: bms mute\nat 40.05 s: end" : "at 40.05 s: end");
        assert_true(rig_start(&rig, &scenario, NULL));
        rig_run(&rig, 40050);
        assert_int_equal(rig.contract.violations, 0);
        contract_frame(&rig.contract, &cases[i].frame, rig.now_ms);
        assert_true(has_violation(cases[i].rule));
    }
}

/* ---- the judge ---- */

/* The BMS is mute from 20 s on, the pack at rest; each sentence is wrong in one thing. */
static void every_kind_of_expectation_can_fail(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "at 15 s: expect ccl 17.9 A",
        "at 0 s: expect ccl 0..100 A",
        "between 12 s and 15 s: expect ccl ..17.9 A",
        "between 12 s and 15 s: expect cvl 58.2.. V",
        "between 25 s and 30 s: expect ccl 18 A",
        "at 15 s: expect alarm bms-internal on",
        "at 40 s: expect alarm bms-internal off",
        "at 15 s: expect alarm general off",
        "at 15 s: expect warning low-voltage on",
        "at 15 s: expect offline",
        "at 40 s: expect online",
        "at 15 s: expect stage closing",
        "at 30 s: expect stage fresh",
        "between 12 s and 26 s: expect stage fresh",
        "at 40 s: expect link answering",
        "at 15 s: expect reason ccl stale-closed",
        "at 40 s: expect reason cvl nominal",
        "between 85 s and 90 s: expect frames",
        "between 12 s and 15 s: expect frames none",
        "between 85 s and 90 s: expect frame 0x351",
        "between 0 s and 90 s: expect frame 0x378",
        "between 12 s and 15 s: expect frame 0x351 none",
        "between 12 s and 15 s: expect gap 0x351 ..0.9 s",
        "between 12 s and 15 s: expect gap 0x351 1.1.. s",
        "between 75 s and 90 s: expect gap 0x351 ..3 s",
        "between 12 s and 40 s: expect same 0x351",
        "between 12 s and 15 s: expect text 0x35E TinyBM",
        "at 89 s: expect gx running",
        "at 15 s: expect gx stopped",
        "between 12 s and 15 s: expect requests 0",
        "between 12 s and 15 s: expect request gap ..0.01 s",
        "between 12 s and 15 s: expect log stage",
        "between 20 s and 30 s: expect no log stage",
        "between 12 s and 15 s: expect answer ok",
        "between 12 s and 15 s: expect answer failed",
        "at 5 s: expect open",
        "at 26.5 s: expect open",
        "between 12 s and 90 s: expect open",
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        char text[256];
        print_message("    %s\n", wrong[i]);
        snprintf(text, sizeof text, "given pack current 0 A\nat 20 s: bms mute\n%s\nat 92 s: end",
                 wrong[i]);
        parse(text);
        assert_false(judge_play(&judge, &rig, &scenario, NULL));
        if (judge.line != 3)
            fail_msg("line %u: %s", judge.line, judge.what);
    }
}

static void what_is_true_passes(void **state) {
    (void)state;
    parse("given pack current 0 A\nat 12 s: gateway reads register 300\n"
          "at 13 s: gateway reads register 5000\nat 15 s: expect ccl 18 A\n"
          "at 15 s: expect alarm general absent\nat 15 s: expect stage fresh\n"
          "at 15 s: expect link answering\nat 15 s: expect reason dcl nominal\n"
          "between 12 s and 12.5 s: expect answer ok\n"
          "between 13 s and 13.5 s: expect answer failed\n"
          "between 12 s and 15 s: expect requests 25..60\n"
          "between 12 s and 19 s: expect same 0x351\nat 15 s: expect gx running\n"
          "between 0 s and 1 s: expect log first complete sample cells=14\n"
          "between 1 s and 20 s: expect no log first complete sample\n");
    if (!judge_play(&judge, &rig, &scenario, NULL))
        fail_msg("line %u: %s", judge.line, judge.what);
}

static void a_setting_out_of_range_is_told_with_its_line(void **state) {
    (void)state;
    parse("at 1 s: bms mute\nat 2 s: gateway set tinybms.poll_interval_ms=5\nat 9 s: end");
    assert_false(judge_play(&judge, &rig, &scenario, NULL));
    assert_int_equal(judge.line, 2);
    assert_non_null(strstr(judge.what, "poll_interval_ms"));

    parse("given setting tinybms.stale_close_ms=20000\nat 9 s: end");
    assert_false(judge_play(&judge, &rig, &scenario, NULL));
    assert_non_null(strstr(judge.what, "stale_"));
}

static void a_report_shows_the_sentence_the_time_and_the_frames(void **state) {
    (void)state;
    static const char text[] = "title x\nat 15 s: expect ccl 17.9 A\n";
    char report[8192];
    FILE *f = fmemopen(report, sizeof report, "w");
    assert_non_null(f);
    parse(text);
    assert_false(judge_play(&judge, &rig, &scenario, NULL));
    judge_report(&judge, "x.scn", text, sizeof text - 1, f);
    (void)fclose(f);
    assert_non_null(strstr(report, "FAILED x.scn:2\n"));
    assert_non_null(strstr(report, "expected: at 15 s: expect ccl 17.9 A\n"));
    assert_non_null(strstr(report, "seen at 15.000 s: ccl 18 A"));
    assert_non_null(strstr(report, "the last 20 frames:"));
    assert_non_null(strstr(report, "0x351  limits: CVL 58.1 V, CCL 18.0 A"));
}

/* ---- a listener ---- */

static struct heard {
    unsigned actions, holds, fails, logs, last_action, last_fail, last_hold;
    char what[512];
    uint64_t at_ms;
} heard;

static void hear_action(void *context, const struct scenario_line *line, uint64_t at_ms) {
    struct heard *h = context;
    h->actions++;
    h->last_action = line->line;
    h->at_ms = at_ms;
}

static void hear_verdict(void *context, unsigned line, bool holds, const char *what,
                         uint64_t at_ms) {
    struct heard *h = context;
    (void)at_ms;
    if (holds) {
        h->holds++;
        h->last_hold = line;
        return;
    }
    h->fails++;
    h->last_fail = line;
    (void)snprintf(h->what, sizeof h->what, "%s", what);
}

static void hear_log(void *context, enum log_level level, const char *text, uint64_t at_ms) {
    struct heard *h = context;
    (void)level;
    (void)at_ms;
    h->logs += strstr(text, "link") != NULL;
}

static const struct judge_listener listener = {
    .context = &heard, .action = hear_action, .verdict = hear_verdict, .log = hear_log};

static void a_listener_hears_each_sentence_once_and_it_goes_on(void **state) {
    (void)state;
    memset(&heard, 0, sizeof heard);
    parse("given pack current 0 A\n"
          "at 12 s: pack soc 60 %\n"
          "between 12 s and 15 s: expect ccl 17 A\n"
          "at 14 s: expect stage fresh\n"
          "between 16 s and 18 s: expect frames\n"
          "between 19 s and 30 s: expect frames\n");
    assert_true(judge_begin(&judge, &rig, &scenario, &listener));
    assert_int_equal(judge_open(&judge), 4);
    assert_true(judge_run(&judge, 11999));
    assert_int_equal(heard.actions + heard.fails + heard.holds, 0);
    assert_true(judge_run(&judge, 13500));
    assert_int_equal(heard.actions, 1);
    assert_int_equal(heard.last_action, 2);
    assert_in_range(heard.at_ms, 12000, 12000);
    assert_int_equal(heard.fails, 1); /* at its first frame, not at its end, and once */
    assert_int_equal(heard.last_fail, 3);
    assert_string_equal(heard.what, "ccl 18 A");
    assert_true(judge_run(&judge, 20000));
    assert_int_equal(heard.fails, 1);
    assert_int_equal(heard.holds, 2);
    assert_int_equal(heard.last_hold, 5);
    assert_true(heard.logs > 0);
    assert_int_equal(judge_open(&judge), 1);
    assert_false(judge_run(&judge, 60000));
    assert_int_equal(heard.holds, 3);
    assert_int_equal(judge_open(&judge), 0);
    assert_true(judge.failed);
    assert_int_equal(judge.line, 3);
}

static void a_listener_hears_of_a_rule_that_is_broken(void **state) {
    (void)state;
    memset(&heard, 0, sizeof heard);
    parse("at 20 s: bms mute\nat 90 s: end");
    assert_true(judge_begin(&judge, &rig, &scenario, &listener));
    (void)judge_run(&judge, 19000);
    rig.gateway.policy.config.stage.silent_ms = 600000;
    assert_false(judge_run(&judge, 100000));
    assert_int_equal(heard.fails, 1);
    assert_int_equal(heard.last_fail, 0);
    assert_non_null(strstr(heard.what, "nothing may go out"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listener_hears_each_sentence_once_and_it_goes_on),
        cmocka_unit_test(a_listener_hears_of_a_rule_that_is_broken),
        cmocka_unit_test(every_rule_is_broken_by_a_gateway_that_does_so),
        cmocka_unit_test(frames_that_no_gateway_may_send_are_noticed),
        cmocka_unit_test(every_kind_of_expectation_can_fail),
        cmocka_unit_test(what_is_true_passes),
        cmocka_unit_test(a_setting_out_of_range_is_told_with_its_line),
        cmocka_unit_test(a_report_shows_the_sentence_the_time_and_the_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
