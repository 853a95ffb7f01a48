/* SPDX-License-Identifier: MIT */
/* The settings, one row each. Rows of one section stand together: the order here is the order of
 * the printed configuration, the schema and the documentation. */
#include <stddef.h>

#include "settings/settings.h"

/* The place of a member, refused by the compiler when its type is not the one of the row. */
#define PLACE(member, ...)                                                                         \
    .offset = (uint16_t)(offsetof(struct settings, member) +                                       \
                         _Generic(((struct settings *)0)->member, __VA_ARGS__))
#define BOOL(member)    .type = SETTINGS_BOOL, PLACE(member, bool : 0u), .max = 1, .unit = ""
#define UINT(member)    .type = SETTINGS_UINT, PLACE(member, uint32_t : 0u)
#define DECIMAL(member) .type = SETTINGS_DECIMAL, PLACE(member, uint32_t : 0u, int32_t : 0u)
#define ENUM(member, words)                                                                        \
    .type = SETTINGS_ENUM, PLACE(member, uint32_t : 0u), .choices = (words), .unit = "",           \
    .max = sizeof(words) / sizeof((words)[0]) - 2
#define STRING(member)                                                                             \
    .type = SETTINGS_STRING, .offset = (uint16_t)offsetof(struct settings, member), .unit = "",    \
    .capacity = sizeof(((struct settings *)0)->member),                                            \
    .max = sizeof(((struct settings *)0)->member) - 1

static const char *const cell_orders[] = {
    [SETTINGS_ORDER_AUTO] = "auto",
    [SETTINGS_ORDER_ASCENDING] = "ascending",
    [SETTINGS_ORDER_DESCENDING] = "descending",
    NULL,
};

static const char *const can_modes[] = {
    [SETTINGS_CAN_NORMAL] = "normal",
    [SETTINGS_CAN_LOOPBACK] = "loopback",
    [SETTINGS_CAN_LISTEN] = "listen",
    NULL,
};

static const char *const bms_fulls[] = {
    [SETTINGS_FULL_AUTO] = "auto",
    [SETTINGS_FULL_REACH] = "reach",
    [SETTINGS_FULL_AVOID] = "avoid",
    NULL,
};

static const char *const feed_ins[] = {
    [SETTINGS_FEED_IN_AUTO] = "auto",
    [SETTINGS_FEED_IN_ALWAYS] = "always",
    [SETTINGS_FEED_IN_NEVER] = "never",
    NULL,
};

static const char *const log_levels[] = {
    [SETTINGS_LOG_ERROR] = "error",
    [SETTINGS_LOG_WARN] = "warn",
    [SETTINGS_LOG_INFO] = "info",
    [SETTINGS_LOG_DEBUG] = "debug",
    NULL,
};

/* What CAN controllers and SLCAN adapters (S0 to S8) have in common. */
static const uint32_t can_bitrates[] = {10000,  20000,  50000,  100000,  125000,
                                        250000, 500000, 800000, 1000000, 0};

/* clang-format off */
const struct settings_row settings_table[] = {
    {.key = "battery.cell_order", ENUM(battery.cell_order, cell_orders), .preset = SETTINGS_ORDER_AUTO,
     .help = "Which way registers 0 to 15 count the cells; auto finds out with fewer than 16 cells and takes ascending with 16."},
    {.key = "battery.capacity_ah", DECIMAL(battery.capacity_mah), .decimals = 3, .unit = "Ah",
     .min = 100, .max = 6550000, .or_zero = true,
     .help = "Capacity of the pack; 0 takes the one set in the BMS (register 306)."},
    {.key = "battery.series_cells", UINT(battery.series_cells), .unit = "cells",
     .min = 4, .max = 16, .or_zero = true,
     .help = "Cells in series; 0 takes the number that the BMS has detected."},

    {.key = "hardware.uart.device", STRING(hardware.uart.device), .min = 1, .text_preset = "/dev/ttyUSB0",
     .help = "Where the BMS answers: an absolute path to a serial device, tcp://host:port of a serial server, or sim for a simulated battery."},
    {.key = "hardware.uart.baudrate", UINT(hardware.uart.baudrate), .unit = "baud",
     .min = 1200, .max = 4000000, .preset = 115200,
     .help = "Speed of the serial line; a TinyBMS speaks 115200 and cannot be told otherwise."},
    {.key = "hardware.uart.rx_pin", UINT(hardware.uart.rx_pin), .unit = "",
     .max = 48, .preset = 16, .restart = true,
     .help = "GPIO that receives from the BMS, on an ESP32 only."},
    {.key = "hardware.uart.tx_pin", UINT(hardware.uart.tx_pin), .unit = "",
     .max = 48, .preset = 17, .restart = true,
     .help = "GPIO that sends to the BMS, on an ESP32 only."},
    {.key = "hardware.uart.timeout_ms", UINT(hardware.uart.timeout_ms), .unit = "ms",
     .min = 10, .max = 500, .preset = 100,
     .help = "How long an answer of the BMS may take beyond its time on the wire."},
    {.key = "hardware.uart.invert_current", BOOL(hardware.uart.invert_current),
     .help = "Turns the sign of the pack current, for a BMS whose current sensor is mounted the wrong way round."},

    {.key = "hardware.can.interface", STRING(hardware.can.interface), .min = 1, .text_preset = "socketcan:can0",
     .help = "Where the GX listens: socketcan:IFNAME, slcan:/absolute/path of a serial adapter, sim for a virtual GX, or none."},
    {.key = "hardware.can.bitrate", UINT(hardware.can.bitrate), .unit = "bit/s",
     .min = 10000, .max = 1000000, .preset = 500000, .values = can_bitrates,
     .help = "Bit rate of the CAN bus; a GX's BMS-Can port has 500000, and socketcan interfaces keep the rate that the system gave them."},
    {.key = "hardware.can.tx_pin", UINT(hardware.can.tx_pin), .unit = "",
     .max = 48, .preset = 4, .restart = true,
     .help = "GPIO that sends to the CAN transceiver, on an ESP32 only."},
    {.key = "hardware.can.rx_pin", UINT(hardware.can.rx_pin), .unit = "",
     .max = 48, .preset = 5, .restart = true,
     .help = "GPIO that receives from the CAN transceiver, on an ESP32 only."},
    {.key = "hardware.can.termination", BOOL(hardware.can.termination),
     .help = "Switches the 120 ohm terminator on, on ESP32 boards that have one to switch."},
    {.key = "hardware.can.mode", ENUM(hardware.can.mode, can_modes), .preset = SETTINGS_CAN_NORMAL,
     .help = "normal takes part in the bus, loopback hears only itself, listen sends nothing at all."},

    {.key = "tinybms.poll_interval_ms", UINT(tinybms.poll_interval_ms), .unit = "ms",
     .min = 20, .max = 2000, .preset = 100,
     .help = "How often the live values are read; the BMS measures every 100 ms, so faster brings nothing new."},
    {.key = "tinybms.uart_retry_count", UINT(tinybms.uart_retry_count), .unit = "",
     .max = 10, .preset = 3,
     .help = "How often a command without a good answer is repeated before it counts as failed."},
    {.key = "tinybms.uart_retry_delay_ms", UINT(tinybms.uart_retry_delay_ms), .unit = "ms",
     .max = 400, .preset = 20,
     .help = "Pause before a command is repeated."},
    {.key = "tinybms.stale_close_ms", UINT(tinybms.stale_close_ms), .unit = "ms",
     .min = 2000, .max = 30000, .preset = 5000,
     .help = "Age of the last good sample from which the charge and discharge limits close gradually."},
    {.key = "tinybms.stale_zero_ms", UINT(tinybms.stale_zero_ms), .unit = "ms",
     .min = 5000, .max = 120000, .preset = 15000,
     .help = "Age of the last good sample from which charging is forbidden and the BMS is reported offline."},
    {.key = "tinybms.stale_zero_discharge_ms", UINT(tinybms.stale_zero_discharge_ms), .unit = "ms",
     .min = 5000, .max = 120000, .preset = 30000,
     .help = "Age of the last good sample from which discharging is forbidden too, which switches an off-grid inverter off."},
    {.key = "tinybms.stale_silent_ms", UINT(tinybms.stale_silent_ms), .unit = "ms",
     .min = 10000, .max = 600000, .preset = 60000,
     .help = "Age of the last good sample from which nothing is sent any more, so that the GX sees the battery as lost."},
    {.key = "tinybms.low_power", BOOL(tinybms.low_power),
     .help = "Lets the BMS sleep when there is no GX and the battery was idle for 10 minutes; polling keeps it awake."},

    {.key = "victron.pgn_update_interval_ms", UINT(victron.pgn_update_interval_ms), .unit = "ms",
     .min = 200, .max = 1000, .preset = 1000,
     .help = "Period of the CAN messages to the GX, which stops charging when none came for 3 s."},
    {.key = "victron.keepalive_timeout_ms", UINT(victron.keepalive_timeout_ms), .unit = "ms",
     .min = 2000, .max = 600000, .preset = 10000,
     .help = "How long after its last keep-alive message (0x305, every second) a GX counts as present."},
    {.key = "victron.manufacturer", STRING(victron.manufacturer), .min = 1, .text_preset = "TinyBMS",
     .help = "Manufacturer shown by the GX, 7-bit ASCII; not the name of a maker that a GX treats specially."},
    {.key = "victron.battery_name", STRING(victron.battery_name), .text_preset = "",
     .help = "Name shown by the GX in place of the manufacturer, 7-bit ASCII; empty for none."},
    {.key = "victron.battery_family", STRING(victron.battery_family), .text_preset = "TinyBMS",
     .help = "Battery family sent to the GX, 7-bit ASCII; empty for none."},
    {.key = "victron.soh_when_unknown", UINT(victron.soh_when_unknown), .unit = "%",
     .min = 1, .max = 100, .preset = 100,
     .help = "State of health sent while the BMS does not know it."},

    {.key = "victron.thresholds.overvoltage_v", DECIMAL(victron.thresholds.overvoltage_mv), .decimals = 3, .unit = "V",
     .min = 8000, .max = 80000, .or_zero = true,
     .help = "Pack voltage at which the GX gets a high voltage alarm, beside the BMS's own limit for each cell; 0 leaves it to that alone."},
    {.key = "victron.thresholds.undervoltage_v", DECIMAL(victron.thresholds.undervoltage_mv), .decimals = 3, .unit = "V",
     .min = 8000, .max = 80000, .or_zero = true,
     .help = "Pack voltage at which the GX gets a low voltage alarm, beside the BMS's own limit for each cell; 0 leaves it to that alone."},
    {.key = "victron.thresholds.overtemp_c", DECIMAL(victron.thresholds.overtemp_dc), .decimals = 1, .unit = "degC",
     .min = 200, .max = 900, .or_zero = true,
     .help = "Temperature at which the GX gets a high temperature alarm; 0 takes the BMS's own limit (register 319)."},
    {.key = "victron.thresholds.low_temp_charge_c", DECIMAL(victron.thresholds.low_temp_charge_dc), .decimals = 1, .unit = "degC",
     .min = -400, .max = 100, .or_zero = true,
     .help = "Temperature below which the GX gets a low temperature charge alarm; 0 takes the BMS's own limit (register 320)."},
    {.key = "victron.thresholds.imbalance_warn_mv", UINT(victron.thresholds.imbalance_warn_mv), .unit = "mV",
     .min = 10, .max = 1000, .preset = 100,
     .help = "Difference between the highest and the lowest cell at which the GX gets a warning."},
    {.key = "victron.thresholds.imbalance_alarm_mv", UINT(victron.thresholds.imbalance_alarm_mv), .unit = "mV",
     .min = 10, .max = 2000, .preset = 200,
     .help = "Difference between the highest and the lowest cell at which the GX gets an alarm."},
    {.key = "victron.thresholds.soc_low_percent", UINT(victron.thresholds.soc_low_percent), .unit = "%",
     .max = 99, .preset = 10,
     .help = "State of charge below which the GX gets a low battery warning; 0 never warns."},
    {.key = "victron.thresholds.soc_high_percent", UINT(victron.thresholds.soc_high_percent), .unit = "%",
     .min = 1, .max = 100, .preset = 100,
     .help = "State of charge above which the GX gets a high battery warning; 100 never warns."},

    {.key = "cvl.enabled", BOOL(cvl.enabled), .preset = 1,
     .help = "The six states of a charge; without them bulk voltage and protection alone decide."},
    {.key = "cvl.bms_full", ENUM(cvl.bms_full, bms_fulls), .preset = SETTINGS_FULL_AUTO,
     .help = "Whether the BMS is to come to fully charged by itself: auto in dual port, not in single port, where one cell at register 300 disconnects the inverter."},
    {.key = "cvl.feed_in", ENUM(cvl.feed_in, feed_ins), .preset = SETTINGS_FEED_IN_AUTO,
     .help = "Room for the 0.4 V that solar chargers run higher while feeding the grid: auto always in single port, else when seen."},
    {.key = "cvl.bulk_voltage_v", DECIMAL(cvl.bulk_voltage_mv), .decimals = 3, .unit = "V",
     .min = 8000, .max = 80000, .or_zero = true,
     .help = "Charge voltage limit of the pack in bulk; 0, and at most, register 300 times the cells."},
    {.key = "cvl.margin_mv", UINT(cvl.margin_mv), .unit = "mV",
     .max = 5000,
     .help = "Taken off the charge voltage limit of the whole pack (register 300 times the cells), for chargers that overshoot."},
    {.key = "cvl.cell_guard_mv", UINT(cvl.cell_guard_mv), .unit = "mV",
     .min = 10, .max = 200, .preset = 20,
     .help = "How far under register 300 the highest cell waits at least; more where loads that are switched off make cells jump."},
    {.key = "cvl.update_interval_ms", UINT(cvl.update_interval_ms), .unit = "ms",
     .min = 20000, .max = 600000, .preset = 20000,
     .help = "Time between steps of the charge voltage limit that no protection asks for."},
    {.key = "cvl.step_mv", UINT(cvl.step_mv), .unit = "mV",
     .min = 100, .max = 1000, .preset = 200,
     .help = "Largest step of the charge voltage limit that no protection asks for."},
    {.key = "cvl.bulk_soc_threshold", UINT(cvl.bulk_soc_threshold), .unit = "%",
     .min = 10, .max = 98, .preset = 80,
     .help = "State of charge under which transition becomes bulk again."},
    {.key = "cvl.transition_soc_threshold", UINT(cvl.transition_soc_threshold), .unit = "%",
     .min = 11, .max = 99, .preset = 85,
     .help = "State of charge at which bulk becomes transition."},
    {.key = "cvl.float_soc_threshold", UINT(cvl.float_soc_threshold), .unit = "%",
     .min = 12, .max = 100, .preset = 95,
     .help = "State of charge at which float is approached; a highest cell at its target does that too."},
    {.key = "cvl.float_exit_soc", UINT(cvl.float_exit_soc), .unit = "%",
     .min = 10, .max = 99, .preset = 92,
     .help = "State of charge under which float ends once 3 % are gone; a falling voltage ends it too."},
    {.key = "cvl.float_approach_offset_mv", UINT(cvl.float_approach_offset_mv), .unit = "mV",
     .max = 2000, .preset = 50,
     .help = "Float approach: taken off the voltage of the pack."},
    {.key = "cvl.float_approach_offset_cell_mv", UINT(cvl.float_approach_offset_cell_mv), .unit = "mV",
     .max = 100,
     .help = "Float approach: taken off for each cell besides."},
    {.key = "cvl.float_offset_mv", UINT(cvl.float_offset_mv), .unit = "mV",
     .max = 5000, .preset = 100,
     .help = "Float: taken off the voltage of the pack."},
    {.key = "cvl.float_offset_cell_mv", UINT(cvl.float_offset_cell_mv), .unit = "mV",
     .max = 250,
     .help = "Float: taken off for each cell besides."},
    {.key = "cvl.imbalance_hold_threshold_mv", UINT(cvl.imbalance_hold_threshold_mv), .unit = "mV",
     .min = 10, .max = 500, .preset = 50,
     .help = "Difference of highest and lowest cell near the top at which imbalance hold begins."},
    {.key = "cvl.imbalance_release_threshold_mv", UINT(cvl.imbalance_release_threshold_mv), .unit = "mV",
     .min = 5, .max = 499, .preset = 20,
     .help = "Difference of highest and lowest cell under which imbalance hold ends."},
    {.key = "cvl.imbalance_drop_per_mv", DECIMAL(cvl.imbalance_drop_dmv_per_mv), .decimals = 4, .unit = "V",
     .max = 100, .preset = 5,
     .help = "Imbalance hold: taken off the pack for each mV over the threshold."},
    {.key = "cvl.imbalance_drop_max_v", DECIMAL(cvl.imbalance_drop_max_mv), .decimals = 3, .unit = "V",
     .max = 5000, .preset = 2000,
     .help = "Imbalance hold: the most that is taken off."},
    {.key = "cvl.minimum_ccl_in_float_a", DECIMAL(cvl.minimum_ccl_in_float_ma), .decimals = 3, .unit = "A",
     .min = 500, .max = 500000, .preset = 5000,
     .help = "Float: the charge current limit."},
    {.key = "cvl.sustain_soc_entry_percent", UINT(cvl.sustain_soc_entry_percent), .unit = "%",
     .max = 49, .preset = 5,
     .help = "State of charge at which sustain begins if the lowest cell is under register 301 + 100 mV as well."},
    {.key = "cvl.sustain_soc_exit_percent", UINT(cvl.sustain_soc_exit_percent), .unit = "%",
     .min = 1, .max = 50, .preset = 8,
     .help = "State of charge at which sustain ends if that cell is over + 100 mV; at + 200 mV it always ends."},
    {.key = "cvl.sustain_ccl_limit_a", DECIMAL(cvl.sustain_ccl_limit_ma), .decimals = 3, .unit = "A",
     .min = 500, .max = 500000, .preset = 5000,
     .help = "Sustain: the charge current limit."},
    {.key = "cvl.sustain_dcl_limit_a", DECIMAL(cvl.sustain_dcl_limit_ma), .decimals = 3, .unit = "A",
     .min = 500, .max = 500000, .preset = 5000,
     .help = "Sustain: the discharge current limit."},

    {.key = "limits.ccl_max_a", DECIMAL(limits.ccl_max_ma), .decimals = 3, .unit = "A",
     .min = 500, .max = 1000000, .or_zero = true,
     .help = "Most that may be charged; 0 leaves it to nine tenths of register 318."},
    {.key = "limits.dcl_max_a", DECIMAL(limits.dcl_max_ma), .decimals = 3, .unit = "A",
     .min = 500, .max = 1000000, .or_zero = true,
     .help = "Most that may be discharged; 0 leaves it to nine tenths of register 317."},
    {.key = "limits.charge_temperature_curve", STRING(limits.charge_temperature_curve), .min = 1,
     .text_preset = "0:0 5:50 8:100 45:100 55:0",
     .help = "What temperature leaves of the charge current limit: points degC:percent; the preset is for LFP."},
    {.key = "limits.discharge_temperature_curve", STRING(limits.discharge_temperature_curve), .min = 1,
     .text_preset = "-20:10 -10:50 0:100 50:100 60:10",
     .help = "What temperature leaves of the discharge current limit; 0 % switches an off-grid inverter off."},

    {.key = "logging.level", ENUM(logging.level, log_levels), .preset = SETTINGS_LOG_INFO,
     .help = "The least important kind of message that is still logged."},

    {.key = "storage.dir", STRING(storage.dir), .text_preset = "", .restart = true,
     .help = "Absolute path of the directory for everything that must outlive a restart; empty takes the system's usual place."},

    {.key = "advanced.control_socket", STRING(advanced.control_socket), .text_preset = "", .restart = true,
     .help = "Absolute path of the socket on which the running gateway answers; empty takes the system's usual place."},
};
/* clang-format on */

const size_t settings_table_rows = sizeof settings_table / sizeof settings_table[0];
