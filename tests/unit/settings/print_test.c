/* SPDX-License-Identifier: MIT */
/* What is printed reads back as what was printed, in one stable form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "settings/row.h"
#include "settings/settings.h"

enum { PRINTED_MAX = 4096 };

static const char printed_defaults[] =
    "{\n"
    "  \"battery\": {\n"
    "    \"cell_order\": \"auto\",\n"
    "    \"capacity_ah\": 0,\n"
    "    \"series_cells\": 0\n"
    "  },\n"
    "  \"hardware\": {\n"
    "    \"uart\": {\n"
    "      \"device\": \"/dev/ttyUSB0\",\n"
    "      \"baudrate\": 115200,\n"
    "      \"rx_pin\": 16,\n"
    "      \"tx_pin\": 17,\n"
    "      \"timeout_ms\": 100,\n"
    "      \"invert_current\": false\n"
    "    },\n"
    "    \"can\": {\n"
    "      \"interface\": \"socketcan:can0\",\n"
    "      \"bitrate\": 500000,\n"
    "      \"tx_pin\": 4,\n"
    "      \"rx_pin\": 5,\n"
    "      \"termination\": false,\n"
    "      \"mode\": \"normal\"\n"
    "    }\n"
    "  },\n"
    "  \"tinybms\": {\n"
    "    \"poll_interval_ms\": 100,\n"
    "    \"uart_retry_count\": 3,\n"
    "    \"uart_retry_delay_ms\": 20,\n"
    "    \"stale_close_ms\": 5000,\n"
    "    \"stale_zero_ms\": 15000,\n"
    "    \"stale_zero_discharge_ms\": 30000,\n"
    "    \"stale_silent_ms\": 60000,\n"
    "    \"low_power\": false\n"
    "  },\n"
    "  \"victron\": {\n"
    "    \"pgn_update_interval_ms\": 1000,\n"
    "    \"keepalive_timeout_ms\": 10000,\n"
    "    \"manufacturer\": \"TinyBMS\",\n"
    "    \"battery_name\": \"\",\n"
    "    \"battery_family\": \"TinyBMS\",\n"
    "    \"soh_when_unknown\": 100,\n"
    "    \"thresholds\": {\n"
    "      \"overvoltage_v\": 0,\n"
    "      \"undervoltage_v\": 0,\n"
    "      \"overtemp_c\": 0,\n"
    "      \"low_temp_charge_c\": 0,\n"
    "      \"imbalance_warn_mv\": 100,\n"
    "      \"imbalance_alarm_mv\": 200,\n"
    "      \"soc_low_percent\": 10,\n"
    "      \"soc_high_percent\": 100\n"
    "    }\n"
    "  },\n"
    "  \"cvl\": {\n"
    "    \"enabled\": true,\n"
    "    \"bms_full\": \"auto\",\n"
    "    \"feed_in\": \"auto\",\n"
    "    \"bulk_voltage_v\": 0,\n"
    "    \"margin_mv\": 0,\n"
    "    \"cell_guard_mv\": 20,\n"
    "    \"update_interval_ms\": 20000,\n"
    "    \"step_mv\": 200,\n"
    "    \"bulk_soc_threshold\": 80,\n"
    "    \"transition_soc_threshold\": 85,\n"
    "    \"float_soc_threshold\": 95,\n"
    "    \"float_exit_soc\": 92,\n"
    "    \"float_approach_offset_mv\": 50,\n"
    "    \"float_approach_offset_cell_mv\": 0,\n"
    "    \"float_offset_mv\": 100,\n"
    "    \"float_offset_cell_mv\": 0,\n"
    "    \"imbalance_hold_threshold_mv\": 50,\n"
    "    \"imbalance_release_threshold_mv\": 20,\n"
    "    \"imbalance_drop_per_mv\": 0.0005,\n"
    "    \"imbalance_drop_max_v\": 2,\n"
    "    \"minimum_ccl_in_float_a\": 5,\n"
    "    \"sustain_soc_entry_percent\": 5,\n"
    "    \"sustain_soc_exit_percent\": 8,\n"
    "    \"sustain_ccl_limit_a\": 5,\n"
    "    \"sustain_dcl_limit_a\": 5\n"
    "  },\n"
    "  \"limits\": {\n"
    "    \"ccl_max_a\": 0,\n"
    "    \"dcl_max_a\": 0,\n"
    "    \"charge_temperature_curve\": \"0:0 5:50 8:100 45:100 55:0\",\n"
    "    \"discharge_temperature_curve\": \"-20:10 -10:50 0:100 50:100 60:10\"\n"
    "  },\n"
    "  \"logging\": {\n"
    "    \"level\": \"info\"\n"
    "  },\n"
    "  \"storage\": {\n"
    "    \"dir\": \"\"\n"
    "  },\n"
    "  \"advanced\": {\n"
    "    \"control_socket\": \"\"\n"
    "  }\n"
    "}";

static void defaults_are_printed_in_sections(void **state) {
    char buf[PRINTED_MAX];
    struct settings s;
    (void)state;
    settings_defaults(&s);
    assert_int_equal(settings_print(&s, buf, sizeof buf), sizeof printed_defaults - 1);
    assert_string_equal(buf, printed_defaults);
}

static void decimals_are_printed_without_noise(void **state) {
    static const struct {
        const char *assignment, *printed;
    } cases[] = {
        {"battery.capacity_ah=280", "\"capacity_ah\": 280,"},
        {"battery.capacity_ah=280.5", "\"capacity_ah\": 280.5,"},
        {"battery.capacity_ah=280.050", "\"capacity_ah\": 280.05,"},
        {"battery.capacity_ah=0.125", "\"capacity_ah\": 0.125,"},
        {"victron.thresholds.overvoltage_v=58.40", "\"overvoltage_v\": 58.4,"},
        {"victron.thresholds.low_temp_charge_c=-0.5", "\"low_temp_charge_c\": -0.5,"},
        {"victron.thresholds.low_temp_charge_c=-10", "\"low_temp_charge_c\": -10,"},
        {"storage.dir=/a\"b\\c", "\"dir\": \"/a\\\"b\\\\c\"\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char buf[PRINTED_MAX];
        struct settings s;
        struct settings_error e;
        settings_defaults(&s);
        assert_int_equal(settings_assign(&s, cases[i].assignment, &e), 0);
        assert_true(settings_print(&s, buf, sizeof buf) > 0);
        if (strstr(buf, cases[i].printed) == NULL)
            fail_msg("%s: %s", cases[i].assignment, buf);
    }
}

/* Small, fast and the same everywhere: a failure can be repeated. */
static uint32_t random_below(uint64_t *seed, uint32_t limit) {
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33) % limit;
}

/* A value that the row takes, as the command line has it. */
static void random_value(const struct settings_row *row, uint64_t *seed, char *out, size_t cap) {
    static const char *const characters[] = {
        "a", "Z", "/", "\"", "\\", " ", "\xC3\xA9", "\xE2\x82\xAC", ":", "="};
    struct text t;
    int64_t length;

    text_init(&t, out, cap);
    switch (row->type) {
    case SETTINGS_BOOL:
        text_str(&t, random_below(seed, 2) ? "true" : "false");
        return;
    case SETTINGS_UINT:
    case SETTINGS_DECIMAL:
        if (row->values != NULL)
            text_int(&t, row->values[random_below(seed, 9)]);
        else if (row->or_zero && random_below(seed, 4) == 0)
            text_int(&t, 0);
        else
            text_fixed(&t, row->min + random_below(seed, (uint32_t)(row->max - row->min) + 1),
                       row->decimals);
        return;
    case SETTINGS_ENUM:
        text_str(&t, row->choices[random_below(seed, (uint32_t)row->max + 1)]);
        return;
    case SETTINGS_STRING:
        length = row->min + random_below(seed, (uint32_t)(row->max - row->min) + 1);
        while ((int64_t)t.len < length) {
            const char *c = characters[random_below(seed, 10)];
            if ((int64_t)(t.len + strlen(c)) <= length)
                text_str(&t, c);
        }
        return;
    }
}

static void random_settings_read_back_as_they_were(void **state) {
    uint64_t seed = 7;
    (void)state;
    for (int round = 0; round < 2000; round++) {
        char first[PRINTED_MAX], second[PRINTED_MAX], assignment[256], value[128];
        struct settings s, back;
        struct settings_error e;
        int n;

        settings_defaults(&s);
        for (size_t i = 0; i < settings_table_rows; i++) {
            if (random_below(&seed, 4) == 0)
                continue;
            random_value(&settings_table[i], &seed, value, sizeof value);
            snprintf(assignment, sizeof assignment, "%s=%s", settings_table[i].key, value);
            if (settings_assign(&s, assignment, &e) != 0)
                fail_msg("%s", e.text);
        }
        n = settings_print(&s, first, sizeof first);
        assert_true(n > 0);
        settings_defaults(&back);
        if (settings_parse(&back, first, (size_t)n, &e) != 0)
            fail_msg("%s\n%s", e.text, first);
        assert_memory_equal(&back, &s, sizeof s);
        assert_int_equal(settings_print(&back, second, sizeof second), n);
        assert_string_equal(second, first);
    }
}

static void no_capacity_is_overrun_and_a_short_one_fails(void **state) {
    struct settings s;
    (void)state;
    settings_defaults(&s);
    for (size_t cap = 1; cap <= sizeof printed_defaults + 1; cap++) {
        char buf[PRINTED_MAX];
        int want = cap < sizeof printed_defaults ? GW_ERR_SPACE : (int)sizeof printed_defaults - 1;
        memset(buf, 0x5A, sizeof buf);
        assert_int_equal(settings_print(&s, buf, cap), want);
        assert_non_null(memchr(buf, '\0', cap));
        for (size_t i = cap; i < sizeof buf; i++)
            assert_int_equal(buf[i], 0x5A);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_printed_in_sections),
        cmocka_unit_test(decimals_are_printed_without_noise),
        cmocka_unit_test(random_settings_read_back_as_they_were),
        cmocka_unit_test(no_capacity_is_overrun_and_a_short_one_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
