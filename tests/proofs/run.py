#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Proves the contracts of the core with Frama-C's WP: see README.md beside this file.

    run.py                 every module, for 64-bit and 32-bit machines; a table at the end
    run.py crc frame       these modules only
    run.py --smoke         also look for contracts that contradict themselves
    run.py --source DIR    the sources of another tree (for planted defects)

Exit status 1: a goal is not proved and no reason for it is listed in unproved.txt, a goal with a
reason is proved, or Frama-C warned of something that weakens the proof."""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MACHINES = {"64": "gcc_x86_64", "32": "gcc_x86_32"}

# only: these functions of the file; else all. wraps: a counter of them wraps on purpose. split: tables,
# whose contracts are proved a row at a time. battery: includes the inline battery_has(), which is proved
# with battery.c. skip: see "Not proved" in the README. exact: in these no cast to a narrower type loses anything.
MODULES = {
    "crc": {"file": "core/tinybms/crc.c"},
    "frame": {"file": "core/tinybms/frame.c", "battery": True, "split": ["shape_of"]},
    "request": {"file": "core/tinybms/request.c", "battery": True},
    "battery": {"file": "core/battery/battery.c"},
    "image": {"file": "core/tinybms/image.c", "battery": True},
    "scaling": {"file": "core/tinybms/decode.c",
                "only": ["is_reserved", "cell_mv", "expected_cells", "only_here"]},
    "encode": {"file": "core/victron/encode.c", "battery": True,
               "exact": ["divide_rounded", "scale_u16", "scale_i16", "limit_da", "kelvin",
                         "put_u16"]},
    "number": {"file": "core/json/number.c",
               "skip": ["number_settle", "json_number_scan", "json_number_parse"]},
    "utf8": {"file": "core/json/utf8.c"},
    "reader": {"file": "core/json/reader.c"},
    "ring": {"file": "tests/proofs/ring_index.c"},
    "log": {"file": "core/gateway/gateway.c", "wraps": True,
            "only": ["gateway_note", "gateway_next_log", "gateway_next_answer"]},
}

WEAKENS = re.compile(r"Missing assigns|incompatible pointers|Missing RTE|Unsupported|degenerate|"
                     r"not yet implemented|skipped|Ignored", re.I)
GOAL = re.compile(r"^\[wp\] \[([^]]*)\] Goal (\w+)(?: : (\w+))?", re.M)
TOTAL = re.compile(r"^\[wp\] Proved goals: +(\d+) / (\d+)", re.M)


def reasons():
    """{(module, goal): reason} of unproved.txt: module, goal, then the reason."""
    listed = {}
    for line in (HERE / "unproved.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            module, goal, reason = line.split(None, 2)
            listed[module, goal] = reason
    return listed


def detect_provers(work):
    """Why3's list of provers, in the work folder and not in the user's home."""
    subprocess.run(["why3", "-C", str(work / "why3.conf"), "config", "detect"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def left_out(row):
    """What a run over a whole file leaves to another run."""
    inline = ["battery_has"] if row.get("battery") else []
    return row.get("split", []) + row.get("skip", []) + inline


def frama_c(timeout, source, work, row, word, only, more, provers="cvc4,z3"):
    command = ["frama-c", "-c11", "-machdep", MACHINES[word], "-cpp-extra-args=-Icore -Iports/linux",
               "-wp", "-wp-rte", "-wp-prover", provers,
               "-wp-timeout", str(timeout), "-wp-par", "1", "-wp-session", str(work / "session"),
               "-wp-cache", "update", *more]
    if not row.get("wraps"):
        command.append("-warn-unsigned-overflow")
    if only:
        command += ["-wp-fct", ",".join(only)]
    elif left_out(row):
        command += ["-wp-skip-fct", ",".join(left_out(row))]
    command.append(row["file"])
    # Frama-C takes relative names from PWD, not from the working directory.
    environment = dict(os.environ, WHY3CONFIG=str(work / "why3.conf"), PWD=str(source))
    done = subprocess.run(command, cwd=source, env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout


def one_run(args, work, name, word, kind, only, more):
    """Proved, all, names of goals without proof, complaints."""
    row = MODULES[name]
    log = frama_c(args.timeout, args.source, work, row, word, only, more)
    (work / f"{name}-{word}-{kind}.log").write_text(log)
    total = TOTAL.search(log)
    if total is None:
        return 0, 0, set(), [f"{name}: no result; see {work}/{name}-{word}-{kind}.log"]
    missing = {goal for _, goal, verdict in GOAL.findall(log) if verdict not in ("Valid", "Passed")}
    complaints = [f"{name}: {line.strip()}" for line in log.splitlines() if WEAKENS.search(line)]
    proved, goals = int(total[1]), int(total[2])
    if goals - proved != len(missing):
        complaints.append(f"{name}: {goals - proved} goals are not proved, {len(missing)} are named")
    return proved, goals, missing, complaints


def prove(args, work, name, word):
    row = MODULES[name]
    split, exact = row.get("split", []), row.get("exact", [])
    smoke = ["-wp-smoke-tests"] if args.smoke else []
    runs = [("all", row.get("only", []), smoke)]
    if split:
        runs.append(("split", split, smoke + ["-wp-split"]))
    if exact:
        runs.append(("exact", exact, ["-warn-unsigned-downcast", "-wp-prop=@rte"]))
    proved, goals, missing, complaints = 0, 0, set(), []
    for kind, only, more in runs:
        p, g, m, c = one_run(args, work, name, word, kind, only, more)
        proved, goals, missing, complaints = proved + p, goals + g, missing | m, complaints + c
    return proved, goals, missing, complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", metavar="module", help=" ".join(MODULES))
    parser.add_argument("--smoke", action="store_true", help="look for contradictions in contracts")
    parser.add_argument("--words", default="64,32", help="64, 32 or both (default)")
    parser.add_argument("--timeout", type=int, default=20, help="seconds for one goal and prover")
    parser.add_argument("--source", type=pathlib.Path, default=ROOT, help="tree to prove")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build" / "proofs")
    args = parser.parse_args()
    names = args.modules or list(MODULES)
    work = args.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    detect_provers(work)
    listed = {key: why for key, why in reasons().items() if key[0] in names}
    wrong, used, table = [], set(), []
    for name in names:
        for word in args.words.split(","):
            start = time.monotonic()
            proved, goals, missing, complaints = prove(args, work, name, word)
            wrong += complaints
            for goal in sorted(missing):
                if (name, goal) in listed:
                    used.add((name, goal))
                else:
                    wrong.append(f"{name}: not proved: {goal} ({word} bits)")
            table.append((name, word, goals, proved, goals - proved, time.monotonic() - start))
            print("%-10s %s bits: %4d of %4d goals, %3.0f s" % (name, word, proved, goals, table[-1][5]),
                  flush=True)
    for key in listed:
        if key not in used:
            wrong.append(f"{key[0]}: {key[1]} is proved and has a reason in unproved.txt")
    print("\nmodule     bits goals proved unproved")
    for name, word, goals, proved, left, _ in table:
        print("%-10s %4s %5d %6d %8d" % (name, word, goals, proved, left))
    print("%-10s %4s %5d %6d %8d" % ("all", "", *(sum(row[i] for row in table) for i in (2, 3, 4))))
    for module, goal in sorted(used):
        print(f"unproved: {module} {goal}: {listed[module, goal]}")
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
