/* SPDX-License-Identifier: MIT */
#include "status_json.h"

#include "tinybms/registers.h"
#include "version.h"

static void key_fixed(struct json_writer *w, const char *key, bool known, int64_t v,
                      unsigned decimals) {
    if (known) {
        json_key_fixed(w, key, v, decimals);
    } else {
        json_key_null(w, key);
    }
}

static void key_age(struct json_writer *w, const char *key, uint64_t age_ms) {
    bool known = age_ms <= INT64_MAX;
    key_fixed(w, key, known, known ? (int64_t)age_ms : 0, 0);
}

static void write_live(struct json_writer *w, const struct battery *b) {
    bool cells = battery_has(b, BATTERY_CELLS);
    bool power = battery_has(b, BATTERY_PACK_VOLTAGE) && battery_has(b, BATTERY_PACK_CURRENT);
    int16_t temperature_dc = 0;
    bool temperature = battery_temperature_mean(b, &temperature_dc);
    key_fixed(w, "voltage", battery_has(b, BATTERY_PACK_VOLTAGE), b->pack_mv, 3);
    key_fixed(w, "current", battery_has(b, BATTERY_PACK_CURRENT), b->pack_ma, 3);
    key_fixed(w, "power_w", power, b->power_mw, 3);
    key_fixed(w, "soc_percent", battery_has(b, BATTERY_SOC), b->soc_cpct, 2);
    key_fixed(w, "soh_percent", battery_has(b, BATTERY_SOH), b->soh_cpct, 2);
    key_fixed(w, "temperature", temperature, temperature_dc, 1);
    key_fixed(w, "min_cell_mv", cells, b->min_cell_mv, 0);
    key_fixed(w, "max_cell_mv", cells, b->max_cell_mv, 0);
    key_fixed(w, "min_cell", cells, b->min_cell, 0);
    key_fixed(w, "max_cell", cells, b->max_cell, 0);
    key_fixed(w, "cell_imbalance_mv", cells, b->imbalance_mv, 0);
    bool status = battery_has(b, BATTERY_STATUS);
    json_key_string(w, "online_status", status ? battery_status_text(b->status) : NULL);
    key_fixed(w, "online_status_code", status, b->status, 0);
}

static void write_cells(struct json_writer *w, const struct battery *b) {
    unsigned count = battery_has(b, BATTERY_CELLS) ? b->cell_count : 0;
    json_key(w, "cells_mv");
    json_array_begin(w);
    for (unsigned i = 0; i < count; i++) {
        json_int(w, b->cell_mv[i]);
    }
    json_array_end(w);
    json_key(w, "balancing");
    json_array_begin(w);
    for (unsigned i = 0; i < count && battery_has(b, BATTERY_BALANCING_ACTIVE); i++) {
        json_bool(w, (b->balancing_active_bits >> i & 1) != 0);
    }
    json_array_end(w);
}

static void write_limits(struct json_writer *w, const struct limits *l) {
    json_key(w, "limits");
    json_object_begin(w);
    json_key_bool(w, "valid", l->valid);
    key_fixed(w, "cvl_v", l->valid, l->cvl_mv, 3);
    key_fixed(w, "ccl_a", l->valid, l->ccl_ma, 3);
    key_fixed(w, "dcl_a", l->valid, l->dcl_ma, 3);
    json_key(w, "reason");
    json_object_begin(w);
    json_key_string(w, "cvl", limit_reason_text(l->cvl_reason));
    json_key_string(w, "ccl", limit_reason_text(l->ccl_reason));
    json_key_string(w, "dcl", limit_reason_text(l->dcl_reason));
    json_object_end(w);
    json_object_end(w);
}

static void write_active(struct json_writer *w, const char *key, const uint8_t *state) {
    json_key(w, key);
    json_array_begin(w);
    for (int i = 0; i < ALARM_COUNT; i++) {
        if (state[i] == ALARM_ACTIVE) {
            json_string(w, alarm_text((enum alarm_id)i));
        }
    }
    json_array_end(w);
}

static void write_state(struct json_writer *w, const struct gateway_snapshot *s) {
    json_key(w, "sample");
    json_object_begin(w);
    json_key_bool(w, "known", s->sample_known);
    key_age(w, "age_ms", s->sample_age_ms);
    json_key_int(w, "doubt_bits", s->doubt_bits);
    if (s->missing_register == BATTERY_NOTHING_MISSING) {
        json_key_null(w, "missing_register");
    } else {
        json_key_int(w, "missing_register", s->missing_register);
    }
    json_object_end(w);
    json_key_string(w, "stage", stage_text(s->stage));
    json_key_string(w, "stage_reason", stage_reason_text(s->stage_reason));
    write_limits(w, &s->limits);
    write_active(w, "alarms", s->alarms.alarm);
    write_active(w, "warnings", s->alarms.warning);
    json_key_bool(w, "online", s->alarms.online);
    json_key(w, "gx");
    json_object_begin(w);
    json_key_bool(w, "present", s->gx_present);
    json_key_bool(w, "victron", s->gx_is_victron);
    key_age(w, "last_keepalive_ms", s->gx_age_ms);
    json_object_end(w);
    json_key(w, "bms");
    json_object_begin(w);
    json_key_string(w, "link", tinybms_link_text(s->bms_link));
    json_key_bool(w, "link_poor", s->bms_link_poor);
    json_key_string(w, "cell_order", tinybms_cell_order_text(s->cell_order));
    key_fixed(w, "capacity_ah", battery_has(&s->battery, BATTERY_CAPACITY), s->battery.capacity_mah,
              3);
    key_fixed(w, "firmware", battery_has(&s->battery, BATTERY_INTERNAL_FIRMWARE),
              s->battery.internal_firmware, 0);
    json_object_end(w);
}

static void write_uart(struct json_writer *w, const struct tinybms_counters *c) {
    json_key(w, "uart");
    json_object_begin(w);
    json_key_int(w, "polls", c->polls);
    json_key_int(w, "success", c->successes);
    json_key_int(w, "errors", (int64_t)c->timeouts + c->crc_errors + c->nacks);
    json_key_int(w, "timeouts", c->timeouts);
    json_key_int(w, "crc_errors", c->crc_errors);
    json_key_int(w, "nacks", c->nacks);
    json_key_int(w, "retries", c->retries);
    json_key_int(w, "resyncs", c->resyncs);
    json_key_int(w, "nonsense_values", c->nonsense_values);
    json_key_int(w, "latency_last_ms", c->latency_last_ms);
    json_key_int(w, "latency_avg_ms", c->latency_mean_ms);
    json_key_int(w, "latency_p99_ms", c->latency_p99_ms);
    json_key_int(w, "rx_bytes", (int64_t)c->rx_bytes);
    json_key_int(w, "tx_bytes", (int64_t)c->tx_bytes);
    json_key_int(w, "discarded_bytes", (int64_t)c->discarded_bytes);
    json_object_end(w);
}

static void write_bus(struct json_writer *w, const struct bus_counters *c) {
    int64_t published = 0;
    for (int i = 0; i < BUS_TYPE_COUNT; i++) {
        published += c->published[i];
    }
    json_key(w, "eventbus");
    json_object_begin(w);
    json_key_int(w, "total_published", published);
    json_key_int(w, "queue_overruns", c->dropped);
    json_object_end(w);
}

static void write_can(struct json_writer *w, const struct gateway_snapshot *s,
                      const struct can_status *can) {
    const bool state = can->state != CAN_BUS_UNKNOWN;
    json_key(w, "can");
    json_object_begin(w);
    json_key_bool(w, "up", s->can_up);
    json_key_int(w, "tx_count", s->can.tx_count);
    json_key_int(w, "tx_errors", s->can.tx_errors);
    json_key_int(w, "rx_count", s->can.rx_count);
    json_key_int(w, "tx_late", s->victron.late);
    json_key_int(w, "rx_keepalive", s->victron.rx_keepalive);
    json_key_bool(w, "keepalive_ok", s->gx_present);
    json_key_int(w, "dropped", can->dropped);
    json_key_string(w, "state", state ? can_bus_state_text(can->state) : NULL);
    key_fixed(w, "bitrate", can->bitrate != 0, can->bitrate, 0);
    key_fixed(w, "restart_ms", can->restart_known, can->restart_ms, 0);
    key_fixed(w, "tx_error_counter", can->counters_known, can->tx_error_counter, 0);
    key_fixed(w, "rx_error_counter", can->counters_known, can->rx_error_counter, 0);
    json_key_int(w, "bus_off_count", can->bus_off_count);
    json_key_int(w, "restarts", can->restarts);
    json_object_end(w);
}

static void write_stats(struct json_writer *w, const struct gateway_snapshot *s,
                        const struct can_status *can) {
    json_key(w, "stats");
    json_object_begin(w);
    write_uart(w, &s->uart);
    write_can(w, s, can);
    json_key(w, "cvl");
    json_object_begin(w);
    json_key_string(w, "state", charge_state_text(s->charge_state));
    json_key_string(w, "reason", charge_reason_text(s->charge_reason));
    json_key_bool(w, "feed_in", s->feed_in);
    key_fixed(w, "cvl_voltage_v", s->limits.valid, s->limits.cvl_mv, 3);
    key_fixed(w, "ccl_limit_a", s->limits.valid, s->limits.ccl_ma, 3);
    key_fixed(w, "dcl_limit_a", s->limits.valid, s->limits.dcl_ma, 3);
    json_object_end(w);
    write_bus(w, &s->bus);
    json_key(w, "log");
    json_object_begin(w);
    json_key_int(w, "dropped", s->log_dropped);
    json_object_end(w);
    json_object_end(w);
}

/* Registers of one or two words that have been read. */
static void write_registers(struct json_writer *w, const struct tinybms_image *image) {
    json_key(w, "registers");
    json_array_begin(w);
    for (size_t i = 0; i < tinybms_registers_count; i++) {
        const struct tinybms_register *r = &tinybms_registers[i];
        uint32_t raw = 0;
        int64_t value = 0;
        if (r->words > 2 || !tinybms_image_get_raw(image, r->addr, r->words, &raw)) {
            continue;
        }
        enum battery_validity validity = tinybms_register_scale(r, raw, &value);
        json_object_begin(w);
        json_key_int(w, "address", r->addr);
        json_key_string(w, "name", r->name);
        key_fixed(w, "value", validity == BATTERY_VALID, value, r->decimals);
        if (r->unit[0] != '\0') {
            json_key_string(w, "unit", r->unit);
        }
        json_object_end(w);
    }
    json_array_end(w);
}

void status_json(struct json_writer *w, const struct gateway_snapshot *s,
                 const struct can_status *can) {
    json_object_begin(w);
    json_key_string(w, "version", TINYBMS_GW_VERSION_TEXT);
    json_key_int(w, "uptime_ms", (int64_t)s->uptime_ms);
    write_live(w, &s->battery);
    write_cells(w, &s->battery);
    write_state(w, s);
    write_stats(w, s, can);
    write_registers(w, &s->image);
    json_object_end(w);
}
