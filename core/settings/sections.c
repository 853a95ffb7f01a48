/* SPDX-License-Identifier: MIT */
#include "settings/sections.h"

#include <assert.h>
#include <string.h>

void settings_sections_init(struct settings_sections *n, struct json_writer *w,
                            void (*begin)(struct json_writer *w, const char *name),
                            void (*end)(struct json_writer *w)) {
    n->w = w;
    n->begin = begin;
    n->end = end;
    n->key = "";
}

/* Bytes of the sections that both keys stand in, with the last dot: 14 of "hardware.uart." */
static size_t shared_length(const char *a, const char *b) {
    size_t shared = 0;

    for (size_t i = 0; a[i] != '\0' && a[i] == b[i]; i++)
        if (a[i] == '.')
            shared = i + 1;
    return shared;
}

static void close_to(struct settings_sections *n, size_t shared) {
    for (const char *dot = strchr(n->key + shared, '.'); dot != NULL; dot = strchr(dot + 1, '.'))
        n->end(n->w);
}

const char *settings_sections_enter(struct settings_sections *n, const char *key) {
    size_t at = shared_length(n->key, key);
    const char *dot;

    close_to(n, at);
    while ((dot = strchr(key + at, '.')) != NULL) {
        char name[SETTINGS_NAME_MAX + 1];
        size_t length = (size_t)(dot - key) - at;
        assert(length <= SETTINGS_NAME_MAX);
        memcpy(name, key + at, length);
        name[length] = '\0';
        n->begin(n->w, name);
        at += length + 1;
    }
    n->key = key;
    return key + at;
}

void settings_sections_finish(struct settings_sections *n) {
    close_to(n, 0);
    n->key = "";
}
