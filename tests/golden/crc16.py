#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The checksum of a TinyBMS frame, worked out a second time, and a check of every frame in
tinybms/*.golden with it.

CRC-16/MODBUS: polynomial 0x8005 taken least significant bit first (0xA001), start value 0xFFFF,
no final inversion, sent low byte first. Its published check value over "123456789" is 0x4B37.
It shares no code and no table with core/tinybms.
"""
import pathlib
import sys


def crc16(data):
    remainder = 0xFFFF
    for byte in data:
        remainder ^= byte
        for _ in range(8):
            remainder = (remainder >> 1) ^ (0xA001 if remainder & 1 else 0)
    return remainder


def packets(data):
    """Splits a reply to 0x07 into its packets: bit 7 of the length byte means that another follows,
    after 20 bytes of data. Anything else is one frame."""
    while data[:2] == b"\xAA\x07" and data[2] & 0x80:
        yield data[:25]
        data = data[25:]
    yield data


def main():
    if crc16(b"123456789") != 0x4B37:
        print("crc16: check value is 0x%04X, expected 0x4B37" % crc16(b"123456789"))
        return 1
    print('crc16: check value over "123456789" is 0x4B37')
    frames = bad = 0
    for path in sorted((pathlib.Path(__file__).parent / "tinybms").glob("*.golden")):
        for number, line in enumerate(path.read_text("ascii").splitlines(), 1):
            words = line.split()
            if not words or words[0] not in ("wire", "reply"):
                continue
            data = bytes(int(word, 16) for word in words[1:])
            for frame in packets(data) if words[0] == "reply" else [data]:
                frames += 1
                expected = crc16(frame[:-2])
                if frame[0] != 0xAA or frame[-2] | frame[-1] << 8 != expected:
                    bad += 1
                    print("%s:%d: the CRC of this frame is %02X %02X" %
                          (path.name, number, expected & 0xFF, expected >> 8))
    print("crc16: %d frames, %d wrong" % (frames, bad))
    return 0 if frames and not bad else 1


if __name__ == "__main__":
    sys.exit(main())
