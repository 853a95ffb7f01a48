/* SPDX-License-Identifier: MIT */
/* The rules between settings: each at the last value that is good and the first that is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "settings/settings.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct verdict {
    const char *what;
    const char *set[4]; /* over the defaults, NULL-terminated when fewer */
    int err;
    const char *key, *text; /* of the refusal */
};

static void judge(const struct verdict *v) {
    struct settings s;
    struct settings_error e = {.text = "accepted"};

    settings_defaults(&s);
    for (size_t i = 0; i < COUNT(v->set) && v->set[i] != NULL; i++)
        if (settings_assign(&s, v->set[i], &e) != 0)
            fail_msg("%s: %s", v->what, e.text);
    if (settings_check(&s, &e) != v->err)
        fail_msg("%s: %s", v->what, e.text);
    if (v->err == 0)
        return;
    assert_int_equal(e.err, v->err);
    assert_int_equal(e.line, 0);
    if (strcmp(e.key, v->key) != 0 || strcmp(e.text, v->text) != 0)
        fail_msg("%s: %s: %s", v->what, e.key, e.text);
}

static void settings_are_kept_in_order(void **state) {
    static const struct verdict cases[] = {
        {"polls fit three times",
         {"tinybms.poll_interval_ms=1000", "tinybms.stale_close_ms=3000"},
         0,
         NULL,
         NULL},
        {"polls do not fit three times",
         {"tinybms.poll_interval_ms=1001", "tinybms.stale_close_ms=3000"},
         GW_ERR_CONFLICT,
         "tinybms.stale_close_ms",
         "tinybms.stale_close_ms: 3000 ms must be at least 3 times tinybms.poll_interval_ms, which "
         "is 1001 ms"},
        {"close just before zero", {"tinybms.stale_close_ms=14999"}, 0, NULL, NULL},
        {"close at zero",
         {"tinybms.stale_close_ms=15000"},
         GW_ERR_CONFLICT,
         "tinybms.stale_zero_ms",
         "tinybms.stale_zero_ms: 15000 ms must be more than tinybms.stale_close_ms, which is 15000 "
         "ms"},
        {"zero at zero_discharge", {"tinybms.stale_zero_ms=30000"}, 0, NULL, NULL},
        {"zero after zero_discharge",
         {"tinybms.stale_zero_ms=30001"},
         GW_ERR_CONFLICT,
         "tinybms.stale_zero_discharge_ms",
         "tinybms.stale_zero_discharge_ms: 30000 ms must be at least tinybms.stale_zero_ms, which "
         "is 30001 ms"},
        {"zero_discharge just before silent",
         {"tinybms.stale_zero_discharge_ms=59999"},
         0,
         NULL,
         NULL},
        {"zero_discharge at silent",
         {"tinybms.stale_zero_discharge_ms=60000"},
         GW_ERR_CONFLICT,
         "tinybms.stale_silent_ms",
         "tinybms.stale_silent_ms: 60000 ms must be more than tinybms.stale_zero_discharge_ms, "
         "which is 60000 ms"},
        {"imbalance alarm over warning",
         {"victron.thresholds.imbalance_warn_mv=199"},
         0,
         NULL,
         NULL},
        {"imbalance alarm at warning",
         {"victron.thresholds.imbalance_warn_mv=200"},
         GW_ERR_CONFLICT,
         "victron.thresholds.imbalance_alarm_mv",
         "victron.thresholds.imbalance_alarm_mv: 200 mV must be more than "
         "victron.thresholds.imbalance_warn_mv, which is 200 mV"},
        {"SOC high over low", {"victron.thresholds.soc_high_percent=11"}, 0, NULL, NULL},
        {"SOC high at low",
         {"victron.thresholds.soc_high_percent=10"},
         GW_ERR_CONFLICT,
         "victron.thresholds.soc_high_percent",
         "victron.thresholds.soc_high_percent: 10 % must be more than "
         "victron.thresholds.soc_low_percent, which is 10 %"},
        {"overvoltage over undervoltage",
         {"victron.thresholds.undervoltage_v=42", "victron.thresholds.overvoltage_v=42.001"},
         0,
         NULL,
         NULL},
        {"overvoltage at undervoltage",
         {"victron.thresholds.undervoltage_v=42.5", "victron.thresholds.overvoltage_v=42.5"},
         GW_ERR_CONFLICT,
         "victron.thresholds.overvoltage_v",
         "victron.thresholds.overvoltage_v: 42.5 V must be more than "
         "victron.thresholds.undervoltage_v, which is 42.5 V"},
        {"undervoltage alone", {"victron.thresholds.undervoltage_v=42"}, 0, NULL, NULL},
        {"overvoltage alone", {"victron.thresholds.overvoltage_v=58"}, 0, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        judge(&cases[i]);
}

static void two_functions_never_share_a_pin(void **state) {
    static const struct verdict cases[] = {
        {"all pins moved",
         {"hardware.uart.rx_pin=0", "hardware.uart.tx_pin=48", "hardware.can.tx_pin=16",
          "hardware.can.rx_pin=17"},
         0,
         NULL,
         NULL},
        {"UART both",
         {"hardware.uart.tx_pin=16"},
         GW_ERR_CONFLICT,
         "hardware.uart.tx_pin",
         "hardware.uart.tx_pin: 16 is already hardware.uart.rx_pin"},
        {"CAN both",
         {"hardware.can.rx_pin=4"},
         GW_ERR_CONFLICT,
         "hardware.can.rx_pin",
         "hardware.can.rx_pin: 4 is already hardware.can.tx_pin"},
        {"UART and CAN",
         {"hardware.can.rx_pin=17"},
         GW_ERR_CONFLICT,
         "hardware.can.rx_pin",
         "hardware.can.rx_pin: 17 is already hardware.uart.tx_pin"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        judge(&cases[i]);
}

/* One key, its good values and its bad ones with the end of the message. */
struct form {
    const char *value;
    const char *refusal; /* NULL: good */
};

static void judge_forms(const char *key, const struct form *forms, size_t n) {
    for (size_t i = 0; i < n; i++) {
        char assignment[192], text[256];
        struct verdict v = {forms[i].value, {assignment}, 0, key, text};
        snprintf(assignment, sizeof assignment, "%s=%s", key, forms[i].value);
        if (forms[i].refusal != NULL) {
            v.err = GW_ERR_RANGE;
            snprintf(text, sizeof text, "%s: \"%s\" %s", key, forms[i].value, forms[i].refusal);
        }
        judge(&v);
    }
}

static void the_device_of_the_bms_has_one_of_three_forms(void **state) {
    static const char neither[] = "is neither an absolute path, nor tcp://host:port, nor sim";
    static const char no_port[] = "is not tcp://host:port with a port from 1 to 65535";
    static const struct form forms[] = {
        {"/dev/ttyUSB0", NULL},
        {"/dev/serial/by-id/usb-FTDI_FT232R-if00-port0", NULL},
        {"/x", NULL},
        {"/tmp/with space", NULL},
        {"sim", NULL},
        {"tcp://192.168.1.5:2000", NULL},
        {"tcp://ser2net.local:1", NULL},
        {"tcp://a_b-c:65535", NULL},
        {"tcp://azAZ09:1", NULL},
        {"tcp://[::1]:4000", NULL},
        {"tcp://[fe80::1%eth0]:4000", NULL},
        {"ttyUSB0", neither},
        {"./dev/ttyUSB0", neither},
        {"/", neither},
        {"/dev/", neither},
        {"Sim", neither},
        {"sim ", neither},
        {"simulated", neither},
        {"COM3", neither},
        {"tcp:/host:1", neither},
        {"TCP://host:1", neither},
        {"udp://host:1", neither},
        {"tcp://", no_port},
        {"tcp://host", no_port},
        {"tcp://host:", no_port},
        {"tcp://:2000", no_port},
        {"tcp://host:0", no_port},
        {"tcp://host:65536", no_port},
        {"tcp://host:99999", no_port},
        {"tcp://host:4294967297", no_port},
        {"tcp://host:20x", no_port},
        {"tcp://host:-1", no_port},
        {"tcp://host:+1", no_port},
        {"tcp://host: 1", no_port},
        {"tcp://host:1/path", no_port},
        {"tcp://user@host:1", no_port},
        {"tcp://ho st:1", no_port},
        {"tcp://-host:1", no_port},
        {"tcp://::1:4000", no_port},
        {"tcp://[::1]", no_port},
        {"tcp://[::1:4000", no_port},
        {"tcp://[]:4000", no_port},
        {"tcp://[host]:4000", no_port},
        {"tcp://[::1]4000", no_port},
    };
    (void)state;
    judge_forms("hardware.uart.device", forms, COUNT(forms));
}

static void the_can_link_has_one_of_four_forms(void **state) {
    static const char neither[] = "is neither socketcan:IFNAME, nor slcan:/path, nor sim, nor none";
    static const char no_name[] = "is not socketcan: and an interface name of 1 to 15 characters";
    static const char no_path[] = "is not slcan: and an absolute path";
    static const struct form forms[] = {
        {"socketcan:can0", NULL},
        {"socketcan:x", NULL},
        {"socketcan:a12345678901234", NULL},
        {"socketcan:vcan-1.2", NULL},
        {"slcan:/dev/ttyACM0", NULL},
        {"sim", NULL},
        {"none", NULL},
        {"socketcan:", no_name},
        {"socketcan:a123456789012345", no_name},
        {"socketcan:can 0", no_name},
        {"socketcan:../can0", no_name},
        {"socketcan:can:0", no_name},
        {"socketcan:.", no_name},
        {"socketcan:..", no_name},
        {"slcan:", no_path},
        {"slcan:/", no_path},
        {"slcan:/dev/", no_path},
        {"slcan:ttyACM0", no_path},
        {"slcan:tcp://host:1", no_path},
        {"can0", neither},
        {"SocketCAN:can0", neither},
        {"/dev/ttyACM0", neither},
        {"None", neither},
        {"none ", neither},
        {"sim:1", neither},
    };
    (void)state;
    judge_forms("hardware.can.interface", forms, COUNT(forms));
}

static void links_that_exclude_each_other_are_refused(void **state) {
    static const struct verdict cases[] = {
        {"one device for both",
         {"hardware.uart.device=/dev/ttyACM0", "hardware.can.interface=slcan:/dev/ttyACM0"},
         GW_ERR_CONFLICT,
         "hardware.can.interface",
         "hardware.can.interface: \"slcan:/dev/ttyACM0\" is the device of the BMS "
         "(hardware.uart.device)"},
        {"slcan in loopback",
         {"hardware.can.interface=slcan:/dev/ttyACM0", "hardware.can.mode=loopback"},
         GW_ERR_CONFLICT,
         "hardware.can.mode",
         "hardware.can.mode: \"loopback\" is not possible with slcan: adapters have no such mode"},
        {"slcan listening",
         {"hardware.can.interface=slcan:/dev/ttyACM0", "hardware.can.mode=listen"},
         0,
         NULL,
         NULL},
        {"socketcan in loopback", {"hardware.can.mode=loopback"}, 0, NULL, NULL},
        {"both simulated",
         {"hardware.uart.device=sim", "hardware.can.interface=sim"},
         0,
         NULL,
         NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        judge(&cases[i]);
}

static void names_are_printable_ascii(void **state) {
    static const struct form forms[] = {
        {"Enepaq", NULL},
        {"Pack 1", NULL},
        {"~!@#", NULL},
        {" Pack", "begins or ends with a space"},
        {"Pack ", "begins or ends with a space"},
        {" ", "begins or ends with a space"},
    };
    static const char *const keys[] = {"victron.manufacturer", "victron.battery_name",
                                       "victron.battery_family"};
    (void)state;
    for (size_t i = 0; i < COUNT(keys); i++) {
        char assignment[64], text[128];
        const struct verdict accented = {"accented", {assignment}, GW_ERR_RANGE, keys[i], text};
        judge_forms(keys[i], forms, COUNT(forms));
        snprintf(assignment, sizeof assignment, "%s=Caf\xC3\xA9", keys[i]);
        snprintf(text, sizeof text, "%s: \"Caf??\" is not printable 7-bit ASCII", keys[i]);
        judge(&accented);
    }
}

static void names_of_makers_that_a_gx_treats_specially_are_refused(void **state) {
    static const struct {
        const char *name, *maker; /* NULL: good */
    } cases[] = {
        {"LG", "LG"},
        {"lg chem", "LG"},
        {"PYLON", "PYLON"},
        {"Pylontec", "PYLON"},
        {"pylon", "PYLON"},
        {"Pelio_L", "PELIO"},
        {"BYD", "BYD"},
        {"byd-box", "BYD"},
        {"DYNESS-L", "DYNESS"},
        {"BlueNova", "BLUENOVA"},
        {"FD", "FD"},
        {"Freedomw", "FREEDOM"},
        {"bmz_ess", "BMZ"},
        {"WeCo", "WECO"},
        {"L", NULL},
        {"My LG", NULL},
        {"Pylo", NULL},
        {"BY", NULL},
        {"Enepaq", NULL},
        {"TinyBMS", NULL},
        {"ALG", NULL},
    };
    static const char *const keys[] = {"victron.manufacturer", "victron.battery_name",
                                       "victron.battery_family"};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t k = 0; k < COUNT(keys); k++) {
            char assignment[64], text[256];
            struct verdict v = {cases[i].name, {assignment}, 0, keys[k], text};
            snprintf(assignment, sizeof assignment, "%s=%s", keys[k], cases[i].name);
            if (cases[i].maker != NULL) {
                v.err = GW_ERR_CONFLICT;
                snprintf(text, sizeof text,
                         "%s: \"%s\" begins like the name of a maker (%s) whose batteries a GX "
                         "treats specially: choose another",
                         keys[k], cases[i].name, cases[i].maker);
            }
            judge(&v);
        }
}

static void directories_and_sockets_are_absolute_or_left_out(void **state) {
    static const struct form directories[] = {
        {"", NULL},
        {"/", NULL},
        {"/var/lib/tinybms-gw/", NULL},
        {"var/lib", "is not an absolute path"},
        {"~/state", "is not an absolute path"},
        {"./state", "is not an absolute path"},
    };
    static const struct form sockets[] = {
        {"", NULL},
        {"/run/tinybms-gw/control.sock", NULL},
        {"/run/", "is not an absolute path of a socket"},
        {"/", "is not an absolute path of a socket"},
        {"control.sock", "is not an absolute path of a socket"},
    };
    (void)state;
    judge_forms("storage.dir", directories, COUNT(directories));
    judge_forms("advanced.control_socket", sockets, COUNT(sockets));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_kept_in_order),
        cmocka_unit_test(two_functions_never_share_a_pin),
        cmocka_unit_test(the_device_of_the_bms_has_one_of_three_forms),
        cmocka_unit_test(the_can_link_has_one_of_four_forms),
        cmocka_unit_test(links_that_exclude_each_other_are_refused),
        cmocka_unit_test(names_are_printable_ascii),
        cmocka_unit_test(names_of_makers_that_a_gx_treats_specially_are_refused),
        cmocka_unit_test(directories_and_sockets_are_absolute_or_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
