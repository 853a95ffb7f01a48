/* SPDX-License-Identifier: MIT */
/* The words that status, log and scenarios use for the vocabulary of the battery, and the phrases
 * for errors. Other programs read them: a changed word is a changed interface. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "battery/alarms.h"
#include "battery/battery.h"
#include "battery/limits.h"
#include "gw_err.h"

static void a_status_has_the_word_of_the_register_table(void **state) {
    (void)state;
    static const struct {
        uint16_t status;
        const char *word;
    } cases[] = {
        {0x91, "charging"},     {0x92, "fully-charged"}, {0x93, "discharging"},
        {0x96, "regeneration"}, {0x97, "idle"},          {0x9B, "fault"},
    };
    unsigned known = 0;
    for (uint32_t status = 0; status <= UINT16_MAX; status++) {
        const char *expected = "unknown";
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            if (cases[i].status == status) {
                expected = cases[i].word;
                known++;
            }
        }
        assert_string_equal(battery_status_text((uint16_t)status), expected);
    }
    assert_int_equal(known, 6);
}

static void a_validity_has_its_word(void **state) {
    (void)state;
    assert_string_equal(battery_validity_text(BATTERY_NEVER_READ), "never-read");
    assert_string_equal(battery_validity_text(BATTERY_ABSENT), "absent");
    assert_string_equal(battery_validity_text(BATTERY_RESERVED), "reserved");
    assert_string_equal(battery_validity_text(BATTERY_STALE), "stale");
    assert_string_equal(battery_validity_text(BATTERY_VALID), "valid");
    assert_string_equal(battery_validity_text((enum battery_validity)(BATTERY_VALID + 1)),
                        "unknown");
}

static void a_limit_names_the_rule_that_binds_it(void **state) {
    (void)state;
    static const struct {
        enum limit_reason reason;
        const char *word;
    } cases[] = {
        {LIMIT_NO_SAMPLE, "no-sample"},
        {LIMIT_NOMINAL, "nominal"},
        {LIMIT_CELL_OVER_VOLTAGE, "cell-over-voltage"},
        {LIMIT_CELL_UNDER_VOLTAGE, "cell-under-voltage"},
        {LIMIT_STATUS_FAULT, "status-fault"},
        {LIMIT_TEMPERATURE_HIGH, "temperature-high"},
        {LIMIT_TEMPERATURE_LOW, "temperature-low"},
        {LIMIT_OPENING, "opening"},
        {LIMIT_STALE_CLOSING, "stale-closing"},
        {LIMIT_STALE_CLOSED, "stale-closed"},
        {LIMIT_REASON_COUNT, "unknown"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(limit_reason_text(cases[i].reason), cases[i].word);
    }
    for (int a = 0; a < LIMIT_REASON_COUNT; a++) {
        for (int b = a + 1; b <= LIMIT_REASON_COUNT; b++) {
            assert_string_not_equal(limit_reason_text((enum limit_reason)a),
                                    limit_reason_text((enum limit_reason)b));
        }
    }
}

/* In the order of the pairs of frame 0x35A. */
static void an_alarm_has_the_name_of_its_pair(void **state) {
    (void)state;
    static const char *const words[] = {
        "general",
        "high-voltage",
        "low-voltage",
        "high-temperature",
        "low-temperature",
        "high-temperature-charge",
        "low-temperature-charge",
        "high-current",
        "high-charge-current",
        "contactor",
        "short-circuit",
        "bms-internal",
        "cell-imbalance",
    };
    assert_int_equal(sizeof words / sizeof words[0], ALARM_COUNT);
    for (unsigned i = 0; i < ALARM_COUNT; i++) {
        assert_string_equal(alarm_text((enum alarm_id)i), words[i]);
    }
    assert_string_equal(alarm_text(ALARM_COUNT), "unknown");
}

static void an_error_has_a_phrase_of_its_own(void **state) {
    (void)state;
    static const struct {
        int err;
        const char *phrase;
    } cases[] = {
        {0, "ok"},
        {GW_ERR_RANGE, "out of range"},
        {GW_ERR_SPACE, "buffer too small"},
        {GW_ERR_BUSY, "busy, try again"},
        {GW_ERR_UNKNOWN, "unknown"},
        {GW_ERR_READ_ONLY, "read only"},
        {GW_ERR_SYNTAX, "malformed"},
        {GW_ERR_TYPE, "wrong type"},
        {GW_ERR_TIMEOUT, "no answer in time"},
        {GW_ERR_NACK, "refused by the BMS"},
        {GW_ERR_MISMATCH, "read back differs from what was written"},
        {GW_ERR_OFFLINE, "link is down"},
        {GW_ERR_CONFLICT, "contradicts another setting"},
        {1, "unknown error"},
        {GW_ERR_CONFLICT - 1, "unknown error"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(gw_err_text(cases[i].err), cases[i].phrase);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_status_has_the_word_of_the_register_table),
        cmocka_unit_test(a_validity_has_its_word),
        cmocka_unit_test(a_limit_names_the_rule_that_binds_it),
        cmocka_unit_test(an_alarm_has_the_name_of_its_pair),
        cmocka_unit_test(an_error_has_a_phrase_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
