/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "socketcan.h"

#include <errno.h>
#include <linux/can.h>
#include <linux/can/raw.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "victron/victron.h"

static int set_up(int fd, const char *interface) {
    struct ifreq r;
    memset(&r, 0, sizeof r);
    if (strlen(interface) == 0 || strlen(interface) >= sizeof r.ifr_name) {
        return -ENODEV;
    }
    memcpy(r.ifr_name, interface, strlen(interface));
    if (ioctl(fd, SIOCGIFFLAGS, &r) != 0) {
        return -errno;
    }
    if ((r.ifr_flags & IFF_UP) == 0) {
        return -ENETDOWN;
    }
    if (ioctl(fd, SIOCGIFINDEX, &r) != 0) {
        return -errno;
    }
    /* With EFF and RTR in the mask, 29-bit and remote frames of the same number do not match. */
    const canid_t mask = CAN_SFF_MASK | CAN_EFF_FLAG | CAN_RTR_FLAG;
    const struct can_filter filter[] = {
        {.can_id = VICTRON_ID_GX_KEEPALIVE, .can_mask = mask},
        {.can_id = VICTRON_ID_GX_IDENTITY, .can_mask = mask},
    };
    struct sockaddr_can address;
    memset(&address, 0, sizeof address);
    address.can_family = AF_CAN;
    address.can_ifindex = r.ifr_ifindex;
    if (setsockopt(fd, SOL_CAN_RAW, CAN_RAW_FILTER, filter, sizeof filter) != 0 ||
        bind(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        return -errno;
    }
    return 0;
}

int socketcan_open(const char *interface) {
    int fd = socket(AF_CAN, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, CAN_RAW);
    if (fd < 0) {
        return -errno;
    }
    int err = set_up(fd, interface);
    if (err != 0) {
        (void)close(fd);
        return err;
    }
    return fd;
}

enum socketcan_result socketcan_read(int fd, struct victron_frame *out) {
    struct can_frame f;
    ssize_t n = read(fd, &f, sizeof f);
    if (n < 0) {
        return errno == EAGAIN || errno == EINTR ? SOCKETCAN_NOT_NOW : SOCKETCAN_FAILED;
    }
    if (n != (ssize_t)sizeof f || (f.can_id & ~(canid_t)CAN_SFF_MASK) != 0 || f.can_dlc > 8) {
        return SOCKETCAN_NOT_NOW; /* the filter lets none of these through */
    }
    memset(out, 0, sizeof *out);
    out->id = (uint16_t)f.can_id;
    out->len = f.can_dlc;
    memcpy(out->data, f.data, f.can_dlc);
    return SOCKETCAN_DONE;
}

/* ENOBUFS: the interface's queue is full, as on a bus where nobody acknowledges. */
enum socketcan_result socketcan_write(int fd, const struct victron_frame *f) {
    struct can_frame out;
    memset(&out, 0, sizeof out);
    out.can_id = f->id;
    out.can_dlc = f->len;
    memcpy(out.data, f->data, f->len);
    ssize_t n = write(fd, &out, sizeof out);
    if (n == (ssize_t)sizeof out) {
        return SOCKETCAN_DONE;
    }
    if (n >= 0 || errno == ENOBUFS || errno == EAGAIN || errno == EINTR) {
        return SOCKETCAN_NOT_NOW;
    }
    return SOCKETCAN_FAILED;
}
