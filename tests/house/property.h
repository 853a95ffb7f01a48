/* SPDX-License-Identifier: MIT */
/* What must hold in every house, whatever the weather: the promises of the three limits. */
#ifndef TESTS_HOUSE_PROPERTY_H
#define TESTS_HOUSE_PROPERTY_H

#include "rig.h"

enum house_property {
    HOUSE_NEVER_300,       /* single port: no sensed cell at register 300 */
    HOUSE_NEVER_UNDER_301, /* no cell under it while the battery is discharged */
    HOUSE_NEVER_315,
    HOUSE_NEVER_316,
    HOUSE_NO_REVERSALS, /* CVL turns back at most twice an hour once full */
    HOUSE_NO_SWING,     /* CCL stands within 2 % while sun and loads do */
    HOUSE_SLOW_STEPS,   /* CVL steps down 20 s apart, unless for a danger */
    HOUSE_NO_TRIP,      /* no limit darkens the house while the pack is over its floor */
    HOUSE_NO_SWITCHING, /* the BMS darkens no house that a limit could have guarded */
    HOUSE_RESTARTS,     /* nor is the house left dark with a pack that has recovered */
    HOUSE_DUAL_FULL,    /* dual port: status 0x92, SOC 100 % */
    HOUSE_DUAL_CALM, /* and its charge switch opens seldom for else: twice a day by a cell at 300,
                           six times by events 0x38, 0x39 */
    HOUSE_OWN_FULL,  /* single port: the controller's own full */
    HOUSE_BALANCES,
    HOUSE_PROPERTIES
};

const char *house_property_text(enum house_property p);

/* The properties broken so far, as bits; those that only the end can tell are asked when `ended`.
 * Some are asked only where the case can fulfil them: enough sun, warmth and days. */
uint32_t house_properties_broken(const struct house_rig *r, bool ended);

/* The case has sun, warmth and time enough to fill its pack, and to balance it as well. */
bool house_can_fill(const struct house_case *c);
bool house_can_balance(const struct house_case *c);

#endif
