/* SPDX-License-Identifier: MIT */
/* What a run came to, step by step: the numbers by which controllers are compared.
 *
 * Cells count as what they are, except against register 300: there the BMS acts on what it senses,
 * and so does the count. */
#ifndef TESTS_HOUSE_LEDGER_H
#define TESTS_HOUSE_LEDGER_H

#include "battery/limits.h"
#include "sim/bms.h"
#include "sim/house.h"

enum {
    LEDGER_REVERSALS = 256, /* times kept, to count those within an hour */
    LEDGER_BLOCK_S = 600,   /* in which conditions must be steady for CCL's swing to count */
    LEDGER_STEP_GAP_S = 20, /* between two steps of CVL down, unless a cell is in danger */
    LEDGER_FLOOR_MV = 100,  /* over register 301: a pack whose lowest cell is there is not empty */
    LEDGER_SHED_S = 6,      /* a sample, a 0x351, the GX's turn of 3 s: no limit acts faster */
    LEDGER_RECENT_S = 30,   /* the lowest cell of so long ago still explains a limit */
    LEDGER_TOP_MV = 100,    /* under register 300: the highest cell is at the top */
    LEDGER_BALANCED_S = 600,
};

/* Why a charging switch opened. */
enum ledger_opening {
    LEDGER_BY_TOP,     /* a cell at register 300 */
    LEDGER_BY_FULL,    /* fully charged, as it should */
    LEDGER_BY_CHARGER, /* events 0x38, 0x39: the charger's voltage too high, too low */
    LEDGER_BY_GUARD,   /* a protection */
    LEDGER_BY_EMPTY,   /* single port: under register 301 */
    LEDGER_OPENINGS
};

struct ledger_input {
    const struct sim_bms *bms;
    const struct sim_house *house;
    const struct sim_house_input *around;
    const struct limits *limits; /* as the controller said them */
    bool own_full;               /* the controller says so */
    uint64_t now_ms;             /* since the start */
    double dt_s;
};

struct ledger {
    double seconds;
    double max_mv, min_mv;               /* of any cell, ever */
    double at_300_s, at_315_s, at_316_s; /* seconds with a cell there */
    double under_301_s;            /* and a load on the battery, that could have been shed before */
    uint32_t unshed;               /* the BMS darkened the house, and a limit could have before */
    double past_mv[LEDGER_SHED_S]; /* the lowest cell, second by second */
    double past_s;
    unsigned past;
    double most_charge_a, most_discharge_a;

    double lost_s; /* the switch between battery and inverter open */
    double dark_s, longest_dark_s, this_dark_s;
    uint32_t trips[SIM_HOUSE_DARK_CAUSES]; /* by what */
    uint32_t trips_over_floor;             /* by a limit, the lowest cell over its floor */
    uint32_t restarts;
    enum sim_house_dark was_dark;
    double recent_mv, before_mv, recent_s; /* the lowest cell since a while, and before it */

    uint32_t openings[LEDGER_OPENINGS];
    bool charge_was_on;
    bool idle_in_cold;   /* the switch opened there with nothing flowing: no limit can help that */
    uint32_t fulls;      /* status 0x92 */
    double first_full_s; /* < 0: never */
    double own_full_s;
    bool was_full;
    double drift_cpct; /* counted minus true charge, at the end */
    double top_soc;    /* true, of the whole pack: the most it had */

    double cvl_v, cvl_step_s; /* as sent; when it last went down */
    int cvl_way;              /* the last move: -1 down, +1 up */
    uint32_t cvl_changes, reversals, worst_hour, fast_steps;
    double reversal_s[LEDGER_REVERSALS];
    double silent_s; /* when the gateway was silent last: a start has a way of its own */
    bool at_top;     /* the highest cell has been there and not left it for long */
    double below_s;

    double ccl_a, ccl_swing;       /* the worst, as a share of nominal */
    double ccl_low_a, ccl_high_a;  /* in this block */
    double ccl_rise_a, ccl_fall_a; /* the most that it rose (fell) in it */
    bool block_moved;              /* by a start, or by old data */
    double block_s, sun_low_w, sun_high_w, load_low_w, load_high_w;

    double top_imbalance_mv;           /* the last at the top, hardly any current */
    double even_s, balanced_s;         /* so long at the top and even; when that was long enough */
    double spread_ah, first_spread_ah; /* of what the cells lack to full: at the end, the start */
    double bled_ah;                    /* of all cells together */
    double last_bleed_s;               /* when balancing last ran */
};

void ledger_init(struct ledger *l);
void ledger_add(struct ledger *l, const struct ledger_input *in);

/* A reason that may move CVL down at any time. */
bool ledger_is_protective(enum limit_reason r);

#endif
