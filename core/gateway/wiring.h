/* SPDX-License-Identifier: MIT */
/* Who listens to what: the one static table of subscribers. */
#ifndef CORE_GATEWAY_WIRING_H
#define CORE_GATEWAY_WIRING_H

#include <stddef.h>

#include "bus/bus.h"

/* The context of every row is the struct gateway that owns the bus. */
extern const struct bus_subscriber gateway_subscribers[];
extern const size_t gateway_subscribers_rows;

#endif
