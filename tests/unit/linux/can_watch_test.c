/* SPDX-License-Identifier: MIT */
/* What the watch on a SocketCAN interface sees, shows and says, in virtual time. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "can_watch_rig.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void it_asks_every_second_and_when_an_error_frame_changes_the_state(void **state) {
    (void)state;
    assert_int_equal(rig_step(), 2000);
    assert_string_equal(rig_requests(), "?");
    (void)rig_kernel_says((struct rig_said){0});
    rig.now_ms = 1500;
    assert_int_equal(rig_step(), 2000);
    assert_string_equal(rig_requests(), "");
    rig_error_frame(CAN_BUS_ERROR_PASSIVE);
    assert_int_equal(rig_step(), 2500);
    assert_string_equal(rig_requests(), "?");
    assert_int_equal(
        rig_lines_with("WARN can: bus state interface=can0 from=error-active to=error-passive "
                       "after_ms=500 times=1 next="),
        1);
}

static void nothing_is_watched_that_is_no_socketcan_interface(void **state) {
    (void)state;
    (void)strcpy(rig.settings.hardware.can.interface, "slcan:/dev/ttyACM0");
    can_watch_configure(&rig.watch, &rig.settings);
    assert_int_equal(rig_step(), UINT64_MAX);
    assert_int_equal(can_watch_wait_fd(&rig.watch), -1);
}

static void an_interface_can_be_used_when_it_comes_up(void **state) {
    (void)state;
    static const struct {
        const char *what;
        struct rig_said said;
        bool now_usable;
    } turns[] = {
        {"another one", {.name = "can1", .index = 9}, false},
        {"there, and down", {.down = true, .state = 4}, false},
        {"set up", {.state = 0}, true},
        {"still up", {.state = 0}, false},
        {"set down", {.down = true, .state = 4}, false},
        {"set up again", {.state = 0}, true},
        {"removed", {.removed = true}, false},
        {"back, up", {.index = 4}, true},
        {"the old one's removal again", {.removed = true}, false},
        {"still up", {.index = 4}, false},
        {"renamed", {.index = 4, .name = "other"}, false},
        {"another one takes the name", {.index = 5}, true},
    };
    for (size_t i = 0; i < COUNT(turns); i++) {
        if (rig_kernel_says(turns[i].said) != turns[i].now_usable) {
            fail_msg("%s", turns[i].what);
        }
    }
}

static void an_interface_that_is_not_there_is_unknown_to_status(void **state) {
    (void)state;
    struct can_status s;
    (void)rig_kernel_says((struct rig_said){.state = 2, .restart_ms = 100});
    can_watch_status(&rig.watch, &rig.feedback, &s);
    assert_int_equal(s.state, CAN_BUS_ERROR_PASSIVE);
    assert_int_equal(s.bitrate, 500000);
    assert_true(s.restart_known);
    assert_int_equal(s.restart_ms, 100);
    (void)rig_step();
    rig_kernel_answers(rig.watch.ask_sequence, ENODEV);
    can_watch_status(&rig.watch, &rig.feedback, &s);
    assert_int_equal(s.state, CAN_BUS_UNKNOWN);
    assert_int_equal(s.bitrate, 0);
    assert_false(s.restart_known);
}

static void what_differs_from_the_settings_is_told_once_with_the_command(void **state) {
    (void)state;
    static const struct {
        const char *what;
        enum settings_can_mode mode;
        struct rig_said said;
        const char *line; /* NULL: nothing to tell */
    } cases[] = {
        /* clang-format off */
        {"all as it should be",   SETTINGS_CAN_NORMAL,   {.mode = 0}, NULL},
        {"another rate",          SETTINGS_CAN_NORMAL,   {.bitrate = 125000},
         "WARN can: the interface has another bit rate interface=can0 bitrate=125000 hardware.can.bitrate=500000 "
         "next=\"ip link set can0 down && ip link set can0 up type can bitrate 500000\""},
        {"unknown rate",          SETTINGS_CAN_NORMAL,   {.bitrate = UINT32_MAX}, NULL},
        {"down: nothing counts",  SETTINGS_CAN_NORMAL,   {.bitrate = 125000, .mode = 3, .down = true}, NULL},
        {"a virtual one",         SETTINGS_CAN_NORMAL,   {.virtual = true}, NULL},
        {"loopback unasked",      SETTINGS_CAN_NORMAL,   {.mode = 1},
         "WARN can: the interface is in another mode interface=can0 loopback=on listen-only=off hardware.can.mode=normal "
         "next=\"ip link set can0 down && ip link set can0 up type can loopback off listen-only off\""},
        {"listen-only unasked",   SETTINGS_CAN_NORMAL,   {.mode = 2}, "loopback off listen-only off\""},
        {"loopback wanted",       SETTINGS_CAN_LOOPBACK, {.mode = 0}, "loopback on listen-only off\""},
        {"loopback as wanted",    SETTINGS_CAN_LOOPBACK, {.mode = 1}, NULL},
        {"listen-only wanted",    SETTINGS_CAN_LISTEN,   {.mode = 0}, "loopback off listen-only on\""},
        {"listen-only as wanted", SETTINGS_CAN_LISTEN,   {.mode = 2 | 4 | 16}, NULL}, /* other modes do not matter */
        /* clang-format on */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        rig.text[0] = '\0';
        rig.settings.hardware.can.mode = cases[i].mode;
        can_watch_configure(&rig.watch, &rig.settings);
        (void)rig_kernel_says(cases[i].said);
        (void)rig_kernel_says(cases[i].said);
        if (cases[i].line == NULL ? rig.text[0] != '\0' : rig_lines_with(cases[i].line) != 1) {
            fail_msg("%s: %s", cases[i].what, rig.text);
        }
    }
}

static void a_rate_that_is_wrong_again_is_told_again(void **state) {
    (void)state;
    (void)rig_kernel_says((struct rig_said){.bitrate = 125000});
    (void)rig_kernel_says((struct rig_said){.bitrate = 500000});
    (void)rig_kernel_says((struct rig_said){.bitrate = 125000});
    assert_int_equal(rig_lines_with("another bit rate"), 2);
}

static void bus_off_that_is_over_before_anybody_looked_is_told(void **state) {
    (void)state;
    (void)rig_kernel_says((struct rig_said){0});
    (void)rig_step();
    rig_error_frame(CAN_BUS_OFF);
    rig_error_frame(CAN_BUS_ERROR_ACTIVE);
    (void)rig_requests();
    (void)rig_step();
    assert_string_equal(rig_requests(), "?");
    assert_int_equal(
        rig_lines_with("ERROR can: bus state interface=can0 from=error-active to=bus-off"), 1);
    assert_int_equal(
        rig_lines_with("INFO can: bus state interface=can0 from=bus-off to=error-active"), 1);
}

static void a_state_that_comes_and_goes_does_not_flood_the_log(void **state) {
    (void)state;
    for (int i = 0; i < 600; i++) {
        (void)rig_kernel_says((struct rig_said){.state = 3, .restart_ms = 100});
        (void)rig_kernel_says((struct rig_said){.restart_ms = 100});
        rig.now_ms += 100;
    }
    /* A minute: a line of each in ten seconds, and the count of those held back. */
    assert_int_equal(rig_lines_with("to=bus-off"), 6);
    assert_int_equal(rig_lines_with("times=100"), 10);
}

static void missing_acknowledgements_are_told_once_a_minute(void **state) {
    (void)state;
    (void)rig_kernel_says((struct rig_said){0});
    for (int i = 0; i < 61; i++) {
        atomic_fetch_add(&rig.feedback.unacknowledged, 5);
        (void)rig_step();
        rig.now_ms += 1000;
    }
    assert_int_equal(
        rig_lines_with("WARN can: nobody acknowledges our frames interface=can0 count=5"), 2);
}

static void dropped_frames_are_told_at_their_beginning_and_end(void **state) {
    (void)state;
    (void)rig_kernel_says((struct rig_said){.queue = 1000});
    (void)rig_step();
    for (int i = 0; i < 20; i++) {
        atomic_fetch_add(&rig.feedback.dropped, 3);
        (void)rig_step();
        rig.now_ms += 500;
    }
    assert_int_equal(rig_lines_with("WARN can: the interface takes no frames, they are dropped "
                                    "interface=can0 count=3 queue=1000"),
                     1);
    assert_int_equal(rig_lines_with("ip link set can0 txqueuelen 10"), 1);
    rig.now_ms += 1499; /* the last drop is 1999 ms ago */
    (void)rig_step();
    assert_int_equal(rig_lines_with("takes frames again"), 0);
    rig.now_ms += 1;
    (void)rig_step();
    /* 19 x 500 ms from the first to the last; 20 x 3 frames. */
    assert_int_equal(
        rig_lines_with("INFO can: the interface takes frames again interface=can0 dropped=60 "
                       "after_ms=9500"),
        1);
}

static void a_queue_as_the_kernel_makes_it_is_no_matter(void **state) {
    (void)state;
    (void)rig_kernel_says((struct rig_said){.queue = 10});
    atomic_store(&rig.feedback.dropped, 1);
    (void)rig_step();
    assert_int_equal(rig_lines_with("takes no frames"), 1);
    assert_int_equal(rig_lines_with("txqueuelen"), 0);
}

static void frames_held_back_during_bus_off_are_no_news(void **state) {
    (void)state;
    (void)rig_kernel_says((struct rig_said){.state = 3, .restart_ms = 100});
    (void)rig_step();
    atomic_store(&rig.feedback.dropped, 7);
    (void)rig_step();
    assert_int_equal(rig_lines_with("takes no frames"), 0);
}

static void a_storm_of_error_frames_is_not_listened_to(void **state) {
    (void)state;
    rig.can_fd = 42;
    (void)rig_kernel_says((struct rig_said){0});
    (void)rig_step();
    atomic_fetch_add(&rig.feedback.error_frames, CAN_WATCH_STORM);
    rig.now_ms += 1000;
    (void)rig_step();
    assert_int_equal(rig.wanted_errors, -1);
    atomic_fetch_add(&rig.feedback.error_frames, CAN_WATCH_STORM + 1);
    rig.now_ms += 1000;
    (void)rig_step();
    assert_int_equal(rig.wanted_errors, 0);
    for (int s = 0; s < 9; s++) {
        rig.now_ms += 1000;
        (void)rig_step();
        assert_int_equal(rig.wanted_errors, 0);
    }
    rig.now_ms += 1000;
    (void)rig_step();
    assert_int_equal(rig.wanted_errors, 1);
}

static void what_was_counted_on_another_interface_is_no_news(void **state) {
    (void)state;
    (void)rig_kernel_says((struct rig_said){0});
    (void)strcpy(rig.settings.hardware.can.interface, "none");
    can_watch_configure(&rig.watch, &rig.settings);
    atomic_store(&rig.feedback.bus_offs, 3);
    atomic_store(&rig.feedback.error_frames, 1000);
    atomic_store(&rig.feedback.unacknowledged, 500);
    atomic_store(&rig.feedback.dropped, 70);
    (void)strcpy(rig.settings.hardware.can.interface, "socketcan:can1");
    can_watch_configure(&rig.watch, &rig.settings);
    rig.can_fd = 42;
    for (int i = 0; i < 3; i++) {
        (void)rig_step();
        rig.now_ms += 1000;
    }
    assert_string_equal(rig.text, "");
    assert_int_equal(rig.wanted_errors, -1);
}

/* A sequence of 0 answers nothing, and no errno is as large as that. */
static void answers_to_nothing_are_ignored(void **state) {
    (void)state;
    (void)rig_kernel_says((struct rig_said){0});
    rig_kernel_answers(0, EPERM);
    rig_kernel_answers(0, ENODEV);
    (void)rig_step();
    rig_kernel_answers(rig.watch.ask_sequence, INT32_MIN);
    assert_true(rig.watch.known);
    assert_string_equal(rig.text, "");
}

static void counters_of_the_kernel_win_over_those_of_error_frames(void **state) {
    struct can_status s;
    (void)state;
    (void)rig_kernel_says((struct rig_said){0});
    can_feedback_set_last(&rig.feedback, (struct can_feedback_last){.state = CAN_BUS_ERROR_PASSIVE,
                                                                    .counters_known = true,
                                                                    .tx_error_counter = 130,
                                                                    .rx_error_counter = 9});
    atomic_store(&rig.feedback.bus_offs, 2);
    atomic_store(&rig.feedback.restarts, 1);
    atomic_store(&rig.feedback.dropped, 12);
    can_watch_status(&rig.watch, &rig.feedback, &s);
    assert_true(s.counters_known);
    assert_int_equal(s.tx_error_counter, 130);
    assert_int_equal(s.rx_error_counter, 9);
    assert_int_equal(s.bus_off_count, 2);
    assert_int_equal(s.restarts, 1);
    assert_int_equal(s.dropped, 12);
    rig.watch.now.counters_known = true;
    rig.watch.now.tx_error_counter = 256;
    can_watch_status(&rig.watch, &rig.feedback, &s);
    assert_int_equal(s.tx_error_counter, 256);
    assert_int_equal(s.rx_error_counter, 0);
}

static void open_the_real_socket(void) {
    (void)close(rig.watch.fd);
    can_watch_init(&rig.watch);
    can_watch_configure(&rig.watch, &rig.settings);
    assert_true(can_watch_wait_fd(&rig.watch) >= 0);
}

/* No can0 is here: the kernel says so, to whom believed that there is one. */
static void the_kernels_word_counts(void **state) {
    (void)state;
    open_the_real_socket();
    (void)rig_kernel_says((struct rig_said){0});
    assert_true(rig.watch.known);
    (void)rig_step();
    assert_false(can_watch_receive(&rig.watch, &rig.feedback, &rig.log, rig.now_ms));
    assert_false(rig.watch.known);
}

/* Root may send to the socket of another process. */
static void the_word_of_another_process_does_not_count(void **state) {
    struct sockaddr_nl to = {0};
    socklen_t size = sizeof to;
    uint8_t b[512];
    size_t n = rig_make_message(b, (struct rig_said){0});
    (void)state;
    open_the_real_socket();
    assert_int_equal(getsockname(rig.watch.fd, (struct sockaddr *)&to, &size), 0);
    int other = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    assert_true(other >= 0);
    ssize_t sent = sendto(other, b, n, 0, (const struct sockaddr *)&to, size);
    int err = errno;
    (void)close(other);
    if (sent < 0 && err == EPERM) {
        skip();
    }
    assert_int_equal(sent, n);
    assert_false(can_watch_receive(&rig.watch, &rig.feedback, &rig.log, rig.now_ms));
    assert_false(rig.watch.known);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RIG_TEST(it_asks_every_second_and_when_an_error_frame_changes_the_state),
        RIG_TEST(nothing_is_watched_that_is_no_socketcan_interface),
        RIG_TEST(an_interface_can_be_used_when_it_comes_up),
        RIG_TEST(an_interface_that_is_not_there_is_unknown_to_status),
        RIG_TEST(what_differs_from_the_settings_is_told_once_with_the_command),
        RIG_TEST(a_rate_that_is_wrong_again_is_told_again),
        RIG_TEST(bus_off_that_is_over_before_anybody_looked_is_told),
        RIG_TEST(a_state_that_comes_and_goes_does_not_flood_the_log),
        RIG_TEST(missing_acknowledgements_are_told_once_a_minute),
        RIG_TEST(dropped_frames_are_told_at_their_beginning_and_end),
        RIG_TEST(a_queue_as_the_kernel_makes_it_is_no_matter),
        RIG_TEST(frames_held_back_during_bus_off_are_no_news),
        RIG_TEST(a_storm_of_error_frames_is_not_listened_to),
        RIG_TEST(what_was_counted_on_another_interface_is_no_news),
        RIG_TEST(answers_to_nothing_are_ignored),
        RIG_TEST(counters_of_the_kernel_win_over_those_of_error_frames),
        RIG_TEST(the_kernels_word_counts),
        RIG_TEST(the_word_of_another_process_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
