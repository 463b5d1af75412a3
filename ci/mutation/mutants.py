"""Finds the places of a C++ source tree that can be changed, with libclang.

A mutant is one small change of one place. All of them go into one copy of the sources, each behind a
test of a global number, so that the tree is compiled once and a mutant is chosen when the program
starts: `a < b` becomes `(MASKPROOF_MUTANT(17) ? (a <= b) : (a < b))`.
"""

import dataclasses
import pathlib
import re

from clang import cindex
from clang.cindex import CursorKind as Kind

# Operator: the operators that stand in for it.
BINARY = {
    "<": ["<=", ">"], "<=": ["<", ">"], ">": [">=", "<"], ">=": [">", "<"],
    "==": ["!="], "!=": ["=="],
    "+": ["-"], "-": ["+"], "*": ["+"], "/": ["*"], "%": ["/"],
    "<<": [">>"], ">>": ["<<"], "&": ["|"], "|": ["&"], "^": ["&"],
    "&&": ["||"], "||": ["&&"],
    "+=": ["-="], "-=": ["+="], "*=": ["+="], "/=": ["*="],
    "|=": ["&="], "&=": ["|="], "<<=": [">>="], ">>=": ["<<="],
}
# Function: the functions that stand in for it. Highway's, the standard library's and our own.
CALLS = {
    "Add": ["Sub"], "Sub": ["Add"], "Mul": ["Add"], "Div": ["Mul"],
    "Max": ["Min"], "Min": ["Max"], "MulAdd": ["NegMulAdd"], "NegMulAdd": ["MulAdd"],
    "And": ["Or"], "Or": ["And"], "AndNot": ["And"], "Xor": ["Or"],
    "Lt": ["Le"], "Le": ["Lt"], "Gt": ["Ge"], "Ge": ["Gt"], "Eq": ["Ne"], "Ne": ["Eq"],
    "IfThenElseZero": ["IfThenZeroElse"], "IfThenZeroElse": ["IfThenElseZero"],
    "InterleaveLower": ["InterleaveUpper"], "InterleaveUpper": ["InterleaveLower"],
    "ConcatLowerLower": ["ConcatUpperUpper"], "ConcatUpperUpper": ["ConcatLowerLower"],
    "ReduceMax": ["ReduceMin"], "MaxOfLanes": ["MinOfLanes"],
    "min": ["max"], "max": ["min"],
    "RoundUp": ["RoundDown"], "RoundDown": ["RoundUp"],
    "countr_zero": ["countl_zero"], "countl_zero": ["countr_zero"],
}
# Calls of these with their last two arguments exchanged.
SWAPPED = {"IfThenElse", "ShiftLeft", "clamp"}
# Statements that only say something to the compiler, or are there for debuggers.
QUIET = re.compile(r"^(\(void\)|static_assert|assert|HWY_ASSERT|HWY_DASSERT)")
FLOAT_OFF = "1.001"


@dataclasses.dataclass
class Mutant:
    file: str  # relative to the source folder
    begin: int  # offsets of what is replaced
    end: int
    text: str  # what stands in for it; for a statement that is dropped, ""
    what: str  # the kind of change
    function: str
    statement: bool = False  # with its semicolon, not an expression
    constexpr: bool = False  # in a function that the compiler may evaluate
    number: int = 0


class Source:
    def __init__(self, path):
        self.data = path.read_bytes()
        self.text = self.data.decode("ascii")

    def line(self, offset):
        return self.text.count("\n", 0, offset) + 1


class Finder:
    """Collects the mutants of every file under `folder`, each place once."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()
        self.sources = {}
        self.mutants = []
        self.seen = set()
        self.steps = {}  # of loops: place of the condition, and what is added to the counter

    def source(self, path):
        if path not in self.sources:
            self.sources[path] = Source(path)
        return self.sources[path]

    def parse(self, path, arguments):
        unit = cindex.Index.create().parse(str(path), args=arguments)
        errors = [d for d in unit.diagnostics if d.severity >= cindex.Diagnostic.Error]
        if errors:
            raise RuntimeError(f"{path} does not parse: {errors[0]}")
        self.visit(unit.cursor, None)

    def inside(self, cursor):
        file = cursor.location.file
        if file is None:
            return None
        path = pathlib.Path(file.name).resolve()
        return path if path.is_relative_to(self.folder) else None

    def visit(self, cursor, function):
        for child in cursor.get_children():
            kind = child.kind
            path = self.inside(child)
            if path is None:
                continue
            if kind == Kind.STATIC_ASSERT or kind == Kind.ENUM_DECL or kind.is_attribute():
                continue
            if kind == Kind.VAR_DECL and self.is_constexpr(child, path):
                continue
            if kind in (Kind.FUNCTION_DECL, Kind.FUNCTION_TEMPLATE, Kind.CXX_METHOD,
                        Kind.CONSTRUCTOR, Kind.DESTRUCTOR, Kind.CONVERSION_FUNCTION):
                self.visit(child, (child.spelling, self.is_constexpr(child, path)))
                continue
            if function is not None:
                self.consider(child, path, function)
            self.visit(child, function)

    def is_constexpr(self, cursor, path):
        begin, end = self.extent(cursor)
        text = self.source(path).text[begin:end]
        return re.match(r"[^({=]*\bconstexpr\b", text) is not None

    @staticmethod
    def extent(cursor):
        return cursor.extent.start.offset, cursor.extent.end.offset

    def add(self, path, begin, end, text, what, function, statement=False):
        key = (path, begin, end, text)
        if key in self.seen:
            return
        self.seen.add(key)
        self.mutants.append(
            Mutant(str(path.relative_to(self.folder)), begin, end, text, what, function[0],
                   statement, function[1]))

    def consider(self, cursor, path, function):
        source = self.source(path)
        begin, end = self.extent(cursor)
        # What a macro makes has the macro's place.
        if cursor.extent.start.file is None or cursor.extent.start.file.name != str(
                cursor.location.file.name):
            return
        text = source.text[begin:end]
        kind = cursor.kind
        if kind in (Kind.BINARY_OPERATOR, Kind.COMPOUND_ASSIGNMENT_OPERATOR):
            self.binary(cursor, path, function, source)
        elif kind == Kind.UNARY_OPERATOR:
            if text.startswith("!"):
                self.add(path, begin, end, text[1:], "drop !", function)
            elif text.startswith("-") and not text.startswith("--"):
                self.add(path, begin, end, text[1:], "drop -", function)
        elif kind == Kind.INTEGER_LITERAL:
            self.integer(path, begin, end, text, function)
        elif kind == Kind.FLOATING_LITERAL:
            if re.fullmatch(r"[0-9.xXa-fA-FpPeE+-]+F?", text):
                zero = float.fromhex(text.rstrip("F")) == 0 if "x" in text.lower() else float(
                    text.rstrip("Ff")) == 0
                to = "1.0F" if zero else f"{text} * {FLOAT_OFF}F"
                if not text.endswith("F"):
                    to = to.replace("F", "") if zero else f"{text} * {FLOAT_OFF}"
                self.add(path, begin, end, to, "constant", function)
        elif kind == Kind.CXX_BOOL_LITERAL_EXPR:
            if text in ("true", "false"):
                self.add(path, begin, end, "false" if text == "true" else "true", "constant",
                         function)
        elif kind == Kind.CALL_EXPR:
            self.call(path, begin, end, text, function)
        elif kind == Kind.CONDITIONAL_OPERATOR:
            self.negate(next(cursor.get_children()), path, function)
        elif kind == Kind.FOR_STMT:
            self.loop(cursor, path, source)
        elif kind == Kind.IF_STMT:
            if not re.match(r"if\s+constexpr", text):
                self.negate(next(cursor.get_children()), path, function)
        if kind in (Kind.COMPOUND_STMT, Kind.IF_STMT, Kind.FOR_STMT, Kind.WHILE_STMT,
                    Kind.CXX_FOR_RANGE_STMT):
            self.statements(cursor, path, function, source)

    def binary(self, cursor, path, function, source):
        children = list(cursor.get_children())
        if len(children) != 2:
            return
        begin, end = self.extent(cursor)
        left = self.extent(children[0])
        right = self.extent(children[1])
        if not begin == left[0] <= left[1] <= right[0] <= right[1] == end:
            return
        between = source.text[left[1]:right[0]]
        operator = between.strip()
        # A bracket that the extents leave out, or a comment.
        if operator not in BINARY:
            return
        a, b = source.text[left[0]:left[1]], source.text[right[0]:right[1]]
        for other in BINARY[operator]:
            self.add(path, begin, end, f"({a}) {other} ({b})", f"{operator} to {other}", function)
        if operator == "<" and (path, begin, end) in self.steps:
            step = self.steps[(path, begin, end)]
            self.add(path, begin, end, f"({a}) + ({step}) < ({b})", "one less", function)

    def loop(self, cursor, path, source):
        for child in cursor.get_children():
            begin, end = self.extent(child)
            step = re.match(r";\s*(?:\+\+|[\w.]+ \+= ([^,;)]+))", source.text[end:])
            if child.kind == Kind.BINARY_OPERATOR and step:
                self.steps[(path, begin, end)] = step.group(1) or "1"

    def integer(self, path, begin, end, text, function):
        match = re.fullmatch(r"(0[xX][0-9a-fA-F]+|[0-9]+)([uUlL]*)", text)
        if not match:
            return
        value = int(match.group(1), 0)
        for other in {value + 1, value - 1} - {-1}:
            self.add(path, begin, end, f"{other}{match.group(2)}", "constant", function)

    def call(self, path, begin, end, text, function):
        match = re.match(r"((?:\w+::)*)(\w+)((?:<[^<>()]*>)?)\(", text)
        if not match:
            return
        prefix, name, template = match.groups()
        rest = text[match.end() - 1:]
        for other in CALLS.get(name, []):
            self.add(path, begin, end, f"{prefix}{other}{template}{rest}", f"{name} to {other}",
                     function)
        if name in SWAPPED:
            parts = split_arguments(rest)
            if len(parts) >= 2:
                parts[-1], parts[-2] = parts[-2], parts[-1]
                self.add(path, begin, end, f"{prefix}{name}{template}({', '.join(parts)})",
                         f"{name} swapped", function)

    def negate(self, condition, path, function):
        begin, end = self.extent(condition)
        text = self.source(path).text[begin:end]
        if condition.kind.is_expression() and not re.match(r"^!|.*[=!]=", text):
            self.add(path, begin, end, f"!({text})", "negate", function)

    def statements(self, cursor, path, function, source):
        for child in cursor.get_children():
            kind = child.kind
            begin, end = self.extent(child)
            text = source.text[begin:end]
            if source.text[end:end + 1] != ";" or QUIET.match(text):
                continue
            # The header of a for statement is no statement.
            if cursor.kind == Kind.FOR_STMT and source.text[end:].lstrip("; ").startswith(("++", ")")):
                continue
            if cursor.kind == Kind.FOR_STMT and child != list(cursor.get_children())[-1]:
                continue
            if kind in (Kind.CALL_EXPR, Kind.BINARY_OPERATOR, Kind.UNARY_OPERATOR,
                        Kind.COMPOUND_ASSIGNMENT_OPERATOR, Kind.UNEXPOSED_EXPR):
                self.add(path, begin, end, "", "drop statement", function)
            elif kind in (Kind.CONTINUE_STMT, Kind.BREAK_STMT):
                self.add(path, begin, end + 1, "", "drop statement", function, statement=True)


def split_arguments(text):
    """The top-level arguments of "(a, b(c, d))"."""
    parts, depth, start = [], 0, 1
    for i, c in enumerate(text):
        if c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
            if depth == 0:
                parts.append(text[start:i].strip())
                return parts if i == len(text) - 1 else []
        elif c == "," and depth == 1:
            parts.append(text[start:i].strip())
            start = i + 1
    return []


def find(folder, units, arguments):
    """All mutants of `folder`, numbered from 1 in the order of file and place."""
    finder = Finder(folder)
    for unit in units:
        finder.parse(unit, arguments)
    mutants = sorted(finder.mutants, key=lambda m: (m.file, m.begin, -m.end, m.text))
    for number, mutant in enumerate(mutants, 1):
        mutant.number = number
    sources = {str(p.relative_to(finder.folder)): s for p, s in finder.sources.items()}
    return mutants, sources
