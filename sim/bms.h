/* SPDX-License-Identifier: MIT */
/* A virtual TinyBMS on its UART, without I/O and without a clock.
 *
 * Written from the vendor's "Communication Protocols, Revision D" and user manual, on its own: it
 * shares no code with core/tinybms, so that a misreading on one side shows on the other.
 *
 * Inside: bms.c (the wire: when bytes come out, sleep, faults), bms_commands.c (requests and
 * replies, CRC), bms_registers.c (the register file, its ranges, recordings), bms_model.c (what the
 * device does with its pack: measuring, counting charge, live registers, statistics), bms_senses.c
 * (what it senses, right or wrong), bms_protection.c (what it guards, and the switches),
 * bms_charge.c (the steps at the end of a charge, balancing), bms_events.c (events, restarts).
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

/* What the device senses, as bits. */
enum sim_sense {
    SIM_SENSE_CELLS = 1,
    SIM_SENSE_CURRENT = 2,
    SIM_SENSE_EXTERNAL_1 = 4, /* temperatures */
    SIM_SENSE_EXTERNAL_2 = 8,
    SIM_SENSE_BOARD = 16,
    SIM_SENSE_CHARGE = 32, /* the counted state of charge */
    SIM_SENSE_VOLTAGE = 64 /* of the pack: register 36 */
};

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
    bool refuse_reserved;   /* a read that touches registers 16-31 is refused; 49, alone among its
                               neighbours, goes with them in the reads 0-15 and 32-53 */

    /* The rest spoils what the device senses: it acts on that as if it were true. */
    bool freeze_but_clock; /* measures no more, but its counter goes on */
    uint8_t swap[2];       /* cells, 1-16, each measured in the other's place; 0: none */
    uint32_t stuck;        /* bits of enum sim_sense: these stay as they are */
    enum sim_sense jump;   /* one of them is off ... */
    uint8_t jump_cell;     /* ... of the cells, this one, 1-16 */
    double jump_by;        /* ... by so much: mV of a cell, A, K, % of charge, V of the pack */
    uint32_t jump_cpct;    /* ... in so many of the measurements; 10000: in all of them */
};

/* Where charge comes from, as the device sees it. */
enum sim_charger {
    /* Never unplugged. It counts as seen while the house wants to charge and is allowed to. */
    SIM_CHARGER_HOUSE,
    SIM_CHARGER_PLUGGED,  /* plugged in by hand: seen as long as it is, whatever it gives */
    SIM_CHARGER_UNPLUGGED /* nothing charges */
};

/* Of register 501; it decides how far the current settings go. */
enum sim_current_sensor {
    SIM_SENSOR_RESISTOR, /* the 30 A version */
    SIM_SENSOR_HALL,     /* the 150 A version */
    SIM_SENSOR_EXTERNAL  /* up to 750 A */
};

struct sim_bms_config {
    uint32_t baudrate;      /* bit/s, > 0; a byte is ten bits */
    uint32_t turnaround_us; /* end of the request to start of the reply */
    bool sleeps;            /* falls asleep after 10 s without charger, ignition, load or traffic */
    bool ascending;         /* register 0 is cell 1; otherwise 15 is, as on a real 14-cell device */
    bool before_revision_d; /* does not know 45, 305, 310, 311, 321-323, high byte of 330: read 0 */
    double speed;           /* of the pack's time; 1 = real */
    uint32_t seed;
    struct sim_pack_config pack;
    struct sim_bms_faults faults;

    /* What stands around it. All of it may be changed while it runs, in sim_bms.config. */
    enum sim_charger charger;
    bool through_load_port;  /* charge comes in by the load port: regeneration, in dual port */
    bool ignition;           /* the ignition input is on; it counts if register 334 is not 0 */
    uint8_t sensors_missing; /* external temperature sensors: bit 0 the first, bit 1 the second */

    /* What kind of device it is; read at the start. */
    bool old_reads_ones; /* with before_revision_d: what it does not know reads 0xFFFF, not 0 */
    bool low_power;      /* the low power version */
    enum sim_current_sensor current_sensor;
    double capacity_error; /* register 306 is wrong by this share: 0.1 = 10 % too large */

    /* How well it measures. */
    double cell_noise_mv; /* +- */
    double cell_error_mv; /* +-: each cell is measured wrong by so much for ever */
    double cell_lag_s;    /* a cell is shown as a first-order filter of this time has it; 0: none */
    double current_noise_a;  /* +- */
    double current_offset_a; /* the sensor shows so much when nothing flows */
    double current_gain;     /* and this share too much of what flows */
};

/* The protections, in the order of the table in bms_protection.c. */
enum sim_protection {
    SIM_OVER_VOLTAGE,
    SIM_UNDER_VOLTAGE,
    SIM_OVER_HEAT,
    SIM_FREEZING,
    SIM_DISCHARGE_OVER_CURRENT,
    SIM_CHARGE_OVER_CURRENT,
    SIM_REGENERATION_OVER_CURRENT,
    SIM_DISCHARGED,
    SIM_COLD,
    SIM_PROTECTIONS
};

/* Switches and guards, as far as registers do not say. */
struct sim_bms_guard {
    bool over_voltage, under_voltage, discharged, over_heat, cold, full, top_pause;
    bool discharge_over_current, charge_over_current;
    double over_load_s; /* how long the current has been over register 317 */
    double tail_s;      /* how long the conditions of "full" have held */
    double balance_s;   /* time in the every-third-cell rotation */
    bool charge_on, discharge_on;

    bool freezing, regeneration_over_current;
    bool charge_ended;  /* without having been full: events 0x38, 0x39 */
    double end_percent; /* counted charge when charging paused or ended */
    double settle_s;    /* since the charge switch closed on a charger */
    double low_s;       /* how long a charger of too low a voltage has given too little */
    double idle_s;      /* single port, empty: how long the charger has given nothing */
    bool charger_spent; /* and was given up */
    bool charger_was, ignition_was, gave_was; /* one measurement ago */
    double gone_s[SIM_PROTECTIONS];           /* how long each cause has been gone */
    uint16_t balance_wanted;
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

    uint64_t activity_us; /* when charger, ignition or load last kept it awake */
    double sensed_mv[SIM_CELLS_MAX], sensed_a, external_c[2], board_c, pack_v; /* last measured */
    double cell_error_mv[SIM_CELLS_MAX], lagging_mv[SIM_CELLS_MAX];
    double counted_as; /* sim_pack.moved_as when charge was counted last */
};

/* 115200 baud, 0.7 ms turnaround (a one-register read takes 2 ms, as measured on a real device),
 * awake, the NMC pack, a charger that is never unplugged, both external temperature sensors, the
 * high power version with its Hall sensor, measuring well; no faults. */
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

/* What one measurement gave, as the device senses it, and what stands around it. */
struct sim_bms_sample {
    double dt_s;
    double min_mv, max_mv;
    double amps;
    double warmest_c, coldest_c; /* of the external sensors; without one, of the board */
    double board_c;
    bool external;              /* there is an external sensor */
    bool single_port;           /* register 340 */
    bool charging, discharging; /* more flows than the power type takes notice of */
    bool regenerating;          /* charging by the load port */
    bool charger;               /* is plugged in */
    bool gives;                 /* and the house wants to charge, and may */
    bool load;                  /* the house wants to discharge, and may */
    bool held_by_voltage;       /* the charger gives no more because of its voltage */
    bool helped;                /* charger plugged in or ignition switched on since the last one */
    double charge_off;          /* 0-1: register 46 is told wrong by so much */
};

/* bms_model.c */
void sim_bms_model_init(struct sim_bms *b);
/* Lets dt_s pass for the pack (0: none; at most SIM_PACK_LONGEST_S), then measures and acts. */
void sim_bms_measure(struct sim_bms *b, double dt_s);
/* What the device takes notice of as charging or discharging, A: by its power type. */
double sim_bms_flowing_a(const struct sim_bms *b);
/* The charger as the device sees it: plugged in; and giving, or ready to. */
bool sim_bms_charger_plugged(const struct sim_bms *b);
bool sim_bms_charger_gives(const struct sim_bms *b);
bool sim_bms_ignition_on(const struct sim_bms *b);
/* A register that older firmware does not know: false, and *value untouched, when it reads so. */
bool sim_bms_known(const struct sim_bms *b, uint16_t addr, uint16_t *value);

/* bms_senses.c */
void sim_bms_sense(struct sim_bms *b, struct sim_bms_sample *m);
void sim_bms_count_charge(struct sim_bms *b, double dt_s);

/* bms_protection.c */
void sim_bms_protect(struct sim_bms *b, const struct sim_bms_sample *m);
bool sim_bms_fault(const struct sim_bms *b);
void sim_bms_set_switches(struct sim_bms *b, const struct sim_bms_sample *m);
/* Where the switches stand while it sleeps. */
void sim_bms_sleep_switches(const struct sim_bms *b, bool *charge_on, bool *discharge_on);

/* bms_charge.c */
void sim_bms_charge(struct sim_bms *b, const struct sim_bms_sample *m);
void sim_bms_balance(struct sim_bms *b, const struct sim_bms_sample *m);

/* bms_events.c */
void sim_bms_event(struct sim_bms *b, uint8_t id);
void sim_bms_clear(struct sim_bms *b, bool events, bool statistics);
/* After a restart: reset cause as in register 114. Guards, and what charging had come to, are
 * forgotten; settings, counts and the counted charge are not. */
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
