/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "sim_bms_options.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "commands.h"
#include "options.h"
#include "version.h"

static const char command[] = "sim bms";

static const char help[] =
    "usage: tinybms-gw sim bms --link PATH [OPTION]...\n\n"
    "A virtual TinyBMS on a pseudo-terminal; PATH is a link to it until Ctrl-C.\n\n"
    "      --link PATH       where the link is made; needed\n"
    "      --registers FILE  serve these registers (lines \"address 0xVALUE\", comments with #)\n"
    "                        instead of a simulated pack\n"
    "      --scenario FILE   play what a scenario file says about the battery, from the start on\n"
    "      --speed X         speed of the pack's time, 0.1 to 3600; 1\n"
    "      --seed N          another pack and other faults; 1\n"
    "      --baud N          bit rate that the bytes are timed for; 115200\n\n"
    "The pack and the house around it:\n"
    "      --chemistry NAME  nmc (14 cells, 66 Ah), lfp (16 cells, 100 Ah) or lto (16 cells,\n"
    "                        40 Ah); nmc\n"
    "      --cells N         cells, 4 to 16\n"
    "      --soc PCT         charge at the start; 55\n"
    "      --temperature DEG of the air and, at the start, of the pack, in degC; 21\n"
    "      --current A       what the house wants, + charging, instead of a day's ups and downs\n"
    "      --charger-voltage V  that the charger holds; register 300 times the cells\n"
    "      --charger HOW     house (never unplugged), plugged (in by hand) or none; house\n"
    "      --through-load-port  it charges by the load port: regeneration\n\n"
    "The device:\n"
    "      --version-a A     30, 150 or 750: the version by its current sensor; 150\n"
    "      --single-port     one switch for charger and load\n"
    "      --old-firmware    from before revision D of the protocol\n"
    "      --sensors N       external temperature sensors, 0 to 2; 2\n"
    "      --sleep           fall asleep after 10 s without traffic, as a TinyBMS does\n"
    "      --current-offset A   the current sensor shows so much too much\n"
    "      --current-gain PCT   and this share too much of what flows\n"
    "      --capacity-error PCT register 306 is too large by this share\n\n"
    "Faults, in percent of the replies:\n"
    "      --drop PCT        not sent\n"
    "      --corrupt PCT     with flipped bits\n"
    "      --noise PCT       with stray bytes before them\n"
    "      --truncate PCT    cut short\n"
    "      --nack PCT        refused without a reason\n"
    "      --fragment        every reply comes in pieces\n"
    "      --chatter         unasked bytes in between\n"
    "      --mute            nothing is answered\n"
    "      --freeze          answers, but measures no more\n"
    "      --freeze-clock    the same, but its counter goes on\n"
    "      --refuse-reserved refuse reads that touch registers 16 to 31\n\n"
    "Faults of what it senses, which it believes (SENSE: cells, current, external1, external2,\n"
    "board, soc, voltage):\n"
    "      --swap M,N        cells M and N are wired in each other's place\n"
    "      --stuck SENSE     stays as it is at the start; may be repeated\n"
    "      --jump SENSE=X    is off by X (A, degC, %, V); cell3=X: of cell 3, in mV\n"
    "      --jump-rate PCT   in so many of the measurements; 100\n\n"
    "  -h, --help            this text\n"
    "      --version         the version\n";

enum {
    OPTION_LINK = 256,
    OPTION_REGISTERS,
    OPTION_SCENARIO,
    OPTION_CHEMISTRY,
    OPTION_CELLS,
    OPTION_SPEED,
    OPTION_SEED,
    OPTION_BAUD,
    OPTION_SLEEP,
    OPTION_DROP,
    OPTION_CORRUPT,
    OPTION_NOISE,
    OPTION_TRUNCATE,
    OPTION_NACK,
    OPTION_FRAGMENT,
    OPTION_CHATTER,
    OPTION_MUTE,
    OPTION_FREEZE,
    OPTION_REFUSE_RESERVED,
    OPTION_SOC,
    OPTION_TEMPERATURE,
    OPTION_CURRENT,
    OPTION_CHARGER_VOLTAGE,
    OPTION_CHARGER,
    OPTION_THROUGH_LOAD_PORT,
    OPTION_VERSION_A,
    OPTION_SINGLE_PORT,
    OPTION_OLD_FIRMWARE,
    OPTION_SENSORS,
    OPTION_CURRENT_OFFSET,
    OPTION_CURRENT_GAIN,
    OPTION_CAPACITY_ERROR,
    OPTION_FREEZE_CLOCK,
    OPTION_SWAP,
    OPTION_STUCK,
    OPTION_JUMP,
    OPTION_JUMP_RATE,
    OPTION_VERSION,
};

/* clang-format off */
static const struct option names[] = {
    {"link",            required_argument, NULL, OPTION_LINK},
    {"registers",       required_argument, NULL, OPTION_REGISTERS},
    {"scenario",        required_argument, NULL, OPTION_SCENARIO},
    {"chemistry",       required_argument, NULL, OPTION_CHEMISTRY},
    {"cells",           required_argument, NULL, OPTION_CELLS},
    {"speed",           required_argument, NULL, OPTION_SPEED},
    {"seed",            required_argument, NULL, OPTION_SEED},
    {"baud",            required_argument, NULL, OPTION_BAUD},
    {"sleep",           no_argument,       NULL, OPTION_SLEEP},
    {"drop",            required_argument, NULL, OPTION_DROP},
    {"corrupt",         required_argument, NULL, OPTION_CORRUPT},
    {"noise",           required_argument, NULL, OPTION_NOISE},
    {"truncate",        required_argument, NULL, OPTION_TRUNCATE},
    {"nack",            required_argument, NULL, OPTION_NACK},
    {"fragment",        no_argument,       NULL, OPTION_FRAGMENT},
    {"chatter",         no_argument,       NULL, OPTION_CHATTER},
    {"mute",            no_argument,       NULL, OPTION_MUTE},
    {"freeze",          no_argument,       NULL, OPTION_FREEZE},
    {"refuse-reserved", no_argument,       NULL, OPTION_REFUSE_RESERVED},
    {"soc",             required_argument, NULL, OPTION_SOC},
    {"temperature",     required_argument, NULL, OPTION_TEMPERATURE},
    {"current",         required_argument, NULL, OPTION_CURRENT},
    {"charger-voltage", required_argument, NULL, OPTION_CHARGER_VOLTAGE},
    {"charger",         required_argument, NULL, OPTION_CHARGER},
    {"through-load-port", no_argument,     NULL, OPTION_THROUGH_LOAD_PORT},
    {"version-a",       required_argument, NULL, OPTION_VERSION_A},
    {"single-port",     no_argument,       NULL, OPTION_SINGLE_PORT},
    {"old-firmware",    no_argument,       NULL, OPTION_OLD_FIRMWARE},
    {"sensors",         required_argument, NULL, OPTION_SENSORS},
    {"current-offset",  required_argument, NULL, OPTION_CURRENT_OFFSET},
    {"current-gain",    required_argument, NULL, OPTION_CURRENT_GAIN},
    {"capacity-error",  required_argument, NULL, OPTION_CAPACITY_ERROR},
    {"freeze-clock",    no_argument,       NULL, OPTION_FREEZE_CLOCK},
    {"swap",            required_argument, NULL, OPTION_SWAP},
    {"stuck",           required_argument, NULL, OPTION_STUCK},
    {"jump",            required_argument, NULL, OPTION_JUMP},
    {"jump-rate",       required_argument, NULL, OPTION_JUMP_RATE},
    {"help",            no_argument,       NULL, 'h'},
    {"version",         no_argument,       NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};
/* clang-format on */

/* clang-format off */
/* Options that switch something on, */
static const struct {
    int code;
    size_t at; /* a bool in struct sim_bms_options */
} flags[] = {
    {OPTION_SLEEP,             offsetof(struct sim_bms_options, config.sleeps)},
    {OPTION_THROUGH_LOAD_PORT, offsetof(struct sim_bms_options, config.through_load_port)},
    {OPTION_OLD_FIRMWARE,      offsetof(struct sim_bms_options, config.before_revision_d)},
    {OPTION_SINGLE_PORT,       offsetof(struct sim_bms_options, single_port)},
    {OPTION_FRAGMENT,          offsetof(struct sim_bms_options, config.faults.fragment)},
    {OPTION_CHATTER,           offsetof(struct sim_bms_options, config.faults.chatter)},
    {OPTION_MUTE,              offsetof(struct sim_bms_options, config.faults.mute)},
    {OPTION_FREEZE,            offsetof(struct sim_bms_options, config.faults.freeze)},
    {OPTION_FREEZE_CLOCK,      offsetof(struct sim_bms_options, config.faults.freeze_but_clock)},
    {OPTION_REFUSE_RESERVED,   offsetof(struct sim_bms_options, config.faults.refuse_reserved)},
};

/* that say how often something goes wrong, */
static const struct {
    int code;
    size_t at; /* a uint32_t, 0.01 % */
} rates[] = {
    {OPTION_DROP,      offsetof(struct sim_bms_options, config.faults.drop_cpct)},
    {OPTION_CORRUPT,   offsetof(struct sim_bms_options, config.faults.corrupt_cpct)},
    {OPTION_NOISE,     offsetof(struct sim_bms_options, config.faults.noise_cpct)},
    {OPTION_TRUNCATE,  offsetof(struct sim_bms_options, config.faults.truncate_cpct)},
    {OPTION_NACK,      offsetof(struct sim_bms_options, config.faults.nack_cpct)},
    {OPTION_JUMP_RATE, offsetof(struct sim_bms_options, config.faults.jump_cpct)},
};

/* and that give a quantity. */
static const struct {
    int code;
    double min, max, unit;
    size_t at; /* a double, of so many units */
} quantities[] = {
    {OPTION_SPEED,              0.1, 3600.0, 1.0,  offsetof(struct sim_bms_options, config.speed)},
    {OPTION_SOC,                0.0,  100.0, 0.01, offsetof(struct sim_bms_options, config.pack.start_soc)},
    {OPTION_TEMPERATURE,      -60.0,   90.0, 1.0,  offsetof(struct sim_bms_options, config.pack.ambient_c)},
    {OPTION_CURRENT,        -1000.0, 1000.0, 1.0,  offsetof(struct sim_bms_options, current_a)},
    {OPTION_CHARGER_VOLTAGE,    1.0,  100.0, 1.0,  offsetof(struct sim_bms_options, charger_v)},
    {OPTION_CURRENT_OFFSET,  -100.0,  100.0, 1.0,  offsetof(struct sim_bms_options, config.current_offset_a)},
    {OPTION_CURRENT_GAIN,    -100.0,  100.0, 0.01, offsetof(struct sim_bms_options, config.current_gain)},
    {OPTION_CAPACITY_ERROR,   -90.0,  100.0, 0.01, offsetof(struct sim_bms_options, config.capacity_error)},
};
/* clang-format on */

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* The name of an option, as it is typed after "--". */
static const char *name_of(int code) {
    size_t i = 0;
    while (names[i].val != code) {
        i++;
    }
    return names[i].name;
}

/* text as a number that may be negative. */
static bool number(int code, const char *text, double min, double max, double *out) {
    char *end;
    double v = strtod(text, &end);
    if (end == text || *end != '\0' || !(v >= min && v <= max)) {
        (void)fprintf(stderr, "tinybms-gw %s: --%s %s: a number from %g to %g is needed\n", command,
                      name_of(code), text, min, max);
        return false;
    }
    *out = v;
    return true;
}

/* An option of the tables; false: out of range, or not one. */
static bool take_row(struct sim_bms_options *a, int code, bool *known) {
    double v = 0.0;
    *known = true;
    for (size_t i = 0; i < COUNT(flags); i++) {
        if (flags[i].code == code) {
            return *(bool *)((char *)a + flags[i].at) = true;
        }
    }
    for (size_t i = 0; i < COUNT(rates); i++) {
        if (rates[i].code == code) {
            bool good = number(code, optarg, 0.0, 100.0, &v);
            *(uint32_t *)(void *)((char *)a + rates[i].at) = (uint32_t)(v * 100.0 + 0.5);
            return good;
        }
    }
    for (size_t i = 0; i < COUNT(quantities); i++) {
        if (quantities[i].code == code) {
            bool good = number(code, optarg, quantities[i].min, quantities[i].max, &v);
            *(double *)(void *)((char *)a + quantities[i].at) = v * quantities[i].unit;
            return good;
        }
    }
    return *known = false;
}

/* What differs between chemistries; what other options said about the pack stays. */
static bool chemistry(struct sim_bms_options *a) {
    static const struct {
        const char *name;
        enum sim_chemistry_id id;
    } known[] = {{"nmc", SIM_NMC}, {"lfp", SIM_LFP}, {"lto", SIM_LTO}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(optarg, known[i].name) != 0) {
            continue;
        }
        struct sim_pack_config preset, *pack = &a->config.pack;
        sim_pack_preset(&preset, known[i].id);
        pack->chemistry = preset.chemistry;
        pack->capacity_ah = preset.capacity_ah;
        pack->soc_spread = preset.soc_spread;
        pack->self_discharge = preset.self_discharge;
        pack->cells = a->cells_given ? pack->cells : preset.cells;
        return true;
    }
    (void)argument_refuse(command, "--chemistry is nmc, lfp or lto, not ", optarg);
    return false;
}

static bool charger(struct sim_bms_config *c) {
    if (strcmp(optarg, "house") == 0) {
        c->charger = SIM_CHARGER_HOUSE;
    } else if (strcmp(optarg, "plugged") == 0) {
        c->charger = SIM_CHARGER_PLUGGED;
    } else if (strcmp(optarg, "none") == 0) {
        c->charger = SIM_CHARGER_UNPLUGGED;
    } else {
        (void)argument_refuse(command, "--charger is house, plugged or none, not ", optarg);
        return false;
    }
    return true;
}

static bool version_a(struct sim_bms_config *c) {
    if (strcmp(optarg, "30") == 0) {
        c->current_sensor = SIM_SENSOR_RESISTOR;
    } else if (strcmp(optarg, "150") == 0) {
        c->current_sensor = SIM_SENSOR_HALL;
    } else if (strcmp(optarg, "750") == 0) {
        c->current_sensor = SIM_SENSOR_EXTERNAL;
    } else {
        (void)argument_refuse(command, "--version-a is 30, 150 or 750, not ", optarg);
        return false;
    }
    c->low_power = c->current_sensor == SIM_SENSOR_RESISTOR;
    return true;
}

/* The sense that the n characters of text name; 0: none. */
static enum sim_sense sense(const char *text, size_t n) {
    static const struct {
        const char *name;
        enum sim_sense sense;
    } known[] = {
        {"cells", SIM_SENSE_CELLS},          {"current", SIM_SENSE_CURRENT},
        {"external1", SIM_SENSE_EXTERNAL_1}, {"external2", SIM_SENSE_EXTERNAL_2},
        {"board", SIM_SENSE_BOARD},          {"soc", SIM_SENSE_CHARGE},
        {"voltage", SIM_SENSE_VOLTAGE},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strlen(known[i].name) == n && memcmp(text, known[i].name, n) == 0) {
            return known[i].sense;
        }
    }
    return 0;
}

static bool stuck(struct sim_bms_faults *f) {
    enum sim_sense s = sense(optarg, strlen(optarg));
    if (s == 0) {
        (void)argument_refuse(command, "--stuck: no such sense: ", optarg);
        return false;
    }
    f->stuck |= s;
    return true;
}

/* A cell's number, 1-16, up to the character `end`; NULL: none stands there. */
static const char *cell_number(const char *text, char end, uint8_t *out) {
    unsigned v = 0;
    const char *p = text;
    for (; *p >= '0' && *p <= '9' && v <= SIM_CELLS_MAX; p++) {
        v = 10 * v + (unsigned)(*p - '0');
    }
    if (p == text || *p != end || v < 1 || v > SIM_CELLS_MAX) {
        return NULL;
    }
    *out = (uint8_t)v;
    return p;
}

static bool swap(struct sim_bms_faults *f) {
    const char *comma = cell_number(optarg, ',', &f->swap[0]);
    if (comma == NULL || cell_number(comma + 1, '\0', &f->swap[1]) == NULL) {
        (void)argument_refuse(command, "--swap takes two cells, like 3,9, not ", optarg);
        return false;
    }
    return true;
}

static bool jump(struct sim_bms_faults *f) {
    const char *equals = strchr(optarg, '=');
    if (equals != NULL) {
        f->jump = sense(optarg, (size_t)(equals - optarg));
        if (strncmp(optarg, "cell", 4) == 0 &&
            cell_number(optarg + 4, '=', &f->jump_cell) != NULL) {
            f->jump = SIM_SENSE_CELLS;
        } else if (f->jump == SIM_SENSE_CELLS) {
            f->jump = 0; /* which one? */
        }
    }
    if (equals == NULL || f->jump == 0) {
        (void)argument_refuse(command, "--jump takes a sense and a value, like current=5, not ",
                              optarg);
        return false;
    }
    if (f->jump_cpct == 0) {
        f->jump_cpct = 10000;
    }
    return number(OPTION_JUMP, equals + 1, -5000.0, 5000.0, &f->jump_by);
}

/* Every other option. */
static bool take_word(struct sim_bms_options *a, int code) {
    struct sim_bms_config *c = &a->config;
    uint32_t v = 0;
    bool good;
    switch (code) {
    case OPTION_LINK:
        a->link = optarg;
        return true;
    case OPTION_REGISTERS:
        a->registers = optarg;
        return true;
    case OPTION_SCENARIO:
        a->scenario = optarg;
        return true;
    case OPTION_SEED:
        return argument_whole(command, "--seed", optarg, 0, UINT32_MAX, &c->seed);
    case OPTION_BAUD:
        return argument_whole(command, "--baud", optarg, 300, 4000000, &c->baudrate);
    case OPTION_CELLS:
        good = argument_whole(command, "--cells", optarg, SIM_CELLS_MIN, SIM_CELLS_MAX, &v);
        c->pack.cells = (uint8_t)v;
        a->cells_given = true;
        return good;
    case OPTION_SENSORS:
        good = argument_whole(command, "--sensors", optarg, 0, 2, &v);
        c->sensors_missing = (uint8_t)(v == 0 ? 3 : v == 1 ? 2 : 0);
        return good;
    case OPTION_CHEMISTRY:
        return chemistry(a);
    case OPTION_CHARGER:
        return charger(c);
    case OPTION_VERSION_A:
        return version_a(c);
    case OPTION_SWAP:
        return swap(&c->faults);
    case OPTION_STUCK:
        return stuck(&c->faults);
    default:
        return jump(&c->faults);
    }
}

static bool take(struct sim_bms_options *a, int code) {
    bool known;
    bool good = take_row(a, code, &known);
    if (code == OPTION_CURRENT) {
        a->config.pack.profile = SIM_PROFILE_CONSTANT;
    }
    return known ? good : take_word(a, code);
}

int sim_bms_options_parse(struct sim_bms_options *o, int argc, char **argv) {
    *o = (struct sim_bms_options){0};
    sim_bms_defaults(&o->config);
    opterr = 0;
    optind = 0;
    int code;
    while ((code = getopt_long(argc, argv, ":h", names, NULL)) != -1) {
        if (code == 'h') {
            (void)fputs(help, stdout);
            return options_finish_output(command);
        }
        if (code == OPTION_VERSION) {
            (void)printf("tinybms-gw %s\n", TINYBMS_GW_VERSION_TEXT);
            return options_finish_output(command);
        }
        if (code == ':' || code == '?') {
            return argument_refuse_option(command, code, argv);
        }
        if (!take(o, code)) {
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        return argument_refuse(command, "unexpected argument ", argv[optind]);
    }
    if (o->scenario != NULL && o->registers != NULL) {
        return argument_refuse(command, "--scenario and --registers are two batteries", "");
    }
    if (o->link == NULL) {
        return argument_refuse(command, "--link PATH is needed: where to make the device", "");
    }
    o->config.pack.seed = o->config.seed;
    return -1;
}

void sim_bms_options_start(const struct sim_bms_options *o, struct sim_bms *b, uint64_t now_us) {
    sim_bms_init(b, &o->config, now_us);
    if (o->config.pack.profile == SIM_PROFILE_CONSTANT) {
        b->pack.wanted_a = o->current_a;
    }
    if (o->charger_v > 0.0) {
        sim_bms_set_house(b, o->charger_v, b->ccl_a, b->dcl_a);
    }
    if (o->single_port) {
        b->reg[340] = 1;
    }
}
