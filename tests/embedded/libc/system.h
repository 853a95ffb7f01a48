/* SPDX-License-Identifier: MIT */
/* What the tests need of a system, and all of it: bytes out, and an end. */
#ifndef TESTS_EMBEDDED_LIBC_SYSTEM_H
#define TESTS_EMBEDDED_LIBC_SYSTEM_H

#include <stddef.h>

void embedded_write(const char *bytes, size_t n);
_Noreturn void embedded_exit(int status);

/* Calls f(argument) on a stack that begins (ends, in memory) at top, and comes back to this one. */
void embedded_call_on_stack(void (*f)(void *argument), void *argument, void *top);

#endif
