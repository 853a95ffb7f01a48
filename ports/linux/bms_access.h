/* SPDX-License-Identifier: MIT */
/* One conversation with the BMS for a command that a person typed: through the running gateway,
 * which owns the serial line, or, when none runs, on the line itself. Blocking. */
#ifndef PORTS_LINUX_BMS_ACCESS_H
#define PORTS_LINUX_BMS_ACCESS_H

#include <stddef.h>

#include "gateway/gateway.h"
#include "settings/settings.h"
#include "tinybms/tinybms.h"

enum { BMS_ACCESS_TIMEOUT_MS = 10000 };

struct bms_access {
    const struct settings *settings; /* borrowed */
    bool through_gateway;
    int fd;
    struct tinybms bms; /* without a gateway */
};

/* 0, or -1 with the reason in why. */
int bms_access_open(struct bms_access *a, const struct settings *settings, char *why, size_t cap);

/* Does one command and waits for its end, at most BMS_ACCESS_TIMEOUT_MS. c->sequence does not
 * matter. 0 with *out filled (out->err is the BMS's or the gateway's verdict), or -1 with the
 * reason in why when the conversation itself broke. */
int bms_access_command(struct bms_access *a, const struct gateway_command *c,
                       struct gateway_answer *out, char *why, size_t cap);

void bms_access_close(struct bms_access *a);

#endif
