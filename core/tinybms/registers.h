/* SPDX-License-Identifier: MIT */
/* The catalogue: one row for each register of a TinyBMS, in the order of addresses.
 *
 * Every number is an integer: a raw value times `numerator` is the value in 10^-decimals units, so
 * 0.002 % is numerator 2 with 3 decimals. Ranges are raw counts, and those of the document: the
 * true range of a unit comes from command 0x1D.
 *
 * Source of truth: the vendor's "Communication Protocols, Revision D". */
#ifndef CORE_TINYBMS_REGISTERS_H
#define CORE_TINYBMS_REGISTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "battery/battery.h"
#include "gw_err.h"

enum tinybms_register_type {
    TINYBMS_U16,
    TINYBMS_I16,
    TINYBMS_U32,
    TINYBMS_F32,   /* scaled to 3 decimals */
    TINYBMS_U8,    /* the low byte; the high byte is reserved and kept when writing */
    TINYBMS_U8X2,  /* two numbers: low byte, high byte; a range holds for each byte */
    TINYBMS_I8X2,  /* the same, signed */
    TINYBMS_BITS,  /* bits beyond max are reserved and kept when writing */
    TINYBMS_BYTES, /* words x 2 bytes, low byte of the first word first */
    TINYBMS_EVENT_LIST,
};

enum {
    TINYBMS_SINCE_D = 1,     /* new in revision D of the protocol: 0 or 0xFFFF is unknown */
    TINYBMS_ABSENT_8000 = 2, /* -32768 says that there is no such sensor */
    TINYBMS_TAKEN_FFFF = 4,  /* reads 0xFFFF once the BMS has taken the value over */
    TINYBMS_RESTARTS = 8,    /* writing it restarts the BMS */
};

struct tinybms_choice {
    uint16_t value;
    const char *text;
};

struct tinybms_register {
    uint16_t addr;
    uint8_t words;
    const char *name;
    enum tinybms_register_type type;
    uint8_t numerator; /* 1 or 2 */
    uint8_t decimals;  /* 0-6 */
    const char *unit;  /* "" without one */
    bool writable;
    bool ranged;      /* min and max hold */
    int32_t min, max; /* raw */
    uint8_t flags;
    const struct tinybms_choice *choices; /* NULL, or ended by a NULL text */
};

extern const struct tinybms_register tinybms_registers[];
extern const size_t tinybms_registers_count;

/* The row that starts at addr, or of that name; NULL if there is none. */
const struct tinybms_register *tinybms_register_at(uint16_t addr);
const struct tinybms_register *tinybms_register_named(const char *name);

/* The block that a register belongs to. */
enum battery_group tinybms_register_group(const struct tinybms_register *r);

/* What else there is to know, for people; "" if nothing. */
const char *tinybms_register_notes(const struct tinybms_register *r);

/* The word for a value of an enumeration; NULL where there is none. U8 and U16 only. */
const char *tinybms_register_choice(const struct tinybms_register *r, uint32_t raw);

/* A raw value (low word, or low and high word) in 10^-decimals of the unit. BATTERY_VALID with *out
 * set; BATTERY_ABSENT: no such sensor; BATTERY_RESERVED: means nothing in this firmware, is not a
 * number, or the register is a list or a string of bytes. U8X2, I8X2 and BITS come as they are,
 * 0-65535. */
enum battery_validity tinybms_register_scale(const struct tinybms_register *r, uint32_t raw,
                                             int64_t *out);

/* Whether raw may be written: 0, GW_ERR_READ_ONLY or GW_ERR_RANGE. A signed register takes its
 * value as 16 bits or sign-extended to 32; an enumeration only what has a word. */
int tinybms_register_check(const struct tinybms_register *r, uint32_t raw);

/* The bits of the (first) word that belong to the register; the others are reserved. */
uint16_t tinybms_register_mask(const struct tinybms_register *r);

#endif
