/* SPDX-License-Identifier: MIT */
/* What the virtual BMS remembers of what happened: events with their times, records, restarts.
 * Source of truth: the vendor's protocol document, revision D, "events" and registers 100-297. */
#include "sim/bms.h"

enum { EVENT_STARTED = 0x61 };

void sim_bms_event(struct sim_bms *b, uint8_t id) {
    uint32_t at_s = sim_bms_get32(b, 32);
    unsigned slot = 200 + 2u * b->event_slot;
    b->reg[slot] = (uint16_t)(at_s & 0xFFFFu);
    b->reg[slot + 1] = (uint16_t)(at_s >> 16 & 0xFFu) | (uint16_t)((unsigned)id << 8);
    b->event_slot = (uint8_t)((b->event_slot + 1) % SIM_BMS_EVENTS);
    if (b->events_unread < SIM_BMS_EVENTS)
        b->events_unread++;
}

void sim_bms_clear(struct sim_bms *b, bool events, bool statistics) {
    if (events) {
        for (unsigned i = 200; i < 200 + 2 * SIM_BMS_EVENTS; i++)
            b->reg[i] = 0;
        b->event_slot = b->events_unread = 0;
    }
    if (statistics) {
        for (unsigned i = 100; i <= 113; i++)
            b->reg[i] = 0;
        sim_bms_put32(b, 116, sim_bms_get32(b, 32));
        if (!b->recording)
            b->reg[113] = 0x807F; /* warmest -128, coldest 127: the next measurement narrows it */
    }
}

void sim_bms_restarted(struct sim_bms *b, uint8_t cause) {
    b->reg[114] = (uint16_t)(b->reg[114] & 0xFF00u) | cause;
    b->guard = (struct sim_bms_guard){.charge_on = true, .discharge_on = true};
    sim_bms_event(b, EVENT_STARTED);
}
