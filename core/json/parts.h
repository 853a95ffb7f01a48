/* SPDX-License-Identifier: MIT */
/* Inside core/json: what the reader and the writer are made of. Not for other modules. */
#ifndef CORE_JSON_PARTS_H
#define CORE_JSON_PARTS_H

#include <stddef.h>

#include "json/json.h"

/* Bytes of the one well-formed UTF-8 sequence (RFC 3629) at s, of which n bytes may be read: 1 to
 * 4; 0 when there is none: overlong, surrogate, over U+10FFFF, cut off. */
size_t json_utf8_length(const char *s, size_t n);

/* Reads the number at the beginning of n bytes. *used: how many bytes belong to it, or where it
 * went wrong. 0, GW_ERR_SYNTAX or GW_ERR_RANGE; on an error *phrase says what. */
int json_number_scan(const char *text, size_t n, struct json_number *out, size_t *used,
                     const char **phrase);

#endif
