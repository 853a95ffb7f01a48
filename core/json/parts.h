/* SPDX-License-Identifier: MIT */
/* Inside core/json: what the reader and the writer are made of. Not for other modules. */
#ifndef CORE_JSON_PARTS_H
#define CORE_JSON_PARTS_H

#include <stddef.h>

#include "json/json.h"

/* Bytes of the one well-formed UTF-8 sequence (RFC 3629) at s, of which n bytes may be read: 1 to
 * 4; 0 when there is none: overlong, surrogate, over U+10FFFF, cut off. */
/*@ requires \valid_read(s + (0 .. n - 1));
    assigns \nothing;
    ensures \result <= 4 && \result <= n; */
size_t json_utf8_length(const char *s, size_t n);

/* Reads the number at the beginning of n bytes. *used: how many bytes belong to it, or where it
 * went wrong. 0, GW_ERR_SYNTAX or GW_ERR_RANGE; on an error *phrase says what. */
/*@ requires n <= INT32_MAX && \valid_read(text + (0 .. n - 1));
    requires \valid(out) && \valid(used) && \valid(phrase);
    requires \separated(text + (0 .. n - 1), out, used, phrase);
    assigns *out, *used, *phrase;
    ensures *used <= n && \result \in {0, GW_ERR_SYNTAX, GW_ERR_RANGE};
    ensures \result == 0 ==> *used > 0 && out->decimals <= JSON_DECIMALS_MAX; */
int json_number_scan(const char *text, size_t n, struct json_number *out, size_t *used,
                     const char **phrase);

#endif
