/* SPDX-License-Identifier: MIT */
#include "gw_err.h"

const char *gw_err_text(int err) {
    switch ((enum gw_err)err) {
    case GW_OK:
        return "ok";
    case GW_ERR_RANGE:
        return "out of range";
    case GW_ERR_SPACE:
        return "buffer too small";
    case GW_ERR_BUSY:
        return "busy, try again";
    case GW_ERR_UNKNOWN:
        return "unknown";
    case GW_ERR_READ_ONLY:
        return "read only";
    case GW_ERR_SYNTAX:
        return "malformed";
    case GW_ERR_TYPE:
        return "wrong type";
    case GW_ERR_TIMEOUT:
        return "no answer in time";
    case GW_ERR_NACK:
        return "refused by the BMS";
    case GW_ERR_MISMATCH:
        return "read back differs from what was written";
    case GW_ERR_OFFLINE:
        return "link is down";
    case GW_ERR_CONFLICT:
        return "contradicts another setting";
    }
    return "unknown error";
}
