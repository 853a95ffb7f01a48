/* SPDX-License-Identifier: MIT */
/* `tinybms-gw decode`: a candump log in words, by the virtual GX's reading of it. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "options.h"
#include "sim/candump.h"
#include "sim/gx.h"

enum { COMPLAINTS_MAX = 20 };

static const struct options_help help = {
    .usage = "decode [-j] FILE",
    .text = "Tells a candump log in words, one line a frame, as a GX device reads it.\n"
            "FILE is what `candump -L can0` or `candump can0` wrote; - is standard input.\n"
            "Lines that are no frames are named on stderr and counted.\n"
            "Exit status 0: all understood, 1: some lines were not.\n",
    .json = true,
    .operands = true,
};

struct reader {
    FILE *file;
    char line[SIM_CANDUMP_LINE_MAX + 1]; /* no NUL at the end: n characters */
    size_t n;                            /* > SIM_CANDUMP_LINE_MAX: the rest was thrown away */
    unsigned long number;
};

/* The next line without its end; false at the end of the file. */
static bool read_line(struct reader *r) {
    int c = getc(r->file);
    if (c == EOF) {
        return false;
    }
    r->n = 0;
    r->number++;
    for (; c != EOF && c != '\n'; c = getc(r->file)) {
        if (r->n <= SIM_CANDUMP_LINE_MAX) {
            r->line[r->n++] = (char)c;
        }
    }
    while (r->n > 0 && r->n <= SIM_CANDUMP_LINE_MAX && r->line[r->n - 1] == '\r') {
        r->n--;
    }
    return true;
}

static bool is_blank(const struct reader *r) {
    for (size_t i = 0; i < r->n; i++) {
        if (r->line[i] != ' ' && r->line[i] != '\t') {
            return false;
        }
    }
    return true;
}

static void print_words(const struct sim_candump *d) {
    char words[SIM_GX_WORDS_MAX];
    if (d->error_frame) {
        (void)snprintf(words, sizeof words, "error frame of the controller, bits 0x%X",
                       d->frame.id);
    } else {
        (void)sim_gx_words(&d->frame, words, sizeof words);
    }
    if (d->time[0] != '\0') {
        (void)printf("(%s) ", d->time);
    }
    (void)printf("%s %0*X  %s\n", d->interface, d->frame.extended ? 8 : 3, d->frame.id, words);
}

static void print_json(const struct sim_candump *d) {
    char members[SIM_GX_WORDS_MAX];
    (void)printf("{\"time\":\"%s\",\"interface\":\"", d->time);
    for (const char *c = d->interface; *c != '\0'; c++) {
        (void)printf("%s%c", *c == '"' || *c == '\\' ? "\\" : "", *c);
    }
    (void)printf("\",\"id\":%u,\"extended\":%s,", d->frame.id,
                 d->frame.extended ? "true" : "false");
    if (d->error_frame) {
        (void)printf("\"name\":\"error frame\"}\n");
        return;
    }
    (void)sim_gx_json(&d->frame, members, sizeof members);
    (void)printf("\"data\":\"");
    for (unsigned i = 0; i < d->frame.len && !d->frame.remote; i++) {
        (void)printf("%02X", d->frame.data[i]);
    }
    (void)printf("\",%s}\n", members);
}

static int decode(FILE *file, const char *path, bool json) {
    struct reader r = {.file = file};
    unsigned long strange = 0;
    while (read_line(&r)) {
        struct sim_candump d;
        if (is_blank(&r)) {
            continue;
        }
        if (sim_candump_parse(r.line, r.n, &d)) {
            (json ? print_json : print_words)(&d);
            continue;
        }
        if (++strange <= COMPLAINTS_MAX) {
            (void)fprintf(stderr, "%s:%lu: not a frame of a candump log\n", path, r.number);
        }
    }
    int status = options_finish_output("decode");
    if (ferror(file) != 0) {
        (void)fprintf(stderr, "tinybms-gw decode: %s cannot be read: %s\n", path, strerror(errno));
        return EXIT_FAILED;
    }
    if (strange > 0) {
        (void)fprintf(stderr, "tinybms-gw decode: %lu of %lu lines of %s are not frames\n", strange,
                      r.number, path);
        return EXIT_FAILED;
    }
    return status;
}

int cmd_decode(int argc, char **argv) {
    struct options options;
    int status = options_parse(&options, argc, argv, &help);
    if (status >= 0) {
        return status;
    }
    if (options.first != argc - 1) {
        (void)fprintf(stderr, "tinybms-gw decode: one FILE is needed, or - for standard input\n"
                              "Try: tinybms-gw decode --help\n");
        return EXIT_USAGE;
    }
    const char *path = argv[options.first];
    bool is_input = strcmp(path, "-") == 0;
    FILE *file = is_input ? stdin : fopen(path, "re");
    if (file == NULL) {
        (void)fprintf(stderr, "tinybms-gw decode: %s cannot be opened: %s\n", path,
                      strerror(errno));
        return EXIT_USAGE;
    }
    status = decode(file, is_input ? "standard input" : path, options.json);
    if (!is_input) {
        (void)fclose(file);
    }
    return status;
}
