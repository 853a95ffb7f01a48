/* SPDX-License-Identifier: MIT */
/* The whole core from UART bytes to CAN frames, in virtual time: a scripted BMS answers, frames are
 * looked at as bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "gateway/gateway.h"
#include "scripted_bms.h"

enum { ANSWER_MS = 12, FRAMES_MAX = 16384 };

struct sent {
    uint64_t at_ms;
    struct victron_frame frame;
};

struct rig {
    struct settings settings;
    struct gateway g;
    struct scripted_bms bms;
    uint64_t now_ms, answer_at_ms;
    bool answering;
    struct sent sent[FRAMES_MAX];
    unsigned sent_count;
    bool can_takes_frames;
};

static struct rig rig;

static void rig_start(uint64_t now_ms) {
    memset(&rig, 0, sizeof rig);
    settings_defaults(&rig.settings);
    scripted_bms_init(&rig.bms);
    rig.now_ms = now_ms;
    rig.can_takes_frames = true;
    gateway_init(&rig.g, &rig.settings, now_ms);
    gateway_set_uart(&rig.g, true, now_ms);
    gateway_set_can(&rig.g, true, now_ms);
}

static void drain(void) {
    uint8_t tx[300];
    size_t n = gateway_uart_tx(&rig.g, tx, sizeof tx, rig.now_ms);
    if (n > 0) {
        scripted_bms_request(&rig.bms, tx, n);
        rig.answering = rig.bms.reply_len > 0;
        rig.answer_at_ms = rig.now_ms + ANSWER_MS;
    }
    struct victron_frame f;
    while (gateway_next_frame(&rig.g, &f, rig.now_ms)) {
        gateway_frame_done(&rig.g, &f, rig.can_takes_frames);
        if (rig.can_takes_frames && rig.sent_count < FRAMES_MAX) {
            rig.sent[rig.sent_count++] = (struct sent){.at_ms = rig.now_ms, .frame = f};
        }
    }
}

/* Runs millisecond by millisecond; the BMS's clock ticks and its last cell breathes by 1 mV. */
static void run(uint64_t ms) {
    for (uint64_t end_ms = rig.now_ms + ms; rig.now_ms < end_ms; rig.now_ms++) {
        rig.bms.reg[32] = (uint16_t)(rig.now_ms / 1000);
        rig.bms.reg[2] = (uint16_t)(39000 + rig.now_ms / 1000 % 2 * 10);
        if (rig.answering && rig.now_ms >= rig.answer_at_ms) {
            rig.answering = false;
            gateway_uart_rx(&rig.g, rig.bms.reply, rig.bms.reply_len, rig.now_ms);
        }
        gateway_step(&rig.g, rig.now_ms);
        drain();
    }
}

static unsigned count_of(uint16_t id) {
    unsigned n = 0;
    for (unsigned i = 0; i < rig.sent_count; i++) {
        n += rig.sent[i].frame.id == id;
    }
    return n;
}

static const struct sent *last_of(uint16_t id) {
    const struct sent *found = NULL;
    for (unsigned i = 0; i < rig.sent_count; i++) {
        if (rig.sent[i].frame.id == id) {
            found = &rig.sent[i];
        }
    }
    assert_non_null(found);
    return found;
}

static void assert_bytes(uint16_t id, const uint8_t want[8]) {
    assert_memory_equal(last_of(id)->frame.data, want, 8);
}

static void set_cell(unsigned cell, uint16_t mv) {
    rig.bms.reg[16 - cell] = (uint16_t)(mv * 10); /* descending: register 15 is cell 1 */
    uint16_t low = UINT16_MAX;
    uint16_t high = 0;
    unsigned sum_mv = 0;
    for (int i = 2; i < 16; i++) {
        uint16_t v = (uint16_t)(rig.bms.reg[i] / 10);
        low = v < low ? v : low;
        high = v > high ? v : high;
        sum_mv += v;
    }
    rig.bms.reg[40] = low;
    rig.bms.reg[41] = high;
    scripted_bms_set_f32(&rig.bms, 36, (float)sum_mv / 1000.0F);
}

static void the_right_frames_go_out_within_a_second_and_a_half(void **state) {
    (void)state;
    rig_start(1000);
    run(1500);
    /* CVL 14 x 4.15 = 58.1 V = 581 = 0x0245; DCL 54.0 A = 540 = 0x021C; 14 x 3.0 V = 42.0 V = 420 =
     * 0x01A4; CCL between a tenth of 18.0 A and, 1.5 s later at the most, a quarter of it */
    const uint8_t *limits = last_of(0x351)->frame.data;
    assert_memory_equal(limits, ((const uint8_t[]){0x45, 0x02}), 2);
    assert_in_range(limits[2] + 256 * limits[3], 18, 45);
    assert_memory_equal(limits + 4, ((const uint8_t[]){0x1C, 0x02, 0xA4, 0x01}), 4);
    unsigned first = rig.sent_count;
    run(10000);
    assert_true(rig.sent_count > first);
    /* and then CCL 18.0 A = 180 = 0x00B4 */
    assert_bytes(0x351, (const uint8_t[]){0x45, 0x02, 0xB4, 0x00, 0x1C, 0x02, 0xA4, 0x01});
    /* 50 %, SOH unknown: 100, 5000 = 0x1388 */
    assert_bytes(0x355, (const uint8_t[]){50, 0, 100, 0, 0x88, 0x13, 0, 0});
    /* 54.60 V = 5460 = 0x1554; -10.0 A = -100 = 0xFF9C; 20.0 degC = 200 = 0x00C8 */
    assert_bytes(0x356, (const uint8_t[]){0x54, 0x15, 0x9C, 0xFF, 0xC8, 0x00, 0, 0});
    /* all quiet: pairs 1-9, 11, 12 are 10, pairs 0 and 10 are 00; pair 29 (byte 7 bits 2-3) 01 */
    assert_bytes(0x35A, (const uint8_t[]){0xA8, 0xAA, 0x8A, 0x02, 0xA8, 0xAA, 0x8A, 0x06});
    for (unsigned i = 0; i < rig.sent_count; i++) {
        assert_int_equal(rig.sent[i].frame.len, 8);
        assert_int_not_equal(rig.sent[i].frame.id, 0x305);
    }
}

static void nothing_goes_out_before_a_complete_sample(void **state) {
    (void)state;
    rig_start(0);
    rig.bms.reg[315] = 0; /* the over-voltage cut-off is not known */
    run(10000);
    assert_int_equal(rig.sent_count, 0);
    static struct gateway_snapshot s;
    struct log_record r;
    int32_t told = -1;
    gateway_snapshot(&rig.g, &s, rig.now_ms);
    assert_int_equal(s.missing_register, 315);
    while (gateway_next_log(&rig.g, &r)) {
        told = r.id == LOG_INCOMPLETE ? r.value[0] : told;
    }
    assert_int_equal(told, 315);
    rig.bms.reg[315] = 4200;
    run(65000); /* settings are read once a minute */
    gateway_snapshot(&rig.g, &s, rig.now_ms);
    assert_int_equal(s.missing_register, BATTERY_NOTHING_MISSING);
    rig.bms.mute = true;
    rig_start(0);
    rig.bms.mute = true;
    run(10000);
    assert_int_equal(rig.sent_count, 0);
}

static void in_turn_frames_keep_their_period_to_the_millisecond(void **state) {
    (void)state;
    rig_start(0);
    run(30000);
    uint64_t previous_ms = 0;
    unsigned seen = 0;
    for (unsigned i = 0; i < rig.sent_count; i++) {
        if (rig.sent[i].frame.id == 0x355) {
            if (seen++ > 0) {
                assert_int_equal(rig.sent[i].at_ms - previous_ms, 1000);
            }
            previous_ms = rig.sent[i].at_ms;
        }
    }
    assert_true(seen >= 29);
}

static void a_cell_over_315_stops_charging_out_of_turn(void **state) {
    (void)state;
    rig_start(0);
    run(12000);
    uint64_t before_ms = rig.now_ms;
    set_cell(7, 4200);
    run(130); /* one poll and its answer */
    const struct sent *s = last_of(0x351);
    assert_true(s->at_ms >= before_ms);
    assert_int_equal(s->frame.data[2], 0);
    assert_int_equal(s->frame.data[3], 0);
    assert_int_equal(s->frame.data[4], 0x1C); /* DCL stays 54.0 A */
    assert_int_equal(rig.g.victron.counters.tx_out_of_turn, 1);
}

/* The gap of 100 ms is for limits that fall; here it is never over. */
static void a_limit_at_0_does_not_wait_for_the_gap(void **state) {
    (void)state;
    rig_start(0);
    run(12000);
    set_cell(7, 4200);
    for (uint64_t end_ms = rig.now_ms + 130; rig.now_ms < end_ms;) { /* one poll and its answer */
        rig.g.out_of_turn_once = true;
        rig.g.out_of_turn_ms = rig.now_ms;
        run(1);
    }
    assert_int_equal(last_of(0x351)->frame.data[2], 0);
    assert_int_equal(last_of(0x351)->frame.data[3], 0);
}

static void out_of_turn_frames_do_not_move_the_turn(void **state) {
    (void)state;
    rig_start(0);
    run(4000);
    uint64_t phase_ms = last_of(0x351)->at_ms % 1000;
    for (int i = 0; i < 10; i++) {
        set_cell(7, i % 2 == 0 ? 4200 : 3900);
        run(370);
    }
    set_cell(7, 3900);
    run(2500);
    assert_int_equal(last_of(0x351)->at_ms % 1000, phase_ms);
}

static void a_dead_bms_closes_the_limits_and_then_the_frames_stop(void **state) {
    (void)state;
    rig_start(0);
    run(12000);
    rig.bms.mute = true;
    run(4800); /* still under 5 s of age */
    assert_int_equal(last_of(0x351)->frame.data[2], 0xB4);
    run(11000); /* 15.8 s */
    assert_int_equal(last_of(0x351)->frame.data[2], 0);
    assert_int_equal(last_of(0x351)->frame.data[4], 54); /* a tenth: 5.4 A */
    /* alarm pair 11 (byte 2 bits 6-7) active = 01; offline: byte 7 bits 2-3 = 10 */
    assert_int_equal(last_of(0x35A)->frame.data[2] >> 6, 1);
    assert_int_equal(last_of(0x35A)->frame.data[7] >> 2 & 3, 2);
    run(15000); /* 30.8 s */
    assert_int_equal(last_of(0x351)->frame.data[4], 0);
    run(30000); /* 60.8 s */
    unsigned sent = rig.sent_count;
    run(10000);
    assert_int_equal(rig.sent_count, sent);
    assert_int_equal(last_of(0x356)->frame.data[0], 0x54); /* never 0 V */
}

/* Age 15 s by default: CCL 0, alarm BMS internal (pair 11: byte 2, bits 6-7, 01), offline (pair 29:
 * byte 7, bits 2-3, 10), no module ok and one offline; none of them waits for its turn. */
static void a_new_stage_is_told_at_once_in_all_its_frames(void **state) {
    (void)state;
    rig_start(0);
    run(12000);
    rig.bms.mute = true;
    run(ANSWER_MS + 1); /* an answer that was under way */
    uint64_t silent_ms = rig.g.policy.good_ms;
    while (rig.now_ms < silent_ms + 15000) {
        run(1);
    }
    rig.sent_count = 0;
    run(1);
    assert_int_equal(last_of(0x351)->at_ms, silent_ms + 15000);
    assert_int_equal(last_of(0x351)->frame.data[2], 0);
    assert_int_equal(last_of(0x35A)->at_ms, silent_ms + 15000);
    assert_int_equal(last_of(0x35A)->frame.data[2] >> 6, 1);
    assert_int_equal(last_of(0x35A)->frame.data[7] >> 2 & 3, 2);
    assert_int_equal(last_of(0x372)->at_ms, silent_ms + 15000);
    assert_int_equal(last_of(0x372)->frame.data[0], 0);
    assert_int_equal(last_of(0x372)->frame.data[6], 1);
    assert_int_equal(bus_latest(&rig.g.bus, BUS_STAGE)->at_ms, silent_ms + 15000);
    const struct policy_change *c = bus_latest(&rig.g.bus, BUS_STAGE)->value;
    assert_int_equal(c->from, STAGE_CLOSING);
    assert_int_equal(c->to, STAGE_NO_CHARGE);
    assert_int_equal(c->reason, STAGE_REASON_NO_GOOD_SAMPLE);
}

/* Status 0x9B: offline (byte 7, bits 2-3, 10) and back online (01), each with the limits. */
static void offline_and_online_are_told_at_once(void **state) {
    (void)state;
    rig_start(0);
    run(12000);
    for (unsigned round = 0; round < 2; round++) {
        rig.sent_count = 0;
        rig.bms.reg[50] = round == 0 ? 0x9B : 0x93;
        run(130); /* one poll and its answer */
        assert_int_equal(last_of(0x35A)->frame.data[7] >> 2 & 3, round == 0 ? 2 : 1);
        assert_int_equal(last_of(0x372)->at_ms, last_of(0x35A)->at_ms);
        run(370);
    }
}

static void a_bms_that_returns_opens_again(void **state) {
    (void)state;
    rig_start(0);
    run(12000);
    rig.bms.mute = true;
    run(70000);
    unsigned sent = rig.sent_count;
    rig.bms.mute = false;
    run(3000);
    assert_true(rig.sent_count > sent + 18);
    assert_int_not_equal(last_of(0x351)->frame.data[4] + 256 * last_of(0x351)->frame.data[5], 0);
    assert_true(last_of(0x351)->frame.data[2] < 0xB4); /* on its way up */
    run(10000);
    assert_int_equal(last_of(0x351)->frame.data[2], 0xB4);
    assert_int_equal(last_of(0x351)->frame.data[4], 0x1C);
}

static void a_lost_can_link_sends_nothing_late(void **state) {
    (void)state;
    rig_start(0);
    run(12000);
    unsigned sent = rig.sent_count;
    gateway_set_can(&rig.g, false, rig.now_ms);
    run(5000);
    assert_int_equal(rig.sent_count, sent);
    gateway_set_can(&rig.g, true, rig.now_ms);
    run(1);
    assert_int_equal(rig.sent_count, sent + 1); /* 0x351 at once, the others in their turn */
    assert_int_equal(rig.sent[sent].frame.id, 0x351);
    run(1000);
    assert_true(count_of(0x35A) >= 5);
}

static void frames_that_the_device_does_not_take_are_counted_and_dropped(void **state) {
    (void)state;
    rig_start(0);
    run(3000);
    rig.can_takes_frames = false;
    unsigned sent = rig.sent_count;
    uint32_t written = rig.g.can.tx_count;
    run(5000);
    assert_int_equal(rig.sent_count, sent);
    assert_int_equal(rig.g.can.tx_count, written);
    assert_true(rig.g.can.tx_errors >= 60);
    rig.can_takes_frames = true;
    run(1100);
    assert_true(rig.sent_count > sent);
    /* never two in-turn frames of a kind within one millisecond: nothing was kept */
    for (unsigned i = sent + 1; i < rig.sent_count; i++) {
        assert_false(rig.sent[i].frame.id == rig.sent[i - 1].frame.id &&
                     rig.sent[i].at_ms == rig.sent[i - 1].at_ms);
    }
}

static void a_gx_is_present_until_its_keepalive_is_ten_seconds_old(void **state) {
    (void)state;
    rig_start(0);
    run(1000);
    assert_false(rig.g.gx_present);
    const struct victron_frame alive = {.id = 0x305, .len = 8};
    gateway_can_rx(&rig.g, &alive, rig.now_ms);
    run(10000);
    assert_true(rig.g.gx_present);
    run(2);
    assert_false(rig.g.gx_present);
    run(2000);
    assert_true(count_of(0x351) > 10); /* and the frames go on */
}

static bool next_log_of(enum log_id id, struct log_record *out) {
    while (gateway_next_log(&rig.g, out)) {
        if (out->id == id) {
            return true;
        }
    }
    return false;
}

static void an_absent_gx_is_warned_of_once_after_ten_minutes(void **state) {
    (void)state;
    struct log_record r;
    rig_start(0);
    run(599999);
    assert_false(next_log_of(LOG_GX_ABSENT, &r));
    run(2);
    assert_true(next_log_of(LOG_GX_ABSENT, &r));
    run(1200000);
    assert_false(next_log_of(LOG_GX_ABSENT, &r));
}

static void a_register_is_read_and_written_between_samples(void **state) {
    (void)state;
    struct gateway_answer a;
    rig_start(0);
    run(2000);
    struct gateway_command c = {
        .sequence = 7, .kind = GATEWAY_READ_REGISTERS, .addr = 315, .count = 2};
    assert_int_equal(gateway_command(&rig.g, &c, rig.now_ms), GW_OK);
    run(200);
    assert_true(gateway_next_answer(&rig.g, &a));
    assert_int_equal(a.sequence, 7);
    assert_int_equal(a.err, GW_OK);
    assert_int_equal(a.value[0], 4200);
    assert_int_equal(a.value[1], 2900);

    c = (struct gateway_command){
        .sequence = 8, .kind = GATEWAY_WRITE_REGISTER, .addr = 315, .raw = 4190};
    assert_int_equal(gateway_command(&rig.g, &c, rig.now_ms), GW_OK);
    run(400);
    assert_true(gateway_next_answer(&rig.g, &a));
    assert_int_equal(a.sequence, 8);
    assert_int_equal(a.err, GW_OK);
    assert_int_equal(rig.bms.reg[315], 4190);
    assert_int_equal(rig.bms.writes, 1);
    assert_false(gateway_next_answer(&rig.g, &a));
}

static void wrong_commands_are_refused_at_once(void **state) {
    (void)state;
    static const struct {
        const char *what;
        struct gateway_command c;
        int err;
    } cases[] = {
        {"unknown register",
         {.kind = GATEWAY_WRITE_REGISTER, .addr = 302, .raw = 1},
         GW_ERR_UNKNOWN},
        {"read only", {.kind = GATEWAY_WRITE_REGISTER, .addr = 36, .raw = 1}, GW_ERR_READ_ONLY},
        {"out of range", {.kind = GATEWAY_WRITE_REGISTER, .addr = 315, .raw = 4501}, GW_ERR_RANGE},
        {"no registers", {.kind = GATEWAY_READ_REGISTERS, .addr = 0, .count = 0}, GW_ERR_RANGE},
        {"too many", {.kind = GATEWAY_READ_REGISTERS, .addr = 0, .count = 101}, GW_ERR_RANGE},
        {"no such reset", {.kind = GATEWAY_RESET_BMS, .option = 3}, GW_ERR_RANGE},
    };
    rig_start(0);
    run(1000);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(gateway_command(&rig.g, &cases[i].c, rig.now_ms), cases[i].err);
    }
    struct gateway_answer a;
    run(1000);
    assert_false(gateway_next_answer(&rig.g, &a));
    assert_int_equal(rig.bms.writes, 0);
}

static void every_accepted_command_is_answered_once_and_a_full_queue_is_busy(void **state) {
    (void)state;
    rig_start(0);
    run(1000);
    unsigned accepted = 0;
    for (uint32_t i = 1; i <= 20; i++) {
        struct gateway_command c = {
            .sequence = i, .kind = GATEWAY_READ_REGISTERS, .addr = 300, .count = 1};
        int err = gateway_command(&rig.g, &c, rig.now_ms);
        assert_true(err == GW_OK || err == GW_ERR_BUSY);
        accepted += err == GW_OK;
    }
    assert_int_equal(accepted, TINYBMS_COMMANDS_MAX);
    run(3000);
    unsigned answered = 0;
    struct gateway_answer a;
    while (gateway_next_answer(&rig.g, &a)) {
        answered++;
    }
    assert_int_equal(answered, accepted);
}

static void a_restart_that_the_gateway_ordered_is_no_silence(void **state) {
    (void)state;
    rig_start(0);
    run(12000);
    const struct gateway_command c = {.sequence = 1, .kind = GATEWAY_RESET_BMS, .option = 5};
    assert_int_equal(gateway_command(&rig.g, &c, rig.now_ms), GW_OK);
    rig.bms.mute = true;
    run(14000);
    assert_int_equal(rig.g.policy.stage.stage, STAGE_FRESH);
    assert_int_equal(last_of(0x351)->frame.data[2], 0xB4);
    run(2000);
    assert_int_equal(rig.g.policy.stage.stage, STAGE_CLOSING);
}

static void a_stored_battery_is_left_alone_and_a_gx_wakes_it(void **state) {
    (void)state;
    rig_start(0);
    rig.settings.tinybms.low_power = true;
    gateway_configure(&rig.g, &rig.settings, 0);
    rig.bms.reg[50] = 0x97;
    scripted_bms_set_f32(&rig.bms, 38, 0.0F);
    run(602000);
    assert_int_equal(rig.g.policy.stage.stage, STAGE_RESTING);
    assert_int_equal(tinybms_link(&rig.g.bms), TINYBMS_LINK_RESTING);
    unsigned sent = rig.sent_count;
    unsigned reads = rig.bms.reads;
    run(600000); /* asked every 60 s, nothing on CAN */
    assert_int_equal(rig.sent_count, sent);
    assert_in_range(rig.bms.reads - reads, 9, 11);

    rig.bms.mute = true; /* asleep: swallows, and silence is no alarm */
    run(300000);
    assert_int_equal(rig.g.policy.stage.stage, STAGE_RESTING);
    rig.bms.mute = false;
    const struct victron_frame alive = {.id = 0x305, .len = 8};
    gateway_can_rx(&rig.g, &alive, rig.now_ms);
    run(1000);
    assert_int_equal(rig.g.policy.stage.stage, STAGE_FRESH);
    assert_true(rig.sent_count > sent);
    assert_int_equal(last_of(0x351)->frame.data[4], 0x1C); /* discharge open at once */
}

static void new_settings_take_effect_between_two_steps(void **state) {
    (void)state;
    rig_start(0);
    run(3000);
    struct settings next = rig.settings;
    next.cvl.margin_mv = 600;
    next.cvl.step_mv = 1000;
    next.victron.pgn_update_interval_ms = 250;
    gateway_configure(&rig.g, &next, rig.now_ms);
    unsigned before = count_of(0x351);
    run(2000);
    assert_in_range(count_of(0x351) - before, 8, 10);
    run(20000); /* CVL moves down 20 s after it was set at the earliest */
    assert_int_equal(last_of(0x351)->frame.data[0], 0x3F); /* 57.5 V = 575 = 0x023F */
}

static void the_snapshot_says_what_the_gateway_knows(void **state) {
    (void)state;
    static struct gateway_snapshot s;
    rig_start(1000);
    gateway_snapshot(&rig.g, &s, rig.now_ms);
    assert_false(s.sample_known);
    assert_true(s.sample_age_ms == UINT64_MAX);
    assert_int_equal(s.stage, STAGE_BOOT);
    run(12000);
    gateway_snapshot(&rig.g, &s, rig.now_ms);
    assert_true(s.sample_known);
    assert_in_range(s.sample_age_ms, 0, 120);
    assert_int_equal(s.stage, STAGE_FRESH);
    assert_int_equal(s.uptime_ms, 12000);
    assert_int_equal(s.battery.pack_mv, 54600);
    assert_int_equal(s.limits.ccl_ma, 18000);
    assert_int_equal(s.cell_order, TINYBMS_ORDER_DESCENDING);
    assert_int_equal(s.bms_link, TINYBMS_LINK_ANSWERING);
    assert_int_equal(s.can.tx_count, rig.sent_count);
    assert_true(s.gx_age_ms == UINT64_MAX);
    assert_true(s.bus.published[BUS_SAMPLE] > 40);
}

static void a_full_log_says_how_much_was_lost(void **state) {
    (void)state;
    struct log_record r;
    rig_start(0);
    for (int i = 0; i < 200; i++) {
        gateway_set_can(&rig.g, i % 2 == 0 ? false : true, rig.now_ms);
    }
    unsigned kept = 0;
    while (gateway_next_log(&rig.g, &r) && r.id != LOG_DROPPED) {
        kept++;
    }
    assert_int_equal(kept, GATEWAY_LOG_MAX);
    assert_int_equal(r.id, LOG_DROPPED);
    assert_int_equal((unsigned)r.value[0] + kept, rig.g.log_dropped + GATEWAY_LOG_MAX);
    assert_false(gateway_next_log(&rig.g, &r));
}

static void a_link_that_answers_less_than_half_is_told_after_a_minute(void **state) {
    (void)state;
    struct log_record r;
    rig_start(0);
    run(60001);
    assert_false(rig.g.bms_link_poor);
    for (int i = 0; i < 130; i++) { /* of each second, a tenth is answered */
        rig.bms.mute = false;
        run(100);
        rig.bms.mute = true;
        run(900);
    }
    assert_true(rig.g.bms_link_poor);
    assert_true(next_log_of(LOG_BMS_LINK_POOR, &r));
    assert_int_equal(last_of(0x35A)->frame.data[6] >> 6, 1); /* warning pair 27 */
    assert_int_equal(rig.g.policy.stage.stage, STAGE_FRESH);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_right_frames_go_out_within_a_second_and_a_half),
        cmocka_unit_test(nothing_goes_out_before_a_complete_sample),
        cmocka_unit_test(in_turn_frames_keep_their_period_to_the_millisecond),
        cmocka_unit_test(a_cell_over_315_stops_charging_out_of_turn),
        cmocka_unit_test(a_limit_at_0_does_not_wait_for_the_gap),
        cmocka_unit_test(out_of_turn_frames_do_not_move_the_turn),
        cmocka_unit_test(a_dead_bms_closes_the_limits_and_then_the_frames_stop),
        cmocka_unit_test(a_new_stage_is_told_at_once_in_all_its_frames),
        cmocka_unit_test(offline_and_online_are_told_at_once),
        cmocka_unit_test(a_bms_that_returns_opens_again),
        cmocka_unit_test(a_lost_can_link_sends_nothing_late),
        cmocka_unit_test(frames_that_the_device_does_not_take_are_counted_and_dropped),
        cmocka_unit_test(a_gx_is_present_until_its_keepalive_is_ten_seconds_old),
        cmocka_unit_test(an_absent_gx_is_warned_of_once_after_ten_minutes),
        cmocka_unit_test(a_register_is_read_and_written_between_samples),
        cmocka_unit_test(wrong_commands_are_refused_at_once),
        cmocka_unit_test(every_accepted_command_is_answered_once_and_a_full_queue_is_busy),
        cmocka_unit_test(a_restart_that_the_gateway_ordered_is_no_silence),
        cmocka_unit_test(a_stored_battery_is_left_alone_and_a_gx_wakes_it),
        cmocka_unit_test(new_settings_take_effect_between_two_steps),
        cmocka_unit_test(the_snapshot_says_what_the_gateway_knows),
        cmocka_unit_test(a_full_log_says_how_much_was_lost),
        cmocka_unit_test(a_link_that_answers_less_than_half_is_told_after_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
