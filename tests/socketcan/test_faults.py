# SPDX-License-Identifier: MIT
"""What happens to CAN interfaces in houses, on a real driver: the gateway comes back by itself, computes
next to nothing meanwhile, is never restarted, and says what to do where it may not do it."""
import pathlib
import socket
import struct
import time

from bus_case import BusCase, Burn
from slcan_adapter import Adapter, ip

CAN_ERR_FLAG = 0x20000000
CAN_ERR_BUSOFF, CAN_ERR_RESTARTED = 0x40, 0x100


class Faults(BusCase):
    def back(self, peer, since, what, timeout=10.0):
        """The first frame after `since`, which is 0x351 of now."""
        frame = self.sees(peer, 0x351, lambda v: v["dcl"] == 54.0, timeout, what, since=since)
        self.measured(what, frame.at - since)
        return frame

    def quiet(self, peer, seconds, what):
        at = time.monotonic()
        time.sleep(seconds)
        self.assertEqual(peer.since(at + 0.1), [], what)

    # Bus-off

    def test_bus_off_is_left_by_a_restart_of_the_interface(self):
        adapter, gateway = self.working_on("can0")
        at = time.monotonic()
        adapter.say("sb256256")
        self.back(adapter, at, "bus-off, to the first 0x351")
        opened = [text for when, text in adapter.commands if when >= at]
        self.assertEqual(opened, ["C", "C", "S6", "O"])
        self.says(gateway, "ERROR can: bus state", "from=error-active to=bus-off", "terminator")
        self.says(gateway, "INFO can: restarting the controller", "down and up")
        self.says(gateway, "INFO can: bus state", "from=bus-off to=error-active")
        status = self.status()["stats"]["can"]
        self.assertEqual((status["bus_off_count"], status["restarts"], status["state"]),
                         (1, 1, "error-active"))
        self.lives(gateway)

    def test_a_bus_that_stays_broken_is_tried_less_and_less_often(self):
        adapter, gateway = self.working_on("can0")
        burn = Burn.of(gateway)

        def stay_broken(seconds):
            at, seen = time.monotonic(), 0
            adapter.say("sb256256")
            while time.monotonic() < at + seconds:
                opened = sum(1 for when, text in adapter.commands if when >= at and text == "O")
                if opened > seen:
                    seen = opened
                    adapter.say("sb256256")
                time.sleep(0.02)
            return seen
        # After 0.2 s, and 0.4, 0.8, 1.6 and 3.2 s from one to the next: at 0.2, 0.6, 1.4, 3.0, 6.2 s.
        self.assertIn(stay_broken(6), (3, 4, 5), "restarts in 6 s")
        self.assertLess(len(gateway.log.splitlines()), 60, "it does not flood the log")
        self.idle(burn, "bus-off again after every restart", still=stay_broken)
        at = time.monotonic()
        self.back(adapter, at, "the short is removed, to the first 0x351")
        self.lives(gateway)

    def test_without_the_right_to_restart_it_says_what_to_type(self):
        adapter = self.adapter("can0")
        gateway = self.gateway_on("can0", rights=False)
        self.sees(adapter, 0x351, lambda v: v["dcl"] == 54.0, 10, "the first 0x351")
        burn, at = Burn.of(gateway), time.monotonic()
        adapter.say("sb256256")
        self.says(gateway, "WARN can: cannot restart the controller", "Operation not permitted",
                  "ip link set can0 down && ip link set can0 up", "CAP_NET_ADMIN")
        self.quiet(adapter, 1.0, "nothing is sent into a bus that is off")
        self.assertEqual(len(self.lines(gateway, "cannot restart")), 1, "once a minute")
        self.can_status("state", "bus-off")
        self.idle(burn, "bus-off without the right to restart")
        adapter.down()
        at = time.monotonic()
        adapter.up()
        self.back(adapter, at, "down and up by hand, to the first 0x351")
        self.lives(gateway)

    def test_an_adapter_that_recovers_by_itself_is_taken_up_again(self):
        """slcan then says error-active and passes no frames: the carrier stays off."""
        adapter, gateway = self.working_on("can0")
        adapter.say("sb256256")
        adapter.say("sa000000")
        at = time.monotonic()
        self.back(adapter, at, "recovered by itself, to the first 0x351")
        self.lives(gateway)

    def test_an_automatic_restart_is_seen_at_once(self):
        """No driver here restarts by itself: the error frames of one that does, on a virtual bus."""
        ip("link", "add", "vcan7", "type", "vcan")
        self.addCleanup(ip, "link", "del", "vcan7")
        ip("link", "set", "vcan7", "up")
        bus = RawBus("vcan7")
        self.addCleanup(bus.close)
        gateway = self.gateway_on("vcan7")
        self.assertIsNotNone(bus.next_frame(10))
        bus.send_error(CAN_ERR_BUSOFF)
        time.sleep(0.1)
        bus.drain()
        self.assertIsNone(bus.next_frame(0.5), "a frame while the controller is off")
        self.can_status("state", "bus-off")
        at = time.monotonic()
        bus.send_error(CAN_ERR_RESTARTED)
        self.assertIsNotNone(bus.next_frame(2))
        self.measured("restarted by the kernel, to the first frame", time.monotonic() - at)
        status = self.status()["stats"]["can"]
        self.assertEqual((status["bus_off_count"], status["restarts"]), (1, 1))
        self.says(gateway, "INFO can: bus state", "from=bus-off to=error-active")
        self.lives(gateway)

    # Errors

    def test_error_states_and_counters_are_shown_and_frames_go_on(self):
        adapter, gateway = self.working_on("can0")
        burn = Burn.of(gateway)
        for line, state, counters in (("sw097012", "error-warning", (12, 97)),
                                      ("sp128130", "error-passive", (130, 128)),
                                      ("sa000005", "error-active", (5, 0))):
            adapter.say(line)
            self.can_status("state", state)
            status = self.status()["stats"]["can"]
            self.assertEqual((status["tx_error_counter"], status["rx_error_counter"]), counters, state)
        self.says(gateway, "INFO can: bus state", "to=error-warning")
        self.says(gateway, "WARN can: bus state", "to=error-passive", "terminator")
        at = time.monotonic()
        adapter.say("sp128130")
        self.back(adapter, at, "error-passive, to the next 0x351")
        self.idle(burn, "error-warning and error-passive")
        self.lives(gateway)

    def test_missing_acknowledgements_are_told_once_and_a_storm_of_them_costs_nothing(self):
        adapter, gateway = self.working_on("can0")
        adapter.say("e3aaa")
        self.says(gateway, "WARN can: nobody acknowledges our frames", "can0", "500000 bit/s")
        adapter.say(*["e3aaa"] * 200)
        time.sleep(1.5)  # it has noticed that there are too many

        def storm(seconds):
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                adapter.say(*["e3aaa"] * 20)
                time.sleep(0.01)
        counter = pathlib.Path("/sys/class/net/can0/statistics/tx_errors")
        burn, at, before = Burn.of(gateway), time.monotonic(), int(counter.read_text("ascii"))
        storm(3)
        rate = (int(counter.read_text("ascii")) - before) / (time.monotonic() - at)
        self.assertGreater(rate, 400)
        self.idle(burn, "%d error frames a second" % rate, still=storm)
        self.assertEqual(len(self.lines(gateway, "nobody acknowledges")), 1, "once a minute")
        self.assertGreater(len(adapter.since(at, 0x351)), 1)
        self.lives(gateway)

    def test_frames_that_a_stalled_adapter_does_not_take_are_dropped(self):
        adapter, gateway = self.working_on("can0")
        burn, at = Burn.of(gateway), time.monotonic()
        adapter.reading = False
        self.says(gateway, "WARN can: the interface takes no frames", "interface=can0", timeout=4)
        time.sleep(3)
        self.idle(burn, "an adapter that reads nothing")
        self.assertGreater(self.status()["stats"]["can"]["dropped"], 20)
        self.battery.pack.set_cell(1, 4300)  # far over register 315: no charging from now on
        time.sleep(0.5)
        resumed = time.monotonic()
        adapter.reading = True
        fresh = self.sees(adapter, 0x351, lambda v: v["ccl"] == 0, 3, "0x351 of now", since=resumed)
        self.measured("the adapter reads again, to 0x351 of now", fresh.at - resumed)
        old = [f for f in adapter.since(resumed) if f.at < fresh.at]
        print("measured: frames that had waited: %d" % len(old))
        self.assertLessEqual(len(old), 9, "old frames that had waited: %s" % old)
        self.says(gateway, "INFO can: the interface takes frames again", "dropped=", timeout=5)
        self.lives(gateway)

    def test_a_long_queue_is_told_with_the_command_when_frames_are_dropped(self):
        adapter = self.adapter("can0")
        ip("link", "set", "can0", "txqueuelen", "1000")
        gateway = self.gateway_on("can0")
        self.sees(adapter, 0x351, lambda v: v["dcl"] == 54.0, 10, "the first 0x351")
        adapter.reading = False
        self.says(gateway, "WARN can: the interface takes no frames", "queue=1000",
                  "ip link set can0 txqueuelen 10", timeout=4)
        resumed = time.monotonic()
        adapter.reading = True
        time.sleep(0.3)
        self.assertLessEqual(len([f for f in adapter.since(resumed) if f.at - resumed < 0.05]), 8)

    # Down, gone, absent

    def test_an_interface_that_is_set_down_and_up_is_used_again_at_once(self):
        adapter, gateway = self.working_on("can0")
        burn = Burn.of(gateway)
        adapter.down()
        self.says(gateway, "ERROR can: cannot open", "Network is down",
                  "ip link set can0 up type can bitrate 500000")
        time.sleep(2)
        self.idle(burn, "an interface that is down")
        self.can_status("state", "stopped")
        at = time.monotonic()
        adapter.up()
        self.back(adapter, at, "set up, to the first 0x351")
        self.lives(gateway)

    def test_an_interface_that_vanishes_and_returns_is_used_again_at_once(self):
        adapter, gateway = self.working_on("can0")
        burn = Burn.of(gateway)
        adapter.close()
        self.says(gateway, "WARN can: lost", "can0")
        time.sleep(2)
        self.idle(burn, "an interface that is gone")
        self.can_status("state", None)
        again = Adapter("can0")
        self.addCleanup(again.close)
        at = time.monotonic()
        again.up()
        self.back(again, at, "back, to the first 0x351")
        self.lives(gateway)

    def test_an_interface_that_is_absent_is_named_and_used_when_it_appears(self):
        gateway = self.gateway_on("can0")
        self.says(gateway, "ERROR can: cannot open device=socketcan:can0", "No such device",
                  "hardware.can.interface", "vcan0")
        burn = Burn.of(gateway)
        time.sleep(1.5)
        self.idle(burn, "an interface that is absent")
        adapter = Adapter("can0")
        self.addCleanup(adapter.close)
        at = time.monotonic()
        adapter.up()
        self.back(adapter, at, "appears, to the first 0x351")
        self.lives(gateway)

    def test_an_interface_that_is_no_can_interface_is_named(self):
        gateway = self.gateway_on("lo")
        self.says(gateway, "ERROR can: cannot open device=socketcan:lo", "hardware.can.interface", "vcan0")
        self.lives(gateway)

class RawBus:
    """A raw socket of the test's own: python-can cannot send error frames."""

    FORMAT = "=IB3x8s"

    def __init__(self, interface):
        self.socket = socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
        self.socket.bind((interface,))

    def close(self):
        self.socket.close()

    def send_error(self, bits):
        self.socket.send(struct.pack(self.FORMAT, CAN_ERR_FLAG | bits, 8, bytes(8)))

    def next_frame(self, timeout):
        self.socket.settimeout(timeout)
        try:
            return self.socket.recv(16)
        except (socket.timeout, BlockingIOError):
            return None

    def drain(self):
        while self.next_frame(0) is not None:
            pass
