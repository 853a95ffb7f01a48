/* SPDX-License-Identifier: MIT */
/* Messages made by hand from linux/rtnetlink.h, linux/if_link.h and linux/can/netlink.h, all
 * numbers in the byte order of the machine; and what a Linux 6.1 said of an interface. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "can_netlink.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* Types and attributes by their numbers. */
enum {
    ERROR = 2,
    NEWLINK = 16,
    DELLINK = 17,
    GETLINK = 18,
    IFNAME = 3,
    TXQLEN = 13,
    LINKINFO = 18,
    CARRIER = 33,
    INFO_KIND = 1,
    INFO_DATA = 2,
    CAN_BITTIMING = 1,
    CAN_STATE = 4,
    CAN_CTRLMODE = 5,
    CAN_RESTART_MS = 6,
    CAN_BERR_COUNTER = 8,
    TYPE_CAN = 280,
    TYPE_ETHER = 1,
    FLAG_UP = 1,
};

struct bytes {
    uint8_t at[1024];
    size_t n;
};

static void put(struct bytes *b, const void *data, size_t n) {
    memcpy(b->at + b->n, data, n);
    b->n += n;
}

static void put16(struct bytes *b, uint16_t v) {
    put(b, &v, sizeof v);
}

static void put32(struct bytes *b, uint32_t v) {
    put(b, &v, sizeof v);
}

static void pad(struct bytes *b) {
    static const uint8_t zero[4] = {0};
    put(b, zero, (4 - b->n % 4) % 4);
}

static void attribute(struct bytes *b, uint16_t type, const void *data, size_t n) {
    put16(b, (uint16_t)(4 + n));
    put16(b, type);
    put(b, data, n);
    pad(b);
}

static void attribute32(struct bytes *b, uint16_t type, uint32_t v) {
    attribute(b, type, &v, sizeof v);
}

static void set32(struct bytes *b, size_t at, uint32_t v) {
    memcpy(b->at + at, &v, sizeof v);
}

static void set16(struct bytes *b, size_t at, uint16_t v) {
    memcpy(b->at + at, &v, sizeof v);
}

/* nlmsghdr and ifinfomsg: 16 + 16 bytes. */
static struct bytes begin(uint16_t message, uint16_t type, uint32_t index, uint32_t flags) {
    struct bytes b = {.n = 0};
    put32(&b, 0);
    put16(&b, message);
    put16(&b, 0);
    put32(&b, 7); /* sequence */
    put32(&b, 0);
    put16(&b, 0); /* family and padding */
    put16(&b, type);
    put32(&b, index);
    put32(&b, flags);
    put32(&b, 0);
    return b;
}

static void end(struct bytes *b) {
    set32(b, 0, (uint32_t)b->n);
}

/* Everything that a controller tells. */
static struct bytes full_message(void) {
    struct bytes b = begin(NEWLINK, TYPE_CAN, 3, FLAG_UP);
    struct bytes data = {.n = 0}, info = {.n = 0};
    const uint32_t timing[8] = {250000, 875, 0, 0, 0, 0, 0, 0};
    const uint32_t mode[2] = {0, 0x1 | 0x2}; /* loopback, listen-only */
    const uint16_t errors[2] = {130, 7};     /* tx, rx */
    const uint8_t carrier = 0;
    attribute(&data, CAN_BITTIMING, timing, sizeof timing);
    attribute32(&data, CAN_STATE, 3);
    attribute(&data, CAN_CTRLMODE, mode, sizeof mode);
    attribute32(&data, CAN_RESTART_MS, 100);
    attribute(&data, CAN_BERR_COUNTER, errors, sizeof errors);
    attribute(&info, INFO_KIND, "can", 4);
    attribute(&info, INFO_DATA, data.at, data.n);
    attribute(&b, IFNAME, "can0", 5);
    attribute32(&b, TXQLEN, 1000);
    attribute(&b, CARRIER, &carrier, 1);
    attribute(&b, LINKINFO, info.at, info.n);
    end(&b);
    return b;
}

static struct can_netlink_message read_one(const struct bytes *b) {
    struct can_netlink_message m, none;
    size_t pos = 0;
    assert_true(can_netlink_next(b->at, b->n, &pos, &m));
    assert_int_equal(pos, b->n);
    assert_false(can_netlink_next(b->at, b->n, &pos, &none));
    return m;
}

static void everything_that_a_controller_tells_is_read(void **state) {
    (void)state;
    const struct bytes b = full_message();
    const struct can_netlink_message m = read_one(&b);
    const struct can_interface *i = &m.interface;
    assert_int_equal(m.kind, CAN_NETLINK_INTERFACE);
    assert_int_equal(m.sequence, 7);
    assert_int_equal(i->index, 3);
    assert_string_equal(i->name, "can0");
    assert_true(i->is_can && i->up && !i->carrier);
    assert_int_equal(i->tx_queue_length, 1000);
    assert_int_equal(i->state, CAN_BUS_OFF);
    assert_int_equal(i->bitrate, 250000);
    assert_true(i->mode_known && i->loopback && i->listen_only);
    assert_true(i->restart_known);
    assert_int_equal(i->restart_ms, 100);
    assert_true(i->counters_known);
    assert_int_equal(i->tx_error_counter, 130);
    assert_int_equal(i->rx_error_counter, 7);
}

static void what_is_not_told_is_unknown(void **state) {
    (void)state;
    struct bytes b = begin(NEWLINK, TYPE_CAN, 2, 0);
    attribute(&b, IFNAME, "vcan0", 6);
    end(&b);
    const struct can_interface i = read_one(&b).interface;
    assert_true(i.is_can && !i.up && i.carrier);
    assert_int_equal(i.state, CAN_BUS_UNKNOWN);
    assert_int_equal(i.bitrate, 0);
    assert_false(i.mode_known || i.restart_known || i.counters_known);
}

/* The data of another kind of link means something else: of vxcan, 1 is the peer. */
static void the_data_of_another_kind_is_not_a_controllers(void **state) {
    (void)state;
    static const struct {
        const char *what;
        const char *kind;
        uint16_t type;
    } cases[] = {
        {"a virtual tunnel", "vxcan", TYPE_CAN},
        {"no CAN interface", "can", TYPE_ETHER},
    };
    for (size_t c = 0; c < COUNT(cases); c++) {
        struct bytes b = begin(NEWLINK, cases[c].type, 2, FLAG_UP);
        struct bytes data = {.n = 0}, info = {.n = 0};
        attribute32(&data, CAN_STATE, 3);
        attribute(&info, INFO_KIND, cases[c].kind, strlen(cases[c].kind) + 1);
        attribute(&info, INFO_DATA, data.at, data.n);
        attribute(&b, IFNAME, "x", 2);
        attribute(&b, LINKINFO, info.at, info.n);
        end(&b);
        const struct can_netlink_message m = read_one(&b);
        assert_int_equal(m.kind, CAN_NETLINK_INTERFACE);
        assert_int_equal(m.interface.state, CAN_BUS_UNKNOWN);
        assert_int_equal(m.interface.is_can, cases[c].type == TYPE_CAN);
    }
}

static void every_state_of_the_kernel_has_its_name(void **state) {
    (void)state;
    static const struct {
        uint32_t kernels;
        enum can_bus_state state;
        const char *text;
    } cases[] = {
        {0, CAN_BUS_ERROR_ACTIVE, "error-active"},
        {1, CAN_BUS_ERROR_WARNING, "error-warning"},
        {2, CAN_BUS_ERROR_PASSIVE, "error-passive"},
        {3, CAN_BUS_OFF, "bus-off"},
        {4, CAN_BUS_STOPPED, "stopped"},
        {5, CAN_BUS_SLEEPING, "sleeping"},
        {6, CAN_BUS_UNKNOWN, "unknown"},
        {UINT32_MAX, CAN_BUS_UNKNOWN, "unknown"},
    };
    for (size_t c = 0; c < COUNT(cases); c++) {
        struct bytes b = begin(NEWLINK, TYPE_CAN, 3, FLAG_UP);
        struct bytes data = {.n = 0}, info = {.n = 0};
        attribute32(&data, CAN_STATE, cases[c].kernels);
        attribute(&info, INFO_KIND, "can", 3); /* without a NUL, as iproute2 writes it */
        attribute(&info, INFO_KIND, "can", 4);
        attribute(&info, INFO_DATA, data.at, data.n);
        attribute(&b, IFNAME, "can0", 5);
        attribute(&b, LINKINFO, info.at, info.n);
        end(&b);
        const struct can_interface i = read_one(&b).interface;
        assert_int_equal(i.state, cases[c].state);
        assert_string_equal(can_bus_state_text(i.state), cases[c].text);
    }
}

static void a_bit_rate_of_all_ones_is_unknown(void **state) {
    (void)state;
    struct bytes b = full_message();
    uint8_t *rate = NULL;
    for (size_t at = 0; at + 4 <= b.n; at++) {
        uint32_t v;
        memcpy(&v, b.at + at, sizeof v);
        rate = v == 250000 ? b.at + at : rate;
    }
    assert_non_null(rate);
    memset(rate, 0xFF, 4);
    assert_int_equal(read_one(&b).interface.bitrate, 0);
}

static void messages_in_one_datagram_are_read_one_by_one(void **state) {
    (void)state;
    struct bytes all = {.n = 0};
    struct bytes gone = begin(DELLINK, TYPE_CAN, 3, 0), answer = {.n = 0};
    attribute(&gone, IFNAME, "can0", 5);
    end(&gone);
    put32(&answer, 36); /* nlmsghdr, error, the header of the request */
    put16(&answer, ERROR);
    put16(&answer, 0);
    put32(&answer, 9);
    put32(&answer, 0);
    put32(&answer, (uint32_t)-EPERM);
    for (int i = 0; i < 4; i++) {
        put32(&answer, 0);
    }
    struct bytes other = begin(100, 0, 0, 0);
    end(&other);
    const struct bytes full = full_message();
    put(&all, other.at, other.n);
    put(&all, gone.at, gone.n);
    put(&all, answer.at, answer.n);
    put(&all, full.at, full.n);
    static const enum can_netlink_kind kinds[] = {CAN_NETLINK_OTHER, CAN_NETLINK_GONE,
                                                  CAN_NETLINK_ANSWER, CAN_NETLINK_INTERFACE};
    struct can_netlink_message m;
    size_t pos = 0;
    for (size_t k = 0; k < COUNT(kinds); k++) {
        assert_true(can_netlink_next(all.at, all.n, &pos, &m));
        assert_int_equal(m.kind, kinds[k]);
        if (m.kind == CAN_NETLINK_GONE) {
            assert_int_equal(m.interface.index, 3);
        } else if (m.kind == CAN_NETLINK_ANSWER) {
            assert_int_equal(m.sequence, 9);
            assert_int_equal(m.error, -EPERM);
        }
    }
    assert_false(can_netlink_next(all.at, all.n, &pos, &m));
    assert_int_equal(pos, all.n);
}

/* ---- hostile ---- */

/* The bytes end where the buffer ends, so that a sanitizer sees a read behind them. */
static void read_exactly(const uint8_t *bytes, size_t n) {
    uint8_t *copy = malloc(n != 0 ? n : 1);
    struct can_netlink_message m;
    assert_non_null(copy);
    memcpy(copy, bytes, n);
    for (size_t pos = 0; can_netlink_next(copy, n, &pos, &m);) {
        assert_true(pos <= n);
        assert_non_null(memchr(m.interface.name, '\0', sizeof m.interface.name));
        assert_true(m.interface.state <= CAN_BUS_SLEEPING);
    }
    free(copy);
}

static void a_datagram_cut_anywhere_is_no_message(void **state) {
    (void)state;
    const struct bytes b = full_message();
    for (size_t n = 0; n < b.n; n++) {
        struct can_netlink_message m;
        size_t pos = 0;
        read_exactly(b.at, n);
        assert_false(can_netlink_next(b.at, n, &pos, &m));
        assert_int_equal(pos, 0);
    }
}

/* The header tells the shorter length: attributes run over the end. */
static void a_message_cut_anywhere_is_refused_or_knows_less(void **state) {
    (void)state;
    const struct bytes b = full_message();
    for (size_t n = 16; n < b.n; n++) {
        struct bytes cut = b;
        struct can_netlink_message m;
        size_t pos = 0;
        set32(&cut, 0, (uint32_t)n);
        read_exactly(cut.at, n);
        assert_true(can_netlink_next(cut.at, n, &pos, &m));
        assert_int_equal(m.kind == CAN_NETLINK_INTERFACE && m.interface.state == CAN_BUS_OFF,
                         false);
    }
}

static void wrong_lengths_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *what;
        size_t at; /* of the 16-bit length; 0: the message's */
        uint32_t length;
    } cases[] = {
        /* at 32: IFNAME, 9 bytes */
        {"a message shorter than its header", 0, 15},
        {"a message of nothing", 0, 0},
        {"a message longer than the datagram", 0, 2000},
        {"an attribute of nothing", 32, 0},
        {"an attribute shorter than its header", 32, 3},
        {"an attribute longer than the message", 32, 60000},
        {"a name without an end", 32, 8},
        {"an empty attribute for a name", 32, 4},
    };
    for (size_t c = 0; c < COUNT(cases); c++) {
        struct bytes b = full_message();
        struct can_netlink_message m;
        size_t pos = 0;
        if (cases[c].at == 0) {
            set32(&b, 0, cases[c].length);
        } else {
            set16(&b, cases[c].at, (uint16_t)cases[c].length);
        }
        read_exactly(b.at, b.n);
        bool any = can_netlink_next(b.at, b.n, &pos, &m);
        if (any && m.kind != CAN_NETLINK_OTHER) {
            fail_msg("%s is taken", cases[c].what);
        }
    }
}

static void a_name_that_is_too_long_is_refused(void **state) {
    (void)state;
    struct bytes b = begin(NEWLINK, TYPE_CAN, 3, FLAG_UP);
    attribute(&b, IFNAME, "a123456789012345", 17);
    end(&b);
    assert_int_equal(read_one(&b).kind, CAN_NETLINK_OTHER);
    b = begin(NEWLINK, TYPE_CAN, 3, FLAG_UP);
    attribute(&b, IFNAME, "a12345678901234", 16);
    end(&b);
    assert_int_equal(read_one(&b).kind, CAN_NETLINK_INTERFACE);
}

static void an_index_that_is_none_is_refused(void **state) {
    (void)state;
    static const uint32_t indexes[] = {0, UINT32_MAX, 0x80000000};
    for (size_t c = 0; c < COUNT(indexes); c++) {
        struct bytes b = begin(NEWLINK, TYPE_CAN, indexes[c], FLAG_UP);
        attribute(&b, IFNAME, "can0", 5);
        end(&b);
        assert_int_equal(read_one(&b).kind, CAN_NETLINK_OTHER);
    }
}

static void any_byte_may_be_anything(void **state) {
    (void)state;
    static const uint8_t values[] = {0x00, 0x01, 0x03, 0x05, 0x7F, 0x80, 0xFF};
    const struct bytes b = full_message();
    for (size_t at = 0; at < b.n; at++) {
        for (size_t v = 0; v < COUNT(values); v++) {
            struct bytes damaged = b;
            damaged.at[at] = values[v];
            read_exactly(damaged.at, damaged.n);
        }
    }
}

/* ---- requests ---- */

static void requests_are_those_of_ip(void **state) {
    (void)state;
    /* What `ip link set IF ...` of iproute2 6.1 sends for interface 3, but for the sequence; the
     * kind of the last one has its NUL here, which counts. */
    static const uint8_t down[] = {32, 0, 0, 0, 16, 0, 5, 0, 8, 0, 0, 0, 0, 0, 0, 0,
                                   0,  0, 0, 0, 3,  0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0};
    static const uint8_t up[] = {32, 0, 0, 0, 16, 0, 5, 0, 9, 0, 0, 0, 0, 0, 0, 0,
                                 0,  0, 0, 0, 3,  0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0};
    static const uint8_t again[] = {56,  0, 0,  0, 16, 0, 5,  0, 10, 0, 0, 0, 0,   0,
                                    0,   0, 0,  0, 0,  0, 3,  0, 0,  0, 0, 0, 0,   0,
                                    0,   0, 0,  0, 24, 0, 18, 0, 8,  0, 1, 0, 'c', 'a',
                                    'n', 0, 12, 0, 2,  0, 8,  0, 7,  0, 1, 0, 0,   0};
    /* rtnetlink(7): RTM_GETLINK, the name as IFLA_IFNAME, and no acknowledgement wanted. */
    static const uint8_t ask[] = {44, 0, 0, 0, 18, 0, 1,   0,   11,  0,   0, 0, 0, 0, 0,
                                  0,  0, 0, 0, 0,  0, 0,   0,   0,   0,   0, 0, 0, 0, 0,
                                  0,  0, 9, 0, 3,  0, 'c', 'a', 'n', '0', 0, 0, 0, 0};
    uint8_t buf[CAN_NETLINK_REQUEST_MAX];
    assert_int_equal(can_netlink_set_up(buf, 8, 3, false), sizeof down);
    assert_memory_equal(buf, down, sizeof down);
    assert_int_equal(can_netlink_set_up(buf, 9, 3, true), sizeof up);
    assert_memory_equal(buf, up, sizeof up);
    assert_int_equal(can_netlink_restart(buf, 10, 3), sizeof again);
    assert_memory_equal(buf, again, sizeof again);
    assert_int_equal(can_netlink_ask(buf, 11, "can0"), sizeof ask);
    assert_memory_equal(buf, ask, sizeof ask);
    assert_int_equal(can_netlink_ask(buf, 12, "a12345678901234"), 32 + 4 + 16);
}

/* ---- a real one ---- */

/* Linux 6.1.176 of an slcan interface at 500 kbit/s that is bus-off: the answer to RTM_GETLINK,
 * 896 bytes, without its statistics (IFLA_STATS64, IFLA_STATS, IFLA_AF_SPEC). */
static const char recorded[] = "800300001000000007000000ce02000000001801030000008100000000000000"
                               "0900030063616e300000000008000d000a000000050010000200000005001100"
                               "0000000008000400100000000800320000000000080033000000000008001b00"
                               "0000000008001e000000000008003d000000000008001f000100000008002800"
                               "ffff0000080029000000010008003a000000010008003b000000010008003c00"
                               "ffff000005002100000000000f000600706669666f5f66617374000008002300"
                               "0200000008002f00010000000800300001000000050027000000000024000e00"
                               "0000000000000000000000000000000000000000000000000000000000000000";
static const char recorded_info[] =
    "b00012000800010063616e001c00030000000000010000000100000001000000"
    "0000000000000000880002002400010020a10700000000000000000000000000"
    "0000000000000000000000000000000008000300000000000800040003000000"
    "0c0005000000000000000000080006000000000028000d0010270000204e0000"
    "50c30000a086010048e8010090d0030020a1070000350c0040420f0008000f00"
    "000000000c0011800800010002000000";

static void put_hex(struct bytes *b, const char *hex) {
    for (; hex[0] != '\0'; hex += 2) {
        const char digits[3] = {hex[0], hex[1], '\0'};
        b->at[b->n++] = (uint8_t)strtoul(digits, NULL, 16);
    }
}

static void what_linux_says_of_slcan_is_read(void **state) {
    (void)state;
    struct bytes b = {.n = 0}, info = {.n = 0};
    put_hex(&b, recorded);
    put_hex(&info, recorded_info);
    put(&b, info.at, info.n);
    set32(&b, 0, (uint32_t)b.n);
    const struct can_netlink_message m = read_one(&b);
    const struct can_interface *i = &m.interface;
    assert_int_equal(m.kind, CAN_NETLINK_INTERFACE);
    assert_string_equal(i->name, "can0");
    assert_true(i->is_can && i->up && !i->carrier);
    assert_int_equal(i->tx_queue_length, 10);
    assert_int_equal(i->state, CAN_BUS_OFF);
    assert_int_equal(i->bitrate, 500000);
    assert_true(i->mode_known && !i->loopback && !i->listen_only);
    assert_true(i->restart_known);
    assert_int_equal(i->restart_ms, 0);
    assert_false(i->counters_known);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_that_a_controller_tells_is_read),
        cmocka_unit_test(what_is_not_told_is_unknown),
        cmocka_unit_test(the_data_of_another_kind_is_not_a_controllers),
        cmocka_unit_test(every_state_of_the_kernel_has_its_name),
        cmocka_unit_test(a_bit_rate_of_all_ones_is_unknown),
        cmocka_unit_test(messages_in_one_datagram_are_read_one_by_one),
        cmocka_unit_test(a_datagram_cut_anywhere_is_no_message),
        cmocka_unit_test(a_message_cut_anywhere_is_refused_or_knows_less),
        cmocka_unit_test(wrong_lengths_are_refused),
        cmocka_unit_test(a_name_that_is_too_long_is_refused),
        cmocka_unit_test(an_index_that_is_none_is_refused),
        cmocka_unit_test(any_byte_may_be_anything),
        cmocka_unit_test(requests_are_those_of_ip),
        cmocka_unit_test(what_linux_says_of_slcan_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
