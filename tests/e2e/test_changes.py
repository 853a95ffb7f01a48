# SPDX-License-Identifier: MIT
"""A change at the battery is on CAN within 3 s. Measured, so these run alone."""
import time

from case import Case

PROMISE_S = 3.0


class Changes(Case):
    def setUp(self):
        super().setUp()
        self.peer, self.gx, self.gw = self.working()

    def arrives(self, what, change, identifier, predicate):
        with self.peer.pack.lock:
            change(self.peer.pack)
            at = time.monotonic()
        frame = self.sees(self.gx, identifier, predicate, 10, what, since=at)
        self.measured(what, frame.at - at)
        self.assertLess(frame.at - at, PROMISE_S, what)

    def test_soc_arrives_within_3_s(self):
        self.arrives("SOC + 2 %", lambda p: p.set_soc(66.2), 0x355, lambda v: v["soc_fine"] == 66.2)

    def test_a_large_step_of_soc_arrives_within_3_s_too(self):
        self.arrives("SOC 66 to 40 %", lambda p: p.set_soc(40.0), 0x355, lambda v: v["soc"] == 40)

    def test_voltage_arrives_within_3_s(self):
        self.arrives("voltage", lambda p: p.set_cells([3950] * 14), 0x356, lambda v: v["voltage"] == 55.3)

    def test_current_arrives_within_3_s(self):
        self.arrives("current - 31.4 A", lambda p: p.set_current(-31.4), 0x356,
                     lambda v: v["current"] == -31.4)

    def test_temperature_arrives_within_3_s(self):
        self.arrives("temperature + 5 K", lambda p: p.set_external(1, 26.0), 0x356,
                     lambda v: v["temperature"] == 26.0)

    def test_a_cell_over_register_315_closes_charging_out_of_turn(self):
        self.arrives("cell over 315: CCL 0", lambda p: p.set_cell(5, 4210), 0x351,
                     lambda v: v["ccl"] == 0)
        self.assertEqual(self.gx.latest(0x351).value["dcl"], 54.0, "discharging stays open")
        self.sees(self.gx, 0x35A, lambda v: v["alarms"]["high voltage"] == "active", 15,
                  "alarm high voltage")

    def test_a_cell_under_register_316_closes_discharging_out_of_turn(self):
        self.arrives("cell under 316: DCL 0", lambda p: p.set_cell(5, 2890), 0x351,
                     lambda v: v["dcl"] == 0)
        self.assertGreater(self.gx.latest(0x351).value["ccl"], 0, "an empty pack must be charged")
        self.sees(self.gx, 0x35A, lambda v: v["alarms"]["low voltage"] == "active", 15,
                  "alarm low voltage")

    def test_status_fault_closes_both_and_says_offline(self):
        def change(pack):
            pack.word[50] = 0x9B
        self.arrives("status fault: CCL and DCL 0", change, 0x351,
                     lambda v: v["ccl"] == 0 and v["dcl"] == 0)
        self.sees(self.gx, 0x35A, lambda v: v["online"] is False, 5, "offline on status 0x9B")

    def test_too_cold_closes_charging_out_of_turn(self):
        self.arrives("0.9 degC, register 320 is 1 degC: CCL 0", lambda p: p.set_external(1, 0.9), 0x351,
                     lambda v: v["ccl"] == 0)
        self.assertEqual(self.gx.latest(0x351).value["dcl"], 54.0, "discharging stays open")

    def test_too_hot_closes_charging_out_of_turn(self):
        self.arrives("60 degC, register 319 is 60 degC: CCL 0", lambda p: p.set_external(1, 60.0), 0x351,
                     lambda v: v["ccl"] == 0)
        self.sees(self.gx, 0x35A, lambda v: v["alarms"]["high temperature"] == "active", 15,
                  "alarm high temperature")
