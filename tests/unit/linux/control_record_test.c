/* SPDX-License-Identifier: MIT */
/* Recording through the control socket, in virtual time. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control.h"
#include "control_message.h"
#include "recording_reader.h"

static const char live[] = "{\"request\":\"record\"}\n";
static const char kept[] = "{\"request\":\"record\",\"live\":false}\n";
static const char answer_line[] = "{\"ok\":true,\"recording\":true}\n";

struct fixture {
    char folder[32], path[64];
    struct control *control;
    struct log_sink log;
    struct gateway_snapshot snapshot;
    struct settings settings;
    struct recorder recorder;
    uint64_t now_ms;
    char text[4 * RECORDER_BYTES]; /* what one client got */
    size_t n, at;
    struct recording_reader reader;
};

static const struct gateway_snapshot *give_snapshot(void *context) {
    const struct fixture *f = context;
    return &f->snapshot;
}

static int refuse_command(void *context, const struct gateway_command *c, uint32_t *sequence) {
    (void)context;
    (void)c;
    (void)sequence;
    return GW_ERR_BUSY;
}

static int open_control(struct fixture *f, const struct recorder *recorder) {
    const struct control_backend backend = {
        .context = f, .snapshot = give_snapshot, .submit = refuse_command, .recorder = recorder};
    return control_open(&f->control, f->path, &backend, &f->log);
}

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    (void)strcpy(f->folder, "/tmp/control-test-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof f->path, "%s/socket", f->folder);
    settings_defaults(&f->settings);
    recorder_init(&f->recorder, "gw", &f->settings, UINT64_C(1767220000000));
    f->now_ms = 1000;
    assert_int_equal(open_control(f, &f->recorder), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    control_close(f->control);
    assert_int_equal(rmdir(f->folder), 0);
    free(f);
    return 0;
}

static void happen(struct fixture *f, int events) {
    struct traffic_event e = {.kind = TRAFFIC_UART_RX, .n = TRAFFIC_BYTES_MAX};
    for (int i = 0; i < events; i++) {
        e.at_us = f->now_ms * 1000;
        recorder_take(&f->recorder, &e, &f->settings);
    }
}

static int connect_to(const char *path) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    (void)snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

/* Turns of the poll loop until nothing is due at this time. */
static void serve(struct fixture *f) {
    struct pollfd p[CONTROL_POLL_FDS];
    uint64_t deadline_ms = 0;
    for (int i = 0; i < 1000; i++) {
        size_t n = control_poll_fds(f->control, p, &deadline_ms);
        bool busy = poll(p, n, 0) > 0 || deadline_ms <= f->now_ms;
        control_serve(f->control, p, n, f->now_ms);
        if (!busy) {
            return;
        }
    }
}

static void say(int fd, const char *text) {
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Takes what there is for a client, as often as there is more. False: it was closed. */
static bool take(struct fixture *f, int fd) {
    for (;;) {
        serve(f);
        ssize_t n = recv(fd, f->text + f->n, sizeof f->text - f->n, 0);
        if (n == 0) {
            return false;
        }
        if (n < 0) {
            assert_int_equal(errno, EAGAIN);
            return true;
        }
        f->n += (size_t)n;
        assert_true(f->n < sizeof f->text);
    }
}

static size_t read_text(void *context, char *buf, size_t cap) {
    struct fixture *f = context;
    size_t n = f->n - f->at < cap ? f->n - f->at : cap;
    memcpy(buf, f->text + f->at, n);
    f->at += n;
    return n;
}

/* The events in what the client got, behind the answer line. */
static unsigned long events_of(struct fixture *f) {
    struct recording_item item;
    unsigned long events = 0;
    assert_true(f->n >= strlen(answer_line));
    assert_memory_equal(f->text, answer_line, strlen(answer_line));
    f->at = strlen(answer_line);
    recording_reader_init(&f->reader, read_text, NULL, f);
    while (recording_reader_next(&f->reader, &item)) {
        events += item.kind == RECORDING_NEXT;
    }
    assert_int_equal(f->reader.counts.malformed + f->reader.counts.torn, 0);
    return events;
}

static void what_is_kept_comes_and_then_what_happens(void **state) {
    struct fixture *f = *state;
    int fd = connect_to(f->path);
    happen(f, 100);
    say(fd, live);
    assert_true(take(f, fd));
    assert_int_equal(events_of(f), 100);
    happen(f, 5);
    assert_true(take(f, fd));
    assert_int_equal(events_of(f), 100); /* handed on each 100 ms */
    f->now_ms += 100;
    assert_true(take(f, fd));
    assert_int_equal(events_of(f), 105);
    f->now_ms += 3600000; /* nothing for an hour: it stays */
    assert_true(take(f, fd));
    happen(f, 1);
    f->now_ms += 100;
    assert_true(take(f, fd));
    assert_int_equal(events_of(f), 106);
    assert_int_equal(f->reader.counts.missed, 0);
    close(fd);
}

static void what_is_kept_alone_ends_with_the_connection(void **state) {
    struct fixture *f = *state;
    int fd = connect_to(f->path);
    happen(f, 3000); /* more than a socket holds */
    say(fd, kept);
    assert_false(take(f, fd));
    assert_int_equal(events_of(f), 3000);
    close(fd);
}

static void a_client_that_asks_from_an_event_gets_those_behind_it(void **state) {
    struct fixture *f = *state;
    int fd = connect_to(f->path);
    happen(f, 100);
    say(fd, "{\"request\":\"record\",\"live\":false,\"from\":\"gw:90\"}\n");
    assert_false(take(f, fd));
    assert_int_equal(events_of(f), 10);
    close(fd);
}

static void a_client_that_does_not_read_misses_and_holds_up_nobody(void **state) {
    struct fixture *f = *state;
    int slow = connect_to(f->path);
    char refusal[1024];
    happen(f, 100);
    say(slow, live);
    serve(f);
    for (int minute = 0; minute < 20; minute++) { /* twice what is kept */
        f->now_ms += 60000;
        happen(f, RECORDER_BYTES / 5000);
        serve(f);
    }
    int other = connect_to(f->path);
    say(other, "{\"request\":\"nothing\"}\n");
    serve(f);
    assert_true(recv(other, refusal, sizeof refusal, 0) > 0);
    assert_true(take(f, slow));
    f->now_ms += 100;
    assert_true(take(f, slow));
    unsigned long events = events_of(f);
    assert_int_equal(events + f->reader.counts.missed, f->recorder.last.event);
    assert_true(f->reader.counts.missed > 1000 && events > 1000);
    close(slow);
    close(other);
}

static void four_can_record_and_a_fifth_when_one_leaves(void **state) {
    struct fixture *f = *state;
    int fd[CONTROL_RECORDERS_MAX + 1];
    for (int i = 0; i <= CONTROL_RECORDERS_MAX; i++) {
        fd[i] = connect_to(f->path);
        say(fd[i], live);
        serve(f);
    }
    assert_true(take(f, fd[CONTROL_RECORDERS_MAX]));
    assert_memory_equal(f->text, "{\"ok\":false,\"code\":-3,", 22);
    close(fd[0]);
    serve(f);
    f->n = 0;
    say(fd[CONTROL_RECORDERS_MAX], live);
    assert_true(take(f, fd[CONTROL_RECORDERS_MAX]));
    assert_int_equal(events_of(f), 0);
    for (int i = 1; i <= CONTROL_RECORDERS_MAX; i++) {
        close(fd[i]);
    }
    serve(f);
}

static void a_client_that_closes_its_half_still_records(void **state) {
    struct fixture *f = *state;
    int fd = connect_to(f->path);
    happen(f, 10);
    say(fd, live);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    assert_true(take(f, fd));
    happen(f, 10);
    f->now_ms += 100;
    assert_true(take(f, fd));
    assert_int_equal(events_of(f), 20);
    close(fd);
    f->now_ms += 100;
    happen(f, 1);
    serve(f);
}

static void a_client_that_goes_on_talking_is_not_answered(void **state) {
    struct fixture *f = *state;
    int fd = connect_to(f->path);
    happen(f, 10);
    say(fd, live);
    say(fd, live);
    assert_true(take(f, fd));
    assert_int_equal(events_of(f), 10);
    close(fd);
}

static void without_a_recorder_it_is_refused(void **state) {
    struct fixture *f = *state;
    control_close(f->control);
    assert_int_equal(open_control(f, NULL), 0);
    int fd = connect_to(f->path);
    say(fd, live);
    assert_true(take(f, fd));
    assert_memory_equal(f->text, "{\"ok\":false,", 12);
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_is_kept_comes_and_then_what_happens),
        TEST(what_is_kept_alone_ends_with_the_connection),
        TEST(a_client_that_asks_from_an_event_gets_those_behind_it),
        TEST(a_client_that_does_not_read_misses_and_holds_up_nobody),
        TEST(four_can_record_and_a_fifth_when_one_leaves),
        TEST(a_client_that_closes_its_half_still_records),
        TEST(a_client_that_goes_on_talking_is_not_answered),
        TEST(without_a_recorder_it_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
