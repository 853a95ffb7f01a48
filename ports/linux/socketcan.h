/* SPDX-License-Identifier: MIT */
/* A kernel CAN interface through a raw socket (Linux, Documentation/networking/can.rst).
 *
 * The interface must be up with its bit rate set: `ip link set can0 up type can bitrate 500000`.
 * Received are the two frames that a GX sends, and the error frames by which a driver tells what
 * became of the bus. */
#ifndef PORTS_LINUX_SOCKETCAN_H
#define PORTS_LINUX_SOCKETCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "can_netlink.h"
#include "victron/frame.h"

enum socketcan_result {
    SOCKETCAN_DONE,    /* a frame was moved */
    SOCKETCAN_ERROR,   /* an error frame was read */
    SOCKETCAN_NOT_NOW, /* nothing to read; or no room to write: the frame is dropped */
    SOCKETCAN_FAILED,  /* the interface is down or gone: errno */
};

/* What an error frame says. */
struct socketcan_error {
    bool bus_off, restarted;  /* the controller has just become so */
    bool unacknowledged;      /* a frame went out and nobody answered */
    enum can_bus_state state; /* CAN_BUS_UNKNOWN: the frame is about something else */
    bool counters_known;
    uint8_t tx_error_counter, rx_error_counter;
};

/* A non-blocking, close-on-exec socket bound to the interface; the caller's. Its send buffer is the
 * smallest there is, so that few frames can wait in the interface's queue and be old when the bus
 * comes back. A negative errno: -ENODEV no such CAN interface, -ENETDOWN it is down, -EAFNOSUPPORT
 * no CAN in this kernel, -EPERM. */
int socketcan_open(const char *interface);

/* Which error frames fd receives: those about the state of the controller, and with `all` those
 * about single frames too, which a broken bus sends by the thousand. Takes a lock of the kernel's
 * network administration: not for the gateway thread. False: errno. */
bool socketcan_want_errors(int fd, bool all);

/* The next 0x305 or 0x307 data frame into *out, or error frame into *error. */
enum socketcan_result socketcan_read(int fd, struct victron_frame *out,
                                     struct socketcan_error *error);

/* One frame, whole or not at all. */
enum socketcan_result socketcan_write(int fd, const struct victron_frame *f);

/* The names of the CAN interfaces there are, a space between them, as many as fit; "" for none. */
void socketcan_list(char *out, size_t cap);

/* The interface belongs to a device of its own, as those of slcan and can327, which live on a
 * serial line, do not. */
bool socketcan_has_device(const char *interface);

#endif
