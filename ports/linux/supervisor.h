/* SPDX-License-Identifier: MIT */
/* `tinybms-gw run`: the calling thread watches the other two and does nothing else that could make
 * it wait. It
 *
 *   - takes the signals: SIGTERM and SIGINT end the program whatever the services do, SIGHUP
 *     reloads;
 *   - tells the service manager (notify.h): ready, reloading, stopping, and that the gateway thread
 *     is alive. That last one follows from the turns of the gateway thread alone: none for half of
 *     the manager's watchdog period, and the watchdog is no longer fed;
 *   - replaces services that are stuck. Their thread is abandoned, because a thread cannot be ended
 *     from outside; its memory is left to it for good. The gateway thread goes on all the while.
 *
 * Replacing is bounded: each time takes twice as long as the time before, and after the last the
 * watchdog is no longer fed: the service manager then starts everything anew, and without one the
 * battery path goes on alone. docs/decisions/0017-a-stuck-services-thread-is-replaced.md */
#ifndef PORTS_LINUX_SUPERVISOR_H
#define PORTS_LINUX_SUPERVISOR_H

#include "runtime.h"
#include "settings/settings.h"

enum {
    SUPERVISOR_STUCK_MS = 30000, /* services without progress; doubles with each replacement */
    SUPERVISOR_REPLACEMENTS_MAX = 7,
};

/* Runs the gateway until a signal ends it. options: `signals` and what the supervisor sets itself
 * are ignored. 0; or a negative errno: it could not be started, or the gateway thread did not end
 * (-ETIMEDOUT). */
int supervisor_run(const struct settings *settings, const struct runtime_options *options);

#endif
