/* SPDX-License-Identifier: MIT */
/* A kernel CAN interface through a raw socket (Linux, Documentation/networking/can.rst).
 *
 * The interface must be up with its bit rate set: `ip link set can0 up type can bitrate 500000`.
 * Only the two frames that a GX sends are received. */
#ifndef PORTS_LINUX_SOCKETCAN_H
#define PORTS_LINUX_SOCKETCAN_H

#include <stdbool.h>

#include "victron/frame.h"

enum socketcan_result {
    SOCKETCAN_DONE,    /* a frame was moved */
    SOCKETCAN_NOT_NOW, /* nothing to read; or no room to write: the frame is dropped */
    SOCKETCAN_FAILED,  /* the interface is down or gone: errno */
};

/* A non-blocking, close-on-exec socket bound to the interface; the caller's. A negative errno:
 * -ENODEV no such interface, -ENETDOWN it is down, -EAFNOSUPPORT no CAN in this kernel, -EPERM. */
int socketcan_open(const char *interface);

/* The next 0x305 or 0x307 data frame. */
enum socketcan_result socketcan_read(int fd, struct victron_frame *out);

/* One frame, whole or not at all. */
enum socketcan_result socketcan_write(int fd, const struct victron_frame *f);

#endif
