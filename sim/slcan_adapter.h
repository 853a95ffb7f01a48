/* SPDX-License-Identifier: MIT */
/* A virtual serial CAN adapter (LAWICEL, "SLCAN"), without I/O: text on the host's side, frames on
 * the bus's side.
 *
 * Commands: Sn and s (bit rate), O and L (open, open listen-only), C (close), t T r R (send),
 * V v N (version, serial number), F (status flags), Zn (time stamps), M m X (accepted, without
 * effect). Each is answered by CR or BEL (refused), a sent frame by z or Z and CR.
 *
 * Source of truth: LAWICEL AB, "CAN232 Manual". */
#ifndef SIM_SLCAN_ADAPTER_H
#define SIM_SLCAN_ADAPTER_H

#include "sim/can_frame.h"

enum {
    SIM_SLCAN_LINE_MAX = 32,
    SIM_SLCAN_FRAMES = 32, /* towards the bus */
    SIM_SLCAN_TEXT = 2048, /* towards the host */
};

struct sim_slcan {
    bool open, listen_only, time_stamps;
    char bitrate;  /* '0' to '8' as in Sn, 's' for bit timing registers, 0 before */
    uint8_t flags; /* of F: 0x01 receive queue full, 0x08 data overrun; cleared by reading */
    char line[SIM_SLCAN_LINE_MAX];
    uint8_t line_len;
    bool line_too_long;
    struct sim_can_frame frame[SIM_SLCAN_FRAMES];
    uint8_t frame_first, frame_count;
    char text[SIM_SLCAN_TEXT];
    uint16_t text_first, text_count;
    uint32_t refused;  /* commands answered by BEL */
    uint32_t overruns; /* frames or answers lost: the host does not read */
};

void sim_slcan_init(struct sim_slcan *a);

/* Text from the host, any chunking. */
void sim_slcan_handle_rx(struct sim_slcan *a, const uint8_t *bytes, size_t n);

/* The next frame for the bus; false when there is none. */
bool sim_slcan_next_frame(struct sim_slcan *a, struct sim_can_frame *out);

/* A frame from the bus; ignored while the channel is closed. */
void sim_slcan_put_frame(struct sim_slcan *a, const struct sim_can_frame *f, uint64_t now_us);

/* Text for the host: up to cap bytes. */
size_t sim_slcan_tx(struct sim_slcan *a, uint8_t *buf, size_t cap);

#endif
