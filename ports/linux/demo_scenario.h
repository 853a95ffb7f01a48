/* SPDX-License-Identifier: MIT */
/* `demo --scenario FILE`: a scenario played in real time, or faster, with the live view. The
 * gateway is the same core in one thread, between the simulators of ports/virtual: what happens and
 * what must hold is what the tests see of the same file. */
#ifndef PORTS_LINUX_DEMO_SCENARIO_H
#define PORTS_LINUX_DEMO_SCENARIO_H

#include <stdint.h>

/* speed: times real time, > 0. seconds: of real time, after which it ends; 0: with the scenario.
 * The exit status: 1 when something does not hold, 2 for a file that cannot be played. */
int demo_scenario(const char *path, double speed, uint32_t seconds);

#endif
