/* SPDX-License-Identifier: MIT */
#include "scripted_bms.h"

#include <string.h>

static uint16_t crc16(const uint8_t *p, size_t n) {
    uint16_t crc = 0xFFFF;
    for (size_t i = 0; i < n; i++) {
        crc = (uint16_t)(crc ^ p[i]);
        for (int bit = 0; bit < 8; bit++) {
            crc = (uint16_t)((crc & 1) ? (crc >> 1) ^ 0xA001 : crc >> 1);
        }
    }
    return crc;
}

void scripted_bms_set_f32(struct scripted_bms *b, unsigned reg, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    b->reg[reg] = (uint16_t)(bits & 0xFFFF);
    b->reg[reg + 1] = (uint16_t)(bits >> 16);
}

void scripted_bms_init(struct scripted_bms *b) {
    memset(b, 0, sizeof *b);
    for (int i = 2; i < 16; i++) {
        b->reg[i] = 39000; /* 0.1 mV */
    }
    b->reg[32] = 1000;
    scripted_bms_set_f32(b, 36, 54.6F);
    scripted_bms_set_f32(b, 38, -10.0F);
    b->reg[40] = b->reg[41] = 3900;
    b->reg[42] = 200;
    b->reg[43] = 0x8000;
    b->reg[46] = (uint16_t)(50000000u & 0xFFFF); /* 50 % in 1e-6 % */
    b->reg[47] = (uint16_t)(50000000u >> 16);
    b->reg[48] = 250;
    b->reg[50] = 0x93;
    b->reg[53] = 14;
    b->reg[300] = 4150;
    b->reg[301] = 3000;
    b->reg[303] = 3200;
    b->reg[304] = 1000;
    b->reg[306] = 6600;
    b->reg[307] = 14;
    b->reg[308] = 15;
    b->reg[315] = 4200;
    b->reg[316] = 2900;
    b->reg[317] = 60;
    b->reg[318] = 20;
    b->reg[319] = 60;
    b->reg[320] = 1;
    b->reg[500] = 0x0102;
    b->reg[501] = 0x0301;
    b->reg[502] = 242;
}

static void finish(struct scripted_bms *b) {
    uint16_t crc = crc16(b->reply, b->reply_len);
    b->reply[b->reply_len++] = (uint8_t)(crc & 0xFF);
    b->reply[b->reply_len++] = (uint8_t)(crc >> 8);
}

void scripted_bms_request(struct scripted_bms *b, const uint8_t *bytes, size_t n) {
    b->reply_len = 0;
    if (b->mute || n < 8 || bytes[0] != 0xAA) {
        return;
    }
    unsigned addr = (unsigned)bytes[2] * 256 + bytes[3];
    unsigned count = bytes[5];
    if (bytes[1] == 0x03) {
        b->reads++;
        b->reply[0] = 0xAA;
        b->reply[1] = 0x03;
        b->reply[2] = (uint8_t)(2 * count);
        b->reply_len = 3;
        for (unsigned i = 0; i < count; i++) {
            uint16_t v = addr + i < 512 ? b->reg[addr + i] : 0;
            b->reply[b->reply_len++] = (uint8_t)(v >> 8);
            b->reply[b->reply_len++] = (uint8_t)(v & 0xFF);
        }
        finish(b);
    } else if (bytes[1] == 0x10) {
        b->writes++;
        for (unsigned i = 0; i < count && addr + i < 512; i++) {
            b->reg[addr + i] = (uint16_t)(bytes[7 + 2 * i] * 256 + bytes[8 + 2 * i]);
        }
        memcpy(b->reply, bytes, 6);
        b->reply_len = 6;
        finish(b);
    }
}
