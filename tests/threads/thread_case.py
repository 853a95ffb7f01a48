# SPDX-License-Identifier: MIT
"""What the tests of the threads share: the guarded program with its hooks, a service manager that
listens, and the peers of the end-to-end tests."""
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time

E2E = pathlib.Path(__file__).resolve().parents[1] / "e2e"
sys.path.insert(0, str(E2E))

from case import LONG, Case  # noqa: E402
from gateway import BINARY, environment, run_arguments  # noqa: E402

GUARDED = os.environ.get("TINYBMS_GW_GUARDED", "")


class Manager(threading.Thread):
    """A service manager's socket: every message with the time of its arrival."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.socket.settimeout(0.05)
        self.address = address
        self.messages = []
        self.ended = False
        self.start()

    def run(self):
        while not self.ended:
            try:
                message = self.socket.recv(4096).decode("utf-8")
            except TimeoutError:
                continue
            now = time.clock_gettime(time.CLOCK_MONOTONIC)
            self.messages += [(now, line) for line in message.splitlines()]

    def close(self):
        self.ended = True
        self.join()
        self.socket.close()

    def times(self, line, since=0.0):
        return [at for at, text in list(self.messages) if text == line and at >= since]

    def starting(self, prefix, since=0.0):
        return [text for at, text in list(self.messages) if text.startswith(prefix) and at >= since]


class Guarded:
    """tinybms-gw-guard, or another binary, as a process with a folder of its own; `log` is what it
    wrote to stderr so far. extra: environment."""

    def __init__(self, folder, arguments, extra, stderr=None, binary=GUARDED):
        self.hooks = os.path.join(folder, "hooks")
        os.makedirs(self.hooks, exist_ok=True)  # and the folder itself
        self.log_path = os.path.join(folder, "stderr")
        self.env = {**environment(folder), "TINYBMS_GW_TEST_DIR": self.hooks, **extra}
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([binary, *arguments], env=self.env, cwd=folder,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=stderr or log)

    @property
    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def alive(self):
        return self.process.poll() is None

    def hook(self, name, text=""):
        """The program looks at these files while they are written: they appear whole."""
        path = os.path.join(self.hooks, name)
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write(text)
        os.rename(path + ".new", path)

    def unhook(self, name):
        os.unlink(os.path.join(self.hooks, name))

    def count(self, *words):
        return sum(all(w in line for w in words) for line in self.log.splitlines())

    def stop(self, how=signal.SIGTERM, timeout=5.0):
        """(exit code, seconds); None: it had to be killed."""
        began = time.monotonic()
        if self.alive():
            self.process.send_signal(how)
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None, time.monotonic() - began
        return self.process.returncode, time.monotonic() - began

    def kill(self):
        if self.alive():
            self.process.kill()
        self.process.wait()


class ThreadCase(Case):
    def setUp(self):
        super().setUp()
        if not os.access(GUARDED, os.X_OK):
            self.fail("TINYBMS_GW_GUARDED does not name a program")

    def guarded(self, *settings, bms="bms", can="can", binary=GUARDED, stderr=None, config=None,
                name="program", **extra):
        device = bms if bms in ("sim", "none") else self.path(bms)
        interface = can if can in ("sim", "none") else "slcan:" + self.path(can)
        arguments = run_arguments(device, interface, *settings)
        if config is not None:
            arguments += ["-c", config]
        program = Guarded(self.path(name), arguments, extra, stderr, binary)
        self.addCleanup(self._end_guarded, program)
        return program

    def _end_guarded(self, program):
        program.kill()
        if self._failed() or "ThreadSanitizer" in program.log:
            print("--- log of %s" % self.id())
            print("\n".join(program.log.splitlines()[-80:]))

    def manager(self, address=None):
        manager = Manager(address or self.path("notify"))
        self.addCleanup(manager.close)
        return manager

    def logs(self, program, *words, count=1, timeout=10.0):
        self.eventually(lambda: program.count(*words) >= count, timeout, "%s in the log" % (words,))

    def ends_well(self, program):
        """In time, with exit status 0: neither the guard nor a sanitizer had anything to say."""
        code, seconds = program.stop()
        self.assertNotIn("ThreadSanitizer", program.log)
        self.assertNotIn("guard: the gateway thread called", program.log)
        self.assertEqual(code, 0)
        self.assertLess(seconds, 2.0 if not self.sanitized(program) else 10.0)

    @staticmethod
    def sanitized(program):
        return "not filtered in this build" in program.log
