/* SPDX-License-Identifier: MIT */
/* Output is collected: one system call a character is slow under emulation. */
#include "system.h"

#include <assert.h>
#include <ctype.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { OUTPUT_MAX = 4096, HEAP_MAX = 1 << 20, HEAP_ALIGN = 16 };
enum { SYSTEM_WRITE = 64, SYSTEM_EXIT = 94 };

/* start.S */
long embedded_system(long number, long a, long b, long c);
int main(void);
_Noreturn void embedded_main(void);

static char output[OUTPUT_MAX];
static size_t output_n;

static void flush(void) {
    size_t done = 0;
    while (done < output_n) {
        long n = embedded_system(SYSTEM_WRITE, 1, (long)(output + done), (long)(output_n - done));
        if (n <= 0) {
            break;
        }
        done += (size_t)n;
    }
    output_n = 0;
}

void embedded_write(const char *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (output_n == sizeof output) {
            flush();
        }
        output[output_n++] = bytes[i];
    }
}

_Noreturn void embedded_exit(int status) {
    flush();
    for (;;) {
        embedded_system(SYSTEM_EXIT, status, 0, 0);
    }
}

_Noreturn void embedded_main(void) {
    embedded_exit(main());
}

_Noreturn void exit(int status) {
    embedded_exit(status);
}

_Noreturn void abort(void) {
    printf("aborted\n");
    embedded_exit(134);
}

_Noreturn void embedded_assert_failed(const char *file, int line, const char *text) {
    printf("%s:%d: assertion failed: %s\n", file, line, text);
    embedded_exit(134);
}

static _Alignas(HEAP_ALIGN) unsigned char heap[HEAP_MAX];
static size_t heap_used, heap_last; /* heap_last: where the last block begins */

void *malloc(size_t n) {
    size_t rounded = (n + HEAP_ALIGN) / HEAP_ALIGN * HEAP_ALIGN;
    if (n > HEAP_MAX || rounded > HEAP_MAX - heap_used) {
        return NULL;
    }
    heap_last = heap_used;
    heap_used += rounded;
    return heap + heap_last;
}

void free(void *block) {
    if (block == heap + heap_last) {
        heap_used = heap_last;
    }
}

int isdigit(int c) {
    return c >= '0' && c <= '9';
}

int isxdigit(int c) {
    return isdigit(c) || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

int isspace(int c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

int isprint(int c) {
    return c >= 0x20 && c < 0x7F;
}

unsigned long strtoul(const char *text, char **end, int base) {
    unsigned long value = 0;
    assert(base == 10 || base == 16);
    while (isspace(*text)) {
        text++;
    }
    for (; isxdigit(*text); text++) {
        unsigned digit =
            isdigit(*text) ? (unsigned)*text - '0' : ((unsigned)*text & 0x5F) - 'A' + 10;
        if (digit >= (unsigned)base) {
            break;
        }
        value = value * (unsigned)base + digit;
    }
    if (end != NULL) {
        *end = (char *)(uintptr_t)text;
    }
    return value;
}
