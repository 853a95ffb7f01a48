/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* CLOCK_BOOTTIME */
#include "clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_us(clockid_t id) {
    struct timespec t = {0};
    (void)clock_gettime(id, &t); /* cannot fail for these ids */
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

uint64_t clock_now_us(void) {
    return (uint64_t)read_us(CLOCK_BOOTTIME);
}

uint64_t clock_now_ms(void) {
    return clock_now_us() / 1000;
}

uint64_t clock_awake_us(void) {
    return (uint64_t)read_us(CLOCK_MONOTONIC);
}

uint64_t clock_awake_ms(void) {
    return clock_awake_us() / 1000;
}

int64_t clock_wall_offset_ms(void) {
    int64_t us = read_us(CLOCK_REALTIME) - read_us(CLOCK_BOOTTIME);
    return (us + (us < 0 ? -500 : 500)) / 1000;
}

int clock_wall_text(uint64_t wall_ms, char buf[CLOCK_TEXT_MAX]) {
    const uint64_t last_ms = UINT64_C(253402300799999); /* 9999-12-31T23:59:59.999Z */
    wall_ms = wall_ms < last_ms ? wall_ms : last_ms;
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc = {0};
    (void)gmtime_r(&seconds, &utc);
    size_t n = strftime(buf, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &utc);
    int rest = snprintf(buf + n, CLOCK_TEXT_MAX - n, ".%03uZ", (unsigned)(wall_ms % 1000));
    return (int)n + rest;
}

int clock_utc_text(uint64_t at_ms, char buf[CLOCK_TEXT_MAX]) {
    int64_t wall_ms = clock_wall_offset_ms() + (int64_t)at_ms;
    return clock_wall_text(wall_ms < 0 ? 0 : (uint64_t)wall_ms, buf);
}
