/* SPDX-License-Identifier: MIT */
/* What decoding one sample and encoding frames costs, by itself.
 *
 *     bench-codec sample|limits|frames TIMES
 *
 * sample: 113 bytes of a reply, their CRC checked, into struct battery, all of its fields.
 * limits: 0x351. frames: all frames of a second.
 *
 * Prints nanoseconds each, of processor time. Under callgrind with --toggle-collect=measured_* it
 * counts the instructions, which are the same every time. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "world.h"

enum { SETTLED_MS = 60000, REPLY_BYTES = 113 };

static struct world world;
static struct tinybms_request request;
static uint8_t reply[SIM_BMS_REPLY_MAX];

/* Its own function, so that callgrind can tell it from the rest. */
__attribute__((noinline)) void measured_sample(void);
__attribute__((noinline)) void measured_limits(void);
__attribute__((noinline)) void measured_frames(void);

void measured_sample(void) {
    struct tinybms *t = &world.gateway.bms;
    uint16_t words[TINYBMS_READ_MAX];
    int n = tinybms_parse_words(&request, reply, REPLY_BYTES, words, TINYBMS_READ_MAX);
    if (n != TINYBMS_LIVE_WORDS)
        abort();
    tinybms_image_store(&t->image, TINYBMS_LIVE_FIRST, words, TINYBMS_LIVE_WORDS, SETTLED_MS);
    (void)tinybms_image_decode(&t->image, &t->rules, TINYBMS_LIVE_FIRST, TINYBMS_LIVE_WORDS,
                               &t->battery, SETTLED_MS);
}

static struct victron_source source(void) {
    const struct gateway *g = &world.gateway;
    return (struct victron_source){.battery = &g->policy.sample,
                                   .limits = &g->policy.limits,
                                   .alarms = &g->policy.alarms,
                                   .config = &g->victron.config};
}

void measured_limits(void) {
    const struct victron_source src = source();
    struct victron_frame f;
    if (!victron_table[0].encode(&src, &f) || f.id != VICTRON_ID_LIMITS)
        abort();
}

void measured_frames(void) {
    const struct victron_source src = source();
    struct victron_frame f;
    for (unsigned row = 0; row < victron_table_rows; row++)
        (void)victron_table[row].encode(&src, &f);
}

static bool prepare(void) {
    bool restart = false;
    world_start(&world);
    world_run(&world, SETTLED_MS);
    return tinybms_build_read(&request, TINYBMS_LIVE_FIRST, TINYBMS_LIVE_WORDS) == GW_OK &&
           sim_bms_execute(&world.bms, request.bytes, request.length, reply, &restart) ==
               REPLY_BYTES;
}

static const struct work {
    const char *name;
    void (*run)(void);
} works[] = {{"sample", measured_sample}, {"limits", measured_limits}, {"frames", measured_frames}};

static double nanoseconds(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv) {
    const unsigned long times = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    for (size_t i = 0; times > 0 && i < sizeof works / sizeof works[0]; i++) {
        if (strcmp(argv[1], works[i].name) != 0)
            continue;
        if (!prepare())
            return 1;
        const double began = nanoseconds();
        for (unsigned long n = 0; n < times; n++)
            works[i].run();
        (void)printf("%.2f\n", (nanoseconds() - began) / (double)times);
        return 0;
    }
    (void)fprintf(stderr, "usage: bench-codec sample|limits|frames TIMES\n");
    return 2;
}
