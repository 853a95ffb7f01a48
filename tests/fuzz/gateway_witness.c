/* SPDX-License-Identifier: MIT */
/* What the documents forbid, seen from outside: from the bytes of the two wires, the clock, and
 * what the gateway itself says that it knows. */
#include <string.h>

#include "gateway_world.h"

enum {
    LIVE_WORDS = 54,
    CELL_WORDS = 16,
    GOOD_SAMPLES = 3,
    ID_LIMITS = 0x351,
    ID_ALARMS = 0x35A,
};

static bool crc_holds(const uint8_t *p, size_t n) {
    return fuzz_crc(p, n - 2) == (p[n - 2] | p[n - 1] << 8);
}

/* ---- towards the BMS ---- */

void witness_request(struct world *w, const uint8_t *bytes, size_t n) {
    struct witness *x = &w->witness;
    must(w->uart_up, "nothing is sent to a link that is down");
    must(n >= 5 && bytes[0] == 0xAA && crc_holds(bytes, n), "a request is whole and good");
    must(bytes[1] == 0x03 || bytes[1] == 0x10 || bytes[1] == 0x02, "a request is one of three");
    must(bytes[1] == 0x03 || x->orders > 0, "only a user's command writes or resets");
    if (bytes[1] == 0x10) {
        const unsigned first = bytes[2] * 256u + bytes[3];
        must(first >= 300 && first + bytes[5] <= 400, "only settings of the BMS are written");
    }
    memcpy(x->request, bytes, n);
    x->request_n = n;
    x->heard_n = 0;
}

/* ---- from the BMS ---- */

static void take_reply(struct world *w, const uint8_t *words, unsigned addr, unsigned n) {
    struct witness *x = &w->witness;
    for (unsigned i = 0; i < n && addr + i < WORLD_REGISTERS; i++) {
        x->known[addr + i] = true;
    }
    (void)words;
    if (addr + n > 32 && addr < LIVE_WORDS) { /* the second half of a sample ends it, too */
        x->live_replies++;
        x->live_ms = w->now_ms;
    }
}

/* Every good reply to the pending read, wherever it lies in what was heard. */
void witness_bytes(struct world *w, const uint8_t *bytes, size_t n) {
    struct witness *x = &w->witness;
    if (n > sizeof x->heard) {
        bytes += n - sizeof x->heard;
        n = sizeof x->heard;
    }
    if (x->heard_n + n > sizeof x->heard) {
        const size_t keep = sizeof x->heard - n;
        memmove(x->heard, x->heard + x->heard_n - keep, keep);
        x->heard_n = keep;
    }
    const size_t before = x->heard_n;
    memcpy(x->heard + x->heard_n, bytes, n);
    x->heard_n += n;
    if (x->request[1] != 0x03) {
        return;
    }
    const unsigned addr = x->request[2] * 256u + x->request[3], count = x->request[5];
    const size_t length = 5 + 2u * count;
    for (size_t at = 0; at + length <= x->heard_n; at++) {
        const uint8_t *p = x->heard + at;
        if (at + length > before && p[0] == 0xAA && p[1] == 0x03 && p[2] == 2 * count &&
            crc_holds(p, length)) {
            take_reply(w, p + 3, addr, count);
        }
    }
}

/* A cut-off as the BMS tells it, or as it told it before its settings were read anew; 0: never. */
static uint16_t cutoff_mv(const struct world *w, enum battery_field field) {
    const struct battery *b = tinybms_battery(&w->gateway.bms);
    const struct policy *p = &w->gateway.policy;
    b = battery_has(b, field) || !p->have_sample ? b : &p->sample;
    if (!battery_has(b, field)) {
        return 0;
    }
    return field == BATTERY_OVER_VOLTAGE_CUTOFF ? b->over_voltage_cutoff_mv
                                                : b->under_voltage_cutoff_mv;
}

/* "A dangerous value acts at once, whatever its plausibility." */
void witness_sample(const struct world *w) {
    const struct battery *b = tinybms_battery(&w->gateway.bms);
    const struct limits *l = &w->gateway.policy.limits;
    const uint16_t over_mv = cutoff_mv(w, BATTERY_OVER_VOLTAGE_CUTOFF);
    const uint16_t under_mv = cutoff_mv(w, BATTERY_UNDER_VOLTAGE_CUTOFF);
    uint16_t high = 0, low = UINT16_MAX;
    if (!l->valid || battery_age_ms(b, BATTERY_CELLS, w->now_ms) != 0) {
        return;
    }
    for (unsigned i = 0; battery_has(b, BATTERY_CELLS) && i < b->cell_count; i++) {
        const uint16_t mv = b->cell_mv[i];
        if (mv >= 500 && mv <= 5000) {
            high = mv > high ? mv : high;
            low = mv < low ? mv : low;
        }
    }
    if (high > 0 && over_mv > 0 && high >= over_mv) {
        must(l->ccl_ma == 0, "a cell at its over-voltage cut-off ends charging at once");
    }
    if (low <= under_mv) {
        must(l->dcl_ma == 0, "a cell at its under-voltage cut-off ends discharging at once");
    }
    if (battery_has(b, BATTERY_STATUS) && b->status == 0x9B) {
        must(l->dcl_ma == 0, "the status \"fault\" ends discharging at once");
    }
}

/* ---- towards the GX ---- */

static unsigned u16(const struct victron_frame *f, unsigned at) {
    return f->data[at] | (unsigned)f->data[at + 1] << 8;
}

/* "Nothing goes out on CAN before" a complete sample, and the third good one. */
static void check_complete(const struct witness *x) {
    static const uint16_t needed[] = {300, 301, 307, 315, 316, 317, 318, 319, 320};
    for (unsigned i = 0; i < LIVE_WORDS; i++) {
        const bool reserved = (i >= 16 && i <= 31) || i == 49;
        must(x->known[i] || reserved, "no frame before the live block was read");
    }
    for (unsigned i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        must(x->known[needed[i]], "no frame before the settings of the BMS were read");
    }
    must(x->live_replies >= GOOD_SAMPLES, "no frame before the third good sample");
}

/* In 0.1 of the unit, rounded, saturated; a current over 0 is never told as 0. */
static void check_number(unsigned wire, uint32_t milli, unsigned most, bool current) {
    const uint32_t rounded = (milli + 50) / 100;
    const uint32_t told = rounded > most ? most : rounded;
    must(wire == (current && milli > 0 && told == 0 ? 1 : told), "a limit is told as it is");
}

static void check_limits(const struct world *w, const struct victron_frame *f) {
    const struct gateway *g = &w->gateway;
    const struct limits *l = &g->policy.limits;
    const struct battery *b = &g->policy.sample;
    check_number(u16(f, 0), l->cvl_mv, UINT16_MAX, false);
    check_number(u16(f, 2), l->ccl_ma, INT16_MAX, true);
    check_number(u16(f, 4), l->dcl_ma, INT16_MAX, true);
    must(l->ccl_ma <= b->charge_over_current_ma / 10 * 9 + 9, "CCL is 0.9 x register 318 at most");
    must(l->dcl_ma <= b->discharge_over_current_ma / 10 * 9 + 9,
         "DCL is 0.9 x register 317 at most");
    must(l->cvl_mv <= (uint32_t)b->cell_count * b->fully_charged_mv,
         "CVL is cells x register 300 at most");
}

/* The contract of silence, counted from the last good reply that came over the wire. */
static void check_age(const struct world *w, const struct victron_frame *f) {
    const struct witness *x = &w->witness;
    const struct settings *s = &w->settings[w->current];
    const uint64_t age_ms = w->now_ms - x->live_ms;
    if (w->now_ms < x->excused_ms + s->tinybms.stale_silent_ms) {
        return; /* a restart that was ordered: the age stood still for a while */
    }
    must(age_ms < s->tinybms.stale_silent_ms, "silence");
    if (f->id == ID_LIMITS && age_ms >= s->tinybms.stale_zero_ms) {
        must(u16(f, 2) == 0, "no charging without data");
    }
    if (f->id == ID_LIMITS && age_ms >= s->tinybms.stale_zero_discharge_ms) {
        must(u16(f, 4) == 0, "no discharging without data");
    }
}

void witness_frame(struct world *w, const struct victron_frame *f) {
    struct sim_can_frame frame = {.id = f->id, .len = f->len};
    const enum stage stage = w->gateway.policy.stage.stage;
    must(w->can_up, "no frame to a link that is down");
    must(f->len == 8 && sim_gx_message_index(f->id) >= 0, "a frame is one of the battery's");
    must(stage_speaks(stage) && w->gateway.policy.limits.valid, "a frame in a stage that speaks");
    must(f->id != ID_LIMITS || stage < STAGE_NO_CHARGE || u16(f, 2) == 0, "stage and CCL agree");
    must(f->id != ID_LIMITS || stage < STAGE_NO_DISCHARGE || u16(f, 4) == 0, "stage and DCL agree");
    check_complete(&w->witness);
    check_age(w, f);
    if (f->id == ID_LIMITS) {
        check_limits(w, f);
    }
    memcpy(frame.data, f->data, sizeof frame.data);
    sim_gx_handle_rx(&w->gx, &frame, w->now_ms * 1000);
}

void witness_turn(const struct world *w) {
    const struct witness *x = &w->witness;
    const struct gateway *g = &w->gateway;
    /* time is the script's: all rules but that of the period */
    must(sim_gx_violation_total(&w->gx) == w->gx.violations[SIM_GX_ALARMS_SLOW],
         "a GX finds no rule broken");
    must(x->answered <= x->accepted && x->accepted - x->answered <= TINYBMS_COMMANDS_MAX,
         "each command has one answer");
    must(g->policy.stage.stage < STAGE_COUNT, "the stage is one");
    must(g->policy.limits.valid == stage_speaks(g->policy.stage.stage), "limits hold in a stage");
    must(!g->policy.have_sample || battery_complete(&g->policy.sample), "the sample is complete");
}
