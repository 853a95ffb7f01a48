/* SPDX-License-Identifier: MIT */
/* `tinybms-gw status`: what the running gateway knows, as a table or as JSON. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "control.h"
#include "control_client.h"
#include "options.h"
#include "json/json.h"
#include "json/text.h"

static const struct options_help help = {
    .usage = "status [-j] [-c FILE] [--set KEY=VALUE]...",
    .text = "Asks the running gateway what it knows. The configuration is read only to find\n"
            "its control socket.\n",
    .config = true,
    .json = true,
};

enum { NAME_MAX_LENGTH = 64 };

/* One value of the JSON by its dotted name; the elements of an array stand behind each other. */
struct value {
    char name[NAME_MAX_LENGTH];
    char text[192];
    struct json_number number; /* of a single number */
    bool is_number;            /* and not one of a list */
};

enum { VALUES_MAX = 128 };

struct values {
    struct value value[VALUES_MAX];
    size_t count;
};

/* A line of the table: a heading where name is NULL. */
struct line {
    const char *label;
    const char *name;
    const char *unit;
    uint8_t decimals;   /* shown at most; rounded half away from zero */
    uint8_t shift;      /* the unit shown is 10^shift times the one of the JSON */
    const char *remark; /* the name of what stands behind it in brackets, or NULL */
    const char *none;   /* shown for an empty list, or NULL */
};

/* clang-format off */
static const struct line lines[] = {
    {"Battery",           NULL,                         "",      0, 0, NULL, NULL},
    {"state",             "online_status",              "",      0, 0, NULL, NULL},
    {"voltage",           "voltage",                    "V",     2, 0, NULL, NULL},
    {"current",           "current",                    "A",     2, 0, NULL, NULL},
    {"power",             "power_w",                    "W",     0, 0, NULL, NULL},
    {"state of charge",   "soc_percent",                "%",     1, 0, NULL, NULL},
    {"state of health",   "soh_percent",                "%",     1, 0, NULL, NULL},
    {"temperature",       "temperature",                "degC",  1, 0, NULL, NULL},
    {"lowest cell",       "min_cell_mv",                "mV",    0, 0, "min_cell", NULL},
    {"highest cell",      "max_cell_mv",                "mV",    0, 0, "max_cell", NULL},
    {"imbalance",         "cell_imbalance_mv",          "mV",    0, 0, NULL, NULL},
    {"cells",             "cells_mv",                   "mV",    0, 0, NULL, "unknown"},
    {"capacity",          "bms.capacity_ah",            "Ah",    1, 0, NULL, NULL},
    {"Limits for the GX", NULL,                         "",      0, 0, NULL, NULL},
    {"state of charging", "stats.cvl.state",            "",      0, 0, "stats.cvl.reason", NULL},
    {"charge voltage",    "limits.cvl_v",               "V",     2, 0, "limits.reason.cvl", NULL},
    {"charge current",    "limits.ccl_a",               "A",     1, 0, "limits.reason.ccl", NULL},
    {"discharge current", "limits.dcl_a",               "A",     1, 0, "limits.reason.dcl", NULL},
    {"alarms",            "alarms",                     "",      0, 0, NULL, "none"},
    {"warnings",          "warnings",                   "",      0, 0, NULL, "none"},
    {"Data",              NULL,                         "",      0, 0, NULL, NULL},
    {"stage",             "stage",                      "",      0, 0, "stage_reason", NULL},
    {"age of the sample", "sample.age_ms",              "s",     1, 3, NULL, NULL},
    {"missing register",  "sample.missing_register",    "",      0, 0, NULL, "none"},
    {"BMS link",          "bms.link",                   "",      0, 0, NULL, NULL},
    {"samples asked for", "stats.uart.polls",           "",      0, 0, NULL, NULL},
    {"answered",          "stats.uart.success",         "",      0, 0, NULL, NULL},
    {"time-outs",         "stats.uart.timeouts",        "",      0, 0, NULL, NULL},
    {"CRC errors",        "stats.uart.crc_errors",      "",      0, 0, NULL, NULL},
    {"answer time",       "stats.uart.latency_avg_ms",  "ms",    0, 0, NULL, NULL},
    {"GX",                NULL,                         "",      0, 0, NULL, NULL},
    {"present",           "gx.present",                 "",      0, 0, NULL, NULL},
    {"last keep-alive",   "gx.last_keepalive_ms",       "s",     1, 3, NULL, "never"},
    {"CAN link up",       "stats.can.up",               "",      0, 0, NULL, NULL},
    {"frames sent",       "stats.can.tx_count",         "",      0, 0, NULL, NULL},
    {"frames not taken",  "stats.can.tx_errors",        "",      0, 0, NULL, NULL},
    {"CAN bus",           "stats.can.state",            "",      0, 0, NULL, NULL},
    {"bit rate",          "stats.can.bitrate",          "bit/s", 0, 0, NULL, NULL},
    {"send errors",       "stats.can.tx_error_counter", "",      0, 0, NULL, NULL},
    {"receive errors",    "stats.can.rx_error_counter", "",      0, 0, NULL, NULL},
    {"bus-off",           "stats.can.bus_off_count",    "",      0, 0, NULL, NULL},
    {"restarts",          "stats.can.restarts",         "",      0, 0, NULL, NULL},
    {"Gateway",           NULL,                         "",      0, 0, NULL, NULL},
    {"version",           "version",                    "",      0, 0, NULL, NULL},
    {"running for",       "uptime_ms",                  "s",     0, 3, NULL, NULL},
    {"log records lost",  "stats.log.dropped",          "",      0, 0, NULL, NULL},
};
/* clang-format on */

/* ---- JSON to values ---- */

static void add_text(struct value *v, const char *text) {
    size_t n = strlen(v->text);
    (void)snprintf(v->text + n, sizeof v->text - n, "%s%s", n != 0 ? " " : "", text);
}

static void add_scalar(struct value *v, enum json_token token, const struct json_reader *r,
                       bool in_list) {
    char number[32];
    struct text t;
    if (token == JSON_STRING) {
        add_text(v, r->text);
    } else if (token == JSON_NUMBER) {
        text_init(&t, number, sizeof number);
        text_fixed(&t, r->number.digits, r->number.decimals);
        add_text(v, number);
        v->number = r->number;
        v->is_number = !in_list;
    } else if (token != JSON_NULL) {
        add_text(v, token == JSON_TRUE ? "yes" : "no");
    }
}

static void join(char to[NAME_MAX_LENGTH], const char *a, const char *b) {
    struct text t;
    text_init(&t, to, NAME_MAX_LENGTH);
    text_str(&t, a);
    text_str(&t, b);
}

/* Collects the members of the object that has just begun, down to the third level. False: broken
 * JSON. Lists of objects (registers) are passed over. */
static bool collect(struct json_reader *r, struct values *out) {
    char prefix[4][NAME_MAX_LENGTH] = {""};
    int depth = 0;
    bool in_list = false;
    struct value skipped, *v = &skipped;
    for (enum json_token token = json_next(r); token != JSON_END; token = json_next(r)) {
        switch (token) {
        case JSON_ERROR:
            return false;
        case JSON_KEY:
            if (strcmp(r->text, "registers") == 0) {
                if (json_skip(r) == JSON_ERROR) {
                    return false;
                }
                break;
            }
            v = out->count < VALUES_MAX ? &out->value[out->count++] : &skipped;
            *v = (struct value){.is_number = false};
            join(v->name, prefix[depth], r->text);
            break;
        case JSON_OBJECT_BEGIN:
            if (++depth == 4 || in_list) {
                return false;
            }
            join(prefix[depth], v->name, ".");
            break;
        case JSON_OBJECT_END:
            if (depth-- == 0) {
                return true;
            }
            break;
        case JSON_ARRAY_BEGIN:
        case JSON_ARRAY_END:
            in_list = token == JSON_ARRAY_BEGIN;
            break;
        case JSON_END:
        case JSON_STRING:
        case JSON_NUMBER:
        case JSON_TRUE:
        case JSON_FALSE:
        case JSON_NULL:
            add_scalar(v, token, r, in_list);
            break;
        }
    }
    return false;
}

static const struct value *find(const struct values *values, const char *name) {
    static const struct value unknown = {.text = ""};
    for (size_t i = 0; name != NULL && i < values->count; i++) {
        if (strcmp(values->value[i].name, name) == 0) {
            return &values->value[i];
        }
    }
    return &unknown;
}

static void print_number(const struct line *l, struct json_number n) {
    char text[32];
    struct text t;
    int64_t digits = n.digits;
    unsigned decimals = (unsigned)n.decimals + l->shift;
    for (; decimals > l->decimals + 1u; decimals--) {
        digits /= 10;
    }
    if (decimals > l->decimals) {
        digits = (digits + (digits < 0 ? -5 : 5)) / 10;
        decimals--;
    }
    text_init(&t, text, sizeof text);
    text_fixed(&t, digits, decimals);
    (void)fputs(text, stdout);
}

static void print_line(const struct line *l, const struct values *values) {
    const struct value *v = find(values, l->name);
    const struct value *remark = find(values, l->remark);
    (void)printf("  %-18s ", l->label);
    if (v->text[0] == '\0') {
        (void)printf("%s\n", l->none != NULL ? l->none : "unknown");
        return;
    }
    if (v->is_number) {
        print_number(l, v->number);
    } else {
        (void)fputs(v->text, stdout);
    }
    (void)printf("%s%s", l->unit[0] != '\0' ? " " : "", l->unit);
    if (remark->text[0] != '\0') {
        (void)printf(" (%s%s)", remark->is_number ? "cell " : "", remark->text);
    }
    (void)putchar('\n');
}

static void print_table(const struct values *values) {
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (lines[i].name == NULL) {
            (void)printf("%s%s\n", i != 0 ? "\n" : "", lines[i].label);
        } else {
            print_line(&lines[i], values);
        }
    }
}

/* ---- the command ---- */

/* Where the object behind "status" begins and ends in the answer; false: it is an error answer. */
static bool find_status(const char *line, size_t n, size_t *begin, size_t *end) {
    struct json_reader r;
    json_reader_init(&r, line, n);
    if (json_next(&r) != JSON_OBJECT_BEGIN) {
        return false;
    }
    while (json_next(&r) == JSON_KEY) {
        bool wanted = strcmp(r.text, "status") == 0;
        size_t from = r.pos;
        if (json_skip(&r) == JSON_ERROR) {
            return false;
        }
        if (wanted) {
            while (from < r.pos && line[from] != '{') {
                from++;
            }
            *begin = from;
            *end = r.pos;
            return from < r.pos;
        }
    }
    return false;
}

static int print_status(const char *line, size_t n, bool json) {
    static struct values values;
    struct json_reader r;
    size_t begin = 0, end = 0;
    if (!find_status(line, n, &begin, &end)) {
        (void)fprintf(stderr, "tinybms-gw status: the gateway answers: %.*s\n", (int)n, line);
        return EXIT_FAILED;
    }
    if (json) {
        (void)printf("%.*s\n", (int)(end - begin), line + begin);
        return options_finish_output("status");
    }
    json_reader_init(&r, line + begin, end - begin);
    if (json_next(&r) != JSON_OBJECT_BEGIN || !collect(&r, &values)) {
        (void)fprintf(stderr, "tinybms-gw status: the gateway's answer cannot be read\n");
        return EXIT_FAILED;
    }
    print_table(&values);
    return options_finish_output("status");
}

int cmd_status(int argc, char **argv) {
    static char line[CONTROL_ANSWER_MAX];
    char path[CONTROL_PATH_MAX];
    struct options options;
    struct settings settings;
    int status = options_parse(&options, argc, argv, &help);
    if (status >= 0) {
        return status;
    }
    status = options_settings(&options, argv[0], &settings);
    if (status != 0) {
        return status;
    }
    int fd = control_client_connect(settings.advanced.control_socket, path);
    if (fd < 0) {
        (void)fprintf(stderr, "tinybms-gw status: %s: %s\n", path,
                      fd == -ESRCH ? "no gateway is running" : strerror(-fd));
        return EXIT_FAILED;
    }
    const struct control_request request = {.status = true};
    int n = control_client_ask(fd, &request, line, sizeof line);
    (void)close(fd);
    if (n < 0) {
        (void)fprintf(stderr, "tinybms-gw status: %s: %s\n", path, strerror(-n));
        return EXIT_FAILED;
    }
    return print_status(line, (size_t)n, options.json);
}
