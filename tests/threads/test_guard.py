# SPDX-License-Identifier: MIT
"""The gateway thread never locks, allocates, opens, resolves, sleeps or writes elsewhere: a program in
which each of these ends it lives through a session of everything that can happen to it."""
import json
import signal
import subprocess
import time

from thread_case import GUARDED, ThreadCase

# What it is made to do, and the net that catches it: the linker's, or the filter of system calls.
VIOLATIONS = (("malloc", "malloc", False), ("library-malloc", "malloc", True), ("free", "free", False),
              ("lock", "pthread_mutex_lock", False), ("open", "open", False), ("fopen", "fopen", False),
              ("write", "write with a foreign descriptor", False), ("stream", "fput", False),
              ("resolve", "getaddrinfo", False), ("sleep", "usleep", False),
              ("stat", "system call", True), ("futex", "system call", True))


class Guard(ThreadCase):
    def test_each_violation_ends_the_program(self):
        for word, name, filter_only in VIOLATIONS:
            with self.subTest(word):
                program = self.guarded(bms="sim", can="sim")
                self.logs(program, "sending frames")
                if filter_only and self.sanitized(program):
                    program.kill()
                    continue
                program.hook("violate", word)
                program.process.wait(10)
                self.assertEqual(program.process.returncode, -signal.SIGABRT)
                self.assertIn("guard: the gateway thread called " + name, program.log)
                program.unhook("violate")
                with open(program.log_path, "w", encoding="ascii"):
                    pass

    def ask(self, program, *arguments):
        return subprocess.run([GUARDED, *arguments], env=program.env, cwd=self.folder, timeout=30,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def configure(self, **changes):
        config = {"logging": {"level": "debug"}, "tinybms": {"poll_interval_ms": 50}}
        config["tinybms"].update(changes)
        return self.write("config.json", json.dumps(config))

    def test_a_session_of_everything_calls_nothing_forbidden(self):
        bms, can = self.bms(), self.can()
        program = self.guarded(config=self.configure())
        self.sees(can, 0x351, lambda v: v["dcl"] == 54.0, 30, "limits")
        for i in range(3):  # unplugged and plugged again, one and both, and an adapter that hangs
            bms.link.unplug()
            self.logs(program, "uart: lost", count=i + 1)
            bms.link.plug()
            self.logs(program, "uart: opened", count=i + 2)
            can.unplug()
            self.logs(program, "can: lost", count=i + 1)
            can.plug()
            self.logs(program, "can: opened", count=i + 2)
        can.hang(True)
        time.sleep(1)
        can.hang(False)
        for _ in range(3):  # commands
            self.assertEqual(self.ask(program, "status", "-j").returncode, 0)
            self.assertEqual(self.ask(program, "registers", "read", "300", "5").returncode, 0)
            self.assertEqual(self.ask(program, "registers", "write", "300", "4160").returncode, 0)
        for i in range(5):  # reloads, and one that is refused
            self.configure(poll_interval_ms=50 + 10 * i)
            program.process.send_signal(signal.SIGHUP)
            self.logs(program, "new configuration in force", count=i + 1)
        self.write("config.json", "{")
        program.process.send_signal(signal.SIGHUP)
        self.logs(program, "not reloaded")
        for i in range(20):  # bursts of log lines: alarms, limits, doubts
            bms.pack.set_cell(5, 4210 if i % 2 == 0 else 3900)
            bms.faults.noise = 0.5 if i % 4 == 0 else 0.0
            time.sleep(0.15)
        bms.pack.set_cell(5, 3900)
        program.hook("hold")  # and nobody takes them
        for i in range(20):
            bms.pack.set_cell(5, 4210 if i % 2 == 0 else 3900)
            time.sleep(0.1)
        program.unhook("hold")
        bms.pack.set_cell(5, 3900)
        at = time.monotonic()
        self.sees(can, 0x351, lambda v: v["dcl"] == 54.0, 20, "limits in the end", since=at)
        self.ends_well(program)
