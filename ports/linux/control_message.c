/* SPDX-License-Identifier: MIT */
#include "control_message.h"

#include <stdio.h>
#include <string.h>

#include "status_json.h"
#include "json/json.h"

static const struct {
    const char *name;
    enum gateway_command_kind kind;
} command_names[] = {
    {"read", GATEWAY_READ_REGISTERS},
    {"write", GATEWAY_WRITE_REGISTER},
    {"reset", GATEWAY_RESET_BMS},
};

enum { COMMAND_NAMES = sizeof command_names / sizeof command_names[0] };

/* The numbers of a request, and where they go. */
struct numbers {
    int64_t address, count, value, option; /* -1: not given; value is never negative here */
};

static int64_t *number_named(struct numbers *n, const char *key) {
    struct {
        const char *key;
        int64_t *number;
    } row[] = {{"address", &n->address},
               {"count", &n->count},
               {"value", &n->value},
               {"option", &n->option}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        if (strcmp(row[i].key, key) == 0) {
            return row[i].number;
        }
    }
    return NULL;
}

static int refuse(int err, const char *text, const char **why) {
    *why = text;
    return err;
}

/* Names the key, if it is one that a line of the log can show. */
static int refuse_key(int err, const char *text, const struct json_reader *r,
                      struct control_request *out, const char **why) {
    bool plain = r->length > 0 && r->length <= 32;
    for (size_t i = 0; plain && i < r->length; i++) {
        plain = r->text[i] > ' ' && r->text[i] < 0x7F;
    }
    (void)snprintf(out->why, sizeof out->why, "%.24s%s%.32s", text, plain ? ": " : "",
                   plain ? r->text : "");
    return refuse(err, out->why, why);
}

static int read_name(struct json_reader *r, struct control_request *out, const char **why) {
    if (json_next(r) != JSON_STRING) {
        return refuse(GW_ERR_TYPE, "request must be a string", why);
    }
    out->status = strcmp(r->text, "status") == 0;
    out->record = strcmp(r->text, "record") == 0;
    if (out->status || out->record) {
        return GW_OK;
    }
    for (size_t i = 0; i < COMMAND_NAMES; i++) {
        if (strcmp(r->text, command_names[i].name) == 0) {
            out->command.kind = command_names[i].kind;
            return GW_OK;
        }
    }
    return refuse(GW_ERR_UNKNOWN, "request must be status, read, write, reset or record", why);
}

static int read_number(struct json_reader *r, int64_t *number, const char **why) {
    if (json_next(r) != JSON_NUMBER || json_number_scaled(&r->number, 0, number) != GW_OK) {
        return refuse(GW_ERR_TYPE, "address, count, value and option must be whole numbers", why);
    }
    if (*number < 0 || *number > UINT32_MAX) {
        return refuse(GW_ERR_RANGE, "a number is out of range", why);
    }
    return GW_OK;
}

static int read_live(struct json_reader *r, struct control_request *out, const char **why) {
    enum json_token token = json_next(r);
    out->recording.live = token == JSON_TRUE;
    return token == JSON_TRUE || token == JSON_FALSE
               ? GW_OK
               : refuse(GW_ERR_TYPE, "live must be true or false", why);
}

static int read_from(struct json_reader *r, struct control_request *out, const char **why) {
    if (json_next(r) != JSON_STRING) {
        return refuse(GW_ERR_TYPE, "from must be a string", why);
    }
    if (r->length > RECORDER_TOKEN_MAX) {
        return refuse(GW_ERR_RANGE, "from is too long", why);
    }
    memcpy(out->recording.from, r->text, r->length + 1);
    return GW_OK;
}

/* The numbers that each kind needs; the core checks the rest. */
static int take_numbers(struct gateway_command *c, const struct numbers *n, const char **why) {
    switch (c->kind) {
    case GATEWAY_READ_REGISTERS:
        if (n->address < 0 || n->address > UINT16_MAX || n->count < 1 ||
            n->count > TINYBMS_COMMAND_REGISTERS_MAX) {
            return refuse(GW_ERR_RANGE, "read needs an address and a count of 1 to 100", why);
        }
        c->addr = (uint16_t)n->address;
        c->count = (uint16_t)n->count;
        return GW_OK;
    case GATEWAY_WRITE_REGISTER:
        if (n->address < 0 || n->address > UINT16_MAX || n->value < 0) {
            return refuse(GW_ERR_RANGE, "write needs an address and a value", why);
        }
        c->addr = (uint16_t)n->address;
        c->raw = (uint32_t)n->value;
        return GW_OK;
    case GATEWAY_RESET_BMS:
        if (n->option < 0 || n->option > UINT8_MAX) {
            return refuse(GW_ERR_RANGE, "reset needs an option", why);
        }
        c->option = (uint8_t)n->option;
        return GW_OK;
    }
    return refuse(GW_ERR_UNKNOWN, "no such request", why);
}

int control_parse_request(const char *line, size_t n, struct control_request *out,
                          const char **why) {
    struct numbers numbers = {-1, -1, -1, -1};
    struct json_reader r;
    bool named = false;
    memset(out, 0, sizeof *out);
    out->recording.live = true;
    *why = "not a JSON object";
    json_reader_init(&r, line, n);
    if (json_next(&r) != JSON_OBJECT_BEGIN) {
        return GW_ERR_SYNTAX;
    }
    enum json_token token = json_next(&r);
    for (; token == JSON_KEY; token = json_next(&r)) {
        int64_t *number = number_named(&numbers, r.text);
        int err = GW_OK;
        if (strcmp(r.text, "request") == 0) {
            named = true;
            err = read_name(&r, out, why);
        } else if (number != NULL) {
            err = read_number(&r, number, why);
        } else if (strcmp(r.text, "live") == 0) {
            err = read_live(&r, out, why);
        } else if (strcmp(r.text, "from") == 0) {
            err = read_from(&r, out, why);
        } else {
            err = refuse_key(GW_ERR_UNKNOWN, "unknown key", &r, out, why);
        }
        if (err != GW_OK) {
            return err;
        }
    }
    if (token == JSON_ERROR && strcmp(r.error, "key given twice") == 0) {
        return refuse_key(GW_ERR_SYNTAX, r.error, &r, out, why);
    }
    if (token != JSON_OBJECT_END || json_next(&r) != JSON_END) {
        return GW_ERR_SYNTAX;
    }
    if (!named) {
        return refuse(GW_ERR_SYNTAX, "there is no request", why);
    }
    return out->status || out->record ? GW_OK : take_numbers(&out->command, &numbers, why);
}

/* ---- printing ---- */

/* Ends the line that w wrote into buf, or replaces it by an error. */
static size_t finish(struct json_writer *w, char *buf, size_t cap) {
    int n = json_writer_finish(w);
    if (n < 0 || (size_t)n + 1 > cap) {
        return control_print_error(GW_ERR_SPACE, "the answer is too long", buf, cap);
    }
    buf[n] = '\n';
    return (size_t)n + 1;
}

size_t control_print_error(int err, const char *why, char *buf, size_t cap) {
    struct json_writer w;
    json_writer_init(&w, buf, cap, false);
    json_object_begin(&w);
    json_key_bool(&w, "ok", false);
    json_key_int(&w, "code", err);
    json_key_string(&w, "error", why);
    json_object_end(&w);
    int n = json_writer_finish(&w);
    if (n < 0 || (size_t)n >= cap) {
        return 0;
    }
    buf[n] = '\n';
    return (size_t)n + 1;
}

size_t control_print_status(const struct gateway_snapshot *s, const struct can_status *can,
                            char *buf, size_t cap) {
    struct json_writer w;
    json_writer_init(&w, buf, cap, false);
    json_object_begin(&w);
    json_key_bool(&w, "ok", true);
    json_key(&w, "status");
    status_json(&w, s, can);
    json_object_end(&w);
    return finish(&w, buf, cap);
}

size_t control_print_recording(char *buf, size_t cap) {
    struct json_writer w;
    json_writer_init(&w, buf, cap, false);
    json_object_begin(&w);
    json_key_bool(&w, "ok", true);
    json_key_bool(&w, "recording", true);
    json_object_end(&w);
    return finish(&w, buf, cap);
}

size_t control_print_answer(const struct gateway_answer *a, char *buf, size_t cap) {
    struct json_writer w;
    json_writer_init(&w, buf, cap, false);
    json_object_begin(&w);
    json_key_bool(&w, "ok", a->err == GW_OK);
    if (a->err != GW_OK) {
        json_key_int(&w, "code", a->err);
        json_key_string(&w, "error", gw_err_text(a->err));
        json_key_int(&w, "nack", a->nack);
    }
    json_key_int(&w, "address", a->addr);
    json_key(&w, "values");
    json_array_begin(&w);
    for (unsigned i = 0; i < a->count && i < TINYBMS_COMMAND_REGISTERS_MAX; i++) {
        json_int(&w, a->value[i]);
    }
    json_array_end(&w);
    json_object_end(&w);
    return finish(&w, buf, cap);
}

static void print_command(struct json_writer *w, const struct gateway_command *c) {
    switch (c->kind) {
    case GATEWAY_READ_REGISTERS:
        json_key_string(w, "request", "read");
        json_key_int(w, "address", c->addr);
        json_key_int(w, "count", c->count);
        break;
    case GATEWAY_WRITE_REGISTER:
        json_key_string(w, "request", "write");
        json_key_int(w, "address", c->addr);
        json_key_int(w, "value", c->raw);
        break;
    case GATEWAY_RESET_BMS:
        json_key_string(w, "request", "reset");
        json_key_int(w, "option", c->option);
        break;
    }
}

size_t control_print_request(const struct control_request *r, char *buf, size_t cap) {
    struct json_writer w;
    json_writer_init(&w, buf, cap, false);
    json_object_begin(&w);
    if (r->status) {
        json_key_string(&w, "request", "status");
    } else if (r->record) {
        json_key_string(&w, "request", "record");
        json_key_bool(&w, "live", r->recording.live);
        json_key_string(&w, "from", r->recording.from);
    } else {
        print_command(&w, &r->command);
    }
    json_object_end(&w);
    return finish(&w, buf, cap);
}

/* ---- the client's reading ---- */

static bool read_values(struct json_reader *r, struct gateway_answer *out) {
    if (json_next(r) != JSON_ARRAY_BEGIN) {
        return false;
    }
    enum json_token token = json_next(r);
    for (; token == JSON_NUMBER; token = json_next(r)) {
        int64_t v = 0;
        if (out->count == TINYBMS_COMMAND_REGISTERS_MAX ||
            json_number_scaled(&r->number, 0, &v) != GW_OK || v < 0 || v > UINT16_MAX) {
            return false;
        }
        out->value[out->count++] = (uint16_t)v;
    }
    return token == JSON_ARRAY_END;
}

static bool read_integer(struct json_reader *r, int64_t min, int64_t max, int64_t *out) {
    return json_next(r) == JSON_NUMBER && json_number_scaled(&r->number, 0, out) == GW_OK &&
           *out >= min && *out <= max;
}

/* What an answer says of itself. */
enum answer_ok { ANSWER_SILENT, ANSWER_OK, ANSWER_REFUSED };

static bool read_member(struct json_reader *r, struct gateway_answer *out, enum answer_ok *ok) {
    int64_t v = 0;
    if (strcmp(r->text, "ok") == 0) {
        enum json_token token = json_next(r);
        *ok = token == JSON_TRUE ? ANSWER_OK : ANSWER_REFUSED;
        return token == JSON_TRUE || token == JSON_FALSE;
    }
    if (strcmp(r->text, "values") == 0) {
        return read_values(r, out);
    }
    if (strcmp(r->text, "address") == 0) {
        bool good = read_integer(r, 0, UINT16_MAX, &v);
        out->addr = (uint16_t)v;
        return good;
    }
    if (strcmp(r->text, "code") == 0) {
        bool good = read_integer(r, INT16_MIN, -1, &v);
        out->err = (int)v;
        return good;
    }
    if (strcmp(r->text, "nack") == 0) {
        bool good = read_integer(r, 0, UINT8_MAX, &v);
        out->nack = (uint8_t)v;
        return good;
    }
    return json_skip(r) != JSON_ERROR;
}

int control_parse_answer(const char *line, size_t n, struct gateway_answer *out) {
    struct json_reader r;
    enum answer_ok ok = ANSWER_SILENT;
    memset(out, 0, sizeof *out);
    json_reader_init(&r, line, n);
    if (json_next(&r) != JSON_OBJECT_BEGIN) {
        return GW_ERR_SYNTAX;
    }
    enum json_token token = json_next(&r);
    for (; token == JSON_KEY; token = json_next(&r)) {
        if (!read_member(&r, out, &ok)) {
            return GW_ERR_SYNTAX;
        }
    }
    if (token != JSON_OBJECT_END || json_next(&r) != JSON_END ||
        ok != (out->err == GW_OK ? ANSWER_OK : ANSWER_REFUSED)) {
        return GW_ERR_SYNTAX;
    }
    return GW_OK;
}

bool control_answer_ok(const char *line, size_t n, char *why, size_t cap) {
    struct json_reader r;
    struct text t;
    bool ok = false;
    text_init(&t, why, cap);
    json_reader_init(&r, line, n);
    if (json_next(&r) != JSON_OBJECT_BEGIN) {
        text_str(&t, "its answer cannot be read");
        return false;
    }
    while (json_next(&r) == JSON_KEY) {
        if (strcmp(r.text, "ok") == 0) {
            ok = json_next(&r) == JSON_TRUE;
        } else if (strcmp(r.text, "error") != 0) {
            (void)json_skip(&r);
        } else if (json_next(&r) == JSON_STRING) {
            text_str(&t, r.text);
        }
    }
    return ok;
}
