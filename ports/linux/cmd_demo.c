/* SPDX-License-Identifier: MIT */
/* `tinybms-gw demo`: the whole gateway between a simulated battery and a virtual GX, in one process
 * and without a device, with a live view in the terminal. */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "arguments.h"
#include "commands.h"
#include "options.h"
#include "runtime.h"
#include "sim/bms.h"
#include "sim_link.h"
#include "version.h"
#include "view.h"

static const char help[] =
    "usage: tinybms-gw demo [OPTION]...\n\n"
    "Runs the gateway on a simulated battery and a virtual GX and shows both: no device is\n"
    "needed and none is touched. q or Ctrl-C ends it.\n\n"
    "      --speed X         speed of the pack's time, 0.1 to 3600; 1. The gateway keeps real "
    "time\n"
    "      --seconds N       end after N seconds\n"
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
    OPTION_VERSION,
    REFRESH_MS = 150,
    PLAIN_MS = 2000,
    PLAIN_COLUMNS = 120,
    PLAIN_ROWS = 60,
    LOG_LINE = 256,
};

struct demo {
    struct sim_link_options sim;
    uint32_t seconds; /* 0: until stopped */
    struct runtime *runtime;
    struct gateway_snapshot snapshot;
    struct sim_gx gx;
    char log_line[LOG_LINE];
    enum log_level log_level;
    bool terminal, colour;
    struct termios before;
    char text[VIEW_TEXT_MAX];
};

/* ---- the terminal ---- */

/* Writes all of it; false when there is nobody left to write to. */
static bool write_out(const char *text, size_t n) {
    while (n > 0) {
        ssize_t done = write(STDOUT_FILENO, text, n);
        if (done < 0 && errno == EAGAIN) {
            struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};
            (void)poll(&p, 1, REFRESH_MS);
        } else if (done < 0 && errno != EINTR) {
            return false;
        }
        if (done > 0) {
            text += done;
            n -= (size_t)done;
        }
    }
    return true;
}

static bool write_text(const char *text) {
    return write_out(text, strlen(text));
}

/* The other screen, no cursor; keys are not shown, and Ctrl-Z does not leave it half way. */
static void take_terminal(struct demo *d) {
    if (tcgetattr(STDIN_FILENO, &d->before) == 0) {
        struct termios t = d->before;
        t.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
        t.c_cc[VMIN] = 0;
        t.c_cc[VTIME] = 0;
        t.c_cc[VSUSP] = _POSIX_VDISABLE;
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &t);
    }
    (void)write_text("\x1b[?1049h\x1b[?25l\x1b[2J");
}

static void give_terminal_back(struct demo *d) {
    (void)write_text("\x1b[?25h\x1b[?1049l");
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &d->before);
}

static bool quit_key(void) {
    char key = 0;
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&p, 1, 0) > 0 && read(STDIN_FILENO, &key, 1) == 1 && (key == 'q' || key == 'Q');
}

static struct view_style terminal_style(const struct demo *d) {
    struct winsize size = {0};
    struct view_style style = {.columns = 80, .rows = 24, .colour = d->colour, .terminal = true};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
        style.columns = size.ws_col;
        style.rows = size.ws_row;
    }
    return style;
}

/* ---- showing ---- */

static void keep_log_line(void *context, enum log_level level, const char *line) {
    struct demo *d = context;
    d->log_level = level;
    (void)snprintf(d->log_line, sizeof d->log_line, "%s", line);
}

static bool show(struct demo *d) {
    struct view v = {.now_us = sim_link_now_us(), .speed = d->sim.speed};
    struct view_style style = {.columns = PLAIN_COLUMNS, .rows = PLAIN_ROWS};
    if (runtime_snapshot(d->runtime, &d->snapshot)) {
        v.gateway = &d->snapshot;
    }
    if (sim_link_gx_state(&d->gx)) {
        v.gx = &d->gx;
        v.now_us = sim_link_now_us(); /* not before what the copy holds */
    }
    if (!d->terminal) {
        size_t n = view_render(&v, &style, d->text, sizeof d->text);
        return write_out(d->text, n) && write_text("\n");
    }
    style = terminal_style(d);
    v.hint = "q ends it";
    v.log_level = d->log_level;
    v.log_line = d->log_line[0] != '\0' ? d->log_line : NULL;
    size_t n = view_render(&v, &style, d->text, sizeof d->text);
    return write_out(d->text, n);
}

/* The exit status. */
static int run(struct demo *d) {
    uint64_t start_us = sim_link_now_us(), every_us = (d->terminal ? REFRESH_MS : PLAIN_MS) * 1000u;
    uint64_t end_us = d->seconds > 0 ? start_us + d->seconds * 1000000u : UINT64_MAX;
    uint64_t show_us = d->terminal ? start_us : start_us + every_us;
    for (;;) {
        uint64_t now_us = sim_link_now_us();
        if (now_us >= end_us || (d->terminal && quit_key())) {
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
        wait_us = wait_us < REFRESH_MS * 1000u ? wait_us : REFRESH_MS * 1000u;
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
    case OPTION_SPEED:
        return argument_number("demo", "--speed", optarg, 0.1, 3600.0, &d->sim.speed);
    case OPTION_SECONDS:
        return argument_whole("demo", "--seconds", optarg, 1, 31536000, &d->seconds);
    case OPTION_CELLS:
        good = argument_whole("demo", "--cells", optarg, SIM_CELLS_MIN, SIM_CELLS_MAX, &v);
        d->sim.cells = (uint8_t)v;
        return good;
    case OPTION_SEED:
        return argument_whole("demo", "--seed", optarg, 0, UINT32_MAX, &d->sim.seed);
    default:
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
    status = check_registers(&d);
    if (status != EXIT_DONE) {
        return status;
    }
    sim_link_configure(&d.sim);
    sim_settings(&settings);
    d.terminal = isatty(STDOUT_FILENO) && isatty(STDIN_FILENO);
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    d.colour = d.terminal && (no_color == NULL || no_color[0] == '\0');
    d.terminal = d.terminal && term != NULL && strcmp(term, "dumb") != 0;
    const struct runtime_options how = {
        .signals = true, .log = d.terminal ? keep_log_line : NULL, .log_context = &d};
    int err = runtime_start(&d.runtime, &settings, &how);
    if (err != 0) {
        (void)fprintf(stderr, "tinybms-gw demo: cannot start: %s\n", strerror(-err));
        return EXIT_FAILED;
    }
    if (d.terminal) {
        take_terminal(&d);
    }
    status = run(&d);
    runtime_stop(d.runtime);
    if (d.terminal) {
        give_terminal_back(&d);
    }
    return status;
}
