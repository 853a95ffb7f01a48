/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "demo_scenario.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "judge.h"
#include "scenario_file.h"
#include "sim_link.h"
#include "stop.h"
#include "terminal.h"

enum {
    TICK_MS = 20,
    REFRESH_MS = 150,
    NOTES = 6, /* lines of the view */
    NOTE_MAX = 800,
    FAILURES_MAX = 16384, /* bytes kept to be repeated at the end */
};

struct demo {
    struct scenario_file file;
    struct rig rig;
    struct judge judge;
    struct terminal terminal;
    struct gateway_snapshot snapshot;
    struct view_note note[NOTES]; /* oldest first */
    char note_text[NOTES][NOTE_MAX];
    unsigned notes;
    char failures[FAILURES_MAX];
    size_t failures_length;
    double speed;
    uint64_t start_us;
    bool nobody_reads;
    char text[VIEW_TEXT_MAX];
};

/* ---- what happens ---- */

static void note(struct demo *d, enum view_mark mark, uint64_t at_ms, const char *text) {
    static const char *const word[] = {
        [VIEW_EVENT] = "event", [VIEW_HOLDS] = "holds", [VIEW_FAILS] = "FAILS", [VIEW_LOG] = "log"};
    if (d->notes == NOTES) {
        memmove(d->note_text[0], d->note_text[1], sizeof d->note_text[0] * (NOTES - 1));
        memmove(&d->note[0], &d->note[1], sizeof d->note[0] * (NOTES - 1));
        d->notes--;
    }
    char *line = d->note_text[d->notes];
    (void)snprintf(line, NOTE_MAX - 1, "%9.3f s  %s  %s", (double)at_ms / 1000.0, word[mark], text);
    d->note[d->notes++].mark = mark;
    for (unsigned i = 0; i < NOTES; i++) {
        d->note[i].text = d->note_text[i];
    }
    size_t n = strlen(line);
    line[n] = '\n';
    if (mark == VIEW_FAILS && d->failures_length + n + 1 < sizeof d->failures) {
        memcpy(d->failures + d->failures_length, line, n + 1);
        d->failures_length += n + 1;
    }
    if (!d->terminal.there) {
        d->nobody_reads = !terminal_write(line, n + 1) || d->nobody_reads;
    }
    line[n] = '\0';
}

static void note_line(struct demo *d, enum view_mark mark, uint64_t at_ms, unsigned line,
                      const char *what) {
    char text[SCENARIO_LINE_MAX + 1], all[NOTE_MAX];
    scenario_file_line(&d->file, line, text, sizeof text);
    (void)snprintf(all, sizeof all, "line %u: %s%s%s", line, text, what[0] != '\0' ? ", but: " : "",
                   what);
    note(d, mark, at_ms, all);
}

static void on_action(void *context, const struct scenario_line *line, uint64_t at_ms) {
    note_line(context, VIEW_EVENT, at_ms, line->line, "");
}

static void on_verdict(void *context, unsigned line, bool holds, const char *what, uint64_t at_ms) {
    char all[NOTE_MAX];
    if (line > 0) {
        note_line(context, holds ? VIEW_HOLDS : VIEW_FAILS, at_ms, line, what);
        return;
    }
    (void)snprintf(all, sizeof all, "what must always hold: %s", what);
    note(context, VIEW_FAILS, at_ms, all);
}

static void on_log(void *context, enum log_level level, const char *text, uint64_t at_ms) {
    char all[NOTE_MAX];
    (void)snprintf(all, sizeof all, "%s %s", log_level_text(level), text);
    note(context, VIEW_LOG, at_ms, all);
}

/* ---- showing ---- */

static void show(struct demo *d) {
    const struct view_scenario scenario = {.title = d->file.scenario.title,
                                           .at_ms = rig_elapsed_ms(&d->rig),
                                           .end_ms = d->file.scenario.end_us / 1000,
                                           .held = d->judge.held,
                                           .broken = d->judge.broken,
                                           .open = judge_open(&d->judge),
                                           .note = d->note,
                                           .notes = d->notes};
    const struct view v = {.gateway = &d->snapshot,
                           .gx = &d->rig.gx,
                           .now_us = d->rig.now_ms * 1000,
                           .speed = d->speed,
                           .scenario = &scenario,
                           .hint = "q ends it"};
    const struct view_style style = terminal_style(&d->terminal, 0, 0);
    gateway_snapshot(&d->rig.gateway, &d->snapshot, d->rig.now_ms);
    size_t n = view_render(&v, &style, d->text, sizeof d->text);
    d->nobody_reads = !terminal_write(d->text, n) || d->nobody_reads;
}

static void tell_result(const struct demo *d) {
    const struct judge *j = &d->judge;
    double s = (double)rig_elapsed_ms(&d->rig) / 1000.0;
    if (d->terminal.there) {
        (void)terminal_write(d->failures, d->failures_length);
    }
    (void)printf("%s: %.1f s played; %u hold, %u fail, %u not reached; %s\n",
                 d->file.scenario.title[0] != '\0' ? d->file.scenario.title : "scenario", s,
                 j->held, j->broken, judge_open(j),
                 j->told == 0 ? "what must always hold held" : "what must always hold did not");
}

/* ---- playing ---- */

/* Until the scenario or the time is over, or somebody ends it. */
static void play(struct demo *d, int stop, uint32_t seconds) {
    uint64_t show_us = 0;
    struct pollfd p = {.fd = stop, .events = POLLIN};
    d->start_us = sim_link_now_us();
    for (bool more = true; more && !d->nobody_reads;) {
        uint64_t real_us = sim_link_now_us() - d->start_us;
        bool over = seconds > 0 && real_us >= (uint64_t)seconds * 1000000u;
        more = judge_run(&d->judge, (uint64_t)((double)real_us * d->speed / 1000.0)) && !over;
        if (d->terminal.there && real_us >= show_us) {
            show_us = real_us + 1000ull * REFRESH_MS;
            show(d);
        }
        if (more) {
            more = poll(&p, 1, TICK_MS) <= 0 && !terminal_quit_key(&d->terminal);
        }
    }
}

int demo_scenario(const char *path, double speed, uint32_t seconds) {
    static struct demo d;
    const struct judge_listener listener = {
        .context = &d, .action = on_action, .verdict = on_verdict, .log = on_log};
    char why[1024];
    d.speed = speed;
    if (!scenario_file_load(&d.file, path, why, sizeof why)) {
        (void)fprintf(stderr, "tinybms-gw demo: %s\n", why);
        return EXIT_USAGE;
    }
    terminal_init(&d.terminal);
    int stop = stop_open();
    if (stop < 0) {
        (void)fprintf(stderr, "tinybms-gw demo: no signals: %s\n", strerror(-stop));
        return EXIT_FAILED;
    }
    if (!judge_begin(&d.judge, &d.rig, &d.file.scenario, &listener)) {
        (void)fprintf(stderr, "tinybms-gw demo: %s: %s\n", path, d.rig.why);
        (void)close(stop);
        return EXIT_USAGE;
    }
    terminal_take(&d.terminal);
    play(&d, stop, seconds);
    terminal_give_back(&d.terminal);
    (void)close(stop);
    tell_result(&d);
    return d.judge.failed || d.nobody_reads || fflush(stdout) != 0 ? EXIT_FAILED : EXIT_DONE;
}
