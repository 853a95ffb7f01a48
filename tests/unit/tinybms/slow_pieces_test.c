/* SPDX-License-Identifier: MIT */
/* Which pieces of the settings are asked for when some are refused, and how often each block is
 * read.
 *
 * The document names registers 300, 301, 303-308, 310-312 (two words), 314-323 and 328-343 among
 * the settings; a piece that is refused is taken apart, down to its single registers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "wire.h"
#include "world.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct piece {
    uint16_t first, words;
};

enum { PIECES_MAX = 16 };

static struct world w;
static const struct piece *refused; /* ended by no words */

static enum world_answer refuse(struct world *x, const struct world_request *rq) {
    (void)x;
    for (const struct piece *p = refused; p->words != 0; p++) {
        if (rq->command == 0x03 && rq->addr == p->first && rq->count == p->words) {
            return WORLD_REFUSE;
        }
    }
    return WORLD_ANSWER;
}

static void a_refused_piece_is_taken_apart_and_nothing_else(void **state) {
    (void)state;
    /* the whole and its four parts come first in every case */
    static const struct piece base[] = {{300, 44}, {300, 9}, {310, 14}, {328, 15}, {343, 1}};
    static const struct {
        struct piece refused[4];
        struct piece then[PIECES_MAX];
    } cases[] = {
        {{{300, 44}}, {{0, 0}}},
        {{{300, 44}, {300, 9}}, {{300, 2}, {303, 6}}},
        {{{300, 44}, {310, 14}}, {{315, 6}, {310, 5}, {321, 3}}},
        {{{300, 44}, {328, 15}}, {{328, 3}, {331, 5}, {336, 7}}},
        {{{300, 44}, {300, 9}, {300, 2}}, {{300, 2}, {303, 6}, {300, 1}, {301, 1}}},
        {{{300, 44}, {300, 9}, {303, 6}},
         {{300, 2}, {303, 6}, {303, 1}, {304, 1}, {305, 1}, {306, 1}, {307, 1}, {308, 1}}},
        {{{300, 44}, {310, 14}, {315, 6}},
         {{315, 6},
          {310, 5},
          {321, 3},
          {315, 1},
          {316, 1},
          {317, 1},
          {318, 1},
          {319, 1},
          {320, 1}}},
        {{{300, 44}, {310, 14}, {310, 5}},
         {{315, 6}, {310, 5}, {321, 3}, {310, 1}, {311, 1}, {312, 2}, {314, 1}}},
        {{{300, 44}, {310, 14}, {321, 3}},
         {{315, 6}, {310, 5}, {321, 3}, {321, 1}, {322, 1}, {323, 1}}},
        {{{300, 44}, {328, 15}, {328, 3}},
         {{328, 3}, {331, 5}, {336, 7}, {328, 1}, {329, 1}, {330, 1}}},
        {{{300, 44}, {328, 15}, {331, 5}},
         {{328, 3}, {331, 5}, {336, 7}, {331, 1}, {332, 1}, {333, 1}, {334, 1}, {335, 1}}},
        {{{300, 44}, {328, 15}, {336, 7}},
         {{328, 3},
          {331, 5},
          {336, 7},
          {336, 1},
          {337, 1},
          {338, 1},
          {339, 1},
          {340, 1},
          {341, 1},
          {342, 1}}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct piece want[COUNT(base) + PIECES_MAX];
        size_t n = COUNT(base), got = 0;
        memcpy(want, base, sizeof base);
        for (size_t k = 0; k < PIECES_MAX && cases[i].then[k].words != 0; k++) {
            want[n++] = cases[i].then[k];
        }
        refused = cases[i].refused;
        world_init(&w);
        w.judge = refuse;
        world_run(&w, 6000); /* the second round begins after 10 s */
        for (size_t k = 0; k < w.asked; k++) {
            if (w.log[k].addr < 300 || w.log[k].addr > 399) {
                continue;
            }
            if (got == n || w.log[k].addr != want[got].first || w.log[k].count != want[got].words) {
                fail_msg("case %u: request %u is for %u of %u", (unsigned)i, (unsigned)got,
                         w.log[k].count, w.log[k].addr);
            }
            got++;
        }
        assert_int_equal(got, n);
    }
}

/* A single register that is refused too is asked for again after a minute. Samples are 2 s apart.
 */
static void each_block_is_read_again_a_period_after_its_answer(void **state) {
    (void)state;
    static const struct {
        uint16_t first, words;
        uint64_t answer_ms; /* 1 ms for the request, 2 ms, and the reply */
        uint64_t period_ms;
    } cases[] = {
        {300, 44, 1 + 2 + 9, 10000},  /* 93 bytes: 8.1 ms */
        {200, 98, 1 + 2 + 18, 2000},  /* 201 bytes: 17.4 ms */
        {100, 18, 1 + 2 + 4, 30000},  /* 41 bytes: 3.6 ms */
        {500, 10, 1 + 2 + 3, 600000}, /* 25 bytes: 2.2 ms */
    };
    struct tinybms_config cfg = world_config();
    cfg.poll_interval_ms = 2000;
    world_init_with(&w, &cfg);
    world_run(&w, 1300000);
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t last_ms = 0, least_ms = UINT64_MAX;
        size_t n = 0;
        for (size_t k = 0; k < w.asked; k++) {
            if (w.log[k].addr != cases[i].first || w.log[k].count != cases[i].words) {
                continue;
            }
            if (n++ > 0) {
                uint64_t gap_ms = w.log[k].at_ms - last_ms;
                least_ms = gap_ms < least_ms ? gap_ms : least_ms;
                /* late by a sample and by the other blocks at most */
                assert_in_range(gap_ms, cases[i].answer_ms + cases[i].period_ms,
                                cases[i].answer_ms + cases[i].period_ms + 100);
            }
            last_ms = w.log[k].at_ms;
        }
        assert_true(n > 2);
        assert_int_equal(least_ms, cases[i].answer_ms + cases[i].period_ms);
    }
}

/* A register that stands alone is tried again after a minute, what was taken apart is not. */
static void only_single_registers_are_forgiven(void **state) {
    (void)state;
    static const struct piece whole_and_last[] = {{300, 44}, {343, 1}, {0, 0}};
    refused = whole_and_last;
    world_init(&w);
    w.judge = refuse;
    world_run(&w, 60000);
    assert_int_equal(world_count(&w, 0x03, 343, 1), 1);
    world_run(&w, 75000);
    assert_int_equal(world_count(&w, 0x03, 343, 1), 2);
    world_run(&w, 140000);
    assert_int_equal(world_count(&w, 0x03, 343, 1), 3);
    assert_int_equal(world_count(&w, 0x03, 300, 44), 1);
    assert_true(world_count(&w, 0x03, 300, 9) >= 13); /* every 10 s */
}

/* Limits are made of the settings: what another BMS said must not be used for this one. */
static void settings_are_forgotten_when_it_may_be_another_bms(void **state) {
    (void)state;
    static const struct {
        const char *what;
        bool port_lost;
        uint64_t silent_ms;
        bool kept;
    } cases[] = {
        {"5 s of silence", false, 5000, true},
        {"14 s of silence", false, 14000, true},
        {"16 s of silence", false, 16000, false},
        {"the port, for a moment", true, 100, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        world_init(&w);
        world_run(&w, 2950); /* between two samples */
        w.asleep_until_ms = 2950 + cases[i].silent_ms;
        if (cases[i].port_lost) {
            tinybms_set_port(&w.t, false, w.now_ms);
            tinybms_set_port(&w.t, true, w.now_ms);
        }
        assert_true(battery_has(tinybms_battery(&w.t), BATTERY_FULLY_CHARGED));
        uint32_t samples = w.samples;
        while (w.samples == samples && w.now_ms < 60000) {
            world_run(&w, w.now_ms + 1);
        }
        if (battery_has(tinybms_battery(&w.t), BATTERY_FULLY_CHARGED) != cases[i].kept) {
            fail_msg("%s", cases[i].what);
        }
        world_run(&w, w.now_ms + 1000); /* and read again at once */
        assert_true(battery_complete(tinybms_battery(&w.t)));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_piece_is_taken_apart_and_nothing_else),
        cmocka_unit_test(each_block_is_read_again_a_period_after_its_answer),
        cmocka_unit_test(only_single_registers_are_forgiven),
        cmocka_unit_test(settings_are_forgotten_when_it_may_be_another_bms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
