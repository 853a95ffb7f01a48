/* SPDX-License-Identifier: MIT */
/* Random sequences of faults against the contract of silence:
 *
 *   property [--seed N] [--count N] [--all | --first]
 *
 * Plays `count` sequences from `seed` on (300, or 10000 with TINYBMS_GW_LONG=1 in the environment).
 * The first that fails is shrunk as far as it still breaks the same rule, and written as a scenario
 * file, which the program `scenario` plays; --all goes on and shows each failing seed in a line;
 * --first ends at the first and shows it in a line.
 * Exit 0, 1 when a sequence fails, 2 for a wrong command line. */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "judge.h"
#include "sequence.h"

enum { COUNT = 300, COUNT_LONG = 10000, TEXT_MAX = 16384 };

static struct sequence sequence;
static struct scenario scenario;
static struct rig rig;
static struct judge judge;
static char text[TEXT_MAX];
static double simulated_s;

/* True when all holds; else judge has the verdict. */
static bool play(void) {
    struct scenario_error e;
    size_t n = sequence_print(&sequence, text, sizeof text);
    if (!scenario_parse(&scenario, text, n, &e)) {
        fprintf(stderr, "the generator made line %u, which is refused: %s\n%s", e.line, e.text,
                text);
        exit(2);
    }
    bool ok = judge_play(&judge, &rig, &scenario, NULL);
    simulated_s += (double)rig_elapsed_ms(&rig) / 1000.0;
    return ok;
}

/* Drops `length` lines from `first` on if it fails with the same rule without them. */
static bool drop(unsigned first, unsigned length, int rule) {
    struct sequence kept = sequence;
    bool any = false;
    for (unsigned i = first; i < first + length && i < sequence.lines; i++) {
        if (!sequence.line[i].fixed && !sequence.line[i].dropped)
            any = sequence.line[i].dropped = true;
    }
    if (any && !play() && judge.rule == rule)
        return true;
    sequence = kept;
    return false;
}

/* Halves, quarters ... single lines, until no line can go. */
static void shrink(int rule) {
    for (unsigned length = sequence.lines / 2; length > 0;) {
        bool any = false;
        for (unsigned first = 0; first < sequence.lines; first += length)
            any = drop(first, length, rule) || any;
        if (!any || length > 1)
            length /= 2;
    }
    (void)play();
}

static void report(uint64_t seed) {
    char name[64];
    shrink(judge.rule);
    snprintf(name, sizeof name, "property-%llu.scn", (unsigned long long)seed);
    FILE *f = fopen(name, "w");
    if (f != NULL) {
        fputs(text, f);
        (void)fclose(f);
    }
    judge_report(&judge, name, text, strlen(text), stderr);
    fprintf(stderr, "the smallest sequence that fails so (%s/%s, or --seed %llu --count 1):\n%s",
            getenv("PWD") != NULL ? getenv("PWD") : ".", name, (unsigned long long)seed, text);
}

static bool number(const char *word, uint64_t *out) {
    char *end;
    if (word == NULL || word[0] < '0' || word[0] > '9')
        return false;
    *out = strtoull(word, &end, 10);
    return *end == '\0';
}

static double cpu_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    const char *long_form = getenv("TINYBMS_GW_LONG");
    uint64_t seed = 1,
             count = long_form != NULL && strcmp(long_form, "0") != 0 ? COUNT_LONG : COUNT;
    uint64_t failed = 0;
    bool all = false, first = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--all") == 0) {
            all = true;
        } else if (strcmp(argv[i], "--first") == 0) {
            first = true;
        } else if (strcmp(argv[i], "--seed") == 0 && number(argv[i + 1], &seed)) {
            i++;
        } else if (strcmp(argv[i], "--count") == 0 && number(argv[i + 1], &count)) {
            i++;
        } else {
            fprintf(stderr, "usage: %s [--seed N] [--count N] [--all | --first]\n", argv[0]);
            return 2;
        }
    }
    double start_s = cpu_s();
    for (uint64_t i = 0; i < count && (all || failed == 0); i++) {
        sequence_make(&sequence, seed + i);
        if (play())
            continue;
        failed++;
        if (all || first)
            printf("seed %llu: %s\n", (unsigned long long)(seed + i), judge.what);
        else
            report(seed + i);
    }
    double took_s = cpu_s() - start_s;
    printf("%llu sequences from seed %llu, %llu failed; %.0f s in %.1f s: %.0f times real speed\n",
           (unsigned long long)count, (unsigned long long)seed, (unsigned long long)failed,
           simulated_s, took_s, simulated_s / (took_s > 0.0 ? took_s : 1e-6));
    return failed > 0 ? 1 : 0;
}
