/* SPDX-License-Identifier: MIT */
/* Between poller.c, slow.c and command.c: whose request goes next, and what its end means. Nothing
 * outside core/tinybms includes this. */
#ifndef CORE_TINYBMS_TURNS_H
#define CORE_TINYBMS_TURNS_H

#include "tinybms/tinybms.h"

/* Whether a request fits on the wire before the next fast sample is due. */
bool tinybms_fits(const struct tinybms *t, const struct tinybms_request *rq, uint64_t now_ms);

/* Hands a request to the transaction on behalf of `turn`. */
void tinybms_begin(struct tinybms *t, enum tinybms_turn turn, const struct tinybms_request *rq,
                   uint32_t retries, uint64_t now_ms);

/* Takes the n words of a good reply into the image and decodes them. */
void tinybms_take(struct tinybms *t, uint16_t addr, const uint16_t *words, size_t n,
                  uint64_t now_ms);

/* The words of the good reply that ended the transaction; out holds TINYBMS_READ_MAX. */
size_t tinybms_reply_words(const struct tinybms *t, uint16_t *out);

/* Slow blocks: forgotten when the port opens; all due again after a restart of the BMS. */
void tinybms_slow_init(struct tinybms *t, uint64_t now_ms);
void tinybms_slow_all_due(struct tinybms *t, uint64_t now_ms);
/* Begins one if it is the time: `before_fast` when a fast sample is due and waits. */
bool tinybms_slow_begin(struct tinybms *t, bool before_fast, uint64_t now_ms);
void tinybms_slow_ended(struct tinybms *t, enum tinybms_outcome outcome, uint64_t now_ms);
/* The next time one is due; UINT64_MAX while the BMS does not answer. */
uint64_t tinybms_slow_due_ms(const struct tinybms *t);

/* Commands of the user. */
bool tinybms_command_begin(struct tinybms *t, uint64_t now_ms);
void tinybms_command_ended(struct tinybms *t, enum tinybms_outcome outcome, uint64_t now_ms);
void tinybms_commands_offline(struct tinybms *t);
uint64_t tinybms_command_due_ms(const struct tinybms *t);
bool tinybms_command_result(struct tinybms *t, struct tinybms_result *out);

#endif
