/* SPDX-License-Identifier: MIT */
/* Opening, losing and opening again, in virtual time on pseudo-terminals. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "link.h"
#include "test_pty.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The log lines, without their time. */
static struct {
    unsigned count;
    char last[512];
} seen;

static void remember(void *context, enum log_level level, const char *line) {
    (void)context;
    (void)level;
    seen.count++;
    (void)snprintf(seen.last, sizeof seen.last, "%s", strchr(line, ' ') + 1);
}

static struct log_sink logged;

static int set_up(void **state) {
    (void)state;
    seen.count = 0;
    seen.last[0] = '\0';
    log_sink_open(&logged, remember, NULL, LOG_DEBUG);
    return 0;
}

static struct settings settings_for(const char *device) {
    struct settings s;
    settings_defaults(&s);
    (void)snprintf(s.hardware.uart.device, sizeof s.hardware.uart.device, "%s", device);
    return s;
}

static void a_setting_names_one_kind_of_device(void **state) {
    static const struct {
        const char *text;
        enum link_kind uart, can;
        const char *can_target;
    } cases[] = {
        {"sim", LINK_SIM, LINK_SIM, "sim"},
        {"none", LINK_NONE, LINK_NONE, "none"},
        {"", LINK_NONE, LINK_NONE, ""},
        {"/dev/ttyUSB0", LINK_TTY, LINK_NONE, "/dev/ttyUSB0"},
        {"tcp://host:1", LINK_TCP, LINK_NONE, "tcp://host:1"},
        {"slcan:/dev/ttyACM0", LINK_TTY, LINK_SLCAN, "/dev/ttyACM0"},
        {"socketcan:can0", LINK_TTY, LINK_SOCKETCAN, "can0"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(link_spec_uart(cases[i].text).kind, cases[i].uart);
        assert_int_equal(link_spec_can(cases[i].text).kind, cases[i].can);
        assert_string_equal(link_spec_can(cases[i].text).target, cases[i].can_target);
    }
}

static void a_missing_device_is_tried_with_growing_pauses(void **state) {
    static const uint64_t pauses_ms[] = {200, 400, 800, 1000, 1000, 1000};
    const struct settings s = settings_for("/dev/there-is-no-such-device");
    struct link l;
    uint64_t now_ms = 1000;
    (void)state;
    link_init(&l, PORT_UART, &s);
    for (size_t i = 0; i < COUNT(pauses_ms); i++) {
        assert_int_equal(link_step(&l, &logged, now_ms), now_ms + pauses_ms[i]);
        assert_int_equal(l.state, LINK_WAITING);
        now_ms += pauses_ms[i] - 1;
        assert_int_equal(link_step(&l, &logged, now_ms), now_ms + 1); /* not before its time */
        now_ms++;
    }
    link_close(&l);
}

static void a_missing_device_is_told_at_once_and_then_once_a_minute(void **state) {
    const struct settings s = settings_for("/dev/there-is-no-such-device");
    struct link l;
    (void)state;
    link_init(&l, PORT_UART, &s);
    link_step(&l, &logged, 5);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.last,
                        "ERROR uart: cannot open device=/dev/there-is-no-such-device "
                        "reason=\"No such file or directory\" "
                        "next=\"check the cable and hardware.uart.device; trying again\"");
    for (uint64_t now_ms = 5; now_ms < 5 + 60000; now_ms += 100) {
        link_step(&l, &logged, now_ms);
    }
    assert_int_equal(seen.count, 1);
    for (uint64_t now_ms = 5 + 60000; now_ms <= 5 + 66000; now_ms += 100) {
        link_step(&l, &logged, now_ms);
    }
    assert_int_equal(seen.count, 2);
    link_close(&l);
}

/* Opened and given to the gateway thread at now_ms. */
static void assert_attaches(struct link *l, uint64_t now_ms) {
    assert_true(link_step(l, &logged, now_ms) == UINT64_MAX);
    assert_int_equal(l->state, LINK_READY);
    link_attached(l, &logged, now_ms);
    assert_int_equal(l->state, LINK_ATTACHED);
    assert_memory_equal(seen.last, "INFO uart: opened device=", 25);
}

static void lose(struct link *l, enum detach_reason reason, uint64_t now_ms) {
    const struct thread_report r = {.kind = REPORT_DETACHED, .link = PORT_UART, .reason = reason};
    link_detached(l, &r, &logged, now_ms);
    assert_int_equal(l->state, LINK_WAITING);
}

static void a_device_that_lived_10_s_is_tried_again_soon(void **state) {
    static const struct {
        const char *what;
        uint64_t life_ms;
        uint64_t pause_ms;
    } cases[] = {
        /* the pause is 1 s after three failures: 0.2, 0.4, 0.8 were used up */
        {"died at once", 0, 1000},
        {"died just before 10 s", 9999, 1000},
        {"lived 10 s", 10000, 200},
    };
    char path[TEST_PTY_PATH];
    int master = test_pty_open(path);
    const struct settings s = settings_for(path);
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct link l;
        uint64_t now_ms = 0;
        link_init(&l, PORT_UART, &s);
        for (int failure = 0; failure < 3; failure++) {
            assert_attaches(&l, now_ms);
            lose(&l, DETACH_ERROR, now_ms);
            now_ms = l.retry_at_ms;
        }
        assert_attaches(&l, now_ms);
        now_ms += cases[i].life_ms;
        lose(&l, DETACH_END_OF_FILE, now_ms);
        if (l.retry_at_ms - now_ms != cases[i].pause_ms) {
            fail_msg("%s: %u ms", cases[i].what, (unsigned)(l.retry_at_ms - now_ms));
        }
        link_close(&l);
    }
    close(master);
}

static void a_thousand_replugs_leak_no_descriptor(void **state) {
    char path[TEST_PTY_PATH], name[] = "/tmp/link-test-XXXXXX", device[64];
    struct link l;
    uint64_t now_ms = 0;
    (void)state;
    assert_non_null(mkdtemp(name));
    (void)snprintf(device, sizeof device, "%s/tty", name);
    const struct settings s = settings_for(device);
    unsigned before = test_descriptors();
    link_init(&l, PORT_UART, &s);
    for (int i = 0; i < 1000; i++) {
        int master = test_pty_open(path);
        assert_int_equal(symlink(path, device), 0);
        assert_attaches(&l, now_ms);
        assert_int_equal(test_descriptors(), before + 2);
        close(master);
        assert_int_equal(unlink(device), 0);
        now_ms += LINK_GOOD_LIFE_MS;
        lose(&l, DETACH_END_OF_FILE, now_ms);
        assert_int_equal(test_descriptors(), before);
        now_ms = l.retry_at_ms;
        link_step(&l, &logged, now_ms); /* it is gone */
        assert_int_equal(l.state, LINK_WAITING);
        now_ms = l.retry_at_ms;
    }
    link_close(&l);
    assert_int_equal(test_descriptors(), before);
    assert_int_equal(rmdir(name), 0);
}

static void another_device_in_the_settings_replaces_the_present_one(void **state) {
    char first[TEST_PTY_PATH], second[TEST_PTY_PATH];
    int master_1 = test_pty_open(first), master_2 = test_pty_open(second);
    const struct settings s1 = settings_for(first), s2 = settings_for(second);
    unsigned before = test_descriptors();
    struct link l;
    (void)state;
    link_init(&l, PORT_UART, &s1);
    assert_attaches(&l, 0);
    link_configure(&l, &s1);
    assert_false(link_wants_back(&l)); /* nothing new */
    link_configure(&l, &s2);
    assert_true(link_wants_back(&l));
    l.detach_requested = true;
    assert_false(link_wants_back(&l));
    assert_true(link_step(&l, &logged, 100) == UINT64_MAX); /* the gateway thread still has it */
    assert_int_equal(l.state, LINK_ATTACHED);
    lose(&l, DETACH_REQUESTED, 200);
    assert_attaches(&l, 200); /* at once */
    assert_string_equal(l.config.device, second);
    assert_int_equal(test_descriptors(), before + 1);
    struct settings s3 = s2;
    s3.hardware.uart.baudrate = 9600;
    link_configure(&l, &s3);
    assert_true(link_wants_back(&l));
    link_close(&l);
    assert_int_equal(test_descriptors(), before);
    close(master_1);
    close(master_2);
}

static void the_bit_rate_of_an_adapter_must_have_a_code(void **state) {
    char path[TEST_PTY_PATH];
    int master = test_pty_open(path);
    struct settings s = settings_for("none");
    struct link l;
    char text[32];
    (void)state;
    (void)snprintf(s.hardware.can.interface, sizeof s.hardware.can.interface, "slcan:%s", path);
    s.hardware.can.bitrate = 83333;
    link_init(&l, PORT_CAN, &s);
    link_step(&l, &logged, 0);
    assert_int_equal(l.state, LINK_WAITING);
    assert_non_null(strstr(seen.last, "SLCAN has no code for this rate"));
    s.hardware.can.bitrate = 500000;
    link_configure(&l, &s);
    link_step(&l, &logged, 1);
    assert_int_equal(l.state, LINK_READY);
    assert_int_equal(read(master, text, sizeof text), 10);
    assert_memory_equal(text, "\r\r\rC\rS6\rO\r", 10);
    link_close(&l);
    close(master);
}

/* It would send on the bus. */
static void an_adapter_is_not_opened_for_a_loopback_that_it_has_not(void **state) {
    char path[TEST_PTY_PATH];
    int master = test_pty_open(path);
    struct settings s = settings_for("none");
    struct link l;
    char text[32];
    (void)state;
    (void)snprintf(s.hardware.can.interface, sizeof s.hardware.can.interface, "slcan:%s", path);
    s.hardware.can.mode = SETTINGS_CAN_LOOPBACK;
    link_init(&l, PORT_CAN, &s);
    link_step(&l, &logged, 0);
    assert_int_equal(l.state, LINK_WAITING);
    assert_non_null(strstr(seen.last, "set hardware.can.mode to normal or listen"));
    assert_int_equal(read(master, text, sizeof text), -1);
    s.hardware.can.mode = SETTINGS_CAN_LISTEN;
    link_configure(&l, &s);
    link_step(&l, &logged, 1);
    assert_int_equal(l.state, LINK_READY);
    assert_int_equal(read(master, text, sizeof text), 10);
    assert_memory_equal(text, "\r\r\rC\rS6\rL\r", 10);
    link_close(&l);
    close(master);
}

/* Services that are stuck have the device; those that follow get it from the gateway thread. */
static void a_device_goes_over_to_other_services_and_is_closed_once(void **state) {
    char path[TEST_PTY_PATH];
    int master = test_pty_open(path);
    struct settings s = settings_for(path);
    struct link stuck, next;
    unsigned before = test_descriptors();
    (void)state;
    link_init(&stuck, PORT_UART, &s);
    assert_attaches(&stuck, 0);
    const struct link_device d = link_device(&stuck);
    assert_int_equal(d.fd, stuck.fd);
    assert_string_equal(d.config.device, path);
    link_init(&next, PORT_UART, &s);
    link_take_over(&next, &d, &s, 1000);
    assert_int_equal(next.state, LINK_ATTACHED);
    assert_false(link_wants_back(&next));
    link_close_abandoned(&stuck, d.fd); /* by those that follow: it is theirs now */
    link_close_abandoned(&stuck, d.fd); /* by itself, when it wakes */
    assert_int_equal(test_descriptors(), before + 1);
    lose(&next, DETACH_ERROR, 2000);
    assert_int_equal(test_descriptors(), before);
    /* the settings of now name another device than the one that is open */
    link_init(&stuck, PORT_UART, &s);
    assert_attaches(&stuck, 3000);
    const struct link_device old = link_device(&stuck);
    s.hardware.uart.baudrate = 9600;
    link_init(&next, PORT_UART, &s);
    link_take_over(&next, &old, &s, 4000);
    assert_true(link_wants_back(&next));
    link_close(&next);
    close(master);
}

/* The gateway thread has given it back, and whoever comes first closes it. */
static void a_device_that_nobody_uses_is_closed_by_either_of_the_two(void **state) {
    char path[TEST_PTY_PATH];
    int master = test_pty_open(path);
    const struct settings s = settings_for(path);
    unsigned before = test_descriptors();
    struct link stuck;
    (void)state;
    link_init(&stuck, PORT_UART, &s);
    for (int first = 0; first < 2; first++) {
        assert_attaches(&stuck, 0);
        if (first == 0) {
            link_close_abandoned(&stuck, -1);
            int other = dup(master); /* takes the number that has become free */
            lose(&stuck, DETACH_ERROR, 0);
            assert_int_equal(test_descriptors(), before + 1);
            close(other);
        } else {
            lose(&stuck, DETACH_ERROR, 0);
            int other = dup(master);
            link_close_abandoned(&stuck, -1);
            assert_int_equal(test_descriptors(), before + 1);
            close(other);
        }
        assert_int_equal(test_descriptors(), before);
        link_init(&stuck, PORT_UART, &s);
    }
    close(master);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_setting_names_one_kind_of_device, set_up),
        cmocka_unit_test_setup(a_missing_device_is_tried_with_growing_pauses, set_up),
        cmocka_unit_test_setup(a_missing_device_is_told_at_once_and_then_once_a_minute, set_up),
        cmocka_unit_test_setup(a_device_that_lived_10_s_is_tried_again_soon, set_up),
        cmocka_unit_test_setup(a_thousand_replugs_leak_no_descriptor, set_up),
        cmocka_unit_test_setup(another_device_in_the_settings_replaces_the_present_one, set_up),
        cmocka_unit_test_setup(the_bit_rate_of_an_adapter_must_have_a_code, set_up),
        cmocka_unit_test_setup(an_adapter_is_not_opened_for_a_loopback_that_it_has_not, set_up),
        cmocka_unit_test_setup(a_device_goes_over_to_other_services_and_is_closed_once, set_up),
        cmocka_unit_test_setup(a_device_that_nobody_uses_is_closed_by_either_of_the_two, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
