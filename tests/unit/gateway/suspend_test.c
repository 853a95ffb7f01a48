/* SPDX-License-Identifier: MIT */
/* The machine sleeps for an hour between two calls of the core. now_ms counts the sleep, so what
 * was read before it is an hour old: the contract of silence applies as it does to an hour without
 * an answer, whichever call is the first one afterwards. In virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "gateway/gateway.h"
#include "scripted_bms.h"

enum { HOUR_MS = 3600000, ANSWER_MS = 12, FRAMES_MAX = 4096, TICK = 32, CELL = 2 };

static struct rig {
    struct settings settings;
    struct gateway g;
    struct scripted_bms bms;
    uint64_t now_ms, answer_at_ms;
    bool answering;
    unsigned requests, answers, busy_steps;
    uint64_t answer_ms[FRAMES_MAX];
    unsigned frames;
    struct victron_frame frame[FRAMES_MAX];
    uint64_t frame_ms[FRAMES_MAX];
} rig;

static void drain(void) {
    uint8_t tx[300];
    struct victron_frame f;
    size_t n = gateway_uart_tx(&rig.g, tx, sizeof tx, rig.now_ms);
    if (n > 0) {
        scripted_bms_request(&rig.bms, tx, n);
        rig.answering = rig.bms.reply_len > 0;
        rig.answer_at_ms = rig.now_ms + ANSWER_MS;
        rig.requests++;
    }
    while (gateway_next_frame(&rig.g, &f, rig.now_ms)) {
        gateway_frame_done(&rig.g, &f, true);
        assert_true(rig.frames < FRAMES_MAX);
        rig.frame[rig.frames] = f;
        rig.frame_ms[rig.frames++] = rig.now_ms;
    }
}

/* One millisecond; the BMS's clock ticks and a cell breathes. */
static void turn(void) {
    rig.bms.reg[TICK] = (uint16_t)(rig.now_ms / 1000);
    rig.bms.reg[CELL] = (uint16_t)(39000 + rig.now_ms / 1000 % 2 * 10);
    if (rig.answering && rig.now_ms >= rig.answer_at_ms) {
        rig.answering = false;
        assert_true(rig.answers < FRAMES_MAX);
        rig.answer_ms[rig.answers++] = rig.now_ms;
        gateway_uart_rx(&rig.g, rig.bms.reply, rig.bms.reply_len, rig.now_ms);
    }
    (void)gateway_step(&rig.g, rig.now_ms);
    drain();
    if (gateway_step(&rig.g, rig.now_ms) <= rig.now_ms) {
        rig.busy_steps++;
    }
    rig.now_ms++;
}

static void run(uint64_t ms) {
    for (uint64_t end_ms = rig.now_ms + ms; rig.now_ms < end_ms;) {
        turn();
    }
}

static void start(uint64_t now_ms) {
    memset(&rig, 0, sizeof rig);
    settings_defaults(&rig.settings);
    scripted_bms_init(&rig.bms);
    rig.now_ms = now_ms;
    gateway_init(&rig.g, &rig.settings, rig.now_ms);
    gateway_set_uart(&rig.g, true, rig.now_ms);
    gateway_set_can(&rig.g, true, rig.now_ms);
}

/* Works for 12 s, then to the middle of a request to the BMS: its answer is still to come. */
static void work_and_sleep(uint64_t asleep_ms) {
    start(1000);
    run(12000);
    while (!rig.answering) {
        turn();
    }
    struct log_record r;
    while (gateway_next_log(&rig.g, &r)) {
    }
    rig.now_ms += asleep_ms;
    rig.frames = rig.requests = rig.answers = rig.busy_steps = 0;
}

static uint64_t age_ms(void) {
    static struct gateway_snapshot s;
    gateway_snapshot(&rig.g, &s, rig.now_ms);
    return s.sample_age_ms;
}

static unsigned value_at(const struct victron_frame *f, unsigned offset) {
    return f->data[offset] + 256u * f->data[offset + 1];
}

/* The last 0x351 sent. */
static const struct victron_frame *limits(void) {
    const struct victron_frame *found = NULL;
    for (unsigned i = 0; i < rig.frames; i++) {
        if (rig.frame[i].id == 0x351) {
            found = &rig.frame[i];
        }
    }
    assert_non_null(found);
    return found;
}

/* ---- the first call after the sleep ---- */

static void first_step(void) {
    assert_true(gateway_step(&rig.g, rig.now_ms) > rig.now_ms);
}

static void first_frame(void) {
    struct victron_frame f;
    assert_false(gateway_next_frame(&rig.g, &f, rig.now_ms));
}

/* The answer to the request from before the sleep, out of some buffer. */
static void first_answer(void) {
    rig.answering = false;
    gateway_uart_rx(&rig.g, rig.bms.reply, rig.bms.reply_len, rig.now_ms);
    assert_in_range(age_ms(), HOUR_MS, HOUR_MS + 1000);
}

/* The same in two portions: the adapter hands over the rest a little later, in between the core has
 * had its step. */
static void first_half_an_answer(void) {
    rig.answering = false;
    size_t half = rig.bms.reply_len / 2;
    gateway_uart_rx(&rig.g, rig.bms.reply, half, rig.now_ms);
    (void)gateway_step(&rig.g, rig.now_ms);
    gateway_uart_rx(&rig.g, rig.bms.reply + half, rig.bms.reply_len - half, rig.now_ms + 2);
    assert_in_range(age_ms(), HOUR_MS, HOUR_MS + 1000);
}

static void first_keepalive(void) {
    const struct victron_frame alive = {.id = 0x305, .len = 8};
    gateway_can_rx(&rig.g, &alive, rig.now_ms);
}

static void first_request(void) {
    uint8_t tx[300];
    rig.answering = false;
    size_t n = gateway_uart_tx(&rig.g, tx, sizeof tx, rig.now_ms);
    if (n > 0) { /* asks at once: what it gets is an answer of now */
        scripted_bms_request(&rig.bms, tx, n);
        rig.answering = true;
        rig.answer_at_ms = rig.now_ms + ANSWER_MS;
    }
}

static void first_new_can_link(void) {
    gateway_set_can(&rig.g, false, rig.now_ms);
    gateway_set_can(&rig.g, true, rig.now_ms);
}

static void first_command(void) {
    const struct gateway_command c = {
        .sequence = 1, .kind = GATEWAY_READ_REGISTERS, .addr = 307, .count = 1};
    assert_int_equal(gateway_command(&rig.g, &c, rig.now_ms), GW_OK);
}

static const struct {
    const char *what;
    void (*call)(void);
} first_calls[] = {
    {"a step", first_step},
    {"a frame is asked for", first_frame},
    {"a late answer", first_answer},
    {"a late answer in two portions", first_half_an_answer},
    {"a keep-alive of the GX", first_keepalive},
    {"a request is asked for", first_request},
    {"the CAN link is new", first_new_can_link},
    {"a command", first_command},
};

static void check_resume(void (*call)(void)) {
    work_and_sleep(HOUR_MS);
    uint64_t woke_ms = rig.now_ms;
    call();
    drain();
    assert_int_equal(rig.frames, 0);
    run(10000);
    /* The third answer of a fast sample at the earliest: others may come in between. */
    assert_true(rig.answers >= 3);
    assert_true(rig.frames > 0);
    assert_true(rig.frame_ms[0] >= rig.answer_ms[2]);
    /* Three samples 100 ms apart; waking costs no more than a second. */
    assert_true(rig.frame_ms[0] - woke_ms <= 1500);
    /* 0x351 comes first: CCL and DCL a tenth of nominal, 1.8 A of 18 and 5.4 A of 54. */
    assert_int_equal(rig.frame[0].id, 0x351);
    assert_int_equal(value_at(&rig.frame[0], 2), 18);
    assert_int_equal(value_at(&rig.frame[0], 4), 54);
    run(2000);
    assert_int_equal(value_at(limits(), 2), 180);
    assert_int_equal(value_at(limits(), 4), 540);
}

static void nothing_from_before_the_sleep_is_sent_after_it(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof first_calls / sizeof first_calls[0]; i++) {
        print_message("first call: %s\n", first_calls[i].what);
        check_resume(first_calls[i].call);
    }
}

/* What an hour would have sent and asked is not made up for. */
static void nothing_is_caught_up_with(void **state) {
    (void)state;
    work_and_sleep(HOUR_MS);
    run(2000);
    unsigned in_a_second = 0;
    for (unsigned i = 0; i < rig.frames; i++) {
        for (unsigned k = i + 1; k < rig.frames; k++) {
            assert_false(rig.frame[i].id == rig.frame[k].id &&
                         rig.frame_ms[k] - rig.frame_ms[i] < 100);
        }
        in_a_second += rig.frame_ms[i] - rig.frame_ms[0] < 1000;
    }
    /* a period's frames: no more than the rows of the table, and 0x351 and 0x35A out of turn */
    assert_in_range(in_a_second, 1, victron_table_rows + 12);
    /* 40 fast samples in 2 s of opening and the slow blocks, which are all due after waking */
    assert_in_range(rig.requests, 30, 60);
    assert_int_equal(rig.busy_steps, 0);
}

static bool logged(enum log_id id, int32_t *value) {
    struct log_record r;
    while (gateway_next_log(&rig.g, &r)) {
        if (r.id == id) {
            *value = r.value[0];
            return true;
        }
    }
    return false;
}

static void a_sleep_is_logged_with_its_length(void **state) {
    int32_t ms = 0;
    (void)state;
    work_and_sleep(HOUR_MS);
    run(1);
    assert_true(logged(LOG_OVERSLEPT, &ms));
    assert_in_range(ms, HOUR_MS - 1000, HOUR_MS + 1000);
}

/* A thread that was held up for less than the BMS may be silent for. */
static void a_short_pause_closes_nothing(void **state) {
    static const uint64_t pauses_ms[] = {500, 1500, 3000, 4500};
    int32_t ms = 0;
    (void)state;
    for (size_t i = 0; i < sizeof pauses_ms / sizeof pauses_ms[0]; i++) {
        work_and_sleep(pauses_ms[i]);
        run(3000);
        assert_true(rig.frames > 30);
        for (unsigned k = 0; k < rig.frames; k++) {
            if (rig.frame[k].id == 0x351) {
                assert_int_equal(value_at(&rig.frame[k], 2), 180);
                assert_int_equal(value_at(&rig.frame[k], 4), 540);
            }
        }
        assert_int_equal(logged(LOG_OVERSLEPT, &ms), pauses_ms[i] > 2500);
    }
}

/* A 0x351 that is wanted out of turn has been due since the one before it, perhaps for hours. Taken
 * for a sleep, it would throw the conversation with the BMS away at every change of stage. */
static void a_frame_wanted_out_of_turn_is_no_sleep(void **state) {
    int32_t ms = 0;
    (void)state;
    start(HOUR_MS); /* of the clock: none has been sent out of turn yet */
    run(12000);
    assert_true(rig.frames > 0);
    assert_false(logged(LOG_OVERSLEPT, &ms));
    for (unsigned stage = 0; stage < 4; stage++) { /* at 5, 15, 30 s; and back */
        static const uint64_t silence_ms[] = {10000, 10000, 15000, 0};
        rig.bms.mute = silence_ms[stage] > 0;
        run(rig.bms.mute ? silence_ms[stage] : 5000);
        assert_false(logged(LOG_OVERSLEPT, &ms));
        rig.frames = rig.answers = 0;
    }
}

/* A port may wait for as long as the core says: then it is not late. */
static void waiting_for_the_deadline_is_no_sleep(void **state) {
    int32_t ms = 0;
    (void)state;
    work_and_sleep(0);
    gateway_set_uart(&rig.g, false, rig.now_ms);
    gateway_set_can(&rig.g, false, rig.now_ms);
    uint64_t longest_ms = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t next_ms = gateway_step(&rig.g, rig.now_ms);
        if (next_ms == UINT64_MAX) {
            break;
        }
        longest_ms = next_ms - rig.now_ms > longest_ms ? next_ms - rig.now_ms : longest_ms;
        rig.now_ms = next_ms;
        drain();
    }
    assert_true(longest_ms > 10000);
    assert_false(logged(LOG_OVERSLEPT, &ms));
}

/* Commands that were under way are answered, once. */
static void a_command_from_before_the_sleep_ends(void **state) {
    struct gateway_answer a;
    const struct gateway_command c = {
        .sequence = 9, .kind = GATEWAY_READ_REGISTERS, .addr = 307, .count = 1};
    (void)state;
    work_and_sleep(0);
    assert_int_equal(gateway_command(&rig.g, &c, rig.now_ms), GW_OK);
    rig.now_ms += HOUR_MS;
    run(1);
    assert_true(gateway_next_answer(&rig.g, &a));
    assert_int_equal(a.sequence, 9);
    assert_int_equal(a.err, GW_ERR_OFFLINE);
    run(5000);
    assert_false(gateway_next_answer(&rig.g, &a));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_from_before_the_sleep_is_sent_after_it),
        cmocka_unit_test(nothing_is_caught_up_with),
        cmocka_unit_test(a_sleep_is_logged_with_its_length),
        cmocka_unit_test(a_short_pause_closes_nothing),
        cmocka_unit_test(a_frame_wanted_out_of_turn_is_no_sleep),
        cmocka_unit_test(waiting_for_the_deadline_is_no_sleep),
        cmocka_unit_test(a_command_from_before_the_sleep_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
