/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "control_message.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void every_request_is_understood(void **state) {
    static const struct {
        const char *line;
        struct control_request want;
    } cases[] = {
        {"{\"request\":\"status\"}", {.status = true}},
        {" { \"request\" : \"status\" } ", {.status = true}},
        {"{\"request\":\"read\",\"address\":300,\"count\":44}",
         {.command = {.kind = GATEWAY_READ_REGISTERS, .addr = 300, .count = 44}}},
        {"{\"count\":1,\"address\":0,\"request\":\"read\"}",
         {.command = {.kind = GATEWAY_READ_REGISTERS, .addr = 0, .count = 1}}},
        {"{\"request\":\"read\",\"address\":65535,\"count\":100}",
         {.command = {.kind = GATEWAY_READ_REGISTERS, .addr = 65535, .count = 100}}},
        {"{\"request\":\"write\",\"address\":306,\"value\":10000}",
         {.command = {.kind = GATEWAY_WRITE_REGISTER, .addr = 306, .raw = 10000}}},
        {"{\"request\":\"write\",\"address\":312,\"value\":4294967295}",
         {.command = {.kind = GATEWAY_WRITE_REGISTER, .addr = 312, .raw = 4294967295}}},
        {"{\"request\":\"reset\",\"option\":5}",
         {.command = {.kind = GATEWAY_RESET_BMS, .option = 5}}},
        {"{\"request\":\"record\"}", {.record = true, .recording = {.live = true}}},
        {"{\"live\":false,\"from\":\"7f3a90c41e5b2d68:935\",\"request\":\"record\"}",
         {.record = true, .recording = {.live = false, .from = "7f3a90c41e5b2d68:935"}}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct control_request r;
        const char *why = NULL;
        const struct gateway_command *c = &r.command, *want = &cases[i].want.command;
        if (control_parse_request(cases[i].line, strlen(cases[i].line), &r, &why) != GW_OK) {
            fail_msg("%s: %s", cases[i].line, why);
        }
        const bool recording = r.record && cases[i].want.record;
        if (recording && (r.recording.live != cases[i].want.recording.live ||
                          strcmp(r.recording.from, cases[i].want.recording.from) != 0)) {
            fail_msg("%s", cases[i].line);
        }
        if (r.status != cases[i].want.status || r.record != cases[i].want.record ||
            c->kind != want->kind || c->addr != want->addr || c->count != want->count ||
            c->raw != want->raw || c->option != want->option) {
            fail_msg("%s", cases[i].line);
        }
    }
}

static void everything_else_is_refused(void **state) {
    static const struct {
        const char *line;
        int err;
    } cases[] = {
        {"", GW_ERR_SYNTAX},
        {"status", GW_ERR_SYNTAX},
        {"[]", GW_ERR_SYNTAX},
        {"{}", GW_ERR_SYNTAX},
        {"{\"address\":1}", GW_ERR_SYNTAX},
        {"{\"request\":\"status\"", GW_ERR_SYNTAX},
        {"{\"request\":\"status\"} x", GW_ERR_SYNTAX},
        {"{\"request\":\"status\"}{\"request\":\"status\"}", GW_ERR_SYNTAX},
        {"{\"request\":\"status\",\"request\":\"status\"}", GW_ERR_SYNTAX},
        {"{\"request\":1}", GW_ERR_TYPE},
        {"{\"request\":{\"request\":\"status\"}}", GW_ERR_TYPE},
        {"{\"request\":\"stop\"}", GW_ERR_UNKNOWN},
        {"{\"request\":\"STATUS\"}", GW_ERR_UNKNOWN},
        {"{\"request\":\"status\",\"verbose\":true}", GW_ERR_UNKNOWN},
        {"{\"request\":\"record\",\"live\":1}", GW_ERR_TYPE},
        {"{\"request\":\"record\",\"from\":1}", GW_ERR_TYPE},
        {"{\"request\":\"record\",\"from\":\"12345678901234567890123456789012345678\"}",
         GW_ERR_RANGE},
        {"{\"request\":\"read\",\"address\":1}", GW_ERR_RANGE},
        {"{\"request\":\"read\",\"count\":1}", GW_ERR_RANGE},
        {"{\"request\":\"read\",\"address\":1,\"count\":0}", GW_ERR_RANGE},
        {"{\"request\":\"read\",\"address\":1,\"count\":101}", GW_ERR_RANGE},
        {"{\"request\":\"read\",\"address\":65536,\"count\":1}", GW_ERR_RANGE},
        {"{\"request\":\"read\",\"address\":-1,\"count\":1}", GW_ERR_RANGE},
        {"{\"request\":\"read\",\"address\":\"300\",\"count\":1}", GW_ERR_TYPE},
        {"{\"request\":\"read\",\"address\":300.5,\"count\":1}", GW_ERR_TYPE},
        {"{\"request\":\"write\",\"address\":300}", GW_ERR_RANGE},
        {"{\"request\":\"write\",\"value\":300}", GW_ERR_RANGE},
        {"{\"request\":\"write\",\"address\":300,\"value\":4294967296}", GW_ERR_RANGE},
        {"{\"request\":\"write\",\"address\":300,\"value\":1e99}", GW_ERR_SYNTAX},
        {"{\"request\":\"write\",\"address\":300,\"value\":null}", GW_ERR_TYPE},
        {"{\"request\":\"reset\"}", GW_ERR_RANGE},
        {"{\"request\":\"reset\",\"option\":256}", GW_ERR_RANGE},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct control_request r;
        const char *why = NULL;
        int err = control_parse_request(cases[i].line, strlen(cases[i].line), &r, &why);
        if (err == GW_OK || why == NULL || why[0] == '\0') {
            fail_msg("%s: taken", cases[i].line);
        }
        if (err != cases[i].err && cases[i].err != GW_ERR_SYNTAX) {
            fail_msg("%s: %d, %s", cases[i].line, err, why);
        }
    }
}

static void a_key_that_is_unknown_or_given_twice_is_named(void **state) {
    static const struct {
        const char *line, *why;
    } cases[] = {
        {"{\"request\":\"read\",\"address\":1,\"address\":2}", "key given twice: address"},
        {"{\"request\":\"status\",\"verbose\":true}", "unknown key: verbose"},
        {"{\"request\":\"status\",\"a\\nb\":true}", "unknown key"},
        {"{\"request\":\"status\",\"123456789012345678901234567890123\":1}", "unknown key"},
        {"{\"request\":\"status\",\"\":1}", "unknown key"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct control_request r;
        const char *why = NULL;
        assert_int_not_equal(control_parse_request(cases[i].line, strlen(cases[i].line), &r, &why),
                             GW_OK);
        assert_string_equal(why, cases[i].why);
    }
}

static void answers_are_one_line_of_json(void **state) {
    const struct gateway_answer good = {.addr = 300, .count = 2, .value = {4200, 65535}};
    const struct gateway_answer bad = {.err = GW_ERR_NACK, .nack = 1, .addr = 17};
    char buf[256];
    (void)state;
    size_t n = control_print_answer(&good, buf, sizeof buf);
    assert_int_equal(n, strlen("{\"ok\":true,\"address\":300,\"values\":[4200,65535]}\n"));
    assert_memory_equal(buf, "{\"ok\":true,\"address\":300,\"values\":[4200,65535]}\n", n);
    n = control_print_answer(&bad, buf, sizeof buf);
    buf[n] = '\0';
    assert_memory_equal(buf, "{\"ok\":false,\"code\":-9,\"error\":\"", 31);
    assert_non_null(strstr(buf, "\"nack\":1,\"address\":17,\"values\":[]}\n"));
    n = control_print_error(GW_ERR_BUSY, "just \"started\"", buf, sizeof buf);
    buf[n] = '\0';
    assert_string_equal(buf, "{\"ok\":false,\"code\":-3,\"error\":\"just \\\"started\\\"\"}\n");
}

static void an_answer_that_does_not_fit_says_so(void **state) {
    struct gateway_answer a = {.addr = 0, .count = TINYBMS_COMMAND_REGISTERS_MAX};
    char buf[256];
    (void)state;
    memset(a.value, 0xFF, sizeof a.value);
    size_t n = control_print_answer(&a, buf, sizeof buf);
    assert_true(n > 0 && n <= sizeof buf);
    assert_memory_equal(buf, "{\"ok\":false,\"code\":-2,", 22);
    assert_int_equal(buf[n - 1], '\n');
}

static void a_client_reads_what_the_gateway_answers(void **state) {
    static const char good[] = "{\"ok\":true,\"address\":300,\"values\":[4200,65535]}";
    static const char bad[] =
        "{\"ok\":false,\"code\":-9,\"error\":\"refused\",\"nack\":1,\"later\":[{}]}";
    struct gateway_answer a;
    (void)state;
    assert_int_equal(control_parse_answer(good, strlen(good), &a), GW_OK);
    assert_int_equal(a.err, GW_OK);
    assert_int_equal(a.addr, 300);
    assert_int_equal(a.count, 2);
    assert_int_equal(a.value[0], 4200);
    assert_int_equal(a.value[1], 65535);
    assert_int_equal(control_parse_answer(bad, strlen(bad), &a), GW_OK);
    assert_int_equal(a.err, GW_ERR_NACK);
    assert_int_equal(a.nack, 1);
}

static void a_client_is_not_harmed_by_a_false_answer(void **state) {
    static const char *const lines[] = {
        "",
        "[]",
        "{\"ok\":false}", /* without a reason it is no refusal */
        "{\"values\":[1]}",
        "{\"ok\":true,\"values\":[65536]}",
        "{\"ok\":true,\"values\":[-1]}",
        "{\"ok\":true,\"values\":[1.5]}",
        "{\"ok\":true,\"values\":[\"1\"]}",
        "{\"ok\":true,\"values\":1}",
        "{\"ok\":false,\"code\":0}",
        "{\"ok\":false,\"code\":7}",
        "{\"ok\":true,\"address\":70000}",
        "{\"ok\":true,\"values\":[1]",
        "{\"ok\":1}",
    };
    char many[1024] = "{\"ok\":true,\"values\":[0";
    struct gateway_answer a;
    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        if (control_parse_answer(lines[i], strlen(lines[i]), &a) != GW_ERR_SYNTAX) {
            fail_msg("%s", lines[i]);
        }
    }
    for (int i = 1; i < TINYBMS_COMMAND_REGISTERS_MAX; i++) {
        strcat(many, ",0");
    }
    size_t n = strlen(many);
    strcpy(many + n, "]}");
    assert_int_equal(control_parse_answer(many, strlen(many), &a), GW_OK);
    strcpy(many + n, ",0]}");
    assert_int_equal(control_parse_answer(many, strlen(many), &a), GW_ERR_SYNTAX);
}

static void requests_are_printed_as_documented(void **state) {
    static const struct {
        struct control_request request;
        const char *line;
    } cases[] = {
        {{.status = true}, "{\"request\":\"status\"}\n"},
        {{.command = {.kind = GATEWAY_READ_REGISTERS, .addr = 300, .count = 44}},
         "{\"request\":\"read\",\"address\":300,\"count\":44}\n"},
        {{.command = {.kind = GATEWAY_WRITE_REGISTER, .addr = 306, .raw = 10000}},
         "{\"request\":\"write\",\"address\":306,\"value\":10000}\n"},
        {{.command = {.kind = GATEWAY_RESET_BMS, .option = 5}},
         "{\"request\":\"reset\",\"option\":5}\n"},
        {{.record = true, .recording = {.live = false, .from = "a:1"}},
         "{\"request\":\"record\",\"live\":false,\"from\":\"a:1\"}\n"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char buf[CONTROL_REQUEST_MAX];
        size_t n = control_print_request(&cases[i].request, buf, sizeof buf);
        assert_int_equal(n, strlen(cases[i].line));
        assert_memory_equal(buf, cases[i].line, n);
    }
}

static void an_answer_says_ok_or_why_not(void **state) {
    static const struct {
        const char *line;
        bool ok;
        const char *why;
    } cases[] = {
        {"{\"ok\":true,\"recording\":true}", true, ""},
        {"{\"ok\":false,\"code\":-3,\"error\":\"too many record already\"}", false,
         "too many record already"},
        {"{\"ok\":1}", false, ""},
        {"{\"error\":\"x\",\"ok\":false,\"more\":{\"ok\":true}}", false, "x"},
        {"{}", false, ""},
        {"", false, "its answer cannot be read"},
        {"(1.000000) turn", false, "its answer cannot be read"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char why[64];
        bool ok = control_answer_ok(cases[i].line, strlen(cases[i].line), why, sizeof why);
        assert_int_equal(ok, cases[i].ok);
        assert_string_equal(why, cases[i].why);
    }
}

/* Before the first sample nothing is known: every value is null, none is 0. */
static void a_status_that_knows_nothing_says_null(void **state) {
    static struct gateway_snapshot s;
    static char buf[CONTROL_ANSWER_MAX];
    const struct can_status can = {.state = CAN_BUS_UNKNOWN};
    (void)state;
    memset(&s, 0, sizeof s);
    s.sample_age_ms = s.gx_age_ms = UINT64_MAX;
    size_t n = control_print_status(&s, &can, buf, sizeof buf - 1);
    buf[n] = '\0';
    static const char *const parts[] = {
        "{\"ok\":true,\"status\":{\"version\":\"",
        "\"voltage\":null",
        "\"current\":null",
        "\"soc_percent\":null",
        "\"temperature\":null",
        "\"min_cell_mv\":null",
        "\"cells_mv\":[]",
        "\"online_status\":null",
        "\"cvl_v\":null",
        "\"last_keepalive_ms\":null",
        "\"age_ms\":null",
        ("\"dropped\":0,\"state\":null,\"bitrate\":null,\"restart_ms\":null,"
         "\"tx_error_counter\":null,\"rx_error_counter\":null,\"bus_off_count\":0,\"restarts\":0}"),
        "\"registers\":[]}}\n",
    };
    for (size_t i = 0; i < COUNT(parts); i++) {
        if (strstr(buf, parts[i]) == NULL) {
            fail_msg("%s is not in %s", parts[i], buf);
        }
    }
}

/* The units of the interface: volts, amperes, percent, degrees. */
static void a_status_shows_values_in_their_units(void **state) {
    static struct gateway_snapshot s;
    static char buf[CONTROL_ANSWER_MAX];
    struct battery *b = &s.battery;
    const struct can_status can = {
        .state = CAN_BUS_ERROR_PASSIVE,
        .bitrate = 500000,
        .restart_known = true,
        .restart_ms = 100,
        .counters_known = true,
        .tx_error_counter = 128,
        .rx_error_counter = 3,
        .bus_off_count = 2,
        .restarts = 1,
        .dropped = 12,
    };
    (void)state;
    memset(&s, 0, sizeof s);
    battery_init(b);
    b->pack_mv = 54626;
    b->pack_ma = -5000;
    b->soc_cpct = 6420;
    b->status = BATTERY_STATUS_DISCHARGING;
    b->external_temperature_dc[0] = -15;
    b->cell_count = 4;
    for (int i = 0; i < 4; i++) {
        b->cell_mv[i] = (uint16_t)(3900 + i);
    }
    b->balancing_active_bits = 0x2;
    static const enum battery_field known[] = {
        BATTERY_PACK_VOLTAGE,
        BATTERY_PACK_CURRENT,
        BATTERY_SOC,
        BATTERY_CELLS,
        BATTERY_STATUS,
        BATTERY_EXTERNAL_TEMPERATURE_1,
        BATTERY_BALANCING_ACTIVE,
    };
    for (size_t i = 0; i < COUNT(known); i++) {
        battery_set(b, known[i], 1);
    }
    battery_derive(b);
    s.limits = (struct limits){.valid = true, .cvl_mv = 58100, .ccl_ma = 18000, .dcl_ma = 54000};
    s.limits.cvl_reason = s.limits.ccl_reason = s.limits.dcl_reason = LIMIT_NOMINAL;
    s.uart.timeouts = 1;
    s.uart.crc_errors = 2;
    s.uart.nacks = 4;
    size_t n = control_print_status(&s, &can, buf, sizeof buf - 1);
    buf[n] = '\0';
    static const char *const parts[] = {
        "\"voltage\":54.626",
        "\"current\":-5.000",
        "\"power_w\":-273.130", /* 54.626 V x -5 A */
        "\"soc_percent\":64.20",
        "\"soh_percent\":null",
        "\"temperature\":-1.5",
        "\"cells_mv\":[3900,3901,3902,3903]",
        "\"balancing\":[false,true,false,false]",
        "\"online_status\":\"discharging\"",
        "\"online_status_code\":147", /* 0x93 */
        "\"cvl_v\":58.100,\"ccl_a\":18.000,\"dcl_a\":54.000,\"reason\":{\"cvl\":\"nominal\"",
        ("\"dropped\":12,\"state\":\"error-passive\",\"bitrate\":500000,\"restart_ms\":100,"
         "\"tx_error_counter\":128,\"rx_error_counter\":3,\"bus_off_count\":2,\"restarts\":1}"),
        "\"errors\":7,\"timeouts\":1,\"crc_errors\":2,\"nacks\":4",
    };
    for (size_t i = 0; i < COUNT(parts); i++) {
        if (strstr(buf, parts[i]) == NULL) {
            fail_msg("%s is not in %s", parts[i], buf);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_is_understood),
        cmocka_unit_test(a_key_that_is_unknown_or_given_twice_is_named),
        cmocka_unit_test(everything_else_is_refused),
        cmocka_unit_test(answers_are_one_line_of_json),
        cmocka_unit_test(an_answer_that_does_not_fit_says_so),
        cmocka_unit_test(a_client_reads_what_the_gateway_answers),
        cmocka_unit_test(a_client_is_not_harmed_by_a_false_answer),
        cmocka_unit_test(requests_are_printed_as_documented),
        cmocka_unit_test(an_answer_says_ok_or_why_not),
        cmocka_unit_test(a_status_that_knows_nothing_says_null),
        cmocka_unit_test(a_status_shows_values_in_their_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
