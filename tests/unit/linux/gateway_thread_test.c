/* SPDX-License-Identifier: MIT */
/* The gateway thread seen from the services, with socket pairs for devices. What it does with the
 * bytes is the core's and tested there. */
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

#include "gateway_thread.h"
#include "test_pty.h"
#include "tty.h"

enum { PATIENCE_MS = 20000 }; /* for what happens at once, on a machine under any load */

static struct settings settings;
static struct channel *present; /* that the thread and the test have in common */

static void *zeroed(size_t n) {
    void *memory = NULL;
    assert_int_equal(posix_memalign(&memory, RING_CACHE_LINE, n), 0);
    return memset(memory, 0, n);
}

static struct channel *open_channel(uint8_t generation) {
    struct channel *c = zeroed(sizeof *c);
    assert_int_equal(channel_open(c, generation), 0);
    return c;
}

static void free_channel(struct channel *c) {
    channel_close(c);
    free(c);
}

static int set_up(void **state) {
    struct gateway_thread *t = zeroed(sizeof *t);
    settings_defaults(&settings);
    present = open_channel(0);
    assert_int_equal(gateway_thread_start(t, present, &settings), 0);
    *state = t;
    return 0;
}

static int tear_down(void **state) {
    struct gateway_thread *t = *state;
    assert_true(gateway_thread_stop(t, PATIENCE_MS));
    free_channel(present);
    free(t);
    return 0;
}

static bool request(struct gateway_thread *t, const struct thread_request *r) {
    return gateway_thread_request(t, present, r);
}

/* Waits until the thread has something for the services. */
static void await(void) {
    struct pollfd p = {.fd = present->services_fd, .events = POLLIN};
    uint64_t counter = 0;
    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
    assert_int_equal(read(present->services_fd, &counter, sizeof counter), sizeof counter);
}

static struct thread_report next_report(void) {
    struct thread_report r;
    while (!ring_pop(&present->reports, &r)) {
        await();
    }
    return r;
}

static struct gateway_answer next_answer(void) {
    struct gateway_answer a;
    while (!ring_pop(&present->answers, &a)) {
        await();
    }
    return a;
}

static void open_pair(int pair[2]) {
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
}

static void attach(struct gateway_thread *t, enum port_link link, int fd) {
    const struct thread_request r = {
        .kind = REQUEST_ATTACH,
        .attach = {.link = link,
                   .device = {.fd = fd,
                              .transport = CAN_OVER_SLCAN,
                              .config = {.device = "a device"}}},
    };
    assert_true(request(t, &r));
}

static void assert_detached(enum port_link link, enum detach_reason reason) {
    struct thread_report r = next_report();
    assert_int_equal(r.kind, REPORT_DETACHED);
    assert_int_equal(r.link, link);
    assert_int_equal(r.reason, reason);
}

/* The other end closed: found by reading (end of file) or by writing (an error). */
static void assert_lost(enum port_link link) {
    struct thread_report r = next_report();
    assert_int_equal(r.kind, REPORT_DETACHED);
    assert_int_equal(r.link, link);
    assert_true(r.reason == DETACH_END_OF_FILE || (r.reason == DETACH_ERROR && r.error != 0));
}

/* The first request of all: registers 0 to 53, AA 03 00 00 00 36. */
static void a_device_is_spoken_to_as_soon_as_it_is_attached(void **state) {
    static const uint8_t want[] = {0xAA, 0x03, 0x00, 0x00, 0x00, 0x36};
    uint8_t bytes[64];
    int pair[2];
    open_pair(pair);
    attach(*state, PORT_UART, pair[0]);
    struct pollfd p = {.fd = pair[1], .events = POLLIN};
    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
    assert_true(read(pair[1], bytes, sizeof bytes) >= (ssize_t)sizeof want);
    assert_memory_equal(bytes, want, sizeof want);
    close(pair[1]);
    assert_lost(PORT_UART);
    close(pair[0]);
}

static void a_device_is_given_back_when_asked_and_only_if_it_is_there(void **state) {
    struct gateway_thread *t = *state;
    const struct thread_request back[] = {{.kind = REQUEST_DETACH, .detach = PORT_UART},
                                          {.kind = REQUEST_DETACH, .detach = PORT_CAN}};
    int pair[2];
    open_pair(pair);
    assert_true(request(t, &back[PORT_UART])); /* nothing to give back */
    attach(t, PORT_CAN, pair[0]);
    assert_true(request(t, &back[PORT_CAN]));
    assert_true(request(t, &back[PORT_CAN]));
    assert_detached(PORT_CAN, DETACH_REQUESTED);
    /* a command's answer shows that everything before it was seen */
    assert_true(request(t, &(struct thread_request){.kind = REQUEST_COMMAND}));
    (void)next_answer();
    struct thread_report r;
    assert_false(ring_pop(&present->reports, &r));
    close(pair[0]);
    close(pair[1]);
}

static void every_command_has_one_answer(void **state) {
    struct gateway_thread *t = *state;
    for (uint32_t i = 1; i <= THREAD_COMMANDS_MAX; i++) {
        const struct thread_request r = {
            .kind = REQUEST_COMMAND,
            .command = {.sequence = i, .kind = GATEWAY_READ_REGISTERS, .addr = 300, .count = 1}};
        assert_true(request(t, &r));
    }
    for (uint32_t i = 1; i <= THREAD_COMMANDS_MAX; i++) {
        struct gateway_answer a = next_answer();
        assert_int_equal(a.sequence, i);
        assert_int_equal(a.err, GW_ERR_OFFLINE); /* there is no device */
    }
    struct gateway_answer a;
    assert_false(ring_pop(&present->answers, &a));
}

static void commands_under_way_end_with_the_device(void **state) {
    struct gateway_thread *t = *state;
    const struct thread_request r = {
        .kind = REQUEST_COMMAND,
        .command = {.sequence = 7, .kind = GATEWAY_READ_REGISTERS, .addr = 300, .count = 1}};
    int pair[2];
    open_pair(pair);
    attach(t, PORT_UART, pair[0]);
    assert_true(request(t, &r));
    close(pair[1]);
    struct gateway_answer a = next_answer();
    assert_int_equal(a.sequence, 7);
    assert_int_equal(a.err, GW_ERR_OFFLINE);
    assert_lost(PORT_UART);
    close(pair[0]);
}

static void new_settings_are_taken_and_the_old_ones_returned(void **state) {
    struct gateway_thread *t = *state;
    static struct settings other;
    const struct thread_request r = {.kind = REQUEST_CONFIGURE, .settings = &other};
    settings_defaults(&other);
    assert_true(request(t, &r));
    struct thread_report answer = next_report();
    assert_int_equal(answer.kind, REPORT_CONFIGURED);
    assert_ptr_equal(answer.released, &settings);
}

static void a_thousand_devices_come_and_go_without_a_trace(void **state) {
    struct gateway_thread *t = *state;
    unsigned before = test_descriptors();
    for (int i = 0; i < 1000; i++) {
        enum port_link link = i % 2 == 0 ? PORT_UART : PORT_CAN;
        int pair[2];
        open_pair(pair);
        attach(t, link, pair[0]);
        close(pair[1]);
        assert_lost(link);
        close(pair[0]);
    }
    assert_int_equal(test_descriptors(), before);
}

/* Services that hang take no log records: the thread goes on, and the loss is counted. */
static void a_log_that_nobody_reads_stops_nothing(void **state) {
    struct gateway_thread *t = *state;
    struct log_record record;
    bool told = false;
    for (int i = 0; i < THREAD_LOGS + GATEWAY_LOG_MAX; i++) { /* a record each, at least */
        int pair[2];
        open_pair(pair);
        attach(t, PORT_CAN, pair[0]);
        close(pair[1]);
        assert_lost(PORT_CAN);
        close(pair[0]);
    }
    assert_true(ring_full(&present->logs));
    assert_true(request(t, &(struct thread_request){.kind = REQUEST_COMMAND}));
    (void)next_answer(); /* it lives */
    for (int i = 0; i < 100 && !told; i++) {
        while (ring_pop(&present->logs, &record)) {
            told = told || (record.id == LOG_DROPPED && record.value[0] > 0);
        }
        assert_true(request(t, &(struct thread_request){.kind = REQUEST_COMMAND}));
        (void)next_answer();
    }
    assert_true(told);
}

static void snapshots_come_by_themselves(void **state) {
    (void)state;
    uint64_t first_ms = 0;
    for (int i = 0; i < PATIENCE_MS / 10; i++) {
        const struct gateway_snapshot *s = snapshot_buffer_latest(&present->snapshot);
        if (s != NULL && first_ms == 0) {
            first_ms = s->now_ms;
        }
        if (s != NULL && s->now_ms > first_ms) {
            return;
        }
        (void)poll(NULL, 0, 10);
    }
    fail();
}

/* Another channel takes the place of the present one, which is returned. */
static struct channel *take_over(struct gateway_thread *t, struct channel *next) {
    struct channel *before = present;
    present = next;
    gateway_thread_take_over(t, next);
    struct pollfd p = {.fd = next->services_fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
    assert_true(atomic_load(&before->left));
    return before;
}

static void another_channel_takes_over_with_everything_that_is_attached(void **state) {
    struct gateway_thread *t = *state;
    struct thread_report r;
    int uart[2], can[2];
    char byte;
    open_pair(uart);
    open_pair(can);
    attach(t, PORT_CAN, can[0]);
    struct channel *next = open_channel(1), *before = take_over(t, next);
    assert_true(ring_pop(&next->reports, &r));
    assert_int_equal(r.kind, REPORT_TAKEN_OVER);
    assert_ptr_equal(next->taken.settings, &settings);
    assert_int_equal(next->taken.device[PORT_UART].fd, -1);
    assert_int_equal(next->taken.device[PORT_CAN].fd, can[0]);
    assert_string_equal(next->taken.device[PORT_CAN].config.device, "a device");
    assert_int_equal(before->handed.device[PORT_CAN].fd, can[0]);
    /* what is requested on the old one is not done any more */
    const struct thread_request late = {.kind = REQUEST_ATTACH,
                                        .attach = {.link = PORT_UART, .device = {.fd = uart[0]}}};
    assert_true(gateway_thread_request(t, before, &late));
    assert_true(request(t, &(struct thread_request){.kind = REQUEST_COMMAND,
                                                    .command.sequence = UINT32_C(1) << 24}));
    assert_int_equal(next_answer().sequence, UINT32_C(1) << 24);
    assert_int_equal(read(uart[1], &byte, 1), -1);
    /* a device that is lost is told to the new one alone */
    close(can[1]);
    assert_lost(PORT_CAN);
    assert_false(ring_pop(&before->reports, &r));
    close(can[0]);
    close(uart[0]);
    close(uart[1]);
    free_channel(before);
}

/* The request goes to a BMS that does not answer; meanwhile others take over. */
static void the_answer_to_a_command_of_before_is_dropped(void **state) {
    struct gateway_thread *t = *state;
    struct gateway_answer a;
    const struct thread_request r = {
        .kind = REQUEST_COMMAND,
        .command = {.sequence = 7, .kind = GATEWAY_READ_REGISTERS, .addr = 300, .count = 1}};
    int pair[2];
    open_pair(pair);
    attach(t, PORT_UART, pair[0]);
    assert_true(request(t, &r));
    struct channel *before = take_over(t, open_channel(1));
    close(pair[1]);
    while (next_report().kind != REPORT_DETACHED) { /* the command ends with its device */
    }
    assert_true(request(t, &(struct thread_request){.kind = REQUEST_COMMAND,
                                                    .command.sequence = UINT32_C(1) << 24 | 1}));
    assert_int_equal(next_answer().sequence, UINT32_C(1) << 24 | 1);
    assert_false(ring_pop(&present->answers, &a));
    assert_false(ring_pop(&before->answers, &a));
    close(pair[0]);
    free_channel(before);
}

static void log_records_that_were_not_fetched_are_handed_on(void **state) {
    struct gateway_thread *t = *state;
    struct log_record record;
    int pair[2];
    bool lost = false;
    open_pair(pair);
    attach(t, PORT_CAN, pair[0]);
    close(pair[1]);
    assert_lost(PORT_CAN);
    struct channel *before = take_over(t, open_channel(1));
    while (ring_pop(&present->logs, &record)) {
        lost = lost || record.id == LOG_CAN_DOWN;
    }
    assert_true(lost);
    close(pair[0]);
    free_channel(before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* The events of this kind that the thread has noted until `bytes` bytes are together. */
static unsigned events_of(enum traffic_kind kind, size_t bytes) {
    struct traffic_event e;
    unsigned events = 0;
    for (size_t got = 0; got < bytes;) {
        if (!traffic_pop(&present->traffic, &e)) {
            (void)poll(NULL, 0, 1);
        } else if (e.kind == kind) {
            got += e.n;
            events++;
        }
    }
    return events;
}

/* At 1200 baud a byte takes 8.3 ms, so the 112 bytes after the first take 0.9 s; they are all there
 * long before. Without gathering each wakes the thread by itself. */
static void the_bytes_of_a_reply_gather_in_the_driver(void **state) {
    struct gateway_thread *t = *state;
    enum { REQUEST_BYTES = 8, REPLY_BYTES = 113 };
    static const uint8_t head[3] = {0xAA, 0x03, 0x6C};
    static struct settings slow;
    char path[TEST_PTY_PATH];
    const int master = test_pty_open(path);
    const int slave = tty_open(path, 115200);
    assert_true(slave >= 0);
    slow = settings;
    slow.hardware.uart.baudrate = 1200;
    assert_true(request(t, &(struct thread_request){.kind = REQUEST_CONFIGURE, .settings = &slow}));
    assert_int_equal(next_report().kind, REPORT_CONFIGURED);
    attach(t, PORT_UART, slave);
    assert_int_equal(events_of(TRAFFIC_UART_TX, REQUEST_BYTES), 1);
    assert_int_equal(write(master, &head[0], 1), 1);
    assert_int_equal(events_of(TRAFFIC_UART_RX, 1), 1);
    for (int i = 1; i < REPLY_BYTES; i++) {
        const uint8_t byte = i < (int)sizeof head ? head[i] : 0;
        assert_int_equal(write(master, &byte, 1), 1);
        (void)poll(NULL, 0, 1);
    }
    assert_in_range(events_of(TRAFFIC_UART_RX, REPLY_BYTES - 1), 1, 10);
    assert_true(request(t, &(struct thread_request){.kind = REQUEST_DETACH, .detach = PORT_UART}));
    assert_detached(PORT_UART, DETACH_REQUESTED);
    tty_close(slave);
    (void)close(master);
}

/* z and a carriage return, the answer to a frame, does not wake anybody; it is read all the same.
 */
static void a_quiet_adapter_is_read_when_the_thread_is_awake_anyway(void **state) {
    struct gateway_thread *t = *state;
    int pair[2];
    char first;
    open_pair(pair);
    attach(t, PORT_CAN, pair[0]);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(write(pair[1], "t30580000000000000000\r", 22), 22);
        (void)poll(NULL, 0, 20);
    }
    do { /* taken within a turn, 250 ms at most */
        (void)poll(NULL, 0, 1);
    } while (recv(pair[0], &first, 1, MSG_PEEK | MSG_DONTWAIT) > 0);
    (void)close(pair[1]); /* and its end is noticed at once */
    assert_detached(PORT_CAN, DETACH_END_OF_FILE);
    (void)close(pair[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_device_is_spoken_to_as_soon_as_it_is_attached),
        TEST(a_device_is_given_back_when_asked_and_only_if_it_is_there),
        TEST(every_command_has_one_answer),
        TEST(commands_under_way_end_with_the_device),
        TEST(new_settings_are_taken_and_the_old_ones_returned),
        TEST(a_thousand_devices_come_and_go_without_a_trace),
        TEST(a_log_that_nobody_reads_stops_nothing),
        TEST(snapshots_come_by_themselves),
        TEST(another_channel_takes_over_with_everything_that_is_attached),
        TEST(the_answer_to_a_command_of_before_is_dropped),
        TEST(log_records_that_were_not_fetched_are_handed_on),
        TEST(the_bytes_of_a_reply_gather_in_the_driver),
        TEST(a_quiet_adapter_is_read_when_the_thread_is_awake_anyway),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
