/* SPDX-License-Identifier: MIT */
/* The register values read so far, as they came, and their decoding into struct battery.
 *
 * Five blocks of registers are kept, one per battery_group. A word is known once it has been read;
 * what was never read is never shown as 0. Decoding is a table (decode.c): one row per field with
 * its register, scale, and the range outside which a value is nonsense. A nonsense value leaves the
 * field alone, so that the old value ages, and is counted.
 *
 * Source of truth: the vendor's "Communication Protocols, Revision D", and recordings of a real
 * device for the order of the cells. */
#ifndef CORE_TINYBMS_IMAGE_H
#define CORE_TINYBMS_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "battery/battery.h"

/* The register map calls register 0 "cell 1"; a real 14-cell pack counts down from register 15. The
 * position of the zeros tells; with 16 cells it cannot be told and AUTO means ascending. */
enum tinybms_cell_order { TINYBMS_ORDER_AUTO, TINYBMS_ORDER_ASCENDING, TINYBMS_ORDER_DESCENDING };

/* "auto", "ascending", "descending". Never NULL. */
const char *tinybms_cell_order_text(enum tinybms_cell_order order);

enum {
    TINYBMS_LIVE_FIRST = 0,
    TINYBMS_LIVE_WORDS = 54,
    TINYBMS_SETTINGS_FIRST = 300,
    TINYBMS_SETTINGS_WORDS = 44,
    TINYBMS_STATISTICS_FIRST = 100,
    TINYBMS_STATISTICS_WORDS = 18,
    TINYBMS_EVENTS_FIRST = 200,
    TINYBMS_EVENTS_WORDS = 98,
    TINYBMS_VERSION_FIRST = 500,
    TINYBMS_VERSION_WORDS = 10,
    TINYBMS_IMAGE_WORDS = TINYBMS_LIVE_WORDS + TINYBMS_SETTINGS_WORDS + TINYBMS_STATISTICS_WORDS +
                          TINYBMS_EVENTS_WORDS + TINYBMS_VERSION_WORDS,
};

struct tinybms_block {
    enum battery_group group;
    uint16_t first;  /* register address */
    uint16_t words;  /* registers */
    uint16_t offset; /* into tinybms_image.word[] */
};

/* Indexed by enum battery_group. */
extern const struct tinybms_block tinybms_blocks[BATTERY_GROUP_COUNT];

/* Plain data, copied by value between threads. Zero-initialised memory knows nothing. */
struct tinybms_image {
    uint16_t word[TINYBMS_IMAGE_WORDS];
    uint8_t known[(TINYBMS_IMAGE_WORDS + 7) / 8]; /* a bit per word */
    uint64_t read_at_ms[BATTERY_GROUP_COUNT];     /* last read of anything in the block */
    enum tinybms_cell_order cell_order;           /* as found or set; AUTO: not known yet */
};

/* What the installation says about itself; overrides what the BMS says. */
struct tinybms_rules {
    enum tinybms_cell_order cell_order;
    uint8_t series_cells;  /* 0: ask the BMS */
    uint32_t capacity_mah; /* 0: ask the BMS */
    bool invert_current;
};

/*@ requires \valid(image);
    assigns *image; */
void tinybms_image_init(struct tinybms_image *image);

/* Keeps n words read from addr on; words outside the blocks are passed over. */
/*@ requires \valid(image) && \valid_read(words + (0 .. n - 1));
    requires \separated(image, words + (0 .. n - 1));
    assigns *image; */
void tinybms_image_store(struct tinybms_image *image, uint16_t addr, const uint16_t *words,
                         size_t n, uint64_t now_ms);

/* Nothing of the block is known any more. */
/*@ requires \valid(image) && group < BATTERY_GROUP_COUNT;
    assigns image->known[0 .. (TINYBMS_IMAGE_WORDS + 7) / 8 - 1]; */
void tinybms_image_forget(struct tinybms_image *image, enum battery_group group);

/* The word at addr; false (and *out untouched) where it is outside the blocks or never read. */
/*@ requires \valid_read(image) && \valid(out) && \separated(image, out);
    assigns *out;
    ensures !\result ==> *out == \old(*out); */
bool tinybms_image_get(const struct tinybms_image *image, uint16_t addr, uint16_t *out);

/* A register of one or two words, low word in the lower address; false as above. */
/*@ requires \valid_read(image) && \valid(out) && \separated(image, out);
    assigns *out;
    ensures !\result ==> *out == \old(*out);
    ensures \result && words <= 1 ==> *out <= UINT16_MAX; */
bool tinybms_image_get_raw(const struct tinybms_image *image, uint16_t addr, uint8_t words,
                           uint32_t *out);

/* Decodes every field whose registers lie whole in [addr, addr + n) and are known, as of now_ms,
 * then applies the rules' overrides and battery_derive(). A whole live block counts in b->samples.
 * Returns how many values were nonsense. */
uint32_t tinybms_image_decode(struct tinybms_image *image, const struct tinybms_rules *rules,
                              uint16_t addr, size_t n, struct battery *b, uint64_t now_ms);

/* The overrides alone: the fields become valid as of now_ms. */
void tinybms_rules_apply(const struct tinybms_rules *rules, struct battery *b, uint64_t now_ms);

#endif
