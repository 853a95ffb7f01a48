/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "socketcan.h"

#include <errno.h>
#include <linux/can.h>
#include <linux/can/error.h>
#include <linux/can/raw.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "victron/victron.h"

#ifndef CAN_ERR_CNT /* Linux 6.0 */
#define CAN_ERR_CNT 0x00000200U
#endif

/* ---- opening ---- */

static bool set_filters(int fd) {
    /* With EFF and RTR in the mask, 29-bit and remote frames of the same number do not match. */
    const canid_t mask = CAN_SFF_MASK | CAN_EFF_FLAG | CAN_RTR_FLAG;
    const struct can_filter filter[] = {
        {.can_id = VICTRON_ID_GX_KEEPALIVE, .can_mask = mask},
        {.can_id = VICTRON_ID_GX_IDENTITY, .can_mask = mask},
    };
    const int smallest = 1; /* the kernel makes that its minimum: about six frames */
    return setsockopt(fd, SOL_CAN_RAW, CAN_RAW_FILTER, filter, sizeof filter) == 0 &&
           socketcan_want_errors(fd, true) &&
           setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest) == 0;
}

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
    const bool up = (r.ifr_flags & IFF_UP) != 0;
    if (ioctl(fd, SIOCGIFINDEX, &r) != 0) {
        return -errno;
    }
    struct sockaddr_can address;
    memset(&address, 0, sizeof address);
    address.can_family = AF_CAN;
    address.can_ifindex = r.ifr_ifindex;
    if (!set_filters(fd) || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        return -errno;
    }
    return up ? 0 : -ENETDOWN;
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

bool socketcan_want_errors(int fd, bool all) {
    const can_err_mask_t mask =
        CAN_ERR_BUSOFF | CAN_ERR_RESTARTED | (all ? CAN_ERR_CRTL | CAN_ERR_ACK : 0);
    return setsockopt(fd, SOL_CAN_RAW, CAN_RAW_ERR_FILTER, &mask, sizeof mask) == 0;
}

/* ---- frames ---- */

static enum can_bus_state state_of(const struct can_frame *f) {
    if ((f->can_id & CAN_ERR_BUSOFF) != 0) {
        return CAN_BUS_OFF;
    }
    if ((f->can_id & CAN_ERR_RESTARTED) != 0) {
        return CAN_BUS_ERROR_ACTIVE;
    }
    const uint8_t controller = (f->can_id & CAN_ERR_CRTL) != 0 ? f->data[1] : 0;
    if ((controller & (CAN_ERR_CRTL_TX_PASSIVE | CAN_ERR_CRTL_RX_PASSIVE)) != 0) {
        return CAN_BUS_ERROR_PASSIVE;
    }
    if ((controller & (CAN_ERR_CRTL_TX_WARNING | CAN_ERR_CRTL_RX_WARNING)) != 0) {
        return CAN_BUS_ERROR_WARNING;
    }
    return (controller & CAN_ERR_CRTL_ACTIVE) != 0 ? CAN_BUS_ERROR_ACTIVE : CAN_BUS_UNKNOWN;
}

static struct socketcan_error decode_error(const struct can_frame *f) {
    struct socketcan_error e = {
        .bus_off = (f->can_id & CAN_ERR_BUSOFF) != 0,
        .restarted = (f->can_id & CAN_ERR_RESTARTED) != 0,
        .unacknowledged = (f->can_id & CAN_ERR_ACK) != 0,
        .state = state_of(f),
    };
    /* Before Linux 6.0 nothing says whether the counters are there. */
    e.counters_known = (f->can_id & CAN_ERR_CNT) != 0 ||
                       ((f->can_id & CAN_ERR_CRTL) != 0 && (f->data[6] | f->data[7]) != 0);
    if (e.counters_known) {
        e.tx_error_counter = f->data[6];
        e.rx_error_counter = f->data[7];
    }
    return e;
}

enum socketcan_result socketcan_read(int fd, struct victron_frame *out,
                                     struct socketcan_error *error) {
    struct can_frame f;
    ssize_t n = read(fd, &f, sizeof f);
    if (n < 0) {
        return errno == EAGAIN || errno == EINTR ? SOCKETCAN_NOT_NOW : SOCKETCAN_FAILED;
    }
    if (n == (ssize_t)sizeof f && (f.can_id & CAN_ERR_FLAG) != 0 && f.can_dlc == CAN_ERR_DLC) {
        *error = decode_error(&f);
        return SOCKETCAN_ERROR;
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

/* ENOBUFS: the interface's queue is full; EAGAIN: so is our share of it. Both as on a bus where
 * nobody acknowledges. */
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

/* ---- for people ---- */

static bool is_can(int fd, const char *interface) {
    struct ifreq r;
    memset(&r, 0, sizeof r);
    (void)snprintf(r.ifr_name, sizeof r.ifr_name, "%s", interface);
    return ioctl(fd, SIOCGIFHWADDR, &r) == 0 && r.ifr_hwaddr.sa_family == ARPHRD_CAN;
}

void socketcan_list(char *out, size_t cap) {
    size_t n = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct if_nameindex *all = if_nameindex();
    out[0] = '\0';
    for (const struct if_nameindex *i = all; fd >= 0 && i != NULL && i->if_index != 0; i++) {
        if (!is_can(fd, i->if_name) || strlen(i->if_name) + 2 > cap - n) {
            continue;
        }
        n += (size_t)snprintf(out + n, cap - n, "%s%s", n != 0 ? " " : "", i->if_name);
    }
    if (all != NULL) {
        if_freenameindex(all);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

bool socketcan_has_device(const char *interface) {
    char path[64];
    int n = snprintf(path, sizeof path, "/sys/class/net/%s/device", interface);
    return n > 0 && (size_t)n < sizeof path && access(path, F_OK) == 0;
}
