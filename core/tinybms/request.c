/* SPDX-License-Identifier: MIT */
/* The requests of the protocol, as bytes; what their replies look like is in frame.c. */
#include "tinybms/frame.h"

#include "tinybms/crc.h"

enum { HEAD = 0xAA };

/*@ requires \valid(rq);
    assigns rq->command, rq->addr, rq->count, rq->length, rq->bytes[0 .. 1];
    ensures rq->command == command && rq->addr == addr && rq->count == count && rq->length == 2; */
static void start(struct tinybms_request *rq, uint8_t command, uint16_t addr, uint16_t count) {
    rq->command = command;
    rq->addr = addr;
    rq->count = count;
    rq->bytes[0] = HEAD;
    rq->bytes[1] = command;
    rq->length = 2;
}

/*@ requires \valid(rq) && rq->length < TINYBMS_REQUEST_MAX;
    assigns rq->length, rq->bytes[rq->length];
    ensures rq->length == \old(rq->length) + 1; */
static void put(struct tinybms_request *rq, uint16_t byte) {
    rq->bytes[rq->length++] = (uint8_t)(byte & 0xFF);
}

/*@ requires \valid(rq) && rq->length + 2 <= TINYBMS_REQUEST_MAX;
    assigns rq->length, rq->bytes[rq->length .. rq->length + 1];
    ensures rq->length == \old(rq->length) + 2; */
static void put_be(struct tinybms_request *rq, uint16_t v) {
    put(rq, v >> 8);
    put(rq, v);
}

/*@ requires \valid(rq) && rq->length + 2 <= TINYBMS_REQUEST_MAX;
    assigns rq->length, rq->bytes[rq->length .. rq->length + 1];
    ensures rq->length == \old(rq->length) + 2; */
static void put_le(struct tinybms_request *rq, uint16_t v) {
    put(rq, v);
    put(rq, v >> 8);
}

/*@ requires \valid(rq) && rq->length + 2 <= TINYBMS_REQUEST_MAX;
    assigns rq->length, rq->bytes[rq->length .. rq->length + 1];
    ensures rq->length == \old(rq->length) + 2;
    ensures \result == GW_OK; */
static int finish(struct tinybms_request *rq) {
    put_le(rq, tinybms_crc(rq->bytes, rq->length));
    return GW_OK;
}

/*@ assigns \nothing;
    ensures \result ==> 1 <= n <= max; */
static bool in_map(uint16_t addr, uint16_t n, uint16_t max) {
    return n >= 1 && n <= max && addr <= 0xFFFF - (n - 1);
}

/*@ assigns \nothing;
    ensures \result ==> 1 <= n <= max; */
static bool writable(uint16_t addr, uint16_t n, uint16_t max) {
    return n >= 1 && n <= max && addr >= TINYBMS_WRITABLE_FIRST &&
           addr + n - 1 <= TINYBMS_WRITABLE_LAST;
}

int tinybms_build_read(struct tinybms_request *rq, uint16_t addr, uint16_t n) {
    if (!in_map(addr, n, TINYBMS_READ_MAX)) {
        return GW_ERR_RANGE;
    }
    start(rq, TINYBMS_READ, addr, n);
    put_be(rq, addr);
    put_be(rq, n);
    return finish(rq);
}

int tinybms_build_write(struct tinybms_request *rq, uint16_t addr, const uint16_t *words,
                        uint16_t n) {
    if (!writable(addr, n, TINYBMS_WRITE_MAX)) {
        return GW_ERR_RANGE;
    }
    start(rq, TINYBMS_WRITE, addr, n);
    put_be(rq, addr);
    put_be(rq, n);
    put(rq, (uint16_t)(2u * n));
    /*@ loop invariant i <= n && rq->length == 7 + 2 * i;
        loop invariant rq->command == \at(rq->command, LoopEntry) && rq->count == n;
        loop assigns i, rq->length, rq->bytes[7 .. TINYBMS_REQUEST_MAX - 1];
        loop variant n - i; */
    for (uint16_t i = 0; i < n; i++) {
        put_be(rq, words[i]);
    }
    return finish(rq);
}

int tinybms_build_read_block(struct tinybms_request *rq, uint16_t addr, uint16_t n) {
    if (!in_map(addr, n, TINYBMS_READ_MAX)) {
        return GW_ERR_RANGE;
    }
    start(rq, TINYBMS_READ_BLOCK, addr, n);
    put(rq, n);
    put_le(rq, addr);
    return finish(rq);
}

int tinybms_build_read_each(struct tinybms_request *rq, const uint16_t *addrs, uint16_t n) {
    if (n < 1 || n > TINYBMS_READ_EACH_MAX) {
        return GW_ERR_RANGE;
    }
    start(rq, TINYBMS_READ_EACH, addrs[0], n);
    put(rq, (uint16_t)(2u * n));
    /*@ loop invariant i <= n && rq->length == 3 + 2 * i;
        loop invariant rq->command == \at(rq->command, LoopEntry) && rq->count == n;
        loop assigns i, rq->length, rq->bytes[3 .. TINYBMS_REQUEST_MAX - 1];
        loop variant n - i; */
    for (uint16_t i = 0; i < n; i++) {
        put_le(rq, addrs[i]);
    }
    return finish(rq);
}

int tinybms_build_write_block(struct tinybms_request *rq, uint16_t addr, const uint16_t *words,
                              uint16_t n) {
    if (!writable(addr, n, TINYBMS_WRITE_MAX)) {
        return GW_ERR_RANGE;
    }
    start(rq, TINYBMS_WRITE_BLOCK, addr, n);
    put(rq, (uint16_t)(2u + 2u * n));
    put_le(rq, addr);
    /*@ loop invariant i <= n && rq->length == 5 + 2 * i;
        loop invariant rq->command == \at(rq->command, LoopEntry) && rq->count == n;
        loop assigns i, rq->length, rq->bytes[5 .. TINYBMS_REQUEST_MAX - 1];
        loop variant n - i; */
    for (uint16_t i = 0; i < n; i++) {
        put_le(rq, words[i]);
    }
    return finish(rq);
}

int tinybms_build_write_each(struct tinybms_request *rq, const uint16_t *addrs,
                             const uint16_t *words, uint16_t n) {
    if (n < 1 || n > TINYBMS_WRITE_EACH_MAX) {
        return GW_ERR_RANGE;
    }
    /*@ loop invariant i <= n;
        loop assigns i;
        loop variant n - i; */
    for (uint16_t i = 0; i < n; i++) {
        if (!writable(addrs[i], 1, 1)) {
            return GW_ERR_RANGE;
        }
    }
    start(rq, TINYBMS_WRITE_EACH, addrs[0], n);
    put(rq, (uint16_t)(4u * n));
    /*@ loop invariant i <= n && rq->length == 3 + 4 * i;
        loop invariant rq->command == \at(rq->command, LoopEntry) && rq->count == n;
        loop assigns i, rq->length, rq->bytes[3 .. TINYBMS_REQUEST_MAX - 1];
        loop variant n - i; */
    for (uint16_t i = 0; i < n; i++) {
        put_le(rq, addrs[i]);
        put_le(rq, words[i]);
    }
    return finish(rq);
}

/* The option stands in addr too, so that an ACK still owed to another option is not mistaken. */
int tinybms_build_reset(struct tinybms_request *rq, uint8_t option) {
    if (option != TINYBMS_CLEAR_EVENTS && option != TINYBMS_CLEAR_STATISTICS &&
        option != TINYBMS_RESTART) {
        return GW_ERR_RANGE;
    }
    start(rq, TINYBMS_RESET, option, 0);
    put(rq, option);
    return finish(rq);
}

int tinybms_build_settings_limits(struct tinybms_request *rq, uint8_t option, uint16_t n) {
    if (option < TINYBMS_LIMITS_MIN || option > TINYBMS_LIMITS_CURRENT || n < 1 || n > 100) {
        return GW_ERR_RANGE;
    }
    start(rq, TINYBMS_SETTINGS_LIMITS, option, n);
    put(rq, option);
    put_be(rq, n);
    return finish(rq);
}

int tinybms_build_plain(struct tinybms_request *rq, uint8_t command) {
    bool plain = command >= TINYBMS_EVENTS_NEWEST && command <= TINYBMS_SPEED && command != 0x13 &&
                 command != TINYBMS_SETTINGS_LIMITS;
    if (!plain) {
        return GW_ERR_UNKNOWN;
    }
    start(rq, command, 0, 0);
    return finish(rq);
}
