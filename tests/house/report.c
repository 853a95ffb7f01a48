/* SPDX-License-Identifier: MIT */
#include "report.h"

#include "property.h"

static double kwh(double wh) {
    return wh / 1000.0;
}

static double share(double part, double whole) {
    return whole > 0.0 ? 100.0 * part / whole : 0.0;
}

static uint32_t all_trips(const struct ledger *l) {
    uint32_t n = 0;
    for (unsigned i = 0; i < SIM_HOUSE_DARK_CAUSES; i++)
        n += l->trips[i];
    return n;
}

/* Hours, or that it never was. */
static const char *when(double seconds, char buf[16]) {
    if (seconds < 0.0)
        snprintf(buf, 16, "never");
    else
        snprintf(buf, 16, "%.1f", seconds / 3600.0);
    return buf;
}

static void print_house(FILE *out, const struct house_rig *r) {
    const struct sim_house_sums *s = &r->house.sums;
    const struct ledger *l = &r->ledger;
    fprintf(out, "solar used                 %10.1f kWh  (%.1f %% of the possible)\n",
            kwh(s->solar), share(s->solar, s->possible));
    fprintf(out, "solar curtailed            %10.1f kWh\n", kwh(s->curtailed));
    fprintf(out, "loads served               %10.1f kWh\n", kwh(s->served));
    fprintf(out, "loads in the dark          %10.2f kWh\n", kwh(s->dark));
    fprintf(out, "bought / fed in            %10.1f / %.1f kWh\n", kwh(s->bought), kwh(s->fed_in));
    fprintf(out, "into / out of the battery  %10.1f / %.1f kWh\n", kwh(s->pack_in),
            kwh(s->pack_out));
    fprintf(out, "battery off the inverter   %10.0f s\n", l->lost_s);
    fprintf(out, "house dark                 %10.0f s, longest %.0f s%s\n", l->dark_s,
            l->longest_dark_s, l->this_dark_s > 0.0 ? ", still dark at the end" : "");
    fprintf(out, "inverter trips             %10u, restarted by itself %u\n", all_trips(l),
            l->restarts);
    for (unsigned i = SIM_HOUSE_NO_DCL; i < SIM_HOUSE_DARK_CAUSES; i++) {
        if (l->trips[i] > 0)
            fprintf(out, "  by %-22s %10u\n", sim_house_dark_text((enum sim_house_dark)i),
                    l->trips[i]);
    }
    fprintf(out, "  by a limit over the floor%10u\n", l->trips_over_floor);
}

static void print_cells(FILE *out, const struct house_rig *r) {
    static const char *const openings[LEDGER_OPENINGS] = {
        "a cell at 300", "fully charged", "the charger's voltage", "a protection", "an empty cell"};
    const struct ledger *l = &r->ledger;
    const uint16_t *reg = r->bms.reg;
    char when_full[16], when_own[16], when_even[16];
    fprintf(out, "highest / lowest cell      %10.0f / %.0f mV\n", l->max_mv, l->min_mv);
    fprintf(out, "at 300 (%4u mV)           %10.0f s\n", reg[300], l->at_300_s);
    fprintf(out, "at 315 (%4u mV)           %10.0f s\n", reg[315], l->at_315_s);
    fprintf(out, "at 316 (%4u mV)           %10.0f s\n", reg[316], l->at_316_s);
    fprintf(out, "under 301 with a load      %10.0f s\n", l->under_301_s);
    fprintf(out, "most current in / out      %10.1f / %.1f A\n", l->most_charge_a,
            l->most_discharge_a);
    for (unsigned i = 0; i < LEDGER_OPENINGS; i++) {
        if (l->openings[i] > 0)
            fprintf(out, "switch opened: %-22s %u\n", openings[i], l->openings[i]);
    }
    fprintf(out, "BMS fully charged (0x92)   %10s h at first, %u times\n",
            when(l->first_full_s, when_full), l->fulls);
    fprintf(out, "controller's own full      %10s h at first\n", when(l->own_full_s, when_own));
    fprintf(out, "highest true charge        %10.1f %%, counted off by %.1f %% at the end\n",
            100.0 * l->top_soc, l->drift_cpct / 100.0);
    fprintf(out, "balanced                   %10s h; at the top last %.0f mV apart\n",
            when(l->balanced_s, when_even), l->top_imbalance_mv);
    fprintf(out, "cells' lack differs by     %10.2f Ah, %.2f Ah at the start; bled %.2f Ah\n",
            l->spread_ah, l->first_spread_ah, l->bled_ah);
}

static void print_broken(FILE *out, const struct house_rig *r) {
    uint32_t broken = house_properties_broken(r, true);
    const char *between = "";
    for (unsigned p = 0; p < HOUSE_PROPERTIES; p++) {
        if ((broken >> p & 1u) == 0)
            continue;
        bool allowed = (r->kase.allowed >> p & 1u) != 0;
        fprintf(out, allowed ? "%s(%s)" : "%s%s", between,
                house_property_text((enum house_property)p));
        between = ",";
    }
    fprintf(out, "%s\n", broken == 0 ? "-" : "");
}

void report_print(FILE *out, const struct house_rig *r) {
    const struct ledger *l = &r->ledger;
    fprintf(out, "case %s, controller %s, %.2f days\n", r->kase.name, r->controller.name,
            l->seconds / 86400.0);
    print_house(out, r);
    print_cells(out, r);
    fprintf(
        out,
        "CVL changes                %10u, at the top turned back %u times, at most %u an hour\n",
        l->cvl_changes, l->reversals, l->worst_hour);
    fprintf(out, "CVL down within 20 s       %10u without a danger\n", l->fast_steps);
    fprintf(out, "CCL swing, steady          %10.1f %%\n", 100.0 * l->ccl_swing);
    fprintf(out, "broken promises            ");
    print_broken(out, r);
}

void report_head(FILE *out) {
    fprintf(out,
            "%-20s %-9s %6s %5s %7s %7s %5s %4s %5s %6s %5s %5s %5s %4s %4s %6s %5s %6s %5s %5s "
            "%4s %5s %5s %5s %s\n",
            "case", "who", "kWh", "used%", "lost_s", "dark_s", "trips", "lim", "still", ">=300s",
            ">=315", "<=316", "<301s", "top", "chg", "0x92_h", "full%", "even_h", "dV_mV", "max",
            "min", "rev/h", "fast", "CCL%", "broken");
}

void report_row(FILE *out, const struct house_rig *r) {
    const struct ledger *l = &r->ledger;
    const struct sim_house_sums *s = &r->house.sums;
    char full[16], even[16];
    fprintf(
        out,
        "%-20.20s %-9.9s %6.1f %5.1f %7.0f %7.0f %5u %4u %5s %6.0f %5.0f %5.0f %5.0f %4u %4u %6s "
        "%5.1f %6s %5.0f %5.0f %4.0f %5u %5u %5.1f ",
        r->kase.name, r->controller.name, kwh(s->solar), share(s->solar, s->possible), l->lost_s,
        l->dark_s, all_trips(l), l->trips_over_floor, l->this_dark_s > 0.0 ? "dark" : "-",
        l->at_300_s, l->at_315_s, l->at_316_s, l->under_301_s, l->openings[LEDGER_BY_TOP],
        l->openings[LEDGER_BY_CHARGER] + l->openings[LEDGER_BY_GUARD], when(l->first_full_s, full),
        100.0 * l->top_soc, when(l->balanced_s, even), l->top_imbalance_mv, l->max_mv, l->min_mv,
        l->worst_hour, l->fast_steps, 100.0 * l->ccl_swing);
    print_broken(out, r);
}

void report_csv_head(FILE *out) {
    fprintf(out, "hours,solar_possible_w,solar_w,load_w,grid_w,bus_v,pack_a,rest_v,min_mv,max_mv,"
                 "soc_true,soc_counted,cvl_v,ccl_a,dcl_a,cvl_reason,ccl_reason,dcl_reason,status,"
                 "charge_on,discharge_on,dark,cells_c,bleed,state\n");
}

void report_csv_row(FILE *out, const struct house_rig *r) {
    const struct sim_house_flow *f = &r->house.flow;
    const struct sim_bms *b = &r->bms;
    double low = 1e9, high = 0.0, soc = 0.0;
    for (unsigned i = 0; i < b->pack.config.cells; i++) {
        const struct sim_cell *c = &b->pack.cell[i];
        low = c->volt < low ? c->volt : low;
        high = c->volt > high ? c->volt : high;
        soc += c->soc / b->pack.config.cells;
    }
    fprintf(out, "%.4f,%.0f,%.0f,%.0f,%.0f,%.2f,%.1f,%.2f,%.0f,%.0f,%.4f,%.4f,",
            (double)house_rig_elapsed_ms(r) / 3600000.0, f->solar_limit_w, f->solar_a * f->bus_v,
            r->around.load_w, f->grid_w, f->bus_v, f->pack_a, r->around.rest_v, 1000.0 * low,
            1000.0 * high, soc, b->soc);
    fprintf(out, "%.1f,%.1f,%.1f,%s,%s,%s,%02X,%d,%d,%s,%.1f,%04X,%s\n", r->limits.cvl_mv / 1000.0,
            r->limits.ccl_ma / 1000.0, r->limits.dcl_ma / 1000.0,
            limit_reason_text(r->limits.cvl_reason), limit_reason_text(r->limits.ccl_reason),
            limit_reason_text(r->limits.dcl_reason), b->reg[50], b->guard.charge_on,
            b->guard.discharge_on, sim_house_dark_text(r->house.dark), b->pack.cells_c,
            b->pack.bleed_bits,
            r->controller.state != NULL ? r->controller.state(r->controller.context) : "");
}
