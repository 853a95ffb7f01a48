/* SPDX-License-Identifier: MIT */
/* The last minutes in memory, and those who read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder.h"
#include "recording_reader.h"

enum { CLOCK_S = 1767220000 };

struct fixture {
    struct recorder recorder;
    struct settings settings;
    uint64_t now_us;
    struct recorder_cursor cursor;
    char text[RECORDER_BYTES + 4 * RECORDER_HEADER_MAX];
    size_t n, at;
    struct recording_reader reader;
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    settings_defaults(&f->settings);
    f->now_us = UINT64_C(5600000000);
    recorder_init(&f->recorder, "gw", &f->settings, CLOCK_S * UINT64_C(1000));
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    free(*state);
    return 0;
}

static void take(struct fixture *f, const struct traffic_event *e) {
    struct traffic_event now = *e;
    now.at_us = f->now_us += 1000;
    recorder_take(&f->recorder, &now, &f->settings);
}

static void take_kind(struct fixture *f, enum traffic_kind kind) {
    take(f, &(struct traffic_event){.kind = (uint8_t)kind});
}

static void take_link(struct fixture *f, enum traffic_kind kind, bool up) {
    take(f, &(struct traffic_event){.kind = (uint8_t)kind, .up = up});
}

/* As many events as overwrite everything that is kept: lines of 34 + 480 characters. */
static void fill(struct fixture *f) {
    struct traffic_event e = {.kind = TRAFFIC_UART_RX, .n = TRAFFIC_BYTES_MAX};
    for (int i = 0; i < RECORDER_BYTES / 500; i++) {
        take(f, &e);
    }
}

/* All that the cursor has now, behind what there is. */
static void read_more(struct fixture *f) {
    for (size_t got = 1; got != 0;) {
        assert_true(sizeof f->text - f->n >= RECORDER_HEADER_MAX);
        got = recorder_read(&f->recorder, &f->cursor, NULL, f->text + f->n, sizeof f->text - f->n);
        assert_true(got == 0 || f->text[f->n + got - 1] == '\n');
        f->n += got;
    }
}

static size_t read_text(void *context, char *buf, size_t cap) {
    struct fixture *f = context;
    size_t n = f->n - f->at < cap ? f->n - f->at : cap;
    memcpy(buf, f->text + f->at, n);
    f->at += n;
    return n;
}

static void open_reader(struct fixture *f) {
    f->at = 0;
    recording_reader_init(&f->reader, read_text, NULL, f);
}

/* Reads to the end; the number of events, the last of them in *last. */
static unsigned long events_of(struct fixture *f, struct recording_item *last) {
    struct recording_item item;
    unsigned long events = 0;
    open_reader(f);
    while (recording_reader_next(&f->reader, &item)) {
        if (item.kind == RECORDING_NEXT) {
            events++;
            *last = item;
        }
    }
    assert_int_equal(f->reader.counts.malformed + f->reader.counts.torn, 0);
    return events;
}

static void what_was_taken_comes_out_behind_a_header(void **state) {
    struct fixture *f = *state;
    static const char want[] =
        "# uart0-link down\n# can0-link down\n(1767225600.001000) gateway start\n"
        "(1767225600.002000) uart0-link up\n(1767225600.003000) turn\n";
    take_kind(f, TRAFFIC_START);
    take_link(f, TRAFFIC_UART_LINK, true);
    take_kind(f, TRAFFIC_TURN);
    recorder_begin(&f->recorder, "", false, &f->cursor);
    assert_false(recorder_ended(&f->cursor));
    read_more(f);
    assert_true(recorder_ended(&f->cursor));
    assert_memory_equal(f->text, "# tinybms-gw recording format=1 version=", 40);
    assert_non_null(strstr(f->text, " gateway=gw event=0 clock=1767220000000\n"));
    assert_non_null(strstr(f->text, "\n# set tinybms.poll_interval_ms=100\n"));
    assert_string_equal(f->text + f->n - strlen(want), want);
}

static void nothing_yet_is_a_header_and_then_what_comes(void **state) {
    struct fixture *f = *state;
    struct recording_item last;
    recorder_begin(&f->recorder, "", true, &f->cursor);
    read_more(f);
    size_t header = f->n;
    assert_true(header > 0);
    read_more(f);
    assert_int_equal(f->n, header);
    take_kind(f, TRAFFIC_START);
    read_more(f);
    assert_int_equal(events_of(f, &last), 1);
    assert_int_equal(last.event.kind, TRAFFIC_START);
    assert_false(recorder_ended(&f->cursor));
}

/* Links, settings and clock of before what is kept stand in its header, not those of now. */
static void the_oldest_line_kept_has_the_header_of_its_time(void **state) {
    struct fixture *f = *state;
    struct recording_item item;
    take_kind(f, TRAFFIC_START);
    take_link(f, TRAFFIC_UART_LINK, true);
    take_link(f, TRAFFIC_CAN_LINK, true);
    f->settings.cvl.margin_mv = 300;
    take_kind(f, TRAFFIC_CONFIGURED);
    recorder_set_clock(&f->recorder, f->now_us, CLOCK_S * UINT64_C(1000) + 60000);
    fill(f);
    f->settings.cvl.margin_mv = 400;
    take_kind(f, TRAFFIC_CONFIGURED);
    take_link(f, TRAFFIC_CAN_LINK, false);
    recorder_set_clock(&f->recorder, f->now_us, CLOCK_S * UINT64_C(1000) + 120000);
    take_kind(f, TRAFFIC_TURN);
    assert_true(f->recorder.end - f->recorder.begin <= RECORDER_BYTES);
    assert_true(f->recorder.end - f->recorder.begin > RECORDER_BYTES - RECORDING_LINE_MAX);

    recorder_begin(&f->recorder, "", false, &f->cursor);
    read_more(f);
    open_reader(f);
    assert_true(recording_reader_next(&f->reader, &item));
    assert_int_equal(item.kind, RECORDING_BEGINS);
    assert_true(item.uart_up && item.can_up);
    assert_int_equal(item.settings->cvl.margin_mv, 300);
    assert_true(item.clock_ms == CLOCK_S * UINT64_C(1000) + 60000);
    assert_true(f->reader.event > 5);
    while (recording_reader_next(&f->reader, &item)) {
    }
    assert_int_equal(item.event.kind, TRAFFIC_TURN);
    assert_true(item.event.at_us == f->now_us);
    assert_int_equal(f->reader.good.cvl.margin_mv, 400);
    assert_true(f->reader.event == f->recorder.last.event);
    assert_int_equal(f->reader.counts.malformed + f->reader.counts.missed, 0);
}

static void a_reader_goes_on_where_its_token_says(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *token;
        unsigned long events; /* of 100; number 40 is the first of the last 60 */
    } cases[] = {
        {"gw:40", 60},  {"gw:0", 100},   {"gw:100", 0},  {"gw:101", 100},
        {"gx:40", 100}, {"gw:", 100},    {"gw", 100},    {"", 100},
        {":40", 100},   {"gw:40x", 100}, {"gw:-1", 100}, {"gw:99999999999999999999", 100},
    };
    for (int i = 0; i < 100; i++) {
        take_kind(f, TRAFFIC_TURN);
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct recording_item last;
        f->n = 0;
        recorder_begin(&f->recorder, cases[i].token, false, &f->cursor);
        read_more(f);
        unsigned long events = events_of(f, &last);
        /* "gw:" is event 0 */
        if (events != cases[i].events) {
            fail_msg("%s: %lu", cases[i].token, events);
        }
        assert_true(events == 0 || f->reader.event == 100);
    }
}

static void a_slow_reader_misses_and_knows_how_much(void **state) {
    struct fixture *f = *state;
    struct recording_item last;
    take_kind(f, TRAFFIC_START);
    take_link(f, TRAFFIC_UART_LINK, true);
    recorder_begin(&f->recorder, "", true, &f->cursor);
    read_more(f);
    fill(f);
    fill(f);
    const uint64_t oldest = f->recorder.first.event;
    assert_true(oldest > 1000);
    read_more(f);
    assert_int_equal(events_of(f, &last), 2 + f->recorder.last.event - oldest);
    assert_int_equal(f->reader.counts.missed, oldest - 2);
}

static void what_the_services_missed_is_a_gap(void **state) {
    struct fixture *f = *state;
    struct recording_item last;
    take_kind(f, TRAFFIC_START);
    f->settings.cvl.margin_mv = 500; /* the event that said so is among those missed */
    take(f, &(struct traffic_event){.kind = TRAFFIC_MISSED, .missed = {25, true, false}});
    take_kind(f, TRAFFIC_TURN);
    assert_int_equal(f->recorder.last.event, 27);
    assert_true(f->recorder.last.uart_up && !f->recorder.last.can_up);
    recorder_begin(&f->recorder, "", false, &f->cursor);
    read_more(f);
    assert_int_equal(events_of(f, &last), 2);
    assert_int_equal(f->reader.counts.missed, 25);
    assert_int_equal(f->reader.settings.cvl.margin_mv, 500);
}

static void small_changes_of_the_wall_clock_wait_until_they_add_up(void **state) {
    struct fixture *f = *state;
    const uint64_t clock_ms = CLOCK_S * UINT64_C(1000);
    recorder_set_clock(&f->recorder, f->now_us, clock_ms + RECORDER_CLOCK_STEP_MS - 1);
    recorder_set_clock(&f->recorder, f->now_us, clock_ms - RECORDER_CLOCK_STEP_MS + 1);
    assert_true(f->recorder.end == 0);
    recorder_set_clock(&f->recorder, f->now_us, clock_ms - RECORDER_CLOCK_STEP_MS);
    assert_true(f->recorder.last.clock_ms == clock_ms - RECORDER_CLOCK_STEP_MS);
    assert_true(f->recorder.end != 0);
}

static void places_are_told_often_enough_to_find_one_at_the_end(void **state) {
    struct fixture *f = *state;
    fill(f);
    recorder_begin(&f->recorder, "", false, &f->cursor);
    read_more(f);
    unsigned places = 0;
    for (char *at = f->text; (at = strstr(at, "\n# place gateway=gw event=")) != NULL; at++) {
        places++;
    }
    assert_in_range(places, RECORDER_BYTES / RECORDER_PLACE_EVERY - 4,
                    RECORDER_BYTES / RECORDER_PLACE_EVERY);
}

/* The registers of the header, in runs: what is not known is not there. */
static void registers_that_are_known_stand_in_the_header(void **state) {
    struct fixture *f = *state;
    struct tinybms_image image;
    const uint16_t words[] = {4200, 3000, 0, 3200};
    tinybms_image_init(&image);
    tinybms_image_store(&image, 300, words, 2, 1);
    tinybms_image_store(&image, 303, words + 3, 1, 1);
    for (uint16_t i = 0; i < 54; i++) {
        tinybms_image_store(&image, i, &i, 1, 1);
    }
    recorder_begin(&f->recorder, "", false, &f->cursor);
    f->n = recorder_read(&f->recorder, &f->cursor, &image, f->text, sizeof f->text);
    assert_non_null(strstr(f->text, "\n# registers 0 0000 0001 0002 0003 0004 0005 0006 0007 0008 "
                                    "0009 000A 000B 000C 000D 000E 000F\n# registers 16 0010 "));
    assert_non_null(strstr(f->text, "\n# registers 48 0030 0031 0032 0033 0034 0035\n"));
    assert_non_null(strstr(f->text, "\n# registers 300 1068 0BB8\n# registers 303 0C80\n#"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_taken_comes_out_behind_a_header, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(nothing_yet_is_a_header_and_then_what_comes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_oldest_line_kept_has_the_header_of_its_time, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_reader_goes_on_where_its_token_says, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_slow_reader_misses_and_knows_how_much, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_services_missed_is_a_gap, set_up, tear_down),
        cmocka_unit_test_setup_teardown(small_changes_of_the_wall_clock_wait_until_they_add_up,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(places_are_told_often_enough_to_find_one_at_the_end, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(registers_that_are_known_stand_in_the_header, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
