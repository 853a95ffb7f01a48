# SPDX-License-Identifier: MIT
"""One gateway between the peer's two wires: started, let settle, measured, ended."""
import glob
import json
import math
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("BENCH_BUILD", TOP / "build" / "bench"))
TOOLS = BUILD / "bench"
STAMPS, STAMP_BYTES = 65536, 32
LATE_S = 1.5  # a frame that comes later than this answers something else

# Ours: until the limits have opened to their full height, ten steps of a second after three samples.
# The others': opening, two seconds of python3-can's own.
SETTLE_S = {"ours": 14.0, "fast": 14.0, "plain": 5.0, "plain-turn": 5.0, "echo": 2.0}


def command(kind, bms, can):
    if kind == "ours":
        return [str(BUILD / "tinybms-gw"), "run", "--set", "hardware.uart.device=" + bms, "--set",
                "hardware.can.interface=slcan:" + can]
    if kind in ("fast", "echo"):
        return [str(TOOLS / ("bench-" + kind)), bms, can]
    bms = bms.replace("tcp://", "socket://")
    at_once = ["--in-turn"] if kind == "plain-turn" else []
    return ["/usr/bin/python3", str(TOP / "bench" / "plain_gateway.py"), bms, can, *at_once]


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def percentile(values, percent):
    """Nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def counters(pid):
    """Processor time in seconds and voluntary context switches of all threads."""
    seconds = switches = 0
    for task in glob.glob("/proc/%d/task/*" % pid):
        with open(task + "/schedstat", encoding="ascii") as file:
            seconds += int(file.read().split()[0]) / 1e9
        with open(task + "/status", encoding="utf-8") as file:
            switches += sum(int(line.split()[1]) for line in file
                            if line.startswith("voluntary_ctxt_switches"))
    return seconds, switches


def status(pid):
    with open("/proc/%d/status" % pid, encoding="utf-8") as file:
        return {line.split(":")[0]: line.split()[1] for line in file if len(line.split()) > 1}


def busy_seconds():
    """Of all processors, since the machine's start."""
    with open("/proc/stat", encoding="ascii") as file:
        ticks = [int(word) for word in file.readline().split()[1:9]]
    user, nice, system, _, _, irq, softirq, _ = ticks
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def nap(wakeups_per_s, seconds):
    """Processor seconds an hour of a program that wakes so often and does nothing."""
    program = subprocess.Popen([str(TOOLS / "bench-nap"), str(round(1e6 / wakeups_per_s))])
    try:
        time.sleep(0.5)
        before, began = counters(program.pid), time.monotonic()
        time.sleep(seconds)
        return (counters(program.pid)[0] - before[0]) / (time.monotonic() - began) * 3600
    finally:
        program.kill()
        program.wait()


class Load:
    """A program without end for each processor."""

    def __enter__(self):
        self.hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"])
                     for _ in range(os.cpu_count() or 1)]

    def __exit__(self, *_):
        for hog in self.hogs:
            hog.kill()
            hog.wait()


class Result:
    """What one window of one program gave."""

    def __init__(self, noted, seconds, before, after, state, rows):
        self.noted, self.seconds = noted, seconds
        self.cpu_s_per_h = (after[0] - before[0]) / seconds * 3600
        self.wakeups_per_s = (after[1] - before[1]) / seconds
        self.resident_kib = int(state["VmRSS"])
        self.private_kib = int(state["RssAnon"])
        self.threads = int(state["Threads"])
        span_us = noted["last_sample_us"] - noted["first_sample_us"]
        self.samples_per_s = (noted["samples"] - 1) * 1e6 / span_us
        limits = noted["limits_us"]
        self.deviations_ms = [abs((b - a) / 1000 - 1000) for a, b in zip(limits, limits[1:])]
        self.latencies_ms, self.unanswered = self.match(noted["forced"], rows)
        self.peer_late_p99_ms = noted["late_p99_us"] / 1000

    @staticmethod
    def match(forced, rows):
        """Each forcing sample with the first 0x351 written after it that has the limit at 0."""
        latencies, unanswered, at = [], 0, 0
        for last_byte_us, charge in forced:
            limit = slice(9, 13) if charge else slice(13, 17)  # of t3518, then four little-endian words
            while at < len(rows) and rows[at][0] < last_byte_us:
                at += 1
            hit = next((row[0] for row in rows[at:at + 50] if row[1][limit] == b"0000"), None)
            if hit is None or hit - last_byte_us > LATE_S * 1e6:
                unanswered += 1
            else:
                latencies.append((hit - last_byte_us) / 1000)
        return latencies, unanswered

    def blind_ms(self, start_us, end_us):
        """How late the peer itself woke, at worst, in this time."""
        return max([late / 1000 for at, late in self.noted["blind"] if start_us <= at <= end_us],
                   default=0.0)

    def judged_deviations_ms(self):
        """Deviations of the period, but for those that the peer itself may have made: it was later,
        around one of the two frames, than half of what is seen."""
        limits = self.noted["limits_us"]
        kept = []
        for a, b, deviation in zip(limits, limits[1:], self.deviations_ms):
            late = max(self.blind_ms(t - 20000, t + 20000) for t in (a, b))
            if deviation < 1.0 or late < deviation / 2:
                kept.append(deviation)
        return kept


def measure(kind, seconds, force=0, pieces=1, tcp=False):
    """Runs one program against a peer of its own for so long after it has settled."""
    folder = tempfile.mkdtemp(prefix="gw-bench-")
    stamps = os.path.join(folder, "stamps")
    with open(stamps, "wb") as file:
        file.truncate(STAMPS * STAMP_BYTES)
    bms, can = os.path.join(folder, "bms"), os.path.join(folder, "can")
    peer = subprocess.Popen([str(TOOLS / "bench-peer"), "tcp" if tcp else bms, can, "--force", str(force),
                             "--pieces", str(pieces)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            text=True)
    program = None
    try:
        ready = peer.stdout.readline().split()
        assert ready and ready[0] == "ready", "the peer did not start"
        if tcp:
            bms = "tcp://127.0.0.1:" + ready[1]
        env = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "TINYBMS_"))}
        env.update(HOME=folder, XDG_RUNTIME_DIR=folder, XDG_STATE_HOME=folder, XDG_CONFIG_HOME=folder,
                   BENCH_STAMPS=stamps)
        if force:
            env["LD_PRELOAD"] = str(TOOLS / "bench-stamp.so")
        with open(os.path.join(folder, "log"), "wb") as log:
            program = subprocess.Popen(command(kind, bms, can), env=env, stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log)
        time.sleep(SETTLE_S[kind])
        peer.stdin.write("begin\n")
        peer.stdin.flush()
        before, began = counters(program.pid), time.monotonic()
        time.sleep(seconds)
        after, took, state = counters(program.pid), time.monotonic() - began, status(program.pid)
        out, _ = peer.communicate(timeout=30)  # closes its input
        with open(stamps, "rb") as file:
            rows = [row for row in struct.iter_unpack("=Q24s", file.read()) if row[0] != 0]
        return Result(json.loads(out), took, before, after, state, rows)
    except (AssertionError, OSError, KeyError, ValueError, ZeroDivisionError) as error:
        with open(os.path.join(folder, "log"), "rb") as log:
            sys.stderr.write(log.read().decode("utf-8", "replace")[-2000:])
        raise SystemExit("bench: %s could not be measured: %s" % (kind, error)) from error
    finally:
        for process in (program, peer):
            if process is not None and process.poll() is None:
                process.kill()
            if process is not None:
                process.wait()
        shutil.rmtree(folder, ignore_errors=True)
