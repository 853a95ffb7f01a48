/* SPDX-License-Identifier: MIT */
/* The sentences of scenario files as a table, and what their words mean.
 *
 * A pattern is words and places: # a number, @ a word, * the rest of the line, R a range (5, 1..5,
 * ..5, 1.., 5 +- 1), F a field of the CAN frames, U that field's unit, A the name of an alarm, S
 * its state, L one of the limits, X a status of the BMS. */
#include <stdio.h>
#include <string.h>

#include "sim/scenario.h"

enum { ANYWHERE = SCENARIO_GIVEN | SCENARIO_ACTION };

struct sentence {
    enum scenario_verb verb;
    const char *pattern;
    unsigned kind;
    struct {
        int32_t low, high; /* of the numbers, in units; both 0: up to a million either way */
    } number[SCENARIO_NUMBERS_MAX];
};

/* clang-format off */
static const struct sentence sentences[] = {
    {SCENARIO_SETTING,               "setting @",                    SCENARIO_GIVEN, {{0}}},
    {SCENARIO_CHEMISTRY_NMC,         "pack nmc",                     SCENARIO_GIVEN, {{0}}},
    {SCENARIO_CHEMISTRY_LFP,         "pack lfp",                     SCENARIO_GIVEN, {{0}}},
    {SCENARIO_CELLS,                 "pack of # cells",              SCENARIO_GIVEN, {{SIM_CELLS_MIN, SIM_CELLS_MAX}}},
    {SCENARIO_CAPACITY,              "pack of # Ah",                 SCENARIO_GIVEN, {{1, 655}}},
    {SCENARIO_EVEN_CELLS,            "pack even",                    SCENARIO_GIVEN, {{0}}},
    {SCENARIO_CLOCK,                 "clock # ms",                   SCENARIO_GIVEN, {{0}}},
    {SCENARIO_SEED,                  "seed #",                       SCENARIO_GIVEN, {{0, 1000000000}}},
    {SCENARIO_ORDER_ASCENDING,       "bms counts up",                SCENARIO_GIVEN, {{0}}},
    {SCENARIO_OLD_FIRMWARE,          "bms of old firmware",          SCENARIO_GIVEN, {{0}}},
    {SCENARIO_COUNTERS_NEAR_WRAP,    "counters near wrap",           ANYWHERE,       {{0}}},

    {SCENARIO_MUTE,                  "bms mute",                     ANYWHERE,       {{0}}},
    {SCENARIO_ANSWER,                "bms answer",                   ANYWHERE,       {{0}}},
    {SCENARIO_DROP,                  "bms drop # %",                 ANYWHERE,       {{0, 100}}},
    {SCENARIO_CORRUPT,               "bms corrupt # %",              ANYWHERE,       {{0, 100}}},
    {SCENARIO_NOISE,                 "bms noise # %",                ANYWHERE,       {{0, 100}}},
    {SCENARIO_TRUNCATE,              "bms truncate # %",             ANYWHERE,       {{0, 100}}},
    {SCENARIO_NACK,                  "bms nack # %",                 ANYWHERE,       {{0, 100}}},
    {SCENARIO_FRAGMENT,              "bms fragment",                 ANYWHERE,       {{0}}},
    {SCENARIO_WHOLE,                 "bms whole",                    ANYWHERE,       {{0}}},
    {SCENARIO_CHATTER,               "bms chatter",                  ANYWHERE,       {{0}}},
    {SCENARIO_QUIET,                 "bms quiet",                    ANYWHERE,       {{0}}},
    {SCENARIO_REFUSE_RESERVED,       "bms refuse reserved",          ANYWHERE,       {{0}}},
    {SCENARIO_ACCEPT_RESERVED,       "bms accept reserved",          ANYWHERE,       {{0}}},
    {SCENARIO_FREEZE,                "bms freeze",                   ANYWHERE,       {{0}}},
    {SCENARIO_FREEZE_BUT_CLOCK,      "bms freeze but clock",         ANYWHERE,       {{0}}},
    {SCENARIO_THAW,                  "bms thaw",                     ANYWHERE,       {{0}}},
    {SCENARIO_SLEEP,                 "bms sleep",                    ANYWHERE,       {{0}}},
    {SCENARIO_MAY_SLEEP,             "bms may sleep",                ANYWHERE,       {{0}}},
    {SCENARIO_STAY_AWAKE,            "bms stay awake",               ANYWHERE,       {{0}}},
    {SCENARIO_BMS_RESTART,           "bms restart for # s",          SCENARIO_ACTION, {{0, 3600}}},

    {SCENARIO_REGISTER_READS,        "bms register # reads #",       ANYWHERE,       {{0, SIM_BMS_REGISTERS - 1}, {0, 65535}}},
    {SCENARIO_REGISTERS_READ,        "bms registers # to # read #",  ANYWHERE,       {{0, SIM_BMS_REGISTERS - 1}, {0, SIM_BMS_REGISTERS - 1}, {0, 65535}}},
    {SCENARIO_CELL_READS,            "bms cell # reads # mV",        ANYWHERE,       {{1, SIM_CELLS_MAX}, {0, 6553}}},
    {SCENARIO_CELLS_SWAPPED,         "bms cells # and # swapped",    ANYWHERE,       {{1, SIM_CELLS_MAX}, {1, SIM_CELLS_MAX}}},
    {SCENARIO_CELLS_STUCK,           "bms cells stuck",              ANYWHERE,       {{0}}},
    {SCENARIO_VOLTAGE_READS,         "bms voltage reads # V",        ANYWHERE,       {{-1000, 1000}}},
    {SCENARIO_CURRENT_READS,         "bms current reads # A",        ANYWHERE,       {{-10000, 10000}}},
    {SCENARIO_CURRENT_STUCK,         "bms current stuck",            ANYWHERE,       {{0}}},
    {SCENARIO_SOC_READS,             "bms soc reads # %",            ANYWHERE,       {{0, 4000}}},
    {SCENARIO_STATUS_READS,          "bms status reads <status>",           ANYWHERE,       {{0, 65535}}},
    {SCENARIO_TEMPERATURE_READS,     "bms temperature # reads # degC", ANYWHERE,     {{0, 2}, {-3276, 3276}}},
    {SCENARIO_TEMPERATURE_STUCK,     "bms temperature # stuck",      ANYWHERE,       {{0, 2}}},
    {SCENARIO_TEMPERATURE_ABSENT,    "bms temperature # absent",     ANYWHERE,       {{0, 2}}},
    {SCENARIO_TELL_TRUTH,            "bms tell truth",               ANYWHERE,       {{0}}},
    {SCENARIO_REGISTER_SET,          "bms register # set to #",      ANYWHERE,       {{0, SIM_BMS_REGISTERS - 1}, {-32768, 65535}}},
    {SCENARIO_HEAL,                  "bms heal",                     ANYWHERE,       {{0}}},

    {SCENARIO_PACK_CELL,             "pack cell # at # mV",          ANYWHERE,       {{1, SIM_CELLS_MAX}, {0, 6000}}},
    {SCENARIO_PACK_CELLS,            "pack cells at # mV",           ANYWHERE,       {{0, 6000}}},
    {SCENARIO_PACK_TEMPERATURE,      "pack temperature # degC",      ANYWHERE,       {{-60, 150}}},
    {SCENARIO_PACK_CURRENT,          "pack current # A",             ANYWHERE,       {{-1000, 1000}}},
    {SCENARIO_PACK_SOC,              "pack soc # %",                 ANYWHERE,       {{0, 100}}},
    {SCENARIO_PACK_DAY,              "pack day",                     ANYWHERE,       {{0}}},
    {SCENARIO_PACK_CYCLE,            "pack cycle",                   ANYWHERE,       {{0}}},

    {SCENARIO_GX_ABSENT,             "gx absent",                    ANYWHERE,       {{0}}},
    {SCENARIO_GX_PRESENT,            "gx present",                   ANYWHERE,       {{0}}},
    {SCENARIO_CAN_DOWN,              "can down",                     ANYWHERE,       {{0}}},
    {SCENARIO_CAN_UP,                "can up",                       ANYWHERE,       {{0}}},
    {SCENARIO_CAN_STALL,             "can stall",                    ANYWHERE,       {{0}}},
    {SCENARIO_CAN_FLOW,              "can flow",                     ANYWHERE,       {{0}}},
    {SCENARIO_UART_DOWN,             "uart down",                    ANYWHERE,       {{0}}},
    {SCENARIO_UART_UP,               "uart up",                      ANYWHERE,       {{0}}},
    {SCENARIO_GATEWAY_SET,           "gateway set @",                SCENARIO_ACTION, {{0}}},
    {SCENARIO_GATEWAY_RESTARTS_BMS,  "gateway restarts bms",         SCENARIO_ACTION, {{0}}},
    {SCENARIO_GATEWAY_CLEARS_EVENTS, "gateway clears events",        SCENARIO_ACTION, {{0}}},
    {SCENARIO_GATEWAY_READS,         "gateway reads register #",     SCENARIO_ACTION, {{0, 65535}}},
    {SCENARIO_GATEWAY_WRITES,        "gateway writes register # value #", SCENARIO_ACTION, {{0, 65535}, {0, 65535}}},
    {SCENARIO_GATEWAY_STARTS_AGAIN,  "gateway starts again",         SCENARIO_ACTION, {{0}}},
    {SCENARIO_END,                   "end",                          SCENARIO_ACTION, {{0}}},

    {SCENARIO_EXPECT_FIELD,          "expect <field> <range> <unit>",                 SCENARIO_EXPECTATION, {{0}}},
    {SCENARIO_EXPECT_ALARM,          "expect alarm <alarm> <on>",             SCENARIO_EXPECTATION, {{0}}},
    {SCENARIO_EXPECT_WARNING,        "expect warning <alarm> <on>",           SCENARIO_EXPECTATION, {{0}}},
    {SCENARIO_EXPECT_ONLINE,         "expect online",                SCENARIO_EXPECTATION, {{0}}},
    {SCENARIO_EXPECT_OFFLINE,        "expect offline",               SCENARIO_EXPECTATION, {{0}}},
    {SCENARIO_EXPECT_STAGE,          "expect stage @",               SCENARIO_EXPECTATION, {{0}}},
    {SCENARIO_EXPECT_LINK,           "expect link @",                SCENARIO_EXPECTATION, {{0}}},
    {SCENARIO_EXPECT_REASON,         "expect reason <limit> @",            SCENARIO_EXPECTATION, {{0}}},
    {SCENARIO_EXPECT_FRAMES_NONE,    "expect frames none",           SCENARIO_EXPECTATION, {{0}}},
    {SCENARIO_EXPECT_FRAMES,         "expect frames",                SCENARIO_EXPECTATION, {{0}}},
    {SCENARIO_EXPECT_FRAME_NONE,     "expect frame # none",          SCENARIO_EXPECTATION, {{0, 0x7FF}}},
    {SCENARIO_EXPECT_FRAME,          "expect frame #",               SCENARIO_EXPECTATION, {{0, 0x7FF}}},
    {SCENARIO_EXPECT_GAP,            "expect gap # <range> s",             SCENARIO_EXPECTATION, {{0, 0x7FF}}},
    {SCENARIO_EXPECT_SAME,           "expect same #",                SCENARIO_EXPECTATION, {{0, 0x7FF}}},
    {SCENARIO_EXPECT_TEXT,           "expect text # *",              SCENARIO_EXPECTATION, {{0, 0x7FF}}},
    {SCENARIO_EXPECT_GX_RUNNING,     "expect gx running",            SCENARIO_EXPECTATION, {{0}}},
    {SCENARIO_EXPECT_GX_STOPPED,     "expect gx stopped",            SCENARIO_EXPECTATION, {{0}}},
    {SCENARIO_EXPECT_REQUEST_GAP,    "expect request gap <range> s",       SCENARIO_EXPECTATION, {{0}}},
    {SCENARIO_EXPECT_REQUESTS,       "expect requests <range>",            SCENARIO_EXPECTATION, {{0}}},
    {SCENARIO_EXPECT_NO_LOG,         "expect no log *",              SCENARIO_EXPECTATION, {{0}}},
    {SCENARIO_EXPECT_LOG,            "expect log *",                 SCENARIO_EXPECTATION, {{0}}},
    {SCENARIO_EXPECT_ANSWER_OK,      "expect answer ok",             SCENARIO_EXPECTATION, {{0}}},
    {SCENARIO_EXPECT_ANSWER_FAILED,  "expect answer failed",         SCENARIO_EXPECTATION, {{0}}},
    {SCENARIO_EXPECT_OPEN,           "expect open",                  SCENARIO_EXPECTATION, {{0}}},
};

static const struct scenario_field fields[] = {
    {"cvl", "V", SIM_GX_CVL},
    {"ccl", "A", SIM_GX_CCL},
    {"dcl", "A", SIM_GX_DCL},
    {"discharge-voltage", "V", SIM_GX_DISCHARGE_VOLTAGE},
    {"soc", "%", SIM_GX_SOC},
    {"soh", "%", SIM_GX_SOH},
    {"soc-fine", "%", SIM_GX_SOC_FINE},
    {"voltage", "V", SIM_GX_VOLTAGE},
    {"current", "A", SIM_GX_CURRENT},
    {"temperature", "degC", SIM_GX_TEMPERATURE},
    {"online-capacity", "Ah", SIM_GX_ONLINE_CAPACITY},
    {"installed-capacity", "Ah", SIM_GX_INSTALLED_CAPACITY},
    {"modules-ok", "modules", SIM_GX_MODULES_OK},
    {"modules-no-charge", "modules", SIM_GX_MODULES_NO_CHARGE},
    {"modules-no-discharge", "modules", SIM_GX_MODULES_NO_DISCHARGE},
    {"modules-offline", "modules", SIM_GX_MODULES_OFFLINE},
    {"lowest-cell", "mV", SIM_GX_MIN_CELL},
    {"highest-cell", "mV", SIM_GX_MAX_CELL},
    {"coldest", "K", SIM_GX_MIN_TEMPERATURE},
    {"warmest", "K", SIM_GX_MAX_TEMPERATURE},
};

static const struct {
    const char *name;
    uint16_t raw;
} statuses[] = {
    {"charging", 0x91}, {"fully-charged", 0x92}, {"discharging", 0x93},
    {"regeneration", 0x96}, {"idle", 0x97}, {"fault", 0x9B},
};
/* clang-format on */

enum { NUMBER_LIMIT = 1000000 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const struct scenario_field *scenario_field(unsigned index) {
    return &fields[index];
}

static bool hexadecimal(const char *digits, int64_t *out) {
    int64_t v = 0;
    unsigned n = 0;
    for (; digits[n] != '\0'; n++) {
        int digit = sim_can_hex(digits[n]);
        if (digit < 0 || n == 8)
            return false;
        v = v * 16 + digit;
    }
    *out = v * 1000;
    return n > 0;
}

bool scenario_number(const char *word, int64_t *out) {
    bool negative = word[0] == '-';
    const char *p = negative ? word + 1 : word;
    int64_t v = 0;
    unsigned digits = 0, places = 0;
    if (p[0] == '0' && p[1] == 'x')
        return !negative && hexadecimal(p + 2, out);
    for (; *p >= '0' && *p <= '9' && digits < 12; p++, digits++)
        v = v * 10 + (*p - '0');
    if (digits > 0 && *p == '.') {
        for (p++; *p >= '0' && *p <= '9' && places < 3; p++, places++)
            v = v * 10 + (*p - '0');
        if (places == 0)
            return false;
    }
    for (; places < 3; places++)
        v *= 10;
    *out = negative ? -v : v;
    return digits > 0 && *p == '\0';
}

/* "1..5", "..5", "1..", "5". */
static bool plain_range(const char *word, struct scenario_range *out) {
    char low[SCENARIO_WORD_MAX + 1];
    const char *dots = strstr(word, "..");
    out->low = INT64_MIN;
    out->high = INT64_MAX;
    if (dots == NULL) {
        bool ok = scenario_number(word, &out->low);
        out->high = out->low;
        return ok;
    }
    size_t n = (size_t)(dots - word);
    memcpy(low, word, n);
    low[n] = '\0';
    if (n == 0 && dots[2] == '\0')
        return false;
    return (n == 0 || scenario_number(low, &out->low)) &&
           (dots[2] == '\0' || scenario_number(dots + 2, &out->high)) && out->low <= out->high;
}

/* The sentence being read. */
struct reading {
    const char (*word)[SCENARIO_WORD_MAX + 1];
    unsigned words, at;
    const struct sentence *sentence;
    struct scenario_line *line;
    unsigned numbers;
    const char *expected; /* at the word where it did not go on */
    char expected_text[96];
};

static bool expect(struct reading *r, const char *what) {
    r->expected = what;
    return false;
}

static bool store(struct reading *r, int64_t v) {
    r->line->number[r->numbers++] = v;
    return true;
}

static bool read_number(struct reading *r, const char *word) {
    int64_t v, low = r->sentence->number[r->numbers].low,
               high = r->sentence->number[r->numbers].high;
    if (low == 0 && high == 0) {
        low = -NUMBER_LIMIT;
        high = (int64_t)NUMBER_LIMIT * NUMBER_LIMIT;
    }
    if (scenario_number(word, &v) && v >= low * 1000 && v <= high * 1000)
        return store(r, v);
    (void)snprintf(r->expected_text, sizeof r->expected_text, "a number from %lld to %lld",
                   (long long)low, (long long)high);
    return expect(r, r->expected_text);
}

static bool read_range(struct reading *r, const char *word) {
    int64_t tolerance;
    bool has_tolerance = r->at + 1 < r->words && strcmp(r->word[r->at], "+-") == 0;
    if (!plain_range(word, &r->line->range))
        return expect(r, "a range such as 5, 1..5, ..5, 1.. or 5 +- 1");
    if (!has_tolerance)
        return true;
    if (r->line->range.low != r->line->range.high ||
        !scenario_number(r->word[r->at + 1], &tolerance) || tolerance < 0)
        return expect(r, "a number, +- and a tolerance");
    r->at += 2;
    r->line->range.low -= tolerance;
    r->line->range.high += tolerance;
    return true;
}

static bool read_field(struct reading *r, const char *word) {
    for (unsigned i = 0; i < COUNT(fields); i++) {
        if (strcmp(word, fields[i].name) == 0)
            return store(r, i);
    }
    return expect(r, "cvl, ccl, dcl, soc, voltage or another field of the CAN frames");
}

static bool read_unit(struct reading *r, const char *word) {
    const char *unit = fields[r->line->number[0]].unit;
    return strcmp(word, unit) == 0 || expect(r, unit);
}

/* "bms-internal" is "BMS internal". */
static bool names_alarm(const char *word, const char *name) {
    for (; *word != '\0' && *name != '\0'; word++, name++) {
        char c = *name == ' ' ? '-' : *name >= 'A' && *name <= 'Z' ? (char)(*name + 32) : *name;
        if (*word != c)
            return false;
    }
    return *word == *name;
}

static bool read_alarm(struct reading *r, const char *word) {
    for (unsigned i = 0; i < SIM_GX_ALARM_KINDS; i++) {
        if (names_alarm(word, sim_gx_alarm_name(i)))
            return store(r, i);
    }
    return expect(r, "the name of an alarm, such as bms-internal or high-voltage");
}

static bool read_alarm_state(struct reading *r, const char *word) {
    static const char *const name[] = {
        [SIM_GX_PAIR_ABSENT] = "absent", [SIM_GX_PAIR_ACTIVE] = "on", [SIM_GX_PAIR_QUIET] = "off"};
    for (unsigned i = 0; i < COUNT(name); i++) {
        if (strcmp(word, name[i]) == 0)
            return store(r, i);
    }
    return expect(r, "on, off or absent");
}

static bool read_limit(struct reading *r, const char *word) {
    static const char *const name[] = {"cvl", "ccl", "dcl"};
    for (unsigned i = 0; i < COUNT(name); i++) {
        if (strcmp(word, name[i]) == 0)
            return store(r, i);
    }
    return expect(r, "cvl, ccl or dcl");
}

static bool read_status(struct reading *r, const char *word) {
    int64_t v;
    for (unsigned i = 0; i < COUNT(statuses); i++) {
        if (strcmp(word, statuses[i].name) == 0)
            return store(r, statuses[i].raw);
    }
    if (scenario_number(word, &v) && v >= 0 && v <= 65535000)
        return store(r, v / 1000);
    return expect(r, "charging, fully-charged, discharging, regeneration, idle, fault or a number");
}

/* The rest of the line as one text. */
static bool read_rest(struct reading *r) {
    size_t n = 0;
    for (; r->at < r->words; r->at++) {
        size_t length = strlen(r->word[r->at]);
        if (n + length + 1 > SCENARIO_WORD_MAX)
            return expect(r, "a shorter text");
        if (n > 0)
            r->line->word[n++] = ' ';
        memcpy(r->line->word + n, r->word[r->at], length);
        n += length;
    }
    r->line->word[n] = '\0';
    return n > 0 || expect(r, "a text");
}

/* One place of the pattern. */
static bool read_place(struct reading *r, const char *place) {
    if (place[0] == '*')
        return read_rest(r);
    const char *word = r->word[r->at++];
    bool ok = true;
    switch (place[0] == '<' ? place[1] : place[0]) {
    case '#':
        ok = read_number(r, word);
        break;
    case 'r':
        ok = read_range(r, word);
        break;
    case 'f':
        ok = read_field(r, word);
        break;
    case 'u':
        ok = read_unit(r, word);
        break;
    case 'a':
        ok = read_alarm(r, word);
        break;
    case 'o':
        ok = read_alarm_state(r, word);
        break;
    case 'l':
        ok = read_limit(r, word);
        break;
    case 's':
        ok = read_status(r, word);
        break;
    default: /* '@' */
        memcpy(r->line->word, word, sizeof r->line->word);
        break;
    }
    if (!ok)
        r->at--;
    return ok;
}

static bool is_place(const char *token) {
    return strchr("#@*<", token[0]) != NULL;
}

static bool is_plain_word(const struct reading *r, const char *token, size_t n) {
    return strlen(r->word[r->at]) == n && memcmp(r->word[r->at], token, n) == 0;
}

/* True when the words are this sentence; else r->at is how far they were, and r->expected what
 * should have stood there. */
static bool read_sentence(struct reading *r, const struct sentence *s) {
    const char *p = s->pattern;
    r->sentence = s;
    r->at = r->numbers = 0;
    while (*p != '\0') {
        size_t n = strcspn(p, " ");
        if (r->at == r->words || (!is_place(p) && !is_plain_word(r, p, n))) {
            (void)snprintf(r->expected_text, sizeof r->expected_text,
                           is_place(p) ? "%.*s" : "\"%.*s\"", (int)n, p);
            return expect(r, p[0] == '#'   ? "a number"
                             : p[0] == '@' ? "a word"
                             : p[0] == '*' ? "a text"
                                           : r->expected_text);
        }
        if (is_place(p) && !read_place(r, p))
            return false;
        r->at += is_place(p) ? 0 : 1;
        p += n + (p[n] == ' ');
    }
    return r->at == r->words || expect(r, "the end of the line");
}

/* What each sentence that got as far as `best` expected there, once each. */
static void add_expected(char *list, size_t cap, const char *what) {
    size_t n = strlen(list), length = strlen(what);
    if (strstr(list, what) == NULL && n + length + 5 < cap)
        (void)snprintf(list + n, cap - n, "%s%s", n > 0 ? " or " : "", what);
}

bool scenario_sentence(struct scenario_line *line, unsigned kind,
                       const char word[][SCENARIO_WORD_MAX + 1], unsigned words,
                       struct scenario_error *e) {
    const struct scenario_line empty = *line;
    unsigned best = 0;
    char expected[240] = "";
    for (size_t i = 0; i < COUNT(sentences); i++) {
        struct reading r = {.word = word, .words = words, .line = line};
        if ((sentences[i].kind & kind) == 0)
            continue;
        *line = empty;
        if (read_sentence(&r, &sentences[i])) {
            line->verb = sentences[i].verb;
            return true;
        }
        if (r.at > best) {
            best = r.at;
            expected[0] = '\0';
        }
        if (r.at == best)
            add_expected(expected, sizeof expected, r.expected);
    }
    if (best < words)
        (void)snprintf(e->text, sizeof e->text, "expected %s at \"%.40s\"", expected, word[best]);
    else
        (void)snprintf(e->text, sizeof e->text, "expected %s at the end of the line", expected);
    return false;
}
