/* SPDX-License-Identifier: MIT */
/* The rules: what a frame may hold, and what should have gone out by now. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "contract.h"

enum {
    STEP_MS = 110,    /* limits are computed anew every 100 ms while they close */
    AT_ONCE_MS = 250, /* that, and the 100 ms between two 0x351 out of turn, and a little */
    ON_TIME_MS = 30,
    SETTLE_MS = 400, /* after the CAN link came back */
    GX_PATIENCE_MS = 3000,
    ALARMS_GAP_MS = 1050,
    ASKED_GAP_MS = 1000,
    FLOOD_FRAMES = 5,
    CLEAN_MS = 2000, /* a line without disturbance for so long */
    PAIR_BMS_INTERNAL = 11,
    PAIR_ONLINE = 29,
    ACTIVE = 1,
    QUIET = 2,
};

#define NEVER UINT64_MAX

const char *contract_rule_text(enum contract_rule r) {
    static const char *const text[CONTRACT_RULES] = {
        [CONTRACT_EARLY] = "frames before the third good sample",
        [CONTRACT_NOT_SILENT] = "frames when nothing may go out",
        [CONTRACT_GAP] = "a frame that must go out is missing",
        [CONTRACT_FOREIGN] = "a frame that is not the battery's",
        [CONTRACT_CHARGE] = "CCL over what is allowed",
        [CONTRACT_DISCHARGE] = "DCL over what is allowed",
        [CONTRACT_RISE] = "a limit rises though no good sample came",
        [CONTRACT_LATE] = "the GX still believes a limit that fell",
        [CONTRACT_CLOSED] = "a limit below nominal without a cause",
        [CONTRACT_CVL] = "CVL outside cells x registers 301 to 300",
        [CONTRACT_CVL_STALE] = "CVL over cells x (register 300 - 100 mV) with old data",
        [CONTRACT_CVL_MOVED] = "CVL moves while limits close",
        [CONTRACT_INVENTED] = "a value that the BMS never had",
        [CONTRACT_OUTDATED] = "a value older than the last good sample",
        [CONTRACT_ALARM_MISSING] = "old data without alarm or offline",
        [CONTRACT_ALARM_FALSE] = "alarm or offline without a cause",
        [CONTRACT_NOT_ASKED] = "a silent BMS is not asked every second",
        [CONTRACT_FLOOD] = "0x351 out of turn too often",
    };
    return text[r];
}

static int u16(const struct sim_can_frame *f, unsigned at) {
    return f->data[at] | f->data[at + 1] << 8;
}

static int i16(const struct sim_can_frame *f, unsigned at) {
    return (int16_t)u16(f, at);
}

static uint64_t since(uint64_t then_ms, uint64_t now_ms) {
    return now_ms > then_ms ? now_ms - then_ms : 0;
}

/* ---- 0x351 ---- */

/* As a limit is rounded to 0.1 A; one over 0 is never rounded to 0. */
static bool over(int wire, double allowed_a) {
    double most = allowed_a * 10.0 + 0.6;
    return wire > 0 && wire > (allowed_a > 0.0 && most < 1.0 ? 1.0 : allowed_a > 0.0 ? most : 0.0);
}

static void check_currents(struct contract *c) {
    double charge_a = contract_charge_a(c, STEP_MS, c->now_ms);
    double discharge_a = contract_discharge_a(c, STEP_MS, c->now_ms);
    unsigned long long age_ms = contract_age_ms(c, c->now_ms);
    if (c->ccl < 0 || over(c->ccl, charge_a))
        contract_violate(c, CONTRACT_CHARGE, "CCL %.1f A, at most %.1f A at age %llu ms",
                         c->ccl / 10.0, charge_a, age_ms);
    if (c->dcl < 0 || over(c->dcl, discharge_a))
        contract_violate(c, CONTRACT_DISCHARGE, "DCL %.1f A, at most %.1f A at age %llu ms",
                         c->dcl / 10.0, discharge_a, age_ms);
}

/* Fresh and calm for as long as a ramp takes, and as long as one may pause; and as long as a limit
 * that the pack itself had lowered needs to come back: a minute's patience and 50 s of rising. */
static void check_open(struct contract *c) {
    if (c->open_since_ms == NEVER ||
        since(c->open_since_ms, c->now_ms) < 9100u + 115000u + c->config.close_ms)
        return;
    int ccl = (int)lround(9.0 * contract_least(c, 318, AT_ONCE_MS));
    int dcl = (int)lround(9.0 * contract_least(c, 317, AT_ONCE_MS));
    if ((c->ccl < ccl - 1 || c->dcl < dcl - 1))
        contract_violate(c, CONTRACT_CLOSED, "CCL %.1f A, DCL %.1f A; nominal %.1f A, %.1f A",
                         c->ccl / 10.0, c->dcl / 10.0, ccl / 10.0, dcl / 10.0);
}

/* "Meanwhile CVL holds; from 15 s it is at most cells x (register 300 - 100 mV)." */
static void check_cvl(struct contract *c) {
    unsigned cells = c->sample[(c->samples - 1) % CONTRACT_SAMPLES].cells;
    double top = cells * contract_most(c, 300, STEP_MS) / 1000.0;
    double bottom = cells * contract_least(c, 301, STEP_MS) / 1000.0;
    top = top > bottom ? top : bottom; /* registers out of order: never one that empties it */
    double stale = top - cells * 0.1, highest_bottom = cells * contract_most(c, 301, STEP_MS) / 1e3;
    double cvl = c->cvl / 10.0;
    bool too_old = contract_too_old(c, c->config.zero_ms, STEP_MS);
    if (cvl > top + 0.06 || cvl < bottom - 0.06)
        contract_violate(c, CONTRACT_CVL, "CVL %.1f V, outside %.1f to %.1f V", cvl, bottom, top);
    if (too_old && cvl > (stale > highest_bottom ? stale : highest_bottom) + 0.06)
        contract_violate(c, CONTRACT_CVL_STALE, "CVL %.1f V, at most %.1f V", cvl, stale);
}

/* "Out of turn, at once: a change of stage, a limit that reaches 0, a fall of at least 10 % of
 * nominal since the last 0x351 (at most every 100 ms)." Whether the bracket is about the fall alone
 * or about all three: one in turn, one fall, a change of stage, and each limit's 0. */
static void check_flood(struct contract *c) {
    static const struct {
        unsigned frames;
        uint64_t within_ms;
    } most[] = {{FLOOD_FRAMES, 99}, {CONTRACT_TOLD, 1000}};
    for (unsigned i = 0; i < sizeof most / sizeof most[0]; i++) {
        if (c->told < most[i].frames)
            continue;
        uint64_t ms = since(c->told_ms[(c->told - most[i].frames) % CONTRACT_TOLD], c->now_ms);
        if (ms < most[i].within_ms)
            contract_violate(c, CONTRACT_FLOOD, "%u 0x351 within %llu ms", most[i].frames + 1,
                             (unsigned long long)ms);
    }
    c->told_ms[c->told++ % CONTRACT_TOLD] = c->now_ms;
}

static void limits_came(struct contract *c, const struct sim_can_frame *f) {
    check_flood(c);
    bool nothing_new = c->sent && c->limits_ms > c->rise_ms;
    bool holds = contract_sure_age_ms(c, c->now_ms) < c->config.zero_ms;
    if (nothing_new && (i16(f, 2) > c->ccl || i16(f, 4) > c->dcl))
        contract_violate(c, CONTRACT_RISE, "CCL %.1f A, DCL %.1f A; were %.1f A, %.1f A",
                         i16(f, 2) / 10.0, i16(f, 4) / 10.0, c->ccl / 10.0, c->dcl / 10.0);
    if (nothing_new && holds && u16(f, 0) != c->cvl)
        contract_violate(c, CONTRACT_CVL_MOVED, "CVL %.1f V, was %.1f V", u16(f, 0) / 10.0,
                         c->cvl / 10.0);
    c->limits_ms = c->now_ms;
    c->sent = true;
    c->cvl = u16(f, 0);
    c->ccl = i16(f, 2);
    c->dcl = i16(f, 4);
    check_currents(c);
    check_open(c);
    check_cvl(c);
}

/* ---- values ---- */

static bool soc_is(const struct contract *c, const struct contract_sample *s,
                   const struct sim_can_frame *f) {
    bool soh_known = s->word[45] != 0 && s->word[45] <= 50000;
    double soh = soh_known ? s->word[45] * 0.002 : c->config.soh_when_unknown;
    return fabs(u16(f, 0) - s->soc_percent) <= 0.51 && fabs(u16(f, 2) - soh) <= 0.51 &&
           fabs(u16(f, 4) / 100.0 - s->soc_percent) <= 0.0051;
}

/* The mean of the external sensors, or the internal one. */
static double temperature_dc(const struct contract_sample *s) {
    if (s->sensor[0] && s->sensor[1])
        return (s->temperature_dc[0] + s->temperature_dc[1]) / 2.0;
    return s->temperature_dc[s->sensor[0] ? 0 : s->sensor[1] ? 1 : 2];
}

static bool sensible_temperatures(const struct contract_sample *s) {
    for (unsigned i = 0; i < 3; i++) {
        if (s->sensor[i] && (s->temperature_dc[i] < -600 || s->temperature_dc[i] > 1500))
            return false;
    }
    return true;
}

static bool measurements_are(const struct contract *c, const struct contract_sample *s,
                             const struct sim_can_frame *f) {
    (void)c;
    return fabs(i16(f, 0) / 100.0 - s->pack_v) <= 0.0061 &&
           fabs(i16(f, 2) / 10.0 - s->pack_a) <= 0.0511 &&
           (!sensible_temperatures(s) || fabs(i16(f, 4) - temperature_dc(s)) <= 0.51);
}

static double extreme_k(const struct contract_sample *s, bool warmest) {
    double best = warmest ? -1e9 : 1e9;
    bool external = s->sensor[0] || s->sensor[1];
    for (unsigned i = 0; i < 3; i++) {
        if (!s->sensor[i] || (i == 2) == external)
            continue;
        double k = s->temperature_dc[i] / 10.0 + 273.15;
        best = (warmest ? k > best : k < best) ? k : best;
    }
    return best;
}

static bool extremes_are(const struct contract *c, const struct contract_sample *s,
                         const struct sim_can_frame *f) {
    (void)c;
    return fabs(u16(f, 0) - s->min_mv) <= 0.51 && fabs(u16(f, 2) - s->max_mv) <= 0.51 &&
           (!sensible_temperatures(s) || (fabs(u16(f, 4) - extreme_k(s, false)) <= 0.51 &&
                                          fabs(u16(f, 6) - extreme_k(s, true)) <= 0.51));
}

typedef bool sample_is(const struct contract *c, const struct contract_sample *s,
                       const struct sim_can_frame *f);

/* "0x355, 0x356, 0x373 repeat the last values until silence, never 0 V or 0 %": each such frame is
 * one good sample, and not an older one than the last that is good beyond doubt. */
static const struct contract_sample *find_sample(const struct contract *c, sample_is *is,
                                                 const struct sim_can_frame *f) {
    unsigned kept = c->samples < CONTRACT_SAMPLES ? c->samples : CONTRACT_SAMPLES;
    for (unsigned back = 1; back <= kept; back++) {
        const struct contract_sample *s = &c->sample[(c->samples - back) % CONTRACT_SAMPLES];
        if (is(c, s, f))
            return s;
    }
    if (c->has_sure && is(c, &c->sure, f))
        return &c->sure;
    return c->has_anchor && is(c, &c->anchor, f) ? &c->anchor : NULL;
}

static void check_values(struct contract *c, const struct sim_can_frame *f, sample_is *is,
                         struct contract_values *before) {
    const struct contract_sample *s = find_sample(c, is, f);
    bool repeats = before->known && memcmp(before->data, f->data, sizeof f->data) == 0;
    bool clean = since(c->noise_ms, c->now_ms) > CLEAN_MS;
    if (s == NULL && !repeats) {
        contract_violate(c, CONTRACT_INVENTED, "0x%03X of no good sample", (unsigned)f->id);
        return;
    }
    before->sample_ms = s != NULL ? s->at_ms : before->sample_ms;
    before->known = true;
    memcpy(before->data, f->data, sizeof f->data);
    if (clean && c->has_sure && before->sample_ms < c->sure.at_ms && c->sure.at_ms < c->now_ms &&
        !is(c, &c->sure, f))
        contract_violate(c, CONTRACT_OUTDATED, "0x%03X of a sample %llu ms before the last one",
                         (unsigned)f->id, (unsigned long long)(c->sure.at_ms - before->sample_ms));
}

/* ---- alarms ---- */

static unsigned pair(const struct sim_can_frame *f, unsigned k) {
    return f->data[k / 4] >> (2 * (k % 4)) & 3u;
}

static void check_offline(struct contract *c, const char *what, bool offline) {
    bool too_old = contract_too_old(c, c->config.zero_ms, ON_TIME_MS);
    bool fine = c->open_since_ms != NEVER && since(c->open_since_ms, c->now_ms) > ON_TIME_MS &&
                contract_sure_age_ms(c, c->now_ms) < c->config.zero_ms;
    if (too_old && !offline)
        contract_violate(c, CONTRACT_ALARM_MISSING, "%s at age %llu ms", what,
                         (unsigned long long)c->worst_age_ms);
    if (fine && offline)
        contract_violate(c, CONTRACT_ALARM_FALSE, "%s though all is well", what);
}

static void alarms_came(struct contract *c, const struct sim_can_frame *f) {
    c->alarms_ms = c->now_ms;
    check_offline(
        c, pair(f, PAIR_BMS_INTERNAL) == ACTIVE ? "alarm BMS internal" : "no alarm BMS internal",
        pair(f, PAIR_BMS_INTERNAL) == ACTIVE);
    check_offline(c, pair(f, PAIR_ONLINE) == QUIET ? "offline in 0x35A" : "not offline in 0x35A",
                  pair(f, PAIR_ONLINE) == QUIET);
}

/* ---- frames ---- */

static bool is_batterys(const struct sim_can_frame *f) {
    static const uint16_t id[] = {0x351, 0x355, 0x356, 0x35A, 0x35E, 0x35F, 0x370,
                                  0x371, 0x372, 0x373, 0x374, 0x375, 0x376, 0x377,
                                  0x378, 0x379, 0x380, 0x381, 0x382};
    for (unsigned i = 0; i < sizeof id / sizeof id[0]; i++) {
        if (f->id == id[i])
            return !f->extended && !f->remote && f->len == 8;
    }
    return false;
}

void contract_frame(struct contract *c, const struct sim_can_frame *f, uint64_t now_ms) {
    contract_let_age(c, now_ms);
    if (!is_batterys(f)) {
        contract_violate(c, CONTRACT_FOREIGN, "0x%03X, %u bytes", (unsigned)f->id, f->len);
        return;
    }
    if (c->phase == CONTRACT_BOOT) {
        contract_violate(c, CONTRACT_EARLY, "0x%03X after %u good samples", (unsigned)f->id,
                         c->good);
        return;
    }
    if (contract_too_old(c, c->config.silent_ms, ON_TIME_MS)) {
        contract_violate(c, CONTRACT_NOT_SILENT, "0x%03X at age %llu ms, %u good samples since",
                         (unsigned)f->id, (unsigned long long)c->worst_age_ms, c->good);
        return;
    }
    c->spoke = true;
    switch (f->id) {
    case 0x351:
        limits_came(c, f);
        break;
    case 0x355:
        check_values(c, f, soc_is, &c->values[0]);
        break;
    case 0x356:
        check_values(c, f, measurements_are, &c->values[1]);
        break;
    case 0x35A:
        alarms_came(c, f);
        break;
    case 0x372:
        check_offline(c, u16(f, 6) == 1 ? "0x372 offline" : "0x372 not offline", u16(f, 6) == 1);
        break;
    case 0x373:
        check_values(c, f, extremes_are, &c->values[2]);
        break;
    default:
        break;
    }
}

/* ---- what should have gone out ---- */

/* "Out of turn, at once: [...] a limit that reaches 0, a fall of at least 10 % of nominal" */
static void check_belief(struct contract *c) {
    double charge_a = contract_charge_a(c, AT_ONCE_MS, c->now_ms);
    double discharge_a = contract_discharge_a(c, AT_ONCE_MS, c->now_ms);
    double tenth_of_charge = charge_a > 0.0 ? 0.09 * contract_most(c, 318, AT_ONCE_MS) : 0.0;
    double tenth_of_discharge = discharge_a > 0.0 ? 0.09 * contract_most(c, 317, AT_ONCE_MS) : 0.0;
    if (over(c->ccl, charge_a + tenth_of_charge))
        contract_violate(c, CONTRACT_LATE, "CCL %.1f A for %llu ms, at most %.1f A for 250 ms",
                         c->ccl / 10.0, (unsigned long long)since(c->limits_ms, c->now_ms),
                         charge_a);
    if (over(c->dcl, discharge_a + tenth_of_discharge))
        contract_violate(c, CONTRACT_LATE, "DCL %.1f A for %llu ms, at most %.1f A for 250 ms",
                         c->dcl / 10.0, (unsigned long long)since(c->limits_ms, c->now_ms),
                         discharge_a);
}

static uint64_t latest(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static void check_gaps(struct contract *c) {
    if (c->speak_since_ms == NEVER)
        return;
    uint64_t from_ms = latest(c->speak_since_ms, c->can_since_ms);
    uint64_t limits_ms = since(latest(from_ms, c->sent ? c->limits_ms : 0), c->now_ms);
    uint64_t alarms_ms = since(latest(from_ms, c->alarms_ms), c->now_ms);
    if (limits_ms > GX_PATIENCE_MS) {
        contract_violate(c, CONTRACT_GAP, "no 0x351 for %llu ms", (unsigned long long)limits_ms);
        c->speak_since_ms = c->now_ms;
    } else if (alarms_ms > ALARMS_GAP_MS) {
        contract_violate(c, CONTRACT_GAP, "no 0x35A for %llu ms", (unsigned long long)alarms_ms);
        c->speak_since_ms = c->now_ms;
    }
}

/* "While silent the BMS is asked at least every second." */
static void check_asked(struct contract *c) {
    uint64_t age_ms = contract_age_ms(c, c->now_ms);
    bool answers = c->replied && since(c->replied_ms, c->now_ms) < c->config.close_ms;
    bool silent = !answers && (c->samples == 0 || age_ms >= c->config.close_ms);
    if (!c->uart_up || !silent || contract_may_rest(c, c->now_ms))
        return;
    uint64_t from_ms = latest(c->asked_ms, latest(c->uart_since_ms, c->rested_ms));
    if (c->samples > 0)
        from_ms = latest(from_ms, c->now_ms - (age_ms - c->config.close_ms));
    if (c->replied)
        from_ms = latest(from_ms, c->replied_ms + c->config.close_ms);
    uint64_t unasked_ms = since(from_ms, c->now_ms);
    if (unasked_ms <= ASKED_GAP_MS + ON_TIME_MS)
        return;
    contract_violate(c, CONTRACT_NOT_ASKED, "not asked for %llu ms",
                     (unsigned long long)unasked_ms);
    c->asked_ms = c->now_ms;
}

void contract_moment(struct contract *c, uint64_t now_ms) {
    contract_let_age(c, now_ms);
    check_asked(c);
    if (!c->can_flows || c->phase == CONTRACT_BOOT || contract_may_rest(c, now_ms))
        return;
    bool silence_due =
        c->phase == CONTRACT_SHUT && c->worst_age_ms + ON_TIME_MS >= c->config.silent_ms;
    bool told = c->sent && c->limits_ms > c->rested_ms;
    if (told && !silence_due && since(c->can_since_ms, now_ms) > SETTLE_MS)
        check_belief(c);
    check_gaps(c);
}

void contract_uart(struct contract *c, bool up, uint64_t now_ms) {
    contract_let_age(c, now_ms);
    c->uart_up = up;
    c->uart_since_ms = now_ms;
    c->replied = false; /* the next reply may be another device's */
    c->asked_count = 0;
    c->held = 0;
}

void contract_can(struct contract *c, bool flows, uint64_t now_ms) {
    contract_let_age(c, now_ms);
    c->can_flows = flows;
    c->can_since_ms = now_ms;
    c->sent = false;
    c->told = 0;
}

void contract_gx(struct contract *c, uint64_t now_ms) {
    contract_let_age(c, now_ms);
    c->gx_heard = true;
    c->gx_ms = now_ms;
}
