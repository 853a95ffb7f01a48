/* SPDX-License-Identifier: MIT */
/* A pseudo-terminal that plays a serial device: the other program opens the link, we have the
 * master's end.
 *
 * We do not hold the slave's end open: the device must look free to the program that wants it for
 * itself, and a program that closes it must find it closed. So while nobody has it the master
 * reports a hang-up, which is the normal state before and between peers, not an end. */
#ifndef PORTS_LINUX_PTY_H
#define PORTS_LINUX_PTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PTY_NAME_MAX = 64, PTY_PEER_CHECK_MS = 20 };

struct pty {
    int master;
    const char *link; /* borrowed */
    char slave[PTY_NAME_MAX];
    bool peer; /* somebody has the slave open, as far as the last read or write told */
};

/* Makes the device, raw, and a symbolic link to it at path. A link there that leads nowhere, or
 * already to this device, is replaced; anything else there stays. 0, or -1 with why in words. */
int pty_open(struct pty *p, const char *path, char *why, size_t cap);

/* Closes it and removes the link if it is still ours. */
void pty_close(struct pty *p);

/* Bytes the peer wrote, 0 when there are none or no peer. Non-blocking. -1: the device is broken
 * (errno). */
ssize_t pty_read(struct pty *p, uint8_t *buf, size_t cap);

/* Bytes for the peer; what it does not take in time, or is not there to take, is lost as on a
 * serial line. */
void pty_write(struct pty *p, const uint8_t *bytes, size_t n);

#endif
