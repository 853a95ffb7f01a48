/* SPDX-License-Identifier: MIT */
/* How many seconds of a 16-cell battery's life the virtual BMS lives in one, at ten measurements a
 * second, on one core. The aim is 10 000. */
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "sim/bms.h"

enum { DAY_S = 86400, MEASURE_US = 100000 };

static double seconds_now(void) {
    struct timespec t;
    (void)timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(void) {
    static struct sim_bms b;
    for (unsigned k = 0; k < SIM_CHEMISTRY_COUNT; k++) {
        struct sim_bms_config cfg;
        sim_bms_defaults(&cfg);
        sim_pack_preset(&cfg.pack, (enum sim_chemistry_id)k);
        cfg.pack.cells = SIM_CELLS_MAX;
        sim_bms_init(&b, &cfg, 0);
        double start = seconds_now();
        for (uint64_t now_us = 0; now_us < DAY_S * 1000000ull; now_us += MEASURE_US)
            (void)sim_bms_step(&b, now_us);
        printf("%s: %.0f simulated seconds a second\n",
               sim_chemistry((enum sim_chemistry_id)k)->name, DAY_S / (seconds_now() - start));
    }
    return 0;
}
