# SPDX-License-Identifier: MIT
"""What the service manager is told, and services that are stuck: seen, said, replaced, while the frames
go on and the one that was abandoned may wake."""
import os
import signal
import subprocess
import time

from thread_case import GUARDED, LONG, ThreadCase

GAP_S = 2.0     # the GX stops after 3 s without 0x351
WATCHDOG_S = 2  # of the tests; the unit file has more
PERCENT = 10    # of the usual patience: 1 s to a line, 3 s to the replacement


def seconds(value):
    return str(int(value * 1000000))


class Watchdog(ThreadCase):
    def started(self, *settings, address=None, watchdog=WATCHDOG_S, **options):
        manager = self.manager(address)
        options.setdefault("TINYBMS_GW_TEST_PATIENCE_PERCENT", str(PERCENT))
        program = self.guarded(*settings, NOTIFY_SOCKET=manager.address, WATCHDOG_USEC=seconds(watchdog),
                               **options)
        self.eventually(lambda: manager.times("READY=1"), 10, "READY=1")
        return manager, program

    def gaps(self, can, since):
        times = [f.at for f in can.since(since, 0x351)]
        return [b - a for a, b in zip(times, times[1:])]

    def test_ready_comes_once_and_when_devices_are_missing_too(self):
        manager, program = self.started(bms="no-such-tty", can="no-such-adapter")
        self.logs(program, "uart: cannot open")
        self.logs(program, "can: cannot open")
        time.sleep(1.5)
        self.assertEqual(len(manager.times("READY=1")), 1)
        self.ends_well(program)
        self.eventually(lambda: manager.times("STOPPING=1"), 2, "STOPPING=1")

    def test_an_abstract_name_and_no_name_at_all(self):
        self.started(bms="sim", can="sim", address="@tinybms-gw-test-%d" % os.getpid())
        program = self.guarded(bms="sim", can="none", NOTIFY_SOCKET="vsock:2:1234")
        self.logs(program, "the service manager cannot be told anything", "NOTIFY_SOCKET")

    def test_the_watchdog_of_another_process_is_not_ours(self):
        manager, _ = self.started(bms="sim", can="sim", WATCHDOG_PID="1")
        time.sleep(WATCHDOG_S)
        self.assertEqual(manager.times("WATCHDOG=1"), [])

    def test_the_watchdog_is_fed_in_time_and_the_state_is_told(self):
        manager, program = self.started(bms="sim", can="sim")
        time.sleep(4)
        times = manager.times("WATCHDOG=1")
        gaps = [b - a for a, b in zip(times, times[1:])]
        self.measured("longest pause between two WATCHDOG=1 of %d s" % WATCHDOG_S, max(gaps))
        self.assertLess(max(gaps), WATCHDOG_S)
        self.assertIn("STATUS=BMS answering, data fresh, CAN up, GX present", manager.starting("STATUS="))
        self.ends_well(program)

    def test_a_gateway_thread_without_progress_is_not_vouched_for(self):
        manager, program = self.started(bms="sim", can="sim")
        self.logs(program, "sending frames")
        at = time.clock_gettime(time.CLOCK_MONOTONIC)
        program.hook("violate", "spin")
        self.logs(program, "ERROR gateway: the battery path makes no progress")
        time.sleep(WATCHDOG_S)
        fed = manager.times("WATCHDOG=1", since=at)
        # the hook is seen within a second, and then half a period goes by
        self.assertTrue(not fed or fed[-1] - at < 1.0 + WATCHDOG_S / 2 + 0.6, [f - at for f in fed])
        program.unhook("violate")
        again = time.clock_gettime(time.CLOCK_MONOTONIC)
        self.eventually(lambda: manager.times("WATCHDOG=1", since=again), 5, "WATCHDOG=1 again")
        self.logs(program, "the battery path makes progress again")
        self.ends_well(program)

    def test_reloading_is_told_with_its_time_and_its_end(self):
        config = self.write("config.json", "{}")
        manager, program = self.started(bms="sim", can="sim", config=config)
        for text in ("{\"tinybms\":{\"poll_interval_ms\":200}}", "{"):
            at = time.clock_gettime(time.CLOCK_MONOTONIC)
            self.write("config.json", text)
            program.process.send_signal(signal.SIGHUP)
            self.eventually(lambda: manager.times("READY=1", since=at), 5, "READY=1 after the reload")
            lines = [text for when, text in manager.messages if when >= at]
            begin = lines.index("RELOADING=1")
            told = int(lines[begin + 1].removeprefix("MONOTONIC_USEC=")) / 1e6
            self.assertLess(abs(told - at), 1.0)
            self.assertGreater(lines.index("READY=1"), begin)
        self.ends_well(program)

    # ---- stuck services ----

    def held(self, **options):
        """Services held for as long as it takes to replace them."""
        self.bms()
        can = self.can()
        manager, program = self.started(**options)
        self.sees(can, 0x351, lambda v: v["dcl"] == 54.0, 20, "limits")
        at = time.monotonic()
        program.hook("hold")
        self.logs(program, "the services were stuck and have been replaced")
        self.measured("services held to services replaced", time.monotonic() - at)
        return can, manager, program, at

    def status(self, program):
        return subprocess.run([GUARDED, "status"], env=program.env, cwd=self.folder, timeout=20,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def assert_undisturbed(self, can, since):
        gaps = self.gaps(can, since)
        self.measured("longest gap between two 0x351 around a replacement", max(gaps))
        self.assertLess(max(gaps), GAP_S)
        self.assertTrue(all(f.value["dcl"] == 54.0 for f in can.since(since, 0x351)))

    def test_stuck_services_are_seen_said_and_replaced_and_the_frames_go_on(self):
        can, manager, program, at = self.held()
        self.logs(program, "ERROR gateway: the services make no progress")
        result = self.status(program)
        self.assertEqual(result.returncode, 0, result)
        self.assertIn("STATUS=the services were stuck and have been replaced", manager.starting("STATUS="))
        time.sleep(2)
        self.assert_undisturbed(can, at)
        self.assertEqual(program.count("can: lost"), 0)
        since = time.clock_gettime(time.CLOCK_MONOTONIC)
        self.eventually(lambda: manager.times("WATCHDOG=1", since=since), 3, "WATCHDOG=1")
        program.unhook("hold")
        self.logs(program, "services that were replaced came back and have ended")
        self.assertEqual(self.status(program).returncode, 0)
        time.sleep(2)
        self.assert_undisturbed(can, at)
        self.ends_well(program)

    def test_new_services_open_again_what_is_unplugged(self):
        can, _, program, _ = self.held()
        can.unplug()
        self.logs(program, "can: lost")
        can.plug()
        self.logs(program, "can: opened", count=2)
        at = time.monotonic()
        self.sees(can, 0x351, lambda v: True, 5, "0x351 on the new adapter", since=at)
        program.unhook("hold")
        self.logs(program, "services that were replaced came back and have ended")
        time.sleep(1.5)
        at = time.monotonic()
        self.sees(can, 0x351, lambda v: True, 3, "0x351 after the old services woke", since=at)
        self.ends_well(program)

    def test_what_is_lost_while_they_are_stuck_is_opened_by_the_new_ones(self):
        self.bms()
        can = self.can()
        _, program = self.started()
        self.sees(can, 0x351, lambda v: v["dcl"] == 54.0, 20, "limits")
        program.hook("hold")
        time.sleep(0.5)
        can.hang(True)  # given up after 5 s; the old services still have it open and locked
        self.logs(program, "the services were stuck and have been replaced")
        time.sleep(3)
        can.hang(False)
        at = time.monotonic()
        self.sees(can, 0x351, lambda v: True, 15, "0x351 on the adapter again", since=at)
        program.unhook("hold")
        self.logs(program, "services that were replaced came back and have ended")
        at = time.monotonic() + 1
        self.sees(can, 0x351, lambda v: True, 5, "0x351 after the old services woke", since=at)
        self.ends_well(program)

    def test_services_that_wake_in_time_are_kept(self):
        self.bms()
        can = self.can()
        _, program = self.started()
        self.sees(can, 0x351, lambda v: v["dcl"] == 54.0, 20, "limits")
        program.hook("hold")
        time.sleep(2)  # over the 1 s of a line, under the 3 s of a replacement
        program.unhook("hold")
        self.logs(program, "ERROR gateway: the services make no progress")
        self.logs(program, "the services make progress again")
        time.sleep(2)
        self.assertEqual(program.count("have been replaced"), 0)
        self.ends_well(program)

    def test_sigterm_ends_a_program_whose_services_are_stuck(self):
        _, program = self.started(bms="sim", can="sim")
        self.logs(program, "sending frames")
        program.hook("hold-all")
        time.sleep(1.2)
        code, taken = program.stop()
        self.measured("SIGTERM to the end with stuck services", taken)
        self.assertEqual(code, 0)
        self.assertLess(taken, 2.0 if not self.sanitized(program) else 10.0)

    def test_services_that_stay_stuck_end_with_the_watchdog(self):
        if not LONG:
            self.skipTest("takes 80 s: TINYBMS_GW_LONG=1")
        manager, program = self.started(bms="sim", can="sim", TINYBMS_GW_TEST_PATIENCE_PERCENT="1")
        self.logs(program, "sending frames")
        program.hook("hold-all")
        self.eventually(lambda: "STATUS=the services are stuck for good: restart the gateway"
                        in manager.starting("STATUS="), 120, "the end of the replacements")
        time.sleep(1)
        at = time.clock_gettime(time.CLOCK_MONOTONIC)
        time.sleep(WATCHDOG_S)
        self.assertEqual(manager.times("WATCHDOG=1", since=at), [])
        program.unhook("hold-all")
        self.eventually(lambda: manager.times("WATCHDOG=1", since=at), 5, "WATCHDOG=1 when one is back")
