/* SPDX-License-Identifier: MIT */
#include "case.h"

#include "property.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const no_yes[] = {"no", "yes", NULL};
static const char *const chemistries[] = {"nmc", "lfp", "lto", NULL};
static const char *const wirings[] = {"single", "dual", "load", NULL};
static const char *const skies[] = {"clear", "broken", "grey", "mixed", "steady", NULL};
static const char *const households[] = {"normal", "heat-pump", "steady", "none", NULL};

/* clang-format off */
const struct house_row house_rows[HOUSE_KEYS] = {
    /*                           key                 unit  preset    min     max    random from, to  whole  words */
    [HOUSE_DAYS]              = {"days",              "",     7.0,  0.01,   400.0,    3.0,   10.0, false, NULL},
    [HOUSE_SEED]              = {"seed",              "",     1.0,   0.0,     4e9,    0.0,    1e9,  true, NULL},
    [HOUSE_STEP_S]            = {"step_s",           "s",     1.0,   0.1,     1.0,    1.0,    1.0, false, NULL},
    [HOUSE_SAMPLE_S]          = {"sample_s",         "s",     1.0,   0.1,    10.0,    1.0,    1.0, false, NULL},
    [HOUSE_CHEMISTRY]         = {"chemistry",         "",     0.0,   0.0,     2.0,    0.0,    2.0,  true, chemistries},
    [HOUSE_CELLS]             = {"cells",             "",     0.0,   0.0,    16.0,    0.0,    0.0,  true, NULL}, /* 0: the chemistry's */
    [HOUSE_CAPACITY_AH]       = {"capacity_ah",     "Ah",   200.0,  10.0,   655.0,   60.0,  400.0, false, NULL},
    [HOUSE_START_SOC]         = {"start_soc",         "",     0.5,   0.0,     1.0,   0.15,   0.85, false, NULL},
    [HOUSE_CAPACITY_SPREAD]   = {"capacity_spread",   "",    0.01,   0.0,     0.2,    0.0,   0.05, false, NULL},
    [HOUSE_SOC_SPREAD]        = {"soc_spread",        "",   0.002,   0.0,     0.2,    0.0,   0.01, false, NULL},
    [HOUSE_WEAK_CELL]         = {"weak_cell",         "",     0.0,   0.0,    16.0,    0.0,   16.0,  true, NULL}, /* 0: none */
    [HOUSE_WEAK_CAPACITY]     = {"weak_capacity",     "",    0.85,   0.3,     1.0,    0.7,    1.0, false, NULL},
    [HOUSE_WEAK_RESISTANCE]   = {"weak_resistance",   "",     1.8,   1.0,    10.0,    1.0,    3.0, false, NULL},
    [HOUSE_IMBALANCE_MV]      = {"imbalance_mv",    "mV",     0.0,   0.0,   500.0,    0.0,  200.0, false, NULL}, /* at the top */
    [HOUSE_RESISTANCE]        = {"resistance",        "",     1.0,   0.2,     5.0,    0.6,    2.0, false, NULL},
    [HOUSE_AMBIENT_C]         = {"ambient_c",     "degC",    20.0, -30.0,    55.0,   -4.0,   32.0, false, NULL},
    [HOUSE_AMBIENT_SWING_C]   = {"ambient_swing_c",  "K",     4.0,   0.0,    20.0,    0.0,    6.0, false, NULL},
    [HOUSE_WIRING]            = {"wiring",            "",     0.0,   0.0,     2.0,    0.0,    2.0,  true, wirings},
    [HOUSE_CHARGE_A]          = {"charge_a",         "A",   140.0,   1.0,   750.0,   40.0,  200.0,  true, NULL}, /* 318 */
    [HOUSE_DISCHARGE_A]       = {"discharge_a",      "A",   150.0,   1.0,   750.0,  120.0,  300.0,  true, NULL}, /* 317 */
    [HOUSE_TAIL_MA]           = {"tail_ma",         "mA",  4000.0, 100.0,  5000.0, 1000.0, 5000.0,  true, NULL}, /* 304 */
    [HOUSE_DISBALANCE_MV]     = {"disbalance_mv",   "mV",    15.0,  15.0,   100.0,   15.0,   40.0,  true, NULL}, /* 308 */
    [HOUSE_RESTART_PERCENT]   = {"restart_percent",  "%",    90.0,  60.0,    95.0,   90.0,   95.0,  true, NULL}, /* 321 */
    [HOUSE_LOW_POWER]         = {"low_power",         "",     0.0,   0.0,     1.0,    0.0,    1.0,  true, no_yes},
    [HOUSE_CELL_NOISE_MV]     = {"cell_noise_mv",   "mV",     0.6,   0.0,    50.0,    0.0,    4.0, false, NULL},
    [HOUSE_CELL_ERROR_MV]     = {"cell_error_mv",   "mV",     0.0,   0.0,    50.0,    0.0,    4.0, false, NULL},
    [HOUSE_CELL_LAG_S]        = {"cell_lag_s",       "s",     0.0,   0.0,    10.0,    0.0,    2.0, false, NULL},
    [HOUSE_CURRENT_NOISE_A]   = {"current_noise_a",  "A",     0.0,   0.0,    10.0,    0.0,    0.6, false, NULL},
    [HOUSE_CURRENT_OFFSET_A]  = {"current_offset_a", "A",     0.0,  -5.0,     5.0,   -0.3,    0.3, false, NULL},
    [HOUSE_SOC_DRIFT]         = {"soc_drift",         "",     0.0,  -1.0,     1.0,   -0.3,    0.3, false, NULL},
    [HOUSE_DELAY_S]           = {"delay_s",          "s",     0.0,   0.0,    15.0,    0.0,    2.0,  true, NULL},
    [HOUSE_LOSS]              = {"loss",              "",     0.0,   0.0,     0.9,    0.0,    0.1, false, NULL}, /* share of samples */
    [HOUSE_GRID]              = {"grid",              "",     1.0,   0.0,     1.0,    0.0,    1.0,  true, no_yes},
    [HOUSE_GRID_LOST_H]       = {"grid_lost_h",      "h",    -1.0,  -1.0,    24.0,   -1.0,   23.0, false, NULL},
    [HOUSE_GRID_LOST_FOR_H]   = {"grid_lost_for_h",  "h",     2.0,   0.0,    24.0,    0.2,    4.0, false, NULL},
    [HOUSE_FEED_IN]           = {"feed_in",           "",     0.0,   0.0,     1.0,    0.0,    1.0,  true, no_yes},
    [HOUSE_IGNORES_CCL]       = {"multi_ignores_ccl", "",     0.0,   0.0,     1.0,    0.0,    1.0,  true, no_yes},
    [HOUSE_KEEP_CHARGED]      = {"keep_charged",      "",     0.0,   0.0,     1.0,    0.0,    1.0,  true, no_yes},
    [HOUSE_SOLAR_W]           = {"solar_w",          "W",  6000.0,   0.0, 50000.0, 2000.0, 9000.0, false, NULL},
    [HOUSE_SOLAR_A]           = {"solar_a",          "A",   120.0,   0.0,  1000.0,   60.0,  200.0, false, NULL},
    [HOUSE_MULTI_W]           = {"multi_w",          "W",  5000.0,   0.0, 50000.0, 3000.0, 8000.0, false, NULL},
    [HOUSE_MULTI_CHARGE_A]    = {"multi_charge_a",   "A",    50.0,   0.0,   500.0,   20.0,   90.0, false, NULL},
    [HOUSE_MINIMUM_SOC]       = {"minimum_soc",       "",     0.1,   0.0,     1.0,   0.05,    0.3, false, NULL},
    [HOUSE_OFFSET_V]          = {"offset_v",         "V",     0.1,   0.0,     1.0,    0.0,    0.1, false, NULL},
    [HOUSE_FASTEST_S]         = {"fastest_s",        "s",     1.0,   0.3,    10.0,    1.0,    1.0, false, NULL},
    [HOUSE_SLOWEST_S]         = {"slowest_s",        "s",     3.0,   0.3,    10.0,    3.0,    3.0, false, NULL},
    [HOUSE_RAMP_A_S]          = {"ramp_a_s",      "A/s",    40.0,   1.0,  1000.0,   20.0,  100.0, false, NULL},
    [HOUSE_RESTART_S]         = {"restart_s",        "s",    10.0,   0.0,   600.0,    5.0,   60.0, false, NULL},
    [HOUSE_LOAD]              = {"load",              "",     0.0,   0.0,     3.0,    0.0,    1.0,  true, households},
    [HOUSE_LOAD_SCALE]        = {"load_scale",        "",     1.5,   0.0,    20.0,    0.5,    1.5, false, NULL},
    [HOUSE_SUN]               = {"sun",               "",     0.0,   0.0,     4.0,    0.0,    3.0,  true, skies},
    [HOUSE_DAY_H]             = {"day_h",            "h",    15.0,   1.0,    24.0,    8.0,   16.0, false, NULL},
    [HOUSE_HEIGHT]            = {"height",            "",     0.9,   0.0,     1.0,    0.4,    1.0, false, NULL},
    [HOUSE_DARK_DAYS]         = {"dark_days",         "",     0.0,   0.0,    30.0,    0.0,    0.0,  true, NULL},
    [HOUSE_START_H]           = {"start_h",          "h",     5.0,   0.0,    24.0,    0.0,   23.0, false, NULL},
    [HOUSE_GX_REBOOT_H]       = {"gx_reboot_h",      "h",    -1.0,  -1.0,    24.0,   -1.0,   23.0, false, NULL},
    [HOUSE_GX_REBOOT_S]       = {"gx_reboot_s",      "s",    90.0,   0.0,  3600.0,   30.0,  180.0, false, NULL},
    [HOUSE_GATEWAY_RESTART_H] = {"gateway_restart_h","h",    -1.0,  -1.0,    24.0,   -1.0,   23.0, false, NULL},
};
/* clang-format on */

void house_case_init(struct house_case *c, const char *name) {
    memset(c, 0, sizeof *c);
    snprintf(c->name, sizeof c->name, "%s", name);
    for (unsigned i = 0; i < HOUSE_KEYS; i++)
        c->value[i] = house_rows[i].preset;
}

static bool value_of(const struct house_row *row, const char *text, double *out) {
    for (unsigned i = 0; row->words != NULL && row->words[i] != NULL; i++) {
        if (strcmp(text, row->words[i]) == 0) {
            *out = i;
            return true;
        }
    }
    char *end;
    *out = strtod(text, &end);
    return row->words == NULL && end != text && *end == '\0' && *out >= row->min &&
           *out <= row->max && (!row->whole || *out == (double)(int64_t)*out);
}

static bool add_setting(struct house_case *c, const char *text, const char **why) {
    if (c->sets == HOUSE_SETS || strlen(text) > HOUSE_SET_MAX) {
        *why = "too many settings, or too long";
        return false;
    }
    snprintf(c->set[c->sets++], HOUSE_SET_MAX + 1, "%s", text);
    return true;
}

static bool allow(struct house_case *c, const char *name, const char **why) {
    for (unsigned p = 0; p < HOUSE_PROPERTIES; p++) {
        if (strcmp(name, house_property_text((enum house_property)p)) == 0) {
            c->allowed |= 1u << p;
            return true;
        }
    }
    *why = "no such promise";
    return false;
}

bool house_case_line(struct house_case *c, const char *line, const char **why) {
    char text[160], key[48], word[64], setting[HOUSE_SET_MAX + 1];
    size_t n = strcspn(line, "#\r\n");
    snprintf(text, sizeof text, "%.*s", (int)(n < sizeof text - 1 ? n : sizeof text - 1), line);
    if (text[strspn(text, " \t")] == '\0')
        return true;
    if (strncmp(text, "set ", 4) == 0 && sscanf(text + 4, "%95s", setting) == 1)
        return add_setting(c, setting, why);
    if (strncmp(text, "allow ", 6) == 0 && sscanf(text + 6, "%95s", setting) == 1)
        return allow(c, setting, why);
    if (sscanf(text, " %47[a-z0-9_] = %63s", key, word) != 2) {
        *why = "not a line of \"key = value\"";
        return false;
    }
    for (unsigned i = 0; i < HOUSE_KEYS; i++) {
        if (strcmp(key, house_rows[i].key) != 0)
            continue;
        *why = "the value is no number, no word of this key, or out of range";
        return value_of(&house_rows[i], word, &c->value[i]);
    }
    *why = "no such key";
    return false;
}

int house_case_read(struct house_case *c, const char *path, const char **why) {
    FILE *f = fopen(path, "r");
    char line[256];
    int number = 0, bad = 0;
    if (f == NULL)
        return -1;
    while (bad == 0 && fgets(line, sizeof line, f) != NULL) {
        number++;
        if (!house_case_line(c, line, why))
            bad = number;
    }
    fclose(f);
    return bad;
}

size_t house_case_print(const struct house_case *c, char *buf, size_t cap) {
    size_t n = 0;
    for (unsigned i = 0; i < HOUSE_KEYS && n < cap; i++) {
        const struct house_row *row = &house_rows[i];
        if (c->value[i] == row->preset)
            continue;
        int made = row->words != NULL
                       ? snprintf(buf + n, cap - n, "%s = %s\n", row->key,
                                  row->words[(unsigned)c->value[i]])
                       : snprintf(buf + n, cap - n, "%s = %.10g\n", row->key, c->value[i]);
        n += made > 0 ? (size_t)made : 0;
    }
    for (unsigned i = 0; i < c->sets && n < cap; i++) {
        int made = snprintf(buf + n, cap - n, "set %s\n", c->set[i]);
        n += made > 0 ? (size_t)made : 0;
    }
    return n < cap ? n : cap;
}
