/* SPDX-License-Identifier: MIT */
/* What is said on the control socket: one JSON object a line, each way.
 *
 *     {"request":"status"}
 *     {"request":"read","address":300,"count":44}
 *     {"request":"write","address":306,"value":10000}       value: raw counts
 *     {"request":"reset","option":5}                        1 events, 2 statistics, 5 the BMS
 *     {"request":"record","live":true,"from":"GATEWAY:EVENT"}
 *
 *     {"ok":true,"status":{...}}
 *     {"ok":true,"address":300,"values":[4200,...]}
 *     {"ok":true,"recording":true}
 *     {"ok":false,"code":-8,"error":"...","nack":0}
 *
 * Behind the answer to "record" come lines of a recording until the client leaves or, when live is
 * false, until it has what is kept. live is true and from is empty when they are not given. */
#ifndef PORTS_LINUX_CONTROL_MESSAGE_H
#define PORTS_LINUX_CONTROL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "can_watch.h"
#include "gateway/gateway.h"
#include "recorder.h"

enum {
    CONTROL_REQUEST_MAX = 4096,
    CONTROL_ANSWER_MAX = 65536, /* with its newline */
    CONTROL_WHY_MAX = 64,
};

struct control_request {
    bool status, record; /* neither: command */
    struct gateway_command command;
    struct {
        bool live;
        char from[RECORDER_TOKEN_MAX + 1]; /* as for recorder_begin() */
    } recording;
    char why[CONTROL_WHY_MAX]; /* of a refusal that names a key */
};

/* Parses one line without its newline. 0, GW_ERR_SYNTAX (no such object), GW_ERR_UNKNOWN (request
 * or key), GW_ERR_TYPE, GW_ERR_RANGE; *why says it in words, in static storage or in *out. */
int control_parse_request(const char *line, size_t n, struct control_request *out,
                          const char **why);

/* Each writes one answer line with its newline into buf (cap >= 256) and returns its length. What
 * does not fit becomes an error answer that does. */
size_t control_print_status(const struct gateway_snapshot *s, const struct can_status *can,
                            char *buf, size_t cap);
size_t control_print_answer(const struct gateway_answer *a, char *buf, size_t cap);
size_t control_print_recording(char *buf, size_t cap);
size_t control_print_error(int err, const char *why, char *buf, size_t cap);

/* The client's side: the request line with its newline; returns its length. */
size_t control_print_request(const struct control_request *r, char *buf, size_t cap);

/* Whether a line is an answer that says ok; otherwise why says what went wrong, as far as the line
 * tells. */
bool control_answer_ok(const char *line, size_t n, char *why, size_t cap);

/* The answer to a command: 0 with *out filled (err, nack, addr, count, value), or GW_ERR_SYNTAX
 * when the line is no such answer. */
int control_parse_answer(const char *line, size_t n, struct gateway_answer *out);

#endif
