/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arguments.h"
#include "commands.h"
#include "version.h"

enum {
    OPTION_SET = 256,
    OPTION_VERSION,
    OPTION_OWN, /* and as many more as there are rows */
    LETTERS_MAX = 8 + OPTIONS_OWN_MAX,
    PATH_TEXT_MAX = OPTIONS_PATH_MAX,
};

/* ---- the command line ---- */

static void print_help(const struct options_help *help) {
    (void)printf("usage: tinybms-gw %s\n\n%s\n", help->usage, help->text);
    if (help->config) {
        (void)printf("  -c, --config FILE    configuration file; without it the first of\n"
                     "                       $XDG_CONFIG_HOME/tinybms-gw/config.json and\n"
                     "                       /etc/tinybms-gw/config.json that is there\n"
                     "      --set KEY=VALUE  one setting, on top of the file; may be repeated\n");
    }
    if (help->json) {
        (void)printf("  -j, --json           JSON instead of a table\n");
    }
    for (size_t i = 0; i < help->own_rows; i++) {
        (void)fputs(help->own[i].text, stdout);
    }
    (void)printf("  -h, --help           this text\n"
                 "      --version        the version\n");
}

static int refuse(const char *command, const char *problem, const char *argument) {
    (void)fprintf(stderr, "tinybms-gw %s: %s%s\nTry: tinybms-gw %s --help\n", command, problem,
                  argument, command);
    return EXIT_USAGE;
}

/* The argument that getopt_long() stumbled over. */
static int refuse_option(int code, char **argv) {
    char letter[3] = {'-', (char)optopt, '\0'};
    const char *argument = optopt > 0 && optopt < 256 ? letter : argv[optind - 1];
    return refuse(argv[0], code == ':' ? "a value is missing after " : "unknown option ", argument);
}

/* Nothing that an operand can be: asked for wherever it stands. */
static char *asks_for_help(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "--version") == 0) {
            return argv[i];
        }
    }
    return NULL;
}

static int take_own(struct options *o, int row, char **argv, const struct options_help *help) {
    const struct options_own *own = &help->own[row];
    char name[32];
    (void)snprintf(name, sizeof name, "--%s", own->name);
    o->own[row] = true;
    if (own->max != 0 &&
        !argument_whole(argv[0], name, optarg, own->min, own->max, &o->own_number[row])) {
        return EXIT_USAGE;
    }
    return -1;
}

/* One option that getopt_long() found: -1 to go on, or the exit status. */
static int take_option(struct options *o, int code, char **argv, const struct options_help *help) {
    switch (code) {
    case 'h':
        print_help(help);
        return options_finish_output(argv[0]);
    case OPTION_VERSION:
        (void)printf("tinybms-gw %s\n", TINYBMS_GW_VERSION_TEXT);
        return options_finish_output(argv[0]);
    case 'c':
        o->config = optarg;
        return help->config ? -1 : refuse(argv[0], "unknown option ", "--config");
    case OPTION_SET:
        if (!help->config) {
            return refuse(argv[0], "unknown option ", "--set");
        }
        if (o->set_count == OPTIONS_SET_MAX) {
            return refuse(argv[0], "too many --set; write a file: ", optarg);
        }
        o->set[o->set_count++] = optarg;
        return -1;
    case 'j':
        o->json = true;
        return help->json ? -1 : refuse(argv[0], "unknown option ", "--json");
    default:
        break;
    }
    for (int i = 0; i < (int)help->own_rows; i++) {
        if (code == OPTION_OWN + i || (code == help->own[i].letter && code != '\0')) {
            return take_own(o, i, argv, help);
        }
    }
    return refuse_option(code, argv);
}

int options_parse(struct options *o, int argc, char **argv, const struct options_help *help) {
    struct option names[6 + OPTIONS_OWN_MAX] = {
        {"help", no_argument, NULL, 'h'},         {"version", no_argument, NULL, OPTION_VERSION},
        {"config", required_argument, NULL, 'c'}, {"set", required_argument, NULL, OPTION_SET},
        {"json", no_argument, NULL, 'j'},
    };
    char letters[LETTERS_MAX];
    size_t used = (size_t)snprintf(letters, sizeof letters, "%s",
                                   help->operands && !help->mixed ? "+:hc:j" : ":hc:j");
    for (size_t i = 0; i < help->own_rows; i++) {
        const struct options_own *own = &help->own[i];
        names[5 + i] = (struct option){own->name, own->max == 0 ? no_argument : required_argument,
                                       NULL, OPTION_OWN + (int)i};
        if (own->letter != '\0' && used + 1 < sizeof letters) {
            letters[used++] = own->letter;
            letters[used] = '\0';
        }
    }
    char *only[] = {argv[0], help->operands ? asks_for_help(argc, argv) : NULL, NULL};
    if (only[1] != NULL) {
        argc = 2;
        argv = only;
    }
    memset(o, 0, sizeof *o);
    opterr = 0;
    optind = 0; /* glibc: start afresh */
    for (int code; (code = getopt_long(argc, argv, letters, names, NULL)) != -1;) {
        int status = take_option(o, code, argv, help);
        if (status >= 0) {
            return status;
        }
    }
    o->first = optind;
    if (!help->operands && optind < argc) {
        return refuse(argv[0], "unexpected argument ", argv[optind]);
    }
    return -1;
}

int options_finish_output(const char *command) {
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        (void)fprintf(stderr, "tinybms-gw %s: cannot write the output: %s\n", command,
                      strerror(errno));
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

/* ---- the file ---- */

/* A regular file alone: a pipe without a writer would hold up the services for ever. */
static int open_file(const char *path) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return -errno;
    }
    int err = fstat(fd, &st) != 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -ENOTSUP;
    if (err != 0) {
        (void)close(fd);
        return err;
    }
    return fd;
}

/* Up to cap bytes of the file. Their number, or a negative errno; -EFBIG when there are more. */
static ssize_t read_file(const char *path, char *buf, size_t cap) {
    int fd = open_file(path);
    if (fd < 0) {
        return fd;
    }
    size_t length = 0;
    ssize_t n = 1;
    while (n > 0 && length < cap) {
        n = read(fd, buf + length, cap - length);
        if (n > 0) {
            length += (size_t)n;
        } else if (n < 0 && errno == EINTR) {
            n = 1;
        }
    }
    ssize_t result = n < 0 ? -errno : length == cap ? -EFBIG : (ssize_t)length;
    (void)close(fd);
    return result;
}

static int parse_file(const char *path, struct settings *out, char *why, size_t cap) {
    char text[SETTINGS_JSON_MAX + 1];
    struct settings_error e = {0};
    ssize_t n = read_file(path, text, sizeof text);
    if (n == -EFBIG) {
        (void)snprintf(why, cap, "%s: larger than %d bytes", path, SETTINGS_JSON_MAX);
        return -1;
    }
    if (n == -ENOTSUP) {
        (void)snprintf(why, cap, "%s: not a regular file", path);
        return -1;
    }
    if (n < 0) {
        (void)snprintf(why, cap, "%s: %s", path, strerror((int)-n));
        return (int)n;
    }
    if (settings_parse(out, text, (size_t)n, &e) != 0) {
        if (e.line != 0) {
            (void)snprintf(why, cap, "%s:%u:%u: %s", path, e.line, e.column, e.text);
        } else {
            (void)snprintf(why, cap, "%s: %s", path, e.text);
        }
        return -1;
    }
    return 0;
}

/* The i-th place of the search path; false when there is none. */
static bool search_path(int i, char path[PATH_TEXT_MAX]) {
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    int n = 0;
    if (i == 0 && config != NULL && config[0] == '/') {
        n = snprintf(path, PATH_TEXT_MAX, "%s/tinybms-gw/config.json", config);
    } else if (i == 0 && home != NULL && home[0] == '/') {
        n = snprintf(path, PATH_TEXT_MAX, "%s/.config/tinybms-gw/config.json", home);
    } else if (i == 1) {
        n = snprintf(path, PATH_TEXT_MAX, "/etc/tinybms-gw/config.json");
    }
    return n > 0 && n < PATH_TEXT_MAX;
}

static int load_file(struct options *o, struct settings *out, char *why, size_t cap) {
    (void)snprintf(o->used, sizeof o->used, "%s", o->config != NULL ? o->config : "");
    if (o->config != NULL) {
        return parse_file(o->config, out, why, cap);
    }
    for (int i = 0; i < 2; i++) {
        char path[PATH_TEXT_MAX];
        if (!search_path(i, path)) {
            continue;
        }
        int err = parse_file(path, out, why, cap);
        if (err != -ENOENT && err != -ENOTDIR) {
            (void)snprintf(o->used, sizeof o->used, "%s", path);
            return err;
        }
    }
    why[0] = '\0';
    return 0;
}

int options_load_settings(struct options *o, struct settings *out, char *why, size_t cap) {
    struct settings_error e = {0};
    settings_defaults(out);
    if (load_file(o, out, why, cap) != 0) {
        return -1;
    }
    for (size_t i = 0; i < o->set_count; i++) {
        if (settings_assign(out, o->set[i], &e) != 0) {
            (void)snprintf(why, cap, "--set %s: %s", o->set[i], e.text);
            return -1;
        }
    }
    if (settings_check(out, &e) != 0) {
        (void)snprintf(why, cap, "%s", e.text);
        return -1;
    }
    return 0;
}

int options_settings(struct options *o, const char *command, struct settings *out) {
    char why[512] = "";
    if (options_load_settings(o, out, why, sizeof why) != 0) {
        (void)fprintf(stderr, "tinybms-gw %s: %s\n", command, why);
        return EXIT_USAGE;
    }
    return 0;
}
