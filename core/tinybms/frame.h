/* SPDX-License-Identifier: MIT */
/* Every request and every reply of the TinyBMS UART protocol, as bytes.
 *
 * A request is built once and then knows which replies are its own: tinybms_match() says whether a
 * run of bytes is exactly one good reply to it, a refusal of it, a reply spoilt on the way, or
 * nothing of its. The parsers check with tinybms_match() themselves, so any bytes may be given.
 *
 * What the table in frame.c says about lengths is what the receiver believes; the length byte of a
 * frame is only ever compared with it.
 *
 * Source of truth: the vendor's "Communication Protocols, Revision D". */
#ifndef CORE_TINYBMS_FRAME_H
#define CORE_TINYBMS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "battery/battery.h"
#include "gw_err.h"

enum tinybms_command {
    TINYBMS_RESET = 0x02,
    TINYBMS_READ = 0x03,
    TINYBMS_READ_BLOCK = 0x07,
    TINYBMS_READ_EACH = 0x09,
    TINYBMS_WRITE_BLOCK = 0x0B,
    TINYBMS_WRITE_EACH = 0x0D,
    TINYBMS_WRITE = 0x10,
    TINYBMS_EVENTS_NEWEST = 0x11,
    TINYBMS_EVENTS_ALL = 0x12,
    TINYBMS_PACK_VOLTAGE = 0x14,
    TINYBMS_PACK_CURRENT = 0x15,
    TINYBMS_MAX_CELL = 0x16,
    TINYBMS_MIN_CELL = 0x17,
    TINYBMS_ONLINE_STATUS = 0x18,
    TINYBMS_LIFETIME = 0x19,
    TINYBMS_STATE_OF_CHARGE = 0x1A,
    TINYBMS_TEMPERATURES = 0x1B,
    TINYBMS_CELLS = 0x1C,
    TINYBMS_SETTINGS_LIMITS = 0x1D,
    TINYBMS_VERSION = 0x1E,
    TINYBMS_EXTENDED_VERSION = 0x1F,
    TINYBMS_SPEED = 0x20,
};

enum { TINYBMS_NACK_COMMAND = 0, TINYBMS_NACK_CRC = 1 };

enum tinybms_reset_option {
    TINYBMS_CLEAR_EVENTS = 1,
    TINYBMS_CLEAR_STATISTICS = 2,
    TINYBMS_RESTART = 5,
};

enum tinybms_limits_option {
    TINYBMS_LIMITS_MIN = 1,
    TINYBMS_LIMITS_MAX = 2,
    TINYBMS_LIMITS_DEFAULT = 3,
    TINYBMS_LIMITS_CURRENT = 4,
};

enum {
    TINYBMS_READ_MAX = 127,     /* registers of one 0x03 or 0x07 */
    TINYBMS_WRITE_MAX = 100,    /* registers of one 0x10, 0x0B */
    TINYBMS_READ_EACH_MAX = 63, /* the reply's length byte counts 4 bytes each */
    TINYBMS_WRITE_EACH_MAX = 50,
    TINYBMS_WRITABLE_FIRST = 300, /* the protocol's own bound */
    TINYBMS_WRITABLE_LAST = 399,
    TINYBMS_REQUEST_MAX = 209, /* bytes: 0x10 with 100 registers */
    TINYBMS_REPLY_MAX = 320,   /* bytes: 0x07 with 127 registers in 13 packets; 0x03 needs 259 */
};

struct tinybms_request {
    uint8_t command; /* enum tinybms_command */
    uint16_t addr;   /* first register, where the command has one */
    uint16_t count;  /* registers, where the command has a number of them */
    uint16_t length; /* bytes on the wire */
    uint8_t bytes[TINYBMS_REQUEST_MAX];
};

/* What every builder below leaves behind, and every reader of replies relies on. */
/*@ predicate tinybms_request_built(struct tinybms_request *rq) =
        \valid_read(rq) && rq->count <= TINYBMS_READ_MAX &&
        (rq->command == TINYBMS_READ_EACH ==> rq->count <= TINYBMS_READ_EACH_MAX); */

/* Requests. Each returns 0, or GW_ERR_RANGE with *rq untouched. */

/* 0x03, the way to read: n 1-127 registers from addr, not past 65535. */
/*@ requires \valid(rq);
    assigns *rq;
    ensures \result == GW_OK ==> tinybms_request_built(rq); */
int tinybms_build_read(struct tinybms_request *rq, uint16_t addr, uint16_t n);
/* 0x10, the way to write: n 1-100 registers within 300-399. */
/*@ requires \valid(rq) && \valid_read(words + (0 .. n - 1));
    requires \separated(rq, words + (0 .. n - 1));
    assigns *rq;
    ensures \result == GW_OK ==> tinybms_request_built(rq); */
int tinybms_build_write(struct tinybms_request *rq, uint16_t addr, const uint16_t *words,
                        uint16_t n);
/* 0x07: n 1-127 registers; its reply may come in several packets. */
/*@ requires \valid(rq);
    assigns *rq;
    ensures \result == GW_OK ==> tinybms_request_built(rq); */
int tinybms_build_read_block(struct tinybms_request *rq, uint16_t addr, uint16_t n);
/* 0x09: n 1-63 single registers. */
/*@ requires \valid(rq) && \valid_read(addrs + (0 .. n - 1));
    requires \separated(rq, addrs + (0 .. n - 1));
    assigns *rq;
    ensures \result == GW_OK ==> tinybms_request_built(rq); */
int tinybms_build_read_each(struct tinybms_request *rq, const uint16_t *addrs, uint16_t n);
/* 0x0B, n 1-100, and 0x0D, n 1-50: the document shows no example of their length byte, which is
 * taken to count the bytes of addresses and data. Nothing here ever sends them: 0x10 does the same
 * and is shown. */
/*@ requires \valid(rq) && \valid_read(words + (0 .. n - 1));
    requires \separated(rq, words + (0 .. n - 1));
    assigns *rq;
    ensures \result == GW_OK ==> tinybms_request_built(rq); */
int tinybms_build_write_block(struct tinybms_request *rq, uint16_t addr, const uint16_t *words,
                              uint16_t n);
/*@ requires \valid(rq) && \valid_read(addrs + (0 .. n - 1)) &&
        \valid_read(words + (0 .. n - 1));
    requires \separated(rq, addrs + (0 .. n - 1)) &&
        \separated(rq, words + (0 .. n - 1));
    assigns *rq;
    ensures \result == GW_OK ==> tinybms_request_built(rq); */
int tinybms_build_write_each(struct tinybms_request *rq, const uint16_t *addrs,
                             const uint16_t *words, uint16_t n);
/* 0x02: option 1, 2 or 5. */
/*@ requires \valid(rq);
    assigns *rq;
    ensures \result == GW_OK ==> tinybms_request_built(rq); */
int tinybms_build_reset(struct tinybms_request *rq, uint8_t option);
/* 0x1D: option 1-4; n 1-100 registers from 300 on. */
/*@ requires \valid(rq);
    assigns *rq;
    ensures \result == GW_OK ==> tinybms_request_built(rq); */
int tinybms_build_settings_limits(struct tinybms_request *rq, uint8_t option, uint16_t n);
/* 0x11, 0x12, 0x14-0x1C, 0x1E-0x20, which carry nothing; GW_ERR_UNKNOWN for any other. */
/*@ requires \valid(rq);
    assigns *rq;
    ensures \result == GW_OK ==> tinybms_request_built(rq); */
int tinybms_build_plain(struct tinybms_request *rq, uint8_t command);

enum tinybms_match {
    TINYBMS_MATCH_NONE,    /* not a reply to this request, or not all of it */
    TINYBMS_MATCH_BAD_CRC, /* right header and length, wrong CRC */
    TINYBMS_MATCH_NACK,    /* the BMS refuses this command: tinybms_parse_nack() */
    TINYBMS_MATCH_REPLY,   /* good; an ACK where that is the reply */
};

/* Whether p[0, n) is, from the first to the last byte, one reply to rq. */
/*@ requires tinybms_request_built(rq);
    requires n <= TINYBMS_REPLY_MAX && \valid_read(p + (0 .. n - 1));
    assigns \nothing; */
enum tinybms_match tinybms_match(const struct tinybms_request *rq, const uint8_t *p, size_t n);

/* The bytes that a good reply to rq has at least and at most (<= TINYBMS_REPLY_MAX). */
/*@ requires tinybms_request_built(rq);
    requires \valid(min) && \valid(max) && \separated(min, max, rq);
    assigns *min, *max;
    ensures *min <= *max <= TINYBMS_REPLY_MAX; */
void tinybms_reply_length(const struct tinybms_request *rq, size_t *min, size_t *max);

/* True where p[0, n) may be the beginning of a good reply (not a NACK) of more than n bytes. */
/*@ requires tinybms_request_built(rq);
    requires \valid_read(p + (0 .. n - 1));
    assigns \nothing; */
bool tinybms_reply_begins(const struct tinybms_request *rq, const uint8_t *p, size_t n);

enum { TINYBMS_NACK_BYTES = 6 };

/* The code of a refusal; GW_ERR_SYNTAX where p[0, n) is none of rq. */
/*@ requires tinybms_request_built(rq);
    requires n <= TINYBMS_REPLY_MAX && \valid_read(p + (0 .. n - 1));
    requires \valid(code);
    assigns *code; */
int tinybms_parse_nack(const struct tinybms_request *rq, const uint8_t *p, size_t n, uint8_t *code);

/* The register values of a reply to 0x03, 0x07, 0x09, 0x1C (cells, 0.1 mV) or 0x1D. Returns how
 * many were written to out; GW_ERR_SYNTAX, or GW_ERR_SPACE where cap is too small. */
/*@ requires tinybms_request_built(rq);
    requires n <= TINYBMS_REPLY_MAX && \valid_read(p + (0 .. n - 1));
    requires \valid(out + (0 .. cap - 1));
    requires \separated(out + (0 .. cap - 1), p + (0 .. n - 1), rq);
    assigns out[0 .. cap - 1];
    ensures \result <= cap && \result <= TINYBMS_READ_MAX; */
int tinybms_parse_words(const struct tinybms_request *rq, const uint8_t *p, size_t n, uint16_t *out,
                        size_t cap);

/* 0x11, 0x12: the BMS's clock in s and the events in the order sent. Returns how many;
 * GW_ERR_SYNTAX, GW_ERR_SPACE. */
/*@ requires tinybms_request_built(rq);
    requires n <= TINYBMS_REPLY_MAX && \valid_read(p + (0 .. n - 1));
    requires \valid(bms_time_s) && \valid(out + (0 .. cap - 1));
    requires \separated(out + (0 .. cap - 1), bms_time_s, p + (0 .. n - 1), rq);
    assigns *bms_time_s, out[0 .. cap - 1];
    ensures \result <= cap; */
int tinybms_parse_events(const struct tinybms_request *rq, const uint8_t *p, size_t n,
                         uint32_t *bms_time_s, struct battery_event *out, size_t cap);

/* 0x14, 0x15: millivolts or milliamperes. GW_ERR_SYNTAX; GW_ERR_RANGE: not a number. */
/*@ requires tinybms_request_built(rq);
    requires n <= TINYBMS_REPLY_MAX && \valid_read(p + (0 .. n - 1));
    requires \valid(milli);
    assigns *milli; */
int tinybms_parse_milli(const struct tinybms_request *rq, const uint8_t *p, size_t n,
                        int32_t *milli);

/* 0x16, 0x17, 0x18 (16 bits), 0x19, 0x1A (32 bits). GW_ERR_SYNTAX. */
/*@ requires tinybms_request_built(rq);
    requires n <= TINYBMS_REPLY_MAX && \valid_read(p + (0 .. n - 1));
    requires \valid(out);
    assigns *out; */
int tinybms_parse_number(const struct tinybms_request *rq, const uint8_t *p, size_t n,
                         uint32_t *out);

/* 0x1B: internal, external 1, external 2, 0.1 degC as they came. GW_ERR_SYNTAX. */
/*@ requires tinybms_request_built(rq);
    requires n <= TINYBMS_REPLY_MAX && \valid_read(p + (0 .. n - 1));
    requires \valid(out_dc + (0 .. 2));
    requires \separated(out_dc + (0 .. 2), p + (0 .. n - 1), rq);
    assigns out_dc[0 .. 2]; */
int tinybms_parse_temperatures(const struct tinybms_request *rq, const uint8_t *p, size_t n,
                               int16_t out_dc[3]);

struct tinybms_version {
    uint8_t hardware, hardware_changes, firmware_public;
    uint16_t firmware_internal;
    bool extended; /* the rest came with 0x1F */
    uint8_t bootloader, register_map;
};

/* 0x1E, 0x1F. GW_ERR_SYNTAX. */
/*@ requires tinybms_request_built(rq);
    requires n <= TINYBMS_REPLY_MAX && \valid_read(p + (0 .. n - 1));
    requires \valid(out) && \separated(out, p + (0 .. n - 1), rq);
    assigns *out; */
int tinybms_parse_version(const struct tinybms_request *rq, const uint8_t *p, size_t n,
                          struct tinybms_version *out);

/* 0x20: speed in 0.001 km/h, distance left, time left in s. GW_ERR_SYNTAX; GW_ERR_RANGE: the speed
 * is not a number. */
/*@ requires tinybms_request_built(rq);
    requires n <= TINYBMS_REPLY_MAX && \valid_read(p + (0 .. n - 1));
    requires \valid(speed_milli) && \valid(distance_left) && \valid(time_left_s);
    requires \separated(speed_milli, distance_left, time_left_s, p + (0 .. n - 1), rq);
    assigns *speed_milli, *distance_left, *time_left_s; */
int tinybms_parse_speed(const struct tinybms_request *rq, const uint8_t *p, size_t n,
                        int32_t *speed_milli, uint32_t *distance_left, uint32_t *time_left_s);

/* An IEEE-754 single in thousandths, rounded half away from zero, by integer arithmetic. False
 * (*milli untouched): NaN, infinite, or beyond +-2147483.647. */
/*@ requires \valid(milli);
    assigns *milli;
    ensures !\result ==> *milli == \old(*milli);
    ensures \result ==> *milli > INT32_MIN; */
bool tinybms_f32_milli(uint32_t bits, int32_t *milli);

#endif
