/* SPDX-License-Identifier: MIT */
/* A pseudo-terminal for a test: the device under test opens its path. */
#ifndef TESTS_UNIT_LINUX_TEST_PTY_H
#define TESTS_UNIT_LINUX_TEST_PTY_H

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { TEST_PTY_PATH = 64 };

/* Returns the master, non-blocking, with the slave's path in path. */
static inline int test_pty_open(char path[TEST_PTY_PATH]) {
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    assert_int_equal(ptsname_r(master, path, TEST_PTY_PATH), 0);
    return master;
}

/* How many descriptors this process has open. */
static inline unsigned test_descriptors(void) {
    unsigned n = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d) != NULL) {
        n++;
    }
    closedir(d);
    return n;
}

#endif
