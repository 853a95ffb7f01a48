#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The long form of the fuzz targets, and the keeping of their inputs.

    run.py BUILD            runs each target FUZZ_RUNS times (ten million) and prints a table; what
                            was found on the way stays in BUILD/tests/fuzz/work
    run.py BUILD keep       reduces what was kept and what was found on the way to the fewest inputs
                            that reach the same code, and keeps those

FUZZ_TARGETS names the targets to run (all). Each runs alone, at the lowest priority that leaves it
any time. A finding ends its target, is named, and makes the exit status 1."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
FIGURES = (r"stat::number_of_executed_units:\s+(\d+)", r"stat::average_exec_per_sec:\s+(\d+)",
           r"cov: (\d+)", r"ft: (\d+)", r"corp: (\d+)/")
# Inputs of faults that were mended, and inputs written by hand: kept whatever reaches the same code.
NAMED = ("found-", "seed-")


def targets(build):
    wanted = os.environ.get("FUZZ_TARGETS", "").split()
    for line in (build / "targets").read_text().splitlines():
        name, options = line.split(" ", 1)
        if not wanted or name in wanted:
            yield name, options.split(";")


def number(pattern, text, default="-"):
    found = re.findall(pattern, text)
    return found[-1] if found else default


def run(build, name, options, runs):
    work = build / "work" / name
    work.mkdir(parents=True, exist_ok=True)
    command = ["nice", "-n", "15", str(build / f"fuzz_{name}"), *options, f"-runs={runs}",
               str(work), str(HERE / "corpus" / name)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    text = done.stderr
    (build / f"{name}.log").write_text(text)
    figures = [number(pattern, text) for pattern in FIGURES]
    found = "none" if done.returncode == 0 else "FOUND"
    print(f"| {name} | {' | '.join(figures)} | {found} |", flush=True)
    if done.returncode != 0:
        for pattern in (r"(?m)^.*(?:does not hold|runtime error|ERROR): .*$", r"Test unit written.*"):
            said = re.search(pattern, text)
            print(f"  {said.group() if said else 'see the log'}", file=sys.stderr)
        print(f"  {build}/{name}.log", file=sys.stderr)
    return done.returncode == 0


def keep(build, name, options):
    corpus = HERE / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    (build / "work" / name).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as few:
        subprocess.run([str(build / f"fuzz_{name}"), *options, "-merge=1", "-use_counters=0", few,
                        str(corpus), str(build / "work" / name)], check=True, capture_output=True)
        for old in corpus.iterdir():
            if not old.name.startswith(NAMED):
                old.unlink()
        kept = list(pathlib.Path(few).iterdir())
        for new in kept:
            (corpus / new.name).write_bytes(new.read_bytes())
    print(f"{name}: {len(kept)} inputs, {sum(f.stat().st_size for f in corpus.iterdir())} bytes",
          flush=True)


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["keep"]):
        print(__doc__, file=sys.stderr)
        return 2
    build = pathlib.Path(sys.argv[1]).resolve() / "tests" / "fuzz"
    if sys.argv[2:]:
        for name, options in targets(build):
            keep(build, name, options)
        return 0
    print("| target | executions | a second | edges | features | inputs | findings |")
    print("|---|---|---|---|---|---|---|", flush=True)
    runs = os.environ.get("FUZZ_RUNS", "10000000")
    results = [run(build, name, options, runs) for name, options in targets(build)]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
