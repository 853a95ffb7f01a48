/* SPDX-License-Identifier: MIT */
/* Every setting is one row of settings_table: key, type, unit, range, default, whether it is secret
 * and whether it needs a restart. The rows drive the check of files and of --set, the JSON output,
 * the JSON Schema, the documentation, and later the web form and the ESP32's storage.
 *
 * A set of settings is changed as a whole or not at all: settings_parse() and settings_assign()
 * work on the caller's copy, and only settings_check() says that the copy may be used. */
#ifndef CORE_SETTINGS_SETTINGS_H
#define CORE_SETTINGS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "battery/curve.h"
#include "gw_err.h"
#include "json/json.h"

enum {
    SETTINGS_PATH_MAX = 107, /* fits sun_path and every device name */
    SETTINGS_TEXT_MAX = 64,
    SETTINGS_JSON_MAX = 65536, /* a larger file is refused unread */
};

enum settings_cell_order {
    SETTINGS_ORDER_AUTO,
    SETTINGS_ORDER_ASCENDING,
    SETTINGS_ORDER_DESCENDING
};
enum settings_can_mode { SETTINGS_CAN_NORMAL, SETTINGS_CAN_LOOPBACK, SETTINGS_CAN_LISTEN };
enum settings_bms_full { SETTINGS_FULL_AUTO, SETTINGS_FULL_REACH, SETTINGS_FULL_AVOID };
enum settings_feed_in { SETTINGS_FEED_IN_AUTO, SETTINGS_FEED_IN_ALWAYS, SETTINGS_FEED_IN_NEVER };
enum settings_log_level {
    SETTINGS_LOG_ERROR,
    SETTINGS_LOG_WARN,
    SETTINGS_LOG_INFO,
    SETTINGS_LOG_DEBUG
};

struct settings {
    struct {
        uint32_t cell_order;   /* enum settings_cell_order */
        uint32_t capacity_mah; /* battery.capacity_ah; 0: ask the BMS */
        uint32_t series_cells; /* 0: ask the BMS; else 4-16 */
    } battery;
    struct {
        struct {
            char device[SETTINGS_PATH_MAX + 1]; /* /dev/..., tcp://host:port, sim */
            uint32_t baudrate;
            uint32_t rx_pin, tx_pin; /* ESP32 only */
            uint32_t timeout_ms;
            bool invert_current;
        } uart;
        struct {
            char interface[SETTINGS_PATH_MAX + 1]; /* socketcan:IF, slcan:DEV, sim, none */
            uint32_t bitrate;
            uint32_t tx_pin, rx_pin; /* ESP32 only */
            bool termination;        /* ESP32 boards with a switchable terminator */
            uint32_t mode;           /* enum settings_can_mode */
        } can;
    } hardware;
    struct {
        uint32_t poll_interval_ms;
        uint32_t uart_retry_count;
        uint32_t uart_retry_delay_ms;
        uint32_t stale_close_ms, stale_zero_ms, stale_zero_discharge_ms, stale_silent_ms;
        bool low_power;
    } tinybms;
    struct {
        uint32_t pgn_update_interval_ms;
        uint32_t keepalive_timeout_ms;
        char manufacturer[8 + 1];
        char battery_name[16 + 1];
        char battery_family[8 + 1];
        uint32_t soh_when_unknown; /* % */
        struct {
            uint32_t overvoltage_mv,
                undervoltage_mv; /* ..._v: pack; 0: the BMS's cell cut-offs alone */
            int32_t overtemp_dc, low_temp_charge_dc; /* ..._c; 0: from the BMS */
            uint32_t imbalance_warn_mv, imbalance_alarm_mv;
            uint32_t soc_low_percent, soc_high_percent;
        } thresholds;
    } victron;
    struct { /* what each does: core/policy/limit_config.h; SOC in %, ..._v in mV, ..._a in mA */
        bool enabled;
        uint32_t bms_full;        /* enum settings_bms_full */
        uint32_t feed_in;         /* enum settings_feed_in */
        uint32_t bulk_voltage_mv; /* of the pack; 0: register 300 x cells */
        uint32_t margin_mv;
        uint32_t cell_guard_mv;
        uint32_t update_interval_ms, step_mv;
        uint32_t bulk_soc_threshold, transition_soc_threshold;
        uint32_t float_soc_threshold, float_exit_soc;
        uint32_t float_approach_offset_mv, float_approach_offset_cell_mv;
        uint32_t float_offset_mv, float_offset_cell_mv;
        uint32_t imbalance_hold_threshold_mv, imbalance_release_threshold_mv;
        uint32_t imbalance_drop_dmv_per_mv; /* 0.1 mV of the pack for each mV over the threshold */
        uint32_t imbalance_drop_max_mv;
        uint32_t minimum_ccl_in_float_ma;
        uint32_t sustain_soc_entry_percent, sustain_soc_exit_percent;
        uint32_t sustain_ccl_limit_ma, sustain_dcl_limit_ma;
    } cvl;
    struct {
        uint32_t ccl_max_ma, dcl_max_ma; /* 0: none */
        char charge_temperature_curve[CURVE_TEXT_MAX + 1];
        char discharge_temperature_curve[CURVE_TEXT_MAX + 1];
    } limits;
    struct {
        uint32_t level; /* enum settings_log_level */
    } logging;
    struct {
        char dir[SETTINGS_PATH_MAX + 1]; /* empty: the port's default */
    } storage;
    struct {
        char control_socket[SETTINGS_PATH_MAX + 1]; /* empty: the port's default */
    } advanced;
};

enum settings_type {
    SETTINGS_BOOL,    /* bool */
    SETTINGS_UINT,    /* uint32_t */
    SETTINGS_DECIMAL, /* int32_t, or a uint32_t that never exceeds it */
    SETTINGS_ENUM,    /* uint32_t, an index into choices */
    SETTINGS_STRING   /* char[capacity], NUL-terminated */
};

struct settings_row {
    const char *key; /* dotted */
    enum settings_type type;
    uint16_t offset;            /* into struct settings */
    uint16_t capacity;          /* SETTINGS_STRING: bytes with the NUL */
    uint8_t decimals;           /* SETTINGS_DECIMAL: stored in 10^-decimals units */
    const char *unit;           /* as in the key, for people; "" without one */
    int64_t min, max;           /* in stored units; SETTINGS_STRING: length */
    int64_t preset;             /* default, in stored units */
    const char *text_preset;    /* SETTINGS_STRING */
    const char *const *choices; /* SETTINGS_ENUM: NULL-terminated, index is the stored value */
    const uint32_t *values;     /* SETTINGS_UINT: if not NULL, 0-terminated, nothing else is good */
    bool or_zero;               /* 0 is allowed too, below min, and means "automatic" */
    bool secret, restart;
    const char *help; /* one English sentence */
};

extern const struct settings_row settings_table[];
extern const size_t settings_table_rows;

/* Why a set was refused, for people: names the key (for malformed JSON the section around it) and,
 * where there is one, the value and what is allowed. The place in a file is in line and column
 * alone, for the caller to put before the text: "config.json:3:21: ...". */
struct settings_error {
    int err; /* GW_ERR_SYNTAX, _UNKNOWN, _TYPE, _RANGE, _CONFLICT, _SPACE */
    char key[64];
    uint32_t line, column; /* 0 when not from a file */
    char text[256];        /* "tinybms.poll_interval_ms: 5 is out of range 20 to 2000 ms"; printable
                              ASCII whatever was given */
};

void settings_defaults(struct settings *s);

/* Reads a JSON object, nested or with dotted keys, over what *s holds; the founding names
 * cvl_algorithm and web_server are read as cvl and webserver. A key given twice, in whatever
 * spelling, is refused. n over SETTINGS_JSON_MAX is GW_ERR_SPACE. 0 or a negative error with *e
 * filled; on error *s is unchanged. About 3 KB of stack. */
int settings_parse(struct settings *s, const char *json, size_t n, struct settings_error *e);

/* One key=value of the command line, the value as the row's type has it: true or false, a number,
 * one of the words, or the text as it stands. Same errors; on error *s is unchanged. */
int settings_assign(struct settings *s, const char *assignment, struct settings_error *e);

/* Rules between settings (ages in order, link forms, names). Ranges were checked at parse. 0,
 * GW_ERR_RANGE or GW_ERR_CONFLICT with *e filled. */
int settings_check(const struct settings *s, struct settings_error *e);

/* The effective settings as nested JSON, secrets as "********" (which, read back, changes nothing).
 * Bytes or GW_ERR_SPACE. */
int settings_print(const struct settings *s, char *buf, size_t cap);

/* JSON Schema (2020-12) of a settings file, in its nested form. Bytes or GW_ERR_SPACE. */
int settings_schema(char *buf, size_t cap);

/* True where a and b differ in a row that needs a restart; *key is set to the first such key. */
bool settings_needs_restart(const struct settings *a, const struct settings *b, const char **key);

#endif
