/* SPDX-License-Identifier: MIT */
/* Lines as candump (can-utils) writes them, of both forms:
 *
 *   log     (1700000000.123456) can0 351#4502B4001C02A401
 *   screen   (000.001234)  can0  RX - -  351   [8]  45 02 B4 00 1C 02 A4 01   'E.......'
 *
 * In the screen form the time (any text in parentheses), the direction and the characters in quotes
 * may be missing. Remote frames: 351#R, 351#R8, [8] remote request. */
#ifndef SIM_CANDUMP_H
#define SIM_CANDUMP_H

#include "sim/can_frame.h"

enum {
    SIM_CANDUMP_LINE_MAX = 256, /* a longer one is none of candump's */
    SIM_CANDUMP_TIME_MAX = 40,
    SIM_CANDUMP_INTERFACE_MAX = 16,
};

struct sim_candump {
    char time[SIM_CANDUMP_TIME_MAX + 1]; /* between the parentheses; empty without one */
    char interface[SIM_CANDUMP_INTERFACE_MAX + 1];
    bool error_frame; /* of the controller: frame.id are the error bits, not an identifier */
    struct sim_can_frame frame;
};

/* n characters without the line's end. False, *out undefined: not such a line, CAN FD included. */
bool sim_candump_parse(const char *text, size_t n, struct sim_candump *out);

#endif
