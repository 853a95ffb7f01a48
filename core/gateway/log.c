/* SPDX-License-Identifier: MIT */
/* The words of the log: one row per thing the core can say. */
#include "gateway/log.h"

#include "battery/alarms.h"
#include "battery/battery.h"
#include "battery/limits.h"
#include "gw_err.h"
#include "policy/charge_state.h"
#include "policy/stage.h"
#include "tinybms/tinybms.h"
#include "json/text.h"

/* clang-format off */
const struct log_row log_table[LOG_ID_COUNT] = {
    [LOG_GATEWAY_STARTED] = {LOG_INFO,  "gateway", "started", {{"poll_ms", LOG_INT}, {"frame_period_ms", LOG_INT}}},
    [LOG_CONFIG_APPLIED]  = {LOG_INFO,  "gateway", "new configuration in force", {{0}}},
    [LOG_BMS_LINK]        = {LOG_INFO,  "tinybms", "link", {{"from", LOG_LINK_NAME}, {"to", LOG_LINK_NAME}}},
    [LOG_BMS_LINK_POOR]   = {LOG_WARN,  "tinybms", "answers less than half of the time, check cable and UART adapter", {{"polls", LOG_INT}, {"answered", LOG_INT}}},
    [LOG_BMS_LINK_GOOD]   = {LOG_INFO,  "tinybms", "answers again", {{"polls", LOG_INT}, {"answered", LOG_INT}}},
    [LOG_PACK]            = {LOG_INFO,  "tinybms", "first complete sample", {{"cells", LOG_INT}, {"pack_v", LOG_MV_AS_V}, {"soc_cpct", LOG_INT}, {"status", LOG_STATUS_NAME}}},
    [LOG_CELL_ORDER]      = {LOG_INFO,  "tinybms", "cell order", {{"order", LOG_ORDER_NAME}}},
    [LOG_BROADCAST_ON]    = {LOG_WARN,  "tinybms", "the BMS sends unasked messages, set register 342 (broadcast time) to 0", {{"broadcast_time", LOG_INT}}},
    [LOG_DOUBT]           = {LOG_WARN,  "policy",  "sample refused as implausible", {{"doubt_bits", LOG_HEX}, {"refused_so_far", LOG_INT}}},
    [LOG_INCOMPLETE]      = {LOG_WARN,  "policy",  "sample refused: a register has no plausible value", {{"register", LOG_INT}, {"refused_so_far", LOG_INT}}},
    [LOG_TRUSTED]         = {LOG_INFO,  "policy",  "samples plausible again", {{"refused_so_far", LOG_INT}}},
    [LOG_STAGE]           = {LOG_WARN,  "policy",  "stage", {{"from", LOG_STAGE_NAME}, {"to", LOG_STAGE_NAME}, {"reason", LOG_STAGE_REASON}}},
    [LOG_STAGE_OPEN]      = {LOG_INFO,  "policy",  "stage", {{"from", LOG_STAGE_NAME}, {"to", LOG_STAGE_NAME}, {"reason", LOG_STAGE_REASON}}},
    [LOG_CHARGE]          = {LOG_INFO,  "policy",  "charge", {{"from", LOG_CHARGE_STATE}, {"to", LOG_CHARGE_STATE}, {"reason", LOG_CHARGE_REASON}}},
    [LOG_CVL]             = {LOG_INFO,  "policy",  "charge voltage limit", {{"cvl_v", LOG_MV_AS_V}, {"from", LOG_LIMIT_REASON}, {"reason", LOG_LIMIT_REASON}}},
    [LOG_CCL]             = {LOG_INFO,  "policy",  "charge current limit", {{"ccl_a", LOG_MA_AS_A}, {"from", LOG_LIMIT_REASON}, {"reason", LOG_LIMIT_REASON}}},
    [LOG_DCL]             = {LOG_INFO,  "policy",  "discharge current limit", {{"dcl_a", LOG_MA_AS_A}, {"from", LOG_LIMIT_REASON}, {"reason", LOG_LIMIT_REASON}}},
    [LOG_ALARM_ON]        = {LOG_WARN,  "policy",  "alarm raised", {{"alarm", LOG_ALARM_NAME}}},
    [LOG_ALARM_OFF]       = {LOG_INFO,  "policy",  "alarm cleared", {{"alarm", LOG_ALARM_NAME}}},
    [LOG_WARNING_ON]      = {LOG_WARN,  "policy",  "warning raised", {{"warning", LOG_ALARM_NAME}}},
    [LOG_WARNING_OFF]     = {LOG_INFO,  "policy",  "warning cleared", {{"warning", LOG_ALARM_NAME}}},
    [LOG_CAN_UP]          = {LOG_INFO,  "victron", "CAN link up", {{0}}},
    [LOG_CAN_DOWN]        = {LOG_WARN,  "victron", "CAN link down", {{0}}},
    [LOG_CAN_SENDING]     = {LOG_INFO,  "victron", "sending frames", {{0}}},
    [LOG_CAN_SILENT]      = {LOG_WARN,  "victron", "no frames: no good data to send", {{0}}},
    [LOG_GX_PRESENT]      = {LOG_INFO,  "victron", "GX present", {{0}}},
    [LOG_GX_ABSENT]       = {LOG_WARN,  "victron", "no GX for 10 minutes: no frame 0x305, check CAN cable, termination and the GX's CAN profile (500 kbit/s)", {{0}}},
    [LOG_GX_GONE]         = {LOG_INFO,  "victron", "GX no longer heard", {{0}}},
    [LOG_COMMAND]         = {LOG_INFO,  "tinybms", "command ended", {{"register", LOG_INT}, {"count", LOG_INT}, {"result", LOG_ERR_TEXT}}},
    [LOG_OVERSLEPT]       = {LOG_WARN,  "gateway", "nothing was done for a while: the machine was suspended or too busy", {{"late_ms", LOG_INT}}},
    [LOG_SERVICES_STILL]  = {LOG_ERROR, "gateway", "the services make no progress; the battery path goes on without them", {{"for_ms", LOG_INT}}},
    [LOG_SERVICES_MOVE]   = {LOG_INFO,  "gateway", "the services make progress again", {{"after_ms", LOG_INT}}},
    [LOG_DROPPED]         = {LOG_WARN,  "gateway", "log records lost", {{"count", LOG_INT}}},
};
/* clang-format on */

const char *log_level_text(enum log_level l) {
    switch (l) {
    case LOG_ERROR:
        return "ERROR";
    case LOG_WARN:
        return "WARN";
    case LOG_INFO:
        return "INFO";
    case LOG_DEBUG:
        return "DEBUG";
    }
    return "INFO";
}

static void render_value(struct text *t, enum log_format format, int32_t v) {
    switch (format) {
    case LOG_NONE:
        break;
    case LOG_INT:
        text_int(t, v);
        break;
    case LOG_HEX:
        text_str(t, "0x");
        text_hex(t, (uint32_t)v, 2);
        break;
    case LOG_MV_AS_V:
    case LOG_MA_AS_A:
        text_fixed(t, v, 3);
        break;
    case LOG_STAGE_NAME:
        text_str(t, stage_text((enum stage)v));
        break;
    case LOG_STAGE_REASON:
        text_str(t, stage_reason_text((enum stage_reason)v));
        break;
    case LOG_CHARGE_STATE:
        text_str(t, charge_state_text((enum charge_state)v));
        break;
    case LOG_CHARGE_REASON:
        text_str(t, charge_reason_text((enum charge_reason)v));
        break;
    case LOG_LIMIT_REASON:
        text_str(t, limit_reason_text((enum limit_reason)v));
        break;
    case LOG_ALARM_NAME:
        text_str(t, alarm_text((enum alarm_id)v));
        break;
    case LOG_LINK_NAME:
        text_str(t, tinybms_link_text((enum tinybms_link)v));
        break;
    case LOG_ORDER_NAME:
        text_str(t, tinybms_cell_order_text((enum tinybms_cell_order)v));
        break;
    case LOG_STATUS_NAME:
        text_str(t, battery_status_text((uint16_t)v));
        break;
    case LOG_ERR_TEXT:
        text_char(t, '"');
        text_str(t, gw_err_text(v));
        text_char(t, '"');
        break;
    }
}

size_t log_render(const struct log_record *r, char *buf, size_t cap) {
    const struct log_row *row = &log_table[r->id];
    struct text t;
    text_init(&t, buf, cap);
    text_str(&t, row->text);
    for (unsigned i = 0; i < LOG_FIELDS_MAX && row->field[i].key != NULL; i++) {
        text_char(&t, ' ');
        text_str(&t, row->field[i].key);
        text_char(&t, '=');
        render_value(&t, row->field[i].format, r->value[i]);
    }
    return t.len;
}
