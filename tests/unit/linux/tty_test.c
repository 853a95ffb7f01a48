/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "test_pty.h"
#include "tty.h"

static void what_is_no_free_tty_is_refused_with_the_reason(void **state) {
    char file[] = "/tmp/tty-test-XXXXXX";
    int fd = mkstemp(file);
    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(tty_open("/dev/there-is-no-such-device", 115200), -ENOENT);
    assert_int_equal(tty_open(file, 115200), -ENOTTY);
    assert_int_equal(tty_open("/dev/null", 115200), -ENOTTY);
    assert_int_equal(tty_open("/tmp", 115200), -EISDIR);
    close(fd);
    unlink(file);
}

static void a_tty_has_one_owner_at_a_time(void **state) {
    char path[TEST_PTY_PATH];
    int master = test_pty_open(path);
    (void)state;
    int fd = tty_open(path, 115200);
    assert_true(fd >= 0);
    assert_int_equal(tty_open(path, 115200), -EBUSY);
    assert_int_equal(tty_open(path, 9600), -EBUSY); /* and was not configured */
    tty_close(fd);
    fd = tty_open(path, 115200);
    assert_true(fd >= 0);
    tty_close(fd);
    close(master);
}

static void every_rate_is_taken(void **state) {
    static const uint32_t rates[] = {1200, 9600, 19200, 57600, 115200, 250000, 123456, 4000000};
    char path[TEST_PTY_PATH];
    int master = test_pty_open(path);
    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        int fd = tty_open(path, rates[i]);
        assert_true(fd >= 0);
        tty_close(fd);
    }
    close(master);
}

/* No byte is translated, echoed, or taken for an order, in either direction. */
static void all_256_bytes_pass_both_ways(void **state) {
    char path[TEST_PTY_PATH];
    uint8_t bytes[256], back[512];
    int master = test_pty_open(path);
    (void)state;
    int fd = tty_open(path, 115200);
    assert_true(fd >= 0);
    for (unsigned i = 0; i < 256; i++) {
        bytes[i] = (uint8_t)i;
    }
    assert_int_equal(write(fd, bytes, sizeof bytes), 256);
    assert_int_equal(read(master, back, sizeof back), 256);
    assert_memory_equal(back, bytes, 256);
    assert_int_equal(write(master, bytes, sizeof bytes), 256);
    assert_int_equal(read(fd, back, sizeof back), 256);
    assert_memory_equal(back, bytes, 256);
    assert_int_equal(read(fd, back, sizeof back), -1); /* no echo, no waiting */
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(read(master, back, sizeof back), -1);
    tty_close(fd);
    close(master);
}

/* What was sent is on the wire; on a pty that means in the other end's queue. */
static void nothing_old_is_read_after_opening(void **state) {
    char path[TEST_PTY_PATH];
    char back[64];
    int master = test_pty_open(path);
    (void)state;
    int fd = tty_open(path, 115200);
    assert_true(fd >= 0);
    assert_int_equal(write(master, "before closing", 14), 14);
    tty_close(fd);
    assert_int_equal(write(master, "while closed", 12), 12);
    fd = tty_open(path, 115200);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, back, sizeof back), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(write(master, "new", 3), 3);
    assert_int_equal(read(fd, back, sizeof back), 3);
    assert_memory_equal(back, "new", 3);
    tty_close(fd);
    close(master);
}

static void the_program_that_has_a_tty_is_named(void **state) {
    char path[TEST_PTY_PATH], owner[128], pid[32];
    int master = test_pty_open(path), ready[2], done[2];
    char byte = 0;
    (void)state;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(done), 0);
    tty_owner(path, owner, sizeof owner);
    assert_string_equal(owner, "");
    pid_t child = fork();
    if (child == 0) {
        int fd = open(path, O_RDWR | O_NOCTTY);
        close(done[1]);
        _exit(fd >= 0 && write(ready[1], "r", 1) == 1 && read(done[0], &byte, 1) == 0 ? 0 : 1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    tty_owner(path, owner, sizeof owner);
    (void)snprintf(pid, sizeof pid, "pid=%d program=", (int)child);
    assert_memory_equal(owner, pid, strlen(pid));
    close(done[1]); /* the child ends */
    close(done[0]);
    close(ready[0]);
    close(ready[1]);
    close(master);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_free_tty_is_refused_with_the_reason),
        cmocka_unit_test(a_tty_has_one_owner_at_a_time),
        cmocka_unit_test(every_rate_is_taken),
        cmocka_unit_test(all_256_bytes_pass_both_ways),
        cmocka_unit_test(nothing_old_is_read_after_opening),
        cmocka_unit_test(the_program_that_has_a_tty_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
