/* SPDX-License-Identifier: MIT */
/* Bytes for the tests, made without the code under test: hexadecimal text, and a CRC that works bit
 * by bit as the definition of CRC-16/MODBUS says. */
#ifndef TESTS_TINYBMS_WIRE_H
#define TESTS_TINYBMS_WIRE_H

#include <stddef.h>
#include <stdint.h>

/* Reads "AA 03 ..." into out (large enough); returns how many bytes. */
size_t wire_hex(const char *text, uint8_t *out);

uint16_t wire_crc(const uint8_t *p, size_t n);

/* Appends the CRC to p[0, n), low byte first; returns n + 2. */
size_t wire_seal(uint8_t *p, size_t n);

/* A reply to 0x03 with the given words; returns its bytes. */
size_t wire_read_reply(uint8_t *out, const uint16_t *words, size_t n);

/* A small generator for repeatable noise: xorshift32, state never 0. */
uint32_t wire_random(uint32_t *state);

#endif
