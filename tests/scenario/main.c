/* SPDX-License-Identifier: MIT */
/* Plays scenario files: `scenario [-v] FILE...`; exit 0 when all that they expect holds, 1 when
 * something does not, 2 when a file cannot be read or understood. */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "judge.h"

static struct scenario scenario;
static struct rig rig;
static struct judge judge;
static char text[SCENARIO_TEXT_MAX + 1];

static double cpu_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The length, or -1. */
static long read_file(const char *name) {
    FILE *f = fopen(name, "rb");
    if (f == NULL) {
        perror(name);
        return -1;
    }
    size_t n = fread(text, 1, sizeof text, f);
    bool bad = ferror(f) != 0;
    (void)fclose(f);
    if (bad) {
        fprintf(stderr, "%s: cannot be read\n", name);
        return -1;
    }
    return (long)n;
}

static int play(const char *name, FILE *trace) {
    struct scenario_error e;
    long n = read_file(name);
    if (n < 0)
        return 2;
    if (!scenario_parse(&scenario, text, (size_t)n, &e)) {
        fprintf(stderr, "%s:%u: %s\n", name, e.line, e.text);
        return 2;
    }
    double start_s = cpu_s();
    if (!judge_play(&judge, &rig, &scenario, trace)) {
        judge_report(&judge, name, text, (size_t)n, stderr);
        return 1;
    }
    double simulated_s = (double)rig_elapsed_ms(&rig) / 1000.0, took_s = cpu_s() - start_s;
    printf("ok %s: %s (%.0f s in %.3f s: %.0f times real speed)\n", name, scenario.title,
           simulated_s, took_s, simulated_s / (took_s > 0.0 ? took_s : 1e-6));
    return 0;
}

int main(int argc, char **argv) {
    int worst = 0;
    FILE *trace = NULL;
    int first = 1;
    if (argc > 1 && strcmp(argv[1], "-v") == 0) {
        trace = stdout;
        first = 2;
    }
    if (first >= argc) {
        fprintf(stderr, "usage: %s [-v] FILE...\n", argv[0]);
        return 2;
    }
    for (int i = first; i < argc; i++) {
        int err = play(argv[i], trace);
        worst = err > worst ? err : worst;
    }
    return worst;
}
