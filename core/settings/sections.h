/* SPDX-License-Identifier: MIT */
/* Inside core/settings: turns the flat table into nested sections, for every output that nests. Not
 * for other modules. */
#ifndef CORE_SETTINGS_SECTIONS_H
#define CORE_SETTINGS_SECTIONS_H

#include "json/json.h"

enum { SETTINGS_NAME_MAX = 31 }; /* bytes of one name in a dotted key */

struct settings_sections {
    struct json_writer *w;
    void (*begin)(struct json_writer *w, const char *name);
    void (*end)(struct json_writer *w);
    const char *key; /* the last one entered; its sections are open */
};

/* begin writes what opens a section of that name, end what closes it. */
void settings_sections_init(struct settings_sections *n, struct json_writer *w,
                            void (*begin)(struct json_writer *w, const char *name),
                            void (*end)(struct json_writer *w));
/* Closes and opens what stands between the last key and this one, dotted and borrowed until the
 * next call. Returns its last name. */
const char *settings_sections_enter(struct settings_sections *n, const char *key);
/* Closes what is open. */
void settings_sections_finish(struct settings_sections *n);

#endif
