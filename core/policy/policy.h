/* SPDX-License-Identifier: MIT */
/* What the battery allows, decided from the last good sample and its age: the limits (limits.h),
 * the alarms (alarms.h) and the stage of the silence contract.
 *
 * Inside: trust.h (is a sample plausible), freshness.h (how old is what is known), stage.h (what
 * that age closes, and how limits open again), rest.h (may the BMS sleep), pack_watch.h (what a row
 * of samples shows), charge_state.h, charge_end.h and charge_voltage.h (CVL), current_limits.h (CCL
 * and DCL), protect.h (the protective minimum: at once, never debounced), alarm_table.h (one row
 * per alarm and warning).
 *
 * A limit is decided by the good samples, then closed by age and by protection. Doubt only closes:
 * an implausible sample can lower a limit, never raise one. */
#ifndef CORE_POLICY_POLICY_H
#define CORE_POLICY_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "battery/alarms.h"
#include "battery/battery.h"
#include "battery/limits.h"
#include "policy/alarm_table.h"
#include "policy/charge_end.h"
#include "policy/charge_state.h"
#include "policy/charge_voltage.h"
#include "policy/current_limits.h"
#include "policy/freshness.h"
#include "policy/limit_config.h"
#include "policy/pack_watch.h"
#include "policy/protect.h"
#include "policy/rest.h"
#include "policy/stage.h"
#include "policy/trust.h"

struct policy_config {
    uint32_t sample_interval_ms; /* how often samples are asked for */
    bool low_power;              /* the BMS may sleep */
    struct stage_config stage;
    struct limit_config limit;
    struct alarm_config alarm;
};

/* One thing that changed, for the log and the bus. */
enum policy_change_kind {
    POLICY_CHANGE_STAGE,      /* .from .to: enum stage; .reason: enum stage_reason */
    POLICY_CHANGE_CHARGE,     /* .from .to: enum charge_state; .reason: enum charge_reason */
    POLICY_CHANGE_CCL_REASON, /* .from .to: enum limit_reason; .value: ccl_ma */
    POLICY_CHANGE_DCL_REASON, /* .value: dcl_ma */
    POLICY_CHANGE_CVL_REASON, /* .value: cvl_mv */
    POLICY_CHANGE_ALARM,      /* .id: enum alarm_id; .from .to: enum alarm_state */
    POLICY_CHANGE_WARNING,
    POLICY_CHANGE_DOUBT, /* .to: trust verdict bits; 0 = trusted again */
};

struct policy_change {
    enum policy_change_kind kind;
    uint8_t id;
    uint8_t from, to;
    uint8_t reason;
    uint32_t value;
};

enum {
    POLICY_CHANGES_MAX = 32,
    POLICY_RESTART_MS = 10000,
    POLICY_HURRY_MS = 100, /* the BMS measures every 100 ms */
    POLICY_HURRY_OPENING_MS = 50,
    POLICY_INCOMPLETE_MS = 5000, /* settings take a moment to be read: only then worth a word */
};

struct policy {
    struct policy_config config;
    struct trust trust;
    struct freshness freshness;
    struct stage_machine stage;
    struct rest rest;
    struct protection protection;
    struct pack_watch watch;
    struct charge_machine charge;
    struct charge_end charge_end;
    struct charge_voltage charge_voltage;
    struct current_limits current_limits;
    struct alarm_machine alarm;
    struct battery sample; /* the last good one: what every output shows */
    bool have_sample;
    uint64_t good_ms;   /* when it came */
    uint8_t doubt_bits; /* of the last sample, enum trust_doubt */
    uint8_t doubt_told; /* as last noted */
    uint64_t whole_ms;  /* the last sample that was not incomplete */
    struct limits limits;
    struct alarms alarms;
    bool link_poor; /* told by the gateway */
    struct policy_change change[POLICY_CHANGES_MAX];
    uint8_t change_first, change_count;
    uint32_t changes_dropped;
};

void policy_init(struct policy *p, const struct policy_config *cfg, uint64_t now_ms);
void policy_configure(struct policy *p, const struct policy_config *cfg, uint64_t now_ms);

/* A fast sample from the BMS, not trusted yet. True when it became p->sample. */
bool policy_handle_sample(struct policy *p, const struct battery *sample, uint64_t now_ms);
/* The link answers less than half of the time (or does again). */
void policy_set_link_poor(struct policy *p, bool poor, uint64_t now_ms);

/* The gateway restarts the BMS itself: age stands still for POLICY_RESTART_MS, once per silence. */
void policy_expect_restart(struct policy *p, uint64_t now_ms);
/* How long no GX has been there (0: one is). In low-power mode this is what lets the BMS sleep, and
 * a GX wakes it. */
void policy_set_gx_absent(struct policy *p, uint64_t gx_absent_ms, uint64_t now_ms);
/* A command of the user wakes a resting BMS. */
void policy_wake(struct policy *p, uint64_t now_ms);
static inline bool policy_resting(const struct policy *p) {
    return p->stage.stage == STAGE_RESTING;
}

/* Samples are wanted at least so often, however long the usual interval; 0: it will do. Nothing
 * goes out yet, limits are closing, or a value that jumped waits to be seen again: as often as the
 * BMS measures. Limits are opening: more often, because they rise with samples alone. */
uint32_t policy_hurry_ms(const struct policy *p);

/* The age of what is known, in ms; UINT64_MAX before the first good sample. */
uint64_t policy_age_ms(const struct policy *p, uint64_t now_ms);

/* Lets time act; returns the next time it wants to be called. */
uint64_t policy_step(struct policy *p, uint64_t now_ms);

/* The next change, oldest first; false when there is none. */
bool policy_next_change(struct policy *p, struct policy_change *out);

#endif
