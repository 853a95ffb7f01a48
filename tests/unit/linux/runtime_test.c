/* SPDX-License-Identifier: MIT */
/* Both threads together, on the simulated BMS and GX. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "runtime.h"
#include "test_pty.h"

enum { TURNS_MAX = 2000, TURN_MS = 10 }; /* 20 s for what takes half a second */

static struct settings settings;
static struct gateway_snapshot snapshot;

/* The log so far, a line behind the other, without the times. */
static char log_text[65536];

static void remember(void *context, enum log_level level, const char *line) {
    size_t n = strlen(log_text);
    (void)context;
    (void)level;
    (void)snprintf(log_text + n, sizeof log_text - n, "%s\n", strchr(line, ' ') + 1);
}

/* What the next reload brings: 0 and settings, or a refusal. */
static struct {
    int result;
    struct settings settings;
} next;

static int reload(void *context, struct settings *out, char *why, size_t cap) {
    assert_ptr_equal(context, &next);
    *out = next.settings;
    (void)snprintf(why, cap, "line 3 is wrong");
    return next.result;
}

static struct runtime *start(bool signals) {
    struct runtime *rt = NULL;
    const struct runtime_options options = {
        .signals = signals, .log = remember, .reload = reload, .reload_context = &next};
    log_text[0] = '\0';
    settings_defaults(&settings);
    (void)strcpy(settings.hardware.uart.device, "sim");
    (void)strcpy(settings.hardware.can.interface, "sim");
    next.settings = settings;
    assert_int_equal(runtime_start(&rt, &settings, &options), 0);
    return rt;
}

/* Turns until the log has a line with this text. */
static void await_log(struct runtime *rt, const char *text) {
    for (int i = 0; i < TURNS_MAX && strstr(log_text, text) == NULL; i++) {
        assert_true(runtime_poll(rt, TURN_MS));
    }
    if (strstr(log_text, text) == NULL) {
        fail_msg("\"%s\" is not in the log:\n%s", text, log_text);
    }
}

static void await_sample(struct runtime *rt) {
    snapshot.sample_known = false;
    for (int i = 0; i < TURNS_MAX && !snapshot.sample_known; i++) {
        assert_true(runtime_poll(rt, TURN_MS));
        (void)runtime_snapshot(rt, &snapshot);
    }
    assert_true(snapshot.sample_known);
}

static struct gateway_answer await_answer(struct runtime *rt) {
    struct gateway_answer a = {0};
    bool have = false;
    for (int i = 0; i < TURNS_MAX && !have; i++) {
        have = runtime_next_answer(rt, &a) || (runtime_poll(rt, TURN_MS), false);
    }
    assert_true(have);
    return a;
}

static void it_starts_works_and_leaves_nothing_behind(void **state) {
    unsigned before = test_descriptors();
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct runtime *rt = start(false);
        await_sample(rt);
        assert_int_equal(snapshot.battery.cell_count, 14);
        await_log(rt, "INFO victron: sending frames");
        runtime_request_stop(rt);
        assert_false(runtime_poll(rt, -1));
        assert_false(runtime_poll(rt, -1));
        runtime_stop(rt);
        assert_non_null(strstr(log_text, "INFO gateway: stopped\n"));
        for (int turn = 0; turn < TURNS_MAX && test_descriptors() != before; turn++) {
            usleep(TURN_MS * 1000); /* the simulators see that we left */
        }
        assert_int_equal(test_descriptors(), before);
    }
}

static void commands_are_answered(void **state) {
    struct gateway_command c = {.kind = GATEWAY_READ_REGISTERS, .addr = 307, .count = 1};
    struct runtime *rt = start(false);
    uint32_t sequence = 0;
    (void)state;
    await_sample(rt);
    assert_int_equal(runtime_submit(rt, &c, &sequence), GW_OK);
    struct gateway_answer a = await_answer(rt);
    assert_int_equal(a.sequence, sequence);
    assert_int_equal(a.err, GW_OK);
    assert_int_equal(a.value[0], 14);
    c = (struct gateway_command){.kind = GATEWAY_WRITE_REGISTER, .addr = 36, .raw = 0};
    assert_int_equal(runtime_submit(rt, &c, NULL), GW_OK);
    assert_int_equal(await_answer(rt).err, GW_ERR_READ_ONLY);
    runtime_stop(rt);
}

static void more_commands_than_answers_can_wait_are_busy(void **state) {
    const struct gateway_command c = {.kind = GATEWAY_READ_REGISTERS, .addr = 307, .count = 1};
    struct runtime *rt = start(false);
    unsigned taken = 0, answered = 0;
    struct gateway_answer a;
    (void)state;
    await_sample(rt);
    while (runtime_submit(rt, &c, NULL) == GW_OK) {
        taken++;
        assert_in_range(taken, 1, RUNTIME_ANSWERS_MAX);
        runtime_poll(rt, 0);
    }
    assert_int_equal(taken, RUNTIME_ANSWERS_MAX);
    for (int i = 0; i < 50; i++) { /* answers wait to be pulled: still busy */
        runtime_poll(rt, TURN_MS);
        assert_int_equal(runtime_submit(rt, &c, NULL), GW_ERR_BUSY);
    }
    for (int i = 0; i < TURNS_MAX && answered < taken; i++) {
        answered += runtime_next_answer(rt, &a);
        runtime_poll(rt, TURN_MS);
    }
    assert_int_equal(answered, taken);
    assert_int_equal(runtime_submit(rt, &c, NULL), GW_OK);
    runtime_stop(rt);
}

static void sighup_reads_the_configuration_again(void **state) {
    struct runtime *rt = start(true);
    (void)state;
    await_sample(rt);
    next.settings.tinybms.poll_interval_ms = 50;
    next.settings.hardware.can.rx_pin = 7;
    next.result = 0;
    assert_int_equal(kill(getpid(), SIGHUP), 0);
    await_log(rt, "INFO gateway: new configuration in force");
    assert_non_null(strstr(log_text, "takes effect at the next start key=hardware.can.rx_pin"));
    /* a bad one is refused whole */
    log_text[0] = '\0';
    next.result = -1;
    assert_int_equal(kill(getpid(), SIGHUP), 0);
    await_log(rt,
              "ERROR config: not reloaded, the old configuration stays reason=\"line 3 is wrong\"");
    assert_null(strstr(log_text, "new configuration in force"));
    await_sample(rt);
    runtime_stop(rt);
}

static void many_reloads_in_a_row_all_end(void **state) {
    struct runtime *rt = start(true);
    (void)state;
    next.result = 0;
    for (int i = 0; i < 50; i++) {
        log_text[0] = '\0';
        next.settings.tinybms.poll_interval_ms = 50 + (uint32_t)i;
        assert_int_equal(kill(getpid(), SIGHUP), 0);
        assert_int_equal(kill(getpid(), SIGHUP), 0);
        await_log(rt, "INFO gateway: new configuration in force");
    }
    runtime_stop(rt);
}

static void a_reload_can_name_another_device(void **state) {
    struct runtime *rt = start(true);
    (void)state;
    await_log(rt, "INFO victron: sending frames");
    next.result = 0;
    (void)strcpy(next.settings.hardware.can.interface, "none");
    assert_int_equal(kill(getpid(), SIGHUP), 0);
    await_log(rt, "INFO can: lost device=sim reason=\"the configuration names another one now\"");
    await_log(rt, "INFO can: not used hardware.can.interface=none");
    assert_null(strstr(log_text, "uart: lost"));
    log_text[0] = '\0';
    (void)strcpy(next.settings.hardware.can.interface, "sim");
    assert_int_equal(kill(getpid(), SIGHUP), 0);
    await_log(rt, "INFO can: opened device=sim");
    await_log(rt, "INFO victron: CAN link up");
    runtime_stop(rt);
}

static void sigterm_stops(void **state) {
    struct runtime *rt = start(true);
    (void)state;
    assert_true(runtime_poll(rt, 0));
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    runtime_run(rt);
    runtime_stop(rt);
    assert_non_null(strstr(log_text, "INFO gateway: stopping signal=SIGTERM"));
}

/* The services do nothing at all here: nobody polls. */
static void services_that_hang_stop_neither_samples_nor_frames(void **state) {
    struct runtime *rt = start(false);
    (void)state;
    await_log(rt, "INFO victron: sending frames");
    assert_true(runtime_snapshot(rt, &snapshot));
    const uint32_t frames = snapshot.can.tx_count, samples = snapshot.uart.successes;
    bool went_on = false;
    for (int i = 0; i < TURNS_MAX && !went_on; i++) {
        usleep(TURN_MS * 1000);
        assert_true(runtime_snapshot(rt, &snapshot));
        went_on = snapshot.can.tx_count >= frames + 20 && snapshot.uart.successes >= samples + 10;
    }
    assert_true(went_on);
    runtime_stop(rt);
}

static void *ask_to_stop(void *rt) {
    runtime_request_stop(rt);
    return NULL;
}

static void another_thread_can_ask_to_stop(void **state) {
    struct runtime *rt = start(false);
    pthread_t thread;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, ask_to_stop, rt), 0);
    runtime_run(rt);
    assert_int_equal(pthread_join(thread, NULL), 0);
    runtime_stop(rt);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_starts_works_and_leaves_nothing_behind),
        cmocka_unit_test(commands_are_answered),
        cmocka_unit_test(more_commands_than_answers_can_wait_are_busy),
        cmocka_unit_test(sighup_reads_the_configuration_again),
        cmocka_unit_test(many_reloads_in_a_row_all_end),
        cmocka_unit_test(a_reload_can_name_another_device),
        cmocka_unit_test(sigterm_stops),
        cmocka_unit_test(services_that_hang_stop_neither_samples_nor_frames),
        cmocka_unit_test(another_thread_can_ask_to_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
