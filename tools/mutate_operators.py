# SPDX-License-Identifier: MIT
"""Single changes of a C file that a test should notice.

Works on tokens, not on a syntax tree: the sources are laid out by clang-format and hold no macros
but tables, and a change that makes no sense does not compile and is dropped. mutants() yields
Mutant objects; what each operator does stands in its docstring."""
import collections
import dataclasses
import re

TOKEN = re.compile(
    r"""(?P<space>\s+|/\*.*?\*/|//[^\n]*|^\#(?:[^\n]*\\\n)*[^\n]*)
      |(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
      |(?P<number>0[xX][0-9a-fA-F]+[uUlL]*|\d+[uUlL]*)
      |(?P<name>[A-Za-z_]\w*)
      |(?P<mark><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[-+*/%&|^~!<>=?:;,.(){}\[\]])""",
    re.X | re.S | re.M)

RELATION = {"<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"),
            "==": ("!=",), "!=": ("==",)}
ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*", "%": "*", "&": "|", "|": "&", "^": "&",
              "<<": ">>", ">>": "<<", "++": "--", "--": "++", "+=": "-=", "-=": "+=", "*=": "/=",
              "/=": "*=", "|=": "&=", "&=": "|=", "^=": "&=", "<<=": ">>=", ">>=": "<<="}
ASSIGN = {"=", "+=", "-=", "*=", "/=", "%=", "|=", "&=", "^=", "<<=", ">>=", "++", "--"}
OPEN, CLOSE = "([{", ")]}"
KEYWORDS = {"return", "case", "default", "sizeof", "if", "else", "for", "while", "do", "switch"}
DECLARE = {"const", "static", "struct", "enum", "unsigned", "int", "bool", "char", "extern"}
SKIP_CALLS = {"assert", "_Static_assert"}


@dataclasses.dataclass(frozen=True)
class Token:
    kind: str
    text: str
    at: int  # offset of its first character

    @property
    def end(self):
        return self.at + len(self.text)


@dataclasses.dataclass(frozen=True)
class Mutant:
    operator: str
    file: str
    function: str  # or the name of a table, or "enum"
    line: int
    before: str  # the lines concerned, blanks collapsed
    after: str
    original: str  # the whole file
    edit: tuple  # from, to (offsets), the new text
    nth: int  # of those in this function that read the same, from 0

    @property
    def source(self):
        start, end, text = self.edit
        return self.original[:start] + text + self.original[end:]

    @property
    def key(self):
        return (self.file, self.function, self.before, self.after)


def tokens_of(source):
    found, at = [], 0
    while at < len(source):
        m = TOKEN.match(source, at)
        if m is None:
            raise SyntaxError(f"no C token at {source[at:at + 30]!r}")
        if m.lastgroup != "space":
            found.append(Token(m.lastgroup, m.group(), at))
        at = m.end()
    return found


class Unit:
    """The tokens of a file, with what each belongs to: its partner bracket, its function."""

    def __init__(self, source):
        self.source = source
        self.t = tokens_of(source)
        self.partner = self._partners()
        self.owner, self.returns = self._owners()
        self.skipped = self._skipped()

    def text(self, i):
        return self.t[i].text if 0 <= i < len(self.t) else ""

    def kind(self, i):
        return self.t[i].kind if 0 <= i < len(self.t) else ""

    def _partners(self):
        partner, stack = {}, []
        for i, t in enumerate(self.t):
            if t.text in OPEN:
                stack.append(i)
            elif t.text in CLOSE:
                j = stack.pop()
                partner[i], partner[j] = j, i
        return partner

    def _owners(self):
        """Per token: the name of the function or table it is in; per function: its type."""
        owner, returns = [""] * len(self.t), {}
        head, i = 0, 0
        while i < len(self.t):
            if self.text(i) == ";":
                head = i + 1
            if self.text(i) != "{":
                i = self.partner[i] + 1 if self.text(i) in "([" else i + 1
                continue
            words = range(head, i)
            brackets = [j for j in words if self.text(j) in "(["]
            name = self.text(brackets[0] - 1) if brackets else self.text(i - 1)
            if self.text(i - 1) == ")":
                returns[name] = [self.text(j) for j in range(head, brackets[0] - 1)]
            elif self.text(i - 1) == "=" and not brackets:
                name = self.text(i - 2)
            for j in range(head, self.partner[i] + 1):
                owner[j] = name
            i = self.partner[i] + 1
            head = i
        return owner, returns

    def _skipped(self):
        """Assertions are about a caller's bug; the size of an array that is declared is no value."""
        skipped = set()
        for i, t in enumerate(self.t):
            if t.text in SKIP_CALLS and self.text(i + 1) == "(":
                skipped.update(range(i, self.partner[i + 1] + 1))
            if (t.text == "[" and self.kind(i - 1) == "name" and self.kind(i - 2) == "name" and
                    self.text(i - 2) not in KEYWORDS):
                skipped.update(range(i, self.partner[i] + 1))
        return skipped

    def binary(self, i):
        """clang-format puts blanks around an operator of two sides and none behind a sign or star."""
        return self.source[self.t[i].end].isspace() or self.t[i].text in ("++", "--")

    def operand(self, i, step, bounds):
        """From the operator at i to the last token of its operand in the direction of step."""
        j = i + step
        while 0 <= j < len(self.t):
            text = self.text(j)
            inward, outward = (OPEN, CLOSE) if step > 0 else (CLOSE, OPEN)
            if text in inward:
                j = self.partner[j]
            elif text in outward or text in bounds or text in ("return", "case"):
                break
            j += step
        return j - step


def changes(u):
    """(operator, first token, last token, new text) of every change."""
    for i, t in enumerate(u.t):
        if i in u.skipped or not u.owner[i]:
            continue
        for operator in (relation, arithmetic, logic, operand, negation, constant, deletion, result):
            for first, last, text in operator(u, i, t):
                yield operator.__name__, first, last, text


def relation(u, i, t):
    """A relation becomes its neighbour (the boundary moves) and its opposite."""
    for text in RELATION.get(t.text, ()):
        yield i, i, text


def arithmetic(u, i, t):
    """An operator becomes its counterpart, a sign or complement goes."""
    if t.text in ARITHMETIC and u.binary(i):
        yield i, i, ARITHMETIC[t.text]
    elif t.text in ("-", "~"):
        yield i, i, ""


def logic(u, i, t):
    """&& and || change places; a not goes."""
    if t.text in ("&&", "||"):
        yield i, i, "||" if t.text == "&&" else "&&"
    elif t.text == "!":
        yield i, i, ""


def operand(u, i, t):
    """One side of && or || no longer counts."""
    if t.text in ("&&", "||"):
        bounds = {"||", "&&", "?", ":", ",", ";"} | ASSIGN
        if t.text == "||":
            bounds.discard("&&")
        neutral = "1" if t.text == "&&" else "0"
        left = u.operand(i, -1, bounds)
        if u.text(left - 1) != t.text:  # else it is the right side of the operator before
            yield left, i - 1, neutral
        yield i + 1, u.operand(i, 1, bounds), neutral


def single_relation(u, first, last):
    inside = [u.text(j) for j in range(first, last + 1)]
    return (any(x in RELATION for x in inside) and not {"&&", "||"} & set(inside)) or inside[0] == "!"


def negation(u, i, t):
    """A condition (if, while, ?:) turns round, where no other change does just that."""
    if t.text in ("if", "while"):
        first, last = i + 2, u.partner[i + 1] - 1
    elif t.text == "?":
        first, last = u.operand(i, -1, {"?", ":", ",", ";"} | ASSIGN), i - 1
    else:
        return
    if not single_relation(u, first, last):
        yield first, last, "!(" + u.source[u.t[first].at:u.t[last].end] + ")"


def constant(u, i, t):
    """A number becomes one more, one less and, outside of tables, zero; true and false change
    places. Nothing becomes negative: 0 - 1 would be noticed wherever 0 + 1 is."""
    if t.text in ("true", "false"):
        yield i, i, "false" if t.text == "true" else "true"
    if t.kind != "number":
        return
    digits = t.text.rstrip("uUlL")
    suffix = t.text[len(digits):]
    value = int(digits, 0)
    others = {value + 1, value - 1} | ({0} if u.owner[i] in u.returns else set())
    for other in sorted(others - {value, -1}):
        yield i, i, f"{other}{suffix}"


def deletion(u, i, t):
    """A statement that acts (assignment, call, break, continue, plain return) goes."""
    if u.owner[i] not in u.returns or not (u.text(i - 1) in (";", "{", "}", ":", "else") or
            (u.text(i - 1) == ")" and u.text(u.partner[i - 1] - 1) in ("if", "for", "while", "switch"))):
        return
    end = i
    while end < len(u.t) and u.text(end) != ";":
        if u.text(end) in CLOSE:
            return
        end = u.partner[end] + 1 if u.text(end) in OPEN else end + 1
    inside = {u.text(j) for j in range(i, end)}
    if t.text in ("break", "continue") or (t.text == "return" and end == i + 1):
        yield i, end, ";"
    elif t.kind == "name" and t.text not in KEYWORDS | DECLARE | SKIP_CALLS and \
            (u.kind(i + 1) != "name") and (u.text(i + 1) == "(" or inside & ASSIGN):
        yield i, end, ";"
    elif t.text in ("*", "++", "--") and inside & ASSIGN:
        yield i, end, ";"


def result(u, i, t):
    """What a function returns becomes something else: a bool its opposite, a pointer NULL, a
    number 0 and one more."""
    if t.text != "return" or u.text(i + 1) == ";":
        return
    end = u.operand(i, 1, {";"})
    value = u.source[u.t[i + 1].at:u.t[end].end]
    kind = u.returns.get(u.owner[i], [])
    if "*" in kind:
        if value != "NULL":
            yield i + 1, end, "0"
    elif "bool" in kind:
        if value not in ("true", "false") and not single_relation(u, i + 1, end):
            yield i + 1, end, f"!({value})"
    elif not re.fullmatch(r"-?\d+", value):
        yield i + 1, end, "0"
        yield i + 1, end, f"({value}) + 1"


def mutants(file, source):
    """Every mutant of a file, in the order of its lines, none twice."""
    u = Unit(source)
    seen, alike = set(), collections.Counter()
    for operator, first, last, text in changes(u):
        start, end = u.t[first].at, u.t[last].end
        text += "\n" * source.count("\n", start, end)  # later lines keep their numbers
        edit = (start, end, text)
        if edit in seen:
            continue
        seen.add(edit)
        head = source.rfind("\n", 0, start) + 1
        tail = source.find("\n", end)
        key = (u.owner[first], " ".join(source[head:tail].split()),
               " ".join((source[head:start] + text + source[end:tail]).split()))
        yield Mutant(operator, file, key[0], source.count("\n", 0, start) + 1, key[1], key[2],
                     source, edit, alike[key])
        alike[key] += 1
