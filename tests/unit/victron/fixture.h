/* SPDX-License-Identifier: MIT */
/* A 14-cell battery about which everything is known, and one call that encodes a message from it.
 * The numbers are what the tests' expected bytes are derived from by hand. */
#ifndef TESTS_UNIT_VICTRON_FIXTURE_H
#define TESTS_UNIT_VICTRON_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "victron/victron.h"

struct fixture {
    struct battery battery;
    struct limits limits;
    struct alarms alarms;
    struct victron_config config;
    struct victron_source source;
};

static inline void fixture_init(struct fixture *f) {
    memset(f, 0, sizeof *f);
    memset(f->battery.validity, BATTERY_VALID, sizeof f->battery.validity);
    f->battery.cell_count = 14;
    f->battery.min_cell = 7;
    f->battery.min_cell_mv = 3972;
    f->battery.max_cell = 14;
    f->battery.max_cell_mv = 3986;
    f->battery.pack_mv = 55677;
    f->battery.pack_ma = -12340;
    f->battery.soc_cpct = 8059;
    f->battery.soh_cpct = 9800;
    f->battery.external_temperature_dc[0] = 215;
    f->battery.external_temperature_dc[1] = 102;
    f->battery.internal_temperature_dc = 300;
    f->battery.capacity_mah = 66000;
    f->battery.hardware_version = 0x0102;
    f->battery.firmware_version = 0x0301;
    f->battery.internal_firmware = 0x00F2;
    memcpy(f->battery.serial, "TB1234567890", BATTERY_SERIAL_BYTES);
    f->limits.valid = true;
    f->limits.cvl_mv = 58100;
    f->limits.ccl_ma = 18000;
    f->limits.dcl_ma = 54000;
    f->limits.discharge_voltage_mv = 42000;
    memset(f->alarms.alarm, ALARM_QUIET, sizeof f->alarms.alarm);
    memset(f->alarms.warning, ALARM_QUIET, sizeof f->alarms.warning);
    f->alarms.online = true;
    f->config.period_ms = 1000;
    f->config.keepalive_timeout_ms = 10000;
    memcpy(f->config.manufacturer, "TinyBMS", 8);
    memcpy(f->config.battery_name, "Cellar rack two", 16);
    memcpy(f->config.battery_family, "TinyBMS", 8);
    f->config.soh_when_unknown = 100;
    f->source = (struct victron_source){
        .battery = &f->battery, .limits = &f->limits, .alarms = &f->alarms, .config = &f->config};
}

static inline void fixture_forget(struct fixture *f, enum battery_field field) {
    f->battery.validity[field] = BATTERY_NEVER_READ;
}

/* Encodes the message of one identifier; what the encoder does not write is not zero before. */
static inline bool fixture_encode(const struct fixture *f, uint16_t id, struct victron_frame *out) {
    memset(out, 0xA5, sizeof *out);
    for (unsigned row = 0; row < victron_table_rows; row++) {
        if (victron_table[row].id == id) {
            return victron_table[row].encode(&f->source, out);
        }
    }
    fail_msg("0x%03X is not in the table", id);
    return false;
}

static inline void assert_frame(const struct fixture *f, const char *what, uint16_t id,
                                const uint8_t expected[8]) {
    struct victron_frame out;
    if (!fixture_encode(f, id, &out)) {
        fail_msg("%s: 0x%03X is not sent", what, id);
    }
    assert_int_equal(out.id, id);
    assert_int_equal(out.len, 8);
    for (unsigned i = 0; i < 8; i++) {
        if (out.data[i] != expected[i]) {
            fail_msg("%s: 0x%03X byte %u is %02X, not %02X", what, id, i, out.data[i], expected[i]);
        }
    }
}

static inline void assert_not_sent(const struct fixture *f, const char *what, uint16_t id) {
    struct victron_frame out;
    if (fixture_encode(f, id, &out)) {
        fail_msg("%s: 0x%03X is sent", what, id);
    }
}

#endif
