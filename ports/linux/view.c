/* SPDX-License-Identifier: MIT */
#include "view.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum tone { PLAIN, STRONG, FAINT, GOOD, WARN, BAD, LABEL, TONES };

/* clang-format off */
static const char *const sgr[TONES] = {
    [PLAIN] = "", [STRONG] = "1", [FAINT] = "2", [GOOD] = "32", [WARN] = "33", [BAD] = "1;31",
    [LABEL] = "1;36",
};

/* Frames in the order of interest; the first ones are seen on a small terminal. */
static const uint16_t frame_order[] = {
    0x351, 0x355, 0x356, 0x35A, 0x373, 0x372, 0x35F, 0x35E, 0x379, 0x382, 0x380, 0x381, 0x370,
    0x371, 0x374, 0x375, 0x376, 0x377, 0x378,
};
/* clang-format on */

enum {
    CELL_LEAD = 14,  /* columns before a cell's bar: number and voltage */
    CELL_MARKS = 15, /* and behind it: " high balancing" */
    CELL_BAR_MIN = 4,
    CELL_BAR_MAX = 40,
    BAR_STEP_MV = 20,
    WIDE = 96, /* columns from which there is room for more */
};

struct canvas {
    const struct view_style *style;
    char *buf;
    size_t cap, n;
    unsigned column, line;
};

/* ---- drawing ---- */

static void raw(struct canvas *c, const char *text, size_t n) {
    if (c->n + n < c->cap) {
        memcpy(c->buf + c->n, text, n);
        c->n += n;
    }
}

static bool begins_character(char c) {
    return ((unsigned char)c & 0xC0u) != 0x80u;
}

/* As much of a text as fits in the line, with an ellipsis where it is cut; every character is one
 * column wide. */
static void put_text(struct canvas *c, enum tone tone, const char *text) {
    static const char ellipsis[] = "…";
    char code[16];
    bool toned = c->style->colour && tone != PLAIN;
    if (c->line >= c->style->rows) {
        return;
    }
    if (toned) {
        raw(c, code, (size_t)snprintf(code, sizeof code, "\x1b[%sm", sgr[tone]));
    }
    while (*text != '\0' && c->column < c->style->columns) {
        size_t n = 1;
        while (!begins_character(text[n])) {
            n++;
        }
        bool control = (unsigned char)text[0] < 0x20 || (unsigned char)text[0] == 0x7F;
        if (c->column + 1 == c->style->columns && text[n] != '\0') {
            raw(c, ellipsis, sizeof ellipsis - 1);
        } else {
            raw(c, control ? "?" : text, n);
        }
        c->column++;
        text += n;
    }
    if (toned) {
        raw(c, "\x1b[0m", 4);
    }
}

__attribute__((format(printf, 3, 4))) static void put(struct canvas *c, enum tone tone,
                                                      const char *format, ...) {
    char text[SIM_GX_WORDS_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put_text(c, tone, text);
}

static void pad_to(struct canvas *c, unsigned column) {
    unsigned to = column < c->style->columns ? column : c->style->columns;
    for (unsigned n = c->column; n < to; n++) {
        put_text(c, PLAIN, " ");
    }
}

static void end_line(struct canvas *c) {
    if (c->line >= c->style->rows) {
        return;
    }
    bool full = c->column >= c->style->columns;
    c->line++;
    c->column = 0;
    if (c->style->terminal && !full) { /* behind the last column it would clear that one */
        raw(c, "\x1b[K", 3);
    }
    if (!c->style->terminal || c->line < c->style->rows) {
        raw(c, "\n", 1);
    }
}

static void label(struct canvas *c, const char *text) {
    put(c, LABEL, " %-7s", text);
}

/* Thousandths with a decimal point: 58100, 1 -> "58.1". decimals 0-3; rounded half away from 0. */
static const char *milli(int64_t v, unsigned decimals, char out[24]) {
    static const int64_t unit[] = {1000, 100, 10, 1};
    int64_t size = (v < 0 ? -v : v) + unit[decimals] / 2;
    int64_t rest = size % 1000 / unit[decimals];
    const char *sign = v < 0 && size >= unit[decimals] ? "-" : "";
    if (decimals == 0) {
        (void)snprintf(out, 24, "%s%lld", sign, (long long)(size / 1000));
    } else {
        (void)snprintf(out, 24, "%s%lld.%0*lld", sign, (long long)(size / 1000), (int)decimals,
                       (long long)rest);
    }
    return out;
}

/* ---- pack and cells ---- */

static void draw_title(struct canvas *c, const struct view *v) {
    uint64_t s = v->gateway == NULL ? 0 : v->gateway->uptime_ms / 1000;
    put(c, STRONG, " tinybms-gw demo");
    put(c, PLAIN, "   running %llu:%02u:%02u", (unsigned long long)(s / 3600),
        (unsigned)(s / 60 % 60), (unsigned)(s % 60));
    if (v->speed < 1.0 || v->speed > 1.0) {
        put(c, WARN, "   %s x%g", v->scenario != NULL ? "time" : "pack time", v->speed);
    }
    if (v->hint != NULL) {
        put(c, FAINT, "   %s", v->hint);
    }
    end_line(c);
}

static void draw_scenario(struct canvas *c, const struct view_scenario *s) {
    static const enum tone tone[] = {
        [VIEW_EVENT] = STRONG, [VIEW_HOLDS] = GOOD, [VIEW_FAILS] = BAD, [VIEW_LOG] = FAINT};
    label(c, "PLAYS");
    put(c, STRONG, "%s", s->title[0] != '\0' ? s->title : "a scenario");
    end_line(c);
    label(c, "");
    put(c, PLAIN, "%.1f of %.1f s   ", (double)s->at_ms / 1000.0, (double)s->end_ms / 1000.0);
    put(c, s->held > 0 ? GOOD : PLAIN, "%u hold", s->held);
    put(c, s->broken > 0 ? BAD : PLAIN, ", %u fail", s->broken);
    put(c, PLAIN, ", %u to come", s->open);
    end_line(c);
    for (unsigned i = 0; i < s->notes; i++) {
        put(c, tone[s->note[i].mark], "%s", s->note[i].text);
        end_line(c);
    }
}

static enum tone status_tone(uint16_t status) {
    return status == BATTERY_STATUS_FAULT ? BAD : status == BATTERY_STATUS_IDLE ? PLAIN : GOOD;
}

static void draw_pack(struct canvas *c, const struct gateway_snapshot *g) {
    const struct battery *b = &g->battery;
    char text[24];
    int16_t mean_dc = 0;
    label(c, "PACK");
    if (!g->sample_known) {
        put(c, WARN, "no sample yet: the BMS is asked");
        end_line(c);
        return;
    }
    put(c, STRONG, "%s V", milli(b->pack_mv, 2, text));
    put(c, STRONG, "  %s%s A", b->pack_ma > 0 ? "+" : "", milli(b->pack_ma, 1, text));
    put(c, PLAIN, "  %s W", milli(b->power_mw, 0, text));
    put(c, STRONG, "  SOC %s %%", milli((int64_t)b->soc_cpct * 10, 1, text));
    if (battery_temperature_mean(b, &mean_dc)) {
        put(c, PLAIN, "  %s degC", milli((int64_t)mean_dc * 100, 1, text));
    }
    if (battery_has(b, BATTERY_SOH)) {
        put(c, PLAIN, "  SOH %s %%", milli((int64_t)b->soh_cpct * 10, 0, text));
    }
    put(c, status_tone(b->status), "  %s", battery_status_text(b->status));
    end_line(c);
}

/* What the bars of the cells stretch over: at least three steps, and room around all cells. */
struct scale {
    unsigned low_mv, high_mv;
    unsigned columns; /* of a bar */
};

static struct scale cell_scale(const struct battery *b, unsigned columns) {
    struct scale s = {.columns = CELL_BAR_MIN};
    if (columns / 2 > CELL_LEAD + CELL_MARKS + CELL_BAR_MIN) {
        s.columns = columns / 2 - CELL_LEAD - CELL_MARKS;
    }
    if (s.columns > CELL_BAR_MAX) {
        s.columns = CELL_BAR_MAX;
    }
    unsigned from = b->min_cell_mv > BAR_STEP_MV / 2 ? b->min_cell_mv - BAR_STEP_MV / 2u : 0;
    s.low_mv = from / BAR_STEP_MV * BAR_STEP_MV;
    s.high_mv = (b->max_cell_mv / BAR_STEP_MV + 1u) * BAR_STEP_MV;
    if (s.high_mv - s.low_mv < 3 * BAR_STEP_MV) {
        s.high_mv = s.low_mv + 3 * BAR_STEP_MV;
    }
    return s;
}

/* A bar in eighths of a column. */
static void draw_bar(struct canvas *c, enum tone tone, unsigned mv, struct scale s) {
    static const char *const eighth[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    unsigned start = c->column;
    unsigned above = mv > s.low_mv ? mv - s.low_mv : 0;
    unsigned eighths = above * s.columns * 8u / (s.high_mv - s.low_mv);
    if (eighths > s.columns * 8u) {
        eighths = s.columns * 8u;
    }
    for (unsigned i = 0; i < eighths / 8; i++) {
        put_text(c, tone, "█");
    }
    put_text(c, tone, eighth[eighths % 8]);
    pad_to(c, start + s.columns);
}

static void draw_cell(struct canvas *c, const struct battery *b, unsigned i, struct scale s) {
    bool lowest = i + 1u == b->min_cell, highest = i + 1u == b->max_cell;
    bool wanted = (b->balancing_needed_bits >> i & 1u) != 0;
    bool active = (b->balancing_active_bits >> i & 1u) != 0;
    enum tone tone = active ? WARN : lowest || highest ? STRONG : GOOD;
    put(c, PLAIN, "  %2u  ", i + 1);
    put(c, lowest || highest ? STRONG : PLAIN, "%u.%03u V ", b->cell_mv[i] / 1000u,
        b->cell_mv[i] % 1000u);
    draw_bar(c, tone, b->cell_mv[i], s);
    put(c, STRONG, "%s", lowest ? " low" : highest ? " high" : "");
    put(c, active ? WARN : FAINT, "%s", active ? " balancing" : wanted ? " (bal.)" : "");
}

static void draw_cells(struct canvas *c, const struct gateway_snapshot *g) {
    const struct battery *b = &g->battery;
    if (!g->sample_known || b->cell_count == 0 || b->cell_count > BATTERY_CELLS_MAX) {
        return;
    }
    struct scale s = cell_scale(b, c->style->columns);
    char low[24], high[24];
    bool uneven =
        battery_has(b, BATTERY_ALLOWED_DISBALANCE) && b->imbalance_mv > b->allowed_disbalance_mv;
    label(c, "CELLS");
    put(c, PLAIN, "%u cells, %s to %s V, ", b->cell_count, milli(b->min_cell_mv, 3, low),
        milli(b->max_cell_mv, 3, high));
    put(c, uneven ? WARN : PLAIN, "%u mV apart", b->imbalance_mv);
    put(c, FAINT, "; bars %s-%s V", milli(s.low_mv, 2, low), milli(s.high_mv, 2, high));
    end_line(c);
    unsigned half = (b->cell_count + 1u) / 2;
    for (unsigned i = 0; i < half; i++) {
        draw_cell(c, b, i, s);
        pad_to(c, CELL_LEAD + s.columns + CELL_MARKS);
        if (i + half < b->cell_count) {
            draw_cell(c, b, i + half, s);
        }
        end_line(c);
    }
}

/* ---- limits and links ---- */

static void draw_limit(struct canvas *c, const char *name, uint32_t v_milli, const char *unit,
                       enum limit_reason reason) {
    char text[24];
    put(c, v_milli == 0 ? BAD : STRONG, "%s %s %s", name, milli(v_milli, 1, text), unit);
    put(c, reason == LIMIT_NOMINAL ? FAINT : WARN, " %s  ", limit_reason_text(reason));
}

static void draw_limits(struct canvas *c, const struct gateway_snapshot *g) {
    const struct limits *l = &g->limits;
    label(c, "LIMITS");
    if (l->valid) {
        draw_limit(c, "CVL", l->cvl_mv, "V", l->cvl_reason);
        draw_limit(c, "CCL", l->ccl_ma, "A", l->ccl_reason);
        draw_limit(c, "DCL", l->dcl_ma, "A", l->dcl_reason);
    } else {
        put(c, WARN, "none: nothing is sent (%s)", stage_text(g->stage));
    }
    end_line(c);
}

static void put_age(struct canvas *c, enum tone tone, uint64_t age_ms) {
    if (age_ms == UINT64_MAX) {
        put(c, tone, "never");
    } else {
        put(c, tone, "%llu.%u s ago", (unsigned long long)(age_ms / 1000),
            (unsigned)(age_ms % 1000 / 100));
    }
}

static void draw_links(struct canvas *c, const struct gateway_snapshot *g) {
    const struct tinybms_counters *u = &g->uart;
    bool answers = g->bms_link == TINYBMS_LINK_ANSWERING;
    uint32_t errors = u->timeouts + u->crc_errors + u->nacks;
    label(c, "BMS");
    put(c, answers && !g->bms_link_poor ? GOOD : BAD, "%s%s", tinybms_link_text(g->bms_link),
        g->bms_link_poor ? " poorly" : "");
    put(c, PLAIN, ", sample ");
    put_age(c, g->stage == STAGE_FRESH ? PLAIN : WARN, g->sample_age_ms);
    put(c, g->stage == STAGE_FRESH ? PLAIN : WARN, " (%s)", stage_text(g->stage));
    put(c, PLAIN, "  polls %u", u->polls);
    put(c, errors > 0 ? WARN : PLAIN, "  errors %u", errors);
    put(c, PLAIN, "  %u ms (p99 %u)", u->latency_mean_ms, u->latency_p99_ms);
    end_line(c);
    label(c, "CAN");
    put(c, g->can_up ? GOOD : BAD, "%s", g->can_up ? "up" : "down");
    put(c, PLAIN, "  sent %u", g->can.tx_count);
    put(c, g->can.tx_errors > 0 ? WARN : PLAIN, "  dropped %u", g->can.tx_errors);
    put(c, PLAIN, "  received %u  GX ", g->can.rx_count);
    put(c, g->gx_present ? GOOD : BAD, "%s", g->gx_present ? "present" : "absent");
    put(c, PLAIN, ", heard ");
    put_age(c, PLAIN, g->gx_age_ms);
    end_line(c);
}

/* ---- the GX's side ---- */

/* The words of a frame without what its identifier tells anyway. */
static const char *short_words(const struct sim_can_frame *f, char words[SIM_GX_WORDS_MAX]) {
    (void)sim_gx_words(f, words, SIM_GX_WORDS_MAX);
    bool plain = f->id == 0x351 || f->id == 0x355 || f->id == 0x356 || f->id == 0x373;
    const char *colon = plain ? strstr(words, ": ") : NULL;
    return colon == NULL ? words : colon + 2;
}

static void draw_gx(struct canvas *c, const struct view *v) {
    char words[SIM_GX_WORDS_MAX];
    const struct sim_gx *g = v->gx;
    bool present = sim_gx_present(g, v->now_us), runs = sim_gx_running(g, v->now_us);
    uint32_t broken = sim_gx_violation_total(g);
    const struct sim_gx_message *alarms = sim_gx_message(g, 0x35A);
    label(c, "GX");
    put(c, present ? GOOD : BAD, "%s", present ? "lists the battery" : "lists no battery");
    put(c, runs ? GOOD : BAD, "; %s", runs ? "obeys limits" : "stopped: no 0x351");
    put(c, broken > 0 ? BAD : PLAIN, "; rules broken: %u", broken);
    if (alarms != NULL) {
        bool any = strstr(short_words(&alarms->frame, words), "alarms: none") == NULL;
        put(c, any ? BAD : PLAIN, "; %s", words);
    }
    end_line(c);
}

static void draw_frame(struct canvas *c, const struct view *v, const struct sim_gx_message *m) {
    char words[SIM_GX_WORDS_MAX];
    bool old = v->now_us - m->at_us > SIM_GX_SILENCE_US;
    put(c, old ? FAINT : STRONG, " %03X ", m->frame.id);
    for (unsigned i = 0; i < m->frame.len && i < 8; i++) {
        put(c, FAINT, "%02X ", m->frame.data[i]);
    }
    pad_to(c, 5 + 24);
    put(c, old ? FAINT : PLAIN, "%s", short_words(&m->frame, words));
    if (c->style->columns >= WIDE) {
        put(c, FAINT, "  x%u", m->count);
    }
    end_line(c);
}

static void draw_frames(struct canvas *c, const struct view *v) {
    for (size_t i = 0; i < sizeof frame_order / sizeof frame_order[0]; i++) {
        const struct sim_gx_message *m = sim_gx_message(v->gx, frame_order[i]);
        if (m != NULL && c->line + 1 < c->style->rows) { /* the last row is the log's */
            draw_frame(c, v, m);
        }
    }
}

size_t view_render(const struct view *v, const struct view_style *style, char *buf, size_t cap) {
    struct canvas c = {.style = style, .buf = buf, .cap = cap};
    if (style->terminal) {
        raw(&c, "\x1b[H", 3);
    }
    draw_title(&c, v);
    if (v->scenario != NULL) {
        draw_scenario(&c, v->scenario);
    }
    if (v->gateway != NULL) {
        draw_pack(&c, v->gateway);
        draw_cells(&c, v->gateway);
        draw_limits(&c, v->gateway);
        draw_links(&c, v->gateway);
    }
    if (v->gx != NULL) {
        draw_gx(&c, v);
        draw_frames(&c, v);
    }
    if (v->log_line != NULL) {
        put(&c, v->log_level <= LOG_WARN ? WARN : FAINT, " %s", v->log_line);
        end_line(&c);
    }
    if (style->terminal && c.line < style->rows) {
        raw(&c, "\x1b[J", 3);
    }
    if (cap > 0) {
        buf[c.n] = '\0';
    }
    return c.n;
}
