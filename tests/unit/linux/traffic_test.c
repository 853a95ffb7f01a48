/* SPDX-License-Identifier: MIT */
/* The ring between the gateway thread and those who record. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "traffic.h"

static int set_up(void **state) {
    void *memory = NULL;
    assert_int_equal(posix_memalign(&memory, RING_CACHE_LINE, sizeof(struct traffic)), 0);
    memset(memory, 0, sizeof(struct traffic));
    traffic_init(memory);
    *state = memory;
    return 0;
}

static int tear_down(void **state) {
    free(*state);
    return 0;
}

static struct traffic_event pop(struct traffic *t) {
    struct traffic_event e;
    assert_true(traffic_pop(t, &e));
    return e;
}

static void events_come_as_they_were_pushed(void **state) {
    struct traffic *t = *state;
    const struct victron_frame frame = {0x351, 8, {1, 2, 3, 4, 5, 6, 7, 8}};
    const struct gateway_command command = {
        .sequence = 77, .kind = GATEWAY_WRITE_REGISTER, .addr = 306, .raw = 10000};
    uint8_t bytes[TRAFFIC_BYTES_MAX];
    struct traffic_event e;
    memset(bytes, 0xA5, sizeof bytes);
    traffic_mark(t, TRAFFIC_START, 1);
    traffic_bytes(t, TRAFFIC_UART_RX, bytes, sizeof bytes, 2);
    traffic_frame(t, TRAFFIC_CAN_LOST, &frame, 3);
    traffic_command(t, &command, 4);
    traffic_link(t, TRAFFIC_CAN_LINK, true, 5);
    e = pop(t);
    assert_true(e.kind == TRAFFIC_START && e.at_us == 1);
    e = pop(t);
    assert_true(e.kind == TRAFFIC_UART_RX && e.at_us == 2 && e.n == sizeof bytes);
    assert_memory_equal(e.bytes, bytes, sizeof bytes);
    e = pop(t);
    assert_true(e.kind == TRAFFIC_CAN_LOST && e.at_us == 3);
    assert_memory_equal(&e.frame, &frame, sizeof frame);
    e = pop(t);
    assert_true(e.kind == TRAFFIC_COMMAND && e.command.addr == 306 && e.command.raw == 10000);
    assert_int_equal(e.command.sequence, 0);
    e = pop(t);
    assert_true(e.kind == TRAFFIC_CAN_LINK && e.up);
    assert_false(traffic_pop(t, &e));
}

static void a_full_ring_drops_and_says_how_many_and_what_was_up(void **state) {
    struct traffic *t = *state;
    struct traffic_event e;
    traffic_link(t, TRAFFIC_UART_LINK, true, 1);
    for (uint64_t i = 1; i < TRAFFIC_SLOTS; i++) {
        traffic_mark(t, TRAFFIC_TURN, 1 + i);
    }
    traffic_link(t, TRAFFIC_CAN_LINK, true, 9000); /* dropped from here on */
    traffic_link(t, TRAFFIC_UART_LINK, false, 9001);
    traffic_mark(t, TRAFFIC_TURN, 9002);
    for (uint64_t i = 0; i < TRAFFIC_SLOTS; i++) {
        assert_true(pop(t).at_us == 1 + i);
    }
    assert_false(traffic_pop(t, &e)); /* told with the next one */
    traffic_link(t, TRAFFIC_CAN_LINK, false, 9003);
    e = pop(t);
    assert_true(e.kind == TRAFFIC_MISSED && e.at_us == 9003);
    assert_int_equal(e.missed.count, 3);
    assert_true(!e.missed.uart_up && e.missed.can_up);
    e = pop(t);
    assert_true(e.kind == TRAFFIC_CAN_LINK && !e.up);
    assert_false(traffic_pop(t, &e));
}

/* One place is free: it is taken by the count, and the event itself is the next one missed. */
static void a_ring_that_is_nearly_full_loses_no_count(void **state) {
    struct traffic *t = *state;
    struct traffic_event e;
    uint64_t events = 0;
    for (uint64_t i = 0; i < TRAFFIC_SLOTS + 5; i++) {
        traffic_mark(t, TRAFFIC_TURN, i);
    }
    for (int i = 0; i < 3; i++) {
        (void)pop(t);
        events++;
        traffic_mark(t, TRAFFIC_TURN, 10000);
    }
    while (traffic_pop(t, &e)) {
        events += e.kind == TRAFFIC_MISSED ? e.missed.count : 1;
    }
    traffic_mark(t, TRAFFIC_TURN, 10001);
    while (traffic_pop(t, &e)) {
        events += e.kind == TRAFFIC_MISSED ? e.missed.count : 1;
    }
    assert_int_equal(events, TRAFFIC_SLOTS + 5 + 3 + 1);
}

static void the_services_are_woken_now_and_then(void **state) {
    struct traffic *t = *state;
    for (int round = 0; round < 3; round++) {
        for (int i = 1; i < TRAFFIC_TELL_EVERY; i++) {
            traffic_mark(t, TRAFFIC_TURN, 1);
            assert_false(t->tell);
        }
        traffic_mark(t, TRAFFIC_TURN, 1);
        assert_true(t->tell);
        t->tell = false;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(events_come_as_they_were_pushed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_ring_drops_and_says_how_many_and_what_was_up, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_ring_that_is_nearly_full_loses_no_count, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_services_are_woken_now_and_then, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
