/* SPDX-License-Identifier: MIT */
/* The simulators behind real descriptors: socket pairs and pseudo-terminals. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pty.h"
#include "sim/bms.h"
#include "sim/gx.h"
#include "sim_link.h"

enum { PATIENCE_MS = 5000 }; /* only a broken link takes so long */

static char folder[] = "/tmp/sim_links_XXXXXX";
static char path[sizeof folder + 16];

static int make_folder(void **state) {
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/device", folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

/* Reads until n bytes came. */
static void read_exactly(int fd, uint8_t *buf, size_t n) {
    size_t got = 0;
    while (got < n) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
        ssize_t part = read(fd, buf + got, n - got);
        assert_true(part > 0);
        got += (size_t)part;
    }
}

/* Temperatures: the worked example's request, 11 bytes of reply. */
static void ask_temperatures(int fd) {
    static const uint8_t request[] = {0xAA, 0x1B, 0x3F, 0x1B};
    uint8_t reply[11];
    assert_int_equal(write(fd, request, sizeof request), sizeof request);
    read_exactly(fd, reply, sizeof reply);
    assert_memory_equal(reply, "\xAA\x1B\x06", 3);
    assert_int_equal(sim_bms_crc(reply, 9), reply[10] << 8 | reply[9]);
}

static void a_bms_answers_behind_its_descriptor(void **state) {
    (void)state;
    int fd = sim_link_open_bms();
    assert_true(fd >= 0);
    assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    ask_temperatures(fd);
    ask_temperatures(fd);
    close(fd);
}

static void two_links_are_two_batteries(void **state) {
    (void)state;
    int a = sim_link_open_bms(), b = sim_link_open_bms();
    assert_true(a >= 0 && b >= 0 && a != b);
    ask_temperatures(a);
    close(a);
    ask_temperatures(b);
    close(b);
}

static void a_register_file_is_served_and_a_bad_one_is_refused(void **state) {
    (void)state;
    struct sim_link_options options = {.registers_path = path, .speed = 1.0, .cells = 14};
    uint8_t reply[11];
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs("42 276\n43 278\n48 278\n", f) >= 0 && fclose(f) == 0);
    sim_link_configure(&options);
    int fd = sim_link_open_bms();
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "\xAA\x1B\x3F\x1B", 4), 4);
    read_exactly(fd, reply, sizeof reply);
    assert_memory_equal(reply, "\xAA\x1B\x06\x16\x01\x14\x01\x16\x01\x0E\x4E", sizeof reply);
    close(fd);

    static struct sim_bms bms;
    struct sim_bms_config config;
    char why[256];
    sim_bms_defaults(&config);
    sim_bms_init(&bms, &config, 0);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs("42 276\nnonsense\n", f) >= 0 && fclose(f) == 0);
    assert_true(sim_link_open_bms() < 0);
    assert_true(sim_link_load(&bms, path, why, sizeof why) < 0);
    assert_non_null(strstr(why, "line 2"));
    assert_int_equal(unlink(path), 0);
    assert_true(sim_link_open_bms() < 0);
    assert_true(sim_link_load(&bms, path, why, sizeof why) < 0);
    assert_non_null(strstr(why, path));
    options.registers_path = NULL;
    sim_link_configure(&options);
}

static void a_gx_receives_through_slcan_and_is_heard(void **state) {
    (void)state;
    static const char text[] = "C\rS6\rO\rt35184502B4001C02A401\r";
    int fd = sim_link_open_gx();
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    uint8_t answer[5];
    read_exactly(fd, answer, sizeof answer);
    assert_memory_equal(answer, "\a\r\rz\r", sizeof answer); /* C: it was closed */
    uint8_t keepalive[22];
    read_exactly(fd, keepalive, sizeof keepalive);
    assert_memory_equal(keepalive, "t30580000000000000000\r", sizeof keepalive);
    static struct sim_gx gx;
    int64_t cvl;
    assert_true(sim_link_gx_state(&gx));
    assert_true(sim_gx_value(&gx, SIM_GX_CVL, &cvl));
    assert_int_equal(cvl, 581);
    close(fd);
}

static void a_pty_can_be_closed_and_opened_again_by_its_peer(void **state) {
    (void)state;
    struct pty p;
    char why[256];
    uint8_t buf[8];
    assert_int_equal(pty_open(&p, path, why, sizeof why), 0);
    for (unsigned round = 0; round < 3; round++) {
        assert_int_equal(pty_read(&p, buf, sizeof buf), 0);
        assert_false(p.peer);
        pty_write(&p, (const uint8_t *)"lost", 4); /* nobody is there */
        int peer = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        assert_true(peer >= 0);
        assert_int_equal(write(peer, "\r\n\x03\x11", 4), 4); /* raw: nothing is translated */
        struct pollfd m = {.fd = p.master, .events = POLLIN};
        assert_int_equal(poll(&m, 1, PATIENCE_MS), 1);
        assert_int_equal(pty_read(&p, buf, sizeof buf), 4);
        assert_true(p.peer);
        assert_memory_equal(buf, "\r\n\x03\x11", 4);
        pty_write(&p, (const uint8_t *)"\n\r\x13", 3);
        read_exactly(peer, buf, 3);
        assert_memory_equal(buf, "\n\r\x13", 3);
        close(peer);
    }
    pty_close(&p);
    struct stat st;
    assert_true(lstat(path, &st) < 0);
}

static void only_a_link_that_leads_nowhere_is_replaced(void **state) {
    (void)state;
    static const struct {
        const char *what, *target; /* NULL: a file */
        bool good;
    } cases[] = {
        {"a link left over", "/nowhere/at/all", true},
        {"a link to something", "/dev/null", false},
        {"a file", NULL, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        print_message("    %s\n", cases[i].what);
        struct pty p;
        char why[256] = "";
        struct stat st;
        if (cases[i].target != NULL)
            assert_int_equal(symlink(cases[i].target, path), 0);
        else
            close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        assert_int_equal(pty_open(&p, path, why, sizeof why), cases[i].good ? 0 : -1);
        if (cases[i].good)
            pty_close(&p);
        else
            assert_non_null(strstr(why, path));
        assert_int_equal(lstat(path, &st) < 0, cases[i].good);
        (void)unlink(path);
    }
}

static void a_link_that_is_no_longer_ours_is_left_alone(void **state) {
    (void)state;
    struct pty p;
    char why[256];
    struct stat st;
    assert_int_equal(pty_open(&p, path, why, sizeof why), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/dev/null", path), 0);
    pty_close(&p);
    assert_int_equal(lstat(path, &st), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bms_answers_behind_its_descriptor),
        cmocka_unit_test(two_links_are_two_batteries),
        cmocka_unit_test(a_register_file_is_served_and_a_bad_one_is_refused),
        cmocka_unit_test(a_gx_receives_through_slcan_and_is_heard),
        cmocka_unit_test(a_pty_can_be_closed_and_opened_again_by_its_peer),
        cmocka_unit_test(only_a_link_that_leads_nowhere_is_replaced),
        cmocka_unit_test(a_link_that_is_no_longer_ours_is_left_alone),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
