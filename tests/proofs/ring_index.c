/* SPDX-License-Identifier: MIT */
/* For the prover, which takes no header alone. */
#include "ring_index.h"
