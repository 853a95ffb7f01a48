/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "snapshot.h"

enum { MANY = 20000 };

static struct snapshot_buffer buffer;

/* The first and the last member and some between them: half a copy shows. */
static void fill(struct gateway_snapshot *s, uint32_t n) {
    s->now_ms = n;
    s->battery.pack_mv = n;
    s->limits.cvl_mv = n;
    s->image.word[TINYBMS_IMAGE_WORDS - 1] = (uint16_t)n;
    s->log_dropped = n;
}

static uint32_t number_of(const struct gateway_snapshot *s) {
    uint32_t n = s->log_dropped;
    assert_true(s->now_ms == n);
    assert_int_equal(s->battery.pack_mv, n);
    assert_int_equal(s->limits.cvl_mv, n);
    assert_int_equal(s->image.word[TINYBMS_IMAGE_WORDS - 1], (uint16_t)n);
    return n;
}

static void publish(uint32_t n) {
    fill(snapshot_buffer_begin(&buffer), n);
    snapshot_buffer_publish(&buffer);
}

static void there_is_none_before_the_first(void **state) {
    (void)state;
    snapshot_buffer_init(&buffer);
    assert_null(snapshot_buffer_latest(&buffer));
    fill(snapshot_buffer_begin(&buffer), 1);
    assert_null(snapshot_buffer_latest(&buffer));
}

static void the_latest_one_is_read_and_stays(void **state) {
    (void)state;
    snapshot_buffer_init(&buffer);
    publish(1);
    publish(2);
    publish(3);
    assert_int_equal(number_of(snapshot_buffer_latest(&buffer)), 3);
    assert_int_equal(number_of(snapshot_buffer_latest(&buffer)), 3);
}

/* However often the writer publishes: what the reader holds is not touched. */
static void what_is_being_read_is_not_written(void **state) {
    (void)state;
    snapshot_buffer_init(&buffer);
    publish(1);
    const struct gateway_snapshot *held = snapshot_buffer_latest(&buffer);
    for (uint32_t i = 2; i < 20; i++) {
        publish(i);
        fill(snapshot_buffer_begin(&buffer), 1000 + i); /* begun, not published */
        assert_int_equal(number_of(held), 1);
    }
    assert_int_equal(number_of(snapshot_buffer_latest(&buffer)), 19);
}

static void *write_many(void *argument) {
    (void)argument;
    for (uint32_t i = 1; i <= MANY; i++) {
        publish(i);
    }
    return NULL;
}

static void two_threads_see_whole_snapshots_that_never_go_back(void **state) {
    pthread_t writer;
    uint32_t last = 0;
    (void)state;
    snapshot_buffer_init(&buffer);
    assert_int_equal(pthread_create(&writer, NULL, write_many, NULL), 0);
    while (last < MANY) {
        const struct gateway_snapshot *s = snapshot_buffer_latest(&buffer);
        if (s == NULL) {
            sched_yield();
            continue;
        }
        uint32_t n = number_of(s);
        assert_true(n >= last);
        last = n;
    }
    assert_int_equal(pthread_join(writer, NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_is_none_before_the_first),
        cmocka_unit_test(the_latest_one_is_read_and_stays),
        cmocka_unit_test(what_is_being_read_is_not_written),
        cmocka_unit_test(two_threads_see_whole_snapshots_that_never_go_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
