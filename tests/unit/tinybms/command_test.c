/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "wire.h"
#include "world.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct world w;

static void start(void) {
    world_init(&w);
    world_run(&w, 2000);
}

/* Runs until the command has ended, 60 s at most; its result. */
static const struct tinybms_result *finish(uint32_t id) {
    uint64_t end_ms = w.now_ms + 60000;
    while (world_result(&w, id) == NULL && w.now_ms < end_ms) {
        world_run(&w, w.now_ms + 1);
    }
    const struct tinybms_result *r = world_result(&w, id);
    if (r == NULL) {
        fail_msg("command %u did not end", (unsigned)id);
    }
    return r;
}

static void a_read_returns_the_registers_asked_for(void **state) {
    (void)state;
    start();
    assert_int_equal(tinybms_read(&w.t, 7, 315, 6), GW_OK);
    const struct tinybms_result *r = finish(7);
    assert_int_equal(r->err, GW_OK);
    assert_int_equal(r->addr, 315);
    assert_int_equal(r->count, 6);
    static const uint16_t want[] = {4200, 2900, 60, 20, 60, 1};
    assert_memory_equal(r->value, want, sizeof want);
    assert_true(w.now_ms <= 2100); /* in the gap before the next sample but one at most */
}

static void a_read_checks_its_range(void **state) {
    (void)state;
    start();
    assert_int_equal(tinybms_read(&w.t, 1, 0, 0), GW_ERR_RANGE);
    assert_int_equal(tinybms_read(&w.t, 1, 0, 101), GW_ERR_RANGE);
    assert_int_equal(tinybms_read(&w.t, 1, 65535, 2), GW_ERR_RANGE);
    assert_int_equal(tinybms_read(&w.t, 1, 0, 100), GW_OK);
    assert_int_equal(finish(1)->count, 100);
}

static void a_write_is_read_back_and_seen_at_once(void **state) {
    (void)state;
    start();
    assert_int_equal(tinybms_write(&w.t, 1, 300, 4100), GW_OK);
    const struct tinybms_result *r = finish(1);
    assert_int_equal(r->err, GW_OK);
    assert_int_equal(r->addr, 300);
    assert_int_equal(r->count, 1);
    assert_int_equal(r->value[0], 4100);
    assert_int_equal(w.reg[300], 4100);
    assert_int_equal(world_count(&w, 0x10, 300, 1), 1);
    assert_int_equal(world_count(&w, 0x03, 300, 1), 1); /* read back, no merge */
    assert_int_equal(tinybms_battery(&w.t)->fully_charged_mv, 4100);
}

static void a_write_refused_by_the_catalogue_is_never_sent(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint16_t addr;
        uint32_t raw;
        int err;
    } cases[] = {
        {"not in the catalogue", 302, 1, GW_ERR_UNKNOWN},
        {"the high word of a pair", 313, 1, GW_ERR_UNKNOWN},
        {"read only", 36, 1, GW_ERR_READ_ONLY},
        {"out of range", 300, 4501, GW_ERR_RANGE},
        {"reserved byte", 340, 0x101, GW_ERR_RANGE},
    };
    start();
    for (size_t i = 0; i < COUNT(cases); i++) {
        int err = tinybms_write(&w.t, 1, cases[i].addr, cases[i].raw);
        if (err != cases[i].err) {
            fail_msg("%s: %d", cases[i].what, err);
        }
    }
    world_run(&w, w.now_ms + 2000);
    for (size_t i = 0; i < w.asked; i++) {
        assert_int_not_equal(w.log[i].command, 0x10);
    }
    assert_null(world_result(&w, 1));
}

static void two_words_are_written_by_one_request_low_word_first(void **state) {
    (void)state;
    start();
    assert_int_equal(tinybms_write(&w.t, 1, 312, 70000), GW_OK);
    const struct tinybms_result *r = finish(1);
    assert_int_equal(r->err, GW_OK);
    assert_int_equal(world_count(&w, 0x10, 312, 2), 1);
    assert_int_equal(w.reg[312], 70000 - 65536);
    assert_int_equal(w.reg[313], 1);
    assert_int_equal(r->count, 2);
    assert_int_equal(r->value[0], 70000 - 65536);
    assert_int_equal(r->value[1], 1);
}

static void a_negative_setting_is_written_in_sixteen_bits(void **state) {
    (void)state;
    start();
    assert_int_equal(tinybms_write(&w.t, 1, 320, (uint32_t)-5), GW_OK);
    assert_int_equal(finish(1)->err, GW_OK);
    assert_int_equal(w.reg[320], 0xFFFB);
    assert_int_equal(tinybms_battery(&w.t)->low_temperature_cutoff_dc, -50);
}

static void reserved_bits_are_kept(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint16_t addr, before;
        uint32_t raw;
        uint16_t after;
    } cases[] = {
        {"the high byte of an 8-bit register", 342, 0xA503, 0, 0xA500},
        {"the upper bits of the flags", 329, 0x8009, 4, 0x800C},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        start();
        w.reg[cases[i].addr] = cases[i].before;
        assert_int_equal(tinybms_write(&w.t, 1, cases[i].addr, cases[i].raw), GW_OK);
        assert_int_equal(finish(1)->err, GW_OK);
        assert_int_equal(w.reg[cases[i].addr], cases[i].after);
        assert_int_equal(world_count(&w, 0x03, cases[i].addr, 1), 2); /* merge, read back */
    }
}

static uint16_t pinned_addr, pinned_value;

static void pin(struct world *x, uint16_t addr) {
    if (addr == pinned_addr) {
        x->reg[addr] = pinned_value;
    }
}

static void what_reads_back_differently_is_a_mismatch(void **state) {
    (void)state;
    start();
    pinned_addr = 317;
    pinned_value = 50; /* the BMS clips it to what its sensor can do */
    w.written = pin;
    assert_int_equal(tinybms_write(&w.t, 1, 317, 200), GW_OK);
    const struct tinybms_result *r = finish(1);
    assert_int_equal(r->err, GW_ERR_MISMATCH);
    assert_int_equal(r->value[0], 50);
    assert_int_equal(world_count(&w, 0x03, 317, 1), 3);
    assert_int_equal(tinybms_battery(&w.t)->discharge_over_current_ma, 50000); /* the truth */
}

static void a_value_that_the_bms_takes_over_reads_all_ones(void **state) {
    (void)state;
    static const uint16_t taken[] = {323, 328};
    for (size_t i = 0; i < COUNT(taken); i++) {
        start();
        pinned_addr = taken[i];
        pinned_value = 0xFFFF;
        w.written = pin;
        assert_int_equal(tinybms_write(&w.t, 1, taken[i], 45000), GW_OK);
        assert_int_equal(finish(1)->err, GW_OK);
        pinned_value = 123;
        assert_int_equal(tinybms_write(&w.t, 2, taken[i], 45000), GW_OK);
        assert_int_equal(finish(2)->err, GW_ERR_MISMATCH);
    }
    start();
    pinned_addr = 300;
    pinned_value = 0xFFFF;
    w.written = pin;
    assert_int_equal(tinybms_write(&w.t, 1, 300, 4000), GW_OK);
    assert_int_equal(finish(1)->err, GW_ERR_MISMATCH); /* not for any other */
}

static enum world_answer verdict;
static uint8_t judged_command;

static enum world_answer judge_command(struct world *x, const struct world_request *rq) {
    (void)x;
    return rq->command == judged_command ? verdict : WORLD_ANSWER;
}

static void a_refusal_ends_a_command_with_its_code(void **state) {
    (void)state;
    start();
    w.judge = judge_command;
    judged_command = 0x10;
    verdict = WORLD_REFUSE;
    assert_int_equal(tinybms_write(&w.t, 1, 300, 4100), GW_OK);
    const struct tinybms_result *r = finish(1);
    assert_int_equal(r->err, GW_ERR_NACK);
    assert_int_equal(r->nack, 0);
    assert_int_equal(world_count(&w, 0x10, 300, 1), 1);
    assert_int_equal(w.reg[300], 4150);
}

static void a_command_without_an_answer_ends_after_its_retries_and_costs_no_samples(void **state) {
    (void)state;
    start();
    w.judge = judge_command;
    judged_command = 0x02;
    verdict = WORLD_IGNORE;
    uint32_t samples = w.samples;
    uint64_t from_ms = w.now_ms;
    assert_int_equal(tinybms_reset(&w.t, 1, TINYBMS_CLEAR_EVENTS), GW_OK);
    assert_int_equal(finish(1)->err, GW_ERR_TIMEOUT);
    assert_int_equal(world_count(&w, 0x02, 1, 0), 4);
    /* each attempt costs a time-out of 101 ms, and a sample comes between */
    assert_true(w.samples - samples >= (w.now_ms - from_ms) / 250);
    assert_true(w.now_ms - from_ms < 1000);
}

static uint64_t silent_from_ms, silent_until_ms;

static enum world_answer silent_for_a_while(struct world *x, const struct world_request *rq) {
    if (rq->command == 0x10) {
        silent_from_ms = x->now_ms; /* it is written, but the echo is lost, and more */
        x->reg[rq->addr] = 4100;
        return WORLD_IGNORE;
    }
    return WORLD_ANSWER;
}

static void a_write_whose_answer_is_lost_is_judged_by_what_reads_back(void **state) {
    (void)state;
    start();
    w.judge = silent_for_a_while;
    assert_int_equal(tinybms_write(&w.t, 1, 300, 4100), GW_OK);
    assert_int_equal(finish(1)->err, GW_OK);
    assert_int_equal(tinybms_write(&w.t, 2, 300, 4000), GW_OK); /* reads back as 4100 */
    assert_int_equal(finish(2)->err, GW_ERR_TIMEOUT);
}

static enum world_answer restarts(struct world *x, const struct world_request *rq) {
    (void)rq;
    return x->now_ms >= silent_from_ms && x->now_ms < silent_until_ms ? WORLD_IGNORE : WORLD_ANSWER;
}

static void restart_after_write(struct world *x, uint16_t addr) {
    (void)addr;
    silent_from_ms = x->now_ms + 20;
    silent_until_ms = x->now_ms + 4000;
}

static void a_write_that_restarts_the_bms_waits_for_it(void **state) {
    (void)state;
    start();
    silent_from_ms = silent_until_ms = 0;
    w.judge = restarts;
    w.written = restart_after_write;
    assert_int_equal(tinybms_write(&w.t, 1, 340, 1), GW_OK);
    assert_int_equal(finish(1)->err, GW_OK);
    assert_true(w.now_ms >= 6000);
    assert_int_equal(tinybms_battery(&w.t)->operation_mode, 1);
}

static void the_bms_is_restarted_once_only(void **state) {
    (void)state;
    start();
    w.judge = judge_command;
    judged_command = 0x02;
    verdict = WORLD_IGNORE;
    assert_int_equal(tinybms_reset(&w.t, 1, TINYBMS_RESTART), GW_OK);
    assert_int_equal(finish(1)->err, GW_ERR_TIMEOUT);
    world_run(&w, w.now_ms + 2000);
    assert_int_equal(world_count(&w, 0x02, 5, 0), 1);
}

static void a_reset_makes_the_blocks_it_changes_due(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint8_t option;
        enum battery_group group;
    } cases[] = {
        {"events", 1, BATTERY_GROUP_EVENTS},
        {"statistics", 2, BATTERY_GROUP_STATISTICS},
        {"restart", 5, BATTERY_GROUP_VERSION},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        start();
        uint32_t before = w.blocks[cases[i].group];
        assert_int_equal(tinybms_reset(&w.t, 1, cases[i].option), GW_OK);
        assert_int_equal(finish(1)->err, GW_OK);
        world_run(&w, w.now_ms + 150);
        if (w.blocks[cases[i].group] != before + 1) {
            fail_msg("%s", cases[i].what);
        }
    }
    for (unsigned option = 0; option < 256; option++) {
        if (option != 1 && option != 2 && option != 5) {
            assert_int_equal(tinybms_reset(&w.t, 9, (uint8_t)option), GW_ERR_RANGE);
        }
    }
}

static void commands_run_in_order_and_a_fifth_must_wait(void **state) {
    (void)state;
    start();
    for (uint32_t id = 1; id <= 4; id++) {
        assert_int_equal(tinybms_read(&w.t, id, (uint16_t)(300 + id), 1), GW_OK);
    }
    assert_int_equal(tinybms_read(&w.t, 5, 300, 1), GW_ERR_BUSY);
    assert_int_equal(tinybms_write(&w.t, 5, 300, 4100), GW_ERR_BUSY);
    assert_int_equal(tinybms_reset(&w.t, 5, 1), GW_ERR_BUSY);
    finish(4);
    size_t first = 0;
    for (size_t i = 0; i < w.results; i++) {
        if (w.result[i].kind == TINYBMS_RESULT_COMMAND) {
            assert_int_equal(w.result[i].id, ++first);
        }
    }
    assert_int_equal(first, 4);
    assert_int_equal(tinybms_read(&w.t, 5, 300, 1), GW_OK);
}

static void commands_of_a_lost_port_end_offline(void **state) {
    (void)state;
    start();
    assert_int_equal(tinybms_read(&w.t, 1, 300, 1), GW_OK);
    assert_int_equal(tinybms_write(&w.t, 2, 300, 4100), GW_OK);
    (void)tinybms_step(&w.t, w.now_ms);
    tinybms_set_port(&w.t, false, w.now_ms);
    world_run(&w, w.now_ms + 1);
    assert_int_equal(finish(1)->err, GW_ERR_OFFLINE);
    assert_int_equal(finish(2)->err, GW_ERR_OFFLINE);
    assert_int_equal(tinybms_write(&w.t, 3, 300, 4100), GW_ERR_OFFLINE);
}

static void commands_do_not_starve_samples_nor_samples_commands(void **state) {
    (void)state;
    static const uint32_t intervals[] = {0, 20, 100};
    for (size_t i = 0; i < COUNT(intervals); i++) {
        struct tinybms_config cfg = world_config();
        cfg.poll_interval_ms = intervals[i];
        world_init_with(&w, &cfg);
        world_run(&w, 3000);
        uint32_t samples = w.samples;
        uint32_t done = 0;
        struct tinybms_result r;
        while (w.now_ms < 8000) { /* as many long reads as will go */
            (void)tinybms_read(&w.t, 1, 0, 100);
            world_run(&w, w.now_ms + 5);
            while (tinybms_next_result(&w.t, &r)) {
            }
            done += (uint32_t)w.results;
            w.results = 0;
        }
        assert_true(done > 100);
        assert_true(w.samples - samples > (intervals[i] == 100 ? 45 : 100));
    }
}

static void a_command_to_a_sleeping_bms_ends(void **state) {
    (void)state;
    start();
    w.asleep_until_ms = UINT64_MAX;
    world_run(&w, 6000);
    assert_int_equal(tinybms_link(&w.t), TINYBMS_LINK_WAKING);
    assert_int_equal(tinybms_read(&w.t, 1, 300, 1), GW_OK);
    assert_int_equal(finish(1)->err, GW_ERR_TIMEOUT);
    assert_true(w.now_ms < 6000 + 5000);
}

/* An answer held back for 180 ms, longer than the attempt and the delay. */
static size_t slow_once;

static enum world_answer hold_back(struct world *x, const struct world_request *rq) {
    x->turnaround_ms = 2;
    if (rq->addr == 300 && rq->count == 1 && slow_once++ == 0) {
        x->turnaround_ms = 180;
    }
    return WORLD_ANSWER;
}

static void a_late_answer_is_not_taken_for_that_of_another_register(void **state) {
    (void)state;
    struct tinybms_config cfg = world_config();
    cfg.retry_count = 0;
    cfg.poll_interval_ms = 2000;
    world_init_with(&w, &cfg);
    world_run(&w, 1500);
    w.judge = hold_back;
    slow_once = 0;
    assert_int_equal(tinybms_read(&w.t, 1, 300, 1), GW_OK);
    assert_int_equal(tinybms_read(&w.t, 2, 301, 1), GW_OK);
    assert_int_equal(finish(1)->err, GW_ERR_TIMEOUT);
    assert_int_equal(finish(2)->err, GW_OK);
    assert_int_equal(finish(2)->value[0], 3000);
}

static enum world_answer ignore_300(struct world *x, const struct world_request *rq) {
    (void)x;
    return rq->addr == 300 && rq->count == 1 ? WORLD_IGNORE : WORLD_ANSWER;
}

static void samples_go_on_while_a_command_waits_for_a_late_answer_to_pass(void **state) {
    (void)state;
    struct tinybms_config cfg = world_config();
    cfg.retry_count = 0;
    cfg.poll_interval_ms = 20;
    world_init_with(&w, &cfg);
    world_run(&w, 2000);
    w.judge = ignore_300;
    w.asked = 0;
    assert_int_equal(tinybms_read(&w.t, 1, 300, 1), GW_OK);
    assert_int_equal(tinybms_read(&w.t, 2, 301, 1), GW_OK);
    assert_int_equal(finish(2)->err, GW_OK);
    uint64_t last_ms = 2000;
    for (size_t i = 0; i < w.asked; i++) {
        if (w.log[i].addr == 0) { /* the time-out of 102 ms, and a slow turn */
            assert_in_range(w.log[i].at_ms - last_ms, 0, 150);
            last_ms = w.log[i].at_ms;
        }
    }
    assert_true(w.now_ms > 2000 + TINYBMS_LATE_MS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_read_returns_the_registers_asked_for),
        cmocka_unit_test(a_read_checks_its_range),
        cmocka_unit_test(a_write_is_read_back_and_seen_at_once),
        cmocka_unit_test(a_write_refused_by_the_catalogue_is_never_sent),
        cmocka_unit_test(two_words_are_written_by_one_request_low_word_first),
        cmocka_unit_test(a_negative_setting_is_written_in_sixteen_bits),
        cmocka_unit_test(reserved_bits_are_kept),
        cmocka_unit_test(what_reads_back_differently_is_a_mismatch),
        cmocka_unit_test(a_value_that_the_bms_takes_over_reads_all_ones),
        cmocka_unit_test(a_refusal_ends_a_command_with_its_code),
        cmocka_unit_test(a_command_without_an_answer_ends_after_its_retries_and_costs_no_samples),
        cmocka_unit_test(a_write_whose_answer_is_lost_is_judged_by_what_reads_back),
        cmocka_unit_test(a_write_that_restarts_the_bms_waits_for_it),
        cmocka_unit_test(the_bms_is_restarted_once_only),
        cmocka_unit_test(a_reset_makes_the_blocks_it_changes_due),
        cmocka_unit_test(commands_run_in_order_and_a_fifth_must_wait),
        cmocka_unit_test(commands_of_a_lost_port_end_offline),
        cmocka_unit_test(commands_do_not_starve_samples_nor_samples_commands),
        cmocka_unit_test(a_command_to_a_sleeping_bms_ends),
        cmocka_unit_test(a_late_answer_is_not_taken_for_that_of_another_register),
        cmocka_unit_test(samples_go_on_while_a_command_waits_for_a_late_answer_to_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
