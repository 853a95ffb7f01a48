/* SPDX-License-Identifier: MIT */
/* `tinybms-gw run`: the gateway in the foreground. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "options.h"
#include "supervisor.h"

static const struct options_help help = {
    .usage = "run [-c FILE] [--set KEY=VALUE]...",
    .text = "Runs the gateway in the foreground and logs to stderr. SIGHUP reads the\n"
            "configuration again, SIGTERM and SIGINT stop it. A device that is not there\n"
            "is waited for.\n",
    .config = true,
};

/* From a copy: services that are stuck in here and those that replaced them may both be. */
static int load_again(void *context, struct settings *out, char *why, size_t cap) {
    struct options own = *(const struct options *)context;
    return options_load_settings(&own, out, why, cap);
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
    const struct runtime_options how = {
        .control_socket = true,
        .configuration = options.used,
        .reload = load_again,
        .reload_context = &options,
    };
    int err = supervisor_run(&settings, &how);
    if (err != 0) {
        (void)fprintf(stderr, "tinybms-gw run: %s\n",
                      err == -ETIMEDOUT ? "the gateway thread did not end" : strerror(-err));
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}
