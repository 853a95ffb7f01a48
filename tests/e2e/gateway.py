# SPDX-License-Identifier: MIT
"""The program under test as a process of its own, with its own runtime, state and configuration
folders, so that any number of them run side by side."""
import os
import pathlib
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("TINYBMS_GW") or str(ROOT / "build" / "release" / "tinybms-gw")


def environment(folder):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "TINYBMS_"))}
    for name in ("RUNTIME_DIR", "CONFIG_HOME", "STATE_HOME", "DATA_HOME", "CACHE_HOME"):
        path = os.path.join(folder, name.lower())
        os.makedirs(path, mode=0o700, exist_ok=True)
        env["XDG_" + name] = path
    env["HOME"] = folder
    env["LC_ALL"] = "C.UTF-8"
    return env


class Result:
    def __init__(self, process, out, err, seconds):
        self.code, self.out, self.err, self.seconds = process.returncode, out, err, seconds

    def __repr__(self):
        return "exit %s\n--- stdout\n%s\n--- stderr\n%s" % (self.code, self.out[-3000:], self.err[-3000:])


def command(folder, *arguments, timeout=20, stdin=b""):
    """Runs one command to its end. One that does not end in time is killed and fails the test."""
    began = time.monotonic()
    process = subprocess.Popen([BINARY, *arguments], env=environment(folder), cwd=folder,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, err = process.communicate(stdin, timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError("%s did not end in %s s\n%s" % (
            " ".join(arguments), timeout,
            Result(process, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"), timeout)))
    return Result(process, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"),
                  time.monotonic() - began)


class Program:
    """One long-running process. `log` is what it wrote to stderr so far, `out` to stdout."""

    def __init__(self, folder, *arguments, name="program"):
        self.folder = folder
        self.log_path = os.path.join(folder, name + ".stderr")
        self.out_path = os.path.join(folder, name + ".stdout")
        with open(self.log_path, "ab") as err, open(self.out_path, "ab") as out:
            self.started = time.monotonic()
            self.process = subprocess.Popen([BINARY, *arguments], env=environment(folder), cwd=folder,
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=err)

    @staticmethod
    def _read(path):
        with open(path, "rb") as file:
            return file.read().decode("utf-8", "replace")

    @property
    def log(self):
        return self._read(self.log_path)

    @property
    def out(self):
        return self._read(self.out_path)

    def alive(self):
        return self.process.poll() is None

    def processor_seconds(self):
        """What it has used so far, of all its threads."""
        with open("/proc/%d/stat" % self.process.pid, encoding="ascii") as file:
            user, system = file.read().rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def wait_for_log(self, text, timeout=5.0):
        """True once every one of the words stands in one line of the log."""
        words = [text] if isinstance(text, str) else text
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if any(all(w in line for w in words) for line in self.log.splitlines()):
                return True
            time.sleep(0.05)
        return False

    def stop(self, how=signal.SIGTERM, timeout=5.0):
        """Sends the signal; returns (exit code, seconds until the end). None as the exit code: it
        had to be killed."""
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


def run_arguments(uart, interface, *settings):
    arguments = ["run", "--set", "hardware.uart.device=" + uart, "--set",
                 "hardware.can.interface=" + interface]
    for assignment in settings:
        arguments += ["--set", assignment]
    return arguments
