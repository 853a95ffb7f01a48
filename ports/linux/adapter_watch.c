/* SPDX-License-Identifier: MIT */
#include "adapter_watch.h"

static void begin_window(struct adapter_watch *w, uint32_t refused, uint32_t dropped,
                         uint64_t now_ms) {
    w->refused = refused;
    w->dropped = dropped;
    w->window_ends_ms = now_ms + ADAPTER_WINDOW_MS;
}

static void judge(struct adapter_watch *w, uint32_t refused, uint32_t dropped, struct log_sink *log,
                  uint64_t now_ms) {
    bool failing = refused > ADAPTER_TOLERATED || dropped != 0;
    if (failing && (!w->failing || now_ms - w->told_at_ms >= ADAPTER_TELL_MS)) {
        log_sink_write(
            log, LOG_WARN, "can",
            "the adapter does not take all frames refused=%u dropped=%u seconds=%d "
            "next=\"check the CAN cable, the termination, and that the GX has 500 kbit/s\"",
            refused, dropped, ADAPTER_WINDOW_MS / 1000);
        w->told_at_ms = now_ms;
    } else if (!failing && w->failing) {
        log_sink_write(log, LOG_INFO, "can", "the adapter takes frames again");
    }
    w->failing = failing;
}

uint64_t adapter_watch_step(struct adapter_watch *w, const struct can_feedback *feedback,
                            bool active, struct log_sink *log, uint64_t now_ms) {
    uint32_t refused = atomic_load_explicit(&feedback->refused, memory_order_relaxed);
    uint32_t dropped = atomic_load_explicit(&feedback->dropped, memory_order_relaxed);
    if (!active) {
        w->active = w->failing = false; /* the loss of the adapter is told elsewhere */
        return UINT64_MAX;
    }
    if (!w->active) {
        w->active = true;
        begin_window(w, refused, dropped, now_ms);
    } else if (now_ms >= w->window_ends_ms) {
        judge(w, refused - w->refused, dropped - w->dropped, log, now_ms);
        begin_window(w, refused, dropped, now_ms);
    }
    return w->window_ends_ms;
}
