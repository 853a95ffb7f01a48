/* SPDX-License-Identifier: MIT */
/* docs/protocol/can-frames.md from victron_table, with an example of each frame: encoded by the
 * gateway, put into words by the simulated GX, which reads frames with a table of its own. */
#include <string.h>

#include "docs.h"
#include "sim/gx.h"
#include "victron/victron.h"

static const char introduction[] =
    "<!-- Generated from core/victron/encode.c by `make docs`. Do not edit. -->\n"
    "# The frames to a GX\n"
    "\n"
    "Source: the inverter maker's CAN-bus BMS protocol, 2021-04-17. 500 kbit/s, 11-bit\n"
    "identifiers, 8 data bytes, low byte first unless said otherwise. All frames go out\n"
    "once per `victron.pgn_update_interval_ms` (1 s), spread over it; 0x351 also at once\n"
    "when the stage of the data changes, a limit reaches 0 or falls by a tenth of nominal;\n"
    "0x35A and 0x372 when the stage changes or the battery goes offline or online.\n"
    "Values are rounded half away from zero and saturate; CCL and DCL over 0 never round to\n"
    "0.\n"
    "\n"
    "A frame that has nothing to say (no name, no serial number, a value that was never\n"
    "read) is not sent. Before the third good sample, from 60 s of silence on, and while the\n"
    "BMS rests (`tinybms.low_power`), nothing is sent at all. The gateway never sends 0x305 or\n"
    "0x307: they are the GX's. 0x378 (energy) is not sent, because energy is not counted yet.\n";

/* What stands where, for people; a row of victron_table without a line here stops the build. */
static const struct {
    uint16_t id;
    const char *layout;
} layouts[] = {
    /* clang-format off */
    {VICTRON_ID_LIMITS,               "0 CVL u16 0.1 V; 2 CCL i16 0.1 A; 4 DCL i16 0.1 A; 6 discharge voltage u16 0.1 V (cells x register 301)"},
    {VICTRON_ID_ALARMS,               "pairs of bits, see [alarms.md](alarms.md)"},
    {VICTRON_ID_CHARGE_STATE,         "0 SOC u16 %; 2 SOH u16 %, or `victron.soh_when_unknown`; 4 SOC u16 0.01 %"},
    {VICTRON_ID_MEASUREMENTS,         "0 pack voltage i16 0.01 V; 2 current i16 0.1 A, positive while charging; 4 mean temperature i16 0.1 degC"},
    {VICTRON_ID_MANUFACTURER,         "up to 8 characters: the first 8 of `victron.battery_name`, or else `victron.manufacturer`"},
    {VICTRON_ID_MODEL,                "0 register 500 u16; 2 firmware release and internal version, high byte first; 4 capacity u16 Ah, 0 while offline"},
    {VICTRON_ID_NAME_1,               "the first 8 characters of a name that is longer than 8"},
    {VICTRON_ID_NAME_2,               "the rest of such a name"},
    {VICTRON_ID_MODULES,              "modules u16 each: 0 online; 2 blocking charge (CCL 0); 4 blocking discharge (DCL 0); 6 offline. The pack is one module"},
    {VICTRON_ID_EXTREMES,             "0 lowest cell u16 mV; 2 highest cell u16 mV; 4 coldest sensor u16 K; 6 warmest sensor u16 K; 0xFFFF unknown"},
    {VICTRON_ID_MIN_CELL_NAME,        "text: the number of the lowest cell"},
    {VICTRON_ID_MAX_CELL_NAME,        "text: the number of the highest cell"},
    {VICTRON_ID_MIN_TEMPERATURE_NAME, "text: the coldest sensor"},
    {VICTRON_ID_MAX_TEMPERATURE_NAME, "text: the warmest sensor"},
    {VICTRON_ID_INSTALLED_CAPACITY,   "0 capacity u16 Ah, online or not"},
    {VICTRON_ID_SERIAL_1,             "text: the first 8 characters of the serial number (registers 504-509: 12 characters if all are printable, else the last 16 of its hex digits)"},
    {VICTRON_ID_SERIAL_2,             "text: the rest of it"},
    {VICTRON_ID_FAMILY,               "text: `victron.battery_family`"},
    /* clang-format on */
};

static const char *layout_of(uint16_t id) {
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        if (layouts[i].id == id) {
            return layouts[i].layout;
        }
    }
    return NULL;
}

/* A 14-cell pack in use, as the examples show it. */
static void example_battery(struct battery *b) {
    static const enum battery_field field[] = {
        BATTERY_CELLS,
        BATTERY_PACK_VOLTAGE,
        BATTERY_PACK_CURRENT,
        BATTERY_SOC,
        BATTERY_SOH,
        BATTERY_INTERNAL_TEMPERATURE,
        BATTERY_STATUS,
        BATTERY_EXTERNAL_TEMPERATURE_1,
        BATTERY_CAPACITY,
        BATTERY_HARDWARE_VERSION,
        BATTERY_FIRMWARE_VERSION,
        BATTERY_INTERNAL_FIRMWARE,
        BATTERY_SERIAL,
    };
    static const uint8_t serial[BATTERY_SERIAL_BYTES] = "TB2024-00017"; /* 12, no NUL */
    battery_init(b);
    b->cell_count = 14;
    for (uint8_t i = 0; i < b->cell_count; i++) {
        b->cell_mv[i] = 3900;
    }
    b->cell_mv[2] = 3896;
    b->cell_mv[6] = 3905;
    b->pack_mv = 54601;
    b->pack_ma = -12300;
    b->soc_cpct = 6420;
    b->soh_cpct = 9800;
    b->status = BATTERY_STATUS_DISCHARGING;
    b->internal_temperature_dc = 278;
    b->external_temperature_dc[0] = 214;
    b->capacity_mah = 66000;
    b->hardware_version = 0x0102;
    b->firmware_version = 0x0301;
    b->internal_firmware = 242;
    memcpy(b->serial, serial, sizeof b->serial);
    for (size_t i = 0; i < sizeof field / sizeof field[0]; i++) {
        battery_set(b, field[i], 0);
    }
    battery_derive(b);
}

static void print_example(const struct victron_row *row, const struct victron_source *src,
                          FILE *out) {
    struct victron_frame f;
    if (!row->encode(src, &f)) {
        (void)fputs("not sent here", out);
        return;
    }
    struct sim_can_frame seen = {.id = f.id, .len = f.len};
    memcpy(seen.data, f.data, sizeof seen.data);
    char words[SIM_GX_WORDS_MAX];
    (void)sim_gx_words(&seen, words, sizeof words);
    (void)fputc('`', out);
    for (unsigned i = 0; i < f.len; i++) {
        (void)fprintf(out, "%s%02X", i == 0 ? "" : " ", f.data[i]);
    }
    (void)fprintf(out, "` %s", words);
}

bool docs_can_frames(FILE *out) {
    static struct battery battery;
    example_battery(&battery);
    static const struct limits limits = {.valid = true,
                                         .cvl_mv = 58100,
                                         .ccl_ma = 18000,
                                         .dcl_ma = 54000,
                                         .discharge_voltage_mv = 42000,
                                         .cvl_reason = LIMIT_NOMINAL,
                                         .ccl_reason = LIMIT_NOMINAL,
                                         .dcl_reason = LIMIT_NOMINAL};
    struct alarms alarms = {.online = true};
    for (unsigned id = 0; id < ALARM_COUNT; id++) {
        bool supported = id != ALARM_GENERAL && id != ALARM_SHORT_CIRCUIT;
        alarms.alarm[id] = alarms.warning[id] = supported ? ALARM_QUIET : ALARM_NOT_SUPPORTED;
    }
    alarms.warning[ALARM_CELL_IMBALANCE] = ALARM_ACTIVE;
    static const struct victron_config config = {.period_ms = 1000,
                                                 .battery_name = "House battery",
                                                 .battery_family = "TinyBMS",
                                                 .soh_when_unknown = 100};
    const struct victron_source src = {&battery, &limits, &alarms, &config};

    (void)fputs(introduction, out);
    (void)fputs("\nThe examples are of a 14-cell pack named \"House battery\" that discharges with "
                "12.3 A.\n"
                "\n| identifier | message | bytes | example |\n|---|---|---|---|\n",
                out);
    bool good = true;
    for (unsigned i = 0; i < victron_table_rows; i++) {
        const struct victron_row *row = &victron_table[i];
        const char *layout = layout_of(row->id);
        if (layout == NULL) {
            (void)fprintf(stderr, "tools/docs/can_frames.c: no layout for 0x%03X\n", row->id);
            good = false;
            continue;
        }
        (void)fprintf(out, "| 0x%03X | %s | %s | ", row->id, row->name, layout);
        print_example(row, &src, out);
        (void)fputs(" |\n", out);
    }
    (void)fputs(
        "\n## From the GX\n\n"
        "| identifier | message | what the gateway does with it |\n|---|---|---|\n"
        "| 0x305 | keep-alive, every second | a GX is present until `victron.keepalive_timeout_ms` "
        "after the last one; after 10 minutes without, one warning. Nothing stops |\n"
        "| 0x307 | identity | noted: its bytes 4-6 say `VIC` |\n",
        out);
    return good;
}
