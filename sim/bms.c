/* SPDX-License-Identifier: MIT */
/* The wire of the virtual BMS: when its bytes come out, sleep, restart, and what goes wrong.
 *
 * A request counts as received when its last byte would have arrived at the wire's speed, however
 * large the pieces in which the port hands it in. Each byte of a reply then has its own time. */
#include <string.h>

#include "sim/bms.h"

enum {
    MEASURE_US = 100000,      /* the device measures ten times a second */
    MEASURE_EACH_MAX = 600,   /* after a longer pause in larger steps: */
    MEASURE_LARGE_MIN = 60,   /* of six seconds at least, */
    MEASURE_LARGE_MAX = 2000, /* and so many, unless one were then too long for the pack */
    SECOND_US = 1000000,
    SLEEP_US = 10000000, /* without traffic */
    LOOK_US = 1000000,   /* asleep, it looks at its UART so often */
    RESTART_US = 500000, /* deaf and silent; the document gives no number */
    GAP_US = 50000,      /* a request does not go on after such a pause */
    CHATTER_US = 100000,
    UNKNOWN_MAX = 8, /* bytes in which the CRC of an unknown command is looked for */
};

/* What ended sleep: the high byte of register 114. */
enum wake_up { BY_CHARGER, BY_IGNITION, BY_DISCHARGE, BY_UART };

enum { EVENT_DUAL_PORT = 0x66, EVENT_SINGLE_PORT = 0x67, RESET_BY_SOFTWARE = 4 };

void sim_bms_defaults(struct sim_bms_config *cfg) {
    *cfg = (struct sim_bms_config){
        .baudrate = 115200,
        .turnaround_us = 700,
        .speed = 1.0,
        .seed = 1,
        .charger = SIM_CHARGER_HOUSE,
        .current_sensor = SIM_SENSOR_HALL,
        .cell_noise_mv = 0.6,
    };
    sim_pack_preset(&cfg->pack, SIM_NMC);
}

void sim_bms_init(struct sim_bms *b, const struct sim_bms_config *cfg, uint64_t now_us) {
    memset(b, 0, sizeof *b);
    b->config = *cfg;
    sim_rng_init(&b->rng, cfg->seed ^ 0x5DEECE66Du);
    sim_pack_init(&b->pack, &cfg->pack);
    sim_bms_registers_init(b);
    sim_bms_set_house(b, b->reg[300] * b->reg[307] / 1000.0, 0.9 * b->reg[318], 0.9 * b->reg[317]);
    sim_bms_model_init(b);
    b->measured_us = b->second_us = b->traffic_us = b->broadcast_us = now_us;
    b->activity_us = now_us;
    b->line_free_ns = b->request_end_ns = now_us * 1000u;
}

void sim_bms_set_house(struct sim_bms *b, double cvl_v, double ccl_a, double dcl_a) {
    b->cvl_v = cvl_v;
    b->ccl_a = ccl_a;
    b->dcl_a = dcl_a;
}

static uint64_t byte_ns(const struct sim_bms *b) {
    return 10000000000u / b->config.baudrate;
}

/* Bytes to the line, the first not before start_ns; all or none. */
static bool send(struct sim_bms *b, const uint8_t *bytes, size_t n, uint64_t start_ns,
                 bool in_pieces) {
    if (b->line_count + n > SIM_BMS_LINE_MAX)
        return false;
    uint64_t at_ns = start_ns > b->line_free_ns ? start_ns : b->line_free_ns;
    unsigned piece = 0;
    for (size_t i = 0; i < n; i++) {
        if (in_pieces && piece-- == 0) {
            piece = sim_rng_below(&b->rng, 16);
            at_ns += i == 0 ? 0 : 1000000u * (1 + sim_rng_below(&b->rng, 6));
        }
        at_ns += byte_ns(b);
        unsigned at = (b->line_first + b->line_count++) % SIM_BMS_LINE_MAX;
        b->line[at].byte = bytes[i];
        b->line[at].due_us = (at_ns + 999u) / 1000u;
    }
    b->line_free_ns = at_ns;
    return true;
}

static void flip_bits(struct sim_bms *b, uint8_t *bytes, size_t n) {
    for (unsigned flips = 1 + sim_rng_below(&b->rng, 3); flips > 0; flips--) {
        uint32_t bit = sim_rng_below(&b->rng, (uint32_t)(8 * n));
        bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << bit % 8);
    }
}

/* Sends a reply, or what is left of it after the faults. */
static void reply(struct sim_bms *b, uint8_t *bytes, size_t n, uint64_t start_ns) {
    const struct sim_bms_faults *f = &b->config.faults;
    if (sim_rng_chance(&b->rng, f->drop_cpct)) {
        b->counters.dropped++;
        return;
    }
    if (sim_rng_chance(&b->rng, f->noise_cpct)) {
        uint8_t noise[12];
        unsigned count = 1 + sim_rng_below(&b->rng, sizeof noise);
        for (unsigned i = 0; i < count; i++)
            noise[i] = (uint8_t)sim_rng_next(&b->rng);
        noise[sim_rng_below(&b->rng, count)] = 0xAA;
        b->counters.noisy++;
        (void)send(b, noise, count, start_ns, false);
    }
    if (sim_rng_chance(&b->rng, f->corrupt_cpct)) {
        flip_bits(b, bytes, n);
        b->counters.corrupted++;
    }
    if (sim_rng_chance(&b->rng, f->truncate_cpct)) {
        n = sim_rng_below(&b->rng, (uint32_t)n);
        b->counters.truncated++;
    }
    if (send(b, bytes, n, start_ns, f->fragment))
        b->counters.replies++;
    else
        b->counters.overruns++;
}

static void restart(struct sim_bms *b, uint64_t now_us) {
    b->deaf_until_us = now_us + RESTART_US;
    b->request_len = 0;
    sim_bms_restarted(b, RESET_BY_SOFTWARE);
}

static void execute(struct sim_bms *b, size_t n, uint64_t now_us) {
    uint8_t bytes[SIM_BMS_REPLY_MAX];
    bool restarts = false, sets_mode = b->request[1] != 0x02;
    size_t length;
    if (sim_rng_chance(&b->rng, b->config.faults.nack_cpct))
        length = sim_bms_refuse(b, b->request[1], SIM_BMS_NACK_COMMAND, bytes);
    else
        length = sim_bms_execute(b, b->request, n, bytes, &restarts);
    if (!b->config.faults.mute)
        reply(b, bytes, length, b->request_end_ns + 1000u * (uint64_t)b->config.turnaround_us);
    if (!restarts)
        return;
    restart(b, now_us);
    if (sets_mode)
        sim_bms_event(b, (b->reg[340] & 0xFFu) == 1 ? EVENT_SINGLE_PORT : EVENT_DUAL_PORT);
}

static void drop_request_bytes(struct sim_bms *b, size_t n) {
    memmove(b->request, b->request + n, b->request_len - n);
    b->request_len = (uint16_t)(b->request_len - n);
}

/* Of an unknown command nothing but a good CRC tells the end. */
static bool closed_by_crc(const struct sim_bms *b) {
    size_t n = b->request_len;
    return n >= 4 &&
           sim_bms_crc(b->request, n - 2) == (uint16_t)(b->request[n - 1] << 8 | b->request[n - 2]);
}

/* Takes whole requests out of what was received; what cannot begin one is thrown away. */
static void parse(struct sim_bms *b, uint64_t now_us) {
    while (b->request_len > 0) {
        int length = sim_bms_request_length(b->request, b->request_len);
        if (length == 0 || length > b->request_len)
            return;
        if (length < 0) {
            if (b->request[0] == 0xAA && b->request_len < UNKNOWN_MAX) {
                if (!closed_by_crc(b))
                    return;
                execute(b, b->request_len, now_us);
                b->request_len = 0;
                return;
            }
            b->counters.discarded_bytes++;
            drop_request_bytes(b, 1);
            continue;
        }
        execute(b, (size_t)length, now_us);
        if (b->request_len >= length)
            drop_request_bytes(b, (size_t)length);
    }
}

/* Asleep: nothing is taken in; the first byte is seen at the next look, within a second. */
static void call(struct sim_bms *b, uint64_t now_us) {
    if (b->called)
        return;
    b->called = true;
    b->awake_at_us = now_us + LOOK_US - (now_us - b->traffic_us) % LOOK_US;
}

void sim_bms_handle_rx(struct sim_bms *b, const uint8_t *bytes, size_t n, uint64_t now_us) {
    (void)sim_bms_step(b, now_us);
    if (b->asleep || now_us < b->deaf_until_us) {
        b->counters.discarded_bytes += (uint32_t)n;
        if (b->asleep && n > 0)
            call(b, now_us);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (now_us * 1000u > b->request_end_ns)
            b->request_end_ns = now_us * 1000u;
        b->request_end_ns += byte_ns(b);
        if (b->request_len == SIM_BMS_REQUEST_MAX) {
            b->counters.discarded_bytes++;
            drop_request_bytes(b, 1);
        }
        b->request[b->request_len++] = bytes[i];
        b->traffic_us = now_us;
        parse(b, now_us);
    }
}

/* Register 342: how often unasked bytes come, in microseconds; 0 = never. */
static uint64_t broadcast_period_us(const struct sim_bms *b) {
    static const uint32_t period_ms[] = {0, 100, 200, 500, 1000, 2000, 5000, 10000};
    if (b->config.faults.chatter)
        return CHATTER_US;
    return 1000u * (uint64_t)period_ms[(b->reg[342] & 0xFFu) % 8u];
}

/* The document does not show the broadcast formats: in ASCII it names the switch states; the others
 * are bytes that look like the start of anything. */
static void broadcast(struct sim_bms *b, uint64_t now_us) {
    char text[] = "load:0 charger:0 single:0\r\n";
    text[5] = b->guard.discharge_on ? '1' : '0';
    text[15] = b->guard.charge_on ? '1' : '0';
    text[24] = b->guard.charge_on && b->guard.discharge_on ? '1' : '0';
    uint8_t bytes[8];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)sim_rng_next(&b->rng);
    bytes[sim_rng_below(&b->rng, sizeof bytes)] = 0xAA;
    bool ascii = (b->reg[343] & 0xFFu) == 1 && !b->config.faults.chatter;
    (void)send(b, ascii ? (const uint8_t *)text : bytes, ascii ? sizeof text - 1 : sizeof bytes,
               now_us * 1000u, false);
}

static uint64_t earlier(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* Charger, ignition and load keep it awake, as traffic does. That a load does the document says
 * only by naming discharge as a cause of waking. */
static bool kept_awake(const struct sim_bms *b) {
    return b->config.charger == SIM_CHARGER_PLUGGED || sim_bms_charger_gives(b) ||
           sim_bms_ignition_on(b) || b->pack.current_a < -sim_bms_flowing_a(b);
}

static void wake(struct sim_bms *b, enum wake_up why, uint64_t at_us) {
    b->asleep = b->called = false;
    b->traffic_us = b->activity_us = at_us;
    b->reg[114] = (uint16_t)((unsigned)why << 8 | (b->reg[114] & 0xFFu));
    sim_bms_measure(b, 0.0);
}

/* Asleep it looks at its UART once a second; what begins outside wakes it at once. */
static void doze(struct sim_bms *b, uint64_t now_us) {
    const struct sim_bms_guard *g = &b->guard;
    bool plugged = sim_bms_charger_plugged(b), gives = sim_bms_charger_gives(b);
    if ((plugged && !g->charger_was) || (gives && !g->gave_was))
        wake(b, BY_CHARGER, now_us);
    else if (sim_bms_ignition_on(b) && !g->ignition_was)
        wake(b, BY_IGNITION, now_us);
    else if (b->pack.current_a < -sim_bms_flowing_a(b))
        wake(b, BY_DISCHARGE, now_us);
    else if (b->called && now_us >= b->awake_at_us)
        wake(b, BY_UART, b->awake_at_us);
    b->guard.gave_was = gives;
}

static void sleep_and_wake(struct sim_bms *b, uint64_t now_us) {
    if (b->asleep) {
        doze(b, now_us);
        return;
    }
    b->guard.gave_was = sim_bms_charger_gives(b);
    if (kept_awake(b))
        b->activity_us = now_us;
    uint64_t last_us = b->activity_us > b->traffic_us ? b->activity_us : b->traffic_us;
    if (b->config.sleeps && now_us - last_us >= SLEEP_US) {
        b->asleep = true;
        b->request_len = 0;
        sim_bms_measure(b, 0.0);
    }
}

/* Measures for the time that has passed: each time that the device would have, or, after a long
 * pause, seldom enough to come to an end. */
static void catch_up(struct sim_bms *b, uint64_t now_us) {
    uint64_t due = (now_us - b->measured_us) / MEASURE_US, each = 1;
    if (due > MEASURE_EACH_MAX) {
        double most = SIM_PACK_LONGEST_S * 1e6 / MEASURE_US / b->config.speed;
        each = due / MEASURE_LARGE_MAX + MEASURE_LARGE_MIN;
        each = (double)each < most ? each : most < 1.0 ? 1 : (uint64_t)most;
    }
    while (due > 0) {
        uint64_t now = due < each ? due : each;
        due -= now;
        b->measured_us += now * MEASURE_US;
        sim_bms_measure(b, (double)(now * MEASURE_US) / 1e6 * b->config.speed);
    }
}

uint64_t sim_bms_step(struct sim_bms *b, uint64_t now_us) {
    catch_up(b, now_us);
    while (now_us - b->second_us >= SECOND_US) {
        b->second_us += SECOND_US;
        if (!b->config.faults.freeze)
            sim_bms_put32(b, 32, sim_bms_get32(b, 32) + 1);
    }
    sleep_and_wake(b, now_us);
    if (b->request_len > 0 && now_us - b->traffic_us >= GAP_US) {
        b->counters.discarded_bytes += b->request_len;
        b->request_len = 0;
    }
    uint64_t period_us = broadcast_period_us(b);
    if (period_us > 0 && now_us - b->broadcast_us >= period_us) {
        b->broadcast_us = now_us;
        if (!b->asleep && !b->config.faults.mute && now_us >= b->deaf_until_us)
            broadcast(b, now_us);
    }
    uint64_t next = b->measured_us + MEASURE_US;
    if (b->line_count > 0)
        next = earlier(next, b->line[b->line_first].due_us);
    if (b->asleep && b->called)
        next = earlier(next, b->awake_at_us);
    if (period_us > 0)
        next = earlier(next, b->broadcast_us + period_us);
    return next > now_us ? next : now_us + 1;
}

size_t sim_bms_tx(struct sim_bms *b, uint8_t *buf, size_t cap, uint64_t now_us) {
    size_t n = 0;
    while (n < cap && b->line_count > 0 && b->line[b->line_first].due_us <= now_us) {
        buf[n++] = b->line[b->line_first].byte;
        b->line_first = (uint16_t)((b->line_first + 1) % SIM_BMS_LINE_MAX);
        b->line_count--;
    }
    return n;
}
