# SPDX-License-Identifier: MIT
"""A BMS that sleeps or is unplugged, an adapter that is unplugged or hangs. What silence does, step by
step, is timed by contract.py."""
import time

from case import Case


class Sleep(Case):
    def test_a_sleeping_bms_is_woken_and_told(self):
        bms, can = self.bms(), self.can()
        bms.faults.sleep_after_s = 10
        bms._looked = time.monotonic()
        gateway = self.gateway()
        frame = self.sees(can, 0x351, lambda v: v["dcl"] == 54.0, 10, "0x351 of a woken BMS")
        self.measured("start of the gateway to first 0x351 of a BMS that slept", frame.at - gateway.started)

    def test_a_bms_that_fell_asleep_while_unplugged_is_woken_again(self):
        bms, can, _ = self.working()
        bms.faults.sleep_after_s = 1
        bms.unplug()
        time.sleep(3)
        bms.plug()
        at = time.monotonic()
        bms.pack.set_soc(66.0)
        frame = self.sees(can, 0x355, lambda v: v["soc_fine"] == 66.0, 8, "SOC after waking", since=at)
        self.measured("a sleeping BMS plugged in again, to its SOC on CAN", frame.at - at)


class Unplugged(Case):
    def test_a_bms_behind_a_new_device_of_the_same_name_is_found_again(self):
        bms, can, gateway = self.working()
        for round_trip in range(3):
            bms.unplug()
            time.sleep(2)
            bms.pack.set_soc(60.0 - round_trip)
            bms.plug()
            at = time.monotonic()
            frame = self.sees(can, 0x355, lambda v: v["soc_fine"] == 60.0 - round_trip, 8,
                              "SOC after replugging", since=at)
            self.measured("BMS plugged in again, to its SOC on CAN", frame.at - at)
        self.assertTrue(gateway.alive())
        self.assertIn(self.path("bms"), gateway.log, "the log names the device")

    def test_a_can_adapter_behind_a_new_device_of_the_same_name_is_found_again(self):
        bms, can, gateway = self.working()
        for _ in range(3):
            can.unplug()
            answers = bms.answers
            time.sleep(2)
            self.assertGreater(bms.answers - answers, 10, "the BMS is still asked")
            can.raw.clear()
            can.plug()
            at = time.monotonic()
            frame = self.sees(can, 0x351, lambda v: v["dcl"] == 54.0, 6, "0x351 after replugging",
                              since=at)
            self.measured("CAN adapter plugged in again, to the next 0x351", frame.at - at)
            self.assertRegex(bytes(can.raw), rb"S6\rO\r", "the adapter is opened with 500 kbit/s")
        self.assertTrue(gateway.alive())

    def test_an_adapter_that_does_not_read_for_10_s_costs_nothing_but_its_frames(self):
        bms, can, gateway = self.working()
        can.hang(True)
        answers = bms.answers
        time.sleep(8)
        bms.pack.set_cell(3, 4210)
        time.sleep(2)
        self.assertGreater(bms.answers - answers, 50, "the BMS is still asked")
        self.assertTrue(gateway.alive())
        can.hang(False)
        at = time.monotonic()
        frame = self.sees(can, 0x351, lambda v: v["ccl"] == 0, 6, "0x351 with CCL 0", since=at)
        self.measured("adapter reads again, to the true 0x351", frame.at - at)
        time.sleep(1.5)
        after = can.since(frame.at + 0.5, 0x351)
        self.assertTrue(after)
        self.assertEqual([f for f in after if f.value["ccl"] != 0], [], "no old limit goes out late")
