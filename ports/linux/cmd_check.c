/* SPDX-License-Identifier: MIT */
/* `tinybms-gw check`: validates the configuration and prints what is in force. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>

#include "commands.h"
#include "link.h"
#include "options.h"

static const struct options_help help = {
    .usage = "check [-c FILE] [--set KEY=VALUE]...",
    .text = "Checks the configuration and prints what is in force as JSON, secrets masked.\n"
            "Exit status 0: it can be used, 2: it cannot, and stderr says why.\n",
    .config = true,
};

static void warn_if_missing(const char *key, const char *value, const struct link_spec *spec) {
    if (!link_exists(spec)) {
        (void)fprintf(stderr, "tinybms-gw check: warning: %s: %s is not there now\n", key, value);
    }
}

int cmd_check(int argc, char **argv) {
    static char text[SETTINGS_JSON_MAX];
    struct options options;
    struct settings s;
    int status = options_parse(&options, argc, argv, &help);
    if (status >= 0) {
        return status;
    }
    status = options_settings(&options, argv[0], &s);
    if (status != 0) {
        return status;
    }
    struct link_spec uart = link_spec_uart(s.hardware.uart.device);
    struct link_spec can = link_spec_can(s.hardware.can.interface);
    warn_if_missing("hardware.uart.device", s.hardware.uart.device, &uart);
    warn_if_missing("hardware.can.interface", s.hardware.can.interface, &can);
    int n = settings_print(&s, text, sizeof text);
    if (n < 0) {
        (void)fprintf(stderr, "tinybms-gw check: %s\n", gw_err_text(n));
        return EXIT_FAILED;
    }
    (void)printf("%.*s\n", n, text);
    return options_finish_output(argv[0]);
}
