/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "gateway_thread.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "clock.h"
#include "test_hooks.h"

enum {
    ROUNDS_MAX = 8,          /* of step and drain before the descriptors are looked at again */
    FRAMES_MAX = 64,         /* written in one round */
    UART_READS_MAX = 8,      /* of TRAFFIC_BYTES_MAX bytes, in one turn */
    UART_QUEUE_MAX = 64,     /* bytes; the request before has had its time when one is sent */
    REAL_TIME_PRIORITY = 10, /* over ordinary threads, under those of the kernel's interrupts */
    NICE_RAISED = -11,
    CAN_LOOK_US = 50000, /* a quiet adapter is read so often at most */
    SPIN_GUARD_MS = 5,   /* when the core waits for a device that takes nothing */
};

/* ---- links ---- */

static void report(struct gateway_thread *t, const struct thread_report *r) {
    bool pushed = ring_push(&t->channel->reports, r); /* THREAD_REPORTS: always room */
    assert(pushed);
    (void)pushed;
    t->tell_services = true;
}

static void tell_uart(struct gateway_thread *t, bool up, uint64_t now_us) {
    traffic_link(&t->channel->traffic, TRAFFIC_UART_LINK, up, now_us);
    gateway_set_uart(&t->gateway, up, now_us / 1000);
}

static void tell_can(struct gateway_thread *t, bool up, uint64_t now_us) {
    traffic_link(&t->channel->traffic, TRAFFIC_CAN_LINK, up, now_us);
    gateway_set_can(&t->gateway, up, now_us / 1000);
}

static void detach(struct gateway_thread *t, enum port_link link, enum detach_reason reason,
                   int error, uint64_t now_us) {
    if (link == PORT_UART) {
        t->uart.fd = -1;
        t->uart.quiet_until_us = 0;
        stream_tx_init(&t->uart.tx);
        tell_uart(t, false, now_us);
    } else {
        can_port_detach(&t->can);
        tell_can(t, false, now_us);
    }
    t->device[link].fd = -1;
    report(t, &(struct thread_report){
                  .kind = REPORT_DETACHED, .link = link, .reason = reason, .error = error});
}

/* errno 0 stands for the end of the file. */
static void detach_broken(struct gateway_thread *t, enum port_link link, int error,
                          uint64_t now_us) {
    detach(t, link, error == 0 ? DETACH_END_OF_FILE : DETACH_ERROR, error, now_us);
}

static void attach(struct gateway_thread *t, enum port_link link, const struct link_device *d,
                   uint64_t now_us) {
    assert(t->device[link].fd < 0);
    t->device[link] = *d;
    if (link == PORT_UART) {
        stream_tx_attach(&t->uart.tx, d->fd, UART_QUEUE_MAX);
        t->uart.fd = d->fd;
        t->uart.is_tty = isatty(d->fd) == 1;
        t->uart.quiet_until_us = 0;
        tell_uart(t, true, now_us);
    } else {
        can_port_attach(&t->can, d->fd, d->transport);
        tell_can(t, !d->config.listen_only, now_us);
    }
}

/* ---- requests ---- */

/* The services that asked may be gone: those of now have not asked, and have no room for it. */
static void push_answer(struct gateway_thread *t, const struct gateway_answer *a) {
    if (a->sequence >> THREAD_SEQUENCE_BITS != t->channel->generation) {
        return;
    }
    bool pushed = ring_push(&t->channel->answers, a); /* THREAD_COMMANDS_MAX: always room */
    assert(pushed);
    (void)pushed;
    t->tell_services = true;
}

static void serve_command(struct gateway_thread *t, const struct gateway_command *c,
                          uint64_t now_us) {
    traffic_command(&t->channel->traffic, c, now_us);
    int err = gateway_command(&t->gateway, c, now_us / 1000);
    if (err != GW_OK) {
        push_answer(t,
                    &(struct gateway_answer){.sequence = c->sequence, .err = err, .addr = c->addr});
    }
}

static void serve_requests(struct gateway_thread *t, uint64_t now_us) {
    struct thread_request r;
    while (ring_pop(&t->channel->requests, &r)) {
        switch (r.kind) {
        case REQUEST_COMMAND:
            serve_command(t, &r.command, now_us);
            break;
        case REQUEST_ATTACH:
            attach(t, r.attach.link, &r.attach.device, now_us);
            break;
        case REQUEST_DETACH:
            if (t->device[r.detach].fd >= 0) {
                detach(t, r.detach, DETACH_REQUESTED, 0, now_us);
            }
            break;
        case REQUEST_CONFIGURE: {
            const struct settings *old = t->gateway.settings;
            traffic_mark(&t->channel->traffic, TRAFFIC_CONFIGURED, now_us);
            gateway_configure(&t->gateway, r.settings, now_us / 1000);
            report(t, &(struct thread_report){.kind = REPORT_CONFIGURED, .released = old});
            break;
        }
        }
    }
}

/* ---- the services ---- */

static void begin_with(struct gateway_thread *t, struct channel *channel) {
    t->channel = channel;
    t->services = (struct services_watch){.moved_ms = clock_awake_ms()};
    t->snapshot_at_ms = 0;
}

/* Leaves services that are stuck for those that follow them. */
static void take_over(struct gateway_thread *t) {
    struct channel *next = atomic_exchange_explicit(&t->next, NULL, memory_order_acquire);
    if (next == NULL) {
        return;
    }
    struct handover h = {.settings = t->gateway.settings};
    memcpy(h.device, t->device, sizeof h.device);
    next->taken = t->channel->handed = h;
    traffic_follow(&next->traffic, &t->channel->traffic);
    ring_copy(&t->channel->logs, &next->logs); /* how it came to this */
    atomic_store_explicit(&t->channel->left, true, memory_order_release);
    begin_with(t, next);
    report(t, &(struct thread_report){.kind = REPORT_TAKEN_OVER});
}

static void watch_services(struct gateway_thread *t, uint64_t now_ms) {
    struct services_watch *w = &t->services;
    const uint64_t awake_ms = clock_awake_ms(), still_ms = awake_ms - w->moved_ms;
    const uint32_t turns = atomic_load_explicit(&t->channel->turns, memory_order_relaxed);
    if (turns != w->turns) {
        if (w->told) {
            gateway_note_services(&t->gateway, true, still_ms, now_ms);
        }
        *w = (struct services_watch){.turns = turns, .moved_ms = awake_ms};
    } else if (!w->told && still_ms >= test_hook_patience_ms(SERVICES_SLOW_MS)) {
        w->told = true;
        gateway_note_services(&t->gateway, false, still_ms, now_ms);
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
    traffic_bytes(&t->channel->traffic, r == STREAM_WRITTEN ? TRAFFIC_UART_TX : TRAFFIC_UART_LOST,
                  bytes, n, now_us);
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
        traffic_frame(&t->channel->traffic, r == CAN_PORT_DONE ? TRAFFIC_CAN_TX : TRAFFIC_CAN_LOST,
                      &f, now_us);
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
    while (!ring_full(&t->channel->logs) && gateway_next_log(&t->gateway, &record)) {
        (void)ring_push(&t->channel->logs, &record);
        t->tell_services = true;
    }
}

static void publish_snapshot(struct gateway_thread *t, uint64_t now_ms) {
    if (now_ms < t->snapshot_at_ms) {
        return;
    }
    t->snapshot_at_ms = now_ms + SNAPSHOT_PERIOD_MS;
    gateway_snapshot(&t->gateway, snapshot_buffer_begin(&t->channel->snapshot), now_ms);
    snapshot_buffer_publish(&t->channel->snapshot);
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

/* A reply of 113 bytes would wake the thread 113 times. Its bytes cannot come faster than the line
 * carries them, so once it has begun they are left to the driver until half of the last is due.
 * Once in a reply: hardware that hands bytes over in portions is behind the line, and the next one
 * is whole. */
static void take_bytes(struct gateway_thread *t, const uint8_t *bytes, size_t n, uint64_t now_us) {
    const uint64_t byte_us = 10000000u / t->gateway.settings->hardware.uart.baudrate;
    const bool begun = gateway_uart_missing(&t->gateway) > 1;
    gateway_uart_rx(&t->gateway, bytes, n, now_us / 1000);
    const size_t missing = gateway_uart_missing(&t->gateway);
    if (t->uart.is_tty && !begun && missing > 1) {
        t->uart.quiet_until_us = now_us + missing * byte_us - byte_us / 2;
    }
}

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
        traffic_bytes(&t->channel->traffic, TRAFFIC_UART_RX, bytes, (size_t)n, now_us);
        take_bytes(t, bytes, (size_t)n, now_us);
        if ((size_t)n < sizeof bytes) {
            return; /* there were no more */
        }
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
    traffic_frame(&t->channel->traffic, TRAFFIC_CAN_RX, f, now_us);
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
    take_over(t);
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
        traffic_mark(&t->channel->traffic, TRAFFIC_TURN, now_us);
    }
    check_stalls(t, now_us);
    watch_services(t, now_ms);
    drain_answers_and_logs(t);
    publish_snapshot(t, now_ms);
    if (deadline_ms <= now_ms) {
        deadline_ms = now_ms + SPIN_GUARD_MS;
    }
    uint64_t latest_ms = now_ms + TURN_MAX_MS;
    return deadline_ms < latest_ms ? deadline_ms : latest_ms;
}

/* Also forgets that it has run out: nobody reads it. Relative, so that a library which shows the
 * program another time (as the tests do) cannot put it off. */
static void arm_timer(int fd, uint64_t at_us) {
    const uint64_t now_us = clock_now_us(), wait_us = at_us > now_us ? at_us - now_us : 1;
    const struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(wait_us / 1000000),
                     .tv_nsec = (long)(wait_us % 1000000) * 1000},
    };
    (void)timerfd_settime(fd, 0, &when, NULL);
}

static void clear_counter(int fd) {
    uint64_t count;
    (void)!read(fd, &count, sizeof count); /* non-blocking; whether it was set does not matter */
}

static void wait_and_read(struct gateway_thread *t, uint64_t deadline_ms) {
    enum { WAKE, TIMER, UART, CAN, DESCRIPTORS };
    const uint64_t deadline_us = deadline_ms * 1000, quiet_us = t->uart.quiet_until_us;
    const bool quiet = quiet_us != 0;
    short uart_events = quiet ? 0 : POLLIN;
    if (stream_tx_waiting(&t->uart.tx)) {
        uart_events |= POLLOUT;
    }
    struct pollfd p[DESCRIPTORS] = {
        [WAKE] = {.fd = t->wake_fd, .events = POLLIN},
        [TIMER] = {.fd = t->timer_fd, .events = POLLIN},
        [UART] = {.fd = t->uart.fd, .events = uart_events},
        [CAN] = {.fd = t->can.fd, .events = can_port_events(&t->can)},
    };
    arm_timer(t->timer_fd, quiet && quiet_us < deadline_us ? quiet_us : deadline_us);
    if (poll(p, DESCRIPTORS, -1) < 0) {
        return;
    }
    if (p[WAKE].revents != 0) {
        clear_counter(t->wake_fd);
    }
    const uint64_t now_us = clock_now_us();
    if (quiet && now_us >= quiet_us) {
        t->uart.quiet_until_us = 0;
        p[UART].revents |= POLLIN;
    }
    if (p[UART].revents != 0) {
        serve_uart(t, p[UART].revents);
    }
    if (p[CAN].revents == 0 && can_port_is_calm(&t->can) && now_us >= t->can_look_us) {
        t->can_look_us = now_us + CAN_LOOK_US;
        p[CAN].revents = POLLIN;
    }
    if (p[CAN].revents != 0) {
        serve_can(t, p[CAN].revents);
    }
}

static void *run(void *argument) {
    struct gateway_thread *t = argument;
    test_hook_gateway_begins(t);
    while (!atomic_load_explicit(&t->stop, memory_order_acquire)) {
        test_hook_gateway_turn();
        atomic_fetch_add_explicit(&t->turns, 1, memory_order_relaxed);
        uint64_t deadline_ms = work(t);
        if (t->tell_services || t->channel->traffic.tell) {
            t->tell_services = t->channel->traffic.tell = false;
            (void)eventfd_write(t->channel->services_fd, 1);
        }
        wait_and_read(t, deadline_ms);
    }
    test_hook_gateway_ends();
    atomic_store_explicit(&t->ended, true, memory_order_release);
    return NULL;
}

/* ---- life, called by the services ---- */

static void close_descriptors(struct gateway_thread *t) {
    int *fd[] = {&t->wake_fd, &t->timer_fd};
    for (size_t i = 0; i < sizeof fd / sizeof fd[0]; i++) {
        if (*fd[i] >= 0) {
            (void)close(*fd[i]);
            *fd[i] = -1;
        }
    }
}

static int create_real_time(struct gateway_thread *t) {
    const struct sched_param priority = {.sched_priority = REAL_TIME_PRIORITY};
    pthread_attr_t attr;
    int err = pthread_attr_init(&attr);
    if (err != 0) {
        return err;
    }
    (void)pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
    (void)pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
    (void)pthread_attr_setschedparam(&attr, &priority);
    err = pthread_create(&t->thread, &attr, run, t);
    (void)pthread_attr_destroy(&attr);
    return err;
}

/* A thread inherits the nice value of the one that creates it, which on Linux is the thread's. */
static int create_raised(struct gateway_thread *t) {
    errno = 0;
    const int before = getpriority(PRIO_PROCESS, 0);
    if (errno != 0 || setpriority(PRIO_PROCESS, 0, NICE_RAISED) != 0) {
        return EPERM;
    }
    int err = pthread_create(&t->thread, NULL, run, t);
    (void)setpriority(PRIO_PROCESS, 0, before);
    return err;
}

/* The highest urgency that is wanted and permitted. */
static int create_thread(struct gateway_thread *t) {
    if (t->urgency == URGENCY_REAL_TIME && create_real_time(t) == 0) {
        return 0;
    }
    if (t->urgency != URGENCY_ORDINARY && create_raised(t) == 0) {
        t->urgency = URGENCY_RAISED;
        return 0;
    }
    t->urgency = URGENCY_ORDINARY;
    return pthread_create(&t->thread, NULL, run, t);
}

static int start_thread(struct gateway_thread *t) {
    sigset_t all, old;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &old);
    int err = create_thread(t);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (err == 0) {
        (void)pthread_setname_np(t->thread, "gateway");
    }
    return -err;
}

int gateway_thread_start(struct gateway_thread *t, struct channel *channel,
                         const struct settings *settings) {
    const uint64_t now_us = clock_now_us();
    atomic_init(&t->stop, false);
    atomic_init(&t->ended, false);
    atomic_init(&t->next, NULL);
    atomic_init(&t->turns, 0);
    t->uart.fd = t->device[PORT_UART].fd = t->device[PORT_CAN].fd = -1;
    stream_tx_init(&t->uart.tx);
    can_port_init(&t->can);
    begin_with(t, channel);
    traffic_mark(&channel->traffic, TRAFFIC_START, now_us);
    gateway_init(&t->gateway, settings, now_us / 1000);
    t->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    t->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    int err = t->wake_fd < 0 || t->timer_fd < 0 ? -errno : start_thread(t);
    if (err != 0) {
        close_descriptors(t);
    }
    return err;
}

bool gateway_thread_request(struct gateway_thread *t, struct channel *channel,
                            const struct thread_request *r) {
    if (!ring_push(&channel->requests, r)) {
        return false;
    }
    (void)eventfd_write(t->wake_fd, 1);
    return true;
}

void gateway_thread_take_over(struct gateway_thread *t, struct channel *channel) {
    atomic_store_explicit(&t->next, channel, memory_order_release);
    (void)eventfd_write(t->wake_fd, 1);
}

bool gateway_thread_stop(struct gateway_thread *t, unsigned timeout_ms) {
    const uint64_t end_ms = clock_awake_ms() + timeout_ms;
    atomic_store_explicit(&t->stop, true, memory_order_release);
    (void)eventfd_write(t->wake_fd, 1);
    while (!atomic_load_explicit(&t->ended, memory_order_acquire)) {
        if (clock_awake_ms() >= end_ms) {
            return false;
        }
        (void)poll(NULL, 0, 1);
    }
    (void)pthread_join(t->thread, NULL);
    close_descriptors(t);
    return true;
}
