/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "gateway_thread.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "clock.h"

enum {
    ROUNDS_MAX = 8,         /* of step and drain before the descriptors are looked at again */
    FRAMES_MAX = 64,        /* written in one round */
    UART_READS_MAX = 8,     /* of TRAFFIC_BYTES_MAX bytes, in one turn */
    UART_QUEUE_MAX = 64,    /* bytes; the request before has had its time when one is sent */
    WAKE_AT_LEAST_MS = 250, /* for stalls and a fresh snapshot */
    SPIN_GUARD_MS = 5,      /* when the core waits for a device that takes nothing */
};

/* ---- links ---- */

static void report(struct gateway_thread *t, const struct thread_report *r) {
    bool pushed = ring_push(&t->reports, r); /* THREAD_REPORTS: always room */
    assert(pushed);
    (void)pushed;
    t->tell_services = true;
}

static void tell_uart(struct gateway_thread *t, bool up, uint64_t now_us) {
    traffic_link(&t->traffic, TRAFFIC_UART_LINK, up, now_us);
    gateway_set_uart(&t->gateway, up, now_us / 1000);
}

static void tell_can(struct gateway_thread *t, bool up, uint64_t now_us) {
    traffic_link(&t->traffic, TRAFFIC_CAN_LINK, up, now_us);
    gateway_set_can(&t->gateway, up, now_us / 1000);
}

static void detach(struct gateway_thread *t, enum port_link link, enum detach_reason reason,
                   int error, uint64_t now_us) {
    if (link == PORT_UART) {
        t->uart.fd = -1;
        stream_tx_init(&t->uart.tx);
        tell_uart(t, false, now_us);
    } else {
        can_port_detach(&t->can);
        tell_can(t, false, now_us);
    }
    report(t, &(struct thread_report){
                  .kind = REPORT_DETACHED, .link = link, .reason = reason, .error = error});
}

/* errno 0 stands for the end of the file. */
static void detach_broken(struct gateway_thread *t, enum port_link link, int error,
                          uint64_t now_us) {
    detach(t, link, error == 0 ? DETACH_END_OF_FILE : DETACH_ERROR, error, now_us);
}

static void attach(struct gateway_thread *t, const struct thread_request *r, uint64_t now_us) {
    if (r->attach.link == PORT_UART) {
        assert(t->uart.fd < 0);
        stream_tx_attach(&t->uart.tx, r->attach.fd, UART_QUEUE_MAX);
        t->uart.fd = r->attach.fd;
        tell_uart(t, true, now_us);
    } else {
        assert(t->can.fd < 0);
        can_port_attach(&t->can, r->attach.fd, r->attach.transport);
        t->can_listen_only = r->attach.listen_only;
        tell_can(t, !t->can_listen_only, now_us);
    }
}

/* ---- requests ---- */

static void push_answer(struct gateway_thread *t, const struct gateway_answer *a) {
    bool pushed = ring_push(&t->answers, a); /* THREAD_COMMANDS_MAX: always room */
    assert(pushed);
    (void)pushed;
    t->tell_services = true;
}

static void serve_command(struct gateway_thread *t, const struct gateway_command *c,
                          uint64_t now_us) {
    traffic_command(&t->traffic, c, now_us);
    int err = gateway_command(&t->gateway, c, now_us / 1000);
    if (err != GW_OK) {
        push_answer(t,
                    &(struct gateway_answer){.sequence = c->sequence, .err = err, .addr = c->addr});
    }
}

static void serve_requests(struct gateway_thread *t, uint64_t now_us) {
    struct thread_request r;
    while (ring_pop(&t->requests, &r)) {
        switch (r.kind) {
        case REQUEST_COMMAND:
            serve_command(t, &r.command, now_us);
            break;
        case REQUEST_ATTACH:
            attach(t, &r, now_us);
            break;
        case REQUEST_DETACH:
            if ((r.detach == PORT_UART ? t->uart.fd : t->can.fd) >= 0) {
                detach(t, r.detach, DETACH_REQUESTED, 0, now_us);
            }
            break;
        case REQUEST_CONFIGURE: {
            const struct settings *old = t->gateway.settings;
            traffic_mark(&t->traffic, TRAFFIC_CONFIGURED, now_us);
            gateway_configure(&t->gateway, r.settings, now_us / 1000);
            report(t, &(struct thread_report){.kind = REPORT_CONFIGURED, .released = old});
            break;
        }
        }
    }
}

/* ---- out ---- */

/* True when bytes went out. */
static bool drain_uart(struct gateway_thread *t, uint64_t now_us) {
    const uint64_t now_ms = now_us / 1000;
    if (t->uart.fd < 0 || stream_tx_waiting(&t->uart.tx)) {
        return false;
    }
    uint8_t bytes[TRAFFIC_BYTES_MAX];
    size_t n = gateway_uart_tx(&t->gateway, bytes, sizeof bytes, now_ms);
    if (n == 0) {
        return false;
    }
    /* A request that the device refuses is lost like one lost on the wire: the core asks again. */
    enum stream_result r = stream_tx_write(&t->uart.tx, t->uart.fd, bytes, n, now_ms);
    int error = errno;
    traffic_bytes(&t->traffic, r == STREAM_WRITTEN ? TRAFFIC_UART_TX : TRAFFIC_UART_LOST, bytes, n,
                  now_us);
    if (r == STREAM_FAILED) {
        detach_broken(t, PORT_UART, error, now_us);
    }
    return true;
}

static bool drain_frames(struct gateway_thread *t, uint64_t now_us) {
    const uint64_t now_ms = now_us / 1000;
    struct victron_frame f;
    bool any = false;
    for (int i = 0; i < FRAMES_MAX && t->can.fd >= 0; i++) {
        if (!gateway_next_frame(&t->gateway, &f, now_ms)) {
            break;
        }
        enum can_port_result r = can_port_write(&t->can, &f, now_ms);
        int error = errno;
        traffic_frame(&t->traffic, r == CAN_PORT_DONE ? TRAFFIC_CAN_TX : TRAFFIC_CAN_LOST, &f,
                      now_us);
        gateway_frame_done(&t->gateway, &f, r == CAN_PORT_DONE);
        if (r == CAN_PORT_FAILED) {
            detach_broken(t, PORT_CAN, error, now_us);
        }
        any = true;
    }
    return any;
}

static void drain_answers_and_logs(struct gateway_thread *t) {
    struct gateway_answer a;
    while (gateway_next_answer(&t->gateway, &a)) {
        push_answer(t, &a);
    }
    struct log_record record;
    while (!ring_full(&t->logs) && gateway_next_log(&t->gateway, &record)) {
        (void)ring_push(&t->logs, &record);
        t->tell_services = true;
    }
}

static void publish_snapshot(struct gateway_thread *t, uint64_t now_ms) {
    if (now_ms < t->snapshot_at_ms) {
        return;
    }
    t->snapshot_at_ms = now_ms + SNAPSHOT_PERIOD_MS;
    gateway_snapshot(&t->gateway, snapshot_buffer_begin(&t->snapshot), now_ms);
    snapshot_buffer_publish(&t->snapshot);
}

static void check_stalls(struct gateway_thread *t, uint64_t now_us) {
    const uint64_t now_ms = now_us / 1000;
    if (t->uart.fd >= 0 && stream_tx_stalled(&t->uart.tx, now_ms)) {
        detach(t, PORT_UART, DETACH_STALLED, 0, now_us);
    }
    if (t->can.fd >= 0 && can_port_stalled(&t->can, now_ms)) {
        detach(t, PORT_CAN, DETACH_STALLED, 0, now_us);
    }
}

/* ---- in ---- */

static void read_uart(struct gateway_thread *t) {
    for (int i = 0; i < UART_READS_MAX; i++) {
        uint8_t bytes[TRAFFIC_BYTES_MAX];
        ssize_t n = read(t->uart.fd, bytes, sizeof bytes);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
            return;
        }
        const uint64_t now_us = clock_now_us();
        if (n <= 0) {
            detach_broken(t, PORT_UART, n == 0 ? 0 : errno, now_us);
            return;
        }
        traffic_bytes(&t->traffic, TRAFFIC_UART_RX, bytes, (size_t)n, now_us);
        gateway_uart_rx(&t->gateway, bytes, (size_t)n, now_us / 1000);
    }
}

static void serve_uart(struct gateway_thread *t, short events) {
    if ((events & POLLOUT) != 0 && !stream_tx_flush(&t->uart.tx, t->uart.fd, clock_now_ms())) {
        detach_broken(t, PORT_UART, errno, clock_now_us());
        return;
    }
    if ((events & (POLLIN | POLLERR | POLLHUP)) != 0) {
        read_uart(t);
    }
    if (t->uart.fd >= 0 && (events & (POLLHUP | POLLNVAL)) != 0 && (events & POLLIN) == 0) {
        detach_broken(t, PORT_UART, 0, clock_now_us());
    }
}

static void handle_frame(void *context, const struct victron_frame *f) {
    struct gateway_thread *t = context;
    const uint64_t now_us = clock_now_us();
    traffic_frame(&t->traffic, TRAFFIC_CAN_RX, f, now_us);
    gateway_can_rx(&t->gateway, f, now_us / 1000);
}

static void serve_can(struct gateway_thread *t, short events) {
    if ((events & POLLOUT) != 0 && !can_port_flush(&t->can, clock_now_ms())) {
        detach_broken(t, PORT_CAN, errno, clock_now_us());
        return;
    }
    if ((events & (POLLIN | POLLERR | POLLHUP)) != 0 &&
        can_port_read(&t->can, handle_frame, t) == CAN_PORT_FAILED) {
        detach_broken(t, PORT_CAN, errno, clock_now_us());
        return;
    }
    if (t->can.news) {
        t->can.news = false;
        t->tell_services = true;
    }
    if ((events & POLLIN) != 0) {
        return;
    }
    /* An error that reading did not show would be reported by every poll() from now on. */
    if ((events & (POLLHUP | POLLNVAL)) != 0) {
        detach_broken(t, PORT_CAN, 0, clock_now_us());
    } else if ((events & POLLERR) != 0) {
        detach_broken(t, PORT_CAN, EIO, clock_now_us());
    }
}

/* ---- the loop ---- */

/* Lets the core act until it has nothing to say; returns when it wants to be called again. The
 * clock is read once, so that the recorded traffic tells every time that the core was told: what
 * it sent has the time of its turn, and a turn without anything sent is an event of its own.
 * replay.c goes through the same turns; what changes here changes there. */
static uint64_t work(struct gateway_thread *t) {
    const uint64_t now_us = clock_now_us(), now_ms = now_us / 1000;
    bool sent = false;
    serve_requests(t, now_us);
    uint64_t deadline_ms = gateway_step(&t->gateway, now_ms);
    for (int i = 0; i < ROUNDS_MAX; i++) {
        bool moved = drain_uart(t, now_us);
        moved = drain_frames(t, now_us) || moved;
        if (!moved) {
            break;
        }
        sent = true;
        deadline_ms = gateway_step(&t->gateway, now_ms);
    }
    if (!sent) {
        traffic_mark(&t->traffic, TRAFFIC_TURN, now_us);
    }
    check_stalls(t, now_us);
    drain_answers_and_logs(t);
    publish_snapshot(t, now_ms);
    if (deadline_ms <= now_ms) {
        deadline_ms = now_ms + SPIN_GUARD_MS;
    }
    uint64_t latest_ms = now_ms + WAKE_AT_LEAST_MS;
    return deadline_ms < latest_ms ? deadline_ms : latest_ms;
}

static void arm_timer(int fd, uint64_t at_ms) {
    const struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(at_ms / 1000), .tv_nsec = (long)(at_ms % 1000) * 1000000},
    };
    (void)timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void clear_counter(int fd) {
    uint64_t count;
    (void)!read(fd, &count, sizeof count); /* non-blocking; whether it was set does not matter */
}

static void wait_and_read(struct gateway_thread *t, uint64_t deadline_ms) {
    enum { WAKE, TIMER, UART, CAN, DESCRIPTORS };
    struct pollfd p[DESCRIPTORS] = {
        [WAKE] = {.fd = t->wake_fd, .events = POLLIN},
        [TIMER] = {.fd = t->timer_fd, .events = POLLIN},
        [UART] = {.fd = t->uart.fd,
                  .events = stream_tx_waiting(&t->uart.tx) ? POLLIN | POLLOUT : POLLIN},
        [CAN] = {.fd = t->can.fd, .events = can_port_events(&t->can)},
    };
    arm_timer(t->timer_fd, deadline_ms);
    if (poll(p, DESCRIPTORS, -1) < 0) {
        return;
    }
    if (p[WAKE].revents != 0) {
        clear_counter(t->wake_fd);
    }
    if (p[TIMER].revents != 0) {
        clear_counter(t->timer_fd);
    }
    if (p[UART].revents != 0) {
        serve_uart(t, p[UART].revents);
    }
    if (p[CAN].revents != 0) {
        serve_can(t, p[CAN].revents);
    }
}

static void *run(void *argument) {
    struct gateway_thread *t = argument;
    while (!atomic_load_explicit(&t->stop, memory_order_acquire)) {
        uint64_t deadline_ms = work(t);
        if (t->tell_services || t->traffic.tell) {
            t->tell_services = t->traffic.tell = false;
            (void)eventfd_write(t->services_fd, 1);
        }
        wait_and_read(t, deadline_ms);
    }
    return NULL;
}

/* ---- life, called by the services ---- */

static void close_descriptors(struct gateway_thread *t) {
    int *fd[] = {&t->wake_fd, &t->services_fd, &t->timer_fd};
    for (size_t i = 0; i < sizeof fd / sizeof fd[0]; i++) {
        if (*fd[i] >= 0) {
            (void)close(*fd[i]);
            *fd[i] = -1;
        }
    }
}

static int start_thread(struct gateway_thread *t) {
    sigset_t all, old;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &old);
    int err = pthread_create(&t->thread, NULL, run, t);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (err == 0) {
        (void)pthread_setname_np(t->thread, "gateway");
    }
    return -err;
}

int gateway_thread_start(struct gateway_thread *t, const struct settings *settings) {
    ring_init(&t->requests, t->request_slots, THREAD_REQUESTS, sizeof t->request_slots[0]);
    ring_init(&t->answers, t->answer_slots, THREAD_ANSWERS, sizeof t->answer_slots[0]);
    ring_init(&t->reports, t->report_slots, THREAD_REPORTS, sizeof t->report_slots[0]);
    ring_init(&t->logs, t->log_slots, THREAD_LOGS, sizeof t->log_slots[0]);
    snapshot_buffer_init(&t->snapshot);
    atomic_init(&t->stop, false);
    t->uart.fd = -1;
    stream_tx_init(&t->uart.tx);
    can_port_init(&t->can);
    traffic_init(&t->traffic);
    const uint64_t now_us = clock_now_us();
    traffic_mark(&t->traffic, TRAFFIC_START, now_us);
    gateway_init(&t->gateway, settings, now_us / 1000);
    t->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    t->services_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    t->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    int err = t->wake_fd < 0 || t->services_fd < 0 || t->timer_fd < 0 ? -errno : start_thread(t);
    if (err != 0) {
        close_descriptors(t);
    }
    return err;
}

bool gateway_thread_request(struct gateway_thread *t, const struct thread_request *r) {
    if (!ring_push(&t->requests, r)) {
        return false;
    }
    (void)eventfd_write(t->wake_fd, 1);
    return true;
}

void gateway_thread_stop(struct gateway_thread *t) {
    atomic_store_explicit(&t->stop, true, memory_order_release);
    (void)eventfd_write(t->wake_fd, 1);
    (void)pthread_join(t->thread, NULL);
    close_descriptors(t);
}
