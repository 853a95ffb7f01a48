/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tcp.h"
#include "test_pty.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void an_address_is_host_and_port(void **state) {
    static const struct {
        const char *what, *spec, *host, *port; /* host NULL: refused */
    } cases[] = {
        {"a name", "tcp://ser2net.lan:7000", "ser2net.lan", "7000"},
        {"a v4 address", "tcp://192.168.1.7:23", "192.168.1.7", "23"},
        {"a v6 address", "tcp://[fe80::1%eth0]:7000", "fe80::1%eth0", "7000"},
        {"the highest port", "tcp://a:65535", "a", "65535"},
        {"a v6 address without brackets", "tcp://fe80::1:7000", NULL, NULL},
        {"another scheme", "udp://a:1", NULL, NULL},
        {"no port", "tcp://a", NULL, NULL},
        {"an empty port", "tcp://a:", NULL, NULL},
        {"port 0", "tcp://a:0", NULL, NULL},
        {"a port too high", "tcp://a:65536", NULL, NULL},
        {"a port far too high", "tcp://a:99999999999999999999", NULL, NULL},
        {"a port that is a name", "tcp://a:http", NULL, NULL},
        {"something behind the port", "tcp://a:80/", NULL, NULL},
        {"no host", "tcp://:80", NULL, NULL},
        {"empty brackets", "tcp://[]:80", NULL, NULL},
        {"nothing", "", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char host[TCP_HOST_MAX], port[TCP_PORT_MAX];
        bool good = tcp_parse(cases[i].spec, host, port);
        if (good != (cases[i].host != NULL)) {
            fail_msg("%s", cases[i].what);
        }
        if (good && (strcmp(host, cases[i].host) != 0 || strcmp(port, cases[i].port) != 0)) {
            fail_msg("%s: %s %s", cases[i].what, host, port);
        }
    }
}

static void a_host_that_is_too_long_is_refused(void **state) {
    char spec[TCP_HOST_MAX + 32] = "tcp://", host[TCP_HOST_MAX], port[TCP_PORT_MAX];
    (void)state;
    memset(spec + 6, 'a', TCP_HOST_MAX - 1);
    strcpy(spec + 6 + TCP_HOST_MAX - 1, ":80");
    assert_true(tcp_parse(spec, host, port));
    memset(spec + 6, 'a', TCP_HOST_MAX);
    strcpy(spec + 6 + TCP_HOST_MAX, ":80");
    assert_false(tcp_parse(spec, host, port));
}

/* Steps until it ends; the name is a number, so nothing takes long. Time stands still. */
static int open_it(struct tcp_open *o, const char *spec) {
    int fd = tcp_open_begin(o, spec, 0);
    for (fd = fd == 0 ? -EINPROGRESS : fd; fd == -EINPROGRESS; fd = tcp_open_step(o, 0)) {
        struct pollfd p = {.fd = -1};
        p.fd = tcp_open_fd(o, &p.events);
        assert_int_equal(poll(&p, 1, 10000), 1);
    }
    return fd;
}

/* The resolver's thread may be about to end: what it shares is closed by the last one to leave. */
static void assert_descriptors(unsigned want) {
    for (int i = 0; i < 1000 && test_descriptors() != want; i++) {
        (void)poll(NULL, 0, 10);
    }
    assert_int_equal(test_descriptors(), want);
}

static int listen_on_loopback(char *spec, size_t cap) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    (void)snprintf(spec, cap, "tcp://127.0.0.1:%u", ntohs(a.sin_port));
    return fd;
}

static void a_connection_is_open_and_does_not_block(void **state) {
    char spec[64], byte = 0;
    unsigned before = test_descriptors();
    int server = listen_on_loopback(spec, sizeof spec);
    struct tcp_open o;
    (void)state;
    int fd = open_it(&o, spec);
    assert_true(fd >= 0);
    tcp_open_end(&o);
    int peer = accept(server, NULL, NULL);
    assert_true(peer >= 0);
    assert_int_not_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    assert_int_not_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    assert_int_equal(read(fd, &byte, 1), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(write(peer, "x", 1), 1);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 10000), 1);
    assert_int_equal(read(fd, &byte, 1), 1);
    close(fd);
    close(peer);
    close(server);
    assert_descriptors(before);
}

static void a_refused_connection_says_so(void **state) {
    char spec[64];
    unsigned before = test_descriptors();
    struct tcp_open o;
    (void)state;
    close(listen_on_loopback(spec, sizeof spec)); /* nobody listens there any more */
    assert_int_equal(open_it(&o, spec), -ECONNREFUSED);
    tcp_open_end(&o);
    assert_descriptors(before);
}

/* A label of more than 63 letters: no name server needs to be asked (RFC 1035, 2.3.4). */
static void a_name_that_cannot_be_resolved_says_so(void **state) {
    char spec[TCP_HOST_MAX] = "tcp://";
    struct tcp_open o;
    (void)state;
    memset(spec + 6, 'a', 64);
    strcpy(spec + 6 + 64, ":1");
    assert_int_equal(open_it(&o, spec), -ENOENT);
    assert_string_not_equal(o.why, "");
    tcp_open_end(&o);
}

/* The resolver's thread goes on alone and frees what it shares; ASan and TSan watch. */
static void giving_up_while_resolving_leaves_nothing(void **state) {
    (void)state;
    for (int i = 0; i < 50; i++) {
        struct tcp_open o;
        assert_int_equal(tcp_open_begin(&o, "tcp://127.0.0.1:1", 0), 0);
        tcp_open_end(&o);
        tcp_open_end(&o); /* once more is no harm */
    }
}

static void a_connection_that_hangs_times_out(void **state) {
    char spec[64];
    struct tcp_open o;
    int server = listen_on_loopback(spec, sizeof spec), filler[64];
    size_t n = 0;
    (void)state;
    /* a full queue of connections: the next one is neither taken nor refused */
    for (bool full = false; !full && n < COUNT(filler); n++) {
        struct sockaddr_in a;
        socklen_t length = sizeof a;
        assert_int_equal(getsockname(server, (struct sockaddr *)&a, &length), 0);
        filler[n] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(filler[n], (struct sockaddr *)&a, sizeof a);
        struct pollfd p = {.fd = filler[n], .events = POLLOUT};
        full = poll(&p, 1, 50) == 0;
    }
    assert_int_equal(tcp_open_begin(&o, spec, 1000), 0);
    struct pollfd p = {.fd = -1};
    p.fd = tcp_open_fd(&o, &p.events);
    assert_int_equal(poll(&p, 1, 10000), 1); /* resolved */
    assert_int_equal(tcp_open_step(&o, 1000), -EINPROGRESS);
    assert_int_equal(tcp_open_step(&o, 1000 + TCP_CONNECT_MS - 1), -EINPROGRESS);
    assert_int_equal(tcp_open_step(&o, 1000 + TCP_CONNECT_MS), -ETIMEDOUT);
    tcp_open_end(&o);
    while (n > 0) {
        close(filler[--n]);
    }
    close(server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_host_and_port),
        cmocka_unit_test(a_host_that_is_too_long_is_refused),
        cmocka_unit_test(a_connection_is_open_and_does_not_block),
        cmocka_unit_test(a_refused_connection_says_so),
        cmocka_unit_test(a_name_that_cannot_be_resolved_says_so),
        cmocka_unit_test(giving_up_while_resolving_leaves_nothing),
        cmocka_unit_test(a_connection_that_hangs_times_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
