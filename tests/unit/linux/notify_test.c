/* SPDX-License-Identifier: MIT */
/* The datagrams that a service manager gets, by the text of sd_notify(3). */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "notify.h"

static char path[64];
static int manager = -1;

/* text: as in NOTIFY_SOCKET. */
static void listen_at(const char *text) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    size_t n = strlen(text);
    memcpy(a.sun_path, text, n);
    if (text[0] == '@') {
        a.sun_path[0] = '\0';
    }
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(manager, (struct sockaddr *)&a,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)),
                     0);
    assert_int_equal(setenv("NOTIFY_SOCKET", text, 1), 0);
}

static int set_up(void **state) {
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/notify-test-%d", (int)getpid());
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    if (manager >= 0) {
        close(manager);
        manager = -1;
    }
    (void)unlink(path);
    return 0;
}

/* The next datagram, "" when there is none. */
static const char *heard(void) {
    static char text[1024];
    ssize_t n = recv(manager, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void without_a_socket_nothing_is_said(void **state) {
    struct notify n;
    (void)state;
    assert_int_equal(notify_open(&n), 0);
    assert_int_equal(n.fd, -1);
    assert_int_equal(n.watchdog_ms, 0);
    assert_true(notify_ready(&n));
    assert_true(notify_status(&n, "x"));
    notify_close(&n);
    setenv("NOTIFY_SOCKET", "", 1);
    assert_int_equal(notify_open(&n), 0);
    assert_int_equal(n.fd, -1);
}

static void check_messages(const char *address) {
    struct notify n;
    listen_at(address);
    assert_int_equal(notify_open(&n), 0);
    assert_true(notify_ready(&n));
    assert_string_equal(heard(), "READY=1\n");
    assert_true(notify_watchdog(&n));
    assert_string_equal(heard(), "WATCHDOG=1\n");
    assert_true(notify_stopping(&n));
    assert_string_equal(heard(), "STOPPING=1\n");
    assert_true(notify_status(&n, "BMS answering"));
    assert_string_equal(heard(), "STATUS=BMS answering");
    assert_string_equal(heard(), "");
    notify_close(&n);
    close(manager);
    manager = -1;
}

static void a_path_and_an_abstract_name_are_told(void **state) {
    char name[64];
    (void)state;
    check_messages(path);
    (void)snprintf(name, sizeof name, "@tinybms-gw-notify-test-%d", (int)getpid());
    check_messages(name);
}

static void reloading_carries_the_time_of_the_monotonic_clock(void **state) {
    struct notify n;
    struct timespec before, after;
    unsigned long long us = 0;
    (void)state;
    listen_at(path);
    assert_int_equal(notify_open(&n), 0);
    (void)clock_gettime(CLOCK_MONOTONIC, &before);
    assert_true(notify_reloading(&n));
    (void)clock_gettime(CLOCK_MONOTONIC, &after);
    assert_int_equal(sscanf(heard(), "RELOADING=1\nMONOTONIC_USEC=%llu\n", &us), 1);
    assert_true(us >= (unsigned long long)before.tv_sec * 1000000 +
                          (unsigned long long)before.tv_nsec / 1000);
    assert_true(us <= (unsigned long long)after.tv_sec * 1000000 +
                          (unsigned long long)after.tv_nsec / 1000);
    notify_close(&n);
}

static void a_status_is_one_line_of_bounded_length(void **state) {
    struct notify n;
    char text[1000];
    (void)state;
    listen_at(path);
    assert_int_equal(notify_open(&n), 0);
    assert_true(notify_status(&n, "one\nREADY=1\x7F"));
    assert_string_equal(heard(), "STATUS=one?READY=1?");
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_true(notify_status(&n, text));
    assert_int_equal(strlen(heard()), NOTIFY_TEXT_MAX - 1);
    notify_close(&n);
}

static void addresses_that_cannot_be_used_are_an_error_and_do_no_harm(void **state) {
    static const struct {
        const char *what, *text;
        int error;
    } cases[] = {
        {"another family", "vsock:2:1234", -EAFNOSUPPORT},
        {"a relative path", "notify", -EAFNOSUPPORT},
        {"nothing but the sign", "@", -EINVAL},
        {"longer than a socket's path",
         "/tmp/"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaa",
         -EINVAL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct notify n;
        setenv("NOTIFY_SOCKET", cases[i].text, 1);
        if (notify_open(&n) != cases[i].error) {
            fail_msg("%s", cases[i].what);
        }
        assert_true(notify_ready(&n));
        notify_close(&n);
    }
}

static void a_manager_that_does_not_read_holds_nobody_up(void **state) {
    struct notify n;
    unsigned sent = 0;
    (void)state;
    listen_at(path);
    assert_int_equal(notify_open(&n), 0);
    while (notify_watchdog(&n)) {
        assert_true(++sent < 100000);
    }
    while (*heard() != '\0') {
    }
    assert_true(notify_watchdog(&n)); /* and goes on when it reads again */
    close(manager);
    manager = -1;
    assert_false(notify_watchdog(&n)); /* it is gone */
    notify_close(&n);
}

static void the_watchdogs_period_is_the_one_meant_for_this_process(void **state) {
    char self[16];
    static const struct {
        const char *usec;
        uint64_t ms;
    } cases[] = {
        {"10000000", 10000}, {"2500000", 2500}, {"", 0},  {"-1", 0},
        {"10s", 0},          {"999", 0},        {"0", 0}, {"18446744073709551616", 0},
    };
    struct notify n;
    (void)state;
    listen_at(path);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        setenv("WATCHDOG_USEC", cases[i].usec, 1);
        assert_int_equal(notify_open(&n), 0);
        assert_int_equal(n.watchdog_ms, cases[i].ms);
        notify_close(&n);
    }
    setenv("WATCHDOG_USEC", "10000000", 1);
    (void)snprintf(self, sizeof self, "%d", (int)getpid());
    setenv("WATCHDOG_PID", self, 1);
    assert_int_equal(notify_open(&n), 0);
    assert_int_equal(n.watchdog_ms, 10000);
    notify_close(&n);
    setenv("WATCHDOG_PID", "1", 1);
    assert_int_equal(notify_open(&n), 0);
    assert_int_equal(n.watchdog_ms, 0);
    notify_close(&n);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(without_a_socket_nothing_is_said),
        TEST(a_path_and_an_abstract_name_are_told),
        TEST(reloading_carries_the_time_of_the_monotonic_clock),
        TEST(a_status_is_one_line_of_bounded_length),
        TEST(addresses_that_cannot_be_used_are_an_error_and_do_no_harm),
        TEST(a_manager_that_does_not_read_holds_nobody_up),
        TEST(the_watchdogs_period_is_the_one_meant_for_this_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
