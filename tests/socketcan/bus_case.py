# SPDX-License-Identifier: MIT
"""What the cases on real CAN interfaces share. They run inside the guest of guest.py."""
import json
import os
import pathlib
import shlex
import sys
import time
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import gateway  # noqa: E402
from case import Case  # noqa: E402
from slcan_adapter import Adapter  # noqa: E402

# Every identifier that a battery may send, by the protocol's document; 0x305 and 0x307 are the GX's.
BATTERY_IDS = {0x351, 0x355, 0x356, 0x35A, 0x35E, 0x35F, 0x370, 0x371, 0x372, 0x373, 0x374, 0x375, 0x376,
               0x377, 0x378, 0x379, 0x380, 0x381, 0x382}
CPU_LIMIT = 0.05


def cpu_seconds(pid):
    """User and system time of a process so far, of all its threads: the clock that
    clock_getcpuclockid(3) returns. The guest's kernel counts in ticks of 10 ms."""
    return time.clock_gettime((~pid << 3) | 2)


class Burn:
    """How much of the time the gateway computed."""

    def __init__(self, pid):
        self.pid, self.cpu, self.at = pid, cpu_seconds(pid), time.monotonic()

    @classmethod
    def of(cls, program):
        return cls(program.process.pid)

    def share(self):
        return (cpu_seconds(self.pid) - self.cpu) / (time.monotonic() - self.at)


class BusCase(Case):
    def adapter(self, name, *up, bitrate=500000):
        adapter = Adapter(name)
        self.addCleanup(adapter.close)
        adapter.up(bitrate, *up)
        return adapter

    def gateway_on(self, interface, *settings, rights=True):
        """rights: it has CAP_NET_ADMIN."""
        self.battery = self.bms()
        if rights:
            return self.gateway(*settings, can="socketcan:" + interface)
        # Root without it: what is not in the bounding set is lost with the next exec.
        wrapper = self.write("without-rights", "#!/bin/sh\nexec setpriv --bounding-set -net_admin -- %s \"$@\"\n"
                             % shlex.quote(gateway.BINARY))
        os.chmod(wrapper, 0o755)
        with mock.patch.object(gateway, "BINARY", wrapper):
            return self.gateway(*settings, can="socketcan:" + interface)

    def working_on(self, interface, *settings):
        """A gateway that sends to an adapter of this name."""
        adapter = self.adapter(interface)
        gateway = self.gateway_on(interface, *settings)
        self.sees(adapter, 0x351, lambda v: v["dcl"] == 54.0, 10, "the first 0x351")
        return adapter, gateway

    def status(self):
        result = self.command("status", "-j")
        self.assertEqual(result.code, 0, result)
        return json.loads(result.out)

    def can_status(self, key, value, timeout=3.0):
        """stats.can.<key> becomes this value."""
        seen = []

        def is_it():
            seen[:] = [self.status()["stats"]["can"][key]]
            return seen[0] == value
        deadline = time.monotonic() + timeout
        while not is_it():
            self.assertLess(time.monotonic(), deadline, "%s is %s, not %s" % (key, seen, value))
            time.sleep(0.1)

    def says(self, gateway, *words, timeout=3.0):
        self.assertTrue(gateway.wait_for_log(words, timeout), "no line with %s in\n%s" % (words, gateway.log))

    def lines(self, gateway, *words):
        return [line for line in gateway.log.splitlines() if all(w in line for w in words)]

    def idle(self, burn, what, still=time.sleep):
        """It computed next to nothing since `burn`. The guest's clock runs on while the machine lets it
        wait, so on a busy machine the count may be too high: then it is taken again, while `still`
        lets the burden last for as many seconds as it is given."""
        share = burn.share()
        for _ in range(2):
            if share < CPU_LIMIT:
                break
            burn = Burn(burn.pid)
            still(4)
            share = burn.share()
        print("measured: %-72s %7.1f %% of a processor" % (what, 100 * share), flush=True)
        self.assertLess(share, CPU_LIMIT, what)

    def lives(self, gateway):
        self.assertTrue(gateway.alive())
        self.assertEqual(len(self.lines(gateway, "gateway: starting")), 1, "it was started once")
