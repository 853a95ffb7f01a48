/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "battery/alarms.h"
#include "battery/limits.h"
#include "gateway/log.h"
#include "gw_err.h"
#include "policy/stage.h"
#include "tinybms/tinybms.h"

static void every_row_has_level_module_and_text(void **state) {
    (void)state;
    for (unsigned id = 0; id < LOG_ID_COUNT; id++) {
        const struct log_row *row = &log_table[id];
        assert_non_null(row->text);
        assert_non_null(row->module);
        assert_true(strlen(row->text) > 3);
        assert_true(row->level <= LOG_DEBUG);
        for (unsigned i = 0; i < LOG_FIELDS_MAX; i++) {
            assert_int_equal(row->field[i].key != NULL, row->field[i].format != LOG_NONE);
        }
    }
}

static void records_read_as_text_with_keys_and_values(void **state) {
    (void)state;
    static const struct {
        const char *want;
        struct log_record r;
    } cases[] = {
        {"charge voltage limit cvl_v=58.100 from=no-sample reason=nominal",
         {.id = LOG_CVL, .value = {58100, LIMIT_NO_SAMPLE, LIMIT_NOMINAL}}},
        {"discharge current limit dcl_a=5.400 from=nominal reason=stale-closed",
         {.id = LOG_DCL, .value = {5400, LIMIT_NOMINAL, LIMIT_STALE_CLOSED}}},
        {"stage from=fresh to=closing reason=no-good-sample",
         {.id = LOG_STAGE, .value = {STAGE_FRESH, STAGE_CLOSING, STAGE_REASON_NO_GOOD_SAMPLE}}},
        {"alarm raised alarm=cell-imbalance",
         {.id = LOG_ALARM_ON, .value = {ALARM_CELL_IMBALANCE}}},
        {"link from=waking to=answering",
         {.id = LOG_BMS_LINK, .value = {TINYBMS_LINK_WAKING, TINYBMS_LINK_ANSWERING}}},
        {"cell order order=descending",
         {.id = LOG_CELL_ORDER, .value = {TINYBMS_ORDER_DESCENDING}}},
        {"first complete sample cells=14 pack_v=55.680 soc_cpct=8059 status=idle",
         {.id = LOG_PACK, .value = {14, 55680, 8059, 0x97}}},
        {"command ended register=315 count=1 result=\"refused by the BMS\"",
         {.id = LOG_COMMAND, .value = {315, 1, GW_ERR_NACK}}},
        {"sample refused as implausible doubt_bits=0x04 refused_so_far=12",
         {.id = LOG_DOUBT, .value = {4, 12}}},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[200];
        size_t n = log_render(&cases[i].r, line, sizeof line);
        assert_string_equal(line, cases[i].want);
        assert_int_equal(n, strlen(cases[i].want));
    }
}

static void a_small_buffer_cuts_the_line_and_nothing_else(void **state) {
    (void)state;
    const struct log_record r = {.id = LOG_CVL, .value = {58100, LIMIT_NO_SAMPLE, LIMIT_NOMINAL}};
    for (size_t cap = 1; cap < 80; cap++) {
        char line[81];
        memset(line, '#', sizeof line);
        size_t n = log_render(&r, line, cap);
        assert_true(n < cap);
        assert_int_equal(line[n], '\0');
        assert_int_equal(line[cap], '#');
    }
}

static void levels_have_their_words(void **state) {
    (void)state;
    assert_string_equal(log_level_text(LOG_ERROR), "ERROR");
    assert_string_equal(log_level_text(LOG_WARN), "WARN");
    assert_string_equal(log_level_text(LOG_INFO), "INFO");
    assert_string_equal(log_level_text(LOG_DEBUG), "DEBUG");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_has_level_module_and_text),
        cmocka_unit_test(records_read_as_text_with_keys_and_values),
        cmocka_unit_test(a_small_buffer_cuts_the_line_and_nothing_else),
        cmocka_unit_test(levels_have_their_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
