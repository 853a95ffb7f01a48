/* SPDX-License-Identifier: MIT */
/* The latest gateway_snapshot, from the gateway thread to one reader: a triple buffer. The writer
 * always has a slot of its own to fill, the reader one to read, and the third changes hands by one
 * atomic exchange: neither ever waits, and the reader never sees half a snapshot. */
#ifndef PORTS_LINUX_SNAPSHOT_H
#define PORTS_LINUX_SNAPSHOT_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>

#include "gateway/gateway.h"
#include "ring.h"

struct snapshot_buffer {
    alignas(RING_CACHE_LINE) _Atomic uint32_t middle; /* slot number, and SNAPSHOT_FRESH */
    alignas(RING_CACHE_LINE) uint32_t writing;        /* the writer's slot */
    alignas(RING_CACHE_LINE) uint32_t reading;        /* the reader's slot */
    bool seen;                                        /* the reader has had one */
    struct gateway_snapshot slot[3];
};

/* Before either thread uses it. */
void snapshot_buffer_init(struct snapshot_buffer *b);

/* Writer: the slot to fill; then publish it. What is in it before is an old snapshot. */
struct gateway_snapshot *snapshot_buffer_begin(struct snapshot_buffer *b);
void snapshot_buffer_publish(struct snapshot_buffer *b);

/* Reader: the latest published snapshot, valid until the next call; NULL before the first. */
const struct gateway_snapshot *snapshot_buffer_latest(struct snapshot_buffer *b);

#endif
