/* SPDX-License-Identifier: MIT */
/* The whole catalogue against the register list of the vendor's "Communication Protocols, Revision
 * D", written down from the document and not from registers.c:
 *
 *   address,words,name,type,scale,unit,access,min,max,flags,value=word;...
 *
 * Flags: D new in revision D (45, 305, 310, 311, 321-323), S -32768 is no sensor, T reads 0xFFFF
 * once the BMS has taken the value over, R restarts the BMS. Three ranges are ours, because the
 * document has none: 305 may not be 0 or 0xFFFF, which mean unknown; 329 has three bits; 330 has a
 * charger type of 0-2 in its low byte and 0-30 s in its high byte, 0x1E02. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tinybms/registers.h"

/* clang-format off */
static const char *const document[] = {
    "0,1,cell_1_voltage,u16,0.1,mV,R,,,,",
    "1,1,cell_2_voltage,u16,0.1,mV,R,,,,",
    "2,1,cell_3_voltage,u16,0.1,mV,R,,,,",
    "3,1,cell_4_voltage,u16,0.1,mV,R,,,,",
    "4,1,cell_5_voltage,u16,0.1,mV,R,,,,",
    "5,1,cell_6_voltage,u16,0.1,mV,R,,,,",
    "6,1,cell_7_voltage,u16,0.1,mV,R,,,,",
    "7,1,cell_8_voltage,u16,0.1,mV,R,,,,",
    "8,1,cell_9_voltage,u16,0.1,mV,R,,,,",
    "9,1,cell_10_voltage,u16,0.1,mV,R,,,,",
    "10,1,cell_11_voltage,u16,0.1,mV,R,,,,",
    "11,1,cell_12_voltage,u16,0.1,mV,R,,,,",
    "12,1,cell_13_voltage,u16,0.1,mV,R,,,,",
    "13,1,cell_14_voltage,u16,0.1,mV,R,,,,",
    "14,1,cell_15_voltage,u16,0.1,mV,R,,,,",
    "15,1,cell_16_voltage,u16,0.1,mV,R,,,,",
    "32,2,lifetime_counter,u32,1,s,R,,,,",
    "34,2,estimated_time_left,u32,1,s,R,,,,",
    "36,2,pack_voltage,f32,1,V,R,,,,",
    "38,2,pack_current,f32,1,A,R,,,,",
    "40,1,min_cell_voltage,u16,1,mV,R,,,,",
    "41,1,max_cell_voltage,u16,1,mV,R,,,,",
    "42,1,external_temperature_1,i16,0.1,degC,R,,,S,",
    "43,1,external_temperature_2,i16,0.1,degC,R,,,S,",
    "44,1,distance_left,u16,1,km,R,,,,",
    "45,1,state_of_health,u16,0.002,%,R,0,50000,D,",
    "46,2,state_of_charge,u32,0.000001,%,R,,,,",
    "48,1,internal_temperature,i16,0.1,degC,R,,,,",
    "50,1,online_status,u16,1,,R,,,,145=charging;146=fully charged;147=discharging;"
    "150=regeneration;151=idle;155=fault",
    "51,1,balancing_needed,u16,1,,R,,,,",
    "52,1,balancing_active,u16,1,,R,,,,",
    "53,1,detected_cells,u16,1,,R,,,,",
    "54,2,speed,f32,1,km/h,R,,,,",
    "100,2,total_distance,u32,0.01,km,R,,,,",
    "102,1,max_discharge_current,u16,0.1,A,R,,,,",
    "103,1,max_charge_current,u16,0.1,A,R,,,,",
    "104,1,max_cell_voltage_difference,u16,0.1,mV,R,,,,",
    "105,1,under_voltage_count,u16,1,,R,,,,",
    "106,1,over_voltage_count,u16,1,,R,,,,",
    "107,1,discharge_over_current_count,u16,1,,R,,,,",
    "108,1,charge_over_current_count,u16,1,,R,,,,",
    "109,1,over_heat_count,u16,1,,R,,,,",
    "111,1,charging_count,u16,1,,R,,,,",
    "112,1,full_charge_count,u16,1,,R,,,,",
    "113,1,pack_temperature_extremes,i8x2,1,degC,R,,,,",
    "114,1,last_reset_and_wakeup,u8x2,1,,R,,,,",
    "116,2,statistics_cleared_at,u32,1,s,R,,,,",
    "200,98,events,event,1,,R,,,,",
    "300,1,fully_charged_voltage,u16,1,mV,RW,1200,4500,,",
    "301,1,fully_discharged_voltage,u16,1,mV,RW,1000,3500,,",
    "303,1,early_balancing_threshold,u16,1,mV,RW,1000,4500,,",
    "304,1,charge_finished_current,u16,1,mA,RW,100,5000,,",
    "305,1,peak_discharge_current_cutoff,u16,1,A,RW,1,65534,D,",
    "306,1,battery_capacity,u16,0.01,Ah,RW,10,65500,,",
    "307,1,series_cells,u16,1,,RW,4,16,,",
    "308,1,allowed_disbalance,u16,1,mV,RW,15,100,,",
    "310,1,charger_startup_delay,u16,1,s,RW,5,60,D,",
    "311,1,charger_disable_delay,u16,1,s,RW,0,60,D,",
    "312,2,pulses_per_unit,u32,1,,RW,1,100000,,",
    "314,1,distance_unit,u16,1,,RW,1,5,,1=metre;2=kilometre;3=foot;4=mile;5=yard",
    "315,1,over_voltage_cutoff,u16,1,mV,RW,1200,4500,,",
    "316,1,under_voltage_cutoff,u16,1,mV,RW,800,3500,,",
    "317,1,discharge_over_current_cutoff,u16,1,A,RW,1,750,,",
    "318,1,charge_over_current_cutoff,u16,1,A,RW,1,750,,",
    "319,1,over_heat_cutoff,i16,1,degC,RW,20,90,,",
    "320,1,low_temperature_charger_cutoff,i16,1,degC,RW,-40,10,,",
    "321,1,charge_restart_level,u16,1,%,RW,60,95,D,",
    "322,1,max_cycles_count,u16,1,,RW,10,65000,D,",
    "323,1,state_of_health_setting,u16,0.002,%,RW,0,50000,DT,",
    "328,1,state_of_charge_setting,u16,0.002,%,RW,0,50000,T,",
    "329,1,flags,bits,1,,RW,0,7,,",
    "330,1,charger_type_and_discharge_timeout,u8x2,1,,RW,0,7682,,",
    "331,1,load_switch_type,u8,1,,RW,0,8,,0=FET;1=AIDO1;2=AIDO2;3=DIDO1;4=DIDO2;"
    "5=AIHO1 low;6=AIHO1 high;7=AIHO2 low;8=AIHO2 high",
    "332,1,automatic_recovery,u8,1,s,RW,0,30,,",
    "333,1,charger_switch_type,u8,1,,RW,1,9,,1=charge FET;2=AIDO1;3=AIDO2;4=DIDO1;5=DIDO2;"
    "6=AIHO1 low;7=AIHO1 high;8=AIHO2 low;9=AIHO2 high",
    "334,1,ignition,u8,1,,RW,0,6,,0=disabled;1=AIDO1;2=AIDO2;3=DIDO1;4=DIDO2;5=AIHO1;6=AIHO2",
    "335,1,charger_detection,u8,1,,RW,1,7,,1=internal;2=AIDO1;3=AIDO2;4=DIDO1;5=DIDO2;"
    "6=AIHO1;7=AIHO2",
    "336,1,speed_sensor_input,u8,1,,RW,0,2,,0=disabled;1=DIDO1;2=DIDO2",
    "337,1,precharge_pin,u8,1,,RW,0,16,,0=disabled;2=discharge FET;3=AIDO1;4=AIDO2;"
    "5=DIDO1;6=DIDO2;7=AIHO1 low;8=AIHO1 high;9=AIHO2 low;16=AIHO2 high",
    "338,1,precharge_duration,u8,1,,RW,0,7,,0=0.1 s;1=0.2 s;2=0.5 s;3=1 s;4=2 s;5=3 s;"
    "6=4 s;7=5 s",
    "339,1,temperature_sensor_type,u8,1,,RW,0,1,,0=dual 10K NTC;1=multipoint active",
    "340,1,operation_mode,u8,1,,RW,0,1,R,0=dual port;1=single port",
    "341,1,single_port_switch_type,u8,1,,RW,0,8,,0=FET;1=AIDO1;2=AIDO2;3=DIDO1;4=DIDO2;"
    "5=AIHO1 low;6=AIHO1 high;7=AIHO2 low;8=AIHO2 high",
    "342,1,broadcast_time,u8,1,,RW,0,7,,0=disabled;1=0.1 s;2=0.2 s;3=0.5 s;4=1 s;5=2 s;"
    "6=5 s;7=10 s",
    "343,1,protocol,u8,1,,RW,0,2,,0=CA V3;1=ASCII;2=SOC bar",
    "500,1,hardware_version,u8x2,1,,R,,,,",
    "501,1,firmware_version,u8x2,1,,R,,,,",
    "502,1,internal_firmware_version,u16,1,,R,,,,",
    "503,1,bootloader_and_profile_version,u8x2,1,,R,,,,",
    "504,6,serial_number,bytes12,1,,R,,,,",
};
/* clang-format on */

enum { LINE_MAX_BYTES = 512 };

struct line {
    char text[LINE_MAX_BYTES];
    size_t length;
};

static void add(struct line *l, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(l->text + l->length, sizeof l->text - l->length, format, arguments);
    va_end(arguments);
    assert_true(n >= 0 && l->length + (size_t)n < sizeof l->text);
    l->length += (size_t)n;
}

static void print(struct line *l, const struct tinybms_register *r) {
    static const char *const types[] = {
        [TINYBMS_U16] = "u16",          [TINYBMS_I16] = "i16",   [TINYBMS_U32] = "u32",
        [TINYBMS_F32] = "f32",          [TINYBMS_U8] = "u8",     [TINYBMS_U8X2] = "u8x2",
        [TINYBMS_I8X2] = "i8x2",        [TINYBMS_BITS] = "bits", [TINYBMS_BYTES] = "bytes12",
        [TINYBMS_EVENT_LIST] = "event",
    };
    l->length = 0;
    add(l, "%u,%u,%s,%s,", r->addr, r->words, r->name, types[r->type]);
    bool whole = r->decimals == 0 || r->type == TINYBMS_F32; /* floats have a scale of their own */
    if (whole) {
        add(l, "%u,", r->numerator);
    } else {
        add(l, "0.%0*u,", r->decimals, r->numerator);
    }
    add(l, "%s,%s,", r->unit, r->writable ? "RW" : "R");
    if (r->ranged) {
        add(l, "%d,%d,", (int)r->min, (int)r->max);
    } else {
        add(l, ",,");
    }
    add(l, "%s%s%s%s,", (r->flags & TINYBMS_SINCE_D) != 0 ? "D" : "",
        (r->flags & TINYBMS_ABSENT_8000) != 0 ? "S" : "",
        (r->flags & TINYBMS_TAKEN_FFFF) != 0 ? "T" : "",
        (r->flags & TINYBMS_RESTARTS) != 0 ? "R" : "");
    for (const struct tinybms_choice *c = r->choices; c != NULL && c->text != NULL; c++) {
        add(l, "%s%u=%s", c == r->choices ? "" : ";", c->value, c->text);
    }
}

static void the_catalogue_is_the_register_list_of_the_document(void **state) {
    (void)state;
    assert_int_equal(tinybms_registers_count, sizeof document / sizeof document[0]);
    for (size_t i = 0; i < tinybms_registers_count; i++) {
        struct line l;
        print(&l, &tinybms_registers[i]);
        assert_string_equal(l.text, document[i]);
    }
}

/* A float is scaled to thousandths; a range that does not hold has no limits. */
static void what_the_list_does_not_say_is_as_the_header_says(void **state) {
    (void)state;
    for (size_t i = 0; i < tinybms_registers_count; i++) {
        const struct tinybms_register *r = &tinybms_registers[i];
        if (r->type == TINYBMS_F32) {
            assert_int_equal(r->decimals, 3);
        }
        if (!r->ranged) {
            assert_int_equal(r->min, 0);
            assert_int_equal(r->max, 0);
        }
        const unsigned known =
            TINYBMS_SINCE_D | TINYBMS_ABSENT_8000 | TINYBMS_TAKEN_FFFF | TINYBMS_RESTARTS;
        assert_int_equal(r->flags & ~known, 0);
    }
}

/* A word or two of the note that each register has in the document; the others have none. */
static void notes_stand_beside_their_registers(void **state) {
    (void)state;
    static const struct {
        uint16_t addr;
        const char *says;
    } notes[] = {
        {0, "order of the cells"},
        {32, "clock of the BMS; event"},
        {38, "negative while discharging"},
        {45, "above 50000"},
        {51, "first cell"},
        {52, "first cell"},
        {113, "minimum"},
        {114, "reset cause"},
        {116, "clock of the BMS"},
        {200, "49 events"},
        {304, "current sensor"},
        {305, "never a limit"},
        {310, "may mean unknown"},
        {311, "may mean unknown"},
        {317, "current sensor"},
        {318, "current sensor"},
        {321, "may mean unknown"},
        {323, "taken the value over"},
        {328, "taken the value over"},
        {329, "invert external current sensor"},
        {330, "charger type"},
        {332, "recovers only by charger"},
        {340, "restarts the BMS"},
        {343, "excludes broadcast"},
        {500, "high byte changes"},
        {501, "public release"},
        {503, "bootloader"},
        {504, "96 bits"},
    };
    size_t next = 0;
    for (size_t i = 0; i < tinybms_registers_count; i++) {
        const struct tinybms_register *r = &tinybms_registers[i];
        const char *note = tinybms_register_notes(r);
        if (next < sizeof notes / sizeof notes[0] && notes[next].addr == r->addr) {
            if (strstr(note, notes[next].says) == NULL) {
                fail_msg("register %u: %s", r->addr, note);
            }
            next++;
        } else if (note[0] != '\0') {
            fail_msg("register %u: %s", r->addr, note);
        }
    }
    assert_int_equal(next, sizeof notes / sizeof notes[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_catalogue_is_the_register_list_of_the_document),
        cmocka_unit_test(what_the_list_does_not_say_is_as_the_header_says),
        cmocka_unit_test(notes_stand_beside_their_registers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
