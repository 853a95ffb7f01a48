# SPDX-License-Identifier: MIT
"""Everything that ends by itself: usage, configuration, schema, decode, demo."""
import json
import os
import time

from case import Case


class Usage(Case):
    def refused(self, *arguments, names=(), **options):
        result = self.command(*arguments, **options)
        self.assertEqual(result.code, 2, "%s: %s" % (arguments, result))
        self.assertTrue(result.err.strip(), "%s says nothing on stderr" % (arguments,))
        for word in names:
            self.assertIn(word, result.err, "%s: %s" % (arguments, result))
        return result

    def test_wrong_usage_ends_with_2_and_a_message(self):
        self.refused()
        self.refused("frobnicate", names=["frobnicate"])
        self.refused("--frobnicate", names=["frobnicate"])
        self.refused("run", "--set")
        self.refused("run", "--frobnicate", names=["frobnicate"])
        self.refused("check", "surplus", names=["surplus"])
        self.refused("run", "-c")
        self.refused("status", "--frobnicate", names=["frobnicate"])
        self.refused("registers")
        self.refused("registers", "read")
        self.refused("registers", "read", "x", names=["x"])
        self.refused("registers", "read", "70000", names=["70000"])
        self.refused("registers", "read", "-1", names=["-1"])
        self.refused("registers", "read", "0", "101", names=["101"])
        self.refused("registers", "write", "315")
        self.refused("registers", "frobnicate", names=["frobnicate"])
        self.refused("sim")
        self.refused("sim", "frobnicate", names=["frobnicate"])
        self.refused("sim", "bms")
        self.refused("sim", "gx")
        self.refused("demo", "--speed", "fast", names=["fast"])
        self.refused("decode")

    def test_help_and_version_are_everywhere(self):
        for arguments in (("--help",), ("run", "--help"), ("check", "--help"), ("schema", "--help"),
                          ("status", "--help"), ("registers", "--help"), ("sim", "--help"),
                          ("sim", "bms", "--help"), ("sim", "gx", "--help"), ("decode", "--help"),
                          ("demo", "--help")):
            result = self.command(*arguments)
            self.assertEqual(result.code, 0, "%s: %s" % (arguments, result))
            self.assertIn(arguments[0] if len(arguments) > 1 else "run", result.out, arguments)
        version = self.command("--version")
        self.assertEqual(version.code, 0)
        self.assertRegex(version.out, r"\d+\.\d+\.\d+")

    def test_a_setting_out_of_range_is_refused_with_key_value_and_range(self):
        for command in ("check", "run"):
            for assignment, words in (
                    ("tinybms.poll_interval_ms=5", ["tinybms.poll_interval_ms", "5", "20", "2000"]),
                    ("tinybms.poll_interval_ms=2001", ["tinybms.poll_interval_ms", "2001", "2000"]),
                    ("tinybms.poll_interval_ms=-1", ["tinybms.poll_interval_ms", "-1"]),
                    ("tinybms.poll_interval_ms=99999999999999999999", ["tinybms.poll_interval_ms"]),
                    ("tinybms.poll_interval_ms=1e3x", ["tinybms.poll_interval_ms", "1e3x"]),
                    ("tinybms.poll_interval_ms=", ["tinybms.poll_interval_ms"]),
                    ("tinybms.stale_close_ms=1000", ["tinybms.stale_close_ms", "1000", "2000", "30000"]),
                    ("victron.pgn_update_interval_ms=100",
                     ["victron.pgn_update_interval_ms", "100", "200", "1000"]),
                    ("victron.manufacturer=Too long a name", ["victron.manufacturer", "8"]),
                    ("battery.cell_order=sideways", ["battery.cell_order", "sideways", "ascending"]),
                    ("hardware.can.mode=quiet", ["hardware.can.mode", "quiet", "listen"]),
                    ("no.such_key=1", ["no.such_key"]),
                    ("tinybms=1", ["tinybms"]),
                    ("poll_interval_ms", ["poll_interval_ms"]),
                    ("=1", [])):
                self.refused(command, "--set", assignment, names=words)

    def test_settings_that_cannot_go_together_are_refused_with_their_keys(self):
        self.refused("check", "--set", "tinybms.stale_close_ms=20000",
                     names=["stale_close_ms", "stale_zero_ms"])
        self.refused("check", "--set", "tinybms.stale_zero_ms=40000",
                     names=["stale_zero_ms", "stale_zero_discharge_ms"])
        self.refused("check", "--set", "tinybms.stale_zero_discharge_ms=70000",
                     names=["stale_zero_discharge_ms", "stale_silent_ms"])
        self.refused("check", "--set", "tinybms.poll_interval_ms=2000",
                     names=["poll_interval_ms", "stale_close_ms"])
        self.refused("check", "--set", "hardware.can.interface=bluetooth:x", names=["bluetooth:x"])

    def test_a_configuration_file_that_is_not_there_is_named(self):
        for command in ("check", "run"):
            self.refused(command, "-c", self.path("absent.json"), names=["absent.json"])
            self.refused(command, "-c", self.folder, names=[self.folder])

    def test_check_prints_the_effective_configuration(self):
        path = self.write("good.json", json.dumps(
            {"tinybms": {"poll_interval_ms": 250}, "victron.battery_name": "Garage",
             "cvl_algorithm": {"margin_mv": 100}}))
        result = self.command("check", "-c", path, "--set", "tinybms.uart_retry_count=5")
        self.assertEqual(result.code, 0, result)
        shown = json.loads(result.out)
        self.assertEqual(shown["tinybms"]["poll_interval_ms"], 250)
        self.assertEqual(shown["tinybms"]["uart_retry_count"], 5)
        self.assertEqual(shown["tinybms"]["stale_close_ms"], 5000)
        self.assertEqual(shown["tinybms"]["stale_zero_ms"], 15000)
        self.assertEqual(shown["tinybms"]["stale_zero_discharge_ms"], 30000)
        self.assertEqual(shown["tinybms"]["stale_silent_ms"], 60000)
        self.assertEqual(shown["hardware"]["uart"]["baudrate"], 115200)
        self.assertEqual(shown["hardware"]["can"]["bitrate"], 500000)
        self.assertEqual(shown["victron"]["battery_name"], "Garage")
        self.assertEqual(shown["victron"]["manufacturer"], "TinyBMS")
        self.assertEqual(shown["victron"]["soh_when_unknown"], 100)
        self.assertEqual(shown["cvl"]["margin_mv"], 100)
        again = self.command("check", "-c", self.write("again.json", result.out))
        self.assertEqual(again.out, result.out, "what check prints is a configuration itself")

    def test_the_search_path_is_used_without_c(self):
        os.makedirs(self.path("config_home/tinybms-gw"))
        self.write("config_home/tinybms-gw/config.json", '{"tinybms": {"poll_interval_ms": 321}}')
        result = self.command("check")
        self.assertEqual(result.code, 0, result)
        self.assertEqual(json.loads(result.out)["tinybms"]["poll_interval_ms"], 321)

    def test_the_schema_is_json_and_knows_the_settings(self):
        result = self.command("schema")
        self.assertEqual(result.code, 0, result)
        schema = json.loads(result.out)
        self.assertIn("2020-12", schema["$schema"])
        interval = schema["properties"]["tinybms"]["properties"]["poll_interval_ms"]
        self.assertEqual((interval["minimum"], interval["maximum"], interval["default"]), (20, 2000, 100))
        order = schema["properties"]["battery"]["properties"]["cell_order"]
        self.assertEqual(order["enum"], ["auto", "ascending", "descending"])
        shown = json.loads(self.command("check").out)

        def keys(tree, prefix=""):
            for name, value in tree.items():
                if isinstance(value, dict):
                    yield from keys(value, prefix + name + ".")
                else:
                    yield prefix + name
        for key in keys(shown):
            node = schema
            for part in key.split("."):
                self.assertIn(part, node.get("properties", {}), key)
                node = node["properties"][part]


HOSTILE = {
    "empty": b"",
    "blank": b" \n\t ",
    "truncated object": b'{"tinybms": {"poll_interval_ms": 100}',
    "truncated string": b'{"tinybms": {"poll_interval',
    "truncated escape": b'{"victron": {"battery_name": "a\\u00',
    "truncated number": b'{"tinybms": {"poll_interval_ms": -',
    "an array": b"[]",
    "a string": b'"tinybms"',
    "two values": b"{} {}",
    "trailing comma": b'{"tinybms": {"poll_interval_ms": 100,}}',
    "comment": b'{/* */}',
    "single quotes": b"{'tinybms': {}}",
    "deep objects": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "deep arrays": b"[" * 100000,
    "deeper than a stack": b'{"tinybms":' + b"[" * 30000 + b"]" * 30000 + b"}",
    "duplicate key": b'{"tinybms": {"poll_interval_ms": 100, "poll_interval_ms": 200}}',
    "duplicate by escape": b'{"tinybms": {"poll_interval_ms": 100, "poll_interval_m\\u0073": 200}}',
    "duplicate group": b'{"tinybms": {"poll_interval_ms": 100}, "tinybms": {}}',
    "nested and dotted": b'{"tinybms": {"poll_interval_ms": 100}, "tinybms.poll_interval_ms": 200}',
    "huge": b'{"tinybms": {"poll_interval_ms": 100' + b" " * 20000000 + b"}}",
    "huge string": b'{"victron": {"battery_name": "' + b"x" * 60000 + b'"}}',
    "huge number": b'{"tinybms": {"poll_interval_ms": ' + b"9" * 60000 + b"}}",
    "huge exponent": b'{"tinybms": {"poll_interval_ms": 1e999999999}}',
    "tiny exponent": b'{"tinybms": {"poll_interval_ms": 100e-999999999}}',
    "many keys": b"{" + b",".join(b'"k%d":1' % i for i in range(5000)) + b"}",
    "fraction": b'{"tinybms": {"poll_interval_ms": 100.5}}',
    "hexadecimal": b'{"tinybms": {"poll_interval_ms": 0x64}}',
    "leading zero": b'{"tinybms": {"poll_interval_ms": 0100}}',
    "plus": b'{"tinybms": {"poll_interval_ms": +100}}',
    "NaN": b'{"tinybms": {"poll_interval_ms": NaN}}',
    "number as a string": b'{"tinybms": {"poll_interval_ms": "100"}}',
    "null": b'{"tinybms": {"poll_interval_ms": null}}',
    "group as a number": b'{"tinybms": 1}',
    "value as a group": b'{"tinybms": {"poll_interval_ms": {}}}',
    "unknown key": b'{"tinybms": {"poll_intervall_ms": 100}}',
    "unknown group": b'{"tinybmz": {}}',
    "NUL in a string": b'{"victron": {"battery_name": "a\0b"}}',
    "escaped NUL": b'{"victron": {"battery_name": "a\\u0000b"}}',
    "NUL after the end": b'{"tinybms": {"poll_interval_ms": 100}}\0',
    "NUL in front": b'\0{"tinybms": {"poll_interval_ms": 100}}',
    "lone surrogate": b'{"victron": {"battery_name": "\\ud800"}}',
    "bad UTF-8": b'{"victron": {"battery_name": "\xff\xfe"}}',
    "overlong UTF-8": b'{"victron": {"battery_name": "\xc0\xaf"}}',
    "UTF-16": '{"tinybms": {}}'.encode("utf-16"),
    "control character": b'{"victron": {"battery_name": "a\x01"}}',
    "newline in a string": b'{"victron": {"battery_name": "a\n"}}',
    "a name that is not ASCII": '{"victron": {"battery_name": "Büro"}}'.encode(),
    "binary": bytes(range(256)) * 40,
    "an ELF file": b"\x7fELF" + bytes(5000),
    "path too long": b'{"hardware": {"uart": {"device": "/' + b"d" * 300 + b'"}}}',
}


class HostileFiles(Case):
    def test_every_broken_configuration_is_refused_with_a_message_and_exit_2(self):
        wrong = []
        for what, data in HOSTILE.items():
            result = self.command("check", "-c", self.write("config.json", data), timeout=10)
            if result.code != 2 or not result.err.strip() or result.out.strip() or result.seconds > 2:
                wrong.append("%s: %s, %.1f s" % (what, result, result.seconds))
            if len(result.err) > 2000 or any(ord(c) < 32 and c != "\n" for c in result.err):
                wrong.append("%s: the message itself is hostile: %r" % (what, result.err[:200]))
        self.assertEqual(wrong, [], "\n".join(wrong))

    def test_where_it_is_wrong_is_told(self):
        path = self.write("config.json", b'{\n  "tinybms": {\n    "poll_interval_ms": 5\n  }\n}\n')
        result = self.command("check", "-c", path)
        self.assertEqual(result.code, 2)
        for word in ("config.json", "3", "tinybms.poll_interval_ms", "5", "20", "2000"):
            self.assertIn(word, result.err)

    def test_a_device_is_no_configuration(self):
        for path in ("/dev/zero", "/dev/null", "/proc/self/mem"):
            result = self.command("check", "-c", path, timeout=10)
            self.assertEqual(result.code, 2, "%s: %s" % (path, result))


CANDUMP = """(1436509052.249713) can0 351#4502B4001C02A401
(1436509052.249813) can0 355#510064007B1F0000
(1436509052.249913) can0 356#C01585FF66000000
(1436509052.250013) can0 35A#A8AA8A02A8AA8A06
(1436509052.250113) can0 35A#A4AA8A02A8AA8A0A
(1436509052.250213) can0 35E#54696E79424D5300
(1436509052.250313) can0 373#830F920F1B011B01
(1436509052.250413) can0 305#0000000000000000
"""


class Decode(Case):
    def test_a_candump_log_is_told_in_words(self):
        result = self.command("decode", self.write("can.log", CANDUMP))
        self.assertEqual(result.code, 0, result)
        lines = result.out.splitlines()
        for line, words in ((0, ("58.1", "18.0", "54.0")), (1, ("80.59",)), (2, ("55.68", "-12.3", "10.2")),
                            (5, ("TinyBMS",)), (6, ("3971", "3986"))):
            for word in words:
                self.assertIn(word, lines[line])
        self.assertIn("online", lines[3])
        self.assertIn("high voltage", lines[4].replace("-", " ").lower())
        self.assertIn("offline", lines[4])

    def test_lines_that_are_no_frames_harm_nothing(self):
        junk = (CANDUMP.splitlines()[0] + "\n" + "\x00\x01garbage\n" + "(1.0) can0 351#45\n" +
                "(1.0) can0 351#\n" + "(1.0) can0 #\n" + "(1.0) can0 351#4502B4001C02A40\n" +
                "(1.0) can0 351#4502B4001C02A4014502\n" + "(1.0) can0 18FF50E5#0011223344556677\n" +
                "(1.0) can0 351#R\n" + "x" * 100000 + "\n" + "(99999999999999999999.9) can0 123#00\n" +
                CANDUMP.splitlines()[1])
        result = self.command("decode", self.write("can.log", junk))
        self.assertIn(result.code, (0, 1), result)
        self.assertIn("58.1", result.out)
        self.assertIn("80.59", result.out)

    def test_a_log_that_is_not_there_is_named(self):
        result = self.command("decode", self.path("absent.log"))
        self.assertIn(result.code, (1, 2), result)
        self.assertIn("absent.log", result.err)


class Demo(Case):
    def test_the_demonstration_ends_by_itself_without_a_terminal(self):
        result = self.command("demo", "--seconds", "3", timeout=15)
        self.assertEqual(result.code, 0, result)
        self.assertTrue(result.out.strip(), result)
        self.assertNotIn("\x1b", result.out, "no terminal, no control sequences")
        self.assertLess(result.seconds, 6)

    def test_the_demonstration_may_last_for_days(self):
        # 4295 s are 2^32 us and 33 ms more
        program = self.program("demo", "--seconds", "4295")
        self.eventually(lambda: program.out.count("\n") > 3, 10, "it shows something")
        time.sleep(0.5)
        self.assertTrue(program.alive(), program.log)
