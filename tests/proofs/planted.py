#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Plants one defect after the other in a copy of the sources; the proof of that function must fail.

    planted.py             every defect: its function, and the first goal that has no proof
    planted.py crc ring    of these modules only

Exit status 1: a defect was proved harmless, or could not be planted."""
import pathlib
import shutil
import subprocess
import sys
import tempfile

import run

# module, function, what stands there, what is put there
DEFECTS = [
    ("crc", "tinybms_crc_add", "(crc ^ p[i]) % 16", "(crc ^ p[i]) % 17"),
    ("crc", "tinybms_crc_add", "i < n; i++", "i <= n; i++"),
    ("frame", "copy", "i < n; i++) {\n        to", "i <= n; i++) {\n        to"),
    ("frame", "packet_payload", "payload + 5 < n", "payload + 3 < n"),
    ("frame", "addresses_agree", "i < rq->count; i++", "i <= rq->count; i++"),
    ("frame", "lengths", "*max = 5u + s->most", "*max = 500u + s->most"),
    ("frame", "tinybms_parse_nack", "!= TINYBMS_MATCH_NACK", "== TINYBMS_MATCH_NONE"),
    ("frame", "tinybms_f32_milli", "exponent >= 150", "exponent >= 151"),
    ("request", "tinybms_build_write", "n, TINYBMS_WRITE_MAX)", "n, TINYBMS_READ_MAX)"),
    ("image", "block_of", "addr < (uint32_t)b->first", "addr <= (uint32_t)b->first"),
    ("battery", "battery_age_ms", "now_ms > at_ms ? now_ms - at_ms : 0", "now_ms - at_ms"),
    ("scaling", "cell_mv", "(raw + 5u) / 10u", "(raw + 50u) / 10u"),
    ("scaling", "expected_cells", " || b->series_cells > BATTERY_CELLS_MAX", ""),
    ("encode", "scale_u16", "scaled > UINT16_MAX ? UINT16_MAX : ", ""),
    ("encode", "scale_i16", "scaled < INT16_MIN", "scaled < INT16_MIN - 1"),
    ("encode", "limit_da", "da == 0 && limit_ma > 0 ? 1 : da", "da"),
    ("encode", "encode_limits", "put_u16(out, 6,", "put_u16(out, 7,"),
    ("encode", "bounded_length", "n < capacity", "n <= capacity"),
    ("number", "scale_up", "scaled > limit / 10", "scaled > limit / 9"),
    ("number", "mantissa_append", "        return;\n    }\n    m->value", "    }\n    m->value"),
    ("utf8", "row_of", "i < sizeof utf8_rows / sizeof utf8_rows[0]", "i < 9"),
    ("ring", "ring_offset", "count % capacity)", "count % (capacity + 1))"),
    ("ring", "ring_next", "count < UINT32_MAX ? count + 1 : 0", "count < UINT32_MAX ? count + 1 : 1"),
    ("log", "gateway_note", "g->log_count == GATEWAY_LOG_MAX", "g->log_count > GATEWAY_LOG_MAX"),
]
HEADERS = {"ring": "ports/linux/ring_index.h"}


def unproved(source, work, module, function):
    row = dict(run.MODULES[module])
    options = ["-wp-split"] if function in row.get("split", []) else []
    log = run.frama_c(5, source, work, row, "64", [function], options, "cvc4")
    if run.TOTAL.search(log) is None:
        return None
    return sorted(goal for _, goal, verdict in run.GOAL.findall(log) if verdict != "Valid")


def main():
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        run.detect_provers(work)
        for module, function, old, new in DEFECTS:
            if sys.argv[1:] and module not in sys.argv[1:]:
                continue
            source = work / "tree"
            shutil.rmtree(source, ignore_errors=True)
            for part in ("core", "ports/linux", "tests/proofs"):
                shutil.copytree(run.ROOT / part, source / part)
            path = source / HEADERS.get(module, run.MODULES[module]["file"])
            text = path.read_text()
            if text.count(old) == 0:
                print(f"{module} {function}: {old!r} is not there", flush=True)
                wrong += 1
                continue
            path.write_text(text.replace(old, new, 1))
            goals = unproved(source, work, module, function)
            wrong += 0 if goals else 1
            said = goals[0] if goals else "HARMLESS" if goals == [] else "no result"
            print(f"{module:8} {function:20} {new.split(chr(10))[0]!r}: {said}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
