/* SPDX-License-Identifier: MIT */
/* The memory that one gateway asks of its port, as objects whose sizes tools/size-table.py reads:
 * instance_<module>, what the module's own part of it is. Of the settings there are two copies, the
 * one in force and the spare one that a reload writes. */
#include "gateway/gateway.h"

#define JOINED                                                                                     \
    (sizeof(struct tinybms) + sizeof(struct policy) + sizeof(struct victron) + sizeof(struct bus))

extern char instance_tinybms[], instance_policy[], instance_victron[], instance_bus[],
    instance_settings[], instance_gateway[];

char instance_tinybms[sizeof(struct tinybms)];
char instance_policy[sizeof(struct policy)];
char instance_victron[sizeof(struct victron)];
char instance_bus[sizeof(struct bus)];
char instance_settings[2 * sizeof(struct settings)];
char instance_gateway[sizeof(struct gateway) - JOINED + sizeof(struct gateway_snapshot)];
