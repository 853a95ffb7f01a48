/* SPDX-License-Identifier: MIT */
/* `tinybms-gw schema`: the settings as JSON Schema. */
#include <stdio.h>

#include "commands.h"
#include "options.h"

static const struct options_help help = {
    .usage = "schema",
    .text = "Prints the JSON Schema (2020-12) of a configuration file.\n",
};

int cmd_schema(int argc, char **argv) {
    static char text[SETTINGS_JSON_MAX];
    struct options options;
    int status = options_parse(&options, argc, argv, &help);
    if (status >= 0) {
        return status;
    }
    int n = settings_schema(text, sizeof text);
    if (n < 0) {
        (void)fprintf(stderr, "tinybms-gw schema: %s\n", gw_err_text(n));
        return EXIT_FAILED;
    }
    (void)printf("%.*s\n", n, text);
    return options_finish_output(argv[0]);
}
