# SPDX-License-Identifier: MIT
"""`status` and `registers`, through the running gateway and without one."""
import json
import os
import socket
import stat
import threading
import time

from case import Case


class Control(Case):
    def socket_path(self):
        return self.path("runtime_dir/tinybms-gw.sock")

    def test_status_j_tells_what_the_gateway_knows(self):
        self.working(ccl=18.0)
        time.sleep(1)  # what status knows may be a little older than the frames
        result = self.command("status", "-j")
        self.assertEqual(result.code, 0, result)
        status = json.loads(result.out)
        for key, value in (("voltage", 54.63), ("current", 5.0), ("soc_percent", 64.2),
                           ("soh_percent", 98), ("temperature", 21.0), ("min_cell_mv", 3900),
                           ("max_cell_mv", 3904), ("cell_imbalance_mv", 4)):
            self.assertAlmostEqual(status[key], value, places=2, msg=key)
        self.assertEqual(status["cells_mv"], [3900 + i % 3 * 2 for i in range(14)])
        self.assertIn("uptime_ms", status)
        self.assertIn("online_status", status)
        limits = status["limits"]
        self.assertEqual((limits["cvl_v"], limits["ccl_a"], limits["dcl_a"]), (58.1, 18, 54))
        for which in ("cvl", "ccl", "dcl"):
            self.assertTrue(limits["reason"][which])
        self.assertIs(status["gx"]["present"], True)
        self.assertLess(status["gx"]["last_keepalive_ms"], 3000)
        for key in ("polls", "success", "errors", "timeouts", "crc_errors", "latency_avg_ms"):
            self.assertIn(key, status["stats"]["uart"])
        for key in ("tx_count", "tx_errors", "keepalive_ok"):
            self.assertIn(key, status["stats"]["can"])
        self.assertGreater(status["stats"]["uart"]["success"], 10)
        self.assertGreater(status["stats"]["can"]["tx_count"], 10)

    def test_status_is_a_table_for_people(self):
        self.working(ccl=18.0)
        time.sleep(1)
        result = self.command("status")
        self.assertEqual(result.code, 0, result)
        for word in ("54.6", "64.2", "58.1", "18.0", "54.0"):
            self.assertIn(word, result.out)
        self.assertNotIn("\x1b", result.out)

    def test_status_before_the_first_sample_tells_no_zeros(self):
        self.bms().faults.mute = True
        self.can()
        gateway = self.gateway()
        self.eventually(lambda: os.path.exists(self.socket_path()), 5, "the control socket")
        result = self.command("status", "-j")
        self.assertEqual(result.code, 0, result)
        status = json.loads(result.out)
        for key in ("voltage", "soc_percent", "current", "temperature", "min_cell_mv"):
            self.assertIsNone(status.get(key), "%s is not known yet" % key)
        self.assertTrue(gateway.alive())

    def test_status_without_a_gateway_fails_with_a_message(self):
        for arguments in (("status",), ("status", "-j")):
            result = self.command(*arguments)
            self.assertEqual(result.code, 1, result)
            self.assertTrue(result.err.strip())

    def check_registers(self, bms, *options):
        listed = self.command("registers", *options, "list")
        self.assertEqual(listed.code, 0, listed)
        for word in ("over_voltage_cutoff", "315", "serial_number", "504"):
            self.assertIn(word, listed.out)
        read = self.command("registers", *options, "read", "315")
        self.assertEqual(read.code, 0, read)
        self.assertIn("4200", read.out)
        several = self.command("registers", *options, "read", "300", "2")
        self.assertEqual(several.code, 0, several)
        self.assertIn("4150", several.out)
        self.assertIn("3000", several.out)
        written = self.command("registers", *options, "write", "315", "4180")
        self.assertEqual(written.code, 0, written)
        self.assertIn((315, 4180), bms.writes)
        self.assertEqual(bms.pack.word[315], 4180)
        self.assertIn("4180", self.command("registers", *options, "read", "315").out)

    def check_refusals(self, bms, *options):
        before = list(bms.writes)
        for arguments, words in ((("write", "315", "5000"), ("4500",)),
                                 (("write", "315", "-1"), ()),
                                 (("write", "36", "0"), ()),
                                 (("write", "504", "0"), ()),
                                 (("write", "299", "0"), ()),
                                 (("write", "302", "0"), ()),
                                 (("write", "315", "99999999999"), ())):
            result = self.command("registers", *options, *arguments)
            self.assertIn(result.code, (1, 2), "%s: %s" % (arguments, result))
            self.assertTrue(result.err.strip(), arguments)
            for word in words:
                self.assertIn(word, result.err, arguments)
        self.assertEqual(bms.writes, before, "nothing refused reached the BMS")

    def test_registers_are_read_and_written_through_the_running_gateway(self):
        bms, can, _ = self.working()
        at = time.monotonic()
        self.check_registers(bms)
        self.check_refusals(bms)
        self.assertEqual([f for f in can.since(at, 0x351) if f.value["dcl"] != 54.0], [],
                         "the battery path goes on")

    def test_registers_are_read_and_written_without_a_gateway(self):
        bms = self.bms()
        config = self.write("config.json", json.dumps({"hardware": {"uart": {"device": self.path("bms")}}}))
        self.check_registers(bms, "-c", config)
        self.check_refusals(bms, "-c", config)

    def test_registers_of_a_mute_bms_fail_with_a_message(self):
        self.bms().faults.mute = True
        config = self.write("config.json", json.dumps({"hardware": {"uart": {"device": self.path("bms")}}}))
        result = self.command("registers", "-c", config, "read", "315", timeout=15)
        self.assertEqual(result.code, 1, result)
        self.assertTrue(result.err.strip())

    def test_registers_wake_a_sleeping_bms(self):
        self.bms().faults.sleep_after_s = 10
        config = self.write("config.json", json.dumps({"hardware": {"uart": {"device": self.path("bms")}}}))
        result = self.command("registers", "-c", config, "read", "315", timeout=15)
        self.assertEqual(result.code, 0, result)

    def test_a_byte_register_keeps_its_reserved_high_byte(self):
        bms, _, _ = self.working()
        bms.pack.word[334] = 0x5A01
        result = self.command("registers", "write", "334", "3")
        self.assertEqual(result.code, 0, result)
        self.assertEqual(bms.pack.word[334], 0x5A03)

    def test_a_write_that_the_bms_refuses_fails(self):
        bms, _, _ = self.working()
        bms.faults.refuse = lambda command, first, count: command == 0x10
        result = self.command("registers", "write", "315", "4180")
        self.assertEqual(result.code, 1, result)
        self.assertTrue(result.err.strip())
        self.assertEqual(bms.pack.word[315], 4200)

    def test_a_write_that_the_bms_does_not_keep_fails(self):
        bms, _, _ = self.working()
        keep = dict(bms.pack.word)
        bms._write = lambda pairs: bms.writes.extend(pairs) is None
        result = self.command("registers", "write", "315", "4180")
        self.assertEqual(result.code, 1, result)
        self.assertEqual(bms.pack.word[315], keep[315])


class ControlSocket(Case):
    def talk(self, data, seconds=1.0):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.settimeout(seconds)
        self.addCleanup(s.close)
        try:
            s.connect(self.path("runtime_dir/tinybms-gw.sock"))
            s.sendall(data)
            return s.recv(65536)
        except (socket.timeout, BlockingIOError, BrokenPipeError, ConnectionResetError):
            return b""

    def test_hostile_clients_of_the_control_socket_harm_nothing(self):
        bms, can, gateway = self.working()
        path = self.path("runtime_dir/tinybms-gw.sock")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o660)
        idle = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(40)]
        for s in idle:
            self.addCleanup(s.close)
            s.setblocking(False)
            try:
                s.connect(path)
            except OSError:
                pass
        at = time.monotonic()
        for data in (b"\n", b"\0" * 5000, b"x" * 100000, b"{" * 60000 + b"\n", b'{"command":"stop"}\n',
                     b'{"command":"write","address":36,"value":1}\n', bytes(range(256)) * 20 + b"\n",
                     b'{"command":"status"}' * 1000 + b"\n"):
            self.talk(data, 0.3)
        began = time.monotonic()
        self.eventually(lambda: self.command("status", "-j").code == 0, 15,
                        "an answer while 40 clients say nothing")
        self.measured("status while 40 clients hold a connection and say nothing",
                      time.monotonic() - began)
        for s in idle:
            s.close()
        time.sleep(3)
        self.assertTrue(gateway.alive())
        times = [f.at for f in can.since(at, 0x351)]
        self.assertLess(max(b - a for a, b in zip(times, times[1:])), 1.5, "0x351 every second")
        self.assertEqual(self.command("status", "-j").code, 0, "others are served again")
        self.assertEqual(bms.writes, [])

    def test_many_askers_at_once_are_all_answered(self):
        self.working()
        results = []
        threads = [threading.Thread(target=lambda: results.append(self.command("status", "-j")))
                   for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([r.code for r in results], [0] * 8, results)

    def test_a_second_gateway_does_not_take_the_first_ones_socket(self):
        _, can, first = self.working()
        second = self.program("run", "--set", "hardware.uart.device=" + self.path("other"), "--set",
                              "hardware.can.interface=none", name="second")
        time.sleep(2)
        status = json.loads(self.command("status", "-j").out)
        self.assertEqual(status["soc_percent"], 64.2, "it is still the first one that answers")
        second.stop()
        self.assertEqual(self.command("status", "-j").code, 0)
        self.assertTrue(first.alive())
