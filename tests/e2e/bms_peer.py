#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A TinyBMS on a pty, written from the text of its protocol alone, with faults to inject.

It shares no code with the gateway: what the two disagree about shows as a failing test."""
import random
import struct
import threading
import time

from pty_link import PtyLink

START = 0xAA
EVENTS_FIRST, EVENTS_SLOTS = 200, 49
WRITABLE = range(300, 400)

# Ranges of the settings from register 300 on, as command 0x1D tells them: (min, max, default).
RANGES = {300: (1200, 4500, 4200), 301: (1000, 3500, 3000), 303: (1000, 4500, 3200),
          304: (100, 5000, 1000), 315: (1200, 4500, 4250), 316: (800, 3500, 2900)}


def crc16(data):
    """CRC-16/MODBUS: polynomial 0x8005 reflected, start value 0xFFFF; 0x4B37 for "123456789"."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xA001 if crc & 1 else 0)
    return crc


assert crc16(b"123456789") == 0x4B37


def frame(*parts):
    body = bytes([START]) + b"".join(bytes([p]) if isinstance(p, int) else p for p in parts)
    return body + struct.pack("<H", crc16(body))


def load_registers(path):
    words = {}
    with open(path, encoding="ascii") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                address, value = line.split()
                words[int(address)] = int(value, 16)
    return words


class Pack:
    """The registers of a device, and what a test wants to say about the battery in its words."""

    def __init__(self, words=None):
        self.word = dict(words) if words is not None else {}
        self.descending = words is not None and not words.get(0) and bool(words.get(15))
        self.lock = threading.RLock()
        if words is None:
            self._example()
        else:
            order = range(15, -1, -1) if self.descending else range(16)
            self.current = struct.unpack("<f", struct.pack("<I", self.get_u32(38)))[0]
            self.cells = [self.get(r) // 10 for r in order if self.get(r)]

    def _example(self):
        """A 14-cell pack in use: 4 mV between its cells, 5 A into it, one sensor outside."""
        self.set_cells([3900 + i % 3 * 2 for i in range(14)])
        self.set_current(5.0)
        self.set_u32(32, 1000000)
        self.set_u32(34, 7200)
        self.set_external(1, 21.0)
        self.set_external(2, None)
        self.set_internal(25.0)
        self.word[45] = 49000  # 98 %
        self.set_soc(64.2)
        self.word[50] = 0x91
        self.word[51] = self.word[52] = 0
        self.word[53] = 14
        for address, value in ((300, 4150), (301, 3000), (303, 3200), (304, 1000), (305, 120),
                               (306, 6600), (307, 14), (308, 15), (310, 10), (311, 10), (312, 1),
                               (313, 0), (314, 1), (315, 4200), (316, 2900), (317, 60), (318, 20),
                               (319, 60), (320, 1), (321, 90), (322, 3000), (323, 0xFFFF),
                               (328, 0xFFFF), (329, 4), (330, 0x0A01), (331, 0), (332, 5), (333, 1),
                               (334, 0), (335, 1), (336, 0), (337, 0), (338, 0), (339, 0), (340, 0),
                               (341, 0), (342, 0), (343, 0), (111, 12), (112, 7), (500, 0x0102),
                               (501, 0x0301), (502, 254), (503, 0x0418)):
            self.word[address] = value
        serial = b"TB2024-00017"
        for i in range(6):  # low byte of the first word first
            self.word[504 + i] = struct.unpack_from("<H", serial, 2 * i)[0]

    def get(self, address):
        return self.word.get(address, 0)

    def set_u32(self, address, value):
        with self.lock:
            self.word[address], self.word[address + 1] = value & 0xFFFF, value >> 16 & 0xFFFF

    def get_u32(self, address):
        return self.get(address) | self.get(address + 1) << 16

    def set_f32(self, address, value):
        self.set_u32(address, struct.unpack("<I", struct.pack("<f", value))[0])

    def set_cells(self, millivolts):
        """Cell 1 first; the pack's voltage and the extremes follow."""
        with self.lock:
            for register in range(16):
                cell = 15 - register if self.descending else register
                self.word[register] = 10 * millivolts[cell] if cell < len(millivolts) else 0
            self.set_f32(36, sum(millivolts) / 1000)
            self.word[40], self.word[41] = min(millivolts), max(millivolts)
        self.cells = list(millivolts)

    def set_cell(self, number, millivolts):
        cells = list(self.cells)
        cells[number - 1] = millivolts
        self.set_cells(cells)

    def set_current(self, ampere):
        self.current = ampere
        self.set_f32(38, ampere)

    def set_soc(self, percent):
        self.set_u32(46, round(percent * 1000000))

    def set_internal(self, celsius):
        self.word[48] = round(celsius * 10) & 0xFFFF

    def set_external(self, sensor, celsius):
        self.word[41 + sensor] = 0x8000 if celsius is None else round(celsius * 10) & 0xFFFF


class Faults:
    """What may go wrong; all off. Probabilities are per reply."""

    def __init__(self):
        self.mute = False          # says nothing, does nothing
        self.drop = 0.0            # the reply is lost
        self.bit_errors = 0.0      # 1 to 3 bits of it are turned over (a CRC-16 sees all of these)
        self.request_errors = 0.0  # the request arrives damaged: a NACK with code 1
        self.noise = 0.0           # random bytes with false starts before it
        self.fragment = False      # one byte at a time
        self.refuse = lambda command, first, count: False  # NACK, command error
        self.ignore = lambda command, first, count: False  # no answer
        self.chatter_s = None      # unasked bytes this often
        self.sleep_after_s = None  # sleeps this long after the last byte; see BmsPeer._asleep
        self.delay_s = 0.001
        self.frozen = False        # nothing changes any more, not even the clock
        self.cell_jitter = True    # the last digits move, as measured ones do
        self.current_jitter = True


class BmsPeer(threading.Thread):
    """own_thread False: somebody else reads the link and calls turn() with what came."""

    def __init__(self, path, pack=None, seed=1, own_thread=True):
        super().__init__(daemon=True)
        self.link = PtyLink(path)
        self.pack = pack or Pack()
        self.faults = Faults()
        self.random = random.Random(seed)
        self.commands = []         # (time, command, first register, count) of every good request
        self.first_answer = None   # time of the first answer
        self.answers = 0
        self.bad_requests = 0
        self.heard = []            # times at which bytes came, also while mute
        self.writes = []           # (register, value)
        self._buffer = b""
        self._last_byte = 0.0      # a device that nobody has talked to yet is asleep
        self._looked = 0.0
        self._ended = False
        self._clock = time.monotonic()
        self._chattered = 0.0
        if own_thread:
            self.start()

    def unplug(self):
        self.link.unplug()
        self._buffer = b""

    def plug(self):
        self.link.plug()

    def close(self):
        self._ended = True
        if self.is_alive():
            self.join()
        self.link.unplug()

    def run(self):
        while not self._ended:
            self.turn(self.link.read(0.01))

    def turn(self, data):
        now = time.monotonic()
        self._tick(now)
        if self.faults.chatter_s and now - self._chattered > self.faults.chatter_s:
            self._chattered = now
            self.link.write(b"SOC 64.2%\r\n\xAA\x03" + self.random.randbytes(5))
        if data:
            self._receive(data, now)

    def _tick(self, now):
        if self.faults.frozen:
            self._clock = now
        while now - self._clock >= 1.0:
            self._clock += 1.0
            with self.pack.lock:
                self.pack.set_u32(32, self.pack.get_u32(32) + 1)
                self._jitter()

    def _jitter(self):
        """What is measured is never still: 0.1 mV and 4 mA up or down, which no frame shows."""
        register = 15 if self.pack.descending else 0
        if self.faults.cell_jitter and self.pack.get(register):
            self.pack.word[register] ^= 1
        if self.faults.current_jitter:
            still = struct.unpack("<I", struct.pack("<f", self.pack.current))[0]
            moved = struct.unpack("<I", struct.pack("<f", self.pack.current + 0.004))[0]
            if self.pack.get_u32(38) in (still, moved):  # and nothing that a test has put there
                self.pack.set_u32(38, moved if self.pack.get_u32(38) == still else still)

    def _asleep(self, now):
        """A sleeping device looks at its line once a second; the command it sees then is swallowed,
        and wakes it."""
        if self.faults.sleep_after_s is None or now - self._last_byte < self.faults.sleep_after_s:
            return False
        if now - self._looked < 1.0:
            return True
        self._looked = now
        self._last_byte = now
        return True

    def _receive(self, data, now):
        self.heard.append(now)
        if self.faults.mute:
            self._buffer = b""
            return
        if self._asleep(now):
            self._buffer = b""
            return
        self._last_byte = now
        self._buffer += data
        while True:
            request, self._buffer = self._take_request(self._buffer)
            if request is None:
                return
            self._answer(request)

    @staticmethod
    def _length(data):
        """How long the request is that begins here; None: cannot be told yet; 0: not a request."""
        if len(data) < 2:
            return None
        command = data[1]
        if command in (0x03, 0x10):
            if command == 0x03:
                return 8
            return 9 + data[6] if len(data) > 6 else None
        if command == 0x07:
            return 7
        if command in (0x09, 0x0B, 0x0D):
            return 5 + data[2] if len(data) > 2 else None
        if command == 0x02:
            return 5
        if command == 0x1D:
            return 7
        if command in (0x11, 0x12) or 0x14 <= command <= 0x20:
            return 4
        return 0

    def _take_request(self, data):
        while data:
            start = data.find(bytes([START]))
            if start < 0:
                return None, b""
            data = data[start:]
            length = self._length(data)
            if length is None or length and len(data) < length:
                return None, data
            if length:
                request, rest = data[:length], data[length:]
                if struct.unpack("<H", request[-2:])[0] == crc16(request[:-2]):
                    return request, rest
                self.bad_requests += 1
                self._send(frame(0x00, request[1], 0x01))
            data = data[1:]
        return None, b""

    def _span(self, request):
        command = request[1]
        if command in (0x03, 0x10):
            return struct.unpack(">HH", request[2:6])
        if command == 0x07:
            return struct.unpack("<H", request[3:5])[0], request[2]
        return 0, 0

    def _answer(self, request):
        first, count = self._span(request)
        self.commands.append((time.monotonic(), request[1], first, count))
        if self.faults.ignore(request[1], first, count):
            return
        if self.random.random() < self.faults.request_errors:
            self._send(frame(0x00, request[1], 0x01))
            return
        if self.faults.refuse(request[1], first, count):
            self._send(frame(0x00, request[1], 0x00))
            return
        with self.pack.lock:
            reply = self._reply(request, first, count)
        self._send(reply if reply is not None else frame(0x00, request[1], 0x00))

    def _words(self, first, count, order):
        return b"".join(struct.pack(order + "H", self.pack.get(first + i)) for i in range(count))

    def _write(self, pairs):
        if any(address not in WRITABLE for address, _ in pairs):
            return False
        for address, value in pairs:
            self.pack.word[address] = value
            self.writes.append((address, value))
        return True

    def _reply(self, rq, first, count):
        """The good reply, or None for a command error."""
        command = rq[1]
        if command == 0x03:
            return frame(0x03, 2 * count, self._words(first, count, ">")) if 0 < count <= 127 else None
        if command == 0x10:
            values = struct.unpack(">%dH" % count, rq[7:-2]) if rq[6] == 2 * count else ()
            if not values or not self._write([(first + i, v) for i, v in enumerate(values)]):
                return None
            return frame(0x10, struct.pack(">HH", first, count))
        if command == 0x07:
            return self._packets(self._words(first, count, "<"))
        if command == 0x09:
            addresses = struct.unpack("<%dH" % (rq[2] // 2), rq[3:-2])
            data = b"".join(struct.pack("<HH", a, self.pack.get(a)) for a in addresses)
            return frame(0x09, len(data), data)
        if command == 0x02:
            return frame(0x01, 0x02) if rq[2] in (1, 2, 5) else None
        if command in (0x11, 0x12):
            return self._events(command)
        if command == 0x1D:
            return self._limits(rq[2], rq[4])
        return self._value(command)

    @staticmethod
    def _packets(data):
        out, number = b"", 1
        while len(data) > 20:
            out += frame(0x07, 0x80 | number, data[:20])
            data, number = data[20:], number + 1
        return out + frame(0x07, len(data), data)

    def _events(self, command):
        data = struct.pack("<I", self.pack.get_u32(32))
        for slot in range(EVENTS_SLOTS):
            low, high = self.pack.get(EVENTS_FIRST + 2 * slot), self.pack.get(EVENTS_FIRST + 2 * slot + 1)
            if high >> 8:
                data += struct.pack("<HH", low, high)
        return frame(command, len(data), data)

    def _limits(self, option, count):
        if option not in (1, 2, 3, 4) or not 0 < count <= 100:
            return None
        words = []
        for address in range(300, 300 + count):
            words.append(self.pack.get(address) if option == 4 else RANGES.get(address, (0, 0, 0))[option - 1])
        return frame(0x1D, 2 * count, struct.pack("<%dH" % count, *words))

    def _value(self, command):
        p = self.pack
        if command in (0x14, 0x15):
            return frame(command, struct.pack("<I", p.get_u32(36 if command == 0x14 else 38)))
        if command in (0x16, 0x17, 0x18):
            return frame(command, struct.pack("<H", p.get({0x16: 41, 0x17: 40, 0x18: 50}[command])))
        if command in (0x19, 0x1A):
            return frame(command, struct.pack("<I", p.get_u32(32 if command == 0x19 else 46)))
        if command == 0x1B:
            return frame(command, 6, struct.pack("<HHH", p.get(48), p.get(42), p.get(43)))
        if command == 0x1C:
            count = p.get(53)
            first = 16 - count if p.descending else 0
            return frame(command, 2 * count, self._words(first, count, "<"))
        if command in (0x1E, 0x1F):
            data = struct.pack("<HBH", p.get(500), p.get(501) & 0xFF, p.get(502))
            if command == 0x1F:
                data += struct.pack("<H", p.get(503))
            return frame(command, len(data), data)
        if command == 0x20:
            return frame(command, struct.pack("<III", p.get_u32(54), p.get(44), p.get_u32(34)))
        return None

    def _send(self, reply):
        faults, rnd = self.faults, self.random
        if self.first_answer is None:
            self.first_answer = time.monotonic()
        self.answers += 1
        if rnd.random() < faults.drop:
            return
        if rnd.random() < faults.bit_errors:
            damaged = bytearray(reply)
            for bit in rnd.sample(range(8 * len(reply)), rnd.randint(1, 3)):
                damaged[bit // 8] ^= 1 << bit % 8
            reply = bytes(damaged)
        if rnd.random() < faults.noise:
            noise = bytearray(rnd.randbytes(rnd.randint(1, 30)))
            noise[rnd.randrange(len(noise))] = START
            if len(noise) > 3:
                noise[-3:] = b"\xAA\x03\x6C"  # the very header of a long reply
            reply = bytes(noise) + reply
        time.sleep(faults.delay_s)
        if not faults.fragment:
            self.link.write(reply)
            return
        for i in range(len(reply)):
            self.link.write(reply[i:i + 1])
            time.sleep(0.0001)
