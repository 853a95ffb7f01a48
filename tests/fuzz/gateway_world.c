/* SPDX-License-Identifier: MIT */
#include "gateway_world.h"

#include <string.h>

enum {
    ROUNDS_MAX = 8,
    FRAMES_MAX = 64,
    TURNS_MAX = 64,
    TURNS_AT_ONCE = 16,
    HEADER_BYTES = 3,
    SLEPT_MS = 2000, /* a turn that is late by that much was a suspend */
};

static void put_float(struct world *w, unsigned reg, float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    w->reg[reg] = (uint16_t)bits;
    w->reg[reg + 1] = (uint16_t)(bits >> 16);
}

/* A pack of 14 cells at 3.75 V, charging with 9 A; units are those of the protocol document. */
static void set_registers(struct world *w) {
    static const struct {
        uint16_t reg, value;
    } row[] = {
        {40, 37500},  {41, 37630}, {42, 212},   {43, 211},   {45, 49000}, {46, 15488}, {47, 839},
        {48, 230},    {50, 0x91},  {53, 14},    {300, 4150}, {301, 3000}, {303, 3900}, {304, 1000},
        {305, 100},   {306, 6600}, {307, 14},   {308, 20},   {315, 4200}, {316, 2900}, {317, 60},
        {318, 20},    {319, 60},   {320, 1},    {321, 90},   {328, 5},    {332, 5},    {500, 0x102},
        {501, 0x103}, {502, 254},  {504, 0x41}, {505, 0x42}, {506, 0x43},
    };
    for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
        w->reg[row[i].reg] = row[i].value;
    }
    for (unsigned i = 0; i < 14; i++) {
        w->reg[15 - i] = (uint16_t)(37500 + 10 * i);
    }
    put_float(w, 36, 52.591F);
    put_float(w, 38, 9.2F);
}

void world_init(struct world *w) {
    memset(w, 0, sizeof *w);
    settings_defaults(&w->settings[0]);
    w->settings[1] = w->settings[0];
    w->now_ms = 1000000;
    w->reply_ms = UINT64_MAX;
    w->chunk = SIZE_MAX;
    set_registers(w);
    sim_gx_init(&w->gx, w->now_ms * 1000);
    gateway_init(&w->gateway, &w->settings[0], w->now_ms);
    w->deadline_ms = w->now_ms;
}

/* ---- the BMS ---- */

static void end_reply(struct world *w, size_t n) {
    const uint16_t crc = fuzz_crc(w->reply, n);
    w->reply[n] = (uint8_t)crc;
    w->reply[n + 1] = (uint8_t)(crc >> 8);
    w->reply_n = n + 2;
}

static void refuse(struct world *w, uint8_t command) {
    const uint8_t nack[] = {0xAA, 0x00, command, 0x00};
    memcpy(w->reply, nack, sizeof nack);
    end_reply(w, sizeof nack);
}

static void answer_read(struct world *w, const uint8_t *rq) {
    const unsigned addr = rq[2] * 256u + rq[3], n = rq[5];
    if (rq[4] != 0 || n < 1 || n > 127 || addr + n > WORLD_REGISTERS) {
        refuse(w, rq[1]);
        return;
    }
    w->reg[32] = (uint16_t)++w->ticks; /* its clock */
    w->reply[0] = 0xAA;
    w->reply[1] = 0x03;
    w->reply[2] = (uint8_t)(2 * n);
    for (unsigned i = 0; i < n; i++) {
        w->reply[HEADER_BYTES + 2 * i] = (uint8_t)(w->reg[addr + i] >> 8);
        w->reply[HEADER_BYTES + 2 * i + 1] = (uint8_t)w->reg[addr + i];
    }
    end_reply(w, HEADER_BYTES + 2u * n);
}

static void answer_write(struct world *w, const uint8_t *rq, size_t rq_n) {
    const unsigned addr = rq[2] * 256u + rq[3], n = rq[5];
    for (unsigned i = 0; i < n && 7 + 2 * i + 1 < rq_n && addr + i < WORLD_REGISTERS; i++) {
        w->reg[addr + i] = (uint16_t)(rq[7 + 2 * i] * 256u + rq[7 + 2 * i + 1]);
    }
    w->reply[0] = 0xAA;
    memcpy(w->reply + 1, rq + 1, 5);
    end_reply(w, 6);
}

void world_make_reply(struct world *w) {
    const uint8_t *rq = w->witness.request;
    w->reply_n = 0;
    if (w->witness.request_n < 5) {
        return;
    }
    switch (rq[1]) {
    case 0x03:
        answer_read(w, rq);
        return;
    case 0x10:
        answer_write(w, rq, w->witness.request_n);
        return;
    case 0x02:
        w->reply[0] = 0xAA;
        w->reply[1] = 0x01;
        w->reply[2] = 0x02;
        end_reply(w, 3);
        return;
    default:
        refuse(w, rq[1]);
        return;
    }
}

static void begin_answer(struct world *w) {
    w->reply_ms = UINT64_MAX;
    if (w->answers == ANSWERS_NOT) {
        return;
    }
    world_make_reply(w);
    if (w->answers == ANSWERS_REFUSING) {
        refuse(w, w->witness.request[1]);
    } else if (w->answers == ANSWERS_SPOILT) {
        w->reply[w->reply_n / 2] ^= 0x10;
    }
    w->reply_ms = w->now_ms + WORLD_ANSWER_MS;
}

/* ---- the port ---- */

static void mix(struct world *w, const void *bytes, size_t n) {
    const uint8_t *p = bytes;
    for (size_t i = 0; i < n; i++) {
        w->hash = (w->hash ^ p[i]) * UINT64_C(0x100000001B3);
    }
}

static bool drain(struct world *w) {
    uint8_t bytes[TINYBMS_REQUEST_MAX];
    struct victron_frame f;
    bool moved = false;
    const size_t n = gateway_uart_tx(&w->gateway, bytes, sizeof bytes, w->now_ms);
    if (n != 0) {
        moved = true;
        mix(w, bytes, n);
        witness_request(w, bytes, n);
        begin_answer(w);
    }
    for (int i = 0; i < FRAMES_MAX && gateway_next_frame(&w->gateway, &f, w->now_ms); i++) {
        moved = true;
        mix(w, &f.id, sizeof f.id);
        mix(w, f.data, sizeof f.data);
        mix(w, &w->now_ms, sizeof w->now_ms);
        witness_frame(w, &f);
        gateway_frame_done(&w->gateway, &f, !w->device_full);
    }
    return moved;
}

static void drain_answers_and_logs(struct world *w) {
    struct gateway_answer answer;
    struct log_record record;
    while (gateway_next_answer(&w->gateway, &answer)) {
        w->witness.answered++;
        mix(w, &answer.err, sizeof answer.err);
        must(answer.sequence < w->witness.accepted, "an answer is to a command that was accepted");
        must(answer.count <= TINYBMS_COMMAND_REGISTERS_MAX, "an answer has no more than it may");
    }
    while (gateway_next_log(&w->gateway, &record)) {
        char text[256];
        mix(w, &record.id, sizeof record.id);
        must(record.id < LOG_ID_COUNT, "a log record has a row");
        if (w->notes_left > 0) {
            w->notes_left--;
            (void)log_render(&record, text, sizeof text);
            must(fuzz_is_printable(text, sizeof text), "a log line is printable");
        }
    }
}

void world_turn(struct world *w) {
    w->turns++;
    w->deadline_ms = gateway_step(&w->gateway, w->now_ms);
    bool moved = true;
    for (int i = 0; i < ROUNDS_MAX && moved; i++) {
        moved = drain(w);
        if (moved) {
            w->deadline_ms = gateway_step(&w->gateway, w->now_ms);
        }
    }
    must(!moved, "a turn ends");
    if (w->deadline_ms <= w->now_ms) { /* a frame was due that has nothing to say: skipped by now */
        w->deadline_ms = gateway_step(&w->gateway, w->now_ms);
    }
    drain_answers_and_logs(w);
    must(w->deadline_ms > w->now_ms, "behind a turn there is time");
    witness_turn(w);
}

static uint64_t next_ms(const struct world *w) {
    return w->reply_ms < w->deadline_ms ? w->reply_ms : w->deadline_ms;
}

void world_wait(struct world *w, uint64_t ms) {
    const uint64_t until_ms = w->now_ms + ms;
    const unsigned most =
        w->turns + TURNS_AT_ONCE < TURNS_MAX ? w->turns + TURNS_AT_ONCE : TURNS_MAX;
    while (next_ms(w) <= until_ms && w->turns < most) {
        w->now_ms = next_ms(w) > w->now_ms ? next_ms(w) : w->now_ms;
        if (w->reply_ms <= w->now_ms) {
            uint8_t reply[WORLD_REPLY_MAX];
            memcpy(reply, w->reply, w->reply_n);
            w->reply_ms = UINT64_MAX;
            world_hear(w, reply, w->reply_n);
        }
        world_turn(w);
    }
    w->now_ms = until_ms;
    if (w->deadline_ms <= w->now_ms) { /* as after a suspend */
        world_turn(w);
    }
}

void world_hear(struct world *w, const uint8_t *bytes, size_t n) {
    if (!w->uart_up) {
        return; /* nobody reads */
    }
    const bool slept = w->now_ms >= w->deadline_ms + SLEPT_MS;
    for (size_t at = 0; at < n;) {
        const size_t some = w->chunk < n - at ? w->chunk : n - at;
        const uint32_t before = w->gateway.bms.transaction.counters.successes;
        witness_bytes(w, bytes + at, some);
        gateway_uart_rx(&w->gateway, bytes + at, some, w->now_ms);
        if (w->gateway.bms.transaction.counters.successes != before) {
            must(!slept, "an answer from before a suspend is none of now");
            witness_sample(w);
        }
        at += some;
    }
}

void world_command(struct world *w, const struct gateway_command *c) {
    struct gateway_command command = *c;
    struct witness *x = &w->witness;
    command.sequence = x->accepted;
    if (gateway_command(&w->gateway, &command, w->now_ms) != GW_OK) {
        return;
    }
    x->accepted++;
    x->orders += command.kind != GATEWAY_READ_REGISTERS;
    if (command.kind == GATEWAY_RESET_BMS || command.addr == 340) {
        x->excused_ms = w->now_ms + POLICY_RESTART_MS;
    }
}
