/* SPDX-License-Identifier: MIT */
/* What the samples lead to: age, phase, dangers, and from them what the limits may be. Each
 * function quotes the sentence that it stands for. */
#include "contract.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    FROZEN_MS = 60000,
    TICK_MS = 1500,
    RAMP_MS = 9000, /* from a tenth to the whole, a tenth a second */
    GOOD_TO_OPEN = 3,
    LOW_CELL_MARGIN_MV = 150,
    SUSPENDED_MS = 10000,
};

#define NEVER UINT64_MAX

void contract_violate(struct contract *c, enum contract_rule rule, const char *format, ...) {
    if (c->violations < CONTRACT_VIOLATIONS) {
        struct contract_violation *v = &c->violation[c->violations];
        va_list arguments;
        v->rule = rule;
        v->at_ms = c->now_ms;
        va_start(arguments, format);
        (void)vsnprintf(v->text, sizeof v->text, format, arguments);
        va_end(arguments);
    }
    c->violations++;
}

/* What does not outlive the gateway's process. */
static void forget(struct contract *c, uint64_t now_ms) {
    c->now_ms = now_ms;
    c->asked_count = 0;
    c->asked_ms = now_ms;
    c->replied = false;
    c->held = 0;
    memset(c->known, 0, sizeof c->known);
    memset(c->zero, 0, sizeof c->zero);
    memset(c->live, 0, sizeof c->live);
    memset(c->values, 0, sizeof c->values);
    memset(c->reg_ms, 0, sizeof c->reg_ms);
    c->reborn_ms = 0;
    c->noise_ms = now_ms;
    c->raw_changed_ms = c->raw_moved_ms = 0;
    c->has_low_half = c->has_sure = c->has_anchor = c->spoke = false;
    c->full_discharge_at_once = false;
    c->samples = c->steps = c->alike = 0;
    c->unsettled = c->has_previous = false;
    c->phase = CONTRACT_BOOT;
    c->good = c->sure_good = 0;
    c->worst_age_ms = 0;
    c->suspended = c->may_suspend = false;
    c->over_voltage = c->under_voltage = c->fault = c->hot = c->cold = c->fault_of_low = false;
    c->danger_ms[0] = c->danger_ms[1] = NEVER;
    memset(c->used, 0, sizeof c->used);
    memset(c->former, 0, sizeof c->former);
    c->used_ms = 0;
    c->speak_since_ms = c->open_since_ms = NEVER;
    c->sent = c->gx_heard = false;
    c->limits_ms = c->alarms_ms = c->rested_ms = 0;
    c->told = 0;
}

void contract_init(struct contract *c, const struct contract_config *cfg, uint64_t now_ms) {
    memset(c, 0, sizeof *c);
    c->config = *cfg;
    c->uart_since_ms = c->can_since_ms = now_ms;
    forget(c, now_ms);
}

void contract_restart(struct contract *c, uint64_t now_ms) {
    forget(c, now_ms);
    c->can_since_ms = now_ms;
}

void contract_configure(struct contract *c, const struct contract_config *cfg, uint64_t now_ms) {
    contract_let_age(c, now_ms);
    c->config = *cfg;
    c->rise_ms = now_ms;
    c->speak_since_ms = c->speak_since_ms == NEVER ? NEVER : now_ms;
    c->open_since_ms = NEVER; /* until the next sample */
    c->can_since_ms = now_ms; /* the schedule may start anew, */
    c->told = 0;              /* and its first 0x351 stand close to the last of the old one */
}

/* ---- age ---- */

static uint64_t since(uint64_t then_ms, uint64_t now_ms) {
    return now_ms > then_ms ? now_ms - then_ms : 0;
}

/* "Frozen: age counts from the last change of anything live. [...] All cells and the current
 * bit-identical for 60 s at more than 5 % of nominal current is frozen even if the counter ticks:
 * that counts as age 5 s, and the steps follow." */
static uint64_t age_by(const struct contract *c, uint64_t changed_ms, uint64_t moved_ms,
                       uint64_t sample_ms, uint64_t now_ms) {
    uint64_t age_ms = since(changed_ms, now_ms);
    uint64_t still_ms = since(moved_ms, now_ms);
    if (since(moved_ms, sample_ms) >= FROZEN_MS &&
        still_ms - FROZEN_MS + c->config.close_ms > age_ms)
        age_ms = still_ms - FROZEN_MS + c->config.close_ms;
    return age_ms;
}

static uint64_t last_ms(const struct contract *c) {
    return c->samples > 0 ? c->sample[(c->samples - 1) % CONTRACT_SAMPLES].at_ms : 0;
}

uint64_t contract_age_ms(const struct contract *c, uint64_t now_ms) {
    uint64_t age_ms = age_by(c, c->alive_ms, c->moved_ms, last_ms(c), now_ms);
    /* "A restart that the gateway itself ordered suspends this for 10 s": the age stands still. */
    if (c->suspended) {
        uint64_t held_ms = c->suspended_age_ms + since(c->suspended_ms + SUSPENDED_MS, now_ms);
        age_ms = held_ms < age_ms ? held_ms : age_ms;
    }
    return age_ms;
}

/* Once in a silence: a second order does not hold the age any longer. */
void contract_order(struct contract *c, uint64_t now_ms) {
    contract_let_age(c, now_ms);
    if (!c->may_suspend)
        return;
    c->suspended_age_ms = contract_age_ms(c, now_ms);
    c->suspended_ms = now_ms;
    c->suspended = true;
    c->may_suspend = false;
}

uint64_t contract_sure_age_ms(const struct contract *c, uint64_t now_ms) {
    return c->has_sure ? age_by(c, c->sure_changed_ms, c->sure_moved_ms, now_ms, now_ms) : NEVER;
}

/* "Asleep on purpose (low-power mode) [...] nothing on CAN": possible only where it is set and no
 * GX is there. */
bool contract_may_rest(const struct contract *c, uint64_t now_ms) {
    return c->config.low_power &&
           (!c->gx_heard || since(c->gx_ms, now_ms) > c->config.keepalive_timeout_ms);
}

bool contract_too_old(const struct contract *c, uint64_t age_ms, uint64_t slack_ms) {
    return c->phase == CONTRACT_SHUT && c->worst_age_ms >= age_ms + slack_ms &&
           since(c->jumped_ms, c->now_ms) >= slack_ms;
}

/* To be called before anything that happens at now_ms: nothing came since the last call. */
void contract_let_age(struct contract *c, uint64_t now_ms) {
    c->now_ms = now_ms;
    bool rests = contract_may_rest(c, now_ms);
    if (rests) {
        c->rested_ms = now_ms;
        c->since_rest = 0;
    }
    uint64_t age_ms = contract_age_ms(c, now_ms);
    if (age_ms > c->age_before_ms + since(c->aged_ms, now_ms))
        c->jumped_ms = now_ms; /* it turns out that nothing had changed for long */
    c->aged_ms = now_ms;
    c->age_before_ms = age_ms;
    if (c->phase == CONTRACT_OPEN && age_ms >= c->config.zero_ms) {
        c->phase = CONTRACT_SHUT;
        c->good = 0;
        c->worst_age_ms = 0;
        c->was_full_at_once = c->full_discharge_at_once;
        /* "A 0x305 or a command wakes it at once and the boot rule applies": to a silence right
         * after it, too */
        c->full_discharge_at_once = c->rested_ms != 0 && c->since_rest < GOOD_TO_OPEN;
    }
    if (c->phase == CONTRACT_SHUT) {
        c->good = age_ms >= c->config.close_ms ? 0 : c->good; /* silence again */
        c->worst_age_ms = age_ms > c->worst_age_ms ? age_ms : c->worst_age_ms;
        c->full_discharge_at_once = c->full_discharge_at_once || rests;
    }
    uint64_t sure_age_ms = contract_sure_age_ms(c, now_ms);
    if (sure_age_ms >= c->config.close_ms)
        c->open_since_ms = NEVER;
    if (sure_age_ms >= c->config.zero_ms)
        c->sure_good = 0;
    if (rests || (c->speak_since_ms != NEVER && sure_age_ms >= c->config.silent_ms)) {
        c->speak_since_ms = NEVER;
        c->sure_good = 0;
    }
}

/* ---- samples ---- */

/* Registers 16-31 and 49 are reserved, but nobody knows what for. */
static bool same_live(const struct contract_sample *a, const struct contract_sample *b) {
    return memcmp(a->word, b->word, sizeof a->word) == 0;
}

static bool same_cells_and_current(const struct contract_sample *a,
                                   const struct contract_sample *b) {
    return memcmp(a->word, b->word, 16 * sizeof a->word[0]) == 0 &&
           memcmp(a->word + 38, b->word + 38, 2 * sizeof a->word[0]) == 0;
}

/* "at more than 5 % of nominal current"; factor: by how much more or less. */
static bool carries_current(const struct contract *c, const struct contract_sample *s,
                            double factor) {
    double nominal_a = 0.9 * (s->pack_a < 0.0 ? c->reg[317] : c->reg[318]);
    double a = s->pack_a < 0.0 ? -s->pack_a : s->pack_a;
    return a > 0.05 * nominal_a * factor;
}

/* Dangers act at once from every sample; only a good one without them lets go. */
static void note_danger(struct contract *c, const struct contract_sample *s) {
    const bool shown[] = {s->over_voltage, s->under_voltage, s->fault, s->hot, s->cold};
    bool *const held[] = {&c->over_voltage, &c->under_voltage, &c->fault, &c->hot, &c->cold};
    for (unsigned i = 0; i < sizeof shown / sizeof shown[0]; i++)
        *held[i] = shown[i] || (*held[i] && !s->possible);
    /* "low battery never sets CCL 0": an empty pack could never be charged again. That it is not
     * empty any more is for a good sample to say. */
    bool firm = s->possible && c->clean && !s->ambiguous && !s->unsettled;
    c->fault_of_low = s->low || (c->fault_of_low && (c->fault || !firm));
    bool charge = c->over_voltage || (c->fault && !c->fault_of_low) || c->hot || c->cold;
    bool discharge = c->under_voltage || c->fault;
    const bool closes[] = {charge, discharge};
    for (unsigned i = 0; i < 2; i++) {
        if (!closes[i])
            c->danger_ms[i] = NEVER;
        else if (c->danger_ms[i] == NEVER)
            c->danger_ms[i] = s->at_ms;
    }
}

/* Longer than this between two samples may be a silence, and no proof that cells stood still. */
static uint64_t pause_ms(const struct contract *c) {
    return c->config.poll_ms + 300;
}

/* "At boot the first frames go out after the third good sample: DCL at its full allowed value at
 * once [...], CCL from 10 % of nominal, + 10 % a second. After silence: three good samples, then
 * both ramp so, DCL from a tenth." */
static void possible_came(struct contract *c, const struct contract_sample *s) {
    c->rise_ms = s->at_ms;
    const struct contract_sample *last =
        c->samples > 0 ? &c->sample[(c->samples - 1) % CONTRACT_SAMPLES] : NULL;
    bool doubtful = s->doubtful || (last != NULL && last->doubtful);
    if (last == NULL || !same_live(s, last) || c->unsettled || doubtful)
        c->changed_ms = s->at_ms;
    /* the BMS's clock is live and ticks once a second: until it is late nothing is frozen */
    c->alive_ms = s->at_ms - c->changed_ms <= TICK_MS ? s->at_ms : c->changed_ms;
    if (c->alive_ms == s->at_ms) {
        c->may_suspend = true;
        c->suspended = c->suspended && s->at_ms <= c->suspended_ms + SUSPENDED_MS;
        c->suspended_age_ms = 0; /* the restart may still come */
    }
    if (last == NULL || !same_cells_and_current(s, last) || !carries_current(c, s, 1.01) ||
        c->unsettled || doubtful || s->ambiguous) /* then there may have been a pause */
        c->moved_ms = s->at_ms;
    else if (s->at_ms - last->at_ms > pause_ms(c)) /* nobody knows whether they stood still */
        c->moved_ms += s->at_ms - last->at_ms;
    c->sample[c->samples++ % CONTRACT_SAMPLES] = *s;
    if (!s->ambiguous && !c->unsettled) {
        c->anchor = *s;
        c->has_anchor = true;
    }
    if (!s->doubtful && memcmp(c->used, c->reg + CONTRACT_SETTINGS_FIRST, sizeof c->used) != 0) {
        memcpy(c->former, c->used, sizeof c->former);
        memcpy(c->used, c->reg + CONTRACT_SETTINGS_FIRST, sizeof c->used);
        c->used_ms = NEVER;
    }
    if (c->used_ms == NEVER && !s->ambiguous && !s->unsettled) /* surely taken over with it */
        c->used_ms = s->at_ms;
    /* a stopped device opens nothing, whatever was ordered */
    bool alive = age_by(c, c->alive_ms, c->moved_ms, s->at_ms, s->at_ms) < c->config.close_ms;
    if (c->phase != CONTRACT_OPEN && alive && ++c->good >= GOOD_TO_OPEN) {
        c->full_discharge_at_once = c->full_discharge_at_once || !c->spoke;
        c->phase = CONTRACT_OPEN;
        c->opened_ms = s->at_ms;
    }
}

static void sure_came(struct contract *c, const struct contract_sample *s) {
    if (!c->has_sure || (!same_live(s, &c->sure) && (!c->has_anchor || !same_live(s, &c->anchor))))
        c->sure_changed_ms = c->raw_changed_ms;
    c->sure_moved_ms = c->has_sure && carries_current(c, s, 0.99) ? c->raw_moved_ms : s->at_ms;
    c->sure = *s;
    c->has_sure = true;
}

void contract_sample_came(struct contract *c, const struct contract_sample *s) {
    note_danger(c, s);
    if (s->sure)
        c->since_rest++;
    else if (c->since_rest < GOOD_TO_OPEN)
        c->since_rest = 0;
    if (s->sure)
        sure_came(c, s); /* it looks at those before */
    if (s->possible)
        possible_came(c, s);
    if (!s->sure) {
        c->sure_good = 0;
        c->open_since_ms = NEVER;
        return;
    }
    if (contract_sure_age_ms(c, s->at_ms) >= c->config.close_ms) {
        c->sure_good = 0;
        return;
    }
    c->sure_good++;
    if (c->sure_good >= GOOD_TO_OPEN && c->speak_since_ms == NEVER &&
        !contract_may_rest(c, s->at_ms))
        c->speak_since_ms = s->at_ms;
    if (!s->calm || c->sure_good < GOOD_TO_OPEN)
        c->open_since_ms = NEVER;
    else if (c->open_since_ms == NEVER)
        c->open_since_ms = s->at_ms;
}

/* ---- what is allowed ---- */

static double of_three(const struct contract *c, unsigned reg, uint64_t slack_ms, bool most) {
    unsigned i = reg - CONTRACT_SETTINGS_FIRST;
    uint16_t v = c->used[i], read = c->reg[reg], former = c->former[i];
    if (c->known[reg] && (most ? read > v : read < v))
        v = read;
    if (former != 0 && since(c->used_ms, c->now_ms) < slack_ms && (most ? former > v : former < v))
        v = former;
    /* 319 and 320 have signs, but nobody asks for their most */
    return v;
}

double contract_most(const struct contract *c, unsigned reg, uint64_t slack_ms) {
    return of_three(c, reg, slack_ms, true);
}

double contract_least(const struct contract *c, unsigned reg, uint64_t slack_ms) {
    return of_three(c, reg, slack_ms, false);
}

/* How much of nominal the ramp allows. */
static double ramp(const struct contract *c, uint64_t now_ms) {
    uint64_t ms = since(c->opened_ms, now_ms);
    return ms >= RAMP_MS ? 1.0 : 0.1 + 0.9 * (double)ms / RAMP_MS;
}

/* What is left of the way from closing to closed: 1 to 0. */
static double left(const struct contract *c, uint64_t age_ms) {
    if (age_ms <= c->config.close_ms)
        return 1.0;
    if (age_ms >= c->config.zero_ms)
        return 0.0;
    return (double)(c->config.zero_ms - age_ms) / (c->config.zero_ms - c->config.close_ms);
}

static bool danger(const struct contract *c, unsigned which, uint64_t slack_ms, uint64_t now_ms) {
    return c->danger_ms[which] != NEVER && since(c->danger_ms[which], now_ms) >= slack_ms;
}

/* Shut for no longer than the slack: what was allowed before may still stand. */
static bool shut(const struct contract *c, uint64_t slack_ms) {
    return c->phase == CONTRACT_BOOT || contract_too_old(c, c->config.zero_ms, slack_ms);
}

/* "5 to 15 s: CCL closes linearly to 0 [...]. 15 s: CCL 0" */
double contract_charge_a(const struct contract *c, uint64_t slack_ms, uint64_t now_ms) {
    uint64_t age_ms = since(slack_ms, contract_age_ms(c, now_ms));
    if (danger(c, 0, slack_ms, now_ms) || shut(c, slack_ms))
        return 0.0;
    double open = ramp(c, now_ms), closing = left(c, age_ms);
    return 0.9 * contract_most(c, 318, slack_ms) * (open < closing ? open : closing);
}

/* "DCL to a tenth. 15 s: [...] DCL 0 too if the last lowest cell was under register 301 + 150 mV or
 * the status was fault. 30 s: DCL 0" */
double contract_discharge_a(const struct contract *c, uint64_t slack_ms, uint64_t now_ms) {
    double nominal = 0.9 * contract_most(c, 317, slack_ms);
    uint64_t age_ms = since(slack_ms, contract_age_ms(c, now_ms));
    if (danger(c, 1, slack_ms, now_ms) || c->phase == CONTRACT_BOOT)
        return 0.0;
    if (shut(c, slack_ms)) {
        const struct contract_sample *s = &c->sample[(c->samples - 1) % CONTRACT_SAMPLES];
        bool low = /* "the last lowest cell" is that of a good sample, and this is surely one */
            !s->ambiguous && !s->unsettled &&
            (s->min_mv < contract_least(c, 301, slack_ms) + LOW_CELL_MARGIN_MV - 0.5 || s->fault);
        bool late = contract_too_old(c, c->config.zero_discharge_ms, slack_ms);
        return low || late ? 0.0 : nominal / 10.0;
    }
    bool full = c->phase == CONTRACT_SHUT ? c->was_full_at_once : c->full_discharge_at_once;
    double open = full ? 1.0 : ramp(c, now_ms);
    double closing = 0.1 + 0.9 * left(c, age_ms);
    return nominal * (open < closing ? open : closing);
}
