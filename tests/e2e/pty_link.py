# SPDX-License-Identifier: MIT
"""A serial device that can be plugged and unplugged: a pty behind a symbolic link.

The test owns the master's end; the program under test opens the link. Unplugging closes the master,
which the program sees as a hang-up, and removes the link; plugging makes a new pty behind the same
name, as udev does with a /dev/serial/by-id link."""
import errno
import os
import pty
import select
import threading
import time
import tty


class PtyLink:
    def __init__(self, path):
        self.path = path
        self.master = None
        self.plug()

    def plug(self):
        assert self.master is None
        master, slave = pty.openpty()
        tty.setraw(slave)
        # Nobody but the program under test holds the slave: it must look free.
        name = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(master, False)
        if os.path.islink(self.path):
            os.unlink(self.path)
        os.symlink(name, self.path)
        self.master = master

    def unplug(self):
        if self.master is None:
            return
        master, self.master = self.master, None
        if os.path.islink(self.path):
            os.unlink(self.path)
        os.close(master)

    def read(self, timeout):
        """The bytes that the program wrote, b"" when there are none in time or nobody has the
        device open."""
        master = self.master
        if master is None:
            time.sleep(min(timeout, 0.02))
            return b""
        try:
            ready, _, _ = select.select([master], [], [], timeout)
            if not ready:
                return b""
            data = os.read(master, 4096)
        except (OSError, ValueError) as error:
            if getattr(error, "errno", errno.EIO) not in (errno.EIO, errno.EBADF, errno.EAGAIN):
                raise
            data = b""
        if not data:
            time.sleep(0.01)  # no one has the slave open
        return data

    def write(self, data):
        """Writes what the device takes; a device that nobody reads loses the rest."""
        master = self.master
        if master is None:
            return
        deadline = time.monotonic() + 0.5
        while data and time.monotonic() < deadline:
            try:
                data = data[os.write(master, data):]
            except BlockingIOError:
                time.sleep(0.001)
            except OSError:
                return


class Bridge(threading.Thread):
    """Joins two devices: what is written into one comes out of the other. `open` false: nothing is
    read from `first` (an adapter that hangs), so its writer sees a device that takes no more."""

    def __init__(self, first, second):
        super().__init__(daemon=True)
        self.first, self.second = first, second
        self.reading = True
        self.ended = False
        self.bytes_from_first = 0
        self.tap = None  # called with every run of bytes from first
        self.start()

    def run(self):
        while not self.ended:
            moved = False
            if self.reading:
                data = self.first.read(0.002)
                if data:
                    moved = True
                    self.bytes_from_first += len(data)
                    if self.tap:
                        self.tap(data)
                    self.second.write(data)
            data = self.second.read(0.002)
            if data:
                moved = True
                if self.reading:
                    self.first.write(data)
            if not moved:
                time.sleep(0.002)

    def close(self):
        self.ended = True
        self.join()
