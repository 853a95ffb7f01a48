/* SPDX-License-Identifier: MIT */
#include "bus/bus.h"

#include <assert.h>
#include <string.h>

void bus_init(struct bus *b, const struct bus_subscriber *table, size_t rows, void *context) {
    assert(rows <= BUS_SUBSCRIBERS_MAX);
    memset(b, 0, sizeof *b);
    b->table = table;
    b->rows = rows;
    b->context = context;
}

void bus_publish(struct bus *b, enum bus_type type, enum bus_source source, const void *value,
                 uint64_t now_ms) {
    assert(value != NULL);
    if (b->depth >= BUS_DEPTH_MAX || b->in_progress[type]) {
        b->counters.dropped++;
        return;
    }
    b->counters.published[type]++;
    b->latest[type] = (struct bus_event){
        .type = type,
        .source = source,
        .sequence = b->counters.published[type],
        .at_ms = now_ms,
        .value = value,
    };
    b->depth++;
    b->in_progress[type] = true;
    for (size_t i = 0; i < b->rows; i++) {
        if (b->table[i].type == type) {
            b->counters.delivered[i]++;
            b->table[i].handle(b->context, &b->latest[type]);
        }
    }
    b->in_progress[type] = false;
    b->depth--;
}

const struct bus_event *bus_latest(const struct bus *b, enum bus_type type) {
    return b->latest[type].value != NULL ? &b->latest[type] : NULL;
}

const char *bus_type_text(enum bus_type type) {
    static const char *const text[BUS_TYPE_COUNT] = {
        [BUS_SAMPLE] = "sample",     [BUS_LIMITS] = "limits", [BUS_ALARMS] = "alarms",
        [BUS_STAGE] = "stage",       [BUS_POLICY] = "policy", [BUS_BMS_LINK] = "bms-link",
        [BUS_CAN_LINK] = "can-link", [BUS_GX] = "gx",         [BUS_CONFIG] = "config",
        [BUS_ANSWER] = "answer",
    };
    return (unsigned)type < BUS_TYPE_COUNT ? text[type] : "unknown";
}
