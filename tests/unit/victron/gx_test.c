/* SPDX-License-Identifier: MIT */
/* What the GX sends: presence by 0x305, identity by 0x307, and everything else on the bus. */
#include "fixture.h"

static const struct victron_frame keepalive = {.id = 0x305, .len = 8};
/* bytes 0x12 0x34 0x56 0x78 'V' 'I' 'C' 0 */
static const struct victron_frame identity = {
    .id = 0x307, .len = 8, .data = {0x12, 0x34, 0x56, 0x78, 'V', 'I', 'C', 0}};

static void init(struct victron *v) {
    struct fixture f;
    fixture_init(&f); /* keepalive_timeout_ms 10000 */
    victron_init(v, &f.config);
}

static void a_gx_is_absent_before_its_first_keepalive(void **state) {
    (void)state;
    struct victron v;
    init(&v);
    assert_false(victron_gx_present(&v, 0));
    assert_true(victron_gx_age_ms(&v, 0) == UINT64_MAX);
    victron_handle_rx(&v, &identity, 5);
    assert_false(victron_gx_present(&v, 5));
    assert_true(victron_gx_age_ms(&v, 5) == UINT64_MAX);
}

static void a_gx_is_present_for_the_timeout_after_each_keepalive(void **state) {
    (void)state;
    static const uint64_t starts[] = {0, 1, (UINT64_C(1) << 32) - 5000, UINT64_C(1) << 32,
                                      UINT64_C(1) << 63};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        struct victron v;
        init(&v);
        victron_handle_rx(&v, &keepalive, starts[i]);
        assert_true(victron_gx_present(&v, starts[i]));
        assert_true(victron_gx_age_ms(&v, starts[i]) == 0);
        assert_true(victron_gx_present(&v, starts[i] + 10000));
        assert_false(victron_gx_present(&v, starts[i] + 10001));
        assert_true(victron_gx_age_ms(&v, starts[i] + 10001) == 10001);
        /* exactly 2^32 ms later is not "just now" */
        assert_false(victron_gx_present(&v, starts[i] + (UINT64_C(1) << 32)));
        victron_handle_rx(&v, &keepalive, starts[i] + 20000);
        assert_true(victron_gx_present(&v, starts[i] + 30000));
        assert_false(victron_gx_present(&v, starts[i] + 30001));
    }
}

static void a_new_timeout_counts_for_the_last_keepalive(void **state) {
    (void)state;
    struct victron v;
    init(&v);
    victron_handle_rx(&v, &keepalive, 1000);
    struct victron_config cfg = v.config;
    cfg.keepalive_timeout_ms = 2000;
    victron_configure(&v, &cfg, 1500);
    assert_true(victron_gx_present(&v, 3000));
    assert_false(victron_gx_present(&v, 3001));
}

static void a_keepalive_counts_with_any_length_and_content(void **state) {
    (void)state;
    for (uint8_t len = 0; len <= 8; len++) {
        struct victron v;
        struct victron_frame f = keepalive;
        init(&v);
        f.len = len;
        memset(f.data, 0xFF, sizeof f.data);
        victron_handle_rx(&v, &f, 1);
        assert_true(victron_gx_present(&v, 1));
        assert_int_equal(v.counters.rx_keepalive, 1);
        assert_int_equal(v.counters.rx_other, 0);
    }
}

static void a_frame_longer_than_can_allows_is_no_keepalive_and_no_identity(void **state) {
    (void)state;
    static const uint8_t lengths[] = {9, 64, 255};
    for (size_t i = 0; i < sizeof lengths; i++) {
        struct victron v;
        struct victron_frame f = keepalive;
        init(&v);
        f.len = lengths[i];
        victron_handle_rx(&v, &f, 1);
        f = identity;
        f.len = lengths[i];
        victron_handle_rx(&v, &f, 1);
        assert_false(victron_gx_present(&v, 1));
        assert_false(v.gx_is_victron);
        assert_int_equal(v.counters.rx_keepalive, 0);
        assert_int_equal(v.counters.rx_identity, 0);
        assert_int_equal(v.counters.rx_other, 2);
    }
}

static void the_identity_says_vic_in_bytes_4_to_6(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint8_t len;
        uint8_t data[8];
        bool victron;
    } cases[] = {
        {"as documented", 8, {0x12, 0x34, 0x56, 0x78, 'V', 'I', 'C', 0}, true},
        {"the rest does not matter", 8, {0, 0, 0, 0, 'V', 'I', 'C', 0xFF}, true},
        {"7 bytes", 7, {0, 0, 0, 0, 'V', 'I', 'C', 0}, true},
        {"6 bytes", 6, {0, 0, 0, 0, 'V', 'I', 'C', 0}, false},
        {"0 bytes", 0, {0, 0, 0, 0, 'V', 'I', 'C', 0}, false},
        {"another V", 8, {0, 0, 0, 0, 'v', 'I', 'C', 0}, false},
        {"another I", 8, {0, 0, 0, 0, 'V', 'i', 'C', 0}, false},
        {"another C", 8, {0, 0, 0, 0, 'V', 'I', 'D', 0}, false},
        {"one byte early", 8, {0, 0, 0, 'V', 'I', 'C', 0, 0}, false},
        {"one byte late", 8, {0, 0, 0, 0, 0, 'V', 'I', 'C'}, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct victron v;
        struct victron_frame f = {.id = 0x307, .len = cases[i].len};
        init(&v);
        v.gx_is_victron = !cases[i].victron; /* the last one decides */
        memcpy(f.data, cases[i].data, sizeof f.data);
        victron_handle_rx(&v, &f, 77);
        if (v.gx_is_victron != cases[i].victron) {
            fail_msg("%s: %d", cases[i].what, v.gx_is_victron);
        }
        assert_true(v.gx_identity_ms == 77);
        assert_int_equal(v.counters.rx_identity, 1);
        assert_int_equal(v.counters.rx_other, 0);
        assert_false(victron_gx_present(&v, 77));
    }
}

static void every_other_identifier_is_counted_and_nothing_more(void **state) {
    (void)state;
    struct victron v;
    init(&v);
    unsigned others = 0;
    for (uint16_t id = 0; id <= 0x7FF; id++) {
        struct victron_frame f = identity;
        f.id = id;
        if (id != 0x305 && id != 0x307) {
            victron_handle_rx(&v, &f, 1);
            others++;
        }
    }
    assert_int_equal(v.counters.rx_other, others);
    assert_int_equal(v.counters.rx_keepalive, 0);
    assert_int_equal(v.counters.rx_identity, 0);
    assert_false(v.gx_seen);
    assert_false(v.gx_is_victron);
}

static void sending_does_not_depend_on_a_gx(void **state) {
    (void)state;
    struct fixture f;
    struct victron v;
    struct victron_frame out;
    fixture_init(&f);
    victron_init(&v, &f.config);
    victron_start(&v, 0);
    for (uint64_t now_ms = 0; now_ms < 3600000; now_ms = victron_step(&v, now_ms)) {
        assert_true(victron_next_frame(&v, &f.source, now_ms, &out));
    }
    assert_false(victron_gx_present(&v, 3600000));
    assert_int_equal(v.counters.tx_in_turn, 3600 * 18);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gx_is_absent_before_its_first_keepalive),
        cmocka_unit_test(a_gx_is_present_for_the_timeout_after_each_keepalive),
        cmocka_unit_test(a_new_timeout_counts_for_the_last_keepalive),
        cmocka_unit_test(a_keepalive_counts_with_any_length_and_content),
        cmocka_unit_test(a_frame_longer_than_can_allows_is_no_keepalive_and_no_identity),
        cmocka_unit_test(the_identity_says_vic_in_bytes_4_to_6),
        cmocka_unit_test(every_other_identifier_is_counted_and_nothing_more),
        cmocka_unit_test(sending_does_not_depend_on_a_gx),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
