/* SPDX-License-Identifier: MIT */
/* Commands of the user, one at a time in the order given: read, write (merge, write, read back),
 * reset. Each attempt is a transaction of its own, so that fast samples go on in between.
 *
 * A command keeps its place in the ring until its result is pulled. */
#include <assert.h>
#include <string.h>

#include "tinybms/registers.h"
#include "tinybms/turns.h"

enum {
    MISMATCHES_MAX = 3, /* reads back: the first may be a late reply, or the BMS still writing */
    READ_BACK_DELAY_MS = 20, /* between them */
    RESTART_MS = 10000,      /* a BMS that restarts may be silent for so long */
    RESTART_DELAY_MS = 500,
};

static struct tinybms_queued *at(struct tinybms *t, uint8_t i) {
    return &t->command[(t->command_first + i) % TINYBMS_COMMANDS_MAX];
}

/* The first that has not ended; NULL if there is none. */
static struct tinybms_queued *current(struct tinybms *t) {
    for (uint8_t i = 0; i < t->command_count; i++) {
        if (at(t, i)->step != TINYBMS_STEP_ENDED) {
            return at(t, i);
        }
    }
    return NULL;
}

static int room(const struct tinybms *t) {
    if (t->link == TINYBMS_LINK_DOWN) {
        return GW_ERR_OFFLINE;
    }
    return t->command_count == TINYBMS_COMMANDS_MAX ? GW_ERR_BUSY : GW_OK;
}

static void enqueue(struct tinybms *t, const struct tinybms_queued *c) {
    struct tinybms_queued *slot = at(t, t->command_count++);
    *slot = *c;
    slot->fast_turns = t->fast.turns;
}

int tinybms_read(struct tinybms *t, uint32_t id, uint16_t addr, uint16_t n) {
    if (n < 1 || n > TINYBMS_COMMAND_REGISTERS_MAX || addr > UINT16_MAX - (n - 1)) {
        return GW_ERR_RANGE;
    }
    int err = room(t);
    if (err == GW_OK) {
        enqueue(t, &(struct tinybms_queued){
                       .step = TINYBMS_STEP_READ, .id = id, .addr = addr, .count = n});
    }
    return err;
}

int tinybms_write(struct tinybms *t, uint32_t id, uint16_t addr, uint32_t raw) {
    const struct tinybms_register *r = tinybms_register_at(addr);
    if (r == NULL) {
        return GW_ERR_UNKNOWN;
    }
    int err = tinybms_register_check(r, raw);
    if (err == GW_OK) {
        err = room(t);
    }
    if (err == GW_OK) {
        uint16_t mask = tinybms_register_mask(r);
        enqueue(t, &(struct tinybms_queued){
                       .step = mask == 0xFFFF ? TINYBMS_STEP_WRITE : TINYBMS_STEP_MERGE,
                       .id = id,
                       .addr = addr,
                       .count = r->words,
                       .word = {(uint16_t)(raw & 0xFFFF), (uint16_t)(raw >> 16)},
                       .mask = mask,
                       .flags = r->flags,
                   });
    }
    return err;
}

int tinybms_reset(struct tinybms *t, uint32_t id, uint8_t option) {
    struct tinybms_request rq;
    int err = tinybms_build_reset(&rq, option); /* knows the options */
    if (err == GW_OK) {
        err = room(t);
    }
    if (err == GW_OK) {
        enqueue(t,
                &(struct tinybms_queued){.step = TINYBMS_STEP_RESET, .id = id, .option = option});
    }
    return err;
}

static int build(const struct tinybms_queued *c, struct tinybms_request *rq) {
    switch (c->step) {
    case TINYBMS_STEP_READ:
    case TINYBMS_STEP_MERGE:
    case TINYBMS_STEP_READ_BACK:
        return tinybms_build_read(rq, c->addr, c->count);
    case TINYBMS_STEP_WRITE:
        return tinybms_build_write(rq, c->addr, c->word, c->count);
    case TINYBMS_STEP_RESET:
        return tinybms_build_reset(rq, c->option);
    case TINYBMS_STEP_ENDED:
        break;
    }
    return GW_ERR_UNKNOWN;
}

bool tinybms_command_begin(struct tinybms *t, uint64_t now_ms) {
    struct tinybms_queued *c = current(t);
    if (c == NULL || now_ms < c->not_before_ms) {
        return false;
    }
    struct tinybms_request rq;
    int err = build(c, &rq);
    assert(err == GW_OK); /* all was checked when it was queued */
    if (err != GW_OK) {
        return false;
    }
    uint64_t free_ms = tinybms_transaction_free_ms(&t->transaction, &rq);
    if (now_ms < free_ms) { /* fast samples go on meanwhile */
        c->not_before_ms = free_ms;
        return false;
    }
    bool waited = c->fast_turns != t->fast.turns && t->command_fast_turns != t->fast.turns;
    bool fits = tinybms_fits(t, &rq, now_ms);
    if (!fits && !waited) {
        return false;
    }
    if (!fits) {
        t->command_fast_turns = t->fast.turns;
    }
    tinybms_begin(t, TINYBMS_TURN_COMMAND, &rq, 0, now_ms);
    return true;
}

uint64_t tinybms_command_due_ms(const struct tinybms *t) {
    for (uint8_t i = 0; i < t->command_count; i++) {
        const struct tinybms_queued *c = &t->command[(t->command_first + i) % TINYBMS_COMMANDS_MAX];
        if (c->step != TINYBMS_STEP_ENDED) {
            return c->not_before_ms;
        }
    }
    return UINT64_MAX;
}

static void end(struct tinybms_queued *c, int err) {
    c->step = TINYBMS_STEP_ENDED;
    c->err = err;
}

void tinybms_commands_offline(struct tinybms *t) {
    for (struct tinybms_queued *c = current(t); c != NULL; c = current(t)) {
        end(c, GW_ERR_OFFLINE);
    }
}

static void go_on(struct tinybms_queued *c, enum tinybms_command_step step,
                  uint64_t not_before_ms) {
    c->step = step;
    c->attempts = 0;
    c->not_before_ms = not_before_ms;
}

static bool equal(const struct tinybms_queued *c, const uint16_t *words) {
    bool taken = (c->flags & TINYBMS_TAKEN_FFFF) != 0 && words[0] == 0xFFFF;
    return taken || memcmp(words, c->word, c->count * sizeof words[0]) == 0;
}

static void read_back(struct tinybms *t, struct tinybms_queued *c, const uint16_t *words,
                      uint64_t now_ms) {
    memcpy(c->value, words, c->count * sizeof words[0]);
    if (equal(c, words)) {
        end(c, GW_OK);
    } else if (++c->mismatches < MISMATCHES_MAX) {
        go_on(c, TINYBMS_STEP_READ_BACK, now_ms + READ_BACK_DELAY_MS + t->config.retry_delay_ms);
    } else {
        end(c, c->write_err != GW_OK ? c->write_err : GW_ERR_MISMATCH);
    }
}

/* Settings that passed by are taken along; a part of the live block would break its sample. */
static size_t words_of(struct tinybms *t, uint16_t *words, uint64_t now_ms) {
    size_t n = tinybms_reply_words(t, words);
    uint16_t addr = t->transaction.request.addr;
    if (addr >= TINYBMS_SETTINGS_FIRST && addr < TINYBMS_SETTINGS_FIRST + TINYBMS_SETTINGS_WORDS) {
        tinybms_take(t, addr, words, n, now_ms);
        t->blocks_told |= 1u << BATTERY_GROUP_SETTINGS;
    }
    return n;
}

static void reset_done(struct tinybms *t, struct tinybms_queued *c, uint64_t now_ms) {
    switch ((enum tinybms_reset_option)c->option) {
    case TINYBMS_CLEAR_EVENTS:
        t->slow[BATTERY_GROUP_EVENTS].due_ms = now_ms;
        break;
    case TINYBMS_CLEAR_STATISTICS:
        t->slow[BATTERY_GROUP_STATISTICS].due_ms = now_ms;
        break;
    case TINYBMS_RESTART:
        tinybms_slow_all_due(t, now_ms);
        break;
    }
    end(c, GW_OK);
}

static void answered(struct tinybms *t, struct tinybms_queued *c, uint64_t now_ms) {
    uint16_t words[TINYBMS_READ_MAX];
    switch (c->step) {
    case TINYBMS_STEP_READ:
        memcpy(c->value, words, words_of(t, words, now_ms) * sizeof words[0]);
        end(c, GW_OK);
        return;
    case TINYBMS_STEP_MERGE:
        words_of(t, words, now_ms);
        c->word[0] = (uint16_t)((words[0] & ~c->mask) | (c->word[0] & c->mask));
        go_on(c, TINYBMS_STEP_WRITE, now_ms);
        return;
    case TINYBMS_STEP_WRITE:
        go_on(c, TINYBMS_STEP_READ_BACK, now_ms);
        if ((c->flags & TINYBMS_RESTARTS) != 0) {
            c->patience_ms = now_ms + RESTART_MS;
            c->not_before_ms = now_ms + RESTART_DELAY_MS;
        }
        return;
    case TINYBMS_STEP_READ_BACK:
        words_of(t, words, now_ms);
        read_back(t, c, words, now_ms);
        return;
    case TINYBMS_STEP_RESET:
        reset_done(t, c, now_ms);
        return;
    case TINYBMS_STEP_ENDED:
        return;
    }
}

/* Another attempt of the step, if there is one. A restart is ordered once only: if its ACK was
 * lost, a second one would hit the BMS while it starts. */
static bool again(struct tinybms *t, struct tinybms_queued *c, uint64_t now_ms) {
    bool once = c->step == TINYBMS_STEP_RESET && c->option == TINYBMS_RESTART;
    c->attempts++;
    if (once || (c->attempts > t->config.retry_count && now_ms >= c->patience_ms)) {
        return false;
    }
    t->transaction.counters.retries++;
    c->not_before_ms = now_ms + t->config.retry_delay_ms;
    return true;
}

static void timed_out(struct tinybms *t, struct tinybms_queued *c, uint64_t now_ms) {
    if (again(t, c, now_ms)) {
        return;
    }
    if (c->step == TINYBMS_STEP_WRITE) { /* it may have been written all the same */
        c->write_err = GW_ERR_TIMEOUT;
        go_on(c, TINYBMS_STEP_READ_BACK, now_ms + t->config.retry_delay_ms);
        return;
    }
    end(c, GW_ERR_TIMEOUT);
}

static void refused(struct tinybms *t, struct tinybms_queued *c, uint64_t now_ms) {
    c->nack = t->transaction.nack;
    bool starting = now_ms < c->patience_ms;
    if ((c->nack == TINYBMS_NACK_CRC || starting) && again(t, c, now_ms)) {
        return;
    }
    end(c, GW_ERR_NACK);
}

void tinybms_command_ended(struct tinybms *t, enum tinybms_outcome outcome, uint64_t now_ms) {
    struct tinybms_queued *c = current(t);
    assert(c != NULL);
    if (c == NULL) {
        return;
    }
    c->fast_turns = t->fast.turns;
    switch (outcome) {
    case TINYBMS_OUTCOME_REPLY:
        answered(t, c, now_ms);
        return;
    case TINYBMS_OUTCOME_NACK:
        refused(t, c, now_ms);
        return;
    case TINYBMS_OUTCOME_TIMEOUT:
        timed_out(t, c, now_ms);
        return;
    }
}

bool tinybms_command_result(struct tinybms *t, struct tinybms_result *out) {
    if (t->command_count == 0 || at(t, 0)->step != TINYBMS_STEP_ENDED) {
        return false;
    }
    const struct tinybms_queued *c = at(t, 0);
    out->kind = TINYBMS_RESULT_COMMAND;
    out->id = c->id;
    out->err = c->err;
    out->nack = c->err == GW_ERR_NACK ? c->nack : 0;
    out->addr = c->addr;
    out->count = c->count;
    memcpy(out->value, c->value, sizeof out->value);
    t->command_first = (uint8_t)((t->command_first + 1) % TINYBMS_COMMANDS_MAX);
    t->command_count--;
    return true;
}
