# SPDX-License-Identifier: MIT
"""The gateway's own simulators as processes of their own."""
import os
import time

from case import Case
from pty_link import Bridge, PtyLink


class Simulators(Case):
    def test_three_processes_play_together(self):
        near, far = PtyLink(self.path("near")), PtyLink(self.path("far"))
        bridge = Bridge(near, far)
        for cleanup in (near.unplug, far.unplug, bridge.close):
            self.addCleanup(cleanup)
        seen = bytearray()
        bridge.tap = seen.extend
        bms = self.program("sim", "bms", "--link", self.path("bms"), name="sim-bms")
        gx = self.program("sim", "gx", "--can", "slcan:" + self.path("far"), name="sim-gx")
        self.eventually(lambda: os.path.islink(self.path("bms")), 5, "the link of sim bms")
        gateway = self.program("run", "--set", "hardware.uart.device=" + self.path("bms"), "--set",
                               "hardware.can.interface=slcan:" + self.path("near"), name="gateway")
        for identifier in (b"t3518", b"t3558", b"t3568", b"t35A8"):
            self.eventually(lambda i=identifier: i in seen, 10, "%s from the gateway" % identifier)
        self.eventually(lambda: '"present":true' in
                        self.command("status", "-j").out.replace(" ", ""), 10, "the GX is seen")
        time.sleep(2)
        for program in (gx, gateway, bms):
            self.assertTrue(program.alive(), program.log)
            code, seconds = program.stop()
            self.assertEqual(code, 0, program.log)
            self.assertLess(seconds, 2.0)
        self.assertTrue(gx.out.strip() or gx.log.strip(), "the GX tells what it sees")
        self.assertFalse(os.path.lexists(self.path("bms")), "the link is removed at the end")

    def test_the_simulated_bms_speaks_the_protocol_of_the_document(self):
        import serial
        from bms_peer import crc16, frame
        self.program("sim", "bms", "--link", self.path("bms"), name="sim-bms")
        self.eventually(lambda: os.path.islink(self.path("bms")), 5, "the link of sim bms")
        port = serial.Serial(self.path("bms"), 115200, timeout=0.5)
        self.addCleanup(port.close)

        def ask(request, length):
            for _ in range(4):  # it may sleep at first
                port.reset_input_buffer()
                port.write(request)
                reply = port.read(length)
                if len(reply) == length:
                    self.assertEqual(crc16(reply[:-2]), int.from_bytes(reply[-2:], "little"), request.hex())
                    return reply
            self.fail("%s: got %s" % (request.hex(" "), reply.hex(" ")))

        self.assertEqual(ask(frame(0x03, 0, 0, 0, 54), 113)[:3], b"\xAA\x03\x6C")
        self.assertEqual(ask(frame(0x03, 0, 53, 0, 1), 7)[:3], b"\xAA\x03\x02")
        self.assertEqual(ask(frame(0x1B), 11)[:3], b"\xAA\x1B\x06")
        self.assertEqual(ask(frame(0x14), 8)[:2], b"\xAA\x14")
        self.assertEqual(ask(frame(0x1E), 10)[:3], b"\xAA\x1E\x05")
        self.assertEqual(ask(frame(0x10, b"\x01\x3B\x00\x01\x02\x10\x68"), 8)[:6], b"\xAA\x10\x01\x3B\x00\x01")
        self.assertEqual(ask(frame(0x03, b"\x01\x3B\x00\x01"), 7)[3:5], b"\x10\x68")
        self.assertEqual(ask(frame(0x10, b"\x00\x24\x00\x01\x02\x00\x00"), 6), frame(0x00, 0x10, 0x00))
        self.assertEqual(ask(b"\xAA\x1B\x00\x00", 6), frame(0x00, 0x1B, 0x01))

    def test_run_with_both_links_simulated_needs_no_device(self):
        gateway = self.gateway(bms="sim", can="sim")
        self.eventually(lambda: '"present":true' in
                        self.command("status", "-j").out.replace(" ", ""), 10, "the GX is seen")
        self.assertTrue(gateway.alive())
        self.assertEqual(gateway.stop()[0], 0)
