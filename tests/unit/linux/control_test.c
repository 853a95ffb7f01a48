/* SPDX-License-Identifier: MIT */
/* The control socket against clients of every kind, in virtual time. */
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
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control.h"
#include "control_message.h"
#include "test_pty.h"

static const char status[] = "{\"request\":\"status\"}\n";
static const char read_300[] = "{\"request\":\"read\",\"address\":300,\"count\":1}\n";

struct fixture {
    char folder[32], path[64];
    struct control *control;
    struct log_sink log;
    struct gateway_snapshot snapshot;
    bool snapshot_known;
    int submit_result;
    uint32_t sequence;
    struct gateway_command command; /* the last one submitted */
    unsigned lines;                 /* of the log */
    char line[512];
};

static const struct gateway_snapshot *give_snapshot(void *context) {
    const struct fixture *f = context;
    return f->snapshot_known ? &f->snapshot : NULL;
}

static int take_command(void *context, const struct gateway_command *c, uint32_t *sequence) {
    struct fixture *f = context;
    if (f->submit_result == GW_OK) {
        f->command = *c;
        *sequence = ++f->sequence;
    }
    return f->submit_result;
}

static void remember(void *context, enum log_level level, const char *line) {
    struct fixture *f = context;
    (void)level;
    f->lines++;
    (void)snprintf(f->line, sizeof f->line, "%s", line);
}

static int open_at(struct fixture *f, const char *path, struct control **out) {
    const struct control_backend backend = {
        .context = f, .snapshot = give_snapshot, .submit = take_command};
    return control_open(out, path, &backend, &f->log);
}

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    (void)strcpy(f->folder, "/tmp/control-test-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof f->path, "%s/socket", f->folder);
    log_sink_open(&f->log, remember, f, LOG_DEBUG);
    f->snapshot_known = true;
    f->snapshot.sample_age_ms = f->snapshot.gx_age_ms = UINT64_MAX;
    assert_int_equal(open_at(f, f->path, &f->control), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    if (f->control != NULL) {
        control_close(f->control);
    }
    assert_int_equal(access(f->path, F_OK), -1);
    assert_int_equal(rmdir(f->folder), 0);
    free(f);
    return 0;
}

static int connect_to(const char *path) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    (void)snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

/* Turns of the poll loop until nothing happens any more. */
static void serve(struct fixture *f, uint64_t now_ms) {
    struct pollfd p[CONTROL_POLL_FDS];
    uint64_t deadline_ms = 0;
    for (int i = 0; i < 100; i++) {
        size_t n = control_poll_fds(f->control, p, &deadline_ms);
        bool busy = poll(p, n, 0) > 0;
        control_serve(f->control, p, n, now_ms);
        if (!busy) {
            return;
        }
    }
}

static void say(int fd, const char *text) {
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static char answer[CONTROL_ANSWER_MAX + 1];

/* What the client reads now; 0 when it was dropped, -1 when there is nothing. */
static ssize_t hear(int fd) {
    ssize_t n = recv(fd, answer, sizeof answer - 1, 0);
    answer[n > 0 ? n : 0] = '\0';
    return n;
}

static void the_socket_is_for_owner_and_group(void **state) {
    struct fixture *f = *state;
    struct stat st;
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0660);
}

static void a_status_is_answered_again_and_again(void **state) {
    struct fixture *f = *state;
    int fd = connect_to(f->path);
    for (int i = 0; i < 3; i++) {
        say(fd, status);
        serve(f, 0);
        assert_true(hear(fd) > 0);
        assert_memory_equal(answer, "{\"ok\":true,\"status\":{", 21);
        assert_int_equal(answer[strlen(answer) - 1], '\n');
    }
    close(fd);
}

static void before_the_first_snapshot_it_says_so(void **state) {
    struct fixture *f = *state;
    int fd = connect_to(f->path);
    f->snapshot_known = false;
    say(fd, status);
    serve(f, 0);
    assert_true(hear(fd) > 0);
    assert_memory_equal(answer, "{\"ok\":false,\"code\":-3,", 22);
    close(fd);
}

static void a_command_waits_for_its_own_answer(void **state) {
    struct fixture *f = *state;
    int first = connect_to(f->path), second = connect_to(f->path);
    serve(f, 0);
    say(first, read_300);
    serve(f, 0);
    uint32_t first_sequence = f->sequence;
    assert_int_equal(f->command.kind, GATEWAY_READ_REGISTERS);
    assert_int_equal(f->command.addr, 300);
    say(second, "{\"request\":\"reset\",\"option\":1}\n");
    serve(f, 0);
    assert_int_equal(hear(first), -1);
    assert_int_equal(hear(second), -1);
    const struct gateway_answer b = {.sequence = f->sequence, .err = GW_ERR_OFFLINE};
    const struct gateway_answer a = {
        .sequence = first_sequence, .addr = 300, .count = 1, .value = {4200}};
    const struct gateway_answer nobody = {.sequence = 12345};
    control_handle_answer(f->control, &nobody, 0);
    control_handle_answer(f->control, &b, 0);
    assert_true(hear(second) > 0);
    assert_memory_equal(answer, "{\"ok\":false,\"code\":-11,", 23);
    assert_int_equal(hear(first), -1);
    control_handle_answer(f->control, &a, 0);
    assert_true(hear(first) > 0);
    assert_string_equal(answer, "{\"ok\":true,\"address\":300,\"values\":[4200]}\n");
    close(first);
    close(second);
}

static void a_full_queue_is_busy(void **state) {
    struct fixture *f = *state;
    int fd = connect_to(f->path);
    f->submit_result = GW_ERR_BUSY;
    say(fd, read_300);
    serve(f, 0);
    assert_true(hear(fd) > 0);
    assert_memory_equal(answer, "{\"ok\":false,\"code\":-3,", 22);
    close(fd);
}

static void who_writes_is_on_record(void **state) {
    struct fixture *f = *state;
    int fd = connect_to(f->path);
    char who[64];
    say(fd, read_300);
    serve(f, 0);
    assert_int_equal(f->lines, 0);
    const struct gateway_answer a = {.sequence = f->sequence};
    control_handle_answer(f->control, &a, 0);
    say(fd, "{\"request\":\"write\",\"address\":315,\"value\":4180}\n");
    serve(f, 0);
    assert_int_equal(f->lines, 1);
    (void)snprintf(who, sizeof who, "control: write register=315 value=4180 uid=%u pid=%d",
                   (unsigned)getuid(), (int)getpid());
    assert_non_null(strstr(f->line, who));
    close(fd);
}

static void pieces_of_a_line_are_put_together(void **state) {
    struct fixture *f = *state;
    int fd = connect_to(f->path);
    for (const char *p = status; *p != '\0'; p++) {
        assert_int_equal(send(fd, p, 1, MSG_NOSIGNAL), 1);
        serve(f, 0);
    }
    assert_true(hear(fd) > 0);
    close(fd);
}

static void several_lines_at_once_are_answered_in_order(void **state) {
    struct fixture *f = *state;
    int fd = connect_to(f->path);
    say(fd, "x\n{\"request\":\"read\",\"address\":300,\"count\":1}\ny\n");
    serve(f, 0);
    assert_true(hear(fd) > 0);
    assert_memory_equal(answer, "{\"ok\":false,\"code\":-6,", 22); /* x */
    assert_int_equal(hear(fd), -1);                                /* y waits its turn */
    const struct gateway_answer a = {.sequence = f->sequence, .addr = 300};
    control_handle_answer(f->control, &a, 0);
    serve(f, 0);
    assert_true(hear(fd) > 0);
    assert_memory_equal(answer, "{\"ok\":true,\"address\":300,", 24);
    assert_non_null(strstr(answer, "}\n{\"ok\":false,\"code\":-6,")); /* y */
    close(fd);
}

static void a_client_that_closes_its_half_still_gets_its_answer(void **state) {
    struct fixture *f = *state;
    int fd = connect_to(f->path);
    say(fd, read_300);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    serve(f, 0);
    assert_int_equal(hear(fd), -1);
    const struct gateway_answer a = {.sequence = f->sequence, .addr = 300};
    control_handle_answer(f->control, &a, 0);
    assert_true(hear(fd) > 0);
    assert_int_equal(hear(fd), 0); /* then it is closed */
    close(fd);
}

static void the_answer_to_a_client_that_left_goes_nowhere(void **state) {
    struct fixture *f = *state;
    int fd = connect_to(f->path);
    say(fd, read_300);
    serve(f, 0);
    close(fd);
    serve(f, 0);
    const struct gateway_answer a = {.sequence = f->sequence, .addr = 300};
    control_handle_answer(f->control, &a, 0);
    serve(f, 0);
}

static void an_endless_line_is_cut_off(void **state) {
    static char text[CONTROL_REQUEST_MAX];
    struct fixture *f = *state;
    int fd = connect_to(f->path);
    memset(text, 'x', sizeof text);
    assert_int_equal(send(fd, text, sizeof text - 1, MSG_NOSIGNAL), sizeof text - 1);
    serve(f, 0);
    assert_int_equal(hear(fd), -1);
    assert_int_equal(send(fd, text, 1, MSG_NOSIGNAL), 1);
    serve(f, 0);
    assert_int_equal(hear(fd), 0);
    close(fd);
}

static void an_idle_client_is_dropped_after_5_s(void **state) {
    struct fixture *f = *state;
    struct pollfd p[CONTROL_POLL_FDS];
    uint64_t deadline_ms = 0;
    int fd = connect_to(f->path);
    serve(f, 1000);
    (void)control_poll_fds(f->control, p, &deadline_ms);
    assert_true(deadline_ms == 6000);
    say(fd, "{"); /* a byte now and then is no life */
    serve(f, 5999);
    assert_int_equal(hear(fd), -1);
    serve(f, 6000);
    assert_int_equal(hear(fd), 0);
    close(fd);
}

static void a_client_that_does_not_read_is_dropped_after_5_s(void **state) {
    struct fixture *f = *state;
    int fd = connect_to(f->path);
    for (int i = 0; i < 2000; i++) { /* more answers than any socket holds */
        ssize_t n = send(fd, status, strlen(status), MSG_NOSIGNAL);
        serve(f, 1000);
        if (n < 0) {
            assert_int_equal(errno, EAGAIN);
            break;
        }
        assert_true(i < 1999);
    }
    serve(f, 6000);
    while (hear(fd) > 0) {
    }
    assert_int_not_equal(errno, 0);
    assert_int_equal(send(fd, status, 1, MSG_NOSIGNAL), -1);
    close(fd);
}

static void the_ninth_client_is_refused(void **state) {
    struct fixture *f = *state;
    int fd[CONTROL_CLIENTS_MAX + 1];
    for (int i = 0; i <= CONTROL_CLIENTS_MAX; i++) {
        fd[i] = connect_to(f->path);
        serve(f, 0);
    }
    assert_true(hear(fd[CONTROL_CLIENTS_MAX]) > 0);
    assert_memory_equal(answer, "{\"ok\":false,\"code\":-3,", 22);
    assert_int_equal(hear(fd[CONTROL_CLIENTS_MAX]), 0);
    close(fd[0]);
    serve(f, 0);
    close(fd[CONTROL_CLIENTS_MAX]);
    fd[0] = connect_to(f->path); /* there is room again */
    serve(f, 0);
    say(fd[0], status);
    serve(f, 0);
    assert_true(hear(fd[0]) > 0);
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        close(fd[i]);
    }
}

/* Those that only hold a connection do not keep out who has something to ask. */
static void the_ninth_client_takes_the_place_of_a_silent_one(void **state) {
    struct fixture *f = *state;
    int fd[CONTROL_CLIENTS_MAX + 1];
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        fd[i] = connect_to(f->path);
        serve(f, (uint64_t)i);
    }
    say(fd[0], status); /* the eldest, but not a silent one */
    say(fd[1], "{");
    serve(f, 10);
    assert_true(hear(fd[0]) > 0);
    fd[CONTROL_CLIENTS_MAX] = connect_to(f->path);
    serve(f, 102); /* the third came at 2 ms: 100 ms of silence */
    assert_int_equal(hear(fd[2]), 0);
    say(fd[CONTROL_CLIENTS_MAX], status);
    serve(f, 102);
    assert_true(hear(fd[CONTROL_CLIENTS_MAX]) > 0);
    assert_memory_equal(answer, "{\"ok\":true,", 11);
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        if (i != 2) {
            assert_int_equal(hear(fd[i]), -1); /* still there */
        }
        close(fd[i]);
    }
    close(fd[CONTROL_CLIENTS_MAX]);
}

static void a_thousand_clients_leak_no_descriptor(void **state) {
    struct fixture *f = *state;
    unsigned before = test_descriptors();
    for (int i = 0; i < 1000; i++) {
        int fd = connect_to(f->path);
        if (i % 2 == 0) {
            say(fd, status);
        }
        serve(f, (uint64_t)i);
        close(fd);
        serve(f, (uint64_t)i);
    }
    assert_int_equal(test_descriptors(), before);
}

static void a_live_gateways_socket_is_left_alone(void **state) {
    struct fixture *f = *state;
    struct control *second = NULL;
    unsigned before = test_descriptors();
    assert_int_equal(open_at(f, f->path, &second), -EADDRINUSE);
    assert_int_equal(test_descriptors(), before);
    serve(f, 0);
    int fd = connect_to(f->path);
    say(fd, status);
    serve(f, 0);
    assert_true(hear(fd) > 0);
    close(fd);
}

/* Its services are stuck, and others in the same process follow them. */
static void the_socket_of_abandoned_services_is_taken_over(void **state) {
    struct fixture *f = *state;
    struct control *before = f->control;
    const struct control_backend backend = {
        .context = f, .snapshot = give_snapshot, .submit = take_command};
    int waiting = connect_to(f->path); /* a client that the stuck ones never serve */
    assert_int_equal(control_open_after(&f->control, f->path, &backend, &f->log, NULL),
                     -EADDRINUSE); /* of somebody else it would be left alone */
    assert_int_equal(control_open_after(&f->control, f->path, &backend, &f->log, before), 0);
    int client = connect_to(f->path);
    say(client, status);
    serve(f, 0);
    char text[16] = "";
    assert_true(read(client, text, sizeof text - 1) > 0);
    /* the others wake and leave: the path stays */
    control_leave(before);
    assert_int_equal(access(f->path, F_OK), 0);
    errno = 0;
    assert_true(read(waiting, text, 1) <= 0 && errno != EAGAIN);
    close(waiting);
    close(client);
    control_free(before);
}

static void a_dead_gateways_socket_is_replaced(void **state) {
    struct fixture *f = *state;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct control *next = NULL;
    char path[96];
    (void)snprintf(path, sizeof path, "%s2", f->path);
    (void)snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(dead, (struct sockaddr *)&a, sizeof a), 0);
    close(dead);
    assert_int_equal(open_at(f, path, &next), 0);
    control_close(next);
    assert_int_equal(access(path, F_OK), -1);
}

static void what_is_no_socket_is_left_alone(void **state) {
    struct fixture *f = *state;
    struct control *next = NULL;
    char path[96];
    (void)snprintf(path, sizeof path, "%s2", f->path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fclose(file);
    assert_int_equal(open_at(f, path, &next), -EEXIST);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_int_equal(open_at(f, path, &next), -EEXIST);
    assert_int_equal(unlink(path), 0);
}

static void a_socket_that_is_not_ours_any_more_is_not_removed(void **state) {
    struct fixture *f = *state;
    struct control *next = NULL;
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(open_at(f, f->path, &next), 0);
    control_close(f->control);
    assert_int_equal(access(f->path, F_OK), 0); /* next's */
    f->control = next;
}

static void the_path_follows_setting_and_environment(void **state) {
    char path[CONTROL_PATH_MAX], long_one[CONTROL_PATH_MAX + 1];
    (void)state;
    assert_int_equal(setenv("XDG_RUNTIME_DIR", "/run/user/1000", 1), 0);
    assert_true(control_path("/tmp/a", path));
    assert_string_equal(path, "/tmp/a");
    assert_true(control_path("", path));
    assert_string_equal(path, "/run/user/1000/tinybms-gw.sock");
    assert_int_equal(setenv("XDG_RUNTIME_DIR", "not/absolute", 1), 0);
    assert_true(control_path("", path));
    assert_string_equal(path, "/run/tinybms-gw/control.sock");
    assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
    assert_true(control_path("", path));
    assert_string_equal(path, "/run/tinybms-gw/control.sock");
    memset(long_one, 'x', sizeof long_one - 1);
    long_one[0] = '/';
    long_one[CONTROL_PATH_MAX] = '\0';
    assert_false(control_path(long_one, path));
    long_one[CONTROL_PATH_MAX - 1] = '\0';
    assert_true(control_path(long_one, path));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_socket_is_for_owner_and_group),
        TEST(a_status_is_answered_again_and_again),
        TEST(before_the_first_snapshot_it_says_so),
        TEST(a_command_waits_for_its_own_answer),
        TEST(a_full_queue_is_busy),
        TEST(who_writes_is_on_record),
        TEST(pieces_of_a_line_are_put_together),
        TEST(several_lines_at_once_are_answered_in_order),
        TEST(a_client_that_closes_its_half_still_gets_its_answer),
        TEST(the_answer_to_a_client_that_left_goes_nowhere),
        TEST(an_endless_line_is_cut_off),
        TEST(an_idle_client_is_dropped_after_5_s),
        TEST(a_client_that_does_not_read_is_dropped_after_5_s),
        TEST(the_ninth_client_is_refused),
        TEST(the_ninth_client_takes_the_place_of_a_silent_one),
        TEST(a_thousand_clients_leak_no_descriptor),
        TEST(a_live_gateways_socket_is_left_alone),
        TEST(the_socket_of_abandoned_services_is_taken_over),
        TEST(a_dead_gateways_socket_is_replaced),
        TEST(what_is_no_socket_is_left_alone),
        TEST(a_socket_that_is_not_ours_any_more_is_not_removed),
        TEST(the_path_follows_setting_and_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
