/* SPDX-License-Identifier: MIT */
/* Thresholds follow the BMS's own settings, so that the GX hears of a danger when the BMS acts on
 * it and is warned before. Sources: the register table; "How a TinyBMS behaves", Protections. */
#include "policy/alarm_table.h"

#include <string.h>

enum {
    BOARD_OVER_HEAT_DC = 900, /* the board switches off over 90 degC whatever register 319 says */
    OUT_OF_RANGE_COLD_DC = -400, /* under -40 degC both switches are off */
    COLD_WARNING_DC = -200,      /* most cells may not be discharged below */
    HEAT_WARNING_MARGIN_DC = 50,
    COLD_CHARGE_WARNING_MARGIN_DC = 30,
    CURRENT_WARNING_PERCENT = 95, /* DCL and CCL are 90 % of the cut-off */
    EVENT_CHARGER_SWITCH_ERROR = 0x0B,
    EVENT_LOAD_SWITCH_ERROR = 0x0C,
    EVENT_SINGLE_PORT_SWITCH_ERROR = 0x0D,
    EVENT_SYSTEM_STARTED = 0x61,
    CONTACTOR_EVENT_HOLD_S = 600, /* how long a switch error is shown once the BMS has left fault */
    BMS_CLOCK_MASK = 0xFFFFFF,    /* events carry 24 bits of the BMS's clock */
};

/* ---- values ---- */

static bool highest_cell_mv(const struct alarm_input *in, int32_t *out) {
    *out = in->battery->max_cell_mv;
    return battery_has(in->battery, BATTERY_CELLS);
}

static bool lowest_cell_mv(const struct alarm_input *in, int32_t *out) {
    *out = in->battery->min_cell_mv;
    return battery_has(in->battery, BATTERY_CELLS);
}

static bool imbalance_mv(const struct alarm_input *in, int32_t *out) {
    *out = in->battery->imbalance_mv;
    return battery_has(in->battery, BATTERY_CELLS);
}

static bool pack_mv(const struct alarm_input *in, int32_t *out) {
    *out = (int32_t)in->battery->pack_mv;
    return battery_has(in->battery, BATTERY_PACK_VOLTAGE);
}

static bool soc_cpct(const struct alarm_input *in, int32_t *out) {
    *out = in->battery->soc_cpct;
    return battery_has(in->battery, BATTERY_SOC);
}

static bool hottest_dc(const struct alarm_input *in, int32_t *out) {
    int16_t lowest;
    int16_t highest;
    int sensor;
    if (battery_temperature_extremes(in->battery, &lowest, &sensor, &highest, &sensor) == 0) {
        return false;
    }
    *out = highest;
    return true;
}

static bool coldest_dc(const struct alarm_input *in, int32_t *out) {
    int16_t lowest;
    int16_t highest;
    int sensor;
    if (battery_temperature_extremes(in->battery, &lowest, &sensor, &highest, &sensor) == 0) {
        return false;
    }
    *out = lowest;
    return true;
}

static bool board_dc(const struct alarm_input *in, int32_t *out) {
    *out = in->battery->internal_temperature_dc;
    return battery_has(in->battery, BATTERY_INTERNAL_TEMPERATURE);
}

static bool discharge_ma(const struct alarm_input *in, int32_t *out) {
    *out = in->battery->pack_ma < 0 ? -in->battery->pack_ma : 0;
    return battery_has(in->battery, BATTERY_PACK_CURRENT);
}

static bool charge_ma(const struct alarm_input *in, int32_t *out) {
    *out = in->battery->pack_ma > 0 ? in->battery->pack_ma : 0;
    return battery_has(in->battery, BATTERY_PACK_CURRENT);
}

static bool status_fault(const struct alarm_input *in, int32_t *out) {
    *out = in->battery->status == BATTERY_STATUS_FAULT;
    return battery_has(in->battery, BATTERY_STATUS);
}

static bool data_silent(const struct alarm_input *in, int32_t *out) {
    *out = in->silent;
    return true;
}

static bool link_poor(const struct alarm_input *in, int32_t *out) {
    *out = in->link_poor;
    return true;
}

/* The newest switch error since the BMS last started; NULL: none. */
static const struct battery_event *switch_error_event(const struct battery *b) {
    for (uint8_t i = 0; i < b->event_count; i++) { /* newest first */
        uint8_t id = b->event[i].id;
        if (id == EVENT_SYSTEM_STARTED) {
            return NULL;
        }
        if (id == EVENT_CHARGER_SWITCH_ERROR || id == EVENT_LOAD_SWITCH_ERROR ||
            id == EVENT_SINGLE_PORT_SWITCH_ERROR) {
            return &b->event[i];
        }
    }
    return NULL;
}

/* By the 24 bits of the clock that an event has: after 194 days it looks new again. */
static bool looks_old(const struct battery *b, const struct battery_event *e) {
    uint32_t age_s = (b->lifetime_s - e->at_s) & BMS_CLOCK_MASK;
    return battery_has(b, BATTERY_LIFETIME) && age_s > CONTACTOR_EVENT_HOLD_S;
}

/* What has been old once stays old. */
static void note_old_switch_error(struct alarm_machine *m, const struct battery *b) {
    const struct battery_event *e = battery_has(b, BATTERY_EVENTS) ? switch_error_event(b) : NULL;
    if (e != NULL && looks_old(b, e)) {
        m->switch_error_old = true;
        m->switch_error_at_s = e->at_s;
    }
}

/* A switch error is shown for as long as the BMS is in fault and for a while after it: the BMS logs
 * no event when a switch works again. */
static bool switch_error(const struct alarm_input *in, int32_t *out) {
    const struct battery *b = in->battery;
    *out = 0;
    if (!battery_has(b, BATTERY_EVENTS)) {
        return false;
    }
    const struct battery_event *e = switch_error_event(b);
    if (e != NULL) {
        bool known_old = in->machine->switch_error_old && in->machine->switch_error_at_s == e->at_s;
        bool recent = !looks_old(b, e) && !known_old;
        *out = recent || b->status == BATTERY_STATUS_FAULT;
    }
    return true;
}

/* ---- thresholds ---- */

static bool yes(const struct alarm_input *in, int32_t *out) {
    (void)in;
    *out = 1;
    return true;
}

static bool register_315(const struct alarm_input *in, int32_t *out) {
    *out = in->battery->over_voltage_cutoff_mv;
    return battery_has(in->battery, BATTERY_OVER_VOLTAGE_CUTOFF);
}

/* Halfway between fully charged (300) and the cut-off (315): a normal charge stays below. */
static bool between_300_and_315(const struct alarm_input *in, int32_t *out) {
    *out = (in->battery->fully_charged_mv + in->battery->over_voltage_cutoff_mv) / 2;
    return battery_has(in->battery, BATTERY_FULLY_CHARGED) &&
           battery_has(in->battery, BATTERY_OVER_VOLTAGE_CUTOFF);
}

static bool register_316(const struct alarm_input *in, int32_t *out) {
    *out = in->battery->under_voltage_cutoff_mv;
    return battery_has(in->battery, BATTERY_UNDER_VOLTAGE_CUTOFF);
}

static bool register_301(const struct alarm_input *in, int32_t *out) {
    *out = in->battery->fully_discharged_mv;
    return battery_has(in->battery, BATTERY_FULLY_DISCHARGED);
}

static bool pack_over_setting(const struct alarm_input *in, int32_t *out) {
    *out = (int32_t)in->config->pack_over_voltage_mv;
    return in->config->pack_over_voltage_mv != 0;
}

static bool pack_under_setting(const struct alarm_input *in, int32_t *out) {
    *out = (int32_t)in->config->pack_under_voltage_mv;
    return in->config->pack_under_voltage_mv != 0;
}

static bool heat_limit(const struct alarm_input *in, int32_t *out) {
    *out = in->config->over_temperature_dc;
    if (*out != 0) {
        return true;
    }
    *out = in->battery->over_heat_cutoff_dc;
    return battery_has(in->battery, BATTERY_OVER_HEAT_CUTOFF);
}

static bool heat_warning(const struct alarm_input *in, int32_t *out) {
    bool known = heat_limit(in, out);
    *out -= HEAT_WARNING_MARGIN_DC;
    return known;
}

static bool board_limit(const struct alarm_input *in, int32_t *out) {
    (void)in;
    *out = BOARD_OVER_HEAT_DC;
    return true;
}

static bool cold_limit(const struct alarm_input *in, int32_t *out) {
    (void)in;
    *out = OUT_OF_RANGE_COLD_DC;
    return true;
}

static bool cold_warning(const struct alarm_input *in, int32_t *out) {
    (void)in;
    *out = COLD_WARNING_DC;
    return true;
}

static bool cold_charge_limit(const struct alarm_input *in, int32_t *out) {
    *out = in->config->low_temperature_charge_dc;
    if (*out != 0) {
        return true;
    }
    *out = in->battery->low_temperature_cutoff_dc;
    return battery_has(in->battery, BATTERY_LOW_TEMPERATURE_CUTOFF);
}

static bool cold_charge_warning(const struct alarm_input *in, int32_t *out) {
    bool known = cold_charge_limit(in, out);
    *out += COLD_CHARGE_WARNING_MARGIN_DC;
    return known;
}

static bool register_317(const struct alarm_input *in, int32_t *out) {
    *out = (int32_t)in->battery->discharge_over_current_ma;
    return battery_has(in->battery, BATTERY_DISCHARGE_OVER_CURRENT_CUTOFF);
}

static bool near_317(const struct alarm_input *in, int32_t *out) {
    bool known = register_317(in, out);
    *out = *out / 100 * CURRENT_WARNING_PERCENT;
    return known;
}

static bool register_318(const struct alarm_input *in, int32_t *out) {
    *out = (int32_t)in->battery->charge_over_current_ma;
    return battery_has(in->battery, BATTERY_CHARGE_OVER_CURRENT_CUTOFF);
}

static bool near_318(const struct alarm_input *in, int32_t *out) {
    bool known = register_318(in, out);
    *out = *out / 100 * CURRENT_WARNING_PERCENT;
    return known;
}

static bool imbalance_warning(const struct alarm_input *in, int32_t *out) {
    *out = (int32_t)in->config->imbalance_warning_mv;
    return true;
}

static bool imbalance_alarm(const struct alarm_input *in, int32_t *out) {
    *out = (int32_t)in->config->imbalance_alarm_mv;
    return true;
}

static bool soc_low(const struct alarm_input *in, int32_t *out) {
    *out = (int32_t)in->config->soc_low_percent * 100;
    return true;
}

static bool soc_high(const struct alarm_input *in, int32_t *out) {
    *out = (int32_t)in->config->soc_high_percent * 100;
    return true;
}

/* ---- the table ---- */

/* clang-format off */
#define ALARM   false
#define WARNING true
const struct alarm_row alarm_table[] = {
    /* pair                          level    what                                             value            compare            threshold            hyst  debounce */
    { ALARM_HIGH_VOLTAGE,            ALARM,   "highest cell at or over register 315",          highest_cell_mv, ALARM_AT_OR_OVER,  register_315,          20,  500 },
    { ALARM_HIGH_VOLTAGE,            ALARM,   "pack at or over thresholds.overvoltage_v",      pack_mv,         ALARM_AT_OR_OVER,  pack_over_setting,    200,  500 },
    { ALARM_HIGH_VOLTAGE,            WARNING, "highest cell halfway from 300 to 315",          highest_cell_mv, ALARM_AT_OR_OVER,  between_300_and_315,   10, 1000 },
    { ALARM_HIGH_VOLTAGE,            WARNING, "SOC over thresholds.soc_high_percent",          soc_cpct,        ALARM_OVER,        soc_high,             100, 1000 },
    { ALARM_LOW_VOLTAGE,             ALARM,   "lowest cell at or under register 316",          lowest_cell_mv,  ALARM_AT_OR_UNDER, register_316,          20,  500 },
    { ALARM_LOW_VOLTAGE,             ALARM,   "pack at or under thresholds.undervoltage_v",    pack_mv,         ALARM_AT_OR_UNDER, pack_under_setting,   200,  500 },
    { ALARM_LOW_VOLTAGE,             WARNING, "lowest cell at or under register 301",          lowest_cell_mv,  ALARM_AT_OR_UNDER, register_301,          50, 1000 },
    { ALARM_LOW_VOLTAGE,             WARNING, "SOC under thresholds.soc_low_percent",          soc_cpct,        ALARM_UNDER,       soc_low,              100, 1000 },
    { ALARM_HIGH_TEMPERATURE,        ALARM,   "hottest sensor at or over register 319",        hottest_dc,      ALARM_AT_OR_OVER,  heat_limit,            20, 1000 },
    { ALARM_HIGH_TEMPERATURE,        ALARM,   "BMS board at or over 90 degC",                  board_dc,        ALARM_AT_OR_OVER,  board_limit,           20, 1000 },
    { ALARM_HIGH_TEMPERATURE,        WARNING, "hottest sensor within 5 K of register 319",     hottest_dc,      ALARM_AT_OR_OVER,  heat_warning,          20, 1000 },
    { ALARM_LOW_TEMPERATURE,         ALARM,   "coldest sensor at or under -40 degC",           coldest_dc,      ALARM_AT_OR_UNDER, cold_limit,            20, 1000 },
    { ALARM_LOW_TEMPERATURE,         WARNING, "coldest sensor at or under -20 degC",           coldest_dc,      ALARM_AT_OR_UNDER, cold_warning,          20, 1000 },
    { ALARM_HIGH_TEMPERATURE_CHARGE, ALARM,   "hottest sensor at or over register 319",        hottest_dc,      ALARM_AT_OR_OVER,  heat_limit,            20, 1000 },
    { ALARM_HIGH_TEMPERATURE_CHARGE, WARNING, "hottest sensor within 5 K of register 319",     hottest_dc,      ALARM_AT_OR_OVER,  heat_warning,          20, 1000 },
    { ALARM_LOW_TEMPERATURE_CHARGE,  ALARM,   "coldest sensor under register 320",             coldest_dc,      ALARM_UNDER,       cold_charge_limit,     20, 1000 },
    { ALARM_LOW_TEMPERATURE_CHARGE,  WARNING, "coldest sensor within 3 K of register 320",     coldest_dc,      ALARM_UNDER,       cold_charge_warning,   20, 1000 },
    { ALARM_HIGH_CURRENT,            ALARM,   "discharge at or over register 317",             discharge_ma,    ALARM_AT_OR_OVER,  register_317,        1000,  500 },
    { ALARM_HIGH_CURRENT,            WARNING, "discharge at or over 95 % of register 317",     discharge_ma,    ALARM_AT_OR_OVER,  near_317,            1000, 1000 },
    { ALARM_HIGH_CHARGE_CURRENT,     ALARM,   "charge at or over register 318",                charge_ma,       ALARM_AT_OR_OVER,  register_318,        1000,  500 },
    { ALARM_HIGH_CHARGE_CURRENT,     WARNING, "charge at or over 95 % of register 318",        charge_ma,       ALARM_AT_OR_OVER,  near_318,            1000, 1000 },
    { ALARM_CONTACTOR,               ALARM,   "switch error: events 0B, 0C, 0D",               switch_error,    ALARM_AT_OR_OVER,  yes,                    0,    0 },
    { ALARM_BMS_INTERNAL,            ALARM,   "status fault",                                  status_fault,    ALARM_AT_OR_OVER,  yes,                    0,    0 },
    { ALARM_BMS_INTERNAL,            ALARM,   "no good sample for tinybms.stale_zero_ms",      data_silent,     ALARM_AT_OR_OVER,  yes,                    0,    0 },
    { ALARM_BMS_INTERNAL,            WARNING, "link answers less than half of the time",       link_poor,       ALARM_AT_OR_OVER,  yes,                    0,    0 },
    { ALARM_CELL_IMBALANCE,          ALARM,   "imbalance at or over imbalance_alarm_mv",       imbalance_mv,    ALARM_AT_OR_OVER,  imbalance_alarm,       20, 1000 },
    { ALARM_CELL_IMBALANCE,          WARNING, "imbalance at or over imbalance_warn_mv",        imbalance_mv,    ALARM_AT_OR_OVER,  imbalance_warning,     20, 1000 },
};
#undef ALARM
#undef WARNING
/* clang-format on */

const unsigned alarm_table_rows = sizeof alarm_table / sizeof alarm_table[0];
_Static_assert(sizeof alarm_table / sizeof alarm_table[0] <= ALARM_ROWS_MAX, "alarm rows");

void alarm_init(struct alarm_machine *m) {
    memset(m, 0, sizeof *m);
}

/* TinyBMS has no general alarm and does not tell a short circuit from an over-current. */
bool alarm_supported(enum alarm_id id) {
    return id != ALARM_GENERAL && id != ALARM_SHORT_CIRCUIT;
}

/* Compares, leaving the active state only behind the hysteresis. */
static bool beyond(const struct alarm_row *row, bool active, int32_t value, int32_t threshold) {
    int64_t t = threshold;
    int64_t back = row->hysteresis;
    if ((row->compare == ALARM_AT_OR_OVER || row->compare == ALARM_OVER) && t > 0 && back > t / 2) {
        back = t / 2; /* a small threshold must be left again before zero */
    }
    switch (row->compare) {
    case ALARM_AT_OR_OVER:
        return value >= (active ? t - back : t);
    case ALARM_OVER:
        return value > (active ? t - back : t);
    case ALARM_AT_OR_UNDER:
        return value <= (active ? t + back : t);
    case ALARM_UNDER:
        return value < (active ? t + back : t);
    }
    return false;
}

static void evaluate_row(const struct alarm_row *row, struct alarm_row_state *s,
                         const struct alarm_input *in, uint64_t now_ms) {
    int32_t value;
    int32_t threshold;
    if (!row->value(in, &value) || !row->threshold(in, &threshold)) {
        s->pending = false;
        return;
    }
    bool is_beyond = beyond(row, s->active, value, threshold);
    if (is_beyond == s->active) {
        s->pending = false;
        return;
    }
    if (!is_beyond) { /* behind the hysteresis: clears at once */
        s->active = false;
        s->pending = false;
        return;
    }
    if (!s->pending) {
        s->pending = true;
        s->pending_since_ms = now_ms;
    }
    if (now_ms - s->pending_since_ms >= row->debounce_ms) {
        s->active = true;
        s->pending = false;
    }
}

void alarm_evaluate(struct alarm_machine *m, const struct alarm_input *in, uint64_t now_ms,
                    struct alarms *out) {
    for (unsigned id = 0; id < ALARM_COUNT; id++) {
        uint8_t quiet = alarm_supported((enum alarm_id)id) ? ALARM_QUIET : ALARM_NOT_SUPPORTED;
        out->alarm[id] = quiet;
        out->warning[id] = quiet;
    }
    struct alarm_input remembering = *in;
    remembering.machine = m;
    note_old_switch_error(m, in->battery);
    for (unsigned i = 0; i < alarm_table_rows; i++) {
        const struct alarm_row *row = &alarm_table[i];
        evaluate_row(row, &m->row[i], &remembering, now_ms);
        if (m->row[i].active) {
            (row->is_warning ? out->warning : out->alarm)[row->id] = ALARM_ACTIVE;
        }
    }
}

uint64_t alarm_deadline(const struct alarm_machine *m) {
    uint64_t deadline = UINT64_MAX;
    for (unsigned i = 0; i < alarm_table_rows; i++) {
        if (m->row[i].pending) {
            uint64_t due = m->row[i].pending_since_ms + alarm_table[i].debounce_ms;
            deadline = due < deadline ? due : deadline;
        }
    }
    return deadline;
}
