/* SPDX-License-Identifier: MIT */
/* `tinybms-gw run`: the gateway in the foreground. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "options.h"
#include "runtime.h"

static const struct options_help help = {
    .usage = "run [-c FILE] [--set KEY=VALUE]...",
    .text = "Runs the gateway in the foreground and logs to stderr. SIGHUP reads the\n"
            "configuration again, SIGTERM and SIGINT stop it. A device that is not there\n"
            "is waited for.\n",
    .config = true,
};

static int load_again(void *context, struct settings *out, char *why, size_t cap) {
    return options_load_settings(context, out, why, cap);
}

int cmd_run(int argc, char **argv) {
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
    struct runtime *rt = NULL;
    const struct runtime_options how = {
        .control_socket = true,
        .signals = true,
        .configuration = options.used,
        .reload = load_again,
        .reload_context = &options,
    };
    int err = runtime_start(&rt, &settings, &how);
    if (err != 0) {
        (void)fprintf(stderr, "tinybms-gw run: cannot start: %s\n", strerror(-err));
        return EXIT_FAILED;
    }
    runtime_run(rt);
    runtime_stop(rt);
    return EXIT_DONE;
}
