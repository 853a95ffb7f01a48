/* SPDX-License-Identifier: MIT */
/* Settings from a file and from the command line: what is taken, and exactly what a user is told
 * about the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settings/row.h"
#include "settings/settings.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int parse(struct settings *s, const char *json, struct settings_error *e) {
    return settings_parse(s, json, strlen(json), e);
}

static void every_way_to_write_a_key_means_the_same(void **state) {
    static const char *const files[] = {
        "{\"hardware\":{\"uart\":{\"baudrate\":9600}},\"cvl\":{\"margin_mv\":50}}",
        "{\"hardware.uart.baudrate\":9600,\"cvl.margin_mv\":50}",
        "{\"hardware.uart\":{\"baudrate\":9600},\"cvl_algorithm\":{\"margin_mv\":50}}",
        "{\"hardware\":{\"uart.baudrate\":9600},\"cvl_algorithm.margin_mv\":50}",
        "{\"cvl\":{\"\\u006dargin_mv\":5.0e1},\"hardware\":{\"can\":{},\"uart\":{\"baudrate\":9."
        "6e3}"
        "}}",
        " {\n\"cvl\" : { \"margin_mv\" : 50.000 } ,\t\"hardware.uart\":{\"baudrate\":9600 }\r\n} ",
        /* one section in two spellings is no twin as long as its settings are not */
        ("{\"hardware\":{\"uart\":{\"baudrate\":9600}},\"hardware.uart\":{\"timeout_ms\":100},"
         "\"cvl_algorithm\":{},\"cvl\":{\"margin_mv\":50}}"),
    };
    (void)state;
    for (size_t i = 0; i < COUNT(files); i++) {
        struct settings s, want;
        struct settings_error e;
        settings_defaults(&s);
        want = s;
        want.hardware.uart.baudrate = 9600;
        want.cvl.margin_mv = 50;
        if (parse(&s, files[i], &e) != 0)
            fail_msg("%s: %s", files[i], e.text);
        assert_memory_equal(&s, &want, sizeof s);
    }
}

static void a_file_goes_over_what_was_there(void **state) {
    struct settings s;
    struct settings_error e;
    (void)state;
    settings_defaults(&s);
    assert_int_equal(parse(&s, "{}", &e), 0);
    assert_int_equal(parse(&s, "{\"tinybms\":{\"poll_interval_ms\":50}}", &e), 0);
    assert_int_equal(parse(&s, "{\"tinybms\":{\"uart_retry_count\":0}}", &e), 0);
    assert_int_equal(s.tinybms.poll_interval_ms, 50);
    assert_int_equal(s.tinybms.uart_retry_count, 0);
    /* a shorter text leaves nothing of the longer one */
    assert_int_equal(parse(&s, "{\"hardware\":{\"can\":{\"interface\":\"sim\"}}}", &e), 0);
    assert_string_equal(s.hardware.can.interface, "sim");
    for (size_t i = 3; i < sizeof s.hardware.can.interface; i++)
        assert_int_equal(s.hardware.can.interface[i], 0);
}

struct refusal {
    const char *what, *json;
    int err;
    const char *key;
    uint32_t line, column;
    const char *text;
};

static void refuse_all(const struct refusal *cases, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const struct refusal *c = &cases[i];
        struct settings s, before;
        struct settings_error e = {.text = "accepted"};
        settings_defaults(&s);
        before = s;
        int err = parse(&s, c->json, &e);
        if (err != c->err || e.err != c->err || strcmp(e.key, c->key) != 0 || e.line != c->line ||
            e.column != c->column || strcmp(e.text, c->text) != 0)
            fail_msg("%s: %d [%s] %u:%u %s", c->what, err, e.key, (unsigned)e.line,
                     (unsigned)e.column, e.text);
        assert_memory_equal(&s, &before, sizeof s);
    }
}

static void unknown_keys_are_refused_with_the_nearest_one(void **state) {
    static const struct refusal cases[] = {
        {"a letter missing", "{\"tinybms\":{\"pol_interval_ms\":5}}", GW_ERR_UNKNOWN,
         "tinybms.pol_interval_ms", 1, 13,
         "tinybms.pol_interval_ms: unknown setting; did you mean tinybms.poll_interval_ms?"},
        {"a section misspelled", "{\n \"tinybsm\": {\"poll_interval_ms\": 50}}", GW_ERR_UNKNOWN,
         "tinybsm", 2, 2, "tinybsm: unknown setting; did you mean tinybms?"},
        {"an inner section misspelled", "{\"hardware\":{\"usart\":{}}}", GW_ERR_UNKNOWN,
         "hardware.usart", 1, 14, "hardware.usart: unknown setting; did you mean hardware.uart?"},
        {"a dotted section", "{\"hardwear.uart\":{}}", GW_ERR_UNKNOWN, "hardwear.uart", 1, 2,
         "hardwear.uart: unknown setting; did you mean hardware.uart?"},
        {"no section", "{\"poll_interval_ms\":50}", GW_ERR_UNKNOWN, "poll_interval_ms", 1, 2,
         "poll_interval_ms: unknown setting; did you mean tinybms.poll_interval_ms?"},
        {"the wrong section", "{\"logging\":{\"dir\":\"/x\"}}", GW_ERR_UNKNOWN, "logging.dir", 1,
         13, "logging.dir: unknown setting; did you mean storage.dir?"},
        {"an underscore for a dot", "{\"cvl_margin_mv\":50}", GW_ERR_UNKNOWN, "cvl_margin_mv", 1, 2,
         "cvl_margin_mv: unknown setting; did you mean cvl.margin_mv?"},
        {"the wrong case", "{\"Logging\":{\"level\":\"info\"}}", GW_ERR_UNKNOWN, "Logging", 1, 2,
         "Logging: unknown setting; did you mean logging?"},
        {"in a section by its founding name", "{\"cvl_algorithm\":{\"margin\":50}}", GW_ERR_UNKNOWN,
         "cvl_algorithm.margin", 1, 19, "cvl_algorithm.margin: unknown setting"},
        {"nothing near", "{\"mqtt\":{\"enabled\":true}}", GW_ERR_UNKNOWN, "mqtt", 1, 2,
         "mqtt: unknown setting"},
        {"a founding name without rows", "{\"web_server\":{\"port\":80}}", GW_ERR_UNKNOWN,
         "web_server", 1, 2, "web_server: unknown setting"},
        {"nothing near, below a section", "{\"cvl\":{\"x\":1}}", GW_ERR_UNKNOWN, "cvl.x", 1, 9,
         "cvl.x: unknown setting"},
        {"an empty key", "{\"\":1}", GW_ERR_UNKNOWN, "", 1, 2, "unknown setting"},
        {"an empty key in a section", "{\"cvl\":{\"\":1}}", GW_ERR_UNKNOWN, "cvl.", 1, 9,
         "cvl.: unknown setting"},
        {"a founding name where it is none", "{\"hardware\":{\"cvl_algorithm\":1}}", GW_ERR_UNKNOWN,
         "hardware.cvl_algorithm", 1, 14, "hardware.cvl_algorithm: unknown setting"},
        {"below a setting", "{\"cvl.margin_mv.x\":1}", GW_ERR_UNKNOWN, "cvl.margin_mv.x", 1, 2,
         "cvl.margin_mv.x: unknown setting; did you mean cvl.margin_mv?"},
        {"control characters", "{\"\\u001b[31mcvl\":1}", GW_ERR_UNKNOWN, "?[31mcvl", 1, 2,
         "?[31mcvl: unknown setting"},
        {"a space", "{\"cvl margin\":1}", GW_ERR_UNKNOWN, "cvl margin", 1, 2,
         "cvl margin: unknown setting"},
        {"letters outside ASCII", "{\"r\xC3\xA9seau\":1}", GW_ERR_UNKNOWN, "r??seau", 1, 2,
         "r??seau: unknown setting"},
        {"longer than any key",
         "{\"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggg\":1}",
         GW_ERR_UNKNOWN, "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg", 1, 2,
         "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg...: unknown setting"},
    };
    (void)state;
    refuse_all(cases, COUNT(cases));
}

/* A third of the letters given may be wrong, and two of any; the nearest of several wins, wherever
 * it stands in the table. */
static void the_nearest_key_is_counted_in_letters(void **state) {
    static const struct {
        const char *key, *nearest; /* NULL: none */
    } cases[] = {
        {"logging.lvl", "logging.level"},         /* 2 missing */
        {"loging.lvl", "logging.level"},          /* 3 missing: 10 / 3 */
        {"logng.lvl", NULL},                      /* 4 missing, 9 / 3 may be */
        {"logging.levels", "logging.level"},      /* 1 too many */
        {"logggiing..level", "logging.level"},    /* 3 too many */
        {"xlogging.levelxx", "logging.level"},    /* 3 too many, at both ends */
        {"xxloggingg.levelxxx", "logging.level"}, /* 6 too many: 19 / 3 */
        {"xxxloggingg.levelxxx", NULL},           /* 7 too many, 20 / 3 */
        {"xxxxxlogging.lev", NULL},               /* 5 too many and 2 missing: 16 / 3 */
        {"lagging.label", "logging.level"},       /* 3 replaced */
        {"lagginx.label", "logging.level"},       /* 4 replaced: 13 / 3 */
        {"laggixx.label", NULL},                  /* 5 replaced */
        {"logginglevel", "logging.level"},
        {"cv", "cvl"},
        {"vcl", "cvl"}, /* 2 replaced */
        {"xyz", NULL},
        {"tinybms.stale_zero_discharge", "tinybms.stale_zero_discharge_ms"},
        {"tinybms.stale_zero", "tinybms.stale_zero_ms"},
        {"hardware.can.tx", "hardware.can.tx_pin"},
        {"hardware.can.rx_pn", "hardware.can.rx_pin"},
        {"hardware.uart.rx_pim", "hardware.uart.rx_pin"},
        {"victron.threshold.soc_high_percnt", "victron.thresholds.soc_high_percent"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char assignment[64], want[160];
        struct settings s;
        struct settings_error e;
        settings_defaults(&s);
        snprintf(assignment, sizeof assignment, "%s=", cases[i].key);
        snprintf(want, sizeof want, "%s: unknown setting%s%s%s", cases[i].key,
                 cases[i].nearest != NULL ? "; did you mean " : "",
                 cases[i].nearest != NULL ? cases[i].nearest : "",
                 cases[i].nearest != NULL ? "?" : "");
        memset(&e, 0x7F, sizeof e);
        if (settings_assign(&s, assignment, &e) != GW_ERR_UNKNOWN || strcmp(e.text, want) != 0)
            fail_msg("%s: %s", cases[i].key, e.text);
    }
}

/* A key whose first 63 bytes are a setting's must not be taken for it: none is that long today, so
 * this is about the cut itself. */
static void a_key_that_only_begins_like_a_setting_is_unknown(void **state) {
    char json[700], key[600];
    struct settings s;
    struct settings_error e;
    (void)state;
    for (size_t n = 1; n < 480; n++) {
        memset(key, '.', sizeof key);
        memcpy(key, "cvl.margin_mv", 13);
        key[13 + n] = '\0';
        snprintf(json, sizeof json, "{\"%s\":5}", key);
        settings_defaults(&s);
        assert_int_equal(parse(&s, json, &e), GW_ERR_UNKNOWN);
        snprintf(json, sizeof json, "%s=5", key);
        assert_int_equal(settings_assign(&s, json, &e), GW_ERR_UNKNOWN);
        assert_int_equal(s.cvl.margin_mv, 0);
        assert_null(memchr(e.text, '\n', strlen(e.text)));
    }
}

static void the_same_setting_twice_is_refused(void **state) {
    static const struct refusal cases[] = {
        {"plainly", "{\"cvl\":{\"margin_mv\":1,\n\"margin_mv\":1}}", GW_ERR_SYNTAX, "cvl", 2, 1,
         "cvl: key given twice"},
        {"a section", "{\"cvl\":{\"margin_mv\":1},\"cvl\":{}}", GW_ERR_SYNTAX, "", 1, 24,
         "key given twice"},
        {"nested and dotted", "{\"cvl\":{\"margin_mv\":1},\"cvl.margin_mv\":1}", GW_ERR_SYNTAX,
         "cvl.margin_mv", 1, 24, "cvl.margin_mv: given twice"},
        {"dotted and nested", "{\"cvl.margin_mv\":1,\"cvl\":{\"margin_mv\":1}}", GW_ERR_SYNTAX,
         "cvl.margin_mv", 1, 27, "cvl.margin_mv: given twice"},
        {"by its founding name", "{\"cvl\":{\"margin_mv\":1},\"cvl_algorithm\":{\"margin_mv\":2}}",
         GW_ERR_SYNTAX, "cvl.margin_mv", 1, 41, "cvl.margin_mv: given twice"},
        {"by its founding name, dotted",
         "{\"cvl_algorithm.margin_mv\":1,\"cvl\":{\"margin_mv\":2}}", GW_ERR_SYNTAX,
         "cvl.margin_mv", 1, 37, "cvl.margin_mv: given twice"},
        {"partly dotted",
         "{\"hardware\":{\"uart.baudrate\":9600},\"hardware.uart\":{\"baudrate\":9600}}",
         GW_ERR_SYNTAX, "hardware.uart.baudrate", 1, 53, "hardware.uart.baudrate: given twice"},
        {"escaped", "{\"cvl\":{\"margin_mv\":1,\"margin\\u005fmv\":1}}", GW_ERR_SYNTAX, "cvl", 1,
         23, "cvl: key given twice"},
        {"the last row",
         "{\"advanced\":{\"control_socket\":\"/a\"},\"advanced.control_socket\":\"/a\"}",
         GW_ERR_SYNTAX, "advanced.control_socket", 1, 37, "advanced.control_socket: given twice"},
    };
    (void)state;
    refuse_all(cases, COUNT(cases));
}

static void values_of_the_wrong_type_are_refused(void **state) {
    static const struct refusal cases[] = {
        {"a number as text", "{\"tinybms\":{\"poll_interval_ms\":\"50\"}}", GW_ERR_TYPE,
         "tinybms.poll_interval_ms", 1, 32,
         "tinybms.poll_interval_ms: expected a whole number, 20 to 2000 ms, not \"50\""},
        {"true for a number", "{\"tinybms\":{\"poll_interval_ms\":true}}", GW_ERR_TYPE,
         "tinybms.poll_interval_ms", 1, 32,
         "tinybms.poll_interval_ms: expected a whole number, 20 to 2000 ms, not true"},
        {"null for a number", "{\"cvl\":{\"margin_mv\":null}}", GW_ERR_TYPE, "cvl.margin_mv", 1, 21,
         "cvl.margin_mv: expected a whole number, 0 to 5000 mV, not null"},
        {"a fraction for a whole number", "{\"cvl\":{\"margin_mv\":50.5}}", GW_ERR_TYPE,
         "cvl.margin_mv", 1, 21, "cvl.margin_mv: expected a whole number, 0 to 5000 mV, not 50.5"},
        {"an object for a setting", "{\"cvl\":{\"margin_mv\":{}}}", GW_ERR_TYPE, "cvl.margin_mv", 1,
         21, "cvl.margin_mv: expected a whole number, 0 to 5000 mV, not an object"},
        {"a list for a setting", "{\"cvl\":{\"margin_mv\":[50]}}", GW_ERR_TYPE, "cvl.margin_mv", 1,
         21, "cvl.margin_mv: expected a whole number, 0 to 5000 mV, not a list"},
        {"text for a decimal", "{\"battery\":{\"capacity_ah\":\"280 Ah\"}}", GW_ERR_TYPE,
         "battery.capacity_ah", 1, 27,
         "battery.capacity_ah: expected a number, 0.1 to 6550 Ah, or 0, not \"280 Ah\""},
        {"a number for a word", "{\"battery\":{\"cell_order\":1}}", GW_ERR_TYPE,
         "battery.cell_order", 1, 26,
         "battery.cell_order: expected one of auto, ascending, descending, not 1"},
        {"a number for a text", "{\"victron\":{\"manufacturer\":1e3}}", GW_ERR_TYPE,
         "victron.manufacturer", 1, 28,
         "victron.manufacturer: expected a text of 1 to 8 bytes, not 1e3"},
        {"a number for true or false", "{\"hardware\":{\"can\":{\"termination\":1}}}", GW_ERR_TYPE,
         "hardware.can.termination", 1, 35,
         "hardware.can.termination: expected true or false, not 1"},
        {"text for true or false", "{\"hardware\":{\"can\":{\"termination\":\"true\"}}}",
         GW_ERR_TYPE, "hardware.can.termination", 1, 35,
         "hardware.can.termination: expected true or false, not \"true\""},
        {"a value for a section", "{\"hardware\":{\"uart\":\"/dev/ttyUSB0\"}}", GW_ERR_TYPE,
         "hardware.uart", 1, 21,
         "hardware.uart: expected an object of settings, not \"/dev/ttyUSB0\""},
        {"a list for a section", "{\"hardware\":[]}", GW_ERR_TYPE, "hardware", 1, 13,
         "hardware: expected an object of settings, not a list"},
        {"a list", "[]", GW_ERR_TYPE, "", 1, 1, "expected a JSON object of settings"},
        {"a number", " 5", GW_ERR_TYPE, "", 1, 2, "expected a JSON object of settings"},
    };
    (void)state;
    refuse_all(cases, COUNT(cases));
}

static void values_out_of_range_are_refused(void **state) {
    static const struct refusal cases[] = {
        {"too small", "{\"tinybms\":{\"poll_interval_ms\":5}}", GW_ERR_RANGE,
         "tinybms.poll_interval_ms", 1, 32,
         "tinybms.poll_interval_ms: 5 is out of range 20 to 2000 ms"},
        {"as it was written", "{\"tinybms\":{\"poll_interval_ms\":5.0e0}}", GW_ERR_RANGE,
         "tinybms.poll_interval_ms", 1, 32,
         "tinybms.poll_interval_ms: 5.0e0 is out of range 20 to 2000 ms"},
        {"below zero", "{\"cvl\":{\"margin_mv\":-1}}", GW_ERR_RANGE, "cvl.margin_mv", 1, 21,
         "cvl.margin_mv: -1 is out of range 0 to 5000 mV"},
        {"4294967346 is 50 in 32 bits", "{\"cvl\":{\"margin_mv\":4294967346}}", GW_ERR_RANGE,
         "cvl.margin_mv", 1, 21, "cvl.margin_mv: 4294967346 is out of range 0 to 5000 mV"},
        {"an int64 that overflows in thousandths",
         "{\"battery\":{\"capacity_ah\":9223372036854775807}}", GW_ERR_RANGE, "battery.capacity_ah",
         1, 27, "battery.capacity_ah: 9223372036854775807 is out of range 0.1 to 6550 Ah, or 0"},
        {"too many decimals", "{\"battery\":{\"capacity_ah\":280.0005}}", GW_ERR_RANGE,
         "battery.capacity_ah", 1, 27, "battery.capacity_ah: 280.0005 has more than 3 decimals"},
        {"more than one decimal", "{\"victron\":{\"thresholds\":{\"overtemp_c\":55.25}}}",
         GW_ERR_RANGE, "victron.thresholds.overtemp_c", 1, 40,
         "victron.thresholds.overtemp_c: 55.25 has more than 1 decimal"},
        {"a cold limit too high", "{\"victron\":{\"thresholds\":{\"low_temp_charge_c\":10.5}}}",
         GW_ERR_RANGE, "victron.thresholds.low_temp_charge_c", 1, 47,
         "victron.thresholds.low_temp_charge_c: 10.5 is out of range -40 to 10 degC"},
        {"no such bit rate", "{\"hardware\":{\"can\":{\"bitrate\":9600}}}", GW_ERR_RANGE,
         "hardware.can.bitrate", 1, 31,
         "hardware.can.bitrate: 9600 is not one of 10000, 20000, 50000, 100000, 125000, 250000, "
         "500000, 800000, 1000000 bit/s"},
        {"no such word", "{\"logging\":{\"level\":\"verbose\"}}", GW_ERR_RANGE, "logging.level", 1,
         21, "logging.level: \"verbose\" is not one of error, warn, info, debug"},
        {"a word in the wrong case", "{\"logging\":{\"level\":\"Info\"}}", GW_ERR_RANGE,
         "logging.level", 1, 21, "logging.level: \"Info\" is not one of error, warn, info, debug"},
        {"half a word", "{\"logging\":{\"level\":\"inf\"}}", GW_ERR_RANGE, "logging.level", 1, 21,
         "logging.level: \"inf\" is not one of error, warn, info, debug"},
        {"a word with a delete", "{\"logging\":{\"level\":\"inf\\u007f\"}}", GW_ERR_RANGE,
         "logging.level", 1, 21, "logging.level: \"inf?\" is not one of error, warn, info, debug"},
        {"a text too long", "{\"victron\":{\"manufacturer\":\"ninechars\"}}", GW_ERR_RANGE,
         "victron.manufacturer", 1, 28,
         "victron.manufacturer: \"ninechars\" does not have 1 to 8 bytes"},
        {"an empty text", "{\"victron\":{\"manufacturer\":\"\"}}", GW_ERR_RANGE,
         "victron.manufacturer", 1, 28, "victron.manufacturer: \"\" does not have 1 to 8 bytes"},
        {"a control character", "{\"storage\":{\"dir\":\"/a\\nb\"}}", GW_ERR_RANGE, "storage.dir",
         1, 19, "storage.dir: has a control character at byte 3"},
        {"a delete", "{\"storage\":{\"dir\":\"/\\u007f\"}}", GW_ERR_RANGE, "storage.dir", 1, 19,
         "storage.dir: has a control character at byte 2"},
        {"a text for a terminal", /* 40 bytes of it are shown, none of them a control character */
         "{\"logging\":{\"level\":\"\\u001b]0;x\\u0007\\u009b012345678901234567890123456789012\"}}",
         GW_ERR_RANGE, "logging.level", 1, 21,
         "logging.level: \"?]0;x???01234567890123456789012345678901...\" is not one of error, "
         "warn, info, debug"},
    };
    (void)state;
    refuse_all(cases, COUNT(cases));
}

static void malformed_files_are_refused_with_line_and_column(void **state) {
    static const struct refusal cases[] = {
        {"nothing", "", GW_ERR_SYNTAX, "", 1, 1, "the text ends too early"},
        {"half a file", "{\n  \"cvl\": {\n    \"margin_mv\": 5", GW_ERR_SYNTAX, "cvl", 3, 19,
         "cvl: the text ends too early"},
        {"a comma too many", "{\"cvl\": {\"margin_mv\": 5},\n}", GW_ERR_SYNTAX, "", 2, 1,
         "expected a key in double quotes"},
        {"a comma forgotten", "{\"cvl\": {\"margin_mv\": 5}\n \"logging\": {}}", GW_ERR_SYNTAX, "",
         2, 2, "expected ',' or '}'"},
        {"a comma forgotten in a section",
         "{\"hardware\": {\"uart\": {\"device\": \"sim\"\n\"baudrate\": 9600}}}", GW_ERR_SYNTAX,
         "hardware.uart", 2, 1, "hardware.uart: expected ',' or '}'"},
        {"a bare word", "{\"logging\": {\"level\": info}}", GW_ERR_SYNTAX, "logging.level", 1, 23,
         "logging.level: expected a value"},
        {"a number beyond all ranges", "{\"cvl\": {\"margin_mv\": 1e400}}", GW_ERR_SYNTAX,
         "cvl.margin_mv", 1, 23, "cvl.margin_mv: number too large"},
        {"two objects", "{}{}", GW_ERR_SYNTAX, "", 1, 3, "more text after the value"},
        {"a byte order mark", "\xEF\xBB\xBF{}", GW_ERR_SYNTAX, "", 1, 1,
         "byte order mark: save the file as plain UTF-8"},
        {"after a good setting", "{\"cvl\": {\"margin_mv\": 5}} x", GW_ERR_SYNTAX, "", 1, 27,
         "more text after the value"},
    };
    (void)state;
    refuse_all(cases, COUNT(cases));
}

static void a_file_over_64_kib_is_refused_unread(void **state) {
    char *json = malloc(SETTINGS_JSON_MAX + 1);
    struct settings s;
    struct settings_error e;
    (void)state;
    assert_non_null(json);
    memset(json, ' ', SETTINGS_JSON_MAX + 1);
    json[0] = '{';
    json[1] = '}';
    settings_defaults(&s);
    assert_int_equal(settings_parse(&s, json, SETTINGS_JSON_MAX, &e), 0);
    assert_int_equal(settings_parse(&s, json, SETTINGS_JSON_MAX + 1, &e), GW_ERR_SPACE);
    assert_string_equal(e.text, "more than 65536 bytes of settings");
    free(json);
}

static void the_command_line_takes_values_by_type(void **state) {
    static const struct {
        const char *assignment;
        int err;
        const char *text;
    } cases[] = {
        {"tinybms.poll_interval_ms=50", 0, NULL},
        {"tinybms.poll_interval_ms=5e1", 0, NULL},
        {"battery.capacity_ah=280.125", 0, NULL},
        {"victron.thresholds.low_temp_charge_c=-0.5", 0, NULL},
        {"hardware.can.termination=true", 0, NULL},
        {"hardware.can.mode=listen", 0, NULL},
        {"cvl_algorithm.margin_mv=50", 0, NULL},
        {"victron.battery_name=", 0, NULL},
        {"victron.battery_name=a=b", 0, NULL},
        {"victron.battery_name=true", 0, NULL},
        {"victron.battery_name=12", 0, NULL},
        {"storage.dir=/donn\xC3\xA9", 0, NULL},
        {"tinybms.poll_interval_ms=", GW_ERR_TYPE,
         "tinybms.poll_interval_ms: expected a whole number, 20 to 2000 ms, not \"\""},
        {"tinybms.poll_interval_ms= 50", GW_ERR_TYPE,
         "tinybms.poll_interval_ms: expected a whole number, 20 to 2000 ms, not \" 50\""},
        {"tinybms.poll_interval_ms=50 ", GW_ERR_TYPE,
         "tinybms.poll_interval_ms: expected a whole number, 20 to 2000 ms, not \"50 \""},
        {"tinybms.poll_interval_ms=50ms", GW_ERR_TYPE,
         "tinybms.poll_interval_ms: expected a whole number, 20 to 2000 ms, not \"50ms\""},
        {"tinybms.poll_interval_ms=0x32", GW_ERR_TYPE,
         "tinybms.poll_interval_ms: expected a whole number, 20 to 2000 ms, not \"0x32\""},
        {"tinybms.poll_interval_ms=050", GW_ERR_TYPE,
         "tinybms.poll_interval_ms: expected a whole number, 20 to 2000 ms, not \"050\""},
        {"tinybms.poll_interval_ms=50.5", GW_ERR_TYPE,
         "tinybms.poll_interval_ms: expected a whole number, 20 to 2000 ms, not 50.5"},
        {"tinybms.poll_interval_ms=\"50\"", GW_ERR_TYPE,
         "tinybms.poll_interval_ms: expected a whole number, 20 to 2000 ms, not \"\"50\"\""},
        {"tinybms.poll_interval_ms=1e400", GW_ERR_RANGE,
         "tinybms.poll_interval_ms: 1e400 is out of range 20 to 2000 ms"},
        {"tinybms.poll_interval_ms=19", GW_ERR_RANGE,
         "tinybms.poll_interval_ms: 19 is out of range 20 to 2000 ms"},
        {"battery.capacity_ah=1e-400", GW_ERR_RANGE,
         "battery.capacity_ah: 1e-400 is out of range 0.1 to 6550 Ah, or 0"},
        {"hardware.can.termination=yes", GW_ERR_TYPE,
         "hardware.can.termination: expected true or false, not \"yes\""},
        {"hardware.can.termination=1", GW_ERR_TYPE,
         "hardware.can.termination: expected true or false, not \"1\""},
        {"hardware.can.mode=", GW_ERR_RANGE,
         "hardware.can.mode: \"\" is not one of normal, loopback, listen"},
        {"victron.manufacturer=", GW_ERR_RANGE,
         "victron.manufacturer: \"\" does not have 1 to 8 bytes"},
        {"victron.battery_name=a\tb", GW_ERR_RANGE,
         "victron.battery_name: has a control character at byte 2"},
        {"storage.dir=/a\x9F", GW_ERR_RANGE, "storage.dir: is not UTF-8 at byte 3"},
        {"storage.dir=/\xC3\xA9\xC3", GW_ERR_RANGE, "storage.dir: is not UTF-8 at byte 4"},
        {"poll_interval_ms=50", GW_ERR_UNKNOWN,
         "poll_interval_ms: unknown setting; did you mean tinybms.poll_interval_ms?"},
        {"hardware.uart=sim", GW_ERR_TYPE, "hardware.uart: a section, not a setting"},
        {"cvl_algorithm=5", GW_ERR_TYPE, "cvl_algorithm: a section, not a setting"},
        {"=50", GW_ERR_UNKNOWN, "unknown setting"},
        {"tinybms.poll_interval_ms", GW_ERR_SYNTAX,
         "expected key=value, not tinybms.poll_interval_ms"},
        {"", GW_ERR_SYNTAX, "expected key=value, not "},
        {"\x1B[2J", GW_ERR_SYNTAX, "expected key=value, not ?[2J"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct settings s, before;
        struct settings_error e;
        memset(&e, 0x7F, sizeof e);
        settings_defaults(&s);
        before = s;
        int err = settings_assign(&s, cases[i].assignment, &e);
        if (err != cases[i].err || (err != 0 && strcmp(e.text, cases[i].text) != 0))
            fail_msg("%s: %d %s", cases[i].assignment, err, e.text);
        if (err != 0) {
            assert_memory_equal(&s, &before, sizeof s);
            assert_int_equal(e.err, err);
            assert_int_equal(e.line, 0);
            assert_int_equal(e.column, 0);
        }
    }
}

static void a_value_of_the_greatest_length_fits_and_one_more_does_not(void **state) {
    (void)state;
    for (size_t i = 0; i < settings_table_rows; i++) {
        const struct settings_row *row = &settings_table[i];
        if (row->type != SETTINGS_STRING)
            continue;
        for (int64_t n = row->max; n <= row->max + 1; n++) {
            char assignment[256];
            struct settings s;
            struct settings_error e;
            size_t used = (size_t)snprintf(assignment, sizeof assignment, "%s=", row->key);
            memset(assignment + used, 'x', (size_t)n);
            assignment[used + (size_t)n] = '\0';
            settings_defaults(&s);
            assert_int_equal(settings_assign(&s, assignment, &e), n > row->max ? GW_ERR_RANGE : 0);
            if (n == row->max)
                assert_string_equal(settings_text(row, &s), assignment + used);
        }
    }
}

/* No setting is secret yet; the row's own flag is tried with a row of our own. */
static void a_secret_is_never_shown_and_its_mask_changes_nothing(void **state) {
    static const struct settings_row row = {
        .key = "mqtt.password",
        .type = SETTINGS_STRING,
        .offset = offsetof(struct settings, storage.dir),
        .capacity = SETTINGS_PATH_MAX + 1,
        .min = 8,
        .max = SETTINGS_PATH_MAX,
        .unit = "",
        .text_preset = "",
        .secret = true,
        .help = "Password.",
    };
    struct settings_value v = {.kind = JSON_STRING, .text = "hunter2hunter2"};
    struct settings_error e;
    struct settings s;
    struct json_writer w;
    char buf[64];
    (void)state;

    settings_defaults(&s);
    json_writer_init(&w, buf, sizeof buf, false);
    settings_write_value(&row, &s, &w);
    assert_int_equal(json_writer_finish(&w), 2);
    assert_string_equal(buf, "\"\""); /* none set: nothing to hide */

    assert_int_equal(settings_store(&row, &s, &v, &e), 0);
    json_writer_init(&w, buf, sizeof buf, false);
    settings_write_value(&row, &s, &w);
    assert_int_equal(json_writer_finish(&w), 10);
    assert_string_equal(buf, "\"********\"");

    v.text = "********";
    assert_int_equal(settings_store(&row, &s, &v, &e), 0);
    assert_string_equal(s.storage.dir, "hunter2hunter2");

    v.text = "geheim"; /* refused, and not repeated in the refusal */
    assert_int_equal(settings_store(&row, &s, &v, &e), GW_ERR_RANGE);
    assert_string_equal(e.text, "mqtt.password: what was given does not have 8 to 107 bytes");
    v.kind = JSON_NUMBER;
    v.raw = "123456";
    v.raw_length = 6;
    assert_int_equal(settings_store(&row, &s, &v, &e), GW_ERR_TYPE);
    assert_string_equal(e.text,
                        "mqtt.password: expected a text of 8 to 107 bytes, not what was given");
    assert_string_equal(s.storage.dir, "hunter2hunter2");
}

/* Whatever is damaged in a file, the settings are whole: the old ones or the new ones. */
static void a_damaged_file_changes_nothing_or_is_a_good_one(void **state) {
    static const char good[] = "{\"battery\":{\"capacity_ah\":280.5},\"cvl\":{\"margin_mv\":50},"
                               "\"victron\":{\"manufacturer\":\"Enepaq\"}}";
    (void)state;
    for (size_t at = 0; at < sizeof good - 1; at++) {
        struct settings s, before;
        struct settings_error e;
        char *text = malloc(sizeof good - 1);
        assert_non_null(text);
        settings_defaults(&before);
        for (unsigned byte = 0; byte <= 256; byte++) { /* 256: cut here instead */
            size_t n = byte == 256 ? at : sizeof good - 1;
            memcpy(text, good, sizeof good - 1);
            if (byte < 256)
                text[at] = (char)byte;
            s = before;
            memset(&e, 0x7F, sizeof e);
            if (settings_parse(&s, text, n, &e) == 0) {
                assert_true(s.battery.capacity_mah == 0 || s.battery.capacity_mah >= 100);
                assert_true(s.cvl.margin_mv <= 5000);
                continue;
            }
            assert_memory_equal(&s, &before, sizeof s);
            assert_true(e.line >= 1 && e.line <= (byte == '\n' ? 2 : 1));
            assert_true(e.column >= 1 && e.column <= n + 1);
            size_t length = strlen(e.text);
            assert_true(length > 10 && length < sizeof e.text);
            for (size_t i = 0; i < length; i++)
                assert_true(e.text[i] >= 0x20 && e.text[i] < 0x7F);
        }
        free(text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_to_write_a_key_means_the_same),
        cmocka_unit_test(a_file_goes_over_what_was_there),
        cmocka_unit_test(unknown_keys_are_refused_with_the_nearest_one),
        cmocka_unit_test(the_nearest_key_is_counted_in_letters),
        cmocka_unit_test(a_key_that_only_begins_like_a_setting_is_unknown),
        cmocka_unit_test(the_same_setting_twice_is_refused),
        cmocka_unit_test(values_of_the_wrong_type_are_refused),
        cmocka_unit_test(values_out_of_range_are_refused),
        cmocka_unit_test(malformed_files_are_refused_with_line_and_column),
        cmocka_unit_test(a_file_over_64_kib_is_refused_unread),
        cmocka_unit_test(the_command_line_takes_values_by_type),
        cmocka_unit_test(a_value_of_the_greatest_length_fits_and_one_more_does_not),
        cmocka_unit_test(a_secret_is_never_shown_and_its_mask_changes_nothing),
        cmocka_unit_test(a_damaged_file_changes_nothing_or_is_a_good_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
