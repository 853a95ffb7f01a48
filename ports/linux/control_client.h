/* SPDX-License-Identifier: MIT */
/* Asking the running gateway, from another process. Blocking, with a deadline. */
#ifndef PORTS_LINUX_CONTROL_CLIENT_H
#define PORTS_LINUX_CONTROL_CLIENT_H

#include <stddef.h>

#include "control_message.h"

enum { CONTROL_CLIENT_TIMEOUT_MS = 15000 }; /* a sleeping BMS takes seconds to answer */

/* Connects to the gateway that listens at path. A descriptor for close(2), or a negative errno:
 * -ENOENT and -ECONNREFUSED when none runs. */
int control_client_connect(const char *path);

/* Sends a request and waits for its answer line. Returns the line's length without its newline
 * (buf gets no NUL), or a negative errno: -ETIMEDOUT, -ECONNRESET when the gateway closed,
 * -EMSGSIZE when the line is longer than cap. */
int control_client_ask(int fd, const struct control_request *r, char *buf, size_t cap);

#endif
