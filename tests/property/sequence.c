/* SPDX-License-Identifier: MIT */
#include "sequence.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/rng.h"

/* What the end depends on. */
struct draw {
    struct sim_rng rng;
    struct sequence *s;
    uint32_t poll_ms, timeout_ms, retry_delay_ms, close_ms, silent_ms;
    uint32_t end_ms; /* of the faults */
    bool lfp, low_power, settings_lie;
};

static void add(struct draw *d, bool fixed, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void add(struct draw *d, bool fixed, const char *format, ...) {
    struct sequence *s = d->s;
    va_list arguments;
    if (s->lines == SEQUENCE_LINES_MAX)
        return;
    va_start(arguments, format);
    vsnprintf(s->line[s->lines].text, SEQUENCE_LINE_MAX, format, arguments);
    va_end(arguments);
    s->line[s->lines++].fixed = fixed;
}

static uint32_t below(struct draw *d, uint32_t n) {
    return sim_rng_below(&d->rng, n);
}

/* low to high, both included */
static uint32_t in_range(struct draw *d, uint32_t low, uint32_t high) {
    return low + below(d, high - low + 1);
}

static bool one_in(struct draw *d, uint32_t n) {
    return below(d, n) == 0;
}

static uint32_t at_most(uint32_t v, uint32_t most) {
    return v < most ? v : most;
}

static uint32_t at_least(uint32_t v, uint32_t least) {
    return v > least ? v : least;
}

/* ---- settings ---- */

static void add_setting(struct draw *d, const char *key, uint32_t value) {
    add(d, false, "given setting %s=%u", key, (unsigned)value);
}

/* Ages in order, mostly short: a sequence must be able to reach the last of them. */
static void draw_ages(struct draw *d) {
    d->close_ms = 5000;
    d->silent_ms = 60000;
    if (one_in(d, 2))
        return;
    bool long_ones = one_in(d, 8);
    uint32_t least = at_least(3 * d->poll_ms, 2000);
    d->close_ms = in_range(d, least, long_ones ? 30000 : least + 4000);
    uint32_t zero_ms = at_least(d->close_ms + in_range(d, 1, long_ones ? 80000 : 12000), 5000);
    uint32_t zero_discharge_ms = at_most(zero_ms + below(d, long_ones ? 20000 : 10000), 120000);
    d->silent_ms = at_least(zero_discharge_ms + in_range(d, 1, long_ones ? 300000 : 20000), 10000);
    /* all four or none: one alone may not fit to the others' defaults */
    add(d, true, "given setting tinybms.stale_close_ms=%u", (unsigned)d->close_ms);
    add(d, true, "given setting tinybms.stale_zero_ms=%u", (unsigned)zero_ms);
    add(d, true, "given setting tinybms.stale_zero_discharge_ms=%u", (unsigned)zero_discharge_ms);
    add(d, true, "given setting tinybms.stale_silent_ms=%u", (unsigned)d->silent_ms);
}

static void draw_settings(struct draw *d) {
    d->poll_ms = 100;
    d->timeout_ms = 100;
    d->retry_delay_ms = 20;
    if (one_in(d, 3)) {
        static const uint32_t most[] = {200, 500, 1000, 1600};
        d->poll_ms = in_range(d, 20, most[below(d, 4)]);
        add_setting(d, "tinybms.poll_interval_ms", d->poll_ms);
    }
    draw_ages(d);
    if (one_in(d, 3))
        add_setting(d, "victron.pgn_update_interval_ms", in_range(d, 200, 1000));
    if (one_in(d, 6)) {
        d->timeout_ms = in_range(d, 60, 400); /* replies in pieces take 60 ms */
        add_setting(d, "hardware.uart.timeout_ms", d->timeout_ms);
    }
    if (one_in(d, 6))
        add_setting(d, "tinybms.uart_retry_count", below(d, 11));
    if (one_in(d, 6)) {
        d->retry_delay_ms = below(d, 400);
        add_setting(d, "tinybms.uart_retry_delay_ms", d->retry_delay_ms);
    }
    if (one_in(d, 6))
        add_setting(d, "cvl.margin_mv", below(d, 5001));
    if (one_in(d, 6))
        add_setting(d, "victron.keepalive_timeout_ms", in_range(d, 2000, 60000));
    if (one_in(d, 6))
        add_setting(d, "victron.soh_when_unknown", in_range(d, 1, 100));
    if (one_in(d, 8))
        add(d, false, "given setting hardware.uart.invert_current=true");
    d->low_power = one_in(d, 8);
    if (d->low_power)
        add(d, false, "given setting tinybms.low_power=true");
}

static void draw_pack(struct draw *d) {
    add(d, false, "given seed %u", (unsigned)below(d, 1000000));
    d->lfp = one_in(d, 4);
    if (d->lfp)
        add(d, true, "given pack lfp");
    if (one_in(d, 4))
        add(d, false, "given pack of %u cells", (unsigned)in_range(d, 4, 16));
    if (one_in(d, 4))
        add(d, false, "given bms counts up");
    if (one_in(d, 6))
        add(d, false, "given bms of old firmware");
    if (one_in(d, 4))
        add(d, false, "given bms may sleep");
    if (one_in(d, 4))
        add(d, false, "given counters near wrap");
    if (one_in(d, 4)) { /* a wrap of 32 bits in the middle */
        uint64_t wrap_ms = one_in(d, 2) ? 4294967296u : 2147483648u;
        add(d, false, "given clock %llu ms",
            (unsigned long long)(wrap_ms - in_range(d, 1, d->end_ms)));
    }
    if (one_in(d, 2))
        add(d, false, "given pack current %d A", (int)below(d, 41) - 20);
}

/* ---- what goes wrong ---- */

static uint32_t pick(struct draw *d, const uint32_t *from, unsigned n) {
    return from[below(d, n)];
}

#define PICK(d, ...)                                                                               \
    pick(d, (const uint32_t[]){__VA_ARGS__},                                                       \
         sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void fault_of_wire(struct draw *d, double at_s) {
    static const char *const share[] = {"drop", "corrupt", "noise", "truncate", "nack"};
    static const char *const state[] = {"fragment",         "whole", "chatter", "quiet", "freeze",
                                        "freeze but clock", "thaw",  "sleep"};
    switch (below(d, 8)) {
    case 0:
    case 1:
    case 2: { /* mute for a while: from a blink to past the last age */
        uint32_t ms = below(d, PICK(d, 1000, 6000, 20000, 40000, d->silent_ms + 10000));
        add(d, false, "at %.3f s: bms mute", at_s);
        add(d, false, "at %.3f s: bms answer", at_s + ms / 1000.0);
        break;
    }
    case 3:
    case 4: {
        const char *what = share[below(d, 5)];
        add(d, false, "at %.3f s: bms %s %u %%", at_s, what,
            (unsigned)PICK(d, 0, 5, 20, 50, 80, 100));
        break;
    }
    case 5:
    case 6:
        add(d, false, "at %.3f s: bms %s", at_s, state[below(d, 8)]);
        break;
    default:
        add(d, false, "at %.3f s: bms restart for %.1f s", at_s, below(d, 300) / 10.0);
        break;
    }
}

static void lie_of_registers(struct draw *d, double at_s) {
    static const char *const status[] = {"fault",         "idle", "charging",
                                         "fully-charged", "0",    "0xFFFF"};
    uint32_t kind = below(d, 12);
    /* drawn one by one: the order within a call is the compiler's */
    uint32_t cell = in_range(d, 1, 16), reg = below(d, 54), sensor = below(d, 3);
    bool second = one_in(d, 2);
    switch (kind) {
    case 0:
        add(d, false, "at %.3f s: bms registers 0 to 53 read %s", at_s, second ? "0" : "0xFFFF");
        break;
    case 1:
        add(d, false, "at %.3f s: bms register %u reads %u", at_s, (unsigned)reg,
            (unsigned)below(d, 65536));
        break;
    case 2:
    case 3:
        add(d, false, "at %.3f s: bms cell %u reads %u mV", at_s, (unsigned)cell,
            (unsigned)PICK(d, 0, 300, 2450, 2850, 3000, 3600, 4210, 4300, 5100, 6500));
        break;
    case 4:
        add(d, false, "at %.3f s: bms cells %u and %u swapped", at_s, (unsigned)cell,
            (unsigned)in_range(d, 1, 16));
        break;
    case 5:
        add(d, false, "at %.3f s: bms voltage reads %u V", at_s,
            (unsigned)PICK(d, 0, 12, 40, 48, 52, 60, 1000));
        break;
    case 6:
        add(d, false, "at %.3f s: bms current reads %d A", at_s,
            (int)PICK(d, 0, 5, 19, 25, 80, 3000) * (second ? -1 : 1));
        break;
    case 7:
        add(d, false, "at %.3f s: bms soc reads %u %%", at_s,
            (unsigned)PICK(d, 0, 3, 50, 100, 4000));
        break;
    case 8:
        add(d, false, "at %.3f s: bms status reads %s", at_s, status[below(d, 6)]);
        break;
    case 9:
        add(d, false, "at %.3f s: bms temperature %u reads %d degC", at_s, (unsigned)sensor,
            (int)PICK(d, 0, 10, 50, 55, 70, 95, 120, 250) - 50);
        break;
    case 10:
        add(d, false, "at %.3f s: bms temperature %u %s", at_s, (unsigned)sensor,
            second ? "absent" : "stuck");
        break;
    default:
        add(d, false, "at %.3f s: bms %s stuck", at_s, second ? "cells" : "current");
        break;
    }
}

static void lie_of_settings(struct draw *d, double at_s) {
    uint32_t reg = PICK(d, 300, 301, 307, 315, 316, 317, 318, 319, 320);
    uint32_t value = reg == 307   ? PICK(d, 0, 4, 14, 16)
                     : reg >= 319 ? PICK(d, 0, 5, 40, 60)
                     : reg >= 317 ? PICK(d, 0, 10, 40, 100)
                                  : PICK(d, 0, 2800, 3300, 3550, 4000, 4150);
    d->settings_lie = true;
    add(d, false, "at %.3f s: bms register %u reads %u", at_s, (unsigned)reg, (unsigned)value);
}

static void change_of_pack(struct draw *d, double at_s) {
    uint32_t kind = below(d, 5), cell = in_range(d, 1, 16);
    switch (kind) {
    case 0:
        add(d, false, "at %.3f s: pack cell %u at %u mV", at_s, (unsigned)cell,
            d->lfp ? (unsigned)PICK(d, 2400, 2700, 3300, 3500, 3660)
                   : (unsigned)PICK(d, 2850, 3050, 3600, 4100, 4160, 4220));
        break;
    case 1:
        add(d, false, "at %.3f s: pack cells at %u mV", at_s,
            d->lfp ? (unsigned)PICK(d, 2450, 2900, 3300, 3450)
                   : (unsigned)PICK(d, 2850, 3100, 3700, 4100));
        break;
    case 2:
        add(d, false, "at %.3f s: pack temperature %d degC", at_s,
            (int)PICK(d, 0, 20, 23, 45, 75, 86) - 25);
        break;
    case 3:
        add(d, false, "at %.3f s: pack current %d A", at_s, (int)below(d, 161) - 80);
        break;
    default:
        add(d, false, "at %.3f s: pack soc %u %%", at_s, (unsigned)below(d, 101));
        break;
    }
}

static void fault_around(struct draw *d, double at_s) {
    static const char *const gone[] = {"gx absent", "can down", "can stall", "uart down"};
    static const char *const back[] = {"gx present", "can up", "can flow", "uart up"};
    unsigned i = below(d, 4);
    uint32_t ms = below(d, PICK(d, 500, 5000, 30000, 60000));
    add(d, false, "at %.3f s: %s", at_s, gone[i]);
    add(d, false, "at %.3f s: %s", at_s + ms / 1000.0, back[i]);
}

/* A restart may be ordered of a BMS that is silent, and again while it stays so. */
static void order_restarts(struct draw *d, double at_s) {
    if (one_in(d, 2)) {
        uint32_t ms = below(d, d->silent_ms + 10000);
        add(d, false, "at %.3f s: bms mute", at_s);
        add(d, false, "at %.3f s: bms answer", at_s + ms / 1000.0);
    }
    for (unsigned orders = 1 + below(d, 3); orders > 0; orders--) {
        at_s += below(d, 12000) / 1000.0;
        add(d, false, "at %.3f s: gateway restarts bms", at_s);
    }
}

static void act_of_gateway(struct draw *d, double at_s) {
    switch (below(d, 7)) {
    case 0:
    case 1:
        order_restarts(d, at_s);
        break;
    case 2:
        add(d, false, "at %.3f s: gateway %s", at_s,
            one_in(d, 2) ? "clears events" : "reads register 102");
        break;
    case 3:
        add(d, false, "at %.3f s: gateway writes register 304 value %u", at_s,
            (unsigned)in_range(d, 100, 5000));
        break;
    case 4:
        add(d, false, "at %.3f s: gateway set victron.pgn_update_interval_ms=%u", at_s,
            (unsigned)in_range(d, 200, 1000));
        break;
    case 5:
        add(d, false, "at %.3f s: gateway set tinybms.uart_retry_count=%u", at_s,
            (unsigned)below(d, 11));
        break;
    default:
        add(d, false, "at %.3f s: gateway starts again", at_s);
        break;
    }
}

static void draw_fault(struct draw *d) {
    double at_s = below(d, d->end_ms) / 1000.0;
    switch (below(d, 10)) {
    case 0:
    case 1:
    case 2:
    case 3:
        fault_of_wire(d, at_s);
        break;
    case 4:
    case 5:
        lie_of_registers(d, at_s);
        if (one_in(d, 2))
            add(d, false, "at %.3f s: bms tell truth", at_s + below(d, 20000) / 1000.0);
        break;
    case 6:
        if (one_in(d, 3))
            lie_of_settings(d, at_s);
        else
            change_of_pack(d, at_s);
        break;
    case 7:
    case 8:
        fault_around(d, at_s);
        break;
    default:
        act_of_gateway(d, at_s);
        break;
    }
}

/* ---- the end ---- */

/* "Always open again within 15 s": the ramp takes 9 s, three good samples, three repeats of a value
 * that jumped back, and an attempt under way when the line is healed have the rest; slower settings
 * need more, and so do settings of the BMS that are read again after 10 s. What a danger had closed
 * needs a minute's patience and 50 s of rising. */
static uint32_t open_within_ms(const struct draw *d) {
    uint32_t attempt_ms = d->timeout_ms + d->retry_delay_ms;
    uint32_t ms = 15000 + 115000;
    ms += d->poll_ms > 500 ? 6 * d->poll_ms : 0;
    ms += attempt_ms > 300 ? 4 * attempt_ms : 0;
    ms += d->settings_lie ? 12000 : 0;
    return ms;
}

static void heal(struct draw *d) {
    /* what the faults began may end later: heal after all of it */
    double at_s = (d->end_ms + d->silent_ms + 75000) / 1000.0;
    double open_s = at_s + open_within_ms(d) / 1000.0;
    static const char *const healing[] = {"bms heal", "uart up",    "can up",
                                          "can flow", "gx present", "pack current 0 A"};
    for (unsigned i = 0; i < sizeof healing / sizeof healing[0]; i++)
        add(d, true, "at %.3f s: %s", at_s, healing[i]);
    add(d, true, "at %.3f s: pack cells at %u mV", at_s, d->lfp ? 3300u : 3700u);
    add(d, true, "at %.3f s: pack temperature 20 degC", at_s);
    /* an under-voltage cut-off ends by a charger or a restart only */
    add(d, true, "at %.3f s: bms restart for 0.1 s", at_s);
    add(d, true, "between %.3f s and %.3f s: expect open", open_s, open_s + 3.0);
}

void sequence_make(struct sequence *s, uint64_t seed) {
    struct draw d = {.s = s};
    memset(s, 0, sizeof *s);
    sim_rng_init(&d.rng, seed);
    (void)sim_rng_next(&d.rng);
    add(&d, true, "title seed %llu", (unsigned long long)seed);
    d.end_ms = 20000 + below(&d, 120000);
    draw_settings(&d);
    draw_pack(&d);
    for (unsigned faults = 1 + below(&d, 16); faults > 0 && s->lines < SEQUENCE_LINES_MAX - 16;
         faults--)
        draw_fault(&d);
    heal(&d);
}

size_t sequence_print(const struct sequence *s, char *text, size_t cap) {
    size_t n = 0;
    for (unsigned i = 0; i < s->lines; i++) {
        if (s->line[i].dropped)
            continue;
        int length = snprintf(text + n, cap - n, "%s\n", s->line[i].text);
        if (length < 0 || (size_t)length >= cap - n)
            break;
        n += (size_t)length;
    }
    return n;
}
