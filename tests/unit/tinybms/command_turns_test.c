/* SPDX-License-Identifier: MIT */
/* When each attempt of a command goes out, to the millisecond, and what passes by on the way.
 * Samples are 2 s apart here, so that nothing but the command's own time wakes the conversation.
 *
 * The wire at 115200 baud, ten bits a byte, rounded up to whole milliseconds: reading one register
 * is 8 bytes (1 ms), 2 ms until the BMS begins, 7 bytes (1 ms): the answer is there after 4 ms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "wire.h"
#include "world.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { ANSWER_MS = 4, START_MS = 1600 };

static struct world w;

/* All blocks were read; the next sample is due at 3000. */
static void start(uint32_t retry_delay_ms) {
    struct tinybms_config cfg = world_config();
    cfg.poll_interval_ms = 2000;
    cfg.retry_delay_ms = retry_delay_ms;
    world_init_with(&w, &cfg);
    world_run(&w, START_MS);
    for (int g = BATTERY_GROUP_SETTINGS; g < BATTERY_GROUP_COUNT; g++) {
        assert_int_equal(w.blocks[g], 1);
    }
    w.asked = 0;
}

/* In strides: waking it every millisecond would hide a deadline that it forgot to tell. */
static const struct tinybms_result *finish(uint32_t id) {
    for (int i = 0; i < 40 && world_result(&w, id) == NULL; i++) {
        world_run(&w, w.now_ms + 300);
    }
    const struct tinybms_result *r = world_result(&w, id);
    if (r == NULL) {
        fail_msg("command %u did not end", (unsigned)id);
    }
    return r;
}

/* The request number n of this command byte, counted from 0. */
static const struct world_request *request(uint8_t command, size_t n) {
    for (size_t i = 0; i < w.asked; i++) {
        if (w.log[i].command == command && n-- == 0) {
            return &w.log[i];
        }
    }
    fail_msg("no such request of 0x%02X", command);
    return NULL;
}

static struct tinybms_counters counters(void) {
    struct tinybms_counters c;
    tinybms_counters(&w.t, &c);
    return c;
}

static void clip(struct world *x, uint16_t addr) {
    x->reg[addr] = 50;
}

static void
what_reads_back_differently_is_read_again_after_20_ms_and_the_retry_delay(void **state) {
    (void)state;
    static const uint32_t delays_ms[] = {20, 35};
    for (size_t i = 0; i < COUNT(delays_ms); i++) {
        start(delays_ms[i]);
        w.written = clip;
        assert_int_equal(tinybms_write(&w.t, 1, 317, 200), GW_OK);
        assert_int_equal(finish(1)->err, GW_ERR_MISMATCH);
        uint64_t gap_ms = ANSWER_MS + 20 + delays_ms[i];
        assert_int_equal(request(0x03, 1)->at_ms - request(0x03, 0)->at_ms, gap_ms);
        assert_int_equal(request(0x03, 2)->at_ms - request(0x03, 1)->at_ms, gap_ms);
    }
}

static uint8_t deaf_command;

static enum world_answer deaf(struct world *x, const struct world_request *rq) {
    (void)x;
    return rq->command == deaf_command ? WORLD_IGNORE : WORLD_ANSWER;
}

/* 0x02 is 5 bytes and so is its ACK: 1 ms of wire and the margin of 100 ms, then the delay. */
static void an_attempt_is_repeated_after_its_time_out_and_the_retry_delay(void **state) {
    (void)state;
    static const uint32_t delays_ms[] = {20, 35};
    for (size_t i = 0; i < COUNT(delays_ms); i++) {
        start(delays_ms[i]);
        uint32_t retries = counters().retries;
        w.judge = deaf;
        deaf_command = 0x02;
        assert_int_equal(tinybms_reset(&w.t, 1, TINYBMS_CLEAR_EVENTS), GW_OK);
        assert_int_equal(finish(1)->err, GW_ERR_TIMEOUT);
        for (size_t n = 0; n < 4; n++) {
            assert_int_equal(request(0x02, n)->at_ms, START_MS + n * (101 + delays_ms[i]));
        }
        assert_int_equal(world_count(&w, 0x02, 1, 0), 4);
        assert_int_equal(counters().retries - retries, 3);
    }
}

static uint32_t heard[256];

/* Hears every fourth request of each command only. */
static enum world_answer hard_of_hearing(struct world *x, const struct world_request *rq) {
    (void)x;
    if (rq->addr == 0) { /* samples */
        return WORLD_ANSWER;
    }
    return ++heard[rq->command] % 4 == 0 ? WORLD_ANSWER : WORLD_IGNORE;
}

static void every_step_of_a_write_has_all_its_attempts(void **state) {
    (void)state;
    start(20);
    memset(heard, 0, sizeof heard);
    w.judge = hard_of_hearing;
    w.reg[342] = 0xA503;
    assert_int_equal(tinybms_write(&w.t, 1, 342, 0), GW_OK); /* merge, write, read back */
    assert_int_equal(finish(1)->err, GW_OK);
    assert_int_equal(w.reg[342], 0xA500);
    assert_int_equal(world_count(&w, 0x03, 342, 1), 8);
    assert_int_equal(world_count(&w, 0x10, 342, 1), 4);
}

/* 0x10 is 11 bytes, its ACK 8: 2 ms of wire and the margin of 100 ms. */
static void a_write_without_an_answer_is_read_back_after_the_retry_delay(void **state) {
    (void)state;
    start(35);
    w.judge = deaf;
    deaf_command = 0x10;
    assert_int_equal(tinybms_write(&w.t, 1, 300, 4100), GW_OK);
    assert_int_equal(finish(1)->err, GW_ERR_TIMEOUT);
    assert_int_equal(request(0x03, 0)->at_ms, request(0x10, 3)->at_ms + 102 + 35);
}

static uint32_t refusals;
static uint8_t refusal_code;

static enum world_answer refuse_at_first(struct world *x, const struct world_request *rq) {
    (void)x;
    if (rq->addr == 0 || refusals == 0) {
        return WORLD_ANSWER;
    }
    refusals--;
    return WORLD_REFUSE;
}

static size_t with_code(struct world *x, uint8_t *reply, size_t n) {
    (void)x;
    if (reply[1] == 0x00) {
        reply[3] = refusal_code;
        return wire_seal(reply, 4);
    }
    return n;
}

static void only_a_refusal_for_a_wrong_crc_is_worth_another_attempt(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint32_t refusals;
        uint8_t code;
        int err;
        uint8_t nack;
        uint32_t retries;
    } cases[] = {
        {"command error", 9, 0, GW_ERR_NACK, 0, 0},
        {"a code unknown today", 9, 7, GW_ERR_NACK, 7, 0},
        {"CRC error for ever", 9, 1, GW_ERR_NACK, 1, 3},
        {"CRC error twice", 2, 1, GW_OK, 0, 2},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        start(20);
        uint32_t retries = counters().retries;
        w.judge = refuse_at_first;
        w.spoil = with_code;
        refusals = cases[i].refusals;
        refusal_code = cases[i].code;
        assert_int_equal(tinybms_read(&w.t, 1, 300, 1), GW_OK);
        const struct tinybms_result *r = finish(1);
        if (r->err != cases[i].err || r->nack != cases[i].nack ||
            counters().retries - retries != cases[i].retries) {
            fail_msg("%s: %d, code %u, %u retries", cases[i].what, r->err, r->nack,
                     (unsigned)(counters().retries - retries));
        }
        assert_int_equal(w.asked, cases[i].retries + 1);
    }
}

static void refuse_for_a_while(struct world *x, uint16_t addr) {
    (void)addr;
    x->judge = refuse_at_first;
    refusals = 12; /* more than the attempts of one step */
}

static void a_bms_that_starts_may_refuse(void **state) {
    (void)state;
    start(20);
    w.written = refuse_for_a_while;
    assert_int_equal(tinybms_write(&w.t, 1, 340, 1), GW_OK);
    assert_int_equal(finish(1)->err, GW_OK);
    assert_int_equal(refusals, 0);
}

static uint64_t silent_until_ms;

static enum world_answer starting(struct world *x, const struct world_request *rq) {
    (void)rq;
    return x->now_ms < silent_until_ms ? WORLD_IGNORE : WORLD_ANSWER;
}

static void fall_silent(struct world *x, uint16_t addr) {
    (void)addr;
    x->judge = starting;
}

/* Merge at 1600, write at 1604; 0x10 is 11 bytes, its ACK 8: acknowledged at 1608. */
static void a_write_that_restarts_the_bms_is_read_back_after_half_a_second(void **state) {
    (void)state;
    start(20);
    assert_int_equal(tinybms_write(&w.t, 1, 340, 1), GW_OK);
    assert_int_equal(finish(1)->err, GW_OK);
    assert_int_equal(request(0x03, 0)->at_ms, START_MS);
    assert_int_equal(request(0x10, 0)->at_ms, START_MS + 4);
    assert_int_equal(request(0x03, 1)->at_ms, START_MS + 8 + 500);
}

static void any_other_write_is_read_back_at_once(void **state) {
    (void)state;
    start(20);
    assert_int_equal(tinybms_write(&w.t, 1, 339, 1), GW_OK);
    assert_int_equal(finish(1)->err, GW_OK);
    assert_int_equal(request(0x03, 1)->at_ms, START_MS + 8);
}

static void a_bms_may_take_ten_seconds_to_restart_and_no_longer(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint64_t silent_ms;
        int err;
    } cases[] = {
        {"back after 9.5 s", 9500, GW_OK},
        {"never back", 60000, GW_ERR_TIMEOUT},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        start(20);
        silent_until_ms = START_MS + 8 + cases[i].silent_ms;
        w.written = fall_silent;
        assert_int_equal(tinybms_write(&w.t, 1, 340, 1), GW_OK);
        int err = finish(1)->err;
        if (err != cases[i].err) {
            fail_msg("%s: %d", cases[i].what, err);
        }
        /* an attempt that is under way at 10 s is waited for, samples between attempts too */
        assert_in_range(w.now_ms - START_MS, cases[i].err == GW_OK ? 9500 : 10000, 12000);
    }
}

/* Command 1: 8 bytes out, 7 back: 2 ms of wire and 100 ms of margin, then 250 ms in which its
 * answer may still come. Command 2 asks for as many registers: it must wait until then. */
static enum world_answer deaf_to_300(struct world *x, const struct world_request *rq) {
    (void)x;
    return rq->addr == 300 ? WORLD_IGNORE : WORLD_ANSWER;
}

static void a_command_waits_for_the_late_answer_of_another_and_no_longer(void **state) {
    (void)state;
    start(20);
    w.t.config.retry_count = 0;
    w.judge = deaf_to_300;
    assert_int_equal(tinybms_read(&w.t, 1, 300, 1), GW_OK);
    assert_int_equal(tinybms_read(&w.t, 2, 301, 1), GW_OK);
    world_run(&w, START_MS + 1000); /* its own deadlines alone wake it */
    assert_int_equal(world_result(&w, 1)->err, GW_ERR_TIMEOUT);
    assert_int_equal(world_result(&w, 2)->err, GW_OK);
    assert_int_equal(request(0x03, 0)->at_ms, START_MS);
    assert_int_equal(request(0x03, 1)->at_ms, START_MS + 102 + TINYBMS_LATE_MS);
}

/* 100 registers: 8 bytes out, 205 back, 19 ms. A sample is due in 10. */
static void a_command_that_does_not_fit_lets_the_sample_go_first(void **state) {
    (void)state;
    world_init(&w);
    world_run(&w, 1990);
    w.asked = 0;
    assert_int_equal(tinybms_read(&w.t, 1, 100, 100), GW_OK);
    assert_int_equal(finish(1)->err, GW_OK);
    assert_int_equal(w.log[0].at_ms, 2000);
    assert_int_equal(w.log[0].addr, 0);
    assert_int_equal(w.log[1].addr, 100);
}

/* One register: 2 ms of wire and 3 ms for the BMS to begin; a sample is due at 2000. */
static void a_command_fits_to_the_millisecond(void **state) {
    (void)state;
    for (uint64_t at_ms = 1994; at_ms <= 1996; at_ms++) {
        world_init(&w);
        world_run(&w, at_ms);
        w.asked = 0;
        assert_int_equal(tinybms_read(&w.t, 1, 317, 1), GW_OK);
        world_run(&w, 2050);
        assert_int_equal(w.log[0].addr, at_ms <= 1995 ? 317 : 0);
        assert_int_equal(w.log[0].at_ms, at_ms <= 1995 ? at_ms : 2000);
    }
}

static enum world_answer deaf_to_100(struct world *x, const struct world_request *rq) {
    (void)x;
    return rq->addr == 100 ? WORLD_IGNORE : WORLD_ANSWER;
}

/* The command becomes ready while the sample of 2000 is under way, begins after it (13 ms) and
 * waits until 119 ms later: the sample of 2100 is overdue then and comes before the next attempt.
 */
static void another_attempt_of_a_command_lets_a_waiting_sample_go_first(void **state) {
    (void)state;
    struct tinybms_config cfg = world_config();
    cfg.retry_delay_ms = 0;
    world_init_with(&w, &cfg);
    world_run(&w, 2005);
    w.judge = deaf_to_100;
    w.asked = 0;
    assert_int_equal(tinybms_read(&w.t, 1, 100, 100), GW_OK);
    world_run(&w, 2300);
    assert_int_equal(w.log[0].addr, 100);
    assert_in_range(w.log[0].at_ms, 2010, 2016);
    assert_int_equal(w.log[1].addr, 0);
    assert_int_equal(w.log[1].at_ms, w.log[0].at_ms + 119);
    assert_int_equal(w.log[2].addr, 100);
}

static void settings_that_pass_by_are_taken_and_nothing_else(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint16_t addr, count;
        bool taken;
    } cases[] = {
        {"live values", 0, 16, false},       {"the last before the settings", 299, 1, false},
        {"the first setting", 300, 1, true}, {"the last setting", 343, 1, true},
        {"one behind", 344, 1, false},       {"the version", 500, 4, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        start(20);
        w.reg[2] = 39800; /* cell 14, see the cell order */
        w.reg[300] = 4140;
        w.reg[502] = 243;
        assert_int_equal(tinybms_read(&w.t, 1, cases[i].addr, cases[i].count), GW_OK);
        assert_int_equal(finish(1)->err, GW_OK);
        if (w.blocks[BATTERY_GROUP_SETTINGS] != (cases[i].taken ? 2u : 1u)) {
            fail_msg("%s", cases[i].what);
        }
        const struct battery *b = tinybms_battery(&w.t);
        assert_int_equal(b->cell_mv[13], 3970);
        assert_int_equal(b->fully_charged_mv, cases[i].addr == 300 ? 4140 : 4150);
        assert_int_equal(b->internal_firmware, 242);
        for (int g = BATTERY_GROUP_STATISTICS; g < BATTERY_GROUP_COUNT; g++) {
            assert_int_equal(w.blocks[g], 1);
        }
        assert_int_equal(w.samples, 1);
    }
}

static void a_result_holds_the_registers_asked_for_and_zeros(void **state) {
    (void)state;
    start(20);
    for (int i = 600; i < 700; i++) {
        w.reg[i] = 0xBEEF;
    }
    assert_int_equal(tinybms_read(&w.t, 1, 600, 100), GW_OK);
    assert_int_equal(finish(1)->value[99], 0xBEEF);
    assert_int_equal(tinybms_read(&w.t, 2, 600, 1), GW_OK);
    const struct tinybms_result *r = finish(2);
    assert_int_equal(r->value[0], 0xBEEF);
    for (int i = 1; i < TINYBMS_COMMAND_REGISTERS_MAX; i++) {
        assert_int_equal(r->value[i], 0);
    }
}

static void the_last_addresses_may_be_read(void **state) {
    (void)state;
    start(20);
    assert_int_equal(tinybms_read(&w.t, 1, 65535, 1), GW_OK);
    assert_int_equal(tinybms_read(&w.t, 2, 65534, 2), GW_OK);
    assert_int_equal(tinybms_read(&w.t, 3, 65534, 3), GW_ERR_RANGE);
    assert_int_equal(tinybms_read(&w.t, 3, 65436, 100), GW_OK);
    assert_int_equal(tinybms_read(&w.t, 4, 65437, 100), GW_ERR_RANGE);
}

static void clearing_one_block_asks_for_no_other(void **state) {
    (void)state;
    static const struct {
        uint8_t option;
        enum battery_group group;
    } cases[] = {{1, BATTERY_GROUP_EVENTS}, {2, BATTERY_GROUP_STATISTICS}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        start(20);
        assert_int_equal(tinybms_reset(&w.t, 1, cases[i].option), GW_OK);
        assert_int_equal(finish(1)->err, GW_OK);
        world_run(&w, START_MS + 200);
        for (int g = BATTERY_GROUP_SETTINGS; g < BATTERY_GROUP_COUNT; g++) {
            assert_int_equal(w.blocks[g], g == (int)cases[i].group ? 2 : 1);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_reads_back_differently_is_read_again_after_20_ms_and_the_retry_delay),
        cmocka_unit_test(an_attempt_is_repeated_after_its_time_out_and_the_retry_delay),
        cmocka_unit_test(every_step_of_a_write_has_all_its_attempts),
        cmocka_unit_test(a_write_without_an_answer_is_read_back_after_the_retry_delay),
        cmocka_unit_test(only_a_refusal_for_a_wrong_crc_is_worth_another_attempt),
        cmocka_unit_test(a_bms_that_starts_may_refuse),
        cmocka_unit_test(a_write_that_restarts_the_bms_is_read_back_after_half_a_second),
        cmocka_unit_test(any_other_write_is_read_back_at_once),
        cmocka_unit_test(a_bms_may_take_ten_seconds_to_restart_and_no_longer),
        cmocka_unit_test(a_command_waits_for_the_late_answer_of_another_and_no_longer),
        cmocka_unit_test(a_command_that_does_not_fit_lets_the_sample_go_first),
        cmocka_unit_test(a_command_fits_to_the_millisecond),
        cmocka_unit_test(another_attempt_of_a_command_lets_a_waiting_sample_go_first),
        cmocka_unit_test(settings_that_pass_by_are_taken_and_nothing_else),
        cmocka_unit_test(a_result_holds_the_registers_asked_for_and_zeros),
        cmocka_unit_test(the_last_addresses_may_be_read),
        cmocka_unit_test(clearing_one_block_asks_for_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
