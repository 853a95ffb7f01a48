/* SPDX-License-Identifier: MIT */
/* Replies of the BMS: one frame matched and parsed, and a stream of bytes to a pending request.
 *
 * Second opinion: the tables of the protocol document, written down here once more, with the CRC
 * bit by bit. Input: command, address, count, flags, chunks; then the reply's bytes, whose header
 * and CRC are set right where a flag asks for it. */
#include "tinybms/frame.h"

#include <math.h>
#include <string.h>

#include "fuzz.h"
#include "tinybms/transaction.h"

enum {
    FIX_CRC = 1,    /* flags */
    FIX_INNER = 2,  /* the CRC of a frame of the right length at the end of the stream */
    FIX_HEADER = 4, /* of a frame that counts its bytes */
    BYTES_MAX = 330,
    STREAM_SLOW_MAX = 48, /* of commands whose reply has no known length */
    NOW_MS = 1000,
};

static unsigned le16(const uint8_t *p) {
    return p[0] | (unsigned)p[1] << 8;
}

static uint32_t le32(const uint8_t *p) {
    return le16(p) | (uint32_t)le16(p + 2) << 16;
}

static bool crc_holds(const uint8_t *p, size_t n) {
    return fuzz_crc(p, n - 2) == le16(p + n - 2);
}

/* Payload bytes behind the header where the document gives one number; -1: it does not. */
static int fixed_payload(const struct tinybms_request *rq) {
    switch (rq->command) {
    case 0x14:
    case 0x15:
    case 0x19:
    case 0x1A:
        return 4;
    case 0x16:
    case 0x17:
    case 0x18:
        return 2;
    case 0x20:
        return 12;
    default:
        return -1;
    }
}

/* Several packets of 0x07: AA 07 (0x80 | number) payload crc, the last one AA 07 length payload
 * crc. A packet ends at the first even length where its CRC holds and another one begins. */
static bool packets_hold(const struct tinybms_request *rq, const uint8_t *p, size_t n) {
    size_t left = 2u * rq->count;
    int number = -1;
    while (n >= 5 && p[0] == 0xAA && p[1] == 0x07) {
        if (p[2] < 0x80) {
            return p[2] == left && n == 5 + left && crc_holds(p, n);
        }
        const int this_number = p[2] - 0x80;
        if (number == -1 ? this_number > 1 : this_number != number + 1) {
            return false;
        }
        number = this_number;
        size_t payload = 2;
        for (; payload + 2 <= left && payload + 5 < n; payload += 2) {
            const uint8_t *next = p + 5 + payload;
            if (crc_holds(p, payload + 5) && next[0] == 0xAA &&
                (payload + 6 == n || next[1] == 0x07)) {
                break;
            }
        }
        if (payload + 2 > left || payload + 5 >= n) {
            return false;
        }
        left -= payload;
        p += payload + 5;
        n -= payload + 5;
    }
    return false;
}

/* The right header and length for a good reply. */
static bool shape_holds(const struct tinybms_request *rq, const uint8_t *p, size_t n) {
    const bool counted = p[1] == rq->command && n == 5u + p[2];
    switch (rq->command) {
    case 0x02:
    case 0x0B:
    case 0x0D:
        return n == 5 && p[1] == 0x01 && p[2] == rq->command;
    case 0x03:
    case 0x07:
    case 0x1D:
        return counted && p[2] == 2 * rq->count;
    case 0x09:
        return counted && p[2] == 4 * rq->count;
    case 0x10:
        return n == 8 && p[1] == 0x10 && p[2] == rq->addr >> 8 && p[3] == (rq->addr & 0xFF) &&
               p[4] == 0 && p[5] == rq->count;
    case 0x11:
    case 0x12:
        return counted && p[2] >= 4 && p[2] % 4 == 0;
    case 0x1B:
        return counted && p[2] == 6;
    case 0x1C:
        return counted && p[2] >= 2 && p[2] <= 32 && p[2] % 2 == 0;
    case 0x1E:
        return counted && p[2] == 5;
    case 0x1F:
        return counted && p[2] == 7;
    default:
        return p[1] == rq->command && (int)n == 4 + fixed_payload(rq);
    }
}

static enum tinybms_match second_opinion(const struct tinybms_request *rq, const uint8_t *p,
                                         size_t n) {
    if (n < 5 || p[0] != 0xAA) {
        return TINYBMS_MATCH_NONE;
    }
    if (n == 6 && p[1] == 0x00 && p[2] == rq->command) {
        return crc_holds(p, n) ? TINYBMS_MATCH_NACK : TINYBMS_MATCH_BAD_CRC;
    }
    if (rq->command == 0x07 && p[2] >= 0x80) {
        return packets_hold(rq, p, n) ? TINYBMS_MATCH_REPLY : TINYBMS_MATCH_NONE;
    }
    if (!shape_holds(rq, p, n)) {
        return TINYBMS_MATCH_NONE;
    }
    if (!crc_holds(p, n)) {
        return TINYBMS_MATCH_BAD_CRC;
    }
    for (size_t i = 0; rq->command == 0x09 && i < rq->count; i++) {
        if (le16(p + 3 + 4 * i) != le16(rq->bytes + 3 + 2 * i)) {
            return TINYBMS_MATCH_NONE;
        }
    }
    return TINYBMS_MATCH_REPLY;
}

/* ---- requests ---- */

static int build(struct tinybms_request *rq, uint8_t command, uint16_t addr, uint16_t count) {
    uint16_t words[TINYBMS_READ_MAX], addrs[TINYBMS_READ_MAX];
    for (uint16_t i = 0; i < TINYBMS_READ_MAX; i++) {
        words[i] = (uint16_t)(addr + 257 * i);
        addrs[i] = (uint16_t)(300 + (addr + i) % 100);
    }
    switch (command) {
    case 0x02:
        return tinybms_build_reset(rq, (uint8_t)count);
    case 0x03:
        return tinybms_build_read(rq, addr, count);
    case 0x07:
        return tinybms_build_read_block(rq, addr, count);
    case 0x09:
        return tinybms_build_read_each(rq, words, count);
    case 0x0B:
        return tinybms_build_write_block(rq, addr, words, count);
    case 0x0D:
        return tinybms_build_write_each(rq, addrs, words, count);
    case 0x10:
        return tinybms_build_write(rq, addr, words, count);
    case 0x1D:
        return tinybms_build_settings_limits(rq, (uint8_t)addr, count);
    default:
        return tinybms_build_plain(rq, command);
    }
}

static void check_request(const struct tinybms_request *rq, uint16_t addr, uint16_t count) {
    must(rq->length >= 4 && rq->length <= TINYBMS_REQUEST_MAX, "a request has a legal length");
    must(rq->bytes[0] == 0xAA && rq->bytes[1] == rq->command, "a request begins as it should");
    must(crc_holds(rq->bytes, rq->length), "a request has a good CRC");
    if (rq->command == 0x10 || rq->command == 0x0B) {
        must(addr >= 300 && addr + count <= 400, "only registers 300 to 399 are written");
    }
}

/* ---- values ---- */

static void check_milli(uint32_t bits) {
    float f;
    int32_t milli = 12345;
    memcpy(&f, &bits, sizeof f);
    const double exact = round((double)f * 1000.0); /* 24 bits times 1000: exact in a double */
    const bool fits = isfinite(f) && fabs(exact) <= 2147483647.0;
    must(tinybms_f32_milli(bits, &milli) == fits, "a float is a number where it is one");
    must(milli == (fits ? (int32_t)exact : 12345), "a float in thousandths is rounded once");
}

static void check_words(const struct tinybms_request *rq, const uint8_t *p, size_t n, bool good) {
    uint16_t words[TINYBMS_READ_MAX];
    const bool has_words = rq->command == 0x03 || rq->command == 0x07 || rq->command == 0x09 ||
                           rq->command == 0x1C || rq->command == 0x1D;
    const int count = tinybms_parse_words(rq, p, n, words, TINYBMS_READ_MAX);
    if (!good || !has_words) {
        must(count == GW_ERR_SYNTAX, "no words in what is no reply with words");
        return;
    }
    must(count == (rq->command == 0x1C ? p[2] / 2 : rq->count), "as many words as asked for");
    must(tinybms_parse_words(rq, p, n, words, (size_t)count - 1) == GW_ERR_SPACE,
         "room is checked");
    if (rq->command == 0x07 && p[2] >= 0x80) {
        return;
    }
    for (int i = 0; i < count; i++) {
        const uint8_t *at = p + 3 + (rq->command == 0x09 ? 4 * i + 2 : 2 * i);
        must(words[i] == (rq->command == 0x03 ? at[0] * 256u + at[1] : le16(at)),
             "a word is as it came");
    }
}

static void check_events(const struct tinybms_request *rq, const uint8_t *p, size_t n, bool good) {
    struct battery_event event[64];
    uint32_t clock_s = 0;
    const int count = tinybms_parse_events(rq, p, n, &clock_s, event, 64);
    if (!good || (rq->command != 0x11 && rq->command != 0x12)) {
        must(count == GW_ERR_SYNTAX, "no events in what is no reply with events");
        return;
    }
    must(count == p[2] / 4 - 1 && clock_s == le32(p + 3), "the clock, and an event for 4 bytes");
    for (int i = 0; i < count; i++) {
        const uint8_t *at = p + 7 + 4 * i;
        must(event[i].at_s == (le32(at) & 0xFFFFFF) && event[i].id == at[3], "an event as it came");
    }
}

static void check_rest(const struct tinybms_request *rq, const uint8_t *p, size_t n, bool good) {
    int32_t milli;
    uint32_t number, distance, time;
    int16_t dc[3];
    struct tinybms_version v;
    const uint8_t c = rq->command;
    int err = tinybms_parse_milli(rq, p, n, &milli);
    must((err != GW_ERR_SYNTAX) == (good && (c == 0x14 || c == 0x15)), "a float where one came");
    err = tinybms_parse_number(rq, p, n, &number);
    must((err == GW_OK) == (good && c >= 0x16 && c <= 0x1A), "a number where one came");
    must(err != GW_OK || number == (c < 0x19 ? le16(p + 2) : le32(p + 2)), "a number as it came");
    err = tinybms_parse_temperatures(rq, p, n, dc);
    must((err == GW_OK) == (good && c == 0x1B), "temperatures where they came");
    must(err != GW_OK || (uint16_t)dc[2] == le16(p + 7), "a temperature as it came");
    err = tinybms_parse_version(rq, p, n, &v);
    must((err == GW_OK) == (good && (c == 0x1E || c == 0x1F)), "a version where one came");
    must(err != GW_OK || v.firmware_internal == le16(p + 6), "a version as it came");
    err = tinybms_parse_speed(rq, p, n, &milli, &distance, &time);
    must((err != GW_ERR_SYNTAX) == (good && c == 0x20), "a speed where one came");
    must(err != GW_OK || time == le32(p + 10), "a time left as it came");
}

static void check_one_frame(const struct tinybms_request *rq, const uint8_t *p, size_t n) {
    const enum tinybms_match match = tinybms_match(rq, p, n);
    const bool good = match == TINYBMS_MATCH_REPLY;
    uint8_t code = 0;
    size_t min, max;
    must(match == second_opinion(rq, p, n), "a frame is what the document says it is");
    must((tinybms_parse_nack(rq, p, n, &code) == GW_OK) == (match == TINYBMS_MATCH_NACK),
         "a refusal is one");
    tinybms_reply_length(rq, &min, &max);
    must(min >= 5 && min <= max && max <= TINYBMS_REPLY_MAX, "lengths are bounded");
    must(!good || (n >= min && n <= max), "a reply has a length that was announced");
    for (size_t i = 1; good && i < n; i++) {
        must(tinybms_reply_begins(rq, p, i), "each beginning of a reply may become one");
    }
    check_words(rq, p, n, good);
    check_events(rq, p, n, good);
    check_rest(rq, p, n, good);
}

/* ---- a stream to a pending request ---- */

static void begin(struct tinybms_transaction *x, const struct tinybms_request *rq) {
    const struct tinybms_timing timing = {.baudrate = 115200, .timeout_ms = 100};
    uint8_t sent[TINYBMS_REQUEST_MAX];
    tinybms_transaction_init(x, &timing);
    tinybms_transaction_begin(x, rq, 0, NOW_MS);
    (void)tinybms_transaction_step(x, NOW_MS);
    must(tinybms_transaction_tx(x, sent, sizeof sent, NOW_MS) == rq->length,
         "a request is sent whole");
}

static void check_stream(const struct tinybms_request *rq, const uint8_t *p, size_t n,
                         size_t chunk) {
    static struct tinybms_transaction whole, pieces;
    size_t min, max, length = 0, other_length = 0, at = 0;
    tinybms_reply_length(rq, &min, &max);
    begin(&whole, rq);
    begin(&pieces, rq);
    const size_t taken = tinybms_transaction_handle_rx(&whole, p, n, NOW_MS + 1);
    while (at < n && pieces.state != TINYBMS_TRANSACTION_DONE) {
        const size_t some = chunk < n - at ? chunk : n - at;
        at += tinybms_transaction_handle_rx(&pieces, p + at, some, NOW_MS + 1);
    }
    must(taken == at && whole.state == pieces.state && whole.bad_crc == pieces.bad_crc &&
             whole.nack_held == pieces.nack_held,
         "chunks do not matter");
    must(memcmp(&whole.counters, &pieces.counters, sizeof whole.counters) == 0,
         "chunks do not count");
    if (whole.state != TINYBMS_TRANSACTION_DONE) {
        must(taken == n, "bytes are taken until the end");
        must(min != max || n < max || second_opinion(rq, p + n - max, max) != TINYBMS_MATCH_REPLY,
             "nothing hides a good reply");
        return;
    }
    must(whole.outcome == pieces.outcome, "chunks do not change the outcome");
    if (whole.outcome == TINYBMS_OUTCOME_NACK) {
        must(taken >= 6 && second_opinion(rq, p + taken - 6, 6) == TINYBMS_MATCH_NACK,
             "a refusal came");
        return;
    }
    const uint8_t *reply = tinybms_transaction_reply(&whole, &length);
    must(whole.outcome == TINYBMS_OUTCOME_REPLY, "bytes end in no time-out");
    must(length <= taken && memcmp(reply, p + taken - length, length) == 0,
         "the reply is what came last");
    must(second_opinion(rq, reply, length) == TINYBMS_MATCH_REPLY, "the reply is a good one");
    must(memcmp(reply, tinybms_transaction_reply(&pieces, &other_length), length) == 0 &&
             length == other_length,
         "chunks do not change the reply");
}

static void fix_crc(uint8_t *p, size_t n) {
    if (n >= 4) {
        const uint16_t crc = fuzz_crc(p, n - 2);
        p[n - 2] = (uint8_t)crc;
        p[n - 1] = (uint8_t)(crc >> 8);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t commands[] = {0x02, 0x03, 0x03, 0x07, 0x09, 0x0B, 0x0D, 0x10,
                                       0x11, 0x12, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19,
                                       0x1A, 0x1B, 0x1C, 0x1D, 0x1E, 0x1F, 0x20, 0x21};
    struct feed feed = {data, size};
    struct tinybms_request rq;
    uint8_t bytes[BYTES_MAX];
    size_t n, min, max;
    const uint8_t command = commands[feed_u8(&feed) % sizeof commands];
    const uint16_t addr = feed_u16(&feed);
    const uint16_t count = feed_u8(&feed);
    const uint8_t flags = feed_u8(&feed);
    const size_t chunk = 1 + feed_u8(&feed) % 32u;
    memset(&rq, 0, sizeof rq);
    if (build(&rq, command, addr, count) != GW_OK) {
        must(rq.length == 0, "a request that is refused is not begun");
        return 0;
    }
    check_request(&rq, addr, count);
    const uint8_t *rest = feed_bytes(&feed, BYTES_MAX, &n);
    memcpy(bytes, rest, n);
    if (n >= 4) {
        check_milli(le32(bytes));
    }
    if ((flags & FIX_HEADER) != 0 && n >= 5) {
        bytes[0] = 0xAA;
        bytes[1] = command;
        bytes[2] = (uint8_t)(n - 5);
    }
    if ((flags & FIX_CRC) != 0) {
        fix_crc(bytes, n);
    }
    check_one_frame(&rq, bytes, n);
    tinybms_reply_length(&rq, &min, &max);
    if (min != max && n > STREAM_SLOW_MAX) {
        n = STREAM_SLOW_MAX;
    }
    if ((flags & FIX_INNER) != 0 && n >= min) {
        fix_crc(bytes + n - min, min);
    }
    check_stream(&rq, bytes, n, chunk);
    return 0;
}
