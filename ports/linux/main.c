/* SPDX-License-Identifier: MIT */
/* tinybms-gw: one program, one row for each command. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "options.h"
#include "version.h"

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
};

/* clang-format off */
static const struct command commands[] = {
    {"run",       cmd_run,       "the gateway, in the foreground, logging to stderr"},
    {"demo",      cmd_demo,      "the gateway on a simulated battery and GX"},
    {"check",     cmd_check,     "validate the configuration and print what is in force"},
    {"schema",    cmd_schema,    "the settings as JSON Schema"},
    {"status",    cmd_status,    "what the running gateway knows: a table, or JSON"},
    {"registers", cmd_registers, "list, read and write the registers of the BMS"},
    {"sim",       cmd_sim,       "a virtual TinyBMS or a virtual GX, for trying things out"},
    {"record",    cmd_record,    "the traffic of the running gateway, with times, into a file"},
    {"replay",    cmd_replay,    "run the core on a recording and print the frames it would send"},
    {"decode",    cmd_decode,    "a candump log in words"},
};
/* clang-format on */

enum { COMMANDS = sizeof commands / sizeof commands[0], WORD_MAX = 16, TYPING_SLIPS = 2 };

static void print_usage(FILE *to) {
    (void)fprintf(to, "usage: tinybms-gw COMMAND [OPTION]...\n\n"
                      "Connects an Enepaq TinyBMS to a Victron GX.\n\n");
    for (size_t i = 0; i < COMMANDS; i++) {
        (void)fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].summary);
    }
    (void)fprintf(to, "\n  tinybms-gw COMMAND --help says more; tinybms-gw --version\n");
}

static unsigned least(unsigned a, unsigned b, unsigned c) {
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

/* Levenshtein's distance of two words, the first one shorter than WORD_MAX. */
static unsigned distance(const char *a, const char *b) {
    unsigned row[WORD_MAX + 1];
    size_t n = strlen(a);
    for (size_t i = 0; i <= n; i++) {
        row[i] = (unsigned)i;
    }
    for (size_t j = 1; b[j - 1] != '\0'; j++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)j;
        for (size_t i = 1; i <= n; i++) {
            unsigned above = row[i];
            row[i] = least(above + 1, row[i - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[n];
}

static int refuse(const char *word) {
    const char *near = NULL;
    unsigned best = TYPING_SLIPS + 1;
    for (size_t i = 0; i < COMMANDS && strlen(word) < WORD_MAX; i++) {
        unsigned d = distance(commands[i].name, word);
        if (d < best) {
            best = d;
            near = commands[i].name;
        }
    }
    (void)fprintf(stderr, "tinybms-gw: unknown %s %s", word[0] == '-' ? "option" : "command", word);
    if (near != NULL) {
        (void)fprintf(stderr, "; did you mean %s?", near);
    }
    (void)fprintf(stderr, "\nTry: tinybms-gw --help\n");
    return EXIT_USAGE;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        print_usage(stdout);
        return options_finish_output("--help");
    }
    if (strcmp(word, "--version") == 0) {
        (void)printf("tinybms-gw %s\n", TINYBMS_GW_VERSION_TEXT);
        return options_finish_output("--version");
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(word, commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    return refuse(word);
}
