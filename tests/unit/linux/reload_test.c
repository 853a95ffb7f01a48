/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "reload.h"

static char told[256];

static void tell(void *context, const char *key) {
    assert_ptr_equal(context, told);
    strcat(strcat(told, key), " ");
}

static void what_needs_a_restart_stays_and_is_named(void **state) {
    struct settings started, now, want;
    (void)state;
    told[0] = '\0';
    settings_defaults(&started);
    now = started;
    (void)strcpy(now.advanced.control_socket, "/tmp/elsewhere");
    now.hardware.can.rx_pin++;
    now.tinybms.poll_interval_ms = 500;
    want = started;
    want.tinybms.poll_interval_ms = 500;
    reload_keep_restart_rows(&now, &started, tell, told);
    assert_memory_equal(&now, &want, sizeof now);
    assert_string_equal(told, "hardware.can.rx_pin advanced.control_socket ");
}

static void every_row_either_takes_effect_or_is_named(void **state) {
    (void)state;
    for (size_t i = 0; i < settings_table_rows; i++) {
        const struct settings_row *row = &settings_table[i];
        struct settings started, now;
        settings_defaults(&started);
        now = started;
        ((unsigned char *)&now)[row->offset] ^= 1; /* another value, whatever the type */
        told[0] = '\0';
        reload_keep_restart_rows(&now, &started, tell, told);
        bool kept = memcmp(&now, &started, sizeof now) == 0;
        if (kept != row->restart || (told[0] != '\0') != row->restart) {
            fail_msg("%s", row->key);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_needs_a_restart_stays_and_is_named),
        cmocka_unit_test(every_row_either_takes_effect_or_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
