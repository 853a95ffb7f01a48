/* SPDX-License-Identifier: MIT */
/* A virtual GX device on the CAN bus, without I/O and without a clock: what it would believe of the
 * battery, what it lets the house do, and what it was sent against the rules.
 *
 * Written from the inverter maker's CAN-bus BMS protocol (2021-04-17), on its own: it shares no
 * code with core/victron, so that a misreading on one side shows on the other.
 *
 * gx.c: presence, the 3 s rule, the rules that a battery can break. gx_words.c: the table of
 * fields, and frames in words; it needs no GX and serves the decoder of log files as well. */
#ifndef SIM_GX_H
#define SIM_GX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/can_frame.h"

enum {
    SIM_GX_MESSAGES = 19,
    SIM_GX_VIOLATIONS = 16,      /* kept for sim_gx_next_violation() */
    SIM_GX_SILENCE_US = 3000000, /* without 0x351: stop charging and discharging */
    SIM_GX_PERIOD_US = 1000000,  /* of 0x35A at most, and of 0x305 and 0x307 */
    /* A receiver that is not a real-time system sees a steady second as a bit more or less. */
    SIM_GX_TOLERANCE_US = 100000,
};

/* What a battery can do against the protocol. */
enum sim_gx_rule {
    SIM_GX_LENGTH,         /* not 8 bytes */
    SIM_GX_UNKNOWN_ID,     /* an identifier outside the protocol, 29 bits, or a remote frame */
    SIM_GX_KEEPALIVE,      /* 0x305 or 0x307 from the battery: they are the GX's */
    SIM_GX_PAIR_3,         /* an alarm pair that is neither active nor inactive nor absent */
    SIM_GX_ALARMS_SLOW,    /* more than a second since the 0x35A before */
    SIM_GX_NEGATIVE_LIMIT, /* a current limit below 0: both are positive numbers */
    SIM_GX_PERCENT,        /* a state of charge or health over 100 % */
    SIM_GX_TEXT,           /* a name that is not printable ASCII padded with zeros */
    SIM_GX_NAMES_DIFFER,   /* 0x35E is not the beginning of 0x370 */
    SIM_GX_RULE_COUNT
};

struct sim_gx_violation {
    enum sim_gx_rule rule;
    uint64_t at_us;
    struct sim_can_frame frame;
    uint64_t gap_us; /* SIM_GX_ALARMS_SLOW */
};

/* A pair of bits of 0x35A. */
enum sim_gx_pair {
    SIM_GX_PAIR_ABSENT = 0,
    SIM_GX_PAIR_ACTIVE = 1,
    SIM_GX_PAIR_QUIET = 2,
    SIM_GX_PAIR_INVALID = 3,
};

enum { SIM_GX_ALARM_KINDS = 13, SIM_GX_WARNING_FIRST = 16, SIM_GX_ONLINE_PAIR = 29 };

/* The numbers on the wire; a row of the table in gx_words.c each. */
enum sim_gx_field {
    SIM_GX_CVL,
    SIM_GX_CCL,
    SIM_GX_DCL,
    SIM_GX_DISCHARGE_VOLTAGE,
    SIM_GX_SOC,
    SIM_GX_SOH,
    SIM_GX_SOC_FINE,
    SIM_GX_VOLTAGE,
    SIM_GX_CURRENT,
    SIM_GX_TEMPERATURE,
    SIM_GX_MODEL,
    SIM_GX_FIRMWARE,
    SIM_GX_ONLINE_CAPACITY,
    SIM_GX_MODULES_OK,
    SIM_GX_MODULES_NO_CHARGE,
    SIM_GX_MODULES_NO_DISCHARGE,
    SIM_GX_MODULES_OFFLINE,
    SIM_GX_MIN_CELL,
    SIM_GX_MAX_CELL,
    SIM_GX_MIN_TEMPERATURE,
    SIM_GX_MAX_TEMPERATURE,
    SIM_GX_ENERGY_CHARGED,
    SIM_GX_ENERGY_DISCHARGED,
    SIM_GX_INSTALLED_CAPACITY,
    SIM_GX_FIELD_COUNT
};

struct sim_gx_message {
    struct sim_can_frame frame;
    uint64_t at_us;
    uint32_t count; /* 0: never received */
};

struct sim_gx {
    struct sim_gx_message message[SIM_GX_MESSAGES]; /* as in sim_gx_message_id() */
    uint32_t frames;                                /* received, of any kind */
    uint32_t violations[SIM_GX_RULE_COUNT];
    struct sim_gx_violation violation[SIM_GX_VIOLATIONS];
    uint8_t violation_first, violation_count;
    uint32_t violations_dropped; /* not pulled in time; counted above all the same */
    uint64_t keepalive_us;       /* when 0x305 is due next */
    bool identity_due;           /* 0x307 follows each 0x305 */
};

void sim_gx_init(struct sim_gx *g, uint64_t now_us);

/* A frame that the battery sent. */
void sim_gx_handle_rx(struct sim_gx *g, const struct sim_can_frame *f, uint64_t now_us);

/* The next frame of the GX that is due: 0x305 and 0x307, once a second. */
bool sim_gx_next_frame(struct sim_gx *g, uint64_t now_us, struct sim_can_frame *out);
uint64_t sim_gx_step(const struct sim_gx *g, uint64_t now_us);

bool sim_gx_next_violation(struct sim_gx *g, struct sim_gx_violation *out);
uint32_t sim_gx_violation_total(const struct sim_gx *g);

/* The battery is listed: a 0x35A came within 3 s. The document gives no time after which a GX
 * forgets a battery; this is the one it gives for 0x351. */
bool sim_gx_present(const struct sim_gx *g, uint64_t now_us);
/* Charging and discharging are allowed at all: a 0x351 came within 3 s. */
bool sim_gx_running(const struct sim_gx *g, uint64_t now_us);

/* The last value of a field in its wire unit (sim_gx_field_decimals() tells the point); false when
 * its frame never came or says that it is not supported. */
bool sim_gx_value(const struct sim_gx *g, enum sim_gx_field field, int64_t *raw);
/* The last frame of an identifier; NULL when it never came. */
const struct sim_gx_message *sim_gx_message(const struct sim_gx *g, uint16_t id);
/* The last state of a pair (0-31) of 0x35A; ABSENT before the first. */
enum sim_gx_pair sim_gx_last_pair(const struct sim_gx *g, unsigned pair);

/* gx_words.c */

/* The identifiers a battery may send, in ascending order; i < SIM_GX_MESSAGES. */
uint16_t sim_gx_message_id(unsigned i);
/* Its place in that list, or -1. */
int sim_gx_message_index(uint32_t id);
const char *sim_gx_message_name(unsigned i); /* "limits", ... */
bool sim_gx_is_text(unsigned i);

enum sim_gx_pair sim_gx_frame_pair(const struct sim_can_frame *f, unsigned pair);
const char *sim_gx_alarm_name(unsigned kind); /* kind < SIM_GX_ALARM_KINDS */

/* A field out of a frame of its identifier; false when it says "not supported" or is too short. */
bool sim_gx_frame_value(const struct sim_can_frame *f, enum sim_gx_field field, int64_t *raw);
uint16_t sim_gx_field_id(enum sim_gx_field field);
unsigned sim_gx_field_decimals(enum sim_gx_field field);

/* The text of a name frame: up to 8 characters and the NUL; '?' for what is not printable. */
void sim_gx_frame_text(const struct sim_can_frame *f, char out[9]);

/* A frame in words, NUL-terminated, cut when too small; returns the length. For people:
 *   "limits: CVL 58.0 V, CCL 18.0 A, DCL 54.0 A, discharge voltage 42.0 V"
 * Identifiers of the GX (0x305, 0x307) are named too; of any other the words say that it is not of
 * the protocol. SIM_GX_WORDS_MAX is enough for every frame: the longest is a 0x35A of
 * nothing but invalid pairs. */
enum { SIM_GX_WORDS_MAX = 1152 };
size_t sim_gx_words(const struct sim_can_frame *f, char *buf, size_t cap);
/* The same for machines: members of a JSON object without the braces:
 *   "\"name\":\"limits\",\"cvl_v\":58.0,..." ; null for what is not supported. */
size_t sim_gx_json(const struct sim_can_frame *f, char *buf, size_t cap);
/* What a violation is, as a sentence. */
size_t sim_gx_violation_words(const struct sim_gx_violation *v, char *buf, size_t cap);

#endif
