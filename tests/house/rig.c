/* SPDX-License-Identifier: MIT */
#include "rig.h"

#include <string.h>

enum {
    START_MS = 1000000,
    SEND_MS = 1000,
    SLOW_MS = 10000,           /* settings, statistics and events are read so often */
    GATEWAY_RESTART_MS = 1500, /* without a word, and without a memory */
    BOOT_MS = 100,             /* a gateway that may not speak yet asks so often */
    BOOT_SAMPLES = 5,
};

static double value(const struct house_rig *r, enum house_key k) {
    return r->kase.value[k];
}

static uint32_t seed_of(const struct house_rig *r, uint32_t part) {
    return (uint32_t)(value(r, HOUSE_SEED) * 31.0) + part;
}

/* ---- the battery ---- */

/* The charge at which a cell rests at this voltage. */
static double soc_at(const struct sim_chemistry *c, double volt) {
    double low = 0.0, high = 1.1;
    for (unsigned i = 0; i < 40; i++) {
        double middle = (low + high) / 2.0;
        *(sim_chemistry_ocv_v(c, middle) < volt ? &low : &high) = middle;
    }
    return low;
}

double house_imbalance_soc(const struct house_case *c) {
    const struct sim_chemistry *chem =
        sim_chemistry((enum sim_chemistry_id)c->value[HOUSE_CHEMISTRY]);
    double full_v = chem->fully_charged_mv / 1000.0;
    return soc_at(chem, full_v) - soc_at(chem, full_v - c->value[HOUSE_IMBALANCE_MV] / 1000.0);
}

/* One cell higher than the others by so much when it comes to register 300; not over nine tenths at
 * the start: the others are lower then. */
static void set_one_high(struct house_rig *r) {
    struct sim_pack *p = &r->bms.pack;
    double by = house_imbalance_soc(&r->kase);
    double room = 0.9 - p->config.start_soc;
    double up = room < 0.0 ? 0.0 : by < room ? by : room;
    for (unsigned i = 0; i < p->config.cells; i++)
        p->cell[i].soc += i == 2 ? up : up - by;
}

/* What is wrong with single cells. */
static void spoil_cells(struct house_rig *r) {
    struct sim_pack *p = &r->bms.pack;
    unsigned weak = (unsigned)value(r, HOUSE_WEAK_CELL);
    for (unsigned i = 0; i < p->config.cells; i++) {
        struct sim_cell *c = &p->cell[i];
        bool is_weak = i + 1 == weak;
        double ohms =
            value(r, HOUSE_RESISTANCE) * (is_weak ? value(r, HOUSE_WEAK_RESISTANCE) : 1.0);
        c->capacity_ah *= is_weak ? value(r, HOUSE_WEAK_CAPACITY) : 1.0;
        c->ohmic_25_ohm *= ohms;
        c->slow_25_ohm *= ohms;
    }
    set_one_high(r);
    p->resistance_c = -1e3; /* the resistances of the temperature are worked out anew */
}

static void set_registers(struct house_rig *r) {
    uint16_t *reg = r->bms.reg;
    reg[317] = (uint16_t)value(r, HOUSE_DISCHARGE_A);
    reg[318] = (uint16_t)value(r, HOUSE_CHARGE_A);
    reg[305] = (uint16_t)(reg[317] * 2);
    reg[304] = (uint16_t)value(r, HOUSE_TAIL_MA);
    reg[308] = (uint16_t)value(r, HOUSE_DISBALANCE_MV);
    reg[321] = (uint16_t)value(r, HOUSE_RESTART_PERCENT);
    reg[340] = value(r, HOUSE_WIRING) == (double)SIM_SINGLE_PORT ? 1 : 0;
    reg[330] = (uint16_t)(5u << 8 | (reg[330] & 0xFFu)); /* 5 s of over-current */
}

static void start_battery(struct house_rig *r) {
    struct sim_bms_config cfg;
    sim_bms_defaults(&cfg);
    sim_pack_preset(&cfg.pack, (enum sim_chemistry_id)value(r, HOUSE_CHEMISTRY));
    cfg.seed = seed_of(r, 1);
    cfg.pack.profile = SIM_PROFILE_HOUSE;
    if (value(r, HOUSE_CELLS) >= SIM_CELLS_MIN)
        cfg.pack.cells = (uint8_t)value(r, HOUSE_CELLS);
    cfg.pack.capacity_ah = value(r, HOUSE_CAPACITY_AH);
    cfg.pack.start_soc = value(r, HOUSE_START_SOC);
    cfg.pack.start_hour = value(r, HOUSE_START_H);
    cfg.pack.capacity_spread = value(r, HOUSE_CAPACITY_SPREAD);
    cfg.pack.soc_spread = value(r, HOUSE_SOC_SPREAD);
    cfg.pack.ambient_c = value(r, HOUSE_AMBIENT_C);
    cfg.pack.ambient_swing_c = value(r, HOUSE_AMBIENT_SWING_C);
    cfg.pack.seed = seed_of(r, 2);
    cfg.current_sensor = SIM_SENSOR_EXTERNAL;
    cfg.low_power = value(r, HOUSE_LOW_POWER) > 0.0;
    cfg.cell_noise_mv = value(r, HOUSE_CELL_NOISE_MV);
    cfg.cell_error_mv = value(r, HOUSE_CELL_ERROR_MV);
    cfg.cell_lag_s = value(r, HOUSE_CELL_LAG_S);
    cfg.current_noise_a = value(r, HOUSE_CURRENT_NOISE_A);
    cfg.current_offset_a = value(r, HOUSE_CURRENT_OFFSET_A);
    cfg.through_load_port = value(r, HOUSE_WIRING) == (double)SIM_LOAD_PORT;
    sim_bms_init(&r->bms, &cfg, 0);
    set_registers(r);
    spoil_cells(r);
    double soc = r->bms.soc + value(r, HOUSE_SOC_DRIFT);
    r->bms.soc = soc < 0.0 ? 0.0 : soc > 1.0 ? 1.0 : soc;
    sim_bms_measure(&r->bms, 0.0);
}

/* ---- what is around it ---- */

static void start_house(struct house_rig *r) {
    struct sim_house_config cfg;
    sim_house_defaults(&cfg);
    cfg.wiring = (enum sim_wiring)value(r, HOUSE_WIRING);
    cfg.feed_in = value(r, HOUSE_FEED_IN) > 0.0;
    cfg.multi_ignores_ccl = value(r, HOUSE_IGNORES_CCL) > 0.0;
    cfg.keep_charged = value(r, HOUSE_KEEP_CHARGED) > 0.0;
    cfg.solar_a = value(r, HOUSE_SOLAR_A);
    cfg.multi_w = value(r, HOUSE_MULTI_W);
    cfg.multi_charge_a = value(r, HOUSE_MULTI_CHARGE_A);
    cfg.minimum_soc = value(r, HOUSE_MINIMUM_SOC);
    cfg.restart_s = value(r, HOUSE_RESTART_S);
    cfg.offset_v = value(r, HOUSE_OFFSET_V);
    cfg.ramp_a_per_s = value(r, HOUSE_RAMP_A_S);
    cfg.fastest_s = value(r, HOUSE_FASTEST_S);
    cfg.slowest_s = value(r, HOUSE_SLOWEST_S);
    cfg.seed = seed_of(r, 3);
    /* the inverter's own cut-off is under the BMS's */
    cfg.low_v = r->bms.pack.config.cells * (r->bms.reg[316] / 1000.0 - 0.1);
    cfg.restart_v = r->bms.pack.config.cells * r->bms.reg[301] / 1000.0;
    sim_house_init(&r->house, &cfg);
    struct sim_sun_config sun = {
        .sky = (enum sim_sky)value(r, HOUSE_SUN),
        .day_h = value(r, HOUSE_DAY_H),
        .height = value(r, HOUSE_HEIGHT),
        .start_hour = value(r, HOUSE_START_H),
        .dark_days = (uint32_t)value(r, HOUSE_DARK_DAYS),
        .seed = seed_of(r, 4),
    };
    sim_sun_init(&r->sun, &sun);
    struct sim_load_config load = {
        .household = (enum sim_household)value(r, HOUSE_LOAD),
        .scale = value(r, HOUSE_LOAD_SCALE),
        .start_hour = value(r, HOUSE_START_H),
        .seed = seed_of(r, 5),
    };
    sim_load_init(&r->load, &load);
}

/* ---- the gateway ---- */

static void start_controller(struct house_rig *r) {
    struct house_world world = {&r->settings, &r->bms, &r->house, r->now_ms};
    tinybms_image_init(&r->image);
    battery_init(&r->battery);
    r->limits = (struct limits){.valid = false};
    r->slow_ms = r->now_ms;
    r->controller.init(r->controller.context, &world);
}

static void read_block(struct house_rig *r, enum battery_group group, const uint16_t *words) {
    static const struct tinybms_rules rules = {.cell_order = TINYBMS_ORDER_AUTO};
    const struct tinybms_block *b = &tinybms_blocks[group];
    tinybms_image_store(&r->image, b->first, words, b->words, r->now_ms);
    (void)tinybms_image_decode(&r->image, &rules, b->first, b->words, &r->battery, r->now_ms);
}

static void read_slow_blocks(struct house_rig *r) {
    if (r->now_ms < r->slow_ms)
        return;
    r->slow_ms += SLOW_MS;
    read_block(r, BATTERY_GROUP_SETTINGS, &r->bms.reg[TINYBMS_SETTINGS_FIRST]);
    read_block(r, BATTERY_GROUP_STATISTICS, &r->bms.reg[TINYBMS_STATISTICS_FIRST]);
    read_block(r, BATTERY_GROUP_EVENTS, &r->bms.reg[TINYBMS_EVENTS_FIRST]);
    if (r->battery.validity[BATTERY_SERIAL] == BATTERY_NEVER_READ)
        read_block(r, BATTERY_GROUP_VERSION, &r->bms.reg[TINYBMS_VERSION_FIRST]);
}

/* The live block of now, or of some samples ago. */
static void take_sample(struct house_rig *r) {
    unsigned delay = (unsigned)(value(r, HOUSE_DELAY_S) / value(r, HOUSE_SAMPLE_S));
    delay = delay < HOUSE_DELAY_MAX ? delay : HOUSE_DELAY_MAX - 1;
    memcpy(r->late[r->lates % HOUSE_DELAY_MAX], r->bms.reg, sizeof r->late[0]);
    unsigned shown = r->lates >= delay ? r->lates - delay : 0;
    r->lates++;
    bool lost = sim_rng_chance(&r->rng, (uint32_t)(value(r, HOUSE_LOSS) * 10000.0));
    if (!lost) {
        read_slow_blocks(r);
        read_block(r, BATTERY_GROUP_LIVE, r->late[shown % HOUSE_DELAY_MAX]);
    }
    r->controller.decide(r->controller.context, lost ? NULL : &r->battery, r->now_ms, &r->limits);
}

/* The samples of the last half second before this one. */
static void hurry(struct house_rig *r) {
    uint64_t now_ms = r->now_ms;
    for (unsigned i = BOOT_SAMPLES; i > 0; i--) {
        r->now_ms = now_ms - i * BOOT_MS;
        take_sample(r);
    }
    r->now_ms = now_ms;
}

/* As 0x351 has them: rounded to tenths, and a limit over 0 never becomes 0. */
static double tenths(uint32_t milli, bool never_zero) {
    uint32_t t = (milli + 50u) / 100u;
    return (t == 0 && never_zero && milli > 0 ? 1u : t) / 10.0;
}

static void send_limits(struct house_rig *r) {
    if (!r->limits.valid)
        return;
    struct sim_house_limits l = {tenths(r->limits.cvl_mv, false), tenths(r->limits.ccl_ma, true),
                                 tenths(r->limits.dcl_ma, true)};
    sim_house_hear(&r->house, &l, r->now_ms);
}

static void run_gateway(struct house_rig *r) {
    double restart_h = value(r, HOUSE_GATEWAY_RESTART_H);
    if (restart_h >= 0.0 && house_rig_hour(r) >= restart_h && r->restarted_day != r->sun.day + 1) {
        r->restarted_day = r->sun.day + 1;
        r->gateway_up_ms = r->now_ms + GATEWAY_RESTART_MS;
        start_controller(r);
    }
    if (r->now_ms < r->gateway_up_ms)
        return;
    if (r->now_ms >= r->sample_ms) {
        r->sample_ms = r->now_ms + (uint64_t)(value(r, HOUSE_SAMPLE_S) * 1000.0);
        if (!r->limits.valid)
            hurry(r);
        take_sample(r);
    }
    if (r->now_ms >= r->send_ms) {
        r->send_ms = r->now_ms + SEND_MS;
        send_limits(r);
    }
}

/* ---- time ---- */

/* From an hour of the day on for so many hours. */
static bool within(double hour, double from_h, double for_h) {
    double age_h = hour - from_h;
    if (age_h < 0.0)
        age_h += 24.0;
    return from_h >= 0.0 && age_h < for_h;
}

static void look_around(struct house_rig *r, double dt_s) {
    struct sim_house_input *in = &r->around;
    double hour = house_rig_hour(r);
    in->now_ms = r->now_ms;
    in->solar_w = sim_sun_step(&r->sun, dt_s) * value(r, HOUSE_SOLAR_W);
    in->load_w = sim_load_step(&r->load, dt_s);
    in->grid = value(r, HOUSE_GRID) > 0.0 &&
               !within(hour, value(r, HOUSE_GRID_LOST_H), value(r, HOUSE_GRID_LOST_FOR_H));
    in->gx = !within(hour, value(r, HOUSE_GX_REBOOT_H), value(r, HOUSE_GX_REBOOT_S) / 3600.0);
    in->charge_on = r->bms.guard.charge_on;
    in->discharge_on = r->bms.guard.discharge_on;
    in->soc = sim_bms_get32(&r->bms, 46) / 1e8;
    sim_pack_source(&r->bms.pack, &in->rest_v, &in->ohm);
}

static void live(struct house_rig *r, double dt_s) {
    struct sim_pack *p = &r->bms.pack;
    sim_house_step(&r->house, &r->around, dt_s);
    const struct sim_house_flow *f = &r->house.flow;
    p->wanted_a = f->pack_a;
    p->house_gives = f->gives;
    p->house_takes = f->takes;
    p->held_by_voltage = f->held_by_voltage;
    sim_bms_measure(&r->bms, dt_s);
    if (r->now_ms >= r->second_ms) {
        r->second_ms += 1000;
        sim_bms_put32(&r->bms, 32, sim_bms_get32(&r->bms, 32) + 1);
    }
}

bool house_rig_start(struct house_rig *r, const struct house_case *c,
                     const struct house_controller *controller, const char **why) {
    static struct settings_error e; /* for *why */
    memset(r, 0, sizeof *r);
    r->kase = *c;
    r->controller = *controller;
    settings_defaults(&r->settings);
    r->settings.tinybms.poll_interval_ms = (uint32_t)(value(r, HOUSE_SAMPLE_S) * 1000.0);
    for (unsigned i = 0; i < c->sets; i++) {
        if (settings_assign(&r->settings, c->set[i], &e) != 0) {
            *why = e.text;
            return false;
        }
    }
    if (settings_check(&r->settings, &e) != 0) {
        *why = e.text;
        return false;
    }
    r->start_ms = r->now_ms = r->second_ms = START_MS;
    r->end_ms = r->start_ms + (uint64_t)(value(r, HOUSE_DAYS) * 86400000.0);
    sim_rng_init(&r->rng, seed_of(r, 6));
    start_battery(r);
    start_house(r);
    ledger_init(&r->ledger);
    start_controller(r);
    return true;
}

bool house_rig_step(struct house_rig *r) {
    if (r->now_ms >= r->end_ms)
        return false;
    double dt_s = value(r, HOUSE_STEP_S);
    r->now_ms += (uint64_t)(dt_s * 1000.0 + 0.5);
    look_around(r, dt_s);
    live(r, dt_s);
    run_gateway(r);
    bool full = r->controller.full != NULL && r->controller.full(r->controller.context);
    struct ledger_input in = {
        &r->bms, &r->house, &r->around, &r->limits, full, house_rig_elapsed_ms(r), dt_s};
    ledger_add(&r->ledger, &in);
    return true;
}
