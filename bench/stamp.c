/* SPDX-License-Identifier: MIT */
/* The time of each write(2) of a 0x351, taken inside the process that is measured, whatever it is
 * written in: loaded by LD_PRELOAD, it stands before the C library's write().
 *
 * BENCH_STAMPS names a file of STAMPS rows of 32 bytes: CLOCK_MONOTONIC in microseconds (u64, the
 * machine's byte order) and the frame's text. A child process writes to the same rows: measure
 * programs that have none. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { STAMPS = 65536, TEXT = 24, HEAD = 4 };

struct stamp {
    uint64_t at_us;
    char text[TEXT];
};

static struct stamp *stamps;
static atomic_uint used;
static ssize_t (*next_write)(int, const void *, size_t);

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("BENCH_STAMPS");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *symbol = dlsym(RTLD_NEXT, "write");
    memcpy(&next_write, &symbol, sizeof next_write);
    if (fd >= 0) {
        void *memory =
            mmap(NULL, STAMPS * sizeof *stamps, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        stamps = memory == MAP_FAILED ? NULL : memory;
        (void)close(fd);
    }
}

ssize_t write(int fd, const void *bytes, size_t n) {
    if (stamps != NULL && n >= HEAD && n <= TEXT && memcmp(bytes, "t351", HEAD) == 0) {
        struct timespec t;
        unsigned at = atomic_fetch_add(&used, 1);
        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        if (at < STAMPS) {
            memcpy(stamps[at].text, bytes, n);
            stamps[at].at_us = (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
        }
    }
    return next_write(fd, bytes, n);
}
