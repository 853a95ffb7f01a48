# SPDX-License-Identifier: MIT
"""Devices that are not there, or not ours: the gateway says which one and what to do, lives on, and stops
when told to."""
import os
import re
import time

import serial

from case import Case

NEXT_STEP = re.compile(r"\b(check|plug|connect|stop|close|set|use|run|load|install|add|give|ip link|"
                       r"modprobe|dialout|group|is it|retry|trying again|try)\b", re.IGNORECASE)


class Devices(Case):
    def complains_and_lives(self, device, interface, name):
        gateway = self.gateway(bms=device, can=interface)

        def warnings():
            return [line for line in gateway.log.splitlines()
                    if name in line and re.search(r" (WARN|ERROR) ", line)]
        self.eventually(warnings, 5, "a warning that names %s" % name)
        lines = warnings()
        self.assertRegex("\n".join(lines), NEXT_STEP)
        print("said: %s" % lines[0])
        time.sleep(2)
        self.assertTrue(gateway.alive())
        self.assertLess(len(gateway.log.splitlines()), 60, "it does not flood the log")
        code, seconds = gateway.stop()
        self.assertEqual(code, 0)
        self.assertLess(seconds, 2.0)

    def test_a_tty_that_is_not_there_is_named_with_a_next_step(self):
        self.complains_and_lives(self.path("no-such-tty"), "none", "no-such-tty")

    def test_a_tty_that_appears_later_is_used(self):
        can = self.can()
        self.gateway()
        time.sleep(2)
        at = time.monotonic()
        self.bms()
        frame = self.sees(can, 0x351, lambda v: v["dcl"] == 54.0, 8, "0x351", since=at)
        self.measured("tty appears, to the first 0x351", frame.at - at)

    def test_a_tty_in_use_by_another_program_is_named_with_a_next_step(self):
        self.bms()
        other = serial.Serial(self.path("bms"), 115200, exclusive=True)
        self.addCleanup(other.close)
        self.complains_and_lives(self.path("bms"), "none", self.path("bms"))

    def test_a_tty_used_by_another_gateway_is_left_alone(self):
        bms, can, first = self.working()
        other = self.path("other")
        os.mkdir(other)
        second = self.program("run", "--set", "hardware.uart.device=" + self.path("bms"), "--set",
                              "hardware.can.interface=none", "--set",
                              "advanced.control_socket=" + self.path("other.sock"), name="second")
        self.assertTrue(second.wait_for_log(self.path("bms"), 5), second.log)
        at = time.monotonic()
        time.sleep(4)
        self.assertTrue(all(f.value["dcl"] == 54.0 for f in can.since(at, 0x351)))
        self.assertEqual(bms.bad_requests, 0, "two programs talked at once")

    def test_a_file_that_is_no_tty_is_named(self):
        self.complains_and_lives(self.write("plain-file", b"x"), "none", "plain-file")

    def test_a_can_interface_that_is_not_there_is_named_with_a_next_step(self):
        self.bms()
        self.complains_and_lives(self.path("bms"), "socketcan:nope0", "nope0")

    def test_an_slcan_adapter_that_is_not_there_is_named_with_a_next_step(self):
        self.bms()
        self.complains_and_lives(self.path("bms"), "slcan:" + self.path("no-adapter"), "no-adapter")

    def test_a_tcp_port_where_nobody_listens_is_named(self):
        self.complains_and_lives("tcp://127.0.0.1:9", "none", "127.0.0.1:9")
