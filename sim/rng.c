/* SPDX-License-Identifier: MIT */
/* splitmix64, after Steele, Lea, Flood: "Fast splittable pseudorandom number generators" (2014). */
#include "sim/rng.h"

void sim_rng_init(struct sim_rng *r, uint64_t seed) {
    r->state = seed;
}

uint32_t sim_rng_next(struct sim_rng *r) {
    r->state += 0x9E3779B97F4A7C15u;
    uint64_t z = r->state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (uint32_t)((z ^ (z >> 31)) >> 32);
}

uint32_t sim_rng_below(struct sim_rng *r, uint32_t n) {
    return sim_rng_next(r) % n;
}

double sim_rng_swing(struct sim_rng *r) {
    return ((double)sim_rng_next(r) - 2147483648.0) / 2147483648.0;
}

bool sim_rng_chance(struct sim_rng *r, uint32_t cpct) {
    return cpct > 0 && sim_rng_below(r, 10000) < cpct;
}
