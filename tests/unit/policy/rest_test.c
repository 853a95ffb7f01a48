/* SPDX-License-Identifier: MIT */
/* May the BMS sleep: nobody uses the battery for 10 minutes, or 5 s when it is empty. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/rest.h"
#include "sample.h"

static void idle_is_a_status_and_a_current(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint16_t status;
        int32_t ma;
        bool idle;
    } cases[] = {
        {"idle", BATTERY_STATUS_IDLE, 0, true},
        {"fully charged", BATTERY_STATUS_FULLY_CHARGED, 0, true},
        {"charging", BATTERY_STATUS_CHARGING, 0, false},
        {"discharging", BATTERY_STATUS_DISCHARGING, 0, false},
        {"fault", BATTERY_STATUS_FAULT, 0, false},
        {"0.1 A in", BATTERY_STATUS_IDLE, 100, true},
        {"more in", BATTERY_STATUS_IDLE, 101, false},
        {"0.1 A out", BATTERY_STATUS_IDLE, -100, true},
        {"more out", BATTERY_STATUS_IDLE, -101, false},
        {"fully charged, more in", BATTERY_STATUS_FULLY_CHARGED, 101, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct battery b;
        struct rest r;
        sample_nominal(&b, 0);
        b.status = cases[i].status;
        b.pack_ma = cases[i].ma;
        rest_init(&r, 1000);
        rest_handle_sample(&r, &b, 5000);
        /* idle since 1000, or busy at 5000 */
        bool allowed = rest_allowed(&r, &b, false, UINT64_MAX, 1000 + 600000);
        if (allowed != cases[i].idle || rest_ends(&b) == cases[i].idle) {
            fail_msg("%s", cases[i].what);
        }
        assert_true(rest_allowed(&r, &b, false, UINT64_MAX, 5000 + 600000));
    }
}

static void rest_needs_both_an_idle_battery_and_an_absent_gx_for_ten_minutes(void **state) {
    (void)state;
    struct battery b;
    struct rest r;
    sample_nominal(&b, 0);
    rest_init(&r, 1000);
    assert_true(rest_allowed(&r, &b, false, 600000, 601000));
    assert_false(rest_allowed(&r, &b, false, 599999, 601000));
    assert_false(rest_allowed(&r, &b, false, 600000, 600999));
}

static void an_empty_battery_rests_after_five_seconds(void **state) {
    (void)state;
    static const struct {
        const char *what;
        bool empty;
        uint8_t events;
        enum battery_validity known;
        uint8_t newest;
        bool soon;
    } cases[] = {
        {"a cell under register 316", true, 0, BATTERY_NEVER_READ, 0, true},
        {"event 0x31 is the newest", false, 1, BATTERY_VALID, 0x31, true},
        {"another warning", false, 1, BATTERY_VALID, 0x32, false},
        {"another fault", false, 1, BATTERY_VALID, 0x30, false},
        {"no events", false, 0, BATTERY_VALID, 0x31, false},
        {"events never read", false, 1, BATTERY_NEVER_READ, 0x31, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct battery b;
        struct rest r;
        sample_nominal(&b, 0);
        b.validity[BATTERY_EVENTS] = (uint8_t)cases[i].known;
        b.event_count = cases[i].events;
        b.event[0].id = cases[i].newest;
        rest_init(&r, 1000);
        if (rest_allowed(&r, &b, cases[i].empty, 5000, 6000) != cases[i].soon) {
            fail_msg("%s", cases[i].what);
        }
        assert_false(rest_allowed(&r, &b, cases[i].empty, 4999, 6000));
        assert_false(rest_allowed(&r, &b, cases[i].empty, 5000, 5999));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_is_a_status_and_a_current),
        cmocka_unit_test(rest_needs_both_an_idle_battery_and_an_absent_gx_for_ten_minutes),
        cmocka_unit_test(an_empty_battery_rests_after_five_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
