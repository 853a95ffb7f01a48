/* SPDX-License-Identifier: MIT */
/* Gateway, virtual BMS with its pack, and virtual GX in virtual time: ten samples a second, a day
 * in the house. Time jumps from one deadline to the next. A reply is handed over whole when its
 * last byte is out, as by a UART that fills memory. */
#ifndef BENCH_WORLD_H
#define BENCH_WORLD_H

#include "gateway/gateway.h"
#include "sim/bms.h"
#include "sim/gx.h"

struct world {
    struct settings settings;
    struct gateway gateway;
    struct sim_bms bms;
    struct sim_gx gx;
    uint64_t now_ms, bms_due_us, gateway_due_ms;
    unsigned long frames;
};

/* Begins at time 0, with default settings. */
void world_start(struct world *w);

/* Lives until then; time never goes back. */
void world_run(struct world *w, uint64_t until_ms);

#endif
