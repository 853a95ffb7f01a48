/* SPDX-License-Identifier: MIT */
/* Storing a log record: inside core/gateway only. */
#ifndef CORE_GATEWAY_NOTE_H
#define CORE_GATEWAY_NOTE_H

#include "gateway/gateway.h"
#include "gateway/log.h"

/* Keeps a record for gateway_next_log(); a full ring counts it as dropped. */
void gateway_note(struct gateway *g, uint64_t now_ms, enum log_id id, int32_t a, int32_t b,
                  int32_t c, int32_t d);

#endif
