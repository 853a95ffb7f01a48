/* SPDX-License-Identifier: MIT */
/* CRC-16/MODBUS (polynomial 0x8005 reflected, start 0xFFFF), the check at the end of every TinyBMS
 * frame, low byte first. */
#ifndef CORE_TINYBMS_CRC_H
#define CORE_TINYBMS_CRC_H

#include <stddef.h>
#include <stdint.h>

enum { TINYBMS_CRC_START = 0xFFFF };

/* Carries a CRC on over n bytes. Over a frame and its own two CRC bytes the result is 0. */
/*@ requires \valid_read(p + (0 .. n - 1));
    assigns \nothing; */
uint16_t tinybms_crc_add(uint16_t crc, const uint8_t *p, size_t n);

/* The CRC of n bytes. */
/*@ requires \valid_read(p + (0 .. n - 1));
    assigns \nothing; */
uint16_t tinybms_crc(const uint8_t *p, size_t n);

#endif
