/* SPDX-License-Identifier: MIT */
/* Repeatable randomness (splitmix64): the same seed gives the same noise, faults and packs. */
#ifndef SIM_RNG_H
#define SIM_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct sim_rng {
    uint64_t state;
};

void sim_rng_init(struct sim_rng *r, uint64_t seed);
uint32_t sim_rng_next(struct sim_rng *r);
/* 0 to n - 1; n > 0. The bias of the modulo is below 2^-20 for n up to 4096. */
uint32_t sim_rng_below(struct sim_rng *r, uint32_t n);
/* -1.0 to +1.0 */
double sim_rng_swing(struct sim_rng *r);
/* True in `cpct` of 10000 cases. With 0 nothing is drawn, so an absent fault shifts no other. */
bool sim_rng_chance(struct sim_rng *r, uint32_t cpct);

#endif
