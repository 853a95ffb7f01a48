/* SPDX-License-Identifier: MIT */
/* The contract of silence, checked from outside: an observer on both wires, written from the
 * design's text alone ("Silence is a fault with a deadline", docs/decisions/0003) and from the two
 * protocols. It shares no code with core/: it parses the BMS's replies itself, decides itself which
 * samples were good, and says what each frame on the CAN bus may and must hold.
 *
 * Where the text leaves room, it has two answers: a sample is "possible" where some reading of the
 * text calls it good, "sure" where every reading does. What may go out is judged by the possible
 * ones, what must go out by the sure ones. So a violation is one by every reading.
 *
 * contract_wire.c: bytes to samples. contract.c: the state that the samples lead to, and what it
 * allows. contract_rules.c: the rules. */
#ifndef PORTS_VIRTUAL_CONTRACT_H
#define PORTS_VIRTUAL_CONTRACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/can_frame.h"

enum contract_rule {
    CONTRACT_EARLY,         /* frames before the third good sample, or before all is known */
    CONTRACT_NOT_SILENT,    /* frames when nothing may go out */
    CONTRACT_GAP,           /* 0x351 or 0x35A missing when it must go out */
    CONTRACT_FOREIGN,       /* an identifier that is not the battery's, or not 8 bytes */
    CONTRACT_CHARGE,        /* CCL over what age, ramp and dangers allow */
    CONTRACT_DISCHARGE,     /* DCL over it */
    CONTRACT_RISE,          /* a limit rises though no good sample came */
    CONTRACT_LATE,          /* the GX still believes a limit that fell long ago */
    CONTRACT_CLOSED,        /* a limit below nominal without a cause */
    CONTRACT_CVL,           /* over cells x register 300, or under cells x register 301 */
    CONTRACT_CVL_STALE,     /* over cells x (300 - 100 mV) when the data is too old */
    CONTRACT_CVL_MOVED,     /* not held while limits close */
    CONTRACT_INVENTED,      /* a value that the BMS never had */
    CONTRACT_OUTDATED,      /* a value older than the last good sample */
    CONTRACT_ALARM_MISSING, /* too old, and alarm, offline or module count do not say so */
    CONTRACT_ALARM_FALSE,   /* they say so without a cause */
    CONTRACT_NOT_ASKED,     /* a silent BMS is not asked every second */
    CONTRACT_FLOOD,         /* 0x351 out of turn more than every 100 ms */
    CONTRACT_RULES
};

/* What an installer has set. */
struct contract_config {
    uint32_t close_ms, zero_ms, zero_discharge_ms, silent_ms;
    uint32_t poll_ms, period_ms, keepalive_timeout_ms;
    uint32_t cvl_margin_mv, series_cells, soh_when_unknown;
    bool invert_current, low_power;
};

enum {
    CONTRACT_LIVE_WORDS = 54,
    CONTRACT_SAMPLES = 128, /* a second and more, at the fastest */
    CONTRACT_REGISTERS = 512,
    CONTRACT_SETTINGS_FIRST = 300,
    CONTRACT_SETTINGS = 21,
    CONTRACT_WINDOW = 512,
    CONTRACT_TOLD = 32,
    CONTRACT_VIOLATIONS = 8,
};

struct contract_sample {
    uint64_t at_ms;
    uint16_t word[CONTRACT_LIVE_WORDS];
    bool possible, sure;
    bool doubtful;  /* a setting that it needs reads 0 */
    bool ambiguous; /* good by some reading only */
    bool unsettled; /* a step that may have to wait for its repeats */
    /* decoded */
    unsigned cells;
    double sum_mv, min_mv, max_mv, pack_v, pack_a, soc_percent;
    int temperature_dc[3]; /* external 1 and 2, internal */
    bool sensor[3];
    bool over_voltage, under_voltage, fault, hot, cold; /* dangers that it shows */
    bool low;  /* a cell so low that the fault may be its */
    bool calm; /* far from all of them */
};

struct contract_violation {
    enum contract_rule rule;
    uint64_t at_ms;
    char text[200];
};

enum contract_phase {
    CONTRACT_BOOT, /* nothing may go out yet */
    CONTRACT_OPEN, /* limits ramp up, or are open, or close with age */
    CONTRACT_SHUT, /* the data was too old: until the third good sample */
};

struct contract {
    struct contract_config config;
    uint64_t now_ms;

    /* the BMS's wire */
    bool uart_up;
    uint64_t uart_since_ms;
    uint16_t asked_addr, asked_count;    /* the read under way; count 0: none */
    uint64_t asked_ms;                   /* the last request of any kind */
    uint64_t reg_ms[CONTRACT_REGISTERS]; /* when they were */
    uint64_t reborn_ms; /* since then it may be another device: its settings are to be read again */
    bool replied;       /* since the serial port came up */
    uint64_t replied_ms, live_ms; /* any reply; one with live values */
    uint8_t window[CONTRACT_WINDOW];
    size_t held;
    uint16_t reg[CONTRACT_REGISTERS]; /* settings as read */
    bool known[CONTRACT_REGISTERS];
    bool zero[CONTRACT_REGISTERS]; /* it reads 0 now */
    uint64_t noise_ms;             /* a reply was missing, or something else came */
    bool clean;                    /* the last reply came by itself */
    uint16_t low_half[16];
    uint16_t live[CONTRACT_LIVE_WORDS]; /* as read last */
    bool has_low_half;

    /* the last samples that may count as good, and the last that surely does */
    struct contract_sample sample[CONTRACT_SAMPLES];
    unsigned samples;                    /* ever */
    struct contract_sample sure, anchor; /* anchor: the last that is not ambiguous */
    bool has_sure, has_anchor;
    unsigned steps;                  /* in a row, of a value that jumped */
    struct contract_sample previous; /* that could be decoded, good or not */
    bool has_previous;
    bool unsettled; /* a value jumped and does not stand long enough yet */
    unsigned alike; /* in a row, agreeing with the one before */

    /* by the possible samples: what may go out */
    enum contract_phase phase;
    unsigned good;       /* counted towards the third */
    uint64_t changed_ms; /* anything live */
    uint64_t alive_ms;   /* the last sample of a device that still changes */
    uint64_t moved_ms;   /* a cell or the current, or the current was small */
    uint64_t opened_ms;
    uint64_t worst_age_ms;                         /* since SHUT */
    uint64_t aged_ms, age_before_ms, jumped_ms;    /* when it was looked at, what it was; when it
                                                      grew by more than the time that went by */
    bool full_discharge_at_once, was_full_at_once; /* the latter: before SHUT */
    bool spoke;                                    /* a frame since the start */
    bool suspended, may_suspend;                   /* by a restart that the gateway ordered */
    uint64_t suspended_ms, suspended_age_ms;
    bool over_voltage, under_voltage, fault, hot, cold;
    bool fault_of_low;                /* a fault that an empty cell may have begun */
    uint64_t danger_ms[2];            /* since when CCL (DCL) must be 0; UINT64_MAX: it need not */
    uint16_t used[CONTRACT_SETTINGS]; /* registers 300-320 with the last good sample */
    uint16_t former[CONTRACT_SETTINGS]; /* before one of them changed */
    uint64_t used_ms;                   /* when it did; UINT64_MAX: perhaps not yet */

    /* by the sure samples: what must go out */
    unsigned sure_good;
    uint64_t raw_changed_ms, raw_moved_ms; /* against the sample before, good or not */
    uint64_t sure_changed_ms, sure_moved_ms;
    uint64_t speak_since_ms; /* frames must go out since then; UINT64_MAX: they need not */
    uint64_t open_since_ms;  /* fresh and calm without a break since then; UINT64_MAX: it is not */

    /* the CAN bus */
    bool can_flows;
    uint64_t can_since_ms;
    bool gx_heard;
    uint64_t gx_ms;
    uint64_t rested_ms;  /* the last time that it may have been resting; 0: never */
    unsigned since_rest; /* good samples in a row since then, by every reading */
    bool sent;           /* a 0x351 since frames began to flow */
    uint64_t rise_ms;    /* a sample, new settings or a new link since: limits may rise */
    int cvl, ccl, dcl;   /* of the last one, wire units */
    uint64_t limits_ms, alarms_ms;
    uint64_t told_ms[CONTRACT_TOLD]; /* the last 0x351 */
    unsigned told;                   /* since the schedule began or the bus came back */
    struct contract_values {
        bool known;
        uint8_t data[8];
        uint64_t sample_ms; /* when the sample came that it was of */
    } values[3];            /* the last 0x355, 0x356, 0x373 */

    struct contract_violation violation[CONTRACT_VIOLATIONS];
    unsigned violations; /* ever */
};

void contract_init(struct contract *c, const struct contract_config *cfg, uint64_t now_ms);
/* The gateway's process starts anew; what the BMS holds stays. */
void contract_restart(struct contract *c, uint64_t now_ms);
void contract_configure(struct contract *c, const struct contract_config *cfg, uint64_t now_ms);

/* What happens on the wires. */
void contract_asked(struct contract *c, const uint8_t *bytes, size_t n, uint64_t now_ms);
void contract_answered(struct contract *c, const uint8_t *bytes, size_t n, uint64_t now_ms);
void contract_uart(struct contract *c, bool up, uint64_t now_ms);
void contract_can(struct contract *c, bool flows, uint64_t now_ms);
void contract_order(struct contract *c, uint64_t now_ms); /* to restart the BMS, by the gateway */
void contract_gx(struct contract *c, uint64_t now_ms);    /* 0x305 reached the gateway */
void contract_frame(struct contract *c, const struct sim_can_frame *f, uint64_t now_ms);
/* After all that happened at now_ms: what should have gone out and did not. */
void contract_moment(struct contract *c, uint64_t now_ms);

const char *contract_rule_text(enum contract_rule r);

/* ---- between its files ---- */

void contract_violate(struct contract *c, enum contract_rule rule, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* contract_wire.c: judges the 54 words against the samples before; fills *s. */
void contract_judge(struct contract *c, const uint16_t word[CONTRACT_LIVE_WORDS],
                    struct contract_sample *s, uint64_t now_ms);
bool contract_all_known(const struct contract *c);
bool contract_settings_doubtful(const struct contract *c);

/* contract.c */
void contract_sample_came(struct contract *c, const struct contract_sample *s);
void contract_let_age(struct contract *c, uint64_t now_ms);
uint64_t contract_age_ms(const struct contract *c, uint64_t now_ms); /* at the least */
/* The age has been over age_ms for at least slack_ms (phase SHUT). */
bool contract_too_old(const struct contract *c, uint64_t age_ms, uint64_t slack_ms);
uint64_t contract_sure_age_ms(const struct contract *c, uint64_t now_ms); /* at the most */
bool contract_may_rest(const struct contract *c, uint64_t now_ms);
/* A register 300-320 as read, as used with the last good sample, or as used until slack_ms ago:
 * the most (the least) of them. */
double contract_most(const struct contract *c, unsigned reg, uint64_t slack_ms);
double contract_least(const struct contract *c, unsigned reg, uint64_t slack_ms);
/* What CCL (DCL) may be at the most, in A; slack_ms: how much later than due it may fall. */
double contract_charge_a(const struct contract *c, uint64_t slack_ms, uint64_t now_ms);
double contract_discharge_a(const struct contract *c, uint64_t slack_ms, uint64_t now_ms);

#endif
