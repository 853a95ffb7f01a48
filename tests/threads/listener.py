#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The times at which 0x351 leaves the gateway, taken by a process that does nothing else, straight at
the other end of virtual LAWICEL adapters; and how late that process itself was.

Where the machine permits it, it has a real-time priority, so that what is measured is the gateway and
not the measuring. What it cannot vouch for it says: `blind` are the times that it woke too late.

As a program: listener.py PATH... makes the adapters, says "ready", listens until its input ends, and
prints what it saw as JSON."""
import gc
import json
import os
import pathlib
import re
import select
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from pty_link import PtyLink  # noqa: E402

LINE = re.compile(rb"t3518([0-9A-F]{16})\r")
KEEPALIVE = b"t30580000000000000000\r"
LOOK_S = 0.01
BLIND_S = 0.002


class Listener:
    def __init__(self, paths):
        self.process = subprocess.Popen([sys.executable, "-B", __file__, *paths], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == "ready\n"
        self.seen, self.blind, self.real_time = None, None, None

    def close(self):
        if self.process.returncode is not None:
            return
        out, _ = self.process.communicate(timeout=20)  # closes its input
        result = json.loads(out)
        self.seen, self.blind, self.real_time = result["seen"], result["blind"], result["real_time"]

    def frames(self, i, since, until):
        return [(at, bytes.fromhex(data)) for at, data in self.seen[i] if since <= at < until]

    def blind_in(self, since, until):
        return max([late for at, late in self.blind if since <= at < until], default=0.0)


def take(link, rest, seen, now):
    try:
        text = rest + os.read(link.master, 4096)
    except OSError:
        time.sleep(LOOK_S)  # nobody has the other end open
        return rest
    end = text.rfind(b"\r") + 1
    seen += [(now, match[1].decode("ascii")) for match in LINE.finditer(text[:end])]
    return text[end:]


def main(paths):
    links = [PtyLink(path) for path in paths]
    rest, seen, blind = [b""] * len(links), [[] for _ in links], []
    real_time = True
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(20))
    except OSError:
        real_time = False
    gc.disable()
    print("ready", flush=True)
    masters = [link.master for link in links]
    greeted = time.monotonic()
    ready = []
    while sys.stdin.fileno() not in ready:
        asked = time.monotonic()
        ready, _, _ = select.select([sys.stdin.fileno(), *masters], [], [], LOOK_S)
        now = time.monotonic()
        if not ready and now - asked - LOOK_S > BLIND_S:
            blind.append((now, now - asked - LOOK_S))
        for i, link in enumerate(links):
            if link.master in ready:
                rest[i] = take(link, rest[i], seen[i], now)
        if now - greeted >= 1.0:
            greeted = now
            for link in links:
                link.write(KEEPALIVE)
    for link in links:
        link.unplug()
    json.dump({"seen": seen, "blind": blind, "real_time": real_time}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
