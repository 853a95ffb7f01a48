/* SPDX-License-Identifier: MIT */
/* The rules that one row cannot express: settings that must be in order, the forms of links, names
 * that a GX would misunderstand. */
#include <string.h>

#include "settings/row.h"

/* factor x lower must be less than higher, or at most as much. */
struct order_rule {
    const char *lower;
    uint32_t factor;
    bool may_equal;
    const char *higher;
    bool zero_is_off; /* either one at 0 is "automatic", and the rule does not apply */
};

/* clang-format off */
static const struct order_rule order_rules[] = {
    {"tinybms.poll_interval_ms",              3, true,  "tinybms.stale_close_ms",                false},
    {"tinybms.stale_close_ms",                1, false, "tinybms.stale_zero_ms",                 false},
    {"tinybms.stale_zero_ms",                 1, true,  "tinybms.stale_zero_discharge_ms",       false},
    {"tinybms.stale_zero_discharge_ms",       1, false, "tinybms.stale_silent_ms",               false},
    {"victron.thresholds.undervoltage_v",     1, false, "victron.thresholds.overvoltage_v",      true},
    {"victron.thresholds.imbalance_warn_mv",  1, false, "victron.thresholds.imbalance_alarm_mv", false},
    {"victron.thresholds.soc_low_percent",    1, false, "victron.thresholds.soc_high_percent",   false},
    {"cvl.bulk_voltage_v",                    1, false, "victron.thresholds.overvoltage_v",      true},
    {"cvl.bulk_soc_threshold",                1, false, "cvl.transition_soc_threshold",          false},
    {"cvl.transition_soc_threshold",          1, false, "cvl.float_soc_threshold",               false},
    {"cvl.float_exit_soc",                    1, false, "cvl.float_soc_threshold",               false},
    {"cvl.float_approach_offset_mv",          1, true,  "cvl.float_offset_mv",                   false},
    {"cvl.float_approach_offset_cell_mv",     1, true,  "cvl.float_offset_cell_mv",              false},
    {"cvl.imbalance_release_threshold_mv",    1, false, "cvl.imbalance_hold_threshold_mv",       false},
    {"cvl.sustain_soc_entry_percent",         1, false, "cvl.sustain_soc_exit_percent",          false},
};

/* No two may name the same GPIO. */
static const char *const pin_keys[] = {
    "hardware.uart.rx_pin", "hardware.uart.tx_pin", "hardware.can.tx_pin", "hardware.can.rx_pin",
};

static const char *const curve_keys[] = {
    "limits.charge_temperature_curve",
    "limits.discharge_temperature_curve",
};

/* What the GX shows as a name. */
static const char *const name_keys[] = {
    "victron.manufacturer", "victron.battery_name", "victron.battery_family",
};

/* Makers that a GX knows by the beginning of a name, and for which it then forces DVCC, shared
 * sensing or limits of its own; 0x35E carries 8 characters, so longer names are cut. */
static const char *const special_makers[] = {
    "LG", "PYLON", "PELIO", "BYD", "DYNESS", "BMZ", "BSLBATT", "BLUENOVA", "BATRIUM", "CEGASA",
    "DISCOVER", "ETOWER", "FD", "FREEDOM", "HUBBLE", "LBSA", "LEOCH", "METERBOO", "PYTES",
    "SOLUNA", "SUNWODA", "WECO", "ZYC",
};
/* clang-format on */

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int check_order(const struct settings *s, const struct order_rule *rule,
                       struct settings_error *e) {
    const struct settings_row *lower_row = settings_find(rule->lower);
    const struct settings_row *higher_row = settings_find(rule->higher);
    int64_t lower = settings_load(lower_row, s), higher = settings_load(higher_row, s);
    struct text t;
    int err;

    if (rule->zero_is_off && (lower == 0 || higher == 0))
        return 0;
    if (lower * rule->factor < higher || (rule->may_equal && lower * rule->factor == higher))
        return 0;
    err = settings_refuse(e, GW_ERR_CONFLICT, rule->higher, &t);
    settings_text_number(&t, higher_row, higher);
    text_str(&t, rule->may_equal ? " must be at least " : " must be more than ");
    if (rule->factor != 1) {
        text_int(&t, rule->factor);
        text_str(&t, " times ");
    }
    text_str(&t, rule->lower);
    text_str(&t, ", which is ");
    settings_text_number(&t, lower_row, lower);
    return err;
}

static int refuse_text(struct settings_error *e, int err, const char *key, const char *value,
                       const char *why) {
    struct text t;

    settings_refuse(e, err, key, &t);
    text_char(&t, '"');
    settings_text_foreign(&t, value, strlen(value));
    text_str(&t, "\" ");
    text_str(&t, why);
    return err;
}

static char upper(char c) {
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool begins_with_maker(const char *name, const char *maker) {
    for (; *maker != '\0'; maker++, name++)
        if (upper(*name) != *maker)
            return false;
    return true;
}

static int check_name(const char *key, const char *name, struct settings_error *e) {
    size_t n = strlen(name);
    struct text t;

    for (size_t i = 0; i < n; i++)
        if (name[i] < 0x20 || name[i] >= 0x7F)
            return refuse_text(e, GW_ERR_RANGE, key, name, "is not printable 7-bit ASCII");
    if (n > 0 && (name[0] == ' ' || name[n - 1] == ' '))
        return refuse_text(e, GW_ERR_RANGE, key, name, "begins or ends with a space");
    for (size_t i = 0; i < COUNT(special_makers); i++)
        if (begins_with_maker(name, special_makers[i])) {
            settings_refuse(e, GW_ERR_CONFLICT, key, &t);
            text_char(&t, '"');
            settings_text_foreign(&t, name, n);
            text_str(&t, "\" begins like the name of a maker (");
            text_str(&t, special_makers[i]);
            text_str(&t, ") whose batteries a GX treats specially: choose another");
            return GW_ERR_CONFLICT;
        }
    return 0;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_alphanumeric(char c) {
    return is_digit(c) || (upper(c) >= 'A' && upper(c) <= 'Z');
}

static bool is_port(const char *s) {
    uint32_t port = 0;
    size_t n = 0;

    for (; n < 6 && is_digit(s[n]); n++)
        port = port * 10 + (uint32_t)(s[n] - '0');
    return n >= 1 && n <= 5 && s[n] == '\0' && port >= 1 && port <= 65535;
}

/* host:port, where a host is a name, an IPv4 address, or an IPv6 address in square brackets. */
static bool is_host_and_port(const char *s) {
    bool bracketed = *s == '[';
    size_t n = bracketed ? 1 : 0, first = n;

    while (is_alphanumeric(s[n]) || s[n] == '.' || s[n] == '-' ||
           (bracketed ? s[n] == ':' || s[n] == '%' : s[n] == '_'))
        n++;
    if (n == first || s[first] == '-')
        return false;
    if (bracketed) {
        if (memchr(s + first, ':', n - first) == NULL || s[n] != ']')
            return false;
        n++;
    }
    return s[n] == ':' && is_port(s + n + 1);
}

/* An absolute path of a file, not of a directory. */
static bool is_file_path(const char *s) {
    size_t n = strlen(s);
    return n >= 2 && s[0] == '/' && s[n - 1] != '/';
}

/* The text behind a prefix, or NULL. */
static const char *after(const char *s, const char *prefix) {
    size_t n = strlen(prefix);
    return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

static int check_uart_device(const char *device, struct settings_error *e) {
    static const char key[] = "hardware.uart.device";
    const char *address = after(device, "tcp://");

    if (address != NULL && !is_host_and_port(address))
        return refuse_text(e, GW_ERR_RANGE, key, device,
                           "is not tcp://host:port with a port from 1 to 65535");
    if (address != NULL || is_file_path(device) || strcmp(device, "sim") == 0)
        return 0;
    return refuse_text(e, GW_ERR_RANGE, key, device,
                       "is neither an absolute path, nor tcp://host:port, nor sim");
}

/* What Linux accepts as the name of a network interface. */
static bool is_interface_name(const char *s) {
    size_t n = strlen(s);

    for (size_t i = 0; i < n; i++)
        if (s[i] <= 0x20 || s[i] >= 0x7F || s[i] == '/' || s[i] == ':')
            return false;
    return n >= 1 && n <= 15 && strcmp(s, ".") != 0 && strcmp(s, "..") != 0;
}

static int check_can_interface(const struct settings *s, struct settings_error *e) {
    static const char key[] = "hardware.can.interface";
    const char *link = s->hardware.can.interface;
    const char *name = after(link, "socketcan:");
    const char *path = after(link, "slcan:");

    if (name != NULL && !is_interface_name(name))
        return refuse_text(e, GW_ERR_RANGE, key, link,
                           "is not socketcan: and an interface name of 1 to 15 characters");
    if (path != NULL && !is_file_path(path))
        return refuse_text(e, GW_ERR_RANGE, key, link, "is not slcan: and an absolute path");
    if (path != NULL && strcmp(path, s->hardware.uart.device) == 0)
        return refuse_text(e, GW_ERR_CONFLICT, key, link,
                           "is the device of the BMS (hardware.uart.device)");
    if (path != NULL && s->hardware.can.mode == SETTINGS_CAN_LOOPBACK)
        return refuse_text(e, GW_ERR_CONFLICT, "hardware.can.mode", "loopback",
                           "is not possible with slcan: adapters have no such mode");
    if (name != NULL || path != NULL || strcmp(link, "sim") == 0 || strcmp(link, "none") == 0)
        return 0;
    return refuse_text(e, GW_ERR_RANGE, key, link,
                       "is neither socketcan:IFNAME, nor slcan:/path, nor sim, nor none");
}

static int check_pins(const struct settings *s, struct settings_error *e) {
    struct text t;

    for (size_t i = 1; i < COUNT(pin_keys); i++)
        for (size_t k = 0; k < i; k++) {
            int64_t pin = settings_load(settings_find(pin_keys[i]), s);
            if (pin != settings_load(settings_find(pin_keys[k]), s))
                continue;
            settings_refuse(e, GW_ERR_CONFLICT, pin_keys[i], &t);
            text_int(&t, pin);
            text_str(&t, " is already ");
            text_str(&t, pin_keys[k]);
            return GW_ERR_CONFLICT;
        }
    return 0;
}

static int check_curve(const char *key, const char *text, struct settings_error *e) {
    struct curve curve;
    int err = curve_parse(&curve, text);

    if (err == GW_ERR_SYNTAX)
        return refuse_text(e, GW_ERR_RANGE, key, text,
                           "is not made of points degC:percent with one space between");
    if (err == GW_ERR_CONFLICT)
        return refuse_text(e, GW_ERR_RANGE, key, text, "is not in the order of rising temperature");
    if (err != 0)
        return refuse_text(e, GW_ERR_RANGE, key, text,
                           "is not 2 to 8 points of -40 to 90 degC and 0 to 100 %");
    return 0;
}

static int check_paths(const struct settings *s, struct settings_error *e) {
    const char *dir = s->storage.dir, *socket = s->advanced.control_socket;

    if (dir[0] != '\0' && dir[0] != '/')
        return refuse_text(e, GW_ERR_RANGE, "storage.dir", dir, "is not an absolute path");
    if (socket[0] != '\0' && !is_file_path(socket))
        return refuse_text(e, GW_ERR_RANGE, "advanced.control_socket", socket,
                           "is not an absolute path of a socket");
    return 0;
}

int settings_check(const struct settings *s, struct settings_error *e) {
    int err = check_uart_device(s->hardware.uart.device, e);

    if (err == 0)
        err = check_can_interface(s, e);
    if (err == 0)
        err = check_pins(s, e);
    for (size_t i = 0; err == 0 && i < COUNT(order_rules); i++)
        err = check_order(s, &order_rules[i], e);
    for (size_t i = 0; err == 0 && i < COUNT(name_keys); i++)
        err = check_name(name_keys[i], settings_text(settings_find(name_keys[i]), s), e);
    for (size_t i = 0; err == 0 && i < COUNT(curve_keys); i++)
        err = check_curve(curve_keys[i], settings_text(settings_find(curve_keys[i]), s), e);
    if (err == 0)
        err = check_paths(s, e);
    return err;
}
