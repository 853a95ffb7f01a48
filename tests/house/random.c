/* SPDX-License-Identifier: MIT */
#include "random.h"

#include <stdio.h>

enum { LEFT_ALONE_CPCT = 5500, LOOK_EACH = 600 };

static double drawn(struct sim_rng *rng, const struct house_row *row) {
    double part = (sim_rng_swing(rng) + 1.0) / 2.0;
    double v = row->draw_low + part * (row->draw_high - row->draw_low + (row->whole ? 1.0 : 0.0));
    if (row->whole)
        v = (double)(int64_t)v;
    else /* so that a printed case is the same case */
        v = (double)(int64_t)(v * 1000.0) / 1000.0;
    return v < row->draw_high ? v : row->draw_high;
}

static double least(double a, double b) {
    return a < b ? a : b;
}

/* As an installer would: chargers within register 318, the inverter within 317, both within what
 * the cells are made for; no grid that fails where there is none. */
static void fit(struct house_case *c) {
    double *v = c->value;
    const struct sim_chemistry *chem = sim_chemistry((enum sim_chemistry_id)v[HOUSE_CHEMISTRY]);
    double low_v = chem->fully_discharged_mv / 1000.0 * chem->cells;
    v[HOUSE_CHARGE_A] = (double)(int64_t)least(v[HOUSE_CHARGE_A], 0.7 * v[HOUSE_CAPACITY_AH]);
    v[HOUSE_DISCHARGE_A] = (double)(int64_t)least(v[HOUSE_DISCHARGE_A], 1.5 * v[HOUSE_CAPACITY_AH]);
    double most_a = least(0.8 * v[HOUSE_DISCHARGE_A], 1.0 * v[HOUSE_CAPACITY_AH]);
    v[HOUSE_MULTI_W] = (double)(int64_t)least(v[HOUSE_MULTI_W], most_a * low_v);
    v[HOUSE_SOLAR_A] = (double)(int64_t)least(v[HOUSE_SOLAR_A], 0.9 * v[HOUSE_CHARGE_A]);
    v[HOUSE_MULTI_CHARGE_A] =
        (double)(int64_t)least(v[HOUSE_MULTI_CHARGE_A], 0.5 * v[HOUSE_CHARGE_A]);
    if (v[HOUSE_WEAK_CELL] > chem->cells)
        v[HOUSE_WEAK_CELL] = 0.0;
    if (v[HOUSE_GRID] == 0.0)
        v[HOUSE_GRID_LOST_H] = -1.0;
    static const enum house_key hours[] = {HOUSE_GRID_LOST_H, HOUSE_GX_REBOOT_H,
                                           HOUSE_GATEWAY_RESTART_H};
    for (unsigned i = 0; i < sizeof hours / sizeof hours[0]; i++)
        v[hours[i]] = v[hours[i]] < 0.0 ? -1.0 : v[hours[i]];
}

void house_random_case(struct house_case *c, uint32_t seed) {
    char name[HOUSE_NAME_MAX + 1];
    struct sim_rng rng;
    snprintf(name, sizeof name, "random-%u", seed);
    house_case_init(c, name);
    sim_rng_init(&rng, seed * 2654435761u + 17u);
    for (unsigned i = 0; i < HOUSE_KEYS; i++) {
        const struct house_row *row = &house_rows[i];
        double v = drawn(&rng, row);
        bool alone = sim_rng_chance(&rng, LEFT_ALONE_CPCT);
        if (row->draw_low < row->draw_high && (!alone || i == HOUSE_SEED))
            c->value[i] = v;
    }
    fit(c);
}

uint32_t house_random_play(struct house_rig *r, const struct house_case *c, const char *controller,
                           uint32_t wanted) {
    static struct house_memory memory;
    struct house_controller plug;
    const char *why;
    if (!house_controller_find(controller, &memory, &plug) || !house_rig_start(r, c, &plug, &why))
        return 0;
    unsigned steps = 0;
    while (house_rig_step(r)) {
        if (++steps % LOOK_EACH == 0 && (house_properties_broken(r, false) & wanted) != 0)
            return house_properties_broken(r, false);
    }
    return house_properties_broken(r, true);
}

static bool still_breaks(struct house_rig *r, const struct house_case *c, const char *controller,
                         enum house_property broken, unsigned *runs) {
    uint32_t bit = 1u << broken;
    (*runs)++;
    return (house_random_play(r, c, controller, bit) & bit) != 0;
}

static bool shorten(struct house_rig *r, struct house_case *c, const char *controller,
                    enum house_property broken, unsigned *runs) {
    bool shorter = false;
    for (;;) {
        struct house_case trial = *c;
        trial.value[HOUSE_DAYS] = (double)(int64_t)(c->value[HOUSE_DAYS] * 600.0) / 1000.0;
        if (trial.value[HOUSE_DAYS] < 0.02 || !still_breaks(r, &trial, controller, broken, runs))
            return shorter;
        *c = trial;
        shorter = true;
    }
}

unsigned house_random_shrink(struct house_rig *r, struct house_case *c, const char *controller,
                             enum house_property broken) {
    unsigned runs = 0;
    bool changed = true;
    for (unsigned pass = 0; changed && pass < 3; pass++) {
        changed = shorten(r, c, controller, broken, &runs);
        for (unsigned i = 0; i < HOUSE_KEYS; i++) {
            struct house_case trial = *c;
            trial.value[i] = house_rows[i].preset;
            if (i == HOUSE_DAYS || c->value[i] == trial.value[i] ||
                !still_breaks(r, &trial, controller, broken, &runs))
                continue;
            *c = trial;
            changed = true;
        }
    }
    return runs;
}
