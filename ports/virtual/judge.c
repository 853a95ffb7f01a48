/* SPDX-License-Identifier: MIT */
#include "judge.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

enum { RULE_SENTENCE = -1, RULE_GX = -2, RULE_ACTION = -3, RULE_LOG = -4, MILLI = 1000 };

static void fail(struct judge *j, unsigned line, int rule, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Each sentence and each rule is told once. */
static bool is_news(struct judge *j, unsigned line, int rule) {
    for (unsigned i = 0; i < j->scenario->expectations; i++) {
        if (j->scenario->expectation[i].line != line)
            continue;
        bool news = !j->watch[i].failed;
        j->watch[i].failed = true;
        j->broken += news;
        return news;
    }
    uint32_t bit = UINT32_C(1) << (rule - RULE_LOG);
    bool news = (j->told & bit) == 0;
    j->told |= bit;
    return news;
}

static void fail(struct judge *j, unsigned line, int rule, const char *format, ...) {
    char what[sizeof j->what];
    va_list arguments;
    if ((j->failed && j->listener == NULL) || !is_news(j, line, rule))
        return;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (!j->failed) {
        j->failed = true;
        j->line = line;
        j->rule = rule;
        j->at_ms = rig_elapsed_ms(j->rig);
        memcpy(j->what, what, sizeof j->what);
    }
    if (j->listener != NULL)
        j->listener->verdict(j->listener->context, line, false, what, rig_elapsed_ms(j->rig));
    else
        j->rig->ended = true;
}

/* The time of a sentence is over. */
static void end_watch(struct judge *j, const struct scenario_line *e, struct judge_watch *w) {
    w->closed = true;
    if (w->failed)
        return;
    j->held++;
    if (j->listener != NULL)
        j->listener->verdict(j->listener->context, e->line, true, "", rig_elapsed_ms(j->rig));
}

/* ---- one value against a range ---- */

/* raw has the decimals of the wire: 180 with one is 18.0. */
static int64_t to_milli(int64_t raw, unsigned decimals) {
    for (unsigned i = decimals; i < 3; i++)
        raw *= 10;
    return raw;
}

static bool within(const struct scenario_range *r, int64_t milli) {
    return milli >= r->low && milli <= r->high;
}

static void check_field(struct judge *j, const struct scenario_line *e,
                        const struct sim_can_frame *f) {
    const struct scenario_field *field = scenario_field((unsigned)e->number[0]);
    int64_t raw;
    if (!sim_gx_frame_value(f, field->gx, &raw)) {
        fail(j, e->line, RULE_SENTENCE, "%s is \"not supported\"", field->name);
        return;
    }
    int64_t milli = to_milli(raw, sim_gx_field_decimals(field->gx));
    if (!within(&e->range, milli))
        fail(j, e->line, RULE_SENTENCE, "%s %g %s", field->name, (double)milli / MILLI,
             field->unit);
}

static void check_pair(struct judge *j, const struct scenario_line *e, unsigned pair,
                       enum sim_gx_pair want, const struct sim_can_frame *f) {
    static const char *const text[] = {"absent", "active", "inactive", "invalid (11)"};
    enum sim_gx_pair is = sim_gx_frame_pair(f, pair);
    if (is != want)
        fail(j, e->line, RULE_SENTENCE, "pair %u of 0x35A is %s", pair, text[is]);
}

/* A sentence about the content of frames; id: which. False: it is about something else. */
static bool about_frame(const struct scenario_line *e, uint32_t *id) {
    switch ((int)e->verb) {
    case SCENARIO_EXPECT_FIELD:
        *id = sim_gx_field_id(scenario_field((unsigned)e->number[0])->gx);
        return true;
    case SCENARIO_EXPECT_ALARM:
    case SCENARIO_EXPECT_WARNING:
    case SCENARIO_EXPECT_ONLINE:
    case SCENARIO_EXPECT_OFFLINE:
        *id = 0x35A;
        return true;
    case SCENARIO_EXPECT_FRAME:
    case SCENARIO_EXPECT_FRAME_NONE:
    case SCENARIO_EXPECT_GAP:
    case SCENARIO_EXPECT_SAME:
    case SCENARIO_EXPECT_TEXT:
        *id = (uint32_t)(e->number[0] / MILLI);
        return true;
    default:
        return false;
    }
}

static void check_gap(struct judge *j, const struct scenario_line *e, uint64_t from_ms,
                      uint64_t to_ms, bool both_ends) {
    int64_t gap = (int64_t)(to_ms - from_ms);
    if (gap > e->range.high || (both_ends && gap < e->range.low))
        fail(j, e->line, RULE_SENTENCE, "%.3f s from %.3f s to %.3f s", (double)gap / MILLI,
             (double)from_ms / MILLI, (double)to_ms / MILLI);
}

static void check_content(struct judge *j, const struct scenario_line *e, struct judge_watch *w,
                          const struct sim_can_frame *f, uint64_t at_ms) {
    char text[9];
    switch ((int)e->verb) {
    case SCENARIO_EXPECT_FIELD:
        check_field(j, e, f);
        break;
    case SCENARIO_EXPECT_ALARM:
        check_pair(j, e, (unsigned)e->number[0], (enum sim_gx_pair)e->number[1], f);
        break;
    case SCENARIO_EXPECT_WARNING:
        check_pair(j, e, SIM_GX_WARNING_FIRST + (unsigned)e->number[0],
                   (enum sim_gx_pair)e->number[1], f);
        break;
    case SCENARIO_EXPECT_ONLINE:
        check_pair(j, e, SIM_GX_ONLINE_PAIR, SIM_GX_PAIR_ACTIVE, f);
        break;
    case SCENARIO_EXPECT_OFFLINE:
        check_pair(j, e, SIM_GX_ONLINE_PAIR, SIM_GX_PAIR_QUIET, f);
        break;
    case SCENARIO_EXPECT_FRAME_NONE:
        fail(j, e->line, RULE_SENTENCE, "0x%03X", (unsigned)f->id);
        break;
    case SCENARIO_EXPECT_GAP:
        check_gap(j, e, w->seen > 0 ? w->last_ms : e->from_us / MILLI, at_ms, w->seen > 0);
        break;
    case SCENARIO_EXPECT_SAME:
        if (w->seen > 0 && memcmp(w->data, f->data, sizeof w->data) != 0)
            fail(j, e->line, RULE_SENTENCE, "another 0x%03X", (unsigned)f->id);
        memcpy(w->data, f->data, sizeof w->data);
        break;
    case SCENARIO_EXPECT_TEXT:
        sim_gx_frame_text(f, text);
        if (strcmp(text, e->word) != 0)
            fail(j, e->line, RULE_SENTENCE, "the text \"%s\"", text);
        break;
    default:
        break;
    }
}

/* ---- the state of gateway and GX ---- */

static void check_open(struct judge *j, const struct scenario_line *e) {
    const struct rig *r = j->rig;
    int64_t ccl = INT64_C(9) * r->bms.reg[318], dcl = INT64_C(9) * r->bms.reg[317], raw_ccl = -1,
            raw_dcl = -1;
    int i = sim_gx_message_index(0x351);
    if (r->has_last[i]) {
        (void)sim_gx_frame_value(&r->last[i].frame, SIM_GX_CCL, &raw_ccl);
        (void)sim_gx_frame_value(&r->last[i].frame, SIM_GX_DCL, &raw_dcl);
    }
    bool recent = r->has_last[i] && rig_elapsed_ms(r) - r->last[i].at_ms <= 1100;
    if (!recent || raw_ccl != ccl || raw_dcl != dcl)
        fail(j, e->line, RULE_SENTENCE,
             "%sCCL %.1f A, DCL %.1f A instead of %.1f A, %.1f A; stage %s, age %llu ms",
             recent ? "" : "no recent 0x351: ", (double)raw_ccl / 10.0, (double)raw_dcl / 10.0,
             (double)ccl / 10.0, (double)dcl / 10.0, stage_text(r->gateway.policy.stage.stage),
             (unsigned long long)policy_age_ms(&r->gateway.policy, r->now_ms));
}

static void check_word(struct judge *j, const struct scenario_line *e, const char *is) {
    if (strcmp(e->word, is) != 0)
        fail(j, e->line, RULE_SENTENCE, "\"%s\"", is);
}

static void check_reason(struct judge *j, const struct scenario_line *e) {
    const struct limits *l = &j->rig->gateway.policy.limits;
    const enum limit_reason reason[] = {l->cvl_reason, l->ccl_reason, l->dcl_reason};
    check_word(j, e, limit_reason_text(reason[e->number[0]]));
}

/* A sentence about what is, not about what is sent. */
static void check_state(struct judge *j, const struct scenario_line *e) {
    const struct rig *r = j->rig;
    bool running = sim_gx_running(&r->gx, r->now_ms * 1000);
    switch ((int)e->verb) {
    case SCENARIO_EXPECT_STAGE:
        check_word(j, e, stage_text(r->gateway.policy.stage.stage));
        break;
    case SCENARIO_EXPECT_LINK:
        check_word(j, e, tinybms_link_text(tinybms_link(&r->gateway.bms)));
        break;
    case SCENARIO_EXPECT_REASON:
        check_reason(j, e);
        break;
    case SCENARIO_EXPECT_GX_RUNNING:
    case SCENARIO_EXPECT_GX_STOPPED:
        if (running != (e->verb == SCENARIO_EXPECT_GX_RUNNING))
            fail(j, e->line, RULE_SENTENCE, "the GX lets the house %s", running ? "run" : "stop");
        break;
    case SCENARIO_EXPECT_OPEN:
        check_open(j, e);
        break;
    default:
        break;
    }
}

/* ---- when ---- */

static bool covers(const struct scenario_line *e, uint64_t at_ms) {
    return e->between && at_ms * 1000 >= e->from_us && at_ms * 1000 <= e->to_us;
}

static void on_frame(void *context, const struct sim_can_frame *f, uint64_t at_ms) {
    struct judge *j = context;
    for (unsigned i = 0; i < j->scenario->expectations; i++) {
        const struct scenario_line *e = &j->scenario->expectation[i];
        struct judge_watch *w = &j->watch[i];
        uint32_t id;
        if (!covers(e, at_ms))
            continue;
        if (e->verb == SCENARIO_EXPECT_FRAMES_NONE)
            fail(j, e->line, RULE_SENTENCE, "0x%03X", (unsigned)f->id);
        if (e->verb != SCENARIO_EXPECT_FRAMES && (!about_frame(e, &id) || id != f->id))
            continue;
        check_content(j, e, w, f, at_ms);
        w->seen++;
        w->last_ms = at_ms;
    }
    if (j->trace != NULL) {
        char words[SIM_GX_WORDS_MAX];
        sim_gx_words(f, words, sizeof words);
        (void)fprintf(j->trace, "%10.3f s  0x%03X  %s\n", (double)at_ms / MILLI, (unsigned)f->id,
                      words);
    }
}

static void on_request(void *context, uint64_t at_ms) {
    struct judge *j = context;
    for (unsigned i = 0; i < j->scenario->expectations; i++) {
        const struct scenario_line *e = &j->scenario->expectation[i];
        struct judge_watch *w = &j->watch[i];
        if (!covers(e, at_ms))
            continue;
        if (e->verb == SCENARIO_EXPECT_REQUEST_GAP)
            check_gap(j, e, w->seen > 0 ? w->last_ms : e->from_us / MILLI, at_ms, w->seen > 0);
        if (e->verb == SCENARIO_EXPECT_REQUESTS || e->verb == SCENARIO_EXPECT_REQUEST_GAP) {
            w->seen++;
            w->last_ms = at_ms;
        }
    }
}

static void on_log(void *context, const struct log_record *record, uint64_t at_ms) {
    struct judge *j = context;
    char text[RIG_TEXT_MAX];
    log_render(record, text, sizeof text);
    if (j->listener != NULL)
        j->listener->log(j->listener->context, log_table[record->id].level, text, at_ms);
    if (record->id == LOG_OVERSLEPT) /* the rig calls when it should */
        fail(j, 0, RULE_LOG, "the log says \"%s\", and it is not so", text);
    for (unsigned i = 0; i < j->scenario->expectations; i++) {
        const struct scenario_line *e = &j->scenario->expectation[i];
        if (!covers(e, at_ms) || strstr(text, e->word) == NULL)
            continue;
        if (e->verb == SCENARIO_EXPECT_NO_LOG)
            fail(j, e->line, RULE_SENTENCE, "the log says \"%s\"", text);
        j->watch[i].seen += e->verb == SCENARIO_EXPECT_LOG;
    }
    if (j->trace != NULL)
        (void)fprintf(j->trace, "%10.3f s  log    %s: %s\n", (double)at_ms / MILLI,
                      log_table[record->id].module, text);
}

static void on_answer(void *context, const struct gateway_answer *a, uint64_t at_ms) {
    struct judge *j = context;
    enum scenario_verb verb =
        a->err == GW_OK ? SCENARIO_EXPECT_ANSWER_OK : SCENARIO_EXPECT_ANSWER_FAILED;
    for (unsigned i = 0; i < j->scenario->expectations; i++) {
        const struct scenario_line *e = &j->scenario->expectation[i];
        if (covers(e, at_ms))
            j->watch[i].seen += e->verb == verb;
    }
}

static void on_action(void *context, const struct scenario_line *line, uint64_t at_ms) {
    const struct judge *j = context;
    if (j->listener != NULL)
        j->listener->action(j->listener->context, line, at_ms);
}

/* The end of a while: did anything of the kind come at all? */
static void check_whole(struct judge *j, const struct scenario_line *e,
                        const struct judge_watch *w) {
    uint32_t id;
    switch ((int)e->verb) {
    case SCENARIO_EXPECT_REQUESTS:
        if (!within(&e->range, (int64_t)w->seen * MILLI))
            fail(j, e->line, RULE_SENTENCE, "%u requests", w->seen);
        return;
    case SCENARIO_EXPECT_REQUEST_GAP:
    case SCENARIO_EXPECT_GAP:
        check_gap(j, e, w->seen > 0 ? w->last_ms : e->from_us / MILLI, e->to_us / MILLI, false);
        return;
    case SCENARIO_EXPECT_FRAME_NONE:
    case SCENARIO_EXPECT_FRAMES_NONE:
    case SCENARIO_EXPECT_NO_LOG:
        return;
    case SCENARIO_EXPECT_FRAMES:
    case SCENARIO_EXPECT_LOG:
    case SCENARIO_EXPECT_ANSWER_OK:
    case SCENARIO_EXPECT_ANSWER_FAILED:
        break;
    default:
        if (!about_frame(e, &id))
            return;
        break;
    }
    if (w->seen == 0)
        fail(j, e->line, RULE_SENTENCE, "nothing of it");
}

static void check_now(struct judge *j, const struct scenario_line *e, struct judge_watch *w) {
    uint32_t id;
    if (!about_frame(e, &id)) {
        check_state(j, e);
        return;
    }
    int i = sim_gx_message_index(id);
    if (i < 0 || !j->rig->has_last[i])
        fail(j, e->line, RULE_SENTENCE, "no 0x%03X so far", (unsigned)id);
    else
        check_content(j, e, w, &j->rig->last[i].frame, j->rig->last[i].at_ms);
}

static void check_rules(struct judge *j) {
    const struct contract *c = &j->rig->contract;
    struct sim_gx_violation v;
    char words[SIM_GX_WORDS_MAX];
    if (c->violations > 0)
        fail(j, 0, (int)c->violation[0].rule, "%s: %s", contract_rule_text(c->violation[0].rule),
             c->violation[0].text);
    while (sim_gx_next_violation(&j->rig->gx, &v)) {
        if (v.rule == SIM_GX_ALARMS_SLOW) /* after silence it is right; the contract knows */
            continue;
        sim_gx_violation_words(&v, words, sizeof words);
        fail(j, 0, RULE_GX, "the GX complains: %s", words);
    }
    if (j->rig->refused != 0)
        fail(j, j->rig->refused, RULE_ACTION, "%s", j->rig->why);
}

static void on_moment(void *context, uint64_t at_ms) {
    struct judge *j = context;
    check_rules(j);
    for (unsigned i = 0; i < j->scenario->expectations; i++) {
        const struct scenario_line *e = &j->scenario->expectation[i];
        struct judge_watch *w = &j->watch[i];
        if (w->closed || at_ms * 1000 < e->from_us)
            continue;
        if (!e->between) {
            check_now(j, e, w);
            end_watch(j, e, w);
            continue;
        }
        check_state(j, e);
        if (at_ms * 1000 >= e->to_us) {
            check_whole(j, e, w);
            end_watch(j, e, w);
        }
    }
}

/* ---- playing ---- */

/* The next time, after at_us, at which something is expected; the end when there is none. */
static uint64_t next_stop_us(const struct scenario *s, uint64_t at_us) {
    uint64_t next_us = s->end_us;
    for (unsigned i = 0; i < s->expectations; i++) {
        const struct scenario_line *e = &s->expectation[i];
        if (e->from_us > at_us && e->from_us < next_us)
            next_us = e->from_us;
        if (e->to_us > at_us && e->to_us < next_us)
            next_us = e->to_us;
    }
    return next_us;
}

static bool begin(struct judge *j, struct rig *r, const struct scenario *s, FILE *trace,
                  const struct judge_listener *listener) {
    const struct rig_observer observer = {.context = j,
                                          .frame = on_frame,
                                          .request = on_request,
                                          .log = on_log,
                                          .answer = on_answer,
                                          .moment = on_moment,
                                          .action = on_action};
    memset(j, 0, sizeof *j);
    j->rig = r;
    j->scenario = s;
    j->trace = trace;
    j->listener = listener;
    bool started = rig_start(r, s, &observer);
    if (!started && !j->failed && listener == NULL) /* else the caller tells */
        fail(j, r->refused, RULE_ACTION, "%s", r->why);
    return started;
}

bool judge_begin(struct judge *j, struct rig *r, const struct scenario *s,
                 const struct judge_listener *listener) {
    return begin(j, r, s, NULL, listener);
}

bool judge_run(struct judge *j, uint64_t until_ms) {
    const struct scenario *s = j->scenario;
    const uint64_t until_us = until_ms * 1000;
    while (j->at_us < until_us && j->at_us < s->end_us && !j->rig->ended) {
        uint64_t next_us = next_stop_us(s, j->at_us);
        j->at_us = next_us < until_us ? next_us : until_us;
        rig_run(j->rig, (j->at_us + 999) / 1000);
    }
    bool over = j->at_us >= s->end_us || j->rig->ended;
    if (over)
        check_rules(j);
    return !over;
}

unsigned judge_open(const struct judge *j) {
    return j->scenario->expectations - j->held - j->broken;
}

bool judge_play(struct judge *j, struct rig *r, const struct scenario *s, FILE *trace) {
    (void)begin(j, r, s, trace, NULL);
    while (judge_run(j, s->end_us / 1000 + 1)) {
    }
    return !j->failed;
}

/* ---- telling ---- */

static void print_line(const char *text, size_t n, unsigned line, FILE *out) {
    size_t at = 0;
    for (unsigned i = 1; i < line && at < n; at++)
        i += text[at] == '\n';
    size_t end = at;
    while (end < n && text[end] != '\n')
        end++;
    (void)fprintf(out, "  expected: %.*s\n", (int)(end - at), text + at);
}

void judge_report(const struct judge *j, const char *name, const char *text, size_t n, FILE *out) {
    const struct rig *r = j->rig;
    unsigned kept = r->frames < RIG_FRAMES ? r->frames : RIG_FRAMES;
    (void)fprintf(out, "FAILED %s", name);
    if (j->line != 0)
        (void)fprintf(out, ":%u", j->line);
    (void)fprintf(out, "\n");
    if (j->line != 0)
        print_line(text, n, j->line, out);
    else
        (void)fprintf(out, "  expected: the contract of silence, at all times\n");
    (void)fprintf(out, "  seen at %.3f s: %s\n", (double)j->at_ms / MILLI, j->what);
    (void)fprintf(out, "  gateway: stage %s (%s), link %s, %s; clock of the start: %llu ms\n",
                  stage_text(r->gateway.policy.stage.stage),
                  stage_reason_text(r->gateway.policy.stage.reason),
                  tinybms_link_text(tinybms_link(&r->gateway.bms)),
                  r->can_up ? "CAN up" : "CAN down", (unsigned long long)r->start_ms);
    (void)fprintf(out, "  the last %u frames:\n", kept);
    for (unsigned back = kept; back > 0; back--) {
        const struct rig_frame *f = &r->recent[(r->frames - back) % RIG_FRAMES];
        char words[SIM_GX_WORDS_MAX];
        sim_gx_words(&f->frame, words, sizeof words);
        (void)fprintf(out, "  %10.3f s  0x%03X  %s\n", (double)f->at_ms / MILLI,
                      (unsigned)f->frame.id, words);
    }
}
