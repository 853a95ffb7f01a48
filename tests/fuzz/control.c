/* SPDX-License-Identifier: MIT */
/* Lines of the control socket, read by both of its ends.
 *
 * A request that is accepted is within its bounds and survives printing; so is an answer. Whatever
 * is said in an answer, the line is one line of JSON. */
#include "control_message.h"

#include <string.h>

#include "fuzz.h"

enum { INPUT_MAX = CONTROL_REQUEST_MAX, WHY_MAX = 200 };

/* One line, and JSON. */
static void check_line(const char *line, size_t n) {
    struct json_reader r;
    must(n > 0 && line[n - 1] == '\n' && memchr(line, '\n', n) == line + n - 1,
         "an answer is one line");
    json_reader_init(&r, line, n - 1);
    must(json_skip(&r) == JSON_OBJECT_BEGIN && json_next(&r) == JSON_END, "an answer is JSON");
}

static void check_command(const struct gateway_command *c) {
    must(c->kind == GATEWAY_READ_REGISTERS || c->kind == GATEWAY_WRITE_REGISTER ||
             c->kind == GATEWAY_RESET_BMS,
         "a command is a known one");
    must(c->kind != GATEWAY_READ_REGISTERS ||
             (c->count >= 1 && c->count <= TINYBMS_COMMAND_REGISTERS_MAX),
         "a read is of 1 to 100 registers");
}

static void check_same_request(const struct control_request *a, const struct control_request *b) {
    must(a->status == b->status && a->record == b->record, "a request keeps its kind");
    if (a->record) {
        must(a->recording.live == b->recording.live &&
                 strcmp(a->recording.from, b->recording.from) == 0,
             "a request to record keeps what it says");
    } else if (!a->status) {
        const struct gateway_command *c = &a->command, *d = &b->command;
        must(c->kind == d->kind && c->addr == d->addr && c->count == d->count && c->raw == d->raw &&
                 c->option == d->option,
             "a command keeps its numbers");
    }
}

static void check_request(const char *line, size_t n) {
    struct control_request request, again;
    const char *why = NULL;
    char text[CONTROL_REQUEST_MAX];
    const int err = control_parse_request(line, n, &request, &why);
    if (err != GW_OK) {
        must(err == GW_ERR_SYNTAX || err == GW_ERR_UNKNOWN || err == GW_ERR_TYPE ||
                 err == GW_ERR_RANGE,
             "a request is refused for a reason of the header");
        must(why != NULL && why[0] != '\0', "a refusal is told in words");
        check_line(text, control_print_error(err, why, text, sizeof text));
        return;
    }
    must(!(request.status && request.record), "a request is of one kind");
    if (request.record) {
        must(memchr(request.recording.from, '\0', sizeof request.recording.from) != NULL,
             "the place to record from has its end");
    } else if (!request.status) {
        check_command(&request.command);
    }
    const size_t length = control_print_request(&request, text, sizeof text);
    check_line(text, length);
    must(control_parse_request(text, length - 1, &again, &why) == GW_OK,
         "a request that was printed is one");
    check_same_request(&request, &again);
}

static void check_same_answer(const struct gateway_answer *a, const struct gateway_answer *b) {
    must(a->err == b->err && a->addr == b->addr && a->count == b->count, "an answer keeps itself");
    must(a->err == GW_OK || a->nack == b->nack, "a refusal keeps its code");
    must(memcmp(a->value, b->value, a->count * sizeof a->value[0]) == 0,
         "an answer keeps its values");
}

static void check_answer(const char *line, size_t n) {
    static char text[4096];
    struct gateway_answer answer, again;
    char why[WHY_MAX];
    const bool ok = control_answer_ok(line, n, why, sizeof why);
    must(memchr(why, '\0', sizeof why) != NULL, "what went wrong has its end");
    /* whatever a peer said may be told to another one */
    const size_t told = control_print_error(GW_ERR_SYNTAX, why, text, sizeof text);
    check_line(text, told);
    must(!control_answer_ok(text, told - 1, why, sizeof why), "an error does not say ok");

    const int err = control_parse_answer(line, n, &answer);
    must(err == GW_OK || err == GW_ERR_SYNTAX, "an answer is one or none");
    if (err != GW_OK) {
        return;
    }
    must(ok == (answer.err == GW_OK), "both readings of an answer agree");
    must(answer.count <= TINYBMS_COMMAND_REGISTERS_MAX && answer.err <= 0, "values are bounded");
    const size_t length = control_print_answer(&answer, text, sizeof text);
    check_line(text, length);
    must(control_parse_answer(text, length - 1, &again) == GW_OK,
         "an answer that was printed is one");
    check_same_answer(&answer, &again);

    /* where there is little room an answer that fits says so */
    const size_t little = control_print_answer(&answer, text, 256);
    must(little <= 256, "an answer stays in its buffer");
    check_line(text, little);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size <= INPUT_MAX) {
        check_request((const char *)data, size);
        check_answer((const char *)data, size);
    }
    return 0;
}
