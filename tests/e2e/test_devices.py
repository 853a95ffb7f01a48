# SPDX-License-Identifier: MIT
"""Devices that are not there, or not ours: the gateway says which one and what to do, lives on, and stops
when told to."""
import os
import re
import socket
import struct
import threading
import time

import serial

from case import Case

NEXT_STEP = re.compile(r"\b(check|plug|connect|stop|close|set|use|run|load|install|add|give|ip link|"
                       r"modprobe|dialout|group|is it|retry|trying again|try)\b", re.IGNORECASE)


class SerialServer(threading.Thread):
    """A serial server such as ser2net, between a TCP port and a pseudo-terminal, that can be away."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.line = serial.Serial(path, 115200, timeout=0)
        self.listener, self.client, self.ended = None, None, False
        self.port = 0
        self.come()
        self.start()

    def come(self):
        listener = socket.create_server(("127.0.0.1", self.port))
        listener.settimeout(0.01)
        self.port = listener.getsockname()[1]
        self.listener = listener

    def go(self):
        """The listener and the connection are gone, from one moment to the next."""
        listener, client = self.listener, self.client
        self.listener = self.client = None
        listener.close()
        if client is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()

    def run(self):
        while not self.ended:
            try:
                self.turn()
            except OSError:  # gone meanwhile, or nothing to read
                self.client = None if self.listener is None else self.client
                time.sleep(0.002)

    def turn(self):
        if self.listener is None:
            time.sleep(0.01)
        elif self.client is None:
            client, _ = self.listener.accept()
            client.setblocking(False)
            self.client = client
        else:
            data = self.line.read(4096)
            if data:
                self.client.sendall(data)
            self.line.write(self.client.recv(4096))

    def close(self):
        self.ended = True
        self.join()
        if self.listener is not None:
            self.go()
        self.line.close()


class Devices(Case):
    def does_not_spin(self, gateway, used, seconds):
        """A tenth of a processor at most: a loop that waits for nothing takes all of one."""
        share = (gateway.processor_seconds() - used) / seconds
        self.measured("share of a processor while the device is missing", share)
        self.assertLess(share, 0.1)

    def complains_and_lives(self, device, interface, name):
        gateway = self.gateway(bms=device, can=interface)

        def warnings():
            return [line for line in gateway.log.splitlines()
                    if name in line and re.search(r" (WARN|ERROR) ", line)]
        self.eventually(warnings, 5, "a warning that names %s" % name)
        lines = warnings()
        self.assertRegex("\n".join(lines), NEXT_STEP)
        print("said: %s" % lines[0])
        used = gateway.processor_seconds()
        time.sleep(4)
        self.assertTrue(gateway.alive())
        self.does_not_spin(gateway, used, 4)
        self.assertLess(len(gateway.log.splitlines()), 60, "it does not flood the log")
        code, seconds = gateway.stop()
        self.assertEqual(code, 0)
        self.assertLess(seconds, 2.0)

    def test_a_tty_that_is_not_there_is_named_with_a_next_step(self):
        self.complains_and_lives(self.path("no-such-tty"), "none", "no-such-tty")

    def test_a_tty_that_appears_later_is_used(self):
        can = self.can()
        self.gateway()
        time.sleep(2)
        at = time.monotonic()
        self.bms()
        frame = self.sees(can, 0x351, lambda v: v["dcl"] == 54.0, 8, "0x351", since=at)
        self.measured("tty appears, to the first 0x351", frame.at - at)

    def test_a_tty_in_use_by_another_program_is_named_with_a_next_step(self):
        self.bms()
        other = serial.Serial(self.path("bms"), 115200, exclusive=True)
        self.addCleanup(other.close)
        self.complains_and_lives(self.path("bms"), "none", self.path("bms"))

    def test_a_tty_used_by_another_gateway_is_left_alone(self):
        bms, can, first = self.working()
        other = self.path("other")
        os.mkdir(other)
        second = self.program("run", "--set", "hardware.uart.device=" + self.path("bms"), "--set",
                              "hardware.can.interface=none", "--set",
                              "advanced.control_socket=" + self.path("other.sock"), name="second")
        self.assertTrue(second.wait_for_log(self.path("bms"), 5), second.log)
        at = time.monotonic()
        time.sleep(4)
        self.assertTrue(all(f.value["dcl"] == 54.0 for f in can.since(at, 0x351)))
        self.assertEqual(bms.bad_requests, 0, "two programs talked at once")

    def test_a_file_that_is_no_tty_is_named(self):
        self.complains_and_lives(self.write("plain-file", b"x"), "none", "plain-file")

    def test_a_can_interface_that_is_not_there_is_named_with_a_next_step(self):
        self.bms()
        self.complains_and_lives(self.path("bms"), "socketcan:nope0", "nope0")

    def test_an_slcan_adapter_that_is_not_there_is_named_with_a_next_step(self):
        self.bms()
        self.complains_and_lives(self.path("bms"), "slcan:" + self.path("no-adapter"), "no-adapter")

    def test_a_tcp_port_where_nobody_listens_is_named(self):
        self.complains_and_lives("tcp://127.0.0.1:9", "none", "127.0.0.1:9")

    def test_a_serial_server_that_goes_away_is_connected_to_again(self):
        bms, can = self.bms(), self.can()
        server = SerialServer(self.path("bms"))
        self.addCleanup(server.close)
        gateway = self.gateway(bms="tcp://127.0.0.1:%d" % server.port)
        self.sees(can, 0x351, lambda v: v["dcl"] == 54.0, 20, "0x351 of a BMS behind TCP")
        for round_trip in range(2):
            server.go()
            used = gateway.processor_seconds()
            time.sleep(3)
            self.does_not_spin(gateway, used, 3)
            bms.pack.set_soc(60.0 - round_trip)
            server.come()
            at = time.monotonic()
            frame = self.sees(can, 0x355, lambda v, soc=60.0 - round_trip: v["soc_fine"] == soc, 8,
                              "SOC once the server is back", since=at)
            self.measured("serial server back, to the SOC on CAN", frame.at - at)
        self.assertEqual([f for f in can.since(0, 0x351) if f.value["dcl"] < 54.0], [], "3 s change nothing")
        self.assertTrue(gateway.alive())

    def test_both_devices_missing_cost_nothing(self):
        bms, can, gateway = self.working()
        bms.unplug()
        can.unplug()
        time.sleep(1)
        used = gateway.processor_seconds()
        time.sleep(5)
        self.does_not_spin(gateway, used, 5)
        bms.plug()
        can.plug()
        at = time.monotonic()
        frame = self.sees(can, 0x351, lambda v: True, 8, "0x351 once both are back", since=at)
        self.measured("both plugged in again, to the next 0x351", frame.at - at)
