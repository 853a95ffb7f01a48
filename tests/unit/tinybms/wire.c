/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include <ctype.h>
#include <stdlib.h>

size_t wire_hex(const char *text, uint8_t *out) {
    size_t n = 0;
    while (*text != '\0') {
        if (isspace((unsigned char)*text)) {
            text++;
            continue;
        }
        char digits[3] = {text[0], text[1], '\0'};
        out[n++] = (uint8_t)strtoul(digits, NULL, 16);
        text += 2;
    }
    return n;
}

uint16_t wire_crc(const uint8_t *p, size_t n) {
    uint16_t crc = 0xFFFF;
    for (size_t i = 0; i < n; i++) {
        crc = (uint16_t)(crc ^ p[i]);
        for (int bit = 0; bit < 8; bit++) {
            crc = (uint16_t)((crc & 1) != 0 ? (crc >> 1) ^ 0xA001 : crc >> 1);
        }
    }
    return crc;
}

size_t wire_seal(uint8_t *p, size_t n) {
    uint16_t crc = wire_crc(p, n);
    p[n] = (uint8_t)(crc & 0xFF);
    p[n + 1] = (uint8_t)(crc >> 8);
    return n + 2;
}

size_t wire_read_reply(uint8_t *out, const uint16_t *words, size_t n) {
    out[0] = 0xAA;
    out[1] = 0x03;
    out[2] = (uint8_t)(2 * n);
    for (size_t i = 0; i < n; i++) {
        out[3 + 2 * i] = (uint8_t)(words[i] >> 8);
        out[4 + 2 * i] = (uint8_t)(words[i] & 0xFF);
    }
    return wire_seal(out, 3 + 2 * n);
}

uint32_t wire_random(uint32_t *state) {
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    *state = x;
    return x;
}
