/* SPDX-License-Identifier: MIT */
#include "replay.h"

#include <string.h>

/* As in gateway_thread.c. */
enum { ROUNDS_MAX = 8, FRAMES_MAX = 64, SPIN_GUARD_MS = 5 };

/* ---- the recording ---- */

static bool peek(struct replay *r) {
    if (!r->have_item) {
        r->have_item = r->io->next(r->io->context, &r->item);
    }
    return r->have_item;
}

static void note_time(struct replay *r) {
    r->clock_ms = r->item.clock_ms;
    r->summary.last_us = r->item.event.at_us + r->clock_ms * 1000;
    if (r->summary.first_us == 0) {
        r->summary.first_us = r->summary.last_us;
    }
}

/* The recorded BMS keeps up with what was said on its wire. */
static void overhear(struct replay *r, const struct traffic_event *e) {
    if (e->kind == TRAFFIC_UART_TX) {
        replay_bms_note_request(&r->bms, e->bytes, e->n, e->at_us / 1000);
    } else if (e->kind == TRAFFIC_UART_RX) {
        replay_bms_note_reply(&r->bms, e->bytes, e->n, e->at_us / 1000);
    }
}

static void consume(struct replay *r) {
    const struct traffic_event *e = &r->item.event;
    r->have_item = false;
    note_time(r);
    overhear(r, e);
    r->summary.recorded_frames += e->kind == TRAFFIC_CAN_TX;
    r->summary.recorded_requests += e->kind == TRAFFIC_UART_TX || e->kind == TRAFFIC_UART_LOST;
}

/* The next event is of that turn and of one of two kinds. */
static bool peek_event(struct replay *r, uint64_t at_us, enum traffic_kind a, enum traffic_kind b) {
    return peek(r) && r->item.kind == RECORDING_NEXT && r->item.event.at_us == at_us &&
           (r->item.event.kind == a || r->item.event.kind == b);
}

/* ---- the core's side ---- */

static uint64_t wall_us(const struct replay *r, uint64_t at_us) {
    return at_us + r->clock_ms * 1000;
}

static void leave(struct replay *r, uint64_t at_us) {
    if (r->following) {
        r->following = false;
        r->summary.followed = false;
        r->summary.left_us = r->summary.left_us != 0 ? r->summary.left_us : wall_us(r, at_us);
        r->deadline_ms = at_us / 1000;
    }
}

static void send(struct replay *r, const struct victron_frame *f, uint64_t at_us) {
    r->summary.frames++;
    r->io->sent(r->io->context, f, wall_us(r, at_us));
}

static void note_difference(struct replay *r, uint64_t at_us) {
    if (r->summary.first_difference_us == 0) {
        r->summary.first_difference_us = wall_us(r, at_us);
    }
}

static bool same_frame(const struct victron_frame *a, const struct victron_frame *b) {
    return a->id == b->id && a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/* A frame of the core beside that of the recorded one; false when the recorded device refused it.
 */
static bool compare_frame(struct replay *r, const struct victron_frame *f, uint64_t at_us) {
    if (!r->following || !peek_event(r, at_us, TRAFFIC_CAN_TX, TRAFFIC_CAN_LOST) ||
        r->item.event.frame.id != f->id) {
        if (r->following) {
            note_difference(r, at_us);
        }
        return true;
    }
    const bool written = r->item.event.kind == TRAFFIC_CAN_TX;
    if (!same_frame(f, &r->item.event.frame)) {
        note_difference(r, at_us);
    } else if (written) {
        r->summary.same_frames++;
    }
    consume(r);
    return written;
}

static void compare_request(struct replay *r, const uint8_t *bytes, size_t n, uint64_t at_us) {
    r->summary.requests++;
    if (r->following && peek_event(r, at_us, TRAFFIC_UART_TX, TRAFFIC_UART_LOST) &&
        r->item.event.n == n && memcmp(r->item.event.bytes, bytes, n) == 0) {
        r->summary.same_requests++;
        consume(r);
        return;
    }
    leave(r, at_us);
    replay_bms_ask(&r->bms, bytes, n, r->settings[r->current].hardware.uart.baudrate, at_us / 1000);
}

static void set_link(struct replay *r, bool can, bool up, uint64_t at_us) {
    if (can) {
        gateway_set_can(&r->gateway, up, at_us / 1000);
    } else {
        gateway_set_uart(&r->gateway, up, at_us / 1000);
    }
}

static bool uart_is_up(const struct replay *r) {
    return tinybms_link(&r->gateway.bms) != TINYBMS_LINK_DOWN;
}

/* A device that broke as it was written to was told to the core at once, within the turn. */
static void break_links(struct replay *r, uint64_t at_us) {
    while (r->following && peek_event(r, at_us, TRAFFIC_UART_LINK, TRAFFIC_CAN_LINK)) {
        const struct traffic_event e = r->item.event;
        consume(r);
        set_link(r, e.kind == TRAFFIC_CAN_LINK, e.up, at_us);
    }
}

static bool drain(struct replay *r, uint64_t at_us) {
    const uint64_t now_ms = at_us / 1000;
    uint8_t bytes[TRAFFIC_BYTES_MAX];
    struct victron_frame f;
    bool moved = false;
    size_t n = gateway_uart_tx(&r->gateway, bytes, sizeof bytes, now_ms);
    if (n != 0) {
        moved = true;
        compare_request(r, bytes, n, at_us);
        break_links(r, at_us);
    }
    for (int i = 0; i < FRAMES_MAX && gateway_next_frame(&r->gateway, &f, now_ms); i++) {
        moved = true;
        const bool written = compare_frame(r, &f, at_us);
        gateway_frame_done(&r->gateway, &f, written);
        if (written) {
            send(r, &f, at_us);
        }
        break_links(r, at_us);
    }
    return moved;
}

static void drain_answers_and_logs(struct replay *r) {
    struct gateway_answer answer;
    struct log_record record;
    while (gateway_next_answer(&r->gateway, &answer)) {
    }
    while (gateway_next_log(&r->gateway, &record)) {
        if (r->io->log != NULL) {
            r->io->log(r->io->context, &record, r->clock_ms);
        }
    }
}

/* One turn of work() in gateway_thread.c. */
static void turn(struct replay *r, uint64_t at_us) {
    const uint64_t now_ms = at_us / 1000;
    r->now_us = at_us;
    r->deadline_ms = gateway_step(&r->gateway, now_ms);
    for (int i = 0; i < ROUNDS_MAX && drain(r, at_us); i++) {
        r->deadline_ms = gateway_step(&r->gateway, now_ms);
    }
    drain_answers_and_logs(r);
    if (r->deadline_ms <= now_ms) {
        r->deadline_ms = now_ms + SPIN_GUARD_MS;
    }
}

/* What the recorded gateway sent in this turn and the core did not. */
static void pass_rest_of_turn(struct replay *r, uint64_t at_us) {
    while (peek_event(r, at_us, TRAFFIC_CAN_TX, TRAFFIC_CAN_LOST) ||
           peek_event(r, at_us, TRAFFIC_UART_TX, TRAFFIC_UART_LOST) ||
           peek_event(r, at_us, TRAFFIC_TURN, TRAFFIC_TURN)) {
        const enum traffic_kind kind = (enum traffic_kind)r->item.event.kind;
        if (kind == TRAFFIC_CAN_TX || kind == TRAFFIC_CAN_LOST) {
            note_difference(r, at_us);
        } else if (kind != TRAFFIC_TURN) {
            leave(r, at_us);
        }
        consume(r);
    }
}

/* ---- living ---- */

static uint64_t next_deadline_ms(const struct replay *r) {
    const uint64_t reply_ms = replay_bms_deadline_ms(&r->bms);
    return reply_ms < r->deadline_ms ? reply_ms : r->deadline_ms;
}

/* The core's own turns that are due before that time. */
static void live_until(struct replay *r, uint64_t until_us) {
    for (;;) {
        const uint64_t due_ms = next_deadline_ms(r);
        if (due_ms > until_us / 1000 || due_ms * 1000 >= until_us) {
            return;
        }
        const uint64_t at_us = due_ms * 1000 > r->now_us ? due_ms * 1000 : r->now_us;
        if (replay_bms_deadline_ms(&r->bms) <= at_us / 1000) {
            size_t n;
            const uint8_t *reply = replay_bms_reply(&r->bms, &n);
            gateway_uart_rx(&r->gateway, reply, n, at_us / 1000);
        }
        turn(r, at_us);
    }
}

/* ---- what the core is told ---- */

static void configure(struct replay *r, const struct settings *recorded, uint64_t at_us) {
    r->current = 1 - r->current;
    r->io->settings(r->io->context, recorded, &r->settings[r->current]);
    gateway_configure(&r->gateway, &r->settings[r->current], at_us / 1000);
}

static void start_core(struct replay *r, uint64_t at_us) {
    r->summary.cores++;
    r->now_us = at_us;
    r->deadline_ms = at_us / 1000;
    gateway_init(&r->gateway, &r->settings[r->current], at_us / 1000);
}

static void begin_gateway(struct replay *r) {
    const struct recording_item *item = &r->item;
    const uint64_t at_us = item->event.at_us;
    r->summary.gateways++;
    r->running = true;
    r->clock_ms = item->clock_ms;
    r->io->settings(r->io->context, item->settings, &r->settings[r->current]);
    replay_bms_init(&r->bms, item->image, r->settings[r->current].hardware.uart.baudrate);
    start_core(r, at_us);
    r->following = item->event.kind == TRAFFIC_START && !r->own_times;
    r->summary.followed = r->summary.followed && r->following;
    if (!r->following) {
        set_link(r, false, item->uart_up, at_us);
        set_link(r, true, item->can_up, at_us);
    }
}

/* Whether the core lives across a pause; what it takes to do so is bounded, see replay.h. */
static bool lives_across(struct replay *r, uint64_t pause_us, bool gap) {
    if (pause_us <= REPLAY_PAUSE_MS * UINT64_C(1000)) {
        return true;
    }
    if (!gap || pause_us > REPLAY_GAP_MS * UINT64_C(1000) ||
        r->gaps_us + pause_us > REPLAY_GAPS_MS * UINT64_C(1000)) {
        return false;
    }
    r->gaps_us += pause_us;
    return true;
}

/* Lives up to that time, or begins anew there when it is far: a core that has just begun knows
 * nothing of what was before it. */
static void go_on_to(struct replay *r, uint64_t at_us, bool gap) {
    if (at_us > r->now_us && !lives_across(r, at_us - r->now_us, gap)) {
        const bool uart_up = uart_is_up(r);
        const bool can_up = r->gateway.can_up;
        start_core(r, at_us);
        set_link(r, false, uart_up, at_us);
        set_link(r, true, can_up, at_us);
    } else {
        live_until(r, at_us);
        r->now_us = at_us > r->now_us ? at_us : r->now_us;
    }
}

static void pass_gap(struct replay *r) {
    const struct recording_item item = r->item;
    leave(r, r->now_us);
    go_on_to(r, item.event.at_us, true);
    r->clock_ms = item.clock_ms;
    configure(r, item.settings, r->now_us);
    if (item.uart_up != uart_is_up(r)) {
        set_link(r, false, item.uart_up, r->now_us);
    }
    set_link(r, true, item.can_up, r->now_us);
    turn(r, r->now_us);
}

/* An event that the core is told of, in either way; false when it is none. */
static bool tell(struct replay *r, const struct traffic_event *e) {
    const uint64_t now_ms = e->at_us / 1000;
    switch ((enum traffic_kind)e->kind) {
    case TRAFFIC_UART_RX:
        if (r->following) {
            gateway_uart_rx(&r->gateway, e->bytes, e->n, now_ms);
        }
        return r->following;
    case TRAFFIC_CAN_RX:
        gateway_can_rx(&r->gateway, &e->frame, now_ms);
        return true;
    case TRAFFIC_UART_LINK:
    case TRAFFIC_CAN_LINK:
        set_link(r, e->kind == TRAFFIC_CAN_LINK, e->up, e->at_us);
        return true;
    case TRAFFIC_COMMAND: /* its effects are in the registers that follow */
        if (r->following) {
            (void)gateway_command(&r->gateway, &e->command, now_ms);
        }
        return r->following;
    case TRAFFIC_CONFIGURED:
        configure(r, r->item.settings, e->at_us);
        return true;
    case TRAFFIC_START:
    case TRAFFIC_TURN:
    case TRAFFIC_UART_TX:
    case TRAFFIC_UART_LOST:
    case TRAFFIC_CAN_TX:
    case TRAFFIC_CAN_LOST:
    case TRAFFIC_MISSED:
        break;
    }
    return false;
}

static bool is_turn(enum traffic_kind kind) {
    return kind == TRAFFIC_TURN || kind == TRAFFIC_UART_TX || kind == TRAFFIC_UART_LOST ||
           kind == TRAFFIC_CAN_TX || kind == TRAFFIC_CAN_LOST;
}

static void live_through(struct replay *r) {
    const struct traffic_event e = r->item.event;
    go_on_to(r, e.at_us, false);
    consume(r);
    if (tell(r, &e)) {
        turn(r, r->now_us);
    }
}

static void follow(struct replay *r) {
    const struct traffic_event e = r->item.event;
    if (is_turn((enum traffic_kind)e.kind)) {
        note_time(r);
        turn(r, e.at_us);
        pass_rest_of_turn(r, e.at_us);
    } else {
        consume(r);
        r->now_us = e.at_us;
        (void)tell(r, &e);
    }
}

void replay_run(struct replay *r, const struct replay_io *io, bool own_times) {
    memset(r, 0, sizeof *r);
    r->io = io;
    r->own_times = own_times;
    r->summary.followed = true;
    while (peek(r)) {
        if (r->item.kind == RECORDING_BEGINS) {
            begin_gateway(r);
            r->have_item = false;
        } else if (!r->running) {
            r->have_item = false;
        } else if (r->item.kind == RECORDING_GAP) {
            pass_gap(r);
            r->have_item = false;
        } else if (r->following) {
            follow(r);
        } else {
            live_through(r);
        }
    }
    drain_answers_and_logs(r);
}
