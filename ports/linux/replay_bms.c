/* SPDX-License-Identifier: MIT */
#include "replay_bms.h"

#include <string.h>

#include "tinybms/crc.h"
#include "tinybms/frame.h"

enum { TURNAROUND_MS = 2 /* of a real device, seen */ };

void replay_bms_init(struct replay_bms *b, const struct tinybms_image *image, uint32_t baudrate) {
    const struct tinybms_timing timing = {.baudrate = baudrate};
    memset(b, 0, sizeof *b);
    b->image = *image;
    b->answers = true;
    tinybms_transaction_init(&b->conversation, &timing);
}

/* The request again, when the bytes are a read (0x03). */
static bool parse_read(const uint8_t *bytes, size_t n, struct tinybms_request *rq) {
    return n >= 6 && bytes[1] == TINYBMS_READ &&
           tinybms_build_read(rq, (uint16_t)(bytes[2] << 8 | bytes[3]),
                              (uint16_t)(bytes[4] << 8 | bytes[5])) == GW_OK &&
           rq->length == n && memcmp(rq->bytes, bytes, n) == 0;
}

void replay_bms_note_request(struct replay_bms *b, const uint8_t *bytes, size_t n,
                             uint64_t now_ms) {
    struct tinybms_request rq;
    uint8_t sent[TINYBMS_REQUEST_MAX];
    if (b->asked) {
        b->answers = false;
    }
    tinybms_transaction_reset(&b->conversation);
    b->asked = parse_read(bytes, n, &rq);
    if (b->asked) {
        tinybms_transaction_begin(&b->conversation, &rq, 0, now_ms);
        (void)tinybms_transaction_step(&b->conversation, now_ms);
        (void)tinybms_transaction_tx(&b->conversation, sent, sizeof sent, now_ms);
    }
}

void replay_bms_note_reply(struct replay_bms *b, const uint8_t *bytes, size_t n, uint64_t now_ms) {
    struct tinybms_transaction *x = &b->conversation;
    if (!b->asked) {
        return;
    }
    (void)tinybms_transaction_handle_rx(x, bytes, n, now_ms);
    if (x->state != TINYBMS_TRANSACTION_DONE) {
        return;
    }
    b->asked = false;
    b->answers = true;
    if (x->outcome == TINYBMS_OUTCOME_REPLY) {
        uint16_t words[TINYBMS_READ_MAX];
        size_t length;
        const uint8_t *reply = tinybms_transaction_reply(x, &length);
        int count = tinybms_parse_words(&x->request, reply, length, words, TINYBMS_READ_MAX);
        if (count > 0) {
            tinybms_image_store(&b->image, x->request.addr, words, (size_t)count, now_ms);
        }
    }
    tinybms_transaction_release(x);
}

void replay_bms_ask(struct replay_bms *b, const uint8_t *bytes, size_t n, uint32_t baudrate,
                    uint64_t now_ms) {
    struct tinybms_request rq;
    b->reply_n = 0;
    if (!b->answers || !parse_read(bytes, n, &rq)) {
        return;
    }
    size_t length = 0;
    b->reply[length++] = 0xAA;
    b->reply[length++] = TINYBMS_READ;
    b->reply[length++] = (uint8_t)(2 * rq.count);
    for (uint16_t i = 0; i < rq.count; i++) {
        uint16_t word = 0;
        if (!tinybms_image_get(&b->image, (uint16_t)(rq.addr + i), &word)) {
            return;
        }
        b->reply[length++] = (uint8_t)(word >> 8);
        b->reply[length++] = (uint8_t)word;
    }
    const uint16_t crc = tinybms_crc(b->reply, length);
    b->reply[length++] = (uint8_t)crc;
    b->reply[length++] = (uint8_t)(crc >> 8);
    b->reply_n = length;
    b->reply_at_ms = now_ms + tinybms_wire_ms(&rq, baudrate) + TURNAROUND_MS;
}

uint64_t replay_bms_deadline_ms(const struct replay_bms *b) {
    return b->reply_n != 0 ? b->reply_at_ms : UINT64_MAX;
}

const uint8_t *replay_bms_reply(struct replay_bms *b, size_t *n) {
    *n = b->reply_n;
    b->reply_n = 0;
    return b->reply;
}
