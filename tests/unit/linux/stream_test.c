/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "stream.h"
#include "test_pty.h"
#include "tty.h"

enum { LINE = 22, LINES_MAX = 20000 };

/* "t0000123...........\r": its number, to find it again. */
static void line_number(unsigned n, char line[LINE + 1]) {
    (void)snprintf(line, LINE + 1, "t%07u.............\r", n);
}

static size_t drain(int fd, char *buf, size_t cap) {
    size_t length = 0;
    ssize_t n = 0;
    while (length < cap && (n = read(fd, buf + length, cap - length)) > 0) {
        length += (size_t)n;
    }
    return length;
}

/* Fills the device until it refuses, lets the reader read, and so on: what arrives are exactly the
 * lines that were taken, whole, in order. */
static void lines_arrive_whole_or_not_at_all(void **state) {
    static char got[LINES_MAX * LINE];
    static unsigned taken[LINES_MAX];
    unsigned count = 0, refused = 0, at = 0;
    size_t length = 0;
    char path[TEST_PTY_PATH], line[LINE + 1];
    struct stream_tx tx;
    int master = test_pty_open(path), fd = tty_open(path, 115200);
    (void)state;
    assert_true(fd >= 0);
    stream_tx_init(&tx);
    for (unsigned n = 0; n < LINES_MAX; n++) {
        line_number(n, line);
        switch (stream_tx_write(&tx, fd, line, LINE, n)) {
        case STREAM_WRITTEN:
            taken[count++] = n;
            break;
        case STREAM_REFUSED:
            refused++;
            break;
        case STREAM_FAILED:
            fail();
        }
        if (n % 5000 == 4999) {
            length += drain(master, got + length, sizeof got - length);
        }
    }
    for (int i = 0; i < 100 && stream_tx_waiting(&tx); i++) {
        length += drain(master, got + length, sizeof got - length);
        assert_true(stream_tx_flush(&tx, fd, LINES_MAX));
    }
    assert_false(stream_tx_waiting(&tx));
    length += drain(master, got + length, sizeof got - length);
    assert_true(refused > 0);
    assert_int_equal(length, (size_t)count * LINE);
    for (at = 0; at < count; at++) {
        line_number(taken[at], line);
        assert_memory_equal(got + (size_t)at * LINE, line, LINE);
    }
    tty_close(fd);
    close(master);
}

static void a_device_that_takes_nothing_for_5_s_has_stalled(void **state) {
    char path[TEST_PTY_PATH], line[LINE + 1];
    static char sink[200000];
    struct stream_tx tx;
    int master = test_pty_open(path), fd = tty_open(path, 115200);
    (void)state;
    stream_tx_init(&tx);
    line_number(0, line);
    for (int i = 0; i < LINES_MAX && !tx.blocked; i++) {
        stream_tx_write(&tx, fd, line, LINE, 1000);
        (void)stream_tx_flush(&tx, fd, 1000);
    }
    assert_true(tx.blocked);
    assert_false(stream_tx_stalled(&tx, 1000));
    assert_false(stream_tx_stalled(&tx, 5999));
    assert_true(stream_tx_stalled(&tx, 6000));
    assert_int_equal(stream_tx_write(&tx, fd, line, LINE, 3000), STREAM_REFUSED);
    assert_true(stream_tx_stalled(&tx, 6000)); /* trying again is no sign of life */
    (void)drain(master, sink, sizeof sink);
    assert_int_equal(stream_tx_write(&tx, fd, line, LINE, 5999), STREAM_WRITTEN);
    assert_false(stream_tx_stalled(&tx, 6000));
    assert_false(stream_tx_stalled(&tx, 60000)); /* nothing to send is no stall */
    tty_close(fd);
    close(master);
}

/* A pty counts no bytes and a socket other ones: the limit is set by hand here. */
static void a_long_queue_in_the_driver_is_not_made_longer(void **state) {
    struct stream_tx tx;
    char line[LINE + 1], sink[1024];
    int pair[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    stream_tx_attach(&tx, pair[0], 16);
    assert_int_equal(tx.queue_max, 0); /* no tty */
    tx.queue_max = 16;
    line_number(0, line);
    assert_int_equal(stream_tx_write(&tx, pair[0], line, LINE, 1000), STREAM_WRITTEN);
    assert_int_equal(stream_tx_write(&tx, pair[0], line, LINE, 2000), STREAM_REFUSED);
    assert_false(stream_tx_stalled(&tx, 6999));
    assert_true(stream_tx_stalled(&tx, 7000));
    assert_int_equal(drain(pair[1], sink, sizeof sink), LINE);
    assert_int_equal(stream_tx_write(&tx, pair[0], line, LINE, 7000), STREAM_WRITTEN);
    assert_false(stream_tx_stalled(&tx, 7000));
    close(pair[0]);
    close(pair[1]);
}

static void a_broken_device_is_told(void **state) {
    struct stream_tx tx;
    int pair[2];
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    close(pair[1]);
    stream_tx_init(&tx);
    assert_int_equal(stream_tx_write(&tx, pair[0], "x", 1, 0), STREAM_FAILED);
    assert_int_equal(errno, EPIPE);
    close(pair[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_arrive_whole_or_not_at_all),
        cmocka_unit_test(a_device_that_takes_nothing_for_5_s_has_stalled),
        cmocka_unit_test(a_long_queue_in_the_driver_is_not_made_longer),
        cmocka_unit_test(a_broken_device_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
