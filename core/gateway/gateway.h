/* SPDX-License-Identifier: MIT */
/* The gateway: one BMS conversation, one policy, one Victron side, joined by the bus. No I/O and no
 * clock: a port moves the bytes and tells the time.
 *
 * One sample's way: the port calls gateway_uart_rx() with bytes from the wire -> core/tinybms
 * frames and decodes them into struct battery -> core/policy trusts it or not, decides limits and
 * alarms -> the bus tells who listens (wiring.c) -> core/victron encodes each frame when it is due
 * -> the port takes it from gateway_next_frame() and writes it.
 *
 * A call that comes long after the deadline of the last step finds that the machine slept: the
 * conversation with the BMS begins anew, so that no answer from before counts as one of now, and
 * time acts before anything else does.
 *
 * A port's loop: wait for bytes, a command or the deadline; hand bytes in; gateway_step(); drain
 * gateway_uart_tx(), gateway_next_frame(), gateway_next_answer(), gateway_next_log(). */
#ifndef CORE_GATEWAY_GATEWAY_H
#define CORE_GATEWAY_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/bus.h"
#include "gateway/log.h"
#include "policy/policy.h"
#include "settings/settings.h"
#include "tinybms/tinybms.h"
#include "victron/victron.h"

enum { GATEWAY_LOG_MAX = 64, GATEWAY_ANSWERS_MAX = 8 };

/* Commands a port hands in; the answer carries the same sequence. */
enum gateway_command_kind {
    GATEWAY_READ_REGISTERS, /* addr, count 1-100 */
    GATEWAY_WRITE_REGISTER, /* addr, raw */
    GATEWAY_RESET_BMS,      /* option: 1 clear events, 2 clear statistics, 5 restart the BMS */
};

struct gateway_command {
    uint32_t sequence;
    enum gateway_command_kind kind;
    uint16_t addr;
    uint16_t count;
    uint32_t raw;
    uint8_t option;
};

struct gateway_answer {
    uint32_t sequence;
    int err; /* enum gw_err */
    uint8_t nack;
    uint16_t addr;
    uint16_t count;
    uint16_t value[TINYBMS_COMMAND_REGISTERS_MAX];
};

struct gateway_can_counters {
    uint32_t tx_count;  /* frames the port wrote */
    uint32_t tx_errors; /* frames the port could not write: dropped, never repeated late */
    uint32_t rx_count;
};

struct gateway_link_change {
    enum tinybms_link from, to;
};

struct gateway {
    const struct settings *settings;
    struct tinybms bms;
    struct policy policy;
    struct victron victron;
    struct bus bus;
    uint64_t started_ms, now_ms; /* now_ms: of the last call that told the time */
    uint64_t deadline_ms;        /* that gateway_step() returned last */

    /* what was published last; the bus lends these */
    struct policy_change last_change, last_stage;
    struct gateway_link_change link_change;
    struct limits published_limits;
    struct alarms published_alarms;
    struct tinybms_result result;

    /* the Victron side */
    bool can_up, sending;
    uint64_t can_changed_ms;
    struct limits sent_limits; /* as in the last 0x351 */
    bool limits_wanted;        /* 0x351 out of turn, as soon as the gap allows */
    bool state_wanted;         /* 0x35A and 0x372 */
    bool wanted_at_once;       /* a stage, or a limit at 0: without the gap */
    bool online_told;
    bool out_of_turn_once;
    uint64_t out_of_turn_ms;
    struct gateway_can_counters can;
    bool gx_present, gx_absence_warned;
    uint64_t gx_changed_ms;

    /* quality of the BMS link: counters at the start of the running minute */
    bool bms_link_poor;
    uint32_t poor_polls, poor_successes; /* polls: every attempt */
    uint64_t poor_since_ms;

    bool first_sample_logged, broadcast_warned;

    struct gateway_answer answer[GATEWAY_ANSWERS_MAX];
    uint8_t answer_first, answer_count, commands_under_way;
    struct log_record log[GATEWAY_LOG_MAX];
    uint8_t log_first, log_count;
    uint32_t log_dropped, log_dropped_told;
};

/* A consistent copy of what outsiders may know; plain data, copied by value between threads. */
struct gateway_snapshot {
    uint64_t now_ms, uptime_ms;
    struct battery battery; /* the last good sample */
    bool sample_known;
    int missing_register;   /* without which no sample is good; BATTERY_NOTHING_MISSING */
    uint64_t sample_age_ms; /* of the data (policy/freshness.h); UINT64_MAX: none yet */
    struct limits limits;
    struct alarms alarms;
    enum stage stage;
    enum stage_reason stage_reason;
    enum charge_state charge_state;
    enum charge_reason charge_reason;
    bool feed_in; /* chargers run over the charge voltage limit */
    uint8_t doubt_bits;
    enum tinybms_link bms_link;
    bool bms_link_poor;
    enum tinybms_cell_order cell_order; /* as found or set; AUTO: not known yet */
    struct tinybms_counters uart;
    struct tinybms_image image;
    bool can_up;
    struct gateway_can_counters can;
    struct victron_counters victron;
    bool gx_present, gx_is_victron;
    uint64_t gx_age_ms; /* UINT64_MAX: never seen */
    struct bus_counters bus;
    uint32_t log_dropped;
};

/* settings: checked, borrowed until gateway_configure() replaces it. Both ports start down. */
void gateway_init(struct gateway *g, const struct settings *settings, uint64_t now_ms);

/* New settings take over between two steps; the old pointer is no longer used on return. */
void gateway_configure(struct gateway *g, const struct settings *settings, uint64_t now_ms);

/* A port opened or lost its device. */
void gateway_set_uart(struct gateway *g, bool up, uint64_t now_ms);
void gateway_set_can(struct gateway *g, bool up, uint64_t now_ms);

void gateway_uart_rx(struct gateway *g, const uint8_t *bytes, size_t n, uint64_t now_ms);
/* The least number of bytes that must still come from the BMS before anything can be made of them;
 * at least 1. */
size_t gateway_uart_missing(const struct gateway *g);
size_t gateway_uart_tx(struct gateway *g, uint8_t *buf, size_t cap, uint64_t now_ms);

void gateway_can_rx(struct gateway *g, const struct victron_frame *f, uint64_t now_ms);
/* The next frame due; false when none is or the CAN port is down. The port reports each one with
 * gateway_frame_done(): written, or dropped because the device would not take it. */
bool gateway_next_frame(struct gateway *g, struct victron_frame *out, uint64_t now_ms);
void gateway_frame_done(struct gateway *g, const struct victron_frame *f, bool written);

/* What the port knows of the threads beside this one: they have made no progress for so long, or do
 * again after so long. A log record each; nothing else here depends on them. */
void gateway_note_services(struct gateway *g, bool moving, uint64_t still_ms, uint64_t now_ms);

/* Lets time act on every module; returns the next deadline. */
uint64_t gateway_step(struct gateway *g, uint64_t now_ms);

/* Takes a command: 0, or GW_ERR_BUSY, GW_ERR_OFFLINE and the errors of tinybms_read/write/reset. A
 * refused command gets no answer; an accepted one gets exactly one. */
int gateway_command(struct gateway *g, const struct gateway_command *c, uint64_t now_ms);
bool gateway_next_answer(struct gateway *g, struct gateway_answer *out);
bool gateway_next_log(struct gateway *g, struct log_record *out);

void gateway_snapshot(const struct gateway *g, struct gateway_snapshot *out, uint64_t now_ms);

#endif
