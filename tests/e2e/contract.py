#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The contract of silence on the CAN side, in real time: every step of it, at the default ages and at
ages drawn at random, each within 100 ms. All scenarios run side by side, each with a gateway of its own.

    contract.py [--seed N] [--draws N] [WORD...]     only scenarios whose sentence contains one of the words

A scenario that deviates while this process itself was held up is tried again, three times at most."""
import argparse
import os
import random
import shutil
import sys
import tempfile
import threading
import time
import traceback

import contract_steps
from contract_judge import WITHIN_S, Judge
from contract_rig import Loop, Starter, Station, hurry
from gateway import BINARY

LONG = os.environ.get("TINYBMS_GW_LONG") == "1"
BLIND_S = 0.025
ATTEMPTS = 3
APART_S = 0.13  # between two starts: not everything at one instant


def draw(rng, long):
    """Ages and periods in their ranges (docs/user/settings.md); short ones unless it may take long."""
    most = (30.0, 120.0, 120.0, 240.0) if long else (4.0, 9.0, 12.0, 16.0)
    while True:
        close = rng.uniform(2.0, most[0])
        zero = rng.uniform(max(5.0, close + 0.5), most[1])
        zero_discharge = rng.choice((zero, rng.uniform(zero, most[2])))
        silent = rng.uniform(max(10.0, zero_discharge + 0.5), most[3])
        poll, period = rng.uniform(0.02, 0.6), rng.uniform(0.2, 1.0)
        ages = [round(x, 3) for x in (close, zero, zero_discharge, silent, poll, period)]
        if zero_discharge < silent <= most[3] and poll * 3 <= close:
            return dict(zip(("close", "zero", "zero_discharge", "silent", "poll", "period"), ages))


class Run(threading.Thread):
    """One scenario, up to ATTEMPTS times."""

    def __init__(self, loop, starter, root, number, sentence, function, options):
        super().__init__(daemon=True)
        self.loop, self.starter, self.root, self.number = loop, starter, root, number
        self.sentence, self.function, self.options = sentence, function, options
        self.rows, self.failure, self.blind_times, self.seconds = [], None, 0, 0.0

    def attempt(self, k):
        station = Station(os.path.join(self.root, "%d-%d" % (self.number, k)), **self.options)
        judge = Judge(station)
        self.loop.add(station)
        began = time.monotonic()
        try:
            station.start(self.starter)
            self.function(judge)
            return None
        except Exception:  # of whatever kind: it belongs into the report
            blind = self.loop.blind_in(began, time.monotonic())
            if blind >= BLIND_S and k + 1 < ATTEMPTS:
                self.blind_times += 1
                print("held up by %.3f s: %s" % (blind, traceback.format_exc().splitlines()[-1]), flush=True)
                return "held up"
            return "%s\nheld up by at most %.3f s\n--- log\n%s" % (
                traceback.format_exc(), blind, "\n".join(station.log.splitlines()[-30:]))
        finally:
            self.rows = judge.rows
            self.loop.remove(station)
            station.end()
            self.seconds = time.monotonic() - began

    def run(self):
        hurry(19)
        time.sleep(self.number * APART_S)
        for k in range(ATTEMPTS):
            self.failure = self.attempt(k)
            if self.failure != "held up":
                return

    def report(self):
        print("%-7s %s (%.1f s%s)" % ("FAILED" if self.failure else "ok", self.sentence, self.seconds,
                                      ", held up and tried again" if self.blind_times else ""), flush=True)
        if self.failure:
            print(self.failure, flush=True)


def scenarios(rng, draws, words):
    chosen = [(sentence, function, dict(options)) for sentence, function, options, long in contract_steps.ALL
              if LONG or not long]
    for k in range(draws):
        ages = draw(rng, LONG and k % 2 == 1)
        text = ", ".join("%s %.3f s" % item for item in ages.items())
        chosen.append(("silence at ages drawn at random: " + text, contract_steps.silence, ages))
    return [c for c in chosen if not words or any(w in c[0] for w in words)]


def table(runs):
    print("\n%-74s %9s" % ("deviation from the contract, on the CAN side", "ms"))
    for run in runs:
        print(run.sentence)
        for what, seconds in run.rows:
            print("  %-72s %+9.1f" % (what, 1000 * seconds))
    worst = max((abs(seconds) for run in runs for _, seconds in run.rows), default=0.0)
    count = sum(len(run.rows) for run in runs)
    print("%d deviations, the largest %.1f ms; allowed are %.0f ms" % (count, 1000 * worst, 1000 * WITHIN_S))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--draws", type=int, default=6 if LONG else 3)
    parser.add_argument("word", nargs="*")
    arguments = parser.parse_args()
    if not os.access(BINARY, os.X_OK):
        print("contract: %s is not there: set TINYBMS_GW or build it" % BINARY)
        return 1
    seed = random.SystemRandom().randrange(1 << 32) if arguments.seed is None else arguments.seed
    print("contract: --seed %d" % seed, flush=True)
    root, starter, loop, began = tempfile.mkdtemp(prefix="gw-contract-"), Starter(), Loop(), time.monotonic()
    try:
        loop.start()
        runs = [Run(loop, starter, root, i, *scenario)
                for i, scenario in enumerate(scenarios(random.Random(seed), arguments.draws, arguments.word))]
        for run in runs:
            run.start()
        for run in runs:
            run.join()
            run.report()
    finally:
        loop.close()
        starter.close()
        shutil.rmtree(root, ignore_errors=True)
    table(runs)
    failed = sum(run.failure is not None for run in runs)
    print("contract: %d passed, %d failed, %.0f s; %s priority; held up by at most %.1f ms" %
          (len(runs) - failed, failed, time.monotonic() - began,
           "real-time" if loop.real_time else "ordinary", 1000 * loop.blind_in(0, time.monotonic())))
    return 0 if runs and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
