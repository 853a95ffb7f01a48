/* SPDX-License-Identifier: MIT */
/* The one place of this port that reads clocks. */
#ifndef PORTS_LINUX_CLOCK_H
#define PORTS_LINUX_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC: what the core calls now_ms. Does not jump with the wall clock. */
uint64_t clock_now_ms(void);

enum { CLOCK_TEXT_MAX = 32 };

/* "2026-01-31T12:00:00.123Z" for a moment of the monotonic clock, by the wall clock as it is set
 * now. Returns the length, < CLOCK_TEXT_MAX. */
int clock_utc_text(uint64_t at_ms, char buf[CLOCK_TEXT_MAX]);

#endif
