/* SPDX-License-Identifier: MIT */
/* A bounded queue between exactly two threads: one pushes, the other pops. No lock, no wait, no
 * allocation: full and empty are answers. Elements are copied in and out, in order.
 *
 * head and tail count for ever and wrap past 2^32; their difference is the number of elements, so
 * all of the capacity can be used. Each side writes only its own counter, in a cache line of its
 * own. */
#ifndef PORTS_LINUX_RING_H
#define PORTS_LINUX_RING_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RING_CACHE_LINE = 64 };

struct ring {
    alignas(RING_CACHE_LINE) _Atomic uint32_t head; /* written by the producer */
    alignas(RING_CACHE_LINE) _Atomic uint32_t tail; /* written by the consumer */
    alignas(RING_CACHE_LINE) uint32_t capacity;
    uint32_t element_size;
    unsigned char *storage;
};

/* storage: capacity x element_size bytes, borrowed for the ring's life; capacity: a power of two up
 * to 2^31. Before either thread uses it. */
void ring_init(struct ring *r, void *storage, uint32_t capacity, uint32_t element_size);

/* Producer: copies *element in; false when the ring is full. */
bool ring_push(struct ring *r, const void *element);

/* Consumer: copies the oldest element out; false when the ring is empty. */
bool ring_pop(struct ring *r, void *element);

/* Producer of both: what its consumer has not taken out of `from` yet is put into `to` as well, as
 * much as fits. */
void ring_copy(const struct ring *from, struct ring *to);

/* Producer: a push would be refused now. The consumer can only make this false. */
bool ring_full(const struct ring *r);

#endif
