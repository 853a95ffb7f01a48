/* SPDX-License-Identifier: MIT */
/* How deep the stack gets, measured: every function that a port calls has a painted stack of its
 * own and is called on it through years of what can happen, in short. Prints a line each, "stack
 * NAME BYTES"; tools/size-table.py compares it with the bound that it computes.
 *
 * What is measured begins with the frame of call_NAME() here; the bound does, too. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "gateway/gateway.h"
#include "scripted_bms.h"
#include "system.h"

enum { STACK_WORDS = 2048, TEXT_MAX = 32768, PAINT = 0x5AC0FFEE };

/* What the calls take and give. One gateway, one BMS, virtual time. */
static struct gateway g;
static struct settings settings, parsed;
static struct settings_error error;
static struct scripted_bms bms;
static struct victron_frame frame;
static struct gateway_command command;
static struct gateway_answer answer;
static struct gateway_snapshot snapshot;
static struct log_record record;
static uint8_t bytes[300];
static size_t bytes_n;
static char text[TEXT_MAX], file[TEXT_MAX];
static const char *input;
static uint64_t now_ms;
static int result;
static bool flag;

#define CALLS(X)                                                                                   \
    X(gateway_init, gateway_init(&g, &settings, now_ms))                                           \
    X(gateway_configure, gateway_configure(&g, &settings, now_ms))                                 \
    X(gateway_set_uart, gateway_set_uart(&g, flag, now_ms))                                        \
    X(gateway_set_can, gateway_set_can(&g, flag, now_ms))                                          \
    X(gateway_uart_rx, gateway_uart_rx(&g, bytes, bytes_n, now_ms))                                \
    X(gateway_uart_tx, bytes_n = gateway_uart_tx(&g, bytes, sizeof bytes, now_ms))                 \
    X(gateway_can_rx, gateway_can_rx(&g, &frame, now_ms))                                          \
    X(gateway_next_frame, flag = gateway_next_frame(&g, &frame, now_ms))                           \
    X(gateway_frame_done, gateway_frame_done(&g, &frame, true))                                    \
    X(gateway_note_services, gateway_note_services(&g, flag, 12000, now_ms))                       \
    X(gateway_step, gateway_step(&g, now_ms))                                                      \
    X(gateway_command, result = gateway_command(&g, &command, now_ms))                             \
    X(gateway_next_answer, flag = gateway_next_answer(&g, &answer))                                \
    X(gateway_next_log, flag = gateway_next_log(&g, &record))                                      \
    X(gateway_snapshot, gateway_snapshot(&g, &snapshot, now_ms))                                   \
    X(log_render, log_render(&record, text, sizeof text))                                          \
    X(settings_defaults, settings_defaults(&settings))                                             \
    X(settings_parse, result = settings_parse(&parsed, input, strlen(input), &error))              \
    X(settings_assign, result = settings_assign(&parsed, input, &error))                           \
    X(settings_check, result = settings_check(&parsed, &error))                                    \
    X(settings_print, result = settings_print(&parsed, file, sizeof file))                         \
    X(settings_schema, result = settings_schema(text, sizeof text))                                \
    X(settings_needs_restart, flag = settings_needs_restart(&parsed, &settings, &input))

#define DEFINE_CALL(name, expression)                                                              \
    static void call_##name(void *unused) {                                                        \
        (void)unused;                                                                              \
        (void)(expression);                                                                        \
    }
CALLS(DEFINE_CALL)

#define NAME_CALL(name, expression) {#name, call_##name},
static const struct {
    const char *name;
    void (*call)(void *unused);
} calls[] = {CALLS(NAME_CALL)};

#define NUMBER_CALL(name, expression) CALL_##name,
enum call { CALLS(NUMBER_CALL) CALL_COUNT };

static _Alignas(16) uint32_t stack[CALL_COUNT][STACK_WORDS];

#define CALL(name) call(CALL_##name)

static void call(enum call c) {
    embedded_call_on_stack(calls[c].call, NULL, stack[c] + STACK_WORDS);
    assert(stack[c][0] == PAINT);
}

static void paint(void) {
    for (unsigned c = 0; c < CALL_COUNT; c++) {
        for (unsigned i = 0; i < STACK_WORDS; i++) {
            stack[c][i] = PAINT;
        }
    }
}

static unsigned depth(enum call c) {
    unsigned untouched = 0;
    while (untouched < STACK_WORDS && stack[c][untouched] == PAINT) {
        untouched++;
    }
    return (STACK_WORDS - untouched) * (unsigned)sizeof stack[c][0];
}

/* Everything that comes out of the core now, and the BMS's answer to what it asks. */
static void drain(void) {
    CALL(gateway_uart_tx);
    if (bytes_n > 0) {
        scripted_bms_request(&bms, bytes, bytes_n);
        memcpy(bytes, bms.reply, bms.reply_len);
        bytes_n = bms.reply_len;
        now_ms += 3;
        CALL(gateway_uart_rx);
    }
    for (CALL(gateway_next_frame); flag; CALL(gateway_next_frame)) {
        CALL(gateway_frame_done);
    }
    for (CALL(gateway_next_answer); flag; CALL(gateway_next_answer)) {
    }
    for (CALL(gateway_next_log); flag; CALL(gateway_next_log)) {
        CALL(log_render);
    }
}

static void run_s(unsigned seconds) {
    for (uint64_t end_ms = now_ms + 1000u * seconds; now_ms < end_ms; now_ms += 7) {
        bms.reg[32] = (uint16_t)(now_ms / 1000);
        bms.reg[2] = (uint16_t)(39000 + now_ms / 1000 % 2 * 10);
        CALL(gateway_step);
        drain();
    }
    CALL(gateway_snapshot);
}

/* A frame from the GX: 0x305, and 0x307 with its "VIC". */
static void gx_speaks(uint16_t id) {
    frame = (struct victron_frame){.id = id, .len = 8, .data = {0, 0, 0, 0, 'V', 'I', 'C'}};
    CALL(gateway_can_rx);
}

static void dangers_and_alarms(void) {
    static const struct {
        unsigned reg;
        uint16_t value;
    } changes[] = {
        {3, 43000},   /* a cell over register 315 */
        {3, 28000},   /* under register 316 */
        {42, 700},    /* hot */
        {42, 0xFF38}, /* -20.0 degC */
        {50, 0x9B},   /* fault */
        {48, 900},    /* the board is hot */
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        uint16_t before = bms.reg[changes[i].reg];
        bms.reg[changes[i].reg] = changes[i].value;
        run_s(4);
        bms.reg[changes[i].reg] = before;
        run_s(4);
    }
}

static void commands_of_a_user(void) {
    static const struct gateway_command commands[] = {
        {.kind = GATEWAY_READ_REGISTERS, .addr = 300, .count = 100},
        {.kind = GATEWAY_WRITE_REGISTER, .addr = 300, .raw = 4100},
        {.kind = GATEWAY_WRITE_REGISTER, .addr = 300, .raw = 9999},
        {.kind = GATEWAY_RESET_BMS, .option = 1},
        {.kind = GATEWAY_RESET_BMS, .option = 5},
        {.kind = GATEWAY_READ_REGISTERS, .addr = 0, .count = 0},
    };
    for (unsigned i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        command = commands[i];
        command.sequence = i;
        CALL(gateway_command);
        run_s(3);
    }
}

static void links_come_and_go(void) {
    for (int up = 0; up <= 1; up++) {
        flag = up;
        CALL(gateway_set_can);
        flag = up;
        CALL(gateway_set_uart);
        flag = up;
        CALL(gateway_note_services);
        run_s(3);
    }
    gx_speaks(0x305);
    gx_speaks(0x307);
    gx_speaks(0x123);
    run_s(20); /* and the GX is gone */
}

static void silence_noise_and_sleep(void) {
    bms.mute = true;
    run_s(75);
    for (unsigned i = 0; i < 2000; i++) {
        bytes_n = 1 + i % 64;
        memset(bytes, (int)(i * 37 % 256), bytes_n);
        bytes[0] = 0xAA;
        CALL(gateway_uart_rx);
        CALL(gateway_step);
        now_ms += 2;
    }
    bms.mute = false;
    run_s(20);
    now_ms += 3600000; /* the machine slept */
    run_s(20);
}

static void settings_of_all_kinds(void) {
    static const char *const wrong[] = {
        "{\"tinybms\":{\"poll_interval_ms\":5}}",
        "{\"tinybms.poll_interval_ms\":100,\"tinybms\":{\"poll_interval_ms\":100}}",
        "{\"hardware\":{\"uart\":{\"device\":7}},\"nobody\":1}",
        "{\"tinybms\":{\"stale_close_ms\":9000,\"stale_zero_ms\":9000}}",
        "[[[[[[[[[[",
        "{\"a\":\"\\ud800\"}",
    };
    static const char *const assignments[] = {"tinybms.low_power=false",
                                              "cvl.margin_mv=250",
                                              "victron.thresholds.overtemp_c=45.5",
                                              "logging.level=x",
                                              "victron.battery_name=House battery",
                                              "nothing=1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        input = wrong[i];
        CALL(settings_parse);
    }
    for (size_t i = 0; i < sizeof assignments / sizeof assignments[0]; i++) {
        input = assignments[i];
        CALL(settings_assign);
    }
    CALL(settings_check);
    CALL(settings_print);
    assert(result > 0);
    file[result] = '\0';
    input = file;
    CALL(settings_parse);
    assert(result == 0);
    CALL(settings_schema);
    assert(result > 0);
    CALL(settings_needs_restart);
    settings = parsed;
    CALL(gateway_configure);
    run_s(5);
}

int main(void) {
    paint();
    scripted_bms_init(&bms);
    CALL(settings_defaults);
    parsed = settings;
    CALL(gateway_init);
    flag = true;
    CALL(gateway_set_uart);
    flag = true;
    CALL(gateway_set_can);
    run_s(30);
    assert(snapshot.limits.valid);
    dangers_and_alarms();
    commands_of_a_user();
    links_come_and_go();
    settings_of_all_kinds();
    silence_noise_and_sleep();
    assert(snapshot.limits.valid);
    for (unsigned c = 0; c < CALL_COUNT; c++) {
        printf("stack %s %u\n", calls[c].name, depth((enum call)c));
    }
    return 0;
}
