/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <string.h>

#include "wire.h"

struct tinybms_config world_config(void) {
    return (struct tinybms_config){
        .baudrate = 115200,
        .timeout_ms = 100,
        .poll_interval_ms = 100,
        .retry_count = 3,
        .retry_delay_ms = 20,
    };
}

static void pack(struct world *w) {
    for (int i = 2; i < 16; i++) {
        w->reg[i] = 39700; /* 3.9700 V, counting down from register 15 */
    }
    w->reg[32] = 0xF8D0; /* lifetime 14088400 s */
    w->reg[33] = 0x00D6;
    w->reg[36] = 0xB53F; /* 55.677 V */
    w->reg[37] = 0x425E;
    w->reg[40] = w->reg[41] = 3970;
    w->reg[42] = w->reg[43] = 0x8000;
    w->reg[46] = 0xAA36; /* 80.587318 % */
    w->reg[47] = 0x04CD;
    w->reg[48] = 102;
    w->reg[50] = 0x97;
    w->reg[53] = 14;
    w->reg[300] = 4150;
    w->reg[301] = 3000;
    w->reg[303] = 3200;
    w->reg[304] = 1000;
    w->reg[306] = 6600;
    w->reg[307] = 14;
    w->reg[308] = 15;
    w->reg[315] = 4200;
    w->reg[316] = 2900;
    w->reg[317] = 60;
    w->reg[318] = 20;
    w->reg[319] = 60;
    w->reg[320] = 1;
    w->reg[340] = 0;
    w->reg[500] = 0x0102;
    w->reg[501] = 0x0301;
    w->reg[502] = 242;
}

void world_init_with(struct world *w, const struct tinybms_config *cfg) {
    memset(w, 0, sizeof *w);
    w->now_ms = 1000;
    w->turnaround_ms = 2;
    w->random = 1;
    pack(w);
    (void)tinybms_init(&w->t, cfg, w->now_ms);
    tinybms_set_port(&w->t, true, w->now_ms);
}

void world_init(struct world *w) {
    struct tinybms_config cfg = world_config();
    world_init_with(w, &cfg);
}

static uint64_t wire_ms(const struct world *w, size_t bytes) {
    return (10000 * (uint64_t)bytes + w->t.config.baudrate - 1) / w->t.config.baudrate;
}

static void send(struct world *w, const uint8_t *reply, size_t n, uint64_t from_ms) {
    if (w->first == w->last) {
        w->first = w->last = 0;
    }
    for (size_t i = 0; i < n && w->last < WORLD_BYTES; i++) {
        w->queue[w->last].at_ms = from_ms + wire_ms(w, i + 1);
        w->queue[w->last++].byte = reply[i];
    }
}

static size_t answer(struct world *w, const struct world_request *rq, const uint8_t *p,
                     uint8_t *reply) {
    if (rq->command == 0x03) {
        return wire_read_reply(reply, w->reg + rq->addr, rq->count);
    }
    if (rq->command == 0x10) {
        for (uint16_t i = 0; i < rq->count; i++) {
            w->reg[rq->addr + i] = (uint16_t)(256 * p[7 + 2 * i] + p[8 + 2 * i]);
        }
        if (w->written != NULL) {
            w->written(w, rq->addr);
        }
        memcpy(reply, p, 6);
        return wire_seal(reply, 6);
    }
    reply[0] = 0xAA;
    reply[1] = 0x01;
    reply[2] = rq->command;
    return wire_seal(reply, 3);
}

/* The device hears one whole request. */
static void hear(struct world *w, const uint8_t *p, size_t n) {
    bool block = p[1] == 0x03 || p[1] == 0x10;
    struct world_request rq = {
        .at_ms = w->now_ms,
        .command = p[1],
        .addr = block ? (uint16_t)(256 * p[2] + p[3]) : p[2],
        .count = block ? p[5] : 0,
    };
    if (w->asked < WORLD_LOG) {
        w->log[w->asked++] = rq;
    }
    enum world_answer verdict = w->judge != NULL ? w->judge(w, &rq) : WORLD_ANSWER;
    if (wire_crc(p, n) != 0 || w->now_ms < w->asleep_until_ms || verdict == WORLD_IGNORE ||
        rq.addr + rq.count > WORLD_REGISTERS) {
        return;
    }
    uint8_t reply[1024] = {0xAA, 0x00, rq.command, 0x00};
    size_t size = verdict == WORLD_REFUSE ? wire_seal(reply, 4) : answer(w, &rq, p, reply);
    if (w->spoil != NULL) {
        size = w->spoil(w, reply, size);
    }
    send(w, reply, size, w->now_ms + wire_ms(w, n) + w->turnaround_ms);
}

static void pull(struct world *w) {
    struct tinybms_result r;
    while (tinybms_next_result(&w->t, &r)) {
        switch (r.kind) {
        case TINYBMS_RESULT_SAMPLE:
            if (w->samples < 256) {
                w->sample_ms[w->samples] = w->now_ms;
            }
            w->samples++;
            break;
        case TINYBMS_RESULT_BLOCK:
            if (w->blocks[r.group]++ == 0) {
                w->first_block_ms[r.group] = w->now_ms;
            }
            break;
        case TINYBMS_RESULT_COMMAND:
        case TINYBMS_RESULT_LINK:
            if (w->results < 64) {
                w->result[w->results++] = r;
            }
            break;
        }
    }
}

void world_noise(struct world *w, const uint8_t *bytes, size_t n) {
    tinybms_handle_rx(&w->t, bytes, n, w->now_ms);
    pull(w);
}

void world_run(struct world *w, uint64_t until_ms) {
    for (;;) {
        while (w->first < w->last && w->queue[w->first].at_ms <= w->now_ms) {
            tinybms_handle_rx(&w->t, &w->queue[w->first].byte, 1, w->now_ms);
            w->first++;
        }
        uint64_t next_ms = tinybms_step(&w->t, w->now_ms);
        pull(w);
        uint8_t out[TINYBMS_REQUEST_MAX];
        size_t n = tinybms_tx(&w->t, out, sizeof out, w->now_ms);
        if (n > 0) {
            hear(w, out, n);
        }
        if (w->first < w->last && w->queue[w->first].at_ms < next_ms) {
            next_ms = w->queue[w->first].at_ms;
        }
        if (next_ms > until_ms) {
            w->now_ms = until_ms;
            return;
        }
        w->now_ms = next_ms > w->now_ms ? next_ms : w->now_ms + 1; /* time always passes */
    }
}

size_t world_count(const struct world *w, uint8_t command, uint16_t addr, uint16_t count) {
    size_t n = 0;
    for (size_t i = 0; i < w->asked; i++) {
        n += w->log[i].command == command && w->log[i].addr == addr && w->log[i].count == count;
    }
    return n;
}

const struct tinybms_result *world_result(const struct world *w, uint32_t id) {
    for (size_t i = 0; i < w->results; i++) {
        if (w->result[i].kind == TINYBMS_RESULT_COMMAND && w->result[i].id == id) {
            return &w->result[i];
        }
    }
    return NULL;
}
