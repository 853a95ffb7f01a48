/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

#include "ring.h"

enum { CAPACITY = 8, MANY = 200000 };

/* A torn copy shows: the three belong together. */
struct element {
    uint32_t number;
    uint64_t square;
    uint32_t inverse;
};

static struct element element(uint32_t n) {
    return (struct element){.number = n, .square = (uint64_t)n * n, .inverse = ~n};
}

static void assert_element(const struct element *e, uint32_t n) {
    assert_int_equal(e->number, n);
    assert_true(e->square == (uint64_t)n * n);
    assert_int_equal(e->inverse, (uint32_t)~n);
}

static void an_empty_ring_gives_nothing(void **state) {
    struct element storage[CAPACITY], e = element(7);
    struct ring r;
    (void)state;
    ring_init(&r, storage, CAPACITY, sizeof storage[0]);
    assert_false(ring_pop(&r, &e));
    assert_element(&e, 7);
}

static void a_full_ring_refuses_and_keeps_what_it_has(void **state) {
    struct element storage[CAPACITY], e;
    struct ring r;
    (void)state;
    ring_init(&r, storage, CAPACITY, sizeof storage[0]);
    for (uint32_t i = 0; i < CAPACITY; i++) {
        assert_false(ring_full(&r));
        e = element(i);
        assert_true(ring_push(&r, &e));
    }
    assert_true(ring_full(&r));
    e = element(99);
    assert_false(ring_push(&r, &e));
    for (uint32_t i = 0; i < CAPACITY; i++) {
        assert_true(ring_pop(&r, &e));
        assert_element(&e, i);
    }
    assert_false(ring_pop(&r, &e));
}

static void what_was_not_taken_is_copied_into_another_ring(void **state) {
    struct element storage[CAPACITY], other[CAPACITY], e;
    struct ring from, to;
    (void)state;
    ring_init(&from, storage, CAPACITY, sizeof storage[0]);
    ring_init(&to, other, CAPACITY, sizeof other[0]);
    for (uint32_t i = 0; i < CAPACITY; i++) {
        e = element(i);
        assert_true(ring_push(&from, &e));
    }
    assert_true(ring_pop(&from, &e)); /* 0 is taken */
    for (uint32_t i = 0; i < 3; i++) {
        e = element(100 + i);
        assert_true(ring_push(&to, &e));
    }
    ring_copy(&from, &to); /* room for five of the seven */
    assert_true(ring_full(&to));
    for (uint32_t i = 0; i < CAPACITY; i++) {
        assert_true(ring_pop(&to, &e));
        assert_element(&e, i < 3 ? 100 + i : i - 2);
    }
    assert_true(ring_pop(&from, &e)); /* what was copied is still there */
    assert_element(&e, 1);
}

/* 2^32 pushes are too many for a test: the counters start just before their end instead. */
static void order_is_kept_when_the_counters_wrap(void **state) {
    struct element storage[CAPACITY], e;
    struct ring r;
    (void)state;
    ring_init(&r, storage, CAPACITY, sizeof storage[0]);
    atomic_store(&r.head, UINT32_MAX - 2);
    atomic_store(&r.tail, UINT32_MAX - 2);
    for (uint32_t round = 0; round < 4; round++) {
        for (uint32_t i = 0; i < CAPACITY; i++) {
            e = element(round * CAPACITY + i);
            assert_true(ring_push(&r, &e));
        }
        assert_true(ring_full(&r));
        assert_false(ring_push(&r, &e));
        for (uint32_t i = 0; i < CAPACITY; i++) {
            assert_true(ring_pop(&r, &e));
            assert_element(&e, round * CAPACITY + i);
        }
        assert_false(ring_pop(&r, &e));
    }
    assert_int_equal(atomic_load(&r.head), (uint32_t)(UINT32_MAX - 2u + 4u * CAPACITY));
}

static void *produce(void *argument) {
    struct ring *r = argument;
    for (uint32_t i = 0; i < MANY; i++) {
        struct element e = element(i);
        while (!ring_push(r, &e)) {
            sched_yield();
        }
    }
    return NULL;
}

static void two_threads_lose_and_tear_nothing(void **state) {
    struct element storage[CAPACITY], e;
    struct ring r;
    pthread_t producer;
    (void)state;
    ring_init(&r, storage, CAPACITY, sizeof storage[0]);
    assert_int_equal(pthread_create(&producer, NULL, produce, &r), 0);
    for (uint32_t i = 0; i < MANY; i++) {
        while (!ring_pop(&r, &e)) {
            sched_yield();
        }
        assert_element(&e, i);
    }
    assert_int_equal(pthread_join(producer, NULL), 0);
    assert_false(ring_pop(&r, &e));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_ring_gives_nothing),
        cmocka_unit_test(a_full_ring_refuses_and_keeps_what_it_has),
        cmocka_unit_test(what_was_not_taken_is_copied_into_another_ring),
        cmocka_unit_test(order_is_kept_when_the_counters_wrap),
        cmocka_unit_test(two_threads_lose_and_tear_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
