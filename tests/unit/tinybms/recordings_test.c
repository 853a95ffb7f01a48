/* SPDX-License-Identifier: MIT */
/* Registers of a real 14-cell TinyBMS, read through the whole conversation. The files are not part
 * of this tree: the environment variable TINYBMS_GW_DATA names their folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct recording {
    const char *file;
    uint32_t pack_mv;
    uint16_t soc_cpct;
    int16_t internal_dc;
    uint16_t first_mv, last_mv; /* cells 1 and 14 */
    uint8_t min_cell;
    uint16_t min_mv, max_mv;
};

/* Register 15 is cell 1 and register 2 is cell 14.
 * a: 15: 0x9BAA = 39850, 2: 0x9B1E = 39710 (also 4: cell 12; the lower number is cell 12)
 * b: 15: 0x9BC8 = 39880, 2: 0x9B78 = 39800, the lowest; 9: 0x9BDC = 39900, the highest */
static const struct recording recordings[] = {
    {"real-14s-a.regs", 55677, 8059, 102, 3985, 3971, 12, 3971, 3986},
    {"real-14s-b.regs", 55780, 8355, 97, 3988, 3980, 14, 3980, 3990},
};

static int load(struct world *w, const char *folder, const char *file) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *f = fopen(path, "r");
    if (f == NULL) {
        return -1;
    }
    memset(w->reg, 0, sizeof w->reg);
    char line[256];
    while (fgets(line, sizeof line, f) != NULL) {
        unsigned addr, value;
        if (sscanf(line, "%u %x", &addr, &value) == 2 && addr < WORLD_REGISTERS) {
            w->reg[addr] = (uint16_t)value;
        }
    }
    fclose(f);
    return 0;
}

static void check_battery(const struct recording *r, const struct battery *b) {
    assert_int_equal(b->pack_mv, r->pack_mv);
    assert_int_equal(b->soc_cpct, r->soc_cpct);
    assert_int_equal(b->internal_temperature_dc, r->internal_dc);
    assert_int_equal(b->pack_ma, 0);
    assert_int_equal(b->cell_count, 14);
    assert_int_equal(b->cell_mv[0], r->first_mv);
    assert_int_equal(b->cell_mv[13], r->last_mv);
    assert_int_equal(b->min_cell, r->min_cell);
    assert_int_equal(b->min_cell_mv, r->min_mv);
    assert_int_equal(b->max_cell_mv, r->max_mv);
    assert_int_equal(b->status, BATTERY_STATUS_IDLE);
    assert_int_equal(b->validity[BATTERY_EXTERNAL_TEMPERATURE_1], BATTERY_ABSENT);
    assert_int_equal(b->validity[BATTERY_EXTERNAL_TEMPERATURE_2], BATTERY_ABSENT);
    assert_int_equal(b->validity[BATTERY_SOH], BATTERY_RESERVED);
    assert_int_equal(b->fully_charged_mv, 4150);
    assert_int_equal(b->fully_discharged_mv, 3000);
    assert_int_equal(b->capacity_mah, 66000);
    assert_int_equal(b->over_voltage_cutoff_mv, 4200);
    assert_int_equal(b->under_voltage_cutoff_mv, 2900);
    assert_int_equal(b->discharge_over_current_ma, 60000);
    assert_int_equal(b->charge_over_current_ma, 20000);
    assert_int_equal(b->over_heat_cutoff_dc, 600);
    assert_int_equal(b->low_temperature_cutoff_dc, 10);
    assert_int_equal(b->validity[BATTERY_PEAK_DISCHARGE_CUTOFF], BATTERY_RESERVED);
    assert_int_equal(b->internal_firmware, 242);
    assert_int_equal(b->event_count, 4);
    assert_int_equal(b->event[0].at_s, 0xB94E42); /* slot 3 */
    assert_int_equal(b->event[3].at_s, 0x001226); /* slot 0, the oldest */
    assert_true(battery_complete(b));
}

static void a_real_battery_is_decoded_whole(void **state) {
    (void)state;
    const char *folder = getenv("TINYBMS_GW_DATA");
    if (folder == NULL) {
        fputs("SKIPPED: TINYBMS_GW_DATA does not name the folder of recordings\n", stderr);
        skip();
    }
    for (size_t i = 0; i < COUNT(recordings); i++) {
        static struct world w;
        world_init(&w);
        if (load(&w, folder, recordings[i].file) != 0) {
            fail_msg("cannot read %s/%s", folder, recordings[i].file);
        }
        world_run(&w, w.now_ms + 1000);
        struct tinybms_counters c;
        tinybms_counters(&w.t, &c);
        assert_int_equal(c.nonsense_values, 0);
        assert_int_equal(tinybms_cell_order(&w.t), TINYBMS_ORDER_DESCENDING);
        check_battery(&recordings[i], tinybms_battery(&w.t));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_real_battery_is_decoded_whole)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
