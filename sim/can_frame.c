/* SPDX-License-Identifier: MIT */
/* SLCAN text, after the CAN232 manual of LAWICEL AB. */
#include "sim/can_frame.h"

static const char digits[] = "0123456789ABCDEF";

int sim_can_hex(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

size_t sim_can_format(const struct sim_can_frame *f, char out[SIM_CAN_TEXT_MAX]) {
    size_t n = 0;
    if (f->extended)
        out[n++] = f->remote ? 'R' : 'T';
    else
        out[n++] = f->remote ? 'r' : 't';
    for (unsigned i = f->extended ? 8 : 3; i-- > 0;)
        out[n++] = digits[(f->id >> (4 * i)) & 0xFu];
    unsigned len = f->len <= 8 ? f->len : 8;
    out[n++] = digits[len];
    for (unsigned i = 0; i < len && !f->remote; i++) {
        out[n++] = digits[f->data[i] >> 4];
        out[n++] = digits[f->data[i] & 0xFu];
    }
    out[n] = '\0';
    return n;
}

bool sim_can_parse(const char *text, size_t n, struct sim_can_frame *out) {
    if (n < 1)
        return false;
    struct sim_can_frame f = {0};
    f.extended = text[0] == 'T' || text[0] == 'R';
    f.remote = text[0] == 'r' || text[0] == 'R';
    if (!f.extended && !f.remote && text[0] != 't')
        return false;
    size_t id_digits = f.extended ? 8 : 3;
    if (n < 1 + id_digits + 1)
        return false;
    for (size_t i = 1; i < n; i++) {
        if (sim_can_hex(text[i]) < 0)
            return false;
    }
    for (size_t i = 1; i <= id_digits; i++)
        f.id = f.id << 4 | (uint32_t)sim_can_hex(text[i]);
    int len = sim_can_hex(text[1 + id_digits]);
    if (len > 8 || f.id > (f.extended ? 0x1FFFFFFFu : 0x7FFu))
        return false;
    f.len = (uint8_t)len;
    size_t at = 1 + id_digits + 1;
    size_t data_digits = f.remote ? 0 : 2u * f.len;
    if (n != at + data_digits && n != at + data_digits + 4)
        return false;
    for (size_t i = 0; i < f.len && !f.remote; i++)
        f.data[i] =
            (uint8_t)(sim_can_hex(text[at + 2 * i]) << 4 | sim_can_hex(text[at + 2 * i + 1]));
    *out = f;
    return true;
}
