/* SPDX-License-Identifier: MIT */
/* A virtual TinyBMS on its UART, without I/O and without a clock.
 *
 * Written from the vendor's "Communication Protocols, Revision D" and user manual, on its own: it
 * shares no code with core/tinybms, so that a misreading on one side shows on the other.
 *
 * Inside: bms.c (the wire: when bytes come out, sleep, faults), bms_commands.c (requests and
 * replies, CRC), bms_registers.c (the register file, its ranges, recordings), bms_model.c (what the
 * device does with its pack: measuring, switches, balancing, events, statistics).
 *
 * Pattern of use: sim_bms_handle_rx() with bytes that arrived, sim_bms_step() for what time does,
 * sim_bms_tx() for bytes that have come out. now_us is monotonic. The same seed, calls and times
 * give the same bytes. */
#ifndef SIM_BMS_H
#define SIM_BMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/pack.h"
#include "sim/rng.h"

enum {
    SIM_BMS_REGISTERS = 512, /* 0-511; reading beyond is refused */
    SIM_BMS_EVENTS = 49,
    SIM_BMS_REQUEST_MAX = 264, /* the longest that a length byte can ask for */
    SIM_BMS_LINE_MAX = 2048,   /* bytes on their way out */
};

/* Error codes of a refusal (AA 00 cmd err). */
enum sim_bms_nack { SIM_BMS_NACK_COMMAND = 0, SIM_BMS_NACK_CRC = 1 };

/* What goes wrong on purpose. Rates are in 0.01 %, 0-10000, of replies. */
struct sim_bms_faults {
    uint32_t drop_cpct;     /* not sent at all */
    uint32_t corrupt_cpct;  /* one to three bits flipped */
    uint32_t noise_cpct;    /* 1 to 12 stray bytes before it, a false 0xAA among them */
    uint32_t truncate_cpct; /* ends early */
    uint32_t nack_cpct;     /* refused without a reason */
    bool fragment;          /* in pieces of 1 to 16 bytes with pauses of 1 to 6 ms */
    bool chatter;           /* unasked broadcast bytes every 100 ms, whatever register 342 says */
    bool mute;              /* never answers */
    bool freeze;            /* answers, but measures no more */
    bool refuse_reserved;   /* a read that touches registers 16-31 or 49 is refused */
};

struct sim_bms_config {
    uint32_t baudrate;      /* bit/s, > 0; a byte is ten bits */
    uint32_t turnaround_us; /* end of the request to start of the reply */
    bool sleeps;            /* falls asleep after 10 s without traffic */
    bool
        ascending; /* register 0 is cell 1; otherwise register 15 is, as on a real 14-cell device */
    bool before_revision_d; /* registers 45, 305, 310, 311, 321-323 read 0 */
    double speed;           /* of the pack's time; 1 = real */
    uint32_t seed;
    struct sim_pack_config pack;
    struct sim_bms_faults faults;
};

/* Switches and guards, as far as registers do not say. */
struct sim_bms_guard {
    bool over_voltage, under_voltage, discharged, over_heat, cold, full, top_pause;
    bool discharge_over_current, charge_over_current;
    double recover_s;   /* until an over-current guard lets go */
    double over_load_s; /* how long the current has been over register 317 */
    double tail_s;      /* how long the conditions of "full" have held */
    double balance_s;   /* phase of the every-third-cell rotation */
    bool charge_on, discharge_on;
};

struct sim_bms_counters {
    uint32_t requests, replies, nacks, crc_errors;
    uint32_t discarded_bytes; /* of requests: no frame, too late, asleep */
    uint32_t dropped, corrupted, noisy, truncated;
    uint32_t overruns; /* replies lost because the line was still busy with earlier ones */
};

struct sim_bms {
    struct sim_bms_config config;
    struct sim_rng rng;
    struct sim_pack pack;
    struct sim_bms_guard guard;
    struct sim_bms_counters counters;
    double cvl_v, ccl_a, dcl_a; /* what the house may do */

    uint16_t reg[SIM_BMS_REGISTERS];
    bool recording;        /* registers come from a file: only the clock ticks */
    double soc;            /* as counted, 0-1 */
    double cycle_ah;       /* charged since the last full */
    uint8_t event_slot;    /* where the next event goes */
    uint8_t events_unread; /* since the last 0x11 */

    uint64_t measured_us;   /* the last measurement */
    uint64_t second_us;     /* the last tick of the clock, registers 32-33 */
    uint64_t traffic_us;    /* the last byte received */
    uint64_t deaf_until_us; /* restarting */
    uint64_t awake_at_us;   /* asleep and called: it looks at its UART then */
    uint64_t broadcast_us;  /* the last unasked bytes */
    bool asleep, called;

    uint8_t request[SIM_BMS_REQUEST_MAX];
    uint16_t request_len;
    uint64_t request_end_ns; /* when its last byte had arrived, at the wire's speed */

    struct {
        uint64_t due_us;
        uint8_t byte;
    } line[SIM_BMS_LINE_MAX];
    uint16_t line_first, line_count;
    uint64_t line_free_ns; /* when the byte sent last is out */
};

/* 115200 baud, 0.7 ms turnaround (a one-register read takes 2 ms, as measured on a real device),
 * awake, the NMC pack, no faults. */
void sim_bms_defaults(struct sim_bms_config *cfg);

/* Copies cfg; register file with defaults for the pack; the first measurement is made. */
void sim_bms_init(struct sim_bms *b, const struct sim_bms_config *cfg, uint64_t now_us);

/* Serves a recording from now on: lines "address 0xVALUE", comments after '#'. Registers that are
 * not named read 0. Returns 0, or the number of the first line that is not understood (the
 * registers then are as before). */
unsigned sim_bms_load(struct sim_bms *b, const char *text, size_t n);

/* Bytes from the gateway, any chunking. */
void sim_bms_handle_rx(struct sim_bms *b, const uint8_t *bytes, size_t n, uint64_t now_us);

/* Lets time act; returns when it wants to be called next, always > now_us. */
uint64_t sim_bms_step(struct sim_bms *b, uint64_t now_us);

/* Takes up to cap bytes that have left the device by now_us. */
size_t sim_bms_tx(struct sim_bms *b, uint8_t *buf, size_t cap, uint64_t now_us);

/* What the GX lets the house do from now on; see struct sim_pack_limits. Until the first call it is
 * a charger set by hand: registers 300 x 307, and nine tenths of 318 and 317. */
void sim_bms_set_house(struct sim_bms *b, double cvl_v, double ccl_a, double dcl_a);

/* Between the files of the virtual BMS. */

/* bms_registers.c */
void sim_bms_registers_init(struct sim_bms *b);
/* Writes count registers or none. False: read-only, out of range, or against the order of the
 * voltage and current settings. */
bool sim_bms_write(struct sim_bms *b, uint16_t addr, const uint16_t *value, unsigned count);
/* A register's minimum (1), maximum (2), default (3) or present value (4); 0 for one that is not
 * a setting. */
uint16_t sim_bms_setting(const struct sim_bms *b, unsigned kind, uint16_t addr);
bool sim_bms_readable(const struct sim_bms *b, uint32_t addr, uint32_t count);
uint32_t sim_bms_get32(const struct sim_bms *b, uint16_t addr);
void sim_bms_put32(struct sim_bms *b, uint16_t addr, uint32_t v);
void sim_bms_put_float(struct sim_bms *b, uint16_t addr, float v);
/* Where cell i (0 = cell 1) stands in registers 0-15. */
unsigned sim_bms_cell_register(const struct sim_bms *b, unsigned i);

/* bms_model.c */
void sim_bms_model_init(struct sim_bms *b);
void sim_bms_measure(struct sim_bms *b, double dt_s);
void sim_bms_event(struct sim_bms *b, uint8_t id);
void sim_bms_clear(struct sim_bms *b, bool events, bool statistics);
/* After a restart: reset cause as in register 114. */
void sim_bms_restarted(struct sim_bms *b, uint8_t cause);

/* bms_commands.c */
uint16_t sim_bms_crc(const uint8_t *bytes, size_t n);
/* The whole length of the request that starts with these n bytes; 0: more bytes are needed to
 * tell; -1: no request starts so. */
int sim_bms_request_length(const uint8_t *bytes, size_t n);
/* Executes one whole request and writes the reply, one or several frames, CRC included. Returns
 * its length. *restart is set when the device restarts after the reply. */
enum { SIM_BMS_REPLY_MAX = 600 };
size_t sim_bms_execute(struct sim_bms *b, const uint8_t *request, size_t n,
                       uint8_t reply[SIM_BMS_REPLY_MAX], bool *restart);
size_t sim_bms_refuse(struct sim_bms *b, uint8_t command, enum sim_bms_nack why,
                      uint8_t reply[SIM_BMS_REPLY_MAX]);

#endif
