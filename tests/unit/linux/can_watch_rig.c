/* SPDX-License-Identifier: MIT */
/* See can_watch_rig.h. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "can_watch_rig.h"

enum { NEWLINK = 16, DELLINK = 17, GETLINK = 18, ERROR = 2, UP = 1 };

struct rig rig;

bool __wrap_socketcan_has_device(const char *interface);
bool __wrap_socketcan_has_device(const char *interface) {
    assert_string_equal(interface, "can0");
    return rig.has_device;
}

bool __wrap_socketcan_want_errors(int fd, bool all);
bool __wrap_socketcan_want_errors(int fd, bool all) {
    assert_int_equal(fd, rig.can_fd);
    rig.wanted_errors = all;
    return true;
}

static void remember(void *context, enum log_level level, const char *line) {
    size_t n = strlen(rig.text);
    (void)context;
    (void)level;
    (void)snprintf(rig.text + n, sizeof rig.text - n, "%s\n", strchr(line, ' ') + 1);
}

int rig_set_up(void **state) {
    int pair[2];
    (void)state;
    memset(&rig, 0, sizeof rig);
    rig.now_ms = 1000;
    rig.can_fd = -1;
    rig.wanted_errors = -1;
    log_sink_open(&rig.log, remember, NULL, LOG_INFO);
    settings_defaults(&rig.settings); /* socketcan:can0, 500000 bit/s, normal */
    can_watch_init(&rig.watch);
    can_watch_configure(&rig.watch, &rig.settings);
    assert_true(rig.watch.fd >= 0);
    (void)close(rig.watch.fd);
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
    rig.watch.fd = pair[0];
    rig.kernel = pair[1];
    (void)rig_step();
    (void)rig_requests();
    rig.watch.ask_at_ms = 0; /* as if that had not been */
    return 0;
}

int rig_tear_down(void **state) {
    (void)state;
    can_watch_close(&rig.watch);
    (void)close(rig.kernel);
    return 0;
}

/* ---- the kernel's part ---- */

static void put(uint8_t *b, size_t *n, const void *data, size_t size) {
    memcpy(b + *n, data, size);
    *n += size;
}

static void put_head(uint8_t *b, size_t *n, uint16_t type, uint32_t sequence) {
    const uint16_t types[2] = {type, 0};
    const uint32_t rest[3] = {0, sequence, 0};
    put(b, n, rest, 4);
    put(b, n, types, 4);
    put(b, n, rest + 1, 8);
}

/* 32 bits of a value in an attribute: 8 bytes. */
static void put_number(uint8_t *b, size_t *n, uint16_t type, uint32_t v) {
    const uint16_t head[2] = {8, type};
    put(b, n, head, 4);
    put(b, n, &v, 4);
}

size_t rig_make_message(uint8_t b[512], struct rig_said s) {
    uint8_t data[128];
    size_t n = 0, d = 0;
    const char *name = s.name != NULL ? s.name : "can0";
    char padded[12] = {0};
    const uint16_t type[2] = {0, 280};
    const uint32_t rest[3] = {s.index != 0 ? s.index : RIG_INDEX, s.down ? 0 : UP, 0};
    const uint16_t name_head[2] = {12 + 4, 3};
    (void)snprintf(padded, sizeof padded, "%s", name);
    put_head(b, &n, s.removed ? DELLINK : NEWLINK, 0);
    put(b, &n, type, 4);
    put(b, &n, rest, 12);
    put(b, &n, name_head, 4);
    put(b, &n, padded, 12);
    put_number(b, &n, 13, s.queue);
    put_number(b, &n, 33, s.no_carrier ? 0 : 1); /* a byte; the rest is padding */
    if (!s.virtual) {
        const uint16_t timing_head[2] = {36, 1}, mode_head[2] = {12, 5};
        const uint32_t timing[8] = {s.bitrate != 0 ? s.bitrate : 500000};
        const uint32_t mode[2] = {0, s.mode};
        put_number(data, &d, 4, s.state);
        put_number(data, &d, 6, s.restart_ms);
        put(data, &d, timing_head, 4);
        put(data, &d, timing, 32);
        put(data, &d, mode_head, 4);
        put(data, &d, mode, 8);
        const uint16_t info[2] = {(uint16_t)(4 + 8 + 4 + d), 18}, kind[2] = {8, 1};
        const uint16_t data_head[2] = {(uint16_t)(4 + d), 2};
        put(b, &n, info, 4);
        put(b, &n, kind, 4);
        put(b, &n, "can", 4);
        put(b, &n, data_head, 4);
        put(b, &n, data, d);
    }
    const uint32_t length = (uint32_t)n;
    memcpy(b, &length, 4);
    return n;
}

bool rig_kernel_says(struct rig_said s) {
    uint8_t b[512];
    size_t n = rig_make_message(b, s);
    return can_watch_handle(&rig.watch, b, n, &rig.feedback, &rig.log, rig.now_ms);
}

void rig_kernel_answers(uint32_t sequence, int error) {
    uint8_t b[64];
    size_t n = 0;
    const uint32_t length = 36, code = 0u - (uint32_t)error, zero[4] = {0};
    put_head(b, &n, ERROR, sequence);
    put(b, &n, &code, 4);
    put(b, &n, zero, 16);
    memcpy(b, &length, 4);
    (void)can_watch_handle(&rig.watch, b, n, &rig.feedback, &rig.log, rig.now_ms);
}

const char *rig_requests(void) {
    static char all[256];
    uint8_t b[512];
    size_t k = 0;
    ssize_t n;
    while ((n = read(rig.kernel, b, sizeof b)) > 0) {
        for (size_t at = 0; at < (size_t)n && k + 1 < sizeof all;) {
            uint32_t length, index, flags;
            uint16_t type;
            memcpy(&length, b + at, 4);
            memcpy(&type, b + at + 4, 2);
            memcpy(&index, b + at + 20, 4);
            memcpy(&flags, b + at + 24, 4);
            all[k++] = type == GETLINK ? '?' : length > 32 ? 'R' : flags == UP ? 'U' : 'D';
            assert_int_equal(index, type == GETLINK ? 0 : rig.watch.now.index);
            at += length;
        }
    }
    all[k] = '\0';
    size_t kept = 0;
    for (size_t i = 0; i < k; i++) {
        all[kept] = all[i];
        kept += all[i] != '?';
    }
    all[kept] = '\0';
    return kept == 0 && k != 0 ? "?" : all;
}

uint64_t rig_step(void) {
    return can_watch_step(&rig.watch, &rig.feedback, rig.can_fd, &rig.log, rig.now_ms);
}

const char *rig_until_request(uint64_t end_ms) {
    for (;;) {
        uint64_t next_ms = rig_step();
        const char *all = rig_requests();
        if (all[0] != '\0' && all[0] != '?') {
            return all;
        }
        assert_true(next_ms > rig.now_ms);
        if (next_ms > end_ms) {
            rig.now_ms = end_ms;
            return "";
        }
        rig.now_ms = next_ms;
    }
}

unsigned rig_lines_with(const char *text) {
    unsigned n = 0;
    for (const char *at = rig.text; (at = strstr(at, text)) != NULL; at += strlen(text)) {
        n++;
    }
    return n;
}

bool rig_holds(void) {
    return atomic_load(&rig.feedback.bus_off);
}

void rig_error_frame(enum can_bus_state state) {
    atomic_fetch_add(&rig.feedback.error_frames, 1);
    if (state == CAN_BUS_OFF) {
        atomic_fetch_add(&rig.feedback.bus_offs, 1);
        atomic_store(&rig.feedback.bus_off, true);
    }
    can_feedback_set_last(&rig.feedback, (struct can_feedback_last){.state = state});
}
