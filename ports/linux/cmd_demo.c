/* SPDX-License-Identifier: MIT */
/* `tinybms-gw demo`: the whole gateway between a simulated battery and a virtual GX, in one process
 * and without a device, with a live view in the terminal. */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "commands.h"
#include "demo_scenario.h"
#include "options.h"
#include "runtime.h"
#include "sim/bms.h"
#include "sim_link.h"
#include "terminal.h"
#include "version.h"
#include "view.h"

static const char help[] =
    "usage: tinybms-gw demo [OPTION]...\n\n"
    "Runs the gateway on a simulated battery and a virtual GX and shows both: no device is\n"
    "needed and none is touched. q or Ctrl-C ends it.\n\n"
    "      --speed X         speed of the pack's time, 0.1 to 3600; 1. The gateway keeps real "
    "time\n"
    "      --seconds N       end after N seconds\n"
    "      --scenario FILE   play what the file says: faults, and what must hold. Each line is\n"
    "                        shown when it happens or is judged; exit status 1 when one fails.\n"
    "                        --speed is then that of everything\n"
    "      --registers FILE  a recorded battery (lines \"address 0xVALUE\") instead of the pack\n"
    "      --cells N         cells of the simulated pack, 4 to 16; 14\n"
    "      --seed N          another pack; 1\n"
    "  -h, --help            this text\n"
    "      --version         the version\n\n"
    "Without a terminal it prints a plain text every 2 s, and the log goes to stderr.\n"
    "NO_COLOR in the environment switches colours off.\n";

enum {
    OPTION_SPEED = 256,
    OPTION_SECONDS,
    OPTION_REGISTERS,
    OPTION_CELLS,
    OPTION_SEED,
    OPTION_SCENARIO,
    OPTION_VERSION,
    REFRESH_MS = 150,
    PLAIN_MS = 2000,
    PLAIN_COLUMNS = 120,
    PLAIN_ROWS = 60,
    LOG_LINE = 256,
};

struct demo {
    struct sim_link_options sim;
    uint32_t seconds;            /* 0: until stopped */
    const char *scenario, *pack; /* a file; the option that names another pack; NULL: none */
    struct runtime *runtime;
    struct gateway_snapshot snapshot;
    struct sim_gx gx;
    char log_line[LOG_LINE];
    enum log_level log_level;
    struct terminal terminal;
    char text[VIEW_TEXT_MAX];
};

/* ---- showing ---- */

static void keep_log_line(void *context, enum log_level level, const char *line) {
    struct demo *d = context;
    d->log_level = level;
    (void)snprintf(d->log_line, sizeof d->log_line, "%s", line);
}

static bool show(struct demo *d) {
    struct view v = {.now_us = sim_link_now_us(), .speed = d->sim.speed};
    const struct view_style style = terminal_style(&d->terminal, PLAIN_COLUMNS, PLAIN_ROWS);
    if (runtime_snapshot(d->runtime, &d->snapshot)) {
        v.gateway = &d->snapshot;
    }
    if (sim_link_gx_state(&d->gx)) {
        v.gx = &d->gx;
        v.now_us = sim_link_now_us(); /* not before what the copy holds */
    }
    if (!d->terminal.there) {
        size_t n = view_render(&v, &style, d->text, sizeof d->text);
        return terminal_write(d->text, n) && terminal_write("\n", 1);
    }
    v.hint = "q ends it";
    v.log_level = d->log_level;
    v.log_line = d->log_line[0] != '\0' ? d->log_line : NULL;
    size_t n = view_render(&v, &style, d->text, sizeof d->text);
    return terminal_write(d->text, n);
}

/* The exit status. */
static int run(struct demo *d) {
    uint64_t start_us = sim_link_now_us(),
             every_us = 1000ull * (d->terminal.there ? REFRESH_MS : PLAIN_MS);
    uint64_t end_us = d->seconds > 0 ? start_us + (uint64_t)d->seconds * 1000000u : UINT64_MAX;
    uint64_t show_us = d->terminal.there ? start_us : start_us + every_us;
    for (;;) {
        uint64_t now_us = sim_link_now_us();
        if (now_us >= end_us || terminal_quit_key(&d->terminal)) {
            return EXIT_DONE;
        }
        if (now_us >= show_us) {
            show_us = now_us + every_us;
            if (!show(d)) {
                return EXIT_FAILED;
            }
        }
        uint64_t next_us = show_us < end_us ? show_us : end_us;
        uint64_t wait_us = next_us > now_us ? next_us - now_us : 0;
        wait_us = wait_us < 1000ull * REFRESH_MS ? wait_us : 1000ull * REFRESH_MS;
        if (!runtime_poll(d->runtime, (int)(wait_us / 1000u) + 1)) {
            return EXIT_DONE;
        }
    }
}

/* ---- the command line ---- */

static bool take_option(struct demo *d, int code) {
    uint32_t v = 0;
    bool good = true;
    switch (code) {
    case OPTION_SCENARIO:
        d->scenario = optarg;
        return true;
    case OPTION_SPEED:
        return argument_number("demo", "--speed", optarg, 0.1, 3600.0, &d->sim.speed);
    case OPTION_SECONDS:
        return argument_whole("demo", "--seconds", optarg, 1, 31536000, &d->seconds);
    case OPTION_CELLS:
        d->pack = "--cells";
        good = argument_whole("demo", "--cells", optarg, SIM_CELLS_MIN, SIM_CELLS_MAX, &v);
        d->sim.cells = (uint8_t)v;
        return good;
    case OPTION_SEED:
        d->pack = "--seed";
        return argument_whole("demo", "--seed", optarg, 0, UINT32_MAX, &d->sim.seed);
    default:
        d->pack = "--registers";
        d->sim.registers_path = optarg;
        return true;
    }
}

/* -1: go on; otherwise the exit status. */
static int parse(struct demo *d, int argc, char **argv) {
    static const struct option names[] = {{"speed", required_argument, NULL, OPTION_SPEED},
                                          {"seconds", required_argument, NULL, OPTION_SECONDS},
                                          {"registers", required_argument, NULL, OPTION_REGISTERS},
                                          {"cells", required_argument, NULL, OPTION_CELLS},
                                          {"seed", required_argument, NULL, OPTION_SEED},
                                          {"scenario", required_argument, NULL, OPTION_SCENARIO},
                                          {"help", no_argument, NULL, 'h'},
                                          {"version", no_argument, NULL, OPTION_VERSION},
                                          {NULL, 0, NULL, 0}};
    opterr = 0;
    optind = 0;
    int code;
    while ((code = getopt_long(argc, argv, ":h", names, NULL)) != -1) {
        if (code == 'h') {
            (void)fputs(help, stdout);
            return options_finish_output("demo");
        }
        if (code == OPTION_VERSION) {
            (void)printf("tinybms-gw %s\n", TINYBMS_GW_VERSION_TEXT);
            return options_finish_output("demo");
        }
        if (code == ':' || code == '?') {
            return argument_refuse_option("demo", code, argv);
        }
        if (!take_option(d, code)) {
            return EXIT_USAGE;
        }
    }
    if (d->scenario != NULL && d->pack != NULL) {
        return argument_refuse("demo", "the scenario says which battery, not ", d->pack);
    }
    return optind < argc ? argument_refuse("demo", "unexpected argument ", argv[optind]) : -1;
}

/* A register file is looked at before anything runs: a sentence now, not a link that never comes.
 */
static int check_registers(const struct demo *d) {
    static struct sim_bms bms;
    struct sim_bms_config config;
    char why[512];
    if (d->sim.registers_path == NULL) {
        return EXIT_DONE;
    }
    sim_bms_defaults(&config);
    sim_bms_init(&bms, &config, 0);
    if (sim_link_load(&bms, d->sim.registers_path, why, sizeof why) < 0) {
        (void)fprintf(stderr, "tinybms-gw demo: %s\n", why);
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

static void sim_settings(struct settings *s) {
    settings_defaults(s);
    (void)snprintf(s->hardware.uart.device, sizeof s->hardware.uart.device, "sim");
    (void)snprintf(s->hardware.can.interface, sizeof s->hardware.can.interface, "sim");
}

int cmd_demo(int argc, char **argv) {
    static struct demo d;
    struct settings settings;
    d = (struct demo){.sim = {.registers_path = NULL, .speed = 1.0, .seed = 1, .cells = 14}};
    int status = parse(&d, argc, argv);
    if (status >= 0) {
        return status;
    }
    if (d.scenario != NULL) {
        return demo_scenario(d.scenario, d.sim.speed, d.seconds);
    }
    status = check_registers(&d);
    if (status != EXIT_DONE) {
        return status;
    }
    sim_link_configure(&d.sim);
    sim_settings(&settings);
    terminal_init(&d.terminal);
    const struct runtime_options how = {
        .signals = true, .log = d.terminal.there ? keep_log_line : NULL, .log_context = &d};
    int err = runtime_start(&d.runtime, &settings, &how);
    if (err != 0) {
        (void)fprintf(stderr, "tinybms-gw demo: cannot start: %s\n", strerror(-err));
        return EXIT_FAILED;
    }
    terminal_take(&d.terminal);
    status = run(&d);
    runtime_stop(d.runtime);
    terminal_give_back(&d.terminal);
    return status;
}
