#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a command where there is a kernel with CAN: in User Mode Linux, with this machine's files.

    guest.py [--limit SECONDS] COMMAND [ARGUMENT...]

The guest is a Linux 6.1 in a process of ours, with can, can-raw, vcan, vxcan and slcan; its root file
system is this machine's, so the build tree, Python and the tools are there. Its /run, /tmp's stand-in
TMPDIR, processes and interfaces are its own. Output of the command comes through; the exit status is
the command's, 77 when user-mode-linux is not installed, 1 when the guest failed, with its console.

Nothing is left behind: one temporary folder that is removed, one process with children, ended by their
ids. Valgrind and gcov work inside; AddressSanitizer and ThreadSanitizer do not (address space)."""
import ctypes
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
KERNEL = "linux.uml"
MEMORY_MB = 256
BOOT_S = 30  # what booting and powering off may take; they take 2
CONSOLE_LINES = 80


def say(text):
    print("guest: " + text, file=sys.stderr, flush=True)


def memory_folder(folder):
    """Where the guest's memory is a file: shared memory if it is large enough and may be executed."""
    try:
        shm = os.statvfs("/dev/shm")
    except OSError:
        return folder
    room = shm.f_bavail * shm.f_frsize >= (MEMORY_MB + 64) << 20
    return "/dev/shm" if room and not shm.f_flag & os.ST_NOEXEC and os.access("/dev/shm", os.W_OK) else folder


def write_command(folder, command):
    lines = ["cd %s || exit 1" % shlex.quote(os.getcwd())]
    for name, value in sorted(os.environ.items()):
        if name.startswith(("TINYBMS_", "PYTHON", "LC_", "LANG")):
            lines.append("export %s=%s" % (name, shlex.quote(value)))
    lines.append("exec " + shlex.join(command))
    pathlib.Path(folder, "command").write_text("\n".join(lines) + "\n", "utf-8")


def boot_line(folder, limit, output, console):
    # Words behind a name that the kernel does not know become the environment of init.
    return [KERNEL, "mem=%dM" % MEMORY_MB, "rootfstype=hostfs", "rootflags=/", "rw",
            "init=%s/init" % folder, "uml_dir=%s" % folder, "GUEST_DIR=%s" % folder,
            "GUEST_LIMIT=%d" % limit, "console=tty1", "con=null", "con0=null,fd:%d" % output,
            "con1=null,fd:%d" % console, "oops=panic", "quiet"]


def end_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)  # PR_SET_PDEATHSIG


def children_of(pid):
    """Every process below this one."""
    parent = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open("/proc/%s/stat" % entry, encoding="ascii", errors="replace") as file:
                    parent[int(entry)] = int(file.read().rpartition(")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue
    found, frontier = [], [pid]
    while frontier:
        frontier = [p for p, of in parent.items() if of in frontier]
        found += frontier
    return found


def end(process):
    """SIGTERM makes the guest end its processes. Where that fails they go first: one that is let go by
    a dead guest would run on as a process of this machine."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(3)
        return
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGSTOP)
    for pid in children_of(process.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.kill()
    process.wait()


def run(folder, limit, command):
    write_command(folder, command)
    shutil.copyfile(HERE / "init.sh", os.path.join(folder, "init"))
    os.chmod(os.path.join(folder, "init"), 0o755)
    environment = dict(os.environ, TMPDIR=memory_folder(folder))
    console_path = pathlib.Path(folder, "console")
    output = os.dup(1)
    began = time.monotonic()
    with open(console_path, "wb") as console:
        process = subprocess.Popen(
            boot_line(folder, limit, output, console.fileno()), env=environment, stdin=subprocess.DEVNULL,
            stdout=console, stderr=console, pass_fds=(output, console.fileno()), preexec_fn=end_with_parent)
        try:
            process.wait(limit + BOOT_S)
        except subprocess.TimeoutExpired:
            say("not finished in %d s" % (limit + BOOT_S))
        finally:
            end(process)
            os.close(output)
    seconds = time.monotonic() - began
    status = read(folder, "status")
    if status == "0":
        say("booted in %s s, done in %.1f s" % (read(folder, "booted"), seconds))
        return 0
    print("--- console of the guest", *console_path.read_text("utf-8", "replace").splitlines()[-CONSOLE_LINES:],
          sep="\n", file=sys.stderr)
    if status == "124":
        say("the command was not finished in %d s" % limit)
    elif status is None:
        say("it ended without the command's exit status after %.1f s (kernel exit status %s)" %
            (seconds, process.returncode))
    else:
        say("the command's exit status is %s, after %.1f s" % (status, seconds))
    return int(status) if status else 1


def read(folder, name):
    try:
        return pathlib.Path(folder, name).read_text("ascii").strip() or None
    except OSError:
        return None


def main(arguments):
    limit = 120
    if arguments[:1] == ["--limit"] and len(arguments) > 1:
        limit = int(arguments[1])
        arguments = arguments[2:]
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    if shutil.which(KERNEL) is None:
        say("%s is not installed (Debian: user-mode-linux)" % KERNEL)
        return 77
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="gw-guest-") as folder:
        return run(folder, limit, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
