/* SPDX-License-Identifier: MIT */
/* The product's own policy, as the gateway uses it. */
#include "controller.h"

#include "gateway/gateway.h"

struct policy_config house_policy_config(const struct settings *s, uint64_t now_ms) {
    struct gateway g;
    gateway_init(&g, s, now_ms);
    return g.policy.config;
}

static void init(void *context, const struct house_world *world) {
    struct house_policy *h = context;
    struct policy_config cfg = house_policy_config(world->settings, world->now_ms);
    policy_init(&h->policy, &cfg, world->now_ms);
}

static void decide(void *context, const struct battery *b, uint64_t now_ms, struct limits *out) {
    struct house_policy *h = context;
    struct policy_change unread;
    if (b != NULL)
        (void)policy_handle_sample(&h->policy, b, now_ms);
    (void)policy_step(&h->policy, now_ms);
    while (policy_next_change(&h->policy, &unread))
        continue;
    *out = h->policy.limits;
}

static bool full(const void *context) {
    const struct house_policy *h = context;
    return h->policy.charge.state == CHARGE_FLOAT;
}

static const char *state(const void *context) {
    const struct house_policy *h = context;
    return charge_state_text(h->policy.charge.state);
}

const struct house_controller house_policy_plug = {"policy", NULL,  init, decide,
                                                   full,     state, false};
