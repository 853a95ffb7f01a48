# SPDX-License-Identifier: MIT
"""A running gateway is recorded, and the recording replayed: the frames are those that were sent."""
import os
import re
import signal
import time

import can

from bms_peer import Pack
from case import Case

SENT = re.compile(rb"^\(\d{10}\.\d{6}\) can0 [0-9A-F]{3}#[0-9A-F]* T\n$")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def sent_lines(recording):
    return [line for line in recording.splitlines(keepends=True) if SENT.match(line)]


class RecordReplay(Case):
    def lived(self, *settings, **options):
        """`working`, for long enough to have something to record."""
        bms, peer, gateway = self.working(*settings, pack=Pack(), **options)
        self.eventually(lambda: len(peer.since(0)) >= 30, 10, "30 frames")
        return bms, peer, gateway

    def record(self, name, *options, code=0, **more):
        result = self.command("record", self.path(name), *options, **more)
        self.assertEqual(result.code, code, result)
        return result

    def replay(self, name, *options, code=0):
        result = self.command("replay", self.path(name), *options)
        self.assertEqual(result.code, code, result)
        return result

    def assert_followed(self, name):
        """The replay gives the lines that were sent, times included, and says so."""
        result = self.replay(name)
        recorded = sent_lines(read(self.path(name)))
        self.assertGreater(len(recorded), 20)
        self.assertEqual(result.out.encode(), b"".join(recorded))
        self.assertRegex(result.err, r"%d frames, all as recorded; \d+ requests to the BMS, all as recorded" %
                         len(recorded))
        self.assertEqual(self.replay(name).out, result.out)
        return recorded

    def test_frames_recorded_from_the_start_are_replayed_to_the_microsecond(self):
        """Both peers see trouble, so that more than the even pace of a quiet house is recorded."""
        bms, peer, gateway = self.lived("tinybms.stale_close_ms=2000", "tinybms.stale_zero_ms=5000",
                                        "tinybms.stale_zero_discharge_ms=6000")
        self.assertEqual(self.command("registers", "read", "300", "2").code, 0)
        bms.faults.mute = True
        self.sees(peer, 0x351, lambda v: v["dcl"] == 0, 15, "DCL 0 in silence")
        bms.faults.mute = False
        bms.faults.bit_errors, bms.faults.noise, bms.faults.drop = 0.1, 0.1, 0.1
        self.sees(peer, 0x351, lambda v: v["dcl"] > 0, 15, "DCL again", since=time.monotonic())
        peer.unplug()
        time.sleep(0.5)
        peer.plug()
        self.sees(peer, 0x351, lambda v: True, 10, "frames again", since=time.monotonic() + 0.5)
        self.record("run.rec", "--last-only")
        self.assertEqual(gateway.stop()[0], 0)
        recorded = self.assert_followed("run.rec")
        text = read(self.path("run.rec")).decode()
        self.assertIn(" gateway start\n", text)
        self.assertIn(" command read 300 2\n", text)
        self.check_with_python_can(text, recorded, peer)

    def check_with_python_can(self, text, recorded, peer):
        """The CAN part is a candump log for python3-can and for our own decode, and what is marked as
        sent is what the peer received."""
        log = "".join(line for line in text.splitlines(keepends=True) if " can0 " in line)
        path = self.write("can.log", log)
        messages = list(can.CanutilsLogReader(path))
        self.assertEqual(len(messages), log.count("\n"))
        sent = [m for m in messages if not m.is_rx]
        self.assertEqual(len(sent), len(recorded))
        self.assertEqual({m.arbitration_id for m in messages if m.is_rx} - {0x305, 0x307}, set())
        self.assertTrue(all(m.channel == "can0" for m in messages))
        self.assertTrue(all(a.timestamp <= b.timestamp for a, b in zip(messages, messages[1:])))
        self.assertLess(abs(messages[-1].timestamp - time.time()), 30)
        latest = {m.arbitration_id: bytes(m.data) for m in sent}
        self.assertEqual(latest[0x35E], bytes(peer.latest(0x35E).data))
        self.assertEqual(len({m.arbitration_id for m in sent}), len({frame.id for frame in peer.since(0)}))
        decoded = self.command("decode", path)
        self.assertEqual(decoded.code, 0, decoded)
        self.assertEqual(decoded.out.count("\n"), len(messages))

    def test_what_is_recorded_later_goes_on_where_the_file_ends(self):
        _, _, gateway = self.lived()
        self.record("a.rec", "--last-only")
        first = read(self.path("a.rec"))
        time.sleep(1.5)
        began = time.monotonic()
        self.record("a.rec", "--seconds", "2")
        self.assertGreaterEqual(time.monotonic() - began, 2.0)
        second = read(self.path("a.rec"))
        self.assertEqual(second[:len(first)], first)
        self.assertEqual(second.count(b"# tinybms-gw recording format=1 "), 2)
        times = [float(line[1:18]) for line in second.splitlines() if line.startswith(b"(")]
        self.assertEqual(times, sorted(times))
        self.assertLess(max(b - a for a, b in zip(times, times[1:])), 1.0)
        # cut by a power failure in the middle of a line, then gone on with
        with open(self.path("a.rec"), "ab") as file:
            file.write(second.splitlines(keepends=True)[-1][:-9])
        self.record("a.rec", "--seconds", "1")
        self.assertIn(b"~\n# tinybms-gw recording format=1 ", read(self.path("a.rec")))
        self.assert_followed("a.rec")
        # in pieces, and put together again
        whole = read(self.path("a.rec"))
        for i in range(0, len(whole), 10007):
            with open(self.path("b.rec"), "ab") as file:
                file.write(whole[i:i + 10007])
        self.assertEqual(self.replay("b.rec").out, self.replay("a.rec").out)
        # two recordings of their own that overlap
        self.record("c.rec", "--last-only")
        self.assert_followed("c.rec")
        self.write("d.rec", first + read(self.path("c.rec")))
        self.assertEqual(self.replay("d.rec").out, self.replay("c.rec").out)
        self.assertTrue(gateway.alive())

    def test_other_limits_give_other_frames(self):
        _, _, gateway = self.lived()
        self.record("a.rec", "--last-only")
        self.assertEqual(gateway.stop()[0], 0)
        result = self.replay("a.rec", "--set", "cvl.margin_mv=1000")
        recorded = sent_lines(read(self.path("a.rec")))
        lines = result.out.encode().splitlines(keepends=True)
        self.assertEqual(len(lines), len(recorded))
        for ours, theirs in zip(lines, recorded):
            self.assertEqual(ours[:29], theirs[:29])  # time and identifier
            if b"351#" in theirs:
                cvl = [int.from_bytes(bytes.fromhex(line[29:33].decode()), "little")
                       for line in (ours, theirs)]
                self.assertEqual(cvl[0], cvl[1] - 10)
            else:
                self.assertEqual(ours, theirs)

    def test_ctrl_c_ends_a_recording_with_a_whole_line(self):
        self.lived()
        recorder = self.program("record", self.path("a.rec"), name="record")
        self.eventually(lambda: os.path.exists(self.path("a.rec")) and
                        len(read(self.path("a.rec"))) > 10000, 5, "lines in the file")
        self.record("a.rec", code=1, timeout=5)  # one at a time
        code, seconds = recorder.stop(signal.SIGINT)
        self.assertEqual(code, 0, recorder.log)
        self.assertLess(seconds, 2)
        self.assertRegex(recorder.log, r"\d+ lines, \d+ bytes")
        self.assertEqual(read(self.path("a.rec"))[-1:], b"\n")
        self.assert_followed("a.rec")

    def test_standard_output_gets_the_same_lines(self):
        self.lived()
        result = self.command("record", "-", "--last-only")
        self.assertEqual(result.code, 0, result)
        self.write("a.rec", result.out)
        self.assert_followed("a.rec")

    def test_a_recorder_that_stands_still_slows_nothing_and_knows_what_it_missed(self):
        """It is stopped for 3 s: within what is kept, nothing is missed; the frames go on meanwhile."""
        _, peer, _ = self.lived()
        recorder = self.program("record", self.path("a.rec"), name="record")
        self.eventually(lambda: os.path.exists(self.path("a.rec")), 5, "the file")
        recorder.process.send_signal(signal.SIGSTOP)
        since = time.monotonic()
        time.sleep(3)
        self.assertGreaterEqual(len(peer.since(since, 0x351)), 2)
        self.assertEqual(self.command("status").code, 0)
        recorder.process.send_signal(signal.SIGCONT)
        time.sleep(1)
        self.assertEqual(recorder.stop(signal.SIGINT)[0], 0)
        self.assert_followed("a.rec")

    def test_a_gateway_that_stops_ends_the_recording(self):
        _, _, gateway = self.lived()
        recorder = self.program("record", self.path("a.rec"), name="record")
        self.eventually(lambda: os.path.exists(self.path("a.rec")), 5, "the file")
        time.sleep(1)
        gateway.stop()
        self.eventually(lambda: not recorder.alive(), 5, "the end of record")
        self.assertEqual(recorder.process.returncode, 1)
        self.assertIn("the gateway has stopped", recorder.log)
        self.assert_followed("a.rec")

    def test_without_a_gateway_it_says_what_to_do(self):
        result = self.record("a.rec", code=1)
        self.assertIn("no gateway is running; start one with tinybms-gw run", result.err)
        self.assertFalse(os.path.exists(self.path("a.rec")))

    def test_nothing_but_a_recording_is_appended_to(self):
        self.lived()
        for name, text in (("letter.txt", "Dear Sir,\n"), ("log", "(1.0) can0 351#00\n"),
                           ("newer.rec", "# tinybms-gw recording format=2 x\n")):
            self.write(name, text)
            result = self.record(name, "--last-only", code=1)
            self.assertIn("something else than a recording", result.err)
            self.assertEqual(read(self.path(name)), text.encode())
        os.mkfifo(self.path("pipe"))
        for name in (".", "pipe", "no/where"):
            self.record(name, "--last-only", code=1)
        self.write("empty.rec", "")
        self.record("empty.rec", "--last-only")
        self.assert_followed("empty.rec")

    def test_lines_of_something_else_are_named_and_counted(self):
        _, _, gateway = self.lived()
        self.record("a.rec", "--last-only")
        gateway.stop()
        text = read(self.path("a.rec"))
        lines = text.splitlines(keepends=True)
        self.write("spoilt.rec", b"".join(lines[:150] + [b"\0\0\0\n", b"x" * 5000 + b"\n"] + lines[150:]))
        result = self.replay("spoilt.rec", code=1)
        self.assertIn("%s:151: not a line" % self.path("spoilt.rec"), result.err)
        self.assertIn("%s:152: too long" % self.path("spoilt.rec"), result.err)
        self.assertIn("2 of %d lines" % (len(lines) + 2), result.err)
        self.assertEqual(result.out.encode(), b"".join(sent_lines(text)))
        for name, text in (("empty.rec", ""), ("letter.txt", "Dear Sir,\n")):
            self.write(name, text)
            self.assertIn("holds no recording", self.replay(name, code=1).err)
        self.assertEqual(self.command("replay", self.path("nowhere")).code, 2)
        self.assertEqual(self.command("replay", self.path("a.rec"), "--set", "cvl.margin_mv=x").code, 2)

    def test_a_recording_without_its_beginning_is_lived(self):
        """The lines of the first seconds are cut off: the core begins there, on the same registers."""
        _, _, gateway = self.lived(ccl=18.0)
        self.record("a.rec", "--last-only")
        gateway.stop()
        lines = read(self.path("a.rec")).splitlines(keepends=True)
        header = [line.replace(b"-link down", b"-link up") for line in lines if line.startswith(b"#")]
        events = [line for line in lines if line.startswith(b"(")]
        self.write("b.rec", b"".join(header + events[len(events) // 3:]))
        result = self.replay("b.rec", "-v")
        self.assertIn("the core kept its own times", result.err)
        self.assertIn(" INFO victron: sending frames\n", result.err)
        frames = re.findall(r"can0 351#(\w+) T", result.out)
        self.assertEqual(frames[0], "450212001C02A401")   # CCL a tenth of 18.0 A, DCL 54.0 A at once
        self.assertGreater(len(frames), 3)
        self.assertEqual(self.replay("b.rec").out, result.out)
        own = self.replay("a.rec", "--can-only")
        self.assertIn("the core kept its own times", own.err)
        charge = [int.from_bytes(bytes.fromhex(data), "little") for data in
                  re.findall(r"can0 351#4502(\w{4})1C02A401 T", own.out)]
        self.assertEqual(charge, sorted(charge))
        self.assertGreater(charge[-1], 170)               # a tenth of 18.0 A more each second
