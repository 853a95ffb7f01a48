/* SPDX-License-Identifier: MIT */
/* The arithmetic of ring.c, apart from its atomics, so that it can be proved.
 *
 * A counter runs for ever and wraps at 2^32; a capacity is a power of two, so the place of an
 * element does not jump where the counter wraps. The wrapping is written out; it compiles to a
 * subtraction and an addition. */
#ifndef PORTS_LINUX_RING_INDEX_H
#define PORTS_LINUX_RING_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*@ logic integer ring_distance(integer head, integer tail) =
        head >= tail ? head - tail : head - tail + 0x100000000; */

/* How many elements are between the counters. */
/*@ assigns \nothing;
    ensures \result == ring_distance(head, tail); */
static inline uint32_t ring_held(uint32_t head, uint32_t tail) {
    return head >= tail ? head - tail : UINT32_MAX - tail + head + 1;
}

/* The counter after this one. With room for one more it is one element farther. */
/*@ assigns \nothing;
    ensures \forall integer other; 0 <= other <= UINT32_MAX &&
        ring_distance(count, other) < UINT32_MAX ==>
        ring_distance(\result, other) == ring_distance(count, other) + 1;
    ensures \forall integer other; 0 <= other <= UINT32_MAX && other != count ==>
        ring_distance(other, \result) == ring_distance(other, count) - 1; */
static inline uint32_t ring_next(uint32_t count) {
    return count < UINT32_MAX ? count + 1 : 0;
}

/* Where in the storage the element of a counter begins; it ends within the storage too. */
/*@ requires capacity > 0 && element_size > 0 && capacity * element_size <= SIZE_MAX;
    assigns \nothing;
    ensures \result + element_size <= capacity * element_size;
    ensures \result == (count % capacity) * element_size; */
static inline size_t ring_offset(uint32_t count, uint32_t capacity, uint32_t element_size) {
    return (size_t)(count % capacity) * element_size;
}

#endif
