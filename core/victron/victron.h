/* SPDX-License-Identifier: MIT */
/* The Victron side: what a GX device reads from a CAN-bus BMS, and how it shows itself.
 *
 * Each message is one plain encode function and one row of victron_table (encode.c); nothing else
 * may go out, and nothing at all while the limits are not valid. The schedule (victron.c): all rows
 * once a period, spread over it, row k at the fixed phase k x period / rows, so that the period of
 * 0x351 does not move; and any row out of turn on request, which does not move its phase either.
 * Names and sizes may wait a little for another reason to wake (victron_latest_ms()).
 * When several rows are due the first of the table goes first: after a delay 0x351 leads.
 * Received: 0x305 and 0x307, the presence of a GX. 0x305 is the GX's frame and is never sent.
 *
 * Source of truth: the inverter maker's CAN-bus BMS protocol, 2021-04-17. */
#ifndef CORE_VICTRON_VICTRON_H
#define CORE_VICTRON_VICTRON_H

#include <stdbool.h>
#include <stdint.h>

#include "battery/alarms.h"
#include "battery/battery.h"
#include "battery/limits.h"
#include "victron/frame.h"

enum {
    VICTRON_ID_LIMITS = 0x351,
    VICTRON_ID_CHARGE_STATE = 0x355,
    VICTRON_ID_MEASUREMENTS = 0x356,
    VICTRON_ID_ALARMS = 0x35A,
    VICTRON_ID_MANUFACTURER = 0x35E,
    VICTRON_ID_MODEL = 0x35F,
    VICTRON_ID_NAME_1 = 0x370,
    VICTRON_ID_NAME_2 = 0x371,
    VICTRON_ID_MODULES = 0x372,
    VICTRON_ID_EXTREMES = 0x373,
    VICTRON_ID_MIN_CELL_NAME = 0x374,
    VICTRON_ID_MAX_CELL_NAME = 0x375,
    VICTRON_ID_MIN_TEMPERATURE_NAME = 0x376,
    VICTRON_ID_MAX_TEMPERATURE_NAME = 0x377,
    VICTRON_ID_ENERGY = 0x378, /* not sent until energy is counted */
    VICTRON_ID_INSTALLED_CAPACITY = 0x379,
    VICTRON_ID_SERIAL_1 = 0x380,
    VICTRON_ID_SERIAL_2 = 0x381,
    VICTRON_ID_FAMILY = 0x382,
    VICTRON_ID_GX_KEEPALIVE = 0x305, /* received only */
    VICTRON_ID_GX_IDENTITY = 0x307,  /* received only */
    VICTRON_TABLE_MAX = 20,
};

enum { VICTRON_NAME_MAX = 16, VICTRON_MANUFACTURER_MAX = 8, VICTRON_FAMILY_MAX = 8 };

/* A GX wants 0x351 and 0x35A at least once a second. */
enum { VICTRON_PERIOD_MIN_MS = 200, VICTRON_PERIOD_MAX_MS = 1000 };

/* Texts end with a NUL and are printable 7-bit ASCII; any other byte goes out as '?'. */
struct victron_config {
    uint32_t period_ms;            /* VICTRON_PERIOD_MIN_MS to VICTRON_PERIOD_MAX_MS */
    uint32_t keepalive_timeout_ms; /* a GX is absent when 0x305 is older */
    char manufacturer[VICTRON_MANUFACTURER_MAX + 1]; /* shown when battery_name is empty */
    char battery_name[VICTRON_NAME_MAX + 1]; /* up to 8: 0x35E alone; longer: 0x370, 0x371 too */
    char battery_family[VICTRON_FAMILY_MAX + 1]; /* empty: no 0x382 */
    uint8_t soh_when_unknown;                    /* %, 0-100 */
};

/* What the encoders read; all of it const, none of it kept. battery is the last good sample: its
 * values repeat until the limits turn invalid, whatever their age. */
struct victron_source {
    const struct battery *battery;
    const struct limits *limits;
    const struct alarms *alarms;
    const struct victron_config *config;
};

/* Encodes one message. True and *out filled when the message has something to say; false, *out
 * unspecified, when it is not to be sent (no name, no serial number, a value unknown that has no
 * "unknown" on the wire). Values saturate, round half away from zero, are little-endian; one
 * exception: CCL and DCL over 0 never round to 0, which is an order to stop and not a small number.
 * len is always 8. */
typedef bool victron_encode_fn(const struct victron_source *src, struct victron_frame *out);

struct victron_row {
    uint16_t id;
    const char *name; /* a few words, for people */
    victron_encode_fn *encode;
    bool patient; /* names and sizes: a tenth of the period late is not late */
};

/* The whole of what may be sent, in the order of sending within a period. 0x351 is the first. */
extern const struct victron_row victron_table[];
extern const unsigned victron_table_rows;

/* All of them wrap at 2^32. */
struct victron_counters {
    uint32_t tx_in_turn, tx_out_of_turn;
    uint32_t rx_keepalive, rx_identity, rx_other;
    uint32_t late; /* in-turn frames more than half a period behind their phase: sent once, however
                      many periods were missed, and the phase is kept */
};

struct victron {
    struct victron_config config;
    /* next in-turn time of each row: start + phase + n periods */
    uint64_t due_ms[VICTRON_TABLE_MAX];
    uint32_t out_of_turn_bits; /* bit k: row k was asked for */
    bool running;
    bool gx_seen;             /* at least one 0x305 */
    uint64_t gx_keepalive_ms; /* monotonic time of the last 0x305 */
    uint64_t gx_identity_ms;  /* of the last 0x307 */
    bool gx_is_victron;       /* the last 0x307 carried 'V' 'I' 'C' */
    struct victron_counters counters;
};

/* Silent until victron_start(). Copies cfg, whose period must be in range. */
void victron_init(struct victron *v, const struct victron_config *cfg);

/* New settings, copied. Another period restarts a running schedule at now_ms: 0x351 and 0x35A are
 * due at once, so that neither has a gap longer than the period that ends. */
void victron_configure(struct victron *v, const struct victron_config *cfg, uint64_t now_ms);

/* Starts the schedule (0x351 due at once, every row within a period) or stops it (nothing is due,
 * requests are forgotten). Idempotent: starting a running schedule does not move it. */
void victron_start(struct victron *v, uint64_t now_ms);
void victron_stop(struct victron *v);

/* Asks for one row out of turn; its in-turn times stay. Asking again before it is sent changes
 * nothing, and the in-turn frame answers a request that waits when it falls due. Ignored while
 * stopped and for an id that is not in the table. */
void victron_send_now(struct victron *v, uint16_t id);

/* The next frame that is due, encoded from src now; false when none is. A row whose encoder has
 * nothing to say is skipped until its next turn. Call until false: at most one frame per row comes
 * out at one now_ms. No pointer of src may be NULL. */
bool victron_next_frame(struct victron *v, const struct victron_source *src, uint64_t now_ms,
                        struct victron_frame *out);

/* The next time victron_next_frame() has work: now_ms while a request waits, in the past while a
 * row is overdue, UINT64_MAX while stopped. */
uint64_t victron_step(const struct victron *v, uint64_t now_ms);

/* When victron_next_frame() is to be called at the latest: as victron_step(), but a patient row
 * waits a tenth of the period for a call that is made for something else. A caller that sleeps and
 * wakes has half as many reasons to wake so. */
uint64_t victron_latest_ms(const struct victron *v, uint64_t now_ms);

/* A frame from the bus: 0x305 (of any length up to 8) and 0x307 are noted, anything else, a length
 * over 8 too, is counted. */
void victron_handle_rx(struct victron *v, const struct victron_frame *f, uint64_t now_ms);

/* A GX sent 0x305 within the last keepalive_timeout_ms. */
bool victron_gx_present(const struct victron *v, uint64_t now_ms);
/* Age of the last 0x305; UINT64_MAX if there never was one. */
uint64_t victron_gx_age_ms(const struct victron *v, uint64_t now_ms);

#endif
