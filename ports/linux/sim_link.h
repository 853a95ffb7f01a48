/* SPDX-License-Identifier: MIT */
/* The links named "sim": a virtual TinyBMS and a virtual GX inside the process, each served by a
 * thread of its own, reached through a stream descriptor as a tty would be. The gateway's loop
 * treats them like any device: bytes in, bytes out, end of file when the other side is gone.
 *
 * The GX's end speaks SLCAN (LAWICEL) text, as a serial CAN adapter with a GX behind it does.
 *
 * When both links are open, the virtual charger and inverter obey what the virtual GX received:
 * the pack charges to the CVL, with the CCL, and stops 3 s after the last 0x351. */
#ifndef PORTS_LINUX_SIM_LINK_H
#define PORTS_LINUX_SIM_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_bms;
struct sim_gx;

struct sim_link_options {
    const char *registers_path; /* a register file to serve as a BMS; NULL: the pack model */
    double speed;               /* of the pack's time alone; 1 = real; > 0 */
    uint32_t seed;
    uint8_t cells; /* 4-16, of the pack model */
};

/* Sets what links opened from now on simulate; the strings are borrowed until they are opened.
 * Optional: without a call it is a 14-cell pack in real time. Any thread. */
void sim_link_configure(const struct sim_link_options *options);

/* Opens a link: a non-blocking, close-on-exec stream descriptor that the caller closes; the thread
 * behind it ends when it is closed. A negative errno: out of descriptors, memory or threads, or
 * the register file cannot be read (the errno of open, or -EINVAL when its text is not one). */
int sim_link_open_bms(void);
int sim_link_open_gx(void);

/* Reads a register file into b (sim_bms_load()). 0; or a negative errno of the file, or -EINVAL,
 * with why filled: a sentence naming the path and, where there is one, the line. */
int sim_link_load(struct sim_bms *b, const char *path, char *why, size_t cap);

/* Monotonic time in microseconds, the simulators' clock. */
uint64_t sim_link_now_us(void);

/* A copy of the virtual GX opened last, for a view; false when there is none. Any thread. */
bool sim_link_gx_state(struct sim_gx *out);

#endif
