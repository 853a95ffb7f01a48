/* SPDX-License-Identifier: MIT */
/* One request and its reply: sending, matching, time-out, retries, counters.
 *
 * The receiver has no state of alignment that could be wrong. It keeps the last bytes in a window
 * and, with each byte that arrives, asks whether a reply to the pending request ends just here.
 * So whatever came before (noise, a false 0xAA, an echo, half an older reply) cannot hide a good
 * reply, and the cost of a byte is bounded: a few offsets, and a CRC only where the header fits.
 *
 * A refusal (NACK) that lies inside what may yet become a good reply could be data; it is held
 * until the line falls silent or the time is over. An attempt ends early, too, when a reply came
 * with a wrong CRC and the line is silent: nothing more is to be expected.
 *
 * The time allowed is that of the bytes on the wire, request and longest reply, ten bits a byte,
 * rounded up, plus the margin of the configuration, from the first byte handed to the port.
 *
 * A reply to 0x03 does not tell its address. After a time-out the answer may still come; a
 * different read of the same number of registers therefore waits until it no longer can. */
#ifndef CORE_TINYBMS_TRANSACTION_H
#define CORE_TINYBMS_TRANSACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tinybms/frame.h"

struct tinybms_counters {
    uint32_t polls;      /* fast samples asked for (attempts not counted) */
    uint32_t successes;  /* fast samples answered and decoded */
    uint32_t timeouts;   /* attempts without a whole answer */
    uint32_t crc_errors; /* attempts whose answer looked right and failed the CRC */
    uint32_t nacks;
    uint32_t resyncs; /* times that bytes had to be thrown away to find a frame */
    uint32_t retries;
    uint64_t rx_bytes, tx_bytes, discarded_bytes;
    uint32_t nonsense_values; /* NaN, infinities, out of physical range: field not updated */
    uint32_t latency_last_ms, latency_mean_ms,
        latency_p99_ms; /* request's first byte out to reply's
                           last byte in, last 128 good ones */
};

enum {
    TINYBMS_LATENCIES = 128,
    TINYBMS_DRAIN_MAX_MS = 100, /* a chattering line delays an attempt by no more than this */
    TINYBMS_LATE_MS = 250,      /* how long after its time-out a reply may still come in */
    TINYBMS_OWED_MAX = 4,
};

enum tinybms_transaction_state {
    TINYBMS_TRANSACTION_IDLE,    /* no request */
    TINYBMS_TRANSACTION_DELAYED, /* before an attempt: a delay, or stray bytes */
    TINYBMS_TRANSACTION_SENDING, /* the port has not taken all bytes yet */
    TINYBMS_TRANSACTION_WAITING, /* for the reply */
    TINYBMS_TRANSACTION_DONE,    /* see outcome */
};

enum tinybms_outcome { TINYBMS_OUTCOME_REPLY, TINYBMS_OUTCOME_NACK, TINYBMS_OUTCOME_TIMEOUT };

struct tinybms_timing {
    uint32_t baudrate; /* > 0 */
    uint32_t timeout_ms;
    uint32_t retry_delay_ms;
};

/* A reply that may still come after its time-out. */
struct tinybms_owed {
    uint8_t command;
    uint16_t addr, count;
    uint64_t until_ms;
};

struct tinybms_transaction {
    struct tinybms_timing timing;
    enum tinybms_transaction_state state;
    enum tinybms_outcome outcome;
    struct tinybms_request request;
    size_t reply_min, reply_max; /* bytes of a good reply to it */
    uint16_t sent;               /* bytes taken by the port */
    uint32_t attempts_left;      /* after the one under way */
    uint32_t attempt;            /* unanswered ones since the last answer; varies the spacing */
    bool asked;                  /* an attempt was sent whole: a reply may come */
    uint64_t start_ms;           /* the attempt starts then, or up to TINYBMS_DRAIN_MAX_MS later */
    uint64_t sent_ms, deadline_ms;
    uint64_t last_rx_ms;
    bool bad_crc, nack_held;
    uint8_t nack;
    uint16_t reply_length; /* of the good reply at the end of window[] */
    uint16_t held;         /* bytes in window[] */
    uint32_t unclaimed;    /* bytes since the last good reply */
    uint8_t window[2 * TINYBMS_REPLY_MAX];
    struct tinybms_owed owed[TINYBMS_OWED_MAX];
    uint8_t owed_next;
    uint16_t latency_ms[TINYBMS_LATENCIES];
    uint32_t latencies; /* good replies; stays between 128 and 255 once there */
    struct tinybms_counters counters;
};

void tinybms_transaction_init(struct tinybms_transaction *x, const struct tinybms_timing *timing);

/* Forgets what is pending, what was half received and what is owed; counters stay. */
void tinybms_transaction_reset(struct tinybms_transaction *x);

/* When rq may be sent without taking the late reply to another request for its own: see above; 0 at
 * once. tinybms_transaction_begin() keeps to it. */
uint64_t tinybms_transaction_free_ms(const struct tinybms_transaction *x,
                                     const struct tinybms_request *rq);

/* Starts a request with `retries` attempts after the first, not before start_ms. Must be IDLE. */
void tinybms_transaction_begin(struct tinybms_transaction *x, const struct tinybms_request *rq,
                               uint32_t retries, uint64_t start_ms);

/* Takes bytes until the transaction is DONE; returns how many were taken. The rest belongs to
 * nobody: hand it in again once the outcome is dealt with. Without a request all is stray. */
size_t tinybms_transaction_handle_rx(struct tinybms_transaction *x, const uint8_t *bytes, size_t n,
                                     uint64_t now_ms);

/* Starts an attempt or gives one up when it is time. The next deadline, UINT64_MAX if none. */
uint64_t tinybms_transaction_step(struct tinybms_transaction *x, uint64_t now_ms);

size_t tinybms_transaction_tx(struct tinybms_transaction *x, uint8_t *buf, size_t cap,
                              uint64_t now_ms);

/* The good reply after TINYBMS_OUTCOME_REPLY; valid until the next byte comes in. */
const uint8_t *tinybms_transaction_reply(const struct tinybms_transaction *x, size_t *n);

/* How many bytes at least must still come in before anything can be made of them; 1 unless the
 * header of the pending reply has been seen to begin. A refusal in place of that reply is shorter:
 * who waits for all of these bytes sees it late, by no more than the reply's time on the wire. */
size_t tinybms_transaction_missing(const struct tinybms_transaction *x);

/* DONE becomes IDLE. */
void tinybms_transaction_release(struct tinybms_transaction *x);

/* The time that request and longest reply take on the wire, in ms, rounded up. */
uint64_t tinybms_wire_ms(const struct tinybms_request *rq, uint32_t baudrate);

/* The delay before the next attempt: retry_delay_ms and a little that varies. */
uint64_t tinybms_transaction_spacing_ms(const struct tinybms_transaction *x);

/* The counters with the latencies worked out. */
void tinybms_transaction_counters(const struct tinybms_transaction *x,
                                  struct tinybms_counters *out);

#endif
