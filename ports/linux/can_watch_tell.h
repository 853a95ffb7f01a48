/* SPDX-License-Identifier: MIT */
/* What the watch on a CAN interface says in the log: can_watch.c decides, this finds the words and
 * holds repeated lines back. Of can_watch.c only. */
#ifndef PORTS_LINUX_CAN_WATCH_TELL_H
#define PORTS_LINUX_CAN_WATCH_TELL_H

#include "can_watch.h"

/* The state is this from now on; a change between those of the bus is told. */
void can_watch_set_state(struct can_watch *w, enum can_bus_state state, struct log_sink *log,
                         uint64_t now_ms);

/* Of an interface that is up: tells once what is not as the settings want it. */
void can_watch_compare(struct can_watch *w, struct log_sink *log);

void can_watch_tell_restart(struct can_watch *w, bool gently, struct log_sink *log,
                            uint64_t now_ms);

/* error: errno of the restart; EPERM is told with what to type. */
void can_watch_tell_failure(struct can_watch *w, int error, struct log_sink *log, uint64_t now_ms);

/* frames: went out unacknowledged since the last call. */
void can_watch_tell_lonely(struct can_watch *w, uint32_t frames, struct log_sink *log,
                           uint64_t now_ms);

/* dropped: frames so far. off: they were held back here, which is no news. */
void can_watch_tell_dropped(struct can_watch *w, bool off, uint32_t dropped, struct log_sink *log,
                            uint64_t now_ms);

#endif
