#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The tables of docs/performance.md, between its markers.

    page.py --write   from build/bench.json
    page.py --check   that the page has the rows, units and goals of goals.py; its numbers are a run's"""
import json
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "bench"))

from goals import GOALS, SECTIONS, met  # noqa: E402

PAGE, FIGURES = TOP / "docs" / "performance.md", TOP / "build" / "bench.json"
BEGIN, END = "<!-- measured: make bench writes these tables -->", "<!-- end of what make bench writes -->"


def number(value):
    text = "%.3g" % value if abs(value) < 1000 else "%d" % round(value)
    return text if "e" not in text else "%f" % value


def goal_text(goal):
    if goal.goal is None:
        return ""
    return "at %s %s" % ("least" if goal.better == "higher" else "most", number(goal.goal))


def row(goal, figure):
    cells = [goal.what, "-", "", goal_text(goal)]
    if figure is not None:
        cells[1] = (number(figure["value"]) + " " + goal.unit).strip()
        if figure["rounds"] > 1:
            cells[2] = "%s to %s" % (number(figure["least"]), number(figure["most"]))
        if not met(goal, figure["value"]):
            cells[3] += ": **missed**"
    return "| " + " | ".join(cells) + " |"


def notes(figures):
    told = [(GOALS[name].what, figure["note"]) for name, figure in figures.items() if "note" in figure]
    return ["", *["- %s: %s" % (what, note) for what, note in told]] if told else []


def tables(figures):
    lines = []
    for title, goals in SECTIONS:
        lines += ["", "### " + title, "", "| what | measured | least to most | goal |", "|---|---|---|---|"]
        lines += [row(goal, figures.get(goal.name)) for goal in goals]
    return "\n".join([BEGIN, *lines, *notes(figures), "", END])


def split(text):
    match = re.search(re.escape(BEGIN) + ".*?" + re.escape(END), text, re.DOTALL)
    if match is None:
        raise SystemExit("docs/performance.md: the markers are gone: %s ... %s" % (BEGIN, END))
    return text[:match.start()], match[0], text[match.end():]


def shape(block):
    """The rows without their numbers and verdicts, and the titles."""
    kept = []
    for line in block.splitlines():
        cells = line.split(" | ")
        if line.startswith("| ") and len(cells) == 4:
            kept.append("%s | %s" % (cells[0], cells[3].replace(": **missed**", "")))
        elif line.startswith("#"):
            kept.append(line)
    return kept


def check(block):
    wanted, found = shape(tables({})), shape(block)
    for i in range(max(len(wanted), len(found))):
        want, have = (lines[i] if i < len(lines) else "nothing" for lines in (wanted, found))
        if want != have:
            print("docs/performance.md: %s\nbench/goals.py:      %s\nThey differ: make bench writes the "
                  "page" % (have, want))
            return 1
    return 0


def main():
    before, block, after = split(PAGE.read_text(encoding="utf-8"))
    if sys.argv[1:] == ["--check"]:
        return check(block)
    if sys.argv[1:] != ["--write"]:
        raise SystemExit(__doc__)
    figures = json.loads(FIGURES.read_text(encoding="utf-8"))
    PAGE.write_text(before + tables(figures) + after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
