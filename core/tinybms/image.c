/* SPDX-License-Identifier: MIT */
/* Where the words of the five blocks are kept. Their meaning is decode.c's. */
#include "tinybms/image.h"

enum {
    SETTINGS_AT = TINYBMS_LIVE_WORDS,
    STATISTICS_AT = SETTINGS_AT + TINYBMS_SETTINGS_WORDS,
    EVENTS_AT = STATISTICS_AT + TINYBMS_STATISTICS_WORDS,
    VERSION_AT = EVENTS_AT + TINYBMS_EVENTS_WORDS,
};

/* clang-format off */
const struct tinybms_block tinybms_blocks[BATTERY_GROUP_COUNT] = {
    [BATTERY_GROUP_LIVE]       = {BATTERY_GROUP_LIVE,       TINYBMS_LIVE_FIRST,       TINYBMS_LIVE_WORDS,       0},
    [BATTERY_GROUP_SETTINGS]   = {BATTERY_GROUP_SETTINGS,   TINYBMS_SETTINGS_FIRST,   TINYBMS_SETTINGS_WORDS,   SETTINGS_AT},
    [BATTERY_GROUP_STATISTICS] = {BATTERY_GROUP_STATISTICS, TINYBMS_STATISTICS_FIRST, TINYBMS_STATISTICS_WORDS, STATISTICS_AT},
    [BATTERY_GROUP_EVENTS]     = {BATTERY_GROUP_EVENTS,     TINYBMS_EVENTS_FIRST,     TINYBMS_EVENTS_WORDS,     EVENTS_AT},
    [BATTERY_GROUP_VERSION]    = {BATTERY_GROUP_VERSION,    TINYBMS_VERSION_FIRST,    TINYBMS_VERSION_WORDS,    VERSION_AT},
};
/* clang-format on */

const char *tinybms_cell_order_text(enum tinybms_cell_order order) {
    switch (order) {
    case TINYBMS_ORDER_AUTO:
        return "auto";
    case TINYBMS_ORDER_ASCENDING:
        return "ascending";
    case TINYBMS_ORDER_DESCENDING:
        return "descending";
    }
    return "auto";
}

void tinybms_image_init(struct tinybms_image *image) {
    *image = (struct tinybms_image){0};
}

/*@ predicate is_block(struct tinybms_block *b) =
        \valid_read(b) && b->group < BATTERY_GROUP_COUNT && b->words > 0 && b->first <= 500 &&
        b->offset + b->words <= TINYBMS_IMAGE_WORDS; */

/*@ assigns \nothing;
    ensures \result == \null || is_block(\result);
    ensures \result != \null ==> \result->first <= addr < \result->first + \result->words; */
static const struct tinybms_block *block_of(uint32_t addr) {
    /*@ loop pragma UNROLL "completely", 6;
        loop assigns i; */
    for (size_t i = 0; i < BATTERY_GROUP_COUNT; i++) {
        const struct tinybms_block *b = &tinybms_blocks[i];
        if (addr >= b->first && addr < (uint32_t)b->first + b->words) {
            return b;
        }
    }
    return NULL;
}

/*@ requires is_block(block) && block->first <= addr < block->first + block->words;
    assigns \nothing;
    ensures \result < TINYBMS_IMAGE_WORDS; */
static size_t index_of(const struct tinybms_block *block, uint32_t addr) {
    return block->offset + (size_t)(addr - block->first);
}

static const uint8_t bit[8] = {1, 2, 4, 8, 16, 32, 64, 128};

void tinybms_image_store(struct tinybms_image *image, uint16_t addr, const uint16_t *words,
                         size_t n, uint64_t now_ms) {
    /*@ loop invariant i <= n && i <= UINT16_MAX + 1;
        loop assigns i, *image;
        loop variant n - i; */
    for (size_t i = 0; i < n && addr + i <= UINT16_MAX; i++) {
        const struct tinybms_block *block = block_of((uint32_t)(addr + i));
        if (block == NULL) {
            continue;
        }
        size_t at = index_of(block, (uint32_t)(addr + i));
        image->word[at] = words[i];
        image->known[at / 8] |= bit[at % 8];
        image->read_at_ms[block->group] = now_ms;
    }
}

bool tinybms_image_get(const struct tinybms_image *image, uint16_t addr, uint16_t *out) {
    const struct tinybms_block *block = block_of(addr);
    if (block == NULL) {
        return false;
    }
    size_t at = index_of(block, addr);
    if ((image->known[at / 8] & bit[at % 8]) == 0) {
        return false;
    }
    *out = image->word[at];
    return true;
}

bool tinybms_image_get_raw(const struct tinybms_image *image, uint16_t addr, uint8_t words,
                           uint32_t *out) {
    uint16_t low, high = 0;
    if (!tinybms_image_get(image, addr, &low)) {
        return false;
    }
    if (words > 1 &&
        (addr == UINT16_MAX || !tinybms_image_get(image, (uint16_t)(addr + 1), &high))) {
        return false;
    }
    *out = low + 65536u * high;
    return true;
}

void tinybms_image_forget(struct tinybms_image *image, enum battery_group group) {
    const struct tinybms_block *block = &tinybms_blocks[group];
    /*@ loop invariant block->offset <= at <= block->offset + block->words;
        loop assigns at, image->known[0 .. (TINYBMS_IMAGE_WORDS + 7) / 8 - 1];
        loop variant TINYBMS_IMAGE_WORDS - at; */
    for (uint16_t at = block->offset; at < block->offset + block->words; at++) {
        image->known[at / 8] &= (uint8_t)~bit[at % 8];
    }
}
