/* SPDX-License-Identifier: MIT */
/* Half a byte at a time: 32 bytes of table instead of 512, and fast enough for any baud rate. */
#include "tinybms/crc.h"

/* clang-format off */
static const uint16_t nibble[16] = {
    0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401,
    0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01, 0x8801, 0x4400,
};
/* clang-format on */

uint16_t tinybms_crc_add(uint16_t crc, const uint8_t *p, size_t n) {
    /*@ loop invariant 0 <= i <= n;
        loop assigns i, crc;
        loop variant n - i; */
    for (size_t i = 0; i < n; i++) {
        crc = (uint16_t)((crc >> 4) ^ nibble[(uint8_t)(crc ^ p[i]) % 16]);
        crc = (uint16_t)((crc >> 4) ^ nibble[(uint8_t)(crc ^ (p[i] >> 4)) % 16]);
    }
    return crc;
}

uint16_t tinybms_crc(const uint8_t *p, size_t n) {
    return tinybms_crc_add(TINYBMS_CRC_START, p, n);
}
