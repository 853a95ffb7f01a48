/* SPDX-License-Identifier: MIT */
/* A CAN interface's frames and error frames, on a pair of sockets in place of a CAN socket: both
 * move one struct can_frame by a read or write. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/can.h>
#include <linux/can/error.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "can_port.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

enum { COUNTERS_THERE = 0x200 }; /* CAN_ERR_CNT, of Linux 6.0 */

struct fixture {
    struct can_port port, serial;
    int bus; /* the other end */
    unsigned received;
    struct victron_frame last;
};

static int set_up(void **state) {
    static struct fixture f;
    int pair[2];
    memset(&f, 0, sizeof f);
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
    can_port_init(&f.port);
    can_port_init(&f.serial);
    can_port_attach(&f.port, pair[0], CAN_OVER_SOCKETCAN);
    f.bus = pair[1];
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    (void)close(f->port.fd);
    (void)close(f->bus);
    return 0;
}

static void receive(void *context, const struct victron_frame *frame) {
    struct fixture *f = context;
    f->received++;
    f->last = *frame;
}

static void arrive(struct fixture *f, const struct can_frame *frame) {
    assert_int_equal(write(f->bus, frame, sizeof *frame), sizeof *frame);
    assert_int_equal(can_port_read(&f->port, receive, f), CAN_PORT_NOT_NOW);
}

static void error_arrives(struct fixture *f, canid_t class, uint8_t controller, uint8_t tx,
                          uint8_t rx) {
    struct can_frame frame = {.can_id = CAN_ERR_FLAG | class, .can_dlc = CAN_ERR_DLC};
    frame.data[1] = controller;
    frame.data[6] = tx;
    frame.data[7] = rx;
    arrive(f, &frame);
}

static enum can_port_result send_one(struct fixture *f) {
    const struct victron_frame frame = {.id = 0x351, .len = 8, .data = {1, 2, 3, 4, 5, 6, 7, 8}};
    return can_port_write(&f->port, &frame, 0);
}

static unsigned on_the_bus(struct fixture *f) {
    struct can_frame frame;
    unsigned n = 0;
    while (read(f->bus, &frame, sizeof frame) == (ssize_t)sizeof frame) {
        n++;
    }
    return n;
}

static bool is_off(struct fixture *f) {
    return atomic_load(&f->port.feedback.bus_off);
}

static void frames_go_out_whole_and_come_in(void **state) {
    struct fixture *f = *state;
    struct can_frame frame;
    assert_int_equal(send_one(f), CAN_PORT_DONE);
    assert_int_equal(read(f->bus, &frame, sizeof frame), sizeof frame);
    assert_int_equal(frame.can_id, 0x351);
    assert_int_equal(frame.can_dlc, 8);
    assert_memory_equal(frame.data, "\1\2\3\4\5\6\7\10", 8);
    const struct can_frame keepalive = {.can_id = 0x305, .can_dlc = 3, .data = {9, 8, 7}};
    arrive(f, &keepalive);
    assert_int_equal(f->received, 1);
    assert_int_equal(f->last.id, 0x305);
    assert_int_equal(f->last.len, 3);
    assert_memory_equal(f->last.data, "\11\10\7\0\0\0\0\0", 8);
}

static void frames_that_are_no_11_bit_data_frames_are_passed_over(void **state) {
    struct fixture *f = *state;
    static const struct can_frame odd[] = {
        {.can_id = 0x305 | CAN_RTR_FLAG, .can_dlc = 8},
        {.can_id = 0x305 | CAN_EFF_FLAG, .can_dlc = 8},
        {.can_id = 0x305, .can_dlc = 9},
        {.can_id = CAN_ERR_FLAG | CAN_ERR_BUSOFF, .can_dlc = 2},
    };
    for (size_t i = 0; i < COUNT(odd); i++) {
        arrive(f, &odd[i]);
    }
    assert_int_equal(write(f->bus, "short", 5), 5);
    assert_int_equal(can_port_read(&f->port, receive, f), CAN_PORT_NOT_NOW);
    assert_int_equal(f->received, 0);
    assert_false(is_off(f));
}

static void every_error_frame_says_what_it_means(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *what;
        canid_t class;
        uint8_t controller, tx, rx;
        enum can_bus_state state;
        bool counters;
    } cases[] = {
        /* clang-format off */
        {"send warning",      CAN_ERR_CRTL | COUNTERS_THERE, CAN_ERR_CRTL_TX_WARNING,  97,   3, CAN_BUS_ERROR_WARNING, true},
        {"receive warning",   CAN_ERR_CRTL,                  CAN_ERR_CRTL_RX_WARNING,   0,  97, CAN_BUS_ERROR_WARNING, true},
        {"send passive",      CAN_ERR_CRTL | COUNTERS_THERE, CAN_ERR_CRTL_TX_PASSIVE, 130,   0, CAN_BUS_ERROR_PASSIVE, true},
        {"receive passive",   CAN_ERR_CRTL,                  CAN_ERR_CRTL_RX_PASSIVE,   0,   0, CAN_BUS_ERROR_PASSIVE, false},
        {"both at once",      CAN_ERR_CRTL,                  CAN_ERR_CRTL_TX_PASSIVE | CAN_ERR_CRTL_RX_WARNING, 130, 97, CAN_BUS_ERROR_PASSIVE, true},
        {"recovered",         CAN_ERR_CRTL | COUNTERS_THERE, CAN_ERR_CRTL_ACTIVE,       0,   0, CAN_BUS_ERROR_ACTIVE,  true},
        {"overflow",          CAN_ERR_CRTL,                  CAN_ERR_CRTL_RX_OVERFLOW,  0,   0, CAN_BUS_UNKNOWN,       false},
        {"bus-off",           CAN_ERR_BUSOFF,                0,                         0,   0, CAN_BUS_OFF,           false},
        {"restarted",         CAN_ERR_RESTARTED,             0,                         0,   0, CAN_BUS_ERROR_ACTIVE,  false},
        {"no acknowledgement", CAN_ERR_ACK | CAN_ERR_PROT | CAN_ERR_BUSERROR, 0,        0,   0, CAN_BUS_UNKNOWN,       false},
        {"only data of CRTL", CAN_ERR_PROT,                  CAN_ERR_CRTL_TX_PASSIVE, 130,   0, CAN_BUS_UNKNOWN,       false},
        /* clang-format on */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int fd = f->port.fd;
        can_port_attach(&f->port, fd, CAN_OVER_SOCKETCAN); /* forgets the frame before */
        error_arrives(f, cases[i].class, cases[i].controller, cases[i].tx, cases[i].rx);
        const struct can_feedback_last last = can_feedback_last(&f->port.feedback);
        if (last.state != cases[i].state || last.counters_known != cases[i].counters) {
            fail_msg("%s: state %d, counters %d", cases[i].what, last.state, last.counters_known);
        }
        if (last.counters_known) {
            assert_int_equal(last.tx_error_counter, cases[i].tx);
            assert_int_equal(last.rx_error_counter, cases[i].rx);
        }
    }
}

static void a_controller_that_is_off_is_sent_nothing_until_it_is_back(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *what;
        canid_t class;
        uint8_t controller;
    } back[] = {
        {"restarted", CAN_ERR_RESTARTED, 0},
        {"error-active again", CAN_ERR_CRTL, CAN_ERR_CRTL_ACTIVE},
        {"error-passive", CAN_ERR_CRTL, CAN_ERR_CRTL_TX_PASSIVE},
    };
    for (size_t i = 0; i < COUNT(back); i++) {
        uint32_t dropped = atomic_load(&f->port.feedback.dropped);
        f->port.news = false;
        error_arrives(f, CAN_ERR_BUSOFF, 0, 0, 0);
        assert_true(is_off(f) && f->port.news);
        assert_int_equal(send_one(f), CAN_PORT_NOT_NOW);
        assert_int_equal(on_the_bus(f), 0);
        assert_int_equal(atomic_load(&f->port.feedback.dropped), dropped + 1);
        f->port.news = false;
        error_arrives(f, back[i].class, back[i].controller, 0, 0);
        assert_true(!is_off(f) && f->port.news);
        assert_int_equal(send_one(f), CAN_PORT_DONE);
        assert_int_equal(on_the_bus(f), 1);
    }
    error_arrives(f, CAN_ERR_BUSOFF, 0, 0, 0);
    const struct can_frame keepalive = {.can_id = 0x305, .can_dlc = 8};
    arrive(f, &keepalive); /* whoever receives is not off */
    assert_int_equal(send_one(f), CAN_PORT_DONE);
    assert_int_equal(atomic_load(&f->port.feedback.bus_offs), COUNT(back) + 1);
    assert_int_equal(atomic_load(&f->port.feedback.restarts), 1);
}

static void a_new_device_is_not_held_back_by_the_old_ones_state(void **state) {
    struct fixture *f = *state;
    int fd = f->port.fd;
    error_arrives(f, CAN_ERR_BUSOFF, 0, 0, 0);
    can_port_detach(&f->port);
    assert_int_equal(f->port.fd, -1);
    can_port_attach(&f->port, fd, CAN_OVER_SOCKETCAN);
    assert_int_equal(can_feedback_last(&f->port.feedback).state, CAN_BUS_UNKNOWN);
    assert_int_equal(send_one(f), CAN_PORT_DONE);
    assert_int_equal(atomic_load(&f->port.feedback.bus_offs), 1); /* counted since the start */
}

static void news_are_changes_of_the_state_alone(void **state) {
    struct fixture *f = *state;
    error_arrives(f, CAN_ERR_CRTL, CAN_ERR_CRTL_TX_PASSIVE, 130, 0);
    assert_true(f->port.news);
    f->port.news = false;
    error_arrives(f, CAN_ERR_CRTL, CAN_ERR_CRTL_TX_PASSIVE, 131, 0);
    error_arrives(f, CAN_ERR_ACK, 0, 0, 0);
    assert_false(f->port.news);
    assert_int_equal(atomic_load(&f->port.feedback.error_frames), 3);
    assert_int_equal(atomic_load(&f->port.feedback.unacknowledged), 1);
}

static void a_full_queue_drops_the_frame_and_counts_it(void **state) {
    struct fixture *f = *state;
    unsigned sent = 0;
    while (send_one(f) == CAN_PORT_DONE) {
        sent++;
        assert_in_range(sent, 1, 100000);
    }
    assert_int_equal(send_one(f), CAN_PORT_NOT_NOW);
    assert_int_equal(atomic_load(&f->port.feedback.dropped), 2);
    assert_int_equal(on_the_bus(f), sent);
    assert_int_equal(send_one(f), CAN_PORT_DONE);
}

static void a_serial_adapter_that_says_little_is_not_waited_for(void **state) {
    struct fixture *f = *state;
    static char text[128];
    int pair[2];
    assert_int_equal(can_port_events(&f->port), POLLIN); /* an interface always is */
    arrive(f, &(struct can_frame){.can_id = 0x305, .can_dlc = 8});
    assert_int_equal(can_port_events(&f->port), POLLIN);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    can_port_attach(&f->serial, pair[0], CAN_OVER_SLCAN);
    assert_int_equal(can_port_events(&f->serial), POLLIN); /* nothing is known of it yet */
    assert_int_equal(write(pair[1], "z\r", 2), 2);
    assert_int_equal(can_port_read(&f->serial, receive, f), CAN_PORT_NOT_NOW);
    assert_true(can_port_is_calm(&f->serial));
    assert_int_equal(can_port_events(&f->serial), 0);
    memset(text, '\r', sizeof text);
    assert_int_equal(write(pair[1], text, sizeof text), sizeof text);
    assert_int_equal(can_port_read(&f->serial, receive, f), CAN_PORT_NOT_NOW);
    assert_false(can_port_is_calm(&f->serial)); /* a busy bus would fill the driver's buffer */
    assert_int_equal(can_port_events(&f->serial), POLLIN);
    assert_int_equal(can_port_read(&f->serial, receive, f), CAN_PORT_NOT_NOW);
    assert_true(can_port_is_calm(&f->serial));
    can_port_detach(&f->serial);
    assert_false(can_port_is_calm(&f->serial));
    (void)close(pair[0]);
    (void)close(pair[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(frames_go_out_whole_and_come_in, set_up, tear_down),
        cmocka_unit_test_setup_teardown(frames_that_are_no_11_bit_data_frames_are_passed_over,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_error_frame_says_what_it_means, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_controller_that_is_off_is_sent_nothing_until_it_is_back,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_new_device_is_not_held_back_by_the_old_ones_state, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(news_are_changes_of_the_state_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_queue_drops_the_frame_and_counts_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_serial_adapter_that_says_little_is_not_waited_for, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
