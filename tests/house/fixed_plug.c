/* SPDX-License-Identifier: MIT */
/* What an installer without a gateway would set by hand. */
#include "controller.h"

#include <string.h>

static void init(void *context, const struct house_world *world) {
    (void)world;
    memset(context, 0, sizeof(struct house_fixed));
}

static void decide(void *context, const struct battery *b, uint64_t now_ms, struct limits *out) {
    struct house_fixed *f = context;
    (void)now_ms;
    if (b != NULL && battery_complete(b)) {
        f->limits = (struct limits){
            .valid = true,
            .cvl_mv = (uint32_t)b->cell_count * b->fully_charged_mv,
            .ccl_ma = b->charge_over_current_ma / 10 * 9,
            .dcl_ma = b->discharge_over_current_ma / 10 * 9,
            .cvl_reason = LIMIT_NOMINAL,
            .ccl_reason = LIMIT_NOMINAL,
            .dcl_reason = LIMIT_NOMINAL,
        };
    }
    *out = f->limits;
}

const struct house_controller house_fixed_plug = {"fixed", NULL, init, decide, NULL, NULL, false};
