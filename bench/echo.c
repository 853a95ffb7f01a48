/* SPDX-License-Identifier: MIT */
/* Not a gateway: what the two pseudo-terminals and the kernel take by themselves. Asks for a sample
 * ten times a second and, at the last byte of each reply, writes a 0x351 that it had ready.
 * Whatever a gateway takes beyond this is its own.
 *
 *     bench-echo SERIAL_DEVICE SLCAN_DEVICE */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <termios.h>
#include <unistd.h>

enum { REPLY_BYTES = 113, PERIOD_NS = 100000000, REAL_TIME_PRIORITY = 10 };

static const uint8_t ask[] = {0xAA, 0x03, 0x00, 0x00, 0x00, 0x36, 0xDC, 0x07};
static const char frame[] = "t35184502000000000000\r"; /* both limits 0 */

static int open_raw(const char *path) {
    struct termios t;
    int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || tcgetattr(fd, &t) != 0)
        return -1;
    cfmakeraw(&t);
    return tcsetattr(fd, TCSANOW, &t) == 0 ? fd : -1;
}

/* What was waiting is lost on purpose: the adapter's answers mean nothing here. */
static void discard(int fd) {
    char text[512];
    while (read(fd, text, sizeof text) > 0) {
    }
}

int main(int argc, char **argv) {
    int uart = argc == 3 ? open_raw(argv[1]) : -1, can = argc == 3 ? open_raw(argv[2]) : -1;
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    const struct itimerspec period = {{0, PERIOD_NS}, {0, PERIOD_NS}};
    const struct sched_param priority = {.sched_priority = REAL_TIME_PRIORITY};
    size_t got = 0;
    if (uart < 0 || can < 0 || timerfd_settime(timer, 0, &period, NULL) != 0) {
        (void)fprintf(stderr, "bench-echo: %s\n", strerror(errno));
        return 1;
    }
    (void)sched_setscheduler(0, SCHED_FIFO, &priority); /* as the gateway has */
    (void)!write(can, "S6\rO\r", 5);
    for (;;) {
        struct pollfd p[2] = {{.fd = uart, .events = POLLIN}, {.fd = timer, .events = POLLIN}};
        uint8_t bytes[256];
        uint64_t ticks;
        if (poll(p, 2, -1) < 0)
            return 1;
        if (p[0].revents != 0) {
            ssize_t n = read(uart, bytes, sizeof bytes);
            if (n == 0 || (n < 0 && errno != EAGAIN))
                return 0; /* the peer is gone */
            got += n > 0 ? (size_t)n : 0;
            if (got == REPLY_BYTES)
                (void)!write(can, frame, sizeof frame - 1);
        }
        if (p[1].revents != 0) {
            (void)!read(timer, &ticks, sizeof ticks);
            discard(can);
            got = 0;
            (void)!write(uart, ask, sizeof ask);
        }
    }
}
