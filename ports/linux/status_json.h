/* SPDX-License-Identifier: MIT */
/* What the gateway knows, as one JSON object: the answer to `tinybms-gw status`.
 *
 * What was never read, is absent or means nothing in this firmware is null, never 0; how old the
 * rest is stands in sample.age_ms. The last known values stay while the BMS is silent. */
#ifndef PORTS_LINUX_STATUS_JSON_H
#define PORTS_LINUX_STATUS_JSON_H

#include "can_watch.h"
#include "gateway/gateway.h"
#include "json/json.h"

/* Writes the object as the next value of w. At most about 20 KB. */
void status_json(struct json_writer *w, const struct gateway_snapshot *s,
                 const struct can_status *can);

#endif
