/* SPDX-License-Identifier: MIT */
/* Prints one generated page of docs/ to stdout: tinybms-gw-docs PAGE. Used by
 * tools/check-docs-generated.sh, which compares the pages with the committed ones or rewrites them.
 */
#include <stdlib.h>
#include <string.h>

#include "docs.h"
#include "gateway/gateway.h"

/* docs/architecture.md, "Memory", says so. */
_Static_assert(sizeof(struct gateway) <= 12288, "architecture.md: struct gateway");
_Static_assert(sizeof(struct tinybms) <= 5120, "architecture.md: struct tinybms");
_Static_assert(sizeof(struct gateway_snapshot) <= 2048, "architecture.md: the snapshot");

const char *docs_number(int64_t value, unsigned decimals, char *buf) {
    int64_t unit = 1;
    for (unsigned i = 0; i < decimals; i++) {
        unit *= 10;
    }
    int64_t whole = value / unit;
    int64_t rest = value < 0 ? -(value % unit) : value % unit;
    const char *sign = value < 0 && whole == 0 ? "-" : "";
    int n = snprintf(buf, DOCS_NUMBER_MAX, "%s%lld", sign, (long long)whole);
    if (rest != 0) {
        n += snprintf(buf + n, DOCS_NUMBER_MAX - (size_t)n, ".%0*lld", (int)decimals,
                      (long long)rest);
        while (buf[n - 1] == '0') {
            buf[--n] = '\0';
        }
    }
    return buf;
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        bool (*print)(FILE *out);
    } page[] = {
        {"registers", docs_registers}, {"settings", docs_settings}, {"can-frames", docs_can_frames},
        {"alarms", docs_alarms},       {"stages", docs_stages},
    };
    for (size_t i = 0; argc == 2 && i < sizeof page / sizeof page[0]; i++) {
        if (strcmp(argv[1], page[i].name) == 0) {
            bool good = page[i].print(stdout);
            return good && fflush(stdout) == 0 && !ferror(stdout) ? EXIT_SUCCESS : EXIT_FAILURE;
        }
    }
    (void)fputs("usage: tinybms-gw-docs registers|settings|can-frames|alarms|stages\n", stderr);
    return 2;
}
