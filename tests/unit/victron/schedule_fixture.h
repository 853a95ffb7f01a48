/* SPDX-License-Identifier: MIT */
/* A started schedule in virtual time, and a record of every frame it sends. */
#ifndef TESTS_UNIT_VICTRON_SCHEDULE_FIXTURE_H
#define TESTS_UNIT_VICTRON_SCHEDULE_FIXTURE_H

#include "fixture.h"

enum { ROWS = 18 };

struct bench {
    struct fixture f;
    struct victron v;
};

/* A battery about which everything is known: all 18 rows have something to say. */
static inline void bench_init(struct bench *b, uint32_t period_ms) {
    fixture_init(&b->f);
    b->f.config.period_ms = period_ms;
    victron_init(&b->v, &b->f.config);
    assert_int_equal(victron_table_rows, ROWS);
}

static inline unsigned row_of(uint16_t id) {
    for (unsigned row = 0; row < victron_table_rows; row++) {
        if (victron_table[row].id == id) {
            return row;
        }
    }
    fail_msg("0x%03X is not in the table", id);
    return 0;
}

/* Sends what is due; counts it by row. What comes out is always a whole frame of the table. */
static inline unsigned bench_drain(struct bench *b, uint64_t now_ms, unsigned count[ROWS]) {
    struct victron_frame out;
    unsigned sent = 0;
    while (victron_next_frame(&b->v, &b->f.source, now_ms, &out)) {
        assert_int_equal(out.len, 8);
        assert_int_not_equal(out.id, 0x305);
        count[row_of(out.id)]++;
        sent++;
        assert_true(sent <= ROWS);
    }
    return sent;
}

/* Sends what is due and must be this one frame, or nothing when id is 0. */
static inline void assert_sends(struct bench *b, uint64_t now_ms, uint16_t id) {
    struct victron_frame out;
    if (id != 0) {
        assert_true(victron_next_frame(&b->v, &b->f.source, now_ms, &out));
        assert_int_equal(out.id, id);
    }
    assert_false(victron_next_frame(&b->v, &b->f.source, now_ms, &out));
}

#endif
