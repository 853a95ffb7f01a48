/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

void fuzz_found(const char *sentence, const char *file, int line) {
    (void)fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, sentence);
    abort();
}

uint8_t feed_u8(struct feed *f) {
    if (f->left == 0) {
        return 0;
    }
    f->left--;
    return *f->at++;
}

uint16_t feed_u16(struct feed *f) {
    const unsigned high = feed_u8(f);
    return (uint16_t)(high << 8 | feed_u8(f));
}

const uint8_t *feed_bytes(struct feed *f, size_t n, size_t *taken) {
    const uint8_t *bytes = f->at;
    *taken = n < f->left ? n : f->left;
    f->at += *taken;
    f->left -= *taken;
    return bytes;
}

/* Of one byte, from the definition. */
static uint16_t crc_of(uint8_t byte) {
    uint16_t crc = byte;
    for (int bit = 0; bit < 8; bit++) {
        crc = (uint16_t)((crc & 1) != 0 ? (crc >> 1) ^ 0xA001 : crc >> 1);
    }
    return crc;
}

uint16_t fuzz_crc(const uint8_t *p, size_t n) {
    static uint16_t table[256];
    uint16_t crc = 0xFFFF;
    for (unsigned i = 0; table[255] == 0 && i < 256; i++) {
        table[i] = crc_of((uint8_t)i);
    }
    for (size_t i = 0; i < n; i++) {
        crc = (uint16_t)((crc >> 8) ^ table[(crc ^ p[i]) & 0xFF]);
    }
    return crc;
}

bool fuzz_is_printable(const char *text, size_t cap) {
    for (size_t i = 0; i < cap; i++) {
        if (text[i] == '\0') {
            return true;
        }
        if (text[i] < 0x20 || text[i] == 0x7F) {
            return false;
        }
    }
    return false;
}
