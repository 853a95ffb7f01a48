/* SPDX-License-Identifier: MIT */
/* The demo's view as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "view.h"

static struct gateway_snapshot snapshot;
static struct sim_gx gx;
static char text[VIEW_TEXT_MAX];

static void receive(const char *slcan) {
    struct sim_can_frame f;
    assert_true(sim_can_parse(slcan, strlen(slcan), &f));
    sim_gx_handle_rx(&gx, &f, 10000000);
}

/* 16 cells, cell 3 lowest, cell 16 highest and balanced, cell 15 waiting for its turn. */
static int prepare(void **state) {
    (void)state;
    struct gateway_snapshot *g = &snapshot;
    memset(g, 0, sizeof *g);
    g->sample_known = true;
    g->stage = STAGE_FRESH;
    g->bms_link = TINYBMS_LINK_ANSWERING;
    g->can_up = g->gx_present = true;
    battery_init(&g->battery);
    g->battery.cell_count = 16;
    for (unsigned i = 0; i < 16; i++)
        g->battery.cell_mv[i] = 3950;
    g->battery.cell_mv[2] = 3931;
    g->battery.cell_mv[15] = 3972;
    g->battery.pack_mv = 63203;
    g->battery.pack_ma = -12345;
    g->battery.soc_cpct = 8053;
    g->battery.status = BATTERY_STATUS_DISCHARGING;
    g->battery.balancing_needed_bits = 0xC000;
    g->battery.balancing_active_bits = 0x8000;
    battery_set(&g->battery, BATTERY_CELLS, 0);
    battery_set(&g->battery, BATTERY_PACK_VOLTAGE, 0);
    battery_set(&g->battery, BATTERY_PACK_CURRENT, 0);
    battery_derive(&g->battery);
    g->limits = (struct limits){.valid = true,
                                .cvl_mv = 66400,
                                .ccl_ma = 0,
                                .dcl_ma = 54000,
                                .cvl_reason = LIMIT_NOMINAL,
                                .ccl_reason = LIMIT_TEMPERATURE_LOW,
                                .dcl_reason = LIMIT_NOMINAL};
    sim_gx_init(&gx, 0);
    receive("t3518980200001C02E001");
    return 0;
}

static const char *render(struct view_style style, const char *log_line) {
    struct view v = {.gateway = &snapshot,
                     .gx = &gx,
                     .now_us = 10500000,
                     .speed = 60.0,
                     .log_line = log_line,
                     .hint = "q ends it"};
    size_t n = view_render(&v, &style, text, sizeof text);
    assert_int_equal(n, strlen(text));
    return text;
}

static void the_numbers_of_the_pack_are_there_with_sign_and_unit(void **state) {
    (void)state;
    const char *t = render((struct view_style){.columns = 120, .rows = 60}, NULL);
    /* 63.203 V x -12.345 A = -780.2 W */
    assert_non_null(strstr(t, " PACK   63.20 V  -12.3 A  -780 W  SOC 80.5 %"));
    assert_non_null(strstr(t, "discharging"));
    assert_non_null(strstr(t, "16 cells, 3.931 to 3.972 V, 41 mV apart"));
    assert_non_null(strstr(t, "pack time x60"));
}

static void the_lowest_the_highest_and_the_balanced_cells_are_marked(void **state) {
    (void)state;
    char line[1024];
    static const struct {
        const char *what, *number, *mark;
        bool there;
    } cases[] = {
        {"lowest", "\n   3  3.931 V ", " low", true},
        {"the one beside it", "\n   2  3.950 V ", " low", false},
        {"highest and balanced", " 16  3.972 V ", " high balancing", true},
        {"waiting", " 15  3.950 V ", " (bal.)", true},
        {"neither", " 14  3.950 V ", "bal", false},
    };
    const char *t = render((struct view_style){.columns = 100, .rows = 60}, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        print_message("    %s\n", cases[i].what);
        const char *at = strstr(t, cases[i].number);
        assert_non_null(at);
        size_t n = strcspn(at + 1, "\n");
        assert_true(n < sizeof line);
        memcpy(line, at + 1, n);
        line[n] = '\0';
        assert_int_equal(strstr(line, cases[i].mark) != NULL, cases[i].there);
    }
}

static void each_limit_names_the_rule_that_binds_it(void **state) {
    (void)state;
    const char *t = render((struct view_style){.columns = 120, .rows = 60}, NULL);
    assert_non_null(strstr(t, "CVL 66.4 V nominal"));
    assert_non_null(strstr(t, "CCL 0.0 A temperature-low"));
    assert_non_null(strstr(t, "DCL 54.0 A nominal"));
    snapshot.limits.valid = false;
    snapshot.stage = STAGE_SILENT;
    t = render((struct view_style){.columns = 120, .rows = 60}, NULL);
    assert_non_null(strstr(t, "none: nothing is sent (silent)"));
}

static void what_the_gx_received_is_there_byte_by_byte_and_in_words(void **state) {
    (void)state;
    const char *t = render((struct view_style){.columns = 120, .rows = 60}, NULL);
    assert_non_null(strstr(t, " 351 98 02 00 00 1C 02 E0 01 CVL 66.4 V, CCL 0.0 A, DCL 54.0 A"));
    assert_non_null(strstr(t, "lists no battery; obeys limits; rules broken: 0"));
    receive("t35A8A4AAAA02A8AAAA06"); /* high voltage active */
    receive("t1230");
    t = render((struct view_style){.columns = 120, .rows = 60}, NULL);
    assert_non_null(strstr(t, "lists the battery"));
    assert_non_null(strstr(t, "alarms: alarm high voltage; online"));
    assert_non_null(strstr(t, "rules broken: 1"));
}

static void without_a_sample_no_number_is_made_up(void **state) {
    (void)state;
    memset(&snapshot, 0, sizeof snapshot);
    snapshot.sample_age_ms = snapshot.gx_age_ms = UINT64_MAX;
    const char *t = render((struct view_style){.columns = 120, .rows = 60}, NULL);
    assert_non_null(strstr(t, "no sample yet"));
    assert_non_null(strstr(t, "sample never"));
    assert_null(strstr(t, "0.00 V"));
    assert_null(strstr(t, "CELLS"));
}

/* Columns that a line takes up on a screen. */
static unsigned width(const char *line, size_t n) {
    unsigned columns = 0;
    for (size_t i = 0; i < n; i++) {
        if (line[i] == '\x1b') {
            while (i < n && (line[i] < 'A' || line[i] > 'z' || line[i] == '['))
                i++;
        } else if (((unsigned char)line[i] & 0xC0u) != 0x80u) {
            columns++;
        }
    }
    return columns;
}

static void every_line_fits_whatever_the_size_of_the_terminal(void **state) {
    (void)state;
    for (unsigned columns = 1; columns <= 140; columns += 3) {
        for (unsigned rows = 1; rows <= 40; rows += 3) {
            struct view_style style = {
                .columns = columns, .rows = rows, .colour = true, .terminal = true};
            const char *t = render(style, "2026-01-31T12:00:00.123Z INFO victron: text key=value");
            unsigned lines = 0;
            while (*t != '\0') {
                size_t n = strcspn(t, "\n");
                unsigned w = width(t, n);
                assert_in_range(w, 0, columns);
                /* the cursor stands on the last character of a full line: nothing may be cleared */
                if (w == columns)
                    assert_true(n < 3 || memcmp(t + n - 3, "\x1b[K", 3) != 0);
                lines += w > 0;
                t += n + (t[n] == '\n');
            }
            assert_in_range(lines, 1, rows);
        }
    }
}

static void a_small_terminal_shows_the_pack_the_cells_and_the_limits_first(void **state) {
    (void)state;
    const char *t =
        render((struct view_style){.columns = 80, .rows = 24, .terminal = true}, "last");
    static const char *const parts[] = {"PACK", "CELLS", "LIMITS",     "BMS",
                                        "CAN",  "GX",    " 351 98 02", "last"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        assert_non_null(strstr(t, parts[i]));
}

static void plain_text_has_no_escape_sequences(void **state) {
    (void)state;
    const char *t = render((struct view_style){.columns = 120, .rows = 60}, NULL);
    assert_null(strchr(t, '\x1b'));
    assert_int_equal(t[strlen(t) - 1], '\n');
    t = render((struct view_style){.columns = 80, .rows = 24, .terminal = true}, NULL);
    assert_null(strstr(t, "\x1b[1m"));
    t = render((struct view_style){.columns = 80, .rows = 24, .colour = true, .terminal = true},
               NULL);
    assert_non_null(strstr(t, "\x1b[1m"));
}

static void a_foreign_text_cannot_steer_the_terminal(void **state) {
    (void)state;
    const char *t = render((struct view_style){.columns = 120, .rows = 60}, "a\x1b]0;x\a\nb");
    assert_null(strchr(t, '\x1b'));
    assert_null(strchr(t, '\a'));
    assert_non_null(strstr(t, " a?]0;x??b\n"));
}

static void a_buffer_that_is_too_small_is_not_overrun(void **state) {
    (void)state;
    struct view v = {.gateway = &snapshot, .gx = &gx, .now_us = 10500000, .speed = 1.0};
    struct view_style style = {.columns = 80, .rows = 24, .colour = true, .terminal = true};
    char small[200];
    for (size_t cap = 0; cap < sizeof small - 1; cap++) {
        memset(small, '#', sizeof small);
        size_t n = view_render(&v, &style, small, cap);
        assert_true(n < cap || cap == 0);
        assert_int_equal(small[cap], '#');
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_numbers_of_the_pack_are_there_with_sign_and_unit, prepare),
        cmocka_unit_test_setup(the_lowest_the_highest_and_the_balanced_cells_are_marked, prepare),
        cmocka_unit_test_setup(each_limit_names_the_rule_that_binds_it, prepare),
        cmocka_unit_test_setup(what_the_gx_received_is_there_byte_by_byte_and_in_words, prepare),
        cmocka_unit_test_setup(without_a_sample_no_number_is_made_up, prepare),
        cmocka_unit_test_setup(every_line_fits_whatever_the_size_of_the_terminal, prepare),
        cmocka_unit_test_setup(a_small_terminal_shows_the_pack_the_cells_and_the_limits_first,
                               prepare),
        cmocka_unit_test_setup(plain_text_has_no_escape_sequences, prepare),
        cmocka_unit_test_setup(a_foreign_text_cannot_steer_the_terminal, prepare),
        cmocka_unit_test_setup(a_buffer_that_is_too_small_is_not_overrun, prepare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
