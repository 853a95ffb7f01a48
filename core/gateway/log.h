/* SPDX-License-Identifier: MIT */
/* What the core has to say, without text: a record is a row number of log_table and up to four
 * numbers. The battery path only stores records; the port writes them out when it has time. */
#ifndef CORE_GATEWAY_LOG_H
#define CORE_GATEWAY_LOG_H

#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

enum log_id {
    LOG_GATEWAY_STARTED,
    LOG_CONFIG_APPLIED,
    LOG_BMS_LINK,
    LOG_BMS_LINK_POOR,
    LOG_BMS_LINK_GOOD,
    LOG_PACK,
    LOG_CELL_ORDER,
    LOG_BROADCAST_ON,
    LOG_DOUBT,
    LOG_INCOMPLETE,
    LOG_TRUSTED,
    LOG_STAGE,
    LOG_STAGE_OPEN,
    LOG_CHARGE,
    LOG_CVL,
    LOG_CCL,
    LOG_DCL,
    LOG_ALARM_ON,
    LOG_ALARM_OFF,
    LOG_WARNING_ON,
    LOG_WARNING_OFF,
    LOG_CAN_UP,
    LOG_CAN_DOWN,
    LOG_CAN_SENDING,
    LOG_CAN_SILENT,
    LOG_GX_PRESENT,
    LOG_GX_ABSENT,
    LOG_GX_GONE,
    LOG_COMMAND,
    LOG_OVERSLEPT,
    LOG_SERVICES_STILL,
    LOG_SERVICES_MOVE,
    LOG_DROPPED,
    LOG_ID_COUNT
};

enum { LOG_FIELDS_MAX = 4 };

struct log_record {
    uint64_t at_ms; /* monotonic */
    enum log_id id;
    int32_t value[LOG_FIELDS_MAX];
};

/* How a number of a record is shown. */
enum log_format {
    LOG_NONE,
    LOG_INT,
    LOG_HEX,
    LOG_MV_AS_V, /* 58100 -> 58.100 */
    LOG_MA_AS_A,
    LOG_STAGE_NAME,
    LOG_STAGE_REASON,
    LOG_CHARGE_STATE,
    LOG_CHARGE_REASON,
    LOG_LIMIT_REASON,
    LOG_ALARM_NAME,
    LOG_LINK_NAME,
    LOG_ORDER_NAME,
    LOG_STATUS_NAME,
    LOG_ERR_TEXT,
};

struct log_row {
    enum log_level level;
    const char *module;
    const char *text;
    struct {
        const char *key;
        enum log_format format;
    } field[LOG_FIELDS_MAX];
};

extern const struct log_row log_table[LOG_ID_COUNT];

/* "text key=value key=value" without level, module or time, into buf (NUL-terminated, cut when too
 * small). Returns the length. */
size_t log_render(const struct log_record *r, char *buf, size_t cap);
const char *log_level_text(enum log_level l); /* "ERROR", "WARN", "INFO", "DEBUG" */

#endif
