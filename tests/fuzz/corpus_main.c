/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target on the inputs that are kept, without libFuzzer and with any compiler.
 *
 *   fuzz_json corpus/json [FILE or folder...]
 *
 * Each input is copied to memory of just its size, so that a sanitizer sees a read beyond it. */
#define _DEFAULT_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

enum { INPUT_MAX = 1 << 20, PATH_LENGTH_MAX = 4096 };

static unsigned long inputs;

static bool run_file(const char *path) {
    static uint8_t buffer[INPUT_MAX];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        (void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return false;
    }
    const size_t n = fread(buffer, 1, sizeof buffer, file);
    (void)fclose(file);
    uint8_t *copy = malloc(n > 0 ? n : 1);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, buffer, n);
    inputs++;
    (void)LLVMFuzzerTestOneInput(copy, n);
    free(copy);
    return true;
}

static bool run_folder(const char *path) {
    DIR *folder = opendir(path);
    bool good = folder != NULL;
    const struct dirent *entry;
    while (good && (entry = readdir(folder)) != NULL) {
        char name[PATH_LENGTH_MAX];
        if (entry->d_name[0] != '.') {
            (void)snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
            good = run_file(name);
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return good;
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        struct stat s;
        if (stat(argv[i], &s) != 0 ||
            !(S_ISDIR(s.st_mode) ? run_folder(argv[i]) : run_file(argv[i]))) {
            (void)fprintf(stderr, "%s cannot be read\n", argv[i]);
            return 1;
        }
    }
    (void)printf("%lu inputs\n", inputs);
    return inputs > 0 ? 0 : 1; /* a run over nothing shows nothing */
}
