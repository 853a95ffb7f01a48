/* SPDX-License-Identifier: MIT */
/* The watch on a SocketCAN interface in virtual time. In place of rtnetlink a pair of sockets: what
 * the watch asks for is read from the other end, what the kernel says is handed in. Two functions
 * of socketcan.c are the rig's (-Wl,--wrap), since there is no interface here. */
#ifndef TESTS_UNIT_LINUX_CAN_WATCH_RIG_H
#define TESTS_UNIT_LINUX_CAN_WATCH_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "can_watch.h"

enum { RIG_INDEX = 3 };

struct rig {
    struct can_watch watch;
    struct can_feedback feedback;
    struct log_sink log;
    struct settings settings; /* socketcan:can0, 500000 bit/s, normal */
    int kernel;               /* the other end of watch.fd */
    int can_fd;
    uint64_t now_ms; /* 1000 at first */
    bool has_device;
    int wanted_errors; /* -1: never asked; 0: few, 1: all */
    char text[16384];  /* the log's lines without the times */
};

extern struct rig rig;

int rig_set_up(void **state);
int rig_tear_down(void **state);

#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

/* All zero: can0, up, error-active, 500000 bit/s. */
struct rig_said {
    uint32_t index; /* 0: RIG_INDEX */
    const char *name;
    bool down, no_carrier, virtual;
    uint32_t state; /* the kernel's: 0 error-active, 3 bus-off, 4 stopped */
    uint32_t bitrate, mode, restart_ms, queue;
    bool removed;
};

/* The message for it; returns its length. */
size_t rig_make_message(uint8_t b[512], struct rig_said s);

/* Hands it in; returns what can_watch_handle() does. */
bool rig_kernel_says(struct rig_said s);
void rig_kernel_answers(uint32_t sequence, int error);

/* What was asked for since the last call, a letter each: R restart, D down, U up; and where nothing
 * else was, ? a question. */
const char *rig_requests(void);

uint64_t rig_step(void);

/* Lets time pass until the watch asks for what is no question, at most until end_ms. */
const char *rig_until_request(uint64_t end_ms);

/* How often the log has this text. */
unsigned rig_lines_with(const char *text);

/* Frames are held back. */
bool rig_holds(void);

/* The gateway thread has read an error frame of this state. */
void rig_error_frame(enum can_bus_state state);

#endif
