/* SPDX-License-Identifier: MIT */
/* Simulators behind one end of a socket pair. Each thread owns its simulator; what the two share is
 * what the GX received, copied under a lock. */
#define _GNU_SOURCE /* ppoll */
#include "sim_link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sim/bms.h"
#include "sim/gx.h"
#include "sim/slcan_adapter.h"

enum {
    FILE_MAX = 65536,
    SLICE_US = 500,   /* bytes that are due closer together leave together */
    IDLE_US = 100000, /* at least so often a thread looks at what the other one knows */
};

/* The state that threads share. */
static struct {
    pthread_mutex_t lock;
    struct sim_link_options options;
    struct sim_gx gx;
    unsigned gx_number; /* of the GX link opened last; 0: none */
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER,
            .options = {.registers_path = NULL, .speed = 1.0, .seed = 1, .cells = 14}};

struct bms_link {
    int fd;
    struct sim_bms bms;
};

struct gx_link {
    int fd;
    unsigned number;
    struct sim_gx gx;
    struct sim_slcan adapter;
};

uint64_t sim_link_now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

void sim_link_configure(const struct sim_link_options *options) {
    pthread_mutex_lock(&shared.lock);
    shared.options = *options;
    pthread_mutex_unlock(&shared.lock);
}

bool sim_link_gx_state(struct sim_gx *out) {
    pthread_mutex_lock(&shared.lock);
    bool any = shared.gx_number > 0;
    if (any)
        *out = shared.gx;
    pthread_mutex_unlock(&shared.lock);
    return any;
}

int sim_link_load(struct sim_bms *b, const char *path, char *why, size_t cap) {
    char text[FILE_MAX];
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        int err = errno;
        (void)snprintf(why, cap, "%s cannot be opened: %s", path, strerror(err));
        return -err;
    }
    size_t n = fread(text, 1, sizeof text, f);
    int err = ferror(f) != 0 ? errno : 0;
    bool whole = feof(f) != 0;
    (void)fclose(f);
    if (err != 0) {
        (void)snprintf(why, cap, "%s cannot be read: %s", path, strerror(err));
        return -err;
    }
    if (!whole) {
        (void)snprintf(why, cap, "%s is larger than %d bytes: not a register file", path, FILE_MAX);
        return -EINVAL;
    }
    unsigned line = sim_bms_load(b, text, n);
    if (line == 0)
        return 0;
    (void)snprintf(why, cap, "%s line %u is not \"address 0xVALUE\" with an address up to %d", path,
                   line, SIM_BMS_REGISTERS - 1);
    return -EINVAL;
}

/* Waits for bytes or for a time; false once our end was closed. */
static bool wait_until(int fd, uint64_t next_us, uint64_t now_us) {
    uint64_t us = next_us > now_us ? next_us - now_us : 0;
    us = us < SLICE_US ? SLICE_US : us > IDLE_US ? IDLE_US : us;
    struct timespec t = {.tv_sec = 0, .tv_nsec = (long)us * 1000};
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return ppoll(&p, 1, &t, NULL) >= 0 || errno == EINTR;
}

/* Bytes read; 0: none now; -1: our end was closed. */
static ssize_t receive(int fd, uint8_t *buf, size_t cap) {
    ssize_t n = recv(fd, buf, cap, MSG_DONTWAIT);
    if (n > 0)
        return n;
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

/* What a reader does not take in time is lost, as on a UART. */
static void transmit(int fd, const uint8_t *bytes, size_t n) {
    (void)send(fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* The house of the pack obeys what the GX received: nothing flows without a fresh 0x351. */
static void obey_gx(struct sim_bms *b, uint64_t now_us) {
    int64_t cvl = 0, ccl = 0, dcl = 0;
    pthread_mutex_lock(&shared.lock);
    bool any = shared.gx_number > 0;
    bool runs =
        any && sim_gx_running(&shared.gx, now_us) && sim_gx_value(&shared.gx, SIM_GX_CVL, &cvl) &&
        sim_gx_value(&shared.gx, SIM_GX_CCL, &ccl) && sim_gx_value(&shared.gx, SIM_GX_DCL, &dcl);
    pthread_mutex_unlock(&shared.lock);
    if (any && !runs)
        sim_bms_set_house(b, 0.0, 0.0, 0.0);
    else if (runs)
        sim_bms_set_house(b, (double)cvl / 10.0, ccl > 0 ? (double)ccl / 10.0 : 0.0,
                          dcl > 0 ? (double)dcl / 10.0 : 0.0);
}

static void *serve_bms(void *argument) {
    struct bms_link *l = argument;
    uint8_t buf[512];
    for (;;) {
        ssize_t n = receive(l->fd, buf, sizeof buf);
        if (n < 0)
            break;
        uint64_t now_us = sim_link_now_us();
        obey_gx(&l->bms, now_us);
        sim_bms_handle_rx(&l->bms, buf, (size_t)n, now_us);
        uint64_t next_us = sim_bms_step(&l->bms, now_us);
        size_t out = sim_bms_tx(&l->bms, buf, sizeof buf, now_us);
        if (out > 0)
            transmit(l->fd, buf, out);
        if (!wait_until(l->fd, next_us, now_us))
            break;
    }
    close(l->fd);
    free(l);
    return NULL;
}

static void publish_gx(const struct gx_link *l) {
    pthread_mutex_lock(&shared.lock);
    if (shared.gx_number == l->number)
        shared.gx = l->gx;
    pthread_mutex_unlock(&shared.lock);
}

static void *serve_gx(void *argument) {
    struct gx_link *l = argument;
    uint8_t buf[512];
    for (;;) {
        ssize_t n = receive(l->fd, buf, sizeof buf);
        if (n < 0)
            break;
        uint64_t now_us = sim_link_now_us();
        struct sim_can_frame f;
        sim_slcan_handle_rx(&l->adapter, buf, (size_t)n);
        while (sim_slcan_next_frame(&l->adapter, &f))
            sim_gx_handle_rx(&l->gx, &f, now_us);
        while (sim_gx_next_frame(&l->gx, now_us, &f))
            sim_slcan_put_frame(&l->adapter, &f, now_us);
        if (n > 0) /* before the answer: who has that finds the frame received */
            publish_gx(l);
        size_t out = sim_slcan_tx(&l->adapter, buf, sizeof buf);
        if (out > 0)
            transmit(l->fd, buf, out);
        if (!wait_until(l->fd, sim_gx_step(&l->gx, now_us), now_us))
            break;
    }
    close(l->fd);
    free(l);
    return NULL;
}

/* A detached thread that no signal is delivered to: they are the program's. */
static int start_thread(void *(*run)(void *), void *argument) {
    sigset_t all, before;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&thread, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err == 0)
        pthread_detach(thread);
    return -err;
}

/* fd[0]: the caller's end, non-blocking. */
static int make_pair(int fd[2]) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd) < 0)
        return -errno;
    return 0;
}

static int start_link(int fd[2], void *(*run)(void *), void *link) {
    int err = start_thread(run, link);
    if (err == 0)
        return fd[0];
    close(fd[0]);
    close(fd[1]);
    free(link);
    return err;
}

int sim_link_open_bms(void) {
    pthread_mutex_lock(&shared.lock);
    struct sim_link_options options = shared.options;
    pthread_mutex_unlock(&shared.lock);
    struct bms_link *l = malloc(sizeof *l);
    if (l == NULL)
        return -ENOMEM;
    struct sim_bms_config cfg;
    sim_bms_defaults(&cfg);
    cfg.speed = options.speed;
    cfg.seed = cfg.pack.seed = options.seed;
    cfg.pack.cells = options.cells;
    sim_bms_init(&l->bms, &cfg, sim_link_now_us());
    char why[256];
    int fd[2];
    int err = options.registers_path == NULL
                  ? 0
                  : sim_link_load(&l->bms, options.registers_path, why, sizeof why);
    if (err == 0)
        err = make_pair(fd);
    if (err < 0) {
        free(l);
        return err;
    }
    l->fd = fd[1];
    return start_link(fd, serve_bms, l);
}

int sim_link_open_gx(void) {
    struct gx_link *l = malloc(sizeof *l);
    if (l == NULL)
        return -ENOMEM;
    int fd[2];
    int err = make_pair(fd);
    if (err < 0) {
        free(l);
        return err;
    }
    sim_gx_init(&l->gx, sim_link_now_us());
    sim_slcan_init(&l->adapter);
    l->fd = fd[1];
    pthread_mutex_lock(&shared.lock);
    l->number = ++shared.gx_number;
    shared.gx = l->gx;
    pthread_mutex_unlock(&shared.lock);
    return start_link(fd, serve_gx, l);
}
