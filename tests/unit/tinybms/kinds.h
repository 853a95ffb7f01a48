/* SPDX-License-Identifier: MIT */
/* One request and one good reply of every command of the protocol, for the tests that go through
 * all of them. The replies are written down as the document describes them; wire_seal() adds the
 * CRC where the document shows none. */
#ifndef TESTS_TINYBMS_KINDS_H
#define TESTS_TINYBMS_KINDS_H

#include <stdint.h>

#include "tinybms/frame.h"

struct kind {
    const char *what;
    struct tinybms_request request;
    uint8_t reply[TINYBMS_REPLY_MAX];
    size_t length;
};

enum { KINDS_MAX = 32 };

/* Fills kinds[KINDS_MAX]; returns how many. */
size_t kinds_all(struct kind *kinds);

#endif
