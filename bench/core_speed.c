/* SPDX-License-Identifier: MIT */
/* How many seconds of a battery's life the core and the simulators (world.h) live in one second of
 * one processor.
 *
 *     bench-core-speed SIMULATED_SECONDS */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "world.h"

static double seconds(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    static struct world w;
    const unsigned long span_s = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    if (span_s == 0) {
        (void)fprintf(stderr, "usage: bench-core-speed SIMULATED_SECONDS\n");
        return 2;
    }
    world_start(&w);
    const double began = seconds();
    world_run(&w, span_s * 1000u);
    const double took = seconds() - began;
    struct tinybms_counters c;
    tinybms_counters(&w.gateway.bms, &c);
    (void)printf("{\"simulated_s\": %lu, \"cpu_s\": %.6f, \"samples\": %u, \"frames\": %lu}\n",
                 span_s, took, c.successes, w.frames);
    return c.successes < 9 * span_s; /* it did live */
}
