/* SPDX-License-Identifier: MIT */
/* `tinybms-gw sim bms`: serves a virtual TinyBMS on a pseudo-terminal until it is stopped. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "options.h"
#include "pty.h"
#include "scenario_file.h"
#include "sim/bms.h"
#include "sim_bms_options.h"
#include "sim_commands.h"
#include "sim_link.h"
#include "stop.h"

static const char command[] = "sim bms";

/* Waits for bytes, the simulator's next deadline or a stop; true: stop. Without a peer the device
 * has nothing to wait for, and is looked at every PTY_PEER_CHECK_MS. */
static bool wait_for(const struct pty *p, int stop, uint64_t next_us, uint64_t now_us) {
    enum { SLICE_US = 500 };
    struct pollfd fds[2] = {{.fd = stop, .events = POLLIN}, {.fd = p->master, .events = POLLIN}};
    uint64_t us = next_us - now_us < SLICE_US ? SLICE_US : next_us - now_us;
    if (!p->peer) {
        us = 1000ull * PTY_PEER_CHECK_MS;
    }
    struct timespec t = {.tv_sec = (time_t)(us / 1000000u),
                         .tv_nsec = (long)(us % 1000000u) * 1000};
    (void)ppoll(fds, p->peer ? 2 : 1, &t, NULL);
    return fds[0].revents != 0;
}

/* ---- a scenario ---- */

struct play {
    struct scenario_file file;
    struct scenario_player player;
    uint64_t start_us;
    bool on;
};

static void play_begin(struct play *p, struct sim_bms *b, uint64_t now_us) {
    const struct scenario *s = &p->file.scenario;
    unsigned others = s->expectations;
    for (unsigned i = 0; i < s->actions; i++) {
        others += !scenario_is_bms(s->action[i].verb);
    }
    (void)printf(
        "Playing \"%s\"; %u of its sentences are about the gateway, the GX or what must hold, and "
        "are not for the battery.\n",
        s->title, others);
    scenario_player_init(&p->player, s, b, now_us);
    p->start_us = now_us;
    p->on = true;
}

/* What is due now. Returns when to look again. */
static uint64_t play(struct play *p, struct sim_bms *b, uint64_t now_us) {
    const struct scenario_line *line;
    char text[SCENARIO_LINE_MAX + 1];
    while (p->on && (line = scenario_player_next(&p->player, b, now_us)) != NULL) {
        if (scenario_is_bms(line->verb)) {
            scenario_file_line(&p->file, line->line, text, sizeof text);
            (void)printf("%9.3f s  line %u: %s\n", (double)(now_us - p->start_us) / 1e6, line->line,
                         text);
            (void)fflush(stdout);
        }
    }
    if (p->on) {
        scenario_player_lie(&p->player, b);
    }
    return p->on ? scenario_player_due_us(&p->player) : UINT64_MAX;
}

static int serve(struct sim_bms *b, struct play *s, struct pty *p, int stop) {
    uint8_t buf[1024];
    for (;;) {
        ssize_t n = pty_read(p, buf, sizeof buf);
        if (n < 0) {
            (void)fprintf(stderr, "tinybms-gw sim bms: %s: %s\n", p->slave, strerror(errno));
            return EXIT_FAILED;
        }
        uint64_t now_us = sim_link_now_us();
        (void)sim_bms_step(b, now_us);
        uint64_t due_us = play(s, b, now_us);
        sim_bms_handle_rx(b, buf, (size_t)n, now_us);
        uint64_t next_us = sim_bms_step(b, now_us);
        next_us = due_us < next_us ? due_us : next_us;
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
    static struct play scenario;
    struct sim_bms_options o;
    struct pty pty;
    char why[512];
    int status = sim_bms_options_parse(&o, argc, argv);
    if (status >= 0) {
        return status;
    }
    if (o.scenario != NULL) {
        if (!scenario_file_load(&scenario.file, o.scenario, why, sizeof why)) {
            (void)fprintf(stderr, "tinybms-gw %s: %s\n", command, why);
            return EXIT_USAGE;
        }
        scenario_config(&scenario.file.scenario, &o.config);
    }
    sim_bms_options_start(&o, &bms, sim_link_now_us());
    if (o.registers != NULL && sim_link_load(&bms, o.registers, why, sizeof why) < 0) {
        (void)fprintf(stderr, "tinybms-gw %s: %s\n", command, why);
        return EXIT_USAGE;
    }
    int stop = stop_open();
    if (stop < 0) {
        (void)fprintf(stderr, "tinybms-gw %s: no signals: %s\n", command, strerror(-stop));
        return EXIT_FAILED;
    }
    if (pty_open(&pty, o.link, why, sizeof why) < 0) {
        (void)fprintf(stderr, "tinybms-gw %s: %s\n", command, why);
        (void)close(stop);
        return EXIT_FAILED;
    }
    (void)printf("A virtual TinyBMS answers on %s (%s); Ctrl-C ends it.\n", o.link, pty.slave);
    (void)fflush(stdout);
    if (o.scenario != NULL) {
        play_begin(&scenario, &bms, sim_link_now_us());
    }
    (void)fflush(stdout);
    status = serve(&bms, &scenario, &pty, stop);
    pty_close(&pty);
    (void)close(stop);
    tell_result(&bms);
    return status == EXIT_DONE ? options_finish_output(command) : status;
}
