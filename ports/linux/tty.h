/* SPDX-License-Identifier: MIT */
/* A serial line: raw, 8 data bits, no parity, 1 stop bit, no flow control, any bit rate, and ours
 * alone. Two programs on one line would take each other's answers. */
#ifndef PORTS_LINUX_TTY_H
#define PORTS_LINUX_TTY_H

#include <stddef.h>
#include <stdint.h>

/* Opens and configures the tty at path, with both queues emptied. A non-blocking, close-on-exec
 * descriptor, or a negative errno: what open(2) says; -ENOTTY: no tty; -EBUSY: another program has
 * it; -EINVAL: the driver cannot do this bit rate. Does not wait for a carrier. */
int tty_open(const char *path, uint32_t baudrate);

/* Throws away what is queued both ways, releases the line and closes it: never waits for bytes to
 * drain. fd: of tty_open(). */
void tty_close(int fd);

/* "pid=123 program=minicom" of a process that has the tty at path open, as far as /proc shows it to
 * us; empty when none is seen. Walks all of /proc: not for a loop. */
void tty_owner(const char *path, char *buf, size_t cap);

#endif
