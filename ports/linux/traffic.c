/* SPDX-License-Identifier: MIT */
#include "traffic.h"

#include <assert.h>
#include <string.h>

void traffic_init(struct traffic *t) {
    ring_init(&t->ring, t->slots, TRAFFIC_SLOTS, sizeof t->slots[0]);
    t->uart_up = t->can_up = t->tell = false;
    t->missed = t->untold = 0;
}

void traffic_follow(struct traffic *t, const struct traffic *before) {
    t->uart_up = before->uart_up;
    t->can_up = before->can_up;
    t->missed = 1;
}

static bool push(struct traffic *t, const struct traffic_event *e) {
    if (!ring_push(&t->ring, e)) {
        t->missed += t->missed != UINT32_MAX;
        t->tell = true;
        return false;
    }
    if (++t->untold >= TRAFFIC_TELL_EVERY) {
        t->untold = 0;
        t->tell = true;
    }
    return true;
}

/* What was up before the event that is to follow, so that its reader can go on from there. */
static bool push_missed(struct traffic *t, uint64_t at_us) {
    struct traffic_event e;
    memset(&e, 0, sizeof e);
    e.at_us = at_us;
    e.kind = TRAFFIC_MISSED;
    e.missed.count = t->missed;
    e.missed.uart_up = t->uart_up;
    e.missed.can_up = t->can_up;
    if (!ring_push(&t->ring, &e)) {
        return false;
    }
    t->missed = 0;
    return true;
}

void traffic_push(struct traffic *t, const struct traffic_event *e) {
    if (t->missed == 0 || push_missed(t, e->at_us)) {
        (void)push(t, e);
    } else {
        t->missed += t->missed != UINT32_MAX;
    }
    if (e->kind == TRAFFIC_UART_LINK) {
        t->uart_up = e->up;
    } else if (e->kind == TRAFFIC_CAN_LINK) {
        t->can_up = e->up;
    }
}

static struct traffic_event event(enum traffic_kind kind, uint64_t at_us) {
    struct traffic_event e;
    memset(&e, 0, sizeof e);
    e.at_us = at_us;
    e.kind = (uint8_t)kind;
    return e;
}

void traffic_mark(struct traffic *t, enum traffic_kind kind, uint64_t at_us) {
    const struct traffic_event e = event(kind, at_us);
    traffic_push(t, &e);
}

void traffic_bytes(struct traffic *t, enum traffic_kind kind, const uint8_t *bytes, size_t n,
                   uint64_t at_us) {
    assert(n <= TRAFFIC_BYTES_MAX);
    struct traffic_event e = event(kind, at_us);
    memcpy(e.bytes, bytes, n);
    e.n = (uint8_t)n;
    traffic_push(t, &e);
}

void traffic_frame(struct traffic *t, enum traffic_kind kind, const struct victron_frame *f,
                   uint64_t at_us) {
    struct traffic_event e = event(kind, at_us);
    e.frame = *f;
    traffic_push(t, &e);
}

void traffic_link(struct traffic *t, enum traffic_kind kind, bool up, uint64_t at_us) {
    struct traffic_event e = event(kind, at_us);
    e.up = up;
    traffic_push(t, &e);
}

void traffic_command(struct traffic *t, const struct gateway_command *c, uint64_t at_us) {
    struct traffic_event e = event(TRAFFIC_COMMAND, at_us);
    e.command = *c;
    e.command.sequence = 0;
    traffic_push(t, &e);
}

bool traffic_pop(struct traffic *t, struct traffic_event *out) {
    return ring_pop(&t->ring, out);
}
