/* SPDX-License-Identifier: MIT */
/* Register values as people read and type them: in the unit of the catalogue. */
#ifndef PORTS_LINUX_REGISTER_TEXT_H
#define PORTS_LINUX_REGISTER_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "tinybms/registers.h"

/* "4200", "151 idle", "absent", "unknown" (means nothing in this firmware), "taken over" (the BMS
 * has used the value and shows it no more), and for what is no number "0x0102". NUL-terminated, cut
 * when too small. */
void register_print_value(const struct tinybms_register *r, uint32_t raw, char *buf, size_t cap);

/* The range of the catalogue in its unit, "1200 to 4500"; empty where there is none. */
void register_print_range(const struct tinybms_register *r, char *buf, size_t cap);

/* A value in the unit of the catalogue ("58.5", "-10"), a word of an enumeration ("single port"),
 * or a raw count ("0x41A0"). 0, GW_ERR_SYNTAX (none of these), GW_ERR_RANGE (more decimals than the
 * register has, or more than it can hold). Whether it may be written is for
 * tinybms_register_check(). */
int register_parse_value(const struct tinybms_register *r, const char *text, uint32_t *raw);

/* The row for an address ("300", "0x12C") or a name; NULL where there is none. *addr is set to the
 * address; where there is no row and text is no number, to -1. */
const struct tinybms_register *register_find(const char *text, int *addr);

#endif
