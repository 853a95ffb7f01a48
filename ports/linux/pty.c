/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "pty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static bool leads_to(const char *path, const char *target) {
    char there[PTY_NAME_MAX];
    ssize_t n = readlink(path, there, sizeof there);
    return n == (ssize_t)strlen(target) && memcmp(there, target, (size_t)n) == 0;
}

/* A symbolic link that may be replaced. */
static bool is_left_over(const char *path, const char *slave) {
    struct stat st;
    if (lstat(path, &st) < 0 || !S_ISLNK(st.st_mode)) {
        return false;
    }
    return stat(path, &st) < 0 || leads_to(path, slave);
}

static int make_link(const char *slave, const char *path, char *why, size_t cap) {
    if (symlink(slave, path) == 0) {
        return 0;
    }
    if (errno == EEXIST && is_left_over(path, slave) && unlink(path) == 0 &&
        symlink(slave, path) == 0) {
        return 0;
    }
    if (errno == EEXIST) {
        (void)snprintf(why, cap,
                       "%s is there already and is not a link left over: "
                       "remove it or choose another path",
                       path);
    } else {
        (void)snprintf(why, cap, "cannot make the link %s: %s", path, strerror(errno));
    }
    return -1;
}

/* The slave's settings outlive its being closed as long as the master is open. */
static int make_raw(int master) {
    struct termios t;
    if (tcgetattr(master, &t) < 0) {
        return -1;
    }
    cfmakeraw(&t);
    return tcsetattr(master, TCSANOW, &t);
}

int pty_open(struct pty *p, const char *path, char *why, size_t cap) {
    *p = (struct pty){.link = path};
    p->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (p->master < 0 || grantpt(p->master) < 0 || unlockpt(p->master) < 0 ||
        ptsname_r(p->master, p->slave, sizeof p->slave) != 0 || make_raw(p->master) < 0 ||
        fcntl(p->master, F_SETFL, O_NONBLOCK) < 0) {
        (void)snprintf(why, cap, "cannot make a pseudo-terminal: %s", strerror(errno));
        if (p->master >= 0) {
            (void)close(p->master);
        }
        return -1;
    }
    /* until a slave has been open once the master reports no hang-up: open it once */
    int slave = open(p->slave, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave >= 0) {
        (void)close(slave);
    }
    if (make_link(p->slave, path, why, cap) < 0) {
        (void)close(p->master);
        return -1;
    }
    return 0;
}

void pty_close(struct pty *p) {
    if (leads_to(p->link, p->slave)) {
        (void)unlink(p->link);
    }
    (void)close(p->master);
    p->master = -1;
}

ssize_t pty_read(struct pty *p, uint8_t *buf, size_t cap) {
    ssize_t n = read(p->master, buf, cap);
    if (n >= 0) {
        p->peer = true;
        return n;
    }
    p->peer = errno != EIO;
    return errno == EIO || errno == EAGAIN || errno == EINTR ? 0 : -1;
}

void pty_write(struct pty *p, const uint8_t *bytes, size_t n) {
    if (p->peer) {
        (void)!write(p->master, bytes, n);
    }
}
