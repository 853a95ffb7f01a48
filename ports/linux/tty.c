/* SPDX-License-Identifier: MIT */
/* The kernel's own termios2 is used, because it alone takes any bit rate (BOTHER). Its header
 * excludes <termios.h>, so this file talks to the driver by ioctl(2) throughout. */
#define _GNU_SOURCE
#include "tty.h"

#include <asm/termbits.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { PTY_MAJOR_FIRST = 136, PTY_MAJOR_LAST = 143, RATE_TOLERANCE_PERCENT = 3 };

static bool is_pty(int fd) {
    struct stat st;
    return fstat(fd, &st) == 0 && major(st.st_rdev) >= PTY_MAJOR_FIRST &&
           major(st.st_rdev) <= PTY_MAJOR_LAST;
}

/* flock(2) keeps out a second gateway and every program that locks too. TIOCEXCL keeps out all
 * others but root's, which are found by asking whether the line is exclusive already. The mode
 * would outlive us on a pty, whose other end may stay open: there the lock alone must do. */
static int take(int fd) {
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    }
    if (is_pty(fd)) {
        return 0;
    }
    int exclusive = 0;
    if (ioctl(fd, TIOCGEXCL, &exclusive) == 0 && exclusive != 0) {
        return -EBUSY;
    }
    return ioctl(fd, TIOCEXCL) == 0 ? 0 : -errno;
}

static bool rate_is_near(uint32_t got, uint32_t wanted) {
    uint64_t difference = got > wanted ? got - wanted : wanted - got;
    return difference * 100 <= (uint64_t)wanted * RATE_TOLERANCE_PERCENT;
}

static int configure(int fd, uint32_t baudrate) {
    struct termios2 t;
    if (ioctl(fd, TCGETS2, &t) != 0) {
        return -errno;
    }
    t.c_iflag = IGNBRK | IGNPAR;
    t.c_oflag = 0;
    t.c_lflag = 0;
    t.c_cflag = CS8 | CREAD | CLOCAL | BOTHER | ((tcflag_t)BOTHER << IBSHIFT);
    t.c_ispeed = baudrate;
    t.c_ospeed = baudrate;
    t.c_cc[VMIN] = 1; /* so that a read of 0 bytes means that the line is gone */
    t.c_cc[VTIME] = 0;
    if (ioctl(fd, TCSETS2, &t) != 0 || ioctl(fd, TCGETS2, &t) != 0) {
        return -errno;
    }
    return rate_is_near(t.c_ospeed, baudrate) ? 0 : -EINVAL;
}

int tty_open(const char *path, uint32_t baudrate) {
    int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    struct termios2 t;
    if (ioctl(fd, TCGETS2, &t) != 0) { /* before take(): a file that is no tty is not locked */
        int err = -errno;
        (void)close(fd);
        return err;
    }
    int err = take(fd);
    if (err != 0) {
        (void)close(fd); /* not ours: its mode and its queues stay as they are */
        return err;
    }
    err = configure(fd, baudrate);
    if (err == 0 && ioctl(fd, TCFLSH, TCIOFLUSH) != 0) {
        err = -errno;
    }
    if (err != 0) {
        tty_close(fd);
        return err;
    }
    return fd;
}

void tty_close(int fd) {
    (void)ioctl(fd, TCFLSH, TCIOFLUSH); /* else close(2) may wait 30 s for a stuck adapter */
    if (!is_pty(fd)) {
        (void)ioctl(fd, TIOCNXCL);
    }
    (void)close(fd);
}

static bool all_digits(const char *s) {
    if (*s == '\0') {
        return false;
    }
    for (; *s != '\0'; s++) {
        if (!isdigit((unsigned char)*s)) {
            return false;
        }
    }
    return true;
}

/* Whether process `pid` has the device open. */
static bool has_open(const char *pid, dev_t device) {
    char path[300];
    (void)snprintf(path, sizeof path, "/proc/%s/fd", pid);
    DIR *d = opendir(path);
    if (d == NULL) {
        return false;
    }
    bool found = false;
    for (struct dirent *e = readdir(d); e != NULL && !found; e = readdir(d)) {
        struct stat st;
        found = all_digits(e->d_name) && fstatat(dirfd(d), e->d_name, &st, 0) == 0 &&
                S_ISCHR(st.st_mode) && st.st_rdev == device;
    }
    (void)closedir(d);
    return found;
}

static void describe(const char *pid, char *buf, size_t cap) {
    char path[300], name[64] = "?";
    (void)snprintf(path, sizeof path, "/proc/%s/comm", pid);
    FILE *f = fopen(path, "re");
    if (f != NULL) {
        if (fgets(name, sizeof name, f) != NULL) {
            name[strcspn(name, "\n")] = '\0';
        }
        (void)fclose(f);
    }
    (void)snprintf(buf, cap, "pid=%s program=%s", pid, name);
}

void tty_owner(const char *path, char *buf, size_t cap) {
    buf[0] = '\0';
    struct stat st;
    DIR *d = stat(path, &st) == 0 && S_ISCHR(st.st_mode) ? opendir("/proc") : NULL;
    if (d == NULL) {
        return;
    }
    long self = (long)getpid();
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        if (all_digits(e->d_name) && strtol(e->d_name, NULL, 10) != self &&
            has_open(e->d_name, st.st_rdev)) {
            describe(e->d_name, buf, cap);
            break;
        }
    }
    (void)closedir(d);
}
