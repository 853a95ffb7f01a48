#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Are the random sequences worth anything? Breaks the policy in one place after another and looks
whether they notice:

    mutants.py SOURCE COMPILER OUT PROPERTY... -- SCENARIO... -- LIBRARIES...

with the object files of the programs `property` and `scenario` (ctest property/mutants). Each row
names a line of the sources as it stands there; the script fails when it is gone, so that the list is
kept. A broken policy must break a rule of the contract within SEQUENCES sequences, or a scenario
file. TINYBMS_GW_LONG=1 plays them all, without it every fifth."""
import glob
import os
import subprocess
import sys

SEQUENCES = 300

# what is broken, the file, what stands there, what stands there instead
MUTANTS = [
    ("the age is ignored", "core/policy/freshness.c",
     "    uint64_t age_ms = since(f->alive_ms, now_ms);",
     "    uint64_t age_ms = 0;"),
    ("limits do not close at 15 s", "core/policy/stage.c",
     "    if (age_ms >= c->zero_ms) {\n        return STAGE_NO_CHARGE;",
     "    if (age_ms >= c->zero_discharge_ms) {\n        return STAGE_NO_CHARGE;"),
    ("DCL stays at a tenth after 30 s", "core/policy/stage.c",
     "    if (age_ms >= c->zero_discharge_ms) {",
     "    if (age_ms >= c->silent_ms) {"),
    ("frames go on for ever", "core/policy/stage.c",
     "    if (age_ms >= c->silent_ms) {",
     "    if (age_ms == UINT64_MAX) {"),
    ("limits fall in one step at 15 s", "core/policy/stage.c",
     "    if (to >= from || age_ms <= c->close_ms) {",
     "    if (to >= from || age_ms <= c->zero_ms) {"),
    ("no ramp", "core/policy/stage.c",
     "    return permille >= 1000 ? limit_ma : (uint32_t)(limit_ma * permille / 1000);",
     "    return permille >= 0 ? limit_ma : (uint32_t)(limit_ma * permille / 1000);"),
    ("DCL does not ramp after silence", "core/policy/stage.c",
     "open_up(m, m->stage != STAGE_BOOT, now_ms)",
     "open_up(m, false, now_ms)"),
    ("two samples open", "core/policy/stage.c",
     "    return m->good_in_row >= STAGE_GOOD_SAMPLES_TO_OPEN &&",
     "    return m->good_in_row + 1 >= STAGE_GOOD_SAMPLES_TO_OPEN &&"),
    ("a stopped device opens limits", "core/policy/stage.c",
     "    if (age_ms >= c->close_ms) {\n        m->good_in_row = 0;\n        return false;\n    }",
     ""),
    ("it never opens again after silence", "core/policy/stage.c",
     "    m->good_in_row++;",
     "    m->good_in_row += m->stage != STAGE_SILENT;"),
    ("frames before all settings are known", "core/policy/trust.c",
     "    return battery_complete(b);",
     "    return true;"),
    ("settings out of order are believed", "core/policy/trust.c",
     "    return b->under_voltage_cutoff_mv < b->fully_discharged_mv &&",
     "    return true || b->under_voltage_cutoff_mv < b->fully_discharged_mv &&"),
    ("voltages that nobody confirms are believed", "core/policy/trust.c",
     "    } else if (!two_witnesses_agree(b, now_ms)) {",
     "    } else if (!two_witnesses_agree(b, now_ms) && now_ms == 0) {"),
    ("a jump is believed at once", "core/policy/trust.c",
     "    return s->seen < TRUST_REPEATS;",
     "    return s->seen > TRUST_REPEATS;"),
    ("every sample is good", "core/policy/policy.c",
     "    bool good = doubt == TRUST_OK;",
     "    bool good = doubt != TRUST_INCOMPLETE;"),
    ("a repeated answer is fresh", "core/policy/freshness.c",
     "    if (first || b->live_fingerprint != before->live_fingerprint) {",
     "    if (first || now_ms > 0) {"),
    ("cells that stand still are fresh", "core/policy/freshness.c",
     "    return since(f->cells_moved_ms, now_ms) - FRESHNESS_FROZEN_MS + close_ms;",
     "    return 0;"),
    ("an ordered restart makes old data young", "core/policy/freshness.c",
     "    f->excused_age_ms = since(f->alive_ms, now_ms);",
     "    f->excused_age_ms = 0;"),
    ("an ordered restart is excused for a minute", "core/policy/policy.c",
     "now_ms + POLICY_RESTART_MS, now_ms",
     "now_ms + 6 * POLICY_RESTART_MS, now_ms"),
    ("CCL stays over register 315", "core/policy/protect.c",
     "    if (p->over_voltage) {",
     "    if (p->over_voltage && p->too_hot) {"),
    ("CCL stays at status fault", "core/policy/protect.c",
     "    if (p->fault && !p->empty) {",
     "    if (p->fault && p->under_voltage && p->over_voltage) {"),
    ("a doubtful sample says that the pack is empty", "core/policy/protect.c",
     "        latch(&p->empty, low && trusted, filled, trusted);",
     "        latch(&p->empty, low, filled, trusted);"),
    ("CCL stays below register 320", "core/policy/protect.c",
     "    return p->too_cold ? LIMIT_TEMPERATURE_LOW : LIMIT_NOMINAL;",
     "    return LIMIT_NOMINAL;"),
    ("DCL stays under register 316", "core/policy/protect.c",
     "    return p->under_voltage ? LIMIT_CELL_UNDER_VOLTAGE : LIMIT_NOMINAL;",
     "    return LIMIT_NOMINAL;"),
    ("DCL stays at a tenth with a low cell", "core/policy/stage.c",
     "        return low_or_fault ? 0 : least_ma;",
     "        return least_ma;"),
    ("0 % stands in for old data", "core/policy/policy.c",
     "    struct alarms next;\n",
     "    struct alarms next;\n    if (data_too_old(p)) {\n        p->sample.soc_cpct = 0;\n    }\n"),
    ("0 V stands in for old data", "core/policy/policy.c",
     "    struct alarms next;\n",
     "    struct alarms next;\n    if (data_too_old(p)) {\n        p->sample.pack_mv = 0;\n    }\n"),
    ("0 V stands in while limits close", "core/policy/policy.c",
     "    struct alarms next;\n",
     "    struct alarms next;\n    if (p->stage.stage == STAGE_CLOSING) {\n"
     "        p->sample.min_cell_mv = 0;\n    }\n"),
    ("CVL of old data stays", "core/policy/policy.c",
     "        if (stale_mv < cvl_mv) {",
     "        if (stale_mv < 1 && stale_mv < cvl_mv) {"),
    ("no alarm at 15 s", "core/policy/policy.c",
     "                             .silent = data_too_old(p),",
     "                             .silent = false,"),
    ("online at 15 s", "core/policy/policy.c",
     "    next.online = stage_speaks(p->stage.stage) && !data_too_old(p) &&",
     "    next.online = stage_speaks(p->stage.stage) &&"),
    ("a fall of a limit waits for its turn", "core/gateway/gateway.c",
     "        victron_send_now(&g->victron, VICTRON_ID_LIMITS);",
     "        (void)now_ms;"),
    ("a deadline that is over is a sleep", "core/gateway/gateway.c",
     "    g->deadline_ms = later(next_deadline(g, bms_ms, policy_ms, now_ms), now_ms);",
     "    g->deadline_ms = next_deadline(g, bms_ms, policy_ms, now_ms);"),
    # noticed by scenario files alone
    ("DCL ramps after the start", "core/policy/stage.c",
     "open_up(m, m->stage != STAGE_BOOT, now_ms)",
     "open_up(m, true, now_ms)"),
    ("cells that are outvoted hide a danger", "core/policy/protect.c",
     "    bool alone = trusted && trust_cells_make_pack(b);",
     "    bool alone = trusted;"),
]


def read(source, name):
    with open(os.path.join(source, name)) as f:
        return f.read()


def check_rows(source):
    for what, name, old, _ in MUTANTS:
        times = read(source, name).count(old)
        if times != 1:
            sys.exit(f"{what}: {name} has {times} times, not once:\n{old}")


def build(source, compiler, out, objects, libraries, mutant):
    """The program of these objects with the mutant in place of its file."""
    _, name, old, new = mutant
    text = read(source, name)
    broken = os.path.join(out, "mutant.c")
    program = os.path.join(out, "mutant")
    with open(broken, "w") as f:
        f.write(text.replace(old, new))
    # before the libraries: their own of the same names are not taken
    subprocess.run([compiler, "-std=c11", "-O1", "-I", os.path.join(source, "core"), "-I",
                    os.path.dirname(os.path.join(source, name)), "-o", program, broken, *objects,
                    *libraries, "-lm"], check=True)
    return program


def run(*command):
    """What it says first when it notices something; else None."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    said = [line for line in (done.stderr + done.stdout).splitlines() if not line.startswith("ok ")]
    return said[0] if done.returncode == 1 else None


def main():
    source, compiler, out = sys.argv[1:4]
    first = sys.argv.index("--")
    second = sys.argv.index("--", first + 1)
    sequences, scenarios, libraries = sys.argv[4:first], sys.argv[first + 1:second], sys.argv[second + 1:]
    files = sorted(glob.glob(os.path.join(source, "tests", "scenario", "files", "*.scn")))
    os.makedirs(out, exist_ok=True)
    check_rows(source)
    rows = MUTANTS if os.environ.get("TINYBMS_GW_LONG", "0") != "0" else MUTANTS[::5]
    missed = 0
    for mutant in rows:
        program = build(source, compiler, out, sequences, libraries, mutant)
        said = run(program, "--first", "--count", str(SEQUENCES))
        if said is None:
            said = run(build(source, compiler, out, scenarios, libraries, mutant), *files)
        missed += said is None
        print(f"{'MISSED' if said is None else 'noticed'}  {mutant[0]:48} {said or ''}", flush=True)
    print(f"{len(rows)} of {len(MUTANTS)} mutants, {missed} missed")
    return missed > 0


sys.exit(main())
