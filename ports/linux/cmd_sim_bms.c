/* SPDX-License-Identifier: MIT */
/* `tinybms-gw sim bms`: serves a virtual TinyBMS on a pseudo-terminal until it is stopped. */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "arguments.h"
#include "commands.h"
#include "options.h"
#include "pty.h"
#include "sim/bms.h"
#include "sim_commands.h"
#include "sim_link.h"
#include "stop.h"
#include "version.h"

static const char command[] = "sim bms";

static const char help[] =
    "usage: tinybms-gw sim bms --link PATH [OPTION]...\n\n"
    "A virtual TinyBMS on a pseudo-terminal; PATH is a link to it until Ctrl-C.\n\n"
    "      --link PATH       where the link is made; needed\n"
    "      --registers FILE  serve these registers (lines \"address 0xVALUE\", comments with #)\n"
    "                        instead of a simulated pack\n"
    "      --chemistry NAME  nmc (14 cells, 66 Ah) or lfp (16 cells, 100 Ah); nmc\n"
    "      --cells N         cells of the simulated pack, 4 to 16\n"
    "      --speed X         speed of the pack's time, 0.1 to 3600; 1\n"
    "      --seed N          another pack and other faults; 1\n"
    "      --baud N          bit rate that the bytes are timed for; 115200\n"
    "      --sleep           fall asleep after 10 s without traffic, as a TinyBMS does\n\n"
    "Faults, in percent of the replies:\n"
    "      --drop PCT        not sent\n"
    "      --corrupt PCT     with flipped bits\n"
    "      --noise PCT       with stray bytes before them\n"
    "      --truncate PCT    cut short\n"
    "      --nack PCT        refused without a reason\n"
    "      --fragment        every reply comes in pieces\n"
    "      --chatter         unasked bytes in between\n"
    "      --mute            nothing is answered\n"
    "      --freeze          answers, but measures no more\n"
    "      --refuse-reserved refuse reads that touch reserved registers\n\n"
    "  -h, --help            this text\n"
    "      --version         the version\n";

struct arguments {
    const char *link, *registers;
    struct sim_bms_config config;
    bool cells_given;
};

enum {
    OPTION_LINK = 256,
    OPTION_REGISTERS,
    OPTION_CHEMISTRY,
    OPTION_CELLS,
    OPTION_SPEED,
    OPTION_SEED,
    OPTION_BAUD,
    OPTION_SLEEP,
    OPTION_DROP,
    OPTION_CORRUPT,
    OPTION_NOISE,
    OPTION_TRUNCATE,
    OPTION_NACK,
    OPTION_FRAGMENT,
    OPTION_CHATTER,
    OPTION_MUTE,
    OPTION_FREEZE,
    OPTION_REFUSE_RESERVED,
    OPTION_VERSION,
};

/* clang-format off */
static const struct option names[] = {
    {"link",            required_argument, NULL, OPTION_LINK},
    {"registers",       required_argument, NULL, OPTION_REGISTERS},
    {"chemistry",       required_argument, NULL, OPTION_CHEMISTRY},
    {"cells",           required_argument, NULL, OPTION_CELLS},
    {"speed",           required_argument, NULL, OPTION_SPEED},
    {"seed",            required_argument, NULL, OPTION_SEED},
    {"baud",            required_argument, NULL, OPTION_BAUD},
    {"sleep",           no_argument,       NULL, OPTION_SLEEP},
    {"drop",            required_argument, NULL, OPTION_DROP},
    {"corrupt",         required_argument, NULL, OPTION_CORRUPT},
    {"noise",           required_argument, NULL, OPTION_NOISE},
    {"truncate",        required_argument, NULL, OPTION_TRUNCATE},
    {"nack",            required_argument, NULL, OPTION_NACK},
    {"fragment",        no_argument,       NULL, OPTION_FRAGMENT},
    {"chatter",         no_argument,       NULL, OPTION_CHATTER},
    {"mute",            no_argument,       NULL, OPTION_MUTE},
    {"freeze",          no_argument,       NULL, OPTION_FREEZE},
    {"refuse-reserved", no_argument,       NULL, OPTION_REFUSE_RESERVED},
    {"help",            no_argument,       NULL, 'h'},
    {"version",         no_argument,       NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};
/* clang-format on */

static bool percent(const char *name, uint32_t *cpct) {
    double v;
    if (!argument_number(command, name, optarg, 0.0, 100.0, &v)) {
        return false;
    }
    *cpct = (uint32_t)(v * 100.0 + 0.5);
    return true;
}

static bool chemistry(struct arguments *a) {
    uint8_t cells = a->config.pack.cells;
    if (strcmp(optarg, "nmc") == 0) {
        sim_pack_preset(&a->config.pack, SIM_NMC);
    } else if (strcmp(optarg, "lfp") == 0) {
        sim_pack_preset(&a->config.pack, SIM_LFP);
    } else {
        (void)argument_refuse(command, "--chemistry is nmc or lfp, not ", optarg);
        return false;
    }
    if (a->cells_given) {
        a->config.pack.cells = cells;
    }
    return true;
}

/* A fault's option; false: out of range, or not one. */
static bool take_fault(struct sim_bms_faults *f, int code, bool *known) {
    *known = true;
    switch (code) {
    case OPTION_DROP:
        return percent("--drop", &f->drop_cpct);
    case OPTION_CORRUPT:
        return percent("--corrupt", &f->corrupt_cpct);
    case OPTION_NOISE:
        return percent("--noise", &f->noise_cpct);
    case OPTION_TRUNCATE:
        return percent("--truncate", &f->truncate_cpct);
    case OPTION_NACK:
        return percent("--nack", &f->nack_cpct);
    case OPTION_FRAGMENT:
        return f->fragment = true;
    case OPTION_CHATTER:
        return f->chatter = true;
    case OPTION_MUTE:
        return f->mute = true;
    case OPTION_FREEZE:
        return f->freeze = true;
    case OPTION_REFUSE_RESERVED:
        return f->refuse_reserved = true;
    default:
        return *known = false;
    }
}

static bool take_option(struct arguments *a, int code) {
    uint32_t v = 0;
    bool good = true;
    switch (code) {
    case OPTION_LINK:
        a->link = optarg;
        return true;
    case OPTION_REGISTERS:
        a->registers = optarg;
        return true;
    case OPTION_CHEMISTRY:
        return chemistry(a);
    case OPTION_CELLS:
        good = argument_whole(command, "--cells", optarg, SIM_CELLS_MIN, SIM_CELLS_MAX, &v);
        a->config.pack.cells = (uint8_t)v;
        a->cells_given = true;
        return good;
    case OPTION_SPEED:
        return argument_number(command, "--speed", optarg, 0.1, 3600.0, &a->config.speed);
    case OPTION_SEED:
        good = argument_whole(command, "--seed", optarg, 0, UINT32_MAX, &v);
        a->config.seed = v;
        return good;
    case OPTION_BAUD:
        return argument_whole(command, "--baud", optarg, 300, 4000000, &a->config.baudrate);
    default:
        a->config.sleeps = true;
        return true;
    }
}

/* -1: go on; otherwise the exit status. */
static int parse(struct arguments *a, int argc, char **argv) {
    *a = (struct arguments){0};
    sim_bms_defaults(&a->config);
    opterr = 0;
    optind = 0;
    int code;
    while ((code = getopt_long(argc, argv, ":h", names, NULL)) != -1) {
        if (code == 'h') {
            (void)fputs(help, stdout);
            return options_finish_output(command);
        }
        if (code == OPTION_VERSION) {
            (void)printf("tinybms-gw %s\n", TINYBMS_GW_VERSION_TEXT);
            return options_finish_output(command);
        }
        if (code == ':' || code == '?') {
            return argument_refuse_option(command, code, argv);
        }
        bool fault;
        bool good = take_fault(&a->config.faults, code, &fault);
        if (!good && (fault || !take_option(a, code))) {
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        return argument_refuse(command, "unexpected argument ", argv[optind]);
    }
    if (a->link == NULL) {
        return argument_refuse(command, "--link PATH is needed: where to make the device", "");
    }
    a->config.pack.seed = a->config.seed;
    return -1;
}

/* Waits for bytes, the simulator's next deadline or a stop; true: stop. Without a peer the device
 * has nothing to wait for, and is looked at every PTY_PEER_CHECK_MS. */
static bool wait_for(const struct pty *p, int stop, uint64_t next_us, uint64_t now_us) {
    enum { SLICE_US = 500 };
    struct pollfd fds[2] = {{.fd = stop, .events = POLLIN}, {.fd = p->master, .events = POLLIN}};
    uint64_t us = next_us - now_us < SLICE_US ? SLICE_US : next_us - now_us;
    if (!p->peer) {
        us = 1000u * PTY_PEER_CHECK_MS;
    }
    struct timespec t = {.tv_sec = (time_t)(us / 1000000u),
                         .tv_nsec = (long)(us % 1000000u) * 1000};
    (void)ppoll(fds, p->peer ? 2 : 1, &t, NULL);
    return fds[0].revents != 0;
}

static int serve(struct sim_bms *b, struct pty *p, int stop) {
    uint8_t buf[1024];
    for (;;) {
        ssize_t n = pty_read(p, buf, sizeof buf);
        if (n < 0) {
            (void)fprintf(stderr, "tinybms-gw sim bms: %s: %s\n", p->slave, strerror(errno));
            return EXIT_FAILED;
        }
        uint64_t now_us = sim_link_now_us();
        sim_bms_handle_rx(b, buf, (size_t)n, now_us);
        uint64_t next_us = sim_bms_step(b, now_us);
        size_t out = sim_bms_tx(b, buf, sizeof buf, now_us);
        pty_write(p, buf, out);
        if (wait_for(p, stop, next_us, now_us)) {
            return EXIT_DONE;
        }
    }
}

static void tell_result(const struct sim_bms *b) {
    const struct sim_bms_counters *c = &b->counters;
    (void)printf("%u requests, %u replies, %u refusals, %u requests with a wrong CRC; faults: %u "
                 "dropped, %u corrupted, %u with noise, %u cut short\n",
                 c->requests, c->replies, c->nacks, c->crc_errors, c->dropped, c->corrupted,
                 c->noisy, c->truncated);
}

int cmd_sim_bms(int argc, char **argv) {
    static struct sim_bms bms;
    struct arguments a;
    struct pty pty;
    char why[512];
    int status = parse(&a, argc, argv);
    if (status >= 0) {
        return status;
    }
    sim_bms_init(&bms, &a.config, sim_link_now_us());
    if (a.registers != NULL && sim_link_load(&bms, a.registers, why, sizeof why) < 0) {
        (void)fprintf(stderr, "tinybms-gw %s: %s\n", command, why);
        return EXIT_USAGE;
    }
    int stop = stop_open();
    if (stop < 0) {
        (void)fprintf(stderr, "tinybms-gw %s: no signals: %s\n", command, strerror(-stop));
        return EXIT_FAILED;
    }
    if (pty_open(&pty, a.link, why, sizeof why) < 0) {
        (void)fprintf(stderr, "tinybms-gw %s: %s\n", command, why);
        (void)close(stop);
        return EXIT_FAILED;
    }
    (void)printf("A virtual TinyBMS answers on %s (%s); Ctrl-C ends it.\n", a.link, pty.slave);
    (void)fflush(stdout);
    status = serve(&bms, &pty, stop);
    pty_close(&pty);
    (void)close(stop);
    tell_result(&bms);
    return status == EXIT_DONE ? options_finish_output(command) : status;
}
