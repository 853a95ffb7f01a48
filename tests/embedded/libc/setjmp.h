/* SPDX-License-Identifier: MIT */
#ifndef TESTS_EMBEDDED_LIBC_SETJMP_H
#define TESTS_EMBEDDED_LIBC_SETJMP_H

typedef unsigned long jmp_buf[14]; /* ra, sp, s0-s11 */

int setjmp(jmp_buf at) __attribute__((returns_twice));
_Noreturn void longjmp(jmp_buf at, int value);

#endif
