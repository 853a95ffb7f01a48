/* SPDX-License-Identifier: MIT */
#undef assert
#ifdef NDEBUG
#define assert(x) ((void)0)
#else
#define assert(x) ((x) ? (void)0 : embedded_assert_failed(__FILE__, __LINE__, #x))
#endif
#ifndef TESTS_EMBEDDED_LIBC_ASSERT_H
#define TESTS_EMBEDDED_LIBC_ASSERT_H
#define static_assert _Static_assert
_Noreturn void embedded_assert_failed(const char *file, int line, const char *text);
#endif
