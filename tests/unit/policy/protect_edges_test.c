/* SPDX-License-Identifier: MIT */
/* What counts as a possible voltage, and what stands in memory without being known. 315 = 4200 mV,
 * 316 = 2900 mV, 319 = 60 degC, 320 = 1 degC. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "policy/protect.h"
#include "sample.h"

static struct protection judge(const struct battery *b, bool trusted) {
    struct protection p;
    protection_init(&p);
    protection_handle_sample(&p, b, trusted);
    return p;
}

static void half_a_volt_to_five_volts_are_possible(void **state) {
    (void)state;
    static const struct {
        uint16_t mv;
        enum limit_reason charge, discharge;
    } cases[] = {
        {499, LIMIT_NOMINAL, LIMIT_NOMINAL},
        {500, LIMIT_NOMINAL, LIMIT_CELL_UNDER_VOLTAGE},
        {5000, LIMIT_CELL_OVER_VOLTAGE, LIMIT_NOMINAL},
        {5001, LIMIT_NOMINAL, LIMIT_NOMINAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct battery b;
        sample_nominal(&b, 0);
        b.cell_mv[5] = cases[i].mv; /* no witness follows: not trusted */
        struct protection p = judge(&b, false);
        assert_int_equal(protection_charge(&p), cases[i].charge);
        assert_int_equal(protection_discharge(&p), cases[i].discharge);
    }
}

static void only_the_cells_of_the_pack_count(void **state) {
    (void)state;
    static const uint16_t dangerous[] = {4300, 2000};
    for (size_t i = 0; i < 2; i++) {
        struct battery b;
        sample_nominal(&b, 0);
        b.cell_mv[14] = dangerous[i]; /* there is no cell 15 */
        struct protection p = judge(&b, true);
        assert_int_equal(protection_charge(&p), LIMIT_NOMINAL);
        assert_int_equal(protection_discharge(&p), LIMIT_NOMINAL);
    }
}

static void registers_40_and_41_count_when_they_are_known_and_worse(void **state) {
    (void)state;
    struct battery b;
    sample_nominal(&b, 0);
    b.bms_min_cell_mv = 2000;
    b.bms_max_cell_mv = 4300;
    struct protection p = judge(&b, false);
    assert_int_equal(protection_charge(&p), LIMIT_CELL_OVER_VOLTAGE);
    assert_int_equal(protection_discharge(&p), LIMIT_CELL_UNDER_VOLTAGE);
    b.validity[BATTERY_BMS_MIN_CELL] = BATTERY_NEVER_READ;
    b.validity[BATTERY_BMS_MAX_CELL] = BATTERY_NEVER_READ;
    p = judge(&b, false);
    assert_int_equal(protection_charge(&p), LIMIT_NOMINAL);
    assert_int_equal(protection_discharge(&p), LIMIT_NOMINAL);
    sample_nominal(&b, 0);
    b.cell_mv[0] = 2800; /* registers 40 and 41 say 3900 */
    b.cell_mv[1] = 4250;
    p = judge(&b, false);
    assert_int_equal(protection_charge(&p), LIMIT_CELL_OVER_VOLTAGE);
    assert_int_equal(protection_discharge(&p), LIMIT_CELL_UNDER_VOLTAGE);
}

static void without_any_voltage_nothing_is_closed(void **state) {
    (void)state;
    struct battery b;
    sample_nominal(&b, 0);
    b.validity[BATTERY_CELLS] = BATTERY_NEVER_READ;
    struct protection p = judge(&b, true);
    assert_int_equal(protection_charge(&p), LIMIT_NOMINAL);
    assert_int_equal(protection_discharge(&p), LIMIT_NOMINAL);
}

/* A hot and a cold pack are judged first, so that what they leave on the stack would be noticed. */
static void without_any_sensor_no_temperature_closes(void **state) {
    (void)state;
    static const int16_t extremes[] = {700, -200};
    for (size_t i = 0; i < 2; i++) {
        struct battery b;
        sample_nominal(&b, 0);
        b.external_temperature_dc[0] = b.internal_temperature_dc = extremes[i];
        struct protection p = judge(&b, true);
        assert_int_not_equal(protection_charge(&p), LIMIT_NOMINAL);
        b.validity[BATTERY_EXTERNAL_TEMPERATURE_1] = BATTERY_ABSENT;
        b.validity[BATTERY_INTERNAL_TEMPERATURE] = BATTERY_NEVER_READ;
        p = judge(&b, true);
        assert_int_equal(protection_charge(&p), LIMIT_NOMINAL);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_a_volt_to_five_volts_are_possible),
        cmocka_unit_test(only_the_cells_of_the_pack_count),
        cmocka_unit_test(registers_40_and_41_count_when_they_are_known_and_worse),
        cmocka_unit_test(without_any_voltage_nothing_is_closed),
        cmocka_unit_test(without_any_sensor_no_temperature_closes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
