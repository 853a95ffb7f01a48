/* SPDX-License-Identifier: MIT */
/* Each promise is seen broken by a controller that breaks it on purpose, and kept by one that does
 * not: limits set by hand with a margin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "property.h"

/* What a scripted controller does wrong. */
enum fault {
    NOTHING,
    NO_FLOOR,      /* discharges whatever the cells say */
    STAYS_EMPTY,   /* once DCL was 0 it stays so */
    BLINKS,        /* DCL 0 for 10 s, an hour after the start */
    FALLS_SILENT,  /* for 10 s, an hour after the start */
    TURNS_BACK,    /* CVL half a volt down and up again every 5 min */
    STEPS_FAST,    /* CVL down by a tenth every 10 s, 20 times */
    PROTECTS_FAST, /* the same for a cell's sake: allowed */
    SAWS,          /* CCL down by 5 % and up again every 2 min */
    GOES_TOO_HIGH, /* CVL at the over-voltage cut-off */
};

struct script {
    enum fault fault;
    uint64_t started_ms;
    bool was_empty;
};

static struct house_rig rig;

static void init(void *context, const struct house_world *world) {
    struct script *s = context;
    s->started_ms = world->now_ms;
    s->was_empty = false;
}

/* DCL 0 from register 301 + 90 mV on, until + 250 mV. */
static bool empty(struct script *s, const struct battery *b) {
    uint16_t floor_mv = (uint16_t)(b->fully_discharged_mv + (s->was_empty ? 250 : 90));
    bool is = b->min_cell_mv < floor_mv || (s->was_empty && s->fault == STAYS_EMPTY);
    s->was_empty = is;
    return is && s->fault != NO_FLOOR;
}

static void decide(void *context, const struct battery *b, uint64_t now_ms, struct limits *out) {
    struct script *s = context;
    if (b == NULL || !battery_complete(b))
        return;
    uint32_t cell_mv = b->fully_charged_mv - 60u;
    uint64_t age_s = (now_ms - s->started_ms) / 1000;
    bool hour = age_s >= 3600 && age_s < 3610;
    uint32_t steps = age_s < 3600 ? 0 : age_s > 3800 ? 20 : (uint32_t)(age_s - 3600) / 10;
    *out = (struct limits){
        .valid = !(hour && s->fault == FALLS_SILENT),
        .cvl_mv = b->cell_count * cell_mv,
        .ccl_ma = b->charge_over_current_ma / 10 * 9,
        .dcl_ma = empty(s, b) || (hour && s->fault == BLINKS) ? 0 : 100000,
        .cvl_reason = LIMIT_NOMINAL,
        .ccl_reason = LIMIT_NOMINAL,
        .dcl_reason = LIMIT_NOMINAL,
    };
    if (s->fault == TURNS_BACK && age_s / 300 % 2 == 1)
        out->cvl_mv -= 500;
    if (s->fault == STEPS_FAST || s->fault == PROTECTS_FAST)
        out->cvl_mv -= 100 * steps;
    if (s->fault == PROTECTS_FAST)
        out->cvl_reason = LIMIT_CELL_OVER_VOLTAGE;
    if (s->fault == SAWS && age_s / 120 % 2 == 1)
        out->ccl_ma = out->ccl_ma / 100 * 95;
    if (s->fault == GOES_TOO_HIGH)
        out->cvl_mv = (uint32_t)b->cell_count * b->over_voltage_cutoff_mv + 200u;
}

/* Lines end with NULL. */
static uint32_t broken_by(enum fault fault, const char *const *lines) {
    static struct script script;
    struct house_case c;
    const char *why = "";
    script = (struct script){.fault = fault};
    const struct house_controller plug = {
        .name = "scripted", .context = &script, .init = init, .decide = decide};
    house_case_init(&c, "test");
    for (; *lines != NULL; lines++) {
        if (!house_case_line(&c, *lines, &why))
            fail_msg("%s: %s", *lines, why);
    }
    if (!house_rig_start(&rig, &c, &plug, &why))
        fail_msg("%s", why);
    while (house_rig_step(&rig))
        continue;
    return house_properties_broken(&rig, true);
}

static void each_promise_is_broken_by_whoever_breaks_it_and_by_nobody_else(void **state) {
    (void)state;
    static const char *const night[] = {"grid = no", "start_soc = 0.06", "start_h = 20",
                                        "days = 0.5", NULL};
    static const char *const next_day[] = {"grid = no", "start_soc = 0.04", "start_h = 0",
                                           "days = 0.5", NULL};
    static const char *const evening[] = {"grid = no", "start_soc = 0.6", "start_h = 20",
                                          "days = 0.2", NULL};
    static const char *const full[] = {"start_soc = 0.9", "start_h = 9", "days = 0.3", NULL};
    static const char *const steady[] = {"sun = steady", "height = 0.3", "load = steady",
                                         "days = 0.1", NULL};
    static const char *const load_port[] = {"wiring = load", "start_soc = 0.9", "start_h = 9",
                                            "days = 0.2", NULL};
    static const struct {
        const char *what;
        enum fault fault;
        const char *const *lines;
        uint32_t broken;
    } cases[] = {
        {"a night on the floor, with care", NOTHING, night, 0},
        {"and without", NO_FLOOR, night, 1u << HOUSE_NEVER_UNDER_301 | 1u << HOUSE_NO_SWITCHING},
        {"the sun comes back", NOTHING, next_day, 0},
        {"and nobody says so", STAYS_EMPTY, next_day, 1u << HOUSE_RESTARTS},
        {"an evening", NOTHING, evening, 0},
        {"a limit that blinks", BLINKS, evening, 1u << HOUSE_NO_TRIP},
        {"silence", FALLS_SILENT, evening, 1u << HOUSE_NO_TRIP},
        {"a full pack", NOTHING, full, 0},
        {"CVL that turns back", TURNS_BACK, full, 1u << HOUSE_NO_REVERSALS},
        {"CVL in fast steps", STEPS_FAST, full, 1u << HOUSE_SLOW_STEPS},
        {"for a cell's sake", PROTECTS_FAST, full, 0},
        {"too high, single port", GOES_TOO_HIGH, full, 1u << HOUSE_NEVER_300},
        {"too high where no switch helps", GOES_TOO_HIGH, load_port, 1u << HOUSE_NEVER_315},
        {"steady", NOTHING, steady, 0},
        {"CCL that saws", SAWS, steady, 1u << HOUSE_NO_SWING},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t broken = broken_by(cases[i].fault, cases[i].lines);
        if (broken != cases[i].broken)
            fail_msg("%s: %x instead of %x", cases[i].what, broken, cases[i].broken);
    }
}

static void a_dual_port_that_is_never_full_or_never_calm_is_seen(void **state) {
    (void)state;
    static const char *const lines[] = {
        "wiring = dual",       "days = 2.6",    "capacity_ah = 100", "capacity_spread = 0",
        "soc_spread = 0.0005", "charge_a = 70", "solar_a = 60",      NULL};
    /* 60 mV a cell under 300: never full; the charger's voltage is too low again and again */
    uint32_t broken = broken_by(NOTHING, lines);
    assert_true((broken >> HOUSE_DUAL_FULL & 1u) != 0);
    assert_int_equal(rig.ledger.fulls, 0);
    assert_true(rig.ledger.openings[LEDGER_BY_CHARGER] > 0);
    static const char *const uneven[] = {"wiring = dual", "days = 1", "imbalance_mv = 60", NULL};
    broken = broken_by(GOES_TOO_HIGH, uneven); /* a cell at 300 while the others are not */
    assert_true((broken >> HOUSE_DUAL_CALM & 1u) != 0);
}

static void what_a_case_cannot_do_is_not_asked_of_it(void **state) {
    (void)state;
    static const struct {
        const char *what;
        const char *line;
        bool fills;
    } cases[] = {
        {"the standard case", "days = 7", true},
        {"too short", "days = 1", false},
        {"too grey", "sun = grey", false},
        {"too cold", "ambient_c = 2", false},
        {"too few panels", "solar_w = 1500", false},
        {"too large a pack", "capacity_ah = 655", false},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct house_case c;
        const char *why;
        house_case_init(&c, "x");
        assert_true(house_case_line(&c, cases[i].line, &why));
        if (house_can_fill(&c) != cases[i].fills)
            fail_msg("%s", cases[i].what);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_promise_is_broken_by_whoever_breaks_it_and_by_nobody_else),
        cmocka_unit_test(a_dual_port_that_is_never_full_or_never_calm_is_seen),
        cmocka_unit_test(what_a_case_cannot_do_is_not_asked_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
