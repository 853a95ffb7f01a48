/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "channel.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

int channel_open(struct channel *c, uint8_t generation) {
    ring_init(&c->requests, c->request_slots, THREAD_REQUESTS, sizeof c->request_slots[0]);
    ring_init(&c->answers, c->answer_slots, THREAD_ANSWERS, sizeof c->answer_slots[0]);
    ring_init(&c->reports, c->report_slots, THREAD_REPORTS, sizeof c->report_slots[0]);
    ring_init(&c->logs, c->log_slots, THREAD_LOGS, sizeof c->log_slots[0]);
    snapshot_buffer_init(&c->snapshot);
    traffic_init(&c->traffic);
    atomic_init(&c->turns, 0);
    atomic_init(&c->abandoned, false);
    atomic_init(&c->left, false);
    c->generation = generation;
    c->services_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return c->services_fd >= 0 ? 0 : -errno;
}

void channel_close(struct channel *c) {
    if (c->services_fd >= 0) {
        (void)close(c->services_fd);
        c->services_fd = -1;
    }
}
