/* SPDX-License-Identifier: MIT */
/* The table itself: every key, default and range stands here a second time, as the interface
 * promises them, and every row has its own place in struct settings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "settings/row.h"
#include "settings/settings.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* As a user writes them: the default, and for numbers the first and the last good value and their
 * neighbours that are not. NULL where there is none to try (text, words). */
static const struct promise {
    const char *key, *preset, *least, *too_little, *most, *too_much;
    bool zero_too; /* 0 is good although it is under `least` */
} promises[] = {
    /* clang-format off */
    {"battery.cell_order",                     "auto",           NULL, NULL, NULL, NULL, false},
    {"battery.capacity_ah",                    "0",              "0.1", "0.099", "6550.0", "6550.001", true},
    {"battery.series_cells",                   "0",              "4", "3", "16", "17", true},
    {"hardware.uart.device",                   "/dev/ttyUSB0",   NULL, NULL, NULL, NULL, false},
    {"hardware.uart.baudrate",                 "115200",         "1200", "1199", "4000000", "4000001", false},
    {"hardware.uart.rx_pin",                   "16",             "0", "-1", "48", "49", false},
    {"hardware.uart.tx_pin",                   "17",             "0", "-1", "48", "49", false},
    {"hardware.uart.timeout_ms",               "100",            "10", "9", "500", "501", false},
    {"hardware.uart.invert_current",           "false",          NULL, NULL, NULL, NULL, false},
    {"hardware.can.interface",                 "socketcan:can0", NULL, NULL, NULL, NULL, false},
    {"hardware.can.bitrate",                   "500000",         "10000", "9999", "1000000", "1000001", false},
    {"hardware.can.tx_pin",                    "4",              "0", "-1", "48", "49", false},
    {"hardware.can.rx_pin",                    "5",              "0", "-1", "48", "49", false},
    {"hardware.can.termination",               "false",          NULL, NULL, NULL, NULL, false},
    {"hardware.can.mode",                      "normal",         NULL, NULL, NULL, NULL, false},
    {"tinybms.poll_interval_ms",               "100",            "20", "19", "2000", "2001", false},
    {"tinybms.uart_retry_count",               "3",              "0", "-1", "10", "11", false},
    {"tinybms.uart_retry_delay_ms",            "20",             "0", "-1", "400", "401", false},
    {"tinybms.stale_close_ms",                 "5000",           "2000", "1999", "30000", "30001", false},
    {"tinybms.stale_zero_ms",                  "15000",          "5000", "4999", "120000", "120001", false},
    {"tinybms.stale_zero_discharge_ms",        "30000",          "5000", "4999", "120000", "120001", false},
    {"tinybms.stale_silent_ms",                "60000",          "10000", "9999", "600000", "600001", false},
    {"tinybms.low_power",                      "false",          NULL, NULL, NULL, NULL, false},
    {"victron.pgn_update_interval_ms",         "1000",           "200", "199", "1000", "1001", false},
    {"victron.keepalive_timeout_ms",           "10000",          "2000", "1999", "600000", "600001", false},
    {"victron.manufacturer",                   "TinyBMS",        NULL, NULL, NULL, NULL, false},
    {"victron.battery_name",                   "",               NULL, NULL, NULL, NULL, false},
    {"victron.battery_family",                 "TinyBMS",        NULL, NULL, NULL, NULL, false},
    {"victron.soh_when_unknown",               "100",            "1", "0", "100", "101", false},
    {"victron.thresholds.overvoltage_v",       "0",              "8.0", "7.999", "80.0", "80.001", true},
    {"victron.thresholds.undervoltage_v",      "0",              "8.0", "7.999", "80.0", "80.001", true},
    {"victron.thresholds.overtemp_c",          "0",              "20", "19.9", "90", "90.1", true},
    {"victron.thresholds.low_temp_charge_c",   "0",              "-40", "-40.1", "10", "10.1", true},
    {"victron.thresholds.imbalance_warn_mv",   "100",            "10", "9", "1000", "1001", false},
    {"victron.thresholds.imbalance_alarm_mv",  "200",            "10", "9", "2000", "2001", false},
    {"victron.thresholds.soc_low_percent",     "10",             "0", "-1", "99", "100", false},
    {"victron.thresholds.soc_high_percent",    "100",            "1", "0", "100", "101", false},
    {"cvl.enabled", "true", NULL, NULL, NULL, NULL, false},
    {"cvl.bms_full", "auto", NULL, NULL, NULL, NULL, false},
    {"cvl.feed_in", "auto", NULL, NULL, NULL, NULL, false},
    {"cvl.bulk_voltage_v", "0", "8.0", "7.999", "80.0", "80.001", true},
    {"cvl.margin_mv", "0", "0", "-1", "5000", "5001", false},
    {"cvl.cell_guard_mv", "20", "10", "9", "200", "201", false},
    {"cvl.update_interval_ms", "20000", "20000", "19999", "600000", "600001", false},
    {"cvl.step_mv", "200", "100", "99", "1000", "1001", false},
    {"cvl.bulk_soc_threshold", "80", "10", "9", "98", "99", false},
    {"cvl.transition_soc_threshold", "85", "11", "10", "99", "100", false},
    {"cvl.float_soc_threshold", "95", "12", "11", "100", "101", false},
    {"cvl.float_exit_soc", "92", "10", "9", "99", "100", false},
    {"cvl.float_approach_offset_mv", "50", "0", "-1", "2000", "2001", false},
    {"cvl.float_approach_offset_cell_mv", "0", "0", "-1", "100", "101", false},
    {"cvl.float_offset_mv", "100", "0", "-1", "5000", "5001", false},
    {"cvl.float_offset_cell_mv", "0", "0", "-1", "250", "251", false},
    {"cvl.imbalance_hold_threshold_mv", "50", "10", "9", "500", "501", false},
    {"cvl.imbalance_release_threshold_mv", "20", "5", "4", "499", "500", false},
    {"cvl.imbalance_drop_per_mv", "0.0005", "0", "-0.0001", "0.01", "0.0101", false},
    {"cvl.imbalance_drop_max_v", "2", "0", "-0.001", "5", "5.001", false},
    {"cvl.minimum_ccl_in_float_a", "5", "0.5", "0.499", "500", "500.001", false},
    {"cvl.sustain_soc_entry_percent", "5", "0", "-1", "49", "50", false},
    {"cvl.sustain_soc_exit_percent", "8", "1", "0", "50", "51", false},
    {"cvl.sustain_ccl_limit_a", "5", "0.5", "0.499", "500", "500.001", false},
    {"cvl.sustain_dcl_limit_a", "5", "0.5", "0.499", "500", "500.001", false},
    {"limits.ccl_max_a", "0", "0.5", "0.499", "1000", "1000.001", true},
    {"limits.dcl_max_a", "0", "0.5", "0.499", "1000", "1000.001", true},
    {"limits.charge_temperature_curve", "0:0 5:50 8:100 45:100 55:0", NULL, NULL, NULL, NULL, false},
    {"limits.discharge_temperature_curve", "-20:10 -10:50 0:100 50:100 60:10", NULL, NULL, NULL, NULL, false},
    {"logging.level",                          "info",           NULL, NULL, NULL, NULL, false},
    {"storage.dir",                            "",               NULL, NULL, NULL, NULL, false},
    {"advanced.control_socket",                "",               NULL, NULL, NULL, NULL, false},
    /* clang-format on */
};

static int assign(struct settings *s, const char *key, const char *value,
                  struct settings_error *e) {
    char assignment[256];
    snprintf(assignment, sizeof assignment, "%s=%s", key, value);
    return settings_assign(s, assignment, e);
}

static void there_is_a_row_for_each_promised_key_and_no_other(void **state) {
    (void)state;
    assert_int_equal(settings_table_rows, COUNT(promises));
    for (size_t i = 0; i < COUNT(promises); i++)
        assert_string_equal(settings_table[i].key, promises[i].key);
}

static void defaults_are_the_promised_ones(void **state) {
    struct settings defaults, s;
    struct settings_error e;
    (void)state;
    memset(&defaults, 0x5A, sizeof defaults);
    settings_defaults(&defaults);
    for (size_t i = 0; i < COUNT(promises); i++) {
        s = defaults;
        if (assign(&s, promises[i].key, promises[i].preset, &e) != 0)
            fail_msg("%s", e.text);
        if (memcmp(&s, &defaults, sizeof s) != 0)
            fail_msg("%s: the default is not %s", promises[i].key, promises[i].preset);
    }
    assert_int_equal(settings_check(&defaults, &e), 0);
}

/* A few fields by hand: scales and words are what the rest of the core reads. */
static void defaults_arrive_in_the_units_of_the_struct(void **state) {
    struct settings s;
    struct settings_error e;
    (void)state;
    settings_defaults(&s);
    assert_int_equal(s.battery.cell_order, SETTINGS_ORDER_AUTO);
    assert_string_equal(s.hardware.uart.device, "/dev/ttyUSB0");
    assert_int_equal(s.hardware.uart.baudrate, 115200);
    assert_false(s.hardware.uart.invert_current);
    assert_int_equal(s.hardware.can.mode, SETTINGS_CAN_NORMAL);
    assert_int_equal(s.tinybms.stale_silent_ms, 60000);
    assert_int_equal(s.logging.level, SETTINGS_LOG_INFO);

    assert_int_equal(assign(&s, "battery.capacity_ah", "280.5", &e), 0);
    assert_int_equal(s.battery.capacity_mah, 280500);
    assert_int_equal(assign(&s, "victron.thresholds.overvoltage_v", "58.4", &e), 0);
    assert_int_equal(s.victron.thresholds.overvoltage_mv, 58400);
    assert_int_equal(assign(&s, "victron.thresholds.overtemp_c", "55", &e), 0);
    assert_int_equal(s.victron.thresholds.overtemp_dc, 550);
    assert_int_equal(assign(&s, "victron.thresholds.low_temp_charge_c", "-2.5", &e), 0);
    assert_int_equal(s.victron.thresholds.low_temp_charge_dc, -25);
    assert_int_equal(assign(&s, "battery.cell_order", "descending", &e), 0);
    assert_int_equal(s.battery.cell_order, SETTINGS_ORDER_DESCENDING);
    assert_int_equal(assign(&s, "hardware.can.mode", "listen", &e), 0);
    assert_int_equal(s.hardware.can.mode, SETTINGS_CAN_LISTEN);
    assert_int_equal(assign(&s, "logging.level", "debug", &e), 0);
    assert_int_equal(s.logging.level, SETTINGS_LOG_DEBUG);
    assert_int_equal(assign(&s, "hardware.uart.invert_current", "true", &e), 0);
    assert_true(s.hardware.uart.invert_current);
}

static void ranges_end_where_they_are_promised_to(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(promises); i++) {
        const struct promise *p = &promises[i];
        struct settings s, before;
        struct settings_error e;
        if (p->least == NULL)
            continue;
        settings_defaults(&s);
        if (assign(&s, p->key, p->least, &e) != 0 || assign(&s, p->key, p->most, &e) != 0)
            fail_msg("%s", e.text);
        before = s;
        if (assign(&s, p->key, p->too_little, &e) != GW_ERR_RANGE ||
            assign(&s, p->key, p->too_much, &e) != GW_ERR_RANGE)
            fail_msg("%s takes %s or %s", p->key, p->too_little, p->too_much);
        assert_memory_equal(&s, &before, sizeof s);
        assert_string_equal(e.key, p->key);
        if (strcmp(p->least, "0") != 0 && (assign(&s, p->key, "0", &e) == 0) != p->zero_too)
            fail_msg("%s: 0", p->key);
    }
}

static void every_row_explains_itself(void **state) {
    (void)state;
    for (size_t i = 0; i < settings_table_rows; i++) {
        const struct settings_row *row = &settings_table[i];
        size_t n = strlen(row->help);
        assert_true(strlen(row->key) <= SETTINGS_KEY_MAX);
        assert_non_null(row->unit);
        if (n < 20 || row->help[n - 1] != '.')
            fail_msg("%s: no sentence", row->key);
        assert_true(strchr(row->help, '.') == row->help + n - 1 || strstr(row->help, ". ") == NULL);
        assert_true((row->choices != NULL) == (row->type == SETTINGS_ENUM));
        assert_true((row->text_preset != NULL) == (row->type == SETTINGS_STRING));
        if (row->type == SETTINGS_STRING)
            assert_int_equal(row->max, row->capacity - 1);
        else if (row->type == SETTINGS_DECIMAL)
            assert_true(row->max <= INT32_MAX && row->min >= INT32_MIN);
        else
            assert_true(row->max <= UINT32_MAX && row->min >= 0);
        assert_false(row->secret); /* none yet */
    }
}

/* The values of a `values` row are all there are: 9600 lies in its range and is no CAN bit rate. */
static void only_listed_bit_rates_are_taken(void **state) {
    static const struct {
        const char *value;
        int err;
    } cases[] = {
        {"10000", 0},
        {"20000", 0},
        {"50000", 0},
        {"100000", 0},
        {"125000", 0},
        {"250000", 0},
        {"500000", 0},
        {"800000", 0},
        {"1000000", 0},
        {"0", GW_ERR_RANGE},
        {"83333", GW_ERR_RANGE},
        {"499999", GW_ERR_RANGE},
        {"500001", GW_ERR_RANGE},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct settings s;
        struct settings_error e;
        settings_defaults(&s);
        assert_int_equal(assign(&s, "hardware.can.bitrate", cases[i].value, &e), cases[i].err);
    }
}

static size_t size_of(const struct settings_row *row) {
    switch (row->type) {
    case SETTINGS_BOOL:
        return sizeof(bool);
    case SETTINGS_UINT:
    case SETTINGS_DECIMAL:
    case SETTINGS_ENUM:
        return sizeof(uint32_t);
    case SETTINGS_STRING:
        return row->capacity;
    }
    return 0;
}

/* Paints what each row owns: no byte twice, and what is left over is padding, which is shorter than
 * any member that a row could have been forgotten for (a bool pads to 4 with its neighbours). */
static void rows_own_the_whole_struct_and_nothing_twice(void **state) {
    unsigned char painted[sizeof(struct settings)] = {0};
    size_t gap = 0;
    (void)state;
    for (size_t i = 0; i < settings_table_rows; i++) {
        size_t n = size_of(&settings_table[i]);
        assert_true(settings_table[i].offset + n <= sizeof painted);
        for (size_t k = 0; k < n; k++) {
            if (painted[settings_table[i].offset + k] != 0)
                fail_msg("%s overlaps another row", settings_table[i].key);
            painted[settings_table[i].offset + k] = 1;
        }
    }
    for (size_t i = 0; i < sizeof painted; i++) {
        gap = painted[i] != 0 ? 0 : gap + 1;
        if (gap >= sizeof(uint32_t))
            fail_msg("no row owns byte %zu", i);
    }
}

static void rows_of_a_section_stand_together(void **state) {
    (void)state;
    for (size_t i = 0; i < settings_table_rows; i++) {
        const char *key = settings_table[i].key;
        for (const char *dot = strchr(key, '.'); dot != NULL; dot = strchr(dot + 1, '.')) {
            size_t n = (size_t)(dot - key) + 1;
            bool left = false;
            for (size_t k = i + 1; k < settings_table_rows; k++) {
                bool inside = strncmp(settings_table[k].key, key, n) == 0;
                if (inside && left)
                    fail_msg("%s is apart from %s", settings_table[k].key, key);
                left = left || !inside;
            }
        }
    }
}

static void only_rows_marked_so_need_a_restart(void **state) {
    static const char *const others[][2] = {
        {"storage.dir", "/srv"},        {"advanced.control_socket", "/run/s"},
        {"hardware.uart.rx_pin", "20"}, {"hardware.uart.tx_pin", "20"},
        {"hardware.can.rx_pin", "20"},  {"hardware.can.tx_pin", "20"},
    };
    struct settings a, b;
    struct settings_error e;
    const char *key = "untouched";
    size_t marked = 0;
    (void)state;

    for (size_t i = 0; i < settings_table_rows; i++)
        marked += settings_table[i].restart;
    assert_int_equal(marked, COUNT(others));
    settings_defaults(&a);
    for (size_t i = 0; i < COUNT(others); i++) {
        b = a;
        assert_int_equal(assign(&b, others[i][0], others[i][1], &e), 0);
        assert_true(settings_needs_restart(&a, &b, &key));
        assert_string_equal(key, others[i][0]);
        assert_true(settings_needs_restart(&b, &a, &key));
        assert_false(settings_needs_restart(&b, &b, &key));
    }
    b = a;
    key = "untouched";
    assert_int_equal(assign(&b, "tinybms.poll_interval_ms", "50", &e), 0);
    assert_int_equal(assign(&b, "hardware.uart.device", "sim", &e), 0);
    assert_int_equal(assign(&b, "logging.level", "warn", &e), 0);
    assert_false(settings_needs_restart(&a, &b, &key));
    assert_string_equal(key, "untouched");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_is_a_row_for_each_promised_key_and_no_other),
        cmocka_unit_test(defaults_are_the_promised_ones),
        cmocka_unit_test(defaults_arrive_in_the_units_of_the_struct),
        cmocka_unit_test(ranges_end_where_they_are_promised_to),
        cmocka_unit_test(every_row_explains_itself),
        cmocka_unit_test(only_listed_bit_rates_are_taken),
        cmocka_unit_test(rows_own_the_whole_struct_and_nothing_twice),
        cmocka_unit_test(rows_of_a_section_stand_together),
        cmocka_unit_test(only_rows_marked_so_need_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
