/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "can_netlink.h"

#include <assert.h>
#include <linux/can/netlink.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>

enum {
    ATTRIBUTE_TYPE = 0x3FFF, /* without NLA_F_NESTED and NLA_F_NET_BYTEORDER */
    ERRNO_MAX = 4095,        /* the kernel's MAX_ERRNO */
};

_Static_assert(CAN_INTERFACE_NAME_MAX + 1 == IFNAMSIZ, "the kernel's limit");

const char *can_bus_state_text(enum can_bus_state state) {
    switch (state) {
    case CAN_BUS_ERROR_ACTIVE:
        return "error-active";
    case CAN_BUS_ERROR_WARNING:
        return "error-warning";
    case CAN_BUS_ERROR_PASSIVE:
        return "error-passive";
    case CAN_BUS_OFF:
        return "bus-off";
    case CAN_BUS_STOPPED:
        return "stopped";
    case CAN_BUS_SLEEPING:
        return "sleeping";
    case CAN_BUS_UNKNOWN:
        break;
    }
    return "unknown";
}

/* ---- reading ---- */

/* Bytes that belong to one message or attribute; at NULL: it was not there. */
struct span {
    const uint8_t *at;
    size_t length;
};

/* Copies the first `size` bytes, which may stand at any address, into out. */
static bool take(struct span s, void *out, size_t size) {
    if (s.at == NULL || s.length < size) {
        return false;
    }
    memcpy(out, s.at, size);
    return true;
}

static void skip(struct span *s, size_t n) {
    size_t whole = NLMSG_ALIGN(n) < s->length ? NLMSG_ALIGN(n) : s->length;
    s->at += whole;
    s->length -= whole;
}

/* Sorts the attributes of s by type into value[0..count), the last of each; others are passed over.
 * False when one does not fit. */
static bool take_attributes(struct span s, struct span *value, size_t count) {
    memset(value, 0, count * sizeof value[0]);
    while (s.length >= sizeof(struct nlattr)) {
        struct nlattr a;
        (void)take(s, &a, sizeof a);
        if (a.nla_len < sizeof a || a.nla_len > s.length) {
            return false;
        }
        size_t type = a.nla_type & ATTRIBUTE_TYPE;
        if (type < count) {
            value[type] = (struct span){.at = s.at + sizeof a, .length = a.nla_len - sizeof a};
        }
        skip(&s, a.nla_len);
    }
    return true;
}

static uint32_t number(struct span s, uint32_t otherwise) {
    uint32_t v;
    return take(s, &v, sizeof v) ? v : otherwise;
}

/* A text with its NUL inside; false when it has none or is longer than cap. */
static bool take_text(struct span s, char *out, size_t cap) {
    const uint8_t *end = s.at != NULL ? memchr(s.at, '\0', s.length) : NULL;
    if (end == NULL || (size_t)(end - s.at) >= cap) {
        return false;
    }
    memcpy(out, s.at, (size_t)(end - s.at) + 1);
    return true;
}

static enum can_bus_state state_of(uint32_t kernels) {
    static const enum can_bus_state state[] = {
        [CAN_STATE_ERROR_ACTIVE] = CAN_BUS_ERROR_ACTIVE,
        [CAN_STATE_ERROR_WARNING] = CAN_BUS_ERROR_WARNING,
        [CAN_STATE_ERROR_PASSIVE] = CAN_BUS_ERROR_PASSIVE,
        [CAN_STATE_BUS_OFF] = CAN_BUS_OFF,
        [CAN_STATE_STOPPED] = CAN_BUS_STOPPED,
        [CAN_STATE_SLEEPING] = CAN_BUS_SLEEPING,
    };
    return kernels < sizeof state / sizeof state[0] ? state[kernels] : CAN_BUS_UNKNOWN;
}

static bool take_controller(struct span data, struct can_interface *out) {
    struct span value[IFLA_CAN_MAX + 1];
    if (!take_attributes(data, value, IFLA_CAN_MAX + 1)) {
        return false;
    }
    out->state = state_of(number(value[IFLA_CAN_STATE], UINT32_MAX));
    struct can_bittiming timing;
    /* All ones: slcan's word for an adapter whose rate was set by somebody else. */
    if (take(value[IFLA_CAN_BITTIMING], &timing, sizeof timing) && timing.bitrate != UINT32_MAX) {
        out->bitrate = timing.bitrate;
    }
    struct can_ctrlmode mode;
    if (take(value[IFLA_CAN_CTRLMODE], &mode, sizeof mode)) {
        out->mode_known = true;
        out->loopback = (mode.flags & CAN_CTRLMODE_LOOPBACK) != 0;
        out->listen_only = (mode.flags & CAN_CTRLMODE_LISTENONLY) != 0;
    }
    out->restart_known = take(value[IFLA_CAN_RESTART_MS], &out->restart_ms, sizeof out->restart_ms);
    struct can_berr_counter counter;
    if (take(value[IFLA_CAN_BERR_COUNTER], &counter, sizeof counter)) {
        out->counters_known = true;
        out->tx_error_counter = counter.txerr;
        out->rx_error_counter = counter.rxerr;
    }
    return true;
}

static bool take_link_info(struct span info, struct can_interface *out) {
    struct span value[IFLA_INFO_DATA + 1];
    char kind[16];
    if (!take_attributes(info, value, IFLA_INFO_DATA + 1)) {
        return false;
    }
    if (!take_text(value[IFLA_INFO_KIND], kind, sizeof kind) || strcmp(kind, "can") != 0) {
        return true; /* a virtual one: what stands in it means something else */
    }
    return value[IFLA_INFO_DATA].at == NULL || take_controller(value[IFLA_INFO_DATA], out);
}

static bool take_interface(struct span s, struct can_interface *out) {
    struct ifinfomsg head;
    struct span value[IFLA_CARRIER + 1];
    memset(out, 0, sizeof *out);
    if (!take(s, &head, sizeof head)) {
        return false;
    }
    skip(&s, sizeof head);
    if (head.ifi_index <= 0 || !take_attributes(s, value, IFLA_CARRIER + 1) ||
        !take_text(value[IFLA_IFNAME], out->name, sizeof out->name)) {
        return false;
    }
    out->index = (uint32_t)head.ifi_index;
    out->is_can = head.ifi_type == ARPHRD_CAN;
    out->up = (head.ifi_flags & IFF_UP) != 0;
    uint8_t carrier = 1;
    (void)take(value[IFLA_CARRIER], &carrier, sizeof carrier);
    out->carrier = carrier != 0;
    out->tx_queue_length = number(value[IFLA_TXQLEN], 0);
    return !out->is_can || value[IFLA_LINKINFO].at == NULL ||
           take_link_info(value[IFLA_LINKINFO], out);
}

static void take_message(uint16_t type, struct span s, struct can_netlink_message *out) {
    struct nlmsgerr end;
    switch (type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
        if (take_interface(s, &out->interface)) {
            out->kind = type == RTM_NEWLINK ? CAN_NETLINK_INTERFACE : CAN_NETLINK_GONE;
        }
        return;
    case NLMSG_ERROR:
        if (take(s, &end, sizeof end) && end.error <= 0 && end.error >= -ERRNO_MAX) {
            out->kind = CAN_NETLINK_ANSWER;
            out->error = end.error;
        }
        return;
    default:
        return;
    }
}

bool can_netlink_next(const void *bytes, size_t n, size_t *pos, struct can_netlink_message *out) {
    struct nlmsghdr head;
    assert(*pos <= n);
    struct span s = {.at = (const uint8_t *)bytes + *pos, .length = n - *pos};
    memset(out, 0, sizeof *out);
    out->kind = CAN_NETLINK_OTHER;
    if (!take(s, &head, sizeof head) || head.nlmsg_len < sizeof head || head.nlmsg_len > s.length) {
        return false;
    }
    out->sequence = head.nlmsg_seq;
    take_message(head.nlmsg_type,
                 (struct span){.at = s.at + sizeof head, .length = head.nlmsg_len - sizeof head},
                 out);
    skip(&s, head.nlmsg_len);
    *pos = n - s.length;
    return true;
}

/* ---- writing ---- */

struct message {
    uint8_t *buf;
    size_t length;
};

/* Returns where it begins. */
static size_t add(struct message *m, const void *bytes, size_t n) {
    size_t at = m->length;
    assert(at + NLMSG_ALIGN(n) <= CAN_NETLINK_REQUEST_MAX);
    memset(m->buf + at, 0, NLMSG_ALIGN(n));
    if (n != 0) {
        memcpy(m->buf + at, bytes, n);
    }
    m->length += NLMSG_ALIGN(n);
    return at;
}

static size_t begin_attribute(struct message *m, uint16_t type) {
    const struct nlattr a = {.nla_type = type};
    return add(m, &a, sizeof a);
}

/* The length as it is now, so the padding of the value counts where others follow inside. */
static void end_attribute(struct message *m, size_t at, size_t padding) {
    uint16_t length = (uint16_t)(m->length - at - padding);
    memcpy(m->buf + at, &length, sizeof length);
}

static void add_attribute(struct message *m, uint16_t type, const void *bytes, size_t n) {
    size_t at = begin_attribute(m, type);
    (void)add(m, bytes, n);
    end_attribute(m, at, NLMSG_ALIGN(n) - n);
}

static struct message begin(uint8_t *buf, uint16_t type, uint32_t sequence, bool answer,
                            const struct ifinfomsg *body) {
    struct message m = {.buf = buf};
    const struct nlmsghdr head = {
        .nlmsg_type = type,
        .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | (answer ? NLM_F_ACK : 0)),
        .nlmsg_seq = sequence,
    };
    (void)add(&m, &head, sizeof head);
    (void)add(&m, body, sizeof *body);
    return m;
}

static size_t finish(struct message *m) {
    uint32_t length = (uint32_t)m->length;
    memcpy(m->buf + offsetof(struct nlmsghdr, nlmsg_len), &length, sizeof length);
    return m->length;
}

size_t can_netlink_ask(uint8_t buf[CAN_NETLINK_REQUEST_MAX], uint32_t sequence, const char *name) {
    const struct ifinfomsg body = {.ifi_family = AF_UNSPEC};
    size_t n = strlen(name);
    assert(n > 0 && n <= CAN_INTERFACE_NAME_MAX);
    struct message m = begin(buf, RTM_GETLINK, sequence, false, &body);
    add_attribute(&m, IFLA_IFNAME, name, n + 1);
    return finish(&m);
}

size_t can_netlink_set_up(uint8_t buf[CAN_NETLINK_REQUEST_MAX], uint32_t sequence, uint32_t index,
                          bool up) {
    const struct ifinfomsg body = {
        .ifi_family = AF_UNSPEC,
        .ifi_index = (int)index,
        .ifi_flags = up ? IFF_UP : 0,
        .ifi_change = IFF_UP,
    };
    struct message m = begin(buf, RTM_NEWLINK, sequence, true, &body);
    return finish(&m);
}

size_t can_netlink_restart(uint8_t buf[CAN_NETLINK_REQUEST_MAX], uint32_t sequence,
                           uint32_t index) {
    const struct ifinfomsg body = {.ifi_family = AF_UNSPEC, .ifi_index = (int)index};
    const uint32_t yes = 1;
    struct message m = begin(buf, RTM_NEWLINK, sequence, true, &body);
    size_t info = begin_attribute(&m, IFLA_LINKINFO);
    add_attribute(&m, IFLA_INFO_KIND, "can", sizeof "can");
    size_t data = begin_attribute(&m, IFLA_INFO_DATA);
    add_attribute(&m, IFLA_CAN_RESTART, &yes, sizeof yes);
    end_attribute(&m, data, 0);
    end_attribute(&m, info, 0);
    return finish(&m);
}
