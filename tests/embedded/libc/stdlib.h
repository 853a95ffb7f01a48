/* SPDX-License-Identifier: MIT */
/* What the unit tests of core/ use of <stdlib.h>. free() gives memory back only when the block is
 * the last one that malloc() gave. */
#ifndef TESTS_EMBEDDED_LIBC_STDLIB_H
#define TESTS_EMBEDDED_LIBC_STDLIB_H

#include <stddef.h>

void *malloc(size_t n);
void free(void *block);
_Noreturn void abort(void);
_Noreturn void exit(int status);
unsigned long strtoul(const char *text, char **end, int base);

#endif
