/* SPDX-License-Identifier: MIT */
/* How the watch on a SocketCAN interface brings a controller back, in virtual time. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "can_watch_rig.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void bus_off_is_left_by_a_restart_where_the_driver_can(void **state) {
    (void)state;
    rig.has_device = true;
    (void)rig_kernel_says((struct rig_said){0});
    (void)rig_kernel_says((struct rig_said){.state = 3});
    assert_true(rig_holds());
    assert_string_equal(rig_until_request(9000), "R");
    assert_int_equal(rig.now_ms, 1200);
    rig_kernel_answers(rig.watch.restart_sequence, 0);
    (void)rig_kernel_says((struct rig_said){0});
    assert_false(rig_holds());
    assert_string_equal(rig_until_request(9000), "");
    assert_int_equal(
        rig_lines_with("INFO can: restarting the controller interface=can0 by=\"restart\""), 1);
    assert_int_equal(
        rig_lines_with("INFO can: bus state interface=can0 from=bus-off to=error-active"), 1);
}

static void a_driver_without_a_device_of_its_own_is_set_down_and_up(void **state) {
    struct can_status s;
    (void)state;
    (void)rig_kernel_says((struct rig_said){.state = 3});
    assert_string_equal(rig_until_request(9000), "DU");
    rig_kernel_answers(rig.watch.down_sequence, 0);
    (void)rig_kernel_says((struct rig_said){.down = true, .state = 4});
    assert_false(rig_holds());
    rig_kernel_answers(rig.watch.up_sequence, 0);
    assert_true(rig_kernel_says((struct rig_said){0}));
    can_watch_status(&rig.watch, &rig.feedback, &s);
    assert_int_equal(s.restarts, 1);
    assert_string_equal(rig_until_request(9000), "");
}

static void a_driver_that_knows_no_restart_is_set_down_and_up_at_once(void **state) {
    (void)state;
    rig.has_device = true;
    (void)rig_kernel_says((struct rig_said){.state = 3});
    assert_string_equal(rig_until_request(9000), "R");
    rig_kernel_answers(rig.watch.restart_sequence, EOPNOTSUPP);
    assert_string_equal(rig_until_request(rig.now_ms), "DU");
    rig_kernel_answers(rig.watch.down_sequence, 0);
    rig_kernel_answers(rig.watch.up_sequence, 0);
    (void)rig_kernel_says((struct rig_said){.state = 3});
    assert_string_equal(rig_until_request(rig.now_ms + 20000), "DU"); /* it has learnt */
}

static void an_interface_that_the_kernel_restarts_is_left_to_it(void **state) {
    (void)state;
    rig.has_device = true;
    (void)rig_kernel_says((struct rig_said){.state = 3, .restart_ms = 100});
    assert_string_equal(rig_until_request(60000), "");
}

static void restarts_that_do_not_help_come_less_often(void **state) {
    (void)state;
    static const uint64_t gaps_ms[] = {200, 400, 800, 1600, 3200, 6400, 10000, 10000};
    rig.has_device = true;
    (void)rig_kernel_says((struct rig_said){.state = 3});
    uint64_t last_ms = rig.now_ms;
    /* The first comes after 200 ms; from each one to the next it is twice as long as before. */
    for (size_t i = 0; i < COUNT(gaps_ms); i++) {
        assert_string_equal(rig_until_request(UINT64_MAX), "R");
        assert_int_equal(rig.now_ms - last_ms, i == 0 ? 200 : gaps_ms[i]);
        last_ms = rig.now_ms;
        rig_kernel_answers(rig.watch.restart_sequence, 0);
        (void)rig_kernel_says((struct rig_said){0});
        (void)rig_step();
        (void)rig_kernel_says((struct rig_said){.state = 3});
    }
    assert_in_range(rig_lines_with("restarting the controller"), 1, 5);
    (void)rig_kernel_says((struct rig_said){0});
    assert_string_equal(rig_until_request(rig.now_ms + 20000), "");
    (void)rig_kernel_says((struct rig_said){.state = 3});
    last_ms = rig.now_ms;
    assert_string_equal(rig_until_request(UINT64_MAX), "R");
    assert_int_equal(rig.now_ms - last_ms, 200);
}

static void who_may_not_is_told_what_to_type_once_a_minute(void **state) {
    (void)state;
    const uint64_t end_ms = rig.now_ms + 59000;
    (void)rig_kernel_says((struct rig_said){.state = 3});
    unsigned tries = 0;
    while (rig_until_request(end_ms)[0] != '\0') {
        rig_kernel_answers(rig.watch.down_sequence, EPERM);
        rig_kernel_answers(rig.watch.up_sequence, EPERM);
        (void)rig_kernel_says((struct rig_said){.state = 3});
        tries++;
    }
    /* At 0.2, 0.6, 1.4, 3.0, 6.2, 12.6 s and every 10 s: 22.6, 32.6, 42.6, 52.6. */
    assert_int_equal(tries, 10);
    assert_int_equal(
        rig_lines_with("WARN can: cannot restart the controller interface=can0 "
                       "reason=\"Operation not permitted\" next=\"ip link set can0 down && ip "
                       "link set can0 up, or give this program CAP_NET_ADMIN\""),
        1);
}

static void an_interface_that_was_set_down_here_is_set_up_whatever_it_takes(void **state) {
    (void)state;
    (void)rig_kernel_says((struct rig_said){.state = 3});
    assert_string_equal(rig_until_request(9000), "DU");
    rig_kernel_answers(rig.watch.down_sequence, 0);
    (void)rig_kernel_says((struct rig_said){.down = true, .state = 4});
    rig_kernel_answers(rig.watch.up_sequence, ETIMEDOUT); /* the adapter takes no commands */
    assert_string_equal(rig_until_request(rig.now_ms + 5000), "U");
    rig_kernel_answers(rig.watch.up_sequence, ETIMEDOUT);
    (void)rig_kernel_says((struct rig_said){.down = true, .state = 4});
    can_watch_close(&rig.watch); /* the program ends */
    assert_string_equal(rig_requests(), "U");
}

static void an_interface_that_somebody_sets_down_stays_down(void **state) {
    (void)state;
    (void)rig_kernel_says((struct rig_said){0});
    (void)rig_kernel_says((struct rig_said){.down = true, .state = 4});
    assert_string_equal(rig_until_request(rig.now_ms + 60000), "");
}

static void no_carrier_without_bus_off_is_left_after_half_a_second(void **state) {
    (void)state;
    (void)rig_kernel_says((struct rig_said){.no_carrier = true});
    assert_true(rig_holds());
    assert_string_equal(rig_until_request(9000), "DU");
    assert_int_equal(rig.now_ms, 1500);
    rig_kernel_answers(rig.watch.down_sequence, 0);
    rig_kernel_answers(rig.watch.up_sequence, 0);
    (void)rig_kernel_says((struct rig_said){0});
    assert_false(rig_holds());
}

static void a_controller_that_does_not_run_is_left_alone(void **state) {
    (void)state;
    (void)rig_kernel_says((struct rig_said){.no_carrier = true, .state = 5}); /* sleeping */
    assert_string_equal(rig_until_request(rig.now_ms + 5000), "");
}

static void a_short_loss_of_carrier_is_no_reason(void **state) {
    (void)state;
    (void)rig_kernel_says((struct rig_said){.no_carrier = true});
    (void)rig_step();
    rig.now_ms += 300;
    (void)rig_kernel_says((struct rig_said){0});
    assert_string_equal(rig_until_request(rig.now_ms + 5000), "");
}

static void bus_off_is_believed_for_a_second_where_the_kernel_does_not_tell(void **state) {
    (void)state;
    (void)rig_kernel_says((struct rig_said){.virtual = true});
    rig_error_frame(CAN_BUS_OFF);
    (void)rig_step();
    rig.now_ms += 999;
    (void)rig_step();
    assert_true(rig_holds());
    rig.now_ms += 1;
    (void)rig_step();
    assert_false(rig_holds());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RIG_TEST(bus_off_is_left_by_a_restart_where_the_driver_can),
        RIG_TEST(a_driver_without_a_device_of_its_own_is_set_down_and_up),
        RIG_TEST(a_driver_that_knows_no_restart_is_set_down_and_up_at_once),
        RIG_TEST(an_interface_that_the_kernel_restarts_is_left_to_it),
        RIG_TEST(restarts_that_do_not_help_come_less_often),
        RIG_TEST(who_may_not_is_told_what_to_type_once_a_minute),
        RIG_TEST(an_interface_that_was_set_down_here_is_set_up_whatever_it_takes),
        RIG_TEST(an_interface_that_somebody_sets_down_stays_down),
        RIG_TEST(no_carrier_without_bus_off_is_left_after_half_a_second),
        RIG_TEST(a_controller_that_does_not_run_is_left_alone),
        RIG_TEST(a_short_loss_of_carrier_is_no_reason),
        RIG_TEST(bus_off_is_believed_for_a_second_where_the_kernel_does_not_tell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
