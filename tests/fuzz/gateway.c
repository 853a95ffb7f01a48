/* SPDX-License-Identifier: MIT */
/* The whole gateway between a hostile UART and a hostile CAN bus.
 *
 * Input: a byte that chooses where it begins (cold, just before the first frame, or in full
 * operation) and what is looked at besides, then operations of a script: time, bytes, good and
 * spoilt replies, registers of the BMS, CAN frames, links, commands, other settings. What must hold
 * stands in gateway_witness.c. */
#include <string.h>

#include "control_message.h"
#include "gateway_world.h"

enum {
    BEGIN_MASK = 3, /* of the first byte: see begin() */
    TWIN = 0x0C,    /* both bits: once more in chunks of the second byte: the same comes out */
    STATUS = 0xB0,  /* all three: the status as JSON in the end */
    NOTES = 0x40,   /* log records in words */
    OPERATIONS_MAX = 64,
    OPERATING_MS = 16000, /* to the end of all ramps */
};

enum operation {
    OP_WAIT,
    OP_WAIT_LONG,
    OP_LATE,
    OP_BYTES,
    OP_REPLY,
    OP_SPOILT_REPLY,
    OP_REGISTER,
    OP_ANSWERS,
    OP_CAN,
    OP_CAN_LINK,
    OP_UART_LINK,
    OP_COMMAND,
    OP_CONFIGURE,
    OP_DEVICE_FULL,
    OP_TORN_REPLY,
    OP_CELL,
    OP_COUNT
};

static const uint32_t long_ms[] = {250, 1000, 2500, 5000, 10000, 15000, 30000, 61000};

static void set_link(struct world *w, bool can, bool up) {
    if (can) {
        w->can_up = up;
        gateway_set_can(&w->gateway, up, w->now_ms);
    } else {
        w->uart_up = up;
        w->reply_ms = up ? w->reply_ms : UINT64_MAX;
        gateway_set_uart(&w->gateway, up, w->now_ms);
    }
    world_turn(w);
}

static void hear_reply(struct world *w, size_t spoilt_at, uint8_t spoilt_bits, size_t pause_at) {
    uint8_t reply[WORLD_REPLY_MAX];
    world_make_reply(w);
    const size_t n = w->reply_n;
    w->reply_ms = UINT64_MAX;
    if (n == 0) {
        return;
    }
    memcpy(reply, w->reply, n);
    reply[spoilt_at % n] ^= spoilt_bits;
    if (pause_at < n) {
        world_hear(w, reply, pause_at);
        world_wait(w, 3);
        world_hear(w, reply + pause_at, n - pause_at);
    } else {
        world_hear(w, reply, n);
    }
    world_turn(w);
}

static void hear_bytes(struct world *w, struct feed *f) {
    size_t n;
    const size_t wanted = feed_u8(f) % 160u;
    const uint8_t *bytes = feed_bytes(f, wanted, &n);
    world_hear(w, bytes, n);
    world_turn(w);
}

static void receive_frame(struct world *w, struct feed *f) {
    static const uint16_t ids[] = {0x305, 0x307, 0x351, 0x35A};
    struct victron_frame frame = {0};
    const uint8_t which = feed_u8(f);
    size_t n;
    frame.id = which < 192 ? ids[which % 4] : (uint16_t)(feed_u16(f) & 0x7FF);
    frame.len = feed_u8(f) % 16u; /* a driver may say more than fits */
    const uint8_t *data = feed_bytes(f, sizeof frame.data, &n);
    memcpy(frame.data, data, n);
    gateway_can_rx(&w->gateway, &frame, w->now_ms);
    world_turn(w);
}

static void command(struct world *w, struct feed *f) {
    struct gateway_command c = {0};
    const uint8_t kind = feed_u8(f);
    c.kind = (enum gateway_command_kind)(kind % 3);
    c.addr = (kind & 0x80) != 0 ? feed_u16(f) : (uint16_t)(300 + feed_u8(f) % 50u);
    c.count = feed_u8(f);
    c.raw = feed_u16(f);
    c.option = (uint8_t)c.count;
    world_command(w, &c);
    world_turn(w);
}

static void configure(struct world *w, struct feed *f) {
    static const uint32_t polls[] = {20, 100, 500, 2000};
    struct settings *s = &w->settings[1 - w->current];
    struct settings_error e;
    const uint8_t a = feed_u8(f), b = feed_u8(f);
    *s = w->settings[w->current];
    s->tinybms.poll_interval_ms = polls[a % 4];
    s->tinybms.low_power = (a & 4) != 0;
    s->battery.cell_order = (a >> 3) % 3u;
    s->battery.series_cells = (a & 0x80) != 0 ? 4 + b % 13u : 0;
    s->tinybms.uart_retry_count = b % 11u;
    s->tinybms.stale_close_ms = (b & 16) != 0 ? 2000 + 4000 * (a & 1u) : 5000;
    s->victron.pgn_update_interval_ms = (b & 32) != 0 ? 200 : 1000;
    s->cvl.margin_mv = (b & 64) != 0 ? 5000 : 0;
    s->hardware.uart.invert_current = (b & 128) != 0;
    if (settings_check(s, &e) != GW_OK) {
        return;
    }
    w->current = 1 - w->current;
    gateway_configure(&w->gateway, s, w->now_ms);
    world_turn(w);
}

static void perform(struct world *w, struct feed *f) {
    switch ((enum operation)(feed_u8(f) % OP_COUNT)) {
    case OP_WAIT:
        world_wait(w, feed_u8(f));
        break;
    case OP_WAIT_LONG:
        world_wait(w, long_ms[feed_u8(f) % 8u]);
        break;
    case OP_LATE:
        w->now_ms += long_ms[feed_u8(f) % 8u] * (uint64_t)(1 + feed_u8(f));
        break; /* whatever comes next finds it so */
    case OP_BYTES:
        hear_bytes(w, f);
        break;
    case OP_REPLY:
        hear_reply(w, 0, 0, SIZE_MAX);
        break;
    case OP_SPOILT_REPLY: {
        const uint8_t at = feed_u8(f);
        hear_reply(w, at, feed_u8(f), SIZE_MAX);
        break;
    }
    case OP_REGISTER: {
        const unsigned reg = feed_u16(f) % WORLD_REGISTERS;
        w->reg[reg] = feed_u16(f);
        break;
    }
    case OP_ANSWERS:
        w->answers = (enum world_answers)(feed_u8(f) % ANSWERS_COUNT);
        break;
    case OP_CAN:
        receive_frame(w, f);
        break;
    case OP_CAN_LINK:
        set_link(w, true, !w->can_up);
        break;
    case OP_UART_LINK:
        set_link(w, false, !w->uart_up);
        break;
    case OP_COMMAND:
        command(w, f);
        break;
    case OP_CONFIGURE:
        configure(w, f);
        break;
    case OP_DEVICE_FULL:
        w->device_full = !w->device_full;
        break;
    case OP_TORN_REPLY:
        hear_reply(w, 0, 0, feed_u8(f));
        break;
    case OP_CELL: { /* 0.1 mV in steps of 20 mV, all that is plausible */
        const unsigned cell = feed_u8(f) % 16u;
        w->reg[cell] = (uint16_t)(200 * feed_u8(f));
        break;
    }
    case OP_COUNT:
        break;
    }
}

/* 0: cold, both links down. 1: links up, nothing read. 2: two samples before the first frame.
 * 3: fully open. Each is prepared once; the world is copied to where it was prepared, because it
 * has pointers into itself. */
static void begin(struct world *w, unsigned where) {
    static struct world prepared[BEGIN_MASK + 1];
    static bool done;
    if (!done) {
        for (unsigned i = 0; i <= BEGIN_MASK; i++) {
            world_init(w);
            if (i > 0) {
                set_link(w, false, true);
                set_link(w, true, true);
            }
            for (uint64_t ms = 0; i > 1 && ms < (i == 2 ? 60u : OPERATING_MS); ms += 20) {
                w->turns = 0;
                world_wait(w, 20);
            }
            w->turns = 0;
            prepared[i] = *w;
        }
        done = true;
    }
    *w = prepared[where];
}

static uint64_t run(struct world *w, struct feed f, uint8_t flags, size_t chunk) {
    begin(w, flags & BEGIN_MASK);
    w->chunk = chunk;
    w->notes_left = (flags & NOTES) != 0 ? 16 : 0;
    for (int i = 0; i < OPERATIONS_MAX && f.left > 0; i++) {
        perform(w, &f);
    }
    world_turn(w);
    return w->hash;
}

static void check_status(const struct world *w) {
    static char text[CONTROL_ANSWER_MAX];
    static struct gateway_snapshot snapshot;
    const struct can_status can = {0};
    struct json_reader r;
    gateway_snapshot(&w->gateway, &snapshot, w->now_ms);
    const size_t n = control_print_status(&snapshot, &can, text, sizeof text);
    must(n > 100 && text[n - 1] == '\n', "the status is a line");
    json_reader_init(&r, text, n - 1);
    must(json_skip(&r) == JSON_OBJECT_BEGIN && json_next(&r) == JSON_END, "the status is JSON");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct world w;
    struct feed f = {data, size};
    const uint8_t flags = feed_u8(&f), chunk = feed_u8(&f);
    const uint64_t hash = run(&w, f, flags, SIZE_MAX);
    if ((flags & STATUS) == STATUS) {
        check_status(&w);
    }
    if ((flags & TWIN) == TWIN) {
        must(run(&w, f, flags, 1 + chunk % 16u) == hash, "chunks do not change what comes out");
    }
    return 0;
}
