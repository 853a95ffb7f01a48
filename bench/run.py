#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures what goals.py names, writes it to build/bench.json, and says which goals were missed: exit
status 1 then. How each is measured stands in docs/performance.md.

BENCH_QUICK=1: windows of seconds instead of minutes, to see that it works and roughly what it gives.
BENCH_ONLY=samples,latency,...: these alone; the other numbers stay as they are in build/bench.json."""
import json
import os
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import rig  # noqa: E402
from goals import GOALS, SECTIONS, met  # noqa: E402
from rig import Load, measure, median, percentile  # noqa: E402

QUICK = os.environ.get("BENCH_QUICK", "0") not in ("", "0")
ROUNDS = 1 if QUICK else 3
LATENCY_S = 15 if QUICK else 31
RESOURCE_S = 10 if QUICK else 30
PERIOD_S = 30 if QUICK else 600
SAMPLES_S = 6 if QUICK else 20
SIMULATED_S = 20000 if QUICK else 86400
TIMES = {"sample": 200000, "limits": 5000000, "frames": 500000}
COUNTED = 1000  # under callgrind, which takes fifty times as long
FORCE_EVERY = 3  # samples: 300 ms, three times what out-of-turn frames keep between them
FORCE_SELDOM = 21  # 2.1 s: a frame that waits for its turn comes before the next one, at any phase
PIECE = 16
TURNAROUND_S = 0.0007  # sim_bms_defaults()
WIRE_S = 121 * 10 / 115200 + TURNAROUND_S
OUT = rig.TOP / "build" / "bench.json"


def circumstances():
    """Of a run, in words."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = re.findall(r"model name\s*: (.*)", file.read())
    version = subprocess.run([str(rig.BUILD / "tinybms-gw"), "--version"], check=True, text=True,
                             stdout=subprocess.PIPE).stdout.split()[-1]
    return "%s on %d processors (%s), Linux %s; %s form" % (
        version, os.cpu_count() or 1, models[0] if models else os.uname().machine,
        os.uname().release, "quick" if QUICK else "long")


class Figures:
    """name -> the value of each round."""

    def __init__(self):
        self.rounds = {}
        self.notes = {}
        self.peer_late_ms = []

    def add(self, name, value):
        assert name in GOALS, name
        self.rounds.setdefault(name, []).append(value)

    def note(self, name, text):
        self.notes[name] = text

    def value(self, name):
        return median(self.rounds[name])

    def saw(self, result):
        self.peer_late_ms.append(result.peer_late_p99_ms)

    def as_json(self):
        rows = {}
        for name, values in self.rounds.items():
            goal = GOALS[name]
            rows[name] = {"value": significant(median(values)), "unit": goal.unit, "goal": goal.goal,
                          "better": goal.better, "least": significant(min(values)),
                          "most": significant(max(values)), "rounds": len(values)}
            if name in self.notes:
                rows[name]["note"] = self.notes[name]
        return rows


def significant(value):
    return value if isinstance(value, int) else float("%.4g" % value)


def say(text):
    print("bench: " + text, flush=True)


def measure_samples(figures):
    for _ in range(ROUNDS):
        result = measure("fast", SAMPLES_S)
        figures.saw(result)
        figures.add("wire_samples_per_s", 1 / WIRE_S)
        figures.add("fast_samples_per_s", result.samples_per_s)
        figures.add("fast_samples_ratio", result.samples_per_s * WIRE_S)


def latencies(figures, kind, force=FORCE_EVERY, **how):
    result = measure(kind, LATENCY_S, force=force, **how)
    figures.saw(result)
    if result.unanswered > 1 or not result.latencies_ms:
        raise SystemExit("bench: %s left %d of %d forcing samples without a frame" % (
            kind, result.unanswered, len(result.noted["forced"])))
    return percentile(result.latencies_ms, 50), percentile(result.latencies_ms, 99)


def measure_latency(figures):
    for _ in range(ROUNDS):
        ours, plain = latencies(figures, "ours"), latencies(figures, "plain")
        echo = latencies(figures, "echo")
        figures.add("latency_p50_ms", ours[0])
        figures.add("latency_p99_ms", ours[1])
        figures.add("plain_latency_p50_ms", plain[0])
        figures.add("plain_latency_p99_ms", plain[1])
        figures.add("echo_p50_ms", echo[0])
        figures.add("echo_p99_ms", echo[1])
        figures.add("latency_ratio", ours[0] / plain[0])
        figures.add("latency_own_ratio", max(ours[0] - echo[0], 0.001) / (plain[0] - echo[0]))
        turn = latencies(figures, "plain-turn", force=FORCE_SELDOM)
        figures.add("plain_turn_p50_ms", turn[0])
        figures.add("latency_turn_ratio", ours[0] / turn[0])
        figures.add("latency_pieces_p99_ms", latencies(figures, "ours", pieces=PIECE)[1])
        with Load():
            loaded = latencies(figures, "ours", tcp=True)
        figures.add("latency_loaded_p50_ms", loaded[0])
        figures.add("latency_loaded_p99_ms", loaded[1])


def measure_resources(figures):
    for _ in range(ROUNDS):
        busy, began = rig.busy_seconds(), time.monotonic()
        ours, plain = measure("ours", RESOURCE_S), measure("plain", RESOURCE_S)
        ours_pieces = measure("ours", RESOURCE_S, pieces=PIECE)
        plain_pieces = measure("plain", RESOURCE_S, pieces=PIECE)
        all_of_it = (rig.busy_seconds() - busy) / (time.monotonic() - began) / (os.cpu_count() or 1)
        figures.add("machine_busy_percent", 100 * all_of_it)
        for prefix, result in (("", ours), ("plain_", plain)):
            figures.saw(result)
            figures.add(prefix + "cpu_s_per_h", result.cpu_s_per_h)
            figures.add(prefix + "wakeups_per_s", result.wakeups_per_s)
            figures.add(prefix + "resident_kib", result.resident_kib)
        figures.add("nap_cpu_s_per_h", rig.nap(ours.wakeups_per_s, RESOURCE_S / 2))
        figures.add("private_kib", ours.private_kib)
        figures.add("threads", ours.threads)
        figures.add("cpu_pieces_s_per_h", ours_pieces.cpu_s_per_h)
        figures.add("plain_cpu_pieces_s_per_h", plain_pieces.cpu_s_per_h)
        figures.add("cpu_ratio", ours.cpu_s_per_h / plain.cpu_s_per_h)
        figures.add("cpu_pieces_ratio", ours_pieces.cpu_s_per_h / plain_pieces.cpu_s_per_h)
        figures.add("memory_ratio", ours.resident_kib / plain.resident_kib)


def add_period(figures, name, result):
    """What the peer may have made itself is left out, and told."""
    figures.saw(result)
    judged = result.judged_deviations_ms()
    left_out = len(result.deviations_ms) - len(judged)
    if not judged or len(result.noted["limits_us"]) < result.seconds - 2:
        raise SystemExit("bench: %d of 0x351 in %d s" % (len(result.noted["limits_us"]), result.seconds))
    figures.add(name + "_ms", max(judged))
    figures.add(name + "_p99_ms", percentile(judged, 99))
    if left_out > 0:
        figures.note(name + "_ms", "%d of %d periods left out: the peer itself was late around them, and "
                     "saw %.3g ms" % (left_out, len(result.deviations_ms), max(result.deviations_ms)))


def measure_period(figures):
    add_period(figures, "period_idle", measure("ours", PERIOD_S))
    with Load():
        add_period(figures, "period_loaded", measure("ours", PERIOD_S))


def tool(name, *arguments):
    return subprocess.run([str(rig.TOOLS / name), *map(str, arguments)], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def instructions(work):
    out = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                          "--toggle-collect=measured_" + work, str(rig.TOOLS / "bench-codec"), work,
                          str(COUNTED)], check=True, text=True, stdout=subprocess.DEVNULL,
                         stderr=subprocess.PIPE).stderr
    return int(re.search(r"Collected : (\d+)", out)[1]) // COUNTED


def measure_core(figures):
    for _ in range(3):
        life = json.loads(tool("bench-core-speed", SIMULATED_S))
        figures.add("core_simulated_s_per_s", life["simulated_s"] / life["cpu_s"])
        for work, name in (("sample", "decode_sample"), ("limits", "encode_limits"),
                           ("frames", "encode_frames")):
            figures.add(name + "_ns", float(tool("bench-codec", work, TIMES[work])))
    for work, name in (("sample", "decode_sample"), ("limits", "encode_limits"),
                       ("frames", "encode_frames")):
        figures.add(name + "_instructions", instructions(work))


PARTS = {"core": measure_core, "samples": measure_samples, "latency": measure_latency,
         "resources": measure_resources, "period": measure_period}


def before(wanted):
    """The numbers of the parts that are not measured now."""
    if set(wanted) == set(PARTS) or not OUT.exists():
        return {}
    return json.loads(OUT.read_text(encoding="utf-8"))


def write(rows):
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({name: rows[name] for name in GOALS if name in rows}, indent=1) + "\n",
                   encoding="utf-8")


def tell(rows):
    missed = 0
    for _, goals in SECTIONS:
        for goal in goals:
            row = rows.get(goal.name)
            if row is None:
                continue
            good = met(goal, row["value"])
            missed += not good
            target = "" if goal.goal is None else "goal %s %g: %s" % (
                "at least" if goal.better == "higher" else "at most", goal.goal, "met" if good else "MISSED")
            print("  %-28s %10.4g %-12s %s" % (goal.name, row["value"], goal.unit, target))
    return missed


def main():
    wanted = [part for part in os.environ.get("BENCH_ONLY", ",".join(PARTS)).split(",") if part]
    unknown = [part for part in wanted if part not in PARTS]
    if unknown:
        raise SystemExit("bench: no part %s; there are: %s" % (unknown[0], ", ".join(PARTS)))
    figures, rows = Figures(), before(wanted)
    figures.add("load_average_before", os.getloadavg()[0])
    figures.note("load_average_before", circumstances())
    for part in wanted:
        say("%s ..." % part)
        PARTS[part](figures)
        rows.update(figures.as_json())
        write(rows)  # a run that is broken off leaves what it has
    figures.add("load_average_after", os.getloadavg()[0])
    if figures.peer_late_ms:
        figures.add("peer_late_p99_ms", max(figures.peer_late_ms))
    rows.update(figures.as_json())
    write(rows)
    missed = tell(rows)
    say("%s written%s" % (OUT.relative_to(rig.TOP), "; quick form: windows of seconds" if QUICK else ""))
    if missed:
        say("%d goal%s missed" % (missed, "" if missed == 1 else "s"))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
