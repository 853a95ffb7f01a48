/* SPDX-License-Identifier: MIT */
/* house_run: plays cases with controllers of the three limits and prints what came of it. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "random.h"
#include "report.h"

enum { CASES_MAX = 64, ASSIGNMENTS_MAX = 32, CSV_MS = 60000, CASE_TEXT_MAX = 4096 };

struct options {
    const char *name, *controller, *csv;
    const char *with[ASSIGNMENTS_MAX]; /* "key=value" of a case, over what the file says */
    unsigned withs;
    bool compare, list, check;
    const char *keep; /* a folder for cases that break something */
    uint32_t random, seed, broken;
};

static const char usage[] =
    "usage: house_run [--case NAME|FILE] [--controller NAME|all] [--days N] [--seed N]\n"
    "                 [--with KEY=VALUE]... [--csv FILE]\n"
    "       house_run --compare [--controller NAME] [--with KEY=VALUE]...\n"
    "       house_run --random N [--seed N] [--controller NAME] [--keep DIR]\n"
    "       house_run --list\n"
    "A case's keys are the rows of tests/house/case.c; NAME is a file in tests/house/cases.\n"
    "Controllers: fixed, six-state, policy, oracle. --csv writes a line a minute.\n"
    "--check: exit 1 if a property is broken (tests/house/property.h). --random: houses drawn "
    "from\n"
    "the seed on; one that breaks a property is cut down to what it takes, and printed.\n";

static int compare_names(const void *a, const void *b) {
    return strcmp(a, b);
}

/* The names of the standard cases, sorted. */
static unsigned standard_cases(char names[CASES_MAX][HOUSE_NAME_MAX + 1]) {
    DIR *dir = opendir(HOUSE_CASES);
    unsigned n = 0;
    struct dirent *e;
    while (dir != NULL && n < CASES_MAX && (e = readdir(dir)) != NULL) {
        char *dot = strrchr(e->d_name, '.');
        if (dot == NULL || strcmp(dot, ".case") != 0)
            continue;
        snprintf(names[n++], HOUSE_NAME_MAX + 1, "%.*s", (int)(dot - e->d_name), e->d_name);
    }
    if (dir != NULL)
        closedir(dir);
    qsort(names, n, sizeof names[0], compare_names);
    return n;
}

static bool read_case(struct house_case *c, const struct options *o, const char *name) {
    char path[512];
    const char *why = "", *slash = strrchr(name, '/');
    bool is_path = slash != NULL || strstr(name, ".case") != NULL;
    house_case_init(c, slash != NULL ? slash + 1 : name);
    snprintf(path, sizeof path, is_path ? "%s" : HOUSE_CASES "/%s.case", name);
    int bad = strcmp(name, "standard") == 0 ? 0 : house_case_read(c, path, &why);
    if (bad != 0) {
        fprintf(stderr, "house_run: %s:%d: %s\n", path, bad, bad < 0 ? "cannot be read" : why);
        return false;
    }
    for (unsigned i = 0; i < o->withs; i++) {
        char line[128];
        const char *equals = strchr(o->with[i], '=');
        snprintf(line, sizeof line, "%.*s = %s", (int)(equals - o->with[i]), o->with[i],
                 equals + 1);
        if (!house_case_line(c, line, &why)) {
            fprintf(stderr, "house_run: %s: %s\n", o->with[i], why);
            return false;
        }
    }
    return true;
}

static bool play(struct house_rig *r, const struct house_case *c, const char *who, FILE *csv) {
    static struct house_memory memory;
    struct house_controller controller;
    const char *why = "no such controller";
    if (!house_controller_find(who, &memory, &controller) ||
        !house_rig_start(r, c, &controller, &why)) {
        fprintf(stderr, "house_run: %s: %s\n", who, why);
        return false;
    }
    uint64_t csv_ms = r->now_ms;
    while (house_rig_step(r)) {
        if (csv != NULL && r->now_ms >= csv_ms) {
            csv_ms += CSV_MS;
            report_csv_row(csv, r);
        }
    }
    return true;
}

static bool play_all(struct house_rig *r, struct options *o, const char *name) {
    struct house_case c;
    if (!read_case(&c, o, name))
        return false;
    for (unsigned i = 0; i < HOUSE_CONTROLLERS; i++) {
        const char *who = house_controller_name(i);
        bool wanted = strcmp(o->controller, "all") == 0 || strcmp(o->controller, who) == 0;
        if (!wanted)
            continue;
        if (!play(r, &c, who, NULL))
            return false;
        report_row(stdout, r);
        fflush(stdout);
        o->broken |= house_properties_broken(r, true) & ~r->kase.allowed;
    }
    return true;
}

static bool play_one(struct house_rig *r, struct options *o) {
    struct house_case c;
    FILE *csv = NULL;
    if (!read_case(&c, o, o->name))
        return false;
    if (o->csv != NULL) {
        csv = fopen(o->csv, "w");
        if (csv == NULL) {
            fprintf(stderr, "house_run: %s cannot be written\n", o->csv);
            return false;
        }
        report_csv_head(csv);
    }
    clock_t begin = clock();
    bool done = play(r, &c, o->controller, csv);
    double took_s = (double)(clock() - begin) / CLOCKS_PER_SEC;
    if (csv != NULL)
        fclose(csv);
    if (done) {
        o->broken |= house_properties_broken(r, true) & ~r->kase.allowed;
        report_print(stdout, r);
        fprintf(stderr, "%.0f simulated seconds in %.2f s of processor: %.0f a second\n",
                r->ledger.seconds, took_s, r->ledger.seconds / (took_s > 0.0 ? took_s : 1e-9));
    }
    return done;
}

/* The smallest case that breaks this still, printed and kept. */
static void tell(struct house_rig *r, const struct house_case *found, const struct options *o,
                 enum house_property broken) {
    char text[CASE_TEXT_MAX], path[512];
    struct house_case c = *found;
    unsigned runs = house_random_shrink(r, &c, o->controller, broken);
    text[house_case_print(&c, text, sizeof text - 1)] = '\0';
    printf("%s breaks %s; after %u runs what is left of it:\n%s\n", c.name,
           house_property_text(broken), runs, text);
    fflush(stdout);
    if (o->keep == NULL)
        return;
    snprintf(path, sizeof path, "%s/%s-%s.case", o->keep, c.name, house_property_text(broken));
    FILE *f = fopen(path, "w");
    if (f == NULL)
        return;
    fprintf(f, "# Breaks %s with %s.\n%s", house_property_text(broken), o->controller, text);
    fclose(f);
}

/* Each property is told at length where it breaks first. */
static bool play_random(struct house_rig *r, const struct options *o) {
    unsigned count[HOUSE_PROPERTIES] = {0}, good = 0;
    for (uint32_t i = 0; i < o->random; i++) {
        struct house_case c;
        house_random_case(&c, o->seed + i);
        uint32_t broken = house_random_play(r, &c, o->controller, 0);
        good += broken == 0 ? 1 : 0;
        for (unsigned p = 0; p < HOUSE_PROPERTIES; p++) {
            if ((broken >> p & 1u) != 0 && count[p]++ == 0)
                tell(r, &c, o, (enum house_property)p);
        }
    }
    printf("%u of %u houses keep every promise with %s\n", good, o->random, o->controller);
    for (unsigned p = 0; p < HOUSE_PROPERTIES; p++) {
        if (count[p] > 0)
            printf("  %-14s broken in %u\n", house_property_text((enum house_property)p), count[p]);
    }
    return good == o->random;
}

static bool add_with(struct options *o, const char *text) {
    if (o->withs == ASSIGNMENTS_MAX || strchr(text, '=') == NULL)
        return false;
    o->with[o->withs++] = text;
    return true;
}

static bool parse(struct options *o, int argc, char **argv) {
    static char days[64], seed[64];
    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--compare") == 0) {
            o->compare = true;
        } else if (strcmp(argv[i], "--list") == 0) {
            o->list = true;
        } else if (strcmp(argv[i], "--check") == 0) {
            o->check = true;
        } else if (next == NULL) {
            return false;
        } else if (strcmp(argv[i], "--case") == 0) {
            o->name = argv[++i];
        } else if (strcmp(argv[i], "--controller") == 0) {
            o->controller = argv[++i];
        } else if (strcmp(argv[i], "--csv") == 0) {
            o->csv = argv[++i];
        } else if (strcmp(argv[i], "--days") == 0) {
            snprintf(days, sizeof days, "days=%s", argv[++i]);
            add_with(o, days);
        } else if (strcmp(argv[i], "--random") == 0) {
            o->random = (uint32_t)strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--keep") == 0) {
            o->keep = argv[++i];
        } else if (strcmp(argv[i], "--seed") == 0) {
            o->seed = (uint32_t)strtoul(next, NULL, 10);
            snprintf(seed, sizeof seed, "seed=%s", argv[++i]);
            add_with(o, seed);
        } else if (strcmp(argv[i], "--with") != 0 || !add_with(o, argv[++i])) {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv) {
    static struct house_rig rig;
    static char names[CASES_MAX][HOUSE_NAME_MAX + 1];
    struct options o = {.name = NULL, .seed = 1};
    if (!parse(&o, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    unsigned cases = standard_cases(names);
    if (o.list) {
        for (unsigned i = 0; i < cases; i++)
            puts(names[i]);
        return 0;
    }
    if (o.controller == NULL)
        o.controller = o.compare ? "all" : "policy";
    if (o.random > 0)
        return play_random(&rig, &o) ? 0 : 1;
    if (!o.compare && strcmp(o.controller, "all") != 0) {
        o.name = o.name != NULL ? o.name : "standard";
        return play_one(&rig, &o) && !(o.check && o.broken != 0) ? 0 : 1;
    }
    report_head(stdout);
    bool good = true;
    for (unsigned i = 0; good && o.name == NULL && i < cases; i++)
        good = play_all(&rig, &o, names[i]);
    if (o.name != NULL)
        good = play_all(&rig, &o, o.name);
    return good && !(o.check && o.broken != 0) ? 0 : 1;
}
