# SPDX-License-Identifier: MIT
"""Ends and beginnings. Measured, so these run alone."""
import signal
import time

from case import Case


class Restart(Case):
    def again(self, how, code):
        bms, can, gateway = self.working()
        last = can.latest(0x351).at
        ended, seconds = gateway.stop(how)
        self.assertEqual(ended, code)
        self.measured("%s to the end of the process" % how.name, seconds)
        self.assertLess(seconds, 2.0)
        at = time.monotonic()
        self.gateway()
        last = max([f.at for f in can.since(last, 0x351) if f.at < at], default=last)
        frame = self.sees(can, 0x351, lambda v: True, 8, "0x351 after the restart", since=at)
        self.measured("start of the process to its first 0x351", frame.at - at)
        self.measured("gap between two 0x351 that the GX sees", frame.at - last)
        self.assertLess(frame.at - at, 2.0, "a restart takes under 2 s")
        self.assertLess(frame.at - last, 3.0, "the GX allows 3 s")
        self.assertEqual(frame.value["dcl"], 54.0, "a restart must not darken the house")
        self.assertGreater(frame.value["ccl"], 0)
        self.assertEqual([f for f in can.since(at, 0x35A)
                          if "active" in list(f.value["alarms"].values())], [], "no alarm at boot")
        return bms, can

    def test_a_killed_gateway_is_back_on_can_within_2_s(self):
        self.again(signal.SIGKILL, -signal.SIGKILL)

    def test_a_gateway_restarted_in_order_is_back_on_can_within_2_s(self):
        self.again(signal.SIGTERM, 0)

    def test_sigint_stops_as_sigterm_does(self):
        self.again(signal.SIGINT, 0)

    def test_sigterm_just_stops_sending(self):
        _, can, gateway = self.working()
        at = time.monotonic()
        code, seconds = gateway.stop()
        self.assertEqual(code, 0)
        self.assertLess(seconds, 2.0)
        for frame in can.since(at, 0x351):
            self.assertEqual(frame.value["dcl"], 54.0)
            self.assertGreater(frame.value["ccl"], 0)
        for frame in can.since(at, 0x35A):
            self.assertIs(frame.value["online"], True)
        after = time.monotonic() + 0.3
        time.sleep(1.5)
        self.assertEqual(can.since(after), [], "nothing goes out any more")

    def test_sigterm_stops_a_gateway_whose_adapter_hangs(self):
        _, can, gateway = self.working()
        can.hang(True)
        time.sleep(4)
        code, seconds = gateway.stop()
        self.measured("SIGTERM to the end with a hanging adapter", seconds)
        self.assertEqual(code, 0)
        self.assertLess(seconds, 2.0)
