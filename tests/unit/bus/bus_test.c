/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "bus/bus.h"

struct seen {
    struct bus *bus;
    char order[16];
    unsigned n;
    struct bus_event last;
};

static void mark(struct seen *s, char c, const struct bus_event *e) {
    if (s->n < sizeof s->order - 1) {
        s->order[s->n++] = c;
    }
    s->last = *e;
}

static void on_sample_a(void *context, const struct bus_event *e) {
    mark(context, 'a', e);
}

static void on_sample_b(void *context, const struct bus_event *e) {
    static const int limits = 5;
    struct seen *s = context;
    mark(s, 'b', e);
    bus_publish(s->bus, BUS_LIMITS, BUS_FROM_POLICY, &limits, e->at_ms);
}

static void on_limits(void *context, const struct bus_event *e) {
    mark(context, 'l', e);
}

static void on_gx_again(void *context, const struct bus_event *e) {
    struct seen *s = context;
    mark(s, 'g', e);
    bus_publish(s->bus, BUS_GX, BUS_FROM_VICTRON, e->value, e->at_ms);
}

static const struct bus_subscriber table[] = {
    {"a", BUS_SAMPLE, on_sample_a},
    {"b", BUS_SAMPLE, on_sample_b},
    {"limits", BUS_LIMITS, on_limits},
    {"again", BUS_GX, on_gx_again},
};

static void an_event_reaches_its_subscribers_in_table_order(void **state) {
    (void)state;
    struct bus b;
    struct seen s = {.bus = &b};
    int value = 1;
    bus_init(&b, table, 4, &s);
    bus_publish(&b, BUS_SAMPLE, BUS_FROM_BMS, &value, 42);
    assert_string_equal(s.order, "abl"); /* limits published from inside b */
    assert_int_equal(b.counters.published[BUS_SAMPLE], 1);
    assert_int_equal(b.counters.published[BUS_LIMITS], 1);
    assert_int_equal(b.counters.delivered[0], 1);
    assert_int_equal(b.counters.delivered[1], 1);
    assert_int_equal(b.counters.delivered[2], 1);
    assert_int_equal(b.counters.delivered[3], 0);
    assert_int_equal(b.counters.dropped, 0);
}

static void the_latest_event_is_kept_with_sequence_time_and_source(void **state) {
    (void)state;
    struct bus b;
    struct seen s = {.bus = &b};
    int first = 1;
    int second = 2;
    bus_init(&b, table, 4, &s);
    assert_null(bus_latest(&b, BUS_SAMPLE));
    bus_publish(&b, BUS_SAMPLE, BUS_FROM_BMS, &first, 10);
    bus_publish(&b, BUS_SAMPLE, BUS_FROM_GATEWAY, &second, 20);
    const struct bus_event *e = bus_latest(&b, BUS_SAMPLE);
    assert_non_null(e);
    assert_ptr_equal(e->value, &second);
    assert_int_equal(e->sequence, 2);
    assert_int_equal(e->at_ms, 20);
    assert_int_equal(e->source, BUS_FROM_GATEWAY);
    assert_null(bus_latest(&b, BUS_GX));
}

static void a_type_inside_itself_is_dropped_and_counted(void **state) {
    (void)state;
    struct bus b;
    struct seen s = {.bus = &b};
    int value = 1;
    bus_init(&b, table, 4, &s);
    bus_publish(&b, BUS_GX, BUS_FROM_VICTRON, &value, 1);
    assert_string_equal(s.order, "g");
    assert_int_equal(b.counters.dropped, 1);
    assert_int_equal(b.counters.published[BUS_GX], 1);
    bus_publish(&b, BUS_GX, BUS_FROM_VICTRON, &value, 2); /* the next one from outside passes */
    assert_string_equal(s.order, "gg");
}

static void every_type_has_its_own_word(void **state) {
    (void)state;
    for (int a = 0; a < BUS_TYPE_COUNT; a++) {
        for (int b = a + 1; b <= BUS_TYPE_COUNT; b++) {
            assert_string_not_equal(bus_type_text((enum bus_type)a),
                                    bus_type_text((enum bus_type)b));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_reaches_its_subscribers_in_table_order),
        cmocka_unit_test(the_latest_event_is_kept_with_sequence_time_and_source),
        cmocka_unit_test(a_type_inside_itself_is_dropped_and_counted),
        cmocka_unit_test(every_type_has_its_own_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
