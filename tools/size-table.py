#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How much room the core takes on a microcontroller: code, constants, memory and the deepest stack
of each module, from a build for a machine without an operating system.

    tools/size-table.py --prefix riscv64-unknown-elf- --build build/rv32
    tools/size-table.py --prefix arm-none-eabi- --build build/cortex-m

--limits FILE   fails when a number is over the file's
--run COMMAND   runs the program of tests/embedded/size/stack_test.c, which measures stacks, and fails
                when one is deeper than the bound computed here

Code and constants are those of the linked program (its map), memory is the sizes of the objects of
tests/embedded/size/instance.c. The deepest stack is a bound: the longest way through the graph of
calls that gcc leaves beside each object (-fcallgraph-info=su), with calls through pointers as
tests/embedded/size/calls.csv names them and libgcc read from its machine code. A way that comes back
to where it was is refused: the core has no recursion. What an assertion that fails does is left out.
"""
import argparse
import csv
import os
import re
import shlex
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SIZES = os.path.join(ROOT, "tests/embedded/size")
MODULES = ["battery", "tinybms", "policy", "victron", "bus", "json", "settings", "gateway"]
NEVER_RETURN = {"embedded_assert_failed"}
COLUMNS = ["code", "constants", "static", "instance", "stack"]


class Wrong(Exception):
    """What makes the table worthless: said in one line."""


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def module_of(path):
    """The module of a path below core/, "" of anything else."""
    parts = path.split("/")
    if "core" not in parts:
        return ""
    below = parts[len(parts) - 1 - parts[::-1].index("core"):][1:]
    below = [p for p in below if p not in ("CMakeFiles", "core.dir")]
    return below[0] if len(below) > 1 else "battery"  # gw_err.c speaks for all, as battery does


def number(text):
    return int(text, 0)


# ---- code and constants ----

def section_sizes(map_file):
    """{(module, column): bytes} of the linked program; libraries are the module ""."""
    sizes = {}
    kinds = {".text": "code", ".rodata": "constants", ".srodata": "constants", ".data": "static",
             ".sdata": "static", ".bss": "static", ".sbss": "static"}
    with open(map_file, encoding="utf-8") as lines:
        text = lines.read().split("Linker script and memory map", 1)[1]
    for name, size, path in re.findall(
            r"^ (\.\S+)\s+0x[0-9a-f]+\s+(0x[0-9a-f]+) (\S+)$", text, re.MULTILINE):
        kind = next((kinds[k] for k in kinds if name == k or name.startswith(k + ".")), None)
        if kind is not None:
            key = (module_of(path) if path.endswith(".obj") else "", kind)
            sizes[key] = sizes.get(key, 0) + number(size)
    return sizes


def instance_sizes(tools, build):
    """{module: bytes} of one instance."""
    found = {}
    path = os.path.join(build, "tests/embedded/CMakeFiles/embedded_instance.dir/size/instance.c.obj")
    for line in output_of(tools + "nm", "-S", path).splitlines():
        fields = line.split()
        if fields[-1].startswith("instance_"):
            found[fields[-1][len("instance_"):]] = int(fields[1], 16)
    return found


# ---- the graph of calls ----

class Function:
    def __init__(self, name):
        self.name = name
        self.frame = None  # bytes; None: not known yet
        self.calls = set()
        self.public = False


class Graph:
    def __init__(self):
        self.functions = {}
        self.indirect = {}  # caller -> targets
        self.needs_pointer = set()

    def at(self, name):
        return self.functions.setdefault(name, Function(name))

    # -- what gcc says

    def read_ci(self, path):
        """Names are "name", or "core/bus/bus.c:name" of a static function."""
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                node = re.match(r'node: \{ title: "([^"]+)" label: "([^"]*)"', line)
                edge = re.match(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"', line)
                if node:
                    self.read_node(self.short(node[1]), node[2])
                elif edge and edge[2] == "__indirect_call":
                    self.needs_pointer.add(self.short(edge[1]))
                elif edge:
                    self.at(self.short(edge[1])).calls.add(self.short(edge[2]))

    @staticmethod
    def short(title):
        return os.path.relpath(title, ROOT) if title.startswith("/") else title

    def read_node(self, name, label):
        stack = re.search(r"\\n(\d+) bytes \((\S+)\)", label)
        if name == "__indirect_call" or stack is None:
            return
        if stack[2] != "static":
            raise Wrong(f"{name}: its frame has no fixed size ({stack[2]})")
        function = self.at(name)
        function.frame = int(stack[1])
        source = re.search(r"\\n([^\\]+):\d+:\d+\\n", label)
        function.public = ":" not in name and "." not in name
        function.file = self.short(source[1])

    # -- what the objects say

    def named(self, file, symbol):
        """The function that a symbol in an object of this file stands for, or None."""
        for name in (f"{file}:{symbol}", symbol):
            if name in self.functions:
                return name
        return None

    def read_relocations(self, tools, path, file):
        """Library calls, which .ci files lack; and {table or None: functions whose address it has}."""
        taken, section = {}, ""
        for line in output_of(tools + "objdump", "-r", path).splitlines():
            if line.startswith("RELOCATION RECORDS FOR ["):
                section = line[len("RELOCATION RECORDS FOR ["):-2]
            fields = line.split()
            if len(fields) != 3 or not fields[1].startswith("R_"):
                continue
            symbol = re.sub(r"^\.text\.", "", re.sub(r"[+-]0x[0-9a-f]+$", "", fields[2]))
            if section.startswith(".text."):
                source = self.named(file, section[len(".text."):])
                if re.search(r"CALL|JAL|JUMP|BRANCH|_JMP", fields[1]):
                    if symbol.startswith("__") and source:
                        self.at(source).calls.add(symbol)
                elif self.named(file, symbol) not in (None, source):  # itself: a switch's table
                    taken.setdefault(None, set()).add(self.named(file, symbol))
            elif re.match(r"\.(rodata|data)", section) and self.named(file, symbol):
                table = re.sub(r"^\.(rodata|data)(\.rel\.ro)?(\.local)?\.", "", section)
                if table == symbol:  # the jump table of a switch
                    continue
                taken.setdefault(f"{file}:{table}", set()).add(self.named(file, symbol))
        return taken

    def read_pointers(self, tables, alone):
        """calls.csv against what the objects say."""
        used = set()
        with open(os.path.join(SIZES, "calls.csv"), encoding="utf-8") as lines:
            for row in csv.reader(line for line in lines if not line.startswith("#")):
                caller = self.by_file(row[0])
                for target in row[1].split():
                    targets = tables.get(target) or {self.by_file(target)}
                    self.at(caller).calls |= targets
                    used |= targets
                    self.needs_pointer.discard(caller)
        for caller in sorted(self.needs_pointer):
            raise Wrong(f"{caller} calls through a pointer that calls.csv does not know")
        for function in sorted(set.union(alone, *tables.values()) - used):
            raise Wrong(f"the address of {function} is taken, and calls.csv does not say who calls it")

    def by_file(self, text):
        """core/bus/bus.c:bus_publish: of that file, static or not."""
        file, symbol = text.rsplit(":", 1)
        name = self.named(file, symbol)
        if name is None or self.functions[name].frame is None:
            raise Wrong(f"calls.csv: there is no function or table {text}")
        return name

    # -- the bound

    def deepest(self, name, way=()):
        """(bytes, functions on the longest way) from name on."""
        if name in way:
            raise Wrong("recursion: " + " -> ".join(way[way.index(name):] + (name,)))
        function = self.at(name)
        if hasattr(function, "bound"):
            return function.bound
        if name in NEVER_RETURN:
            return 0, ()
        if function.frame is None:
            raise Wrong(f"{name}: nobody says how much stack it takes (called by {way[-1:]})")
        below = max((self.deepest(c, way + (name,)) for c in sorted(function.calls)),
                    key=lambda bound: bound[0], default=(0, ()))
        function.bound = function.frame + below[0], (name,) + below[1]
        return function.bound


def library_frames(tools, image, graph):
    """Frames of functions without a .ci file, from their machine code: every push counts, in whatever
    branch it stands."""
    name = None
    for line in output_of(tools + "objdump", "-d", "--no-show-raw-insn", image).splitlines():
        start = re.match(r"[0-9a-f]+ <([^>]+)>:", line)
        if start:
            name = start[1] if start[1].startswith("__") else None
            if name is not None and graph.at(name).frame is None:
                graph.at(name).frame = 0
            continue
        if name is None:
            continue
        function = graph.at(name)
        grows = re.search(r"\baddi\s+sp,sp,-(\d+)|\bsub(?:\.w)?\s+sp,(?: sp,)? ?#(\d+)", line)
        pushes = re.search(r"\b(?:push|stmdb)\S*\s+(?:sp!, )?\{([^}]+)\}", line)
        stores = re.search(r"\bstr\S*\s.*\[sp, #-(\d+)\]!", line)
        call = re.search(r"\b(?:jal|bl|call|j|b)(?:\.w|\.n)?\s.*<(__\w+)>", line)
        if grows:
            function.frame += int(grows[1] or grows[2])
        if stores:
            function.frame += int(stores[1])
        if pushes:
            function.frame += 4 * count_registers(pushes[1])
        if call and call[1] != name:
            function.calls.add(call[1])


def count_registers(text):
    n = 0
    for part in text.split(","):
        ends = re.findall(r"\d+", part) if "-" in part else []
        n += int(ends[1]) - int(ends[0]) + 1 if ends else 1
    return n


def read_graph(tools, build):
    graph = Graph()
    folders = [os.path.join(build, "core/CMakeFiles/core.dir"),
               os.path.join(build, "tests/embedded/CMakeFiles/embedded_image.dir"),
               os.path.join(build, "tests/embedded/CMakeFiles/test_embedded_stack.dir")]
    objects = []
    for folder in folders:
        for place, _, files in os.walk(folder):
            for file in sorted(files):
                path = os.path.join(place, file)
                source = "core/" + os.path.relpath(os.path.splitext(path)[0], folder)
                if folder == folders[0] and not os.path.exists(os.path.join(ROOT, source)):
                    continue  # left behind by a file that is no more
                if file.endswith(".ci"):
                    graph.read_ci(path)
                elif file.endswith(".obj") and folder == folders[0]:
                    objects.append((path, source))
    if not objects:
        raise Wrong(f"{build}: no objects of the core")
    tables, alone = {}, set()
    for path, source in objects:
        for table, functions in graph.read_relocations(tools, path, source).items():
            if table is None:
                alone |= functions
            else:
                tables[table] = functions
    library_frames(tools, os.path.join(build, "tests/embedded/embedded_image"), graph)
    graph.read_pointers(tables, alone)
    return graph


def deepest_of_modules(graph):
    """{module: (bytes, way)} over the functions that other modules and ports can call."""
    found = {}
    for function in list(graph.functions.values()):
        if function.public and function.file.startswith("core/"):
            module = module_of(function.file)
            found[module] = max(found.get(module, (0, ())), graph.deepest(function.name),
                                key=lambda bound: bound[0])
    return found


# ---- the table ----

def make_table(tools, build, graph):
    sections = section_sizes(os.path.join(build, "tests/embedded/embedded_image.map"))
    instances = instance_sizes(tools, build)
    stacks = deepest_of_modules(graph)
    table = {}
    for module in MODULES + [""]:
        row = {kind: sections.get((module, kind), 0) for kind in ("code", "constants", "static")}
        row["instance"] = instances.get(module, 0)
        row["stack"] = stacks.get(module, (0, ()))[0]
        table[module or "libraries"] = row
    table["all"] = {c: sum(row[c] for row in table.values()) for c in COLUMNS[:-1]}
    table["all"]["stack"] = max(row["stack"] for row in table.values() if "stack" in row)
    return table, stacks


def print_table(table, machine):
    print(f"{machine}, bytes:")
    print(f"{'':10}" + "".join(f"{c:>11}" for c in COLUMNS))
    for name, row in table.items():
        cells = [f"{row[c]:11}" for c in COLUMNS[:-1]]
        print(f"{name:10}" + "".join(cells) + (f"{row['stack']:11}" if row["stack"] else f"{'-':>11}"))


def totals(table):
    row = table["all"]
    return {"flash": row["code"] + row["constants"],
            "ram": row["static"] + row["instance"] + row["stack"]}


def over_limits(table, path):
    """Sentences about what is over; a row of the file: module, flash, ram, stack."""
    bad = []
    with open(path, encoding="utf-8") as lines:
        for name, flash, ram, stack in csv.reader(l for l in lines if not l.startswith("#")):
            row = table[name]
            ram_used = totals(table)["ram"] if name == "all" else row["static"] + row["instance"]
            for what, used, limit in (("code and constants", row["code"] + row["constants"], flash),
                                      ("memory", ram_used, ram), ("stack", row["stack"], stack)):
                if used > int(limit):
                    bad.append(f"{name}: {used} bytes of {what}, over {limit}")
    return bad


def measured_stacks(command, graph):
    """Runs the program; prints measured and bound side by side, and returns what is over."""
    bad = []
    lines = subprocess.run(shlex.split(command), check=True, capture_output=True, text=True).stdout
    measured = re.findall(r"^stack (\w+) (\d+)$", lines, re.MULTILINE)
    if not measured:
        raise Wrong(f"{command}: measured nothing: {lines}")
    print(f"\n{'deepest stack':32}{'measured':>9}{'bound':>9}")
    for name, used in measured:
        caller = f"tests/embedded/size/stack_test.c:call_{name}"
        bound = graph.deepest(caller)[0]
        print(f"{name:32}{used:>9}{bound:>9}")
        if int(used) > bound:
            bad.append(f"{name}: used {used} bytes of stack, over the computed bound {bound}")
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--prefix", required=True, help="of the compiler's tools")
    parser.add_argument("--build", required=True)
    parser.add_argument("--limits")
    parser.add_argument("--run")
    parser.add_argument("--ways", action="store_true", help="print the deepest way of each module")
    arguments = parser.parse_args()
    try:
        graph = read_graph(arguments.prefix, arguments.build)
        table, stacks = make_table(arguments.prefix, arguments.build, graph)
        print_table(table, output_of(arguments.prefix + "gcc", "-dumpmachine").strip())
        sums = totals(table)
        print(f"code and constants {sums['flash']} ({sums['flash'] / 1024:.1f} KiB); "
              f"memory of one instance and the deepest stack {sums['ram']} "
              f"({sums['ram'] / 1024:.1f} KiB)")
        if arguments.ways:
            for module, (used, way) in sorted(stacks.items()):
                print(f"{module}: {used}: " + " -> ".join(
                    f"{name.rsplit(':')[-1]} {graph.at(name).frame}" for name in way))
        bad = measured_stacks(arguments.run, graph) if arguments.run else []
        bad += over_limits(table, arguments.limits) if arguments.limits else []
    except Wrong as wrong:
        bad = [str(wrong)]
    for line in bad:
        print("size-table: " + line)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
