/* SPDX-License-Identifier: MIT */
/* What the replies of the protocol look like and say: reply_shapes is the table of the document,
 * everything else compares bytes with it.
 *
 * The packets of a reply to 0x07 that are not the last one carry their number where the length
 * would be, so their length is nowhere: a packet ends at the first even length where its CRC holds
 * and the next packet begins. */
#include "tinybms/frame.h"

#include "tinybms/crc.h"

enum {
    HEAD = 0xAA,
    CODE_NACK = 0x00,
    CODE_ACK = 0x01,
    MORE_PACKETS = 0x80,
    ACK_BYTES = 5,
    ECHO_BYTES = 8,
};

enum reply_form {
    FORM_ACK,     /* AA 01 cmd crc */
    FORM_ECHO,    /* AA cmd addr(BE) 00 n crc */
    FORM_BARE,    /* AA cmd payload crc */
    FORM_COUNTED, /* AA cmd len payload crc, the length known beforehand */
    FORM_RANGED,  /* AA cmd len payload crc, the length known to be in a range */
    FORM_PACKETS, /* AA 07 number-or-length payload crc, repeated */
};

struct reply_shape {
    uint8_t command;
    enum reply_form form;
    uint8_t fixed; /* payload bytes: all, or the least of FORM_RANGED */
    uint8_t each;  /* payload bytes for each register asked for; the step of FORM_RANGED */
    uint8_t most;  /* payload bytes at most of FORM_RANGED */
};

/* clang-format off */
static const struct reply_shape reply_shapes[] = {
    {TINYBMS_RESET,            FORM_ACK,     0,  0, 0},
    {TINYBMS_READ,             FORM_COUNTED, 0,  2, 0},
    {TINYBMS_READ_BLOCK,       FORM_PACKETS, 0,  2, 0},
    {TINYBMS_READ_EACH,        FORM_COUNTED, 0,  4, 0},
    {TINYBMS_WRITE_BLOCK,      FORM_ACK,     0,  0, 0},
    {TINYBMS_WRITE_EACH,       FORM_ACK,     0,  0, 0},
    {TINYBMS_WRITE,            FORM_ECHO,    0,  0, 0},
    {TINYBMS_EVENTS_NEWEST,    FORM_RANGED,  4,  4, 252},
    {TINYBMS_EVENTS_ALL,       FORM_RANGED,  4,  4, 252},
    {TINYBMS_PACK_VOLTAGE,     FORM_BARE,    4,  0, 0},
    {TINYBMS_PACK_CURRENT,     FORM_BARE,    4,  0, 0},
    {TINYBMS_MAX_CELL,         FORM_BARE,    2,  0, 0},
    {TINYBMS_MIN_CELL,         FORM_BARE,    2,  0, 0},
    {TINYBMS_ONLINE_STATUS,    FORM_BARE,    2,  0, 0},
    {TINYBMS_LIFETIME,         FORM_BARE,    4,  0, 0},
    {TINYBMS_STATE_OF_CHARGE,  FORM_BARE,    4,  0, 0},
    {TINYBMS_TEMPERATURES,     FORM_COUNTED, 6,  0, 0},
    {TINYBMS_CELLS,            FORM_RANGED,  2,  2, 32},
    {TINYBMS_SETTINGS_LIMITS,  FORM_COUNTED, 0,  2, 0},
    {TINYBMS_VERSION,          FORM_COUNTED, 5,  0, 0},
    {TINYBMS_EXTENDED_VERSION, FORM_COUNTED, 7,  0, 0},
    {TINYBMS_SPEED,            FORM_BARE,    12, 0, 0},
};
/* clang-format on */

enum { SHAPES = sizeof reply_shapes / sizeof reply_shapes[0] };

/*@ // What the code below takes for granted of a row.
    predicate row_fits(struct reply_shape *s) =
        s->form <= FORM_PACKETS && s->fixed <= 12 && s->each \in {0, 2, 4} && s->most <= 252 &&
        (s->each == 4 ==> s->form == FORM_RANGED || s->command == TINYBMS_READ_EACH) &&
        (s->form == FORM_BARE ==> s->each == 0) &&
        (s->form == FORM_RANGED ==> s->each > 0 && s->fixed <= s->most) &&
        (s->form == FORM_PACKETS <==> s->command == TINYBMS_READ_BLOCK);

    // What the parsers take for granted of a reply of n bytes.
    predicate is_whole(struct tinybms_request *rq, uint8_t *p, integer n) =
        (rq->command \in {TINYBMS_READ, TINYBMS_READ_BLOCK, TINYBMS_SETTINGS_LIMITS} ==>
            n == 5 + 2 * rq->count) &&
        (rq->command == TINYBMS_READ_EACH ==> n == 5 + 4 * rq->count) &&
        (rq->command == TINYBMS_CELLS ==> n == 5 + p[2] && p[2] <= 32) &&
        (rq->command \in {TINYBMS_EVENTS_NEWEST, TINYBMS_EVENTS_ALL} ==>
            n == 5 + p[2] && 4 <= p[2]) &&
        (rq->command \in {TINYBMS_MAX_CELL, TINYBMS_MIN_CELL, TINYBMS_ONLINE_STATUS} ==>
            n == 6) &&
        (rq->command \in {TINYBMS_PACK_VOLTAGE, TINYBMS_PACK_CURRENT, TINYBMS_LIFETIME,
                          TINYBMS_STATE_OF_CHARGE} ==> n == 8) &&
        (rq->command == TINYBMS_TEMPERATURES ==> n == 11) &&
        (rq->command == TINYBMS_VERSION ==> n == 10) &&
        (rq->command == TINYBMS_EXTENDED_VERSION ==> n == 12) &&
        (rq->command == TINYBMS_SPEED ==> n == 16);

    predicate row_says(struct reply_shape *s, integer form, integer fixed, integer each) =
        s->form == form && s->fixed == fixed && s->each == each;

    // The rows behind is_whole().
    predicate rows_of_parsers(struct reply_shape *s) =
        (s->command \in {TINYBMS_READ, TINYBMS_SETTINGS_LIMITS} ==>
            row_says(s, FORM_COUNTED, 0, 2)) &&
        (s->command == TINYBMS_READ_BLOCK ==> row_says(s, FORM_PACKETS, 0, 2)) &&
        (s->command == TINYBMS_READ_EACH ==> row_says(s, FORM_COUNTED, 0, 4)) &&
        (s->command == TINYBMS_CELLS ==> row_says(s, FORM_RANGED, 2, 2) && s->most == 32) &&
        (s->command \in {TINYBMS_EVENTS_NEWEST, TINYBMS_EVENTS_ALL} ==>
            row_says(s, FORM_RANGED, 4, 4)) &&
        (s->command \in {TINYBMS_MAX_CELL, TINYBMS_MIN_CELL, TINYBMS_ONLINE_STATUS} ==>
            row_says(s, FORM_BARE, 2, 0)) &&
        (s->command \in {TINYBMS_PACK_VOLTAGE, TINYBMS_PACK_CURRENT, TINYBMS_LIFETIME,
                         TINYBMS_STATE_OF_CHARGE} ==> row_says(s, FORM_BARE, 4, 0)) &&
        (s->command == TINYBMS_TEMPERATURES ==> row_says(s, FORM_COUNTED, 6, 0)) &&
        (s->command == TINYBMS_VERSION ==> row_says(s, FORM_COUNTED, 5, 0)) &&
        (s->command == TINYBMS_EXTENDED_VERSION ==> row_says(s, FORM_COUNTED, 7, 0)) &&
        (s->command == TINYBMS_SPEED ==> row_says(s, FORM_BARE, 12, 0)); */

/*@ assigns \nothing;
    ensures \result == \null || \valid_read(\result);
    ensures \result != \null ==> \result->command == command;
    ensures \result != \null ==> row_fits(\result);
    ensures \result != \null ==> rows_of_parsers(\result); */
static const struct reply_shape *shape_of(uint8_t command) {
    /*@ loop pragma UNROLL "completely", 23;
        loop assigns i; */
    for (size_t i = 0; i < SHAPES; i++) {
        if (reply_shapes[i].command == command) {
            return &reply_shapes[i];
        }
    }
    return NULL;
}

/*@ requires \valid_read(p + (0 .. 1));
    assigns \nothing; */
static uint16_t le16(const uint8_t *p) {
    return (uint16_t)(p[0] + 256u * p[1]);
}

/*@ requires \valid_read(p + (0 .. 1));
    assigns \nothing; */
static uint16_t be16(const uint8_t *p) {
    return (uint16_t)(256u * p[0] + p[1]);
}

/*@ requires \valid_read(p + (0 .. 3));
    assigns \nothing; */
static uint32_t le32(const uint8_t *p) {
    return le16(p) + 65536u * le16(p + 2);
}

/*@ requires \valid_read(s) && row_fits(s) && count <= TINYBMS_READ_MAX;
    requires s->command == TINYBMS_READ_EACH ==> count <= TINYBMS_READ_EACH_MAX;
    requires \valid(min) && \valid(max) && \separated(min, max, s);
    assigns *min, *max;
    ensures *min <= *max <= TINYBMS_REPLY_MAX;
    ensures s->form == FORM_ACK ==> *max == ACK_BYTES;
    ensures s->form == FORM_ECHO ==> *max == ECHO_BYTES;
    ensures s->form == FORM_BARE ==> *max == 4 + s->fixed;
    ensures s->form == FORM_COUNTED ==> *max == 5 + s->fixed + s->each * count;
    ensures s->form == FORM_PACKETS ==> *min == 5 + s->fixed + s->each * count; */
static void lengths(const struct reply_shape *s, uint16_t count, size_t *min, size_t *max) {
    size_t payload = s->fixed + (size_t)s->each * count;
    switch (s->form) {
    case FORM_ACK:
        *min = *max = ACK_BYTES;
        return;
    case FORM_ECHO:
        *min = *max = ECHO_BYTES;
        return;
    case FORM_BARE:
        *min = *max = 4 + payload;
        return;
    case FORM_COUNTED:
        *min = *max = 5 + payload;
        return;
    case FORM_RANGED:
        *min = 5u + s->fixed;
        *max = 5u + s->most;
        return;
    case FORM_PACKETS:
        *min = 5 + payload;
        *max = TINYBMS_REPLY_MAX;
        return;
    }
}

void tinybms_reply_length(const struct tinybms_request *rq, size_t *min, size_t *max) {
    const struct reply_shape *s = shape_of(rq->command);
    size_t least = 0, most = 0;
    if (s != NULL) {
        lengths(s, rq->count, &least, &most);
    }
    *min = least;
    *max = most;
}

/*@ requires \valid_read(a + (0 .. n - 1)) && \valid_read(b + (0 .. n - 1));
    assigns \nothing; */
static bool same(const uint8_t *a, const uint8_t *b, size_t n) {
    /*@ loop invariant i <= n;
        loop assigns i;
        loop variant n - i; */
    for (size_t i = 0; i < n; i++) {
        if (a[i] != b[i]) {
            return false;
        }
    }
    return true;
}

/* The length of the reply that begins at p as far as its first n bytes tell; 0: not a good reply to
 * rq. With too few bytes to tell, the longest it may be. */
/*@ requires tinybms_request_built(rq);
    requires \valid_read(p + (0 .. n - 1));
    assigns \nothing;
    ensures \result <= TINYBMS_REPLY_MAX;
    ensures \result == n && n >= ACK_BYTES &&
        (rq->command == TINYBMS_READ_BLOCK ==> p[2] < MORE_PACKETS) ==> is_whole(rq, p, n); */
static size_t announced_length(const struct tinybms_request *rq, const uint8_t *p, size_t n) {
    const struct reply_shape *s = shape_of(rq->command);
    size_t min = 0, max = 0;
    if (s == NULL || n == 0 || p[0] != HEAD) {
        return 0;
    }
    lengths(s, rq->count, &min, &max);
    uint8_t code = s->form == FORM_ACK ? CODE_ACK : rq->command;
    if (n >= 2 && p[1] != code) {
        return 0;
    }
    if (n < 3) {
        return max;
    }
    switch (s->form) {
    case FORM_ACK:
        return p[2] == rq->command ? max : 0;
    case FORM_ECHO: {
        const uint8_t echo[4] = {(uint8_t)(rq->addr >> 8), (uint8_t)(rq->addr & 0xFF), 0,
                                 (uint8_t)rq->count};
        size_t shown = n - 2 < sizeof echo ? n - 2 : sizeof echo;
        return same(p + 2, echo, shown) ? max : 0;
    }
    case FORM_BARE:
        return max;
    case FORM_COUNTED:
        return 5u + p[2] == max ? max : 0;
    case FORM_RANGED:
        return p[2] >= s->fixed && p[2] <= s->most && p[2] % s->each == 0 ? 5u + p[2] : 0;
    case FORM_PACKETS:
        return p[2] >= MORE_PACKETS ? max : (5u + p[2] == min ? min : 0);
    }
    return 0;
}

bool tinybms_reply_begins(const struct tinybms_request *rq, const uint8_t *p, size_t n) {
    return announced_length(rq, p, n) > n;
}

/*@ requires \valid_read(p + (0 .. n - 1));
    assigns \nothing; */
static bool crc_holds(const uint8_t *p, size_t n) {
    return tinybms_crc(p, n) == 0;
}

/* The payload bytes of a packet that is not the last, at p with n bytes to the end of the reply,
 * at most `most`; 0 where its CRC holds nowhere. */
/*@ requires 5 <= n <= TINYBMS_REPLY_MAX && most <= 2 * TINYBMS_READ_MAX;
    requires \valid_read(p + (0 .. n - 1));
    assigns \nothing;
    ensures \result == 0 || (2 <= \result <= most && \result + 5 < n); */
static size_t packet_payload(const uint8_t *p, size_t n, size_t most) {
    uint16_t crc = tinybms_crc(p, 3);
    /*@ loop invariant 2 <= payload <= most + 2;
        loop assigns payload, crc;
        loop variant most + 2 - payload; */
    for (size_t payload = 2; payload <= most && payload + 5 < n; payload += 2) {
        crc = tinybms_crc_add(crc, p + 1 + payload, 2);
        const uint8_t *end = p + 3 + payload;
        if (tinybms_crc_add(crc, end, 2) == 0 && end[2] == HEAD &&
            (payload + 6 == n || end[3] == TINYBMS_READ_BLOCK)) {
            return payload;
        }
    }
    return 0;
}

/*@ requires \valid(to + (0 .. n - 1)) && \valid_read(from + (0 .. n - 1));
    requires \separated(to + (0 .. n - 1), from + (0 .. n - 1));
    assigns to[0 .. n - 1]; */
static void copy(uint8_t *to, const uint8_t *from, size_t n) {
    /*@ loop invariant i <= n;
        loop assigns i, to[0 .. n - 1];
        loop variant n - i; */
    for (size_t i = 0; i < n; i++) {
        to[i] = from[i];
    }
}

/* Reads all packets of p[0, n); data (may be NULL) gets the payload of all. False: not one whole
 * reply. Packets count up from 0 or from 1. */
/*@ requires tinybms_request_built(rq);
    requires n <= TINYBMS_REPLY_MAX && \valid_read(p + (0 .. n - 1));
    requires data == \null || \valid(data + (0 .. 2 * rq->count - 1));
    requires data != \null ==>
        \separated(data + (0 .. 2 * rq->count - 1), p + (0 .. n - 1), rq);
    assigns data[0 .. 2 * rq->count - 1]; */
static bool walk_packets(const struct tinybms_request *rq, const uint8_t *p, size_t n,
                         uint8_t *data) {
    size_t wanted = (size_t)2 * rq->count, got = 0, at = 0;
    int number = -1;
    /*@ loop invariant at <= n && got <= wanted && -1 <= number <= 127;
        loop assigns at, got, number, data[0 .. wanted - 1];
        loop variant n - at; */
    while (n - at >= 5 && p[at] == HEAD && p[at + 1] == TINYBMS_READ_BLOCK) {
        uint8_t second = p[at + 2];
        bool last = second < MORE_PACKETS;
        size_t payload = second;
        if (!last) {
            int this_number = second - MORE_PACKETS;
            if (number < 0 ? this_number > 1 : this_number != number + 1) {
                return false;
            }
            number = this_number;
            payload = wanted - got > 2 ? packet_payload(p + at, n - at, wanted - got - 2) : 0;
            if (payload == 0) {
                return false;
            }
        } else if (payload != wanted - got || at + 5 + payload != n || !crc_holds(p + at, n - at)) {
            return false;
        }
        if (data != NULL) {
            copy(data + got, p + at + 3, payload);
        }
        if (last) {
            return true;
        }
        got += payload;
        at += 5 + payload;
    }
    return false;
}

/* 0x09 repeats each address before its value: p is whole, its length is right. */
/*@ requires tinybms_request_built(rq) && rq->command == TINYBMS_READ_EACH;
    requires \valid_read(p + (0 .. 5 + 4 * rq->count - 1));
    assigns \nothing; */
static bool addresses_agree(const struct tinybms_request *rq, const uint8_t *p) {
    /*@ loop invariant i <= rq->count;
        loop assigns i;
        loop variant rq->count - i; */
    for (size_t i = 0; i < rq->count; i++) {
        if (!same(p + 3 + 4 * i, rq->bytes + 3 + 2 * i, 2)) {
            return false;
        }
    }
    return true;
}

/*@ ensures \result == TINYBMS_MATCH_NACK ==> n == TINYBMS_NACK_BYTES;
    ensures \result == TINYBMS_MATCH_REPLY && (rq->command != TINYBMS_READ_BLOCK) ==> is_whole(rq,
   p, n); */
enum tinybms_match tinybms_match(const struct tinybms_request *rq, const uint8_t *p, size_t n) {
    if (n < ACK_BYTES || p[0] != HEAD) {
        return TINYBMS_MATCH_NONE;
    }
    if (n == TINYBMS_NACK_BYTES && p[1] == CODE_NACK && p[2] == rq->command) {
        return crc_holds(p, n) ? TINYBMS_MATCH_NACK : TINYBMS_MATCH_BAD_CRC;
    }
    if (rq->command == TINYBMS_READ_BLOCK && p[2] >= MORE_PACKETS) {
        return walk_packets(rq, p, n, NULL) ? TINYBMS_MATCH_REPLY : TINYBMS_MATCH_NONE;
    }
    if (announced_length(rq, p, n) != n) {
        return TINYBMS_MATCH_NONE;
    }
    if (!crc_holds(p, n)) {
        return TINYBMS_MATCH_BAD_CRC;
    }
    if (rq->command == TINYBMS_READ_EACH && !addresses_agree(rq, p)) {
        return TINYBMS_MATCH_NONE;
    }
    return TINYBMS_MATCH_REPLY;
}

/*@ requires tinybms_request_built(rq);
    requires n <= TINYBMS_REPLY_MAX && \valid_read(p + (0 .. n - 1));
    assigns \nothing;
    ensures \result && rq->command != TINYBMS_READ_BLOCK ==> is_whole(rq, p, n); */
static bool is_reply(const struct tinybms_request *rq, const uint8_t *p, size_t n) {
    return tinybms_match(rq, p, n) == TINYBMS_MATCH_REPLY;
}

int tinybms_parse_nack(const struct tinybms_request *rq, const uint8_t *p, size_t n,
                       uint8_t *code) {
    if (tinybms_match(rq, p, n) != TINYBMS_MATCH_NACK) {
        return GW_ERR_SYNTAX;
    }
    *code = p[3];
    return GW_OK;
}

int tinybms_parse_words(const struct tinybms_request *rq, const uint8_t *p, size_t n, uint16_t *out,
                        size_t cap) {
    bool big_endian = rq->command == TINYBMS_READ;
    bool cells = rq->command == TINYBMS_CELLS;
    if (!big_endian && !cells && rq->command != TINYBMS_READ_BLOCK &&
        rq->command != TINYBMS_READ_EACH && rq->command != TINYBMS_SETTINGS_LIMITS) {
        return GW_ERR_SYNTAX;
    }
    if (!is_reply(rq, p, n)) {
        return GW_ERR_SYNTAX;
    }
    uint16_t words = cells ? p[2] / 2 : rq->count;
    if (cap < words) {
        return GW_ERR_SPACE;
    }
    if (rq->command == TINYBMS_READ_EACH) {
        /*@ loop invariant i <= words;
            loop assigns i, out[0 .. words - 1];
            loop variant words - i; */
        for (size_t i = 0; i < words; i++) {
            out[i] = le16(p + 5 + 4 * i);
        }
        return words;
    }
    uint8_t data[2 * TINYBMS_READ_MAX] = {0};
    if (rq->command != TINYBMS_READ_BLOCK) {
        copy(data, p + 3, (size_t)2 * words);
    } else if (!walk_packets(rq, p, n, data)) {
        return GW_ERR_SYNTAX;
    }
    /*@ loop invariant i <= words;
        loop assigns i, out[0 .. words - 1];
        loop variant words - i; */
    for (size_t i = 0; i < words; i++) {
        out[i] = big_endian ? be16(data + 2 * i) : le16(data + 2 * i);
    }
    return words;
}

int tinybms_parse_events(const struct tinybms_request *rq, const uint8_t *p, size_t n,
                         uint32_t *bms_time_s, struct battery_event *out, size_t cap) {
    if ((rq->command != TINYBMS_EVENTS_NEWEST && rq->command != TINYBMS_EVENTS_ALL) ||
        !is_reply(rq, p, n)) {
        return GW_ERR_SYNTAX;
    }
    int events = p[2] / 4 - 1;
    if (cap < (size_t)events) {
        return GW_ERR_SPACE;
    }
    *bms_time_s = le32(p + 3);
    /*@ loop invariant i <= events;
        loop assigns i, out[0 .. events - 1];
        loop variant events - i; */
    for (size_t i = 0; i < (size_t)events; i++) {
        uint32_t word = le32(p + 7 + 4 * i);
        out[i].at_s = word & 0xFFFFFF;
        out[i].id = (uint8_t)(word >> 24);
    }
    return events;
}

int tinybms_parse_milli(const struct tinybms_request *rq, const uint8_t *p, size_t n,
                        int32_t *milli) {
    if ((rq->command != TINYBMS_PACK_VOLTAGE && rq->command != TINYBMS_PACK_CURRENT) ||
        !is_reply(rq, p, n)) {
        return GW_ERR_SYNTAX;
    }
    return tinybms_f32_milli(le32(p + 2), milli) ? GW_OK : GW_ERR_RANGE;
}

int tinybms_parse_number(const struct tinybms_request *rq, const uint8_t *p, size_t n,
                         uint32_t *out) {
    if (rq->command < TINYBMS_MAX_CELL || rq->command > TINYBMS_STATE_OF_CHARGE ||
        !is_reply(rq, p, n)) {
        return GW_ERR_SYNTAX;
    }
    *out = rq->command < TINYBMS_LIFETIME ? le16(p + 2) : le32(p + 2);
    return GW_OK;
}

int tinybms_parse_temperatures(const struct tinybms_request *rq, const uint8_t *p, size_t n,
                               int16_t out_dc[3]) {
    if (rq->command != TINYBMS_TEMPERATURES || !is_reply(rq, p, n)) {
        return GW_ERR_SYNTAX;
    }
    /*@ loop invariant i <= 3;
        loop assigns i, out_dc[0 .. 2];
        loop variant 3 - i; */
    for (size_t i = 0; i < 3; i++) {
        out_dc[i] = (int16_t)le16(p + 3 + 2 * i);
    }
    return GW_OK;
}

int tinybms_parse_version(const struct tinybms_request *rq, const uint8_t *p, size_t n,
                          struct tinybms_version *out) {
    bool extended = rq->command == TINYBMS_EXTENDED_VERSION;
    if ((!extended && rq->command != TINYBMS_VERSION) || !is_reply(rq, p, n)) {
        return GW_ERR_SYNTAX;
    }
    *out = (struct tinybms_version){
        .hardware = p[3],
        .hardware_changes = p[4],
        .firmware_public = p[5],
        .firmware_internal = le16(p + 6),
        .extended = extended,
        .bootloader = extended ? p[8] : 0,
        .register_map = extended ? p[9] : 0,
    };
    return GW_OK;
}

int tinybms_parse_speed(const struct tinybms_request *rq, const uint8_t *p, size_t n,
                        int32_t *speed_milli, uint32_t *distance_left, uint32_t *time_left_s) {
    if (rq->command != TINYBMS_SPEED || !is_reply(rq, p, n)) {
        return GW_ERR_SYNTAX;
    }
    if (!tinybms_f32_milli(le32(p + 2), speed_milli)) {
        return GW_ERR_RANGE;
    }
    *distance_left = le32(p + 6);
    *time_left_s = le32(p + 10);
    return GW_OK;
}

/* value = mantissa x 2^(exponent - 150); from exponent 150 on it is 8388608 at least, too much. */
bool tinybms_f32_milli(uint32_t bits, int32_t *milli) {
    uint32_t exponent = bits / 0x800000 % 256;
    if (exponent >= 150) {
        return false;
    }
    uint64_t magnitude = 1000 * (uint64_t)(bits % 0x800000 + (exponent > 0 ? 0x800000u : 0));
    uint32_t halvings = 150 - (exponent > 0 ? exponent : 1);
    /*@ loop invariant 1 <= halvings <= 149 && magnitude <= 1000 * 0xFFFFFF;
        loop assigns halvings, magnitude;
        loop variant halvings; */
    for (; halvings > 1; halvings--) {
        magnitude /= 2;
    }
    magnitude = (magnitude + 1) / 2; /* the last one rounds */
    if (magnitude > INT32_MAX) {
        return false;
    }
    *milli = (bits >> 31) != 0 ? -(int32_t)magnitude : (int32_t)magnitude;
    return true;
}
