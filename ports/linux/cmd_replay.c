/* SPDX-License-Identifier: MIT */
/* `tinybms-gw replay`: the core on a recording, as fast as it goes. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "commands.h"
#include "options.h"
#include "recording_reader.h"
#include "replay.h"

enum { CAN_ONLY, VERBOSE };

static const struct options_own own[] = {
    [CAN_ONLY] =
        {"can-only", '\0', 0, 0,
         "      --can-only       compare CAN only: the core asks the BMS when and what it\n"
         "                       likes and gets the registers as recorded by then\n"},
    [VERBOSE] = {"verbose", 'v', 0, 0, "  -v, --verbose        what the core logs, on stderr\n"},
};

static const struct options_help help = {
    .usage = "replay FILE [--can-only] [-v] [-c FILE] [--set KEY=VALUE]...",
    .text =
        "Runs the core on a recording of `tinybms-gw record`, - is standard input, and prints\n"
        "the frames that it sends, as a candump log. The same recording gives the same frames.\n"
        "The settings are the recorded ones, with -c those of a file; --set goes on top. The\n"
        "search path of configurations does not matter. What differs from the recording is\n"
        "told in the end, on stderr. Lines that are none of a recording are named and counted.\n"
        "Exit status 0: all lines understood, 1: some were not.\n",
    .config = true,
    .operands = true,
    .mixed = true,
    .own = own,
    .own_rows = sizeof own / sizeof own[0],
};

struct job {
    FILE *file;
    const char *path;
    struct options *options;
    const struct settings *fixed; /* of -c; NULL: the recorded ones */
    bool refused;                 /* settings that cannot be: nothing more is read */
    struct recording_reader reader;
    struct replay replay;
};

/* ---- what the engine asks for ---- */

static size_t read_text(void *context, char *buf, size_t cap) {
    struct job *j = context;
    return fread(buf, 1, cap, j->file);
}

static void complain(void *context, unsigned long line, const char *why) {
    const struct job *j = context;
    (void)fprintf(stderr, "%s:%lu: %s\n", j->path, line, why);
}

static bool next(void *context, struct recording_item *out) {
    struct job *j = context;
    return !j->refused && recording_reader_next(&j->reader, out);
}

static void print_frame(void *context, const struct victron_frame *f, uint64_t wall_us) {
    char line[RECORDING_LINE_MAX];
    (void)context;
    (void)recording_print_frame(f, wall_us, line);
    (void)fputs(line, stdout);
}

static void print_log(void *context, const struct log_record *r, uint64_t clock_ms) {
    const struct log_row *row = &log_table[r->id];
    char when[CLOCK_TEXT_MAX], text[256];
    (void)context;
    (void)clock_wall_text(r->at_ms + clock_ms, when);
    (void)log_render(r, text, sizeof text);
    (void)fprintf(stderr, "%s %s %s: %s\n", when, log_level_text(row->level), row->module, text);
}

static void choose_settings(void *context, const struct settings *recorded, struct settings *out) {
    struct job *j = context;
    struct settings_error e;
    *out = j->fixed != NULL ? *j->fixed : *recorded;
    bool good = true;
    for (size_t i = 0; i < j->options->set_count && good && j->fixed == NULL; i++) {
        good = settings_assign(out, j->options->set[i], &e) == 0;
    }
    if (!good || settings_check(out, &e) != 0) {
        *out = *recorded;
        if (!j->refused) {
            (void)fprintf(stderr, "tinybms-gw replay: --set: %s\n", e.text);
        }
        j->refused = true;
    }
}

/* ---- the end ---- */

static void print_moment(uint64_t wall_us) {
    char when[CLOCK_TEXT_MAX];
    (void)clock_wall_text(wall_us / 1000, when);
    (void)fprintf(stderr, "%s", when);
}

static void print_compared(const char *what, uint64_t sent, uint64_t same, uint64_t recorded) {
    (void)fprintf(stderr, "%" PRIu64 " %s, ", sent, what);
    if (sent == same && recorded == same) {
        (void)fprintf(stderr, "all as recorded");
    } else {
        (void)fprintf(stderr, "%" PRIu64 " as recorded, where %" PRIu64 " were sent", same,
                      recorded);
    }
}

static void print_summary(const struct replay_summary *s) {
    (void)fprintf(stderr,
                  "tinybms-gw replay: %" PRIu64 ".%03u s: ", (s->last_us - s->first_us) / 1000000,
                  (unsigned)((s->last_us - s->first_us) / 1000 % 1000));
    if (s->followed) {
        print_compared("frames", s->frames, s->same_frames, s->recorded_frames);
        (void)fprintf(stderr, "; ");
        print_compared("requests to the BMS", s->requests, s->same_requests, s->recorded_requests);
    } else {
        (void)fprintf(stderr,
                      "%" PRIu64 " frames where %" PRIu64 " were sent, %" PRIu64
                      " requests to the BMS where %" PRIu64 " were",
                      s->frames, s->recorded_frames, s->requests, s->recorded_requests);
    }
    if (s->first_difference_us != 0) {
        (void)fprintf(stderr, "; the first other frame at ");
        print_moment(s->first_difference_us);
    }
    if (!s->followed) {
        (void)fprintf(stderr, "; the core kept its own times");
        if (s->left_us != 0) {
            (void)fprintf(stderr, " from ");
            print_moment(s->left_us);
        }
    }
    (void)fprintf(stderr, "\n");
}

static void print_counts(const struct job *j) {
    const struct recording_counts *c = &j->reader.counts;
    if (c->missed != 0) {
        (void)fprintf(stderr, "tinybms-gw replay: %" PRIu64 " events are missing in %s\n",
                      c->missed, j->path);
    }
    if (c->malformed != 0) {
        (void)fprintf(stderr, "tinybms-gw replay: %lu of %lu lines of %s are not of a recording\n",
                      c->malformed, c->lines, j->path);
    }
}

static int finish(struct job *j) {
    int status = options_finish_output("replay");
    if (j->refused) {
        return EXIT_USAGE;
    }
    if (ferror(j->file) != 0) {
        (void)fprintf(stderr, "tinybms-gw replay: %s cannot be read: %s\n", j->path,
                      strerror(errno));
        return EXIT_FAILED;
    }
    print_counts(j);
    if (j->replay.summary.cores == 0) {
        (void)fprintf(stderr, "tinybms-gw replay: %s holds no recording%s\n", j->path,
                      j->reader.newer_format != 0 ? " that this version can read" : "");
        return EXIT_FAILED;
    }
    print_summary(&j->replay.summary);
    return j->reader.counts.malformed != 0 ? EXIT_FAILED : status;
}

static int run(struct job *j) {
    const struct replay_io io = {
        .context = j,
        .next = next,
        .sent = print_frame,
        .log = j->options->own[VERBOSE] ? print_log : NULL,
        .settings = choose_settings,
    };
    recording_reader_init(&j->reader, read_text, complain, j);
    replay_run(&j->replay, &io, j->options->own[CAN_ONLY]);
    return finish(j);
}

int cmd_replay(int argc, char **argv) {
    static struct job job; /* and what it refers to */
    static struct options options;
    static struct settings fixed;
    int status = options_parse(&options, argc, argv, &help);
    if (status >= 0) {
        return status;
    }
    if (options.first != argc - 1) {
        (void)fprintf(stderr, "tinybms-gw replay: one FILE is needed, or - for standard input\n"
                              "Try: tinybms-gw replay --help\n");
        return EXIT_USAGE;
    }
    if (options.config != NULL) {
        status = options_settings(&options, "replay", &fixed);
        if (status != 0) {
            return status;
        }
        job.fixed = &fixed;
    }
    const char *path = argv[options.first];
    const bool is_input = strcmp(path, "-") == 0;
    job.options = &options;
    job.path = is_input ? "standard input" : path;
    job.file = is_input ? stdin : fopen(path, "re");
    if (job.file == NULL) {
        (void)fprintf(stderr, "tinybms-gw replay: %s cannot be opened: %s\n", path,
                      strerror(errno));
        return EXIT_USAGE;
    }
    status = run(&job);
    if (!is_input) {
        (void)fclose(job.file);
    }
    return status;
}
