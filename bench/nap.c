/* SPDX-License-Identifier: MIT */
/* A program that sleeps and wakes and does nothing else, with the priority of the gateway thread:
 * what so many wake-ups cost on this machine now.
 *
 *     bench-nap MICROSECONDS */
#define _GNU_SOURCE
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { REAL_TIME_PRIORITY = 10 };

int main(int argc, char **argv) {
    const unsigned long us = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    const struct timespec nap = {.tv_sec = (time_t)(us / 1000000u),
                                 .tv_nsec = (long)(us % 1000000u) * 1000};
    const struct sched_param priority = {.sched_priority = REAL_TIME_PRIORITY};
    if (us == 0) {
        (void)fprintf(stderr, "usage: bench-nap MICROSECONDS\n");
        return 2;
    }
    (void)sched_setscheduler(0, SCHED_FIFO, &priority);
    for (;;)
        (void)ppoll(NULL, 0, &nap, NULL);
}
