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

static struct world w; /* large; each test starts it anew */

static struct tinybms_counters counters(void) {
    struct tinybms_counters c;
    tinybms_counters(&w.t, &c);
    return c;
}

static enum world_answer refuse_whole(struct world *x, const struct world_request *rq) {
    (void)x;
    return rq->command == 0x03 && rq->addr == 0 && rq->count == 54 ? WORLD_REFUSE : WORLD_ANSWER;
}

static enum world_answer ignore_whole(struct world *x, const struct world_request *rq) {
    (void)x;
    return rq->command == 0x03 && rq->addr == 0 && rq->count == 54 ? WORLD_IGNORE : WORLD_ANSWER;
}

static enum world_answer ignore_all(struct world *x, const struct world_request *rq) {
    (void)x;
    (void)rq;
    return WORLD_IGNORE;
}

static enum world_answer refuse_all(struct world *x, const struct world_request *rq) {
    (void)x;
    (void)rq;
    return WORLD_REFUSE;
}

static void a_configuration_out_of_range_is_refused(void **state) {
    (void)state;
    struct tinybms_config cfg = world_config();
    assert_int_equal(tinybms_init(&w.t, &cfg, 0), GW_OK);
    cfg.baudrate = 0;
    assert_int_equal(tinybms_init(&w.t, &cfg, 0), GW_ERR_RANGE);
    assert_int_equal(tinybms_configure(&w.t, &cfg, 0), GW_ERR_RANGE);
    for (unsigned cells = 0; cells < 256; cells++) {
        cfg = world_config();
        cfg.series_cells = (uint8_t)cells;
        bool ok = cells == 0 || (cells >= 4 && cells <= 16);
        assert_int_equal(tinybms_init(&w.t, &cfg, 0), ok ? GW_OK : GW_ERR_RANGE);
    }
    cfg = world_config();
    cfg.retry_count = 11;
    assert_int_equal(tinybms_init(&w.t, &cfg, 0), GW_ERR_RANGE);
}

static void without_a_port_nothing_is_asked(void **state) {
    (void)state;
    struct tinybms_config cfg = world_config();
    uint8_t out[16];
    struct tinybms_result r;
    assert_int_equal(tinybms_init(&w.t, &cfg, 0), GW_OK);
    assert_int_equal(tinybms_link(&w.t), TINYBMS_LINK_DOWN);
    assert_true(tinybms_step(&w.t, 5) == UINT64_MAX);
    assert_int_equal(tinybms_tx(&w.t, out, sizeof out, 5), 0);
    tinybms_handle_rx(&w.t, out, sizeof out, 5);
    assert_false(tinybms_next_result(&w.t, &r));
    assert_int_equal(tinybms_read(&w.t, 1, 0, 1), GW_ERR_OFFLINE);
    assert_string_equal(tinybms_link_text(TINYBMS_LINK_DOWN), "down");
    assert_string_equal(tinybms_link_text(TINYBMS_LINK_WAKING), "waking");
    assert_string_equal(tinybms_link_text(TINYBMS_LINK_ANSWERING), "answering");
}

static void samples_start_on_a_grid_without_drift(void **state) {
    (void)state;
    world_init(&w);
    world_run(&w, 1000 + 60000);
    size_t n = 0;
    for (size_t i = 0; i < w.asked; i++) {
        if (w.log[i].addr == 0) {
            assert_int_equal(w.log[i].at_ms, 1000 + 100 * n);
            n++;
        }
    }
    /* 1000, 1100, ... 61000; the last one is under way */
    assert_int_equal(n, 601);
    assert_int_equal(w.samples, 600);
    assert_int_equal(counters().polls, 601);
    assert_int_equal(counters().successes, 600);
    assert_int_equal(counters().timeouts, 0);
    assert_int_equal(tinybms_battery(&w.t)->samples, 600);
}

static void a_late_sample_does_not_move_the_grid(void **state) {
    (void)state;
    world_init(&w);
    world_run(&w, 1950);
    w.turnaround_ms = 90; /* the sample due at 2000 ends at 2101, after the next is due */
    world_run(&w, 2050);
    w.turnaround_ms = 2;
    world_run(&w, 2500);
    static const uint64_t want[] = {2000, 2101, 2200, 2300, 2400, 2500};
    size_t n = 0;
    for (size_t i = 0; i < w.asked; i++) {
        if (w.log[i].addr == 0 && w.log[i].at_ms >= 2000) {
            assert_int_equal(w.log[i].at_ms, want[n]);
            n++;
        }
    }
    assert_int_equal(n, COUNT(want));
}

static void a_sample_later_than_the_next_keeps_the_phase_of_the_grid(void **state) {
    (void)state;
    struct tinybms_config cfg = world_config();
    cfg.timeout_ms = 500;
    world_init_with(&w, &cfg);
    world_run(&w, 1950);
    w.turnaround_ms = 250; /* the sample due at 2000 ends at 2261 */
    world_run(&w, 2050);
    w.turnaround_ms = 2;
    world_run(&w, 2450);
    assert_int_equal(w.log[w.asked - 1].at_ms, 2400);
    assert_int_equal(w.log[w.asked - 2].at_ms, 2300);
    assert_int_equal(world_count(&w, 0x03, 0, 54), 10 + 4); /* 2000, 2261, 2300, 2400 */
}

static void back_to_back_polls_leave_no_gap_and_starve_nobody(void **state) {
    (void)state;
    struct tinybms_config cfg = world_config();
    cfg.poll_interval_ms = 0;
    world_init_with(&w, &cfg);
    world_run(&w, 1000 + 10000);
    /* 8 + 113 bytes and 2 ms: 13 ms a sample; 10 s hold 769 of them less the slow turns */
    assert_in_range(w.samples, 740, 769);
    /* events are due every 2 s and settings every 10 s, statistics and version once */
    assert_in_range(w.blocks[BATTERY_GROUP_EVENTS], 4, 6);
    for (int g = BATTERY_GROUP_SETTINGS; g < BATTERY_GROUP_COUNT; g++) {
        assert_true(w.first_block_ms[g] <= 1000 + 300);
    }
}

static void everything_is_known_within_three_tenths_of_a_second(void **state) {
    (void)state;
    static const uint32_t intervals[] = {0, 20, 50, 100, 2000};
    for (size_t i = 0; i < COUNT(intervals); i++) {
        struct tinybms_config cfg = world_config();
        cfg.poll_interval_ms = intervals[i];
        world_init_with(&w, &cfg);
        world_run(&w, 1300);
        for (int g = BATTERY_GROUP_SETTINGS; g < BATTERY_GROUP_COUNT; g++) {
            assert_int_equal(w.blocks[g], 1);
        }
        assert_true(battery_complete(tinybms_battery(&w.t)));
        /* the order at the start: sample, settings, version, events, statistics */
        static const uint16_t first[] = {0, 300, 500, 200, 100};
        size_t n = 0;
        for (size_t k = 0; k < w.asked && n < COUNT(first); k++) {
            if (n == 0 || w.log[k].addr != 0) {
                assert_int_equal(w.log[k].addr, first[n++]);
            }
        }
        assert_int_equal(n, COUNT(first));
    }
}

static void a_refused_whole_block_is_read_in_two_from_then_on(void **state) {
    (void)state;
    world_init(&w);
    w.judge = refuse_whole;
    world_run(&w, 1090);
    assert_int_equal(w.samples, 1); /* the first sample itself */
    assert_int_equal(counters().polls, 1);
    world_run(&w, 1000 + 5000);
    assert_int_equal(world_count(&w, 0x03, 0, 54), 1);
    assert_int_equal(world_count(&w, 0x03, 0, 16), world_count(&w, 0x03, 32, 22) + 1);
    assert_int_equal(w.samples, 50);
    const struct battery *b = tinybms_battery(&w.t);
    assert_int_equal(b->samples, 50);
    assert_int_equal(b->cell_count, 14);
    assert_int_equal(b->pack_mv, 55677);
    uint16_t word;
    assert_false(tinybms_image_get(tinybms_image(&w.t), 20, &word)); /* never read */
    assert_int_equal(counters().nacks, 1);

    tinybms_set_port(&w.t, false, w.now_ms); /* a port reopened asks for the whole again */
    tinybms_set_port(&w.t, true, w.now_ms);
    w.judge = NULL;
    w.first = w.last = 0;
    world_run(&w, w.now_ms + 50);
    assert_int_equal(world_count(&w, 0x03, 0, 54), 2);
}

static bool second_half_silent;

static enum world_answer lose_second_half(struct world *x, const struct world_request *rq) {
    if (refuse_whole(x, rq) == WORLD_REFUSE) {
        return WORLD_REFUSE;
    }
    return rq->addr == 32 && second_half_silent ? WORLD_IGNORE : WORLD_ANSWER;
}

static void half_a_sample_is_no_sample(void **state) {
    (void)state;
    world_init(&w);
    w.judge = lose_second_half;
    second_half_silent = true;
    world_run(&w, 1000 + 3000);
    assert_int_equal(w.samples, 0);
    assert_false(battery_has(tinybms_battery(&w.t), BATTERY_CELLS));
    uint16_t word;
    assert_false(tinybms_image_get(tinybms_image(&w.t), 2, &word));
    second_half_silent = false;
    world_run(&w, 1000 + 4000);
    assert_true(w.samples > 0);
}

static void a_device_silent_to_the_whole_block_is_tried_with_halves(void **state) {
    (void)state;
    world_init(&w);
    w.judge = ignore_whole;
    world_run(&w, 1000 + 5000);
    assert_true(w.samples > 10);
    assert_int_equal(tinybms_link(&w.t), TINYBMS_LINK_ANSWERING);
    size_t whole = world_count(&w, 0x03, 0, 54);
    world_run(&w, 1000 + 10000);
    assert_int_equal(world_count(&w, 0x03, 0, 54), whole); /* remembered */
}

/* Awake from the moment that the halves are first asked for. */
static enum world_answer woken_by_halves(struct world *x, const struct world_request *rq) {
    return rq->count == 54 && world_count(x, 0x03, 0, 16) == 0 ? WORLD_IGNORE : WORLD_ANSWER;
}

static void halves_answered_by_chance_do_not_stay_chosen(void **state) {
    (void)state;
    world_init(&w);
    w.judge = woken_by_halves;
    world_run(&w, 1000 + 5000);
    assert_int_equal(world_count(&w, 0x03, 0, 16), 1);
    w.asleep_until_ms = w.now_ms + 3000; /* the whole block has worked: silence is silence */
    world_run(&w, w.now_ms + 5000);
    assert_int_equal(world_count(&w, 0x03, 0, 16), 1);
    assert_int_equal(tinybms_link(&w.t), TINYBMS_LINK_ANSWERING);
}

static void one_lost_reply_costs_one_retry_and_no_sample(void **state) {
    (void)state;
    world_init(&w);
    world_run(&w, 1990);
    uint32_t samples = w.samples;
    w.asleep_until_ms = 2001; /* loses the request of 2000 */
    world_run(&w, 2190);      /* 2000 + 111 + 21: asked again at 2132, then the one due at 2100 */
    assert_int_equal(w.samples, samples + 2);
    assert_int_equal(counters().timeouts, 1);
    assert_int_equal(counters().retries, 1);
    assert_int_equal(tinybms_link(&w.t), TINYBMS_LINK_ANSWERING);
    world_run(&w, 2250);
    assert_int_equal(w.samples, samples + 3); /* the one of 2200 on time */
    assert_int_equal(w.sample_ms[w.samples - 1], 2213);
}

static void the_link_is_waking_after_two_seconds_of_silence(void **state) {
    (void)state;
    world_init(&w);
    world_run(&w, 5050);
    assert_int_equal(w.results, 2); /* down to waking (told late or not), waking to answering */
    assert_int_equal(w.result[w.results - 1].to, TINYBMS_LINK_ANSWERING);
    uint64_t last_ms = w.t.answered_ms;
    w.judge = ignore_all;
    world_run(&w, last_ms + TINYBMS_LINK_SILENT_MS - 1);
    assert_int_equal(tinybms_link(&w.t), TINYBMS_LINK_ANSWERING);
    world_run(&w, last_ms + TINYBMS_LINK_SILENT_MS);
    assert_int_equal(tinybms_link(&w.t), TINYBMS_LINK_WAKING);
    const struct tinybms_result *r = &w.result[w.results - 1];
    assert_int_equal(r->kind, TINYBMS_RESULT_LINK);
    assert_int_equal(r->from, TINYBMS_LINK_ANSWERING);
    assert_int_equal(r->to, TINYBMS_LINK_WAKING);
}

static void silence_is_seen_without_retries_too(void **state) {
    (void)state;
    struct tinybms_config cfg = world_config();
    cfg.retry_count = 0;
    world_init_with(&w, &cfg);
    world_run(&w, 3050);
    w.judge = ignore_all;
    world_run(&w, w.t.answered_ms + TINYBMS_LINK_SILENT_MS);
    assert_int_equal(tinybms_link(&w.t), TINYBMS_LINK_WAKING);
}

static void slow_polls_do_not_look_like_silence(void **state) {
    (void)state;
    struct tinybms_config cfg = world_config();
    cfg.poll_interval_ms = 2000;
    world_init_with(&w, &cfg);
    world_run(&w, 1000 + 60000);
    assert_int_equal(w.results, 2);
    assert_int_equal(tinybms_link(&w.t), TINYBMS_LINK_ANSWERING);
}

/* It looks at its UART for a moment once a second, and swallows the request that wakes it. */
static uint64_t look_every_ms, look_phase_ms, awake_until_ms;

static enum world_answer sleeper(struct world *x, const struct world_request *rq) {
    (void)rq;
    bool awake = x->now_ms < awake_until_ms;
    bool looks = (x->now_ms + look_phase_ms) % look_every_ms < 150;
    if (awake || looks) {
        awake_until_ms = x->now_ms + 10000;
    }
    return awake ? WORLD_ANSWER : WORLD_IGNORE;
}

static void a_sleeping_bms_is_woken_whatever_its_phase(void **state) {
    (void)state;
    look_every_ms = 1000;
    for (look_phase_ms = 0; look_phase_ms < 1000; look_phase_ms += 7) {
        world_init(&w);
        awake_until_ms = 0;
        w.judge = sleeper;
        world_run(&w, 1000 + 2500);
        if (w.samples == 0) {
            fail_msg("asleep with phase %u", (unsigned)look_phase_ms);
        }
        assert_int_equal(tinybms_link(&w.t), TINYBMS_LINK_ANSWERING);
    }
}

static void silence_is_asked_all_the_time_with_varied_spacing(void **state) {
    (void)state;
    struct tinybms_config cfg = world_config();
    cfg.poll_interval_ms = 2000;
    world_init_with(&w, &cfg);
    w.judge = ignore_all;
    world_run(&w, 1000 + 60000);
    bool seen[7] = {false};
    for (size_t i = 1; i < w.asked; i++) {
        uint64_t gap_ms = w.log[i].at_ms - w.log[i - 1].at_ms;
        /* time-out of the whole (111) or of a half (16 words: 8 + 37 bytes, 104), delay, 0-6 */
        assert_in_range(gap_ms, 104 + 20, 111 + 20 + 6);
        if (gap_ms >= 111 + 20) {
            seen[gap_ms - 131] = true;
        }
    }
    for (size_t i = 0; i < COUNT(seen); i++) {
        assert_true(seen[i]);
    }
    size_t whole = world_count(&w, 0x03, 0, 54), halves = world_count(&w, 0x03, 0, 16);
    assert_in_range(whole, halves, halves + 8); /* a series of four of each in turn */
    assert_int_equal(counters().successes, 0);
    assert_true(counters().polls < counters().timeouts);
    for (size_t i = 0; i < w.asked; i++) { /* nothing slow is asked of who does not answer */
        assert_true(w.log[i].addr == 0);
    }
}

static void a_device_that_refuses_everything_is_asked_calmly(void **state) {
    (void)state;
    world_init(&w);
    w.judge = refuse_all;
    world_run(&w, 1000 + 60000);
    assert_int_equal(w.samples, 0);
    assert_int_equal(tinybms_link(&w.t), TINYBMS_LINK_WAKING);
    assert_in_range(w.asked, 60, 60000 / 20);
}

static size_t flip_a_bit(struct world *x, uint8_t *reply, size_t n) {
    uint32_t r = wire_random(&x->random);
    if (r % 100 < 60) { /* 60 % of the replies arrive spoilt */
        reply[r / 100 % n] ^= (uint8_t)(1u << r % 8);
    }
    return n;
}

static void a_poor_line_still_gives_samples(void **state) {
    (void)state;
    world_init(&w);
    w.spoil = flip_a_bit;
    world_run(&w, 1000 + 60000);
    struct tinybms_counters c = counters();
    /* a spoilt reply costs 13 ms, the 20 ms of silence that end it and the 20-26 ms of the delay */
    assert_true(w.samples > 60000 / 200);
    assert_true(c.crc_errors > c.timeouts);
    assert_true(c.retries > 0);
    assert_int_equal(c.nonsense_values, 0); /* no spoilt value came through */
    assert_int_equal(tinybms_battery(&w.t)->pack_mv, 55677);
    assert_int_equal(tinybms_link(&w.t), TINYBMS_LINK_ANSWERING);
}

static size_t talk_before_and_after(struct world *x, uint8_t *reply, size_t n) {
    uint8_t noisy[1024];
    size_t before = wire_random(&x->random) % 40, after = wire_random(&x->random) % 40;
    for (size_t i = 0; i < before + after; i++) {
        uint32_t r = wire_random(&x->random);
        uint8_t byte = (r & 0x300) == 0 ? 0xAA : (uint8_t)r;
        noisy[i < before ? i : n + i] = byte;
    }
    memcpy(noisy + before, reply, n);
    memcpy(reply, noisy, before + n + after);
    return before + n + after;
}

static void a_device_that_broadcasts_between_answers_is_understood(void **state) {
    (void)state;
    world_init(&w);
    w.spoil = talk_before_and_after;
    world_run(&w, 1000 + 60000);
    struct tinybms_counters c = counters();
    assert_in_range(w.samples, 560, 600);
    assert_int_equal(c.timeouts, 0);
    assert_true(c.resyncs > 500);
    assert_true(c.discarded_bytes > 10000);
    assert_int_equal(c.rx_bytes - c.discarded_bytes > 600 * 113, true);
}

static void a_port_that_comes_and_goes_starts_anew(void **state) {
    (void)state;
    world_init(&w);
    world_run(&w, 2005); /* a request is out */
    tinybms_set_port(&w.t, false, 2005);
    uint8_t out[16];
    assert_true(tinybms_step(&w.t, 2006) == UINT64_MAX);
    assert_int_equal(tinybms_tx(&w.t, out, sizeof out, 2006), 0);
    struct tinybms_result r;
    assert_true(tinybms_next_result(&w.t, &r));
    assert_int_equal(r.to, TINYBMS_LINK_DOWN);
    tinybms_set_port(&w.t, true, 5000);
    w.now_ms = 5000;
    w.first = w.last = 0;
    size_t asked = w.asked;
    uint32_t samples = w.samples;
    world_run(&w, 5050);
    assert_int_equal(w.log[asked].at_ms, 5000); /* at once */
    assert_int_equal(w.samples, samples + 1);
    assert_true(battery_has(tinybms_battery(&w.t), BATTERY_FULLY_CHARGED)); /* stays known */
}

static void a_new_configuration_keeps_what_is_known(void **state) {
    (void)state;
    world_init(&w);
    world_run(&w, 2000);
    const struct battery *b = tinybms_battery(&w.t);
    assert_int_equal(b->capacity_mah, 66000);
    struct tinybms_config cfg = world_config();
    cfg.capacity_mah = 120000;
    cfg.series_cells = 14;
    cfg.poll_interval_ms = 50;
    assert_int_equal(tinybms_configure(&w.t, &cfg, 2000), GW_OK);
    assert_int_equal(b->capacity_mah, 120000);
    assert_int_equal(b->pack_mv, 55677);
    uint32_t samples = w.samples;
    world_run(&w, 3000);
    assert_in_range(w.samples - samples, 19, 21);
    assert_int_equal(b->capacity_mah, 120000); /* settings were read again meanwhile or not */
    assert_int_equal(tinybms_cell_order(&w.t), TINYBMS_ORDER_DESCENDING);
    cfg = world_config();
    assert_int_equal(tinybms_configure(&w.t, &cfg, 3000), GW_OK);
    assert_int_equal(b->capacity_mah, 66000); /* the BMS's own comes back */
    assert_true(battery_has(b, BATTERY_CAPACITY));
    cfg.cell_order = TINYBMS_ORDER_ASCENDING; /* wrong for this pack: its zeros tell better */
    assert_int_equal(tinybms_configure(&w.t, &cfg, 3000), GW_OK);
    uint64_t cells_ms = b->read_at_ms[BATTERY_CELLS];
    world_run(&w, 3500);
    assert_true(b->read_at_ms[BATTERY_CELLS] > cells_ms);
    assert_int_equal(tinybms_cell_order(&w.t), TINYBMS_ORDER_DESCENDING);
}

static void an_override_is_known_before_the_bms_answers(void **state) {
    (void)state;
    struct tinybms_config cfg = world_config();
    cfg.capacity_mah = 100000;
    world_init_with(&w, &cfg);
    assert_true(battery_has(tinybms_battery(&w.t), BATTERY_CAPACITY));
    assert_false(battery_has(tinybms_battery(&w.t), BATTERY_SERIES_CELLS));
    cfg.capacity_mah = 0;
    assert_int_equal(tinybms_configure(&w.t, &cfg, w.now_ms), GW_OK);
    assert_false(battery_has(tinybms_battery(&w.t), BATTERY_CAPACITY));
}

static void a_step_always_asks_to_be_called_later(void **state) {
    (void)state;
    world_init(&w);
    uint8_t out[TINYBMS_REQUEST_MAX];
    uint64_t now_ms = 1000;
    for (int i = 0; i < 2000; i++) { /* a port that takes one byte at a time, and no answers */
        uint64_t next_ms = tinybms_step(&w.t, now_ms);
        assert_true(next_ms > now_ms);
        now_ms = tinybms_tx(&w.t, out, 1, now_ms) > 0 ? now_ms + 1 : next_ms;
    }
    assert_int_equal(tinybms_link(&w.t), TINYBMS_LINK_WAKING);
}

static void a_port_that_takes_no_bytes_is_silence(void **state) {
    (void)state;
    world_init(&w);
    world_run(&w, 3000);
    uint64_t now_ms = 3000;
    while (now_ms < 6000) {
        uint64_t next_ms = tinybms_step(&w.t, now_ms);
        assert_true(next_ms > now_ms);
        now_ms = next_ms;
    }
    assert_int_equal(tinybms_link(&w.t), TINYBMS_LINK_WAKING);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_configuration_out_of_range_is_refused),
        cmocka_unit_test(without_a_port_nothing_is_asked),
        cmocka_unit_test(samples_start_on_a_grid_without_drift),
        cmocka_unit_test(a_late_sample_does_not_move_the_grid),
        cmocka_unit_test(a_sample_later_than_the_next_keeps_the_phase_of_the_grid),
        cmocka_unit_test(back_to_back_polls_leave_no_gap_and_starve_nobody),
        cmocka_unit_test(everything_is_known_within_three_tenths_of_a_second),
        cmocka_unit_test(a_refused_whole_block_is_read_in_two_from_then_on),
        cmocka_unit_test(half_a_sample_is_no_sample),
        cmocka_unit_test(a_device_silent_to_the_whole_block_is_tried_with_halves),
        cmocka_unit_test(halves_answered_by_chance_do_not_stay_chosen),
        cmocka_unit_test(one_lost_reply_costs_one_retry_and_no_sample),
        cmocka_unit_test(the_link_is_waking_after_two_seconds_of_silence),
        cmocka_unit_test(silence_is_seen_without_retries_too),
        cmocka_unit_test(slow_polls_do_not_look_like_silence),
        cmocka_unit_test(a_sleeping_bms_is_woken_whatever_its_phase),
        cmocka_unit_test(silence_is_asked_all_the_time_with_varied_spacing),
        cmocka_unit_test(a_device_that_refuses_everything_is_asked_calmly),
        cmocka_unit_test(a_poor_line_still_gives_samples),
        cmocka_unit_test(a_device_that_broadcasts_between_answers_is_understood),
        cmocka_unit_test(a_port_that_comes_and_goes_starts_anew),
        cmocka_unit_test(a_new_configuration_keeps_what_is_known),
        cmocka_unit_test(an_override_is_known_before_the_bms_answers),
        cmocka_unit_test(a_step_always_asks_to_be_called_later),
        cmocka_unit_test(a_port_that_takes_no_bytes_is_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
