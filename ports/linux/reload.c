/* SPDX-License-Identifier: MIT */
#include "reload.h"

#include <string.h>

static size_t stored_size(const struct settings_row *row) {
    switch (row->type) {
    case SETTINGS_BOOL:
        return sizeof(bool);
    case SETTINGS_UINT:
    case SETTINGS_ENUM:
        return sizeof(uint32_t);
    case SETTINGS_DECIMAL:
        return sizeof(int32_t);
    case SETTINGS_STRING:
        return row->capacity;
    }
    return 0;
}

static bool differs(const struct settings_row *row, const void *a, const void *b) {
    return row->type == SETTINGS_STRING ? strcmp(a, b) != 0 : memcmp(a, b, stored_size(row)) != 0;
}

void reload_keep_restart_rows(struct settings *s, const struct settings *started,
                              reload_key_fn *tell, void *context) {
    for (size_t i = 0; i < settings_table_rows; i++) {
        const struct settings_row *row = &settings_table[i];
        unsigned char *now = (unsigned char *)s + row->offset;
        const unsigned char *then = (const unsigned char *)started + row->offset;
        if (row->restart && differs(row, now, then)) {
            tell(context, row->key);
            memcpy(now, then, stored_size(row));
        }
    }
}
