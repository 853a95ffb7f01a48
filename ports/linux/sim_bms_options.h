/* SPDX-License-Identifier: MIT */
/* The command line of `tinybms-gw sim bms`: which battery, which device, what goes wrong. */
#ifndef PORTS_LINUX_SIM_BMS_OPTIONS_H
#define PORTS_LINUX_SIM_BMS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/bms.h"

struct sim_bms_options {
    const char *link, *registers, *scenario; /* paths, of argv; all but the first may be NULL */
    struct sim_bms_config config;
    bool cells_given, single_port;
    double charger_v; /* 0: as the settings say */
    double current_a; /* with SIM_PROFILE_CONSTANT */
};

/* Reads the command line. -1: go on; otherwise the exit status: help or version was printed, or
 * what is wrong, on stderr. */
int sim_bms_options_parse(struct sim_bms_options *o, int argc, char **argv);

/* Makes the device and the house around it. */
void sim_bms_options_start(const struct sim_bms_options *o, struct sim_bms *b, uint64_t now_us);

#endif
