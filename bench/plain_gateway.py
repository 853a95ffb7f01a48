#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A gateway between a TinyBMS and a Victron GX as it is usually written: a page of Python on
python3-serial and python3-can. It is what tinybms-gw is measured beside, and nothing else: it has no
contract of silence, no plausibility, no alarms with hysteresis, no reconnecting.

What it does, ten times a second: asks for registers 0-53 with one request, reads the reply with one
call, checks length and CRC (by table), decodes all of it with struct, and works out CVL, CCL and DCL
with the cut-offs of the BMS, which it has read at its start. Once a second it sends the sixteen frames
that tinybms-gw sends with its defaults, those of its texts made once, and 0x351 at once when a limit has
become 0. That last is kinder than usual: most send it when its turn comes (--in-turn). It takes in what
the GX says. Nothing in it waits for anything but the wire and its next turn; collecting garbage and
everything else is as Python has it.

    plain_gateway.py SERIAL_DEVICE|socket://HOST:PORT SLCAN_DEVICE [--in-turn]"""
import signal
import struct
import sys
import time

import can
import serial

POLL_S = 0.1
SEND_S = 1.0
LIVE = (0, 54)
SETTINGS = (300, 44)
CVL_MARGIN_MV = 0


def make_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0xA001 if value & 1 else 0)
        table.append(value)
    return table


TABLE = make_table()
TEXTS = ((0x35E, b"TinyBMS\0"), (0x380, b"00000000"), (0x381, b"00000000"), (0x382, b"TinyBMS\0"))


def crc16(data):
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ TABLE[(crc ^ byte) & 0xFF]
    return crc


def read_request(address, count):
    body = struct.pack(">BBHH", 0xAA, 0x03, address, count)
    return body + struct.pack("<H", crc16(body))


class Bms:
    def __init__(self, device):
        self.port = serial.serial_for_url(device, 115200, timeout=0.2)
        self.requests = {block: read_request(*block) for block in (LIVE, SETTINGS)}

    def read(self, block):
        """The registers of a block, or None."""
        count = block[1]
        self.port.write(self.requests[block])
        reply = self.port.read(5 + 2 * count)
        if len(reply) != 5 + 2 * count or reply[:3] != bytes((0xAA, 0x03, 2 * count)):
            self.port.reset_input_buffer()
            return None
        if crc16(reply[:-2]) != reply[-2] | reply[-1] << 8:
            return None
        return struct.unpack(">%dH" % count, reply[3:-2])


class Battery:
    """What the registers say, in their units."""

    def __init__(self, registers):
        self.cells_mv = [word / 10 for word in registers[0:16] if word]
        low_first = struct.pack("<54H", *registers)
        self.voltage, self.current = struct.unpack_from("<ff", low_first, 72)
        self.external_c = [word / 10 for word in struct.unpack_from("<2h", low_first, 84)
                           if word != -32768]
        self.soh = registers[45] * 0.002
        self.soc = struct.unpack_from("<I", low_first, 92)[0] / 1e6
        self.internal_c, = struct.unpack_from("<h", low_first, 96)
        self.status = registers[50]


class Settings:
    def __init__(self, registers):
        word = dict(enumerate(registers, 300))
        self.full_mv, self.empty_mv = word[300], word[301]
        self.capacity_ah, self.cells = word[306] / 100, word[307]
        self.over_mv, self.under_mv = word[315], word[316]
        self.discharge_a, self.charge_a = word[317], word[318]
        self.hot_c, self.cold_c = word[319], struct.unpack("<h", struct.pack("<H", word[320]))[0]


class Limits:
    def __init__(self, battery, settings):
        fault = battery.status == 0x9B
        hot = any(c >= settings.hot_c for c in battery.external_c)
        cold = any(c < settings.cold_c for c in battery.external_c)
        over = max(battery.cells_mv) >= settings.over_mv
        under = min(battery.cells_mv) <= settings.under_mv
        self.cvl_v = settings.cells * (settings.full_mv - CVL_MARGIN_MV) / 1000
        self.ccl_a = 0 if over or hot or cold or fault else 0.9 * settings.charge_a
        self.dcl_a = 0 if under or fault else 0.9 * settings.discharge_a
        self.over, self.under, self.hot, self.cold, self.fault = over, under, hot, cold, fault


def pair(active):
    return 1 if active else 2


def alarm_frame(limits):
    states = {1: limits.over, 2: limits.under, 3: limits.hot, 4: limits.cold, 5: limits.hot,
              6: limits.cold, 7: False, 8: False, 9: False, 11: limits.fault, 12: False}
    bits = 0
    for k, active in states.items():
        bits |= pair(active) << 2 * k
    bits |= bits << 32
    return (bits | pair(not limits.fault) << 58).to_bytes(8, "little")


def limits_frame(limits, settings):
    return struct.pack("<HhhH", round(limits.cvl_v * 10), round(limits.ccl_a * 10),
                       round(limits.dcl_a * 10), settings.cells * settings.empty_mv // 100)


def frames(battery, settings, limits):
    """Identifier and data of all that is sent once a second."""
    temperature = battery.external_c[0] if battery.external_c else battery.internal_c / 10
    kelvin = [c + 273.15 for c in battery.external_c] or [battery.internal_c / 10 + 273.15]
    yield 0x351, limits_frame(limits, settings)
    yield 0x355, struct.pack("<HHHH", round(battery.soc), round(battery.soh), round(battery.soc * 100), 0)
    yield 0x356, struct.pack("<hhhH", round(battery.voltage * 100), round(battery.current * 10),
                             round(temperature * 10), 0)
    yield 0x35A, alarm_frame(limits)
    yield 0x35F, struct.pack("<HBBHH", 0, 1, 0, round(settings.capacity_ah), 0)
    yield 0x372, struct.pack("<HHHH", 1, limits.ccl_a == 0, limits.dcl_a == 0, 0)
    yield 0x373, struct.pack("<HHHH", round(min(battery.cells_mv)), round(max(battery.cells_mv)),
                             round(min(kelvin)), round(max(kelvin)))
    yield 0x374, ("cell %d" % (1 + battery.cells_mv.index(min(battery.cells_mv)))).encode().ljust(8, b"\0")
    yield 0x375, ("cell %d" % (1 + battery.cells_mv.index(max(battery.cells_mv)))).encode().ljust(8, b"\0")
    yield 0x376, b"sensor 1"
    yield 0x377, b"sensor 2"
    yield 0x379, struct.pack("<HHHH", round(settings.capacity_ah), 0, 0, 0)
    yield from TEXTS


def run(bms, bus, at_once):
    settings = None
    while settings is None:
        registers = bms.read(SETTINGS)
        settings = Settings(registers) if registers else None
    next_poll = next_send = time.monotonic()
    was_zero = (False, False)
    while True:
        registers = bms.read(LIVE)
        if registers:
            battery = Battery(registers)
            limits = Limits(battery, settings)
            zero = (limits.ccl_a == 0, limits.dcl_a == 0)
            if at_once and ((zero[0] and not was_zero[0]) or (zero[1] and not was_zero[1])):
                bus.send(can.Message(arbitration_id=0x351, data=limits_frame(limits, settings),
                                     is_extended_id=False))
            was_zero = zero
            if time.monotonic() >= next_send:
                next_send += SEND_S
                for identifier, data in frames(battery, settings, limits):
                    bus.send(can.Message(arbitration_id=identifier, data=data, is_extended_id=False))
        while bus.recv(0) is not None:
            pass
        next_poll += POLL_S
        time.sleep(max(0.0, next_poll - time.monotonic()))


def main():
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    bms = Bms(sys.argv[1])
    bus = can.Bus(interface="slcan", channel=sys.argv[2], bitrate=500000)
    run(bms, bus, at_once="--in-turn" not in sys.argv)


if __name__ == "__main__":
    main()
