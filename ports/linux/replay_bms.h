/* SPDX-License-Identifier: MIT */
/* The BMS of a recording. Listens to what was said on the recorded UART, remembers the registers,
 * and answers reads from them: for a core that does not ask what the recorded gateway asked, or not
 * at the same time. It answers as long as the recorded device did. */
#ifndef PORTS_LINUX_REPLAY_BMS_H
#define PORTS_LINUX_REPLAY_BMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tinybms/image.h"
#include "tinybms/transaction.h"

struct replay_bms {
    struct tinybms_image image;
    struct tinybms_transaction conversation; /* as recorded */
    bool asked;                              /* and not answered yet */
    bool answers;                            /* it answered when it was asked last */

    uint64_t reply_at_ms; /* of the reply under way; n 0: none */
    size_t reply_n;
    uint8_t reply[TINYBMS_REPLY_MAX];
};

/* image: what is known already; copied. */
void replay_bms_init(struct replay_bms *b, const struct tinybms_image *image, uint32_t baudrate);

/* The recorded gateway asked; it heard. */
void replay_bms_note_request(struct replay_bms *b, const uint8_t *bytes, size_t n, uint64_t now_ms);
void replay_bms_note_reply(struct replay_bms *b, const uint8_t *bytes, size_t n, uint64_t now_ms);

/* The core asks. What is no read of known registers gets no answer. */
void replay_bms_ask(struct replay_bms *b, const uint8_t *bytes, size_t n, uint32_t baudrate,
                    uint64_t now_ms);

/* When the reply is there; UINT64_MAX while none is under way. */
uint64_t replay_bms_deadline_ms(const struct replay_bms *b);

/* Takes the reply. */
const uint8_t *replay_bms_reply(struct replay_bms *b, size_t *n);

#endif
