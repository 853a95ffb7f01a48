/* SPDX-License-Identifier: MIT */
/* victron/: what is known of a battery, and the frames that must or must not be sent of it. */
#include "golden.h"

#include <limits.h>
#include <string.h>

#include "battery/battery.h"
#include "fields.h"
#include "victron/victron.h"

struct inputs {
    struct battery battery;
    struct limits limits;
    struct alarms alarms;
    struct victron_config config;
};

static void inputs_reset(struct inputs *in) {
    memset(in, 0, sizeof *in);
    battery_init(&in->battery);
    in->config = (struct victron_config){.period_ms = 1000,
                                         .keepalive_timeout_ms = 10000,
                                         .manufacturer = "TinyBMS",
                                         .battery_family = "TinyBMS",
                                         .soh_when_unknown = 100};
}

static void take_text(struct vector_reader *r, char *out, size_t cap) {
    if (r->words != 3 || strlen(r->word[2]) >= cap) {
        vector_fail(r, "one text of at most %zu characters expected", cap - 1);
        return;
    }
    memset(out, 0, cap);
    memcpy(out, r->word[2], strlen(r->word[2]));
}

static void take_states(struct vector_reader *r, uint8_t state[ALARM_COUNT]) {
    if (r->words != 3 || strlen(r->word[2]) != ALARM_COUNT) {
        vector_fail(r, "one line of %d states expected", ALARM_COUNT);
        return;
    }
    for (int i = 0; i < ALARM_COUNT; i++) {
        switch (r->word[2][i]) {
        case 'A':
            state[i] = ALARM_ACTIVE;
            break;
        case 'Q':
            state[i] = ALARM_QUIET;
            break;
        case '-':
            state[i] = ALARM_NOT_SUPPORTED;
            break;
        default:
            vector_fail(r, "'%c' is no state", r->word[2][i]);
            return;
        }
    }
}

static void take_limit(struct vector_reader *r, struct limits *l) {
    const struct {
        const char *name;
        uint32_t *value;
    } table[] = {
        {"cvl_mv", &l->cvl_mv},
        {"ccl_ma", &l->ccl_ma},
        {"dcl_ma", &l->dcl_ma},
        {"discharge_voltage_mv", &l->discharge_voltage_mv},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(r->word[1], table[i].name) == 0 && r->words == 3) {
            *table[i].value = (uint32_t)vector_number(r, 2, 0, UINT32_MAX);
            l->valid = true;
            return;
        }
    }
    vector_fail(r, "unknown field '%s', or not one value", r->word[1]);
}

static void take_input(struct vector_reader *r, struct inputs *in) {
    if (r->words < 3) {
        vector_fail(r, "given FIELD VALUE... expected");
        return;
    }
    const char *name = r->word[1];
    if (field_find(name) != NULL) {
        field_store(r, 1, &in->battery);
    } else if (strcmp(name, "alarms") == 0) {
        take_states(r, in->alarms.alarm);
    } else if (strcmp(name, "warnings") == 0) {
        take_states(r, in->alarms.warning);
    } else if (strcmp(name, "online") == 0) {
        in->alarms.online = strcmp(r->word[2], "yes") == 0;
        if (!in->alarms.online && strcmp(r->word[2], "no") != 0) {
            vector_fail(r, "online is yes or no, not '%s'", r->word[2]);
        }
    } else if (strcmp(name, "manufacturer") == 0) {
        take_text(r, in->config.manufacturer, sizeof in->config.manufacturer);
    } else if (strcmp(name, "battery_name") == 0) {
        take_text(r, in->config.battery_name, sizeof in->config.battery_name);
    } else if (strcmp(name, "battery_family") == 0) {
        take_text(r, in->config.battery_family, sizeof in->config.battery_family);
    } else if (strcmp(name, "soh_when_unknown") == 0) {
        in->config.soh_when_unknown = (uint8_t)vector_number(r, 2, 0, 100);
    } else {
        take_limit(r, &in->limits);
    }
}

/* What the gateway makes of the inputs for one identifier. False: it sends nothing. */
static bool encode(struct inputs *in, uint16_t id, struct victron_frame *frame) {
    battery_derive(&in->battery);
    const struct victron_source source = {&in->battery, &in->limits, &in->alarms, &in->config};
    for (unsigned i = 0; i < victron_table_rows; i++) {
        if (victron_table[i].id == id) {
            return victron_table[i].encode(&source, frame);
        }
    }
    return false;
}

static void check_frame(struct vector_reader *r, struct inputs *in) {
    const uint16_t id = (uint16_t)vector_number(r, 1, 0, 0x7FF);
    struct victron_frame frame;
    memset(&frame, 0xEE, sizeof frame); /* a byte left unset must show */
    const bool sent = encode(in, id, &frame);
    const bool none = vector_is(r, "none");
    if (none && r->words != 2) {
        vector_fail(r, "none ID expected");
    }
    char got[3 * 8 + 1] = "none";
    if (sent) {
        vector_hex(frame.data, 8, got);
    }
    if (none ? sent : !vector_frame_matches(r, 2, sent, frame.data)) {
        vector_fail(r, "0x%03X: got %s", id, got);
    }
    if (sent && (frame.id != id || frame.len != 8)) {
        vector_fail(r, "0x%03X: got id 0x%03X, length %u", id, frame.id, frame.len);
    }
}

void victron_vectors_run(struct vector_reader *r) {
    static struct inputs in;
    unsigned checks = 1;
    while (vector_next(r)) {
        if (vector_is(r, "vector")) {
            if (checks == 0) {
                vector_fail(r, "the vector before this one expects nothing");
            }
            inputs_reset(&in);
            checks = 0;
        } else if (vector_is(r, "given")) {
            take_input(r, &in);
        } else if (vector_is(r, "frame") || vector_is(r, "none")) {
            check_frame(r, &in);
            checks++;
        } else {
            vector_fail(r, "unknown keyword '%s'", r->word[0]);
        }
    }
    if (checks == 0) {
        vector_fail(r, "the last vector expects nothing");
    }
}
