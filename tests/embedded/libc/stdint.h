/* SPDX-License-Identifier: MIT */
/* The compiler's own. */
#include <stdint-gcc.h>
