/* SPDX-License-Identifier: MIT */
/* Every alarm and warning a GX is told, as rows an electrician can review: what is measured,
 * against which threshold, with which hysteresis and debounce. Several rows may feed one pair; a
 * pair is active while any of its rows is. A pair without support is never sent as "quiet". */
#ifndef CORE_POLICY_ALARM_TABLE_H
#define CORE_POLICY_ALARM_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "battery/alarms.h"
#include "battery/battery.h"

/* Thresholds of the user; 0 leaves the BMS's own settings alone in charge (imbalance and SOC have
 * no BMS setting and are never 0 = automatic). */
struct alarm_config {
    uint32_t pack_over_voltage_mv;
    uint32_t pack_under_voltage_mv;
    int32_t over_temperature_dc;
    int32_t low_temperature_charge_dc;
    uint32_t imbalance_warning_mv;
    uint32_t imbalance_alarm_mv;
    uint32_t soc_low_percent;
    uint32_t soc_high_percent;
};

/* What the rows look at. */
struct alarm_input {
    const struct battery *battery; /* the last good sample */
    const struct alarm_config *config;
    bool silent;                         /* the data is too old (stage NO_CHARGE and later) */
    bool link_poor;                      /* the link answers less than half of the time */
    const struct alarm_machine *machine; /* set by alarm_evaluate() */
};

enum alarm_compare { ALARM_AT_OR_OVER, ALARM_AT_OR_UNDER, ALARM_OVER, ALARM_UNDER };

/* One value, or one threshold, in the row's own unit. False: not known, the row keeps still. */
typedef bool alarm_value_fn(const struct alarm_input *in, int32_t *out);

struct alarm_row {
    enum alarm_id id;
    bool is_warning;
    const char *what; /* for people and for the documentation */
    alarm_value_fn *value;
    enum alarm_compare compare;
    alarm_value_fn *threshold;
    int32_t hysteresis; /* in the unit of the value: how far back before the row clears */
    uint32_t debounce_ms;
};

enum { ALARM_ROWS_MAX = 40 };

extern const struct alarm_row alarm_table[];
extern const unsigned alarm_table_rows;

struct alarm_row_state {
    bool active, pending;
    uint64_t pending_since_ms;
};

struct alarm_machine {
    struct alarm_row_state row[ALARM_ROWS_MAX];
    bool switch_error_old; /* the switch error of then is over */
    uint32_t switch_error_at_s;
};

void alarm_init(struct alarm_machine *m);

/* Whether the pair is sent at all. */
bool alarm_supported(enum alarm_id id);

/* Evaluates every row at now_ms and fills *out (all but .online). */
void alarm_evaluate(struct alarm_machine *m, const struct alarm_input *in, uint64_t now_ms,
                    struct alarms *out);

/* When the first debounce that is running ends; UINT64_MAX when none is. */
uint64_t alarm_deadline(const struct alarm_machine *m);

#endif
