/* SPDX-License-Identifier: MIT */
/* Random houses, and what is left of one that breaks a property when everything that does not
 * matter is taken away. */
#ifndef TESTS_HOUSE_RANDOM_H
#define TESTS_HOUSE_RANDOM_H

#include "property.h"

/* A case in which each key has been drawn, or left alone, so that the parts of the house fit each
 * other as an installer would choose them. */
void house_random_case(struct house_case *c, uint32_t seed);

/* Plays a case until one of the properties in `wanted` breaks. Returns those broken then, or, at
 * the end, all that are. */
uint32_t house_random_play(struct house_rig *r, const struct house_case *c, const char *controller,
                           uint32_t wanted);

/* Takes away from *c what is not needed to break the property: one key after the other goes back to
 * the standard case, and the days are cut. Returns how many runs that took. */
unsigned house_random_shrink(struct house_rig *r, struct house_case *c, const char *controller,
                             enum house_property broken);

#endif
