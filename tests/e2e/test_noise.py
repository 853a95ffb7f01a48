# SPDX-License-Identifier: MIT
"""A bad line costs samples, never truth: whatever is on CAN was in the BMS's registers. 20 s for each kind
of fault, 10 minutes with TINYBMS_GW_LONG=1."""
import time

from case import LONG, Case

RUN_S = 600 if LONG else 20
CHANGE_EVERY_S = 2.0


def half_away(value):
    return int(abs(value) + 0.5) * (1 if value >= 0 else -1)


class Noise(Case):
    def said(self, pack):
        """What the frames may say of the pack as it is now."""
        self.allowed.setdefault("soc_fine", set()).add(self.soc)
        self.allowed.setdefault("voltage", set()).add(half_away(sum(pack.cells) / 10) / 100)
        self.allowed.setdefault("current", set()).add(self.current)
        self.allowed.setdefault("temperature", set()).add(self.celsius)
        self.allowed.setdefault("min_cell", set()).add(min(pack.cells))
        self.allowed.setdefault("max_cell", set()).add(max(pack.cells))

    def change(self, bms, step):
        with bms.pack.lock:
            self.soc = round(50 + 0.37 * (step % 50), 2)
            self.current = [5.0, -12.3, 0.0, 17.9, -0.4][step % 5]
            self.celsius = 20.0 + step % 7
            bms.pack.set_soc(self.soc)
            bms.pack.set_current(self.current)
            bms.pack.set_external(1, self.celsius)
            bms.pack.set_cells([3700 + 10 * (step % 11) + i % 4 for i in range(14)])
            self.said(bms.pack)
            return time.monotonic()

    def false_values(self, can, since):
        wrong = []
        for frame in can.since(since):
            for key, value in (frame.value or {}).items():
                if key in self.allowed and value not in self.allowed[key]:
                    wrong.append((frame, key))
            if frame.id == 0x351:
                v = frame.value
                if v["cvl"] != 58.1 or not 0 <= v["ccl"] <= 18.0 or not 0 <= v["dcl"] <= 54.0 or \
                        v["discharge_voltage"] != 42.0:
                    wrong.append((frame, "limits"))
            if frame.id == 0x35A:
                active = [n for n, s in frame.value["alarms"].items() if s == "active"]
                if active or frame.value["online"] is not True:
                    wrong.append((frame, "alarms %s" % active))
            if len(frame.data) != 8 or frame.value is None:
                wrong.append((frame, "not a battery's frame"))
        return wrong

    def suffer(self, what, **faults):
        self.allowed = {}
        bms, can, gateway = self.working()
        began = self.change(bms, 0)
        self.sees(can, 0x355, lambda v: v["soc_fine"] == self.soc, 5, "the first state", since=began)
        self.sees(can, 0x356, lambda v: v["current"] == self.current, 5, "the first state", since=began)
        self.sees(can, 0x373, lambda v: v["min_cell"] == min(bms.pack.cells), 5, "first", since=began)
        since = time.monotonic()
        for name, value in faults.items():
            setattr(bms.faults, name, value)
        step, end, slowest, answers = 0, time.monotonic() + RUN_S, 0.0, bms.answers
        while time.monotonic() < end:
            step += 1
            at = self.change(bms, step)
            frame = self.sees(can, 0x355, lambda v: v["soc_fine"] == self.soc, 8,
                              "change %d under %s" % (step, what), since=at)
            slowest = max(slowest, frame.at - at)
            time.sleep(CHANGE_EVERY_S)
        self.measured("%s: the slowest of %d changes, %d answers" % (what, step, bms.answers - answers),
                      slowest)
        self.assertEqual(self.false_values(can, since), [])
        self.assertTrue(gateway.alive())
        self.assertLess(slowest, 3.0)
        self.assertGreater(bms.answers - answers, RUN_S, "the peer was hardly asked")

    def test_lost_replies_bring_no_false_value_and_changes_arrive(self):
        self.suffer("40 % of replies lost", drop=0.4)

    def test_bit_errors_bring_no_false_value_and_changes_arrive(self):
        self.suffer("40 % of replies with 1-3 bits turned over", bit_errors=0.4)

    def test_damaged_requests_bring_no_false_value_and_changes_arrive(self):
        self.suffer("40 % of requests refused with a CRC error", request_errors=0.4)

    def test_noise_with_false_starts_brings_no_false_value_and_changes_arrive(self):
        self.suffer("noise before every other reply", noise=0.5)

    def test_one_byte_at_a_time_brings_no_false_value_and_changes_arrive(self):
        self.suffer("one byte at a time", fragment=True)

    def test_unasked_bytes_between_answers_bring_no_false_value_and_changes_arrive(self):
        self.suffer("broadcast between answers", chatter_s=0.1)

    def test_everything_at_once_brings_no_false_value_and_changes_arrive(self):
        self.suffer("everything at once", drop=0.15, bit_errors=0.15, request_errors=0.1, noise=0.2,
                    fragment=True, chatter_s=0.3)


class Nonsense(Case):
    """Right checksums around values that cannot be."""

    def told(self, can, since):
        return [f for f in can.since(since) if f.id in (0x355, 0x356, 0x373)]

    def brings_nothing_false(self, what, change):
        bms, can, gateway = self.working()
        before = {i: self.sees(can, i, lambda v: True, 3, "0x%03X" % i).value
                  for i in (0x355, 0x356, 0x373)}
        at = time.monotonic()
        with bms.pack.lock:
            kept = dict(bms.pack.word)
            change(bms.pack)
        time.sleep(4)
        for frame in self.told(can, at):
            self.assertEqual(frame.value, before[frame.id], what)
        with bms.pack.lock:
            clock = bms.pack.get_u32(32)
            bms.pack.word = kept
            bms.pack.set_u32(32, clock)
        self.sees(can, 0x351, lambda v: v["ccl"] == 18.0 and v["dcl"] == 54.0, 30, "open again",
                  since=time.monotonic())
        self.assertTrue(gateway.alive())

    def test_a_pack_voltage_that_is_not_a_number_is_never_told(self):
        self.brings_nothing_false("NaN", lambda p: p.set_u32(36, 0x7FC00000))

    def test_a_pack_current_that_is_infinite_is_never_told(self):
        self.brings_nothing_false("-inf", lambda p: p.set_u32(38, 0xFF800000))

    def test_a_soc_over_100_percent_is_never_told(self):
        self.brings_nothing_false("SOC", lambda p: p.set_u32(46, 0xFFFFFFFF))

    def test_a_cell_of_6553_mv_is_never_told(self):
        self.brings_nothing_false("cell", lambda p: p.word.__setitem__(3, 0xFFFF))

    def test_a_huge_pack_voltage_is_never_told(self):
        self.brings_nothing_false("voltage", lambda p: p.set_f32(36, 3.0e38))

    def test_a_temperature_of_1000_degrees_is_never_told(self):
        self.brings_nothing_false("temperature", lambda p: p.word.__setitem__(42, 10000))

    def test_a_live_block_full_of_ones_is_never_told(self):
        def ones(pack):
            for register in range(54):
                pack.word[register] = 0xFFFF
        self.brings_nothing_false("all ones", ones)

    def test_a_live_block_full_of_zeros_is_never_told(self):
        def zeros(pack):
            for register in range(54):
                pack.word[register] = 0
        self.brings_nothing_false("all zeros", zeros)


class Hostile(Case):
    """Devices that never stop talking."""

    def goes_on(self, can, since):
        times = [f.at for f in can.since(since, 0x351)]
        self.assertLess(max(b - a for a, b in zip(times, times[1:])), 1.5, "0x351 every second")

    def test_a_can_adapter_that_sends_garbage_does_not_disturb_the_frames(self):
        bms, can, gateway = self.working()
        at = time.monotonic()
        junk = bms.random
        while time.monotonic() < at + 5:
            can.adapter.write(junk.choice((
                junk.randbytes(60), b"t", b"\r" * 50, b"\x07" * 50, b"t3058000000000000000\r", b"z\rZ\r",
                b"t3058" + b"0" * 600, b"T1234567880011223344556677\r", b"r3058\r", b"tFFF0\r",
                b"t3059001122334455667788\r", b"t305g0000000000000000\r", b"V1013\rN1234\rFFF\r",
                b"t3071120\r", b"t7FF80000000000000000\r")))
            time.sleep(0.005)
        self.goes_on(can, at)
        self.assertTrue(gateway.alive())
        self.assertLess(len(gateway.log), 50000, "it does not flood the log")
        code, seconds = gateway.stop()
        self.assertEqual(code, 0)
        self.assertLess(seconds, 2.0)

    def test_a_serial_line_that_never_stops_talking_closes_the_limits_and_can_be_stopped(self):
        bms, can, gateway = self.working("tinybms.stale_close_ms=2000", "tinybms.stale_zero_ms=5000")
        bms.faults.mute = True
        at = time.monotonic()
        while time.monotonic() < at + 7:
            bms.link.write(bms.random.randbytes(400))
        self.goes_on(can, at)
        self.assertEqual(can.latest(0x351).value["ccl"], 0.0)
        bms.faults.mute = False
        bms.pack.set_soc(66.0)
        self.sees(can, 0x355, lambda v: v["soc_fine"] == 66.0, 5, "SOC after the noise",
                  since=time.monotonic())
        self.assertLess(len(gateway.log), 50000, "it does not flood the log")
        bms.faults.mute = True
        bms.link.write(bms.random.randbytes(4000))
        code, seconds = gateway.stop()
        self.assertEqual(code, 0)
        self.assertLess(seconds, 2.0)
