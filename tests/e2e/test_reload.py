# SPDX-License-Identifier: MIT
"""SIGHUP: the configuration file is taken over whole, or not at all."""
import json
import signal
import time

from case import Case


class Reload(Case):
    def start(self):
        self.config = {"hardware": {"uart": {"device": self.path("bms")},
                                    "can": {"interface": "slcan:" + self.path("can")}},
                       "victron": {"battery_name": "Garage"}}
        self.bms()
        can = self.can()
        self.write("config.json", json.dumps(self.config))
        gateway = self.program("run", "-c", self.path("config.json"), name="gateway")
        self.sees(can, 0x35E, lambda v: v["text"] == "Garage", 10, "the battery's name")
        return can, gateway

    def test_a_changed_file_is_taken_over_without_a_gap(self):
        can, gateway = self.start()
        self.config["victron"]["battery_name"] = "Attic"
        self.write("config.json", json.dumps(self.config))
        at = time.monotonic()
        gateway.process.send_signal(signal.SIGHUP)
        self.sees(can, 0x35E, lambda v: v["text"] == "Attic", 5, "the new name", since=at)
        time.sleep(2)
        times = [f.at for f in can.since(at - 2, 0x351)]
        self.assertLess(max(b - a for a, b in zip(times, times[1:])), 1.5, "0x351 every second")
        self.assertTrue(gateway.alive())

    def test_a_broken_file_is_refused_and_the_running_configuration_stays(self):
        can, gateway = self.start()
        for broken, word in (('{"victron": {"battery_name": "Attic"', "config.json"),
                             ('{"victron": {"battery_name": "Attic"}, "tinybms": {"poll_interval_ms": 5}}',
                              "tinybms.poll_interval_ms")):
            self.write("config.json", broken)
            gateway.process.send_signal(signal.SIGHUP)
            self.assertTrue(gateway.wait_for_log(word, 5), gateway.log)
        at = time.monotonic()
        time.sleep(2.5)
        self.assertEqual({f.value["text"] for f in can.since(at, 0x35E)}, {"Garage"})
        self.assertTrue(gateway.alive())
