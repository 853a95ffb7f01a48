#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A command in the documents that does not work is a failing test.

Reads the fenced `sh` blocks of README*.md, CONTRIBUTING.md and docs/. Of each line that calls
tinybms-gw:
  - check, schema, decode, --help and --version are run; exit status 0 is expected;
  - run is run as `check` with the same options: it must accept the file and the settings;
  - of every other subcommand the help must exist and know each option of the line.
Files: `-c FILE` gets the last `json` block before it in the same document (an empty object if there
is none), `decode FILE` the last `candump` block. A `make` line must name a target of the Makefile.
Everything runs in a temporary folder without a home; nothing that needs a device is started.

Usage: check-docs-commands.py [BINARY]; the environment variable TINYBMS_GW goes before it."""
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent
DIRECT = {"check", "schema", "decode", "--help", "-h", "--version"}
LOOKED_UP = {"demo", "status", "registers", "sim", "record", "replay"}
TIMEOUT_S = 20


def documents():
    for name in ("README.md", "README.fr.md", "CONTRIBUTING.md"):
        if (TOP / name).exists():
            yield TOP / name
    yield from sorted((TOP / "docs").rglob("*.md"))


def blocks(path):
    """(language, number of its first line, lines) of every fenced block."""
    language, begin, lines = None, 0, []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        fence = re.match(r"^```(\S*)", line)
        if fence and language is None:
            language, begin, lines = fence.group(1), number + 1, []
        elif fence:
            yield language, begin, lines
            language = None
        elif language is not None:
            lines.append(line)


def commands(begin, lines):
    """(line number, words) with continuation lines joined, comments and redirections cut off."""
    text, number = "", begin
    for i, line in enumerate(lines):
        if not text:
            number = begin + i
        if line.endswith("\\"):
            text += line[:-1] + " "
            continue
        lexer = shlex.shlex(text + line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        lexer.commenters = "#"
        words = []
        for word in lexer:
            if set(word) <= set("|&;<>()"):
                break
            words.append(word)
        text = ""
        if words and words[0] == "sudo":
            words = words[1:]
        if words:
            yield number, words


class Checker:
    def __init__(self, binary):
        self.binary = binary
        self.folder = tempfile.TemporaryDirectory()
        self.help = {}
        self.done = {"run": 0, "looked up": 0, "make": 0, "left alone": 0}
        self.targets = set(re.findall(r"^([a-z-]+):", (TOP / "Makefile").read_text(), re.M))
        self.environment = {"PATH": os.environ["PATH"], "HOME": self.folder.name,
                            "XDG_RUNTIME_DIR": self.folder.name, "LC_ALL": "C.UTF-8"}

    def call(self, arguments):
        return subprocess.run([self.binary, *arguments], cwd=self.folder.name, timeout=TIMEOUT_S,
                              env=self.environment, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)

    def write(self, name, text):
        path = pathlib.Path(self.folder.name) / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def help_of(self, subcommand):
        if subcommand not in self.help:
            self.help[subcommand] = self.call([subcommand, "--help"])
        return self.help[subcommand]

    def must_work(self, arguments):
        self.done["run"] += 1
        result = self.call(arguments)
        return None if result.returncode == 0 else \
            f"exit status {result.returncode}: {result.stdout.strip()[:300]}"

    def look_up(self, arguments):
        self.done["looked up"] += 1
        known = self.help_of(arguments[0])
        if known.returncode != 0:
            return f"{arguments[0]} --help: exit status {known.returncode}"
        for word in arguments[1:]:
            option = word.split("=")[0]
            if option.startswith("-") and not re.search(
                    r"(^|[\s\[|,(])" + re.escape(option) + r"($|[\s\],|=)])", known.stdout):
                return f"its help does not know {option}"
        return None

    def check(self, words, json_text, candump_text):
        """None, or what is wrong with this command."""
        if words[0] == "make":
            self.done["make"] += 1
            unknown = [w for w in words[1:] if "=" not in w and not w.startswith("-")
                       and w not in self.targets]
            return f"no target {unknown[0]} in the Makefile" if unknown else None
        if pathlib.PurePath(words[0]).name != "tinybms-gw":
            self.done["left alone"] += 1
            return None
        arguments = words[1:]
        if not arguments:
            return "no subcommand"
        subcommand = arguments[0]
        if "--help" in arguments:
            return self.must_work(arguments)
        if subcommand == "run":
            arguments[0] = subcommand = "check"
        if subcommand in LOOKED_UP:
            return self.look_up(arguments)
        if subcommand not in DIRECT:
            return f"unknown subcommand {subcommand}"
        for i, word in enumerate(arguments[:-1]):
            if word == "-c":
                arguments[i + 1] = self.write("config.json", json_text)
        if subcommand == "decode" and len(arguments) > 1 and not arguments[-1].startswith("-"):
            if candump_text is None:
                return "decodes a file, but no candump block stands before it"
            arguments[-1] = self.write("candump.log", candump_text)
        return self.must_work(arguments)


def main():
    binary = os.environ.get("TINYBMS_GW") or (sys.argv[1] if len(sys.argv) > 1 else None)
    if binary is None:
        print("docs: SKIPPED: no program given (TINYBMS_GW)")
        return 77
    checker = Checker(os.path.abspath(binary))
    bad = 0
    for path in documents():
        json_text, candump_text = "{}", None
        for language, begin, lines in blocks(path):
            if language == "json":
                json_text = "\n".join(lines)
            elif language == "candump":
                candump_text = "\n".join(lines) + "\n"
            elif language == "sh":
                for number, words in commands(begin, lines):
                    wrong = checker.check(list(words), json_text, candump_text)
                    if wrong is not None:
                        print(f"{path.relative_to(TOP)}:{number}: {shlex.join(words)}: {wrong}")
                        bad += 1
    print("docs: commands " + ", ".join(f"{n} {what}" for what, n in checker.done.items()) +
          f"; {bad} do not work")
    if checker.done["run"] == 0:
        print("docs: no command was found to run: are the blocks marked sh?")
        return 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
