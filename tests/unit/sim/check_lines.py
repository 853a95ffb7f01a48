#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""README.md beside this file says which test stands for which line about a TinyBMS. Refused: a test that
is named and not run, a line without a test (but for one that says why: "none: ..."), a test of
behaviour_*_test.c that no line names."""
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
RUN = re.compile(r"cmocka_unit_test(?:_\w+)?\(\s*(\w+)")


def main():
    run, behaviour = set(), set()
    for path in HERE.glob("*_test.c"):
        names = set(RUN.findall(path.read_text("utf-8")))
        run |= names
        if path.name.startswith("behaviour_"):
            behaviour |= names
    wrong, named, lines = [], set(), 0
    for row in (HERE / "README.md").read_text("utf-8").splitlines():
        if not row.startswith("| ") or row.startswith("| line |"):
            continue
        line, tests = [cell.strip() for cell in row.strip("|").split("|")]
        lines += 1
        names = re.findall(r"`(\w+)`", tests)
        named |= set(names)
        wrong += ["%s: %s is not run" % (line, name) for name in names if name not in run]
        if not names and not tests.startswith("none: "):
            wrong.append("%s: no test" % line)
    wrong += ["%s stands for no line" % name for name in sorted(behaviour - named)]
    print("\n".join(wrong + ["%d lines, %d tests" % (lines, len(named))]))
    return 1 if wrong or not lines or not behaviour else 0


if __name__ == "__main__":
    sys.exit(main())
