/* SPDX-License-Identifier: MIT */
/* What the unit tests of core/ use of <stdio.h>: text into a buffer and to the standard output.
 * Conversions: c d i u x X s p %, with flags 0 and -, width, precision, *, and l, ll, z, j. */
#ifndef TESTS_EMBEDDED_LIBC_STDIO_H
#define TESTS_EMBEDDED_LIBC_STDIO_H

#include <stdarg.h>
#include <stddef.h>

int vsnprintf(char *buf, size_t cap, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));
int snprintf(char *buf, size_t cap, const char *format, ...) __attribute__((format(printf, 3, 4)));
int vprintf(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));
int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int puts(const char *s);
int putchar(int c);

#endif
