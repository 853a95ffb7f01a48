/* SPDX-License-Identifier: MIT */
/* The two halves of `tinybms-gw sim`. argv[0] is "bms" or "gx"; the exit status is returned. */
#ifndef PORTS_LINUX_SIM_COMMANDS_H
#define PORTS_LINUX_SIM_COMMANDS_H

int cmd_sim_bms(int argc, char **argv);
int cmd_sim_gx(int argc, char **argv);

#endif
