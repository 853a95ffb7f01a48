/* SPDX-License-Identifier: MIT */
/* One classic CAN data frame with an 11-bit identifier, as Victron's CAN-bus BMS protocol uses it.
 * The ports convert it to and from SocketCAN, SLCAN text or a controller's registers. */
#ifndef CORE_VICTRON_FRAME_H
#define CORE_VICTRON_FRAME_H

#include <stdint.h>

struct victron_frame {
    uint16_t id; /* 0x000-0x7FF */
    uint8_t len; /* 0-8; every frame we send has 8 */
    uint8_t data[8];
};

#endif
