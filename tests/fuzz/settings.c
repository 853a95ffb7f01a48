/* SPDX-License-Identifier: MIT */
/* Settings files and assignments. The first byte chooses: 'a' and 'A' one assignment, as on the
 * command line and in recordings, over the defaults; 'e' a number near an edge of its range;
 * 'o' ages near each other; anything else begins a file.
 *
 * Accepted settings obey their rows and the rules between rows, stated here a second time, and come
 * back from their printed forms as they are. Refused ones change nothing and are told in print. */
#include "settings/settings.h"

#include <string.h>

#include "fuzz.h"
#include "recording.h"

enum { INPUT_MAX = 4096, PRINT_MAX = 8192 };

static int64_t number(const struct settings_row *row, const struct settings *s) {
    const unsigned char *at = (const unsigned char *)s + row->offset;
    uint32_t word;
    int32_t decimal;
    if (row->type == SETTINGS_BOOL) {
        must(*at <= 1, "a truth value is true or false");
        return *at;
    }
    memcpy(&word, at, sizeof word);
    memcpy(&decimal, at, sizeof decimal);
    return row->type == SETTINGS_DECIMAL ? decimal : (int64_t)word;
}

static void check_number(const struct settings_row *row, int64_t v) {
    must((v >= row->min && v <= row->max) || (row->or_zero && v == 0), "a number is in range");
    if (row->values != NULL) {
        const uint32_t *value = row->values;
        while (*value != 0 && *value != v) {
            value++;
        }
        must(*value != 0, "a number is one of the list");
    }
    if (row->type == SETTINGS_ENUM) {
        int64_t choices = 0;
        while (row->choices[choices] != NULL) {
            choices++;
        }
        must(v >= 0 && v < choices, "a choice is one of the words");
    }
}

static void check_text(const struct settings_row *row, const char *text) {
    const char *end = memchr(text, '\0', row->capacity);
    must(end != NULL, "a text has its end");
    must(end - text >= row->min && end - text <= row->max, "a text has a length that is allowed");
    for (const char *c = text; c < end; c++) {
        must((unsigned char)*c >= 0x20 && *c != 0x7F, "a text has no control characters");
    }
}

static void check_rows(const struct settings *s) {
    for (size_t i = 0; i < settings_table_rows; i++) {
        const struct settings_row *row = &settings_table[i];
        if (row->type == SETTINGS_STRING) {
            check_text(row, (const char *)s + row->offset);
        } else {
            check_number(row, number(row, s));
        }
    }
}

/* What the documents say about settings that belong together. */
static void check_rules(const struct settings *s) {
    must(3 * s->tinybms.poll_interval_ms <= s->tinybms.stale_close_ms &&
             s->tinybms.stale_close_ms < s->tinybms.stale_zero_ms &&
             s->tinybms.stale_zero_ms <= s->tinybms.stale_zero_discharge_ms &&
             s->tinybms.stale_zero_discharge_ms < s->tinybms.stale_silent_ms,
         "the ages of silence are in order");
    must(s->victron.thresholds.imbalance_warn_mv < s->victron.thresholds.imbalance_alarm_mv,
         "a warning comes before its alarm");
    must(s->victron.thresholds.soc_low_percent < s->victron.thresholds.soc_high_percent,
         "low is lower than high");
    must(fuzz_is_printable(s->victron.manufacturer, sizeof s->victron.manufacturer) &&
             fuzz_is_printable(s->victron.battery_name, sizeof s->victron.battery_name) &&
             fuzz_is_printable(s->victron.battery_family, sizeof s->victron.battery_family),
         "a GX can show the names");
    const char *device = s->hardware.uart.device;
    must(device[0] == '/' || strncmp(device, "tcp://", 6) == 0 || strcmp(device, "sim") == 0,
         "the BMS is at a path, a server or simulated");
    const char *interface = s->hardware.can.interface;
    must(strncmp(interface, "socketcan:", 10) == 0 || strncmp(interface, "slcan:/", 7) == 0 ||
             strcmp(interface, "sim") == 0 || strcmp(interface, "none") == 0,
         "the CAN link is of a known kind");
}

static void check_same(const struct settings *a, const struct settings *b, const char *why) {
    for (size_t i = 0; i < settings_table_rows; i++) {
        const struct settings_row *row = &settings_table[i];
        const char *left = (const char *)a + row->offset, *right = (const char *)b + row->offset;
        must(row->type == SETTINGS_STRING ? strcmp(left, right) == 0
                                          : number(row, a) == number(row, b),
             why);
    }
}

static void check_error(const struct settings_error *e, int err) {
    must(err < 0 && e->err == err, "an error is told twice alike");
    must(fuzz_is_printable(e->text, sizeof e->text) && e->text[0] != '\0',
         "an error is a printable sentence");
    must(memchr(e->key, '\0', sizeof e->key) != NULL, "an error's key has its end");
}

static void check_printed(const struct settings *s) {
    char text[PRINT_MAX], again[PRINT_MAX];
    struct settings_error e;
    struct settings read;
    settings_defaults(&read);
    const int n = settings_print(s, text, sizeof text);
    must(n > 0, "any settings can be printed");
    must(settings_parse(&read, text, (size_t)n, &e) == 0, "what was printed can be read");
    check_same(s, &read, "printing and reading change nothing");
    must(settings_print(&read, again, sizeof again) == n && memcmp(text, again, (size_t)n) == 0,
         "printing is the same each time");
}

/* Each setting through a line of a recording and back. */
static void check_recorded(const struct settings *s) {
    struct settings read;
    settings_defaults(&read);
    for (size_t i = 0; i < settings_table_rows; i++) {
        char text[RECORDING_LINE_MAX];
        struct recording_line line;
        struct settings_error e;
        const size_t n = recording_print_setting(&settings_table[i], s, NULL, text);
        if (n == 0) {
            return; /* a value that cannot stand in a line */
        }
        must(recording_parse(text, n - 1, &line) && line.kind == RECORDING_SETTING,
             "a recorded setting is a line of a recording");
        must(settings_assign(&read, line.assignment, &e) == 0,
             "a recorded setting can be assigned");
    }
    check_same(s, &read, "a recording holds the settings as they are");
}

/* A number is taken where its row says so, and nowhere else. */
static void check_edge(struct feed f) {
    const struct settings_row *row = &settings_table[feed_u8(&f) % settings_table_rows];
    const uint8_t which = feed_u8(&f);
    const int64_t edges[] = {row->min, row->max, row->preset, 0};
    const int64_t v = edges[which % 4] + (int8_t)feed_u8(&f) / (which >= 128 ? 32 : 1);
    char assignment[INPUT_MAX];
    struct settings s;
    struct settings_error e;
    struct text t;
    bool good = (v >= row->min && v <= row->max) || (row->or_zero && v == 0);
    if (row->type != SETTINGS_UINT && row->type != SETTINGS_DECIMAL) {
        return;
    }
    for (const uint32_t *value = row->values; value != NULL; value++) {
        if (*value == 0 || *value == v) {
            good = *value != 0;
            break;
        }
    }
    text_init(&t, assignment, sizeof assignment);
    text_str(&t, row->key);
    text_char(&t, '=');
    text_fixed(&t, v, row->decimals);
    settings_defaults(&s);
    must((settings_assign(&s, assignment, &e) == GW_OK) == good,
         "a number is taken where its row says so");
    must(!good || number(row, &s) == v, "a number is kept as it was given");
}

/* Ages are taken in order, and in no other. */
static void check_order(struct feed f) {
    static const uint32_t ages[] = {2000, 4999, 5000, 5001, 9999, 10000, 10001, 30000};
    struct settings s;
    struct settings_error e;
    settings_defaults(&s);
    s.tinybms.poll_interval_ms = (feed_u8(&f) & 1) != 0 ? 1666 : 1667; /* 3 times 4998, 5001 */
    s.tinybms.stale_close_ms = ages[feed_u8(&f) % 8u];
    s.tinybms.stale_zero_ms = ages[feed_u8(&f) % 8u];
    s.tinybms.stale_zero_discharge_ms = ages[feed_u8(&f) % 8u];
    s.tinybms.stale_silent_ms = ages[feed_u8(&f) % 8u];
    const bool good = 3 * s.tinybms.poll_interval_ms <= s.tinybms.stale_close_ms &&
                      s.tinybms.stale_close_ms < s.tinybms.stale_zero_ms &&
                      s.tinybms.stale_zero_ms <= s.tinybms.stale_zero_discharge_ms &&
                      s.tinybms.stale_zero_discharge_ms < s.tinybms.stale_silent_ms;
    must((settings_check(&s, &e) == GW_OK) == good, "ages are taken in order");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct settings before, s;
    struct settings_error e;
    int err;
    if (size > INPUT_MAX) {
        return 0;
    }
    memset(&e, 0, sizeof e);
    settings_defaults(&before);
    s = before;
    if (size > 0 && data[0] == 'e') {
        check_edge((struct feed){data + 1, size - 1});
        return 0;
    }
    if (size > 0 && data[0] == 'o') {
        check_order((struct feed){data + 1, size - 1});
        return 0;
    }
    if (size > 0 && (data[0] == 'a' || data[0] == 'A')) {
        char assignment[INPUT_MAX + 1];
        memcpy(assignment, data + 1, size - 1);
        assignment[size - 1] = '\0';
        err = settings_assign(&s, assignment, &e);
    } else {
        err = settings_parse(&s, (const char *)data, size, &e);
    }
    check_rows(&s);
    if (err != 0) {
        check_error(&e, err);
        check_same(&s, &before, "what is refused changes nothing");
        return 0;
    }
    check_printed(&s);
    check_recorded(&s);
    err = settings_check(&s, &e);
    if (err != 0) {
        check_error(&e, err);
        return 0;
    }
    check_rules(&s);
    return 0;
}
