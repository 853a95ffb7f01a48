/* SPDX-License-Identifier: MIT */
/* Asking the running gateway, from another process. Blocking, with a deadline. */
#ifndef PORTS_LINUX_CONTROL_CLIENT_H
#define PORTS_LINUX_CONTROL_CLIENT_H

#include <stddef.h>

#include "control.h"
#include "control_message.h"

enum { CONTROL_CLIENT_TIMEOUT_MS = 15000 }; /* a sleeping BMS takes seconds to answer */

/* Connects to the running gateway: at the setting advanced.control_socket when it is not empty,
 * else at this user's place or, when none answers there, at the system service's. A descriptor for
 * close(2), with path set to where it was found; or a negative errno and the path tried: -ESRCH
 * when none runs. */
int control_client_connect(const char *setting, char path[CONTROL_PATH_MAX]);

/* Sends a request and waits for its answer line. Returns the line's length without its newline
 * (buf gets no NUL), or a negative errno: -ETIMEDOUT, -ECONNRESET when the gateway closed,
 * -EMSGSIZE when the line is longer than cap. */
int control_client_ask(int fd, const struct control_request *r, char *buf, size_t cap);

/* The same for a request behind whose answer more follows: takes nothing but the line. */
int control_client_ask_line(int fd, const struct control_request *r, char *buf, size_t cap);

#endif
