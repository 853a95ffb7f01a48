/* SPDX-License-Identifier: MIT */
/* CAN frames from elsewhere: lines of a candump log, their frames in words and in JSON, the same
 * frames taken in by the gateway's Victron side and by the virtual GX.
 *
 * Input: a byte for buffer sizes, then text. */
#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "sim/candump.h"
#include "sim/gx.h"
#include "victron/victron.h"
#include "json/json.h"

enum { INPUT_MAX = 2048, LINES_MAX = 32, LOG_LINE_MAX = 128 };

static bool same_frame(const struct sim_can_frame *a, const struct sim_can_frame *b) {
    return a->id == b->id && a->extended == b->extended && a->remote == b->remote &&
           a->len == b->len && (a->remote || memcmp(a->data, b->data, a->len) == 0);
}

/* As `candump -L` would have written it. */
static size_t print_log(const struct sim_candump *d, char out[LOG_LINE_MAX]) {
    const uint32_t id = d->frame.id | (d->error_frame ? 0x20000000u : 0u);
    const bool wide = d->frame.extended || d->error_frame;
    size_t n = 0;
    if (d->time[0] != '\0') {
        n += (size_t)snprintf(out, LOG_LINE_MAX, "(%s) ", d->time);
    }
    n += (size_t)snprintf(out + n, LOG_LINE_MAX - n, "%s %0*X#", d->interface, wide ? 8 : 3, id);
    if (d->frame.remote) {
        return n + (size_t)snprintf(out + n, LOG_LINE_MAX - n, "R%u", d->frame.len);
    }
    for (unsigned i = 0; i < d->frame.len; i++) {
        n += (size_t)snprintf(out + n, LOG_LINE_MAX - n, "%02X", d->frame.data[i]);
    }
    return n;
}

static void check_words(const struct sim_can_frame *f, size_t cap) {
    char whole[SIM_GX_WORDS_MAX], cut[SIM_GX_WORDS_MAX], json[SIM_GX_WORDS_MAX + 2];
    struct json_reader r;
    const size_t n = sim_gx_words(f, whole, sizeof whole);
    must(n == strlen(whole) && n > 0 && n < sizeof whole - 1, "the words of a frame fit");
    must(fuzz_is_printable(whole, sizeof whole), "the words of a frame are printable");
    const size_t short_n = sim_gx_words(f, cut, cap);
    must(short_n == strlen(cut) && short_n < cap && memcmp(cut, whole, short_n) == 0,
         "words that do not fit are cut");

    const size_t m = sim_gx_json(f, json + 1, SIM_GX_WORDS_MAX);
    must(m > 0 && m < SIM_GX_WORDS_MAX - 1, "the members of a frame fit");
    json[0] = '{';
    json[m + 1] = '}';
    json_reader_init(&r, json, m + 2);
    must(json_skip(&r) == JSON_OBJECT_BEGIN && json_next(&r) == JSON_END,
         "the members of a frame are JSON");
}

struct receivers {
    struct victron victron;
    struct sim_gx gx;
    uint32_t keepalives, identities, others;
    uint64_t now_ms, keepalive_ms;
};

static void receive(struct receivers *x, const struct sim_can_frame *f) {
    x->now_ms += 1 + f->data[0] * 100u;
    sim_gx_handle_rx(&x->gx, f, x->now_ms * 1000);
    if (f->extended || f->remote) {
        return; /* the ports pass on 11-bit data frames alone */
    }
    struct victron_frame v = {.id = (uint16_t)f->id, .len = f->len};
    memcpy(v.data, f->data, f->len);
    victron_handle_rx(&x->victron, &v, x->now_ms);
    x->keepalive_ms = f->id == 0x305 ? x->now_ms : x->keepalive_ms;
    x->keepalives += f->id == 0x305;
    x->identities += f->id == 0x307;
    x->others += f->id != 0x305 && f->id != 0x307;
}

static void check_received(struct receivers *x) {
    const struct victron_counters *c = &x->victron.counters;
    struct sim_gx_violation violation;
    must(c->rx_keepalive == x->keepalives && c->rx_identity == x->identities &&
             c->rx_other == x->others,
         "every frame received is counted once");
    const bool present =
        x->keepalives > 0 && x->now_ms - x->keepalive_ms <= x->victron.config.keepalive_timeout_ms;
    must(victron_gx_present(&x->victron, x->now_ms) == present,
         "a GX is present by its keep-alive alone");
    must(victron_step(&x->victron, x->now_ms) == UINT64_MAX, "nothing received starts sending");
    while (sim_gx_next_violation(&x->gx, &violation)) {
        char words[SIM_GX_WORDS_MAX];
        (void)sim_gx_violation_words(&violation, words, sizeof words);
        must(fuzz_is_printable(words, sizeof words) && words[0] != '\0', "a violation has words");
    }
}

static void check_frame(struct receivers *x, const struct sim_candump *d, size_t cap) {
    const struct sim_can_frame *f = &d->frame;
    char log[LOG_LINE_MAX];
    struct sim_candump again;
    must(f->len <= 8 && f->id <= (f->extended || d->error_frame ? 0x1FFFFFFFu : 0x7FFu),
         "a frame is one of classic CAN");
    must(fuzz_is_printable(d->time, sizeof d->time) &&
             fuzz_is_printable(d->interface, sizeof d->interface) && d->interface[0] != '\0',
         "time and interface are printable");
    const size_t n = print_log(d, log);
    must(sim_candump_parse(log, n, &again) && same_frame(f, &again.frame) &&
             strcmp(d->time, again.time) == 0 && strcmp(d->interface, again.interface) == 0 &&
             d->error_frame == again.error_frame,
         "a frame survives the log form");
    if (!d->error_frame) {
        check_words(f, cap);
        receive(x, f);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct receivers x;
    struct feed feed = {data, size};
    const size_t cap = 1 + feed_u8(&feed) % 64u;
    const struct victron_config config = {
        .period_ms = 1000, .keepalive_timeout_ms = 10000, .manufacturer = "M"};
    if (size > INPUT_MAX) {
        return 0;
    }
    memset(&x, 0, sizeof x);
    victron_init(&x.victron, &config);
    sim_gx_init(&x.gx, 0);
    for (int i = 0; i < LINES_MAX && feed.left > 0; i++) {
        const uint8_t *end = memchr(feed.at, '\n', feed.left);
        size_t n = end != NULL ? (size_t)(end - feed.at) : feed.left;
        struct sim_candump d;
        if (sim_candump_parse((const char *)feed.at, n, &d)) {
            check_frame(&x, &d, cap);
        }
        (void)feed_bytes(&feed, n + 1, &n);
    }
    check_received(&x);
    return 0;
}
