/* SPDX-License-Identifier: MIT */
/* `tinybms-gw registers`: the registers of the BMS by hand. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bms_access.h"
#include "commands.h"
#include "options.h"
#include "register_text.h"

static const struct options_help help = {
    .usage = "registers [-c FILE] [--set KEY=VALUE]... list\n"
             "       tinybms-gw registers [...] read A [N]\n"
             "       tinybms-gw registers [...] write A V",
    .text = "list   every register of the catalogue: value, unit, range, words\n"
            "read   N registers (1 to 100) from A on, as they are\n"
            "write  V to the register A; shows the old value and the one read back\n"
            "\n"
            "A is an address or a name. V is in the unit that list shows, a word of its list,\n"
            "or a raw count such as 0x1068. A running gateway is asked; without one the\n"
            "device of the configuration is opened.\n",
    .config = true,
    .operands = true,
};

enum { WORDS_MAX = 512, VALUE_TEXT = 64 };

/* What the BMS answered, by address. */
struct words {
    uint16_t value[WORDS_MAX];
    bool known[WORDS_MAX];
};

static int fail(const char *text) {
    (void)fprintf(stderr, "tinybms-gw registers: %s\n", text);
    return EXIT_FAILED;
}

static const char *verdict(const struct gateway_answer *a) {
    if (a->err == GW_ERR_OFFLINE) {
        return "the gateway has no device open for the BMS";
    }
    if (a->err == GW_ERR_TIMEOUT) {
        return "the BMS does not answer";
    }
    return gw_err_text(a->err);
}

/* One command; a failure of any kind is a line on stderr. */
static int command(struct bms_access *a, const struct gateway_command *c,
                   struct gateway_answer *out) {
    char why[320];
    if (bms_access_command(a, c, out, why, sizeof why) != 0) {
        return fail(why);
    }
    return out->err == GW_OK ? EXIT_DONE : fail(verdict(out));
}

static struct gateway_command read_command(unsigned addr, unsigned count) {
    return (struct gateway_command){
        .kind = GATEWAY_READ_REGISTERS, .addr = (uint16_t)addr, .count = (uint16_t)count};
}

/* ---- list ---- */

static void store(struct words *w, unsigned addr, const struct gateway_answer *a) {
    for (unsigned i = 0; i < a->count && addr + i < WORDS_MAX; i++) {
        w->value[addr + i] = a->value[i];
        w->known[addr + i] = true;
    }
}

/* Reads a block; where the BMS refuses it, as older ones do, register by register. */
static int read_block(struct bms_access *a, const struct tinybms_block *block, struct words *w) {
    struct gateway_answer answer;
    char why[320];
    struct gateway_command c = read_command(block->first, block->words);
    if (bms_access_command(a, &c, &answer, why, sizeof why) != 0) {
        return fail(why);
    }
    if (answer.err == GW_OK) {
        store(w, block->first, &answer);
        return EXIT_DONE;
    }
    if (answer.err != GW_ERR_NACK) {
        return fail(verdict(&answer));
    }
    for (size_t i = 0; i < tinybms_registers_count; i++) {
        const struct tinybms_register *r = &tinybms_registers[i];
        if (r->addr < block->first || r->addr >= block->first + block->words) {
            continue;
        }
        c = read_command(r->addr, r->words);
        if (bms_access_command(a, &c, &answer, why, sizeof why) != 0) {
            return fail(why);
        }
        if (answer.err == GW_OK) {
            store(w, r->addr, &answer);
        }
    }
    return EXIT_DONE;
}

static uint32_t raw_of(const uint16_t *word, unsigned words) {
    return word[0] | (words == 2 ? (uint32_t)word[1] << 16 : 0);
}

static void print_words(const struct tinybms_register *r) {
    for (const struct tinybms_choice *c = r->choices; c != NULL && c->text != NULL; c++) {
        (void)printf("%s%u %s", c == r->choices ? "" : "; ", c->value, c->text);
    }
}

static void print_row(const struct tinybms_register *r, const struct words *w) {
    char value[VALUE_TEXT] = "not read", range[VALUE_TEXT];
    bool known = r->addr + r->words <= WORDS_MAX;
    for (unsigned i = 0; known && i < r->words; i++) {
        known = w->known[r->addr + i];
    }
    if (known && r->type == TINYBMS_BYTES) {
        value[0] = '\0';
        for (size_t i = 0; i < r->words && 4 * i + 5 <= sizeof value; i++) {
            unsigned word = w->value[r->addr + i];
            (void)snprintf(value + 4 * i, 5, "%02X%02X", word & 0xFF, word >> 8);
        }
    } else if (known) {
        register_print_value(r, raw_of(&w->value[r->addr], r->words), value, sizeof value);
    }
    register_print_range(r, range, sizeof range);
    (void)printf("%-4u %-34s %-24s %-6s %-3s %-18s ", r->addr, r->name, value, r->unit,
                 r->writable ? "RW" : "R", range);
    print_words(r);
    (void)putchar('\n');
}

static int list(struct bms_access *a) {
    static struct words words;
    for (int group = 0; group < BATTERY_GROUP_COUNT; group++) {
        if (group == BATTERY_GROUP_EVENTS) {
            continue; /* a list of its own kind */
        }
        int status = read_block(a, &tinybms_blocks[group], &words);
        if (status != EXIT_DONE) {
            return status;
        }
    }
    (void)printf("%-4s %-34s %-24s %-6s %-3s %-18s %s\n", "addr", "name", "value", "unit", "",
                 "range", "words");
    for (size_t i = 0; i < tinybms_registers_count; i++) {
        if (tinybms_registers[i].type != TINYBMS_EVENT_LIST) {
            print_row(&tinybms_registers[i], &words);
        }
    }
    return options_finish_output("registers");
}

/* ---- read ---- */

static int read_registers(struct bms_access *a, unsigned addr, unsigned count) {
    struct gateway_answer answer;
    struct gateway_command c = read_command(addr, count);
    int status = command(a, &c, &answer);
    if (status != EXIT_DONE) {
        return status;
    }
    for (unsigned i = 0; i < answer.count; i++) {
        const struct tinybms_register *r = tinybms_register_at((uint16_t)(addr + i));
        (void)printf("%-5u %5u 0x%04X", addr + i, answer.value[i], answer.value[i]);
        if (r != NULL && r->words <= 2 && i + r->words <= answer.count) {
            char value[VALUE_TEXT];
            register_print_value(r, raw_of(&answer.value[i], r->words), value, sizeof value);
            (void)printf("  %s %s%s%s", r->name, value, r->unit[0] != '\0' ? " " : "", r->unit);
        }
        (void)putchar('\n');
    }
    return options_finish_output("registers");
}

/* ---- write ---- */

static int read_one(struct bms_access *a, const struct tinybms_register *r, char *text,
                    size_t cap) {
    struct gateway_answer answer;
    struct gateway_command c = read_command(r->addr, r->words);
    int status = command(a, &c, &answer);
    if (status == EXIT_DONE) {
        register_print_value(r, raw_of(answer.value, r->words), text, cap);
    }
    return status;
}

static int write_register(struct bms_access *a, const struct tinybms_register *r, uint32_t raw) {
    char before[VALUE_TEXT], after[VALUE_TEXT];
    struct gateway_answer answer;
    int status = read_one(a, r, before, sizeof before);
    if (status != EXIT_DONE) {
        return status;
    }
    struct gateway_command c = {.kind = GATEWAY_WRITE_REGISTER, .addr = r->addr, .raw = raw};
    status = command(a, &c, &answer);
    if (status != EXIT_DONE) {
        return status;
    }
    if ((r->flags & TINYBMS_RESTARTS) != 0) {
        (void)printf("%u %s: was %s, written; the BMS restarts\n", r->addr, r->name, before);
        return options_finish_output("registers");
    }
    status = read_one(a, r, after, sizeof after);
    if (status != EXIT_DONE) {
        return status;
    }
    (void)printf("%u %s: was %s, is %s%s%s (written and read back)\n", r->addr, r->name, before,
                 after, r->unit[0] != '\0' ? " " : "", r->unit);
    return options_finish_output("registers");
}

/* ---- the command ---- */

static int refuse(const char *problem, const char *word) {
    (void)fprintf(stderr, "tinybms-gw registers: %s%s\nTry: tinybms-gw registers --help\n", problem,
                  word);
    return EXIT_USAGE;
}

/* What the operands ask for, checked before any device is opened. */
struct task {
    enum { TASK_LIST, TASK_READ, TASK_WRITE } kind;
    int addr;
    unsigned count;
    const struct tinybms_register *row;
    uint32_t raw;
};

static int parse_read(int n, char **operand, struct task *t) {
    t->kind = TASK_READ;
    t->count = 1;
    if (n < 2 || n > 3) {
        return refuse("read takes an address and, if you like, a number of registers", "");
    }
    t->row = register_find(operand[1], &t->addr);
    if (t->addr < 0) {
        return refuse("no such register: ", operand[1]);
    }
    if (n == 3) {
        char *end = NULL;
        unsigned long count = strtoul(operand[2], &end, 10);
        if (end == operand[2] || *end != '\0' || count < 1 ||
            count > TINYBMS_COMMAND_REGISTERS_MAX ||
            (unsigned long)t->addr + count > UINT16_MAX + 1UL) {
            return refuse("the number of registers is 1 to 100, not ", operand[2]);
        }
        t->count = (unsigned)count;
    } else if (t->row != NULL && t->row->words <= TINYBMS_COMMAND_REGISTERS_MAX) {
        t->count = t->row->words;
    }
    return -1;
}

static int parse_write(int n, char **operand, struct task *t) {
    t->kind = TASK_WRITE;
    if (n != 3) {
        return refuse("write takes an address and a value", "");
    }
    t->row = register_find(operand[1], &t->addr);
    if (t->row == NULL) {
        return refuse("no such register: ", operand[1]);
    }
    int err = register_parse_value(t->row, operand[2], &t->raw);
    if (err == GW_OK) {
        err = tinybms_register_check(t->row, t->raw);
    }
    if (err == GW_ERR_READ_ONLY) {
        return refuse("read-only: ", t->row->name);
    }
    if (err != GW_OK) {
        char range[VALUE_TEXT];
        register_print_range(t->row, range, sizeof range);
        (void)fprintf(stderr, "tinybms-gw registers: %s cannot be %s%s%s%s%s\n", t->row->name,
                      operand[2], range[0] != '\0' ? "; it is " : "", range,
                      range[0] != '\0' ? " " : "", range[0] != '\0' ? t->row->unit : "");
        return EXIT_USAGE;
    }
    return -1;
}

static int parse_task(int n, char **operand, struct task *t) {
    memset(t, 0, sizeof *t);
    if (n == 0) {
        return refuse("list, read or write?", "");
    }
    if (strcmp(operand[0], "list") == 0) {
        t->kind = TASK_LIST;
        return n == 1 ? -1 : refuse("unexpected argument ", operand[1]);
    }
    if (strcmp(operand[0], "read") == 0) {
        return parse_read(n, operand, t);
    }
    if (strcmp(operand[0], "write") == 0) {
        return parse_write(n, operand, t);
    }
    return refuse("list, read or write, not ", operand[0]);
}

static int perform(struct bms_access *a, const struct task *t) {
    switch (t->kind) {
    case TASK_LIST:
        return list(a);
    case TASK_READ:
        return read_registers(a, (unsigned)t->addr, t->count);
    case TASK_WRITE:
        return write_register(a, t->row, t->raw);
    }
    return EXIT_FAILED;
}

int cmd_registers(int argc, char **argv) {
    static struct bms_access access;
    struct options options;
    struct settings settings;
    struct task task;
    char why[512];
    int status = options_parse(&options, argc, argv, &help);
    if (status >= 0) {
        return status;
    }
    status = parse_task(argc - options.first, argv + options.first, &task);
    if (status >= 0) {
        return status;
    }
    status = options_settings(&options, argv[0], &settings);
    if (status != 0) {
        return status;
    }
    if (bms_access_open(&access, &settings, why, sizeof why) != 0) {
        return fail(why);
    }
    status = perform(&access, &task);
    bms_access_close(&access);
    return status;
}
