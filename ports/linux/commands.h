/* SPDX-License-Identifier: MIT */
/* The commands of tinybms-gw. Each gets its own name as argv[0] and returns the exit status. */
#ifndef PORTS_LINUX_COMMANDS_H
#define PORTS_LINUX_COMMANDS_H

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

int cmd_run(int argc, char **argv);
int cmd_demo(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_schema(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_registers(int argc, char **argv);
int cmd_sim(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_decode(int argc, char **argv);

#endif
