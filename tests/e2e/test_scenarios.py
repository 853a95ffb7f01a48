# SPDX-License-Identifier: MIT
"""Scenario files played by the program: `demo --scenario` and `sim bms --scenario`."""
import os

from case import Case

FILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenario", "files")

HOLDS = """title the GX is told of a cell over its cut-off
given pack current 0 A
at 12 s: bms cell 4 reads 4210 mV
between 12.5 s and 14 s: expect ccl 0 A
"""


class Scenarios(Case):
    def write(self, text, name="a.scn"):
        with open(self.path(name), "w", encoding="ascii") as f:
            f.write(text)
        return self.path(name)

    def test_what_holds_is_told_line_by_line_and_ends_with_0(self):
        result = self.command("demo", "--scenario", self.write(HOLDS), "--speed", "20", timeout=20)
        self.assertEqual(result.code, 0, result)
        self.assertIn("12.000 s  event  line 3: at 12 s: bms cell 4 reads 4210 mV", result.out)
        self.assertIn("14.000 s  holds  line 4: between 12.5 s and 14 s: expect ccl 0 A", result.out)
        self.assertIn("1 hold, 0 fail, 0 not reached", result.out)
        self.assertNotIn("\x1b", result.out)

    def test_it_is_played_in_real_time_and_seconds_end_it(self):
        result = self.command("demo", "--scenario", self.write(HOLDS), "--seconds", "2", timeout=20)
        self.assertEqual(result.code, 0, result)
        self.assertGreaterEqual(result.seconds, 2.0)
        self.assertIn("0 hold, 0 fail, 1 not reached", result.out)

    def test_what_fails_is_told_with_what_was_seen_and_ends_with_1(self):
        text = HOLDS.replace("ccl 0 A", "ccl 18 A") + "between 13 s and 14 s: expect frames\n"
        result = self.command("demo", "--scenario", self.write(text), "--speed", "20", timeout=20)
        self.assertEqual(result.code, 1, result)
        self.assertIn("FAILS  line 4: between 12.5 s and 14 s: expect ccl 18 A, but: ccl 0 A", result.out)
        self.assertIn("holds  line 5", result.out, "it goes on")

    def test_a_bad_file_is_named_with_its_line(self):
        for text, names in (("title x\nat 5 s: bms sing\n", ("a.scn:2:", "sing")),
                            ("given setting tinybms.stale_zero_ms=1\nat 1 s: end\n",
                             ("line 1", "stale_zero_ms", "5000")),
                            ("title x\x07\n", ("a.scn:1:", "0x07"))):
            for command in (("demo",), ("sim", "bms", "--link", self.path("bms"))):
                if command[0] == "sim" and "setting" in text:
                    continue  # the gateway's
                result = self.command(*command, "--scenario", self.write(text))
                self.assertEqual(result.code, 2, result)
                for name in names:
                    self.assertIn(name, result.err)
        result = self.command("demo", "--scenario", self.path("absent.scn"))
        self.assertEqual(result.code, 2, result)
        self.assertIn("absent.scn", result.err)

    def test_a_scenario_brings_its_own_battery(self):
        for option in (("--cells", "4"), ("--seed", "4"), ("--registers", "x")):
            result = self.command("demo", "--scenario", self.write(HOLDS), *option)
            self.assertEqual(result.code, 2, result)
            self.assertIn(option[0], result.err)

    def test_the_virtual_bms_plays_it_on_its_line(self):
        path = self.write("title mute after a second\ngiven pack lfp\nat 2 s: bms mute\n"
                          "between 1 s and 3 s: expect frames\n")
        sim = self.program("sim", "bms", "--link", self.path("bms"), "--scenario", path, name="sim")
        gateway = self.gateway(can="none")
        self.eventually(lambda: "line 3: at 2 s: bms mute" in sim.out, 8, "the line is told")
        self.eventually(lambda: "cells=16" in gateway.log, 2, "the pack is the scenario's")
        self.eventually(lambda: "to=waking" in gateway.log.split("to=answering")[-1], 8,
                        "the gateway finds it mute")
        self.assertIn("1 of its sentences", sim.out)

    def test_files_of_the_tests_play_in_the_demonstration(self):
        for name in ("closing_linearly.scn", "return_after_silence.scn"):
            result = self.command("demo", "--scenario", os.path.join(FILES, name), "--speed", "100",
                                  timeout=30)
            self.assertEqual(result.code, 0, result)
            self.assertIn(" 0 fail, 0 not reached", result.out)
