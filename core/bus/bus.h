/* SPDX-License-Identifier: MIT */
/* The bus is a table: typed events, a static table of subscribers, the latest event of each type
 * kept with its sequence, time and source, and counters. Publishing is a loop over the rows, in the
 * thread and on the stack of the publisher: no heap, no queue, no lock.
 *
 * A value is not copied: the publisher owns it and keeps it readable until it publishes the next
 * value of that type. A subscriber may publish other types (depth BUS_DEPTH_MAX), never its own. */
#ifndef CORE_BUS_BUS_H
#define CORE_BUS_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bus_type {
    BUS_SAMPLE,   /* const struct battery: a good sample */
    BUS_LIMITS,   /* const struct limits: decided anew; published when anything in it changed */
    BUS_ALARMS,   /* const struct alarms: when anything in it changed */
    BUS_STAGE,    /* const struct policy_change of kind POLICY_CHANGE_STAGE */
    BUS_POLICY,   /* const struct policy_change: each one, for people to read */
    BUS_BMS_LINK, /* const struct gateway_link_change */
    BUS_CAN_LINK, /* const bool: the CAN port is up */
    BUS_GX,       /* const bool: a GX is present */
    BUS_CONFIG,   /* const struct settings: a new configuration is in force */
    BUS_ANSWER,   /* const struct gateway_answer: a command ended */
    BUS_TYPE_COUNT
};

enum bus_source {
    BUS_FROM_GATEWAY,
    BUS_FROM_BMS,
    BUS_FROM_POLICY,
    BUS_FROM_VICTRON,
    BUS_FROM_PORT
};

struct bus_event {
    enum bus_type type;
    enum bus_source source;
    uint32_t sequence; /* per type, from 1; wraps past 0 */
    uint64_t at_ms;
    const void *value;
};

typedef void bus_handler(void *context, const struct bus_event *event);

struct bus_subscriber {
    const char *name;
    enum bus_type type;
    bus_handler *handle;
};

enum { BUS_SUBSCRIBERS_MAX = 32, BUS_DEPTH_MAX = 4 };

struct bus_counters {
    uint32_t published[BUS_TYPE_COUNT];
    uint32_t delivered[BUS_SUBSCRIBERS_MAX]; /* per row of the table */
    uint32_t dropped; /* deeper than BUS_DEPTH_MAX, or a type inside itself */
};

struct bus {
    const struct bus_subscriber *table;
    size_t rows;
    void *context;
    struct bus_event latest[BUS_TYPE_COUNT];
    uint8_t depth; /* of publishing now */
    bool in_progress[BUS_TYPE_COUNT];
    struct bus_counters counters;
};

/* table: borrowed for the bus's life, rows <= BUS_SUBSCRIBERS_MAX; context is handed to handlers.
 */
void bus_init(struct bus *b, const struct bus_subscriber *table, size_t rows, void *context);

/* Caches and delivers. value: see above; must not be NULL. */
void bus_publish(struct bus *b, enum bus_type type, enum bus_source source, const void *value,
                 uint64_t now_ms);

/* The latest event of a type; NULL before the first. Valid until the next publish of the type. */
const struct bus_event *bus_latest(const struct bus *b, enum bus_type type);

const char *bus_type_text(enum bus_type type);

#endif
