/* SPDX-License-Identifier: MIT */
/* recordings/: a device that answers 0x03 from recorded registers, the whole core between it and
 * the CAN frames, a minute of virtual time, and what is known and sent at its end. */
#include "golden.h"

#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "gateway/gateway.h"

enum { REGISTERS = 600, RUN_MS = 60000, STEP_MS = 5, LIFETIME_REGISTER = 32, LINK_BYTES = 512 };

struct device {
    uint16_t word[REGISTERS];
    unsigned known;
};

struct run {
    struct device device;
    struct gateway gateway;
    struct gateway_snapshot end;
    struct victron_frame sent[0x800]; /* the last one of each identifier; len 0: never sent */
};

/* CRC-16/MODBUS as in crc16.py; shares nothing with core/tinybms. */
static uint16_t crc16(const uint8_t *bytes, size_t n) {
    uint16_t remainder = 0xFFFF;
    for (size_t i = 0; i < n; i++) {
        remainder ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            remainder =
                (uint16_t)((remainder & 1u) != 0 ? (remainder >> 1) ^ 0xA001u : remainder >> 1);
        }
    }
    return remainder;
}

static void load_registers(struct vector_reader *r, const char *folder, struct device *d) {
    char path[4096];
    char line[256];
    if (r->words != 2 || strchr(r->word[1], '/') != NULL) {
        vector_fail(r, "registers FILE expected");
        return;
    }
    (void)snprintf(path, sizeof path, "%s/%s", folder, r->word[1]);
    FILE *in = fopen(path, "r");
    if (in == NULL) {
        vector_fail(r, "cannot open %s", path);
        return;
    }
    while (fgets(line, sizeof line, in) != NULL) {
        unsigned addr = 0;
        unsigned value = 0;
        if (line[0] == '#' || line[0] == '\n') {
            continue;
        }
        if (sscanf(line, "%u %x", &addr, &value) != 2 || addr >= REGISTERS || value > 0xFFFF) {
            vector_fail(r, "%s: not 'address 0xVALUE': %s", path, line);
            break;
        }
        d->word[addr] = (uint16_t)value;
        d->known++;
    }
    (void)fclose(in);
    if (d->known == 0) {
        vector_fail(r, "%s holds no register", path);
    }
}

/* The device's answer to a whole request, 0 bytes where it has none. */
static size_t answer(const struct device *d, const uint8_t *rq, size_t n, uint8_t *out) {
    if (n < 4 || rq[0] != 0xAA || crc16(rq, n - 2) != (uint16_t)(rq[n - 2] + 256u * rq[n - 1])) {
        return 0;
    }
    const unsigned addr = 256u * rq[2] + rq[3];
    const unsigned count = n == 8 ? rq[5] : 0;
    size_t length;
    if (rq[1] == 0x03 && n == 8 && count > 0 && count <= 127 && addr + count <= REGISTERS) {
        out[0] = 0xAA;
        out[1] = 0x03;
        out[2] = (uint8_t)(2 * count);
        for (unsigned i = 0; i < count; i++) {
            out[3 + 2 * i] = (uint8_t)(d->word[addr + i] >> 8);
            out[4 + 2 * i] = (uint8_t)d->word[addr + i];
        }
        length = 3 + 2 * (size_t)count;
    } else {
        const uint8_t refusal[] = {0xAA, 0x00, rq[1], 0x00};
        memcpy(out, refusal, sizeof refusal);
        length = sizeof refusal;
    }
    const uint16_t crc = crc16(out, length);
    out[length] = (uint8_t)crc;
    out[length + 1] = (uint8_t)(crc >> 8);
    return length + 2;
}

static void exchange(struct run *run, uint64_t now_ms) {
    uint8_t request[LINK_BYTES];
    uint8_t reply[LINK_BYTES];
    const size_t n = gateway_uart_tx(&run->gateway, request, sizeof request, now_ms);
    if (n > 0) {
        const size_t length = answer(&run->device, request, n, reply);
        gateway_uart_rx(&run->gateway, reply, length, now_ms + 3);
    }
}

static void drain(struct run *run, uint64_t now_ms) {
    struct victron_frame frame;
    struct gateway_answer done;
    struct log_record record;
    while (gateway_next_frame(&run->gateway, &frame, now_ms)) {
        run->sent[frame.id & 0x7FFu] = frame;
        gateway_frame_done(&run->gateway, &frame, true);
    }
    while (gateway_next_answer(&run->gateway, &done)) {
    }
    while (gateway_next_log(&run->gateway, &record)) {
    }
}

static void run_recording(struct vector_reader *r, struct run *run) {
    static struct settings settings;
    struct settings_error wrong;
    settings_defaults(&settings);
    if (settings_assign(&settings, "cvl.margin_mv=0", &wrong) != 0 ||
        settings_check(&settings, &wrong) != 0) {
        vector_fail(r, "settings: %s", wrong.text);
        return;
    }
    gateway_init(&run->gateway, &settings, 0);
    gateway_set_uart(&run->gateway, true, 0);
    gateway_set_can(&run->gateway, true, 0);
    for (uint64_t now_ms = 0; now_ms < RUN_MS; now_ms += STEP_MS) {
        if (now_ms % 1000 == 0) {
            run->device.word[LIFETIME_REGISTER]++;
        }
        (void)gateway_step(&run->gateway, now_ms);
        exchange(run, now_ms);
        (void)gateway_step(&run->gateway, now_ms + 3);
        drain(run, now_ms + 3);
    }
    gateway_snapshot(&run->gateway, &run->end, RUN_MS);
    if (!run->end.sample_known) {
        vector_fail(r, "no good sample in a minute");
    }
}

static void check_sent(struct vector_reader *r, const struct run *run) {
    const uint16_t id = (uint16_t)vector_number(r, 1, 0, 0x7FF);
    const struct victron_frame *f = &run->sent[id];
    char got[3 * 8 + 1] = "none";
    if (f->len > 0) {
        vector_hex(f->data, 8, got);
    }
    const bool none = vector_is(r, "none");
    if (none ? f->len > 0 : !vector_frame_matches(r, 2, f->len > 0, f->data)) {
        vector_fail(r, "0x%03X: got %s", id, got);
    }
    if (f->len > 0 && f->len != 8) {
        vector_fail(r, "0x%03X: length %u", id, f->len);
    }
}

void recording_vectors_run(struct vector_reader *r, const char *data) {
    struct run *run = calloc(1, sizeof *run);
    unsigned checks = 1;
    if (run == NULL) {
        vector_fail(r, "no memory");
        return;
    }
    while (vector_next(r)) {
        if (vector_is(r, "vector")) {
            if (checks == 0) {
                vector_fail(r, "the vector before this one expects nothing");
            }
            memset(run, 0, sizeof *run);
            checks = 0;
        } else if (vector_is(r, "registers")) {
            load_registers(r, data, &run->device);
            run_recording(r, run);
        } else if (run->device.known == 0) {
            vector_fail(r, "'%s' before the registers", r->word[0]);
        } else if (vector_is(r, "value") && r->words > 2) {
            field_compare(r, 1, &run->end.battery);
            checks++;
        } else if (vector_is(r, "frame") || vector_is(r, "none")) {
            check_sent(r, run);
            checks++;
        } else {
            vector_fail(r, "unknown keyword '%s'", r->word[0]);
        }
    }
    if (checks == 0) {
        vector_fail(r, "the last vector expects nothing");
    }
    free(run);
}
