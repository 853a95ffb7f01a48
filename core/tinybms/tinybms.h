/* SPDX-License-Identifier: MIT */
/* The conversation with one TinyBMS, without I/O: bytes in, bytes out, time as an argument.
 *
 * Inside, from the wire upwards: crc.h and frame.h (frames of every command, built and parsed),
 * registers.h (the catalogue: one table), image.h (the register values read so far, and their
 * decoding into struct battery), transaction.h (one request and its reply: matching, time-out,
 * retries, counters), and here the poller that decides what to ask next:
 *
 *   - every poll_interval_ms one read of registers 0-53, the fast sample (falls back to 0-15 and
 *     32-53 when the device refuses the reserved registers between them);
 *   - in the time left, one slow block at a time: settings, statistics, events, version. A slow
 *     block that fails is not retried at once and backs off, so it never costs fast samples;
 *   - commands of the user (read, write, reset, clear) before slow blocks, one at a time.
 *
 * The pattern of use, in any order and as often as the caller likes:
 *   tinybms_handle_rx() with bytes that arrived; tinybms_step() for what time does;
 *   tinybms_next_result() until it returns false; tinybms_tx() for bytes to send.
 *
 * Source of truth: the vendor's "Communication Protocols, Revision D". */
#ifndef CORE_TINYBMS_TINYBMS_H
#define CORE_TINYBMS_TINYBMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "battery/battery.h"
#include "gw_err.h"
#include "tinybms/image.h"
#include "tinybms/transaction.h"

struct tinybms_config {
    uint32_t baudrate;         /* bit/s, for the time bytes take on the wire; > 0 */
    uint32_t timeout_ms;       /* margin on top of the bytes' own time */
    uint32_t poll_interval_ms; /* start to start of fast samples; 0 = back to back */
    uint32_t retry_count;      /* extra attempts of a fast sample or a command, 0-10 */
    uint32_t retry_delay_ms;   /* silence before an attempt is repeated */
    enum tinybms_cell_order cell_order;
    uint8_t series_cells;  /* 0: ask the BMS (registers 53, 307) */
    uint32_t capacity_mah; /* 0: ask the BMS (register 306) */
    bool invert_current;   /* the sign of register 38 is wrong in this installation */
};

/* The state of the link as seen from the answers. */
enum tinybms_link {
    TINYBMS_LINK_DOWN,   /* no port */
    TINYBMS_LINK_WAKING, /* a port, no answer yet or none for link_silent_ms: asked all the time */
    TINYBMS_LINK_ANSWERING, /* the last fast sample was answered, or an earlier one not long ago */
    TINYBMS_LINK_RESTING,   /* left alone on purpose so that it may sleep: silence means nothing */
};

enum {
    TINYBMS_LINK_SILENT_MS = 2000,    /* a sleeping BMS looks at its UART once a second */
    TINYBMS_REST_INTERVAL_MS = 60000, /* how often a resting BMS is looked at */
};

/* What happened, to be pulled one by one. */
enum tinybms_result_kind {
    TINYBMS_RESULT_SAMPLE,  /* a fast sample was decoded into tinybms_battery() */
    TINYBMS_RESULT_BLOCK,   /* a slow block was decoded: .group */
    TINYBMS_RESULT_COMMAND, /* a command of the user ended: .id .err .addr .count .value[] */
    TINYBMS_RESULT_LINK,    /* the link changed: .from .to */
};

enum { TINYBMS_COMMAND_REGISTERS_MAX = 100, TINYBMS_COMMANDS_MAX = 4 };

struct tinybms_result {
    enum tinybms_result_kind kind;
    enum battery_group group;
    uint32_t id; /* as given to tinybms_read() and the others */
    int err;     /* GW_OK, GW_ERR_TIMEOUT, GW_ERR_NACK (code in nack), GW_ERR_MISMATCH, ... */
    uint8_t nack;
    uint16_t addr;
    uint16_t count;
    uint16_t value[TINYBMS_COMMAND_REGISTERS_MAX];
    enum tinybms_link from, to;
};

struct tinybms; /* complete below the calls, so that callers can own one */

/* Starts with the link down and nothing known. Copies cfg. GW_ERR_RANGE: baudrate 0,
 * series_cells 1-3 or over 16. */
int tinybms_init(struct tinybms *t, const struct tinybms_config *cfg, uint64_t now_ms);

/* Takes a new configuration between two steps (hot reload); what is known of the battery stays. */
int tinybms_configure(struct tinybms *t, const struct tinybms_config *cfg, uint64_t now_ms);

/* The port (tty, socket) came up or went away. Up: what was half received is forgotten, the first
 * request is due at once. Down: commands under way end with GW_ERR_OFFLINE. */
void tinybms_set_port(struct tinybms *t, bool up, uint64_t now_ms);

/* Lets the BMS sleep, or stops that: while resting it is asked for one sample every
 * TINYBMS_REST_INTERVAL_MS and for nothing else but commands. Ends when the port goes down. */
void tinybms_set_resting(struct tinybms *t, bool resting, uint64_t now_ms);

/* From now on fast samples are asked for at least every interval_ms, however long poll_interval_ms
 * is; not while resting. 0: no hurry. */
void tinybms_set_hurry(struct tinybms *t, uint32_t interval_ms, uint64_t now_ms);

/* Bytes from the wire, hostile until checked; any chunking. */
void tinybms_handle_rx(struct tinybms *t, const uint8_t *bytes, size_t n, uint64_t now_ms);

/* As tinybms_transaction_missing(): a port that knows the speed of its wire may leave bytes unread
 * while these are on their way. At least 1. */
size_t tinybms_missing(const struct tinybms *t);

/* Does what is due; returns the next time it wants to be called, always > now_ms unless there is
 * something to send or a result to pull. */
uint64_t tinybms_step(struct tinybms *t, uint64_t now_ms);

/* Takes up to cap bytes to be written to the wire now; 0 when there is nothing. */
size_t tinybms_tx(struct tinybms *t, uint8_t *buf, size_t cap, uint64_t now_ms);

/* The next thing that happened; false when there is none. */
bool tinybms_next_result(struct tinybms *t, struct tinybms_result *out);

/* What is known of the battery. Owned by t, changes in handle_rx, valid as long as t. */
const struct battery *tinybms_battery(const struct tinybms *t);
const struct tinybms_image *tinybms_image(const struct tinybms *t);

/* The order of the cells as found or set; AUTO: not known yet. */
enum tinybms_cell_order tinybms_cell_order(const struct tinybms *t);

/* struct tinybms_counters is in transaction.h. */
void tinybms_counters(const struct tinybms *t, struct tinybms_counters *out);
enum tinybms_link tinybms_link(const struct tinybms *t);
const char *tinybms_link_text(enum tinybms_link l); /* "down", "waking", "answering", "resting" */

/* Queues a command; its end comes as TINYBMS_RESULT_COMMAND with the same id. Errors at once:
 * GW_ERR_BUSY (TINYBMS_COMMANDS_MAX waiting), GW_ERR_OFFLINE (no port),
 * read: GW_ERR_RANGE (n 1-100). Any address may be read.
 * write: one catalogued register (one or two words) with its raw value; GW_ERR_UNKNOWN,
 * GW_ERR_READ_ONLY, GW_ERR_RANGE from the catalogue. An 8-bit register is read, merged so that the
 * reserved byte is kept, written, and read back; all others are written and read back:
 * GW_ERR_MISMATCH when it differs (328 and 323 excepted: the BMS takes the value and shows 0xFFFF).
 * reset: option 1 clear events, 2 clear statistics, 5 reset the BMS; GW_ERR_RANGE otherwise. */
int tinybms_read(struct tinybms *t, uint32_t id, uint16_t addr, uint16_t n);
int tinybms_write(struct tinybms *t, uint32_t id, uint16_t addr, uint32_t raw);
int tinybms_reset(struct tinybms *t, uint32_t id, uint8_t option);

#include "tinybms/tinybms_state.h"

#endif
