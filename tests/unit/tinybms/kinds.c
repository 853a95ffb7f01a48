/* SPDX-License-Identifier: MIT */
#include "kinds.h"

#include <assert.h>
#include <string.h>

#include "wire.h"

static struct kind *add(struct kind *kinds, size_t *n, const char *what, const char *payload) {
    assert(*n < KINDS_MAX);
    struct kind *k = &kinds[(*n)++];
    memset(k, 0, sizeof *k);
    k->what = what;
    k->length = wire_hex(payload, k->reply);
    if (k->length > 0) {
        k->length = wire_seal(k->reply, k->length);
    }
    return k;
}

/* Two packets of 0x07 that are not the last, numbered from `number`, and the last one. */
static void packets(struct kind *k, uint8_t number) {
    size_t at = 0, word = 0;
    static const uint8_t words_in[3] = {40, 40, 20};
    for (int packet = 0; packet < 3; packet++) {
        uint8_t *p = k->reply + at;
        p[0] = 0xAA;
        p[1] = 0x07;
        p[2] = packet < 2 ? (uint8_t)(0x80 + number + packet) : (uint8_t)(2 * words_in[2]);
        for (size_t i = 0; i < words_in[packet]; i++, word++) {
            p[3 + 2 * i] = (uint8_t)word; /* LE */
            p[4 + 2 * i] = 0x12;
        }
        at += wire_seal(p, 3 + 2u * words_in[packet]);
    }
    k->length = at;
}

size_t kinds_all(struct kind *kinds) {
    static const uint16_t two_addrs[] = {40, 41}, four_words[] = {0x1068, 0x0B54, 0x003C, 0x0014};
    size_t n = 0;
    struct kind *k;
    int err = 0;
    k = add(kinds, &n, "0x02", "AA 01 02");
    err |= tinybms_build_reset(&k->request, TINYBMS_CLEAR_EVENTS);
    k = add(kinds, &n, "0x03, five", "AA 03 0A 97 40 97 40 97 2C 97 2C 97 2C");
    err |= tinybms_build_read(&k->request, 5, 5);
    k = add(kinds, &n, "0x03, one", "AA 03 02 10 36");
    err |= tinybms_build_read(&k->request, 300, 1);
    k = add(kinds, &n, "0x03, 127", "");
    err |= tinybms_build_read(&k->request, 0, 127);
    uint16_t words[127];
    for (uint16_t i = 0; i < 127; i++) {
        words[i] = (uint16_t)(0xAA03 + 257 * i);
    }
    k->length = wire_read_reply(k->reply, words, 127);
    k = add(kinds, &n, "0x07, one packet", "AA 07 04 82 0F 96 0F");
    err |= tinybms_build_read_block(&k->request, 40, 2);
    k = add(kinds, &n, "0x07, three packets from 0", "");
    err |= tinybms_build_read_block(&k->request, 0, 100);
    packets(k, 0);
    k = add(kinds, &n, "0x07, three packets from 1", "");
    err |= tinybms_build_read_block(&k->request, 0, 100);
    packets(k, 1);
    k = add(kinds, &n, "0x09", "AA 09 08 28 00 84 0F 29 00 92 0F");
    err |= tinybms_build_read_each(&k->request, two_addrs, 2);
    k = add(kinds, &n, "0x0B", "AA 01 0B");
    err |= tinybms_build_write_block(&k->request, 315, four_words, 4);
    k = add(kinds, &n, "0x0D", "AA 01 0D");
    err |= tinybms_build_write_each(&k->request, (const uint16_t[]){315}, four_words, 1);
    k = add(kinds, &n, "0x10", "AA 10 01 3B 00 02");
    err |= tinybms_build_write(&k->request, 315, four_words, 2);
    k = add(kinds, &n, "0x11, none", "AA 11 04 D0 F8 D6 00");
    err |= tinybms_build_plain(&k->request, TINYBMS_EVENTS_NEWEST);
    k = add(kinds, &n, "0x11, two", "AA 11 0C D0 F8 D6 00 2B 4E B9 64 26 12 00 65");
    err |= tinybms_build_plain(&k->request, TINYBMS_EVENTS_NEWEST);
    k = add(kinds, &n, "0x12, one", "AA 12 08 D0 F8 D6 00 2C 4E B9 62");
    err |= tinybms_build_plain(&k->request, TINYBMS_EVENTS_ALL);
    k = add(kinds, &n, "0x14", "AA 14 3F B5 5E 42");
    err |= tinybms_build_plain(&k->request, TINYBMS_PACK_VOLTAGE);
    k = add(kinds, &n, "0x15", "AA 15 00 00 20 C1");
    err |= tinybms_build_plain(&k->request, TINYBMS_PACK_CURRENT);
    k = add(kinds, &n, "0x16", "AA 16 92 0F");
    err |= tinybms_build_plain(&k->request, TINYBMS_MAX_CELL);
    k = add(kinds, &n, "0x17", "AA 17 84 0F");
    err |= tinybms_build_plain(&k->request, TINYBMS_MIN_CELL);
    k = add(kinds, &n, "0x18", "AA 18 97 00");
    err |= tinybms_build_plain(&k->request, TINYBMS_ONLINE_STATUS);
    k = add(kinds, &n, "0x19", "AA 19 D0 F8 D6 00");
    err |= tinybms_build_plain(&k->request, TINYBMS_LIFETIME);
    k = add(kinds, &n, "0x1A", "AA 1A 36 AA CD 04");
    err |= tinybms_build_plain(&k->request, TINYBMS_STATE_OF_CHARGE);
    k = add(kinds, &n, "0x1B", "AA 1B 06 16 01 14 01 16 01");
    err |= tinybms_build_plain(&k->request, TINYBMS_TEMPERATURES);
    k = add(kinds, &n, "0x1C", "AA 1C 08 1E 9B 28 9B 1E 9B 32 9B");
    err |= tinybms_build_plain(&k->request, TINYBMS_CELLS);
    k = add(kinds, &n, "0x1D", "AA 1D 04 B0 04 E8 03");
    err |= tinybms_build_settings_limits(&k->request, TINYBMS_LIMITS_MIN, 2);
    k = add(kinds, &n, "0x1E", "AA 1E 05 02 01 01 F2 00");
    err |= tinybms_build_plain(&k->request, TINYBMS_VERSION);
    k = add(kinds, &n, "0x1F", "AA 1F 07 02 01 01 F2 00 18 04");
    err |= tinybms_build_plain(&k->request, TINYBMS_EXTENDED_VERSION);
    k = add(kinds, &n, "0x20", "AA 20 00 00 C8 41 0A 00 00 00 1C D5 66 02");
    err |= tinybms_build_plain(&k->request, TINYBMS_SPEED);
    assert(err == 0);
    (void)err;
    return n;
}
