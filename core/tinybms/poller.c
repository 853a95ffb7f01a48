/* SPDX-License-Identifier: MIT */
/* Decides what to ask next. One request at a time:
 *
 *   1. the other half of a fast sample that is read in two;
 *   2. a command of the user, if it fits before the next fast sample, or if a fast sample has gone
 *      by since it became ready and since another command made one wait;
 *   3. a slow block that would otherwise starve;
 *   4. the fast sample, when it is due;
 *   5. a slow block that fits in the time left.
 *
 * A sleeping BMS swallows the first request and looks at its UART once a second. So while nothing
 * answers the fast sample is asked again and again, with delays that differ a little from each
 * other (transaction.c), so as not to beat with that second.
 *
 * While it rests on purpose the fast sample alone is asked, once in TINYBMS_REST_INTERVAL_MS and
 * then for as long as waking takes. */
#include <assert.h>
#include <string.h>

#include "tinybms/turns.h"

enum {
    FIT_MARGIN_MS = 3,    /* what the BMS takes to begin its answer: about 2 ms, seen */
    SPLIT_LOW_WORDS = 16, /* registers 0-15 */
    SPLIT_HIGH_FIRST = 32,
    SPLIT_HIGH_WORDS = 22, /* registers 32-53 */
    UNANSWERED_BEFORE_SPLIT = 2,
    FORGET_AFTER_MS = 15000, /* after such a silence it may be another BMS */
    REST_WAKE_MS = 3000, /* a sleeping BMS looks at its UART once a second and swallows the first */
    STEPS_MAX = 4,       /* of one call: an end, a beginning, its start */
};

static bool config_ok(const struct tinybms_config *cfg) {
    return cfg->baudrate > 0 && cfg->retry_count <= 10 &&
           (cfg->series_cells == 0 ||
            (cfg->series_cells >= BATTERY_CELLS_MIN && cfg->series_cells <= BATTERY_CELLS_MAX));
}

static void take_config(struct tinybms *t, const struct tinybms_config *cfg) {
    t->config = *cfg;
    t->rules = (struct tinybms_rules){
        .cell_order = cfg->cell_order,
        .series_cells = cfg->series_cells,
        .capacity_mah = cfg->capacity_mah,
        .invert_current = cfg->invert_current,
    };
    t->transaction.timing = (struct tinybms_timing){
        .baudrate = cfg->baudrate,
        .timeout_ms = cfg->timeout_ms,
        .retry_delay_ms = cfg->retry_delay_ms,
    };
}

int tinybms_init(struct tinybms *t, const struct tinybms_config *cfg, uint64_t now_ms) {
    if (!config_ok(cfg)) {
        return GW_ERR_RANGE;
    }
    memset(t, 0, sizeof *t);
    const struct tinybms_timing none = {.baudrate = cfg->baudrate};
    tinybms_transaction_init(&t->transaction, &none);
    tinybms_image_init(&t->image);
    battery_init(&t->battery);
    take_config(t, cfg);
    t->image.cell_order = cfg->cell_order;
    tinybms_rules_apply(&t->rules, &t->battery, now_ms);
    return GW_OK;
}

/* What an override hid comes back from the image. */
static void forget_override(struct tinybms *t, bool was, bool is, enum battery_field field,
                            uint64_t now_ms) {
    if (was && !is) {
        battery_clear(&t->battery, field, BATTERY_NEVER_READ, now_ms);
    }
}

int tinybms_configure(struct tinybms *t, const struct tinybms_config *cfg, uint64_t now_ms) {
    if (!config_ok(cfg)) {
        return GW_ERR_RANGE;
    }
    struct tinybms_config old = t->config;
    take_config(t, cfg);
    forget_override(t, old.series_cells != 0, cfg->series_cells != 0, BATTERY_SERIES_CELLS, now_ms);
    forget_override(t, old.capacity_mah != 0, cfg->capacity_mah != 0, BATTERY_CAPACITY, now_ms);
    if (old.cell_order != cfg->cell_order) {
        t->image.cell_order = cfg->cell_order;
    }
    /* counted when they were read; not again */
    (void)tinybms_image_decode(&t->image, &t->rules, TINYBMS_SETTINGS_FIRST, TINYBMS_SETTINGS_WORDS,
                               &t->battery, t->image.read_at_ms[BATTERY_GROUP_SETTINGS]);
    tinybms_rules_apply(&t->rules, &t->battery, now_ms);
    if (t->fast.due_ms > now_ms + cfg->poll_interval_ms) {
        t->fast.due_ms = now_ms + cfg->poll_interval_ms;
    }
    return GW_OK;
}

void tinybms_set_port(struct tinybms *t, bool up, uint64_t now_ms) {
    tinybms_transaction_reset(&t->transaction);
    t->turn = TINYBMS_TURN_NONE;
    t->fast = (struct tinybms_fast){
        .due_ms = now_ms, .turns = t->fast.turns, .hurry_ms = t->fast.hurry_ms, .fresh_port = true};
    tinybms_slow_init(t, now_ms);
    t->link = up ? TINYBMS_LINK_WAKING : TINYBMS_LINK_DOWN;
    if (!up) {
        tinybms_commands_offline(t);
    }
}

void tinybms_set_resting(struct tinybms *t, bool resting, uint64_t now_ms) {
    if (t->link == TINYBMS_LINK_DOWN || resting == (t->link == TINYBMS_LINK_RESTING)) {
        return;
    }
    t->link = resting ? TINYBMS_LINK_RESTING : TINYBMS_LINK_WAKING;
    t->fast.failures = 0;
    t->fast.due_ms = resting ? now_ms + TINYBMS_REST_INTERVAL_MS : now_ms;
}

bool tinybms_fits(const struct tinybms *t, const struct tinybms_request *rq, uint64_t now_ms) {
    uint64_t end_ms = now_ms + tinybms_wire_ms(rq, t->config.baudrate) + FIT_MARGIN_MS;
    return end_ms <= t->fast.due_ms;
}

void tinybms_begin(struct tinybms *t, enum tinybms_turn turn, const struct tinybms_request *rq,
                   uint32_t retries, uint64_t now_ms) {
    t->turn = turn;
    tinybms_transaction_begin(&t->transaction, rq, retries, now_ms);
}

void tinybms_take(struct tinybms *t, uint16_t addr, const uint16_t *words, size_t n,
                  uint64_t now_ms) {
    tinybms_image_store(&t->image, addr, words, n, now_ms);
    t->transaction.counters.nonsense_values +=
        tinybms_image_decode(&t->image, &t->rules, addr, n, &t->battery, now_ms);
}

size_t tinybms_reply_words(const struct tinybms *t, uint16_t *out) {
    size_t n;
    const uint8_t *reply = tinybms_transaction_reply(&t->transaction, &n);
    int words = tinybms_parse_words(&t->transaction.request, reply, n, out, TINYBMS_READ_MAX);
    assert(words > 0); /* the transaction matched it */
    return words > 0 ? (size_t)words : 0;
}

static uint64_t fast_interval_ms(const struct tinybms *t) {
    if (t->link == TINYBMS_LINK_RESTING) {
        return TINYBMS_REST_INTERVAL_MS;
    }
    uint64_t interval_ms = t->config.poll_interval_ms;
    bool hurry = t->fast.hurry_ms > 0 && t->fast.hurry_ms < interval_ms;
    return hurry ? t->fast.hurry_ms : interval_ms;
}

void tinybms_set_hurry(struct tinybms *t, uint32_t interval_ms, uint64_t now_ms) {
    t->fast.hurry_ms = interval_ms;
    if (interval_ms > 0 && t->link != TINYBMS_LINK_RESTING &&
        t->fast.due_ms > now_ms + interval_ms) {
        t->fast.due_ms = now_ms + interval_ms;
    }
}

/* The grid of due times is kept: a late sample does not move those that follow. */
static void schedule_next(struct tinybms *t, uint64_t now_ms) {
    uint64_t interval = fast_interval_ms(t);
    if (interval == 0) {
        t->fast.due_ms = now_ms;
        return;
    }
    t->fast.due_ms += interval;
    if (t->fast.due_ms <= now_ms) {
        t->fast.due_ms += ((now_ms - t->fast.due_ms) / interval + 1) * interval;
    }
}

static void fast_begin(struct tinybms *t, uint64_t now_ms) {
    struct tinybms_fast *f = &t->fast;
    if (!f->second_half && !f->again) {
        t->transaction.counters.polls++;
        if (t->link == TINYBMS_LINK_RESTING && f->failures == 0) {
            f->rest_asked_ms = now_ms;
        }
        schedule_next(t, now_ms);
    }
    f->again = false;
    uint16_t first = 0, words = TINYBMS_LIVE_WORDS;
    if (f->second_half) {
        first = SPLIT_HIGH_FIRST;
        words = SPLIT_HIGH_WORDS;
    } else if (f->split || f->trying_split) {
        words = SPLIT_LOW_WORDS;
    }
    struct tinybms_request rq;
    int err = tinybms_build_read(&rq, first, words);
    assert(err == GW_OK);
    (void)err;
    f->retries = t->config.retry_count;
    tinybms_begin(t, TINYBMS_TURN_FAST, &rq, f->retries, now_ms);
}

/* Limits are made of them: what another BMS said must not be used for this one. */
static void forget_settings(struct tinybms *t, uint64_t now_ms) {
    tinybms_image_forget(&t->image, BATTERY_GROUP_SETTINGS);
    for (int f = 0; f < BATTERY_FIELD_COUNT; f++) {
        if (battery_field_group((enum battery_field)f) == BATTERY_GROUP_SETTINGS) {
            battery_clear(&t->battery, (enum battery_field)f, BATTERY_NEVER_READ, now_ms);
        }
    }
    tinybms_rules_apply(&t->rules, &t->battery, now_ms);
}

static void fast_answered(struct tinybms *t, uint64_t now_ms) {
    struct tinybms_fast *f = &t->fast;
    uint16_t words[TINYBMS_READ_MAX];
    size_t n = tinybms_reply_words(t, words);
    uint16_t first = t->transaction.request.addr;
    memcpy(f->word + first, words, n * sizeof words[0]);
    if (n == SPLIT_LOW_WORDS) {
        f->second_half = true;
        return;
    }
    if (f->second_half) { /* 16-31 stay what they were: reserved and not read here */
        tinybms_image_store(&t->image, 0, f->word, SPLIT_LOW_WORDS, now_ms);
        tinybms_image_store(&t->image, SPLIT_HIGH_FIRST, f->word + SPLIT_HIGH_FIRST,
                            SPLIT_HIGH_WORDS, now_ms);
    } else {
        f->whole_works = true;
        tinybms_image_store(&t->image, 0, f->word, TINYBMS_LIVE_WORDS, now_ms);
    }
    t->transaction.counters.nonsense_values += tinybms_image_decode(
        &t->image, &t->rules, TINYBMS_LIVE_FIRST, TINYBMS_LIVE_WORDS, &t->battery, now_ms);
    t->transaction.counters.successes++;
    f->halves_work = f->halves_work || f->trying_split;
    f->trying_split = f->second_half = false;
    uint32_t failures = f->failures;
    f->failures = 0;
    f->turns++;
    t->sample_told = true;
    if (t->link == TINYBMS_LINK_WAKING) {
        if (t->fast.fresh_port || now_ms - t->answered_ms >= FORGET_AFTER_MS) {
            forget_settings(t, now_ms);
        }
        tinybms_slow_all_due(t, now_ms);
        t->link = TINYBMS_LINK_ANSWERING;
        if (failures > 0 || t->transaction.attempts_left < f->retries) {
            /* asked many times: a new grid, so that the next sample is another measurement */
            f->due_ms = now_ms + fast_interval_ms(t);
        }
    }
    t->fast.fresh_port = false;
    t->answered_ms = now_ms;
}

/* Asked again soon, whatever the interval: silence is what matters most now. A device that has
 * never answered the whole block is tried with the two halves in every other series, and taken at
 * its word when it answers them and then is silent to the whole again; a line that is only poor is
 * not. */
static void fast_failed(struct tinybms *t, uint64_t now_ms) {
    struct tinybms_fast *f = &t->fast;
    f->second_half = false;
    f->failures++;
    f->turns++;
    f->split = f->split || (f->halves_work && !f->trying_split && !f->whole_works);
    f->trying_split = !f->split && !f->whole_works && f->failures >= UNANSWERED_BEFORE_SPLIT &&
                      f->failures % 2 == 0;
    if (t->link == TINYBMS_LINK_RESTING && now_ms - f->rest_asked_ms >= REST_WAKE_MS) {
        f->failures = 0; /* it sleeps: that is what it should do */
        f->due_ms = f->rest_asked_ms + TINYBMS_REST_INTERVAL_MS;
        return;
    }
    uint64_t delay_ms = tinybms_transaction_spacing_ms(&t->transaction);
    f->due_ms = now_ms + (delay_ms > 0 ? delay_ms : 1);
}

static void fast_ended(struct tinybms *t, enum tinybms_outcome outcome, uint64_t now_ms) {
    struct tinybms_fast *f = &t->fast;
    switch (outcome) {
    case TINYBMS_OUTCOME_REPLY:
        fast_answered(t, now_ms);
        return;
    case TINYBMS_OUTCOME_NACK:
        if (!f->split && !f->trying_split && t->transaction.nack != TINYBMS_NACK_CRC) {
            f->split = true;
            f->again = true;
            return;
        }
        fast_failed(t, now_ms);
        return;
    case TINYBMS_OUTCOME_TIMEOUT:
        fast_failed(t, now_ms);
        return;
    }
}

static void end_turn(struct tinybms *t, uint64_t now_ms) {
    enum tinybms_outcome outcome = t->transaction.outcome;
    switch (t->turn) {
    case TINYBMS_TURN_FAST:
        fast_ended(t, outcome, now_ms);
        break;
    case TINYBMS_TURN_SLOW:
        tinybms_slow_ended(t, outcome, now_ms);
        break;
    case TINYBMS_TURN_COMMAND:
        tinybms_command_ended(t, outcome, now_ms);
        break;
    case TINYBMS_TURN_NONE:
        break;
    }
    t->turn = TINYBMS_TURN_NONE;
    tinybms_transaction_release(&t->transaction);
}

static uint64_t sooner(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* Begins the next turn; false when there is none now, with *next_ms set. */
static bool begin_turn(struct tinybms *t, uint64_t now_ms, uint64_t *next_ms) {
    bool due = now_ms >= t->fast.due_ms;
    if (t->fast.second_half || t->fast.again) {
        fast_begin(t, now_ms);
        return true;
    }
    if (tinybms_command_begin(t, now_ms) || (due && tinybms_slow_begin(t, true, now_ms))) {
        return true;
    }
    if (due) {
        fast_begin(t, now_ms);
        return true;
    }
    if (tinybms_slow_begin(t, false, now_ms)) {
        return true;
    }
    *next_ms = t->fast.due_ms;
    uint64_t other_ms = sooner(tinybms_command_due_ms(t), tinybms_slow_due_ms(t));
    if (other_ms > now_ms) { /* one that is due already waits for the fast sample */
        *next_ms = sooner(*next_ms, other_ms);
    }
    return false;
}

/* When the silence is long enough to be called so; UINT64_MAX while there is none. */
static uint64_t silent_ms(const struct tinybms *t) {
    bool unanswered = t->fast.failures > 0 || (t->turn == TINYBMS_TURN_FAST &&
                                               t->transaction.attempts_left < t->fast.retries);
    if (t->link != TINYBMS_LINK_ANSWERING || !unanswered) {
        return UINT64_MAX;
    }
    return t->answered_ms + TINYBMS_LINK_SILENT_MS;
}

uint64_t tinybms_step(struct tinybms *t, uint64_t now_ms) {
    if (t->link == TINYBMS_LINK_DOWN) {
        return UINT64_MAX;
    }
    uint64_t next_ms = UINT64_MAX;
    for (int i = 0; i < STEPS_MAX; i++) {
        next_ms = tinybms_transaction_step(&t->transaction, now_ms);
        if (t->transaction.state == TINYBMS_TRANSACTION_DONE) {
            end_turn(t, now_ms);
        }
        if (t->transaction.state != TINYBMS_TRANSACTION_IDLE) {
            break;
        }
        if (!begin_turn(t, now_ms, &next_ms)) {
            break;
        }
    }
    if (now_ms >= silent_ms(t)) {
        t->link = TINYBMS_LINK_WAKING;
    }
    return sooner(next_ms, silent_ms(t));
}

void tinybms_handle_rx(struct tinybms *t, const uint8_t *bytes, size_t n, uint64_t now_ms) {
    if (t->link == TINYBMS_LINK_DOWN) {
        return;
    }
    while (n > 0) {
        size_t taken = tinybms_transaction_handle_rx(&t->transaction, bytes, n, now_ms);
        bytes += taken;
        n -= taken;
        if (t->transaction.state == TINYBMS_TRANSACTION_DONE) {
            end_turn(t, now_ms);
        }
    }
}

size_t tinybms_missing(const struct tinybms *t) {
    return tinybms_transaction_missing(&t->transaction);
}

size_t tinybms_tx(struct tinybms *t, uint8_t *buf, size_t cap, uint64_t now_ms) {
    return t->link == TINYBMS_LINK_DOWN ? 0
                                        : tinybms_transaction_tx(&t->transaction, buf, cap, now_ms);
}

bool tinybms_next_result(struct tinybms *t, struct tinybms_result *out) {
    memset(out, 0, sizeof *out);
    if (t->link != t->link_told) {
        out->kind = TINYBMS_RESULT_LINK;
        out->from = t->link_told;
        out->to = t->link;
        t->link_told = t->link;
        return true;
    }
    if (tinybms_command_result(t, out)) {
        return true;
    }
    if (t->sample_told) {
        t->sample_told = false;
        out->kind = TINYBMS_RESULT_SAMPLE;
        return true;
    }
    for (int g = 0; g < BATTERY_GROUP_COUNT; g++) {
        uint8_t bit = (uint8_t)(1u << g);
        if ((t->blocks_told & bit) != 0) {
            t->blocks_told &= (uint8_t)~bit;
            out->kind = TINYBMS_RESULT_BLOCK;
            out->group = (enum battery_group)g;
            return true;
        }
    }
    return false;
}

const struct battery *tinybms_battery(const struct tinybms *t) {
    return &t->battery;
}

const struct tinybms_image *tinybms_image(const struct tinybms *t) {
    return &t->image;
}

enum tinybms_cell_order tinybms_cell_order(const struct tinybms *t) {
    return t->image.cell_order;
}

void tinybms_counters(const struct tinybms *t, struct tinybms_counters *out) {
    tinybms_transaction_counters(&t->transaction, out);
}

enum tinybms_link tinybms_link(const struct tinybms *t) {
    return t->link;
}

const char *tinybms_link_text(enum tinybms_link l) {
    switch (l) {
    case TINYBMS_LINK_DOWN:
        return "down";
    case TINYBMS_LINK_WAKING:
        return "waking";
    case TINYBMS_LINK_ANSWERING:
        return "answering";
    case TINYBMS_LINK_RESTING:
        return "resting";
    }
    return "down";
}
