# SPDX-License-Identifier: MIT
"""Devices that do not answer everything: older firmware, other firmware, poor lines."""
import time

from bms_peer import Pack
from case import Case


def touches(first, count, *reserved):
    return any(first <= register < first + count for register in reserved)


class Refusals(Case):
    def works(self, bms, what):
        can = self.can()
        gateway = self.gateway()
        self.sees(can, 0x351, lambda v: v["dcl"] == 54.0, 15, "%s: 0x351" % what)
        at = time.monotonic()
        bms.pack.set_soc(61.0)
        frame = self.sees(can, 0x355, lambda v: v["soc_fine"] == 61.0, 8, "%s: SOC" % what, since=at)
        self.assertLess(frame.at - at, 3.0)
        time.sleep(4)
        times = [f.at for f in can.since(at, 0x351)]
        self.assertLess(max(b - a for a, b in zip(times, times[1:])), 1.5, "0x351 every second")
        self.assertEqual([f for f in can.since(at, 0x35A) if f.value["online"] is not True], [])
        self.assertTrue(gateway.alive())
        return can

    def test_a_bms_that_refuses_the_reserved_registers_16_to_31_is_read_in_two_pieces(self):
        bms = self.bms()
        bms.faults.refuse = lambda command, first, count: touches(first, count, *range(16, 32))
        self.works(bms, "16-31 refused")
        reads = [c for c in bms.commands[-40:] if c[1] == 0x03 and c[2] < 54]
        self.assertEqual([c for c in reads if touches(c[2], c[3], *range(16, 32))], [],
                         "what was refused is not asked for ever")

    def test_a_bms_that_refuses_register_49_too_brings_nothing_false(self):
        bms, can = self.bms(), self.can()
        bms.faults.refuse = lambda command, first, count: touches(first, count, *range(16, 32), 49)
        gateway = self.gateway()
        frame = can.wait(0x351, lambda v: True, 8)
        if frame is not None:
            self.assertEqual(frame.value["cvl"], 58.1)
        self.assertTrue(gateway.alive())
        print("a BMS that refuses 49: %s" % ("told" if frame else "nothing on CAN"))

    def test_a_bms_that_refuses_every_command_but_0x03_works(self):
        bms = self.bms()
        bms.faults.refuse = lambda command, first, count: command != 0x03
        self.works(bms, "only 0x03")

    def test_a_bms_that_refuses_statistics_events_and_version_works(self):
        bms = self.bms()
        bms.faults.refuse = lambda command, first, count: command == 0x03 and (
            100 <= first < 300 or first >= 500)
        self.works(bms, "slow blocks refused")

    def test_a_bms_that_ignores_statistics_events_and_version_works(self):
        bms = self.bms()
        bms.faults.ignore = lambda command, first, count: command == 0x03 and (
            100 <= first < 300 or first >= 500)
        self.works(bms, "slow blocks ignored")

    def test_a_bms_that_refuses_long_settings_reads_still_tells_its_settings(self):
        bms = self.bms()
        bms.faults.refuse = lambda command, first, count: first >= 300 and count > 10
        self.works(bms, "settings in long reads refused")

    def test_a_bms_that_refuses_the_settings_new_in_revision_d_works(self):
        bms = self.bms()
        bms.faults.refuse = lambda command, first, count: touches(
            first, count, 302, 305, 309, 310, 311, 321, 322, 323, *range(324, 328))
        self.works(bms, "revision D refused")

    def test_a_bms_with_older_firmware_has_an_unknown_soh_that_is_told_as_100(self):
        pack = Pack()
        for register in (45, 305, 310, 311, 321, 322, 323):
            pack.word[register] = 0
        bms = self.bms(pack=pack)
        can = self.works(bms, "older firmware")
        self.assertEqual({f.value["soh"] for f in can.since(0, 0x355)}, {100})

    def test_a_descending_cell_order_is_found_by_the_position_of_the_zeros(self):
        pack = Pack()
        pack.descending = True
        pack.set_cells([3900 + i for i in range(14)])
        bms = self.bms(pack=pack)
        can = self.works(bms, "descending")
        for identifier, name in ((0x374, "Cell 01"), (0x375, "Cell 14")):
            self.sees(can, identifier, lambda v, name=name: v["text"] == name, 3, name)

    def test_a_pack_of_16_cells_is_told(self):
        pack = Pack()
        pack.set_cells([3300 + i for i in range(16)])
        pack.word[53] = pack.word[307] = 16
        can = self.works(self.bms(pack=pack), "16 cells")
        self.assertEqual(can.latest(0x351).value["cvl"], 66.4)  # 16 x 4.150 V
        self.sees(can, 0x375, lambda v: v["text"] == "Cell 16", 3, "Cell 16")

    def test_a_pack_of_4_cells_is_told(self):
        pack = Pack()
        pack.set_cells([3300, 3310, 3305, 3290])
        pack.word[53] = pack.word[307] = 4
        can = self.works(self.bms(pack=pack), "4 cells")
        self.assertEqual(can.latest(0x351).value["cvl"], 16.6)  # 4 x 4.150 V
        self.sees(can, 0x374, lambda v: v["text"] == "Cell 04", 3, "Cell 04")
