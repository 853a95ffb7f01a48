# SPDX-License-Identifier: MIT
import time

from bms_peer import Pack
from can_peer import ALARMS
from case import Case

NEEDED = (0x351, 0x355, 0x356, 0x35A)
OURS = {0x351, 0x355, 0x356, 0x35A, 0x35E, 0x35F, 0x370, 0x371, 0x372, 0x373, 0x374, 0x375, 0x376,
        0x377, 0x378, 0x379, 0x380, 0x381, 0x382}
QUIET = {name: "unsupported" if name in ("general", "short circuit") else "quiet" for name in ALARMS}


class FirstFrames(Case):
    def test_right_frames_come_within_3_s_of_the_first_answer(self):
        bms, can = self.bms(), self.can()
        self.gateway()
        for identifier in NEEDED:
            frame = self.sees(can, identifier, lambda v: True, 8, "the first 0x%03X" % identifier)
            self.measured("first answer to first 0x%03X" % identifier, frame.at - bms.first_answer)
            self.assertLess(frame.at - bms.first_answer, 3.0)
        first = can.since(0, 0x351)[0].value
        self.assertEqual(first["cvl"], 58.1)
        self.assertEqual(first["dcl"], 54.0, "a restart must not darken the house")
        self.assertEqual(first["discharge_voltage"], 42.0)
        self.assertGreater(first["ccl"], 0)
        self.assertLessEqual(first["ccl"], 18.0)
        self.sees(can, 0x351, lambda v: v["ccl"] == 18.0, 15, "CCL 0.9 x 20 A")
        # cells of 3900, 3902 and 3904 mV in turn, 14 of them: 5, 5 and 4; 21 + 273.15 K
        for identifier, value in (
                (0x356, {"voltage": 54.63, "current": 5.0, "temperature": 21.0}),
                (0x355, {"soc": 64, "soh": 98, "soc_fine": 64.2}),
                (0x35A, {"alarms": QUIET, "warnings": QUIET, "online": True}),
                (0x373, {"min_cell": 3900, "max_cell": 3904, "min_kelvin": 294, "max_kelvin": 294})):
            frame = self.sees(can, identifier, lambda v: True, 3, "0x%03X" % identifier)
            self.assertEqual(frame.value, value)

    def test_everything_else_follows_and_nothing_that_is_not_ours(self):
        bms, can = self.bms(), self.can()
        self.gateway()
        for identifier, value in ((0x35E, {"text": "TinyBMS"}), (0x382, {"text": "TinyBMS"}),
                                  (0x374, {"text": "Cell 01"}), (0x375, {"text": "Cell 03"}),
                                  (0x376, {"text": "Sensor 1"}), (0x377, {"text": "Sensor 1"}),
                                  (0x379, {"installed_ah": 66}), (0x380, {"text": "TB2024-0"}),
                                  (0x381, {"text": "0017"}),
                                  (0x372, {"ok": 1, "blocking_charge": 0, "blocking_discharge": 0,
                                           "offline": 0})):
            self.sees(can, identifier, lambda v, value=value: v == value, 15,
                      "0x%03X with %s" % (identifier, value))
        model = self.sees(can, 0x35F, lambda v: v["firmware"] == (1, 254), 15, "firmware 1.254")
        self.assertEqual(model.value["online_ah"], 66)
        self.assertEqual({f.id for f in can.since(0)} - OURS, set(), "0x305 is the GX's frame")
        self.assertFalse({f.id for f in can.since(0)} & {0x370, 0x371}, "no long battery name")
        self.assertEqual([f for f in can.since(0) if len(f.data) != 8], [], "every frame has 8 bytes")

    def test_a_gx_hears_0x351_every_second_and_never_waits_3_s(self):
        bms, can, _ = self.working()
        began = time.monotonic()
        time.sleep(8)
        for identifier in NEEDED:
            times = [f.at for f in can.since(began, identifier)]
            gaps = [b - a for a, b in zip(times, times[1:])]
            self.assertGreaterEqual(len(times), 7, "0x%03X" % identifier)
            self.assertLess(max(gaps), 1.5, "0x%03X: gaps %s" % (identifier, gaps))

    def test_nothing_goes_out_while_the_bms_is_silent(self):
        bms, can = self.bms(), self.can()
        bms.faults.mute = True
        gateway = self.gateway()
        time.sleep(5)
        self.assertEqual(can.since(0), [])
        self.assertTrue(gateway.alive())
        bms.faults.mute = False
        at = time.monotonic()
        frame = self.sees(can, 0x351, lambda v: True, 5, "0x351 after the BMS speaks")
        self.measured("BMS begins to speak, to first 0x351", frame.at - at)

    def test_nothing_goes_out_before_the_settings_of_the_bms_are_known(self):
        bms, can = self.bms(), self.can()
        bms.faults.ignore = lambda command, first, count: first >= 300
        self.gateway()
        time.sleep(5)
        self.assertEqual(can.since(0), [], "registers 300, 301, 307, 315-320 are not read yet")
        bms.faults.ignore = lambda command, first, count: False
        self.sees(can, 0x351, lambda v: v["dcl"] == 54.0, 15, "0x351 once the settings are read")

    def test_nothing_goes_out_before_every_cell_is_read(self):
        pack = Pack()
        pack.word[3] = 0  # 13 cells where registers 53 and 307 say 14
        bms, can = self.bms(pack=pack), self.can()
        self.gateway()
        time.sleep(5)
        self.assertEqual(can.since(0), [])
        pack.set_cells(pack.cells)
        self.sees(can, 0x351, lambda v: v["cvl"] == 58.1, 8, "0x351 once all 14 cells are there")

    def test_the_first_frames_of_an_empty_battery_are_true(self):
        pack = Pack()
        pack.set_cells([2950] * 14)
        pack.set_soc(1.0)
        pack.set_current(0.0)
        pack.word[50] = 0x97
        bms, can = self.bms(pack=pack), self.can()
        self.gateway()
        first = self.sees(can, 0x355, lambda v: True, 8, "0x355")
        self.assertEqual(first.value["soc_fine"], 1.0)
        # at 1 % with the lowest cell under register 301 + 100 mV: cvl.sustain_ccl_limit_a, never 0
        self.sees(can, 0x351, lambda v: v["ccl"] == 5.0, 15, "an empty battery may be charged")
