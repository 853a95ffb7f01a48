# SPDX-License-Identifier: MIT
"""Registers of a real device, found through TINYBMS_GW_DATA. The expected frames are derived in
tests/golden/recordings."""
import os
import unittest

from bms_peer import Pack, load_registers
from case import DATA, Case

EXPECTED = {
    "real-14s-a.regs": {0x351: "4502B4001C02A401", 0x355: "510064007B1F0000", 0x356: "C015000066000000",
                        0x35A: "A8AA8A02A8AA8A06", 0x35E: "54696E79424D5300", 0x372: "0100000000000000",
                        0x373: "830F920F1B011B01", 0x374: "43656C6C20313200", 0x375: "43656C6C20303700",
                        0x376: "496E7465726E616C", 0x377: "496E7465726E616C", 0x379: "4200000000000000",
                        0x382: "54696E79424D5300"},
    "real-14s-b.regs": {0x351: "4502B4001C02A401", 0x355: "54006400A3200000", 0x356: "CA15000061000000",
                        0x35A: "A8AA8A02A8AA8A06", 0x35E: "54696E79424D5300", 0x372: "0100000000000000",
                        0x373: "8C0F960F1B011B01", 0x374: "43656C6C20313400", 0x375: "43656C6C20303700",
                        0x376: "496E7465726E616C", 0x377: "496E7465726E616C", 0x379: "4200000000000000",
                        0x382: "54696E79424D5300"},
}


class Recordings(Case):
    def check(self, name):
        if not os.path.exists(os.path.join(DATA, name)):
            print("SKIPPED: TINYBMS_GW_DATA does not name a folder with %s" % name)
            raise unittest.SkipTest("no recording")
        bms, can, _ = self.working(ccl=18.0, pack=Pack(load_registers(os.path.join(DATA, name))))
        for identifier, data in EXPECTED[name].items():
            frame = can.wait(identifier, lambda v: True, 5)
            self.assertIsNotNone(frame, "0x%03X" % identifier)
            self.assertEqual(can.latest(identifier).data.hex().upper(), data, "0x%03X" % identifier)
        model = can.wait(0x35F, lambda v: v["firmware"] == (1, 242), 15)
        self.assertIsNotNone(model, "0x35F: %s" % can.latest(0x35F))
        self.assertEqual(model.value["online_ah"], 66)

    def test_recording_a_is_told_to_a_gx_as_derived(self):
        self.check("real-14s-a.regs")

    def test_recording_b_is_told_to_a_gx_as_derived(self):
        self.check("real-14s-b.regs")
