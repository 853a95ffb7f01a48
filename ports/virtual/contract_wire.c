/* SPDX-License-Identifier: MIT */
/* The BMS's wire as an observer reads it: requests, replies, and which samples are good.
 *
 * Sources: the vendor's "Communication Protocols, Revision D" (0x03, 0x10, 0x02; the register map)
 * and the design's sentence: "A sample is good when two of three agree: sum of cells, 40/41 against
 * the cells (5 mV), pack voltage (larger of 1 % and 0.3 V); cells within 0.5-5.0 V; steps of more
 * than 10 K or 5 % SOC (without a reason) wait for three repeats." */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "contract.h"
#include "sim/bms.h"

enum {
    SETTINGS_FIRST = 300,
    FAST_LOW = 16,
    FAST_HIGH_FIRST = 32,
    FAST_HIGH = 22,
    STATUS_FULL = 0x92,
    STATUS_FAULT = 0x9B,
    REPEATS = 3,
    ANOTHER_BMS_MS = 12000, /* after such a silence it may be another device */
    CLEAN_MS = 150,         /* without a disturbance before it, a reply is one by every reading */
    SETTLED = 6,
};

static double to_float(const uint16_t *low) {
    uint32_t bits = (uint32_t)low[1] << 16 | low[0];
    float f;
    memcpy(&f, &bits, sizeof f);
    return (double)f;
}

static const uint16_t needed[] = {300, 301, 307, 315, 316, 317, 318, 319, 320};

bool contract_all_known(const struct contract *c) {
    for (unsigned i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (!c->known[needed[i]])
            return false;
    }
    return true;
}

/* The maker's program keeps this order. */
static bool out_of_order(const struct contract *c) {
    return c->reg[316] >= c->reg[301] || c->reg[301] >= c->reg[300] || c->reg[300] >= c->reg[315];
}

bool contract_settings_doubtful(const struct contract *c) {
    for (unsigned i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (c->zero[needed[i]] || c->reg_ms[needed[i]] < c->reborn_ms)
            return true;
    }
    return out_of_order(c);
}

/* Register 53, or what the installer or register 307 says. */
static unsigned cell_count(const struct contract *c, const uint16_t *word) {
    unsigned n = word[53];
    if (n < 4 || n > 16)
        n = c->config.series_cells != 0 ? c->config.series_cells : c->reg[307];
    return n;
}

/* All cells there should be, side by side at either end; false: they cannot be told. */
static bool decode_cells(const struct contract *c, struct contract_sample *s) {
    unsigned first = 16, last = 0, count = 0;
    s->cells = cell_count(c, s->word);
    s->sum_mv = s->max_mv = 0.0;
    s->min_mv = 1e9;
    for (unsigned i = 0; i < 16; i++) {
        double mv = s->word[i] / 10.0;
        if (s->word[i] == 0)
            continue;
        first = i < first ? i : first;
        last = i;
        count++;
        s->sum_mv += mv;
        s->min_mv = mv < s->min_mv ? mv : s->min_mv;
        s->max_mv = mv > s->max_mv ? mv : s->max_mv;
    }
    return count >= 4 && count == s->cells && last - first + 1 == count &&
           (first == 0 || last == 15);
}

static void decode(const struct contract *c, struct contract_sample *s) {
    static const unsigned reg[3] = {42, 43, 48};
    s->pack_v = to_float(&s->word[36]);
    s->pack_a = to_float(&s->word[38]) * (c->config.invert_current ? -1.0 : 1.0);
    s->soc_percent = ((uint32_t)s->word[47] << 16 | s->word[46]) / 1e6;
    for (unsigned i = 0; i < 3; i++) {
        s->temperature_dc[i] = (int16_t)s->word[reg[i]];
        s->sensor[i] = s->word[reg[i]] != 0x8000;
    }
}

static bool near(double a, double b, double tolerance) {
    return fabs(a - b) <= tolerance;
}

/* ---- dangers: of any sample, whatever its plausibility ---- */

static bool possible_cell(double mv) {
    return mv >= 500.0 && mv <= 5000.0;
}

static void note_dangers(const struct contract *c, struct contract_sample *s, bool cells) {
    double high = 0.0, low = 1e9;
    double seen[18];
    unsigned n = 0;
    for (unsigned i = 0; cells && i < 16; i++)
        seen[n++] = s->word[i] / 10.0;
    /* "Two of three agree": the BMS's own extremes are outvoted where cells and pack voltage agree,
     * and the cells where they do not. */
    if (!cells || !near(s->sum_mv, s->pack_v * 1000.0, fmax(s->pack_v * 10.0, 300.0) + 1.0)) {
        seen[n++] = s->word[40];
        seen[n++] = s->word[41];
    }
    for (unsigned i = 0; i < n; i++) {
        if (possible_cell(seen[i])) {
            high = seen[i] > high ? seen[i] : high;
            low = seen[i] < low ? seen[i] : low;
        }
    }
    /* to the millivolt, as limits are: what is half a millivolt short may act or not */
    bool known = c->clean && !contract_settings_doubtful(c);
    s->over_voltage = c->known[315] && known && high >= c->reg[315] + 0.5;
    s->under_voltage = c->known[316] && known && low <= c->reg[316] - 0.5;
    s->fault = c->clean && s->word[50] == STATUS_FAULT;
    s->low = low <= c->reg[316] + 50.0; /* whatever else is doubtful */
    bool external = s->sensor[0] || s->sensor[1];
    int warmest = -10000, coldest = 10000;
    for (unsigned i = 0; i < 3; i++) {
        if (!s->sensor[i] || (i == 2) == external)
            continue;
        if (s->temperature_dc[i] < -600 || s->temperature_dc[i] > 1500)
            continue; /* no battery can be so */
        warmest = s->temperature_dc[i] > warmest ? s->temperature_dc[i] : warmest;
        coldest = s->temperature_dc[i] < coldest ? s->temperature_dc[i] : coldest;
    }
    int hot_dc = 10 * (int16_t)c->reg[319], cold_dc = 10 * (int16_t)c->reg[320];
    s->hot = c->known[319] && known && warmest != -10000 && warmest >= hot_dc;
    s->cold = c->known[320] && known && coldest != 10000 && coldest < cold_dc;
    /* far from everything for which the pack itself asks for less */
    s->calm = high < c->reg[300] - 210.0 && low > c->reg[301] + 400.0 && !s->fault &&
              warmest < hot_dc - 50 && coldest > cold_dc + 50 && warmest < 450 && coldest > 150 &&
              s->pack_v < c->cvl / 10.0 - 0.21 * s->cells;
}

/* ---- is it good? ---- */

/* How many of the three witnesses' agreements hold: sum and pack, extremes and cells, pack and
 * extremes. */
static unsigned agreements(const struct contract_sample *s, double looser) {
    double pack_mv = s->pack_v * 1000.0;
    double tolerance = fmax(pack_mv / 100.0, 300.0) + looser;
    bool sum = near(s->sum_mv, pack_mv, tolerance);
    bool extremes =
        near(s->word[40], s->min_mv, 5.0 + looser) && near(s->word[41], s->max_mv, 5.0 + looser);
    bool pack = pack_mv >= s->word[40] * (double)s->cells - tolerance &&
                pack_mv <= s->word[41] * (double)s->cells + tolerance;
    return (unsigned)sum + (unsigned)extremes + (unsigned)pack;
}

static bool sensible(const struct contract_sample *s) {
    return isfinite(s->pack_v) && s->pack_v > 0.0 && s->pack_v <= 120.0 && isfinite(s->pack_a) &&
           fabs(s->pack_a) <= 2000.0 && s->soc_percent <= 100.0;
}

static bool sensible_temperature(int temperature_dc) {
    return temperature_dc >= -600 && temperature_dc <= 1500;
}

static bool sensible_temperatures(const struct contract_sample *s) {
    for (unsigned i = 0; i < 3; i++) {
        if (s->sensor[i] && !sensible_temperature(s->temperature_dc[i]))
            return false;
    }
    return true;
}

/* A value far from what it was, by this much. A temperature that no battery can have may be a step
 * or be ignored: here it is ignored, and no sample with one is sure. */
static bool jumps(const struct contract_sample *s, const struct contract_sample *was, double kelvin,
                  double percent) {
    bool full = s->word[50] == STATUS_FULL && s->soc_percent >= 99.99;
    if (!full && fabs(s->soc_percent - was->soc_percent) > percent)
        return true;
    for (unsigned i = 0; i < 3; i++) {
        int now_dc = s->temperature_dc[i], was_dc = was->temperature_dc[i];
        if ((s->sensor[i] && !sensible_temperature(now_dc)) ||
            (was->sensor[i] && !sensible_temperature(was_dc)))
            continue;
        if (s->sensor[i] != was->sensor[i] ||
            (s->sensor[i] && abs(now_dc - was_dc) > kelvin * 10.0))
            return true;
    }
    return false;
}

static const struct contract_sample *last_sample(const struct contract *c) {
    return c->samples > 0 ? &c->sample[(c->samples - 1) % CONTRACT_SAMPLES] : NULL;
}

static bool same(const struct contract_sample *a, const struct contract_sample *b) {
    return memcmp(a->word, b->word, sizeof a->word) == 0;
}

/* What surely is a change: to the sample before, to the last that may be good, and to the last that
 * surely is. */
static void note_changes(struct contract *c, const struct contract_sample *s,
                         const struct contract_sample *last) {
    const struct contract_sample *before = &c->previous;
    if (!c->has_previous) {
        c->raw_changed_ms = c->raw_moved_ms = s->at_ms;
        return;
    }
    if (!same(s, before) && (last == NULL || !same(s, last)) &&
        (!c->has_sure || !same(s, &c->sure)))
        c->raw_changed_ms = s->at_ms;
    if (memcmp(s->word, before->word, 16 * sizeof s->word[0]) != 0 ||
        fabs(s->pack_a - before->pack_a) > 0.002)
        c->raw_moved_ms = s->at_ms;
}

/* "steps of more than 10 K or 5 % SOC (without a reason) wait for three repeats". Against which of
 * the samples before is a matter of which of those were good; a value that stands for longer than
 * three repeats is good by every reading. */
static void judge_steps(struct contract *c, struct contract_sample *s) {
    const struct contract_sample *last = last_sample(c);
    note_changes(c, s, last);
    bool alike = c->alike > 0 && s->possible && sensible_temperatures(s) &&
                 !jumps(s, &c->previous, 0.9, 0.4);
    alike = alike && !s->doubtful;
    c->alike = alike ? c->alike + 1 : s->possible && !s->doubtful;
    c->previous = *s;
    c->has_previous = true;
    if (last == NULL)
        return;
    const struct contract_sample *sure = c->has_sure ? &c->sure : last;
    bool steps = !last->doubtful && jumps(s, last, 10.1, 5.01) && jumps(s, sure, 10.1, 5.01);
    if (jumps(s, last, 9.0, 4.5) || jumps(s, sure, 9.0, 4.5) || !sensible_temperatures(s))
        c->unsettled = true;
    if (c->alike >= SETTLED)
        c->unsettled = false;
    s->unsettled = c->unsettled;
    s->sure = s->sure && !c->unsettled;
    c->steps = steps ? c->steps + 1 : 0;
    s->possible = s->possible && (!steps || c->steps >= REPEATS);
    if (s->possible)
        c->steps = 0;
}

void contract_judge(struct contract *c, const uint16_t word[CONTRACT_LIVE_WORDS],
                    struct contract_sample *s, uint64_t now_ms) {
    memset(s, 0, sizeof *s);
    memcpy(s->word, word, sizeof s->word);
    s->at_ms = now_ms;
    decode(c, s);
    bool cells = decode_cells(c, s);
    note_dangers(c, s, cells);
    if (!cells || !sensible(s) || !contract_all_known(c) || s->min_mv < 500.0 ||
        s->max_mv > 5000.0) {
        c->alike = 0;
        return;
    }
    s->doubtful = contract_settings_doubtful(c);
    s->possible = agreements(s, 1.0) >= 1;
    s->ambiguous = agreements(s, -1.0) == 0 || s->doubtful;
    s->sure = agreements(s, -1.0) == 3 && sensible_temperatures(s) && !s->doubtful && c->clean;
    judge_steps(c, s);
}

/* ---- replies ---- */

/* A setting that reads 0 is one that the BMS does not know (320 may be 0 degC): what it said before
 * may still be used or not, so that nothing is sure. */
static void take_settings(struct contract *c, const uint16_t *word) {
    for (unsigned i = 0; i < c->asked_count; i++) {
        unsigned reg = c->asked_addr + i;
        if (reg < SETTINGS_FIRST || reg >= CONTRACT_REGISTERS)
            continue;
        c->zero[reg] = word[i] == 0 && reg != 320;
        c->reg_ms[reg] = c->now_ms;
        if (!c->zero[reg]) {
            c->reg[reg] = word[i];
            c->known[reg] = true;
        }
    }
}

static void take_live(struct contract *c, const uint16_t *word, uint64_t now_ms) {
    struct contract_sample s;
    uint16_t live[CONTRACT_LIVE_WORDS];
    if (c->asked_count == FAST_LOW) {
        memcpy(c->low_half, word, sizeof c->low_half);
        c->has_low_half = true;
        return;
    }
    if (c->asked_count == FAST_HIGH) {
        if (!c->has_low_half)
            return;
        memcpy(live, c->live, sizeof live); /* 16-31 as they were */
        memcpy(live, c->low_half, sizeof c->low_half);
        memcpy(live + FAST_HIGH_FIRST, word, FAST_HIGH * sizeof word[0]);
        c->has_low_half = false;
    } else {
        memcpy(live, word, sizeof live);
    }
    memcpy(c->live, live, sizeof c->live);
    c->live_ms = now_ms;
    contract_judge(c, live, &s, now_ms);
    contract_sample_came(c, &s);
}

static bool is_live(const struct contract *c) {
    return (c->asked_addr == 0 &&
            (c->asked_count == CONTRACT_LIVE_WORDS || c->asked_count == FAST_LOW)) ||
           (c->asked_addr == FAST_HIGH_FIRST && c->asked_count == FAST_HIGH);
}

/* Whether the good reply to the read under way ends with the last byte. */
static void look_for_reply(struct contract *c, uint64_t now_ms) {
    size_t n = 5u + 2u * c->asked_count;
    if (c->asked_count == 0 || c->held < n)
        return;
    const uint8_t *p = c->window + c->held - n;
    if (p[0] != 0xAA || p[1] != 0x03 || p[2] != 2 * c->asked_count ||
        sim_bms_crc(p, n - 2) != (p[n - 2] | p[n - 1] << 8))
        return;
    c->clean = c->held == n && c->noise_ms + CLEAN_MS < now_ms;
    if (c->held > n)
        c->noise_ms = now_ms; /* something else came before it */
    if (!c->replied || (is_live(c) && now_ms - c->live_ms >= ANOTHER_BMS_MS))
        c->reborn_ms = now_ms;
    uint16_t word[128];
    for (unsigned i = 0; i < c->asked_count; i++)
        word[i] = (uint16_t)(p[3 + 2 * i] << 8 | p[4 + 2 * i]);
    if (is_live(c))
        take_live(c, word, now_ms);
    else
        take_settings(c, word);
    c->replied = true;
    c->replied_ms = now_ms;
    c->asked_count = 0;
    c->held = 0;
}

void contract_answered(struct contract *c, const uint8_t *bytes, size_t n, uint64_t now_ms) {
    contract_let_age(c, now_ms);
    for (size_t i = 0; i < n; i++) {
        if (c->held == CONTRACT_WINDOW) {
            memmove(c->window, c->window + CONTRACT_WINDOW / 2, CONTRACT_WINDOW / 2);
            c->held = CONTRACT_WINDOW / 2;
        }
        c->window[c->held++] = bytes[i];
        look_for_reply(c, now_ms);
    }
}

void contract_asked(struct contract *c, const uint8_t *bytes, size_t n, uint64_t now_ms) {
    contract_let_age(c, now_ms);
    c->asked_ms = now_ms;
    if (n < 5 || bytes[0] != 0xAA)
        return;
    uint16_t addr = (uint16_t)(bytes[2] << 8 | bytes[3]);
    uint16_t count = bytes[1] == 0x03 && n == 8 && bytes[5] <= 127 ? bytes[5] : 0;
    if (c->asked_count != 0)
        c->noise_ms = now_ms; /* the one before was not answered */
    if (addr == c->asked_addr && count == c->asked_count)
        return; /* again: a late reply to the first is as good */
    c->asked_addr = addr;
    c->asked_count = count;
}
