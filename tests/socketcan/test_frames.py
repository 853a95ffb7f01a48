# SPDX-License-Identifier: MIT
"""The gateway on real SocketCAN interfaces: what it sends, seen by a driver's adapter, by python-can and by
candump, is what the battery said."""
import re
import subprocess
import time

import can

from bus_case import BATTERY_IDS, BusCase
from can_peer import Frame


class Candump:
    def __init__(self, case, interface):
        self.process = subprocess.Popen(["candump", "-L", interface], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE)
        case.addCleanup(self.end)

    def end(self):
        """The frames it saw: (id, data)."""
        if self.process.poll() is None:
            self.process.terminate()
        out = self.process.communicate()[0].decode("ascii") if not self.process.stdout.closed else ""
        seen = re.findall(r"^\(\S+\) \S+ ([0-9A-F]{3})#([0-9A-F]*)$", out, re.MULTILINE)
        assert len(seen) == len(out.splitlines()), "only 11-bit data frames: " + out
        return [(int(i, 16), bytes.fromhex(data)) for i, data in seen]


class Frames(BusCase):
    def only_a_battery_speaks(self, frames):
        self.assertLessEqual({f.id for f in frames}, BATTERY_IDS)
        self.assertEqual({len(f.data) for f in frames}, {8})

    def they_say_what_the_battery_says(self, peer, since=0.0):
        """Pack() of the BMS peer: 14 cells of 3.900, 3.902 and 3.904 V in turn: 5 x 3.900 + 5 x 3.902 +
        4 x 3.904 = 54.626 V; 5 A; 64.2 %, health 98 %; one sensor outside, 21 degC; 42 Ah... registers."""
        expected = {
            0x355: {"soc": 64, "soh": 98, "soc_fine": 64.2},
            0x356: {"voltage": 54.63, "current": 5.0, "temperature": 21.0},
            0x373: {"min_cell": 3900, "max_cell": 3904, "min_kelvin": 294, "max_kelvin": 294},
            0x372: {"ok": 1, "blocking_charge": 0, "blocking_discharge": 0, "offline": 0},
            0x35E: {"text": "TinyBMS"},
        }
        for identifier, value in expected.items():
            frame = self.sees(peer, identifier, lambda v: True, 3, "0x%03X" % identifier, since=since)
            self.assertEqual(frame.value, value, "0x%03X" % identifier)
        # 14 cells x register 315 (4.200 V) less what the limits keep back; 0.9 x 60 A of register 317.
        limits = peer.latest(0x351).value
        self.assertEqual(limits["dcl"], 54.0)
        self.assertTrue(14 * 4.0 < limits["cvl"] <= 14 * 4.2, limits)

    def test_a_virtual_bus_carries_the_frames_and_brings_the_keepalive(self):
        dump = Candump(self, "vcan0")
        bus = can.Bus(interface="socketcan", channel="vcan0")
        self.addCleanup(bus.shutdown)
        self.gateway_on("vcan0")
        peer = Collected(bus)
        self.sees(peer, 0x351, lambda v: v["dcl"] == 54.0, 10, "the first 0x351")
        self.assertFalse(self.status()["gx"]["present"])
        bus.send(can.Message(arbitration_id=0x305, data=bytes(8), is_extended_id=False))
        self.eventually(lambda: self.status()["gx"]["present"], 2, "the GX is present")
        self.they_say_what_the_battery_says(peer)
        peer.take(2.0)
        self.only_a_battery_speaks(peer.frames)
        self.assertEqual(peer.odd, [], "29-bit, remote or error frames")
        seen = dump.end()
        mine = [f for f in seen if f[0] == 0x305]
        self.assertEqual(len(mine), 1, "the GX's own, and none by the gateway")
        wire = [f for f in seen if f[0] != 0x305]
        python = [(f.id, f.data) for f in peer.frames]
        self.assertGreater(len(python), 20)
        self.assertEqual(wire[:len(python)], python, "candump and python-can saw the same")

    def test_an_adapter_is_sent_the_frames_and_brings_the_keepalive(self):
        adapter, gateway = self.working_on("can0")
        self.assertEqual([text for _, text in adapter.commands], ["C", "S6", "O"])
        adapter.greet()
        self.eventually(lambda: self.status()["gx"]["present"], 2, "the GX is present")
        self.assertTrue(self.status()["gx"]["victron"])
        self.they_say_what_the_battery_says(adapter)
        self.only_a_battery_speaks(adapter.frames)
        status = self.status()["stats"]["can"]
        self.assertEqual({k: status[k] for k in ("up", "state", "bitrate", "restart_ms", "bus_off_count",
                                                 "restarts", "dropped")},
                         {"up": True, "state": "error-active", "bitrate": 500000, "restart_ms": 0,
                          "bus_off_count": 0, "restarts": 0, "dropped": 0})
        table = self.command("status").out
        self.assertRegex(table, r"CAN bus +error-active\n +bit rate +500000 bit/s\n")

    def test_an_interface_that_differs_from_the_settings_is_told_with_the_command(self):
        self.adapter("can0", "listen-only", "on", bitrate=250000)
        gateway = self.gateway_on("can0")
        self.says(gateway, "WARN can: ", "bitrate=250000", "hardware.can.bitrate=500000",
                  "ip link set can0 down && ip link set can0 up type can bitrate 500000")
        self.says(gateway, "WARN can: ", "listen-only=on", "hardware.can.mode=normal",
                  "type can loopback off listen-only off")
        time.sleep(2.5)
        self.assertEqual(len(self.lines(gateway, "bitrate=250000")), 1, "once")
        self.can_status("bitrate", 250000)

    def test_an_interface_that_is_not_listening_only_is_told_to_one_who_wants_that(self):
        adapter = self.adapter("can0")
        gateway = self.gateway_on("can0", "hardware.can.mode=listen")
        self.says(gateway, "WARN can: ", "listen-only=off", "hardware.can.mode=listen",
                  "type can loopback off listen-only on")
        time.sleep(1.5)
        self.assertEqual(adapter.frames, [])


class Collected:
    """What a python-can bus receives, with the words of the other peers."""

    def __init__(self, bus):
        self.bus, self.frames, self.odd = bus, [], []

    def take(self, seconds, wanted=lambda frame: False):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            message = self.bus.recv(0.05)
            if message is None:
                continue
            if message.is_extended_id or message.is_remote_frame or message.is_error_frame:
                self.odd.append(message)
                continue
            self.frames.append(Frame(time.monotonic(), message.arbitration_id, message.data))
            if wanted(self.frames[-1]):
                return self.frames[-1]
        return None

    def wait(self, identifier, predicate, timeout, since=0.0):
        def wanted(frame):
            return frame.id == identifier and frame.at >= since and predicate(frame.value)
        return next((f for f in self.frames if wanted(f)), None) or self.take(timeout, wanted)

    def latest(self, identifier):
        return next((f for f in reversed(self.frames) if f.id == identifier), None)
