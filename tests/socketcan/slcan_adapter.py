# SPDX-License-Identifier: MIT
"""A real CAN interface with an adapter behind it that the test plays: the kernel's slcan line discipline
on a pty, LAWICEL text on the pty's other end.

The kernel sends C (close), S6 (500 kbit/s), O (open), L (listen only) and frames as t<id><length><data>;
the adapter answers with CR, and tells about the bus: sb256256 bus-off, sp128130 error-passive with the
receive and then the send counter, sa000000 error-active, e3aaa three missing acknowledgements.

Source: LAWICEL AB, "CANUSB Manual" 1.0D; for s and e lines, drivers/net/can/slcan of Linux 6.1."""
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import threading
import time
import tty

from can_peer import Frame

N_SLCAN = 17
SIOCGIFNAME = 0x8910


def ip(*words):
    subprocess.run(["ip", *words], check=True, stdin=subprocess.DEVNULL)


class Adapter(threading.Thread):
    """The interface `name`, down until up()."""

    def __init__(self, name):
        super().__init__(daemon=True)
        self.name = name
        self.frames = []    # what went out on the bus: Frame
        self.commands = []  # (time, text) of the others
        self.reading = True
        self._new = threading.Condition()
        self._ended = False
        self._rest = b""
        self.master, slave = pty.openpty()
        self._slave = slave
        tty.setraw(slave)
        fcntl.ioctl(slave, termios.TIOCSETD, struct.pack("i", N_SLCAN))
        given = fcntl.ioctl(slave, SIOCGIFNAME, bytes(40)).split(b"\0")[0].decode("ascii")
        if given != name:
            ip("link", "set", given, "name", name)
        self.start()

    def up(self, bitrate=500000, *words):
        ip("link", "set", self.name, "up", "type", "can", "bitrate", str(bitrate), *words)

    def down(self):
        ip("link", "set", self.name, "down")

    def say(self, *lines):
        os.write(self.master, b"".join(line.encode("ascii") + b"\r" for line in lines))

    def greet(self):
        """What a GX sends every second."""
        self.say("t3058" + 16 * "0", "t3078" + "12345678" + b"VIC\0".hex())

    def close(self):
        """Pulls the plug: the kernel takes the interface away."""
        if self.master is None:
            return
        self._ended = True
        self.join()
        os.close(self._slave)
        os.close(self.master)
        self.master = None

    def run(self):
        while not self._ended:
            if not self.reading:
                time.sleep(0.01)
                continue
            ready, _, _ = select.select([self.master], [], [], 0.02)
            if ready:
                self._take(os.read(self.master, 4096), time.monotonic())

    def _take(self, data, at):
        *lines, self._rest = (self._rest + data).split(b"\r")
        with self._new:
            for line in lines:
                text = line.decode("ascii")
                if text[:1] == "t":
                    self.frames.append(Frame(at, int(text[1:4], 16), bytes.fromhex(text[5:])))
                    assert len(self.frames[-1].data) == int(text[4]), text
                else:
                    self.commands.append((at, text))
                    os.write(self.master, b"\r")
            self._new.notify_all()

    def since(self, at, identifier=None):
        with self._new:
            return [f for f in self.frames if f.at >= at and identifier in (None, f.id)]

    def wait(self, identifier, predicate=lambda value: True, timeout=5.0, since=0.0):
        """The first frame of this identifier at `since` or later whose value is what is waited for;
        None when none comes in time."""
        deadline = time.monotonic() + timeout
        with self._new:
            while True:
                for frame in self.frames:
                    if frame.id == identifier and frame.at >= since and predicate(frame.value):
                        return frame
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self._new.wait(left)

    def latest(self, identifier):
        with self._new:
            return next((f for f in reversed(self.frames) if f.id == identifier), None)
