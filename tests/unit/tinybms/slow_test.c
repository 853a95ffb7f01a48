/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "world.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct world w;

/* The times at which a block was asked, from its first register. */
static size_t times(uint16_t first, uint64_t *at_ms, size_t cap) {
    size_t n = 0;
    for (size_t i = 0; i < w.asked; i++) {
        if (w.log[i].command == 0x03 && w.log[i].addr == first && n < cap) {
            at_ms[n++] = w.log[i].at_ms;
        }
    }
    return n;
}

static void every_block_has_its_period(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint16_t first;
        uint32_t period_ms;
        size_t least;
    } cases[] = {
        {"settings", 300, 10000, 59},
        {"events", 200, 2000, 290},
        {"statistics", 100, 30000, 19},
        {"version", 500, 600000, 1},
    };
    world_init(&w);
    world_run(&w, 1000 + 600000);
    for (size_t i = 0; i < COUNT(cases); i++) {
        static uint64_t at_ms[512];
        size_t n = times(cases[i].first, at_ms, 512);
        if (n < cases[i].least) {
            fail_msg("%s: %zu times", cases[i].what, n);
        }
        for (size_t k = 1; k < n; k++) { /* from its answer on, and up to a fast sample later */
            assert_in_range(at_ms[k] - at_ms[k - 1], cases[i].period_ms, cases[i].period_ms + 100);
        }
    }
    assert_in_range(w.samples, 5999, 6000); /* and no sample was lost */
}

static void a_slow_block_never_delays_a_fast_sample_it_can_avoid(void **state) {
    (void)state;
    world_init(&w);
    world_run(&w, 1000 + 100000);
    for (size_t i = 0; i < w.asked; i++) {
        if (w.log[i].addr == 0) {
            assert_int_equal(w.log[i].at_ms % 100, 0);
        }
    }
}

static void a_slow_block_that_never_fits_still_gets_its_turn(void **state) {
    (void)state;
    struct tinybms_config cfg = world_config();
    cfg.poll_interval_ms = 20; /* events take 21 ms */
    world_init_with(&w, &cfg);
    world_run(&w, 1000 + 30000);
    static uint64_t at_ms[64];
    size_t n = times(200, at_ms, 64);
    assert_in_range(n, 10, 15);
    for (size_t k = 1; k < n; k++) {
        assert_true(at_ms[k] - at_ms[k - 1] <= 2000 + 1000 + 60);
    }
    assert_in_range(w.samples, 1450, 1500);
}

static void a_slow_line_reads_everything_too(void **state) {
    (void)state;
    struct tinybms_config cfg = world_config();
    cfg.baudrate = 9600; /* a fast sample takes 127 ms, more than the interval */
    world_init_with(&w, &cfg);
    world_run(&w, 1000 + 30000);
    for (int g = BATTERY_GROUP_SETTINGS; g < BATTERY_GROUP_COUNT; g++) {
        assert_true(w.blocks[g] > 0);
        assert_true(w.first_block_ms[g] < 1000 + 1500);
    }
    assert_true(w.samples > 200);
    assert_true(battery_complete(tinybms_battery(&w.t)));
}

static uint16_t bad_first;
static enum world_answer bad_verdict;

static enum world_answer bad_block(struct world *x, const struct world_request *rq) {
    (void)x;
    return rq->addr == bad_first ? bad_verdict : WORLD_ANSWER;
}

static void a_block_that_fails_backs_off_and_never_retries_at_once(void **state) {
    (void)state;
    static const uint64_t back_off_ms[] = {2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000};
    static const uint16_t blocks[] = {100, 200, 500};
    for (size_t b = 0; b < COUNT(blocks); b++) {
        for (bad_verdict = WORLD_REFUSE; bad_verdict <= WORLD_IGNORE; bad_verdict++) {
            bad_first = blocks[b];
            world_init(&w);
            w.judge = bad_block;
            world_run(&w, 1000 + 300000);
            uint64_t at_ms[16];
            size_t n = times(bad_first, at_ms, 16);
            assert_int_equal(n, COUNT(back_off_ms) + 1);
            for (size_t k = 1; k < n; k++) { /* after the time-out of 121 ms at most, if any */
                uint64_t gap_ms = at_ms[k] - at_ms[k - 1];
                assert_in_range(gap_ms, back_off_ms[k - 1], back_off_ms[k - 1] + 260);
            }
            assert_true(w.samples > 2900);
            assert_true(battery_complete(tinybms_battery(&w.t)));
        }
    }
}

static void a_failing_slow_block_costs_one_time_out_between_fast_samples(void **state) {
    (void)state;
    bad_first = 200;
    bad_verdict = WORLD_IGNORE;
    world_init(&w);
    w.judge = bad_block;
    world_run(&w, 1000 + 60000);
    for (size_t i = 1; i < w.asked; i++) {
        if (w.log[i - 1].addr == 200) { /* 8 + 201 bytes: 19 ms, and 100 ms */
            assert_int_equal(w.log[i].addr, 0);
            assert_in_range(w.log[i].at_ms - w.log[i - 1].at_ms, 119, 140);
        }
    }
}

static void a_block_that_recovers_takes_up_its_period(void **state) {
    (void)state;
    bad_first = 200;
    bad_verdict = WORLD_REFUSE;
    world_init(&w);
    w.judge = bad_block;
    world_run(&w, 1000 + 5000);
    assert_int_equal(w.blocks[BATTERY_GROUP_EVENTS], 0);
    bad_verdict = WORLD_ANSWER;
    world_run(&w, 1000 + 30000);
    assert_in_range(w.blocks[BATTERY_GROUP_EVENTS], 8, 13);
    bad_verdict = WORLD_REFUSE; /* and backs off from the beginning when it fails again */
    w.asked = 0;
    world_run(&w, w.now_ms + 5000);
    uint64_t at_ms[8];
    assert_true(times(200, at_ms, 8) >= 2);
    assert_in_range(at_ms[1] - at_ms[0], 2000, 2100);
}

static enum world_answer ignore_all(struct world *x, const struct world_request *rq) {
    (void)x;
    (void)rq;
    return WORLD_IGNORE;
}

static void nothing_slow_is_asked_while_fast_samples_fail(void **state) {
    (void)state;
    world_init(&w);
    world_run(&w, 3990);
    w.judge = ignore_all;
    w.asked = 0;
    world_run(&w, 3990 + 4000); /* events fall due twice in it */
    assert_true(w.asked > 25);
    for (size_t i = 0; i < w.asked; i++) {
        assert_int_equal(w.log[i].addr, 0);
    }
}

/* Devices that cannot or will not give the settings all at once. */
enum difficulty { AT_MOST_16, AT_MOST_8, ONLY_KNOWN, ONLY_KNOWN_AND_SINGLE, DIFFICULTIES };
static enum difficulty difficulty;
static enum world_answer difficult_verdict;

static bool known_setting(uint16_t addr) {
    static const uint16_t unknown[] = {302, 305, 309, 310, 311, 313, 321, 322,
                                       323, 324, 325, 326, 327, 329, 330};
    for (size_t i = 0; i < COUNT(unknown); i++) {
        if (addr == unknown[i]) {
            return false;
        }
    }
    return addr <= 343;
}

static enum world_answer difficult(struct world *x, const struct world_request *rq) {
    (void)x;
    if (rq->addr < 300 || rq->addr >= 400) {
        return WORLD_ANSWER;
    }
    bool known = true;
    for (uint16_t i = 0; i < rq->count; i++) {
        known = known && known_setting((uint16_t)(rq->addr + i));
    }
    switch (difficulty) {
    case AT_MOST_16:
        return rq->count <= 16 ? WORLD_ANSWER : difficult_verdict;
    case AT_MOST_8:
        return rq->count <= 8 ? WORLD_ANSWER : difficult_verdict;
    case ONLY_KNOWN:
        return known ? WORLD_ANSWER : difficult_verdict;
    case ONLY_KNOWN_AND_SINGLE:
        return known && rq->count == 1 ? WORLD_ANSWER : difficult_verdict;
    case DIFFICULTIES:
        break;
    }
    return WORLD_ANSWER;
}

static void settings_are_read_in_pieces_where_they_cannot_be_had_whole(void **state) {
    (void)state;
    for (difficulty = AT_MOST_16; difficulty < DIFFICULTIES; difficulty++) {
        static const enum world_answer verdicts[] = {WORLD_REFUSE, WORLD_IGNORE};
        for (size_t v = 0; v < 2; v++) {
            difficult_verdict = verdicts[v];
            world_init(&w);
            w.judge = difficult;
            /* refused: found out at once; not answered: two time-outs 2 s apart for each piece */
            world_run(&w, 1000 + (v == 0 ? 2000 : 240000));
            const struct battery *b = tinybms_battery(&w.t);
            if (!battery_complete(b)) {
                fail_msg("difficulty %d, verdict %d", (int)difficulty, (int)difficult_verdict);
            }
            assert_int_equal(b->fully_charged_mv, 4150);
            assert_int_equal(b->charge_over_current_ma, 20000);
            assert_int_equal(b->low_temperature_cutoff_dc, 10);
            assert_true(battery_has(b, BATTERY_OPERATION_MODE));
            bool all_there = difficulty == AT_MOST_16 || difficulty == AT_MOST_8;
            uint16_t word;
            assert_int_equal(tinybms_image_get(tinybms_image(&w.t), 330, &word), all_there);
            if (!all_there) {
                assert_int_equal(b->validity[BATTERY_CHARGE_RESTART_LEVEL], BATTERY_NEVER_READ);
            }
        }
    }
}

static void the_pieces_found_out_are_remembered(void **state) {
    (void)state;
    difficulty = AT_MOST_16;
    difficult_verdict = WORLD_REFUSE;
    world_init(&w);
    w.judge = difficult;
    world_run(&w, 1000 + 100000);
    assert_int_equal(world_count(&w, 0x03, 300, 44), 1);
    assert_in_range(world_count(&w, 0x03, 300, 9), 9, 11); /* every 10 s */
    assert_in_range(world_count(&w, 0x03, 310, 14), 9, 11);
    assert_in_range(world_count(&w, 0x03, 328, 15), 9, 11);
    tinybms_set_port(&w.t, false, w.now_ms);
    tinybms_set_port(&w.t, true, w.now_ms);
    world_run(&w, w.now_ms + 1000);
    assert_int_equal(world_count(&w, 0x03, 300, 44), 2);
}

static enum world_answer starting(struct world *x, const struct world_request *rq) {
    (void)rq;
    return x->now_ms < 4000 && rq->addr >= 100 ? WORLD_REFUSE : WORLD_ANSWER;
}

static void a_device_that_refuses_while_it_starts_is_read_in_the_end(void **state) {
    (void)state;
    world_init(&w);
    w.judge = starting;
    world_run(&w, 4000);
    assert_false(battery_has(tinybms_battery(&w.t), BATTERY_FULLY_CHARGED));
    world_run(&w, 4000 + 75000); /* single registers are asked again after a minute */
    assert_true(battery_complete(tinybms_battery(&w.t)));
    assert_true(battery_has(tinybms_battery(&w.t), BATTERY_EVENTS));
}

static void refused_registers_are_asked_once_a_minute(void **state) {
    (void)state;
    difficulty = ONLY_KNOWN;
    difficult_verdict = WORLD_REFUSE;
    world_init(&w);
    w.judge = difficult;
    world_run(&w, 1000 + 300000);
    assert_in_range(world_count(&w, 0x03, 305, 1), 5, 6);
    assert_in_range(world_count(&w, 0x03, 315, 6), 29, 31);
    assert_in_range(w.samples, 2990, 3000);
}

static size_t lost_replies;

static enum world_answer lose_one_in_ten(struct world *x, const struct world_request *rq) {
    (void)x;
    (void)rq;
    return ++lost_replies % 10 == 0 ? WORLD_IGNORE : WORLD_ANSWER;
}

static void a_lost_reply_does_not_break_the_settings_in_pieces(void **state) {
    (void)state;
    world_init(&w);
    w.judge = lose_one_in_ten;
    world_run(&w, 1000 + 100000);
    assert_int_equal(world_count(&w, 0x03, 300, 9), 0);
    assert_true(w.blocks[BATTERY_GROUP_SETTINGS] >= 8);
    assert_int_equal(world_count(&w, 0x03, 0, 16), 0);
}

static void a_bms_that_comes_back_is_read_anew(void **state) {
    (void)state;
    world_init(&w);
    world_run(&w, 3000);
    w.asleep_until_ms = 6000;
    w.reg[300] = 4100;   /* another one, or changed meanwhile */
    world_run(&w, 6500); /* the settings would be due at 11 s */
    assert_int_equal(tinybms_battery(&w.t)->fully_charged_mv, 4100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_block_has_its_period),
        cmocka_unit_test(a_slow_block_never_delays_a_fast_sample_it_can_avoid),
        cmocka_unit_test(a_slow_block_that_never_fits_still_gets_its_turn),
        cmocka_unit_test(a_slow_line_reads_everything_too),
        cmocka_unit_test(a_block_that_fails_backs_off_and_never_retries_at_once),
        cmocka_unit_test(a_failing_slow_block_costs_one_time_out_between_fast_samples),
        cmocka_unit_test(a_block_that_recovers_takes_up_its_period),
        cmocka_unit_test(nothing_slow_is_asked_while_fast_samples_fail),
        cmocka_unit_test(settings_are_read_in_pieces_where_they_cannot_be_had_whole),
        cmocka_unit_test(the_pieces_found_out_are_remembered),
        cmocka_unit_test(a_device_that_refuses_while_it_starts_is_read_in_the_end),
        cmocka_unit_test(refused_registers_are_asked_once_a_minute),
        cmocka_unit_test(a_lost_reply_does_not_break_the_settings_in_pieces),
        cmocka_unit_test(a_bms_that_comes_back_is_read_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
