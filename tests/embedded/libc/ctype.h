/* SPDX-License-Identifier: MIT */
#ifndef TESTS_EMBEDDED_LIBC_CTYPE_H
#define TESTS_EMBEDDED_LIBC_CTYPE_H

int isdigit(int c);
int isxdigit(int c);
int isspace(int c);
int isprint(int c);

#endif
