/* SPDX-License-Identifier: MIT */
/* The protective minimum: at once and never debounced, from every sample that decodes, trusted or
 * not.
 *
 *   CCL 0   a cell at or over register 315; status fault; a temperature at or over register 319 or
 *           under register 320
 *   DCL 0   a cell at or under register 316; status fault
 *
 * A fault while a cell is at or under 316 is the BMS's under-voltage cut-off, which only a charger
 * ends: it leaves CCL alone, or an empty pack could never be charged again. That opens something,
 * so it takes a trusted sample to say that the pack is empty.
 *
 * Only a trusted sample releases, and with hysteresis, so that a value at the threshold does not
 * make the limits flap. */
#ifndef CORE_POLICY_PROTECT_H
#define CORE_POLICY_PROTECT_H

#include <stdbool.h>
#include <stdint.h>

#include "battery/battery.h"
#include "battery/limits.h"

enum {
    PROTECT_CELL_HYSTERESIS_MV = 20,
    PROTECT_TEMPERATURE_HYSTERESIS_DC = 20, /* 2 K */
};

struct protection {
    bool over_voltage, under_voltage, fault, too_hot, too_cold;
    bool empty; /* under_voltage, by trusted samples alone */
};

void protection_init(struct protection *p);

/* b: a sample just decoded; a rule whose threshold or value is not known does not act. trusted: the
 * sample may release as well as close. */
void protection_handle_sample(struct protection *p, const struct battery *b, bool trusted);

/* The rule that closes charging (discharging); LIMIT_NOMINAL when none does. The order is the order
 * of danger: fault, cell, temperature. */
enum limit_reason protection_charge(const struct protection *p);
enum limit_reason protection_discharge(const struct protection *p);

#endif
