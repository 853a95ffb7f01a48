/* SPDX-License-Identifier: MIT */
#include "gateway/configs.h"

#include <string.h>

struct tinybms_config gateway_bms_config(const struct settings *s) {
    static const enum tinybms_cell_order order[] = {
        [SETTINGS_ORDER_AUTO] = TINYBMS_ORDER_AUTO,
        [SETTINGS_ORDER_ASCENDING] = TINYBMS_ORDER_ASCENDING,
        [SETTINGS_ORDER_DESCENDING] = TINYBMS_ORDER_DESCENDING,
    };
    return (struct tinybms_config){
        .baudrate = s->hardware.uart.baudrate,
        .timeout_ms = s->hardware.uart.timeout_ms,
        .poll_interval_ms = s->tinybms.poll_interval_ms,
        .retry_count = s->tinybms.uart_retry_count,
        .retry_delay_ms = s->tinybms.uart_retry_delay_ms,
        .cell_order = order[s->battery.cell_order],
        .series_cells = (uint8_t)s->battery.series_cells,
        .capacity_mah = s->battery.capacity_mah,
        .invert_current = s->hardware.uart.invert_current,
    };
}

static uint16_t in_cpct(uint32_t percent) {
    return (uint16_t)(percent * 100);
}

static struct limit_config limit_config(const struct settings *s) {
    static const enum bms_full full[] = {[SETTINGS_FULL_AUTO] = BMS_FULL_AUTO,
                                         [SETTINGS_FULL_REACH] = BMS_FULL_REACH,
                                         [SETTINGS_FULL_AVOID] = BMS_FULL_AVOID};
    static const enum feed_in feed_in[] = {[SETTINGS_FEED_IN_AUTO] = FEED_IN_AUTO,
                                           [SETTINGS_FEED_IN_ALWAYS] = FEED_IN_ALWAYS,
                                           [SETTINGS_FEED_IN_NEVER] = FEED_IN_NEVER};
    struct limit_config c = {
        .states = s->cvl.enabled,
        .bms_full = full[s->cvl.bms_full],
        .feed_in = feed_in[s->cvl.feed_in],
        .bulk_mv = s->cvl.bulk_voltage_mv,
        .margin_mv = s->cvl.margin_mv,
        .cell_guard_mv = s->cvl.cell_guard_mv,
        .update_interval_ms = s->cvl.update_interval_ms,
        .step_mv = s->cvl.step_mv,
        .bulk_soc_cpct = in_cpct(s->cvl.bulk_soc_threshold),
        .transition_soc_cpct = in_cpct(s->cvl.transition_soc_threshold),
        .float_soc_cpct = in_cpct(s->cvl.float_soc_threshold),
        .float_exit_cpct = in_cpct(s->cvl.float_exit_soc),
        .float_approach_offset_mv = s->cvl.float_approach_offset_mv,
        .float_approach_offset_cell_mv = s->cvl.float_approach_offset_cell_mv,
        .float_offset_mv = s->cvl.float_offset_mv,
        .float_offset_cell_mv = s->cvl.float_offset_cell_mv,
        .imbalance_hold_mv = s->cvl.imbalance_hold_threshold_mv,
        .imbalance_release_mv = s->cvl.imbalance_release_threshold_mv,
        .imbalance_drop_uv_per_mv = s->cvl.imbalance_drop_dmv_per_mv * 100,
        .imbalance_drop_max_mv = s->cvl.imbalance_drop_max_mv,
        .float_ccl_ma = s->cvl.minimum_ccl_in_float_ma,
        .sustain_entry_cpct = in_cpct(s->cvl.sustain_soc_entry_percent),
        .sustain_exit_cpct = in_cpct(s->cvl.sustain_soc_exit_percent),
        .sustain_ccl_ma = s->cvl.sustain_ccl_limit_ma,
        .sustain_dcl_ma = s->cvl.sustain_dcl_limit_ma,
        .ccl_max_ma = s->limits.ccl_max_ma,
        .dcl_max_ma = s->limits.dcl_max_ma,
    };
    /* checked with the settings; one that is not leaves everything */
    (void)curve_parse(&c.charge_curve, s->limits.charge_temperature_curve);
    (void)curve_parse(&c.discharge_curve, s->limits.discharge_temperature_curve);
    return c;
}

struct policy_config gateway_policy_config(const struct settings *s) {
    return (struct policy_config){
        .limit = limit_config(s),
        .sample_interval_ms = s->tinybms.poll_interval_ms,
        .low_power = s->tinybms.low_power,
        .stage = {.close_ms = s->tinybms.stale_close_ms,
                  .zero_ms = s->tinybms.stale_zero_ms,
                  .zero_discharge_ms = s->tinybms.stale_zero_discharge_ms,
                  .silent_ms = s->tinybms.stale_silent_ms},
        .alarm = {.pack_over_voltage_mv = s->victron.thresholds.overvoltage_mv,
                  .pack_under_voltage_mv = s->victron.thresholds.undervoltage_mv,
                  .over_temperature_dc = s->victron.thresholds.overtemp_dc,
                  .low_temperature_charge_dc = s->victron.thresholds.low_temp_charge_dc,
                  .imbalance_warning_mv = s->victron.thresholds.imbalance_warn_mv,
                  .imbalance_alarm_mv = s->victron.thresholds.imbalance_alarm_mv,
                  .soc_low_percent = s->victron.thresholds.soc_low_percent,
                  .soc_high_percent = s->victron.thresholds.soc_high_percent},
    };
}

struct victron_config gateway_victron_config(const struct settings *s) {
    struct victron_config c = {
        .period_ms = s->victron.pgn_update_interval_ms,
        .keepalive_timeout_ms = s->victron.keepalive_timeout_ms,
        .soh_when_unknown = (uint8_t)s->victron.soh_when_unknown,
    };
    _Static_assert(sizeof c.manufacturer == sizeof s->victron.manufacturer, "manufacturer");
    _Static_assert(sizeof c.battery_name == sizeof s->victron.battery_name, "battery_name");
    _Static_assert(sizeof c.battery_family == sizeof s->victron.battery_family, "battery_family");
    memcpy(c.manufacturer, s->victron.manufacturer, sizeof c.manufacturer);
    memcpy(c.battery_name, s->victron.battery_name, sizeof c.battery_name);
    memcpy(c.battery_family, s->victron.battery_family, sizeof c.battery_family);
    return c;
}
