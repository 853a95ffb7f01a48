/* SPDX-License-Identifier: MIT */
/* After the output of candump in can-utils 2020 to 2025. */
#include "sim/candump.h"

#include <string.h>

enum { ERROR_FRAME = 0x20000000 };

/* What is left to read. */
struct text {
    const char *at, *end;
};

static bool at_end(const struct text *t) {
    return t->at == t->end;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static void skip_blanks(struct text *t) {
    while (!at_end(t) && is_blank(*t->at))
        t->at++;
}

static bool take(struct text *t, char c) {
    if (at_end(t) || *t->at != c)
        return false;
    t->at++;
    return true;
}

/* The next word, printable characters up to a blank; its length, 0 at the end. */
static size_t word_length(const struct text *t) {
    size_t n = 0;
    while (t->at + n < t->end && t->at[n] > ' ' && t->at[n] < 0x7F)
        n++;
    return n;
}

static bool take_word(struct text *t, const char *word) {
    size_t n = strlen(word);
    if (word_length(t) != n || memcmp(t->at, word, n) != 0)
        return false;
    t->at += n;
    skip_blanks(t);
    return true;
}

static bool copy(char *out, size_t max, const char *from, size_t n) {
    if (n == 0 || n > max)
        return false;
    memcpy(out, from, n);
    out[n] = '\0';
    return true;
}

static bool take_time(struct text *t, struct sim_candump *out) {
    out->time[0] = '\0';
    if (!take(t, '('))
        return true;
    const char *first = t->at;
    while (!at_end(t) && *t->at != ')' && *t->at >= ' ' && *t->at < 0x7F)
        t->at++;
    bool good = copy(out->time, SIM_CANDUMP_TIME_MAX, first, (size_t)(t->at - first));
    return take(t, ')') && good;
}

/* Three digits, or eight: more than 29 bits of them are flags of the kernel. */
static bool take_id(struct text *t, struct sim_candump *out) {
    uint32_t id = 0;
    unsigned digits = 0;
    for (; !at_end(t) && digits < 9 && sim_can_hex(*t->at) >= 0; digits++, t->at++)
        id = id << 4 | (uint32_t)sim_can_hex(*t->at);
    if (digits != 3 && digits != 8)
        return false;
    out->error_frame = digits == 8 && (id & ERROR_FRAME) != 0;
    out->frame.extended = digits == 8 && !out->error_frame;
    out->frame.id = id & 0x1FFFFFFFu;
    return digits == 8 ? id <= 0x3FFFFFFFu : id <= 0x7FF;
}

static bool take_byte(struct text *t, uint8_t *out) {
    if (t->end - t->at < 2 || sim_can_hex(t->at[0]) < 0 || sim_can_hex(t->at[1]) < 0)
        return false;
    *out = (uint8_t)(sim_can_hex(t->at[0]) << 4 | sim_can_hex(t->at[1]));
    t->at += 2;
    return true;
}

/* Behind the '#' of the log form, to the end; a direction of one letter may follow. */
static bool take_log_data(struct text *t, struct sim_can_frame *f) {
    f->remote = take(t, 'R');
    if (f->remote) {
        int len = at_end(t) || is_blank(*t->at) ? 0 : sim_can_hex(*t->at);
        if (len < 0 || len > 8)
            return false;
        f->len = (uint8_t)len;
        t->at += at_end(t) || is_blank(*t->at) ? 0 : 1;
    }
    while (!f->remote && !at_end(t) && !is_blank(*t->at)) {
        if (f->len == 8 || !take_byte(t, &f->data[f->len]))
            return false;
        f->len++;
        (void)take(t, '.'); /* cansend's own form has dots between the bytes */
    }
    skip_blanks(t);
    if (!take_word(t, "R"))
        (void)take_word(t, "T");
    return at_end(t);
}

/* From the "[8]" of the screen form to the end; two digits would be CAN FD. */
static bool take_screen_data(struct text *t, struct sim_can_frame *f) {
    if (!take(t, '[') || at_end(t))
        return false;
    int len = sim_can_hex(*t->at++);
    if (len < 0 || len > 8 || !take(t, ']'))
        return false;
    f->len = (uint8_t)len;
    skip_blanks(t);
    f->remote = take_word(t, "remote");
    if (f->remote)
        return take_word(t, "request") && at_end(t);
    for (unsigned i = 0; i < f->len; i++) {
        if (!take_byte(t, &f->data[i]) || (!at_end(t) && !is_blank(*t->at)))
            return false;
        skip_blanks(t);
    }
    /* the bytes as characters, or what an error frame means: told, not needed */
    return at_end(t) || *t->at == '\'' || *t->at == 'E';
}

bool sim_candump_parse(const char *text, size_t n, struct sim_candump *out) {
    if (n > SIM_CANDUMP_LINE_MAX)
        return false;
    struct text t = {text, text + n};
    memset(out, 0, sizeof *out);
    skip_blanks(&t);
    if (!take_time(&t, out))
        return false;
    skip_blanks(&t);
    size_t length = word_length(&t);
    if (!copy(out->interface, SIM_CANDUMP_INTERFACE_MAX, t.at, length))
        return false;
    t.at += length;
    skip_blanks(&t);
    if (take_word(&t, "RX") || take_word(&t, "TX")) {
        for (unsigned flag = 0; flag < 2; flag++) {
            if (!take_word(&t, "-") && !take_word(&t, "B") && !take_word(&t, "E"))
                return false;
        }
    }
    if (!take_id(&t, out))
        return false;
    if (take(&t, '#'))
        return take_log_data(&t, &out->frame);
    skip_blanks(&t);
    return take_screen_data(&t, &out->frame);
}
