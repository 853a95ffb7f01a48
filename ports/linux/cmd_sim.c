/* SPDX-License-Identifier: MIT */
/* `tinybms-gw sim`: a virtual TinyBMS or a virtual GX as a program of its own. */
#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "commands.h"
#include "options.h"
#include "sim_commands.h"
#include "version.h"

static const char help[] =
    "usage: tinybms-gw sim bms --link PATH [OPTION]...\n"
    "       tinybms-gw sim gx --can LINK [OPTION]...\n\n"
    "  bms   a virtual TinyBMS on a pseudo-terminal: give its path to hardware.uart.device\n"
    "  gx    a virtual GX device on a CAN bus or behind a virtual adapter\n\n"
    "  tinybms-gw sim bms --help and tinybms-gw sim gx --help say more\n";

int cmd_sim(int argc, char **argv) {
    if (argc < 2) {
        (void)fputs(help, stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "bms") == 0) {
        return cmd_sim_bms(argc - 1, argv + 1);
    }
    if (strcmp(argv[1], "gx") == 0) {
        return cmd_sim_gx(argc - 1, argv + 1);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        (void)fputs(help, stdout);
        return options_finish_output("sim");
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("tinybms-gw %s\n", TINYBMS_GW_VERSION_TEXT);
        return options_finish_output("sim");
    }
    return argument_refuse("sim", "nothing to simulate is called ", argv[1]);
}
