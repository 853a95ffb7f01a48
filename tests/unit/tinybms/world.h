/* SPDX-License-Identifier: MIT */
/* A TinyBMS of the test's own and the wire to it, in virtual time: one conversation under test, a
 * device that answers 0x03, 0x10 and 0x02 from an array of registers, and bytes that take their
 * time. What the device refuses, ignores or spoils is a function of the test. */
#ifndef TESTS_TINYBMS_WORLD_H
#define TESTS_TINYBMS_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tinybms/tinybms.h"

enum { WORLD_REGISTERS = 1024, WORLD_BYTES = 4096, WORLD_LOG = 8192 };

enum world_answer { WORLD_ANSWER, WORLD_REFUSE, WORLD_IGNORE };

struct world_request {
    uint64_t at_ms;
    uint8_t command;
    uint16_t addr, count;
};

struct world {
    struct tinybms t;
    uint64_t now_ms;
    uint16_t reg[WORLD_REGISTERS];
    uint32_t turnaround_ms; /* the device's own */
    uint64_t asleep_until_ms;
    enum world_answer (*judge)(struct world *w, const struct world_request *rq);
    size_t (*spoil)(struct world *w, uint8_t *reply, size_t n); /* may change and lengthen it */
    void (*written)(struct world *w, uint16_t addr);
    uint32_t random;
    struct {
        uint64_t at_ms;
        uint8_t byte;
    } queue[WORLD_BYTES]; /* from the device, in order */
    size_t first, last;
    struct world_request log[WORLD_LOG]; /* what the device was asked */
    size_t asked;
    struct tinybms_result result[64]; /* what came out, LINK and COMMAND only */
    size_t results;
    uint32_t samples, blocks[BATTERY_GROUP_COUNT];
    uint64_t first_block_ms[BATTERY_GROUP_COUNT];
    uint64_t sample_ms[256]; /* times of the first samples */
};

/* A pack of 14 cells at 3.97 V as a real one reads, with plausible settings; 115200 baud, 100 ms
 * margin, a sample every 100 ms, 3 retries after 20 ms. The port is up. */
void world_init(struct world *w);
void world_init_with(struct world *w, const struct tinybms_config *cfg);
struct tinybms_config world_config(void);

/* Lets time pass until until_ms. */
void world_run(struct world *w, uint64_t until_ms);

/* Bytes from nowhere, now. */
void world_noise(struct world *w, const uint8_t *bytes, size_t n);

/* How often the device was asked for exactly this. */
size_t world_count(const struct world *w, uint8_t command, uint16_t addr, uint16_t count);

/* The result of command id; NULL if it did not end. */
const struct tinybms_result *world_result(const struct world *w, uint32_t id);

#endif
