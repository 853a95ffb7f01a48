/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "can_watch_tell.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum {
    STATE_PAUSE_MS = 10000,
    COMPLAINT_PAUSE_MS = 60000,
    QUEUE_ENOUGH = 10, /* of frames; what the kernel gives a CAN interface */
};

/* Counts one more; true when it is to be written, with the number since the last. */
static bool may_tell(struct can_watch_line *l, uint64_t pause_ms, uint64_t now_ms,
                     uint32_t *times) {
    l->count++;
    if (l->told && now_ms - l->told_at_ms < pause_ms) {
        return false;
    }
    *times = l->count;
    *l = (struct can_watch_line){.told = true, .told_at_ms = now_ms};
    return true;
}

static void tell_state(struct can_watch *w, enum can_bus_state from, struct log_sink *log,
                       uint64_t now_ms) {
    uint32_t times = 0;
    const bool bad = w->state == CAN_BUS_OFF || w->state == CAN_BUS_ERROR_PASSIVE;
    if (!may_tell(&w->state_line[w->state], STATE_PAUSE_MS, now_ms, &times)) {
        return;
    }
    log_sink_write(log,
                   w->state == CAN_BUS_OFF ? LOG_ERROR
                   : bad                   ? LOG_WARN
                                           : LOG_INFO,
                   "can", "bus state interface=%s from=%s to=%s after_ms=%" PRIu64 " times=%u%s",
                   w->name, can_bus_state_text(from), can_bus_state_text(w->state),
                   now_ms - w->told_since_ms, times,
                   bad ? " next=\"check the cable, the 120 ohm terminator at each of its two ends, "
                         "and that every node has the same bit rate\""
                       : "");
}

static bool is_bus_state(enum can_bus_state state) {
    return state >= CAN_BUS_ERROR_ACTIVE && state <= CAN_BUS_OFF;
}

void can_watch_set_state(struct can_watch *w, enum can_bus_state state, struct log_sink *log,
                         uint64_t now_ms) {
    if (state == w->state) {
        return;
    }
    w->state = state;
    w->state_since_ms = now_ms;
    if (!is_bus_state(state) || state == w->told_state) {
        return;
    }
    const enum can_bus_state from = w->told_state;
    if (from != CAN_BUS_UNKNOWN || state != CAN_BUS_ERROR_ACTIVE) {
        tell_state(w, from, log, now_ms);
    }
    w->told_state = state;
    w->told_since_ms = now_ms;
}

static const char *mode_text(enum settings_can_mode mode) {
    switch (mode) {
    case SETTINGS_CAN_LOOPBACK:
        return "loopback";
    case SETTINGS_CAN_LISTEN:
        return "listen";
    case SETTINGS_CAN_NORMAL:
        break;
    }
    return "normal";
}

static const char *on_off(bool on) {
    return on ? "on" : "off";
}

/* Of an interface that is up: says once what is not as the settings want it. */
void can_watch_compare(struct can_watch *w, struct log_sink *log) {
    const struct can_interface *i = &w->now;
    const bool wrong_rate = i->up && i->bitrate != 0 && i->bitrate != w->bitrate;
    if (wrong_rate && w->told_bitrate != i->bitrate) {
        log_sink_write(log, LOG_WARN, "can",
                       "the interface has another bit rate interface=%s bitrate=%u "
                       "hardware.can.bitrate=%u next=\"ip link set %s down && ip link set %s up "
                       "type can bitrate %u\"",
                       w->name, i->bitrate, w->bitrate, w->name, w->name, w->bitrate);
    }
    w->told_bitrate = wrong_rate ? i->bitrate : 0;

    const bool loopback = w->mode == SETTINGS_CAN_LOOPBACK;
    const bool listen = w->mode == SETTINGS_CAN_LISTEN;
    const bool wrong_mode =
        i->up && i->mode_known && (i->loopback != loopback || i->listen_only != listen);
    if (wrong_mode && !w->told_mode) {
        log_sink_write(log, LOG_WARN, "can",
                       "the interface is in another mode interface=%s loopback=%s listen-only=%s "
                       "hardware.can.mode=%s next=\"ip link set %s down && ip link set %s up type "
                       "can loopback %s listen-only %s\"",
                       w->name, on_off(i->loopback), on_off(i->listen_only), mode_text(w->mode),
                       w->name, w->name, on_off(loopback), on_off(listen));
    }
    w->told_mode = wrong_mode;
}

/* What to type where this process may not. */
void can_watch_tell_failure(struct can_watch *w, int error, struct log_sink *log, uint64_t now_ms) {
    uint32_t times = 0;
    char text[128];
    if (!may_tell(&w->failure_line, COMPLAINT_PAUSE_MS, now_ms, &times)) {
        return;
    }
    log_sink_write(log, LOG_WARN, "can",
                   "cannot restart the controller interface=%s reason=\"%s\" next=\"ip link set %s "
                   "down && ip link set %s up%s\"",
                   w->name, strerror_r(error, text, sizeof text), w->name, w->name,
                   error == EPERM ? ", or give this program CAP_NET_ADMIN" : "; trying again");
}

void can_watch_tell_dropped(struct can_watch *w, bool off, uint32_t dropped, struct log_sink *log,
                            uint64_t now_ms) {
    uint32_t times = 0;
    if (dropped != w->seen_dropped) {
        if (!w->dropping) {
            w->dropping = true;
            w->dropping_since_ms = now_ms;
            w->dropped_before = w->seen_dropped;
        }
        w->dropped_at_ms = now_ms;
        if (!off && may_tell(&w->drop_line, COMPLAINT_PAUSE_MS, now_ms, &times)) {
            bool long_queue = w->known && w->now.tx_queue_length > QUEUE_ENOUGH;
            log_sink_write(log, LOG_WARN, "can",
                           "the interface takes no frames, they are dropped interface=%s count=%u "
                           "queue=%u next=\"check the bus and the adapter%s%s%s\"",
                           w->name, dropped - w->dropped_before, w->now.tx_queue_length,
                           long_queue ? "; against old frames: ip link set " : "",
                           long_queue ? w->name : "", long_queue ? " txqueuelen 10" : "");
        }
        w->seen_dropped = dropped;
    } else if (w->dropping && now_ms - w->dropped_at_ms >= CAN_WATCH_TAKEN_AGAIN_MS) {
        w->dropping = false;
        log_sink_write(log, LOG_INFO, "can",
                       "the interface takes frames again interface=%s dropped=%u after_ms=%" PRIu64,
                       w->name, dropped - w->dropped_before,
                       w->dropped_at_ms - w->dropping_since_ms);
    }
}

void can_watch_tell_restart(struct can_watch *w, bool gently, struct log_sink *log,
                            uint64_t now_ms) {
    uint32_t times = 0;
    if (may_tell(&w->restart_line, STATE_PAUSE_MS, now_ms, &times)) {
        log_sink_write(log, LOG_INFO, "can",
                       "restarting the controller interface=%s by=\"%s\" times=%u", w->name,
                       gently ? "restart" : "down and up", times);
    }
}

void can_watch_tell_lonely(struct can_watch *w, uint32_t frames, struct log_sink *log,
                           uint64_t now_ms) {
    uint32_t times = 0;
    if (frames != 0 && may_tell(&w->ack_line, COMPLAINT_PAUSE_MS, now_ms, &times)) {
        log_sink_write(log, LOG_WARN, "can",
                       "nobody acknowledges our frames interface=%s count=%u next=\"check that the "
                       "GX is on, the cable, and that its CAN-bus profile has %u bit/s\"",
                       w->name, frames, w->bitrate);
    }
}
