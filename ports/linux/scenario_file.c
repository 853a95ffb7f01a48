/* SPDX-License-Identifier: MIT */
#include "scenario_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool scenario_file_load(struct scenario_file *f, const char *path, char *why, size_t cap) {
    struct scenario_error e;
    FILE *in = fopen(path, "rbe");
    errno = in != NULL ? 0 : errno;
    f->length = in != NULL ? fread(f->text, 1, sizeof f->text, in) : 0;
    bool bad = in == NULL || ferror(in) != 0;
    int err = errno;
    if (in != NULL) {
        (void)fclose(in);
    }
    if (bad) {
        (void)snprintf(why, cap, "%s: %s", path, strerror(err != 0 ? err : EIO));
        return false;
    }
    if (!scenario_parse(&f->scenario, f->text, f->length, &e)) {
        (void)snprintf(why, cap, "%s:%u: %s", path, e.line, e.text);
        return false;
    }
    return true;
}

void scenario_file_line(const struct scenario_file *f, unsigned line, char *out, size_t cap) {
    size_t at = 0;
    for (unsigned i = 1; i < line && at < f->length; at++) {
        i += f->text[at] == '\n';
    }
    size_t end = at;
    while (end < f->length && f->text[end] != '\n') {
        end++;
    }
    while (at < end && (f->text[at] == ' ' || f->text[at] == '\t')) {
        at++;
    }
    while (end > at && strchr(" \t\r", f->text[end - 1]) != NULL) {
        end--;
    }
    (void)snprintf(out, cap, "%.*s", (int)(end - at), f->text + at);
}
