/* SPDX-License-Identifier: MIT */
/* printf() for integers and text: see stdio.h for what it takes. A conversion that it does not know
 * aborts, so that no test passes on a text that is not what it asked for. */
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system.h"

/* Where text goes: into buf while there is room, or out. */
struct sink {
    char *buf;
    size_t cap, n;
    bool out;
};

struct conversion {
    bool left, zeros;
    int width, precision; /* -1: none */
    int longs;            /* l: 1, ll: 2 */
};

static void put(struct sink *s, char c) {
    if (s->out) {
        embedded_write(&c, 1);
    } else if (s->n + 1 < s->cap) {
        s->buf[s->n] = c;
    }
    s->n++;
}

static void put_times(struct sink *s, char c, int times) {
    while (times-- > 0) {
        put(s, c);
    }
}

static void put_text(struct sink *s, const struct conversion *c, const char *text) {
    int n = 0;
    while ((c->precision < 0 || n < c->precision) && text[n] != '\0') {
        n++;
    }
    put_times(s, ' ', c->left ? 0 : c->width - n);
    for (int i = 0; i < n; i++) {
        put(s, text[i]);
    }
    put_times(s, ' ', c->left ? c->width - n : 0);
}

static void put_number(struct sink *s, const struct conversion *c, uintmax_t value, bool negative,
                       char kind) {
    const char *digits = kind == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    unsigned base = kind == 'x' || kind == 'X' ? 16 : 10;
    char text[24];
    int n = 0;
    for (; value > 0; value /= base) {
        text[n++] = digits[value % base];
    }
    int least = c->precision < 0 ? 1 : c->precision;
    if (c->zeros && !c->left && c->precision < 0) {
        least = c->width - negative;
    }
    int zeros = least > n ? least - n : 0;
    int pad = c->width - n - zeros - negative;
    put_times(s, ' ', c->left ? 0 : pad);
    put_times(s, '-', negative);
    put_times(s, '0', zeros);
    while (n > 0) {
        put(s, text[--n]);
    }
    put_times(s, ' ', c->left ? pad : 0);
}

/* A number or '*' at *at; -1 when there is none. */
static int read_number(const char **at, va_list *arguments) {
    int n = -1;
    if (**at == '*') {
        (*at)++;
        return va_arg(*arguments, int);
    }
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        n = (n < 0 ? 0 : n * 10) + (**at - '0');
    }
    return n;
}

static const char *read_conversion(struct conversion *c, const char *at, va_list *arguments) {
    *c = (struct conversion){.precision = -1};
    for (; *at == '-' || *at == '0'; at++) {
        c->left |= *at == '-';
        c->zeros |= *at == '0';
    }
    c->width = read_number(&at, arguments);
    if (c->width < 0) {
        c->width = 0;
    }
    if (*at == '.') {
        at++;
        c->precision = read_number(&at, arguments);
        if (c->precision < 0) {
            c->precision = 0;
        }
    }
    for (; *at == 'l' || *at == 'z' || *at == 'j'; at++) {
        c->longs += *at == 'j' ? 2 : 1; /* size_t is as long as long */
    }
    return at;
}

static void put_conversion(struct sink *s, const struct conversion *c, char kind,
                           va_list *arguments) {
    char one[2] = {kind, '\0'};
    intmax_t value;
    switch (kind) {
    case 'd':
    case 'i':
        value = c->longs >= 2   ? va_arg(*arguments, long long)
                : c->longs == 1 ? va_arg(*arguments, long)
                                : va_arg(*arguments, int);
        put_number(s, c, value < 0 ? 0 - (uintmax_t)value : (uintmax_t)value, value < 0, 'd');
        break;
    case 'u':
    case 'x':
    case 'X':
        put_number(s, c,
                   c->longs >= 2   ? va_arg(*arguments, unsigned long long)
                   : c->longs == 1 ? va_arg(*arguments, unsigned long)
                                   : va_arg(*arguments, unsigned),
                   false, kind);
        break;
    case 'p':
        put_number(s, c, (uintptr_t)va_arg(*arguments, void *), false, 'x');
        break;
    case 's':
        put_text(s, c, va_arg(*arguments, const char *));
        break;
    case 'c':
        one[0] = (char)va_arg(*arguments, int);
        put_text(s, c, one);
        break;
    case '%':
        put_text(s, c, one);
        break;
    default:
        abort();
    }
}

static int print(struct sink *s, const char *format, va_list *arguments) {
    for (const char *at = format; *at != '\0'; at++) {
        struct conversion c;
        if (*at != '%') {
            put(s, *at);
            continue;
        }
        at = read_conversion(&c, at + 1, arguments);
        put_conversion(s, &c, *at, arguments);
    }
    if (!s->out && s->cap > 0) {
        s->buf[s->n < s->cap ? s->n : s->cap - 1] = '\0';
    }
    return s->n > INT_MAX ? -1 : (int)s->n;
}

int vsnprintf(char *buf, size_t cap, const char *format, va_list arguments) {
    struct sink s = {.buf = buf, .cap = cap};
    va_list copy;
    va_copy(copy, arguments);
    int n = print(&s, format, &copy);
    va_end(copy);
    return n;
}

int snprintf(char *buf, size_t cap, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(buf, cap, format, arguments);
    va_end(arguments);
    return n;
}

int vprintf(const char *format, va_list arguments) {
    struct sink s = {.out = true};
    va_list copy;
    va_copy(copy, arguments);
    int n = print(&s, format, &copy);
    va_end(copy);
    return n;
}

int printf(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int n = vprintf(format, arguments);
    va_end(arguments);
    return n;
}

int puts(const char *s) {
    return printf("%s\n", s);
}

int putchar(int c) {
    char one = (char)c;
    embedded_write(&one, 1);
    return c;
}
