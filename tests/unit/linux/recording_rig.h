/* SPDX-License-Identifier: MIT */
/* A gateway whose traffic is recorded, in virtual time: the core, a virtual BMS, a GX that says it
 * is there, and in place of gateway_thread.c the same turns, woken late by chance as a machine
 * does. */
#ifndef TESTS_UNIT_LINUX_RECORDING_RIG_H
#define TESTS_UNIT_LINUX_RECORDING_RIG_H

#include "recorder.h"
#include "sim/bms.h"
#include "sim/rng.h"

enum { RIG_TEXT_MAX = 1 << 23, RIG_CLOCK_S = 1767220000 };

struct rig {
    struct settings settings[2];
    unsigned current;
    struct gateway gateway;
    struct sim_bms bms;
    struct sim_rng rng;
    struct recorder recorder;
    uint64_t now_us, gx_us, deadline_us;
    bool uart_up, can_up;
    unsigned refuse_one_in;   /* frames that the device does not take; 0: none */
    bool break_at_next_frame; /* the device breaks as it is written to */
    bool bms_speaks;
    size_t sent_n;
    char sent[RIG_TEXT_MAX]; /* every frame sent, as a line */
};

/* Allocates; name: of the gateway. Both links are down. */
struct rig *rig_start(const char *name, uint32_t seed);

/* The settings it starts with: those of a pack of 14 cells, two frames a second. */
void rig_settings(struct settings *s);

void rig_run(struct rig *r, uint64_t for_ms);
void rig_link(struct rig *r, bool can, bool up);
void rig_command(struct rig *r, const struct gateway_command *c);
void rig_configure(struct rig *r, const char *assignment);
/* The services lose that many events. */
void rig_miss(struct rig *r, uint64_t for_ms);

/* Everything that a cursor gives, appended to text of RIG_TEXT_MAX bytes at *n. */
void rig_read(const struct rig *r, struct recorder_cursor *cursor, char *text, size_t *n);
/* The whole recording. */
char *rig_text(const struct rig *r, size_t *n);

#endif
