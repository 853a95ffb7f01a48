/* SPDX-License-Identifier: MIT */
/* Frame 0x35A: where each pair is, and what its two bits say. Active is binary 01, quiet 10, not
 * supported 00. */
#include "fixture.h"

/* The protocol's list of pairs, counted from bit 0 of byte 0; warnings are 4 bytes later. */
static const struct {
    const char *what;
    enum alarm_id id;
    uint8_t byte;
    uint8_t active, quiet; /* this pair's bits within the byte */
} pairs[] = {
    {"general", ALARM_GENERAL, 0, 0x01, 0x02},
    {"high voltage", ALARM_HIGH_VOLTAGE, 0, 0x04, 0x08},
    {"low voltage", ALARM_LOW_VOLTAGE, 0, 0x10, 0x20},
    {"high temperature", ALARM_HIGH_TEMPERATURE, 0, 0x40, 0x80},
    {"low temperature", ALARM_LOW_TEMPERATURE, 1, 0x01, 0x02},
    {"high temperature charge", ALARM_HIGH_TEMPERATURE_CHARGE, 1, 0x04, 0x08},
    {"low temperature charge", ALARM_LOW_TEMPERATURE_CHARGE, 1, 0x10, 0x20},
    {"high current", ALARM_HIGH_CURRENT, 1, 0x40, 0x80},
    {"high charge current", ALARM_HIGH_CHARGE_CURRENT, 2, 0x01, 0x02},
    {"contactor", ALARM_CONTACTOR, 2, 0x04, 0x08},
    {"short circuit", ALARM_SHORT_CIRCUIT, 2, 0x10, 0x20},
    {"BMS internal", ALARM_BMS_INTERNAL, 2, 0x40, 0x80},
    {"cell imbalance", ALARM_CELL_IMBALANCE, 3, 0x01, 0x02},
};

static void nothing_supported(struct fixture *f) {
    fixture_init(f);
    memset(f->alarms.alarm, ALARM_NOT_SUPPORTED, sizeof f->alarms.alarm);
    memset(f->alarms.warning, ALARM_NOT_SUPPORTED, sizeof f->alarms.warning);
}

static void each_pair_is_where_the_protocol_has_it(void **state) {
    (void)state;
    assert_int_equal(sizeof pairs / sizeof pairs[0], ALARM_COUNT);
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        for (unsigned warning = 0; warning < 2; warning++) {
            struct fixture f;
            nothing_supported(&f);
            uint8_t *pair = warning ? &f.alarms.warning[pairs[i].id] : &f.alarms.alarm[pairs[i].id];
            uint8_t expected[8] = {0, 0, 0, 0, 0, 0, 0, 0x04}; /* online */
            const unsigned byte = pairs[i].byte + 4 * warning;
            const uint8_t rest = expected[byte];
            *pair = ALARM_ACTIVE;
            expected[byte] = (uint8_t)(rest | pairs[i].active);
            assert_frame(&f, pairs[i].what, 0x35A, expected);
            *pair = ALARM_QUIET;
            expected[byte] = (uint8_t)(rest | pairs[i].quiet);
            assert_frame(&f, pairs[i].what, 0x35A, expected);
            *pair = 0xFF; /* no state at all */
            expected[byte] = rest;
            assert_frame(&f, pairs[i].what, 0x35A, expected);
        }
    }
}

static void online_and_offline_are_pair_29(void **state) {
    (void)state;
    struct fixture f;
    nothing_supported(&f);
    assert_frame(&f, "online", 0x35A, (const uint8_t[8]){0, 0, 0, 0, 0, 0, 0, 0x04});
    f.alarms.online = false;
    assert_frame(&f, "offline", 0x35A, (const uint8_t[8]){0, 0, 0, 0, 0, 0, 0, 0x08});
}

static void a_healthy_battery_is_tens_and_never_zeros(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f);
    /* general (pair 0) and short circuit (pair 10) not supported, all others 10:
     * byte 0: 10 10 10 00 = A8; byte 1: AA; byte 2: 10 00 10 10 = 8A; byte 3: 10 = 02;
     * byte 7: online 01 in bits 2-3, imbalance 10: 06 */
    f.alarms.alarm[ALARM_GENERAL] = ALARM_NOT_SUPPORTED;
    f.alarms.alarm[ALARM_SHORT_CIRCUIT] = ALARM_NOT_SUPPORTED;
    f.alarms.warning[ALARM_GENERAL] = ALARM_NOT_SUPPORTED;
    f.alarms.warning[ALARM_SHORT_CIRCUIT] = ALARM_NOT_SUPPORTED;
    assert_frame(&f, "all quiet", 0x35A,
                 (const uint8_t[8]){0xA8, 0xAA, 0x8A, 0x02, 0xA8, 0xAA, 0x8A, 0x06});
}

static void reserved_pairs_stay_00_whatever_is_active(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f);
    memset(f.alarms.alarm, ALARM_ACTIVE, sizeof f.alarms.alarm);
    memset(f.alarms.warning, ALARM_ACTIVE, sizeof f.alarms.warning);
    f.alarms.online = false;
    /* 01 01 01 01 = 55; pairs 13-15, 30 and 31 are 00; offline 10 in bits 2-3 of byte 7 */
    assert_frame(&f, "all active", 0x35A,
                 (const uint8_t[8]){0x55, 0x55, 0x55, 0x01, 0x55, 0x55, 0x55, 0x09});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pair_is_where_the_protocol_has_it),
        cmocka_unit_test(online_and_offline_are_pair_29),
        cmocka_unit_test(a_healthy_battery_is_tens_and_never_zeros),
        cmocka_unit_test(reserved_pairs_stay_00_whatever_is_active),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
