# SPDX-License-Identifier: MIT
"""A BMS that sleeps, is unplugged, stops or freezes."""
import time

from case import LONG, Case

SHORT_AGES = ("tinybms.stale_close_ms=2000", "tinybms.stale_zero_ms=5000",
              "tinybms.stale_zero_discharge_ms=7500", "tinybms.stale_silent_ms=10000")
DEFAULT_AGES = (5.0, 15.0, 30.0, 60.0)


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


class Silence(Case):
    """The contract of design: what closes at which age. Counted from the last good sample."""

    def follow(self, ages, *settings):
        bms, can, gateway = self.working(*settings, ccl=18.0)
        close, zero, zero_discharge, silent = ages
        with bms.pack.lock:
            bms.faults.mute = True
            at = time.monotonic()
        time.sleep(silent + 3)
        limits = [(f.at - at, f.value) for f in can.since(at, 0x351)]

        def between(first, last):
            return [(age, v) for age, v in limits if first <= age < last]

        self.assertTrue(all(v["ccl"] == 18.0 and v["dcl"] == 54.0 for _, v in between(0, close - 0.3)),
                        "up to %s s nothing changes: %s" % (close, limits))
        closing = [(v["ccl"], v["dcl"]) for _, v in between(close, zero)]
        self.assertEqual(closing, sorted(closing, reverse=True), "limits only fall")
        middle = between((close + zero) / 2 - 0.3, (close + zero) / 2 + 1.2)
        for age, v in middle:
            left = max(0.0, min(1.0, (zero - age) / (zero - close)))
            self.assertAlmostEqual(v["ccl"], 18.0 * left, delta=18.0 * 0.4 / (zero - close) + 0.2,
                                   msg="CCL falls linearly: %.2f s" % age)
        stopped = between(zero + 0.3, zero_discharge - 0.3)
        self.assertTrue(stopped)
        for age, v in stopped:
            self.assertEqual((v["ccl"], v["dcl"]), (0.0, 5.4), "at %.2f s" % age)
            self.assertLessEqual(v["cvl"], 56.7, "14 x (4.150 - 0.100) V")
        for age, v in between(zero_discharge + 0.3, silent - 0.3):
            self.assertEqual((v["ccl"], v["dcl"]), (0.0, 0.0), "at %.2f s" % age)
        self.assertTrue(between(zero_discharge + 0.3, silent))
        self.assertEqual([f for f in can.since(at + silent + 0.6)], [], "frames stop")
        for f in can.since(at):
            if f.id == 0x355:
                self.assertEqual(f.value["soc_fine"], 64.2, "the last value, never 0 %")
            if f.id == 0x356:
                self.assertEqual(f.value["voltage"], 54.63, "the last value, never 0 V")
            if f.id == 0x35A and f.at - at > zero + 1.3:
                self.assertEqual((f.value["online"], f.value["alarms"]["BMS internal"]),
                                 (False, "active"), f)
            if f.id == 0x35A and f.at - at < close:
                self.assertEqual((f.value["online"], f.value["alarms"]["BMS internal"]),
                                 (True, "quiet"), f)
            if f.id == 0x372 and f.at - at > zero + 1.3:
                self.assertEqual((f.value["ok"], f.value["offline"]), (0, 1), f)
        asked = [heard for heard in bms.heard if heard > at]
        self.assertLess(max(b - a for a, b in zip(asked, asked[1:])), 1.2,
                        "while silent the BMS is asked at least every second")
        bms.faults.mute = False
        back = time.monotonic()
        frame = self.sees(can, 0x351, lambda v: True, 5, "0x351 once the BMS answers", since=back)
        self.measured("BMS answers again after silence, to the next 0x351", frame.at - back)
        self.sees(can, 0x351, lambda v: v["ccl"] == 18.0 and v["dcl"] == 54.0, 20, "open again",
                  since=back)
        self.sees(can, 0x35A, lambda v: v["online"] and v["alarms"]["BMS internal"] == "quiet", 20,
                  "online again", since=back)

    def test_silence_closes_the_limits_step_by_step_at_the_ages_set(self):
        self.follow((2.0, 5.0, 7.5, 10.0), *SHORT_AGES)

    def test_silence_closes_the_limits_at_the_default_ages(self):
        if not LONG:
            self.skipTest("takes 80 s: TINYBMS_GW_LONG=1")
        self.follow(DEFAULT_AGES)

    def test_silence_with_a_low_cell_stops_discharge_early(self):
        """Register 301 + 150 mV = 3150 mV."""
        bms = self.bms()
        bms.pack.set_cells([3140] * 14)
        can = self.can()
        self.gateway(*SHORT_AGES)
        self.sees(can, 0x351, lambda v: v["ccl"] == 18.0 and v["dcl"] == 54.0, 20, "open")
        with bms.pack.lock:
            bms.faults.mute = True
            at = time.monotonic()
        frame = self.sees(can, 0x351, lambda v: v["dcl"] == 0, 9, "DCL 0", since=at)
        self.measured("silence to DCL 0 with a low cell, stale_zero_ms 5 s", frame.at - at)
        self.assertLess(frame.at - at, 6.5)
        self.assertGreater(frame.at - at, 4.5)

    def test_a_device_that_answers_but_stands_still_is_silence(self):
        bms, can, _ = self.working(*SHORT_AGES, ccl=18.0)
        with bms.pack.lock:
            bms.faults.frozen = True
            at = time.monotonic()
        frame = self.sees(can, 0x351, lambda v: v["ccl"] == 0, 10, "CCL 0 of a frozen device", since=at)
        self.measured("frozen device to CCL 0, stale_zero_ms 5 s", frame.at - at)
        self.assertGreater(frame.at - at, 4.0)
        self.assertLess(frame.at - at, 8.0)
        bms.faults.frozen = False
        self.sees(can, 0x351, lambda v: v["ccl"] == 18.0, 20, "open again", since=time.monotonic())

    def test_cells_and_current_that_stand_still_for_60_s_count_as_5_s_old(self):
        if not LONG:
            self.skipTest("takes 80 s: TINYBMS_GW_LONG=1")
        bms = self.bms()
        bms.faults.cell_jitter = bms.faults.current_jitter = False  # the clock goes on
        can = self.can()
        self.gateway()
        self.sees(can, 0x351, lambda v: v["ccl"] == 18.0, 20, "CCL 18 A")
        at = can.since(0, 0x351)[0].at
        frame = self.sees(can, 0x351, lambda v: v["ccl"] < 18.0, 65, "limits close", since=at + 30)
        self.measured("cells and current stand still, to the first fall of CCL", frame.at - at)
        self.assertGreater(frame.at - at, 58)
        frame = self.sees(can, 0x351, lambda v: v["ccl"] == 0, 15, "CCL 0", since=frame.at)
        bms.faults.cell_jitter = bms.faults.current_jitter = True
        self.sees(can, 0x351, lambda v: v["ccl"] == 18.0, 20, "open again", since=time.monotonic())

    def test_cells_that_move_by_a_tenth_of_a_millivolt_do_not_stand_still(self):
        if not LONG:
            self.skipTest("takes 80 s: TINYBMS_GW_LONG=1")
        bms = self.bms()
        bms.faults.current_jitter = False
        can = self.can()
        self.gateway()
        self.sees(can, 0x351, lambda v: v["ccl"] == 18.0, 20, "CCL 18 A")
        at = time.monotonic()
        self.assertIsNone(can.wait(0x351, lambda v: v["ccl"] < 18.0, 65, at))

    def test_one_lost_second_changes_nothing(self):
        bms, can, _ = self.working(ccl=18.0)
        at = time.monotonic()
        bms.faults.mute = True
        time.sleep(1.5)
        bms.faults.mute = False
        time.sleep(3)
        for frame in can.since(at):
            if frame.id == 0x351:
                self.assertEqual((frame.value["ccl"], frame.value["dcl"]), (18.0, 54.0))
            if frame.id == 0x35A:
                self.assertEqual(frame.value["alarms"]["BMS internal"], "quiet")
