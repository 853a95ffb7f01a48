/* SPDX-License-Identifier: MIT */
/* A case: a pack, its BMS, a house and its weather, as numbers. One row a key: it reads files and
 * command lines, prints what differs from the standard case, and draws random cases.
 *
 * A file has a line for each key that differs: "key = value", comments after '#'. Words stand for
 * numbers where the row has some. "set key=value" gives the gateway a setting. "allow promise" is
 * for one that this case asks too much of: property.h has the names. */
#ifndef TESTS_HOUSE_CASE_H
#define TESTS_HOUSE_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum house_key {
    HOUSE_DAYS,
    HOUSE_SEED,
    HOUSE_STEP_S,
    HOUSE_SAMPLE_S,
    /* the pack */
    HOUSE_CHEMISTRY,
    HOUSE_CELLS,
    HOUSE_CAPACITY_AH,
    HOUSE_START_SOC,
    HOUSE_CAPACITY_SPREAD,
    HOUSE_SOC_SPREAD,
    HOUSE_WEAK_CELL,
    HOUSE_WEAK_CAPACITY,
    HOUSE_WEAK_RESISTANCE,
    HOUSE_IMBALANCE_MV,
    HOUSE_RESISTANCE,
    HOUSE_AMBIENT_C,
    HOUSE_AMBIENT_SWING_C,
    /* the BMS */
    HOUSE_WIRING,
    HOUSE_CHARGE_A,
    HOUSE_DISCHARGE_A,
    HOUSE_TAIL_MA,
    HOUSE_DISBALANCE_MV,
    HOUSE_RESTART_PERCENT,
    HOUSE_LOW_POWER,
    HOUSE_CELL_NOISE_MV,
    HOUSE_CELL_ERROR_MV,
    HOUSE_CELL_LAG_S,
    HOUSE_CURRENT_NOISE_A,
    HOUSE_CURRENT_OFFSET_A,
    HOUSE_SOC_DRIFT,
    /* between BMS and gateway */
    HOUSE_DELAY_S,
    HOUSE_LOSS,
    /* the house */
    HOUSE_GRID,
    HOUSE_GRID_LOST_H,
    HOUSE_GRID_LOST_FOR_H,
    HOUSE_FEED_IN,
    HOUSE_IGNORES_CCL,
    HOUSE_KEEP_CHARGED,
    HOUSE_SOLAR_W,
    HOUSE_SOLAR_A,
    HOUSE_MULTI_W,
    HOUSE_MULTI_CHARGE_A,
    HOUSE_MINIMUM_SOC,
    HOUSE_OFFSET_V,
    HOUSE_FASTEST_S,
    HOUSE_SLOWEST_S,
    HOUSE_RAMP_A_S,
    HOUSE_RESTART_S,
    HOUSE_LOAD,
    HOUSE_LOAD_SCALE,
    /* the sky */
    HOUSE_SUN,
    HOUSE_DAY_H,
    HOUSE_HEIGHT,
    HOUSE_DARK_DAYS,
    HOUSE_START_H,
    /* what happens each day; an hour under 0: never */
    HOUSE_GX_REBOOT_H,
    HOUSE_GX_REBOOT_S,
    HOUSE_GATEWAY_RESTART_H,
    HOUSE_KEYS
};

struct house_row {
    const char *key, *unit;
    double preset, min, max;
    double draw_low, draw_high; /* of a random case; alike: never drawn */
    bool whole;                 /* no fraction */
    const char *const *words;   /* NULL-terminated: word i is number i */
};

extern const struct house_row house_rows[HOUSE_KEYS];

enum { HOUSE_NAME_MAX = 47, HOUSE_SETS = 8, HOUSE_SET_MAX = 95 };

struct house_case {
    char name[HOUSE_NAME_MAX + 1];
    double value[HOUSE_KEYS];
    char set[HOUSE_SETS][HOUSE_SET_MAX + 1]; /* assignments of the gateway's settings */
    unsigned sets;
    uint32_t allowed; /* promises that may be broken, as bits */
};

/* The standard case: every row's preset. */
void house_case_init(struct house_case *c, const char *name);

/* One line of a file. False: *why says what is wrong. */
bool house_case_line(struct house_case *c, const char *line, const char **why);

/* Reads a file over what *c holds. Returns 0, or the number of the line that is wrong; -1: the file
 * cannot be read. */
int house_case_read(struct house_case *c, const char *path, const char **why);

/* The lines that differ from the standard case. Returns the length, cut at cap. */
size_t house_case_print(const struct house_case *c, char *buf, size_t cap);

#endif
