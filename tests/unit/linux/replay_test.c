/* SPDX-License-Identifier: MIT */
/* What docs/protocol/recording.md promises of a replay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recording_rig.h"
#include "replay.h"

/* A text being replayed, and what came out. */
struct run {
    const char *text;
    size_t n, at;
    const char *assignment; /* on top of the recorded settings, or NULL */
    struct recording_reader reader;
    struct replay replay;
    size_t sent_n;
    unsigned logs;
    uint64_t log_clock; /* of the last log record */
    char sent[RIG_TEXT_MAX];
};

static size_t read_text(void *context, char *buf, size_t cap) {
    struct run *run = context;
    size_t n = run->n - run->at < cap ? run->n - run->at : cap;
    memcpy(buf, run->text + run->at, n);
    run->at += n;
    return n;
}

static bool next(void *context, struct recording_item *out) {
    struct run *run = context;
    return recording_reader_next(&run->reader, out);
}

static void take_frame(void *context, const struct victron_frame *f, uint64_t wall_us) {
    struct run *run = context;
    char line[RECORDING_LINE_MAX];
    size_t n = recording_print_frame(f, wall_us, line);
    assert_true(run->sent_n + n < sizeof run->sent);
    memcpy(run->sent + run->sent_n, line, n);
    run->sent_n += n;
}

static void take_log(void *context, const struct log_record *record, uint64_t clock) {
    struct run *run = context;
    run->logs++;
    run->log_clock = clock;
    assert_true(record->id < LOG_ID_COUNT);
}

static void choose_settings(void *context, const struct settings *recorded, struct settings *out) {
    const struct run *run = context;
    struct settings_error e;
    *out = *recorded;
    assert_int_equal(settings_check(out, &e), 0);
    if (run->assignment != NULL) {
        assert_int_equal(settings_assign(out, run->assignment, &e), 0);
    }
}

static struct run *replay_with(const char *text, size_t n, const char *assignment, bool own_times) {
    struct run *run = calloc(1, sizeof *run);
    assert_non_null(run);
    const struct replay_io io = {.context = run,
                                 .next = next,
                                 .sent = take_frame,
                                 .log = take_log,
                                 .settings = choose_settings};
    run->text = text;
    run->n = n;
    run->assignment = assignment;
    recording_reader_init(&run->reader, read_text, NULL, run);
    replay_run(&run->replay, &io, own_times);
    return run;
}

static struct run *replay(const char *text, size_t n) {
    return replay_with(text, n, NULL, false);
}

static void assert_followed(const struct rig *r, const struct run *run) {
    const struct replay_summary *s = &run->replay.summary;
    assert_int_equal(run->reader.counts.malformed, 0);
    assert_true(s->followed);
    assert_int_equal(s->left_us, 0);
    assert_int_equal(s->first_difference_us, 0);
    assert_int_equal(s->requests, s->recorded_requests);
    assert_int_equal(s->same_requests, s->recorded_requests);
    assert_int_equal(s->frames, s->recorded_frames);
    assert_int_equal(s->same_frames, s->recorded_frames);
    assert_int_equal(run->sent_n, r->sent_n);
    assert_memory_equal(run->sent, r->sent, r->sent_n);
}

static unsigned count(const char *text, size_t n, const char *words) {
    unsigned found = 0;
    const size_t length = strlen(words);
    for (size_t i = 0; i + length <= n; i++) {
        found += memcmp(text + i, words, length) == 0;
    }
    return found;
}

/* A life with everything in it that a recording can tell. */
static struct rig *eventful_life(uint32_t seed) {
    const struct gateway_command read = {.kind = GATEWAY_READ_REGISTERS, .addr = 300, .count = 44};
    const struct gateway_command write = {
        .kind = GATEWAY_WRITE_REGISTER, .addr = 308, .raw = 20}; /* allowed disbalance, mV */
    const struct gateway_command reset = {.kind = GATEWAY_RESET_BMS, .option = 1};
    struct rig *r = rig_start("a", seed);
    rig_run(r, 300);
    rig_link(r, false, true);
    rig_run(r, 700);
    rig_link(r, true, true);
    rig_run(r, 15000);
    rig_command(r, &read);
    rig_run(r, 500);
    rig_command(r, &write);
    rig_run(r, 500);
    rig_command(r, &reset);
    rig_run(r, 2000);
    r->refuse_one_in = 5;
    rig_run(r, 5000);
    r->refuse_one_in = 0;
    r->bms_speaks = false; /* 20 s of silence: the limits close, alarms, offline */
    rig_run(r, 20000);
    r->bms_speaks = true;
    rig_run(r, 10000);
    rig_configure(r, "victron.pgn_update_interval_ms=1000");
    rig_run(r, 5000);
    rig_configure(r, "cvl.margin_mv=700");
    rig_run(r, 5000);
    r->break_at_next_frame = true;
    rig_run(r, 3000);
    assert_false(r->can_up);
    rig_link(r, true, true);
    rig_run(r, 3000);
    rig_link(r, false, false);
    rig_run(r, 3000);
    rig_link(r, false, true);
    r->bms.config.faults =
        (struct sim_bms_faults){.drop_cpct = 500, .corrupt_cpct = 1000, .noise_cpct = 1000};
    rig_run(r, 20000);
    return r;
}

static void a_life_from_its_start_is_followed_to_the_microsecond(void **state) {
    (void)state;
    for (uint32_t seed = 1; seed <= 5; seed++) {
        size_t n;
        struct rig *r = eventful_life(seed);
        char *text = rig_text(r, &n);
        struct run *run = replay(text, n);
        assert_followed(r, run);
        assert_int_equal(run->replay.summary.gateways, 1);
        assert_int_equal(run->replay.summary.cores, 1);
        assert_true(run->replay.summary.frames > 500);
        assert_true(run->logs > 10);
        assert_true(run->log_clock == RIG_CLOCK_S * UINT64_C(1000));
        assert_true(count(text, n, "can0-lost ") > 5 && count(text, n, "command ") == 3);
        free(run);
        free(text);
        free(r);
    }
}

static void pieces_and_overlaps_give_what_the_whole_gives(void **state) {
    struct rig *r = rig_start("a", 11);
    struct recorder_cursor cursor;
    char *text = malloc(RIG_TEXT_MAX);
    size_t n = 0, whole_n;
    (void)state;
    assert_non_null(text);
    rig_link(r, false, true);
    rig_link(r, true, true);
    for (int piece = 0; piece < 4; piece++) { /* each from the start: all but its end was there */
        rig_run(r, 3000);
        recorder_begin(&r->recorder, "", false, &cursor);
        rig_read(r, &cursor, text, &n);
        assert_true(recorder_ended(&cursor));
    }
    struct run *run = replay(text, n);
    assert_followed(r, run);
    assert_true(run->reader.counts.twice > 1000);
    assert_int_equal(run->reader.counts.missed, 0);
    char *whole = rig_text(r, &whole_n);
    struct run *again = replay(whole, whole_n);
    assert_int_equal(run->sent_n, again->sent_n);
    assert_memory_equal(run->sent, again->sent, run->sent_n);
    free(again);
    free(whole);
    free(run);
    free(text);
    free(r);
}

static void other_limits_change_the_frames_and_nothing_of_the_conversation(void **state) {
    struct rig *r = rig_start("a", 12);
    size_t n;
    (void)state;
    rig_link(r, false, true);
    rig_link(r, true, true);
    rig_run(r, 20000);
    char *text = rig_text(r, &n);
    struct run *run = replay_with(text, n, "cvl.margin_mv=1000", false);
    const struct replay_summary *s = &run->replay.summary;
    assert_true(s->followed);
    assert_int_equal(s->same_requests, s->recorded_requests);
    assert_int_equal(s->requests, s->recorded_requests);
    assert_int_equal(s->frames, s->recorded_frames);
    assert_true(s->same_frames < s->recorded_frames);
    assert_true(s->first_difference_us != 0);
    /* 14 x 4150 mV is 58.1 V: less the default margin 0 that is 0x0245, less 1 V 0x023B */
    assert_true(count(run->sent, run->sent_n, " can0 351#3B02") > 30);
    assert_int_equal(count(run->sent, run->sent_n, " can0 351#4502"), 0);
    free(run);
    free(text);
    free(r);
}

/* Polls at other times than those recorded: the core keeps its own, and lives on the registers. */
static void another_poll_interval_is_lived_and_steady(void **state) {
    struct rig *r = rig_start("a", 13);
    size_t n;
    (void)state;
    rig_link(r, false, true);
    rig_link(r, true, true);
    rig_run(r, 30000);
    char *text = rig_text(r, &n);
    struct run *run = replay_with(text, n, "tinybms.poll_interval_ms=150", false);
    const struct replay_summary *s = &run->replay.summary;
    assert_false(s->followed);
    assert_true(s->left_us != 0);
    assert_in_range(s->frames, s->recorded_frames - 30, s->recorded_frames + 30);
    assert_true(count(run->sent, run->sent_n, " can0 351#4502B4001C02A401") > 20);
    struct run *again = replay_with(text, n, "tinybms.poll_interval_ms=150", false);
    assert_int_equal(run->sent_n, again->sent_n);
    assert_memory_equal(run->sent, again->sent, run->sent_n);
    free(again);
    free(run);
    free(text);
    free(r);
}

/* The text from the line of event number `event` on, with the header that a gateway would give. */
static char *from_event(const struct rig *r, uint64_t event, size_t *n) {
    char token[RECORDER_TOKEN_MAX + 1];
    struct recorder_cursor cursor;
    char *text = malloc(RIG_TEXT_MAX);
    assert_non_null(text);
    *n = 0;
    (void)snprintf(token, sizeof token, "%s:%llu", r->recorder.gateway, (unsigned long long)event);
    recorder_begin(&r->recorder, token, true, &cursor);
    rig_read(r, &cursor, text, n);
    return text;
}

/* Nothing of the start: what the BMS has is in the header, its links too. */
static void a_life_from_its_middle_is_lived(void **state) {
    struct rig *r = rig_start("a", 14);
    size_t n;
    (void)state;
    rig_link(r, false, true);
    rig_link(r, true, true);
    rig_run(r, 30000);
    const uint64_t middle = r->recorder.last.event;
    rig_run(r, 20000);
    char *text = from_event(r, middle, &n);
    struct run *run = replay(text, n);
    const struct replay_summary *s = &run->replay.summary;
    assert_false(s->followed);
    assert_int_equal(s->left_us, 0);
    assert_int_equal(run->reader.counts.malformed + run->reader.counts.missed, 0);
    assert_in_range(s->frames, s->recorded_frames - 30, s->recorded_frames + 10);
    /* the first limits after a start: CCL a tenth of 18 A, DCL whole */
    char *first = strstr(run->sent, " can0 351#");
    assert_non_null(first);
    assert_memory_equal(first, " can0 351#450212001C02A401", 26);
    assert_true(count(run->sent, run->sent_n, " can0 351#4502B4001C02A401") > 10);
    free(run);
    free(text);
    free(r);
}

static void a_bms_that_fell_silent_is_silent_for_the_core_that_lives(void **state) {
    struct rig *r = rig_start("a", 15);
    size_t n;
    (void)state;
    rig_link(r, false, true);
    rig_link(r, true, true);
    rig_run(r, 20000);
    r->bms_speaks = false;
    rig_run(r, 40000);
    char *text = rig_text(r, &n);
    struct run *run = replay_with(text, n, NULL, true);
    assert_false(run->replay.summary.followed);
    /* after 30 s: CCL 0, DCL 0; CVL 14 x (4150 - 100) mV = 56.7 V, 0x0237 */
    assert_true(count(run->sent, run->sent_n, " can0 351#370200000000A401") > 10);
    free(run);
    free(text);
    free(r);
}

static void behind_missing_events_the_core_lives_on(void **state) {
    struct rig *r = rig_start("a", 16);
    size_t n;
    (void)state;
    rig_link(r, false, true);
    rig_link(r, true, true);
    rig_run(r, 15000);
    size_t before = r->sent_n;
    rig_miss(r, 2000);
    rig_run(r, 15000);
    char *text = rig_text(r, &n);
    struct run *run = replay(text, n);
    const struct replay_summary *s = &run->replay.summary;
    assert_false(s->followed);
    assert_true(s->left_us != 0);
    assert_int_equal(s->cores, 1);
    assert_true(run->reader.counts.missed > 50);
    assert_memory_equal(run->sent, r->sent, before); /* up to there it was followed */
    assert_int_equal(count(run->sent + before, run->sent_n - before, " can0 351#4502B4001C02A401"),
                     count(run->sent + before, run->sent_n - before, " can0 351#"));
    free(run);
    free(text);
    free(r);
}

static void behind_a_long_pause_the_core_begins_anew(void **state) {
    struct rig *r = rig_start("a", 17);
    size_t n;
    (void)state;
    rig_link(r, false, true);
    rig_link(r, true, true);
    rig_run(r, 10000);
    rig_miss(r, 100000);
    rig_run(r, 10000);
    char *text = rig_text(r, &n);
    struct run *run = replay(text, n);
    assert_int_equal(run->replay.summary.cores, 2);
    assert_int_equal(run->replay.summary.gateways, 1);
    /* 16 frames twice a second for 20 s: none were sent for the pause */
    assert_in_range(run->replay.summary.frames, 500, 640);
    free(run);
    free(text);
    free(r);
}

/* Requests of the core for 200 lines of which each is so many seconds after the one before. */
static uint64_t requests_of(const char *line, unsigned pause_s) {
    enum { LINES = 200 };
    char *text = malloc(RIG_TEXT_MAX);
    size_t n = 0;
    assert_non_null(text);
    n += (size_t)snprintf(text, RIG_TEXT_MAX,
                          "# tinybms-gw recording format=1 version=1 gateway=a event=5 clock=0\n"
                          "# set tinybms.poll_interval_ms=20\n"
                          "# uart0-link up\n"
                          "(1000000000.000000) turn\n");
    for (unsigned i = 1; i <= LINES; i++) {
        n += (size_t)snprintf(text + n, RIG_TEXT_MAX - n, "(%u.000000) %s\n",
                              1000000000 + i * pause_s, line);
    }
    struct run *run = replay(text, n);
    assert_int_equal(run->reader.counts.malformed, 0);
    assert_int_equal(run->replay.summary.gateways, 1);
    const uint64_t requests = run->replay.summary.requests;
    free(run);
    free(text);
    return requests;
}

/* The BMS of these recordings never answered: it is asked every 100 ms to 150 ms (unanswered
 * requests take their time-out of 100 ms and their time on the wire), so about 10 times a second.
 */
static void what_a_line_of_text_can_ask_of_the_processor_is_bounded(void **state) {
    static const char gap[] = "missed 1000 uart0-link up can0-link down";
    (void)state;
    /* lived: 200 s */
    assert_in_range(requests_of("turn", 1), 200 * 6, 200 * 11);
    /* skipped: a core begins with each line */
    assert_in_range(requests_of("turn", 2), 0, 200);
    assert_in_range(requests_of("turn", 1000000), 0, 200);
    /* gaps are lived for 60 s together, then skipped */
    assert_in_range(requests_of(gap, 10), 60 * 6, 60 * 11 + 200);
    assert_in_range(requests_of(gap, 11), 0, 200);
}

static void gateways_behind_each_other_are_each_followed(void **state) {
    struct rig *a = rig_start("a", 18), *b = rig_start("b", 19);
    size_t n, m;
    (void)state;
    rig_link(a, false, true);
    rig_link(a, true, true);
    rig_run(a, 10000);
    rig_link(b, true, true);
    rig_link(b, false, true);
    rig_run(b, 10000);
    char *text = rig_text(a, &n), *second = rig_text(b, &m);
    memcpy(text + n, second, m);
    struct run *run = replay(text, n + m);
    assert_true(run->replay.summary.followed);
    assert_int_equal(run->replay.summary.gateways, 2);
    assert_int_equal(run->sent_n, a->sent_n + b->sent_n);
    assert_memory_equal(run->sent, a->sent, a->sent_n);
    assert_memory_equal(run->sent + a->sent_n, b->sent, b->sent_n);
    free(run);
    free(second);
    free(text);
    free(a);
    free(b);
}

/* Up to the last whole line: what a file has that a power failure cut off. */
static void a_recording_cut_anywhere_is_followed_as_far_as_it_goes(void **state) {
    struct rig *r = rig_start("a", 20);
    size_t n;
    (void)state;
    rig_link(r, false, true);
    rig_link(r, true, true);
    rig_run(r, 4000);
    char *text = rig_text(r, &n);
    for (size_t cut = 0; cut < n; cut += cut < n - 200 ? 997 : 1) {
        struct run *run = replay(text, cut);
        assert_true(run->replay.summary.followed);
        assert_int_equal(run->reader.counts.malformed, 0);
        assert_true(run->sent_n <= r->sent_n);
        assert_memory_equal(run->sent, r->sent, run->sent_n);
        free(run);
    }
    free(text);
    free(r);
}

/* Bytes changed by chance: nothing happens but other frames, and the end comes. */
static void a_spoilt_recording_harms_nobody(void **state) {
    struct rig *r = rig_start("a", 21);
    struct sim_rng rng;
    size_t n;
    (void)state;
    sim_rng_init(&rng, 21);
    rig_link(r, false, true);
    rig_link(r, true, true);
    rig_run(r, 4000);
    char *text = rig_text(r, &n), *spoilt = malloc(n);
    assert_non_null(spoilt);
    for (int i = 0; i < 60; i++) {
        static const char likely[] = "0123456789ABCDEF \n#<>RTud";
        memcpy(spoilt, text, n);
        for (unsigned k = 0; k < 1u << i % 10; k++) {
            spoilt[sim_rng_next(&rng) % n] = likely[sim_rng_next(&rng) % (sizeof likely - 1)];
        }
        struct run *run = replay_with(spoilt, n, NULL, i % 3 == 0);
        struct run *again = replay_with(spoilt, n, NULL, i % 3 == 0);
        assert_int_equal(run->sent_n, again->sent_n);
        assert_memory_equal(run->sent, again->sent, run->sent_n);
        free(again);
        free(run);
    }
    free(spoilt);
    free(text);
    free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_life_from_its_start_is_followed_to_the_microsecond),
        cmocka_unit_test(pieces_and_overlaps_give_what_the_whole_gives),
        cmocka_unit_test(other_limits_change_the_frames_and_nothing_of_the_conversation),
        cmocka_unit_test(another_poll_interval_is_lived_and_steady),
        cmocka_unit_test(a_life_from_its_middle_is_lived),
        cmocka_unit_test(a_bms_that_fell_silent_is_silent_for_the_core_that_lives),
        cmocka_unit_test(behind_missing_events_the_core_lives_on),
        cmocka_unit_test(behind_a_long_pause_the_core_begins_anew),
        cmocka_unit_test(what_a_line_of_text_can_ask_of_the_processor_is_bounded),
        cmocka_unit_test(gateways_behind_each_other_are_each_followed),
        cmocka_unit_test(a_recording_cut_anywhere_is_followed_as_far_as_it_goes),
        cmocka_unit_test(a_spoilt_recording_harms_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
