/* SPDX-License-Identifier: MIT */
/* Ctrl-C and its relatives as a descriptor, for a loop that polls. */
#ifndef PORTS_LINUX_STOP_H
#define PORTS_LINUX_STOP_H

/* From now on SIGINT, SIGTERM and SIGHUP kill nobody: the descriptor becomes readable. The
 * caller's. A negative errno when there is none to be had. For programs of one thread. */
int stop_open(void);

#endif
