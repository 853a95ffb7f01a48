/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log_sink.h"

static char last[LOG_LINE_MAX];
static unsigned count;

static void remember(void *context, enum log_level level, const char *line) {
    (void)level;
    assert_ptr_equal(context, &count);
    count++;
    (void)snprintf(last, sizeof last, "%s", line);
}

static void a_line_has_time_level_module_and_text(void **state) {
    struct log_sink s;
    regex_t form;
    (void)state;
    log_sink_open(&s, remember, &count, LOG_INFO);
    log_sink_write(&s, LOG_WARN, "victron", "text key=%d name=\"%s\"", 7, "a b");
    assert_int_equal(regcomp(&form,
                             "^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z "
                             "WARN victron: text key=7 name=\"a b\"$",
                             REG_EXTENDED),
                     0);
    assert_int_equal(regexec(&form, last, 0, NULL, 0), 0);
    regfree(&form);
    log_sink_close(&s);
}

static void lines_above_the_level_are_not_written(void **state) {
    struct log_sink s;
    const struct log_record warn = {.id = LOG_CAN_DOWN}, info = {.id = LOG_CAN_UP};
    (void)state;
    count = 0;
    log_sink_open(&s, remember, &count, LOG_WARN);
    log_sink_write(&s, LOG_INFO, "a", "b");
    log_sink_record(&s, &info);
    assert_int_equal(count, 0);
    log_sink_write(&s, LOG_WARN, "a", "b");
    log_sink_write(&s, LOG_ERROR, "a", "b");
    log_sink_record(&s, &warn);
    assert_int_equal(count, 3);
    assert_non_null(strstr(last, " WARN victron: CAN link down"));
    log_sink_close(&s);
}

static void a_name_cannot_forge_a_line(void **state) {
    struct log_sink s;
    (void)state;
    log_sink_open(&s, remember, &count, LOG_INFO);
    log_sink_write(&s, LOG_INFO, "uart", "opened device=%s", "/dev/x\nERROR\r\033[31m\177");
    assert_non_null(strstr(last, "device=/dev/x?ERROR??[31m?"));
    log_sink_close(&s);
}

static void a_long_line_is_cut(void **state) {
    static char text[3 * LOG_LINE_MAX];
    struct log_sink s;
    (void)state;
    memset(text, 'x', sizeof text - 1);
    log_sink_open(&s, remember, &count, LOG_INFO);
    log_sink_write(&s, LOG_INFO, "a", "%s", text);
    assert_in_range(strlen(last), LOG_LINE_MAX - 3, LOG_LINE_MAX - 1);
    log_sink_close(&s);
}

/* stderr as one end of something, for the duration of a test. */
static int swap_stderr(int fd) {
    int old = dup(STDERR_FILENO);
    assert_true(old >= 0);
    assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    return old;
}

static void restore_stderr(int old) {
    dup2(old, STDERR_FILENO);
    close(old);
}

static char got[4 * 1024 * 1024];

/* Reads what there is, behind the n bytes that are in got already. */
static size_t read_all(int fd, size_t n) {
    ssize_t r = 0;
    while ((r = read(fd, got + n, sizeof got - 1 - n)) > 0) {
        n += (size_t)r;
    }
    got[n] = '\0';
    return n;
}

/* Lines that arrived, all of them whole; and those that the sink says it dropped. */
static unsigned count_lines(unsigned *dropped) {
    unsigned lines = 0;
    for (char *p = got, *end; (end = strchr(p, '\n')) != NULL; p = end + 1) {
        *end = '\0';
        unsigned number = 0, lost = 0;
        if (sscanf(p + 25, "INFO test: number=%u end", &number) == 1) {
            assert_non_null(strstr(p, " end"));
            lines++;
        } else if (sscanf(p + 25, "WARN log: lines dropped, nobody read them count=%u", &lost) ==
                   1) {
            *dropped += lost;
        } else {
            fail_msg("%s", p);
        }
    }
    return lines;
}

enum { MANY = 20000 }; /* over 800 KB: more than any pipe or socket holds */

static void a_reader_that_stops_costs_lines_not_time(int write_end, int read_end) {
    struct log_sink s;
    unsigned dropped = 0;
    assert_int_equal(fcntl(read_end, F_SETFL, O_NONBLOCK), 0);
    int old = swap_stderr(write_end);
    log_sink_open(&s, NULL, NULL, LOG_INFO);
    for (unsigned i = 0; i < MANY; i++) {
        log_sink_write(&s, LOG_INFO, "test", "number=%u end", i); /* returns, or this test hangs */
    }
    assert_true(log_sink_is_full(&s));
    assert_true(log_sink_wait_fd(&s) >= 0);
    assert_true(s.dropped > 0);
    size_t n = read_all(read_end, 0);
    assert_true(n > 0);
    log_sink_flush(&s);
    log_sink_write(&s, LOG_INFO, "test", "number=%u end", MANY);
    log_sink_close(&s);
    restore_stderr(old);
    (void)read_all(read_end, n);
    unsigned lines = count_lines(&dropped);
    assert_int_equal(lines + dropped, MANY + 1);
    assert_true(dropped > 0);
}

static void a_pipe_that_nobody_reads_blocks_nothing(void **state) {
    int end[2];
    (void)state;
    assert_int_equal(pipe(end), 0);
    a_reader_that_stops_costs_lines_not_time(end[1], end[0]);
    close(end[0]);
    close(end[1]);
}

/* As under systemd. */
static void a_socket_that_nobody_reads_blocks_nothing(void **state) {
    int end[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, end), 0);
    a_reader_that_stops_costs_lines_not_time(end[1], end[0]);
    close(end[0]);
    close(end[1]);
}

static void stderr_itself_stays_blocking_for_the_others(void **state) {
    struct log_sink s;
    int end[2];
    (void)state;
    assert_int_equal(pipe(end), 0);
    int old = swap_stderr(end[1]);
    log_sink_open(&s, NULL, NULL, LOG_INFO);
    log_sink_write(&s, LOG_INFO, "test", "x");
    int flags = fcntl(STDERR_FILENO, F_GETFL);
    log_sink_close(&s);
    restore_stderr(old);
    assert_int_equal(flags & O_NONBLOCK, 0);
    close(end[0]);
    close(end[1]);
}

static void a_file_gets_every_line(void **state) {
    char path[] = "/tmp/log-sink-test-XXXXXX";
    struct log_sink s;
    unsigned dropped = 0;
    (void)state;
    int fd = mkstemp(path);
    int old = swap_stderr(fd);
    log_sink_open(&s, NULL, NULL, LOG_INFO);
    for (unsigned i = 0; i < MANY; i++) {
        log_sink_write(&s, LOG_INFO, "test", "number=%u end", i);
    }
    log_sink_close(&s);
    restore_stderr(old);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    (void)read_all(fd, 0);
    assert_int_equal(count_lines(&dropped), MANY);
    assert_int_equal(dropped, 0);
    close(fd);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_level_module_and_text),
        cmocka_unit_test(lines_above_the_level_are_not_written),
        cmocka_unit_test(a_name_cannot_forge_a_line),
        cmocka_unit_test(a_long_line_is_cut),
        cmocka_unit_test(a_pipe_that_nobody_reads_blocks_nothing),
        cmocka_unit_test(a_socket_that_nobody_reads_blocks_nothing),
        cmocka_unit_test(stderr_itself_stays_blocking_for_the_others),
        cmocka_unit_test(a_file_gets_every_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
