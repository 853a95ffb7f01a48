/* SPDX-License-Identifier: MIT */
#include "policy/policy.h"

#include <string.h>

enum {
    STALE_CVL_MARGIN_PER_CELL_MV = 100,
    LOW_CELL_MARGIN_MV = 150, /* over register 301 */
    BULK_SHORT_MV = 5, /* of a cell: a bulk voltage lower by more never makes the BMS say full */
    FULL_SOC_CPCT = 9990,
    SNAP_CPCT = 50, /* at once: more than is ever counted */
};

/* What was learned of a pack, and where its limits stood. */
static void forget_pack(struct policy *p, uint64_t now_ms) {
    pack_watch_init(&p->watch);
    charge_init(&p->charge, now_ms);
    charge_end_init(&p->charge_end);
    charge_voltage_init(&p->charge_voltage);
    current_limits_init(&p->current_limits);
}

void policy_init(struct policy *p, const struct policy_config *cfg, uint64_t now_ms) {
    memset(p, 0, sizeof *p);
    p->whole_ms = now_ms;
    trust_init(&p->trust);
    freshness_init(&p->freshness);
    rest_init(&p->rest, now_ms);
    stage_init(&p->stage);
    protection_init(&p->protection);
    forget_pack(p, now_ms);
    alarm_init(&p->alarm);
    battery_init(&p->sample);
    policy_configure(p, cfg, now_ms);
}

static void note(struct policy *p, struct policy_change c) {
    if (p->change_count == POLICY_CHANGES_MAX) {
        p->changes_dropped++;
        return;
    }
    p->change[(p->change_first + p->change_count) % POLICY_CHANGES_MAX] = c;
    p->change_count++;
}

bool policy_next_change(struct policy *p, struct policy_change *out) {
    if (p->change_count == 0) {
        return false;
    }
    *out = p->change[p->change_first];
    p->change_first = (uint8_t)((p->change_first + 1) % POLICY_CHANGES_MAX);
    p->change_count--;
    return true;
}

static void note_stage(struct policy *p, enum stage from) {
    note(p, (struct policy_change){.kind = POLICY_CHANGE_STAGE,
                                   .from = (uint8_t)from,
                                   .to = (uint8_t)p->stage.stage,
                                   .reason = (uint8_t)p->stage.reason});
}

uint64_t policy_age_ms(const struct policy *p, uint64_t now_ms) {
    return freshness_age_ms(&p->freshness, p->config.stage.close_ms, now_ms);
}

uint32_t policy_hurry_ms(const struct policy *p) {
    if (policy_resting(p)) {
        return 0;
    }
    if (p->stage.stage != STAGE_FRESH || p->doubt_bits != TRUST_OK) {
        return POLICY_HURRY_MS;
    }
    return stage_opening(&p->stage) ? POLICY_HURRY_OPENING_MS : 0;
}

static bool data_too_old(const struct policy *p) {
    return p->stage.stage == STAGE_NO_CHARGE || p->stage.stage == STAGE_NO_DISCHARGE ||
           p->stage.stage == STAGE_SILENT;
}

static uint32_t charge_voltage_mv(const struct policy *p, enum limit_reason *reason) {
    const struct battery *b = &p->sample;
    uint32_t cvl_mv = p->charge_voltage.cvl_mv;
    *reason = p->charge_voltage.reason;
    if (data_too_old(p)) {
        uint32_t full_mv = (uint32_t)b->cell_count * b->fully_charged_mv;
        uint32_t off_mv = (uint32_t)b->cell_count * STALE_CVL_MARGIN_PER_CELL_MV;
        uint32_t stale_mv = full_mv > off_mv ? full_mv - off_mv : 0;
        if (stale_mv < cvl_mv) {
            cvl_mv = stale_mv;
            *reason = LIMIT_STALE_CLOSED;
        }
    }
    uint32_t floor_mv = (uint32_t)b->cell_count * b->fully_discharged_mv;
    return cvl_mv > floor_mv ? cvl_mv : floor_mv; /* never a voltage that empties the battery */
}

static enum limit_reason age_reason(const struct policy *p, const struct current_limit *before,
                                    uint32_t after_ma) {
    if (after_ma >= before->ma) {
        return before->reason;
    }
    if (p->stage.stage == STAGE_FRESH) {
        return LIMIT_OPENING;
    }
    return p->stage.stage == STAGE_CLOSING ? LIMIT_STALE_CLOSING : LIMIT_STALE_CLOSED;
}

static uint32_t charge_current_ma(const struct policy *p, uint64_t now_ms,
                                  enum limit_reason *reason) {
    *reason = protection_charge(&p->protection);
    if (*reason != LIMIT_NOMINAL) {
        return 0;
    }
    const struct current_limit *before = &p->current_limits.charge;
    uint32_t after_ma =
        stage_charge_limit(&p->stage, &p->config.stage, before->ma, policy_age_ms(p, now_ms));
    *reason = age_reason(p, before, after_ma);
    return after_ma;
}

static uint32_t discharge_current_ma(const struct policy *p, uint64_t now_ms,
                                     enum limit_reason *reason) {
    const struct battery *b = &p->sample;
    *reason = protection_discharge(&p->protection);
    if (*reason != LIMIT_NOMINAL) {
        return 0;
    }
    bool low = b->min_cell_mv < b->fully_discharged_mv + LOW_CELL_MARGIN_MV ||
               b->status == BATTERY_STATUS_FAULT;
    const struct current_limit *before = &p->current_limits.discharge;
    uint32_t tenth_ma = current_nominal_ma(b->discharge_over_current_ma) / 10;
    uint32_t after_ma = stage_discharge_limit(&p->stage, &p->config.stage, before->ma, tenth_ma,
                                              low, policy_age_ms(p, now_ms));
    *reason = age_reason(p, before, after_ma);
    return after_ma;
}

static void note_limit(struct policy *p, enum policy_change_kind kind, enum limit_reason from,
                       enum limit_reason to, uint32_t value) {
    if (from != to) {
        note(p, (struct policy_change){
                    .kind = kind, .from = (uint8_t)from, .to = (uint8_t)to, .value = value});
    }
}

static void decide_limits(struct policy *p, uint64_t now_ms) {
    struct limits next = {.valid = false};
    if (stage_speaks(p->stage.stage)) {
        next.valid = true;
        next.cvl_mv = charge_voltage_mv(p, &next.cvl_reason);
        next.ccl_ma = charge_current_ma(p, now_ms, &next.ccl_reason);
        next.dcl_ma = discharge_current_ma(p, now_ms, &next.dcl_reason);
        next.discharge_voltage_mv = (uint32_t)p->sample.cell_count * p->sample.fully_discharged_mv;
    }
    note_limit(p, POLICY_CHANGE_CVL_REASON, p->limits.cvl_reason, next.cvl_reason, next.cvl_mv);
    note_limit(p, POLICY_CHANGE_CCL_REASON, p->limits.ccl_reason, next.ccl_reason, next.ccl_ma);
    note_limit(p, POLICY_CHANGE_DCL_REASON, p->limits.dcl_reason, next.dcl_reason, next.dcl_ma);
    p->limits = next;
}

static void note_alarm_levels(struct policy *p, enum policy_change_kind kind, const uint8_t *was,
                              const uint8_t *is) {
    for (unsigned id = 0; id < ALARM_COUNT; id++) {
        if ((was[id] == ALARM_ACTIVE) != (is[id] == ALARM_ACTIVE)) {
            note(p, (struct policy_change){
                        .kind = kind, .id = (uint8_t)id, .from = was[id], .to = is[id]});
        }
    }
}

static void decide_alarms(struct policy *p, uint64_t now_ms) {
    struct alarm_input in = {.battery = &p->sample,
                             .config = &p->config.alarm,
                             .silent = data_too_old(p),
                             .link_poor = p->link_poor};
    struct alarms next;
    alarm_evaluate(&p->alarm, &in, now_ms, &next);
    next.online = stage_speaks(p->stage.stage) && !data_too_old(p) &&
                  p->sample.status != BATTERY_STATUS_FAULT && !p->protection.fault;
    note_alarm_levels(p, POLICY_CHANGE_ALARM, p->alarms.alarm, next.alarm);
    note_alarm_levels(p, POLICY_CHANGE_WARNING, p->alarms.warning, next.warning);
    p->alarms = next;
}

static void decide(struct policy *p, uint64_t now_ms) {
    decide_limits(p, now_ms);
    decide_alarms(p, now_ms);
}

void policy_configure(struct policy *p, const struct policy_config *cfg, uint64_t now_ms) {
    p->config = *cfg;
    freshness_configure(&p->freshness, cfg->sample_interval_ms);
    decide(p, now_ms);
}

/* An optional live value (a temperature, SOH) that has been nonsense for as long as makes it stale
 * is no value any more. */
static void drop_stale_values(struct battery *b, uint64_t now_ms) {
    for (unsigned f = 0; battery_field_group((enum battery_field)f) == BATTERY_GROUP_LIVE; f++) {
        if (battery_validity(b, (enum battery_field)f, now_ms) == BATTERY_STALE) {
            b->validity[f] = BATTERY_STALE;
        }
    }
}

static void note_doubt(struct policy *p, uint8_t doubt, uint64_t now_ms) {
    p->doubt_bits = doubt;
    if (doubt != TRUST_INCOMPLETE) {
        p->whole_ms = now_ms;
    } else if (now_ms - p->whole_ms < POLICY_INCOMPLETE_MS) {
        return; /* not everything has been read yet: no reason to doubt anything */
    }
    if (doubt != p->doubt_told) {
        note(p, (struct policy_change){
                    .kind = POLICY_CHANGE_DOUBT, .from = p->doubt_told, .to = doubt});
        p->doubt_told = doubt;
    }
}

/* Where the chargers bring the highest cell now: as far as its target, or as CVL lets them. */
static int32_t reachable_mv(const struct policy *p, int32_t target_mv) {
    const struct battery *b = &p->sample;
    if (!p->charge_voltage.any) {
        return target_mv;
    }
    int64_t over_mv = p->watch.feed_in ? CHARGE_VOLTAGE_FEED_IN_MV : 0;
    int64_t pack_mv = p->charge_voltage.cvl_mv + over_mv + p->watch.spread_uv / 1000;
    int32_t by_cvl_mv = (int32_t)(pack_mv / b->cell_count);
    return by_cvl_mv < target_mv ? by_cvl_mv : target_mv;
}

/* Of the good sample before: what to compare the next one with. */
struct pack_marks {
    bool known, counts; /* any; full_charge_count */
    uint8_t cell_count;
    uint16_t fully_charged_mv, soc_cpct, full_charge_count;
};

static struct pack_marks marks_of(const struct policy *p) {
    const struct battery *b = &p->sample;
    return (struct pack_marks){.known = p->have_sample,
                               .counts = battery_has(b, BATTERY_FULL_CHARGE_COUNT),
                               .cell_count = b->cell_count,
                               .fully_charged_mv = b->fully_charged_mv,
                               .soc_cpct = b->soc_cpct,
                               .full_charge_count = b->full_charge_count};
}

/* Status 0x92 shows only while nothing is taken from the battery; that the count of full charges
 * rose, or that the counted charge was set to 100 %, says the same. */
static bool bms_says_full(const struct policy *p, const struct pack_marks *before) {
    const struct battery *b = &p->sample;
    bool counted = battery_has(b, BATTERY_FULL_CHARGE_COUNT) && before->counts &&
                   b->full_charge_count == (uint16_t)(before->full_charge_count + 1u);
    bool snapped = before->known && b->soc_cpct >= FULL_SOC_CPCT &&
                   b->soc_cpct >= before->soc_cpct + SNAP_CPCT;
    return b->status == BATTERY_STATUS_FULLY_CHARGED || counted || snapped;
}

static struct charge_input charge_input(const struct policy *p, bool bms_full, int32_t reachable) {
    const struct battery *b = &p->sample;
    /* at the end of charge it is our own limit that lets so little flow */
    bool tail_counts = battery_has(b, BATTERY_CHARGE_FINISHED_CURRENT) && !p->charge_end.active;
    return (struct charge_input){
        .soc_cpct = b->soc_cpct,
        .bms_full = bms_full,
        .highest_mv = (int32_t)(p->watch.highest_uv / 1000),
        .lowest_mv = (int32_t)(p->watch.lowest_uv / 1000),
        .imbalance_mv = (int32_t)(p->watch.imbalance_uv / 1000),
        .target_mv = reachable,
        .fully_discharged_mv = b->fully_discharged_mv,
        .early_balancing_mv = battery_has(b, BATTERY_EARLY_BALANCING) ? b->early_balancing_mv : 0,
        .current_ma = (int32_t)(p->watch.current_ua / 1000),
        .tail_ma = tail_counts ? b->charge_finished_ma : 0,
    };
}

static bool charge_may_end(const struct policy *p) {
    const struct limit_config *c = &p->config.limit;
    enum charge_state s = p->charge.state;
    int64_t full_mv = (int64_t)p->sample.cell_count * (p->sample.fully_charged_mv - BULK_SHORT_MV);
    return c->states && charge_voltage_bulk_mv(c, &p->sample) >= full_mv &&
           charge_voltage_reaches(c, &p->sample, &p->watch) && s != CHARGE_FLOAT &&
           s != CHARGE_IMBALANCE_HOLD && s != CHARGE_SUSTAIN &&
           p->sample.status != BATTERY_STATUS_FULLY_CHARGED;
}

/* The limits that the pack itself asks for, from a new good sample. */
static void follow_pack(struct policy *p, const struct pack_marks *before, uint64_t now_ms) {
    const struct limit_config *c = &p->config.limit;
    const struct battery *b = &p->sample;
    if (before->cell_count != b->cell_count) {
        forget_pack(p, now_ms);
    } else if (before->fully_charged_mv != b->fully_charged_mv) { /* nothing of before is measure */
        charge_voltage_init(&p->charge_voltage);
        charge_end_init(&p->charge_end);
    }
    pack_watch_handle_sample(&p->watch, b, p->limits.valid ? p->limits.cvl_mv : 0, now_ms);
    int32_t target_mv = charge_voltage_cell_target_mv(c, b, &p->watch, &p->charge_end, now_ms);
    int32_t reachable = reachable_mv(p, target_mv);
    enum charge_state was = p->charge.state;
    struct charge_input in = charge_input(p, bms_says_full(p, before), reachable);
    if (charge_handle_sample(&p->charge, c, &in, now_ms)) {
        note(p, (struct policy_change){.kind = POLICY_CHANGE_CHARGE,
                                       .from = (uint8_t)was,
                                       .to = (uint8_t)p->charge.state,
                                       .reason = (uint8_t)p->charge.reason});
    }
    charge_end_handle_sample(&p->charge_end, b, &p->watch, charge_may_end(p), target_mv, now_ms);
    charge_voltage_handle_sample(&p->charge_voltage, c, b, &p->watch, p->charge.state,
                                 &p->charge_end, now_ms);
    target_mv = charge_voltage_cell_target_mv(c, b, &p->watch, &p->charge_end, now_ms);
    current_limits_handle_sample(&p->current_limits, c, b, &p->watch, p->charge.state,
                                 &p->charge_end, target_mv,
                                 protection_charge(&p->protection) != LIMIT_NOMINAL,
                                 protection_discharge(&p->protection) != LIMIT_NOMINAL, now_ms);
}

/* The BMS's settings are forgotten where another one may be behind the cable: behind a long
 * silence, or a port that was reopened. Until they are read again danger is judged by those of the
 * last good sample, which can only close. */
static void borrow_cutoffs(struct battery *b, const struct battery *last) {
    if (!battery_has(b, BATTERY_OVER_VOLTAGE_CUTOFF)) {
        b->over_voltage_cutoff_mv = last->over_voltage_cutoff_mv;
        b->validity[BATTERY_OVER_VOLTAGE_CUTOFF] = BATTERY_VALID;
    }
    if (!battery_has(b, BATTERY_UNDER_VOLTAGE_CUTOFF)) {
        b->under_voltage_cutoff_mv = last->under_voltage_cutoff_mv;
        b->validity[BATTERY_UNDER_VOLTAGE_CUTOFF] = BATTERY_VALID;
    }
    if (!battery_has(b, BATTERY_OVER_HEAT_CUTOFF)) {
        b->over_heat_cutoff_dc = last->over_heat_cutoff_dc;
        b->validity[BATTERY_OVER_HEAT_CUTOFF] = BATTERY_VALID;
    }
    if (!battery_has(b, BATTERY_LOW_TEMPERATURE_CUTOFF)) {
        b->low_temperature_cutoff_dc = last->low_temperature_cutoff_dc;
        b->validity[BATTERY_LOW_TEMPERATURE_CUTOFF] = BATTERY_VALID;
    }
}

bool policy_handle_sample(struct policy *p, const struct battery *sample, uint64_t now_ms) {
    struct battery fresh = *sample;
    const struct battery *b = &fresh;
    drop_stale_values(&fresh, now_ms);
    uint8_t doubt = trust_judge(&p->trust, b, p->have_sample ? &p->sample : NULL, now_ms);
    bool good = doubt == TRUST_OK;
    enum stage was = p->stage.stage;
    if (!good && p->have_sample) { /* a good one, and so a complete one */
        borrow_cutoffs(&fresh, &p->sample);
    }
    protection_handle_sample(&p->protection, b, good);
    if (good) {
        freshness_handle_good(&p->freshness, b, p->have_sample ? &p->sample : NULL, now_ms);
        rest_handle_sample(&p->rest, b, now_ms);
        const struct pack_marks before = marks_of(p);
        p->sample = *b;
        p->have_sample = true;
        p->good_ms = now_ms;
        follow_pack(p, &before, now_ms);
        if (policy_resting(p) && rest_ends(b)) {
            policy_wake(p, now_ms);
            was = p->stage.stage;
        }
        if (stage_handle_good(&p->stage, &p->config.stage, policy_age_ms(p, now_ms), now_ms)) {
            note_stage(p, was);
        }
    } else {
        stage_handle_doubtful(&p->stage);
    }
    note_doubt(p, doubt, now_ms);
    decide(p, now_ms);
    return good;
}

void policy_set_link_poor(struct policy *p, bool poor, uint64_t now_ms) {
    p->link_poor = poor;
    decide_alarms(p, now_ms);
}

void policy_expect_restart(struct policy *p, uint64_t now_ms) {
    freshness_excuse(&p->freshness, now_ms + POLICY_RESTART_MS, now_ms);
}

void policy_wake(struct policy *p, uint64_t now_ms) {
    if (stage_wake(&p->stage)) {
        rest_init(&p->rest, now_ms);
        note_stage(p, STAGE_RESTING);
        decide(p, now_ms);
    }
}

void policy_set_gx_absent(struct policy *p, uint64_t gx_absent_ms, uint64_t now_ms) {
    if (policy_resting(p)) {
        if (gx_absent_ms == 0 || !p->config.low_power) {
            policy_wake(p, now_ms);
        }
        return;
    }
    enum stage was = p->stage.stage;
    bool fresh = was == STAGE_FRESH && policy_age_ms(p, now_ms) < p->config.stage.close_ms;
    if (p->config.low_power && fresh && /* old data does not say that nobody uses the battery */
        rest_allowed(&p->rest, &p->sample, p->protection.empty, gx_absent_ms, now_ms) &&
        stage_rest(&p->stage)) {
        note_stage(p, was);
        decide(p, now_ms);
    }
}

/* Why the data grows old: nothing comes, or what comes is always the same. */
static enum stage_reason reason_of_age(const struct policy *p, uint64_t now_ms) {
    if (now_ms - p->good_ms >= p->config.stage.close_ms) {
        return STAGE_REASON_NO_GOOD_SAMPLE;
    }
    return freshness_frozen(&p->freshness, p->config.stage.close_ms, now_ms)
               ? STAGE_REASON_FROZEN
               : STAGE_REASON_NOTHING_CHANGES;
}

uint64_t policy_step(struct policy *p, uint64_t now_ms) {
    enum stage was = p->stage.stage;
    uint64_t age_ms = policy_age_ms(p, now_ms);
    if (stage_step(&p->stage, &p->config.stage, age_ms, reason_of_age(p, now_ms))) {
        note_stage(p, was);
    }
    if (p->stage.stage != STAGE_FRESH || was != STAGE_FRESH ||
        alarm_deadline(&p->alarm) <= now_ms) {
        decide(p, now_ms);
    }
    uint64_t wait_ms = stage_wait_ms(&p->stage, &p->config.stage, age_ms);
    uint64_t stage_ms = wait_ms == UINT64_MAX ? UINT64_MAX : now_ms + wait_ms;
    uint64_t alarm_ms = alarm_deadline(&p->alarm);
    return stage_ms < alarm_ms ? stage_ms : alarm_ms;
}
