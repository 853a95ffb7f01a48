/* SPDX-License-Identifier: MIT */
/* A BMS as small as the gateway tests need it: answers 0x03 and 0x10 at once from a register file,
 * with a CRC of its own (bit by bit, poly 0xA001 reflected, init 0xFFFF), written from the
 * protocol's frame table. */
#ifndef TESTS_UNIT_GATEWAY_SCRIPTED_BMS_H
#define TESTS_UNIT_GATEWAY_SCRIPTED_BMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scripted_bms {
    uint16_t reg[512];
    bool mute;
    unsigned reads, writes;
    uint8_t reply[300];
    size_t reply_len;
};

/* The 14-cell pack of sample.h: 3900 mV a cell in registers 2-15 (register 15 is cell 1), 54.6 V,
 * -10 A, 50 %, 20.0 degC, settings 300 = 4150 ... 320 = 1. */
void scripted_bms_init(struct scripted_bms *b);
void scripted_bms_set_f32(struct scripted_bms *b, unsigned reg, float value);
/* Takes one whole request; the answer, if any, is in reply[0..reply_len). */
void scripted_bms_request(struct scripted_bms *b, const uint8_t *bytes, size_t n);

#endif
