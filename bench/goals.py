# SPDX-License-Identifier: MIT
"""What is measured, and what it shall come to: the one table behind build/bench.json, the page
docs/performance.md and the exit status of `make bench`.

A row: name, what, unit, goal (None: told, not judged), better. Sections are those of the page."""
from collections import namedtuple

Goal = namedtuple("Goal", "name what unit goal better")

SECTIONS = (
    ("Samples", (
        Goal("fast_samples_ratio", "samples a second, of what the wire can carry", "", 0.95, "higher"),
        Goal("fast_samples_per_s", "samples a second, back to back", "1/s", None, "higher"),
        Goal("wire_samples_per_s", "what the wire can carry: 121 byte times and the turnaround of 0.7 ms",
             "1/s", None, "higher"),
    )),
    ("Latency", (
        Goal("latency_p50_ms", "last byte of a sample to the 0x351 it forces, half of them", "ms", None,
             "lower"),
        Goal("latency_p99_ms", "99 of 100", "ms", 1.0, "lower"),
        Goal("latency_pieces_p99_ms", "the same, bytes handed over 16 at a time", "ms", 1.0, "lower"),
        Goal("latency_loaded_p50_ms", "every processor busy, half of them", "ms", None, "lower"),
        Goal("latency_loaded_p99_ms", "every processor busy, 99 of 100", "ms", 1.0, "lower"),
        Goal("echo_p50_ms", "a program that only echoes, half of them", "ms", None, "lower"),
        Goal("echo_p99_ms", "a program that only echoes, 99 of 100", "ms", None, "lower"),
    )),
    ("Period of 0x351", (
        Goal("period_idle_ms", "furthest from 1000 ms", "ms", 5.0, "lower"),
        Goal("period_idle_p99_ms", "99 of 100", "ms", None, "lower"),
        Goal("period_loaded_ms", "furthest, every processor busy", "ms", 50.0, "lower"),
        Goal("period_loaded_p99_ms", "99 of 100, every processor busy", "ms", None, "lower"),
    )),
    ("Resources, at 10 samples a second", (
        Goal("cpu_s_per_h", "processor time, bytes one by one", "s/h", 4.0, "lower"),
        Goal("cpu_pieces_s_per_h", "processor time, bytes 16 at a time", "s/h", 4.0, "lower"),
        Goal("wakeups_per_s", "voluntary context switches", "1/s", None, "lower"),
        Goal("nap_cpu_s_per_h", "processor time of a program that wakes as often and does nothing", "s/h",
             None, "lower"),
        Goal("resident_kib", "resident memory", "KiB", None, "lower"),
        Goal("private_kib", "of it not shared with files", "KiB", None, "lower"),
        Goal("threads", "threads", "", None, "lower"),
    )),
    ("A plain Python gateway beside it", (
        Goal("plain_cpu_s_per_h", "processor time, bytes one by one", "s/h", None, "lower"),
        Goal("plain_cpu_pieces_s_per_h", "processor time, bytes 16 at a time", "s/h", None, "lower"),
        Goal("plain_wakeups_per_s", "voluntary context switches", "1/s", None, "lower"),
        Goal("plain_resident_kib", "resident memory", "KiB", None, "lower"),
        Goal("plain_latency_p50_ms", "latency, half of them", "ms", None, "lower"),
        Goal("plain_latency_p99_ms", "latency, 99 of 100", "ms", None, "lower"),
        Goal("plain_turn_p50_ms", "latency when 0x351 waits for its turn, half of them", "ms", None,
             "lower"),
        Goal("cpu_ratio", "processor time: ours to its, bytes one by one", "", 0.1, "lower"),
        Goal("cpu_pieces_ratio", "processor time: ours to its, bytes 16 at a time", "", None, "lower"),
        Goal("memory_ratio", "resident memory: ours to its", "", 0.5, "lower"),
        Goal("latency_turn_ratio", "latency: ours to its when 0x351 waits for its turn", "", 0.1, "lower"),
        Goal("latency_own_ratio", "latency beyond the echo's: ours to its, sending at once", "", 0.1,
             "lower"),
        Goal("latency_ratio", "latency, wires included: ours to its, sending at once", "", None, "lower"),
    )),
    ("The core by itself", (
        Goal("core_simulated_s_per_s", "simulated seconds in a second of one processor", "1/s", 10000.0,
             "higher"),
        Goal("decode_sample_ns", "a sample: 113 bytes checked and decoded", "ns", None, "lower"),
        Goal("decode_sample_instructions", "a sample", "instructions", None, "lower"),
        Goal("encode_limits_ns", "0x351", "ns", None, "lower"),
        Goal("encode_limits_instructions", "0x351", "instructions", None, "lower"),
        Goal("encode_frames_ns", "all frames of a second", "ns", None, "lower"),
        Goal("encode_frames_instructions", "all frames of a second", "instructions", None, "lower"),
    )),
    ("The machine meanwhile", (
        Goal("load_average_before", "load average of a minute, before", "", None, "lower"),
        Goal("load_average_after", "load average of a minute, after; the busy programs are in it", "", None,
             "lower"),
        Goal("machine_busy_percent", "processors busy while resources were measured, with all programs", "%",
             None, "lower"),
        Goal("peer_late_p99_ms", "how late the peer itself woke, 99 of 100, at worst", "ms", None, "lower"),
    )),
)

GOALS = {goal.name: goal for _, goals in SECTIONS for goal in goals}


def met(goal, value):
    return goal.goal is None or (value >= goal.goal if goal.better == "higher" else value <= goal.goal)
