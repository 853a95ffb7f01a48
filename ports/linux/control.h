/* SPDX-License-Identifier: MIT */
/* The control socket: `tinybms-gw status` and `registers` ask the running gateway here, because the
 * serial line has one owner. A Unix stream socket, mode 0660, messages as in control_message.h.
 *
 * A client may ask again after each answer. It is dropped when it has been idle, or has not taken
 * its answer, for CONTROL_PATIENCE_MS. A ninth client takes the place of one that came and has said
 * nothing, or is refused. A client that records stays as long as it likes; what it does not take in
 * time it misses. Part of the services thread's poll loop: nothing here waits. */
#ifndef PORTS_LINUX_CONTROL_H
#define PORTS_LINUX_CONTROL_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "can_watch.h"
#include "gateway/gateway.h"
#include "log_sink.h"
#include "recorder.h"

enum {
    CONTROL_CLIENTS_MAX = 8,
    CONTROL_PATIENCE_MS = 5000,
    CONTROL_RECORDERS_MAX = 4, /* of them, clients that record */
    CONTROL_POLL_FDS = CONTROL_CLIENTS_MAX + 1,
    CONTROL_PATH_MAX = 108, /* of sun_path, with its NUL */
};

struct control;

/* What a request needs; called from control_serve(). */
struct control_backend {
    void *context;
    /* The latest snapshot, or NULL before the first. */
    const struct gateway_snapshot *(*snapshot)(void *context);
    /* What is known about the CAN device; NULL: nothing. */
    void (*can_status)(void *context, struct can_status *out);
    /* As runtime_submit(); its answer is to come by control_handle_answer(). */
    int (*submit)(void *context, const struct gateway_command *c, uint32_t *sequence);
    /* The traffic of the last minutes; NULL: none is kept. */
    const struct recorder *recorder;
};

/* Where the socket is: setting when not empty, else $XDG_RUNTIME_DIR/tinybms-gw.sock, else
 * /run/tinybms-gw/control.sock. False: longer than a socket's path can be. */
bool control_path(const char *setting, char path[CONTROL_PATH_MAX]);

/* Where a gateway that runs as a service has it, whatever the environment of who asks. */
extern const char control_system_path[];

/* Listens at path; a dead gateway's socket is replaced. 0, or a negative errno: -EADDRINUSE another
 * live gateway answers there, -EEXIST something there is no socket. backend, log: borrowed. */
int control_open(struct control **out, const char *path, const struct control_backend *backend,
                 struct log_sink *log);

/* The same, and the socket of `before` at this path is replaced although it is alive: that of
 * services in this process that are stuck. NULL: as control_open(). */
int control_open_after(struct control **out, const char *path,
                       const struct control_backend *backend, struct log_sink *log,
                       const struct control *before);

/* Fills p (CONTROL_POLL_FDS entries) with what to wait for; *deadline_ms is when to serve at the
 * latest. Returns the number of entries. */
size_t control_poll_fds(const struct control *c, struct pollfd *p, uint64_t *deadline_ms);

/* Serves what poll() found in the same entries, and drops clients whose time is up. */
void control_serve(struct control *c, const struct pollfd *p, size_t n, uint64_t now_ms);

/* The end of a command that submit() took. Ignored when the client has left. */
void control_handle_answer(struct control *c, const struct gateway_answer *a, uint64_t now_ms);

/* Services that were abandoned: closes everything. What is at the path is no longer theirs to
 * remove, and c stays for those that follow to compare with, until control_free(). */
void control_leave(struct control *c);
void control_free(struct control *c); /* NULL: nothing */

/* Removes the socket if it is still ours, closes everything, frees c. */
void control_close(struct control *c);

#endif
