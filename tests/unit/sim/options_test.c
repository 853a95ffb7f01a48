/* SPDX-License-Identifier: MIT */
/* The command line of `tinybms-gw sim bms`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "commands.h"
#include "sim_bms_options.h"

enum { WORDS = 12 };

/* Parses "--link x" and these words, which a single space parts. */
static int parse(struct sim_bms_options *o, const char *words) {
    static char text[256];
    char *argv[WORDS + 1] = {"bms", "--link", "x"};
    int argc = 3;
    assert_true(strlen(words) < sizeof text);
    memcpy(text, words, strlen(words) + 1);
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
        assert_in_range(argc, 3, WORDS - 1);
        argv[argc++] = word;
    }
    return sim_bms_options_parse(o, argc, argv);
}

static bool near(double a, double b) {
    return a - b < 1e-9 && b - a < 1e-9;
}

static void without_options_it_is_the_default_device(void **state) {
    (void)state;
    struct sim_bms_options o;
    assert_int_equal(parse(&o, ""), -1);
    assert_int_equal(o.config.baudrate, 115200);
    assert_int_equal(o.config.pack.chemistry, SIM_NMC);
    assert_int_equal(o.config.pack.profile, SIM_PROFILE_DAY);
    assert_int_equal(o.config.charger, SIM_CHARGER_HOUSE);
    assert_int_equal(o.config.current_sensor, SIM_SENSOR_HALL);
    assert_true(near(o.config.speed, 1.0));
    assert_true(near(o.charger_v, 0.0));
    assert_string_equal(o.link, "x");
    assert_null(o.registers);
}

static void quantities_have_their_units(void **state) {
    (void)state;
    struct sim_bms_options o;
    assert_int_equal(parse(&o, "--soc 30 --temperature -3.5 --current -7 --charger-voltage 58.1"),
                     -1);
    assert_true(near(o.config.pack.start_soc, 0.30));
    assert_true(near(o.config.pack.ambient_c, -3.5));
    assert_true(near(o.current_a, -7.0));
    assert_int_equal(o.config.pack.profile, SIM_PROFILE_CONSTANT);
    assert_true(near(o.charger_v, 58.1));
    assert_int_equal(parse(&o, "--current-offset -0.3 --current-gain 2 --capacity-error -10"), -1);
    assert_true(near(o.config.current_offset_a, -0.3));
    assert_true(near(o.config.current_gain, 0.02));
    assert_true(near(o.config.capacity_error, -0.10));
    assert_int_equal(parse(&o, "--drop 1 --corrupt 2 --noise 3 --truncate 4.5"), -1);
    assert_int_equal(o.config.faults.drop_cpct, 100);
    assert_int_equal(o.config.faults.corrupt_cpct, 200);
    assert_int_equal(o.config.faults.noise_cpct, 300);
    assert_int_equal(o.config.faults.truncate_cpct, 450);
    assert_int_equal(parse(&o, "--nack 100 --speed 60 --seed 7 --baud 19200"), -1);
    assert_int_equal(o.config.faults.nack_cpct, 10000);
    assert_true(near(o.config.speed, 60.0));
    assert_int_equal(o.config.seed, 7);
    assert_int_equal(o.config.pack.seed, 7);
    assert_int_equal(o.config.baudrate, 19200);
}

static void flags_switch_on_what_they_name_and_nothing_else(void **state) {
    (void)state;
    static const char *const words[] = {
        "--sleep",        "--through-load-port", "--old-firmware", "--single-port",
        "--fragment",     "--chatter",           "--mute",         "--freeze",
        "--freeze-clock", "--refuse-reserved",
    };
    enum { FLAGS = sizeof words / sizeof words[0] };
    for (unsigned i = 0; i < FLAGS; i++) {
        struct sim_bms_options o;
        assert_int_equal(parse(&o, words[i]), -1);
        const struct sim_bms_faults *f = &o.config.faults;
        const bool on[FLAGS] = {
            o.config.sleeps,
            o.config.through_load_port,
            o.config.before_revision_d,
            o.single_port,
            f->fragment,
            f->chatter,
            f->mute,
            f->freeze,
            f->freeze_but_clock,
            f->refuse_reserved,
        };
        for (unsigned k = 0; k < FLAGS; k++)
            assert_int_equal(on[k], k == i);
    }
}

static void a_chemistry_leaves_what_other_options_said(void **state) {
    (void)state;
    static const char *const orders[] = {"--soc 20 --cells 8 --chemistry lto",
                                         "--chemistry lto --cells 8 --soc 20"};
    struct sim_bms_options o;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(parse(&o, orders[i]), -1);
        assert_int_equal(o.config.pack.chemistry, SIM_LTO);
        assert_int_equal(o.config.pack.cells, 8);
        assert_true(near(o.config.pack.start_soc, 0.20));
        assert_true(near(o.config.pack.capacity_ah, 40.0));
    }
    assert_int_equal(parse(&o, "--chemistry lfp"), -1);
    assert_int_equal(o.config.pack.cells, 16);
    assert_int_equal(parse(&o, "--chemistry nmc"), -1);
    assert_int_equal(o.config.pack.cells, 14);
}

static void devices_and_faults_of_the_senses(void **state) {
    (void)state;
    struct sim_bms_options o;
    assert_int_equal(parse(&o, "--version-a 30 --sensors 1 --charger none"), -1);
    assert_int_equal(o.config.current_sensor, SIM_SENSOR_RESISTOR);
    assert_true(o.config.low_power);
    assert_int_equal(o.config.sensors_missing, 2);
    assert_int_equal(o.config.charger, SIM_CHARGER_UNPLUGGED);
    assert_int_equal(parse(&o, "--version-a 750 --sensors 0 --charger plugged"), -1);
    assert_int_equal(o.config.current_sensor, SIM_SENSOR_EXTERNAL);
    assert_false(o.config.low_power);
    assert_int_equal(o.config.sensors_missing, 3);
    assert_int_equal(o.config.charger, SIM_CHARGER_PLUGGED);
    assert_int_equal(parse(&o, "--swap 3,16 --stuck cells --stuck soc --jump cell12=-80"), -1);
    const struct sim_bms_faults *f = &o.config.faults;
    assert_int_equal(f->swap[0], 3);
    assert_int_equal(f->swap[1], 16);
    assert_int_equal(f->stuck, SIM_SENSE_CELLS | SIM_SENSE_CHARGE);
    assert_int_equal(f->jump, SIM_SENSE_CELLS);
    assert_int_equal(f->jump_cell, 12);
    assert_true(near(f->jump_by, -80.0));
    assert_int_equal(f->jump_cpct, 10000);
    assert_int_equal(parse(&o, "--jump-rate 5 --jump current=2.5"), -1);
    assert_int_equal(f->jump, SIM_SENSE_CURRENT);
    assert_int_equal(f->jump_cpct, 500);
}

static void what_is_not_understood_is_refused(void **state) {
    (void)state;
    static const char *const words[] = {
        "--chemistry x",
        "--charger x",
        "--version-a 31",
        "--cells 3",
        "--cells 17",
        "--sensors 3",
        "--soc 101",
        "--soc -1",
        "--soc 5x",
        "--current nan",
        "--current 1001",
        "--drop 100.1",
        "--drop -1",
        "--speed 0",
        "--seed -1",
        "--baud 299",
        "--swap 3",
        "--swap 0,3",
        "--swap 3,17",
        "--swap 3,4,5",
        "--swap ,",
        "--stuck x",
        "--jump x=1",
        "--jump current",
        "--jump current=",
        "--jump cells=10",
        "--jump cell=10",
        "--jump cell0=10",
        "--jump cell17=1",
        "--jump cell3=x",
        "--nothing",
        "word",
        "--temperature 91",
        "--link",
        "--capacity-error -91",
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct sim_bms_options o;
        if (parse(&o, words[i]) != EXIT_USAGE)
            fail_msg("%s is taken", words[i]);
    }
}

static void the_device_is_made_as_the_options_say(void **state) {
    (void)state;
    static struct sim_bms b;
    struct sim_bms_options o;
    assert_int_equal(parse(&o, "--single-port --current -7 --charger-voltage 57.5 --cells 12"), -1);
    sim_bms_options_start(&o, &b, 1000);
    assert_int_equal(b.reg[340], 1);
    assert_int_equal(b.reg[53], 12);
    assert_true(near(b.pack.wanted_a, -7.0));
    assert_true(near(b.cvl_v, 57.5));
    assert_true(near(b.ccl_a, 18.0)); /* nine tenths of register 318 */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_options_it_is_the_default_device),
        cmocka_unit_test(quantities_have_their_units),
        cmocka_unit_test(flags_switch_on_what_they_name_and_nothing_else),
        cmocka_unit_test(a_chemistry_leaves_what_other_options_said),
        cmocka_unit_test(devices_and_faults_of_the_senses),
        cmocka_unit_test(what_is_not_understood_is_refused),
        cmocka_unit_test(the_device_is_made_as_the_options_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
