/* SPDX-License-Identifier: MIT */
#include "ring.h"

#include <assert.h>
#include <string.h>

#include "ring_index.h"

void ring_init(struct ring *r, void *storage, uint32_t capacity, uint32_t element_size) {
    assert(capacity != 0 && (capacity & (capacity - 1)) == 0 && element_size != 0);
    atomic_init(&r->head, 0);
    atomic_init(&r->tail, 0);
    r->capacity = capacity;
    r->element_size = element_size;
    r->storage = storage;
}

static unsigned char *slot(const struct ring *r, uint32_t count) {
    return r->storage + ring_offset(count, r->capacity, r->element_size);
}

/* The acquire of the other side's counter makes its copy of the slot complete before ours begins;
 * the release of our own publishes our copy. */
bool ring_push(struct ring *r, const void *element) {
    uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    uint32_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
    if (ring_held(head, tail) == r->capacity) {
        return false;
    }
    memcpy(slot(r, head), element, r->element_size);
    atomic_store_explicit(&r->head, ring_next(head), memory_order_release);
    return true;
}

bool ring_pop(struct ring *r, void *element) {
    uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    uint32_t head = atomic_load_explicit(&r->head, memory_order_acquire);
    if (head == tail) {
        return false;
    }
    memcpy(element, slot(r, tail), r->element_size);
    atomic_store_explicit(&r->tail, ring_next(tail), memory_order_release);
    return true;
}

/* Slots between tail and head change only by the producer, which we are. */
void ring_copy(const struct ring *from, struct ring *to) {
    uint32_t head = atomic_load_explicit(&from->head, memory_order_relaxed);
    uint32_t tail = atomic_load_explicit(&from->tail, memory_order_acquire);
    while (tail != head && ring_push(to, slot(from, tail))) {
        tail = ring_next(tail);
    }
}

bool ring_full(const struct ring *r) {
    uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    uint32_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
    return ring_held(head, tail) == r->capacity;
}
