/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <string.h>

typedef uint32_t __attribute__((may_alias)) word;

enum { WORD = sizeof(uint32_t) };

/* By words where both ends are aligned: an emulated machine feels every instruction. */
void *memcpy(void *restrict to, const void *restrict from, size_t n) {
    unsigned char *t = to;
    const unsigned char *f = from;
    if (((uintptr_t)t | (uintptr_t)f) % WORD == 0) {
        for (; n >= WORD; n -= WORD, t += WORD, f += WORD) {
            *(word *)t = *(const word *)f;
        }
    }
    while (n-- > 0) {
        *t++ = *f++;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t n) {
    unsigned char *t = to;
    const unsigned char *f = from;
    if ((uintptr_t)t <= (uintptr_t)f) {
        return memcpy(to, from, n); /* ours goes upwards byte by byte */
    }
    while (n-- > 0) {
        t[n] = f[n];
    }
    return to;
}

void *memset(void *to, int value, size_t n) {
    unsigned char *t = to;
    unsigned char byte = (unsigned char)value;
    for (; n > 0 && (uintptr_t)t % WORD != 0; n--) {
        *t++ = byte;
    }
    for (; n >= WORD; n -= WORD, t += WORD) {
        *(word *)t = 0x01010101u * byte;
    }
    while (n-- > 0) {
        *t++ = byte;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t n) {
    const unsigned char *x = a, *y = b;
    for (; n > 0; n--, x++, y++) {
        if (*x != *y) {
            return *x < *y ? -1 : 1;
        }
    }
    return 0;
}

void *memchr(const void *from, int value, size_t n) {
    const unsigned char *f = from;
    for (; n > 0; n--, f++) {
        if (*f == (unsigned char)value) {
            return (void *)(uintptr_t)f;
        }
    }
    return NULL;
}

size_t strlen(const char *s) {
    size_t n = 0;
    while (s[n] != '\0') {
        n++;
    }
    return n;
}

int strncmp(const char *a, const char *b, size_t n) {
    for (; n > 0; n--, a++, b++) {
        if (*a != *b) {
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        }
        if (*a == '\0') {
            break;
        }
    }
    return 0;
}

int strcmp(const char *a, const char *b) {
    return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *s, int c) {
    return memchr(s, c, strlen(s) + 1);
}

char *strrchr(const char *s, int c) {
    for (size_t n = strlen(s) + 1; n-- > 0;) {
        if (s[n] == (char)c) {
            return (char *)(uintptr_t)(s + n);
        }
    }
    return NULL;
}

char *strstr(const char *s, const char *part) {
    size_t n = strlen(part);
    for (;; s++) {
        if (strncmp(s, part, n) == 0) {
            return (char *)(uintptr_t)s;
        }
        if (*s == '\0') {
            return NULL;
        }
    }
}

size_t strspn(const char *s, const char *set) {
    size_t n = 0;
    while (s[n] != '\0' && strchr(set, s[n]) != NULL) {
        n++;
    }
    return n;
}

size_t strcspn(const char *s, const char *set) {
    size_t n = 0;
    while (s[n] != '\0' && strchr(set, s[n]) == NULL) {
        n++;
    }
    return n;
}
