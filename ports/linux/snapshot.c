/* SPDX-License-Identifier: MIT */
#include "snapshot.h"

enum { SNAPSHOT_SLOT = 3, SNAPSHOT_FRESH = 4 };

void snapshot_buffer_init(struct snapshot_buffer *b) {
    b->writing = 0;
    b->reading = 1;
    b->seen = false;
    atomic_init(&b->middle, 2);
}

struct gateway_snapshot *snapshot_buffer_begin(struct snapshot_buffer *b) {
    return &b->slot[b->writing];
}

/* Each exchange both releases the slot given away and acquires the one taken. */
void snapshot_buffer_publish(struct snapshot_buffer *b) {
    uint32_t old =
        atomic_exchange_explicit(&b->middle, b->writing | SNAPSHOT_FRESH, memory_order_acq_rel);
    b->writing = old & SNAPSHOT_SLOT;
}

const struct gateway_snapshot *snapshot_buffer_latest(struct snapshot_buffer *b) {
    if (atomic_load_explicit(&b->middle, memory_order_relaxed) & SNAPSHOT_FRESH) {
        uint32_t old = atomic_exchange_explicit(&b->middle, b->reading, memory_order_acq_rel);
        b->reading = old & SNAPSHOT_SLOT;
        b->seen = true;
    }
    return b->seen ? &b->slot[b->reading] : NULL;
}
