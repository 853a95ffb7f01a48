# SPDX-License-Identifier: MIT
"""Many gateways at once, each between a TinyBMS and a GX, all served by one loop that does nothing
else: so that times are taken where bytes come and go, and that this process knows when it was held up.

The peers are those of bms_peer.py and can_peer.py's decoder; here they have no threads of their own.
Where the machine permits it the loop has a real-time priority: what is measured is the gateway and not
the measuring. `blind` are the times at which it looked too late all the same."""
import bisect
import json
import os
import re
import select
import signal
import socket
import subprocess
import threading
import time

from bms_peer import BmsPeer, Pack
from can_peer import Frame
from gateway import BINARY, environment, run_arguments
from pty_link import PtyLink

LINE = re.compile(rb"t([0-9A-F]{3})8([0-9A-F]{16})\r")
KEEPALIVE = b"t30580000000000000000\r"
IDENTITY = b"t30781234567856494300\r"
LIVE, LIVE_WORDS = 0x03, 54
LOOK_S = 0.01
BLIND_S = 0.003


def hurry(priority):
    """A real-time priority for the calling thread, not for what it starts. False: not permitted."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
    except OSError:
        return False
    return True


class Starter:
    """A process that starts the gateways: starting one waits for it, with the interpreter's lock held,
    and on a busy machine that is long. It ends what it started when its caller ends."""

    def __init__(self):
        self.ours, theirs = socket.socketpair()
        self.lock = threading.Lock()
        if os.fork() == 0:
            self.ours.close()
            self._serve(theirs)
        theirs.close()
        self.answers = self.ours.makefile("r", encoding="ascii")

    @staticmethod
    def _serve(theirs):
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        running = []
        for line in theirs.makefile("r", encoding="utf-8"):
            folder, arguments = json.loads(line)
            with open(os.path.join(folder, "stderr"), "ab") as log:
                running.append(subprocess.Popen(arguments, env=environment(folder), cwd=folder, stdout=log,
                                                stdin=subprocess.DEVNULL, stderr=log))
            theirs.sendall(b"%d\n" % running[-1].pid)
        for process in running:
            process.kill()  # of those that have ended already nothing is left to kill
        os._exit(0)

    def start(self, folder, arguments):
        with self.lock:
            self.ours.sendall(json.dumps([folder, arguments]).encode("utf-8") + b"\n")
            return int(self.answers.readline())

    def close(self):
        self.ours.shutdown(socket.SHUT_RDWR)
        self.answers.close()
        self.ours.close()


class Device(BmsPeer):
    """A TinyBMS that remembers when it answered a whole reading of its live registers, and what."""

    def __init__(self, path, pack):
        super().__init__(path, pack, own_thread=False)
        self.faults.delay_s = 0.0
        self.samples = []    # (time, live registers) of every answered reading
        self.only = None     # so many readings are answered yet, then it is mute
        self.mute_on_write = False

    def _answer(self, request):
        first, count = self._span(request)
        if self.faults.mute:
            return
        if self.mute_on_write and request[1] == 0x10:
            super()._answer(request)
            self.faults.mute = True
            return
        live = (request[1], first, count) == (LIVE, 0, LIVE_WORDS)
        if live and self.random.random() < self.lost:
            return
        super()._answer(request)
        if not live:
            return
        with self.pack.lock:
            self.samples.append((time.monotonic(), tuple(self.pack.get(i) for i in range(LIVE_WORDS))))
        if self.only is not None:
            self.only -= 1
            if self.only == 0:
                self.only = None
                self.faults.mute = True

    lost = 0.0  # share of the readings that stay unanswered


class Station:
    """One gateway and its two peers. Ages, periods in seconds; settings: more --set assignments."""

    def __init__(self, folder, close=5.0, zero=15.0, zero_discharge=30.0, silent=60.0, poll=0.1, period=1.0,
                 gx=True, pack=None, settings=()):
        os.makedirs(folder)
        self.folder = folder
        self.close, self.zero, self.zero_discharge, self.silent = close, zero, zero_discharge, silent
        self.poll, self.period, self.gx = poll, period, gx
        self.bms = Device(os.path.join(folder, "bms"), (pack or Pack)())
        self.pack, self.faults = self.bms.pack, self.bms.faults
        self.can = PtyLink(os.path.join(folder, "can"))
        self.opened = None    # the adapter's channel
        self.frames = []      # every frame, in the order of arrival
        self.times = []       # when each of them came
        self._rest = b""
        self.greeted = []     # times of 0x305
        self.settings = ["tinybms.stale_close_ms=%d" % round(1000 * close),
                         "tinybms.stale_zero_ms=%d" % round(1000 * zero),
                         "tinybms.stale_zero_discharge_ms=%d" % round(1000 * zero_discharge),
                         "tinybms.stale_silent_ms=%d" % round(1000 * silent),
                         "tinybms.poll_interval_ms=%d" % round(1000 * poll),
                         "victron.pgn_update_interval_ms=%d" % round(1000 * period), *settings]
        self.pid, self.started = None, None

    def start(self, starter):
        arguments = run_arguments(self.bms.link.path, "slcan:" + self.can.path, *self.settings)
        self.started = time.monotonic()
        self.pid = starter.start(self.folder, [BINARY, *arguments])

    def alive(self):
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def end(self):
        if self.pid is not None and self.alive():
            os.kill(self.pid, signal.SIGKILL)
        self.bms.close()
        self.can.unplug()

    @property
    def log(self):
        with open(os.path.join(self.folder, "stderr"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def ask(self, **request):
        """A request on the control socket, as `status` and `registers` make it: the open socket."""
        control = socket.socket(socket.AF_UNIX)
        control.settimeout(10)
        control.connect(os.path.join(self.folder, "runtime_dir", "tinybms-gw.sock"))
        control.sendall(json.dumps(request).encode("ascii") + b"\n")
        return control

    def status(self):
        with self.ask(request="status") as control, control.makefile("r", encoding="utf-8") as answer:
            return json.loads(answer.readline())["status"]

    # ---- called by the loop ----

    def take(self, now):
        try:
            data = os.read(self.can.master, 4096)
        except OSError:
            return False  # nobody has the other end open
        text = self._rest + data
        end = text.rfind(b"\r") + 1
        for line in text[:end].split(b"\r"):
            if line == b"O" and self.opened is None:
                self.opened = now
        for match in LINE.finditer(text[:end]):
            self.frames.append(Frame(now, int(match[1], 16), bytes.fromhex(match[2].decode("ascii"))))
            self.times.append(now)
        self._rest = text[end:]
        return True

    def listen(self):
        try:
            data = os.read(self.bms.link.master, 4096)
        except OSError:
            return False
        self.bms.turn(data)
        return True

    def greet(self, now):
        self.greeted.append(now)
        self.can.write(KEEPALIVE + IDENTITY)

    # ---- called by the scenarios ----

    def between(self, since, until, identifier=None):
        first, last = bisect.bisect_left(self.times, since), bisect.bisect_left(self.times, until)
        return [f for f in self.frames[first:last] if identifier in (None, f.id)]

    def samples(self, since=0.0):
        return [s for s in list(self.bms.samples) if s[0] >= since]


class Loop(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        self.stations, self.blind, self.ended, self.real_time = [], [], False, True
        self.turns = 0
        self._wake = os.pipe()

    def add(self, station):
        self.stations = self.stations + [station]
        os.write(self._wake[1], b"x")

    def remove(self, station):
        """Once this returns the loop does not touch it any more."""
        self.stations = [s for s in self.stations if s is not station]
        turn = self.turns
        while self.turns < turn + 2 and self.is_alive():
            time.sleep(LOOK_S / 2)

    def close(self):
        self.ended = True
        os.write(self._wake[1], b"x")
        self.join()
        os.close(self._wake[0])
        os.close(self._wake[1])

    def blind_in(self, since, until):
        return max([late for at, late in list(self.blind) if since <= at <= until + late], default=0.0)

    def run(self):
        self.real_time = hurry(20)
        dead, ready, looked = {}, [], time.monotonic()
        while not self.ended:
            self.turns += 1
            stations = self.stations
            now = time.monotonic()
            dead = {fd: at for fd, at in dead.items() if now - at < LOOK_S}
            owner = {}
            for s in stations:
                owner[s.can.master] = (s, False)
                owner[s.bms.link.master] = (s, True)
            asked = [fd for fd in owner if fd is not None and fd not in dead] + [self._wake[0]]
            ready, _, _ = select.select(asked, [], [], LOOK_S)
            now = time.monotonic()
            late = now - looked - LOOK_S
            if late > BLIND_S:
                self.blind.append((now, late))
            looked = now
            for fd in ready:
                if fd == self._wake[0]:
                    os.read(fd, 64)
                    continue
                station, is_bms = owner[fd]
                if not (station.listen() if is_bms else station.take(now)):
                    dead[fd] = now
            for s in stations:
                if s.gx and (not s.greeted or now - s.greeted[-1] >= 1.0) and s.opened is not None:
                    s.greet(now)
                s.bms.turn(b"")
