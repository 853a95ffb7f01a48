/* SPDX-License-Identifier: MIT */
/* The one place of this port that reads clocks. */
#ifndef PORTS_LINUX_CLOCK_H
#define PORTS_LINUX_CLOCK_H

#include <stdint.h>

/* CLOCK_BOOTTIME: what the core calls now_ms. Does not jump with the wall clock, and goes on while
 * the machine is suspended: what was read before is as old afterwards as it is. */
uint64_t clock_now_ms(void);
/* The same clock in microseconds: clock_now_us() / 1000 is clock_now_ms() of that moment. */
uint64_t clock_now_us(void);

/* What CLOCK_REALTIME is ahead of CLOCK_BOOTTIME now, in ms; rounded. */
int64_t clock_wall_offset_ms(void);

/* CLOCK_MONOTONIC: stands still while the machine is suspended. For how long a thread of ours has
 * done nothing, and for what systemd calls monotonic. */
uint64_t clock_awake_us(void);
uint64_t clock_awake_ms(void);

enum { CLOCK_TEXT_MAX = 32 };

/* "2026-01-31T12:00:00.123Z" for a moment of clock_now_ms(), by the wall clock as it is set
 * now. Returns the length, < CLOCK_TEXT_MAX. */
int clock_utc_text(uint64_t at_ms, char buf[CLOCK_TEXT_MAX]);

/* The same for a moment of the wall clock, in ms since 1970; up to the year 9999. */
int clock_wall_text(uint64_t wall_ms, char buf[CLOCK_TEXT_MAX]);

#endif
