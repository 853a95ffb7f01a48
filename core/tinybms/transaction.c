/* SPDX-License-Identifier: MIT */
/* See transaction.h for how a reply is found and when an attempt ends. */
#include "tinybms/transaction.h"

#include <assert.h>
#include <string.h>

enum {
    SETTLE_MS = 20,     /* USB adapters hand bytes over in portions 16 ms apart */
    SPACING_MODULO = 7, /* of the delays that keep retries from beating with the BMS's own look */
};

void tinybms_transaction_init(struct tinybms_transaction *x, const struct tinybms_timing *timing) {
    memset(x, 0, sizeof *x);
    x->timing = *timing;
}

/* Gives up n of the bytes not yet claimed by a reply. */
static void discard(struct tinybms_transaction *x, uint32_t n) {
    if (n > 0) {
        x->counters.discarded_bytes += n;
        x->counters.resyncs++;
    }
}

static void flush(struct tinybms_transaction *x) {
    discard(x, x->unclaimed);
    x->unclaimed = 0;
    x->held = 0;
}

void tinybms_transaction_reset(struct tinybms_transaction *x) {
    flush(x);
    x->state = TINYBMS_TRANSACTION_IDLE;
    x->attempt = 0;
    x->reply_length = 0;
    memset(x->owed, 0, sizeof x->owed);
}

uint64_t tinybms_wire_ms(const struct tinybms_request *rq, uint32_t baudrate) {
    size_t min, max;
    tinybms_reply_length(rq, &min, &max);
    uint64_t bits = 10 * ((uint64_t)rq->length + max);
    return (bits * 1000 + baudrate - 1) / baudrate;
}

static uint64_t later(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static uint64_t sooner(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static void delay_until(struct tinybms_transaction *x, uint64_t start_ms) {
    x->state = TINYBMS_TRANSACTION_DELAYED;
    x->start_ms = start_ms;
}

uint64_t tinybms_transaction_free_ms(const struct tinybms_transaction *x,
                                     const struct tinybms_request *rq) {
    uint64_t until_ms = 0;
    for (size_t i = 0; i < TINYBMS_OWED_MAX; i++) {
        const struct tinybms_owed *o = &x->owed[i];
        if (o->command == rq->command && o->count == rq->count && o->addr != rq->addr) {
            until_ms = later(until_ms, o->until_ms);
        }
    }
    return until_ms;
}

void tinybms_transaction_begin(struct tinybms_transaction *x, const struct tinybms_request *rq,
                               uint32_t retries, uint64_t start_ms) {
    assert(x->state == TINYBMS_TRANSACTION_IDLE);
    x->request = *rq;
    tinybms_reply_length(rq, &x->reply_min, &x->reply_max);
    x->attempts_left = retries;
    x->asked = false;
    x->bad_crc = x->nack_held = false;
    x->reply_length = 0;
    delay_until(x, later(start_ms, tinybms_transaction_free_ms(x, rq)));
}

static void note_latency(struct tinybms_transaction *x, uint64_t now_ms) {
    uint64_t ms = now_ms > x->sent_ms ? now_ms - x->sent_ms : 0;
    x->latency_ms[x->latencies % TINYBMS_LATENCIES] = ms > UINT16_MAX ? UINT16_MAX : (uint16_t)ms;
    x->latencies++;
    if (x->latencies == 2 * TINYBMS_LATENCIES) {
        x->latencies = TINYBMS_LATENCIES; /* the same place in the ring; never wraps to 0 */
    }
}

static void done(struct tinybms_transaction *x, enum tinybms_outcome outcome) {
    x->outcome = outcome;
    x->state = TINYBMS_TRANSACTION_DONE;
}

uint64_t tinybms_transaction_spacing_ms(const struct tinybms_transaction *x) {
    return (uint64_t)x->timing.retry_delay_ms + x->attempt % SPACING_MODULO;
}

/* Another attempt after the usual delay, or the end. */
static void retry_or(struct tinybms_transaction *x, enum tinybms_outcome outcome, uint64_t now_ms) {
    x->bad_crc = x->nack_held = false;
    if (x->attempts_left == 0) {
        done(x, outcome);
        return;
    }
    x->attempts_left--;
    x->counters.retries++;
    delay_until(x, now_ms + tinybms_transaction_spacing_ms(x));
}

static void refused(struct tinybms_transaction *x, uint8_t code, uint64_t now_ms) {
    x->counters.nacks++;
    x->nack = code;
    x->attempt = 0;
    if (code == TINYBMS_NACK_CRC) { /* our request was spoilt on the way: worth another attempt */
        retry_or(x, TINYBMS_OUTCOME_NACK, now_ms);
    } else {
        x->nack_held = false;
        done(x, TINYBMS_OUTCOME_NACK);
    }
}

static void attempt_failed(struct tinybms_transaction *x, uint64_t now_ms) {
    if (x->nack_held) {
        refused(x, x->nack, now_ms);
        return;
    }
    x->owed[x->owed_next] = (struct tinybms_owed){
        .command = x->request.command,
        .addr = x->request.addr,
        .count = x->request.count,
        .until_ms = now_ms + TINYBMS_LATE_MS,
    };
    x->owed_next = (uint8_t)((x->owed_next + 1) % TINYBMS_OWED_MAX);
    if (x->bad_crc) {
        x->counters.crc_errors++;
    } else {
        x->counters.timeouts++;
    }
    x->attempt++;
    retry_or(x, TINYBMS_OUTCOME_TIMEOUT, now_ms);
}

/* What ends with the last byte of the window is claimed: what came before it was garbage. */
static void claim(struct tinybms_transaction *x, size_t length) {
    discard(x, x->unclaimed > length ? x->unclaimed - (uint32_t)length : 0);
    x->unclaimed = 0;
}

/* True where the last n bytes of the window lie inside what may yet become a good reply. */
static bool inside_reply(const struct tinybms_transaction *x, size_t n) {
    for (size_t behind = n + 1; behind <= x->held && behind < x->reply_max; behind++) {
        if (tinybms_reply_begins(&x->request, x->window + x->held - behind, behind)) {
            return true;
        }
    }
    return false;
}

size_t tinybms_transaction_missing(const struct tinybms_transaction *x) {
    const bool expecting =
        x->asked && x->state != TINYBMS_TRANSACTION_IDLE && x->state != TINYBMS_TRANSACTION_DONE;
    if (!expecting || x->bad_crc || x->nack_held) { /* in these, silence decides */
        return 1;
    }
    size_t n = x->held < x->reply_max ? x->held : x->reply_max;
    for (; n > 0; n--) { /* the one that began first */
        if (tinybms_reply_begins(&x->request, x->window + x->held - n, n)) {
            return n < x->reply_min ? x->reply_min - n : 1;
        }
    }
    return 1;
}

static void look_for_nack(struct tinybms_transaction *x, uint64_t now_ms) {
    if (x->held < TINYBMS_NACK_BYTES) {
        return;
    }
    const uint8_t *p = x->window + x->held - TINYBMS_NACK_BYTES;
    switch (tinybms_match(&x->request, p, TINYBMS_NACK_BYTES)) {
    case TINYBMS_MATCH_NACK:
        (void)tinybms_parse_nack(&x->request, p, TINYBMS_NACK_BYTES, &x->nack);
        if (inside_reply(x, TINYBMS_NACK_BYTES)) {
            x->nack_held = true;
        } else {
            claim(x, TINYBMS_NACK_BYTES);
            refused(x, x->nack, now_ms);
        }
        return;
    case TINYBMS_MATCH_BAD_CRC:
        x->bad_crc = true;
        return;
    case TINYBMS_MATCH_NONE:
    case TINYBMS_MATCH_REPLY: /* found by the search for good replies */
        return;
    }
}

/* Whether a good reply ends with the last byte: the longest first, as it holds the shorter. */
static bool look_for_reply(struct tinybms_transaction *x, uint64_t now_ms) {
    size_t longest = x->reply_max < x->held ? x->reply_max : x->held;
    for (size_t n = longest; n >= x->reply_min && n > 0; n--) {
        const uint8_t *p = x->window + x->held - n;
        switch (tinybms_match(&x->request, p, n)) {
        case TINYBMS_MATCH_REPLY:
            claim(x, n);
            note_latency(x, now_ms);
            x->attempt = 0;
            x->reply_length = (uint16_t)n;
            done(x, TINYBMS_OUTCOME_REPLY);
            return true;
        case TINYBMS_MATCH_BAD_CRC:
            x->bad_crc = true;
            break;
        case TINYBMS_MATCH_NONE:
        case TINYBMS_MATCH_NACK: /* look_for_nack() decides whether it may be data */
            break;
        }
    }
    return false;
}

static void push(struct tinybms_transaction *x, uint8_t byte) {
    if (x->held == sizeof x->window) {
        size_t keep = TINYBMS_REPLY_MAX - 1; /* with the new byte, all that a reply can need */
        memmove(x->window, x->window + x->held - keep, keep);
        x->held = (uint16_t)keep;
    }
    x->window[x->held++] = byte;
    x->unclaimed++;
    x->counters.rx_bytes++;
}

size_t tinybms_transaction_handle_rx(struct tinybms_transaction *x, const uint8_t *bytes, size_t n,
                                     uint64_t now_ms) {
    for (size_t i = 0; i < n; i++) {
        if (x->state == TINYBMS_TRANSACTION_DONE) {
            return i;
        }
        push(x, bytes[i]);
        x->last_rx_ms = now_ms;
        bool expecting = x->asked && x->state != TINYBMS_TRANSACTION_IDLE;
        if (expecting && !look_for_reply(x, now_ms)) {
            look_for_nack(x, now_ms);
        }
    }
    return n;
}

/* When the first attempt may start: not before its time, and not while stray bytes arrive. */
static uint64_t quiet_ms(const struct tinybms_transaction *x) {
    if (x->unclaimed == 0) {
        return x->start_ms;
    }
    uint64_t quiet = later(x->start_ms, x->last_rx_ms + x->timing.retry_delay_ms);
    return sooner(quiet, x->start_ms + TINYBMS_DRAIN_MAX_MS);
}

static uint64_t allowed_ms(const struct tinybms_transaction *x) {
    return tinybms_wire_ms(&x->request, x->timing.baudrate) + x->timing.timeout_ms;
}

/* When the attempt is over unless more bytes come. */
static uint64_t give_up_ms(const struct tinybms_transaction *x) {
    if (!x->bad_crc && !x->nack_held) {
        return x->deadline_ms;
    }
    return sooner(x->deadline_ms, x->last_rx_ms + later(x->timing.retry_delay_ms, SETTLE_MS));
}

uint64_t tinybms_transaction_step(struct tinybms_transaction *x, uint64_t now_ms) {
    switch (x->state) {
    case TINYBMS_TRANSACTION_IDLE:
    case TINYBMS_TRANSACTION_DONE:
        return UINT64_MAX;
    case TINYBMS_TRANSACTION_DELAYED:
        if (now_ms < quiet_ms(x)) {
            return quiet_ms(x);
        }
        if (!x->asked) {
            flush(x);
        }
        x->state = TINYBMS_TRANSACTION_SENDING;
        x->sent = 0;
        x->deadline_ms = now_ms + allowed_ms(x);
        return x->deadline_ms;
    case TINYBMS_TRANSACTION_SENDING:
    case TINYBMS_TRANSACTION_WAITING:
        if (now_ms < give_up_ms(x)) {
            return give_up_ms(x);
        }
        attempt_failed(x, now_ms);
        return x->state == TINYBMS_TRANSACTION_DELAYED ? quiet_ms(x) : UINT64_MAX;
    }
    return UINT64_MAX;
}

size_t tinybms_transaction_tx(struct tinybms_transaction *x, uint8_t *buf, size_t cap,
                              uint64_t now_ms) {
    if (x->state != TINYBMS_TRANSACTION_SENDING || cap == 0) {
        return 0;
    }
    size_t left = (size_t)(x->request.length - x->sent);
    size_t n = left < cap ? left : cap;
    memcpy(buf, x->request.bytes + x->sent, n);
    if (x->sent == 0) {
        x->sent_ms = now_ms;
        x->deadline_ms = now_ms + allowed_ms(x);
    }
    x->sent = (uint16_t)(x->sent + n);
    x->counters.tx_bytes += n;
    if (x->sent == x->request.length) {
        x->state = TINYBMS_TRANSACTION_WAITING;
        x->asked = true;
    }
    return n;
}

const uint8_t *tinybms_transaction_reply(const struct tinybms_transaction *x, size_t *n) {
    *n = x->reply_length;
    return x->window + x->held - x->reply_length;
}

void tinybms_transaction_release(struct tinybms_transaction *x) {
    assert(x->state == TINYBMS_TRANSACTION_DONE);
    x->state = TINYBMS_TRANSACTION_IDLE;
}

/* p99 by nearest rank, ceil(0.99 n): the greatest of up to 99 values, the second greatest of 100 to
 * 128. */
void tinybms_transaction_counters(const struct tinybms_transaction *x,
                                  struct tinybms_counters *out) {
    *out = x->counters;
    uint32_t n = x->latencies < TINYBMS_LATENCIES ? x->latencies : TINYBMS_LATENCIES;
    if (n == 0) {
        return;
    }
    uint32_t sum = 0, first = 0, second = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t ms = x->latency_ms[i];
        sum += ms;
        if (ms >= first) {
            second = first;
            first = ms;
        } else if (ms > second) {
            second = ms;
        }
    }
    out->latency_last_ms = x->latency_ms[(x->latencies - 1) % TINYBMS_LATENCIES];
    out->latency_mean_ms = (sum + n / 2) / n;
    out->latency_p99_ms = n < 100 ? first : second;
}
