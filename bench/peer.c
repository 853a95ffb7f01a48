/* SPDX-License-Identifier: MIT */
/* The other end of both wires for the measurements: a BMS that gives its bytes one by one as fast
 * as a UART does and no faster, and a LAWICEL adapter with a GX behind it, each on a
 * pseudo-terminal. The same one serves every gateway that is measured.
 *
 *     bench-peer BMS_LINK CAN_LINK [--force N] [--pieces N]
 *
 * The BMS is sim/bms.h with registers that stand still, but for one cell that moves by a millivolt
 * with every sample. --force N: every Nth sample forces 0x351 out of turn: by turns a cell at its
 * over-voltage cut-off (charge limit 0) and one at its under-voltage cut-off (discharge limit 0).
 * --pieces N: bytes are handed over N at a time, as by a UART's receive buffer, and the rest after
 * four byte times of silence. BMS_LINK "tcp": a port of 127.0.0.1 in its place, told in the line
 * "ready"; TCP hands bytes over at once, where a pseudo-terminal's pass through a kernel thread
 * that waits its turn among busy programs.
 *
 * "begin" on standard input forgets what was noted so far; its end prints what was noted as JSON,
 * times in microseconds of CLOCK_MONOTONIC. What this process noted too late it tells itself: it
 * asks for a real-time priority above the gateways', and notes how late it woke. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "notes.h"
#include "ports/linux/pty.h"
#include "sim/bms.h"
#include "sim/gx.h"
#include "sim/slcan_adapter.h"

enum {
    REAL_TIME_PRIORITY = 20,
    HIGH_MV = 4205, /* register 315 is 4200 */
    LOW_MV = 2890,  /* register 316 is 2900 */
    LIMITS_ID = 0x351,
    IDLE_US = 20000, /* without anything to do it looks so often */
    PIECE_BYTES = 256,
    SILENT_BYTE_TIMES = 4,
};

/* What a sample forces. */
enum forced { NOTHING, CHARGE_ZERO, DISCHARGE_ZERO };

struct peer {
    struct sim_bms bms;
    struct pty uart, can;
    struct sim_slcan adapter;
    struct sim_gx gx;
    unsigned force_every, piece; /* 0: never; 1: each byte by itself */
    unsigned until_forced;
    uint16_t cell_mv; /* of cell 1, when nothing is forced */
    bool wobble;      /* the last cell is a millivolt higher */
    bool sampling;    /* the reply under way is that of registers 0-53 */
    enum forced last,
        under_way; /* forced by the last sample of this kind, by the reply under way */
    uint8_t held[PIECE_BYTES];
    size_t holds;
    uint64_t held_since_us;
    struct notes notes;
};

static uint64_t now_us(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static uint64_t byte_us(const struct peer *p) {
    return 10000000u / p->bms.config.baudrate;
}

/* ---- the battery ---- */

static void set_cell(struct sim_bms *b, unsigned cell, uint16_t mv) {
    b->reg[sim_bms_cell_register(b, cell)] = (uint16_t)(10u * mv);
}

/* Registers 36, 40 and 41 follow the cells, so that every sample is plausible. */
static void show_cells(struct sim_bms *b) {
    unsigned sum = 0, low = UINT16_MAX, high = 0;
    for (unsigned i = 0; i < b->config.pack.cells; i++) {
        unsigned mv = b->reg[sim_bms_cell_register(b, i)] / 10u;
        sum += mv;
        low = mv < low ? mv : low;
        high = mv > high ? mv : high;
    }
    sim_bms_put_float(b, 36, (float)sum / 1000.0f);
    b->reg[40] = (uint16_t)low;
    b->reg[41] = (uint16_t)high;
}

/* What the next sample will say. */
static void live(struct peer *p) {
    const unsigned last = p->bms.config.pack.cells - 1u;
    p->wobble = !p->wobble;
    set_cell(&p->bms, last, (uint16_t)(p->cell_mv + (p->wobble ? 1 : 0)));
    p->under_way = NOTHING;
    if (p->force_every > 0 && --p->until_forced == 0) {
        p->until_forced = p->force_every;
        p->under_way = p->last = p->last == CHARGE_ZERO ? DISCHARGE_ZERO : CHARGE_ZERO;
        set_cell(&p->bms, 0, p->last == CHARGE_ZERO ? HIGH_MV : LOW_MV);
    }
    show_cells(&p->bms);
}

/* ---- the UART ---- */

static void take_requests(struct peer *p, uint64_t now) {
    static const uint8_t live_block[] = {0xAA, 0x03, 0, 0, 0, 54};
    uint8_t buf[256];
    ssize_t n = pty_read(&p->uart, buf, sizeof buf);
    if (n <= 0)
        return;
    if ((size_t)n >= sizeof live_block && memcmp(buf, live_block, sizeof live_block) == 0) {
        live(p);
        p->sampling = true;
    }
    sim_bms_handle_rx(&p->bms, buf, (size_t)n, now);
}

static void hand_over(struct peer *p) {
    if (p->sampling && p->bms.line_count == 0) {
        const uint64_t now = now_us(); /* before the call: what it takes is counted */
        p->sampling = false;
        notes_sample(&p->notes, now);
        if (p->under_way != NOTHING)
            notes_forced(&p->notes, now, p->under_way == CHARGE_ZERO);
    }
    pty_write(&p->uart, p->held, p->holds);
    p->holds = 0;
}

/* When the receive buffer gives up waiting for more. */
static uint64_t piece_due_us(const struct peer *p) {
    return p->holds == 0 ? UINT64_MAX : p->held_since_us + SILENT_BYTE_TIMES * byte_us(p);
}

static void give_bytes(struct peer *p, uint64_t now) {
    uint8_t byte;
    while (sim_bms_tx(&p->bms, &byte, 1, now) == 1) {
        p->held[p->holds++] = byte;
        p->held_since_us = now;
        if (p->holds >= p->piece)
            hand_over(p);
    }
    if (now >= piece_due_us(p))
        hand_over(p);
}

/* ---- the CAN bus ---- */

static void take_frame(struct peer *p, const struct sim_can_frame *f, uint64_t now) {
    sim_gx_handle_rx(&p->gx, f, now);
    notes_frame(&p->notes);
    if (f->id == LIMITS_ID)
        notes_limits(&p->notes, now);
}

static void serve_can(struct peer *p) {
    uint8_t buf[512];
    struct sim_can_frame f;
    ssize_t n = pty_read(&p->can, buf, sizeof buf);
    const uint64_t now = now_us(); /* after the read: what it took to get here is counted */
    if (n > 0)
        sim_slcan_handle_rx(&p->adapter, buf, (size_t)n);
    while (sim_slcan_next_frame(&p->adapter, &f))
        take_frame(p, &f, now);
    while (sim_gx_next_frame(&p->gx, now, &f))
        sim_slcan_put_frame(&p->adapter, &f, now);
    size_t out = sim_slcan_tx(&p->adapter, buf, sizeof buf);
    if (out > 0)
        pty_write(&p->can, buf, out);
}

/* ---- the loop ---- */

static uint64_t sooner(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* False at the end of standard input. */
static bool take_orders(struct peer *p) {
    char word[64];
    ssize_t n = read(STDIN_FILENO, word, sizeof word);
    if (n > 0)
        notes_begin(&p->notes);
    return n != 0;
}

/* Waits until `at` or until there is something to read; notes how late that was. */
static bool wait_until(struct peer *p, uint64_t at) {
    struct pollfd fds[3] = {{.fd = STDIN_FILENO, .events = POLLIN},
                            {.fd = p->uart.peer ? p->uart.master : -1, .events = POLLIN},
                            {.fd = p->can.peer ? p->can.master : -1, .events = POLLIN}};
    const uint64_t asked = now_us();
    const uint64_t wait = at > asked ? at - asked : 0;
    const struct timespec t = {.tv_sec = (time_t)(wait / 1000000u),
                               .tv_nsec = (long)(wait % 1000000u) * 1000};
    if (ppoll(fds, 3, &t, NULL) == 0)
        notes_woke(&p->notes, now_us(), asked + wait);
    return fds[0].revents == 0 || take_orders(p);
}

static void serve(struct peer *p) {
    bool goes_on = true;
    while (goes_on) {
        const uint64_t now = now_us();
        uint64_t next = sooner(sim_bms_step(&p->bms, now), sim_gx_step(&p->gx, now));
        give_bytes(p, now);
        serve_can(p);
        take_requests(p, now);
        if (p->bms.line_count > 0)
            next = p->bms.line[p->bms.line_first].due_us;
        goes_on = wait_until(p, sooner(sooner(next, piece_due_us(p)), now + IDLE_US));
    }
}

static void start(struct peer *p) {
    struct sim_bms_config cfg;
    sim_bms_defaults(&cfg);
    sim_bms_init(&p->bms, &cfg, now_us());
    p->bms.recording = true; /* the registers stay as they are set here */
    p->cell_mv = (uint16_t)(p->bms.reg[sim_bms_cell_register(&p->bms, 0)] / 10u);
    p->until_forced = p->force_every;
    sim_gx_init(&p->gx, now_us());
    sim_slcan_init(&p->adapter);
    const struct sched_param priority = {.sched_priority = REAL_TIME_PRIORITY};
    p->notes.real_time = sched_setscheduler(0, SCHED_FIFO, &priority) == 0;
    (void)mlockall(MCL_CURRENT | MCL_FUTURE);
}

/* Waits for the one that connects. */
static bool serve_tcp(struct peer *p) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof here;
    const int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&here, length) != 0 ||
        listen(listener, 1) != 0 || getsockname(listener, (struct sockaddr *)&here, &length) != 0)
        return false;
    (void)printf("ready %u\n", (unsigned)ntohs(here.sin_port));
    (void)fflush(stdout);
    p->uart = (struct pty){.link = "",
                           .master = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC),
                           .peer = true};
    (void)close(listener);
    return p->uart.master >= 0 &&
           setsockopt(p->uart.master, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0;
}

static bool options(struct peer *p, int argc, char **argv) {
    p->piece = 1;
    for (int i = 3; i + 1 < argc; i += 2) {
        unsigned long value = strtoul(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--force") == 0)
            p->force_every = (unsigned)value;
        else if (strcmp(argv[i], "--pieces") == 0 && value >= 1 && value <= PIECE_BYTES)
            p->piece = (unsigned)value;
        else
            return false;
    }
    return argc >= 3 && argc % 2 == 1;
}

int main(int argc, char **argv) {
    static struct peer peer;
    char why[256];
    if (!options(&peer, argc, argv)) {
        (void)fprintf(stderr, "usage: bench-peer BMS_LINK CAN_LINK [--force N] [--pieces N]\n");
        return 2;
    }
    const bool tcp = strcmp(argv[1], "tcp") == 0;
    if ((!tcp && pty_open(&peer.uart, argv[1], why, sizeof why) < 0) ||
        pty_open(&peer.can, argv[2], why, sizeof why) < 0) {
        (void)fprintf(stderr, "bench-peer: %s\n", why);
        return 1;
    }
    start(&peer);
    if (tcp && !serve_tcp(&peer)) {
        (void)fprintf(stderr, "bench-peer: no TCP: %s\n", strerror(errno));
        return 1;
    }
    if (!tcp) {
        (void)printf("ready\n");
        (void)fflush(stdout);
    }
    serve(&peer);
    notes_print(&peer.notes, stdout);
    if (!tcp)
        pty_close(&peer.uart);
    pty_close(&peer.can);
    return 0;
}
