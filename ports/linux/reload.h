/* SPDX-License-Identifier: MIT */
/* What of a new configuration must wait for the next start. */
#ifndef PORTS_LINUX_RELOAD_H
#define PORTS_LINUX_RELOAD_H

#include "settings/settings.h"

typedef void reload_key_fn(void *context, const char *key);

/* Puts the rows of *s that need a restart back to what they were at the start, and tells the key of
 * each one that differed. */
void reload_keep_restart_rows(struct settings *s, const struct settings *started,
                              reload_key_fn *tell, void *context);

#endif
