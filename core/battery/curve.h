/* SPDX-License-Identifier: MIT */
/* How much of a current limit a temperature leaves: points, with straight lines between them. As
 * text, in the settings: "0:0 5:20 15:100 45:100 55:0", degrees Celsius and percent. */
#ifndef CORE_BATTERY_CURVE_H
#define CORE_BATTERY_CURVE_H

#include <stdint.h>

enum { CURVE_POINTS_MAX = 8, CURVE_TEXT_MAX = 95 };

struct curve_point {
    int16_t temperature_dc; /* 0.1 degC, -400 to 900 */
    uint16_t permille;      /* 0-1000 */
};

struct curve {
    struct curve_point point[CURVE_POINTS_MAX]; /* by rising temperature */
    uint8_t count;                              /* 1-8; 0: no curve, everything is left */
};

/* Reads 2 to 8 points "TEMPERATURE:PERCENT" with one space between them; temperatures from -40 to
 * 90 degC with at most one decimal, each higher than the one before; whole percents. 0, or
 * GW_ERR_SYNTAX, GW_ERR_RANGE, GW_ERR_CONFLICT (not rising) with *c unchanged. */
int curve_parse(struct curve *c, const char *text);

/* The share that is left at this temperature, 0-1000; beyond the ends that of the end. */
uint16_t curve_permille(const struct curve *c, int16_t temperature_dc);

#endif
