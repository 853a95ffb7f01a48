# SPDX-License-Identifier: MIT
"""What the test cases share: a folder of their own, peers and processes that are always cleaned up,
and the words they use for what they see."""
import os
import shutil
import tempfile
import time
import unittest

from bms_peer import BmsPeer
from can_peer import CanPeer
from gateway import Program, command, run_arguments

LONG = os.environ.get("TINYBMS_GW_LONG") == "1"
DATA = os.environ.get("TINYBMS_GW_DATA", "")


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="gw-e2e-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.programs = []

    def path(self, name):
        return os.path.join(self.folder, name)

    def bms(self, name="bms", **options):
        peer = BmsPeer(self.path(name), **options)
        self.addCleanup(peer.close)
        return peer

    def can(self, name="can", **options):
        peer = CanPeer(self.path(name), **options)
        self.addCleanup(peer.close)
        return peer

    def program(self, *arguments, name="program"):
        program = Program(self.folder, *arguments, name=name)
        self.programs.append(program)
        self.addCleanup(self._end, program)
        return program

    def _end(self, program):
        program.kill()
        if self._failed():
            print("--- log of a gateway of %s" % self.id())
            print("\n".join(program.log.splitlines()[-40:]))

    def _failed(self):
        outcome = getattr(self, "_outcome", None)
        return outcome is not None and not outcome.success

    def gateway(self, *settings, bms="bms", can="can"):
        """`run` between the two peers of these names."""
        interface = can if ":" in can or can in ("none", "sim") else "slcan:" + self.path(can)
        device = bms if "/" in bms or bms == "sim" else self.path(bms)
        return self.program(*run_arguments(device, interface, *settings), name="gateway")

    def command(self, *arguments, **options):
        return command(self.folder, *arguments, **options)

    def write(self, name, data):
        path = self.path(name)
        with open(path, "wb") as file:
            file.write(data if isinstance(data, bytes) else data.encode("utf-8"))
        return path

    def measured(self, what, seconds):
        """A number for people; the tests assert no more than what is promised."""
        print("measured: %-72s %7.3f s" % (what, seconds), flush=True)

    def eventually(self, predicate, timeout, what):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if predicate():
                return
            time.sleep(0.05)
        self.fail("%s: not within %s s" % (what, timeout))

    def sees(self, can, identifier, predicate, timeout, what, since=0.0):
        frame = can.wait(identifier, predicate, timeout, since)
        if frame is None:
            self.fail("%s: not seen within %s s; last 0x%03X: %s" %
                      (what, timeout, identifier, can.latest(identifier)))
        return frame

    def working(self, *settings, pack=None, ccl=None, dcl=54.0, **options):
        """A BMS, a GX and a gateway between them that speaks. CCL opens by a tenth a second: only who
        asks for a value waits for it."""
        bms = self.bms(pack=pack, **options)
        can = self.can()
        gateway = self.gateway(*settings)
        self.sees(can, 0x351, lambda v: v["dcl"] == dcl and (v["ccl"] > 0 if ccl is None else v["ccl"] == ccl),
                  20, "limits of %s A and %s A" % (ccl or "some", dcl))
        return bms, can, gateway
