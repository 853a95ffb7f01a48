# SPDX-License-Identifier: MIT
"""What takes its time: limits that open again, settings read now and then, a GX that is not there."""
import os
import subprocess
import time

from case import Case
from gateway import BINARY, environment, run_arguments


class Slow(Case):
    def test_limits_open_again_when_the_danger_is_over(self):
        bms, can, _ = self.working()
        bms.pack.set_cell(5, 4210)
        self.sees(can, 0x351, lambda v: v["ccl"] == 0, 3, "CCL 0")
        at = time.monotonic()
        bms.pack.set_cell(5, 3900)
        # 2 % of 18 A a second
        self.sees(can, 0x351, lambda v: v["ccl"] == 18.0, 65, "CCL open again", since=at)

    def test_a_setting_changed_in_the_bms_changes_the_limits(self):
        bms, can, _ = self.working()
        bms.pack.word[317] = 50  # 0.9 x 50 A = 45 A; settings are read now and then only
        self.sees(can, 0x351, lambda v: v["dcl"] == 45.0, 90, "DCL 45 A")

    def test_a_missing_gx_changes_nothing(self):
        self.bms()
        can = self.can(gx=False)
        self.gateway()
        self.sees(can, 0x351, lambda v: v["ccl"] == 18.0, 20, "limits without a GX")
        at = time.monotonic()
        time.sleep(4)  # 0x305 is missing for 14 s by now, and keepalive_timeout_ms is 10 s
        times = [f.at for f in can.since(at, 0x351)]
        self.assertGreaterEqual(len(times), 3)
        self.assertTrue(all(f.value["ccl"] == 18.0 for f in can.since(at, 0x351)))

    def test_a_reader_of_the_log_that_stalls_does_not_stop_the_frames(self):
        self.bms()
        can = self.can()
        read_end, write_end = os.pipe()
        self.addCleanup(os.close, read_end)
        fill = b"x" * 4096
        os.set_blocking(write_end, False)
        try:
            while os.write(write_end, fill):
                pass
        except BlockingIOError:
            pass  # the pipe takes not a byte more, and nobody reads
        os.set_blocking(write_end, True)
        process = subprocess.Popen(
            [BINARY, *run_arguments(self.path("bms"), "slcan:" + self.path("can"), "logging.level=debug")],
            env=environment(self.folder), stdin=subprocess.DEVNULL, stdout=write_end, stderr=write_end)
        os.close(write_end)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.sees(can, 0x351, lambda v: v["dcl"] == 54.0, 15, "0x351 with a log that nobody reads")
        time.sleep(3)
        self.sees(can, 0x351, lambda v: True, 2, "0x351 goes on", since=time.monotonic())
        at = time.monotonic()
        process.terminate()
        self.assertEqual(process.wait(5), 0)
        self.measured("SIGTERM to the end with a log that nobody reads", time.monotonic() - at)
        self.assertLess(time.monotonic() - at, 2.0)
