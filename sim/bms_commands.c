/* SPDX-License-Identifier: MIT */
/* Requests and replies of the virtual BMS, byte for byte as in "Communication Protocols,
 * Revision D". Where the document shows no example the choice made here is said. */
#include <string.h>

#include "sim/bms.h"

enum { START = 0xAA, ACK = 0x01, CRC_BYTES = 2 };

/* Registers in one packet of 0x07 that is not the last: the document gives no number; 31 is the
 * most that a length of six bits can count. */
enum { PACKET_REGISTERS = 31 };

uint16_t sim_bms_crc(const uint8_t *bytes, size_t n) {
    uint32_t crc = 0xFFFF;
    for (size_t i = 0; i < n; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1u) != 0 ? crc >> 1 ^ 0xA001u : crc >> 1;
    }
    return (uint16_t)crc;
}

/* A reply being written. */
struct out {
    uint8_t *bytes;
    size_t frame; /* where the frame begun last starts */
    size_t n;
};

static void put8(struct out *o, unsigned v) {
    o->bytes[o->n++] = (uint8_t)v;
}

static void put16(struct out *o, unsigned v) {
    put8(o, v & 0xFFu);
    put8(o, v >> 8 & 0xFFu);
}

static void put32(struct out *o, uint32_t v) {
    put16(o, v & 0xFFFFu);
    put16(o, v >> 16);
}

static void begin(struct out *o, uint8_t command) {
    o->frame = o->n;
    put8(o, START);
    put8(o, command);
}

static void end(struct out *o) {
    put16(o, sim_bms_crc(o->bytes + o->frame, o->n - o->frame));
}

static void acknowledge(struct out *o, uint8_t command) {
    begin(o, ACK);
    put8(o, command);
    end(o);
}

size_t sim_bms_refuse(struct sim_bms *b, uint8_t command, enum sim_bms_nack why,
                      uint8_t reply[SIM_BMS_REPLY_MAX]) {
    struct out o = {.bytes = reply};
    begin(&o, 0x00);
    put8(&o, command);
    put8(&o, why);
    end(&o);
    b->counters.nacks++;
    return o.n;
}

int sim_bms_request_length(const uint8_t *bytes, size_t n) {
    if (n >= 1 && bytes[0] != START)
        return -1;
    if (n < 2)
        return 0;
    switch (bytes[1]) {
    case 0x02:
        return 3 + CRC_BYTES;
    case 0x03:
        return 6 + CRC_BYTES;
    case 0x10:
        return n < 7 ? 0 : 7 + bytes[6] + CRC_BYTES;
    case 0x07:
        return 5 + CRC_BYTES;
    case 0x09:
    case 0x0B: /* their length byte is taken to count all that is between it and the CRC */
    case 0x0D:
        return n < 3 ? 0 : 3 + bytes[2] + CRC_BYTES;
    case 0x1D:
        return 5 + CRC_BYTES;
    case 0x11:
    case 0x12:
    case 0x14:
    case 0x15:
    case 0x16:
    case 0x17:
    case 0x18:
    case 0x19:
    case 0x1A:
    case 0x1B:
    case 0x1C:
    case 0x1E:
    case 0x1F:
    case 0x20:
        return 2 + CRC_BYTES;
    default:
        return -1;
    }
}

static unsigned be16(const uint8_t *p) {
    return (unsigned)p[0] << 8 | p[1];
}

static unsigned le16(const uint8_t *p) {
    return (unsigned)p[1] << 8 | p[0];
}

/* 0x03: the only replies with the high byte first are its registers. */
static bool read_modbus(const struct sim_bms *b, const uint8_t *rq, struct out *o) {
    unsigned addr = be16(rq + 2), count = rq[5];
    if (rq[4] != 0 || count > 127 || !sim_bms_readable(b, addr, count))
        return false;
    begin(o, 0x03);
    put8(o, 2 * count);
    for (unsigned i = 0; i < count; i++) {
        put8(o, b->reg[addr + i] >> 8);
        put8(o, b->reg[addr + i] & 0xFFu);
    }
    end(o);
    return true;
}

/* The document: writing the operation mode restarts the device, even with the value it has. */
static bool sets_mode(unsigned addr, unsigned count) {
    return addr <= 340 && 340 < addr + count;
}

static bool write_modbus(struct sim_bms *b, const uint8_t *rq, struct out *o, bool *restart) {
    unsigned addr = be16(rq + 2), count = rq[5];
    uint16_t value[127];
    if (rq[4] != 0 || count > 100 || rq[6] != 2 * count)
        return false;
    for (size_t i = 0; i < count; i++)
        value[i] = (uint16_t)be16(rq + 7 + 2 * i);
    if (!sim_bms_write(b, (uint16_t)addr, value, count))
        return false;
    *restart = sets_mode(addr, count);
    begin(o, 0x10);
    for (unsigned i = 2; i < 6; i++)
        put8(o, rq[i]);
    end(o);
    return true;
}

static bool read_block(const struct sim_bms *b, const uint8_t *rq, struct out *o) {
    unsigned count = rq[2], addr = le16(rq + 3);
    if (count > 127 || !sim_bms_readable(b, addr, count))
        return false;
    for (unsigned packet = 1; count > 0; packet++) {
        unsigned part = count <= PACKET_REGISTERS ? count : PACKET_REGISTERS;
        begin(o, 0x07);
        put8(o, part < count ? 0x80u | packet : 2 * part);
        for (unsigned i = 0; i < part; i++)
            put16(o, b->reg[addr + i]);
        end(o);
        addr += part;
        count -= part;
    }
    return true;
}

static bool read_each(const struct sim_bms *b, const uint8_t *rq, struct out *o) {
    unsigned count = rq[2] / 2;
    if (rq[2] % 2 != 0 || count == 0 || count > 63) /* four bytes each must fit one length byte */
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!sim_bms_readable(b, le16(rq + 3 + 2 * i), 1))
            return false;
    }
    begin(o, 0x09);
    put8(o, 4 * count);
    for (size_t i = 0; i < count; i++) {
        unsigned addr = le16(rq + 3 + 2 * i);
        put16(o, addr);
        put16(o, b->reg[addr]);
    }
    end(o);
    return true;
}

static bool write_block(struct sim_bms *b, const uint8_t *rq, struct out *o, bool *restart) {
    unsigned bytes = rq[2], count = (bytes - 2) / 2;
    uint16_t value[127];
    if (bytes < 4 || bytes % 2 != 0 || count > 100)
        return false;
    for (size_t i = 0; i < count; i++)
        value[i] = (uint16_t)le16(rq + 5 + 2 * i);
    if (!sim_bms_write(b, (uint16_t)le16(rq + 3), value, count))
        return false;
    *restart = sets_mode(le16(rq + 3), count);
    acknowledge(o, 0x0B);
    return true;
}

/* One after the other: those before a refused one are written. */
static bool write_each(struct sim_bms *b, const uint8_t *rq, struct out *o, bool *restart) {
    unsigned count = rq[2] / 4;
    if (rq[2] % 4 != 0 || count == 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint16_t value = (uint16_t)le16(rq + 5 + 4 * i);
        if (!sim_bms_write(b, (uint16_t)le16(rq + 3 + 4 * i), &value, 1))
            return false;
        *restart = *restart || sets_mode(le16(rq + 3 + 4 * i), 1);
    }
    acknowledge(o, 0x0D);
    return true;
}

static bool reset(struct sim_bms *b, const uint8_t *rq, struct out *o, bool *restart) {
    if (rq[2] != 1 && rq[2] != 2 && rq[2] != 5)
        return false;
    sim_bms_clear(b, rq[2] == 1, rq[2] == 2);
    *restart = rq[2] == 5;
    acknowledge(o, 0x02);
    return true;
}

/* 0x11: the events since the last 0x11. 0x12: all, in the order of the slots. */
static void events(struct sim_bms *b, uint8_t command, struct out *o) {
    unsigned count = 0, first = 0;
    if (command == 0x12) {
        while (count < SIM_BMS_EVENTS && b->reg[201 + 2 * count] != 0)
            count++;
    } else {
        count = b->events_unread;
        first = (b->event_slot + 2u * SIM_BMS_EVENTS - count) % SIM_BMS_EVENTS;
        b->events_unread = 0;
    }
    begin(o, command);
    put8(o, 4 + 4 * count);
    put32(o, sim_bms_get32(b, 32));
    for (unsigned i = 0; i < count; i++) {
        unsigned slot = (first + i) % SIM_BMS_EVENTS;
        put16(o, b->reg[200 + 2 * slot]);
        put16(o, b->reg[201 + 2 * slot]);
    }
    end(o);
}

static void cells(const struct sim_bms *b, struct out *o) {
    unsigned count = b->reg[53] <= SIM_CELLS_MAX ? b->reg[53] : SIM_CELLS_MAX;
    begin(o, 0x1C);
    put8(o, 2 * count);
    for (unsigned i = 0; i < count; i++)
        put16(o, b->reg[sim_bms_cell_register(b, i)]);
    end(o);
}

static bool settings_limits(const struct sim_bms *b, const uint8_t *rq, struct out *o) {
    unsigned kind = rq[2], count = rq[4];
    if (kind < 1 || kind > 4 || rq[3] != 0 || count < 1 || count > 100)
        return false;
    begin(o, 0x1D);
    put8(o, 2 * count);
    for (unsigned i = 0; i < count; i++)
        put16(o, sim_bms_setting(b, kind, (uint16_t)(300 + i)));
    end(o);
    return true;
}

static void version(const struct sim_bms *b, uint8_t command, struct out *o) {
    begin(o, command);
    put8(o, command == 0x1E ? 5 : 7);
    put16(o, b->reg[500]); /* hardware version, changes */
    put8(o, b->reg[501] & 0xFFu);
    put16(o, b->reg[502]);
    if (command == 0x1F)
        put16(o, b->reg[503]); /* bootloader, register map */
    end(o);
}

/* The commands without an argument whose reply is a run of registers, low byte first. */
struct plain {
    uint8_t command;
    bool counted; /* a length byte stands before the registers */
    uint8_t words;
    uint16_t addr[5];
};

static const struct plain plain[] = {
    {0x14, false, 2, {36, 37}}, {0x15, false, 2, {38, 39}},    {0x16, false, 1, {41}},
    {0x17, false, 1, {40}},     {0x18, false, 1, {50}},        {0x19, false, 2, {32, 33}},
    {0x1A, false, 2, {46, 47}}, {0x1B, true, 3, {48, 42, 43}},
};

static void speed(const struct sim_bms *b, struct out *o) {
    begin(o, 0x20);
    put32(o, sim_bms_get32(b, 54));
    put32(o, b->reg[44]);
    put32(o, sim_bms_get32(b, 34));
    end(o);
}

static bool answer_plain(struct sim_bms *b, uint8_t command, struct out *o) {
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (plain[i].command != command)
            continue;
        begin(o, command);
        if (plain[i].counted)
            put8(o, 2u * plain[i].words);
        for (unsigned w = 0; w < plain[i].words; w++)
            put16(o, b->reg[plain[i].addr[w]]);
        end(o);
        return true;
    }
    switch (command) {
    case 0x11:
    case 0x12:
        events(b, command, o);
        return true;
    case 0x1C:
        cells(b, o);
        return true;
    case 0x1E:
    case 0x1F:
        version(b, command, o);
        return true;
    case 0x20:
        speed(b, o);
        return true;
    default:
        return false;
    }
}

static bool answer(struct sim_bms *b, const uint8_t *rq, struct out *o, bool *restart) {
    switch (rq[1]) {
    case 0x02:
        return reset(b, rq, o, restart);
    case 0x03:
        return read_modbus(b, rq, o);
    case 0x07:
        return read_block(b, rq, o);
    case 0x09:
        return read_each(b, rq, o);
    case 0x0B:
        return write_block(b, rq, o, restart);
    case 0x0D:
        return write_each(b, rq, o, restart);
    case 0x10:
        return write_modbus(b, rq, o, restart);
    case 0x1D:
        return settings_limits(b, rq, o);
    default:
        return answer_plain(b, rq[1], o);
    }
}

size_t sim_bms_execute(struct sim_bms *b, const uint8_t *request, size_t n,
                       uint8_t reply[SIM_BMS_REPLY_MAX], bool *restart) {
    *restart = false;
    b->counters.requests++;
    if (n < 4 || sim_bms_crc(request, n - CRC_BYTES) != le16(request + n - CRC_BYTES)) {
        b->counters.crc_errors++;
        return sim_bms_refuse(b, n < 2 ? 0 : request[1], SIM_BMS_NACK_CRC, reply);
    }
    struct out o = {.bytes = reply};
    if (!answer(b, request, &o, restart))
        return sim_bms_refuse(b, request[1], SIM_BMS_NACK_COMMAND, reply);
    return o.n;
}
