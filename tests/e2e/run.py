#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the end-to-end tests: each test in a process of its own, several at a time; then, alone and one
after the other, those that measure time.

    run.py [--in FOLDER] [independent|timed] [WORD...]     only tests whose name contains one of the words

TINYBMS_GW names the binary (default build/release/tinybms-gw), TINYBMS_GW_DATA the folder of the
recordings, TINYBMS_GW_LONG=1 asks for the long forms. Exit 0: every test passed."""
import collections
import concurrent.futures
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

from gateway import BINARY

FOLDER = pathlib.Path(__file__).resolve().parent
TIMED = {"Changes", "Restart", "Hold"}
AT_ONCE = 12
LIMIT_S = 7200 if os.environ.get("TINYBMS_GW_LONG") == "1" else 170


def classes():
    """Every test class, by its file's text."""
    for path in sorted(FOLDER.glob("test_*.py")):
        for name in re.findall(r"^class (\w+)\(\w*Case\)", path.read_text("utf-8"), re.MULTILINE):
            yield path.stem, name


def methods(module, name):
    body = re.split(r"^class %s\(\w*Case\).*$" % name, (FOLDER / (module + ".py")).read_text("utf-8"),
                    flags=re.MULTILINE)[1]
    body = re.split(r"^class ", body, flags=re.MULTILINE)[0]
    return re.findall(r"^    def (test_\w+)", body, re.MULTILINE)


def run(target):
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "-B", "-m", "unittest", target], cwd=FOLDER,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                               start_new_session=True)
    try:
        output, _ = process.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # its session: the programs it started, too
        output, _ = process.communicate()
        output += b"\nnot finished in %d s" % LIMIT_S
    return target, process.returncode, output.decode("utf-8", "replace"), time.monotonic() - began


def report(result):
    target, code, output, seconds = result
    name = target.split(".", 1)[1]
    for line in output.splitlines():
        if line.startswith(("measured:", "said:", "SKIPPED")):
            print(line)
    word = "FAILED" if code else "skipped" if "OK (skipped" in output else "ok"
    print("%-7s %s (%.1f s)" % (word, name, seconds), flush=True)
    if code != 0:
        print(output)
    return word


def main(arguments):
    global FOLDER
    if arguments[:1] == ["--in"]:
        FOLDER = pathlib.Path(arguments[1]).resolve()
        arguments = arguments[2:]
    groups = [a for a in arguments if a in ("independent", "timed")] or ["independent", "timed"]
    words = [a for a in arguments if a not in ("independent", "timed")]
    if not os.access(BINARY, os.X_OK):
        print("e2e: %s is not there: set TINYBMS_GW or build it" % BINARY)
        return 1
    began, count = time.monotonic(), collections.Counter()
    targets = {"independent": [], "timed": []}
    for module, name in classes():
        for method in methods(module, name):
            target = "%s.%s.%s" % (module, name, method)
            if not words or any(word in target for word in words):
                targets["timed" if name in TIMED else "independent"].append(target)
    for group in groups:
        workers = AT_ONCE if group == "independent" else 1
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            for result in pool.map(run, targets[group]):
                count[report(result)] += 1
    print("e2e: %d passed, %d failed, %d skipped, %.0f s" %
          (count["ok"], count["FAILED"], count["skipped"], time.monotonic() - began))
    return 0 if count["ok"] and not count["FAILED"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
