/* SPDX-License-Identifier: MIT */
/* The schema against the table, and against the parser: a small evaluator of the few JSON Schema
 * words that are used decides about values at the edges as settings_parse() does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "settings/row.h"
#include "settings/settings.h"

enum { SCHEMA_MAX = 32768 };

static char schema_text[SCHEMA_MAX];
static cJSON *schema;

static int read_schema(void **state) {
    int n = settings_schema(schema_text, sizeof schema_text);
    (void)state;
    if (n <= 0)
        return -1;
    schema = cJSON_ParseWithLength(schema_text, (size_t)n);
    return schema == NULL ? -1 : 0;
}

static int free_schema(void **state) {
    (void)state;
    cJSON_Delete(schema);
    return 0;
}

static const char *text_of(const cJSON *object, const char *name) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

/* The schema of one dotted key. */
static const cJSON *schema_of(const char *key) {
    const cJSON *at = schema;
    char copy[SETTINGS_KEY_MAX + 1];

    snprintf(copy, sizeof copy, "%s", key);
    for (char *name = strtok(copy, "."); name != NULL; name = strtok(NULL, ".")) {
        assert_string_equal(text_of(at, "type"), "object");
        assert_true(cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(at, "additionalProperties")));
        at = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(at, "properties"),
                                              name);
        if (at == NULL)
            fail_msg("%s is not in the schema", key);
    }
    return at;
}

static void the_schema_says_what_it_is(void **state) {
    struct json_reader r;
    (void)state;
    assert_string_equal(text_of(schema, "$schema"), "https://json-schema.org/draft/2020-12/schema");
    assert_string_equal(text_of(schema, "type"), "object");
    /* our own reader takes it too: depth, keys, lengths of strings */
    json_reader_init(&r, schema_text, strlen(schema_text));
    assert_int_equal(json_skip(&r), JSON_OBJECT_BEGIN);
    assert_int_equal(json_next(&r), JSON_END);
}

static size_t count_settings(const cJSON *at) {
    const cJSON *properties = cJSON_GetObjectItemCaseSensitive(at, "properties"), *child;
    size_t n = 0;

    if (properties == NULL)
        return cJSON_GetObjectItemCaseSensitive(at, "$ref") == NULL;
    cJSON_ArrayForEach(child, properties) n += count_settings(child);
    return n;
}

static void every_setting_is_described_and_nothing_else(void **state) {
    static const char *const types[] = {
        [SETTINGS_BOOL] = "boolean", [SETTINGS_UINT] = "integer",  [SETTINGS_DECIMAL] = "number",
        [SETTINGS_ENUM] = "string",  [SETTINGS_STRING] = "string",
    };
    (void)state;
    assert_int_equal(count_settings(schema), settings_table_rows);
    for (size_t i = 0; i < settings_table_rows; i++) {
        const struct settings_row *row = &settings_table[i];
        const cJSON *at = schema_of(row->key);
        const char *unit = text_of(at, "x-unit");
        assert_string_equal(text_of(at, "type"), types[row->type]);
        assert_string_equal(text_of(at, "description"), row->help);
        assert_string_equal(unit == NULL ? "" : unit, row->unit);
        assert_true(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(at, "x-restart")) ==
                    row->restart);
        assert_null(cJSON_GetObjectItemCaseSensitive(at, "writeOnly"));
    }
}

static void a_few_rows_by_hand(void **state) {
    const cJSON *at;
    (void)state;

    at = schema_of("tinybms.poll_interval_ms");
    assert_true(cJSON_GetObjectItem(at, "minimum")->valuedouble == 20);
    assert_true(cJSON_GetObjectItem(at, "maximum")->valuedouble == 2000);
    assert_true(cJSON_GetObjectItem(at, "default")->valuedouble == 100);
    assert_string_equal(text_of(at, "x-unit"), "ms");
    assert_null(cJSON_GetObjectItem(at, "not"));

    assert_non_null(strstr(schema_text, "\"maximum\": 6550,")); /* not 6550.000 */
    at = schema_of("battery.capacity_ah");                      /* 0, or 0.1 to 6550 */
    assert_true(cJSON_GetObjectItem(at, "minimum")->valuedouble == 0);
    assert_true(cJSON_GetObjectItem(at, "maximum")->valuedouble == 6550);
    at = cJSON_GetObjectItem(at, "not");
    assert_true(cJSON_GetObjectItem(at, "exclusiveMinimum")->valuedouble == 0);
    assert_true(cJSON_GetObjectItem(at, "exclusiveMaximum")->valuedouble == 0.1);

    at = schema_of("victron.thresholds.low_temp_charge_c"); /* 0 lies within the range */
    assert_true(cJSON_GetObjectItem(at, "minimum")->valuedouble == -40);
    assert_null(cJSON_GetObjectItem(at, "not"));

    at = schema_of("hardware.can.mode");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(at, "enum")), 3);
    assert_string_equal(cJSON_GetArrayItem(cJSON_GetObjectItem(at, "enum"), 2)->valuestring,
                        "listen");
    assert_string_equal(text_of(at, "default"), "normal");

    at = schema_of("hardware.can.bitrate");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(at, "enum")), 9);
    assert_null(cJSON_GetObjectItem(at, "minimum"));

    at = schema_of("victron.manufacturer");
    assert_true(cJSON_GetObjectItem(at, "minLength")->valuedouble == 1);
    assert_true(cJSON_GetObjectItem(at, "maxLength")->valuedouble == 8);

    at = schema_of("hardware.can.termination");
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(at, "default")));
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(schema_of("storage.dir"), "x-restart")));

    at = cJSON_GetObjectItem(cJSON_GetObjectItem(schema, "properties"), "cvl_algorithm");
    assert_string_equal(text_of(at, "$ref"), "#/properties/cvl");
    assert_null(cJSON_GetObjectItem(cJSON_GetObjectItem(schema, "properties"), "web_server"));
}

/* minimum, maximum, not, enum and type of a number. */
static bool number_is_valid(const cJSON *at, double v) {
    const cJSON *item, *least = cJSON_GetObjectItem(at, "minimum");
    const cJSON *most = cJSON_GetObjectItem(at, "maximum"), *hole = cJSON_GetObjectItem(at, "not");
    const cJSON *values = cJSON_GetObjectItem(at, "enum");

    if (strcmp(text_of(at, "type"), "integer") == 0 && v != (double)(int64_t)v)
        return false;
    if (values != NULL) {
        cJSON_ArrayForEach(item, values) if (item->valuedouble == v) return true;
        return false;
    }
    if (v < least->valuedouble || v > most->valuedouble)
        return false;
    return hole == NULL || v <= cJSON_GetObjectItem(hole, "exclusiveMinimum")->valuedouble ||
           v >= cJSON_GetObjectItem(hole, "exclusiveMaximum")->valuedouble;
}

static void schema_and_parser_agree_about_numbers(void **state) {
    (void)state;
    for (size_t i = 0; i < settings_table_rows; i++) {
        const struct settings_row *row = &settings_table[i];
        const int64_t edges[] = {row->min, row->max, 0, row->preset, (row->min + row->max) / 2};
        const cJSON *at = schema_of(row->key);
        if (row->type != SETTINGS_UINT && row->type != SETTINGS_DECIMAL)
            continue;
        for (size_t k = 0; k < sizeof edges / sizeof edges[0]; k++)
            for (int64_t v = edges[k] - 1; v <= edges[k] + 1; v++) {
                char json[128], number[32];
                struct text t;
                struct settings s;
                struct settings_error e;
                text_init(&t, number, sizeof number);
                text_fixed(&t, v, row->decimals);
                snprintf(json, sizeof json, "{\"%s\": %s}", row->key, number);
                cJSON *value = cJSON_Parse(number);
                bool valid = number_is_valid(at, value->valuedouble);
                cJSON_Delete(value);
                settings_defaults(&s);
                if ((settings_parse(&s, json, strlen(json), &e) == 0) != valid)
                    fail_msg("%s: the schema says %d", json, valid);
            }
    }
}

/* The printed defaults, one by one, are the schema's defaults. */
static void defaults_are_the_ones_that_are_used(void **state) {
    (void)state;
    for (size_t i = 0; i < settings_table_rows; i++) {
        const struct settings_row *row = &settings_table[i];
        char *value = cJSON_PrintUnformatted(cJSON_GetObjectItem(schema_of(row->key), "default"));
        char json[256];
        struct settings s, defaults;
        struct settings_error e;
        snprintf(json, sizeof json, "{\"%s\": %s}", row->key, value);
        cJSON_free(value);
        settings_defaults(&defaults);
        s = defaults;
        if (settings_parse(&s, json, strlen(json), &e) != 0)
            fail_msg("%s", e.text);
        assert_memory_equal(&s, &defaults, sizeof s);
    }
}

static void a_small_buffer_fails_and_is_not_overrun(void **state) {
    static char buf[SCHEMA_MAX];
    size_t length = strlen(schema_text);
    (void)state;
    for (size_t cap = 1; cap <= length + 1; cap += cap < length - 3 ? 97 : 1) {
        memset(buf, 0x5A, sizeof buf);
        assert_int_equal(settings_schema(buf, cap), cap <= length ? GW_ERR_SPACE : (int)length);
        assert_non_null(memchr(buf, '\0', cap));
        assert_int_equal(buf[cap], 0x5A);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_schema_says_what_it_is),
        cmocka_unit_test(every_setting_is_described_and_nothing_else),
        cmocka_unit_test(a_few_rows_by_hand),
        cmocka_unit_test(schema_and_parser_agree_about_numbers),
        cmocka_unit_test(defaults_are_the_ones_that_are_used),
        cmocka_unit_test(a_small_buffer_fails_and_is_not_overrun),
    };
    return cmocka_run_group_tests(tests, read_schema, free_schema);
}
