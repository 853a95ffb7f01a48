/* SPDX-License-Identifier: MIT */
/* Recordings as they come back from the world: cut, joined, edited, spoilt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recording_reader.h"
#include "recording_rig.h"

#define HEADER_OF(gateway, event)                                                                  \
    "# tinybms-gw recording format=1 version=1 gateway=" gateway " event=" event                   \
    " clock=1767220000000\n"
#define HEADER     HEADER_OF("a", "0")
#define T(seconds) "(17672256" seconds ".000000) "
/* What such a time is on the monotonic clock. */
#define US(seconds) (UINT64_C(56##seconds) * 1000000)

struct source {
    const char *text;
    size_t n, at, portion;
    unsigned complaints;
    unsigned long line; /* of the last one */
    char why[256];
    struct recording_reader reader;
};

static size_t read_text(void *context, char *buf, size_t cap) {
    struct source *t = context;
    size_t n = t->n - t->at < t->portion ? t->n - t->at : t->portion;
    n = n < cap ? n : cap;
    memcpy(buf, t->text + t->at, n);
    t->at += n;
    return n;
}

static void complain(void *context, unsigned long line, const char *why) {
    struct source *t = context;
    t->complaints++;
    t->line = line;
    (void)snprintf(t->why, sizeof t->why, "%s", why);
}

static void open_bytes(struct source *t, const char *text, size_t n) {
    memset(t, 0, sizeof *t);
    t->text = text;
    t->n = n;
    t->portion = SIZE_MAX;
    recording_reader_init(&t->reader, read_text, complain, t);
}

static void open_text(struct source *t, const char *text) {
    open_bytes(t, text, strlen(text));
}

/* What comes out, a letter each: B begins, G gap, and events by s start, t turn, c configured, < >
 * x UART, R T L CAN, l link, m command. */
static const char *letters(struct source *t) {
    static char out[256];
    static const char event[] = {'s', 't', '<', '>', 'x', 'R', 'T', 'L', 'l', 'l', 'm', 'c', '?'};
    struct recording_item item;
    size_t n = 0;
    while (recording_reader_next(&t->reader, &item)) {
        assert_true(n + 1 < sizeof out);
        switch (item.kind) {
        case RECORDING_BEGINS:
            out[n++] = 'B';
            break;
        case RECORDING_GAP:
            out[n++] = 'G';
            break;
        case RECORDING_NEXT:
            out[n++] = event[item.event.kind];
            break;
        }
    }
    out[n] = '\0';
    return out;
}

static void a_gateway_begins_with_its_settings_registers_and_links(void **state) {
    static struct source t;
    struct recording_item item;
    uint16_t word = 0;
    (void)state;
    open_text(&t, HEADER "# set tinybms.poll_interval_ms=250\n"
                         "# registers 300 1068 0BB8\n"
                         "# uart0-link up\n"
                         "# can0-link down\n" T("00") "turn\n" T("01") "uart0 < AA\n");
    assert_true(recording_reader_next(&t.reader, &item));
    assert_int_equal(item.kind, RECORDING_BEGINS);
    assert_int_equal(item.settings->tinybms.poll_interval_ms, 250);
    assert_true(item.uart_up && !item.can_up);
    assert_true(item.clock_ms == UINT64_C(1767220000000));
    assert_true(tinybms_image_get(item.image, 301, &word) && word == 3000);
    assert_false(tinybms_image_get(item.image, 302, &word));
    assert_true(recording_reader_next(&t.reader, &item));
    assert_int_equal(item.kind, RECORDING_NEXT);
    assert_int_equal(item.event.kind, TRAFFIC_TURN);
    assert_true(item.event.at_us == US(00));
    assert_true(recording_reader_next(&t.reader, &item));
    assert_true(item.event.at_us == US(01) && item.event.n == 1 && item.event.bytes[0] == 0xAA);
    assert_false(recording_reader_next(&t.reader, &item));
    assert_int_equal(t.reader.counts.lines, 7);
    assert_int_equal(t.complaints, 0);
}

static void what_pieces_say_once_comes_once(void **state) {
    static const struct {
        const char *what, *text, *letters;
        uint64_t missed;
        unsigned long torn, twice, malformed;
    } cases[] = {
        {"nothing", "", "", 0, 0, 0, 0},
        {"a header alone", HEADER, "", 0, 0, 0, 0},
        {"two events", HEADER T("00") "gateway start\n" T("00") "turn\n", "Bst", 0, 0, 0, 0},
        {"lines of another system",
         "# tinybms-gw recording format=1 version=1 gateway=a event=0 "
         "clock=1767220000000\r\n" T("00") "turn\r\n",
         "Bt", 0, 0, 0, 0},
        {"a piece that goes on", HEADER T("00") "turn\n" HEADER_OF("a", "1") T("01") "turn\n",
         "Btt", 0, 0, 0, 0},
        {"a piece that overlaps",
         HEADER T("00") "turn\n" T("01") "uart0 < 01\n" HEADER_OF("a", "1")
             T("01") "uart0 < 01\n" T("02") "uart0 > 02\n",
         "Bt<>", 0, 0, 1, 0},
        {"the same piece again",
         HEADER T("00") "turn\n" T("01") "turn\n" HEADER T("00") "turn\n" T("01") "turn\n", "Btt",
         0, 0, 2, 0},
        {"a gap between pieces", HEADER T("00") "turn\n" HEADER_OF("a", "5") T("01") "turn\n",
         "BtGt", 4, 0, 0, 0},
        {"missed events",
         HEADER T("00") "turn\n" T("01") "missed 7 uart0-link up can0-link up\n" T("02") "turn\n",
         "BtGt", 7, 0, 0, 0},
        {"missed events, told twice",
         HEADER T("00") "turn\n" T("01") "missed 7 uart0-link up can0-link up\n" HEADER_OF("a", "1")
             T("01") "missed 7 uart0-link up can0-link up\n" T("02") "turn\n",
         "BtGt", 7, 0, 1, 0},
        {"missed events of which a part came",
         HEADER T("00") "turn\n" T("01") "turn\n" HEADER_OF("a", "1")
             T("02") "missed 7 uart0-link up can0-link up\n" T("03") "turn\n",
         "BttGt", 6, 0, 0, 0},
        {"lines taken out, seen at the next place",
         HEADER T("00") "turn\n# place gateway=a event=3\n" T("01") "turn\n", "BtGt", 2, 0, 0, 0},
        {"a place that is right",
         HEADER T("00") "turn\n# place gateway=a event=1\n" T("01") "turn\n", "Btt", 0, 0, 0, 0},
        {"another gateway", HEADER T("05") "turn\n" HEADER_OF("b", "0") T("00") "gateway start\n",
         "BtBs", 0, 0, 0, 0},
        {"and the first one again",
         HEADER T("05") "turn\n" HEADER_OF("b", "7") T("00") "turn\n" HEADER_OF("a", "1")
             T("06") "turn\n",
         "BtBtBt", 0, 0, 0, 0},
        {"a torn end", HEADER T("00") "turn\n" T("01") "uart0 < AA03", "Bt", 0, 1, 0, 0},
        {"a torn end that looks whole", HEADER T("00") "turn\n" T("01") "turn", "Bt", 0, 1, 0, 0},
        {"a torn line, marked",
         HEADER T("00") "turn\n" T("01") "uart0 < AA03~\n" HEADER_OF("a", "1")
             T("01") "uart0 < AA0355\n",
         "Bt<", 0, 1, 0, 0},
        {"a torn line, a header behind it",
         HEADER T("00") "turn\n" T("01") "uart0 < AA03" HEADER_OF("a", "1")
             T("01") "uart0 < AA0355\n",
         "Bt<", 0, 1, 0, 0},
        {"a line of something else", HEADER T("00") "turn\nhello\n" T("01") "turn\n", "Btt", 0, 0,
         0, 1},
        {"time that goes back", HEADER T("05") "turn\n" T("04") "turn\n" T("05") "turn\n", "BtGt",
         1, 0, 0, 1},
        {"a time before the machine was on", HEADER "(1767219999.999999) turn\n" T("00") "turn\n",
         "Bt", 0, 0, 0, 1},
        {"events without a header", T("00") "turn\n" T("00") "turn\n" HEADER T("01") "turn\n", "Bt",
         0, 0, 0, 2},
        {"a header of a later format",
         HEADER T("00") "turn\n# tinybms-gw recording format=2 x\n(later) something\n" T(
             "01") "turn\n" HEADER_OF("a", "1") T("01") "turn\n",
         "Btt", 0, 0, 0, 3},
        {"a comment", HEADER "# here it tripped\n\n" T("00") "turn\n", "Bt", 0, 0, 0, 0},
    };
    static struct source t;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t portion = 1; portion < 8; portion += 3) {
            open_text(&t, cases[i].text);
            t.portion = portion;
            const char *got = letters(&t);
            const struct recording_counts *c = &t.reader.counts;
            if (strcmp(got, cases[i].letters) != 0 || c->missed != cases[i].missed ||
                c->torn != cases[i].torn || c->twice != cases[i].twice ||
                c->malformed != cases[i].malformed) {
                fail_msg("%s: %s; missed %llu torn %lu twice %lu malformed %lu", cases[i].what, got,
                         (unsigned long long)c->missed, c->torn, c->twice, c->malformed);
            }
        }
    }
}

static void settings_are_those_in_force(void **state) {
    static struct source t;
    struct recording_item item;
    (void)state;
    open_text(&t, HEADER T("00") "turn\n" T("01") "set cvl.margin_mv=300\n" T(
                      "01") "gateway configured\n" T("02") "turn\n");
    assert_true(recording_reader_next(&t.reader, &item)); /* begins: the defaults */
    assert_int_equal(item.settings->cvl.margin_mv, 0);
    assert_true(recording_reader_next(&t.reader, &item));
    assert_true(recording_reader_next(&t.reader, &item));
    assert_int_equal(item.event.kind, TRAFFIC_CONFIGURED);
    assert_int_equal(item.settings->cvl.margin_mv, 300);
}

static void settings_that_cannot_be_are_left_out(void **state) {
    static const struct {
        const char *what, *line, *why;
    } cases[] = {
        {"unknown", "# set engine.oil=5\n", "engine.oil"},
        {"out of range", "# set tinybms.poll_interval_ms=1\n", "tinybms.poll_interval_ms"},
        {"against each other", "# set tinybms.stale_zero_ms=5000\n", "tinybms.stale_zero_ms"},
    };
    static struct source t;
    struct recording_item item;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        struct settings defaults;
        settings_defaults(&defaults);
        (void)snprintf(text, sizeof text, HEADER "%s" T("00") "turn\n", cases[i].line);
        open_text(&t, text);
        assert_true(recording_reader_next(&t.reader, &item));
        assert_int_equal(t.complaints, 1);
        assert_int_equal(t.reader.counts.malformed, 1);
        assert_non_null(strstr(t.why, cases[i].why));
        assert_memory_equal(item.settings, &defaults, sizeof defaults);
    }
}

/* The wall clock is set forward an hour between two events 1 s apart, then back two. */
static void the_wall_clock_may_be_set(void **state) {
    static struct source t;
    struct recording_item item;
    (void)state;
    open_text(&t,
              HEADER T("00") "turn\n" T("00") "clock 1767223600000\n"
                                              "(1767229201.000000) turn\n(1767229201.000000) clock "
                                              "1767216400000\n(1767222002.000000) turn\n");
    for (uint64_t seconds = 5600; seconds <= 5602; seconds++) {
        assert_true(recording_reader_next(&t.reader, &item));
        if (item.kind == RECORDING_BEGINS) {
            assert_true(recording_reader_next(&t.reader, &item));
        }
        assert_true(item.event.at_us == seconds * 1000000);
    }
    assert_true(item.clock_ms == UINT64_C(1767216400000));
    assert_int_equal(t.complaints, 0);
}

static void links_of_a_gap_are_those_of_the_text(void **state) {
    static struct source t;
    struct recording_item item;
    (void)state;
    open_text(&t, HEADER T("00") "turn\n" HEADER_OF(
                      "a", "5") "# uart0-link up\n"
                                "# can0-link down\n" T("01") "turn\n" T(
                                    "02") "missed 3 uart0-link down can0-link up\n");
    do {
        assert_true(recording_reader_next(&t.reader, &item));
    } while (item.kind != RECORDING_GAP);
    assert_true(item.uart_up && !item.can_up);
    do {
        assert_true(recording_reader_next(&t.reader, &item));
    } while (item.kind != RECORDING_GAP);
    assert_true(!item.uart_up && item.can_up);
    assert_int_equal(t.reader.counts.missed, 7);
}

static void complaints_name_the_line_and_end_after_twenty(void **state) {
    static struct source t;
    static char text[4096] = HEADER;
    (void)state;
    for (int i = 0; i < 100; i++) {
        (void)strcat(text, "rubbish\n");
    }
    open_text(&t, text);
    assert_string_equal(letters(&t), "");
    assert_int_equal(t.complaints, RECORDING_COMPLAINTS_MAX);
    assert_int_equal(t.line, 1 + RECORDING_COMPLAINTS_MAX);
    assert_int_equal(t.reader.counts.malformed, 100);
    assert_int_equal(t.reader.counts.lines, 101);
}

static void a_line_without_end_costs_no_memory(void **state) {
    static struct source t;
    static char text[1 << 20];
    const size_t n = strlen(HEADER);
    (void)state;
    memset(text, 'A', sizeof text);
    memcpy(text, HEADER, n);
    memcpy(text + sizeof text - 50, "\n" T("00") "turn\n", 26);
    memset(text + sizeof text - 24, '\n', 24);
    open_bytes(&t, text, sizeof text);
    assert_string_equal(letters(&t), "Bt");
    assert_int_equal(t.reader.counts.malformed, 1);
    memset(text, 0, sizeof text);
    open_bytes(&t, text, sizeof text);
    assert_string_equal(letters(&t), "");
}

/* A recording, each byte of it gone wrong in turn: what comes out is bounded and in
 * order, and what was not touched comes out. */
static void any_byte_may_be_any_other(void **state) {
    static const char wrong[] = {'\n', '#', '(', '9', ' ', '\0', '\xFF'};
    struct rig *r = rig_start("a", 3);
    static struct source t;
    struct recording_item item;
    size_t n;
    (void)state;
    rig_link(r, false, true);
    rig_run(r, 120);
    char *text = rig_text(r, &n);
    for (size_t at = 0; at < n; at++) {
        const char was = text[at];
        uint64_t last_us = 0;
        unsigned events = 0;
        text[at] = wrong[at % sizeof wrong];
        open_bytes(&t, text, n);
        while (recording_reader_next(&t.reader, &item)) {
            events += item.kind == RECORDING_NEXT;
            assert_true(item.event.at_us >= last_us);
            last_us = item.kind == RECORDING_NEXT ? item.event.at_us : last_us;
        }
        assert_true(events <= r->recorder.last.event + 1);
        assert_true(t.complaints <= RECORDING_COMPLAINTS_MAX);
        text[at] = was;
    }
    free(text);
    free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gateway_begins_with_its_settings_registers_and_links),
        cmocka_unit_test(what_pieces_say_once_comes_once),
        cmocka_unit_test(settings_are_those_in_force),
        cmocka_unit_test(settings_that_cannot_be_are_left_out),
        cmocka_unit_test(the_wall_clock_may_be_set),
        cmocka_unit_test(links_of_a_gap_are_those_of_the_text),
        cmocka_unit_test(complaints_name_the_line_and_end_after_twenty),
        cmocka_unit_test(a_line_without_end_costs_no_memory),
        cmocka_unit_test(any_byte_may_be_any_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
