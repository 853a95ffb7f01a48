/* SPDX-License-Identifier: MIT */
/* All of the core as one program that nothing calls, so that the linker says how large it is with
 * the parts of the compiler's and the C library that it pulls in. */
#include <assert.h>

_Noreturn void embedded_assert_failed(const char *file, int line, const char *text) {
    (void)file;
    (void)line;
    (void)text;
    for (;;) {
    }
}
