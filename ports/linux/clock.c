/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_ms(clockid_t id) {
    struct timespec t = {0};
    (void)clock_gettime(id, &t); /* cannot fail for these ids */
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

uint64_t clock_now_ms(void) {
    return (uint64_t)read_ms(CLOCK_MONOTONIC);
}

int clock_utc_text(uint64_t at_ms, char buf[CLOCK_TEXT_MAX]) {
    int64_t wall_ms = read_ms(CLOCK_REALTIME) - read_ms(CLOCK_MONOTONIC) + (int64_t)at_ms;
    if (wall_ms < 0) {
        wall_ms = 0;
    }
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc = {0};
    (void)gmtime_r(&seconds, &utc);
    size_t n = strftime(buf, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &utc);
    int rest = snprintf(buf + n, CLOCK_TEXT_MAX - n, ".%03dZ", (int)(wall_ms % 1000));
    return (int)n + rest;
}
