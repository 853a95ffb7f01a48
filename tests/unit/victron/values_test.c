/* SPDX-License-Identifier: MIT */
/* The messages that carry numbers. Every expected byte follows from the protocol's scale, by hand,
 * in the comment beside it; low byte first. */
#include "fixture.h"

static void limits_are_tenths_positive_and_saturating(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint32_t cvl_mv, ccl_ma, dcl_ma, discharge_mv;
        uint8_t data[8];
    } cases[] = {
        /* 581 = 0x0245, 180 = 0x00B4, 540 = 0x021C, 420 = 0x01A4 */
        {"a 14-cell pack", 58100, 18000, 54000, 42000, {0x45, 0x02, 0xB4, 0, 0x1C, 0x02, 0xA4, 1}},
        /* 580.49 -> 580 = 0x0244, 180.49 -> 180, 540.49 -> 540, 420.49 -> 420 */
        {"under the half", 58049, 18049, 54049, 42049, {0x44, 0x02, 0xB4, 0, 0x1C, 2, 0xA4, 1}},
        /* 580.5 -> 581, 180.5 -> 181 = 0x00B5, 540.5 -> 541 = 0x021D, 420.5 -> 421 = 0x01A5 */
        {"at the half", 58050, 18050, 54050, 42050, {0x45, 0x02, 0xB5, 0, 0x1D, 0x02, 0xA5, 1}},
        {"nothing allowed", 0, 0, 0, 0, {0, 0, 0, 0, 0, 0, 0, 0}},
        /* 0.01 A and 0.49 of a step are still a limit and not the order to stop; a voltage rounds
         */
        {"almost nothing allowed", 49, 1, 49, 50, {0, 0, 1, 0, 1, 0, 1, 0}},
        /* 1.49 -> 1, 1.5 -> 2 */
        {"one and two steps", 149, 149, 150, 150, {1, 0, 1, 0, 2, 0, 2, 0}},
        /* i16: 3276.74 A -> 32767 = 0x7FFF; u16: 6553.54 V -> 65535 */
        {"the highest that fit",
         6553549,
         3276749,
         3276749,
         6553549,
         {0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0x7F, 0xFF, 0xFF}},
        {"one more",
         6553550,
         3276750,
         3276750,
         6553550,
         {0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0x7F, 0xFF, 0xFF}},
        {"one less",
         6553449,
         3276649,
         3276649,
         6553449, /* 65534, 32766 */
         {0xFE, 0xFF, 0xFE, 0x7F, 0xFE, 0x7F, 0xFE, 0xFF}},
        {"the highest there are",
         UINT32_MAX,
         UINT32_MAX,
         UINT32_MAX,
         UINT32_MAX,
         {0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0x7F, 0xFF, 0xFF}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        fixture_init(&f);
        f.limits.cvl_mv = cases[i].cvl_mv;
        f.limits.ccl_ma = cases[i].ccl_ma;
        f.limits.dcl_ma = cases[i].dcl_ma;
        f.limits.discharge_voltage_mv = cases[i].discharge_mv;
        assert_frame(&f, cases[i].what, 0x351, cases[i].data);
    }
}

static void limits_that_are_not_valid_are_not_sent(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.limits.valid = false;
    assert_not_sent(&f, "no limits", 0x351);
    assert_not_sent(&f, "no limits", 0x372);
}

static void charge_state_rounds_to_percent_beside_the_exact_value(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint16_t soc_cpct, soh_cpct;
        enum battery_validity soh;
        uint8_t soh_when_unknown;
        uint8_t data[8];
    } cases[] = {
        /* 80.59 -> 81 = 0x51, 98 = 0x62, 8059 = 0x1F7B */
        {"80.59 %", 8059, 9800, BATTERY_VALID, 100, {0x51, 0, 0x62, 0, 0x7B, 0x1F, 0, 0}},
        /* 80.5 -> 81, 99.5 -> 100 = 0x64, 8050 = 0x1F72 */
        {"the halves", 8050, 9950, BATTERY_VALID, 100, {0x51, 0, 0x64, 0, 0x72, 0x1F, 0, 0}},
        /* 80.49 -> 80 = 0x50, 99.49 -> 99 = 0x63, 8049 = 0x1F71 */
        {"under the halves", 8049, 9949, BATTERY_VALID, 1, {0x50, 0, 0x63, 0, 0x71, 0x1F, 0, 0}},
        /* 10000 = 0x2710 */
        {"full", 10000, 10000, BATTERY_VALID, 1, {0x64, 0, 0x64, 0, 0x10, 0x27, 0, 0}},
        {"empty", 0, 0, BATTERY_VALID, 100, {0, 0, 0, 0, 0, 0, 0, 0}},
        {"health never read", 49, 9800, BATTERY_NEVER_READ, 100, {0, 0, 0x64, 0, 0x31, 0, 0, 0}},
        {"health absent", 50, 9800, BATTERY_ABSENT, 87, {1, 0, 0x57, 0, 0x32, 0, 0, 0}},
        {"health reserved", 100, 0, BATTERY_RESERVED, 0, {1, 0, 0, 0, 0x64, 0, 0, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        fixture_init(&f);
        f.battery.soc_cpct = cases[i].soc_cpct;
        f.battery.soh_cpct = cases[i].soh_cpct;
        f.battery.validity[BATTERY_SOH] = (uint8_t)cases[i].soh;
        f.config.soh_when_unknown = cases[i].soh_when_unknown;
        assert_frame(&f, cases[i].what, 0x355, cases[i].data);
    }
}

static void charge_state_without_state_of_charge_is_not_sent(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_forget(&f, BATTERY_SOC);
    assert_not_sent(&f, "SOC never read", 0x355);
}

static void measurements_are_signed_rounded_and_saturating(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint32_t pack_mv;
        int32_t pack_ma;
        uint8_t data[4];
    } cases[] = {
        /* 5567.7 -> 5568 = 0x15C0; -123.4 -> -123 = 0xFF85 */
        {"discharging", 55677, -12340, {0xC0, 0x15, 0x85, 0xFF}},
        /* 5567.4 -> 5567 = 0x15BF; 123.49 -> 123 = 0x7B */
        {"charging, under the half", 55674, 12349, {0xBF, 0x15, 0x7B, 0}},
        /* 5567.5 -> 5568; 123.5 -> 124 = 0x7C */
        {"charging, at the half", 55675, 12350, {0xC0, 0x15, 0x7C, 0}},
        /* -123.49 -> -123; -123.5 -> -124 = 0xFF84 */
        {"discharging, under the half", 55670, -12349, {0xBF, 0x15, 0x85, 0xFF}},
        {"discharging, at the half", 55670, -12350, {0xBF, 0x15, 0x84, 0xFF}},
        {"hardly anything", 4, -49, {0, 0, 0, 0}},
        /* 0.5 -> 1; -0.5 -> -1 */
        {"half a step", 5, -50, {1, 0, 0xFF, 0xFF}},
        /* 32767 = 0x7FFF */
        {"the highest that fit", 327674, 3276749, {0xFF, 0x7F, 0xFF, 0x7F}},
        {"one more", 327675, 3276750, {0xFF, 0x7F, 0xFF, 0x7F}},
        {"one less", 327664, 3276649, {0xFE, 0x7F, 0xFE, 0x7F}},
        /* -32768.49 -> -32768 = 0x8000; -32768.5 would be -32769; -32767.49 -> -32767 = 0x8001 */
        {"the lowest current that fits", 0, -3276849, {0, 0, 0x00, 0x80}},
        {"one less current", 0, -3276850, {0, 0, 0x00, 0x80}},
        {"one more current", 0, -3276749, {0, 0, 0x01, 0x80}},
        {"the highest there are", UINT32_MAX, INT32_MAX, {0xFF, 0x7F, 0xFF, 0x7F}},
        {"the lowest current there is", 0, INT32_MIN, {0, 0, 0x00, 0x80}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        fixture_init(&f);
        f.battery.pack_mv = cases[i].pack_mv;
        f.battery.pack_ma = cases[i].pack_ma;
        /* (21.5 + 10.2) / 2 = 15.85 degC -> 15.9 = 159 = 0x9F */
        uint8_t expected[8] = {0, 0, 0, 0, 0x9F, 0, 0, 0};
        memcpy(expected, cases[i].data, 4);
        assert_frame(&f, cases[i].what, 0x356, expected);
    }
}

static void temperature_is_the_packs_own_mean(void **state) {
    (void)state;
    static const struct {
        const char *what;
        bool has_1, has_2;
        int16_t external_1_dc, external_2_dc, internal_dc;
        uint8_t low, high;
    } cases[] = {
        {"two sensors, the board does not count", true, true, 250, 260, 700, 0xFF, 0x00}, /* 255 */
        {"a half rounds up", true, true, 201, 204, 700, 0xCB, 0x00},            /* 202.5 -> 203 */
        {"a negative half rounds down", true, true, -201, -204, 0, 0x35, 0xFF}, /* -203 */
        {"the first alone", true, false, 256, 1, 700, 0x00, 0x01},
        {"the second alone", false, true, 1, -10, 700, 0xF6, 0xFF},
        {"the board where there is no other", false, false, 1, 1, 300, 0x2C, 0x01},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        struct victron_frame out;
        fixture_init(&f);
        f.battery.external_temperature_dc[0] = cases[i].external_1_dc;
        f.battery.external_temperature_dc[1] = cases[i].external_2_dc;
        f.battery.internal_temperature_dc = cases[i].internal_dc;
        f.battery.validity[BATTERY_EXTERNAL_TEMPERATURE_1] =
            cases[i].has_1 ? BATTERY_VALID : BATTERY_ABSENT;
        f.battery.validity[BATTERY_EXTERNAL_TEMPERATURE_2] =
            cases[i].has_2 ? BATTERY_VALID : BATTERY_ABSENT;
        assert_true(fixture_encode(&f, 0x356, &out));
        if (out.data[4] != cases[i].low || out.data[5] != cases[i].high) {
            fail_msg("%s: %02X %02X", cases[i].what, out.data[4], out.data[5]);
        }
    }
}

static void measurements_with_anything_unknown_are_not_sent(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_forget(&f, BATTERY_PACK_VOLTAGE);
    assert_not_sent(&f, "no voltage", 0x356);
    fixture_init(&f);
    fixture_forget(&f, BATTERY_PACK_CURRENT);
    assert_not_sent(&f, "no current", 0x356);
    fixture_init(&f);
    fixture_forget(&f, BATTERY_EXTERNAL_TEMPERATURE_1);
    fixture_forget(&f, BATTERY_EXTERNAL_TEMPERATURE_2);
    fixture_forget(&f, BATTERY_INTERNAL_TEMPERATURE);
    assert_not_sent(&f, "no temperature", 0x356);
}

static void model_has_the_version_high_byte_first_and_the_capacity_in_ah(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint16_t hardware, firmware, internal;
        uint32_t capacity_mah;
        bool online;
        uint8_t data[8];
    } cases[] = {
        /* registers of a real device: 500 = 0x0102, 501 = 0x0301, 502 = 0x00F2; 66 = 0x42 */
        {"a real device", 0x0102, 0x0301, 0x00F2, 66000, true, {0x02, 0x01, 0x01, 0xF2, 0x42, 0}},
        {"the low bytes alone",
         0xFFFE,
         0xFF12,
         0xFF34,
         66000,
         true,
         {0xFE, 0xFF, 0x12, 0x34, 0x42, 0}},
        {"65.5 Ah", 1, 2, 3, 65500, true, {1, 0, 2, 3, 0x42, 0}},
        {"65.499 Ah", 1, 2, 3, 65499, true, {1, 0, 2, 3, 0x41, 0}},
        {"655 Ah", 1, 2, 3, 655000, true, {1, 0, 2, 3, 0x8F, 0x02}}, /* 655 = 0x028F */
        {"more than fits", 1, 2, 3, 65535500, true, {1, 0, 2, 3, 0xFF, 0xFF}},
        {"offline", 1, 2, 3, 66000, false, {1, 0, 2, 3, 0, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        fixture_init(&f);
        f.battery.hardware_version = cases[i].hardware;
        f.battery.firmware_version = cases[i].firmware;
        f.battery.internal_firmware = cases[i].internal;
        f.battery.capacity_mah = cases[i].capacity_mah;
        f.alarms.online = cases[i].online;
        assert_frame(&f, cases[i].what, 0x35F, cases[i].data);
    }
}

static void model_shows_unknown_labels_as_0_and_no_false_capacity(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_forget(&f, BATTERY_HARDWARE_VERSION);
    assert_frame(&f, "no hardware version", 0x35F, (const uint8_t[8]){0, 0, 1, 0xF2, 0x42});
    fixture_init(&f);
    fixture_forget(&f, BATTERY_FIRMWARE_VERSION);
    assert_frame(&f, "no release", 0x35F, (const uint8_t[8]){2, 1, 0, 0xF2, 0x42});
    fixture_init(&f);
    fixture_forget(&f, BATTERY_INTERNAL_FIRMWARE);
    assert_frame(&f, "no internal version", 0x35F, (const uint8_t[8]){2, 1, 1, 0, 0x42});
    fixture_init(&f);
    fixture_forget(&f, BATTERY_CAPACITY);
    assert_not_sent(&f, "online, capacity unknown", 0x35F);
    assert_not_sent(&f, "capacity unknown", 0x379);
    f.alarms.online = false;
    assert_frame(&f, "offline, capacity unknown", 0x35F, (const uint8_t[8]){2, 1, 1, 0xF2});
}

static void installed_capacity_stays_while_offline(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f);
    assert_frame(&f, "66 Ah", 0x379, (const uint8_t[8]){0x42, 0});
    f.alarms.online = false;
    f.battery.capacity_mah = 300500; /* 300.5 -> 301 = 0x012D */
    assert_frame(&f, "300.5 Ah, offline", 0x379, (const uint8_t[8]){0x2D, 0x01});
    f.battery.capacity_mah = UINT32_MAX;
    assert_frame(&f, "more than fits", 0x379, (const uint8_t[8]){0xFF, 0xFF});
}

static void the_module_is_ok_or_offline_and_blocks_what_the_limits_stop(void **state) {
    (void)state;
    static const struct {
        const char *what;
        bool online;
        uint32_t ccl_ma, dcl_ma;
        uint8_t data[8];
    } cases[] = {
        {"free", true, 18000, 54000, {1, 0, 0, 0, 0, 0, 0, 0}},
        {"no charging", true, 0, 54000, {1, 0, 1, 0, 0, 0, 0, 0}},
        {"no discharging", true, 18000, 0, {1, 0, 0, 0, 1, 0, 0, 0}},
        {"neither", true, 0, 0, {1, 0, 1, 0, 1, 0, 0, 0}},
        {"what 0x351 rounds up does not block", true, 1, 1, {1, 0, 0, 0, 0, 0, 0, 0}},
        {"offline, discharge still allowed", false, 0, 5400, {0, 0, 1, 0, 0, 0, 1, 0}},
        {"offline and closed", false, 0, 0, {0, 0, 1, 0, 1, 0, 1, 0}},
        {"offline with limits", false, 18000, 54000, {0, 0, 0, 0, 0, 0, 1, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        fixture_init(&f);
        f.alarms.online = cases[i].online;
        f.limits.ccl_ma = cases[i].ccl_ma;
        f.limits.dcl_ma = cases[i].dcl_ma;
        assert_frame(&f, cases[i].what, 0x372, cases[i].data);
    }
}

static void extremes_are_millivolts_and_kelvin(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint16_t min_mv, max_mv;
        int16_t sensor_1_dc, sensor_2_dc;
        uint8_t data[8];
    } cases[] = {
        /* 3972 = 0x0F84, 3986 = 0x0F92; 10.2 + 273.15 = 283.35 -> 283 = 0x011B;
         * 21.5 + 273.15 = 294.65 -> 295 = 0x0127 */
        {"a pack in a cellar", 3972, 3986, 215, 102, {0x84, 0x0F, 0x92, 0x0F, 0x1B, 1, 0x27, 1}},
        /* 283.45 -> 283, 283.55 -> 284 = 0x011C: no value in 0.1 degC falls on a half */
        {"both sides of the half", 0, 65534, 103, 104, {0, 0, 0xFE, 0xFF, 0x1B, 1, 0x1C, 1}},
        /* 0 -> 273 = 0x0111; -40 + 273.15 = 233.15 -> 233 = 0xE9 */
        {"frost", 1, 1, -400, 0, {1, 0, 1, 0, 0xE9, 0, 0x11, 1}},
        /* -272.6 -> 0.55 -> 1; 3276.7 + 273.15 = 3549.85 -> 3550 = 0x0DDE */
        {"the ends of the scale", 1, 1, -2726, 32767, {1, 0, 1, 0, 1, 0, 0xDE, 0x0D}},
        /* under absolute zero: 0, "not supported" */
        {"nonsense", 1, 1, -2727, -32767, {1, 0, 1, 0, 0, 0, 0, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        fixture_init(&f);
        f.battery.min_cell_mv = cases[i].min_mv;
        f.battery.max_cell_mv = cases[i].max_mv;
        f.battery.external_temperature_dc[0] = cases[i].sensor_1_dc;
        f.battery.external_temperature_dc[1] = cases[i].sensor_2_dc;
        assert_frame(&f, cases[i].what, 0x373, cases[i].data);
    }
}

static void extremes_that_are_unknown_are_not_supported(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_forget(&f, BATTERY_CELLS);
    assert_frame(&f, "no cells", 0x373,
                 (const uint8_t[8]){0xFF, 0xFF, 0xFF, 0xFF, 0x1B, 1, 0x27, 1});
    fixture_init(&f);
    f.battery.cell_count = 0;
    assert_frame(&f, "no cell counted", 0x373,
                 (const uint8_t[8]){0xFF, 0xFF, 0xFF, 0xFF, 0x1B, 1, 0x27, 1});
    fixture_init(&f);
    fixture_forget(&f, BATTERY_EXTERNAL_TEMPERATURE_1);
    fixture_forget(&f, BATTERY_EXTERNAL_TEMPERATURE_2);
    /* the board's 30.0 degC: 303.15 -> 303 = 0x012F, both */
    assert_frame(&f, "the board alone", 0x373,
                 (const uint8_t[8]){0x84, 0x0F, 0x92, 0x0F, 0x2F, 1, 0x2F, 1});
    fixture_forget(&f, BATTERY_INTERNAL_TEMPERATURE);
    assert_frame(&f, "no sensor", 0x373,
                 (const uint8_t[8]){0x84, 0x0F, 0x92, 0x0F, 0xFF, 0xFF, 0xFF, 0xFF});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_tenths_positive_and_saturating),
        cmocka_unit_test(limits_that_are_not_valid_are_not_sent),
        cmocka_unit_test(charge_state_rounds_to_percent_beside_the_exact_value),
        cmocka_unit_test(charge_state_without_state_of_charge_is_not_sent),
        cmocka_unit_test(measurements_are_signed_rounded_and_saturating),
        cmocka_unit_test(temperature_is_the_packs_own_mean),
        cmocka_unit_test(measurements_with_anything_unknown_are_not_sent),
        cmocka_unit_test(model_has_the_version_high_byte_first_and_the_capacity_in_ah),
        cmocka_unit_test(model_shows_unknown_labels_as_0_and_no_false_capacity),
        cmocka_unit_test(installed_capacity_stays_while_offline),
        cmocka_unit_test(the_module_is_ok_or_offline_and_blocks_what_the_limits_stop),
        cmocka_unit_test(extremes_are_millivolts_and_kelvin),
        cmocka_unit_test(extremes_that_are_unknown_are_not_supported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
