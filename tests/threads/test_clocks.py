# SPDX-License-Identifier: MIT
"""The wall clock jumps by a day, forwards and back: log lines and the lines of a recording follow it,
and nothing else does."""
import datetime
import glob
import re
import subprocess
import time

from thread_case import BINARY, ThreadCase

LIBRARY = "/usr/lib/*/faketime/libfaketimeMT.so.1"
DAY = datetime.timedelta(days=1)


class WallClock(ThreadCase):
    def jump(self, text):
        with open(self.path("offset"), "w", encoding="ascii") as file:
            file.write(text)

    def ask(self, program, *arguments):
        env = {name: value for name, value in program.env.items() if not name.startswith(("LD_", "FAKE"))}
        return subprocess.run([BINARY, *arguments], env=env, cwd=self.folder, timeout=30, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)

    def recording_survives(self, program):
        """What is kept of the last minutes says when the clock was set; without that its times rise, and
        it is replayed frame by frame."""
        self.assertEqual(self.ask(program, "record", "--last-only", self.path("jumps.rec")).returncode, 0)
        ahead, jumps, times = None, [], []
        with open(self.path("jumps.rec"), encoding="ascii") as lines:
            for line in lines:
                clock = re.match(r"# tinybms-gw recording .* clock=(-?\d+)$|\([\d.]+\) clock (-?\d+)$", line)
                if clock:
                    now = int(clock[1] or clock[2])
                    jumps += [now - ahead] if ahead is not None else []
                    ahead = now
                elif line.startswith("("):
                    seconds, fraction = line[1:line.index(")")].split(".")
                    times.append(int(seconds) * 1000000 + int(fraction) - 1000 * ahead)
        self.assertEqual([round(jump / 3600000) for jump in jumps if abs(jump) > 3600000], [24, -48, 24])
        self.assertEqual(times, sorted(times))
        self.assertLess(max(b - a for a, b in zip(times, times[1:])), 1000000)
        replayed = self.ask(program, "replay", self.path("jumps.rec"))
        self.assertEqual(replayed.returncode, 0, replayed.stderr)
        self.assertRegex(replayed.stderr, r"\d\d+ frames, all as recorded")

    def test_frames_and_stages_do_not_follow_the_wall_clock(self):
        library = glob.glob(LIBRARY)
        if not library:
            print("SKIPPED: libfaketime is not installed")
            self.skipTest("no libfaketime")
        with open(BINARY, "rb") as file:
            if b"__asan_init" in file.read():
                self.skipTest("the library cannot be loaded before AddressSanitizer's")
        bms, can = self.bms(), self.can()
        self.jump("+0")
        # The library fakes CLOCK_REALTIME alone, from the file, at every call.
        program = self.guarded(binary=BINARY, LD_PRELOAD=library[0], FAKETIME_DONT_FAKE_MONOTONIC="1",
                               FAKETIME_NO_CACHE="1", FAKETIME_TIMESTAMP_FILE=self.path("offset"))
        self.sees(can, 0x351, lambda v: v["ccl"] == 18.0, 30, "limits open")
        since, stages = time.monotonic(), program.count("policy: stage")
        for text, offset, cell, gone in (("+1d", DAY, 4210, "raised"), ("-1d", -DAY, 3900, "cleared")):
            self.jump(text)
            time.sleep(3)
            bms.pack.set_cell(5, cell)  # something to log
            self.logs(program, "alarm " + gone)
            line = [l for l in program.log.splitlines() if "alarm " + gone in l][-1]
            told = datetime.datetime.fromisoformat(line.split()[0].replace("Z", "+00:00"))
            expected = datetime.datetime.now(datetime.timezone.utc) + offset
            self.assertLess(abs(told - expected), datetime.timedelta(seconds=30), line)
        self.jump("+0")
        time.sleep(2)
        times = [f.at for f in can.since(since, 0x351)]
        gaps = [b - a for a, b in zip(times, times[1:])]
        self.measured("longest gap between two 0x351 around jumps of a day", max(gaps))
        self.assertLess(max(gaps), 2.0)
        self.assertTrue(all(f.value["dcl"] == 54.0 for f in can.since(since, 0x351)))
        self.assertEqual(program.count("policy: stage"), stages)
        self.assertEqual(program.count("lost"), 0)
        self.recording_survives(program)
        self.assertEqual(program.stop()[0], 0)
