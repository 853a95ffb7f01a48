/* SPDX-License-Identifier: MIT */
/* Scenario sentences done to a virtual BMS and its pack.
 *
 * A lie covers a register without the BMS knowing: it goes on measuring and guarding with the
 * truth, as a device does whose one input or whose wire is wrong. */
#include <string.h>

#include "sim/scenario.h"

enum {
    LIVE_WORDS = 54,
    REGISTER_CLOCK = 32,
    REGISTER_VOLTAGE = 36,
    REGISTER_CURRENT = 38,
    REGISTER_SOC = 46,
    REGISTER_STATUS = 50,
    NO_SENSOR = 0x8000,
    SECOND_US = 1000000,
};

/* ---- before the start ---- */

static void configure(struct sim_bms_config *cfg, const struct scenario_line *line) {
    switch ((int)line->verb) {
    case SCENARIO_CHEMISTRY_NMC:
        sim_pack_preset(&cfg->pack, SIM_NMC);
        break;
    case SCENARIO_CHEMISTRY_LFP:
        sim_pack_preset(&cfg->pack, SIM_LFP);
        break;
    case SCENARIO_CELLS:
        cfg->pack.cells = (uint8_t)(line->number[0] / 1000);
        break;
    case SCENARIO_CAPACITY:
        cfg->pack.capacity_ah = (double)line->number[0] / 1000.0;
        break;
    case SCENARIO_EVEN_CELLS:
        cfg->pack.capacity_spread = cfg->pack.soc_spread = 0.0;
        break;
    case SCENARIO_SEED:
        cfg->seed = cfg->pack.seed = (uint32_t)(line->number[0] / 1000);
        break;
    case SCENARIO_ORDER_ASCENDING:
        cfg->ascending = true;
        break;
    case SCENARIO_OLD_FIRMWARE:
        cfg->before_revision_d = true;
        break;
    default: /* done when the BMS is there, or the caller's */
        break;
    }
}

void scenario_config(const struct scenario *s, struct sim_bms_config *cfg) {
    for (unsigned i = 0; i < s->givens; i++)
        configure(cfg, &s->given[i]);
}

/* ---- lies ---- */

static void tell(struct scenario_lies *l, const struct sim_bms *b, unsigned reg, uint16_t value) {
    unsigned i = 0;
    if (reg >= SIM_BMS_REGISTERS)
        return;
    while (i < l->count && l->lie[i].reg != reg)
        i++;
    if (i == l->count) {
        l->lie[l->count++].reg = (uint16_t)reg;
        l->lie[i].truth = b->reg[reg];
        l->clock_us = reg == REGISTER_CLOCK ? b->second_us : l->clock_us;
    }
    l->lie[i].value = value;
}

static void tell_float(struct scenario_lies *l, const struct sim_bms *b, unsigned reg, double v) {
    float f = (float)v;
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    tell(l, b, reg, (uint16_t)(bits & 0xFFFFu));
    tell(l, b, reg + 1, (uint16_t)(bits >> 16));
}

static void tell_the_same(struct scenario_lies *l, const struct sim_bms *b, unsigned first,
                          unsigned count) {
    for (unsigned reg = first; reg < first + count; reg++)
        tell(l, b, reg, b->reg[reg]);
}

static void swap(const struct scenario_lies *l, struct sim_bms *b) {
    uint16_t first = b->reg[l->swapped[0]];
    b->reg[l->swapped[0]] = b->reg[l->swapped[1]];
    b->reg[l->swapped[1]] = first;
}

/* The BMS has gone on meanwhile: its clock by the seconds, the rest by a measurement. */
static void tell_truth(struct scenario_lies *l, struct sim_bms *b) {
    bool clock = false;
    for (unsigned i = 0; i < l->count; i++) {
        b->reg[l->lie[i].reg] = l->lie[i].truth;
        clock = clock || l->lie[i].reg == REGISTER_CLOCK;
    }
    if (clock && !b->config.faults.freeze)
        sim_bms_put32(b, REGISTER_CLOCK,
                      sim_bms_get32(b, REGISTER_CLOCK) +
                          (uint32_t)((b->second_us - l->clock_us) / SECOND_US));
    if (l->swapped_us == b->measured_us)
        swap(l, b);
    l->count = 0;
    l->swapped[0] = l->swapped[1] = 0;
    sim_bms_measure(b, 0.0);
}

void scenario_player_lie(struct scenario_player *p, struct sim_bms *b) {
    struct scenario_lies *l = &p->lies;
    if (l->swapped[0] != l->swapped[1] && l->swapped_us != b->measured_us) {
        swap(l, b);
        l->swapped_us = b->measured_us;
    }
    for (unsigned i = 0; i < l->count; i++)
        b->reg[l->lie[i].reg] = l->lie[i].value;
}

static unsigned temperature_register(int64_t sensor_milli) {
    static const unsigned reg[] = {48, 42, 43}; /* internal, external 1 and 2 */
    return reg[sensor_milli / 1000];
}

static unsigned cell_register(const struct sim_bms *b, int64_t cell_milli) {
    return sim_bms_cell_register(b, (unsigned)(cell_milli / 1000) - 1);
}

/* True when the sentence is a lie, or the end of them. */
static bool lie(struct scenario_lies *l, struct sim_bms *b, const struct scenario_line *line) {
    const int64_t *n = line->number;
    switch ((int)line->verb) {
    case SCENARIO_REGISTER_READS:
        tell(l, b, (unsigned)(n[0] / 1000), (uint16_t)(n[1] / 1000));
        return true;
    case SCENARIO_REGISTERS_READ:
        for (int64_t reg = n[0] / 1000; reg <= n[1] / 1000; reg++)
            tell(l, b, (unsigned)reg, (uint16_t)(n[2] / 1000));
        return true;
    case SCENARIO_CELL_READS:
        tell(l, b, cell_register(b, n[0]), (uint16_t)(n[1] / 100));
        return true;
    case SCENARIO_CELLS_SWAPPED:
        if (n[0] / 1000 > b->pack.config.cells || n[1] / 1000 > b->pack.config.cells)
            return true; /* there are no such cells */
        l->swapped[0] = cell_register(b, n[0]);
        l->swapped[1] = cell_register(b, n[1]);
        return true;
    case SCENARIO_CELLS_STUCK:
        tell_the_same(l, b, 0, SIM_CELLS_MAX);
        return true;
    case SCENARIO_VOLTAGE_READS:
        tell_float(l, b, REGISTER_VOLTAGE, (double)n[0] / 1000.0);
        return true;
    case SCENARIO_CURRENT_READS:
        tell_float(l, b, REGISTER_CURRENT, (double)n[0] / 1000.0);
        return true;
    case SCENARIO_CURRENT_STUCK:
        tell_the_same(l, b, REGISTER_CURRENT, 2);
        return true;
    case SCENARIO_SOC_READS:
        tell(l, b, REGISTER_SOC, (uint16_t)(n[0] * 1000 & 0xFFFF));
        tell(l, b, REGISTER_SOC + 1, (uint16_t)(n[0] * 1000 >> 16));
        return true;
    case SCENARIO_STATUS_READS:
        tell(l, b, REGISTER_STATUS, (uint16_t)n[0]);
        return true;
    case SCENARIO_TEMPERATURE_READS:
        tell(l, b, temperature_register(n[0]), (uint16_t)(n[1] / 100));
        return true;
    case SCENARIO_TEMPERATURE_STUCK:
        tell_the_same(l, b, temperature_register(n[0]), 1);
        return true;
    case SCENARIO_TEMPERATURE_ABSENT:
        tell(l, b, temperature_register(n[0]), NO_SENSOR);
        return true;
    case SCENARIO_FREEZE_BUT_CLOCK:
        tell_the_same(l, b, 0, REGISTER_CLOCK);
        tell_the_same(l, b, REGISTER_CLOCK + 2, LIVE_WORDS - REGISTER_CLOCK - 2);
        return true;
    case SCENARIO_TELL_TRUTH:
        tell_truth(l, b);
        return true;
    default:
        return false;
    }
}

/* ---- the wire and the device ---- */

static uint32_t cpct(int64_t milli_percent) {
    return (uint32_t)(milli_percent / 10);
}

/* True when the sentence is about faults of the wire. */
static bool spoil(struct sim_bms_faults *f, const struct scenario_line *line) {
    switch ((int)line->verb) {
    case SCENARIO_MUTE:
    case SCENARIO_ANSWER:
        f->mute = line->verb == SCENARIO_MUTE;
        return true;
    case SCENARIO_DROP:
        f->drop_cpct = cpct(line->number[0]);
        return true;
    case SCENARIO_CORRUPT:
        f->corrupt_cpct = cpct(line->number[0]);
        return true;
    case SCENARIO_NOISE:
        f->noise_cpct = cpct(line->number[0]);
        return true;
    case SCENARIO_TRUNCATE:
        f->truncate_cpct = cpct(line->number[0]);
        return true;
    case SCENARIO_NACK:
        f->nack_cpct = cpct(line->number[0]);
        return true;
    case SCENARIO_FRAGMENT:
    case SCENARIO_WHOLE:
        f->fragment = line->verb == SCENARIO_FRAGMENT;
        return true;
    case SCENARIO_CHATTER:
    case SCENARIO_QUIET:
        f->chatter = line->verb == SCENARIO_CHATTER;
        return true;
    case SCENARIO_REFUSE_RESERVED:
    case SCENARIO_ACCEPT_RESERVED:
        f->refuse_reserved = line->verb == SCENARIO_REFUSE_RESERVED;
        return true;
    default:
        return false;
    }
}

/* True when the sentence is about the state of the device. */
static bool treat(struct scenario_lies *l, struct sim_bms *b, const struct scenario_line *line,
                  uint64_t now_us) {
    switch ((int)line->verb) {
    case SCENARIO_FREEZE:
        b->config.faults.freeze = true;
        return true;
    case SCENARIO_THAW:
        b->config.faults.freeze = false;
        tell_truth(l, b);
        return true;
    case SCENARIO_SLEEP:
        b->asleep = true;
        b->called = false;
        b->request_len = 0;
        return true;
    case SCENARIO_MAY_SLEEP:
    case SCENARIO_STAY_AWAKE:
        b->config.sleeps = line->verb == SCENARIO_MAY_SLEEP;
        return true;
    case SCENARIO_BMS_RESTART:
        b->deaf_until_us = now_us + (uint64_t)line->number[0] * 1000;
        b->request_len = 0;
        sim_bms_restarted(b, 5);
        return true;
    case SCENARIO_REGISTER_SET:
        b->reg[line->number[0] / 1000] = (uint16_t)(line->number[1] / 1000);
        return true;
    case SCENARIO_HEAL:
        memset(&b->config.faults, 0, sizeof b->config.faults);
        tell_truth(l, b);
        b->asleep = b->called = false;
        b->deaf_until_us = 0;
        return true;
    default:
        return false;
    }
}

/* ---- the battery ---- */

static void set_soc(struct sim_bms *b, double soc) {
    b->soc = soc;
    for (unsigned i = 0; i < b->pack.config.cells; i++)
        b->pack.cell[i].soc = soc;
}

/* True when the sentence is about the battery. */
static bool change_pack(struct sim_bms *b, const struct scenario_line *line) {
    const int64_t *n = line->number;
    switch ((int)line->verb) {
    case SCENARIO_PACK_CELL:
        if (n[0] / 1000 <= b->pack.config.cells)
            sim_pack_set_cell(&b->pack, (unsigned)(n[0] / 1000) - 1, (double)n[1] / 1e6);
        return true;
    case SCENARIO_PACK_CELLS:
        for (unsigned i = 0; i < b->pack.config.cells; i++)
            sim_pack_set_cell(&b->pack, i, (double)n[0] / 1e6);
        return true;
    case SCENARIO_PACK_TEMPERATURE:
        sim_pack_set_temperature(&b->pack, (double)n[0] / 1000.0);
        return true;
    case SCENARIO_PACK_CURRENT:
        b->pack.config.profile = SIM_PROFILE_CONSTANT;
        b->pack.wanted_a = (double)n[0] / 1000.0;
        return true;
    case SCENARIO_PACK_SOC:
        set_soc(b, (double)n[0] / 1e5);
        return true;
    case SCENARIO_PACK_DAY:
        b->pack.config.profile = SIM_PROFILE_DAY;
        return true;
    case SCENARIO_PACK_CYCLE:
        b->pack.config.profile = SIM_PROFILE_CYCLE;
        return true;
    default:
        return false;
    }
}

/* ---- the player ---- */

static void perform(struct scenario_player *p, struct sim_bms *b, const struct scenario_line *line,
                    uint64_t now_us) {
    (void)(lie(&p->lies, b, line) || spoil(&b->config.faults, line) ||
           treat(&p->lies, b, line, now_us) || change_pack(b, line));
}

void scenario_player_init(struct scenario_player *p, const struct scenario *s, struct sim_bms *b,
                          uint64_t now_us) {
    memset(p, 0, sizeof *p);
    p->scenario = s;
    p->start_us = now_us;
    for (unsigned i = 0; i < s->givens; i++)
        perform(p, b, &s->given[i], now_us);
    sim_bms_measure(b, 0.0); /* the first answer already shows it */
    scenario_player_lie(p, b);
}

uint64_t scenario_player_due_us(const struct scenario_player *p) {
    return p->next < p->scenario->actions ? p->start_us + p->scenario->action[p->next].from_us
                                          : UINT64_MAX;
}

const struct scenario_line *scenario_player_next(struct scenario_player *p, struct sim_bms *b,
                                                 uint64_t now_us) {
    if (scenario_player_due_us(p) > now_us)
        return NULL;
    const struct scenario_line *line = &p->scenario->action[p->next++];
    perform(p, b, line, now_us);
    scenario_player_lie(p, b);
    return line;
}
