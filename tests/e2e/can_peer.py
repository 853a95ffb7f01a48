# SPDX-License-Identifier: MIT
"""A GX at the other end of an SLCAN adapter, by python3-can's own slcan interface, and a decoder of the
Victron frames of its own.

The gateway opens one pty, python-can another; a bridge joins them and can hang or be unplugged."""
import struct
import threading
import time

import can

from pty_link import Bridge, PtyLink

ALARMS = ("general", "high voltage", "low voltage", "high temperature", "low temperature",
          "high temperature charge", "low temperature charge", "high current", "high charge current",
          "contactor", "short circuit", "BMS internal", "cell imbalance")
PAIR = {0: "unsupported", 1: "active", 2: "quiet", 3: "invalid"}


def pairs(data, count):
    number = int.from_bytes(data, "little")
    return [PAIR[number >> 2 * k & 3] for k in range(count)]


def text(data):
    return data.rstrip(b"\0").decode("ascii")


def decode(identifier, data):
    """The values of a frame in their units; None for an identifier that a battery does not send."""
    if identifier == 0x351:
        cvl, ccl, dcl, floor = struct.unpack("<HhhH", data)
        return {"cvl": cvl / 10, "ccl": ccl / 10, "dcl": dcl / 10, "discharge_voltage": floor / 10}
    if identifier == 0x355:
        soc, soh, fine = struct.unpack("<HHH", data[:6])
        return {"soc": soc, "soh": soh, "soc_fine": fine / 100}
    if identifier == 0x356:
        volt, ampere, celsius = struct.unpack("<hhh", data[:6])
        return {"voltage": volt / 100, "current": ampere / 10, "temperature": celsius / 10}
    if identifier == 0x35A:
        online = PAIR[data[7] >> 2 & 3]
        return {"alarms": dict(zip(ALARMS, pairs(data[:4], 13))),
                "warnings": dict(zip(ALARMS, pairs(data[4:], 13))),
                "online": {"active": True, "quiet": False}.get(online)}
    if identifier == 0x35F:
        model, = struct.unpack("<H", data[:2])
        return {"model": model, "firmware": (data[2], data[3]), "online_ah": struct.unpack("<H", data[4:6])[0]}
    if identifier == 0x372:
        ok, no_charge, no_discharge, offline = struct.unpack("<HHHH", data)
        return {"ok": ok, "blocking_charge": no_charge, "blocking_discharge": no_discharge,
                "offline": offline}
    if identifier == 0x373:
        low, high, cold, hot = struct.unpack("<HHHH", data)
        return {"min_cell": low, "max_cell": high, "min_kelvin": cold, "max_kelvin": hot}
    if identifier == 0x378:
        energy_in, energy_out = struct.unpack("<II", data)
        return {"charged_wh": 100 * energy_in, "discharged_wh": 100 * energy_out}
    if identifier == 0x379:
        return {"installed_ah": struct.unpack("<H", data[:2])[0]}
    if identifier in (0x35E, 0x370, 0x371, 0x374, 0x375, 0x376, 0x377, 0x380, 0x381, 0x382):
        return {"text": text(data)}
    return None


class Frame:
    def __init__(self, at, identifier, data):
        self.at, self.id, self.data = at, identifier, bytes(data)
        self.value = decode(identifier, self.data) if len(self.data) == 8 else None

    def __repr__(self):
        return "%03X#%s %s" % (self.id, self.data.hex().upper(), self.value)


class CanPeer(threading.Thread):
    """path: what the gateway opens as slcan:path. gx: send 0x305 and 0x307 every second."""

    def __init__(self, path, gx=True):
        super().__init__(daemon=True)
        self.adapter = PtyLink(path)
        self.host = PtyLink(path + ".host")
        self.bridge = Bridge(self.adapter, self.host)
        self.raw = bytearray()
        self.bridge.tap = self.raw.extend
        self.gx = gx
        self.frames = []
        self._new = threading.Condition()
        self._ended = False
        self.bus = can.Bus(interface="slcan", channel=self.host.path, bitrate=500000)
        self.start()

    def unplug(self):
        self.adapter.unplug()

    def plug(self):
        self.adapter.plug()

    def hang(self, hangs):
        """An adapter that reads nothing any more, or does again."""
        self.bridge.reading = not hangs

    def close(self):
        self._ended = True
        self.join()
        self.bus.shutdown()
        self.bridge.close()
        self.host.unplug()
        self.adapter.unplug()

    def run(self):
        greeted = 0.0
        while not self._ended:
            if self.gx and time.monotonic() - greeted >= 1.0:
                greeted = time.monotonic()
                self.send(0x305, bytes(8))
                self.send(0x307, b"\x12\x34\x56\x78VIC\x00")
            message = self.bus.recv(0.05)
            if message is not None and not message.is_error_frame:
                frame = Frame(time.monotonic(), message.arbitration_id, message.data)
                with self._new:
                    self.frames.append(frame)
                    self._new.notify_all()

    def send(self, identifier, data):
        self.bus.send(can.Message(arbitration_id=identifier, data=data, is_extended_id=False))

    def since(self, at, identifier=None):
        with self._new:
            return [f for f in self.frames if f.at >= at and identifier in (None, f.id)]

    def latest(self, identifier):
        with self._new:
            for frame in reversed(self.frames):
                if frame.id == identifier:
                    return frame
        return None

    def wait(self, identifier, predicate=lambda value: True, timeout=5.0, since=0.0):
        """The first frame of this identifier, received at `since` or later, whose value is what is
        waited for; None when none comes in time."""
        deadline = time.monotonic() + timeout
        seen = 0
        with self._new:
            while True:
                for frame in self.frames[seen:]:
                    if frame.id == identifier and frame.at >= since and predicate(frame.value):
                        return frame
                seen = len(self.frames)
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self._new.wait(left)
